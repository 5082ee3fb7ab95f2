"""What all codes that a person can paste have in common: the alphabet, the checksum, and how one is found in a text.

A code is base64url without padding (RFC 4648, section 5). In every version the first four bits are the version and
the last three bytes the checksum, which is how a newer code is told from a damaged one.
"""

import base64
import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pychat.core.codes.mangling import INVISIBLE, layers
from pychat.core.errors import CodeError, CodeProblem

VERSION = 1
MAX_PASTED = 20_000
"""Characters of a pasted text that are looked at (a limit against a hostile paste, far above any code)."""
MAX_TRIES = 4_000
"""Words of it, as it stands and as it was before, that are tried as the beginning of a code; a long letter has 500."""
CHECKSUM = 3
"""Bytes of the checksum."""
FADING = "-_"
"""What messengers take for punctuation when it ends a link, and leave out."""

_MIN_WORD = 16  # a shorter word is not taken for a damaged code
_WORD = re.compile(r"[\w-]+", re.ASCII)
_FRAGMENT = re.compile(rf"#[{INVISIBLE}]*([\w-]*)(?![/!?])", re.ASCII)
_FADED = tuple("".join(end) for size in (1, 2, 3) for end in itertools.product(FADING, repeat=size))

_Code = TypeVar("_Code")
_Code_co = TypeVar("_Code_co", covariant=True)


class CutShort(Exception):
    """The bytes end before the code does."""


class Damaged(Exception):
    """The bytes are not those of a code."""


def checksum_of(body: bytes) -> bytes:
    """The first bytes of SHA-256."""
    return hashlib.sha256(body).digest()[:CHECKSUM]


def write(body: bytes) -> str:
    """Write a code that has these bytes before its checksum."""
    return base64.urlsafe_b64encode(body + checksum_of(body)).decode().rstrip("=")


def lasting(code: str) -> str:
    """A code as it is handed over: with a last character that no messenger leaves out, and no reader minds."""
    return f"{code}0" if code.endswith(tuple(FADING)) else code


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Code_co]):
    """A kind of code.

    `first` are the characters with which it may begin, `longest` is how many it has at most. `read` reads the code that
    begins with the first character, or raises CutShort or Damaged.
    """

    first: tuple[str, ...]
    longest: int
    read: Callable[[str], _Code_co]


@dataclass(frozen=True, slots=True)
class Found(Generic[_Code_co]):
    """A code, and where it begins in a text; `is_peeled` says that the text is not as it was pasted."""

    code: _Code_co
    text: str
    at: int
    is_peeled: bool


def find(text: str, *kinds: Kind[_Code]) -> _Code:
    """Find a code in what a person pasted: broken into lines, quoted, in a link or within a sentence.

    Raises:
        CodeError: there is no usable code in it; its `problem` says why. Nothing else is ever raised.
    """
    for found in occurrences(text, *kinds):
        return found.code
    if not text[:MAX_PASTED].strip():
        raise CodeError(CodeProblem.EMPTY)
    *_, innermost = layers(text[:MAX_PASTED])
    raise CodeError(_what_is_wrong(innermost.readings[0], kinds))


def occurrences(text: str, *kinds: Kind[_Code]) -> Iterator[Found[_Code]]:
    """All codes in a text: first those that stand as they are, then those that were wrapped into something."""
    tries = 0
    for layer in layers(text[:MAX_PASTED]):
        for reading in layer.readings:
            for word in _words(reading):
                fitting = [kind for kind in kinds if word.text.startswith(kind.first)]
                tries += bool(fitting)
                if tries > MAX_TRIES:
                    return
                for kind in fitting:
                    code = _read(kind, word)
                    if code is not None:
                        yield Found(code, reading, word.at, layer.is_peeled)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word without the hyphens and underscores before it; `at` is its place in the text."""

    text: str
    at: int
    chars: str
    start: int

    def and_rest(self, size: int) -> str:
        """So many characters of it and of all the words behind it."""
        return self.chars[self.start : self.start + size]


def _words(text: str) -> Iterator[_Word]:
    found = list(_WORD.finditer(text))
    chars = "".join(match[0] for match in found)
    end = 0
    for match in found:
        end += len(match[0])
        word = match[0].lstrip("_-")
        if word:
            yield _Word(word, match.end() - len(word), chars, end - len(word))


def _read(kind: Kind[_Code], word: _Word) -> _Code | None:
    """Read the code that begins with a word, and may go on in others; in the word itself its end may have faded."""
    try:
        return kind.read(word.and_rest(kind.longest))
    except (CutShort, Damaged):
        pass
    if len(word.text) >= _MIN_WORD and _is_cut_short(kind, word.text):
        for end in _FADED:
            try:
                return kind.read(word.text + end)
            except (CutShort, Damaged):
                continue
    return None


def _is_cut_short(kind: Kind[_Code], word: str) -> bool:
    try:
        kind.read(word)
    except CutShort:
        return True
    except Damaged:
        pass
    return False


def _what_is_wrong(text: str, kinds: Sequence[Kind[_Code]]) -> CodeProblem:
    """Say what is wrong with a text in which no code was found: with that of a link, else with the longest word."""
    firsts = tuple(first for kind in kinds for first in kind.first)
    in_link = next((word for word in _in_links(text) if not word or word.startswith(firsts)), None)
    if in_link is not None and len(in_link) < _MIN_WORD:
        return CodeProblem.CUT_SHORT
    words = [word for word in _words(text) if in_link is None or word.text == in_link]
    word = max(words, key=lambda word: len(word.text), default=None)
    if word is None or len(word.text) < _MIN_WORD:
        return CodeProblem.NOT_A_CODE
    version = to_bytes(word.text)[0] >> 4
    longest = max(kind.longest for kind in kinds)
    if version > VERSION and (_is_intact(word.text) or _is_intact(word.and_rest(longest))):
        return CodeProblem.NEWER_VERSION
    if any(_is_cut_short(kind, word.text) for kind in kinds if word.text.startswith(kind.first)):
        return CodeProblem.CUT_SHORT
    return CodeProblem.MISTYPED


def _in_links(text: str) -> Iterator[str]:
    """The beginnings of what stands behind the “#” of an address."""
    end = 0
    for found in _FRAGMENT.finditer(text):
        before = text[end : found.start()].rpartition("#")[2]
        end = found.start() + 1
        if unbroken_end(before).partition("://")[2]:
            yield found[1]


def unbroken_end(text: str) -> str:
    """The end of a text, from its last white space on; no search, which would start over at each character."""
    return text.rsplit(maxsplit=1)[-1] if text and not text[-1].isspace() else ""


def _is_intact(word: str) -> bool:
    raw = to_bytes(word)
    return checksum_of(raw[:-CHECKSUM]) == raw[-CHECKSUM:]


def to_bytes(word: str) -> bytes:
    """The bytes of the characters; bits that do not make a whole byte are left over."""
    usable = word if len(word) % 4 != 1 else word[:-1]  # one character alone holds no byte
    return base64.urlsafe_b64decode(usable + "=" * (-len(usable) % 4))


class Reader:
    """Takes bytes from the front."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def take(self, size: int) -> bytes:
        """The next bytes. Raises CutShort if there are fewer."""
        """The next bytes. Raises CutShort if there are fewer."""
        if self.at + size > len(self.raw):
            raise CutShort
        self.at += size
        return self.raw[self.at - size : self.at]
