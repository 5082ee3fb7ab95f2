"""What can be done with a message: answer it, react to it, edit it, delete it for both; also by keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.conftest import LaunchBrowser, MakePerson, OpenContext, in_chromium
from tests.browser.people import Person
from tests.browser.test_history import come_back
from tests.browser.test_room import meet
from tests.friend import MakeFriend


def menu(someone: Person) -> Locator:
    return someone.page.get_by_role("menu", name="What to do with the message")


def open_menu(someone: Person, number: int) -> Locator:
    message = someone.messages.nth(number)
    message.hover()
    message.locator('[data-part="message-menu"]').click()
    expect(menu(someone)).to_be_visible()
    return menu(someone)


def choose(someone: Person, number: int, name: str) -> None:
    open_menu(someone, number).get_by_role("menuitem", name=name).click()
    expect(menu(someone)).to_be_hidden()


def box(someone: Person) -> Locator:
    return someone.page.get_by_role("textbox", name="Message")


def reactions(someone: Person, number: int) -> Locator:
    return someone.messages.nth(number).locator('[data-part="reaction"]')


def test_both_see_replies_edits_reactions_and_what_was_deleted(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    meet(ann, bob)
    ann.say("tea or cofee?")
    bob.expect_messages("tea or cofee?")

    choose(bob, 0, "Reply")
    expect(bob.page.locator('[data-part="composer-about"]')).to_contain_text("Reply to Ann: tea or cofee?")
    bob.say("tea")
    expect(bob.page.locator('[data-part="composer-about"]')).to_be_hidden()
    ann.expect_messages("tea or cofee?", "tea")
    quote = ann.messages.nth(1).locator('[data-part="quoted"]')
    expect(quote).to_have_text("You tea or cofee?")
    quote.click()
    expect(ann.messages.nth(0)).to_have_attribute("data-found", "true")

    choose(ann, 0, "Edit")
    expect(box(ann)).to_have_value("tea or cofee?")
    box(ann).fill("tea or coffee?")
    box(ann).press("Enter")
    expect(box(ann)).to_have_value("")
    for someone in (ann, bob):
        someone.expect_messages("tea or coffee?", "tea")
        expect(someone.messages.nth(0).locator(".edited")).to_have_text("edited")
        expect(someone.messages.nth(1).locator(".quoted-text")).to_have_text("tea or coffee?")
    choose(bob, 0, "What it said before")
    dialog = bob.page.get_by_role("dialog", name="What it said before")
    expect(dialog.get_by_role("listitem")).to_have_text(re.compile(r"\d\d:\d\d tea or cofee\?"))
    dialog.get_by_role("button", name="Close").click()

    open_menu(bob, 0).get_by_role("menuitemcheckbox", name="👍").click()
    expect(reactions(ann, 0)).to_have_attribute("aria-label", "👍 Bob")
    reactions(ann, 0).click()
    for someone, names in ((ann, "You and Bob"), (bob, "You and Ann")):
        expect(reactions(someone, 0)).to_have_text("👍 2")
        expect(reactions(someone, 0)).to_have_attribute("aria-label", f"👍 {names}")
    open_menu(bob, 0).get_by_role("menuitemcheckbox", name="❤️").click()
    expect(reactions(ann, 0)).to_have_text(["👍", "❤️"])
    reactions(ann, 0).first.click()
    expect(reactions(bob, 0)).to_have_text(["❤️"])

    choose(ann, 0, "Delete…")
    dialog = ann.page.get_by_role("dialog", name="Delete this message?")
    expect(dialog).to_contain_text("Deleted for both, it goes from Bob’s devices too")
    dialog.get_by_role("button", name="Delete for both").click()
    for someone in (ann, bob):
        someone.expect_messages("Deleted", "tea")
        expect(someone.messages.nth(0)).to_have_attribute("data-state", "deleted")
        expect(someone.messages.nth(1).locator(".quoted-text")).to_have_text("A message that was deleted")
        expect(reactions(someone, 0)).to_have_count(0)
        expect(someone.messages.nth(0).locator('[data-part="message-menu"]')).to_be_hidden()


@in_chromium
def test_from_opening_to_a_reply_and_a_reaction_by_keyboard_alone(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person(), friend("Bob")
    for _ in range(20):
        ann.page.keyboard.press("Tab")
        if ann.name_field.evaluate("field => field === document.activeElement"):
            break
    ann.page.keyboard.type("Ann")
    ann.page.keyboard.press("Tab")
    expect(ann.button("New chat link")).to_be_focused()
    ann.page.keyboard.press("Enter")
    expect(ann.button("Copy link")).to_be_focused()
    bob.enter(ann.page.get_by_role("textbox", name="Chat link").input_value())
    ann.expect_state("open")
    expect(box(ann)).to_be_focused()
    bob.say("hello", "how are you?")
    ann.expect_messages("hello", "how are you?")
    keys = ann.page.keyboard
    keys.press("Shift+Tab")
    expect(ann.messages.nth(1).locator('[data-part="message-menu"]')).to_be_focused()
    keys.press("ArrowUp")
    expect(ann.messages.nth(0).locator('[data-part="message-menu"]')).to_be_focused()
    keys.press("Enter")
    expect(menu(ann).get_by_role("menuitemcheckbox", name="👍")).to_be_focused()
    keys.press("ArrowRight")
    keys.press("Enter")
    expect(reactions(ann, 0)).to_have_text(["❤️"])
    expect(ann.messages.nth(0).locator('[data-part="message-menu"]')).to_be_focused()
    keys.press("Enter")
    keys.press("End")
    expect(menu(ann).get_by_role("menuitem", name="Delete…")).to_be_focused()
    keys.press("Escape")
    expect(menu(ann)).to_be_hidden()
    keys.press("Enter")
    menu(ann).get_by_role("menuitem", name="Reply").press("Enter")
    expect(box(ann)).to_be_focused()
    keys.type("good day")
    keys.press("Enter")
    bob.hears("good day")
    expect(ann.messages.nth(2).locator(".quoted-text")).to_have_text("hello")

    keys.press("ArrowUp")
    expect(box(ann)).to_have_value("good day")
    keys.press("Escape")
    expect(box(ann)).to_have_value("")
    keys.press("ArrowUp")
    keys.press("End")
    keys.type("!")
    keys.press("Enter")
    expect(ann.messages.nth(2).locator("p")).to_have_text("good day!")


@in_chromium
def test_a_draft_is_there_again_after_an_edit(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    ann.say("helo")
    box(ann).fill("a long letter")
    choose(ann, 0, "Edit")
    expect(box(ann)).to_have_value("helo")
    box(ann).press("Escape")
    expect(box(ann)).to_have_value("a long letter")
    choose(ann, 0, "Edit")
    box(ann).fill("hello")
    box(ann).press("Enter")
    ann.expect_messages("hello")
    expect(box(ann)).to_have_value("a long letter")


@in_chromium
def test_what_is_being_answered_and_is_deleted_is_not_answered_any_more(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    meet(ann, bob)
    ann.say("helo")
    bob.expect_messages("helo")
    choose(bob, 0, "Reply")
    choose(ann, 0, "Delete…")
    ann.page.get_by_role("button", name="Delete for both").click()
    expect(bob.page.locator('[data-part="composer-about"]')).to_be_hidden()
    bob.say("what?")
    ann.expect_messages("Deleted", "what?")
    expect(ann.messages.nth(1).locator('[data-part="quoted"]')).to_be_hidden()


def test_on_a_phone_with_a_finger(open_context: OpenContext, launch_browser: LaunchBrowser, friend: MakeFriend) -> None:
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    ann, bob = Person.at(open_context(launch_browser("chromium"), **options)), friend("Bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    bob.say("hello")
    button = ann.messages.first.locator('[data-part="message-menu"]')
    expect(button).to_have_css("opacity", "1")
    button.tap()
    place = menu(ann).bounding_box()
    assert place is not None
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 390
    assert place["y"] + place["height"] <= 844
    menu(ann).get_by_role("menuitemcheckbox", name="🙏").tap()
    expect(reactions(ann, 0)).to_have_text(["🙏"])


@in_chromium
def test_the_other_mouse_button_opens_it_unless_a_text_is_marked(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    bob.say("hello")
    ann.messages.first.click(button="right")
    expect(menu(ann)).to_be_visible()
    ann.page.keyboard.press("Escape")
    ann.messages.first.locator("p").select_text()
    ann.messages.first.locator("p").click(button="right")
    expect(menu(ann)).to_be_hidden()


@in_chromium
def test_a_quote_leads_to_what_was_said_long_ago(person: MakePerson, friend: MakeFriend, tmp_path: Path) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    ann.say("Where is the tea?")
    bob.hears("Where is the tea?")
    bob.say(*(f"number {number}" for number in range(250)))
    bob.reply("Where is the tea?", "In the cupboard")
    expect(ann.messages.last.locator(".quoted-text")).to_have_text("Where is the tea?")
    bob.expect_delivered()
    come_back(ann)
    quote = ann.messages.last.locator(".quote")
    expect(quote.locator(".quoted-text")).to_have_text("An earlier message")
    quote.click()
    marked = ann.page.locator('article[data-found="true"]')
    expect(marked).to_contain_text("Where is the tea?")
    expect(marked).to_be_in_viewport()
    ann.button("New messages").click()
    expect(quote.locator(".quoted-text")).to_have_text("Where is the tea?")


@in_chromium
def test_what_is_being_read_stays_where_it_is(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    bob.say(*(f"number {number}" for number in range(60)))
    read = ann.messages.nth(30)
    expect(ann.messages).to_have_count(60)
    read.scroll_into_view_if_needed()
    expect(read).to_be_in_viewport()
    before = read.bounding_box()
    bob.edit("number 2", "a long story\n" * 9)
    expect(ann.messages.nth(2)).to_contain_text("a long story")
    after = read.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) <= 1
