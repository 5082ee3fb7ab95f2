"""The rooms in which somebody has been, as marks that lead back to none of them.

Whoever opens the link of a room is asked before they go in, unless they have been in it: any web site can send its
visitors there, and whoever goes in shows key, name and addresses. A mark is a hash of the room's secret and of the
identity, so that only who has the link can tell whether there is one for it.
"""

import hashlib

from pychat.core.codes.roomcode import RoomCode
from pychat.core.ids import PublicKey

MAX_VISITED = 2_000
"""More are not kept: of the room that was entered longest ago one is asked again."""

STORE_KEY = "visited"

_MARK_SIZE = 8


def mark(code: RoomCode, key: PublicKey) -> str:
    """The mark of a room: 16 hexadecimal digits of SHA-256 over a label, the identity and the secret."""
    return hashlib.sha256(b"pychat visited room\0" + key + code.secret).digest()[:_MARK_SIZE].hex()


def loads(text: str | None) -> list[str]:
    """The marks that are kept, the latest first. What is none does no harm: it is the mark of no room."""
    return (text or "").split()[:MAX_VISITED]


def remember(text: str | None, latest: str) -> str:
    """The text to be kept with one more mark in it."""
    others = [mark for mark in loads(text) if mark != latest]
    return " ".join([latest, *others][:MAX_VISITED])
