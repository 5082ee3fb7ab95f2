"""Whole cores in a room, over an honest relay in virtual time (tests/rooms_sim.py); a hostile one: test_simulation."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pychat.core import effects, events, wire
from pychat.core.chat.conversation import Chat, Conversation
from pychat.core.codes.roomcode import KEY_SIZE, MEMBER_SIZE, SALT, SECRET_SIZE, SIGNALING_INFO, RoomCode, encode
from pychat.core.link import ANSWER_PATIENCE, CloseReason, Link, LinkPhase
from pychat.core.relay import client as rc
from pychat.core.relay import session as r
from pychat.core.relay.client import RelayState, Trouble
from pychat.core.relay.envelope import (
    PROOF_SIZE,
    Authenticated,
    OnLink,
    Refusal,
    Refused,
    Resume,
    RoomBye,
    Signal,
    associated_data,
    authenticate,
    nonce,
    resume,
    wrap,
)
from pychat.core.relay.envelope import encode as encode_signal
from pychat.core.services import room as m
from pychat.core.services.room import Room
from pychat.core.services.room_link import RoomLink
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.negotiation import Answer, Offer, TakeOffer
from pychat.core.webrtc.sdp import Description, DescriptionKind
from tests import rooms_sim
from tests.core.people import START, Person, of, only, person
from tests.rooms_sim import URL, Guest, RoomsWorld, forgeries
from tests.sim import End, Written

SEEDS = pytest.mark.parametrize("seed", range(3))
LONG = 200.0
"""Seconds after which all has been tried again."""


def calm(seed: int, guests: int, capabilities: Capabilities = Capabilities()) -> RoomsWorld:
    """A world in which nothing goes wrong by itself."""
    world = RoomsWorld(seed, guests)
    world.healed, world.relay.lies = True, False
    for guest in world.guests:
        guest.capabilities, guest.code = capabilities, world.guests[0].code
        guest._begin("")
    return world


def meeting_of(guest: Guest) -> Room:
    (meeting,) = guest.node.rooms.by_id.values()
    return meeting


def home_of(guest: Guest) -> Chat:
    return rooms_sim.home_of(meeting_of(guest))


def in_room(link: Link) -> RoomLink:
    """What a link has that began in a room."""
    assert isinstance(link.signaling, RoomLink)
    return link.signaling


def transcript_of(link: Link) -> bytes:
    assert link.authenticated is not None
    return link.authenticated.transcript


def link_of(guest: Guest) -> Link:
    (link,) = guest.company
    return link


def note(world: RoomsWorld, guest: Guest, text: str) -> None:
    """Write in the conversation in which the room is shown, and tell the world, which checks what is shown."""
    home = home_of(guest)
    peer = home.peer if isinstance(home, Conversation) else None
    world.written[text] = Written(guest, guest.life, home.id, peer)
    guest.acts(events.WriteMessage(home.id, text))


def read(guest: Guest) -> list[str]:
    return [message.entry.text for message in home_of(guest).timeline]


def together(seed: int, guests: int = 2, capabilities: Capabilities = Capabilities()) -> RoomsWorld:
    """The first two are connected."""
    world = calm(seed, guests, capabilities)
    for guest in world.guests[:2]:
        guest.enters()
    world.live(30)
    assert [len(guest.company) for guest in world.guests[:2]] == [1, 1]
    return world


# People meet.


@pytest.mark.slow
@SEEDS
@pytest.mark.parametrize("apart", [0.0, 0.1, 60.0])
def test_two_who_have_the_link_meet_whoever_comes_first(seed: int, apart: float) -> None:
    world = calm(seed, 2)
    ann, bob = world.guests
    ann.enters()
    world.live(apart)
    bob.enters()
    world.live(30)

    assert (link_of(ann).peer, link_of(bob).peer) == (bob.key, ann.key)
    note(world, ann, "hello")
    world.live(5)
    assert read(bob) == ["hello"]


@SEEDS
def test_who_opens_a_room_draws_its_secret(seed: int) -> None:
    world = calm(seed, 2)
    ann, bob = world.guests
    ann.acts(events.CreateRoom(URL))
    world.live(5)
    code = meeting_of(ann).code
    assert code is not None
    assert len(code.secret) == SECRET_SIZE
    bob.code = code
    bob.enters()
    world.live(30)

    assert link_of(bob).peer == ann.key


@pytest.mark.slow
@SEEDS
def test_what_was_written_while_one_waited_goes_to_the_first_who_comes_and_to_nobody_else(seed: int) -> None:
    world = calm(seed, 3)
    ann, bob, cat = world.guests
    ann.enters()
    world.live(5)
    note(world, ann, "to whoever comes")
    bob.enters()
    world.live(30)
    assert read(bob) == ["to whoever comes"]

    bob.acts(events.LeaveConversation(home_of(bob).id))
    cat.enters()
    world.live(LONG)
    assert link_of(cat).peer == ann.key
    assert read(cat) == []
    home = home_of(ann).id
    assert home != link_of(ann).chat  # the room is still shown where the first one was
    ann.acts(events.ShowConversation(link_of(ann).chat))
    assert home_of(ann).id == link_of(ann).chat != home


@pytest.mark.slow
@SEEDS
def test_a_third_one_is_told_and_has_the_seat_once_it_is_free(seed: int) -> None:
    world = together(seed, 3)
    ann, bob, cat = world.guests
    cat.enters()
    world.live(LONG)
    assert not cat.company
    assert meeting_of(cat).refusal is Refusal.FULL
    assert link_of(ann).peer == bob.key

    bob.acts(events.LeaveConversation(home_of(bob).id))
    world.live(LONG)
    assert link_of(cat).peer == ann.key
    assert meeting_of(cat).refusal is None


@SEEDS
def test_who_leaves_is_gone_at_once_and_can_come_back(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    bob.acts(events.LeaveConversation(home_of(bob).id))
    world.live(3)
    assert not ann.company
    assert len(meeting_of(ann).relay.members) == 0
    assert meeting_of(bob).state is RelayState.LEFT

    bob.returns()
    world.live(LONG)
    assert link_of(bob).peer == ann.key


@pytest.mark.slow
@SEEDS
def test_who_starts_the_program_anew_is_connected_anew(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    note(world, ann, "before")
    world.live(5)
    bob.starts_anew()
    bob.enters()
    world.live(LONG)

    note(world, ann, "after")
    world.live(5)
    assert read(bob) == ["before", "after"]


# A door.


@SEEDS
def test_a_locked_room_takes_nobody_new_until_it_is_unlocked(seed: int) -> None:
    world = calm(seed, 2)
    ann, bob = world.guests
    ann.enters()
    world.live(5)
    ann.acts(events.SetRoomLock(home_of(ann).id, True))
    bob.enters()
    world.live(LONG)
    assert not bob.company
    assert meeting_of(bob).refusal is Refusal.LOCKED

    ann.acts(events.SetRoomLock(home_of(ann).id, False))
    world.live(LONG)
    assert link_of(bob).peer == ann.key


@SEEDS
def test_behind_a_locked_door_the_same_link_comes_back(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    ann.acts(events.SetRoomLock(home_of(ann).id, True))
    world.connections[-1].broken = True
    for guest in world.guests:
        guest.hears(guest.ends[link_of(guest).id], events.IceStateChanged(link_of(guest).id, events.IceState.FAILED))
    world.live(LONG)

    assert link_of(bob).peer == ann.key


@pytest.mark.slow
@SEEDS
def test_a_new_link_is_told_to_whoever_is_there_and_to_nobody_else(seed: int) -> None:
    world = together(seed, 3)
    ann, bob, cat = world.guests
    former, links = meeting_of(ann).code, [link_of(guest).id for guest in (ann, bob)]
    ann.renews()
    world.live(LONG)
    assert former != meeting_of(ann).code == meeting_of(bob).code
    assert links == [link_of(guest).id for guest in (ann, bob)], "a link that is open stays"

    bob.acts(events.LeaveConversation(home_of(bob).id))
    cat.enters()
    world.live(LONG)
    assert len(meeting_of(cat).relay.members) == 0
    bob.returns()
    world.live(LONG)
    assert link_of(bob).peer == ann.key


# The relay goes away, and comes back.


@pytest.mark.slow
@SEEDS
def test_when_the_relay_goes_those_who_are_connected_stay_so(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    links = [link_of(guest).id for guest in (ann, bob)]
    world.relay._go_away()
    world.live(1)
    assert meeting_of(ann).state is not RelayState.HERE
    note(world, ann, "without a relay")
    world.live(2)
    assert read(bob) == ["without a relay"]

    world.live(2 * LONG)
    assert meeting_of(ann).state is RelayState.HERE
    assert links == [link_of(guest).id for guest in (ann, bob)]


@pytest.mark.slow
@SEEDS
def test_those_who_wait_are_told_and_meet_when_it_returns(seed: int) -> None:
    world = calm(seed, 2)
    ann, bob = world.guests
    ann.enters()
    world.live(5)
    world.relay._go_away()
    world.live(1)
    assert meeting_of(ann).state is not RelayState.HERE
    assert meeting_of(ann).relay.trouble in (Trouble.UNREACHABLE, Trouble.RETURNING)
    bob.enters()
    world.live(2 * LONG)

    assert link_of(ann).peer == bob.key
    assert meeting_of(ann).relay.trouble is None


@SEEDS
def test_a_relay_that_falls_silent_is_left_for_a_new_session(seed: int) -> None:
    world = calm(seed, 2)
    ann, bob = world.guests
    ann.enters()
    world.live(5)
    for session in world.relay._sessions:
        session.silent = True
    world.live(rc.HEARTBEAT_INTERVAL + rc.HEARTBEAT_TIMEOUT + 5)
    bob.enters()
    world.live(60)

    assert link_of(bob).peer == ann.key


# Paths are lost.


@pytest.mark.slow
@SEEDS
@pytest.mark.parametrize("relay_restarts", [False, True])
def test_a_lost_path_is_found_again_by_restarting_ice(seed: int, relay_restarts: bool) -> None:
    world = together(seed)
    ann, bob = world.guests
    links = [link_of(guest).id for guest in (ann, bob)]
    if relay_restarts:  # then each has another name at it
        world.relay._restart()
    world.connections[-1].broken = True
    for guest in world.guests:
        link = link_of(guest)
        guest.hears(guest.ends[link.id], events.IceStateChanged(link.id, events.IceState.DISCONNECTED))
    note(world, ann, "kept for later")
    assert read(bob) == []
    world.live(100)

    assert links == [link_of(guest).id for guest in (ann, bob)]
    assert read(bob) == ["kept for later"]


@SEEDS
def test_who_comes_back_in_a_new_session_is_known_also_while_the_relay_still_lists_the_former_one(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    links = [link_of(guest).id for guest in (ann, bob)]
    (session,) = (session for session in world.relay._sessions if session.guest is ann)
    session.silent = True  # ann is in another network now
    world.connections[-1].broken = True
    for guest in world.guests:
        link = link_of(guest)
        guest.hears(guest.ends[link.id], events.IceStateChanged(link.id, events.IceState.DISCONNECTED))
    world.live(rc.HEARTBEAT_TIMEOUT + 25)

    assert links == [link_of(guest).id for guest in (ann, bob)]


@SEEDS
def test_without_a_restart_a_fresh_link_carries_the_conversation_on(seed: int) -> None:
    world = together(seed, capabilities=Capabilities(can_restart=False))
    ann, bob = world.guests
    connection = world.connections[-1]
    connection.broken = True
    for end in connection.ends:
        world._fail_for_good(end)
    world._lose(connection)
    note(world, ann, "kept for later")
    world.live(LONG)

    assert len(world.connections) > 1
    assert read(bob) == ["kept for later"]


# Once proved, only the channel speaks.


FORGERIES = 39
"""As many kinds as `forgeries` makes."""


def lose_the_path(world: RoomsWorld) -> None:
    connection = next(connection for connection in world.connections if connection.alive)
    connection.broken = True
    for guest in world.guests[:2]:
        link = link_of(guest)
        guest.hears(guest.ends[link.id], events.IceStateChanged(link.id, events.IceState.DISCONNECTED))


@pytest.mark.slow
@pytest.mark.parametrize("which", range(FORGERIES))
def test_nobody_else_in_the_room_can_end_a_link_whose_peer_is_proved_or_change_it(which: int) -> None:
    world = together(which % 5)
    ann, bob = world.guests
    links = [link_of(ann), link_of(bob)]
    signals = [forgeries(link, world.random.randbytes) for link in links]
    assert {len(made) for made in signals} == {FORGERIES}

    def forge() -> None:
        for guest, link, made in zip((ann, bob), links, signals, strict=True):
            for _ in range(70):  # more than the candidates of one description
                world.relay.forge(guest, link, made[which])
                world.live(0.1)

    forge()
    world.live(LONG)
    assert [link_of(ann), link_of(bob)] == links
    assert all(in_room(link).member is not None for link in links)
    lose_the_path(world)
    forge()
    world.live(100)
    assert [link_of(ann), link_of(bob)] == links, "a lost path is still found again"
    note(world, ann, "still here")
    world.live(5)
    assert read(bob) == ["still here"]


@SEEDS
def test_what_the_peer_itself_has_said_about_its_link_is_not_heard_again(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    links = [link_of(ann), link_of(bob)]
    heard: list[tuple[Guest, Authenticated]] = []
    obeyed: list[object] = []
    for guest in (ann, bob):
        watch(guest, heard, obeyed)
    lose_the_path(world)
    world.live(100)
    recorded = list(heard)
    assert len(obeyed) == len(recorded)
    assert {type(said.signal.signal) for _, said in recorded if isinstance(said.signal, OnLink)} >= {Offer, Answer}
    for guest, said in recorded:
        world.relay.forge(guest, links[0] if guest is ann else links[1], said)
        world.live(1)

    assert len(heard) == 2 * len(recorded)
    assert len(obeyed) == len(recorded)
    assert [link_of(ann), link_of(bob)] == links


def watch(guest: Guest, heard: list[tuple[Guest, Authenticated]], obeyed: list[object]) -> None:
    """Note what is said about a link in a way that can be believed, and what is done for it."""
    meeting = meeting_of(guest)
    receive, obey = meeting._received, meeting._obey

    def received(member: str, signal: Signal) -> None:
        if isinstance(signal, Authenticated):
            heard.append((guest, signal))
        receive(member, signal)

    def obeys(one: RoomLink, signal: OnLink | Refused | RoomBye) -> None:
        obeyed.append(signal)
        obey(one, signal)

    meeting._received = received  # type: ignore[method-assign]
    meeting._obey = obeys  # type: ignore[method-assign]


@SEEDS
def test_a_relay_that_says_that_the_peer_has_left_ends_nothing(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    links = [link_of(ann), link_of(bob)]
    for session in world.relay._sessions:
        for other in world.relay._sessions:
            world.relay._pass(session, f'["left","{other.member}"]')
    world.live(LONG)

    assert [link_of(ann), link_of(bob)] == links


@SEEDS
def test_a_member_that_takes_the_name_of_another_does_not_take_its_place(seed: int) -> None:
    world = together(seed, 3)
    ann, bob, eve = world.guests
    links = [link_of(ann), link_of(bob)]
    (at_relay,) = (session for session in world.relay._sessions if session.guest is bob)
    eve.enters()
    world.live(20)
    (eves,) = (session for session in world.relay._sessions if session.guest is eve)
    member, to_ann = eves.member, meeting_of(ann)
    # With the help of the relay all that Eve says is in Bob's name, and all that is for Bob comes to her.
    room = meeting_of(eve).relay.session
    assert room is not None
    at_relay.member, eves.member = member, at_relay.member
    room.member, room._raw = eves.member, wire.read_bytes(eves.member, MEMBER_SIZE)
    room._key = eve._derive(eve.code.secret, SALT, SIGNALING_INFO + room._raw, KEY_SIZE)
    room._counter = 1000
    (anns,) = (session for session in world.relay._sessions if session.guest is ann)
    meeting_of(eve)._numbers[anns.member] = 50
    meeting_of(eve)._begin(anns.member)
    eve._turn()
    world.live(60)

    assert to_ann._numbers[eves.member] > 50, "she was heard"
    assert not eve.company
    assert [link_of(ann), link_of(bob)] == links


@SEEDS
@pytest.mark.parametrize("proved", [False, True])
def test_the_certificate_of_a_link_never_changes(seed: int, proved: bool) -> None:
    world = together(seed)
    ann, _ = world.guests
    link = link_of(ann)
    assert link.room is not None
    assert link.remote is not None
    other = Offer(9, Description(DescriptionKind.OFFER, bytes(32), "ufrag", "x" * 24))
    assert isinstance(link.signaling, RoomLink)
    assert link.authenticated is not None
    said = OnLink(in_room(link).attempt, other)
    ann._check = lambda: None  # type: ignore[method-assign] # the world holds this for a false alarm
    if proved:
        ours, theirs = meeting_of(ann)._names(in_room(link).member or "")
        world.relay.forge(ann, link, authenticate(transcript_of(link), theirs, ours, 99, said))
    else:
        link.authenticated = None
        world.relay.forge(ann, link, said)
    world.live(1)

    assert link.close_reason is CloseReason.BROKE_PROTOCOL
    assert "certificate" in link.detail
    assert link.remote.fingerprint != bytes(32)


# What others in the room can use up has an end.


RELOADS = 60
"""Far more than may be begun at once."""


class Crowd:
    """Members with the room's secret, who say what they like and hear nothing; each new name is another one."""

    def __init__(self, world: RoomsWorld, victim: Guest, size: int) -> None:
        self.world = world
        self.victim = victim
        self.room = meeting_of(victim)
        self.number = 0
        self.members = [self._come() for _ in range(size)]

    def _come(self) -> str:
        member = wire.to_text(self.world.random.randbytes(MEMBER_SIZE))
        self._tell("arrived", member)
        return member

    def _tell(self, *message: str) -> None:
        for session in self.world.relay._sessions:
            if session.guest is self.victim:
                self.world.relay._pass(session, json.dumps(message))

    def flood(self, seconds: float, *, anew: bool) -> int:
        """Let each make an offer ten times a second, each time under a new name if so; counts new connections."""
        before = len(self.victim.ends)
        for tenth in range(int(seconds * 10)):
            if anew and tenth % 5 == 0:
                for member in self.members:
                    self._tell("left", member)
                self.members = [self._come() for _ in self.members]
                self.world.live(0.05)
            self.number += 1
            for member in self.members:
                self.offer(member, self.number)
            self.world.live(0.1)
            assert sum(not end.closed for end in self.victim.ends.values()) <= m.MAX_PENDING + m.SEATS
        return len(self.victim.ends) - before

    def offer(self, member: str, number: int) -> None:
        description = Description(DescriptionKind.OFFER, bytes(32), "ufrag", "x" * 24)
        self.say(member, OnLink(number, Offer(1, description)))

    def say(self, member: str, signal: Signal) -> None:
        room = self.room.relay.session
        if room is None or room.member is None or member not in room._members:
            return
        sender, receiver = (wire.read_bytes(name, MEMBER_SIZE) for name in (member, room.member))
        counter = room._members[member].last + 1
        key = self.victim._derive(self.victim.code.secret, SALT, SIGNALING_INFO + sender, KEY_SIZE)
        data = encode_signal(signal)
        context = associated_data(room.id, sender, receiver, counter)
        self._tell("from", member, wrap(counter, AESGCM(key).encrypt(nonce(counter), data, context)))


