"""The append-only log: what each author wrote, numbered from 1.

Two peers that connect tell each other how far they have read each log (a state vector) and send what is missing. One
mechanism is thus the outbox, the acknowledgement, the resend after a lost link and deduplication.

Talking goes on for years, and memory has an end: the first entries of a log may go, once both sides have them. Its
numbers go on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from sys import getsizeof
from typing import NamedTuple

from pychat.core.errors import LocalError, MessageProblem
from pychat.core.ids import AuthorId
from pychat.core.memory import ENTRY_SIZE, LOG_SIZE, Memory, size_of

StateVector = Mapping[AuthorId, int]
"""For each author the number of entries that somebody has, counted from the first without a gap."""

MAX_TEXT = 8_000
"""Unicode code points of one message; even if JSON writes each as six bytes it fits in one frame."""


MAX_COUNTS = 1_000
"""Logs of which nothing but the count is kept, at most; a person begins one at each visit."""


class Entry(NamedTuple):
    """One message of a log: when its author wrote it (milliseconds since 1970, the author's clock) and its text.

    A named tuple, since thousands of them are made in a burst and it goes to and from the wire as it is.
    """

    at: int
    text: str


make_entry: Callable[[tuple[int, str]], Entry] = partial(tuple.__new__, Entry)
"""Makes an entry of a pair, in half the time that `Entry` itself takes; bursts are made of nothing else."""


@dataclass(slots=True, eq=False)
class Log:
    """What is here of one author's log, without a gap, and how many entries before it are not.

    `is_unknown` says that it may have been read before, but how far is no longer known. `added` counts the bytes of all
    entries of our own that ever were.
    """

    author: AuthorId
    offset: int = 0
    is_unknown: bool = False
    added: int = 0
    entries: list[Entry] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How far it has been read."""
        return self.offset + len(self.entries)

    def after(self, number: int, most: int | None = None) -> list[Entry]:
        """The entries from `number` + 1 on, no more than so many.

        Raises:
            LocalError: the first of them is no longer here.
        """
        start = number - self.offset
        if start < 0:
            raise LocalError("messages that are no longer here are asked for")
        return self.entries[start:] if most is None else self.entries[start : start + most]

    def entry(self, number: int) -> Entry:
        """One entry by its number.

        Raises:
            LocalError: it is not here, or no longer.
        """
        place = number - 1 - self.offset
        if not 0 <= place < len(self.entries):
            raise LocalError("a message that is not here is asked for")
        return self.entries[place]


class Logs:
    """The logs of one conversation, by author; the one that was begun or turned to last is the last.

    Of those whose entries have gone only the count is left, so that nothing comes twice when somebody goes on with one
    of them. Of these counts, too, the oldest go at last; from then on a log with an unknown name may be one of those.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory if memory is not None else Memory()
        self._logs: dict[AuthorId, Log] = {}
        self.has_lost_counts = False

    def log(self, author: AuthorId) -> Log | None:
        """The author's log, if there is one."""
        return self._logs.get(author)

    def count(self, author: AuthorId) -> int:
        """How far the author's log has been read."""
        log = self._logs.get(author)
        return log.count if log is not None else 0

    def have(self, author: AuthorId) -> StateVector:
        """What to tell the author: how far their log has been read, or nothing where that is no longer known."""
        log = self._logs.get(author)
        return {} if log is not None and log.is_unknown else {author: self.count(author)}

    def counts(self, *, besides: AuthorId, most: int) -> "Counts":
        """How far others' logs have been read, of the last ones that were."""
        read = [(log.author, log.count) for log in self._logs.values() if log.author != besides and log.count]
        return Counts(dict(read[-most:]), len(read) <= most and not self.has_lost_counts)

    def start_after(self, counts: "Counts") -> None:
        """Begin logs, of which nothing is here yet, after so many entries: they were read once, and put away."""
        for author, count in counts.read.items():
            (self._logs.get(author) or self.begin(author)).offset = count
        self.has_lost_counts = not counts.are_all

    def entries(self, author: AuthorId, after: int, most: int | None = None) -> Sequence[Entry]:
        """The author's entries from number `after` + 1 on, no more than so many. Raises LocalError as `Log.after`."""
        log = self._logs.get(author)
        return log.after(after, most) if log is not None else ()

    def entry(self, author: AuthorId, number: int) -> Entry:
        """One entry by its number, which must be one that is here."""
        return self._logs[author].entry(number)

    def append(self, author: AuthorId, entry: Entry) -> int:
        """Add an entry of our own and return its number.

        Raises:
            LocalError: the text is empty or too long; whoever asks is expected to have looked before.
        """
        if not 0 < len(entry.text) <= MAX_TEXT:
            raise LocalError("a message is refused that has no text, or too much")
        log = self._logs.get(author) or self.begin(author)
        log.entries.append(entry)
        size = ENTRY_SIZE + getsizeof(entry.text)
        log.added += size
        self._memory.take(size)
        return log.offset + len(log.entries)

    def merge(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Take what a peer sent, numbered from `first`, and return what of it is new.

        What lies between what is here and `first` is no longer kept by its author.
        """
        log = self._logs.get(author) or self.begin(author)
        following = log.offset + len(log.entries) + 1
        if first > following and entries:
            log = self._skip(log, first - 1)
            following = first
        new = entries if first == following else entries[following - first :]
        if new:
            log.is_unknown = False
            log.entries.extend(new)
            self._memory.take(size_of(new))
        return new

    def turn_to(self, author: AuthorId, *, instead_of: AuthorId | None, own: AuthorId) -> None:
        """Begin a log of somebody else's, or go on with it. The one before, if nothing was read of it, is forgotten."""
        before = self._logs.get(instead_of) if instead_of is not None else None
        if before is not None and not before.count:
            self._lose(before)
        log = self._logs.pop(author, None)
        if log is not None:
            self._logs[author] = log
        else:
            self.begin(author).is_unknown = self.has_lost_counts
        only_counted = [log for log in self._logs.values() if not log.entries and log.author not in (author, own)]
        for log in only_counted[:-MAX_COUNTS]:
            self._lose(log)
            self.has_lost_counts = True

    def drop(self, log: Log, count: int, size: int) -> None:
        """Let the first entries of a log go, which take so many bytes."""
        del log.entries[:count]
        log.offset += count
        self._memory.take(-size)
        if not log.entries and self._logs.get(log.author) is not log:
            self._memory.take(-LOG_SIZE)  # there was a gap after it

    def begin(self, author: AuthorId) -> Log:
        """Begin the author's log, or go on with another part of it."""
        log = self._logs[author] = Log(author)
        self._memory.take(LOG_SIZE)
        return log

    def _skip(self, log: Log, count: int) -> Log:
        """Go on after a gap: those who show what came before it still hold the former part."""
        if log.entries:
            log = self.begin(log.author)
        log.offset = count
        return log

    def _lose(self, log: Log) -> None:
        del self._logs[log.author]
        self._memory.take(-LOG_SIZE)


class Counts(NamedTuple):
    """How far the logs of somebody were read that are no longer here, and whether these are all of them."""

    read: StateVector
    are_all: bool


def text_problem(text: str) -> MessageProblem | None:
    """Why a text cannot be a message, or None."""
    length = len(text)
    if 0 < length <= MAX_TEXT:
        return None
    return MessageProblem.TOO_LONG if length else MessageProblem.EMPTY
