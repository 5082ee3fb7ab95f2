"""What an entry of a log may say about another one: it answers it, edits it, deletes it, or reacts to it.

An entry has a text in any case, which is what a program shows that does not know the kind: of a reply and of an edit
what was written, of a reaction the emoji. A kind from the future is kept, passed on, and shown as its text.
"""

import json
import re
import unicodedata
from sys import getsizeof
from typing import Any, Final, NamedTuple

from pychat.core.ids import AuthorId

REPLY: Final = "reply"
"""It answers the other one."""
EDIT: Final = "edit"
"""Its text takes the place of that of the other one, which is its author's own."""
DELETE: Final = "delete"
"""The other one, which is its author's own, is to be deleted wherever it is."""
REACT: Final = "react"
"""Its text is an emoji by which its author reacts to the other one; the last one counts."""
UNREACT: Final = "unreact"
"""Its author does not react to the other one any more."""

KINDS = frozenset({REPLY, EDIT, DELETE, REACT, UNREACT})
HIDDEN = KINDS - {REPLY}
"""Of these kinds an entry is no message of its own: it changes how another one is shown."""
DELETED_SIGN = "🗑"
"""The text of an entry that deletes another one."""
MAX_EMOJI = 32
"""Code points of an emoji at most: the longest families and flags have half as many."""
MAX_UNKNOWN = 2_000
"""Characters that something of an unknown kind takes in JSON at most, beside its text."""

_KIND = re.compile(r"[a-z]{1,16}")
_NO_EMOJI = {"Cc", "Cs", "Zs", "Zl", "Zp"}
"""Categories of Unicode. One that is not assigned may be an emoji of a newer version."""


class Relation(NamedTuple):
    """What an entry says about another one: `kind` is one of `KINDS`; whose the other one is, and its number."""

    kind: str
    author: AuthorId
    number: int

    @property
    def place(self) -> tuple[AuthorId, int]:
        """Where the other one is: the name of the log, and the number there."""
        return self.author, self.number


class Unknown(NamedTuple):
    """Something of a kind that this version does not know, as it is written in JSON."""

    written: str

    def __sizeof__(self) -> int:
        return getsizeof(self.written) + 64


def size_of_json(relation: Relation | Unknown) -> int:
    """The bytes that it takes in JSON at most, counted high."""
    return 4 * len(relation.written) if isinstance(relation, Unknown) else 112


def as_json(relation: Relation | Unknown) -> Any:
    """What `json.dumps` is given."""
    return relation if isinstance(relation, Relation) else json.loads(relation.written)


def read(value: Any, author: re.Pattern[str], most: int) -> Relation | Unknown | None:
    """What an entry says about another one, as it was read from JSON, or None if it is nothing of the kind.

    Args:
        author: what the name of an author looks like.
        most: the highest number.
    """
    match value:
        case [str(kind), str(whose), int(number)] if kind in KINDS:
            is_one = author.fullmatch(whose) is not None and type(number) is int and 0 < number <= most
            return Relation(kind, whose, number) if is_one else None
        case [str(kind), *_] if kind not in KINDS and _KIND.fullmatch(kind):
            return _unknown(value)
    return None


def _unknown(value: list[Any]) -> Unknown | None:
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        written.encode()
    except UnicodeEncodeError:  # a lone surrogate, which is no text
        return None
    return Unknown(written) if len(written) <= MAX_UNKNOWN else None


def is_emoji(text: str) -> bool:
    """Whether this can be a reaction: something short that is seen, without spaces or control characters."""
    return 0 < len(text) <= MAX_EMOJI and not any(unicodedata.category(letter) in _NO_EMOJI for letter in text)
