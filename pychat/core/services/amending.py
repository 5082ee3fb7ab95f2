"""A person edits what they said, deletes it for both, or reacts to what was said: each is an entry of their own log.

So all of that arrives as messages do: when the other one is there, once, and after what it speaks of. How it is shown
is in `chat.relations`; what has not gone out at all is taken back instead of deleted for both (`deletion`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from pychat.core import content, events, wire
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.relations import is_hidden
from pychat.core.content import Relation
from pychat.core.ids import AuthorId, ChatId
from pychat.core.log import Entry
from pychat.core.service import Context, Service


class Amending(Service):
    """Edits, deletions for both, reactions."""

    def __init__(self, context: Context, chats: Chats) -> None:
        super().__init__(context)
        self._chats = chats

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person does with a message."""
        return {
            events.EditMessage: self._on_edit,
            events.RetractMessage: self._on_retract,
            events.ReactToMessage: self._on_react,
        }

    def _on_edit(self, event: events.EditMessage) -> None:
        found, text = self._find(event.conversation, event.author, event.number), wire.without_surrogates(event.text)
        if found is None or not found[0].is_own(event.author):
            return
        conversation, entry = found
        place = event.author, event.number
        if conversation.relations.text(place, entry.text, is_own=True) != text:
            self._write(conversation, content.EDIT, event.author, event.number, text)

    def _on_retract(self, event: events.RetractMessage) -> None:
        found = self._find(event.conversation, event.author, event.number)
        if found is None or not found[0].is_own(event.author):
            return
        conversation = found[0]
        if conversation.is_waiting(event.author, event.number):
            conversation.retracted.add((event.author, event.number))  # nobody else has it, and nobody will
        else:
            self._write(conversation, content.DELETE, event.author, event.number, content.DELETED_SIGN)
        self._chats.delete_retracted(conversation)

    def _on_react(self, event: events.ReactToMessage) -> None:
        found = self._find(event.conversation, event.author, event.number)
        if found is None:
            return
        before = found[0].relations.reactions((event.author, event.number)).own
        if event.emoji == before:
            return
        if not event.emoji:
            self._write(found[0], content.UNREACT, event.author, event.number, before)
        elif content.is_emoji(event.emoji):
            self._write(found[0], content.REACT, event.author, event.number, event.emoji)

    def _find(self, chat: ChatId, author: AuthorId, number: int) -> tuple[Conversation, Entry] | None:
        """A message that is here, and was not deleted."""
        conversation = self._chats.conversation(chat)
        entry = conversation.entry(author, number) if conversation is not None else None
        if conversation is None or entry is None or not entry.text or is_hidden(entry):
            return None
        return conversation, entry

    def _write(self, conversation: Conversation, kind: str, author: AuthorId, number: int, text: str) -> None:
        at = int(self.context.clock * 1000)
        self._chats.write(conversation, Entry(at, text, relation=Relation(kind, author, number)))
        self.context.touched.add(conversation.link)
