"""The WebSocket to the relay, as the driver's port asks for it, by the library websockets."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from pychat.core import events
from pychat.core.ids import SessionId
from pychat.core.relay.protocol import SUBPROTOCOL
from pychat.ports import PortError, Post

_NEVER_OPENED = 1006
_MOST_WAITING = 1024
"""Messages that wait to be sent; whoever has that many waiting has no way to the relay."""


Begin = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
"""Lets something go on by itself (`NativeConnect.begin`), so that whoever ends everything can wait for it."""


class NativeRelay:
    """Implements `ports.RelayConnection`; with its first argument given it is the `ports.RelayFactory`."""

    def __init__(self, begin: Begin, session: SessionId, url: str, post: Post) -> None:
        try:
            parse_uri(url)
        except (ValueError, WebSocketException) as error:
            raise PortError("not the address of a relay") from error
        self._session = session
        self._url = url
        self._post = post
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        self._closed = False
        self._task = begin(self._run())

    def send(self, text: str) -> None:
        """Queue one text message; it is dropped when too many wait."""
        if not self._waiting.full():
            self._waiting.put_nowait(text)

    def close(self) -> None:
        """Close the WebSocket; after this nothing is posted."""
        if not self._closed:  # to be cancelled once more would cut the closing handshake short
            self._closed = True
            self._task.cancel()

    async def _run(self) -> None:
        code = _NEVER_OPENED
        try:
            async with connect(self._url, subprotocols=[Subprotocol(SUBPROTOCOL)], close_timeout=1) as socket:
                self._tell(events.RelayOpened(self._session))
                sending = asyncio.create_task(self._send(socket))
                try:
                    async for message in socket:
                        if isinstance(message, str):  # the relay sends nothing else
                            self._tell(events.RelayHeard(self._session, message))
                finally:
                    sending.cancel()
                    code = socket.close_code or code
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd is not None else _NEVER_OPENED
        except (OSError, TimeoutError, ValueError, WebSocketException, ImportError):
            pass  # no such host, no answer, no relay, a proxy of an unknown kind: all are one to whoever tries again
        self._tell(events.RelayClosed(self._session, code))

    async def _send(self, socket: ClientConnection) -> None:
        try:
            while True:
                await socket.send(await self._waiting.get())
        except ConnectionClosed:
            pass  # the reading side tells

    def _tell(self, event: events.Event) -> None:
        if not self._closed:
            self._post(event)
