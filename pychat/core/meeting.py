"""A room as one of its members lives in it: the way to the relay, who is there, and a link to each who can be had.

Theory of operation. `room` is what is said over one session with the relay; a meeting outlives the sessions. While
there is no way to the relay it tries again and again, each time later, and by a random part, so that not all come back
at once. Links that are open need no relay: they stay.

Whoever finds members when it joins begins with them; so does whoever has a seat again, its last link having ended,
with all who are there, for it may have turned them away before. Links to one member are counted, and the one with the
higher number counts: two members that both begin anew choose the same number, and `negotiation` decides between them,
or different ones, and the higher one wins.

A seat is taken by the first who proves who they are, and whoever is still on the way is then told that there is none.
Who has none left refuses an offer, in so many words.

Whoever is in the room can make us begin links, under any number of names, and each costs a connection. So links are
begun a few at once and then one in a while (`Bucket`), and a few at most are not proved at the same time: one that
takes long gives way when others wait. Who is not served at once gets its turn, one after the other, so that whoever
makes a crowd of names waits behind those who were there before; and then it is for us to begin.

A link whose path is lost keeps its seat while its member is there, and is restarted. In a new session everybody has
another name. So who still has a link from before says to whoever it meets that it has (`envelope.again`), and only the
other side of that link can tell that this is true. Until that is settled nothing new is begun.

Somebody who starts their program anew is somebody else at the relay, and the link from before still has the seat. So
who begins says with a hint, which only those can read who know the key, who they are going to prove to be (`Claim`).
Who has a link with that key in a seat lets them come as far as the handshake, and if that shows the same key the new
link has the seat. If the former one is alive this happens only on purpose: whether it is, is known where they run, by
a lease that ends with whoever holds it; who does not get it is told that the chat is open elsewhere, and can ask for it
to be here. Whoever loses the seat so is told, and does not take it back by itself.

Everybody in the room has its secret, and so can seal signals in everybody's name. Before a link's peer is proved that
can only keep a link from coming about. Of a link whose peer is proved only that peer is heard: by the channel itself,
and over the relay by signals that are authenticated (`envelope.authenticate`), which restart ICE. Whatever else comes
about such a link is passed over, and so is what the relay says about who has left, but for whom a restart can reach.
"""

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from pychat.core import effects, envelope, negotiation, relaytext, wire
from pychat.core import room as r
from pychat.core.bucket import Bucket
from pychat.core.capabilities import Capabilities
from pychat.core.conversation import ConversationId, MeetingId, SessionId
from pychat.core.envelope import Again, Authenticated, Bye, Claim, OnLink, Refusal, Refused
from pychat.core.errors import LocalError, RemoteError
from pychat.core.guesses import Guesses
from pychat.core.handshake import PublicKey, Role
from pychat.core.link import Ending, Link, Phase, Relayed, Step
from pychat.core.negotiation import Negotiation
from pychat.core.room import MemberId, Room
from pychat.core.roomcode import MEMBER_SIZE, SECRET_SIZE, RoomCode, is_lasting
from pychat.core.sdp import Description, DescriptionKind, candidate_attribute, parse_description, to_sdp

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
RETRY_FIRST, RETRY_LAST = 1.0, 60.0
"""Seconds before what has failed is tried again: at first, and at most. A random part of as many comes on top."""
ARRIVAL_PATIENCE = 5.0
"""Seconds that whoever has come has to begin, and a random part on top: a relay may tell both that the other came."""
AGAIN_PATIENCE = 2.0
"""Seconds that a member has to say that it is the other side of a link from before."""
REACH_PATIENCE = 20.0
"""Seconds until a session must have begun."""
BEAT_INTERVAL, BEAT_PATIENCE = 25.0, 8.0
"""Seconds of silence until the relay is asked for a sign of life, and for that to come."""
RESTART_AFTER, RESTART_INTERVAL = 1.0, 8.0
"""Seconds from the loss of a path to the first restart of ICE, and that a restart has until it is tried anew."""
LEASE_AFTER = 3.0
"""Seconds after which whoever has taken a seat over asks for the lease, which the other one has to give back first."""
BYE_PATIENCE = 1.0
"""Seconds for the last words to be sealed and sent."""

_NO_MORE = {
    Ending.PEER_LEFT,
    Ending.NOT_PROVED,
    Ending.NO_MATCH,
    Ending.PEER_NO_MATCH,
    Ending.OTHER_VERSION,
    Ending.BROKE_PROTOCOL,
    Ending.FAILED_HERE,
    Ending.REPLACED,
    Ending.ELSEWHERE,
}
"""Endings after which it would be of no use, or unwanted, to begin with the same member again."""
_BROKEN = {Ending.NOT_PROVED, Ending.BROKE_PROTOCOL}
"""Endings after which it is for the person to say whether to begin again with whoever it was."""


class RelayState(Enum):
    """How the way to the relay stands."""

    REACHING = "reaching"
    HERE = "here"
    AWAY = "away"
    """It is tried again in a while."""
    LEFT = "left"


