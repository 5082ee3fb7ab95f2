"""What lies under the bonnet of a link, for whoever wants to see it."""

from collections.abc import Callable, Mapping
from typing import Any

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.ids import ChatId
from pychat.core.service import Context, Service
from pychat.core.services.links import Links

STATS_INTERVAL = 1.0
"""Seconds between two readings of the statistics."""


class Diagnostics(Service):
    """Reads the statistics of the link of the chat that is watched."""

    def __init__(self, context: Context, links: Links, chats: Chats) -> None:
        super().__init__(context)
        self._links = links
        self._chats = chats
        self._watched: ChatId | None = None
        self._due: float | None = None

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Which chat is watched."""
        return {events.WatchDetails: self._on_watch}

    @property
    def due(self) -> float | None:
        """When the statistics are read again."""
        return self._due

    def wake(self) -> None:
        """Read them."""
        if self._due is None or self._due > self.context.now:
            return
        chat = self._chats.get(self._watched)
        link = self._links.of(chat) if chat is not None else None
        if link is not None and link.is_live:
            self.context.emit(effects.ReadStats(link.id))
        self._due = self.context.now + STATS_INTERVAL if chat is not None else None

    def _on_watch(self, event: events.WatchDetails) -> None:
        self._watched = event.conversation
        self._due = None if event.conversation is None else self.context.now
