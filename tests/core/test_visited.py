"""A link is not enough to learn who somebody is: a room is entered when they say so, or when they have been in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core import effects, events
from pychat.core.codes.roomcode import SECRET_SIZE, RoomCode, encode
from pychat.core.errors import CodeProblem
from pychat.core.identity import visited
from pychat.core.identity.contacts import Contacts
from pychat.core.node import Node
from pychat.core.relay.client import RelayState
from pychat.ui.view import view
from tests.core.people import Keys, Person, of, only, person
from tests.core.test_rooms import session_of
from tests.rooms_sim import URL

CODE, OTHER = RoomCode(b"s" * SECRET_SIZE), RoomCode(b"t" * SECRET_SIZE)
LINK = events.OpenCodeLink(encode(CODE), URL)


def browser(name: str = "ann", kept: str | None = None) -> Person:
    """Somebody at a page that keeps where they have been."""
    keys = Keys(name)
    contacts = Contacts(skeleton=str.casefold)
    return Person(Node(keys.public, b"seed", contacts, visited=visited.loads(kept)), keys)


@pytest.fixture
def ann() -> Person:
    return browser()


def rooms(someone: Person) -> list[RoomCode | None]:
    """Those in which they are."""
    return [room.code for room in someone.node.rooms.by_id.values() if room.state is not RelayState.LEFT]


def test_a_room_in_a_link_waits_for_the_person_and_nothing_is_asked_of_anybody(ann: Person) -> None:
    assert ann.do(LINK) == []
    assert ann.wait(1_000) == []
    assert view(ann.node, None).joins
    assert rooms(ann) == []
    assert ann.node.chats.openings == 0


def test_it_is_entered_as_soon_as_they_say_so(ann: Person) -> None:
    ann.do(LINK)
    emitted = ann.do(events.ConfirmJoin())

    assert only(effects.ConnectRelay, emitted).url == URL
    assert rooms(ann) == [CODE]
    assert [ann.node.chats.opened] == [chat.id for chat in ann.chats]
    assert not view(ann.node, None).joins
    assert ann.do(events.ConfirmJoin()) == []


def test_who_declines_is_not_asked_again(ann: Person) -> None:
    ann.do(LINK)
    ann.do(events.DeclineJoin())

    assert not view(ann.node, None).joins
    assert ann.do(events.ConfirmJoin()) == []


def test_of_several_links_the_last_one_waits(ann: Person) -> None:
    ann.do(LINK, events.OpenCodeLink(encode(OTHER), URL), events.ConfirmJoin())

    assert rooms(ann) == [OTHER]


@pytest.mark.parametrize("link", ["no code", encode(CODE)[:-4]])
def test_what_is_no_room_takes_the_place_of_one_that_waits(ann: Person, link: str) -> None:
    ann.do(LINK, events.OpenCodeLink(link, URL))

    assert not view(ann.node, None).joins
    assert ann.node.introductions.inbox.problem is not None


def test_who_does_something_else_is_not_asked_any_more(ann: Person) -> None:
    ann.do(LINK, events.CreateInvite())

    assert not view(ann.node, None).joins


def test_where_there_is_no_relay_there_is_nothing_to_ask(ann: Person) -> None:
    ann.do(events.OpenCodeLink(encode(CODE)))

    assert not view(ann.node, None).joins
    assert ann.node.introductions.inbox.problem is CodeProblem.NO_RELAY


def test_who_pastes_a_room_has_said_so(ann: Person) -> None:
    ann.do(events.PasteCode(encode(CODE), URL))

    assert rooms(ann) == [CODE]


def test_who_has_been_in_the_room_is_not_asked(ann: Person) -> None:
    mark = only(effects.KeepVisited, ann.do(LINK, events.ConfirmJoin())).mark
    (chat,) = ann.chats
    ann.do(events.LeaveConversation(chat.id))
    for someone in (ann, browser(kept=visited.remember(None, mark))):
        emitted = someone.do(LINK)
        assert rooms(someone) == [CODE]
        assert of(effects.KeepVisited, emitted) == ([] if someone is ann else [effects.KeepVisited(mark)])

    others = browser("bob", kept=mark)
    others.do(LINK)
    assert rooms(others) == [], "it is a mark of somebody else"


def test_who_comes_back_to_where_the_page_was_is_not_asked(ann: Person) -> None:
    ann.do(events.OpenCodeLink(encode(CODE), URL, returning=True))

    assert rooms(ann) == [CODE]


def test_a_room_of_ones_own_is_remembered_once_it_is_drawn(ann: Person) -> None:
    assert of(effects.KeepVisited, ann.do(events.CreateRoom(URL))) == []
    drawn = ann.do(events.BytesDrawn(session_of(ann), CODE.secret))

    assert only(effects.KeepVisited, drawn).mark == visited.mark(CODE, ann.node.key)


def test_where_nothing_is_kept_nothing_is_to_be_kept() -> None:
    someone = person("ann")

    assert of(effects.KeepVisited, someone.do(events.PasteCode(encode(CODE), URL))) == []


# What is kept.


def test_a_mark_leads_back_to_no_room() -> None:
    mark = visited.mark(CODE, b"k" * 32)

    assert mark == "491d29b083b36922"
    assert len({mark, visited.mark(OTHER, b"k" * 32), visited.mark(CODE, b"l" * 32)}) == 3


def test_the_latest_is_the_first_and_none_is_there_twice() -> None:
    text = None
    for mark in ("one", "two", "one", "three"):
        text = visited.remember(text, mark)

    assert visited.loads(text) == ["three", "one", "two"]


def test_there_is_an_end_to_them() -> None:
    text = " ".join(map(str, range(visited.MAX_VISITED)))

    assert visited.loads(visited.remember(text, "latest")) == ["latest", *map(str, range(visited.MAX_VISITED - 1))]


@pytest.mark.slow
@given(st.one_of(st.none(), st.text()))
def test_whatever_is_kept_can_be_read(text: str | None) -> None:
    assert visited.loads(visited.remember(text, "latest"))[0] == "latest"
