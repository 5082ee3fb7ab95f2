"""Colours for blocks of code. What makes them is loaded with the first block that has a use for it."""

import asyncio
import importlib
import sys
from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException

from pychat.ui.highlight import Piece, is_short_enough, pieces

SLICE = 40
"""Pieces that are made in one task: the page goes on listening."""
_ARCHIVE = "/pygments.zip"


class Highlighter:
    """Colours one block after the other; where that cannot be, they stay as they are."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Any, str]] = []
        self._working: asyncio.Task[None] | None = None
        self._is_here = False

    def colour(self, code: Any, language: str) -> None:
        """Colour what is in an element, as soon as that can be."""
        self._waiting.append((code, language))
        if self._working is None or self._working.done():
            self._working = asyncio.ensure_future(self._work())

    async def _work(self) -> None:
        try:
            if not self._is_here:
                await _load()
                self._is_here = True
        except (JsException, OSError):  # there is no network: without colours it is code all the same
            self._waiting.clear()
        while self._waiting:
            await asyncio.sleep(0)
            code, language = self._waiting.pop(0)
            with suppress(Exception):  # whatever a hostile block does to what takes it apart, it is shown by then
                await _colour(code, language)


async def _load() -> None:
    """Get Pygments, and put it where Python looks for modules."""
    data = await js.loadVendor("pygments/pygments.zip")
    with open(_ARCHIVE, "wb") as archive:
        archive.write(data.to_bytes())
    if _ARCHIVE not in sys.path:
        sys.path.append(_ARCHIVE)
    importlib.invalidate_caches()


async def _colour(code: Any, language: str) -> None:
    text = str(code.textContent)
    if not code.isConnected or not is_short_enough(text):
        return
    coloured = js.document.createDocumentFragment()
    for number, piece in enumerate(pieces(text, language), 1):
        coloured.append(_element(piece))
        if number % SLICE == 0:
            await asyncio.sleep(0)
    code.replaceChildren(coloured)


def _element(piece: Piece) -> Any:
    if not piece.look:
        return js.document.createTextNode(piece.text)
    element = js.document.createElement("span")
    element.className = f"code-{piece.look}"
    element.textContent = piece.text
    return element


highlighter = Highlighter()
