"""What a contract is, and the kit over which it runs."""

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable, Collection, Sequence
from enum import Enum
from typing import Any, Literal

from pychat.ports import (
    Clock,
    Crypto,
    DataChannel,
    Journal,
    Leases,
    PeerConnectionFactory,
    Post,
    RelayFactory,
    Store,
    Tabs,
)

LIMIT = 120.0
"""Seconds after which a contract is broken, however slow the machine."""


class Port(Enum):
    PEERS = "peers"
    STORE = "store"
    TABS = "tabs"
    CLOCK = "clock"
    CRYPTO = "crypto"
    RELAY = "relay"
    LEASES = "leases"
    JOURNAL = "journal"


class Kit:
    """How a contract makes the parts of one implementation; it lasts for one contract.

    An implementation is a subclass that has what belongs to the ports it names.
    """

    ports: Collection[Port]

    connect: PeerConnectionFactory
    clock: Clock
    connect_relay: RelayFactory
    relay_url: str
    """The address of a relay that is there."""
    no_relays: Sequence[str]
    """Addresses at which there is none."""

    def __init__(self) -> None:
        self._at_end: list[Callable[[], None]] = []

    def send_bytes(self, channel: DataChannel, data: bytes) -> None:
        """Send what a port cannot send and a peer can."""
        raise NotImplementedError

    def store(self) -> Store:
        """A store as at another visit: it keeps what the others of this kit have saved, and at first nothing."""
        raise NotImplementedError

    def tab(self, post: Post) -> Tabs:
        """Open one more tab of one browser."""
        raise NotImplementedError

    def leases(self) -> Leases:
        """What one more program or tab of one person holds."""
        raise NotImplementedError

    def other_clock(self) -> float:
        """The same time from another source."""
        raise NotImplementedError

    async def identity(self, seed: bytes | None = None) -> Crypto:
        """Somebody new, or whoever has this private key of 32 bytes (RFC 8032, section 5.1.5)."""
        raise NotImplementedError

    async def journal(self) -> Journal:
        """A journal as another run of a program has it; at first there is nothing in it."""
        raise NotImplementedError

    async def stored(self) -> bytes:
        """All that the journals of this kit have put where somebody may find it."""
        raise NotImplementedError

    async def change_stored(
        self, place: Literal["heads", "segments"], change: Callable[[list[bytes]], list[bytes]]
    ) -> None:
        """Put something else in the place of what is sealed there, nonces first, as whoever has the disk can."""
        raise NotImplementedError

    def at_end(self, action: Callable[[], None]) -> None:
        """Do this when the contract has ended, however it has ended."""
        self._at_end.append(action)

    async def finish(self) -> None:
        """End all that a contract has left, and wait until it has ended."""
        while self._at_end:
            self._at_end.pop()()


Contract = Callable[[Kit], Awaitable[None]]

CONTRACTS: dict[str, tuple[Port, Contract]] = {}
"""Every contract by its name."""


def contract(port: Port) -> Callable[[Contract], Contract]:
    """Enter a function as a contract, to be run over every implementation of this port."""

    def enter(function: Contract) -> Contract:
        name = f"{port.value}-{getattr(function, '__name__')}"  # noqa: B009 (a callable need not have one)
        assert name not in CONTRACTS, name
        CONTRACTS[name] = port, function
        return function

    return enter


def contracts_of(ports: Collection[Port]) -> list[str]:
    """The names of the contracts that concern an implementation of these ports."""
    return [name for name, (port, _) in CONTRACTS.items() if port in ports]


async def verify(name: str, kit: Kit) -> str:
    """Run one contract over one implementation; returns the traceback when it is broken, else nothing.

    Text and no exception, for that can leave the page that it was raised in, and keeps nothing from being collected.
    """
    try:
        await _verify(name, kit)
    except Exception:
        return traceback.format_exc()
    return ""


async def _verify(name: str, kit: Kit) -> None:
    _, function = CONTRACTS[name]
    loop = asyncio.get_running_loop()
    out_of_sight: list[dict[str, Any]] = []
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: out_of_sight.append(context))
    try:
        try:
            async with asyncio.timeout(LIMIT):
                await function(kit)
        finally:
            await kit.finish()
        gc.collect()  # a task that failed unseen is told of when it is collected
        assert not out_of_sight, out_of_sight
    finally:
        loop.set_exception_handler(before)
