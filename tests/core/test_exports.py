"""A conversation as a whole: from the journal and from memory, each message once, in order."""

from __future__ import annotations

import pytest

from pychat.core import effects, events
from pychat.core.chat.records import NOTHING
from pychat.core.services import exports
from tests.core.disk import Disk
from tests.core.people import texts
from tests.core.test_history import begin, chat_of, meet, part, read_all, say
from tests.history_sim import Device

SAID = [f"text {number}" for number in range(20)]


@pytest.fixture
def ann(monkeypatch: pytest.MonkeyPatch) -> Device:
    """Ann, who has talked to Bob, and begins again; it is read in parts."""
    monkeypatch.setattr(exports, "SEGMENTS_AT_ONCE", 3)
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    for number, text in enumerate(SAID):
        say(pair, (ann, bob)[number % 2], text)
    part(pair)
    return begin("ann", ann.journal.disk, ann.now)


def export(device: Device) -> list[str]:
    device.do(events.Export(chat_of(device).id))
    device.journal_steps()
    assert device.node.exports.ready == chat_of(device).id
    return [message.entry.text for _, message in device.node.exports.messages]


def test_all_that_is_kept_is_in_it(ann: Device) -> None:
    assert export(ann) == SAID
    assert [is_own for is_own, _ in ann.node.exports.messages] == [True, False] * 10
    assert texts(chat_of(ann)) == []  # nothing of it stays in memory for that
    ann.do(events.Export(None))
    assert not ann.node.exports.messages
    assert ann.node.exports.ready is None


def test_so_is_what_is_only_in_memory_and_nothing_twice(ann: Device) -> None:
    read_all(ann)
    ann.do(events.WriteMessage(chat_of(ann).id, "not written yet"))
    ann.journal.work.clear()
    assert export(ann) == [*SAID, "not written yet"]


def test_where_nothing_is_kept_it_is_what_is_here(ann: Device) -> None:
    ann.do(events.SetKeepFor(None, NOTHING))
    ann.do(events.WriteMessage(chat_of(ann).id, "only here"))
    assert export(ann)[-1:] == ["only here"]


def test_what_is_damaged_is_counted(ann: Device) -> None:
    position, chat, _ = ann.journal.disk.segments[5]
    ann.journal.disk.segments[5] = position, chat, b""
    assert export(ann) == [*SAID[:5], *SAID[6:]]
    assert ann.node.exports.damaged == 1


def test_what_cannot_be_read_is_said(ann: Device) -> None:
    ann.do(events.Export(chat_of(ann).id))
    ann.journal_steps(2)
    ann.journal.problem, ann.journal.fails = "the disk is broken", (effects.ReadJournal,)
    ann.journal_steps()
    assert ann.node.exports.problem == "the disk is broken"
    assert [message.entry.text for _, message in ann.node.exports.messages] == SAID[-6:]


def test_another_one_that_is_asked_for_takes_its_place(ann: Device) -> None:
    ann.do(events.Export(chat_of(ann).id))
    ann.do(events.Export("nobody"))
    ann.journal_steps()
    assert ann.node.exports.ready is None
    assert export(ann) == SAID
