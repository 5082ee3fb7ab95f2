"""Runs in the page: somebody who waits in a room, or who enters one and measures how long it takes."""

import asyncio
import time

import js
from pyodide.ffi import create_proxy, to_js

from pychat.browser.ports.crypto import BrowserCrypto
from pychat.browser.ports.peer import BrowserConnect
from pychat.browser.ports.relay import BrowserRelay
from pychat.browser.ports.store import VisitStore
from pychat.core.codes import roomcode
from pychat.core.effects import Effect
from pychat.core.events import ChannelOpened, CreateRoom, Event, PasteCode
from pychat.core.link import LinkPhase
from pychat.core.relay.client import RelayState
from pychat.driver import Driver
from pychat.startup import make_node, no_contacts


class Person:
    """A node with its driver; `marks` says when the last channel has opened, and when its peer was proved."""

    def __init__(self, crypto: BrowserCrypto) -> None:
        connect = BrowserConnect()
        self.node = make_node(crypto, connect, no_contacts(), name="")
        self.driver = Driver(
            self.node,
            connect,
            crypto,
            VisitStore(),
            time.time,
            connect_relay=BrowserRelay,
            on_turn=self._turned,
            observe=self._saw,
        )
        self.code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.opened: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.proved: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def _saw(self, item: Event | Effect) -> None:
        if isinstance(item, ChannelOpened):
            self.opened.set_result(js.performance.now())

    def _turned(self) -> None:
        for room in self.node.rooms.by_id.values():
            if room.state is RelayState.HERE and room.code is not None and not self.code.done():
                self.code.set_result(roomcode.encode(room.code))
        if not self.proved.done() and any(link.phase is LinkPhase.OPEN for link in self.node.links.by_id.values()):
            self.proved.set_result(js.performance.now())


people: list[Person] = []


def leave(*_: object) -> None:
    """Whoever is there goes."""
    while people:
        people.pop().driver.close()


async def come() -> Person:
    """Somebody new, who has a key and is not connected to anything."""
    people.append(Person(await BrowserCrypto.for_this_visit()))
    return people[-1]


async def wait(relay: str) -> str:
    """Open a room; returns its code once the relay has us in it."""
    person = await come()
    person.driver.post(CreateRoom(relay))
    return await person.code


async def enter(relay: str, code: str) -> js.Array:
    """Enter a room; returns the milliseconds until the channel is open, and until the peer is proved."""
    person = await come()
    begin = js.performance.now()
    person.driver.post(PasteCode(code, relay))
    opened, proved = await person.opened, await person.proved
    return to_js([opened - begin, proved - begin])


FUNCTIONS = {"wait": wait, "enter": enter, "leave": leave}
js.ours = to_js(
    {name: create_proxy(function) for name, function in FUNCTIONS.items()}, dict_converter=js.Object.fromEntries
)
js.document.documentElement.dataset.room = "ready"
