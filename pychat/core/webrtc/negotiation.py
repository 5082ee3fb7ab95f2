"""Offers and answers between two sides that may both begin at any time: perfect negotiation.

Theory of operation. It is the pattern of W3C WebRTC, section 10.7. When both sides offer at the same time (glare), one
of them gives way: the polite side takes back its own offer and answers, the impolite one ignores what collides
with its own. The peers need nothing else to agree on than who of them is polite.

Signals keep their order, but all that is under way is lost when the session over which they go ends. So each side
counts its offers by generations, each above that of any offer that it has made or taken, an answer repeats that of its
offer, and a candidate names the description that it belongs to. What is of a former exchange is thereby known and
ignored, and whoever still waits for an answer when a new session begins makes a new offer. Numbers only rise, also
from session to session.

Our WebRTC stack does one thing after the other and takes its time. While it makes a description (OFFERING, ANSWERING),
the peer's offer is held; of several only the last one counts, for a peer makes another one only when it has given up
the first.

A peer's offer also does what we wanted of our own when it brings new ICE credentials, as the first one does and every
restart of ICE. If it does not, we offer again once the exchange is over.

A stack that cannot roll back starts over, with a fresh connection that has made no offer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from pychat.core.errors import RemoteError
from pychat.core.webrtc import sdp
from pychat.core.webrtc.sdp import (
    MAX_CANDIDATES,
    CandidateKind,
    Description,
    DescriptionKind,
    choose_candidates,
    is_reachable,
)

MAX_FOLLOWING = 64
"""Candidates that may follow one description; a peer that sends more wants to exhaust us. Of the first ones as many are
looked at as `sdp.MAX_CANDIDATES` says."""
_SHARES = {CandidateKind.HOST: 4, CandidateKind.SERVER_REFLEXIVE: 2, CandidateKind.RELAYED: 2}
"""Of each kind as many are sent while not all are known, so that those that are found last have a place."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer; its generation is one above the highest that its sender has made or taken."""

    generation: int
    description: Description


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the offer of that generation."""

    generation: int
    description: Description


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate found after its description was sent: of the sender's offer or answer of that generation."""

    kind: DescriptionKind
    generation: int
    candidate: sdp.Candidate


Signal = Offer | Answer | Candidate


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Make an offer and set it as the local description; `described` follows."""


@dataclass(frozen=True, slots=True)
class TakeOffer:
    """Set the peer's offer, after a rollback of our own if so; make and set an answer; `described` follows."""

    description: Description
    rolls_back: bool


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """Set the peer's answer."""

    description: Description


@dataclass(frozen=True, slots=True)
class TakeCandidate:
    """Give the ICE agent a candidate of the peer; `place` is its place among those of its description."""

    candidate: sdp.Candidate
    place: int


@dataclass(frozen=True, slots=True)
class StartOver:
    """Open a fresh connection in the place of this one."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a signal to the peer."""

    signal: Signal


NegotiationStep = MakeOffer | TakeOffer | TakeAnswer | TakeCandidate | StartOver | Send


class NegotiationPhase(Enum):
    """What is under way."""

    STABLE = auto()
    OFFERING = auto()
    """Our offer is being made."""
    OFFERED = auto()
    """Our offer waits for its answer."""
    ANSWERING = auto()
    """The peer's offer is being set, and our answer made."""
    FAILED = auto()
    """The stack has refused a description; whoever drives this ends the link."""


class News(Enum):
    """What can come."""

    NEEDED = auto()
    DESCRIBED = auto()
    OVERTAKEN = auto()
    """The local description is set, but an offer is held that has made it useless."""
    OFFER_OF_POLITE = auto()
    OFFER_OF_IMPOLITE = auto()
    ANSWER = auto()
    """The answer to our last offer."""
    RENEWED = auto()
    FAILED = auto()


class Act(Enum):
    """What is done about it."""

    MAKE_OFFER = auto()
    REMEMBER_NEED = auto()
    SEND_OFFER = auto()
    TAKE_OFFER = auto()
    HOLD_OFFER = auto()
    IGNORE_OFFER = auto()
    GIVE_WAY = auto()
    DROP_HELD = auto()
    SEND_ANSWER = auto()
    TAKE_ANSWER = auto()
    REFUSE = auto()
    GIVE_UP = auto()


