"""Whole cores in rooms, over a relay that does whatever it likes; each seed is another course of things.

Theory of operation. It is the world of `sim`, in which people also go into rooms, come back, lock and renew them, and
in which a path that was lost comes back when ICE is restarted. The relay swaps, repeats, reorders, drops, reflects,
changes and makes up what it passes on, forges with the help of a member, floods, lies about who is there, shows some
one room and others another, mixes people of rooms with different secrets, cuts people off and goes away. In some worlds
it lies about presence, in others only envelopes are in danger. Besides what is always checked nobody may ever be
connected, over a room, with someone who does not have its secret; and what a core keeps because of the relay has
bounds.

At last the relay behaves: where it had lied about presence it begins afresh, else it just goes on. Then nobody in a
room may be left alone while somebody else in it is alone too, and what they have written to each other must arrive.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pychat.core import effects, events, wire
from pychat.core.chat.conversation import Chat
from pychat.core.codes.roomcode import HANDSHAKE_INFO, KEY_SIZE, MEMBER_SIZE, SALT, SIGNALING_INFO, RoomCode, encode
from pychat.core.ids import MemberId, SessionId
from pychat.core.link import Link, LinkPhase
from pychat.core.relay import envelope
from pychat.core.relay import session as r
from pychat.core.relay.client import RelayState
from pychat.core.services.room import Room
from pychat.core.services.room_link import RoomLink
from pychat.core.webrtc import negotiation
from pychat.core.webrtc.sdp import Candidate, CandidateKind, Description, DescriptionKind
from tests.sim import _KEY_DELAYS, End, Someone, World

URL = "wss://chat.example/relay"
_MEMORY = 60
"""Envelopes that the relay keeps to repeat them."""


@dataclass(eq=False)
class Session:
    """A way from somebody to the relay, as the relay sees it."""

    guest: Guest
    life: int
    number: SessionId
    room: str = ""
    member: str = ""
    over: bool = False
    silent: bool = False
    busy_until: float = 0.0


class Relay:
    """The relay; `lies` says that it lies also about who is there, and not only about what they say."""

    def __init__(self, world: RoomsWorld) -> None:
        self._world = world
        self._random = world.random
        self.lies = self._random.random() < 0.6
        self._malice = self._random.choice((0.0, 0.05, 0.3))
        self._sessions: list[Session] = []
        self._seen: deque[tuple[str, str, str]] = deque(maxlen=_MEMORY)
        self._away = False

    # As it should be.

    def connect(self, guest: Guest, number: SessionId) -> None:
        session = Session(guest, guest.life, number)
        if self._away or self._world.chance(0.1):
            session.over = True
            self._tell(session, events.RelayClosed(number, self._random.choice((1006, 4003, 4006))))
            return
        self._sessions.append(session)
        self._tell(session, events.RelayOpened(number))

    def close(self, guest: Guest, number: SessionId | None = None) -> None:
        """Somebody has closed this session, or has gone altogether."""
        for session in [s for s in self._sessions if s.guest is guest and number in (None, s.number)]:
            if session.silent:
                self._world.later(self._random.uniform(0, 40), partial(self._end, session))  # nothing tells it before
            else:
                self._end(session)

    def take(self, guest: Guest, number: SessionId, text: str) -> None:
        mine = (s for s in self._sessions if s.guest is guest and s.life == guest.life)
        session = next((s for s in mine if s.number == number), None)
        if session is None or session.over or session.silent:
            return
        match json.loads(text):
            case ["join", room, member]:
                assert not session.room, "joined twice"
                others = [s for s in self._sessions if s.room == room]
                session.room, session.member = room, member
                self._say(session, "joined", [s.member for s in others])
                for other in others:
                    self._say(other, "arrived", member)
            case ["to", receiver, data]:
                assert session.room, "speaks before it has joined"
                self._seen.append((session.member, receiver, data))
                there = next((s for s in self._sessions if s.room == session.room and s.member == receiver), None)
                if there is session:
                    self._pass(session, json.dumps(["from", session.member, data]))
                elif there is not None:
                    self._say(there, "from", session.member, data)
                    self._tamper(there, session.member, data)
            case message:
                raise AssertionError(f"nothing of the protocol: {message}")

    def _end(self, session: Session) -> None:
        session.over = True
        if session not in self._sessions:
            return
        self._sessions.remove(session)
        for other in self._sessions:
            if session.room and other.room == session.room:
                self._say(other, "left", session.member)

    def _say(self, session: Session, *message: object) -> None:
        if self._world.chance(self._malice) and (self.lies or message[0] == "from"):
            if self._random.random() < 0.5:
                return  # it is dropped
            late = self._random.uniform(0, 5)
            self._world.later(late, lambda: self._pass(session, json.dumps(message)))  # overtaken by others
        else:
            self._pass(session, json.dumps(message))

    def _pass(self, session: Session, text: str) -> None:
        self._tell(session, events.RelayHeard(session.number, text))

    def _tell(self, session: Session, event: events.Event) -> None:
        """What is told over one session comes in this order."""
        if session.silent:
            return
        delay = self._random.choice((0.001, 0.02, 0.2))
        session.busy_until = max(session.busy_until, self._world.now + delay)
        self._world.later(session.busy_until - self._world.now, lambda: session.guest.hears_relay(session, event))

    # As it may be.

    def behave(self) -> None:
        """From now on it is honest; what it has told of who is there is forgotten, if it was not true."""
        self._away = False
        if self.lies:
            self._restart()

    def does_something(self) -> None:
        if self._malice and self._world.chance(1.0):
            self._random.choice(self._deeds if self.lies else self._deeds[:4])(self)

    def _restart(self) -> None:
        """It ends and is there again; sometimes it says so."""
        code = self._random.choice((1012, 1006))
        for session in list(self._sessions):
            if code == 1012 and self._random.random() < 0.7:
                self._pass(session, json.dumps(["return", self._random.choice((0, 2.5, 5))]))
            self._sessions.remove(session)
            session.over = True
            self._tell(session, events.RelayClosed(session.number, code))

    def _go_away(self) -> None:
        self._restart()
        self._away = True
        self._world.later(self._random.uniform(1, 60), self._come_back)

    def _come_back(self) -> None:
        self._away = False

    def _cut_off(self) -> None:
        if self._sessions:
            session = self._random.choice(self._sessions)
            self._end(session)
            self._tell(session, events.RelayClosed(session.number, self._random.choice((1006, 4000, 4007, 4009))))

    def _fall_silent(self) -> None:
        """What a connection does that nobody ends."""
        if self._sessions:
            self._random.choice(self._sessions).silent = True

    def _replay(self) -> None:
        for sender, receiver, data in self._some():
            for _ in range(self._random.randint(1, 3)):
                self._give(receiver, sender, data)

    def _flood(self) -> None:
        for sender, receiver, data in self._some()[:1]:
            for text in (data, "A" * self._random.choice((200, 200, 20_000))):
                for _ in range(r.MAX_WAITING):
                    self._give(receiver, sender, text)

    def _talk_nonsense(self) -> None:
        odd = ("", "[]", "null", '["joined",3]', '["from","x"]', '["return",-1]', '["return",1e9]', "[" * 9, "\ud800")
        if self._sessions:
            self._pass(self._random.choice(self._sessions), self._random.choice(odd))

    def _lie_about_presence(self) -> None:
        if not self._sessions:
            return
        session = self._random.choice(self._sessions)
        names = [self._any_name() for _ in range(self._random.randint(0, 4))]
        if self._random.random() < 0.2:
            self._pass(session, json.dumps(["joined", names]))
        for name in names:
            self._pass(session, json.dumps([self._random.choice(("arrived", "left")), name]))

    def _claim_crowds(self) -> None:
        if not self._sessions:
            return
        session = self._random.choice(self._sessions)
        for _ in range(2 * r.MAX_MEMBERS):
            name = wire.to_text(self._random.randbytes(MEMBER_SIZE))
            self._pass(session, json.dumps(["arrived", name]))
            if self._random.random() < 0.7:
                self._world.later(self._random.uniform(0, 9), partial(self._pass, session, json.dumps(["left", name])))

    def _forge(self) -> None:
        """Speak, with the help of somebody in the room, in the name of a member who is connected to the receiver."""
        linked = [
            (session, link)
            for session in self._sessions
            for link in session.guest.node.links.by_id.values()
            if link.phase is LinkPhase.OPEN and member_of(link) is not None
        ]
        if not linked:
            return
        session, link = self._random.choice(linked)
        for signal in self._random.sample(forgeries(link, self._random.randbytes), 3):
            self.forge(session.guest, link, signal)

    def forge(self, receiver: Guest, link: Link, signal: envelope.Signal) -> None:
        """Give this signal to somebody in the name of the other side of a link, sealed as only members can."""
        assert link.room is not None
        meeting, member = receiver.node.rooms.by_id[link.room], member_of(link)
        room = meeting.relay.session
        assert room is not None
        assert member is not None
        if member not in room._members or not room.id or room.member is None or meeting.code is None:
            return
        theirs, ours = (wire.read_bytes(name, MEMBER_SIZE) for name in (member, room.member))
        counter = room._members[member].last + 1
        for session in self._sessions:  # so that what they say themselves is not dropped for it
            if session.member == member:
                for other in session.guest.node.rooms.by_id.values():
                    theirs_to_count = other.relay.session
                    if theirs_to_count is not None and theirs_to_count.member == member:
                        theirs_to_count._counter += 1
        key = receiver._derive(meeting.code.secret, SALT, SIGNALING_INFO + theirs, KEY_SIZE)
        context = envelope.associated_data(room.id, theirs, ours, counter)
        sealed = AESGCM(key).encrypt(envelope.nonce(counter), envelope.encode(signal), context)
        self._give(room.member, member, envelope.wrap(counter, sealed))

    def _mix_rooms(self) -> None:
        """Show people of one room to those of another, or the other way round to nobody."""
        rooms = [session.room for session in self._sessions if session.room]
        for session in self._sessions:
            if session.room and self._random.random() < 0.3:
                session.room = self._random.choice(rooms)

    _deeds: tuple[Callable[[Relay], None], ...] = (
        _replay,
        _flood,
        _talk_nonsense,
        _fall_silent,
        _cut_off,
        _go_away,
        _lie_about_presence,
        _claim_crowds,
        _mix_rooms,
        _forge,
    )

    def _tamper(self, receiver: Session, sender: str, data: str) -> None:
        """Pass on, besides what should be, the same for others, of others, to its sender, changed."""
        if not self._world.chance(self._malice):
            return
        at = self._random.randrange(len(data))
        for _ in range(self._random.randint(1, 3)):
            match self._random.randrange(5):
                case 0:
                    self._give(self._any_name(), sender, data)
                case 1:
                    self._give(receiver.member, self._any_name(), data)
                case 2:
                    self._give(sender, receiver.member, data)
                case 3:
                    self._give(sender, sender, data)
                case 4:
                    changed = (data[:at], data[:at] + "A" + data[at + 1 :], "_" * 11 + data[11:], data + "A", "é")
                    self._give(receiver.member, sender, self._random.choice(changed))

    def _give(self, receiver: str, sender: str, data: str) -> None:
        for session in self._sessions:
            if session.member == receiver:
                self._pass(session, json.dumps(["from", sender, data]))

    def _some(self) -> list[tuple[str, str, str]]:
        return self._random.choices(self._seen, k=3) if self._seen else []

    def _any_name(self) -> str:
        names = [name for seen in self._seen for name in seen[:2]]
        names += [session.member for session in self._sessions if session.member]
        return self._random.choice(["x", wire.to_text(self._random.randbytes(MEMBER_SIZE)), *names])


def member_of(link: Link) -> MemberId | None:
    """The peer's name at the relay, as far as it is there."""
    return link.signaling.member if isinstance(link.signaling, RoomLink) else None


