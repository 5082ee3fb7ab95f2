"""The table of emoji, loaded when somebody wants to choose one."""

import asyncio

import js
from pyodide.ffi import JsException

from pychat.ports import PortError
from pychat.ui.emoji import EmojiTable

_TABLE = "emojibase/emoji.txt"


class EmojiLoader:
    """Loads the table once, and once more where that went wrong."""

    def __init__(self) -> None:
        self._loading: asyncio.Future[EmojiTable] | None = None

    @property
    def table(self) -> EmojiTable | None:
        """The table, if it is here."""
        loading = self._loading
        is_here = loading is not None and loading.done() and not loading.cancelled() and loading.exception() is None
        return loading.result() if loading is not None and is_here else None

    async def load(self) -> EmojiTable:
        """The table, as soon as it is here.

        Raises:
            PortError: it cannot be loaded.
        """
        if self._loading is None or (self._loading.done() and self.table is None):
            self._loading = asyncio.ensure_future(_load())
        return await asyncio.shield(self._loading)


async def _load() -> EmojiTable:
    try:
        data = await js.loadVendor(_TABLE)
        return EmojiTable(data.to_bytes().decode())
    except (JsException, OSError, ValueError) as error:
        raise PortError(str(error)[:200]) from error


emoji_loader = EmojiLoader()
