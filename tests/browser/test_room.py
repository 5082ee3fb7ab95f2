"""Rooms: one link, opened by somebody else, and the two are connected."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Locator, expect

from pychat.ui import strings
from tests.browser.conftest import LaunchBrowser, MakePerson, OpenContext, in_chromium
from tests.browser.people import CONNECT, Person
from tests.friend import Friend, MakeFriend


def open_room(someone: Person | Friend) -> str:
    """Open a new room; returns the part of its link that is behind the page's address."""
    if isinstance(someone, Friend):
        return someone.open_room()
    someone.button("New chat link").click()
    expect(someone.status).to_contain_text("Waiting for them to join", timeout=CONNECT)
    return link_of(someone)


def link_field(someone: Person) -> Locator:
    return someone.page.get_by_role("textbox", name="Chat link")


def link_of(someone: Person) -> str:
    field = link_field(someone)
    expect(field).not_to_have_value("", timeout=CONNECT)
    return "/#" + field.input_value().partition("#")[2]


def manage(someone: Person) -> Locator:
    """Open the room's dialog."""
    someone.act("Chat link").click()
    dialog = someone.page.get_by_role("dialog", name="Chat link")
    expect(dialog).to_be_visible()
    return dialog


def set_locked(someone: Person, *, locked: bool) -> None:
    dialog = manage(someone)
    dialog.get_by_role("checkbox", name="Lock this chat").set_checked(locked)
    dialog.get_by_role("button", name="Close").click()


def meet(*people: Person | Friend) -> str:
    """The first one opens a room, the others its link."""
    link = open_room(people[0])
    for someone in people[1:]:
        someone.enter(link)
    for someone in people:
        someone.expect_state("open")
    return link


def test_a_link_connects(person: MakePerson, friend: MakeFriend, server: str) -> None:
    ann, bob = person("Ann"), friend("Bob")
    link = open_room(ann)
    assert link_field(ann).input_value() == server + link
    ann.say("written while waiting")
    bob.enter(link)
    for each in (ann, bob):
        each.expect_state("open")
    bob.hears("written while waiting")
    bob.say("and back")
    ann.expect_messages("written while waiting", "and back")
    ann.expect_other("Bob", "Not verified")
    assert ann.signs() == bob.signs


