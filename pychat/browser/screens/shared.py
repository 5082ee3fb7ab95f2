"""What another program has shared with the installed page (W3C Web Share Target): a link is opened, any other text
waits for the person to choose whom it is for.

It comes from the service worker, which alone has seen it: no server gets it, and it stands in no address.
"""

from collections.abc import Callable
from typing import Any

from pychat.browser.dom import Scope, set_text, show
from pychat.browser.ports.notifications import service_workers
from pychat.ui import strings

_QUESTION = "what was shared?"  # as sw.js has it
_SHOWN = 120
"""Code points of it that are shown."""


class SharedText:
    """The part “shared” of a scope.

    Args:
        open_code: called with what was shared; returns whether there was a code in it, which is opened then.
        waits: called when there is a text that waits.
    """

    def __init__(self, scope: Scope, open_code: Callable[[str], bool], waits: Callable[[], None]) -> None:
        self._part = scope.part
        self._open_code = open_code
        self._waits = waits
        self._text = ""
        self._workers = service_workers()
        set_text(scope.part("shared-title"), strings.SHARED)
        scope.on(scope.part("shared-end"), "click", self._end)
        if self._workers:
            scope.on(self._workers, "message", self._heard)

    def ask(self) -> None:
        """Ask the service worker whether anything was shared."""
        if self._workers and self._workers.controller:
            self._workers.controller.postMessage(_QUESTION)

    def take(self) -> str:
        """What waits, which waits no longer; or ""."""
        text, self._text = self._text, ""
        self._show()
        return text

    def _end(self, _: Any) -> None:
        self.take()

    def _heard(self, event: Any) -> None:
        text = getattr(event.data, "shared", None)
        if isinstance(text, str) and text.strip() and not self._open_code(text):
            self._text = text.strip()
            self._show()
            self._waits()

    def _show(self) -> None:
        set_text(self._part("shared-text"), " ".join(self._text.split())[:_SHOWN])
        show(self._part("shared"), bool(self._text))
