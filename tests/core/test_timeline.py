import pytest

from pychat.core.log import Entry, Logs
from pychat.core.timeline import Message, Timeline

ANN, BOB = "ann-ann-ann-ann-ann", "bob-bob-bob-bob-bob"


@pytest.fixture
def timeline() -> Timeline:
    """Ann writes 1 and 2, Bob 1, Ann 3."""
    logs = Logs()
    timeline = Timeline(logs)
    for author, count in ((ANN, 2), (BOB, 1), (ANN, 1)):
        first = logs.count(author) + 1
        for number in range(first, first + count):
            logs.append(author, Entry(number, f"{author[:3]} {number}"))
        timeline.extend(author, first, count)
    return timeline


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
    assert not Timeline(Logs())


def test_a_burst_of_one_author_is_one_run_however_it_came() -> None:
    logs = Logs()
    timeline = Timeline(logs)
    for number in range(1, 6):
        logs.append(ANN, Entry(number, str(number)))
        timeline.extend(ANN, number, 1)
    assert [message.number for message in timeline] == [1, 2, 3, 4, 5]
