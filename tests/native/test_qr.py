"""What a terminal shows of a code: its QR code, and the link to a page."""

from __future__ import annotations

import pytest
import segno

from pychat.native.screens.qr import link, qr_lines

CODE = "E" + "aZ09-_" * 17
HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def modules(drawing: list[str]) -> list[list[int]]:
    """The modules of a drawing, one a row again."""
    rows = []
    for line in drawing:
        upper, lower = zip(*(HALVES[char] for char in line), strict=True)
        rows += [list(upper), list(lower)]
    return rows


@pytest.mark.parametrize("text", [CODE, f"https://chat.example/#{CODE}", CODE[:84], "E" * 768])
def test_the_drawing_has_the_modules_of_the_qr_code(text: str) -> None:
    matrix = [list(row) for row in segno.make(text, error="l", micro=False).matrix]
    size = len(matrix)
    drawn = modules(list(qr_lines(text, 200, 200)))
    assert [row[2:-2] for row in drawn[2 : size + 2]] == [[int(module) for module in row] for row in matrix]
    frame = drawn[:2] + drawn[size + 2 :] + [row[:2] + row[-2:] for row in drawn]
    assert not any(map(any, frame))
    assert {len(row) for row in drawn} == {size + 4}


def test_it_is_drawn_only_where_there_is_room_for_all_of_it() -> None:
    drawing = qr_lines(CODE, 200, 200)
    columns, rows = len(drawing[0]), len(drawing)
    assert qr_lines(CODE, columns, rows) == drawing
    assert qr_lines(CODE, columns - 1, rows) == ()
    assert qr_lines(CODE, columns, rows - 1) == ()


def test_a_link_has_the_code_where_no_server_sees_it() -> None:
    assert link("https://chat.example/", CODE) == f"https://chat.example/#{CODE}"
    assert link("https://chat.example/?a=b#old", CODE) == f"https://chat.example/?a=b#{CODE}"
