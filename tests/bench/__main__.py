"""Measures in Chromium, on CPython and at the relay; prints tables: our figure, the other one, the ratio of the two."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Page, expect, sync_playwright

from tests.bench import native
from tests.bench.drawing import measure_drawing
from tests.bench.history import measure_history
from tests.bench.messages import measure_messages
from tests.bench.relay import measure_relay
from tests.bench.rooms import measure_rooms
from tests.bench.serving import ROOT, build_pages, serve
from tests.bench.start import BROWSERS, measure_start
from tests.bench.table import heading, row
from tests.browsers import launch

NATIVE_ROUNDS = 5
MINUTES = 60_000


Answer = Callable[[str], str]
"""Makes the other side of a measurement: takes what the side that measures wrote, returns what it is to read."""


def measure(kind: str, answer: Answer) -> native.Figures:
    """Run the side that measures in a process of its own, against the other side that `answer` makes."""
    with _side(kind, "measure") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{answer(process.stdout.readline().strip())}\n")
        process.stdin.flush()
        figures: native.Figures = json.loads(process.stdout.readline())
        return figures


def _side(kind: str, role: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", native.__name__, kind, role]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def native_table(name: str, answers: Mapping[str, Answer]) -> None:
    """Measure “ours” and “bare” in turn, and print their rows."""
    echoes: dict[str, list[float]] = {kind: [] for kind in answers}
    bursts: dict[str, list[float]] = {kind: [] for kind in answers}
    for _ in range(NATIVE_ROUNDS):
        for kind, answer in answers.items():
            figures = measure(kind, answer)
            echoes[kind] += figures["echo"]
            bursts[kind] += figures["burst"]
    heading(name, "bare aiortc")
    row("echo, p50", median(echoes["ours"]), median(echoes["bare"]))
    row("echo, p99", quantiles(echoes["ours"], n=100)[98], quantiles(echoes["bare"], n=100)[98])
    row("20,000 messages (ours acknowledged, bare arrived)", median(bursts["ours"]), median(bursts["bare"]))


def measure_native(page: Page) -> None:
    """Between two processes, and between a process and a page."""

    def by_process(kind: str) -> Answer:
        def answer(line: str) -> str:
            process = _side(kind, "answer")  # it ends when the other side leaves
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        return answer

    native_table("CPython to CPython", {kind: by_process(kind) for kind in ("ours", "bare")})
    native_table(
        "CPython to Chromium",
        {
            "ours": lambda invite: str(page.evaluate("invite => ours(invite)", invite)),
            "bare": lambda offer: json.dumps(
                page.evaluate("([offer, count]) => bare.answer(JSON.parse(offer), count)", [offer, native.MESSAGES])
            ),
        },
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = build_pages(Path(folder))
        print("medians; a ratio below 1 means that pychat is quicker")
        for name in BROWSERS:
            measure_messages(playwright, name, site, Path(folder))
        browser = launch(playwright, "chromium")
        with serve(site.path) as address:
            page = browser.new_page()
            page.goto(f"{address}/partner.html")
            expect(page.locator("html")).to_have_attribute("data-partner", "ready", timeout=MINUTES)
            measure_native(page)
        measure_rooms(browser, site, Path(folder))
        browser.close()
        for name in BROWSERS:
            measure_start(playwright, name, site)
        measure_drawing(playwright, "chromium", site)
        measure_history(playwright, "chromium", site)
    measure_relay()


if __name__ == "__main__":
    main()
