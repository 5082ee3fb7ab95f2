"""What a peer wrote, as lines for a terminal or a pipe: nothing in it can act as a control sequence."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from wcwidth import iter_graphemes, wcwidth, width

# C0 and C1 controls and DEL (ECMA-48), which drive a terminal; marks that turn the direction of what follows
# (UAX #9), with which a text could dress up as somebody else's; separators that some programs take for line ends.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_LINE_END = re.compile("\r\n|\r|\n")


Styled = list[tuple[str, str]]
"""A line in pieces: the style of each, and its text."""


def lines(text: str) -> list[str]:
    """The lines of a message, each safe to be shown."""
    return [safe(line) for line in _LINE_END.split(text)]


def safe(line: str) -> str:
    """A line, safe to be shown: each control character is one that is seen."""
    return _UNSAFE.sub(_visible, line)


def one_line(text: str) -> str:
    """A message as one line: its line ends are shown as a sign."""
    return "␊".join(lines(text))


def name_tag(name: str, cells: int = 40) -> str:
    """A name between signs that it cannot hold itself, so that nothing in it reads as said by this program.

    Args:
        cells: that it takes at most, with its signs.
    """
    inner = one_line(name).translate(_NO_TAG)
    room = max(cells - 2, 1)
    if cells_of(inner) > room:
        inner, taken = "", inner
        for grapheme in iter_graphemes(taken):
            if cells_of(inner + grapheme) > room - 1:
                break
            inner += grapheme
        inner += "…"
    return f"<{inner}>"


def author_tag(name: str, *, verified: bool) -> str:
    """What stands before a message. A badge is outside of the signs around the name, so that no name brings one."""
    return f"{'✓ ' if verified else ''}{name_tag(name)}"


def json_line(event: str, at: datetime | None = None, **details: Any) -> str:
    """What has happened as a line of JSON, with its end. `at` is when; None is now."""
    moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"event": event, "at": moment, **details}) + "\n"


def paragraph(name: str, text: str, columns: int) -> list[str]:
    """A message for a screen of that many columns: what goes on is indented, so that none of it looks like a name."""
    columns = max(columns, 2 * len(_INDENT))
    first, *rest = lines(text)
    wrapped = [*_wrap(f"{name}: {first}", columns, "")]
    for line in rest:
        wrapped += _wrap(line, columns, _INDENT)
    return wrapped


def styled_paragraph(author: tuple[str, str], message: Sequence[Styled], columns: int) -> list[Styled]:
    """The same of a message whose lines are in pieces, which are safe and without tabs.

    Args:
        author: the style of a name, and the name.
    """
    columns = max(columns, 2 * len(_INDENT))
    style, name = author
    wrapped = list[Styled]()
    for number, pieces in enumerate(message):
        line = pieces if number else [(style, f"{name}:"), ("", " "), *pieces]
        indent = _INDENT if number else ""
        text = "".join(piece for _, piece in line)
        wrapped += [
            [("", row_indent), *_part(line, begin, end)] for row_indent, begin, end in _rows(text, columns, indent)
        ]
    return wrapped


_NO_TAG = str.maketrans("<>", "‹›")
_INDENT = "    "
_WORD = re.compile(" +|[^ ]+")


def _wrap(line: str, columns: int, indent: str) -> Iterator[str]:
    line = line.expandtabs()
    for row_indent, begin, end in _rows(line, columns, indent):
        yield row_indent + line[begin:end]


def _rows(line: str, columns: int, indent: str) -> Iterator[tuple[str, int, int]]:
    """The rows of a line: what is in front of each, and from where to where of the line it goes."""
    room = columns - len(_INDENT)
    begin, end, used = 0, 0, len(indent)
    for word in _WORD.findall(line):
        if room >= cells_of(word) > columns - used:
            yield indent, begin, end
            indent, begin, used = _INDENT, end, len(_INDENT)
            if word.startswith(" "):  # the break stands for it
                begin = end = end + 1
                word = word[1:]
        for grapheme in iter_graphemes(word):
            for part in [grapheme] if cells_of(grapheme) <= room else grapheme:
                if cells_of(part) > columns - used:
                    yield indent, begin, end
                    indent, begin, used = _INDENT, end, len(_INDENT)
                end += len(part)
                used += cells_of(part)
    yield indent, begin, end


def _part(line: Styled, begin: int, end: int) -> Iterator[tuple[str, str]]:
    """A line from somewhere to somewhere."""
    at = 0
    for style, text in line:
        piece = text[max(0, begin - at) : max(0, end - at)]
        if piece:
            yield style, piece
        at += len(text)


def cells_of(text: str) -> int:
    """The cells that a text takes at most: not every terminal joins what Unicode joins, such as a family of emoji."""
    if text.isascii():
        return len(text)
    return max(width(text), sum(max(wcwidth(char), 0) for char in text))


def _visible(control: re.Match[str]) -> str:
    code = ord(control[0])
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's control pictures
    return "␡" if code == 0x7F else "�"
