"""Sentences that count something."""

import pytest

from pychat.ui.plurals import plural


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 messages"), (1, "One message"), (2, "2 messages"), (12_345, "12,345 messages")]
)
def test_a_count_has_the_form_that_goes_with_it(count: int, words: str) -> None:
    assert plural(count, "One message", "{count} messages") == words
