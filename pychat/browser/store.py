"""Small texts kept across visits, in localStorage."""

import js
from pyodide.ffi import JsException

from pychat.ports import PortError

_PREFIX = "pychat."


class BrowserStore:
    """Implements `ports.Store`."""

    def load(self, key: str) -> str | None:
        try:
            value = js.localStorage.getItem(_PREFIX + key)
        except JsException:
            return None  # storage is switched off: there is nothing kept
        return value if isinstance(value, str) else None

    def save(self, key: str, text: str) -> None:
        try:
            js.localStorage.setItem(_PREFIX + key, text)
        except JsException as error:
            raise PortError(str(error)[:200]) from error
