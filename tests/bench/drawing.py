"""What it costs to draw 1,000 mixed messages: beside a list that plain JavaScript draws, of the same elements.

    python -m tests.bench.drawing [chromium] [firefox]

Both clone the page's own templates, in slices as the page does, take away what is then too many, and go to the end:
that is when the browser lays out what is new. Measured is the time of the main thread until then, all of it and the
longest slice: of all messages, as if each were looked at; and of a conversation of as many that is opened, of which the
page draws the last ones.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from statistics import median

from playwright.sync_api import Page, Playwright, expect, sync_playwright

from pychat.site.build import Site, build_site
from tests.bench.serving import ROOT, serve
from tests.bench.start import BROWSERS
from tests.bench.table import heading, row
from tests.browser.test_boot import run_instead
from tests.browsers import BrowserName, launch

ROUNDS = 3
COUNT = 1000
MINUTES = 60_000

# Python's side; JavaScript's gets what stands in `testMessages`.
DRAW = """
import asyncio
import json

import js
from pyodide.ffi import create_proxy, to_js

from pychat.browser.dom import Scope, show
from pychat.browser.screens.message import DrawnMessage, Names
from pychat.browser.screens.messages import KEPT, PAGE, SLICE, MessageList
from pychat.core.chat.conversation import Delivery
from pychat.core.chat.relations import Reactions, Revision
from pychat.ui import strings, times
from pychat.ui.folding import fold
from pychat.ui.messages import MessageView, Quoted

AUTHOR = "own-log-own-log-own-lo"
TEXTS = ("Hello", "Grüße, שלום, 你好, 👋🏽", "See https://pychat.test/?a=1#b", "two\\nlines", "a " * 99, "b " * 999)
NAMES = Names("Ann", "Bob")
MESSAGES = [
    MessageView(
        is_own=number % 2 == 0,
        number=number,
        at=1_700_000_000_000 + number * 600_000,
        text="" if number % 29 == 0 else TEXTS[number % len(TEXTS)],
        author=AUTHOR,
        answers=Quoted(True, AUTHOR, number - 1, "what was said before", True) if number % 7 == 0 else None,
        revisions=(Revision(1_700_000_000_000, "before"),) if number % 11 == 0 else (),
        reactions=Reactions("👍", "❤️" if number % 2 else "👍") if number % 5 == 0 else Reactions("", ""),
    )
    for number in range(1, COUNT + 1)
]
log = js.document.querySelector('[data-part="messages"]')
for element in js.document.body.children:
    show(element, False)
js.document.body.prepend(log)
log.style.height = "600px"
log.style.overflowY = "auto"


def draw(first):
    drawn = []
    for at in range(first, min(first + SLICE, COUNT)):
        message = MESSAGES[at]
        one = DrawnMessage(at, message, NAMES, Delivery.DELIVERED if message.is_own else None)
        one.put_before(MESSAGES[at - 1] if at else None)
        if not message.is_deleted:
            one.offer_menu()
        drawn.append(one)
    log.append(*(element for one in drawn for element in one.elements))
    if log.childElementCount > KEPT:
        for element in list(log.children)[:-PAGE]:
            element.remove()
    log.scrollTop = log.scrollHeight


class Shown(list):  # what the page asks of the messages of a chat
    key, start, inserted, insertions, changes = AUTHOR, 0, 0, (), 0
    has_earlier = has_too_many = False
    progress, progress_before, reads = (0, 0), 0, 0

    def is_read(self, _):
        return False

    def delivery_at(self, _):
        return Delivery.DELIVERED

    def can_reply(self, message):
        return not message.is_deleted


class Timed(MessageList):
    took, _is_inside = [], False

    def render(self, *shown):
        self._time(super().render, *shown)

    def _draw(self):
        self._time(super()._draw)

    def _time(self, work, *given):
        if self._is_inside:
            return work(*given)
        self._is_inside, begun = True, js.performance.now()
        work(*given)
        self._is_inside = False
        self.took.append(js.performance.now() - begun)


shown, opened = Shown(MESSAGES), Timed(Scope(js.document.body), menu=object())


async def open_chat():
    opened.clear()
    opened.took.clear()
    opened.render(shown, NAMES)
    while opened._is_behind:
        await asyncio.sleep(0.05)
    opened.clear()
    return to_js([sum(opened.took), max(opened.took)])


