"""The export on a web host that knows nothing of pychat: Python's own, which sends no headers, from a folder below."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pychat.site.build import Site
from tests.browser.conftest import ROOT, OpenContext, Watch, in_chromium, wait_until_ready
from tests.browser.people import Person, connect
from tests.browser.test_policy import AS_THE_PAGE
from tests.friend import MakeFriend

WHERE = "/some/where/"
NOTE_VIOLATIONS = """
    addEventListener("securitypolicyviolation", ({ violatedDirective }) => {
        const { dataset } = document.documentElement;
        dataset.violations = `${dataset.violations ?? ""} ${violatedDirective}`;
    });
"""


class StaticHost(SimpleHTTPRequestHandler):
    """A host that has a page of the site for what is not there, as most have."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        body = Path(self.directory, WHERE.strip("/"), "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(StaticHost, directory=str(folder))) as host:
        threading.Thread(target=host.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{host.server_port}"
        finally:
            host.shutdown()


@pytest.fixture(scope="module")
def folder(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the other host gives out."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "some").mkdir()
    subprocess.run([sys.executable, "-m", "pychat", "export", str(folder / WHERE.strip("/"))], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The origin of the other host, at which the fixtures of every page start, too."""
    with serving(folder) as origin:
        yield origin


@pytest.fixture
def failures() -> Iterator[list[str]]:
    """What pages asked for in vain; a test ends well only without."""
    failures: list[str] = []
    yield failures
    assert failures == []


def violations(page: Page) -> str | None:
    """The directives of the policy that something on the page went against."""
    return page.locator("html").get_attribute("data-violations")


def watched(context: BrowserContext, failures: list[str]) -> BrowserContext:
    context.add_init_script(NOTE_VIOLATIONS)
    context.on("response", lambda response: failures.append(response.url) if response.status >= 400 else None)
    context.on("requestfailed", lambda request: failures.append(request.url))
    return context


def test_two_people_talk_by_copy_and_paste(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, failures: list[str]
) -> None:
    ann, bob = Person.at(watched(open_context(browser), failures), WHERE), friend("Bob")
    expect(ann.page.get_by_text("There are no chat links here")).to_be_visible()
    expect(ann.button("New chat link")).to_be_hidden()
    connect(ann, bob)
    ann.say("from a host of my own")
    bob.hears("from a host of my own")
    bob.say("I can read you")
    ann.expect_messages("from a host of my own", "I can read you")
    assert violations(ann.page) is None


@in_chromium
def test_the_link_of_an_invite_leads_to_the_same_page(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, failures: list[str]
) -> None:
    invite = friend("Ann").make_invite()
    bob = Person.at(watched(open_context(browser), failures), f"{WHERE}#{invite}")
    expect(bob.paste_box).to_have_value(invite)
    assert bob.page.url.endswith(WHERE)


@in_chromium
def test_a_link_whose_hash_was_encoded_leads_to_the_page(page: Page, friend: MakeFriend, server: str) -> None:
    bob = Person(page)
    for encoded in ("%23", "%2523"):
        invite = friend("Ann").make_invite()
        page.goto(f"{WHERE}{encoded}{invite}?utm_source=x")
        bob.wait_until_ready()
        expect(bob.paste_box).to_have_value(invite)
        assert page.url == f"{server}{WHERE}"
    page.goto(f"{WHERE}missing")
    page.get_by_role("link", name="Open pychat").click()
    wait_until_ready(page)


@in_chromium
def test_the_demo_runs(page: Page) -> None:
    page.add_init_script(NOTE_VIOLATIONS)
    page.goto(f"{WHERE}demo.html")
    wait_until_ready(page)
    assert violations(page) is None


def test_the_policy_is_in_the_page(page: Page, watch: Watch) -> None:
    """Also that what the tests above look at would tell of a violation."""
    watch.expect_requests = watch.expect_errors = True
    page.route("**/vendor-*/**", lambda route: route.abort())
    page.add_init_script(NOTE_VIOLATIONS)
    for body, directive in (
        ("await import('data:text/javascript,1').catch(() => {})", "script-src"),
        ("document.body.innerHTML = '<b>'", "require-trusted-types-for"),
        ("await fetch('http://localhost:9/').catch(() => {})", "connect-src"),
    ):
        page.goto(WHERE)
        page.evaluate(AS_THE_PAGE.format(f"return (async () => {{ {body} }})().catch(() => {{}})"), "")
        expect(page.locator("html")).to_have_attribute("data-violations", re.compile(directive))
