"""Where there is little room: nothing that is needed is out of sight, and nothing lies on what is written."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from pychat.ui import strings
from tests.browser.conftest import MakePerson, Watch, in_chromium
from tests.browser.people import CONNECT, Person, connect
from tests.browser.test_room import link_field, open_room
from tests.browser.test_screens import LANDSCAPE, PHONE, box, card
from tests.friend import MakeFriend

pytestmark = in_chromium

SCROLLS = "document.documentElement.scrollHeight > document.documentElement.clientHeight"
RENAMED = "Bob, whom you verified, now uses the name “Robert the Second”."


def expect_in_sight(someone: Person, *buttons: str) -> None:
    for button in buttons:
        expect(someone.button(button)).to_be_in_viewport(ratio=1)


def test_the_page_itself_does_not_scroll_however_many_people_there_are(person: MakePerson) -> None:
    ann = person("Ann", viewport=PHONE)
    for _ in range(6):
        ann.make_invite()
        assert not ann.page.evaluate(SCROLLS)
        ann.button("Back").click()
        assert not ann.page.evaluate(SCROLLS)
    ann.page.set_viewport_size(LANDSCAPE)
    for _ in range(6):
        assert not ann.page.evaluate(SCROLLS)
        ann.make_invite()
        assert not ann.page.evaluate(SCROLLS)


def test_what_leads_to_new_messages_lies_on_the_messages_and_not_on_what_is_written(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = friend("Ann"), person("Bob", viewport=PHONE)
    connect(ann, bob)
    ann.say(*(f"number {number}" for number in range(20)))
    expect(bob.messages.last).to_contain_text("number 19", timeout=CONNECT)
    bob.message_box.fill("a line\n" * 8)
    bob.log.evaluate(
        """log => new Promise(scrolled => {
            log.addEventListener("scroll", scrolled, {once: true});
            log.scrollTop = 0;
        })"""
    )
    ann.say("one more")
    newer = bob.button("New messages")
    expect(newer).to_be_visible(timeout=CONNECT)
    for width, height in ((390, 844), (844, 390)):
        bob.page.set_viewport_size({"width": width, "height": height})
        assert box(newer)["y"] + box(newer)["height"] <= box(bob.message_box)["y"]
    newer.click()
    expect(bob.messages.last).to_be_in_viewport()


def test_a_long_text_that_cannot_be_sent_and_why_are_in_sight_on_a_phone_on_its_side(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann", viewport=LANDSCAPE), friend("Bob" * 20)
    connect(ann, bob)
    ann.message_box.fill("word " * 2000)
    ann.message_box.press("Enter")
    expect(ann.page.get_by_text("A message has at most")).to_be_in_viewport(ratio=1)
    expect_in_sight(ann, "Send", "Menu")
    expect(ann.message_box).to_be_in_viewport(ratio=1)
    headline = ann.page.locator('.bar [data-part="headline"]')
    assert box(headline)["y"] >= box(ann.title)["y"] + box(ann.title)["height"]  # in a line below the name


def test_most_of_the_room_is_for_messages_and_their_column_is_not_too_wide(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann", viewport=PHONE), friend("Bob")
    connect(ann, bob)
    ann.say("from the right")
    bob.say("from the left")
    expect(ann.messages).to_have_count(2, timeout=CONNECT)
    for width, height in ((390, 400), (844, 390)):  # with a keyboard on the screen, or on its side
        ann.page.set_viewport_size({"width": width, "height": height})
        assert box(ann.log)["height"] >= height / 2, (width, height)
    ann.page.set_viewport_size({"width": 1920, "height": 1080})
    right, left, log = box(ann.messages.first), box(ann.messages.last), box(ann.log)
    assert right["x"] + right["width"] - left["x"] == 760
    beside = left["x"] - log["x"], log["x"] + log["width"] - right["x"] - right["width"]
    assert abs(beside[0] - beside[1]) <= 1  # in the middle


def test_nothing_moves_when_it_is_said_otherwise_how_the_connection_stands(person: MakePerson) -> None:
    ann = person("Ann", viewport=PHONE)
    open_room(ann)
    below = card(ann)
    before = box(below)["y"]
    for sentence in ("Short.", strings.ROOM_WAITING[1], strings.LOST[1], strings.SECURING[1]):
        ann.page.locator('[data-part="sentence"]').evaluate("(place, text) => { place.textContent = text; }", sentence)
        assert box(below)["y"] == before, sentence


def test_a_link_or_an_invite_can_be_copied_on_a_phone_on_its_side(person: MakePerson) -> None:
    ann = person("Ann", viewport=LANDSCAPE)
    open_room(ann)
    ann.say("hello")
    ann.button("Show the link").click()
    expect(link_field(ann)).to_be_in_viewport(ratio=1)
    expect_in_sight(ann, "Copy link", "Less", "Send")
    card(ann).evaluate("card => { card.scrollTop = card.scrollHeight; }")
    expect_in_sight(ann, "Less")
    ann.make_invite()
    expect_in_sight(ann, "Copy invite", "Copy as link", "Send")


def test_what_sends_a_hint_away_stands_beside_it(person: MakePerson) -> None:
    ann = person("Ann", viewport=PHONE)
    open_room(ann)
    hint = ann.page.locator('[data-part="hint"]')
    hint.evaluate(
        """(hint, [text, accept]) => {
            hint.hidden = false;
            hint.querySelector("p").textContent = text;
            hint.querySelector('[data-part="hint-compare"]').hidden = true;
            const button = hint.querySelector('[data-part="name-accept"]');
            [button.hidden, button.textContent] = [false, accept];
        }""",
        [RENAMED, strings.ACCEPT_NAME],
    )
    for width in (320, 360, 390):
        ann.page.set_viewport_size({"width": width, "height": 700})
        text, close = box(hint.locator("p")), box(hint.get_by_role("button", name="Not now"))
        assert text["y"] <= close["y"] + close["height"] / 2 <= text["y"] + text["height"], width


def test_that_the_page_could_not_be_loaded_is_in_sight_on_a_phone_on_its_side(page: Page, watch: Watch) -> None:
    watch.expect_errors = True
    page.set_viewport_size({"width": 844, "height": 390})
    page.route(re.compile(r"\.wasm"), lambda route: route.abort())
    page.goto("/")
    failure = page.locator("#boot-error")
    expect(failure).to_be_in_viewport(ratio=1, timeout=CONNECT)
