"""The life of one link to one peer, as a transition table.

Theory of operation. A link begins when a person asks for an invite or pastes one. It is SIGNALING while codes travel
between the two people, which takes as long as people take. When both sides' descriptions are in place, ICE looks for
a path: CONNECTING. Over the path DTLS sets up the encryption and both sides prove who they are: SECURING. From then on
the link is OPEN. When the path breaks the link is LOST and comes back by itself if ICE finds the
path again; whatever ends it makes it CLOSED, with an `Ending` that says why.

The person who replies cannot know when their reply is pasted: on that side the link stays SIGNALING, although ICE
may already have found a path, until DTLS is through.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from pychat.core.bucket import Bucket
from pychat.core.conversation import ConversationId, LinkId, MeetingId
from pychat.core.gathering import Gathering
from pychat.core.handshake import Handshake, PublicKey, Role
from pychat.core.ice import IceConfig
from pychat.core.negotiation import Negotiation
from pychat.core.nudging import Nudging
from pychat.core.room import MemberId
from pychat.core.sdp import CandidateKind, Description
from pychat.core.stats import Stats
from pychat.core.sync import Incoming, Outgoing
from pychat.core.wire import Card


class Phase(Enum):
    SIGNALING = "signaling"
    CONNECTING = "connecting"
    SECURING = "securing"
    OPEN = "open"
    LOST = "lost"
    CLOSED = "closed"


class Step(Enum):
    """What moves a link from phase to phase."""

    DESCRIBED = auto()
    """The peer's description was given to WebRTC, and the peer is known to have ours."""
    PATH_FOUND = auto()
    """ICE found a path, or found it again."""
    ENCRYPTED = auto()
    """DTLS is through."""
    PROVED = auto()
    """Both sides have proved who they are."""
    PATH_BROKEN = auto()
    """ICE lost the path."""
    OVER = auto()
    """The link has ended for good."""


class Ending(Enum):
    """Why a link is closed."""

    LEFT = "left"
    PEER_LEFT = "peer-left"
    CHANNEL_CLOSED = "channel-closed"
    NO_ADDRESS = "no-address"
    NO_PATH = "no-path"
    NOT_SECURED = "not-secured"
    NO_GREETING = "no-greeting"
    PATH_LOST = "path-lost"
    BROKE_PROTOCOL = "broke-protocol"
    NOT_PROVED = "not-proved"
    NO_MATCH = "no-match"
    PEER_NO_MATCH = "peer-no-match"
    OTHER_VERSION = "other-version"
    REPLACED = "replaced"
    REFUSED = "refused"
    ELSEWHERE = "elsewhere"
    NO_ANSWER = "no-answer"
    FAILED_HERE = "failed-here"


TRANSITIONS: dict[tuple[Phase, Step], Phase] = {
    (Phase.SIGNALING, Step.DESCRIBED): Phase.CONNECTING,
    (Phase.SIGNALING, Step.ENCRYPTED): Phase.SECURING,
    (Phase.SIGNALING, Step.PROVED): Phase.OPEN,
    (Phase.CONNECTING, Step.PATH_FOUND): Phase.SECURING,
    (Phase.CONNECTING, Step.ENCRYPTED): Phase.SECURING,
    (Phase.CONNECTING, Step.PROVED): Phase.OPEN,
    (Phase.SECURING, Step.PROVED): Phase.OPEN,
    (Phase.OPEN, Step.PATH_BROKEN): Phase.LOST,
    (Phase.LOST, Step.PATH_FOUND): Phase.OPEN,
    **{(phase, Step.OVER): Phase.CLOSED for phase in Phase},
}
"""A step that has no line for the present phase changes nothing."""

PATIENCE: dict[Phase, tuple[float, Ending]] = {
    Phase.CONNECTING: (40.0, Ending.NO_PATH),
    Phase.SECURING: (30.0, Ending.NOT_SECURED),
    Phase.LOST: (120.0, Ending.PATH_LOST),
}
"""How many seconds a phase may last, and what the link ends of when it lasts longer. People have no limit."""


ANSWER_PATIENCE = 20.0
"""Seconds that a member of a room has to answer."""
RENAME_BURST, RENAME_INTERVAL = 64, 1.0
"""How often a peer may rename itself at once after a pause, and seconds until once more: each name is held against all
that are known."""


