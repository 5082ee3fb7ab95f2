"""Typing, away, and read: told to whom the person talks with, shown while it lasts, and never more than that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pychat.core import events, wire
from pychat.core.bucket import Bucket
from pychat.core.chat.conversation import Conversation
from pychat.core.identity.contacts import Contacts
from pychat.core.link import CloseReason, LinkPhase
from pychat.core.services import presence
from pychat.ui.messages import Messages
from pychat.ui.view import View, view
from tests.core.disk import Disk
from tests.core.people import Pair, Person, connect, heeded, person
from tests.core.test_arrivals import leave
from tests.core.test_history import begin, chat_of, meet, part, read_all, rest, say
from tests.core.test_rooms import home_of, note, together

ALL = events.SetPresenceSharing(typing=True, away=True, read=True)
NONE = events.SetPresenceSharing(typing=False, away=False, read=False)


@pytest.fixture
def pair() -> Pair:
    """Ann and Bob are connected, share all, and look at their conversation."""
    return in_sight(connect(person("ann"), person("bob")))


def in_sight(pair: Pair) -> Pair:
    """Both share all, and look at their conversation."""
    for someone, conversation in ((pair.ann, pair.ann_chat), (pair.bob, pair.bob_chat)):
        someone.do(ALL)
        look(someone, conversation)
    pair.carry()
    return pair


def look(someone: Person, conversation: Conversation) -> None:
    someone.do(events.ShowConversation(conversation.id), events.SetFocus(True))


def types(pair: Pair, is_typing: bool = True) -> None:
    pair.ann.do(events.NoteTyping(pair.ann_chat.id, is_typing))
    pair.carry()


def seen_by_bob(pair: Pair) -> View:
    return view(pair.bob.node, pair.bob_chat.id)


def told(someone: Person) -> list[wire.Frame]:
    """What was said of a person, and not carried over yet."""
    return [frame for frame in someone.says() if isinstance(frame, wire.Presence | wire.Read)]


def read_marks(conversation: Conversation) -> list[bool]:
    """Of each message of one's own whether it counts as read."""
    messages = Messages(conversation)
    return [messages.is_read(message) for message in messages if message.is_own]


def wait(pair: Pair, seconds: float) -> None:
    for someone in (pair.ann, pair.bob):
        someone.wait(seconds)
    pair.carry()


# Typing.


def test_it_is_shown_that_somebody_types_until_they_stop(pair: Pair) -> None:
    types(pair)
    assert seen_by_bob(pair).peer_is_typing
    types(pair, is_typing=False)
    assert not seen_by_bob(pair).peer_is_typing


def test_who_pauses_types_no_more(pair: Pair) -> None:
    types(pair)
    wait(pair, presence.TYPING_PAUSE + 0.1)
    assert not seen_by_bob(pair).peer_is_typing


def test_who_goes_on_typing_is_shown_to_do_so(pair: Pair) -> None:
    for _ in range(30):
        types(pair)
        wait(pair, 2.0)
        assert seen_by_bob(pair).peer_is_typing


def test_each_key_is_not_told(pair: Pair) -> None:
    for _ in range(100):
        pair.ann.wait(0.1)
        pair.ann.do(events.NoteTyping(pair.ann_chat.id))
    assert len(told(pair.ann)) <= 10 / presence.TYPING_INTERVAL + 1


def test_typing_ends_when_the_message_comes(pair: Pair) -> None:
    types(pair)
    pair.ann.write(pair.ann_chat, "hello")
    pair.carry()
    assert not seen_by_bob(pair).peer_is_typing


def test_a_message_ends_it_also_where_the_peer_does_not_say_so(pair: Pair) -> None:
    pair.bob.hears(pair.bob_link, wire.Presence(wire.TYPING))
    log = pair.ann.log_of(pair.ann_link)
    pair.bob.hears(pair.bob_link, f'["entries","{log}",1,[[5,"hello"]]]')
    assert not seen_by_bob(pair).peer_is_typing


def test_typing_that_is_not_repeated_is_shown_for_some_seconds_only(pair: Pair) -> None:
    pair.bob.hears(pair.bob_link, wire.Presence(wire.TYPING))
    pair.bob.wait(presence.TYPING_SHOWN - 0.1)
    assert seen_by_bob(pair).peer_is_typing
    pair.bob.wait(0.2)
    assert not seen_by_bob(pair).peer_is_typing


def test_with_the_path_it_is_lost_who_types(pair: Pair) -> None:
    types(pair)
    pair.break_path()
    assert not seen_by_bob(pair).peer_is_typing
    pair.bob.do(events.IceStateChanged(pair.bob_link.id, events.IceState.CONNECTED))
    assert not seen_by_bob(pair).peer_is_typing


