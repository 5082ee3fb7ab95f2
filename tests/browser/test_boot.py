"""How the page starts: what it loads, what a person sees meanwhile, and what it says when it cannot start."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from pychat.site.build import Site
from tests.browser.conftest import Watch, in_chromium, serve, wait_until_ready

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
columns = []
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
        if not where.startswith("<frozen") and any(column is not None for *_, column, _ in code.co_positions()):
            columns.append(where)
js.testFunctions = json.dumps({where: sorted(sums) for where, sums in functions.items()})
js.testModules = json.dumps([*sys.modules])
js.testColumns = json.dumps(columns)
js.document.documentElement.dataset.told = "all"
"""


def run_instead(page: Page, script: str) -> None:
    page.route("**/start/chat.py", lambda route: route.fulfill(body=script, content_type="text/x-python"))


def wait_until_joined(page: Page) -> None:
    """Wait until the rest of Python's WebAssembly is there, too."""
    page.wait_for_function("name => performance.getEntriesByName(name).length", arg="python:joined")


def test_python_starts_and_each_file_is_asked_for_once_and_counted(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.add_init_script(RECORD)
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
    # What is said to have come is what has crossed the wire.
    wire = sum(wire for _, wire in site.sizes.values())
    assert transferred(page, site) == wire < site.load_bytes
    assert_counted(page, wire)
    # And "fetch" is the browser's own again.
    assert page.evaluate("fetch.toString().includes('[native code]')")


def test_a_first_visit_transfers_no_more_than_it_may(site: Site) -> None:
    assert site.wire_bytes < 6_700_000


def cut_short(content: bytes) -> bytes:
    return content[:-1000]


def of_another_kind(content: bytes) -> bytes:
    return b"\0" + content[1:]


def of_another_pyodide(content: bytes) -> bytes:
    found = re.search(rb'"build":"([0-9a-f]{64})"', content)
    assert found
    return content.replace(found[1], found[1][::-1])


@pytest.mark.parametrize(
    ("browser_name", "spoil"),
    [
        *(("chromium", spoil) for spoil in (cut_short, of_another_kind, of_another_pyodide, None)),
        ("firefox", cut_short),
    ],
    indirect=["browser_name"],
)
def test_a_memory_that_does_not_fit_is_not_used_and_python_starts_anew(
    page: Page, watch: Watch, site: Site, spoil: Callable[[bytes], bytes] | None, tmp_path: Path
) -> None:
    if spoil is None:
        page.route("**/memory.bin", lambda route: route.abort())
        page.goto("/")
        wait_until_ready(page)
    else:
        watch.expect_requests = True
        spoiled = tmp_path / "site"
        shutil.copytree(site.path, spoiled, copy_function=os.link)
        memory = spoiled / site.app / "memory.bin"
        content = memory.read_bytes()
        for path in (memory, *memory.parent.glob("memory.bin.*")):
            path.unlink()
        memory.write_bytes(spoil(content))
        with serve(site=spoiled) as address:
            page.goto(address)
            wait_until_ready(page)
    expect(page.locator("html")).to_have_attribute("data-python", "anew")
    page.get_by_text("Other ways").click()
    page.get_by_role("button", name="Connect without a server").click()
    expect(page.get_by_label("Your invite")).not_to_be_empty()
    wait_until_joined(page)


def test_two_visits_have_different_random_numbers_and_hashes_and_every_key_is_found_in_its_table(
    context: BrowserContext,
) -> None:
    seeds: list[list[str]] = []
    for _ in range(2):
        page = context.new_page()
        run_instead(page, TELL_SEEDS + LOOK_UP_ALL)
        page.goto("/")
        root = page.locator("html")
        expect(root).to_have_attribute("data-lost", re.compile(r"^0 of \d{5}$"), timeout=60_000)
        assert root.get_attribute("data-python") == "restored"
        seeds.append((root.get_attribute("data-seeds") or "").split())
    assert not set(seeds[0]) & set(seeds[1])


def functions_of(page: Page, modules: list[str]) -> dict[str, list[int]]:
    """What TELL_FUNCTIONS tells of the Python of a page."""
    run_instead(page, f"MODULES = {modules}\n{TELL_FUNCTIONS}")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-told", "all", timeout=60_000)
    functions: dict[str, list[int]] = json.loads(page.evaluate("testFunctions"))
    del functions["<exec>:1 <module>"]  # the script itself, MODULES and all
    return functions


@in_chromium
def test_every_function_of_a_restored_python_is_what_it_is_in_one_started_anew(context: BrowserContext) -> None:
    restored, anew = context.new_page(), context.new_page()
    anew.route("**/memory.bin", lambda route: route.abort())
    found = functions_of(restored, [])
    expected = functions_of(anew, json.loads(restored.evaluate("testModules")))
    for page, how in ((restored, "restored"), (anew, "anew")):
        expect(page.locator("html")).to_have_attribute("data-python", how)
    assert json.loads(restored.evaluate("testColumns")) == []  # its traces name lines
    assert len(found) > 5000
    assert {where for where, sums in found.items() if sums != expected.get(where)} == set()


ROOM = "/#FC8AyuL6aEvDdQMQqD25dAQoTB41BSDx"

A_SHARE = re.compile(r"^(?:Getting ready|Joining the chat)… (\d+) %$")


def shown(page: Page) -> list[int]:
    """The shares that were shown, in percent."""
    texts: list[str] = page.evaluate("testTexts")
    found = [match for text in texts if (match := A_SHARE.match(text))]
    assert all(A_SHARE.match(text) or text in ("Getting ready…", "Joining the chat…") for text in texts)
    return [int(match[1]) for match in found]


def assert_counted(page: Page, total: float) -> None:
    """All of it has come, and never less than before."""
    counted = shown(page)
    assert counted
    assert counted == sorted(counted)
    assert page.evaluate("testTexts.at(-1)") == "Getting ready…"
    progress = page.locator("#boot-progress")
    assert (progress.get_attribute("title") or "").endswith(f" of {total / 1e6:.1f} MB")
    value, most = progress.evaluate("element => [element.value, element.max]")
    assert value == most


def transferred(page: Page, site: Site) -> int:
    """What the browser itself says has crossed the wire of the files that are counted, without their headers."""
    sizes: list[int] = page.evaluate(
        """names => performance.getEntriesByType("resource")
            .filter(({ name }) => names.some(end => name.endsWith(`/${end}`)))
            .map(({ encodedBodySize }) => encodedBodySize)""",
        list(site.sizes),
    )
    assert len(sizes) == len(site.sizes)
    return sum(sizes)


@contextmanager
def plain_host(site: Site, *, gzipped: bool) -> Iterator[str]:
    """A web host that compresses nothing; or all of it while it is sent, so that no length is said."""

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not gzipped or self.path == "/":
                super().do_GET()
                return
            path = site.path / self.path.lstrip("/")
            self.send_response(200 if path.is_file() else 404)
            self.send_header("Content-Type", self.guess_type(str(path)))
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            content = gzip.compress(path.read_bytes() if path.is_file() else b"", 1)
            for start in range(0, len(content), 65536):
                chunk = content[start : start + 65536]
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site.path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@in_chromium
@pytest.mark.parametrize("gzipped", [True, False], ids=["compressed while it is sent", "not compressed"])
def test_progress_is_right_whatever_the_server_does(page: Page, watch: Watch, site: Site, gzipped: bool) -> None:
    """What is said of the total before the first byte is a guess, and who says no length leaves it at that."""
    watch.expect_requests = True
    page.add_init_script(RECORD)
    with plain_host(site, gzipped=gzipped) as address:
        page.goto(address)
        wait_until_ready(page)
        assert_counted(page, sum(wire for _, wire in site.sizes.values()) if gzipped else site.load_bytes)


HOLD_MEMORY = """{
    const fetch = window.fetch;
    window.fetch = (url, ...more) => {
        const comes = !String(url).endsWith("/memory.bin") || sessionStorage.memory;
        return comes ? fetch(url, ...more) : new Promise(() => {});
    };
}"""
"""Python's memory does not come until it is said in this tab.

A route that is held does not do: once its page has gone on Playwright cannot end it, and another test pays for that.
"""


@in_chromium
def test_a_guest_sees_that_they_are_joining_and_nothing_of_what_a_host_does(page: Page) -> None:
    page.add_init_script(HOLD_MEMORY)
    page.add_init_script(RECORD)
    page.goto(ROOM)
    expect(page.locator("#boot-text")).to_have_text(re.compile("^Joining the chat…"))
    assert page.url.endswith("/")  # long before Python is there
    for name in ("New chat link", "Connect"):
        expect(page.get_by_role("button", name=name)).to_be_hidden()
    expect(page.get_by_role("heading", name="Private chat, device to device")).to_be_hidden()
    page.reload()  # and what was in the address is not lost
    expect(page.locator("#boot-text")).to_have_text(re.compile("^Joining the chat…"))
    page.evaluate("sessionStorage.memory = 'comes'")
    page.reload()
    wait_until_ready(page)
    expect(page.locator("body[data-screen=talk], [data-part=room-enter]").first).to_be_visible()


# What the browser would do by itself.

DROP = """([place, kind]) => {
    const data = new DataTransfer();
    if (kind === "file") data.items.add(new File(["text"], "picture.png", { type: "image/png" }));
    else data.setData(kind, "https://elsewhere.example/");
    return ["dragover", "drop"].map(name => {
        const event = new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: data });
        document.querySelector(place).dispatchEvent(event);
        return event.defaultPrevented;
    });
}"""


def test_what_is_dropped_is_not_opened_nor_a_pulled_page_reloaded_not_even_before_python_is_there(page: Page) -> None:
    page.route("**/vendor-*/**", lambda route: route.abort())
    for path in ("/", "/demo.html"):
        page.goto(path)
        field = "[data-part=draft]"
        for place, kind, stopped in (
            ("body", "file", True),
            ("main", "text/uri-list", True),
            (field, "file", True),
            (field, "text/plain", False),
            ("body", "text/plain", True),
        ):
            assert page.evaluate(DROP, [place, kind]) == [stopped] * 2, (path, place, kind)
        assert page.evaluate("getComputedStyle(document.documentElement).overscrollBehaviorY") == "none", path
    page.unroute_all(behavior="ignoreErrors")


# Where it cannot start.


@pytest.mark.parametrize("path", ["index.html", "demo.html"])
def test_opened_from_a_file_it_says_why_it_does_not_start(page: Page, watch: Watch, site: Site, path: str) -> None:
    watch.expect_requests = watch.expect_errors = True
    page.goto((site.path / path).as_uri())
    page.evaluate(
        "() => import(document.querySelector('script[type=module]').src).catch(() => {})"
    )  # it has run, if it may
    expect(page.get_by_role("alert").first).to_contain_text("pychat does not run from a file")
    expect(page.locator("html")).to_have_attribute("data-boot", "failed")


@in_chromium
def test_an_old_browser_is_told_so(page: Page, watch: Watch) -> None:
    watch.expect_errors = True
    page.route("**/boot.js", lambda route: route.fulfill(body="syntax of ??! tomorrow", content_type="text/javascript"))
    page.goto("/")
    expect(page.get_by_role("alert").first).to_contain_text("This browser is too old for pychat")


@in_chromium
def test_a_browser_without_modules_is_told_so(page: Page) -> None:
    page.route("**/boot.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.add_init_script("delete HTMLScriptElement.prototype.noModule")
    page.goto("/")
    expect(page.get_by_role("alert").first).to_contain_text("This browser is too old for pychat")


@in_chromium
def test_python_that_this_browser_cannot_compile_is_said_in_words(page: Page, watch: Watch) -> None:
    watch.expect_errors = True
    tomorrow = b"\0asm\2\0\0\0"
    page.route("**/pyodide.asm.wasm", lambda route: route.fulfill(body=tomorrow, content_type="application/wasm"))
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("This browser lacks what pychat needs", timeout=60_000)


@in_chromium
def test_within_another_page_it_does_not_start(page: Page, watch: Watch, server: str) -> None:
    """Where a web host sends no header that says so."""
    page.route("**/", lambda route: route.fulfill(response=route.fetch(), headers={"Content-Type": "text/html"}))
    page.route("**/frame", lambda route: route.fulfill(body="<iframe src='/'></iframe>", content_type="text/html"))
    page.goto("/frame")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("alert").first).to_contain_text("Open pychat in a tab of its own")
    page.unroute_all(behavior="ignoreErrors")


LOADED = (
    "pyodide.asm.wasm",
    "pyodide.rest.wasm",
    "pyodide.asm.mjs",
    "python.mjs",
    "wasm_rest.mjs",
    "core.js",
    "boot.js",
)


@pytest.mark.parametrize(
    ("browser_name", "file"),
    [*(("chromium", file) for file in LOADED), ("firefox", "pyodide.asm.wasm"), ("firefox", "boot.js")],
    indirect=["browser_name"],
)
def test_a_broken_connection_is_said_in_words(page: Page, watch: Watch, file: str) -> None:
    watch.expect_errors = True
    page.route(f"**/{file}", lambda route: route.abort())
    page.goto("/")
    expect(page.get_by_role("alert")).to_have_text(
        "pychat could not be loaded. Check your connection, then reload the page."
    )
    expect(page.locator("#boot-progress")).to_be_hidden()


@in_chromium
def test_a_file_the_server_lacks_is_said_in_words(page: Page, watch: Watch) -> None:
    watch.expect_errors = True
    for name in ("memory.bin", "python_stdlib.zip"):
        page.route(f"**/{name}", lambda route: route.fulfill(status=404))
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")


@in_chromium
def test_an_exception_at_the_start_is_said_in_words(page: Page, watch: Watch) -> None:
    watch.expect_errors = True

    def break_main(route: Route) -> None:
        route.fulfill(body="raise RuntimeError('boom')", content_type="text/x-python")

    page.route("**/start/chat.py", break_main)
    page.goto("/")
    expect(page.get_by_role("alert")).to_have_text(
        "pychat stopped while starting. Reload the page to try again.", timeout=60_000
    )


@in_chromium
@pytest.mark.parametrize("name", ["WebAssembly", "WritableStream"])
def test_a_browser_that_lacks_something_is_told_so(page: Page, name: str) -> None:
    page.add_init_script(f"delete globalThis.{name}")
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("This browser lacks what pychat needs")


@in_chromium
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
