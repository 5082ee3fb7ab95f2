"""The order of the tests: what is quick shows first what is wrong."""

from __future__ import annotations

import os
from collections import Counter

import pytest

pytest.register_assert_rewrite("tests.contracts")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, for much of the time a test waits for what the network is patient with."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last; once Playwright runs, no other event loop can run in this thread.

    Of these the longest files come first: the workers share the tests by files, and the last ones should be short.
    """
    sizes = Counter(item.path for item in items)

    def place(item: pytest.Item) -> tuple[bool, int, str]:
        if item.get_closest_marker("browser") is None:
            return (False, 0, "")
        return (True, -sizes[item.path], item.path.name)

    items.sort(key=place)
