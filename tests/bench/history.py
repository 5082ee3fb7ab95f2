"""What a long conversation costs: 100,000 messages that are kept, beside 100.

    python -m tests.bench.history [chromium] [firefox]

A page writes that many into its journal, each as a segment, as they are when people talk. Then the same profile opens
the page again and again, opens the conversation, scrolls back, and searches.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright

from pychat.site.build import Site, build_site
from tests.bench.serving import ROOT, serve
from tests.bench.start import BROWSERS, MARKS, ON_READY, READY
from tests.bench.table import heading, row
from tests.browser.test_boot import run_instead
from tests.browsers import BrowserName, launch_profile

FEW, MANY = 100, 100_000
VISITS = 5
MINUTES = 60_000
FILL = """
import random, time
import js
from pychat.browser.ports.crypto import BrowserCrypto
from pychat.browser.ports.journal import BrowserJournal
from pychat.core.chat.chats import conversation_id
from pychat.core.chat.records import Head, Part, Preview, write_head, write_segment
from pychat.core.effects import KeptChanges
from pychat.core.log import Entry

WORDS = ["".join(random.Random(i).choices("aeioulmnrst", k=random.Random(i).randint(2, 9))) for i in range(3000)]
crypto = await BrowserCrypto.open()
journal = await BrowserJournal.open(crypto)
peer = bytes(range(32))
chat = conversation_id(crypto.public_key, peer)
began, chosen = int(time.time()) - COUNT * 60, random.Random(1)
last = None
for at in range(0, COUNT, 50):
    changes = []
    for number in range(at, min(at + 50, COUNT)):
        moment, own = began + number * 60, number % 2 == 0
        text = " ".join(chosen.choices(WORDS, k=10)) + (" needle" if number == COUNT // 2 else "")
        entry = Entry(moment * 1000, text)
        log = "own-log-own-log-own-lo" if own else "his-log-his-log-his-lo"
        segment = write_segment([Part(log, number // 2 + 1, [entry], own)], moment)
        last = Preview(own, entry.at, text[:100])
        counts = {"own-log-own-log-own-lo": (number + 2) // 2, "his-log-his-log-his-lo": (number + 1) // 2}
        own_counts = {"own-log-own-log-own-lo": (number + 2) // 2}
        head = write_head(Head(peer, "Bob", own_counts, counts, number + 1, 0, entry.at, last=last))
        changes.append(KeptChanges(chat, head, segment, ()))
    await journal.write(changes)
js.document.documentElement.dataset.filled = "yes"
"""


def fill(context: BrowserContext, address: str, count: int) -> None:
    """Put so many messages into the journal of this profile."""
    page = context.new_page()
    run_instead(page, FILL.replace("COUNT", str(count)))
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("data-filled", "yes", timeout=20 * MINUTES)
    page.close()


def until(page: Page, act: Callable[[], object], condition: str) -> float:
    """Milliseconds, by the page's clock, from an act until a condition in JavaScript holds after a frame was drawn."""
    page.evaluate(f"""() => {{
        window.begun = null;
        window.took = new Promise(done => {{
            const look = () => window.begun !== null && ({condition})
                ? requestAnimationFrame(() => done(performance.now() - window.begun)) : setTimeout(look, 1);
            look();
        }});
        for (const kind of ["pointerdown", "input", "keydown"])
            addEventListener(kind, () => window.begun ??= performance.now(), {{capture: true, once: true}});
    }}""")
    act()
    return float(page.evaluate("() => window.took"))


def visit(context: BrowserContext, address: str, count: int) -> dict[str, float]:
    """Open the page and the conversation, scroll back, search; what each takes, in milliseconds."""
    page = context.new_page()
    page.add_init_script(ON_READY)
    page.goto(address)
    page.evaluate(READY)
    page.get_by_role("navigation", name="People").get_by_role("button").wait_for()
    found = {"until the page can send": float(page.evaluate(MARKS)["ready"])}
    newest = "document.querySelectorAll('[data-part=messages] article').length >= 8"
    line = page.get_by_role("navigation", name="People").get_by_role("button")
    found["until the newest messages are painted"] = until(page, line.click, newest)
    page.wait_for_function("() => document.querySelectorAll('[data-part=messages] article').length >= 80")
    earlier, box = page.get_by_role("button", name="Show earlier messages"), page.get_by_role("searchbox")
    if count > FEW:
        more = "document.querySelectorAll('[data-part=messages] article').length >= 160"
        found["until earlier ones are shown"] = until(page, earlier.click, more)
    done = "!document.querySelector('[data-part=search-note]').textContent.startsWith('Searching')"
    shown = f"document.querySelector('[data-part=found]').children.length && {done}"
    found["until all is searched, the first time"] = until(page, lambda: box.press_sequentially("n"), shown)
    page.wait_for_timeout(500)
    for text in ("needle", "ar", "no such word"):
        box.fill("")
        page.wait_for_timeout(200)
        hits = "!== 0" if text != "no such word" else "=== 0"
        there = f"document.querySelector('[data-part=search]').value === '{text}' && {done}"
        there += f" && document.querySelector('[data-part=found]').children.length {hits}"
        found[f"until “{text}” is searched"] = until(page, lambda text=text: box.fill(text), there)  # type: ignore[misc]
    if count > FEW:
        box.fill("needle")
        hit = page.get_by_role("list", name="Found").get_by_role("button")
        hit.wait_for()
        marked = "document.querySelector('article[data-found=true]')"
        found["until one from the middle is shown"] = until(page, hit.click, marked)
    page.close()
    return found


def measure_history(playwright: Playwright, name: BrowserName, site: Site) -> None:
    """Measure in one browser, and print the table."""
    figures: dict[int, list[dict[str, float]]] = {FEW: [], MANY: []}
    with serve(site.path) as address, tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        profiles = {FEW: launch_profile(playwright, name, few), MANY: launch_profile(playwright, name, many)}
        for count, context in profiles.items():
            begun = time.perf_counter()
            fill(context, address, count)
            print(f"{count:,} messages are written in {time.perf_counter() - begun:.0f} s", flush=True)
        for _ in range(VISITS):
            for count, context in profiles.items():
                figures[count].append(visit(context, address, count))
        for context in profiles.values():
            context.close()
    heading(f"{name}: a conversation that is kept", f"{FEW:,}", f"{MANY:,}")
    for words in figures[MANY][0]:
        ours = median(one[words] for one in figures[MANY])
        first = figures[MANY][0][words]
        if words in figures[FEW][0]:
            row(words, ours, median(one[words] for one in figures[FEW]))
        else:
            print(f"{words:<52}{ours:>10.1f} ms")
        if first > 2 * ours:
            print(f"{'  at the first visit':<52}{first:>10.1f} ms")


def main(names: list[BrowserName]) -> None:
    site = build_site(ROOT / "web", ROOT / "pychat", ROOT / "build" / "site")
    with sync_playwright() as playwright:
        for name in names:
            measure_history(playwright, name, site)


if __name__ == "__main__":
    main([name for name in BROWSERS if name in sys.argv[1:] or len(sys.argv) == 1])
