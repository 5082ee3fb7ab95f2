"""One member's side step by step, with keys that are told at a glance; and with real ones, a relay that lies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from pychat.core import effects, wire
from pychat.core.codes.roomcode import ID_SIZE, KEY_SIZE, RoomCode
from pychat.core.errors import LocalError
from pychat.core.ids import MemberId
from pychat.core.relay import envelope
from pychat.core.relay import session as r
from pychat.core.relay.envelope import OnLink, Refusal, Refused, RoomBye, Signal
from pychat.core.webrtc.negotiation import Candidate, Offer
from pychat.core.webrtc.sdp import Candidate as Address
from pychat.core.webrtc.sdp import CandidateKind, Description, DescriptionKind
from tests.parallel import in_parallel
from tests.relay_sim import HostileRelay, Member, Sent, passed

CODE, OTHER_CODE = RoomCode(b"s" * 20), RoomCode(b"o" * 20)


def name(letter: str) -> MemberId:
    return wire.to_text(letter.encode() * 16)


def numbered(number: int) -> OnLink:
    return OnLink(1, Candidate(DescriptionKind.OFFER, number, Address(CandidateKind.HOST, "192.0.2.1", number)))


def derived(info: bytes, secret: bytes = CODE.secret) -> bytes:
    """Not HKDF, but as long."""
    return (secret[:1] + info + bytes(32))[: ID_SIZE if info == b"id" else KEY_SIZE]


def seal(work: effects.Seal | effects.Unseal, data: bytes) -> bytes:
    """Not AES-GCM: what was sealed can be read, but nothing of all that it depends on can be changed."""
    return data + hashlib.sha256(repr((work.key, work.nonce, work.associated_data, data)).encode()).digest()[:16]


def unseal(work: effects.Unseal) -> bytes | None:
    data = work.data[:-16]
    return data if seal(work, data) == work.data else None


@dataclass
class Side:
    """A member whose keys answer when they are told to: `answer` and `answer_all`."""

    letter: str
    code: RoomCode = CODE
    work: list[effects.Derive | effects.Seal | effects.Unseal] = field(default_factory=list)
    steps: list[r.SessionStep] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.room = r.RelaySession(self.code)

    @property
    def name(self) -> MemberId:
        return name(self.letter)

    def take(self, steps: Sequence[r.SessionStep]) -> None:
        for step in steps:
            if isinstance(step, effects.Derive | effects.Seal | effects.Unseal):
                self.work.append(step)
            else:
                self.steps.append(step)

    def new(self) -> list[r.SessionStep]:
        """The steps since the last time."""
        steps, self.steps = self.steps, []
        return steps

    def answer(self, at: int = 0) -> None:
        match work := self.work.pop(at):
            case effects.Derive(_, secret, _, info):
                self.take(self.room.derived(info, derived(info, secret)))
            case effects.Seal():
                self.take(self.room.sealed(work.ticket, seal(work, work.data)))
            case effects.Unseal():
                self.take(self.room.unsealed(work.ticket, unseal(work)))

    def answer_all(self) -> None:
        while self.work:
            self.answer()

    def begin(self, *others: str) -> None:
        self.take(self.room.begin(1, self.letter.encode() * 16))
        self.answer_all()
        self.take(self.room.joined([name(other) for other in others]))
        self.answer_all()
        self.new()

    def says(self, other: str, *signals: Signal) -> list[str]:
        """The envelopes in which it says this to another."""
        for signal in signals:
            self.take(self.room.send(name(other), signal))
        self.answer_all()
        return [passed(step)[1] for step in self.new() if isinstance(step, effects.SendToRelay)]

    def hears(self, other: str, *texts: str) -> list[Signal]:
        """What it takes of the envelopes of another."""
        for text in texts:
            self.take(self.room.heard(name(other), text))
        self.answer_all()
        return [step.signal for step in self.new() if isinstance(step, r.SignalReceived)]


def side(letter: str, *others: str, code: RoomCode = CODE) -> Side:
    """A member that has found others in the room."""
    made = Side(letter, code)
    made.begin(*others)
    return made


# A session begins and ends.


def test_a_member_joins_once_all_is_derived() -> None:
    ann = Side("a")
    ann.take(ann.room.begin(1, b"a" * 16))
    assert [(w.secret, w.salt, w.info, w.size) for w in ann.work if isinstance(w, effects.Derive)] == [
        (CODE.secret, b"pychat room", b"id", 16),
        (CODE.secret, b"pychat room", b"handshake", 32),
        (CODE.secret, b"pychat room", b"signaling" + b"a" * 16, 32),
    ]
    ann.answer(2)
    ann.answer(1)
    assert ann.new() == []
    ann.answer()

    assert ann.new() == [r.Join(wire.to_text(derived(b"id")), ann.name)]
    assert ann.room.handshake == derived(b"handshake")


def test_the_newcomer_starts() -> None:
    ann = Side("a")
    ann.begin()
    ann.take(ann.room.arrived(name("b")))
    assert ann.new() == [r.MemberFound(name("b"), starts=False)]

    bob = Side("b")
    bob.take(bob.room.begin(1, b"b" * 16))
    bob.answer_all()
    bob.new()
    bob.take(bob.room.joined([name("a"), name("b")]))
    assert bob.new() == [r.MemberFound(name("a"), starts=True)]


def test_of_two_members_one_is_polite() -> None:
    assert not side("a", "b").room.is_polite(name("b"))
    assert side("b", "a").room.is_polite(name("a"))


def test_who_leaves_is_gone_once() -> None:
    ann = side("a", "b")
    ann.take([*ann.room.left(name("b")), *ann.room.left(name("b")), *ann.room.left("nobody")])

    assert ann.new() == [r.MemberGone(name("b"))]


def test_with_the_connection_all_members_are_gone() -> None:
    ann = side("a", "b", "c")
    ann.take(ann.room.connection_lost())

    assert ann.new() == [r.MemberGone(name("b")), r.MemberGone(name("c"))]
    assert ann.room.members == ()
    assert ann.room.connection_lost() == []


def test_each_session_has_a_fresh_name_and_a_key_of_its_own() -> None:
    ann = side("a", "b")
    ann.take(ann.room.connection_lost())
    with pytest.raises(LocalError):
        ann.room.begin(1, b"a" * 16)
    with pytest.raises(LocalError):
        ann.room.begin(1, b"A" * 15)

    assert [step.info for step in ann.room.begin(1, b"A" * 16) if isinstance(step, effects.Derive)] == [
        b"signaling" + b"A" * 16
    ]


def test_what_belongs_to_a_former_session_is_passed_over() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    (text,) = bob.says("a", RoomBye())
    ann.take(ann.room.heard(name("b"), text))
    ann.take(ann.room.send(name("b"), RoomBye()))
    old, ann.work = ann.work, []
    ann.letter = "A"
    ann.begin("b")
    ann.work = old
    ann.answer_all()

    assert ann.new() == []


@pytest.mark.parametrize("others", [("b", "b"), ("a",), ("b", "")])
def test_who_cannot_be_there_is_not_found(others: tuple[str, ...]) -> None:
    ann = side("a", *others)

    assert ann.room.members in ((), (name("b"),))
    assert ann.room.dropped == 1


def test_nobody_is_there_before_we_are() -> None:
    ann = Side("a")
    ann.take(ann.room.begin(1, b"a" * 16))

    assert ann.room.joined([name("b")]) == ann.room.arrived(name("b")) == []


def test_a_relay_cannot_claim_crowds() -> None:
    ann = side("a")
    for number in range(100):
        ann.take(ann.room.arrived(wire.to_text(number.to_bytes(16, "big"))))

    assert len(ann.room.members) == r.MAX_MEMBERS
    assert ann.room.dropped == 100 - r.MAX_MEMBERS


def test_too_many_that_have_left_need_a_new_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r, "MAX_REMEMBERED", 2)
    ann = side("a", "b", "c")
    for letter in "bc":
        assert ann.hears(letter, *side(letter, "a").says("a", RoomBye())) == [RoomBye()]
        ann.take(ann.room.left(name(letter)))

    assert ann.new() == [r.MemberGone(name("c")), r.Renew()]
    assert ann.room.arrived(name("d")) == []


# Signals.


def test_signals_come_to_whom_they_were_sent_in_their_order() -> None:
    ann, bob, eve = side("a", "b", "c"), side("b", "a"), side("c", "a")
    signals = [numbered(number) for number in range(1, 6)]

    assert bob.hears("a", *ann.says("b", *signals)) == signals
    assert eve.hears("a", *ann.says("c", Refused(1, Refusal.LOCKED))) == [Refused(1, Refusal.LOCKED)]
    assert bob.hears("a", *ann.says("b", RoomBye())) == [RoomBye()]
    assert ann.room.dropped == bob.room.dropped == eve.room.dropped == 0


def test_numbers_rise_whoever_receives() -> None:
    ann = side("a", "b", "c")
    texts = [*ann.says("b", RoomBye()), *ann.says("c", RoomBye()), *ann.says("b", RoomBye())]

    assert [envelope.unwrap(text)[0] for text in texts] == [0, 1, 2]


def test_one_is_sealed_after_the_other() -> None:
    ann = side("a", "b", "c")
    for other in "bcb":
        ann.take(ann.room.send(name(other), RoomBye()))

    assert len(ann.work) == 1
    ann.answer_all()
    assert [passed(step)[0] for step in ann.new() if isinstance(step, effects.SendToRelay)] == [
        name("b"),
        name("c"),
        name("b"),
    ]


def test_what_comes_before_the_key_waits_for_it() -> None:
    ann, bob = side("a"), side("b", "a")
    ann.take(ann.room.arrived(name("b")))
    for text in bob.says("a", numbered(1), numbered(2)):
        ann.take(ann.room.heard(name("b"), text))
    assert len(ann.work) == 1

    ann.answer_all()
    assert [step.signal for step in ann.new() if isinstance(step, r.SignalReceived)] == [numbered(1), numbered(2)]


def test_who_has_left_is_sent_nothing_more() -> None:
    ann = side("a", "b", "c")
    for other in "bbc":
        ann.take(ann.room.send(name(other), RoomBye()))
    ann.take(ann.room.left(name("b")))
    ann.answer_all()

    assert [passed(step)[0] for step in ann.new() if isinstance(step, effects.SendToRelay)] == [name("c")]
    assert ann.room.send(name("b"), RoomBye()) == []


def test_more_signals_than_may_wait_for_one_member_are_dropped() -> None:
    ann = side("a", "b")
    for _ in range(r.MAX_WAITING + 1):
        ann.take(ann.room.send(name("b"), RoomBye()))
    assert ann.room.dropped == 0

    assert ann.room.send(name("b"), RoomBye()) == []
    assert ann.room.dropped == 1


def test_a_signal_that_is_too_large_is_our_own_mistake_and_leaves_no_gap() -> None:
    ann = side("a", "b")
    addresses = (Address(CandidateKind.HOST, "192.0.2.1", 1),) * 900
    description = Description(DescriptionKind.OFFER, bytes(32), "LkGn", "p" * 22, addresses)
    with pytest.raises(LocalError):
        ann.room.send(name("b"), OnLink(1, Offer(1, description)))

    (text,) = ann.says("b", RoomBye())
    assert envelope.unwrap(text)[0] == 0


# Attacks of the relay.


def test_an_envelope_counts_once() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    first, second = ann.says("b", numbered(1), numbered(2))

    assert bob.hears("a", first, first, second, first, second) == [numbered(1), numbered(2)]
    assert bob.room.dropped == 3


def test_an_envelope_counts_once_although_its_sender_seems_to_have_come_again() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    texts = ann.says("b", numbered(1))
    assert bob.hears("a", *texts) == [numbered(1)]
    bob.take([*bob.room.left(name("a")), *bob.room.arrived(name("a"))])

    assert bob.hears("a", *texts) == []
    assert bob.hears("a", *ann.says("b", numbered(2))) == [numbered(2)]


def test_what_was_being_opened_of_who_has_left_is_passed_over() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    first, second = ann.says("b", numbered(1), numbered(2))
    bob.take(bob.room.heard(name("a"), first))
    bob.take([*bob.room.left(name("a")), *bob.room.arrived(name("a"))])
    opening, deriving = bob.work
    bob.work = [deriving]
    bob.answer_all()
    bob.take(bob.room.heard(name("a"), second))
    bob.work.insert(0, opening)
    bob.answer_all()

    assert [step.signal for step in bob.new() if isinstance(step, r.SignalReceived)] == [numbered(2)]


def test_an_envelope_that_comes_late_is_dropped() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    first, second = ann.says("b", numbered(1), numbered(2))

    assert bob.hears("a", second, first) == [numbered(2)]


def test_nobody_is_shown_what_they_have_sent_themselves() -> None:
    ann = side("a", "b")
    texts = ann.says("b", RoomBye())

    assert ann.hears("a", *texts) == ann.hears("b", *texts) == []
    assert ann.room.dropped == 2


def test_an_envelope_has_one_sender_and_one_receiver() -> None:
    ann, bob, eve = side("a", "b", "c"), side("b", "a", "c"), side("c", "a", "b")
    texts = ann.says("b", RoomBye())

    assert bob.hears("c", *texts) == []
    assert eve.hears("a", *texts) == []
    assert bob.hears("a", *texts) == [RoomBye()]


def test_an_envelope_of_another_room_does_not_open() -> None:
    ann, bob = side("a", "b", code=OTHER_CODE), side("b", "a")

    assert bob.hears("a", *ann.says("b", RoomBye())) == []


def test_a_number_that_was_changed_does_not_open_and_bars_no_later_ones() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    first, second = ann.says("b", numbered(1), numbered(2))
    counter, sealed = envelope.unwrap(first)

    assert bob.hears("a", envelope.wrap(counter + 1_000_000, sealed)) == []
    assert bob.hears("a", first, second) == [numbered(1), numbered(2)]


def test_an_envelope_that_was_cut_does_not_open() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    (text,) = ann.says("b", RoomBye())

    assert bob.hears("a", *(text[:length] for length in range(0, len(text), 7))) == []
    assert bob.hears("a", text) == [RoomBye()]


def test_a_key_that_is_in_two_sessions_does_not_bring_back_old_envelopes() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    texts = ann.says("b", RoomBye())
    bob.letter = "B"
    bob.begin("a")

    assert bob.hears("a", *texts) == []


def test_a_flood_is_dropped() -> None:
    ann, bob = side("a", "b"), side("b")
    bob.take(bob.room.arrived(name("a")))  # its key is still to come
    texts = [*ann.says("b", *map(numbered, range(1, 100))), *ann.says("b", *map(numbered, range(100, 200)))]
    for text in texts:
        bob.take(bob.room.heard(name("a"), text))
    bob.take(bob.room.heard(name("a"), "A" * (envelope.MAX_TEXT + 1)))
    assert bob.room.dropped == len(texts) - r.MAX_WAITING + 1

    assert bob.hears("a") == [numbered(number) for number in range(1, r.MAX_WAITING + 1)]


def test_a_flood_of_large_ones_is_dropped_sooner() -> None:
    bob = side("b")
    bob.take(bob.room.arrived(name("a")))
    for _ in range(100):
        bob.take(bob.room.heard(name("a"), "A" * envelope.MAX_TEXT))

    assert bob.room.dropped == 100 - r.MAX_WAITING_CHARS // envelope.MAX_TEXT


def test_who_was_never_seen_is_not_heard() -> None:
    ann, bob = side("a", "b"), side("b")

    assert bob.hears("a", *ann.says("b", RoomBye())) == []
    assert bob.room.dropped == 1


def test_a_holder_of_the_secret_who_says_nonsense_is_not_heard() -> None:
    ann, bob = side("a", "b"), side("b", "a")
    ann.take(ann.room.send(name("b"), RoomBye()))
    (work,) = ann.work
    assert isinstance(work, effects.Seal)
    ann.work = [effects.Seal(1, work.ticket, work.key, work.nonce, b"nonsense".ljust(256), work.associated_data)]
    ann.answer()
    (step,) = ann.new()
    assert isinstance(step, effects.SendToRelay)

    assert bob.hears("a", passed(step)[1]) == []
    assert bob.room.dropped == 1
    assert bob.hears("a", *ann.says("b", RoomBye())) == [RoomBye()]


# The worked example of docs/reference/protocol.md, with real keys.

EXAMPLE = (
    "AAAAAAAAAAEnhIY1lUmyh2u8k8w3riznMzrDKDB2R6wQ6ortPIxc7EHo0GpkGGiCThAHWqgW7F-ZKYkUX-IC6ee6alTRai9f-7Ly"
    "J_YKlMG2jJa86RNYCJlCymFJlQHesXwN_xFNTRtxvvfDCDHKTsZKgIutDY9KPZtE8F59WlOXK4OgBhYgxfSTDTQ5Fl_-Fjyk-byk"
    "H_1LH3YEj4hXdd8TSdZ-1tlaD3TSqA5jRJLJ5lyIHCkKdubLD4HunvwOQP7WSviHyNcrTe-GWWCCauVYXq3w7y_jScVjv9NKlvYP"
    "GBizXasbIU67cEKGjcyUDG-Q81odVEKASFc9yrajFSAFzCuLQw3fSdCLAOvYPyFiKTNt0qVqtg"
)


def test_the_worked_example_opens() -> None:
    member = Member(RoomCode(bytes(range(20))), Random(0), Sent())
    member.take(member.room.begin(1, b"b" * 16))
    member.work_all()
    assert member.room.id.hex() == "5ee1d9bf5bffa0b7a5a9c519e72fe175"
    assert member.room.handshake.hex() == ("472184ce962d4dc391b9e9a5873b3095119f8f6d581ff20a78a938b3a77544f5")
    member.take(member.room.joined([name("a")]))
    member.take(member.room.heard(name("a"), EXAMPLE))
    member.sent.signals[name("a"), name("b")].append(RoomBye())
    member.work_all()
    assert member.sent.received[name("a"), name("b")] == [0]


# A relay that does whatever it likes, see tests/relay_sim.py.

FEW, SEEDS = 8, 300


def suffer(seeds: range) -> None:
    for seed in seeds:
        try:
            HostileRelay(seed).run()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.slow
def test_a_hostile_relay_cannot_make_up_repeat_or_reorder_anything() -> None:
    suffer(range(FEW))


@pytest.mark.slow
def test_a_hostile_relay_cannot_do_so_in_many_ways() -> None:
    in_parallel(suffer, range(FEW, SEEDS + FEW))
