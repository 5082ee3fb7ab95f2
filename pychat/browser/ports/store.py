"""Small texts kept across visits, in localStorage."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import js
from pyodide.ffi import JsException

from pychat.browser.dom import Scope
from pychat.ports import PortError

_PREFIX = "pychat."
_OWNER = _PREFIX + "owner"


@contextmanager
def _storage() -> Iterator[Any]:
    """localStorage, which may be switched off: then it is None or null, or throws as soon as it is looked at."""
    try:
        yield getattr(js, "localStorage", None)
    except (JsException, AttributeError) as error:
        raise PortError(str(error)[:200]) from error


class BrowserStore:
    """Implements `ports.Store`.

    Args:
        owner: names whose texts these are, where that is known. Once another tab has erased everything, a tab that
            does not know yet keeps nothing any more.

    `works` says whether anything can be kept at all, and `was_of_another` that what is kept is of another owner: the
    browser has deleted its databases, with the key in them, and not this.
    """

    def __init__(self, owner: str = "") -> None:
        self._owner = owner
        self._protected: set[str] = set()
        self.works = self.was_of_another = False
        with suppress(PortError), _storage() as storage:
            if owner:
                former = storage.getItem(_OWNER)
                self.was_of_another = isinstance(former, str) and former != owner
                storage.setItem(_OWNER, owner)
            self.works = storage.length >= 0

    def load(self, key: str) -> str | None:
        """What localStorage holds under the key, or None."""
        with suppress(PortError), _storage() as storage:
            value = storage.getItem(_PREFIX + key)
            return value if isinstance(value, str) else None
        return None

    def save(self, key: str, text: str) -> None:
        """Put a text into localStorage. Raises PortError when it cannot be kept."""
        if key in self._protected:
            raise PortError("what was kept before is damaged, and is left as it is")
        with _storage() as storage:
            if self._owner and storage.getItem(_OWNER) != self._owner:
                raise PortError("everything was deleted in another tab")
            storage.setItem(_PREFIX + key, text)

    def update(self, key: str, change: Callable[[str | None], str]) -> None:
        """There is no lock on localStorage: where two tabs write at once, the one that hears of it writes again."""
        self.save(key, change(self.load(key)))

    def protect(self, key: str) -> None:
        """Refuse from now on to keep another text in the place of this one."""
        self._protected.add(key)

    def follow(self, changed: Callable[[str, str], None], erased: Callable[[], None]) -> None:
        """Watch what the other tabs do, for as long as the page lives.

        Args:
            changed: called with the key and the text that another tab has saved.
            erased: called when another tab has erased everything.
        """

        def take(event: Any) -> None:
            key, text = event.key, event.newValue
            if not isinstance(key, str) or (key == _OWNER and not isinstance(text, str)):
                erased()
            elif key.startswith(_PREFIX) and isinstance(text, str):
                changed(key.removeprefix(_PREFIX), text)

        Scope(js.window).on(js.window, "storage", take)

    def erase(self) -> None:
        """Delete all that pychat has kept here. Raises PortError when the browser refuses."""
        with _storage() as storage:
            length = getattr(storage, "length", 0)  # where there is no storage there is nothing to delete
            for key in [storage.key(place) for place in range(length)]:
                if key.startswith(_PREFIX):
                    storage.removeItem(key)


class UnkeptStore(BrowserStore):
    """Implements `ports.Store` for somebody whose key cannot be kept: what they do is forgotten with them.

    What an earlier visit has kept still holds, or whoever hides their address would not when a database fails once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._visit = VisitStore()

    def load(self, key: str) -> str | None:
        """What this visit has saved, else what an earlier one has kept."""
        text = self._visit.load(key)
        return super().load(key) if text is None else text

    def save(self, key: str, text: str) -> None:
        """Keep a text for this visit."""
        self._visit.save(key, text)


class VisitStore:
    """Implements `ports.Store` for one visit."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def load(self, key: str) -> str | None:
        """What this visit has saved, or None."""
        return self._texts.get(key)

    def save(self, key: str, text: str) -> None:
        """Keep a text for this visit."""
        self._texts[key] = text

    def update(self, key: str, change: Callable[[str | None], str]) -> None:
        """Save what `change` makes of what this visit has saved."""
        self.save(key, change(self.load(key)))
