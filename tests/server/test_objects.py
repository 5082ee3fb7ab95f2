"""What a server keeps of those who are gone: nothing, and without a collection of garbage."""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from tests.bench.load import DIALECTS, Load, Member
from tests.server import relays
from tests.server.conftest import StartRelay
from tests.server.relays import Redis, Relay, until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# Without a collector, whatever refers to itself stays.
COUNTING = """
import gc, signal, sys
from pathlib import Path
from pychat.server.cli import main
gc.disable()
signal.signal(signal.SIGUSR1, lambda *_: print("objects:", len(gc.get_objects()), flush=True))
main(Path(sys.argv.pop(1)))
"""
AT_ONCE = 20
WARM = 100  # after so many each path has been taken, and what is made once is there
# Handles of timers that were cancelled go with time, and some caches grow with the traffic.
AT_MOST = 600

UPGRADE = b"GET /relay HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
HANDSHAKE = UPGRADE + (
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Protocol: pychat.relay.1\r\n\r\n"
)


class Visitor:
    """All ways to come and to go."""

    def __init__(self, relay: Relay) -> None:
        host, _, port = relay.url.removeprefix("http://").rstrip("/").partition(":")
        self._host, self._port = host, int(port)
        self._load = Load(DIALECTS["ours"], host, self._port)

    def ways(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.leaves,
            self.is_cut_off,
            self.says_nonsense,
            self.sends_too_fast,
            self.breaks_the_protocol,
            lambda: self.asks(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            lambda: self.asks(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", whole=False),
            lambda: self.asks(b"GET / HTTP/1.1\r\nHo", whole=False),
            lambda: self.asks(b"nonsense\r\n\r\n"),
            lambda: self.asks(UPGRADE + b"\r\n"),
            lambda: self.asks(HANDSHAKE.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n")),
            lambda: self.asks(HANDSHAKE.replace(b"relay.1", b"relay.2")),
        ]

    async def leaves(self) -> None:
        member = await self._member()
        member.leave()
        await member.gone

    async def is_cut_off(self) -> None:
        member = await self._member()
        member.abort()
        await member.gone

    async def says_nonsense(self) -> None:
        member = await self._member()
        member.say("nonsense")
        await member.gone

    async def sends_too_fast(self) -> None:
        member = await self._member()
        for _ in range(130):
            member.beat()
        await member.gone

    async def breaks_the_protocol(self) -> None:
        member = await self._member()
        member._transport.write(b"\xff" * 100)
        await member.gone

    async def asks(self, request: bytes, *, whole: bool = True) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(request)
        with suppress(ConnectionError):
            if whole:
                await reader.read()
        writer.transport.abort()

    async def _member(self) -> Member:
        return await self._load.member(secrets.token_urlsafe(16))


async def visit(visitor: Visitor, count: int) -> None:
    ways = iter(visitor.ways() * (count // len(visitor.ways())))

    async def come_and_go() -> None:
        for way in ways:
            await way()

    await asyncio.gather(*(come_and_go() for _ in range(AT_ONCE)))


async def objects(relay: Relay) -> int:
    """How many there are when all who came are gone."""
    pattern = r"objects: (\d+)\n"
    await until(lambda: relay.metric("pychat_connections") == 1)  # which is that of the question
    before = len(re.findall(pattern, relay.said()))
    relay.process.send_signal(signal.SIGUSR1)
    await until(lambda: len(re.findall(pattern, relay.said())) > before)
    return int(re.findall(pattern, relay.said())[-1])


async def expect_nothing_to_stay(relay: Relay, visits: int) -> None:
    visitor = Visitor(relay)
    await visit(visitor, WARM)
    before = await objects(relay)
    await visit(visitor, visits)
    grown = await objects(relay) - before
    assert grown < AT_MOST, f"{grown / visits:.2f} objects of each visit stayed"


async def test_who_is_gone_is_forgotten_without_a_collection(
    start_relay: StartRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "SERVE", COUNTING)
    await expect_nothing_to_stay(start_relay(), 10_000)


async def test_who_is_gone_is_forgotten_where_there_is_a_redis(
    start_relay: StartRelay, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "SERVE", COUNTING)
    await expect_nothing_to_stay(start_relay(PYCHAT_REDIS_URL=redis.url), 1_000)
