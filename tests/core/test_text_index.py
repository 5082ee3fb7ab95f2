"""Messages are found by their words, the newest first; checked against looking at each of them."""

from __future__ import annotations

from random import Random

import pytest

from pychat.core.chat.records import Part
from pychat.core.chat.text_index import TextIndex
from pychat.core.log import Entry


def part(author: str, first: int, *texts: str, is_own: bool = False) -> Part:
    return Part(author, first, [Entry(1_000 * (first + at), text) for at, text in enumerate(texts)], is_own)


def found(index: TextIndex, words: str, most: int = 100) -> list[str]:
    return [one.text for one in index.find(words.casefold().split(), most)]


def test_the_newest_come_first_and_no_more_than_are_wanted() -> None:
    index = TextIndex()
    index.add_older([part("a", 3, "tea three"), part("b", 1, "tea four")])
    index.add_older([part("a", 1, "tea one", "tea two")])
    index.add_newer([part("b", 2, "tea five")])
    assert found(index, "tea") == ["tea five", "tea four", "tea three", "tea two", "tea one"]
    assert found(index, "tea", 2) == ["tea five", "tea four"]


def test_it_says_which_message_it_is() -> None:
    index = TextIndex()
    index.add_older([part("a", 1, "one", "two"), part("b", 7, "three", "four", is_own=True)])
    (one,) = index.find(["four"], 10)
    assert (one.author, one.number, one.at, one.rank, one.is_own) == ("b", 8, 8_000, 8_000, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Quick Fox", "quick"),
        ("straße", "STRASSE"),
        ("STRASSE", "straße"),
        ("ΟΔΟΣ", "οδος"),
        ("one\ntwo\0three", "two three"),
        ("İstanbul 👋🏽", "👋🏽"),
        ("你好，世界", "世界"),
        ("fox and the hound", "HOUND fox"),
    ],
)
def test_capitals_and_the_order_of_words_do_not_matter(text: str, words: str) -> None:
    index = TextIndex()
    index.add_older([part("a", 1, "before", text, "after")])
    assert found(index, words) == [text.replace("\0", " ")]


@pytest.mark.parametrize("words", ["foxhound", "fox quick", "after b", "efore\0a"])
def test_all_words_have_to_stand_in_one_message(words: str) -> None:
    index = TextIndex()
    index.add_older([part("a", 1, "fox hound", "quick", "before", "after")])
    assert found(index, words) == []


def test_empty_parts_are_nothing() -> None:
    index = TextIndex()
    index.add_older([])
    index.add_older([part("a", 1), part("b", 1, "tea"), part("a", 1)])
    index.add_newer([part("a", 1)])
    assert found(index, "tea") == ["tea"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_looking_at_each_one_does(seed: int) -> None:
    random = Random(seed)
    letters = random.choice(("ab", "aB ", "aßS "))
    texts = ["".join(random.choices(letters, k=random.randint(1, 6))) for _ in range(random.randint(1, 900))]
    index, middle = TextIndex(), random.randint(0, len(texts))
    at = middle
    while at:
        step = min(at, random.randint(1, 60))
        at -= step
        index.add_older([part("a", at + 1, *texts[at : at + step])])
    at = middle
    while at < len(texts):
        step = random.randint(1, 60)
        index.add_newer([part("a", at + 1, *texts[at : at + step])])
        at += step
    for _ in range(20):
        words = ["".join(random.choices("abs", k=random.randint(1, 3))) for _ in range(random.randint(1, 2))]
        expected = [text for text in reversed(texts) if all(word in text.casefold() for word in words)]
        assert found(index, " ".join(words), 10_000) == expected
