"""What the browser tests stand on: the built site, a real server, both browsers, and people who open the page.

A test that takes `page` (or makes people with `open_context`) also fails when anything is asked of another host, or
when a page has an error that nobody caught.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, WebError, expect, sync_playwright

from pychat.site.build import Site, build_site
from pychat.site.snapshot import BuildError
from tests.browser.people import Person
from tests.browsers import BrowserName, launch
from tests.friend import Beside, Friend, MakeFriend, beside  # noqa: F401 (a fixture)
from tests.server.relays import SERVE

ROOT = Path(__file__).resolve().parents[2]
READY = "pychat is ready: "

# A busy machine takes its time, the first start of a page above all. Nothing waits longer than it must.
expect.set_options(timeout=30_000)

LaunchBrowser = Callable[[BrowserName], Browser]
OpenContext = Callable[..., BrowserContext]
MakePerson = Callable[..., Person]


def wait_until_ready(page: Page) -> None:
    """Wait until Python runs on a page that was opened; fail at once when it could not start."""
    root = page.locator("html")
    expect(root).to_have_attribute("data-boot", re.compile("ready|failed"), timeout=60_000)
    assert root.get_attribute("data-boot") == "ready", page.locator("#boot-error").inner_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # Only when the browser itself has crashed, see CRASHED.
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun="(Page|Target) crashed"))


@pytest.fixture(scope="session")
def site() -> Site:
    """The built site, made anew when it is not up to date."""
    try:
        return build_site(ROOT / "web", ROOT / "pychat", ROOT / "build" / "site")
    except BuildError as error:
        pytest.fail(str(error))


@contextmanager
def serve(
    *flags: str, site: Path | None = None, host: str = "127.0.0.1", port: str = "0", **environment: str
) -> Iterator[str]:
    """Run `python server.py`, or the same with another site; yields its address, without a slash at the end."""
    program = ["server.py"] if site is None else ["-c", SERVE, str(site)]
    command = [sys.executable, *program, "--host", host, "--port", port, *flags]
    environ = {**os.environ, **environment}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline().strip()
        assert line.startswith(READY), f"the server said {line!r}"
        try:
            yield line.removeprefix(READY).rstrip("/")
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def server(site: Site) -> Iterator[str]:
    """The address of a running `python server.py`, without a slash at the end."""
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def launch_browser(playwright: Playwright) -> Iterator[LaunchBrowser]:
    """Gives a browser by its name; each is started once, so a test may use both side by side.

    One in which a page has crashed is not used any more: once it happens it happens again and again.
    """
    with ExitStack() as stack:
        running: dict[BrowserName, Browser] = {}

        def launch_once(name: BrowserName) -> Browser:
            if name not in running or running[name] in CRASHED:
                running[name] = launch(playwright, name, **OPTIONS[name])
                stack.callback(running[name].close)
            return running[name]

        yield launch_once


@pytest.fixture(scope="session", params=["chromium", "firefox"])
def browser_name(request: pytest.FixtureRequest) -> BrowserName:
    """A test that needs this, or anything below, runs once in each browser."""
    name: BrowserName = request.param
    return name


in_chromium = pytest.mark.parametrize("browser_name", ["chromium"], indirect=True)
"""For what has nothing to do with the browser, and would only take its time again in another one."""


@pytest.fixture
def browser(browser_name: BrowserName, launch_browser: LaunchBrowser) -> Browser:
    return launch_browser(browser_name)


OPTIONS: dict[BrowserName, dict[str, Any]] = {
    "chromium": {"args": ["--js-flags=--liftoff-only"]},
    "firefox": {"firefox_user_prefs": {"dom.ipc.processPrelaunch.enabled": False}},
}
"""Chromium compiles Python's WebAssembly twice, and the second time, for speed, it does so in the background: for pages
that are closed seconds later that takes a fifth of all the time. So here it compiles but once. And Firefox starts no
process in reserve for the next page.
"""

UNPACKED = {"Accept-Encoding": "identity"}
"""What Chromium asks for where that does not matter: to unpack Brotli takes a tenth of a start. The fixtures `page` and
`context`, and service workers, get what people get.
"""

CRASHED: set[Browser] = set()
"""Browsers in which the process of a page has ended by itself.

