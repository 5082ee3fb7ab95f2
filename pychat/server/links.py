"""Links whose "#" was encoded on the way, as messengers and mail filters do: all of such a link reaches the server."""

from __future__ import annotations

from collections.abc import Container
from urllib.parse import quote, unquote

TIMES_ENCODED = 3


def mended_address(path: bytes, query: bytes, names: Container[str]) -> str | None:
    """Where such a link was to lead, from what is asked for; None for all others.

    What follows the "#" is a secret. A redirect puts it back where browsers keep it from servers, and it is not kept
    here. The browser's own history has it, as that of any link that was opened: no redirect can take it out there.
    """
    for part in (path, query):
        before, fragment = _parted(part.decode("latin-1"))
        if fragment:
            name = before.removeprefix("/") if part is path else ""
            up = "../" * (path.count(b"/") - 1) or "./"
            return f"{up}{name}#{quote(fragment)}" if not name or name in names else None
    return None


def _parted(text: str) -> tuple[str, str]:
    """What is before and behind a "#" that was encoded."""
    for _ in range(TIMES_ENCODED):
        text = unquote(text)
        if "#" in text:
            before, _, fragment = text.partition("#")
            return before, fragment
    return text, ""
