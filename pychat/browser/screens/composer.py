"""The box one writes in: Enter sends, Shift+Enter breaks the line, too long a text is refused in words."""

from collections.abc import Callable
from typing import Any

from pychat.browser.dom import Scope, set_text, show
from pychat.core.events import Event, WriteMessage
from pychat.core.ids import ChatId
from pychat.ports import Post
from pychat.ui.app import App

_COMPOSING = 229
"""The key code of what an input method handles (W3C UI Events, appendix A)."""


class Composer:
    """The parts “composer”, “draft” and “draft-problem” of a scope.

    Args:
        send: called with a text; returns "" when it is sent, and the box is then empty, else why it cannot be.
        changed: called when something else stands in the box.
    """

    def __init__(self, scope: Scope, send: Callable[[str], str], changed: Callable[[], None] = lambda: None) -> None:
        self.next_text = ""  # what stands in the box once this is sent
        self._send = send
        self._tell = changed
        self._draft = scope.part("draft")
        self._problem = scope.part("draft-problem")
        scope.on(scope.part("composer"), "submit", self._submitted)
        scope.on(self._draft, "keydown", self._key)
        scope.on(self._draft, "input", lambda _: self._changed())

    @property
    def text(self) -> str:
        """What is in the message box."""
        return str(self._draft.value)

    @text.setter
    def text(self, value: str) -> None:
        self._draft.value = value
        self._changed()

    def insert(self, text: str) -> None:
        """Put a text where the cursor is, in the place of what is selected."""
        draft = self._draft
        draft.setRangeText(text, draft.selectionStart, draft.selectionEnd, "end")
        self._changed()

    def focus(self) -> None:
        """Put the keyboard focus into the message box."""
        self._draft.focus()

    def _key(self, event: Any) -> None:
        # While an input method composes, Enter chooses a candidate (W3C UI Events, section 5.6).
        # Safari tells of the Enter that has ended it when it is over, with the key code of a composition.
        if event.key == "Enter" and not event.shiftKey and not event.isComposing and event.keyCode != _COMPOSING:
            self._submitted(event)

    def _submitted(self, event: Any) -> None:
        event.preventDefault()
        text = self.text.strip("\r\n")
        if not text.strip():
            return
        complaint = self._send(text)
        if complaint:
            self.complain(complaint)
            return
        self.text = self.next_text
        self.next_text = ""
        self.focus()

    def _changed(self) -> None:
        self.complain("")
        self._draft.style.height = "auto"
        self._draft.style.height = f"{self._draft.scrollHeight}px"
        self._tell()

    def complain(self, sentence: str) -> None:
        """Say under the box what is wrong, or that nothing is any more ("")."""
        set_text(self._problem, sentence)
        show(self._problem, bool(sentence))


def send(
    text: str, chat: ChatId | None, app: App, post: Post, written: Callable[[ChatId, str], Event] = WriteMessage
) -> str:
    """Write into a chat; returns "" or why that cannot be. `written` says what that means, if not a message."""
    complaint = app.complaint(chat, text)
    if chat is not None and not complaint:
        post(written(chat, text))
    return complaint
