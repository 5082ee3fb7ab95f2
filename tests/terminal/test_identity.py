"""Who is at the other end of a terminal or a pipe: what is compared, what is kept, what warns."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pychat.exit_codes import Exit
from tests.friend import Friend, MakeFriend
from tests.terminal.command import Command, Commands, Terminal
from tests.terminal.prepared import ROOT

SIGNS = re.compile(r"or as a number: (\d{4} \d{3} \d{3} \d{3})")


def meet(commands: Commands, tmp_path: Path) -> tuple[Terminal, Terminal]:
    """Ann and Bob at terminals, connected; each is the same person every time."""
    ann = commands.terminal("invite", "--name", "Ann", folder=tmp_path / "ann")
    bob = commands.terminal("join", ann.code, "--name", "Bob", folder=tmp_path / "bob")
    ann.take(bob.code)
    ann.is_connected()
    bob.is_connected()
    return ann, bob


def invite(commands: Commands, tmp_path: Path, other: Friend) -> Terminal:
    """Ann at a terminal, connected with somebody else; she is the same person every time."""
    ann = commands.terminal("invite", "--name", "Ann", folder=tmp_path / "ann")
    ann.take(other.answer(ann.code))
    ann.is_connected()
    return ann


def number(terminal: Terminal) -> str:
    """The pictures as a number, once they are asked for."""
    terminal.say("/verify")
    terminal.wait_for(lambda: SIGNS.search(terminal.text), "the signs")
    found = SIGNS.search(terminal.text)
    assert found is not None
    return found[1]


def leave(*terminals: Terminal) -> None:
    for terminal in terminals:
        terminal.say("/quit")
        assert terminal.status() == Exit.DONE


def test_who_has_compared_is_verified_the_next_time_too(commands: Commands, tmp_path: Path) -> None:
    ann, bob = meet(commands, tmp_path)
    ann.wait_until_said("pychat: Not verified: <Bob> /verify makes sure.")
    assert number(ann) == number(bob)
    ann.say("/match")
    ann.wait_until_said("pychat: Verified: <Bob>. You have checked who this is.")
    ann.wait_for(lambda: ann.bottom == "Verified: <Bob>  connected  /help", "the badge")
    leave(ann, bob)

    ann, bob = meet(commands, tmp_path)
    ann.wait_until_said("pychat: Verified: <Bob>")
    bob.wait_until_said("pychat: Known, not verified: <Ann> /verify makes sure.")


def test_signs_that_differ_end_it(commands: Commands, tmp_path: Path) -> None:
    ann, bob = meet(commands, tmp_path)
    number(ann)
    ann.say("/differ")
    ann.wait_until_said("/differ once more says so.")
    ann.wait_for_bottom("connected")
    ann.say("/differ")
    for someone in (ann, bob):
        someone.wait_for_bottom("ended")
        someone.wait_until_said("so somebody may be listening in")
    bob.wait_until_said("They compared the pictures and saw others than yours")


def test_somebody_with_a_name_like_a_known_one_gets_nothing_until_that_is_heeded(
    commands: Commands, friend: MakeFriend, tmp_path: Path
) -> None:
    leave(invite(commands, tmp_path, friend("Bob")))
    eve = friend("B0b")
    ann = invite(commands, tmp_path, eve)
    ann.wait_until_said("pychat: This isn’t the Bob you know, though the name “B0b” looks the same")
    ann.say("too early")
    eve.say("is this Ann?")
    ann.wait_until_shown("<B0b>: is this Ann?")
    ann.say("/anyway")
    ann.say("who are you?")
    eve.hears("who are you?")


def test_a_pipe_ends_when_somebody_goes_by_the_name_of_another(
    commands: Commands, friend: MakeFriend, tmp_path: Path
) -> None:
    leave(invite(commands, tmp_path, friend("Bob")))
    ann, eve = commands.pipe("invite", "--stay", folder=tmp_path / "ann"), friend("Bob")
    ann.write(f"{eve.answer(ann.code)}\nfor Bob alone\n")
    assert ann.status() == Exit.NOT_TRUSTED
    assert "pychat: This isn’t the Bob you know" in ann.err
    eve.expect_left()
    eve.hears()


def test_a_pipe_tells_who_is_there_and_what_to_compare(commands: Commands) -> None:
    ann = commands.pipe("invite", "--stay")
    bob = commands.pipe("join", ann.code, "--stay")
    ann.take(bob.code)

    def told(command: Command) -> str:
        command.wait_for(lambda: "as a number" in command.err, "the signs")
        return next(line for line in command.err.splitlines() if "as a number" in line)

    assert told(ann) == told(bob)
    assert told(ann).startswith("pychat: Not verified. The pictures are ")


def test_to_start_afresh_makes_somebody_new(commands: Commands, tmp_path: Path) -> None:
    leave(*meet(commands, tmp_path))
    kept = {path.name for path in (tmp_path / "bob" / "pychat").iterdir()}
    assert {"identity", "contacts"} <= kept
    reset = subprocess.run(
        [sys.executable, "-m", "pychat", "reset", "--yes"],
        cwd=ROOT,
        env={"XDG_DATA_HOME": str(tmp_path / "bob"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert reset.stdout == ""
    assert list((tmp_path / "bob" / "pychat").iterdir()) == []

    ann, _ = meet(commands, tmp_path)
    ann.wait_until_said("pychat: This isn’t the Bob you know")
