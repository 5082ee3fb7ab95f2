"""Runs in the page: the contracts over the ports of the browser, each when the test asks for it by its name."""

import json
import time

import js
from pyodide.ffi import create_proxy, to_js

from pychat.browser.peer import BrowserDataChannel, BrowserPeerConnection
from pychat.browser.store import BrowserStore
from pychat.browser.tabs import BrowserTabs
from pychat.ports import DataChannel, Post, Store, Tabs
from tests.contracts import Kit, Port, contracts_of, verify


class BrowserKit(Kit):
    ports = (Port.PEERS, Port.STORE, Port.TABS, Port.CLOCK)

    def __init__(self) -> None:
        super().__init__()
        self.connect = BrowserPeerConnection
        self.clock = time.time
        js.localStorage.clear()

    def send_bytes(self, channel: DataChannel, data: bytes) -> None:
        assert isinstance(channel, BrowserDataChannel)
        channel._raw.send(to_js(data))

    def store(self) -> Store:
        return BrowserStore()

    def tab(self, post: Post) -> Tabs:
        tabs = BrowserTabs(post)
        self.at_end(tabs.close)
        return tabs

    def other_clock(self) -> float:
        return float(js.Date.now()) / 1000


async def run_contract(name: str) -> str:
    """What is wrong, as JSON: a text, which is empty when nothing is."""
    return json.dumps(await verify(name, BrowserKit()))


def list_contracts() -> str:
    return json.dumps(contracts_of(BrowserKit.ports))


js.runContract = create_proxy(run_contract)
js.listContracts = create_proxy(list_contracts)
