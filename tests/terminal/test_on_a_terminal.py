"""The command on a terminal: what a person sees while they type, paste, resize the window and leave."""

from __future__ import annotations

import asyncio
import re
import signal
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import segno

from pychat.client import Peer
from pychat.core.errors import CodeProblem
from pychat.core.link import CloseReason
from pychat.core.log import MAX_TEXT
from pychat.ui import strings
from tests.friend import Friend, MakeFriend
from tests.terminal.command import IS_SOMEBODY_ELSE, SOON_GIVEN_UP, Commands, Terminal
from tests.terminal.stranger import NEWER_HELLO, run, stranger
from tests.traces import TO_INVITE_AND_TALK, check_order, check_trace

DONE, USAGE, NOT_DELIVERED, INTERRUPTED = 0, 2, 5, 130

CTRL_C, CTRL_D = "\x03", "\x04"
HALVES = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}


def invite(commands: Commands, bob: Friend, *flags: str, **options: Any) -> Terminal:
    """A terminal at which Ann has invited Bob; the two are connected."""
    ann = commands.terminal("invite", *flags, **options)
    ann.take(bob.answer(ann.code))
    ann.is_connected()
    bob.expect_state("open")
    return ann


# The codes.


def drawn(terminal: Terminal) -> list[list[bool]]:
    """The modules of the QR code on the screen, without the quiet zone around it."""
    rows = []
    for row in terminal.cells:
        cells = [cell for cell in row if (cell.fg, cell.bg) == ("000000", "ffffff")]
        if cells:
            upper, lower = zip(*(HALVES[cell.data] for cell in cells), strict=True)
            rows += [list(upper), list(lower)]
    size = len(rows[0]) - 4
    assert not any(map(any, rows[:2] + rows[size + 2 :]))
    assert not any(any(row[:2] + row[-2:]) for row in rows)
    return [row[2:-2] for row in rows[2 : size + 2]]


def modules(text: str) -> list[list[bool]]:
    return [list(map(bool, row)) for row in segno.make(text, error="l", micro=False).matrix]


def test_an_invite_is_shown_as_text_and_as_a_qr_code(commands: Commands) -> None:
    ann = commands.terminal("invite")
    code = ann.code
    ann.wait_for_input("Their reply: ")
    assert drawn(ann) == modules(code)
    ann.wait_until_shown("pychat: Send this, then paste their answer. An invite is for one person. ")
    ann.wait_for_bottom("… Signaling  · Connecting  · Securing  · Communicating  waiting  /help")


def test_a_reply_is_shown_in_the_same_way(commands: Commands, friend: MakeFriend) -> None:
    ann = friend()
    bob = commands.terminal("join")
    bob.wait_for_input("Their invite: ")
    bob.take(ann.make_invite())
    reply = bob.code
    bob.wait_for_input("You: ")
    assert drawn(bob) == modules(reply)
    ann.paste(reply)
    bob.is_connected()


def test_with_a_page_the_code_is_a_link_and_there_is_one_thing_to_send(commands: Commands) -> None:
    page = "https://chat.example/"
    ann = commands.terminal("invite", "--page", page, columns=180, rows=60)
    bob = commands.terminal("join", ann.code, "--page", page, columns=180, rows=60)
    for terminal, what in ((ann, "Send this link to one person:"), (bob, "Send this back to them:")):
        link = f"{page}#{terminal.code}"
        terminal.wait_for_row(link)
        at = terminal.rows.index(link)
        assert terminal.rows[at - 1] == f"pychat: {what}"
        assert terminal.text.count(terminal.code) == 1
        assert drawn(terminal) == modules(link)


@pytest.mark.parametrize(("columns", "rows"), [(40, 50), (100, 20)])
def test_without_room_for_the_qr_code_the_text_can_still_be_copied_whole(
    commands: Commands, friend: MakeFriend, columns: int, rows: int
) -> None:
    ann = commands.terminal("invite", columns=columns, rows=rows)
    code = ann.code
    ann.wait_for_input("Their reply: ")
    assert "█" not in ann.text
    # The terminal itself has broken it, so it knows that the rows are one line.
    assert code.encode() in ann.written
    ann.take(friend().answer(code))
    ann.is_connected()


