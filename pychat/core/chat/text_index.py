"""Messages laid down so that they are found by their words: some hundred thousand within a few hundredths of a second.

Theory of operation. The texts of many messages are one text, and once more without capitals (Unicode's case folding);
an array says where each begins. To look for a word is one call of `str.rfind`, from the newest message on.
"""

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from pychat.core.chat.records import Part
from pychat.core.chat.relations import is_hidden
from pychat.core.content import EDIT
from pychat.core.ids import AuthorId, ChatId
from pychat.core.log import Entry, without_text

_BLOCK = 200
"""Messages that are looked at one by one before they become a block."""
_END = "\0"
"""Stands between two messages."""


class Found(NamedTuple):
    """A message that was found: where it is, whose, when it was written, its text; `at` and `rank` as in an entry."""

    chat: ChatId
    author: AuthorId
    number: int
    at: int
    rank: int
    is_own: bool
    text: str


class TextIndex:
    """Messages of one conversation; `size` counts the characters that it holds."""

    def __init__(self) -> None:
        self.size = 0
        self._blocks: deque[_Block] = deque()  # the oldest one first
        self._newest: list[Part] = []

    def add_older(self, parts: Sequence[Part]) -> None:
        """Add messages before all that there are, the oldest one first."""
        if parts:
            self._blocks.appendleft(block := _Block(parts))
            self.size += block.size

    def add_newer(self, parts: Iterable[Part]) -> None:
        """Add messages after all that there are."""
        self._newest += parts
        if sum(len(part.entries) for part in self._newest) > _BLOCK:
            self._blocks.append(block := _Block(self._newest))
            self.size += block.size
            self._newest = []

    def delete(self, author: AuthorId, number: int) -> None:
        """Let the text of a message go."""
        for at, part in enumerate(self._newest):
            if part.author == author and part.first <= number < part.first + len(part.entries):
                left = [*part.entries]
                left[number - part.first] = without_text(left[number - part.first])
                self._newest[at] = part._replace(entries=left)
        for block in self._blocks:
            block.delete(author, number)

    def find(self, words: Sequence[str], most: int) -> list[Found]:
        """The last messages that have all these words, which are case-folded: no more than so many."""
        found: list[Found] = []
        blocks = [*self._blocks, *([_Block(self._newest)] if self._newest else ())]
        for block in reversed(blocks):
            for one in block.find(words):
                found.append(one)
                if len(found) == most:
                    return found
        return found


class _Block:
    """Messages that do not change any more."""

    def __init__(self, parts: Sequence[Part]) -> None:
        parts = [part for part in parts if part.entries]
        self._runs = [part._replace(entries=()) for part in parts]
        self._firsts = [*accumulate((len(part.entries) for part in parts), initial=0)]
        entries = [entry for part in parts for entry in part.entries]
        texts = ["" if _is_no_text(entry) else entry.text.replace(_END, " ") for entry in entries]
        folded = [text.casefold() for text in texts]
        self._ats = array("q", [entry.at for entry in entries])
        self._ranks = array("q", [entry.rank for entry in entries])
        self._text, self._folded = _END.join(texts), _END.join(folded)
        self._starts = _starts(texts)
        self._folded_starts = _starts(folded)
        self.size = len(self._text) + len(self._folded)

    def find(self, words: Sequence[str]) -> Iterator[Found]:
        """The messages that have all these words, the last one first."""
        rarest = max(words, key=len)
        end = len(self._folded)
        while (place := self._folded.rfind(rarest, 0, end)) >= 0:
            at = bisect_right(self._folded_starts, place) - 1
            begin, stop = self._folded_starts[at], self._folded_starts[at + 1] - 1
            if all(self._folded.find(word, begin, stop) >= 0 for word in words):
                yield self._message(at)
            end = begin

    def delete(self, author: AuthorId, number: int) -> None:
        """Put nothing in the place of the text of a message, which may be here more than once."""
        for run, (of, first, _, _) in enumerate(self._runs):
            begin, stop = self._firsts[run], self._firsts[run + 1]
            if of == author and first <= number < first + stop - begin:
                at = begin + number - first
                self._text = _blanked(self._text, self._starts[at], self._starts[at + 1] - 1)
                self._folded = _blanked(self._folded, self._folded_starts[at], self._folded_starts[at + 1] - 1)

    def _message(self, at: int) -> Found:
        run = bisect_right(self._firsts, at) - 1
        author, first, _, is_own = self._runs[run]
        text = self._text[self._starts[at] : self._starts[at + 1] - 1]
        return Found("", author, first + at - self._firsts[run], self._ats[at], self._ranks[at], is_own, text)


def _is_no_text(entry: Entry) -> bool:
    """Whether nobody would look for it: a reaction, or a deletion."""
    return entry.relation is not None and is_hidden(entry) and entry.relation[0] != EDIT


def _blanked(text: str, begin: int, stop: int) -> str:
    return text[:begin] + _END * (stop - begin) + text[stop:]


def _starts(texts: Sequence[str]) -> Sequence[int]:
    """Where each text begins when they are joined, and where one after the last would."""
    return array("q", accumulate((len(text) + 1 for text in texts), initial=0))
