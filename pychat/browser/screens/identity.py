"""The person's own side: the name, and how to start afresh."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import js

from pychat.browser.dom import Scope, set_text, show
from pychat.core.identity.contacts import clean_name
from pychat.ports import PortError
from pychat.ui import strings


class NameField:
    """The part “name” of a scope, on the first screen.

    Args:
        chosen: called with another name, as it may be shown.
    """

    def __init__(self, scope: Scope, name: str, chosen: Callable[[str], None]) -> None:
        self._field = scope.part("name")
        self._part = scope.part
        self._name = name
        self._chosen = chosen
        scope.on(self._field, "change", lambda _: self._take())
        scope.on(scope.part("name-form"), "submit", self._submitted)

    def open(self) -> None:
        """Show the name, or take the one that was typed before Python was there."""
        if self._field.value:
            self._take()
        else:
            self.show(self._name)

    def show(self, name: str) -> None:
        """Show the name that holds now."""
        self._name = name
        if self._field.value != name:
            self._field.value = name

    def _submitted(self, event: Any) -> None:
        event.preventDefault()
        self._take()
        next_ones = ("new-room", "new-invite") if self._part("join").hidden else ("room-enter",)
        next(self._part(name) for name in next_ones if not self._part(name).hidden).focus()

    def _take(self) -> None:
        name, before = clean_name(str(self._field.value)), self._name
        self.show(name)
        if name != before:
            self._chosen(name)


class UnreadableNotice:
    """The part “unreadable” of a scope: offers to delete what was said before, where it cannot be read any more.

    Args:
        erase: deletes it; may raise PortError.
    """

    def __init__(self, scope: Scope, erase: Callable[[], Awaitable[None]]) -> None:
        self._erase = erase
        self._text = scope.part("unreadable-text")
        self._task: asyncio.Future[None] | None = None  # kept, or it might be collected while it runs
        set_text(self._text, strings.UNREADABLE)
        scope.on(scope.part("unreadable-delete"), "click", self._confirmed)
        show(scope.part("unreadable"), True)

    def _confirmed(self, _: Any) -> None:
        self._task = asyncio.ensure_future(self._begin_anew())

    async def _begin_anew(self) -> None:
        try:
            await self._erase()
        except PortError as error:
            set_text(self._text, strings.not_deleted(str(error)))
        else:
            js.location.reload()


class ResetDialog:
    """The part “afresh” of a scope: deletes everything, once that is confirmed.

    Args:
        erase: deletes everything that is kept, and restarts; may raise PortError.
    """

    def __init__(self, scope: Scope, erase: Callable[[], Awaitable[None]]) -> None:
        self._erase = erase
        self._dialog = scope.part("afresh")
        self._problem = scope.part("afresh-problem")
        self._task: asyncio.Future[None] | None = None  # kept, or it might be collected while it runs
        set_text(scope.part("afresh-text"), strings.START_AFRESH)
        scope.on(scope.part("afresh-open"), "click", lambda _: self._open())
        scope.on(scope.part("afresh-confirm"), "click", self._confirmed)

    def _open(self) -> None:
        show(self._problem, False)
        self._dialog.showModal()

    def _confirmed(self, _: Any) -> None:
        self._task = asyncio.ensure_future(self._try_to_erase())

    async def _try_to_erase(self) -> None:
        try:
            await self._erase()
        except PortError:
            set_text(self._problem, strings.ERASE_FAILED)
            show(self._problem, True)
