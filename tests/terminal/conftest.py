from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.conftest import site, start_relay  # noqa: F401 (fixtures)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of them starts processes, and waits for them."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.waits)
