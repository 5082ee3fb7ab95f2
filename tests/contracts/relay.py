"""What the way to a relay does: `RelayFactory`, `RelayConnection`, over a relay as docs/reference/relay.md has it."""

import asyncio
import base64
import json
import os
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from pychat.core import events
from pychat.ports import PortError
from tests.contracts.kit import Kit, Port, contract

PATIENCE = 60.0
"""Seconds until what was waited for is taken to never come, however slow the machine."""
NEVER_OPENED = 1006
MALFORMED, TOO_LARGE = 4000, 1009
TEXTS = ("plain", "", "two\r\nlines\n", "\0\x7f", "Grüße, 世界, 👩‍👩‍👧, \u200f\ufeff\u2028\U0010ffff", "x" * 20_000)

_sessions = count(1)


def new_id() -> str:
    return base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")


class Session:
    """One way to a relay, and all that it has posted.

    Args:
        react: called with each event within the post, as the driver's turn is.
    """

    def __init__(
        self,
        kit: Kit,
        url: str | None = None,
        *,
        react: Callable[["Session", events.Event], None] = lambda *_: None,
    ) -> None:
        self.number = next(_sessions)
        self.member = new_id()
        self.events: list[events.Event] = []
        self._react = react
        self._news = asyncio.Event()
        self.relay = kit.connect_relay(self.number, kit.relay_url if url is None else url, self._post)
        kit.at_end(self.relay.close)

    @classmethod
    async def joined(cls, kit: Kit, room: str, **options: Any) -> "Session":
        """Somebody who is in a room."""
        session = cls(kit, **options)
        await session.until(lambda: session.is_open)
        session.say("join", room, session.member)
        await session.until(lambda: session.heard)
        assert session.heard[0][0] == "joined", session.heard
        return session

    def _post(self, event: events.Event) -> None:
        self.events.append(event)
        self._news.set()
        self._react(self, event)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what this one posts."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain; it has posted {str(self.events)[-2000:]}") from None

    async def until_closed(self, code: int) -> None:
        await self.until(lambda: any(isinstance(event, events.RelayClosed) for event in self.events))
        assert self.events[-1] == events.RelayClosed(self.number, code), self.events[-1]

    def say(self, *message: object) -> None:
        self.relay.send(f"1 {json.dumps(message)}")

    @property
    def is_open(self) -> bool:
        return events.RelayOpened(self.number) in self.events

    @property
    def heard(self) -> list[list[Any]]:
        texts = [event.text for event in self.events if isinstance(event, events.RelayHeard)]
        assert all(text.startswith("1 ") for text in texts), texts
        return [json.loads(text[2:]) for text in texts]

    def heard_from(self, other: "Session") -> list[str]:
        return [message[2] for message in self.heard if message[:2] == ["from", other.member]]


async def two_in_a_room(kit: Kit, **options: Any) -> tuple[Session, Session]:
    room = new_id()
    return await Session.joined(kit, room, **options), await Session.joined(kit, room)


async def others_have_talked(kit: Kit) -> None:
    """Let pass what takes two others to come and to speak: what was on its way before has arrived by then."""
    ann, bob = await two_in_a_room(kit)
    bob.say("to", ann.member, "hello")
    await ann.until(lambda: ann.heard_from(bob) == ["hello"])


@contract(Port.RELAY)
async def it_says_once_and_before_anything_else_that_it_is_open(kit: Kit) -> None:
    ann, bob = await two_in_a_room(kit)
    for session in (ann, bob):
        assert session.events[0] == events.RelayOpened(session.number)
        assert session.events.count(events.RelayOpened(session.number)) == 1


@contract(Port.RELAY)
async def every_event_names_its_session(kit: Kit) -> None:
    ann, bob = await two_in_a_room(kit)
    bob.say("nonsense")
    await bob.until_closed(MALFORMED)
    await ann.until(lambda: ["left", bob.member] in ann.heard)
    for session in (ann, bob):
        assert {getattr(event, "session", None) for event in session.events} == {session.number}


@contract(Port.RELAY)
async def what_is_said_arrives_whole_and_in_order_both_ways(kit: Kit) -> None:
    ann, bob = await two_in_a_room(kit)
    texts = [*TEXTS, *(f"number {i}" for i in range(50))]
    for text in texts:
        ann.say("to", bob.member, text)
        bob.say("to", ann.member, text)
    await bob.until(lambda: len(bob.heard_from(ann)) >= len(texts))
    await ann.until(lambda: len(ann.heard_from(bob)) >= len(texts))
    assert bob.heard_from(ann) == texts
    assert ann.heard_from(bob) == texts


