from __future__ import annotations

from dataclasses import replace

import pytest

from pychat.core.chat.records import FOREVER, NOTHING, Preview
from pychat.core.ids import ChatId
from pychat.ui import strings
from pychat.ui.calling import (
    MOST_SHOWN,
    NEWCOMERS,
    SOUND_PAUSE,
    Calling,
    Calls,
    Permission,
    may_offer,
    tag_of,
    title,
    total_unread,
    unread,
)
from pychat.ui.settings import Notify
from pychat.ui.strings import Trust
from pychat.ui.view import PersonView

ANN, BOB = "conversation-with-ann", "conversation-with-bob"


def line(chat: ChatId, name: str, messages: int = 0, **fields: object) -> PersonView:
    nobody = PersonView(chat, name, None, Trust.KNOWN, False, "open", messages, messages, 0, None, False, True)
    return replace(nobody, **fields)  # type: ignore[arg-type]


def says(person: PersonView, text: str, *, is_own: bool = False) -> PersonView:
    """The same person after one more message, which was not read."""
    count = person.messages + 1
    return replace(person, messages=count, last=Preview(is_own, count, text))


class Screen:
    """Somebody's page, which nobody looks at unless it is said."""

    def __init__(self, *people: PersonView, notify: Notify = Notify.NAME, sound: bool = True) -> None:
        self.notify, self.sound, self.keep_for = notify, sound, FOREVER
        self.calling = Calling()
        self.now = 1000.0
        self.first = self.look(*people)

    def look(self, *people: PersonView, watched: bool = False, seen: dict[ChatId, int] | None = None) -> Calls:
        self.now += 10
        return self.calling.look(
            people,
            seen or {},
            is_watched=watched,
            notify=self.notify,
            sound=self.sound,
            keep_for=lambda _: self.keep_for,
            now=self.now,
        )


def shown(calls: Calls) -> list[tuple[str, str]]:
    return [(notice.title, notice.body) for notice in calls.show]


def test_a_message_that_comes_while_nobody_looks_calls() -> None:
    ann = line(ANN, "Ann", 5)
    screen = Screen(ann)
    calls = screen.look(says(ann, "hello"))
    assert shown(calls) == [("Ann", strings.NEW_MESSAGE)]
    assert calls.sounds
    assert calls.total == 1


def test_whoever_looks_is_not_called() -> None:
    ann = line(ANN, "Ann", 5)
    calls = Screen(ann).look(says(ann, "hello"), watched=True)
    assert (calls.show, calls.sounds, calls.total) == ((), False, 1)


def test_what_was_there_when_the_page_was_opened_calls_nobody() -> None:
    first = Screen(says(line(ANN, "Ann", 5), "hello")).first
    assert (first.show, first.sounds, first.total) == ((), False, 1)


def test_what_one_writes_elsewhere_calls_nobody() -> None:
    ann = line(ANN, "Ann", 5)
    calls = Screen(ann).look(says(ann, "hello", is_own=True))
    assert (calls.show, calls.sounds) == ((), False)


def test_a_reaction_or_what_else_is_said_of_a_message_calls_nobody() -> None:
    ann = says(line(ANN, "Ann", 5), "hello")
    calls = Screen(ann).look(replace(ann, messages=7, changes=1))
    assert (calls.show, calls.sounds, calls.total) == ((), False, 1)


def test_a_conversation_has_one_notification_and_each_conversation_its_own() -> None:
    ann, bob = line(ANN, "Ann"), line(BOB, "Bob")
    screen = Screen(ann, bob)
    ann = says(ann, "one")
    first = screen.look(ann, bob)
    ann, bob = says(ann, "two"), says(bob, "three")
    second = screen.look(ann, bob)
    assert [notice.tag for notice in first.show] == [tag_of(ANN)]
    assert [notice.tag for notice in second.show] == [tag_of(ANN), tag_of(BOB)]
    assert second.total == 3


def test_nothing_new_shows_nothing_again() -> None:
    ann = line(ANN, "Ann")
    screen = Screen(ann)
    ann = says(ann, "one")
    screen.look(ann)
    calls = screen.look(ann)
    assert (calls.show, calls.close, calls.sounds) == ((), (), False)


