"""What the services of the core have in common: the turn that they share, and how they hear of each other.

Theory of operation. A service has one subject (links, rooms, messaging …). It handles the types of events that it
names, and takes the frames that it names, once the link has come as far as the frame needs. Services do not call each
other, `Links` excepted: what others may want to know is a notification. Notifications are delivered after the event in
whose course they came up, so no service is entered again while it is at work. At the end of a turn every service sends
what it has left to send.
"""

import hmac
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pychat.core import wire
from pychat.core.codes.roomcode import RoomCode
from pychat.core.effects import Effect
from pychat.core.ids import AuthorId, ChatId, LinkId, PublicKey
from pychat.core.link import Link
from pychat.core.webrtc.capabilities import Capabilities

_LOG_ID_SIZE = 16


class Stage(IntEnum):
    """How far a link must have come before a frame is heard."""

    ANY = 0
    AUTHENTICATED = 1
    """The peer has proved who it is."""
    INTRODUCED = 2
    """The peer has said what it is called, and which log is its own."""


@dataclass(frozen=True, slots=True)
class FrameRule:
    """Who takes the frames of a type, and from which stage on.

    `is_message`: such a frame mostly changes nothing but what is to be sent, so a turn of these alone may be short.
    """

    stage: Stage
    take: Callable[[Link, Any], None]
    is_message: bool = False


@dataclass(frozen=True, slots=True)
class LinkNotification:
    """Something has happened to a link. A mistake of the peer that comes up while it is heard ends the link."""

    link: Link


class LinkAuthenticated(LinkNotification):
    """The handshake is done: it is known who is there, and not yet whether they may come in."""


class LinkAdmitted(LinkNotification):
    """They may."""


class LinkOpened(LinkNotification):
    """Frames of people can be sent; also when a lost path was found again."""


class LinkLost(LinkNotification):
    """There is no path for the moment."""


@dataclass(frozen=True, slots=True)
class LinkClosed(LinkNotification):
    """It has ended, for the reason that it says; `chat` is where it was shown until then."""

    chat: ChatId | None


@dataclass(frozen=True, slots=True)
class PeerIntroduced(LinkNotification):
    """The peer has said what it is called; `is_renamed`: for the first time, or by another name than before."""

    is_renamed: bool


class PeerAcknowledged(LinkNotification):
    """The peer has something that was written here."""


@dataclass(frozen=True, slots=True)
class RoomCodePasted:
    """The code of a room was pasted or opened: `asks` says that the person is to be asked before they go in."""

    code: RoomCode
    relay: str
    asks: bool


@dataclass(frozen=True, slots=True)
class ConversationKept:
    """What was written in a conversation, or came in, is in the journal; or what is there was read."""

    chat: ChatId


@dataclass(frozen=True, slots=True)
class EarlierWanted:
    """What is in the journal of a conversation before what is here is wanted: by the peer, or to be shown."""

    chat: ChatId


@dataclass(frozen=True, slots=True)
class ConnectAgainWanted:
    """The other one of a conversation is to be found by the room that follows from a secret, at a relay."""

    chat: ChatId
    secret: bytes
    relay: str


@dataclass(frozen=True, slots=True)
class WaitingEnded:
    """The other one of a conversation, for whom the person did not ask, is not waited for any more."""

    chat: ChatId


@dataclass(frozen=True, slots=True)
class KeepForChanged:
    """In another tab it was chosen for how long a conversation is kept; `former` is for how many seconds it was."""

    chat: ChatId
    former: int


@dataclass(frozen=True, slots=True)
class WrittenInTab:
    """In another tab something was written into a log of ours, for the other one of a conversation."""

    chat: ChatId
    log: AuthorId


@dataclass(frozen=True, slots=True)
class MessagesForgotten:
    """Of a conversation something is no longer kept."""

    chat: ChatId


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A message was deleted on this device: the one of this number in a log."""

    chat: ChatId
    author: AuthorId
    number: int


@dataclass(frozen=True, slots=True)
class MessagesRetracted:
    """Somebody has deleted messages of their own for both (`Conversation.retracted`)."""

    chat: ChatId


@dataclass(frozen=True, slots=True)
class DeletedInTab:
    """Another tab says that a message was deleted there."""

    chat: ChatId
    author: AuthorId
    number: int


Notification = (
    LinkNotification
    | RoomCodePasted
    | ConversationKept
    | EarlierWanted
    | ConnectAgainWanted
    | WaitingEnded
    | KeepForChanged
    | WrittenInTab
    | MessagesForgotten
    | MessageDeleted
    | DeletedInTab
    | MessagesRetracted
)


class Context:
    """What the services of one node share.

    Args:
        key: the identity of this person.
        seed: random bytes, from which all that is to be unforeseeable here follows.
        capabilities: of the WebRTC stack in use.
    """

    def __init__(self, key: PublicKey, seed: bytes, capabilities: Capabilities) -> None:
        self.key = key
        self.capabilities = capabilities
        self.has_webrtc = True
        self.clock = 0.0
        """Seconds since 1970."""
        self.now = 0.0
        """The same as if the clock had never been set back."""
        self.effects: list[Effect] = []
        self.notifications: deque[Notification] = deque()
        self.needs_full_pass = False
        """Whether this turn may have changed more than what is to be sent."""
        self.soonest: float | None = None
        """The time from `wake_by` for which a service wants to be woken after a short turn."""
        self.touched: set[LinkId | None] = set()
        """Over these links a short turn may have something to send."""
        self._seed = seed
        self._ids = 0
        self._drawn = 0

    def emit(self, effect: Effect) -> None:
        """Have something done after this turn."""
        self.effects.append(effect)

    def notify(self, notification: Notification) -> None:
        """Let others know, once the event at hand is handled."""
        self.notifications.append(notification)

    def wake_by(self, at: float) -> None:
        """Let a service be woken then, also where this turn looks at nothing else that is due."""
        if self.soonest is None or at < self.soonest:
            self.soonest = at

    def next_id(self) -> int:
        """A number that nothing else has."""
        self._ids += 1
        return self._ids

    def random(self) -> float:
        """A number in [0, 1) that others cannot foresee."""
        return int.from_bytes(self._draw(b"chance")[:4], "big") / 2**32

    def new_log_id(self) -> str:
        """The name of a new log: 16 unforeseeable bytes as base64url."""
        return wire.to_text(self._draw(b"log")[:_LOG_ID_SIZE])

    def new_secret(self) -> bytes:
        """20 bytes that others cannot foresee, for a room."""
        return self._draw(b"rendezvous")[: wire.SECRET_SIZE]

    def _draw(self, purpose: bytes) -> bytes:
        self._drawn += 1
        return hmac.digest(self._seed, b"%b %d" % (purpose, self._drawn), "sha256")


class Service:
    """One subject of the core. What it does not override it has not."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """The types of events that it handles."""
        return {}

    def frame_rules(self) -> Mapping[type, FrameRule]:
        """The types of frames that it takes."""
        return {}

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """The types of notifications that it hears."""
        return {}

    @property
    def due(self) -> float | None:
        """When it wants to be woken, in seconds as `Context.now`; None is not at all."""
        return None

    def wake(self) -> None:
        """Do what is due."""

    def flush(self) -> None:
        """End a turn: send what is left to send."""
