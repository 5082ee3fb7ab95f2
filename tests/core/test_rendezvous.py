"""By what two people find each other again: both agree on one secret, and on a relay that both can reach."""

from __future__ import annotations

import pytest

from pychat.core import effects, events, wire
from pychat.core.chat.records import Rendezvous
from pychat.core.services.rendezvous import MAX_RECENT, RECENT
from tests.core.disk import Disk
from tests.core.people import Pair, connect, of, person
from tests.core.test_history import begin, chat_of, meet, part, say
from tests.history_sim import Device

ONE, OTHER = b"1" * 20, b"2" * 20
RELAY = "wss://relay.example/relay"


@pytest.fixture
def ann() -> Device:
    return begin("ann", Disk())


@pytest.fixture
def bob() -> Device:
    return begin("bob", Disk())


def agreed(pair: Pair) -> Rendezvous:
    """What both have agreed on."""
    ann, bob = pair.ann_chat.rendezvous, pair.bob_chat.rendezvous
    assert ann is not None
    assert ann == bob
    return ann


def met(ann: Device, bob: Device) -> tuple[Device, Device]:
    """The two have met, and have forgotten by what they find each other again."""
    part(meet(ann, bob))
    for device in (ann, bob):
        chat_of(device).rendezvous = None
    return ann, bob


