import pytest

from pychat.core.errors import LocalError, MessageProblem, RemoteError
from pychat.core.log import MAX_TEXT, Entry, Logs

ANN = "ann-ann-ann-ann-ann"
BOB = "bob-bob-bob-bob-bob"
ONE, TWO, THREE, FOUR = (Entry(number, f"text {number}") for number in range(1, 5))


def test_entries_are_numbered_from_one() -> None:
    logs = Logs()

    assert [logs.append(ANN, ONE), logs.append(ANN, TWO)] == [1, 2]


def test_each_author_has_a_log_of_their_own() -> None:
    logs = Logs()
    logs.append(ANN, ONE)
    logs.merge(BOB, 1, [TWO, THREE])

    assert (logs.count(ANN), logs.count(BOB)) == (1, 2)
    assert list(logs.entries(ANN, 0)) == [ONE]
    assert list(logs.entries(BOB, 0)) == [TWO, THREE]


def test_entries_after_a_number_are_those_that_somebody_lacks() -> None:
    logs = Logs()
    logs.merge(ANN, 1, [ONE, TWO, THREE])

    assert list(logs.entries(ANN, 1)) == [TWO, THREE]
    assert list(logs.entries(ANN, 3)) == []
    assert list(logs.entries(BOB, 0)) == []


@pytest.mark.parametrize(
    ("text", "problem"), [("", MessageProblem.EMPTY), ("x" * (MAX_TEXT + 1), MessageProblem.TOO_LONG)]
)
def test_nobody_writes_an_empty_or_an_endless_message(text: str, problem: MessageProblem) -> None:
    assert Logs().problem(ANN, text) is problem
    with pytest.raises(LocalError):
        Logs().append(ANN, Entry(1, text))


@pytest.mark.parametrize("limits", [{"max_entries": 2}, {"max_chars": 17}])
def test_one_writes_no_more_than_others_keep(limits: dict[str, int]) -> None:
    logs, theirs = Logs(**limits), Logs(**limits)
    for _ in range(2):
        assert logs.problem(ANN, "12345678") is None
        theirs.merge(ANN, logs.append(ANN, Entry(1, "12345678")), [Entry(1, "12345678")])

    assert logs.problem(ANN, "12345678") is MessageProblem.FULL
    with pytest.raises(LocalError):
        logs.append(ANN, Entry(1, "12345678"))
    assert logs.count(ANN) == theirs.count(ANN) == 2


def test_the_longest_message_can_be_written() -> None:
    assert Logs().append(ANN, Entry(1, "x" * MAX_TEXT)) == 1


def test_what_is_here_already_is_not_new() -> None:
    logs = Logs()
    logs.merge(ANN, 1, [ONE, TWO])

    assert list(logs.merge(ANN, 1, [ONE, TWO])) == []
    assert logs.count(ANN) == 2


def test_of_an_overlap_only_the_end_is_new() -> None:
    logs = Logs()
    logs.merge(ANN, 1, [ONE, TWO])

    assert list(logs.merge(ANN, 2, [TWO, THREE, FOUR])) == [THREE, FOUR]
    assert list(logs.entries(ANN, 0)) == [ONE, TWO, THREE, FOUR]


def test_an_entry_that_is_here_cannot_be_changed() -> None:
    logs = Logs()
    logs.merge(ANN, 1, [ONE])
    logs.merge(ANN, 1, [FOUR])

    assert list(logs.entries(ANN, 0)) == [ONE]


def test_a_gap_is_the_peers_mistake_and_changes_nothing() -> None:
    logs = Logs()
    logs.merge(ANN, 1, [ONE])

    with pytest.raises(RemoteError):
        logs.merge(ANN, 3, [THREE])
    assert logs.count(ANN) == 1


def test_an_author_cannot_make_us_keep_more_entries_than_the_limit() -> None:
    logs = Logs(max_entries=3)
    logs.merge(ANN, 1, [ONE, TWO, THREE])

    with pytest.raises(RemoteError):
        logs.merge(ANN, 4, [FOUR])
    assert logs.count(ANN) == 3


def test_an_author_cannot_make_us_keep_more_text_than_the_limit() -> None:
    logs = Logs(max_chars=10)
    logs.merge(ANN, 1, [Entry(1, "12345678")])

    with pytest.raises(RemoteError):
        logs.merge(ANN, 2, [Entry(2, "123")])
    assert logs.count(ANN) == 1


def test_a_double_does_not_count_against_the_limit() -> None:
    logs = Logs(max_entries=2, max_chars=20)
    logs.merge(ANN, 1, [Entry(1, "1234567890"), Entry(2, "1234567890")])

    logs.merge(ANN, 1, [Entry(1, "1234567890"), Entry(2, "1234567890")])


def test_the_limit_of_one_author_is_not_that_of_another() -> None:
    logs = Logs(max_entries=1)
    logs.merge(ANN, 1, [ONE])
    logs.merge(BOB, 1, [ONE])

    assert (logs.count(ANN), logs.count(BOB)) == (1, 1)


# A log whose first entries were read once, and put away.


@pytest.fixture
def begun() -> Logs:
    """Of Bob's log two entries were read and put away."""
    logs = Logs()
    logs.forget({BOB: 2})
    return logs


def test_what_was_put_away_counts_as_read(begun: Logs) -> None:
    assert (begun.count(BOB), begun.count(ANN)) == (2, 0)
    assert list(begun.entries(BOB, 2)) == []


def test_what_was_put_away_does_not_come_back_and_what_follows_is_new(begun: Logs) -> None:
    assert list(begun.merge(BOB, 1, [ONE, TWO])) == []
    assert list(begun.merge(BOB, 2, [TWO, THREE])) == [THREE]
    assert list(begun.merge(BOB, 4, [FOUR])) == [FOUR]

    assert begun.count(BOB) == 4
    assert [begun.entry(BOB, number) for number in (3, 4)] == [THREE, FOUR]
    assert list(begun.entries(BOB, 3)) == [FOUR]


def test_after_what_was_put_away_there_can_be_a_gap_too(begun: Logs) -> None:
    with pytest.raises(RemoteError):
        begun.merge(BOB, 4, [FOUR])


def test_what_was_put_away_takes_no_room() -> None:
    logs = Logs(max_entries=1)
    logs.forget({BOB: 2})
    logs.merge(BOB, 3, [THREE])

    with pytest.raises(RemoteError):
        logs.merge(BOB, 4, [FOUR])
    assert logs.count(BOB) == 3
