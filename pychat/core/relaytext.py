"""The few messages between a client and the relay, as docs/relay.md describes them: JSON arrays."""

import json
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from pychat.core import wire
from pychat.core.errors import RemoteError

SUBPROTOCOL = "pychat.relay.1"

_PORTS = {"http": 80, "https": 443}


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


def page_of(address: str) -> str:
    """The address of a page in its one writing, without query and fragment; "" when it is none."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not host:
        return ""
    place = f"[{host}]" if ":" in host else _in_ascii(host)
    if port is not None and port != _PORTS[parts.scheme]:
        place += f":{port}"
    return f"{parts.scheme}://{place}{parts.path or '/'}"


def relay_of(page: str) -> str:
    """The address of the relay of a page, or "" when that is no address of a page."""
    address = page_of(page)
    return "ws" + urljoin(address, "relay").removeprefix("http") if address else ""


def page_at(relay: str) -> str:
    """The page that has this relay."""
    return "http" + relay.removesuffix("relay").removeprefix("ws")


def _in_ascii(host: str) -> str:
    """A host's name as it is looked up; one that would become another name on the way stays as it is."""
    if host.isascii():
        return host
    try:
        name = host.encode("idna")
        return name.decode("ascii") if name.decode("idna") == host else host
    except UnicodeError:
        return host
