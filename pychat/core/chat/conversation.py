"""What a person writes in: conversations, and introductions to whoever comes. Their logs, folded into what is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from sys import getsizeof

from pychat.core.chat.timeline import Timeline
from pychat.core.errors import MessageProblem, RemoteError
from pychat.core.identity.contacts import Namesake, clean_name
from pychat.core.ids import AuthorId, ChatId, LinkId, PublicKey, RoomId
from pychat.core.log import Entry, Log, Logs, text_problem
from pychat.core.memory import (
    ALL_MOST,
    CONVERSATION_MOST,
    ENTRY_SIZE,
    MARGIN,
    STEP,
    UNACKNOWLEDGED_MOST,
    Memory,
    size_of,
)
from pychat.core.sync import Outgoing


class Delivery(Enum):
    """How far a message of ours has come."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"


@dataclass(slots=True, eq=False)
class Chat:
    """Something that a person can look at and write in: an introduction or a conversation.

    `own_log` names our own log in it. `link` is the present link, or the last one if that has ended; `rooms` are those
    that are shown here, and whether the person is in each. `written`, `sent` and `acknowledged` count our own entries;
    while there is no path, what is not acknowledged counts as waiting, for nobody knows whether it has arrived. `ended`
    is when the last link has ended.

    What both sides have goes again, from the front, when too much is held (`memory`). Whoever hands the messages out
    one by one says in `read_to` before which place that is done; else they count as read when they come.
    """

    id: ChatId
    own_log: AuthorId
    link: LinkId | None = None
    rooms: dict[RoomId, bool] = field(default_factory=dict)
    ended: float = 0.0
    memory: Memory = field(default_factory=Memory)
    written: int = 0
    acknowledged: int = 0
    sent: int = 0
    read_to: int | None = None
    logs: Logs = field(init=False)
    timeline: Timeline = field(init=False)
    _log: Log = field(init=False)
    _acknowledged_size: int = 0

    def __post_init__(self) -> None:
        self.logs, self.timeline = Logs(self.memory), Timeline(self.memory)
        self._log = self.logs.begin(self.own_log)

    def clear(self) -> None:
        """Let go of all that is in it."""
        self.logs, self.timeline = Logs(self.memory), Timeline(self.memory)
        self._log = self.logs.begin(self.own_log)
        self.written = self.acknowledged = self.sent = 0
        self.memory.give_back()

    @property
    def is_in_room(self) -> bool:
        """Whether the person is in a room that is shown here."""
        return any(self.rooms.values())

    @property
    def unacknowledged_size(self) -> int:
        """The bytes of our own messages that wait to arrive."""
        return self._log.added - self._acknowledged_size

    def validate(self, text: str) -> MessageProblem | None:
        """Why this text cannot be a message of ours, or None."""
        problem = text_problem(text)
        if problem is None and self.unacknowledged_size > STEP:
            whole = self.memory.whole
            too_much = self.unacknowledged_size > UNACKNOWLEDGED_MOST or (whole is not None and whole.held > ALL_MOST)
            problem = MessageProblem.FULL if too_much else None
        return problem

    def write(self, entry: Entry) -> None:
        """Add a message of our own, also where there was no room when it was written: whoever asks looks before.

        Raises:
            LocalError: it is empty or too long.
        """
        self.written = self.logs.append(self.own_log, entry)
        self.timeline.extend(self._log, self.written, 1)
        if self.memory.held > CONVERSATION_MOST:
            self.make_room()

    def make_room(self, most: int | None = None) -> None:
        """Let the oldest messages go that both sides have, until no more than so many bytes are held."""
        going: dict[Log, tuple[int, int]] = {}
        places, excess = 0, self.memory.held - (CONVERSATION_MOST - STEP if most is None else most)
        unread = len(self.timeline) - 1  # the last one stays, whatever it is
        if self.read_to is not None:
            unread = max(min(self.read_to, unread), self.timeline.start)
        for log, first, length in self.timeline.runs():
            here = min(length, unread - self.timeline.start - places)
            if log.author == self.own_log:
                here = min(here, self.acknowledged - first + 1)
            count, size = _fewest(log, first, here, max(excess, 0))
            before = going.get(log, (0, 0))
            going[log] = before[0] + count, before[1] + size
            places += count
            excess -= size
            if count < length or excess <= 0:
                break
        self.timeline.drop(places)
        for log, (count, size) in going.items():
            self.logs.drop(log, count, size)

    def holds_too_much(self, margin: int = 0) -> bool:
        """Whether more is held than should be: here, or by all together and here not only what waits for the peer."""
        whole, others = self.memory.whole, self.memory.held - self.unacknowledged_size
        return self.memory.held > CONVERSATION_MOST + margin or (
            whole is not None and whole.held > ALL_MOST + margin and others > STEP
        )

    def progress(self, outgoing: Outgoing | None) -> None:
        """Note how far our own entries have come over the present link, or that there is none."""
        if outgoing is None:
            self.sent = self.acknowledged
        else:
            if outgoing.acknowledged > self.acknowledged:
                arrived = self._log.after(self.acknowledged, outgoing.acknowledged - self.acknowledged)
                self._acknowledged_size += size_of(arrived)
                self.acknowledged = outgoing.acknowledged
            self.sent = outgoing.sent

    def delivery(self, number: int) -> Delivery:
        """How far our own message of that number has come."""
        if number <= self.acknowledged:
            return Delivery.DELIVERED
        return Delivery.SENT if number <= self.sent else Delivery.WAITING

    @property
    def undelivered(self) -> int:
        """How many of our own entries the peer has not acknowledged."""
        return self.written - self.acknowledged


