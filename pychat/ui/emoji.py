"""The emoji that can be chosen, found by words and by short names such as `:tada:`.

They are read from a table that is made when the site is built. A line of it is an emoji, its skin tones, what it is
called, its short names, and further words to find it by, with a tab between two of these. A line that begins with “#”
names the group of those that follow. Where it has no skin tones nothing stands there; “+” where a tone is put behind
the first code point (UTS #51, section 2.4); else all five, with spaces between them.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

TONES = ("", "\U0001f3fb", "\U0001f3fc", "\U0001f3fd", "\U0001f3fe", "\U0001f3ff")
"""The modifiers of the skin tones, the first of which is none."""
FOUND = 60
"""Emoji at most that a search finds."""
_SHORTEST_NAME = 2
# Where a name begins: not within a word, a time or an address.
_NAME = re.compile(r"(?:^|[\s(\[{*_~\"'“‘])(:([a-z0-9+-][a-z0-9_+-]{0,39})(:?))$", re.IGNORECASE)


class Emoji(NamedTuple):
    """An emoji: `label` is what it is called, `names` are its short names, `words` what it is found by besides."""

    text: str
    tones: str
    label: str
    names: tuple[str, ...]
    words: tuple[str, ...]

    def toned(self, tone: int) -> str:
        """The emoji with a skin tone (0 to 5, 0 is none), where it has any."""
        if not tone or not self.tones:
            return self.text
        if self.tones != "+":
            return self.tones.split(" ")[tone - 1]
        return self.text[0] + TONES[tone] + self.text[1:].removeprefix("\ufe0f")


class Group(NamedTuple):
    """Emoji that belong together, such as food and drink."""

    name: str
    emoji: tuple[Emoji, ...]


class TypedName(NamedTuple):
    """A short name that is being typed: `start` is where its colon stands, `is_whole` whether another one ends it."""

    start: int
    name: str
    is_whole: bool


class EmojiTable:
    """All emoji.

    Args:
        table: as it is said above.

    Raises:
        ValueError: it is no such table.
    """

    def __init__(self, table: str) -> None:
        self.groups = tuple(_read(table))
        self._all = [emoji for group in self.groups for emoji in group.emoji]
        self._by_name: dict[str, Emoji] = {}
        for emoji in self._all:
            for name in emoji.names:
                self._by_name.setdefault(name, emoji)
        if not self._all:
            raise ValueError("the table has no emoji")

    def search(self, query: str) -> list[Emoji]:
        """The emoji for which each word of a query is the beginning of some word, the likeliest first."""
        asked = [word.strip(":") for word in query.casefold().replace("_", " ").split()]
        asked = [word for word in asked if word]
        if not asked:
            return []
        found = []
        for emoji in self._all:
            ranks = [_rank(emoji, word) for word in asked]
            if None not in ranks:
                found.append((max(rank for rank in ranks if rank is not None), emoji))
        found.sort(key=lambda pair: pair[0])  # which leaves those of one rank in their order
        return [emoji for _, emoji in found[:FOUND]]

    def named(self, name: str) -> Emoji | None:
        """The emoji of a short name."""
        return self._by_name.get(name.casefold())

    def completions(self, beginning: str, most: int) -> list[tuple[str, Emoji]]:
        """Short names that begin so, each with its emoji, which is there once; the shortest names first."""
        beginning = beginning.casefold()
        names = sorted((name for name in self._by_name if name.startswith(beginning)), key=len)
        found: dict[Emoji, str] = {}
        for name in names:
            found.setdefault(self._by_name[name], name)
        return [(name, emoji) for emoji, name in found.items()][:most]


def _read(table: str) -> Iterator[Group]:
    name, emoji = "", list[Emoji]()
    for line in table.splitlines():
        if line.startswith("#") and "\t" not in line:
            if emoji:
                yield Group(name, tuple(emoji))
            name, emoji = line[1:], []
        else:
            text, tones, label, names, words = line.split("\t")
            emoji.append(Emoji(text, tones, label, tuple(names.split()), tuple(words.split())))
    if emoji:
        yield Group(name, tuple(emoji))


def _rank(emoji: Emoji, word: str) -> int | None:
    """How likely it is meant by a word, 0 most; None if it is not."""
    if word in emoji.names or word == emoji.text:
        return 0
    if any(each.startswith(word) for each in emoji.label.casefold().split()):
        return 1
    if any(part.startswith(word) for name in emoji.names for part in name.split("_")):
        return 2
    return 3 if any(each.startswith(word) for each in emoji.words) else None


def typed_name(before: str) -> TypedName | None:
    """The short name that is being typed.

    Args:
        before: what stands before the cursor.
    """
    found = _NAME.search(before[-64:])
    if found is None or len(found[2]) < _SHORTEST_NAME:
        return None
    return TypedName(len(before) - len(found[1]), found[2], bool(found[3]))
