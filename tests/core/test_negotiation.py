"""The table line by line, and then everything that two sides can do, in every order."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple, TypeVar

import pytest

from pychat.core.errors import LocalError, RemoteError
from pychat.core.webrtc import sdp
from pychat.core.webrtc.negotiation import (
    MAX_FOLLOWING,
    Answer,
    Candidate,
    MakeOffer,
    Negotiation,
    NegotiationPhase,
    NegotiationStep,
    Offer,
    Send,
    Signal,
    StartOver,
    TakeAnswer,
    TakeCandidate,
    TakeOffer,
)
from pychat.core.webrtc.sdp import (
    MAX_CANDIDATES,
    CandidateKind,
    Description,
    DescriptionKind,
    candidate_attribute,
    to_sdp,
)

T = TypeVar("T")

OFFER, ANSWER = DescriptionKind.OFFER, DescriptionKind.ANSWER


@cache
def description(kind: DescriptionKind, ufrag: str = "ours", name: str = "", *ports: int) -> Description:
    """A description that is told apart by its user fragment, and by a name that becomes its password."""
    return Description(kind, bytes(32), ufrag.rjust(4, "0"), name.rjust(22, "0"), tuple(map(address, ports)))


@cache
def address(port: int) -> sdp.Candidate:
    return sdp.Candidate(CandidateKind.HOST, "192.0.2.1", port)


@cache
def attribute(port: int) -> str:
    return candidate_attribute(address(port), 0)


OUR_OFFER, OUR_ANSWER = description(OFFER), description(ANSWER)
THEIR_OFFER, THEIR_ANSWER = description(OFFER, "they"), description(ANSWER, "they")


def side(
    phase: NegotiationPhase = NegotiationPhase.STABLE, *, polite: bool = True, can_roll_back: bool = True
) -> Negotiation:
    """A side that is in that phase; a peer's offer under way has the number 1."""
    negotiation = Negotiation(polite=polite, can_roll_back=can_roll_back)
    if phase in (NegotiationPhase.OFFERING, NegotiationPhase.OFFERED):
        negotiation.needed()
    if phase is NegotiationPhase.OFFERED:
        negotiation.described(to_sdp(OUR_OFFER))
    if phase is NegotiationPhase.ANSWERING:
        negotiation.received(Offer(1, THEIR_OFFER))
    if phase is NegotiationPhase.FAILED:
        negotiation.failed()
    assert negotiation.phase is phase
    return negotiation


# An exchange.


def test_whoever_needs_an_exchange_makes_an_offer_and_sends_it() -> None:
    here = side()

    assert here.needed() == [MakeOffer()]
    assert here.described(to_sdp(OUR_OFFER)) == [Send(Offer(1, OUR_OFFER))]


def test_an_offer_is_answered() -> None:
    here = side()

    assert here.received(Offer(7, THEIR_OFFER)) == [TakeOffer(THEIR_OFFER, rolls_back=False)]
    assert here.described(to_sdp(OUR_ANSWER)) == [Send(Answer(7, OUR_ANSWER))]
    assert here.phase is NegotiationPhase.STABLE


def test_an_answer_ends_the_exchange() -> None:
    here = side(NegotiationPhase.OFFERED)

    assert here.received(Answer(1, THEIR_ANSWER)) == [TakeAnswer(THEIR_ANSWER)]
    assert here.phase is NegotiationPhase.STABLE


@pytest.mark.parametrize("phase", [NegotiationPhase.OFFERING, NegotiationPhase.OFFERED, NegotiationPhase.ANSWERING])
def test_what_is_needed_meanwhile_makes_one_more_exchange(phase: NegotiationPhase) -> None:
    here = side(phase)
    assert here.needed() == here.needed() == []

    steps = here.described(to_sdp(OUR_ANSWER if phase is NegotiationPhase.ANSWERING else OUR_OFFER))
    if phase is not NegotiationPhase.ANSWERING:
        steps = here.received(Answer(1, THEIR_ANSWER))

    assert steps[1:] == [MakeOffer()]
    assert here.phase is NegotiationPhase.OFFERING
    here.described(to_sdp(OUR_OFFER))
    assert len(here.received(Answer(here._generation, THEIR_ANSWER))) == 1


def test_what_is_no_description_of_ours_is_our_own_mistake() -> None:
    with pytest.raises(LocalError):
        side(NegotiationPhase.OFFERING).described("v=0")


