"""One WebSocket of the relay: a queue of limited size to a reader who may be slow, and an end that is sure to come.

A task for the queue exists only while something is in it, so an idle connection costs nothing but the task that reads.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from starlette.types import Receive, Scope, Send

from pychat.core.relay.protocol import CloseCode
from pychat.server.ws_protocol import CLOSE_WITHIN

# How long the closing handshake may take, what waits in the queue included, before the connection is ended by force.
CLOSE_SECONDS = 4.0


class Refused(Exception):
    """The other side did what ends its connection; `code` says what."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.reason)
        self.code = code


class Gone(Exception):
    """The connection is closed; `code` is the close code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Connection:
    """A WebSocket of ws_protocol.py, from `host`; at most `limit` bytes wait for its reader."""

    __slots__ = (
        "_limit",
        "_pump",
        "_queue",
        "_receive",
        "_scope",
        "_send",
        "_waiting",
        "ending",
        "host",
        "used_at",
        "was_refused",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, host: str, limit: int) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._limit = limit
        # A list and no deque, for an empty one of those takes 700 bytes.
        self._queue: list[tuple[str, Callable[[int], None] | None]] = []
        self._waiting = 0
        self._pump: asyncio.Task[None] | None = None
        self.host = host
        self.ending: CloseCode | None = None
        self.was_refused = False  # something on it: that is logged once
        self.used_at = asyncio.get_running_loop().time()

    async def accept(self, subprotocol: str) -> None:
        """Take the WebSocket.

        Raises:
            Gone: the other side did not wait.
        """
        await self._receive()
        with _closed_as_gone():
            await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def read(self) -> str:
        """The next text.

        Raises:
            Gone: there is no next one.
            Refused: it is bytes.
        """
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Gone(event.get("code", 1005))
        self.used_at = asyncio.get_running_loop().time()
        text: str | None = event.get("text")
        if text is None:
            raise Refused(CloseCode.MALFORMED)
        return text

    def post(self, text: str, sent: Callable[[int], None] | None = None) -> None:
        """Put a text in ASCII into the queue, and return at once; a reader whose queue is full is given up.

        Args:
            sent: called with its length once it has left the queue.
        """
        if self.ending is not None:
            return
        if self._waiting + len(text) > self._limit:
            self.end(CloseCode.TOO_SLOW)
            return
        self._queue.append((text, sent))
        self._waiting += len(text)
        self.used_at = asyncio.get_running_loop().time()
        self._start()

    def end(self, code: CloseCode) -> None:
        """Begin to close, and return at once; what waits is sent before, except to a slow reader."""
        if self.ending is not None:
            return
        self.ending = code
        if code is CloseCode.TOO_SLOW:
            self._queue.clear()
        self._scope["extensions"][CLOSE_WITHIN](CLOSE_SECONDS)
        self._start()

    async def closed(self) -> None:
        """Wait until the close that was begun has gone out."""
        while (await self._receive())["type"] != "websocket.disconnect":
            pass

    def _start(self) -> None:
        if self._pump is None:
            self._pump = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            with contextlib.suppress(Gone), _closed_as_gone():
                await self._empty()
                if self.ending is not None:
                    close = {"type": "websocket.close", "code": self.ending, "reason": self.ending.reason}
                    await self._send(close)
        finally:
            self._pump = None

    async def _empty(self) -> None:
        while self._queue:
            batch, self._queue = self._queue, []
            for text, sent in batch:
                if self.ending is CloseCode.TOO_SLOW:
                    return
                await self._send({"type": "websocket.send", "text": text})
                self._waiting -= len(text)
                if sent is not None:
                    sent(len(text))


@contextlib.contextmanager
def _closed_as_gone() -> Iterator[None]:
    """ASGI servers raise an OSError for what is sent to a closed connection, and a RuntimeError after a close."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise Gone(1006) from error
