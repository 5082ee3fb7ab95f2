"""The files of a built site, read into memory once: nothing that is not among them can be asked for.

A file may have compressed forms beside it (name.br, name.gz); which one is sent is settled between what the browser
accepts and what there is (RFC 9110, section 12.5.3).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

# Written out, for the tables of operating systems differ.
MEDIA_TYPES = {
    "": "text/plain; charset=utf-8",  # SHA256SUMS
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".py": "text/x-python; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}

# The content codings in the order of our liking, with the suffix that the build gives each.
ENCODINGS = {"br": ".br", "gzip": ".gz"}

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

CHUNK_BYTES = 64 * 1024

PACKAGE = Path(__file__).resolve().parents[1]


class SiteMissing(Exception):
    """There is no built site where one was looked for."""


@dataclass(frozen=True)
class File:
    """One file of the site and its forms, by content coding; "" stands for the file as it is."""

    media_type: str
    cache_control: str
    digest: str
    forms: Mapping[str, bytes]

    def respond(self, request: Request) -> Response:
        """The answer to a GET or HEAD: a form the browser accepts, or 304 when it has that one already."""
        accepted = _accepted(request.headers.get("accept-encoding", ""))
        encoding = next((coding for coding in ENCODINGS if coding in self.forms and coding in accepted), "")
        body = self.forms[encoding]
        etag = f'"{self.digest}-{encoding}"' if encoding else f'"{self.digest}"'
        headers = {"Cache-Control": self.cache_control, "ETag": etag, "Vary": "Accept-Encoding"}
        if _matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        headers |= {"Content-Type": self.media_type, "Content-Length": str(len(body))}
        if encoding:
            headers["Content-Encoding"] = encoding
        if request.method == "HEAD":
            return Response(headers=headers)
        return StreamingResponse(_chunks(body), headers=headers)


def find_site() -> Path:
    """Where the built site is: in the package that a wheel has installed, else where `make build` puts it."""
    installed = PACKAGE / "static"
    return installed if installed.is_dir() else PACKAGE.parent / "build" / "site"


def load_files(site: Path) -> dict[str, File]:
    """Every file of the site by its path, as it stands in an address.

    Raises:
        SiteMissing: there is no index.html in `site`.
    """
    if not (site / "index.html").is_file():
        raise SiteMissing(site)
    # Installers compile every .py of a wheel, those of the site too, and leave the results beside them.
    paths = (path for path in site.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    content = {path.relative_to(site).as_posix(): path.read_bytes() for path in paths}
    compressed = {name + suffix for name in content for suffix in ENCODINGS.values()}
    return {name: _file(name, content) for name in content.keys() - compressed}


def _file(name: str, content: Mapping[str, bytes]) -> File:
    forms = {"": content[name]}
    forms |= {coding: content[name + end] for coding, end in ENCODINGS.items() if name + end in content}
    return File(
        media_type=MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream"),
        cache_control=FOR_EVER if name.startswith(("app-", "vendor-")) else ASK_AGAIN,
        digest=hashlib.sha256(content[name]).hexdigest()[:32],
        forms=forms,
    )


async def _chunks(body: bytes) -> AsyncIterator[memoryview]:
    """Piece by piece, so that a slow reader holds up only its own connection and costs no copy of the whole."""
    view = memoryview(body)
    for start in range(0, len(view), CHUNK_BYTES):
        yield view[start : start + CHUNK_BYTES]


def _accepted(header: str) -> set[str]:
    """The content codings a browser names without refusing them (q=0)."""
    accepted = set()
    for item in header.lower().split(","):
        coding, _, parameters = item.partition(";")
        weight = parameters.strip().removeprefix("q=").strip()
        if weight.strip("0.") or not weight:
            accepted.add(coding.strip())
    return accepted


def _matches(header: str, etag: str) -> bool:
    """Whether If-None-Match names this ETag, compared weakly as RFC 9110, section 13.1.2 asks."""
    named = {item.strip().removeprefix("W/") for item in header.split(",")}
    return "*" in named or etag in named
