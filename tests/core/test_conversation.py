import pytest

from pychat.core.conversation import MAX_LOGS, Conversation, Delivery
from pychat.core.errors import RemoteError
from pychat.core.log import Entry
from pychat.core.sync import Outgoing
from pychat.core.timeline import Message

ME, PEER, PEER_KEY = "me-me-me-me-me-me", "peer-peer-peer-peer", b"k" * 32
ONE, TWO, THREE = (Entry(number, f"text {number}") for number in range(1, 4))


@pytest.fixture
def conversation() -> Conversation:
    return Conversation(1, ME, PEER_KEY, PEER)


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


def test_a_gap_shows_nothing(conversation: Conversation) -> None:
    with pytest.raises(RemoteError):
        conversation.receive(PEER, 2, [TWO])

    assert list(conversation.timeline) == []


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


# The card that the other one shows.


def test_a_card_says_under_which_author_and_name_the_other_one_writes(conversation: Conversation) -> None:
    conversation.take_card("another-log-of-theirs", " An\u200bn ")

    assert (conversation.peer_log, conversation.peer_name) == ("another-log-of-theirs", "Ann")


def test_nobody_else_writes_under_our_own_author(conversation: Conversation) -> None:
    conversation.take_card(PEER, "Bob")

    with pytest.raises(RemoteError):
        conversation.take_card(ME, "Eve")
    assert (conversation.peer_log, conversation.peer_name, list(conversation.peer_logs)) == (PEER, "Bob", [PEER])


def test_nobody_begins_more_logs_than_the_limit_but_goes_on_with_those_they_have(conversation: Conversation) -> None:
    logs = [f"log-of-theirs-{number:03}" for number in range(MAX_LOGS)]
    for log in [*logs, *logs]:
        conversation.take_card(log, "")

    with pytest.raises(RemoteError):
        conversation.take_card("one-log-too-many", "")
    assert list(conversation.peer_logs) == logs
