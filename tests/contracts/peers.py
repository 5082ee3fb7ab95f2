"""What a WebRTC stack does behind its ports: `PeerConnectionFactory`, `PeerConnection`, `DataChannel`."""

import asyncio
import ipaddress
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count

from pychat.core import events
from pychat.core.webrtc.ice import IceConfig, IceServer
from pychat.core.webrtc.sdp import (
    MAX_MESSAGE_SIZE,
    Candidate,
    CandidateKind,
    Description,
    DescriptionKind,
    candidate_attribute,
    mdns_uuid,
    parse_candidate,
    parse_description,
    to_sdp,
)
from pychat.core.webrtc.stats import Stats
from pychat.ports import PortError
from tests.contracts.kit import Kit, Port, contract

PATIENCE = 60.0
"""Seconds until what was waited for is taken to never come, however slow the machine."""

UP = {events.IceState.CONNECTED, events.IceState.COMPLETED}
OVER = {events.ConnectionState.DISCONNECTED, events.ConnectionState.FAILED, events.ConnectionState.CLOSED}

_links = count(1)


class SideClosed(Exception):
    """What a side was waited for can no longer come."""


class Side:
    """One connection with its channel, and all that it has posted.

    Args:
        react: called with each event within the post, as the driver's turn is.
    """

    def __init__(
        self,
        kit: Kit,
        *,
        ice: IceConfig = IceConfig(),
        react: Callable[["Side", events.Event], None] = lambda *_: None,
    ) -> None:
        self.link = next(_links)
        self.events: list[events.Event] = []
        self.closed = False
        self._react = react
        self._news = asyncio.Event()
        self.trickles = kit.connect.capabilities.trickles
        self.peer = kit.connect(self.link, ice, self._post)
        kit.at_end(self.close)
        self.channel = self.peer.open_channel("chat", 0)

    def _post(self, event: events.Event) -> None:
        self.events.append(event)
        self._news.set()
        self._react(self, event)

    def close(self) -> None:
        self.closed = True
        self._news.set()
        self.peer.close()

    def send(self, *texts: str) -> None:
        for text in texts:
            self.channel.send(text)

    async def until(self, condition: Callable[["Side"], object]) -> None:
        """Wait for what this side posts."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition(self):
                    if self.closed:
                        raise SideClosed
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain; it has posted {self.events[-40:]}") from None

    @property
    def frames(self) -> list[str]:
        return [event.data for event in self.events if isinstance(event, events.FrameReceived)]

    @property
    def ice_states(self) -> list[events.IceState]:
        return [event.state for event in self.events if isinstance(event, events.IceStateChanged)]

    @property
    def connection_states(self) -> list[events.ConnectionState]:
        return [event.state for event in self.events if isinstance(event, events.ConnectionStateChanged)]

    @property
    def is_open(self) -> bool:
        return events.ChannelOpened(self.link) in self.events

    @property
    def has_lost_peer(self) -> bool:
        """Whether it has learnt that the other side is gone."""
        return events.ChannelClosed(self.link) in self.events or bool(OVER & set(self.connection_states))

    async def until_frames(self, *expected: str) -> None:
        await self.until(lambda it: len(it.frames) >= len(expected))
        assert self.frames == list(expected), _difference(self.frames, list(expected))

    async def describe(self, kind: DescriptionKind, *, restart: bool = False) -> Description:
        """Make an offer or an answer, wait for its candidates, and take it apart; forget what was posted before."""
        self.events.clear()
        in_force = await (self.peer.offer(restart=restart) if kind is DescriptionKind.OFFER else self.peer.answer())
        if self.trickles:
            await self.until(lambda it: events.GatheringFinished(it.link) in it.events)
        description = parse_description(kind, in_force)
        found = [parse_candidate(e.candidate) for e in self.events if isinstance(e, events.CandidateFound)]
        candidates = dict.fromkeys([*description.candidates, *(c for c in found if c is not None)])
        return replace(description, candidates=tuple(candidates))

    async def offer(self, *, restart: bool = False) -> Description:
        return await self.describe(DescriptionKind.OFFER, restart=restart)

    async def answer(self, offer: Description) -> Description:
        await self.take(offer)
        return await self.describe(DescriptionKind.ANSWER)

    async def take(self, description: Description, *, answerer_is_server: bool = False) -> None:
        """Set the other side's description, written anew as real peers do."""
        sdp = to_sdp(description, answerer_is_server=answerer_is_server)
        await self.peer.set_remote_description(description.kind, sdp)


