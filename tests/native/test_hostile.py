"""Peers that misbehave below the frames, and strangers on the network: a real aiortc that is made to do it.

Whatever one of them does ends its own link at the most, in words, while another link of the same node goes on.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import tracemalloc
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from itertools import count, repeat
from random import Random
from struct import pack
from typing import Any

import pytest
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_ACK,
    DATA_CHANNEL_OPEN,
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_DATA_UNORDERED,
    WEBRTC_BINARY,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    CookieAckChunk,
    CookieEchoChunk,
    DataChunk,
    InitChunk,
    serialize_packet,
    tsn_plus_one,
)

from pychat.core import wire
from pychat.core.codes.invite import decode
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.log import Entry
from pychat.core.webrtc.sdp import MAX_MESSAGE_SIZE
from pychat.ui import strings
from pychat.ui.view import view
from tests.native.people import PATIENCE, STRANGER, Person, Stranger, connect, let_in

pytestmark = pytest.mark.slow

FULL = 1100
"""Bytes of user data in a full packet."""
MANY_BYTES, MANY_PIECES = 3_000_000, 10_000
"""More than anybody needs to keep of what is not complete."""

WHOLE = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG


def in_a_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run it, and fail too when something went wrong that nobody waited for."""
    out_of_sight: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: out_of_sight.append(context))
        await scenario()

    asyncio.run(run())
    gc.collect()
    assert out_of_sight == []


class Evening:
    """Ann talks with Bob, and has let a stranger in."""

    async def __aenter__(self) -> Evening:
        self.ann, self.bob, self.stranger = Person(), Person(), Stranger()
        self.with_bob, self.at_bob = await connect(self.ann, self.bob)
        self.with_stranger = await let_in(self.ann, self.stranger)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ann.leave()
        await self.bob.leave()
        await self.stranger.leave()

    async def goes_on(self) -> None:
        """What Ann and Bob write arrives."""
        for person, link in ((self.ann, self.with_bob), (self.bob, self.at_bob)):
            await person.say(link, "still here")
        for person, link in ((self.ann, self.with_bob), (self.bob, self.at_bob)):
            texts = [message.entry.text for message in person.chat(link).timeline]
            assert texts == ["still here", "still here"]

    async def until_stranger_is_out(self) -> CloseReason | None:
        await self.ann.until(lambda: self.with_stranger.phase is LinkPhase.CLOSED)
        return self.with_stranger.close_reason


# What a stranger does.


Misbehave = Callable[[Evening], Coroutine[Any, Any, None]]


async def send_piece(
    stranger: Stranger, data: bytes, *, flags: int, stream: int = 0, protocol: int = WEBRTC_STRING
) -> None:
    """Send one DATA chunk at once, whatever window and order say; nothing of it is kept here."""
    sctp = stranger.sctp
    chunk = DataChunk(flags)
    chunk.tsn = sctp._local_tsn
    chunk.stream_id, chunk.protocol, chunk.user_data = stream, protocol, data
    chunk.stream_seq = sctp._outbound_stream_seq.get(stream, 0)
    sctp._local_tsn = tsn_plus_one(chunk.tsn)
    await sctp._send_chunk(chunk)
    await asyncio.sleep(0)  # let the other side take it


async def go_on(
    evening: Evening, data: bytes, *, flags: int = 0, streams: Iterator[int] = repeat(0), protocol: int = WEBRTC_STRING
) -> None:
    """Send the same piece on and on; fails when the other side takes more of it than it should."""
    pieces = 0
    for stream in streams:
        if evening.with_stranger.phase is LinkPhase.CLOSED:
            return
        if pieces > MANY_PIECES or pieces * len(data) > MANY_BYTES:
            break
        await send_piece(evening.stranger, data, flags=flags, stream=stream, protocol=protocol)
        pieces += 1
    pytest.fail(f"{pieces} pieces of {len(data)} bytes were taken")


async def send_text_that_is_none(evening: Evening) -> None:
    await evening.stranger.sctp._send(0, WEBRTC_STRING, b'["entries\xff"]')


async def send_bytes(evening: Evening) -> None:
    await evening.stranger.sctp._send(0, WEBRTC_BINARY, b'["bye"]')


async def open_the_channel_once_more(evening: Evening) -> None:
    await evening.stranger.sctp._send(0, WEBRTC_DCEP, pack("!BBHLHH", DATA_CHANNEL_OPEN, 0, 0, 0, 0, 0))


async def open_a_channel_whose_name_is_no_text(evening: Evening) -> None:
    await evening.stranger.sctp._send(7, WEBRTC_DCEP, pack("!BBHLHH", DATA_CHANNEL_OPEN, 0, 0, 0, 1, 0) + b"\xff")


