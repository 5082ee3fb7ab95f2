"""Runs in the page: our peers and the others in turn, the figures as JSON in #result. Times in milliseconds."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable

import js
from pyodide.ffi import create_proxy

from pychat.browser.ports import journal
from pychat.browser.ports.crypto import BrowserCrypto
from pychat.browser.ports.journal import BrowserJournal
from pychat.browser.ports.peer import BrowserConnect
from pychat.browser.ports.store import VisitStore
from pychat.core import wire
from pychat.core.chat.conversation import Chat
from pychat.core.effects import Effect
from pychat.core.events import ChannelOpened, CreateInvite, Event, PasteCode, WriteMessage
from pychat.core.link import LinkPhase
from pychat.core.log import make_entry
from pychat.driver import Driver
from pychat.startup import make_node, no_contacts

now = time.perf_counter
"""A browser's own clock, in seconds, but without the proxy of JavaScript's, which would be a part of every echo."""

ROUNDS = 10
ECHOES = 300
MESSAGES = 20_000


class Peer:
    """A node with its driver; `until` waits for a state of the node. To watch the channel open costs a little."""

    def __init__(self, crypto: BrowserCrypto, *, watched: bool, keeping: BrowserJournal | None = None) -> None:
        connect = BrowserConnect()
        self.node = make_node(crypto, connect, no_contacts(), name="", keeps=keeping is not None)
        self.driver = Driver(
            self.node,
            connect,
            crypto,
            VisitStore(),
            time.time,
            journal=keeping,
            on_turn=self._turned,
            observe=self._saw if watched else None,
        )
        self.on_turn: Callable[[], None] = lambda: None
        self.channel_opened_at = 0.0

    def _saw(self, item: Event | Effect) -> None:
        if isinstance(item, ChannelOpened):
            self.channel_opened_at = float(js.performance.now())

    def _turned(self) -> None:
        self.on_turn()

    @property
    def conversation(self) -> Chat:
        return next(iter(self.node.chats.listed()))

    @property
    def code(self) -> str:
        return next(iter(self.node.links.by_id.values())).code

    @property
    def is_open(self) -> bool:
        return next(iter(self.node.links.by_id.values())).phase is LinkPhase.OPEN

    def write(self, text: str) -> None:
        self.driver.post(WriteMessage(self.conversation.id, text))

    async def until(self, condition: Callable[[], object]) -> None:
        reached = asyncio.get_running_loop().create_future()

        def look() -> None:
            if not reached.done() and condition():
                reached.set_result(None)

        self.on_turn = look
        self.driver.turn()
        await reached
        self.on_turn = lambda: None


async def journals() -> list[BrowserJournal]:
    """An empty journal for each of two people, in a database of its own."""
    found = []
    crypto = await BrowserCrypto.open()  # has the key for what is kept
    for name in ("a", "b"):
        journal.DATABASE = name
        await BrowserJournal.erase()
        found.append(await BrowserJournal.open(crypto))
    return found


async def pair(*, watched: bool = False, kept: bool = False) -> tuple[Peer, Peer, float]:
    """Two who are connected; how long it took since the last paste."""
    a, b = [
        Peer(await BrowserCrypto.for_this_visit(), watched=watched, keeping=keeping)
        for keeping in (await journals() if kept else [None, None])
    ]
    a.driver.post(CreateInvite())
    await a.until(lambda: a.node.links.by_id and a.code)
    b.driver.post(PasteCode(a.code))
    await b.until(lambda: b.node.links.by_id and b.code)
    begin = js.performance.now()
    a.driver.post(PasteCode(b.code))
    await a.until(lambda: a.is_open)
    await b.until(lambda: b.is_open)
    return a, b, float(js.performance.now() - begin)


async def connect() -> tuple[float, float]:
    """How long it takes since the last paste, and since the channel is open."""
    a, b, took = await pair(watched=True)
    proving = float(js.performance.now()) - max(a.channel_opened_at, b.channel_opened_at)
    a.driver.close()
    b.driver.close()
    return took, proving


async def echo(count: int, *, kept: bool = False) -> list[float]:
    """The round trip of a message and of a message back, each through both cores, and both journals."""
    a, b, _ = await pair(kept=kept)
    here, there = a.conversation.timeline, b.conversation.timeline
    answered = 0
    arrived: asyncio.Future[float]

    def answer() -> None:
        nonlocal answered
        while answered < len(there):
            message = there[answered]
            answered += 1
            if message.author != b.conversation.own_log:
                b.write(message.entry.text)

    def look() -> None:
        if len(here) == wanted and not arrived.done():
            arrived.set_result(now())

    b.on_turn, a.on_turn = answer, look
    times = []
    for i in range(count):
        wanted = 2 * (i + 1)
        arrived = asyncio.get_running_loop().create_future()
        begin = now()
        a.write(f"message number {i}")
        times.append(1000 * (await arrived - begin))
    a.driver.close()
    b.driver.close()
    return times


async def python_echo(count: int, read: Callable[[str], str], write: Callable[[str], str]) -> list[float]:
    """The bare round trip with handlers in Python that do no more than this with the text."""
    bare = await js.bare.pair()
    left, right = bare.left, bare.right
    send, send_back = left.send, right.send
    arrived: asyncio.Future[float]

    def heard(text: str) -> None:
        read(text)
        arrived.set_result(now())

    back = create_proxy(lambda text: send_back(write(read(text))))
    hear = create_proxy(heard)
    right.addEventListener("message", js.textListener(back))
    left.addEventListener("message", js.textListener(hear))
    times = []
    for i in range(count):
        arrived = asyncio.get_running_loop().create_future()
        begin = now()
        send(write(f"message number {i}"))
        times.append(1000 * (await arrived - begin))
    bare.close()
    for proxy in (back, hear):
        proxy.destroy()
    return times


def read_frame(data: str) -> str:
    frame = wire.decode(data)
    assert isinstance(frame, wire.Entries)
    return frame.entries[0].text


def write_frame(text: str) -> str:
    return wire.encode(wire.Entries("the-author-of-a-log---", 1, [make_entry((1_700_000_000_000, text, 0, None))]))


async def burst(count: int, *, kept: bool = False) -> float:
    """Until all messages are delivered and their author knows it."""
    a, b, _ = await pair(kept=kept)
    post, conversation = a.driver.post, a.conversation.id
    begin = js.performance.now()
    for i in range(count):
        post(WriteMessage(conversation, f"message number {i}"))
    await a.until(lambda: a.conversation.acknowledged == count)
    took = float(js.performance.now() - begin)
    a.driver.close()
    b.driver.close()
    return took


async def main() -> None:
    host, port = js.location.hash.removeprefix("#").split(":")
    result = defaultdict[str, list[float]](list)
    for _ in range(ROUNDS):
        result["bare connect"].append(await js.bare.connect())
        took, proving = await connect()
        result["connect"].append(took)
        result["proving"].append(proving)
        result["bare burst"].append(await js.bare.burst(MESSAGES))
        result["burst"].append(await burst(MESSAGES))
        result["simple-peer burst"].append(await js.rivalBurst("simple-peer", MESSAGES))
        result["PeerJS burst"].append(await js.rivalBurst("PeerJS", MESSAGES, host, int(port)))
        result["bare echo"] += (await js.bare.echo(ECHOES)).to_py()
        result["python echo"] += await python_echo(ECHOES, str, str)
        result["json echo"] += await python_echo(ECHOES, json.loads, json.dumps)
        result["frame echo"] += await python_echo(ECHOES, read_frame, write_frame)
        result["echo"] += await echo(ECHOES)
        result["kept echo"] += await echo(ECHOES, kept=True)
        result["kept burst"].append(await burst(MESSAGES, kept=True))
    js.document.getElementById("result").textContent = json.dumps(result)


asyncio.ensure_future(main())  # noqa: RUF006 (the loop of a page keeps its tasks)
