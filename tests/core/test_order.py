"""An order that is the same whatever came first: held against a list that is sorted."""

from itertools import pairwise
from random import Random

import pytest

from pychat.core.chat.order import OrderedTimeline
from pychat.core.chat.timeline import Message
from pychat.core.log import Entry, Log
from pychat.core.memory import RUN_SIZE, Memory

AUTHORS = ("ann-ann-ann-ann-ann", "bob-bob-bob-bob-bob", "cleo-cleo-cleo-cleo")


class Model:
    """An ordered timeline, and what it should be; of the first `unread` entries of each log nothing was read yet."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.memory = Memory()
        self.timeline = OrderedTimeline(self.memory)
        self.logs = [Log(author) for author in AUTHORS]
        self.unread: list[list[Entry]] = [[], [], []]
        for entries in self.unread:
            rank = 0
            for _ in range(self.random.randint(0, 12)):
                rank += self.random.randint(0, 3)
                entries.append(Entry(rank, f"{rank}"))
        for log, entries in zip(self.logs, self.unread, strict=True):
            log.offset = len(entries)
        self.timeline.resume(sum(map(len, self.unread)))
        self.there: list[Message] = []

    def arrives(self) -> None:
        """Some entries of one log come in: their ranks go up, and may be below those of others."""
        at = self.random.randrange(3)
        log = self.logs[at]
        rank = log.entries[-1].rank if log.entries else max([entry.rank for entry in self.unread[at]], default=0)
        first = log.count + 1
        for _ in range(self.random.randint(1, 4)):
            rank += self.random.randint(0, 6)
            log.entries.append(Entry(rank, f"{rank}", 0))
        count = log.count + 1 - first
        before, seen = [*self.timeline], self.timeline.inserted
        start = self.timeline.start
        self.timeline.insert(log, first, count)
        self.there += [Message(log.author, number, log.entry(number)) for number in range(first, first + count)]
        self.follow(before, start, seen, count)

    def follow(self, before: list[Message], start: int, seen: int, count: int) -> None:
        """Whoever shows what was there, and takes in each insertion, shows what is there."""
        shown: list[Message | None] = [*before]
        new = self.timeline.inserted - seen
        for insertion in [*self.timeline.insertions][len(self.timeline.insertions) - new :]:
            place = insertion.place - start
            shown[place:place] = [None] * insertion.count
            start -= insertion.count * insertion.from_before
        now = [*self.timeline]
        shown[:0] = [None] * (start - self.timeline.start)
        shown += [None] * (len(now) - len(shown))
        assert sum(message is None for message in shown) == count
        assert all(one in (None, other) for one, other in zip(shown, now, strict=True))

    def reads(self) -> None:
        """Entries from before are read from the journal."""
        at = self.random.randrange(3)
        log, entries = self.logs[at], self.unread[at]
        count = self.random.randint(0, len(entries))
        if count:
            log.entries[:0] = entries[-count:]
            del entries[-count:]
            log.offset -= count
            before, start, seen = [*self.timeline], self.timeline.start, self.timeline.inserted
            self.timeline.prepend(log, log.offset + 1, count)
            self.follow(before, start, seen, count)
            numbers = range(log.offset + 1, log.offset + 1 + count)
            self.there += [Message(log.author, number, log.entry(number)) for number in numbers]

    def forgets(self) -> None:
        gone: dict[Log, int] = {}
        total = 0
        for at, log in enumerate(self.logs):
            count = self.random.randint(0, len(log.entries))
            if count and not self.unread[at]:
                gone[log] = log.offset + count
                total += count
        self.timeline.forget(gone, total)
        for log, last in gone.items():
            self.there = [one for one in self.there if one.author != log.author or one.number > last]
            del log.entries[: last - log.offset]
            log.offset = last

    def check(self) -> None:
        expected = sorted(self.there, key=lambda one: (one.entry.rank, one.author, one.number))
        assert [*self.timeline] == expected
        assert len(self.timeline) - self.timeline.start == len(expected)
        assert self.memory.held == RUN_SIZE * len(self.timeline._runs)
        turns = sum(one.author != other.author for one, other in pairwise(expected))
        assert len(self.timeline._runs) <= turns + 1 + 3  # logs whose entries have a gap begin anew


@pytest.mark.slow
def test_whatever_comes_first_the_order_is_the_same() -> None:
    for seed in range(400):
        model = Model(seed)
        for _ in range(model.random.randint(1, 30)):
            (what,) = model.random.choices((model.arrives, model.reads, model.forgets), (6, 3, 1))
            what()
            try:
                model.check()
            except AssertionError as error:
                error.add_note(f"seed {seed}")
                raise


def test_what_is_written_after_something_stands_after_it_however_late_it_was() -> None:
    timeline = OrderedTimeline()
    own, other = Log(AUTHORS[0]), Log(AUTHORS[1])
    other.entries.append(Entry(5_000, "from a clock that is ahead"))
    timeline.insert(other, 1, 1)
    rank = timeline.next_rank(own.author, 1_000)
    assert rank == 5_001
    own.entries.append(Entry(1_000, "an answer", rank))
    timeline.insert(own, 1, 1)
    assert timeline.next_rank(own.author, 900) == 5_001  # set back
    assert timeline.next_rank(own.author, 6_000) == 6_000
    assert [message.entry.text for message in timeline] == ["from a clock that is ahead", "an answer"]
