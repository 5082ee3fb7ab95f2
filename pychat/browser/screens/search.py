"""The search over all conversations: what is typed, and what was found."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from pychat.browser.dom import Scope, from_template, set_text, show
from pychat.core import events
from pychat.ports import Post
from pychat.ui import strings, times
from pychat.ui.app import App
from pychat.ui.search import Hit, SearchView


class SearchBox:
    """The parts “search…” and “found” of a scope.

    Args:
        choose: called with the message that the person wants to see.
    """

    def __init__(self, scope: Scope, app: App, post: Post, choose: Callable[[Hit], None]) -> None:
        self._app = app
        self._post = post
        self._choose = choose
        self._box = scope.part("search")
        self._note = scope.part("search-note")
        self._found = scope.part("found")
        self._people = scope.part("people")
        self._shown: SearchView | None = None
        self._lines: list[Scope] = []
        scope.on(self._box, "input", lambda _: self._search())
        scope.on(self._box, "keydown", self._key)

    def render(self) -> None:
        """Show what was found by now."""
        found = self._app.search
        if found == self._shown:
            return
        self._shown = found
        is_searching = bool(found.query)
        for part, visible in (
            (self._people, not is_searching),
            (self._found, is_searching),
            (self._note, is_searching),
        ):
            show(part, visible)
        set_text(self._note, found.note)
        for line in self._lines:
            line.close()
        self._lines.clear()
        self._found.replaceChildren(*(self._line(hit) for hit in found.hits))

    def _search(self) -> None:
        self._post(events.Search(str(self._box.value)))

    def _key(self, event: Any) -> None:
        if event.key == "Escape" and self._box.value:
            event.preventDefault()
            self._box.value = ""
            self._search()

    def _line(self, hit: Hit) -> Any:
        item = from_template("hit")
        item.querySelector(".name").textContent = hit.name
        item.querySelector(".when").textContent = times.short(hit.at, date.today())
        item.querySelector(".who").textContent = f"{strings.ME}: " if hit.is_own else ""
        for name in ("before", "match", "after"):
            item.querySelector(f".{name}").textContent = getattr(hit.excerpt, name)
        scope = Scope(item)
        scope.on(item.firstElementChild, "click", partial(self._chosen, hit))
        self._lines.append(scope)
        return item

    def _chosen(self, hit: Hit, _: Any) -> None:
        self._choose(hit)
