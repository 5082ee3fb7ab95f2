"""Calls the person who is not looking, as `ui.calling` says: notifications, a sound, and how much is unread in the
title, the icon and the badge. Asks whether notifications are wanted, once, and never by itself.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import js

from pychat.browser.dom import Scope, set_text, show
from pychat.browser.ports.notifications import BrowserNotifications, play_sound, set_badge
from pychat.core.ids import ChatId
from pychat.ports import PortError, Store
from pychat.ui import strings
from pychat.ui.calling import Calling, Permission, may_offer, title
from pychat.ui.settings import Notify, Settings
from pychat.ui.view import PersonView

_ASKED = "asked-to-notify"
"""The key under which it is kept that the person was asked."""


class Caller:
    """The parts “notify-offer” and “notify-allow” of a scope, and what lies outside the page.

    Args:
        choose: called with the conversation that the person wants to see.
        settings: those that hold by now.
        keep_for: as in `Calling.look`.
    """

    def __init__(
        self,
        scope: Scope,
        store: Store,
        choose: Callable[[ChatId], None],
        settings: Callable[[], Settings],
        keep_for: Callable[[ChatId], int],
    ) -> None:
        self._part = part = scope.part
        self._store = store
        self._choose = choose
        self._settings = settings
        self._keep_for = keep_for
        self._calling = Calling()
        self._notifications = BrowserNotifications(self._opened)
        self._people: tuple[PersonView, ...] | None = None  # until it is known who there is
        self._seen: Mapping[ChatId, int] = {}
        self._total = 0
        self._offers = False
        self._was_asked = store.load(_ASKED) is not None
        self._task: asyncio.Future[None] | None = None  # kept, or it might be collected while it runs
        self._badge: asyncio.Future[None] | None = None  # likewise
        self._icon = js.document.querySelector('link[rel="icon"]')
        self._icons = self._icon.getAttribute("href"), self._icon.getAttribute("data-unread")
        self._ask_browser()
        set_text(part("notify-offer-text"), strings.NOTIFY_OFFER)
        scope.on(part("notify-yes"), "click", lambda _: self._ask())
        scope.on(part("notify-no"), "click", lambda _: self._end_offer())
        scope.on(part("settings-open"), "click", lambda _: self._tell_permission())
        scope.on(part("notify-allow"), "click", lambda _: self._ask())
        for target, event in ((js.window, "focus"), (js.window, "blur"), (js.document, "visibilitychange")):
            scope.on(target, event, lambda _: self._look_or_away())
        scope.on(js.window, "pagehide", lambda _: self._close_all())

    def render(self, people: tuple[PersonView, ...], seen: Mapping[ChatId, int]) -> None:
        """Call for what has come, and say how much is unread.

        Args:
            seen: how many messages of each chat have been on the screen.
        """
        self._people, self._seen = people, seen
        self._look(people)

    def _ask_browser(self) -> None:
        """How things stand; asked when they may have changed, for each answer takes longer than the rest of a look."""
        self._is_watched = js.document.visibilityState == "visible" and bool(js.document.hasFocus())
        self._permission = self._notifications.permission

    def _look_or_away(self) -> None:
        self._ask_browser()
        self._look_again()

    def _look_again(self) -> None:
        if self._people is not None:
            self._look(self._people)

    def _look(self, people: tuple[PersonView, ...]) -> None:
        settings = self._settings()
        notify, permission = Notify(settings.notify), self._permission
        calls = self._calling.look(
            people,
            self._seen,
            is_watched=self._is_watched,
            notify=notify if permission is Permission.GRANTED else Notify.OFF,
            sound=settings.sound,
            keep_for=self._keep_for,
            now=time.time(),
        )
        for tag in calls.close:
            self._notifications.close(tag)
        for notice in calls.show:
            self._notifications.show(notice)
        if calls.sounds:
            play_sound()
        if calls.total != self._total:
            self._total = calls.total
            self._count(calls.total)
        offers = may_offer(people, permission, notify, was_asked=self._was_asked)
        if offers != self._offers:
            self._offers = offers
            show(self._part("notify-offer"), offers)

    def _count(self, total: int) -> None:
        js.document.title = title(total)
        self._icon.setAttribute("href", self._icons[bool(total)])
        self._badge = asyncio.ensure_future(set_badge(total))

    def _opened(self, tag: str) -> None:
        chat = self._calling.chat_of(tag)
        if chat is not None:
            self._choose(chat)

    def _close_all(self) -> None:
        for tag in self._calling.forget():
            self._notifications.close(tag)

    def _ask(self) -> None:
        async def ask() -> None:
            self._permission = await self._notifications.ask()
            self._tell_permission()
            self._end_offer()

        self._task = asyncio.ensure_future(ask())

    def _tell_permission(self) -> None:
        self._ask_browser()
        set_text(self._part("notify-note"), strings.NOTIFY_NOTE[self._permission.value])
        show(self._part("notify-allow"), self._permission is Permission.DEFAULT)

    def _end_offer(self) -> None:
        self._was_asked = True
        with suppress(PortError):
            self._store.save(_ASKED, "yes")
        self._look_again()
