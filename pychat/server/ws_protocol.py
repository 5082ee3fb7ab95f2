"""uvicorn's WebSocket protocol, with an end for peers that do not read and for those that send too much.

What holds for its connections comes from the application, in the state of its lifespan, and not from uvicorn's own
settings: so it holds also where somebody else starts uvicorn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from uvicorn._types import ASGISendEvent, WebSocketScope
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol

from pychat.server.bucket import Bucket
from pychat.server.cycles import let_go_error, let_go_transport
from pychat.server.guard import GUARD, Guard

# In the extensions of a WebSocket's scope: a function that gives the connection so many seconds to close; then it is
# ended by force, and what waits in it is discarded.
CLOSE_WITHIN = "pychat.close_within"

# In the state of the application's lifespan: the Terms of its WebSockets.
TERMS = "pychat.terms"

LINGER_SECONDS = 2.0
MOST_FRAGMENTS = 256
# Whole messages are rarely in more; so many count as one more message.
FRAGMENTS_AT_THE_PRICE_OF_A_MESSAGE = 16
# What is received is looked at in pieces, for one reading may hold 40,000 frames, and all of them would be answered.
PIECE_BYTES = 4096

# uvicorn notes who has come, with the address, where it notes what goes wrong.
_LOG = logging.getLogger("uvicorn.error.websockets")
_LOG.setLevel(logging.WARNING)


@dataclass(frozen=True)
class Terms:
    """What an application asks of the server for its WebSockets.

    Messages, pings and pongs share `rate` and `burst`; `too_fast` are the close code and reason for who sends more.
    `dismiss` begins to close all that are open, and returns at once; it may be called more than once.
    """

    message_bytes: int
    ping_seconds: int
    rate: int
    burst: int
    too_fast: tuple[int, str]
    dismiss: Callable[[], None]


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """What uvicorn has, and no peer can hold a connection, memory or the processor."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _LOG
        self._guard: Guard | None = app_state.get(GUARD)
        self._terms: Terms | None = app_state.get(TERMS)
        self._bucket: Bucket | None = None
        self._failed = False  # closing for a reason of this protocol
        self._end: asyncio.TimerHandle | None = None
        if self._terms:
            self._bucket = Bucket(self._terms.rate, self._terms.burst, self.loop.time())
            # No compression: what is sealed gains nothing.
            self.conn.parser.close()
            self.conn = ServerProtocol(max_size=self._terms.message_bytes, logger=_LOG)
            self.ping_interval = self.ping_timeout = self._terms.ping_seconds

    def shutdown(self) -> None:
        """Leave the end of an open connection to the application, which has something to say before."""
        if self._terms and self.handshake_complete and not self.close_sent:
            self._terms.dismiss()
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing: not what holds on to its owner, as a parser and tracebacks do, nor the scope, nor a timer."""
        super().connection_lost(exc)
        self.conn.parser.close()
        let_go_error(self.conn.handshake_exc)
        let_go_error(self.conn.parser_exc)
        if self._end is not None:
            self._end.cancel()
        self.scope = cast(WebSocketScope, {})
        if self._guard:
            self._guard.release(self.transport)
        let_go_transport(self.transport)

    def close_within(self, seconds: float) -> None:
        """Let the connection take so long to close, for who does not read would put that off for ever."""
        if not self.disconnected:
            self._end = self.loop.call_later(seconds, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take what has come piece by piece, until the connection is being closed."""
        for start in range(0, len(data), PIECE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + PIECE_BYTES])
            if self.conn.handshake_exc is not None and not self.handshake_complete:
                self._refuse_handshake()

    def _refuse_handshake(self) -> None:
        """Answer a handshake that is none; uvicorn would leave the connection open, for ever."""
        answer = b"".join(self.conn.data_to_send())
        refusal = self.conn.reject(HTTPStatus.BAD_REQUEST, "This is no WebSocket handshake.\n")
        self.handshake_complete = self.close_sent = True
        self.transport.write(answer or refusal.serialize())
        self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """Let the application end the connection by force."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[CLOSE_WITHIN] = self.close_within

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

    def _may_send(self) -> bool:
        """Whether the other side has sent no more than it may; else it is closed."""
        if self._bucket is None or self._terms is None or self._bucket.take(self.loop.time()):
            return True
        if not self.close_sent:
            self.conn.fail(*self._terms.too_fast)
            self.handle_parser_exception()
        elif not self._failed:  # the application closes, and this is no answer
            self.transport.abort()
        return False

    def handle_text(self, event: Frame) -> None:
        """Count a message."""
        if self._may_send():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Count a message."""
        if self._may_send():
            super().handle_bytes(event)

    def handle_ping(self) -> None:
        """Count a ping, for it is answered."""
        if self._may_send():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Count a pong, for nobody has to have asked for it."""
        if self._may_send():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """Refuse a message in countless fragments: the limit of its size does not count empty ones."""
        if len(self.frames) >= MOST_FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
        elif len(self.frames) % FRAGMENTS_AT_THE_PRICE_OF_A_MESSAGE or self._may_send():
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
        self._failed = True
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.close_sent = True
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        self.transport.resume_reading()
