"""Who writes decides who reads: what others do leads away from no conversation, and a crowd leaves nothing behind."""

from __future__ import annotations

import pytest

from pychat.core import events
from pychat.core.chat import chats as chats_module
from pychat.core.chat.conversation import Conversation, Introduction
from pychat.core.link import LinkPhase
from pychat.core.services import messaging as n
from pychat.ui import strings
from pychat.ui.view import Card, view
from tests.core.people import compared, exchange, person
from tests.core.test_rooms import LONG, calm, home_of, link_of, note, read, together
from tests.rooms_sim import Guest, RoomsWorld
from tests.sim import Written


def conversation_at(guest: Guest) -> Conversation:
    """The conversation in which the room is shown, once somebody has come."""
    home = home_of(guest)
    assert isinstance(home, Conversation)
    return home


def leave(guest: Guest) -> None:
    guest.acts(events.LeaveConversation(home_of(guest).id))


def visit(world: RoomsWorld, guest: Guest, text: str = "") -> None:
    """Come into the room, say something, and leave."""
    guest.enters()
    world.live(30)
    assert guest.company, "nobody was let in"
    if text:
        note(world, guest, text)
        world.live(5)
    leave(guest)
    world.live(5)


@pytest.fixture
def world() -> RoomsWorld:
    """Ann has talked to Bob, who has left; she looks at that conversation. Cat has the link, too."""
    world = together(0, 3)
    ann, bob, _ = world.guests
    ann.acts(events.ShowConversation(home_of(ann).id))
    note(world, ann, "hello Bob")
    world.live(5)
    leave(bob)
    world.live(5)
    return world


def test_whoever_comes_where_somebody_else_was_has_a_line_of_their_own(world: RoomsWorld) -> None:
    ann, bob, cat = world.guests
    openings = ann.node.chats.openings
    cat.enters()
    world.live(LONG)
    note(world, ann, "for Bob alone")
    world.live(5)

    assert link_of(cat).peer == ann.key
    assert read(cat) == []
    assert conversation_at(ann).peer == bob.key
    assert (ann.node.chats.openings, ann.node.chats.shown) == (openings, home_of(ann).id)
    with_cat = ann.chat_with(cat)
    assert with_cat is not None
    now = view(ann.node, home_of(ann).id)
    assert (now.headline, now.sentence, now.card) == (*strings.ROOM_VISITOR, Card.NONE)
    assert [(line.conversation, line.new) for line in now.people] == [(home_of(ann).id, False), (with_cat.id, True)]

    ann.acts(events.ShowConversation(with_cat.id))
    assert home_of(ann) is with_cat
    assert not with_cat.unopened
    assert view(ann.node, with_cat.id).room is not None
    note(world, ann, "hello Cat")
    world.live(5)
    assert read(cat) == ["hello Cat"]


def test_whoever_comes_where_nobody_was_yet_is_where_the_person_waits() -> None:
    world = calm(0, 2)
    ann, bob = world.guests
    ann.enters()
    ann.acts(events.ShowConversation(home_of(ann).id))
    bob.enters()
    world.live(30)

    assert conversation_at(ann).peer == bob.key
    assert ann.node.chats.shown == home_of(ann).id
    assert not conversation_at(ann).unopened


def test_the_same_person_comes_back_to_where_they_were(world: RoomsWorld) -> None:
    ann, bob, cat = world.guests
    visit(world, cat)
    note(world, ann, "for Bob alone")
    bob.enters()
    world.live(LONG)

    assert conversation_at(ann).peer == bob.key
    assert read(bob)[-1] == "for Bob alone"
    assert link_of(ann).phase is LinkPhase.OPEN


@pytest.mark.slow
def test_what_nobody_has_looked_at_goes_again_some_time_after_they_have_gone(world: RoomsWorld) -> None:
    ann, _, cat = world.guests
    cat.enters()
    world.live(n.UNOPENED_KEPT_WITH_MESSAGES + 60)
    assert ann.chat_with(cat) is not None, "who is still there stays"

    leave(cat)
    world.live(n.UNOPENED_KEPT / 2)
    assert ann.chat_with(cat) is not None
    world.live(n.UNOPENED_KEPT)
    assert ann.chat_with(cat) is None
    assert home_of(ann) in ann.node.chats.listed()


@pytest.mark.slow
def test_messages_wait_for_a_day(world: RoomsWorld) -> None:
    ann, _, cat = world.guests
    visit(world, cat, "I was here")
    world.live(n.UNOPENED_KEPT_WITH_MESSAGES - 60)
    assert ann.chat_with(cat) is not None

    world.live(120)
    assert ann.chat_with(cat) is None


