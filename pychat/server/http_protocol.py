"""uvicorn's HTTP protocol, watched by the guard of the application, and without a trace of what is gone.

The guard comes from the application, in the state of its lifespan, as the terms of ws_protocol.py do.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from pychat.server.cycles import let_go_error, let_go_transport
from pychat.server.guard import GUARD, Guard
from pychat.server.ws_protocol import WebSocketProtocol

# Something of a request is still to come; this server has no use for bodies, so they have no time of their own.
_TO_COME = (h11.IDLE, h11.SEND_BODY)


class HttpProtocol(H11Protocol):
    """What uvicorn has, and nobody can hold a connection by sending or reading next to nothing."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._guard: Guard | None = app_state.get(GUARD)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count a connection before anything is read."""
        super().connection_made(transport)
        if self._guard:
            self._guard.admit(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing, neither the timer that uvicorn lets run when the connection was reset."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self._guard:
            self._guard.release(self.transport)
        let_go_transport(self.transport)

    def handle_events(self) -> None:
        """Limit the time that a request takes to come, its body included."""
        super().handle_events()
        if not self._guard:
            return
        protocol = self.transport.get_protocol()
        self._guard.expect_request(self.transport, protocol is self and self.conn.their_state in _TO_COME)
        if not isinstance(protocol, HttpProtocol | WebSocketProtocol):
            self._guard.release(self.transport)  # nobody would tell of its end

    def send_400_response(self, msg: str) -> None:
        """Answer nothing where an answer is under way or done already; uvicorn would log a traceback of each.

        The error of h11 that is just handled holds on to itself, and to all that its traceback leads to.
        """
        let_go_error(sys.exception())
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()
