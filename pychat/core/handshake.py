"""Both sides prove who they are, bound to this very connection, before anything else crosses a link.

Theory of operation. DTLS encrypts to whoever holds the key whose fingerprint was in the code; whoever swaps both
codes on their way can sit in between. So the two sides sign, each with the Ed25519 key (RFC 8032) of their identity,
a transcript of everything that an attacker could have changed: the invite, the fingerprints in use at both ends, the
versions that both speak, both identities, and a fresh nonce of each. One in the middle sees other fingerprints on
each side, so that no signature of one leg fits the other. That is SIGMA's pattern (Krawczyk, 2003), with DTLS in the
place of its key exchange.

Whoever has not met before learns from a signature only that the peer has some key. So the two people compare a short
string that is made of the transcript (`safety.short_string`), and for an attacker in the middle it must be a matter
of one guess. The inviter commits to its key and nonce before it sees the replier's, as in ZRTP (RFC 6189, section
4.4.1.1) and in Matrix's verification: whoever would try out nonces until both strings are alike has to fix one
without knowing the other.

    inviter                                                            replier
       hello   versions, commitment            ─────────────────────────▶
       ◀─────────────────────────            hello   versions, key, nonce
       reveal  key, nonce, signature           ─────────────────────────▶
       ◀─────────────────────────                           proof   signature

The replier knows the inviter after one round trip and a half, the inviter the replier after two.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum, auto

from pychat.core import effects, wire
from pychat.core.errors import RemoteError
from pychat.core.ids import KEY_SIZE, LinkId, PublicKey

NONCE_SIZE = FINGERPRINT_SIZE = 32
SIGNATURE_SIZE = 64


class Failure(RemoteError):
    """The peer has not proved who it is."""


class Role(Enum):
    """The inviter commits, the replier answers."""

    INVITER = "inviter"
    REPLIER = "replier"


class Stage(Enum):
    """What a handshake waits for."""

    NONCE = auto()
    HELLO = auto()
    REVEAL = auto()
    OWN_SIGNATURE = auto()
    PROOF = auto()
    VERDICT = auto()
    DONE = auto()


ORDER: dict[Role, tuple[Stage, ...]] = {
    Role.INVITER: (Stage.NONCE, Stage.HELLO, Stage.OWN_SIGNATURE, Stage.PROOF, Stage.VERDICT, Stage.DONE),
    Role.REPLIER: (Stage.NONCE, Stage.HELLO, Stage.REVEAL, Stage.VERDICT, Stage.OWN_SIGNATURE, Stage.DONE),
}
"""The stages of each side, one after the other. What comes at another stage than its own is the peer's mistake."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What ties a handshake to its connection: the SHA-256 of the invite's bytes, and of both DTLS certificates.

    The fingerprints are those that this side sees in use: of its own certificate, and of the one that DTLS has checked.
    """

    invite: bytes
    inviter_fingerprint: bytes
    replier_fingerprint: bytes


HandshakeStep = effects.SendFrame | effects.Sign | effects.Verify


class Handshake:
    """One side of one handshake; each method takes what has come and returns what is to be done.

    Args:
        link: over which it goes.
        role: which of the two this is.
        key: our own identity.
        binding: of this connection, as this side sees it.
        versions: those that this side speaks.
    """

    def __init__(self, link: LinkId, role: Role, key: PublicKey, binding: Binding, versions: tuple[int, ...]) -> None:
        self._link = link
        self.role = role
        self.peer: PublicKey | None = None
        """The peer's identity; it counts only once the handshake is done."""
        self._key = key
        self._binding = binding
        self._versions = versions
        self._their_versions: tuple[int, ...] = ()
        self._nonce = self._their_nonce = self._commitment = b""
        self._stages = iter(ORDER[role])
        self.stage = next(self._stages)

    @property
    def peer_key(self) -> PublicKey:
        """The same, where the peer has said it."""
        if self.peer is None:
            raise RemoteError("the peer's greeting is out of order")
        return self.peer

    @property
    def done(self) -> bool:
        """Whether both sides have proved who they are."""
        return self.stage is Stage.DONE

    @property
    def shows_signs(self) -> bool:
        """Whether the peer can know the short string by now, though it has not proved who it is."""
        if self.role is Role.INVITER:
            return self.stage in (Stage.PROOF, Stage.VERDICT)
        return self.stage in (Stage.REVEAL, Stage.VERDICT, Stage.OWN_SIGNATURE)

    @property
    def busy(self) -> bool:
        """Whether this side waits for its own keys; what the peer says meanwhile has to wait."""
        return self.stage in (Stage.NONCE, Stage.OWN_SIGNATURE, Stage.VERDICT)

    def nonce_drawn(self, nonce: bytes) -> list[HandshakeStep]:
        """Take 32 fresh random bytes."""
        self._advance(Stage.NONCE)
        self._nonce = nonce
        if self.role is Role.REPLIER:
            return []
        return [self._send(wire.Hello(self._versions, (commitment(self._key, nonce),)))]

    def hello(self, hello: wire.Hello) -> list[HandshakeStep]:
        """Take the peer's greeting, whose versions have one in common with ours.

        Raises:
            RemoteError: it has not the form that the peer's side has.
        """
        self._advance(Stage.HELLO)
        self._their_versions = hello.versions
        if self.role is Role.REPLIER:
            (self._commitment,) = _parts(hello, KEY_SIZE)
            return [self._send(wire.Hello(self._versions, (self._key, self._nonce)))]
        self.peer, self._their_nonce = _parts(hello, KEY_SIZE, NONCE_SIZE)
        self._check_nonce()
        return [effects.Sign(self._link, self._signed_by(self.role))]

    def reveal(self, reveal: wire.Reveal) -> list[HandshakeStep]:
        """Take what the inviter has committed to.

        Raises:
            Failure: it is not that.
        """
        self._advance(Stage.REVEAL)
        self.peer, self._their_nonce = reveal.key, reveal.nonce
        self._check_commitment()
        self._check_nonce()
        return [effects.Verify(self._link, reveal.key, reveal.signature, self._signed_by(Role.INVITER))]

    def proof(self, proof: wire.Proof) -> list[HandshakeStep]:
        """Take the replier's signature."""
        self._advance(Stage.PROOF)
        return [effects.Verify(self._link, self.peer_key, proof.signature, self._signed_by(Role.REPLIER))]

    def signed(self, signature: bytes) -> list[HandshakeStep]:
        """Take our own signature."""
        self._advance(Stage.OWN_SIGNATURE)
        if self.role is Role.REPLIER:
            return [self._send(wire.Proof(signature))]
        return [self._send(wire.Reveal(self._key, self._nonce, signature))]

    def verified(self, genuine: bool) -> list[HandshakeStep]:
        """Take the verdict on the peer's signature.

        Raises:
            Failure: it is not genuine.
        """
        self._check_signature(genuine)  # first, for what follows may be the end
        self._advance(Stage.VERDICT)
        return [effects.Sign(self._link, self._signed_by(self.role))] if self.role is Role.REPLIER else []

    def transcript(self) -> bytes:
        """Everything that both sides must have seen alike; fields of fixed or stated length, the inviter's first."""
        ours = (self._versions, self._key, self._nonce)
        theirs = (self._their_versions, self.peer_key, self._their_nonce)
        inviter, replier = (ours, theirs) if self.role is Role.INVITER else (theirs, ours)
        return b"".join(
            (
                b"pychat handshake\0",
                self._bound_versions(inviter[0]),
                self._bound_versions(replier[0]),
                self._bound_invite(),
                self._bound_fingerprints(),
                inviter[1] + replier[1],
                self._bound_nonces(inviter[2], replier[2]),
            )
        )

    # Every check, and all that is bound, by itself: the tests take them away one by one, and see what gets through.

    def _send(self, frame: wire.Hello | wire.Reveal | wire.Proof) -> effects.SendFrame:
        return effects.SendFrame(self._link, wire.encode(frame))

    def _advance(self, expected: Stage) -> None:
        if self.stage is not expected:
            raise RemoteError("the peer's greeting is out of order")
        self.stage = next(self._stages)

    def _check_commitment(self) -> None:
        if not hmac.compare_digest(self._commitment, commitment(self.peer_key, self._their_nonce)):
            raise Failure("the peer revealed something else than it had committed to")

    def _check_nonce(self) -> None:
        if self._their_nonce == self._nonce:  # the same key alone is another tab of the same person
            raise Failure("the peer sends our own words back")

    def _check_signature(self, genuine: bool) -> None:
        if not genuine:
            raise Failure("the peer's signature does not fit this connection")

    def _bound_versions(self, versions: tuple[int, ...]) -> bytes:
        return len(versions).to_bytes(1, "big") + b"".join(version.to_bytes(8, "big") for version in versions)

    def _bound_invite(self) -> bytes:
        return self._binding.invite

    def _bound_fingerprints(self) -> bytes:
        return self._binding.inviter_fingerprint + self._binding.replier_fingerprint

    def _bound_nonces(self, inviter: bytes, replier: bytes) -> bytes:
        return inviter + replier

    def _signed_by(self, role: Role) -> bytes:
        return f"pychat proof of the {role.value}\0".encode() + self.transcript()


def commitment(key: PublicKey, nonce: bytes) -> bytes:
    """What the inviter sends first: SHA-256 over a label, its key and its nonce."""
    return hashlib.sha256(b"pychat commitment\0" + key + nonce).digest()


def _parts(hello: wire.Hello, *sizes: int) -> tuple[bytes, ...]:
    if tuple(map(len, hello.parts)) != sizes:
        raise RemoteError("a frame “hello” has not the form it should have")
    return hello.parts
