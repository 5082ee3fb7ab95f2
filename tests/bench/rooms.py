"""From opening the link of a room to the open channel: two pages of ours, and two bare ones, over the same relay.

    python -m tests.bench.rooms

One side is in the room already. Measured is from when the other one, whose page is loaded, is told to enter, not yet
connected to the relay, until its data channel is open.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, expect, sync_playwright

from pychat.site.build import Site
from tests.bench.serving import build_pages
from tests.bench.table import heading, row
from tests.browsers import launch
from tests.server.relays import Relay

ROUNDS = 40
MINUTE = 60_000
PAUSE = 300


def measure_rooms(browser: Browser, site: Site, folder: Path) -> None:
    """Measure both in turn, and print their rows."""
    relay = Relay.start(site.path, folder)
    with relay.process:
        try:
            waiting, entering = [_page(browser, relay.url) for _ in range(2)]
            url = relay.url.replace("http:", "ws:") + "relay"
            opened, proved, bare = [], [], []
            for _ in range(ROUNDS):
                room = secrets.token_urlsafe(16)
                waiting.evaluate("([url, room]) => bare.wait(url, room)", [url, room])
                bare.append(entering.evaluate("([url, room]) => bare.enter(url, room)", [url, room]))
                _leave("bare", waiting, entering)
                code = waiting.evaluate("url => ours.wait(url)", url)
                times = entering.evaluate("([url, code]) => ours.enter(url, code)", [url, code])
                opened.append(times[0])
                proved.append(times[1])
                _leave("ours", waiting, entering)
        finally:
            relay.process.kill()
    heading("a room: from its link to the open channel", "bare")
    row("channel open", median(opened), median(bare))
    row("peer proved; bare, channel open", median(proved), median(bare))


def _page(browser: Browser, address: str) -> Page:
    page = browser.new_page()
    page.goto(f"{address}room.html")
    expect(page.locator("html")).to_have_attribute("data-room", "ready", timeout=MINUTE)
    return page


def _leave(whose: str, *pages: Page) -> None:
    """End this round, and give browsers the time to tidy up, which is no part of the next one."""
    for page in pages:
        page.evaluate(f"{whose}.leave()")
    pages[0].wait_for_timeout(PAUSE)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = build_pages(Path(folder))
        browser = launch(playwright, "chromium")
        measure_rooms(browser, site, Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
