"""The demonstration: two peers in one page connect by themselves, and the steps are told between them."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import in_chromium
from tests.browser.people import BOOT


def pane(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def expect_open(page: Page) -> None:
    for name in ("Local", "Remote"):
        status = pane(page, name).get_by_role("status", name="Connection")
        expect(status).to_have_attribute("data-state", "open", timeout=BOOT)


def test_the_two_connect_and_talk_every_phase_is_told_and_all_of_it_can_be_had_again(page: Page) -> None:
    page.goto("/demo.html")
    expect_open(page)
    story = pane(page, "What happens between the two")
    for phase in ("Signaling", "Connecting", "Securing", "Communicating"):
        section = story.locator("section").filter(has=page.get_by_role("heading", name=phase))
        expect(section.get_by_role("listitem").first).to_be_attached()
    for step in (
        "Local asks its browser for an offer",
        "Local hands its invite to Remote",
        "Remote hands its reply to Local",
        "Local found a pair that works",
        "Remote has agreed on keys",
        "Local sees the data channel open",
    ):
        expect(story.get_by_text(step).first).to_be_attached()
    pane(page, "Local").get_by_role("textbox", name="Message").fill("from Local")
    page.keyboard.press("Enter")
    expect(pane(page, "Remote").get_by_role("article").locator("p")).to_have_text("from Local")
    pane(page, "Remote").get_by_role("textbox", name="Message").fill("from Remote")
    page.keyboard.press("Enter")
    expect(pane(page, "Local").get_by_role("article").locator("p")).to_have_text(["from Local", "from Remote"])
    expect(story.get_by_text("says what it has received").first).to_be_attached()
    offer = page.get_by_role("listitem").filter(has_text="Local has its session description")
    offer.get_by_text("Show what was exchanged").click()
    expect(offer.locator("pre")).to_contain_text("a=fingerprint:sha-256")

    # One side leaves, and it is started again.
    pane(page, "Local").get_by_role("button", name="Leave").click()
    for name in ("Local", "Remote"):
        status = pane(page, name).get_by_role("status", name="Connection")
        expect(status).to_have_attribute("data-state", "closed", timeout=BOOT)
    page.get_by_role("button", name="Start again").click()
    expect_open(page)
    expect(page.get_by_role("heading", name="Signaling")).to_have_count(1)


@in_chromium
def test_on_a_phone_that_lies_on_its_side_one_can_write_on_both_sides(page: Page) -> None:
    page.set_viewport_size({"width": 844, "height": 390})
    page.goto("/demo.html")
    expect_open(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("Local", "Remote"):
        text = f"from {name}"
        pane(page, name).get_by_role("textbox", name="Message").fill(text)
        page.keyboard.press("Enter")
        for part in (pane(page, name).get_by_text(text), pane(page, name).get_by_role("button", name="Send")):
            expect(part).to_be_in_viewport(ratio=1)
