"""What a conversation is in the journal: a head for each run of the program, and segments, which are added.

Each run of a program writes logs of its own, so no number of a log is ever used for two entries: not by two tabs at
once, and not by a device whose disk was restored from a backup, or copied. What a former run has written and the other
side does not have is sent as it is.

A head says who the conversation is with, and how far all logs have been read. It is written together with each segment.
The first one that a run writes takes the place of those that it has found. A segment has the messages of one turn, in
the order in which they came here. A message that was deleted has an empty text there, so that its number stays taken.

Both are JSON. What another version of pychat has written, or a disk has damaged, is a `ValueError`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pychat.core import wire
from pychat.core.errors import RemoteError
from pychat.core.ids import KEY_SIZE, AuthorId, ChatId, PublicKey
from pychat.core.log import Entry

VERSION = 1
PREVIEW = 120
"""Code points of the last message that a head has."""
NOTHING, FOREVER = 0, 2**53 - 1
"""How many seconds it is kept what is said: not at all, and without an end."""
SEGMENT_BYTES = 32 * 1024
"""Bytes of a segment that many messages are put together in: no more than are read for one look at a conversation."""
SEGMENTS_AT_ONCE = 64
"""Segments that are read at once."""
MAX_LOGS = 64
"""Logs of each side that a head speaks of: the last ones."""


class Preview(NamedTuple):
    """The beginning of a message, when it was written, and whether by us; `at` is as in an entry."""

    is_own: bool
    at: int
    text: str


class KeepFor(NamedTuple):
    """What a person has chosen for a conversation: for how many seconds it is kept what is said, and when they did.

    `seconds` is None where it is to be as in all conversations; `chosen_at` is in seconds since 1970.
    """

    seconds: int | None
    chosen_at: int


class Rendezvous(NamedTuple):
    """What two people have agreed on over a channel to find each other by: 20 bytes, and the address of a relay."""

    secret: bytes
    relay: str


@dataclass(frozen=True, slots=True)
class Head:
    """What one run knows of a conversation.

    `counts` says how far each log has been read. `own` are the logs that we have written, the eldest first, and how
    much of each the peer has. `messages` counts those of the conversation, and `unread` how many of the last ones its
    person has not seen. `top` is the highest rank of any message (`order`), `keep_for` is what its person has chosen
    for it, if they have; `last` is the beginning of the last message, for a list of
    conversations. `rendezvous` is where the two find each other again. `deleting` are the logs and numbers of messages
    that were deleted, and whose text a segment may still have. `is_unopened`: nobody has looked at it yet;
    `is_removed`: it was put away, and only how far logs have been read is left, and how far our own were written.
    """

    peer: PublicKey
    name: str
    own: Mapping[AuthorId, int]
    counts: Mapping[AuthorId, int]
    messages: int
    unread: int
    top: int = 0
    keep_for: KeepFor | None = None
    is_unopened: bool = False
    is_removed: bool = False
    last: Preview | None = None
    rendezvous: Rendezvous | None = None
    deleting: tuple[tuple[AuthorId, int], ...] = ()


class Part(NamedTuple):
    """Entries of one log that follow each other, numbered from `first`; `is_own`: we have written them."""

    author: AuthorId
    first: int
    entries: Sequence[Entry]
    is_own: bool


class Segment(NamedTuple):
    """What came up in one turn, and when it was written, in seconds since 1970."""

    written: int
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A conversation as it was in the journal when the program began: what all heads say together.

    `found` are these heads, by their runs, with the version of each.
    """

    id: ChatId
    head: Head
    found: tuple[tuple[str, int], ...]


def write_head(head: Head) -> bytes:
    """A head as bytes."""
    last, meeting = head.last, head.rendezvous
    rendezvous = [wire.to_text(meeting.secret), meeting.relay] if meeting is not None else None
    fields = [
        wire.to_text(head.peer),
        head.name,
        head.own,
        head.counts,
        head.messages,
        head.unread,
        head.top,
        head.keep_for,
        head.is_unopened,
        head.is_removed,
        last,
        rendezvous,
        head.deleting,
    ]
    return _json([VERSION, *fields])


def read_head(data: bytes) -> Head:
    """Read a head. Raises ValueError."""
    try:
        match json.loads(data):
            case [
                int(v),
                key,
                str(name),
                dict() as own,
                dict() as counts,
                messages,
                unread,
                top,
                keep_for,
                bool(is_unopened),
                bool(is_removed),
                last,
                rendezvous,
                [*deleting],
            ] if v == VERSION:
                return Head(
                    wire.read_bytes(key, KEY_SIZE),
                    name,
                    _counts(own),
                    _counts(counts),
                    _count(messages),
                    _count(unread),
                    _count(top),
                    _keep_for(keep_for) if keep_for is not None else None,
                    is_unopened,
                    is_removed,
                    _preview(last) if last is not None else None,
                    _rendezvous(rendezvous) if rendezvous is not None else None,
                    tuple([_place(place) for place in deleting]),
                )
    except (RemoteError, RecursionError) as error:
        raise ValueError(str(error)) from error
    raise ValueError("a head of another version, or none")


