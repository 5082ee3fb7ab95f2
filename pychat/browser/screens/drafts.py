"""Drafts outlast a reload: they are sealed in the journal while somebody pauses, and when the page is left.

What a page begins when the browser asks whether to leave it (“beforeunload”) is mostly done before it is gone, and
often not what it begins when it is hidden for good (“pagehide”): so both are listened to, and neither is relied on.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import js

from pychat.browser.dom import Scope
from pychat.browser.ports.journal import BrowserJournal
from pychat.core.ids import ChatId
from pychat.ports import PortError
from pychat.ui.drafts import Drafts


class KeptDrafts:
    """Writes the drafts of a page into the journal, and reads them from there.

    Args:
        journal: None where nothing is kept; then no draft is.
        drafts: what stands in the box of each chat by now.
        keep_for: as in `ui.drafts.Drafts`.
    """

    def __init__(
        self,
        scope: Scope,
        journal: BrowserJournal | None,
        drafts: Callable[[], Mapping[ChatId, str]],
        keep_for: Callable[[ChatId], int],
    ) -> None:
        self._box = scope.part("draft")
        self._journal = journal
        self._now = drafts
        self._drafts = Drafts(keep_for)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._writing: set[asyncio.Future[None]] = set()  # kept, or they might be collected while they run
        if journal is not None:
            scope.on(js.window, "beforeunload", lambda _: self._write())
            scope.on(js.window, "pagehide", lambda _: self._write())
            scope.on(js.document, "visibilitychange", lambda _: self._look_or_away())

    async def read(self) -> dict[ChatId, str]:
        """Those that an earlier visit has kept, without those that are too old."""
        if self._journal is None:
            return {}
        found: list[tuple[str, bytes]] = []
        with suppress(PortError):
            found = await self._journal.drafts()
        held = self._drafts.take(found, time.time())
        self._arm()
        return held

    def touch(self) -> None:
        """A draft may have changed: it is written at the next pause."""
        if self._journal is not None:
            self._drafts.touch(time.time(), is_empty=not self._box.textLength)
            self._arm()

    def _arm(self) -> None:
        due = self._drafts.due
        if due is not None and self._timer is not None and due < self._timer_at:
            self._timer.cancel()
            self._timer = None
        if due is not None and self._timer is None:
            self._timer_at = due
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due - time.time()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        due = self._drafts.due
        if due is None or due <= time.time():
            self._write()
        else:
            self._arm()

    def _look_or_away(self) -> None:
        if js.document.visibilityState != "visible":
            self._write()

    def _write(self) -> None:
        for chat, record in self._drafts.changes(self._now(), time.time()):
            task = asyncio.ensure_future(self._keep(chat, record))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _keep(self, chat: ChatId, record: bytes) -> None:
        assert self._journal is not None
        try:
            await self._journal.keep_draft(chat, record)
        except PortError:
            self._drafts.failed(chat)