class Trouble(Enum):
    """Why there is no way to the relay."""

    UNREACHABLE = "unreachable"
    RETURNING = "returning"
    FULL = "full"
    BUSY = "busy"
    REFUSED = "refused"


_LEASE = b"pychat lease\0"
_LEFT, _GONE = 1000, 1006
"""Codes of a WebSocket that we have closed, and of one that ended without a word (RFC 6455, section 7.4.1)."""
_TROUBLES = {
    1012: Trouble.RETURNING,
    4000: Trouble.REFUSED,
    4003: Trouble.FULL,
    4004: Trouble.BUSY,
    4005: Trouble.BUSY,
    4006: Trouble.BUSY,
    4007: Trouble.BUSY,
}


class Host(Protocol):
    """What a meeting asks of the node."""

    @property
    def now(self) -> float: ...

    def emit(self, effect: effects.Effect) -> None: ...

    def new_session(self, meeting: "Meeting") -> SessionId:
        """Give a number to a new session, and forget the former one."""

    def chance(self) -> float:
        """A number in [0, 1) that others cannot foresee."""

    @property
    def key(self) -> PublicKey: ...

    def beside(self, meeting: "Meeting") -> list[Link]:
        """Open links to whoever is in this room with us, that began elsewhere."""

    def begin_link(self, meeting: "Meeting", role: Role, relayed: Relayed) -> Link: ...

    def pending(self) -> list[Link]:
        """The links of all rooms that have not ended and whose peers are not proved."""

    def end_link(self, link: Link, ending: Ending) -> None: ...

    def blame(self, link: Link, error: RemoteError | LocalError) -> None:
        """End the link for what its peer, or this side, did wrong."""

    def step(self, link: Link, step: Step) -> None: ...

    def tell(self, link: Link, frame: wire.OwnFrame) -> None:
        """Send a frame over the link itself."""


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


