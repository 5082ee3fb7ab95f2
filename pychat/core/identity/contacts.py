"""The people one knows: each by the key of their identity, with the name they go by here, and whether one has verified
them.

A key is pinned when it is seen for the first time, and recognised from then on. A name proves nothing: whoever comes
with the name of somebody known, or one that looks like it, and with another key, is somebody else until proved.

Several programs and tabs of one person keep their contacts in one place, and each has them in memory. So a contact is
merged field by field (`merge`): what a person has decided counts by how often they have decided, what the contact shows
of itself by when it was seen. In whatever order copies are merged, the result is the same.
"""

import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

from pychat.core.ids import KEY_SIZE, PublicKey
from pychat.core.wire import MAX_NAME, MAX_NUMBER

MAX_CONTACTS = 2_000
"""More are not kept: strangers make room, to whom one has never written, and of those who was seen longest ago. Whoever
was compared with never does.
"""

STORE_KEY = "contacts"

MAX_MARKS = 4
"""Marks that one letter of a name may bear: no language has more, and many of them reach into the lines around."""

# What shows nothing, though its category is that of letters, marks or signs: fillers, selectors of a variant, blanks,
# what stands for an object. `python -m tests.blanks` looks for them in browsers.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u20e3\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc"
    "\U0001107f\U00013440-\U00013442\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)

Skeleton = Callable[[str], str]
"""Reduces a name to what it looks like (UTS #39, section 4): two names that look alike have the same one."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody known.

    `seen` is when they were here last, in seconds since 1970. `since` is higher the later they took this name, or one
    that looks like it. `verified_as` is the name by which they were verified. `differs` says that the last comparison
    with them has failed. `judged` counts the comparisons: of two copies the one with more knows the last result.
    `talked` says that something one has written to them has arrived.
    """

    key: PublicKey
    name: str = ""
    verified: bool = False
    seen: float = 0.0
    since: int = 0
    verified_as: str = ""
    differs: bool = False
    judged: int = 0
    talked: bool = False

    @property
    def known_as(self) -> str:
        """The name they go by here: once verified, the one that the person here has agreed to."""
        return self.verified_as if self.verified else self.name

    @property
    def new_name(self) -> str:
        """The name that somebody verified now gives themselves, as long as nobody has agreed to it, or ""."""
        return self.name if self.name != self.known_as else ""


class Namesake(NamedTuple):
    """Somebody known whom another one may be taken for, and the name by which."""

    contact: Contact
    name: str

    def is_same(self, other: "Namesake | None") -> bool:
        """Whether it is the same person and name, whatever else is known of them by now."""
        return other is not None and (self.contact.key, self.name) == (other.contact.key, other.name)


class Adopted(NamedTuple):
    """What `Contacts.adopt` has found.

    `newer` are contacts of which less is kept than is known here, `rejected` those with whom a comparison has failed
    elsewhere since.
    """

    newer: Sequence[Contact]
    rejected: Sequence[Contact]


def clean_name(text: str) -> str:
    """A name as it may be shown: composed (NFC), one line, nothing invisible, 64 code points at most.

    It begins with no mark, which would stand on what is shown before it, and no letter bears more than `MAX_MARKS`.
    """
    visible = (
        char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cn", "Co", "Cs") or char.isspace()
    )
    composed = unicodedata.normalize("NFC", _INVISIBLE.sub("", "".join(visible)))
    return " ".join(_with_few_marks(composed).split())[:MAX_NAME].rstrip()


def _with_few_marks(text: str) -> str:
    kept: list[str] = []
    marks = MAX_MARKS
    for char in text:
        is_mark = unicodedata.category(char) in ("Mn", "Me")
        marks = marks + 1 if is_mark else MAX_MARKS if char.isspace() else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


