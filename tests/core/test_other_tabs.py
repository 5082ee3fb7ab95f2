"""Several tabs of one person: each shows what another has kept, and one sends for all."""

from __future__ import annotations

from random import Random

import pytest

from pychat.core import events
from pychat.core.chat.records import NOTHING, KeepFor
from pychat.core.link import RENAME_BURST
from pychat.core.services.history import HEAD_INTERVAL
from tests.core.disk import Disk
from tests.core.people import Pair, texts
from tests.core.test_history import begin, chat_of, meet, part, read_all, rest, say
from tests.history_sim import Device

_random = Random("tabs")


def tab(like: Device) -> Device:
    """Another tab of the same person."""
    return Device(like.keys, _random, like.journal.disk, set(), like.now, tabs=True)


def tell(one: Device, other: Device) -> None:
    """What one tab has kept, another hears."""
    one.journal_steps()
    told, one.told = one.told, []
    other.do(*told)
    other.journal_steps()


@pytest.fixture
def tabs() -> tuple[Device, Device, Pair]:
    """Two tabs of Ann, of which the first is connected to Bob, and what was said."""
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = meet(ann, bob)
    say(pair, bob, "hello")
    part(pair)
    first = tab(ann)
    pair = meet(first, begin("bob", bob.journal.disk))
    return first, tab(ann), pair


def test_what_comes_in_one_tab_is_in_the_other(tabs: tuple[Device, Device, Pair]) -> None:
    first, second, pair = tabs
    say(pair, pair.bob, "one")
    say(pair, first, "two")
    tell(first, second)
    assert texts(chat_of(second)) == ["one", "two"]
    assert texts(read_all(second)) == ["hello", "one", "two"]
    assert len(second.journal.disk.parts(chat_of(second).id)) == 3  # nothing is written twice


def test_what_is_written_in_one_tab_goes_out_by_the_one_that_is_connected(tabs: tuple[Device, Device, Pair]) -> None:
    first, second, pair = tabs
    for number in range(3):
        second.write(chat_of(second), f"second {number}")
        tell(second, first)
        rest(pair)
        say(pair, first, f"first {number}")
        tell(first, second)
        assert pair.bob_chat.undelivered == chat_of(first).undelivered == 0
    said = [f"{which} {number}" for number in range(3) for which in ("second", "first")]
    assert texts(pair.bob_chat)[-6:] == said
    first.wait(HEAD_INTERVAL)
    tell(first, second)
    assert chat_of(second).undelivered == 0
    assert pair.ann_link.is_live


def test_it_waits_for_what_the_connected_one_is_sending(tabs: tuple[Device, Device, Pair]) -> None:
    first, second, pair = tabs
    first.write(chat_of(first), *(f"first {number}" for number in range(50)))
    second.write(chat_of(second), "second")
    tell(second, first)
    first.write(chat_of(first), "the last")
    rest(pair)
    assert sorted(texts(pair.bob_chat)) == sorted(["second", "the last", *(f"first {number}" for number in range(50))])
    assert chat_of(first).undelivered == 0


def test_somebody_new_is_there_in_the_other_tab_as_well(tabs: tuple[Device, Device, Pair]) -> None:
    first, second, _ = tabs
    eve = begin("eve", Disk(), first.now)
    pair = meet(first, eve)
    say(pair, eve, "I am Eve")
    tell(first, second)
    there = [chat for chat in second.node.chats.conversations() if chat.peer == eve.keys.public]
    assert [chat.last.text for chat in there if chat.last is not None] == ["I am Eve"]


def test_how_long_it_is_kept_is_the_same_in_all(tabs: tuple[Device, Device, Pair]) -> None:
    first, second, pair = tabs
    read_all(second)
    second.do(events.SetKeepFor(chat_of(second).id, NOTHING))
    tell(second, first)
    assert chat_of(first).keep_for == KeepFor(NOTHING, int(second.now))
    say(pair, pair.bob, "unkept")
    assert pair.bob_chat.undelivered == 0
    assert not first.journal.disk.parts(chat_of(first).id)


def test_what_is_read_in_one_is_read_in_the_other(tabs: tuple[Device, Device, Pair]) -> None:
    first, second, pair = tabs
    say(pair, pair.bob, "one")
    tell(first, second)
    assert chat_of(second).read < len(chat_of(second).timeline)
    first.do(events.ShowConversation(chat_of(first).id))
    tell(first, second)
    assert chat_of(second).read == len(chat_of(second).timeline)


def test_what_is_deleted_in_one_is_gone_in_the_other(tabs: tuple[Device, Device, Pair]) -> None:
    first, second, pair = tabs
    say(pair, pair.bob, "one")
    tell(first, second)
    part(pair)
    tell(first, second)
    second.do(events.RemoveConversation(chat_of(second).id))
    tell(second, first)
    assert not first.node.chats.conversations()
    assert not second.journal.disk.segments


def test_who_is_talked_to_in_one_tab_stays_there_when_it_is_deleted_in_another(
    tabs: tuple[Device, Device, Pair],
) -> None:
    first, second, pair = tabs
    second.do(events.RemoveConversation(chat_of(second).id))
    tell(second, first)
    assert pair.ann_link.is_live
    say(pair, pair.bob, "are you there?")
    assert texts(chat_of(first))[-1:] == ["are you there?"]


@pytest.mark.parametrize("head", [b"", b"[]", b"[99]", b'{"a": 1}', b"\xff"])
def test_what_another_version_tells_is_ignored(tabs: tuple[Device, Device, Pair], head: bytes) -> None:
    first, _, pair = tabs
    first.do(events.KeptByTab(head, None))
    first.do(events.KeptByTab(head, b"[]"))
    assert pair.ann_link.is_live


@pytest.mark.slow
def test_to_write_in_both_tabs_in_turn_ends_no_link_however_long(tabs: tuple[Device, Device, Pair]) -> None:
    """Each time the log is introduced again, twice."""
    first, second, pair = tabs
    for number in range(2 * RENAME_BURST):
        second.write(chat_of(second), f"second {number}")
        tell(second, first)
        rest(pair)
    assert pair.ann_link.is_live
    assert len(texts(pair.bob_chat)) == 2 * RENAME_BURST