def _difference(found: list[str], expected: list[str]) -> str:
    """Where two lists differ; all of both would be too much to read."""
    for i, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            return f"frame {i}: {one[:60]!r} ({len(one)}) and not {other[:60]!r} ({len(other)})"
    return f"{len(found)} frames and not {len(expected)}"


def no_change(description: Description) -> Description:
    return description


async def exchange(
    ann: Side,
    bob: Side,
    *,
    offer: Callable[[Description], Description] = no_change,
    answer: Callable[[Description], Description] = no_change,
) -> None:
    """Ann invites Bob; on their way offer and answer may be changed."""
    answered = await bob.answer(offer(await ann.offer()))
    await ann.take(answer(answered))


async def until_open(*sides: Side) -> None:
    for side in sides:
        await side.until(lambda it: it.is_open)


async def connected(kit: Kit) -> tuple[Side, Side]:
    """Two sides with an open channel; the first has invited the other."""
    ann, bob = Side(kit), Side(kit)
    await exchange(ann, bob)
    await until_open(ann, bob)
    return ann, bob


async def another_pair_has_talked(kit: Kit) -> None:
    """Let pass what takes two others to connect and to speak: what was on its way before has arrived by then."""
    ann, bob = await connected(kit)
    ann.send("ping")
    await bob.until_frames("ping")
    bob.send("pong")
    await ann.until_frames("pong")
    ann.close()
    await bob.until(lambda it: it.has_lost_peer)
    bob.close()


async def refused(asked: Awaitable[object]) -> bool:
    """Whether the platform refuses it in words; anything but a PortError is raised."""
    try:
        await asked
    except PortError as error:
        if not str(error):
            raise
        return True
    return False


# Descriptions and candidates.


@contract(Port.PEERS)
async def an_offer_can_be_taken_apart(kit: Kit) -> None:
    offer = await Side(kit).offer()
    assert len(offer.fingerprint) == 32
    assert len(offer.ufrag) >= 4, offer  # RFC 8839, section 5.4
    assert len(offer.pwd) >= 22, offer
    assert offer.candidates


@contract(Port.PEERS)
async def an_answer_can_be_taken_apart(kit: Kit) -> None:
    offer = await Side(kit).offer()
    answer = await Side(kit).answer(offer)
    assert len(answer.fingerprint) == 32
    assert len(answer.ufrag) >= 4, answer
    assert len(answer.pwd) >= 22, answer
    assert answer.candidates
    assert (answer.ufrag, answer.pwd) != (offer.ufrag, offer.pwd)


@contract(Port.PEERS)
async def each_connection_has_credentials_and_candidates_of_its_own(kit: Kit) -> None:
    one, other = await Side(kit).offer(), await Side(kit).offer()
    assert one.ufrag != other.ufrag
    assert one.pwd != other.pwd
    assert not set(one.candidates) & set(other.candidates)


@contract(Port.PEERS)
async def what_is_only_opened_posts_nothing(kit: Kit) -> None:
    side = Side(kit)
    await another_pair_has_talked(kit)
    assert side.events == []


@contract(Port.PEERS)
async def candidates_come_as_the_capabilities_say(kit: Kit) -> None:
    ann, bob = await connected(kit)
    for side in (ann, bob):
        news = [e for e in side.events if isinstance(e, events.CandidateFound | events.GatheringFinished)]
        if side.trickles:
            assert news.count(events.GatheringFinished(side.link)) == 1, news
            assert news[-1] == events.GatheringFinished(side.link), news
            assert any(parse_candidate(e.candidate) for e in news if isinstance(e, events.CandidateFound)), news
        else:
            assert news == []


