"""What is left of connections and messages when they are over. A leak shows as growth from one count to the next."""

import gc
from collections.abc import Callable

from pychat.core import events
from pychat.core.ids import ChatId
from pychat.core.link import Link, LinkPhase
from tests.contracts import chat
from tests.contracts.kit import Kit

AT_ONCE = 5_000
"""Messages that are written before it is waited for their delivery."""


class Person(chat.Person):
    """Somebody who waits without a time limit: Pyodide keeps one, and all around it, until it would have been over."""

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def until_closed(self, link: Link) -> None:
        await self.until(lambda: link.phase is LinkPhase.CLOSED)


async def connect_and_part(kit: Kit, times: int) -> None:
    """Two people connect and part, again and again, and then are gone."""
    ann, bob = await Person.new(kit), await Person.new(kit)
    conversation: ChatId | None = None
    for _ in range(times):
        at_ann, at_bob = await chat.connect(ann, bob, again=conversation)
        conversation = ann.conversation(at_ann).id
        ann.driver.post(events.LeaveConversation(conversation))
        await bob.until_closed(at_bob)
    await kit.finish()


async def talk(kit: Kit, messages: int) -> None:
    """Two people connect, one of them writes, all of it is delivered, and they are gone."""
    ann, bob = await Person.new(kit), await Person.new(kit)
    at_ann, at_bob = await chat.connect(ann, bob)
    for first in range(0, messages, AT_ONCE):
        ann.write(at_ann, *(f"message number {i}" for i in range(first, first + AT_ONCE)))
        await ann.until_delivered(at_ann)
    assert len(bob.texts(at_bob)) == messages
    await kit.finish()


def count() -> int:
    """How many objects Python's garbage collector knows."""
    for _ in range(3):  # what a finalizer sets free is found the next time
        gc.collect()
    return len(gc.get_objects())
