"""The JSON files that the vectors are in."""

import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.vectors import (
    codes,
    descriptions,
    dialogues,
    frames,
    handshake,
    links,
    names,
    pasting,
    proofs,
    rooms,
    safety,
)

FOLDER = Path(__file__).parent
_CASES = (codes, links, descriptions, pasting, frames, handshake, safety, names, dialogues, rooms, proofs)
_WIDTH = 120


def contents() -> dict[Path, str]:
    """What each file should hold."""
    return {FOLDER / f"{cases.__name__.rpartition('.')[2]}.json": _written(cases) for cases in _CASES}


def stale() -> list[Path]:
    """The files that do not hold what they should."""
    return [path for path, text in contents().items() if not path.exists() or path.read_text("ascii") != text]


@cache
def _written(cases: ModuleType) -> str:
    """JSON in ASCII, so that no editor and no font hides what a text holds."""
    return _in_lines({"note": cases.NOTE.split("\n"), "vectors": cases.vectors()}, "", 0) + "\n"


def _in_lines(value: Any, before: str, depth: int) -> str:
    """Write a value on one line if there is room for it, else each of its items on lines of its own."""
    line = before + json.dumps(value)
    indent = "  " * (depth + 1)
    fits = depth > 2 and len(indent) + len(line) < _WIDTH
    if fits or not isinstance(value, dict | list) or not value:
        return line
    if isinstance(value, dict):
        opening, closing = "{", "}"
        items = [_in_lines(item, f"{json.dumps(name)}: ", depth + 1) for name, item in value.items()]
    else:
        opening, closing = "[", "]"
        items = [_in_lines(item, "", depth + 1) for item in value]
    return before + opening + "\n" + ",\n".join(indent + item for item in items) + "\n" + "  " * depth + closing
