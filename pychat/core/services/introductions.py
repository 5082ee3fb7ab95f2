"""Signaling by hand: invites and replies that people carry, and what was pasted.

Theory of operation. An invite or a reply goes out in one piece, once enough candidates are gathered. Which invites wait
for a reply is in the registry; what becomes of a text that was pasted, in the inbox. The code of a room is found here
too, and left to whoever has to do with rooms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Chat, Introduction
from pychat.core.codes.codetext import lasting
from pychat.core.codes.invite import Code, encode
from pychat.core.errors import CodeProblem
from pychat.core.handshake import Role
from pychat.core.link import CloseReason, Link, LinkPhase, LinkStep
from pychat.core.service import Context, LinkAuthenticated, LinkClosed, LinkNotification, RoomCodePasted, Service
from pychat.core.services.code_inbox import CodeInbox, EnterRoom, Use
from pychat.core.services.invite_registry import InviteRegistry
from pychat.core.services.links import Links
from pychat.core.webrtc import ice_keep_alive
from pychat.core.webrtc.gathering import Gathering
from pychat.core.webrtc.ice_keep_alive import IceKeepAlive
from pychat.core.webrtc.sdp import CandidateKind, DescriptionKind, as_looked_at, to_sdp


@dataclass(slots=True, eq=False)
class InviteSignaling:
    """What a link has whose codes people carry: its own code and its `ref`, and what is gathered for it."""

    service: "Introductions"
    gathering: Gathering
    code: str = ""
    ref: bytes = b""
    keep_alive: IceKeepAlive | None = None
    relay: str = ""

    def on_local_description(self, link: Link, sdp: str) -> None:
        """Take the offer or answer of this side. Raises LocalError if it is not one for a single data channel."""
        self.service.described(link, self, sdp)

    def on_candidate(self, link: Link, attribute: str) -> None:
        """Take a candidate of this side; what comes after the code is made cannot be told any more."""
        if not self.code:
            self.gathering.add(attribute, self.service.context.now)

    def on_gathering_finished(self, link: Link) -> None:
        """There are no more candidates of this side."""
        self.gathering.finished = True
        self.service.make_code(link, self)


class Introductions(Service):
    """Invites, replies and what was pasted.

    Args:
        tabs: whether other nodes of the same person may run beside, in other tabs.
    """

    def __init__(self, context: Context, links: Links, chats: Chats, *, tabs: bool) -> None:
        super().__init__(context)
        self._links = links
        self._chats = chats
        self._registry = InviteRegistry()
        self._signaling: dict[Link, InviteSignaling] = {}  # of the links that wait for the other side
        self.inbox = CodeInbox(self._registry, tabs=tabs)

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person wants to connect to, what they paste, and what other tabs say of it."""
        return {
            events.CreateInvite: self._on_create_invite,
            events.PasteCode: self._on_paste_code,
            events.EditCode: lambda _: self.inbox.forget(),
            events.OpenCodeLink: self._on_open_code_link,
            events.CreateRoom: self._on_begun_elsewhere,
            events.ConfirmJoin: self._on_wanted_elsewhere,
            events.ReturnToRoom: self._on_wanted_elsewhere,
            events.CodeFromTab: self._on_code_from_tab,
            events.CodeTakenByTab: lambda event: self.inbox.taken(event.text),
            events.LeaveConversation: self._on_leave,
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Whoever comes by an invite is let in; an invite whose link has ended cannot be used again."""
        return {LinkAuthenticated: self._on_authenticated, LinkClosed: self._on_closed}

    @property
    def due(self) -> float | None:
        """When a code has to be made, a candidate to be given again, or other tabs have had their time."""
        times = [self.inbox.due]
        for link, signaling in self._signaling.items():
            times.append(signaling.gathering.due)
            if signaling.keep_alive is not None and link.phase is LinkPhase.SIGNALING:
                times.append(signaling.keep_alive.due)
        return min([at for at in times if at is not None], default=None)

    def wake(self) -> None:
        """Do it."""
        now = self.context.now
        for link, signaling in [*self._signaling.items()]:  # a link that ends leaves the table
            if signaling.gathering.due is not None and signaling.gathering.due <= now:
                self._links.guard(link, self.make_code, link, signaling)
            if signaling.keep_alive is None or link.phase is not LinkPhase.SIGNALING:  # only a side that waits needs it
                continue
            if signaling.keep_alive.due <= now:
                for attribute in signaling.keep_alive.attributes(now):
                    self.context.emit(effects.AddCandidate(link.id, attribute))
        if self.inbox.due is not None and self.inbox.due <= now:
            self.inbox.give_up()

    # What a person wants.

    def _begin(self) -> bool:
        """A person wants to be connected: what was wrong with the last code no longer matters."""
        self.inbox.forget()
        return not self._refuse_without_webrtc()

    def _refuse_without_webrtc(self) -> bool:
        if not self.context.has_webrtc:
            self.inbox.forget()
            self.inbox.problem = CodeProblem.NO_WEBRTC
        return not self.context.has_webrtc

    def _on_begun_elsewhere(self, _: events.CreateRoom) -> None:
        self._begin()

    def _on_wanted_elsewhere(self, _: events.ConfirmJoin | events.ReturnToRoom) -> None:
        self._refuse_without_webrtc()

    def _on_create_invite(self, event: events.CreateInvite) -> None:
        if self._begin():
            chat = self._chats.get(event.conversation) or self._chats.introduce()
            link = self._begin_link(Role.INVITER, chat)
            self.context.emit(effects.CreateOffer(link.id))
            self._chats.open(chat)

    def _on_paste_code(self, event: events.PasteCode) -> None:
        if self._begin():
            outcome = self.inbox.paste(event.text, self.context.now, relay=bool(event.relay))
            self._use(outcome, event.relay, asks=False)

    def _on_open_code_link(self, event: events.OpenCodeLink) -> None:
        outcome = self.inbox.open_link(event.text, self.context.now, relay=bool(event.relay))
        self._use(outcome, event.relay, asks=not event.returning)

    def _on_code_from_tab(self, event: events.CodeFromTab) -> None:
        use = self.inbox.take_from_tab(event.text)
        if use is not None:
            self._use(use)
            self.context.emit(effects.TellTabsCodeTaken(event.text))

    def _on_leave(self, event: events.LeaveConversation) -> None:
        chat = self._chats.get(event.conversation)
        if isinstance(chat, Introduction) and not chat.timeline:
            link = self._links.of(chat)
            self._chats.remove(chat)  # its room goes once its last words are sent, its link once they are heard
            if link is not None:
                self._links.release(link)

    def _use(
        self, outcome: Use | EnterRoom | effects.OfferCodeToTabs | None, relay: str = "", *, asks: bool = False
    ) -> None:
        match outcome:
            case EnterRoom(room):
                if asks or not self._refuse_without_webrtc():
                    self.context.notify(RoomCodePasted(room, relay, asks))
            case Use(code, None):
                chat = self._chats.introduce()
                link = self._begin_link(Role.REPLIER, chat)
                link.remote, link.binding = as_looked_at(code.description), code.digest
                self._signaling[link].ref = code.ref
                self.context.emit(effects.AcceptOffer(link.id, to_sdp(link.remote)))
                self._accept(chat)
            case Use(code, number) if number is not None:
                link = self._links.by_id[number]
                link.remote = as_looked_at(code.description)
                self.context.emit(effects.AcceptAnswer(link.id, to_sdp(link.remote)))
                self._links.step(link, LinkStep.DESCRIBED)
                chat_of_link = self._chats.get(link.chat)
                if chat_of_link is not None:
                    self._accept(chat_of_link)
            case effects.OfferCodeToTabs():
                self.context.emit(outcome)

    def _accept(self, chat: Chat) -> None:
        self._chats.codes_used += 1
        self._chats.open(chat)

    def _begin_link(self, role: Role, chat: Chat) -> Link:
        kind = DescriptionKind.OFFER if role is Role.INVITER else DescriptionKind.ANSWER
        best = CandidateKind.RELAYED if self._links.ice.has_turn else CandidateKind.SERVER_REFLEXIVE
        signaling = InviteSignaling(self, Gathering(kind, best))
        link = self._links.begin(role, signaling, chat)
        self._signaling[link] = signaling
        return link

    # What WebRTC reports.

    def described(self, link: Link, signaling: InviteSignaling, sdp: str) -> None:
        """Take the description of this side. Raises LocalError if it is not one for a single data channel."""
        capabilities = self.context.capabilities
        signaling.gathering.describe(sdp, self.context.now)
        signaling.gathering.finished |= not capabilities.trickles
        link.local = signaling.gathering.description
        if link.remote is not None and not capabilities.keeps_checking:
            signaling.keep_alive = IceKeepAlive(link.remote, self.context.now + ice_keep_alive.FIRST)
        self.make_code(link, signaling)

    def make_code(self, link: Link, signaling: InviteSignaling) -> None:
        """Write the code for the person to hand over, once enough is gathered for it."""
        if signaling.code:
            return
        if signaling.gathering.in_vain:
            self._links.end(link, CloseReason.NO_ADDRESS)
            return
        description = signaling.gathering.result(self.context.now)
        if description is None:
            return
        code = Code(description, signaling.ref if link.role is Role.REPLIER else None)
        signaling.code = lasting(encode(code))
        if link.role is Role.INVITER:
            signaling.ref, link.binding = code.ref, code.digest
        self._registry.issue(code, link.id)

    def _on_authenticated(self, news: LinkNotification) -> None:
        if self._signaling.pop(news.link, None) is not None:
            self._links.admit(news.link)

    def _on_closed(self, news: LinkNotification) -> None:
        signaling = news.link.signaling
        self._signaling.pop(news.link, None)
        if isinstance(signaling, InviteSignaling):
            self._registry.give_up(news.link.binding, news.link.id)
