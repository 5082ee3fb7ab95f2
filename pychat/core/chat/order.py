"""The messages of a conversation in an order that is the same on every screen with the same messages.

Theory of operation. A message has a rank: the time at which it was written, by its author's clock, but always above the
ranks of all that its author had seen by then (a hybrid logical clock). So what was written after seeing something
stands after it, however wrong the clocks are, and what was written by people who did not see each other's stands by
time. Of equal ranks the name of the log decides, and within a log the number.

Most messages come in this order. One that comes late, because its author was away, is inserted where it belongs.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pychat.core.chat.timeline import Timeline
from pychat.core.ids import AuthorId
from pychat.core.log import MAX_RANK, Log
from pychat.core.memory import RUN_SIZE, Memory

KEPT_INSERTIONS = 64
"""Insertions that are remembered: whoever has missed more of them draws anew."""

Key = tuple[int, AuthorId, int]
"""By what messages are ordered: the rank, the name of the log, the number in it."""


@dataclass(frozen=True, slots=True)
class Insertion:
    """So many messages have come in at a place. Those after them stand later by as many.

    `from_before` says that they were read from the journal: then they stand right before that place, and it is those
    before them that stand earlier.
    """

    place: int
    count: int
    from_before: bool = False


class OrderedTimeline(Timeline):
    """A timeline whose messages stand by their ranks.

    `top` is the highest rank that was ever seen. `inserted` counts how often something has come in above other
    messages, and `insertions` are the last of these times, the eldest first.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        super().__init__(memory)
        self.top = 0
        self.inserted = 0
        self.insertions: deque[Insertion] = deque(maxlen=KEPT_INSERTIONS)

    def next_rank(self, own: AuthorId, at: int) -> int:
        """The rank of a message that is written now, at this time, into a log of our own."""
        if at > self.top:
            return at
        if self._last_log is not None and self._last_log.author == own:
            return self.top
        return min(self.top + 1, MAX_RANK)

    def insert(self, log: Log, first: int, count: int) -> None:
        """Put entries of a log, from number `first` on, where they belong. They are in the log already."""
        rank = log.entry(first).rank
        if rank > self.top or (rank == self.top and log is self._last_log):
            self.top = log.entry(first + count - 1).rank
            self.extend(log, first, count)
            return
        self.top = max(self.top, log.entry(first + count - 1).rank)
        while count:
            place = self._place_of(_key(log, first))
            if place == self._end:
                self.extend(log, first, count)
                return
            following = self._key_at(place)
            fitting = max(1, bisect_left(range(first, first + count), following, key=partial(_key, log)))
            at = self._split(place)
            self._end += fitting
            for later in range(at, len(self._starts)):
                self._starts[later] += fitting
            self._put(at, log, first, place)
            self._note(Insertion(place, fitting))
            first, count = first + fitting, count - fitting

    def prepend(self, log: Log, first: int, count: int) -> None:
        """Put entries of a log, which are in it again, where they belong; those before them move to the front."""
        if count:
            self.top = max(self.top, log.entry(first + count - 1).rank)
        while count:
            last = first + count - 1
            place = self._place_of(_key(log, last))
            fitting = count
            if place > self.start:
                before = self._key_at(place - 1)
                fitting -= min(count - 1, bisect_right(range(first, first + count), before, key=partial(_key, log)))
            at = self._split(place)
            for earlier in range(at):
                self._starts[earlier] -= fitting
            if at:
                self._note(Insertion(place, fitting, from_before=True))
            self.start -= fitting
            self._put(at, log, last - fitting + 1, place - fitting)
            count -= fitting
        self._last_log = self._runs[-1][0] if self._runs else None

    def shift(self, count: int) -> None:
        """The same, and those who have drawn messages learn of it."""
        super().shift(count)
        self._note(Insertion(0, count))

    def forget(self, gone: Mapping[Log, int], total: int) -> None:
        """Let messages go: of each of these logs those up to a number, that is so many in all."""
        left: list[tuple[Log, int]] = []
        lengths: list[int] = []
        at = removed = 0
        while at < len(self._runs) and (removed < total or self._continues(at, left, lengths)):
            log, first = self._runs[at]
            length = self._stop(at) - self._starts[at]
            lost = min(max(gone.get(log, 0) - first + 1, 0), length)
            removed += lost
            if lost == 0 and self._continues(at, left, lengths):
                lengths[-1] += length
            elif lost < length:
                left.append((log, first + lost))
                lengths.append(length - lost)
            at += 1
        place = self._starts[at] if at < len(self._starts) else self._end
        starts: list[int] = []
        for length in reversed(lengths):
            place -= length
            starts.append(place)
        self._memory.take(RUN_SIZE * (len(left) - at))
        self._runs[:at], self._starts[:at] = left, starts[::-1]
        self.start = self._starts[0] if self._starts else self._end
        self._last_log = self._runs[-1][0] if self._runs else None

    def _continues(self, at: int, left: Sequence[tuple[Log, int]], lengths: Sequence[int]) -> bool:
        """Whether a run follows the last one that is left, now that what was between them is gone."""
        return bool(left) and self._runs[at] == (left[-1][0], left[-1][1] + lengths[-1])

    def _note(self, insertion: Insertion) -> None:
        self.inserted += 1
        self.insertions.append(insertion)

    def _put(self, at: int, log: Log, first: int, place: int) -> None:
        """Make a run the one at an index, or a part of its neighbours, where it follows or precedes them."""
        self._runs.insert(at, (log, first))
        self._starts.insert(at, place)
        self._memory.take(RUN_SIZE)
        for later in (at + 1, at):
            if 0 < later < len(self._runs):
                before, begins = self._runs[later - 1]
                if self._runs[later] == (before, begins + self._starts[later] - self._starts[later - 1]):
                    del self._runs[later], self._starts[later]
                    self._memory.take(-RUN_SIZE)

    def _split(self, place: int) -> int:
        """The index of the run that begins at a place; the one that the place is within becomes two."""
        at = bisect_left(self._starts, place)
        if at < len(self._starts) and self._starts[at] == place:
            return at
        if place < self._end and at:
            log, first = self._runs[at - 1]
            self._runs.insert(at, (log, first + place - self._starts[at - 1]))
            self._starts.insert(at, place)
            self._memory.take(RUN_SIZE)
        return at

    def _stop(self, at: int) -> int:
        return self._starts[at + 1] if at + 1 < len(self._starts) else self._end

    def place_of(self, key: Key) -> int | None:
        """Where a message is, or None if it is not here."""
        place = self._place_of(key)
        return place if place < self._end and self._key_at(place) == key else None

    def _place_of(self, key: Key) -> int:
        return self.start + bisect_left(range(self.start, self._end), key, key=self._key_at)

    def _key_at(self, place: int) -> Key:
        message = self._message(place)
        return message.entry.rank, message.author, message.number


def _key(log: Log, number: int) -> Key:
    return log.entry(number).rank, log.author, number
