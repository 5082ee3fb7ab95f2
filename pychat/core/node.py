"""The face of the core: events and the time go in, effects come out, and the state is there to be shown.

A turn is one call of `handle`: all events that have come since the last one. What is sent is decided once at the end
of a turn, so that a burst of messages becomes a few frames and a burst of frames one acknowledgement.
"""

import base64
import hmac
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pychat.core import effects, events, handshake, nudging, visited, wire
from pychat.core.capabilities import Capabilities
from pychat.core.codetext import lasting
from pychat.core.contacts import Contact, Contacts, Namesake, clean_name
from pychat.core.conversation import Conversation, ConversationId, LinkId, MeetingId, SessionId
from pychat.core.envelope import Refusal
from pychat.core.errors import CodeProblem, LocalError, RemoteError
from pychat.core.gathering import Gathering
from pychat.core.handshake import Binding, Handshake, PublicKey, Role
from pychat.core.ice import IceConfig
from pychat.core.invite import Code, encode
from pychat.core.link import ANSWER_PATIENCE, PATIENCE, Ending, Link, Phase, Relayed, Step
from pychat.core.log import Counts, StateVector, make_entry
from pychat.core.meeting import Meeting, RelayState
from pychat.core.memory import ALL_MOST, STEP, Memory
from pychat.core.nudging import Nudging
from pychat.core.pasting import EnterRoom, Pasting, Use
from pychat.core.roomcode import RoomCode
from pychat.core.sdp import CandidateKind, DescriptionKind, as_looked_at, parse_candidate, to_sdp
from pychat.core.signaling import ManualSignaling
from pychat.core.sync import Outgoing

STATS_INTERVAL = 1.0
MAX_HELD = 16
"""Frames that a peer may send before this side has checked who it is."""
SEED_SIZE = 32
_LOG_NAME_SIZE = 16
SEEN_INTERVAL = 60.0
"""Seconds after which it is worth keeping that somebody was seen."""
REMEMBERED_PEOPLE, REMEMBERED_LOGS = 1_000, 64
"""Of how many people, and how many logs of each, it is known how far they were read after they were put away."""
FAREWELL = 1.0
"""Seconds between our “bye” and the closing of the connection, so that the farewell gets through."""
WARNED_FAREWELL = 10.0
"""The same where a warning goes before it, which has to get through also where a packet is lost and sent again."""
MAX_UNOPENED, MAX_UNOPENED_OF_ROOM = 16, 8
"""Conversations that others have begun and nobody has looked at, whose link has ended: of more the oldest go."""
UNOPENED_KEPT, UNOPENED_KEPT_WITH_MESSAGES = 60.0, 86_400.0
"""Seconds that such a conversation stays."""
MAX_CONVERSATIONS = 1_000
"""Conversations of one run: of more the one goes that ended first. A bot that answers whoever comes gets there."""
MAX_SUCCESSORS = 64


@dataclass(frozen=True, slots=True)
class PendingJoin:
    """A room whose link was opened, and that the person has yet to say they want to go into; at this relay."""

    code: RoomCode
    relay: str


