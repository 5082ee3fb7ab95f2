"""Emoji: chosen by group, by words and in a skin tone, as part of a message or as a reaction; or by a short name."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

from tests.browser.conftest import LaunchBrowser, MakePerson, OpenContext, Watch, in_chromium
from tests.browser.people import Person
from tests.browser.test_access import expect_accessible, expect_fits
from tests.browser.test_message_menu import box, open_menu, reactions
from tests.friend import MakeFriend

TABLE = "**/emojibase/emoji.txt"


def picker(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Emoji")


def grid(page: Page) -> Locator:
    return page.locator('[data-part="emoji-grid"]').get_by_role("button")


def offered(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Emoji").get_by_role("option")


@pytest.fixture
def ann(person: MakePerson) -> Person:
    """Somebody in a conversation of their own."""
    someone = person("Ann")
    someone.page.get_by_role("button", name="New chat link").click()
    expect(box(someone)).to_be_visible()
    return someone


def test_emoji_are_chosen_by_group_and_by_words(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    asked: list[Request] = []
    ann.page.on("request", lambda request: asked.append(request) if "emojibase" in request.url else None)
    ann.enter(bob.open_room())
    ann.expect_state("open")
    assert not asked
    box(ann).fill("well done ")
    ann.button("Emoji").click()
    search = ann.page.get_by_role("searchbox", name="Search emoji")
    expect(search).to_be_focused()
    expect(grid(ann.page).first).to_have_text("😀")
    assert len(asked) == 1
    tabs = ann.page.get_by_role("tablist", name="Groups of emoji").get_by_role("tab")
    expect(tabs).to_have_count(9)
    tabs.get_by_text("🍇").click()
    expect(tabs.get_by_text("🍇")).to_have_attribute("aria-selected", "true")
    expect(grid(ann.page).first).to_have_text("🍇")
    search.fill("party pop")
    expect(grid(ann.page)).to_have_text(["🎉"])
    search.press("Enter")
    expect(box(ann)).to_have_value("well done 🎉")
    search.fill("no such thing")
    expect(picker(ann.page).get_by_role("status")).to_have_text("Nothing found.")
    search.fill("rocket")
    ann.button("rocket").click()
    ann.page.keyboard.press("Escape")
    expect(picker(ann.page)).to_be_hidden()
    expect(box(ann)).to_be_focused()
    box(ann).press("Enter")
    bob.hears("well done 🎉🚀")
    ann.button("Emoji").click()
    expect(grid(ann.page)).to_have_text(["🚀", "🎉"])
    expect(tabs).to_have_count(10)
    assert len(asked) == 1


def test_a_reaction_in_a_skin_tone_which_is_remembered(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    bob.say("Who comes?")
    open_menu(ann, 0).get_by_role("menuitem", name="More emoji").click()
    ann.page.get_by_role("combobox", name="Skin tone").select_option(label="✋🏽 Medium")
    ann.page.get_by_role("searchbox", name="Search emoji").fill("raising hand")
    grid(ann.page).filter(has_text=re.compile("^🙋🏽$")).click()
    expect(picker(ann.page)).to_be_hidden()
    expect(reactions(ann, 0)).to_have_text(["🙋🏽"])
    ann.say("I do")
    bob.hears("I do")
    assert bob.reactions == ["🙋🏽"]
    ann.again()
    ann.people.first.click()
    box(ann).press_sequentially(":wave:")
    expect(box(ann)).to_have_value("👋🏽")


def test_by_keyboard_alone(ann: Person) -> None:
    page, press = ann.page, ann.page.keyboard.press
    box(ann).focus()
    press("Tab")
    expect(ann.button("Emoji")).to_be_focused()
    press("Enter")
    expect(grid(page).first).to_have_text("😀")
    press("ArrowDown")
    expect(grid(page).nth(0)).to_be_focused()
    press("ArrowRight")
    expect(grid(page).nth(1)).to_be_focused()
    press("ArrowDown")
    press("ArrowUp")
    expect(grid(page).nth(1)).to_be_focused()
    press("End")
    expect(grid(page).last).to_be_focused()
    press("Home")
    press("Enter")
    expect(box(ann)).to_have_value("😀")
    press("ArrowUp")
    expect(page.get_by_role("searchbox", name="Search emoji")).to_be_focused()
    press("Tab")
    press("Tab")
    press("ArrowRight")
    expect(page.get_by_role("tab", selected=True)).to_be_focused()
    expect(picker(page).get_by_role("status")).to_have_text("People & body")
    press("Escape")
    expect(box(ann)).to_be_focused()


def test_short_names_are_completed(ann: Person) -> None:
    page, press = ann.page, ann.page.keyboard.press
    box(ann).press_sequentially("so :ta")
    expect(offered(page).first).to_be_visible()
    expect(box(ann)).to_have_attribute("aria-activedescendant", "emoji-name-0")
    box(ann).press_sequentially("da")
    expect(offered(page)).to_have_text(["🎉 :tada:"])
    press("Enter")  # chooses, and does not send
    expect(box(ann)).to_have_value("so 🎉 ")
    expect(offered(page)).to_have_count(0)
    expect(ann.messages).to_have_count(0)
    box(ann).press_sequentially(":smil")
    expect(offered(page).first).to_contain_text(":smile:")
    press("ArrowDown")
    expect(offered(page).nth(1)).to_have_attribute("aria-selected", "true")
    press("ArrowUp")
    press("Tab")
    expect(box(ann)).to_have_value("so 🎉 😄 ")
    expect(box(ann)).to_be_focused()
    box(ann).press_sequentially(":+1:")
    expect(box(ann)).to_have_value("so 🎉 😄 👍")
    box(ann).press_sequentially(" :rock")
    expect(offered(page).first).to_be_visible()
    press("Escape")
    expect(offered(page)).to_have_count(0)
    press("Enter")
    expect(ann.messages.locator("p")).to_have_text(["so 🎉 😄 👍 :rock"])
    box(ann).press_sequentially("👍 at 10:30 :fire")  # two code units before it
    offered(page).filter(has_text=":fire:").click()
    expect(box(ann)).to_have_value("👍 at 10:30 🔥 ")
    expect(box(ann)).to_be_focused()


@in_chromium
def test_what_cannot_be_loaded_is_said_and_loaded_later(ann: Person, watch: Watch) -> None:
    page = ann.page

    def refuse(route: Route) -> None:
        route.abort()

    watch.expect_errors = True
    page.route(TABLE, refuse)
    box(ann).press_sequentially(":tada: ")
    expect(box(ann)).to_have_value(":tada: ")
    ann.button("Emoji").click()
    expect(picker(page).get_by_role("status")).to_contain_text("could not be loaded")
    page.keyboard.press("Escape")
    page.unroute(TABLE, refuse)
    ann.button("Emoji").click()
    expect(grid(page).first).to_have_text("😀")


def test_it_is_accessible_and_fits(launch_browser: LaunchBrowser, open_context: OpenContext) -> None:
    browser: Browser = launch_browser("chromium")
    ann = Person.at(open_context(browser, viewport={"width": 320, "height": 568}))
    ann.page.get_by_role("button", name="New chat link").click()
    ann.button("Emoji").click()
    expect(grid(ann.page).first).to_be_visible()
    place = picker(ann.page).bounding_box()
    assert place is not None
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 320
    assert place["y"] >= 0
    assert place["y"] + place["height"] <= 568
    expect_accessible(ann.page)
    ann.page.get_by_role("searchbox", name="Search emoji").fill("cat")
    expect(grid(ann.page).filter(has_text="😀")).to_have_count(0)
    expect_fits(ann.page)
    ann.page.keyboard.press("Escape")
    expect(picker(ann.page)).to_be_visible()  # the first one empties the box
    ann.page.keyboard.press("Escape")
    box(ann).press_sequentially(":smi")
    expect(offered(ann.page).first).to_be_visible()
    expect_accessible(ann.page)
