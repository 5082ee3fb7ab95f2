from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.friend import Beside, Friend, MakeFriend, beside  # noqa: F401 (a fixture)
from tests.server.conftest import site, start_relay  # noqa: F401 (fixtures)
from tests.server.relays import Relay
from tests.site.conftest import make_checkout


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


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """One that all tests have, each in rooms of its own; `start_relay` is for those that stop it or look at it."""
    folder = tmp_path_factory.mktemp("relay")
    relay = Relay.start(make_checkout(folder / "checkout").build().path, folder)
    with relay.process:
        yield relay
        relay.process.kill()
