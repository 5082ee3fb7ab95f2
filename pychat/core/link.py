"""The life of one link to one peer, as a transition table.

Theory of operation. A link begins when a person asks for an invite or pastes one. It is SIGNALING while codes travel
between the two people, which takes as long as people take. When both sides' descriptions are in place, ICE looks for
a path: CONNECTING. Over the path DTLS sets up the encryption and both sides prove who they are: SECURING. From then on
the link is OPEN. When the path breaks the link is LOST and comes back by itself if ICE finds the
path again; whatever ends it makes it CLOSED, with an `CloseReason` that says why.

The person who replies cannot know when their reply is pasted: on that side the link stays SIGNALING, although ICE
may already have found a path, until DTLS is through.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Protocol

from pychat.core.bucket import Bucket
from pychat.core.errors import LocalError
from pychat.core.handshake import Binding, Handshake, Role
from pychat.core.ids import AuthorId, ChatId, LinkId, PublicKey, RoomId
from pychat.core.sync import Incoming, Outgoing
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.sdp import CandidateKind, Description, parse_candidate
from pychat.core.webrtc.stats import Stats
from pychat.core.wire import Introduce


class LinkPhase(Enum):
    """How far a link has come (see above)."""

    SIGNALING = "signaling"
    CONNECTING = "connecting"
    SECURING = "securing"
    OPEN = "open"
    LOST = "lost"
    CLOSED = "closed"


class LinkStep(Enum):
    """What moves a link from phase to phase."""

    DESCRIBED = auto()
    """The peer's description was given to WebRTC, and the peer is known to have ours."""
    PATH_FOUND = auto()
    """ICE found a path, or found it again."""
    ENCRYPTED = auto()
    """DTLS is through."""
    AUTHENTICATED = auto()
    """Both sides have proved who they are."""
    PATH_BROKEN = auto()
    """ICE lost the path."""
    OVER = auto()
    """The link has ended for good."""


class CloseReason(Enum):
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


TRANSITIONS: dict[tuple[LinkPhase, LinkStep], LinkPhase] = {
    (LinkPhase.SIGNALING, LinkStep.DESCRIBED): LinkPhase.CONNECTING,
    (LinkPhase.SIGNALING, LinkStep.ENCRYPTED): LinkPhase.SECURING,
    (LinkPhase.SIGNALING, LinkStep.AUTHENTICATED): LinkPhase.OPEN,
    (LinkPhase.CONNECTING, LinkStep.PATH_FOUND): LinkPhase.SECURING,
    (LinkPhase.CONNECTING, LinkStep.ENCRYPTED): LinkPhase.SECURING,
    (LinkPhase.CONNECTING, LinkStep.AUTHENTICATED): LinkPhase.OPEN,
    (LinkPhase.SECURING, LinkStep.AUTHENTICATED): LinkPhase.OPEN,
    (LinkPhase.OPEN, LinkStep.PATH_BROKEN): LinkPhase.LOST,
    (LinkPhase.LOST, LinkStep.PATH_FOUND): LinkPhase.OPEN,
    **{(phase, LinkStep.OVER): LinkPhase.CLOSED for phase in LinkPhase},
}
"""A step that has no line for the present phase changes nothing."""

TIMEOUTS: dict[LinkPhase, tuple[float, CloseReason]] = {
    LinkPhase.CONNECTING: (40.0, CloseReason.NO_PATH),
    LinkPhase.SECURING: (30.0, CloseReason.NOT_SECURED),
    LinkPhase.LOST: (120.0, CloseReason.PATH_LOST),
}
"""How many seconds a phase may last, and what the link ends of when it lasts longer. People have no limit."""


MAX_INTRODUCED = 64
"""Logs of a peer that it may go back to as often as it likes; each of its tabs has one."""
ANSWER_PATIENCE = 20.0
"""Seconds that a member of a room has to answer."""
RENAME_BURST, RENAME_INTERVAL = 256, 1.0
"""How often a peer may rename itself at once after a pause, and seconds until once more: each name is held against all
that are known."""


class Signaling(Protocol):
    """How the descriptions and candidates of a link get to its peer: by the hands of people, over a relay …"""

    @property
    def code(self) -> str:
        """What the person has to hand over, or ""."""

    @property
    def relay(self) -> str:
        """The address of the relay over which it goes, or ""."""

    def on_local_description(self, link: "Link", sdp: str) -> None:
        """Take the offer or answer of this side. Raises LocalError if it is not one for a single data channel."""

    def on_candidate(self, link: "Link", attribute: str) -> None:
        """Take a candidate of this side."""

    def on_gathering_finished(self, link: "Link") -> None:
        """There are no more candidates of this side."""


