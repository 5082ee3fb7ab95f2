"""The choice of an emoji: by group, by words, in a skin tone."""

import asyncio
from collections.abc import Callable
from typing import Any

import js

from pychat.browser.dom import Scope, from_template, set_text, show
from pychat.browser.emoji_table import emoji_loader
from pychat.browser.screens.keeping import fill
from pychat.browser.screens.popovers import place, walk
from pychat.ports import PortError
from pychat.ui import strings
from pychat.ui.emoji import Emoji, EmojiTable

_RECENT = 32
"""Emoji that were chosen last, and are offered first. They are part of what is said: nobody keeps them."""
_RECENT_SIGN = "🕘"


class EmojiPicker:
    """The parts “emoji…” of a scope.

    Args:
        tone: the skin tone that the person has chosen, 0 to 5.
        choose_tone: called with another one.
    """

    def __init__(self, scope: Scope, tone: Callable[[], int], choose_tone: Callable[[int], None]) -> None:
        part = scope.part
        self._tone = tone
        self._picker = part("emoji")
        self._search = part("emoji-search")
        self._tones = part("emoji-tone")
        self._tabs = part("emoji-groups")
        self._note = part("emoji-note")
        self._grid = part("emoji-grid")
        self._chosen: Callable[[str], None] = lambda _: None
        self._closed: Callable[[], None] | None = None
        self._shown: list[Emoji] = []
        self._recent: list[Emoji] = []
        self._group = 0  # which tab is chosen
        self._loading: asyncio.Future[None] | None = None
        fill(self._tones, ((str(number), name) for number, name in enumerate(strings.SKIN_TONES)))
        scope.on(self._search, "input", lambda _: self._show())
        scope.on(self._search, "keydown", self._search_key)
        scope.on(self._tones, "change", lambda _: self._choose_tone(choose_tone))
        scope.on(self._tabs, "click", self._tab_clicked)
        scope.on(self._tabs, "keydown", self._tab_key)
        scope.on(self._grid, "click", self._clicked)
        scope.on(self._grid, "keydown", self._grid_key)
        scope.on(self._picker, "toggle", self._toggled)

    def open(
        self, event: Any, opener: Any, chosen: Callable[[str], None], closed: Callable[[], None] | None = None
    ) -> None:
        """Open at what was pressed.

        Args:
            event: how it was pressed. After a finger a keyboard would come up for the search, and cover the rest.
            opener: what was pressed.
            chosen: called with an emoji.
            closed: called when the person closes it. Without it the first emoji that is chosen does.
        """
        self._chosen, self._closed = chosen, closed
        self._search.value = ""
        self._tones.value = str(self._tone())
        self._group = 0
        self._show()
        place(self._picker, opener, ends_there=True)
        if getattr(event, "pointerType", "") != "touch":
            self._search.focus()
        if emoji_loader.table is None:
            self._loading = asyncio.ensure_future(self._load(opener))

    async def _load(self, opener: Any) -> None:
        set_text(self._note, strings.EMOJI_LOADING)
        try:
            await emoji_loader.load()
        except PortError:
            set_text(self._note, strings.EMOJI_NOT_LOADED)
            return
        self._show()
        if self._picker.matches(":popover-open"):
            place(self._picker, opener, ends_there=True)

    def _groups(self, table: EmojiTable) -> list[tuple[str, str, list[Emoji]]]:
        """What each tab shows, its name, and its emoji."""
        groups = [(group.emoji[0].text, group.name, list(group.emoji)) for group in table.groups]
        return [(_RECENT_SIGN, strings.EMOJI_RECENT, self._recent), *groups] if self._recent else groups

    def _show(self) -> None:
        table, query = emoji_loader.table, str(self._search.value).strip()
        show(self._tabs, table is not None and not query)
        if table is None:
            return
        groups = self._groups(table)
        if query:
            emoji = table.search(query)
            set_text(self._note, strings.emoji_found(len(emoji)))
        else:
            self._show_tabs(groups)
            emoji = groups[self._group][2]
            set_text(self._note, groups[self._group][1])
        self._shown, tone = list(emoji), self._tone()
        buttons = []
        for number, each in enumerate(self._shown):
            button = from_template("emoji-choice")
            button.textContent = each.toned(tone)
            button.value = str(number)
            button.title = each.label
            button.setAttribute("aria-label", each.label)
            buttons.append(button)
        if buttons:
            buttons[0].tabIndex = 0
        self._grid.replaceChildren(*buttons)
        self._grid.scrollTop = 0

    def _show_tabs(self, groups: list[tuple[str, str, list[Emoji]]]) -> None:
        tabs = []
        for number, (sign, name, _) in enumerate(groups):
            tab = from_template("emoji-tab")
            tab.textContent = sign
            tab.value = str(number)
            tab.title = name
            tab.setAttribute("aria-label", name)
            tab.setAttribute("aria-selected", "true" if number == self._group else "false")
            tab.tabIndex = 0 if number == self._group else -1
            tabs.append(tab)
        self._tabs.replaceChildren(*tabs)

    def _choose_tone(self, choose_tone: Callable[[int], None]) -> None:
        choose_tone(int(self._tones.value))
        self._show()

    def _tab_clicked(self, event: Any) -> None:
        tab = event.target.closest("button")
        if tab:
            self._group = int(tab.value)
            self._show()
            self._tabs.children[self._group].focus()

    def _tab_key(self, event: Any) -> None:
        if event.key == "ArrowDown":
            event.preventDefault()
            self._focus_first()
        elif walk(event, list(self._tabs.children)):
            self._group = int(js.document.activeElement.value)
            self._show()
            self._tabs.children[self._group].focus()

    def _search_key(self, event: Any) -> None:
        if event.key == "ArrowDown":
            event.preventDefault()
            self._focus_first()
        elif event.key == "Enter" and not event.isComposing:
            event.preventDefault()
            if self._shown and self._search.value.strip():
                self._choose(self._shown[0])
        elif event.key == "Escape" and self._search.value:
            event.preventDefault()
            event.stopPropagation()
            self._search.value = ""
            self._show()

    def _focus_first(self) -> None:
        if self._shown:
            self._grid.children[0].focus()

    def _grid_key(self, event: Any) -> None:
        buttons = list(self._grid.children)
        if event.key == "ArrowUp" and js.document.activeElement.offsetTop == buttons[0].offsetTop:
            event.preventDefault()
            self._search.focus()
            return
        columns = sum(button.offsetTop == buttons[0].offsetTop for button in buttons[:40])
        walk(event, buttons, max(columns, 2))

    def _clicked(self, event: Any) -> None:
        button = event.target.closest("button")
        if button:
            self._choose(self._shown[int(button.value)])

    def _choose(self, emoji: Emoji) -> None:
        table, is_first = emoji_loader.table, not self._recent
        self._recent = [emoji, *(each for each in self._recent if each != emoji)][:_RECENT]
        if self._closed is None:
            self._picker.hidePopover()
        elif is_first and table is not None:  # from now on there is one group more, before the others
            self._group += 1
            self._show_tabs(self._groups(table))
        self._chosen(emoji.toned(self._tone()))

    def _toggled(self, event: Any) -> None:
        if event.newState == "closed" and self._closed is not None:
            closed, self._closed = self._closed, None
            closed()
