"""The order of the tests: what is quick shows first what is wrong."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.contracts")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last; once Playwright runs, no other event loop can run in this thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