@dataclass(slots=True)
class AuthenticatedPeer:
    """Who has proved to be at the other end of a link, and what is known of them over it.

    `transcript` is what both sides have signed. `introduction` is the last one of the peer's, `introduced_logs` are the
    last logs that it has named, and `renamings` bounds how many other names and logs may come. `outgoing` is there once
    the peer has said what it has, `have`, and `pending` are the logs whose turn comes after the one that is being sent.
    `room` is how often the room of the two was renewed since the link began, as the one says who knows of more, and its
    secret. `rendezvous_proposed` and `rendezvous_agreed` say that it was told by what the two can find each other
    again, and that the peer has, too.
    """

    key: PublicKey
    transcript: bytes
    introduction: Introduce | None = None
    renamings: Bucket = field(default_factory=lambda: Bucket(RENAME_BURST, RENAME_INTERVAL))
    introduced_logs: deque[AuthorId] = field(default_factory=partial(deque, maxlen=MAX_INTRODUCED))
    outgoing: Outgoing | None = None
    have: dict[AuthorId, int] = field(default_factory=dict)
    pending: list[AuthorId] = field(default_factory=list)
    incoming: Incoming = field(default_factory=Incoming)
    room: tuple[int, bytes] = (0, b"")
    rendezvous_proposed: bool = False
    rendezvous_agreed: bool = False


@dataclass(slots=True, eq=False)
class Link:
    """One link. Times are seconds as `Context.now`; None is not at all.

    `binding` ties the handshake to the invite or the room. `room` is the room in which it began, `chat` where it is
    shown, if anywhere. `local` and `remote` are the descriptions of both sides, `trickled` the kinds of the candidates
    that this side has found. `handshake` is there once the channel is open, `pending_frames` wait until it goes on.
    `heard_from_peer` says that the peer has said anything, and so would understand a good-bye.
    """

    id: LinkId
    role: Role
    ice: IceConfig
    signaling: Signaling
    room: RoomId | None = None
    chat: ChatId | None = None
    binding: bytes = b""
    phase: LinkPhase = LinkPhase.SIGNALING
    close_reason: CloseReason | None = None
    detail: str = ""
    failed_in: LinkPhase | None = None
    local: Description | None = None
    remote: Description | None = None
    trickled: set[CandidateKind] = field(default_factory=set)
    path_found: bool = False
    handshake: Handshake | None = None
    authenticated: AuthenticatedPeer | None = None
    heard_from_peer: bool = False
    pending_frames: list[str] = field(default_factory=list)
    stats: Stats | None = None
    times_out_at: float | None = None
    close_at: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.phase is not LinkPhase.CLOSED

    @property
    def code(self) -> str:
        """The code that the person has to hand over, or ""."""
        return self.signaling.code

    @property
    def relay(self) -> str:
        """The address of the relay over which it began, or ""."""
        return self.signaling.relay

    @property
    def peer(self) -> PublicKey | None:
        """The identity that was proved, or None."""
        return self.authenticated.key if self.authenticated is not None else None

    @property
    def introduced(self) -> bool:
        """Whether the peer has said what it is called."""
        return self.authenticated is not None and self.authenticated.introduction is not None

    @property
    def silent_servers(self) -> list[str]:
        """The TURN servers of a link that got no candidate from any.

        Browsers need not say that one cannot be reached (`icecandidateerror`, W3C WebRTC, section 4.8.3): of one that
        does not answer Chromium says nothing for as long as such a link lasts.
        """
        described = self.local.candidates if self.local is not None else ()
        if CandidateKind.RELAYED in self.trickled.union(candidate.kind for candidate in described):
            return []
        return [server.url for server in self.ice.servers if server.is_turn]

    @property
    def run_out(self) -> CloseReason:
        """What the link ends of when its phase lasts too long."""
        if self.phase is LinkPhase.SECURING and self.handshake is not None:
            return CloseReason.NO_GREETING  # the channel is open, so it is not the encryption that is missing
        return TIMEOUTS[self.phase][1] if self.phase in TIMEOUTS else CloseReason.NO_ANSWER

    def found(self, attribute: str) -> None:
        """Note what kind of candidate this side has found."""
        candidate = parse_candidate(attribute)
        if candidate is not None:
            self.trickled.add(candidate.kind)

    def begin_handshake(self, key: PublicKey, versions: tuple[int, ...]) -> None:
        """The channel is open: both sides prove who they are.

        Raises:
            LocalError: a side is not described.
        """
        if self.local is None or self.remote is None:
            raise LocalError("the channel opened before the connection was described")
        prints = self.local.fingerprint, self.remote.fingerprint
        inviter, replier = prints if self.role is Role.INVITER else reversed(prints)
        self.handshake = Handshake(self.id, self.role, key, Binding(self.binding, inviter, replier), versions)

    def authenticate(self) -> bool:
        """Note who has proved to be there; returns whether that is news."""
        if self.authenticated is not None or self.handshake is None or not self.handshake.done:
            return False
        self.authenticated = AuthenticatedPeer(self.handshake.peer_key, self.handshake.transcript())
        return True

    def step(self, step: LinkStep, now: float) -> bool:
        """Take a step; returns whether it changed the phase."""
        phase = TRANSITIONS.get((self.phase, step), self.phase)
        if phase is self.phase:
            return False
        self.phase = phase
        self.times_out_at = now + TIMEOUTS[phase][0] if phase in TIMEOUTS else None
        return True

    def end(self, close_reason: CloseReason, detail: str, now: float) -> bool:
        """Close the link; returns whether it was not closed already."""
        before = self.phase
        if not self.step(LinkStep.OVER, now):
            return False
        self.close_reason, self.detail, self.failed_in = close_reason, detail, before
        return True

    def deadline(self) -> float | None:
        """The earliest time at which something is due."""
        return min([at for at in (self.times_out_at, self.close_at) if at is not None], default=None)
