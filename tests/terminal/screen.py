"""The screen of a terminal, with what has scrolled out of sight."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pyte
from wcwidth import wcwidth

WIDER = {"\u3164": "\u3000"}
"""What Unicode gives no width, and several terminals two cells: the Hangul filler."""
BRACKETED_PASTE = 2004 << 5  # pyte shifts the numbers of private modes


class Screen(pyte.HistoryScreen):
    """`pyte` with two mistakes made good, which real terminals do not make.

    A character without a width neither ends what is drawn nor goes on in the next row, and a wide one that finds a
    single cell goes on in the next row whole.

    Args:
        reply: takes what the terminal answers when it is asked, for example where its cursor is.
    """

    def __init__(self, columns: int, rows: int, reply: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(columns, rows, history=100_000)
        self._reply = reply
        self._past: list[str] = []  # of what does not change any more, for it is asked for again and again
        self._first: Any = None  # the row that it begins with

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        super().resize(lines, columns)
        self._past.clear()

    def write_process_input(self, data: str) -> None:
        self._reply(data)

    def draw(self, data: str) -> None:
        for char in data:
            char = WIDER.get(char, char)
            cells = wcwidth(char)
            if cells == 2 and self.cursor.x == self.columns - 1:
                self.cursor.x = self.columns
            if cells > 0 or self.cursor.x < self.columns:
                super().draw(char)

    @property
    def rows(self) -> list[str]:
        """All rows, those that have scrolled out of sight first, without the spaces at their ends."""
        top = self.history.top
        first = top[0] if top else None
        if first is not self._first:  # it was reset, or is full
            self._first = first
            self._past.clear()
        self._past += [self._row(line, self.columns) for line in islice(top, len(self._past), None)]
        return [*self._past, *(self._row(self.buffer[y], self.columns) for y in range(self.lines))]

    @property
    def up_to_cursor(self) -> str:
        """The row in which the cursor is, up to it."""
        line = self.buffer[self.cursor.y]
        return "".join(line[x].data for x in range(self.cursor.x))

    @property
    def above_cursor(self) -> list[str]:
        """All rows above the one in which the cursor is, the nearest last."""
        return self.rows[: len(self.history.top) + self.cursor.y]

    @property
    def cells(self) -> list[list[Any]]:
        """The characters that are in sight, each with its colours."""
        return [[self.buffer[y][x] for x in range(self.columns)] for y in range(self.lines)]

    @staticmethod
    def _row(line: Any, columns: int) -> str:
        return "".join(line[x].data for x in range(columns)).rstrip()
