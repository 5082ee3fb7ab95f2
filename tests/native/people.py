"""Who takes part: a person with a whole node over aiortc, and a stranger whose program does what it likes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSctpTransport, RTCSessionDescription

from pychat.core import events, wire
from pychat.core.chat.conversation import Chat
from pychat.core.codes.invite import Code, decode, encode
from pychat.core.identity.contacts import Contacts
from pychat.core.identity.lookalike import skeleton
from pychat.core.link import Link, LinkPhase
from pychat.core.node import SEED_SIZE, Node
from pychat.core.webrtc.sdp import DescriptionKind, parse_description, to_sdp
from pychat.driver import CHANNEL_ID, CHANNEL_LABEL, Driver
from pychat.native.ports.crypto import NativeCrypto
from pychat.native.ports.peer import NativeConnect
from pychat.native.ports.store import MemoryStore
from tests.greeter import Greeter

PATIENCE = 60.0
"""Seconds until what was waited for is taken to never come, however slow the machine."""


STRANGER = "a-stranger-of-the-tests"


class Person:
    """A node with its driver; `until` waits for a state of the node."""

    def __init__(self) -> None:
        self.connect = NativeConnect()
        crypto = NativeCrypto()
        self.node = Node(
            crypto.public_key,
            crypto.random(SEED_SIZE),
            Contacts(skeleton=skeleton),
            capabilities=self.connect.capabilities,
            tabs=False,
        )
        self.driver = Driver(self.node, self.connect, crypto, MemoryStore(), time.time, on_turn=self._turned)
        self._news = asyncio.Event()

    def _turned(self) -> None:
        self._news.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def invite(self) -> Link:
        return await self._with_code(events.CreateInvite())

    async def reply(self, invite: str) -> Link:
        return await self._with_code(events.PasteCode(invite))

    async def _with_code(self, event: events.Event) -> Link:
        before = set(self.node.links.by_id)
        self.driver.post(event)
        self.driver.turn()  # in a burst it would come later
        (number,) = set(self.node.links.by_id) - before
        link = self.node.links.by_id[number]
        await self.until(lambda: link.code)
        return link

    def paste(self, code: str) -> None:
        self.driver.post(events.PasteCode(code))

    async def until_open(self, link: Link) -> None:
        await self.until(lambda: link.phase is LinkPhase.OPEN)

    def chat(self, link: Link) -> Chat:
        """Where a link is shown, also before it is known who is there."""
        chat = self.node.chats.get(link.chat)
        assert chat is not None
        return chat

    async def say(self, link: Link, text: str) -> None:
        """Write something, and wait until the other side has it."""
        chat = self.chat(link)
        self.driver.post(events.WriteMessage(chat.id, text))
        await self.until(lambda: not chat.undelivered)

    async def leave(self) -> None:
        self.driver.close()
        await self.connect.finish()


class Stranger:
    """Another program: aiortc as it is, down to its insides."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel = self.pc.createDataChannel(CHANNEL_LABEL, negotiated=True, id=CHANNEL_ID)
        self._open = asyncio.Event()
        self.channel.on("open", self._open.set)

    @property
    def sctp(self) -> RTCSctpTransport:
        assert self.pc.sctp is not None
        return self.pc.sctp

    async def reply(self, invite: str) -> str:
        code = decode(invite)
        await self.pc.setRemoteDescription(RTCSessionDescription(to_sdp(code.description), "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        own = parse_description(DescriptionKind.ANSWER, self.pc.localDescription.sdp)
        self._greeter = Greeter(code, own)
        return encode(Code(own, code.ref))

    async def greet(self, *, hastily: bool = False) -> None:
        """Prove who it is, as everybody does, and show its card; `hastily`: without waiting to be greeted."""
        greeted = asyncio.Event()
        said: set[str] = set()

        def say_once(frames: list[str]) -> None:
            for frame in frames:
                if frame not in said:
                    self.say(frame)
            said.update(frames)

        def hear(data: str | bytes) -> None:
            assert isinstance(data, str)
            say_once(self._greeter.hear(data))
            if self._greeter.done and not greeted.is_set():
                self.say(wire.encode(wire.Introduce(STRANGER, "Stranger")))
                greeted.set()

        self.channel.on("message", hear)
        async with asyncio.timeout(PATIENCE):
            await self._open.wait()
            if hastily:
                say_once([self._greeter.hello()])
            await greeted.wait()

    def say(self, text: str) -> None:
        self.channel.send(text)

    async def leave(self) -> None:
        await self.pc.close()


async def connect(ann: Person, bob: Person) -> tuple[Link, Link]:
    """Ann invites Bob; returns the link of each."""
    at_ann = await ann.invite()
    at_bob = await bob.reply(at_ann.code)
    ann.paste(at_bob.code)
    await ann.until_open(at_ann)
    await bob.until_open(at_bob)
    return at_ann, at_bob


async def let_in(ann: Person, stranger: Stranger, *, hastily: bool = False) -> Link:
    """Ann invites a stranger, who greets; returns the link at her side, over which she knows its card."""
    link = await ann.invite()
    ann.paste(await stranger.reply(link.code))
    await stranger.greet(hastily=hastily)
    await ann.until(lambda: link.close_reason or link.introduced)
    assert link.close_reason is None, (link.close_reason, link.detail)
    return link
