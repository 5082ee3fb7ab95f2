"""The driver between a real core and ports that record what they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from pychat.core import events as ev
from pychat.core.capabilities import Capabilities
from pychat.core.conversation import LinkId
from pychat.core.ice import IceConfig
from pychat.core.link import Ending, Phase
from pychat.core.node import Node
from pychat.core.sdp import DescriptionKind
from pychat.core.stats import Stats
from pychat.driver import TURNS_AT_ONCE, Driver
from pychat.ports import PortError, Post
from tests.core import samples


class Recorder:
    """A peer connection that answers with a real browser's words, and its own data channel."""

    capabilities: ClassVar = Capabilities()

    def __init__(self, link: LinkId, ice: IceConfig, post: Post) -> None:
        self.link, self.post = link, post
        self.asked: list[str] = []
        self.sent: list[str] = []
        self.refuses = ""

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        await asyncio.sleep(0)
        if self.refuses == what:
            raise PortError(f"no {what}")

    async def create_offer(self) -> str:
        await self._ask("create offer")
        return samples.CHROMIUM_OFFER

    async def create_answer(self) -> str:
        await self._ask("create answer")
        return samples.CHROMIUM_ANSWER

    async def set_local_description(self, kind: DescriptionKind, sdp: str) -> str:
        await self._ask(f"set local {kind.value}")
        self.post(ev.GatheringFinished(self.link))
        return sdp

    async def set_remote_description(self, kind: DescriptionKind, sdp: str) -> None:
        await self._ask(f"set remote {kind.value}")

    async def add_candidate(self, candidate: str) -> None:
        await self._ask("add candidate")

    def open_channel(self, label: str, number: int) -> Recorder:
        self.asked.append(f"open {label} {number}")
        return self

    async def stats(self) -> Stats:
        await self._ask("stats")
        return Stats(bytes_sent=7)

    def send(self, data: str) -> None:
        if self.refuses == "send":
            raise PortError("the channel is not open")
        self.sent.append(data)

    def close(self) -> None:
        self.asked.append("close")


class World:
    """A driver with its recorders; `until` waits for a state of the node."""

    capabilities = Recorder.capabilities

    def __init__(self) -> None:
        self.made: list[Recorder] = []
        self.turns = 0
        self.time = 1000.0
        self.driver = Driver(Node("me-me-me-me-me-me"), self, lambda: self.time, on_turn=self._turned)
        self.node = self.driver.node

    def __call__(self, link: LinkId, ice: IceConfig, post: Post) -> Recorder:
        self.made.append(Recorder(link, ice, post))
        return self.made[-1]

    def _turned(self) -> None:
        self.turns += 1

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0)

    async def invite(self) -> str:
        self.driver.post(ev.InviteRequested())
        await self.until(lambda: self.code)
        return self.code

    @property
    def code(self) -> str:
        return next(iter(self.node.links.values())).code

    @property
    def ending(self) -> Ending | None:
        return next(iter(self.node.links.values())).ending


def in_a_loop(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario(World())

    asyncio.run(run())


def test_an_invite_is_an_open_connection_with_an_offer_that_is_set() -> None:
    async def scenario(world: World) -> None:
        await world.invite()
        assert world.made[0].asked == ["open chat 0", "create offer", "set local offer"]

    in_a_loop(scenario)


def test_a_few_events_are_handled_at_once_and_a_burst_in_one_turn() -> None:
    async def scenario(world: World) -> None:
        world.driver.post(ev.DetailsWatched(None))
        assert world.turns == 1
        for _ in range(100):
            world.driver.post(ev.DetailsWatched(None))
        assert world.turns == TURNS_AT_ONCE
        await world.until(lambda: world.turns > TURNS_AT_ONCE)
        await asyncio.sleep(0)
        assert world.turns == TURNS_AT_ONCE + 1
        world.driver.post(ev.DetailsWatched(None))
        assert world.turns == TURNS_AT_ONCE + 2

    in_a_loop(scenario)


def test_what_is_to_be_done_on_a_link_is_done_in_order() -> None:
    async def scenario(world: World) -> None:
        inviter = World()
        world.driver.post(ev.CodePasted(await inviter.invite()))
        await world.until(lambda: world.code)
        expected = ["open chat 0", "set remote offer", "create answer", "set local answer"]
        assert world.made[0].asked == expected

    in_a_loop(scenario)


def test_what_the_platform_refuses_ends_the_link_with_its_words() -> None:
    async def scenario(world: World) -> None:
        world.driver.post(ev.InviteRequested())
        world.made[0].refuses = "set local offer"
        await world.until(lambda: world.ending)
        assert world.ending is Ending.FAILED_HERE
        assert next(iter(world.node.links.values())).detail == "could not make an offer: no set local offer"
        assert world.made[0].asked[-1] == "close"

    in_a_loop(scenario)


def test_a_frame_that_cannot_be_sent_ends_the_link() -> None:
    async def scenario(world: World) -> None:
        await world.invite()
        world.made[0].refuses = "send"
        world.driver.post(ev.ChannelOpened(world.made[0].link))
        await world.until(lambda: world.ending)
        assert world.ending is Ending.FAILED_HERE

    in_a_loop(scenario)


def test_statistics_are_read_while_somebody_watches() -> None:
    async def scenario(world: World) -> None:
        await world.invite()
        conversation = next(iter(world.node.conversations))
        world.driver.post(ev.DetailsWatched(conversation))
        await world.until(lambda: next(iter(world.node.links.values())).stats)
        assert next(iter(world.node.links.values())).stats == Stats(bytes_sent=7)

    in_a_loop(scenario)


def test_the_timer_wakes_the_core_when_it_wants_to_be_woken() -> None:
    async def scenario(world: World) -> None:
        code = await world.invite()
        guest = World()
        guest.driver.post(ev.CodePasted(code))
        await guest.until(lambda: guest.code)
        world.driver.post(ev.CodePasted(guest.code))
        assert next(iter(world.node.links.values())).phase is Phase.CONNECTING
        deadline = world.node.next_deadline()
        assert deadline is not None
        world.time = deadline  # the timer was armed for seconds from now; the next turn arms it anew
        world.driver.post(ev.DetailsWatched(None))
        await world.until(lambda: world.ending)
        assert world.ending is Ending.NO_PATH

    in_a_loop(scenario)


def test_closing_says_good_bye_and_closes_every_connection() -> None:
    async def scenario(world: World) -> None:
        await world.invite()
        link = world.made[0].link
        world.driver.post(ev.ChannelOpened(link))
        world.driver.post(ev.FrameReceived(link, '["hello",[1],"peer-peer-peer-peer"]'))
        await world.until(lambda: next(iter(world.node.links.values())).phase is Phase.OPEN)
        world.driver.close()
        assert world.made[0].sent[-1] == '["bye"]'
        assert world.made[0].asked[-1] == "close"

    in_a_loop(scenario)


def test_an_observer_sees_each_event_and_each_effect_as_it_passes() -> None:
    async def scenario(_: World) -> None:
        seen: list[str] = []
        driver = Driver(
            Node("me-me-me-me-me-me"), Recorder, lambda: 0.0, observe=lambda item: seen.append(type(item).__name__)
        )
        driver.post(ev.InviteRequested())
        assert seen == ["InviteRequested", "OpenConnection", "CreateOffer"]
        driver.close()

    in_a_loop(scenario)
