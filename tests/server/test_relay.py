"""The relay of one process: what members hear of each other, each limit with its close code, and what is never said."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pychat.core.relay.protocol import MAX_CHANNELS, on_channel, split
from pychat.site.build import Site
from tests.server import relays
from tests.server.conftest import StartRelay
from tests.server.relays import SECONDS, Member, Members, Relay, new_id, until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture(scope="module")
def relay(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """One without settings, for all tests that leave it as it was."""
    relay = Relay.start(site.path, tmp_path_factory.mktemp("relay"))
    with relay.process:
        yield relay
        relay.process.kill()


async def test_members_hear_who_is_there_who_comes_and_who_goes(relay: Relay, members: Members) -> None:
    room = new_id()
    ann = await members.join(relay, room)
    bob = await members.join(relay, room)
    eve = await members.join(relay, room)
    assert (ann.found, bob.found, eve.found) == ([], [ann.id], [ann.id, bob.id])
    await ann.expect("arrived", bob.id)
    await ann.expect("arrived", eve.id)
    await bob.connection.close()
    await ann.expect("left", bob.id)
    await eve.expect("left", bob.id)


async def test_a_message_reaches_whom_it_is_for_and_nobody_else(relay: Relay, members: Members) -> None:
    room = new_id()
    ann, bob, eve = [await members.join(relay, room) for _ in range(3)]
    await ann.expect_talk_with(bob)
    await eve.expect_talk_with(ann)
    assert not [message for message in eve.heard if message[:2] == ["from", bob.id]]


@pytest.mark.parametrize("data", ["", "é ☃ 😀", "\ud800", "\0\x1f\x7f", '"]', "x" * 65_000])
async def test_what_is_passed_on_is_not_looked_at(relay: Relay, members: Members, data: str) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for _ in range(2)]
    await ann.say("to", bob.id, data)
    await bob.expect("from", ann.id, data)


async def test_messages_arrive_in_the_order_in_which_they_were_sent(relay: Relay, members: Members) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for _ in range(2)]
    for number in range(100):
        await ann.say("to", bob.id, str(number))
    await bob.expect("from", ann.id, "99")
    assert [message[2] for message in bob.heard if message[0] == "from"] == [str(number) for number in range(100)]


async def test_rooms_know_nothing_of_each_other(relay: Relay, members: Members) -> None:
    ann, eve = await members.join(relay, new_id()), await members.join(relay, new_id())
    bob = await members.join(relay, new_id())
    await eve.say("to", ann.id, "knock")
    await eve.connection.close()
    await ann.say("to", ann.id, "after it")
    await ann.expect("from", ann.id, "after it")
    assert (bob.found, ann.heard[1:]) == ([], [["from", ann.id, "after it"]])


async def test_a_message_to_somebody_who_is_not_there_is_dropped(relay: Relay, members: Members) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for _ in range(2)]
    await ann.say("to", new_id(), "hello?")
    await ann.expect_talk_with(bob)


async def test_a_room_that_is_empty_begins_anew(start_relay: StartRelay, members: Members) -> None:
    relay, room = start_relay(), new_id()
    ann = await members.join(relay, room)
    await ann.connection.close()
    await until(lambda: relay.metric("pychat_relay_rooms") == 0)
    assert (await members.join(relay, room)).found == []


# The handshake.


async def status_of(connecting: Any) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await connecting
    return caught.value.response.status_code


async def test_pages_from_elsewhere_are_refused_at_the_handshake(relay: Relay, members: Members) -> None:
    for origin in ("https://elsewhere.example", "null", relay.url.rstrip("/") + "0"):
        assert await status_of(members.connect(relay, origin=origin)) == 403


async def test_the_page_itself_and_programs_may_connect(relay: Relay, members: Members) -> None:
    own = relay.url.rstrip("/")
    for origin in (own, own.replace("http:", "https:"), None):
        await members.join(relay, new_id(), origin=origin)


async def test_origins_that_are_named_are_the_only_ones(start_relay: StartRelay, members: Members) -> None:
    relay = start_relay(PYCHAT_RELAY_ORIGINS="https://chat.example")
    await members.join(relay, new_id(), origin="https://chat.example")
    for origin in (relay.url.rstrip("/"), "http://chat.example", "https://chat.example:8443", "https://CHAT.example"):
        assert await status_of(members.connect(relay, origin=origin)) == 403


@pytest.mark.parametrize("subprotocols", [None, ["pychat.relay.2"], ["chat"]])
async def test_another_subprotocol_is_refused_at_the_handshake(
    relay: Relay, members: Members, subprotocols: list[str] | None
) -> None:
    assert await status_of(members.connect(relay, subprotocols=subprotocols)) == 400


async def test_the_subprotocol_is_agreed_on_and_nothing_is_compressed(relay: Relay, members: Members) -> None:
    ann = await members.connect(relay, subprotocols=["other", "pychat.relay.1"], compression="deflate")
    assert ann.connection.subprotocol == "pychat.relay.1"
    assert ann.connection.protocol.extensions == []


# Each limit, and its close code.

A, B = "A" * 22, "B" * 21 + "A"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{}",
        "[]",
        "null",
        "NaN",
        "[" * 60_000,
        '["join"]',
        f'["join", "{A}"]',
        f'["join", "{A}", "{B}", 1]',
        f'["join", "{A}", "{B[:-1]}"]',
        f'["join", "{A}", "{B[:-1]}="]',
        f'["join", "{A[:-1]}é", "{B}"]',
        f'["join", "{A}\\n", "{B}"]',
        f'["join", 1, "{B}"]',
        f'["from", "{A}", "x"]',
        '["' + "1" * 5000 + "]",
        "[" + "1" * 5000 + "]",
    ],
)
async def test_a_malformed_first_message_ends_it(relay: Relay, members: Members, text: str) -> None:
    for said in (text, f"1 {text}") if text else ("", " ", "1", "0 ", "-1 "):
        ann = await members.connect(relay)
        await ann.connection.send(said)
        await ann.expect_close(4000, "malformed message")


@pytest.mark.parametrize("message", [["to", A], ["to", A, 1], ["to", "short", ""], ["join", A, B], ["x"], "x", None])
async def test_a_malformed_later_message_ends_it_and_the_others_stay(
    relay: Relay, members: Members, message: Any
) -> None:
    room = new_id()
    ann, bob, eve = [await members.join(relay, room) for _ in range(3)]
    await eve.connection.send(f"1 {json.dumps(message)}")
    await eve.expect_close(4000)
    await ann.expect("left", eve.id)
    await ann.expect_talk_with(bob)


async def test_bytes_are_malformed(relay: Relay, members: Members) -> None:
    ann = await members.connect(relay)
    await ann.connection.send(b'["join"]')
    await ann.expect_close(4000)


async def test_text_that_is_no_utf_8_is_refused_by_the_websocket_and_not_logged(
    start_relay: StartRelay, members: Members
) -> None:
    relay = start_relay()
    ann = await members.connect(relay)
    await ann.connection.send(b"\xff\xfe", text=True)
    await ann.expect_close(1007)
    await asyncio.to_thread(relay.stop)
    assert relay.said() == ""


@pytest.mark.slow
async def test_who_does_not_join_in_time_is_closed(start_relay: StartRelay, members: Members) -> None:
    ann = await members.connect(start_relay(PYCHAT_RELAY_JOIN_SECONDS="1"))
    await ann.expect_close(4001, "not joined in time")


async def test_a_member_id_is_there_once(relay: Relay, members: Members) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for _ in range(2)]
    eve = await members.connect(relay)
    await eve.say("join", room, ann.id)
    await eve.expect("closed", 4002)
    await ann.expect_talk_with(bob)
    assert ["left", ann.id] not in bob.heard


async def test_a_room_holds_so_many_and_another_when_one_has_gone(start_relay: StartRelay, members: Members) -> None:
    relay, room = start_relay(PYCHAT_RELAY_ROOM_SIZE="2"), new_id()
    ann, bob = [await members.join(relay, room) for _ in range(2)]
    eve = await members.connect(relay)
    await eve.say("join", room, eve.id)
    await eve.expect("closed", 4003)
    await bob.connection.close()
    await ann.expect("left", bob.id)
    assert (await members.join(relay, room)).found == [ann.id]


async def test_an_address_may_be_in_so_many_rooms(start_relay: StartRelay, members: Members) -> None:
    relay, room = start_relay(PYCHAT_RELAY_ROOMS_PER_ADDRESS="1"), new_id()
    ann = await members.join(relay, room)
    bob = await members.join(relay, room)
    eve = await members.connect(relay)
    await eve.say("join", new_id(), eve.id)
    await eve.expect("closed", 4004)
    await ann.expect_talk_with(bob)


async def test_an_address_may_have_so_many_connections(start_relay: StartRelay, members: Members) -> None:
    relay = start_relay(PYCHAT_RELAY_CONNECTIONS_PER_ADDRESS="2")
    ann, _ = [await members.join(relay, new_id()) for _ in range(2)]
    await (await members.connect(relay)).expect_close(4005, "too many connections from this address")
    await ann.connection.close()
    await until(lambda: relay.metric("pychat_relay_connections") == 1)
    await members.join(relay, new_id())


async def test_a_server_has_so_many_connections(start_relay: StartRelay, members: Members) -> None:
    relay = start_relay(PYCHAT_RELAY_CONNECTIONS="1")
    await members.join(relay, new_id())
    await (await members.connect(relay)).expect_close(4006, "too many connections")


async def test_who_sends_too_fast_is_closed_and_a_burst_is_not(start_relay: StartRelay, members: Members) -> None:
    relay = start_relay(PYCHAT_RELAY_RATE="1", PYCHAT_RELAY_BURST="21")
    ann = await members.join(relay, new_id())
    for _ in range(20):
        await ann.say("to", ann.id, "x")
    while len(ann.heard) < 21:
        await ann.hear()
    with suppress(ConnectionClosed):
        for _ in range(1000):
            await ann.say("to", ann.id, "x")
    await ann.expect_close(4007, "sending too fast")


@pytest.mark.parametrize("fragments", [1, 5])
async def test_a_message_has_a_size(relay: Relay, members: Members, fragments: int) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for _ in range(2)]
    largest = 65536 - len("1 " + json.dumps(["to", bob.id, ""]))
    await ann.say("to", bob.id, "x" * largest)
    await bob.expect("from", ann.id, "x" * largest)
    text = "1 " + json.dumps(["to", bob.id, "x" * (largest + 1)])
    size = len(text) // fragments + 1
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    await ann.connection.send(pieces[0] if fragments == 1 else pieces)
    await ann.expect_close(1009)
    await until(lambda: relay.metric('pychat_relay_refusals_total{reason="too_large"}') >= 1)


async def test_a_message_in_countless_fragments_is_too_large(relay: Relay, members: Members) -> None:
    ann = await members.join(relay, new_id())
    with suppress(ConnectionClosed):
        await ann.connection.send(["["] + [""] * 10_000)
    await ann.expect_close(1009)


@pytest.mark.slow
async def test_who_is_idle_too_long_is_closed(start_relay: StartRelay, members: Members) -> None:
    ann = await members.join(start_relay(PYCHAT_RELAY_IDLE_SECONDS="1"), new_id())
    await ann.expect_close(4008, "idle too long")


@pytest.mark.slow
async def test_who_talks_or_listens_is_not_idle(start_relay: StartRelay, members: Members) -> None:
    relay, room = start_relay(PYCHAT_RELAY_IDLE_SECONDS="1"), new_id()
    ann, bob, eve = (
        await members.join(relay, room),
        await members.join(relay, room),
        await members.join(relay, new_id()),
    )
    closing = asyncio.create_task(eve.expect_close(4008))
    while not closing.done():
        await ann.say("to", bob.id, new_id())
        await bob.hear()
        await asyncio.sleep(0.1)
    await closing
    await ann.expect_talk_with(bob)


# Readers who do not read.


async def stop_reading(member: Member) -> None:
    """Like a machine that has gone to sleep: what is sent to it fills the buffers of both sides."""
    member.connection.transport.pause_reading()


async def flood_until_dropped(sender: Member, receiver: Member, relay: Relay) -> None:
    while not await asyncio.to_thread(relay.metric, "pychat_relay_slow_readers_dropped_total"):
        for _ in range(20):
            await sender.say("to", receiver.id, "x" * 60_000)


SWIFT = {"PYCHAT_RELAY_RATE": "100000", "PYCHAT_RELAY_BURST": "100000"}


@pytest.mark.slow
async def test_a_slow_reader_is_dropped_and_holds_up_nobody(start_relay: StartRelay, members: Members) -> None:
    relay, room = start_relay(**SWIFT), new_id()
    ann, bob, eve = [await members.join(relay, room) for _ in range(3)]
    await stop_reading(eve)
    flooding = asyncio.create_task(flood_until_dropped(ann, eve, relay))
    while not flooding.done():
        data = new_id()
        await bob.say("to", ann.id, data)
        await ann.expect("from", bob.id, data)
    await flooding
    await bob.expect("left", eve.id)
    await ann.expect_talk_with(bob)


@pytest.mark.slow
async def test_a_slow_reader_that_wakes_in_time_learns_why(start_relay: StartRelay, members: Members) -> None:
    relay, room = start_relay(**SWIFT), new_id()
    ann, eve = [await members.join(relay, room) for _ in range(2)]
    await stop_reading(eve)
    await flood_until_dropped(ann, eve, relay)
    eve.connection.transport.resume_reading()
    await eve.expect("closed", 4009)
    await ann.expect("left", eve.id)


@pytest.mark.slow
async def test_who_answers_no_ping_is_gone(start_relay: StartRelay, members: Members) -> None:
    relay, room = start_relay(PYCHAT_RELAY_PING_SECONDS="1"), new_id()
    ann, eve = [await members.join(relay, room) for _ in range(2)]
    await stop_reading(eve)
    await ann.expect("left", eve.id)


@pytest.mark.slow
async def test_pings_whose_answers_nobody_reads_do_not_pile_up(relay: Relay, members: Members) -> None:
    room = new_id()
    ann, bob, eve = [await members.join(relay, room) for _ in range(3)]
    await stop_reading(eve)
    ping = b"\x89\xfd\0\0\0\0" + bytes(125)
    transport = eve.connection.transport
    sent = 0
    # The relay stops to read, so at last nothing can be written.
    while transport.get_write_buffer_size() < 1 << 20 and sent < 100 << 20:
        transport.write(ping * 1000)
        sent += len(ping) * 1000
        await asyncio.sleep(0)
    assert sent < 100 << 20
    await ann.expect_talk_with(bob)


# The end, and what is said of it all.


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_at_the_end_all_are_asked_to_return(start_relay: StartRelay, members: Members, how: int) -> None:
    relay, room = start_relay(PYCHAT_RELAY_RETURN_SECONDS="7"), new_id()
    ann, bob, eve = await members.join(relay, room), await members.join(relay, room), await members.connect(relay)
    await asyncio.to_thread(relay.stop, how)
    for member in (ann, bob, eve):
        await member.expect("return", 7)
        await member.expect_close(1012, "server is shutting down")


@pytest.mark.slow
async def test_somebody_who_does_not_read_does_not_hold_up_the_end(start_relay: StartRelay, members: Members) -> None:
    relay = start_relay(**SWIFT, PYCHAT_RELAY_QUEUE_BYTES="900000000")
    ann = await members.join(relay, room := new_id())
    eve = await members.join(relay, room)
    await stop_reading(eve)
    for _ in range(400):
        await ann.say("to", eve.id, "x" * 60_000)
    await ann.say("to", ann.id, "done")
    await ann.expect("from", ann.id, "done")
    await asyncio.to_thread(relay.stop)
    await ann.expect("return", 5)


async def test_no_room_no_member_and_no_address_is_in_metrics_and_log(
    start_relay: StartRelay, members: Members
) -> None:
    relay, room, data = start_relay(PYCHAT_RELAY_ROOM_SIZE="2"), new_id(), new_id()
    ann, bob, eve = await members.join(relay, room), await members.join(relay, room), await members.connect(relay)
    await ann.say("to", bob.id, data)
    await bob.expect("from", ann.id, data)
    await eve.say("join", room, eve.id)
    await eve.expect("closed", 4003)
    bad = await members.connect(relay)
    await bad.say("join", room, bad.id, "nonsense")
    await bad.expect_close(4000)
    assert await status_of(members.connect(relay, origin="https://elsewhere.example")) == 403
    metrics = await asyncio.to_thread(relay.get, "metrics")
    for line in (
        "pychat_relay_connections 3.0",
        "pychat_relay_rooms 1.0",
        "pychat_relay_joins_total 2.0",
        "pychat_relay_messages_received_total 1.0",
        "pychat_relay_messages_relayed_total 1.0",
        'pychat_relay_refusals_total{reason="room_full"} 1.0',
        'pychat_relay_refusals_total{reason="malformed"} 1.0',
        'pychat_relay_refusals_total{reason="origin"} 1.0',
    ):
        assert line in metrics.splitlines()
    await asyncio.to_thread(relay.stop)
    assert [line["event"] for line in relay.log()] == ["refused", "refused", "refused", "dismissed"]
    for secret in (room, data, ann.id, bob.id, eve.id, bad.id, "127.0.0.1", "elsewhere"):
        assert secret not in metrics + relay.said()


async def test_addresses_are_logged_for_who_asks_for_it(start_relay: StartRelay, members: Members) -> None:
    relay = start_relay(PYCHAT_RELAY_LOG_ADDRESSES="1")
    ann = await members.connect(relay)
    await ann.say("nonsense")
    await ann.expect_close(4000)
    await until(lambda: bool(relay.log()))
    (line,) = relay.log()
    assert (line["event"], line["reason"], line["address"]) == ("refused", "malformed", "127.0.0.1")


async def test_an_address_that_a_proxy_names_counts_only_when_it_is_trusted(
    start_relay: StartRelay, members: Members
) -> None:
    def from_behind(address: str) -> dict[str, str]:
        return {"X-Forwarded-For": address}

    limit = {"PYCHAT_RELAY_CONNECTIONS_PER_ADDRESS": "1"}
    trusting = start_relay(PYCHAT_TRUSTED_PROXIES="127.0.0.0/8", **limit)
    await members.join(trusting, new_id(), additional_headers=from_behind("192.0.2.1"))
    await members.join(trusting, new_id(), additional_headers=from_behind("2001:db8::1"))
    again = await members.connect(trusting, additional_headers=from_behind("2001:db8:0:ff::2"))  # the same /56
    await again.expect_close(4005)
    wary = start_relay(**limit)
    await members.join(wary, new_id(), additional_headers=from_behind("192.0.2.1"))
    other = await members.connect(wary, additional_headers=from_behind("192.0.2.2"))
    await other.expect_close(4005)


async def test_the_networks_of_a_site_have_a_limit_together(start_relay: StartRelay, members: Members) -> None:
    limits = {"PYCHAT_RELAY_CONNECTIONS_PER_ADDRESS": "1", "PYCHAT_RELAY_ROOMS_PER_ADDRESS": "1"}
    relay = start_relay(PYCHAT_TRUSTED_PROXIES="127.0.0.1", **limits)

    def network(number: int) -> dict[str, Any]:
        return {"additional_headers": {"X-Forwarded-For": f"2001:db8:0:{number:x}00::1"}}

    people = [await members.join(relay, new_id(), **network(number)) for number in range(8)]
    await (await members.connect(relay, **network(8))).expect_close(4005)
    await people[0].connection.close()
    await until(lambda: relay.metric("pychat_relay_connections") == 7)
    await members.join(relay, new_id(), **network(8))


async def test_it_says_that_it_is_well(relay: Relay) -> None:
    assert json.loads(await asyncio.to_thread(relay.get, "healthz")) == {"status": "ok", "backplane": "memory"}
    assert json.loads(await asyncio.to_thread(relay.get, "config.json"))["relay"] is True


@pytest.mark.parametrize(("flags", "environment"), [(["--no-relay"], {}), ([], {"PYCHAT_RELAY": "off"})])
async def test_it_can_be_turned_off(
    start_relay: StartRelay, members: Members, flags: list[str], environment: dict[str, str]
) -> None:
    relay = start_relay(*flags, **environment)
    assert json.loads(await asyncio.to_thread(relay.get, "config.json"))["relay"] is False
    assert json.loads(await asyncio.to_thread(relay.get, "healthz")) == {"status": "ok", "backplane": None}
    assert await status_of(members.connect(relay)) == 404


COUNTING = """
import gc, sys
from pathlib import Path
from pychat.server.cli import main
before = gc.get_stats()[2]["collections"]
main(Path(sys.argv.pop(1)))
print("full collections:", gc.get_stats()[2]["collections"] - before)
"""


@pytest.mark.slow
async def test_it_does_not_stop_to_look_for_garbage_each_time_some_hundreds_have_come(
    start_relay: StartRelay, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "SERVE", COUNTING)
    names = ("CONNECTIONS_PER_ADDRESS", "RELAY_CONNECTIONS_PER_ADDRESS", "RELAY_ROOMS_PER_ADDRESS")
    relay = start_relay(**{f"PYCHAT_{name}": "1000" for name in names})
    for _ in range(30):
        await asyncio.gather(*(members.join(relay, new_id()) for _ in range(30)))
    await members.close()
    await asyncio.to_thread(relay.stop, signal.SIGINT)
    assert "full collections: 0\n" in relay.said()


# Several rooms on one connection.


@dataclass
class Everywhere:
    """One connection with a member in each of several rooms."""

    members: list[Member]

    async def hear(self) -> tuple[Member, list[Any]]:
        """The next message, and who has heard it."""
        async with asyncio.timeout(SECONDS):
            channel, said = split(str(await self.members[0].connection.recv())) or (0, "")
        member = self.members[channel - 1]
        member.heard.append(["closed", int(said)] if said.isdigit() else json.loads(said))
        return member, member.heard[-1]

    async def expect(self, member: Member, *message: object) -> None:
        while list(message) not in member.heard:
            await self.hear()


async def join_all(members: Members, relay: Relay, rooms: Sequence[str]) -> Everywhere:
    first = await members.connect(relay)
    everywhere = Everywhere([Member(first.connection, new_id(), [], 1 + place) for place in range(len(rooms))])
    for member, room in zip(everywhere.members, rooms, strict=True):
        await member.say("join", room, member.id)
    for member in everywhere.members:
        while not member.heard:
            await everywhere.hear()
    return everywhere


async def test_one_connection_is_in_many_rooms_and_leaves_each_by_itself(relay: Relay, members: Members) -> None:
    rooms = [new_id() for _ in range(MAX_CHANNELS)]
    ann = await join_all(members, relay, rooms)
    assert {member.heard[0][0] for member in ann.members} == {"joined"}
    bob, cay = await members.join(relay, rooms[0]), await members.join(relay, rooms[1])
    one, other = ann.members[:2]
    await ann.expect(one, "arrived", bob.id)
    await ann.expect(other, "arrived", cay.id)
    await one.say("to", bob.id, "for Bob")
    await bob.expect("from", one.id, "for Bob")
    await other.say("to", bob.id, "nobody of that room")
    await cay.say("to", other.id, "for Ann")
    await ann.expect(other, "from", cay.id, "for Ann")
    await one.connection.send(on_channel(one.channel, ""))
    await bob.expect("left", one.id)
    await other.say("to", cay.id, "still here")
    await cay.expect("from", other.id, "still here")
    assert not [message for message in bob.heard if message[0] == "from" and message[1] == other.id]
    await one.say("join", rooms[0], new_id())  # a channel can be used again
    while one.heard[-1][0] != "joined":
        await ann.hear()
    await one.connection.close()
    await cay.expect("left", other.id)


async def test_in_one_room_too_many_ends_that_channel_alone(relay: Relay, members: Members) -> None:
    rooms = [new_id() for _ in range(MAX_CHANNELS)]
    ann = await join_all(members, relay, rooms)
    more = Member(ann.members[0].connection, new_id(), [], MAX_CHANNELS + 1)
    ann.members.append(more)
    await more.say("join", new_id(), more.id)
    await ann.expect(more, "closed", 4004)
    taken = Member(more.connection, ann.members[0].id, [], MAX_CHANNELS + 1)
    ann.members[-1] = taken
    await more.connection.send(on_channel(5, ""))
    await taken.say("join", rooms[0], taken.id)
    await ann.expect(taken, "closed", 4002)
    bob = await members.join(relay, rooms[0])
    await ann.expect(ann.members[0], "arrived", bob.id)


async def test_what_is_said_on_a_channel_that_is_over_is_lost_and_ends_nothing(
    start_relay: StartRelay, members: Members
) -> None:
    relay = start_relay(PYCHAT_RELAY_ROOM_SIZE="1")
    room = new_id()
    await members.join(relay, room)
    ann = await join_all(members, relay, [new_id(), room])
    one, full = ann.members
    assert full.heard == [["closed", 4003]]
    await full.say("to", new_id(), "too late")
    await full.connection.send(on_channel(full.channel, ""))
    await one.say("to", one.id, "still here")
    await ann.expect(one, "from", one.id, "still here")


async def test_one_large_message_is_never_too_much(relay: Relay, members: Members) -> None:
    room = new_id()
    ann, bob = [await members.join(relay, room) for _ in range(2)]
    large = "\u0416" * 32_000  # three times as long in ASCII: more than an eighth of the queue
    await ann.connection.send(f'1 ["to","{bob.id}","{large}"]')
    await bob.expect("from", ann.id, large)


@pytest.mark.slow
async def test_who_floods_one_room_of_somebody_does_not_end_the_others(
    start_relay: StartRelay, members: Members
) -> None:
    relay, rooms = start_relay(**SWIFT), [new_id(), new_id()]
    ann = await join_all(members, relay, rooms)
    eve, bob = [await members.join(relay, room) for room in rooms]
    await ann.expect(ann.members[1], "arrived", bob.id)
    ann.members[0].connection.transport.pause_reading()
    await flood_until_dropped(eve, ann.members[0], relay)
    ann.members[0].connection.transport.resume_reading()
    await ann.expect(ann.members[0], "closed", 4009)
    await eve.expect("left", ann.members[0].id)
    await bob.say("to", ann.members[1].id, "for Ann")
    await ann.expect(ann.members[1], "from", bob.id, "for Ann")
