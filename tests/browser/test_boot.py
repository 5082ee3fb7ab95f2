"""How the page starts: what it loads, what a person sees meanwhile, and what it says when it cannot start."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

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


def test_python_starts_and_each_file_is_asked_for_once(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    wait_until_ready(page)
    expect(page.locator("#boot-error")).to_be_hidden()
    for name in ("pyodide.asm.wasm", "python_stdlib.zip", "pychat.zip", "core.js"):
        assert sum(url.endswith(f"/{name}") for url in asked) == 1


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


@pytest.mark.parametrize("file", ["pyodide.asm.wasm", "pychat.zip", "core.js"])
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
    page.route("**/python_stdlib.zip", lambda route: route.fulfill(status=404))
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")


def test_an_exception_at_the_start_is_said_in_words(page: Page, watch: Watch) -> None:
    watch.expect_errors = True

    def break_main(route: Route) -> None:
        route.fulfill(body="raise RuntimeError('boom')", content_type="text/x-python")

    page.route("**/main.py", break_main)
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