@contract(Port.RELAY)
async def several_at_the_same_time_stay_apart(kit: Kit) -> None:
    pairs = await asyncio.gather(*(two_in_a_room(kit) for _ in range(4)))
    for ann, bob in pairs:
        ann.say("to", bob.member, f"from {ann.number}")
    for ann, bob in pairs:
        await bob.until(lambda ann=ann, bob=bob: bob.heard_from(ann))  # type: ignore[misc]
        assert bob.heard_from(ann) == [f"from {ann.number}"]


# How it ends.


@contract(Port.RELAY)
async def the_others_learn_when_it_is_closed(kit: Kit) -> None:
    ann, bob = await two_in_a_room(kit)
    bob.relay.close()
    await ann.until(lambda: ["left", bob.member] in ann.heard)


@contract(Port.RELAY)
async def the_relay_says_why_it_closes(kit: Kit) -> None:
    for message, code in (("no JSON", MALFORMED), ("x" * 70_000, TOO_LARGE)):
        session = Session(kit)
        await session.until(lambda session=session: session.is_open)  # type: ignore[misc]
        session.relay.send(message)
        await session.until_closed(code)


@contract(Port.RELAY)
async def where_there_is_no_relay_it_is_closed_and_was_never_open(kit: Kit) -> None:
    for url in kit.no_relays:
        session = Session(kit, url)
        await session.until_closed(NEVER_OPENED)
        assert session.events == [events.RelayClosed(session.number, NEVER_OPENED)], url


def refused(kit: Kit, url: str) -> bool:
    """Whether an address is refused in words; anything but a PortError is raised."""
    try:
        Session(kit, url)
    except PortError as error:
        if not str(error):
            raise
        return True
    return False


@contract(Port.RELAY)
async def what_is_no_address_is_refused(kit: Kit) -> None:
    for url in ("ws://[", "ftp://relay.example/", "ws://127.0.0.1:99999/"):
        assert refused(kit, url), url


@contract(Port.RELAY)
async def after_the_relay_has_closed_nothing_comes_and_nothing_fails(kit: Kit) -> None:
    session = Session(kit)
    await session.until(lambda: session.is_open)
    session.say("nonsense")
    await session.until_closed(MALFORMED)
    posted = list(session.events)
    session.say("join", new_id(), session.member)
    session.relay.close()
    session.say("join", new_id(), session.member)
    session.relay.close()
    await others_have_talked(kit)
    assert session.events == posted


@contract(Port.RELAY)
async def closed_while_it_connects_it_posts_nothing(kit: Kit) -> None:
    async def at_once(_: Session) -> None:
        pass

    async def a_moment_later(_: Session) -> None:
        await asyncio.sleep(0)

    waits: tuple[Callable[[Session], Awaitable[None]], ...] = (at_once, a_moment_later)
    for url in (kit.relay_url, *kit.no_relays):
        for wait in waits:
            session = Session(kit, url)
            await wait(session)
            session.relay.close()
            session.relay.close()
            await others_have_talked(kit)
            assert session.events == [], url


@contract(Port.RELAY)
async def once_it_is_closed_nothing_comes(kit: Kit) -> None:
    ann, bob = await two_in_a_room(kit)
    for i in range(50):
        bob.say("to", ann.member, str(i))
    await ann.until(lambda: ann.heard_from(bob))
    ann.relay.close()
    posted = list(ann.events)
    ann.say("to", bob.member, "too late")
    await bob.until(lambda: ["left", ann.member] in bob.heard)
    await others_have_talked(kit)
    assert ann.events == posted
    assert bob.heard_from(ann) == []


@contract(Port.RELAY)
async def it_can_be_closed_within_any_event(kit: Kit) -> None:
    """The core decides to close while an event is being posted."""
    for kind in (events.RelayOpened, events.RelayHeard, events.RelayClosed):

        def leave(session: Session, event: events.Event, kind: type[events.Event] = kind) -> None:
            if isinstance(event, kind):
                session.relay.close()

        session = Session(kit, react=leave)
        await session.until(lambda session=session: session.is_open)  # type: ignore[misc]
        room = new_id()
        session.say("join", room, session.member)
        session.say("join", room, session.member)  # for which the relay closes
        await session.until(lambda session=session, kind=kind: isinstance(session.events[-1], kind))  # type: ignore[misc]
        posted = list(session.events)
        await others_have_talked(kit)
        assert session.events == posted, kind