@pytest.mark.slow
@SEEDS
@pytest.mark.parametrize("anew", [False, True], ids=["same-names", "new-names"])
def test_however_many_offer_however_often_connections_are_made_one_in_a_while(seed: int, anew: bool) -> None:
    world = calm(seed, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    crowd = Crowd(world, ann, 14)
    made = crowd.flood(12, anew=anew)

    assert made <= m.BEGIN_BURST + 12 / m.BEGIN_INTERVAL + 1
    assert not ann.company


@pytest.mark.slow
@pytest.mark.parametrize("anew", [False, True], ids=["same-names", "new-names"])
def test_an_honest_member_gets_in_while_a_crowd_floods_the_room(anew: bool) -> None:
    world = calm(0, 2)
    ann, bob = world.guests
    ann.enters()
    world.live(5)
    crowd = Crowd(world, ann, r.MAX_MEMBERS - 2)
    crowd.flood(10, anew=anew)
    bob.enters()
    for _ in range(9):
        if not bob.company:
            crowd.flood(10, anew=anew)

    assert [link.peer for link in bob.company] == [ann.key]


@pytest.mark.slow
@SEEDS
def test_nobody_is_served_twice_before_all_who_wait_are_served_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "ARRIVAL_PATIENCE", LONG)  # only who offers is served
    monkeypatch.setattr(m, "MAX_PENDING", 30)
    world = calm(seed, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    crowd = Crowd(world, ann, 20)
    meeting, served = meeting_of(ann), list[str]()
    begin = meeting._begin_link

    def note_who_is_served(member: str, attempt: int) -> RoomLink | None:
        served.append(member)
        return begin(member, attempt)

    meeting._begin_link = note_who_is_served  # type: ignore[method-assign]
    world.live(1)
    for member in crowd.members:
        crowd.offer(member, 1)
    world.live(2)
    for number in range(2, 500):
        for member in crowd.members[:3]:  # who never stop
            crowd.offer(member, number)
        world.live(0.1)

    assert len(served) > 20
    assert sorted(served[:20]) == sorted(crowd.members)


@SEEDS
def test_a_member_that_broke_the_protocol_is_not_heard_until_the_person_asks(seed: int) -> None:
    world = calm(seed, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    ann._check = lambda: None  # type: ignore[method-assign] # the world holds this for a false alarm
    crowd = Crowd(world, ann, 1)
    (member,) = crowd.members
    world.live(1)
    crowd.offer(member, 1)
    world.live(1)
    (link,) = ann.node.links.unauthenticated_in_rooms()
    answer = Description(DescriptionKind.ANSWER, bytes(32), "ufrag", "x" * 24)
    crowd.say(member, OnLink(1, Answer(99, answer)))
    world.live(1)
    assert link.close_reason is CloseReason.BROKE_PROTOCOL
    begun = len(ann.ends)
    crowd.offer(member, 2)
    world.live(LONG)
    assert len(ann.ends) == begun

    ann.acts(events.ReturnToRoom(home_of(ann).id))
    world.live(5)
    assert len(ann.ends) > begun


@SEEDS
def test_what_is_said_about_a_former_link_does_nothing_to_the_present_one(seed: int) -> None:
    world = calm(seed, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    crowd = Crowd(world, ann, 1)
    (member,) = crowd.members
    for number in (1, 2):
        world.live(1)
        crowd.offer(member, number)
    world.live(1)
    (link,) = ann.node.links.unauthenticated_in_rooms()
    assert in_room(link).attempt == 2
    answer = Description(DescriptionKind.ANSWER, bytes(32), "ufrag", "x" * 24)
    for signal in (Refused(1, Refusal.FULL), OnLink(1, Answer(99, answer)), Refused(3, Refusal.FULL)):
        crowd.say(member, signal)
        world.live(1)

    assert ann.node.links.unauthenticated_in_rooms() == [link]


def test_who_waits_has_room_made_by_those_who_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "MAX_PENDING_EVERYWHERE", 3)
    world = calm(0, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    crowd = Crowd(world, ann, 4)
    for member in crowd.members:
        world.live(1)
        crowd.offer(member, 1)
    world.live(m.PENDING_PATIENCE - 4)
    pending = [in_room(link).member for link in ann.node.links.unauthenticated_in_rooms()]
    assert pending == crowd.members[:3]
    world.live(5)
    pending = [in_room(link).member for link in ann.node.links.unauthenticated_in_rooms()]
    assert len(pending) == 3
    assert crowd.members[3] in pending


def test_the_keys_that_are_remembered_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "MAX_KEYS", 3)
    keys: dict[bytes, None] = {}
    for number in (1, 2, 3, 1, 4):
        m._remember(keys, bytes([number]))

    assert list(keys) == [b"\3", b"\1", b"\4"]


@pytest.mark.slow
def test_reloads_without_end_are_never_refused() -> None:
    world = together(0)
    ann, bob = world.guests
    for _ in range(RELOADS):
        bob.starts_anew()
        bob.enters()
        world.live(20)
        assert link_of(bob).peer == ann.key
    assert ann.node.next_deadline() is not None
    assert len(meeting_of(ann)._numbers) <= m.MAX_NUMBERS


@pytest.mark.slow
def test_what_is_remembered_of_those_who_come_and_go_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r, "MAX_REMEMBERED", 50)  # so that the session is renewed now and then
    monkeypatch.setattr(m, "MAX_NUMBERS", 50)
    world = calm(0, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    crowd = Crowd(world, ann, 1)
    for _ in range(400):
        crowd.offer(crowd.members[0], 1)
        world.live(0.3)
        crowd._tell("left", crowd.members[0])
        crowd.members = [crowd._come()]
        world.live(0.3)
    meeting = meeting_of(ann)

    assert meeting.state is RelayState.HERE
    assert len(meeting._numbers) <= m.MAX_NUMBERS
    assert len(meeting._mentioned) <= m.MAX_NUMBERS
    assert meeting.relay.session is not None
    assert len(meeting.relay.session._past) <= r.MAX_REMEMBERED
    assert len(ann.node.chats.listed()) == 1
    assert len(ann.node.links.by_id) <= m.MAX_PENDING + 1


@pytest.mark.slow
@SEEDS
def test_who_broke_the_protocol_is_not_begun_with_again_until_asked(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    ann._check = lambda: None  # type: ignore[method-assign] # the world holds this for a false alarm
    link = link_of(ann)
    ann.hears(ann.ends[link.id], events.FrameReceived(link.id, "nonsense"))
    world.live(1)
    assert link.close_reason is CloseReason.BROKE_PROTOCOL
    world.live(LONG)
    assert not ann.company
    bob.starts_anew()  # under another name at the relay
    bob.enters()
    world.live(LONG)
    assert not ann.company

    ann.acts(events.ReturnToRoom(home_of(ann).id))
    world.live(LONG)
    assert link_of(ann).peer == bob.key


# Coming back always works.


def crash(world: RoomsWorld, guest: Guest, *, listed: bool = False) -> None:
    """End the program without a word to anybody, and start it again; the relay may not have noticed either."""
    if listed:
        for session in world.relay._sessions:
            if session.guest is guest:
                session.silent = True
    else:
        world.relay.close(guest)
    for end in guest.ends.values():
        end.closed = True
    guest._begin("")
    guest.enters()


@pytest.mark.slow
@SEEDS
@pytest.mark.parametrize("listed", [False, True], ids=["gone", "still-listed"])
@pytest.mark.parametrize("who", [(0,), (1,), (0, 1)], ids=["one", "other", "both"])
def test_who_is_killed_and_starts_again_is_taken_in_before_the_old_link_is_given_up(
    seed: int, who: tuple[int, ...], listed: bool
) -> None:
    world = together(seed)
    for number in who:
        crash(world, world.guests[number], listed=listed)
    world.live(25)  # the lost path is not noticed so soon

    ann, bob = world.guests
    assert (link_of(ann).peer, link_of(bob).peer) == (bob.key, ann.key)
    assert meeting_of(bob).refusal is None
    note(world, ann, "welcome back")
    world.live(5)
    assert read(bob)[-1] == "welcome back"


@SEEDS
def test_an_admitted_key_that_is_killed_and_starts_again_is_taken_into_a_locked_room(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    ann.acts(events.SetRoomLock(home_of(ann).id, True))
    crash(world, bob)
    world.live(25)

    assert link_of(bob).peer == ann.key


@pytest.mark.slow
@SEEDS
def test_who_claims_the_seat_of_somebody_else_does_not_get_it(seed: int) -> None:
    world = together(seed, 3)
    ann, bob, eve = world.guests
    links = [link_of(ann), link_of(bob)]
    eve.enters()
    world.live(5)
    (member,) = (session.member for session in world.relay._sessions if session.guest is ann)
    context = meeting_of(eve)._context
    begun = len(ann.ends)

    class Claiming:
        """Eve knows Bob's key, as his contacts do, and says that she is going to prove it."""

        key = bob.key

        def __getattr__(self, name: str) -> object:
            return getattr(context, name)

    meeting_of(eve)._context = Claiming()  # type: ignore[assignment]
    for _ in range(5):
        meeting_of(eve)._begin(member)
        eve._turn()
        world.live(10)

    assert len(ann.ends) > begun, "she came as far as the handshake"
    assert [link_of(ann), link_of(bob)] == links
    assert not eve.company


def second_tab(world: RoomsWorld, first: Guest) -> Guest:
    """One of the world's guests becomes another tab of the first one's browser."""
    tab = world.guests[2]
    tab.key, tab.keys = first.key, first.keys
    tab._begin("")
    world.by_key[first.key] = first
    for guest in world.guests:
        guest._check = lambda: None  # type: ignore[method-assign] # the world knows of one place for a key
    return tab


@pytest.mark.slow
@SEEDS
def test_a_second_tab_of_somebody_who_is_connected_is_told_and_can_have_the_seat_and_give_it_back(seed: int) -> None:
    world = together(seed, 3)
    ann, bob, _ = world.guests
    former = link_of(bob)
    tab = second_tab(world, bob)
    tab.enters()
    world.live(LONG)
    assert link_of(bob) is former
    assert not tab.company
    assert meeting_of(tab).refusal is Refusal.ELSEWHERE

    for here, there in ((tab, bob), (bob, tab), (tab, bob)):
        here.acts(events.TakeOverRoom(home_of(here).id))
        world.live(20)
        assert link_of(here).peer == ann.key
        assert not there.company
        assert meeting_of(there).refusal is Refusal.ELSEWHERE
        assert meeting_of(here).refusal is None
        links = len(ann.ends)
        world.live(2 * LONG)
        assert len(ann.ends) == links, "and there it stays"
        world.relay._restart()  # also when all meet anew
        world.live(2 * LONG)
        assert link_of(here).peer == ann.key
        assert not there.company
    tab.acts(events.LeaveConversation(home_of(tab).id))
    world.live(LONG)
    assert link_of(bob).peer == ann.key, "who waits in the other tab has the seat once it is free"


@SEEDS
def test_a_tab_is_told_also_by_the_other_one_that_the_chat_is_open_there(seed: int) -> None:
    world = together(seed, 3)
    ann, bob, _ = world.guests
    tab = second_tab(world, bob)
    for session in [session for session in world.relay._sessions if session.guest is ann]:
        world.relay._sessions.remove(session)  # the way from Ann to the relay is dead, and nobody knows yet
    tab.enters()
    world.live(10)

    assert not tab.company
    assert meeting_of(tab).refusal is Refusal.ELSEWHERE


@pytest.mark.slow
@SEEDS
def test_two_who_both_take_over_do_not_take_the_seat_from_each_other_without_end(seed: int) -> None:
    world = together(seed, 3)
    ann, bob, _ = world.guests
    tab = second_tab(world, bob)
    for guest in (bob, tab):  # nobody can tell there whether the other one is alive
        guest.takes_lease = lambda name: bool(name)  # type: ignore[method-assign]
    tab.enters()
    world.live(30)
    assert link_of(tab).peer == ann.key
    assert meeting_of(bob).refusal is Refusal.ELSEWHERE
    links = len(ann.ends)
    for _ in range(3):
        world.relay._restart()
        world.live(LONG)
    assert len(ann.ends) == links


@SEEDS
def test_two_tabs_of_one_browser_with_nobody_else_in_the_room_connect_with_each_other(seed: int) -> None:
    world = calm(seed, 3)
    ann, _, _ = world.guests
    tab = second_tab(world, ann)
    for guest in (ann, tab):
        guest.enters()
        world.live(20)

    assert [link.peer for link in (*ann.company, *tab.company)] == [ann.key, ann.key]


# What else may happen.


@pytest.mark.slow
@SEEDS
@pytest.mark.parametrize("after", [0.0, 0.01, 0.1, 0.3])
def test_who_leaves_while_the_relay_is_still_being_reached_has_left(seed: int, after: float) -> None:
    world = calm(seed, 2)
    ann, bob = world.guests
    bob.enters()
    world.live(5)
    ann.enters()
    world.live(after)
    note(world, ann, "for nobody")
    ann.acts(events.LeaveConversation(home_of(ann).id))
    world.live(LONG)

    assert meeting_of(ann).state is RelayState.LEFT
    assert not bob.company


@SEEDS
def test_no_word_of_the_relay_brings_back_who_has_left(seed: int) -> None:
    world = together(seed)
    ann, _ = world.guests
    session = next(session for session in world.relay._sessions if session.guest is ann)
    ann.acts(events.LeaveConversation(home_of(ann).id))
    world.relay._pass(session, '["joined",[]]')
    world.live(LONG)

    assert meeting_of(ann).state is RelayState.LEFT


@SEEDS
def test_two_who_are_both_told_that_the_other_one_came_meet(seed: int) -> None:
    """As when the processes of a relay had lost each other."""
    world = calm(seed, 2)
    ann, bob = world.guests
    for guest in (ann, bob):
        guest.enters()
        world.live(0 if guest is bob else 5)
        for session in world.relay._sessions:
            session.room += "" if guest is bob else " apart"
    world.live(5)
    there = world.relay._sessions
    for one, other in ((there[0], there[1]), (there[1], there[0])):
        one.room = "together"
        world.relay._say(one, "arrived", other.member)
    world.live(60)

    assert link_of(ann).peer == bob.key


@pytest.mark.slow
@SEEDS
def test_two_who_make_a_new_link_at_once_stay_together(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    for guest in (ann, bob):
        guest.renews()
    world.live(LONG)

    assert meeting_of(ann).code == meeting_of(bob).code
    assert (len(meeting_of(ann).relay.members), len(meeting_of(bob).relay.members)) == (1, 1)
    ann.renews()  # and it still can be done
    world.live(LONG)
    assert meeting_of(ann).code == meeting_of(bob).code


@SEEDS
def test_who_makes_a_new_link_while_the_path_is_lost_tells_it_when_it_is_found(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    (connection,) = (connection for connection in world.connections if connection.alive)
    connection.broken = True
    for guest in world.guests:
        link = link_of(guest)
        guest.hears(guest.ends[link.id], events.IceStateChanged(link.id, events.IceState.DISCONNECTED))
    ann.renews()
    world.live(5)
    world._heal_path(connection)
    world.live(LONG)

    assert meeting_of(ann).code == meeting_of(bob).code


@pytest.mark.slow
@SEEDS
@pytest.mark.parametrize("others_too", [False, True])
def test_of_several_new_links_made_one_after_the_other_the_last_is_left(seed: int, others_too: bool) -> None:
    """An answer to a former one once led back there, and both went to and fro until the link was ended."""
    world = together(seed)
    ann, bob = world.guests
    sessions = meeting_of(ann).relay.id
    for number in range(4):
        ann.renews()
        if others_too and number % 2:
            bob.renews()
        world.live(0.01)
    world.live(LONG)

    assert meeting_of(ann).code == meeting_of(bob).code
    assert link_of(ann).peer == bob.key
    assert meeting_of(ann).relay.id < sessions + 40, "they went to and fro"


@pytest.mark.slow
@SEEDS
def test_whoever_came_later_and_makes_a_new_link_is_followed(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    for _ in range(3):
        ann.renews()
        world.live(LONG)
    bob.starts_anew()
    newest = meeting_of(ann).code
    assert newest is not None
    bob.code = newest
    bob.enters()
    world.live(LONG)
    bob.renews()
    world.live(LONG)

    assert newest != meeting_of(ann).code == meeting_of(bob).code


def test_whoever_counts_renewals_to_the_end_changes_nothing_for_others() -> None:
    world = together(0, 3)
    ann, bob, cat = world.guests
    code, link = meeting_of(ann).code, link_of(ann)
    assert code is not None
    ann.hears(ann.ends[link.id], frame_received(link, wire.Room(wire.MAX_NUMBER, bytes(SECRET_SIZE))))
    ann.hears(ann.ends[link.id], frame_received(link, wire.Room(wire.MAX_NUMBER, code.secret)))
    world.live(5)
    bob.acts(events.LeaveConversation(home_of(bob).id))
    world.live(5)
    there = meeting_of(ann).code
    assert there is not None
    cat.code = there
    cat.enters()
    world.live(LONG)
    ann.renews()
    world.live(LONG)

    assert link_of(ann).peer == cat.key
    assert there != meeting_of(ann).code == meeting_of(cat).code


def frame_received(link: Link, frame: wire.OwnFrame) -> events.FrameReceived:
    return events.FrameReceived(link.id, wire.encode(frame))


@pytest.mark.slow
def test_a_peer_that_renews_without_end_is_followed_now_and_then_and_nobody_pays_for_it() -> None:
    world = together(0, 3)
    ann, bob, cat = world.guests
    sessions = set()
    for _ in range(2 * m.MOVE_BURST):
        bob.renews()
        world.live(0.5)
        sessions.add(meeting_of(ann).relay.id)
    assert len(sessions) < m.MOVE_BURST + 8
    world.live(2 * m.MOVE_INTERVAL)
    assert link_of(ann).peer == bob.key
    assert meeting_of(ann).code == meeting_of(bob).code

    bob.acts(events.LeaveConversation(home_of(bob).id))
    newest = meeting_of(ann).code
    assert newest is not None
    cat.code = newest
    cat.enters()
    world.live(30)
    cat.renews()
    world.live(2 * m.MOVE_INTERVAL)
    assert link_of(ann).peer == cat.key
    assert newest != meeting_of(ann).code == meeting_of(cat).code


@pytest.mark.slow
def test_a_room_may_be_renewed_every_night() -> None:
    world = together(0)
    ann, bob = world.guests
    for _ in range(m.MOVE_BURST + 8):
        bob.renews()
        world.live(m.MOVE_INTERVAL)
        assert meeting_of(ann).code == meeting_of(bob).code


@pytest.mark.slow
def test_of_three_the_third_is_told_also_where_links_were_given_up_before_the_answer_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever had answered went on waiting for a path to somebody who had given up, and had no seat any more."""
    monkeypatch.setattr(m, "ANSWER_PATIENCE", 1.5)
    for seed in range(24, 36):
        world = calm(seed, 3)
        for guest in world.guests:
            guest.enters()
        world.live(30)
        third = [guest for guest in world.guests if not guest.company]
        assert len(third) == 1
        assert meeting_of(third[0]).refusal is Refusal.FULL
        assert not meeting_of(third[0]).is_linked
        assert [meeting_of(guest).refusal for guest in world.guests if guest.company] == [None, None]


@pytest.mark.slow
@SEEDS
def test_a_member_that_counts_too_high_harms_itself_only(seed: int) -> None:
    world = calm(seed, 3)
    ann, bob, eve = world.guests
    for guest in (ann, eve):
        guest.enters()
        world.live(5)
    (name,) = meeting_of(eve)._attempts
    eve.acts(events.LeaveConversation(home_of(eve).id))
    world.live(5)
    eve.enters()
    meeting_of(eve)._numbers[name] = 2**53 - 3
    world.live(30)
    eve.acts(events.LeaveConversation(home_of(eve).id))
    bob.enters()
    world.live(LONG)

    assert link_of(bob).peer == ann.key


class _High(dict[str, int]):
    """What somebody has spoken of who counts as high as can be."""

    def get(self, *_: object) -> int:
        return 2**53 - 2


@SEEDS
def test_whatever_somebody_has_counted_to_others_are_linked_when_it_has_gone(seed: int) -> None:
    world = calm(seed, 3)
    ann, bob, eve = world.guests
    ann.enters()
    world.live(5)
    eve.enters()
    meeting_of(eve)._mentioned = _High()
    world.live(LONG)
    assert in_room(link_of(ann)).attempt == 2**53 - 1
    bob.enters()
    world.live(60)
    assert meeting_of(bob).refusal is Refusal.FULL
    end = ann.ends[link_of(ann).id]
    eve.starts_anew()
    ann.hears(end, events.IceStateChanged(end.link, events.IceState.DISCONNECTED))
    world.live(LONG)

    assert link_of(ann).peer == bob.key


@pytest.mark.slow
@SEEDS
def test_nobody_waits_behind_somebody_who_offers_and_then_refuses(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = calm(seed, 3)
    ann, bob, eve = world.guests
    ann.enters()
    world.live(5)
    eve.enters()
    world.live(0.5)
    theirs = meeting_of(eve)
    for what, name in ((eve.node, "next_deadline"), (theirs, "wake"), (theirs, "_received")):
        monkeypatch.setattr(what, name, lambda *_: None)  # from now on it says nothing by itself
    world.live(15)

    def says(signal: Signal) -> None:
        theirs._say(name, signal)
        emitted, eve.node._context.effects = eve.node._context.effects, []
        for effect in emitted:
            eve._carry_out(effect)

    (name,), (attempt,) = theirs._attempts, meeting_of(ann)._attempts.values()
    for number in range(2, 40):
        description = Description(DescriptionKind.OFFER, world.random.randbytes(32), "ufragg", "A" * 24, ())
        says(OnLink(number, Offer(1, description)))
        if attempt.turn is not None:  # it has to wait, and says twice that the link before is not wanted
            says(Refused(number - 1, Refusal.FULL))
            says(Refused(number - 1, Refusal.FULL))
        world.live(0.7)
        if attempt.turn is not None and attempt.due is None:
            break
    world.live(0.7)
    bob.enters()
    world.live(LONG)

    assert link_of(ann).peer == bob.key


@pytest.mark.slow
@SEEDS
@pytest.mark.parametrize("word", [wire.Bye(), wire.Elsewhere()], ids=["bye", "elsewhere"])
def test_whatever_a_stranger_says_when_it_goes_the_next_one_has_the_seat(seed: int, word: wire.OwnFrame) -> None:
    world = calm(seed, 3)
    ann, bob, eve = world.guests
    ann.enters()
    world.live(5)
    eve.enters()
    world.live(20)
    assert link_of(ann).peer == eve.key
    bob.enters()
    world.live(60)
    end = ann.ends[link_of(ann).id]
    ann.hears(end, events.FrameReceived(end.link, wire.encode(word)))
    eve.starts_anew()
    world.live(LONG)

    assert link_of(ann).peer == bob.key


@SEEDS
def test_when_the_link_of_an_invite_ends_the_room_in_which_both_are_takes_its_place(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    ann.recipient, bob.recipient = bob, ann
    ann.acts(events.CreateInvite(home_of(ann).id))
    world.live(60)
    connection = world.connections[-1]
    for end in connection.ends:
        end.owner.hears(end, events.ChannelClosed(end.link))
    world._lose(connection)
    world.live(LONG)

    assert (link_of(ann).peer, link_of(bob).peer) == (bob.key, ann.key)


@pytest.mark.slow
@SEEDS
@pytest.mark.parametrize("locks", [1, 2])
def test_behind_a_locked_door_those_who_were_in_come_back_and_nobody_else(seed: int, locks: int) -> None:
    world = together(seed, 3, capabilities=Capabilities(can_restart=False))
    ann, bob, cat = world.guests
    for guest in world.guests[:locks]:
        guest.acts(events.SetRoomLock(home_of(guest).id, True))
    connection = world.connections[-1]
    connection.broken = True
    for end in connection.ends:
        world._fail_for_good(end)
    world._lose(connection)
    if locks == 1:  # then there is a seat
        bob.acts(events.LeaveConversation(home_of(bob).id))
        cat.enters()
        world.live(LONG)
        assert not cat.company
        assert ann.chat_with(cat) is None
        assert meeting_of(cat).refusal is Refusal.LOCKED
        cat.acts(events.LeaveConversation(home_of(cat).id))
        bob.returns()
    world.live(LONG)
    assert link_of(bob).peer == ann.key


def test_who_is_turned_away_after_the_handshake_learns_no_name_and_is_not_begun_with_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = together(0, 3)
    ann, bob, cat = world.guests
    ann.acts(events.SetRoomLock(home_of(ann).id, True))
    bob.acts(events.LeaveConversation(home_of(bob).id))
    world.live(5)
    heard: list[str] = []
    hears = cat.hears

    def noting(end: End, event: events.Event) -> None:
        if isinstance(event, events.FrameReceived):
            heard.append(json.loads(event.data)[0])
        hears(end, event)

    monkeypatch.setattr(cat, "hears", noting)
    before = len(world.connections), len(ann.node.chats.listed())
    cat.enters()
    world.live(10 * LONG)

    assert {"hello", "reveal"} <= set(heard)
    assert "introduce" not in heard
    assert (len(world.connections), len(ann.node.chats.listed())) == (before[0] + 1, before[1])


def test_who_has_left_only_waits_for_the_last_words_to_go_out() -> None:
    world = together(0)
    ann, bob = world.guests
    meeting = meeting_of(ann)
    (name,) = meeting._attempts
    meeting.leave()
    due, session = meeting.due, meeting.relay.id
    for late in (RoomBye(), Refused(1, Refusal.FULL)):
        meeting._received(name, late)
    meeting.on_relay_message(json.dumps(["arrived", "A" * 22]))
    meeting.leave()

    assert (meeting.due, meeting.relay.id) == (due, session)
    assert list(meeting._attempts) == [name]
    assert meeting.refusal is None
    world.live(LONG)
    assert not meeting.relay.id
    assert not bob.company


def test_who_leaves_says_so_over_the_link_where_the_other_one_is_no_longer_at_the_relay() -> None:
    world = together(0)
    ann, bob = world.guests
    (name,) = meeting_of(ann)._attempts
    meeting_of(ann)._gone(name)
    ann.acts(events.LeaveConversation(home_of(ann).id))
    world.live(5)

    assert not ann.company
    assert not bob.company


def test_a_stack_that_cannot_restart_answers_no_offer_to_do_so() -> None:
    world = together(0, capabilities=Capabilities(can_restart=False))
    ann, _ = world.guests
    link = link_of(ann)
    assert link.remote is not None
    assert isinstance(link.signaling, RoomLink)
    link.signaling.go_on([TakeOffer(link.remote, False)])

    assert link.close_reason is CloseReason.PATH_LOST
    assert not any(isinstance(effect, effects.AcceptOffer) for effect in ann.node._context.effects)


@pytest.mark.parametrize("leased", [True, False])
def test_who_gives_the_seat_up_to_another_tab_begins_with_nobody_who_waits(leased: bool) -> None:
    """Whoever has the lease has no other tab: it is another device, or the peer only says so."""
    world = together(0, 3)
    _, bob, cat = world.guests
    cat.enters()
    world.live(60)
    assert meeting_of(cat).refusal is Refusal.FULL
    meeting_of(bob)._lease.held = leased
    end = bob.ends[link_of(bob).id]
    bob.acts(events.FrameReceived(end.link, wire.encode(wire.Elsewhere())))
    due = [attempt.due for attempt in meeting_of(bob)._attempts.values()]

    assert meeting_of(bob).refusal is Refusal.ELSEWHERE
    assert any(due) is leased


@SEEDS
def test_of_whom_the_signs_differ_is_not_let_in_again(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    ann.acts(events.ReportComparison(home_of(ann).id, bob.key, "bob", False))
    bob.starts_anew()
    bob.enters()
    world.live(LONG)

    assert not ann.company


@SEEDS
def test_a_second_tab_of_ones_own_takes_no_seat(seed: int) -> None:
    world = calm(seed, 3)
    ann, tab, bob = world.guests
    tab.key = ann.key
    tab.keys = ann.keys
    tab._begin("")
    world.by_key[ann.key] = ann
    ann.enters()
    world.live(5)
    tab._check = ann._check = lambda: None  # type: ignore[method-assign] # the world knows of one place for a key
    tab.enters()
    world.live(30)
    bob._check = lambda: None  # type: ignore[method-assign]
    bob.enters()
    world.live(LONG)

    assert [link.peer for link in bob.company] == [ann.key]


def test_a_relay_that_asks_to_return_at_once_is_not_obeyed_without_end(alone: Person) -> None:
    connected = 0
    for _ in range(50):
        session = session_of(alone)
        alone.do(
            events.RelayOpened(session), events.RelayHeard(session, '["return",0]'), events.RelayClosed(session, 1012)
        )
        connected += len(of(effects.ConnectRelay, alone.wait(1)))

    assert connected < 10


# Whoever leaves, and what comes late.


@pytest.mark.slow
def test_whoever_leaves_in_whatever_moment_begins_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_sim, "_KEY_DELAYS", (0.3,))
    for moment in range(25):
        world = calm(moment, 2)
        ann, bob = world.guests
        ann.enters()
        world.live(5)
        bob.enters()
        world.live(0.1 * moment)
        ann.acts(events.LeaveConversation(home_of(ann).id))
        begun = set(ann.ends)
        world.live(30)
        assert set(ann.ends) == begun
        assert not ann.company


def test_to_leave_twice_is_to_leave_once(alone: Person) -> None:
    (meeting,) = alone.node.rooms.by_id.values()
    alone.do(events.RelayOpened(session_of(alone)))
    home, closing = rooms_sim.home_of(meeting).id, effects.CloseRelay(meeting.relay.id)
    assert closing in alone.do(events.LeaveConversation(home))
    assert closing not in alone.do(events.LeaveConversation(home))
    assert meeting.state is RelayState.LEFT


@SEEDS
def test_whoever_leaves_while_the_relay_is_away_leaves_whoever_is_there(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    world.relay._go_away()
    world.live(3)
    assert in_room(link_of(ann)).member is None
    ann.acts(events.LeaveConversation(home_of(ann).id))
    world.live(5)

    assert not ann.company
    assert not bob.company


def test_a_path_that_is_found_while_a_secret_is_drawn_does_no_harm() -> None:
    world = together(0)
    ann, _ = world.guests
    link, now = link_of(ann), world.now + ann._clock
    ann.node.handle([events.IceStateChanged(link.id, events.IceState.DISCONNECTED)], now)
    ann.node.handle([events.RotateRoomSecret(home_of(ann).id)], now)
    assert meeting_of(ann).code is None
    ann.node.handle([events.IceStateChanged(link.id, events.IceState.CONNECTED)], now)

    assert link.phase is LinkPhase.OPEN


def test_nobody_is_taken_for_the_other_side_of_a_link_without_its_proof() -> None:
    world = together(0)
    meeting = meeting_of(world.guests[0])
    link, eve = link_of(world.guests[0]), wire.to_text(bytes(MEMBER_SIZE))
    member = in_room(link).member
    meeting._attempts[eve] = m._Attempt()
    ours, theirs = meeting._names(eve)
    for proof in (Resume(bytes(PROOF_SIZE)), resume(transcript_of(link), ours, theirs), resume(b"", theirs, ours)):
        meeting._received(eve, proof)
        assert in_room(link).member == member
    meeting._received(eve, resume(transcript_of(link), theirs, ours))
    assert in_room(link).member == eve


def test_nobody_is_taken_for_the_other_side_of_a_link_that_is_not_proved() -> None:
    """Such a link has no transcript yet, so that anybody could make the proof."""
    world = calm(0, 2)
    ann, bob = world.guests
    for guest in (ann, bob):
        guest.enters()
    for _ in range(600):
        world.live(0.01)
        if any(one.member is not None for one in meeting_of(ann)._live):
            break
    meeting = meeting_of(ann)
    (one,) = meeting._live
    assert one.peer is None
    member, eve = one.member, wire.to_text(bytes(MEMBER_SIZE))
    meeting._attempts[eve] = m._Attempt()
    ours, theirs = meeting._names(eve)
    meeting._received(eve, resume(b"", theirs, ours))

    assert one.member == member


# One member by itself.


@pytest.fixture
def alone() -> Person:
    """Somebody who goes into a room."""
    ann = person("ann")
    emitted = ann.do(events.PasteCode(encode(RoomCode(bytes(SECRET_SIZE))), URL))
    assert only(effects.ConnectRelay, emitted).url == URL
    return ann


def session_of(someone: Person) -> int:
    (meeting,) = someone.node.rooms.by_id.values()
    return meeting.relay.id


def test_each_attempt_to_reach_the_relay_comes_later_and_never_at_a_time_that_all_know(alone: Person) -> None:
    waits = []
    for _ in range(12):
        alone.do(events.RelayClosed(session_of(alone), 1006))
        (meeting,) = alone.node.rooms.by_id.values()
        assert (meeting.state, meeting.relay.trouble) == (RelayState.AWAY, Trouble.UNREACHABLE)
        due = alone.node.next_deadline()
        assert due is not None
        waits.append(due - alone.now)
        assert only(effects.ConnectRelay, alone.wait(waits[-1]))
    spans = [min(rc.RETRY_LAST, rc.RETRY_FIRST * 2**n) for n in range(12)]

    assert all(span <= wait <= 2 * span for span, wait in zip(spans, waits, strict=True))
    assert len({wait / span for span, wait in zip(spans, waits, strict=True)}) == 12
    assert all(later > earlier for earlier, later in pairwise(waits[:4:2]))


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (1006, Trouble.UNREACHABLE),
        (1012, Trouble.RETURNING),
        (4000, Trouble.REFUSED),
        (4003, Trouble.FULL),
        (4006, Trouble.BUSY),
        (4999, Trouble.UNREACHABLE),
    ],
)
def test_why_there_is_no_way_is_known(alone: Person, code: int, trouble: Trouble) -> None:
    alone.do(events.RelayClosed(session_of(alone), code))

    (meeting,) = alone.node.rooms.by_id.values()
    assert meeting.relay.trouble is trouble


def test_who_is_asked_to_return_does_so_after_that_time_and_a_part_of_it(alone: Person) -> None:
    session = session_of(alone)
    alone.do(
        events.RelayOpened(session), events.RelayHeard(session, '["return",10]'), events.RelayClosed(session, 1012)
    )
    due = alone.node.next_deadline()

    assert due is not None
    assert 10 <= due - alone.now <= 20


def test_a_session_that_does_not_begin_is_given_up(alone: Person) -> None:
    session = session_of(alone)
    emitted = alone.wait(rc.REACH_TIMEOUT)

    assert only(effects.CloseRelay, emitted).session == session
    (meeting,) = alone.node.rooms.by_id.values()
    assert meeting.state is RelayState.AWAY


def test_late_news_of_a_former_session_is_passed_over(alone: Person) -> None:
    former = session_of(alone)
    alone.do(events.RelayClosed(former, 1006))
    alone.wait(5)

    assert session_of(alone) != former
    assert (
        alone.do(
            events.RelayOpened(former), events.RelayHeard(former, '["joined",[]]'), events.RelayClosed(former, 1000)
        )
        == []
    )


def test_entering_twice_is_entering_once(alone: Person) -> None:
    assert alone.do(events.PasteCode(encode(RoomCode(bytes(SECRET_SIZE))), URL)) == []
    assert len(alone.node.rooms.by_id) == 1


def test_who_leaves_before_the_relay_is_reached_has_left(alone: Person) -> None:
    session = session_of(alone)
    (meeting,) = alone.node.rooms.by_id.values()
    emitted = alone.do(events.LeaveConversation(rooms_sim.home_of(meeting).id))

    assert only(effects.CloseRelay, emitted).session == session
    assert alone.node.rooms.by_id == {}
    assert alone.node.next_deadline() is None


@SEEDS
def test_a_member_that_never_answers_is_tried_again(seed: int) -> None:
    world = calm(seed, 2)
    ann, bob = world.guests
    bob.enters()
    world.live(5)
    for session in world.relay._sessions:
        session.guest._begin("")  # deaf: its program is another one now, and nobody told the relay
    ann.enters()
    world.live(ANSWER_PATIENCE + 10)

    (number,) = meeting_of(ann)._numbers.values()
    assert number >= 2
    assert len(ann.node.chats.listed()) == 1


def test_claimed_crowds_are_offered_only_a_few_links_at_once() -> None:
    world = calm(1, 2)
    ann, _ = world.guests
    ann.enters()
    world.live(5)
    world.relay._claim_crowds()
    world.live(1)
    ann.acts(events.SetRoomLock(home_of(ann).id, False))  # which begins with all who are there
    most = 0
    for _ in range(300):
        world.live(0.1)
        most = max(most, sum(one.link.phase is LinkPhase.SIGNALING for one in meeting_of(ann)._live))

    assert most == m.MAX_PENDING


@SEEDS
def test_a_link_that_the_person_has_ended_is_not_begun_again(seed: int) -> None:
    world = together(seed)
    ann, bob = world.guests
    ann.acts(events.ReportComparison(home_of(ann).id, bob.key, "bob", False))
    world.live(LONG)

    assert not ann.company
    link = ann.node.links.of(home_of(ann))
    assert link is not None
    assert link.close_reason is CloseReason.NO_MATCH


def test_a_room_needs_a_relay() -> None:
    ann = person("ann")

    assert ann.do(events.PasteCode(encode(RoomCode(bytes(SECRET_SIZE))), "")) == []
    assert ann.node.rooms.by_id == {}
    assert ann.node.introductions.inbox.problem is not None
    assert ann.now == START
    assert of(effects.ConnectRelay, ann.do(events.CreateRoom(URL)))


# The secret of a room.


def test_no_secret_is_drawn_whose_code_ends_as_messengers_drop_it() -> None:
    ann = person("ann", tabs=False)
    chance = Random(0)
    secrets = [chance.randbytes(SECRET_SIZE) for _ in range(2_000)]
    fading = [secret for secret in secrets if encode(RoomCode(secret))[-1] in "-_"]
    secret = next(secret for secret in secrets if secret not in fading)
    assert len(fading) > 20

    emitted = ann.do(events.CreateRoom(URL))
    (meeting,) = ann.node.rooms.by_id.values()
    for _ in range(2):
        for drawn in (*fading, secret):
            draw = only(effects.DrawBytes, emitted)
            assert (draw.size, meeting.code) == (SECRET_SIZE, None)
            emitted = ann.do(events.BytesDrawn(draw.session, drawn))
        assert meeting.code == RoomCode(secret)
        assert only(effects.DrawBytes, emitted).size == MEMBER_SIZE
        emitted = ann.do(events.RotateRoomSecret(rooms_sim.home_of(meeting).id))


# What came out in a review.


def test_who_leaves_and_enters_twice_at_once_is_in_one_room() -> None:
    world = calm(0, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    ann.acts(events.LeaveConversation(home_of(ann).id))
    ann.enters()  # while the last words of the former one go out
    ann.enters()
    shown = [room for room in ann.node.rooms.by_id.values() if room.home is not None]
    assert len(shown) == 1
    assert len(ann.node.chats.listed()) == 1
    world.live(5)
    assert list(ann.node.rooms.by_id.values()) == shown


class _AtTheSigns:
    """A handshake whose peer can know the signs."""

    shows_signs, busy, done = True, False, False


def test_links_that_give_way_at_the_signs_count_as_guesses_before_the_next_one_begins() -> None:
    world = calm(0, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    crowd = Crowd(world, ann, 16)
    world.live(2)
    for member in crowd.members:
        crowd.offer(member, 1)
    world.live(15)
    room = meeting_of(ann)
    before = room._live
    assert len(before) == m.MAX_PENDING
    for one in before:
        one.begun -= LONG
        one.link.handshake = _AtTheSigns()  # type: ignore[assignment]
    for attempt in room._attempts.values():
        if attempt.asked:
            attempt.due = ann.node._context.now
    room.wake()

    assert len([one for one in room._live if one not in before]) == 1
    assert room.guesses.count == 1


@pytest.mark.parametrize("opened_first", [True, False])
def test_who_gives_the_seat_up_while_the_lease_is_asked_for_joins_all_the_same(
    alone: Person, opened_first: bool
) -> None:
    session = session_of(alone)
    (room,) = alone.node.rooms.by_id.values()
    if opened_first:
        alone.do(events.RelayOpened(session))
    asked: list[effects.Effect] = []
    for derive in of(effects.Derive, alone.do(events.BytesDrawn(session, bytes(range(MEMBER_SIZE))))):
        asked += alone.do(events.Derived(session, derive.info, derive.info.ljust(derive.size, b"\0")[: derive.size]))
    assert of(effects.TakeLease, asked)
    room._lease.give_way()
    emitted = alone.do(events.LeaveConversation("nobody"), events.LeaseTaken(session, True))
    if not opened_first:
        emitted = alone.do(events.RelayOpened(session))

    assert of(effects.SendToRelay, emitted)
