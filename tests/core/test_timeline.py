import pytest

from pychat.core.chat.timeline import Message, Timeline
from pychat.core.log import Entry, Log, Logs
from pychat.core.memory import Memory

ANN, BOB = "ann-ann-ann-ann-ann", "bob-bob-bob-bob-bob"


@pytest.fixture
def timeline() -> Timeline:
    """Ann writes 1 and 2, Bob 1, Ann 3."""
    logs = Logs()
    timeline = Timeline()
    for author, count in ((ANN, 2), (BOB, 1), (ANN, 1)):
        add(timeline, logs, author, count)
    return timeline


def add(timeline: Timeline, logs: Logs, author: str, count: int) -> None:
    first = logs.count(author) + 1
    for number in range(first, first + count):
        logs.append(author, Entry(number, f"{author[:3]} {number}"))
    timeline.extend(log_of(logs, author), first, count)


def log_of(logs: Logs, author: str) -> Log:
    log = logs.log(author)
    assert log is not None
    return log


def test_it_is_the_messages_in_the_order_in_which_they_came(timeline: Timeline) -> None:
    assert [message.entry.text for message in timeline] == ["ann 1", "ann 2", "bob 1", "ann 3"]
    assert len(timeline) == 4


def test_a_message_knows_its_author_and_number(timeline: Timeline) -> None:
    assert timeline[2] == Message(BOB, 1, Entry(1, "bob 1"))
    assert timeline[-1] == Message(ANN, 3, Entry(3, "ann 3"))


def test_a_slice_is_what_a_list_would_give(timeline: Timeline) -> None:
    messages = list(timeline)
    for piece in (slice(1, 3), slice(None, 2), slice(2, None), slice(3, 99), slice(None, None, -1)):
        assert timeline[piece] == messages[piece]


def test_there_is_nothing_beyond_the_end(timeline: Timeline) -> None:
    with pytest.raises(IndexError):
        timeline[4]


def test_an_empty_one_is_false() -> None:
    assert not Timeline()


def test_a_burst_of_one_author_is_one_run_however_it_came() -> None:
    logs = Logs()
    timeline = Timeline()
    for _ in range(5):
        add(timeline, logs, ANN, 1)
    assert [message.number for message in timeline] == [1, 2, 3, 4, 5]
    assert [count for _, _, count in timeline.runs()] == [5]


# Its front goes.


def test_what_is_left_keeps_its_place(timeline: Timeline) -> None:
    messages = list(timeline)
    for start in range(1, 5):
        timeline.drop(1)

        assert (timeline.start, len(timeline)) == (start, 4)
        assert list(timeline) == timeline[:] == timeline[start - 1 :] == messages[start:]
        assert [timeline[place] for place in range(start, 4)] == messages[start:]
        assert timeline[::-1] == messages[start:][::-1]
        for place in (start - 1, -5 + start):
            with pytest.raises(IndexError):
                timeline[place]


def test_it_goes_on_after_all_has_gone() -> None:
    logs, timeline = Logs(), Timeline()
    add(timeline, logs, ANN, 3)
    timeline.drop(3)
    add(timeline, logs, ANN, 2)

    assert [message.number for message in timeline] == [4, 5]
    assert timeline[4].number == 5


def test_what_has_gone_is_not_held() -> None:
    memory = Memory()
    logs, timeline = Logs(), Timeline(memory)
    for _ in range(100):
        add(timeline, logs, ANN, 1)
        add(timeline, logs, BOB, 1)
    held = memory.held
    timeline.drop(100)
    assert memory.held == held / 2

    timeline.drop(100)
    assert memory.held == 0


def test_of_millions_that_have_gone_none_is_looked_at() -> None:
    logs, timeline = Logs(), Timeline()
    log = Log(ANN, offset=10**12)
    timeline.extend(log, 1, 10**12)
    timeline.drop(10**12)
    add(timeline, logs, BOB, 2)

    assert [message.number for message in timeline] == [1, 2]
