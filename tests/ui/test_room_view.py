"""What the screen says of a room, in each state that a person can meet."""

from __future__ import annotations

import pytest

from pychat.core import events
from pychat.core.codes.roomcode import SECRET_SIZE, RoomCode, encode
from pychat.core.link import CloseReason
from pychat.core.relay.client import Trouble
from pychat.core.relay.envelope import Refusal
from pychat.core.webrtc.capabilities import Capabilities
from pychat.ui import strings
from pychat.ui.view import Card, Progress, View, view
from tests.core.people import Person, compared, person
from tests.core.test_rooms import LONG, calm, home_of, second_tab, session_of, together
from tests.rooms_sim import URL, Guest


def seen_by(guest: Guest) -> View:
    return view(guest.node, home_of(guest).id)


@pytest.fixture
def ann() -> Person:
    ann = person("ann")
    ann.do(events.CreateRoom(URL))
    return ann


def screen(someone: Person) -> View:
    (chat,) = someone.chats
    return view(someone.node, chat.id)


def test_at_first_the_way_to_the_relay_is_looked_for(ann: Person) -> None:
    now = screen(ann)

    assert (now.headline, now.sentence) == strings.ROOM_REACHING
    assert (now.card, now.state, now.name) == (Card.ROOM, "signaling", strings.NEW_CHAT)
    assert now.room is not None
    assert now.room.code == ""
    assert now.can_leave


@pytest.mark.parametrize("trouble", Trouble)
def test_each_trouble_with_the_relay_has_its_words(ann: Person, trouble: Trouble) -> None:
    codes = {"unreachable": 1006, "returning": 1012, "full": 4003, "busy": 4006, "refused": 4000}
    ann.do(events.RelayClosed(session_of(ann), codes[trouble.value]))

    assert (screen(ann).headline, screen(ann).sentence) == strings.ROOM_AWAY[trouble]


def test_who_waits_has_a_link_to_send() -> None:
    world = calm(0, 1)
    (ann,) = world.guests
    ann.enters()
    world.live(5)
    now = seen_by(ann)

    assert (now.headline, now.sentence) == strings.ROOM_WAITING
    assert now.card is Card.ROOM
    assert now.room is not None
    assert now.room.code.startswith("F")
    assert [progress for _, progress in now.phases] == [Progress.NOW, *[Progress.TO_COME] * 3]

    ann.acts(events.SetRoomLock(home_of(ann).id, True))
    now = seen_by(ann)
    assert (now.headline, now.sentence) == strings.ROOM_LOCKED
    assert now.card is Card.NONE
    assert now.room is not None
    assert now.room.locked


def test_who_is_asked_whether_to_go_in_is_not_asked_to_open_a_room(ann: Person) -> None:
    bob = person("bob")
    bob.do(events.OpenCodeLink(encode(RoomCode(bytes(SECRET_SIZE))), URL))
    now = view(bob.node, None)
    assert now.joins
    assert (now.state, now.headline, now.sentence) == ("idle", *strings.AT_THE_DOOR)
    bob.do(events.DeclineJoin())
    assert view(bob.node, None).sentence == strings.IDLE[1]


def test_who_is_connected_has_nothing_to_do_and_may_still_ask_for_the_link() -> None:
    world = together(0)
    now = seen_by(world.guests[0])

    assert (now.state, now.card) == ("open", Card.NONE)
    assert now.room is not None
    assert now.room.code


@pytest.mark.parametrize("refusal", [Refusal.FULL, Refusal.LOCKED])
def test_who_is_refused_is_told_and_asked_to_invite_nobody(refusal: Refusal) -> None:
    world = together(0, 3)
    ann, bob, cat = world.guests
    if refusal is Refusal.LOCKED:
        bob.acts(events.LeaveConversation(home_of(bob).id))
        ann.acts(events.SetRoomLock(home_of(ann).id, True))
    cat.enters()
    world.live(LONG)
    now = seen_by(cat)

    assert (now.headline, now.sentence) == strings.ROOM_REFUSED[refusal]
    assert now.card is Card.NONE

    ann.acts(events.LeaveConversation(home_of(ann).id))
    bob.acts(events.LeaveConversation(home_of(bob).id))
    world.live(LONG)
    assert (seen_by(cat).headline, seen_by(cat).sentence) == strings.ROOM_WAITING


