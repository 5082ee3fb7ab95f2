"""The browser's Back: each screen is an entry of the history, so that Back closes a dialog, or leads from a
conversation to the first screen, and leaves the page only from there.

Theory of operation. The depth of a screen is 0 for the first one, 1 for a conversation, and one more for each dialog
that is open. Each entry that is made here has its depth in its state, and a mark of this visit, for entries of a visit
before a reload may lie below. When the page has gone deeper, entries are pushed. When it has come up by itself (a
dialog was closed) the history follows with `go`, which takes a while: until it is through nothing else is done, and
then what is on the screen by now is compared once more. Nothing but these two stands in the state and nothing in the
address; what others keep in the state goes along.
"""

from collections.abc import Callable
from typing import Any

import js

from pychat.browser.dom import Scope


class Screens:
    """Keeps the history and what is on the screen together.

    Args:
        depth: tells how deep the page is.
        go_up: called when the person has gone back; brings the page up by one.
        go_down: called when the person has gone forward; brings the page down by one if it can.
        link_opened: called when the history has come to an entry that is none of this visit, which may be that of a
            link; it takes the link's code before the state goes along to another entry.
    """

    def __init__(
        self,
        scope: Scope,
        depth: Callable[[], int],
        go_up: Callable[[], None],
        go_down: Callable[[], None],
        link_opened: Callable[[], None],
    ) -> None:
        self._depth = depth
        self._go_up = go_up
        self._go_down = go_down
        self._link_opened = link_opened
        self._visit = str(js.performance.timeOrigin)
        self._at = 0  # the depth of the entry that the history is at
        self._is_going = False
        self._mark()
        scope.on(js.window, "popstate", lambda _: self._moved())

    def follow(self) -> None:
        """Bring the history to where the page is."""
        if self._is_going:
            return
        depth = self._depth()
        while self._at < depth:
            self._at += 1
            state = self._state()
            state.code = ""  # that of a link stays where it was opened
            js.history.pushState(state, "")
        if self._at > depth:
            self._is_going = True
            js.history.go(depth - self._at)

    def _moved(self) -> None:
        """The history is at another entry: because of us, or of the person."""
        state = js.history.state
        is_ours = getattr(state, "visit", None) == self._visit
        self._at = int(state.depth) if is_ours else 0
        was_going, self._is_going = self._is_going, False
        if not is_ours:  # a link was opened in this tab, or it is an entry of a former visit
            self._mark()
            self._link_opened()
        elif not was_going:
            self._bring_page()
        self.follow()

    def _bring_page(self) -> None:
        for _ in range(self._depth() - self._at):
            self._go_up()
        if self._at > self._depth():
            self._go_down()

    def _mark(self) -> None:
        js.history.replaceState(self._state(), "")

    def _state(self) -> Any:
        state = js.Object.assign(js.Object.new(), js.history.state)
        state.visit, state.depth = self._visit, self._at
        return state
