"""The protocol between a client and the relay, for both ends: what each may say, and why a connection ends.

Each message is one text: the number of a channel, a blank, and a JSON array whose first item names its kind. A channel
is one member of one room; a connection has several of them. docs/reference/relay.md describes them.
"""

import json
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from pychat.core import json_array
from pychat.core.errors import RemoteError

SUBPROTOCOL = "pychat.relay.1"
MAX_MESSAGE = 65_536
"""Bytes of a message at most, as UTF-8: what a client reads, and what a relay takes unless it is told otherwise."""
ALL = 0
"""The channel on which the relay speaks to all of a connection; those of a client have numbers from 1 on."""
MAX_CHANNELS = 64
"""Rooms that one connection is in at once, at most."""
MAX_RETURN = 3600
"""Seconds after which a relay may ask a client to come back."""

_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_quoted = json.encoder.encode_basestring_ascii


class CloseCode(IntEnum):
    """Why the relay closes a connection: the close code of RFC 6455, section 7.4, and the reason that goes with it.

    Of MEMBER_TAKEN, ROOM_FULL and TOO_MANY_ROOMS only a channel ends, and of TOO_SLOW first one channel.
    """

    reason: str

    def __new__(cls, code: int, reason: str) -> Self:
        """Make a code that has its reason with it."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = reason
        return member

    MALFORMED = 4000, "malformed message"
    NOT_JOINED = 4001, "not joined in time"
    MEMBER_TAKEN = 4002, "member id is in the room already"
    ROOM_FULL = 4003, "room is full"
    TOO_MANY_ROOMS = 4004, "too many rooms from this address"
    TOO_MANY_FROM_ADDRESS = 4005, "too many connections from this address"
    TOO_MANY = 4006, "too many connections"
    TOO_FAST = 4007, "sending too fast"
    IDLE = 4008, "idle too long"
    TOO_SLOW = 4009, "reading too slowly"
    TOO_LARGE = 1009, "message is too large"
    CLOSING = 1012, "server is shutting down"


@dataclass(frozen=True, slots=True)
class Join:
    """A client comes into a room; the first message of a channel, and only that."""

    room: str
    member: str


@dataclass(frozen=True, slots=True)
class To:
    """What the relay is to pass on to a member."""

    member: str
    data: str


@dataclass(frozen=True, slots=True)
class Joined:
    """The client is in the room, where these are already, the oldest first."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody else has joined the room, under this name."""

    member: str


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody is no longer in the room."""

    member: str


@dataclass(frozen=True, slots=True)
class From:
    """What a member has sent."""

    member: str
    data: str


@dataclass(frozen=True, slots=True)
class Return:
    """The relay is about to close: come back after so many seconds, and a random part of as many again."""

    seconds: float


ClientMessage = Join | To
RelayMessage = Joined | Arrived | Left | From | Return


def on_channel(channel: int, text: str) -> str:
    """What is said on a channel: a message, a close code of the relay, or "" when a client leaves it."""
    return f"{channel} {text}"


def split(text: str) -> tuple[int, str] | None:
    """The channel, and what is said on it; None where there is none."""
    number, blank, rest = text.partition(" ")
    is_number = 0 < len(number) < 10 and number.isascii() and number.isdigit()
    return (int(number), rest) if is_number and blank else None


def encode(message: ClientMessage | RelayMessage) -> str:
    """Write a message, in ASCII: its characters are its bytes."""
    match message:  # what is said most comes first
        case From(member, data):
            return f'["from",{_quoted(member)},{_quoted(data)}]'
        case To(member, data):
            return f'["to",{_quoted(member)},{_quoted(data)}]'
        case Join(room, member):
            return f'["join",{_quoted(room)},{_quoted(member)}]'
        case Joined(members):
            return f'["joined",[{",".join(map(_quoted, members))}]]'
        case Arrived(member):
            return f'["arrived",{_quoted(member)}]'
        case Left(member):
            return f'["left",{_quoted(member)}]'
        case Return(seconds):
            return f'["return",{seconds}]'


def decode_from_client(text: str) -> ClientMessage | None:
    """Read a message of a client; None for whatever it may not say.

    The relay is run by CPython, whose JSON reader does no harm when nesting is deep, and limits the size itself.
    """
    try:
        match json.loads(text):
            case ["to", str(member), str(data)] if _ID.fullmatch(member):
                return To(member, data)
            case ["join", str(room), str(member)] if _ID.fullmatch(room) and _ID.fullmatch(member):
                return Join(room, member)
    except (ValueError, RecursionError):
        pass
    return None


def decode_from_relay(text: str) -> RelayMessage | None:
    """Read a message of the relay; None for whatever it should not have said, which is nobody's harm but its own."""
    if json_array.is_larger(text, MAX_MESSAGE):
        return None
    try:
        match json_array.read(text):
            case ["from", str(member), str(data)]:
                return From(member, data)
            case ["joined", [*members]] if all(isinstance(member, str) for member in members):
                return Joined(tuple(members))
            case ["arrived", str(member)]:
                return Arrived(member)
            case ["left", str(member)]:
                return Left(member)
            case ["return", int() | float() as seconds] if 0 <= seconds <= MAX_RETURN:
                return Return(float(seconds))
    except RemoteError:
        pass
    return None
