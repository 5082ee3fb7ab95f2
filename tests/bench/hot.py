"""Makes pychat/site/hot.json anew: which functions of Python's WebAssembly a page needs until people talk.

    python -m tests.bench.hot

It is needed when Pyodide has changed, and `make build` says so. The page is built with a WebAssembly that notes which
of its functions run; then people use it in both browsers: they open it, exchange codes, talk, meet in a room, leave and
come back. Whatever has run on any of the pages is in the list. It takes some minutes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from pychat.site import build
from pychat.site.snapshot import find_node
from tests.bench.serving import ROOT
from tests.browser.people import Person, connect
from tests.browser.test_room import meet
from tests.browsers import BrowserName, launch
from tests.server.relays import Relay

LIST = ROOT / "pychat" / "site" / "hot.json"
SITE = LIST.parent
COUNT = Path(__file__).with_name("count.mjs")
# Not always the same runs: hashes are others at each visit, and collect their garbage at other times.
ROUNDS = 2
BROWSERS: tuple[BrowserName, ...] = ("chromium", "firefox")
EVERYTHING = "0-999999"
# Milliseconds in which also that runs which comes now and then, such as the collection of garbage.
NOW_AND_THEN = 3000
# Of every kind, for what is done with a text depends on what is in it.
TEXTS = (
    "Hello again",
    "Hello, שלום, 你好, 👋🏽",
    "👋🏽 at the beginning",
    "Grüße",
    "12:30?",
    "two\nlines",
    "https://pychat.test/?a=1#b and (https://pychat.test)",
    "\u202eright to left\u2066, e\u0301 and \x01",
    "long " * 500,
    "x" * 8000,
    "y" * 8001,
)

KEEP_INSTANCES = """
const instances = (globalThis.testInstances = []);
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...parts) => {
    const made = await instantiate(...parts);
    instances.push(made);
    return made;
};
"""
RAN = """() => testInstances.flatMap(({ exports }) =>
    Object.keys(exports).filter(name => name.startsWith("ran.") && exports[name].value).map(name => +name.slice(4)))"""


def write_list(path: Path, functions: list[str]) -> None:
    """Write a list of numbers and ranges."""
    wasm = ROOT / "web" / "node_modules" / "pyodide" / "pyodide.asm.wasm"
    lines = textwrap.wrap(" ".join(functions), 110)
    content = {"sha256": hashlib.sha256(wasm.read_bytes()).hexdigest(), "functions": lines}
    path.write_text(json.dumps(content, indent=2) + "\n")


def ranges(numbers: set[int]) -> list[str]:
    """The numbers in order, as few words as can be."""
    words: list[list[int]] = []
    for number in sorted(numbers):
        if words and words[-1][-1] == number - 1:
            words[-1][1:] = [number]
        else:
            words.append([number])
    return ["-".join(map(str, word)) for word in words]


def build_counting(folder: Path) -> Path:
    """The site, with a WebAssembly of one part that counts."""
    web = folder / "web"
    modules = ROOT / "web" / "node_modules"
    shutil.copytree(ROOT / "web", web, ignore=shutil.ignore_patterns("node_modules"))
    compiled = web / "node_modules" / ".compiled"
    compiled.mkdir(parents=True)
    for name in ("pyodide", "@pyscript", "hash-wasm"):
        (web / "node_modules" / name).symlink_to(modules / name)
    node = find_node()
    write_list(folder / "all.json", [EVERYTHING])
    arguments = [SITE / "precompile.mjs", modules / "pyodide", compiled, folder / "all.json"]
    subprocess.run([node, *arguments], check=True)
    wasm = compiled / "pyodide.asm.wasm"
    subprocess.run([node, COUNT, wasm, wasm], check=True)
    build.BROTLI_QUALITY = {}
    build.BROTLI_QUALITY_ELSE = 1  # for this once
    return build.build_site(web, ROOT / "pychat", folder / "site").path


@contextmanager
def people(browser: Browser, address: str, found: set[int], count: int = 2) -> Iterator[list[Person]]:
    """Each with a browser profile of their own; notes in `found` what has run on their pages."""
    contexts = [browser.new_context(base_url=address) for _ in range(count)]
    for context in contexts:
        context.add_init_script(KEEP_INSTANCES)
    everybody = [Person.at(context) for context in contexts]
    yield everybody
    note(everybody, found)
    for context in contexts:
        context.close()


def note(everybody: list[Person], found: set[int]) -> None:
    """Add what has run on these pages."""
    for someone in everybody:
        found.update(someone.page.evaluate(RAN))


def talk(one: Person, other: Person) -> None:
    """Messages from each."""
    for speaker, listener in ((one, other), (other, one)):
        for text in TEXTS:
            speaker.say(text)
        speaker.say("the last")
        listener.messages.filter(has_text="the last").first.wait_for()
        listener.signs()


def use(browser: Browser, address: str, found: set[int]) -> None:
    """What people do, by invite and reply, when they come back, and in a room."""
    with people(browser, address, found) as (ann, bob):
        ann.go_by("Ann")
        bob.go_by("Zoë 👋🏽")
        ann.paste("This is no code, 👋🏽")
        connect(ann, bob)
        talk(ann, bob)
        ann.say_match()
        ann.page.wait_for_timeout(NOW_AND_THEN)
        bob.act("Leave").click()
        ann.expect_state("closed")
        note([ann, bob], found)
        for someone in (ann, bob):
            someone.again()
        for someone in (ann, bob):
            someone.people.first.click()
            someone.expect_state("open")  # they find each other by themselves
        talk(ann, bob)
        ann.page.get_by_role("searchbox").fill("last")
        ann.page.get_by_role("list", name="Found").get_by_role("button").first.click()
        ann.page.wait_for_timeout(NOW_AND_THEN)
        note([ann, bob], found)
        for someone in (ann, bob):
            someone.again()
        meet(ann, bob)
        note([ann, bob], found)
    with people(browser, address, found) as (ann, bob):
        meet(ann, bob)
        talk(ann, bob)
        note([ann, bob], found)
        bob.page.reload()
        for someone in (ann, bob):
            someone.expect_state("open")
        bob.page.goto(f"{address}/demo.html")
        bob.page.wait_for_timeout(NOW_AND_THEN)


def measure(playwright: Playwright, name: BrowserName, address: str, found: set[int]) -> None:
    """Use the page in one browser."""
    browser = launch(playwright, name)
    for _ in range(ROUNDS):
        before = len(found)
        use(browser, address, found)
        print(f"{name}: {len(found)} functions, {len(found) - before} of them new", flush=True)
    browser.close()


def main() -> None:
    found: set[int] = set()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        relay = Relay.start(build_counting(Path(folder)), Path(folder))
        with relay.process:
            try:
                for name in BROWSERS:
                    measure(playwright, name, relay.url.rstrip("/"), found)
            finally:
                relay.process.kill()
    write_list(LIST, ranges(found))
    print(f"{LIST.relative_to(ROOT)} has {len(found)} functions: run `make build`.")


if __name__ == "__main__":
    main()
