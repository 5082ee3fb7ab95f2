from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core.bucket import Bucket

START = 1_700_000_000.0


def test_a_few_at_once_and_then_one_in_a_while() -> None:
    bucket, now, taken = Bucket(3, 2.0), START, []
    for _ in range(6):
        now = bucket.ready_at(now)
        bucket.take(now)
        taken.append(now - START)

    assert taken == [0, 0, 0, 2, 4, 6]


def test_after_a_pause_it_is_full_again_and_not_fuller() -> None:
    bucket = Bucket(3, 2.0)
    for _ in range(3):
        bucket.take(START)
    assert bucket.ready_at(START + 1) == START + 2
    later = START + 1000
    for _ in range(3):
        assert bucket.ready_at(later) == later
        bucket.take(later)
    assert bucket.ready_at(later) == later + 2


@pytest.mark.slow
@given(st.lists(st.floats(0, 10), max_size=60))
def test_no_span_of_time_holds_more_than_the_burst_and_what_has_come_meanwhile(pauses: list[float]) -> None:
    bucket, now, taken = Bucket(4, 1.5), START, []
    for pause in pauses:
        now = bucket.ready_at(now + pause)
        bucket.take(now)
        taken.append(now)

    assert all(later >= earlier for earlier, later in pairwise(taken))
    assert all(
        end - start >= (count - 4) * 1.5 - 1e-3
        for first, start in enumerate(taken)
        for count, end in enumerate(taken[first:])
    )
