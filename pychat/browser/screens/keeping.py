"""For how long what is said in a conversation is kept: shown in the menu, and chosen there."""

from collections.abc import Callable, Iterable
from typing import Any

import js

from pychat.browser.dom import Scope, set_data, set_text, show
from pychat.core import events
from pychat.core.chat.records import FOREVER, NOTHING
from pychat.core.ids import ChatId
from pychat.ports import Post
from pychat.ui import keeping, strings
from pychat.ui.view import View

_AS_ALL = ""


class KeepDialog:
    """The part “keep-open” in the menu, and the dialog that it opens.

    Args:
        selected: the conversation that is shown.
    """

    def __init__(self, scope: Scope, post: Post, selected: Callable[[], ChatId | None]) -> None:
        self._part = part = scope.part
        self._post = post
        self._selected = selected
        self._view: View | None = None
        scope.on(part("keep-open"), "click", lambda _: self._open())
        scope.on(part("keep-save"), "click", lambda _: self._save())
        scope.on(part("keep-for"), "change", lambda _: self._tell())

    def render(self, view: View) -> None:
        """Show how it is kept what is written here."""
        self._view = view
        button = self._part("keep-open")
        show(button, view.is_kept)
        if view.is_kept:
            words = strings.keep_note(view.keep_for)
            kind = "nothing" if view.keep_for == NOTHING else "forever" if view.keep_for >= FOREVER else "time"
            set_data(button, "keep", kind)
            set_text(self._part("keep-open-text"), words)
        is_usual = not view.is_kept or view.keep_for >= FOREVER
        placeholder = "Message" if is_usual else f"Message, {keeping.state(view.keep_for)}"
        if self._part("draft").placeholder != placeholder:
            self._part("draft").placeholder = placeholder

    def _open(self) -> None:
        view = self._view
        if view is None or not view.is_kept:
            return
        as_all = (_AS_ALL, f"As everywhere: {keeping.choice(view.keep_for_all).lower()}")
        fill(self._part("keep-for"), [as_all, *choices(view.keep_choice)])
        self._part("keep-for").value = _AS_ALL if view.keep_choice is None else str(view.keep_choice)
        set_text(self._part("keep-note"), strings.keep_explained(view.name))
        self._tell()
        self._part("keep").showModal()

    @property
    def _chosen(self) -> int | None:
        value = str(self._part("keep-for").value)
        return int(value) if value else None

    def _tell(self) -> None:
        """Say what goes at once by this choice."""
        assert self._view is not None
        seconds = self._view.keep_for_all if self._chosen is None else self._chosen
        set_text(self._part("keep-caution"), strings.keep_caution(self._view.keep_for, seconds))

    def _save(self) -> None:
        chat = self._selected()
        if chat is not None and self._view is not None and self._chosen != self._view.keep_choice:
            self._post(events.SetKeepFor(chat, self._chosen))
        self._part("keep").close()


def choices(chosen: int | None) -> list[tuple[str, str]]:
    """The values and the words of what can be chosen, and what is chosen already."""
    offered = {*keeping.CHOICES, *([chosen] if chosen is not None else ())}
    return [(str(seconds), keeping.choice(seconds)) for seconds in sorted(offered, reverse=True)]


def fill(select: Any, options: Iterable[tuple[str, str]]) -> None:
    """Give a `<select>` these options: the value and the words of each."""
    select.replaceChildren(*(js.Option.new(words, value) for value, words in options))
