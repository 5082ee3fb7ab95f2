"""One link's share of the logs: what the peer has, what is on its way, what goes out next, and when to acknowledge.

What is put on the channel but not acknowledged stays below a window, so that a slow peer or a slow network never
makes us pile up data in the channel; entries go out in few, large frames. What comes in is acknowledged at once after a
pause, but in a lively conversation only now and then, for an acknowledgement costs as much as a message.
"""

from collections import deque
from collections.abc import Sequence

from pychat.core.content import size_of_json
from pychat.core.errors import RemoteError
from pychat.core.ids import AuthorId
from pychat.core.log import Entry, Logs, StateVector
from pychat.core.wire import Entries

WINDOW = 256 * 1024
"""Bytes that may be unacknowledged. With twice as many, bursts in Firefox lose packets, and stop for 0.4 s."""
FRAME_TARGET = 16 * 1024
"""Bytes after which a frame is closed; one entry alone may be larger, never larger than a frame may be."""
_FRAME_OVERHEAD = 100
"""Bytes of a frame beside its entries, counted high: its kind, the author, a number, brackets."""
_ENTRY_OVERHEAD = 20
"""Bytes of an entry beside its text: brackets, the time, quotation marks, commas."""
_ORDER_OVERHEAD = 16
"""Bytes of a rank, where there is one."""

ACKNOWLEDGE_INTERVAL = 0.02
"""Seconds between two acknowledgements, unless much has come."""
ACK_AFTER_CHARS = 16 * 1024
"""Characters of entries that are acknowledged without waiting."""


class Outgoing:
    """The sending side of one log towards one peer.

    Args:
        acknowledged: how far the peer has read it, as it said last.
        known: how many entries it had before this link: so many the peer may have, whether it said so or not.
    """

    def __init__(self, author: AuthorId, acknowledged: int, known: int = 0) -> None:
        self._known = known
        self.author = author
        self.acknowledged = acknowledged
        self.sent = acknowledged
        self._in_flight: deque[tuple[int, int]] = deque()  # number of a frame's last entry, bytes
        self._bytes = 0

    def acknowledge(self, have: StateVector) -> None:
        """Take the peer's word for what it has.

        Raises:
            RemoteError: it claims what was never sent.
        """
        count = have.get(self.author, 0)
        if count > max(self.sent, self._known):
            raise RemoteError("the peer acknowledges what was never sent")
        self.sent = max(self.sent, count)
        self.acknowledged = max(self.acknowledged, count)
        while self._in_flight and self._in_flight[0][0] <= self.acknowledged:
            self._bytes -= self._in_flight.popleft()[1]

    def is_done(self, logs: Logs) -> bool:
        """Whether the peer has all that there was to send."""
        return self.sent >= logs.count(self.author) and not self._in_flight

    def frames(self, logs: Logs) -> Sequence[Entries]:
        """Take what is to be sent now. What the peer lacks but is no longer here, or was deleted here, is skipped."""
        log = logs.log(self.author)
        frames: list[Entries] = []
        if log is not None and self.sent < log.offset:
            self.sent = log.offset
        while log is not None and self._bytes < WINDOW and self.sent < log.durable:
            # A frame holds no more.
            waiting = log.after(self.sent, min(FRAME_TARGET // _ENTRY_OVERHEAD, log.durable - self.sent))
            stop, size = _fill(waiting)
            texts = [entry.text for entry in waiting[:stop]]
            if "" in texts:
                stop = texts.index("")
                if stop == 0:
                    self.sent += 1
                    continue
                _, size = _fill(waiting[:stop])
            frames.append(Entries(self.author, self.sent + 1, waiting[:stop]))
            self.sent += stop
            self._in_flight.append((self.sent, size))
            self._bytes += size
        self.pass_over_deleted(logs)
        return frames

    def pass_over_deleted(self, logs: Logs) -> None:
        """What was skipped since it was deleted here counts as acknowledged, once all before it is: nothing will be."""
        log = logs.log(self.author)
        while (
            log is not None
            and log.offset <= self.acknowledged < self.sent
            and not log.entry(self.acknowledged + 1).text
        ):
            self.acknowledged += 1


class Incoming:
    """When to acknowledge the peer's entries. `due` is when, in seconds of the node's clock; None is not at all.

    While `is_withheld` nothing is acknowledged, for there is no room for more: a peer that waits for it sends no more.
    `has_begun` says that this side has said what it has: until then the peer does not know from where on to send.
    """

    def __init__(self) -> None:
        self.due: float | None = None
        self.is_withheld = False
        self.has_begun = False
        self._not_before = 0.0
        self._chars = 0
        self._awaited: deque[tuple[int, int]] = deque()  # numbers of last entries, characters

    def take(self, entries: Sequence[Entry], now: float) -> None:
        """Note that these have come, whether they are new or not."""
        for entry in entries:
            self._chars += len(entry.text)
        if self._chars >= ACK_AFTER_CHARS:
            self.due = now
        elif self.due is None:
            self.due = max(now, self._not_before)

    def await_journal(self, last: int, entries: Sequence[Entry]) -> None:
        """Note that these have come, the last one with this number; they count once they are in the journal."""
        self._awaited.append((last, sum([len(entry.text) for entry in entries])))

    @property
    def awaits_journal(self) -> bool:
        """Whether something is on its way into the journal."""
        return bool(self._awaited)

    def kept(self, count: int, now: float) -> None:
        """So much of the peer's log is in the journal."""
        while self._awaited and self._awaited[0][0] <= count:
            self._chars += self._awaited.popleft()[1]
            if self._chars >= ACK_AFTER_CHARS:
                self.due = now
            elif self.due is None:
                self.due = max(now, self._not_before)

    def begin(self, now: float) -> None:
        """Say at once what is here; the first time that tells the peer from where on to send."""
        self.due = now

    def withhold(self) -> None:
        """Acknowledge nothing until there is room."""
        self.due, self.is_withheld = None, True

    def acknowledged(self, now: float) -> None:
        """All that is to be acknowledged by now is."""
        self.due, self.is_withheld, self._chars = None, False, 0
        self.has_begun = True
        self._not_before = now + ACKNOWLEDGE_INTERVAL


def _fill(waiting: Sequence[Entry]) -> tuple[int, int]:
    """Return how many of the entries make a frame, and how many bytes it takes at most.

    The bytes are counted high: in JSON a printable ASCII character takes two at most (a backslash before it), any
    other one six (a control character as \\u and four digits).
    """
    if len(waiting) == 1:  # it goes out whatever its size
        relation = waiting[0].relation
        size = _FRAME_OVERHEAD + _ENTRY_OVERHEAD + _ORDER_OVERHEAD + 6 * len(waiting[0].text)
        return 1, size if relation is None else size + size_of_json(relation)
    count, size = _reach(waiting, 2)
    texts = "".join([entry.text for entry in waiting[:count]])
    return (count, size) if texts.isascii() and texts.isprintable() else _reach(waiting, 6)


def _reach(waiting: Sequence[Entry], bytes_per_character: int) -> tuple[int, int]:
    size = _FRAME_OVERHEAD
    for count, entry in enumerate(waiting):
        entry_size = _ENTRY_OVERHEAD + bytes_per_character * len(entry.text)
        if entry.relation is not None:
            entry_size += size_of_json(entry.relation)
        if entry.order:
            entry_size += _ORDER_OVERHEAD
        if count and size + entry_size > FRAME_TARGET:
            return count, size
        size += entry_size
    return len(waiting), size
