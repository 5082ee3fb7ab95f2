"""What was found, as a screen shows it: the words around what was looked for."""

from __future__ import annotations

import pytest

from pychat.core.chat.text_index import Found
from pychat.ui.search import AFTER, BEFORE, excerpt

WORDS = "one two three four five six seven eight nine ten"


def around(text: str, query: str) -> tuple[str, str, str]:
    return excerpt(Found("", "log", 1, 0, 0, False, text), query)


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Green tea", "TEA", ("Green ", "tea", "")),
        ("tea", "tea", ("", "tea", "")),
        ("green\n\ntea  leaves", "tea", ("green ", "tea", " leaves")),
        ("the green tea", "tea green", ("the ", "green", " tea")),
        (WORDS, "nine", ("…five six seven eight ", "nine", " ten")),
        ("x" * 50 + "tea", "tea", ("…" + "x" * BEFORE, "tea", "")),
        ("tea" + "x" * 200, "tea", ("", "tea", "x" * AFTER + "…")),
        ("İstanbul", "stan", ("", "", "İstanbul")),  # in which folding case changes the places of letters
        ("straße", "STRASSE", ("", "", "straße")),
    ],
)
def test_the_first_word_stands_with_what_is_around_it(text: str, query: str, expected: tuple[str, str, str]) -> None:
    assert around(text, query) == expected
