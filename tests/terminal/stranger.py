"""A peer that is no pychat: it answers an invite over a real connection, and says what a test wants it to say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pychat.core import events as ev
from pychat.core.ice import IceConfig
from pychat.core.invite import Code, decode, encode
from pychat.core.sdp import DescriptionKind, parse_description, to_sdp
from pychat.driver import CHANNEL_LABEL, CHANNEL_NUMBER
from pychat.native.peer import NativeConnect

HELLO = '["hello",[1],"a-stranger-of-the-tests"]'
NEWER_HELLO = '["hello",[2,3],"a-stranger-of-the-tests"]'
"""A greeting that speaks later versions of the protocol only."""


@asynccontextmanager
async def stranger(invite: str, *frames: str) -> AsyncIterator[str]:
    """Answer the invite, and say these frames as soon as the channel is open; gives the reply."""

    def post(event: ev.Event) -> None:
        if isinstance(event, ev.ChannelOpened):
            for frame in frames:
                channel.send(frame)

    code = decode(invite)
    connect = NativeConnect()
    peer = connect(1, IceConfig(), post)
    channel = peer.open_channel(CHANNEL_LABEL, CHANNEL_NUMBER)
    try:
        await peer.set_remote_description(DescriptionKind.OFFER, to_sdp(code.description))
        sdp = await peer.set_local_description(DescriptionKind.ANSWER, await peer.create_answer())
        yield encode(Code(parse_description(DescriptionKind.ANSWER, sdp), code.ref))
    finally:
        peer.close()
        await connect.finish()