def test_only_the_one_who_is_written_to_is_told(pair: Pair) -> None:
    cat = in_sight(connect(pair.ann, person("cat")))
    pair.ann.do(events.NoteTyping(cat.ann_chat.id))
    for both in (pair, cat):
        both.carry()
    assert (seen_by_bob(pair).peer_is_typing, seen_by_bob(cat).peer_is_typing) == (False, True)
    types(pair)
    cat.carry()
    assert (seen_by_bob(pair).peer_is_typing, seen_by_bob(cat).peer_is_typing) == (True, False)


# Away.


def test_who_does_nothing_for_minutes_is_away_and_back_at_once(pair: Pair) -> None:
    wait(pair, presence.IDLE_AFTER + 1)
    assert seen_by_bob(pair).peer_is_away
    pair.ann.do(events.NoteActivity())
    pair.carry()
    assert not seen_by_bob(pair).peer_is_away


def test_who_does_something_now_and_then_is_there(pair: Pair) -> None:
    for _ in range(20):
        wait(pair, presence.IDLE_AFTER - 10)
        pair.ann.do(events.NoteActivity())
        pair.carry()
        assert not seen_by_bob(pair).peer_is_away


def test_who_looks_at_something_else_is_away_after_a_minute(pair: Pair) -> None:
    pair.ann.do(events.LookAway(True))
    wait(pair, presence.HIDDEN_AFTER - 5)
    assert not seen_by_bob(pair).peer_is_away
    wait(pair, 10)
    assert seen_by_bob(pair).peer_is_away
    pair.ann.do(events.LookAway(False))
    pair.carry()
    assert not seen_by_bob(pair).peer_is_away


def test_who_types_is_back(pair: Pair) -> None:
    wait(pair, presence.IDLE_AFTER + 1)
    types(pair)
    assert seen_by_bob(pair).peer_is_typing
    wait(pair, presence.TYPING_PAUSE + 1)
    assert not seen_by_bob(pair).peer_is_away


def test_a_program_that_says_nothing_of_its_person_has_nobody_away() -> None:
    pair = connect(person("ann"), person("bob"))
    pair.ann.do(ALL)
    pair.ann.write(pair.ann_chat, "hello")
    pair.carry()
    pair.ann.wait(10 * presence.IDLE_AFTER)
    assert told(pair.ann) == []


def test_without_a_connection_nobody_is_away(pair: Pair) -> None:
    wait(pair, presence.IDLE_AFTER + 1)
    pair.kill()
    assert not seen_by_bob(pair).peer_is_away


def test_who_is_away_when_the_two_are_connected_again_is_told_to_be(pair: Pair) -> None:
    chat = pair.ann_chat
    pair.ann.write(pair.ann_chat, "hello")
    pair.carry()
    pair.kill()
    wait(pair, presence.IDLE_AFTER + 1)
    assert seen_by_bob(connect(pair.ann, pair.bob, chat.id)).peer_is_away


# Read.


def test_what_is_in_sight_counts_as_read(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "one", "two")
    pair.carry()
    assert read_marks(pair.ann_chat) == [True, True]


@pytest.mark.parametrize(
    "elsewhere",
    [events.ShowConversation(None), events.LookAway(True), events.SetFocus(False), events.SetAtEnd(False)],
    ids=["at another conversation", "at another window", "with the focus elsewhere", "at what was said before"],
)
def test_what_comes_while_they_look_elsewhere_is_read_when_they_look(pair: Pair, elsewhere: events.Event) -> None:
    pair.ann.write(pair.ann_chat, "one")
    pair.carry()
    pair.bob.do(elsewhere)
    pair.ann.write(pair.ann_chat, "two")
    wait(pair, 10)
    assert read_marks(pair.ann_chat) == [True, False]
    pair.bob.do(
        events.ShowConversation(pair.bob_chat.id),
        events.LookAway(False),
        events.SetFocus(True),
        events.SetAtEnd(True),
    )
    pair.carry()
    assert read_marks(pair.ann_chat) == [True, True]


def test_what_comes_while_nobody_is_there_is_read_when_they_are_back(pair: Pair) -> None:
    pair.bob.wait(presence.IDLE_AFTER + 1)
    pair.ann.write(pair.ann_chat, "one")
    pair.carry()
    assert read_marks(pair.ann_chat) == [False]
    pair.bob.do(events.NoteActivity())
    pair.carry()
    assert read_marks(pair.ann_chat) == [True]


