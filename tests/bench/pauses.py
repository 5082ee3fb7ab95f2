"""The longest pause of the page while a burst of long messages comes in, and while one goes back through them.

    python -m tests.bench.pauses [messages] [characters]

Another program of ours sends them: 1,000 of 8,000 characters by default, the longest that there are. Chromium tells of
each task of the main thread that took longer than 50 ms; none may take longer than 200.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from pychat.client import Peer
from pychat.site.build import build_site
from tests.bench.serving import ROOT, serve
from tests.browser.people import Person
from tests.browsers import launch

MINUTES = 60_000
WORDS = "Long texts are what makes a page slow to lay out. "
OBSERVE = """() => {
    window.pauses = [];
    new PerformanceObserver(list => {
        for (const { duration } of list.getEntries()) window.pauses.push(duration);
    }).observe({ type: "longtask" });
}"""
TAKE = "() => window.pauses.splice(0)"


@contextmanager
def sender(count: int, characters: int, invite: str) -> Iterator[str]:
    """Another process that answers the invite and then sends; yields its reply."""
    command = [sys.executable, "-m", "tests.bench.pauses", str(count), str(characters), invite]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def send(count: int, characters: int, invite: str) -> None:
    async with Peer(name="Sender") as peer:
        chat = await peer.join(invite)
        print(chat.code, flush=True)
        for number in range(1, count + 1):
            chat.send(f"{number} {WORDS * (characters // len(WORDS) + 1)}"[:characters])
        await asyncio.Event().wait()


def tell(page: Page, what: str) -> None:
    page.wait_for_timeout(1000)  # of a task it is told when it is over
    pauses = sorted(page.evaluate(TAKE), reverse=True)
    print(f"{what}: longest {pauses[:5]} ms, {len(pauses)} above 50 ms, {sum(pauses):.0f} ms in all")


def main(count: int, characters: int) -> None:
    site = build_site(ROOT / "web", ROOT / "pychat", ROOT / "build" / "site")
    with serve(site.path) as address, sync_playwright() as playwright:
        person = Person.at(launch(playwright, "chromium").new_context(base_url=address))
        person.page.evaluate(OBSERVE)
        with sender(count, characters, person.make_invite()) as reply:
            person.paste(reply)
            person.expect_state("open")
            last = person.messages.filter(has_text=f"{count} {WORDS[:10]}")
            expect(last).to_have_count(1, timeout=2 * MINUTES)
            tell(person.page, f"{count} messages of {characters} characters come")
            for _ in range(5):
                if person.button("Show earlier messages").is_visible():
                    person.button("Show earlier messages").click()
            tell(person.page, "five pages of earlier ones are shown")
            person.page.set_viewport_size({"width": 390, "height": 844})
            tell(person.page, "the screen becomes narrow")
            person.say("and an answer")
            tell(person.page, "one is written")
            drawn, characters = person.messages.count(), len(person.log.text_content() or "")
            print(f"in the document are {drawn} messages of {characters} characters")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        asyncio.run(send(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
    else:
        main(*(int(argument) for argument in (sys.argv[1:] or ["1000", "8000"])))
