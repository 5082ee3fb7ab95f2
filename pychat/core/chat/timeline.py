"""What a person sees of a conversation, in the order in which it came here.

The texts stay in the logs; here is only whose turn it was. A burst of a thousand messages is one run, and a message
is put together when somebody looks at it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from pychat.core.ids import AuthorId
from pychat.core.log import Entry, Log
from pychat.core.memory import RUN_SIZE, Memory


class Message(NamedTuple):
    """A message in its place on the screen: whose it is, its number in that author's log, and the entry."""

    author: AuthorId
    number: int
    entry: Entry


class Timeline(Sequence[Message]):
    """The messages of a conversation, as a sequence that grows at its end. Its front may go.

    A message keeps its place: places count from the first one that ever was, and those before `start` are empty. The
    length counts them too.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self.start = 0
        self._memory = memory if memory is not None else Memory()
        self._runs: list[tuple[Log, int]] = []  # in which log messages follow each other, and the first one's number
        self._starts: list[int] = []  # for each run the place of its first message
        self._end = 0
        self._last_log: Log | None = None

    def extend(self, log: Log, first: int, count: int) -> None:
        """Add the entries of a log from number `first` on, which are in it already."""
        if log is not self._last_log:
            self._last_log = log
            self._runs.append((log, first))
            self._starts.append(self._end)
            self._memory.take(RUN_SIZE)
        self._end += count

    def prepend(self, log: Log, first: int, count: int) -> None:
        """Put entries of a log from number `first` on, which are in it again, before what is here."""
        if not count:
            return
        self.start -= count
        if self._runs and self._runs[0] == (log, first + count):
            self._runs[0], self._starts[0] = (log, first), self.start
            return
        self._runs.insert(0, (log, first))
        self._starts.insert(0, self.start)
        self._memory.take(RUN_SIZE)
        if len(self._runs) == 1:
            self._last_log = log

    def resume(self, length: int) -> None:
        """Begin with so many messages of which none is here."""
        self.start = self._end = length

    def shift(self, count: int) -> None:
        """Each message stands later by so many places: more came before the first one than was known."""
        self.start += count
        self._end += count
        self._starts = [start + count for start in self._starts]

    def runs_from(self, place: int) -> Iterator[tuple[Log, int, int]]:
        """The same from a place on that is here."""
        at = max(bisect_right(self._starts, place) - 1, 0)
        for index in range(at, len(self._runs)):
            log, first = self._runs[index]
            begin, stop = self._starts[index], self._starts[index + 1] if index + 1 < len(self._runs) else self._end
            skipped = max(0, place - begin)
            if stop - begin > skipped:
                yield log, first + skipped, stop - begin - skipped

    def runs(self) -> Iterator[tuple[Log, int, int]]:
        """From the front on: a log, the first one's number, and how many of its messages follow each other."""
        for at, (log, first) in enumerate(self._runs):
            stop = self._starts[at + 1] if at + 1 < len(self._starts) else self._end
            yield log, first, stop - self._starts[at]

    def drop(self, count: int) -> None:
        """Let so many messages go from the front."""
        self.start += count
        gone = bisect_right(self._starts, self.start) - 1 if self.start < self._end else len(self._runs)
        del self._runs[:gone], self._starts[:gone]
        self._memory.take(-gone * RUN_SIZE)
        if self._runs:
            log, first = self._runs[0]
            self._runs[0] = log, first + self.start - self._starts[0]
            self._starts[0] = self.start
        else:
            self._last_log = None

    def __len__(self) -> int:
        return self._end

    @overload
    def __getitem__(self, place: int) -> Message: ...

    @overload
    def __getitem__(self, place: slice) -> list[Message]: ...

    def __getitem__(self, place: int | slice) -> Message | list[Message]:
        places = range(self._end)
        if isinstance(place, slice):
            wanted = places[place]
            if wanted.step == 1:  # of millions that have gone none is looked at
                wanted = range(max(wanted.start, self.start), wanted.stop)
            return [self._message(at) for at in wanted if at >= self.start]
        if places[place] < self.start:
            raise IndexError("the message is no longer kept")
        return self._message(places[place])

    def __iter__(self) -> Iterator[Message]:
        return iter(self[self.start :])

    def _message(self, place: int) -> Message:
        at = bisect_right(self._starts, place) - 1
        log, first = self._runs[at]
        number = first + place - self._starts[at]
        return Message(log.author, number, log.entry(number))
