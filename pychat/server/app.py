"""The web application: the built site, and what the operator has to say about ICE servers. It logs no request."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pychat.server.config import Config
from pychat.server.files import load_files
from pychat.server.headers import SecurityHeaders


def create_app(site: Path, config: Config) -> Starlette:
    """The application that serves the built site in `site`.

    Raises:
        SiteMissing: there is no built site there.
    """
    files = load_files(site)

    async def serve_file(request: Request) -> Response:
        file = files.get(request.path_params["path"] or "index.html")
        if file is None:
            raise HTTPException(404)
        return file.respond(request)

    async def serve_config(_: Request) -> Response:
        return JSONResponse({"iceServers": config.ice_servers}, headers={"Cache-Control": "no-cache"})

    return Starlette(
        routes=[Route("/config.json", serve_config), Route("/{path:path}", serve_file)],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={404: _not_found, 405: _method_not_allowed},
    )


async def _not_found(_: Request, error: Exception) -> Response:
    return _in_words("There is no such page here.\n", error)


async def _method_not_allowed(_: Request, error: Exception) -> Response:
    return _in_words("This server only gives out files: ask with GET or HEAD.\n", error)


def _in_words(text: str, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {**(error.headers or {}), "Cache-Control": "no-cache"}
    return PlainTextResponse(text, error.status_code, headers)
