"""A link that begins in a room: how its two ends negotiate, and how each believes what the other says about it.

Before a link's peer is proved anybody in the room may have said what comes about it: that can only keep it from coming
about. Of one whose peer is proved only that peer is heard, by signals that are authenticated and counted.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from pychat.core import effects
from pychat.core.errors import LocalError, RemoteError
from pychat.core.ids import MemberId, PublicKey
from pychat.core.link import CloseReason, Link, LinkStep
from pychat.core.relay import envelope
from pychat.core.relay.envelope import Authenticated, OnLink, Refused, RoomBye
from pychat.core.services.links import Links
from pychat.core.webrtc.negotiation import (
    Answer,
    MakeOffer,
    Negotiation,
    NegotiationStep,
    Send,
    Signal,
    StartOver,
    TakeAnswer,
    TakeCandidate,
    TakeOffer,
)
from pychat.core.webrtc.sdp import Description, DescriptionKind, candidate_attribute, parse_description, to_sdp

AboutLink = OnLink | Refused | RoomBye
"""What the two ends of a link say about it over the relay."""


class Place(Protocol):
    """What a link needs of the room that it begins in."""

    @property
    def relay_address(self) -> str:
        """Where its relay is."""

    def say_about(self, one: "RoomLink", signal: AboutLink) -> None:
        """Say something about a link to its peer, in a way that it believes."""

    def on_changed(self, one: "RoomLink") -> None:
        """The phase of a link has changed."""


@dataclass(slots=True, eq=False)
class RoomLink:
    """A link that begins in a room: its number among those with that member, and how the two negotiate.

    `member` is the peer at the relay, as far as it is there; `answered_first` says that this side answered when DTLS
    was set up, and None that it is not yet; `sent` and `received` are the counts of the last authenticated signals of
    each side. `begun` is when it was begun, `secret` the room's at that time. `refused` says that the peer takes
    nobody, said before it has proved who it is.
    """

    place: Place
    links: Links
    attempt: int
    negotiation: Negotiation
    member: MemberId | None
    begun: float
    secret: bytes
    link: Link = field(init=False)
    answered_first: bool | None = None
    restart_at: float | None = None
    sent: int = 0
    received: int = 0
    refused: bool = False

    @property
    def code(self) -> str:
        """Nothing has to be handed over."""
        return ""

    @property
    def relay(self) -> str:
        """The address of the room's relay."""
        return self.place.relay_address

    @property
    def peer(self) -> PublicKey | None:
        """The identity that was proved, or None."""
        return self.link.peer

    # What this side has to tell.

    def on_local_description(self, link: Link, sdp: str) -> None:
        """Take the offer or answer of this side. Raises LocalError if it is not one for a single data channel."""
        kind = DescriptionKind.OFFER if self.negotiation.is_offering else DescriptionKind.ANSWER
        link.local = parse_description(kind, sdp)
        self.go_on(self.negotiation.described(sdp))

    def on_candidate(self, link: Link, attribute: str) -> None:
        """Take a candidate of this side."""
        self.go_on(self.negotiation.found(attribute))

    def on_gathering_finished(self, link: Link) -> None:
        """Candidates go one by one: nothing waits for the last."""

    def authenticated(self, signal: AboutLink, names: tuple[bytes, bytes]) -> AboutLink | Authenticated:
        """What is said about the link, so that its peer believes it: before that is proved it has to believe anybody.

        Args:
            names: our own name at the relay and that of the peer.
        """
        peer = self.link.authenticated
        if peer is None:
            return signal
        self.sent += 1
        return envelope.authenticate(peer.transcript, *names, self.sent, signal)

    # What the peer says.

    def is_authentic(self, signal: Authenticated, names: tuple[bytes, bytes]) -> bool:
        """Whether the proved peer of the link says so, and says it for the first time. `names` as for our own."""
        peer = self.link.authenticated
        if peer is None or signal.count <= self.received:
            return False
        ours, theirs = names
        due = envelope.authenticate(peer.transcript, theirs, ours, signal.count, signal.signal)
        if not hmac.compare_digest(due.mac, signal.mac):
            return False
        self.received = signal.count
        return True

    def take_signal(self, signal: Signal) -> None:
        """Take a description or a candidate; one that cannot be used ends the link."""
        try:
            self.go_on(self.negotiation.received(signal))
        except (RemoteError, LocalError) as error:
            self.links.fail(self.link, error)

    def restart(self) -> None:
        """Restart ICE, or begin the restart again that has come to nothing."""
        self.go_on(self.negotiation.needed() if self.negotiation.is_settled else self.negotiation.renewed())

    def go_on(self, steps: Iterable[NegotiationStep]) -> None:
        """Do what the negotiation asks for.

        Raises:
            RemoteError: the peer's certificate has changed.
        """
        link, emit = self.link, self.links.context.emit
        for step in steps:
            if link.remote is not None and self._needs_fresh_link(step):
                self.links.end_with_bye(link, CloseReason.PATH_LOST)
                return
            match step:
                case Send(signal):
                    self.place.say_about(self, OnLink(self.attempt, signal))
                    if isinstance(signal, Answer):
                        self.links.step(link, LinkStep.DESCRIBED)
                case MakeOffer():
                    emit(effects.CreateOffer(link.id, restart=link.remote is not None))
                case TakeOffer(description, _):
                    self._take(description)
                    if self.answered_first is None:
                        self.answered_first = True
                    emit(effects.AcceptOffer(link.id, to_sdp(description)))
                case TakeAnswer(description):
                    self._take(description)
                    if self.answered_first is None:
                        self.answered_first = False
                    emit(effects.AcceptAnswer(link.id, to_sdp(description, answerer_is_server=self.answered_first)))
                    self.links.step(link, LinkStep.DESCRIBED)
                case TakeCandidate(candidate, place):
                    emit(effects.AddCandidate(link.id, candidate_attribute(candidate, place)))
                case StartOver():
                    emit(effects.CloseConnection(link.id))
                    emit(effects.OpenConnection(link.id, link.ice))

    def _needs_fresh_link(self, step: NegotiationStep) -> bool:
        """Whether this cannot be done to a link whose peer is described already: it knows our certificate."""
        restarts = isinstance(step, TakeOffer) and not self.links.context.capabilities.can_restart
        return restarts or isinstance(step, StartOver)

    def _take(self, description: Description) -> None:
        link = self.link
        if link.remote is not None and link.remote.fingerprint != description.fingerprint:
            raise RemoteError("the peer's certificate has changed")  # what was proved was proved for the other one
        link.remote = description
