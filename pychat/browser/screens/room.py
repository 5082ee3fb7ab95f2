"""The room of a conversation: its link, who may come in, and another link."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException

from pychat.browser.dom import Scope, set_text, show
from pychat.browser.screens import qr
from pychat.core import events
from pychat.core.ids import ChatId
from pychat.ports import Post
from pychat.ui import strings
from pychat.ui.view import Card, View


def room_link(code: str) -> str:
    """The link that leads into a room."""
    return f"{js.location.origin}{js.location.pathname}#{code}"


class RoomDialog:
    """The parts “room-…” of a scope: the link with its QR code, and what can be done with the room.

    The link stands on the card while one waits. The dialog has it too, and what is to be managed.
    """

    def __init__(self, scope: Scope, post: Post, selected: Callable[[], ChatId | None]) -> None:
        self._part = part = scope.part
        self._post = post
        self._selected = selected
        self._code = ""
        self._shown = Card.NONE
        self._task: asyncio.Future[None] | None = None  # kept, or it might be collected while it runs
        for name, sentence in (
            ("lock-note", strings.LOCK_NOTE),
            ("renew-note", strings.RENEW_NOTE),
            ("room-server-note", strings.RELAY_NOTE),
        ):
            set_text(part(name), sentence)
        scope.on(part("room-open"), "click", lambda _: self._open())
        scope.on(part("room"), "close", lambda _: self._closed())
        scope.on(part("room-copy"), "click", self._copy)
        scope.on(part("room-text"), "focus", lambda _: part("room-text").select())
        scope.on(part("room-lock"), "change", self._lock)
        scope.on(part("room-renew"), "click", self._renew)
        if hasattr(js.navigator, "share"):
            show(part("room-share"), True)
            scope.on(part("room-share"), "click", self._share)

    def render(self, view: View) -> None:
        """Show the room of the view."""
        part, room = self._part, view.room
        inside = room is not None and not room.left
        self._shown = view.card
        show(part("room-open"), inside)
        home = part("room-card" if view.card is Card.ROOM and not part("room").open else "room-away")
        if not home.contains(part("room-parts")):
            home.append(part("room-parts"))
        if room is None:
            return
        part("room-lock").checked = room.locked
        set_text(part("room-note"), strings.ROOM_NOTE_LOCKED if room.locked else strings.ROOM_NOTE)
        if not room.code:  # it is being drawn
            part("room-text").value = ""
        elif room.code != self._code:
            self._say_nothing()  # that it is copied was said of another one
            if self._code and inside and part("room").open:
                set_text(part("renew-said"), strings.RENEWED)
            self._code = room.code
            part("room-text").value = room_link(room.code)
            qr.draw(part("room-qr"), room_link(room.code))

    def _open(self) -> None:
        self._say_nothing()
        self._part("room-away").append(self._part("room-parts"))
        self._part("room").showModal()

    def _closed(self) -> None:
        self._say_nothing()  # that the link is another one was news only there
        if self._shown is Card.ROOM:
            self._part("room-card").append(self._part("room-parts"))

    def _say_nothing(self) -> None:
        for name in ("room-said", "renew-said"):
            set_text(self._part(name), "")

    def _lock(self, _: Any) -> None:
        conversation = self._selected()
        if conversation is not None:
            self._post(events.SetRoomLock(conversation, bool(self._part("room-lock").checked)))

    def _renew(self, _: Any) -> None:
        conversation = self._selected()
        if conversation is not None:
            self._post(events.RotateRoomSecret(conversation))

    def _copy(self, _: Any) -> None:
        self._say_nothing()  # said again each time, also to those who listen
        self._task = asyncio.ensure_future(self._try_to_copy())

    async def _try_to_copy(self) -> None:
        try:
            await js.navigator.clipboard.writeText(room_link(self._code))
        except (AttributeError, JsException):  # the person, or the browser for them, refuses
            self._part("room-text").focus()
            self._part("room-text").select()
            set_text(self._part("room-said"), strings.COPY_BY_HAND)
        else:
            set_text(self._part("room-said"), strings.COPIED)

    def _share(self, _: Any) -> None:
        data = js.Object.fromEntries([["url", room_link(self._code)]])
        self._task = asyncio.ensure_future(_quietly(js.navigator.share(data)))


async def _quietly(sharing: Any) -> None:
    with suppress(JsException):  # people may change their mind
        await sharing
