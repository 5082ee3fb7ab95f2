"""The messages of a chat as a screen shows them."""

from collections.abc import Sequence
from typing import NamedTuple, overload

from pychat.core.chat.conversation import Chat, Conversation, Delivery
from pychat.core.chat.order import Insertion
from pychat.core.chat.timeline import Message, Timeline
from pychat.core.ids import AuthorId
from pychat.ui import strings


class MessageView(NamedTuple):
    """A message: whether it is one's own, its number in its author's log, which that is, and when it was written.

    `at` is in milliseconds since 1970, by the author's clock. `text` is "" when it was deleted on this device.
    """

    is_own: bool
    number: int
    at: int
    text: str
    author: AuthorId

    @property
    def is_deleted(self) -> bool:
        """Whether it was deleted on this device."""
        return not self.text

    @property
    def words(self) -> str:
        """What stands on a screen: its text, or that it was deleted."""
        return self.text or strings.DELETED


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
        author, number, (at, text, _) = message
        return MessageView(self._chat.is_own(author), number, at, text, author)

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

    def place_of(self, author: AuthorId, number: int, rank: int) -> int | None:
        """Where a message stands, or None if it is not here."""
        return self._chat.ordered.place_of((rank, author, number))

    # What can be deleted.

    @property
    def deletions(self) -> int:
        """How often one that is here was deleted."""
        return self._chat.deletions if isinstance(self._chat, Conversation) else 0

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
            if wanted in message.text.casefold() and self.can_delete(message):
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
        at, text, _ = self._chat.logs.entry(self._chat.own_log, number)
        return MessageView(True, number, at, text, self._chat.own_log)

    def delivery(self, number: int) -> Delivery:
        """How far one of one's own, of this run, has come."""
        return self._chat.delivery(number)

    def delivery_at(self, place: int) -> Delivery:
        """How far the one at a place has come, which is one's own. Raises IndexError if it is not here."""
        message = self._timeline[place]
        return self._chat.delivery(message.number, message.author)
