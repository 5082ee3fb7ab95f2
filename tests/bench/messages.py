"""What a message costs: our peers, bare data channels, simple-peer and PeerJS in turn, in one page.

    python -m tests.bench.messages [chromium] [firefox]

Ours are delivered and acknowledged, theirs have arrived. An echo is a message that the other side answers with one.
How near ours can come to the bare one show handlers in Python that only send back what they hear, such that also read
it and write it as JSON, as the standard library does, and such that do so with frames of ours, which nobody keeps.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Playwright, expect, sync_playwright

from pychat.site.build import Site
from tests.bench.relay import peerserver
from tests.bench.serving import build_pages, serve
from tests.bench.start import BROWSERS
from tests.bench.table import heading, row
from tests.browsers import BrowserName, launch

MINUTE = 60_000


def measure_messages(playwright: Playwright, name: BrowserName, site: Site, folder: Path) -> None:
    """Measure in one browser, and print the table; `folder` is for what PeerServer writes."""
    browser = launch(playwright, name)
    with peerserver(folder) as (_, broker), serve(site.path, f"ws://{broker}") as address:
        page = browser.new_page()
        page.goto(f"{address}/messages.html#{broker}")
        output = page.locator("#result")
        expect(output).not_to_be_empty(timeout=10 * MINUTE)
        result: dict[str, list[float]] = json.loads(output.inner_text())
    version = browser.version
    browser.close()
    echo, bare_echo = result["echo"], result["bare echo"]
    burst = median(result["burst"])
    heading(f"{name} {version}: messages", "the other")
    for words, kind in (
        ("echo", "echo"),
        ("only Python", "python echo"),
        ("only Python and JSON", "json echo"),
        ("only Python and frames", "frame echo"),
    ):
        row(f"{words}, p50; bare", 1000 * median(result[kind]), 1000 * median(bare_echo), "µs")
    row("echo, p99; bare", 1000 * quantiles(echo, n=100)[98], 1000 * quantiles(bare_echo, n=100)[98], "µs")
    for other in ("bare", "simple-peer", "PeerJS"):
        row(f"20,000 messages; {other}", burst, median(result[f"{other} burst"]))
    heading(f"{name}: the same with a journal", "bare")
    row("echo, p50", 1000 * median(result["kept echo"]), 1000 * median(bare_echo), "µs")
    row("echo, p50, and without a journal", 1000 * median(result["kept echo"]), 1000 * median(echo), "µs")
    row("20,000 messages", median(result["kept burst"]), median(result["bare burst"]))
    row("20,000 messages, and without a journal", median(result["kept burst"]), burst)
    heading(f"{name}: connecting", "the other")
    row("last paste to open; bare", median(result["connect"]), median(result["bare connect"]))
    row("of it proving who is there; two bare echoes", median(result["proving"]), 2 * median(bare_echo))


def main(names: list[BrowserName]) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = build_pages(Path(folder))
        for name in names:
            measure_messages(playwright, name, site, Path(folder))


if __name__ == "__main__":
    main([name for name in BROWSERS if name in sys.argv[1:] or len(sys.argv) == 1])
