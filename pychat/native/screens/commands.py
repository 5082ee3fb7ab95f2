"""What the commands of a terminal are, and how `/help` teaches them; the small numbers by which they name messages."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pychat.core.chat.relations import Place

HIGHEST = 99
"""The highest number on the screen; after it they begin anew."""
_WIDTH = 24
"""Cells of the column with the examples."""


class Command(NamedTuple):
    """A command: how it is written, for example, what that does, and what is called with the words behind it."""

    example: str
    meaning: str
    act: Callable[[str], None]


Commands = Mapping[str, Command]


def teach(groups: Mapping[str, Commands]) -> Iterator[str]:
    """The lines of `/help`, group by group."""
    for name, commands in groups.items():
        yield f"{name}:"
        for command in commands.values():
            yield f"{command.example:<{_WIDTH}} {command.meaning}"


class Numbers:
    """Which message on the screen has which number. They go round, so that they stay small; the latest one counts."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}
        self._numbers: dict[Place, int] = {}
        self._last = 0

    def of(self, place: Place) -> int:
        """The number of a message, which gets one if it has none."""
        number = self._numbers.get(place)
        if number is None:
            number = self._last = self._last % HIGHEST + 1
            former = self._places.get(number)
            if former is not None:
                del self._numbers[former]
            self._places[number], self._numbers[place] = place, number
        return number

    def place(self, number: int) -> Place | None:
        """Which message has a number, or None."""
        return self._places.get(number)
