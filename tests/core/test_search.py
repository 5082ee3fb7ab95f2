"""What was said is found by its words, over all conversations, in the journal and in memory."""

from __future__ import annotations

from random import Random

import pytest

from pychat.core import effects, events
from pychat.core.chat.records import FOREVER, NOTHING
from pychat.core.services import history, search
from tests.core.disk import Disk
from tests.core.people import texts
from tests.core.test_history import begin, chat_of, meet, part, say
from tests.history_sim import Device


@pytest.fixture
def ann() -> Device:
    """Ann, who has talked to three people, and begins again."""
    ann = begin("ann", Disk())
    for number in range(3):
        friend = begin(f"friend {number}", Disk(), ann.now)
        pair = meet(ann, friend)
        for count in range(5):
            say(pair, (ann, friend)[count % 2], f"Tea {count} with {number}")
            ann.wait(60)
        part(pair)
    return begin("ann", ann.journal.disk, ann.now)


def look_for(device: Device, words: str) -> list[str]:
    device.do(events.Search(words))
    device.journal_steps()
    assert not device.node.search.is_reading
    return [one.text for one in device.node.search.found]


def test_it_is_found_in_all_conversations_the_newest_first(ann: Device) -> None:
    assert look_for(ann, "tea") == [f"Tea {count} with {number}" for number in (2, 1, 0) for count in (4, 3, 2, 1, 0)]
    assert look_for(ann, "2 TEA") == [
        *(f"Tea {count} with 2" for count in (4, 3, 2, 1, 0)),
        "Tea 2 with 1",
        "Tea 2 with 0",
    ]
    assert look_for(ann, "coffee") == []
    assert look_for(ann, " ") == []


def test_where_it_was_said_is_told(ann: Device) -> None:
    look_for(ann, "3 with 1")
    (one,) = ann.node.search.found
    conversation = ann.node.chats.conversation(one.chat)
    assert conversation is not None
    assert not one.is_own
    ann.do(events.ShowConversation(one.chat))
    ann.journal_steps()
    place = conversation.ordered.place_of((one.rank, one.author, one.number))
    assert place is not None
    assert conversation.ordered[place].entry.text == "Tea 3 with 1"


def test_what_is_read_is_found_while_the_rest_is_being_read(ann: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SEGMENTS_AT_ONCE", 2)
    ann.do(events.Search("tea"))
    seen = []
    while ann.node.search.is_reading:
        ann.journal_steps(1)
        seen.append(len(ann.node.search.found))
    assert seen == sorted(seen)
    assert seen[0] == 2
    assert seen[-1] == 15


def test_one_that_types_on_reads_nothing_twice(ann: Device) -> None:
    look_for(ann, "t")
    ann.do(events.Search("te"))
    assert not ann.journal.work
    assert len(ann.node.search.found) == 15


def test_what_is_said_meanwhile_is_found(ann: Device) -> None:
    look_for(ann, "tea")
    friend = begin("friend 0", Disk(), ann.now)
    pair = meet(ann, friend)
    say(pair, friend, "more tea?")
    ann.write(pair.ann_chat, "no tea")
    assert look_for(ann, "tea")[:2] == ["no tea", "more tea?"]
    say(pair, ann, "or coffee")
    assert look_for(ann, "coffee") == ["or coffee"]
    assert len(look_for(ann, "tea")) == 17


def test_what_is_not_kept_is_found_as_long_as_it_is_here() -> None:
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    ann.do(events.SetKeepFor(None, NOTHING))
    say(pair, ann, "tea")
    assert look_for(ann, "tea") == ["tea"]
    say(pair, bob, "more tea")
    assert look_for(ann, "tea") == ["more tea", "tea"]


def test_what_has_gone_is_not_found() -> None:
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    say(pair, ann, "tea")
    for device in (ann, bob):
        device.wait(100)
    say(pair, bob, "more tea")
    assert look_for(ann, "tea") == ["more tea", "tea"]
    ann.do(events.SetKeepFor(None, 50))
    ann.journal_steps()
    assert look_for(ann, "tea") == ["more tea"]
    part(pair)
    ann.do(events.RemoveConversation(chat_of(ann).id))
    ann.journal_steps()
    assert look_for(ann, "tea") == []


def test_a_conversation_that_begins_anew_has_nothing_of_before() -> None:
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    say(pair, ann, "tea")
    part(pair)
    assert look_for(ann, "tea") == ["tea"]
    ann.do(events.RemoveConversation(chat_of(ann).id))
    ann.journal_steps()
    assert look_for(ann, "tea") == []
    pair = meet(ann, bob)
    say(pair, bob, "coffee")
    assert look_for(ann, "tea") == []
    assert look_for(ann, "coffee") == ["coffee"]


def test_so_many_are_found_at_most(ann: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_FOUND", 4)
    assert look_for(ann, "tea") == ["Tea 4 with 2", "Tea 3 with 2", "Tea 2 with 2", "Tea 1 with 2"]


@pytest.mark.slow
def test_what_is_too_much_to_be_looked_through_is_told(ann: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_CHARS", 80)
    assert look_for(ann, "tea") == [f"Tea {count} with 2" for count in (4, 3, 2, 1, 0)]
    assert ann.node.search.is_cut


def test_what_was_read_goes_a_while_after_the_last_search(ann: Device) -> None:
    look_for(ann, "tea")
    ann.wait(search.KEPT * 3)
    assert len(ann.node.search.found) == 15  # somebody still looks at it
    ann.do(events.Search(""))
    ann.wait(search.KEPT * 2)
    assert not ann.node.search._read
    assert (ann.node.next_deadline() or ann.now + 100) > ann.now + 60
    assert len(look_for(ann, "tea")) == 15


def test_what_cannot_be_read_does_not_end_the_search(ann: Device) -> None:
    position, chat, _ = ann.journal.disk.segments[7]
    ann.journal.disk.segments[7] = position, chat, b""
    assert len(look_for(ann, "tea")) == 14
    again = begin("ann", ann.journal.disk, ann.now)
    again.journal.problem, again.journal.fails = "the disk is broken", (effects.ReadJournal,)
    assert look_for(again, "tea") == []
    again.journal.problem = ""
    assert look_for(again, "tea") == []  # what could not be read is not read again at each letter


def test_one_message_is_shown_though_much_came_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SEGMENTS_AT_ONCE", 4)
    monkeypatch.setattr(history, "MESSAGES_AT_ONCE", 4)
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    say(pair, bob, "the first tea")
    for number in range(60):
        say(pair, ann, f"text {number}")
    part(pair)
    ann = Device(ann.keys, Random("again"), ann.journal.disk, set(), ann.now, keep_for=FOREVER)
    look_for(ann, "tea")
    (one,) = ann.node.search.found
    ann.do(events.ShowConversation(one.chat), events.ShowMessage(one.chat, one.author, one.number))
    ann.journal_steps()
    assert texts(chat_of(ann))[0] == "the first tea"
    ann.do(events.ShowMessage(one.chat, one.author, one.number + 1))  # there is no such one
    ann.journal_steps()
    ann.do(events.ShowMessage("nowhere", one.author, 1))
    assert not ann.journal.work
