"""What the driver may ask of the world. Each port does only what this program needs and decides nothing."""

from collections.abc import Callable, Sequence
from typing import Protocol

from pychat.core.effects import KeptChanges
from pychat.core.events import Event
from pychat.core.ids import LinkId, SessionId
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.sdp import DescriptionKind
from pychat.core.webrtc.stats import Stats

Post = Callable[[Event], None]
"""Hands an event to the driver, which may handle it at once; called in the loop's thread, as the last thing done."""


class PortError(Exception):
    """The platform refused what was asked; the text is in the platform's words."""


class JournalUnreadable(PortError):
    """What was said before cannot be read any more, for its key is missing or damaged. It is left as it is."""


class DataChannel(Protocol):
    """An ordered, reliable data channel for text messages."""

    def send(self, data: str) -> None:
        """Put one message on the channel. Raises PortError when the channel is not open or its buffer is full."""

    def close(self) -> None:
        """Close the channel."""


class PeerConnection(Protocol):
    """A WebRTC peer connection (W3C WebRTC, section 4.4).

    It posts `IceStateChanged`, `ConnectionStateChanged`, for its channels `ChannelOpened`, `ChannelClosed` and
    `FrameReceived`, and where the stack trickles `CandidateFound` and `GatheringFinished`. Every method may raise
    PortError.
    """

    async def offer(self, *, restart: bool = False) -> str:
        """Make an offer, set it, begin to gather candidates, and return the local description now in force.

        Where the stack does not trickle, it returns once all candidates are gathered, and they are in it.

        Args:
            restart: with new ICE credentials; of a stack that can restart.
        """

    async def answer(self) -> str:
        """The same with an answer to the offer that was taken last."""

    async def set_remote_description(self, kind: DescriptionKind, sdp: str) -> None:
        """Set the description of the peer, an offer or an answer."""

    async def add_candidate(self, candidate: str) -> None:
        """Give the ICE agent a candidate of the peer; while there is no path, the checks of a known one start over."""

    def open_channel(self, label: str, channel_id: int) -> DataChannel:
        """Open a channel that both sides know beforehand by its id ("negotiated" in the W3C's words)."""

    async def stats(self) -> Stats:
        """The few statistics that a person may want, as they are now."""

    def close(self) -> None:
        """End it at once; after this it posts nothing more."""


class PeerConnectionFactory(Protocol):
    """Makes peer connections of one WebRTC stack. Raises PortError when it refuses."""

    @property
    def capabilities(self) -> Capabilities:
        """What this stack can do."""

    def __call__(self, link: LinkId, ice: IceConfig, post: Post) -> PeerConnection:
        """Make a peer connection for this link; it posts its events with `post`."""


class RelayConnection(Protocol):
    """A WebSocket to the relay (docs/reference/relay.md).

    It posts `RelayOpened`, `RelayHeard` and, at last, `RelayClosed`.
    """

    def send(self, text: str) -> None:
        """Send one message; what comes too late is lost without a word."""

    def close(self) -> None:
        """End it at once; after this it posts nothing more."""


RelayFactory = Callable[[SessionId, str, Post], RelayConnection]
"""Connects to the relay at an address. Raises PortError when that is none."""


class Tabs(Protocol):
    """The other tabs of this browser; it posts `CodeFromTab`, `CodeTakenByTab` and `KeptByTab`."""

    def offer_code(self, text: str) -> None:
        """Ask the other tabs whether one of them waits for this code."""

    def tell_code_taken(self, text: str) -> None:
        """Tell the other tabs that this one has taken the code."""

    def tell_kept(self, changes: Sequence[KeptChanges]) -> None:
        """Tell the other tabs what is in the journal now."""


class Leases(Protocol):
    """Names that only one of this person's programs and tabs can hold at a time.

    Whoever holds one does so until it is released, or the program or tab ends, however it ends.
    """

    async def take(self, name: str) -> bool:
        """Whether the name, of hexadecimal digits, is ours now, or was already; True where nobody can tell."""

    def release(self, name: str) -> None:
        """Let others have it; what is not ours stays as it is."""


