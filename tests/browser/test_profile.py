"""What is left in the profile of a browser in which somebody has talked: every file of it is looked through.

A page cannot keep a browser from writing down an address that a person opens, so for a link that was opened the test
says where it stays, and that it is nowhere else.
"""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Playwright, expect

from tests.browser.conftest import Watch
from tests.browser.people import CONNECT, Person
from tests.browser.test_passphrase import ask, give
from tests.browser.test_room import open_room
from tests.browsers import BrowserName, launch_profile
from tests.friend import MakeFriend

# Firefox writes its session every 15 seconds, if at all when it is driven by a program.
EAGER_SESSIONS = {"browser.sessionstore.resume_from_crash": True, "browser.sessionstore.interval": 200}
OPTIONS: dict[BrowserName, dict[str, Any]] = {"chromium": {}, "firefox": {"firefox_user_prefs": EAGER_SESSIONS}}

SESSION: dict[BrowserName, str] = {
    "chromium": "Default/Sessions/Session_*",
    "firefox": "sessionstore-backups/recovery.jsonlz4",
}
SETTINGS: dict[BrowserName, str] = {
    "chromium": r"Default/Local Storage/leveldb/.*",
    "firefox": r"storage/default/http.*/ls/.*",
}
OPENED: dict[BrowserName, str] = {
    "chromium": r"Default/(History|Favicons|Sessions/.*|Shortcuts|Network Action Predictor|Top Sites)(-journal)?"
    r"|segmentation_platform/ukm_db(-wal)?",
    "firefox": r"places\.sqlite(-wal)?",
}
"""Where a browser itself notes an address that was opened."""

MOZ_LZ4 = b"mozLz40\0"


def lz4(data: bytes) -> bytes:
    """What a block of LZ4 holds (LZ4 Block Format Description, 2022).

    A file that the browser is still writing may end anywhere: zeros stand for what is missing.
    """
    size, data = len(data), data + bytes(16)
    out = bytearray()
    at = 0

    def length(start: int) -> int:
        nonlocal at
        total = start
        while start == 15:
            total += data[at]
            at += 1
            if data[at - 1] != 255:
                break
        return total

    while at < size:
        token = data[at]
        at += 1
        literals = length(token >> 4)
        out += data[at : at + literals]
        at += literals
        if at < size:
            offset = int.from_bytes(data[at : at + 2], "little") or 1
            at += 2
            for _ in range(length(token & 15) + 4):
                out.append(out[-offset])
    return bytes(out)


def content(path: Path) -> bytes:
    """What a file holds; nothing, if the browser has deleted it meanwhile (the journal of a database)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return b""
    return lz4(data[len(MOZ_LZ4) + 4 :]) if data.startswith(MOZ_LZ4) else data


def modified(path: Path) -> float:
    """When a file was written, in seconds since 1970; 0, if it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0


