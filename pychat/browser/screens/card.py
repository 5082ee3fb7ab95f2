"""The card for the next step: the code to hand over, the box for the one that comes back."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import js
from pyodide.ffi import JsException

from pychat.browser.dom import Scope, set_data, set_text, show
from pychat.browser.screens import qr
from pychat.ui import strings
from pychat.ui.view import Card, View

_FOLDABLE = {Card.ROOM: strings.SHOW_LINK, Card.AGAIN: strings.MORE, Card.RETURN: strings.MORE}
"""Cards that may be folded, and what leads to the rest of them."""


class CodeCard:
    """The part “card” of a scope. There is one paste form in the page; it moves to where it is needed.

    Once there are messages it is folded to one line, unless it has a code that the person has asked for: what was said
    is not to be covered because the other one has left.
    """

    def __init__(self, scope: Scope) -> None:
        self._part = part = scope.part
        self._shown = Card.NONE
        self._code = ""
        self._is_foldable = False
        self._unfolded = False  # by the person
        self._task: asyncio.Future[None] | None = None  # kept, or it might be collected while it runs
        scope.on(part("card-fold"), "click", lambda _: self._toggle())
        for kind in ("invite", "reply"):
            scope.on(part(f"copy-{kind}"), "click", partial(self._copy, kind, False))
            scope.on(part(f"copy-{kind}-link"), "click", partial(self._copy, kind, True))
            scope.on(part(f"{kind}-text"), "focus", partial(self._mark, kind))
            scope.on(part(f"{kind}-qr-fold"), "toggle", lambda _: self._draw())
            if hasattr(js.navigator, "share"):
                show(part(f"share-{kind}"), True)
                scope.on(part(f"share-{kind}"), "click", self._share)

    def render(self, view: View, *, may_focus: bool) -> None:
        """Show the view's card; with a new code the focus goes to where it is copied, if it may."""
        part = self._part
        show(part("card"), view.card is not Card.NONE)
        if view.card is not self._shown:
            self._unfolded = False
        self._is_foldable = view.card in _FOLDABLE and bool(view.messages)
        self._fold(view.card)
        if (view.card, view.code) == (self._shown, self._code):
            return
        self._shown, self._code = view.card, view.code
        set_data(part("card"), "card", view.card.value)
        self.forget_copying()
        part("invite-text").value = view.code if view.card is Card.INVITE else ""
        part("reply-text").value = view.code if view.card is Card.REPLY else ""
        self._draw()
        if view.card in (Card.INVITE, Card.REPLY) and may_focus:
            part("copy-invite" if view.card is Card.INVITE else "copy-reply").focus()

    def forget_copying(self) -> None:
        """Say no more that something was copied: the person has gone on."""
        set_text(self._part("copied"), "")

    def _toggle(self) -> None:
        self._unfolded = not self._unfolded
        self._fold(self._shown)

    def _fold(self, card: Card) -> None:
        part, folded = self._part, self._is_foldable and not self._unfolded
        set_data(part("card"), "folded", "true" if folded else "false")
        show(part("card-fold"), self._is_foldable)
        home = part("paste-away" if card in (Card.INVITE, Card.AGAIN) and not folded else "paste-home")
        if not home.contains(part("paste")):
            home.append(part("paste"))
        set_text(part("card-fold-text"), _FOLDABLE.get(card, "") if folded else strings.LESS)
        if part("card-fold").getAttribute("aria-expanded") != (expanded := "false" if folded else "true"):
            part("card-fold").setAttribute("aria-expanded", expanded)

    def _link(self) -> str:
        return f"{js.location.origin}{js.location.pathname}#{self._code}"

    def _draw(self) -> None:
        """Draw the QR code where it is unfolded."""
        kind = {Card.INVITE: "invite", Card.REPLY: "reply"}.get(self._shown)
        if kind and self._code and self._part(f"{kind}-qr-fold").open:
            qr.draw(self._part(f"{kind}-qr"), self._link())

    def _mark(self, kind: str, _: Any) -> None:
        self._part(f"{kind}-text").select()

    def _copy(self, kind: str, as_link: bool, _: Any) -> None:
        self.forget_copying()  # said again each time, also to those who listen
        if not hasattr(js.navigator, "clipboard"):  # only a secure page has one
            self._copy_by_hand(kind)
            return
        copying = js.navigator.clipboard.writeText(self._link() if as_link else self._code)
        self._task = asyncio.ensure_future(self._tell_of_copying(copying, kind))

    async def _tell_of_copying(self, copying: Any, kind: str) -> None:
        try:
            await copying
        except JsException:  # the person, or the browser for them, refuses
            self._copy_by_hand(kind)
        else:
            set_text(self._part("copied"), strings.COPIED)

    def _copy_by_hand(self, kind: str) -> None:
        self._part(f"{kind}-text").focus()
        self._mark(kind, None)
        set_text(self._part("copied"), strings.COPY_BY_HAND)

    def _share(self, _: Any) -> None:
        data = js.Object.fromEntries([["text", self._code], ["url", self._link()]])
        self._task = asyncio.ensure_future(_quietly(js.navigator.share(data)))


async def _quietly(sharing: Any) -> None:
    with suppress(JsException):  # people may change their mind
        await sharing
