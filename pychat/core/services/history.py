"""What lasts: conversations go into the journal as they are written, and come back from it.

Theory of operation. An entry is in the journal before it is sent, and before it is acknowledged (`Log.durable`). So
what counts as delivered is kept there, and what was written here and is not there yet was never sent: no number is
ever used for two entries. What comes up in a turn is one segment for each conversation, and while one write is under
way the next one gathers.

At the start only the heads of conversations are read. Their messages are read when they are wanted: by a person who
looks at them, or by a peer who lacks them.

Where the journal cannot be written people go on talking: what cannot be kept is sent all the same, and that it is not
kept is said. What could not be written is tried again.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.records import (
    MAX_LOGS,
    NOTHING,
    SEGMENTS_AT_ONCE,
    Head,
    KeptConversation,
    Part,
    read_segment,
    write_head,
    write_segment,
)
from pychat.core.chat.relations import Place
from pychat.core.ids import AuthorId, ChatId
from pychat.core.service import (
    Context,
    ConversationKept,
    EarlierWanted,
    LinkClosed,
    LinkNotification,
    PeerAcknowledged,
    PeerIntroduced,
    Service,
)
from pychat.core.sync import ACKNOWLEDGE_INTERVAL

FEW = 4
"""Messages that have arrived and may wait for others, or for an answer, before they are written."""
MESSAGES_AT_ONCE = 200
"""So many messages are enough for a person at once, whether they look at a conversation or scroll back in it."""
HEAD_INTERVAL = 2.0
"""Seconds until it is kept how much of our own the peer has: without it that is asked again."""
RETRY_INTERVAL = 5.0
"""Seconds after which what could not be written is tried again."""


class History(Service):
    """Conversations in the journal.

    `problem` says why something could not be kept or read, in the platform's words; or "". `damaged` counts what was
    kept and cannot be read. `tells`: other tabs hear of what is kept, so that the one with a link sends it.

    Args:
        keeps: whether there is a journal.
        kept: the conversations in the journal.
        tells: whether there may be other tabs, which are told what is in the journal.
    """

    def __init__(
        self,
        context: Context,
        chats: Chats,
        *,
        keeps: bool = False,
        kept: Iterable[KeptConversation] = (),
        tells: bool = False,
    ) -> None:
        super().__init__(context)
        self.problem = ""
        self.damaged = 0
        self._chats = chats
        self._keeps = keeps
        self.tells = tells
        self._to_tell: dict[int, tuple[effects.KeptChanges, ...]] = {}  # once that is written
        self._writing: int | None = None
        self._written: dict[ChatId, tuple[int, Mapping[AuthorId, int]]] = {}  # by what is being written: up to where
        self._reading: dict[ChatId, effects.ReadJournal] = {}
        self._goals: dict[ChatId, Place] = {}  # messages that the person wants to see
        self._deleting: dict[int, ChatId] = {}
        self._undeleted: set[ChatId] = set()
        self._left: dict[ChatId, Head] = {}  # of what was put away in this run
        self._leaving: dict[int, ChatId] = {}
        self._unreadable: set[ChatId] = set()
        self._stale_heads: set[ChatId] = set()
        self._heads_at: float | None = None
        self._not_before = 0.0  # what has only arrived may wait so long to be written
        self._retry_at: float | None = None
        self._read_again_at: float | None = None
        self._is_closing = self._is_away = self._is_failing = False
        for conversation in kept:
            chats.resume(conversation)

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What has become of writing and reading, and what a person wants to see."""
        return {
            events.JournalWritten: self._on_written,
            events.JournalRead: self._on_read,
            events.JournalFailed: self._on_failed,
            events.ShowConversation: self._on_show,
            events.ShowEarlier: lambda event: self._want_earlier(event.conversation),
            events.ShowMessage: self._on_show_message,
            events.MarkRead: self._on_mark_read,
            events.LookAway: self._on_look_away,
            events.FlushJournal: self._on_flush,
            events.Shutdown: self._on_shutdown,
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What changes a head, and what is wanted from before."""
        return {
            PeerIntroduced: self._on_introduced,
            PeerAcknowledged: self._on_acknowledged,
            LinkClosed: self._on_closed,
            EarlierWanted: lambda news: self._want_earlier(news.chat),
        }

    # What is written.

    def flush(self) -> None:
        """Write what has come up, unless something is being written."""
        if not self._keeps:
            return
        for removed, left in self._chats.removed.items():
            self._put_away(removed, left)
        self._chats.removed.clear()
        for forgotten in self._chats.forgotten:
            if self._chats.conversation(forgotten) is None:
                self._forget(forgotten)
        self._chats.forgotten.clear()
        if not (self._chats.changed or self._chats.due_heads) or self._retry_at is not None:
            return
        if (self._writing is not None and not self._is_closing) or self._can_wait():
            return
        changes = []
        for number in self._chats.changed | self._chats.due_heads:
            conversation = self._chats.conversation(number)
            if conversation is None or not conversation.is_kept:
                continue
            if self._chats.keep_for(conversation) == NOTHING and number not in self._chats.due_heads:
                self._pass_over(conversation)
            else:
                changes.append(self._changes(conversation))
        self._chats.changed.clear()
        self._chats.due_heads.clear()
        if changes:
            self._not_before = self.context.now + ACKNOWLEDGE_INTERVAL
            self._writing = self.context.next_id()
            self._write(self._writing, *changes)

    def _can_wait(self) -> bool:
        """Whether what is to be written may have company soon: it has only arrived, and something was written just now.

        An answer to it is then in the same write, and not held up by one before it.
        """
        if self._chats.due_heads or self._is_closing or self.context.now >= self._not_before:
            return False
        for number in self._chats.changed:
            conversation = self._chats.conversation(number)
            if conversation is not None and (
                conversation.written > conversation.logs.durable(conversation.own_log)
                or not 0 < len(conversation.timeline) - conversation.journaled <= FEW
            ):
                return False
        self.context.wake_by(self._not_before)
        return True

    def _write(self, ticket: int, *changes: effects.KeptChanges) -> None:
        if self.tells:
            self._to_tell[ticket] = changes
        self.context.emit(effects.WriteJournal(ticket, changes))

    def _pass_over(self, conversation: Conversation) -> None:
        """Nothing of what is said is kept."""
        conversation.journaled = len(conversation.timeline)
        self._write_head_soon(conversation.id)

    def _changes(self, conversation: Conversation) -> effects.KeptChanges:
        self._stale_heads.discard(conversation.id)
        keeps = self._chats.keep_for(conversation) != NOTHING
        new = [*_unwritten(conversation)] if keeps else []
        counts, length = conversation.logs.all_counts(), len(conversation.timeline)
        self._written[conversation.id] = length - conversation.shifted, counts
        own = dict(conversation.former_logs)
        if conversation.written:
            own[conversation.own_log] = conversation.acknowledged
        own = _most_important(own, conversation)
        others = [author for author in counts if not conversation.is_own(author)][-MAX_LOGS:]
        told = {author: counts[author] for author in (*own, *others) if author in counts}
        if conversation.id == self._looked_at:
            conversation.read = length
        unread = length - min(conversation.read, length)
        if unread == conversation.unread_changes:  # reactions alone, of which the next run would count each
            unread = 0
        head = Head(
            conversation.peer,
            conversation.peer_name,
            own,
            told,
            length if keeps else 0,
            unread if keeps else 0,
            conversation.ordered.top,
            conversation.keep_for,
            conversation.unopened,
            False,
            conversation.last if keeps else None,
            conversation.rendezvous,
            tuple(sorted(conversation.deleting)),
        )
        segment = write_segment(new, int(self.context.clock)) if new else None
        if new:
            conversation.note_written(int(self.context.clock), length)
        return effects.KeptChanges(conversation.id, write_head(head), segment, conversation.found)

    def _on_written(self, event: events.JournalWritten) -> None:
        if event.ticket in self._to_tell:
            self.context.emit(effects.TellTabsKept(self._to_tell.pop(event.ticket)))
        self._leaving.pop(event.ticket, None)
        if event.ticket != self._writing:
            return
        self._writing = None
        self._note_success()
        if self._is_failing:
            self._set_failing(False)
        for number, (length, counts) in self._written.items():
            conversation = self._chats.conversation(number)
            if conversation is not None:
                conversation.journaled, conversation.found = length + conversation.shifted, ()
                conversation.logs.are_kept(counts)
                self.context.touched.add(conversation.link)
                self.context.notify(ConversationKept(number))
        self._written.clear()

    def _on_failed(self, event: events.JournalFailed) -> None:
        self._to_tell.pop(event.ticket, None)
        undone = self._deleting.pop(event.ticket, None) or self._leaving.pop(event.ticket, None)
        if undone is not None:
            self.problem = event.detail
            self._undeleted.add(undone)
            self._retry_at = self.context.now + RETRY_INTERVAL
            return
        if event.ticket != self._writing:
            for number in [chat for chat, read in self._reading.items() if read.ticket == event.ticket]:
                self.problem = event.detail
                self._on_unreadable(number)
            return
        self.problem = event.detail
        self._writing = None
        self._retry_at = self.context.now + RETRY_INTERVAL
        self._set_failing(True)
        for number in self._written:
            conversation = self._chats.conversation(number)
            if conversation is not None:
                self._chats.changed.add(number)
                self.context.touched.add(conversation.link)
                self.context.notify(ConversationKept(number))
        self._written.clear()

    def _set_failing(self, is_failing: bool) -> None:
        """While nothing can be kept people go on talking; when it can be again, it is waited for again."""
        self._is_failing = is_failing
        for conversation in self._chats.conversations():
            if conversation.is_kept and self._chats.keep_for(conversation) != NOTHING:
                conversation.logs.gate(is_kept=not is_failing)

    def _on_unreadable(self, number: ChatId) -> None:
        del self._reading[number]
        conversation = self._chats.conversation(number)
        if conversation is not None:
            conversation.has_earlier, conversation.is_unreadable = False, True  # no screen waits for it
            self._unreadable.add(number)
            self._read_again_at = self.context.now + RETRY_INTERVAL
            self.context.touched.add(conversation.link)
            self.context.notify(ConversationKept(number))

    def _on_introduced(self, news: PeerIntroduced) -> None:
        if self._keeps and news.is_renamed and news.link.chat is not None:
            self._chats.changed.add(news.link.chat)

    def _on_acknowledged(self, news: LinkNotification) -> None:
        if news.link.chat is not None:
            self._write_head_soon(news.link.chat)

    def _on_closed(self, news: LinkClosed) -> None:
        """Write how far it has come at once: a page may be closed next, and then there is no time."""
        if news.chat in self._stale_heads:
            self._stale_heads.discard(news.chat)
            self._chats.due_heads.add(news.chat)

    def _on_mark_read(self, event: events.MarkRead) -> None:
        conversation = self._chats.conversation(event.conversation)
        if conversation is not None and event.count > conversation.read:
            conversation.read = min(event.count, len(conversation.timeline))
            self._write_head_soon(conversation.id)

    def _on_show(self, event: events.ShowConversation) -> None:
        self._want_some(event.conversation)
        self._read_what_is_shown()

    def _on_show_message(self, event: events.ShowMessage) -> None:
        self._goals[event.conversation] = event.author, event.number
        self._go_back(event.conversation)

    def _go_back(self, chat: ChatId) -> None:
        """Read on until the message that the person wants to see is there."""
        conversation, goal = self._chats.conversation(chat), self._goals.get(chat)
        if conversation is None or goal is None:
            return
        is_there = conversation.message_at(goal) is not None
        if is_there or not conversation.has_earlier or conversation.holds_too_much():
            del self._goals[chat]
        else:
            self._want_earlier(chat)

    def _on_look_away(self, event: events.LookAway) -> None:
        self._is_away = event.away
        self._read_what_is_shown()

    @property
    def _looked_at(self) -> ChatId | None:
        """The conversation that the person looks at."""
        return None if self._is_away else self._chats.shown

    def _read_what_is_shown(self) -> None:
        conversation = self._chats.conversation(self._looked_at)
        if conversation is not None and conversation.is_kept and conversation.read < len(conversation.timeline):
            self._chats.changed.add(conversation.id)

    def _write_head_soon(self, chat: ChatId) -> None:
        if self._keeps:
            self._stale_heads.add(chat)
            if self._heads_at is None:
                self._heads_at = self.context.now + HEAD_INTERVAL
                self.context.wake_by(self._heads_at)

    def _on_flush(self, _: events.FlushJournal) -> None:
        self._not_before = self.context.now

    def _on_shutdown(self, _: events.Shutdown) -> None:
        self._is_closing = True
        self._chats.due_heads |= self._stale_heads
        self._retry()

    def _put_away(self, chat: ChatId, left: Head) -> None:
        """Delete all of a conversation but what is left: how far it was read, so that nothing comes once more."""
        self._forget(chat)
        ticket = self.context.next_id()
        if left.counts:  # else there is nothing that could come
            self._left[chat] = left
            self._leaving[ticket] = chat
        self._write(ticket, effects.KeptChanges(chat, write_head(left), None, ()))

    def _forget(self, chat: ChatId) -> None:
        self._stale_heads.discard(chat)
        self._written.pop(chat, None)
        self._reading.pop(chat, None)
        self._unreadable.discard(chat)
        self._undeleted.discard(chat)
        ticket = self.context.next_id()
        self._deleting[ticket] = chat
        self.context.emit(effects.DeleteFromJournal(ticket, chat))

    def _retry(self) -> None:
        """Do again what could not be done."""
        self._retry_at = None
        for number in [*self._undeleted]:
            conversation = self._chats.conversation(number)
            if conversation is None and number in self._left:
                self._put_away(number, self._left[number])
                continue
            self._forget(number)
            if conversation is not None:  # it has begun anew, and what is in the journal of that goes, too
                conversation.journaled = conversation.timeline.start
                self._chats.changed.add(number)
        if not self._chats.changed:
            self._note_success()  # what could not be kept was put away

    def _note_success(self) -> None:
        if self._retry_at is None and not self._unreadable:
            self.problem = ""

    def _read_again(self) -> None:
        self._read_again_at = None
        for number in self._unreadable:
            conversation = self._chats.conversation(number)
            if conversation is not None and conversation.is_unreadable:
                conversation.has_earlier, conversation.is_unreadable = True, False
                self.context.notify(ConversationKept(number))  # the peer may wait for it
        self._unreadable.clear()
        self._note_success()

    # What is read.

    def _want_some(self, chat: ChatId | None) -> None:
        """What a person looks at is not empty where something was said."""
        conversation = self._chats.conversation(chat)
        if conversation is not None and len(conversation.timeline) - conversation.timeline.start < MESSAGES_AT_ONCE:
            self._want_earlier(conversation.id)

    def is_reading(self, chat: ChatId) -> bool:
        """Whether more of a conversation is being read."""
        return chat in self._reading

    def _want_earlier(self, chat: ChatId) -> None:
        conversation = self._chats.conversation(chat)
        if conversation is None or not conversation.has_earlier or conversation.id in self._reading:
            return
        read = effects.ReadJournal(self.context.next_id(), conversation.id, conversation.earliest, SEGMENTS_AT_ONCE)
        self._reading[conversation.id] = read
        self.context.emit(read)

    def _on_read(self, event: events.JournalRead) -> None:
        number, read = event.conversation, self._reading.get(event.conversation)
        conversation = self._chats.conversation(number)
        if conversation is None or read is None or read.ticket != event.ticket:
            return
        del self._reading[number]
        if read.before != conversation.earliest:  # what was here before that has gone meanwhile
            self._want_earlier(number)
            return
        added, enough = 0, MESSAGES_AT_ONCE if number not in self._goals else math.inf
        for position, data in event.segments:
            conversation.earliest = position
            try:
                written, parts = read_segment(data)
            except ValueError:
                self.damaged += 1
                continue
            conversation.note_read(written, conversation.timeline.start)
            for author, first, entries, is_own in reversed(parts):
                try:
                    added += conversation.prepend(author, first, entries, is_own=is_own)
                except ValueError:
                    self.damaged += 1
            self._chats.delete_retracted(conversation)
            if added >= enough:
                break  # what is left of it is read again when it is wanted
        is_all = not event.segments or conversation.earliest == event.segments[-1][0]
        conversation.has_earlier = not is_all or len(event.segments) == read.most
        if not added and conversation.has_earlier:
            self._want_earlier(number)  # all of it is here already
        elif number in self._goals:
            self._go_back(number)
        elif number == self._chats.shown:
            self._want_some(number)
        self.context.touched.add(conversation.link)
        self.context.notify(ConversationKept(number))

    # Time.

    @property
    def due(self) -> float | None:
        """When heads are to be written, or what failed is to be tried again."""
        is_waiting = self._keeps and self._chats.changed and self._writing is None and self._retry_at is None
        not_before = self._not_before if is_waiting else None
        times = (self._heads_at, self._retry_at, self._read_again_at, not_before)
        return min([at for at in times if at is not None], default=None)

    def wake(self) -> None:
        """Do it."""
        now = self.context.now
        if self._heads_at is not None and self._heads_at <= now:
            self._heads_at = None
            self._chats.due_heads |= self._stale_heads
        if self._retry_at is not None and self._retry_at <= now:
            self._retry()
        if self._read_again_at is not None and self._read_again_at <= now:
            self._read_again()


def _unwritten(conversation: Conversation) -> Iterator[Part]:
    """What is to go into the journal. What another tab has put there is not among it."""
    for log, first, count in conversation.timeline.runs_from(conversation.journaled):
        is_own = conversation.is_own(log.author)
        if is_own and log.author != conversation.own_log:
            continue
        begin = max(first, log.kept_elsewhere + 1)
        if begin < first + count:
            yield Part(log.author, begin, log.after(begin - 1, first + count - begin), is_own)


def _most_important(own: Mapping[AuthorId, int], conversation: Conversation) -> dict[AuthorId, int]:
    """Of our own logs those that a head speaks of: those of which the peer lacks something, then the last ones."""
    surplus = len(own) - MAX_LOGS
    arrived = [log for log, count in own.items() if count >= conversation.logs.count(log)]
    gone = set([*arrived, *own][: max(0, surplus)])
    return {log: count for log, count in own.items() if log not in gone}
