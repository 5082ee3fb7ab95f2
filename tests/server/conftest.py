"""Relays that serve a small site, and their members."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pychat.site.build import Site
from tests.server.relays import Members, Redis, Relay
from tests.site.conftest import checkout, make_checkout  # noqa: F401 (fixtures)

StartRelay = Callable[..., Relay]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return make_checkout(tmp_path_factory.mktemp("checkout")).build()


@pytest.fixture
def start_relay(site: Site, tmp_path: Path) -> Iterator[StartRelay]:
    """Starts a server: `start_relay("--no-relay", PYCHAT_RELAY_ROOM_SIZE="2")`."""
    with ExitStack() as stack:

        def start(*flags: str, **environment: str) -> Relay:
            relay = Relay.start(site.path, tmp_path, *flags, **environment)
            stack.enter_context(relay.process)
            stack.callback(relay.process.kill)
            return relay

        yield start


@pytest.fixture
async def members() -> AsyncIterator[Members]:
    members = Members()
    yield members
    await members.close()


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    redis = Redis(tmp_path_factory.mktemp("redis"))
    redis.start()
    yield redis
    redis.stop()
