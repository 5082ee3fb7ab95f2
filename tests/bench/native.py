"""One side of a measurement on CPython, in a process of its own.

    python -m tests.bench.native ours|bare measure|answer

The side that measures writes its invite (or bare offer) as a line, reads the answer as a line, and writes its figures
as JSON: milliseconds of each echo, and of a burst until the other side has all of it and this one knows.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from pychat.client import Chat, Peer

ECHOES = 300
MESSAGES = 20_000
END_OF_ECHOES = "now the burst"

Figures = dict[str, list[float]]


def milliseconds(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000


async def ours_measures() -> Figures:
    async with Peer() as peer:
        chat = await peer.invite()
        print(chat.code, flush=True)
        await chat.accept(sys.stdin.readline())
        await chat.opened()
        answers = chat.__aiter__()
        echoes = []
        for number in range(ECHOES):
            begin = time.perf_counter()
            chat.send(f"message number {number}")
            await anext(answers)
            echoes.append(milliseconds(begin))
        chat.send(END_OF_ECHOES)
        await chat.delivered()
        begin = time.perf_counter()
        for number in range(MESSAGES):
            chat.send(f"message number {number}")
        await chat.delivered()
        return {"echo": echoes, "burst": [milliseconds(begin)]}


async def ours_answers() -> None:
    async with Peer() as peer:
        chat = await peer.join(sys.stdin.readline())
        print(chat.code, flush=True)
        await echo(chat)


async def echo(chat: Chat) -> None:
    echoing = True
    async for message in chat:
        echoing = echoing and message.text != END_OF_ECHOES
        if echoing:
            chat.send(message.text)


class Bare:
    """aiortc with nothing around it: one negotiated channel."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel = self.connection.createDataChannel("chat", negotiated=True, id=0)
        self._event = asyncio.Event()
        self.channel.on("open", self._event.set)

    def tell(self) -> None:
        description = self.connection.localDescription
        print(json.dumps({"type": description.type, "sdp": description.sdp}), flush=True)

    async def hear(self) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(**json.loads(sys.stdin.readline())))

    async def opened(self) -> None:
        if self.channel.readyState != "open":
            await self._event.wait()

    def on_message(self, handler: Callable[[str], None]) -> None:
        self.channel.remove_all_listeners("message")
        self.channel.on("message", handler)


async def bare_measures() -> Figures:
    bare = Bare()
    await bare.connection.setLocalDescription()
    bare.tell()
    await bare.hear()
    await bare.opened()
    answers: asyncio.Queue[str] = asyncio.Queue()
    bare.on_message(answers.put_nowait)
    echoes = []
    for number in range(ECHOES):
        begin = time.perf_counter()
        bare.channel.send(f"message number {number}")
        await answers.get()
        echoes.append(milliseconds(begin))
    bare.channel.send(END_OF_ECHOES)
    begin = time.perf_counter()
    for number in range(MESSAGES):
        bare.channel.send(f"message number {number}")
    await answers.get()  # “all is here”
    burst = milliseconds(begin)
    await bare.connection.close()
    return {"echo": echoes, "burst": [burst]}


async def bare_answers() -> None:
    bare = Bare()
    await bare.hear()
    closed = asyncio.Event()
    bare.channel.on("close", closed.set)
    received = 0

    def count(_: str) -> None:
        nonlocal received
        received += 1
        if received == MESSAGES:
            bare.channel.send("all is here")

    def answer(text: str) -> None:
        if text == END_OF_ECHOES:
            bare.on_message(count)
        else:
            bare.channel.send(text)

    bare.on_message(answer)
    await bare.connection.setLocalDescription()
    bare.tell()
    await closed.wait()


async def main(kind: str, role: str) -> None:
    if role == "answer":
        await (ours_answers() if kind == "ours" else bare_answers())
    else:
        print(json.dumps(await (ours_measures() if kind == "ours" else bare_measures())), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
