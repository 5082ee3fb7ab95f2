"""A conversation: the logs of those in it, folded into what a person sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from pychat.core.errors import MessageProblem
from pychat.core.log import AuthorId, Entry, Logs
from pychat.core.sync import Outgoing
from pychat.core.timeline import Timeline

ConversationId = int
LinkId = int


class Delivery(Enum):
    """How far a message of ours has come."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"


@dataclass(slots=True)
class Conversation:
    """What was said with one other person, over however many links.

    `peer` is unknown until a first link has opened. `acknowledged` and `sent` count our own entries; while
    there is no path, what is not acknowledged counts as waiting, for nobody knows whether it has arrived.
    """

    id: ConversationId
    me: AuthorId
    peer: AuthorId | None = None
    link: LinkId | None = None
    logs: Logs = field(default_factory=Logs)
    acknowledged: int = 0
    sent: int = 0
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
        self.timeline.extend(self.me, self.logs.append(self.me, entry), 1)

    def receive(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> int:
        """Take a peer's entries and return how many were new.

        Raises:
            RemoteError: there is a gap, or there are too many.
        """
        new = self.logs.merge(author, first, entries)
        if new:
            self.timeline.extend(author, self.logs.count(author) - len(new) + 1, len(new))
        return len(new)

    def progress(self, outgoing: Outgoing | None) -> None:
        """Note how far our own entries have come over the present link, or that there is none."""
        if outgoing is None:
            self.sent = self.acknowledged
        else:
            self.acknowledged = max(self.acknowledged, outgoing.acknowledged)
            self.sent = outgoing.sent

    def delivery(self, number: int) -> Delivery:
        """How far our own message of that number has come."""
        if number <= self.acknowledged:
            return Delivery.DELIVERED
        return Delivery.SENT if number <= self.sent else Delivery.WAITING

    @property
    def undelivered(self) -> int:
        return self.logs.count(self.me) - self.acknowledged
