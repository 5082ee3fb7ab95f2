"""The browser's databases: the Indexed Database API (W3C), in which a request or a transaction says with an event how
it has ended.

A transaction ends by itself as soon as nothing is asked of it any more, so whatever is done in one is done at once or
in its events: who awaits anything finds it gone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from pychat.ports import PortError

PATIENCE = 10.0
"""Seconds after which a database that does not answer counts as none."""

_WORDS = {
    "AbortError": "the browser has given it up",
    "QuotaExceededError": "there is no room left on this device",
    "VersionError": "what is kept here was written by a newer pychat",
}
"""By the name of the error (W3C IndexedDB, section 3.12)."""


async def open_database(
    name: str, version: int, make: Callable[[Any], None], opened: Callable[[Any], None] | None = None
) -> Any:
    """Open a database.

    What is opened after whoever waits has given up is closed at once: an open one keeps others from deleting it.

    Args:
        make: called with a database that is new.
        opened: called with the one that was opened, before another tab can ask for anything of it.

    Raises:
        PortError: there is no such thing here, it is of a newer version, or the browser refuses.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[str] = loop.create_future()
    request = _opening(name, version)
    names = ("upgradeneeded", "blocked", "success", "error")

    def take(event: Any) -> None:
        event.preventDefault()  # a failure is the business of whoever waits, and not one of the page
        if event.type == "upgradeneeded":
            make(request.result)
            return
        if event.type != "blocked":  # the last that comes
            loop.call_soon(clear)
        if not arrived.done():
            if event.type == "success" and opened is not None:
                opened(request.result)
            arrived.set_result(event.type)
        elif event.type == "success":
            request.result.close()

    def clear() -> None:
        for each in names:
            request.removeEventListener(each, proxy)
        proxy.destroy()

    proxy = create_proxy(take)
    for each in names:
        request.addEventListener(each, proxy)
    try:
        ended = await arrived
    except asyncio.CancelledError:
        if not arrived.cancelled() and arrived.result() == "success":
            request.result.close()
        raise
    if ended == "blocked":
        raise PortError("another tab still uses what an older pychat has kept here")
    if ended == "error":
        raise PortError(words(request.error))
    return request.result


async def delete_database(name: str) -> None:
    """Delete a database; where there are none there is nothing to delete. Raises PortError when the browser refuses."""
    try:
        databases = getattr(js, "indexedDB", None)
        if databases:
            async with asyncio.timeout(PATIENCE):
                await result(databases.deleteDatabase(name))
    except TimeoutError as error:  # it will be deleted when nobody holds it any more
        raise PortError("the browser does not delete what is kept here, for another tab still uses it") from error
    except (JsException, AttributeError) as error:
        raise PortError(words(error)) from error


async def kept(database: Any, shelf: str, entry: str, make: Callable[[], Awaitable[Any]]) -> Any:
    """What a shelf (an object store) has under this name, made at first."""
    found = await _read(database, shelf, entry)
    if found is None:
        found = await make()
        if not await _add(database, shelf, entry, found):  # another tab was quicker
            found = await _read(database, shelf, entry)
    return found


async def result(request: Any) -> Any:
    """What comes of a request. Raises PortError when that is nothing."""
    if await event(request, "success", "error") == "error":
        raise PortError(words(request.error))
    return request.result


async def completed(transaction: Any) -> None:
    """Wait until all that a transaction does is done. Raises PortError when nothing of it is."""
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    problems: list[Any] = []

    def take(event: Any) -> None:
        if event.type == "error":  # of a request; then the transaction is given up, and may not say why
            problems.append(event.target.error)
        elif not arrived.done():
            arrived.set_result(event.type)

    proxy = create_proxy(take)
    transaction.oncomplete = transaction.onerror = transaction.onabort = proxy
    try:
        ended = await arrived
    finally:
        transaction.oncomplete = transaction.onerror = transaction.onabort = None
        proxy.destroy()
    if ended == "abort":
        raise PortError(words(problems[0] if problems else transaction.error))


async def event(target: Any, *names: str) -> str:
    """Wait for the first of some events; returns its name."""
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def take(event: Any) -> None:
        event.preventDefault()  # a failure is the business of whoever waits, and not one of the page
        if not arrived.done():
            arrived.set_result(event.type)

    proxy = create_proxy(take)
    for name in names:
        target.addEventListener(name, proxy)
    try:
        return await arrived
    finally:
        for name in names:
            target.removeEventListener(name, proxy)
        proxy.destroy()


def words(error: Any) -> str:
    """What a person may read of an error."""
    if not error:  # null: nobody said why
        return "the browser has given it up"
    return _WORDS.get(getattr(error, "name", ""), str(error)[:200])


def options(**fields: str | bytes | int) -> Any:
    """A JavaScript object with no proxy in it."""
    return to_js(fields, dict_converter=js.Object.fromEntries, create_pyproxies=False)


def _opening(name: str, version: int) -> Any:
    try:
        databases = getattr(js, "indexedDB", None)
        if databases:
            return databases.open(name, version)
    except (JsException, AttributeError) as error:
        raise PortError(words(error)) from error
    raise PortError("this browser has no databases")


async def _read(database: Any, shelf: str, entry: str) -> Any:
    return await result(database.transaction(shelf, "readonly").objectStore(shelf).get(entry))


async def _add(database: Any, shelf: str, entry: str, key: Any) -> bool:
    """Keep something; returns whether there was nothing yet."""
    transaction = database.transaction(shelf, "readwrite")
    request = transaction.objectStore(shelf).add(key, entry)
    if await event(transaction, "complete", "error", "abort") == "complete":
        return True
    problem = request.error or transaction.error
    if problem.name == "ConstraintError":
        return False
    raise PortError(words(problem))


async def ask_to_stay() -> None:
    """Ask the browser to delete what is kept here only when the person says so (WHATWG Storage, StorageManager).

    It decides by itself, or asks the person; where it does neither, nothing is lost by having asked.
    """
    with suppress(JsException, AttributeError):
        await js.navigator.storage.persist()
