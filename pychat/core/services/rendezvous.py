"""What two people agree on so that they find each other again: a secret, and the relay where they look.

Theory of operation. When two have introduced themselves each says by which secret it would find the other, whether the
two have agreed on that one before, and at which relay. Both then take the same one: what was agreed before counts, and
of two that are equal in that the smaller one; it differs only where one of them has lost it, or was restored from a
backup. The secret is kept with the conversation. Where the room is, and when it changes, follows from it
(`relay.rendezvous`); the rooms themselves are of `services.rooms`.

A page can reach its own relay and no other (its policy forbids it), so two pages of different hosts agree on none. A
program can reach any.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pychat.core import events, wire
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.records import Rendezvous
from pychat.core.ids import ChatId
from pychat.core.link import Link
from pychat.core.service import (
    ConnectAgainWanted,
    Context,
    FrameRule,
    LinkNotification,
    PeerIntroduced,
    Service,
    Stage,
    WaitingEnded,
)
from pychat.core.services.links import Links

RECENT = 30 * 86_400.0
"""Seconds since the last message of those who count as recent people."""
MAX_RECENT, MAX_ALL = 8, 64
"""People that are waited for at once, at most."""


class RendezvousAgreement(Service):
    """Secrets that are agreed on, and the people that a person waits for.

    `relay` is the one relay that can be reached from here, "" if there is none, and None where any can.
    """

    def __init__(self, context: Context, links: Links, chats: Chats) -> None:
        super().__init__(context)
        self.relay: str | None = None
        self._links = links
        self._chats = chats
        self._proposed: dict[ChatId, bytes] = {}
        self._waited_for: set[ChatId] = set()  # without having been asked to for each

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Which relay there is, and whom a person wants to find."""
        return {
            events.UseRelay: self._on_use_relay,
            events.ConnectAgain: self._on_connect_again,
            events.WaitForPeople: self._on_wait,
        }

    def frame_rules(self) -> Mapping[type, FrameRule]:
        """What the peer proposes."""
        return {wire.Rendezvous: FrameRule(Stage.INTRODUCED, self._on_proposal)}

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Once somebody has introduced themselves it is proposed to them."""
        return {PeerIntroduced: self._on_introduced}

    def relay_for(self, conversation: Conversation) -> str:
        """The relay at which somebody can be found again from here, or ""."""
        if conversation.rendezvous is None or not conversation.rendezvous.relay:
            return ""
        return conversation.rendezvous.relay if self.relay is None else self.relay

    def _on_use_relay(self, event: events.UseRelay) -> None:
        self.relay = event.relay

    def _on_introduced(self, news: LinkNotification) -> None:
        link, peer = news.link, news.link.authenticated
        conversation = self._chats.conversation(link.chat)
        if peer is None or conversation is None or not conversation.is_kept or peer.rendezvous_proposed:
            return
        peer.rendezvous_proposed = True
        secret, is_agreed = self._secret_of(conversation)
        self._links.send(link, wire.Rendezvous(secret, is_agreed, self._own_relay(link)))

    def _secret_of(self, conversation: Conversation) -> tuple[bytes, bool]:
        """What we propose, and whether it was agreed on before."""
        if conversation.rendezvous is not None:
            return conversation.rendezvous.secret, True
        if conversation.id not in self._proposed:
            self._proposed[conversation.id] = self.context.new_secret()
        return self._proposed[conversation.id], False

    def _own_relay(self, link: Link) -> str:
        return self.relay if self.relay is not None else link.relay

    def _on_proposal(self, link: Link, frame: wire.Rendezvous) -> None:
        conversation, peer = self._chats.conversation(link.chat), link.authenticated
        if conversation is None or peer is None or not peer.rendezvous_proposed or peer.rendezvous_agreed:
            return  # it is not kept here, or was said before
        peer.rendezvous_agreed = True
        ours, is_agreed = self._secret_of(conversation)
        self._proposed.pop(conversation.id, None)
        secret = min((not is_agreed, ours), (not frame.is_agreed, frame.secret))[1]
        relay = self._common_relay(self._own_relay(link), frame.relay)
        if not relay and self.relay is None and conversation.rendezvous is not None:
            relay = conversation.rendezvous.relay  # nobody has named another one
        conversation.rendezvous = Rendezvous(secret, relay)
        self._chats.changed.add(conversation.id)

    def _common_relay(self, own: str, theirs: str) -> str:
        """Where both can be: a page can be at its own relay alone."""
        if self.relay is None:
            return theirs or own
        return own if theirs in ("", own) else ""

    def _on_connect_again(self, event: events.ConnectAgain) -> None:
        self._waited_for.discard(event.conversation)  # it is asked for, whomever else the person waits for
        self._connect_again(event.conversation)

    def _connect_again(self, chat: ChatId) -> None:
        conversation = self._chats.conversation(chat)
        if conversation is None:
            return
        relay = self.relay_for(conversation)
        link = self._links.of(conversation)
        if relay and conversation.rendezvous is not None and (link is None or not link.is_live):
            self.context.notify(ConnectAgainWanted(conversation.id, conversation.rendezvous.secret, relay))

    def _on_wait(self, event: events.WaitForPeople) -> None:
        """Wait for those that the person chooses, the last ones first, and for no others that they did not ask for."""
        least = self.context.clock - RECENT if event.people is events.WhoToWaitFor.RECENT else 0.0
        most = {events.WhoToWaitFor.NOBODY: 0, events.WhoToWaitFor.RECENT: MAX_RECENT}.get(event.people, MAX_ALL)
        found = [
            (c.last.at / 1000, c.id)
            for c in self._chats.conversations()
            if c.last is not None and (not c.rooms or c.id in self._waited_for)
        ]
        wanted = [chat for at, chat in sorted(found, reverse=True)[:most] if at >= least]
        for chat in self._waited_for.difference(wanted):
            self.context.notify(WaitingEnded(chat))
        self._waited_for = set(wanted)
        for chat in wanted:
            self._connect_again(chat)
