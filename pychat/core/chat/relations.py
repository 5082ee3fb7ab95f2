"""What entries say of other ones, and how these are shown for it: edited, deleted by their author, reacted to.

Theory of operation. For each entry that others speak of, what they say is kept by the order of the conversation
(`chat.order`), so the same comes out in whatever order they came here: of edits and reactions the last one counts, a
deletion wins over all. An author edits and deletes only what is their own; whose an entry is, is asked when it is
looked at, for that may not be known before. Here is what is in memory of it: what comes after an entry is in memory
whenever that entry is.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from pychat.core.chat.order import Key
from pychat.core.content import DELETE, EDIT, HIDDEN, REACT, UNREACT, Relation
from pychat.core.ids import AuthorId
from pychat.core.log import Entry

Place = tuple[AuthorId, int]
"""Where an entry is: the name of the log, and its number there."""


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


class Relations:
    """What is said of the entries of one conversation; `changes` counts how often that has become something else."""

    def __init__(self) -> None:
        self._said: dict[Place, dict[tuple[str, bool], list[_Said]]] = {}
        self.changes = 0

    def add(self, author: AuthorId, number: int, entry: Entry, *, is_own: bool) -> None:
        """Take what an entry says of another one; what is here is not taken twice."""
        relation = entry.relation
        if not isinstance(relation, Relation) or relation.kind not in HIDDEN or not entry.text:
            return
        place, kind = (relation.author, relation.number), REACT if relation.kind == UNREACT else relation.kind
        said = self._said.setdefault(place, {}).setdefault((kind, is_own), [])
        one = _Said((entry.rank, author, number), entry.at, "" if relation.kind == UNREACT else entry.text)
        at = bisect_left(said, one)
        if at == len(said) or said[at] != one:
            said.insert(at, one)
            self.changes += 1

    def remove(self, author: AuthorId, number: int, entry: Entry, *, is_own: bool) -> None:
        """Let it go: the entry is no longer in memory, or has no text any more."""
        relation = entry.relation
        if not isinstance(relation, Relation) or relation.kind not in HIDDEN:
            return
        place, kind = (relation.author, relation.number), REACT if relation.kind == UNREACT else relation.kind
        said = self._said.get(place, {}).get((kind, is_own), [])
        key = entry.rank, author, number
        at = bisect_left(said, key, key=lambda one: one.key)
        if at < len(said) and said[at].key == key:
            del said[at]
            self.changes += 1
            if not said:
                del self._said[place][kind, is_own]
                if not self._said[place]:
                    del self._said[place]

    def is_deleted(self, place: Place, *, is_own: bool) -> bool:
        """Whether the author of an entry, which is our own or not, has deleted it for both."""
        return (DELETE, is_own) in self._said.get(place, ())

    def edits(self, place: Place, *, is_own: bool) -> Sequence[Revision]:
        """How its author has edited an entry, which is our own or not; the last one counts."""
        said = self._said.get(place, {}).get((EDIT, is_own), ())
        return [Revision(one.at, one.text) for one in said]

    def edit_places(self, place: Place) -> list[Place]:
        """Which entries say how another one was edited, whoever wrote them."""
        said = self._said.get(place, {})
        return [one.key[1:] for is_own in (True, False) for one in said.get((EDIT, is_own), ())]

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

    def deletions(self) -> list[tuple[Place, bool]]:
        """Which entries are to be deleted, and whether it is for our own person to say so."""
        return [(place, is_own) for place, said in self._said.items() for kind, is_own in said if kind == DELETE]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said of any entry."""
        return not self._said


def is_hidden(entry: Entry) -> bool:
    """Whether an entry is no message of its own."""
    return isinstance(entry.relation, Relation) and entry.relation.kind in HIDDEN
