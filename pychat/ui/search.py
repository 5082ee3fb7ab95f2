"""What was found, as a screen shows it: who said it, when, and the words around it."""

from dataclasses import dataclass
from typing import NamedTuple

from pychat.core.chat.text_index import Found
from pychat.core.ids import AuthorId, ChatId
from pychat.ui.markup import plain

BEFORE, AFTER = 24, 120
"""Code points that are shown around what was looked for."""
PLAIN = 1_000
"""Code points of a message whose words are shown without what makes them look like something."""


class Excerpt(NamedTuple):
    """A part of a message: what stands before what was looked for, that itself, and what stands after it."""

    before: str
    match: str
    after: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found; `name` is that of the other one in its conversation. The rest is as in `Found`."""

    chat: ChatId
    author: AuthorId
    number: int
    name: str
    is_own: bool
    at: int
    excerpt: Excerpt


@dataclass(frozen=True, slots=True)
class SearchView:
    """What a person looks for, and what was found by now, the newest first. `note` says how far it was looked.

    `is_reading`: not all was looked through yet.
    """

    query: str
    hits: tuple[Hit, ...]
    note: str
    is_reading: bool


def excerpt(found: Found, query: str) -> Excerpt:
    """The words around the first one of those that were looked for, on one line."""
    words = query.casefold().split()
    word = max(words, key=len, default="")
    text = " ".join(plain(found.text).split()) if len(found.text) <= PLAIN else ""
    if not text or word not in text.casefold():
        text = " ".join(found.text.split())  # it is in what makes the words look like something, as in an address
    folded = text.casefold()
    at = folded.find(word) if len(folded) == len(text) else -1
    if at < 0 or not word:
        return Excerpt("", "", _cut(text, AFTER))
    begin = max(0, at - BEFORE)
    if begin and " " in text[begin:at]:
        begin = text.index(" ", begin) + 1  # with a whole word
    before = f"{'…' if begin else ''}{text[begin:at]}"
    end = at + len(word)
    return Excerpt(before, text[at:end], _cut(text[end:], AFTER))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
