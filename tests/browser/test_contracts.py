"""The contracts of the ports over the browser's own parts, in a page of each browser."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pychat.site.build import build_site
from tests.browser.conftest import ROOT, Watch, serve, wait_until_ready
from tests.contracts import Port, contracts_of

CONTRACTS = ROOT / "tests" / "contracts"
PORTS = (Port.PEERS, Port.STORE, Port.TABS, Port.CLOCK, Port.CRYPTO, Port.RELAY, Port.LEASES, Port.JOURNAL)

TOLD_BY_FIREFOX = ("ICE failed", "Firefox can’t establish a connection to the server at ws:", "The connection to ws:")
"""What Firefox tells its console too where ICE fails, or a WebSocket, as some contracts want them to."""


def build_with_contracts(folder: Path) -> Path:
    """The site with one page more, in which the contracts are."""
    web = folder / "web"
    shutil.copytree(ROOT / "web", web, ignore=shutil.ignore_patterns("node_modules"))
    (web / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    shutil.copytree(CONTRACTS / "page", web, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    with zipfile.ZipFile(web / "contracts.zip", "w") as target:
        vectors = (ROOT / "tests" / "vectors" / "third-party").glob("*.json")
        for path in (ROOT / "tests" / "__init__.py", *sorted(CONTRACTS.glob("*.py")), *sorted(vectors)):
            target.write(path, path.relative_to(ROOT))
    return build_site(web, ROOT / "pychat", ROOT / "build" / "contracts").path


@pytest.fixture(scope="module")
def contracts_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(site=build_with_contracts(tmp_path_factory.mktemp("contracts"))) as address:
        yield address


@pytest.fixture(scope="module")
def watched(contracts_server: str) -> Watch:
    return Watch(contracts_server)


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[Browser, Page]]:
    """The pages in which contracts have run."""
    pages: dict[Browser, Page] = {}
    yield pages
    for page in pages.values():
        page.context.close()


@pytest.fixture
def contracts_page(browser: Browser, contracts_server: str, watched: Watch, opened: dict[Browser, Page]) -> Page:
    """One page of each browser, in which all contracts run one after the other."""
    if browser not in opened:
        context = browser.new_context(base_url=contracts_server)
        watched.follow(context)
        opened[browser] = page = context.new_page()
        page.goto("/contracts.html")
        wait_until_ready(page)
    return opened[browser]


def test_the_page_has_every_contract(contracts_page: Page) -> None:
    assert json.loads(contracts_page.evaluate("listContracts()")) == contracts_of(PORTS)


@pytest.mark.parametrize("name", contracts_of(PORTS))
def test_contract(contracts_page: Page, watched: Watch, name: str) -> None:
    wrong = json.loads(contracts_page.evaluate("async name => await runContract(name)", name))
    if wrong:
        pytest.fail(wrong, pytrace=False)
    uncaught = [error for error in watched.uncaught_errors if not error.startswith(TOLD_BY_FIREFOX)]
    watched.uncaught_errors.clear()
    assert uncaught == watched.foreign_requests == []
