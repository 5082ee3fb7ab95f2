"""What the benchmark puts on a relay: those who talk with each other are in one room, whoever came first."""

import pytest

from tests.bench.load import DIALECTS, Load
from tests.server.conftest import StartRelay

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_each_pair_is_in_one_room(start_relay: StartRelay) -> None:
    relay = start_relay()
    host, _, port = relay.url.removeprefix("http://").rstrip("/").partition(":")
    load = Load(DIALECTS["ours"], host, int(port))
    await load.fill(40)
    try:
        assert all(one._room == other._room for one, other in load.pairs())
    finally:
        load.close()
