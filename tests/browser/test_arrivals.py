"""Who writes decides who reads: nothing that others do changes what is shown, or where the focus is."""

from __future__ import annotations

from playwright.sync_api import expect

from pychat.ui import words
from tests.browser.conftest import MakePerson
from tests.browser.people import CONNECT
from tests.browser.test_room import meet, open_room


def test_whoever_comes_where_somebody_else_was_known_is_a_line_in_the_list(person: MakePerson) -> None:
    ann, bob, cay = person("Ann"), person("Bob"), person("Cay")
    link = meet(ann, bob)
    bob.button("Leave").click()
    expect(ann.status).to_contain_text("They left", timeout=CONNECT)
    ann.page.bring_to_front()
    ann.message_box.click()
    ann.page.keyboard.type("for Bob ")

    cay.enter(link)
    cay.expect_state("open")
    expect(ann.people).to_have_count(2)
    expect(ann.people.last).to_contain_text("Cay")
    expect(ann.people.last.locator(".unread")).to_have_text(words.NEW)
    expect(ann.status).to_contain_text(words.ROOM_VISITOR[0])
    expect(ann.title).to_have_text("Bob")
    expect(ann.message_box).to_be_focused()
    ann.page.keyboard.type("alone")
    ann.page.keyboard.press("Enter")
    ann.expect_messages("for Bob alone")
    ann.page.keyboard.type("for Bob, too")

    ann.people.last.click()
    ann.expect_other("Cay", "Not verified")
    expect(ann.people.last.locator(".unread")).to_have_text("")
    expect(ann.message_box).to_have_value("")
    ann.say("hello Cay")
    cay.expect_messages("hello Cay")
    ann.people.first.click()
    expect(ann.message_box).to_have_value("for Bob, too")


def test_the_focus_stays_with_whoever_does_something_else(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    link = open_room(ann)
    ann.page.bring_to_front()
    ann.paste_box.click()
    bob.enter(link)
    ann.expect_state("open")
    expect(ann.paste_box).to_be_focused()
