"""Small texts kept across visits, in localStorage."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException

from pychat.browser.dom import Scope
from pychat.ports import PortError

_PREFIX = "pychat."
_OWNER = _PREFIX + "owner"


class BrowserStore:
    """Implements `ports.Store`.

    Args:
        owner: names whose texts these are, where that is known. Once another tab has erased everything, a tab that
            does not know yet keeps nothing any more.
    """

    def __init__(self, owner: str = "") -> None:
        self._owner = owner
        self._protected: set[str] = set()
        if owner:
            with suppress(JsException):  # each `save` will say so
                js.localStorage.setItem(_OWNER, owner)

    def load(self, key: str) -> str | None:
        try:
            value = js.localStorage.getItem(_PREFIX + key)
        except JsException:
            return None  # storage is switched off: there is nothing kept
        return value if isinstance(value, str) else None

    def save(self, key: str, text: str) -> None:
        if key in self._protected:
            raise PortError("what was kept before is damaged, and is left as it is")
        try:
            if self._owner and js.localStorage.getItem(_OWNER) != self._owner:
                raise PortError("everything was deleted in another tab")
            js.localStorage.setItem(_PREFIX + key, text)
        except JsException as error:
            raise PortError(str(error)[:200]) from error

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
        try:
            kept = [js.localStorage.key(place) for place in range(js.localStorage.length)]
            for key in kept:
                if key.startswith(_PREFIX):
                    js.localStorage.removeItem(key)
        except JsException as error:
            raise PortError(str(error)[:200]) from error


class VisitStore:
    """Implements `ports.Store` for one visit."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def load(self, key: str) -> str | None:
        return self._texts.get(key)

    def save(self, key: str, text: str) -> None:
        self._texts[key] = text

    def update(self, key: str, change: Callable[[str | None], str]) -> None:
        self.save(key, change(self.load(key)))