class Node:
    """One person's end of everything: their conversations, the links, the codes under way.

    Args:
        key: this person's identity.
        seed: random bytes, from which this run's logs get their names.
        contacts: the people known already.
        name: how this person wants to be called; "" is nothing in particular.
        capabilities: of the WebRTC stack in use.
        ice: the servers to begin with.
        visited: the marks of the rooms in which this person has been (`visited`); None where that is not kept.
        tabs: whether other nodes of the same person may run beside, in other tabs.
    """

    def __init__(
        self,
        key: PublicKey,
        seed: bytes,
        contacts: Contacts,
        *,
        name: str = "",
        capabilities: Capabilities = Capabilities(),
        ice: IceConfig = IceConfig(),
        visited: Iterable[str] | None = None,
        tabs: bool = True,
    ) -> None:
        self.key = key
        self.name = clean_name(name)
        self.contacts = contacts
        self.ice = ice
        self.not_kept = ""
        """Why something could not be kept for the next time, in the platform's words; or ""."""
        self._seed = seed
        self._memory = Memory()  # what all conversations hold together
        self._forgotten: dict[PublicKey, Counts] = {}  # of conversations put away, how far they were read
        self._has_forgotten_people = False  # whether there were more of them
        self.conversations: dict[ConversationId, Conversation] = {}
        self.successors: dict[ConversationId, ConversationId] = {}
        """Conversations that turned out to be with somebody known, and where they were carried on."""
        self.pending_join: PendingJoin | None = None
        self.opened: ConversationId | None = None
        """Where the person's own last act has led them; `openings` counts these acts."""
        self.openings = 0
        self.shown: ConversationId | None = None
        """What the person looks at."""
        self.links: dict[LinkId, Link] = {}
        self._parting: dict[LinkId, float] = {}  # links that were replaced, until that is heard
        self.meetings: dict[MeetingId, Meeting] = {}
        self._keeps_visited = visited is not None
        self._visited = set(visited or ())
        self._entered: set[RoomCode] = set()  # in this run
        self._sessions: dict[SessionId, Meeting] = {}
        self._chances = 0
        self.watched: ConversationId | None = None
        self._capabilities = capabilities
        self._signaling = ManualSignaling()
        self.pasting = Pasting(self._signaling, tabs=tabs)
        self._stats_due: float | None = None
        self._number = 0
        self._clock = 0.0
        self._set_back = 0.0  # seconds by which the clock was set back so far
        self._now = 0.0  # the clock as if it had not been: never less than before
        self._due: float | None = None  # nothing is due before
        self._is_stirred = False  # whether this turn may have changed more than what is to be sent
        self._touched: set[LinkId | None] = set()  # over these links a calm turn may have something to send
        self._has_backstage = False
        self._effects: list[effects.Effect] = []
        self._changed: dict[PublicKey, Contact] = {}
        self._session_handlers: dict[type, Callable[[Meeting, Any], None]] = {
            events.RelayOpened: lambda meeting, _: meeting.opened(),
            events.RelayHeard: lambda meeting, event: meeting.heard(event.text),
            events.RelayClosed: lambda meeting, event: meeting.closed(event.code),
            events.BytesDrawn: lambda meeting, event: meeting.drawn(event.data),
            events.Derived: lambda meeting, event: meeting.derived(event.info, event.data),
            events.Sealed: lambda meeting, event: meeting.sealed(event.ticket, event.data),
            events.Unsealed: lambda meeting, event: meeting.unsealed(event.ticket, event.data),
            events.LeaseTaken: lambda meeting, event: meeting.leased(event.ours),
        }
        self._link_handlers: dict[type, Any] = {
            events.LocalDescriptionReady: self._on_local_description,
            events.CandidateFound: self._on_candidate,
            events.GatheringFinished: self._on_gathering_finished,
            events.IceStateChanged: self._on_ice_state,
            events.ConnectionStateChanged: self._on_connection_state,
            events.ChannelOpened: self._on_channel_opened,
            events.ChannelClosed: self._on_channel_closed,
            events.FrameReceived: self._on_frame,
            events.PeerFlooded: self._on_peer_flooded,
            events.NonceDrawn: self._on_nonce,
            events.Signed: self._on_signed,
            events.Verified: self._on_verified,
            events.StatsRead: self._on_stats,
            events.OperationFailed: self._on_operation_failed,
        }
        self._handlers: dict[type, Any] = {
            events.WebRtcMissing: self._on_webrtc_missing,
            events.CreateInvite: self._on_invite_requested,
            events.PasteCode: self._on_code_pasted,
            events.EditCode: self._on_code_edited,
            events.OpenCodeLink: self._on_code_in_link,
            events.ConfirmJoin: self._on_join_confirmed,
            events.DeclineJoin: self._on_join_declined,
            events.WriteMessage: self._on_message_written,
            events.SetName: self._on_name_chosen,
            events.ReportComparison: self._on_peer_compared,
            events.DismissWarning: self._on_warning_heeded,
            events.AcceptName: self._on_accept_name,
            events.NotKept: self._on_not_kept,
            events.ContactsKept: self._on_contacts_kept,
            events.ShowConversation: self._on_conversation_shown,
            events.LeaveConversation: self._on_conversation_left,
            events.RemoveConversation: self._on_conversation_removed,
            events.ConfigureIce: self._on_ice_configured,
            events.WatchDetails: self._on_details_watched,
            events.Shutdown: self._on_closing,
            events.CodeFromTab: self._on_code_from_tab,
            events.CodeTakenByTab: self._on_code_taken_by_tab,
            events.CreateRoom: self._on_room_requested,
            events.ReturnToRoom: self._on_room_returned,
            events.SetRoomLock: self._on_room_locked,
            events.RotateRoomSecret: self._on_room_renewed,
            events.TakeOverRoom: self._on_room_claimed,
            **dict.fromkeys(self._session_handlers, self._handle_session_event),
            **dict.fromkeys(self._link_handlers, self._handle_link_event),
        }

    # The turn.

    def handle(self, batch: Sequence[events.Event], now: float) -> list[effects.Effect]:
        """Take in what has happened, and return what is to be done, in this order.

        Args:
            events: in the order in which they happened; none is fine, when only time has passed.
            now: seconds since 1970. When the clock was set back, what is due comes none the later for it.
        """
        if now < self._clock:
            self._set_back += self._clock - now
        self._clock = now
        self._now = now + self._set_back
        self._is_stirred = not batch
        for event in batch:
            kind = type(event)
            if kind not in _CALM:
                self._is_stirred = True
            self._handlers[kind](event)
        self._finish()
        if self._due is not None and self._due <= self._now:
            self._is_stirred = True
            self._do_what_is_due()
            self._finish()
        if self._changed:
            self._effects.append(effects.KeepContacts(tuple(self._changed.values())))
            self._changed.clear()
        done, self._effects = self._effects, []
        return done

    def next_deadline(self) -> float | None:
        """The time at which `handle` wants to be called even if nothing happens: later than the last call, or None."""
        if self._due is None:
            return None
        return max(self._due - self._set_back, math.nextafter(self._clock, math.inf))  # the difference may be rounded

    def _finish(self) -> None:
        """End a turn: send what is left to send, and find out when something is due.

        After a calm turn only acknowledgements can have become due, and only over the links that were touched. A time
        that has become too early does no harm, and to look for the right one is a good part of what a message costs.
        """
        if self._memory.held > ALL_MOST:
            self._make_room()
            self._is_stirred = True  # what was not acknowledged for want of room, over any link, may be now
        if self._is_stirred:
            self._forget_backstage()
            self._forget_unopened()
            if len(self.conversations) > MAX_CONVERSATIONS:
                self._forget_ended()
            self._note_visited()
        for number in self.links if self._is_stirred else self._touched:
            link = self.links.get(number) if number is not None else None
            if link is not None and link.phase is Phase.OPEN:
                self._flush(link)
        self._touched.clear()
        if self._is_stirred:
            self._due = self._earliest()

    def _earliest(self) -> float | None:
        """The earliest time at which something is due."""
        times = [link.deadline() for link in self.links.values()]
        times.append(self._stats_due)
        times.append(self.pasting.due)
        times += [meeting.due for meeting in self.meetings.values()]
        times += self._parting.values()
        times += [_goes_at(conversation) for conversation in self._unopened()]
        return min([time for time in times if time is not None], default=None)

    def visitor_in(self, meeting: Meeting) -> Link | None:
        """The link to whoever is in a room with us, though not in the conversation in which the room is shown."""
        for conversation in self.conversations.values():
            link = self.link_of(conversation)
            if link is None or link.relayed is None or link.relayed.meeting != meeting.id:
                continue
            if conversation.peer is not None and link.phase is not Phase.CLOSED and not self._is_home(conversation):
                return link
        return None

    def link_of(self, conversation: Conversation) -> Link | None:
        """The conversation's present link, or the last one if that has ended."""
        return None if conversation.link is None else self.links.get(conversation.link)

    def _handle_link_event(self, event: Any) -> None:
        link = self.links.get(event.link)
        if link is None or link.phase is Phase.CLOSED:  # late news of what is over
            return
        try:
            self._link_handlers[type(event)](link, event)
        except (RemoteError, LocalError) as error:
            self.blame(link, error)

    def _handle_session_event(self, event: Any) -> None:
        meeting = self._sessions.get(event.session)
        if meeting is not None:  # else it is late news of a session that is over
            self._session_handlers[type(event)](meeting, event)

    def _guard(self, link: Link, handler: Callable[..., None], *args: Any) -> None:
        """Let a mistake, the peer's or ours, end no more than this link."""
        try:
            handler(link, *args)
        except (RemoteError, LocalError) as error:
            self.blame(link, error)

    def _do_what_is_due(self) -> None:
        now = self._now
        for link in list(self.links.values()):
            if link.gathering.due is not None and link.gathering.due <= now:
                self._guard(link, self._make_code)
            if link.phase_due is not None and link.phase_due <= now:
                self._end(link, link.run_out)
            if link.nudging is not None and link.nudging.due <= now:
                self._effects += [effects.AddCandidate(link.id, a) for a in link.nudging.attributes(now)]
            if link.close_due is not None and link.close_due <= now:
                link.close_due = None
                self._effects.append(effects.CloseConnection(link.id))
        for number in [number for number, due in self._parting.items() if due <= now]:
            del self._parting[number]
            self._effects.append(effects.CloseConnection(number))
        for meeting in self.meetings.values():
            meeting.do_what_is_due()
        if self.pasting.due is not None and self.pasting.due <= now:
            self.pasting.give_up()
        if self._stats_due is not None and self._stats_due <= now:
            self._read_stats()

    # What a person asks for.

    def _on_invite_requested(self, event: events.CreateInvite) -> None:
        conversation = self.conversation(event.conversation) or self._new_conversation()
        self.pasting.forget()
        link = self._new_link(Role.INVITER, conversation)
        self._effects.append(effects.CreateOffer(link.id))
        self._open(conversation.id)

    def _on_webrtc_missing(self, _: events.WebRtcMissing) -> None:
        self._handlers |= dict.fromkeys(CONNECTING, self._on_vain_request)

    def _on_vain_request(self, _: events.Event) -> None:
        self.pasting.forget()
        self.pasting.problem = CodeProblem.NO_WEBRTC

    def _on_code_pasted(self, event: events.PasteCode) -> None:
        self._use(self.pasting.paste(event.text, self._now, relay=bool(event.relay)), event.relay)

    def _on_code_edited(self, _: events.EditCode) -> None:
        self.pasting.forget()

    def _on_code_in_link(self, event: events.OpenCodeLink) -> None:
        self.pending_join = None
        outcome = self.pasting.open_link(event.text, self._now, relay=bool(event.relay))
        if isinstance(outcome, EnterRoom) and not event.returning and not self._has_been_in(outcome.code):
            self.pending_join = PendingJoin(outcome.code, event.relay)
        else:
            self._use(outcome, event.relay)

    def _on_join_confirmed(self, _: events.ConfirmJoin) -> None:
        if self.pending_join is not None:
            self._enter(self.pending_join.code, self.pending_join.relay)

    def _on_join_declined(self, _: events.DeclineJoin) -> None:
        self.pending_join = None

    def _has_been_in(self, code: RoomCode) -> bool:
        return code in self._entered or visited.mark(code, self.key) in self._visited

    def _on_room_requested(self, event: events.CreateRoom) -> None:
        self.pasting.forget()
        self._enter(None, event.relay)

    def _enter(self, code: RoomCode | None, relay: str) -> None:
        meeting = next((m for m in self.meetings.values() if m.code == code is not None), None)
        if meeting is None:
            number, conversation = self._next_number(), self._new_conversation()
            meeting = Meeting(number, code, relay, conversation.id, self, self._capabilities)
            self.meetings[number] = meeting
        self.pasting.accept(meeting.conversation)
        meeting.enter()
        self._open(meeting.conversation)

    def _on_room_returned(self, event: events.ReturnToRoom) -> None:
        meeting = self.meeting_in(self.conversation(event.conversation))
        if meeting is not None:
            meeting.enter()

    def _on_room_locked(self, event: events.SetRoomLock) -> None:
        for meeting in self._meetings_in(self.conversation(event.conversation)):
            meeting.lock(event.locked)

    def _on_room_claimed(self, event: events.TakeOverRoom) -> None:
        meeting = self.meeting_in(self.conversation(event.conversation))
        if meeting is not None:
            meeting.claim()

    def _on_room_renewed(self, event: events.RotateRoomSecret) -> None:
        meeting = self.meeting_in(self.conversation(event.conversation))
        if meeting is not None:
            meeting.renew()

    def _use(self, outcome: Use | EnterRoom | effects.OfferCodeToTabs | None, relay: str = "") -> None:
        match outcome:
            case EnterRoom(room):
                self._enter(room, relay)
            case Use(code, None):
                link = self._new_link(Role.REPLIER, self._new_conversation())
                link.remote, link.ref, link.invite = as_looked_at(code.description), code.ref, code.digest
                self.pasting.accept(link.conversation)
                self._effects.append(effects.AcceptOffer(link.id, to_sdp(link.remote)))
                self._open(link.conversation)
            case Use(code, number) if number is not None:
                link = self.links[number]
                link.remote = as_looked_at(code.description)
                self.pasting.accept(link.conversation)
                self._effects.append(effects.AcceptAnswer(link.id, to_sdp(link.remote)))
                link.step(Step.DESCRIBED, self._now)
                self._open(link.conversation)
            case effects.OfferCodeToTabs():
                self._effects.append(outcome)

    def _on_message_written(self, event: events.WriteMessage) -> None:
        conversation = self.conversations.get(event.conversation) or self.conversation(event.conversation)
        if conversation is not None:
            conversation.unopened = False
            conversation.write(make_entry((int(self._clock * 1000), wire.without_surrogates(event.text))))
            self._touched.add(conversation.link)

    def _on_conversation_shown(self, event: events.ShowConversation) -> None:
        conversation = self.conversation(event.conversation)
        self.shown = conversation.id if conversation is not None else None
        if conversation is None:
            return
        conversation.unopened = False
        link = self.link_of(conversation)
        if link is not None and link.relayed is not None and link.phase is not Phase.CLOSED:
            self.meetings[link.relayed.meeting].conversation = conversation.id

    def _on_conversation_left(self, event: events.LeaveConversation) -> None:
        conversation = self.conversation(event.conversation)
        if conversation is None:
            return
        link = self.link_of(conversation)
        if link is not None and link.phase is not Phase.CLOSED:
            self._say_bye(link)
            self._end(link, Ending.LEFT)
        for meeting in self._meetings_in(conversation):
            meeting.leave()
        if conversation.peer is None and not conversation.timeline:
            conversation.backstage = self._has_backstage = True  # it goes once the farewell has got through

    def _on_conversation_removed(self, event: events.RemoveConversation) -> None:
        conversation = self.conversation(event.conversation)
        if conversation is None:
            return
        link, meeting = self.link_of(conversation), self.meeting_in(conversation)
        if (link is None or link.phase is Phase.CLOSED) and (meeting is None or meeting.state is RelayState.LEFT):
            conversation.unopened = False
            self._forget(conversation)

    def _on_name_chosen(self, event: events.SetName) -> None:
        self.name = clean_name(event.name)
        for link in self.links.values():
            if link.peer is not None and link.phase in (Phase.OPEN, Phase.LOST):
                self._show_card(link)

    def _on_peer_compared(self, event: events.ReportComparison) -> None:
        conversation = self.conversation(event.conversation)
        if conversation is None or conversation.peer != event.key or event.key == self.key:
            return
        self._keep(self.contacts.judge(event.key, match=event.match, shown_as=event.name))
        if event.match:
            conversation.warning = None
        else:
            self._reject(conversation)

    def _reject(self, conversation: Conversation) -> None:
        """End the link to somebody with whom a comparison has failed, and tell them: they are deceived as we are."""
        link = self.link_of(conversation)
        if link is not None and link.phase is not Phase.CLOSED:
            if link.greeted:
                self._send(link, wire.Mismatch())
                self._say_bye(link)
                link.close_due = self._now + WARNED_FAREWELL
            self._end(link, Ending.NO_MATCH)

    def _on_warning_heeded(self, event: events.DismissWarning) -> None:
        conversation = self.conversation(event.conversation)
        if conversation is not None and event.warning.is_same(conversation.warning):
            conversation.warning = None

    def _on_accept_name(self, event: events.AcceptName) -> None:
        conversation = self.conversation(event.conversation)
        contact = self.contacts.get(conversation.peer) if conversation is not None and conversation.peer else None
        if contact is not None and event.name and contact.new_name == event.name:
            self._keep(self.contacts.accept_name(contact.key))

    def _on_not_kept(self, event: events.NotKept) -> None:
        self.not_kept = event.detail

    def _on_contacts_kept(self, event: events.ContactsKept) -> None:
        try:
            newer, rejected = self.contacts.adopt(event.text)
        except ValueError:  # of another version of pychat
            return
        for known in newer:
            self._keep(known)
        for conversation in list(self.conversations.values()):
            contact = self.contacts.get(conversation.peer) if conversation.peer is not None else None
            if contact is not None and contact in rejected:
                self._reject(conversation)
            elif contact is not None and conversation.warning is not None:
                namesake = self.contacts.namesake(contact)
                conversation.warning = Namesake(namesake, contact.name) if namesake is not None else None

    def _on_ice_configured(self, event: events.ConfigureIce) -> None:
        self.ice = event.config

    def _on_details_watched(self, event: events.WatchDetails) -> None:
        self.watched = event.conversation
        self._stats_due = None if event.conversation is None else self._now

    def _on_closing(self, _: events.Shutdown) -> None:
        for link in self.links.values():
            if link.phase is not Phase.CLOSED:
                self._say_bye(link)

    # What other tabs say.

    def _on_code_from_tab(self, event: events.CodeFromTab) -> None:
        use = self.pasting.take_from_tab(event.text)
        if use is not None:
            self._use(use)
            self._effects.append(effects.TellTabsCodeTaken(event.text))

    def _on_code_taken_by_tab(self, event: events.CodeTakenByTab) -> None:
        self.pasting.taken(event.text)

    # What WebRTC reports.

    def _on_local_description(self, link: Link, event: events.LocalDescriptionReady) -> None:
        if link.relayed is not None:
            self.meetings[link.relayed.meeting].described(link, event.sdp)
            return
        link.gathering.describe(event.sdp, self._now)
        link.gathering.finished |= not self._capabilities.trickles
        if link.remote is not None and not self._capabilities.keeps_checking:
            link.nudging = Nudging(link.remote, self._now + nudging.FIRST)
        self._make_code(link)

    def _on_candidate(self, link: Link, event: events.CandidateFound) -> None:
        candidate = parse_candidate(event.candidate)
        if candidate is not None:
            link.trickled.add(candidate.kind)
        if link.relayed is not None:
            self.meetings[link.relayed.meeting].found(link, event.candidate)
        elif not link.code:
            link.gathering.add(event.candidate, self._now)

    def _on_gathering_finished(self, link: Link, _: events.GatheringFinished) -> None:
        if link.relayed is None:
            link.gathering.finished = True
            self._make_code(link)

    def _on_ice_state(self, link: Link, event: events.IceStateChanged) -> None:
        if event.state in (events.IceState.CONNECTED, events.IceState.COMPLETED):
            link.path_found = True
            self._step(link, Step.PATH_FOUND)
        elif event.state in (events.IceState.DISCONNECTED, events.IceState.FAILED):
            link.path_found = False
            self._step(link, Step.PATH_BROKEN)

    def _on_connection_state(self, link: Link, event: events.ConnectionStateChanged) -> None:
        if event.state is events.ConnectionState.CONNECTED:
            self._step(link, Step.ENCRYPTED)
            self._step(link, Step.PATH_FOUND)
        elif event.state is events.ConnectionState.FAILED and not self._capabilities.can_restart:
            # Elsewhere it is no reason to give up: ICE recovers when the peer's own checks arrive late, which is the
            # rule when codes travel by hand, and the patience of each phase decides.
            self._step(link, Step.PATH_BROKEN)
            self._end(link, PATIENCE.get(link.phase, PATIENCE[Phase.CONNECTING])[1])
        elif event.state is events.ConnectionState.CLOSED:
            self._end(link, Ending.CHANNEL_CLOSED)

    def _on_channel_opened(self, link: Link, _: events.ChannelOpened) -> None:
        self._step(link, Step.ENCRYPTED)
        own, theirs = link.gathering.description, link.remote
        if own is None or theirs is None:
            raise LocalError("the channel opened before the connection was described")
        prints = own.fingerprint, theirs.fingerprint
        inviter, replier = prints if link.role is Role.INVITER else reversed(prints)
        link.handshake = Handshake(link.role, self.key, Binding(link.invite, inviter, replier), wire.VERSIONS)
        self._effects.append(effects.DrawNonce(link.id))

    def _on_channel_closed(self, link: Link, _: events.ChannelClosed) -> None:
        self._end(link, Ending.CHANNEL_CLOSED)

    # The handshake.

    def _on_nonce(self, link: Link, event: events.NonceDrawn) -> None:
        self._go_on(link, _of(link).nonce_drawn(event.nonce))

    def _on_signed(self, link: Link, event: events.Signed) -> None:
        self._go_on(link, _of(link).signed(event.signature))

    def _on_verified(self, link: Link, event: events.Verified) -> None:
        self._go_on(link, _of(link).verified(event.genuine))

    def _on_hello(self, link: Link, hello: wire.Hello) -> None:
        if hello.understood:
            self._go_on(link, _of(link).hello(hello))
            return
        if link.role is Role.REPLIER and not link.greeted:
            self._send(link, wire.Hello(wire.VERSIONS))  # so that the peer learns why
        link.close_due = self._now + FAREWELL
        self._end(link, Ending.OTHER_VERSION)

    def _go_on(self, link: Link, steps: Iterable[handshake.Step]) -> None:
        for step in steps:
            match step:
                case handshake.Send(frame):
                    self._send(link, frame)
                case handshake.Sign(data):
                    self._effects.append(effects.Sign(link.id, data))
                case handshake.Verify(key, signature, data):
                    self._effects.append(effects.Verify(link.id, key, signature, data))
        if _of(link).done and link.peer is None:
            link.peer, link.transcript = _of(link).peer, _of(link).transcript()
            meeting = self.meetings[link.relayed.meeting] if link.relayed is not None else None
            if link.relayed is not None and link.relayed.refused:
                self._end(link, Ending.REFUSED)
                return
            objection = self._objection(meeting, link) if meeting is not None else None
            if meeting is not None and objection is not None:
                meeting.turn_away(link, objection)
                link.close_due = self._now + FAREWELL  # so that they hear it before the connection ends
                self._end(link, Ending.LEFT)
                return
            self._settle(link)
            known = self.contacts.get(link.peer) if link.peer is not None else None
            if known is not None:  # by whose name it is shown until its card comes
                self._look_at_name(self.conversations[link.conversation], known)
                if link.relayed is not None and known.verified:
                    self.meetings[link.relayed.meeting].trusts()
            self._show_card(link)
            self._step(link, Step.PROVED)
        while link.held and not _of(link).busy and link.phase is not Phase.CLOSED:
            self._take(link, link.held.pop(0))

    def _objection(self, meeting: Meeting, link: Link) -> Refusal | None:
        """Why whoever has proved to be there, and has only the link of a room to show, may not come in, if so."""
        assert link.peer is not None
        return Refusal.LOCKED if self.contacts.is_rejected(link.peer) else meeting.objection(link)

    # What the peer says.

    def _on_frame(self, link: Link, event: events.FrameReceived) -> None:
        if link.phase is not Phase.OPEN:
            self._is_stirred = True
            self._step(link, Step.PATH_FOUND)
        if link.handshake is None or not link.handshake.busy:
            self._take(link, event.data)
        elif len(link.held) < MAX_HELD and len(event.data) <= wire.MAX_FRAME:
            link.held.append(event.data)
        else:
            raise RemoteError("the peer does not wait for its greeting to be checked")

    def _on_peer_flooded(self, _: Link, __: events.PeerFlooded) -> None:
        raise RemoteError("the peer sends far more than was acknowledged")

    def _take(self, link: Link, data: str) -> None:
        frame = wire.decode(data)
        self._touched.add(link.id)
        if link.carded and isinstance(frame, wire.Entries):
            conversation = self.conversations[link.conversation]
            if frame.author != conversation.peer_log:
                raise RemoteError("the peer speaks for somebody else")
            conversation.receive(frame.author, frame.first, frame.entries)
            link.incoming.take(frame.entries, self._now)
            return
        if link.carded and isinstance(frame, wire.Have):
            self._on_have(link, frame.have)
            return
        self._is_stirred = True
        match frame:
            case wire.Hello():
                self._on_hello(link, frame)
            case wire.Reveal():
                self._go_on(link, _of(link).reveal(frame))
            case wire.Proof():
                self._go_on(link, _of(link).proof(frame))
            case wire.Bye():
                self._end(link, Ending.PEER_LEFT)
            case wire.Unknown():
                pass
            case _ if link.peer is None:
                raise RemoteError("the peer did not prove who it is first")
            case wire.Elsewhere():
                self._end(link, Ending.ELSEWHERE)
            case wire.Mismatch():
                self._on_mismatch(link)
            case wire.Card():
                self._on_card(link, frame)
            case _ if not link.carded:
                raise RemoteError("the peer did not show its card first")
            case wire.Room(renewals, secret):
                meeting = self.meeting_in(self.conversations[link.conversation])
                if link.relayed is not None:
                    meeting = self.meetings.get(link.relayed.meeting)
                if meeting is not None:
                    meeting.moved(link, renewals, RoomCode(secret))
        link.greeted = True

    def _on_mismatch(self, link: Link) -> None:
        """Their person has compared, and saw something else: somebody may be in the middle, whoever looks like them."""
        doubted = self.contacts.doubt(link.peer) if link.peer is not None else None
        if doubted is not None:
            self._keep(doubted)
        self._end(link, Ending.PEER_NO_MATCH)

    def _on_card(self, link: Link, card: wire.Card) -> None:
        assert link.peer is not None
        conversation = self.conversations[link.conversation]
        is_renamed = link.card is None or link.card.name != card.name
        is_another = is_renamed or link.card is None or link.card.log != card.log
        if is_another and link.renamings.ready_at(self._now) > self._now:
            raise RemoteError("the peer renames itself, or begins logs, without end")
        conversation.take_card(card.log, card.name)
        link.card = card
        link.incoming.begin(self._now)
        if is_another:
            link.renamings.take(self._now)
        if link.peer == self.key:  # another tab of our own
            return
        before = self.contacts.get(link.peer)
        if not is_renamed and before is not None and self._clock - before.seen <= SEEN_INTERVAL:
            return
        contact = self.contacts.meet(link.peer, card.name, self._clock)
        self._look_at_name(conversation, contact)
        if before != replace(contact, seen=before.seen if before else 0) or contact.seen - before.seen > SEEN_INTERVAL:
            self._keep(contact)

    def _look_at_name(self, conversation: Conversation, contact: Contact) -> None:
        """Warn of a name that belongs to somebody else; who takes yet another such name is warned of anew."""
        namesake = self.contacts.namesake(contact)
        if namesake is not None:
            conversation.warning = Namesake(namesake, contact.name)

    def _on_have(self, link: Link, have: StateVector) -> None:
        conversation = self.conversations[link.conversation]
        if link.outgoing is None:  # the first one says from where on to send
            count = have.get(conversation.me, conversation.acknowledged)  # without a word: after what it had before
            link.outgoing = Outgoing(conversation.me, min(count, conversation.written))
        link.outgoing.acknowledge(have)
        conversation.progress(link.outgoing)
        talked = self.contacts.talked_to(link.peer) if link.outgoing.acknowledged and link.peer is not None else None
        if talked is not None:
            self._keep(talked)

    def _on_stats(self, link: Link, event: events.StatsRead) -> None:
        link.stats = event.stats

    def _on_operation_failed(self, link: Link, event: events.OperationFailed) -> None:
        if event.operation not in (events.Operation.CANDIDATE, events.Operation.STATS):  # a link lives without these
            self._end(link, Ending.FAILED_HERE, f"could not {event.operation.value}: {event.detail}")

    # Parts of the above.

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def conversation(self, number: ConversationId | None) -> Conversation | None:
        """The conversation of that number, or the one in which it was carried on."""
        return self.conversations.get(self.successors.get(number, number)) if number is not None else None

    def _new_conversation(self) -> Conversation:
        number = self._next_number()
        name = hmac.digest(self._seed, b"log %d" % number, "sha256")[:_LOG_NAME_SIZE]
        own_log = base64.urlsafe_b64encode(name).decode().rstrip("=")
        conversation = Conversation(number, own_log, memory=Memory(self._memory))
        self.conversations[conversation.id] = conversation
        return conversation

    def meeting_in(self, conversation: Conversation | None) -> Meeting | None:
        """The room that is shown in a conversation: of several the last one in which this person still is."""
        here = self._meetings_in(conversation)
        return max(here, key=lambda meeting: (meeting.state is not RelayState.LEFT, meeting.id), default=None)

    def _meetings_in(self, conversation: Conversation | None) -> list[Meeting]:
        if conversation is None:
            return []
        return [m for m in self.meetings.values() if self.conversation(m.conversation) is conversation]

    def _new_link(self, role: Role, conversation: Conversation, relayed: Relayed | None = None) -> Link:
        kind = DescriptionKind.OFFER if role is Role.INVITER else DescriptionKind.ANSWER
        best = CandidateKind.RELAYED if self.ice.has_turn else CandidateKind.SERVER_REFLEXIVE
        link = Link(self._next_number(), role, conversation.id, self.ice, Gathering(kind, best), relayed=relayed)
        if relayed is not None:
            link.phase_due = self._now + ANSWER_PATIENCE
        self._bind(link, conversation)
        self._effects.append(effects.OpenConnection(link.id, self.ice))
        return link

    def _bind(self, link: Link, conversation: Conversation) -> None:
        """Make this the conversation's link; the one before it ends."""
        before = self.link_of(conversation)
        if before is not None and before is not link:
            if before.phase is not Phase.CLOSED:
                self._say_bye(before)
                self._end(before, Ending.REPLACED)
            if before.close_due is not None and before.id not in self._parting:
                self._effects.append(effects.CloseConnection(before.id))
            del self.links[before.id]
        self.links[link.id] = link
        link.conversation, conversation.link = conversation.id, link.id

    def _settle(self, link: Link) -> None:
        """Find the conversation that belongs to whoever has proved to be there, and bind the link to it.

        What was written to one person never goes to another: if the conversation in which the link began is
        somebody else's, it moves to one of its own. Nor does a room leave the conversation in which it is shown, where
        that has a person: to turn to somebody else is for the person here (`_on_conversation_shown`).
        """
        assert link.peer is not None
        present = self.conversations[link.conversation]
        meeting = self.meetings.get(link.relayed.meeting) if link.relayed is not None else None
        home = self.conversation(meeting.conversation) if meeting is not None else None
        waiting = home if home is not None and home.peer is None else None
        known = next((c for c in self.conversations.values() if c.peer == link.peer), None)
        target = known or waiting or (present if present.peer is None else self._new_conversation())
        if target.peer is None:
            self._belong(target, link.peer)
            came_by_themselves = meeting is not None or target is not present
            target.unopened = came_by_themselves and not target.written and target.id != self.shown
        if target is not present:
            present.link = None
            self._tell_where(target, link)
            self._make_way(target)
            self._bind(link, target)
        for empty in (present, waiting):
            if empty is not None and empty is not target and empty.peer is None and empty.id in self.conversations:
                self._carry_on(empty, target)
        target.backstage = False
        if meeting is not None and (home is waiting or target.id == self.shown):
            meeting.conversation = target.id

    def _make_way(self, conversation: Conversation) -> None:
        """Let a link of a room, of which nobody knows yet whose it is, go on by itself: it hears that there is no seat.

        To end it here would be a good-bye for its peer, who would not try again.
        """
        before = self.link_of(conversation)
        if before is None or before.relayed is None or before.peer is not None or before.phase is Phase.CLOSED:
            return
        aside = self._new_conversation()
        aside.backstage = self._has_backstage = True
        before.conversation, aside.link = aside.id, before.id
        conversation.link = None

    def _tell_where(self, conversation: Conversation, link: Link) -> None:
        """Where somebody has come into a room by another program or tab, tell the one from before."""
        before = self.link_of(conversation)
        if before is None or before.peer is None or before.phase is Phase.CLOSED:
            return
        if before.relayed is not None and link.relayed is not None and before.relayed.member != link.relayed.member:
            self._send(before, wire.Elsewhere())
            self._parting[before.id] = self._now + FAREWELL

    def _carry_on(self, conversation: Conversation, successor: Conversation) -> None:
        """Put away a conversation with nobody yet; what was typed in it, to whoever comes, goes along."""
        for message in conversation.timeline:
            successor.write(message.entry)
        link = self.link_of(conversation)
        if link is not None and link.phase is not Phase.CLOSED:
            self._end(link, Ending.REPLACED)
        self._forget(conversation)
        if not conversation.backstage:
            self.successors[conversation.id] = successor.id
            if len(self.successors) > MAX_SUCCESSORS:  # whoever looked at it has gone on long ago
                del self.successors[next(iter(self.successors))]
        if self.shown == conversation.id:
            self.shown = successor.id

    def _belong(self, conversation: Conversation, peer: PublicKey) -> None:
        conversation.peer, conversation.met_here = peer, self.contacts.get(peer) is None
        conversation.logs.forget(self._forgotten.get(peer, Counts({}, not self._has_forgotten_people)))

    def _forget(self, conversation: Conversation) -> None:
        if conversation.peer is not None and not conversation.unopened:  # else nobody has read it
            self._remember(conversation.peer, conversation.logs.counts(besides=conversation.me, most=REMEMBERED_LOGS))
        conversation.memory.give_back()
        for meeting in self._meetings_in(conversation):
            if meeting.state is RelayState.LEFT and not meeting.is_linked:
                meeting.discard()
                self._forget_sessions(meeting)
                del self.meetings[meeting.id]
        if conversation.link is not None:
            link = self.links.pop(conversation.link)
            if link.close_due is not None:
                self._effects.append(effects.CloseConnection(link.id))
        del self.conversations[conversation.id]

    def _open(self, conversation: ConversationId) -> None:
        """The person's own act leads to this conversation."""
        self.pending_join = None
        self.opened = conversation
        self.openings += 1

    def _remember(self, peer: PublicKey, counts: Counts) -> None:
        """Note how far somebody was read whose conversation is put away."""
        self._forgotten.pop(peer, None)  # who was put away last stands last
        if counts.read or not counts.are_all:
            self._forgotten[peer] = counts
        if len(self._forgotten) > REMEMBERED_PEOPLE:
            del self._forgotten[next(iter(self._forgotten))]
            self._has_forgotten_people = True

    def _make_room(self) -> None:
        """Let old messages go, of the conversation that holds most; of the next one where it has none to give."""
        by_size = sorted(self.conversations.values(), key=lambda one: one.memory.held, reverse=True)
        for conversation in by_size:
            excess = self._memory.held - (ALL_MOST - STEP)
            if excess > 0:
                conversation.make_room(conversation.memory.held - excess)

    def _make_code(self, link: Link) -> None:
        """Write the code for the person to hand over, once enough is gathered for it."""
        if link.code:
            return
        if link.gathering.in_vain:
            self._end(link, Ending.NO_ADDRESS)
            return
        description = link.gathering.result(self._now)
        if description is None:
            return
        code = Code(description, link.ref if link.role is Role.REPLIER else None)
        link.code = lasting(encode(code))
        if link.role is Role.INVITER:
            link.ref, link.invite = code.ref, code.digest
        self._signaling.issue(code, link.id)

    def _step(self, link: Link, step: Step) -> None:
        if link.step(step, self._now):
            self._after_phase_change(link)

    def _end(self, link: Link, ending: Ending, detail: str = "") -> None:
        if not link.end(ending, detail, self._now):
            return
        self._signaling.give_up(link.ref)
        if link.close_due is None:
            self._effects.append(effects.CloseConnection(link.id))
        self._after_phase_change(link)

    def _after_phase_change(self, link: Link) -> None:
        conversation = self.conversations[link.conversation]
        if link.phase in (Phase.LOST, Phase.CLOSED):
            conversation.progress(None)
        if link.phase is Phase.CLOSED:
            conversation.ended = self._now
        own = self.meetings.get(link.relayed.meeting) if link.relayed is not None else None
        if own is not None:
            own.changed(link)
        if link.phase is Phase.CLOSED and link.ending not in _WANTED and link.peer is not None:
            for meeting in self._meetings_in(conversation):
                if meeting is not own:
                    meeting.alone()

    def _show_card(self, link: Link) -> None:
        self._send(link, wire.Card(self.conversations[link.conversation].me, self.name))

    def _keep(self, contact: Contact) -> None:
        self._changed[contact.key] = contact

    def _say_bye(self, link: Link) -> None:
        if link.greeted and link.close_due is None:
            if link.phase is Phase.OPEN and link.incoming.due is not None:
                self._acknowledge(link)
            self._send(link, wire.Bye())
            link.close_due = self._now + FAREWELL

    def _send(self, link: Link, frame: wire.OwnFrame) -> None:
        self._effects.append(effects.SendFrame(link.id, wire.encode(frame)))

    def _flush(self, link: Link) -> None:
        """Send what the turn has left to send over this link."""
        outgoing = link.outgoing
        if outgoing is not None:
            conversation = self.conversations[link.conversation]
            if conversation.warning is None and (self._is_stirred or outgoing.sent != conversation.written):
                for frame in outgoing.frames(conversation.logs):
                    self._send(link, frame)
                conversation.progress(outgoing)
        incoming = link.incoming
        if incoming.is_withheld or (incoming.due is not None and incoming.due <= self._now):
            self._acknowledge_if_there_is_room(link)
        elif incoming.due is not None and (self._due is None or incoming.due < self._due):
            self._due = incoming.due

    def _acknowledge_if_there_is_room(self, link: Link) -> None:
        conversation = self.conversations[link.conversation]
        if conversation.holds_too_much():
            conversation.make_room()
        if conversation.holds_too_much() and link.incoming.has_begun:
            link.incoming.withhold()
        else:
            self._acknowledge(link)

    def _acknowledge(self, link: Link) -> None:
        conversation = self.conversations[link.conversation]
        assert conversation.peer_log is not None
        link.incoming.acknowledged(self._now)
        self._send(link, wire.Have(conversation.logs.have(conversation.peer_log)))

    # What a meeting asks for (`meeting.Host`).

    @property
    def now(self) -> float:
        return self._now

    def emit(self, effect: effects.Effect) -> None:
        self._effects.append(effect)

    def new_session(self, meeting: Meeting) -> SessionId:
        self._forget_sessions(meeting)
        number = self._next_number()
        self._sessions[number] = meeting
        return number

    def _forget_sessions(self, meeting: Meeting) -> None:
        for session in [number for number, other in self._sessions.items() if other is meeting]:
            del self._sessions[session]

    def chance(self) -> float:
        self._chances += 1
        drawn = hmac.digest(self._seed, b"chance %d" % self._chances, "sha256")
        return int.from_bytes(drawn[:4], "big") / 2**32

    def beside(self, meeting: Meeting) -> list[Link]:
        conversation = self.conversation(meeting.conversation)
        link = self.link_of(conversation) if conversation is not None else None
        is_own = link is not None and link.relayed is not None and link.relayed.meeting == meeting.id
        return [link] if link is not None and link.phase is Phase.OPEN and not is_own else []

    def begin_link(self, meeting: Meeting, role: Role, relayed: Relayed) -> Link:
        conversation = self.conversation(meeting.conversation)
        before = self.link_of(conversation) if conversation is not None else None
        if conversation is None or conversation.peer is not None or (before and before.phase is not Phase.CLOSED):
            conversation = self._new_conversation()
            conversation.backstage = self._has_backstage = True
        return self._new_link(role, conversation, relayed)

    def pending(self) -> list[Link]:
        links = self.links.values()
        return [link for link in links if link.relayed and link.peer is None and link.phase is not Phase.CLOSED]

    def end_link(self, link: Link, ending: Ending) -> None:
        if link.phase is not Phase.CLOSED:
            self._say_bye(link)
            self._end(link, ending)

    def blame(self, link: Link, error: RemoteError | LocalError) -> None:
        self._is_stirred = True
        if isinstance(error, LocalError):
            self._end(link, Ending.FAILED_HERE, str(error))
            return
        self._say_bye(link)
        self._end(
            link, Ending.NOT_PROVED if isinstance(error, handshake.Failure) else Ending.BROKE_PROTOCOL, str(error)
        )

    def step(self, link: Link, step: Step) -> None:
        self._step(link, step)

    def tell(self, link: Link, frame: wire.OwnFrame) -> None:
        self._send(link, frame)

    def _forget_backstage(self) -> None:
        """Put away what came to nothing and nobody has seen."""
        if not self._has_backstage:
            return
        backstage = [c for c in self.conversations.values() if c.backstage]
        self._has_backstage = bool(backstage)
        for conversation in backstage:
            link = self.link_of(conversation)
            if link is None or (link.phase is Phase.CLOSED and link.close_due is None):
                self._forget(conversation)

    def _unopened(self) -> list[Conversation]:
        """Those of strangers who have come by a room's link and gone, and whom nobody has looked at."""
        return [c for c in self.conversations.values() if c.unopened and self._has_gone(c) and self._is_stranger(c)]

    def _has_gone(self, conversation: Conversation) -> bool:
        link = self.link_of(conversation)
        return link is not None and link.relayed is not None and link.phase is Phase.CLOSED and link.close_due is None

    def _is_stranger(self, conversation: Conversation) -> bool:
        """Whether it is of nobody whom the person has verified or written to, and no room is shown in it."""
        contact = self.contacts.get(conversation.peer) if conversation.peer is not None else None
        return not (contact is not None and (contact.verified or contact.talked)) and not self._is_home(conversation)

    def _is_home(self, conversation: Conversation) -> bool:
        """Whether a room is shown in it."""
        return bool(self._meetings_in(conversation))

    def _forget_unopened(self) -> None:
        """Put away whom nobody has looked at, some time after they have gone; and of a crowd, whoever came first."""
        rooms: Counter[MeetingId | None] = Counter()
        for place, conversation in enumerate(sorted(self._unopened(), key=_goes_at, reverse=True)):
            room = self._came_through(conversation)
            rooms[room] += 1
            if place >= MAX_UNOPENED or rooms[room] > MAX_UNOPENED_OF_ROOM or _goes_at(conversation) <= self._now:
                self._forget(conversation)

    def _forget_ended(self) -> None:
        """Put away those that ended first, as many as there are too many; where something is not delivered, last."""
        ended = [c for c in self.conversations.values() if c.id != self.shown and self._is_over(c)]
        ended.sort(key=lambda conversation: (conversation.undelivered > 0, conversation.ended))
        for conversation in ended[: len(self.conversations) - MAX_CONVERSATIONS]:
            self._forget(conversation)

    def _is_over(self, conversation: Conversation) -> bool:
        link = self.link_of(conversation)
        return not self._is_home(conversation) and (
            link is None or (link.phase is Phase.CLOSED and link.close_due is None)
        )

    def _note_visited(self) -> None:
        """Remember the rooms in which the person is, also one that was drawn or renewed meanwhile."""
        for meeting in self.meetings.values():
            code = meeting.code
            if code is None or code in self._entered or meeting.state is RelayState.LEFT:
                continue
            self._entered.add(code)
            if self._keeps_visited:
                self._effects.append(effects.KeepVisited(visited.mark(code, self.key)))

    def _came_through(self, conversation: Conversation) -> MeetingId | None:
        link = self.link_of(conversation)
        return link.relayed.meeting if link is not None and link.relayed is not None else None

    def _read_stats(self) -> None:
        self._stats_due = None
        conversation = self.conversation(self.watched)
        link = self.link_of(conversation) if conversation is not None else None
        if link is not None and link.phase is not Phase.CLOSED:
            self._effects.append(effects.ReadStats(link.id))
        if conversation is not None:
            self._stats_due = self._now + STATS_INTERVAL


_CALM = (events.WriteMessage, events.FrameReceived)
"""Events that mostly change nothing but what is to be sent."""

CONNECTING = (events.CreateInvite, events.PasteCode, events.ConfirmJoin, events.CreateRoom, events.ReturnToRoom)
"""What a person asks for that is of no use without WebRTC."""

_WANTED = (Ending.LEFT, Ending.PEER_LEFT, Ending.NO_MATCH, Ending.PEER_NO_MATCH)
"""Endings by which a person wants to talk no more."""


def _goes_at(conversation: Conversation) -> float:
    """When a conversation that nobody has looked at is put away."""
    return conversation.ended + (UNOPENED_KEPT_WITH_MESSAGES if len(conversation.timeline) else UNOPENED_KEPT)


def _of(link: Link) -> Handshake:
    if link.handshake is None:
        raise RemoteError("the peer speaks before the channel is open")
    return link.handshake