def test_a_reply_is_pasted_in_lines_and_waits_for_enter(commands: Commands, friend: MakeFriend) -> None:
    ann, bob = commands.terminal("invite"), friend()
    reply = bob.answer(ann.code)
    half = len(reply) // 2
    ann.paste(f"Here it is:\n> {reply[:half]}\n> {reply[half:]}\n")
    ann.wait_until_shown(reply[half:])
    ann.wait_for_bottom("… Signaling  · Connecting  · Securing  · Communicating  waiting  /help")
    ann.write("\r")
    ann.wait_for_bottom("Not verified: <Guest ")
    ann.say("the first message")
    bob.hears("the first message")


def test_a_wrong_code_is_said_and_the_right_one_works(commands: Commands) -> None:
    ann = commands.terminal("invite")
    code = ann.code
    bob = commands.terminal("join", "no code at all")
    bob.wait_until_said(f"pychat: {strings.CODE_PROBLEMS[CodeProblem.NOT_A_CODE]}")
    bob.wait_for_input("Their invite: ")
    bob.take(code[:-5])
    bob.wait_until_said(f"pychat: {strings.CODE_PROBLEMS[CodeProblem.CUT_SHORT]}")
    bob.take(code)
    reply = bob.code
    for times in (1, 2):  # each time it is said anew
        ann.take(code)
        ann.wait_for(lambda n=times: ann.said(strings.CODE_PROBLEMS[CodeProblem.OWN_INVITE]) == n, "what is wrong")  # type: ignore[misc]
    ann.wait_for_input("Their reply: ")
    ann.take(reply)
    ann.is_connected()
    bob.is_connected()
    ann.say("hello")
    bob.hears("hello")
    bob.say("hello you")
    ann.hears("hello you")


def test_somebody_who_speaks_another_version_is_said_and_a_new_invite_works(
    commands: Commands, friend: MakeFriend
) -> None:
    ann = commands.terminal("invite")

    async def meet() -> None:
        first = ann.code
        async with stranger(first, NEWER_HELLO, greets=False) as reply:
            ann.take(reply)
            await asyncio.to_thread(ann.wait_until_said, "pychat: Versions differ. The other side speaks another")

    run(meet())
    ann.wait_for_bottom("ended")
    first = ann.code
    ann.say("/invite")
    ann.take(friend().answer(ann.next_code(first)))
    ann.is_connected()


# Messages.


def test_two_terminals_talk(commands: Commands) -> None:
    ann = commands.terminal("invite", prepared=None)
    bob = commands.terminal("join", ann.code, prepared=None)
    bob.say("written before")
    bob.wait_above_input("You: written before (waiting)")
    ann.take(bob.code)
    ann.is_connected()
    bob.is_connected()
    ann.hears("written before")
    ann.say("hello Bob")
    bob.hears("hello Bob")
    bob.say("two words")
    ann.hears("written before", "two words")
    ann.wait_until_shown("You: hello Bob")
    bob.wait_until_shown("You: two words")
    bob.wait_until_gone("(waiting)")
    bob.wait_for_row("You: written before")
    bob.write(CTRL_D)
    assert bob.status() == DONE
    ann.wait_until_said("pychat: They left. The other side closed pychat or left.")
    ann.write(CTRL_C)
    assert ann.status() == DONE
    assert ann.is_as_before()
    assert bob.is_as_before()


