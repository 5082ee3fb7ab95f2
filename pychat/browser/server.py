"""What the server of the page says about itself, and when it can be reached."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException
from pyodide.http import pyfetch

from pychat.browser.dom import Scope

_PATIENCE = 5.0
"""Seconds after which a server that does not answer cannot be reached."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds between tries; each pause is twice the one before, and up to half of it more by chance."""
_TRY_AGAIN = (408, 425, 429)
"""What a server answers that is there, but not now; as are all from 500 on (RFC 9110, section 15)."""


class ServerAway(Exception):
    """The server cannot be reached."""


async def load_config() -> Any:
    """What the server says about itself in config.json; None from a host that has no such file.

    Raises:
        ServerAway: it cannot be reached.
    """
    try:
        async with asyncio.timeout(_PATIENCE):
            response = await pyfetch("./config.json", cache="no-cache")
            if response.status in _TRY_AGAIN or response.status >= 500:
                raise ServerAway
            return await response.json() if response.ok else None
    except ValueError:  # some other file in its place
        return None
    except (OSError, JsException) as error:
        raise ServerAway from error


async def keep_asking(answered: Callable[[Any], None]) -> None:
    """Ask until the server answers, at once when there is a network again; then call `answered` with its config."""
    is_online = asyncio.Event()
    scope = Scope(js.window)
    scope.on(js.window, "online", lambda _: is_online.set())
    pause = _FIRST_PAUSE
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause * random.uniform(1, 1.5)):
                await is_online.wait()
        is_online.clear()
        try:
            config = await load_config()
        except ServerAway:
            pause = min(2 * pause, _LONGEST_PAUSE)
            continue
        scope.close()
        answered(config)
        return
