"""For how long it is kept what people say: what is too old goes from memory and from the journal, and nothing else."""

from __future__ import annotations

from random import Random

import pytest

from pychat.core import effects, events
from pychat.core.chat.records import FOREVER, NOTHING, KeepFor, join
from pychat.core.services.history import HEAD_INTERVAL
from tests.core.disk import Disk
from tests.core.people import of, person, texts
from tests.core.test_history import begin, chat_of, meet, part, read_all, rest, say
from tests.history_sim import Device

DAY = 86_400.0


@pytest.fixture
def ann() -> Device:
    return begin("ann", Disk())


@pytest.fixture
def bob() -> Device:
    return begin("bob", Disk())


def keep(device: Device, seconds: int | None, *, for_all: bool = False) -> None:
    device.do(events.SetKeepFor(None if for_all else chat_of(device).id, seconds))
    device.journal_steps()


def kept(device: Device) -> list[str]:
    """What the journal has of what was said."""
    parts = device.journal.disk.parts(chat_of(device).id)
    return [entry.text for part in parts for entry in part.entries]


def pass_time(device: Device, seconds: float) -> None:
    device.wait(seconds)
    device.journal_steps()


@pytest.mark.parametrize("for_all", [False, True])
def test_what_is_too_old_goes_from_memory_and_from_the_journal(for_all: bool, ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "monday")
    keep(ann, int(7 * DAY), for_all=for_all)
    for device in (ann, bob):
        device.wait(4 * DAY)
    say(pair, bob, "friday")
    pass_time(ann, 3 * DAY - 3_600)
    assert texts(chat_of(ann)) == kept(ann) == ["monday", "friday"]
    pass_time(ann, 3_700)
    assert texts(chat_of(ann)) == kept(ann) == ["friday"]
    assert kept(bob) == ["monday", "friday"]  # it is Ann's device alone


def test_it_goes_as_well_while_pychat_is_closed(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "monday")
    keep(ann, int(DAY))
    part(pair)
    again = begin("ann", ann.journal.disk, ann.now + 2 * DAY)
    assert chat_of(again).keep_for == KeepFor(int(DAY), int(ann.now))
    again.do()
    again.journal_steps()
    assert kept(again) == []
    assert texts(read_all(again)) == []


def test_what_has_not_arrived_stays(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "hello")
    part(pair)
    keep(ann, int(DAY))
    ann.write(chat_of(ann), "are you there?")
    ann.journal_steps()
    pass_time(ann, 3 * DAY)
    assert kept(ann) == ["are you there?"]
    bob = begin("bob", bob.journal.disk, ann.now)
    meet(ann, bob)
    assert texts(read_all(bob)) == ["hello", "are you there?"]
    pass_time(ann, 2 * DAY)
    assert kept(ann) == []


def test_where_nothing_is_kept_no_word_is_written_and_nothing_comes_twice(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    say(pair, bob, "before")
    keep(ann, NOTHING)
    assert kept(ann) == []
    assert [there.head.keep_for for there in ann.journal.disk.kept()] == [KeepFor(NOTHING, int(ann.now))]  # at once
    say(pair, bob, "after")
    say(pair, ann, "and I")
    pass_time(ann, HEAD_INTERVAL)
    assert texts(chat_of(ann)) == ["before", "after", "and I"]  # as long as pychat is open
    assert kept(ann) == []
    for word in ("before", "after", "and I"):
        assert all(word.encode() not in head for _, head in ann.journal.disk.heads.values())
    part(pair)
    again = begin("ann", ann.journal.disk, ann.now)
    pair = meet(again, bob)
    assert texts(chat_of(again)) == []
    say(pair, bob, "welcome")
    assert texts(chat_of(again)) == ["welcome"]
    assert texts(chat_of(bob)) == ["before", "after", "and I", "welcome"]


def test_it_is_not_looked_at_more_often_than_something_goes(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    keep(ann, int(DAY))
    for _ in range(5):
        say(pair, ann, "hello")
        part(pair)
        ann.write(chat_of(ann), "this has not arrived")
        looks = [*of(effects.ReadJournal, ann.wait(DAY + 1)), *of(effects.ReadJournal, ann.wait(5 * DAY))]
        assert 1 <= len(looks) + len(ann.journal.work) <= 12
        rest(pair)
        bob = begin("bob", bob.journal.disk, ann.now)
        pair = meet(ann, bob)
        say(pair, bob, "now it has")


def test_from_when_something_is_kept_again_it_is(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    keep(ann, NOTHING)
    say(pair, bob, "unkept")
    keep(ann, FOREVER)
    say(pair, bob, "kept")
    assert kept(ann) == ["kept"]


def test_nothing_is_acknowledged_late_where_nothing_is_kept(ann: Device, bob: Device) -> None:
    """Else the peer would wait for a journal that never writes."""
    pair = meet(ann, bob)
    keep(ann, NOTHING, for_all=True)
    say(pair, bob, "one")
    assert pair.bob_chat.undelivered == 0
    stranger = begin("eve", Disk(), ann.now)
    pair = meet(stranger, ann)
    say(pair, stranger, "two")
    assert chat_of(stranger).undelivered == 0


def test_a_choice_for_one_conversation_counts_before_that_for_all(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "monday")
    keep(ann, FOREVER)
    keep(ann, int(DAY), for_all=True)
    pass_time(ann, 2 * DAY)
    assert kept(ann) == ["monday"]
    keep(ann, None)  # as all
    pass_time(ann, 2)
    assert kept(ann) == []


def test_a_program_begins_with_what_was_chosen_for_all(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "monday")
    pass_time(ann, HEAD_INTERVAL)
    part(pair)
    again = Device(ann.keys, Random("again"), ann.journal.disk, set(), ann.now + 2 * DAY, keep_for=int(DAY))
    again.do()
    again.journal_steps()
    assert kept(again) == []


def test_of_two_programs_at_once_the_last_choice_counts(ann: Device, bob: Device) -> None:
    pair = meet(ann, bob)
    say(pair, ann, "hello")
    beside = begin("ann", ann.journal.disk, ann.now)
    ann.wait(60)
    keep(ann, int(DAY))
    beside.write(chat_of(beside), "one", "two")  # its head has more messages
    beside.journal_steps()
    heads = [head.head for head in ann.journal.disk.kept()]
    assert join(heads).keep_for == KeepFor(int(DAY), int(ann.now))


def test_where_there_is_no_journal_nothing_is_chosen() -> None:
    ann, bob = person("ann"), begin("bob", Disk())
    pair = meet(bob, ann)
    assert not of(effects.WriteJournal, ann.do(events.SetKeepFor(pair.bob_chat.id, 60)))
    ann.wait(DAY)
    rest(pair)
