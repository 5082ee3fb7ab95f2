"""Where two people who have met find each other again, without a link to send: a room of their own at a relay.

Theory of operation. The two have agreed on a secret over a channel. The room's code follows from it and from the time,
and is another one each day, so the names of these rooms do not tell a relay that the same two meet again. (Its address,
and being connected while the name changes, may.) Each two have their own hour for that, which follows from the secret,
too: else all of a relay's rooms would change at once.
"""

import hmac

from pychat.core.codes.roomcode import SECRET_SIZE, RoomCode

PERIOD = 86_400
"""Seconds after which the room is another one."""


def room_at(secret: bytes, clock: float) -> RoomCode:
    """The code of the room of two people at a time, in seconds since 1970."""
    period = (int(clock) + _offset(secret)) // PERIOD
    return RoomCode(hmac.digest(secret, b"pychat rendezvous %d" % period, "sha256")[:SECRET_SIZE])


def next_change(secret: bytes, clock: float) -> float:
    """When the room will be another one, in seconds since 1970."""
    offset = _offset(secret)
    return float(((int(clock) + offset) // PERIOD + 1) * PERIOD - offset)


def _offset(secret: bytes) -> int:
    return int.from_bytes(hmac.digest(secret, b"pychat rendezvous hour", "sha256")[:4], "big") % PERIOD
