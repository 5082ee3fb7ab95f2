"""How the connection stands: the line below the name and the phases, and what is said of it to those who listen."""

import asyncio

from pychat.browser.dom import Scope, set_data, set_text
from pychat.ui import strings
from pychat.ui.view import Progress, View

_PASSING = ("signaling", "connecting", "securing")
"""The states in which a connection is being made."""
LASTING = 1.0
"""Seconds that a phase must have lasted to be said: in a good network four of them pass in a fifth of one."""


class StatusLine:
    """The parts “status” and “phases” of a scope, and “status-said”, a live region that has only what lasts.

    That somebody types, or is away, is shown, and not said: it comes and goes.
    The phases stand above the messages while they pass, and then among the details.
    """

    def __init__(self, scope: Scope) -> None:
        self._part = scope.part
        self._said = ""
        self._to_say: asyncio.TimerHandle | None = None

    def render(self, now: View) -> None:
        """Show how it stands."""
        part = self._part
        set_data(part("status"), "state", now.state)
        set_text(part("headline"), strings.presence(now.headline, typing=now.peer_is_typing, away=now.peer_is_away))
        set_text(part("sentence"), now.sentence)
        home = part("phases-here" if now.state in _PASSING else "phases-away")
        if not home.contains(part("phases")):
            home.append(part("phases"))
        for item, (_, progress) in zip(part("phases").children, now.phases, strict=True):
            if item.getAttribute("data-progress") != progress.value:
                item.setAttribute("data-progress", progress.value)
                item.lastElementChild.textContent = strings.PROGRESS[progress.value]
                if progress is Progress.NOW:
                    item.setAttribute("aria-current", "step")
                else:
                    item.removeAttribute("aria-current")
        self._say(f"{now.headline}. {now.sentence}" if now.chat is not None else "")

    def _say(self, sentence: str) -> None:
        if sentence == self._said:
            return
        self._said = sentence
        if self._to_say is not None:
            self._to_say.cancel()
        self._to_say = asyncio.get_running_loop().call_later(
            LASTING, lambda: set_text(self._part("status-said"), self._said)
        )