# Both offer at the same time.


def test_the_impolite_side_passes_over_an_offer_that_collides_and_its_candidates() -> None:
    for phase in (NegotiationPhase.OFFERING, NegotiationPhase.OFFERED):
        here = side(phase, polite=False)

        assert here.received(Candidate(OFFER, 1, address(1))) == []
        assert here.received(Offer(1, THEIR_OFFER)) == []
        assert here.received(Candidate(OFFER, 1, address(2))) == []
        assert here.phase is phase
        assert here._kept == ()


def test_the_polite_side_takes_its_offer_back() -> None:
    here = side(NegotiationPhase.OFFERED)

    assert here.received(Offer(1, THEIR_OFFER)) == [TakeOffer(THEIR_OFFER, rolls_back=True)]
    assert here.described(to_sdp(OUR_ANSWER)) == [Send(Answer(1, OUR_ANSWER))]


def test_the_polite_side_takes_back_an_offer_that_is_still_being_made() -> None:
    here = side(NegotiationPhase.OFFERING)

    assert here.received(Offer(1, THEIR_OFFER)) == []
    assert here.received(Candidate(OFFER, 1, address(1))) == []
    assert here.described(to_sdp(OUR_OFFER)) == [
        TakeOffer(THEIR_OFFER, rolls_back=True),
        TakeCandidate(address(1), 0),
    ]


def test_a_stack_that_cannot_roll_back_starts_over() -> None:
    here = side(NegotiationPhase.OFFERED, can_roll_back=False)

    assert here.received(Offer(1, THEIR_OFFER)) == [StartOver(), TakeOffer(THEIR_OFFER, rolls_back=False)]


def test_nobody_starts_over_without_an_offer_to_take_back() -> None:
    here = side(can_roll_back=False)

    assert here.received(Offer(1, THEIR_OFFER)) == [TakeOffer(THEIR_OFFER, rolls_back=False)]


@pytest.mark.parametrize(("ufrag", "again"), [("they", [MakeOffer()]), ("anew", [])])
def test_whoever_gave_way_offers_again_unless_the_peer_has_restarted_ice_too(
    ufrag: str, again: list[NegotiationStep]
) -> None:
    here = side(NegotiationPhase.OFFERED)
    here.received(Answer(1, THEIR_ANSWER))
    here.needed()
    here.described(to_sdp(OUR_OFFER))
    here.received(Offer(1, description(OFFER, ufrag)))

    assert here.described(to_sdp(OUR_ANSWER))[1:] == again


# What is late, or new.


def test_an_answer_to_a_former_offer_is_passed_over() -> None:
    here = side(NegotiationPhase.OFFERED)
    here.renewed()
    here.described(to_sdp(OUR_OFFER))

    assert here.received(Answer(1, THEIR_ANSWER)) == []
    assert here.phase is NegotiationPhase.OFFERED
    assert here.received(Answer(2, THEIR_ANSWER)) == [TakeAnswer(THEIR_ANSWER)]


def test_a_second_answer_is_passed_over() -> None:
    here = side(NegotiationPhase.OFFERED)
    here.received(Answer(1, THEIR_ANSWER))

    assert here.received(Answer(1, THEIR_ANSWER)) == []


def test_an_answer_to_an_offer_that_was_taken_back_is_passed_over() -> None:
    here = side(NegotiationPhase.OFFERED)
    here.received(Offer(1, THEIR_OFFER))

    assert here.received(Answer(1, THEIR_ANSWER)) == []
    assert here.phase is NegotiationPhase.ANSWERING


@pytest.mark.parametrize("polite", [True, False])
def test_an_offer_that_comes_while_another_is_answered_takes_its_place(polite: bool) -> None:
    here = side(NegotiationPhase.ANSWERING, polite=polite)
    newer = description(OFFER, "anew")
    assert here.received(Offer(2, THEIR_OFFER)) == []
    assert here.received(Candidate(OFFER, 2, address(2))) == []
    assert here.received(Offer(3, newer)) == []
    assert here.received(Candidate(OFFER, 3, address(3))) == []
    assert len(here._kept) == 1

    steps = here.described(to_sdp(OUR_ANSWER))

    assert steps == [TakeOffer(newer, rolls_back=False), TakeCandidate(address(3), 0)]
    assert here.described(to_sdp(OUR_ANSWER)) == [Send(Answer(3, OUR_ANSWER))]


# A new session.


