"""Browsers that keep nothing, and browsers without WebRTC: pychat starts in them, and says what that means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from pychat.core.errors import CodeProblem
from pychat.site.build import Site
from pychat.ui import strings
from pychat.ui.strings import Trust
from tests.browser.conftest import MakePerson, OpenContext, Watch, in_chromium, wait_until_ready
from tests.browser.people import Person, connect
from tests.browser.test_identity import start_afresh
from tests.browser.test_rest import RUN
from tests.browser.test_room import open_room
from tests.browsers import BrowserName, launch_profile
from tests.friend import Friend, MakeFriend

STORES = ("localStorage", "sessionStorage", "indexedDB", "caches", "BroadcastChannel")

TAKE_AWAY = """([how, names]) => {
    const get = {
        missing: () => undefined,
        null: () => null,
        throwing: () => { throw new DOMException("no", "SecurityError"); },
    }[how];
    for (const name of names) Object.defineProperty(globalThis, name, { get, configurable: true });
    for (const name of ["serviceWorker", "locks"]) {
        Object.defineProperty(Navigator.prototype, name, { get, configurable: true });
    }
}"""


KEPT = "JSON.stringify(Object.entries(localStorage).filter(([key]) => key.startsWith('pychat.')))"


def take_away(context: BrowserContext, how: str, stores: tuple[str, ...] = STORES) -> None:
    context.add_init_script(f"({TAKE_AWAY})({json.dumps([how, stores])})")


def talk(ann: Person, bob: Friend) -> None:
    ann.say("for this visit only")
    bob.hears("for this visit only")
    ann.expect_delivered(1)


@pytest.mark.parametrize(
    ("browser_name", "how"),
    [("chromium", "missing"), ("chromium", "null"), ("chromium", "throwing"), ("firefox", "throwing")],
    indirect=["browser_name"],
)
def test_without_any_storage_it_starts_and_talks_and_says_that_nothing_is_kept(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, how: str
) -> None:
    context = open_context(browser)
    take_away(context, how)
    ann, bob = Person.at(context, name="Ann"), friend("Bob")
    ann.expect_problem(strings.NOT_KEPT)
    connect(ann, bob)
    talk(ann, bob)


@in_chromium
def test_without_a_database_nothing_is_kept_anywhere(
    browser: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    context = open_context(browser)
    take_away(context, "missing", ("indexedDB",))
    ann, bob = Person.at(context, name="Ann"), friend("Bob")
    ann.expect_problem(strings.NOT_KEPT)
    bob.enter(open_room(ann))
    for each in (ann, bob):
        each.expect_state("open")
    talk(ann, bob)
    bob.expect_other("Ann")
    ann.expect_other("Bob", "Not verified")
    ann.say_match()
    assert ann.page.evaluate(KEPT) == "[]"
    expect(ann.again().name_field).to_have_value("")


@in_chromium
def test_what_was_kept_before_the_database_was_gone_holds_and_stays_as_it_was(
    person: MakePerson, friend: MakeFriend
) -> None:
    """Whoever hides their address there does so also when the browser has only lost its database."""
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    ann.expect_other("Bob", "Not verified")
    kept = ann.page.evaluate(KEPT)
    assert kept != "[]"
    take_away(ann.page.context, "missing", ("indexedDB",))
    ann.again().expect_problem(strings.NOT_KEPT)
    expect(ann.name_field).to_have_value("Ann")
    ann.go_by("Anna")
    connect(ann, bob)
    ann.expect_other("Bob", "Known, not verified")
    bob.expect_other("Anna")
    assert bob.trust == strings.TRUST[Trust.NEW][0]
    assert ann.page.evaluate(KEPT) == kept


@pytest.mark.parametrize(
    ("browser_name", "store", "how"),
    [
        ("chromium", "localStorage", "null"),
        ("chromium", "indexedDB", "missing"),
        ("firefox", "localStorage", "null"),
    ],
    indirect=["browser_name"],
)
def test_starting_afresh_where_a_store_is_missing_makes_somebody_new(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, store: str, how: str
) -> None:
    context = open_context(browser)
    take_away(context, how, (store,))
    ann, bob = Person.at(context, name="Ann"), friend("Bob")
    connect(ann, bob)
    bob.expect_other("Ann")
    start_afresh(ann)
    bob.expect_state("closed")
    expect(ann.name_field).to_have_value("")
    ann.go_by("Ann")
    connect(ann, bob)
    bob.expect_warning()


@in_chromium
def test_starting_afresh_deletes_what_it_can_where_one_store_refuses(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    ann.page.evaluate("() => { IDBFactory.prototype.deleteDatabase = () => { throw new DOMException('no'); }; }")
    ann.act("Settings").click()
    ann.button("Erase my identity…").click()
    ann.button("Erase everything").click()
    ann.expect_problem(strings.ERASE_FAILED)
    bob.expect_state("closed")
    assert ann.page.evaluate(KEPT) == "[]"


@in_chromium
@pytest.mark.parametrize("how", ["missing", "throwing"])
def test_without_any_storage_the_demonstration_runs(browser: Browser, open_context: OpenContext, how: str) -> None:
    context = open_context(browser)
    take_away(context, how)
    page = context.new_page()
    page.goto("/demo.html")
    expect(page.get_by_role("status").first).to_have_attribute("data-state", "open", timeout=60_000)


# What people switch off, in the browser's own settings.

BLOCKS_COOKIES = {"profile": {"default_content_setting_values": {"cookies": 2}}}
SETTINGS: list[tuple[BrowserName, dict[str, Any], str]] = [
    ("chromium", BLOCKS_COOKIES, strings.NOT_KEPT),
    ("firefox", {"network.cookie.cookieBehavior": 2}, strings.NOT_KEPT),
    ("firefox", {"dom.storage.enabled": False}, strings.SETTINGS_NOT_KEPT),
]


@pytest.fixture(params=SETTINGS, ids=lambda setting: f"{setting[0]} {' '.join(setting[1])}")
def restricted(
    request: pytest.FixtureRequest, playwright: Playwright, watch: Watch, tmp_path: Path, server: str
) -> Iterator[tuple[BrowserContext, str]]:
    """A browser with a setting, and what the page is to say there."""
    watch.expect_errors = True  # Firefox counts what it refuses as an error of the page
    name, setting, sentence = request.param
    options: dict[str, Any] = {}
    if name == "chromium":
        preferences = tmp_path / "Default" / "Preferences"
        preferences.parent.mkdir()
        preferences.write_text(json.dumps(setting))
    else:
        options["firefox_user_prefs"] = setting
    context = launch_profile(playwright, name, str(tmp_path), base_url=server, **options)
    watch.follow(context)
    yield context, sentence
    context.close()


def test_where_storage_is_switched_off_it_starts_and_talks_and_says_so(
    restricted: tuple[BrowserContext, str], friend: MakeFriend
) -> None:
    context, sentence = restricted
    ann = Person.at(context, name="Ann")
    ann.expect_problem(sentence)
    bob = friend("Bob")
    ann.paste(ann.page.url.rstrip("/") + open_room(bob))
    for person in (ann, bob):
        person.expect_state("open")
    talk(ann, bob)
    ann.page.goto("/demo.html")
    expect(ann.page.get_by_role("status").first).to_have_attribute("data-state", "open", timeout=60_000)


# Without WebRTC.

NO_WEBRTC = {
    "missing": "delete globalThis.RTCPeerConnection",
    "null": "globalThis.RTCPeerConnection = null",
    "no constructor": "globalThis.RTCPeerConnection = () => {}",
    "throwing": "globalThis.RTCPeerConnection = function () { throw new Error('WebRTC is blocked') }",
    "empty": "globalThis.RTCPeerConnection = function () {}",
    "a stub": (
        "const stub = globalThis.RTCPeerConnection = function () {}; const nothing = () => {}; "
        "stub.prototype = { close: nothing, createDataChannel: nothing, createOffer: nothing }"
    ),
}


WORKS = "from pychat.browser.ports.peer import BrowserConnect; BrowserConnect().works"


@in_chromium
def test_a_webrtc_that_does_not_work_is_recognised(page: Page, site: Site) -> None:
    page.goto("/")
    wait_until_ready(page)

    def works() -> bool:
        return bool(page.evaluate(RUN, [f"/{site.app}/python.mjs", WORKS]))

    assert works()
    for name, lack in NO_WEBRTC.items():
        page.evaluate(f"() => {{ {lack} }}")
        assert not works(), name


@in_chromium
def test_without_webrtc_whoever_presses_is_told(browser: Browser, open_context: OpenContext) -> None:
    context = open_context(browser)
    context.add_init_script(NO_WEBRTC["throwing"])
    ann = Person.at(context)
    sentence = strings.CODE_PROBLEMS[CodeProblem.NO_WEBRTC]
    told = ann.page.get_by_role("alert").filter(has_text=sentence)
    for button in (ann.invite_button(), ann.button("New chat link")):
        ann.paste_box.fill("what somebody sent")
        expect(told).to_have_count(0)
        button.click()
        ann.expect_problem(sentence)
    ann.paste("what somebody else sent")
    ann.expect_problem(sentence)


def test_without_webrtc_whoever_joins_by_a_link_is_told(browser: Browser, open_context: OpenContext) -> None:
    context = open_context(browser)
    context.add_init_script(NO_WEBRTC["missing"])
    ann = Person.at(context, "/#FC8AyuL6aEvDdQMQqD25dAQoTB41BSDx")
    ann.page.locator('[data-part="room-enter"]').click()
    ann.expect_problem(strings.CODE_PROBLEMS[CodeProblem.NO_WEBRTC])


@in_chromium
def test_without_webrtc_the_demonstration_says_so(browser: Browser, open_context: OpenContext) -> None:
    context = open_context(browser)
    context.add_init_script(NO_WEBRTC["a stub"])
    page = context.new_page()
    page.goto("/demo.html")
    expect(page.get_by_role("alert")).to_have_text(strings.CODE_PROBLEMS[CodeProblem.NO_WEBRTC], timeout=60_000)


# What others run in the page.

NOT_OURS = """
addEventListener("DOMContentLoaded", () => {
    Promise.reject(new Error("an extension's own"));
    Promise.reject("an extension's own");
    Promise.reject(undefined);
    dispatchEvent(new ErrorEvent("error", { message: "Script error.", filename: "" }));
    dispatchEvent(new ErrorEvent("error", { message: "boom", filename: "chrome-extension://abc/content.js" }));
    throw new Error("an extension's own");
});
"""


@pytest.mark.parametrize(
    ("browser_name", "path"),
    [("chromium", "/"), ("chromium", "/demo.html"), ("firefox", "/")],
    indirect=["browser_name"],
)
def test_an_error_of_an_extension_is_none_of_ours(
    browser: Browser, open_context: OpenContext, watch: Watch, path: str
) -> None:
    watch.expect_errors = True
    context = open_context(browser, service_workers="allow")
    context.add_init_script(NOT_OURS)
    page = context.new_page()
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("data-boot", "ready", timeout=60_000)
    expect(page.locator("#boot-error")).to_be_hidden()
    assert page.evaluate("navigator.serviceWorker.ready.then(({ active }) => Boolean(active))")


def test_a_policy_that_an_extension_has_made_does_not_stop_the_start(
    browser: Browser, open_context: OpenContext, watch: Watch
) -> None:
    watch.expect_errors = True  # Firefox counts the second one, which it refuses
    context = open_context(browser)
    context.add_init_script(
        "globalThis.trustedTypes?.createPolicy('service-worker', { createScriptURL: text => text })"
    )
    open_room(Person.at(context))
