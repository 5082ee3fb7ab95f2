"""The few messages between a client and the relay, as docs/relay.md describes them: JSON arrays."""

import json
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from pychat.core import wire
from pychat.core.errors import RemoteError

SUBPROTOCOL = "pychat.relay.1"


@dataclass(frozen=True, slots=True)
class Joined:
    """We are in the room, where these are already."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    member: str


@dataclass(frozen=True, slots=True)
class Left:
    member: str


@dataclass(frozen=True, slots=True)
class From:
    """What a member has sent to us."""

    member: str
    data: str


@dataclass(frozen=True, slots=True)
class Return:
    """The relay is about to close: come back after so many seconds, and a random part of as many again."""

    seconds: float


Message = Joined | Arrived | Left | From | Return


def read(text: str) -> Message | None:
    """Read a message of the relay; None for whatever it should not have said, which is nobody's harm but its own."""
    try:
        items = wire.read_items(text)
    except RemoteError:
        return None
    match items:
        case ["joined", [*members]] if all(isinstance(member, str) for member in members):
            return Joined(tuple(members))
        case ["arrived", str(member)]:
            return Arrived(member)
        case ["left", str(member)]:
            return Left(member)
        case ["from", str(member), str(data)]:
            return From(member, data)
        case ["return", int() | float() as seconds] if 0 <= seconds <= 3600:
            return Return(float(seconds))
    return None


def join(room: str, member: str) -> str:
    """Write the first message of a client."""
    return _write("join", room, member)


def to(member: str, data: str) -> str:
    """Write what the relay is to pass on."""
    return _write("to", member, data)


def _write(*items: str) -> str:
    return json.dumps(items, separators=(",", ":"))


def relay_of(page: str) -> str:
    """The address of the relay of a page, or "" when that is no address of a page."""
    try:
        parts = urlsplit(urljoin(page, "relay"))
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    if not usable:
        return ""
    return parts._replace(scheme="wss" if parts.scheme == "https" else "ws", query="", fragment="").geturl()


_PAGE = re.compile(r"https?://[^\s#]+(?=#)")


def page_in(text: str) -> str:
    """The page to which a link in a text leads, or ""."""
    found = _PAGE.search(text)
    return found[0] if found else ""
