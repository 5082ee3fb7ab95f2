"""What was said, found by its words, over all conversations, while a person types.

Theory of operation. At the first search all that is in the journal is read, the newest of each conversation first, and
laid down as text without capitals (`TextIndex`); each further one looks through that. What is found is there as soon as
what it stands in is read. What is said meanwhile is looked through where it is. A while after the last search all of it
goes again.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.records import NOTHING, SEGMENTS_AT_ONCE, Part, read_segment
from pychat.core.chat.text_index import Found, TextIndex
from pychat.core.ids import AuthorId, ChatId
from pychat.core.service import Context, MessageDeleted, MessagesForgotten, Service

MOST_FOUND = 50
"""Messages that are found, at most: the newest."""
MOST_CHARS = 48_000_000
"""Characters that are looked through, at most; what is older than that is not found."""
KEPT = 300.0
"""Seconds after the last search for which it is kept what was read."""


class Search(Service):
    """What a person searches for.

    `query` is what they have typed, `found` what has it, the newest first. `is_reading` says that not all was looked
    through yet, and `is_cut` that there is more than can be.
    """

    def __init__(self, context: Context, chats: Chats, *, keeps: bool = False) -> None:
        super().__init__(context)
        self.query = ""
        self.found: list[Found] = []
        self.is_cut = False
        self._chats = chats
        self._keeps = keeps
        self._read: dict[ChatId, _Read] = {}
        self._unread: deque[ChatId] = deque()  # of which the journal has something that was not read yet
        self._before: int | None = None
        self._ticket: int | None = None
        self._ends_at: float | None = None

    @property
    def is_reading(self) -> bool:
        """Whether something is still being read."""
        return self._ticket is not None

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person types, and what the journal has."""
        return {
            events.Search: self._on_search,
            events.JournalRead: self._on_read,
            events.JournalFailed: self._on_failed,
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What is no longer kept is not found."""
        return {
            MessagesForgotten: lambda news: self._forget(news.chat),
            MessageDeleted: self._on_deleted,
        }

    def _on_deleted(self, news: MessageDeleted) -> None:
        read = self._read.get(news.chat)
        if read is not None:
            read.index.delete(news.author, news.number)
            self._look()

    def _on_search(self, event: events.Search) -> None:
        self.query = event.query
        if self._words:
            self._ends_at = self.context.now + KEPT
            self._begin()
        self._look()

    @property
    def _words(self) -> list[str]:
        return self.query.casefold().split()

    def _begin(self) -> None:
        """Read what was not read yet; the newest conversations first."""
        there = {chat.id: chat for chat in self._chats.conversations()}
        for gone in self._read.keys() - there.keys():
            self._forget(gone)
        for chat in sorted((chat for chat in there.values() if chat.id not in self._read), key=_last_at, reverse=True):
            is_kept = self._keeps and chat.is_kept and self._chats.keep_for(chat) != NOTHING
            self._read[chat.id] = _Read(TextIndex(), chat.journaled if is_kept else chat.timeline.start)
            if is_kept:
                self._unread.append(chat.id)
        if self._ticket is None:
            self._read_on()

    def _read_on(self) -> None:
        self._ticket = None
        if sum(read.index.size for read in self._read.values()) > MOST_CHARS:
            self.is_cut = bool(self._unread)
            self._unread.clear()
        while self._unread and self._chats.conversation(self._unread[0]) is None:
            self._unread.popleft()
        if self._unread:
            self._ticket = self.context.next_id()
            self.context.emit(effects.ReadJournal(self._ticket, self._unread[0], self._before, SEGMENTS_AT_ONCE))

    def _on_read(self, event: events.JournalRead) -> None:
        if event.ticket != self._ticket:
            return
        read, chat = self._read.get(event.conversation), self._chats.conversation(event.conversation)
        if read is not None and chat is not None:
            parts = [part for _, data in reversed(event.segments) for part in _parts(data)]
            read.index.add_older(
                [part._replace(entries=chat.without_deleted(part.author, part.first, part.entries)) for part in parts]
            )
            self._before = event.segments[-1][0] if event.segments else None
        if len(event.segments) < SEGMENTS_AT_ONCE or read is None:
            self._end_conversation()
        self._read_on()
        self._look()
        self.context.needs_full_pass = True

    def _on_failed(self, event: events.JournalFailed) -> None:
        if event.ticket == self._ticket:
            self._end_conversation()
            self._read_on()

    def _end_conversation(self) -> None:
        if self._unread:
            self._unread.popleft()
        self._before = None

    def _forget(self, chat: ChatId) -> None:
        self._read.pop(chat, None)
        if self._unread and self._unread[0] == chat:  # what is under way is of before
            self._end_conversation()
            self._read_on()
        elif chat in self._unread:
            self._unread.remove(chat)

    def _look(self) -> None:
        """Find the newest messages that have all the words."""
        words = self._words
        found: dict[tuple[AuthorId, int], Found] = {}
        for chat in self._chats.conversations() if words else ():
            read = self._read.get(chat.id)
            if read is not None:
                read.index.add_newer(_newer(chat, read))
                for one in read.index.find(words, MOST_FOUND):
                    found[one.author, one.number] = one._replace(chat=chat.id)
        newest = sorted(found.values(), key=lambda one: (one.rank, one.author, one.number), reverse=True)
        self.found = newest[:MOST_FOUND]

    # Time.

    @property
    def due(self) -> float | None:
        """When what was read goes."""
        return self._ends_at

    def wake(self) -> None:
        """Let it go, unless the person still looks at it."""
        if self._ends_at is None or self._ends_at > self.context.now:
            return
        self._ends_at = self.context.now + KEPT if self.query else None
        if not self.query:
            self._read.clear()
            self._unread.clear()
            self._ticket = self._before = None
            self.is_cut = False


@dataclass(slots=True)
class _Read:
    """What was read of a conversation, and before which place of its timeline that is all."""

    index: TextIndex
    place: int


def _newer(chat: Conversation, read: _Read) -> list[Part]:
    """What has come since."""
    begin, read.place = max(read.place, chat.timeline.start), len(chat.timeline)
    return [
        Part(log.author, first, log.after(first - 1, count), chat.is_own(log.author))
        for log, first, count in (chat.timeline.runs_from(begin) if begin < read.place else ())
    ]


def _parts(data: bytes) -> list[Part]:
    """The messages of a segment; of one that is damaged none: whoever reads the conversation is told."""
    try:
        return read_segment(data).parts if data else []
    except ValueError:
        return []


def _last_at(chat: Conversation) -> int:
    return chat.last.at if chat.last is not None else 0
