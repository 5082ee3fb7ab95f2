"""Runs in the page: the contracts over the ports of the browser, each when the test asks for it by its name."""

import asyncio
import json
import time
import traceback
from collections.abc import Callable
from typing import Any, Literal

import js
import pyodide_js
from pyodide.ffi import JsException, create_proxy, to_js

from pychat.browser.ports import peer
from pychat.browser.ports.crypto import BrowserCrypto
from pychat.browser.ports.leases import BrowserLeases
from pychat.browser.ports.peer import BrowserConnect, BrowserDataChannel
from pychat.browser.ports.relay import BrowserRelay
from pychat.browser.ports.store import BrowserStore
from pychat.browser.ports.tabs import BrowserTabs
from pychat.core.codes.pasted import relay_of
from pychat.ports import Crypto, DataChannel, Journal, Leases, Post, Store, Tabs
from tests.contracts import Kit, Port, browser_journal, contracts_of, growth, verify
from tests.contracts.browser_journal import CASES, STEPS, Keeper

PKCS8_HEAD = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7)."""


class BrowserKit(Kit):
    ports = (Port.PEERS, Port.STORE, Port.TABS, Port.CLOCK, Port.CRYPTO, Port.RELAY, Port.LEASES, Port.JOURNAL)

    def __init__(self) -> None:
        super().__init__()
        self.connect = BrowserConnect()
        self.clock = time.time
        self.connect_relay = BrowserRelay
        self.relay_url = relay_of(str(js.location.href))
        self.no_relays = (f"{self.relay_url}/nowhere",)  # the page may ask nobody else
        js.localStorage.clear()
        self._keeper: Keeper | None = None

    def send_bytes(self, channel: DataChannel, data: bytes) -> None:
        assert isinstance(channel, BrowserDataChannel)
        channel._raw.send(to_js(data))

    def store(self) -> Store:
        return BrowserStore()

    def tab(self, post: Post) -> Tabs:
        tabs = BrowserTabs(post)
        self.at_end(tabs.close)
        return tabs

    def leases(self) -> Leases:
        return BrowserLeases()

    async def journal(self) -> Journal:
        if self._keeper is None:
            self._keeper = await Keeper.new()
        journal = await self._keeper.journal()
        self.at_end(journal.close)
        return journal

    async def stored(self) -> bytes:
        return await browser_journal.stored()

    async def change_stored(
        self, place: Literal["heads", "segments"], change: Callable[[list[bytes]], list[bytes]]
    ) -> None:
        await browser_journal.change_stored(place, change)

    async def identity(self, seed: bytes | None = None) -> Crypto:
        if seed is None:
            return await BrowserCrypto.for_this_visit()
        subtle, secret = js.crypto.subtle, to_js(PKCS8_HEAD + seed)
        # WebCrypto tells the public key of a private one only where that is exported.
        both = await subtle.exportKey("jwk", await subtle.importKey("pkcs8", secret, "Ed25519", True, to_js(["sign"])))
        public = js.Object.fromEntries(to_js([["kty", "OKP"], ["crv", "Ed25519"], ["x", both.x]]))
        pair = js.Object.new()
        pair.privateKey = await subtle.importKey("pkcs8", secret, "Ed25519", False, to_js(["sign"]))
        pair.publicKey = await subtle.importKey("jwk", public, "Ed25519", True, to_js(["verify"]))
        return await BrowserCrypto.of(pair)

    def other_clock(self) -> float:
        return float(js.Date.now()) / 1000


async def run_contract(name: str) -> str:
    """What is wrong, as JSON: a text, which is empty when nothing is."""
    return json.dumps(await verify(name, BrowserKit()))


async def run_journal(name: str, *arguments: str) -> str:
    """Run a case of a browser's journal, or a step of one; what is wrong, as `run_contract` tells it."""
    try:
        await (CASES | STEPS)[name](*arguments)
    except Exception:
        return json.dumps(traceback.format_exc())
    return json.dumps("")


def list_journal_cases() -> str:
    return json.dumps(list(CASES))


def list_contracts() -> str:
    return json.dumps(contracts_of(BrowserKit.ports))


made: list[Any] = []
"""The proxies of connections. One that nobody destroys is collected some day, unless it is kept here."""


def make_and_keep(handler: Any) -> Any:
    made.append(create_proxy(handler))
    return made[-1]


def _is_destroyed(proxy: Any) -> bool:
    try:
        proxy.unwrap()
    except JsException:
        return True
    return False


async def connect_and_part(times: int) -> None:
    await growth.connect_and_part(BrowserKit(), times)
    _tell_counts()


async def talk(messages: int) -> None:
    await growth.talk(BrowserKit(), messages)
    _tell_counts()


async def settle(objects: int) -> None:
    """Wait until there are no more: Pyodide keeps a timer that was cancelled until it would have rung."""
    while growth.count() > objects:
        await asyncio.sleep(1)
    _tell_counts()


def _tell_counts() -> None:
    """Show what there is now, as JSON; `memory` are the bytes that Python has, used or not."""
    made[:] = [proxy for proxy in made if not _is_destroyed(proxy)]
    counts = {"objects": growth.count(), "proxies": len(made), "memory": pyodide_js._module.HEAPU8.length}
    js.document.documentElement.dataset.counts = json.dumps(counts)


vars(peer)["create_proxy"] = make_and_keep
js.runContract = create_proxy(run_contract)
js.runJournal = create_proxy(run_journal)
js.listJournalCases = create_proxy(list_journal_cases)
js.listContracts = create_proxy(list_contracts)
js.connectAndPart = create_proxy(connect_and_part)
js.talk = create_proxy(talk)
js.settle = create_proxy(settle)