def home_of(room: Room) -> Chat:
    """Where a room is shown."""
    assert room.home is not None
    return room.home


def forgeries(link: Link, randbytes: Callable[[int], bytes]) -> list[envelope.Signal]:
    """What somebody else in the room could say about a link, to end it or to change what it is."""
    assert isinstance(link.signaling, RoomLink)
    number = link.signaling.attempt
    candidate = Candidate(CandidateKind.HOST, "192.0.2.66", 6666)
    offer, answer = (
        Description(kind, randbytes(32), "ufrag", wire.to_text(randbytes(24)).replace("-", "+").replace("_", "/"))
        for kind in (DescriptionKind.OFFER, DescriptionKind.ANSWER)
    )
    about: list[envelope.OnLink | envelope.Refused | envelope.RoomBye] = [
        *(envelope.Refused(number, refusal) for refusal in envelope.Refusal),
        envelope.RoomBye(),
        *(envelope.OnLink(number, negotiation.Offer(count, offer)) for count in (1, 2, 99)),
        *(envelope.OnLink(number, negotiation.Answer(count, answer)) for count in (1, 2, 99)),
        *(envelope.OnLink(number, negotiation.Candidate(kind, 1, candidate)) for kind in DescriptionKind),
    ]
    return [
        *about,
        *(envelope.Authenticated(count, randbytes(envelope.MAC_SIZE), said) for count in (1, 99) for said in about),
        envelope.Resume(randbytes(envelope.PROOF_SIZE)),
        envelope.Claim(randbytes(envelope.HINT_SIZE), takes_over=True),
        envelope.OnLink(number + 1, negotiation.Offer(1, offer)),
    ]


