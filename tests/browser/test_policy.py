"""The page runs its own code and nothing else, whatever gets into it, and asks no other host for anything.

Each attempt is made as an attacker's code would make it, from within the page; what it would do is observed from
outside: a mark in the document, a request that reaches another server.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import OpenContext, Watch

# Runs outside of the debugger's own call, to which a browser may allow more than to the page.
AS_THE_PAGE = "source => new Promise(resolve => setTimeout(resolve)).then(() => {{ {} }})"


@pytest.fixture(scope="module")
def tabs() -> Iterator[dict[Browser, Page]]:
    """One tab of each browser."""
    tabs: dict[Browser, Page] = {}
    yield tabs
    for tab in tabs.values():
        tab.context.close()


@pytest.fixture
def front_page(browser: Browser, server: str, tabs: dict[Browser, Page], watch: Watch) -> Iterator[Page]:
    """The real front page, without Python, for which nothing here has to wait.

    It is loaded for each test, always in the same tab, for a new one takes longer than such a test. Firefox reports
    what the policy stops as errors of the page: here that is the point.
    """
    watch.expect_errors = True
    if browser not in tabs:
        tabs[browser] = browser.new_context(base_url=server, service_workers="block").new_page()
        tabs[browser].route("**/vendor-*/**", lambda route: route.abort())
    page = tabs[browser]
    watch.follow(page.context)
    page.goto("/")
    yield page
    page.goto("about:blank")  # whatever is under way ends, and is told before this is over
    watch.leave(page.context)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another origin: its address, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Type", "text/javascript")
            self.end_headers()
            self.wfile.write(b"document.title = 'reached'")

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def attempt(page: Page, body: str, source: str = "document.title = 'reached'") -> str:
    """Run the statements of `body` on the page, with `source`; gives "done", or the name of what they threw."""
    statements = f"try {{ {body}; return 'done' }} catch (error) {{ return error.name }}"
    outcome: str = page.evaluate(AS_THE_PAGE.format(statements), source)
    return outcome


def assert_not_reached(page: Page) -> None:
    # What was queued before this has run by then: two tasks and a frame.
    page.evaluate("() => new Promise(resolve => setTimeout(() => requestAnimationFrame(() => setTimeout(resolve))))")
    assert "reached" not in page.title()


@pytest.mark.parametrize(
    "body",
    [
        "eval(source)",
        "(0, eval)(source)",
        "new Function(source)()",
        "(async () => {}).constructor(source)()",
        "setTimeout(source)",
        "setInterval(source)",
    ],
)
def test_a_string_is_never_run(front_page: Page, body: str) -> None:
    assert attempt(front_page, body) in {"EvalError", "TypeError"}
    assert_not_reached(front_page)


@pytest.mark.parametrize(
    "body",
    [
        "document.body.innerHTML = source",
        "document.body.insertAdjacentHTML('beforeend', source)",
        "document.body.append(document.createRange().createContextualFragment(source))",
        "document.write(source)",
        "new DOMParser().parseFromString(source, 'text/html')",
        "document.createElement('iframe').srcdoc = source",
    ],
)
def test_a_string_never_becomes_html(front_page: Page, body: str) -> None:
    assert attempt(front_page, body, "<img src=x onerror=\"document.title = 'reached'\">") == "TypeError"
    assert_not_reached(front_page)


@pytest.mark.parametrize("name", ["default", "mine", "service-worker"])
def test_no_other_trusted_types_policy_can_be_made(front_page: Page, name: str) -> None:
    """Not even one with the name of the only one that there is, which boot.js has made."""
    assert attempt(front_page, f"trustedTypes.createPolicy('{name}', {{createScriptURL: text => text}})") == "TypeError"


def test_no_text_becomes_the_address_of_a_script(front_page: Page, browser: Browser, open_context: OpenContext) -> None:
    for body in (
        "document.createElement('script').src = source",
        "new Worker(source)",
        "new SharedWorker(source)",
    ):
        assert attempt(front_page, body, "/boot.js") == "TypeError"
    page = open_context(browser, service_workers="allow").new_page()
    page.route("**/vendor-*/**", lambda route: route.abort())
    page.goto("/")
    register = "return navigator.serviceWorker.register(source).then(() => 'done', error => error.name)"
    assert page.evaluate(AS_THE_PAGE.format(register), "/sw.js") == "TypeError"


@pytest.mark.parametrize(
    "body",
    [
        "const script = document.createElement('script'); script.append(source); document.body.append(script)",
        (
            "const script = document.createElement('script'); script.type = 'module'; script.append(source); "
            "document.body.append(script)"
        ),
        (
            "const image = document.createElement('img'); image.setAttribute('onerror', source); "
            "image.src = '/missing'; document.body.append(image); await image.decode().catch(() => {})"
        ),
        "location.href = `javascript:${source}`",
        "await import(`data:text/javascript,${source}`)",
        "await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})))",
        "new Worker(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})))",
    ],
)
def test_inline_code_is_never_run(front_page: Page, body: str) -> None:
    # The browser may refuse with an error or in silence.
    front_page.evaluate(
        AS_THE_PAGE.format(f"return (async () => {{ {body} }})().catch(() => {{}})"), "document.title = 'reached'"
    )
    assert_not_reached(front_page)


@pytest.mark.parametrize(
    "body",
    [
        "await fetch(source)",
        "await fetch(source, {mode: 'no-cors', method: 'POST', body: 'secret'})",
        "navigator.sendBeacon(source, 'secret')",
        "const image = new Image(); image.src = source; await image.decode()",
        (
            "const link = Object.assign(document.createElement('link'), {rel: 'stylesheet', href: source}); "
            "document.head.append(link); await new Promise(end => { link.onload = link.onerror = end })"
        ),
        (
            "const form = document.createElement('form'); form.action = source; form.method = 'post'; "
            "document.body.append(form); form.submit()"
        ),
        "await import(source)",
        "const frame = document.createElement('iframe'); frame.src = source; document.body.append(frame)",
        "new WebSocket(source.replace('http', 'ws'))",
        "new EventSource(source)",
    ],
)
def test_nothing_is_sent_elsewhere(front_page: Page, watch: Watch, elsewhere: tuple[str, list[str]], body: str) -> None:
    # A browser may count a request that its policy stops; whether one arrives is what matters.
    watch.expect_requests = True
    address, asked = elsewhere
    front_page.evaluate(AS_THE_PAGE.format(f"return (async () => {{ {body} }})().catch(() => {{}})"), f"{address}/x")
    assert_not_reached(front_page)
    assert asked == []


def test_the_other_server_would_notice(page: Page, watch: Watch, elsewhere: tuple[str, list[str]]) -> None:
    """That the tests above can fail: from a page without the policy the request arrives."""
    watch.expect_requests = True
    address, asked = elsewhere
    page.goto(address.replace("127.0.0.1", "localhost"))
    page.evaluate("url => fetch(url, {mode: 'no-cors'})", f"{address}/x")
    assert "/x" in asked
    assert f"{address}/x" in watch.foreign_requests


def test_another_page_cannot_frame_it(page: Page, watch: Watch, server: str, elsewhere: tuple[str, list[str]]) -> None:
    watch.expect_requests = watch.expect_errors = True
    page.goto(elsewhere[0])
    page.evaluate(
        """url => new Promise(resolve => {
            const frame = document.createElement("iframe");
            frame.onload = frame.onerror = resolve;
            frame.src = url;
            document.body.append(frame);
        })""",
        f"{server}/",
    )
    assert page.frames[1].locator("#boot-error").count() == 0
