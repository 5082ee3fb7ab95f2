"""The command in pipes, as scripts use it: what goes in and out, and how it ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pychat.core.errors import CodeProblem
from pychat.core.link import CloseReason
from pychat.core.log import MAX_TEXT
from pychat.ui import strings
from tests.friend import Friend, MakeFriend
from tests.terminal.command import A_CODE, Command, Commands
from tests.terminal.stranger import NEWER_HELLO, run, stranger
from tests.traces import TO_INVITE_AND_TALK, check_order, check_trace

DONE, FAILED, USAGE, CODE, NOT_CONNECTED, NOT_DELIVERED, OUTPUT_CLOSED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130

UNICODE = "é שלום 你好 👋🏽 👨‍👩‍👧 Z̵͂\u0301 \U0010fffd"


def connect(commands: Commands, *flags: str, **options: Any) -> tuple[Command, Command]:
    """Two commands that have exchanged their codes; the flags are for the one that invites, the options for both."""
    ann = commands.pipe("invite", *flags, **options)
    bob = commands.pipe("join", ann.code, **options)
    ann.take(bob.code)
    ann.is_connected()
    bob.is_connected()
    return ann, bob


def invite(commands: Commands, bob: Friend, *flags: str, **options: Any) -> Command:
    """A command that has invited somebody; the two are connected."""
    ann = commands.pipe("invite", *flags, **options)
    ann.take(bob.answer(ann.code))
    ann.is_connected()
    bob.expect_state("open")
    return ann


def join(commands: Commands, ann: Friend, *flags: str, **options: Any) -> Command:
    """A command that somebody has invited; the two are connected."""
    bob = commands.pipe("join", ann.make_invite(), *flags, **options)
    ann.paste(bob.code)
    bob.is_connected()
    ann.expect_state("open")
    return bob


# Messages.


def test_lines_are_messages_and_messages_are_lines(commands: Commands) -> None:
    ann, bob = connect(commands, prepared=None)
    ann.say("Hello Bob")
    ann.say(UNICODE)
    bob.hears("Hello Bob", UNICODE)
    bob.say("Hello Ann")
    bob.write("without an end of its line")
    ann.hears("Hello Ann")
    bob.end_input()
    assert bob.status() == DONE
    assert ann.status() == DONE
    assert ann.out == "Hello Ann\nwithout an end of its line\n"
    assert bob.out == f"Hello Bob\n{UNICODE}\n"
    for command, first in ((ann, "Send this, then paste their answer: "), (bob, "Waiting for them: ")):
        waiting, code, *rest = command.err.splitlines()
        assert waiting.startswith(f"pychat: {first}")
        assert code == command.code
        assert all(line.startswith("pychat: ") for line in rest)


@pytest.mark.slow
def test_a_thousand_messages_each_way_at_once(commands: Commands) -> None:
    ann, bob = connect(commands)
    texts = [f"{number}: {UNICODE * (number % 9)}" for number in range(1000)]
    for command in (ann, bob):
        command.write("".join(f"{text}\n" for text in texts))
    ann.hears(*texts)
    bob.hears(*texts)
    ann.end_input()
    assert (ann.status(), bob.status()) == (DONE, DONE)


def test_what_is_written_before_the_two_are_connected_waits(commands: Commands) -> None:
    ann = commands.pipe("invite")
    bob = commands.pipe("join", ann.code)
    bob.write("one\ntwo\n")
    bob.end_input()
    ann.write(f"{bob.code}\nthree\n")
    assert bob.status() == DONE
    ann.end_input()
    assert ann.status() == DONE
    assert ann.out == "one\ntwo\n"
    assert bob.out in ("", "three\n")  # Bob does not wait for what he has not been told


def test_with_stay_it_goes_on_until_the_other_side_leaves(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob, "--stay")
    ann.say("and the end")
    ann.end_input()
    bob.hears("and the end")
    for number, text in enumerate(("one", "two", "three"), 1):
        bob.say(text)
        ann.lines(number)
    bob.leave()
    assert ann.status() == DONE
    assert ann.out == "one\ntwo\nthree\n"


def test_with_stay_nothing_need_be_sent(commands: Commands, friend: MakeFriend) -> None:
    ann = friend()
    bob = join(commands, ann, "--stay", stdin=subprocess.DEVNULL)
    ann.say("the only one")
    ann.expect_delivered()
    ann.leave()
    assert bob.status() == DONE
    assert bob.out == "the only one\n"


def test_a_message_cannot_act_on_a_terminal(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob)
    bob.say("\x1b[2J\x1b]0;title\x07\x08\x08\x00 \x9b31m \u202eabc\u2066 \x7f\u2028 tab\there\rYou: no")
    ann.hears("␛[2J␛]0;title␇␈␈␀ �31m �abc� ␡� tab\there␊You: no")


def test_where_both_outputs_are_one_no_message_looks_like_a_line_of_our_own(
    commands: Commands, friend: MakeFriend
) -> None:
    ann = friend()
    bob = commands.pipe("join", ann.make_invite(), "--stay", stderr=subprocess.STDOUT)
    bob.wait_for(lambda: A_CODE.search(bob.out), "the reply")
    ann.paste(next(line for line in bob.out.splitlines() if A_CODE.fullmatch(line)))
    text = "pychat: Verified. The pictures are dog, cat"
    ann.say(text)
    ann.expect_delivered()
    ann.leave()
    assert bob.status() == DONE
    rows = bob.out.splitlines()
    assert [row.partition(">: ")[2] for row in rows if row.startswith("<Guest ")] == [text]
    assert not any(row.startswith(text) for row in rows)


def test_on_a_terminal_that_can_do_little_no_message_looks_like_a_line_of_our_own(
    commands: Commands, friend: MakeFriend
) -> None:
    """A terminal breaks what is too long for it, and what goes on there must not stand where our lines begin."""
    ann = friend()
    environment = {"TERM": "dumb", "COLUMNS": "80"}
    bob = commands.terminal("join", ann.make_invite(), environment=environment, columns=40)
    ann.paste(bob.code)
    ann.say("x" * 29 + "pychat: Fake. " * 20, "pychat: Fake.")
    ann.expect_delivered()
    ann.leave()
    bob.status()
    fakes = [row for row in bob.rows if "Fake" in row]
    assert len(fakes) > 5
    assert [row for row in fakes if not row.startswith(("<Guest ", "    "))] == [], bob.text + repr(bytes(bob.written))


def test_input_that_is_no_text_or_has_other_line_ends_is_no_trouble(commands: Commands, friend: MakeFriend) -> None:
    ann = friend()
    bob = join(commands, ann)
    bob.write(b"\xff\xfe\xc3\x28\n")
    bob.write(b"with CRLF\r\n\r\n\n")
    bob.write(b"a lone\rCR\r\n")
    bob.write(b"a character in two pieces\n" + "é".encode()[:1])
    first = ["���(", "with CRLF", "a lone\rCR", "a character in two pieces"]
    ann.hears(*first)
    bob.write("é".encode()[1:] + b"\n")
    bob.write(b"cut within a character: \xf0\x9f")
    bob.end_input()
    assert bob.status() == DONE
    ann.hears(*first, "é", "cut within a character: �")


def test_a_line_that_is_too_long_goes_out_in_several_messages(commands: Commands, friend: MakeFriend) -> None:
    ann = friend()
    bob = join(commands, ann)
    bob.say("short")
    bob.say("👋" * (2 * MAX_TEXT + 1))
    ann.hears("short", "👋" * MAX_TEXT, "👋" * MAX_TEXT, "👋")
    bob.wait_until_said("pychat: Line 2 has 16,001 characters; it goes out in 3 messages.")


@pytest.mark.slow
def test_more_lines_than_may_wait_all_arrive(commands: Commands, tmp_path: Path) -> None:
    """In texts with an emoji each character takes four bytes: 16 MiB are soon full."""
    lines = "".join(f"{number} 👋 {'x' * 2_000}\n" for number in range(2_500))
    (tmp_path / "lines").write_text(lines)
    ann = commands.pipe("invite")
    with (tmp_path / "lines").open("rb") as source:
        bob = commands.pipe("join", ann.code, stdin=source)
    ann.take(bob.code)
    assert bob.status() == DONE, bob.err
    assert ann.status() == DONE
    assert ann.out == lines


def test_a_line_that_never_ends_goes_out_nevertheless(commands: Commands, friend: MakeFriend) -> None:
    """As with `cat /dev/zero`: nothing may gather without an end."""
    ann = friend()
    bob = join(commands, ann)
    bob.write("x" * (65 * MAX_TEXT))
    ann.hears(*["x" * MAX_TEXT] * 64)
    bob.end_input()
    assert bob.status() == DONE
    ann.hears(*["x" * MAX_TEXT] * 65)


# Codes.


def in_lines(code: str) -> str:
    return "".join(f"> {code[at : at + 30]}\n" for at in range(0, len(code), 30))


WAYS_TO_WRITE: list[tuple[Callable[[str], str], Callable[[str], str]]] = [
    ("{}\r\n".format, "{}".format),
    ("\n\r\n  \n{}\n".format, "\ufeff{}\n".format),
    ("Hi Bob, here it is: “{}”. Ann\n".format, "https://chat.example/#{}\n".format),
    ("Hi Bob,\n\nhere it is:\n{}\n".format, in_lines),
    (lambda code: in_lines(code).replace("\n", "\r\n"), "Here is:\r\n\r\n{}\r\n".format),
]


@pytest.mark.parametrize(("invites", "replies"), WAYS_TO_WRITE)
def test_a_code_is_read_however_it_comes(
    commands: Commands, invites: Callable[[str], str], replies: Callable[[str], str]
) -> None:
    ann = commands.pipe("invite", "--stay")
    bob = commands.pipe("join", "--stay")
    bob.write(invites(ann.code))
    bob.end_input()
    ann.write(replies(bob.code))
    ann.end_input()
    ann.is_connected()
    bob.is_connected()
    assert ann.out == bob.out == ""


def test_what_follows_the_code_are_messages(commands: Commands, friend: MakeFriend) -> None:
    ann = friend()
    bob = commands.pipe("join", "-")
    bob.write(f"{in_lines(ann.make_invite())}one\ntwo\n")
    bob.end_input()
    ann.paste(bob.code)
    ann.hears("one", "two")
    assert bob.status() == DONE


@pytest.mark.parametrize(
    ("argument", "written", "problem"),
    [
        ("join", b"", CodeProblem.EMPTY),
        ("invite", b"\r\n \n", CodeProblem.EMPTY),
        ("join", b"no code at all\n", CodeProblem.NOT_A_CODE),
        ("invite", b"\x00\x80\xff\n" * 50, CodeProblem.NOT_A_CODE),
        ("join", b"y\n" * 100_000, CodeProblem.NOT_A_CODE),
        ("invite", b"E" * 100_000, CodeProblem.MISTYPED),
    ],
)
def test_without_a_code_it_says_what_is_wrong(
    commands: Commands, argument: str, written: bytes, problem: CodeProblem
) -> None:
    command = commands.pipe(argument)
    try:
        command.write(written)
        command.end_input()
    except BrokenPipeError:
        pass  # it had read enough
    assert command.status() == CODE
    assert command.err.endswith(f"pychat: {strings.CODE_PROBLEMS[problem]}\n")
    assert command.out == ""


def test_a_code_that_cannot_be_used_is_said_at_once(commands: Commands, friend: MakeFriend) -> None:
    ann, cleo = commands.pipe("invite"), commands.pipe("invite")
    reply = friend().answer(ann.code)
    half = len(ann.code) // 2
    changed = ann.code[:half] + ("A" if ann.code[half] != "A" else "B") + ann.code[half + 1 :]
    cases = [
        (commands.pipe("join", changed), CodeProblem.MISTYPED),
        (commands.pipe("join", ann.code[:-5]), CodeProblem.CUT_SHORT),
        (commands.pipe("join", reply), CodeProblem.NOT_AN_INVITE),
        (commands.pipe("join"), CodeProblem.MISTYPED),
    ]
    cases[3][0].take(changed)
    ann.take(cleo.code)
    cleo.take(reply)
    cases += [(ann, CodeProblem.NOT_A_REPLY), (cleo, CodeProblem.OTHER_INVITE)]
    for command, problem in cases:  # their input stays open all the time
        assert command.status() == CODE
        assert command.err.endswith(f"pychat: {strings.CODE_PROBLEMS[problem]}\n")
        assert command.out == ""


# Seeing inside.


def test_a_trace_goes_to_a_file_that_only_its_owner_can_read_and_says_nothing_of_what_is_said(
    commands: Commands, friend: MakeFriend, tmp_path: Path
) -> None:
    path = tmp_path / "trace.log"
    path.write_text("kept\n")
    ann, bob = commands.pipe("invite", "--name", "Annabel", "--trace", str(path)), friend("Bobby")
    reply = bob.answer(ann.code)
    ann.take(reply)
    ann.is_connected()
    ann.say("something private")
    bob.hears("something private")
    ann.end_input()
    assert ann.status() == DONE
    kept, *lines = path.read_text("ascii").splitlines()
    assert kept == "kept"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    check_order(lines, *TO_INVITE_AND_TALK)
    check_trace(lines, "Annabel", "Bobby", "something", "private", ann.code, reply)
    assert "event" not in ann.err


def test_a_trace_to_standard_error_can_be_told_from_codes_and_from_messages(commands: Commands) -> None:
    ann, bob = connect(commands, "--trace", "-")
    ann.say("one")
    bob.hears("one")
    ann.end_input()
    assert (ann.status(), bob.status()) == (DONE, DONE)
    assert ann.out == ""
    told = [line.removeprefix("pychat: ") for line in ann.err.splitlines() if " link=" in line]
    check_order(told, *(step for step in TO_INVITE_AND_TALK if " link=" in step))
    check_trace(told, "one,")
    assert "link=" not in bob.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_disk_that_is_full_ends_the_trace_and_not_the_chat(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob, "--trace", "/dev/full")
    ann.say("one")
    bob.hears("one")
    ann.end_input()
    assert ann.status() == DONE
    assert ann.err.count("pychat: The trace ends here, it cannot be written any more: No space left on device.\n") == 1


def test_a_trace_that_cannot_be_written_is_said(commands: Commands, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "trace.log"
    command = commands.pipe("invite", "--trace", str(missing))
    assert command.status() == USAGE
    assert command.err == f"pychat: The trace cannot be written to “{missing}”: No such file or directory.\n"


# Bad surroundings.


def test_an_empty_input_is_nothing_to_send(commands: Commands) -> None:
    ann = commands.pipe("invite")
    sentence = "pychat: The standard input is empty: there is nothing to send. To only receive, use --stay.\n"
    for streams in ({"stdin": subprocess.DEVNULL}, {"prefix": without(0)}):
        bob = commands.pipe("join", ann.code, **streams)
        assert bob.status() == USAGE
        assert bob.err.endswith(sentence)
        assert bob.out == ""
    bob = commands.pipe("join", ann.code)
    ann.take(bob.code)
    ann.is_connected()
    ann.write("\n\r\n")
    ann.end_input()
    assert ann.status() == USAGE
    assert ann.err.endswith(sentence)
    assert bob.status() == DONE  # nothing of its own was lost


def without(descriptor: int) -> list[str]:
    """A command that runs another one with a standard stream closed, as `<&-` and `>&-` do in a shell."""
    return [sys.executable, "-I", "-c", f"import os, sys; os.close({descriptor}); os.execv(sys.argv[1], sys.argv[1:])"]


def test_a_closed_standard_output_is_said(commands: Commands, friend: MakeFriend) -> None:
    bob = commands.pipe("join", friend().make_invite(), prefix=without(1))
    assert bob.status() == OUTPUT_CLOSED
    assert bob.err.endswith("pychat: The standard output was closed: nobody reads what arrives.\n")


def test_without_a_standard_error_the_code_does_not_go_to_the_output(commands: Commands) -> None:
    ann = commands.pipe("invite", prefix=without(2), stdin=subprocess.DEVNULL)
    assert ann.status() == CODE
    assert ann.out == ann.err == ""


def test_a_reader_that_stops_ends_it(commands: Commands, friend: MakeFriend) -> None:
    """As with `pychat … | head -1`."""
    with subprocess.Popen(["head", "-n", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as head:
        assert head.stdin
        assert head.stdout
        bob = friend()
        ann = invite(commands, bob, stdout=head.stdin)
        head.stdin.close()
        bob.say("the first")
        assert head.stdout.read() == "the first\n"
        bob.say("the second")
        assert ann.status() == OUTPUT_CLOSED
        assert ann.err.endswith("pychat: The standard output was closed: nobody reads what arrives.\n")
    bob.expect_left()
    bob.expect_delivered()


def test_a_reader_that_takes_its_time_holds_nothing_up(commands: Commands, friend: MakeFriend) -> None:
    """The pipe is full long before all has come; what is sent meanwhile is sent nevertheless."""
    reader, writer = os.pipe()
    with open(reader, "rb") as output:
        bob = friend()
        ann = invite(commands, bob, stdout=writer)
        os.close(writer)
        lines = [f"{number} {'x' * 5000}" for number in range(100)]
        bob.say(*lines)
        ann.say("are you there?")
        bob.hears("are you there?")
        bob.expect_delivered()
        bob.leave()
        assert output.read().decode().splitlines() == lines
    assert ann.status() == DONE


def test_unusable_arguments_are_said(commands: Commands, tmp_path: Path) -> None:
    cases = [
        (["--hide-address"], strings.RELAY_NEEDS_TURN),
        (["--server", "nonsense"], "“nonsense” is not a server."),
        (["--server", "turn:turn.example"], "“turn:turn.example” lacks the name and password"),
        (["--unknown"], "error: unrecognized arguments: --unknown"),
    ]
    for command, sentence in [(commands.pipe("invite", *flags), sentence) for flags, sentence in cases]:
        assert command.status() == USAGE
        assert sentence in command.err
        assert command.out == ""


def test_a_settings_file_that_cannot_be_read_is_said(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "pychat" / "settings").mkdir(parents=True)
    command = commands.pipe("invite", folder=tmp_path)
    assert command.status() == FAILED
    assert command.err == f"pychat: {tmp_path / 'pychat' / 'settings'}: Is a directory.\n"


def in_a_network_of_its_own(*script: str) -> list[str]:
    """A command that runs another one where there is no network but what the script makes."""
    unshare = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this system gives nobody a network of their own")
    return [*unshare, *script]


NO_FREE_PORT = """
import os, socket, subprocess, sys
for command in ("link set lo up", "address add 192.0.2.1/32 dev lo"):
    subprocess.run(["ip", *command.split()], check=True)
