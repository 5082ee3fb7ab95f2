"""The driver between a real core and ports that record what they are asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

import pytest

from pychat.core import effects, events
from pychat.core.codes.roomcode import RoomCode, encode
from pychat.core.identity import visited
from pychat.core.identity.contacts import STORE_KEY, Contacts
from pychat.core.ids import LinkId
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.node import Node
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.sdp import DescriptionKind
from pychat.core.webrtc.stats import Stats
from pychat.driver import (
    CHARS_AT_ONCE,
    EVENTS_AT_ONCE,
    FRAME_WEIGHT,
    MOST_EVENTS,
    MOST_WAITING,
    PAUSE,
    SLICE,
    TURNS_AT_ONCE,
    Driver,
    Observer,
)
from pychat.ports import Leases, PortError, Post
from tests.core import samples
from tests.core.people import Keys, is_genuine
from tests.fakes import FakeLeases

ROOMS = (RoomCode(b"first" * 4), RoomCode(b"other" * 4))


class Recorder:
    """A peer connection that answers with a real browser's words, and its own data channel."""

    capabilities: ClassVar = Capabilities()

    def __init__(self, link: LinkId, ice: IceConfig, post: Post) -> None:
        self.link, self.post = link, post
        self.asked: list[str] = []
        self.sent: list[str] = []
        self.refuses = ""
        self.other: Recorder | None = None

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        await asyncio.sleep(0)
        if self.refuses == what:
            raise PortError(f"no {what}")

    async def offer(self, *, restart: bool = False) -> str:
        await self._ask("offer")
        self.post(events.GatheringFinished(self.link))
        return samples.CHROMIUM_OFFER

    async def answer(self) -> str:
        await self._ask("answer")
        self.post(events.GatheringFinished(self.link))
        return samples.CHROMIUM_ANSWER

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
        if self.other is not None:
            asyncio.get_running_loop().call_soon(self.other.post, events.FrameReceived(self.other.link, data))

    def close(self) -> None:
        self.asked.append("close")