def test_whoever_waits_for_an_answer_offers_again_in_a_new_session() -> None:
    here = side(NegotiationPhase.OFFERED)

    assert here.renewed() == [MakeOffer()]
    assert here.described(to_sdp(OUR_OFFER)) == [Send(Offer(2, OUR_OFFER))]


@pytest.mark.parametrize(
    "phase", [NegotiationPhase.STABLE, NegotiationPhase.OFFERING, NegotiationPhase.ANSWERING, NegotiationPhase.FAILED]
)
def test_who_waits_for_nothing_does_nothing_in_a_new_session(phase: NegotiationPhase) -> None:
    here = side(phase)

    assert here.renewed() == []
    assert here.phase is phase


@pytest.mark.parametrize("phase", [NegotiationPhase.OFFERING, NegotiationPhase.ANSWERING])
def test_an_offer_that_was_held_ends_with_its_session(phase: NegotiationPhase) -> None:
    here = side(phase)
    here.received(Offer(2, THEIR_OFFER))
    here.received(Candidate(OFFER, 2, address(1)))
    here.renewed()

    assert here._kept == ()
    (step,) = here.described(to_sdp(OUR_OFFER if phase is NegotiationPhase.OFFERING else OUR_ANSWER))
    assert isinstance(step, Send)


# Candidates.


def test_candidates_follow_their_description() -> None:
    here = side(NegotiationPhase.OFFERING)
    assert here.found(attribute(1)) == here.found(attribute(2)) == []

    offer = description(OFFER, "ours", "", 1)
    assert here.described(to_sdp(offer)) == [Send(Offer(1, offer)), Send(Candidate(OFFER, 1, address(2)))]
    assert here.found(attribute(3)) == [Send(Candidate(OFFER, 1, address(3)))]


def test_candidates_of_an_answer_name_the_offer_that_it_answers() -> None:
    here = side(NegotiationPhase.ANSWERING)
    here.described(to_sdp(OUR_ANSWER))

    assert here.found(attribute(1)) == [Send(Candidate(ANSWER, 1, address(1)))]


def test_a_candidate_is_sent_once_and_useless_ones_never() -> None:
    here = side(NegotiationPhase.OFFERING)
    here.described(to_sdp(description(OFFER, "ours", "", 1)))

    assert here.found(attribute(1)) == here.found("") == []
    assert len(here.found(attribute(2))) == 1
    assert here.found(attribute(2)) == []


def test_no_more_candidates_are_sent_than_a_peer_takes() -> None:
    here = side(NegotiationPhase.OFFERED)

    assert sum(len(here.found(attribute(port))) for port in range(1, 40)) == 4  # there is room for the other kinds
    for kind, port in (("srflx", 1), ("relay", 2)):
        for other in range(4):
            here.found(f"candidate:1 1 udp 1 203.0.113.{other} {port} typ {kind}")
    assert len(here._sent) == MAX_CANDIDATES


def test_candidates_of_an_offer_that_was_taken_back_are_not_those_of_the_answer() -> None:
    here = side(NegotiationPhase.OFFERED)
    here.found(attribute(1))
    here.received(Offer(1, THEIR_OFFER))

    assert here.described(to_sdp(OUR_ANSWER)) == [Send(Answer(1, OUR_ANSWER))]


def test_candidates_that_come_before_their_description_wait_for_it() -> None:
    here = side()
    assert here.received(Candidate(OFFER, 1, address(1))) == []
    assert here.received(Candidate(OFFER, 2, address(2))) == []
    assert here.received(Offer(1, description(OFFER, "they", "", 8, 9)))[1:] == [TakeCandidate(address(1), 2)]
    here.described(to_sdp(OUR_ANSWER))
    assert here.received(Offer(2, THEIR_OFFER))[1:] == [TakeCandidate(address(2), 0)]

    here = side(NegotiationPhase.OFFERED)
    assert here.received(Candidate(ANSWER, 1, address(1))) == []
    assert here.received(Answer(1, THEIR_ANSWER))[1:] == [TakeCandidate(address(1), 0)]
    assert here.received(Candidate(ANSWER, 1, address(2))) == [TakeCandidate(address(2), 1)]


def test_candidates_for_an_answer_do_not_outlive_the_offer() -> None:
    here = side(NegotiationPhase.OFFERED)
    here.received(Candidate(ANSWER, 1, address(1)))
    here.received(Offer(1, THEIR_OFFER))

    assert here._kept == ()


