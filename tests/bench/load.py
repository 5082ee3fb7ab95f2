"""Members without end of our relay, or of PeerServer, in a process of its own.

    python -m tests.bench.load ours|peerserver crowd|talk HOST:PORT

It does what it is told by lines on its standard input, and answers each with a line. A crowd is `warm`ed with one
member that leaves again, then `fill`s the server with idle ones, then lets others `join` and leave. Those who talk
`fill` the server with pairs, then `talk`. The answer to `join` and `talk` is JSON.

It must cost less than what it measures, so it speaks no more of WebSockets than this takes (RFC 6455): its keys and
masks are always the same, and what it receives is looked at only where it matters.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import ClassVar, Protocol

IDLE = 5_000
AT_ONCE = 100
"""Connections that are under way at once while the server is filled."""
JOINS_PER_SECOND = 500
JOIN_SECONDS = 12
STAY_SECONDS = 2.0
PATIENCE = 20.0
"""Seconds after which a join that nobody has answered counts as failed."""
HEARTBEAT_SECONDS = 20.0
"""As often as our relay pings; PeerJS itself beats every 5 seconds."""
PAIRS = 20
MESSAGES_PER_SECOND = 10
"""Of each pair."""
TALK_SECONDS = JOIN_SECONDS - 2
DATA = "x" * 500

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


@dataclass
class Figures:
    """What was done in so many seconds, and how many of them this process had the processor.

    `times` are the milliseconds that each thing took, `in_time` counts those that were done before the end, and
    `failed` those that came to nothing.
    """

    times: list[float]
    in_time: int
    failed: int
    seconds: float
    processor: float


def frame(opcode: int, data: bytes) -> bytes:
    """A frame of a client, with a mask of zeros, which leaves the data as it is."""
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack("!BH", 0x80 | 126, len(data))
    return head + bytes(4) + data


class Dialect(Protocol):
    """What is said to a server."""

    beats: bool
    """Whether its members have to say now and then that they are there."""

    def target(self, member: str) -> str: ...

    def headers(self) -> str: ...

    def first(self, room: str, member: str) -> str | None:
        """What is said once the WebSocket is open; in any case the first answer means that one has joined."""

    def to(self, member: str, data: str) -> str: ...

    def data(self, text: str) -> str | None:
        """What another member has sent, if the text holds such."""


class Ours:
    beats = False

    def target(self, member: str) -> str:
        return "/relay"

    def headers(self) -> str:
        return "Sec-WebSocket-Protocol: pychat.relay.1\r\n"

    def first(self, room: str, member: str) -> str | None:
        return "1 " + json.dumps(["join", room, member])

    def to(self, member: str, data: str) -> str:
        return "1 " + json.dumps(["to", member, data])

    def data(self, text: str) -> str | None:
        message = json.loads(text[2:])
        return str(message[2]) if message[0] == "from" else None


class PeerServer:
    beats = True

    def target(self, member: str) -> str:
        return f"/peerjs?key=peerjs&id={member}&token={member}"

    def headers(self) -> str:
        return ""

    def first(self, room: str, member: str) -> str | None:
        return None

    def to(self, member: str, data: str) -> str:
        return json.dumps({"type": "OFFER", "dst": member, "payload": data})

    def data(self, text: str) -> str | None:
        message = json.loads(text)
        return str(message["payload"]) if message["type"] == "OFFER" else None


DIALECTS: dict[str, Dialect] = {"ours": Ours(), "peerserver": PeerServer()}


class Member(asyncio.Protocol):
    """One connection; `joined` and `gone` are done when it is, and `on_text` gets what comes in between."""

    HEARTBEAT: ClassVar = frame(TEXT, b'{"type":"HEARTBEAT"}')

    def __init__(self, dialect: Dialect, room: str) -> None:
        loop = asyncio.get_running_loop()
        self.id = secrets.token_urlsafe(16)
        self.joined: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        self.on_text: Callable[[str], None] | None = None
        self._dialect = dialect
        self._room = room
        self._received = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(
            (
                f"GET {self._dialect.target(self.id)} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                f"{self._dialect.headers()}\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._upgraded and not self._upgrade():
            return
        while (end := self._take()) is not None:
            self._received = self._received[end:]

    def connection_lost(self, _: Exception | None) -> None:
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("closed before it had joined"))
        self.gone.set_result(None)

    def say(self, text: str) -> None:
        self._transport.write(frame(TEXT, text.encode()))

    def beat(self) -> None:
        self._transport.write(self.HEARTBEAT)

    def leave(self) -> None:
        self._transport.write(frame(CLOSE, struct.pack("!H", 1000)))

    def abort(self) -> None:
        self._transport.abort()

    def _upgrade(self) -> bool:
        head, end, self._received = self._received.partition(b"\r\n\r\n")
        if not end:
            self._received = head
            return False
        if not head.startswith(b"HTTP/1.1 101 "):
            self._transport.abort()
            return False
        self._upgraded = True
        first = self._dialect.first(self._room, self.id)
        if first is not None:
            self.say(first)
        return True

    def _take(self) -> int | None:
        """Take the first of the frames that were received; returns where it ends, or None when it has not all come."""
        received = self._received
        if len(received) < 2 or (received[1] == 126 and len(received) < 4):
            return None
        opcode, size, begin = received[0] & 0x0F, received[1], 2
        if size == 126:
            size, begin = struct.unpack_from("!H", received, 2)[0], 4
        end = begin + size
        if len(received) < end:
            return None
        if opcode == TEXT:
            if not self.joined.done():
                self.joined.set_result(None)
            elif self.on_text is not None:
                self.on_text(received[begin:end].decode())
        elif opcode == PING:
            self._transport.write(frame(PONG, received[begin:end]))
        elif opcode == CLOSE:
            self._transport.close()
        return end


class Load:
    """What was asked for, against one server."""

    def __init__(self, dialect: Dialect, host: str, port: int) -> None:
        self._dialect = dialect
        self._host, self._port = host, port
        self._members: list[Member] = []
        self._beating: asyncio.Task[None] | None = None

    async def member(self, room: str) -> Member:
        """Somebody who has joined."""
        loop = asyncio.get_running_loop()
        _, member = await loop.create_connection(lambda: Member(self._dialect, room), self._host, self._port)
        await member.joined
        return member

    async def warm(self) -> None:
        """One comes and goes, so that what the server makes for the first one is not counted with the others."""
        member = await self.member(secrets.token_urlsafe(16))
        member.leave()
        await member.gone

    async def fill(self, count: int) -> None:
        """Let members come who stay, two to a room."""
        rooms = [room for _ in range(count // 2) for room in [secrets.token_urlsafe(16)] * 2]
        places = iter(range(count))
        members: dict[int, Member] = {}

        async def come() -> None:
            for place in places:
                members[place] = await self.member(rooms[place])

        await asyncio.gather(*(come() for _ in range(min(count, AT_ONCE))))
        # In the order of their rooms, not in that in which they came.
        self._members = [members[place] for place in range(count)]
        if self._dialect.beats:
            self._beating = asyncio.create_task(self._beat())

    async def join(self) -> Figures:
        """Let so many come each second, however long the server takes, two to a room; each leaves after a while."""
        loop = asyncio.get_running_loop()
        times: list[float] = []

        async def visit(room: str, due: float) -> None:
            try:
                async with asyncio.timeout(PATIENCE):
                    member = await self.member(room)
            except OSError:  # a TimeoutError is one too
                return
            times.append((loop.time() - due) * 1000)
            await asyncio.sleep(STAY_SECONDS)
            member.leave()
            await member.gone

        count = JOINS_PER_SECOND * JOIN_SECONDS
        rooms = [room for _ in range(count // 2) for room in [secrets.token_urlsafe(16)] * 2]
        begin, processor = loop.time(), time.process_time()
        visits = []
        for number, room in enumerate(rooms):
            due = begin + number / JOINS_PER_SECOND
            await asyncio.sleep(max(0.0, due - loop.time()))
            visits.append(asyncio.create_task(visit(room, due)))
        seconds, processor = loop.time() - begin, time.process_time() - processor
        in_time = len(times)
        await asyncio.wait(visits)
        return Figures(times, in_time, count - len(times), seconds, processor)

    async def talk(self) -> Figures:
        """Let one of each pair write to the other, and measure from when a message is due to its arrival."""
        loop = asyncio.get_running_loop()
        times: list[float] = []
        pairs = self.pairs()

        def hear(text: str) -> None:
            data = self._dialect.data(text)
            if data is not None:
                times.append((loop.time() - float(data.partition(" ")[0])) * 1000)

        for _, hearer in pairs:
            hearer.on_text = hear
        rate = PAIRS * MESSAGES_PER_SECOND
        begin, processor = loop.time(), time.process_time()
        for number in range(rate * TALK_SECONDS):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            speaker, hearer = pairs[number % PAIRS]
            speaker.say(self._dialect.to(hearer.id, f"{due} {DATA}"))
        seconds, processor = loop.time() - begin, time.process_time() - processor
        in_time = len(times)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while len(times) < rate * TALK_SECONDS:
                    await asyncio.sleep(0.01)
        return Figures(times, in_time, rate * TALK_SECONDS - len(times), seconds, processor)

    def pairs(self) -> list[tuple[Member, Member]]:
        """Who is with whom in a room."""
        return list(zip(self._members[::2], self._members[1::2], strict=True))

    def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        for member in self._members:
            member.abort()

    async def _beat(self) -> None:
        while True:
            for member in self._members:
                member.beat()
                await asyncio.sleep(HEARTBEAT_SECONDS / len(self._members))


async def main(kind: str, role: str, address: str) -> None:
    host, _, port = address.rpartition(":")
    load = Load(DIALECTS[kind], host, int(port))
    count = IDLE if role == "crowd" else 2 * PAIRS
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        answer = ""
        match word:
            case "warm":
                await load.warm()
            case "fill":
                await load.fill(count)
            case "join":
                answer = json.dumps(asdict(await load.join()))
            case "talk":
                answer = json.dumps(asdict(await load.talk()))
        print(answer, flush=True)
    load.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
