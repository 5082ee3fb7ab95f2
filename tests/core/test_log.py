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

    assert logs.vector() == {ANN: 1, BOB: 2}
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

    assert logs.vector() == {ANN: 1, BOB: 1}
