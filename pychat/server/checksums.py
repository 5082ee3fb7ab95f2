"""What every file of a site is: in SHA256SUMS for people, who can find out whether they were served the same, and for
the service worker, which takes nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

SUMS = "SHA256SUMS"
"""In the format of coreutils: `sha256sum --check` reads it."""

SERVICE_WORKER = "sw.js"

Files = dict[str, bytes]


def with_sums(files: Mapping[str, bytes]) -> Files:
    """The files, with SHA256SUMS of all of them."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    return {**files, SUMS: "".join(lines).encode()}


def integrity(content: bytes) -> str:
    """What a browser asks of a file with this content (W3C Subresource Integrity, section 3.5)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"