def test_what_arrives_does_not_break_the_line_one_types(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    ann.write("half a")
    ann.wait_for_input("You: half a")
    bob.say("one")
    bob.say("two")
    ann.hears("one", "two")
    ann.wait_for_input("You: half a")
    ann.write(" sentence\x1b[D\x1b[D")  # and two steps to the left
    ann.wait_for_input("You: half a senten")
    bob.say("three")
    ann.hears("one", "two", "three")
    ann.wait_for_input("You: half a senten")
    ann.write("\x1b[C\x1b[C!\r")
    bob.hears("half a sentence!")
    ann.wait_above_input("You: half a sentence!")


def test_what_is_not_delivered_stands_above_the_line_with_its_state(commands: Commands) -> None:
    ann = commands.pipe("invite")
    bob = commands.terminal("join", ann.code)
    reply = bob.code
    for number in range(1, 6):
        bob.say(f"number {number}")
    bob.wait_above_input("… 2 more", *(f"You: number {number} (waiting)" for number in (3, 4, 5)))
    ann.take(reply)
    ann.hears(*(f"number {n}" for n in range(1, 6)))
    bob.wait_above_input(*(f"You: number {number}" for number in range(1, 6)))
    ann.process.send_signal(signal.SIGSTOP)  # what is sent now is not answered
    bob.say("are you there?")
    bob.wait_above_input("You: are you there? (sent)")
    ann.process.send_signal(signal.SIGCONT)
    bob.wait_above_input("You: are you there?")
    ann.lines(6)


def test_a_window_may_change_its_size_while_one_types(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    ann.write("half a sentence")
    ann.wait_for_input("You: half a sentence")
    for columns in (60, 30, 120):
        ann.resize(columns, 50)
        bob.say(f"{columns} columns {'and more ' * 8}")
        ann.wait_until_said(f": {columns} columns")
        rows = ann.rows_above("You: half a sentence")
        first = next(i for i, row in enumerate(rows) if f": {columns} columns" in row)
        assert all(len(row) <= columns for row in rows[first:])
        assert all(row.startswith("    ") for row in rows[first + 1 :])
        assert (len(rows) - first > 1) == (columns < 120)
    ann.say(" to its end")
    bob.hears("half a sentence to its end")


@pytest.mark.slow
def test_a_thousand_messages_arrive_while_one_types(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    texts = [f"number {number}" for number in range(1000)]
    bob.say(*texts)
    for text in texts[:100]:
        ann.say(text)
    ann.hears(*texts)
    bob.hears(*texts[:100])
    ann.wait_for(lambda: "You: number 99" in ann.above_input, "the last of one's own")
    rows = ann.rows_above("You: ")
    assert [row for row in rows if row.startswith("You: ")] == [f"You: {text}" for text in texts[:100]]


def test_a_long_text_of_many_scripts_is_shown_whole(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    text = (
        "The quick brown fox, быстрая лиса, 敏捷的狐狸, الثعلب السريع, השועל המהיר, 👋🏽👨‍👩‍👧, Z\u0335\u0301. " * 200
    )[:MAX_TEXT]
    bob.say(text)
    bob.say("the end")
    ann.wait_until_shown(": the end")
    rows = ann.rows
    first = next(i for i, row in enumerate(rows) if row.startswith("<Guest "))
    last = next(i for i, row in enumerate(rows) if row.endswith(": the end"))
    assert all(row.startswith("    ") for row in rows[first + 1 : last])
    shown = "".join(rows[first:last]).partition(": ")[2]
    assert visible(shown) == visible(text)
    ann.paste(text)
    ann.write("\r")
    bob.hears(text.rstrip())


def visible(text: str) -> str:
    """What the tests' terminal shows of a text: it joins nothing, and puts accents together with their letters."""
    apart = unicodedata.normalize("NFD", text)
    return "".join(char for char in apart if char not in " \u200d" and not unicodedata.combining(char))


HOSTILE = [
    "\x1b[2J\x1b[H\x1b[31mred",
    "\x1b]0;title\x07\x1b]52;c;aGVsbG8=\x07\x1bP$q q\x1b\\",
    "\x1b[6n\x1b[5n\x1b[c\x05\x1b[>c\x1b[14t",
    "\x9b2J\x9d0;title\x9c\x90q\x9c",
    "\x1b[?7h\x1b[?1049h\x1b[?2004l\x1bc",
    "a line\rYou: I owe you 1000 euros",
    "a line\nYou: I owe you 1000 euros\n\n\nYou: I do",
    "\b" * 40 + "You: deleted",
    "\x0b\x0c\x85\u2028\u2029You: next line",
    "\u202eesrever\u2066 never closed",
    "\x7f\x00\x0e\x0f\x18\x1a\x11\x13",
    "👨\u200d" * 70 + "You: emoji",
    "\u3164" * 44 + "You: at the left edge where these are shown",
    "x" * 88 + "You: no space before",
    "\t" * 30 + "You: tabs",
    "Z" + "\u0301" * 300,
]


def test_a_hostile_message_changes_nothing_outside_its_own_paragraph(commands: Commands) -> None:
    ann = commands.terminal("invite")

    async def meet() -> None:
        async with Peer() as mallory:
            chat = await mallory.join(ann.code)
            ann.take(chat.code)
            await chat.opened()
            await asyncio.to_thread(ann.wait_until_said, "pychat: Connected. What you write")
            ann.write("half a sentence")
            before = await asyncio.to_thread(ann.rows_above, "You: half a sentence")
            for text in HOSTILE:
                chat.send(text)
            chat.send("the end")
            await asyncio.to_thread(ann.wait_until_shown, ": the end")
            rows = await asyncio.to_thread(ann.rows_above, "You: half a sentence")
            assert rows[: len(before)] == before
            after = rows[len(before) :]
            assert sum(row.startswith("<Guest ") for row in after) == len(HOSTILE) + 1
            assert all(row.startswith(("<Guest ", "    ")) or row == "" for row in after)
            await asyncio.to_thread(ann.wait_for_bottom, "Not verified: <Guest ")
            assert all(reply.endswith("R") for reply in ann.replies)  # where the cursor is, and nothing else
            ann.say(", finished")
            async for message in chat:
                assert message.text == "half a sentence, finished"
                break

    run(meet())


def test_a_message_has_the_styles_that_it_asks_for(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    bob.say("**strong** ~~gone~~\n- https://a.example/")
    ann.hears("strong gone")
    ann.wait_for_row("    • https://a.example/")
    shown = [cell for row in ann.cells for cell in row]
    assert "".join(cell.data for cell in shown if cell.strikethrough) == "gone"
    assert "".join(cell.data for cell in shown if cell.underscore) == "https://a.example/"
    assert "strong" in "".join(cell.data for cell in shown if cell.bold)


SPEAKING = [
    "pychat: Verified. Send what you like",
    "Bob>: hi  pychat: Verified: <Bob>. You have checked who this is",
    "✓ <Bob> verified  connected  /help " + "x" * 29,
    "你" * 64,
]


@pytest.mark.parametrize("columns", [100, 20])
@pytest.mark.parametrize("name", SPEAKING)
def test_a_name_cannot_speak_as_pychat_nor_push_its_badge_away(
    commands: Commands, friend: MakeFriend, name: str, columns: int
) -> None:
    ann, bob = commands.terminal("invite", columns=columns), friend(name)
    ann.take(bob.answer(ann.code))
    ann.wait_for_bottom("Not verified: <")
    bob.say("hello " * 20)
    bob.say("the end")
    ann.wait_until_shown(": the end")
    code = ann.code
    for row in ann.rows_above("You: "):
        assert row.startswith(("pychat: ", "    ", "<")) or row in code or not row.strip("▀▄█ "), row
        assert not row.startswith(("pychat: Verified", "pychat: hi")), row
        assert "> Verified" not in row
    ann.wait_for(lambda: ann.bottom.startswith("Not verified: <"), "the badge, whole")


# Commands.


def test_commands(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    ann.say("/help")
    ann.wait_until_said("A code is recognised where one is wanted.")
    for command in ("/help", "/details", "/invite", "/quit", "/reply 3 Yes", "/react 3 👍", "/name Ann"):
        assert any(row.startswith(f"pychat: {command} ") for row in ann.rows)
    for group in ("What is said", "Who is there", "Others", "The connection", "This program"):
        assert f"pychat: {group}:" in ann.rows
    ann.say("/details")
    ann.wait_until_shown("pychat: Their fingerprint:")
    for row in ("pychat: Path: On the local network", "pychat: Traffic: ", "pychat: Your fingerprint:"):
        assert any(shown.startswith(row) for shown in ann.rows)
    ann.say("/invite")
    ann.wait_until_said("pychat: The connection has not ended: there is no need for a new invite.")
    ann.say("/unknown command")
    ann.wait_until_said(
        "pychat: There is no command /unknown. There are /reply, /react, /edit, /retract, /delete, /search,"
    )
    ann.wait_until_said("/details, /help, /quit; /help says what they do. Two // begin a message with one.")
    ann.say("//help is a command")
    ann.say("   ")
    ann.say("  and this has spaces before it")
    bob.hears("/help is a command", "  and this has spaces before it")
    ann.wait_for_row("You:   and this has spaces before it")  # without “(sent)”, so it is delivered
    ann.say("/quit")
    assert ann.status() == DONE
    bob.expect_left()


def test_after_an_end_a_new_invite_carries_on_and_brings_what_waited(commands: Commands) -> None:
    ann = commands.terminal("invite")

    async def meet() -> None:
        async with Peer() as bob, Peer() as cleo:
            chat = await bob.join(ann.code)
            ann.take(chat.code)
            await chat.opened()
            chat.send("before")
            await asyncio.to_thread(ann.hears, "before")
            chat.close()
            await asyncio.to_thread(ann.wait_until_said, "pychat: They left. The other side closed pychat or left.")
            ann.say("for Bob alone")
            await asyncio.to_thread(ann.wait_until_shown, "You: for Bob alone (waiting)")

            # Somebody else answers the next invite.
            old = ann.code
            ann.say("/invite")
            with_cleo = await cleo.join(await asyncio.to_thread(ann.next_code, old))
            ann.take(with_cleo.code)
            await with_cleo.opened()
            await asyncio.to_thread(ann.wait_until_said, IS_SOMEBODY_ELSE)
            ann.say("for Bob, too")
            ann.say("/switch")
            await asyncio.to_thread(ann.wait_for_bottom, "connected")
            ann.say("for Cleo")
            async for message in with_cleo:
                assert message.text == "for Cleo"
                break
            with_cleo.close()
            await asyncio.to_thread(ann.wait_for_bottom, "ended")

            # Bob invites, and his conversation goes on.
            chat = await bob.invite()
            old = ann.code
            ann.take(chat.code)
            await chat.accept(await asyncio.to_thread(ann.next_code, old))
            async for message in chat:
                assert message.text == "for Bob alone"
                break
            async for message in chat:
                assert message.text == "for Bob, too"
                break
            await asyncio.to_thread(ann.wait_until_gone, "(waiting)")
            await asyncio.to_thread(ann.wait_for_row, "You: for Bob alone")

    run(meet())


# How it ends.


def test_leaving_with_something_undelivered_is_asked_about_once(commands: Commands, friend: MakeFriend) -> None:
    bob = commands.terminal("join", friend().make_invite())
    assert bob.code
    bob.say("one")
    bob.say("two")
    bob.wait_until_shown("You: two (waiting)")
    bob.write(CTRL_C)
    bob.wait_until_said("pychat: 2 messages are not delivered. Ctrl-C once more leaves all the same.")
    bob.say("three")  # it is no longer meant
    bob.wait_until_shown("You: three (waiting)")
    bob.write(CTRL_D)
    bob.wait_until_said("pychat: 3 messages are not delivered. Ctrl-C once more leaves all the same.")
    assert bob.process.poll() is None
    bob.write(CTRL_C)
    assert bob.status() == NOT_DELIVERED
    assert [row for row in bob.rows if row][-1] == "pychat: 3 messages are not delivered."
    assert bob.is_as_before()


def test_a_signal_leaves_the_terminal_as_it_was(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    ann.write("half a sentence")
    ann.wait_for_input("You: half a sentence")
    ann.interrupt(signal.SIGTERM)
    assert ann.status() == INTERRUPTED
    assert ann.is_as_before()
    bob.expect_left()


def test_a_window_that_is_closed_says_good_bye(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    ann.hang_up()
    bob.expect_left()
    ann.process.wait()


@pytest.mark.slow
def test_a_peer_that_was_killed_is_noticed(commands: Commands) -> None:
    """With the patience of half a minute, after which a peer is given up that has gone silent, cut to some seconds."""
    ann = commands.terminal("invite", constants=SOON_GIVEN_UP)
    bob = commands.pipe("join", ann.code)
    cleo = commands.pipe("invite", constants=SOON_GIVEN_UP)
    dan = commands.terminal("join", cleo.code)
    for one, other in ((ann, bob), (cleo, dan)):
        one.take(other.code)
        one.is_connected()
        other.is_connected()
    for one, other in ((ann, bob), (cleo, dan)):
        other.kill()
        one.say("are you there?")
    endings = [
        strings.ENDINGS[ending] for ending in (CloseReason.PATH_LOST, CloseReason.CHANNEL_CLOSED)
    ]  # whichever shows first
    assert cleo.status() == NOT_DELIVERED
    last = cleo.err.splitlines()[-1]
    assert last in [f"pychat: {headline}: {rest} One message is not delivered." for headline, rest in endings]
    ann.wait_for(lambda: any(ann.said(f"pychat: {headline}. {rest}") for headline, rest in endings), "the end")
    ann.wait_for_bottom("✗ Communicating  ended")
    ann.wait_above_input("You: are you there? (waiting)")


# Messages.


def noted(terminal: Terminal, text: str) -> str:
    """The row of a message that begins with this, once it is there and has its number."""
    found: list[str] = []

    def is_there() -> bool:
        found[:] = [row for row in terminal.noted_rows if row.startswith(text) and re.search(r"#\d+$", row)]
        return bool(found)

    terminal.wait_for(is_there, f"“{text}” with its number")
    return found[-1]


def test_a_message_has_its_time_a_number_and_a_mark_when_it_is_delivered(
    commands: Commands, friend: MakeFriend
) -> None:
    bob = friend("Bob")
    ann = invite(commands, bob, columns=80)
    bob.say("hello", "x" * 72, "x" * 180)
    ann.say("hello Bob")
    clock = r"(\d\d:\d\d)"
    assert re.fullmatch(rf"<Bob>: hello +{clock} #1", noted(ann, "<Bob>: hello"))
    assert re.fullmatch(rf"You: hello Bob +{clock} ✓ #4", noted(ann, "You: hello Bob"))
    first, below, *rows = ann.noted_rows[ann.noted_rows.index(f"<Bob>: {'x' * 72}") :][:5]
    assert re.fullmatch(rf" +{clock} #2", below), first  # there is no room in the row
    assert re.fullmatch(rf"    x+ +{clock} #3", rows[-1])
    assert {len(row) for row in ann.noted_rows if re.search(r"#\d$", row)} == {80}


def test_messages_are_answered_reacted_to_edited_and_deleted_by_their_numbers(
    commands: Commands, friend: MakeFriend
) -> None:
    bob = friend("Bob")
    ann = invite(commands, bob)
    bob.say("tea or coffee?", "milk?")
    noted(ann, "<Bob>: milk?")
    for number, text in ((3, "helo"), (4, "bye")):
        ann.say(text)
        assert noted(ann, f"You: {text}").endswith(f"#{number}")
    ann.say("/reply 1 tea")
    ann.wait_until_shown("You: > tea or coffee?")
    ann.say("/reply 2")  # that is an answer to the last one
    ann.wait_until_shown("You: > milk?")
    bob.hears("helo", "bye", "tea", "2")
    ann.say("/react 1 👍")
    assert noted(ann, "You: 👍 (to “tea or coffee?”)").endswith("✓ #1")
    ann.say("/react #2 +1")
    assert noted(ann, "You: +1 (to “milk?”)").endswith("✓ #2")
    assert bob.reactions == ["👍", "+1"]
    ann.say("/react 1")
    noted(ann, "You: no 👍 any more")
    assert bob.reactions == ["+1"]
    ann.say("/edit 1 yours")
    ann.wait_until_said("pychat: There is no such message of yours here.")
    ann.say("/edit 3 hello")
    assert noted(ann, "You: hello (edited)").endswith("#3")
    ann.say("/retract 1")
    ann.wait_until_said("pychat: There is no such message here that can be deleted.")
    ann.say("/retract 4")
    ann.wait_until_said("/retract alone deletes it")
    ann.say("/retract")
    ann.wait_until_said("pychat: Deleted for both.")
    ann.say("/delete 2")
    ann.wait_until_said("<Bob>, ")
    ann.say("/delete")
    ann.wait_until_said("pychat: Deleted on this device.")
    ann.say("/reply #4 what?")
    ann.wait_until_said("pychat: There is no message of theirs here to answer")
    ann.say("/reply 77 days")  # no message has this number: it is what is said
    ann.wait_until_shown("77 days")
    ann.say("/reply #77 days")  # but this is a number
    ann.say("the end")
    bob.hears("helo", "bye", "tea", "2", "77 days", "the end")
    assert bob.texts == ["tea or coffee?", "milk?", "hello", "tea", "2", "77 days", "the end"]


def test_a_name_has_the_same_colour_each_time(commands: Commands, friend: MakeFriend, tmp_path: Path) -> None:
    colours = []
    for _ in range(2):
        bob = friend("Bob", folder=tmp_path / "bob")
        ann = invite(commands, bob)
        bob.say("hello")
        noted(ann, "<Bob>: hello")
        row = next(row for row in ann.cells if "".join(cell.data for cell in row).startswith("<Bob>: hello"))
        assert {cell.fg for cell in row[:6]} == {row[0].fg}
        colours.append(row[0].fg)
        assert row[8].fg == "default"
    assert colours[0] == colours[1] != "default"


# Terminals that can do less.


def test_without_colours_there_are_none(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob, environment={"NO_COLOR": "1"})
    bob.say("*hello*")
    ann.hears("*hello*")
    assert "█" not in ann.text
    assert {(cell.fg, cell.bg) for row in ann.cells for cell in row} == {("default", "default")}


def test_a_dumb_terminal_gets_lines(commands: Commands, friend: MakeFriend) -> None:
    ann, bob = commands.terminal("invite", environment={"TERM": "dumb"}), friend()
    ann.write(f"{bob.answer(ann.code)}\n")
    ann.wait_until_shown("pychat: Connected: ")
    bob.say("\x1b[2Jhello")
    ann.wait_until_shown("␛[2Jhello")
    ann.write("hello Bob\n")
    bob.hears("hello Bob")
    assert b"\x1b" not in ann.written
    ann.write(CTRL_D)
    assert ann.status() == DONE
    bob.expect_left()


# Seeing inside.


def test_a_trace_is_in_its_file_and_not_in_the_chat(commands: Commands, friend: MakeFriend, tmp_path: Path) -> None:
    path = tmp_path / "trace.log"
    ann, bob = commands.terminal("invite", "--name", "Annabel", "--trace", str(path)), friend()
    reply = bob.answer(ann.code)
    ann.take(reply)
    ann.is_connected()
    ann.say("something private")
    bob.hears("something private")
    ann.wait_until_shown("You: something private")
    ann.say("/quit")
    assert ann.status() == DONE
    lines = path.read_text("ascii").splitlines()
    check_order(lines, *TO_INVITE_AND_TALK)
    check_trace(lines, "Annabel", "something", "private", ann.code, reply)
    assert "link=" not in ann.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_trace_that_cannot_go_on_is_a_sentence_beside_the_chat(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob, "--trace", "/dev/full")
    ann.say("one")
    bob.hears("one")
    sentence = "pychat: The trace ends here, it cannot be written any more: No space left on device."
    ann.wait_until_said(sentence)
    ann.say("two")
    bob.hears("one", "two")
    assert ann.said(sentence) == 1


def test_a_trace_in_the_middle_of_the_chat_is_refused(commands: Commands) -> None:
    ann = commands.terminal("invite", "--trace", "-")
    assert ann.status() == USAGE
    assert "Give it a file: --trace FILE" in ann.text
