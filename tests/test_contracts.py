"""The contracts of the ports over the fakes and over the native parts; tests/browser has them over the browser's."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pychat.core.capabilities import Capabilities
from pychat.native.crypto import NativeCrypto
from pychat.native.peer import NativeConnect, NativeDataChannel
from pychat.native.store import FileStore
from pychat.ports import Crypto, DataChannel, Post, Store, Tabs
from tests.contracts import Kit, Port, contracts_of, verify
from tests.fakes import FakeConnect, FakeDataChannel, FakeNetwork, FakeStore, FakeTabs


class FakeKit(Kit):
    """Fakes that can do all that the W3C asks for."""

    ports: Collection[Port] = (Port.PEERS, Port.STORE, Port.TABS)
    capabilities: ClassVar = Capabilities()

    def __init__(self, _: Path) -> None:
        super().__init__()
        self.connect = FakeConnect(FakeNetwork(), self.capabilities)
        self._kept: dict[str, str] = {}
        self._browser: list[FakeTabs] = []

    def send_bytes(self, channel: DataChannel, data: bytes) -> None:
        assert isinstance(channel, FakeDataChannel)
        channel.send_bytes(data)

    def store(self) -> Store:
        return FakeStore(self._kept)

    async def identity(self, seed: bytes | None = None) -> Crypto:
        return NativeCrypto(Ed25519PrivateKey.from_private_bytes(seed) if seed is not None else None)

    def tab(self, post: Post) -> Tabs:
        return FakeTabs(self._browser, post)


class LesserFakeKit(FakeKit):
    """Fakes that can do no more than aiortc."""

    ports = (Port.PEERS,)
    capabilities = NativeConnect.capabilities


class NativeKit(Kit):
    ports = (Port.PEERS, Port.STORE, Port.CLOCK, Port.CRYPTO)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.connect = self._connect = NativeConnect()
        self.clock = time.time
        self._folder = folder / "kept"

    def send_bytes(self, channel: DataChannel, data: bytes) -> None:
        assert isinstance(channel, NativeDataChannel)
        channel._raw.send(data)

    def store(self) -> Store:
        return FileStore(self._folder)

    async def identity(self, seed: bytes | None = None) -> Crypto:
        return NativeCrypto(Ed25519PrivateKey.from_private_bytes(seed) if seed is not None else None)

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


@pytest.mark.parametrize(("kit", "name"), CASES)
def test_contract(kit: type[FakeKit | NativeKit], name: str, tmp_path: Path) -> None:
    async def run() -> str:
        return await verify(name, kit(tmp_path))

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        wrong = asyncio.run(run())
        gc.collect()  # a socket that was left open is told of when it is collected
    if wrong:
        pytest.fail(wrong, pytrace=False)
    assert [str(warning.message) for warning in warned] == []
