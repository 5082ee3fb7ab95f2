"""A real server under what would hold its connections, memory or processor; each time somebody else is served."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from websockets.exceptions import ConnectionClosed

from pychat.site.build import Site
from tests.server import relays
from tests.server.conftest import StartRelay
from tests.server.relays import SECONDS, Member, Members, Relay, new_id, until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LARGE = 32 << 20  # more than the buffers of both sides hold
UPGRADE = (
    b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: pychat.relay.1\r\n"
)
HASTY = {"PYCHAT_REQUEST_SECONDS": "1"}
SLOW = 2 << 20  # bytes a second
WINDOW = 256 << 10
NEIGHBOUR = "127.0.0.2"


@pytest.fixture(scope="module")
def large_file(site: Site) -> str:
    (site.path / "large").write_bytes(bytes(LARGE))
    return "large"


@pytest.fixture(scope="module")
def relay(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """One without settings, for all tests that leave it as it was."""
    relay = Relay.start(site.path, tmp_path_factory.mktemp("relay"))
    with relay.process:
        yield relay
        relay.process.kill()


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(sockets: ExitStack, relay: Relay, *, source: str = "127.0.0.1", window: int | None = None) -> socket.socket:
    host, port = relay.url.removeprefix("http://").rstrip("/").split(":")
    connection = sockets.enter_context(socket.socket())
    connection.settimeout(SECONDS)
    connection.bind((source, 0))
    if window is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.connect((host, int(port)))
    return connection


def read_to_the_end(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection; a TimeoutError when it never does."""
    received = b""
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 20):
            received += piece
    return received


def is_served(sockets: ExitStack, relay: Relay, source: str = "127.0.0.1") -> bool:
    with suppress(ConnectionError):
        connection = connect(sockets, relay, source=source)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return read_to_the_end(connection).startswith(b"HTTP/1.1 200 ")
    return False


def ended(relay: Relay, reason: str) -> float:
    return relay.metric(f'pychat_connections_ended_total{{reason="{reason}"}}')


# Requests that do not come.


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET /relay HTTP/1.1\r\n" + UPGRADE,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo",
    ],
)
def test_a_request_that_does_not_come_whole_is_given_up(
    start_relay: StartRelay, sockets: ExitStack, begun: bytes
) -> None:
    connection = connect(sockets, start_relay(**HASTY))
    connection.sendall(begun)
    read_to_the_end(connection)


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HTTP/1.1\r\nA: ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"]
)
def test_a_request_that_comes_byte_by_byte_is_given_up(
    start_relay: StartRelay, sockets: ExitStack, begun: bytes
) -> None:
    connection = connect(sockets, start_relay(**HASTY))
    connection.sendall(begun)
    with suppress(ConnectionError):
        while True:  # until the server has enough of it
            connection.sendall(b"x")
            time.sleep(0.05)


def test_requests_one_after_the_other_are_answered_for_longer_than_one_may_take(
    start_relay: StartRelay, sockets: ExitStack
) -> None:
    relay = start_relay(**HASTY)
    connection, waiting = connect(sockets, relay), connect(sockets, relay)
    waiting.setblocking(False)
    while True:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        try:
            if not waiting.recv(1):
                break
        except BlockingIOError:
            time.sleep(0.05)
        except ConnectionError:
            break
    connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_connection_to_the_relay_stays_when_its_request_has_come(start_relay: StartRelay, sockets: ExitStack) -> None:
    relay = start_relay(**HASTY)
    member, waiting = connect(sockets, relay), connect(sockets, relay)
    member.sendall(b"GET /relay HTTP/1.1\r\n" + UPGRADE + b"\r\n")
    assert member.recv(65536).startswith(b"HTTP/1.1 101 ")
    read_to_the_end(waiting)
    member.sendall(b"\x89\x80\0\0\0\0")
    assert member.recv(2) == b"\x8a\0"


FEW_FILES = """
import resource, sys
from pathlib import Path
from pychat.server.cli import main
resource.setrlimit(resource.RLIMIT_NOFILE, (110, 110))
main(Path(sys.argv.pop(1)))
"""


def test_half_requests_of_one_address_shut_out_nobody_else(
    start_relay: StartRelay, sockets: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "SERVE", FEW_FILES)
    relay = start_relay(**HASTY)
    halves = [connect(sockets, relay, source=NEIGHBOUR) for _ in range(300)]
    for half in halves:
        with suppress(ConnectionError):
            half.sendall(b"GET / HTTP/1.1\r\n")
    assert is_served(sockets, relay)
    assert ended(relay, "too_many_from_address") > 0
    for half in halves:
        read_to_the_end(half)
    assert is_served(sockets, relay, NEIGHBOUR)


