"""The menu in the head of the page: what can be done with the conversation, and with pychat."""

from typing import Any

import js

from pychat.browser.dom import Scope, show
from pychat.browser.screens.popovers import walk
from pychat.ui.view import Card, View

_OVER = (Card.AGAIN, Card.RETURN)


class Acts:
    """The parts “more-open” and “more” of a scope. On the first screen the style sheet shows its buttons in the head.

    The browser opens and closes it (`popovertarget`), also before Python is there; each of its buttons closes it, too,
    before it does what it is for.
    """

    def __init__(self, scope: Scope) -> None:
        self._part = part = scope.part
        self._menu = part("more")
        scope.on(self._menu, "toggle", self._toggled)
        for place in (self._menu, part("more-open")):  # which has the focus until it is told that the menu is open
            scope.on(place, "keydown", self._key)
        # While the event is still on its way down, so that a dialog is not opened below the menu.
        for button in self._menu.querySelectorAll("button"):
            scope.on(button, "click", lambda _: self.close())

    def render(self, now: View) -> None:
        """Offer what can be done now."""
        part = self._part
        show(part("verify-open"), now.peer is not None)
        show(part("export-open"), now.peer is not None and bool(now.messages))
        part("leave").disabled = not now.can_leave
        part("remove").disabled = now.card not in _OVER
        if now.chat is None:
            self.close()

    def close(self) -> None:
        """Close the menu, if it is open; the focus goes to what has opened it."""
        if self._menu.matches(":popover-open"):
            self._menu.hidePopover()

    def _toggled(self, event: Any) -> None:
        if event.newState == "open" and not self._menu.contains(js.document.activeElement):
            for button in self._buttons()[:1]:
                button.focus()

    def _buttons(self) -> list[Any]:
        found = self._menu.querySelectorAll("button")
        return [button for button in found if button.checkVisibility() and not button.disabled]

    def _key(self, event: Any) -> None:
        if self._menu.matches(":popover-open") and not walk(event, self._buttons()) and event.key == "Tab":
            event.preventDefault()
            self.close()