TRANSITIONS: dict[tuple[NegotiationPhase, News], tuple[Act, NegotiationPhase]] = {
    (NegotiationPhase.STABLE, News.NEEDED): (Act.MAKE_OFFER, NegotiationPhase.OFFERING),
    (NegotiationPhase.STABLE, News.OFFER_OF_POLITE): (Act.TAKE_OFFER, NegotiationPhase.ANSWERING),
    (NegotiationPhase.STABLE, News.OFFER_OF_IMPOLITE): (Act.TAKE_OFFER, NegotiationPhase.ANSWERING),
    (NegotiationPhase.OFFERING, News.NEEDED): (Act.REMEMBER_NEED, NegotiationPhase.OFFERING),
    (NegotiationPhase.OFFERING, News.DESCRIBED): (Act.SEND_OFFER, NegotiationPhase.OFFERED),
    (NegotiationPhase.OFFERING, News.OVERTAKEN): (Act.GIVE_WAY, NegotiationPhase.ANSWERING),
    (NegotiationPhase.OFFERING, News.OFFER_OF_POLITE): (Act.IGNORE_OFFER, NegotiationPhase.OFFERING),
    (NegotiationPhase.OFFERING, News.OFFER_OF_IMPOLITE): (Act.HOLD_OFFER, NegotiationPhase.OFFERING),
    (NegotiationPhase.OFFERING, News.ANSWER): (Act.REFUSE, NegotiationPhase.OFFERING),
    (NegotiationPhase.OFFERING, News.RENEWED): (Act.DROP_HELD, NegotiationPhase.OFFERING),
    (NegotiationPhase.OFFERED, News.NEEDED): (Act.REMEMBER_NEED, NegotiationPhase.OFFERED),
    (NegotiationPhase.OFFERED, News.OFFER_OF_POLITE): (Act.IGNORE_OFFER, NegotiationPhase.OFFERED),
    (NegotiationPhase.OFFERED, News.OFFER_OF_IMPOLITE): (Act.GIVE_WAY, NegotiationPhase.ANSWERING),
    (NegotiationPhase.OFFERED, News.ANSWER): (Act.TAKE_ANSWER, NegotiationPhase.STABLE),
    (NegotiationPhase.OFFERED, News.RENEWED): (Act.MAKE_OFFER, NegotiationPhase.OFFERING),
    (NegotiationPhase.ANSWERING, News.NEEDED): (Act.REMEMBER_NEED, NegotiationPhase.ANSWERING),
    (NegotiationPhase.ANSWERING, News.DESCRIBED): (Act.SEND_ANSWER, NegotiationPhase.STABLE),
    (NegotiationPhase.ANSWERING, News.OVERTAKEN): (Act.TAKE_OFFER, NegotiationPhase.ANSWERING),
    (NegotiationPhase.ANSWERING, News.OFFER_OF_POLITE): (Act.HOLD_OFFER, NegotiationPhase.ANSWERING),
    (NegotiationPhase.ANSWERING, News.OFFER_OF_IMPOLITE): (Act.HOLD_OFFER, NegotiationPhase.ANSWERING),
    (NegotiationPhase.ANSWERING, News.RENEWED): (Act.DROP_HELD, NegotiationPhase.ANSWERING),
    **{(phase, News.FAILED): (Act.GIVE_UP, NegotiationPhase.FAILED) for phase in NegotiationPhase},
}
"""What has no line for the present phase is ignored."""

Exchange = tuple[DescriptionKind, int]
"""A description of one side: its offer of that generation, or its answer to the other's."""


