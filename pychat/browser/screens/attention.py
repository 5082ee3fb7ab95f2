"""Whether somebody is in front of the page, and writes: what the core makes "typing", "away" and "read" of."""

import time
from collections.abc import Callable
from typing import Any

import js

from pychat.browser.dom import Scope
from pychat.core import events
from pychat.core.ids import ChatId
from pychat.ports import Post

ACTIVE_INTERVAL, TYPING_INTERVAL = 10.0, 1.0
"""Seconds for which it is not told again that the person does something, or writes: each time the page has a turn."""
_ACTS = ("pointerdown", "pointermove", "keydown", "wheel", "touchstart")
"""The events by which a person shows that they are there."""


class Attention:
    """Watches the window and the part “draft” of a scope.

    Args:
        chat: what the person writes in.
    """

    def __init__(self, scope: Scope, post: Post, chat: Callable[[], ChatId | None]) -> None:
        self._post = post
        self._chat = chat
        self._draft = scope.part("draft")
        self._told_active = self._told_typing = -ACTIVE_INTERVAL
        self._typing: ChatId | None = None  # as it was told
        for act in _ACTS:
            scope.on(js.window, act, self._acted)
        for change in ("focus", "blur"):
            scope.on(js.window, change, lambda _: self._tell_focus())
        scope.on(self._draft, "input", self._written)

    def begin(self) -> None:
        """Say how it stands: the page may have been opened where nobody looks."""
        self._post(events.NoteActivity())
        if js.document.visibilityState != "visible":
            self._post(events.LookAway(away=True))
        self._tell_focus()

    def sent(self) -> None:
        """What was written is sent, and with that it ends: what comes next is told at its first key."""
        self._typing = None

    def _tell_focus(self) -> None:
        self._post(events.SetFocus(bool(js.document.hasFocus())))

    def _acted(self, _: Any) -> None:
        now = time.monotonic()
        if now - self._told_active >= ACTIVE_INTERVAL:
            self._told_active = now
            self._post(events.NoteActivity())

    def _written(self, _: Any) -> None:
        """The person has changed what they write; what a program puts into the box is none of theirs."""
        chat, now = self._chat(), time.monotonic()
        if self._draft.value:
            if chat is not None and (chat != self._typing or now - self._told_typing >= TYPING_INTERVAL):
                self._typing, self._told_typing = chat, now
                self._post(events.NoteTyping(chat))
        elif chat is not None and chat == self._typing:
            self._typing = None
            self._post(events.NoteTyping(chat, is_typing=False))
