"""The WebSocket to the relay, as the driver's port asks for it."""

from typing import Any

import js
from pyodide.ffi import JsException, create_proxy

from pychat.core import events
from pychat.core.ids import SessionId
from pychat.core.relay.protocol import SUBPROTOCOL
from pychat.ports import PortError, Post


class BrowserRelay:
    """Implements `ports.RelayConnection`; the class itself is the `ports.RelayFactory`."""

    def __init__(self, session: SessionId, url: str, post: Post) -> None:
        self._session = session
        self._post = post
        try:
            self._socket = js.WebSocket.new(url, SUBPROTOCOL)
        except JsException as error:
            raise PortError(str(error)[:200]) from error
        self._handlers = {
            "open": create_proxy(lambda _: post(events.RelayOpened(session))),
            "message": create_proxy(self._message),
            "close": create_proxy(self._closed),
        }
        for name, proxy in self._handlers.items():
            self._socket.addEventListener(name, proxy)

    def send(self, text: str) -> None:
        """Send one text message; it is dropped when the socket is not open."""
        if self._socket.readyState == js.WebSocket.OPEN:
            self._socket.send(text)

    def close(self) -> None:
        """Close the socket; after this nothing is posted."""
        self._let_go()
        self._socket.close()

    def _message(self, event: Any) -> None:
        if isinstance(event.data, str):  # the relay sends nothing else
            self._post(events.RelayHeard(self._session, event.data))

    def _closed(self, event: Any) -> None:
        code = int(event.code)
        self._let_go()
        self._post(events.RelayClosed(self._session, code))

    def _let_go(self) -> None:
        for name, proxy in self._handlers.items():
            self._socket.removeEventListener(name, proxy)
            proxy.destroy()
        self._handlers.clear()
