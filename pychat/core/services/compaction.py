"""Small segments of the journal are put together, so that a long conversation is read in few steps.

Theory of operation. A segment has the messages of a turn, which mostly is one. Whenever some are read, and they are
many and small, one takes their place: that of the first, so that whoever else is reading gets what they have not
read, and some of it once more. It is done only where all is kept for good: what is to go, goes by segments.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.chat.records import FOREVER, SEGMENT_BYTES, join_parts, read_segment, write_segment
from pychat.core.service import Context, Service

FEWEST = 32
"""Segments that are worth being put together."""


class Compaction(Service):
    """Puts segments together that were read."""

    def __init__(self, context: Context, chats: Chats) -> None:
        super().__init__(context)
        self._chats = chats

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What was read, by whomever it was wanted."""
        return {events.JournalRead: self._on_read}

    def _on_read(self, event: events.JournalRead) -> None:
        conversation = self._chats.conversation(event.conversation)
        if conversation is None or self._chats.keep_for(conversation) != FOREVER:
            return
        size, small = 0, []
        for position, data in sorted(event.segments):
            size += len(data)
            if size > SEGMENT_BYTES:
                break
            small.append((position, data))
        if len(small) < FEWEST:
            return
        try:
            segments = [read_segment(data) for _, data in small]
        except ValueError:
            return  # what is damaged stays as it is
        parts = join_parts(part for segment in segments for part in segment.parts)
        merged = write_segment(parts, segments[-1].written)
        self.context.emit(effects.MergeInJournal(self.context.next_id(), event.conversation, tuple(small), merged))
