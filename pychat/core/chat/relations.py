"""What entries say of other ones, and how these are shown for it: edited, deleted by their author, reacted to.

Theory of operation. For each entry that others speak of, what they say is kept by the order of the conversation
(`chat.order`), so the same comes out in whatever order they came here: of edits and reactions the last one counts, a
deletion wins over all. An author edits and deletes only what is their own; whose an entry is, is asked when it is
looked at, for that may not be known before. Here is what is in memory of it: what comes after an entry is in memory
whenever that entry is.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from pychat.core.chat.order import Key
from pychat.core.chat.timeline import Message
from pychat.core.content import DELETE, EDIT, HIDDEN, REACT, UNREACT, Relation
from pychat.core.ids import AuthorId
from pychat.core.log import Entry, without_text

Place = tuple[AuthorId, int]
"""Where an entry is: the name of the log, and its number there."""

MOST_REVISIONS = 100
"""Edits of one entry that are told of, at most: the last ones."""


class Revision(NamedTuple):
    """What an entry said from some time on, in milliseconds since 1970 by its author's clock."""

    at: int
    text: str


class Reactions(NamedTuple):
    """The emoji by which each of the two reacts, or ""."""

    own: str
    peer: str


class _Said(NamedTuple):
    key: Key
    at: int
    text: str


_Saying = tuple[str, bool]  # a kind, and whether it is our own person who says it


class Relations:
    """What is said of the entries of one conversation; `changes` counts how often that has become something else."""

    def __init__(self) -> None:
        self._said: dict[Place, dict[_Saying, list[_Said]]] = {}
        self._deleted: dict[tuple[AuthorId, bool], set[int]] = {}  # an index of the deletions in it
        self.changes = 0

    def add(self, author: AuthorId, number: int, entry: Entry, *, is_own: bool) -> None:
        """Take what an entry says of another one; what is here is not taken twice."""
        relation = entry.relation
        if not isinstance(relation, Relation) or relation.kind not in HIDDEN or not entry.text:
            return
        said = self._said.setdefault(relation.place, {}).setdefault((_kind(relation), is_own), [])
        key = entry.rank, author, number
        at = bisect_left(said, key, key=_key)
        if at < len(said) and said[at].key == key:
            return
        said.insert(at, _Said(key, entry.at, "" if relation.kind == UNREACT else entry.text))
        if relation.kind == DELETE:
            self._deleted.setdefault((relation.author, is_own), set()).add(relation.number)
        self.changes += 1

    def remove(self, author: AuthorId, number: int, entry: Entry, *, is_own: bool) -> None:
        """Let it go: the entry is no longer in memory, or has no text any more."""
        relation = entry.relation
        if not isinstance(relation, Relation) or relation.kind not in HIDDEN:
            return
        saying, key = (_kind(relation), is_own), (entry.rank, author, number)
        of_entry = self._said.get(relation.place, {})
        said = of_entry.get(saying, [])
        at = bisect_left(said, key, key=_key)
        if at == len(said) or said[at].key != key:
            return
        del said[at]
        self.changes += 1
        if said:
            return
        del of_entry[saying]
        if not of_entry:
            del self._said[relation.place]
        if relation.kind == DELETE:
            numbers = self._deleted[relation.author, is_own]
            numbers.discard(relation.number)
            if not numbers:
                del self._deleted[relation.author, is_own]

    def is_deleted(self, place: Place, *, is_own: bool) -> bool:
        """Whether the author of an entry, which is our own or not, has deleted it for both."""
        return (DELETE, is_own) in self._said.get(place, ())

    def deleted(self, author: AuthorId, *, is_own: bool) -> Set[int]:
        """The numbers of all entries of a log, which is our own or not, that its author has deleted for both."""
        return self._deleted.get((author, is_own), frozenset())

    @property
    def deleted_logs(self) -> set[AuthorId]:
        """The logs of which somebody has deleted something for both, whosever they are."""
        return {author for author, _ in self._deleted}

    def edits(self, place: Place, *, is_own: bool) -> Sequence[Revision]:
        """How its author has edited an entry, which is our own or not, the last times; the last one counts."""
        said = self._said.get(place, {}).get((EDIT, is_own), ())
        return [Revision(one.at, one.text) for one in said[-MOST_REVISIONS:]]

    def edit_places(self, place: Place) -> list[Place]:
        """Which entries say how another one was edited, whoever wrote them; the last one first."""
        said = self._said.get(place, {})
        return [one.key[1:] for is_own in (True, False) for one in reversed(said.get((EDIT, is_own), ()))]

    def text(self, place: Place, text: str, *, is_own: bool) -> str:
        """What an entry says by now, which was written with this text."""
        said = self._said.get(place)
        edits = said.get((EDIT, is_own)) if said is not None else None
        return edits[-1].text if edits else text

    def reactions(self, place: Place) -> Reactions:
        """How the two react to an entry."""
        said = self._said.get(place, {})
        own, peer = said.get((REACT, True)), said.get((REACT, False))
        return Reactions(own[-1].text if own else "", peer[-1].text if peer else "")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said of any entry."""
        return not self._said


def is_hidden(entry: Entry) -> bool:
    """Whether an entry is no message of its own."""
    return isinstance(entry.relation, Relation) and entry.relation.kind in HIDDEN


def as_shown(said: Sequence[tuple[bool, Message]]) -> Iterator[tuple[bool, Message]]:
    """The messages of a conversation as they are shown: edited, and without a text what was deleted for both.

    Args:
        said: all entries, and whether each is our own.
    """
    relations = relations_of(said)
    for is_own, message in said:
        author, number, entry = message
        if is_hidden(entry):
            continue
        if relations.is_deleted((author, number), is_own=is_own):
            entry = without_text(entry)
        elif entry.text:
            entry = entry._replace(text=relations.text((author, number), entry.text, is_own=is_own))
        yield is_own, message._replace(entry=entry)


def retracted(said: Sequence[tuple[bool, Message]]) -> set[Place]:
    """Which entries their authors have deleted for both, and the edits of these; `said` as in `as_shown`."""
    relations = relations_of(said)
    places = {message[:2] for is_own, message in said if relations.is_deleted(message[:2], is_own=is_own)}
    return places | {edit for place in places for edit in relations.edit_places(place)}


def relations_of(said: Sequence[tuple[bool, Message]]) -> Relations:
    """What these entries say of each other; `said` as in `as_shown`."""
    relations = Relations()
    for is_own, (author, number, entry) in said:
        relations.add(author, number, entry, is_own=is_own)
    return relations


def _kind(relation: Relation) -> str:
    return REACT if relation.kind == UNREACT else relation.kind


def _key(one: _Said) -> Key:
    return one.key
