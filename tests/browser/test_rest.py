"""The two parts of Python's WebAssembly: when the rest is joined, and what is called before and after that."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from pychat.site.build import Site
from tests.browser.conftest import OpenContext, Watch
from tests.browser.people import Person, connect
from tests.browser.test_boot import run_instead, wait_until_joined
from tests.browser.test_room import meet

# The rest is then joined by nothing but a call of one of its functions.
NEVER_COMPILE = """
const { compile } = WebAssembly;
WebAssembly.compile = (bytes) => (bytes.byteLength > 1_000_000 ? new Promise(() => {}) : compile(bytes));
"""
FOR_PYTHON = """
window.testThrow = (value) => { throw new RangeError(String(value)) };
"""
CALLED_EARLY = "performance.getEntriesByName('python:called before it was joined').length"
JOINED = "performance.getEntriesByName('python:joined').length"

# What no start needs: functions of Python, what they raise, and what passes through them both ways.
USE_REST = """
import js


def attempt(work):
    try:
        return work()
    except Exception as error:
        return f"{type(error).__name__}"


def use_rest():
    import _bisect, math, unicodedata

    return " ".join(map(str, [
        unicodedata.lookup("SNOWMAN"),
        attempt(lambda: unicodedata.lookup("nothing of this name")),
        round(math.lgamma(10), 3),
        attempt(lambda: math.lgamma(-1)),
        _bisect.bisect_right([1, 2, 3], 4, key=lambda n: n * 2),
        attempt(lambda: _bisect.bisect_right([1, 2, 3], 4, key=js.testThrow)),
        attempt(lambda: _bisect.bisect_right([1, 2, 3], 4, key=lambda n: {}[n])),
    ]))


"""
# In the Python of the page itself.
RUN = """async ([url, source]) => {
    const { begin } = await import(url);
    const { python } = await begin(() => {});
    return python.runPython(source);
}"""
EXPECTED = "☃ KeyError 12.802 ValueError 2 JsException KeyError"


def tell(page: Page, script: str) -> str:
    """What the script, run instead of the page's, puts into `told`."""
    page.add_init_script(FOR_PYTHON)
    run_instead(page, USE_REST + script)
    page.goto("/")
    root = page.locator("html")
    expect(root).to_have_attribute("data-told", re.compile("."), timeout=60_000)
    return root.get_attribute("data-told") or ""


@pytest.mark.parametrize(
    ("browser_name", "how"),
    [("chromium", "restored"), ("chromium", "anew"), ("firefox", "restored")],
    indirect=["browser_name"],
)
def test_what_is_called_early_is_there_at_once(page: Page, how: str) -> None:
    page.add_init_script(NEVER_COMPILE)
    if how == "anew":
        page.route("**/memory.bin", lambda route: route.abort())
    assert tell(page, "js.document.documentElement.dataset.told = use_rest()") == EXPECTED
    expect(page.locator("html")).to_have_attribute("data-python", how)
    assert page.evaluate(CALLED_EARLY) == page.evaluate(JOINED) >= 1


def test_the_rest_is_joined_when_the_page_can_be_used(page: Page, site: Site) -> None:
    page.add_init_script(FOR_PYTHON)
    page.goto("/")
    wait_until_joined(page)
    assert page.locator("html").get_attribute("data-boot") == "ready"
    assert page.evaluate(CALLED_EARLY) == 0
    assert page.evaluate(RUN, [f"/{site.app}/python.mjs", f"{USE_REST}use_rest()"]) == EXPECTED
    assert page.evaluate(JOINED) == 1


def test_until_people_talk_nothing_of_the_rest_is_called(browser: Browser, open_context: OpenContext) -> None:
    """If this fails, the list has become old: make it anew with `python -m tests.bench.hot`."""
    contexts = [open_context(browser) for _ in range(2)]
    for context in contexts:
        context.add_init_script(NEVER_COMPILE)
    ann, bob = people = [Person.at(context, name=name) for context, name in zip(contexts, ("Ann", "Bob"), strict=True)]
    for someone in people:
        assert someone.page.evaluate(CALLED_EARLY) == 0
    connect(ann, bob)
    ann.say("Hello Bob, שלום, 你好, 👋🏽")
    bob.say("Hello Ann")
    for someone in people:
        expect(someone.messages).to_have_count(2)
        someone.expect_delivered(1)
        assert someone.page.evaluate(CALLED_EARLY) == 0
        someone.again()
    meet(ann, bob)
    ann.say("Hello again")
    ann.expect_delivered(2)
    for someone in people:
        assert someone.page.evaluate(CALLED_EARLY) == 0
        assert someone.page.evaluate(JOINED) == 0


@pytest.mark.parametrize(
    ("browser_name", "spoil"),
    [("chromium", "cut short"), ("chromium", "changed"), ("firefox", "changed")],
    indirect=["browser_name"],
)
def test_a_damaged_rest_is_not_taken_and_said_in_words(page: Page, site: Site, watch: Watch, spoil: str) -> None:
    """At once, and not when somebody happens to need it."""
    watch.expect_errors = True
    content = (site.path / site.vendor / "pyodide/pyodide.rest.wasm").read_bytes()
    damaged = content[:-1000] if spoil == "cut short" else content[:-1000] + bytes(1000)
    page.route("**/pyodide.rest.wasm", lambda route: route.fulfill(body=damaged, content_type="application/wasm"))
    page.goto("/")
    expect(page.get_by_role("alert")).to_have_text(
        "pychat could not be loaded. Check your connection, then reload the page.", timeout=60_000
    )