class RoomsWorld(World):
    """Some people, the network between them, the relay, and rooms: each person is told the link of one of them.

    Args:
        guests: how many people; else as it comes.
    """

    def __init__(self, seed: int, guests: int | None = None) -> None:
        self._guests = guests
        self.leases: dict[str, tuple[Guest, int]] = {}
        super().__init__(seed)
        self.relay = Relay(self)
        rooms = [RoomCode(self.random.randbytes(20)) for _ in range(self.random.choice((1, 1, 2)))]
        for guest in self.guests:
            guest.code = self.random.choice(rooms)

    def _gather(self) -> list[Someone]:
        return [Guest(self, number) for number in range(self._guests or self.random.choice((2, 2, 3, 4)))]

    @property
    def guests(self) -> list[Guest]:
        return [someone for someone in self.people if isinstance(someone, Guest)]

    def run(self) -> None:
        duration = self.random.uniform(20, 120)
        for guest in self.guests:
            self.later(self.random.choice((0.0, 2.0, duration / 2)) * self.random.random(), guest.enters)
        for _ in range(self.random.randint(4, 16) * (5 if self.keeps_little else 1)):
            self.later(self.random.uniform(0, duration), self._something_happens)
        for _ in range(self.random.randint(0, 20)):
            self.later(self.random.uniform(0, duration), self.relay.does_something)
        self._live_until(duration)
        self._settle_rooms()
        self.settle()

    def _something_happens(self) -> None:
        guest = self.random.choice(self.guests)
        (what,) = self.random.choices(
            (
                *(guest.writes, self._break_path, self._kill, guest.leaves, guest.enters, guest.returns),
                *(guest.locks, guest.renews, guest.starts_anew, self._invite_anew, guest.compares, guest.puts_away),
            ),
            (10, 5, 2, 1, 3, 2, 1, 1, 1, 1, 1, 1),
        )
        what()

    def live(self, seconds: float) -> None:
        self._live_until(self.now + seconds)

    def join(self, end: End) -> None:
        """Besides a first connection also that of a path that is found again with new ICE credentials."""
        connection = end.connection
        if connection is None:
            super().join(end)
            return
        other = connection.other(end)
        if connection.alive and other.remote_pwd == end.pwd and end.remote_pwd == other.pwd:
            self._heal_path(connection)

    def _settle_rooms(self) -> None:
        self.healed = True
        self.relay.behave()
        for connection in self.connections:
            noticed = any(_is_lost(end) for end in connection.ends)
            if not noticed or self.random.random() < 0.5:  # else ICE has to be restarted
                self._heal_path(connection)
        self.live(10)  # whoever has renewed a room is heard by the others
        rooms = {guest: guest.newest for guest in self.guests}
        for guest, room in rooms.items():
            guest.goes_only_to(room)
        self.live(400)  # longer than anybody waits before they try again
        for one, other in combinations(self.guests, 2):
            connected = self._are_connected(one, other)
            at_odds = one.node.people.contacts.is_rejected(other.key) or other.node.people.contacts.is_rejected(one.key)
            alone = not one.company and not other.company and not connected and not at_odds
            assert not (alone and rooms[one] == rooms[other]), f"{one} and {other} stay alone in one room"
            if connected:
                for chat in (one.chat_with(other), other.chat_with(one)):
                    assert chat is not None
                    assert chat.undelivered == 0, "not all has arrived"
        for guest in self.guests:
            guest.goes_only_to(None)
        self.live(5)
        for guest in self.guests:
            assert not guest.node.rooms.by_id or all(
                m.state is RelayState.LEFT for m in guest.node.rooms.by_id.values()
            )


