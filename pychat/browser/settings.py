"""The settings dialog."""

from collections.abc import Callable, Sequence
from typing import Any

from pychat.browser.dom import Scope, set_text, show
from pychat.core.ice import IceConfig, IceServer
from pychat.ports import PortError, Store
from pychat.ui import words
from pychat.ui.settings import KEY, Settings, SettingsProblem, usable_ice


class SettingsDialog:
    """Opens with what is set, checks what is typed, keeps it, and hands the resulting ICE configuration on.

    Args:
        configured: called with the configuration that holds from now on.
    """

    def __init__(
        self,
        scope: Scope,
        store: Store,
        settings: Settings,
        suggested: Sequence[IceServer],
        configured: Callable[[IceConfig], None],
    ) -> None:
        self._store = store
        self._settings = settings
        self._suggested = suggested
        self._configured = configured
        self._dialog = scope.part("settings")
        self._use_suggested = scope.part("suggested")
        self._own = scope.part("own-servers")
        self._relay_only = scope.part("relay-only")
        self._problem = scope.part("settings-problem")
        names = ", ".join(server.url for server in suggested) or "none are needed here"
        set_text(scope.part("suggested-list"), f"Now: {names}. ")
        self._note = scope.part("stun-note")
        self._tell_who_learns()
        scope.on(scope.part("settings-open"), "click", lambda _: self._open())
        scope.on(scope.part("settings-cancel"), "click", lambda _: self._dialog.close())
        scope.on(scope.part("settings-form"), "submit", self._save)

    def _open(self) -> None:
        self._use_suggested.checked = self._settings.suggested
        self._own.value = self._settings.own
        self._relay_only.checked = self._settings.relay_only
        self._complain("")
        self._dialog.showModal()

    def _save(self, event: Any) -> None:
        event.preventDefault()
        settings = Settings(bool(self._use_suggested.checked), str(self._own.value), bool(self._relay_only.checked))
        try:
            ice = usable_ice(settings, self._suggested)
        except SettingsProblem as problem:
            self._complain(str(problem))
            return
        self._settings = settings
        self._tell_who_learns()
        self._configured(ice)
        try:
            self._store.save(KEY, settings.dumps())
        except PortError:
            self._complain(words.STORE_FAILED)
            return
        self._dialog.close()

    def _tell_who_learns(self) -> None:
        asked = self._suggested if self._settings.suggested else ()
        set_text(self._note, words.stun_note(asked) if asked else "")
        show(self._note, bool(asked))

    def _complain(self, sentence: str) -> None:
        set_text(self._problem, sentence)
        show(self._problem, bool(sentence))
