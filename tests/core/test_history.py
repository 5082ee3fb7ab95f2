"""What goes into the journal, when, and what comes back from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from pychat.core import effects, events, wire
from pychat.core.chat import chats as chats_module
from pychat.core.chat import conversation as conversation_module
from pychat.core.chat.conversation import Conversation, Delivery
from pychat.core.chat.records import (
    MAX_LOGS,
    Head,
    KeepFor,
    Part,
    Preview,
    Rendezvous,
    join,
    read_head,
    read_segment,
    write_head,
    write_segment,
)
from pychat.core.link import CloseReason, LinkPhase
from pychat.core.log import Entry, Logs
from pychat.core.services import history
from pychat.core.services.history import FEW, HEAD_INTERVAL, RETRY_INTERVAL
from pychat.core.sync import ACKNOWLEDGE_INTERVAL
from pychat.ui.messages import Messages
from tests.core.disk import Disk
from tests.core.people import START, Keys, Pair, Person, connect, deliveries, exchange, of, person, texts
from tests.history_sim import Device

FULL = "the disk is full"

_random = Random("history")


def begin(name: str, disk: Disk, now: float = START) -> Device:
    """A run of somebody's program."""
    return Device(Keys(name), _random, disk, set(), now)


@pytest.fixture
def ann_disk() -> Disk:
    return Disk()


@pytest.fixture
def bob_disk() -> Disk:
    return Disk()


@pytest.fixture
def ann(ann_disk: Disk) -> Device:
    return begin("ann", ann_disk)


@pytest.fixture
def bob(bob_disk: Disk) -> Device:
    return begin("bob", bob_disk)


def rest(pair: Pair) -> None:
    """Let all be kept, and carried over."""
    busy = True
    while busy:
        pair.carry()
        busy = False
        for device in (pair.ann, pair.bob):
            busy |= isinstance(device, Device) and device.journal_steps()


def meet(ann: Device, bob: Person) -> Pair:
    """Connect two programs, until all is said."""
    pair = connect(ann, bob)
    rest(pair)
    return pair


def part(pair: Pair) -> None:
    pair.kill()
    rest(pair)


def say(pair: Pair, who: Person, *said: str) -> None:
    who.write(pair.ann_chat if who is pair.ann else pair.bob_chat, *said)
    rest(pair)


def chat_of(device: Device) -> Conversation:
    """The one conversation of a program."""
    (conversation,) = device.node.chats.conversations()
    return conversation


def read_all(device: Device) -> Conversation:
    """Look at all that was said."""
    conversation = chat_of(device)
    device.do(events.ShowConversation(conversation.id))
    device.journal_steps()
    while conversation.has_earlier:
        device.do(events.ShowEarlier(conversation.id))
        assert device.journal_steps()
    return conversation


def fail(device: Device, *kinds: type) -> None:
    """From now on these pieces of work fail; none: all goes well."""
    device.journal.problem, device.journal.fails = FULL, kinds


def problem(device: Device) -> str:
    """What its person is told."""
    return device.node.history.problem


def of_runs(ann_disk: Disk, bob_disk: Disk, runs: int, *, arrive: bool) -> None:
    """Ann writes one text in each of so many runs, which arrives at once, or has yet to."""
    pair = meet(begin("ann", ann_disk), begin("bob", bob_disk))
    bob = pair.bob
    part(pair)
    for number in range(runs):
        ann = begin("ann", ann_disk)
        if arrive:
            pair = meet(ann, bob)
            say(pair, ann, f"text {number}")
            part(pair)
        else:
            ann.write(chat_of(ann), f"text {number}")
            ann.journal_steps()


# What is written.


def test_a_head_and_a_segment_are_read_as_they_were_written() -> None:
    full = Head(
        b"k" * 32,
        "Bob",
        {"own": 2},
        {"own": 3, "his": 4},
        7,
        1,
        99,
        KeepFor(60, 1_000),
        True,
        False,
        Preview(True, 5, "hi"),
        Rendezvous(b"s" * 20, "r"),
        (("own", 1), ("his", 4)),
    )
    for head in (full, Head(b"k" * 32, "", {}, {}, 0, 0)):
        assert read_head(write_head(head)) == head
    parts = [Part("own", 1, [Entry(1, "a"), Entry(2, "b", 9)], True), Part("his", 4, [Entry(3, "c")], False)]
    assert read_segment(write_segment(parts, 9)) == (9, parts)


