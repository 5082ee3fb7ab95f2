"""The messages of a chat as a screen shows them."""

from collections.abc import Sequence
from typing import NamedTuple, overload

from pychat.core.chat.conversation import Chat, Delivery
from pychat.core.chat.timeline import Message
from pychat.core.ids import AuthorId


class MessageView(NamedTuple):
    """A message: whether it is one's own, its number in its author's log, and when it was written.

    `at` is in milliseconds since 1970, by the author's clock.
    """

    is_own: bool
    number: int
    at: int
    text: str


class Messages(Sequence[MessageView]):
    """The messages of a chat in order. Places count from the first one that ever was; none is left before `start`.

    A message is put together when somebody looks at it: there may be hundreds of thousands.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    @property
    def key(self) -> AuthorId:
        """Another one when the chat starts over."""
        return self._chat.own_log

    @property
    def start(self) -> int:
        """The place of the first one that is still here."""
        return self._chat.timeline.start

    def __len__(self) -> int:
        return len(self._chat.timeline)

    @overload
    def __getitem__(self, place: int) -> MessageView: ...

    @overload
    def __getitem__(self, place: slice) -> list[MessageView]: ...

    def __getitem__(self, place: int | slice) -> MessageView | list[MessageView]:
        timeline = self._chat.timeline
        if isinstance(place, slice):
            return [self._view(message) for message in timeline[place]]
        return self._view(timeline[place])

    def _view(self, message: Message) -> MessageView:
        author, number, (at, text) = message
        return MessageView(author == self._chat.own_log, number, at, text)

    # One's own.

    @property
    def progress(self) -> tuple[int, int]:
        """How many of one's own are delivered, and how many are sent: their numbers are no higher."""
        return self._chat.acknowledged, self._chat.sent

    @property
    def undelivered(self) -> int:
        """How many of one's own are not delivered."""
        return self._chat.undelivered

    @property
    def own_start(self) -> int:
        """The number of the first one of one's own that is still here."""
        log = self._chat.logs.log(self._chat.own_log)
        return log.offset + 1 if log is not None else 1

    def own(self, number: int) -> MessageView:
        """One of one's own by its number. Raises LocalError if it is not here."""
        at, text = self._chat.logs.entry(self._chat.own_log, number)
        return MessageView(True, number, at, text)

    def delivery(self, number: int) -> Delivery:
        """How far one of one's own has come."""
        return self._chat.delivery(number)
