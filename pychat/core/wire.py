"""What crosses the wire: frames of protocol version 1, their limits, and their strict decoding.

A frame is one text message of the data channel “chat”: a JSON array whose first item names its kind.

    ["hello", [1], part, …]                      versions spoken, and the beginning of the handshake
    ["reveal", key, nonce, signature]            the inviter's part of the handshake
    ["proof", signature]                         the replier's
    ["introduce", log, name]                     under which author the sender writes, and how they call themselves
    ["have", {author: count, …}]                 how far each log has been read: at first, and as acknowledgement
    ["entries", author, first, [[at, text], …]]  entries of one log, numbered from `first`; [at, text, order] where the
                                                 rank is above the time; [at, text, order, [kind, author, number]]
                                                 where one says something about another one (`content`)
    ["room", renewals, secret]                   the room in which the two met has another secret by now
    ["rendezvous", secret, agreed, relay]        by which secret, and at which relay, the sender can be found again
    ["presence", state]                          what the sender's person does: “typing”, “away”, or “”
    ["read", {author: count, …}]                 how far the sender's person has seen logs of the receiver's
    ["mismatch"]                                 the sender's person has compared, and saw something else
    ["bye"]                                      the sender leaves on purpose

The handshake (`handshake.py`) comes first. Then each side introduces itself, and says what it has once the peer has
done so. Entries go out once the peer has said what it has.

Keys, nonces, commitments and signatures are base64url without padding (RFC 4648, section 5), in its one writing.

A frame of an unknown kind is ignored, so that later versions can add some; a known one that is not exactly as
above is the peer's mistake.
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pychat.core import content, json_array
from pychat.core.errors import RemoteError
from pychat.core.ids import AuthorId
from pychat.core.log import MAX_RANK, MAX_TEXT, Entry, StateVector, make_entry

VERSIONS = (1,)
MAX_FRAME = 65_536
"""Bytes of a frame at most, as UTF-8 (what every peer's data channel takes)."""
MAX_AUTHORS = 64
"""Authors in one state vector at most."""
MAX_NUMBER = 2**53 - 1
"""Every integer is one that a JavaScript number can hold."""
MAX_TIME = 2**47 - 1
"""Milliseconds since 1970 at most: a moment in the year 6429, which every calendar can still write."""

MAX_RELAY = 512
"""Characters of the address of a relay at most; it is ASCII."""
SECRET_SIZE = 20
"""Bytes of a room's secret."""
MAX_NAME = 64
"""Unicode code points of a name that somebody gives themselves."""

_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,128}")
_AUTHOR = re.compile(r"[A-Za-z0-9_-]{16,64}")
_RELAY = re.compile(r"wss?://[!-~]+")
_STATE = re.compile(r"[a-z]{0,16}")
_ONE_ENTRY = re.compile(
    r'\["entries","([A-Za-z0-9_-]{16,64})",([1-9][0-9]{0,14}),\[\[(0|[1-9][0-9]{0,13}),'
    rf'"([^"\\\x00-\x1f]{{1,{MAX_TEXT}}})"\]\]\]'
)
_quoted = json.encoder.encode_basestring


@dataclass(frozen=True, slots=True)
class Hello:
    """The greeting. Its `parts`, of 32 bytes each, are not read when the peer speaks no version of ours."""

    versions: tuple[int, ...]
    parts: tuple[bytes, ...] = ()

    @property
    def understood(self) -> bool:
        """Whether there is a version that both sides speak."""
        return not set(self.versions).isdisjoint(VERSIONS)


@dataclass(frozen=True, slots=True)
class Reveal:
    """What the inviter has committed to: its key (32 bytes), its nonce (32) and its signature (64)."""

    key: bytes
    nonce: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """The signature of the replier, 64 bytes."""

    signature: bytes


@dataclass(frozen=True, slots=True)
class Introduce:
    """Under which author the sender writes, and how they call themselves: an introduction."""

    log: AuthorId
    name: str


@dataclass(slots=True)  # a frozen one takes four times as long to make, and most frames are these
class Entries:
    """Entries of one log, which follow each other and are numbered from `first`."""

    author: AuthorId
    first: int
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Have:
    """How far logs have been read: at first, and as an acknowledgement."""

    have: StateVector