@contract(Port.PEERS)
async def without_trickling_the_description_in_force_has_all_candidates(kit: Kit) -> None:
    ann, bob = Side(kit), Side(kit)
    offer = await ann.peer.offer()
    await bob.take(parse_description(DescriptionKind.OFFER, offer))
    answer = await bob.peer.answer()
    for side, kind, sdp in ((ann, DescriptionKind.OFFER, offer), (bob, DescriptionKind.ANSWER, answer)):
        if side.trickles:
            await side.until(lambda it: events.GatheringFinished(it.link) in it.events)  # those that it has not follow
        else:
            assert parse_description(kind, sdp).candidates


@contract(Port.PEERS)
async def hiding_the_address_without_a_relay_leaves_no_candidate(kit: Kit) -> None:
    hidden = Side(kit, ice=IceConfig(relay_only=True))
    offer = await hidden.offer()
    assert offer.candidates == ()
    guest = Side(kit, ice=IceConfig(relay_only=True))
    assert (await guest.answer(await Side(kit).offer())).candidates == ()


@contract(Port.PEERS)
async def a_server_that_is_none_is_refused(kit: Kit) -> None:
    async def making(url: str) -> None:
        Side(kit, ice=IceConfig((IceServer(url),)))

    for url in ("", "nonsense", "http://example.org"):
        assert await refused(making(url)), url
    await another_pair_has_talked(kit)


# Connecting.


@contract(Port.PEERS)
async def two_connect_through_descriptions_that_are_written_anew(kit: Kit) -> None:
    ann, bob = await connected(kit)
    assert ann.events.count(events.ChannelOpened(ann.link)) == 1
    assert bob.events.count(events.ChannelOpened(bob.link)) == 1
    assert ann.frames == bob.frames == []


@contract(Port.PEERS)
async def an_offer_is_taken_back_for_one_of_the_peer(kit: Kit) -> None:
    """Two offers meet: one side passes over the other's, which gives way (W3C WebRTC, section 10.7)."""
    if not kit.connect.capabilities.can_roll_back:
        return
    polite, impolite = Side(kit), Side(kit)
    await polite.offer()
    await exchange(impolite, polite)
    await until_open(polite, impolite)
    polite.send("after you")
    await impolite.until_frames("after you")


async def restart(kit: Kit, *, by_inviter: bool) -> None:
    """Two connect, and one of them restarts ICE; the other one has answered at first, and stays the client of DTLS."""
    ann, bob = Side(kit), Side(kit)
    first = await ann.offer()
    second = await bob.answer(first)
    await ann.take(second)
    await until_open(ann, bob)
    one, other = (ann, bob) if by_inviter else (bob, ann)
    offer = await one.offer(restart=True)
    answer = await other.answer(offer)
    await one.take(answer, answerer_is_server=not by_inviter)
    before = (first, second) if by_inviter else (second, first)
    assert [d.fingerprint for d in (offer, answer)] == [d.fingerprint for d in before]
    assert not {offer.pwd, answer.pwd} & {first.pwd, second.pwd}, "the credentials of ICE are the old ones"
    for sender, receiver in ((one, other), (other, one)):
        sender.send(f"from {sender.link}")
        await receiver.until_frames(f"from {sender.link}")


@contract(Port.PEERS)
async def whoever_has_offered_can_restart_ice_and_nothing_else_changes(kit: Kit) -> None:
    if kit.connect.capabilities.can_restart:
        await restart(kit, by_inviter=True)


@contract(Port.PEERS)
async def whoever_has_answered_can_restart_ice_and_nothing_else_changes(kit: Kit) -> None:
    if kit.connect.capabilities.can_restart:
        await restart(kit, by_inviter=False)


@contract(Port.PEERS)
async def states_are_reported_on_the_way(kit: Kit) -> None:
    for side in await connected(kit):
        await side.until(lambda it: events.ConnectionState.CONNECTED in it.connection_states)
        assert all(type(state) is events.IceState for state in side.ice_states), side.ice_states
        assert all(type(state) is events.ConnectionState for state in side.connection_states), side.connection_states
        assert side.ice_states[0] is events.IceState.CHECKING, side.ice_states
        assert UP & set(side.ice_states), side.ice_states
        assert side.connection_states[0] is events.ConnectionState.CONNECTING, side.connection_states
        assert not OVER & set(side.connection_states), side.connection_states


