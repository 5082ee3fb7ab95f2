"""The settings dialog."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pychat.browser.dom import Scope, set_text, show
from pychat.browser.screens.keeping import choices, fill
from pychat.core.identity.contacts import clean_name
from pychat.core.webrtc.ice import IceServer
from pychat.ports import PortError, Store
from pychat.ui import strings
from pychat.ui.settings import KEY, Settings, SettingsProblem, usable_ice


class SettingsDialog:
    """Opens with what is set, checks what is typed, keeps it, and hands on what holds from then on.

    Args:
        changed: called with the settings that hold from now on.
    """

    def __init__(
        self,
        scope: Scope,
        store: Store,
        settings: Settings,
        suggested: Sequence[IceServer],
        changed: Callable[[Settings], None],
    ) -> None:
        self._store = store
        self._settings = settings
        self._suggested = suggested
        self._changed = changed
        self._dialog = scope.part("settings")
        self._name = scope.part("settings-name")
        self._use_suggested = scope.part("suggested")
        self._own = scope.part("own-servers")
        self._relay_only = scope.part("relay-only")
        self._problem = scope.part("settings-problem")
        self._suggested_list = scope.part("suggested-list")
        self._keep_for = scope.part("keep-all")
        self._caution = scope.part("keep-all-caution")
        self._wait_for = scope.part("wait-for")
        self._typing = scope.part("share-typing")
        self._away = scope.part("share-away")
        self._read = scope.part("share-read")
        self._notify = scope.part("notify")
        self._sound = scope.part("sound")
        fill(self._wait_for, strings.WAIT_FOR.items())
        fill(self._notify, strings.NOTIFY.items())
        set_text(scope.part("keep-all-note"), strings.KEEP_NOTE)
        set_text(scope.part("wait-note"), strings.WAIT_NOTE)
        set_text(scope.part("name-note"), strings.NAME_NOTE)
        set_text(scope.part("share-note"), strings.SHARING_NOTE)
        self._note = scope.part("stun-note")
        self._tell_who_learns()
        scope.on(scope.part("settings-open"), "click", lambda _: self._open())
        scope.on(scope.part("settings-cancel"), "click", lambda _: self._dialog.close())
        scope.on(scope.part("settings-form"), "submit", self._save)
        scope.on(self._keep_for, "change", lambda _: self._show_caution())

    def suggest(self, suggested: Sequence[IceServer]) -> None:
        """Take over what the server of the page suggests, which could not be reached before."""
        self._suggested = suggested
        self.adopt(self._settings)

    def rename(self, name: str) -> None:
        """Keep another name; the other settings stay."""
        self._keep(replace(self._settings, name=name))

    def choose_tone(self, tone: int) -> None:
        """Keep another skin tone; the other settings stay."""
        self._keep(replace(self._settings, tone=tone))

    def adopt(self, settings: Settings) -> None:
        """Take over the settings that another tab has kept."""
        self._settings = settings
        self._tell_who_learns()
        self._changed(settings)

    def _open(self) -> None:
        self._name.value = self._settings.name
        self._use_suggested.checked = self._settings.suggested
        self._own.value = self._settings.own
        self._relay_only.checked = self._settings.relay_only
        fill(self._keep_for, choices(self._settings.keep_for))
        self._keep_for.value = str(self._settings.keep_for)
        self._wait_for.value = self._settings.wait_for
        self._typing.checked = self._settings.typing
        self._away.checked = self._settings.away
        self._read.checked = self._settings.read
        self._notify.value = self._settings.notify
        self._sound.checked = self._settings.sound
        self._show_caution()
        self._complain("")
        self._dialog.showModal()
        self._dialog.scrollTop = 0

    def _save(self, event: Any) -> None:
        event.preventDefault()
        settings = replace(
            self._settings,
            suggested=bool(self._use_suggested.checked),
            own=str(self._own.value),
            relay_only=bool(self._relay_only.checked),
            name=clean_name(str(self._name.value)),
            keep_for=int(self._keep_for.value),
            wait_for=str(self._wait_for.value),
            typing=bool(self._typing.checked),
            away=bool(self._away.checked),
            read=bool(self._read.checked),
            notify=str(self._notify.value),
            sound=bool(self._sound.checked),
        )
        try:
            usable_ice(settings, self._suggested)
        except SettingsProblem as problem:
            self._complain(str(problem))
            return
        if self._keep(settings):
            self._dialog.close()
        else:
            self._complain(strings.STORE_FAILED)

    def _keep(self, settings: Settings) -> bool:
        self.adopt(settings)
        try:
            self._store.save(KEY, settings.dumps())
        except PortError:
            return False
        return True

    def _tell_who_learns(self) -> None:
        names = ", ".join(server.url for server in self._suggested) or "none"
        set_text(self._suggested_list, f"Now: {names}. ")
        asked = self._suggested if self._settings.suggested else ()
        set_text(self._note, strings.stun_note(asked) if asked else "")
        show(self._note, bool(asked))

    def _show_caution(self) -> None:
        """Say what goes at once by what is chosen."""
        caution = strings.keep_caution(self._settings.keep_for, int(self._keep_for.value))
        set_text(self._caution, caution)
        show(self._caution, bool(caution))

    def _complain(self, sentence: str) -> None:
        set_text(self._problem, sentence)
        show(self._problem, bool(sentence))
