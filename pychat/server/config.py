"""What the operator may set, from the environment: where to listen, and which ICE servers the pages use."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000

# RFC 7064, section 3.1 and RFC 7065, section 3.1; the host is looked at more closely below.
_ICE_URL = re.compile(
    r"""
    (?P<scheme>stuns?|turns?)
    :(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._~-]+)
    (?::(?P<port>[0-9]{1,5}))?
    (?P<query>\?transport=[a-z0-9-]+)?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)

IceServer = dict[str, str | list[str]]


class ConfigError(ValueError):
    """A setting that cannot be used; the message says which and why, in one sentence."""


@dataclass(frozen=True)
class Config:
    """The settings of a server.

    `ice_servers` is in the shape of RTCIceServer; None leaves the choice to the page, [] means none.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    ice_servers: list[IceServer] | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Read PYCHAT_HOST, PYCHAT_PORT, PYCHAT_STUN_URLS, PYCHAT_TURN_URLS, _USERNAME and _CREDENTIAL.

        Raises:
            ConfigError: a value cannot be used.
        """
        return cls(
            host=environment.get("PYCHAT_HOST") or DEFAULT_HOST,
            port=parse_port(environment.get("PYCHAT_PORT") or str(DEFAULT_PORT), "PYCHAT_PORT"),
            ice_servers=_ice_servers(environment),
        )


def parse_port(text: str, name: str) -> int:
    """A TCP port; 0 lets the system choose a free one.

    Raises:
        ConfigError: `text` is no number from 0 to 65535; `name` says whose value it was.
    """
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or int(text) > 65535:
        raise ConfigError(f"{name} must be a number from 0 to 65535, not {text!r}.")
    return int(text)


def _ice_servers(environment: Mapping[str, str]) -> list[IceServer] | None:
    """Set but empty, PYCHAT_STUN_URLS asks for no STUN server at all; browsers refuse TURN without credentials."""
    stun = _urls(environment, "PYCHAT_STUN_URLS", "stun")
    turn = _urls(environment, "PYCHAT_TURN_URLS", "turn")
    if not turn and "PYCHAT_STUN_URLS" not in environment:
        return None
    servers: list[IceServer] = [{"urls": stun}] if stun else []
    if turn:
        username = environment.get("PYCHAT_TURN_USERNAME", "")
        credential = environment.get("PYCHAT_TURN_CREDENTIAL", "")
        if not (username and credential):
            raise ConfigError("PYCHAT_TURN_URLS needs PYCHAT_TURN_USERNAME and PYCHAT_TURN_CREDENTIAL beside it.")
        servers.append({"urls": turn, "username": username, "credential": credential})
    return servers


def _urls(environment: Mapping[str, str], name: str, scheme: str) -> list[str]:
    urls = environment.get(name, "").replace(",", " ").split()
    for url in urls:
        if not _is_ice_url(url, scheme):
            raise ConfigError(
                f"{name} holds {url!r}, which is no {scheme.upper()} address such as {scheme}:host.example:3478."
            )
    return urls


def _is_ice_url(url: str, scheme: str) -> bool:
    match = _ICE_URL.fullmatch(url)
    if not match or match["scheme"].lower().removesuffix("s") != scheme:
        return False
    if match["query"] and scheme == "stun":
        return False
    if match["port"] and not 1 <= int(match["port"]) <= 65535:
        return False
    if match["host"].startswith("["):
        try:
            ipaddress.IPv6Address(match["host"][1:-1])
        except ValueError:
            return False
    return True