@in_chromium
def test_both_may_begin_in_the_same_moment(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    link = open_room(ann)
    ann.page.evaluate("location.reload()")
    bob.enter(link)
    bob.stay()
    for each in (ann, bob):
        each.expect_state("open")
    ann.say("hello")
    bob.hears("hello")


def test_a_link_leads_from_one_browser_to_another(launch_browser: LaunchBrowser, open_context: OpenContext) -> None:
    ann, bob = (Person.at(open_context(launch_browser(name))) for name in ("chromium", "firefox"))
    meet(ann, bob)
    ann.say("from Chromium")
    bob.say("from Firefox")
    ann.expect_delivered(1)
    bob.expect_delivered(1)
    bob.act("Leave").click()
    bob.button("Go back to the chat").click()  # and now it is for the other one to answer
    for each in (ann, bob):
        each.expect_state("open")


@in_chromium
def test_whoever_reloads_is_back(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    meet(ann, bob)
    ann.say("before")
    bob.expect_messages("before")
    bob.again()
    bob.expect_state("open")
    ann.expect_state("open")
    ann.say("after")
    bob.expect_messages("before", "after")


@in_chromium
def test_whoever_reloads_is_back_in_all_rooms(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cay = person("Ann"), friend("Bob"), friend("Cay")
    first = meet(ann, bob)
    ann.button("New chat link").click()
    expect(link_field(ann)).not_to_have_value(re.compile(f"(^|{re.escape(first)})$"), timeout=CONNECT)
    cay.enter(link_of(ann))
    for each in (ann, cay):
        each.expect_state("open")
    for each in (bob, cay):
        each.stay()
    ann.again()
    for name, each in (("Bob", bob), ("Cay", cay)):
        ann.people.filter(has_text=name).click()
        ann.expect_other(name, "Known, not verified")
        ann.expect_state("open")
        each.say("still there?")
        ann.expect_messages("still there?")
        ann.say(f"hello {name}")
    bob.hears("hello Bob")
    cay.hears("hello Cay")


@in_chromium
def test_a_third_one_is_told_and_gets_the_seat_that_is_free(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cay = person("Ann"), friend("Bob"), person("Cay")
    link = meet(ann, bob)
    cay.enter(link)
    expect(cay.status).to_contain_text("This chat is full", timeout=CONNECT)
    expect(link_field(cay)).to_be_hidden()  # for nobody else is to be asked in
    ann.expect_state("open")
    bob.leave()
    cay.expect_state("open")
    cay.say("now it is me")
    ann.people.filter(has_text="Cay").click()
    expect(ann.log.get_by_text("now it is me")).to_be_visible(timeout=CONNECT)
    ann.expect_other("Cay", "Not verified")


def test_in_a_second_tab_the_chat_is_open_elsewhere_until_it_is_used_there(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = friend("Ann"), person("Bob")
    link = meet(ann, bob)
    ann.stay()
    tab = Person(bob.page.context.new_page())
    tab.page.goto(link)  # this browser has been in the room: nothing is asked
    use_here = tab.button("Use here")
    expect(use_here).to_be_visible(timeout=CONNECT)
    expect(tab.status).to_contain_text("This chat is open in another tab")
    bob.expect_state("open")
    bob.message_box.fill("half a line")
    use_here.click()
    tab.expect_state("open")
    expect(bob.status).to_contain_text("This chat is open in another tab", timeout=CONNECT)
    expect(bob.message_box).to_have_value("half a line")
    ann.say("to the tab that is in use")
    for one in (tab, bob):
        one.expect_messages("to the tab that is in use")
    bob.say("from the tab that is not")
    ann.hears("from the tab that is not")
    for one in (tab, bob):
        one.expect_messages("to the tab that is in use", "from the tab that is not")
        one.expect_delivered(1)
    bob.button("Use here").click()
    bob.expect_state("open")
    ann.say("to the first tab")
    bob.expect_messages("to the tab that is in use", "from the tab that is not", "to the first tab")
    expect(use_here).to_be_visible(timeout=CONNECT)
    bob.page.close()  # then the seat is free, and the lease too
    tab.expect_state("open")


@in_chromium
def test_a_tab_that_cannot_tell_whether_the_other_one_is_alive_takes_over(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = friend("Ann"), person("Bob")
    link = meet(ann, bob)
    bob.page.context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'locks', {get() { throw new Error('no locks here'); }})"
    )
    tab = Person(bob.page.context.new_page())
    tab.page.goto(link)  # this browser has been in the room: nothing is asked
    tab.expect_state("open")
    expect(bob.button("Use here")).to_be_visible(timeout=CONNECT)
    ann.say("to the last tab")
    tab.expect_messages("to the last tab")


@in_chromium
def test_a_room_can_be_locked_and_opened_again(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    link = open_room(ann)
    set_locked(ann, locked=True)
    expect(ann.status).to_contain_text("This chat is locked")
    expect(ann.page.get_by_role("region", name="Next step")).to_be_hidden()
    dialog = manage(ann)
    expect(dialog).to_contain_text(strings.ROOM_NOTE_LOCKED)
    dialog.get_by_role("button", name="Close").click()
    bob.enter(link)
    bob.expect_status("You are not let in")
    set_locked(ann, locked=False)
    for each in (ann, bob):
        each.expect_state("open")


@in_chromium
def test_who_comes_to_a_locked_room_is_told_and_let_in_when_it_is_opened(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = friend("Ann"), person("Bob")
    link = open_room(ann)
    ann.set_locked(locked=True)
    bob.enter(link)
    expect(bob.status).to_contain_text("You are not let in", timeout=CONNECT)
    ann.set_locked(locked=False)
    for each in (ann, bob):
        each.expect_state("open")


@in_chromium
def test_a_new_link_takes_the_place_of_the_old_one(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cay = person("Ann"), friend("Bob"), friend("Cay")
    old = meet(ann, bob)
    dialog = manage(ann)
    dialog.get_by_role("button", name="Make a new link").click()
    expect(dialog.get_by_role("status").filter(has_text="The chat has a new link.")).to_be_visible()
    new = link_of(ann)
    assert new != old
    bob.expect_link(new)  # it was told over the connection, which stays
    newest = bob.renew_link()
    assert newest not in (old, new)
    expect(link_field(ann)).to_have_value(re.compile(f"{re.escape(newest)}$"), timeout=CONNECT)
    dialog.get_by_role("button", name="Close").click()
    ann.say("still here")
    bob.hears("still here")
    bob.leave()
    cay.enter(old)
    cay.expect_status("Waiting for them to join")  # where nobody is
    cay.enter(newest)
    ann.people.filter(has_text="Cay").click(timeout=CONNECT)  # a line of their own, for it was Bob who was there
    ann.expect_state("open")


@in_chromium
def test_with_the_keyboard_alone(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    ann.name_field.focus()
    ann.page.keyboard.press("Tab")
    expect(ann.button("New chat link")).to_be_focused()
    ann.page.keyboard.press("Enter")
    link = link_of(ann)
    link_field(ann).focus()
    assert ann.page.evaluate("getSelection().toString()") == link_field(ann).input_value()
    bob.enter(link)
    ann.expect_state("open")
    ann.button("Menu").focus()
    ann.page.keyboard.press("Enter")
    expect(ann.act("Chat link")).to_be_focused()
    ann.page.keyboard.press("Enter")
    lock = ann.page.get_by_role("checkbox", name="Lock this chat")
    lock.focus()
    ann.page.keyboard.press("Space")
    expect(lock).to_be_checked()
    ann.page.keyboard.press("Escape")
    expect(ann.button("Menu")).to_be_focused()


@in_chromium
def test_a_mangled_link_is_refused_in_words(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person("Bob")
    link = open_room(ann)
    bob.page.goto(link[:-4])
    expect(bob.page.get_by_role("alert").filter(has_text="incomplete")).to_be_visible()
    bob.page.goto(link[:-1] + ("A" if link[-1] != "A" else "B"))
    expect(bob.page.get_by_role("alert").filter(has_text="code")).to_be_visible()
    ann.expect_status("Waiting for them to join")


@in_chromium
def test_the_secret_stays_behind_the_hash(person: MakePerson) -> None:
    """No request, no title and no other page that is opened from here has it."""
    ann = person("Ann")
    requests: list[str] = []
    ann.page.on("request", lambda request: requests.append(request.url + str(request.headers)))
    ann.page.on("websocket", lambda websocket: requests.append(websocket.url))
    secret = open_room(ann).removeprefix("/#")
    ann.again()
    expect(ann.status).to_contain_text("Waiting for them to join", timeout=CONNECT)
    assert any(request.startswith("ws") for request in requests)
    assert not any(secret in request for request in requests)
    assert secret not in ann.page.title()
    ann.act("Leave").click()
    assert secret not in ann.page.url


@in_chromium
def test_a_pasted_link_leads_into_the_room_whatever_became_of_it(
    person: MakePerson, friend: MakeFriend, server: str
) -> None:
    guest = person("Guest")
    mangled: dict[str, Callable[[str], str]] = {
        "Ann": lambda link: f"Come in:\n{link} see you",
        "Bob": lambda link: f"agenda: http://other.example/notes#top - room: {link.replace('http', 'HTTP', 1)}",
        "Cleo": lambda link: (
            "https://nam02.safelinks.protection.outlook.com/"
            f"?url={quote(link.replace('/#', '/?fbclid=IwAR0#'), safe='')}&data=05%7C01&reserved=0"
        ),
        "Dora": lambda link: f"{link.replace('#', '%2523')}.",
    }
    for name, mangle in mangled.items():
        host = friend(name)
        guest.paste(mangle(server + open_room(host)))
        host.expect_state("open")
        guest.expect_other(name, "Not verified")
