"""The web application: the built site, what the operator has to say about ICE servers, and the relay.

It logs no request.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from pychat.server.config import Config
from pychat.server.files import load_files
from pychat.server.guard import GUARD, Guard
from pychat.server.headers import SecurityHeaders
from pychat.server.links import mended_address
from pychat.server.relay import Relay
from pychat.server.ws_protocol import TERMS

ASK_AGAIN = {"Cache-Control": "no-cache"}


def create_app(site: Path, config: Config) -> Starlette:
    """The application that serves the built site in `site`.

    Raises:
        SiteMissing: there is no built site there.
    """
    files = load_files(site)

    async def serve_file(request: Request) -> Response:
        address = mended_address(request.scope["raw_path"], request.scope["query_string"], files)
        if address is not None:
            return RedirectResponse(address, 302, headers={"Cache-Control": "no-store"})
        file = files.get(request.path_params["path"] or "index.html")
        if file is None:
            raise HTTPException(404)
        return file.respond(request)

    async def serve_config(_: Request) -> Response:
        answer = {"iceServers": config.ice_servers_at(time.time()), "relay": relay is not None}
        return JSONResponse(answer, headers=ASK_AGAIN)

    async def serve_health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "backplane": relay and relay.health}, headers=ASK_AGAIN)

    async def serve_metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST, **ASK_AGAIN})

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        watch = asyncio.create_task(guard.watch())
        try:
            async with relay.running() if relay else contextlib.nullcontext():
                yield {GUARD: guard, TERMS: relay.terms if relay else None}
        finally:
            watch.cancel()

    registry = CollectorRegistry()
    guard = Guard(config.limits, config.trusted_proxies, registry)
    relay = Relay(config.relay, registry) if config.relay else None
    routes: list[BaseRoute] = [
        Route("/config.json", serve_config),
        Route("/healthz", serve_health),
        Route("/metrics", serve_metrics),
        WebSocketRoute("/relay", relay or _no_relay),
        Route("/{path:path}", serve_file),
    ]
    middleware = [Middleware(SecurityHeaders)]
    if config.trusted_proxies:
        middleware.append(Middleware(ProxyHeadersMiddleware, trusted_hosts=config.trusted_proxies))
    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={404: _not_found, 405: _method_not_allowed},
        lifespan=lifespan,
    )


async def _no_relay(websocket: WebSocket) -> None:
    await websocket.send_denial_response(PlainTextResponse("There is no relay here.\n", 404))


async def _not_found(_: Request, error: Exception) -> Response:
    return _in_words("There is no such page here.\n", error)


async def _method_not_allowed(_: Request, error: Exception) -> Response:
    return _in_words("This server only gives out files: ask with GET or HEAD.\n", error)


def _in_words(text: str, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {**(error.headers or {}), "Cache-Control": "no-cache"}
    return PlainTextResponse(text, error.status_code, headers)
