"""A journal in memory, of which every step can be the last one before the power goes."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from pychat.core import effects, events
from pychat.core.chat.records import KeptConversation, Part, join, read_head, read_segment
from pychat.core.ids import ChatId

Work = effects.WriteJournal | effects.ReadJournal | effects.MergeInJournal | effects.DeleteFromJournal


@dataclass
class Disk:
    """What is in the journal of one person."""

    heads: dict[tuple[ChatId, str], tuple[int, bytes]] = field(default_factory=dict)
    segments: list[tuple[int, ChatId, bytes]] = field(default_factory=list)
    last: int = 0

    def copy(self) -> Disk:
        return copy.deepcopy(self)

    def kept(self) -> list[KeptConversation]:
        found: dict[ChatId, list[tuple[str, int]]] = {}
        for (chat, run), (version, _) in self.heads.items():
            found.setdefault(chat, []).append((run, version))
        return [
            KeptConversation(chat, join([read_head(self.heads[chat, run][1]) for run, _ in runs]), tuple(runs))
            for chat, runs in found.items()
        ]

    def write(self, run: str, changes: tuple[effects.KeptChanges, ...]) -> None:
        for change in changes:
            key = change.conversation, run
            self.heads[key] = self.heads.get(key, (0, b""))[0] + 1, change.head
            for other, version in change.found:
                if self.heads.get((change.conversation, other), (0, b""))[0] == version:
                    del self.heads[change.conversation, other]
            if change.segment is not None:
                self.last += 1
                self.segments.append((self.last, change.conversation, change.segment))

    def read(self, chat: ChatId, before: int | None, most: int) -> tuple[tuple[int, bytes], ...]:
        found = [(at, data) for at, of, data in self.segments if of == chat and (before is None or at < before)]
        return tuple(reversed(found[-most:]))

    def read_first(self, chat: ChatId, most: int) -> tuple[tuple[int, bytes], ...]:
        return tuple([(at, data) for at, of, data in self.segments if of == chat][:most])

    def merge(self, chat: ChatId, segments: Sequence[tuple[int, bytes]], segment: bytes) -> None:
        first, last = segments[0][0], segments[-1][0]
        within = [one for one in self.segments if one[1] == chat and first <= one[0] <= last]
        if [(at, data) for at, _, data in within] == [*segments]:
            left = [one for one in self.segments if one not in within]
            self.segments = sorted([*left, (first, chat, segment)])

    def delete(self, chat: ChatId, until: int | None = None) -> None:
        if until is None:
            self.heads = {key: head for key, head in self.heads.items() if key[0] != chat}
        self.segments = [
            segment for segment in self.segments if segment[1] != chat or (until is not None and segment[0] > until)
        ]

    def parts(self, chat: ChatId) -> list[Part]:
        """All that is kept of a conversation."""
        return [part for _, of, data in self.segments if of == chat for part in read_segment(data).parts]


class JournalOf:
    """The work of one program with a disk, one step after the other."""

    def __init__(self, disk: Disk, run: str) -> None:
        self.disk = disk
        self.run = run
        self.work: deque[Work] = deque()
        self.problem = ""
        """With it nothing can be done of what `fails`."""
        self.fails: tuple[type[Work], ...] = (
            effects.WriteJournal,
            effects.ReadJournal,
            effects.MergeInJournal,
            effects.DeleteFromJournal,
        )

    def take(self, effect: effects.Effect) -> bool:
        if isinstance(effect, Work):
            self.work.append(effect)
            return True
        return False

    def step(self) -> events.Event | None:
        """Do the next piece of work; returns what the program hears of it."""
        effect = self.work.popleft()
        if self.problem and isinstance(effect, self.fails):
            return events.JournalFailed(effect.ticket, self.problem)
        match effect:
            case effects.WriteJournal(ticket, changes):
                self.disk.write(self.run, changes)
                return events.JournalWritten(ticket)
            case effects.ReadJournal(ticket, chat, before, most, from_start):
                disk = self.disk
                read = disk.read_first(chat, most) if from_start else disk.read(chat, before, most)
                return events.JournalRead(ticket, chat, read)
            case effects.MergeInJournal(_, chat, segments, segment):
                self.disk.merge(chat, segments, segment)
            case effects.DeleteFromJournal(_, chat, until):
                self.disk.delete(chat, until)
        return None