class Meeting:
    """One room, for as long as a person wants to be in it.

    Args:
        code: of the room, or None for one that is to be drawn.
        relay: the relay's address.
        conversation: in which it is shown.
    """

    def __init__(
        self,
        number: MeetingId,
        code: RoomCode | None,
        relay: str,
        conversation: ConversationId,
        host: Host,
        capabilities: Capabilities,
    ) -> None:
        self.id = number
        self.code = code
        self.relay = relay
        self.conversation = conversation
        self.state = RelayState.LEFT
        self.trouble: Trouble | None = None
        self.locked = False
        self.refusal: Refusal | None = None
        """Why the others in the room do not take us."""
        self._host = host
        self._capabilities = capabilities
        self._room = Room(code) if code is not None else None
        self._session: SessionId = 0
        self._return_after: float | None = None
        self._failed = 0
        self._retry_due: float | None = None
        self._bye_due: float | None = None
        self._beat_due: float | None = None
        self._beating = False  # a sign of life was asked for
        self._is_open = False
        self._join = ""  # what is said to the relay once it is open
        self._lease = ""  # its name, once it was asked for
        self._leased: bool | None = None  # None: it is not known in this session
        self._lease_due: float | None = None
        self._takes_over = False  # by the person's own wish
        self._yields = False  # to another program or tab of the same person
        self._next: RoomCode | None = None  # where others have gone, and when we follow
        self._move_due: float | None = None
        self._moves = Bucket(MOVE_BURST, MOVE_INTERVAL)
        self._admitted: dict[PublicKey, None] = {}  # whom a locked room takes, since it was entered
        self._barred: dict[PublicKey, None] = {}  # who broke the protocol, since the person has asked for them
        self._live: list[Link] = []
        # In this session: the highest number of the links with each member, and of those that either has spoken of.
        self._numbers: dict[MemberId, int] = {}
        self._mentioned: dict[MemberId, int] = {}
        self._attempts: dict[MemberId, _Attempt] = {}
        self._begun = Bucket(BEGIN_BURST, BEGIN_INTERVAL)
        self.guesses = Guesses()
        self._turns = 0

    @property
    def is_linked(self) -> bool:
        """Whether there is any link that has not ended."""
        return bool(self._live)

    @property
    def company(self) -> int:
        """How many others the relay says are there."""
        return len(self._room.members) if self._room is not None else 0

    # What the person wants.

    def enter(self) -> None:
        """Go in, or back in; also to those who broke the protocol."""
        self._barred.clear()
        self.guesses = Guesses()
        for attempt in self._attempts.values():
            attempt.barred = False
        if self.state is RelayState.LEFT:
            self._failed, self.refusal, self._yields = 0, None, False
            self._connect()
        else:
            self._invite_all()

    def claim(self) -> None:
        """Be in the room here, and no longer in another program or tab of the same person."""
        self._takes_over, self._yields, self.refusal = True, False, None
        self.enter()

    def leave(self) -> None:
        """Go out; the last words to those who are not connected are still sent."""
        if self.state is RelayState.LEFT:
            return
        was_here = self.state is RelayState.HERE
        self.state, self.trouble, self._retry_due = RelayState.LEFT, None, None
        self._next = self._move_due = None
        self._admitted.clear()
        self._takes_over = False
        self._release()
        for link in self._live:
            self._say_about(link, Bye())
        if was_here:
            self._bye_due = self._host.now + BYE_PATIENCE
        elif self._session:
            self.closed(_LEFT)
        for link in list(self._live):
            self._host.end_link(link, Ending.LEFT)

    def discard(self) -> None:
        """Nobody will ask for it any more."""
        self._release()
        if self._session:
            self._host.emit(effects.CloseRelay(self._session))
            self._session = 0

    def objection(self, link: Link) -> Refusal | None:
        """Why whoever has just proved to be at the other end of a link may not come in, if so."""
        if link.peer in self._barred or (self.locked and link.peer not in self._admitted):
            return Refusal.LOCKED
        is_own = link.peer == self._host.key
        others = [other for other in self._live if other is not link and other.peer != link.peer]
        return Refusal.FULL if not is_own and sum(map(self._sits, others)) >= SEATS else None

    def turn_away(self, link: Link, refusal: Refusal) -> None:
        """Tell the peer that it may not come in."""
        self._say_about(link, Refused(link.relayed_number, refusal))

    @property
    def _takes_anybody(self) -> bool:
        """Whether there is somebody who may come in; who it is, is known only after the handshake."""
        return not self.locked or bool(self._admitted)

    def lock(self, locked: bool) -> None:
        """Take nobody new, or again everybody."""
        self.locked = locked
        if locked:
            for link in list(self._live):
                if link.phase is Phase.SIGNALING:
                    self._host.end_link(link, Ending.LEFT)
        else:
            self._invite_all()

    def renew(self) -> None:
        """Draw another secret, and tell it to those with whom there is a link."""
        if self.state is not RelayState.LEFT:
            self.code = self._room = self._next = self._move_due = None
            self.guesses = Guesses()  # nobody has the new link yet
            self._connect()

    def moved(self, link: Link, renewals: int, code: RoomCode) -> None:
        """Take how often the room was renewed since a link began, as far as its peer knows, and its secret.

        Both go to where it was renewed more often; where both have renewed it at once, to the smaller secret.
        """
        before, secret = link.room
        is_newer = renewals > before or (renewals == before and code.secret < secret)
        if self.state is RelayState.LEFT or not is_newer:
            return  # they will hear of ours, if they have not yet
        link.room = renewals, code.secret
        self._next = code
        self._move_due = self._moves.ready_at(self._host.now)
        if self._move_due <= self._host.now:
            self._move()
        self._tell_room()

    def _move(self) -> None:
        """Go to where others have gone."""
        code, self._next, self._move_due = self._next, None, None
        if code is not None and code != self.code:
            self._moves.take(self._host.now)
            self.code, self._room = code, Room(code)
            self._connect()

    def _tell_room(self, beside: Sequence[Link] = ()) -> None:
        """Tell the secret to all who do not know it; those whose path is lost hear it when it is found again."""
        code = self._next or self.code
        if code is None:
            return
        for link in [*self._live, *beside]:
            renewals, secret = link.room
            if link.phase is Phase.OPEN and secret != code.secret:
                link.room = renewals + 1, code.secret
                self._host.tell(link, wire.Room(*link.room))

    # The session with the relay.

    def _connect(self) -> None:
        if self._session:
            self._host.emit(effects.CloseRelay(self._session))
            self._forget_members()
        self._retry_due = self._return_after = self._bye_due = None
        self.state, self._beating, self._beat_due = RelayState.REACHING, False, self._host.now + REACH_PATIENCE
        self._session = self._host.new_session(self)
        self._is_open, self._join, self._leased, self._lease_due = False, "", None, None
        self._host.emit(effects.ConnectRelay(self._session, self.relay))
        self._host.emit(effects.DrawBytes(self._session, SECRET_SIZE if self._room is None else MEMBER_SIZE))

    def drawn(self, data: bytes) -> None:
        """Take random bytes: the secret of a new room, or our name in this session."""
        if len(data) == SECRET_SIZE:
            code = RoomCode(data)
            self._host.emit(effects.DrawBytes(self._session, MEMBER_SIZE if is_lasting(code) else SECRET_SIZE))
            if not is_lasting(code):
                return
            self.code = code
            self._room = Room(self.code)
            self._tell_room(self._host.beside(self))
        elif self._room is not None:
            self._run(self._room.session(data))

    def opened(self) -> None:
        """There is a way to the relay."""
        self._is_open = True
        self._join_if_possible()

    def _join_if_possible(self) -> None:
        """Join once there is a way, and all that it takes is derived and known, which takes its time beside that."""
        if self._is_open and self._join and self._leased is not None and self.state is RelayState.REACHING:
            self._host.emit(effects.SendToRelay(self._session, self._join))
            self._join = ""

    def closed(self, code: int) -> None:
        """There is none, or no longer."""
        self._host.emit(effects.CloseRelay(self._session))
        self._session, self._beat_due = 0, None
        self._forget_members()
        if self.state is RelayState.LEFT:
            return
        self.state, self.trouble = RelayState.AWAY, _TROUBLES.get(code, Trouble.UNREACHABLE)
        wait = max(self._return_after or 0.0, self._backoff(self._failed))
        self._failed += 1
        self._retry_due = self._host.now + wait * (1 + self._host.chance())

    @staticmethod
    def _backoff(failed: int) -> float:
        return min(RETRY_LAST, RETRY_FIRST * float(2 ** min(failed, 10)))

    def heard(self, text: str) -> None:
        """Take what the relay says; whoever has left only waits for the last words to go out."""
        if self.state is RelayState.LEFT:
            return
        assert self._room is not None
        self._beating, self._beat_due = False, self._host.now + BEAT_INTERVAL
        match relaytext.read(text):
            case relaytext.Joined(members) if not self._join:  # else we have not said yet that we come
                steps = self._room.joined(members)
                if self._room.is_in and self.state is RelayState.REACHING:
                    self.state, self.trouble, self._failed = RelayState.HERE, None, 0
                self._run(steps)
            case relaytext.Arrived(member):
                self._run(self._room.arrived(member))
            case relaytext.Left(member):
                self._run(self._room.left(member))
            case relaytext.From(member, data) if member != self._room.member:
                self._run(self._room.heard(member, data))
            case relaytext.Return(seconds):
                self._return_after = seconds

    # Other programs and tabs of the same person.

    def _take_lease(self) -> None:
        assert self._room is not None
        name = hashlib.sha256(_LEASE + self._room.id + self._host.key).hexdigest()[:32]
        if name != self._lease:
            self._release()
        if self._yields:
            self._leased = False
        else:
            self._lease = name
            self._host.emit(effects.TakeLease(self._session, name))

    def _release(self) -> None:
        if self._lease:
            self._host.emit(effects.ReleaseLease(self._lease))
            self._lease = ""

    def leased(self, ours: bool) -> None:
        """Take whether no other program or tab of the same person is in the room."""
        if not self._yields:
            self._leased = ours
            self._join_if_possible()

    def _yield(self) -> None:
        """Another program or tab of the same person has the seat."""
        self.refusal, self._takes_over, self._yields, self._leased = Refusal.ELSEWHERE, False, True, False
        self._release()

    def _beat(self) -> None:
        """Have the relay pass something to ourselves: a way that is dead may give no sign of it for minutes."""
        if self.state is RelayState.REACHING:
            self.closed(_GONE)
        elif self._beating:
            self._connect()
        elif self.state is RelayState.HERE and self._room is not None and self._room.member is not None:
            self._beating, self._beat_due = True, self._host.now + BEAT_PATIENCE
            self._host.emit(effects.SendToRelay(self._session, relaytext.to(self._room.member, "")))

    def derived(self, info: bytes, data: bytes) -> None:
        """Take what was derived."""
        assert self._room is not None
        self._run(self._room.derived(info, data))

    def sealed(self, ticket: int, data: bytes) -> None:
        """Take what was sealed."""
        assert self._room is not None
        self._run(self._room.sealed(ticket, data))

    def unsealed(self, ticket: int, data: bytes | None) -> None:
        """Take what was opened, or that it does not open."""
        assert self._room is not None
        self._run(self._room.opened(ticket, data))

    def _forget_members(self) -> None:
        if self._room is not None:
            self._run(self._room.connection_lost())
        here = [link.relayed_member for link in self._live if link.relayed_member is not None]
        for member in [*self._attempts, *here]:  # of a room that is no longer ours
            self._gone(member)
        self._numbers.clear()
        self._mentioned.clear()

    def _run(self, steps: list[r.Step]) -> None:
        session, emit = self._session, self._host.emit
        for step in steps:
            match step:
                case r.Derive(secret, salt, info, size):
                    emit(effects.Derive(session, secret, salt, info, size))
                case r.Join(room, member):
                    self._join = relaytext.join(room, member)
                    self._take_lease()
                    self._join_if_possible()
                case r.Seal(ticket, key, nonce, data, context):
                    emit(effects.Seal(session, ticket, key, nonce, data, context))
                case r.Open(ticket, key, nonce, data, context):
                    emit(effects.Unseal(session, ticket, key, nonce, data, context))
                case r.Relay(member, text):
                    emit(effects.SendToRelay(session, relaytext.to(member, text)))
                case r.MemberFound(member, starts):
                    self._found(member, starts=starts)
                case r.MemberGone(member):
                    self._gone(member)
                case r.SignalReceived(member, signal):
                    self._received(member, signal)
                case r.Renew():
                    self._connect()
                    return

    def _say(self, member: MemberId, signal: envelope.Signal) -> None:
        if self._room is not None:
            self._run(self._room.send(member, signal))

    def _say_about(self, link: Link, signal: OnLink | Refused | Bye) -> None:
        """Say something about a link to its peer, in a way that it believes."""
        relayed = link.relayed
        if relayed is None or relayed.member is None:
            return
        if link.peer is None:
            self._say(relayed.member, signal)
            return
        relayed.said += 1
        names = self._names(relayed.member)
        self._say(relayed.member, envelope.authenticate(link.transcript, *names, relayed.said, signal))

    def _names(self, member: MemberId) -> tuple[bytes, bytes]:
        """Our own name and that of another member, as bytes."""
        assert self._room is not None
        assert self._room.member is not None
        return wire.read_bytes(self._room.member, MEMBER_SIZE), wire.read_bytes(member, MEMBER_SIZE)

    # Who is there.

    def _found(self, member: MemberId, *, starts: bool) -> None:
        attempt = self._attempts[member] = _Attempt()
        unknown = [link for link in self._live if link.peer is not None and link.relayed_member is None]
        for link in unknown:
            self._tell(member, link)
        if starts:
            attempt.due = self._host.now + (AGAIN_PATIENCE if unknown else 0)
        else:
            attempt.due = self._host.now + ARRIVAL_PATIENCE * (1 + self._host.chance())

    def _gone(self, member: MemberId) -> None:
        self._attempts.pop(member, None)
        if not self._attempts:
            self.refusal = None
        for link in self._links_to(member):
            assert link.relayed is not None
            link.relayed.member = link.relayed.restart_due = None
            if link.phase in (Phase.SIGNALING, Phase.CONNECTING):
                self._host.end_link(link, Ending.PEER_LEFT)
            elif link.phase is Phase.LOST:
                self._invite_all()

    def _links_to(self, member: MemberId) -> list[Link]:
        """The links that have not ended with whoever has this name: at most one that is not proved, beside others."""
        return [link for link in self._live if link.relayed_member == member]

    def _received(self, member: MemberId, signal: envelope.Signal) -> None:
        if self.state is RelayState.LEFT:  # it was being unsealed
            return
        match signal:
            case Again():
                self._recognise(member, signal)
            case Claim():
                self._attempts[member].claim = signal
            case Authenticated():
                link = next((link for link in self._links_to(member) if self._is_authentic(link, signal)), None)
                if link is None:  # we do not know yet that it is proved
                    self._hear(member, signal.signal)
                else:
                    self._obey(link, signal.signal)
            case OnLink() | Refused() | Bye():
                self._hear(member, signal)

    def _note(self, numbers: dict[MemberId, int], member: MemberId, number: int) -> None:
        """Remember a number of a member; of too many those who are gone make room, the eldest first."""
        numbers[member] = number
        if len(numbers) > MAX_NUMBERS:
            del numbers[next(name for name in numbers if name not in self._attempts)]

    def _mention(self, member: MemberId, number: int) -> None:
        """A link of that number is known to both, whether it comes about or not."""
        self._note(self._mentioned, member, max(self._mentioned.get(member, 0), number))

    def _is_authentic(self, link: Link, signal: Authenticated) -> bool:
        """Whether the proved peer of the link says so, and says it for the first time."""
        relayed = link.relayed
        if relayed is None or relayed.member is None or link.peer is None or signal.count <= relayed.heard:
            return False
        ours, theirs = self._names(relayed.member)
        due = envelope.authenticate(link.transcript, theirs, ours, signal.count, signal.signal)
        if not hmac.compare_digest(due.mac, signal.mac):
            return False
        relayed.heard = signal.count
        return True

    def _obey(self, link: Link, signal: OnLink | Refused | Bye) -> None:
        """Take what the peer itself says about its link."""
        match signal:
            case OnLink(number, what):
                if number == link.relayed_number:
                    self._negotiate(link, what)
            case Refused(number, refusal):
                if number == link.relayed_number:
                    self._refused(link, refusal)
            case Bye():
                self._host.end_link(link, Ending.PEER_LEFT)

    def _hear(self, member: MemberId, signal: OnLink | Refused | Bye) -> None:
        """Take what anybody in the room may have said: it is of use only as long as nobody is proved."""
        if isinstance(signal, OnLink) and self._is_first_offer(member, signal):
            self._invited(member, signal)
            return
        links = self._links_to(member)
        for link in links:
            if link.peer is None:
                self._obey(link, signal)
        is_last = isinstance(signal, Refused) and signal.link == self._numbers.get(member)
        if isinstance(signal, Refused) and is_last and not links and not any(map(self._sits, self._live)):
            self._note_refusal(member, signal.refusal)  # it comes after the end of what it is about

    def _refused(self, link: Link, refusal: Refusal) -> None:
        if link.relayed_member is not None and not any(self._sits(other) for other in self._live if other is not link):
            self._note_refusal(link.relayed_member, refusal)
        if link.peer is None and link.handshake is not None and link.relayed is not None:
            link.relayed.refused = True  # its proof may be on the way, over the link itself: else it would be a guess
        else:
            self._host.end_link(link, Ending.REFUSED)

    def _note_refusal(self, member: MemberId, refusal: Refusal) -> None:
        if refusal is not Refusal.ELSEWHERE:
            self.refusal = self.refusal if self.refusal is Refusal.ELSEWHERE else refusal
        elif not (self._leased or self._takes_over):  # else it is an own tab that says so
            self.refusal = refusal
        if member in self._attempts:
            attempt = self._attempts[member]
            attempt.failed = 0
            if not self._links_to(member):  # nobody waits behind somebody who does not want to come
                attempt.due, attempt.turn, attempt.asked = None, None, False

    def _proof(self, link: Link, *, ours: bool, member: MemberId) -> Again:
        names = self._names(member)
        return envelope.again(link.transcript, *(names if ours else reversed(names)))

    def _tell(self, member: MemberId, link: Link) -> None:
        self._attempts[member].told = True
        self._mention(member, _countable(link.relayed_number))
        self._say(member, self._proof(link, ours=True, member=member))

    def _recognise(self, member: MemberId, signal: Again) -> None:
        for link in self._live:
            if link.relayed is None or link.peer is None:
                continue
            if not hmac.compare_digest(self._proof(link, ours=False, member=member).proof, signal.proof):
                continue
            attempt = self._attempts[member]
            if link.relayed.member == member:
                if not attempt.reminded:
                    attempt.reminded = True
                    self._tell(member, link)
            elif not self._links_to(member):
                # Of its former session the relay may not know yet that it is over.
                link.relayed.member = member
                attempt.due = attempt.turn = None
                self._note(self._numbers, member, link.relayed.number)
                if not attempt.told:
                    self._tell(member, link)
                self._steps(link, link.relayed.negotiation.renewed())
                self.changed(link)
                self._turn_away_who_is_late()

    # Links.

    def _taken(self, besides: MemberId) -> int:
        """Seats that are taken by others than this member."""
        return sum(self._sits(link) for link in self._live if link.relayed_member != besides)

    def _sits(self, link: Link) -> bool:
        if link.peer is None or link.peer == self._host.key:  # nobody yet, or another tab of our own
            return False
        return link.phase is not Phase.LOST or link.relayed_member is not None

    def _link(self, member: MemberId, number: int) -> Link:
        """Begin a link; what was begun with the same member before gives way, unless its peer is proved.

        Such a one stays what it is until the handshake has shown that it is the same somebody who begins anew.
        """
        assert self._room is not None
        for before in self._links_to(member):
            if before.peer is None:
                assert before.relayed is not None
                before.relayed.member = before.relayed.restart_due = None
                self._host.end_link(before, Ending.REPLACED)
        self._note(self._numbers, member, number)
        polite = self._room.is_polite(member)
        agreed = Negotiation(polite=polite, can_roll_back=self._capabilities.can_roll_back)
        assert self.code is not None
        relayed = Relayed(self.id, number, agreed, member, self._host.now)
        link = self._host.begin_link(self, Role.REPLIER if polite else Role.INVITER, relayed)
        link.invite = self._room.handshake
        link.room = 0, self.code.secret
        self._live.append(link)
        return link

    def _claimed(self, member: MemberId) -> Link | None:
        """The link in a seat with whoever the member claims to be."""
        said = self._attempts[member].claim if member in self._attempts else None
        if said is None:
            return None
        return next((link for link in self._live if link.peer and self._fits(said, link.peer, member)), None)

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
            return None if said.takes_over or former.phase is Phase.LOST else Refusal.ELSEWHERE
        is_own = said is not None and self._fits(said, self._host.key, member)
        return Refusal.ELSEWHERE if is_own else Refusal.FULL

    def _as_told(self, refusal: Refusal) -> Refusal:
        """What others are told of it: whether a locked room is full is nothing to those outside."""
        return Refusal.LOCKED if self.locked and refusal is Refusal.FULL else refusal

    def _begin(self, member: MemberId) -> None:
        takes_over = bool(self._leased or self._takes_over)
        ours, theirs = self._names(member)
        self._say(member, envelope.claim(self._host.key, ours, theirs, takes_over=takes_over))
        known = [_countable(link.relayed_number) for link in self._live if link.peer is not None]
        link = self._link(member, max([self._numbers.get(member, 0), self._mentioned.get(member, 0), *known]) + 1)
        assert link.relayed is not None
        self._steps(link, link.relayed.negotiation.needed())

    def _is_first_offer(self, member: MemberId, said: OnLink) -> bool:
        """Whether it begins a link that is newer than all with this member so far."""
        is_offer = isinstance(said.signal, negotiation.Offer) and said.signal.number == 1
        return is_offer and said.link > self._numbers.get(member, 0)

    def _invited(self, member: MemberId, offer: OnLink) -> None:
        attempt = self._attempts[member]
        self._mention(member, offer.link)
        is_closed = attempt.barred or not self._takes_anybody
        refusal = Refusal.LOCKED if is_closed else self._no_seat(member)
        if refusal is not None:
            attempt.turn = None
            self._say(member, Refused(offer.link, self._as_told(refusal)))
        elif self._is_served(member):
            self._negotiate(self._link(member, offer.link), offer.signal)
        else:
            attempt.asked = True

    def _is_served(self, member: MemberId) -> bool:
        """Whether a link may be begun with this member now; if not, it has its turn."""
        attempt, now = self._attempts[member], self._host.now
        if attempt.turn is None:
            self._turns += 1
            attempt.turn = self._turns
        is_first = attempt.turn == min(other.turn for other in self._attempts.values() if other.turn is not None)
        ready = max(self._begun.ready_at(now), self.guesses.ready_at(now))
        if is_first and ready <= now and self._makes_room(besides=member):
            self._begun.take(now)
            self.guesses.take(now)
            attempt.turn, attempt.due, attempt.asked = None, None, False
            return True
        attempt.due = ready if ready > now else now + RETRY_FIRST
        return False

    def _makes_room(self, *, besides: MemberId) -> bool:
        """Whether there may be one more link that is not proved, beside the one of this member, which gives way."""
        everywhere = [link for link in self._host.pending() if link.relayed_member != besides]
        here = [link for link in everywhere if link in self._live]
        for links, most in ((here, MAX_PENDING), (everywhere, MAX_PENDING_EVERYWHERE)):
            if sum(link.phase is not Phase.CLOSED for link in links) < most:
                continue
            eldest = min(links, key=_begun)
            if _begun(eldest) > self._host.now - PENDING_PATIENCE:
                return False
            self._host.end_link(eldest, Ending.NO_ANSWER)
        return True

    def _negotiate(self, link: Link, signal: negotiation.Signal) -> None:
        assert link.relayed is not None
        try:
            self._steps(link, link.relayed.negotiation.received(signal))
        except (RemoteError, LocalError) as error:
            self._host.blame(link, error)

    def described(self, link: Link, sdp: str) -> None:
        """Take the local description of a link.

        Raises:
            LocalError: it is not one for a single data channel.
        """
        assert link.relayed is not None
        kind = DescriptionKind.OFFER if link.relayed.negotiation.is_offering else DescriptionKind.ANSWER
        link.gathering.description = parse_description(kind, sdp)
        self._steps(link, link.relayed.negotiation.described(sdp))

    def found(self, link: Link, attribute: str) -> None:
        """Take a candidate of our own."""
        assert link.relayed is not None
        self._steps(link, link.relayed.negotiation.found(attribute))

    def _steps(self, link: Link, steps: list[negotiation.Step]) -> None:
        relayed, emit = link.relayed, self._host.emit
        assert relayed is not None
        for step in steps:
            if link.remote is not None and self._needs_fresh_link(step):
                self._host.end_link(link, Ending.PATH_LOST)
                return
            match step:
                case negotiation.Send(signal):
                    self._say_about(link, OnLink(relayed.number, signal))
                    if isinstance(signal, negotiation.Answer):
                        self._host.step(link, Step.DESCRIBED)
                case negotiation.MakeOffer():
                    emit(effects.CreateOffer(link.id, restart=link.remote is not None))
                case negotiation.TakeOffer(description, _):
                    self._take(link, description)
                    if relayed.answered_first is None:
                        relayed.answered_first = True
                    emit(effects.AcceptOffer(link.id, to_sdp(description)))
                case negotiation.TakeAnswer(description):
                    self._take(link, description)
                    if relayed.answered_first is None:
                        relayed.answered_first = False
                    emit(effects.AcceptAnswer(link.id, to_sdp(description, answerer_is_server=relayed.answered_first)))
                    self._host.step(link, Step.DESCRIBED)
                case negotiation.TakeCandidate(candidate, place):
                    emit(effects.AddCandidate(link.id, candidate_attribute(candidate, place)))
                case negotiation.StartOver():
                    emit(effects.CloseConnection(link.id))
                    emit(effects.OpenConnection(link.id, link.ice))

    def _needs_fresh_link(self, step: negotiation.Step) -> bool:
        """Whether this cannot be done to a link whose peer is described already: it knows our certificate."""
        restarts = isinstance(step, negotiation.TakeOffer) and not self._capabilities.can_restart
        return restarts or isinstance(step, negotiation.StartOver)

    def _take(self, link: Link, description: Description) -> None:
        if link.remote is not None and link.remote.fingerprint != description.fingerprint:
            raise RemoteError("the peer's certificate has changed")  # what was proved was proved for the other one
        link.remote = description

    def changed(self, link: Link) -> None:
        """The phase of a link has changed."""
        relayed = link.relayed
        assert relayed is not None
        if link.phase is Phase.OPEN:
            relayed.restart_due, self.refusal = None, None
            relayed.negotiation.prove()
            if link.peer is not None:
                _remember(self._admitted, link.peer)
            self._settle_in(link)
            self._tell_room()
            self._turn_away_who_is_late()
            if relayed.member is not None:
                self._attempts[relayed.member].failed = 0
        elif link.phase is Phase.LOST and relayed.member is None:
            self._invite_all()  # whoever it was may be back under another name
        elif link.phase is Phase.LOST:
            if self.state is RelayState.HERE and not self._beating:
                self._beat_due = self._host.now  # what has cut the path may have cut the way to the relay, too
            if self._capabilities.can_restart:
                wait = RESTART_AFTER if relayed.negotiation.is_settled else RESTART_INTERVAL
                relayed.restart_due = self._host.now + wait
        elif link.phase is Phase.CLOSED and link in self._live:
            self._live.remove(link)
            self._over(link, relayed)

    def _settle_in(self, link: Link) -> None:
        """Who is let in here is not elsewhere, or not for long."""
        if link.peer != self._host.key:
            self._yields = False
            if not self._leased and self._session:
                self._lease_due = self._host.now + LEASE_AFTER

    def _turn_away_who_is_late(self) -> None:
        """The last seat may be taken now; whoever is still on the way need not come.

        Who has begun to prove who it is goes on with it, and is told then: to break that off would look like a guess.
        """
        for link in list(self._live):
            member = link.relayed_member
            refusal = self._no_seat(member) if member is not None and link.handshake is None else None
            if refusal is not None:
                self._say_about(link, Refused(link.relayed_number, refusal))
                self._host.end_link(link, Ending.REPLACED)

    def _over(self, link: Link, relayed: Relayed) -> None:
        relayed.restart_due = None
        member = relayed.member
        if link.peer is None and link.handshake is not None and link.handshake.shows_signs:
            self.guesses.broken_off(self._host.now)
        else:
            self.guesses.harmless(relayed.begun, self._host.now)
        if self.state is RelayState.LEFT or link.ending is Ending.LEFT:
            return
        if link.ending is Ending.ELSEWHERE:
            is_alone = bool(self._leased)  # here: it may be another device of ours, or the peer may only say so
            self._yield()
            if is_alone:
                self._invite_all(besides=member)
            return
        again = self._attempts.get(member) if member is not None else None
        if link.ending in _BROKEN:
            if again is not None:
                again.barred = True
            if link.peer is not None:
                _remember(self._barred, link.peer)
        if again is not None and not relayed.refused and link.ending not in (Ending.REFUSED, *_NO_MORE):
            again.failed += 1
            again.due = self._host.now + self._backoff(again.failed - 1) * (1 + self._host.chance())
        if link.failed_in is not Phase.SIGNALING:
            self._invite_all(besides=member)

    def trusts(self) -> None:
        """Somebody verified has come: so those who broke off may have been no more than that.

        To have talked is not enough: a word to somebody who guesses would let them guess on and on.
        """
        self.guesses = Guesses()

    def alone(self) -> None:
        """A link that began elsewhere, to somebody who is in this room with us, has ended."""
        if self.state is not RelayState.LEFT:
            self._invite_all()

    def _invite_all(self, *, besides: MemberId | None = None) -> None:
        """There is a seat: begin with whoever is there."""
        for member, attempt in self._attempts.items():
            if member != besides and not self._links_to(member):
                attempt.due = self._host.now + RETRY_FIRST * self._host.chance()

    # Time.

    @property
    def due(self) -> float | None:
        """When something is due."""
        times = [
            self._retry_due,
            self._bye_due,
            self._beat_due,
            self._lease_due,
            self._move_due,
            *(attempt.due for attempt in self._attempts.values()),
        ]
        times += [link.relayed.restart_due for link in self._live if link.relayed is not None]
        return min((time for time in times if time is not None), default=None)

    def do_what_is_due(self) -> None:
        """Do it."""
        now = self._host.now
        if self._retry_due is not None and self._retry_due <= now:
            self._connect()
        if self._bye_due is not None and self._bye_due <= now:
            self._bye_due = None
            for link in list(self._live):
                self._host.end_link(link, Ending.LEFT)
            if self._session:
                self.closed(_LEFT)
        if self._beat_due is not None and self._beat_due <= now:
            self._beat_due = None
            self._beat()
        if self._lease_due is not None and self._lease_due <= now:
            self._lease_due = None
            if self.state is RelayState.HERE:
                self._take_lease()
        if self._move_due is not None and self._move_due <= now:
            self._move()
        due = [member for member, attempt in self._attempts.items() if attempt.due is not None and attempt.due <= now]
        for member in sorted(due, key=self._turn_of):
            if member in self._attempts:
                self._attempts[member].due = None
                self._begin_if_possible(member)
        for link in list(self._live):
            relayed = link.relayed
            if relayed is not None and relayed.restart_due is not None and relayed.restart_due <= now:
                relayed.restart_due = now + RESTART_INTERVAL
                restart = relayed.negotiation
                self._steps(link, restart.needed() if restart.is_settled else restart.renewed())

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


def _begun(link: Link) -> float:
    """When a link in a room was begun."""
    assert link.relayed is not None
    return link.relayed.begun


def _remember(keys: dict[PublicKey, None], key: PublicKey) -> None:
    """Note a key as the last one; of too many the first one is forgotten."""
    keys.pop(key, None)
    keys[key] = None
    if len(keys) > MAX_KEYS:
        del keys[next(iter(keys))]
