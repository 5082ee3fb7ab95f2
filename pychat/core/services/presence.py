"""What two people see of each other while they are connected: that one types, is away, and how far they have read.

Theory of operation. A program reports facts: that the person types in a conversation, does anything, looks away from
it, has its focus, has scrolled up. What follows from these, and from the time, is decided here: who is away, and
whether they type. A state is told to a peer when it is another one than it was told last (`wire.Presence`), and
“typing” once more while it lasts; how far the person has seen the peer's logs (`Conversation.seen`) when that has grown
(`wire.Read`). Both wait where there was much to tell just before. Nothing of it is stored, and with a link what was
told over it is forgotten.

Nothing is told to somebody about whom a warning stands, or whom the person has neither looked at nor ever written to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pychat.core import events, wire
from pychat.core.bucket import Bucket
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Conversation
from pychat.core.errors import RemoteError
from pychat.core.ids import ChatId, LinkId
from pychat.core.link import Link, LinkPhase
from pychat.core.log import StateVector
from pychat.core.service import (
    Context,
    FrameRule,
    LinkClosed,
    LinkLost,
    LinkNotification,
    Service,
    Stage,
)
from pychat.core.services.links import Links

IDLE_AFTER, HIDDEN_AFTER = 300.0, 60.0
"""Seconds without any sign of the person after which they count as away, and the same while they see nothing of it."""
TYPING_PAUSE = 5.0
"""Seconds without a key after which somebody types no more."""
TYPING_INTERVAL = 5.0
"""Seconds after which it is told once more that somebody still types."""
TYPING_SHOWN = 12.0
"""Seconds for which it is shown that the other one types, unless they say so once more."""
TELL_BURST, TELL_INTERVAL = 8, 1.0
"""How many states a peer is told at once, at most, and seconds until it is told one more."""
READ_INTERVAL = 1.0
"""Seconds between two times that a peer is told what was read."""
HEAR_BURST, HEAR_INTERVAL = 600, 0.25
"""How many such frames a peer may send at once, and seconds until one more: four times what is told here in a second,
and all that is told in two minutes for which the path was lost."""


@dataclass(slots=True)
class _Peer:
    """What was said over a link. Times are seconds as `Context.now`.

    `state` is what the peer has said, `typing_until` for how long it is shown if that is “typing”, `count` how much of
    its log was there by then. `told` and `told_read` are what it was told last, and `told_at` when it was told a state,
    `read_at` when it may be told what was read.
    """

    state: str = ""
    typing_until: float = 0.0
    count: int = 0
    told: str = ""
    told_at: float = 0.0
    told_read: StateVector = field(default_factory=dict)
    read_at: float = 0.0
    telling: Bucket = field(default_factory=lambda: Bucket(TELL_BURST, TELL_INTERVAL))
    hearing: Bucket = field(default_factory=lambda: Bucket(HEAR_BURST, HEAR_INTERVAL))


class Presence(Service):
    """Typing, away, and what was read. `sharing` is what the person lets others see of that: nothing at first."""

    def __init__(self, context: Context, links: Links, chats: Chats) -> None:
        super().__init__(context)
        self.sharing = events.SetPresenceSharing(typing=False, away=False, read=False)
        self._links = links
        self._chats = chats
        self._peers: dict[LinkId, _Peer] = {}
        self._typers: set[LinkId] = set()  # over which “typing” was said last
        self._looked_at: set[ChatId] = set()
        self._typing: ChatId | None = None
        self._typed_at = 0.0
        self._active_at: float | None = None  # while nobody says anything of it nobody is away
        self._hidden_at: float | None = None
        self._has_focus, self._is_at_end = False, True
        self._pressing: set[LinkId] = set()  # over which something may be to be told in this turn
        self._tell_at: float | None = None

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What the person does, and what others may know of it."""
        return {
            events.NoteTyping: self._on_typing,
            events.NoteActivity: lambda _: self._act(),
            events.LookAway: self._on_look_away,
            events.SetFocus: self._on_focus,
            events.SetAtEnd: self._on_at_end,
            events.SetPresenceSharing: self._on_sharing,
            events.WriteMessage: self._on_written,
            events.EditMessage: self._on_written,
        }

    def frame_rules(self) -> Mapping[type, FrameRule]:
        """What the peer says of its person."""
        return {
            wire.Presence: FrameRule(Stage.INTRODUCED, self._on_presence, is_message=True),
            wire.Read: FrameRule(Stage.INTRODUCED, self._on_read, is_message=True),
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """When what was said over a link holds no more."""
        return {
            LinkLost: self._on_lost,
            LinkClosed: self._on_closed,
        }

    # What others see of the person here, and what is seen of others.

    def is_typing(self, conversation: Conversation) -> bool:
        """Whether the other one types just now."""
        return self._state_of(conversation) == wire.TYPING

    def is_away(self, conversation: Conversation) -> bool:
        """Whether the other one is connected, and not there."""
        return self._state_of(conversation) == wire.AWAY

    def _state_of(self, conversation: Conversation) -> str:
        link = self._links.of(conversation)
        peer = self._peers.get(link.id) if link is not None and link.phase is LinkPhase.OPEN else None
        return peer.state if peer is not None else ""

    # What the person does.

    def _on_typing(self, event: events.NoteTyping) -> None:
        conversation = self._chats.conversation(event.conversation)
        self._act()
        self._stop_typing()
        if event.is_typing and conversation is not None:
            self._typing, self._typed_at = conversation.id, self.context.now
            self._press(conversation)
            self.context.wake_by(self._typed_at + TYPING_PAUSE)

    def _on_written(self, event: events.WriteMessage | events.EditMessage) -> None:
        if self._typing is not None and self._chats.get(event.conversation) is self._chats.get(self._typing):
            self._stop_typing()

    def _stop_typing(self) -> None:
        self._press(self._chats.conversation(self._typing))
        self._typing = None

    def _act(self) -> None:
        if self._active_at is None or self._is_away:
            self.context.needs_full_pass = True  # all hear that they are back
        self._active_at = self.context.now
        self._hidden_at = None

    def _on_look_away(self, event: events.LookAway) -> None:
        if not event.away:
            self._act()
        elif self._hidden_at is None:
            self._hidden_at = self.context.now

    def _on_focus(self, event: events.SetFocus) -> None:
        self._has_focus = event.focused
        if event.focused:
            self._act()

    def _on_at_end(self, event: events.SetAtEnd) -> None:
        self._is_at_end = event.at_end

    def _on_sharing(self, event: events.SetPresenceSharing) -> None:
        self.sharing = event
        if not event.read:
            for conversation in self._chats.conversations():
                conversation.peer_read.clear()

    @property
    def _away_at(self) -> float | None:
        """From when on they are away if they do nothing more."""
        if self._active_at is None:
            return None
        hidden = self._hidden_at + HIDDEN_AFTER if self._hidden_at is not None else None
        idle = self._active_at + IDLE_AFTER
        return idle if hidden is None else min(idle, hidden)

    @property
    def _is_away(self) -> bool:
        away_at = self._away_at
        return away_at is not None and away_at <= self.context.now

    # What the peer says of its person.

    def _peer(self, link: Link) -> _Peer:
        return self._peers.setdefault(link.id, _Peer())

    def _hear(self, link: Link) -> tuple[_Peer, Conversation]:
        peer, conversation, now = self._peer(link), self._chats.conversation(link.chat), self.context.now
        if conversation is None or peer.hearing.ready_at(now) > now:
            raise RemoteError("the peer says without end what its person does")
        peer.hearing.take(now)
        return peer, conversation

    def _on_presence(self, link: Link, frame: wire.Presence) -> None:
        peer, conversation = self._hear(link)
        peer.state = frame.state if frame.state in (wire.TYPING, wire.AWAY) else ""
        if peer.state == wire.TYPING:
            peer.count, peer.typing_until = _count(conversation), self.context.now + TYPING_SHOWN
            self._typers.add(link.id)
            self.context.wake_by(peer.typing_until)
        else:
            self._typers.discard(link.id)

    def _on_read(self, link: Link, frame: wire.Read) -> None:
        _, conversation = self._hear(link)
        if self.sharing.read:
            conversation.take_read(frame.counts)

    def _on_lost(self, news: LinkNotification) -> None:
        self._end_typing_of(news.link.id)

    def _on_closed(self, news: LinkClosed) -> None:
        self._peers.pop(news.link.id, None)
        self._typers.discard(news.link.id)

    def _end_typing_of(self, number: LinkId) -> None:
        if number in self._typers:
            self._typers.discard(number)
            self._peers[number].state = ""

    def _has_written(self, number: LinkId) -> bool:
        """Whether a message has come since the peer was said to type."""
        link = self._links.by_id.get(number)
        conversation = self._chats.conversation(link.chat) if link is not None else None
        return conversation is None or _count(conversation) != self._peers[number].count

    # What is told.

    def flush(self) -> None:
        """Note what the person sees, and tell peers what is new to them."""
        self._see()
        for number in [*self._typers]:
            if self._has_written(number):
                self._end_typing_of(number)
        if self.context.needs_full_pass:
            self._tell_at = None
            self._pressing.update(self._links.by_id)
        for number in self._pressing:
            link = self._links.by_id.get(number)
            if link is not None and link.phase is LinkPhase.OPEN and link.introduced:
                self._tell(link, self._peer(link))
        self._pressing.clear()

    def _see(self) -> None:
        """What is here of the conversation at whose end the person looks is in their sight."""
        if not self._has_focus or not self._is_at_end or self._hidden_at is not None or self._is_away:
            return
        conversation = self._chats.conversation(self._chats.shown)
        if conversation is not None and (
            conversation.sighted != len(conversation.timeline) or conversation.id not in self._looked_at
        ):
            conversation.look()
            self._looked_at.add(conversation.id)
            self._press(conversation)

    def _press(self, conversation: Conversation | None) -> None:
        """There may be something to tell to the other one of a conversation."""
        if conversation is not None and conversation.link is not None:
            self._pressing.add(conversation.link)

    def _tell(self, link: Link, peer: _Peer) -> None:
        conversation, now = self._chats.conversation(link.chat), self.context.now
        if conversation is None or not self._may_tell(conversation):
            return
        state = self._state_for(conversation)
        still_types = state == wire.TYPING and self._typed_at >= peer.told_at + TYPING_INTERVAL
        if state != peer.told or still_types:
            ready_at = peer.telling.ready_at(now)
            if ready_at > now:
                self._tell_by(ready_at)
            else:
                peer.telling.take(now)
                peer.told, peer.told_at = state, now
                self._links.send(link, wire.Presence(state))
        if self.sharing.read and conversation.seen != peer.told_read:
            if peer.read_at > now:
                self._tell_by(peer.read_at)
            else:
                news = {log: count for log, count in conversation.seen.items() if count != peer.told_read.get(log)}
                peer.told_read, peer.read_at = dict(conversation.seen), now + READ_INTERVAL
                if news:
                    self._links.send(link, wire.Read(news))

    def _may_tell(self, conversation: Conversation) -> bool:
        is_known = conversation.written or conversation.former_logs or conversation.id in self._looked_at
        return conversation.warning is None and not conversation.unopened and bool(is_known)

    def _state_for(self, conversation: Conversation) -> str:
        """What the other one of a conversation may know of the person."""
        if self.sharing.typing and self._typing == conversation.id:
            return wire.TYPING
        return wire.AWAY if self.sharing.away and self._is_away else ""

    def _tell_by(self, at: float) -> None:
        self._tell_at = at if self._tell_at is None else min(self._tell_at, at)
        self.context.wake_by(at)

    # Time.

    @property
    def due(self) -> float | None:
        """When something is to be told, or somebody types no more, or the person is away."""
        times = [self._tell_at, *(self._peers[number].typing_until for number in self._typers)]
        if self._typing is not None:
            times.append(self._typed_at + TYPING_PAUSE)
        if self._peers and self.sharing.away and not self._is_away:
            times.append(self._away_at)
        return min([at for at in times if at is not None], default=None)

    def wake(self) -> None:
        """Who has not typed for some time types no more."""
        now = self.context.now
        if self._typing is not None and self._typed_at + TYPING_PAUSE <= now:
            self._stop_typing()
        for number in [*self._typers]:
            if self._peers[number].typing_until <= now:
                self._end_typing_of(number)


def _count(conversation: Conversation) -> int:
    return conversation.logs.count(conversation.peer_log) if conversation.peer_log is not None else 0