class Crypto(Protocol):
    """The identity of the person here, and what is to be done with keys. Every method may raise PortError."""

    @property
    def public_key(self) -> bytes:
        """The Ed25519 public key, 32 bytes (RFC 8032); the private one never leaves the adapter."""

    def random(self, size: int) -> bytes:
        """Bytes from the system's source of randomness."""

    async def sign(self, data: bytes) -> bytes:
        """The Ed25519 signature, 64 bytes, with our own key."""

    async def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        """Whether the Ed25519 signature is this key's; False also for what is no key."""

    async def derive(self, secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
        """Bytes that follow from a secret, by HKDF with SHA-256 (RFC 5869)."""

    async def stretch(self, passphrase: bytes, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
        """A key of 32 bytes that follows from a passphrase, by Argon2id (RFC 9106): it takes so many KiB of memory."""

    async def seal(self, key: bytes, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Encrypt with AES-256-GCM: a key of 32 bytes, a nonce of 12 for each text; the tag of 16 is at the end."""

    async def unseal(self, key: bytes, nonce: bytes, sealed: bytes, associated_data: bytes) -> bytes | None:
        """What was sealed, or None where key, nonce, text and associated_data do not fit each other."""


class Store(Protocol):
    """Keeps small texts across visits, for all programs and tabs of one person.

    Once one of them has erased everything, what the others save is refused: they are somebody who is no more.
    """

    def load(self, key: str) -> str | None:
        """None when nothing is kept. Raises PortError when what is kept cannot be read."""

    def save(self, key: str, text: str) -> None:
        """Raises PortError when nothing can be kept (a full disk, a private window)."""

    def update(self, key: str, change: Callable[[str | None], str]) -> None:
        """Save what `change` makes of what is kept, with no other program's change in between where that can be had.

        Raises PortError as `load` and `save` do; what `change` raises passes, and then nothing is saved.
        """


class Journal(Protocol):
    """Keeps what was said, for all programs and tabs of one person on this device, so that nobody else can read it.

    A conversation has a head for each run of a program, which is overwritten, and segments, which are added; all are
    sealed, and so is which conversation they belong to. Every method may raise PortError, as while it is locked; those
    that write do all or nothing, and once they have returned it is there whatever happens.
    """

    @property
    def is_locked(self) -> bool:
        """Whether a passphrase is wanted before anything can be read or written."""

    @property
    def has_passphrase(self) -> bool:
        """Whether one was wanted when it was opened, or was set since."""

    async def unlock(self, passphrase: str) -> bool:
        """Whether this is the one; from then on all can be read and written."""

    async def lock(self, passphrase: str, current: str = "") -> bool:
        """Want a passphrase whenever it is opened from now on, or none with "".

        What is open stays so, here and in other programs and tabs. False: `current` is not the one wanted by now.
        """

    async def heads(self) -> list[tuple[str, str, int, bytes]]:
        """The heads: of which conversation, of which run, the version, and the head. What is damaged is left out."""

    async def read(self, chat: str, before: int | None, most: int) -> list[tuple[int, bytes]]:
        """Segments with their positions, the last one first: no more than `most`, and those before a position.

        One that is damaged is b"".
        """

    async def read_first(self, chat: str, most: int) -> list[tuple[int, bytes]]:
        """The same from the other end: the first segments that there are, the first one first."""

    async def write(self, changes: Sequence[KeptChanges]) -> None:
        """Overwrite the heads of this run, and add segments: each at a position above all that there are."""

    async def merge(self, chat: str, segments: Sequence[tuple[int, bytes]], segment: bytes) -> None:
        """Put one segment in the place of these, which follow each other, the first one first: at its position.

        Each comes with its position, as it was read. Where they are not all there any more, or others are between them,
        or somebody has put another segment in the place of one of them since, nothing is done.
        """

    async def delete(self, chat: str, until: int | None = None) -> None:
        """Delete a conversation, its heads and its segments; or its segments up to a position."""

    def close(self) -> None:
        """End it; what is under way is done before."""


Clock = Callable[[], float]
"""Seconds since 1970."""
