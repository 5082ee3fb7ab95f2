import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pychat.core.identity.safety import EMOJI, ShortString, safety_number, short_string

ONE, OTHER = bytes(range(32)), bytes(range(32, 64))

# The short string.


def test_there_are_sixty_four_emoji_that_cannot_be_taken_for_each_other() -> None:
    assert len(EMOJI) == 64
    assert len({emoji.sign for emoji in EMOJI}) == len({emoji.name for emoji in EMOJI}) == 64
    assert all(emoji.sign.strip() and emoji.name.strip() for emoji in EMOJI)


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "Dog"), (7, "Rabbit"), (8, "Panda"), (21, "Cloud"), (36, "Thumbs Up"), (41, "Light Bulb"), (63, "Pin")],
)
def test_the_emoji_have_the_numbers_of_the_matrix_specification(number: int, name: str) -> None:
    assert EMOJI[number].name == name


def test_the_short_string_of_an_example() -> None:
    # SHA-256 of "pychat short string\0an example" is 2c3210d76a1a…, and these are its first 42 bits:
    # 001011 000011 001000 010000 110101 110110 101000
    string = short_string(b"an example")

    assert [emoji.name for emoji in string.emoji] == ["Turtle", "Horse", "Panda", "Tree", "Aeroplane", "Rocket", "Gift"]
    assert "".join(emoji.sign for emoji in string.emoji) == "🐢🐎🐼🌳✈️🚀🎁"
    assert string.number == "0759 274 102 184"


def value_of_emoji(string: ShortString) -> int:
    return int("".join(f"{EMOJI.index(emoji):06b}" for emoji in string.emoji), 2)


def value_of_number(string: ShortString) -> int:
    return int(string.number.replace(" ", ""))


@given(st.binary(max_size=400))
def test_emoji_and_number_are_the_same_first_bits_of_the_hash(transcript: bytes) -> None:
    string = short_string(transcript)
    bits = "".join(f"{byte:08b}" for byte in hashlib.sha256(b"pychat short string\0" + transcript).digest())[:42]

    assert len(string.emoji) == 7
    assert [len(group) for group in string.number.split(" ")] == [4, 3, 3, 3]
    assert value_of_emoji(string) == value_of_number(string) == int(bits, 2)


@pytest.mark.parametrize(("digest", "number"), [(bytes(32), "0000 000 000 000"), (b"\xff" * 32, "4398 046 511 103")])
def test_the_least_and_the_greatest_have_the_same_form(
    digest: bytes, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Digest:
        def digest(self) -> bytes:
            return digest

    monkeypatch.setattr(hashlib, "sha256", lambda _: Digest())
    string = short_string(b"")

    assert string.number == number
    assert set(string.emoji) == {EMOJI[0] if digest == bytes(32) else EMOJI[63]}


# The safety number.


def test_the_safety_number_of_an_example() -> None:
    assert safety_number(ONE, OTHER) == "08972 25839 47522 34872 47870 65523 80596 57131 40157 98814 35425 91997"


def half(key: bytes) -> list[str]:
    digest = b"pychat safety number\0" + key
    for _ in range(5_200):
        digest = hashlib.new("sha512", digest + key).digest()
    groups = []
    for place in range(6):
        value = 0
        for byte in digest[place * 5 : place * 5 + 5]:
            value = value * 256 + byte
        groups.append(str(value % 100_000).zfill(5))
    return groups


@pytest.mark.slow
@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_the_safety_number_is_the_same_from_both_sides_and_half_of_it_is_each_ones(one: bytes, other: bytes) -> None:
    number = safety_number(one, other)

    assert number == safety_number(other, one)
    assert number.split(" ") == [*min(half(one), half(other)), *max(half(one), half(other))]


@pytest.mark.slow
def test_another_key_has_another_safety_number() -> None:
    keys = [ONE, OTHER, ONE[:-1] + b"\xff", b"\xff" + ONE[1:], bytes(32)]
    numbers = {safety_number(one, other) for one in keys for other in keys}

    assert len(numbers) == 5 + 5 * 4 // 2  # each with itself, and every two