@contract(Port.PEERS)
async def every_event_names_its_link(kit: Kit) -> None:
    ann, bob = await connected(kit)
    ann.send("frame")
    await bob.until_frames("frame")
    ann.close()
    await bob.until(lambda it: it.has_lost_peer)
    for side in (ann, bob):
        assert {getattr(event, "link", None) for event in side.events} == {side.link}, side.events


@contract(Port.PEERS)
async def the_channel_opens_before_a_frame_comes(kit: Kit) -> None:
    def greet(side: Side, event: events.Event) -> None:
        if event == events.ChannelOpened(side.link):
            side.send(f"hello from {side.link}")

    ann, bob = Side(kit, react=greet), Side(kit, react=greet)
    await exchange(ann, bob)
    await ann.until_frames(f"hello from {bob.link}")
    await bob.until_frames(f"hello from {ann.link}")
    for side in (ann, bob):
        kinds = [type(event) for event in side.events]
        assert kinds.index(events.ChannelOpened) < kinds.index(events.FrameReceived), kinds


@contract(Port.PEERS)
async def candidates_may_come_one_by_one(kit: Kit) -> None:
    def bare(description: Description) -> Description:
        return replace(description, candidates=())

    ann, bob = Side(kit), Side(kit)
    offer = await ann.offer()
    answer = await bob.answer(bare(offer))
    await ann.take(bare(answer))
    for side, description in ((ann, answer), (bob, offer)):
        for i, candidate in enumerate(description.candidates):
            await side.peer.add_candidate(candidate_attribute(candidate, i))
    await until_open(ann, bob)


@contract(Port.PEERS)
async def a_candidate_that_is_known_is_accepted(kit: Kit) -> None:
    async def again(side: Side, description: Description) -> None:
        for i, candidate in enumerate(description.candidates):
            await side.peer.add_candidate(candidate_attribute(candidate, 100 + i))  # as the core nudges

    ann, bob = Side(kit), Side(kit)
    offer = await ann.offer()
    answer = await bob.answer(offer)
    await again(bob, offer)
    await ann.take(answer)
    await again(ann, answer)
    await until_open(ann, bob)
    await again(ann, answer)
    await again(bob, offer)
    ann.send("still here")
    await bob.until_frames("still here")


def only_unknown_names(description: Description) -> Description:
    """Name its addresses by mDNS names that nobody answers to."""
    names = (f"{uuid.uuid4()}.local" for _ in range(3))
    return replace(description, candidates=tuple(Candidate(CandidateKind.HOST, name, 50_000) for name in names))


@contract(Port.PEERS)
async def an_answer_with_names_that_nobody_knows_is_no_failure(kit: Kit) -> None:
    ann, bob = Side(kit), Side(kit)
    await exchange(ann, bob, answer=only_unknown_names)  # Bob's own checks show her where he is
    await until_open(ann, bob)


@contract(Port.PEERS)
async def an_offer_with_names_that_nobody_knows_is_no_failure(kit: Kit) -> None:
    ann, bob = Side(kit), Side(kit)
    await exchange(ann, bob, offer=only_unknown_names)
    await until_open(ann, bob)


@contract(Port.PEERS)
async def several_connect_at_the_same_time(kit: Kit) -> None:
    pairs = await asyncio.gather(*(connected(kit) for _ in range(4)))
    for ann, bob in pairs:
        ann.send(f"from {ann.link}")
        bob.send(f"from {bob.link}")
    for ann, bob in pairs:
        await ann.until_frames(f"from {bob.link}")
        await bob.until_frames(f"from {ann.link}")
    first, *others = pairs
    first[0].close()
    await first[1].until(lambda it: it.has_lost_peer)
    for ann, bob in others:
        ann.send("still here")
        await bob.until_frames(f"from {ann.link}", "still here")
        assert not ann.has_lost_peer


def flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def with_wrong_fingerprint(description: Description) -> Description:
    return replace(description, fingerprint=flip(description.fingerprint))


