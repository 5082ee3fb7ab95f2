"""A room's secret as a code that a person can paste, and what follows from the secret.

Theory of operation. Who has the code is in the room: there is nothing else to know. It is base64url without padding
(RFC 4648, section 5) over 24 bytes, which are 32 characters; `codetext` finds it in a text, or in a link
`https://host/#code`.

    1      header: version (high 4 bits, now 1), 0100; the first character is therefore “F”
    20     the secret, of random bytes
    3      checksum: the first bytes of SHA-256 over all before

All else follows by HKDF-SHA-256 (RFC 5869), each for a purpose of its own: the name by which the relay knows the room,
what ties a handshake to the room, and for each member the key that seals what this member sends. The relay learns
the name and nothing that leads from it to the secret.
"""

from dataclasses import dataclass

from pychat.core.codes.codetext import (
    CHECKSUM,
    FADING,
    VERSION,
    Damaged,
    Kind,
    Reader,
    checksum_of,
    find,
    to_bytes,
    write,
)
from pychat.core.errors import LocalError

SECRET_SIZE = 20
ID_SIZE = MEMBER_SIZE = 16
KEY_SIZE = 32

SALT = b"pychat room"
ID_INFO, HANDSHAKE_INFO, SIGNALING_INFO = b"id", b"handshake", b"signaling"

_HEADER = bytes([VERSION << 4 | 0b0100])
_FIRST = ("F",)  # the header's first six bits
_LENGTH = (len(_HEADER) + SECRET_SIZE + CHECKSUM) * 4 // 3


@dataclass(frozen=True, slots=True)
class RoomCode:
    """What the people of one room share: 20 random bytes."""

    secret: bytes


def encode(code: RoomCode) -> str:
    """Write a code.

    Raises:
        LocalError: the secret has not the size of one.
    """
    if len(code.secret) != SECRET_SIZE:
        raise LocalError(f"a room's secret has {SECRET_SIZE} bytes, not {len(code.secret)}")
    return write(_HEADER + code.secret)


def decode(text: str) -> RoomCode:
    """Find the code in what a person pasted: broken into lines, quoted, in a link or within a sentence.

    Raises:
        CodeError: there is no usable code in it; its `problem` says why. Nothing else is ever raised.
    """
    return find(text, KIND)


def is_lasting(code: RoomCode) -> bool:
    """Whether messengers leave the end of its link as it is; another secret is drawn else."""
    return not encode(code).endswith(tuple(FADING))


def _read(word: str) -> RoomCode:
    """Read the code that begins with the first character.

    Raises:
        CutShort, Damaged: it is none.
    """
    reader = Reader(to_bytes(word))
    header = reader.take(len(_HEADER))
    if header != _HEADER:
        raise Damaged
    secret = reader.take(SECRET_SIZE)
    if reader.take(CHECKSUM) != checksum_of(header + secret):
        raise Damaged
    return RoomCode(secret)


KIND = Kind(_FIRST, _LENGTH, _read)
