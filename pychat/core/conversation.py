"""A conversation: the logs of those in it, folded into what a person sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from pychat.core.contacts import Contact, clean_name
from pychat.core.errors import MessageProblem, RemoteError
from pychat.core.handshake import PublicKey
from pychat.core.log import AuthorId, Entry, Logs
from pychat.core.sync import Outgoing
from pychat.core.timeline import Timeline

MAX_LOGS = 16
"""Logs that one person may begin in one conversation: a protection against a hostile one that never stops."""

ConversationId = int
LinkId = int
MeetingId = int
SessionId = int
"""A session with the relay; each has a number of its own."""


class Delivery(Enum):
    """How far a message of ours has come."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"


@dataclass(slots=True)
class Conversation:
    """What was said with one other person, over however many links.

    `me` names our own log in it. `peer` is the identity of the other one, unknown until a first link has opened;
    `peer_log` names the log that they write now: they begin a new one when they have lost theirs. `written`, `sent` and
    `acknowledged` count our own entries; while there is no path, what is not acknowledged counts as waiting, for nobody
    knows whether it has arrived. `warning` is somebody known whose name the other one uses, or has used; until the
    person has heeded it nothing is sent.
    `met_here` says that the two had never met before. `backstage` is one that nobody is shown: that of a link in a room
    before it is known who is there. `unopened` says that somebody has come, and that the person has neither looked at
    it nor written in it since; `ended` is when its last link has.
    """

    id: ConversationId
    me: AuthorId
    peer: PublicKey | None = None
    peer_log: AuthorId | None = None
    peer_name: str = ""
    warning: Contact | None = None
    met_here: bool = False
    backstage: bool = False
    unopened: bool = False
    ended: float = 0.0
    link: LinkId | None = None
    logs: Logs = field(default_factory=Logs)
    written: int = 0
    acknowledged: int = 0
    sent: int = 0
    peer_logs: dict[AuthorId, None] = field(default_factory=dict)
    timeline: Timeline = field(init=False)

    def __post_init__(self) -> None:
        self.timeline = Timeline(self.logs)

    def problem(self, text: str) -> MessageProblem | None:
        """Why this text cannot be a message of ours, or None."""
        return self.logs.problem(self.me, text)

    def write(self, entry: Entry) -> None:
        """Add a message of our own.

        Raises:
            LocalError: there is a `problem` with its text.
        """
        self.written = self.logs.append(self.me, entry)
        self.timeline.extend(self.me, self.written, 1)

    def take_card(self, log: AuthorId, name: str) -> None:
        """Note under which author the other one writes from now on, and how they call themselves.

        Raises:
            RemoteError: it is our own log, or they have begun too many.
        """
        if log == self.me or len({*self.peer_logs, log}) > MAX_LOGS:
            raise RemoteError("the peer writes under a name that it cannot have")
        self.peer_logs[log] = None
        self.peer_log, self.peer_name = log, clean_name(name)

    def receive(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> int:
        """Take a peer's entries and return how many were new.

        Raises:
            RemoteError: there is a gap, or there are too many.
        """
        new = self.logs.merge(author, first, entries)
        if new:
            self.timeline.extend(author, first + len(entries) - len(new), len(new))
        return len(new)

    def progress(self, outgoing: Outgoing | None) -> None:
        """Note how far our own entries have come over the present link, or that there is none."""
        if outgoing is None:
            self.sent = self.acknowledged
        else:
            if outgoing.acknowledged > self.acknowledged:
                self.acknowledged = outgoing.acknowledged
            self.sent = outgoing.sent

    def delivery(self, number: int) -> Delivery:
        """How far our own message of that number has come."""
        if number <= self.acknowledged:
            return Delivery.DELIVERED
        return Delivery.SENT if number <= self.sent else Delivery.WAITING

    @property
    def undelivered(self) -> int:
        return self.written - self.acknowledged
