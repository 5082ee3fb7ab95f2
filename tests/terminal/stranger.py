"""A peer that is no pychat: it answers an invite over a real connection, and says what a test wants it to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from pychat.core import events
from pychat.core.codes.invite import Code, decode, encode
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.sdp import DescriptionKind, parse_description, to_sdp
from pychat.driver import CHANNEL_ID, CHANNEL_LABEL
from pychat.native.ports.peer import NativeConnect
from tests.greeter import Greeter

NEWER_HELLO = '["hello",[2,3]]'
"""A greeting that speaks later versions of the protocol only."""


def run(meeting: Coroutine[Any, Any, None]) -> None:
    """Run an event loop in a thread of its own, for in this one there may be the browser tests' already."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, meeting).result()


@asynccontextmanager
async def stranger(invite: str, *frames: str, greets: bool = True) -> AsyncIterator[str]:
    """Answer the invite, prove who it is, and say these frames; gives the reply.

    Args:
        greets: else it says them as soon as the channel is open.
    """
    code = decode(invite)
    connect = NativeConnect()

    def post(event: events.Event) -> None:
        match event:
            case events.ChannelOpened() if not greets:
                say(frames)
            case events.FrameReceived(_, data) if greets:
                answer = greeter.hear(data)
                say(answer)
                if answer and greeter.done:
                    say(frames)

    def say(frames: Iterable[str]) -> None:
        for frame in frames:
            channel.send(frame)

    peer = connect(1, IceConfig(), post)
    channel = peer.open_channel(CHANNEL_LABEL, CHANNEL_ID)
    try:
        await peer.set_remote_description(DescriptionKind.OFFER, to_sdp(code.description))
        sdp = await peer.answer()
        own = parse_description(DescriptionKind.ANSWER, sdp)
        greeter = Greeter(code, own)
        yield encode(Code(own, code.ref))
    finally:
        peer.close()
        await connect.finish()
