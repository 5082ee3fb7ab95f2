"""The relay: passes sealed signaling between the members of a room, and can read none of it (docs/reference/relay.md).

One WebSocket is one client, and each of its channels one member of one room. What comes from it is handled one message
after the other; what goes to it waits in a queue of its own (connection.py), so nobody holds up anybody else. Who is in
a room, in this process and in others, is the business of a backplane.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator

from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from pychat.core.relay.protocol import (
    ALL,
    MAX_CHANNELS,
    SUBPROTOCOL,
    Arrived,
    CloseCode,
    From,
    Join,
    Joined,
    Left,
    RelayMessage,
    Return,
    To,
    decode_from_client,
    encode,
    on_channel,
    split,
)
from pychat.server.addresses import AddressCounts, decrease, shares
from pychat.server.backplane import Backplane, Health, MemberTaken, MemoryBackplane, RoomFull
from pychat.server.config import RelayConfig
from pychat.server.connection import Connection, Gone, Refused
from pychat.server.log import Log
from pychat.server.metrics import Metrics
from pychat.server.redis_backplane import RedisBackplane
from pychat.server.ws_protocol import CLOSE_WITHIN, Terms

_PROTOCOL_MISSING = "The relay takes uvicorn with --ws pychat.server.ws_protocol:WebSocketProtocol, or `pychat serve`."


SHARES = 8
"""So many rooms of one reader have to be flooded before its queue is full; before that each is given up by itself."""

# Not told by the relay, but by the WebSocket protocol (ws_protocol.py).
_REFUSED_BY_THE_PROTOCOL = {int(code): code for code in (CloseCode.TOO_LARGE, CloseCode.TOO_FAST)}


class _Member:
    """A member of a room, on a channel of a connection; what it is told before it has joined comes after that."""

    __slots__ = ("_early", "_waiting", "channel", "connection", "name", "others", "room")

    def __init__(self, connection: Connection, channel: int, room: str, name: str, others: dict[int, _Member]) -> None:
        self.connection, self.channel, self.room, self.name = connection, channel, room, name
        self.others = others  # those of the same connection, by their channels
        self._early: list[str] | None = []
        self._waiting = 0

    def has_room(self, text: str, share: int) -> bool:
        """Whether one message, or no more than `share` bytes, would wait for it: so no room holds up the others."""
        return not self._waiting or self._waiting + len(text) <= share

    def _note_sent(self, size: int) -> None:
        self._waiting -= size

    def post(self, text: str) -> None:
        """Put it into the queue of the connection, or keep it until it has joined."""
        text = on_channel(self.channel, text)
        self._waiting += len(text)
        if self._early is None:
            self.connection.post(text, self._note_sent)
        else:
            self._early.append(text)

    def open(self, first: str) -> None:
        """It has joined: let out what was posted until now, with `first` before it."""
        early, self._early = self._early or [], None
        self.post(first)
        for text in early:
            self.connection.post(text, self._note_sent)


class Relay:
    """An ASGI application for WebSockets, and the audience of its backplane."""

    def __init__(self, config: RelayConfig, registry: CollectorRegistry) -> None:
        self.metrics = Metrics(registry)
        self._config = config
        self._log = Log(addresses=config.log_addresses)
        self._backplane: Backplane = RedisBackplane(config.redis_url) if config.redis_url else MemoryBackplane()
        self._rooms: dict[str, dict[str, _Member]] = {}
        self._connections: set[Connection] = set()
        self._from_address = AddressCounts(config.connections_per_address, config.connections)
        self._rooms_of_address: dict[str, Counter[str]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def health(self) -> Health:
        """How it is connected to the other processes."""
        return self._backplane.health

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While this lasts, connections may come."""
        await self._backplane.start(self)
        self.metrics.backplane.set(self.health is not Health.ALONE)
        if self.health is Health.ALONE:
            self._log.write("backplane", health=Health.ALONE)
        sweep = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweep.cancel()
            await self._backplane.stop()

    @property
    def terms(self) -> Terms:
        """What the WebSocket protocol is to see to."""
        config = self._config
        return Terms(
            message_bytes=config.message_bytes,
            ping_seconds=config.ping_seconds,
            rate=config.rate,
            burst=config.burst,
            too_fast=(CloseCode.TOO_FAST, CloseCode.TOO_FAST.reason),
            dismiss=self._dismiss,
        )

    def _dismiss(self) -> None:
        """Ask everybody to come back later, and close, which takes CLOSE_SECONDS at most; nobody else is let in."""
        if self._closing:
            return
        self._closing = True
        self._log.write("dismissed", connections=len(self._connections))
        farewell = on_channel(ALL, encode(Return(self._config.return_seconds)))
        for connection in self._connections:
            connection.post(farewell)
            connection.end(CloseCode.CLOSING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket; one without an end by force could be held for ever by who does not read."""
        if CLOSE_WITHIN not in scope.get("extensions", {}):
            self._log.write("refused", reason="protocol")
            self.metrics.refusals.labels("protocol").inc()
            return await _deny(receive, send, 501, f"{_PROTOCOL_MISSING}\n")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._may_come_from(headers.get("origin"), headers.get("host", "")):
            self._log.write("refused", reason="origin", address=_host(scope))
            self.metrics.refusals.labels("origin").inc()
            return await _deny(receive, send, 403, "This relay is not for pages from elsewhere.\n")
        if SUBPROTOCOL not in scope["subprotocols"]:
            self.metrics.refusals.labels("subprotocol").inc()
            return await _deny(receive, send, 400, f"This relay speaks {SUBPROTOCOL} and nothing else.\n")
        connection = Connection(scope, receive, send, host=_host(scope), limit=self._config.queue_bytes)
        code = 0
        try:
            await connection.accept(SUBPROTOCOL)
            with self._admitted(connection):
                await self._serve(connection)
        except Refused as refused:
            connection.end(refused.code)
            await connection.closed()
        except Gone as gone:
            code = gone.code
        self._note_end(connection, code)
        return None

    # What the backplane tells of.

    def arrived(self, room: str, member: str) -> None:
        """Tell the members here of one that has come."""
        self._tell(room, member, Arrived(member))

    def left(self, room: str, member: str) -> None:
        """Tell the members here of one that is gone."""
        self._tell(room, member, Left(member))

    def received(self, room: str, member: str, sender: str, data: str) -> None:
        """Give a member here what is for it."""
        receiver = self._rooms.get(room, {}).get(member)
        if receiver is None:
            return
        self._post(receiver, encode(From(sender, data)))
        self.metrics.relayed.inc()
        self.metrics.characters.inc(len(data))

    def health_changed(self, health: Health) -> None:
        """Note that the other processes were lost or found."""
        self._log.write("backplane", health=health)
        self.metrics.backplane.set(health is not Health.ALONE)
        if health is Health.ALONE:
            self.metrics.losses.inc()

    def _tell(self, room: str, member: str, message: RelayMessage) -> None:
        text = encode(message)
        for name, other in [*self._rooms.get(room, {}).items()]:
            if name != member:
                self._post(other, text)

    def _post(self, member: _Member, text: str) -> None:
        if not member.has_room(text, self._config.queue_bytes // SHARES):
            self._give_up(member)
            return
        before = member.connection.ending
        member.post(text)
        if member.connection.ending is not before:
            self.metrics.slow.inc()

    # A connection, from its beginning to its end.

    @contextlib.contextmanager
    def _admitted(self, connection: Connection) -> Iterator[None]:
        """Count a connection while it lasts, if there is room for it."""
        if self._closing:
            raise Refused(CloseCode.CLOSING)
        if len(self._connections) >= self._config.connections:
            raise Refused(CloseCode.TOO_MANY)
        if not self._from_address.add(connection.host):
            raise Refused(CloseCode.TOO_MANY_FROM_ADDRESS)
        self._connections.add(connection)
        self.metrics.connections.set(len(self._connections))
        try:
            yield
        finally:
            self._connections.remove(connection)
            self._from_address.remove(connection.host)
            self.metrics.connections.set(len(self._connections))

    async def _serve(self, connection: Connection) -> None:
        members: dict[int, _Member] = {}
        try:
            try:
                async with asyncio.timeout(self._config.join_seconds):
                    text = await connection.read()
            except TimeoutError:
                raise Refused(CloseCode.NOT_JOINED) from None
            while True:
                await self._heed(connection, members, text)
                text = await connection.read()
        finally:
            while members:  # each of them knows the others
                await self._leave(members.popitem()[1])

    async def _heed(self, connection: Connection, members: dict[int, _Member], text: str) -> None:
        """Do what a client says on one of its channels."""
        channel, said = split(text) or (ALL, "")
        if channel == ALL:
            raise Refused(CloseCode.MALFORMED)
        member = members.get(channel)
        if said == "":
            if member is not None:
                del members[channel]
                await self._leave(member)
            return
        match decode_from_client(said):
            case To(receiver, data):
                self.metrics.received.inc()
                if member is not None:  # else the client has yet to read that this channel is over
                    await self._backplane.send(member.room, receiver, member.name, data)
            case Join(room, name) if member is None:
                await self._join(_Member(connection, channel, room, name, members))
            case _:
                raise Refused(CloseCode.MALFORMED)

    async def _join(self, member: _Member) -> None:
        """Let a client into a room; where it may not come in its channel ends, and none of the others."""
        try:
            if len(member.others) >= MAX_CHANNELS:
                raise Refused(CloseCode.TOO_MANY_ROOMS)
            self._enter(member)
        except Refused as refused:
            self._end_channel(member, refused.code)
            return
        member.others[member.channel] = member  # what is told of the room from now on waits until it has joined
        try:
            others = await self._backplane.join(member.room, member.name, self._config.room_size)
        except (MemberTaken, RoomFull) as problem:
            if member.others.pop(member.channel, None) is member:
                await self._leave(member)
                is_taken = isinstance(problem, MemberTaken)
                self._end_channel(member, CloseCode.MEMBER_TAKEN if is_taken else CloseCode.ROOM_FULL)
            return
        if member.others.get(member.channel) is not member:  # it was given up meanwhile
            await self._backplane.leave(member.room, member.name)
            return
        member.open(encode(Joined(tuple(others))))
        self.metrics.joins.inc()

    def _give_up(self, member: _Member) -> None:
        """End the channel of a reader for whom too much waits in this room; the others of the connection stay."""
        if member.others.get(member.channel) is member:
            del member.others[member.channel]
            self._end_channel(member, CloseCode.TOO_SLOW)
            self.metrics.slow.inc()
            leaving = asyncio.create_task(self._leave(member))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    def _end_channel(self, member: _Member, code: CloseCode) -> None:
        member.connection.post(on_channel(member.channel, str(int(code))))
        self.metrics.refusals.labels(code.name.lower()).inc()
        if not member.connection.was_refused:  # a line for each would let one connection fill the log
            member.connection.was_refused = True
            self._log.write("refused", reason=code.name.lower(), address=member.connection.host)

    def _enter(self, member: _Member) -> None:
        """Let what is told of the room reach a member, before it is known whether it may join."""
        if member.name in self._rooms.get(member.room, {}):
            raise Refused(CloseCode.MEMBER_TAKEN)
        for key, limit in self._shares(member):
            rooms: Counter[str] = self._rooms_of_address.get(key, Counter())
            if member.room not in rooms and len(rooms) >= limit:
                raise Refused(CloseCode.TOO_MANY_ROOMS)
        self._rooms.setdefault(member.room, {})[member.name] = member
        for key, _ in self._shares(member):
            self._rooms_of_address.setdefault(key, Counter())[member.room] += 1
        self.metrics.rooms.set(len(self._rooms))

    async def _leave(self, member: _Member) -> None:
        members = self._rooms[member.room]
        del members[member.name]
        if not members:
            del self._rooms[member.room]
        for key, _ in self._shares(member):
            decrease(self._rooms_of_address[key], member.room)
            if not self._rooms_of_address[key]:
                del self._rooms_of_address[key]
        self.metrics.rooms.set(len(self._rooms))
        await self._backplane.leave(member.room, member.name)

    def _shares(self, member: _Member) -> list[tuple[str, int]]:
        """The addresses that a member counts for, each with the rooms it may be in."""
        return [*shares(member.connection.host, self._config.rooms_per_address, self._config.connections)]

    def _note_end(self, connection: Connection, code: int) -> None:
        ending = connection.ending
        if ending is None:
            ending = _REFUSED_BY_THE_PROTOCOL.get(code)
        if ending is None or ending is CloseCode.CLOSING:
            return
        self.metrics.refusals.labels(ending.name.lower()).inc()
        self._log.write("refused", reason=ending.name.lower(), address=connection.host)

    def _may_come_from(self, origin: str | None, host: str) -> bool:
        """Only browsers name an origin, and it is they whom pages from elsewhere could send here."""
        if origin is None:
            return True
        if self._config.origins is not None:
            return origin in self._config.origins
        return origin.lower() in (f"https://{host.lower()}", f"http://{host.lower()}")

    async def _sweep(self) -> None:
        """End what has been idle for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._config.idle_seconds / 8)
            for connection in self._connections:
                if loop.time() - connection.used_at > self._config.idle_seconds:
                    connection.end(CloseCode.IDLE)


async def _deny(receive: Receive, send: Send, status: int, text: str) -> None:
    """Refuse the handshake, with the ASGI extension for it."""
    await receive()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": text.encode()})


def _host(scope: Scope) -> str:
    """Where a connection comes from; a Unix socket says nothing of it."""
    return str((scope.get("client") or ("", 0))[0])