@dataclass(frozen=True, slots=True)
class Room:
    """The secret of the room, of 20 bytes, after it was renewed so often since the link began."""

    renewals: int
    secret: bytes


@dataclass(frozen=True, slots=True)
class Rendezvous:
    """A secret of 20 bytes by which the sender would find the receiver again, and the address of a relay or "".

    `is_agreed` says that the two have agreed on it before.
    """

    secret: bytes
    is_agreed: bool
    relay: str


@dataclass(frozen=True, slots=True)
class Presence:
    """What the sender's person does: `TYPING`, `AWAY`, or "", which is nothing in particular, and says no more.

    Later versions may have further states: one that is not known counts as "".
    """

    state: str


TYPING, AWAY = "typing", "away"
"""States of `Presence`."""


@dataclass(frozen=True, slots=True)
class Read:
    """How far the sender's person has seen logs of the receiver's."""

    counts: StateVector


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The sender's person has compared the signs, and saw something else."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender leaves on purpose."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The receiver is connected to the sender by another link by now, in another program or tab."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of a kind that this version does not know."""

    kind: str


OwnFrame = (
    Hello
    | Reveal
    | Proof
    | Introduce
    | Entries
    | Have
    | Room
    | Rendezvous
    | Presence
    | Read
    | Mismatch
    | Bye
    | Elsewhere
)
Frame = OwnFrame | Unknown


def encode(frame: OwnFrame) -> str:
    """Write a frame."""
    if type(frame) is Entries and len(frame.entries) == 1:  # most frames: written in a seventh of the time
        [(at, text, order, relation)] = frame.entries
        if relation is None:
            rank = f",{order}" if order else ""
            return f'["entries","{frame.author}",{frame.first},[[{at},{_quoted(text)}{rank}]]]'
    match frame:
        case Entries(author, first, entries):
            items: list[object] = ["entries", author, first, write_entries(entries)]
        case Have(have):
            items = ["have", have]
        case Hello(versions, parts):
            items = ["hello", versions, *map(to_text, parts)]
        case Reveal(key, nonce, signature):
            items = ["reveal", to_text(key), to_text(nonce), to_text(signature)]
        case Proof(signature):
            items = ["proof", to_text(signature)]
        case Introduce(log, name):
            items = ["introduce", log, name]
        case Room(renewals, secret):
            items = ["room", renewals, to_text(secret)]
        case Rendezvous(secret, is_agreed, relay):
            items = ["rendezvous", to_text(secret), is_agreed, relay]
        case Presence(state):
            items = ["presence", state]
        case Read(counts):
            items = ["read", counts]
        case Mismatch():
            items = ["mismatch"]
        case Bye():
            items = ["bye"]
        case Elsewhere():
            items = ["elsewhere"]
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


KINDS = frozenset(
    {
        "entries",
        "have",
        "hello",
        "reveal",
        "proof",
        "introduce",
        "room",
        "rendezvous",
        "presence",
        "read",
        "mismatch",
        "bye",
        "elsewhere",
    }
)
"""The kinds of frames that this version knows."""


def decode(data: str) -> Frame:
    """Read a frame.

    Raises:
        RemoteError: it is too large, no JSON, or not of the form that its kind has. Nothing else is raised.
    """
    one = _ONE_ENTRY.fullmatch(data)  # most frames: read in half the time, to the same
    if one is not None:
        author, first, at, text = one.groups()
        return Entries(author, int(first), [make_entry((int(at), text, 0, None))])
    items = read_items(data)
    match items:
        case ["entries", author, first, entries]:
            return Entries(_author(author), read_number(first, least=1), _entries(entries, "\\u" in data))
        case ["have", have]:
            return Have(_vector(have))
        case ["hello", [*versions], *parts] if 0 < len(versions) <= 32:
            greeting = Hello(tuple(read_number(v, least=1) for v in versions))
            return replace(greeting, parts=tuple(read_bytes(p, 32) for p in parts)) if greeting.understood else greeting
        case ["reveal", key, nonce, signature]:
            return Reveal(read_bytes(key, 32), read_bytes(nonce, 32), read_bytes(signature, 64))
        case ["proof", signature]:
            return Proof(read_bytes(signature, 64))
        case ["introduce", log, str(name)] if len(name) <= MAX_NAME:
            return Introduce(_author(log), without_surrogates(name))
        case ["room", renewals, secret]:
            return Room(read_number(renewals, least=1), read_bytes(secret, SECRET_SIZE))
        case ["rendezvous", secret, bool(is_agreed), str(relay)] if is_relay(relay):
            return Rendezvous(read_bytes(secret, SECRET_SIZE), is_agreed, relay)
        case ["presence", str(state)] if _STATE.fullmatch(state):
            return Presence(state)
        case ["read", counts]:
            return Read(_vector(counts))
        case ["mismatch"]:
            return Mismatch()
        case ["bye"]:
            return Bye()
        case ["elsewhere"]:
            return Elsewhere()
        case [kind, *_] if kind in KINDS:
            raise RemoteError(f"a frame “{kind}” has not the form it should have")
    return Unknown(items[0][:32])


