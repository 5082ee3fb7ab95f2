"""A server for what is measured, in a process of its own, so that it takes no time from whoever measures."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from pychat.server.app import create_app
from pychat.server.config import Config

ROOT = Path(__file__).resolve().parents[2]
PAGES = Path(__file__).parent / "pages"


@contextmanager
def serve(site: Path) -> Iterator[str]:
    """Serve a site, and the stock page beside it; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", __name__, str(site), str(listener.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[listener.fileno()])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.kill()
            process.wait()


def main(site: Path, listener: int) -> None:
    app = Starlette(
        routes=[
            Mount("/stock/node_modules", StaticFiles(directory=ROOT / "web" / "node_modules")),
            Mount("/stock", StaticFiles(directory=PAGES / "stock")),
            Mount("/", create_app(site, Config())),
        ]
    )
    uvicorn.run(app, fd=listener, log_level="warning")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
