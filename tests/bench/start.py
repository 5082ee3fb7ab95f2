"""How long the page takes until one can send, beside a stock PyScript page with one line of Python.

    python -m tests.bench.start [chromium] [firefox]

Every round begins with two fresh profiles, one for each page, and visits them in turn: the first time with nothing in
any cache, then again and again. In Chromium a visit is at its best from the third one on, for it keeps compiled
JavaScript only then.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from statistics import median

from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from pychat.site.build import Site, build_site
from tests.bench.serving import ROOT, serve
from tests.bench.table import heading, row
from tests.browsers import BrowserName, launch_profile

BROWSERS: tuple[BrowserName, ...] = ("chromium", "firefox")
ROUNDS = 10
VISITS = 4
OURS, STOCK = "/", "/stock/index.html"
ON_READY = "document.addEventListener('pychat:ready', () => performance.mark('ready'))"
READY = """() => new Promise(done => {
    const look = () => performance.getEntriesByName("ready").length ? done() : setTimeout(look, 50);
    look();
})"""
MARKS = """() => Object.fromEntries([
    ...performance.getEntriesByType("mark"),
    ...performance.getEntriesByName("first-contentful-paint"),
].map(({ name, startTime }) => [name, startTime]))"""
BYTES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, { transferSize }) => sum + transferSize, 0)"""
# Until the service worker has kept everything, the next visit is none of those that come after it.
KEPT = "() => navigator.serviceWorker.getRegistration().then(it => it && navigator.serviceWorker.ready.then(() => 0))"
PARTS = {
    "first-contentful-paint": "painted",
    "python:begin": "Python begins to load",
    "python:compiled": "WebAssembly is compiled",
    "python:instantiated": "and instantiated, and the memory is read",
    "python:restored": "the memory is restored",
    "ready": "the page can send",
}

Marks = Mapping[str, float]


def visit(context: BrowserContext, url: str) -> tuple[Marks, int]:
    """Open a page in a tab of its own; its marks in milliseconds, and the bytes that came over the network."""
    page: Page = context.new_page()
    page.add_init_script(ON_READY)
    page.goto(url)
    page.evaluate(READY)
    marks: Marks = page.evaluate(MARKS)
    transferred: int = page.evaluate(BYTES)
    page.evaluate(KEPT)
    page.close()
    return marks, transferred


def measure_start(playwright: Playwright, name: BrowserName, site: Site) -> None:
    """Measure first and later visits in one browser, and print the tables."""
    found: dict[tuple[str, int], list[Marks]] = {}
    transferred = []
    with serve(site.path) as address:
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as stock:
                profiles = {OURS: launch_profile(playwright, name, ours)}
                profiles[STOCK] = launch_profile(playwright, name, stock)
                for number in range(VISITS):
                    for path, context in profiles.items():
                        marks, size = visit(context, address + path)
                        found.setdefault((path, number), []).append(marks)
                        if (path, number) == (OURS, 0):
                            transferred.append(size)
                for context in profiles.values():
                    context.close()

    def middle(path: str, number: int, mark: str) -> float:
        return median(marks[mark] for marks in found[path, number])

    heading(f"{name}: until the page can send", "stock")
    row("first visit", middle(OURS, 0, "ready"), middle(STOCK, 0, "ready"))
    row("later visit", middle(OURS, VISITS - 1, "ready"), middle(STOCK, VISITS - 1, "ready"))
    print(f"a first visit transfers {median(transferred) / 1e6:.2f} MB")
    print(f"\n{name}: where the time goes, in milliseconds since the page is opened      first    later")
    for mark, words in PARTS.items():
        print(f"{words:66}{middle(OURS, 0, mark):9.0f}{middle(OURS, VISITS - 1, mark):9.0f}")


def main(names: list[BrowserName]) -> None:
    site = build_site(ROOT / "web", ROOT / "pychat", ROOT / "build" / "site")
    with sync_playwright() as playwright:
        for name in names:
            measure_start(playwright, name, site)


if __name__ == "__main__":
    main([name for name in BROWSERS if name in sys.argv[1:] or len(sys.argv) == 1])