@pytest.mark.parametrize("watched", [True, False])
def test_a_notification_ends_when_it_was_read_here_or_in_another_tab(watched: bool) -> None:
    ann = line(ANN, "Ann", 5)
    screen = Screen(ann)
    ann = says(ann, "hello")
    screen.look(ann)
    assert screen.look(ann, watched=True).close == ()  # another conversation is on the screen
    if watched:
        assert screen.look(ann, watched=True, seen={ANN: 6}).close == (tag_of(ANN),)
    else:
        assert screen.look(replace(ann, read=6)).close == (tag_of(ANN),)
    assert screen.look(replace(ann, read=6)).close == ()


def test_a_notification_of_a_conversation_that_is_gone_ends() -> None:
    ann = line(ANN, "Ann")
    screen = Screen(ann)
    screen.look(says(ann, "hello"))
    assert screen.look().close == (tag_of(ANN),)


def test_what_is_shown_ends_with_the_page() -> None:
    ann = line(ANN, "Ann")
    screen = Screen(ann)
    screen.look(says(ann, "hello"))
    assert screen.calling.forget() == (tag_of(ANN),)
    assert screen.calling.forget() == ()


@pytest.mark.parametrize(
    ("notify", "expected"),
    [
        (Notify.TEXT, [("Ann", "see you at five")]),
        (Notify.NAME, [("Ann", strings.NEW_MESSAGE)]),
        (Notify.NOTHING, [("pychat", strings.NEW_MESSAGE)]),
        (Notify.OFF, []),
    ],
)
def test_a_notification_shows_what_the_person_has_chosen(notify: Notify, expected: list[tuple[str, str]]) -> None:
    ann = line(ANN, "Ann")
    assert shown(Screen(ann, notify=notify).look(says(ann, "see you\n at five"))) == expected


def test_of_a_long_message_the_beginning_is_shown() -> None:
    ann = line(ANN, "Ann")
    assert shown(Screen(ann, notify=Notify.TEXT).look(says(ann, "x" * 5000))) == [("Ann", "x" * MOST_SHOWN)]


def test_the_text_of_a_conversation_of_which_nothing_is_kept_is_not_shown() -> None:
    ann = line(ANN, "Ann")
    screen = Screen(ann, notify=Notify.TEXT)
    screen.keep_for = NOTHING
    assert shown(screen.look(says(ann, "secret"))) == [("Ann", strings.NEW_MESSAGE)]


@pytest.mark.parametrize("notify", [Notify.TEXT, Notify.NAME, Notify.NOTHING])
def test_whoever_may_only_use_the_name_of_another_is_not_shown_by_it(notify: Notify) -> None:
    ann = line(ANN, "Ann", warned=True)
    assert shown(Screen(ann, notify=notify).look(says(ann, "it is me"))) == [("pychat", strings.NEW_MESSAGE)]


def test_a_tag_does_not_say_which_conversation_it_is() -> None:
    assert tag_of(ANN) != tag_of(BOB)
    assert ANN not in tag_of(ANN)


def test_a_click_leads_to_the_conversation() -> None:
    ann, bob = line(ANN, "Ann"), line(BOB, "Bob", new=True)
    screen = Screen(ann)
    screen.look(says(ann, "hello"), bob)
    assert screen.calling.chat_of(tag_of(ANN)) == ANN
    assert screen.calling.chat_of(NEWCOMERS) == BOB
    screen.calling.forget()
    assert screen.calling.chat_of(tag_of(ANN)) == ANN  # by a notification of an earlier visit
    assert screen.calling.chat_of("nobody's") is None


# Who comes.


def test_whoever_was_waited_for_and_comes_calls_once() -> None:
    screen = Screen()
    bob = line(BOB, "Bob")
    assert shown(screen.look(replace(bob, is_there=False))) == []
    calls = screen.look(bob)
    assert (shown(calls), calls.sounds) == ([("Bob", strings.HAS_COME)], True)
    assert shown(screen.look(replace(bob, is_there=False))) == []
    assert shown(screen.look(bob)) == []
    assert screen.look(bob, watched=True).close == (tag_of(BOB),)


