"""The passphrase and the backup on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pychat.exit_codes import Exit
from tests.friend import MakeFriend
from tests.server.relays import Relay
from tests.terminal.command import Commands, Terminal

SECRET = "five words that nobody guesses"
SAID = "In the cupboard"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.fixture
def talked(commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path) -> Path:
    """The folder of Ann, who has talked with Bob."""
    bob = friend("Bob", folder=tmp_path / "Bob")
    ann = commands.pipe("room", "--page", relay.url, "--name", "Ann", folder=tmp_path / "Ann")
    bob.enter(ann.link)
    ann.is_connected()
    bob.say(SAID)
    ann.hears(SAID)
    ann.interrupt()
    ann.status()
    return tmp_path / "Ann"


def exported(commands: Commands, folder: Path, path: Path, *options: str) -> str:
    export = commands.command("export", "--chat", "Bob", str(path), *options, folder=folder)
    assert export.status() == Exit.DONE, export.err
    return path.read_text().replace("\\", "")


def asked(ann: Terminal, times: int, prompt: str = "Passphrase:") -> None:
    """Wait until it is asked for: what is typed before is shown, and dropped."""
    ann.wait_for(lambda: ann.text.count(prompt) == times, f"“{prompt}”")


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_what_was_said_opens_with_the_passphrase_alone(
    commands: Commands, talked: Path, secret: Path, tmp_path: Path
) -> None:
    ann = commands.command_on_a_terminal("passphrase", folder=talked)
    ann.wait_until_shown("New passphrase")
    ann.write("short\n")
    asked(ann, 2, "New passphrase")
    ann.write(f"{SECRET}\n")
    asked(ann, 1, "The same again:")
    ann.write("something else\n")
    asked(ann, 3, "New passphrase")
    ann.write(f"{SECRET}\n")
    asked(ann, 2, "The same again:")
    ann.write(f"{SECRET}\n")
    for problem in ("A passphrase has at least 8 characters", "The two differ"):
        ann.wait_until_said(f"pychat: {problem}")
    ann.wait_until_said("pychat: pychat asks for it from now on.")
    assert ann.status() == Exit.DONE
    for word in (SAID, SECRET, "short"):
        assert word.encode() not in kept(talked)
        assert word not in ann.text

    ann = commands.terminal("talk", "Bob", folder=talked)
    ann.wait_until_shown("Passphrase:")
    ann.write("five words\n")
    asked(ann, 2)
    ann.write(f"{SECRET}\n")
    ann.wait_until_shown(f"<Bob>: {SAID}")
    ann.say("/quit")
    assert ann.status() == Exit.DONE

    for options in (
        ("invite",),
        ("export", "--chat", "Bob", str(tmp_path / "none.md")),
        ("backup", str(tmp_path / "b")),
    ):
        refused = commands.command(*options, folder=talked)
        assert refused.status() == Exit.USAGE, refused.err
        assert "--passphrase-file" in refused.err
    assert SAID in exported(commands, talked, tmp_path / "bob.md", "--passphrase-file", str(secret))

    ann = commands.command_on_a_terminal("passphrase", folder=talked)
    ann.wait_until_shown("Passphrase:")
    ann.write(f"{SECRET}\n")
    ann.wait_until_shown("(empty: none)")
    ann.write("\n")
    ann.wait_until_said("pychat: pychat opens without a passphrase from now on.")
    assert ann.status() == Exit.DONE
    assert SAID in exported(commands, talked, tmp_path / "again.md")


def test_who_has_forgotten_it_is_told_what_there_is_to_do(commands: Commands, tmp_path: Path, secret: Path) -> None:
    ann = commands.command_on_a_terminal("passphrase", folder=tmp_path / "Ann")
    for prompt in ("New passphrase", "The same again:"):
        ann.wait_until_shown(prompt)
        ann.write(f"{SECRET}\n")
    assert ann.status() == Exit.DONE
    ann = commands.terminal("talk", folder=tmp_path / "Ann")
    for number in range(1, 4):
        asked(ann, number)
        ann.write("forgotten\n")
    ann.wait_until_said("pychat: What was said stays locked. “pychat reset” deletes it")
    assert ann.status() == Exit.FAILED


def test_everything_goes_along_to_another_device(
    commands: Commands, talked: Path, secret: Path, tmp_path: Path
) -> None:
    path, there = tmp_path / "everything.pychat", tmp_path / "there"
    options = ("--passphrase-file", str(secret))
    made = commands.command("backup", *options, str(path), folder=talked)
    assert made.status() == Exit.DONE, made.err
    assert path.stat().st_mode & 0o077 == 0
    assert SAID.encode() not in path.read_bytes()
    again = commands.command("backup", *options, str(path), folder=talked)
    assert again.status() == Exit.USAGE
    assert "stays as it is" in again.err

    restored = commands.command("restore", *options, str(path), folder=there)
    assert restored.status() == Exit.DONE, restored.err
    assert restored.out == "One message is here now that were not before, in one conversation.\n"
    assert SAID in exported(commands, there, tmp_path / "bob.md")
    once_more = commands.command("restore", *options, str(path), folder=there)
    assert once_more.status() == Exit.DONE, once_more.err
    assert once_more.out == "No message in the file is new here.\n"


def test_a_file_that_cannot_be_restored_is_refused_in_words(
    commands: Commands, talked: Path, secret: Path, tmp_path: Path
) -> None:
    path, wrong = tmp_path / "everything.pychat", tmp_path / "wrong"
    wrong.write_text("something else\n")
    made = commands.command("backup", "--passphrase-file", str(secret), str(path), folder=talked)
    assert made.status() == Exit.DONE, made.err
    empty = tmp_path / "empty"
    empty.touch()
    refused = commands.command("backup", "--passphrase-file", str(empty), str(tmp_path / "x.pychat"), folder=talked)
    assert refused.status() == Exit.USAGE
    assert "at least 8 characters" in refused.err
    assert not (tmp_path / "x.pychat").exists()
    none = tmp_path / "none.pychat"
    none.write_bytes(b"no backup")
    for passphrase, file, words in (
        (wrong, path, "not the passphrase of this file"),
        (secret, none, "no backup made by pychat"),
        (secret, tmp_path / "missing", "cannot read"),
        (tmp_path / "missing", path, "cannot read the passphrase"),
        (empty, path, "not the passphrase of this file"),
    ):
        options = ("--passphrase-file", str(passphrase), str(file))
        restored = commands.command("restore", *options, folder=tmp_path / "there")
        assert restored.status() == Exit.USAGE
        assert words in restored.err
    path.write_bytes(path.read_bytes()[:-20])
    short = commands.command("restore", "--passphrase-file", str(secret), str(path), folder=tmp_path / "there")
    assert short.status() == Exit.USAGE