js.testOpen = create_proxy(open_chat)
js.testDraw = create_proxy(draw)
js.testSlice, js.testKept, js.testPage = SLICE, KEPT, PAGE
days = [times.local(message.at).date() for message in MESSAGES]
js.testMessages = json.dumps([
    {
        "own": message.is_own,
        "deleted": message.is_deleted,
        "who": NAMES.who(is_own=message.is_own),
        "text": fold(message.words),
        "more": "" if fold(message.words) == message.words else strings.unfold(len(message.words)),
        "clock": times.clock(message.at),
        "time": times.local(message.at).isoformat(timespec="seconds"),
        "day": "" if at and days[at - 1] == days[at] else str(days[at]),
        "quoted": message.answers.words if message.answers else "",
        "edited": bool(message.revisions),
        "reactions": [emoji for emoji in dict.fromkeys(message.reactions) if emoji],
    }
    for at, message in enumerate(MESSAGES)
])
js.document.documentElement.dataset.drawing = "ready"
""".replace("COUNT", str(COUNT))

# A turn of the loop between two slices. Returns milliseconds: of all, and of the longest.
MEASURE = """async ([kind, isOpened]) => {
    const log = document.querySelector("[data-part=messages]");
    const copy = name => document.getElementById(name).content.firstElementChild.cloneNode(true);
    if (isOpened && kind === "ours") return [...await testOpen()];
    const messages = JSON.parse(testMessages).slice(isOpened ? -testPage : 0);
    const drawOne = ({own, deleted, who, text, more, clock, time, day, quoted, edited, reactions}) => {
        const article = copy("message"), find = query => article.querySelector(query);
        const put = (query, text) => { const it = find(query); it.textContent = text; it.hidden = false; return it; };
        article.dataset.author = own ? "me" : "peer";
        article.dataset.state = deleted ? "deleted" : "delivered";
        find(".who").textContent = `${who}: `;
        put("time", clock).setAttribute("datetime", time);
        find("p").textContent = text;
        if (deleted) article.dataset.deleted = "true";
        else {
            if (own) find(".delivery").textContent = "Delivered";
            const menu = find(".menu-open");
            menu.title = menu.ariaLabel = `Message of ${who}, ${clock}`;
            menu.hidden = false;
            if (more) put(".more", more).setAttribute("aria-expanded", "false");
        }
        if (quoted) {
            article.dataset.reply = "true";
            find(".quote").hidden = false;
            find(".quoted-who").textContent = "You";
            find(".quoted-text").textContent = quoted;
        }
        if (edited) {
            article.dataset.edited = "true";
            put(".edited", "edited");
        }
        if (reactions.length) {
            article.dataset.reacted = "true";
            find(".reactions").hidden = false;
            find(".reactions").replaceChildren(...reactions.map(emoji => {
                const button = copy("reaction");
                button.textContent = button.dataset.emoji = emoji;
                button.title = button.ariaLabel = `${emoji}: ${who}`;
                return button;
            }));
        }
        if (!day) return [article];
        const above = copy("day");
        above.textContent = day;
        return [above, article];
    };
    const draw = kind === "ours" ? testDraw : first => {
        log.append(...messages.slice(first, first + testSlice).flatMap(drawOne));
        const above = log.childElementCount > testKept ? [...log.children].slice(0, -testPage) : [];
        above.forEach(element => element.remove());
        log.scrollTop = log.scrollHeight;
    };
    log.replaceChildren();
    log.scrollTop = log.scrollHeight;
    const took = [];
    for (let first = 0; first < messages.length; first += testSlice) {
        await new Promise(done => setTimeout(done));
        const begun = performance.now();
        draw(first);
        took.push(performance.now() - begun);
    }
    const fewest = isOpened ? messages.length : testPage;
    if (log.childElementCount < fewest || log.scrollTop < 1000) throw new Error("They are not drawn.");
    return [took.reduce((sum, one) => sum + one), Math.max(...took)];
}"""


def figures(page: Page, *, is_opened: bool) -> Mapping[str, list[list[float]]]:
    """Of both kinds, in turn: milliseconds of all, and of the longest slice. `is_opened`: a chat with them is."""
    found: dict[str, list[list[float]]] = {"ours": [], "plain": []}
    for _ in range(ROUNDS):
        for kind, rounds in found.items():
            rounds.append(page.evaluate(MEASURE, [kind, is_opened]))
    return found


def measure_drawing(playwright: Playwright, name: BrowserName, site: Site) -> None:
    """Measure in one browser, and print the table."""
    with serve(site.path) as address:
        browser = launch(playwright, name)
        page = browser.new_page()
        run_instead(page, DRAW)
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("data-drawing", "ready", timeout=MINUTES)
        opened, drawn = (figures(page, is_opened=is_opened) for is_opened in (True, False))
        browser.close()
    for title, found in (
        (f"{name}: a chat with {COUNT:,} mixed messages is opened", opened),
        (f"{name}: {COUNT:,} mixed messages are drawn", drawn),
    ):
        heading(title, "JavaScript")
        for words, at in (("time of the main thread", 0), ("the longest slice", 1)):
            ours, plain = (median(one[at] for one in found[kind]) for kind in ("ours", "plain"))
            row(words, ours, plain)


def main(names: list[BrowserName]) -> None:
    site = build_site(ROOT / "web", ROOT / "pychat", ROOT / "build" / "site")
    with sync_playwright() as playwright:
        for name in names:
            measure_drawing(playwright, name, site)


if __name__ == "__main__":
    main([name for name in BROWSERS if name in sys.argv[1:] or len(sys.argv) == 1])