@dataclass(slots=True)
class Relayed:
    """What a link has that begins in a room: its number among those with that member, and how the two negotiate.

    `member` is the peer at the relay, as far as it is there; `answered_first` says that this side answered when DTLS
    was set up, and None that it is not yet; `said` and `heard` are the counts of the last authenticated signals of each
    side. `begun` is when it was begun. `refused` says that the peer takes nobody, said before it has proved who it is.
    """

    meeting: MeetingId
    number: int
    negotiation: Negotiation
    member: MemberId | None
    begun: float
    answered_first: bool | None = None
    restart_due: float | None = None
    said: int = 0
    heard: int = 0
    refused: bool = False


@dataclass(slots=True)
class Link:
    """One link. Times are seconds of the clock that the node is given; a `*_due` of None is not due at all.

    `peer` is the identity that was proved, `transcript` what both sides have signed; `held` are frames that wait until
    that is settled. `greeted` says that the peer has said anything, and so would understand a good-bye. `card` is the
    last one of the peer's, and `renamings` bounds how many others may come. `trickled` are the kinds of the candidates
    that this side has found one by one. `room` is how often the room of the two was renewed since the link began, as
    the one says who knows of more, and its secret.
    """

    id: LinkId
    role: Role
    conversation: ConversationId
    ice: IceConfig
    gathering: Gathering
    phase: Phase = Phase.SIGNALING
    ending: Ending | None = None
    detail: str = ""
    failed_in: Phase | None = None
    remote: Description | None = None
    code: str = ""
    ref: bytes = b""
    invite: bytes = b""
    path_found: bool = False
    handshake: Handshake | None = None
    peer: PublicKey | None = None
    card: Card | None = None
    renamings: Bucket = field(default_factory=lambda: Bucket(RENAME_BURST, RENAME_INTERVAL))
    greeted: bool = False
    transcript: bytes = b""
    held: list[str] = field(default_factory=list)
    outgoing: Outgoing | None = None
    incoming: Incoming = field(default_factory=Incoming)
    stats: Stats | None = None
    nudging: Nudging | None = None
    phase_due: float | None = None
    close_due: float | None = None
    relayed: Relayed | None = None
    trickled: set[CandidateKind] = field(default_factory=set)
    room: tuple[int, bytes] = (0, b"")

    @property
    def carded(self) -> bool:
        """Whether the peer has said what it is called."""
        return self.card is not None

    @property
    def silent_servers(self) -> list[str]:
        """The TURN servers of a link that got no candidate from any.

        Browsers need not say that one cannot be reached (`icecandidateerror`, W3C WebRTC, section 4.8.3): of one that
        does not answer Chromium says nothing for as long as such a link lasts.
        """
        described = self.gathering.description.candidates if self.gathering.description is not None else ()
        kinds = self.trickled.union(candidate.kind for candidate in (*described, *self.gathering.candidates))
        if CandidateKind.RELAYED in kinds:
            return []
        return [server.url for server in self.ice.servers if server.is_turn]

    @property
    def relayed_member(self) -> MemberId | None:
        """The peer's name at the relay, as far as it is there."""
        return self.relayed.member if self.relayed is not None else None

    @property
    def relayed_number(self) -> int:
        return self.relayed.number if self.relayed is not None else 0

    @property
    def run_out(self) -> Ending:
        """What the link ends of when its phase lasts too long."""
        if self.phase is Phase.SECURING and self.handshake is not None:
            return Ending.NO_GREETING  # the channel is open, so it is not the encryption that is missing
        return PATIENCE[self.phase][1] if self.phase in PATIENCE else Ending.NO_ANSWER

    def step(self, step: Step, now: float) -> bool:
        """Take a step; returns whether it changed the phase."""
        phase = TRANSITIONS.get((self.phase, step), self.phase)
        if phase is self.phase:
            return False
        self.phase = phase
        self.nudging = None  # only a side that waits needs it
        self.phase_due = now + PATIENCE[phase][0] if phase in PATIENCE else None
        return True

    def end(self, ending: Ending, detail: str, now: float) -> bool:
        """Close the link; returns whether it was not closed already."""
        before = self.phase
        if not self.step(Step.OVER, now):
            return False
        self.ending, self.detail, self.failed_in = ending, detail, before
        self.gathering.due = None
        return True

    def deadline(self) -> float | None:
        """The earliest time at which something is due."""
        nudge_due = self.nudging.due if self.nudging is not None else None
        answer_due = self.incoming.due if self.phase is Phase.OPEN else None
        due = (self.gathering.due, self.phase_due, nudge_due, self.close_due, answer_due)
        return min([time for time in due if time is not None], default=None)
