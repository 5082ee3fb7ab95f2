"""The command that serves the site: flags, the address it says it is ready at, and an end without a traceback."""

from __future__ import annotations

import argparse
import errno
import gc
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from pychat.server.app import create_app
from pychat.server.config import Config, ConfigError, parse_port
from pychat.server.files import SiteMissing
from pychat.server.guard import OTHER_FILES, allow_open_files
from pychat.server.http_protocol import HttpProtocol
from pychat.server.ws_protocol import WebSocketProtocol

EXIT_FAILED = 1
EXIT_USAGE = 2
GRACE_SECONDS = 10
FULL_COLLECTION_AFTER = 1000


def load_app(site: Path) -> Starlette:
    """The application for a uvicorn that somebody else starts; ends the program with one sentence if it cannot be made.

    That uvicorn has an access log unless it is told otherwise; addresses never reach it.
    """
    logging.getLogger("uvicorn.access").disabled = True
    return _app_or_exit(site, _config_or_exit(host=None, port=None))


def main(site: Path, arguments: Sequence[str] | None = None, *, prog: str = "pychat serve") -> int:
    """Serve `site` until interrupted; returns the exit status. `prog` is how the command was called."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve the web page of pychat.",
        epilog=f"for example:\n  {prog} --port 8080",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="the address to listen on (PYCHAT_HOST, else 127.0.0.1)")
    parser.add_argument("--port", help="the port, 0 for any free one (PYCHAT_PORT, else 8000)")
    parser.add_argument(
        "--no-relay", action="store_true", help="pass on no signaling between members of rooms (PYCHAT_RELAY=off)"
    )
    options = parser.parse_args(arguments)
    config = _config_or_exit(options.host, options.port)
    if options.no_relay:
        config = replace(config, relay=None)
    allow_open_files(config.limits.connections + OTHER_FILES)
    app = _app_or_exit(site, config)
    try:
        listener = _listen(config.host, config.port)
    except OSError as error:
        print(f"pychat: cannot listen on {config.host} port {config.port}: {_reason(error)}.", file=sys.stderr)
        return EXIT_FAILED
    _collect_seldom()
    server = _Server(_server_config(app), config.host)
    with listener:
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            print()
    return 0


def _collect_seldom() -> None:
    """Let Python look through all that there is for garbage a hundred times less often than by default.

    While it does, nobody is served: most of a second with 5,000 connections, every other second when many come and go.
    A connection leaves nothing for it to find.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_COLLECTION_AFTER)


def _server_config(app: Starlette) -> uvicorn.Config:
    """No access log, for addresses would tell who came; proxies are the application's business."""
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Says where it can be reached once it really can."""

    def __init__(self, config: uvicorn.Config, host: str) -> None:
        super().__init__(config)
        self._host = host

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            port = sockets[0].getsockname()[1]
            host = f"[{self._host}]" if ":" in self._host else self._host
            print(f"pychat is ready: http://{host}:{port}/", flush=True)
            if not _is_loopback(self._host):
                print(
                    "Other machines must come through https: over plain http a browser gives a page from another "
                    "machine no keys, and pychat does not start.",
                    flush=True,
                )


def _config_or_exit(host: str | None, port: str | None) -> Config:
    """The settings of the environment, with the flags over them."""
    environment = dict(os.environ)
    try:
        if port is not None:
            environment["PYCHAT_PORT"] = str(parse_port(port, "--port"))
        config = Config.from_environment(environment)
    except ConfigError as error:
        print(f"pychat: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    return replace(config, host=host) if host else config


def _app_or_exit(site: Path, config: Config) -> Starlette:
    try:
        return create_app(site, config)
    except SiteMissing:
        print(
            f"pychat: there is no built site in {site}: run `make build` in a checkout, or install pychat anew.",
            file=sys.stderr,
        )
        sys.exit(EXIT_FAILED)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, made here and not by uvicorn so that a failure can be told in words."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=2048)


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "that needs more rights; ports from 1024 need none"
    if error.errno == errno.EADDRINUSE:
        return "another program is using it; choose a free one with PYCHAT_PORT"
    return error.strerror or str(error)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