def with_wrong_password(description: Description) -> Description:
    last = "b" if description.pwd[-1] == "a" else "a"
    return replace(description, pwd=description.pwd[:-1] + last)


@contract(Port.PEERS)
async def a_wrong_fingerprint_in_the_answer_opens_no_channel(kit: Kit) -> None:
    ann, bob = Side(kit), Side(kit)
    await exchange(ann, bob, answer=with_wrong_fingerprint)
    await ann.until(lambda it: events.ConnectionState.FAILED in it.connection_states)
    await another_pair_has_talked(kit)
    assert not ann.is_open
    assert not bob.is_open


@contract(Port.PEERS)
async def a_wrong_fingerprint_in_the_offer_opens_no_channel(kit: Kit) -> None:
    ann, bob = Side(kit), Side(kit)
    await exchange(ann, bob, offer=with_wrong_fingerprint)
    await bob.until(lambda it: events.ConnectionState.FAILED in it.connection_states)
    await another_pair_has_talked(kit)
    assert not ann.is_open
    assert not bob.is_open


@contract(Port.PEERS)
async def wrong_credentials_open_no_channel(kit: Kit) -> None:
    pairs = []
    for changes in ({"answer": with_wrong_password}, {"offer": with_wrong_password}):
        ann, bob = Side(kit), Side(kit)
        await exchange(ann, bob, **changes)
        pairs.append((ann, bob))
    await another_pair_has_talked(kit)  # it began later
    for ann, bob in pairs:
        assert not ann.is_open
        assert not bob.is_open
        assert events.ConnectionState.CONNECTED not in ann.connection_states + bob.connection_states


@contract(Port.PEERS)
async def a_description_of_somebody_else_opens_no_channel(kit: Kit) -> None:
    """All of Eve's answer but her addresses, which are Bob's, connects Ann neither to Bob nor to Eve."""
    ann, bob, eve = Side(kit), Side(kit), Side(kit)
    offer = await ann.offer()
    at_bob = (await bob.answer(offer)).candidates
    await ann.take(replace(await eve.answer(await Side(kit).offer()), candidates=at_bob))
    await another_pair_has_talked(kit)
    assert not any(side.is_open for side in (ann, bob, eve))


# Frames.


@contract(Port.PEERS)
async def text_arrives_whole_and_in_order_both_ways(kit: Kit) -> None:
    texts = (
        "plain",
        '["entries","author",1,[[1700000000000,"text"]]]',
        "",  # no frame, but a message nevertheless
        "two\r\nlines\n",
        "\0\x01\x7f",
        "Grüße, 世界, 👩‍👩‍👧, \u200f\ufeff\u2028\U0010ffff",
        "last",
    )
    ann, bob = await connected(kit)
    ann.send(*texts)
    bob.send(*reversed(texts))
    await bob.until_frames(*texts)
    await ann.until_frames(*reversed(texts))


