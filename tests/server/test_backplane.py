"""Several processes as one relay, over a real Redis that may go away and a process that may be killed."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest
from redis import Redis as Client

from pychat.server.backplane import Health
from pychat.server.redis_backplane import RedisBackplane
from tests.server.conftest import StartRelay
from tests.server.relays import Member, Members, Redis, Relay, new_id, until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def pair(start_relay: StartRelay, redis: Redis) -> tuple[Relay, Relay]:
    return start_relay(PYCHAT_REDIS_URL=redis.url), start_relay(PYCHAT_REDIS_URL=redis.url)


def health(relay: Relay) -> str:
    answer = json.loads(relay.get("healthz"))
    assert answer["status"] == "ok"
    return str(answer["backplane"])


async def test_members_of_two_processes_see_each_other_and_talk(pair: tuple[Relay, Relay], members: Members) -> None:
    room = new_id()
    ann = await members.join(pair[0], room)
    bob = await members.join(pair[1], room)
    eve = await members.join(pair[0], room)
    assert (bob.found, eve.found) == ([ann.id], [ann.id, bob.id])
    await ann.expect("arrived", bob.id)
    await bob.expect("arrived", eve.id)
    await ann.expect_talk_with(bob)
    await ann.expect_talk_with(eve)
    await bob.expect_talk_with(eve)
    await eve.connection.close()
    await bob.expect("left", eve.id)
    await ann.expect("left", eve.id)


async def test_what_is_passed_on_between_processes_is_not_looked_at(
    pair: tuple[Relay, Relay], members: Members
) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for relay in pair]
    for data in ("", "é ☃ 😀", "\ud800", "\0\x1f", '"]', "x" * 65_000):
        await ann.say("to", bob.id, data)
        await bob.expect("from", ann.id, data)


async def test_messages_between_processes_keep_their_order(pair: tuple[Relay, Relay], members: Members) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for relay in pair]
    for number in range(100):
        await ann.say("to", bob.id, str(number))
    await bob.expect("from", ann.id, "99")
    assert [message[2] for message in bob.heard if message[0] == "from"] == [str(number) for number in range(100)]


async def test_of_two_that_join_at_once_each_learns_of_the_other(pair: tuple[Relay, Relay], members: Members) -> None:
    for _ in range(50):
        room = new_id()
        ann, bob = [await members.connect(relay) for relay in pair]
        await asyncio.gather(*(member.say("join", room, member.id) for member in (ann, bob)))
        await asyncio.gather(ann.hear(), bob.hear())
        assert ann.heard[0][0] == bob.heard[0][0] == "joined"
        for member, other in ((ann, bob), (bob, ann)):
            if other.id not in member.found:
                await member.expect("arrived", other.id)
        await asyncio.gather(ann.connection.close(), bob.connection.close())


async def test_the_limits_of_a_room_hold_for_all_processes(
    start_relay: StartRelay, redis: Redis, members: Members
) -> None:
    one, other = [start_relay(PYCHAT_REDIS_URL=redis.url, PYCHAT_RELAY_ROOM_SIZE="2") for _ in range(2)]
    room = new_id()
    ann = await members.join(one, room)
    for relay in (one, other):
        eve = await members.connect(relay)
        await eve.say("join", room, ann.id)
        await eve.expect("closed", 4002)
    bob = await members.join(other, room)
    eve = await members.connect(one)
    await eve.say("join", room, eve.id)
    await eve.expect("closed", 4003)
    await ann.expect_talk_with(bob)
    assert not [message for message in bob.heard if message[0] == "left"]


async def test_a_room_that_all_leave_while_it_is_compared_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backplane = RedisBackplane("redis://localhost:1")

    async def hkeys(_: str) -> list[str]:
        backplane._forget("room", "ann")
        return ["bob"]

    backplane._members, backplane._known = {"room": {"ann": "1"}}, {"room": {}}
    monkeypatch.setattr(backplane._redis, "hkeys", hkeys)
    await backplane._compare(departures=True)

    assert not backplane._members
    await backplane.stop()


async def test_members_of_a_killed_process_are_gone_within_seconds(pair: tuple[Relay, Relay], members: Members) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for relay in pair]
    await ann.expect("arrived", bob.id)
    await asyncio.to_thread(pair[1].stop, signal.SIGKILL)
    async with asyncio.timeout(10):
        await ann.expect("left", bob.id)
    assert (await members.join(pair[0], room)).found == [ann.id]


async def test_all_that_is_in_redis_goes_by_itself_when_every_process_was_killed(
    pair: tuple[Relay, Relay], redis: Redis, members: Members
) -> None:
    client = Client.from_url(redis.url)
    for relay in pair:
        await members.join(relay, new_id())
    for relay in pair:
        await asyncio.to_thread(relay.stop, signal.SIGKILL)
    keys = client.keys()
    assert len(keys) == 5  # the processes, and of each its members and their room
    assert all(0 < client.ttl(key) <= 3600 for key in keys)


class Nobody:
    """Somebody who is told and does nothing."""

    def arrived(self, room: str, member: str) -> None: ...
    def left(self, room: str, member: str) -> None: ...
    def received(self, room: str, member: str, sender: str, data: str) -> None: ...
    def health_changed(self, health: Health) -> None: ...


async def test_what_a_living_process_has_in_redis_stays(redis: Redis) -> None:
    client = Client.from_url(redis.url)
    backplane = RedisBackplane(redis.url, keep_seconds=2)
    await backplane.start(Nobody())
    await backplane.join(new_id(), new_id(), 2)
    keys = client.keys()
    assert len(keys) == 3
    for key in keys:
        for _ in range(3):  # its time goes by, and is given anew
            left = client.pttl(key)
            while (now := client.pttl(key)) <= left:
                left = now
                await asyncio.sleep(0.02)
    assert backplane._task
    backplane._task.cancel()
    await until(lambda: not client.keys())
    await backplane.stop()


async def test_members_of_a_process_that_ends_are_gone_at_once(pair: tuple[Relay, Relay], members: Members) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for relay in pair]
    await asyncio.to_thread(pair[1].stop)
    await bob.expect_close(1012)
    await ann.expect("left", bob.id)


async def test_a_process_that_slept_is_gone_and_comes_back(pair: tuple[Relay, Relay], members: Members) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for relay in pair]
    pair[1].process.send_signal(signal.SIGSTOP)
    await ann.expect("left", bob.id)
    pair[1].process.send_signal(signal.SIGCONT)
    ann.heard.clear()
    await ann.expect("arrived", bob.id)
    await ann.expect_talk_with(bob)


async def test_a_redis_that_is_started_again_finds_all_members_again(
    pair: tuple[Relay, Relay], redis: Redis, members: Members
) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for relay in pair]
    gone = await members.join(pair[1], room)
    await ann.expect("arrived", gone.id)
    await asyncio.to_thread(redis.stop)
    for relay in pair:
        await until(lambda relay=relay: health(relay) == "alone")  # type: ignore[misc]
    await gone.connection.close()
    await bob.expect("left", gone.id)
    alone = await members.join(pair[0], room)
    assert alone.found == [bob.id, gone.id, ann.id]
    await ann.expect_talk_with(alone)
    await asyncio.to_thread(redis.start)
    for relay in pair:
        await until(lambda relay=relay: health(relay) == "connected")  # type: ignore[misc]
    await bob.expect("arrived", alone.id)
    await ann.expect("left", gone.id)
    for other in (ann, alone):
        await other.expect_talk_with(bob)
    assert (await members.join(pair[1], room)).found == [ann.id, bob.id, alone.id]
    assert [message for message in ann.heard if message[0] == "left"] == [["left", gone.id]]
    assert await asyncio.to_thread(pair[0].metric, "pychat_relay_backplane_losses_total") == 1


async def test_without_a_redis_it_begins_alone_and_finds_it_later(
    start_relay: StartRelay, redis: Redis, members: Members
) -> None:
    redis.stop()
    pair = [start_relay(PYCHAT_REDIS_URL=redis.url) for _ in range(2)]
    room = new_id()
    ann, bob = [await members.join(relay, room) for relay in pair]
    assert (ann.found, bob.found) == ([], [])
    assert await asyncio.to_thread(health, pair[0]) == "alone"
    assert await asyncio.to_thread(pair[0].metric, "pychat_relay_backplane_up") == 0
    await asyncio.to_thread(redis.start)
    for member, other in ((ann, bob), (bob, ann)):
        await member.expect("arrived", other.id)
    await ann.expect_talk_with(bob)


async def test_nobody_is_named_in_metrics_and_log_of_several_processes(
    pair: tuple[Relay, Relay], redis: Redis, members: Members
) -> None:
    room = new_id()
    people: list[Member] = [await members.join(relay, room) for relay in pair]
    await people[0].expect_talk_with(people[1])
    await asyncio.to_thread(redis.stop)
    await until(lambda: pair[0].metric("pychat_relay_backplane_up") == 0)
    metrics = await asyncio.to_thread(pair[0].get, "metrics")
    await asyncio.to_thread(pair[0].stop)
    assert [(line["event"], line.get("health")) for line in pair[0].log()] == [
        ("backplane", "connected"),
        ("backplane", "alone"),
        ("dismissed", None),
    ]
    for secret in (room, *(member.id for member in people), "127.0.0.1"):
        assert secret not in metrics + pair[0].said()
