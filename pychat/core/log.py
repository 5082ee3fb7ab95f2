"""The append-only log: what each author wrote, numbered from 1.

Two peers that connect tell each other how far they have read each log (a state vector) and send what is missing. One
mechanism is thus the outbox, the acknowledgement, the resend after a lost link and the removal of doubles.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
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


class Logs:
    """The logs of one conversation, by author.

    `max_entries` and `max_chars` limit what one author may make everybody keep; they are a protection against a
    hostile peer that never stops sending.
    """

    def __init__(self, *, max_entries: int = 200_000, max_chars: int = 50_000_000) -> None:
        self._logs: defaultdict[AuthorId, list[Entry]] = defaultdict(list)
        self._forgotten: dict[AuthorId, int] = {}  # how many entries of a log were put away
        self._chars: dict[AuthorId, int] = {}
        self._max_entries = max_entries
        self._max_chars = max_chars

    def count(self, author: AuthorId) -> int:
        """How far the author's log has been read."""
        return len(self._logs.get(author, ())) + self._forgotten.get(author, 0)

    def forget(self, counts: StateVector) -> None:
        """Begin logs, of which nothing is here yet, after so many entries: they were read once, and put away."""
        self._forgotten.update(counts)

    def entries(self, author: AuthorId, after: int) -> Sequence[Entry]:
        """The author's entries from number `after` + 1 on."""
        return self._logs.get(author, [])[after - self._forgotten.get(author, 0) :]

    def entry(self, author: AuthorId, number: int) -> Entry:
        """One entry by its number, which must be one that is here."""
        return self._logs[author][number - 1 - self._forgotten.get(author, 0)]

    def problem(self, author: AuthorId, text: str) -> MessageProblem | None:
        """Why the author cannot add this text to their log, or None."""
        length = len(text)
        if not 0 < length <= MAX_TEXT:
            return MessageProblem.TOO_LONG if length else MessageProblem.EMPTY
        if self.count(author) >= self._max_entries or self._chars.get(author, 0) + length > self._max_chars:
            return MessageProblem.FULL
        return None

    def append(self, author: AuthorId, entry: Entry) -> int:
        """Add an entry of our own and return its number.

        Raises:
            LocalError: there is a `problem` with the text; whoever asks is expected to have looked before.
        """
        problem = self.problem(author, entry.text)
        if problem is not None:
            raise LocalError(f"the message is refused: {problem.value}")
        log = self._logs[author]
        log.append(entry)
        self._chars[author] = self._chars.get(author, 0) + len(entry.text)
        return self.count(author)

    def merge(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Take what a peer sent, numbered from `first`, and return what of it is new.

        Raises:
            RemoteError: there is a gap before it, or the author's log grows past the limits.
        """
        log, count = self._logs[author], self.count(author)
        if first > count + 1:
            raise RemoteError(f"entries {count + 1} to {first - 1} are missing")
        new = entries[count + 1 - first :]
        chars = self._chars.get(author, 0) + sum([len(entry.text) for entry in new])
        if len(log) + len(new) > self._max_entries or chars > self._max_chars:
            raise RemoteError("more messages than can be kept")
        log.extend(new)
        self._chars[author] = chars
        return new
