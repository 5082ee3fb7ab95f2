"""Names that only one tab of this browser holds at a time, by the Web Locks API, whose locks end with their tab."""

import asyncio
from typing import Any

import js
from pyodide.ffi import JsException, create_once_callable, to_js


class BrowserLeases:
    """Implements `ports.Leases`. Where the browser has no locks, or gives none to this page, nobody can tell."""

    def __init__(self) -> None:
        self._held: dict[str, Any] = {}  # what ends each of them
        self._requests: set[asyncio.Future[None]] = set()

    async def take(self, name: str) -> bool:
        """Request the Web Lock of that name without waiting for it; True where the browser has none."""
        if name in self._held:
            return True
        try:
            locks = js.navigator.locks
        except (AttributeError, JsException):  # only a secure page has them, and perhaps not every one
            return True
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        request = asyncio.ensure_future(self._request(locks, name, answer))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        return await answer

    def release(self, name: str) -> None:
        """Release the Web Lock, if this tab holds it."""
        end = self._held.pop(name, None)
        if end is not None:
            end()

    async def _request(self, locks: Any, name: str, answer: asyncio.Future[bool]) -> None:
        """Hold the lock until it is given back, if it is to be had."""

        def granted(lock: Any) -> Any:
            answer.set_result(bool(lock))  # null: another tab has it
            return js.Promise.new(create_once_callable(keep)) if lock else None

        def keep(resolve: Any, _: Any) -> None:
            self._held[name] = resolve

        options = to_js({"ifAvailable": True}, dict_converter=js.Object.fromEntries)
        try:
            await locks.request(f"pychat {name}", options, create_once_callable(granted))
        except (JsException, AttributeError):  # there are none here, or this page may have none
            if not answer.done():
                answer.set_result(True)
