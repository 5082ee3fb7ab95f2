import pytest

from pychat.core.chat import conversation as module
from pychat.core.chat.conversation import Conversation, Delivery
from pychat.core.chat.timeline import Message
from pychat.core.errors import MessageProblem, RemoteError
from pychat.core.log import MAX_TEXT, Entry
from pychat.core.memory import MARGIN, Memory
from pychat.core.sync import Outgoing

ME, PEER, PEER_KEY = "me-me-me-me-me-me", "peer-peer-peer-peer", b"k" * 32
ONE, TWO, THREE = (Entry(number, f"text {number}") for number in range(1, 4))


@pytest.fixture
def conversation() -> Conversation:
    return Conversation("conversation", ME, peer=PEER_KEY, peer_log=PEER)


def outgoing(conversation: Conversation, *, acknowledged: int) -> Outgoing:
    """The sending side of a link on which everything has been sent and the first few are acknowledged."""
    sending = Outgoing(ME, 0)
    list(sending.frames(conversation.logs))
    sending.acknowledge({ME: acknowledged})
    return sending


def test_the_timeline_holds_both_sides_in_the_order_in_which_they_came(conversation: Conversation) -> None:
    conversation.write(ONE)
    conversation.receive(PEER, 1, [TWO])
    conversation.write(THREE)

    assert list(conversation.timeline) == [Message(ME, 1, ONE), Message(PEER, 1, TWO), Message(ME, 2, THREE)]


def test_what_comes_twice_is_shown_once(conversation: Conversation) -> None:
    conversation.receive(PEER, 1, [ONE, TWO])

    assert conversation.receive(PEER, 2, [TWO, THREE]) == 1
    assert list(conversation.timeline) == [Message(PEER, 1, ONE), Message(PEER, 2, TWO), Message(PEER, 3, THREE)]


def test_what_its_author_no_longer_keeps_is_missing_and_the_rest_is_shown(conversation: Conversation) -> None:
    conversation.receive(PEER, 1, [ONE])
    conversation.receive(PEER, 3, [THREE])

    assert list(conversation.timeline) == [Message(PEER, 1, ONE), Message(PEER, 3, THREE)]


def test_a_message_waits_until_it_is_sent(conversation: Conversation) -> None:
    conversation.write(ONE)

    assert conversation.delivery(1) is Delivery.WAITING


def test_a_message_is_delivered_when_the_peer_has_said_so(conversation: Conversation) -> None:
    for entry in (ONE, TWO):
        conversation.write(entry)
    conversation.progress(outgoing(conversation, acknowledged=1))

    assert [conversation.delivery(number) for number in (1, 2)] == [Delivery.DELIVERED, Delivery.SENT]
    assert conversation.undelivered == 1


def test_without_a_link_what_was_sent_waits_again_and_what_was_delivered_stays_so(conversation: Conversation) -> None:
    for entry in (ONE, TWO):
        conversation.write(entry)
    conversation.progress(outgoing(conversation, acknowledged=1))
    conversation.progress(None)

    assert [conversation.delivery(number) for number in (1, 2)] == [Delivery.DELIVERED, Delivery.WAITING]


def test_a_new_link_does_not_take_back_what_was_delivered(conversation: Conversation) -> None:
    conversation.write(ONE)
    conversation.progress(outgoing(conversation, acknowledged=1))
    conversation.progress(Outgoing(ME, 0))

    assert conversation.delivery(1) is Delivery.DELIVERED


# How the other one introduces itself.


def test_a_card_says_under_which_author_and_name_the_other_one_writes(conversation: Conversation) -> None:
    conversation.take_introduction("another-log-of-theirs", " An\u200bn ")

    assert (conversation.peer_log, conversation.peer_name) == ("another-log-of-theirs", "Ann")


def test_nobody_else_writes_under_our_own_author(conversation: Conversation) -> None:
    conversation.take_introduction(PEER, "Bob")

    with pytest.raises(RemoteError):
        conversation.take_introduction(ME, "Eve")
    assert (conversation.peer_log, conversation.peer_name) == (PEER, "Bob")


# What both have goes when too much is held.

SHORT = Entry(1_700_000_000_000, "a short message")
MIB = 1024 * 1024


def receive(conversation: Conversation, count: int) -> None:
    for _ in range(count):
        conversation.receive(PEER, conversation.logs.count(PEER) + 1, [SHORT] * 100)


