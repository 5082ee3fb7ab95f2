"""Somebody who talks with a page or a command, and whose own program is not what is tested: the library, over WebRTC.

A page takes a second and a half of a processor to start, a friend a fiftieth of that.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import pytest

from pychat.client import Chat, Peer
from pychat.client import Person as Other
from pychat.core import events
from pychat.core.content import Unknown
from pychat.core.identity.contacts import clean_name
from pychat.core.identity.safety import safety_number
from pychat.core.link import CloseReason, LinkPhase
from pychat.core.log import Entry
from pychat.core.webrtc.ice import IceConfig
from pychat.said import Message, MessageId
from pychat.ui import strings

SECONDS = 60
"""How long a friend waits for anything. Far more than it takes on a busy machine."""

Result = TypeVar("Result")

MakeFriend = Callable[..., "Friend"]


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


@pytest.fixture(scope="session")
def beside() -> Iterator[Beside]:
    """Where friends live. A folder whose tests have friends imports this."""
    with running_beside() as beside:
        yield beside


@contextmanager
def running_beside() -> Iterator[Beside]:
    beside = Beside()
    try:
        yield beside
    finally:
        beside.close()


class Friend:
    """One person, who talks with one other at a time, and is the same one to whoever meets it again.

    In a room the library's chat is over when the other one leaves or reloads: who is to be there when they are back
    `stay`s.

    Args:
        beside: where it lives.
        server: the address of the pages, without a slash at its end, for the links of rooms.
        name: what it is called; "" has one made up.
        folder: where it keeps who it is: two of one folder are the same person.
        ice: the STUN and TURN servers that it uses.
    """

    def __init__(
        self, beside: Beside, server: str, name: str = "", folder: Path | None = None, *, ice: IceConfig = IceConfig()
    ) -> None:
        self._beside = beside
        self._server = server
        self._name = name
        self._ice = ice
        self._folder = folder
        self._heard: list[str] = []
        self._readers: set[asyncio.Task[None]] = set()
        self._staying: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Friend:
        self._beside.run(self._begin())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beside.run(self._end())

    async def _begin(self) -> None:
        self._peer = await Peer(folder=self._folder, name=self._name, ice=self._ice).__aenter__()
        self._news = asyncio.Condition()

    async def _end(self) -> None:
        for task in self._staying:
            task.cancel()
        await asyncio.gather(*self._staying, return_exceptions=True)
        await self._peer.__aexit__(None, None, None)
        await asyncio.gather(*self._readers)
        self._staying.clear()
        self._readers.clear()

    def again(self) -> Friend:
        """The same person at another visit, if there is a folder where that is kept."""
        assert self._folder is not None
        self._beside.run(self._end())
        self._heard.clear()
        return self.__enter__()

    # How two come together.

    def make_invite(self) -> str:
        return self._beside.run(self._take(self._peer.invite())).code

    def answer(self, invite: str) -> str:
        return self._beside.run(self._take(self._peer.join(invite))).code

    def paste(self, reply: str) -> None:
        self._beside.run(self._chat.accept(reply))

    def open_room(self) -> str:
        """The part of the room's link that is behind the page's address."""
        self._beside.run(self._take(self._peer.room(f"{self._server}/")))
        return self.link

    def enter(self, link: str) -> None:
        """Go into a room by its link, with the page's address or without."""
        self._beside.run(self._take(self._peer.join(link if "://" in link else self._server + link)))

    def find(self, key: bytes) -> None:
        """Look for somebody with whom it has talked before, without a link."""
        self._beside.run(self._take(self._peer.again(key)))

    @property
    def other_key(self) -> bytes:
        """The key of the other one."""
        person = self._do(lambda: self._chat.person)
        assert person is not None
        return person.key

    def stay(self) -> None:
        """Go back to the room, as a page does, each time that the other one leaves, reloads or takes another tab."""
        self._do(lambda: self._staying.add(asyncio.create_task(self._go_back())))

    async def _go_back(self) -> None:
        link = self._chat.link
        while await self._chat.ended() is not CloseReason.LEFT:
            await self._take(self._peer.join(link))

    @property
    def link(self) -> str:
        """The part of the room's link that is behind the page's address."""
        return "/#" + self._do(lambda: self._chat.link).partition("#")[2]

    def expect_link(self, link: str) -> None:
        """Wait until the room's link is this one."""
        self._beside.run(self._until(lambda: self._chat.link.endswith(link)))

    def renew_link(self) -> str:
        """Give the room another link, and return what is behind the page's address."""
        self._beside.run(self._chat.renew())
        return self.link

    def set_locked(self, *, locked: bool) -> None:
        self._do(lambda: self._chat.lock(locked=locked))

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

    def expect_left(self) -> None:
        """Wait until the chat has ended, and check that the other side has said good-bye.

        In a room it does not end with whoever leaves before they have said who they are: `expect_status` tells of both.
        """
        assert self._beside.run(self._chat.ended()) is CloseReason.PEER_LEFT

    def expect_no_longer_open(self) -> None:
        """Wait until it has been noticed that the other side is gone, which may be back."""

        async def look() -> None:
            while self._chat.phase is LinkPhase.OPEN:
                await anext(phases)

        phases = self._chat.phases()
        self._beside.run(look())

    def expect_warning(self) -> None:
        """Wait for the warning that the other one goes by the name of somebody else who is known."""
        assert self._beside.run(self._chat.warned())

    def expect_alone(self) -> None:
        """Check that in the room there is nobody else yet."""
        assert self._chat.phase is LinkPhase.SIGNALING

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for what `Chat.changes` tells of."""
        if not condition():
            async for _ in self._chat.changes():
                if condition():
                    return
        assert condition()  # the conversation may have ended with it

    def expect_status(self, words: str) -> None:
        """Wait until it is said how things stand with these words."""
        self._beside.run(self._until(lambda: words in ": ".join(self._chat.status)))

    # Who they are.

    def rename(self, name: str) -> None:
        """Go by another name, in the middle of a conversation: a page can, a program has no need to."""
        self._do(lambda: self._peer._post(events.SetName(clean_name(name))))

    def expect_other(self, name: str, trust: str = "") -> None:
        """Wait until the other side is known to be called this; then check how sure that is, if it is given."""

        def is_called() -> bool:
            return self._chat.person is not None and self._chat.person.name == name

        self._beside.run(self._until(is_called))
        assert trust in ("", self.trust)

    @property
    def trust(self) -> str:
        """How sure it is who the other one is."""
        return strings.TRUST[self._other().trust][0]

    def _other(self) -> Other:
        person = self._do(lambda: self._chat.person)
        assert person is not None
        return person

    @property
    def safety_number(self) -> str:
        """The number that is the same whenever the two meet."""
        return safety_number(self._peer._node.key, self._other().key)

    def say_match(self) -> None:
        self._compared(match=True)

    def say_mismatch(self) -> None:
        self._compared(match=False)

    def _compared(self, *, match: bool) -> None:
        self._do(lambda: self._chat.compare(match=match))

    # What they say.

    def say(self, *texts: str) -> None:
        async def send() -> None:
            for text in texts:
                self._chat.send(text)

        self._beside.run(send())

    def reply(self, to: str, text: str) -> None:
        """Answer what was said with these words."""
        self._do(lambda: self._chat.send(text, reply_to=self._message(to)))

    def react(self, to: str, emoji: str) -> None:
        """React to what was said with these words; "" takes that back."""
        self._do(lambda: self._chat.react(self._message(to), emoji))

    def edit(self, said: str, text: str) -> None:
        """Say something anew."""
        self._do(lambda: self._chat.edit(self._message(said), text))

    def retract(self, said: str) -> None:
        """Delete for both what was said with these words."""
        self._do(lambda: self._chat.retract(self._message(said)))

    def _message(self, text: str) -> Message:
        return next(message for message in self._messages() if message.text == text)

    def _messages(self) -> list[Message]:
        """All messages of the two as they are by now."""
        chat = self._chat
        found = [chat.message(MessageId(author, number)) for author, number, _ in chat._conversation.ordered]
        return [message for message in found if message is not None]

    def say_unknown(self, text: str, relation: Unknown) -> None:
        """Say something of a kind that comes with a later version."""

        def write() -> None:
            conversation = self._chat._conversation
            self._peer._node.chats.write(conversation, Entry(int(time.time() * 1000), text, relation=relation))
            self._chat.send("did you get it?")

        self._do(write)

    @property
    def reactions(self) -> list[str]:
        """By what the other side reacts to messages, in their order."""

        def look() -> list[str]:
            relations = self._chat._conversation.relations
            found = [relations.reactions(message.id).peer for message in self._messages()]
            return [emoji for emoji in found if emoji]

        return self._do(look)

    @property
    def texts(self) -> list[str]:
        """All messages of the two as they are by now."""
        return self._do(lambda: [message.text for message in self._messages()])

    def keep_saying(self, what: str, ahead: int) -> None:
        """Say this with one number after the other, so many ahead of what the other side has, until `fall_silent`."""

        async def say() -> None:
            numbers = itertools.count()
            self._chat.send(f"{what} {next(numbers)}")
            async for waiting in self._chat.deliveries():
                for _ in range(ahead - waiting):
                    self._chat.send(f"{what} {next(numbers)}")

        self._saying = self._do(lambda: asyncio.create_task(say()))

    def fall_silent(self) -> None:
        """Say no more."""
        self._do(self._saying.cancel)

    @property
    def said(self) -> tuple[int, int]:
        """How much was said so far, and how much of it the other side has."""
        return self._do(lambda: (self._chat._conversation.written, self._chat._conversation.acknowledged))

    @property
    def heard(self) -> list[str]:
        """What has come so far."""
        return self._do(self._heard.copy)

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
        signs = self._do(lambda: self._chat.signs)
        assert signs is not None
        return [*(emoji.name for emoji in signs.emoji), signs.number]

    def leave(self) -> None:
        self._do(lambda: self._chat.close())

    def _do(self, what: Callable[[], Result]) -> Result:
        """Do this where the friend lives, without any waiting."""

        async def do() -> Result:
            return what()

        return self._beside.run(do())
