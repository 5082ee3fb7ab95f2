"""The page for everybody: the rules of WCAG 2.2 AA as axe-core checks them, in both themes, on phone and desktop."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from pychat.ui import strings
from tests.browser.conftest import LaunchBrowser, OpenContext
from tests.browser.people import CONNECT, Person, connect
from tests.browser.test_demo import expect_open
from tests.browser.test_room import meet, open_room
from tests.friend import MakeFriend

RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "dark": ["color-contrast", "link-in-text-block", "target-size"],
}
"""By their tags; and those in which the themes differ, which have other colours, and a frame around some pictures."""
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SCREENS: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 800},
}


def expect_accessible(page: Page, *screens: str) -> None:
    """On both screens, or on these, and in both themes; the last screen stays."""
    for screen in screens or SCREENS:
        page.set_viewport_size(SCREENS[screen])
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            results = Axe().run(page, options={"runOnly": RULES[theme], "resultTypes": ["violations"]})
            assert results.violations_count == 0, f"{screen}, {theme}: {results.generate_report()}"


def expect_fits(page: Page, *screens: str) -> None:
    """Nothing is wider than the screen, and each button large enough for a finger, in both themes."""
    for screen in screens or SCREENS:
        page.set_viewport_size(SCREENS[screen])
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            for button in page.get_by_role("button").all():
                box = button.bounding_box()
                assert box
                what = button.inner_text() or button.get_attribute("aria-label")
                assert min(box["width"], box["height"]) >= 44, f"{screen}, {theme}: {what}"


@pytest.fixture
def chromium(launch_browser: LaunchBrowser) -> Browser:
    return launch_browser("chromium")


def test_every_screen_of_the_chat(chromium: Browser, open_context: OpenContext, friend: MakeFriend) -> None:
    ann, bob = Person.at(open_context(chromium)), friend("Bob")
    expect_accessible(ann.page)
    expect_fits(ann.page)
    ann.paste("not a code")
    ann.expect_problem("There is no pychat code")
    expect_accessible(ann.page)
    ann.make_invite()
    expect_accessible(ann.page)
    reply = ann.answer(bob.make_invite())
    ann.say("waiting")
    expect_accessible(ann.page)
    bob.paste(reply)
    ann.expect_state("open")
    ann.say("delivered")
    ann.expect_delivered(2)
    expect_accessible(ann.page)
    expect_fits(ann.page)
    ann.button("Menu").click()
    expect_accessible(ann.page)
    expect_fits(ann.page)
    ann.page.keyboard.press("Escape")
    ann.open_verify().get_by_text("Compare numbers instead").click()
    expect_accessible(ann.page)
    ann.page.keyboard.press("Escape")
    menu = ann.messages.first.locator('[data-part="message-menu"]')
    menu.click()
    expect_accessible(ann.page)
    ann.page.get_by_role("menuitemcheckbox", name="👍").click()
    menu.click()
    ann.page.get_by_role("menuitem", name="Reply").click()
    ann.say("with a quote")
    menu.click()
    ann.page.get_by_role("menuitem", name="Edit").click()
    expect_accessible(ann.page)
    expect_fits(ann.page)
    ann.page.keyboard.press("Escape")
    for name, screens in (("Details", SCREENS), ("Settings", ["desktop"])):
        ann.act(name).click()
        expect(ann.page.get_by_role("dialog", name=name)).to_be_visible()
        expect_accessible(ann.page, *screens)
        ann.page.keyboard.press("Escape")
    bob.leave()
    ann.expect_state("closed")
    expect_accessible(ann.page)


def test_every_screen_of_a_room(chromium: Browser, open_context: OpenContext, friend: MakeFriend) -> None:
    ann, bob, cay, dan = Person.at(open_context(chromium)), friend("Bob"), friend("Cay"), friend("Dan")
    link = open_room(ann)
    expect_accessible(ann.page)
    bob.enter(link)
    ann.expect_state("open")
    expect_fits(ann.page)
    ann.act("Chat link").click()
    expect_accessible(ann.page)
    expect_fits(ann.page)
    ann.page.keyboard.press("Escape")
    ann.act("Leave").click()
    expect(ann.button("Go back to the chat")).to_be_visible()
    expect_accessible(ann.page)
    ann.page.evaluate("link => { location.hash = link; }", meet(cay, dan).removeprefix("/"))
    expect_accessible(ann.page)
    expect_fits(ann.page)
    ann.page.locator('[data-part="room-enter"]').click()
    expect(ann.status).to_contain_text("This chat is full", timeout=CONNECT)
    expect_accessible(ann.page)


def test_the_demonstration(chromium: Browser, open_context: OpenContext) -> None:
    page = open_context(chromium).new_page()
    page.goto("/demo.html")
    expect_open(page)
    expect_accessible(page)


def test_text_of_twice_the_size_fits_on_a_phone(
    chromium: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    ann, bob = Person.at(open_context(chromium, viewport=SCREENS["phone"])), friend("Bob")
    ann.page.evaluate("document.documentElement.style.fontSize = '200%'")  # as the browser's own setting does
    assert ann.button("Connect").evaluate("button => getComputedStyle(button).fontSize") == "32px"
    expect_fits(ann.page, "phone")
    connect(ann, bob)
    ann.say("hello")
    ann.expect_delivered(1)
    expect_fits(ann.page, "phone")
    dialog = ann.open_verify()
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    dialog.get_by_role("button", name="Close").click()
    bob.leave()
    ann.expect_state("closed")
    expect_fits(ann.page, "phone")


FORCED: tuple[Literal["active", "none"], ...] = ("active", "none")
IN_BLACK = "dot => { dot.style.setProperty('border-color', 'CanvasText', 'important'); }"
SHAPES = ["closed", "signaling", "open", "lost"]
"""A state for each of the shapes: a ring, a broken ring, a disc, a diamond."""


def test_the_state_of_a_person_is_told_by_words_and_by_a_shape(
    chromium: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    """Whatever the colours, also where all are the same."""
    ann = Person.at(open_context(chromium, viewport=SCREENS["desktop"]))
    bob, cay = friend("Bob"), friend("Cay")
    connect(ann, bob)
    connect(ann, cay)
    cay.leave()
    ann.expect_state("closed")
    ann.make_invite()
    people = ann.page.locator('[data-part="people"]')
    for forced in FORCED:
        ann.page.emulate_media(forced_colors=forced)
        for state in ("open", "closed", "signaling"):
            line = people.locator(f'[data-state="{state}"]')
            expect(line).to_have_count(1)
            expect(line).to_have_accessible_name(re.compile(rf"\b{strings.STATES[state]}\b"))
    line = people.get_by_role("button").first
    line.locator(".dot").evaluate(IN_BLACK)
    for forced in FORCED:
        ann.page.emulate_media(forced_colors=forced)
        pictures = {}
        for state in SHAPES:  # of one line, so that nothing else differs
            line.evaluate("(line, state) => { line.dataset.state = state; }", state)
            pictures[state] = line.locator(".dot").screenshot()
        for one, other in combinations(SHAPES, 2):
            assert pictures[one] != pictures[other], f"{one} looks like {other} with forced colours: {forced}"