@contract(Port.PEERS)
async def a_frame_of_the_largest_size_arrives_both_ways(kit: Kit) -> None:
    plain = "".join(chr(0x20 + i % 0x5F) for i in range(MAX_MESSAGE_SIZE))
    wide = "".join(chr(0x4E00 + i % 20_000) for i in range(MAX_MESSAGE_SIZE // 3)) + "!"
    assert len(plain) == len(wide.encode()) == MAX_MESSAGE_SIZE == 65_536
    ann, bob = await connected(kit)
    ann.send(plain, wide, "small")
    bob.send(wide, plain, "small")
    await bob.until_frames(plain, wide, "small")
    await ann.until_frames(wide, plain, "small")


@contract(Port.PEERS)
async def a_frame_above_the_size_that_the_peer_takes_is_refused(kit: Kit) -> None:
    ann, bob = await connected(kit)
    assert not sends(ann, "x" * (MAX_MESSAGE_SIZE + 1))
    # Firefox counts characters here. What it sends is at least whole.
    wide = "世" * (MAX_MESSAGE_SIZE // 3 + 1)
    sent = [wide] if sends(ann, wide) else []
    ann.send("small")
    await bob.until_frames(*sent, "small")


def sends(side: Side, text: str) -> bool:
    """Whether the channel takes a text; anything but a PortError is raised."""
    try:
        side.send(text)
    except PortError as error:
        if not str(error):
            raise
        return False
    return True


@contract(Port.PEERS)
async def a_burst_arrives_whole_and_in_order_both_ways(kit: Kit) -> None:
    texts = [f"message number {i} {'x' * (i % 300)}" for i in range(1000)]
    ann, bob = await connected(kit)
    ann.send(*texts)
    bob.send(*texts)
    await bob.until_frames(*texts)
    await ann.until_frames(*texts)


@contract(Port.PEERS)
async def many_large_frames_arrive(kit: Kit) -> None:
    """More than what SCTP lets be under way at once."""
    texts = [f"{i:06}" * (MAX_MESSAGE_SIZE // 6) for i in range(24)]
    ann, bob = await connected(kit)
    ann.send(*texts)
    await bob.until_frames(*texts)


@contract(Port.PEERS)
async def bytes_arrive_as_what_is_no_frame(kit: Kit) -> None:
    ann, bob = await connected(kit)
    ann.send("before")
    for data in (b"text", b"", bytes(range(256)), bytes(MAX_MESSAGE_SIZE)):
        kit.send_bytes(ann.channel, data)
    ann.send("after")
    await bob.until_frames("before", "", "", "", "", "after")


@contract(Port.PEERS)
async def a_channel_that_is_not_open_refuses_to_send(kit: Kit) -> None:
    ann, bob = Side(kit), Side(kit)
    assert not sends(ann, "too early")
    offer = await ann.offer()
    assert not sends(ann, "too early")
    answer = await bob.answer(offer)
    assert not sends(bob, "too early")
    await ann.take(answer)
    await until_open(ann, bob)
    ann.send("in time")
    await bob.until_frames("in time")
    ann.close()
    assert not sends(ann, "too late")
    await bob.until(lambda it: events.ChannelClosed(it.link) in it.events)
    assert not sends(bob, "too late")


@contract(Port.PEERS)
async def a_number_that_is_taken_opens_no_channel(kit: Kit) -> None:
    async def opening(side: Side) -> None:
        side.peer.open_channel("another", 0)

    ann, bob = Side(kit), Side(kit)
    assert await refused(opening(ann))
    await exchange(ann, bob)
    await until_open(ann, bob)


# The end.


@contract(Port.PEERS)
async def a_frame_sent_just_before_the_end_arrives(kit: Kit) -> None:
    ann, bob = await connected(kit)
    ann.send("bye")
    ann.close()
    await bob.until(lambda it: it.has_lost_peer)
    assert bob.frames == ["bye"]
    kinds = [type(event) for event in bob.events]
    assert events.ChannelClosed not in kinds or kinds.index(events.FrameReceived) < kinds.index(events.ChannelClosed), (
        kinds
    )


@contract(Port.PEERS)
async def the_other_side_learns_of_the_end(kit: Kit) -> None:
    for closing in (0, 1):
        sides = await connected(kit)
        sides[closing].close()
        other = sides[1 - closing]
        await other.until(lambda it: it.has_lost_peer)


@contract(Port.PEERS)
async def nothing_is_posted_after_the_end(kit: Kit) -> None:
    ann, bob = await connected(kit)
    bob.send(*(f"message number {i}" for i in range(1000)))  # they are on their way
    await ann.until(lambda it: it.frames)
    ann.close()
    posted = list(ann.events)
    await bob.until(lambda it: it.has_lost_peer)
    await another_pair_has_talked(kit)
    assert ann.events == posted


@contract(Port.PEERS)
async def ending_twice_is_ending_once(kit: Kit) -> None:
    ann, bob = await connected(kit)
    ann.close()
    ann.close()
    await bob.until(lambda it: it.has_lost_peer)
    bob.close()
    bob.close()
    unused = Side(kit)
    unused.close()
    unused.close()
    await another_pair_has_talked(kit)
    assert unused.events == []


@contract(Port.PEERS)
async def it_can_end_at_any_step(kit: Kit) -> None:
    """A person may leave while something is under way; what is under way is given up by whoever waits for it."""

    async def end_during(side: Side, asked: Awaitable[object]) -> None:
        task = asyncio.ensure_future(asked)
        await asyncio.sleep(0)
        side.close()
        posted = list(side.events)
        await another_pair_has_talked(kit)
        assert side.events == posted
        task.cancel()  # a browser never answers what a closed connection was asked
        with suppress(PortError, asyncio.CancelledError):
            await task

    ann = Side(kit)
    await end_during(ann, ann.peer.offer())
    offer = await Side(kit).offer()
    bob = Side(kit)
    await end_during(bob, bob.take(offer))
    bob = Side(kit)
    await end_during(bob, bob.take(only_unknown_names(offer)))
    bob = Side(kit)
    await bob.take(offer)
    await end_during(bob, bob.peer.answer())


@contract(Port.PEERS)
async def it_can_end_within_any_event(kit: Kit) -> None:
    """The core decides to close while an event is being posted."""
    kinds = [
        events.IceStateChanged,
        events.ConnectionStateChanged,
        events.ChannelOpened,
        events.FrameReceived,
        events.ChannelClosed,
    ]
    if kit.connect.capabilities.trickles:
        kinds += [events.CandidateFound, events.GatheringFinished]
    for kind in kinds:
        posted: list[events.Event] = []

        def leave(
            side: Side, event: events.Event, kind: type[events.Event] = kind, posted: list[events.Event] = posted
        ) -> None:
            if isinstance(event, kind):
                side.close()
                posted += side.events

        ann, bob = Side(kit, react=leave), Side(kit)
        # What is asked of a connection that closes meanwhile is never answered (W3C WebRTC, section 4.4.1.2).
        talking = asyncio.ensure_future(_talk_until_closed(ann, bob))
        await ann.until(lambda it: it.closed)
        talking.cancel()
        await asyncio.wait([talking])
        if not talking.cancelled():
            talking.result()
        bob.close()
        await another_pair_has_talked(kit)
        assert ann.events == posted, (kind, ann.events[len(posted) :])


async def _talk_until_closed(ann: Side, bob: Side) -> None:
    with suppress(PortError, SideClosed):
        await exchange(ann, bob)
        await ann.until(lambda it: it.is_open)
        await bob.until(lambda it: it.is_open or it.has_lost_peer)
        bob.send("frame")
        await ann.until(lambda it: it.frames)
        bob.close()
        await ann.until(lambda it: it.closed)


@contract(Port.PEERS)
async def what_has_ended_refuses_or_does_nothing(kit: Kit) -> None:
    ann, bob = Side(kit), Side(kit)
    offer = await ann.offer()
    answer = await bob.answer(offer)
    ann.close()
    posted = list(ann.events)
    for asked in (
        ann.peer.offer(),
        ann.peer.answer(),
        ann.take(answer),
        ann.peer.add_candidate(candidate_attribute(answer.candidates[0], 0)),
        ann.peer.stats(),
    ):
        await refused(asked)
    await another_pair_has_talked(kit)
    assert ann.events == posted
    assert not bob.is_open


@contract(Port.PEERS)
async def closing_the_channel_alone_closes_it_on_both_sides(kit: Kit) -> None:
    ann, bob = await connected(kit)
    ann.send("last")
    ann.channel.close()
    for side in (ann, bob):
        await side.until(lambda it: events.ChannelClosed(it.link) in it.events)
        assert not sends(side, "too late")
    assert bob.frames == ["last"]
    ann.channel.close()


# What is malformed.


MALFORMED_DESCRIPTIONS = ("", "nonsense", "v=0\r\n", "\0", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=\r\n")
HALF_MALFORMED_CANDIDATES = (
    "candidate:",
    "candidate:0 1 udp",
    "candidate:0 1 udp 1 192.0.2.1 port typ host",
    "candidate:0 1 udp many 192.0.2.1 9 typ host",
    "candidate:0 one udp 1 192.0.2.1 9 typ host",
    "candidate:0 2 udp 1 192.0.2.1 9 typ host",
    "candidate:0 1 tcp 1 192.0.2.1 9 typ host tcptype active",
    "candidate:0 1 udp 1 nowhere 9 typ host",
    "candidate:0 1 udp 1 0.0.0.0 9 typ host",
    "candidate:0 1 udp 1 192.0.2.1 9 typ none",
)
"""What some stacks refuse and others pass over, Firefox above all."""


def without(name: str, sdp: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(name))


@contract(Port.PEERS)
async def a_malformed_offer_is_refused(kit: Kit) -> None:
    good = to_sdp(await Side(kit).offer())
    for sdp in (*MALFORMED_DESCRIPTIONS, without("a=fingerprint", good), without("a=ice-", good)):
        bob = Side(kit)
        assert await refused(bob.peer.set_remote_description(DescriptionKind.OFFER, sdp)), sdp
    await another_pair_has_talked(kit)


@contract(Port.PEERS)
async def a_malformed_answer_is_refused_and_a_good_one_taken_afterwards(kit: Kit) -> None:
    ann, bob = Side(kit), Side(kit)
    answer = await bob.answer(await ann.offer())
    for sdp in (*MALFORMED_DESCRIPTIONS, without("a=fingerprint", to_sdp(answer))):
        assert await refused(ann.peer.set_remote_description(DescriptionKind.ANSWER, sdp)), sdp
    await ann.take(answer)
    await until_open(ann, bob)


@contract(Port.PEERS)
async def a_malformed_candidate_is_refused_and_the_connection_lives_on(kit: Kit) -> None:
    async def disturb(side: Side) -> None:
        assert await refused(side.peer.add_candidate("nonsense"))
        for attribute in HALF_MALFORMED_CANDIDATES:
            await refused(side.peer.add_candidate(attribute))

    ann, bob = Side(kit), Side(kit)
    await exchange(ann, bob)
    await disturb(ann)
    await until_open(ann, bob)
    await disturb(bob)
    ann.send("still here")
    await bob.until_frames("still here")


@contract(Port.PEERS)
async def what_comes_out_of_turn_is_refused(kit: Kit) -> None:
    offer = await Side(kit).offer()
    answer = await Side(kit).answer(offer)
    assert await refused(Side(kit).peer.answer())
    assert await refused(Side(kit).take(answer))
    ann, bob = Side(kit), Side(kit)
    await exchange(ann, bob)
    assert await refused(ann.take(answer)), "a second answer"
    await until_open(ann, bob)


# Statistics.


@contract(Port.PEERS)
async def before_it_is_connected_the_statistics_are_empty(kit: Kit) -> None:
    fresh = Side(kit)
    assert await fresh.peer.stats() == Stats()
    await fresh.offer()
    assert await fresh.peer.stats() == Stats()


def is_address(text: str) -> bool:
    """An IP address, an mDNS name, or nothing where it is hidden."""
    if not text or mdns_uuid(text) is not None:
        return True
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


@contract(Port.PEERS)
async def statistics_tell_the_path_and_count_bytes(kit: Kit) -> None:
    ann, bob = await connected(kit)
    frames = ["x" * 10_000] * 50

    async def until_counted(side: Side, least: Callable[[Stats], bool]) -> Stats:
        async with asyncio.timeout(PATIENCE):
            while not least(stats := await side.peer.stats()):
                await asyncio.sleep(0.05)
        return stats

    before = [await until_counted(side, lambda stats: stats.local_kind != "") for side in (ann, bob)]
    for stats in before:
        assert {stats.local_kind, stats.remote_kind} <= {"host", "prflx"}, stats
        assert is_address(stats.local_address), stats
        assert is_address(stats.remote_address), stats
        assert stats.round_trip is None or 0 <= stats.round_trip < PATIENCE, stats
    ann.send(*frames)
    await bob.until_frames(*frames)
    size = sum(map(len, frames))
    after = [
        await until_counted(ann, lambda stats: stats.bytes_sent >= before[0].bytes_sent + size),
        await until_counted(bob, lambda stats: stats.bytes_received >= before[1].bytes_received + size),
    ]
    assert after[0].bytes_received - before[0].bytes_received < size, after  # what came back was little
    assert after[1].bytes_sent - before[1].bytes_sent < size, after
