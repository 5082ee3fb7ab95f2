"""Offers the version that waits, when the service worker has got a new one; it never takes over by itself."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException

from pychat.browser.dom import Scope, set_text, show
from pychat.browser.ports.notifications import service_workers
from pychat.ui import strings

_LOOK_EVERY = 3600.0
"""Seconds between looks for a new version; a browser by itself only looks when a page is opened."""


class Updates:
    """The part “update” of a scope.

    Args:
        closed: called when the person wants none of it now.
    """

    def __init__(self, scope: Scope, closed: Callable[[], None]) -> None:
        self._scope = scope
        self._closed = closed
        self._container = service_workers()
        self._waiting: Any = None
        scope.on(scope.part("update-now"), "click", lambda _: self._take())
        scope.on(scope.part("update-later"), "click", lambda _: self._put_off())
        if self._container:
            self._task = asyncio.get_running_loop().create_task(self._follow(self._container))

    async def _follow(self, container: Any) -> None:
        try:
            registration = await container.ready  # where no service worker can be had, that is never
        except JsException:  # or the browser says so
            return
        self._offer(registration)
        self._scope.on(registration, "updatefound", lambda _: self._found(registration))
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            with contextlib.suppress(JsException):  # there is no network, or no server any more
                await registration.update()

    def _found(self, registration: Any) -> None:
        installing = registration.installing
        if installing:
            self._scope.on(installing, "statechange", lambda _: self._offer(registration))

    def _offer(self, registration: Any) -> None:
        if not registration.waiting or registration.waiting == self._waiting:
            return
        self._waiting = registration.waiting
        set_text(self._scope.part("update-text"), strings.UPDATE)
        show(self._scope.part("update"), True)

    def _put_off(self) -> None:
        show(self._scope.part("update"), False)
        self._closed()

    def _take(self) -> None:
        if self._waiting.state != "installed":  # another tab has taken it
            js.location.reload()
            return
        self._scope.part("update-now").disabled = True
        self._scope.on(self._container, "controllerchange", lambda _: js.location.reload())
        self._waiting.postMessage("take over")