Debian's Chromium 156 has ones in which that happens over and over while a page compiles Python's WebAssembly, with
memory and disk to spare, and others in which it never does. That is nothing a test of ours should fail by, nor
anything that it should hide: such a test, and no other, runs once more, in another browser, and is told as rerun.
"""


class Watch:
    """What happened on a test's pages that should not: requests to other hosts, errors nobody caught.

    A test that provokes them on purpose says so with `expect_requests` or `expect_errors`.
    """

    def __init__(self, base_url: str) -> None:
        self._origin = urlsplit(base_url)[:2]
        self.expect_requests = False
        self.expect_errors = False
        self.foreign_requests: list[str] = []
        self.uncaught_errors: list[str] = []
        self.crashes: list[str] = []
        """What the machine had left when a page crashed: that is how a browser meets a lack of it."""

    def follow(self, context: BrowserContext) -> None:
        context.on("request", self._on_request)
        context.on("weberror", self._on_error)
        context.on("page", self._on_page)
        for page in context.pages:
            self._on_page(page)

    def leave(self, context: BrowserContext) -> None:
        """What happens there from now on belongs to another test."""
        context.remove_listener("request", self._on_request)
        context.remove_listener("weberror", self._on_error)
        context.remove_listener("page", self._on_page)
        for page in context.pages:
            page.remove_listener("crash", self._on_crash)

    def verify(self) -> None:
        """Fail with what was noted and not expected."""
        assert self.expect_requests or self.foreign_requests == []
        assert self.expect_errors or self.uncaught_errors == []
        assert self.crashes == [], "Page crashed"

    def _on_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in {"data", "blob"} and url[:2] != self._origin:
            self.foreign_requests.append(request.url)

    def _on_error(self, error: WebError) -> None:
        self.uncaught_errors.append(str(error.error))

    def _on_page(self, page: Page) -> None:
        page.on("crash", self._on_crash)

    def _on_crash(self, page: Page) -> None:
        if page.context.browser is not None:
            CRASHED.add(page.context.browser)
        space = {folder: shutil.disk_usage(folder).free for folder in ("/tmp", "/dev/shm") if Path(folder).is_dir()}
        memory = Path("/proc/meminfo")
        self.crashes.append(f"{page.url}: {space} {memory.read_text()[:100] if memory.exists() else ''}")


@pytest.fixture
def watch(server: str) -> Iterator[Watch]:
    watch = Watch(server)
    yield watch
    watch.verify()


@pytest.fixture
def open_context(server: str, watch: Watch) -> Iterator[OpenContext]:
    """Opens one more person's browser profile: `open_context(browser, **options)`; its pages start at the server."""
    with ExitStack() as stack:

        def open_one(browser: Browser, **options: Any) -> BrowserContext:
            if browser.browser_type.name == "chromium" and "service_workers" not in options:
                options = {"extra_http_headers": UNPACKED, **options}
            context = browser.new_context(base_url=server, **{"service_workers": "block", **options})
            stack.callback(context.close)
            watch.follow(context)
            return context

        yield open_one


@pytest.fixture
def person(browser: Browser, open_context: OpenContext) -> MakePerson:
    """Makes people, each with a browser profile of their own."""

    def make(name: str = "", **options: object) -> Person:
        return Person.at(open_context(browser, **options), name=name)

    return make


@pytest.fixture
def friend(server: str, beside: Beside) -> Iterator[MakeFriend]:  # noqa: F811
    """Makes people who are no page: for whoever is only there so that a page has somebody to talk with."""
    with ExitStack() as stack:
        yield lambda name, **options: stack.enter_context(Friend(beside, server, name, **options))


@pytest.fixture
def context(browser: Browser, open_context: OpenContext) -> BrowserContext:
    return open_context(browser, extra_http_headers={})


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page; `page.goto("/")` opens pychat."""
    return context.new_page()
