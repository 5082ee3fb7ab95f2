"""Connections and messages that are over leave nothing behind, neither in Python nor in JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import serve, wait_until_ready
from tests.browser.test_contracts import build_with_contracts
from tests.browsers import BrowserName

CONNECTIONS, MESSAGES = 100, 10_000
SOME_CONNECTIONS = 10
"""After these, and one conversation, every cache is filled, and Python has the memory that it needs."""
FEW_OBJECTS, FEW_BYTES = 50, 250_000
"""What is no leak: less than one object and some 2,000 bytes for each connection and conversation."""
PATIENCE = 300_000

Counts = dict[str, float]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(site=build_with_contracts(tmp_path_factory.mktemp("growth"))) as address:
        yield address


@pytest.fixture
def count_after(page: Page, browser_name: BrowserName) -> Callable[..., Counts]:
    """Has the page do something, and counts what there is then; of JavaScript in Chromium, Firefox does not tell."""
    page.goto("/contracts.html")
    wait_until_ready(page)
    devtools = open_devtools(page) if browser_name == "chromium" else None
    root = page.locator("html")

    def count(action: str, times: int) -> Counts:
        page.evaluate(f"times => {{ delete document.documentElement.dataset.counts; {action}(times) }}", times)
        expect(root).to_have_attribute("data-counts", re.compile("."), timeout=PATIENCE)
        counts: Counts = json.loads(root.get_attribute("data-counts") or "")
        return counts if devtools is None else {**counts, **count_javascript(devtools)}

    return count


def open_devtools(page: Page) -> CDPSession:
    devtools = page.context.new_cdp_session(page)
    for domain in ("HeapProfiler", "Performance"):
        devtools.send(f"{domain}.enable")
    return devtools


def count_javascript(devtools: CDPSession) -> Counts:
    devtools.send("HeapProfiler.collectGarbage")
    metrics = {metric["name"]: metric["value"] for metric in devtools.send("Performance.getMetrics")["metrics"]}
    return {
        "heap": devtools.send("Runtime.getHeapUsage")["usedSize"],
        "connections": metrics["RTCPeerConnections"],
        "listeners": metrics["JSEventListeners"],
    }


@pytest.mark.parametrize(
    ("browser_name", "conversations"), [("chromium", 4), ("firefox", 2)], indirect=["browser_name"]
)
def test_connections_and_messages_that_are_over_leave_nothing(
    count_after: Callable[..., Counts], conversations: int
) -> None:
    """A message meets nothing that is of one browser alone, so more of them pass in one browser.

    Of these 40,000 each would have to leave no more than six bytes, and one object for 800 of them, to go unnoticed.
    """
    count_after("connectAndPart", SOME_CONNECTIONS)
    before = count_after("talk", MESSAGES)
    assert count_after("connectAndPart", CONNECTIONS)["proxies"] == 0
    for _ in range(conversations):
        count_after("talk", MESSAGES)
    after = count_after("settle", int(before["objects"]) + FEW_OBJECTS)
    assert after.pop("heap", 0.0) < before.pop("heap", 0.0) + FEW_BYTES
    del after["objects"], before["objects"]
    assert after == before
