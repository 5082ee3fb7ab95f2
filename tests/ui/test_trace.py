"""Each event and each effect is a line, in which nothing stands that anybody wrote, or that has to stay secret."""

from __future__ import annotations

import base64
import types
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from pychat.core import effects, events, wire
from pychat.core.identity.contacts import Namesake
from pychat.core.log import Entry
from pychat.core.relay import protocol as relay_protocol
from pychat.core.webrtc.ice import IceConfig, IceServer
from pychat.core.webrtc.stats import Stats
from pychat.ui.trace import MOST_CHATS, RELAY_KINDS, Item, Trace
from tests.core import samples

AT = 1_700_000_000.25
TIME = "2023-11-14T22:13:20.250Z"
TEXT = "marker#Ünseen\n"
BYTES = b"marker\x00\xff bytes \x9a\xbc"
NUMBER = 987_654_321
KEY = b"k" * 32

CLASSES = [*get_args(events.Event), *get_args(effects.Effect)]


def line(item: Item) -> str:
    return Trace(print, lambda: AT).line(item, AT)


def values_of(hint: Any) -> Sequence[Any]:
    """Values of a type, with a marker in each text and in all bytes. Fails for a type that nobody has thought of."""
    if hint is str:
        return [TEXT]
    if hint is bytes:
        return [BYTES]
    if hint is int:
        return [NUMBER]
    if hint is float:
        return [0.25]
    if hint is bool:
        return [True, False]
    if hint is type(None):
        return [None]
    if get_origin(hint) in (Union, types.UnionType):
        return [value for part in get_args(hint) for value in values_of(part)]
    if get_origin(hint) is tuple:
        item, _ = get_args(hint)
        return [(), *((value,) for value in values_of(item))]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)
    if hint is Namesake or is_dataclass(hint):
        return all_of(hint)
    raise AssertionError(f"a field of the type {hint}: is a line without what is in it?")


def all_of(cls: Any) -> Sequence[Any]:
    """Objects of a class, with everything that its fields may hold."""
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)] if is_dataclass(cls) else list(hints)
    choices = [values_of(hints[name]) for name in names]
    longest = max(map(len, choices), default=0)
    # Each value of each field once, and not each with each other.
    rows = [[values[number % len(values)] for values in choices] for number in range(longest)] or [[]]
    return [cls(*row) for row in rows]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_no_text_and_no_bytes_are_in_the_line_of_anything(cls: Any) -> None:
    for item in all_of(cls):
        shown = line(item)
        kind = "effect" if cls in get_args(effects.Effect) else "event "
        assert shown.startswith(f"{TIME} {kind} {cls.__name__}")
        assert shown.isascii()
        assert shown.isprintable()
        assert "left out" not in shown  # then all types of fields are known
        forms = ["marker", BYTES.hex(), BYTES.hex()[:12], base64.b64encode(BYTES).decode()[:12], str(list(BYTES))[:12]]
        for form in forms:
            assert form.lower() not in shown.lower()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_field_is_in_the_line(cls: Any) -> None:
    for item in all_of(cls):
        for field in fields(cls):
            assert f" {field.name}=" in line(item)


def test_of_what_nobody_knows_to_be_harmless_there_is_the_size() -> None:
    @dataclass
    class Vault:
        digits: int
        texts: list[str]
        table: dict[str, str]
        other: object
        share: float

    @dataclass
    class New:
        pin: int
        vault: Vault
        link: str
        session: bytes

    new: Any = New(1234, Vault(1234, ["1234"], {"1234": ""}, 1234j, 12.34), "1234", b"1234")
    shown = line(new)
    assert "34" not in shown.removeprefix(TIME)
    assert shown.endswith(
        "New pin=<left out> vault=(digits=<left out> texts=<1 items> table=<1 items> other=<left out> "
        "share=<left out>) link=<4 chars> session=<4 bytes>"
    )


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (events.ChannelOpened(3), "event  ChannelOpened link=3"),
        (events.IceStateChanged(3, events.IceState.CHECKING), "event  IceStateChanged link=3 state=checking"),
        (events.RelayClosed(2, 4003), "event  RelayClosed session=2 code=4003"),
        (
            events.OperationFailed(3, events.Operation.REPLY, "no"),
            "event  OperationFailed link=3 operation=reply detail=<2 chars>",
        ),
        (events.Unsealed(2, 7, None), "event  Unsealed session=2 ticket=7 data=none"),
        (
            events.CandidateFound(3, samples.HOST),
            f"event  CandidateFound link=3 candidate=<host, {len(samples.HOST)} chars>",
        ),
        (
            events.CandidateFound(3, "candidate:1 1 udp 1 10.0.0.1 1 typ marker"),
            "event  CandidateFound link=3 candidate=<unknown, 41 chars>",
        ),
        (
            effects.OpenConnection(3, IceConfig((IceServer("turn:a", "b", "c"),), True)),
            "effect OpenConnection link=3 ice=(servers=<1 items> relay_only=yes)",
        ),
        (
            effects.Verify(3, KEY, KEY + KEY, b"d"),
            "effect Verify link=3 key=<32 bytes> signature=<64 bytes> data=<1 bytes>",
        ),
        (
            events.StatsRead(3, Stats("host", "10.0.0.1", "marker", "10.0.0.2", 0.25, 10, 20)),
            "event  StatsRead link=3 stats=(local_kind=host local_address=<8 chars> remote_kind=<6 chars> "
            "remote_address=<8 chars> round_trip=0.25 bytes_sent=10 bytes_received=20)",
        ),
    ],
)
def test_what_is_harmless_is_shown(item: Item, shown: str) -> None:
    assert line(item) == f"{TIME} {shown}"


