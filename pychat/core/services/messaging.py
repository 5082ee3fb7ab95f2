"""What people write to each other: from the log of one to the log of the other, and how long it is kept.

Whoever is let in finds the conversation that belongs to them. What was written to one person never goes to another: if
the link began in somebody else's conversation, or in an introduction, it moves to their own. Nor does a room leave the
conversation in which it is shown: to turn to somebody else is for the person here.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from pychat.core import events, wire
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Chat, Conversation, Introduction
from pychat.core.content import REPLY, Relation
from pychat.core.errors import RemoteError
from pychat.core.identity.contacts import Contacts, clean_name
from pychat.core.ids import RoomId
from pychat.core.link import AuthenticatedPeer, CloseReason, Link, LinkPhase, LinkStep
from pychat.core.log import make_entry
from pychat.core.memory import ALL_MOST, STEP
from pychat.core.service import (
    Context,
    ConversationKept,
    EarlierWanted,
    FrameRule,
    LinkAdmitted,
    LinkClosed,
    LinkLost,
    LinkNotification,
    PeerAcknowledged,
    PeerIntroduced,
    Service,
    Stage,
    WrittenInTab,
)
from pychat.core.services.links import Links
from pychat.core.sync import Outgoing

MAX_UNOPENED, MAX_UNOPENED_OF_ROOM = 16, 8
"""Conversations that others have begun and nobody has looked at, whose link has ended: of more the oldest go."""
UNOPENED_KEPT, UNOPENED_KEPT_WITH_MESSAGES = 60.0, 86_400.0
"""Seconds that such a conversation stays."""
MAX_CHATS = 1_000
"""Chats of one run: of more the one goes that ended first. A bot that answers whoever comes gets there."""


class Messaging(Service):
    """Writing, entries, acknowledgements, introducing; and which conversations are kept.

    Args:
        name: how this person wants to be called.
    """

    def __init__(self, context: Context, links: Links, chats: Chats, contacts: Contacts, name: str) -> None:
        super().__init__(context)
        self.name = name
        self._links = links
        self._chats = chats
        self._contacts = contacts
        self._acknowledge_at: float | None = None
        """When the first acknowledgement is due, or before that."""
        self._leaving: list[Link] = []  # links that were left before all that has come was kept
        links.before_bye(self._on_bye)

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person writes, looks at, leaves and puts away."""
        return {
            events.WriteMessage: self._on_write,
            events.SetName: self._on_set_name,
            events.ShowConversation: self._on_show,
            events.LeaveConversation: self._on_leave,
            events.RemoveConversation: self._on_remove,
        }

    def frame_rules(self) -> Mapping[type, FrameRule]:
        """Introductions, entries and acknowledgements."""
        return {
            wire.Introduce: FrameRule(Stage.AUTHENTICATED, self._on_introduction),
            wire.Entries: FrameRule(Stage.INTRODUCED, self._on_entries, is_message=True),
            wire.Have: FrameRule(Stage.INTRODUCED, self._on_have, is_message=True),
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Who is let in, where a path is lost, and what is in the journal."""
        return {
            LinkAdmitted: self._on_admitted,
            LinkLost: self._on_lost,
            LinkClosed: self._on_closed,
            ConversationKept: self._on_kept,
            WrittenInTab: self._on_written_in_tab,
        }

    # What a person does.

    def _on_write(self, event: events.WriteMessage) -> None:
        chat = self._chats.get(event.conversation)
        if chat is not None:
            relation = Relation(REPLY, *event.reply_to) if event.reply_to is not None else None
            text = wire.without_surrogates(event.text)
            self._chats.write(chat, make_entry((int(self.context.clock * 1000), text, 0, relation)))
            self.context.touched.add(chat.link)

    def _on_set_name(self, event: events.SetName) -> None:
        self.name = clean_name(event.name)
        for link in self._links.by_id.values():
            if link.authenticated is not None and link.phase in (LinkPhase.OPEN, LinkPhase.LOST):
                self._introduce(link)

    def _on_show(self, event: events.ShowConversation) -> None:
        chat = self._chats.get(event.conversation)
        self._chats.shown = chat.id if chat is not None else None
        if isinstance(chat, Conversation):
            chat.unopened = False

    def _on_leave(self, event: events.LeaveConversation) -> None:
        chat = self._chats.get(event.conversation)
        link = self._links.of(chat) if chat is not None else None
        if link is not None:
            self._links.end_with_bye(link, CloseReason.LEFT)

    def _on_remove(self, event: events.RemoveConversation) -> None:
        chat = self._chats.get(event.conversation)
        link = self._links.of(chat) if chat is not None else None
        if chat is not None and not chat.is_in_room and (link is None or not link.is_live):
            if isinstance(chat, Conversation):
                chat.unopened = False
            self._remove(chat)

    # Who is there.

    def _on_admitted(self, news: LinkNotification) -> None:
        link = news.link
        peer = link.authenticated
        if peer is None or not link.is_live:
            return
        present, home = self._chats.get(link.chat), self._chats.of_room(link.room)
        waiting = {chat.id: chat for chat in (present, home) if isinstance(chat, Introduction)}
        log = next((introduction.own_log for introduction in waiting.values()), None)
        met_here = self._contacts.get(peer.key) is None
        conversation, is_new = self._chats.meet(peer.key, met_here=met_here, log=log)
        is_shown = self._chats.shown in (conversation.id, *waiting)
        if present is not None and present is not conversation and present.link == link.id:
            present.link, present.is_deserted = None, True
        for introduction in waiting.values():
            other = self._links.of(introduction)
            if other is not None and other is not link:
                if other.room is None:
                    self._links.end_with_bye(other, CloseReason.REPLACED)  # nobody sees its code any more
                self._links.release(other)  # in a room it goes on by itself, and hears that there is no seat
            self._chats.resolve(introduction, conversation)
        if is_new:
            came_by_itself = link.room is not None or isinstance(present, Conversation)
            conversation.unopened = came_by_itself and not conversation.written and not is_shown
        self._links.bind(link, conversation)
        if link.room is not None and conversation.id == self._chats.shown:
            self._chats.move_room(link.room, conversation)
        self._introduce(link)
        self._links.step(link, LinkStep.AUTHENTICATED)

    def _introduce(self, link: Link) -> None:
        conversation, peer = self._chats.conversation(link.chat), link.authenticated
        if conversation is not None:
            outgoing = peer.outgoing if peer is not None else None
            log = outgoing.author if outgoing is not None else conversation.own_log
            self._links.send(link, wire.Introduce(log, self.name))

    def _on_introduction(self, link: Link, frame: wire.Introduce) -> None:
        peer, conversation = self._peer_in(link)
        before = peer.introduction
        is_renamed = before is None or before.name != frame.name
        is_new = is_renamed or frame.log not in peer.introduced_logs  # of two tabs it goes back and forth for years
        if is_new and peer.renamings.ready_at(self.context.now) > self.context.now:
            raise RemoteError("the peer renames itself, or begins logs, without end")
        conversation.take_introduction(frame.log, frame.name)
        peer.introduction = frame
        peer.incoming.begin(self.context.now)
        if is_new:
            peer.renamings.take(self.context.now)
            peer.introduced_logs.append(frame.log)
        self.context.notify(PeerIntroduced(link, is_renamed))

    def _on_lost(self, news: LinkNotification) -> None:
        chat = self._chats.get(news.link.chat)
        if chat is not None:
            chat.progress(None)

    def _on_closed(self, news: LinkNotification) -> None:
        chat = self._chats.get(news.link.chat)
        if chat is not None and chat.link == news.link.id:
            chat.progress(None)
            chat.ended = self.context.now

    # What the peer says.

    def _peer_in(self, link: Link) -> tuple[AuthenticatedPeer, Conversation]:
        """Whose words are heard over a link, and in which conversation. The frame rules see to both."""
        conversation = self._chats.conversation(link.chat)
        if link.authenticated is None or conversation is None:
            raise RemoteError("the peer did not prove who it is first")
        return link.authenticated, conversation

    def _on_entries(self, link: Link, frame: wire.Entries) -> None:
        peer, conversation = self._peer_in(link)
        if frame.author != conversation.peer_log:
            raise RemoteError("the peer speaks for somebody else")
        conversation.receive(frame.author, frame.first, frame.entries)
        self._chats.delete_retracted(conversation)
        if conversation.is_kept:
            self._chats.changed.add(conversation.id)
        last, log = frame.first + len(frame.entries) - 1, conversation.logs.log(frame.author)
        if log is None or log.durable >= last or not frame.entries:
            peer.incoming.take(frame.entries, self.context.now)
        else:
            peer.incoming.await_journal(last, frame.entries)

    def _on_have(self, link: Link, frame: wire.Have) -> None:
        peer, conversation = self._peer_in(link)
        if peer.outgoing is None:  # the first one says from where on to send
            peer.have = dict(frame.have)
            peer.pending = [*conversation.take_first_have(frame.have), conversation.own_log]
            peer.outgoing = self._next_log(link, peer, conversation)
        peer.outgoing.acknowledge(frame.have)
        has_arrived = peer.outgoing.acknowledged > 0
        peer.outgoing.pass_over_deleted(conversation.logs)
        conversation.progress(peer.outgoing)
        if has_arrived:
            self.context.notify(PeerAcknowledged(link))
        if peer.pending and peer.outgoing.is_done(conversation.logs):
            peer.outgoing = self._next_log(link, peer, conversation)
        self._want_what_is_lacking(peer, conversation)

    def _next_log(self, link: Link, peer: AuthenticatedPeer, conversation: Conversation) -> Outgoing:
        """Send what the peer lacks of a log: first of those of former runs, which were written before, then of ours."""
        log = peer.pending.pop(0)
        if log != conversation.own_log or peer.outgoing is not None:  # that one was introduced at first
            self._links.send(link, wire.Introduce(log, self.name))
        known = conversation.acknowledged if log == conversation.own_log else conversation.former_logs.get(log, 0)
        count = peer.have.pop(log, known)  # without a word, or when it was sent over this link before: as we know
        length = conversation.logs.count(log)
        return Outgoing(log, min(count, length), length if log != conversation.own_log else 0)

    def _on_kept(self, news: ConversationKept) -> None:
        """What is in the journal may be sent, and acknowledged."""
        for left in [link for link in self._leaving if link.chat == news.chat]:
            self._go_on_leaving(left)
        conversation = self._chats.conversation(news.chat)
        link = self._links.of(conversation) if conversation is not None else None
        peer = link.authenticated if link is not None else None
        if conversation is None or link is None or peer is None:
            return
        log = conversation.logs.log(conversation.peer_log) if conversation.peer_log is not None else None
        if log is not None:
            peer.incoming.kept(log.durable, self.context.now)
        if conversation.is_unreadable:
            self._pass_over_unreadable(link, peer, conversation)
        self._want_what_is_lacking(peer, conversation)

    def _on_written_in_tab(self, news: WrittenInTab) -> None:
        """Send it, when what is being sent has arrived; then go on with our own log."""
        conversation = self._chats.conversation(news.chat)
        link = self._links.of(conversation) if conversation is not None else None
        peer = link.authenticated if link is not None else None
        if conversation is None or peer is None or peer.outgoing is None or news.log in peer.pending:
            return  # or it is sent when the two connect
        if news.log != peer.outgoing.author:
            own = [] if peer.pending else [conversation.own_log]
            peer.pending = [*peer.pending[:-1], news.log, *(peer.pending[-1:] or own)]
        self.context.needs_full_pass = True

    def _pass_over_unreadable(self, link: Link, peer: AuthenticatedPeer, conversation: Conversation) -> None:
        """A log that cannot be read for the moment waits until the two connect again; people go on talking."""
        while (
            peer.outgoing is not None
            and peer.pending
            and conversation.lacks(peer.outgoing.author, peer.outgoing.sent + 1)
        ):
            peer.outgoing = self._next_log(link, peer, conversation)

    def _want_what_is_lacking(self, peer: AuthenticatedPeer, conversation: Conversation) -> None:
        """Have read from the journal what the peer does not have."""
        if peer.outgoing is not None and conversation.lacks(peer.outgoing.author, peer.outgoing.sent + 1):
            self.context.notify(EarlierWanted(conversation.id))

    # What is sent at the end of a turn.

    @property
    def due(self) -> float | None:
        """When an acknowledgement is due, or a conversation that nobody has looked at goes."""
        times = [_goes_at(conversation) for conversation in self._unopened()]
        return min([at for at in (*times, self._acknowledge_at) if at is not None], default=None)

    def flush(self) -> None:
        """Send entries and acknowledgements, and put away what is too much."""
        context = self.context
        if self._chats.memory.held > ALL_MOST:
            self._make_room()
            context.needs_full_pass = True  # what was not acknowledged for want of room, over any link, may be now
        if context.needs_full_pass:
            self._forget_unopened()
            self._forget_ended()
            self._acknowledge_at = None
        for number in [*self._links.by_id] if context.needs_full_pass else context.touched:
            link = self._links.by_id.get(number) if number is not None else None
            if link is not None and link.phase is LinkPhase.OPEN and link.authenticated is not None:
                self._flush_link(link, link.authenticated)
        context.touched.clear()

    def _flush_link(self, link: Link, peer: AuthenticatedPeer) -> None:
        conversation = self._chats.conversation(link.chat)
        if conversation is None:
            return
        outgoing, incoming = peer.outgoing, peer.incoming
        if outgoing is not None:
            has_more = self.context.needs_full_pass or outgoing.sent != conversation.logs.count(outgoing.author)
            if has_more and conversation.warning is None:
                self._send_entries(link, peer, outgoing, conversation)
        if incoming.is_withheld or (incoming.due is not None and incoming.due <= self.context.now):
            self._acknowledge_if_there_is_room(link, peer, conversation)
        elif incoming.due is not None and (self._acknowledge_at is None or incoming.due < self._acknowledge_at):
            self._acknowledge_at = incoming.due
            self.context.wake_by(incoming.due)

    def _send_entries(
        self, link: Link, peer: AuthenticatedPeer, outgoing: Outgoing, conversation: Conversation
    ) -> None:
        while not conversation.lacks(outgoing.author, outgoing.sent + 1):
            for frame in outgoing.frames(conversation.logs):
                self._links.send(link, frame)
            conversation.progress(outgoing)
            if not peer.pending or not outgoing.is_done(conversation.logs):
                break
            # There was nothing of it any more, neither here nor in the journal.
            outgoing = peer.outgoing = self._next_log(link, peer, conversation)

    def _acknowledge_if_there_is_room(self, link: Link, peer: AuthenticatedPeer, conversation: Conversation) -> None:
        if conversation.holds_too_much():
            conversation.make_room()
        if conversation.holds_too_much() and peer.incoming.has_begun:
            peer.incoming.withhold()
        else:
            self._acknowledge(link, peer, conversation)

    def _acknowledge(self, link: Link, peer: AuthenticatedPeer, conversation: Conversation) -> None:
        if conversation.peer_log is not None:
            tells_all = conversation.is_kept and not peer.incoming.has_begun
            have = conversation.have_all() if tells_all else conversation.logs.have(conversation.peer_log)
            peer.incoming.acknowledged(self.context.now)
            self._links.send(link, wire.Have(have))

    def _on_bye(self, link: Link) -> bool:
        """Acknowledge what is kept. What is on its way into the journal is waited for: else it would come again."""
        peer, conversation = link.authenticated, self._chats.conversation(link.chat)
        if peer is None or conversation is None or link.phase is not LinkPhase.OPEN:
            return True
        if peer.incoming.due is not None:
            self._acknowledge(link, peer, conversation)
        if peer.incoming.awaits_journal:
            self._leaving.append(link)
        return not peer.incoming.awaits_journal

    def _go_on_leaving(self, link: Link) -> None:
        peer, conversation = link.authenticated, self._chats.conversation(link.chat)
        if peer is None or conversation is None or link.close_at is None:
            self._leaving.remove(link)  # it is closed
        elif conversation.peer_log is not None:
            peer.incoming.kept(conversation.logs.durable(conversation.peer_log), self.context.now)
            if not peer.incoming.awaits_journal:
                self._acknowledge(link, peer, conversation)
                self._links.send(link, wire.Bye())
                self._leaving.remove(link)

    # What is kept.

    def _make_room(self) -> None:
        """Let old messages go, of the chat that holds most; of the next one where it has none to give."""
        for chat in sorted(self._chats.listed(), key=lambda one: one.memory.held, reverse=True):
            excess = self._chats.memory.held - (ALL_MOST - STEP)
            if excess > 0:
                chat.make_room(chat.memory.held - excess)

    def _unopened(self) -> list[Conversation]:
        """Those of strangers who have come by a room's link and gone, and whom nobody has looked at."""
        return [c for c in self._chats.conversations() if c.unopened and self._has_gone(c) and self._is_stranger(c)]

    def _has_gone(self, conversation: Conversation) -> bool:
        link = self._links.of(conversation)
        if link is None:  # they came in another run
            return conversation.unopened
        return link.room is not None and not link.is_live and link.close_at is None

    def _is_stranger(self, conversation: Conversation) -> bool:
        """Whether it is of nobody whom the person has verified or written to, and no room is shown in it."""
        contact = self._contacts.get(conversation.peer)
        return not (contact is not None and (contact.verified or contact.talked)) and not conversation.rooms

    def _forget_unopened(self) -> None:
        """Put away whom nobody has looked at, some time after they have gone; and of a crowd, whoever came first."""
        of_rooms: Counter[RoomId | None] = Counter()
        for place, conversation in enumerate(sorted(self._unopened(), key=_goes_at, reverse=True)):
            link = self._links.of(conversation)
            room = link.room if link is not None else None
            of_rooms[room] += 1
            is_late = _goes_at(conversation) <= self.context.now
            if is_late or place >= MAX_UNOPENED or of_rooms[room] > MAX_UNOPENED_OF_ROOM:
                self._remove(conversation)

    def _forget_ended(self) -> None:
        """Put away those that ended first, as many as there are too many; where something is not delivered, last."""
        listed = [chat for chat in self._chats.listed() if not chat.is_kept]  # those are for the person to delete
        if len(listed) <= MAX_CHATS:
            return
        ended = [chat for chat in listed if chat.id != self._chats.shown and self._is_over(chat)]
        ended.sort(key=lambda chat: (chat.undelivered > 0, chat.ended))
        for chat in ended[: len(listed) - MAX_CHATS]:
            self._remove(chat)

    def _is_over(self, chat: Chat) -> bool:
        link = self._links.of(chat)
        return not chat.rooms and (link is None or (not link.is_live and link.close_at is None))

    def _remove(self, chat: Chat) -> None:
        link = self._links.of(chat)
        if link is not None:
            self._links.forget(link)
        self._chats.remove(chat)


def _goes_at(conversation: Conversation) -> float:
    """When a conversation that nobody has looked at is put away."""
    return conversation.ended + (UNOPENED_KEPT_WITH_MESSAGES if len(conversation.timeline) else UNOPENED_KEPT)
