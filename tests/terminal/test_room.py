"""Rooms in a terminal and in a pipe: one link, over a real relay, and what happens when something is in the way."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pychat.core.errors import CodeProblem
from pychat.core.link import CloseReason
from pychat.core.relay.client import Trouble
from pychat.core.relay.envelope import Refusal
from pychat.exit_codes import Exit
from pychat.ui import strings
from tests.friend import Friend, MakeFriend
from tests.server.conftest import StartRelay
from tests.server.relays import Relay
from tests.terminal.command import IS_SOMEBODY_ELSE, SOON_GIVEN_UP, Command, Commands, Terminal

CTRL_C = "\x03"
WAITING, AWAY = ": ".join(strings.ROOM_WAITING), ": ".join(strings.ROOM_AWAY[Trouble.UNREACHABLE])


def is_waiting(command: Command, times: int = 1) -> None:
    """Wait until it has said so many times that it waits in the room."""
    command.wait_for(lambda: command.err.count(WAITING) >= times, "a place in the room")


def is_waiting_at_terminal(terminal: Terminal, times: int = 1) -> None:
    sentence = ". ".join(strings.ROOM_WAITING)
    terminal.wait_for(lambda: terminal.said(sentence) >= times, "a place in the room")


def connect(commands: Commands, page: str, *flags: str, **options: Any) -> tuple[Command, Command]:
    """Two pipes that have met in a room; the flags are for the one that opens it, the options for both."""
    ann = commands.pipe("room", "--page", page, *flags, **options)
    bob = commands.pipe("join", ann.link, **options)
    ann.is_connected()
    bob.is_connected()
    return ann, bob


def room_of(ann: Friend, relay: Relay) -> str:
    """The link of a room that somebody opens, who was given the address of this relay."""
    return relay.url.removesuffix("/") + ann.open_room()


def full_room(friend: MakeFriend, relay: Relay) -> tuple[Friend, Friend, str]:
    """Two who are connected in a room, and its link."""
    ann, bob = friend(page=relay.url), friend()
    link = room_of(ann, relay)
    bob.enter(link)
    for someone in (ann, bob):
        someone.expect_state("open")
    return ann, bob, link


def still_talk(ann: Friend, bob: Friend) -> None:
    for one, other in ((ann, bob), (bob, ann)):
        one.say("still here")
        other.hears("still here")


def both_talk(ann: Command, bob: Command, text: str) -> None:
    """Each says it, and the other one hears it."""
    for one, other in ((ann, bob), (bob, ann)):
        one.say(text)
        other.wait_for(lambda other=other: text in other.out.splitlines(), f"“{text}”")  # type: ignore[misc]


def again(start_relay: StartRelay, relay: Relay, **environment: str) -> Relay:
    """A relay at the address of one that has ended."""
    return start_relay("--port", str(urlsplit(relay.url).port), **environment)


# Pipes.


def test_two_pipes_meet_by_a_link(commands: Commands, relay: Relay) -> None:
    ann, bob = connect(commands, relay.url, prepared=None)
    ann.say("Hello Bob")
    bob.hears("Hello Bob")
    bob.say("Hello Ann")
    bob.write("without an end of its line")
    bob.end_input()
    assert bob.status() == Exit.DONE
    assert ann.status() == Exit.DONE
    assert ann.out == "Hello Ann\nwithout an end of its line\n"
    assert bob.out == "Hello Bob\n"
    first, link, *rest = ann.err.splitlines()
    assert first == f"pychat: {': '.join(strings.ROOM_REACHING)}"
    assert link == ann.link
    assert link.startswith(f"{relay.url}#")
    assert all(line.startswith("pychat: ") for line in [*rest, *bob.err.splitlines()])


def test_what_is_written_before_somebody_comes_waits(commands: Commands, relay: Relay) -> None:
    ann = commands.pipe("room", "--page", relay.url)
    ann.write("one\ntwo\n")
    ann.end_input()
    bob = commands.pipe("join", ann.link, "--stay", stdin=subprocess.DEVNULL)
    assert (ann.status(), bob.status()) == (Exit.DONE, Exit.DONE)
    assert bob.out == "one\ntwo\n"


def test_a_log_that_never_ends_goes_to_whoever_has_made_the_link(commands: Commands, relay: Relay) -> None:
    """As with `journalctl -f | pychat join "$LINK"`."""
    ann = commands.pipe("room", "--page", relay.url)
    log = commands.pipe("join", ann.link)
    lines = [f"line {number} of a log" for number in range(300)]
    log.write("".join(f"{line}\n" for line in lines))
    assert ann.lines(300) == lines
    log.say("one more, later")
    assert ann.lines(301)[-1] == "one more, later"
    ann.end_input()
    assert ann.status() == Exit.USAGE  # it has nothing to send, and was not told to stay
    assert log.status() == Exit.DONE


@pytest.mark.parametrize(
    "written", ["{}\r\n", "Hi Bob,\n\ncome here: <{}>\n", "https://other.example/ is not it,\nbut “{}” is\n"]
)
def test_a_link_is_read_from_the_input_however_it_comes(
    commands: Commands, friend: MakeFriend, relay: Relay, written: str
) -> None:
    ann = friend(page=relay.url)
    bob = commands.pipe("join")
    bob.write(written.format(room_of(ann, relay)) + "the first message\n")
    ann.hears("the first message")


def test_a_link_that_is_broken_into_lines_is_put_together(commands: Commands, friend: MakeFriend, relay: Relay) -> None:
    ann = friend(page=relay.url)
    link = room_of(ann, relay)
    bob = commands.pipe("join", "-")
    bob.write(f"{link[:-10]}\n{link[-10:]}\nthe first message\n")
    ann.hears("the first message")


def test_a_code_alone_is_enough_where_the_page_is_known(commands: Commands, relay: Relay) -> None:
    ann = commands.pipe("room", environment={"PYCHAT_PAGE": relay.url})
    bob = commands.pipe("join", ann.link.partition("#")[2], "--page", relay.url)
    ann.is_connected()
    both_talk(ann, bob, "hello")


def mistyped(link: str) -> str:
    return link[:-3] + ("A" if link[-3] != "A" else "B") + link[-2:]


def test_a_link_that_cannot_be_used_is_said_at_once(commands: Commands, friend: MakeFriend, relay: Relay) -> None:
    link = room_of(friend(page=relay.url), relay)
    cases = [
        (mistyped(link), CodeProblem.MISTYPED),
        (link[:-5], CodeProblem.CUT_SHORT),
        (link.partition("#")[2], CodeProblem.NO_RELAY),
        (link.partition("#")[0], CodeProblem.NOT_A_CODE),
    ]
    for command, problem in [(commands.pipe("join", text), problem) for text, problem in cases]:
        assert command.status() == Exit.CODE
        assert command.err == f"pychat: {strings.CODE_PROBLEMS[problem]}\n"


def test_a_room_needs_a_page(commands: Commands) -> None:
    for flags in ([], ["--page", "nonsense"]):
        command = commands.pipe("room", *flags)
        assert command.status() == Exit.USAGE
        assert command.err == "pychat: A room needs the address of a page with a relay: --page https://…/\n"


# Who gets in.


def test_a_pipe_that_finds_the_room_taken_says_so_and_ends(
    commands: Commands, friend: MakeFriend, relay: Relay
) -> None:
    ann, bob, link = full_room(friend, relay)
    for flags in ([], ["--stay"]):  # one after the other, for two that are both refused would meet each other
        command = commands.pipe("join", link, *flags)
        assert command.status() == Exit.NOT_CONNECTED
        assert command.err.endswith(f"\npychat: {strings.NOT_LET_IN[Refusal.FULL]}\n")
        assert command.out == ""
    still_talk(ann, bob)


def test_a_relay_that_lets_nobody_else_into_the_room_is_the_same(
    commands: Commands, friend: MakeFriend, start_relay: StartRelay
) -> None:
    ann, bob, link = full_room(friend, start_relay(PYCHAT_RELAY_ROOM_SIZE="2"))
    cleo = commands.pipe("join", link)
    assert cleo.status() == Exit.NOT_CONNECTED
    assert cleo.err.endswith(f"\npychat: {strings.NOT_LET_IN[Refusal.FULL]}\n")
    still_talk(ann, bob)


def test_a_third_one_at_a_terminal_is_told_and_gets_the_seat_that_is_free(
    commands: Commands, friend: MakeFriend, relay: Relay
) -> None:
    ann = commands.terminal("room", "--page", relay.url)
    bob = friend()
    bob.enter(ann.link)
    ann.is_connected()
    cleo = commands.terminal("join", ann.link)
    cleo.wait_until_said(f"pychat: {'. '.join(strings.ROOM_REFUSED[Refusal.FULL])}")
    cleo.say("am I in?")
    cleo.wait_above_input("You: am I in? (waiting)")
    bob.say("I have to go")
    bob.expect_delivered()
    bob.leave()
    cleo.is_connected()
    ann.wait_until_said(IS_SOMEBODY_ELSE)
    ann.say("/switch")
    ann.hears("I have to go", "am I in?")
    bob.hears()


def test_a_locked_room_takes_nobody_until_it_is_unlocked(commands: Commands, relay: Relay) -> None:
    ann = commands.terminal("room", "--page", relay.url)
    is_waiting_at_terminal(ann)
    ann.say("/lock")
    ann.wait_until_said(f"pychat: {'. '.join(strings.ROOM_LOCKED)}")
    bob = commands.pipe("join", ann.link)
    assert bob.status() == Exit.NOT_CONNECTED
    assert bob.err.endswith(f"\npychat: {strings.NOT_LET_IN[Refusal.LOCKED]}\n")
    cleo = commands.terminal("join", ann.link)
    cleo.wait_until_said(f"pychat: {'. '.join(strings.ROOM_REFUSED[Refusal.LOCKED])}")
    ann.say("/lock")
    ann.is_connected()
    cleo.is_connected()


def test_a_new_link_is_told_and_the_former_one_leads_nowhere(
    commands: Commands, friend: MakeFriend, relay: Relay
) -> None:
    ann = commands.terminal("room", "--page", relay.url)
    bob = commands.pipe("join", ann.link)
    ann.is_connected()
    bob.is_connected()
    old = ann.link
    ann.say("/link")
    ann.wait_for(lambda: ann.link != old, "another link")
    bob.wait_until_said(f"pychat: {strings.RENEWED}\n{ann.link}\n")
    lost = friend()
    lost.enter(old)
    lost.expect_status(WAITING)
    cleo = commands.terminal("join", ann.link)
    cleo.wait_until_said(f"pychat: {'. '.join(strings.ROOM_REFUSED[Refusal.FULL])}")
    both = ["still connected", "both ways"]
    ann.say(both[0])
    bob.hears(both[0])
    bob.say(both[1])
    ann.hears(both[1])
    bob.end_input()
    assert bob.status() == Exit.DONE
    cleo.is_connected()
    lost.expect_alone()


def test_a_link_that_is_pasted_changes_no_page_but_its_own_room_s(commands: Commands, relay: Relay) -> None:
    page, other = "https://chat.example/", relay.url
    away = commands.terminal("room", "--page", other)
    ann = commands.terminal("join", "--page", page, columns=180, rows=60)
    ann.wait_for_input("Their invite: ")
    ann.take(f"{other}#no-code-at-all-but-a-link")
    ann.wait_until_said(strings.CODE_PROBLEMS[CodeProblem.MISTYPED])
    former = away.link
    ann.take(former)
    ann.is_connected()
    assert "Send this" not in ann.text  # whoever has come by a link need not be shown it
    ann.say("/link")
    ann.wait_until_shown("pychat: Send this link to one person:")
    assert ann.links[-1].startswith(f"{other}#F")
    assert ann.links[-1] != former
    away.wait_for(lambda: ann.links[-1] == away.link, "the new link")


def test_an_invite_after_a_link_to_another_page_names_one_s_own(
    commands: Commands, friend: MakeFriend, relay: Relay
) -> None:
    page, other = "https://chat.example/", relay.url
    ann = commands.terminal("join", "--page", page, columns=180, rows=60)
    bob = friend()
    ann.wait_for_input("Their invite: ")
    ann.take(f"{other}#{bob.make_invite()}")
    ann.wait_for_row(f"{page}#{ann.code}")
    bob.paste(ann.code)
    ann.is_connected()
    bob.leave()
    ann.wait_for_bottom("ended")
    ann.say("/invite")
    ann.wait_until_shown(f"{page}#E")
    assert other not in ann.text.partition("pychat: They left.")[2]


# The relay.


def test_while_there_is_no_way_to_the_relay_it_waits_and_says_so_once(
    commands: Commands, start_relay: StartRelay
) -> None:
    relay = start_relay()
    relay.stop()
    ann = commands.pipe("room", "--page", relay.url)
    bob = commands.terminal("room", "--page", relay.url)
    cleo, dan = commands.pipe("join", ann.link), commands.terminal("join", bob.link)
    ann.wait_until_said(AWAY)
    cleo.wait_until_said(AWAY)
    for terminal in (bob, dan):
        terminal.wait_until_said("pychat: Can’t reach the server. Trying again…")
    again(start_relay, relay)
    for command in (ann, bob, cleo, dan):
        command.is_connected()
    both_talk(ann, cleo, "at last")
    for command in (ann, cleo):
        assert command.err.count(AWAY) == 1
    for terminal in (bob, dan):
        assert terminal.said("Can’t reach the server.") == 1


def test_a_page_without_a_relay_is_waited_for_until_it_is_interrupted(
    commands: Commands, start_relay: StartRelay
) -> None:
    page = start_relay("--no-relay").url
    ann = commands.pipe("room", "--page", page)
    bob = commands.pipe("join", ann.link)
    for command in (ann, bob):
        command.wait_until_said(AWAY)
        command.interrupt()
        assert command.status() == Exit.INTERRUPTED


def test_a_relay_that_starts_anew_has_those_who_wait_back_by_itself(
    commands: Commands, friend: MakeFriend, start_relay: StartRelay
) -> None:
    relay = start_relay(PYCHAT_RELAY_RETURN_SECONDS="1")
    ann = commands.pipe("room", "--page", relay.url)
    bob = commands.terminal("room", "--page", relay.url)
    is_waiting(ann)
    is_waiting_at_terminal(bob)
    relay.stop()
    ann.wait_until_said(": ".join(strings.ROOM_AWAY[Trouble.RETURNING]))
    bob.wait_until_said(". ".join(strings.ROOM_AWAY[Trouble.RETURNING]))
    again(start_relay, relay)
    is_waiting(ann, 2)
    is_waiting_at_terminal(bob, 2)
    for one in (ann, bob):
        other = friend()
        other.enter(one.link)
        other.expect_state("open")
        other.say("here I am")
        one.hears("here I am")


def test_who_is_connected_does_not_notice_that_the_relay_is_gone(
    commands: Commands, friend: MakeFriend, start_relay: StartRelay
) -> None:
    relay = start_relay()
    ann, bob = connect(commands, relay.url)
    cleo = commands.terminal("room", "--page", relay.url)
    dan = friend()
    dan.enter(cleo.link)
    cleo.is_connected()
    for command in (ann, bob):
        command.wait_until_said("as a number")  # the last that there is to say
    said = ann.err, bob.err, cleo.said("relay")
    relay.stop()
    both_talk(ann, bob, "still here")
    dan.say("and we")
    cleo.hears("and we")
    cleo.say("yes")
    dan.hears("yes")
    assert (ann.err, bob.err, cleo.said("relay")) == said
    ann.end_input()
    assert (ann.status(), bob.status()) == (Exit.DONE, Exit.DONE)


# How it ends.


@pytest.mark.parametrize("connected", [False, True], ids=["waiting", "connected"])
def test_interrupted_it_says_good_bye(commands: Commands, friend: MakeFriend, relay: Relay, connected: bool) -> None:
    ann, bob = commands.pipe("room", "--page", relay.url), friend()
    is_waiting(ann)
    if connected:
        bob.enter(ann.link)
        ann.is_connected()
        bob.expect_state("open")
    ann.interrupt()
    assert ann.status() == Exit.INTERRUPTED
    if connected:
        bob.expect_left()


def test_in_a_terminal_the_room_stays_when_the_other_one_leaves(commands: Commands, relay: Relay) -> None:
    ann = commands.terminal("room", "--page", relay.url)
    is_waiting_at_terminal(ann)
    bob = commands.terminal("join", ann.link)
    for terminal in (ann, bob):
        terminal.is_connected()
    ann.say("hello Bob")
    bob.hears("hello Bob")
    bob.say("hello Ann")
    ann.hears("hello Ann")
    bob.write(CTRL_C)
    assert bob.status() == Exit.DONE
    ann.wait_until_said(f"pychat: They left. {strings.ROOM_STAYS}")
    cleo = commands.terminal("join", ann.link)
    cleo.is_connected()
    ann.wait_until_said(IS_SOMEBODY_ELSE)
    ann.say("/switch")
    ann.wait_for_bottom("connected")
    ann.say("hello Cleo")
    cleo.hears("hello Cleo")
    ann.write(CTRL_C)
    assert ann.status() == Exit.DONE
    assert ann.is_as_before()
    assert bob.is_as_before()
    cleo.wait_until_said(f"pychat: They left. {strings.ROOM_STAYS}")


def test_whom_one_knows_carries_the_conversation_on(
    commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path
) -> None:
    """What was written while waiting goes to them, though their conversation is another one than that of the room."""
    ann, bob = commands.terminal("room", "--page", relay.url), friend("Bob", folder=tmp_path / "Bob")
    for visit in (1, 2):
        ann.say(f"written before visit {visit}")
        ann.wait_above_input(f"You: written before visit {visit} (waiting)")
        bob.again().enter(ann.link)
        bob.hears(f"written before visit {visit}")
        bob.say(f"visit {visit}")
        ann.wait_until_shown(f"<Bob>: visit {visit}")
        bob.leave()
        ann.wait_until_said("pychat: They left.")
        ann.wait_for(lambda n=visit: ann.said("pychat: They left.") == n, "a good-bye")  # type: ignore[misc]
    assert not ann.said("somebody else")


def test_a_pipe_waits_for_the_same_person_and_ends_when_it_is_somebody_else(
    commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path
) -> None:
    """That the first one was killed is noticed after some seconds here, elsewhere after half a minute."""

    def meet(name: str, first: str) -> tuple[Command, Friend]:
        ann = commands.pipe("room", "--page", relay.url, constants=SOON_GIVEN_UP)
        other = commands.pipe("join", ann.link, folder=tmp_path / f"{name} {first}")
        ann.is_connected()
        other.kill()
        ann.say("are you there?")
        back = friend(folder=tmp_path / f"{name} back" / "pychat")
        back.enter(ann.link)
        return ann, back

    ann, same = meet("same", "back")
    eve, other = meet("other", "gone")
    same.hears("are you there?")
    same.say("I am back")
    ann.hears("I am back")
    assert eve.status() == Exit.NOT_DELIVERED
    assert eve.err.endswith(
        f"pychat: {': '.join(strings.ENDINGS[CloseReason.REPLACED])} One message is not delivered.\n"
    )
    other.expect_status("They left")  # maybe before they said who they are: then the room is still theirs to wait in
    other.hears()


def test_who_is_killed_and_started_again_at_once_is_taken_in(commands: Commands, relay: Relay, tmp_path: Path) -> None:
    ann = commands.terminal("room", "--page", relay.url)
    for visit in range(3):  # the last one is no longer known by its path being lost
        bob = commands.pipe("join", ann.link, folder=tmp_path / "bob")
        bob.is_connected()
        bob.say(f"visit {visit}")
        ann.wait_until_shown(f"visit {visit}")
        bob.kill()
        bob.process.wait()
    bob = commands.pipe("join", ann.link, folder=tmp_path / "bob")
    bob.is_connected()
    both = ["still the same", "and known"]
    ann.say(both[0])
    bob.hears(both[0])
    bob.say(both[1])
    ann.wait_until_shown(both[1])
    assert not ann.said(IS_SOMEBODY_ELSE)


def test_a_second_program_of_the_same_person_is_told_and_can_have_the_seat(
    commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path
) -> None:
    ann = friend(page=relay.url)
    link = room_of(ann, relay)
    bob = commands.terminal("join", link, folder=tmp_path / "bob")
    bob.is_connected()
    script = commands.pipe("join", link, folder=tmp_path / "bob")
    assert script.status() == Exit.NOT_CONNECTED
    assert script.err.endswith(f"\npychat: {strings.NOT_LET_IN[Refusal.ELSEWHERE]}\n")
    told = f"pychat: {'. '.join(strings.ROOM_REFUSED[Refusal.ELSEWHERE])}"
    other = commands.terminal("join", link, folder=tmp_path / "bob")
    other.wait_until_said(told)
    assert not bob.said(told)
    other.say("/here")
    other.is_connected()
    bob.wait_until_said(told)
    ann.say("where are you?")
    other.hears("where are you?")
    bob.say("/here")
    bob.hears("where are you?")


def test_a_terminal_and_a_pipe_meet(commands: Commands, relay: Relay) -> None:
    for open_room, join in ((commands.terminal, commands.pipe), (commands.pipe, commands.terminal)):
        meet(open_room("room", "--page", relay.url), join)


def meet(ann: Command, join: Any) -> None:
    bob: Command = join("join", ann.link)
    ann.is_connected()
    bob.is_connected()
    ann.say("hello Bob")
    bob.hears("hello Bob")
    bob.say("hello Ann")
    ann.hears("hello Ann")
