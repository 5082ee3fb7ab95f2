"""One connection to a relay for all rooms that are at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pychat.core import events
from pychat.core.relay.protocol import MAX_CHANNELS
from pychat.ports import PortError, Post
from pychat.relay_channels import GONE, MOST_STRAY, RelayChannel, RelayChannels

URL, OTHER = "wss://chat.example/relay", "wss://other.example/relay"


class Connection:
    """One to a relay, which does what the test says."""

    def __init__(self, session: int, url: str, post: Post) -> None:
        self.session, self.url = session, url
        self.said: list[str] = []
        self.closed = 0
        self._post = post

    def send(self, text: str) -> None:
        self.said.append(text)

    def close(self) -> None:
        self.closed += 1

    def open(self) -> None:
        self._post(events.RelayOpened(self.session))

    def hear(self, text: str) -> None:
        self._post(events.RelayHeard(self.session, text))

    def end(self, code: int) -> None:
        self._post(events.RelayClosed(self.session, code))


class World:
    """Sessions, and the connections that were made for them."""

    def __init__(self) -> None:
        self.made: list[Connection] = []
        self.posted: list[events.Event] = []
        self.channels = RelayChannels(self._connect)
        self.react: Callable[[events.Event], object] = lambda _: None

    def _connect(self, session: int, url: str, post: Post) -> Connection:
        if "[" in url:
            raise PortError("no address")
        self.made.append(Connection(session, url, post))
        return self.made[-1]

    def open(self, session: int, url: str = URL) -> RelayChannel:
        return self.channels(session, url, self._post)

    def _post(self, event: events.Event) -> None:
        self.posted.append(event)
        self.react(event)

    def news(self) -> list[events.Event]:
        posted, self.posted = self.posted, []
        return posted


@pytest.fixture
def world() -> World:
    return World()


def test_all_sessions_with_a_relay_have_one_connection(world: World) -> None:
    one, two = world.open(7), world.open(8)
    [connection] = world.made
    assert world.news() == []
    connection.open()
    assert world.news() == [events.RelayOpened(7), events.RelayOpened(8)]
    one.send("hello")
    two.send("good morning")
    assert connection.said == ["1 hello", "2 good morning"]
    connection.hear('2 ["joined",[]]')
    connection.hear('1 ["joined",[]]')
    assert world.news() == [events.RelayHeard(8, '["joined",[]]'), events.RelayHeard(7, '["joined",[]]')]
    world.open(9, OTHER)
    assert [made.url for made in world.made] == [URL, OTHER]


def test_who_comes_later_is_told_that_it_is_open(world: World) -> None:
    async def run() -> None:
        world.open(7)
        world.made[0].open()
        world.open(8)
        world.open(9).close()
        assert world.news() == [events.RelayOpened(7)]  # not within the call
        await asyncio.sleep(0)
        assert world.news() == [events.RelayOpened(8)]

    asyncio.run(run())


def test_a_channel_ends_by_itself_and_the_last_one_takes_the_connection_along(world: World) -> None:
    one, two = world.open(7), world.open(8)
    [connection] = world.made
    connection.open()
    one.close()
    one.close()
    assert (connection.said, connection.closed) == (["1 "], 0)
    two.close()
    assert (connection.said, connection.closed) == (["1 "], 1)
    world.news()
    connection.hear('2 ["joined",[]]')
    connection.end(1006)
    assert world.news() == []
    world.open(9)
    assert len(world.made) == 2


def test_the_relay_ends_a_channel_by_itself(world: World) -> None:
    world.open(7)
    world.open(8)
    [connection] = world.made
    connection.open()
    world.news()
    connection.hear("1 4003")
    assert world.news() == [events.RelayClosed(7, 4003)]
    connection.hear('1 ["arrived","x"]')
    assert world.news() == []
    connection.hear("2 4004")
    assert world.news() == [events.RelayClosed(8, 4004)]
    assert connection.closed == 1


def test_what_ends_the_connection_ends_all(world: World) -> None:
    world.open(7)
    world.open(8)
    [connection] = world.made
    connection.open()
    world.news()
    connection.hear('0 ["return",7]')
    connection.end(1012)
    assert world.news() == [
        events.RelayHeard(7, '["return",7]'),
        events.RelayHeard(8, '["return",7]'),
        events.RelayClosed(7, 1012),
        events.RelayClosed(8, 1012),
    ]
    connection.end(1012)
    assert world.news() == []


def test_rooms_come_and_go_at_whatever_all_are_told(world: World) -> None:
    async def come_and_go() -> None:
        one, _ = world.open(7), world.open(8)
        [connection] = world.made
        world.react = lambda event: world.open(9) if event == events.RelayOpened(7) else None
        connection.open()
        await asyncio.sleep(0)
        assert world.news() == [events.RelayOpened(session) for session in (7, 8, 9)]
        world.react = lambda event: one.close() if event == events.RelayHeard(7, "x") else None
        connection.hear("0 x")
        assert world.news() == [events.RelayHeard(session, "x") for session in (7, 8, 9)]
        assert connection.said == ["1 "]

    asyncio.run(come_and_go())


def test_where_nothing_comes_any_more_all_begin_anew(world: World) -> None:
    one = world.open(7)
    world.open(8)
    [connection] = world.made
    connection.open()
    world.news()

    def begin_anew(event: events.Event) -> None:
        if isinstance(event, events.RelayClosed):
            world.open(event.session + 10)

    world.react = begin_anew
    one.close(is_dead=True)
    assert connection.closed == 1
    assert world.news() == [events.RelayClosed(8, GONE)]
    assert len(world.made) == 2  # what is opened meanwhile has a new one


def test_a_connection_holds_so_many(world: World) -> None:
    for session in range(MAX_CHANNELS + 1):
        world.open(session)
    assert len(world.made) == 2
    world.made[1].open()
    assert world.news() == [events.RelayOpened(MAX_CHANNELS)]


@pytest.mark.parametrize("text", ["", "x", "1", '["joined",[]]', "5 x", "-1 x", "1e3 x", "9999999999 x", "² x"])
def test_what_belongs_to_no_channel_is_nothing_and_too_much_of_it_ends_the_connection(world: World, text: str) -> None:
    world.open(7)
    [connection] = world.made
    connection.open()
    world.news()
    for _ in range(MOST_STRAY):
        connection.hear(text)
    assert world.news() == []
    connection.hear(text)
    assert (world.news(), connection.closed) == ([events.RelayClosed(7, GONE)], 1)


def test_what_is_no_address_is_refused_each_time(world: World) -> None:
    for _ in range(2):
        with pytest.raises(PortError):
            world.open(7, "ws://[")
