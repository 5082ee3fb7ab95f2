"""The dialog that says in short what is protected, from whom, and what is not."""

from typing import Any

from pychat.browser.dom import Scope, from_template, set_text
from pychat.ui import strings
from pychat.ui.strings import Threat


class ProtectionDialog:
    """The part “protection” of a scope."""

    def __init__(self, scope: Scope) -> None:
        self._part = scope.part
        scope.on(scope.part("protection-open"), "click", lambda _: self._open())

    def _open(self) -> None:
        self._part("threats").replaceChildren(*map(_section, strings.PROTECTION))
        set_text(self._part("not-promised"), strings.NOT_PROMISED)
        self._part("protection").showModal()
        self._part("protection").scrollTop = 0


def _section(threat: Threat) -> Any:
    section = from_template("threat")
    section.querySelector("h3").textContent = threat.who
    section.querySelector(".cannot span").textContent = threat.cannot
    section.querySelector(".can span").textContent = threat.can
    return section