def test_stale_candidates_are_dropped() -> None:
    here = side(NegotiationPhase.ANSWERING)
    here.described(to_sdp(OUR_ANSWER))
    here.received(Offer(2, THEIR_OFFER))

    assert here.received(Candidate(OFFER, 1, address(1))) == []
    assert here.received(Candidate(ANSWER, 1, address(1))) == []
    assert here.received(Candidate(OFFER, 2, address(1))) == [TakeCandidate(address(1), 0)]
    assert here._kept == ()


# How many candidates are looked at.


def elsewhere(count: int, first: int = 1) -> tuple[sdp.Candidate, ...]:
    return tuple(map(address, range(first, first + count)))


def looked_at(steps: list[NegotiationStep]) -> list[sdp.Candidate]:
    """Where the stack sends checks to after these steps."""
    found: list[sdp.Candidate] = []
    for step in steps:
        match step:
            case TakeOffer(description) | TakeAnswer(description):
                found += description.candidates
            case TakeCandidate(candidate, place):
                assert place == len(found)
                found.append(candidate)
    return found


def test_of_a_description_and_what_follows_it_eight_candidates_are_looked_at() -> None:
    here = side()
    steps = here.received(Offer(1, replace(THEIR_OFFER, candidates=elsewhere(5))))
    for candidate in elsewhere(9, first=6):
        steps += here.received(Candidate(OFFER, 1, candidate))
    assert looked_at(steps) == [*elsewhere(8)]

    assert looked_at(side().received(Offer(1, replace(THEIR_OFFER, candidates=elsewhere(64))))) == [*elsewhere(8)]


def test_candidates_that_came_before_their_description_count_too() -> None:
    here = side(NegotiationPhase.OFFERED)
    steps: list[NegotiationStep] = []
    for candidate in elsewhere(20):
        steps += here.received(Candidate(ANSWER, 1, candidate))
    steps += here.received(Answer(1, replace(THEIR_ANSWER, candidates=elsewhere(3, first=30))))
    assert looked_at(steps) == [*elsewhere(3, first=30), *elsewhere(5)]


def test_before_the_peer_is_proved_eight_are_looked_at_in_all_however_often_it_restarts() -> None:
    here = side()
    for number in range(1, 6):
        offer = replace(THEIR_OFFER, ufrag=f"anew{number}", candidates=elsewhere(8, first=10 * number))
        assert looked_at(here.received(Offer(number, offer))) == [*(elsewhere(8, first=10) if number == 1 else ())]
        here.described(to_sdp(OUR_ANSWER))


def test_the_same_credentials_give_no_more_of_them_and_a_restart_eight_others() -> None:
    here = side()
    here.prove()
    first = replace(THEIR_OFFER, candidates=elsewhere(8))
    assert looked_at(here.received(Offer(1, first))) == [*elsewhere(8)]
    here.described(to_sdp(OUR_ANSWER))
    again = replace(first, candidates=(*elsewhere(8, first=20), *elsewhere(2)))
    assert looked_at(here.received(Offer(2, again))) == [*elsewhere(2)]
    here.described(to_sdp(OUR_ANSWER))
    restarted = replace(again, ufrag="anew", candidates=elsewhere(9, first=40))
    assert looked_at(here.received(Offer(3, restarted))) == [*elsewhere(8, first=40)]


