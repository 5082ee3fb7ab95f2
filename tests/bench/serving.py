"""A server for what is measured, in a process of its own, so that it takes no time from whoever measures."""

from __future__ import annotations

import shutil
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

from pychat.server import headers
from pychat.server.app import create_app
from pychat.server.config import Config
from pychat.site.build import Site, build_site

ROOT = Path(__file__).resolve().parents[2]
PAGES = Path(__file__).parent / "pages"
MODULES = Path(__file__).parent / "node_modules"
RIVALS = (MODULES / "simple-peer" / "simplepeer.min.js", MODULES / "peerjs" / "dist" / "peerjs.min.js")


def build_pages(folder: Path) -> Site:
    """The site, with the pages of the benchmark among its own; `folder` is for what is put together."""
    web = folder / "web"
    shutil.copytree(ROOT / "web", web, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(PAGES, web, ignore=shutil.ignore_patterns("stock"), dirs_exist_ok=True)
    for rival in RIVALS:
        shutil.copy(rival, web)
    (web / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    return build_site(web, ROOT / "pychat", ROOT / "build" / "bench")


@contextmanager
def serve(site: Path, broker: str = "") -> Iterator[str]:
    """Serve a site, and the stock page beside it; yields its address. Its pages may connect to that broker, too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", __name__, str(site), str(listener.fileno()), broker]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[listener.fileno()])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.kill()
            process.wait()


def main(site: Path, listener: int, broker: str) -> None:
    policy = headers.CONTENT_SECURITY_POLICY.replace("connect-src 'self'", f"connect-src 'self' {broker}")
    headers.SECURITY_HEADERS["Content-Security-Policy"] = policy
    # Only a page that is isolated from others has a clock of some microseconds; else Firefox counts milliseconds.
    headers.SECURITY_HEADERS["Cross-Origin-Embedder-Policy"] = "require-corp"
    app = Starlette(
        routes=[
            Mount("/stock/node_modules", StaticFiles(directory=ROOT / "web" / "node_modules")),
            Mount("/stock", StaticFiles(directory=PAGES / "stock")),
            Mount("/", create_app(site, Config())),
        ]
    )
    uvicorn.run(app, fd=listener, log_level="warning")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
