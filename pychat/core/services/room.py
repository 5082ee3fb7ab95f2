"""A room as one of its members lives in it: who is there, who may come in, and a link to each who has a seat.

Theory of operation. `relay.client` finds the way to the relay and outlives its sessions; here is who may sit with us.
Links that are open need no relay: they stay.

Whoever finds members when it joins begins with them; so does whoever has a seat again, its last link having ended,
with all who are there, for it may have turned them away before. Links to one member are counted, and the one with the
higher number counts: two members that both start over choose the same number, and `negotiation` decides between them,
or different ones, and the higher one wins.

A seat is taken by the first who proves who they are, and whoever is still on the way is then told that there is none.
Who has none left refuses an offer, in so many words.

Whoever is in the room can make us begin links, under any number of names, and each costs a connection. So links are
begun a few at once and then one in a while (`Bucket`), and a few at most are not proved at the same time: one that
takes long gives way when others wait. Who is not served at once gets its turn, one after the other, so that whoever
makes a crowd of names waits behind those who were there before; and then it is for us to begin.

A link whose path is lost keeps its seat while its member is there, and is restarted. In a new session everybody has
another name. So who still has a link from before says to whoever it meets that it has (`envelope.resume`), and only the
other side of that link can tell that this is true. Until that is settled nothing new is begun.

Somebody who starts their program again is somebody else at the relay, and the link from before still has the seat. So
who begins says with a hint, which only those can read who know the key, who they are going to prove to be (`Claim`).
Who has a link with that key in a seat lets them come as far as the handshake, and if that shows the same key the new
link has the seat. If the former one is alive this happens only on purpose: whether it is, is known where they run, by
a lease that ends with whoever holds it; who does not get it is told that the chat is open elsewhere, and can ask for it
to be here. Whoever loses the seat so is told, and does not take it back by itself.

Everybody in the room has its secret, and so can seal signals in everybody's name. Before a link's peer is proved that
can only keep a link from coming about. Of a link whose peer is proved only that peer is heard: by the channel itself,
and over the relay by signals that are authenticated (`envelope.authenticate`), which restart ICE. Whatever else comes
about such a link is ignored, and so is what the relay says about who has left, but for whom a restart can reach.
"""

import hmac
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pychat.core import wire
from pychat.core.bucket import Bucket
from pychat.core.chat.chats import Chats
from pychat.core.chat.conversation import Chat, Introduction
from pychat.core.codes.roomcode import MEMBER_SIZE, RoomCode
from pychat.core.handshake import Role
from pychat.core.identity.contacts import Contacts
from pychat.core.ids import MemberId, PublicKey, RoomId
from pychat.core.link import ANSWER_PATIENCE, CloseReason, Link, LinkPhase
from pychat.core.relay import envelope
from pychat.core.relay.client import (
    RETRY_FIRST,
    ReadyToJoin,
    RelayClient,
    RelayState,
    Report,
    SecretDrawn,
    SessionLost,
    backoff,
)
from pychat.core.relay.envelope import Authenticated, Claim, OnLink, Refusal, Refused, Resume, RoomBye
from pychat.core.relay.session import MemberFound, MemberGone, SignalReceived
from pychat.core.service import Context
from pychat.core.services.guesses import Guesses
from pychat.core.services.links import Links
from pychat.core.services.room_lease import RoomLease
from pychat.core.services.room_link import AboutLink, RoomLink
from pychat.core.webrtc import negotiation
from pychat.core.webrtc.negotiation import Negotiation

SEATS = 1
"""Other people in a room with whom one has a link at once."""
MOVE_BURST, MOVE_INTERVAL = 32, 60.0
"""How often others are followed to a new secret at once after a pause, and seconds until they are once more."""
BEGIN_BURST, BEGIN_INTERVAL = 8, 2.0
"""Links that may be begun at once after a pause, and seconds until one more may be."""
MAX_PENDING, MAX_PENDING_EVERYWHERE = 8, 32
"""Links whose peer is not proved, in one room and in all: members can come and not answer, or not exist at all."""
PENDING_PATIENCE = 15.0
"""Seconds that such a link has when there are too many and others wait."""
MAX_NUMBERS = 1024
"""Members of one session of whom the number of the last link is remembered."""
MAX_COUNTABLE = 2**32
"""The highest number of a link that counts for links with other members: a link each second for 136 years."""
MAX_KEYS = 4096
"""Keys of people who were in the room, or are not to come in again; more make the eldest be forgotten."""
ARRIVAL_PATIENCE = 5.0
"""Seconds that whoever has come has to begin, and a random part on top: a relay may tell both that the other came."""
AGAIN_PATIENCE = 2.0
"""Seconds that a member has to say that it is the other side of a link from before."""
RESTART_AFTER, RESTART_INTERVAL = 1.0, 8.0
"""Seconds from the loss of a path to the first restart of ICE, and that a restart has until it is tried again."""
BYE_PATIENCE = 1.0
"""Seconds for the last words to be sealed and sent."""