class Guest(Someone):
    """A person who goes into rooms."""

    world: RoomsWorld
    code: RoomCode
    """The room whose link this person was told last."""

    def _begin(self, name: str) -> None:
        self.secrets: set[bytes] = set() if self.life == 0 else self.secrets
        super()._begin(name)

    @property
    def life(self) -> int:
        return self._life

    @property
    def newest(self) -> RoomCode:
        """The room in which all who were told of the same one are to meet at last."""
        same = [guest for guest in self.world.guests if guest.code == self.code]
        codes = [m.code for guest in same for m in guest.node.rooms.by_id.values() if m.code is not None]
        return min(codes, key=lambda code: code.secret) if codes and len(same) > 1 else self.code

    @property
    def company(self) -> list[Link]:
        """The links that are open in the room in which this person is."""
        return [
            link
            for link in self.node.links.by_id.values()
            if link.phase is LinkPhase.OPEN and link.room is not None and link.room in self.node.rooms.by_id
        ]

    # What a person does.

    def enters(self) -> None:
        self.acts(events.PasteCode(encode(self.code), URL))

    def returns(self) -> None:
        self._in_a_room(lambda meeting: events.ReturnToRoom(home_of(meeting).id))

    def locks(self) -> None:
        self._in_a_room(lambda meeting: events.SetRoomLock(home_of(meeting).id, not meeting.locked))

    def renews(self) -> None:
        self._in_a_room(lambda meeting: events.RotateRoomSecret(home_of(meeting).id))

    def _in_a_room(self, event: Callable[[Room], events.Event]) -> None:
        shown = [room for room in self.node.rooms.by_id.values() if room.home is not None]
        if shown:
            self.acts(event(self.world.random.choice(shown)))

    def goes_only_to(self, code: RoomCode | None) -> None:
        """Leave all rooms but this one; be in it, with the door open."""
        for meeting in list(self.node.rooms.by_id.values()):
            if meeting.home is None:
                continue
            if meeting.code != code or code is None:
                self.acts(events.LeaveConversation(home_of(meeting).id))
            else:
                self.acts(events.SetRoomLock(home_of(meeting).id, False))
        if code is not None:
            self.acts(events.PasteCode(encode(code), URL))

    def starts_anew(self) -> None:
        self.world.relay.close(self)
        super().starts_anew()

    # The driver.

    def hears_relay(self, session: Session, event: events.Event) -> None:
        over = session.over and not isinstance(event, events.RelayClosed)
        if session.life == self.life and not over:
            self._take_in(event)

    def _carry_out(self, effect: effects.Effect) -> None:
        relay = self.world.relay
        match effect:
            case effects.ConnectRelay(session, url):
                assert url == URL
                relay.connect(self, session)
            case effects.SendToRelay(session, text):
                relay.take(self, session, text)
            case effects.CloseRelay(session):
                relay.close(self, session)
            case effects.DrawBytes(session, size):
                self._take_in(events.BytesDrawn(session, self.world.random.randbytes(size)))
            case effects.Derive(session, secret, salt, info, size):
                self._later(events.Derived(session, info, self._derive(secret, salt, info, size)))
            case effects.Seal(session, ticket, key, nonce, data, context):
                self._later(events.Sealed(session, ticket, AESGCM(key).encrypt(nonce, data, context)))
            case effects.Unseal(session, ticket, key, nonce, data, context):
                self._later(events.Unsealed(session, ticket, _unsealed(key, nonce, data, context)))
            case effects.TakeLease(session, name):
                self._later(events.LeaseTaken(session, self.takes_lease(name)))
            case effects.ReleaseLease(name):
                self.gives_back(name)
            case effects.OpenConnection(link) if (
                link in self.ends
            ):  # a stack that cannot take an offer back begins afresh
                assert self.ends[link].closed
                self.ends[link] = End(self, link)
            case _:
                super()._carry_out(effect)

    def takes_lease(self, name: str) -> bool:
        holder = self.world.leases.get(name)
        if holder is None or holder[0].life != holder[1]:
            self.world.leases[name] = self, self.life
        return self.world.leases[name] == (self, self.life)

    def gives_back(self, name: str) -> None:
        if self.world.leases.get(name) == (self, self.life):
            del self.world.leases[name]

    def _derive(self, secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
        return HKDF(SHA256(), size, salt, info).derive(secret)

    def _later(self, event: events.Event) -> None:
        life = self.life
        delay = self.world.random.choice(_KEY_DELAYS)
        self.world.later(delay, lambda: self._take_in(event) if life == self.life else None)

    # What must always be true.

    def _check(self) -> None:
        super()._check()
        self.secrets |= {m.code.secret for m in self.node.rooms.by_id.values() if m.code is not None}
        for meeting in self.node.rooms.by_id.values():
            self._check_bounds(meeting)
        waiting = len(self.node.chats.listed()) - len(self.world.people)
        assert waiting <= 2 * r.MAX_MEMBERS + 16, "conversations without end"
        pending = len(self.node.links.unauthenticated_in_rooms())
        closing = sum(link.close_at is not None for link in self.node.links.by_id.values())
        assert len(self.node.links.by_id) <= len(self.node.chats.listed()) + pending + closing, "links without end"
        assert len(self.node.rooms._by_session) <= len(self.node.rooms.by_id)

    def _check_bounds(self, meeting: Room) -> None:
        assert len(meeting._attempts) <= r.MAX_MEMBERS
        assert len(meeting._live) <= 2 * r.MAX_MEMBERS
        assert all(who.turn is None or who.due is not None for who in meeting._attempts.values()), "a turn for ever"
        assert len(meeting._numbers) <= r.MAX_MEMBERS + r.MAX_REMEMBERED
        room = meeting.relay.session
        if room is not None:
            assert len(room._past) <= r.MAX_REMEMBERED
            assert len(room._outgoing) <= r.MAX_MEMBERS * r.MAX_WAITING
            assert all(len(member.waiting) <= r.MAX_WAITING for member in room._members.values())

    def _check_who_is_there(self, link: Link) -> None:
        super()._check_who_is_there(link)
        if link.room is None or link.peer is None:
            return
        other = self.world.by_key[link.peer]
        assert isinstance(other, Guest)
        shared = self.secrets & other.secrets
        assert shared, f"{other} is let in without the secret"
        assert link.binding in {self._derive(secret, SALT, HANDSHAKE_INFO, KEY_SIZE) for secret in shared}


def _is_lost(end: End) -> bool:
    assert isinstance(end.owner, Someone)
    link = end.owner.node.links.by_id.get(end.link)
    return link is not None and link.phase is LinkPhase.LOST


def _unsealed(key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(nonce, data, context)
    except InvalidTag:
        return None