@pytest.mark.slow
@pytest.mark.parametrize("does", ["looks", "writes", "has verified them"])
def test_whom_the_person_has_to_do_with_stays(world: RoomsWorld, does: str) -> None:
    ann, _, cat = world.guests
    cat.enters()
    world.live(30)
    with_cat = ann.chat_with(cat)
    assert with_cat is not None
    if does == "looks":
        ann.acts(events.ShowConversation(with_cat.id))
        ann.acts(events.ShowConversation(None))
    elif does == "writes":
        world.written["hello"] = Written(ann, ann.life, with_cat.id, cat.key)
        ann.acts(events.WriteMessage(with_cat.id, "hello"))
    else:
        ann.acts(compared(with_cat, True))
    world.live(5)
    leave(cat)
    world.live(2 * n.UNOPENED_KEPT_WITH_MESSAGES)

    assert ann.chat_with(cat) is with_cat


@pytest.mark.slow
def test_a_crowd_puts_away_none_but_itself() -> None:
    world = calm(1, 3 * n.MAX_UNOPENED_OF_ROOM)
    ann, bob, *crowd = world.guests
    for guest in (ann, bob):
        guest.enters()
    world.live(30)
    ann.acts(events.ShowConversation(home_of(ann).id))
    note(world, ann, "hello Bob")
    world.live(5)
    leave(bob)
    for guest in crowd:
        visit(world, guest, f"{guest} was here")

    assert conversation_at(ann).peer == bob.key
    assert len(ann.node.chats.listed()) == 1 + n.MAX_UNOPENED_OF_ROOM
    assert ann.chat_with(crowd[-1]) is not None
    assert len(ann.node.links.by_id) <= len(ann.node.chats.listed())
    world.live(n.UNOPENED_KEPT_WITH_MESSAGES)
    assert ann.node.chats.listed() == [home_of(ann)]


@pytest.mark.slow
def test_who_was_put_away_unread_is_read_from_the_beginning_the_next_time(world: RoomsWorld) -> None:
    ann, _, cat = world.guests
    visit(world, cat, "first")
    world.live(n.UNOPENED_KEPT_WITH_MESSAGES)
    assert ann.chat_with(cat) is None

    for checked in (ann._read, ann._shown):
        checked.clear()  # elsewhere the world sees to it that nothing is shown twice
    cat.enters()
    world.live(LONG)
    with_ann = ann.chat_with(cat)
    assert with_ann is not None
    assert [message.entry.text for message in with_ann.timeline] == ["first"]


@pytest.mark.slow
def test_who_was_put_away_and_has_come_once_more_unseen_is_not_read_twice(world: RoomsWorld) -> None:
    ann, _, cat = world.guests
    visit(world, cat, "first")
    with_cat = ann.chat_with(cat)
    assert with_cat is not None
    here = ann.node.chats.shown
    ann.acts(events.ShowConversation(with_cat.id))
    ann.acts(events.ShowConversation(here))
    ann.acts(events.RemoveConversation(with_cat.id))
    assert ann.chat_with(cat) is None
    visit(world, cat)
    assert ann.chat_with(cat) is not None
    world.live(n.UNOPENED_KEPT + 60)
    assert ann.chat_with(cat) is None

    cat.enters()
    world.live(LONG)
    with_cat = ann.chat_with(cat)
    assert with_cat is not None
    assert len(with_cat.timeline) == 0


def test_a_persons_own_acts_lead_somewhere() -> None:
    ann = person("ann")
    ann.do(events.CreateInvite())
    assert (ann.node.chats.openings, [ann.node.chats.opened]) == (1, [chat.id for chat in ann.chats])


@pytest.mark.slow
def test_where_a_conversation_was_carried_on_is_forgotten_some_time() -> None:
    """A person who comes by each night for years leaves nothing behind."""
    world = together(0)
    ann, bob = world.guests
    for _ in range(10):
        leave(bob)
        world.live(5)
        bob.enters()
        world.live(LONG)
        assert link_of(ann).peer == bob.key

    assert len(ann.node.chats.listed()) == 1
    introductions = [chat for chat in ann.node.chats._by_id.values() if isinstance(chat, Introduction)]
    assert len(introductions) == 1, "the one in which the room was entered at first"


def test_of_introductions_that_are_over_the_last_ones_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A friend comes by an invite each night."""
    monkeypatch.setattr(chats_module, "KEPT_INTRODUCTIONS", 3)
    ann, bob = person("ann"), person("bob")
    waited = []
    for _ in range(10):
        pair = exchange(ann, bob)
        waited.append(ann.chat_of(pair.ann_link).id)
        pair.open_channel()
        pair.kill()

    (with_bob,) = ann.chats
    assert [ann.node.chats.get(chat) for chat in waited] == [None] * 7 + [with_bob] * 3
    assert len(ann.node.chats._by_id) == 4


def test_whom_one_has_written_to_is_known_as_such_once_it_has_arrived(world: RoomsWorld) -> None:
    ann, bob, cat = world.guests
    cat.enters()
    world.live(30)
    contacts = [ann.node.people.contacts.get(key) for key in (bob.key, cat.key)]

    assert [contact is not None and contact.talked for contact in contacts] == [True, False]
