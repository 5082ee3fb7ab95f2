"""A conversation: the logs of those in it, folded into what a person sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from pychat.core.log import AuthorId, Entry, Logs
from pychat.core.sync import Outgoing

ConversationId = int
LinkId = int


class Delivery(Enum):
    """How far a message of ours has come."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"


class Message(NamedTuple):
    """A message in its place on the screen: whose it is, its number in that author's log, and the entry."""

    author: AuthorId
    number: int
    entry: Entry


@dataclass(slots=True)
class Conversation:
    """What was said with one other person, over however many links.

    `peer` is unknown until a first link has opened. `acknowledged` and `sent` count our own entries; what is sent
    and not acknowledged when a link is lost counts as waiting again, for it will be sent anew.
    """

    id: ConversationId
    me: AuthorId
    peer: AuthorId | None = None
    link: LinkId | None = None
    logs: Logs = field(default_factory=Logs)
    timeline: list[Message] = field(default_factory=list)
    acknowledged: int = 0
    sent: int = 0

    def write(self, entry: Entry) -> None:
        """Add a message of our own."""
        self.timeline.append(Message(self.me, self.logs.append(self.me, entry), entry))

    def receive(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> int:
        """Take a peer's entries and return how many were new.

        Raises:
            RemoteError: there is a gap, or there are too many.
        """
        new = self.logs.merge(author, first, entries)
        number = self.logs.count(author) - len(new)
        self.timeline.extend(Message(author, number + i, entry) for i, entry in enumerate(new, 1))
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
