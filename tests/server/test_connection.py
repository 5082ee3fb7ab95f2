"""One connection of the relay by itself, and the rooms of one process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from pychat.core.relay.protocol import CloseCode
from pychat.server.backplane import Health, MemberTaken, MemoryBackplane, RoomFull
from pychat.server.config import RelayConfig
from pychat.server.connection import CLOSE_SECONDS, Connection, Refused
from pychat.server.relay import Relay
from pychat.server.ws_protocol import CLOSE_WITHIN

pytestmark = pytest.mark.anyio

Message = MutableMapping[str, Any]


class Socket:
    """The other end, which reads when it is let."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.patience: list[float] = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def receive(self) -> Message:
        return {"type": "websocket.disconnect"}

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        self.sent.append(message)

    def connection(self, limit: int = 100) -> Connection:
        scope = {"extensions": {CLOSE_WITHIN: self.patience.append}}
        return Connection(scope, self.receive, self.send, host="192.0.2.1", limit=limit)

    @property
    def texts(self) -> list[Any]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    @property
    def closes(self) -> list[int]:
        return [message["code"] for message in self.sent if message["type"] == "websocket.close"]


async def test_what_waits_is_sent_before_the_close_and_nothing_after_it() -> None:
    socket = Socket()
    connection = socket.connection()
    sent: list[int] = []
    connection.post('["one"]', sent.append)
    connection.post('["two"]')
    connection.end(CloseCode.IDLE)
    connection.end(CloseCode.CLOSING)  # the first reason counts
    connection.post('["late"]', sent.append)
    await asyncio.wait_for(connection._pump or asyncio.sleep(0), 30)

    assert socket.texts == [["one"], ["two"]]
    assert sent == [len('["one"]')]
    assert socket.closes == [CloseCode.IDLE]
    assert socket.patience == [CLOSE_SECONDS]


async def test_whoever_reads_too_slowly_gets_no_more_than_the_close() -> None:
    socket = Socket()
    connection = socket.connection(limit=60)
    connection.post('["first"]')
    socket.reads.clear()
    for number in range(10):
        connection.post(f'["a message",{number}]')
        await asyncio.sleep(0)
    assert connection.ending is CloseCode.TOO_SLOW
    pump = connection._pump
    assert pump is not None
    socket.reads.set()
    await asyncio.wait_for(pump, 30)

    assert len(socket.texts) <= 1  # what was on its way already
    assert socket.closes == [CloseCode.TOO_SLOW]
    assert socket.patience == [CLOSE_SECONDS]


async def test_who_comes_while_the_server_shuts_down_is_told_so() -> None:
    relay = Relay(RelayConfig(), CollectorRegistry())
    relay._closing = True
    with pytest.raises(Refused) as refused, relay._admitted(Socket().connection()):
        pass

    assert refused.value.code is CloseCode.CLOSING


class Audience:
    """Who is told of what happens in rooms."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def arrived(self, room: str, member: str) -> None:
        self.told.append(("arrived", room, member))

    def left(self, room: str, member: str) -> None:
        self.told.append(("left", room, member))

    def received(self, room: str, member: str, sender: str, data: str) -> None:
        self.told.append(("received", room, member, sender, data))

    def health_changed(self, health: Health) -> None:
        self.told.append(("health", health.value))


async def test_a_room_of_one_process_takes_each_name_once_and_so_many() -> None:
    backplane, audience = MemoryBackplane(), Audience()
    await backplane.start(audience)
    assert await backplane.join("room", "ann", 2) == []
    with pytest.raises(MemberTaken):
        await backplane.join("room", "ann", 2)
    assert await backplane.join("room", "bob", 2) == ["ann"]
    with pytest.raises(RoomFull):
        await backplane.join("room", "cat", 2)
    await backplane.leave("room", "cat")  # who was never there

    assert audience.told == [("arrived", "room", "ann"), ("arrived", "room", "bob")]
