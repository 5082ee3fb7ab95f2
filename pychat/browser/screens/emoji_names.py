"""Short names such as `:tada:`: while one is typed its emoji are offered, and a whole one becomes its emoji."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import js

from pychat.browser.dom import Scope, from_template, show
from pychat.browser.emoji_table import emoji_loader
from pychat.ports import PortError
from pychat.ui.emoji import Emoji, TypedName, typed_name

_MOST = 6
"""Emoji that are offered at a time."""


class EmojiNames:
    """The parts “draft” and “emoji-names” of a scope. It comes before whatever else hears the keys of the box.

    Args:
        tone: the skin tone that the person has chosen, 0 to 5.
    """

    def __init__(self, scope: Scope, tone: Callable[[], int]) -> None:
        self._tone = tone
        self._draft = scope.part("draft")
        self._list = scope.part("emoji-names")
        self._typed: TypedName | None = None
        self._offered: list[Emoji] = []
        self._at = 0
        self._loading: asyncio.Future[None] | None = None
        scope.on(self._draft, "keydown", self._key)
        scope.on(self._draft, "input", self._typed_on)
        scope.on(self._draft, "blur", lambda _: self._close())
        scope.on(self._list, "pointerdown", lambda event: event.preventDefault())  # the box keeps the focus
        scope.on(self._list, "click", self._clicked)

    def _typed_on(self, event: Any) -> None:
        if not event.isComposing:
            self._look()

    def _before(self) -> str:
        """What stands before the cursor; nothing where something is selected."""
        start, end = self._draft.selectionStart, self._draft.selectionEnd
        # A browser counts code units, and Python here has no codec for them.
        return str(js.String.new(self._draft.value).slice(0, start)) if start == end else ""

    def _look(self) -> None:
        typed = typed_name(self._before())
        if typed is None:
            self._close()
            return
        table = emoji_loader.table
        if table is None:
            if self._loading is None or self._loading.done():
                self._loading = asyncio.ensure_future(self._load())
            return
        self._typed = typed
        if typed.is_whole:
            emoji = table.named(typed.name)
            self._close() if emoji is None else self._put(emoji, "")
            return
        found = table.completions(typed.name, _MOST)
        self._offered, self._at = [emoji for _, emoji in found], 0
        rows = []
        for number, (name, emoji) in enumerate(found):
            row = from_template("emoji-name")
            row.id = f"emoji-name-{number}"
            row.firstElementChild.textContent = emoji.toned(self._tone())
            row.lastElementChild.textContent = f":{name}:"
            rows.append(row)
        self._list.replaceChildren(*rows)
        show(self._list, bool(rows))
        self._mark()

    async def _load(self) -> None:
        with suppress(PortError):  # then the name is what it is, text
            await emoji_loader.load()
            self._look()

    def _mark(self) -> None:
        for number, row in enumerate(self._list.children):
            row.setAttribute("aria-selected", "true" if number == self._at else "false")
        if self._offered:
            self._draft.setAttribute("aria-activedescendant", f"emoji-name-{self._at}")
        else:
            self._draft.removeAttribute("aria-activedescendant")

    def _key(self, event: Any) -> None:
        if not self._offered or event.isComposing:
            return
        if event.key in ("ArrowDown", "ArrowUp"):
            self._at = (self._at + (1 if event.key == "ArrowDown" else -1)) % len(self._offered)
            self._mark()
        elif event.key in ("Enter", "Tab") and not event.shiftKey:
            self._put(self._offered[self._at], " ")
        elif event.key == "Escape":
            self._close()
        else:
            return
        event.preventDefault()
        event.stopImmediatePropagation()

    def _clicked(self, event: Any) -> None:
        row = event.target.closest("li")
        if row:
            at = next(at for at, each in enumerate(self._list.children) if each.isSameNode(row))
            self._put(self._offered[at], " ")

    def _put(self, emoji: Emoji, then: str) -> None:
        """Put an emoji in the place of what was typed of its name."""
        typed, draft = self._typed, self._draft
        self._close()
        before = self._before()
        if typed is None or len(before) < typed.start:
            return
        end = draft.selectionStart
        start = end - (len(before) - typed.start)  # a name is of ASCII: as many code units as code points
        draft.setRangeText(emoji.toned(self._tone()) + then, start, end, "end")
        draft.dispatchEvent(js.InputEvent.new("input"))

    def _close(self) -> None:
        self._typed, self._offered = None, []
        show(self._list, False)
        self._mark()
