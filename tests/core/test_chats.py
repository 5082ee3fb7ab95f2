"""Introductions and what becomes of them; who is in the list."""

from __future__ import annotations

import pytest

from pychat.core import events
from pychat.core.chat import chats as chats_module
from pychat.core.chat.chats import conversation_id
from pychat.core.chat.conversation import Conversation, Introduction
from pychat.core.codes.roomcode import SECRET_SIZE, RoomCode, encode
from pychat.core.errors import CodeProblem
from tests.core.people import connect, exchange, person, texts

URL = "wss://pychat.example/relay"


def test_the_id_of_a_conversation_is_the_same_on_both_sides_and_with_nobody_else() -> None:
    ann, bob, cat = person("ann"), person("bob"), person("cat")
    pair = connect(ann, bob)

    assert pair.ann_chat.id == pair.bob_chat.id == conversation_id(ann.node.key, bob.node.key)
    assert conversation_id(ann.node.key, cat.node.key) != pair.ann_chat.id


def test_an_introduction_becomes_the_conversation_with_whoever_comes() -> None:
    ann, bob = person("ann"), person("bob")
    pair = exchange(ann, bob)
    introduction = ann.chat_of(pair.ann_link)
    assert isinstance(introduction, Introduction)
    ann.write(introduction, "hello, whoever")
    pair.open_channel()

    assert ann.chats == [pair.ann_chat]
    assert ann.node.chats.get(introduction.id) is pair.ann_chat
    assert texts(pair.ann_chat) == texts(pair.bob_chat) == ["hello, whoever"]
    ann.write(introduction, "one more")  # the screen may be a little behind
    pair.carry()
    assert texts(pair.bob_chat) == ["hello, whoever", "one more"]


def test_the_messages_of_an_introduction_keep_their_places_where_a_conversation_begins() -> None:
    ann, bob = person("ann"), person("bob")
    pair = exchange(ann, bob)
    introduction = ann.chat_of(pair.ann_link)
    ann.write(introduction, "one", "two")
    pair.open_channel()
    chat = pair.ann_chat
    assert chat.own_log == introduction.own_log

    pair.kill()
    again = exchange(ann, bob)
    second = ann.chat_of(again.ann_link)
    ann.write(second, "three")
    again.open_channel()
    assert again.ann_chat is chat
    assert again.ann_chat.own_log != second.own_log
    assert texts(again.ann_chat) == texts(again.bob_chat) == ["one", "two", "three"]


def test_an_introduction_that_waited_long_leads_on_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chats_module, "KEPT_INTRODUCTIONS", 2)
    ann, bob = person("ann"), person("bob")
    waiting = exchange(ann, bob)
    introduction = ann.chat_of(waiting.ann_link)
    for name in ("cat", "dan", "eve"):
        connect(ann, person(name))
    waiting.open_channel()

    assert ann.node.chats.get(introduction.id) is waiting.ann_chat
    over = [chat for chat in ann.node.chats._by_id.values() if not isinstance(chat, Conversation)]
    assert len(over) == 2


def test_without_webrtc_the_link_of_a_room_one_has_been_in_says_so_when_it_is_wanted() -> None:
    ann = person("ann")
    link = encode(RoomCode(bytes(SECRET_SIZE)))
    ann.do(events.PasteCode(link, URL))
    ann.do(events.LeaveConversation(ann.chats[0].id))
    ann.do(events.WebRtcMissing())
    ann.do(events.OpenCodeLink(link, URL))
    assert ann.node.chats.pending_join is not None
    ann.do(events.ConfirmJoin())

    assert ann.node.introductions.inbox.problem is CodeProblem.NO_WEBRTC


def test_who_was_put_away_and_comes_again_by_themselves_is_not_taken_for_shown() -> None:
    ann, bob = person("ann"), person("bob")
    pair = connect(ann, bob)
    chat = pair.ann_chat
    ann.do(events.ShowConversation(chat.id))
    pair.kill()
    ann.do(events.RemoveConversation(chat.id))

    assert ann.node.chats.shown is None
    assert ann.chats == []


def test_nothing_is_held_by_an_introduction_that_is_over() -> None:
    ann, bob = person("ann"), person("bob")
    pair = exchange(ann, bob)
    introduction = ann.chat_of(pair.ann_link)
    ann.write(introduction, "x" * 5_000)
    pair.open_channel()

    assert introduction.memory.held == 0
    assert list(introduction.timeline) == []
    assert ann.node.chats.memory.held == pair.ann_chat.memory.held


def test_a_room_hears_that_a_link_from_elsewhere_has_ended_also_where_another_takes_its_place() -> None:
    """Its peer may be at the relay of the room, too, and wait there for a seat."""
    ann, bob = person("ann"), person("bob")
    ann.do(events.PasteCode(encode(RoomCode(bytes(SECRET_SIZE))), URL))
    (home,), (room,) = ann.chats, ann.node.rooms.by_id.values()
    connect(ann, bob, home.id)
    freed: list[bool] = []
    room.on_seat_freed = lambda: freed.append(True)  # type: ignore[method-assign]
    connect(ann, bob)

    assert freed == [True]
