"""From the local description and the candidates that trickle in to one description that a code can carry.

A code goes out in one piece, so all candidates must be known when it is made. Waiting for the end of gathering is
best, but a dead STUN server would make a person wait ten seconds; so there is a limit, and it moves closer once a
candidate of the best kind to be expected has come.
"""

from dataclasses import dataclass, field, replace

from pychat.core.webrtc.sdp import (
    Candidate,
    CandidateKind,
    Description,
    DescriptionKind,
    choose_candidates,
    parse_candidate,
    parse_description,
)

PATIENCE = 5.0
"""Seconds after which the candidates at hand must do."""
BEST_PATIENCE = 1.0
"""Seconds to wait for more once one of the best kind is there, or the first one has come late."""


@dataclass(slots=True)
class Gathering:
    """What is known of this side so far. `best` is the kind of candidate worth waiting for.

    News may come in any order: candidates, and even the end of gathering, before the description itself.
    """

    kind: DescriptionKind
    best: CandidateKind
    description: Description | None = None
    candidates: list[Candidate] = field(default_factory=list)
    finished: bool = False
    due: float | None = None

    def describe(self, sdp: str, now: float) -> None:
        """Take the local description.

        Raises:
            LocalError: it is not one for a single data channel.
        """
        self.description = parse_description(self.kind, sdp)
        self.candidates = [*dict.fromkeys([*self.description.candidates, *self.candidates])]
        self.due = now + PATIENCE

    def add(self, attribute: str, now: float) -> None:
        """Take a candidate; one that is of no use to a peer is ignored."""
        candidate = parse_candidate(attribute)
        if candidate is None or candidate in self.candidates:
            return
        self.candidates.append(candidate)
        if self.description is not None and (candidate.kind is self.best or self.due is None):
            self.due = min(self.due or now + BEST_PATIENCE, now + BEST_PATIENCE)

    @property
    def in_vain(self) -> bool:
        """Whether gathering has ended without a single candidate."""
        return self.finished and self.description is not None and not self.candidates

    def result(self, now: float) -> Description | None:
        """The description for the code, or None while it is not time for it."""
        if self.description is None or not (self.finished or (self.due is not None and self.due <= now)):
            return None
        self.due = None
        if not self.candidates:
            return None  # the first one that comes late will do
        return replace(self.description, candidates=choose_candidates(self.candidates))