def test_who_is_there_already_in_another_tab_can_be_here() -> None:
    world = together(0, 3)
    ann, bob, _ = world.guests
    tab = second_tab(world, bob)
    tab.enters()
    world.live(LONG)
    now = seen_by(tab)

    assert (now.headline, now.sentence) == strings.ROOM_REFUSED[Refusal.ELSEWHERE]
    assert now.card is Card.ELSEWHERE
    assert not now.can_write
    tab.acts(events.TakeOverRoom(home_of(tab).id))
    world.live(30)
    assert seen_by(tab).state == "open"
    now = seen_by(bob)
    assert (now.headline, now.sentence) == strings.ROOM_REFUSED[Refusal.ELSEWHERE]
    assert now.card is Card.ELSEWHERE
    assert seen_by(ann).state == "open"


def test_who_has_left_can_go_back() -> None:
    world = together(0)
    ann, bob = world.guests
    ann.acts(events.LeaveConversation(home_of(ann).id))
    world.live(5)
    now = seen_by(ann)

    assert (now.headline, now.sentence) == strings.ROOM_LEFT
    assert (now.card, now.state, now.can_leave) == (Card.RETURN, "closed", False)
    assert seen_by(bob).headline == strings.ENDINGS[CloseReason.PEER_LEFT][0]
    assert seen_by(bob).sentence == strings.ROOM_STAYS
    assert seen_by(bob).card is Card.ROOM
    assert [progress for _, progress in now.phases] == [Progress.TO_COME] * 4


def test_who_is_left_alone_in_a_locked_room_is_told_who_can_come_back() -> None:
    world = together(0)
    ann, bob = world.guests
    ann.acts(events.SetRoomLock(home_of(ann).id, True))
    bob.acts(events.LeaveConversation(home_of(bob).id))
    world.live(5)
    now = seen_by(ann)

    assert (now.headline, now.sentence) == (strings.ENDINGS[CloseReason.PEER_LEFT][0], strings.ROOM_LOCKED_STAYS)
    assert now.card is Card.NONE


@pytest.mark.parametrize("locked", [False, True])
def test_after_signs_that_differ_the_room_is_no_place_to_ask_anybody_into(locked: bool) -> None:
    world = together(0)
    ann, bob = world.guests
    ann.acts(events.SetRoomLock(home_of(ann).id, locked))
    chat = ann.node.chats.conversation(home_of(ann).id)
    assert chat is not None
    ann.acts(compared(chat, False))
    world.live(LONG)

    for guest, ending in ((ann, CloseReason.NO_MATCH), (bob, CloseReason.PEER_NO_MATCH)):
        now = seen_by(guest)
        assert now.headline == strings.ENDINGS[ending][0]
        assert "Make a new chat link" in now.sentence
        assert (now.state, now.card, now.can_leave, now.trust_note) == ("closed", Card.NONE, True, strings.DIFFERED)
        assert [progress for _, progress in now.phases] == [*[Progress.DONE] * 3, Progress.FAILED]

    bob.acts(events.LeaveConversation(home_of(bob).id))
    assert seen_by(bob).card is Card.RETURN
    bob.starts_anew()
    bob.enters()
    world.live(LONG)
    now = seen_by(bob)
    assert (now.headline, now.sentence) == strings.ROOM_REFUSED[Refusal.LOCKED]
    assert "or whoever is in it does not take you any more" in now.sentence  # which of the two it is, is not told


@pytest.mark.parametrize("ending", CloseReason)
def test_an_ending_that_says_what_to_do_says_so_in_a_locked_room_too(ending: CloseReason) -> None:
    said = strings.room_ending(ending, locked=False)
    assert strings.room_ending(ending, locked=True) == said.replace(strings.ROOM_STAYS, strings.ROOM_LOCKED_STAYS)


def test_a_link_that_is_begun_while_another_conversation_is_shown_is_not_in_the_list_of_people() -> None:
    world = together(0, capabilities=Capabilities(can_restart=False))
    ann, bob = world.guests
    before = [person.conversation for person in view(ann.node, None).people]
    bob.starts_anew()
    bob.enters()
    for _ in range(400):
        world.live(0.1)
        assert [person.conversation for person in view(ann.node, None).people] == before
    assert seen_by(ann).state == "open"
