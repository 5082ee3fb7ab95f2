"""Real relays in processes of their own, a real Redis, and members that talk to them over real WebSockets."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from pychat.core.relay.protocol import on_channel, split
from tests.browsers import REDIS

ROOT = Path(__file__).resolve().parents[2]
SERVE = (
    "import sys; from pathlib import Path; from pychat.server.cli import main; sys.exit(main(Path(sys.argv.pop(1))))"
)
SUBPROTOCOL = "pychat.relay.1"

SECONDS = 30  # far more than anything here takes


def new_id() -> str:
    return secrets.token_urlsafe(16)


@dataclass
class Relay:
    """A server process; what it prints goes to files, so that it never waits for a reader."""

    process: subprocess.Popen[bytes]
    url: str
    output: Path

    @classmethod
    def start(cls, site: Path, folder: Path, *flags: str, **environment: str) -> Relay:
        command = [sys.executable, "-c", SERVE, str(site), "--port", "0", *flags]
        return cls.run(command, r"pychat is ready: (http://\S+/)\n", folder, environment)

    @classmethod
    def run(cls, command: list[str], ready: str, folder: Path, environment: dict[str, str]) -> Relay:
        """Start a server by any command; `ready` is what it says when it answers, with its address."""
        output = folder / f"relay-{new_id()}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=file,
                stderr=file,
            )
        while not (match := re.search(ready, output.read_text())):
            assert process.poll() is None, output.read_text()
            time.sleep(0.02)
        return cls(process, match[1], output)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=SECONDS) as answer:
            return str(answer.read().decode())

    def metric(self, line: str) -> float:
        """The value of a metric, 0 when it is not there yet."""
        match = re.search(rf"^{re.escape(line)} (\S+)$", self.get("metrics"), re.MULTILINE)
        return float(match[1]) if match else 0.0

    def said(self) -> str:
        """What it has printed, without where it listens."""
        lines = self.output.read_text().splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("pychat is ready: "))

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said().splitlines()]

    def stop(self, how: int = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(SECONDS)


class Redis:
    """A Redis that keeps nothing, at a Unix socket."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            shutil.which(REDIS) or pytest.fail("Redis is missing: run `python -m tests.browsers`"),
            *("--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"),
            *("--dir", str(self._socket.parent), "--daemonize", "no"),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not self._answers():
            assert self._process.poll() is None
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(SECONDS)
            self._process = None

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket))
            except OSError:
                return False
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")


@dataclass
class Member:
    """Somebody who is connected to a relay, on one channel; `heard` is everything that was said there so far."""

    connection: ClientConnection
    id: str
    heard: list[list[Any]]
    channel: int = 1

    @property
    def found(self) -> list[str]:
        """Who was there when this one came."""
        return list(next(message[1] for message in self.heard if message[0] == "joined"))

    async def say(self, *message: object) -> None:
        await self.connection.send(on_channel(self.channel, json.dumps(message)))

    async def hear(self) -> list[Any]:
        """The next message; the end of the channel is ["closed", code]."""
        async with asyncio.timeout(SECONDS):
            channel, said = split(str(await self.connection.recv())) or (0, "")
        assert channel in (self.channel, 0)
        message: list[Any] = ["closed", int(said)] if said.isdigit() else json.loads(said)
        self.heard.append(message)
        return message

    async def expect(self, *message: object) -> None:
        """Hear on until this comes."""
        while list(message) not in self.heard:
            await self.hear()

    async def expect_close(self, code: int, reason: str | None = None) -> None:
        close = None
        try:
            while True:
                await self.hear()
        except ConnectionClosed as closed:
            close = closed.rcvd
        assert close, "ended without a close"
        assert close.code == code
        assert reason in (None, close.reason)

    async def expect_talk_with(self, other: Member) -> None:
        """Both ways, a message goes from one to the other."""
        for sender, receiver in ((self, other), (other, self)):
            data = new_id()
            await sender.say("to", receiver.id, data)
            await receiver.expect("from", sender.id, data)


class Members:
    """Everybody who connects in a test; they all go when it is over."""

    def __init__(self) -> None:
        self._connections: list[ClientConnection] = []

    async def connect(self, relay: Relay, **options: Any) -> Member:
        """Somebody who has not joined yet, and answers pings."""
        # No compression, for what the tests want long must stay long.
        options = {"subprotocols": [SUBPROTOCOL], "compression": None, "ping_interval": None, **options}
        connection = await connect(relay.url.replace("http:", "ws:") + "relay", proxy=None, **options)
        self._connections.append(connection)
        return Member(connection, new_id(), [])

    async def join(self, relay: Relay, room: str, **options: Any) -> Member:
        member = await self.connect(relay, **options)
        await member.say("join", room, member.id)
        await member.hear()
        assert member.heard[0][0] == "joined"
        return member

    async def close(self) -> None:
        for connection in self._connections:
            if connection.state is not State.CLOSED:  # asyncio fails to abort what is closed
                connection.transport.abort()
            await connection.wait_closed()


async def until(state: Callable[[], bool]) -> None:
    """Wait for a state of a server, which is asked for again and again."""
    async with asyncio.timeout(SECONDS):
        while not await asyncio.to_thread(state):
            await asyncio.sleep(0.02)