with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:
    file.write("40000 40000")
taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taken.bind(("", 40000))
taken.set_inheritable(True)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_no_network_is_said(commands: Commands, friend: MakeFriend) -> None:
    alone = in_a_network_of_its_own()
    for arguments in (["invite"], ["join", friend().make_invite()]):
        command = commands.pipe(*arguments, prefix=alone)
        assert command.status() == FAILED
        assert command.err.endswith(f"pychat: {': '.join(strings.ENDINGS[CloseReason.NO_ADDRESS])}\n")
        assert command.out == ""


def test_no_free_port_is_said(commands: Commands) -> None:
    prefix = in_a_network_of_its_own(sys.executable, "-I", "-c", NO_FREE_PORT)
    if shutil.which("ip") is None:
        pytest.skip("there is no `ip` to give the network an address")
    command = commands.pipe("invite", prefix=prefix)
    assert command.status() == FAILED
    assert command.err.endswith(f"pychat: {': '.join(strings.ENDINGS[CloseReason.NO_ADDRESS])}\n")
    assert command.out == ""


# The other side.


@pytest.mark.parametrize(
    ("greets", "frames", "lines", "status", "sentence"),
    [
        (
            False,
            [NEWER_HELLO],
            "one\n",
            NOT_CONNECTED,
            "Versions differ: The other side speaks another version of pychat.",
        ),
        (
            False,
            ["no JSON"],
            "one\n",
            NOT_CONNECTED,
            "Connection ended: The other side sent something that is not allowed.",
        ),
        (True, ["[]"], "", NOT_DELIVERED, "Connection ended: The other side sent something that is not allowed."),
        (True, ['["bye"]'], "one\n", NOT_DELIVERED, "They left: "),
        (True, ['["have",{}]', '["bye"]'], "one\ntwo\n", NOT_DELIVERED, "2 messages are not delivered.\n"),
    ],
)
def test_a_stranger_at_the_other_side_is_said(
    commands: Commands, greets: bool, frames: list[str], lines: str, status: int, sentence: str
) -> None:
    ann = commands.pipe("invite")

    async def meet() -> None:
        async with stranger(ann.code, *frames, greets=greets) as reply:
            ann.write(f"{reply}\n{lines}")
            assert await asyncio.to_thread(ann.status) == status

    run(meet())
    assert f"pychat: {sentence}" in ann.err or ann.err.endswith(sentence)
    assert ann.out == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_says_good_bye(commands: Commands, friend: MakeFriend, number: int) -> None:
    bob = friend()
    ann = invite(commands, bob)
    ann.interrupt(number)
    assert ann.status() == INTERRUPTED
    bob.expect_left()


def test_what_is_told_to_stay_when_the_terminal_goes_stays(commands: Commands, friend: MakeFriend) -> None:
    """As with `nohup`."""
    bob = friend()
    ann = invite(commands, bob, prefix=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"])
    ann.interrupt(signal.SIGHUP)
    bob.say("are you still there?")
    ann.hears("are you still there?")
    ann.say("yes")
    bob.hears("yes")


@pytest.mark.parametrize("arguments", [["invite"], ["join"]])
def test_interrupted_while_it_waits_it_ends_at_once(
    commands: Commands, friend: MakeFriend, arguments: list[str]
) -> None:
    command = commands.pipe(*arguments, *([friend().make_invite()] if arguments == ["join"] else []))
    assert command.code
    command.interrupt()
    assert command.status() == INTERRUPTED