def test_in_a_burst_few_marks_are_sent_and_the_last_one_arrives(pair: Pair) -> None:
    log, marks = pair.ann.log_of(pair.ann_link), 0
    for number in range(1, 201):
        pair.bob.now += 0.05
        pair.bob.hears(pair.bob_link, f'["entries","{log}",{number},[[5,"text"]]]')
        marks += sum(isinstance(frame, wire.Read) for frame in told(pair.bob))
    assert 1 <= marks <= 10 / presence.READ_INTERVAL + 1
    pair.bob.wait(presence.READ_INTERVAL)
    assert told(pair.bob) == [wire.Read({log: 200})]


def test_what_was_read_without_a_connection_is_told_when_there_is_one(pair: Pair) -> None:
    chat = pair.ann_chat
    pair.bob.do(events.ShowConversation(None))
    pair.ann.write(chat, "one")
    pair.carry()
    conversation = pair.bob_chat
    pair.kill()
    look(pair.bob, conversation)
    assert read_marks(chat) == [False]
    connect(pair.ann, pair.bob, chat.id)
    assert read_marks(chat) == [True]


def test_what_a_former_run_has_read_is_told_again() -> None:
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = in_sight(meet(ann, bob))
    say(pair, ann, "one")
    assert read_marks(chat_of(ann)) == [True]
    part(pair)
    ann, bob = (begin(name, device.journal.disk, device.now) for name, device in (("ann", ann), ("bob", bob)))
    for device in (ann, bob):
        device.do(ALL)
    bob.write(chat_of(bob), "two")
    pair = meet(ann, bob)
    read_all(ann)
    assert read_marks(chat_of(ann)) == [True]


def test_what_no_run_has_shown_is_read_only_when_it_is() -> None:
    ann, bob = begin("ann", Disk()), begin("bob", Disk())
    pair = in_sight(meet(ann, bob))
    say(pair, ann, "one")
    bob.do(events.ShowConversation(None))
    say(pair, ann, "two")
    part(pair)
    bob = begin("bob", bob.journal.disk, bob.now)
    bob.do(ALL)
    bob.write(chat_of(bob), "three")
    pair = meet(ann, bob)
    assert read_marks(chat_of(ann)) == [True, False]
    look(bob, chat_of(bob))
    rest(pair)
    assert read_marks(chat_of(ann)) == [True, True]


# Who is told.


def test_nothing_is_told_where_nobody_has_chosen_to() -> None:
    pair = connect(person("ann"), person("bob"))
    look(pair.ann, pair.ann_chat)
    pair.bob.write(pair.bob_chat, "hello")
    pair.carry()
    pair.ann.do(events.NoteTyping(pair.ann_chat.id))
    pair.ann.wait(2 * presence.IDLE_AFTER)
    assert told(pair.ann) == []


@pytest.mark.parametrize("name", ["typing", "away", "read"])
def test_each_can_be_switched_off_alone(pair: Pair, name: str) -> None:
    pair.ann.do(replace(ALL, **{name: False}))
    pair.bob.write(pair.bob_chat, "hello")
    types(pair)
    said = {"typing": seen_by_bob(pair).peer_is_typing, "read": read_marks(pair.bob_chat) == [True]}
    wait(pair, presence.IDLE_AFTER + 1)
    said["away"] = seen_by_bob(pair).peer_is_away
    assert [switch for switch, is_said in said.items() if not is_said] == [name]


def test_what_is_switched_off_is_taken_back(pair: Pair) -> None:
    wait(pair, presence.IDLE_AFTER + 1)
    pair.ann.do(replace(ALL, away=False))
    pair.carry()
    assert not seen_by_bob(pair).peer_is_away


def test_who_does_not_share_what_they_have_read_does_not_see_it_either(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "one")
    pair.carry()
    pair.ann.do(NONE)
    assert read_marks(pair.ann_chat) == [False]
    pair.ann.write(pair.ann_chat, "two")
    wait(pair, 2 * presence.READ_INTERVAL)
    assert read_marks(pair.ann_chat) == [False, False]


def test_nothing_is_told_while_a_warning_stands() -> None:
    contacts = Contacts(skeleton=str.casefold)
    contacts.meet(bytes(32), "Bob", 0.0)
    pair = connect(person("ann", contacts=contacts), person("bob"))
    assert pair.ann_chat.warning is not None
    look(pair.ann, pair.ann_chat)
    pair.ann.do(ALL)
    pair.bob.write(pair.bob_chat, "hello")
    pair.carry()
    pair.ann.do(events.NoteTyping(pair.ann_chat.id))
    pair.ann.wait(2 * presence.IDLE_AFTER)
    assert told(pair.ann) == []
    pair.ann.do(heeded(pair.ann_chat), events.NoteActivity())
    assert told(pair.ann) == [wire.Read({pair.bob.log_of(pair.bob_link): 1})]


