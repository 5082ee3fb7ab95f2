"""Which connections a server keeps, whatever is said on them: so many for each address, none that only takes up room.

Theory of operation. Every connection is counted when it is accepted, before a byte is read. Each second or so all are
looked at: one whose request has not come in time is ended, and one whose other side takes nothing of what waits for it.
Each then counts until its socket is closed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

from pychat.server.addresses import AddressCounts
from pychat.server.config import ServerLimits

# In the state of the application's lifespan: its Guard.
GUARD = "pychat.guard"

# Open files that are no connections: the listener, standard streams, connections to Redis.
OTHER_FILES = 64
LOOKS_IN_A_LIMIT = 4
# How much the system takes ahead of what it can send. Left to itself it takes 4 MiB, then nothing until a third of that
# is gone: a slow reader would look like one that has stopped, and one that has stopped would hold so much memory.
UNSENT_BYTES = 64 << 10


class Ended(StrEnum):
    """Why a connection was ended by force."""

    TOO_MANY = "too_many"
    TOO_MANY_FROM_ADDRESS = "too_many_from_address"
    REQUEST_TOO_SLOW = "request_too_slow"
    NOT_READING = "not_reading"


@dataclass(slots=True)
class _Held:
    """One connection; `host` is None when it counts for no address. Times are those of the loop."""

    host: str | None
    request_due: float | None
    waiting: int
    moved_at: float


class Guard:
    """All connections of a process."""

    def __init__(self, limits: ServerLimits, trusted_proxies: Sequence[str], registry: CollectorRegistry) -> None:
        self._limits = limits
        self._proxies = [ipaddress.ip_network(proxy) for proxy in trusted_proxies]
        self._most = min(limits.connections, open_files() - OTHER_FILES)
        # Nobody alone can shut out all others.
        per_address = min(limits.connections_per_address, max(1, self._most // 2))
        self._from_address = AddressCounts(per_address, self._most)
        self._held: dict[asyncio.Transport, _Held] = {}
        self._gauge = Gauge("pychat_connections", "Connections of any kind.", registry=registry)
        self._ended = Counter("pychat_connections_ended", "Connections ended by force.", ["reason"], registry=registry)

    def admit(self, transport: asyncio.Transport) -> None:
        """Count a connection that was accepted, or end it."""
        host = self._host(transport)
        if len(self._held) >= self._most:
            return self._end(transport, Ended.TOO_MANY)
        if host is not None and not self._from_address.add(host):
            return self._end(transport, Ended.TOO_MANY_FROM_ADDRESS)
        _send_no_sooner_than_needed(transport)
        now = asyncio.get_running_loop().time()
        self._held[transport] = _Held(host, now + self._limits.request_seconds, 0, now)
        self._gauge.set(len(self._held))
        return None

    def release(self, transport: asyncio.Transport) -> None:
        """Count a connection no more, for it is closed or somebody else's business."""
        held = self._held.pop(transport, None)
        if held is not None:
            if held.host is not None:
                self._from_address.remove(held.host)
            self._gauge.set(len(self._held))

    def expect_request(self, transport: asyncio.Transport, expected: bool) -> None:
        """Begin or end the time in which a request must have come whole."""
        held = self._held.get(transport)
        if held is None:
            return
        if not expected:
            held.request_due = None
        elif held.request_due is None:
            held.request_due = asyncio.get_running_loop().time() + self._limits.request_seconds

    async def watch(self) -> None:
        """Look after the connections, for ever."""
        pause = min(self._limits.request_seconds, self._limits.stall_seconds) / LOOKS_IN_A_LIMIT
        while True:
            await asyncio.sleep(pause)
            now = asyncio.get_running_loop().time()
            for transport, held in list(self._held.items()):
                self._look(transport, held, now)

    def _look(self, transport: asyncio.Transport, held: _Held, now: float) -> None:
        waiting = transport.get_write_buffer_size()
        if not waiting or waiting != held.waiting:
            held.waiting, held.moved_at = waiting, now
        if now - held.moved_at >= self._limits.stall_seconds:
            self._end(transport, Ended.NOT_READING)
        elif held.request_due is not None and now >= held.request_due:
            self._end(transport, Ended.REQUEST_TOO_SLOW)

    def _end(self, transport: asyncio.Transport, why: Ended) -> None:
        if not transport.is_closing() or transport.get_write_buffer_size():
            self._ended.labels(why).inc()
        transport.abort()

    def _host(self, transport: asyncio.Transport) -> str | None:
        """Who is at the other end; None for a Unix socket, and for a proxy, who comes for many."""
        peer = transport.get_extra_info("peername")
        if not isinstance(peer, tuple):
            return None
        address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
        return None if any(address in network for network in self._proxies) else str(address)


def _send_no_sooner_than_needed(transport: asyncio.Transport) -> None:
    if hasattr(socket, "TCP_NOTSENT_LOWAT") and isinstance(transport.get_extra_info("peername"), tuple):
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


def open_files() -> int:
    """How many files this process may have open."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def allow_open_files(wanted: int) -> None:
    """Let this process have so many files open, as far as the system allows it."""
    if sys.platform == "win32" or open_files() >= wanted:
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