def write_segment(parts: Iterable[Part], written: int) -> bytes:
    """A segment as bytes; `written` is when, in seconds since 1970."""
    return _json(
        [
            VERSION,
            written,
            *((author, first, wire.write_entries(entries), own) for author, first, entries, own in parts),
        ]
    )


def join_parts(parts: Iterable[Part]) -> list[Part]:
    """The same parts; those that follow each other in one log are one."""
    joined: list[Part] = []
    last: list[Entry] = []
    for part in parts:
        before = joined[-1] if joined else None
        if (
            before is not None
            and (before.author, before.is_own) == (part.author, part.is_own)
            and before.first + len(last) == part.first
        ):
            last.extend(part.entries)
        else:
            last = [*part.entries]
            joined.append(part._replace(entries=last))
    return joined


def read_segment(data: bytes) -> Segment:
    """Read a segment. Raises ValueError."""
    try:
        match json.loads(data):
            case [int(version), written, *parts] if version == VERSION:
                return Segment(_count(written), [_part(part) for part in parts])
    except (RemoteError, RecursionError) as error:
        raise ValueError(str(error)) from error
    raise ValueError("a segment of another version, or none")


def join(heads: Sequence[Head]) -> Head:
    """What the heads of several runs say together; one at least."""
    counts: dict[AuthorId, int] = {}
    own: dict[AuthorId, int] = {}
    for head in sorted(heads, key=lambda head: head.messages):
        _raise(counts, head.counts)
        _raise(own, head.own)
    # Of two that know as much, one may not have heard yet that the last message was deleted.
    latest = max(heads, key=lambda head: (head.messages, head.last is not None and not head.last.text))
    # What another program had that ran at the same time comes on top.
    messages = latest.messages + sum(max(0, count - latest.counts.get(author, 0)) for author, count in counts.items())
    meeting = latest.rendezvous or next((head.rendezvous for head in heads if head.rendezvous is not None), None)
    top = max(head.top for head in heads)
    is_removed = all(head.is_removed for head in heads)
    choices = [head.keep_for for head in heads if head.keep_for is not None]
    return replace(
        latest,
        own=own,
        counts=counts,
        messages=messages,
        top=top,
        keep_for=max(choices, key=lambda choice: choice.chosen_at, default=None),
        rendezvous=meeting,
        is_removed=is_removed,
        deleting=tuple(sorted({place for head in heads for place in head.deleting})),
    )


def _raise(counts: dict[AuthorId, int], others: Mapping[AuthorId, int]) -> None:
    for author, count in others.items():
        counts[author] = max(counts.get(author, 0), count)


def _count(value: Any) -> int:
    return wire.read_number(value, least=0)


def _counts(value: dict[str, Any]) -> dict[AuthorId, int]:
    return {author: _count(count) for author, count in value.items()}


def _preview(value: Any) -> Preview:
    match value:
        case [bool(is_own), int(at), str(text)] if 0 <= at <= wire.MAX_TIME:
            return Preview(is_own, at, text)
    raise ValueError("the last message of a head is malformed")


def _keep_for(value: Any) -> KeepFor:
    match value:
        case [seconds, chosen_at]:
            return KeepFor(_count(seconds) if seconds is not None else None, _count(chosen_at))
    raise ValueError("for how long a conversation is kept is malformed")


def _rendezvous(value: Any) -> Rendezvous:
    match value:
        case [secret, str(relay)]:
            return Rendezvous(wire.read_bytes(secret, wire.SECRET_SIZE), relay)
    raise ValueError("the rendezvous of a head is malformed")


def _place(value: Any) -> tuple[AuthorId, int]:
    match value:
        case [str(author), number]:
            return author, wire.read_number(number, least=1)
    raise ValueError("a message to be deleted is malformed")


def _part(part: Any) -> Part:
    match part:
        case [str(author), first, [*entries], bool(is_own)]:
            return Part(author, wire.read_number(first, least=1), [_entry(entry) for entry in entries], is_own)
    raise ValueError("a part of a segment is malformed")


def _entry(entry: Any) -> Entry:
    found = wire.read_entry(entry, least=0)
    if found is None:
        raise ValueError("an entry of a segment is malformed")
    return found


def _json(items: Sequence[object]) -> bytes:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode()
