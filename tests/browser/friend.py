"""Somebody who talks with a page and whose own screen is not what is tested: the library, over real WebRTC.

A page takes a second and a half of a processor to start, a friend a fiftieth of that.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

from pychat.client import Chat, Peer

SECONDS = 60
"""How long a friend waits for anything. Far more than it takes on a busy machine."""

Result = TypeVar("Result")


class Beside:
    """An event loop in a thread of its own: in that of the tests Playwright has one already."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do this there, and wait until it is done."""
        return asyncio.run_coroutine_threadsafe(_in_time(work), self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _in_time(work: Coroutine[Any, Any, Result]) -> Result:
    async with asyncio.timeout(SECONDS):
        return await work


@contextmanager
def running_beside() -> Iterator[Beside]:
    beside = Beside()
    try:
        yield beside
    finally:
        beside.close()


class Friend:
    """One person, who talks with one other at a time.

    In a room the library's chat is over when the other one leaves or reloads: where somebody comes back to the other
    side, that has to be a page.

    Args:
        beside: where it lives.
        server: the address of the pages, for the links of rooms.
        name: what it is called.
    """

    def __init__(self, beside: Beside, server: str, name: str) -> None:
        self._beside = beside
        self._server = server
        self._name = name
        self._heard: list[str] = []
        self._readers: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Friend:
        self._beside.run(self._begin())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beside.run(self._end())

    async def _begin(self) -> None:
        self._peer = await Peer(name=self._name).__aenter__()
        self._news = asyncio.Condition()

    async def _end(self) -> None:
        await self._peer.__aexit__(None, None, None)
        await asyncio.gather(*self._readers)

    # How two come together.

    def make_invite(self) -> str:
        return self._beside.run(self._take(self._peer.invite())).code

    def answer(self, invite: str) -> str:
        return self._beside.run(self._take(self._peer.join(invite))).code

    def paste(self, reply: str) -> None:
        self._beside.run(self._chat.accept(reply))

    def open_room(self) -> str:
        """The part of the room's link that is behind the page's address."""
        return "/#" + self._beside.run(self._take(self._peer.room(f"{self._server}/"))).link.partition("#")[2]

    def enter(self, link: str) -> None:
        self._beside.run(self._take(self._peer.join(self._server + link)))

    async def _take(self, chat: Coroutine[Any, Any, Chat]) -> Chat:
        self._chat = await chat
        reader = asyncio.create_task(self._listen(self._chat))
        self._readers.add(reader)
        return self._chat

    async def _listen(self, chat: Chat) -> None:
        async for message in chat:
            async with self._news:
                self._heard.append(message.text)
                self._news.notify_all()

    def expect_state(self, state: str) -> None:
        """Wait until the two are connected ("open"), or are so no more ("closed")."""
        self._beside.run({"open": self._chat.opened, "closed": self._ended}[state]())

    async def _ended(self) -> None:
        await self._chat.ended()

    def expect_other(self, name: str) -> None:
        """Wait until the other side is known to be called this."""

        async def look() -> None:
            while self._other() != name:
                await anext(changes)

        changes = self._chat.changes()
        self._beside.run(look())

    def _other(self) -> str:
        person = self._chat.person
        return person.name if person is not None else ""

    # What they say.

    def say(self, *texts: str) -> None:
        async def send() -> None:
            for text in texts:
                self._chat.send(text)

        self._beside.run(send())

    def expect_delivered(self) -> None:
        """Wait until the other side has all that was said."""
        self._beside.run(self._chat.delivered())

    def hears(self, *texts: str) -> None:
        """Check that these are the messages that have come so far, once there are so many."""

        async def wait() -> None:
            async with self._news:
                await self._news.wait_for(lambda: len(self._heard) >= len(texts))

        self._beside.run(wait())
        assert self._heard == list(texts)

    @property
    def signs(self) -> list[str]:
        """The names of the signs, and the number, that are to be compared."""
        signs = self._chat.signs
        assert signs is not None
        return [*(emoji.name for emoji in signs.emoji), signs.number]

    def leave(self) -> None:
        async def close() -> None:
            self._chat.close()

        self._beside.run(close())
