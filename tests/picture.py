"""Makes docs/picture.png, the picture in the README, from the page as it is: `python -m tests.picture`.

Two people talk, one in a wide light window and one in a narrow dark one. It takes a built site and Chromium.
"""

from __future__ import annotations

import base64
import sys
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from pychat.site.build import build_site
from tests.browser.conftest import ROOT, serve
from tests.browser.people import Person
from tests.browser.test_room import meet
from tests.browsers import launch

PICTURE = ROOT / "docs" / "picture.png"
HEIGHT, WIDE, NARROW, GAP = 640, 900, 390, 10

TALK = (
    ("Ann", "Hi! That took one link and ten seconds."),
    ("Bob", "And who else can read this?"),
    ("Ann", "Nobody. It goes straight from my device to yours, encrypted by WebRTC."),
    ("Bob", "Even the server of the page?"),
    ("Ann", "It only gave us the page. You may switch it off now."),
)

BESIDE = """\
<body style="margin: 0; display: flex; gap: {gap}px; background: #c6ccc8">
  <img src="data:image/png;base64,{wide}"><img src="data:image/png;base64,{narrow}">
</body>
"""


def take(browser: Browser, address: str) -> bytes:
    """The two windows side by side, as a PNG."""
    ann = _person(browser, address, "Ann", WIDE, color_scheme="light")
    bob = _person(browser, address, "Bob", NARROW, color_scheme="dark")
    people = {"Ann": ann, "Bob": bob}
    meet(ann, bob)
    for person in people.values():
        person.say_match()
    for said, (name, text) in enumerate(TALK, 1):
        people[name].say(text)
        for person in people.values():
            person.expect_messages(*[text for _, text in TALK[:said]])
    ann.expect_delivered(sum(name == "Ann" for name, _ in TALK))
    bob.expect_delivered(sum(name == "Bob" for name, _ in TALK))
    for person in people.values():
        person.page.mouse.move(0, 0)  # what is under it shows what can be done with it
    return _beside(browser, ann.page.screenshot(), bob.page.screenshot())


def _person(browser: Browser, address: str, name: str, width: int, **options: Any) -> Person:
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": HEIGHT},
        reduced_motion="reduce",
        service_workers="block",
        **options,
    )
    return Person.at(context, name=name)


def _beside(browser: Browser, wide: bytes, narrow: bytes) -> bytes:
    page: Page = browser.new_page(viewport={"width": WIDE + GAP + NARROW, "height": HEIGHT})
    page.set_content(BESIDE.format(gap=GAP, wide=_text(wide), narrow=_text(narrow)))
    return page.screenshot()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> int:
    """Build, serve, open both windows, talk, and write the picture."""
    build_site(ROOT / "web", ROOT / "pychat", ROOT / "build" / "site")
    with serve() as address, sync_playwright() as playwright:
        browser = launch(playwright, "chromium")
        PICTURE.write_bytes(take(browser, address))
        browser.close()
    print(f"{PICTURE.name} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
