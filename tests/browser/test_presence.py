"""What the two see of each other: typing, away, read; and that it can be switched off."""

from __future__ import annotations

from playwright.sync_api import expect

from pychat.ui import strings
from tests.browser.conftest import MakePerson, in_chromium
from tests.browser.people import CONNECT, Person
from tests.browser.test_room import meet
from tests.browser.test_settings import open_settings

LOOK_ELSEWHERE = """() => {
    document.hasFocus = () => false;
    window.dispatchEvent(new Event("blur"));
}"""
LOOK_HERE = """() => {
    delete document.hasFocus;
    window.dispatchEvent(new Event("focus"));
}"""
"""Where a page is driven it has the focus for good, whatever lies in front of it."""


def expect_doing(person: Person, words: str) -> None:
    """What a person is shown that the other one does."""
    expect(person.page.locator('[data-part="headline"]')).to_have_text(words, timeout=CONNECT)


def expect_read(person: Person, *read: bool) -> None:
    """Which of their messages, all delivered, a person is shown to be read."""
    person.expect_delivered(len(read))
    for at, is_read in enumerate(read):
        message = person.messages.nth(at)
        expect(message).to_have_attribute("data-read", "true" if is_read else "false", timeout=CONNECT)
        expect(message.locator(".delivery")).to_have_text("Read" if is_read else "Delivered")


@in_chromium
def test_it_is_shown_who_types_and_who_is_away(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    ann.page.clock.install()
    meet(ann, bob)
    ann.message_box.press_sequentially("hello")
    expect_doing(bob, strings.TYPING)
    ann.message_box.press("Enter")
    bob.expect_messages("hello")
    expect_doing(bob, strings.OPEN[0])
    ann.message_box.press_sequentially("or")
    expect_doing(bob, strings.TYPING)
    ann.message_box.fill("")
    expect_doing(bob, strings.OPEN[0])

    ann.page.clock.fast_forward("06:00")
    expect_doing(bob, strings.AWAY)
    expect(bob.page.locator('[data-part="status-said"]')).not_to_contain_text(strings.AWAY)
    ann.page.mouse.move(100, 100)
    ann.page.mouse.move(200, 200)
    expect_doing(bob, strings.OPEN[0])


@in_chromium
def test_what_was_in_sight_is_read_and_that_can_be_switched_off(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    meet(ann, bob)
    ann.say("one")
    expect_read(ann, True)
    bob.page.evaluate(LOOK_ELSEWHERE)
    ann.say("two")
    bob.expect_messages("one", "two")
    expect_read(ann, True, False)
    bob.page.evaluate(LOOK_HERE)
    expect_read(ann, True, True)

    dialog = open_settings(ann)
    dialog.get_by_role("checkbox", name="What you have read").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect_read(ann, False, False)
    bob.say("three")
    ann.expect_messages("one", "two", "three")
    ann.say("four")
    bob.expect_messages("one", "two", "three", "four")
    expect(bob.messages.nth(2)).to_have_attribute("data-read", "false")
    dialog = open_settings(ann)
    expect(dialog.get_by_role("checkbox", name="What you have read")).not_to_be_checked()
    expect(dialog.get_by_role("checkbox", name="When you are typing")).to_be_checked()


@in_chromium
def test_what_comes_below_is_read_when_the_reader_is_there(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    bob.page.clock.install()
    meet(ann, bob)
    for number in range(20):
        ann.say(f"{number}\nis one\nof many\nlines")
    expect_read(ann, *[True] * 20)
    bob.scroll_up()
    ann.say("the end")
    expect(bob.button("New messages")).to_be_visible()
    bob.page.clock.fast_forward("00:05")  # if it counted as read, that would be told by now
    bob.message_box.press_sequentially("hm")
    expect_doing(ann, strings.TYPING)
    expect_read(ann, *[True] * 20, False)
    bob.button("New messages").click()
    expect_read(ann, *[True] * 21)
