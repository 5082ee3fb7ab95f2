"""Handshakes that are broken off once the signs can be known: counted, slowed down, and shown."""

from __future__ import annotations

import pytest

from pychat.core import effects, events, wire
from pychat.core.relay.client import RelayState
from pychat.core.services import guesses as g
from pychat.core.services.guesses import Guesses
from pychat.ui import strings
from pychat.ui.view import view
from tests.core.people import START, compared
from tests.core.test_rooms import LONG, SEEDS, calm, home_of, link_of, meeting_of, note, together
from tests.rooms_sim import Guest, RoomsWorld

HOUR = 3_600.0


def breaks_off(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin handshakes, and break each off before proving anything; then come back under another name."""
    carry_out = guest._carry_out
    has_guessed = False

    def comes_again() -> None:
        nonlocal has_guessed
        has_guessed = False
        guest.starts_anew()
        guest.enters()

    def instead(effect: effects.Effect) -> None:
        nonlocal has_guessed
        if isinstance(effect, effects.SendFrame) and isinstance(wire.decode(effect.data), wire.Reveal | wire.Proof):
            has_guessed = True
            guest.world.later(0.0, comes_again)
        elif not has_guessed:
            carry_out(effect)

    monkeypatch.setattr(guest, "_carry_out", instead)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> RoomsWorld:
    """Ann waits in a room, Bob has yet to come; Eve has the link, too, and guesses."""
    world = calm(0, 3)
    ann, _, eve = world.guests
    ann.enters()
    breaks_off(eve, monkeypatch)
    eve.enters()
    return world


@pytest.mark.slow
@SEEDS
def test_an_hour_of_guesses_is_a_few(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = calm(seed, 2)
    ann, eve = world.guests
    ann.enters()
    breaks_off(eve, monkeypatch)
    eve.enters()
    world.live(HOUR)

    count = meeting_of(ann).guesses.count
    assert g.SEVERAL <= count <= 16
    assert view(ann.node, home_of(ann).id).guesses == strings.guesses(count)
    assert ann.company == []


@pytest.mark.slow
def test_whoever_is_honest_comes_in_all_the_same(world: RoomsWorld) -> None:
    ann, bob, _ = world.guests
    world.live(60)
    bob.enters()
    world.live(HOUR)

    assert link_of(ann).peer == bob.key


@pytest.mark.slow
@pytest.mark.parametrize("does", ["makes a new link", "leaves and comes back"])
def test_what_the_person_does_begins_the_count_anew(world: RoomsWorld, does: str) -> None:
    ann, _, _ = world.guests
    world.live(HOUR)
    assert meeting_of(ann).guesses.count >= g.SEVERAL
    conversation = home_of(ann).id
    if does == "makes a new link":
        ann.acts(events.RotateRoomSecret(conversation))
    else:
        note(world, ann, "so that it stays")
        ann.acts(events.LeaveConversation(conversation))
        world.live(5)
        assert meeting_of(ann).state is RelayState.LEFT
        ann.acts(events.ReturnToRoom(conversation))

    assert meeting_of(ann).guesses.count == 0
    assert view(ann.node, conversation).guesses == ""


@pytest.mark.parametrize("trust", ["verified", "talked to"])
def test_only_whom_one_has_verified_begins_the_count_anew(trust: str) -> None:
    """Whoever guesses can be written to, too, as by a bot that greets everybody."""
    world = together(0)
    ann, bob = world.guests
    note(world, ann, "hello")
    world.live(5)
    if trust == "verified":
        with_bob = ann.chat_with(bob)
        assert with_bob is not None
        ann.acts(compared(with_bob, True))
    for _ in range(2 * g.SEVERAL):
        meeting_of(ann).guesses.broken_off(ann.node._context.now)
    bob.starts_anew()
    bob.enters()
    world.live(LONG)

    assert link_of(ann).peer == bob.key
    assert meeting_of(ann).guesses.count == (0 if trust == "verified" else 2 * g.SEVERAL)


@pytest.mark.slow
@SEEDS
def test_once_whoever_guessed_has_gone_two_meet_after_one_pause_at_most(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the two has a pause of its own, and they end at different times."""
    world = calm(seed, 3)
    ann, bob, eve = world.guests
    ann.enters()
    with monkeypatch.context() as guessing:
        breaks_off(eve, guessing)
        eve.enters()
        world.live(HOUR)
        bob.enters()
        world.live(600)
        assert ann.company == bob.company == []
    eve.starts_anew()
    world.live(g.WAIT_LAST + LONG)

    assert link_of(ann).peer == bob.key


@pytest.mark.slow
@SEEDS
def test_a_crowd_of_honest_visitors_is_not_taken_for_guesses(seed: int) -> None:
    """Several come at once where there is one seat: those who are late have begun to prove who they are."""
    world = calm(seed, 4)
    bot, *visitors = world.guests
    for guest in world.guests:
        guest.enters()
    visits, since = 0, dict.fromkeys(visitors, 0.0)
    for _ in range(300):
        world.live(1)
        assert meeting_of(bot).guesses.count <= 1
        for visitor in visitors:
            if not visitor.company:
                since[visitor] = world.now
            elif world.now - since[visitor] > 15 + visitor.number:
                visits += 1
                visitor.acts(events.LeaveConversation(home_of(visitor).id))
                visitor.starts_anew()
                visitor.enters()
    assert visits > 15


def test_a_link_that_ends_before_or_after_is_no_guess() -> None:
    world = together(0)
    ann, bob = world.guests
    for _ in range(5):
        bob.acts(events.LeaveConversation(home_of(bob).id))
        world.live(5)
        bob.enters()
        world.live(LONG)

    assert meeting_of(ann).guesses.count == 0
    assert link_of(ann).peer == bob.key


# The count by itself.


def test_each_lets_the_next_one_wait_twice_as_long_up_to_a_limit() -> None:
    guesses, waits = Guesses(), []
    for number in range(15):
        now = START + number
        guesses.broken_off(now)
        waits.append(guesses.ready_at(now) - now)

    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == g.WAIT_LAST
    assert guesses.ready_at(START + HOUR) == START + HOUR


def test_a_link_that_has_begun_may_be_the_next_one() -> None:
    guesses = Guesses()
    guesses.take(START)
    assert guesses.ready_at(START) == START

    guesses.broken_off(START)
    guesses.take(START + 10)
    assert guesses.ready_at(START + 10) == START + 10 + g.WAIT_FIRST


def test_after_a_day_they_are_forgotten() -> None:
    guesses = Guesses()
    for _ in range(20):
        guesses.broken_off(START)
    guesses.broken_off(START + g.FORGOTTEN_AFTER + 1)

    assert guesses.count == 1
