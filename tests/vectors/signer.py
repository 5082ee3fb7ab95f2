"""Writes handshakes, and what two people compare, by what docs/reference/protocol.md says, and by nothing else.

As `writer` does it shares no line with pychat.core, and does what it is asked to, also what no peer may do. Only the
signatures are made elsewhere, by the package `cryptography`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.writer import Code, Field, Json, as_text

INVITER, REPLIER = "inviter", "replier"

EMOJI = (
    ("\U0001f436", "Dog"),
    ("\U0001f431", "Cat"),
    ("\U0001f981", "Lion"),
    ("\U0001f40e", "Horse"),
    ("\U0001f984", "Unicorn"),
    ("\U0001f437", "Pig"),
    ("\U0001f418", "Elephant"),
    ("\U0001f430", "Rabbit"),
    ("\U0001f43c", "Panda"),
    ("\U0001f413", "Rooster"),
    ("\U0001f427", "Penguin"),
    ("\U0001f422", "Turtle"),
    ("\U0001f41f", "Fish"),
    ("\U0001f419", "Octopus"),
    ("\U0001f98b", "Butterfly"),
    ("\U0001f337", "Flower"),
    ("\U0001f333", "Tree"),
    ("\U0001f335", "Cactus"),
    ("\U0001f344", "Mushroom"),
    ("\U0001f30f", "Globe"),
    ("\U0001f319", "Moon"),
    ("\u2601\ufe0f", "Cloud"),
    ("\U0001f525", "Fire"),
    ("\U0001f34c", "Banana"),
    ("\U0001f34e", "Apple"),
    ("\U0001f353", "Strawberry"),
    ("\U0001f33d", "Corn"),
    ("\U0001f355", "Pizza"),
    ("\U0001f382", "Cake"),
    ("\u2764\ufe0f", "Heart"),
    ("\U0001f600", "Smiley"),
    ("\U0001f916", "Robot"),
    ("\U0001f3a9", "Hat"),
    ("\U0001f453", "Glasses"),
    ("\U0001f527", "Spanner"),
    ("\U0001f385", "Santa"),
    ("\U0001f44d", "Thumbs Up"),
    ("\u2602\ufe0f", "Umbrella"),
    ("\u231b", "Hourglass"),
    ("\u23f0", "Clock"),
    ("\U0001f381", "Gift"),
    ("\U0001f4a1", "Light Bulb"),
    ("\U0001f4d5", "Book"),
    ("\u270f\ufe0f", "Pencil"),
    ("\U0001f4ce", "Paperclip"),
    ("\u2702\ufe0f", "Scissors"),
    ("\U0001f512", "Lock"),
    ("\U0001f511", "Key"),
    ("\U0001f528", "Hammer"),
    ("\u260e\ufe0f", "Telephone"),
    ("\U0001f3c1", "Flag"),
    ("\U0001f682", "Train"),
    ("\U0001f6b2", "Bicycle"),
    ("\u2708\ufe0f", "Aeroplane"),
    ("\U0001f680", "Rocket"),
    ("\U0001f3c6", "Trophy"),
    ("\u26bd", "Ball"),
    ("\U0001f3b8", "Guitar"),
    ("\U0001f3ba", "Trumpet"),
    ("\U0001f514", "Bell"),
    ("\u2693", "Anchor"),
    ("\U0001f3a7", "Headphones"),
    ("\U0001f4c1", "Folder"),
    ("\U0001f4cc", "Pin"),
)


def plain(*items: Any) -> str:
    """A frame as pychat itself writes it."""
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Person:
    """One side of a handshake: a private key, a nonce, and the versions that it speaks."""

    seed: bytes
    nonce: bytes
    versions: Sequence[int] = (1,)

    @property
    def key(self) -> bytes:
        return self._private.public_key().public_bytes_raw()

    @property
    def commitment(self) -> bytes:
        return commitment(self.key, self.nonce)

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def reading(self) -> Json:
        return {
            "seed": self.seed.hex(),
            "key": self.key.hex(),
            "nonce": self.nonce.hex(),
            "versions": list(self.versions),
        }


def commitment(key: bytes, nonce: bytes) -> bytes:
    return hashlib.sha256(b"pychat commitment\0" + key + nonce).digest()


@dataclass(frozen=True)
class Handshake:
    """A handshake over one connection; `replace` makes others of it."""

    inviter: Person
    replier: Person
    invite: bytes
    """The SHA-256 of the invite."""
    inviter_fingerprint: bytes
    replier_fingerprint: bytes

    def with_(self, **changed: Any) -> "Handshake":
        return replace(self, **changed)

    @property
    def binding(self) -> Json:
        return {
            "invite": self.invite.hex(),
            "inviter_fingerprint": self.inviter_fingerprint.hex(),
            "replier_fingerprint": self.replier_fingerprint.hex(),
        }

    @property
    def fields(self) -> list[Field]:
        """The transcript, field by field."""
        return [
            Field("label", b"pychat handshake\0", "“pychat handshake” and a zero byte"),
            Field("inviter's versions", _versions(self.inviter.versions), "their number, and each in eight bytes"),
            Field("replier's versions", _versions(self.replier.versions), "the same"),
            Field("invite", self.invite, "SHA-256 of the invite's bytes before the checksum"),
            Field("inviter's fingerprint", self.inviter_fingerprint, "SHA-256 of the certificate"),
            Field("replier's fingerprint", self.replier_fingerprint, "the same"),
            Field("inviter's key", self.inviter.key, "Ed25519"),
            Field("replier's key", self.replier.key, "the same"),
            Field("inviter's nonce", self.inviter.nonce, "32 random bytes"),
            Field("replier's nonce", self.replier.nonce, "the same"),
        ]

    @property
    def transcript(self) -> bytes:
        return b"".join(field.data for field in self.fields)

    def signed_by(self, role: str) -> bytes:
        return b"pychat proof of the " + role.encode() + b"\0" + self.transcript

    def signature(self, role: str) -> bytes:
        signer = self.inviter if role == INVITER else self.replier
        return signer.sign(self.signed_by(role))

    # The four frames.

    @property
    def opening(self) -> str:
        return plain("hello", list(self.inviter.versions), as_text(self.inviter.commitment))

    @property
    def answer(self) -> str:
        replier = self.replier
        return plain("hello", list(replier.versions), as_text(replier.key), as_text(replier.nonce))

    @property
    def reveal(self) -> str:
        return reveal(self.inviter.key, self.inviter.nonce, self.signature(INVITER))

    @property
    def proof(self) -> str:
        return proof(self.signature(REPLIER))


def over(invite: Code, reply: Code, inviter: Person, replier: Person) -> Handshake:
    """The handshake over the connection of these two codes."""
    prints = (field.data for code in (invite, reply) for field in code.fields if field.name == "fingerprint")
    return Handshake(inviter, replier, invite.hash, *prints)


def reveal(key: bytes, nonce: bytes, signature: bytes) -> str:
    return plain("reveal", as_text(key), as_text(nonce), as_text(signature))


def proof(signature: bytes) -> str:
    return plain("proof", as_text(signature))


def _versions(versions: Sequence[int]) -> bytes:
    return bytes([len(versions)]) + b"".join(version.to_bytes(8, "big") for version in versions)


# What two people compare.


def short_string(transcript: bytes) -> Json:
    digest = hashlib.sha256(b"pychat short string\0" + transcript).digest()
    bits = "".join(f"{byte:08b}" for byte in digest)[:42]
    numbers = [int(bits[at : at + 6], 2) for at in range(0, 42, 6)]
    digits = str(int(bits, 2)).zfill(13)
    return {
        "bits": bits,
        "emoji": numbers,
        "signs": [EMOJI[number][0] for number in numbers],
        "names": [EMOJI[number][1] for number in numbers],
        "number": " ".join((digits[:4], digits[4:7], digits[7:10], digits[10:])),
    }


def safety_number(one: bytes, other: bytes) -> str:
    return " ".join(sorted((safety_half(one), safety_half(other))))


def safety_half(key: bytes) -> str:
    """The half of a safety number that belongs to a key."""
    data = b"pychat safety number\0" + key
    for _ in range(5_200):
        data = hashlib.sha512(data + key).digest()
    groups = (int.from_bytes(data[at : at + 5], "big") % 100_000 for at in (0, 5, 10, 15, 20, 25))
    return " ".join(f"{group:05}" for group in groups)
