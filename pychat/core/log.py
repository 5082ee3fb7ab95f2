"""The append-only log: what each author wrote, numbered from 1.

Two peers that connect tell each other how far they have read each log (a state vector) and send what is missing. One
mechanism is thus the outbox, the acknowledgement, the resend after a lost link and the removal of doubles.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from pychat.core.errors import LocalError, MessageProblem, RemoteError

AuthorId = str
"""Names the author of a log: 16 to 64 characters of base64url."""

StateVector = Mapping[AuthorId, int]
"""For each author the number of entries that somebody has, counted from the first without a gap."""

MAX_TEXT = 8_000
"""Unicode code points of one message; even if JSON writes each as six bytes it fits in one frame."""


class Entry(NamedTuple):
    """One message of a log: when its author wrote it (milliseconds since 1970, the author's clock) and its text.

    A named tuple, since thousands of them are made in a burst and it goes to and from the wire as it is.
    """

    at: int
    text: str


make_entry: Callable[[tuple[int, str]], Entry] = partial(tuple.__new__, Entry)
"""Makes an entry of a pair, in half the time that `Entry` itself takes; bursts are made of nothing else."""


@dataclass(slots=True)
class _Log:
    """What is here of one author's log, how many entries before it were put away, and how many characters it has."""

    entries: list[Entry] = field(default_factory=list)
    forgotten: int = 0
    chars: int = 0


class Logs:
    """The logs of one conversation, by author.

    `max_entries` and `max_chars` limit what one author may make everybody keep; they are a protection against a
    hostile peer that never stops sending.
    """

    def __init__(self, *, max_entries: int = 200_000, max_chars: int = 50_000_000) -> None:
        self._logs: dict[AuthorId, _Log] = {}
        self._max_entries = max_entries
        self._max_chars = max_chars

    def count(self, author: AuthorId) -> int:
        """How far the author's log has been read."""
        log = self._logs.get(author)
        return log.forgotten + len(log.entries) if log is not None else 0

    def forget(self, counts: StateVector) -> None:
        """Begin logs, of which nothing is here yet, after so many entries: they were read once, and put away."""
        for author, count in counts.items():
            (self._logs.get(author) or self._begin(author)).forgotten = count

    def entries(self, author: AuthorId, after: int) -> Sequence[Entry]:
        """The author's entries from number `after` + 1 on."""
        log = self._logs.get(author)
        return log.entries[after - log.forgotten :] if log is not None else ()

    def entry(self, author: AuthorId, number: int) -> Entry:
        """One entry by its number, which must be one that is here."""
        log = self._logs[author]
        return log.entries[number - 1 - log.forgotten]

    def problem(self, author: AuthorId, text: str) -> MessageProblem | None:
        """Why the author cannot add this text to their log, or None."""
        return self._problem(self._logs.get(author) or _Log(), text)

    def append(self, author: AuthorId, entry: Entry) -> int:
        """Add an entry of our own and return its number.

        Raises:
            LocalError: there is a `problem` with the text; whoever asks is expected to have looked before.
        """
        log = self._logs.get(author) or self._begin(author)
        problem = self._problem(log, entry.text)
        if problem is not None:
            raise LocalError(f"the message is refused: {problem.value}")
        log.entries.append(entry)
        log.chars += len(entry.text)
        return log.forgotten + len(log.entries)

    def merge(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Take what a peer sent, numbered from `first`, and return what of it is new.

        Raises:
            RemoteError: there is a gap before it, or the author's log grows past the limits.
        """
        log = self._logs.get(author) or self._begin(author)
        following = log.forgotten + len(log.entries) + 1
        if first > following:
            raise RemoteError(f"entries {following} to {first - 1} are missing")
        new = entries if first == following else entries[following - first :]
        chars = log.chars + sum([len(entry.text) for entry in new])
        if len(log.entries) + len(new) > self._max_entries or chars > self._max_chars:
            raise RemoteError("more messages than can be kept")
        log.entries.extend(new)
        log.chars = chars
        return new

    def _begin(self, author: AuthorId) -> _Log:
        log = self._logs[author] = _Log()
        return log

    def _problem(self, log: _Log, text: str) -> MessageProblem | None:
        length = len(text)
        if not 0 < length <= MAX_TEXT:
            return MessageProblem.TOO_LONG if length else MessageProblem.EMPTY
        if log.forgotten + len(log.entries) >= self._max_entries or log.chars + length > self._max_chars:
            return MessageProblem.FULL
        return None
