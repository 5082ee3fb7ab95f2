"""What is said in a chat, as a program sees it: messages, and what their authors do with them afterwards."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from pychat.core import content
from pychat.core.chat.conversation import Chat, Conversation
from pychat.core.chat.relations import is_hidden
from pychat.core.chat.timeline import Message as Kept
from pychat.core.content import Relation, Unknown


class MessageId(NamedTuple):
    """Which message it is, the same for both sides: the name of the log in which it stands, and its number there."""

    log: str
    number: int


@dataclass(frozen=True, slots=True)
class Message:
    """What one of the two wrote.

    `text` is what it said when it was handed out, `at` is when it was written, by its author's clock. `answers` is the
    message that it is a reply to, or None. `is_own` says that it is one's own, `is_newer` that it is of a kind that
    this version does not know: then its text may not be all of it.
    """

    text: str
    at: datetime
    id: MessageId
    answers: MessageId | None = None
    is_own: bool = False
    is_newer: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """The other side has edited the message `id` of theirs; `text` is what it says from then on."""

    id: MessageId
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Retracted:
    """The other side has deleted the message `id` of theirs for both."""

    id: MessageId
    at: datetime


@dataclass(frozen=True, slots=True)
class Reacted:
    """The other side reacts to the message `id`, whosever it is, by this `emoji` and no other; "" is no more."""

    id: MessageId
    emoji: str
    at: datetime


Said = Message | Edited | Retracted | Reacted


def said_in(conversation: Chat, kept: Kept) -> Said | None:
    """What an entry of a conversation says; None if it was deleted, or changes what is not for its author to change."""
    author, number, entry = kept
    if not entry.text:
        return None
    at, relation, is_own = datetime.fromtimestamp(entry.at / 1000, UTC), entry.relation, conversation.is_own(author)
    about = MessageId(relation.author, relation.number) if isinstance(relation, Relation) else None
    if about is None or relation is None or not is_hidden(entry):
        text = conversation.text_of(kept) if isinstance(conversation, Conversation) else entry.text
        return Message(text, at, MessageId(author, number), about, is_own, isinstance(relation, Unknown))
    match relation:
        case Relation(content.EDIT | content.DELETE) if conversation.is_own(about.log) is not is_own:
            return None
        case Relation(content.EDIT):
            return Edited(about, entry.text, at)
        case Relation(content.DELETE):
            return Retracted(about, at)
        case Relation(content.REACT):
            return Reacted(about, entry.text, at)
    return Reacted(about, "", at)
