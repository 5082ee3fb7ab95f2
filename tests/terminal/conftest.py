from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.friend import Beside, Friend, MakeFriend, beside  # noqa: F401 (a fixture)
from tests.server.conftest import site, start_relay  # noqa: F401 (fixtures)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of them starts processes, and waits for them."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.waits)


@pytest.fixture
def friend(beside: Beside) -> Iterator[MakeFriend]:  # noqa: F811
    """Makes people who have no process: for whoever is only there so that a command has somebody to talk with.

    Who opens a room is given the address of a `page`.
    """
    with ExitStack() as stack:
        yield lambda name="", *, page="", **options: stack.enter_context(
            Friend(beside, page.removesuffix("/"), name, **options)
        )
