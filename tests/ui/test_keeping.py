"""The words for how long it is kept what is said, and what a person may write instead of them."""

from __future__ import annotations

import pytest

from pychat.core.chat.records import FOREVER, NOTHING
from pychat.ui import keeping

DAY = 86_400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (FOREVER, "Until I delete it"),
        (NOTHING, "Not at all"),
        (DAY, "For 1 day"),
        (365 * DAY, "For 1 year"),
        (90 * DAY, "For 90 days"),
        (3_600, "For 1 hour"),
        (90, "For 90 seconds"),
        (5_000 * 365 * DAY, "For 5,000 years"),
    ],
)
def test_each_choice_has_words(seconds: int, words: str) -> None:
    assert keeping.choice(seconds) == words


def test_it_says_what_becomes_of_what_is_said() -> None:
    assert [keeping.state(seconds) for seconds in (FOREVER, 7 * DAY, NOTHING)] == [
        "kept until you delete it",
        "kept for 7 days",
        "not kept",
    ]


@pytest.mark.parametrize("seconds", keeping.CHOICES)
def test_a_person_can_write_what_is_offered(seconds: int) -> None:
    words = {FOREVER: "forever", NOTHING: "nothing"}.get(seconds, keeping.choice(seconds))
    assert keeping.parse(words) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7d", 7 * DAY),
        ("12 h", 12 * 3_600),
        ("30", 30 * DAY),
        ("  1 Hour ", 3_600),
        ("2y", 730 * DAY),
        ("always", FOREVER),
    ],
)
def test_a_person_can_write_less(text: str, seconds: int) -> None:
    assert keeping.parse(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "x", "-1 day", "1.5 days", "days", "7 parsecs", "1000000 days", "٧ days", "7 7 days", "0 days"]
)
def test_whatever_else_means_nothing(text: str) -> None:
    assert keeping.parse(text) is None