class Negotiation:
    """One side of a pair; each method takes what has come and returns what is to be done, in this order.

    Everything that it keeps is bounded and immutable.

    Args:
        polite: whether this side gives way; the other one must not.
        can_roll_back: whether the WebRTC stack can take back an offer.
    """

    def __init__(self, *, polite: bool, can_roll_back: bool = True) -> None:
        self.phase = NegotiationPhase.STABLE
        self._polite = polite
        self._can_roll_back = can_roll_back
        self._needed = False
        self._generation = 0  # of our last offer
        self._theirs = 0  # of the peer's last offer
        self._held: Offer | None = None
        self._local: Exchange | None = None  # our description that was sent, to which what is found belongs
        self._found: tuple[sdp.Candidate, ...] = ()  # of the local description, which may still be in the making
        self._sent: tuple[sdp.Candidate, ...] = ()  # of these, what was sent
        self._remote: Exchange | None = None  # the peer's description that is in force
        self._ufrag = ""  # the peer's
        self._places = 0  # of the peer's candidates
        self._is_proved = False
        # The peer's: under its present ICE credentials, or all while it is not proved.
        self._looked_at: tuple[sdp.Candidate, ...] = ()
        self._kept: tuple[Candidate, ...] = ()  # those whose description has not come, or is held
        self._count = 0  # candidates since the peer's last description

    def prove(self) -> None:
        """The peer is proved: from now on it may restart ICE, and have others of its candidates looked at each time."""
        self._is_proved = True

    @property
    def is_settled(self) -> bool:
        """Whether no exchange is under way."""
        return self.phase is NegotiationPhase.STABLE

    @property
    def is_offering(self) -> bool:
        """Whether the description that is being made is an offer."""
        return self.phase is NegotiationPhase.OFFERING

    # What comes from this side.

    def needed(self) -> list[NegotiationStep]:
        """An exchange is needed: at the start, or because ICE is to be restarted."""
        return self._take(News.NEEDED)

    def described(self, text: str) -> list[NegotiationStep]:
        """Take the local description, which is now set.

        Raises:
            LocalError: it is not one for a single data channel.
        """
        if self._held is not None:
            return self._take(News.OVERTAKEN)
        kind = DescriptionKind.OFFER if self.phase is NegotiationPhase.OFFERING else DescriptionKind.ANSWER
        return self._take(News.DESCRIBED, sdp.parse_description(kind, text))

    def found(self, attribute: str) -> list[NegotiationStep]:
        """Take a candidate of our own; one that is of no use to a peer, or known to it, is ignored."""
        candidate = sdp.parse_candidate(attribute)
        if candidate is None or candidate in self._found or len(self._found) >= MAX_FOLLOWING:
            return []
        self._found += (candidate,)
        return self._send_late(candidate)

    def renewed(self) -> list[NegotiationStep]:
        """A new session has begun, or so it seems: what was on its way in the last one is lost."""
        self._kept, self._count = (), 0
        return self._take(News.RENEWED)

    def failed(self) -> list[NegotiationStep]:
        """The stack has refused a description."""
        return self._take(News.FAILED)

    # What comes from the peer.

    def received(self, signal: Signal) -> list[NegotiationStep]:
        """Take a signal of the peer.

        Raises:
            RemoteError: no peer that keeps to the protocol sends it.
        """
        match signal:
            case Offer():
                return self._offer(signal)
            case Answer():
                return self._answer(signal)
            case Candidate():
                return self._candidate(signal)

    def _offer(self, offer: Offer) -> list[NegotiationStep]:
        if offer.generation <= self._theirs:
            raise RemoteError("the peer's offers are out of order")
        self._theirs, self._count = offer.generation, 0
        self._kept = tuple(
            c for c in self._kept if c.kind is DescriptionKind.ANSWER or c.generation >= offer.generation
        )
        return self._take(News.OFFER_OF_IMPOLITE if self._polite else News.OFFER_OF_POLITE, offer)

    def _answer(self, answer: Answer) -> list[NegotiationStep]:
        if answer.generation > self._generation:
            raise RemoteError("the peer answers an offer that was not made")
        if answer.generation < self._generation:
            return []
        self._count = 0
        return self._take(News.ANSWER, answer)

    def _candidate(self, candidate: Candidate) -> list[NegotiationStep]:
        self._count += 1
        if self._count > MAX_FOLLOWING or len(self._kept) >= MAX_FOLLOWING:
            raise RemoteError("the peer sends candidates without end")
        if (candidate.kind, candidate.generation) == self._remote:
            return self._placed(candidate)
        if self._is_awaited(candidate):
            self._kept += (candidate,)
        return []

    def _is_awaited(self, candidate: Candidate) -> bool:
        """Whether the candidate's description may still come, or is held."""
        if candidate.kind is DescriptionKind.ANSWER:
            return self.phase is NegotiationPhase.OFFERED and candidate.generation == self._generation
        held = self._held is not None and candidate.generation == self._held.generation
        return held or candidate.generation > self._theirs

    # The acts.

    def _take(self, news: News, what: Description | Offer | Answer | None = None) -> list[NegotiationStep]:
        act, phase = TRANSITIONS.get((self.phase, news), (None, self.phase))
        if act is None:
            return []
        steps = _ACTS[act](self, what)
        self.phase = phase
        if phase is NegotiationPhase.STABLE and self._needed:
            steps += self._take(News.NEEDED)
        return steps

    def _make_offer(self, _: object) -> list[NegotiationStep]:
        self._needed = False
        self._generation = max(self._generation, self._theirs) + 1
        self._local, self._found = None, ()
        return [MakeOffer()]

    def _remember_need(self, _: object) -> list[NegotiationStep]:
        self._needed = True
        return []

    def _send_offer(self, description: object) -> list[NegotiationStep]:
        assert isinstance(description, Description)
        return self._send(Offer(self._generation, description))

    def _send_answer(self, description: object) -> list[NegotiationStep]:
        assert isinstance(description, Description)
        return self._send(Answer(self._theirs, description))

    def _send(self, signal: Offer | Answer) -> list[NegotiationStep]:
        description = signal.description
        self._local, self._sent = (description.kind, signal.generation), choose_candidates(description.candidates)
        late = [candidate for candidate in self._found if candidate not in description.candidates]
        self._found = (*description.candidates, *late)
        sent = replace(signal, description=replace(description, candidates=self._sent))
        return [Send(sent), *(step for candidate in late for step in self._send_late(candidate))]

    def _send_late(self, candidate: sdp.Candidate) -> list[NegotiationStep]:
        of_kind = sum(other.kind is candidate.kind for other in self._sent)
        if self._local is None or len(self._sent) >= MAX_CANDIDATES or of_kind >= _SHARES[candidate.kind]:
            return []
        self._sent += (candidate,)
        return [Send(Candidate(*self._local, candidate))]

    def _take_offer(self, offer: object) -> list[NegotiationStep]:
        return self._set_offer(offer, rolls_back=False)

    def _give_way(self, offer: object) -> list[NegotiationStep]:
        former = self._ufrag
        steps = self._set_offer(offer, rolls_back=self._can_roll_back)
        self._needed = self._needed or self._ufrag == former
        return steps if self._can_roll_back else [StartOver(), *steps]

    def _set_offer(self, offer: object, *, rolls_back: bool) -> list[NegotiationStep]:
        taken = offer or self._held
        assert isinstance(taken, Offer)
        self._held = None
        self._local, self._found = None, ()
        description, late = self._set(DescriptionKind.OFFER, taken)
        return [TakeOffer(description, rolls_back), *late]

    def _take_answer(self, answer: object) -> list[NegotiationStep]:
        assert isinstance(answer, Answer)
        description, late = self._set(DescriptionKind.ANSWER, answer)
        return [TakeAnswer(description), *late]

    def _set(self, kind: DescriptionKind, signal: Offer | Answer) -> tuple[Description, list[NegotiationStep]]:
        """The peer's description is in force, as far as it is looked at; what was kept for it is of use now."""
        description = signal.description
        if description.ufrag != self._ufrag and self._is_proved:
            self._looked_at = ()
        self._remote, self._ufrag = (kind, signal.generation), description.ufrag
        description = replace(description, candidates=tuple(filter(self._is_looked_at, description.candidates)))
        self._places = len(description.candidates)
        kept, self._kept = self._kept, ()
        steps: list[NegotiationStep] = []
        for candidate in kept:
            if (candidate.kind, candidate.generation) == self._remote:
                steps += self._placed(candidate)
            elif candidate.kind is DescriptionKind.OFFER and candidate.generation > self._theirs:
                self._kept += (candidate,)
        return description, steps

    def _placed(self, candidate: Candidate) -> list[NegotiationStep]:
        if not self._is_looked_at(candidate.candidate):
            return []
        self._places += 1
        return [TakeCandidate(candidate.candidate, self._places - 1)]

    def _is_looked_at(self, candidate: sdp.Candidate) -> bool:
        """Whether checks may go to a candidate of the peer; it is remembered, for only so many may."""
        if candidate not in self._looked_at:
            if not is_reachable(candidate) or len(self._looked_at) >= MAX_CANDIDATES:
                return False
            self._looked_at += (candidate,)
        return True

    def _hold_offer(self, offer: object) -> list[NegotiationStep]:
        assert isinstance(offer, Offer)
        self._held = offer
        return []

    def _ignore_offer(self, _: object) -> list[NegotiationStep]:
        self._kept = tuple(candidate for candidate in self._kept if self._is_awaited(candidate))
        return []

    def _drop_held(self, _: object) -> list[NegotiationStep]:
        self._held = None
        return []

    def _refuse(self, _: object) -> list[NegotiationStep]:
        raise RemoteError("the peer answers an offer that was not made")

    def _give_up(self, _: object) -> list[NegotiationStep]:
        self._held, self._kept, self._needed, self._local = None, (), False, None
        return []


_ACTS: dict[Act, Callable[[Negotiation, object], list[NegotiationStep]]] = {
    act: getattr(Negotiation, f"_{act.name.lower()}") for act in Act
}
