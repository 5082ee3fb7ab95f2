"""A tab, or a whole browser, that is killed while both sides write as fast as they can, and is opened again."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright, expect

from tests.browser.conftest import OPTIONS, Watch, in_chromium
from tests.browser.people import BOOT, CONNECT, Person
from tests.browser.test_boot import run_instead
from tests.browsers import BrowserName, launch_profile
from tests.friend import MakeFriend

pytestmark = in_chromium  # which tells its processes

SOME = 3_000
"""Messages of hers that are delivered before Ann's tab is killed."""
AHEAD = 1_000
"""Messages of each side that are not delivered, at most: so there are always some, and never more than fit."""

WRITE_WITHOUT_END = """
import asyncio

import js
import main
from pyodide.ffi import create_proxy

from pychat.core.events import WriteMessage


class Writing(main.Driver):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        js.testWrite = create_proxy(lambda: asyncio.ensure_future(self.write()))

    async def write(self):
        [chat] = self.node.chats.listed()
        number = told = 0
        while True:
            for _ in range(min(50, AHEAD - number + chat.acknowledged)):
                self.post(WriteMessage(chat.id, f"Ann's {number}"))
                number += 1
            if chat.acknowledged > told:
                told = chat.acknowledged
                js.console.log(f"delivered {told} of {number}")
            await asyncio.sleep(0)


main.Driver = Writing
await main.start()
"""

READ_JOURNAL = """
import json

import js

from pychat.browser.ports.crypto import BrowserCrypto
from pychat.browser.ports.journal import BrowserJournal
from pychat.core.chat.records import read_segment

journal = await BrowserJournal.open(await BrowserCrypto.open())
texts = {True: [], False: []}
for chat in {chat for chat, *_ in await journal.heads()}:
    for _, data in await journal.read_first(chat, 1_000_000):
        for part in read_segment(data).parts:
            texts[part.is_own] += [entry.text for entry in part.entries]
js.testKept = json.dumps([texts[True], texts[False]])
"""


OpenProfile = Callable[[], BrowserContext]


@pytest.fixture
def open_profile(
    playwright: Playwright, browser_name: BrowserName, watch: Watch, tmp_path: Path, server: str
) -> Iterator[OpenProfile]:
    """Starts a browser with one and the same profile each time."""
    with ExitStack() as stack:

        def launch() -> BrowserContext:
            options = {"base_url": server, "service_workers": "block", **OPTIONS[browser_name]}
            context = launch_profile(playwright, browser_name, str(tmp_path / "profile"), **options)
            stack.callback(context.close)
            watch.follow(context)
            return context

        yield launch


def kept(profile: BrowserContext) -> tuple[list[str], list[str]]:
    """What is in the journal of a profile, in its order: the own messages, and those of others."""
    page = profile.new_page()
    run_instead(page, READ_JOURNAL)
    page.goto("/")
    page.wait_for_function("() => window.testKept", timeout=CONNECT)
    own, others = json.loads(page.evaluate("testKept"))
    page.close()
    return own, others


def kill(profile: BrowserContext, kind: str) -> None:
    """End those processes of a browser that are of a kind, as a lack of memory does."""
    assert profile.browser is not None
    found = profile.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    for process in found:
        if process["type"] == kind:
            os.kill(process["id"], signal.SIGKILL)


def kill_tab(profile: BrowserContext, watch: Watch, _: OpenProfile) -> BrowserContext:
    with profile.pages[0].expect_event("crash"):
        kill(profile, "renderer")
    watch.crashes.clear()
    return profile


def kill_browser(profile: BrowserContext, _: Watch, open_profile: OpenProfile) -> BrowserContext:
    with profile.expect_event("close"):
        kill(profile, "browser")
    return open_profile()


def numbered(whose: str, count: int) -> list[str]:
    return [f"{whose} {number}" for number in range(count)]


def counts(line: str) -> tuple[int, int]:
    """How many messages are delivered, of how many, as the page tells it."""
    told = re.fullmatch(r"delivered (\d+) of (\d+)", line)
    return (int(told[1]), int(told[2])) if told else (0, 0)


@pytest.mark.parametrize("kill_and_open", [kill_tab, kill_browser])
def test_nothing_is_lost_and_nothing_doubled_when_it_is_killed_while_both_write(
    open_profile: OpenProfile,
    watch: Watch,
    friend: MakeFriend,
    tmp_path: Path,
    kill_and_open: Callable[[BrowserContext, Watch, OpenProfile], BrowserContext],
) -> None:
    bob, profile = friend("Bob", folder=tmp_path / "bob"), open_profile()
    link = bob.open_room()
    [page] = profile.pages
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text))
    run_instead(page, WRITE_WITHOUT_END.replace("AHEAD", str(AHEAD)))
    ann = Person(page)
    ann.enter(link)
    ann.expect_state("open")
    bob.expect_state("open")
    bob.stay()
    bob.keep_saying("Bob's", AHEAD)
    with page.expect_console_message(lambda message: counts(message.text)[0] > SOME, timeout=CONNECT):
        page.evaluate("() => void testWrite()")
    profile = kill_and_open(profile, watch, open_profile)
    bob.fall_silent()

    # In the middle of it: some of what each has written is delivered, and some is not.
    delivered, written = counts(lines[-1])
    said, delivered_of_bob = bob.said
    assert SOME < delivered < written
    assert 0 < delivered_of_bob < said
    # What counts as delivered is there, and what has reached the other one, without a gap.
    own, others = kept(profile)
    assert own == numbered("Ann's", len(own))
    assert others == numbered("Bob's", len(others))
    assert len(own) >= max(delivered, len(bob.heard))
    assert len(others) >= delivered_of_bob

    ann = Person(profile.new_page())
    ann.page.goto(link)
    ask = ann.page.locator('[data-part="room-enter"]')
    expect(ask.or_(ann.messages).filter(visible=True).first).to_be_visible(timeout=BOOT)
    if ask.is_visible():  # a browser writes down some seconds later where somebody has been
        ask.click()
    ann.expect_state("open")
    bob.expect_delivered()
    bob.hears(*own)
    expect(ann.messages.last).to_contain_text(re.compile(f"Bob's {said - 1}|Ann's {len(own) - 1}"))
    expect(ann.log.locator('article[data-author="me"]:not([data-state="delivered"])')).to_have_count(0)
    assert kept(profile) == (own, numbered("Bob's", said))
