"""`pychat settings`, run as a person runs it: what it shows, what it keeps, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pychat import __version__
from pychat.core.codes import roomcode
from pychat.ui import strings

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60  # far more than it takes; only so that a hung process does not hang the tests

NOTHING_KEPT = [
    "your name: none",
    "your servers: none",
    "suggested servers: stun:stun.cloudflare.com:3478 (used)",
    "hide my address: no",
    "what is said: kept until you delete it",
]
TURN = "turn:turn.example:3478 ann secret"


class Pychat:
    """Runs the command with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "pychat" / "settings"
        self._folder = folder

    def run(self, *arguments: str, written: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pychat", *arguments],
            cwd=ROOT,
            env={**os.environ, "XDG_DATA_HOME": str(self._folder)},
            input=written,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def shows(self, *arguments: str, written: str = "") -> list[str]:
        """The lines that the settings are shown with."""
        done = self.run("settings", *arguments, written=written)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    def refuses(self, status: int, *arguments: str, written: str = "") -> str:
        """The one sentence with which it refuses."""
        done = self.run(*arguments, written=written)
        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.startswith("pychat: ")
        assert done.stderr.count("\n") == 1
        return done.stderr.removeprefix("pychat: ").removesuffix("\n")


@pytest.fixture
def pychat(tmp_path: Path) -> Pychat:
    return Pychat(tmp_path)


pytestmark = pytest.mark.slow  # each of them starts processes


def test_they_are_shown_and_nothing_is_written_for_that(pychat: Pychat) -> None:
    assert pychat.shows() == NOTHING_KEPT
    assert not pychat.file.parent.exists()


def test_what_is_given_is_kept_and_the_rest_stays(pychat: Pychat) -> None:
    kept = [
        "your name: Ann Smith",
        "your servers: turn:turn.example:3478, stun:stun.example",
        NOTHING_KEPT[2],
        "hide my address: yes",
        "what is said: kept until you delete it",
    ]
    pychat.shows("--name", " Ann\u200b  Smith ")
    assert pychat.shows("--server", TURN, "--server", "stun:stun.example", "--hide-address") == kept
    assert pychat.shows() == kept
    assert pychat.shows("--no-suggested")[2] == "suggested servers: stun:stun.cloudflare.com:3478 (not used)"
    assert pychat.shows("--no-hide-address") == [
        *kept[:2],
        "suggested servers: stun:stun.cloudflare.com:3478 (not used)",
        "hide my address: no",
        "what is said: kept until you delete it",
    ]
    assert pychat.shows("--server", "", "--suggested", "--name", "") == NOTHING_KEPT


def test_only_their_owner_can_read_them(pychat: Pychat) -> None:
    pychat.shows("--server", TURN)
    assert stat.S_IMODE(pychat.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(pychat.file.parent.stat().st_mode) == 0o700
    assert json.loads(pychat.file.read_text())["own"] == TURN


def test_servers_can_be_read_from_the_input(pychat: Pychat) -> None:
    """A password in an argument is in the list of processes, for everybody to see."""
    assert pychat.shows("--server", "-", written=f"{TURN}\r\n\n stun:stun.example \n")[1] == (
        "your servers: turn:turn.example:3478, stun:stun.example"
    )
    assert pychat.shows("--server", "-", written="")[1] == "your servers: none"


def test_without_an_input_no_servers_are_read(pychat: Pychat) -> None:
    pychat.shows("--server", TURN)
    done = subprocess.run(
        ["sh", "-c", '"$0" -m pychat settings --server - <&-', sys.executable],
        cwd=ROOT,
        env={**os.environ, "XDG_DATA_HOME": str(pychat.file.parents[1])},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stderr, done.stdout.splitlines()) == (0, "", NOTHING_KEPT)


def test_what_cannot_be_used_is_refused_and_not_kept(pychat: Pychat) -> None:
    before = pychat.shows("--server", "stun:stun.example")
    nonsense = "“nonsense” is not a server. Write “stun:host:port”, or “turn:host:port name password”."
    assert pychat.refuses(2, "settings", "--server", "nonsense") == nonsense
    assert pychat.refuses(2, "settings", "--server", "-", written="stun:a.example\nnonsense\n") == nonsense
    assert pychat.refuses(2, "settings", "--hide-address") == strings.RELAY_NEEDS_TURN
    assert pychat.refuses(2, "invite", "--hide-address") == strings.RELAY_NEEDS_TURN
    assert pychat.refuses(2, "settings", *["--server", "stun:stun.example"] * 9).endswith(
        "is one too many: eight servers at most."
    )
    assert pychat.shows() == before


def test_a_file_that_makes_no_sense_counts_as_never_written(pychat: Pychat) -> None:
    pychat.file.parent.mkdir()
    for text in ("", "no JSON", "[]", '{"own": "nonsense"}'):
        pychat.file.write_text(text)
        assert pychat.shows() == NOTHING_KEPT


def test_a_folder_that_cannot_be_used_is_said(pychat: Pychat) -> None:
    pychat.file.parent.write_text("in the way")
    assert pychat.refuses(1, "settings") == f"{pychat.file}: Not a directory."
    assert pychat.refuses(1, "settings", "--no-suggested") == f"{pychat.file}: Not a directory."


def test_flags_of_a_chat_hold_for_that_time_only(pychat: Pychat) -> None:
    pychat.shows("--no-suggested")
    before = pychat.file.read_text()
    done = pychat.run("join", "--server", "stun:127.0.0.1:9", written="no code")
    assert done.returncode == 3
    assert pychat.file.read_text() == before


ROOM = "http://{}/#" + roomcode.encode(roomcode.RoomCode(bytes(roomcode.SECRET_SIZE)))


def asks(pychat: Pychat, *arguments: str, written: str = "") -> bool:
    """Whether it has said whom it asks for its address, before it asks; it has nothing to send, and so it ends."""
    done = pychat.run(*arguments, written=written)
    note = strings.stun_note(()).partition(" asks ")[0]
    first = done.stderr.startswith(f"pychat: {note} asks stun:stun.cloudflare.com:3478 how it looks from outside.")
    assert first == (note in done.stderr)
    return first


def test_it_says_whom_it_asks_before_it_asks(pychat: Pychat) -> None:
    assert asks(pychat, "join", ROOM.format("chat.invalid"))
    pychat.shows("--no-suggested")
    assert not asks(pychat, "join", ROOM.format("chat.invalid"))


def test_before_a_mistake_it_says_nothing_of_servers(pychat: Pychat) -> None:
    for arguments, written in (
        (["join"], "no code"),
        (["join", "no code"], ""),
        (["join", ROOM.format("chat.invalid")[:-2]], ""),
        (["room"], ""),
        (["invite", "--hide-address"], ""),
    ):
        pychat.refuses(3 if arguments[0] == "join" else 2, *arguments, written=written)


@pytest.mark.parametrize("host", ["localhost:9", "a.localhost:9", "127.0.0.1:9", "127.1.2.3:9", "[::1]:9"])
def test_for_a_page_of_this_machine_nobody_is_asked(pychat: Pychat, host: str) -> None:
    assert not asks(pychat, "join", ROOM.format(host))
    assert not asks(pychat, "join", written=ROOM.format(host))
    assert not asks(pychat, "room", "--page", f"http://{host}/")


# What it says of itself.

COMMANDS = ["invite", "join", "room", "talk", "settings", "reset", "serve", "passphrase", "backup", "restore", "export"]


def test_it_says_which_version_it_is(pychat: Pychat) -> None:
    done = pychat.run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"pychat {__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example(pychat: Pychat, command: str) -> None:
    done = pychat.run(command, "-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"for example:\n  pychat {command}" in done.stdout


def test_there_is_no_command_without_help(pychat: Pychat) -> None:
    listed = re.findall(r"^    ([a-z]+)(?:  |$)", pychat.run("-h").stdout, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_where_letters_are_missing_the_help_still_comes(pychat: Pychat) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pychat", "join", "-h"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, b"")
