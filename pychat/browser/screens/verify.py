"""The dialog in which two people make sure of each other."""

from collections.abc import Callable
from typing import Any

from pychat.browser.dom import Scope, from_template, set_text, show
from pychat.core.identity.safety import Emoji, ShortString
from pychat.core.ids import PublicKey
from pychat.ui import strings
from pychat.ui.app import App
from pychat.ui.view import View


class VerifyDialog:
    """The part “verify” of a scope: what to compare, and the two answers.

    Args:
        compared: called with the key of whom it is about, the name that they had when the dialog was opened, and
            whether the two have seen the same.
        closed: called when the dialog has been closed, however that was.
    """

    def __init__(
        self, scope: Scope, app: App, compared: Callable[[PublicKey, str, bool], None], closed: Callable[[], None]
    ) -> None:
        self._part = part = scope.part
        self._app = app
        self._compared = compared
        self._dialog = part("verify")
        self._doubt = part("mismatch")
        self._signs: ShortString | None = None
        self._peer: PublicKey | None = None
        self._name = ""
        set_text(part("signs-title"), strings.COMPARE)
        set_text(part("safety-note"), strings.SAFETY_NUMBER)
        set_text(part("mismatch-title"), strings.MISMATCH)
        set_text(part("mismatch-note"), strings.MISMATCH_NOTE)
        scope.on(part("match"), "click", lambda _: self._answer(True))
        scope.on(part("no-match"), "click", lambda _: self._doubt.showModal())
        scope.on(part("mismatch-confirm"), "click", lambda _: self._answer(False))
        scope.on(self._dialog, "close", lambda _: closed())

    def open(self, now: View) -> None:
        """Open the dialog for the peer of the shown conversation, if it has proved its identity."""
        if now.peer is None:
            return
        self._peer = now.peer
        self._name = self._app.known_as(now.peer)
        self._draw_safety_number(self._app.safety_number(now.peer))
        self._part("numbers").open = now.signs is None  # then there is nothing else to compare
        self._dialog.showModal()
        self._dialog.scrollTop = 0
        self.render(now)

    def render(self, now: View) -> None:
        """Show the view's conversation, while the dialog is open; it closes when that is with somebody else."""
        if not self._dialog.open:
            return
        if now.peer != self._peer:
            self._close()
            return
        part = self._part
        set_text(part("verify-title"), strings.who_is(now.name))
        set_text(part("verify-trust"), now.trust_note)
        for name in ("signs-area", "signs-number-area"):
            show(part(name), now.signs is not None)
        if now.signs != self._signs:
            self._signs = now.signs
            self._draw_signs(now.signs)

    def _answer(self, match: bool) -> None:
        self._close()
        if self._peer is not None:
            self._compared(self._peer, self._name, match)

    def _close(self) -> None:
        self._doubt.close()
        self._dialog.close()

    def _draw_signs(self, signs: ShortString | None) -> None:
        emoji = signs.emoji if signs is not None else ()
        self._part("signs").replaceChildren(*(_sign(each) for each in emoji))
        set_text(self._part("signs-number"), signs.number if signs is not None else "")

    def _draw_safety_number(self, number: str) -> None:
        from pychat.browser.screens import qr  # a third of all that is loaded, and seldom wanted

        for name in ("numbers", "match", "no-match"):  # nothing to compare with oneself
            show(self._part(name), bool(number))
        set_text(self._part("safety-number"), number)
        if number:
            qr.draw(self._part("safety-qr"), number)


def _sign(emoji: Emoji) -> Any:
    item = from_template("sign")
    item.querySelector("svg").setAttribute("aria-label", emoji.sign)
    use = item.querySelector("use")
    use.setAttribute("href", use.getAttribute("href") + emoji.code_points)
    item.querySelector(".sign-name").textContent = emoji.name
    return item