HEAD = (
    b'[1,"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s","Bob",{"own":2},{"own":3},7,1,99,null,false,false,'
    b'[true,5,"hi"],null,[["his",3]]]'
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"[1,", b"[2,"),
        (b'"a2', b'"'),
        (b'"Bob"', b"5"),
        (b'{"own":2}', b'{"own":-1}'),
        (b'{"own":3}', b'{"own":"3"}'),
        (b"7,1", b"7,-1"),
        (b"7,1", b"7.5,1"),
        (b"99", b"null"),
        (b'[true,5,"hi"]', b'[1,5,"hi"]'),
        (b'[true,5,"hi"]', b'[true,-5,"hi"]'),
        (b'[true,5,"hi"]', b"[true,5]"),
        (b"null,[[", b'["short","relay"],[['),
        (b"null,[[", b'["c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M",5],[['),
        (b'[["his",3]]', b"null"),
        (b'[["his",3]]', b'[["his"]]'),
        (b'[["his",3]]', b'[["his",0]]'),
        (b"]]]", b"]],5]"),
        (b"]]]", b"]]"),
        (HEAD, b""),
        (HEAD, b"\xff"),
        (HEAD, b"[" * 100_000),
    ],
)
def test_a_head_that_is_damaged_is_refused(old: bytes, new: bytes) -> None:
    assert read_head(HEAD)
    with pytest.raises(ValueError):  # noqa: PT011
        read_head(HEAD.replace(old, new))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[2]",
        b"5",
        b'[1,["own",0,[[1,"a"]],true]]',
        b'[1,["own",1,[[1,null]],true]]',
        b'[1,["own",1,[[1,"a",0]],true]]',
        b'[1,["own",1,[[1,"a"]],1]]',
        b'[1,["own",1,[[1,"a"]]]]',
        b'[1,[5,1,[[1,"a"]],true]]',
        b'[1,"own"]',
    ],
)
def test_a_segment_that_is_damaged_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_segment(data)


def test_heads_of_several_runs_say_together_what_each_of_them_knows() -> None:
    key, meeting = b"k" * 32, Rendezvous(b"s" * 20, "relay")
    first = Head(key, "Bob", {"a": 2, "b": 1}, {"a": 3, "his": 4}, 7, 0, 50, last=Preview(True, 1, "x"))
    second = Head(
        key,
        "Bobby",
        {"a": 3, "c": 0},
        {"a": 3, "c": 2, "his": 5},
        10,
        2,
        40,
        last=Preview(False, 2, "y"),
        rendezvous=meeting,
    )
    for heads in ([first, second], [second, first]):
        joined = join(heads)
        assert joined == Head(
            key,
            "Bobby",
            {"a": 3, "b": 1, "c": 0},
            {"a": 3, "his": 5, "c": 2},
            10,
            2,
            50,
            last=Preview(False, 2, "y"),
            rendezvous=meeting,
        )
    assert join([first]) == first
    earlier = replace(first, rendezvous=Rendezvous(b"e" * 20, "relay"))
    assert join([earlier, second]).rendezvous == meeting


def test_what_another_program_had_counts_when_heads_are_joined() -> None:
    first = Head(b"k", "Bob", {"a": 3}, {"a": 3, "his": 9}, 12, 0)
    second = Head(b"k", "Bob", {"b": 4}, {"b": 4, "his": 10}, 10, 0)
    assert join([first, second]).messages == 12 + 4 + 1


# When it is written.