async def acknowledge_a_channel_that_is_none(evening: Evening) -> None:
    await evening.stranger.sctp._send(7, WEBRTC_DCEP, pack("!B", DATA_CHANNEL_ACK))


async def begin_anew_in_the_midst_of_a_packet(evening: Evening) -> None:
    sctp = evening.stranger.sctp
    assert sctp._remote_port is not None
    await sctp.transport._send_data(serialize_packet(sctp._local_port, sctp._remote_port, 0, _TwoInits()))


class _TwoInits(InitChunk):
    """Two INIT chunks where only one may be."""

    def __bytes__(self) -> bytes:
        return super().__bytes__() * 2


async def send_a_large_message(evening: Evening) -> None:
    await evening.stranger.sctp._send(0, WEBRTC_STRING, b'["' + bytes(600_000) + b'"]')


async def send_a_huge_message(evening: Evening) -> None:
    await evening.stranger.sctp._send(0, WEBRTC_STRING, b'["' + bytes(8_000_000) + b'"]')


async def send_a_message_without_end(evening: Evening) -> None:
    await send_piece(evening.stranger, b"[", flags=SCTP_DATA_FIRST_FRAG)
    await go_on(evening, b" " * FULL)


async def send_a_message_without_end_in_single_bytes(evening: Evening) -> None:
    await send_piece(evening.stranger, b"[", flags=SCTP_DATA_FIRST_FRAG)
    await go_on(evening, b" ")


async def send_a_message_without_end_in_empty_pieces(evening: Evening) -> None:
    await send_piece(evening.stranger, b"[", flags=SCTP_DATA_FIRST_FRAG)
    await go_on(evening, b"")


async def send_messages_after_one_that_never_comes(evening: Evening) -> None:
    """They need not wait for it, for they have no order; but that they have come must be remembered."""
    sctp = evening.stranger.sctp
    sctp._local_tsn = tsn_plus_one(sctp._local_tsn)
    await go_on(evening, b'["x"]', flags=WHOLE | SCTP_DATA_UNORDERED)


async def begin_messages_on_all_streams(evening: Evening) -> None:
    await go_on(evening, b"[", flags=SCTP_DATA_FIRST_FRAG, streams=iter(range(1000)))


async def open_channels_without_end(evening: Evening) -> None:
    async def pass_over(*_: object) -> None:
        """What answers come."""

    opening = pack("!BBHLHH", DATA_CHANNEL_OPEN, 0, 0, 0, 0, 0)
    evening.stranger.sctp._data_channel_receive = pass_over  # type: ignore[assignment, method-assign]
    await go_on(evening, opening, flags=WHOLE, streams=iter(range(1, 1000)), protocol=WEBRTC_DCEP)


async def abort(evening: Evening) -> None:
    await evening.stranger.sctp._abort()


async def close_dtls_without_a_word(evening: Evening) -> None:
    await evening.stranger.sctp.transport.stop()


QUICK: dict[Misbehave, CloseReason] = {
    send_text_that_is_none: CloseReason.CHANNEL_CLOSED,
    send_bytes: CloseReason.BROKE_PROTOCOL,
    open_the_channel_once_more: CloseReason.CHANNEL_CLOSED,
    open_a_channel_whose_name_is_no_text: CloseReason.CHANNEL_CLOSED,
    acknowledge_a_channel_that_is_none: CloseReason.CHANNEL_CLOSED,
    begin_anew_in_the_midst_of_a_packet: CloseReason.CHANNEL_CLOSED,
    send_a_large_message: CloseReason.BROKE_PROTOCOL,
    send_a_huge_message: CloseReason.CHANNEL_CLOSED,
    send_a_message_without_end: CloseReason.CHANNEL_CLOSED,
    begin_messages_on_all_streams: CloseReason.CHANNEL_CLOSED,
    open_channels_without_end: CloseReason.CHANNEL_CLOSED,
    abort: CloseReason.CHANNEL_CLOSED,
    close_dtls_without_a_word: CloseReason.CHANNEL_CLOSED,
}
SLOW: dict[Misbehave, CloseReason] = {
    send_a_message_without_end_in_single_bytes: CloseReason.CHANNEL_CLOSED,
    send_a_message_without_end_in_empty_pieces: CloseReason.CHANNEL_CLOSED,
    send_messages_after_one_that_never_comes: CloseReason.CHANNEL_CLOSED,
}
CASES = [pytest.param(*case, id=case[0].__name__) for case in QUICK.items()] + [
    pytest.param(*case, id=case[0].__name__, marks=pytest.mark.slow) for case in SLOW.items()
]


