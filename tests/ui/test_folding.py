"""Long texts are folded."""

import pytest

from pychat.core.log import MAX_TEXT
from pychat.ui.folding import HEAD_CHARACTERS, HEAD_LINES, WHOLE_CHARACTERS, WHOLE_LINES, fold


@pytest.mark.parametrize("text", ["", "short", "x" * WHOLE_CHARACTERS, "\n" * (WHOLE_LINES - 1), "a\n" * 10 + "b"])
def test_a_text_that_is_not_long_stays_whole(text: str) -> None:
    assert fold(text) == text


@pytest.mark.parametrize("text", ["x" * MAX_TEXT, "word " * 1600, "\n" * 200 + "after", "line\n" * 200, "👋🏽" * 2000])
def test_of_a_long_one_the_beginning_is_left(text: str) -> None:
    head = fold(text)
    assert text.startswith(head)
    assert len(head) <= HEAD_CHARACTERS
    assert head.count("\n") < HEAD_LINES


def test_it_ends_where_a_word_does() -> None:
    text = "antidisestablishmentarianism " * 100
    assert set(fold(text).split()) == {"antidisestablishmentarianism"}
    assert len(fold(text)) > HEAD_CHARACTERS - 60
