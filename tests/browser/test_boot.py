"""How the page starts: what it loads, what a person sees meanwhile, and what it says when it cannot start."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from pychat.server.site import Site
from tests.browser.conftest import Watch, wait_until_ready

# Keeps every text that a person was shown meanwhile.
RECORD = """
const texts = (window.testTexts = []);
document.addEventListener("DOMContentLoaded", () => {
  const element = document.getElementById("boot-text");
  new MutationObserver(() => texts.push(element.textContent)).observe(element, {childList: true});
});
"""

TELL_SEEDS = """
import random
from js import document
document.documentElement.dataset.seeds = f"{random.random()} {hash('a text')} {hash(b'bytes')}"
"""

# Every key of every table that Python can reach has to be found in it.
LOOK_UP_ALL = """
import gc
import js

gc.unfreeze()
todo, seen = [*gc.get_objects(), *object.__subclasses__()], {}
while todo:
    it = todo.pop()
    if id(it) not in seen:
        seen[id(it)] = it
        todo += gc.get_referents(it)
tables = [it for it in seen.values() if isinstance(it, (dict, set, frozenset)) and it is not seen]
keys = [(table, key) for table in tables for key in list(table)]
lost = [key for table, key in keys if key not in table]
js.document.documentElement.dataset.lost = f"{len(lost)} of {len(keys)}"
"""

# What every function is made of, as one number each. Before that MODULES have to be imported.
TELL_FUNCTIONS = """
import gc
import importlib
import json
import sys
import types
import zlib

import js

for name in MODULES:
    importlib.import_module(name)


def tell(constant):
    kind = type(constant)
    if kind is types.CodeType:
        return constant.co_qualname
    if kind is tuple:
        return f"({[tell(it) for it in constant]})"
    return f"frozenset({sorted(map(tell, constant))})" if kind is frozenset else repr(constant)


functions = {}
gc.unfreeze()
todo, seen = [it.__code__ for it in gc.get_objects() if type(it) is types.FunctionType], set()
while todo:
    code = todo.pop()
    if id(code) not in seen:
        seen.add(id(code))
        todo += [constant for constant in code.co_consts if type(constant) is types.CodeType]
        names = [code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars]
        sizes = [code.co_argcount, code.co_stacksize, code.co_flags]
        tables = [code.co_linetable, code.co_exceptiontable]
        content = repr([code.co_code, tell(code.co_consts), names, sizes, tables])
        where = f"{code.co_filename}:{code.co_firstlineno} {code.co_qualname}"
        functions.setdefault(where, []).append(zlib.crc32(content.encode()))
