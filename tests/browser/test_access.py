"""The page for everybody: the rules of WCAG 2.2 AA as axe-core checks them, in both themes, on phone and desktop."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pychat.ui import strings
from tests.browser.conftest import LaunchBrowser, OpenContext
from tests.browser.people import CONNECT, Person, connect
from tests.browser.test_demo import expect_open
from tests.browser.test_room import open_room

OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SCREENS = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}


def expect_accessible(page: Page) -> None:
    """In both themes."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        results = Axe().run(page, options=OPTIONS)
        assert results.violations_count == 0, f"{theme}: {results.generate_report()}"


def expect_fits(page: Page) -> None:
    """Nothing is wider than the screen, and each button large enough for a finger, in both themes."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 44, button.inner_text() or button.get_attribute("aria-label")


@pytest.fixture
def chromium(launch_browser: LaunchBrowser) -> Browser:
    return launch_browser("chromium")


@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_of_the_chat(chromium: Browser, open_context: OpenContext, screen: str) -> None:
    ann = Person.at(open_context(chromium, viewport=SCREENS[screen]))
    bob = Person.at(open_context(chromium, viewport=SCREENS[screen]))
    expect_accessible(ann.page)
    bob.paste("not a code")
    bob.expect_problem("There is no pychat code")
    expect_accessible(bob.page)
    invite = ann.make_invite()
    expect_accessible(ann.page)
    reply = bob.answer(invite)
    bob.say("waiting")
    expect_accessible(bob.page)
    ann.paste(reply)
    ann.expect_state("open")
    ann.say("delivered")
    ann.expect_delivered(1)
    expect_accessible(ann.page)
    for name in ("Details", *(["Settings"] if screen == "desktop" else [])):
        ann.button(name).click()
        expect(ann.page.get_by_role("dialog", name=name)).to_be_visible()
        expect_accessible(ann.page)
        ann.page.keyboard.press("Escape")
    bob.button("Leave").click()
    ann.expect_state("closed")
    expect_accessible(ann.page)


@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_of_a_room(chromium: Browser, open_context: OpenContext, screen: str) -> None:
    ann, bob, cay = (Person.at(open_context(chromium, viewport=SCREENS[screen])) for _ in range(3))
    link = open_room(ann)
    expect_accessible(ann.page)
    bob.enter(link)
    ann.expect_state("open")
    expect_fits(ann.page)
    ann.button("Room").click()
    expect_accessible(ann.page)
    expect_fits(ann.page)
    ann.page.keyboard.press("Escape")
    cay.enter(link)
    expect(cay.status).to_contain_text("The room is taken", timeout=CONNECT)
    expect_accessible(cay.page)
    bob.button("Leave").click()
    expect(bob.button("Go back to the room")).to_be_visible()
    expect_accessible(bob.page)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_demonstration(chromium: Browser, open_context: OpenContext, screen: str) -> None:
    page = open_context(chromium, viewport=SCREENS[screen]).new_page()
    page.goto("/demo.html")
    expect_open(page)
    expect_accessible(page)


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_wider_than_the_screen_and_targets_are_large_enough(
    chromium: Browser, open_context: OpenContext, screen: str
) -> None:
    ann, bob = (Person.at(open_context(chromium, viewport=SCREENS[screen])) for _ in range(2))
    connect(ann, bob)
    expect_fits(ann.page)


def test_text_of_twice_the_size_fits_on_a_phone(chromium: Browser, open_context: OpenContext) -> None:
    ann, bob = (Person.at(open_context(chromium, viewport=SCREENS["phone"])) for _ in range(2))
    ann.page.evaluate("document.documentElement.style.fontSize = '200%'")  # as the browser's own setting does
    assert ann.button("New room").evaluate("button => getComputedStyle(button).fontSize") == "32px"
    expect_fits(ann.page)
    connect(ann, bob)
    ann.say("hello")
    ann.expect_delivered(1)
    expect_fits(ann.page)
    dialog = ann.open_verify()
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    dialog.get_by_role("button", name="Close").click()
    bob.button("Leave").click()
    ann.expect_state("closed")
    expect_fits(ann.page)


FORCED: tuple[Literal["active", "none"], ...] = ("active", "none")
IN_BLACK = "dot => { dot.style.setProperty('border-color', 'CanvasText', 'important'); }"
SHAPES = ["closed", "signaling", "open", "lost"]
"""A state for each of the shapes: a ring, a broken ring, a disc, a diamond."""


@pytest.mark.parametrize("forced", FORCED)
def test_the_state_of_a_person_is_told_by_words_and_by_a_shape(
    chromium: Browser, open_context: OpenContext, forced: Literal["active", "none"]
) -> None:
    """Whatever the colours, also where all are the same."""
    ann, bob, cay = (Person.at(open_context(chromium, viewport=SCREENS["desktop"])) for _ in range(3))
    connect(ann, bob)
    connect(ann, cay)
    cay.button("Leave").click()
    ann.expect_state("closed")
    ann.make_invite()
    ann.page.emulate_media(forced_colors=forced)
    people = ann.page.locator('[data-part="people"]')
    for state in ("open", "closed", "signaling"):
        line = people.locator(f'[data-state="{state}"]')
        expect(line).to_have_count(1)
        expect(line).to_have_accessible_name(re.compile(rf"\b{strings.STATES[state]}\b"))
    line = people.get_by_role("button").first
    line.locator(".dot").evaluate(IN_BLACK)
    pictures = {}
    for state in SHAPES:  # of one line, so that nothing else differs
        line.evaluate("(line, state) => { line.dataset.state = state; }", state)
        pictures[state] = line.locator(".dot").screenshot()
    for one, other in combinations(SHAPES, 2):
        assert pictures[one] != pictures[other], f"{one} looks like {other}"
