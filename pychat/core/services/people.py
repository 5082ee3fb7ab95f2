"""The people one knows: meeting them, comparing with them, being warned of whoever looks like one of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pychat.core import effects, events, wire
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Conversation
from pychat.core.identity.contacts import STORE_KEY, Contact, Contacts, Namesake
from pychat.core.ids import PublicKey
from pychat.core.link import CloseReason, Link
from pychat.core.service import (
    Context,
    FrameRule,
    LinkAdmitted,
    LinkNotification,
    PeerAcknowledged,
    PeerIntroduced,
    Service,
    Stage,
)
from pychat.core.services.links import WARNED_CLOSE_DELAY, Links

SEEN_INTERVAL = 60.0
"""Seconds after which it is worth keeping that somebody was seen."""


class People(Service):
    """Contacts, verification, warnings.

    `not_kept` says why something could not be kept for the next time, in the platform's words; or "".
    """

    def __init__(self, context: Context, links: Links, chats: Chats, contacts: Contacts) -> None:
        super().__init__(context)
        self.contacts = contacts
        self.not_kept = ""
        self._links = links
        self._chats = chats
        self._changed: dict[PublicKey, Contact] = {}

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person says of others, and what is kept."""
        return {
            events.ReportComparison: self._on_comparison,
            events.DismissWarning: self._on_dismiss_warning,
            events.AcceptName: self._on_accept_name,
            events.NotKept: self._on_not_kept,
            events.ContactsKept: self._on_contacts_kept,
        }

    def frame_rules(self) -> Mapping[type, FrameRule]:
        """That a comparison has failed on the other side."""
        return {wire.Mismatch: FrameRule(Stage.AUTHENTICATED, self._on_mismatch)}

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Who is there, what they are called, and that they were written to."""
        return {
            LinkAdmitted: self._on_admitted,
            PeerIntroduced: self._on_introduced,
            PeerAcknowledged: self._on_acknowledged,
        }

    def flush(self) -> None:
        """Have the contacts kept that have changed."""
        if self._changed:
            self.context.emit(effects.KeepContacts(tuple(self._changed.values())))
            self._changed.clear()

    # What a person says.

    def _on_comparison(self, event: events.ReportComparison) -> None:
        conversation = self._chats.conversation(event.conversation)
        if conversation is None or conversation.peer != event.key or event.key == self.context.key:
            return
        self._keep(self.contacts.judge(event.key, match=event.match, shown_as=event.name))
        if event.match:
            conversation.warning = None
        else:
            self._reject(conversation)

    def _reject(self, conversation: Conversation) -> None:
        """End the link to somebody with whom a comparison has failed, and tell them: they are deceived as we are."""
        link = self._links.of(conversation)
        if link is not None and link.is_live:
            if link.heard_from_peer:
                self._links.send(link, wire.Mismatch())
            self._links.end_with_bye(link, CloseReason.NO_MATCH, WARNED_CLOSE_DELAY)

    def _on_dismiss_warning(self, event: events.DismissWarning) -> None:
        conversation = self._chats.conversation(event.conversation)
        if conversation is not None and event.warning.is_same(conversation.warning):
            conversation.warning = None

    def _on_accept_name(self, event: events.AcceptName) -> None:
        conversation = self._chats.conversation(event.conversation)
        contact = self.contacts.get(conversation.peer) if conversation is not None else None
        if contact is not None and event.name and contact.new_name == event.name:
            self._keep(self.contacts.accept_name(contact.key))

    # What is kept.

    def _on_not_kept(self, event: events.NotKept) -> None:
        if event.key == STORE_KEY:  # a room that is not remembered is asked for once more
            self.not_kept = event.detail

    def _on_contacts_kept(self, event: events.ContactsKept) -> None:
        try:
            newer, rejected = self.contacts.adopt(event.text)
        except ValueError:  # of another version of pychat
            return
        for known in newer:
            self._keep(known)
        for conversation in self._chats.conversations():
            contact = self.contacts.get(conversation.peer)
            if contact is not None and contact in rejected:
                self._reject(conversation)
            elif contact is not None and conversation.warning is not None:
                namesake = self.contacts.namesake(contact)
                conversation.warning = Namesake(namesake, contact.name) if namesake is not None else None

    def _keep(self, contact: Contact) -> None:
        self._changed[contact.key] = contact

    # Who is there.

    def _on_admitted(self, news: LinkNotification) -> None:
        """Until they have said what they are called, somebody known is shown by the name they had."""
        conversation = self._chats.with_peer(news.link.peer)
        contact = self.contacts.get(conversation.peer) if conversation is not None else None
        if conversation is not None and contact is not None:
            self._look_at_name(conversation, contact)

    def _on_introduced(self, news: PeerIntroduced) -> None:
        peer, conversation = news.link.authenticated, self._chats.with_peer(news.link.peer)
        if peer is None or peer.introduction is None or conversation is None or peer.key == self.context.key:
            return  # another tab of our own
        before = self.contacts.get(peer.key)
        clock = self.context.clock
        if not news.is_renamed and before is not None and clock - before.seen <= SEEN_INTERVAL:
            return
        contact = self.contacts.meet(peer.key, peer.introduction.name, clock)
        self._look_at_name(conversation, contact)
        if before != replace(contact, seen=before.seen if before else 0) or contact.seen - before.seen > SEEN_INTERVAL:
            self._keep(contact)

    def _look_at_name(self, conversation: Conversation, contact: Contact) -> None:
        """Warn of a name that belongs to somebody else; who takes yet another such name is warned of again."""
        namesake = self.contacts.namesake(contact)
        if namesake is not None:
            conversation.warning = Namesake(namesake, contact.name)

    def _on_acknowledged(self, news: LinkNotification) -> None:
        talked = self.contacts.talked_to(news.link.peer) if news.link.peer is not None else None
        if talked is not None:
            self._keep(talked)

    def _on_mismatch(self, link: Link, _: wire.Mismatch) -> None:
        """Their person has compared, and saw something else: somebody may be in the middle, whoever looks like them."""
        doubted = self.contacts.doubt(link.peer) if link.peer is not None else None
        if doubted is not None:
            self._keep(doubted)
        self._links.end(link, CloseReason.PEER_NO_MATCH)
