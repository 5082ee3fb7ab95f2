"""STUN and TURN servers: reading what a person typed, and what a connection is given."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

# RFC 7064 (stun) and RFC 7065 (turn): scheme, host (name, IPv4 or bracketed IPv6), port, transport.
_URL = re.compile(r"(stuns?|turns?):(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?(\?transport=(?:udp|tcp))?")

MAX_SERVERS = 8
"""More would only make gathering slow (browsers warn from five on)."""


class ServerProblem(Enum):
    """What is wrong with a server that a person typed."""

    NOT_A_URL = "not-a-url"
    STUN_TRANSPORT = "stun-transport"
    PORT = "port"
    CREDENTIALS_MISSING = "credentials-missing"
    TOO_MANY = "too-many"


class ServerError(ValueError):
    """A line of the server list cannot be used; `line` is what was typed."""

    def __init__(self, problem: ServerProblem, line: str) -> None:
        super().__init__(f"{problem.value}: {line}")
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True)
class IceServer:
    """One STUN or TURN server; only TURN takes a username and a credential."""

    url: str
    username: str = ""
    credential: str = ""

    @property
    def is_turn(self) -> bool:
        """Whether it relays (TURN, RFC 8656), and does not only tell one's address (STUN, RFC 8489)."""
        """Whether it relays (TURN, RFC 8656), and does not only tell one's address (STUN, RFC 8489)."""
        return self.url.lower().startswith("turn")


@dataclass(frozen=True, slots=True)
class IceConfig:
    """What a connection is told about servers. `relay_only` hides this side's addresses from the peer."""

    servers: tuple[IceServer, ...] = ()
    relay_only: bool = False

    @property
    def has_turn(self) -> bool:
        """Whether one of the servers relays."""
        """Whether one of the servers relays."""
        return any(server.is_turn for server in self.servers)


def parse_servers(text: str) -> tuple[IceServer, ...]:
    """Read a list of servers, one a line: `stun:host:port`, or `turn:host:port username credential`.

    Raises:
        ServerError: a line is malformed; the first such line is named.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_SERVERS:
        raise ServerError(ServerProblem.TOO_MANY, lines[MAX_SERVERS])
    return tuple(_parse_server(line) for line in lines)


def _parse_server(line: str) -> IceServer:
    url, *credentials = line.split(None, 2)
    found = _URL.fullmatch(url)
    if found is None:
        raise ServerError(ServerProblem.NOT_A_URL, line)
    scheme, _, port, transport = found.groups()
    if port is not None and not 0 < int(port) < 65_536:
        raise ServerError(ServerProblem.PORT, line)
    if scheme.startswith("stun"):
        if transport:
            raise ServerError(ServerProblem.STUN_TRANSPORT, line)
        if credentials:
            raise ServerError(ServerProblem.NOT_A_URL, line)
        return IceServer(url)
    if len(credentials) != 2:
        raise ServerError(ServerProblem.CREDENTIALS_MISSING, line)
    return IceServer(url, *credentials)


def format_servers(servers: Sequence[IceServer]) -> str:
    """Write servers as `parse_servers` reads them."""
    return "\n".join(" ".join(filter(None, (s.url, s.username, s.credential))) for s in servers)
