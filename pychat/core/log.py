"""The append-only log: what each author wrote, numbered from 1.

Two peers that connect tell each other how far they have read each log (a state vector) and send what is missing. One
mechanism is thus the outbox, the acknowledgement, the resend after a lost link and deduplication.

Talking goes on for years, and memory has an end: the first entries of a log may go, once both sides have them. Its
numbers go on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from pychat.core.content import Relation, Unknown
from pychat.core.errors import LocalError, MessageProblem
from pychat.core.ids import AuthorId
from pychat.core.memory import LOG_SIZE, Memory, size_of

StateVector = Mapping[AuthorId, int]
"""For each author the number of entries that somebody has, counted from the first without a gap."""

MAX_TEXT = 8_000
"""Unicode code points of one message; even if JSON writes each as six bytes it fits in one frame."""


MAX_RANK = 2**48 - 1
"""The highest rank: far above any time, so that there is something after whatever was said."""
MAX_COUNTS = 1_000
"""Logs of which nothing but the count is kept, at most; a person begins one at each visit."""


class Entry(NamedTuple):
    """One entry of a log: when its author wrote it (milliseconds since 1970, the author's clock) and its text.

    `order` is its rank, where that is above `at`, else 0. `relation` is what it says of another one (`content`), or
    None. One without a text was deleted on this device: no peer sends such a one. A named tuple, since thousands of
    them are made in a burst.
    """

    at: int
    text: str
    order: int = 0
    relation: Relation | Unknown | None = None

    @property
    def rank(self) -> int:
        """Where it stands among others (`chat.order`)."""
        return self.order or self.at


make_entry: Callable[[tuple[int, str, int, Relation | Unknown | None]], Entry] = partial(tuple.__new__, Entry)
"""Makes an entry of its four fields, in half the time that `Entry` itself takes; bursts are made of nothing else."""


def without_text(entry: Entry) -> Entry:
    """What is left of an entry that was deleted: its place, and which other one it was about."""
    return make_entry((entry.at, "", entry.order, entry.relation if isinstance(entry.relation, Relation) else None))


@dataclass(slots=True, eq=False)
class Log:
    """What is here of one author's log, without a gap, and how many entries before it are not.

    `is_unknown` says that it may have been read before, but how far is no longer known. `added` counts the bytes of all
    entries of our own that ever were. `kept` counts the entries that are in the journal; None where there is none.
    `kept_elsewhere` counts those that another program of ours has put there while this one runs.
    """

    author: AuthorId
    offset: int = 0
    is_unknown: bool = False
    added: int = 0
    kept: int | None = None
    kept_elsewhere: int = 0
    entries: list[Entry] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How far it has been read."""
        return self.offset + len(self.entries)

    @property
    def durable(self) -> int:
        """How much of it outlasts this run, or is meant not to: only that is sent, or acknowledged."""
        return self.offset + len(self.entries) if self.kept is None else self.kept

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

    Args:
        memory: counts what they hold.
        is_kept: whether entries are to be in a journal before they are sent, or acknowledged.
    """

    def __init__(self, memory: Memory | None = None, *, is_kept: bool = False) -> None:
        self._memory = memory if memory is not None else Memory()
        self._is_kept = is_kept
        self._logs: dict[AuthorId, Log] = {}
        self._earlier: dict[AuthorId, list[Log]] = {}  # of a log with gaps the parts before the last one
        self.has_lost_counts = False
        self.has_more = False
        """Whether the journal may have logs of which nothing is known here."""

    def log(self, author: AuthorId) -> Log | None:
        """The author's log, if there is one."""
        return self._logs.get(author)

    def count(self, author: AuthorId) -> int:
        """How far the author's log has been read."""
        log = self._logs.get(author)
        return log.count if log is not None else 0

    def durable(self, author: AuthorId) -> int:
        """How much of the author's log outlasts this run, or is meant not to."""
        log = self._logs.get(author)
        return log.durable if log is not None else 0

    def have(self, author: AuthorId) -> StateVector:
        """What to tell the author: how far their log has been read, or nothing where that is no longer known."""
        log = self._logs.get(author)
        return {} if log is not None and log.is_unknown else {author: log.durable if log is not None else 0}

    def all_counts(self) -> dict[AuthorId, int]:
        """How far each log has been read, of which there is anything."""
        return {author: log.count for author, log in self._logs.items() if log.count}

    def are_kept(self, counts: StateVector) -> None:
        """So much of each log is in the journal."""
        for author, count in counts.items():
            log = self._logs.get(author)
            if log is not None and log.kept is not None:
                log.kept = max(log.kept, min(count, log.count))

    def gate(self, *, is_kept: bool) -> None:
        """From now on entries are to be in a journal before they are sent, or acknowledged; or need not be any more."""
        self._is_kept = is_kept
        for log in self._logs.values():
            log.kept = log.count if is_kept else None

    def resume(self, author: AuthorId, count: int) -> Log:
        """Go on with a log of which so many entries are in the journal, and none here."""
        log = self.begin(author)
        log.offset = count
        log.kept = count if self._is_kept else None
        return log

    def prepend(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> list[tuple[Log, int, int]]:
        """Put what was read from the journal before what is here of a log, and where that has gaps, into these.

        Returns: of each piece that is new here, the last one first: the part of the log that it is in, its first
        number, and how many entries it has.
        """
        last = first + len(entries) - 1
        earlier = self._earlier.get(author, [])
        parts = [*earlier, self._logs.get(author) or self._begin_first(author, last)]
        pieces = []
        for at in reversed(range(len(parts))):
            part = parts[at]
            begin, stop = max(first, parts[at - 1].count + 1 if at else 1), min(last, part.offset)
            if begin > stop:
                continue
            if stop < part.offset:  # there is a gap before what is here
                part = Log(author, offset=stop, kept=stop)
                earlier.insert(at, part)
                self._earlier[author] = earlier
                self._memory.take(LOG_SIZE)
            new = entries[begin - first : stop - first + 1]
            part.entries[:0] = new
            part.offset = begin - 1
            self._memory.take(size_of(new))
            pieces.append((part, begin, len(new)))
        return pieces

    def counts(self, *, besides: AuthorId, most: int) -> "Counts":
        """How far others' logs have been read, of the last ones that were."""
        read = [(log.author, log.count) for log in self._logs.values() if log.author != besides and log.count]
        return Counts(dict(read[-most:]), len(read) <= most and not self.has_lost_counts)

    def start_after(self, counts: "Counts") -> None:
        """Begin logs, of which nothing is here yet, after so many entries: they were read once, and put away."""
        for author, count in counts.read.items():
            log = self._logs.get(author) or self.begin(author)
            log.offset = count
            log.kept = count if self._is_kept else None
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
        size = size_of([entry])
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
            new = _rising(new, log.entries[-1].rank if log.entries else 0)
            log.is_unknown = False
            log.entries.extend(new)
            self._memory.take(size_of(new))
        return new

    def find(self, author: AuthorId, number: int) -> Entry | None:
        """An entry, or None if it is not here."""
        log = self._part_with(author, number)
        return log.entry(number) if log is not None else None

    def delete(self, author: AuthorId, number: int) -> Entry | None:
        """Take the text out of an entry, which keeps its number; returns it as it was, or None if it is not here."""
        log = self._part_with(author, number)
        if log is None:
            return None
        entry = log.entry(number)
        left = without_text(entry)
        log.entries[number - 1 - log.offset] = left
        self._memory.take(size_of([left]) - size_of([entry]))
        return entry

    def _part_with(self, author: AuthorId, number: int) -> Log | None:
        """The part of a log that has an entry, if it is here."""
        last = self._logs.get(author)
        logs: list[Log] = [*self._earlier.get(author, ()), *([last] if last is not None else ())]
        return next((log for log in logs if log.offset < number <= log.count), None)

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
            self._earlier[log.author].remove(log)
            if not self._earlier[log.author]:
                del self._earlier[log.author]

    def begin(self, author: AuthorId) -> Log:
        """Begin the author's log, or go on with another part of it."""
        log = self._logs[author] = Log(author, kept=0 if self._is_kept else None)
        self._memory.take(LOG_SIZE)
        return log

    def _begin_first(self, author: AuthorId, last: int) -> Log:
        """Begin a log that another run has written; it is older than all that are known, or else not read yet."""
        log = self.begin(author)
        if self.has_more:
            log.offset = last
            log.kept = last
            self._logs = {author: log, **self._logs}
        return log

    def _skip(self, log: Log, count: int) -> Log:
        """Go on after a gap: those who show what came before it still hold the former part.

        While that is not in the journal, nothing that comes after it is acknowledged: that would be of both.
        """
        kept = log.kept if log.kept is None or log.kept < log.count else count
        if log.entries:
            self._earlier.setdefault(log.author, []).append(log)
            log = self.begin(log.author)
        log.offset = count
        log.kept = kept if self._is_kept else None
        return log

    def _lose(self, log: Log) -> None:
        del self._logs[log.author]
        self._memory.take(-LOG_SIZE)


def _rising(entries: Sequence[Entry], rank: int) -> Sequence[Entry]:
    """The entries of one author: one whose rank is below that of the one before it counts as of the same rank."""
    last = rank
    for at, entry in enumerate(entries):
        if entry.rank < last:
            return [*entries[:at], *_lifted(entries[at:], last)]
        last = entry.rank
    return entries


def _lifted(entries: Sequence[Entry], rank: int) -> Iterator[Entry]:
    for entry in entries:
        rank = max(rank, entry.rank)
        yield make_entry((entry.at, entry.text, rank if rank > entry.at else 0, entry.relation))


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
