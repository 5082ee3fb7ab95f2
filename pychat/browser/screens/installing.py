"""A button that installs the page as an app, where the browser can: Chromium tells by an event, early.js keeps it."""

import js

from pychat.browser.dom import Scope, show


class InstallButton:
    """The part “install” of the settings."""

    def __init__(self, scope: Scope) -> None:
        self._button = scope.part("install")
        scope.on(scope.part("settings-open"), "click", lambda _: self._render())
        scope.on(self._button, "click", lambda _: self._install())

    def _render(self) -> None:
        show(self._button, bool(getattr(js, "installPrompt", None)))

    def _install(self) -> None:
        js.installPrompt.prompt()  # which a browser does once for each event
        js.installPrompt = None
        self._render()
