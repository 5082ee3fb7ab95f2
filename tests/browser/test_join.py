"""A link is not enough to learn who somebody is: nothing is asked of anybody until they have pressed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, expect

from pychat.ui import strings
from tests.browser.conftest import MakePerson, OpenContext, in_chromium
from tests.browser.people import A_CODE, BOOT, CONNECT, Person
from tests.browser.test_room import open_room
from tests.friend import MakeFriend

SLOW_SEAL = """
if (isSecureContext) {
  const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
  let allowed;
  window.holdSealing = () => { allowed = new Promise(resolve => { window.allowSealing = resolve; }); };
  window.holdSealing();
  const replace = history.replaceState.bind(history);
  history.replaceState = (...items) => {
    replace(...items);
    document.documentElement.dataset.kept = Boolean(history.state.rooms);
  };
  crypto.subtle.encrypt = async (...items) => {
    document.documentElement.dataset.sealing = "";
    await allowed;
    return encrypt(...items);
  };
}
"""

GuestAt = Callable[[str], Person]

RECORD = """
window.reached = [];
for (const name of ["RTCPeerConnection", "WebSocket"]) {
  window[name] = new Proxy(window[name], {
    construct(target, items) { window.reached.push(name); return new target(...items); },
  });
}
"""


def join(someone: Person) -> Locator:
    return someone.page.get_by_role("region", name="Join the chat")


def enter_button(someone: Person) -> Locator:
    return someone.page.locator('[data-part="room-enter"]')


@pytest.fixture
def guest_at(browser: Browser, open_context: OpenContext) -> GuestAt:
    """Opens a link as somebody who has never been here; what their page reaches for is noted."""

    def open_link(link: str) -> Person:
        context = open_context(browser)
        context.add_init_script(RECORD)
        return Person.at(context, link)

    return open_link


def reached(someone: Person) -> list[str]:
    return list(someone.page.evaluate("reached"))


def go_to(someone: Person, link: str) -> None:
    """Open the link on the page that is open already."""
    someone.page.evaluate("link => { location.hash = link; }", link.removeprefix("/"))


def test_the_link_of_a_room_asks_before_it_goes_in(friend: MakeFriend, guest_at: GuestAt) -> None:
    ann = friend("Ann")
    bob = guest_at(open_room(ann))
    expect(join(bob)).to_be_visible()
    expect(join(bob)).to_be_focused()
    bob.go_by("Bob")
    expect(enter_button(bob)).to_be_focused()
    assert reached(bob) == []
    bob.again()  # a reload at the door asks again
    expect(join(bob)).to_be_visible()
    assert reached(bob) == []
    ann.expect_alone()

    enter_button(bob).click()
    expect(join(bob)).to_be_hidden()
    for each in (ann, bob):
        each.expect_state("open")
    bob.expect_other("Ann", "Not verified")
    ann.expect_other("Bob")
    assert sorted(set(reached(bob))) == ["RTCPeerConnection", "WebSocket"]


@in_chromium
def test_a_reload_while_the_code_is_being_sealed_asks_again(
    friend: MakeFriend, browser: Browser, open_context: OpenContext
) -> None:
    link = open_room(friend("Ann"))
    context = open_context(browser)
    context.add_init_script(SLOW_SEAL)
    bob = Person(context.new_page())
    bob.page.goto(link)
    expect(bob.page.locator("html[data-sealing]")).to_be_attached(timeout=BOOT)
    bob.page.reload()
    expect(bob.page.locator("html[data-sealing]")).to_be_attached(timeout=BOOT)
    bob.page.evaluate("allowSealing()")
    expect(join(bob)).to_be_visible(timeout=BOOT)
    assert bob.page.evaluate("history.state.code") == ""
    bob.again()
    expect(join(bob)).to_be_visible()


@in_chromium
def test_a_reload_while_another_code_is_being_sealed_comes_back_to_the_room_that_one_is_in(
    friend: MakeFriend, browser: Browser, open_context: OpenContext
) -> None:
    link = open_room(friend("Ann"))
    context = open_context(browser)
    context.add_init_script(SLOW_SEAL)
    bob = Person.at(context)
    bob.page.evaluate("allowSealing()")
    open_room(bob)
    expect(bob.page.locator("html[data-kept=true]")).to_be_attached()
    bob.page.evaluate("holdSealing()")
    go_to(bob, link)
    expect(join(bob)).to_be_visible()
    bob.page.reload()
    bob.wait_until_ready()
    expect(join(bob)).to_be_visible()
    expect(bob.page.locator('[data-part="people"] button')).to_have_count(1)
    bob.page.evaluate("allowSealing()")


@in_chromium
def test_a_reload_at_the_door_asks_again_whoever_is_in_another_room(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person("Bob")
    link = open_room(ann)
    open_room(bob)
    go_to(bob, link)
    expect(join(bob)).to_be_visible(timeout=BOOT)
    for width, height in ((390, 844), (1280, 800)):
        bob.page.set_viewport_size({"width": width, "height": height})
        bob.again()
        expect(join(bob)).to_be_visible()
        expect(join(bob)).to_be_focused()
        expect(bob.page.locator('[data-part="people"] button')).to_have_count(1)
    enter_button(bob).click()
    for each in (ann, bob):
        each.expect_state("open")
    expect(join(bob)).to_be_hidden()


def test_an_invite_in_a_link_leaves_no_trace_and_reaches_for_nothing_before_it_is_pressed(
    friend: MakeFriend, guest_at: GuestAt
) -> None:
    ann = friend("Ann")
    invite = ann.make_invite()
    bob = guest_at(f"/#{invite}")
    expect(bob.paste_box).to_have_value(invite)
    expect(bob.page).not_to_have_url(f"**#{invite}")
    assert "#" not in bob.page.url
    assert reached(bob) == []

    bob.button("Connect").click()
    expect(bob.reply).to_have_value(A_CODE, timeout=CONNECT)
    ann.paste(bob.reply.input_value())
    for each in (ann, bob):
        each.expect_state("open")


@in_chromium
def test_who_was_in_a_room_once_is_not_asked_by_its_link(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cay = friend("Ann"), person("Bob"), friend("Cay")
    link = open_room(ann)
    bob.enter(link)
    bob.expect_state("open")
    bob.act("Leave").click()
    ann.expect_left()
    again = Person.at(bob.page.context, link)
    cay.enter(link)
    for each in (again, cay):
        each.expect_state("open")
    kept = again.page.evaluate("JSON.stringify(Object.values(localStorage))")
    assert link.removeprefix("/#") not in kept


@in_chromium
def test_who_does_not_want_to_stays_where_they_are(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person("Bob")
    go_to(bob, open_room(ann))
    expect(join(bob)).to_be_visible(timeout=BOOT)
    expect(bob.status).to_contain_text(strings.AT_THE_DOOR[1])
    for other in (bob.button("New chat link"), bob.paste_box, bob.page.get_by_text("Other ways")):
        expect(other).to_be_hidden()  # there is one decision
    bob.button("Not now").click()
    expect(bob.status).to_contain_text(strings.IDLE[1])
    expect(join(bob)).to_be_hidden()
    expect(bob.name_field).to_have_value("Bob")
    bob.expect_state("idle")
    ann.expect_alone()
