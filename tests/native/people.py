"""Who takes part: a person with a whole node over aiortc, and a stranger whose program does what it likes."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSctpTransport, RTCSessionDescription

from pychat.core import events as ev
from pychat.core import wire
from pychat.core.conversation import Conversation
from pychat.core.invite import Code, decode, encode
from pychat.core.link import Link, Phase
from pychat.core.node import Node
from pychat.core.sdp import DescriptionKind, parse_description, to_sdp
from pychat.driver import CHANNEL_LABEL, CHANNEL_NUMBER, Driver
from pychat.native.peer import NativeConnect

PATIENCE = 60.0
"""Seconds until what was waited for is taken to never come, however slow the machine."""


STRANGER = "a-stranger-of-the-tests"


class Person:
    """A node with its driver; `until` waits for a state of the node."""

    def __init__(self) -> None:
        self.connect = NativeConnect()
        self.node = Node(secrets.token_urlsafe(16), capabilities=self.connect.capabilities, tabs=False)
        self.driver = Driver(self.node, self.connect, time.time, on_turn=self._turned)
        self._news = asyncio.Event()

    def _turned(self) -> None:
        self._news.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def invite(self) -> Link:
        return await self._with_code(ev.InviteRequested())

    async def reply(self, invite: str) -> Link:
        return await self._with_code(ev.CodePasted(invite))

    async def _with_code(self, event: ev.Event) -> Link:
        before = set(self.node.links)
        self.driver.post(event)
        (number,) = set(self.node.links) - before
        link = self.node.links[number]
        await self.until(lambda: link.code)
        return link

    def paste(self, code: str) -> None:
        self.driver.post(ev.CodePasted(code))

    async def until_open(self, link: Link) -> None:
        await self.until(lambda: link.phase is Phase.OPEN)

    def conversation(self, link: Link) -> Conversation:
        return self.node.conversations[link.conversation]

    async def say(self, link: Link, text: str) -> None:
        """Write something, and wait until the other side has it."""
        conversation = self.conversation(link)
        self.driver.post(ev.MessageWritten(conversation.id, text))
        await self.until(lambda: not conversation.undelivered)

    async def leave(self) -> None:
        self.driver.close()
        await self.connect.finish()


class Stranger:
    """Another program: aiortc as it is, down to its insides."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel = self.pc.createDataChannel(CHANNEL_LABEL, negotiated=True, id=CHANNEL_NUMBER)
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
        return encode(Code(parse_description(DescriptionKind.ANSWER, self.pc.localDescription.sdp), code.ref))

    async def greet(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._open.wait()
        self.say(wire.encode(wire.Hello(wire.VERSIONS, STRANGER)))

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


async def let_in(ann: Person, stranger: Stranger) -> Link:
    """Ann invites a stranger, who greets as everybody does; returns the link at her side."""
    link = await ann.invite()
    ann.paste(await stranger.reply(link.code))
    await stranger.greet()
    await ann.until_open(link)
    return link
