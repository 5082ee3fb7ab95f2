"""What a name looks like: two names that look alike have the same skeleton (Unicode, UTS #39, section 4)."""

import unicodedata
from collections.abc import Iterator
from functools import cache


def skeleton(name: str) -> str:
    """Reduce a name to what it looks like.

    Wider than the standard's: letters of either case, marks and strokes, spaces and the pair “rn” make no difference,
    for people compare names at a glance. Where marks are the vowels of a script they do.
    """
    table = _table()
    looks = "".join(table.get(char, char) for char in _letters(unicodedata.normalize("NFKD", name))).casefold()
    return looks.translate(_SAME_IN_EITHER_CASE).replace("rn", "m").replace("vv", "w")


def _letters(text: str) -> Iterator[str]:
    has_vowel_signs = False
    for char in text:
        kind = unicodedata.category(char)[0]
        if kind not in "MZC":
            has_vowel_signs = any(first <= char <= last for first, last in _WITH_VOWEL_SIGNS)
            yield char
        elif kind == "M" and has_vowel_signs and unicodedata.combining(char) in _VOWEL_SIGNS:
            yield char


_SAME_IN_EITHER_CASE = str.maketrans("i", "l")  # I looks like l, and is i
_WITH_VOWEL_SIGNS = (
    ("\u0900", "\u1cff"),  # the scripts of India and Southeast Asia
    ("\u3040", "\u30ff"),  # kana, where a mark makes another syllable
    ("\ua800", "\uaaff"),
    ("\uabc0", "\uabff"),
    ("\U00011000", "\U00011fff"),
)
_VOWEL_SIGNS = {0, 8, 9, 84, 91, 103, 107, 118, 122, 129, 130, 132}
"""Combining classes (UAX #44) of vowels, tones and voicing; the others are points and accents."""


@cache
def _table() -> dict[str, str]:
    from pychat.core.identity.confusables import GROUPS, SEQUENCES  # 8,000 characters, wanted only once somebody is met

    single = {char: group[0] for group in GROUPS.split("\n") if group for char in group[1:]}
    several = {line[0]: line[1:] for line in SEQUENCES.split("\n") if line}
    return single | several
