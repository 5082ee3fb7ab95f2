"""The messages of a chat as a screen shows them."""

from collections.abc import Sequence
from typing import NamedTuple, overload

from pychat.core.chat.conversation import Chat, Conversation, Delivery
from pychat.core.chat.order import Insertion
from pychat.core.chat.relations import Reactions, Revision, is_hidden
from pychat.core.chat.timeline import Message, Timeline
from pychat.core.content import Relation, Unknown
from pychat.core.ids import AuthorId
from pychat.ui import strings
from pychat.ui.markup import plain

QUOTED = 200
"""Code points of a message that stand above a reply to it, at most."""
LAST_ONES = 1_000
"""Messages among which the last one of somebody is looked for."""


class Quoted(NamedTuple):
    """The message that another one answers: whose it is, its author's log, its number there, and its text.

    `text` is "" when it was deleted, or is not here.
    """

    is_own: bool
    author: AuthorId
    number: int
    text: str
    is_here: bool

    @property
    def words(self) -> str:
        """What stands on a screen, in one line."""
        if self.text:
            return " ".join(plain(self.text).split())
        return strings.DELETED_QUOTED if self.is_here else strings.QUOTED_FROM_BEFORE


class MessageView(NamedTuple):
    """A message: whether it is one's own, its number in its author's log, which that is, and when it was written.

    `at` is in milliseconds since 1970, by the author's clock. `text` is what it says by now: "" when it was deleted;
    `is_retracted` says that its author has done so for both. `answers` is what it is a reply to, `revisions` what it
    said from when on, if it was edited, `reactions` by which emoji the two react to it. `is_unknown`: it is of a kind
    of which this version knows no more than its text.

    One that `is_hidden` is no message of its own, but changes how the one that it `answers` is shown, as `change` says.
    """

    is_own: bool
    number: int
    at: int
    text: str
    author: AuthorId
    answers: Quoted | None = None
    revisions: tuple[Revision, ...] = ()
    reactions: Reactions = Reactions("", "")
    is_retracted: bool = False
    is_unknown: bool = False
    change: str = ""

    @property
    def is_hidden(self) -> bool:
        """Whether it is no message of its own."""
        return bool(self.change)

    @property
    def lines(self) -> str:
        """What a terminal prints: what it answers, in a line above it, and its words."""
        return f"> {self.answered}\n{self.words}" if self.answered else self.words

    @property
    def answered(self) -> str:
        """The words of what it answers, in one line, if that is to be shown; or ""."""
        return "" if self.answers is None or self.is_hidden or self.is_deleted else self.answers.words

    @property
    def is_deleted(self) -> bool:
        """Whether it was deleted, here or for both."""
        return not self.text

    @property
    def words(self) -> str:
        """What stands on a screen: its text, or that it was deleted; of one that is hidden, what it does."""
        if not self.text:
            return strings.RETRACTED if self.is_retracted or self.is_hidden else strings.DELETED
        if self.is_hidden and self.answers is not None:
            return strings.change_note(self.change, self.text, self.answers.words)
        return strings.of_newer_version(self.text) if self.is_unknown else self.text


