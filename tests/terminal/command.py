"""The command `pychat` as the tests see it: a process of its own, in a pipe or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pyte

from tests.terminal.prepared import ROOT, Forked, Prepared
from tests.terminal.screen import BRACKETED_PASTE, Screen

SECONDS = 120
"""How long a test waits for a state. Far more than anything takes on a busy machine; a peer that was killed is noticed
after half a minute."""
_NOT_PASSED_ON = ("NO_COLOR", "PYCHAT_PAGE", "COLUMNS", "LINES")
"""What the tests' own environment may hold, and a person's mostly does not."""

SomeCommand = TypeVar("SomeCommand", bound="Command")

A_CODE = re.compile(r"[EG][A-Za-z0-9_-]{79,}")
IS_SOMEBODY_ELSE = "pychat: Somebody else is there: <"
SOON_GIVEN_UP = {"aioice.ice.CONSENT_INTERVAL": 0.2}
"""Constants of a command that gives up a peer that has gone silent after four seconds rather than half a minute."""
A_NOTE = re.compile(r"(?<! ) +\d\d:\d\d( ✓| delivered)?( #\d+)?$")
"""What stands at the right of a message on a terminal."""
A_LINK = re.compile(r"https?://\S+#F[A-Za-z0-9_-]{31}")


def _heed_signals() -> None:
    """Whoever runs the tests may ignore signals (nohup does), and a process inherits that."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Command:
    """A running `pychat` whose standard streams are pipes.

    Args:
        arguments: as on the command line.
        folder: where it keeps its settings.
        prepared: what starts it; None starts it as a shell does.
        prefix: a command that runs this one; it is then started as a shell does.
        environment: variables on top of those of the tests.
        constants: as for `Prepared.start`.
        stdin, stdout, stderr: as for `subprocess.Popen`.
    """

    _is_on_terminal = False

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        prepared: Prepared | None = None,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        constants: Mapping[str, float] | None = None,
        **streams: Any,
    ) -> None:
        self._news = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._out, self._err = bytearray(), bytearray()
        self._end_of_reading, self._reading = os.pipe()
        base = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
        all_variables = {**base, "XDG_DATA_HOME": str(folder), "PYTHONPATH": str(ROOT), **(environment or {})}
        self.process: subprocess.Popen[bytes] | Forked
        if prepared is not None and not prefix:
            self.process = prepared.start(
                arguments, all_variables, on_terminal=self._is_on_terminal, constants=constants, **streams
            )
        else:
            assert not constants, "they can be set in nothing but what was prepared"
            if self._is_on_terminal:
                prefix = [*prefix, sys.executable, "-I", "-c", _WITH_CONTROLLING_TERMINAL]
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "pychat", *arguments],
                cwd=ROOT,
                env=all_variables,
                bufsize=0,
                preexec_fn=_heed_signals,
                start_new_session=self._is_on_terminal,
                **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
            )
        if self.process.stdout is not None:
            self._follow(self.process.stdout.fileno(), self._out.extend)
        if self.process.stderr is not None:
            self._follow(self.process.stderr.fileno(), self._err.extend)

    def _follow(self, descriptor: int, take: Callable[[bytes], object]) -> None:
        """Read in a thread of its own, so that the process never waits for the test."""

        def read() -> None:
            data = b"."
            while data:
                ready, _, _ = select.select([descriptor, self._end_of_reading], [], [])
                try:
                    data = os.read(descriptor, 65_536) if descriptor in ready else b""
                except OSError:  # a terminal whose other end was closed
                    data = b""
                with self._news:
                    take(data)
                    self._news.notify_all()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        self._threads.append(thread)

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until the process has shown what is wanted."""
        with self._news:
            if not self._news.wait_for(condition, SECONDS):
                raise AssertionError(f"{what} did not come.\n{self._seen()}")

    def _seen(self) -> str:
        return f"standard output:\n{self._out.decode()[-3000:]}\nstandard error:\n{self._err.decode()[-3000:]}"

    # What goes in.

    def write(self, text: str | bytes) -> None:
        """Give it some input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text if isinstance(text, bytes) else text.encode())

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def take(self, code: str) -> None:
        """Give it the code that it waits for."""
        self.write(f"{code}\n")

    def say(self, text: str) -> None:
        self.write(f"{text}\n")

    # What comes out.

    @property
    def code(self) -> str:
        """The invite or the reply to hand over, once it is there."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = [line for line in self.err.splitlines() if A_CODE.fullmatch(line)]
            return bool(found) or not self._is_running

        self.wait_for(is_there, "a code")
        assert found, self._seen()
        return found[0]

    @property
    def link(self) -> str:
        """The link of the room, the newest one, once there is one."""
        self.wait_for(lambda: self.links or not self._is_running, "a link")
        assert self.links, self._seen()
        return self.links[-1]

    @property
    def links(self) -> list[str]:
        """All the links that it has told so far."""
        return [line for line in self.err.splitlines() if A_LINK.fullmatch(line)]

    @property
    def out(self) -> str:
        return self._out.decode()

    @property
    def err(self) -> str:
        return self._err.decode()

    def lines(self, count: int) -> list[str]:
        """The lines of its standard output, once there are so many."""
        self.wait_for(lambda: self._out.count(b"\n") >= count, f"line {count}")
        return self.out.removesuffix("\n").split("\n")

    def wait_until_said(self, sentence: str) -> None:
        self.wait_for(lambda: sentence in self.err, f"“{sentence}”")

    def hears(self, *texts: str) -> None:
        """Check that these are the messages that have come so far, once there are so many."""
        assert self.lines(len(texts)) == list(texts)

    def is_connected(self) -> None:
        """Wait until the two are connected."""
        self.wait_until_said("pychat: Connected: ")

    # How it ends.

    @property
    def _is_running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads) and self.process.poll() is None

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()

    def status(self) -> int:
        """Wait until it has ended; its exit status. Fails when it has shown a traceback."""
        try:
            status = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end.\n{self._seen()}") from None
        for thread in self._threads:
            thread.join(SECONDS)
        self._check()
        return status

    def _check(self) -> None:
        """Standard error has sentences, codes and links, and nothing else."""
        lines = self.err.splitlines()
        if lines and lines[0].startswith("usage: "):
            lines = lines[-1:]
        for line in lines:
            assert line.startswith("pychat") or A_CODE.fullmatch(line) or A_LINK.fullmatch(line), self._seen()

    def close(self) -> None:
        """Let go of everything, whatever has become of it."""
        self.process.kill()
        self.process.wait()
        self._stop_reading()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with suppress(OSError):  # what was written last may not be wanted any more
                    stream.close()

    def _stop_reading(self) -> None:
        if self._reading >= 0:
            os.close(self._reading)
            for thread in self._threads:
                thread.join()
            os.close(self._end_of_reading)
            self._reading = -1


class Terminal(Command):
    """A running `pychat` on a terminal: `pyte` is the terminal, and the tests are the person before it."""

    _is_on_terminal = True

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        columns: int = 100,
        rows: int = 50,
        **options: Any,
    ) -> None:
        self.replies: list[str] = []
        self.written = bytearray()
        self._taken: set[str] = set()
        self._screen = Screen(columns, rows, self._reply)
        self._stream = pyte.ByteStream(self._screen)
        self._terminal, slave = pty.openpty()
        self._set_size(columns, rows)
        self.attributes = termios.tcgetattr(slave)
        try:
            super().__init__(
                *arguments,
                environment={"TERM": "xterm-256color", **(environment or {})},
                stdin=slave,
                stdout=slave,
                stderr=slave,
                **options,
            )
        finally:
            os.close(slave)
        self._follow(self._terminal, self._show)

    def _show(self, data: bytes) -> None:
        self.written += data
        self._stream.feed(data)

    def _reply(self, data: str) -> None:
        """What a terminal answers when it is asked, for example where its cursor is."""
        self.replies.append(data)
        self.write(data)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _seen(self) -> str:
        return "the screen:\n" + "\n".join(self.rows)

    # What the person does.

    def write(self, text: str | bytes) -> None:
        os.write(self._terminal, text if isinstance(text, bytes) else text.encode())

    def paste(self, text: str) -> None:
        """Paste as terminals do that are asked to mark what is pasted: its line ends become carriage returns."""
        self.wait_for(lambda: BRACKETED_PASTE in self._screen.mode, "the wish to have what is pasted marked")
        self.write(f"\x1b[200~{text}\x1b[201~".replace("\n", "\r"))

    def take(self, code: str) -> None:
        self._taken.update(A_CODE.findall(code))
        self.paste(code)
        self.write("\r")

    def say(self, text: str) -> None:
        self.write(f"{text}\r")

    def resize(self, columns: int, rows: int) -> None:
        with self._news:
            self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    # What is on the screen.

    @property
    def rows(self) -> list[str]:
        """All rows, those that have scrolled out of sight first, without what is noted at the right of messages."""
        return _without_notes(self.noted_rows)

    @property
    def noted_rows(self) -> list[str]:
        """All rows, without the spaces at their ends."""
        with self._news:
            return self._screen.rows

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def bottom(self) -> str:
        """The line under the input."""
        return next((row for row in reversed(self.rows) if row), "")

    @property
    def input(self) -> str:
        """The row in which the cursor is, up to the cursor."""
        with self._news:
            return self._screen.up_to_cursor

    @property
    def above_input(self) -> list[str]:
        """The rows above the one in which the cursor is, the nearest last."""
        with self._news:
            return _without_notes(self._screen.above_cursor)

    @property
    def cells(self) -> list[list[Any]]:
        """The characters that are in sight, each with its colours."""
        with self._news:
            return self._screen.cells

    @property
    def code(self) -> str:
        found: list[str] = []

        def is_there() -> bool:
            whole = "".join(row if len(row) == self._screen.columns else f"{row}\n" for row in self._screen.rows)
            # What was pasted stands in the input line for a moment, and what ends at the cursor is still being written.
            cursor = self._screen.up_to_cursor
            found[:] = [
                code
                for code in A_CODE.findall(whole)
                if code not in self._taken and not (cursor and (cursor.endswith(code) or code.endswith(cursor)))
            ]
            return bool(found)

        self.wait_for(is_there, "a code")
        return found[-1]

    @property
    def links(self) -> list[str]:
        return A_LINK.findall(self.text)

    def next_code(self, old: str) -> str:
        """The code that is shown after this one."""
        self.wait_for(lambda: self.code != old, "another code")
        return self.code

    def wait_until_shown(self, text: str) -> None:
        self.wait_for(lambda: text in self.text, f"“{text}” on the screen")

    def wait_for_row(self, row: str) -> None:
        """Wait until this row is there, and once only."""
        self.wait_for(lambda: self.rows.count(row) == 1, f"the row “{row}”, once")

    def wait_until_gone(self, text: str) -> None:
        self.wait_for(lambda: text not in self.text, f"a screen without “{text}”")

    def wait_for_bottom(self, text: str) -> None:
        self.wait_for(lambda: text in self.bottom, f"“{text}” in the bottom line")

    def rows_above(self, line: str) -> list[str]:
        """All rows above the input line, once this is what stands on it up to the cursor."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = self.above_input
            return self.input == line

        self.wait_for(is_there, f"“{line}” in the input line")
        return found

    def wait_above_input(self, *rows: str) -> None:
        """Wait until these rows are right above the input line; the line is drawn anew every now and then."""
        self.wait_for(lambda: self.above_input[-len(rows) :] == list(rows), f"{rows} above the input line")

    def wait_for_input(self, text: str) -> None:
        self.wait_for(lambda: self.input == text, f"“{text}” in the input line")

    def wait_until_said(self, sentence: str) -> None:
        """A sentence may be broken into rows."""
        self.wait_for(lambda: sentence in _joined(self.rows), f"“{sentence}”")

    def hears(self, *texts: str) -> None:
        def heard() -> list[str]:
            return [row.partition(">: ")[2] for row in self.rows if row.startswith("<")]

        self.wait_for(lambda: len(heard()) >= len(texts), f"message {len(texts)}")
        assert heard() == list(texts)

    def is_connected(self) -> None:
        self.wait_for(lambda: ">  connected" in self.bottom, "a connection")

    def said(self, sentence: str) -> int:
        """How often it has said this."""
        return _joined(self.rows).count(sentence)

    # How it ends.

    def hang_up(self) -> None:
        """Close the terminal's window."""
        self._stop_reading()
        os.close(self._terminal)
        self._terminal = -1

    def is_as_before(self) -> bool:
        """Whether the terminal is left as it was found."""
        with self._news:
            modes = self._screen.mode
        shows_all = BRACKETED_PASTE not in modes and pyte.modes.DECAWM in modes and pyte.modes.DECTCEM in modes
        return shows_all and termios.tcgetattr(self._terminal) == self.attributes

    def _check(self) -> None:
        assert "Traceback" not in self.text, self._seen()

    def close(self) -> None:
        super().close()
        if self._terminal >= 0:
            self.hang_up()