def test_nothing_is_sent_before_it_is_in_the_journal_and_nothing_acknowledged(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    ann.write(pair.ann_chat, "hello")
    pair.carry()
    assert not texts(pair.bob_chat)
    assert deliveries(pair.ann_chat) == [Delivery.WAITING]

    ann.journal_steps()
    pair.carry()
    pair.bob.wait(10)
    pair.carry()
    assert texts(pair.bob_chat) == ["hello"]
    assert deliveries(pair.ann_chat) == [Delivery.SENT]

    bob.journal_steps()
    pair.carry()
    assert deliveries(pair.ann_chat) == [Delivery.DELIVERED]


def test_what_comes_once_more_before_it_is_kept_is_not_acknowledged_either(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    ann.write(pair.ann_chat, "hello")
    ann.journal_steps()
    pair.carry()
    pair.kill()
    pair = connect(ann, bob)
    pair.bob.wait(10)
    pair.carry()
    assert texts(pair.bob_chat) == ["hello"]
    assert pair.ann_chat.acknowledged == 0
    rest(pair)
    assert pair.ann_chat.acknowledged == 1


def test_while_one_write_is_under_way_the_next_one_gathers(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    for number in range(5):
        ann.write(pair.ann_chat, f"text {number}")
    assert len(ann.journal.work) == 1
    ann.journal_steps(1)
    assert len(ann.journal.work) == 1
    ann.journal_steps(1)
    assert not ann.journal.work
    assert [len(one.entries) for one in ann.journal.disk.parts(pair.ann_chat.id)] == [1, 4]


def test_a_program_that_ends_writes_what_is_left(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    ann.write(pair.ann_chat, "one")
    ann.write(pair.ann_chat, "two")
    ann.do(events.Shutdown())
    assert len(ann.journal.work) == 2  # nobody waits for the first one any more
    ann.journal_steps()
    assert texts(read_all(begin("ann", ann_disk))) == ["one", "two"]


def test_a_program_that_ends_keeps_how_much_has_arrived(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "hello")
    ann.do(events.Shutdown())
    ann.journal_steps()
    assert chat_of(begin("ann", ann_disk)).undelivered == 0


def test_a_program_that_ends_tries_again_what_failed(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    fail(ann, effects.WriteJournal)
    say(pair, ann, "one")
    fail(ann)
    ann.do(events.Shutdown())
    ann.journal_steps()
    assert texts(read_all(begin("ann", ann_disk))) == ["one"]


def test_how_much_has_arrived_is_kept_a_moment_later(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "hello")
    assert not ann.journal.work
    ann.wait(HEAD_INTERVAL)
    ann.journal_steps()
    (kept,) = ann_disk.kept()
    assert [*kept.head.own.values()] == [1]
    assert chat_of(begin("ann", ann_disk)).undelivered == 0


def test_the_first_head_of_a_run_takes_the_place_of_those_that_it_has_found(ann_disk: Disk, bob_disk: Disk) -> None:
    of_runs(ann_disk, bob_disk, 3, arrive=False)
    assert len(ann_disk.heads) == 1
    beside = begin("ann", ann_disk)
    of_runs(ann_disk, bob_disk, 1, arrive=False)
    beside.write(chat_of(beside), "beside")
    beside.journal_steps()
    assert len(ann_disk.heads) == 2  # one of them was written after the other had begun
    assert ann_disk.kept()[0].head.messages == 5


# What cannot be written, or read.


def test_what_cannot_be_kept_is_sent_and_told_and_tried_again(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    fail(ann, effects.WriteJournal)
    say(pair, ann, "one")
    assert problem(ann) == FULL
    assert texts(pair.bob_chat) == ["one"]
    assert len(ann_disk.segments) == 0

    ann.wait(RETRY_INTERVAL - 0.5)
    assert not ann.journal.work
    ann.wait(0.5)
    assert ann.journal_steps()
    assert problem(ann) == FULL

    fail(ann)
    ann.wait(RETRY_INTERVAL)
    ann.journal_steps()
    assert not problem(ann)
    assert texts(read_all(begin("ann", ann_disk))) == ["one"]


def test_what_comes_is_acknowledged_although_it_cannot_be_kept(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    fail(bob, effects.WriteJournal)
    say(pair, ann, "one")
    assert pair.ann_chat.acknowledged == 1


def test_a_problem_goes_when_what_could_not_be_kept_is_put_away(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    fail(ann, effects.WriteJournal)
    say(pair, ann, "one")
    part(pair)
    ann.do(events.RemoveConversation(chat_of(ann).id))
    ann.wait(RETRY_INTERVAL)
    ann.journal_steps()
    assert not problem(ann)


def test_what_cannot_be_read_is_read_later_and_the_peer_loses_nothing(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    part(pair)
    ann.write(chat_of(ann), "one", "two")
    ann.journal_steps()
    ann = begin("ann", ann_disk)
    fail(ann, effects.ReadJournal)
    pair = meet(ann, bob)
    assert problem(ann) == FULL
    assert not pair.ann_chat.has_earlier  # no screen waits for it
    say(pair, ann, "three")
    assert texts(pair.bob_chat) == ["three"]  # they go on talking
    assert pair.ann_chat.undelivered == 2

    fail(ann)
    ann.wait(RETRY_INTERVAL)
    assert not problem(ann)
    assert chat_of(ann).has_earlier
    part(pair)
    pair = meet(ann, bob)
    assert sorted(texts(pair.bob_chat)) == ["one", "three", "two"]
    assert pair.ann_chat.undelivered == 0


def test_what_the_peer_lacks_of_this_run_waits_until_it_can_be_read(
    ann: Device, bob: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = meet(ann, bob)
    say(pair, ann, *(f"text {number}" for number in range(10)))
    part(pair)
    chat_of(ann).make_room(0)
    fail(ann, effects.ReadJournal)
    pair = meet(ann, begin("bob", Disk()))  # all is lost there
    assert not texts(pair.bob_chat)
    fail(ann)
    ann.wait(RETRY_INTERVAL)
    rest(pair)
    assert texts(pair.bob_chat) == [f"text {number}" for number in range(10)]


def test_a_conversation_that_cannot_be_deleted_is_deleted_later(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "one")
    part(pair)
    fail(ann, effects.DeleteFromJournal)
    ann.do(events.RemoveConversation(chat_of(ann).id))
    ann.journal_steps()
    assert problem(ann) == FULL
    assert len(ann_disk.segments) == 1
    fail(ann)
    ann.wait(RETRY_INTERVAL)
    ann.journal_steps()
    assert len(ann_disk.segments) == 0
    assert not ann_disk.heads
    assert not problem(ann)


def test_what_is_said_anew_before_it_can_be_deleted_stays(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "one")
    part(pair)
    fail(ann, effects.DeleteFromJournal)
    ann.do(events.RemoveConversation(chat_of(ann).id))
    pair = meet(ann, bob)
    say(pair, ann, "two")
    fail(ann)
    ann.wait(RETRY_INTERVAL)
    rest(pair)
    assert texts(read_all(begin("ann", ann_disk))) == ["two"]


def test_what_was_said_anew_and_kept_before_the_rest_can_be_deleted_stays(
    ann: Device, bob: Device, ann_disk: Disk
) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "one")
    part(pair)
    fail(ann, effects.DeleteFromJournal)
    ann.do(events.RemoveConversation(chat_of(ann).id))
    pair = exchange(ann, bob)
    ann.write(ann.chat_of(pair.ann_link), "two")
    pair.open_channel()
    ann.journal_steps()
    assert len(ann_disk.segments) == 2
    fail(ann)
    ann.wait(RETRY_INTERVAL)
    rest(pair)
    assert texts(read_all(begin("ann", ann_disk))) == ["two"]


def test_what_was_being_written_of_a_conversation_that_was_put_away_is_not_taken_for_the_new_one(
    ann: Device, bob: Device, ann_disk: Disk
) -> None:
    pair = meet(ann, bob)
    ann.write(pair.ann_chat, "one", "two")
    pair.kill()
    ann.do(events.RemoveConversation(chat_of(ann).id))
    pair = connect(ann, bob)
    ann.write(pair.ann_chat, "three")
    rest(pair)
    assert texts(read_all(begin("ann", ann_disk))) == ["three"]


def test_what_is_not_kept_does_not_leave_the_memory(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    fail(ann, effects.WriteJournal)
    say(pair, ann, "one", "two", "three")
    assert pair.ann_chat.acknowledged == 3
    pair.ann_chat.make_room(0)
    fail(ann)
    ann.wait(RETRY_INTERVAL)
    rest(pair)
    assert texts(read_all(begin("ann", ann_disk))) == ["one", "two", "three"]


def damage(disk: Disk, *places: int) -> None:
    for place in places:
        position, chat, _ = disk.segments[place]
        disk.segments[place] = position, chat, b"" if place % 2 else b"[]"


def test_a_damaged_segment_is_counted_and_the_others_are_shown(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    for text in ("one", "two", "three", "four"):
        say(pair, ann, text)
    damage(ann_disk, 2)
    ann = begin("ann", ann_disk)
    conversation = read_all(ann)
    assert texts(conversation) == ["one", "two", "four"]
    assert [message.entry.text for message in conversation.ordered] == ["one", "two", "four"]
    assert ann.node.history.damaged == 1


@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_a_log_that_cannot_be_read_any_more_holds_up_no_other(
    how: str, ann: Device, bob: Device, ann_disk: Disk
) -> None:
    pair = meet(ann, bob)
    part(pair)
    for text in ("one", "two"):
        ann = begin("ann", ann_disk)
        ann.write(chat_of(ann), text)
        ann.journal_steps()
    if how == "damaged":
        damage(ann_disk, 0)
    else:
        del ann_disk.segments[0]
    ann = begin("ann", ann_disk)
    pair = meet(ann, bob)
    say(pair, ann, "three")
    assert texts(pair.bob_chat) == ["two", "three"]


# What comes back.


def test_what_was_said_comes_back_when_somebody_looks_at_it(
    ann: Device, bob: Device, ann_disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "SEGMENTS_AT_ONCE", 3)
    monkeypatch.setattr(history, "MESSAGES_AT_ONCE", 4)
    pair = meet(ann, bob)
    said = [f"text {number}" for number in range(10)]
    for text in said:
        say(pair, ann, text)
    ann.wait(HEAD_INTERVAL)
    ann.journal_steps()
    ann = begin("ann", ann_disk)
    conversation = chat_of(ann)
    assert len(conversation.timeline) == 10
    assert not texts(conversation)
    assert conversation.last is not None
    assert (conversation.last.is_own, conversation.last.text) == (True, "text 9")
    ann.do(events.ShowConversation(conversation.id))
    assert ann.node.history.is_reading(conversation.id)
    ann.journal_steps()
    assert texts(conversation) == said[4:]  # two parts of three
    assert not ann.node.history.is_reading(conversation.id)
    assert texts(read_all(ann)) == said
    assert all(conversation.has_arrived(author, number) for author, number, _ in conversation.timeline)
    assert all(
        conversation.delivery(number, author) is Delivery.DELIVERED for author, number, _ in conversation.timeline
    )


def test_what_goes_from_memory_while_more_is_read_is_read_again(
    ann: Device, bob: Device, ann_disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "SEGMENTS_AT_ONCE", 3)
    monkeypatch.setattr(history, "MESSAGES_AT_ONCE", 1)
    pair = meet(ann, bob)
    said = [f"text {number}" for number in range(12)]
    for text in said:
        say(pair, ann, text)
    ann = begin("ann", ann_disk)
    conversation = chat_of(ann)
    ann.do(events.ShowConversation(conversation.id))
    ann.journal_steps()
    ann.do(events.ShowEarlier(conversation.id))
    conversation.make_room(0)
    assert texts(conversation) == said[-1:]
    assert texts(read_all(ann)) == said


def test_two_programs_at_once_lose_nothing_of_each_other(ann_disk: Disk, bob_disk: Disk) -> None:
    pair = meet(begin("ann", ann_disk), begin("bob", bob_disk))
    part(pair)
    bob = pair.bob
    assert isinstance(bob, Device)
    programs = [begin("ann", ann_disk), begin("ann", ann_disk)]
    for number, program in enumerate(programs):
        program.write(chat_of(program), *(f"{number} {text}" for text in range(5)))
        program.journal_steps()
    pair = meet(programs[0], bob)
    part(pair)
    assert sorted(texts(chat_of(bob))) == [f"0 {text}" for text in range(5)]

    ann = begin("ann", ann_disk)
    pair = meet(ann, bob)
    conversation = read_all(ann)
    assert conversation.timeline.start == 0
    for one in (conversation, pair.bob_chat):
        assert sorted(texts(one)) == [f"{number} {text}" for number in (0, 1) for text in range(5)]
    assert [*conversation.ordered] == [*pair.bob_chat.ordered]


def test_what_one_program_has_read_less_of_hides_nothing(ann_disk: Disk, bob: Device) -> None:
    """The second one was told of the peer's first texts only, and wrote these last."""
    pair = meet(begin("ann", ann_disk), bob)
    part(pair)
    first, second = begin("ann", ann_disk), begin("ann", ann_disk)
    pair = meet(first, bob)
    bob.write(pair.bob_chat, "one")
    bob.journal_steps()
    pair.carry()
    pair.kill()
    pair = connect(second, bob)
    pair.carry()
    pair.kill()
    pair = connect(first, bob)
    bob.write(pair.bob_chat, "two", "three")
    bob.journal_steps()
    pair.carry()
    first.journal_steps()
    second.journal_steps()
    conversation = read_all(begin("ann", ann_disk))
    assert [message.entry.text for message in conversation.ordered] == ["one", "two", "three"]
    assert conversation.timeline.start == 0


@pytest.mark.slow
def test_after_more_runs_than_a_head_tells_of_all_is_still_there(ann_disk: Disk, bob_disk: Disk) -> None:
    runs = MAX_LOGS + 6
    of_runs(ann_disk, bob_disk, runs, arrive=True)
    said = [f"text {number}" for number in range(runs)]
    for name, disk in (("ann", ann_disk), ("bob", bob_disk)):
        device = begin(name, disk)
        conversation = read_all(device)
        assert texts(conversation) == said
        assert [message.entry.text for message in conversation.ordered] == said
        assert all(conversation.is_own(message.author) == (name == "ann") for message in conversation.timeline)
    ann, bob = begin("ann", ann_disk), begin("bob", bob_disk)
    read_all(ann)
    read_all(bob)
    pair = meet(ann, bob)
    say(pair, ann, "once more")
    for device in (ann, bob):
        device.wait(HEAD_INTERVAL)
        device.journal_steps()
    (kept,) = bob_disk.kept()
    of_the_last = {message.author for message in [*pair.bob_chat.timeline][-MAX_LOGS:]}
    assert of_the_last <= kept.head.counts.keys()
    part(pair)
    part(meet(ann, begin("bob", bob_disk)))
    assert texts(read_all(begin("bob", bob_disk))) == [*said, "once more"]
    assert texts(read_all(begin("ann", ann_disk))) == [*said, "once more"]


@pytest.mark.slow
def test_all_that_a_head_tells_of_arrives_and_is_told_in_the_first_have(ann_disk: Disk, bob_disk: Disk) -> None:
    of_runs(ann_disk, bob_disk, MAX_LOGS, arrive=False)
    said = [f"text {number}" for number in range(MAX_LOGS)]
    ann, bob = begin("ann", ann_disk), begin("bob", bob_disk)
    pair = meet(ann, bob)
    assert pair.ann_link.phase is pair.bob_link.phase is LinkPhase.OPEN
    assert texts(pair.bob_chat) == said
    say(pair, ann, "once more")
    part(pair)
    assert len(chat_of(bob).have_all()) == wire.MAX_AUTHORS
    pair = meet(begin("ann", ann_disk), bob)
    assert texts(pair.bob_chat) == [*said, "once more"]
    assert pair.ann_chat.undelivered == 0


def test_what_was_sent_from_before_stays_until_it_has_arrived(former: tuple[Device, str], bob: Device) -> None:
    ann, _ = former
    pair = before_introductions(ann, bob)
    first_have(pair, {})
    pair.ann_chat.make_room(0)
    assert texts(pair.ann_chat) == ["one", "two"]


def test_whoever_renames_themselves_goes_on_with_the_log_that_is_being_sent(
    former: tuple[Device, str], bob: Device
) -> None:
    ann, log = former
    first_have(before_introductions(ann, bob), {})
    ann.do(events.SetName("Anna"))
    assert ann.says() == [wire.Introduce(log, "Anna")]


def test_what_is_here_and_what_is_being_read_is_not_read_again(
    ann: Device, bob: Device, ann_disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "SEGMENTS_AT_ONCE", 3)
    monkeypatch.setattr(history, "MESSAGES_AT_ONCE", 1)
    pair = meet(ann, bob)
    for number in range(12):
        say(pair, ann, f"text {number}")
    conversation = pair.ann_chat
    conversation.make_room(conversation.memory.held - 1)
    assert len(texts(conversation)) == 11
    for _ in range(2):
        ann.do(events.ShowEarlier(conversation.id))
    assert len(ann.journal.work) == 1
    ann.journal_steps()
    assert len(texts(conversation)) == 12


def test_what_the_other_one_is_called_is_kept(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    bob.do(events.SetName("Bobby"))
    rest(pair)
    assert ann_disk.kept()[0].head.name == "Bobby"
    assert chat_of(begin("ann", ann_disk)).peer_name == "Bobby"


def test_what_was_passed_over_and_is_here_still_is_not_read_again() -> None:
    logs = Logs()
    entries = [Entry(number, str(number)) for number in range(1, 10)]
    logs.merge("his", 1, entries[:3])
    logs.merge("his", 6, entries[5:7])
    assert logs.prepend("his", 1, entries[:3]) == []
    pieces = logs.prepend("his", 2, entries[1:6])
    assert [(first, count) for _, first, count in pieces] == [(4, 2)]
    assert logs.prepend("his", 1, entries) == []
    assert logs.count("his") == 7


# What has been seen.


def unread(disk: Disk) -> int:
    (kept,) = disk.kept()
    return kept.head.unread


def test_what_nobody_has_looked_at_is_unread(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, bob, "one", "two", "three")
    assert unread(ann_disk) == 3
    ann.do(events.MarkRead(pair.ann_chat.id, 2))
    ann.do(events.MarkRead(pair.ann_chat.id, 1))  # what was seen was seen
    assert not ann.journal.work
    ann.wait(HEAD_INTERVAL)
    ann.journal_steps()
    assert unread(ann_disk) == 1

    ann.do(events.ShowConversation(pair.ann_chat.id))
    ann.journal_steps()
    assert unread(ann_disk) == 0
    say(pair, bob, "four")
    assert unread(ann_disk) == 0

    ann.do(events.LookAway(True))
    say(pair, bob, "five")
    assert unread(ann_disk) == 1
    ann.do(events.LookAway(False))
    ann.journal_steps()
    assert unread(ann_disk) == 0

    ann.do(events.ShowConversation(None))
    say(pair, bob, "six")
    assert unread(ann_disk) == 1
    ann.do(events.MarkRead(pair.ann_chat.id, 1_000))
    deadline = ann.node.next_deadline()
    assert deadline is not None
    assert deadline <= ann.now + HEAD_INTERVAL
    ann.wait(HEAD_INTERVAL)
    ann.journal_steps()
    assert unread(ann_disk) == 0
    say(pair, bob, "seven")
    assert unread(ann_disk) == 1


def test_a_reaction_alone_is_nothing_unread(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, bob, "one")
    ann.do(events.MarkRead(pair.ann_chat.id, 1))
    bob.do(events.ReactToMessage(pair.bob_chat.id, pair.bob_chat.own_log, 1, "👍"))
    rest(pair)
    assert len(pair.ann_chat.timeline) == 2
    assert unread(ann_disk) == 0
    say(pair, bob, "two")
    assert unread(ann_disk) == 2  # the reaction stands before it


def test_what_was_unread_is_unread_in_the_next_run(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, bob, "one", "two")
    ann = begin("ann", ann_disk)
    conversation = chat_of(ann)
    assert (conversation.read, len(conversation.timeline)) == (0, 2)
    ann.do(events.ShowConversation(conversation.id))
    ann.journal_steps()
    assert unread(ann_disk) == 0


# What a peer says of former logs.


def first_have(pair: Pair, have: dict[str, int]) -> list[wire.Entries]:
    """Ann hears this as the first one, from Bob under a new log; returns the entries that she sends."""
    ann = pair.ann
    ann.says()
    frames: Sequence[wire.OwnFrame] = (wire.Introduce("a-log-of-bobs-own-abcd", "Bob"), wire.Have(have))
    ann.hears(pair.ann_link, *frames)
    assert isinstance(ann, Device)
    ann.journal_steps()
    return [frame for frame in ann.says() if isinstance(frame, wire.Entries)]


def before_introductions(ann: Device, bob: Device) -> Pair:
    """Both have proved who they are, and nothing else is said."""
    pair = connect(ann, bob)
    peer = pair.ann_link.authenticated
    assert peer is not None
    peer.outgoing, peer.pending = None, []
    return pair


@pytest.fixture
def former(ann: Device, bob: Device, ann_disk: Disk) -> tuple[Device, str]:
    """Ann, who has written two texts in a former run, and the log in which they are."""
    pair = meet(ann, bob)
    part(pair)
    ann.write(chat_of(ann), "one", "two")
    ann.journal_steps()
    return begin("ann", ann_disk), chat_of(ann).own_log


def test_what_a_peer_has_of_a_former_log_is_not_sent_again(former: tuple[Device, str], bob: Device) -> None:
    ann, log = former
    (frame,) = first_have(before_introductions(ann, bob), {log: 1})
    assert frame == wire.Entries(log, 2, [frame.entries[0]])
    assert frame.entries[0].text == "two"


def test_a_peer_that_has_more_of_a_former_log_than_there_is_gets_nothing_of_it(
    former: tuple[Device, str], bob: Device
) -> None:
    ann, log = former
    pair = before_introductions(ann, bob)
    assert not first_have(pair, {log: 1_000})
    assert pair.ann_link.phase is LinkPhase.OPEN
    assert pair.ann_chat.undelivered == 0
    assert pair.ann_chat.former_logs == {log: 2}


def test_what_a_peer_says_of_logs_that_nobody_knows_is_nothing(former: tuple[Device, str], bob: Device) -> None:
    ann, log = former
    pair = before_introductions(ann, bob)
    frames = first_have(pair, {"of-somebody-else-abcde": 7, "a-log-of-bobs-own-abcd": 9})
    assert [[entry.text for entry in frame.entries] for frame in frames] == [["one", "two"]]
    assert [*pair.ann_chat.former_logs] == [log]


def test_a_peer_that_has_more_of_this_log_than_was_written_breaks_the_protocol(
    former: tuple[Device, str], bob: Device
) -> None:
    ann, log = former
    pair = before_introductions(ann, bob)
    first_have(pair, {log: 2, pair.ann_chat.own_log: 1})
    assert pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL


def test_one_that_tells_of_as_many_logs_as_it_can_may_have_others(former: tuple[Device, str], bob: Device) -> None:
    ann, log = former
    pair = before_introductions(ann, bob)
    chat_of(ann).former_logs[log] = 2
    many = {f"a-log-of-somebodys-{number:03}": 1 for number in range(MAX_LOGS)}
    assert not first_have(pair, many)
    assert pair.ann_chat.undelivered == 0


def test_one_that_does_not_tell_of_a_former_log_gets_it_again(former: tuple[Device, str], bob: Device) -> None:
    ann, log = former
    pair = before_introductions(ann, bob)
    chat_of(ann).former_logs[log] = 2
    (frame,) = first_have(pair, {})
    assert [entry.text for entry in frame.entries] == ["one", "two"]


@pytest.mark.slow
def test_how_much_is_held_stays_small_where_all_is_in_the_journal(
    ann: Device, bob: Device, ann_disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_module, "CONVERSATION_MOST", 20_000)
    monkeypatch.setattr(conversation_module, "STEP", 4_000)
    pair = meet(ann, bob)
    said = [f"text {number}" for number in range(500)]
    for text in said:
        say(pair, ann, text)
        assert pair.ann_chat.memory.held < 21_000
        assert pair.bob_chat.memory.held < 21_000
    assert pair.ann_chat.timeline.start > 300
    start = pair.ann_chat.timeline.start
    while Messages(pair.ann_chat).has_earlier:  # as far as there is room for what a person wants to see
        ann.do(events.ShowEarlier(pair.ann_chat.id))
        ann.journal_steps()
    assert 0 < pair.ann_chat.timeline.start < start
    assert pair.ann_chat.memory.held < 20_000 + 64 * 200
    assert Messages(pair.ann_chat).has_too_many
    monkeypatch.undo()
    assert texts(read_all(ann)) == said


def test_a_conversation_that_is_put_away_is_deleted(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "one")
    say(pair, bob, "two")
    ann.do(events.ShowConversation(chat_of(ann).id))
    ann.journal_steps()
    part(pair)
    emitted = of(effects.DeleteFromJournal, [*ann.journal.work])
    assert not emitted
    own = chat_of(ann).own_log
    ann.do(events.RemoveConversation(chat_of(ann).id))
    ann.journal_steps()
    assert ann_disk.segments == []
    [kept] = ann_disk.kept()
    assert kept.head.is_removed  # so that it does not come again
    assert (kept.head.name, kept.head.own, kept.head.messages, kept.head.last) == ("", {own: 1}, 0, None)


def test_a_peer_that_keeps_nothing_and_stayed_has_our_former_log_already(ann: Device, ann_disk: Disk) -> None:
    """It says so as soon as that log is introduced, before anything of it was read from the journal and sent."""
    pair = meet(ann, person("bob"))
    say(pair, ann, "one")
    part(pair)
    pair = meet(begin("ann", ann_disk), pair.bob)
    say(pair, pair.ann, "two")
    assert pair.ann_link.is_live
    assert texts(pair.bob_chat) == ["one", "two"]
    assert pair.ann_chat.undelivered == 0


def test_how_much_has_arrived_is_written_as_soon_as_the_link_ends(ann: Device, bob: Device, ann_disk: Disk) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "one")
    log = pair.ann_chat.own_log
    [kept] = ann_disk.kept()
    assert kept.head.own[log] == 0  # that comes a while later
    part(pair)
    [kept] = ann_disk.kept()
    assert kept.head.own[log] == 1


def test_of_somebody_who_said_nothing_nothing_is_left_once_that_is_put_away(
    ann: Device, bob: Device, ann_disk: Disk
) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "hello?")
    part(pair)
    ann.do(events.RemoveConversation(chat_of(ann).id))
    ann.journal_steps()
    assert not ann_disk.heads
    assert not ann_disk.segments


def test_only_of_so_many_is_it_kept_how_far_they_were_read(
    ann: Device, ann_disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats_module, "REMEMBERED_PEOPLE", 3)
    for number in range(5):
        visitor = begin(f"visitor {number}", Disk())
        pair = meet(ann, visitor)
        say(pair, visitor, "hello")
        ann.do(events.ShowConversation(chat_of(ann).id))
        part(pair)
        ann.do(events.RemoveConversation(chat_of(ann).id))
        ann.journal_steps()
    assert len(ann_disk.heads) == 5
    again = begin("ann", ann_disk)
    again.do()
    again.journal_steps()
    assert len(ann_disk.heads) == 3
    assert not again.node.chats.conversations()


def test_no_more_is_put_together_than_a_person_sees_at_once(
    ann: Device, bob: Device, ann_disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many messages each segment has; the rest of what was read comes when it is wanted."""
    monkeypatch.setattr(history, "MESSAGES_AT_ONCE", 10)
    pair = meet(ann, bob)
    said = [f"text {number}" for number in range(60)]
    for at in range(0, 60, 6):
        say(pair, ann, *said[at : at + 6])
    part(pair)
    ann = begin("ann", ann_disk)
    conversation = chat_of(ann)
    ann.do(events.ShowConversation(conversation.id))
    ann.journal_steps()
    assert texts(conversation) == said[-12:]
    assert conversation.has_earlier
    ann.do(events.ShowEarlier(conversation.id))
    ann.journal_steps()
    assert texts(conversation) == said[-24:]
    assert texts(read_all(ann)) == said


def writes(device: Device) -> int:
    """How often something is about to be written."""
    return sum(isinstance(effect, effects.WriteJournal) for effect in device.journal.work)


def hears(pair: Pair, *said: str) -> None:
    """Ann writes, and Bob hears it, when something was written at his side just now."""
    say(pair, pair.ann, "hello")
    pair.bob.write(pair.bob_chat, "just now")
    assert isinstance(pair.ann, Device)
    assert isinstance(pair.bob, Device)
    pair.bob.journal_steps()
    pair.ann.write(pair.ann_chat, *said)
    pair.ann.journal_steps()
    frames, pair.ann.sent = pair.ann.sent, []
    pair.bob.do(*(events.FrameReceived(pair.bob_link.id, frame.data) for frame in frames))
    assert texts(pair.bob_chat)[-len(said) :] == [*said]


def test_an_answer_is_in_the_same_write_as_what_it_answers(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    hears(pair, "a question")
    assert writes(bob) == 0
    bob.write(pair.bob_chat, "an answer")
    assert writes(bob) == 1
    bob.journal_steps()
    assert writes(bob) == 0
    pair.carry()
    assert texts(pair.ann_chat)[-1] == "an answer"
    assert set(deliveries(pair.ann_chat)) == {Delivery.DELIVERED}


def test_what_has_only_arrived_is_written_soon(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    hears(pair, "a question")
    bob.wait(ACKNOWLEDGE_INTERVAL)
    assert writes(bob) == 1


def test_what_has_only_arrived_is_written_at_once_when_somebody_leaves(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    hears(pair, "a question")
    assert writes(bob) == 0
    bob.do(events.FlushJournal())
    assert writes(bob) == 1


def test_many_that_arrive_are_written_at_once(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    hears(pair, *[f"text {number}" for number in range(FEW + 1)])
    assert writes(bob) == 1


@pytest.mark.parametrize("fails", [(effects.WriteJournal,), (effects.DeleteFromJournal,)])
def test_what_was_put_away_while_the_disk_was_full_does_not_come_once_more(
    fails: tuple[type, ...], ann: Device, bob: Device
) -> None:
    pair = meet(ann, bob)
    say(pair, bob, "hello")
    ann.do(events.ShowConversation(chat_of(ann).id), events.ShowConversation(None))
    part(pair)
    fail(ann, *fails)
    ann.do(events.RemoveConversation(chat_of(ann).id))
    ann.journal_steps()
    assert ann.node.history.problem
    fail(ann)
    ann.wait(60)
    ann.journal_steps()
    assert not ann.node.history.problem
    pair = meet(begin("ann", ann.journal.disk, ann.now), begin("bob", bob.journal.disk, bob.now))
    assert texts(pair.ann_chat) == []
    assert pair.bob_chat.undelivered == 0


def test_more_is_kept_than_a_head_knows_of(ann: Device, bob: Device, ann_disk: Disk) -> None:
    """As where one of two programs has passed over what the other one has."""
    pair = meet(ann, bob)
    say(pair, bob, *(f"text {number}" for number in range(5)))
    part(pair)
    for key, (version, data) in ann_disk.heads.items():
        head = read_head(data)
        ann_disk.heads[key] = version, write_head(replace(head, messages=2, unread=1))
    ann = begin("ann", ann_disk)
    conversation = chat_of(ann)
    pair = meet(ann, bob)
    say(pair, bob, "and so on")
    inserted, read = conversation.ordered.inserted, conversation.read
    read_all(ann)
    assert texts(conversation) == [*(f"text {number}" for number in range(5)), "and so on"]
    assert (conversation.timeline.start, conversation.ordered.start, len(conversation.timeline)) == (0, 0, 6)
    assert (conversation.shifted, conversation.resumed, conversation.journaled) == (3, 5, 6)
    assert conversation.ordered.inserted > inserted
    assert conversation.read >= read + 3
    assert [message.entry.text for message in conversation.ordered] == texts(conversation)
