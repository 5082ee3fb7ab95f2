"""What a tab comes back to when it is reloaded: in the state of its history entry, where no secret lies open.

A browser writes that state to disk, as it does the address. So early.js takes the code of a link out of the address,
and the codes of the rooms one is in are sealed here, with a key that no page can read.
"""

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import Any

import js

from pychat.browser.ports.crypto import BrowserCrypto
from pychat.ports import PortError

_CODE, _ROOMS = "code", "rooms"  # as early.js has them
_CANNOT = b"cannot be kept"  # too short for anything that is sealed


def opened_code() -> str:
    """The code of the link by which the page was opened, or ""; `KeptRooms.write` takes it away."""
    return _read(_CODE)


@dataclass(frozen=True, slots=True)
class Rooms:
    """The codes of the rooms that a tab is in, and of the one that the person has been asked about, or ""."""

    inside: tuple[str, ...] = ()
    asked: str = ""


class KeptRooms:
    """The rooms of this tab.

    Where no key can be kept they are forgotten at a reload; what is kept then is that there were any.
    """

    def __init__(self, crypto: BrowserCrypto) -> None:
        self._crypto = crypto
        self._rooms = self._sealed_rooms = Rooms()
        self._sealed = ""
        self._task: asyncio.Future[None] | None = None  # kept, or it might be collected while it runs

    async def read(self) -> Rooms | None:
        """Those that were kept before the reload; None when there were some, and they cannot be read any more."""
        sealed = _read(_ROOMS)
        if not sealed:
            return Rooms()
        try:
            inside, asked = json.loads(await self._crypto.unseal_kept(base64.b64decode(sealed)))
            self._rooms = self._sealed_rooms = Rooms(tuple(map(str, inside)), str(asked))
            self._sealed = sealed
            return self._rooms
        except (PortError, ValueError, TypeError):  # they could not be kept, or somebody has started afresh since
            _write(_ROOMS, "")  # that is said once
            return None

    def keep(self, rooms: Rooms) -> None:
        """Keep these and no others."""
        if rooms != self._rooms:
            self._rooms = rooms
            self._task = asyncio.ensure_future(self._seal(rooms))

    def write(self) -> None:
        """Put them into the history entry that is shown now, in place of the code that has led to them.

        While they are being sealed, those from before are there, and the code: whenever a reload comes, it finds all.
        """
        if _read(_ROOMS) != self._sealed:
            _write(_ROOMS, self._sealed)
        if _read(_CODE) and self._sealed_rooms == self._rooms:
            _write(_CODE, "")

    async def _seal(self, rooms: Rooms) -> None:
        try:
            data = json.dumps([rooms.inside, rooms.asked]).encode()
            sealed = await self._crypto.seal_kept(data) if rooms != Rooms() else b""
        except PortError:
            sealed = _CANNOT
        if rooms == self._rooms:  # and nothing has come after it
            self._sealed_rooms, self._sealed = rooms, base64.b64encode(sealed).decode()
            self.write()


def _read(name: str) -> str:
    value = getattr(js.history.state, name, None)
    return value if isinstance(value, str) else ""


def _write(name: str, value: str) -> None:
    state: Any = js.Object.assign(js.Object.new(), js.history.state)
    setattr(state, name, value)
    js.history.replaceState(state, "")
