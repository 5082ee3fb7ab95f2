"""A Python that has imported all of pychat, and forks for each command that a test starts.

To start takes a command 0.6 seconds of a processor, nearly all of it to import; a fork takes an eighth of that. It is a
process of its own as any other: streams, environment, signals, session and exit status are what a test wants them to
be, and from `pychat/__main__.py` on it runs what everybody runs. Some tests start theirs as a shell does.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
_IMPORTED = ("pychat.pipe", "pychat.client", "pychat.native.screens.terminal", "pychat.native.trace", "platformdirs")
"""With all that they import, nearly all that a chat does. `pychat.__main__` is left to each process."""
_MOST = 60_000
"""Bytes of a request that are read at once."""
_STREAMS = 3


class Prepared:
    """Starts commands. To be used with `with`."""

    def __enter__(self) -> Prepared:
        self._requests, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        """What was started has to have ended before."""
        self._requests.close()
        self._process.wait()

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        on_terminal: bool = False,
        constants: Mapping[str, float] | None = None,
        **streams: Any,
    ) -> Forked:
        """Start `pychat`.

        Args:
            arguments: as on the command line.
            environment: all of it.
            on_terminal: whether its standard input is to be the terminal that controls it.
            constants: what a constant of a library, such as `aioice.ice.CONSENT_INTERVAL`, is to be there.
            streams: stdin, stdout, stderr, as for `subprocess.Popen`; each is a pipe if it is not given.
        """
        ours: list[IO[bytes] | None] = []
        theirs: list[int] = []
        opened: list[int] = []  # that only the process has to keep
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            stream = streams.get(name, subprocess.PIPE)
            ours.append(None)
            if stream == subprocess.PIPE:
                reader, writer = os.pipe()
                mine, other = (writer, reader) if number == 0 else (reader, writer)
                ours[number] = open(mine, "wb" if number == 0 else "rb", buffering=0)  # noqa: SIM115
            elif stream == subprocess.DEVNULL:
                other = os.open(os.devnull, os.O_RDWR)
            elif stream == subprocess.STDOUT:
                theirs.append(theirs[1])
                continue
            else:
                theirs.append(stream if isinstance(stream, int) else stream.fileno())
                continue
            theirs.append(other)
            opened.append(other)
        report, reporter = os.pipe()
        opened.append(reporter)
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "on_terminal": on_terminal,
            "constants": dict(constants or {}),
        }
        try:
            data = json.dumps(request).encode() + b"\n"
            sent = socket.send_fds(self._requests, [data], [*theirs, reporter])
            self._requests.sendall(data[sent:])
        finally:
            for descriptor in opened:
                os.close(descriptor)
        return Forked(ours, report)


class Forked:
    """A process that was forked: what the tests use of `subprocess.Popen`, by the same names."""

    def __init__(self, streams: Sequence[IO[bytes] | None], report: int) -> None:
        self.stdin, self.stdout, self.stderr = streams
        self.returncode: int | None = None
        self._report = open(report, "rb", buffering=0)  # noqa: SIM115
        line = self._report.readline()
        assert line, "what starts the commands has ended"
        self.pid = int(line)

    def poll(self) -> int | None:
        """The exit status, if it has ended."""
        return self._status(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; the exit status. Raises `subprocess.TimeoutExpired`."""
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("pychat", timeout or 0)
        return status

    def _status(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._report], [], [], timeout)[0]:
            self.returncode = int(self._report.readline())
            self._report.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it is known to have ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ends at this moment
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.send_signal(signal.SIGKILL)


def _serve(requests: socket.socket) -> None:
    """Fork for each request until there can be no more; returns in the one that has started a command, too."""
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()  # so that a search for garbage in a process does not copy all of it
    while True:
        data, descriptors, _, _ = socket.recv_fds(requests, _MOST, _STREAMS + 1)
        with suppress(ChildProcessError):  # there is none
            while os.waitpid(-1, 0 if not data else os.WNOHANG)[0]:
                pass
        if not data:
            return
        while not data.endswith(b"\n"):
            data += requests.recv(_MOST)
        if os.fork() == 0:
            requests.close()
            _watch(json.loads(data), descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _watch(request: dict[str, Any], descriptors: list[int]) -> None:
    """Fork once more, and tell the process's id and then how it ends: only a parent learns that."""
    *streams, reporter = descriptors
    process = os.fork()
    if process == 0:
        os.close(reporter)
        _become(request, streams)
        return
    for descriptor in streams:
        os.close(descriptor)
    os.write(reporter, b"%d\n" % process)
    _, status = os.waitpid(process, 0)
    os.write(reporter, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """Run the command as `python -m pychat` does; it ends with SystemExit."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    for descriptor in streams:
        os.close(descriptor)
    os.setsid()
    if request["on_terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # As a Python that starts does; those that there are know what the former streams could do.
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    sys.stdin = open(0, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    # Whoever runs the tests may ignore signals (nohup does), and a process inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    for name, value in request["constants"].items():
        module, _, constant = name.rpartition(".")
        assert hasattr(import_module(module), constant), name
        setattr(import_module(module), constant, value)
    sys.argv = ["pychat", *request["arguments"]]
    runpy.run_module("pychat", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
