import pytest

from pychat.core.errors import LocalError, MessageProblem
from pychat.core.log import MAX_COUNTS, MAX_TEXT, Counts, Entry, Logs, text_problem
from pychat.core.memory import ENTRY_SIZE, LOG_SIZE, Memory

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
    assert text_problem(text) is problem
    with pytest.raises(LocalError):
        Logs().append(ANN, Entry(1, text))


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


def test_after_a_gap_it_goes_on_with_what_comes_and_what_was_here_stays_as_it_is() -> None:
    logs = Logs()
    logs.merge(ANN, 1, [ONE])
    former = logs.log(ANN)

    assert list(logs.merge(ANN, 3, [THREE])) == [THREE]
    assert list(logs.merge(ANN, 2, [TWO, THREE, FOUR])) == [FOUR]
    assert logs.count(ANN) == 4
    assert list(logs.entries(ANN, 2)) == [THREE, FOUR]
    assert former is not None
    assert former.entry(1) == ONE


def test_a_gap_says_nothing_of_what_came_before_it_and_is_not_in_the_journal_yet() -> None:
    logs = Logs(is_kept=True)
    logs.merge(ANN, 1, [Entry(1, "one"), Entry(2, "two")])
    logs.merge(ANN, 5, [Entry(5, "five")])
    assert logs.have(ANN) == {ANN: 0}
    logs.are_kept({ANN: 2})
    assert logs.have(ANN) == {ANN: 2}
    logs.are_kept({ANN: 5})
    assert logs.have(ANN) == {ANN: 5}
    logs.merge(ANN, 8, [Entry(8, "eight")])
    assert logs.have(ANN) == {ANN: 7}


def test_nothing_at_all_makes_no_gap() -> None:
    logs = Logs()
    logs.merge(ANN, 7, [])

    assert logs.count(ANN) == 0


@pytest.mark.parametrize("number", [0, 3])
def test_what_is_not_here_is_not_mistaken_for_something_else(number: int) -> None:
    logs = Logs()
    logs.merge(ANN, 1, [ONE, TWO])

    with pytest.raises(LocalError):
        logs.entry(ANN, number)


# A log whose first entries were read once, and put away.


@pytest.fixture
def begun() -> Logs:
    """Of Bob's log two entries were read and put away."""
    logs = Logs()
    logs.start_after(Counts({BOB: 2}, are_all=True))
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


def test_of_what_was_put_away_nothing_is_given_instead_of_what_is_asked_for(begun: Logs) -> None:
    begun.merge(BOB, 3, [THREE, FOUR])

    for number in (0, 1):
        with pytest.raises(LocalError):
            begun.entries(BOB, number)
    for number in (1, 2):
        with pytest.raises(LocalError):
            begun.entry(BOB, number)


# What is held, and what goes again.


def test_a_text_counts_as_it_lies_in_memory() -> None:
    sizes = []
    for text in ("x" * 1_000, "ü" * 1_000, "漢" * 1_000, "😀" * 1_000):
        memory = Memory()
        Logs(memory).merge(ANN, 1, [Entry(1, text)])
        sizes.append((memory.held - LOG_SIZE - ENTRY_SIZE) // 1_000)

    assert sizes == [1, 1, 2, 4]


def test_what_is_dropped_is_not_held_and_the_numbers_go_on() -> None:
    memory = Memory()
    logs = Logs(memory)
    logs.merge(ANN, 1, [TWO])
    of_one = memory.held
    logs.merge(ANN, 2, [TWO])
    log = logs.log(ANN)
    assert log is not None
    logs.drop(log, 1, memory.held - of_one)

    assert memory.held == of_one
    assert logs.merge(ANN, 1, [TWO, TWO]) == []
    assert list(logs.merge(ANN, 3, [THREE])) == [THREE]
    assert [logs.entry(ANN, number) for number in (2, 3)] == [TWO, THREE]


def test_nothing_is_held_of_what_is_over() -> None:
    whole = Memory()
    memory = Memory(whole)
    logs = Logs(memory)
    logs.append(ANN, ONE)
    logs.merge(BOB, 1, [TWO])
    assert whole.held == memory.held > 0

    memory.give_back()
    assert whole.held == memory.held == 0


# One log after the other.


def visit(logs: Logs, number: int, *entries: Entry) -> str:
    """Somebody comes with a new log and writes."""
    author = f"log-of-bob-number-{number:06}"
    logs.turn_to(author, instead_of=f"log-of-bob-number-{number - 1:06}", own=ANN)
    logs.merge(author, 1, entries)
    return author


def test_ten_thousand_logs_of_which_nothing_was_read_leave_nothing() -> None:
    memory = Memory()
    logs = Logs(memory)
    visit(logs, 0)
    of_one = memory.held
    for number in range(1, 10_000):
        visit(logs, number)

    assert memory.held == of_one
    assert not logs.has_lost_counts


def test_of_what_has_gone_only_the_last_counts_are_kept_and_the_present_and_our_own_log_are_not_among_them() -> None:
    memory = Memory()
    logs = Logs(memory)
    logs.append(ANN, ONE)
    for number in range(MAX_COUNTS + 50):
        author = visit(logs, number, ONE, TWO)
        for name in (author, ANN):
            log = logs.log(name)
            assert log is not None
            logs.drop(log, len(log.entries), sum(ENTRY_SIZE + 49 + len(entry.text) for entry in log.entries))

    assert memory.held == (MAX_COUNTS + 2) * LOG_SIZE
    assert logs.count(ANN) == 1
    assert logs.count(author) == 2
    assert logs.have(author) == {author: 2}


def test_a_log_that_may_have_been_read_once_is_asked_for_only_what_was_not_acknowledged() -> None:
    logs = Logs()
    logs.start_after(Counts({}, are_all=False))
    logs.turn_to(BOB, instead_of=None, own=ANN)
    assert logs.have(BOB) == {}

    logs.merge(BOB, 1, [])
    assert logs.have(BOB) == {}, "nothing has come yet"

    logs.merge(BOB, 8, [ONE, TWO])
    assert logs.have(BOB) == {BOB: 9}


def test_who_goes_on_with_an_older_log_goes_on_where_they_were() -> None:
    logs = Logs()
    for author in ("log-one-of-bob-----", "log-two-of-bob-----"):
        logs.turn_to(author, instead_of=None, own=ANN)
        logs.merge(author, 1, [ONE, TWO])
    logs.turn_to("log-one-of-bob-----", instead_of="log-two-of-bob-----", own=ANN)

    assert logs.have("log-one-of-bob-----") == {"log-one-of-bob-----": 2}


def test_counts_that_are_put_away_say_whether_they_are_all() -> None:
    logs = Logs()
    for number in range(3):
        visit(logs, number, ONE)

    assert logs.counts(besides=ANN, most=3) == Counts({f"log-of-bob-number-{n:06}": 1 for n in range(3)}, are_all=True)
    assert logs.counts(besides=ANN, most=2) == Counts({f"log-of-bob-number-{n:06}": 1 for n in (1, 2)}, are_all=False)