FRAMES: list[wire.OwnFrame] = [
    wire.Hello((1,), (KEY,)),
    wire.Reveal(KEY, KEY, KEY + KEY),
    wire.Proof(KEY + KEY),
    wire.Introduce("peer-peer-peer-peer", TEXT),
    wire.Entries("peer-peer-peer-peer", 1, [Entry(1, TEXT)]),
    wire.Have({"peer-peer-peer-peer": 2}),
    wire.Room(1, b"s" * 20),
    wire.Rendezvous(b"s" * 20, False, "wss://chat.example/relay"),
    wire.Presence("typing"),
    wire.Read({"peer-peer-peer-peer": 2}),
    wire.Mismatch(),
    wire.Bye(),
    wire.Elsewhere(),
]


def test_of_a_frame_its_kind_and_its_size_are_shown() -> None:
    assert {type(frame) for frame in FRAMES} == set(get_args(wire.OwnFrame))
    kinds = set()
    for frame in FRAMES:
        data = wire.encode(frame)
        kind = type(frame).__name__.lower()
        kinds.add(kind)
        assert line(effects.SendFrame(3, data)).endswith(f" link=3 data=<{kind}, {len(data)} chars>")
        assert line(events.FrameReceived(3, data)).endswith(f" link=3 data=<{kind}, {len(data)} chars>")
    assert kinds == wire.KINDS


def test_of_what_the_relay_says_and_is_told_too() -> None:
    messages: list[relay_protocol.ClientMessage | relay_protocol.RelayMessage] = [
        relay_protocol.Join(TEXT, TEXT),
        relay_protocol.To(TEXT, TEXT),
        relay_protocol.Joined((TEXT,)),
        relay_protocol.Arrived(TEXT),
        relay_protocol.Left(TEXT),
        relay_protocol.From(TEXT, TEXT),
        relay_protocol.Return(3.0),
    ]
    assert {type(message).__name__.lower() for message in messages} == RELAY_KINDS
    known = (*get_args(relay_protocol.ClientMessage), *get_args(relay_protocol.RelayMessage))
    assert {type(message) for message in messages} == set(known)
    for message in messages:
        text, kind = relay_protocol.encode(message), type(message).__name__.lower()
        assert line(events.RelayHeard(2, text)).endswith(f" session=2 text=<{kind}, {len(text)} chars>")
        assert line(effects.SendToRelay(2, text)).endswith(f" session=2 text=<{kind}, {len(text)} chars>")


@pytest.mark.parametrize(
    "data",
    [
        "", "hello", "[]", "[1]", '["marker"]', '["hello marker"]', '["Hello"]', '{"hello":1}', '["hello',
        '[["hello"]]', '["joined"]', '["\\u0068ello"]', '["hello\\u0020"]', "[" * 60_000,
        '["' + "a" * 60_000, " " * 60_000, "\ud800",
    ],
)  # fmt: skip
def test_whatever_a_peer_sends_it_is_no_word_of_theirs(data: str) -> None:
    assert (
        line(events.FrameReceived(3, data)) == f"{TIME} event  FrameReceived link=3 data=<unknown, {len(data)} chars>"
    )


def test_a_conversation_is_a_number_for_its_name_follows_from_keys() -> None:
    trace = Trace(print, lambda: AT)
    shown = [trace.line(events.LeaveConversation(name), AT) for name in ("one", "two", "one")]
    assert [line.rpartition(" ")[2] for line in shown] == ["conversation=1", "conversation=2", "conversation=1"]


def test_a_bot_that_runs_for_years_does_not_grow_by_it() -> None:
    trace = Trace(print, lambda: AT)
    for number in range(MOST_CHATS + 1):
        trace.line(events.LeaveConversation(f"{number}"), AT)
        trace.line(events.LeaveConversation("0"), AT)
    assert trace.line(events.LeaveConversation("0"), AT).endswith("=1")
    assert trace.line(events.LeaveConversation("1"), AT).endswith(f"={MOST_CHATS + 2}")
    assert len(trace._chats) == MOST_CHATS


def test_what_cannot_be_written_ends_the_trace_and_nothing_else() -> None:
    tries: list[str] = []
    errors: list[Exception] = []

    def write(line: str) -> None:
        tries.append(line)
        raise OSError("full")

    trace = Trace(write, lambda: AT, errors.append)
    for _ in range(3):
        trace(events.ChannelOpened(1))
    assert tries == [f"{TIME} event  ChannelOpened link=1"]
    assert [str(error) for error in errors] == ["full"]