def test_open_files_are_as_many_as_the_settings_need(
    start_relay: StartRelay, sockets: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "SERVE", FEW_FILES.replace("(110, 110)", "(110, 1000)"))
    relay = start_relay(PYCHAT_CONNECTIONS="900")
    waiting = [connect(sockets, relay) for _ in range(200)]
    assert is_served(sockets, relay)
    assert relay.metric("pychat_connections") >= len(waiting)


def test_a_server_has_so_many_connections_of_any_kind(start_relay: StartRelay, sockets: ExitStack) -> None:
    relay = start_relay(PYCHAT_CONNECTIONS="4", **HASTY)
    waiting = [connect(sockets, relay, source=f"127.0.0.{number}") for number in range(2, 6)]
    assert not is_served(sockets, relay)
    for connection in waiting:
        read_to_the_end(connection)
    assert is_served(sockets, relay)
    assert ended(relay, "too_many") == 1
    assert ended(relay, "request_too_slow") == 4


# Proxies.


def forwarded(sockets: ExitStack, relay: Relay, address: str) -> bool:
    """Whether somebody is served who keeps the connection open."""
    connection = connect(sockets, relay)
    with suppress(ConnectionError):
        connection.sendall(f"HEAD / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\r\n".encode())
        return connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    return False


def test_a_trusted_proxy_has_as_many_connections_as_it_needs(start_relay: StartRelay, sockets: ExitStack) -> None:
    relay = start_relay(PYCHAT_TRUSTED_PROXIES="127.0.0.0/30", PYCHAT_CONNECTIONS_PER_ADDRESS="2")
    assert all(forwarded(sockets, relay, "192.0.2.1") for _ in range(10))


def test_somebody_who_only_says_to_be_a_proxy_is_not_believed(start_relay: StartRelay, sockets: ExitStack) -> None:
    relay = start_relay(PYCHAT_TRUSTED_PROXIES="127.0.0.7", PYCHAT_CONNECTIONS_PER_ADDRESS="2")
    assert [forwarded(sockets, relay, f"192.0.2.{number}") for number in range(4)] == [True, True, False, False]


# Answers that are not read.


