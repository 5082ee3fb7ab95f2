"""What calls a person who is not looking: notifications (WHATWG Notifications), a sound (W3C Web Audio), the badge of
an installed page (W3C Badging).

Each is there or not, by browser and by what the person allows; what cannot be done is left undone.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException, create_once_callable

from pychat.browser.dom import Scope
from pychat.browser.ports.database import options
from pychat.ui.calling import Notice, Permission

_PITCHES = ((660.0, 0.0), (880.0, 0.12))
"""Two tones: hertz, and seconds after the beginning."""
_LASTS, _LOUD, _SILENT = 0.25, 0.12, 0.0001
"""Seconds of a tone; how loud it is at its beginning and at its end, of 1."""


class BrowserNotifications:
    """Notifications of this page.

    They are the page's own where it may make some: these end with the page, and Chromium keeps none of them in its
    files. Where only a service worker may (Chrome on Android), sw.js hears of the click.

    Args:
        opened: called with the tag of a notification that the person has clicked.
    """

    def __init__(self, opened: Callable[[str], None]) -> None:
        self._opened = opened
        self._shown: dict[str, tuple[Any, Scope]] = {}
        self._workers = service_workers()
        self._needs_worker = False
        self._jobs: set[asyncio.Task[None]] = set()  # kept, or they might be collected while they run
        if self._workers:
            Scope(js.window).on(self._workers, "message", self._heard)

    @property
    def permission(self) -> Permission:
        """Whether any can be shown."""
        try:
            return Permission(js.Notification.permission)
        except (JsException, AttributeError, ValueError):
            return Permission.NONE

    async def ask(self) -> Permission:
        """Have the browser ask the person, which it does only within a click of theirs."""
        with suppress(JsException, AttributeError):
            await js.Notification.requestPermission()
        return self.permission

    def show(self, notice: Notice) -> None:
        """Show one, in place of the former one with its tag."""
        if notice.tag in self._shown:
            self._shown.pop(notice.tag)[1].close()  # the browser takes it away itself, without another alert
        # The sound is ours, or it would be heard twice, or with none that the person wants.
        looks = options(tag=notice.tag, body=notice.body, icon=_icon(), silent=True)
        if not self._needs_worker:
            try:
                shown = js.Notification.new(notice.title, looks)
            except (JsException, AttributeError):
                self._needs_worker = True
            else:
                scope = Scope(shown)
                scope.on(shown, "click", lambda _: self._clicked(notice.tag))
                self._shown[notice.tag] = shown, scope
                return
        self._do(self._show_by_worker(notice.title, looks))

    def close(self, tag: str) -> None:
        """Take one away, if it is there still."""
        shown, scope = self._shown.pop(tag, (None, None))
        if shown is not None and scope is not None:
            scope.close()
            shown.close()
        elif self._needs_worker:
            self._do(self._close_by_worker(tag))

    def _clicked(self, tag: str) -> None:
        js.window.focus()
        self.close(tag)
        self._opened(tag)

    def _heard(self, event: Any) -> None:
        """The service worker tells of a click."""
        tag = getattr(event.data, "opened", None)
        if isinstance(tag, str):
            self._opened(tag)

    async def _registration(self) -> Any:
        return await self._workers.getRegistration() if self._workers else None

    async def _show_by_worker(self, title: str, looks: Any) -> None:
        registration = await self._registration()
        if registration:
            await registration.showNotification(title, looks)

    async def _close_by_worker(self, tag: str) -> None:
        registration = await self._registration()
        if registration:
            for each in await registration.getNotifications(options(tag=tag)):
                each.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        async def do() -> None:
            with suppress(JsException, AttributeError):  # the permission is gone, or the worker
                await work

        task = asyncio.ensure_future(do())
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)


def service_workers() -> Any:
    """What the browser has of service workers, or None: it may throw as soon as it is asked."""
    try:
        return js.navigator.serviceWorker
    except (JsException, AttributeError):
        return None


def _icon() -> str:
    return str(js.document.querySelector('link[rel="apple-touch-icon"]').href)


def play_sound() -> None:
    """Let two short tones be heard. A browser lets a page make some only once its person has used it."""
    try:
        if not js.navigator.userActivation.hasBeenActive:
            return
        audio = js.AudioContext.new()
        for pitch, begin in _PITCHES:
            at = audio.currentTime + begin
            tone, volume = audio.createOscillator(), audio.createGain()
            tone.frequency.value = pitch
            volume.gain.setValueAtTime(_LOUD, at)
            volume.gain.exponentialRampToValueAtTime(_SILENT, at + _LASTS)
            tone.connect(volume)
            volume.connect(audio.destination)
            tone.start(at)
            tone.stop(at + _LASTS)
        tone.onended = create_once_callable(lambda _: audio.close())
    except (JsException, AttributeError):  # there is no sound here
        pass


async def set_badge(count: int) -> None:
    """Put a number on the icon of the installed page, or take it away."""
    with suppress(JsException, AttributeError):
        await (js.navigator.setAppBadge(count) if count else js.navigator.clearAppBadge())
