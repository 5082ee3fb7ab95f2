"""How many bytes conversations hold, and how many they may.

Everything is counted as it lies in the memory of CPython with 64 bits; elsewhere it is somewhat less. What goes when
too much is held is decided in `chat.conversation` and `services.messaging`.
"""

from collections.abc import Sequence
from sys import getsizeof

MIB = 1024 * 1024

CONVERSATION_MOST = 64 * MIB
"""Bytes above which the oldest messages of a conversation go: some 350,000 short ones."""
ALL_MOST = 256 * MIB
"""Bytes above which the oldest messages of the conversation that holds most go."""
UNACKNOWLEDGED_MOST = 16 * MIB
"""Bytes of our own messages that may wait in one conversation: none of them goes before it is acknowledged, nor what
came after it. So much of both sides, and what it takes to show it, has to fit: else each could wait for the other."""
STEP = MIB // 2
"""Bytes that go at a time, so that not each message makes another one go, and no turn takes long."""
MARGIN = 8 * MIB
"""Bytes that a peer may send although it was not acknowledged what came before; honest ones stay far below."""

ENTRY_SIZE = 120
"""Bytes of an entry beside its text: a tuple, a number, a place in a list."""
RELATION_SIZE = 400
"""Bytes for what an entry says of another one, and for finding it from there."""
RUN_SIZE = 160
"""Bytes for each time that another author goes on: a tuple, two numbers, two places in lists."""
LOG_SIZE = 512
"""Bytes of a log beside its entries: its name, its place in a table, a list."""


_ASCII = getsizeof("")


class Memory:
    """The bytes that something holds, which are also held by the whole that it is a part of."""

    __slots__ = ("held", "whole")

    def __init__(self, whole: "Memory | None" = None) -> None:
        self.held = 0
        self.whole = whole

    def take(self, size: int) -> None:
        """Count bytes that are held from now on; fewer than none are given back."""
        self.held += size
        if self.whole is not None:
            self.whole.held += size

    def give_back(self) -> None:
        """Count nothing any more."""
        self.take(-self.held)


def size_of(entries: Sequence[tuple[int, str, int, object]]) -> int:
    """The bytes that entries take."""
    if len(entries) == 1:
        _, text, _, relation = entries[0]
        return ENTRY_SIZE + getsizeof(text) + (0 if relation is None else RELATION_SIZE + getsizeof(relation))
    texts = [text for _, text, _, _ in entries]
    relations_sizes = [RELATION_SIZE + getsizeof(entry[3]) for entry in entries if entry[3] is not None]
    size = ENTRY_SIZE * len(texts) + sum(relations_sizes)
    joined = "".join(texts)
    if joined.isascii():  # in half the time
        return size + len(joined) + _ASCII * len(texts)
    return size + sum(map(getsizeof, texts))
