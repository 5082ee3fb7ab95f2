"""uvicorn's WebSocket protocol, with an end for peers that do not read and for those that send too much.

What holds for its connections comes from the application, in the state of its lifespan, and not from uvicorn's own
settings: so it holds also where somebody else starts uvicorn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol

# In the extensions of a WebSocket's scope: a function that ends the connection at once, and discards what waits in it.
ABORT = "pychat.abort"

# In the state of the application's lifespan: the Terms of its WebSockets.
TERMS = "pychat.terms"

LINGER_SECONDS = 2.0
MOST_FRAGMENTS = 256

# uvicorn notes who has come, with the address, where it notes what goes wrong.
_LOG = logging.getLogger("uvicorn.error.websockets")
_LOG.setLevel(logging.WARNING)


@dataclass(frozen=True)
class Terms:
    """What an application asks of the server for its WebSockets.

    `dismiss` begins to close all that are open, and returns at once; it may be called more than once.
    """

    message_bytes: int
    ping_seconds: int
    dismiss: Callable[[], None]


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """What uvicorn has, and no peer can hold a connection or memory by not reading."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _LOG
        self._terms: Terms | None = app_state.get(TERMS)
        if self._terms:
            # No compression: what is sealed gains nothing.
            self.conn = ServerProtocol(max_size=self._terms.message_bytes, logger=_LOG)
            self.ping_interval = self.ping_timeout = self._terms.ping_seconds

    def shutdown(self) -> None:
        """Leave the end of an open connection to the application, which has something to say before."""
        if self._terms and self.handshake_complete and not self.close_sent:
            self._terms.dismiss()
        else:
            super().shutdown()

    def handle_connect(self, event: Request) -> None:
        """Let the application end the connection by force."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[ABORT] = self.transport.abort

    async def send(self, message: ASGISendEvent) -> None:
        """Count a refused handshake as done; uvicorn would complain of each in its log."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = self.handshake_complete or self.close_sent

    def pause_writing(self) -> None:
        """Read nothing while the peer does not read, for each ping of its own would have to be answered."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again, unless a message waits for the application."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def keepalive_timeout(self) -> None:
        """Give up a peer that answers no ping; to wait until it has read the rest could take for ever."""
        super().keepalive_timeout()
        self.transport.abort()

    def handle_cont(self, event: Frame) -> None:
        """Refuse a message in countless fragments: the limit of its size does not count empty ones."""
        if len(self.frames) >= MOST_FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Refuse text that is not UTF-8; uvicorn would put a traceback of each into its log."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.fail(1007, "no UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Close as RFC 6455, section 7.1.1 has it: read on for a while, for a reset would overtake the close frame."""
        if self.close_timer is not None:
            return
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.close_sent = True
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        self.transport.resume_reading()
