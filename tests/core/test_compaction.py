"""Small segments become one, and nothing else changes by that."""

from __future__ import annotations

from random import Random

import pytest

from pychat.core import effects, events
from pychat.core.chat.records import NOTHING, read_segment
from pychat.core.services import compaction
from tests.core.disk import Disk
from tests.core.people import of, texts
from tests.core.test_history import begin, chat_of, meet, part, read_all, say
from tests.history_sim import Device

SAID = [f"text {number}" for number in range(compaction.FEWEST * 3)]


@pytest.fixture
def ann() -> Device:
    """Ann, who has said something to Bob, of which each message is a segment; she begins again."""
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    for number, text in enumerate(SAID):
        say(pair, (ann, bob)[number % 2], text)
    part(pair)
    assert len(ann.journal.disk.segments) == len(SAID)
    return begin("ann", ann.journal.disk, ann.now)


@pytest.mark.slow
def test_many_that_are_small_become_one_when_they_are_read(ann: Device) -> None:
    before = ann.journal.disk.parts(chat_of(ann).id)
    assert texts(read_all(ann)) == SAID
    ann.journal_steps()
    assert len(ann.journal.disk.segments) <= 2
    assert [part for part in ann.journal.disk.parts(chat_of(ann).id) if part.entries] == before
    again = begin("ann", ann.journal.disk, ann.now)
    assert texts(read_all(again)) == SAID
    again.journal_steps()
    assert len(ann.journal.disk.segments) <= 2


@pytest.mark.slow
def test_who_is_in_the_middle_of_reading_reads_on(ann: Device) -> None:
    beside = begin("ann", ann.journal.disk, ann.now)
    conversation = chat_of(beside)
    beside.do(events.ShowConversation(conversation.id))
    beside.journal_steps(1)
    assert 0 < conversation.timeline.start < len(SAID)
    read_all(ann)
    ann.journal_steps()
    assert len(ann.journal.disk.segments) <= 2
    assert texts(read_all(beside)) == SAID


@pytest.mark.slow
def test_entries_of_one_author_that_follow_each_other_are_one_part() -> None:
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    for text in SAID:
        say(pair, ann, text)
    part(pair)
    ann = begin("ann", ann.journal.disk, ann.now)
    assert texts(read_all(ann)) == SAID
    ann.journal_steps()
    assert max(len(part.entries) for part in ann.journal.disk.parts(chat_of(ann).id)) > compaction.FEWEST


def test_few_stay_as_they_are() -> None:
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    for text in SAID[: compaction.FEWEST - 1]:
        say(pair, ann, text)
    part(pair)
    ann = begin("ann", ann.journal.disk, ann.now)
    read_all(ann)
    ann.journal_steps()
    assert len(ann.journal.disk.segments) == compaction.FEWEST - 1


@pytest.mark.slow
def test_what_is_large_stays_as_it_is(ann: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    size = sum(len(data) for _, _, data in ann.journal.disk.segments)
    monkeypatch.setattr(compaction, "SEGMENT_BYTES", size // len(SAID) * (compaction.FEWEST - 2))
    assert texts(read_all(ann)) == SAID
    assert not ann.journal.work
    assert len(ann.journal.disk.segments) == len(SAID)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [86_400, NOTHING])
def test_where_something_is_to_go_it_goes_by_segments(seconds: int, ann: Device) -> None:
    chat_of(ann).keep_for = None
    again = Device(ann.keys, Random("again"), ann.journal.disk, set(), ann.now, keep_for=seconds)
    again.do(events.ShowConversation(chat_of(again).id))
    again.journal_steps(1)
    assert not of(effects.MergeInJournal, [*again.journal.work])


def test_what_is_damaged_stays_where_it_is(ann: Device) -> None:
    segments = ann.journal.disk.segments
    position, chat, _ = segments[50]
    segments[50] = position, chat, b""
    read_all(ann)
    ann.journal_steps()
    assert (position, chat, b"") in ann.journal.disk.segments
    readable = [read_segment(data) for _, _, data in ann.journal.disk.segments if data]
    said = [entry.text for segment in readable for part in segment.parts for entry in part.entries]
    assert said == [*SAID[:50], *SAID[51:]]