def ask_for(connection: socket.socket, name: str) -> None:
    connection.sendall(f"GET /{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())


def test_who_reads_nothing_is_given_up_and_who_reads_slowly_is_not(
    start_relay: StartRelay, sockets: ExitStack, large_file: str
) -> None:
    relay = start_relay(PYCHAT_STALL_SECONDS="2")
    idle, slow = connect(sockets, relay, window=WINDOW), connect(sockets, relay, window=WINDOW)
    for connection in (idle, slow):
        ask_for(connection, large_file)
    received, begun = 0, time.monotonic()
    while not ended(relay, "not_reading"):
        if received < SLOW * (time.monotonic() - begun):
            received += len(slow.recv(16384))
    assert received < LARGE
    received += len(read_to_the_end(slow))
    assert received > LARGE
    assert ended(relay, "not_reading") == 1
    assert len(read_to_the_end(idle)) < LARGE


def test_who_reads_none_of_many_small_answers_is_given_up(
    start_relay: StartRelay, sockets: ExitStack, large_file: str
) -> None:
    relay = start_relay(PYCHAT_STALL_SECONDS="1")
    connection = connect(sockets, relay, window=WINDOW)
    connection.setblocking(False)
    request, sent = b"GET /demo.html HTTP/1.1\r\nHost: x\r\n\r\n" * 100, 0
    while not ended(relay, "not_reading"):
        with suppress(BlockingIOError, ConnectionError):
            sent += connection.send(request)


# Handshakes that are none.


@pytest.mark.parametrize(
    ("request_line", "more", "status"),
    [
        (b"GET /relay HTTP/1.1", b"Cookie: " + b"x" * 9000 + b"\r\n", 431),
        (b"GET /relay HTTP/1.1", b"".join(b"A%d: x\r\n" % number for number in range(200)), 431),
        (b"GET /relay?" + b"x" * 9000 + b" HTTP/1.1", b"", 414),
        (b"GET /relay HTTP/1.1", b"Content-Length: 5\r\n", 400),
        (b"GET /relay HTTP/1.1", b"Transfer-Encoding: chunked\r\n", 400),
        (b"POST /relay HTTP/1.1", b"", 405),
        (b"GET /relay HTTP/1.1", b"Sec-WebSocket-Version: 12\r\n", 400),
        (b"GET /elsewhere HTTP/1.1", b"", 403),
        (b"GET /relay HTTP/1.1", b"A: " + b"x" * 300_000 + b"\r\n", 400),
    ],
)
def test_a_handshake_that_is_none_is_answered_and_ended(
    relay: Relay, sockets: ExitStack, request_line: bytes, more: bytes, status: int
) -> None:
    connection = connect(sockets, relay)
    with suppress(ConnectionError):
        connection.sendall(request_line + b"\r\n" + UPGRADE + more + b"\r\n")
    answer = read_to_the_end(connection)
    assert not answer or answer.startswith(b"HTTP/1.1 %d " % status)
    assert "Traceback" not in relay.said()
    assert is_served(sockets, relay)


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nhello" * 3])
def test_nonsense_after_an_answer_is_no_traceback(relay: Relay, sockets: ExitStack, body: bytes) -> None:
    connection = connect(sockets, relay)
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 405 ")
    connection.sendall(body)
    read_to_the_end(connection)
    assert is_served(sockets, relay)
    assert "Traceback" not in relay.said()


# WebSockets.

PING, PONG = b"\x89\x80\0\0\0\0", b"\x8a\x80\0\0\0\0"


async def flood(member: Member, frames: bytes) -> None:
    """Write without end, until the relay ends it."""
    transport = member.connection.transport
    while not transport.is_closing() and member.connection.protocol.close_rcvd is None:
        if transport.get_write_buffer_size() < 1 << 20:
            transport.write(frames)
        await asyncio.sleep(0)


@pytest.mark.parametrize("frame", [PING, PONG])
@pytest.mark.parametrize("joined", [True, False])
async def test_pings_and_pongs_without_end_are_too_fast(
    relay: Relay, members: Members, frame: bytes, joined: bool
) -> None:
    room, refused = new_id(), 'pychat_relay_refusals_total{reason="too_fast"}'
    before = await asyncio.to_thread(relay.metric, refused)
    ann, bob = [await members.join(relay, room) for _ in range(2)]
    eve = await (members.join(relay, room) if joined else members.connect(relay))
    await flood(eve, frame * 10_000)
    await eve.expect_close(4007, "sending too fast")
    await ann.expect_talk_with(bob)
    await until(lambda: relay.metric(refused) == before + 1)


async def test_pings_now_and_then_are_answered(relay: Relay, members: Members) -> None:
    ann = await members.join(relay, new_id())
    for _ in range(100):
        await (await ann.connection.ping())


def test_pings_while_the_relay_closes_end_it(relay: Relay, sockets: ExitStack) -> None:
    eve = connect(sockets, relay)
    eve.sendall(b"GET /relay HTTP/1.1\r\n" + UPGRADE + b"\r\n")
    assert eve.recv(65536).startswith(b"HTTP/1.1 101 ")
    eve.sendall(b"\x81\x88\0\0\0\0nonsense")
    assert eve.recv(4)[2:] == struct.pack("!H", 4000)
    with suppress(ConnectionError):
        while True:
            eve.sendall(PING * 10_000)


def fragments(count: int) -> bytes:
    """A message in so many frames, all but the first and the last empty."""
    first = b"\x01\x81\0\0\0\0["
    return first + b"\0\x80\0\0\0\0" * (count - 2) + b"\x80\x81\0\0\0\0]"


async def test_a_message_in_fragments_counts_for_more_than_one(start_relay: StartRelay, members: Members) -> None:
    relay = start_relay(PYCHAT_RELAY_RATE="1", PYCHAT_RELAY_BURST="10")
    eve = await members.join(relay, new_id())
    eve.connection.transport.write(fragments(200))
    await eve.expect_close(4007)


async def test_a_message_without_end_has_a_size(start_relay: StartRelay, members: Members) -> None:
    eve = await members.join(start_relay(PYCHAT_RELAY_BURST="1000"), new_id())
    piece = b"\0\xfe" + struct.pack("!H", 1000) + bytes(1004)
    eve.connection.transport.write(b"\x01\x80\0\0\0\0" + piece * 100)
    await eve.expect_close(1009)


async def test_what_is_compressed_is_refused(relay: Relay, members: Members) -> None:
    eve = await members.join(relay, new_id(), compression="deflate")
    bomb = bytes(1000)
    eve.connection.transport.write(b"\xc1\xfe" + struct.pack("!H", len(bomb)) + bytes(4) + bomb)
    await eve.expect_close(1002)


async def test_a_frame_that_never_ends_is_given_up_with_the_next_ping(
    start_relay: StartRelay, members: Members
) -> None:
    relay, room = start_relay(PYCHAT_RELAY_PING_SECONDS="1"), new_id()
    ann, eve = [await members.join(relay, room) for _ in range(2)]
    eve.connection.transport.write(b"\x81\xfe" + struct.pack("!H", 60_000) + bytes(4))
    await ann.expect("arrived", eve.id)
    with suppress(ConnectionClosed):
        while not eve.connection.transport.is_closing():
            eve.connection.transport.write(b"x")
            await asyncio.sleep(0.02)
    await ann.expect("left", eve.id)