_NO_MORE = {
    CloseReason.PEER_LEFT,
    CloseReason.NOT_PROVED,
    CloseReason.NO_MATCH,
    CloseReason.PEER_NO_MATCH,
    CloseReason.OTHER_VERSION,
    CloseReason.BROKE_PROTOCOL,
    CloseReason.FAILED_HERE,
    CloseReason.REPLACED,
    CloseReason.ELSEWHERE,
}
"""Endings after which it would be of no use, or unwanted, to begin with the same member again."""
_BROKEN = {CloseReason.NOT_PROVED, CloseReason.BROKE_PROTOCOL}
"""Endings after which it is for the person to say whether to begin again with whoever it was."""


@dataclass(slots=True)
class _Attempt:
    """What is intended with a member: `due` is when to begin, `failed` how often it came to nothing.

    `told` says that it was given a proof of a link from before, and `reminded` that it was once more, when it seemed to
    have forgotten. `turn` is its place among those who wait for a link to be begun, and then `due` is when it is tried.
    `claim` is what it has said about who it is. `asked` says that it has offered a link itself, and `barred` that it
    broke the protocol.
    """

    due: float | None = None
    turn: int | None = None
    claim: Claim | None = None
    asked: bool = False
    barred: bool = False
    failed: int = 0
    told: bool = False
    reminded: bool = False


