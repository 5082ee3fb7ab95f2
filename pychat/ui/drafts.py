"""Drafts: what stands in the message box of a conversation, unsent. Which of them are kept, for how long, and when they
are written.

They are kept as what is said there is: where nothing is kept, no draft is, and one that is older than what is kept is
not brought back. A draft for whoever will answer an invite is not kept, as the invite is not.
"""

import json
from collections.abc import Callable, Iterable, Mapping

from pychat.core.chat.records import NOTHING
from pychat.core.ids import ChatId

PAUSE = 0.3
"""Seconds without a change after which a draft is written."""
LONGEST = 3.0
"""Seconds after which it is written although somebody types on and on."""
MOST = 100_000
"""Code points of a draft that are kept; twelve times what can be sent at once."""
_VERSION = 1


class Drafts:
    """What is kept of the drafts, and what has to be written next.

    Args:
        keep_for: for how many seconds what is said in a chat is kept (`records`); NOTHING for one that is gone.
    """

    def __init__(self, keep_for: Callable[[ChatId], int]) -> None:
        self._keep_for = keep_for
        self._kept: dict[ChatId, str | None] = {}  # None: nobody knows what is there
        self._first: float | None = None  # when a draft changed that is not written yet
        self._last: float | None = None  # and when it did for the last time
        self._is_ready = False

    def take(self, records: Iterable[tuple[ChatId, bytes]], now: float) -> dict[ChatId, str]:
        """Take what was found kept; returns what of it holds. Until then nothing is written in its place."""
        self._is_ready = True
        held = {}
        for chat, data in records:
            written, text = _read(data)
            self._kept[chat] = text
            if text is not None and now - written <= self._keep_for(chat) != NOTHING:
                held[chat] = text
        if held != self._kept:
            self.touch(now)  # the others go
        return held

    def touch(self, now: float, *, is_empty: bool = False) -> None:
        """A draft may have changed; `is_empty`: nothing is left of it, so that what is kept goes at once.

        Else what was sent, and is in the conversation, would stand in the box as well when the page is left now.
        """
        self._last = now
        if is_empty and any(self._kept.values()):
            self._first = now - LONGEST
        elif self._first is None:
            self._first = now

    @property
    def due(self) -> float | None:
        """When `changes` is to be asked for."""
        if self._first is None or self._last is None or not self._is_ready:
            return None
        return min(self._last + PAUSE, self._first + LONGEST)

    def changes(self, drafts: Mapping[ChatId, str], now: float) -> list[tuple[ChatId, bytes]]:
        """What has to be written for these drafts to be kept, and no others: b"" where one goes."""
        if not self._is_ready:
            return []
        self._first = self._last = None
        wanted = {chat: text[:MOST] for chat, text in drafts.items() if text and self._keep_for(chat) != NOTHING}
        changed = [chat for chat in {**self._kept, **wanted} if self._kept.get(chat, "") != wanted.get(chat, "")]
        records = []
        for chat in changed:
            text = wanted.get(chat, "")
            records.append((chat, _write(text, now) if text else b""))
            self._kept[chat] = text
        return records

    def failed(self, chat: ChatId) -> None:
        """It could not be written: it is tried again with the next change."""
        self._kept[chat] = None


def _write(text: str, now: float) -> bytes:
    return json.dumps([_VERSION, int(now), text]).encode()  # in ASCII: a draft may hold half a surrogate pair


def _read(data: bytes) -> tuple[int, str | None]:
    """When a draft was written, and its text; None for what is damaged, or of another version."""
    try:
        match json.loads(data):
            case [int(version), int(written), str(text)] if version == _VERSION:
                return written, text
    except (ValueError, RecursionError):
        pass
    return 0, None
