"""What a person may paste or open: the code of a room, an invite or a reply, in a link or without one.

This is the one place that decides to which page a link leads, and so which relay is asked for a room.
"""

import re
from itertools import islice
from urllib.parse import urljoin, urlsplit

from pychat.core.codes import invite, roomcode
from pychat.core.codes.codetext import Found, Kind, find, occurrences, unbroken_end
from pychat.core.codes.invite import Code
from pychat.core.codes.mangling import INVISIBLE
from pychat.core.codes.roomcode import RoomCode
from pychat.core.errors import CodeError

_KINDS: tuple[Kind[RoomCode | Code], ...] = (roomcode.KIND, invite.KIND)
_MAX_ADDRESS = 2_048
_MAX_PLACES = 64  # of codes in one text
_BETWEEN = re.compile(rf"[!?/\u00a0{INVISIBLE}]")  # a “#” and its code
_UNSEEN = re.compile(rf"[{INVISIBLE}]|\\(?=[^\w\s]|$)")  # Markdown puts a backslash before signs
_SCHEME = re.compile(r"https?:/{1,2}(?=[^/])", re.IGNORECASE)
_PARAMETER = "=/?&_"  # in front of an address that belongs to another one
_BARE = re.compile(r"(?:(?:[\w-]+\.)+[^\W\d_][\w-]+|localhost|[0-9]+(?:\.[0-9]+){3}|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?[/?]")
_AMP = re.compile(r"https://(?:www\.)?google\.[a-z.]+/amp/(s/)?", re.IGNORECASE)
"""In front of a page that Google shows as one of its own."""
_NO_ADDRESS = re.compile(r'[<>"`\s]')
_PORTS = {"http": 80, "https": 443}


def read(text: str) -> RoomCode | Code:
    """Read the first code in what a person pasted, with whatever surrounds it.

    Raises:
        CodeError: there is no usable code in it; its `problem` says why. Nothing else is ever raised.
    """
    return find(text, *_KINDS)


def room_in(text: str) -> str:
    """The first code in a text, as it is written by itself; "" when it is not that of a room, or there is none."""
    try:
        code = read(text)
    except CodeError:
        return ""
    return roomcode.encode(code) if isinstance(code, RoomCode) else ""


def has_code(text: str) -> bool:
    """Whether there is a usable code in a text."""
    try:
        read(text)
    except CodeError:
        return False
    return True


def relay_for(text: str, page: str) -> str:
    """The address of the relay where the room in a text would be: that of its link's page, else of this one; or ""."""
    return relay_of(page_in(text) or page)


def page_in(text: str) -> str:
    """The page to which the link with the first code in a text leads; "" when the code is in no link.

    Of all addresses only the one counts whose own fragment is the code.
    """
    first: RoomCode | Code | None = None
    for found in islice(occurrences(text, *_KINDS), _MAX_PLACES):
        first = first or found.code
        page = _page_before(found) if found.code == first else ""
        if page:
            return page
    return ""


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


def _page_before(found: Found[RoomCode | Code]) -> str:
    run = _UNSEEN.sub("", _run_before(found.text, found.at))
    starts = [match.start() for match in _SCHEME.finditer(run)]
    if not starts:
        bare = _BARE.search(run)
        return _bare_page(run[bare.start() :]) if bare is not None else ""
    start = starts.pop()
    if not found.is_peeled:  # a “#” that stands as it is belongs to the whole address, with all its parameters
        while starts and run[start - 1] in _PARAMETER:
            start = starts.pop()
    address = _SCHEME.sub(lambda scheme: scheme[0].rstrip("/").lower() + "//", run[start:], count=1)
    address = _AMP.sub(lambda found: "https://" if found[1] else "http://", address, count=1)
    return page_of(address) if not _NO_ADDRESS.search(address) else ""


def _run_before(text: str, at: int) -> str:
    """What stands before “#” and a code without a white space."""
    first = max(0, at - _MAX_ADDRESS)
    while at > first and _BETWEEN.match(text[at - 1]):
        at -= 1
    return unbroken_end(text[first : at - 1]) if at > first and text[at - 1] == "#" else ""


def _bare_page(address: str) -> str:
    """The page of an address without a scheme, as browsers show it; what is no name has no certificate."""
    is_name = re.match(r"localhost\b|[0-9.:]+[/?]|\[", address) is None
    return page_of(f"{'https' if is_name else 'http'}://{address}")


def _in_ascii(host: str) -> str:
    """A host's name as it is looked up; one that would become another name on the way stays as it is."""
    if host.isascii():
        return host
    try:
        name = host.encode("idna")
        return name.decode("ascii") if name.decode("idna") == host else host
    except UnicodeError:
        return host