def acknowledge(conversation: Conversation) -> None:
    """All of ours is sent and acknowledged."""
    sending = Outgoing(ME, conversation.acknowledged)
    while sending.acknowledged < conversation.written:
        sending.frames(conversation.logs)
        sending.acknowledge({ME: sending.sent})
    conversation.progress(sending)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Conversation:
    """One that may hold no more than a megabyte, of several that may hold two."""
    monkeypatch.setattr(module, "CONVERSATION_MOST", MIB)
    monkeypatch.setattr(module, "ALL_MOST", 2 * MIB)
    monkeypatch.setattr(module, "UNACKNOWLEDGED_MOST", MIB // 2)
    monkeypatch.setattr(module, "STEP", MIB // 32)
    monkeypatch.setattr(module, "MARGIN", MIB // 8)
    return Conversation("conversation", ME, memory=Memory(Memory()), peer=PEER_KEY, peer_log=PEER)


@pytest.mark.slow
def test_talking_goes_on_for_years(small: Conversation) -> None:
    for number in range(1, 50_001):
        assert small.validate(SHORT.text) is None
        small.write(SHORT)
        small.receive(PEER, number, [SHORT])
        acknowledge(small)

    assert small.memory.held <= MIB
    assert len(small.timeline) == 100_000
    assert small.undelivered == small.unacknowledged_size == 0
    shown = list(small.timeline)
    assert len(shown) == 100_000 - small.timeline.start > 1_000
    after = SHORT._replace(order=SHORT.at + 1)  # than what the peer has written in the same moment
    assert shown[-2:] == [Message(ME, 50_000, after), Message(PEER, 50_000, SHORT)]


def test_what_is_not_acknowledged_does_not_go_nor_what_came_after_it(small: Conversation) -> None:
    receive(small, 1)
    small.write(ONE)
    receive(small, 61)
    assert small.timeline.start == 100
    assert small.timeline[100].entry.text == ONE.text

    acknowledge(small)
    small.make_room()
    assert small.timeline.start > 101


def test_a_peer_that_goes_on_although_it_is_not_acknowledged_meets_an_end(small: Conversation) -> None:
    small.write(ONE)
    with pytest.raises(RemoteError):
        receive(small, 1_000)

    assert small.holds_too_much(MIB // 8)
    assert small.memory.held < 1.2 * MIB
    acknowledge(small)
    receive(small, 1)
    assert not small.holds_too_much()


def test_what_was_not_handed_out_does_not_go(small: Conversation) -> None:
    small.read_to = 150
    receive(small, 63)
    assert small.holds_too_much()
    assert small.timeline.start == 150

    small.read_to = len(small.timeline)
    small.make_room()
    assert not small.holds_too_much()


def test_one_writes_on_until_too_much_waits_and_again_when_it_has_arrived(small: Conversation) -> None:
    while small.validate(SHORT.text) is None:
        small.write(SHORT)
    assert small.validate("x") is MessageProblem.FULL
    assert small.validate("") is MessageProblem.EMPTY
    assert small.validate("x" * (MAX_TEXT + 1)) is MessageProblem.TOO_LONG
    assert 2_000 < small.undelivered < 5_000
    receive(small, 1)
    assert not small.holds_too_much(), "their messages have room, and so their acknowledgements"

    acknowledge(small)
    assert small.validate(SHORT.text) is None


def test_where_all_together_hold_too_much_one_still_writes_a_little(small: Conversation) -> None:
    whole = small.memory.whole
    assert whole is not None
    whole.take(2 * MIB)
    assert small.validate(SHORT.text) is None

    while small.validate(SHORT.text) is None:
        small.write(SHORT)
    assert small.validate(SHORT.text) is MessageProblem.FULL
    assert small.unacknowledged_size < MIB // 16


def test_where_all_together_hold_too_much_a_peer_is_not_blamed_for_what_waits_for_it(small: Conversation) -> None:
    for _ in range(2_000):
        small.write(SHORT)
    whole = small.memory.whole
    assert whole is not None
    whole.take(2 * MIB + MARGIN)

    receive(small, 1)
    assert not small.holds_too_much()
    with pytest.raises(RemoteError):
        receive(small, 20)


def test_what_has_gone_is_passed_over_for_whoever_lacks_it(small: Conversation) -> None:
    for _ in range(2_000):
        small.write(SHORT)
    acknowledge(small)
    receive(small, 45)
    log = small.logs.log(ME)
    assert log is not None
    assert log.offset > 0
    sending = Outgoing(ME, 0)

    (first, *_) = sending.frames(small.logs)
    assert first.first == log.offset + 1
    sending.acknowledge({ME: first.first})
    small.progress(sending)
    assert small.acknowledged == 2_000
