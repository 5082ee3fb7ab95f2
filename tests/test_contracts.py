"""The contracts of the ports over the fakes and over the native parts; tests/browser has them over the browser's."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sqlite3
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pychat.core.codes.pasted import relay_of
from pychat.core.webrtc.capabilities import Capabilities
from pychat.native.ports.crypto import NativeCrypto
from pychat.native.ports.journal import FILE, SqliteJournal
from pychat.native.ports.leases import FileLeases
from pychat.native.ports.peer import NativeConnect, NativeDataChannel
from pychat.native.ports.relay import NativeRelay
from pychat.native.ports.store import FileStore
from pychat.ports import Crypto, DataChannel, Journal, Leases, Post, Store, Tabs
from tests.contracts import Kit, Port, contracts_of, verify
from tests.fakes import FakeConnect, FakeDataChannel, FakeLeases, FakeNetwork, FakeStore, FakeTabs
from tests.server.relays import Relay
from tests.site.conftest import make_checkout


class FakeKit(Kit):
    """Fakes that trickle and keep checking; each describes itself once."""

    ports: Collection[Port] = (Port.PEERS, Port.STORE, Port.TABS, Port.LEASES)
    capabilities: ClassVar = Capabilities(can_restart=False, can_roll_back=False)

    def __init__(self, _: Path) -> None:
        super().__init__()
        self.connect = FakeConnect(FakeNetwork(), self.capabilities)
        self._kept: dict[str, str] = {}
        self._browser: list[FakeTabs] = []
        self._leases: dict[str, FakeLeases] = {}

    def send_bytes(self, channel: DataChannel, data: bytes) -> None:
        assert isinstance(channel, FakeDataChannel)
        channel.send_bytes(data)

    def store(self) -> Store:
        return FakeStore(self._kept)

    async def identity(self, seed: bytes | None = None) -> Crypto:
        return NativeCrypto(Ed25519PrivateKey.from_private_bytes(seed) if seed is not None else None)

    def tab(self, post: Post) -> Tabs:
        return FakeTabs(self._browser, post)

    def leases(self) -> Leases:
        return FakeLeases(self._leases)


class LesserFakeKit(FakeKit):
    """Fakes that can do no more than aiortc."""

    ports = (Port.PEERS,)
    capabilities = NativeConnect.capabilities


class NativeKit(Kit):
    ports = (Port.PEERS, Port.STORE, Port.CLOCK, Port.CRYPTO, Port.RELAY, Port.LEASES, Port.JOURNAL)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.connect = self._connect = NativeConnect()
        self.connect_relay = partial(NativeRelay, self._connect.begin)
        self.clock = time.time
        self._folder = folder / "kept"

    def send_bytes(self, channel: DataChannel, data: bytes) -> None:
        assert isinstance(channel, NativeDataChannel)
        channel._raw.send(data)

    def store(self) -> Store:
        return FileStore(self._folder)

    async def identity(self, seed: bytes | None = None) -> Crypto:
        return NativeCrypto(Ed25519PrivateKey.from_private_bytes(seed) if seed is not None else None)

    def leases(self) -> Leases:
        self._folder.mkdir(exist_ok=True)
        return FileLeases(self._folder)

    async def journal(self) -> Journal:
        journal = SqliteJournal(FileStore(self._folder), NativeCrypto())
        self.at_end(journal.close)
        return journal

    async def stored(self) -> bytes:
        return b"".join(path.read_bytes() for path in self._folder.iterdir())

    async def change_stored(
        self, place: Literal["heads", "segments"], change: Callable[[list[bytes]], list[bytes]]
    ) -> None:
        with contextlib.closing(sqlite3.connect(self._folder / FILE)) as database, database:
            rows = database.execute(f"select rowid, data from {place} order by rowid").fetchall()
            for (row, _), data in zip(rows, change([data for _, data in rows]), strict=True):
                database.execute(f"update {place} set data = ? where rowid = ?", (data, row))

    def other_clock(self) -> float:
        return datetime.now(UTC).timestamp()

    async def finish(self) -> None:
        await super().finish()
        await self._connect.finish()


KITS: dict[str, type[FakeKit | NativeKit]] = {"fake": FakeKit, "lesser-fake": LesserFakeKit, "native": NativeKit}
CASES = [
    pytest.param(kit, name, id=f"{label}-{name}", marks=[pytest.mark.slow] if kit is NativeKit else [])
    for label, kit in KITS.items()
    for name in contracts_of(kit.ports)
]


@pytest.fixture(autouse=True, scope="module")
def _nothing_else_to_collect() -> Iterator[None]:
    """Set aside what is there already, or each look for what a contract has left takes longer than the contract."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real relay."""
    folder = tmp_path_factory.mktemp("relay")
    relay = Relay.start(make_checkout(folder).build().path, folder)
    with relay.process:
        yield relay_of(relay.url)
        relay.process.kill()


@pytest.fixture(scope="module")
def silent_port() -> Iterator[int]:
    """A port at which nobody listens, and which nobody else gets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(("kit", "name"), CASES)
def test_contract(kit: type[FakeKit | NativeKit], name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    made = kit(tmp_path)
    if name in contracts_of([Port.RELAY]):  # the others need not wait for one
        made.relay_url = request.getfixturevalue("relay")
        made.no_relays = (f"{made.relay_url}/nowhere", f"ws://127.0.0.1:{request.getfixturevalue('silent_port')}/relay")

    async def run() -> str:
        return await verify(name, made)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        wrong = asyncio.run(run())
        gc.collect()  # a socket that was left open is told of when it is collected
    if wrong:
        pytest.fail(wrong, pytrace=False)
    assert [str(warning.message) for warning in warned] == []
