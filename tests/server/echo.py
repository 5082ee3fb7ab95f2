"""A server that sends back what it gets, with the settings and the WebSocket protocol of the real one.

    python -m tests.server.echo [PORT]

What the protocol layer does with each frame shows best when nothing behind it looks at the messages. The Autobahn
test suite can be pointed at it too (docs/reference/relay.md).
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from pychat.server.cli import _server_config
from pychat.server.config import RelayConfig
from pychat.server.relay import Relay
from pychat.server.ws_protocol import TERMS


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    while (event := await websocket.receive())["type"] == "websocket.receive":
        if event.get("text") is not None:
            await websocket.send_text(event["text"])
        else:
            await websocket.send_bytes(event["bytes"])


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
    config = RelayConfig(rate=1_000_000, burst=1_000_000)
    yield {TERMS: Relay(config, CollectorRegistry()).terms}


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        print(sockets[0].getsockname()[1], flush=True)


def main(port: int = 0) -> None:
    app = Starlette(routes=[WebSocketRoute("/", echo)], lifespan=lifespan)
    with socket.create_server(("127.0.0.1", port), backlog=2048) as listener:
        Server(_server_config(app)).run(sockets=[listener])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