def test_who_was_neither_looked_at_nor_written_to_is_told_nothing() -> None:
    pair = connect(person("ann"), person("bob"))
    pair.ann.do(ALL, events.NoteActivity())
    pair.ann.wait(2 * presence.IDLE_AFTER)
    assert told(pair.ann) == []
    look(pair.ann, pair.ann_chat)
    pair.ann.wait(2 * presence.IDLE_AFTER)
    assert told(pair.ann) == [wire.Presence(wire.AWAY)]


def test_a_stranger_who_comes_by_a_link_is_told_nothing_until_the_person_looks() -> None:
    world = together(0, 3)
    ann, bob, cat = world.guests
    ann.acts(events.ShowConversation(home_of(ann).id))
    note(world, ann, "hello Bob")
    world.live(5)
    leave(bob)
    world.live(5)
    ann.acts(ALL)
    ann.acts(events.SetFocus(True))
    cat.enters()
    world.live(2 * presence.IDLE_AFTER)
    of_ann, of_cat = ann.chat_with(cat), cat.chat_with(ann)
    assert of_ann is not None
    assert of_cat is not None
    assert of_ann.unopened
    assert not view(cat.node, of_cat.id).peer_is_away
    ann.acts(events.NoteActivity())
    ann.acts(events.ShowConversation(of_ann.id))
    world.live(2 * presence.IDLE_AFTER)
    assert view(cat.node, of_cat.id).peer_is_away


# A peer that is hostile, or newer.


def test_states_of_later_versions_are_nothing_in_particular(pair: Pair) -> None:
    types(pair)
    pair.bob.hears(pair.bob_link, '["presence","recording"]')
    assert not seen_by_bob(pair).peer_is_typing
    assert pair.bob_link.phase is LinkPhase.OPEN


def test_a_peer_may_not_claim_to_have_read_what_was_not_sent(pair: Pair) -> None:
    log = pair.ann.log_of(pair.ann_link)
    claim = wire.Read({log: wire.MAX_NUMBER, "another-persons-log": 5})
    pair.ann.hears(pair.ann_link, claim)
    pair.ann.write(pair.ann_chat, "one")
    pair.ann.hears(pair.ann_link, claim)
    assert read_marks(pair.ann_chat) == [False]  # it was sent, and has not arrived
    pair.ann.do(events.ChannelClosed(pair.ann_link.id))
    assert pair.ann_chat.peer_read == {log: 1}


def test_what_was_read_is_not_unread_again(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "one")
    pair.carry()
    pair.ann.hears(pair.ann_link, wire.Read({pair.ann.log_of(pair.ann_link): 0}))
    assert read_marks(pair.ann_chat) == [True]


@pytest.mark.parametrize(
    "frames",
    [
        ('["presence","typing"]',),
        ('["presence","typing"]', '["presence",""]', '["presence","away"]'),
        ('["read",{}]', f'["read",{{"{"x" * 16}":1}}]'),
    ],
    ids=["typing", "everything in turn", "read"],
)
def test_a_flood_of_signals_ends_its_own_link_and_nothing_else(pair: Pair, frames: tuple[str, ...]) -> None:
    cat = in_sight(connect(pair.ann, person("cat")))
    heard = 0
    while pair.ann_link.phase is LinkPhase.OPEN:
        pair.ann.hears(pair.ann_link, frames[heard % len(frames)])
        heard += 1
        assert heard <= presence.HEAR_BURST + 1
        deadline = pair.ann.node.next_deadline()
        assert deadline is None or deadline > pair.ann.now
    assert pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL
    assert cat.ann_link.phase is LinkPhase.OPEN
    assert not view(pair.ann.node, pair.ann_chat.id).peer_is_typing


@pytest.mark.slow
def test_who_types_and_reads_without_a_pause_never_says_too_much(pair: Pair) -> None:
    """As quickly as it can be told; and where two minutes of it come at once."""
    hearing = Bucket(presence.HEAR_BURST, presence.HEAR_INTERVAL)
    later = Bucket(presence.HEAR_BURST, presence.HEAR_INTERVAL)
    chat, log = pair.bob_chat.id, pair.ann.log_of(pair.ann_link)
    for number in range(1, 4_001):
        pair.bob.now += 0.1
        pair.bob.do(
            events.NoteTyping(chat, number % 2 == 0),
            events.FrameReceived(pair.bob_link.id, f'["entries","{log}",{number},[[5,"text"]]]'),
        )
        for _ in told(pair.bob):
            at_once, bunched = pair.bob.now, pair.bob.now // 120 * 120
            assert hearing.ready_at(at_once) <= at_once
            assert later.ready_at(bunched) <= bunched
            hearing.take(at_once)
            later.take(bunched)
