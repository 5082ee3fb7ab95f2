"""The messages of a client and of the relay: what either end writes the other one reads, and nothing else."""

import json

import pytest

from pychat.core.relay.protocol import (
    MAX_MESSAGE,
    MAX_RETURN,
    Arrived,
    ClientMessage,
    CloseCode,
    From,
    Join,
    Joined,
    Left,
    RelayMessage,
    Return,
    To,
    decode_from_client,
    decode_from_relay,
    encode,
)

ROOM, ANN = "R" * 22, "A_-9" * 5 + "bc"
ODD = 'Grüße\n"\\ \x00\u2028👋\ud800'

FROM_CLIENT: list[tuple[ClientMessage, list[object]]] = [
    (Join(ROOM, ANN), ["join", ROOM, ANN]),
    (To(ANN, ""), ["to", ANN, ""]),
    (To(ANN, ODD), ["to", ANN, ODD]),
]
FROM_RELAY: list[tuple[RelayMessage, list[object]]] = [
    (Joined(()), ["joined", []]),
    (Joined((ANN, ROOM)), ["joined", [ANN, ROOM]]),
    (Arrived(ANN), ["arrived", ANN]),
    (Left(ANN), ["left", ANN]),
    (From(ANN, ODD), ["from", ANN, ODD]),
    (Return(5), ["return", 5]),
    (Return(2.5), ["return", 2.5]),
]
NEITHER = ["", "[]", "{}", "null", '"to"', '["nonsense"]', "[" * 100_000, '["to"', "[1]", '[["to"]]']


@pytest.mark.parametrize(("message", "items"), FROM_CLIENT)
def test_what_a_client_writes_the_relay_reads(message: ClientMessage, items: list[object]) -> None:
    text = encode(message)
    assert text.isascii()
    assert json.loads(text) == items
    assert decode_from_client(text) == message
    assert decode_from_relay(text) is None


@pytest.mark.parametrize(("message", "items"), FROM_RELAY)
def test_what_the_relay_writes_a_client_reads(message: RelayMessage, items: list[object]) -> None:
    text = encode(message)
    assert text.isascii()
    assert json.loads(text) == items
    assert decode_from_relay(text) == message
    assert decode_from_client(text) is None


@pytest.mark.parametrize("text", NEITHER)
def test_what_is_no_message_is_read_by_nobody(text: str) -> None:
    assert decode_from_client(text) is None
    assert decode_from_relay(text) is None


@pytest.mark.parametrize(
    "items",
    [
        ["join", ROOM],
        ["join", ROOM, ANN, ANN],
        ["join", ROOM[1:], ANN],
        ["join", ROOM, f"{ANN}\n"],
        ["join", ROOM, "é" * 22],
        ["to", ANN[1:], "data"],
        ["to", ANN, 3],
        ["to", ANN, "data", "more"],
    ],
)
def test_a_relay_takes_only_what_has_the_form_of_a_message(items: list[object]) -> None:
    assert decode_from_client(json.dumps(items)) is None


@pytest.mark.parametrize(
    "items",
    [
        ["joined", [ANN, 3]],
        ["joined", ANN],
        ["arrived", 3],
        ["left"],
        ["from", ANN],
        ["from", ANN, None],
        ["return", -1],
        ["return", MAX_RETURN + 1],
        ["return", "5"],
    ],
)
def test_a_client_takes_only_what_has_the_form_of_a_message(items: list[object]) -> None:
    assert decode_from_relay(json.dumps(items)) is None


def test_a_client_takes_no_message_that_is_larger_than_may_be() -> None:
    largest = From(ANN, "x" * (MAX_MESSAGE - len(encode(From(ANN, "")))))
    assert decode_from_relay(encode(largest)) == largest
    assert decode_from_relay(encode(From(ANN, largest.data + "x"))) is None


def test_a_close_code_is_a_number_with_a_reason() -> None:
    """RFC 6455: 4000 to 4999 are for private use, and a reason has 123 bytes at most."""
    for code in CloseCode:
        assert 4000 <= code <= 4999 or code in (1009, 1012)
        assert 0 < len(code.reason.encode()) <= 123
