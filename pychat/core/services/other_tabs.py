"""What other tabs of the same person have kept, as soon as they have: each tab shows the same.

Theory of operation. What a tab has put into the journal it tells the others: the head and the segment of each
conversation, as they are there. These take it as if they had read it, so that nothing is written twice. What was
written in a tab that has no link goes out by the one that has. A tab that missed something has it after a reload.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pychat.core import events
from pychat.core.chat.chats import Chats, conversation_id
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.records import Head, KeptConversation, Part, read_head, read_segment
from pychat.core.errors import RemoteError
from pychat.core.service import Context, ConversationKept, DeletedInTab, KeepForChanged, Service, WrittenInTab
from pychat.core.services.links import Links


class OtherTabs(Service):
    """Takes over what other tabs have kept."""

    def __init__(self, context: Context, links: Links, chats: Chats) -> None:
        super().__init__(context)
        self._links = links
        self._chats = chats

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What another tab has kept."""
        return {events.KeptByTab: self._on_kept}

    def _on_kept(self, event: events.KeptByTab) -> None:
        try:
            head = read_head(event.head)
            parts = read_segment(event.segment).parts if event.segment is not None else []
            chat = conversation_id(self.context.key, head.peer)
        except ValueError:
            return  # that tab runs another version of pychat
        conversation = self._chats.conversation(chat)
        if conversation is None:
            if not head.is_removed and chat not in self._chats.put_away:  # else it is of before, or is there later
                self._chats.resume(KeptConversation(chat, head, ()))
        elif head.is_removed:
            self._remove(conversation, head)
        else:
            self._take(conversation, head, parts)

    def _remove(self, conversation: Conversation, head: Head) -> None:
        """It was deleted there; whoever is talked to here is talked to on, and what was not known there stays."""
        link = self._links.of(conversation)
        deleted = {**head.counts, **head.own}
        has_more = any(count > deleted.get(log, 0) for log, count in conversation.logs.all_counts().items())
        if not has_more and (link is None or not link.is_live):
            self._chats.remove(conversation)
            self._chats.removed.pop(conversation.id, None)  # that is done

    def _take(self, conversation: Conversation, head: Head, parts: Iterable[Part]) -> None:
        is_all_kept = conversation.journaled == len(conversation.timeline)
        try:
            for author, first, entries, is_own in parts:
                conversation.take_kept(author, first, entries, is_own=is_own)
                if is_own:
                    self.context.notify(WrittenInTab(conversation.id, author))
        except RemoteError:
            return  # no tab of ours wrote that
        self._chats.delete_retracted(conversation)
        conversation.take_head(head)
        for author, number in head.deleting:
            self.context.notify(DeletedInTab(conversation.id, author, number))
        if is_all_kept:
            conversation.journaled = len(conversation.timeline)
        if not head.unread:
            conversation.read, conversation.unopened = len(conversation.timeline), head.is_unopened
        choice, before = head.keep_for, conversation.keep_for
        if choice is not None and (before is None or choice.chosen_at > before.chosen_at):
            former = self._chats.keep_for(conversation)
            conversation.keep_for = choice
            self.context.notify(KeepForChanged(conversation.id, former))
        self.context.touched.add(conversation.link)
        self.context.notify(ConversationKept(conversation.id))
