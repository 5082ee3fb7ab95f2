"""What a browser can do to the journal that it keeps, in a page of each; the rest is in tests/contracts/journal.py."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import Watch, in_chromium, serve, wait_until_ready
from tests.browser.test_contracts import build_with_contracts

ANN = "conversation-with-ann"
DELETED = "deleted in another tab"

CASES = (
    "deleted_under_it",
    "deleted_while_it_writes",
    "closed_by_the_browser",
    "held_by_another",
    "of_a_newer_version",
    "upgrade_held_up",
    "nowhere_to_keep",
    "another_key",
    "without_its_key",
    "two_that_begin_at_once",
    "no_key_can_be_taken_away",
    "records_of_no_form",
    "a_draft_is_sealed_and_goes_with_its_conversation",
)
"""Those of tests/contracts/browser_journal.py."""


@pytest.fixture(scope="module")
def contracts_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(site=build_with_contracts(tmp_path_factory.mktemp("contracts"))) as address:
        yield address


@pytest.fixture(scope="module")
def contexts(contracts_server: str) -> Iterator[dict[Browser, BrowserContext]]:
    """One profile of each browser, with one page in it."""
    made: dict[Browser, BrowserContext] = {}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture(scope="module")
def watched(contracts_server: str) -> Watch:
    return Watch(contracts_server)


@pytest.fixture
def tab(
    browser: Browser, contracts_server: str, watched: Watch, contexts: dict[Browser, BrowserContext]
) -> Iterator[Page]:
    if browser not in contexts:
        contexts[browser] = browser.new_context(base_url=contracts_server)
        watched.follow(contexts[browser])
        open_tab(contexts[browser])
    yield contexts[browser].pages[0]
    errors = list(watched.uncaught_errors)
    watched.uncaught_errors.clear()
    assert errors == watched.foreign_requests == []


def open_tab(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/contracts.html")
    wait_until_ready(page)
    return page


def run(tab: Page, name: str, *arguments: str) -> None:
    wrong = json.loads(tab.evaluate("async ([name, ...rest]) => await runJournal(name, ...rest)", [name, *arguments]))
    if wrong:
        pytest.fail(wrong, pytrace=False)


def test_the_page_has_every_case(tab: Page) -> None:
    assert tuple(json.loads(tab.evaluate("listJournalCases()"))) == CASES


@pytest.mark.parametrize("name", CASES)
def test_case(tab: Page, name: str) -> None:
    run(tab, name)


GIVEN_UP = """() => {
    const { commit } = IDBTransaction.prototype;
    IDBTransaction.prototype.commit = function () { this.abort(); };
    globalThis.mend = () => { IDBTransaction.prototype.commit = commit; };
}"""
TAKEN = """() => {
    const { add } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.add = function (segment) { return add.call(this, { ...segment, position: 1 }); };
    globalThis.mend = () => { IDBObjectStore.prototype.add = add; };
}"""
"""The position at which a segment is to be added is taken."""


@pytest.mark.parametrize(("accident", "words"), [(GIVEN_UP, "given it up"), (TAKEN, "ConstraintError")])
def test_what_is_not_written_whole_is_not_written_at_all(tab: Page, accident: str, words: str) -> None:
    run(tab, "begin")
    tab.evaluate(accident)
    try:
        run(tab, "fail_to_write", words)
    finally:
        tab.evaluate("mend()")
    run(tab, "write", ANN, "head", "two")
    run(tab, "expect", ANN, "two", "one")
    run(tab, "let_go")


def test_two_tabs_have_one_journal_until_one_of_them_deletes_it(tab: Page) -> None:
    run(tab, "begin")
    other = open_tab(tab.context)
    run(other, "hold")
    run(other, "write", ANN, "head", "two")
    for each in (tab, other):
        run(each, "expect", ANN, "two", "one")
    run(other, "let_go")
    other.close()
    run(tab, "write", ANN, "head", "three")
    other = open_tab(tab.context)
    run(other, "hold")
    run(other, "expect", ANN, "three", "two", "one")
    run(other, "erase")
    for each in (tab, other):
        run(each, "find_it_lost", DELETED)
    other.close()
    run(tab, "let_go")


@in_chromium
def test_what_the_browser_itself_deletes_and_a_full_disk_are_told(tab: Page, contracts_server: str) -> None:
    run(tab, "begin")
    browser = tab.context.new_cdp_session(tab)
    origin = {"origin": contracts_server}
    # Chromium goes by the room that it has found last, unless it begins anew. It wants some for the database itself.
    used = browser.send("Storage.getUsageAndQuota", origin)["usage"]
    browser.send("Storage.overrideQuotaForOrigin", {**origin, "quotaSize": used + 10_000_000})
    browser.send("Storage.clearDataForOrigin", {**origin, "storageTypes": "indexeddb"})
    run(tab, "find_it_lost", "deleted")
    run(tab, "let_go")

    run(tab, "begin")
    run(tab, "fail_to_write", "no room")
    browser.send("Storage.overrideQuotaForOrigin", origin)
    run(tab, "write", ANN, "head", "two")
    run(tab, "expect", ANN, "two", "one")
    run(tab, "let_go")
