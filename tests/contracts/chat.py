"""What all of it is for: two whole nodes with their drivers talk over the ports."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

from pychat.core import events
from pychat.core.chat.conversation import Conversation
from pychat.core.identity.contacts import Contacts
from pychat.core.identity.lookalike import skeleton
from pychat.core.ids import ChatId
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.node import SEED_SIZE, Node
from pychat.driver import Driver
from pychat.ports import Clock, Crypto, Tabs
from tests.contracts.kit import Kit, Port, contract

PATIENCE = 60.0
"""Seconds until what was waited for is taken to never come, however slow the machine."""


class Person:
    """A node with its driver; `until` waits for a state of the node."""

    def __init__(self, kit: Kit, crypto: Crypto, *, with_tabs: bool, clock: Clock) -> None:
        self.node = Node(
            crypto.public_key,
            crypto.random(SEED_SIZE),
            Contacts(skeleton=skeleton),
            capabilities=kit.connect.capabilities,
            tabs=with_tabs,
        )
        tabs: Tabs | None = kit.tab(lambda event: self.driver.post(event)) if with_tabs else None
        self.driver = Driver(self.node, kit.connect, crypto, kit.store(), clock, tabs=tabs, on_turn=self._turned)
        self._news = asyncio.Event()
        kit.at_end(self.driver.close)

    @classmethod
    async def new(cls, kit: Kit, *, with_tabs: bool = False, clock: Clock = time.time) -> Self:
        """Somebody with an identity of their own."""
        return cls(kit, await kit.identity(), with_tabs=with_tabs, clock=clock)

    def _turned(self) -> None:
        self._news.set()

    async def until(self, condition: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain; the links are {list(self.node.links.by_id.values())}") from None

    async def invite(self, conversation: ChatId | None = None) -> Link:
        return await self._with_code(events.CreateInvite(conversation))

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

    async def until_open(self, link: Link) -> None:
        await self.until(lambda: link.phase is LinkPhase.OPEN)

    def conversation(self, link: Link) -> Conversation:
        conversation = self.node.chats.conversation(link.chat)
        assert conversation is not None
        return conversation

    def write(self, link: Link, *texts: str) -> None:
        conversation = self.conversation(link)
        for text in texts:
            self.driver.post(events.WriteMessage(conversation.id, text))
        self.driver.turn()

    def texts(self, link: Link) -> list[str]:
        return [message.entry.text for message in self.conversation(link).timeline]

    async def until_delivered(self, link: Link) -> None:
        await self.until(lambda: not self.conversation(link).undelivered)


async def connect(ann: Person, bob: Person, again: ChatId | None = None) -> tuple[Link, Link]:
    at_ann = await ann.invite(again)
    at_bob = await bob.reply(at_ann.code)
    ann.driver.post(events.PasteCode(at_bob.code))
    await ann.until_open(at_ann)
    await bob.until_open(at_bob)
    return at_ann, at_bob


@contract(Port.PEERS)
async def two_people_talk(kit: Kit) -> None:
    ann, bob = await Person.new(kit), await Person.new(kit)
    at_ann, at_bob = await connect(ann, bob)
    ann.write(at_ann, "Hello!", "Grüße, 世界, 👩‍👩‍👧")
    await ann.until_delivered(at_ann)
    bob.write(at_bob, "two\nlines")
    await bob.until_delivered(at_bob)
    expected = ["Hello!", "Grüße, 世界, 👩‍👩‍👧", "two\nlines"]
    assert ann.texts(at_ann) == expected
    assert bob.texts(at_bob) == expected


@contract(Port.PEERS)
async def a_burst_of_messages_is_delivered(kit: Kit) -> None:
    ann, bob = await Person.new(kit), await Person.new(kit)
    at_ann, at_bob = await connect(ann, bob)
    texts = [f"message number {i}" for i in range(5000)]
    ann.write(at_ann, *texts)
    await ann.until_delivered(at_ann)
    assert bob.texts(at_bob) == texts


@contract(Port.PEERS)
async def whoever_leaves_says_so_and_can_come_back(kit: Kit) -> None:
    ann, bob = await Person.new(kit), await Person.new(kit)
    at_ann, at_bob = await connect(ann, bob)
    bob.write(at_bob, "I have to go")
    await bob.until_delivered(at_bob)
    bob.driver.post(events.LeaveConversation(bob.conversation(at_bob).id))
    await ann.until(lambda: at_ann.phase is LinkPhase.CLOSED)
    assert at_ann.close_reason is CloseReason.PEER_LEFT
    ann.write(at_ann, "Too late?")
    at_ann, at_bob = await connect(ann, bob, again=at_ann.chat)
    await ann.until_delivered(at_ann)
    assert bob.texts(at_bob) == ["I have to go", "Too late?"]


@contract(Port.PEERS)
async def a_program_that_ends_says_so(kit: Kit) -> None:
    ann, bob = await Person.new(kit), await Person.new(kit)
    at_ann, _ = await connect(ann, bob)
    bob.driver.close()
    await ann.until(lambda: at_ann.phase is LinkPhase.CLOSED)
    assert at_ann.close_reason is CloseReason.PEER_LEFT


@contract(Port.TABS)
async def a_reply_pasted_into_another_tab_connects(kit: Kit) -> None:
    # The clock stands still, so that the other tab has all the time it takes.
    ann, other_tab = [await Person.new(kit, with_tabs=True, clock=lambda: 1_700_000_000.0) for _ in range(2)]
    bob = await Person.new(kit)
    at_ann = await ann.invite()
    at_bob = await bob.reply(at_ann.code)
    other_tab.driver.post(events.PasteCode(at_bob.code))
    await ann.until_open(at_ann)
    await other_tab.until(lambda: other_tab.node.introductions.inbox.handed_over)
    assert not other_tab.node.links.by_id
