"""What messages say of themselves, in the styles of a terminal; and that nothing of it drives one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from pychat.native.screens.markup import as_written, styled
from pychat.native.screens.sanitize import Styled, paragraph, styled_paragraph
from tests import naughty

STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def shown(lines: Sequence[Styled]) -> list[str]:
    """Lines with their styles in brackets."""
    return ["".join(f"[{style}]{text}" if style else text for style, text in line) for line in lines]


def texts(lines: Sequence[Styled]) -> list[str]:
    return ["".join(text for _, text in line) for line in lines]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\n two", ["one", " two"]),
        ("**a** *b* ~~c~~", ["[bold]a [italic]b [strike]c"]),
        ("***a***", ["[bold italic]a"]),
        ("`a\tb`", ["[class:said-code]a    b"]),
        ("*a\nb*", ["[italic]a", "[italic]b"]),
        ("> a\n> *b*", ["[class:quiet]│ a", "[class:quiet]│ [italic]b"]),
        ("- a\n- b\n  c", ["• a", "• b", "  c"]),
        ("10. a\n    - b", ["10. a", "    • b"]),
        ("```py\na\n  b\n```", ["    [class:said-code]a", "    [class:said-code]  b"]),
        ("[a](https://b.example/c)", ["[underline]a (https://b.example/c)"]),
        ("https://b.example", ["[underline]https://b.example"]),
        ("[bank.example](https://b.example)", ["bank.example [underline]https://b.example"]),
    ],
)
def test_texts_have_styles(text: str, expected: list[str]) -> None:
    assert shown(styled(text)) == expected


def test_lines_are_wrapped_as_those_without_styles() -> None:
    for text in ("one two three four five", "x" * 30, "你好" * 10, "a b   c", "", "one\n\ntwo", "a  " * 20):
        for columns in (8, 16, 80):
            rows = styled_paragraph(("bold", "Ann"), as_written(text), columns)
            assert texts(rows) == paragraph("Ann", text, columns)


def test_what_goes_on_is_indented_and_keeps_its_style() -> None:
    rows = styled_paragraph(("bold", "Ann"), styled("*one two three four*\n> five"), 16)
    assert shown(rows) == [
        "[bold]Ann: [italic]one two ",
        "    [italic]three four",
        "    [class:quiet]│ five",
    ]


@pytest.mark.parametrize(
    "texts_of",
    [naughty.ALL, naughty.as_links(), naughty.as_code(), naughty.as_quotes()],
    ids=["text", "links", "code", "quotes"],
)
def test_nothing_naughty_drives_a_terminal_or_begins_at_the_left_edge(texts_of: Sequence[str]) -> None:
    for text in texts_of:
        first, *rest = styled_paragraph(("", "Ann"), styled(text), 40)
        assert "".join(piece for _, piece in first).startswith("Ann: ")
        for row in rest:
            assert "".join(piece for _, piece in row).startswith("    ")
        assert not STEERING.search("".join(piece for row in (first, *rest) for _, piece in row)), text
