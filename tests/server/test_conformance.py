"""What RFC 6455 asks of a server, frame by frame: what is allowed comes back, what is not ends with the right code.

The kinds of cases are those of the Autobahn test suite, which cannot run here (its results: docs/reference/relay.md).
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from pychat.server.config import RelayConfig
from pychat.server.ws_protocol import MOST_FRAGMENTS

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30  # far more than anything here takes
PROTOCOL_ERROR, NO_UTF_8, TOO_LARGE = 1002, 1007, 1009
TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
CLOSE, PING, PONG = Opcode.CLOSE, Opcode.PING, Opcode.PONG
LIMIT = RelayConfig().message_bytes


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=mask)


def raw(first: int, data: bytes = b"") -> bytes:
    """A frame with a first byte that may be anything, and a mask of zeros."""
    size = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack("!BH", 0x80 | 126, len(data))
    return bytes([first]) + size + bytes(4) + data


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


class Peer:
    """A client that sends any bytes, and answers nothing."""

    def __init__(self, port: int) -> None:
        self._protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/"))
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._events: list[object] = []
        self._protocol.send_request(self._protocol.connect())
        self.send(*self._protocol.data_to_send())
        response = self._next()
        assert isinstance(response, Response)
        assert response.status_code == 101

    def send(self, *data: bytes) -> None:
        self.socket.sendall(b"".join(data))

    def hear(self) -> Frame | None:
        """The next frame; None when the server has ended its side."""
        event = self._next()
        assert event is None or isinstance(event, Frame)
        return event

    def expect(self, opcode: Opcode, data: bytes) -> None:
        heard = self.hear()
        assert heard
        assert (heard.opcode, bytes(heard.data)) == (opcode, data)

    def expect_close(self, code: int | None) -> None:
        """A close frame with this code, or without any, and then the end."""
        heard = self.hear()
        assert heard
        assert heard.opcode is CLOSE
        assert (Close.parse(heard.data).code if heard.data else None) == code
        assert self.hear() is None

    def _next(self) -> object:
        while not self._events:
            data = self.socket.recv(65536)
            if not data:
                return None
            self._protocol.receive_data(data)
            self._events += self._protocol.events_received()
        return self._events.pop(0)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    command = [sys.executable, "-m", "tests.server.echo"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.kill()
        _, said = process.communicate()
    assert said == ""  # whatever its peers do


@pytest.fixture
def peer(port: int) -> Iterator[Peer]:
    peer = Peer(port)
    with peer.socket:
        yield peer


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 125, 126, 127, 65_535, LIMIT])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_of_any_size_up_to_the_limit_comes_back(peer: Peer, opcode: Opcode, size: int) -> None:
    peer.send(frame(opcode, b"x" * size))
    peer.expect(opcode, b"x" * size)


def test_a_message_that_arrives_byte_by_byte_comes_back(peer: Peer) -> None:
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in frame(TEXT, b"slow as that may be"):
        peer.send(bytes([byte]))
    peer.expect(TEXT, b"slow as that may be")


def test_a_fragmented_message_is_put_together_also_with_pings_between(peer: Peer) -> None:
    peer.send(frame(TEXT, b"one ", fin=False), frame(PING, b"1"), frame(CONT, b"two ", fin=False), frame(PING, b"2"))
    peer.expect(PONG, b"1")
    peer.expect(PONG, b"2")
    peer.send(frame(CONT, b"", fin=False), frame(PONG, b"unasked"), frame(CONT, b"three"))
    peer.expect(TEXT, b"one two three")


def test_a_character_may_be_cut_in_two_by_fragments(peer: Peer) -> None:
    first, last = "☃".encode()[:1], "☃".encode()[1:]
    peer.send(frame(TEXT, first, fin=False), frame(CONT, last))
    peer.expect(TEXT, "☃".encode())


@pytest.mark.parametrize("size", [0, 125])
def test_a_ping_comes_back_as_a_pong(peer: Peer, size: int) -> None:
    peer.send(frame(PING, b"p" * size))
    peer.expect(PONG, b"p" * size)


def test_a_flood_of_pings_is_answered_in_order(peer: Peer) -> None:
    peer.send(*(frame(PING, str(number).encode()) for number in range(1000)))
    for number in range(1000):
        peer.expect(PONG, str(number).encode())
    peer.send(frame(TEXT, b"still there"))
    peer.expect(TEXT, b"still there")


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
def test_a_close_comes_back_with_its_code(peer: Peer, code: int) -> None:
    peer.send(closing(code, "Grüße".encode()))
    peer.expect_close(code)


def test_a_close_without_a_code_comes_back_without_one(peer: Peer) -> None:
    peer.send(frame(CLOSE))
    peer.expect_close(None)


def test_what_follows_a_close_is_passed_over(peer: Peer) -> None:
    peer.send(closing(1000), frame(TEXT, b"late"), frame(PING, b"late"))
    peer.expect_close(1000)


def test_a_peer_that_ends_its_side_without_a_close_is_let_go(peer: Peer) -> None:
    peer.send(frame(TEXT, b"last words"))
    peer.expect(TEXT, b"last words")
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.hear() is None


@pytest.mark.parametrize(
    "bad",
    [
        *(pytest.param(raw(0x81 | bit, b"x"), id=f"reserved bit {bit:#x}") for bit in (0x40, 0x20, 0x10)),
        *(pytest.param(raw(0x80 | opcode), id=f"opcode {opcode}") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        *(pytest.param(raw(0x80 | opcode, b"x" * 126), id=f"long {opcode.name}") for opcode in (PING, PONG, CLOSE)),
        *(pytest.param(raw(opcode), id=f"fragmented {opcode.name}") for opcode in (PING, PONG, CLOSE)),
        pytest.param(frame(TEXT, b"x", mask=False), id="no mask"),
        pytest.param(frame(CONT, b"x"), id="nothing to continue"),
        pytest.param(frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"), id="a message within a message"),
        pytest.param(frame(CLOSE, b"\x03"), id="half a close code"),
        *(
            pytest.param(closing(code), id=f"close {code}")
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000)
        ),
    ],
)
def test_what_breaks_the_protocol_ends_with_1002(peer: Peer, bad: bytes) -> None:
    peer.send(frame(TEXT, b"before"))
    peer.expect(TEXT, b"before")
    peer.send(bad)
    peer.expect_close(PROTOCOL_ERROR)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"\xff", id="no such byte"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xc0\xaf", id="longer than it need be"),
        pytest.param(b"\xf4\x90\x80\x80", id="beyond Unicode"),
        pytest.param(b"caf\xc3", id="cut off"),
    ],
)
def test_what_is_not_utf_8_ends_with_1007(port: int, bad: bytes) -> None:
    for sent in (
        frame(TEXT, bad),
        frame(TEXT, b"good ", fin=False) + frame(CONT, bad),
        closing(1000, bad),
    ):
        peer = Peer(port)
        with peer.socket:
            peer.send(sent)
            peer.expect_close(NO_UTF_8)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(frame(BINARY, b"x" * (LIMIT + 1)), id="one frame"),
        pytest.param(frame(BINARY, b"x" * LIMIT, fin=False) + frame(CONT, b"x"), id="fragments"),
        pytest.param(
            frame(BINARY, b"x", fin=False) + frame(CONT, fin=False) * MOST_FRAGMENTS, id="countless empty fragments"
        ),
        pytest.param(bytes([0x82, 0x80 | 127]) + struct.pack("!Q", 1 << 62) + bytes(4), id="announced only"),
    ],
)
def test_a_message_that_is_too_large_ends_with_1009(peer: Peer, bad: bytes) -> None:
    peer.send(bad)
    peer.expect_close(TOO_LARGE)
