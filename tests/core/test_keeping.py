"""What is kept of conversations that go on for years, and of people who come back again and again."""

from random import Random

import pytest

from pychat.core import events, wire
from pychat.core import log as log_module
from pychat.core.chat import chats as chats_module
from pychat.core.chat import conversation as conversation_module
from pychat.core.errors import MessageProblem
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.log import Entry
from pychat.core.services import messaging as messaging_module
from pychat.core.sync import ACKNOWLEDGE_INTERVAL, Incoming
from tests.core.people import Pair, Person, connect, person, texts

KIB = 1024
LONG = "x" * 1_000
MODULES = (conversation_module, messaging_module)


@pytest.fixture
def ann() -> Person:
    return person("ann")


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation may hold 40 KiB, all together 100."""
    sizes = {"CONVERSATION_MOST": 40, "ALL_MOST": 100, "UNACKNOWLEDGED_MOST": 20, "STEP": 4, "MARGIN": 10}
    for module in MODULES:
        for name, size in sizes.items():
            monkeypatch.setattr(module, name, size * KIB, raising=module is conversation_module)


def say(pair: Pair, who: Person, *said: str) -> None:
    who.write(pair.ann_chat if who is pair.ann else pair.bob_chat, *said)
    pair.carry()


def incoming(link: Link) -> Incoming:
    assert link.authenticated is not None
    return link.authenticated.incoming


def visit(ann: Person, *said: str) -> Pair:
    """Bob starts his program, comes to Ann, says something and is gone."""
    pair = connect(ann, person("bob"))
    say(pair, pair.bob, *said)
    pair.kill()
    return pair


# Coming back.


@pytest.mark.slow
def test_somebody_comes_back_time_and_again_without_a_word_and_leaves_nothing(ann: Person) -> None:
    conversation = visit(ann).ann_chat
    of_one = conversation.memory.held
    for _ in range(60):
        visit(ann)

    assert ann.chats == [conversation]
    assert conversation.memory.held == of_one


@pytest.mark.slow
def test_somebody_comes_back_time_and_again_and_says_something_each_time(ann: Person) -> None:
    for number in range(60):
        pair = visit(ann, f"visit {number}")

    assert texts(pair.ann_chat) == [f"visit {number}" for number in range(60)]


@pytest.mark.slow
@pytest.mark.usefixtures("little")
def test_whoever_goes_on_with_a_log_of_long_ago_is_not_heard_twice(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MAX_COUNTS", 3)
    old = connect(ann, person("bob"))
    say(old, old.bob, "one", "two")
    say(old, ann, "answer")
    old.kill()
    for number in range(60):
        chat = visit(ann, f"visit {number} {LONG}").ann_chat
    assert chat.logs.has_lost_counts
    assert chat.logs.log(old.bob_chat.own_log) is None
    assert "one" not in texts(chat)
    old.bob.write(old.bob_chat, "three")
    again = connect(ann, old.bob)

    assert "one" not in texts(chat)
    assert texts(chat)[-1] == "three"
    assert again.bob_chat.undelivered == 0
    say(again, again.bob, "four")
    say(again, ann, "another answer")
    assert texts(chat)[-3:] == ["three", "four", "another answer"]
    assert texts(again.bob_chat) == ["one", "two", "answer", "three", "four", "another answer"]


@pytest.mark.slow
@pytest.mark.usefixtures("little")
def test_whoever_is_new_is_heard_from_the_first_word_though_counts_were_lost(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MAX_COUNTS", 3)
    for number in range(60):
        chat = visit(ann, f"visit {number} {LONG}").ann_chat
    assert chat.logs.has_lost_counts
    pair = visit(ann, "new one", "new two")

    assert texts(chat)[-2:] == ["new one", "new two"]
    assert pair.bob_chat.undelivered == 0


def test_of_a_conversation_that_was_put_away_nothing_is_heard_twice_though_not_all_is_remembered(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats_module, "REMEMBERED_LOGS", 2)
    old = connect(ann, person("bob"))
    say(old, old.bob, "one")
    old.kill()
    for number in range(4):
        chat = visit(ann, f"visit {number}").ann_chat
    ann.do(events.RemoveConversation(chat.id))
    old.bob.write(old.bob_chat, "two")

    assert texts(connect(ann, old.bob).ann_chat) == ["two"]


def test_nothing_is_heard_twice_of_somebody_of_whom_nothing_is_remembered(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats_module, "REMEMBERED_PEOPLE", 2)
    pairs = []
    for name in ("bob", "cat", "dan"):
        pair = connect(ann, person(name))
        say(pair, pair.bob, "one")
        pair.kill()
        ann.do(events.RemoveConversation(pair.ann_chat.id))
        pairs.append(pair)
    for pair in pairs:
        pair.bob.write(pair.bob_chat, "two")

        assert texts(connect(ann, pair.bob).ann_chat) == ["two"]


@pytest.mark.slow
@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("seed", range(3))
def test_in_a_thousand_visits_of_new_and_old_programs_everything_is_heard_once_and_in_order(
    ann: Person, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(log_module, "MAX_COUNTS", 5)
    random = Random(seed)
    programs = [person("bob")]
    heard: dict[str, list[int]] = {}
    place = 0

    def listen(pair: Pair) -> None:
        nonlocal place
        timeline = pair.ann_chat.timeline
        assert timeline.start <= place, "gone before anybody saw it"
        for message in timeline[place:]:
            heard.setdefault(message.author, []).append(message.number)
        place = len(timeline)

    for _ in range(1_000):
        if random.random() < 0.5:
            programs = [*programs[-20:], person("bob")]
        pair = connect(ann, random.choice(programs))
        listen(pair)
        for _ in range(random.choice((0, 0, 1, 3))):
            pair.bob.write(pair.bob_chat, LONG)
            ann.write(pair.ann_chat, LONG)
        if random.random() < 0.8:
            pair.carry()
        listen(pair)
        assert heard.get(pair.bob_chat.own_log, [0])[-1] >= pair.bob_chat.acknowledged
        pair.kill()
        assert pair.ann_link.close_reason is CloseReason.CHANNEL_CLOSED
    for program in programs:
        pair = connect(ann, program)
        listen(pair)
        assert pair.bob_chat.undelivered == pair.ann_chat.undelivered == 0
    for numbers in heard.values():
        assert numbers == list(range(1, len(numbers) + 1))


# Talking for years.


@pytest.mark.slow
@pytest.mark.usefixtures("little")
def test_two_talk_on_and_on_and_each_hears_everything_once(ann: Person) -> None:
    pair = connect(ann, person("bob"))
    heard: dict[str, list[str]] = {"ann": [], "bob": []}
    for number in range(200):
        say(pair, ann, f"ann {number} {LONG}")
        say(pair, pair.bob, f"bob {number} {LONG}")
        heard["bob"] += [texts(pair.bob_chat)[-2]]
        heard["ann"] += [texts(pair.ann_chat)[-1]]

    assert {name: len(set(said)) for name, said in heard.items()} == {"ann": 200, "bob": 200}
    for chat in (pair.ann_chat, pair.bob_chat):
        assert chat.memory.held <= 40 * KIB
        assert len(chat.timeline) == 400
        assert chat.undelivered == 0


@pytest.mark.usefixtures("little")
def test_whoever_has_lost_everything_gets_what_is_still_kept(ann: Person) -> None:
    pair = connect(ann, person("bob"))
    for number in range(100):
        say(pair, ann, f"ann {number} {LONG}")
    pair.kill()
    kept = texts(pair.ann_chat)
    assert 10 < len(kept) < 40
    again = connect(ann, person("bob"))

    assert texts(again.bob_chat) == kept
    say(again, ann, "the last")
    assert again.bob_chat.timeline[-1].number == 101


@pytest.mark.usefixtures("little")
def test_what_is_not_acknowledged_is_kept_and_arrives_however_much_comes(ann: Person) -> None:
    pair = connect(ann, person("bob"))
    for number in range(100):
        say(pair, ann, f"{number} {LONG}")
    pair.kill()
    ann_chat = pair.ann_chat
    waiting: list[str] = []
    while ann_chat.validate(LONG) is None:
        waiting.append(f"waiting {len(waiting)} {LONG}")
        ann.write(ann_chat, waiting[-1])
    assert ann_chat.validate("") is MessageProblem.EMPTY
    assert ann_chat.validate("x") is MessageProblem.FULL
    again = connect(ann, pair.bob, ann_chat.id)

    assert texts(again.bob_chat)[-len(waiting) :] == waiting
    assert ann_chat.validate("x") is None


@pytest.mark.usefixtures("little")
def test_whoever_sends_and_sends_and_acknowledges_nothing_ends_its_own_link(ann: Person) -> None:
    with_cat, pair = connect(ann, person("cat")), connect(ann, person("bob"))
    ann.write(pair.ann_chat, "hello")
    for number in range(1, 1_000):
        ann.hears(pair.ann_link, wire.Entries(pair.bob_chat.own_log, number, [Entry(1, LONG)]))

    assert pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL
    assert pair.ann_chat.memory.held < 55 * KIB
    assert with_cat.ann_link.phase is LinkPhase.OPEN
    again = connect(ann, person("bob"))
    assert texts(again.bob_chat) == ["hello"]


# Whoever answers a crowd.


def test_of_very_many_conversations_the_one_that_ended_first_goes(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messaging_module, "MAX_CHATS", 3)
    shown = connect(ann, person("bob"))
    ann.do(events.ShowConversation(shown.ann_chat.id))
    shown.kill()
    waits = connect(ann, person("cat"))
    waits.kill()
    ann.write(waits.ann_chat, "are you still there?")
    for name in ("dan", "eve", "fay", "gus"):
        pair = connect(ann, person(name))
        say(pair, pair.bob, "hello")
        say(pair, ann, "hello")
        pair.kill()
        ann.wait(60)

    assert ann.chats == [shown.ann_chat, waits.ann_chat, pair.ann_chat]
    assert len(ann.links) <= 3
    again = connect(ann, waits.bob, waits.ann_chat.id)
    assert texts(again.bob_chat) == ["are you still there?"]


# Whoever takes the messages one by one.


@pytest.mark.usefixtures("little")
def test_whoever_is_slow_to_take_messages_slows_the_other_down_and_misses_none(ann: Person) -> None:
    pair = connect(ann, person("bob"))
    pair.ann_chat.read_to = 0
    say(pair, pair.bob, *(f"{number} {LONG}" for number in range(37)))
    assert incoming(pair.ann_link).is_withheld
    assert pair.bob_chat.undelivered > 0
    ann.hears(pair.ann_link, wire.Entries(pair.bob_chat.own_log, 38, [Entry(1, "one more")]))
    assert ann.says() == []
    assert (due := ann.node.next_deadline()) is None or due > ann.now
    ann.wait(60 * ACKNOWLEDGE_INTERVAL)
    assert ann.says() == []

    assert texts(pair.ann_chat) == [*(f"{number} {LONG}" for number in range(37)), "one more"]
    pair.ann_chat.read_to = 20
    ann.do()
    assert ann.says() == [wire.Have({pair.bob_chat.own_log: 38})]


@pytest.mark.usefixtures("little")
def test_two_that_are_both_full_say_what_they_have_when_they_meet_again(ann: Person) -> None:
    """Else each waited for the other to make room, and neither knew from where on to send."""
    pair = connect(ann, person("bob"))
    pair.ann_chat.read_to = pair.bob_chat.read_to = 0
    for who, count in ((ann, 17), (pair.bob, 17), (ann, 6), (pair.bob, 1)):
        say(pair, who, *(f"{number} {LONG}" for number in range(count)))
    assert incoming(pair.ann_link).is_withheld
    assert incoming(pair.bob_link).is_withheld
    pair.kill()
    again = connect(ann, pair.bob, pair.ann_chat.id)
    assert again.ann_chat.undelivered == again.bob_chat.undelivered == 0

    say(again, ann, "one more")
    assert incoming(again.bob_link).is_withheld
    again.bob_chat.read_to = again.bob_chat.timeline.start + len(again.bob_chat.timeline)
    again.bob.do()
    again.carry()
    assert again.ann_chat.undelivered == 0


# All together.


@pytest.mark.slow
@pytest.mark.usefixtures("little")
def test_where_all_hold_too_much_those_who_hold_most_give(ann: Person) -> None:
    pairs = [connect(ann, person(name)) for name in ("bob", "cat", "dan", "eve")]
    say(pairs[0], ann, *(f"{number} {LONG}" for number in range(5)))
    for pair in pairs[1:]:
        for number in range(60):
            say(pair, pair.bob, f"{number} {LONG}")

    held = [pair.ann_chat.memory.held for pair in pairs]
    assert sum(held) <= 100 * KIB
    assert len(texts(pairs[0].ann_chat)) == 5
    assert min(held[1:]) > 20 * KIB


@pytest.mark.usefixtures("little")
def test_what_was_not_acknowledged_for_want_of_room_is_once_others_have_given_some(ann: Person) -> None:
    """A turn that made room at its end left it at that, and the peer waited for ever."""
    pairs = [connect(ann, person(name)) for name in ("bob", "cat", "dan")]
    for pair in pairs[:2]:
        for number in range(34):
            say(pair, pair.bob, f"{number} {LONG}")
    last = pairs[2]
    for number in range(60):
        say(last, last.bob, f"{number} {LONG}")
        assert last.bob_chat.undelivered == 0


def test_what_was_put_away_is_not_held(ann: Person) -> None:
    pair = connect(ann, person("bob"))
    say(pair, ann, LONG)
    pair.kill()
    ann.do(events.RemoveConversation(pair.ann_chat.id))

    assert ann.node.chats.memory.held == 0
