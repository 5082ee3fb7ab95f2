"""What comes out of the core: what the driver is to do, in this order."""

from dataclasses import dataclass
from typing import ClassVar

from pychat.core.identity import visited
from pychat.core.identity.contacts import STORE_KEY, Contact, keep
from pychat.core.ids import ChatId, LinkId, SessionId
from pychat.core.webrtc.ice import IceConfig


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """Make a peer connection with the pre-negotiated data channel “chat”."""

    link: LinkId
    ice: IceConfig


@dataclass(frozen=True, slots=True)
class CreateOffer:
    """Make an offer and set it as the local description; `LocalDescriptionReady` follows."""

    link: LinkId
    restart: bool = False
    """With new ICE credentials, so that a path is looked for again."""


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """Set the remote offer, make an answer, set it as the local description; `LocalDescriptionReady` follows.

    An offer of our own that is out is taken back.
    """

    link: LinkId
    sdp: str


@dataclass(frozen=True, slots=True)
class AcceptAnswer:
    """Set the remote answer."""

    link: LinkId
    sdp: str


@dataclass(frozen=True, slots=True)
class AddCandidate:
    """Give the ICE agent a candidate of the peer."""

    link: LinkId
    candidate: str


@dataclass(slots=True)  # a frozen one takes four times as long to make, and most effects are these
class SendFrame:
    """Send a frame, as text, over the data channel of a link."""

    link: LinkId
    data: str


@dataclass(frozen=True, slots=True)
class DrawNonce:
    """Draw 32 random bytes; `NonceDrawn` follows at once."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign with our own key; `Signed` follows."""

    link: LinkId
    data: bytes


@dataclass(frozen=True, slots=True)
class Verify:
    """Check an Ed25519 signature; `Verified` follows."""

    link: LinkId
    key: bytes
    signature: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class ConnectRelay:
    """Connect to the relay at this address; `RelayOpened` or `RelayClosed` follows."""

    session: SessionId
    url: str


@dataclass(frozen=True, slots=True)
class SendToRelay:
    """Send a text to the relay."""

    session: SessionId
    text: str


@dataclass(frozen=True, slots=True)
class CloseRelay:
    """Close the connection to the relay; nothing follows. `is_dead`: nothing comes over it any more."""

    session: SessionId
    is_dead: bool = False


@dataclass(frozen=True, slots=True)
class DrawBytes:
    """Draw random bytes; `BytesDrawn` follows at once."""

    session: SessionId
    size: int


@dataclass(frozen=True, slots=True)
class Derive:
    """Derive bytes by HKDF-SHA-256; `Derived` follows."""

    session: SessionId
    secret: bytes
    salt: bytes
    info: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Seal:
    """Encrypt by AES-256-GCM; `Sealed` follows."""

    session: SessionId
    ticket: int
    key: bytes
    nonce: bytes
    data: bytes
    associated_data: bytes


@dataclass(frozen=True, slots=True)
class Unseal:
    """Decrypt by AES-256-GCM; `Unsealed` follows."""

    session: SessionId
    ticket: int
    key: bytes
    nonce: bytes
    data: bytes
    associated_data: bytes


@dataclass(frozen=True, slots=True)
class TakeLease:
    """Take a name that only one of this person's programs and tabs can have; `LeaseTaken` follows."""

    session: SessionId
    name: str


@dataclass(frozen=True, slots=True)
class ReleaseLease:
    """Give a name back."""

    name: str


@dataclass(frozen=True, slots=True)
class KeepContacts:
    """Keep these contacts, new or changed, for the next time: `merged` into what the store has under `key`."""

    key: ClassVar[str] = STORE_KEY
    contacts: tuple[Contact, ...]

    def merged(self, kept: str | None) -> str:
        """What is to be kept instead of `kept`, which others of the same person may have written.

        Raises:
            ValueError: that is something else.
        """
        return keep(kept, self.contacts)


@dataclass(frozen=True, slots=True)
class KeepVisited:
    """Keep the mark of a room in which this person is (`visited`), for the next time: `merged`, as for contacts."""

    key: ClassVar[str] = visited.STORE_KEY
    mark: str

    def merged(self, kept: str | None) -> str:
        """What is to be kept instead of `kept`."""
        return visited.remember(kept, self.mark)


@dataclass(frozen=True, slots=True)
class KeptChanges:
    """What is new of one conversation: our head takes the place of our former one, the segment is added.

    Of the heads that were `found`, by their runs, those go that still have the version that was found.
    """

    conversation: ChatId
    head: bytes
    segment: bytes | None
    found: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class WriteJournal:
    """Write all of this into the journal, or nothing of it; `JournalWritten` or `JournalFailed` follows."""

    ticket: int
    changes: tuple[KeptChanges, ...]


@dataclass(frozen=True, slots=True)
class ReadJournal:
    """Read no more than `most` segments of a conversation, the last ones before a position (None: the very last).

    `from_start`: the very first ones instead, the first one first. `JournalRead` or `JournalFailed` follows.
    """

    ticket: int
    conversation: ChatId
    before: int | None
    most: int
    from_start: bool = False


@dataclass(frozen=True, slots=True)
class MergeInJournal:
    """Put one segment in the place of these, each with its position, unless they have changed since they were read.

    `JournalFailed` may follow.
    """

    ticket: int
    conversation: ChatId
    segments: tuple[tuple[int, bytes], ...]
    segment: bytes


@dataclass(frozen=True, slots=True)
class DeleteFromJournal:
    """Delete a conversation, as far as it was kept, or its segments up to a position; `JournalFailed` may follow."""

    ticket: int
    conversation: ChatId
    until: int | None = None


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close the peer connection; nothing follows."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class ReadStats:
    """Read the statistics; `StatsRead` follows."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class OfferCodeToTabs:
    """Offer a reply to the other tabs of this browser."""

    text: str


@dataclass(frozen=True, slots=True)
class TellTabsCodeTaken:
    """Tell the tab that offered this reply that it has arrived."""

    text: str


@dataclass(frozen=True, slots=True)
class TellTabsKept:
    """Tell the other tabs of this browser what is in the journal now."""

    changes: tuple[KeptChanges, ...]


Effect = (
    OpenConnection
    | CreateOffer
    | AcceptOffer
    | AcceptAnswer
    | AddCandidate
    | SendFrame
    | DrawNonce
    | Sign
    | Verify
    | ConnectRelay
    | SendToRelay
    | CloseRelay
    | DrawBytes
    | Derive
    | Seal
    | Unseal
    | TakeLease
    | ReleaseLease
    | KeepContacts
    | KeepVisited
    | WriteJournal
    | ReadJournal
    | MergeInJournal
    | DeleteFromJournal
    | CloseConnection
    | ReadStats
    | OfferCodeToTabs
    | TellTabsCodeTaken
    | TellTabsKept
)
