"""A single message is deleted on this device, and stays deleted.

Theory of operation. Its text goes from memory at once, and wherever the message comes from again, it comes without
(`Conversation.without_deleted`). What is left of it is an entry without a text, for the numbers of a log never change,
and what was read is not sent again. The journal is then read from its end to its beginning, and each segment that has
the text is written anew without it. Until that is done the head says what is to go (`Head.deleting`), so that it goes
after a crash as well; and other tabs, which hear of heads, do the same.

Whatever else is read from the journal is looked at, too: what another program has written late is found in this way.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.records import NOTHING, SEGMENTS_AT_ONCE, Part, read_segment, write_segment
from pychat.core.content import EDIT, Relation
from pychat.core.ids import AuthorId, ChatId
from pychat.core.log import Entry
from pychat.core.service import (
    Context,
    ConversationKept,
    DeletedInTab,
    MessageDeleted,
    MessagesRetracted,
    Service,
)

RETRY_INTERVAL = 5.0
"""Seconds after which it is tried again to take a text out of the journal."""

TRIES = 4
"""How often a page of the journal is written anew at once, when others put something in the place of its segments."""

_NO_TEXT = b',""'
"""What a segment has of an entry without a text, and of nothing else."""


class Deletion(Service):
    """Deletes single messages.

    `problem` says why the text of one could not be taken out of the journal, in the platform's words; or "".
    """

    def __init__(self, context: Context, chats: Chats) -> None:
        super().__init__(context)
        self.problem = ""
        self._chats = chats
        self._scans: dict[ChatId, _Scan] = {}
        self._to_do = {chat.id for chat in chats.conversations() if chat.deleting}
        self._at: float | None = 0.0 if self._to_do else None

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person deletes, and what the journal has."""
        return {
            events.DeleteMessage: self._on_delete,
            events.JournalRead: self._on_read,
            events.JournalFailed: self._on_failed,
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What was deleted in another tab, and what has got into the journal since it was deleted here."""
        return {
            DeletedInTab: self._on_deleted_in_tab,
            ConversationKept: self._on_kept,
            MessagesRetracted: self._on_retracted,
        }

    def _on_delete(self, event: events.DeleteMessage) -> None:
        conversation = self._chats.conversation(event.conversation)
        if conversation is not None and conversation.can_delete(event.author, event.number):
            self._delete(conversation, event.author, event.number)

    def _on_deleted_in_tab(self, news: DeletedInTab) -> None:
        conversation = self._chats.conversation(news.chat)
        if conversation is not None and news.number not in conversation.deleted.get(news.author, ()):
            self._delete(conversation, news.author, news.number)

    def _on_retracted(self, news: MessagesRetracted) -> None:
        conversation = self._chats.conversation(news.chat)
        if conversation is not None:
            places, conversation.retracted = conversation.retracted, set()
            for author, number in places:
                self._delete(conversation, author, number)
            if conversation.has_unknown_retractions and conversation.is_kept:
                self._scan(conversation.id)
            conversation.has_unknown_retractions = False

    def _delete(self, conversation: Conversation, author: AuthorId, number: int) -> None:
        """Delete a message, and with it what it said after it was edited: in the journal that is found on the way."""
        for place in ((author, number), *conversation.relations.edit_places((author, number))):
            self._take_out(conversation, *place)
        if conversation.is_kept:
            conversation.deleting.add((author, number))
            self._chats.due_heads.add(conversation.id)
            self._scan(conversation.id)

    def _take_out(self, conversation: Conversation, author: AuthorId, number: int) -> None:
        conversation.delete(author, number)
        self.context.notify(MessageDeleted(conversation.id, author, number))

    # What the journal has.

    def _scan(self, chat: ChatId) -> None:
        """Go through the journal of a conversation from its end on; if that is under way, once more after it."""
        conversation, under_way = self._chats.conversation(chat), self._scans.get(chat)
        self._to_do.discard(chat)
        if under_way is not None:
            under_way.is_stale = True
        elif conversation is not None:
            self._scans[chat] = scan = _Scan({*conversation.deleting})
            self._read(chat, scan)

    def _read(self, chat: ChatId, scan: "_Scan") -> None:
        scan.ticket = self.context.next_id()
        self.context.emit(effects.ReadJournal(scan.ticket, chat, scan.before, SEGMENTS_AT_ONCE))

    def _on_read(self, event: events.JournalRead) -> None:
        chat, scan = event.conversation, self._scans.get(event.conversation)
        conversation = self._chats.conversation(chat)
        if conversation is None:
            self._scans.pop(chat, None)
            self._note_done()
            return
        segments = [_Segment(position, data, _parts(conversation, data)) for position, data in event.segments]
        places = self._learn(conversation, segments)
        self._delete_what_was_retracted(conversation, segments)
        having = [segment for segment in segments if any(_texts(conversation, part) for part in segment.parts)]
        if scan is not None and scan.ticket == event.ticket:
            self._go_on(conversation, scan, event, having)
        elif scan is None and chat not in self._to_do:
            places += [place for segment in having for part in segment.parts for place in _texts(conversation, part)]
            if places:
                conversation.deleting.update(places)
                self._chats.due_heads.add(chat)
                self._scan(chat)

    def _go_on(
        self,
        conversation: Conversation,
        scan: "_Scan",
        event: events.JournalRead,
        having: "list[_Segment]",
    ) -> None:
        if having and scan.tries == TRIES:
            self._try_later(conversation.id)
        elif having:
            for position, data, parts in having:
                for part in parts:
                    for _, number in _texts(conversation, part):  # it may be in none of what is here
                        conversation.hide_preview(part.entries[number - part.first], is_own=part.is_own)
                left = [
                    part._replace(entries=conversation.without_deleted(part.author, part.first, part.entries))
                    for part in parts
                ]
                segment = write_segment(left, read_segment(data).written)
                ticket = self.context.next_id()
                scan.tickets.add(ticket)
                self.context.emit(effects.MergeInJournal(ticket, conversation.id, ((position, data),), segment))
            scan.tries += 1
            self._read(conversation.id, scan)  # once more: to see that it is done
        elif len(event.segments) == SEGMENTS_AT_ONCE:
            scan.before, scan.tries = event.segments[-1][0], 0
            self._read(conversation.id, scan)
        else:
            del self._scans[conversation.id]
            conversation.deleting -= {place for place in scan.places if self._is_kept(conversation, *place)}
            self._chats.due_heads.add(conversation.id)
            if scan.is_stale:
                self._scan(conversation.id)
            self._note_done()

    def _is_kept(self, conversation: Conversation, author: AuthorId, number: int) -> bool:
        """Whether what is left of a message is in the journal: else the peer sends it again in the next run."""
        log = conversation.logs.log(author)
        if log is None or self._chats.keep_for(conversation) == NOTHING:
            return True
        return log.kept is not None and log.kept >= number

    def _on_kept(self, news: ConversationKept) -> None:
        conversation = self._chats.conversation(news.chat)
        if conversation is None or news.chat in self._scans or news.chat in self._to_do:
            return
        if any(self._is_kept(conversation, *place) for place in conversation.deleting):
            self._scan(news.chat)

    def _learn(self, conversation: Conversation, segments: "Iterable[_Segment]") -> list[tuple[AuthorId, int]]:
        """Know what was deleted in another run; returns that of which the text was here: so it has to be elsewhere."""
        found = []
        for author, first, entries, _ in (part for segment in segments for part in segment.parts):
            known = conversation.deleted.get(author, ())
            for number in [number for number, entry in enumerate(entries, first) if not entry.text]:
                if number not in known and conversation.delete(author, number):
                    self.context.notify(MessageDeleted(conversation.id, author, number))
                    found.append((author, number))
        return found

    def _delete_what_was_retracted(self, conversation: Conversation, segments: "Iterable[_Segment]") -> None:
        """Delete what its author has deleted for both, and what a message that was deleted said after an edit."""
        for author, first, entries, is_own in [part for segment in segments for part in segment.parts]:
            retracted = conversation.relations.deleted(author, is_own=is_own)
            known = conversation.deleted.get(author, ())
            for number, entry in enumerate(entries, first):
                if number in known:
                    continue
                if number in retracted:
                    self._take_out(conversation, author, number)
                    conversation.deleting.add((author, number))
                    self._chats.due_heads.add(conversation.id)
                elif _is_edit_of_deleted(conversation, entry):
                    self._take_out(conversation, author, number)

    def _on_failed(self, event: events.JournalFailed) -> None:
        for chat, scan in [*self._scans.items()]:
            if event.ticket == scan.ticket or event.ticket in scan.tickets:
                self.problem = event.detail
                self._try_later(chat)

    def _note_done(self) -> None:
        """There is no problem any more, once all is done, or what could not be done was put away."""
        if not self._to_do and not self._scans:
            self.problem = ""

    # Time.

    def _try_later(self, chat: ChatId) -> None:
        self._scans.pop(chat, None)
        self._to_do.add(chat)
        if self._at is None:
            self._at = self.context.now + RETRY_INTERVAL

    @property
    def due(self) -> float | None:
        """When it is tried again."""
        return self._at

    def wake(self) -> None:
        """Try again."""
        if self._at is not None and self._at <= self.context.now:
            self._at = None
            for chat in [*self._to_do]:
                self._scan(chat)
            self._note_done()


class _Segment(NamedTuple):
    """A segment as it was read, and what of it may have to do with what was deleted."""

    position: int
    data: bytes
    parts: list[Part]


@dataclass(slots=True)
class _Scan:
    """A way through the journal: for which messages, and before which position what is left of it lies.

    `ticket` is that of what is being read, `tickets` those of what is being written; `tries` counts how often this page
    was written anew. `is_stale`: something was deleted since it began, perhaps behind it.
    """

    places: set[tuple[AuthorId, int]]
    before: int | None = None
    ticket: int = 0
    tickets: set[int] = field(default_factory=set)
    tries: int = 0
    is_stale: bool = False


def _parts(conversation: Conversation, data: bytes) -> list[Part]:
    """The parts of a segment that may have something to do with what was deleted; of most segments none is read."""
    authors = conversation.deleted.keys() | conversation.relations.deleted_logs
    if _NO_TEXT not in data and not any(author.encode() in data for author in authors):
        return []
    try:
        return read_segment(data).parts
    except ValueError:
        return []  # what is damaged stays as it is


def _is_edit_of_deleted(conversation: Conversation, entry: Entry) -> bool:
    relation = entry.relation
    if not isinstance(relation, Relation) or relation.kind != EDIT:
        return False
    return relation.number in conversation.deleted.get(relation.author, ())


def _stop(part: Part) -> int:
    return part.first + len(part.entries)


def _texts(conversation: Conversation, part: Part) -> list[tuple[AuthorId, int]]:
    """The messages of a part that were deleted, and have a text there."""
    deleted = conversation.deleted.get(part.author, ())
    return [
        (part.author, number)
        for number in deleted
        if part.first <= number < _stop(part) and part.entries[number - part.first].text
    ]