class Messages(Sequence[MessageView]):
    """The messages of a chat in order. Places count from the first one that ever was; none is left before `start`.

    A message is put together when somebody looks at it: there may be hundreds of thousands. `arrived` has them in the
    order in which they came here, for those who cannot put one between others.
    """

    def __init__(self, chat: Chat, timeline: Timeline | None = None) -> None:
        self._chat = chat
        self._timeline = timeline if timeline is not None else chat.ordered

    @property
    def key(self) -> AuthorId:
        """Another one when the chat starts over."""
        return self._chat.own_log

    @property
    def start(self) -> int:
        """The place of the first one that is still here."""
        return self._timeline.start

    @property
    def arrived(self) -> "Messages":
        """The same in the order in which they came here."""
        return Messages(self._chat, self._chat.timeline)

    @property
    def inserted(self) -> int:
        """How often something has come in above other messages."""
        return self._chat.ordered.inserted

    @property
    def insertions(self) -> Sequence[Insertion]:
        """What has come in above others, the last times, the eldest first."""
        return self._chat.ordered.insertions

    def __len__(self) -> int:
        return len(self._timeline)

    @overload
    def __getitem__(self, place: int) -> MessageView: ...

    @overload
    def __getitem__(self, place: slice) -> list[MessageView]: ...

    def __getitem__(self, place: int | slice) -> MessageView | list[MessageView]:
        timeline = self._timeline
        if isinstance(place, slice):
            return [self._view(message) for message in timeline[place]]
        return self._view(timeline[place])

    def _view(self, message: Message) -> MessageView:
        author, number, (at, text, _, relation) = message
        relations = self._chat.relations
        is_own = self._chat.is_own(author)
        if relation is None and relations.is_empty:
            return MessageView(is_own, number, at, text, author)
        place = author, number
        if is_hidden(message.entry) and isinstance(relation, Relation):
            return MessageView(is_own, number, at, text, author, self._quoted(relation), change=relation.kind)
        revisions = relations.edits(place, is_own=is_own) if text else ()
        return MessageView(
            is_own,
            number,
            at,
            revisions[-1].text if revisions else text,
            author,
            self._quoted(relation) if isinstance(relation, Relation) and text else None,
            (Revision(at, text), *revisions) if revisions else (),
            relations.reactions(place) if text else Reactions("", ""),
            relations.is_deleted(place, is_own=is_own),
            isinstance(relation, Unknown),
        )

    def _quoted(self, relation: Relation) -> Quoted:
        _, author, number = relation
        entry, is_own = self._chat.entry(author, number), self._chat.is_own(author)
        if entry is None or is_hidden(entry):
            return Quoted(is_own, author, number, "", is_here=False)
        text = self._chat.relations.text(relation.place, entry.text, is_own=is_own) if entry.text else ""
        return Quoted(is_own, author, number, text[:QUOTED], is_here=True)

    @property
    def resumed(self) -> int:
        """The place of the first one of this run."""
        return self._chat.resumed

    @property
    def shifted(self) -> int:
        """By how much all places are later now than at first: more were kept than was known."""
        return self._chat.shifted

    @property
    def has_earlier(self) -> bool:
        """Whether messages before `start` can be read from the journal, and have room here."""
        return isinstance(self._chat, Conversation) and self._chat.has_earlier and not self._chat.holds_too_much()

    @property
    def has_too_many(self) -> bool:
        """Whether messages before `start` are in the journal, and too many to be here."""
        return isinstance(self._chat, Conversation) and self._chat.has_earlier and self._chat.holds_too_much()

    def find(self, author: AuthorId, number: int) -> MessageView | None:
        """One by its author and its number; None if it is not here."""
        entry = self._chat.entry(author, number)
        return self._view(Message(author, number, entry)) if entry is not None else None

    def place_of(self, author: AuthorId, number: int) -> int | None:
        """Where the message stands that an entry is, or changes; None if it is not here."""
        place = self._chat.message_at((author, number))
        entry = self._chat.entry(*place) if place is not None else None
        return self._chat.ordered.place_of((entry.rank, *place)) if place is not None and entry is not None else None

    # What can be deleted.

    @property
    def changes(self) -> int:
        """How often one that is here was deleted, or is shown otherwise since something was said of it."""
        deletions = self._chat.deletions if isinstance(self._chat, Conversation) else 0
        return deletions + self._chat.relations.changes

    def can_reply(self, message: MessageView) -> bool:
        """Whether a message can be answered, and reacted to."""
        return isinstance(self._chat, Conversation) and not message.is_deleted and not message.is_hidden

    def can_edit(self, message: MessageView) -> bool:
        """Whether the person can say anew what a message says, and delete it for both."""
        return message.is_own and self.can_reply(message)

    def has(self, message: MessageView) -> bool:
        """Whether a message is still here, and was not deleted."""
        entry = self._chat.entry(message.author, message.number)
        return entry is not None and bool(entry.text)

    def last(self, words: str = "", *, is_own: bool) -> MessageView | None:
        """The last one of one's own, or of the other one, that can be answered and has these words."""
        wanted = words.casefold()
        for place in range(len(self) - 1, max(self.start, len(self) - LAST_ONES) - 1, -1):
            message = self[place]
            if message.is_own == is_own and self.can_reply(message) and wanted in message.text.casefold():
                return message
        return None

    def can_delete(self, message: MessageView) -> bool:
        """Whether a message can be deleted on this device."""
        return isinstance(self._chat, Conversation) and self._chat.can_delete(message.author, message.number)

    def waits(self, message: MessageView) -> bool:
        """Whether a message of one's own has not gone out, and can be taken back."""
        return isinstance(self._chat, Conversation) and self._chat.is_waiting(message.author, message.number)

    def to_delete(self, words: str) -> MessageView | None:
        """The last one that can be deleted, and has these words; "" is any."""
        wanted = words.casefold()
        for place in range(len(self) - 1, self.start - 1, -1):
            message = self[place]
            if not message.is_hidden and wanted in message.text.casefold() and self.can_delete(message):
                return message
        return None

    # One's own.

    @property
    def progress(self) -> tuple[int, int]:
        """How many of one's own are delivered, and how many are sent: their numbers are no higher."""
        return self._chat.acknowledged, self._chat.sent

    @property
    def progress_before(self) -> int:
        """How many of those that were written in former runs, and had not arrived by then, are delivered."""
        return sum(self._chat.former_logs.values())

    @property
    def reads(self) -> int:
        """Another number whenever the other one is known to have seen more of one's own."""
        return sum(self._chat.peer_read.values()) if isinstance(self._chat, Conversation) else 0

    def is_read(self, message: MessageView) -> bool:
        """Whether the other one has seen a message of one's own, as far as they let that be known."""
        return isinstance(self._chat, Conversation) and self._chat.is_read(message.author, message.number)

    def waiting(self, most: int) -> tuple[list[int], int]:
        """Of one's own, of this run, that have not arrived: the numbers of the last ones, and how many more."""
        chat, numbers = self._chat, list[int]()
        number = chat.written
        while number > chat.acknowledged and len(numbers) < most:
            if chat.logs.entry(chat.own_log, number).text:  # else it was taken back
                numbers.insert(0, number)
            number -= 1
        deleted = chat.deleted.get(chat.own_log, ()) if isinstance(chat, Conversation) else ()
        taken_back = sum(chat.acknowledged < each <= number for each in deleted)
        return numbers, number - chat.acknowledged - taken_back

    @property
    def own_start(self) -> int:
        """The number of the first one of one's own that is still here."""
        log = self._chat.logs.log(self._chat.own_log)
        return log.offset + 1 if log is not None else 1

    def own(self, number: int) -> MessageView:
        """One of one's own by its number. Raises LocalError if it is not here."""
        log = self._chat.own_log
        return self._view(Message(log, number, self._chat.logs.entry(log, number)))

    def delivery(self, number: int) -> Delivery:
        """How far one of one's own, of this run, has come."""
        return self._chat.delivery(number)

    def delivery_at(self, place: int) -> Delivery:
        """How far the one at a place has come, which is one's own. Raises IndexError if it is not here."""
        message = self._timeline[place]
        return self._chat.delivery(message.number, message.author)
