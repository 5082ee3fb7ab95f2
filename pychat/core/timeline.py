"""What a person sees of a conversation, in the order in which it came here.

The texts stay in the logs; here is only whose turn it was. A burst of a thousand messages is one run, and a message
is put together when somebody looks at it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from pychat.core.log import AuthorId, Entry, Logs


class Message(NamedTuple):
    """A message in its place on the screen: whose it is, its number in that author's log, and the entry."""

    author: AuthorId
    number: int
    entry: Entry


class Timeline(Sequence[Message]):
    """The messages of a conversation, as a sequence that only grows."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._runs: list[tuple[AuthorId, int]] = []  # whose messages follow each other, and the first one's number
        self._starts: list[int] = []  # for each run the place of its first message
        self._length = 0
        self._last_author: AuthorId | None = None

    def extend(self, author: AuthorId, first: int, count: int) -> None:
        """Add the author's entries from number `first` on, which are in the log already."""
        if author != self._last_author:
            self._last_author = author
            self._runs.append((author, first))
            self._starts.append(self._length)
        self._length += count

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Message: ...

    @overload
    def __getitem__(self, place: slice) -> list[Message]: ...

    def __getitem__(self, place: int | slice) -> Message | list[Message]:
        if isinstance(place, slice):
            return [self._message(i) for i in range(self._length)[place]]
        return self._message(range(self._length)[place])

    def __iter__(self) -> Iterator[Message]:
        return iter(self[:])

    def _message(self, place: int) -> Message:
        at = bisect_right(self._starts, place) - 1
        author, first = self._runs[at]
        number = first + place - self._starts[at]
        return Message(author, number, self._logs.entry(author, number))
