"""What was said stays in a terminal, too: it is there when one turns to somebody known, and is found by its words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pychat.exit_codes import Exit
from pychat.ui import strings
from tests.friend import Friend, MakeFriend
from tests.server.relays import Relay
from tests.terminal.command import Command, Commands

ROOT = Path(__file__).resolve().parents[2]


def test_somebody_known_is_found_again_with_what_was_said(
    commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path
) -> None:
    bob = friend("Bob", folder=tmp_path / "Bob")
    ann = commands.terminal("room", "--page", relay.url, "--name", "Ann", folder=tmp_path / "Ann")
    bob.enter(ann.link)
    ann.is_connected()
    ann.say("Where is the green tea?")
    bob.hears("Where is the green tea?")
    bob.say("In the cupboard")
    ann.wait_until_shown("<Bob>: In the cupboard")
    key = bob.other_key
    ann.say("/quit")
    assert ann.status() == Exit.DONE
    bob.expect_left()

    bob = bob.again()
    ann = commands.terminal("talk", folder=tmp_path / "Ann")
    ann.wait_until_said("pychat: 1 <Bob>")
    ann.say("/talk Eve")
    ann.wait_until_said("pychat: There is nobody of that name")
    ann.say("/talk bob")
    ann.wait_until_shown("You: Where is the green tea?")
    ann.wait_until_shown("<Bob>: In the cupboard")
    ann.say("are you there?")
    ann.wait_above_input("You: are you there? (waiting)")
    bob.find(key)
    bob.hears("are you there?")
    ann.wait_until_shown("You: are you there?")
    bob.say("here I am")
    ann.wait_until_shown("<Bob>: here I am")

    ann.say("/search TEA green")
    ann.wait_until_said("You: Where is the green tea?")
    ann.wait_until_said("pychat: One message found.")
    ann.say("/search coffee")
    ann.wait_until_said("pychat: Nothing found.")
    ann.say("/search")
    ann.wait_until_said("pychat: /search and some words finds what was said.")
    ann.say("/keep a while")
    ann.wait_until_said("pychat: Write a time")
    ann.say("/keep 7 days")
    ann.wait_until_said("pychat: What is said here is kept for 7 days, on this device.")
    ann.say("/keep nothing")
    ann.wait_until_said("pychat: What is said here is not kept.")
    ann.say("/quit")
    assert ann.status() == Exit.DONE

    ann = commands.terminal("talk", "Bob", folder=tmp_path / "Ann")
    ann.wait_until_said("pychat: Looking for them.")
    assert not ann.said("green tea")


def test_a_message_is_deleted_once_it_was_asked_about(
    commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path
) -> None:
    bob = friend("Bob", folder=tmp_path / "Bob")
    ann = commands.terminal("room", "--page", relay.url, "--name", "Ann", folder=tmp_path / "Ann")
    bob.enter(ann.link)
    ann.is_connected()
    ann.say("/delete")
    ann.wait_until_said("pychat: There is no such message here that can be deleted.")
    ann.say("Where is the green tea?")
    bob.hears("Where is the green tea?")
    ann.wait_until_shown("You: Where is the green tea?")
    bob.say("In the cupboard")
    ann.wait_until_shown("<Bob>: In the cupboard")
    ann.say("/delete coffee")
    ann.wait_until_said("pychat: There is no such message here that can be deleted.")
    key = bob.other_key
    ann.say("/delete GREEN tea")
    ann.wait_until_said("Bob> keeps their copy")
    ann.say("/help")  # something else: that was no yes
    ann.say("/delete")
    ann.wait_until_said("<Bob>, ")
    ann.say("/delete tea")
    ann.say("/delete")
    ann.wait_until_said("pychat: Deleted on this device.")
    ann.say("/search tea")
    ann.wait_until_said("pychat: Nothing found.")
    ann.say("/search cupboard")
    ann.wait_until_said("pychat: One message found.")
    ann.say("/quit")
    assert ann.status() == Exit.DONE

    ann = commands.terminal("talk", "Bob", folder=tmp_path / "Ann")
    ann.wait_until_shown("You: Deleted on this device")
    ann.wait_until_shown("<Bob>: In the cupboard")
    assert not ann.said("green tea")
    bob.expect_left()
    bob = bob.again()
    ann.say("never mind")
    ann.say("are you there?")
    ann.wait_above_input("You: never mind (waiting)", "You: are you there? (waiting)")
    ann.say("/delete never")
    ann.wait_until_said("/delete alone takes it back.")
    ann.say("/delete")
    ann.wait_above_input("You: are you there? (waiting)")
    bob.find(key)
    bob.hears("are you there?")


def test_two_terminals_answer_react_edit_and_delete_for_both(commands: Commands, relay: Relay, tmp_path: Path) -> None:
    ann = commands.terminal("room", "--page", relay.url, "--name", "Ann", folder=tmp_path / "Ann")
    bob = commands.terminal("join", ann.link, "--name", "Bob", folder=tmp_path / "Bob")
    for someone in (ann, bob):
        someone.is_connected()
    bob.say("/reply yes")
    bob.wait_until_said("pychat: There is no message of theirs here to answer")
    bob.say("/edit yes")
    bob.wait_until_said("pychat: There is no such message of yours here.")
    ann.say("tea or cofee?")
    bob.wait_until_shown("<Ann>: tea or cofee?")
    bob.say("/reply tea")
    ann.wait_until_shown("<Bob>: > tea or cofee?")
    ann.wait_until_shown("tea")
    ann.say("/edit tea or coffee?")
    bob.wait_until_shown("<Ann>: tea or coffee? (edited)")
    bob.say("/react two words")
    bob.wait_until_said("pychat: A reaction is one emoji")
    bob.say("/react +1")
    ann.wait_until_shown("<Bob>: +1 (to “tea or coffee?”)")
    bob.say("/react")
    ann.wait_until_shown("<Bob>: no +1 any more (to “tea or coffee?”)")
    ann.say("/retract COFFEE")
    ann.wait_until_said("/retract alone deletes it")
    assert not ann.said("pychat: Deleted for both.")
    ann.say("/retract")
    ann.wait_until_said("pychat: Deleted for both.")
    bob.wait_until_shown("<Ann>: (deleted a message for both)")
    for someone in (ann, bob):
        someone.say("/quit")
        assert someone.status() == Exit.DONE

    bob = commands.terminal("talk", "Ann", folder=tmp_path / "Bob")
    bob.wait_until_shown("<Ann>: Deleted")
    bob.wait_until_shown("You: > A message that was deleted")
    assert not bob.said("coffee")


def test_who_has_talked_to_nobody_is_told_so(commands: Commands) -> None:
    ann = commands.terminal("talk", "Bob")
    ann.wait_until_said("pychat: There is nobody of that name")
    ann.wait_until_said("pychat: You have talked to nobody yet")


def test_in_a_pipe_nobody_is_looked_for(commands: Commands) -> None:
    ann = commands.pipe("talk", "Bob")
    assert ann.status() == Exit.USAGE
    assert "takes a terminal" in ann.err


@pytest.mark.parametrize(("time", "words"), [("7 days", "kept for 7 days"), ("nothing", "not kept")])
def test_for_how_long_it_is_kept_is_a_setting(commands: Commands, tmp_path: Path, time: str, words: str) -> None:
    for arguments in (("--keep", time), ()):
        settings = commands.pipe("settings", *arguments, folder=tmp_path / "Ann")
        assert settings.status() == Exit.DONE
        assert f"what is said: {words}" in settings.out


def test_a_time_that_is_none_is_refused(commands: Commands) -> None:
    settings = commands.pipe("settings", "--keep", "a while")
    assert settings.status() == Exit.USAGE
    assert "“a while” is no time" in settings.err


@pytest.mark.parametrize(
    ("suffix", "line"), [("md", "> In the *cupboard*"), ("html", "<span>In the <em>cupboard</em></span>")]
)
def test_a_conversation_can_be_taken_along(
    commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path, suffix: str, line: str
) -> None:
    bob, path = friend("Bob", folder=tmp_path / "Bob"), tmp_path / f"bob.{suffix}"
    ann = commands.pipe("room", "--page", relay.url, "--name", "Ann", folder=tmp_path / "Ann")
    bob.enter(ann.link)
    ann.is_connected()
    bob.say("In teh *cupboard*")
    ann.hears("In teh *cupboard*")
    bob.edit("In teh *cupboard*", "In the *cupboard*")
    bob.react("In the *cupboard*", "👍")
    bob.expect_delivered()
    ann.interrupt()
    ann.status()

    export = commands.command("export", "--chat", "bob", str(path), folder=tmp_path / "Ann")
    assert export.status() == Exit.DONE, export.err
    assert "1 messages" in export.out
    written = path.read_text()
    assert line in written.replace("\\", "")
    assert [strings.EDITED in written, "👍 Bob" in written, "teh" in written] == [True, True, False]
    assert path.stat().st_mode & 0o077 == 0
    again = commands.command("export", "--chat", "Bob", str(path), folder=tmp_path / "Ann")
    assert again.status() == Exit.USAGE
    assert "is there already" in again.err
    for arguments, words in (
        (("--chat", "Eve", str(tmp_path / "eve.md")), "You have talked to Bob."),
        (("--chat", "Bob", str(tmp_path / "bob.txt")), "ends with .md or .html"),
        (("--chat", "Bob", str(tmp_path / "none" / "bob.md")), "cannot write"),
    ):
        failed = commands.command("export", *arguments, folder=tmp_path / "Ann")
        assert failed.status() != Exit.DONE
        assert words in failed.err


def test_what_cannot_be_read_is_told_and_deleted_when_one_says_so(
    commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path
) -> None:
    folder = tmp_path / "Ann" / "pychat"

    def meet(bob: Friend) -> Command:
        ann = commands.terminal("room", "--page", relay.url, "--name", "Ann", folder=tmp_path / "Ann")
        bob.enter(ann.link)
        ann.is_connected()
        ann.say("hello")
        bob.hears("hello")
        return ann

    def leave(ann: Command, bob: Friend) -> None:
        ann.say("/quit")
        assert ann.status() == Exit.DONE
        bob.expect_left()

    bob = friend("Bob")
    leave(meet(bob), bob)
    (folder / "journal-key").write_text("no key")
    kept = (folder / "journal.db").read_bytes()

    bob = friend("Cay")
    ann = meet(bob)  # people can talk
    ann.wait_until_said("pychat: What you say is not kept on this device for the next time: the key of")
    leave(ann, bob)
    pipe = commands.pipe("invite", folder=tmp_path / "Ann")
    pipe.wait_until_said("pychat: What you say is not kept on this device for the next time: the key of")
    pipe.kill()
    assert (folder / "journal.db").read_bytes() == kept

    reset = [sys.executable, "-m", "pychat", "reset", "--history", "--yes"]
    environment = {"XDG_DATA_HOME": str(folder.parent), "PYTHONPATH": str(ROOT)}
    subprocess.run(reset, cwd=ROOT, env=environment, check=True)
    assert not (folder / "journal.db").exists()
    assert {"identity", "contacts"} <= {path.name for path in folder.iterdir()}
    bob = friend("Dan")
    leave(meet(bob), bob)
    assert (folder / "journal.db").exists()