def forms(text: str) -> Iterator[bytes]:
    """What a text may look like in a file: in UTF-8 or UTF-16, and either in base64, wherever it begins there."""
    for plain in (text.encode(), text.encode("utf-16-le")):
        yield plain
        for before in range(3):
            whole = base64.b64encode(bytes(before) + plain)
            yield whole[4 * (before > 0) : len(whole) // 4 * 4 - 4]


def where(folder: Path, text: str) -> set[str]:
    """The files in which a text is found in any form."""
    wanted = re.compile(b"|".join(map(re.escape, forms(text))))
    files = (Path(at, name) for at, _, names in os.walk(folder) for name in names)
    return {
        path.relative_to(folder).as_posix()
        for path in files
        if path.is_file() and not path.is_symlink() and wanted.search(content(path))
    }


def outside(folder: Path, text: str, allowed: str) -> set[str]:
    return {name for name in where(folder, text) if not re.fullmatch(allowed, name)}


def wait_for_session(profile: BrowserContext, folder: Path, name: BrowserName, address: str) -> None:
    """Wait until the browser has written its session as it is now, with the page in it."""
    begun = time.time()
    profile.new_page()  # a reason to write it
    end = time.monotonic() + CONNECT / 1000
    while not any(modified(path) > begun and address.encode() in content(path) for path in folder.glob(SESSION[name])):
        assert time.monotonic() < end, "no session was written"
        time.sleep(0.1)


@pytest.fixture
def profile(
    playwright: Playwright, browser_name: BrowserName, watch: Watch, tmp_path: Path, server: str
) -> Iterator[BrowserContext]:
    context = launch_profile(playwright, browser_name, str(tmp_path), base_url=server, **OPTIONS[browser_name])
    watch.follow(context)
    yield context
    context.close()  # once more does no harm


def test_nothing_is_left_of_what_was_said_and_where(
    profile: BrowserContext, friend: MakeFriend, browser_name: BrowserName, tmp_path: Path, server: str
) -> None:
    ann, bob, cay = Person.at(profile, name="Annabella-Quux"), friend("Bobadilla-by-name"), friend("Cay")
    link = open_room(ann)
    bob.enter(link)
    for each in (ann, bob):
        each.expect_state("open")
    bob.stay()
    ann.say("what Annabella says is nobody's business")
    bob.say("what Bobadilla says is nobody's either")
    ann.expect_delivered(1)
    ann.expect_messages("what Annabella says is nobody's business", "what Bobadilla says is nobody's either")
    ann.again().expect_state("open")  # by what the browser has written meanwhile
    pasted = open_room(cay)
    ann.paste(server + pasted)
    cay.expect_state("open")
    ann.expect_other("Cay", "Not verified")
    ann.message_box.fill("what Annabella only thinks of saying")
    expect(ann.people).to_have_count(2)
    ann.page.get_by_role("textbox", name="Got a link or code").fill("what Annabella has pasted, and not used")
    wait_for_session(profile, tmp_path, browser_name, server)

    def look() -> None:
        for text in (
            link.removeprefix("/#"),
            pasted.removeprefix("/#"),
            "what Annabella says",
            "what Bobadilla says",
            "what Annabella only thinks",
            "what Annabella has pasted",
            "the passphrase of Annabella",
            "what Annabella says behind it",
        ):
            assert where(tmp_path, text) == set(), text
        for name in ("Annabella-Quux", "Bobadilla-by-name"):
            assert outside(tmp_path, name, SETTINGS[browser_name]) == set()
        # Firefox compresses what is longer: a name of which a part stood elsewhere in it would not be found.
        assert where(tmp_path, "Annabella-Quux"), "names are kept, or nothing is found here at all"

    look()
    give(ask(ann, "Set a passphrase…"), "the passphrase of Annabella", "the passphrase of Annabella")
    expect(ann.page.get_by_role("button", name="Change the passphrase…")).to_be_visible()
    ann.button("Cancel").click()
    ann.say("what Annabella says behind it")
    cay.hears("what Annabella says behind it")
    look()
    profile.close()
    look()


def test_a_link_that_was_opened_stays_where_the_browser_notes_addresses_and_nowhere_else(
    profile: BrowserContext, friend: MakeFriend, browser_name: BrowserName, tmp_path: Path, server: str
) -> None:
    ann = Person(profile.new_page())
    opened: dict[str, str] = {}
    for sign in ("#", "%23"):
        bob = friend("Bob")
        link = open_room(bob)
        ann.page.goto(link.replace("#", sign))
        ann.wait_until_ready()
        ann.page.locator('[data-part="room-enter"]').click()
        for each in (ann, bob):
            each.expect_state("open")
        bob.stay()
        assert ann.page.url == f"{server}/"
        opened[sign] = link.removeprefix("/#")
    ann.again().expect_state("open")
    assert ann.page.url == f"{server}/"
    wait_for_session(profile, tmp_path, browser_name, server)
    profile.close()
    for sign, secret in opened.items():
        assert outside(tmp_path, secret, OPENED[browser_name]) == set()
        assert where(tmp_path, sign + secret), (
            "an address that was opened is in the history, or nothing is found here at all"
        )