@pytest.mark.parametrize("own", ["127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "224.0.0.251", "::ffff:127.0.0.1"])
def test_nobody_has_us_look_at_ourselves(own: str) -> None:
    loopback = sdp.Candidate(CandidateKind.HOST, own, 8000)
    here = side()

    steps = here.received(Offer(1, replace(THEIR_OFFER, candidates=(loopback, address(1)))))
    steps += here.received(Candidate(OFFER, 1, loopback))
    steps += here.received(Candidate(OFFER, 1, address(2)))
    assert looked_at(steps) == [address(1), address(2)]


def test_of_many_candidates_of_our_own_the_best_of_each_kind_are_sent() -> None:
    seen = sdp.Candidate(CandidateKind.SERVER_REFLEXIVE, "203.0.113.9", 1)
    here = side(NegotiationPhase.OFFERING)

    (sent,) = here.described(to_sdp(replace(OUR_OFFER, candidates=(*elsewhere(20), seen))))
    assert isinstance(sent, Send)
    assert isinstance(sent.signal, Offer)
    assert sent.signal.description.candidates == (*elsewhere(7), seen)


# Peers that misbehave.


@pytest.mark.parametrize("phase", [NegotiationPhase.STABLE, NegotiationPhase.OFFERING, NegotiationPhase.ANSWERING])
def test_an_answer_to_no_offer_is_refused(phase: NegotiationPhase) -> None:
    with pytest.raises(RemoteError):
        side(phase).received(Answer(1, THEIR_ANSWER))


def test_an_answer_to_a_later_offer_is_refused() -> None:
    with pytest.raises(RemoteError):
        side(NegotiationPhase.OFFERED).received(Answer(2, THEIR_ANSWER))


@pytest.mark.parametrize("number", [0, 1])
def test_offers_out_of_order_are_refused(number: int) -> None:
    here = side(NegotiationPhase.ANSWERING)
    here.described(to_sdp(OUR_ANSWER))

    with pytest.raises(RemoteError):
        here.received(Offer(number, THEIR_OFFER))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_flood_of_candidates_is_refused(number: int) -> None:
    here = side(NegotiationPhase.ANSWERING)
    for port in range(1, MAX_FOLLOWING + 1):
        here.received(Candidate(OFFER, number, address(port)))

    with pytest.raises(RemoteError):
        here.received(Candidate(OFFER, number, address(99)))


def test_a_flood_of_candidates_for_later_offers_is_refused() -> None:
    here = side()

    def flood() -> None:
        for number in range(1, 9):
            here.received(Offer(number, THEIR_OFFER))
            for port in range(1, 40):
                here.received(Candidate(OFFER, 1000, address(port)))
                assert len(here._kept) <= MAX_FOLLOWING

    with pytest.raises(RemoteError):
        flood()


def test_a_description_that_was_refused_ends_it() -> None:
    for phase in NegotiationPhase:
        here = side(phase)
        assert here.failed() == []
        assert here.phase is NegotiationPhase.FAILED
        assert here.needed() == here.renewed() == here.received(Offer(9, THEIR_OFFER)) == []
        assert here.described(to_sdp(OUR_ANSWER)) == here.found(attribute(1)) == []


# Every interleaving: two sides with a stack each, and between them a signaling session that may be lost.


@dataclass(frozen=True, slots=True)
class Stack:
    """What W3C WebRTC asks of a peer connection, as far as an exchange goes; it refuses what is out of order.

    A description is named after its place, and finds one candidate; credentials are numbered like it.
    """

    place: int
    can_roll_back: bool
    tasks: tuple[NegotiationStep, ...] = ()
    is_set: bool = False
    """Whether the first task is done, and the core has not been told of it."""
    made: int = 0
    local: Description | None = None
    remote: Description | None = None
    settled: tuple[Description, Description] | None = None
    """The local and the remote description of the last exchange that has ended."""
    replaces: str = ""
    """The credentials that are to be replaced ([[LocalIceCredentialsToReplace]] in the W3C's words)."""
    offers: bool = False
    known: frozenset[sdp.Candidate] = frozenset()
    unfound: sdp.Candidate | None = None
    found: frozenset[sdp.Candidate] = frozenset()

    def restarted(self) -> Stack:
        return replace(self, replaces=self.settled[0].ufrag) if self.settled is not None else self

    def given(self, steps: list[NegotiationStep]) -> Stack:
        """Take what the core wants done, and do what takes no time."""
        tasks = (*self.tasks, *(step for step in steps if not isinstance(step, Send)))
        return replace(self, tasks=tasks)._quick_ones()

    def _quick_ones(self) -> Stack:
        if not self.tasks or self.is_set:
            return self
        rest = replace(self, tasks=self.tasks[1:])
        match self.tasks[0]:
            case TakeAnswer(answer):
                assert self.offers, "an answer to no offer"
                return replace(rest, remote=answer, known=frozenset())._settle()._quick_ones()
            case TakeCandidate(candidate):
                assert self.remote is not None, "a candidate without a description"
                return replace(rest, known=self.known | {candidate})._quick_ones()
            case StartOver():
                assert not self.can_roll_back
                return Stack(self.place, self.can_roll_back, rest.tasks, made=self.made)._quick_ones()
        return replace(self, unfound=None)

    def _settle(self) -> Stack:
        assert self.local is not None
        assert self.remote is not None
        replaces = self.replaces if self.local.ufrag == self.replaces else ""
        return replace(self, offers=False, settled=(self.local, self.remote), replaces=replaces)

    def done(self) -> Stack:
        """The first task, which takes time, is done."""
        step, made = self.tasks[0], self.made + 1
        candidate = address(10 * made + self.place)
        begun = replace(self, is_set=True, made=made, unfound=candidate, found=frozenset())
        if isinstance(step, MakeOffer):
            local = self._described(OFFER, made, anew=self.settled is None or self.replaces != "")
            return replace(begun, local=local, offers=True)
        assert isinstance(step, TakeOffer)
        assert self.offers is step.rolls_back, "an offer in the wrong state"
        anew = self.settled is None or self.settled[1].ufrag != step.description.ufrag
        local = self._described(ANSWER, made, anew=anew)
        return replace(begun, local=local, remote=step.description, known=frozenset())._settle()

    def _described(self, kind: DescriptionKind, made: int, *, anew: bool) -> Description:
        ufrag = f"{self.place}u{made}" if anew or self.settled is None else self.settled[0].ufrag
        return description(kind, ufrag, f"{self.place}n{made}")

    def told(self) -> Stack:
        """The core has been told of it."""
        return replace(self, is_set=False, tasks=self.tasks[1:])._quick_ones()


LIMIT = 16
"""What no number and no queue here comes to, for there is little to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """A signal that is under way: `letter` makes one for all that are equal."""

    signal: Signal


letter = cache(Letter)
Step = Literal["needed", "done", "told", "found", "renewed"]
"""What can happen to a place, besides that a letter comes: what the methods of `Place` that are named so say."""


class Place:
    """A side with its stack. There is one object for all that are equal, which takes each step only once.

    Nothing else has a part in a step but the letter that comes, so what was found of it holds wherever it is taken.
    """

    def __init__(self, side: Negotiation, stack: Stack, places: dict[object, Place]) -> None:
        assert side._generation <= LIMIT
        assert len(side._kept) + len(side._found) <= LIMIT
        self.side = side
        self.stack = stack
        self._places = places
        self._taken: dict[Step | Letter, tuple[Place, tuple[Letter, ...]]] = {}
        own: list[Step] = []
        if stack.tasks and not stack.is_set:
            own.append("done")
        if stack.is_set:
            own.append("told")
        if stack.unfound is not None:
            own.append("found")
        self.own = tuple(own)
        """What comes by itself, whatever comes from the other side."""
        self.kept = frozenset(candidate.candidate for candidate in side._kept)

    @staticmethod
    def of(side: Negotiation, stack: Stack, places: dict[object, Place]) -> Place:
        """The one that is equal to this, of `places`."""
        key = (*vars(side).values(), stack)
        if key not in places:
            places[key] = Place(side, stack, places)
        return places[key]

    def after(self, step: Step | Letter) -> tuple[Place, tuple[Letter, ...]]:
        """Where this leads to, and what is sent."""
        if step not in self._taken:
            side = copy(self.side)
            stack, steps = step_of(self.stack, side, step)
            sent = tuple(letter(step.signal) for step in steps if isinstance(step, Send))
            self._taken[step] = Place.of(side, stack.given(steps), self._places), sent
        return self._taken[step]


def step_of(stack: Stack, side: Negotiation, step: Step | Letter) -> tuple[Stack, list[NegotiationStep]]:
    """Have it happen to a side and its stack; returns that, and what the side wants done."""
    match step:
        case "needed":
            return stack.restarted(), side.needed()
        case "done":
            return stack.done(), []
        case "told":
            assert stack.local is not None
            return stack.told(), side.described(_text(stack.local))
        case "found":
            assert stack.unfound is not None
            found = replace(stack, unfound=None, found=stack.found | {stack.unfound})
            return found, side.found(attribute(stack.unfound.port))
        case "renewed":
            return stack, side.renewed()
        case Letter(signal):
            return stack, side.received(signal)


class World(NamedTuple):
    """All that there is. Letters in `queues` are under way to the side of that place, in the session of now.

    `cut` says which sides have not noticed yet that a new session has begun; what these send is lost.
    """

    places: tuple[Place, Place]
    needs: tuple[int, int]
    """How often each side may still find that an exchange is needed."""
    losses: int
    """How often the session may still be lost."""
    queues: tuple[tuple[Letter, ...], tuple[Letter, ...]] = ((), ())
    cut: tuple[bool, bool] = (False, False)
    lost: frozenset[sdp.Candidate] = frozenset()

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more happens by itself."""
        return not any(place.own for place in self.places) and not any(self.cut) and not any(self.queues)

    def followers(self) -> Iterator[World]:
        """Every world that one step leads to."""
        if self.losses:
            yield self._session_lost()
        for at, place in enumerate(self.places):
            if self.needs[at]:
                yield self._after(at, "needed")._replace(needs=_put(self.needs, at, self.needs[at] - 1))
            for step in place.own:
                yield self._after(at, step)
            if self.cut[at]:
                yield self._after(at, "renewed")._replace(cut=_put(self.cut, at, False))
            elif self.queues[at]:
                came, *rest = self.queues[at]
                yield self._replace(queues=_put(self.queues, at, tuple(rest)))._after(at, came)

    def _after(self, at: int, step: Step | Letter) -> World:
        _, needs, losses, queues, cut, lost = self
        place, sent = self.places[at].after(step)
        if sent and cut[at] and step != "renewed":
            lost = lost.union(_candidates(*sent))
        elif sent:
            queues = _put(queues, 1 - at, queues[1 - at] + sent)
        return World(_put(self.places, at, place), needs, losses, queues, cut, lost)

    def _session_lost(self) -> World:
        lost = self.lost.union(_candidates(*self.queues[0], *self.queues[1]), *(place.kept for place in self.places))
        return self._replace(losses=self.losses - 1, queues=((), ()), cut=(True, True), lost=lost)


def _put(pair: tuple[T, T], at: int, value: T) -> tuple[T, T]:
    return (value, pair[1]) if at == 0 else (pair[0], value)


def _candidates(*letters: Letter) -> list[sdp.Candidate]:
    return [letter.signal.candidate for letter in letters if isinstance(letter.signal, Candidate)]


@cache
def _text(local: Description) -> str:
    return to_sdp(local)


def check_at_rest(world: World, *, begun: bool, restarts: bool) -> None:
    """Both sides are through, and agree; nothing was lost but with the session."""
    for place in world.places:
        assert place.side.phase is NegotiationPhase.STABLE
        assert place.side._held is None
        assert place.side._kept == ()
        assert not place.side._needed
    one, other = (place.stack for place in world.places)
    assert not one.offers
    assert not other.offers
    if not begun:
        return
    assert one.settled is not None
    assert other.settled is not None
    assert one.settled == other.settled[::-1]
    assert one.found <= other.known | world.lost
    assert other.found <= one.known | world.lost
    assert {one.settled[0].kind, other.settled[0].kind} == {OFFER, ANSWER}
    if restarts:
        assert one.replaces == other.replaces == "", "a restart that was asked for was not made"


def explore(needs: tuple[int, int], losses: int, *, can_roll_back: bool = True) -> int:
    """Go through every world that can come to be; returns how many there are.

    No world and no step is left out. It is quick because each world is compared by the identity of its parts, and
    because there are few places though there are many worlds: nearly every step was taken before in another world.
    """
    places: dict[object, Place] = {}
    polite = Place.of(Negotiation(polite=True, can_roll_back=can_roll_back), Stack(0, can_roll_back), places)
    impolite = Place.of(Negotiation(polite=False), Stack(1, True), places)
    first = World((polite, impolite), needs, losses)
    seen, waiting = {first}, [first]
    while waiting:
        world = waiting.pop()
        assert all(len(queue) <= LIMIT for queue in world.queues)  # nothing grows beyond what was asked for
        if world.is_at_rest:
            check_at_rest(world, begun=world.needs != needs, restarts=can_roll_back)
        for follower in world.followers():
            if follower not in seen:
                seen.add(follower)
                waiting.append(follower)
    return len(seen)


FEW = [((1, 1), 0), ((1, 0), 1), ((0, 1), 1), ((2, 0), 0), ((0, 2), 0)]
MANY = [((2, 1), 0), ((1, 2), 0), ((1, 1), 1), ((2, 2), 0)]


@pytest.mark.parametrize("can_roll_back", [True, False])
@pytest.mark.parametrize(("needs", "losses"), [*FEW, *(pytest.param(*case, marks=pytest.mark.slow) for case in MANY)])
def test_in_whatever_order_things_happen_both_sides_agree(
    needs: tuple[int, int], losses: int, can_roll_back: bool
) -> None:
    assert explore(needs, losses, can_roll_back=can_roll_back) > 250  # else it has not gone far