def test_whoever_is_known_calls_nobody_by_being_there() -> None:
    bob = line(BOB, "Bob", is_there=False)
    calls = Screen(bob).look(replace(bob, is_there=True))
    assert (calls.show, calls.sounds) == ((), False)


def test_one_does_not_call_oneself() -> None:
    calls = Screen().look(line(ANN, strings.ONESELF, trust=Trust.ONESELF))
    assert (calls.show, calls.sounds) == ((), False)


def test_a_crowd_shares_one_notification_and_counts_as_one() -> None:
    crowd = [says(line(f"stranger {number}", f"Guest {number}", new=True), "hi") for number in range(50)]
    calls = Screen().look(*crowd)
    assert {notice.tag for notice in calls.show} == {NEWCOMERS}
    assert len(calls.show) == 1
    assert calls.total == 1


@pytest.mark.parametrize(("notify", "expected"), [(Notify.NAME, "Guest"), (Notify.NOTHING, "pychat")])
def test_that_somebody_has_come_says_who_only_where_that_is_chosen(notify: Notify, expected: str) -> None:
    [(shown_as, _)] = shown(Screen(notify=notify).look(line(BOB, "Guest", new=True)))
    assert shown_as == expected


# Sound.


def test_a_sound_can_be_off_and_is_heard_without_notifications() -> None:
    ann = line(ANN, "Ann")
    assert not Screen(ann, sound=False).look(says(ann, "hello")).sounds
    assert Screen(ann, notify=Notify.OFF).look(says(ann, "hello")).sounds


def test_a_burst_is_one_sound() -> None:
    ann = line(ANN, "Ann")
    screen = Screen(ann)
    heard = []
    for number in range(30):
        ann = says(ann, f"message {number}")
        screen.now -= 10 - SOUND_PAUSE / 10
        heard.append(screen.look(ann).sounds)
    assert heard.count(True) == 3


def test_what_comes_on_a_screen_without_the_keyboard_is_heard_and_needs_no_notification() -> None:
    ann = line(ANN, "Ann", 5)
    calls = Screen(ann).look(says(ann, "hello"), seen={ANN: 6})
    assert (calls.show, calls.sounds, calls.total) == ((), True, 0)


# What is unread.


def test_what_is_unread_was_neither_read_nor_on_the_screen_and_is_no_change() -> None:
    ann = line(ANN, "Ann", 10, read=4)
    assert unread(ann, 0) == 6
    assert unread(ann, 7) == 3
    assert unread(replace(ann, changes=2), 0) == 4
    assert unread(ann, 12) == 0


def test_the_title_says_how_much_and_of_nobody() -> None:
    ann, bob = line(ANN, "Ann", 10, read=7), line(BOB, "Bob", 4, read=0, new=True)
    assert title(total_unread([ann, bob], {})) == "(4) pychat"
    assert title(total_unread([ann], {ANN: 10})) == "pychat"


# Asking.


def test_notifications_are_offered_once_and_only_after_two_have_talked() -> None:
    def offers(*people: PersonView, notify: Notify = Notify.NAME, asked: bool = False) -> bool:
        return may_offer(people, Permission.DEFAULT, notify, was_asked=asked)

    greeted = says(line(ANN, "Ann"), "hello")
    talked = says(greeted, "good morning", is_own=True)
    assert not offers()
    assert not offers(line(ANN, "whoever comes", 5))
    assert not offers(greeted)
    assert offers(talked)
    assert not offers(talked, asked=True)
    assert not offers(talked, notify=Notify.OFF)


@pytest.mark.parametrize("permission", [Permission.NONE, Permission.DENIED, Permission.GRANTED])
def test_where_there_is_nothing_to_ask_nothing_is_offered(permission: Permission) -> None:
    people = [says(says(line(ANN, "Ann"), "hello"), "good morning")]
    assert not may_offer(people, permission, Notify.NAME, was_asked=False)
