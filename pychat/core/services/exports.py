"""A conversation as a whole, for the person to take along: all that is kept of it, in the order in which it is shown.

Theory of operation. It is read from the journal, from the end on, and put together with what is in memory. Only one is
read at a time; what was read stays until it is taken, or another one is asked for.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.chat.order import Key
from pychat.core.chat.records import SEGMENTS_AT_ONCE, Part, read_segment
from pychat.core.chat.relations import Relations, as_shown, relations_of
from pychat.core.chat.timeline import Message
from pychat.core.ids import ChatId
from pychat.core.log import without_text
from pychat.core.service import Context, MessageDeleted, Service


class Exports(Service):
    """Reads a whole conversation.

    `ready` is the conversation that was read, or None; `messages` are those of it, each with whether it is one's own;
    `relations` say how they were edited, and what the two react to. `damaged` counts the pieces of it that cannot be
    read, and `problem` says why it could not be read to its beginning.
    """

    def __init__(self, context: Context, chats: Chats) -> None:
        super().__init__(context)
        self.ready: ChatId | None = None
        self.messages: list[tuple[bool, Message]] = []
        self.relations = Relations()
        self.damaged = 0
        self.problem = ""
        self._chats = chats
        self._found: dict[Key, tuple[bool, Message]] = {}
        self._ticket: int | None = None
        self._chat: ChatId | None = None

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person wants, and what the journal has."""
        return {
            events.Export: self._on_export,
            events.JournalRead: self._on_read,
            events.JournalFailed: self._on_failed,
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What was deleted is not handed out, also if it was read before."""
        return {MessageDeleted: self._on_deleted}

    def _on_deleted(self, news: MessageDeleted) -> None:
        if news.chat == self._chat:
            for key, found in self._found.items():
                self._found[key] = _without(found, news)
        elif news.chat == self.ready:
            self.messages = [_without(found, news) for found in self.messages]

    def _on_export(self, event: events.Export) -> None:
        self.ready, self.messages, self.damaged, self.problem = None, [], 0, ""
        self.relations = Relations()
        self._found, self._ticket, self._chat = {}, None, None
        conversation = self._chats.conversation(event.conversation)
        if conversation is None:
            return
        self._chat = conversation.id
        for log, first, count in conversation.timeline.runs():
            self._add(Part(log.author, first, log.after(first - 1, count), conversation.is_own(log.author)))
        if conversation.is_kept:
            self._want(None)
        else:
            self._end()

    def _want(self, before: int | None) -> None:
        assert self._chat is not None
        self._ticket = self.context.next_id()
        self.context.emit(effects.ReadJournal(self._ticket, self._chat, before, SEGMENTS_AT_ONCE))

    def _on_read(self, event: events.JournalRead) -> None:
        if event.ticket != self._ticket:
            return
        conversation = self._chats.conversation(event.conversation)
        if conversation is None:
            self._end()
            return
        for _, data in event.segments:
            try:
                parts = read_segment(data).parts
            except ValueError:
                self.damaged += 1
                continue
            for part in parts:
                entries = conversation.without_deleted(part.author, part.first, part.entries)
                self._add(part._replace(entries=entries))
        if len(event.segments) == SEGMENTS_AT_ONCE:
            self._want(event.segments[-1][0])
        else:
            self._end()

    def _on_failed(self, event: events.JournalFailed) -> None:
        if event.ticket == self._ticket:
            self.problem = event.detail
            self._end()

    def _add(self, part: Part) -> None:
        for number, entry in enumerate(part.entries, part.first):
            self._found.setdefault(
                (entry.rank, part.author, number), (part.is_own, Message(part.author, number, entry))
            )

    def _end(self) -> None:
        found = [self._found[key] for key in sorted(self._found)]
        self.messages, self.relations = [*as_shown(found)], relations_of(found)
        self.ready, self._chat, self._ticket, self._found = self._chat, None, None, {}
        self.context.needs_full_pass = True


def _without(found: tuple[bool, Message], news: MessageDeleted) -> tuple[bool, Message]:
    is_own, message = found
    if (message.author, message.number) != (news.author, news.number):
        return found
    return is_own, message._replace(entry=without_text(message.entry))