class Crypto:
    """Keys that take a moment, or refuse."""

    def __init__(self, name: str) -> None:
        self._keys = Keys(name)
        self.public_key = self._keys.public
        self.asked: list[str] = []
        self.refuses = ""

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        await asyncio.sleep(0)
        if self.refuses == what:
            raise PortError(f"cannot {what}")

    def random(self, size: int) -> bytes:
        self.asked.append(f"{size} random bytes")
        return self._keys.nonce()[:size]

    async def sign(self, data: bytes) -> bytes:
        await self._ask("sign")
        return self._keys.sign(data)

    async def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        await self._ask("verify")
        return is_genuine(key, signature, data)

    async def derive(self, secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
        raise NotImplementedError

    async def stretch(self, passphrase: bytes, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
        raise NotImplementedError

    async def seal(self, key: bytes, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        raise NotImplementedError

    async def unseal(self, key: bytes, nonce: bytes, sealed: bytes, associated_data: bytes) -> bytes | None:
        raise NotImplementedError


class Store:
    """Keeps texts, or refuses."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.refuses = False

    def load(self, key: str) -> str | None:
        return self.kept.get(key)

    def save(self, key: str, text: str) -> None:
        if self.refuses:
            raise PortError("the disk is full")
        self.kept[key] = text

    def update(self, key: str, change: Callable[[str | None], str]) -> None:
        self.save(key, change(self.load(key)))


class World:
    """A driver with its recorders; `until` waits for a state of the node."""

    capabilities = Recorder.capabilities

    def __init__(self, name: str = "ann", observe: Observer | None = None, leases: Leases | None = None) -> None:
        self.made: list[Recorder] = []
        self.makes = True
        self.turns = 0
        self.on_turn: Callable[[], None] = lambda: None
        self.time = 1000.0
        self.crypto, self.store = Crypto(name), Store()
        self.node = Node(self.crypto.public_key, name.encode(), Contacts(skeleton=str.casefold), name=name, visited=())
        self.driver = Driver(
            self.node,
            self,
            self.crypto,
            self.store,
            lambda: self.time,
            stopwatch=lambda: self.time,
            leases=leases,
            on_turn=self._turned,
            observe=observe,
        )

    def __call__(self, link: LinkId, ice: IceConfig, post: Post) -> Recorder:
        if not self.makes:
            raise PortError("no more connections")
        self.made.append(Recorder(link, ice, post))
        return self.made[-1]

    def _turned(self) -> None:
        self.turns += 1
        self.on_turn()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0)

    async def invite(self) -> str:
        self.driver.post(events.CreateInvite())
        await self.until(lambda: self.code)
        return self.code

    @property
    def link(self) -> Link:
        return next(iter(self.node.links.by_id.values()))

    @property
    def code(self) -> str:
        return self.link.code

    @property
    def close_reason(self) -> CloseReason | None:
        return self.link.close_reason


async def exchange_codes(world: World, guest: World) -> None:
    guest.driver.post(events.PasteCode(await world.invite()))
    await guest.until(lambda: guest.code)
    world.driver.post(events.PasteCode(guest.code))
    one, other = world.made[0], guest.made[0]
    one.other, other.other = other, one


def open_channel(*worlds: World) -> None:
    for world in worlds:
        world.driver.post(events.ChannelOpened(world.made[0].link))


async def join(world: World, guest: World) -> None:
    await exchange_codes(world, guest)
    open_channel(world, guest)


def in_a_loop(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario(World())

    asyncio.run(run())


def test_an_invite_is_an_open_connection_with_an_offer_that_is_set() -> None:
    async def scenario(world: World) -> None:
        await world.invite()
        assert world.made[0].asked == ["open chat 0", "offer"]

    in_a_loop(scenario)


def test_a_few_events_are_handled_at_once_and_a_burst_in_one_turn() -> None:
    async def scenario(world: World) -> None:
        world.driver.post(events.WatchDetails(None))
        assert world.turns == 1
        for _ in range(100):
            world.driver.post(events.WatchDetails(None))
        assert world.turns == TURNS_AT_ONCE
        await world.until(lambda: world.turns > TURNS_AT_ONCE)
        await asyncio.sleep(0)
        assert world.turns == TURNS_AT_ONCE + 1
        world.driver.post(events.WatchDetails(None))
        assert world.turns == TURNS_AT_ONCE + 2

    in_a_loop(scenario)


def test_a_large_burst_is_handled_in_several_turns_so_that_the_first_frames_leave_early() -> None:
    async def scenario(world: World) -> None:
        for _ in range(TURNS_AT_ONCE + 2 * EVENTS_AT_ONCE + 1):
            world.driver.post(events.WatchDetails(None))
        assert world.turns == TURNS_AT_ONCE
        await world.until(lambda: world.turns > TURNS_AT_ONCE)
        await asyncio.sleep(0)
        assert world.turns == TURNS_AT_ONCE + 3

    in_a_loop(scenario)


def test_whoever_closes_in_a_large_burst_is_heard_to_the_end() -> None:
    seen: list[events.Event | effects.Effect] = []

    async def run() -> None:
        driver = World(observe=seen.append).driver
        for _ in range(3 * TURNS_AT_ONCE * EVENTS_AT_ONCE):
            driver.post(events.WatchDetails(None))
        driver.close()
        assert seen[-1] == events.Shutdown()

    asyncio.run(run())


def test_after_a_pause_events_are_handled_at_once_again() -> None:
    async def scenario(world: World) -> None:
        for _ in range(TURNS_AT_ONCE):
            world.driver.post(events.WatchDetails(None))
        assert world.turns == TURNS_AT_ONCE
        world.time += 2 * PAUSE
        world.driver.post(events.WatchDetails(None))
        assert world.turns == TURNS_AT_ONCE + 1

    in_a_loop(scenario)


def test_once_a_burst_waits_for_the_loop_later_events_wait_too_however_late_they_come() -> None:
    async def scenario(world: World) -> None:
        for _ in range(TURNS_AT_ONCE + 1):
            world.driver.post(events.WatchDetails(None))
        for _ in range(100):
            world.time += 2 * PAUSE
            world.driver.post(events.WatchDetails(None))
        assert world.turns == TURNS_AT_ONCE
        await world.until(lambda: world.turns > TURNS_AT_ONCE)
        await asyncio.sleep(0)
        assert world.turns == TURNS_AT_ONCE + 1

    in_a_loop(scenario)


def test_what_follows_from_a_turn_is_handled_before_the_loop_comes_round() -> None:
    async def scenario(world: World) -> None:
        await exchange_codes(world, World("bob"))
        world.time += 2 * PAUSE
        world.driver.post(events.ChannelOpened(world.link.id))  # a nonce is drawn, and with it the greeting is made
        assert len(world.made[0].sent) == 1

    in_a_loop(scenario)


def test_events_that_call_for_each_other_without_end_leave_the_loop_its_turn() -> None:
    async def scenario(world: World) -> None:
        def again() -> None:
            if world.turns < 10 * TURNS_AT_ONCE:
                world.driver.post(events.WatchDetails(None))

        world.on_turn = again
        world.driver.post(events.WatchDetails(None))
        assert world.turns == TURNS_AT_ONCE
        await world.until(lambda: world.turns == 10 * TURNS_AT_ONCE)

    in_a_loop(scenario)


def test_however_much_is_waiting_the_loop_has_its_turn_after_some_milliseconds() -> None:
    async def scenario(world: World) -> None:
        def take_long() -> None:
            world.time += 0.6 * SLICE

        world.on_turn = take_long
        for _ in range(TURNS_AT_ONCE + 10 * EVENTS_AT_ONCE):
            world.driver.post(events.WatchDetails(None))
        assert world.turns == TURNS_AT_ONCE
        await world.until(lambda: world.turns > TURNS_AT_ONCE)
        assert world.turns == TURNS_AT_ONCE + 2
        await world.until(lambda: world.turns > TURNS_AT_ONCE + 2)
        assert world.turns == TURNS_AT_ONCE + 4
        world.driver.turn()
        assert world.turns == TURNS_AT_ONCE + 10

    in_a_loop(scenario)


def gather(world: World) -> None:
    """Until the loop comes round, what is posted from now on waits."""
    for _ in range(TURNS_AT_ONCE + 1):
        world.driver.post(events.WatchDetails(None))


def test_a_turn_takes_no_more_of_large_frames_than_a_few() -> None:
    turns: list[list[events.Event]] = []

    async def scenario(world: World) -> None:
        await join(world, World("bob"))
        await world.until(lambda: world.link.phase is LinkPhase.OPEN)
        handle = world.node.handle

        def look(batch: Sequence[events.Event], now: float) -> list[effects.Effect]:
            turns.append(list(batch))
            return handle(batch, now)

        world.node.handle = look  # type: ignore[method-assign]
        gather(world)
        turns.clear()
        frame = events.FrameReceived(world.link.id, json.dumps(["typing", "x" * (CHARS_AT_ONCE // 2)]))
        for _ in range(5):
            world.driver.post(frame)
        world.driver.post(events.WatchDetails(None))
        world.driver.turn()
        assert [batch.count(frame) for batch in turns] == [2, 2, 1]

    in_a_loop(scenario)


def test_a_peer_that_floods_ends_its_own_link_and_nobody_elses() -> None:
    async def scenario(world: World) -> None:
        await join(world, World("bob"))
        await world.until(lambda: world.link.phase is LinkPhase.OPEN)
        world.driver.post(events.CreateInvite())
        gather(world)
        frame = events.FrameReceived(world.link.id, '["typing"]')
        for _ in range(MOST_WAITING // FRAME_WEIGHT):
            world.driver.post(frame)
        world.driver.post(events.SetName("Ann"))
        assert world.made[0].asked[-1] == "close"
        assert len(world.driver._events) < 100
        await world.until(lambda: world.close_reason)
        assert world.close_reason is CloseReason.BROKE_PROTOCOL
        assert world.node.messaging.name == "Ann"
        assert [link.close_reason for link in world.node.links.by_id.values()] == [CloseReason.BROKE_PROTOCOL, None]

    in_a_loop(scenario)


def test_a_peer_that_sends_long_without_a_pause_but_no_more_than_is_heard_is_heard_to_the_end() -> None:
    async def scenario(world: World) -> None:
        await join(world, World("bob"))
        await world.until(lambda: world.link.phase is LinkPhase.OPEN)
        gather(world)
        frame = events.FrameReceived(world.link.id, json.dumps(["typing", "x" * 50_000]))
        for _ in range(5):
            for _ in range(50):
                world.driver.post(frame)
            world.driver.turn()
            gather(world)
        assert world.close_reason is None
        assert world.driver._weights == {}

    in_a_loop(scenario)


@pytest.mark.slow
def test_however_many_events_of_ones_own_are_posted_only_so_many_wait() -> None:
    async def scenario(world: World) -> None:
        for _ in range(3 * MOST_EVENTS):
            world.driver.post(events.EditCode())
            assert len(world.driver._events) <= MOST_EVENTS + 1

    in_a_loop(scenario)


def test_what_is_to_be_done_on_a_link_is_done_in_order() -> None:
    async def scenario(world: World) -> None:
        inviter = World()
        world.driver.post(events.PasteCode(await inviter.invite()))
        await world.until(lambda: world.code)
        expected = ["open chat 0", "set remote offer", "answer"]
        assert world.made[0].asked == expected

    in_a_loop(scenario)


def test_what_the_platform_refuses_ends_the_link_with_its_words() -> None:
    async def scenario(world: World) -> None:
        world.driver.post(events.CreateInvite())
        world.made[0].refuses = "offer"
        await world.until(lambda: world.close_reason)
        assert world.close_reason is CloseReason.FAILED_HERE
        assert world.link.detail == "could not make an offer: no offer"
        assert world.made[0].asked[-1] == "close"

    in_a_loop(scenario)


def test_a_connection_that_cannot_be_made_ends_the_link_whatever_else_was_to_be_done_with_it() -> None:
    async def scenario(world: World) -> None:
        world.makes = False
        world.driver.post(events.CreateInvite())
        await world.until(lambda: world.close_reason)
        assert world.close_reason is CloseReason.FAILED_HERE
        assert world.link.detail == "could not open a connection: no more connections"
        world.makes = True
        world.driver.post(events.CreateInvite())
        await world.until(lambda: world.made and world.made[-1].asked[-1:] == ["offer"])

    in_a_loop(scenario)


def test_a_frame_for_a_connection_that_is_closed_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        await join(world, World("bob"))
        await world.until(lambda: world.link.phase is LinkPhase.OPEN)
        link, sent = world.link.id, list(world.made[0].sent)
        late = [effects.CloseConnection(link), effects.SendFrame(link, "late")]
        with monkeypatch.context() as patched:
            patched.setattr(world.node, "handle", lambda *_: late)
            world.driver.post(events.WatchDetails(None))
        assert world.made[0].asked[-1] == "close"
        assert world.made[0].sent == sent

    in_a_loop(scenario)


def test_a_frame_that_cannot_be_sent_ends_the_link() -> None:
    async def scenario(world: World) -> None:
        guest = World("bob")
        await join(world, guest)
        world.made[0].refuses = "send"
        await world.until(lambda: world.close_reason)
        assert (world.close_reason, world.link.detail) == (
            CloseReason.FAILED_HERE,
            "could not send: the channel is not open",
        )

    in_a_loop(scenario)


def test_statistics_are_read_while_somebody_watches() -> None:
    async def scenario(world: World) -> None:
        await world.invite()
        (conversation,) = world.node.chats.listed()
        world.driver.post(events.WatchDetails(conversation.id))
        await world.until(lambda: world.link.stats)
        assert world.link.stats == Stats(bytes_sent=7)

    in_a_loop(scenario)


def test_the_timer_wakes_the_core_when_it_wants_to_be_woken() -> None:
    async def scenario(world: World) -> None:
        code = await world.invite()
        guest = World()
        guest.driver.post(events.PasteCode(code))
        await guest.until(lambda: guest.code)
        world.driver.post(events.PasteCode(guest.code))
        assert world.link.phase is LinkPhase.CONNECTING
        deadline = world.node.next_deadline()
        assert deadline is not None
        world.time = deadline  # the timer was armed for seconds from now; the next turn arms it anew
        world.driver.post(events.WatchDetails(None))
        await world.until(lambda: world.close_reason)
        assert world.close_reason is CloseReason.NO_PATH

    in_a_loop(scenario)


def test_a_timer_that_rings_early_enough_is_not_armed_anew() -> None:
    async def scenario(world: World) -> None:
        guest = World()
        guest.driver.post(events.PasteCode(await world.invite()))
        await guest.until(lambda: guest.code)
        world.driver.post(events.PasteCode(guest.code))
        assert world.node.next_deadline() is not None
        armed: list[float] = []
        loop = asyncio.get_running_loop()

        def arm(delay: float, *_: object) -> None:
            armed.append(delay)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(loop, "call_later", arm)
            for _ in range(3):
                world.driver.post(events.WatchDetails(None))
                await asyncio.sleep(0)
        assert armed == []

    in_a_loop(scenario)


def test_closing_says_good_bye_and_closes_every_connection() -> None:
    async def scenario(world: World) -> None:
        await join(world, World("bob"))
        await world.until(lambda: world.link.phase is LinkPhase.OPEN)
        world.driver.close()
        assert world.made[0].sent[-1] == '["bye"]'
        assert world.made[0].asked[-1] == "close"

    in_a_loop(scenario)


def test_an_observer_sees_each_event_and_each_effect_as_it_passes() -> None:
    async def scenario(_: World) -> None:
        seen: list[str] = []
        world = World(observe=lambda item: seen.append(type(item).__name__))
        world.driver.post(events.CreateInvite())
        assert seen == ["CreateInvite", "OpenConnection", "CreateOffer"]
        world.driver.close()

    in_a_loop(scenario)


# Keys and what is kept.


def test_the_keys_do_what_the_handshake_asks_for() -> None:
    async def scenario(world: World) -> None:
        guest = World("bob")
        await join(world, guest)
        await world.until(lambda: world.link.phase is guest.link.phase is LinkPhase.OPEN)
        assert (world.link.peer, guest.link.peer) == (guest.crypto.public_key, world.crypto.public_key)
        assert world.crypto.asked == ["32 random bytes", "sign", "verify"]
        assert guest.crypto.asked == ["32 random bytes", "verify", "sign"]

    in_a_loop(scenario)


def test_frames_that_follow_the_opening_of_the_channel_in_the_same_turn_wait_for_the_nonce() -> None:
    async def scenario(world: World) -> None:
        guest = World("bob")
        await exchange_codes(world, guest)
        for _ in range(TURNS_AT_ONCE):  # until the loop comes round, what is posted now is gathered
            guest.driver.post(events.WatchDetails(None))
        open_channel(guest, world)
        world.driver.post(events.WatchDetails(None))
        assert len(world.made[0].sent) == 1, "the greeting is on its way already"
        await world.until(lambda: world.link.phase is guest.link.phase is LinkPhase.OPEN)

    in_a_loop(scenario)


@pytest.mark.parametrize(("operation", "words"), [("sign", "sign with your key"), ("verify", "check a signature")])
def test_a_key_that_does_not_work_ends_the_link_with_the_platforms_words(operation: str, words: str) -> None:
    async def scenario(world: World) -> None:
        world.crypto.refuses = operation
        guest = World("bob")
        await join(world, guest)
        await world.until(lambda: world.close_reason)
        assert (world.close_reason, world.link.detail) == (
            CloseReason.FAILED_HERE,
            f"could not {words}: cannot {operation}",
        )

    in_a_loop(scenario)


def test_whom_one_meets_is_kept() -> None:
    async def scenario(world: World) -> None:
        guest = World("bob")
        await join(world, guest)
        await world.until(lambda: world.store.kept)
        contacts = Contacts.loads(world.store.load(STORE_KEY), skeleton=str.casefold)
        assert [(contact.key, contact.name) for contact in contacts] == [(guest.crypto.public_key, "bob")]
        assert world.node.people.not_kept == ""

    in_a_loop(scenario)


def test_rooms_that_were_entered_are_kept_by_their_marks() -> None:
    async def scenario(world: World) -> None:
        for room in ROOMS:
            world.driver.post(events.PasteCode(encode(room), "wss://chat.example/relay"))
        marks = [visited.mark(room, world.crypto.public_key) for room in reversed(ROOMS)]
        await world.until(lambda: visited.loads(world.store.load(visited.STORE_KEY)) == marks)
        world.store.refuses = True
        world.driver.post(events.PasteCode(encode(RoomCode(b"third" * 4)), "wss://chat.example/relay"))
        await world.until(lambda: len(world.node.rooms.by_id) == 3)
        assert world.node.people.not_kept == ""

    in_a_loop(scenario)


def test_a_store_that_refuses_is_told_of_and_ends_nothing() -> None:
    async def scenario(world: World) -> None:
        world.store.refuses = True
        await join(world, World("bob"))
        await world.until(lambda: world.node.people.not_kept)
        assert world.node.people.not_kept == "the disk is full"
        assert world.link.phase is LinkPhase.OPEN

    in_a_loop(scenario)


def test_leases_are_taken_given_back_and_let_go_at_the_end() -> None:
    async def run() -> None:
        held: dict[str, FakeLeases] = {}
        seen: list[events.Event | effects.Effect] = []
        ann, tab = World(observe=seen.append, leases=FakeLeases(held)), World(leases=FakeLeases(held))
        for name in ("one", "two", "three"):
            ann.driver._execute(effects.TakeLease(7, name))
        ann.driver._execute(effects.ReleaseLease("three"))  # before it could be taken
        await ann.until(lambda: len([event for event in seen if isinstance(event, events.LeaseTaken)]) == 3)
        assert seen[:2] == [events.LeaseTaken(7, True)] * 2
        assert sorted(held) == ["one", "two"]
        tab.driver._execute(effects.ReleaseLease("one"))
        assert sorted(held) == ["one", "two"]
        ann.driver._execute(effects.ReleaseLease("one"))
        assert list(held) == ["two"]
        ann.driver.close()
        tab.driver.close()
        assert held == {}

    asyncio.run(run())


def test_where_there_are_no_leases_nobody_else_is_there() -> None:
    async def run() -> None:
        seen: list[events.Event | effects.Effect] = []
        ann = World(observe=seen.append)
        ann.driver._execute(effects.TakeLease(7, "one"))
        await ann.until(lambda: seen)
        assert seen == [events.LeaseTaken(7, True)]
        ann.driver.close()

    asyncio.run(run())