@pytest.mark.parametrize(("misbehave", "ending"), CASES)
def test_misbehaving_ends_the_link_in_words_and_no_other(misbehave: Misbehave, ending: CloseReason) -> None:
    async def scenario() -> None:
        async with Evening() as evening:
            async with asyncio.timeout(PATIENCE):
                await misbehave(evening)
            assert await evening.until_stranger_is_out() is ending
            shown = view(evening.ann.node, evening.with_stranger.chat)
            assert (shown.state, shown.headline, shown.sentence) == ("closed", *strings.ENDINGS[ending])
            await evening.goes_on()

    in_a_loop(scenario)


@pytest.mark.slow
def test_a_message_without_end_takes_no_memory_without_end() -> None:
    async def scenario() -> None:
        async with Evening() as evening:
            tracemalloc.start()
            try:
                await send_a_message_without_end(evening)
                await evening.until_stranger_is_out()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < MANY_BYTES

    in_a_loop(scenario)


# What is no misbehaviour.


async def until_heard(ann: Person, link: Link, stranger: Stranger) -> None:
    """Let the stranger say one thing more, and wait for it: all that was sent before has come then."""
    stranger.say(wire.encode(wire.Entries(STRANGER, 1, [Entry(0, "done")])))
    await ann.until(lambda: link.phase is LinkPhase.CLOSED or len(ann.chat(link).timeline) > 0)
    assert link.close_reason is None, (link.close_reason, link.detail)


@pytest.mark.parametrize(
    ("frame", "times"),
    [
        pytest.param('["flood","' + "x" * (MAX_MESSAGE_SIZE - 12) + '"]', 100, id="large"),
        pytest.param('["flood"]', 2000, id="small"),
    ],
)
def test_an_honest_flood_ends_nothing(frame: str, times: int) -> None:
    async def scenario() -> None:
        async with Evening() as evening:
            for _ in range(times):
                evening.stranger.say(frame)
            await until_heard(evening.ann, evening.with_stranger, evening.stranger)
            await evening.goes_on()

    assert len(frame) <= MAX_MESSAGE_SIZE
    in_a_loop(scenario)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frame", "times"),
    [
        pytest.param('["flood","' + "x" * 50_000 + '"]', 20, id="large"),
        pytest.param('["flood"]', 2000, id="small"),
    ],
)
def test_an_honest_flood_over_a_bad_network_ends_nothing(frame: str, times: int) -> None:
    async def scenario() -> None:
        async with Evening() as evening:
            lose(evening.stranger, lambda chunk, number: isinstance(chunk, DataChunk) and number % 50 == 0)
            for _ in range(times):
                evening.stranger.say(frame)
            await until_heard(evening.ann, evening.with_stranger, evening.stranger)

    in_a_loop(scenario)


def lose(stranger: Stranger, is_lost: Callable[[Any, int], bool]) -> None:
    """Let the network lose some of what the stranger sends."""
    send, numbers = stranger.sctp._send_chunk, count()

    async def send_if_lucky(chunk: Any) -> None:
        if not is_lost(chunk, next(numbers)):
            await send(chunk)

    stranger.sctp._send_chunk = send_if_lucky  # type: ignore[method-assign]


@pytest.mark.slow
def test_a_greeting_that_overtakes_the_end_of_the_association_waits_for_it() -> None:
    """One lost packet, and the channel is open at one end only: what comes from there is not heard too early."""

    async def scenario() -> None:
        ann, stranger = Person(), Stranger()
        lost: list[object] = []

        def is_lost(chunk: Any, _: int) -> bool:
            if isinstance(chunk, CookieAckChunk) and not lost:
                lost.append(chunk)
                return True
            return isinstance(chunk, InitChunk | CookieEchoChunk)  # so that Ann begins the association

        lose(stranger, is_lost)
        link = await let_in(ann, stranger, hastily=True)
        assert lost
        await until_heard(ann, link, stranger)
        await ann.leave()
        await stranger.leave()

    in_a_loop(scenario)


# Strangers on the network, who know an address and no key.


def datagrams(random: Random) -> Iterator[bytes]:
    yield b""
    for first in range(256):  # what it begins with says whether it is STUN, DTLS or SRTP (RFC 7983)
        for size in (0, 1, 2, 11, 12, 100):
            yield bytes([first]) + random.randbytes(size)
    yield b""


def test_what_others_send_to_an_open_link_is_passed_over() -> None:
    async def scenario() -> None:
        async with Evening() as evening:
            candidates = decode(evening.with_stranger.code).description.candidates
            for candidate in candidates:
                family = socket.AF_INET6 if ":" in candidate.address else socket.AF_INET
                with socket.socket(family, socket.SOCK_DGRAM) as anybody:
                    for datagram in datagrams(Random(1)):
                        anybody.sendto(datagram, (candidate.address, candidate.port))
                        await asyncio.sleep(0)
            await until_heard(evening.ann, evening.with_stranger, evening.stranger)
            await evening.goes_on()

    in_a_loop(scenario)