def read_items(data: str) -> list[Any]:
    """Read a JSON array that begins with its kind.

    Raises:
        RemoteError: it is none, or too large, or nested too deep. Nothing else is raised.
    """
    if json_array.is_larger(data, MAX_FRAME):
        raise RemoteError("a frame is too large")
    return json_array.read(data)


def to_text(raw: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_bytes(value: Any, size: int) -> bytes:
    """Read that many bytes, which have one writing. Raises RemoteError."""
    if type(value) is not str or not _BASE64URL.fullmatch(value):
        raise RemoteError("a key, a nonce or a signature is malformed")
    raw = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)) if len(value) % 4 != 1 else b""
    if len(raw) != size or to_text(raw) != value:
        raise RemoteError("a key, a nonce or a signature is malformed")
    return raw


def is_relay(address: str) -> bool:
    """Whether this may be the address of a relay, or is ""."""
    return not address or (len(address) <= MAX_RELAY and _RELAY.fullmatch(address) is not None)


def read_number(value: Any, *, least: int) -> int:
    """Read an integer that is no smaller. Raises RemoteError."""
    if type(value) is not int or not least <= value <= MAX_NUMBER:
        raise RemoteError("a number is out of range")
    return value


def _author(value: Any) -> AuthorId:
    if type(value) is not str or not _AUTHOR.fullmatch(value):
        raise RemoteError("an author's name is malformed")
    return value


def _vector(value: Any) -> StateVector:
    if type(value) is not dict or len(value) > MAX_AUTHORS:
        raise RemoteError("a state vector is malformed")
    return {_author(author): read_number(count, least=0) for author, count in value.items()}


def _entries(value: Any, escaped: bool) -> list[Entry]:
    if type(value) is not list:
        raise RemoteError("the entries are no list")
    entries = [entry for item in value if (entry := read_entry(item)) is not None]
    if len(entries) != len(value):
        raise RemoteError("an entry is malformed")
    if escaped:
        return [make_entry((at, without_surrogates(text), order, relation)) for at, text, order, relation in entries]
    return entries


def read_entry(item: Any, least: int = 1) -> Entry | None:
    """An entry as it is written in JSON, or None if it is none, or has a text of fewer code points than `least`."""
    try:  # what is no list has no number in front
        at, text, *more = item
    except (TypeError, ValueError):
        return None
    if not (type(at) is int and 0 <= at <= MAX_TIME and type(text) is str and least <= len(text) <= MAX_TEXT):
        return None
    if not more:
        return make_entry((at, text, 0, None))
    order, *rest = more
    if len(rest) > 1 or type(order) is not int or not (at < order <= MAX_RANK or (order == 0 and rest)):
        return None
    relation = content.read(rest[0], _AUTHOR, MAX_NUMBER) if rest else None
    if rest and (relation is None or (relation[0] == content.REACT and not content.is_emoji(text))):
        return None
    return make_entry((at, text, order, relation))


def write_entries(entries: Sequence[Entry]) -> list[Sequence[object]]:
    """Entries as they are written in JSON."""
    return [entry[: 3 if entry[2] else 2] if entry[3] is None else _with_relation(entry) for entry in entries]


def _with_relation(entry: Entry) -> Sequence[object]:
    assert entry.relation is not None
    return entry.at, entry.text, entry.order, content.as_json(entry.relation)


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which are no text (JSON and JavaScript let them through), by U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