_WITH_CONTROLLING_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Commands:
    """Starts commands, each of another person, and ends those that still run when the test is over.

    None of them asks a server of somebody else how it looks from outside. Two that are given one `folder` are the same
    person. With `prepared=None` one is started as a shell does.

    Args:
        folder: has a folder for each of them.
        prepared: what starts them.
    """

    def __init__(self, folder: Path, prepared: Prepared) -> None:
        self._folder = folder
        self._prepared = prepared
        self._people = count()
        self._stack = ExitStack()

    def __enter__(self) -> Commands:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def pipe(self, *arguments: str, **options: Any) -> Command:
        """Start `pychat` with pipes."""
        return self._keep(Command(*arguments, "--no-suggested", **self._of_somebody(options)))

    def command(self, *arguments: str, **options: Any) -> Command:
        """Start `pychat` for something that is no chat."""
        return self._keep(Command(*arguments, **self._of_somebody(options)))

    def command_on_a_terminal(self, *arguments: str, **options: Any) -> Terminal:
        """The same on a terminal."""
        return self._keep(Terminal(*arguments, **self._of_somebody(options)))

    def terminal(self, *arguments: str, **options: Any) -> Terminal:
        """Start `pychat` on a terminal."""
        return self._keep(Terminal(*arguments, "--no-suggested", **self._of_somebody(options)))

    def _of_somebody(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"folder": self._folder / f"person {next(self._people)}", "prepared": self._prepared, **options}

    def _keep(self, command: SomeCommand) -> SomeCommand:
        self._stack.callback(command.close)
        return command


def _without_notes(rows: Sequence[str]) -> list[str]:
    """Rows without notes, and without those that have nothing else."""
    return [left for row in rows if (left := _without_note(row)) or not row]


@cache
def _without_note(row: str) -> str:
    return A_NOTE.sub("", row)


def _joined(rows: Sequence[str]) -> str:
    """Rows as one text, with what goes on in an indented row put together again."""
    return re.sub(r" *\n    ", " ", "\n".join(rows))
