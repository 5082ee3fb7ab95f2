"""How long it is kept what people say: until it is deleted, for a time, or not at all.

Theory of operation. What a person chooses for a conversation counts, else what they have chosen for all. It concerns
this device alone: the other side keeps what it likes. What is too old goes from memory and from the journal, a turn's
messages at once, by the time at which they were written down here: no clock of somebody else decides. Of what was
written here and has not arrived nothing goes. Where nothing is kept the journal has a head without a word in it, so
that nothing comes twice and the two find each other again.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.records import FOREVER, NOTHING, SEGMENTS_AT_ONCE, KeepFor, Segment, read_segment
from pychat.core.ids import ChatId
from pychat.core.service import (
    Context,
    ConversationKept,
    KeepForChanged,
    LinkNotification,
    MessagesForgotten,
    PeerAcknowledged,
    Service,
)

LEAST_PAUSE = 1.0
"""Seconds between two looks at what is too old."""


class Retention(Service):
    """What is too old goes."""

    def __init__(self, context: Context, chats: Chats) -> None:
        super().__init__(context)
        self._chats = chats
        self._looks: dict[int, ChatId] = {}  # at the first segments of a conversation, by their tickets
        self._at: float | None = None
        self._held_up: set[ChatId] = set()  # something there is too old, and has not arrived
        for conversation in chats.conversations():
            if chats.keep_for(conversation) == NOTHING:
                conversation.logs.gate(is_kept=False)
        if any(self._is_finite(conversation) for conversation in chats.conversations()):
            self._at = 0.0

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person chooses, and what the journal has."""
        return {
            events.SetKeepFor: self._on_set,
            events.JournalRead: self._on_read,
            events.JournalFailed: self._on_failed,
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What is written now goes in a while."""
        return {
            ConversationKept: lambda news: self._look_later(self._chats.conversation(news.chat)),
            PeerAcknowledged: self._on_acknowledged,
            KeepForChanged: self._on_changed_elsewhere,
        }

    def _is_finite(self, conversation: Conversation) -> bool:
        return conversation.is_kept and NOTHING < self._chats.keep_for(conversation) < FOREVER

    def _on_set(self, event: events.SetKeepFor) -> None:
        if event.conversation is None:
            before = {c.id: self._chats.keep_for(c) for c in self._chats.conversations()}
            self._chats.keep_for_all = event.seconds if event.seconds is not None else FOREVER
            for conversation in self._chats.conversations():
                self._apply(conversation, before[conversation.id])
            return
        chosen = self._chats.conversation(event.conversation)
        if chosen is not None and chosen.is_kept:
            former = self._chats.keep_for(chosen)
            chosen.keep_for = KeepFor(event.seconds, int(self.context.clock))
            self._chats.changed.add(chosen.id)
            self._apply(chosen, former)

    def _on_changed_elsewhere(self, news: KeepForChanged) -> None:
        conversation = self._chats.conversation(news.chat)
        if conversation is not None:
            self._apply(conversation, news.former)

    def _apply(self, conversation: Conversation, before: int) -> None:
        now = self._chats.keep_for(conversation)
        if now == before or not conversation.is_kept:
            return
        conversation.logs.gate(is_kept=now != NOTHING)
        if now == NOTHING:
            conversation.has_earlier = False
            conversation.found = ()
            conversation.last_kept = None
            self.context.emit(effects.DeleteFromJournal(self.context.next_id(), conversation.id))
            self.context.notify(MessagesForgotten(conversation.id))
            self._chats.due_heads.add(conversation.id)
        self._at = self.context.now

    # What is too old.

    @property
    def due(self) -> float | None:
        """When the next one is."""
        return self._at

    def wake(self) -> None:
        """Let go what is too old by now."""
        if self._at is None or self._at > self.context.now:
            return
        self._at = None
        for conversation in self._chats.conversations():
            if self._is_finite(conversation):
                self._forget(conversation)
                self._look(conversation.id)

    def _forget(self, conversation: Conversation) -> None:
        self._held_up.discard(conversation.id)
        place = conversation.written_before(self.context.clock - self._chats.keep_for(conversation))
        if place:
            conversation.has_earlier &= place <= conversation.timeline.start
            conversation.forget_before(place)
            self.context.notify(MessagesForgotten(conversation.id))
            if place > conversation.timeline.start:
                self._held_up.add(conversation.id)
        self._look_later(conversation)

    def _on_acknowledged(self, news: LinkNotification) -> None:
        if news.link.chat in self._held_up:
            self._look_at(self.context.clock)

    def _look_later(self, conversation: Conversation | None) -> None:
        if conversation is None or not self._is_finite(conversation) or conversation.id in self._held_up:
            return
        if conversation.arrivals:
            self._look_at(conversation.arrivals[0][0] + self._chats.keep_for(conversation))

    def _look_at(self, clock: float) -> None:
        at = self.context.now + max(clock - self.context.clock, LEAST_PAUSE)
        if self._at is None or at < self._at:
            self._at = at
            self.context.wake_by(at)

    def _look(self, chat: ChatId) -> None:
        if chat not in self._looks.values():
            ticket = self.context.next_id()
            self._looks[ticket] = chat
            self.context.emit(effects.ReadJournal(ticket, chat, None, SEGMENTS_AT_ONCE, from_start=True))

    def _on_failed(self, event: events.JournalFailed) -> None:
        if self._looks.pop(event.ticket, None) is not None:
            self._look_at(self.context.clock + 60)

    def _on_read(self, event: events.JournalRead) -> None:
        conversation = self._chats.conversation(self._looks.pop(event.ticket, None))
        if conversation is None or not self._is_finite(conversation):
            return
        until: int | None = None
        too_old = self.context.clock - self._chats.keep_for(conversation)
        for position, data in event.segments:
            segment = _read(data)
            if segment is not None and segment.written > too_old:
                self._look_at(segment.written + self._chats.keep_for(conversation))
                break
            if segment is not None and not _has_arrived(conversation, segment):
                self._held_up.add(conversation.id)
                break
            until = position
        if until is not None:
            self.context.emit(effects.DeleteFromJournal(self.context.next_id(), conversation.id, until))
            self.context.notify(MessagesForgotten(conversation.id))
            if len(event.segments) == SEGMENTS_AT_ONCE and until == event.segments[-1][0]:
                self._look(conversation.id)


def _read(data: bytes) -> Segment | None:
    try:
        return read_segment(data) if data else None
    except ValueError:
        return None


def _has_arrived(conversation: Conversation, segment: Segment) -> bool:
    return all(
        conversation.has_arrived(part.author, part.first + len(part.entries) - 1)
        for part in segment.parts
        if part.is_own
    )
