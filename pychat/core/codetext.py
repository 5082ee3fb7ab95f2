"""What all codes that a person can paste have in common: the alphabet, the checksum, and how one is found in a text.

A code is base64url without padding (RFC 4648, section 5). In every version the first four bits are the version and
the last three bytes the checksum, which is how a newer code is told from a damaged one.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import TypeVar

from pychat.core.errors import CodeError, CodeProblem

VERSION = 1
MAX_PASTED = 20_000
"""Characters of a pasted text that are looked at (a limit against a hostile paste, far above any code)."""
CHECKSUM = 3
"""Bytes of the checksum."""

_MIN_WORD = 16  # a shorter word is not taken for a damaged code
_WORD = re.compile(r"[\w-]+", re.ASCII)
# What messengers make of two hyphens, and of one.
_DASHES = str.maketrans({"—": "--", "–": "-", "−": "-", "‐": "-", "‑": "-"})

_Code = TypeVar("_Code")


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


def find(text: str, first: tuple[str, ...], longest: int, read: Callable[[str], _Code]) -> _Code:
    """Find a code in what a person pasted: broken into lines, quoted, in a link or within a sentence.

    Args:
        first: the characters that it may begin with.
        longest: how many characters it has at most.
        read: reads the code that begins with the first character, or raises CutShort or Damaged.

    Raises:
        CodeError: there is no usable code in it; its `problem` says why. Nothing else is ever raised.
    """
    text = text[:MAX_PASTED].translate(_DASHES)
    if not text.strip():
        raise CodeError(CodeProblem.EMPTY)
    words = _WORD.findall(text)
    chars = "".join(words)
    at = 0
    longest_word = rest = ""
    for word in words:
        at += len(word)
        word = word.lstrip("_-")
        piece = chars[at - len(word) : at - len(word) + longest]
        if len(word) > len(longest_word):
            longest_word, rest = word, piece
        if piece.startswith(first):
            try:
                return read(piece)
            except (CutShort, Damaged):
                continue
    raise CodeError(_what_is_wrong(longest_word, rest, read))


def _what_is_wrong(word: str, rest: str, read: Callable[[str], object]) -> CodeProblem:
    """Say what is wrong with the longest word of a text in which no code was found; `rest` begins with it."""
    if len(word) < _MIN_WORD:
        return CodeProblem.NOT_A_CODE
    version = to_bytes(word)[0] >> 4
    if version > VERSION and (_is_intact(word) or _is_intact(rest)):
        return CodeProblem.NEWER_VERSION
    if version == VERSION:
        try:
            read(word)
        except CutShort:
            return CodeProblem.CUT_SHORT
        except Damaged:
            pass
    return CodeProblem.MISTYPED


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
        if self.at + size > len(self.raw):
            raise CutShort
        self.at += size
        return self.raw[self.at - size : self.at]