def test_two_who_meet_agree_on_one_secret_and_keep_it(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    first = agreed(pair)
    for device in (ann, bob):
        (kept,) = device.journal.disk.kept()
        assert kept.head.rendezvous == first
    part(pair)
    assert agreed(meet(begin("ann", ann.journal.disk), begin("bob", bob.journal.disk))) == first


@pytest.mark.parametrize("who", [0, 1])
def test_what_was_agreed_on_before_counts(who: int, ann: Device, bob: Device) -> None:
    devices = met(ann, bob)
    chat_of(devices[who]).rendezvous = Rendezvous(b"\xff" * 20, "")  # no fresh one is larger
    assert agreed(meet(ann, bob)).secret == b"\xff" * 20


@pytest.mark.parametrize("secrets", [(ONE, OTHER), (OTHER, ONE)])
def test_of_two_that_were_agreed_on_the_smaller_one_counts(
    secrets: tuple[bytes, bytes], ann: Device, bob: Device
) -> None:
    met(ann, bob)
    for device, secret in zip((ann, bob), secrets, strict=True):
        chat_of(device).rendezvous = Rendezvous(secret, "")
    assert agreed(meet(ann, bob)).secret == ONE


def test_of_two_fresh_ones_the_smaller_one_counts(ann: Device, bob: Device) -> None:
    pair = connect(ann, bob)
    pair.kill()
    chat_of(ann).rendezvous = None
    pair = connect(ann, person("bob"))  # who keeps nothing, and proposes nothing
    assert chat_of(ann).rendezvous is None
    (proposed,) = ann.node.rendezvous._proposed.values()
    smaller = bytes(20)
    ann.hears(pair.ann_link, wire.Rendezvous(smaller, False, ""))
    assert pair.ann_chat.rendezvous == Rendezvous(min(smaller, proposed), "")


def test_what_is_said_twice_over_a_link_is_ignored(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    before = agreed(pair)
    ann.hears(pair.ann_link, wire.Rendezvous(bytes(20), True, RELAY))
    assert agreed(pair) == before


def test_each_proposes_once_over_a_link_also_when_they_rename_themselves(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    ann.hears(pair.ann_link, wire.Introduce(pair.bob_chat.own_log, "Bobby"))
    assert not [frame for frame in ann.says() if isinstance(frame, wire.Rendezvous)]


def test_nothing_is_agreed_on_where_nothing_is_kept(ann: Device) -> None:
    bob = person("bob")
    pair = connect(bob, ann)
    assert not [frame for frame in bob.says() if isinstance(frame, wire.Rendezvous)]
    assert pair.ann_chat.rendezvous is None
    assert pair.bob_chat.rendezvous is None


def use(device: Device, relay: str) -> None:
    device.do(events.UseRelay(relay))


@pytest.mark.parametrize(
    ("of_ann", "of_bob", "common"),
    [
        (RELAY, RELAY, RELAY),
        (RELAY, "wss://other.example/relay", ""),
        (RELAY, None, RELAY),
        (None, RELAY, RELAY),
        (None, None, ""),
    ],
)
def test_two_agree_on_a_relay_that_both_can_reach(
    of_ann: str | None, of_bob: str | None, common: str, ann: Device, bob: Device
) -> None:
    for device, relay in ((ann, of_ann), (bob, of_bob)):
        if relay is not None:
            use(device, relay)
    pair = meet(ann, bob)
    relays = [device.node.rendezvous.relay_for(chat_of(device)) for device in (ann, bob)]
    assert relays == [common, common]
    assert agreed(pair).relay == common


def joins(device: Device, *happened: events.Event) -> list[str]:
    """The relays that a program goes to."""
    return [effect.url for effect in of(effects.ConnectRelay, device.do(*happened))]


def test_somebody_is_found_again_at_the_relay_that_was_agreed_on(ann: Device, bob: Device) -> None:
    use(ann, RELAY)
    use(bob, RELAY)
    pair = meet(ann, bob)
    again = events.ConnectAgain(pair.ann_chat.id)
    assert not joins(ann, again)  # they are there
    part(pair)
    assert len(joins(ann, again)) == 1
    assert not joins(ann, events.ConnectAgain("nobody"))


def test_without_a_relay_nobody_is_looked_for(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    part(pair)
    assert not joins(ann, events.ConnectAgain(chat_of(ann).id))


def friends(ann: Device, count: int) -> None:
    """So many people whom Ann has talked to, each an hour after the one before."""
    use(ann, RELAY)
    for number in range(count):
        friend = begin(f"friend {number}", Disk(), ann.now)
        use(friend, RELAY)
        pair = meet(ann, friend)
        say(pair, ann, "hello")
        part(pair)
        ann.wait(3_600)


def test_a_person_waits_for_those_of_the_last_time_only(ann: Device) -> None:
    friends(ann, MAX_RECENT + 2)
    disk = ann.journal.disk

    def waits_for(people: events.WhoToWaitFor, now: float) -> int:
        device = begin("ann", disk, now)
        use(device, RELAY)
        device.do(events.WaitForPeople(people))
        return sum(bool(chat.rooms) for chat in device.node.chats.conversations())

    assert waits_for(events.WhoToWaitFor.RECENT, ann.now) == MAX_RECENT
    assert waits_for(events.WhoToWaitFor.ALL, ann.now) == MAX_RECENT + 2
    assert waits_for(events.WhoToWaitFor.NOBODY, ann.now) == 0
    assert waits_for(events.WhoToWaitFor.RECENT, ann.now + RECENT - 2.5 * 3_600) == 2
    assert waits_for(events.WhoToWaitFor.RECENT, ann.now + RECENT) == 0


def test_another_choice_of_whom_to_wait_for_counts_at_once(ann: Device) -> None:
    friends(ann, 3)
    device = begin("ann", ann.journal.disk, ann.now)
    use(device, RELAY)
    chats = sorted(device.node.chats.conversations(), key=lambda chat: chat.ended)

    def waits_for(people: events.WhoToWaitFor) -> list[bool]:
        device.do(events.WaitForPeople(people))
        return [chat.is_in_room for chat in chats]

    assert waits_for(events.WhoToWaitFor.RECENT) == [True] * 3
    assert waits_for(events.WhoToWaitFor.ALL) == [True] * 3
    device.do(events.ConnectAgain(chats[1].id))  # the person has asked for this one
    assert waits_for(events.WhoToWaitFor.NOBODY) == [False, True, False]
    assert not device.node.rooms.shown_in(chats[0])
    assert waits_for(events.WhoToWaitFor.RECENT) == [True] * 3


def test_whom_one_talks_to_goes_on_whoever_else_is_waited_for(ann: Device, bob: Device) -> None:
    use(ann, RELAY)
    use(bob, RELAY)
    pair = meet(ann, bob)
    say(pair, ann, "hello")
    part(pair)
    ann.do(events.WaitForPeople(events.WhoToWaitFor.ALL))
    pair = meet(ann, bob)
    ann.do(events.WaitForPeople(events.WhoToWaitFor.NOBODY))
    assert pair.ann_link.is_live