@dataclass(slots=True, eq=False)
class Introduction(Chat):
    """What waits for somebody of whom it is not known who that will be: an invite, a reply, a room with nobody in it.

    What is written meanwhile goes to the first who comes. `became` is the conversation with them, from then on.
    """

    became: ChatId | None = None


@dataclass(slots=True, eq=False)
class Conversation(Chat):
    """What was said with one other person, over however many links.

    `peer` is the identity of the other one; `peer_log` names the log that they write now: they begin a new one when
    they have lost theirs. `warning` is somebody known whose name the other one uses, or has used; until the person has
    dismissed it nothing is sent. `met_here` says that the two had never met before. `unopened` says that somebody has
    come, and that the person has neither looked at it nor written in it since.
    """

    peer: PublicKey = b""
    peer_log: AuthorId | None = None
    peer_name: str = ""
    warning: Namesake | None = None
    met_here: bool = False
    unopened: bool = False

    def take_introduction(self, log: AuthorId, name: str) -> None:
        """Note under which author the other one writes from now on, and how they call themselves.

        Raises:
            RemoteError: it is our own log.
        """
        if log == self.own_log:
            raise RemoteError("the peer writes under a name that it cannot have")
        if log != self.peer_log:
            self.logs.turn_to(log, instead_of=self.peer_log, own=self.own_log)
        self.peer_log, self.peer_name = log, clean_name(name)

    def receive(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> int:
        """Take a peer's entries and return how many were new.

        Raises:
            RemoteError: there are too many, and it has not acknowledged ours, or been acknowledged itself.
        """
        if self.holds_too_much(MARGIN):
            self.make_room()
            if self.holds_too_much(MARGIN):
                raise RemoteError("more messages than can be kept")
        new = self.logs.merge(author, first, entries)
        log = self.logs.log(author)
        if new and log is not None:
            self.timeline.extend(log, first + len(entries) - len(new), len(new))
            if self.memory.held > CONVERSATION_MOST:
                self.make_room()
        return len(new)


def _fewest(log: Log, first: int, most: int, size: int) -> tuple[int, int]:
    """Of entries from number `first` on: how many take so many bytes, `most` of them at most, and what they take."""
    taken = 0
    entries = log.after(first - 1, min(max(most, 0), size // ENTRY_SIZE + 1))
    for count, (_, text) in enumerate(entries):
        if taken >= size:
            return count, taken
        taken += ENTRY_SIZE + getsizeof(text)
    return len(entries), taken
