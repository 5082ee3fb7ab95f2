"""What the operator may set, from the environment: where to listen, which ICE servers the pages use, and the relay."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast
from urllib.parse import urlsplit

from pychat.core.relay.protocol import MAX_MESSAGE

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
DEFAULT_TURN_LIFETIME = 12 * 3600

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

# RFC 6454, section 6.2, as browsers write it: no path, no capital letters.
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)

IceServer = dict[str, str | list[str]]


class ConfigError(ValueError):
    """A setting that cannot be used; the message says which and why, in one sentence."""


@dataclass(frozen=True)
class TurnSecret:
    """What is shared with a TURN server that checks credentials by it (coturn's use-auth-secret).

    `lifetime` is how long a credential is good for, in seconds.
    """

    urls: list[str]
    secret: str = field(repr=False)
    lifetime: int = DEFAULT_TURN_LIFETIME

    def mint(self, now: float) -> IceServer:
        """The TURN server with a credential that ends `lifetime` after `now`, a Unix time in seconds.

        The scheme is that of draft-uberti-behave-turn-rest-00, section 2.2.
        """
        username = str(int(now) + self.lifetime)
        digest = hmac.digest(self.secret.encode(), username.encode(), "sha1")
        return {"urls": self.urls, "username": username, "credential": base64.b64encode(digest).decode()}


@dataclass(frozen=True)
class RelayConfig:
    """The limits of the relay; each has an environment variable of its name, PYCHAT_RELAY_ROOM_SIZE and so on.

    `origins` are those from which pages may connect; None means that of the page, which is in the Host header.
    """

    message_bytes: int = MAX_MESSAGE
    rate: int = 40  # messages a second that a connection may send for long
    burst: int = 512  # messages that it may send at once
    room_size: int = 16
    rooms_per_address: int = 1024
    connections_per_address: int = 64
    connections: int = 10_000
    queue_bytes: int = 1 << 20  # what may wait for one slow reader
    join_seconds: int = 10
    idle_seconds: int = 3600
    ping_seconds: int = 20
    return_seconds: int = 5
    origins: frozenset[str] | None = None
    redis_url: str | None = field(default=None, repr=False)
    log_addresses: bool = False


@dataclass(frozen=True)
class ServerLimits:
    """What holds for every connection; each has an environment variable of its name, PYCHAT_CONNECTIONS and so on."""

    connections: int = 12_000
    connections_per_address: int = 256  # a class behind one address opens the page at once, each with six connections
    request_seconds: int = 10  # for a request to come whole
    stall_seconds: int = 60  # in which the other side takes nothing of what waits for it


@dataclass(frozen=True)
class Config:
    """The settings of a server.

    `ice_servers` is in the shape of RTCIceServer; None leaves the choice to the page, [] means none. `turn_secret`
    adds one whose credential is made for each page. `relay` is None when it is turned off. `trusted_proxies` are the
    addresses and networks whose X-Forwarded-For is believed.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    ice_servers: list[IceServer] | None = None
    turn_secret: TurnSecret | None = None
    relay: RelayConfig | None = RelayConfig()
    limits: ServerLimits = ServerLimits()
    trusted_proxies: list[str] = field(default_factory=list)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Read PYCHAT_HOST, _PORT, _STUN_URLS, _TURN_URLS and its kin, _RELAY and its, _REDIS_URL, _TRUSTED_PROXIES.

        Raises:
            ConfigError: a value cannot be used.
        """
        return cls(
            host=environment.get("PYCHAT_HOST") or DEFAULT_HOST,
            port=parse_port(environment.get("PYCHAT_PORT") or str(DEFAULT_PORT), "PYCHAT_PORT"),
            ice_servers=_ice_servers(environment),
            turn_secret=_turn_secret(environment),
            limits=ServerLimits(**_limits(ServerLimits, environment, "PYCHAT")),
            relay=_relay(environment) if _switch(environment, "PYCHAT_RELAY", default=True) else None,
            trusted_proxies=_trusted_proxies(environment),
        )

    def ice_servers_at(self, now: float) -> list[IceServer] | None:
        """What a page is told that asks at `now`, a Unix time in seconds."""
        if self.turn_secret is None:
            return self.ice_servers
        return [*(self.ice_servers or []), self.turn_secret.mint(now)]


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
    if turn and not environment.get("PYCHAT_TURN_SECRET"):
        username = environment.get("PYCHAT_TURN_USERNAME", "")
        credential = environment.get("PYCHAT_TURN_CREDENTIAL", "")
        if not (username and credential):
            raise ConfigError(
                "PYCHAT_TURN_URLS needs PYCHAT_TURN_USERNAME and PYCHAT_TURN_CREDENTIAL beside it, "
                "or PYCHAT_TURN_SECRET."
            )
        servers.append({"urls": turn, "username": username, "credential": credential})
    return servers


def _turn_secret(environment: Mapping[str, str]) -> TurnSecret | None:
    secret = environment.get("PYCHAT_TURN_SECRET", "")
    lifetime = _number(environment, "PYCHAT_TURN_LIFETIME", DEFAULT_TURN_LIFETIME)
    urls = _urls(environment, "PYCHAT_TURN_URLS", "turn")
    if not (secret and urls):
        return None
    if environment.get("PYCHAT_TURN_USERNAME") or environment.get("PYCHAT_TURN_CREDENTIAL"):
        raise ConfigError(
            "PYCHAT_TURN_SECRET makes credentials of its own: set it or PYCHAT_TURN_USERNAME and _CREDENTIAL, not both."
        )
    return TurnSecret(urls, secret, lifetime)


def _relay(environment: Mapping[str, str]) -> RelayConfig:
    return RelayConfig(
        **_limits(RelayConfig, environment, "PYCHAT_RELAY"),
        origins=_origins(environment),
        redis_url=_redis_url(environment),
        log_addresses=_switch(environment, "PYCHAT_RELAY_LOG_ADDRESSES", default=False),
    )


def _limits(settings: type[RelayConfig | ServerLimits], environment: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """The numbers among `settings`, each from the variable of its name."""
    return {
        limit.name: _number(environment, f"{prefix}_{limit.name.upper()}", cast(int, limit.default))
        for limit in fields(settings)
        if limit.type == "int"
    }


def _origins(environment: Mapping[str, str]) -> frozenset[str] | None:
    origins = environment.get("PYCHAT_RELAY_ORIGINS", "").replace(",", " ").split()
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"PYCHAT_RELAY_ORIGINS holds {origin!r}, which is no origin such as https://chat.example."
            )
    return frozenset(origins) or None


def _redis_url(environment: Mapping[str, str]) -> str | None:
    """The address is not repeated in errors, for it may hold a password."""
    url = environment.get("PYCHAT_REDIS_URL")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        usable = bool(parts.path if parts.scheme == "unix" else parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.scheme not in ("redis", "rediss", "unix"):
        raise ConfigError("PYCHAT_REDIS_URL is no address of a Redis such as redis://127.0.0.1:6379/0.")
    return url


def _trusted_proxies(environment: Mapping[str, str]) -> list[str]:
    proxies = environment.get("PYCHAT_TRUSTED_PROXIES", "").replace(",", " ").split()
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise ConfigError(
                f"PYCHAT_TRUSTED_PROXIES holds {proxy!r}, which is no address and no network such as 10.0.0.0/8."
            ) from None
    return proxies


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environment.get(name, "").lower()
    if text not in ("", "on", "off", "1", "0"):
        raise ConfigError(f"{name} must be on or off, not {text!r}.")
    return text in ("on", "1") if text else default


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) == 0:
        raise ConfigError(f"{name} must be a number from 1 to 999999999, not {text!r}.")
    return int(text)


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