class Room:
    """One room, for as long as a person wants to be in it.

    Args:
        number: by which others speak of it.
        code: of the room, or None for one that is to be drawn.
        url: the relay's address.
        meets: the one person for whom the room is, if two who have met find each other again in it (`rendezvous`).
    """

    def __init__(
        self,
        context: Context,
        links: Links,
        chats: Chats,
        contacts: Contacts,
        number: RoomId,
        code: RoomCode | None,
        url: str,
        *,
        meets: PublicKey | None = None,
    ) -> None:
        self.id = number
        self.relay = RelayClient(context, code, url)
        self.meets = meets
        self.locked = meets is not None
        self.refusal: Refusal | None = None
        """Why the others in the room do not take us."""
        self.guesses = Guesses()
        self._context = context
        self._links = links
        self._chats = chats
        self._contacts = contacts
        self._close_at: float | None = None  # when the last words must have gone out
        self._lease = RoomLease(context, self.relay)
        self._next: RoomCode | None = None  # where others have gone, and when we follow
        self._move_at: float | None = None
        self._moves = Bucket(MOVE_BURST, MOVE_INTERVAL)
        # Whom a locked room takes, since it was entered.
        self._admitted: dict[PublicKey, None] = {meets: None} if meets is not None else {}
        self._barred: dict[PublicKey, None] = {}  # who broke the protocol, since the person has asked for them
        self._begun: list[RoomLink] = []
        # In this session: the highest number of the links with each member, and of those that either has spoken of.
        self._numbers: dict[MemberId, int] = {}
        self._mentioned: dict[MemberId, int] = {}
        self._attempts: dict[MemberId, _Attempt] = {}
        self._begins = Bucket(BEGIN_BURST, BEGIN_INTERVAL)
        self._turns = 0

    @property
    def code(self) -> RoomCode | None:
        """The room's code, or None while it is being drawn."""
        return self.relay.code

    @property
    def relay_address(self) -> str:
        """Where its relay is."""
        return self.relay.url

    @property
    def state(self) -> RelayState:
        """How the way to the relay stands."""
        return self.relay.state

    @property
    def home(self) -> Chat | None:
        """Where it is shown."""
        return self._chats.of_room(self.id)

    @property
    def is_linked(self) -> bool:
        """Whether there is any link that has not ended."""
        return bool(self._live)

    @property
    def is_over(self) -> bool:
        """Whether the person has left, and the last words are said."""
        return self.state is RelayState.LEFT and not self.is_linked and not self.relay.id

    @property
    def _live(self) -> list[RoomLink]:
        return [one for one in self._begun if one.link.is_live]

    # What the person wants.

    def enter(self) -> None:
        """Go in, or back in; also to those who broke the protocol."""
        self._barred.clear()
        self.guesses = Guesses()
        for attempt in self._attempts.values():
            attempt.barred = False
        if self.state is RelayState.LEFT:
            self.refusal, self._lease.yields, self._close_at = None, False, None
            self._begin_session()
            self._hear(self.relay.enter())
        else:
            self._invite_all()

    def claim(self) -> None:
        """Be in the room here, and no longer in another program or tab of the same person."""
        self._lease.takes_over, self._lease.yields, self.refusal = True, False, None
        self.enter()

    def leave(self) -> None:
        """Go out; the last words to those who are not connected are still sent."""
        if self.state is RelayState.LEFT:
            return
        was_here = self.state is RelayState.HERE
        self.relay.leave()
        self._next = self._move_at = None
        if self.meets is None:
            self._admitted.clear()
        self._lease.takes_over = False
        self._lease.release()
        for one in self._live:
            self.say_about(one, RoomBye())
        if was_here:
            self._close_at = self._context.now + BYE_PATIENCE
        else:
            self._hear(self.relay.close())
        for one in self._live:
            self._links.end_with_bye(one.link, CloseReason.LEFT)

    def discard(self) -> None:
        """Nobody will ask for it any more."""
        self._lease.release()
        self.relay.discard()

    def lock(self, locked: bool) -> None:
        """Take nobody new, or again everybody."""
        self.locked = locked
        if not locked:
            self._invite_all()
            return
        for one in self._live:
            if one.link.phase is LinkPhase.SIGNALING:
                self._links.end_with_bye(one.link, CloseReason.LEFT)

    def rotate_secret(self) -> None:
        """Draw another secret, and tell it to those with whom there is a link."""
        if self.state is not RelayState.LEFT and self.meets is None:
            self._next = self._move_at = None
            self.guesses = Guesses()  # nobody has the new link yet
            self._change_code(None)

    def go_to(self, code: RoomCode) -> None:
        """The room where the two find each other is another one from now on; links that there are stay."""
        if code != self.code:
            self._change_code(code)

    # The secret of the room.

    def on_secret_changed(self, link: Link, renewals: int, code: RoomCode) -> None:
        """Take how often the room was renewed since a link began, as far as its peer knows, and its secret.

        Both go to where it was renewed more often; where both have renewed it at once, to the smaller secret.
        """
        peer = link.authenticated
        if self.state is RelayState.LEFT or peer is None or self.meets is not None:
            return
        before, secret = peer.room
        if not (renewals > before or (renewals == before and code.secret < secret)):
            return  # they will hear of ours, if they have not yet
        peer.room = renewals, code.secret
        self._next = code
        self._move_at = self._moves.ready_at(self._context.now)
        if self._move_at <= self._context.now:
            self._move()
        self._tell_secret()

    def _move(self) -> None:
        """Go to where others have gone."""
        code, self._next, self._move_at = self._next, None, None
        if code is not None and code != self.code:
            self._moves.take(self._context.now)
            self._change_code(code)

    def _change_code(self, code: RoomCode | None) -> None:
        self._begin_session()
        self._hear(self.relay.change_code(code))

    def _tell_secret(self, elsewhere: Sequence[Link] = ()) -> None:
        """Tell the secret to all who do not know it; those whose path is lost hear it when it is found again."""
        code = self._next or self.code
        if code is None or self.meets is not None:
            return
        for link in [*(one.link for one in self._live), *elsewhere]:
            peer = link.authenticated
            if peer is None or link.phase is not LinkPhase.OPEN:
                continue
            renewals, secret = peer.room
            if secret != code.secret:
                peer.room = renewals + 1, code.secret
                self._links.send(link, wire.Room(*peer.room))

    def _links_elsewhere(self) -> list[Link]:
        """The open link to whoever is shown with this room, if it began elsewhere."""
        home = self.home
        link = self._links.of(home) if home is not None else None
        return [link] if link is not None and link.phase is LinkPhase.OPEN and link.room != self.id else []

    # The relay.

    def _begin_session(self) -> None:
        self._close_at = None
        self._lease.begin_session()

    def on_relay_opened(self) -> None:
        """There is a way to the relay."""
        self.relay.on_opened()

    def on_relay_message(self, text: str) -> None:
        """Take what the relay says."""
        self._hear(self.relay.on_message(text))

    def on_relay_closed(self, code: int) -> None:
        """There is no way to the relay, or no longer; `code` is a WebSocket's."""
        self._hear(self.relay.on_closed(code))

    def on_bytes_drawn(self, data: bytes) -> None:
        """Take random bytes that were asked for."""
        self._hear(self.relay.on_bytes_drawn(data))

    def on_derived(self, info: bytes, data: bytes) -> None:
        """Take what was derived."""
        self._hear(self.relay.on_derived(info, data))

    def on_sealed(self, ticket: int, data: bytes) -> None:
        """Take what was sealed."""
        self._hear(self.relay.on_sealed(ticket, data))

    def on_unsealed(self, ticket: int, data: bytes | None) -> None:
        """Take what was opened, or that it does not open."""
        self._hear(self.relay.on_unsealed(ticket, data))

    def _hear(self, reports: Iterable[Report]) -> None:
        for report in reports:
            match report:
                case MemberFound(member, starts):
                    self._found(member, starts=starts)
                case MemberGone(member):
                    self._gone(member)
                case SignalReceived(member, signal):
                    self._received(member, signal)
                case ReadyToJoin():
                    self._lease.take_and_join()
                case SecretDrawn():
                    self._tell_secret(self._links_elsewhere())
                case SessionLost():
                    self._forget_members()

    def _forget_members(self) -> None:
        self._lease.begin_session()
        here = [one.member for one in self._live if one.member is not None]
        for member in [*self._attempts, *here]:
            self._gone(member)
        self._numbers.clear()
        self._mentioned.clear()

    def _say(self, member: MemberId, signal: envelope.Signal) -> None:
        self._hear(self.relay.send(member, signal))

    def say_about(self, one: RoomLink, signal: AboutLink) -> None:
        """Say something about a link to its peer, in a way that it believes."""
        if one.member is None:
            return
        self._say(one.member, one.authenticated(signal, self._names(one.member)))

    def _names(self, member: MemberId) -> tuple[bytes, bytes]:
        """Our own name and that of another member, as bytes."""
        own = self.relay.session.member if self.relay.session is not None else None
        return wire.read_bytes(own, MEMBER_SIZE) if own is not None else b"", wire.read_bytes(member, MEMBER_SIZE)

    def on_lease_taken(self, ours: bool) -> None:
        """Take whether no other program or tab of the same person is in the room."""
        self._lease.on_taken(ours)

    # Who is there.

    def _found(self, member: MemberId, *, starts: bool) -> None:
        attempt = self._attempts[member] = _Attempt()
        unknown = [one for one in self._live if one.peer is not None and one.member is None]
        for one in unknown:
            self._tell(member, one)
        if starts:
            attempt.due = self._context.now + (AGAIN_PATIENCE if unknown else 0)
        else:
            attempt.due = self._context.now + ARRIVAL_PATIENCE * (1 + self._context.random())

    def _gone(self, member: MemberId) -> None:
        self._attempts.pop(member, None)
        if not self._attempts:
            self.refusal = None
        for one in self._links_to(member):
            one.member = one.restart_at = None
            if one.link.phase in (LinkPhase.SIGNALING, LinkPhase.CONNECTING):
                self._links.end_with_bye(one.link, CloseReason.PEER_LEFT)
            elif one.link.phase is LinkPhase.LOST:
                self._invite_all()

    def _links_to(self, member: MemberId) -> list[RoomLink]:
        """The links that have not ended with whoever has this name: at most one that is not proved, beside others."""
        return [one for one in self._live if one.member == member]

    def _received(self, member: MemberId, signal: envelope.Signal) -> None:
        if self.state is RelayState.LEFT:  # it was being unsealed
            return
        match signal:
            case Resume():
                self._match_resumed_link(member, signal)
            case Claim():
                self._attempts[member].claim = signal
            case Authenticated():
                proved = next(
                    (one for one in self._links_to(member) if one.is_authentic(signal, self._names(member))), None
                )
                if proved is None:  # we do not know yet that it is proved
                    self._take_unproved(member, signal.signal)
                else:
                    self._obey(proved, signal.signal)
            case OnLink() | Refused() | RoomBye():
                self._take_unproved(member, signal)

    def _note(self, numbers: dict[MemberId, int], member: MemberId, number: int) -> None:
        """Remember a number of a member; of too many those who are gone make room, the eldest first."""
        numbers[member] = number
        if len(numbers) > MAX_NUMBERS:
            del numbers[next(name for name in numbers if name not in self._attempts)]

    def _mention(self, member: MemberId, number: int) -> None:
        """A link of that number is known to both, whether it comes about or not."""
        self._note(self._mentioned, member, max(self._mentioned.get(member, 0), number))

    def _obey(self, one: RoomLink, signal: AboutLink) -> None:
        """Take what the peer itself says about its link."""
        match signal:
            case OnLink(attempt, what):
                if attempt == one.attempt:
                    one.take_signal(what)
            case Refused(attempt, refusal):
                if attempt == one.attempt:
                    self._refused(one, refusal)
            case RoomBye():
                self._links.end_with_bye(one.link, CloseReason.PEER_LEFT)

    def _take_unproved(self, member: MemberId, signal: AboutLink) -> None:
        """Take what anybody in the room may have said: it is of use only as long as nobody is proved."""
        if isinstance(signal, OnLink) and self._is_first_offer(member, signal):
            self._invited(member, signal)
            return
        links = self._links_to(member)
        for one in links:
            if one.peer is None:
                self._obey(one, signal)
        is_last = isinstance(signal, Refused) and signal.attempt == self._numbers.get(member)
        if isinstance(signal, Refused) and is_last and not links and not any(map(self._sits, self._live)):
            self._note_refusal(member, signal.refusal)  # it comes after the end of what it is about

    def _refused(self, one: RoomLink, refusal: Refusal) -> None:
        if one.member is not None and not any(self._sits(other) for other in self._live if other is not one):
            self._note_refusal(one.member, refusal)
        if one.peer is None and one.link.handshake is not None:
            one.refused = True  # its proof may be on the way, over the link itself: else it would be a guess
        else:
            self._links.end_with_bye(one.link, CloseReason.REFUSED)

    def _note_refusal(self, member: MemberId, refusal: Refusal) -> None:
        if refusal is not Refusal.ELSEWHERE:
            self.refusal = self.refusal if self.refusal is Refusal.ELSEWHERE else refusal
        elif not (self._lease.held or self._lease.takes_over):  # else it is an own tab that says so
            self.refusal = refusal
        if member in self._attempts:
            attempt = self._attempts[member]
            attempt.failed = 0
            if not self._links_to(member):  # nobody waits behind somebody who does not want to come
                attempt.due, attempt.turn, attempt.asked = None, None, False

    def _tell(self, member: MemberId, one: RoomLink) -> None:
        peer = one.link.authenticated
        if peer is not None:
            self._attempts[member].told = True
            self._mention(member, _countable(one.attempt))
            self._say(member, envelope.resume(peer.transcript, *self._names(member)))

    def _match_resumed_link(self, member: MemberId, signal: Resume) -> None:
        for one in self._live:
            peer = one.link.authenticated
            if peer is None:
                continue
            due = envelope.resume(peer.transcript, *reversed(self._names(member)))
            if not hmac.compare_digest(due.proof, signal.proof):
                continue
            attempt = self._attempts[member]
            if one.member == member:
                if not attempt.reminded:
                    attempt.reminded = True
                    self._tell(member, one)
            elif not self._links_to(member):
                # Of its former session the relay may not know yet that it is over.
                one.member = member
                attempt.due = attempt.turn = None
                self._note(self._numbers, member, one.attempt)
                if not attempt.told:
                    self._tell(member, one)
                one.go_on(one.negotiation.renewed())
                self._catch_up(one)
                self._turn_away_who_is_late()

    def _catch_up(self, one: RoomLink) -> None:
        """A link has another session's member now: what its phase asks for there."""
        if one.link.phase is LinkPhase.OPEN:
            self._on_opened(one)
        elif one.link.phase is LinkPhase.LOST:
            self._on_lost(one)

    # Links.

    def _taken(self, besides: MemberId) -> int:
        """Seats that are taken by others than this member."""
        return sum(self._sits(one) for one in self._live if one.member != besides)

    def _sits(self, one: RoomLink) -> bool:
        if one.peer is None or one.peer == self._context.key:  # nobody yet, or another tab of our own
            return False
        return one.link.phase is not LinkPhase.LOST or one.member is not None

    def _begin_link(self, member: MemberId, attempt: int) -> RoomLink | None:
        """Begin a link; what was begun with the same member before gives way, unless its peer is proved.

        Such a one stays what it is until the handshake has shown that it is the same somebody who starts over.
        """
        session, code = self.relay.session, self.code
        if session is None or code is None:
            return None
        for before in self._links_to(member):
            if before.peer is None:
                before.member = before.restart_at = None
                self._links.end_with_bye(before.link, CloseReason.REPLACED)
                self.on_changed(before)  # not later: it may have been a guess
        self._note(self._numbers, member, attempt)
        polite = session.is_polite(member)
        agreed = Negotiation(polite=polite, can_roll_back=self._context.capabilities.can_roll_back)
        one = RoomLink(self, self._links, attempt, agreed, member, self._context.now, code.secret)
        home = self.home
        shown = self._links.of(home) if home is not None else None
        is_free = isinstance(home, Introduction) and (shown is None or not shown.is_live)
        one.link = self._links.begin(
            Role.REPLIER if polite else Role.INVITER,
            one,
            home if is_free else None,
            room=self.id,
            times_out_at=self._context.now + ANSWER_PATIENCE,
        )
        one.link.binding = session.handshake
        self._begun.append(one)
        return one

    def _claimed(self, member: MemberId) -> RoomLink | None:
        """The link in a seat with whoever the member claims to be."""
        said = self._attempts[member].claim if member in self._attempts else None
        if said is None:
            return None
        return next((one for one in self._live if one.peer and self._fits(said, one.peer, member)), None)

    def _fits(self, said: Claim, key: PublicKey, member: MemberId) -> bool:
        ours, theirs = self._names(member)
        hint = envelope.claim(key, theirs, ours, takes_over=said.takes_over).hint
        return hmac.compare_digest(hint, said.hint)

    def _no_seat(self, member: MemberId) -> Refusal | None:
        """Why there is no seat for a member, as far as it is known who that is, if so."""
        if self._taken(member) < SEATS:
            return None
        said, former = self._attempts[member].claim if member in self._attempts else None, self._claimed(member)
        if former is not None and said is not None:
            return None if said.takes_over or former.link.phase is LinkPhase.LOST else Refusal.ELSEWHERE
        is_own = said is not None and self._fits(said, self._context.key, member)
        return Refusal.ELSEWHERE if is_own else Refusal.FULL

    def _as_told(self, refusal: Refusal) -> Refusal:
        """What others are told of it: whether a locked room is full is nothing to those outside."""
        return Refusal.LOCKED if self.locked and refusal is Refusal.FULL else refusal

    def _begin(self, member: MemberId) -> None:
        takes_over = bool(self._lease.held or self._lease.takes_over)
        ours, theirs = self._names(member)
        self._say(member, envelope.claim(self._context.key, ours, theirs, takes_over=takes_over))
        known = [_countable(one.attempt) for one in self._live if one.peer is not None]
        highest = max([self._numbers.get(member, 0), self._mentioned.get(member, 0), *known])
        one = self._begin_link(member, highest + 1)
        if one is not None:
            one.go_on(one.negotiation.needed())

    def _is_first_offer(self, member: MemberId, said: OnLink) -> bool:
        """Whether it begins a link that is newer than all with this member so far."""
        is_offer = isinstance(said.signal, negotiation.Offer) and said.signal.generation == 1
        return is_offer and said.attempt > self._numbers.get(member, 0)

    def _invited(self, member: MemberId, offer: OnLink) -> None:
        attempt = self._attempts[member]
        self._mention(member, offer.attempt)
        is_closed = attempt.barred or not self._takes_anybody
        refusal = Refusal.LOCKED if is_closed else self._no_seat(member)
        if refusal is not None:
            attempt.turn = None
            self._say(member, Refused(offer.attempt, self._as_told(refusal)))
        elif self._is_served(member):
            one = self._begin_link(member, offer.attempt)
            if one is not None:
                one.take_signal(offer.signal)
        else:
            attempt.asked = True

    def _is_served(self, member: MemberId) -> bool:
        """Whether a link may be begun with this member now; if not, it has its turn."""
        attempt, now = self._attempts[member], self._context.now
        if attempt.turn is None:
            self._turns += 1
            attempt.turn = self._turns
        is_first = attempt.turn == min(other.turn for other in self._attempts.values() if other.turn is not None)
        ready = max(self._begins.ready_at(now), self.guesses.ready_at(now))
        if is_first and ready <= now and self._makes_room(besides=member):
            self._begins.take(now)
            self.guesses.take(now)
            attempt.turn, attempt.due, attempt.asked = None, None, False
            return True
        attempt.due = ready if ready > now else now + RETRY_FIRST
        return False

    def _makes_room(self, *, besides: MemberId) -> bool:
        """Whether there may be one more link that is not proved, beside the one of this member, which gives way."""
        signaling = [link.signaling for link in self._links.unauthenticated_in_rooms()]
        everywhere = [one for one in signaling if isinstance(one, RoomLink) and one.member != besides]
        here = [one for one in everywhere if one.place is self]
        for pending, most in ((here, MAX_PENDING), (everywhere, MAX_PENDING_EVERYWHERE)):
            if sum(one.link.is_live for one in pending) < most:
                continue
            eldest = min(pending, key=lambda one: one.begun)
            if eldest.begun > self._context.now - PENDING_PATIENCE:
                return False
            self._links.end_with_bye(eldest.link, CloseReason.NO_ANSWER)
            eldest.place.on_changed(eldest)  # not later: it may have been a guess
        return True

    # What becomes of the links.

    def on_authenticated(self, one: RoomLink) -> None:
        """The handshake of a link is done: let its peer in, or tell it why not."""
        link = one.link
        peer = link.authenticated
        if peer is None:
            return
        peer.room = 0, one.secret
        if one.refused:
            self._links.end(link, CloseReason.REFUSED)
            return
        refusal = self._objection(one)
        if refusal is not None:
            self.say_about(one, Refused(one.attempt, refusal))
            self._links.turn_away(link)
            return
        conversation = self._chats.with_peer(peer.key)
        former = self._links.of(conversation) if conversation is not None else None
        is_other = (
            former is not None and isinstance(former.signaling, RoomLink) and former.signaling.member != one.member
        )
        if former is not None and former.is_live and is_other:  # they have come by another program or tab
            self._links.send(former, wire.Elsewhere())
            self._links.end_with_bye(former, CloseReason.REPLACED)
        contact = self._contacts.get(peer.key)
        if contact is not None and contact.verified:
            # Those who broke off may have been no more than that. To have talked is not enough: a word to somebody who
            # guesses would let them guess on and on.
            self.guesses = Guesses()
        self._links.admit(link)

    def _objection(self, one: RoomLink) -> Refusal | None:
        """Why whoever has just proved to be there, and has only the link of the room to show, may not come in."""
        peer = one.peer
        if peer is None or self._contacts.is_rejected(peer):
            return Refusal.LOCKED
        if peer in self._barred or (self.locked and peer not in self._admitted):
            return Refusal.LOCKED
        others = [other for other in self._live if other is not one and other.peer != peer]
        is_full = peer != self._context.key and sum(map(self._sits, others)) >= SEATS
        return Refusal.FULL if is_full else None

    @property
    def _takes_anybody(self) -> bool:
        """Whether there is somebody who may come in; who it is, is known only after the handshake."""
        return not self.locked or bool(self._admitted)

    def on_changed(self, one: RoomLink) -> None:
        """The phase of a link has changed."""
        if one.link.phase is LinkPhase.OPEN:
            self._on_opened(one)
        elif one.link.phase is LinkPhase.LOST:
            self._on_lost(one)
        elif one.link.phase is LinkPhase.CLOSED and one in self._begun:
            self._begun.remove(one)
            self._on_closed(one)

    def _on_opened(self, one: RoomLink) -> None:
        one.restart_at, self.refusal = None, None
        one.negotiation.prove()
        if one.peer is not None:
            _remember(self._admitted, one.peer)
        if one.peer != self._context.key:  # whoever is let in here is not elsewhere, or not for long
            self._lease.yields = False
            if not self._lease.held and self.relay.id:
                self._lease.take_soon()
        self._tell_secret()
        self._turn_away_who_is_late()
        if one.member in self._attempts:
            self._attempts[one.member].failed = 0

    def _on_lost(self, one: RoomLink) -> None:
        if one.member is None:
            self._invite_all()  # whoever it was may be back under another name
            return
        self.relay.check_soon()
        if self._context.capabilities.can_restart:
            wait = RESTART_AFTER if one.negotiation.is_settled else RESTART_INTERVAL
            one.restart_at = self._context.now + wait

    def _turn_away_who_is_late(self) -> None:
        """The last seat may be taken now; whoever is still on the way need not come.

        Who has begun to prove who it is goes on with it, and is told then: to break that off would look like a guess.
        """
        for one in self._live:
            refusal = self._no_seat(one.member) if one.member is not None and one.link.handshake is None else None
            if refusal is not None:
                self.say_about(one, Refused(one.attempt, refusal))
                self._links.end_with_bye(one.link, CloseReason.REPLACED)

    def _on_closed(self, one: RoomLink) -> None:
        link, member, one.restart_at = one.link, one.member, None
        if one.peer is None and link.handshake is not None and link.handshake.shows_signs:
            self.guesses.broken_off(self._context.now)
        else:
            self.guesses.harmless(one.begun, self._context.now)
        if self.state is RelayState.LEFT or link.close_reason is CloseReason.LEFT:
            return
        if link.close_reason is CloseReason.ELSEWHERE:
            is_alone = bool(self._lease.held)  # here: it may be another device of ours, or the peer may only say so
            self.refusal = Refusal.ELSEWHERE
            self._lease.give_way()
            if is_alone:
                self._invite_all(besides=member)
            return
        again = self._attempts.get(member) if member is not None else None
        if link.close_reason in _BROKEN:
            if again is not None:
                again.barred = True
            if one.peer is not None:
                _remember(self._barred, one.peer)
        if again is not None and not one.refused and link.close_reason not in (CloseReason.REFUSED, *_NO_MORE):
            again.failed += 1
            again.due = self._context.now + backoff(again.failed - 1) * (1 + self._context.random())
        if link.failed_in is not LinkPhase.SIGNALING:
            self._invite_all(besides=member)

    def on_seat_freed(self) -> None:
        """A link that began elsewhere, to somebody who is in this room with us, has ended."""
        if self.state is not RelayState.LEFT:
            self._invite_all()

    def _invite_all(self, *, besides: MemberId | None = None) -> None:
        """There is a seat: begin with whoever is there."""
        for member, attempt in self._attempts.items():
            if member != besides and not self._links_to(member):
                attempt.due = self._context.now + RETRY_FIRST * self._context.random()

    # Time.

    @property
    def due(self) -> float | None:
        """When something is due."""
        times = [
            self.relay.due,
            self._close_at,
            self._lease.due,
            self._move_at,
            *(attempt.due for attempt in self._attempts.values()),
            *(one.restart_at for one in self._live),
        ]
        return min([at for at in times if at is not None], default=None)

    def wake(self) -> None:
        """Do it."""
        now = self._context.now
        self._hear(self.relay.wake())
        if self._close_at is not None and self._close_at <= now:
            self._close_at = None
            for one in self._live:
                self._links.end_with_bye(one.link, CloseReason.LEFT)
            self._hear(self.relay.close())
        if self._lease.due is not None and self._lease.due <= now:
            self._lease.due = None
            if self.state is RelayState.HERE:
                self._lease.take()
        if self._move_at is not None and self._move_at <= now:
            self._move()
        due = [member for member, attempt in self._attempts.items() if attempt.due is not None and attempt.due <= now]
        for member in sorted(due, key=self._turn_of):
            if member in self._attempts:
                self._attempts[member].due = None
                self._begin_if_possible(member)
        for one in self._live:
            if one.restart_at is not None and one.restart_at <= now:
                one.restart_at = now + RESTART_INTERVAL
                one.restart()

    def _turn_of(self, member: MemberId) -> float:
        turn = self._attempts[member].turn
        return turn if turn is not None else math.inf

    def _begin_if_possible(self, member: MemberId) -> None:
        attempt = self._attempts[member]
        is_wanted = attempt.asked or not self._links_to(member)
        refusal = self._no_seat(member) if self._takes_anybody else Refusal.LOCKED
        if self.state is not RelayState.HERE or attempt.barred or not is_wanted or refusal is not None:
            attempt.turn, attempt.asked = None, False
            if refusal is not None and attempt.failed and is_wanted:  # what has failed here may go on there
                self._say(member, Refused(self._numbers.get(member, 0), self._as_told(refusal)))
        elif self._is_served(member):
            self._begin(member)


def _countable(number: int) -> int:
    """The number of a link with somebody, as far as it counts for links with others: no honest one is above that."""
    return number if number <= MAX_COUNTABLE else 0


def _remember(keys: dict[PublicKey, None], key: PublicKey) -> None:
    """Note a key as the last one; of too many the first one is forgotten."""
    keys.pop(key, None)
    keys[key] = None
    if len(keys) > MAX_KEYS:
        del keys[next(iter(keys))]
