"""The people one knows: each by the key of their identity, with the name they go by here, and whether one has verified
them.

A key is pinned when it is seen for the first time, and recognised from then on. A name proves nothing: whoever comes
with the name of somebody known, or one that looks like it, and with another key, is somebody else until proved.
"""

import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pychat.core.handshake import KEY_SIZE, PublicKey
from pychat.core.wire import MAX_NAME

MAX_CONTACTS = 2_000
"""More are not kept: who was not verified and was seen longest ago makes room."""

STORE_KEY = "contacts"

# What shows nothing, though its category is that of letters, marks or signs: fillers, selectors of a variant, a blank.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

Skeleton = Callable[[str], str]
"""Reduces a name to what it looks like (UTS #39, section 4): two names that look alike have the same one."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody known.

    `seen` is when they were here last, in seconds since 1970. `since` is higher the later they took this name, or one
    that looks like it. `verified_as` is the name by which they were verified.
    """

    key: PublicKey
    name: str = ""
    verified: bool = False
    seen: float = 0.0
    since: int = 0
    verified_as: str = ""


def clean_name(text: str) -> str:
    """A name as it may be shown: composed (NFC), one line, nothing invisible, 64 code points at most."""
    visible = (
        char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cn", "Co", "Cs") or char.isspace()
    )
    composed = unicodedata.normalize("NFC", _INVISIBLE.sub("", "".join(visible)))
    return " ".join(composed.split())[:MAX_NAME].rstrip()


class Contacts:
    """Everybody known, by their keys.

    Args:
        people: those known already.
        skeleton: tells names that look alike.
    """

    def __init__(self, people: Iterable[Contact] = (), *, skeleton: Skeleton) -> None:
        self._by_key = {contact.key: contact for contact in people}
        self._skeleton = skeleton

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._by_key.values())

    def get(self, key: PublicKey) -> Contact | None:
        """The contact with that key, if known."""
        return self._by_key.get(key)

    def meet(self, key: PublicKey, name: str, now: float) -> Contact:
        """Somebody has proved that this key is theirs, and goes by that name."""
        known = self._by_key.get(key, Contact(key))
        name = clean_name(name) or known.name
        looks_as_before = self._skeleton(name) == self._skeleton(known.name)
        since = known.since if looks_as_before else 1 + max((other.since for other in self), default=0)
        return self.put(replace(known, name=name, seen=now, since=since))

    def verify(self, key: PublicKey, verified: bool) -> Contact:
        """Note whether a contact was verified, by the name they have now."""
        known = self._by_key.get(key, Contact(key))
        return self.put(replace(known, verified=verified, verified_as=known.name if verified else ""))

    def put(self, contact: Contact) -> Contact:
        """Note a contact as it is now; where there are too many another one makes room."""
        self._by_key[contact.key] = contact
        if len(self._by_key) > MAX_CONTACTS:
            strangers = [other for other in self if not other.verified and other is not contact]
            if strangers:
                del self._by_key[min(strangers, key=lambda other: other.seen).key]
        return contact

    def namesake(self, contact: Contact) -> Contact | None:
        """Whom one may take this contact for: somebody else of a name that looks the same, who was verified by it or
        has had it for longer; a verified one before others. Whoever was verified by this name is taken for nobody else.
        """
        looks = self._skeleton(contact.name)
        if not looks or self._is_verified_as(contact, looks):
            return None
        alike = [
            other
            for other in self
            if other.key != contact.key
            and self._skeleton(other.name) == looks
            and (self._is_verified_as(other, looks) or other.since <= contact.since)
        ]
        return max(alike, key=lambda other: (other.verified, other.seen), default=None)

    def _is_verified_as(self, contact: Contact, looks: str) -> bool:
        return contact.verified and self._skeleton(contact.verified_as) == looks

    def dumps(self) -> str:
        """Everything, as a text to be kept."""
        people = [[base64.b64encode(c.key).decode(), c.name, c.verified, c.seen, c.since, c.verified_as] for c in self]
        return json.dumps(people, ensure_ascii=False)

    def adopt(self, text: str) -> None:
        """Take what another program or tab of the same person has kept.

        Raises:
            ValueError: it is something else.
        """
        self._by_key = self.loads(text, skeleton=self._skeleton)._by_key

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


def keep(text: str | None, changed: Iterable[Contact]) -> str:
    """The kept text with these contacts in it; the others stay as they are there, whoever has written them.

    Raises:
        ValueError: the text is something else.
    """
    contacts = Contacts.loads(text, skeleton=str)
    for contact in changed:
        contacts.put(contact)
    return contacts.dumps()


def _read(entry: Any) -> Contact:
    match entry:
        case [str(key), str(name), bool(verified), float() | int() as seen, int(since), str(verified_as)]:
            contact = Contact(base64.b64decode(key, validate=True), name, verified, seen, since, verified_as)
            if len(contact.key) == KEY_SIZE:
                return contact
    raise ValueError("a contact is malformed")
