"""A trace: what passes a driver, each event and each effect as one line, with texts and secrets left out.

Only what is known to be harmless is shown, by its name or its type. Of everything else, and so of whatever is added
one day, a line has the size. Nothing in a line is written by the other side.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any, get_args

from pychat.core import effects, events, wire
from pychat.core.webrtc.sdp import parse_candidate

MOST_CHATS = 1_000
"""Conversations that keep their number; one that was not spoken of for longest gets another one, if it is back."""

_NUMBERS = {
    "link",
    "session",
    "ticket",
    "size",
    "count",
    "before",
    "number",
    "rank",
    "most",
    "seconds",
    "until",
    "code",
    "round_trip",
    "bytes_sent",
    "bytes_received",
}
"""Fields whose number is shown: names that the core gave, sizes, a WebSocket's close code, and what is measured."""
_CHATS = {"conversation"}
"""Fields that name a conversation. That name follows from the keys of two people, so a number stands in for it."""
_PATHS = {"local_kind", "remote_kind"}
"""Fields with the type of a candidate in use (RTCIceCandidateType), which is shown if it is one of these."""
_PATH_KINDS = {"host", "srflx", "prflx", "relay"}

RELAY_KINDS = frozenset({"join", "to", "joined", "arrived", "left", "from", "return"})
"""The kinds of messages between a client and the relay (`relay.protocol`)."""

_BEGINNING = re.compile(r'[ \t\r\n]*\[[ \t\r\n]*"([a-z]+)"')
_EVENTS = frozenset(get_args(events.Event))

Item = events.Event | effects.Effect


def _kind_of(known: Collection[str], text: str) -> str:
    """The kind of a frame or a message, by its beginning: one of those that are known, or “unknown”."""
    beginning = _BEGINNING.match(text)
    return beginning[1] if beginning is not None and beginning[1] in known else "unknown"


def _kind_of_candidate(attribute: str) -> str:
    candidate = parse_candidate(attribute)
    return candidate.kind.value if candidate is not None else "unknown"


_frame, _relayed = partial(_kind_of, wire.KINDS), partial(_kind_of, RELAY_KINDS)
_KINDS: dict[tuple[type, str], Callable[[str], str]] = {
    (events.FrameReceived, "data"): _frame,
    (effects.SendFrame, "data"): _frame,
    (events.RelayHeard, "text"): _relayed,
    (effects.SendToRelay, "text"): _relayed,
    (events.CandidateFound, "candidate"): _kind_of_candidate,
    (effects.AddCandidate, "candidate"): _kind_of_candidate,
}
"""Texts of which more than the size is told: of what kind they are."""


class Trace:
    """Writes a line for each event and each effect: what a driver takes as its `observe`.

    Args:
        write: takes each line, without an end; what it raises ends the trace, and nothing else.
        clock: the time, in seconds since 1970.
        failed: called with what `write` has raised.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        clock: Callable[[], float],
        failed: Callable[[Exception], object] = lambda _: None,
    ) -> None:
        self._write = write
        self._clock = clock
        self._failed = failed
        self._over = False
        self._chats: dict[str, int] = {}
        self._count = 0  # of conversations so far

    def __call__(self, item: Item) -> None:
        """Write the line of what passes."""
        if self._over:
            return
        try:
            self._write(self.line(item, self._clock()))
        except Exception as error:
            self._over = True
            self._failed(error)

    def line(self, item: Item, at: float) -> str:
        """The line of what has passed at this time: ASCII, whatever it is about."""
        time = datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
        what = "event " if type(item) in _EVENTS else "effect"
        return " ".join([f"{time}Z", what, type(item).__name__, *self._fields(item)])

    def _fields(self, value: Any) -> list[str]:
        return [f"{f.name}={self._shown(type(value), f.name, getattr(value, f.name))}" for f in fields(value)]

    def _shown(self, owner: type, name: str, value: object) -> str:
        if value is None:
            return "none"
        if type(value) is bool:
            return "yes" if value else "no"
        if isinstance(value, Enum):
            return value.name.lower()
        if name in _NUMBERS and type(value) in (int, float):
            return str(value)
        if isinstance(value, str):
            return self._shown_text(owner, name, value)
        if isinstance(value, bytes):
            return f"<{len(value)} bytes>"
        if isinstance(value, tuple | list | dict | set | frozenset):
            return f"<{len(value)} items>"
        if is_dataclass(value):
            return f"({' '.join(self._fields(value))})"
        return "<left out>"

    def _shown_text(self, owner: type, name: str, text: str) -> str:
        size = f"{len(text)} chars"
        if name in _CHATS:
            return str(self._number_of(text))
        if name in _PATHS and text in _PATH_KINDS:
            return text
        kind_of = _KINDS.get((owner, name))
        return f"<{kind_of(text)}, {size}>" if kind_of is not None else f"<{size}>"

    def _number_of(self, chat: str) -> int:
        number = self._chats.pop(chat, 0)
        if not number:
            number = self._count = self._count + 1
            if len(self._chats) >= MOST_CHATS:
                del self._chats[next(iter(self._chats))]
        self._chats[chat] = number
        return number