js.testFunctions = json.dumps({where: sorted(sums) for where, sums in functions.items()})
js.testModules = json.dumps([*sys.modules])
js.document.documentElement.dataset.told = "all"
"""


def run_instead(page: Page, script: str) -> None:
    page.route("**/start/chat.py", lambda route: route.fulfill(body=script, content_type="text/x-python"))


def test_python_starts_and_each_file_is_asked_for_once(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    wait_until_ready(page)
    expect(page.locator("#boot-error")).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("data-python", "restored")
    assert sorted(set(asked)) == sorted(asked)
    for name in ("pyodide.asm.wasm", "pyodide.rest.wasm", "memory.bin", "python.mjs", "core.js", "config.json"):
        assert sum(url.endswith(f"/{name}") for url in asked) == 1
    for name in ("python_stdlib.zip", "pychat.zip"):
        assert not any(url.endswith(f"/{name}") for url in asked)


def cut_short(content: bytes) -> bytes:
    return content[:-1000]


def of_another_kind(content: bytes) -> bytes:
    return b"\0" + content[1:]


def of_another_pyodide(content: bytes) -> bytes:
    found = re.search(rb'"build":"([0-9a-f]{64})"', content)
    assert found
    return content.replace(found[1], found[1][::-1])


@pytest.mark.parametrize("spoil", [cut_short, of_another_kind, of_another_pyodide, None])
def test_a_memory_that_does_not_fit_is_not_used_and_python_starts_anew(
    page: Page, site: Site, spoil: Callable[[bytes], bytes] | None
) -> None:
    content = (site.path / site.app / "memory.bin").read_bytes()
    if spoil is None:
        page.route("**/memory.bin", lambda route: route.abort())
    else:
        page.route("**/memory.bin", lambda route: route.fulfill(body=spoil(content)))
    page.goto("/")
    wait_until_ready(page)
    expect(page.locator("html")).to_have_attribute("data-python", "anew")
    page.get_by_role("button", name="New invite").click()
    expect(page.get_by_label("Your invite")).not_to_be_empty()


def test_two_visits_have_different_random_numbers_and_hashes(context: BrowserContext) -> None:
    seeds: list[list[str]] = []
    for _ in range(2):
        page = context.new_page()
        run_instead(page, TELL_SEEDS)
        page.goto("/")
        root = page.locator("html")
        expect(root).to_have_attribute("data-seeds", re.compile("."), timeout=60_000)
        assert root.get_attribute("data-python") == "restored"
        seeds.append((root.get_attribute("data-seeds") or "").split())
    assert not set(seeds[0]) & set(seeds[1])


def test_with_another_hash_seed_every_key_is_found_in_its_table(page: Page) -> None:
    run_instead(page, LOOK_UP_ALL)
    page.goto("/")
    root = page.locator("html")
    expect(root).to_have_attribute("data-lost", re.compile(r"^0 of \d{5}$"), timeout=60_000)
    assert root.get_attribute("data-python") == "restored"


def functions_of(page: Page, modules: list[str]) -> dict[str, list[int]]:
    """What TELL_FUNCTIONS tells of the Python of a page."""
    run_instead(page, f"MODULES = {modules}\n{TELL_FUNCTIONS}")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-told", "all", timeout=60_000)
    functions: dict[str, list[int]] = json.loads(page.evaluate("testFunctions"))
    del functions["<exec>:1 <module>"]  # the script itself, MODULES and all
    return functions


def test_every_function_of_a_restored_python_is_what_it_is_in_one_started_anew(context: BrowserContext) -> None:
    restored, anew = context.new_page(), context.new_page()
    anew.route("**/memory.bin", lambda route: route.abort())
    found = functions_of(restored, [])
    expected = functions_of(anew, json.loads(restored.evaluate("testModules")))
    for page, how in ((restored, "restored"), (anew, "anew")):
        expect(page.locator("html")).to_have_attribute("data-python", how)
    assert len(found) > 5000
    assert {where for where, sums in found.items() if sums != expected.get(where)} == set()


def test_progress_counts_up_to_all_of_it(page: Page, site: Site) -> None:
    page.add_init_script(RECORD)
    page.goto("/")
    wait_until_ready(page)
    texts: list[str] = page.evaluate("testTexts")
    shares = [int(text.split("…")[1].split("%")[0]) for text in texts if text.startswith("Loading Python…")]
    assert shares == sorted(shares)
    assert texts[-1] == "Starting Python…"
    assert page.locator("#boot-progress").evaluate("element => [element.value, element.max]") == [site.load_bytes] * 2


def test_fetch_is_the_browsers_own_again_once_python_runs(page: Page) -> None:
    page.goto("/")
    wait_until_ready(page)
    assert page.evaluate("fetch.toString().includes('[native code]')")


@pytest.mark.parametrize(
    "file", ["pyodide.asm.wasm", "pyodide.rest.wasm", "pyodide.asm.mjs", "python.mjs", "rest.mjs", "core.js"]
)
def test_a_broken_connection_is_said_in_words(page: Page, watch: Watch, file: str) -> None:
    watch.expect_errors = True
    page.route(f"**/{file}", lambda route: route.abort())
    page.goto("/")
    expect(page.get_by_role("alert")).to_have_text(
        "pychat could not be loaded. Check your connection, then reload the page."
    )
    expect(page.locator("#boot-progress")).to_be_hidden()


def test_a_file_the_server_lacks_is_said_in_words(page: Page, watch: Watch) -> None:
    watch.expect_errors = True
    for name in ("memory.bin", "python_stdlib.zip"):
        page.route(f"**/{name}", lambda route: route.fulfill(status=404))
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")


def test_an_exception_at_the_start_is_said_in_words(page: Page, watch: Watch) -> None:
    watch.expect_errors = True

    def break_main(route: Route) -> None:
        route.fulfill(body="raise RuntimeError('boom')", content_type="text/x-python")

    page.route("**/start/chat.py", break_main)
    page.goto("/")
    expect(page.get_by_role("alert")).to_have_text(
        "pychat stopped while starting. Reload the page to try again.", timeout=60_000
    )


@pytest.mark.parametrize("name", ["WebAssembly", "RTCPeerConnection"])
def test_a_browser_that_lacks_something_is_told_so(page: Page, name: str) -> None:
    page.add_init_script(f"delete globalThis.{name}")
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("This browser lacks what pychat needs")


def test_a_browser_without_ed25519_is_told_so(page: Page, watch: Watch) -> None:
    watch.expect_errors = True
    page.add_init_script("SubtleCrypto.prototype.generateKey = async () => { throw new DOMException('no') }")
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("This browser lacks what pychat needs")


def test_over_plain_http_the_page_says_why_it_does_not_start(page: Page, watch: Watch, server: str) -> None:
    watch.expect_requests = True
    elsewhere = "http://pychat.test"  # a name that is not of this machine
    page.route(
        f"{elsewhere}/**",
        lambda route: route.fulfill(response=route.fetch(url=route.request.url.replace(elsewhere, server))),
    )
    page.goto(elsewhere)
    expect(page.get_by_role("alert")).to_contain_text("Open this page with https, or on the machine that serves it.")
    page.unroute_all(behavior="ignoreErrors")  # else what is still under way would fail the next test
