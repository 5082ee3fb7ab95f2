import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core import wire
from pychat.core.errors import RemoteError
from pychat.core.log import MAX_TEXT, Entry, Logs
from pychat.core.sync import FRAME_TARGET, WINDOW, Outgoing
from pychat.core.wire import MAX_FRAME, MAX_TIME, Entries

ME = "me-me-me-me-me-me"


def logs_of(*texts: str) -> Logs:
    logs = Logs()
    for number, text in enumerate(texts, 1):
        logs.append(ME, Entry(number, text))
    return logs


def numbers(frames: list[Entries]) -> list[int]:
    return [frame.first + i for frame in frames for i in range(len(frame.entries))]


def test_all_that_the_peer_lacks_goes_out_in_one_frame() -> None:
    logs = logs_of("one", "two", "three")
    outgoing = Outgoing(ME, 0)

    assert list(outgoing.frames(logs)) == [Entries(ME, 1, logs.entries(ME, 0))]


def test_what_the_peer_has_already_does_not_go_out() -> None:
    outgoing = Outgoing(ME, 2)

    assert numbers(list(outgoing.frames(logs_of("one", "two", "three")))) == [3]


def test_what_has_gone_out_does_not_go_out_again() -> None:
    logs = logs_of("one")
    outgoing = Outgoing(ME, 0)
    list(outgoing.frames(logs))
    logs.append(ME, Entry(2, "two"))

    assert numbers(list(outgoing.frames(logs))) == [2]


@pytest.mark.parametrize(
    ("texts", "sent", "acknowledged"),
    [
        (["", "two"], [2], [1, 2]),
        (["one", "", "", "four"], [1, 4], [0, 3, 4]),
        (["one", "", ""], [1], [0, 3]),
        (["", ""], [], [2]),
    ],
)
def test_what_was_deleted_is_neither_sent_nor_waited_for(
    texts: list[str], sent: list[int], acknowledged: list[int]
) -> None:
    logs = logs_of(*(text or "deleted" for text in texts))
    for number, text in enumerate(texts, 1):
        if not text:
            logs.delete(ME, number)
    outgoing = Outgoing(ME, 0)
    assert numbers(list(outgoing.frames(logs))) == sent
    seen = [outgoing.acknowledged]
    for number in sent:
        outgoing.acknowledge({ME: number})
        outgoing.pass_over_deleted(logs)
        seen.append(outgoing.acknowledged)
    assert seen == acknowledged
    assert outgoing.is_done(logs)


def test_an_acknowledgement_counts_what_the_peer_has() -> None:
    outgoing = Outgoing(ME, 0)
    list(outgoing.frames(logs_of("one", "two", "three")))
    outgoing.acknowledge({ME: 2})

    assert (outgoing.acknowledged, outgoing.sent) == (2, 3)


def test_an_older_acknowledgement_takes_nothing_back() -> None:
    outgoing = Outgoing(ME, 0)
    list(outgoing.frames(logs_of("one", "two")))
    outgoing.acknowledge({ME: 2})
    outgoing.acknowledge({ME: 1})
    outgoing.acknowledge({})

    assert outgoing.acknowledged == 2


def test_an_acknowledgement_of_what_was_never_sent_is_the_peers_mistake() -> None:
    outgoing = Outgoing(ME, 0)
    list(outgoing.frames(logs_of("one", "two")))

    with pytest.raises(RemoteError):
        outgoing.acknowledge({ME: 3})


def test_many_small_messages_share_a_frame_up_to_its_target() -> None:
    frames = list(Outgoing(ME, 0).frames(logs_of(*["a small message"] * 5_000)))

    sizes = [len(wire.encode(frame).encode()) for frame in frames]
    assert numbers(frames) == list(range(1, 5_001))
    assert max(sizes) <= FRAME_TARGET + 100
    assert min(sizes[:-1]) > 0.45 * FRAME_TARGET, "for bytes are counted high"


def test_a_message_larger_than_the_target_has_a_frame_to_itself() -> None:
    large = "\x00" * MAX_TEXT
    frames = list(Outgoing(ME, 0).frames(logs_of("small", large, "small")))

    assert [len(frame.entries) for frame in frames] == [1, 1, 1]


def test_no_more_goes_out_than_the_window_and_one_frame() -> None:
    logs = logs_of(*["x" * MAX_TEXT] * 200)
    outgoing = Outgoing(ME, 0)

    size = sum(len(wire.encode(frame).encode()) for frame in outgoing.frames(logs))

    assert size <= WINDOW + MAX_FRAME
    assert 0 < outgoing.sent < 200
    assert list(outgoing.frames(logs)) == []


def test_acknowledgements_let_the_rest_go_out() -> None:
    logs = logs_of(*["x" * MAX_TEXT] * 200)
    outgoing = Outgoing(ME, 0)
    frames: list[Entries] = []
    for _ in range(50):
        frames += outgoing.frames(logs)
        outgoing.acknowledge({ME: outgoing.sent})

    assert numbers(frames) == list(range(1, 201))
    assert outgoing.acknowledged == 200


def test_an_acknowledgement_within_a_frame_frees_the_window_only_when_the_frame_is_through() -> None:
    logs = logs_of(*["x" * 1_000] * 1_000)
    outgoing = Outgoing(ME, 0)
    first = next(iter(outgoing.frames(logs)))
    list(outgoing.frames(logs))
    outgoing.acknowledge({ME: len(first.entries) - 1})
    assert list(outgoing.frames(logs)) == []

    outgoing.acknowledge({ME: len(first.entries)})
    assert len(list(outgoing.frames(logs))) == 1


@pytest.mark.parametrize("char", ["\x00", "\x1f", "\x7f", '"', "\\", "ü", "\u2028", "漢", "😀", "\uffff"])
@pytest.mark.parametrize("count", [1, 9])
def test_no_message_makes_a_frame_that_a_peer_would_refuse(char: str, count: int) -> None:
    logs = Logs()
    for _ in range(count):
        logs.append(ME, Entry(MAX_TIME, char * MAX_TEXT))

    for frame in Outgoing(ME, 0).frames(logs):
        encoded = wire.encode(frame)
        assert len(encoded.encode()) <= MAX_FRAME
        assert wire.decode(encoded) == frame


@pytest.mark.slow
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=30))
def test_whatever_is_written_goes_out_in_order_and_intact(texts: list[str]) -> None:
    frames = [wire.decode(wire.encode(frame)) for frame in Outgoing(ME, 0).frames(logs_of(*texts))]

    assert [entry.text for frame in frames if isinstance(frame, Entries) for entry in frame.entries] == texts