class Contacts:
    """Everybody known, by their keys.

    Args:
        people: those known already.
        skeleton: tells names that look alike.
    """

    def __init__(self, people: Iterable[Contact] = (), *, skeleton: Skeleton) -> None:
        self._by_key = {contact.key: contact for contact in people}
        self._skeleton = skeleton
        self._looks = lru_cache(3 * MAX_CONTACTS)(self._both)  # two names each, and those that are held against them

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._by_key.values())

    def _both(self, name: str) -> frozenset[str]:
        """What a name looks like as it is, and in small letters: those of “Борис” look otherwise than its capitals."""
        return frozenset((self._skeleton(name), self._skeleton(name.casefold()))) - {""}

    def get(self, key: PublicKey) -> Contact | None:
        """The contact with that key, if known."""
        return self._by_key.get(key)

    def known_as(self, key: PublicKey) -> str:
        """The name that somebody goes by here, as in `Contact`, or ""."""
        contact = self._by_key.get(key)
        return contact.known_as if contact is not None else ""

    def meet(self, key: PublicKey, name: str, now: float) -> Contact:
        """Somebody has proved that this key is theirs, and goes by that name."""
        known = self._by_key.get(key, Contact(key))
        name = clean_name(name) or known.name
        looks_as_before = self._looks(name) == self._looks(known.name)
        since = known.since if looks_as_before else 1 + max((other.since for other in self), default=0)
        # Also after the clock was set back, for of two copies the one seen last has the name (`merge`).
        seen = max(now, known.seen if name == known.name else known.seen + 0.001)
        return self.put(replace(known, name=name, seen=seen, since=since))

    def judge(self, key: PublicKey, *, match: bool, shown_as: str | None = None) -> Contact:
        """Note whether a comparison with a contact has verified them or has failed.

        Args:
            shown_as: the name by which they were compared with; None for the one that they go by.
        """
        known = self._by_key.get(key, Contact(key))
        name = "" if not match else known.known_as if shown_as is None else clean_name(shown_as)
        return self.put(replace(known, verified=match, verified_as=name, differs=not match, judged=known.judged + 1))

    def accept_name(self, key: PublicKey) -> Contact:
        """Note that somebody verified may go by the name that they now give themselves."""
        known = self._by_key[key]
        return self.put(replace(known, verified_as=known.name, judged=known.judged + 1)) if known.verified else known

    def doubt(self, key: PublicKey) -> Contact | None:
        """They say that a comparison with us has failed, so they are not verified; None if they were not before."""
        known = self._by_key.get(key)
        if known is None or not known.verified:
            return None
        return self.put(replace(known, verified=False, verified_as="", judged=known.judged + 1))

    def is_rejected(self, key: PublicKey) -> bool:
        """Whether the last comparison with them has failed."""
        return key in self._by_key and self._by_key[key].differs

    def put(self, contact: Contact) -> Contact:
        """Note a contact as it is now; where there are too many another one makes room."""
        self._by_key[contact.key] = contact
        if len(self._by_key) > MAX_CONTACTS:
            others = [other for other in self if not other.judged and other is not contact]
            if others:
                del self._by_key[min(others, key=lambda other: (other.talked, other.seen)).key]
        return contact

    def talked_to(self, key: PublicKey) -> Contact | None:
        """Note that something one has written to a contact has arrived; None if that was known."""
        known = self._by_key.get(key)
        return self.put(replace(known, talked=True)) if known is not None and not known.talked else None

    def namesake(self, contact: Contact) -> Contact | None:
        """Whom one may take this contact for: somebody else of a name that looks the same, who was verified by it or
        has had it for longer; a verified one before others. Whoever was verified is taken for nobody else, for they go
        by the name that the person here has agreed to.
        """
        return None if contact.verified and contact.verified_as else self.bearer(contact.name, contact)

    def bearer(self, name: str, contact: Contact) -> Contact | None:
        """Who has, or was verified by, a name that looks like this one, and has a better claim to it than a contact."""
        looks = self._looks(name)
        alike = [
            other
            for other in self
            if other.key != contact.key
            and (
                (other.verified and not looks.isdisjoint(self._looks(other.verified_as)))
                or (other.since <= contact.since and not looks.isdisjoint(self._looks(other.name)))
            )
        ]
        return max(alike, key=lambda other: (other.verified, other.seen), default=None)

    def dumps(self) -> str:
        """Everything, as a text to be kept."""
        return json.dumps([_write(contact) for contact in self], ensure_ascii=False)

    def adopt(self, text: str) -> Adopted:
        """Take what another program or tab of the same person has kept, and find what it should keep, too.

        Raises:
            ValueError: it is something else.
        """
        kept = {contact.key: contact for contact in self.loads(text, skeleton=str)}
        rejected = [c for c in kept.values() if c.differs and c.judged > self._by_key.get(c.key, Contact(c.key)).judged]
        for contact in kept.values():
            self.put(merge(self._by_key.get(contact.key, contact), contact))
        # Whoever is missing in a full list has made room; in another one the two of us wrote at once.
        is_full = len(kept) >= MAX_CONTACTS
        newer = [c for c in self if kept.get(c.key) != c and not (is_full and c.key not in kept)]
        return Adopted(newer, rejected)

    @classmethod
    def loads(cls, text: str | None, *, skeleton: Skeleton) -> "Contacts":
        """Read what `dumps` wrote; None is nobody yet.

        Raises:
            ValueError: it is something else. To go on without would forget who was pinned, so the person must know.
        """
        try:
            entries = json.loads(text) if text is not None else []
        except RecursionError as error:
            raise ValueError("the contacts are nested too deep") from error
        if type(entries) is not list:
            raise ValueError("the contacts are no list")
        return cls(map(_read, entries), skeleton=skeleton)


def merge(one: Contact, other: Contact) -> Contact:
    """What two copies of a contact know together."""
    latest = max(one, other, key=lambda copy: (copy.seen, copy.since, copy.name))
    # Where two were made at once, the careful one counts.
    judged = max(one, other, key=lambda copy: (copy.judged, copy.differs, not copy.verified, copy.verified_as))
    return replace(
        latest,
        verified=judged.verified,
        verified_as=judged.verified_as,
        differs=judged.differs,
        judged=judged.judged,
        talked=one.talked or other.talked,
    )


def keep(text: str | None, changed: Iterable[Contact]) -> str:
    """The kept text with these contacts merged into it; the others stay as they are there, whoever has written them.

    Raises:
        ValueError: the text is something else.
    """
    contacts = Contacts.loads(text, skeleton=str)
    for contact in changed:
        contacts.put(merge(contacts.get(contact.key) or contact, contact))
    return contacts.dumps()


def _write(contact: Contact) -> list[Any]:
    key = base64.b64encode(contact.key).decode()
    return [key, *(getattr(contact, field.name) for field in fields(contact)[1:])]


def _read(entry: Any) -> Contact:
    match entry:
        case [
            str(key),
            str(name),
            bool(verified),
            float() | int() as seen,
            int(since),
            str(verified_as),
            bool(differs),
            int(judged),
            bool(talked),
        ]:
            raw = base64.b64decode(key, validate=True)
            contact = Contact(raw, name, verified, seen, since, verified_as, differs, judged, talked)
            if len(contact.key) == KEY_SIZE and 0 <= seen <= MAX_NUMBER:
                return contact
    raise ValueError("a contact is malformed")
