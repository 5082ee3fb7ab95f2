"""The list of messages: draws what is new and in sight, keeps the scroll where the reader is.

However many messages there are and however long: in the document are at most `KEPT`, the long ones folded, and of many
that come at once only so many are drawn in one task that the page goes on listening.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import js

from pychat.browser.dom import Scope, set_data, set_text, show
from pychat.browser.screens.markup import copy_code
from pychat.browser.screens.message import DrawnMessage, Names
from pychat.browser.screens.message_menu import MessageMenu
from pychat.core.chat.conversation import Delivery
from pychat.core.chat.order import Insertion
from pychat.core.chat.relations import Place
from pychat.ui import strings
from pychat.ui.messages import Messages, MessageView

PAGE = 80
"""Messages drawn at first, and more at each “Show earlier messages”."""
KEPT = 200
"""Messages drawn at most: above that those go that are furthest from the reader."""
SLICE = 8
"""Messages drawn in one task."""
PAUSE = 0.02
"""Seconds between two such tasks, for whatever else is waiting."""
NEAR = 48
"""Pixels from the end that still count as reading the end."""

LOOK_BACK = 200
"""Entries among which the message is looked for that stands above another one: those between are none of their own."""


class MessageList:
    """Shows one conversation at a time in the part “messages” of a scope.

    Drawn are the messages from place `_first` up to `_next` of the chat, whose front may go
    meanwhile; those from `_from` on are wanted.

    Args:
        want_earlier: has earlier messages read from where they are kept.
        lead: leads to a message that is not here, but may be where they are kept.
        menu: what can be done with a message; without it nothing can be.
        tell_at_end: called when the reader leaves the end, or is there again.
    """

    def __init__(
        self,
        scope: Scope,
        want_earlier: Callable[[], None] = lambda: None,
        lead: Callable[[Place], None] = lambda _: None,
        menu: MessageMenu | None = None,
        tell_at_end: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._want_earlier = want_earlier
        self._lead = lead
        self._menu = menu
        self._changes = (0, 0)  # and where the first message was, as far as what is drawn knows
        self._tab_stop: Any = None  # of the buttons that open a menu the one that Tab leads to
        self._log = scope.part("messages")
        self._empty = scope.part("empty")
        self._earlier = scope.part("earlier")
        self._gone = scope.part("older-gone")
        self._newer = scope.part("newer")
        self._came_in = scope.part("came-in")
        self._messages: Messages | None = None
        self._names = Names("", "")
        self._from = self._first = self._next = 0
        self._drawn: list[DrawnMessage] = []
        self._inserted = 0  # as far as what is drawn knows
        self._late: list[DrawnMessage] = []  # those that came in above, and that the reader was not shown yet
        self._offer: tuple[bool, bool, int, bool] | None = None  # what is said above the first one that is drawn
        self._told = (0, 0, 0, 0)  # how many of our own were acknowledged, sent, read when it was last said
        self._tell_at_end = tell_at_end
        self._is_following = True
        self._to_go_on: asyncio.TimerHandle | None = None
        scope.on(self._earlier, "click", lambda _: self._show_earlier())
        scope.on(self._newer, "click", lambda _: self._show_newest())
        scope.on(self._came_in, "click", lambda _: self._show_late())
        scope.on(self._log, "click", self._clicked)
        scope.on(self._log, "keydown", self._key)
        scope.on(self._log, "contextmenu", self._context_menu)
        scope.on(self._log, "copy", self._copied)
        scope.on(self._log, "scroll", lambda _: self._scrolled())
        scope.on_resize(self._log, self._resized)

    def render(self, messages: Messages, names: Names) -> None:
        """Bring what is drawn up to the messages of the shown chat."""
        if self._messages is None or messages.key != self._messages.key:
            self.clear()
            self._inserted, self._changes = messages.inserted, (messages.changes, messages.start)
        self._messages = messages
        if messages.inserted != self._inserted:
            self._take_in(messages)
        if (messages.changes, messages.start) != self._changes:
            self._take_changes(messages)
        if names != self._names:
            self._names = names
            for drawn in self._drawn:
                drawn.put_names(names)
        if self._next < len(messages) > messages.start and messages[-1].is_own:
            self._following = True
        if self._to_go_on is None:
            self._draw()
        self._update_delivery()
        self._put_tab_stop()
        show(self._empty, not messages)

    def show(self, place: int) -> None:
        """Show the message at a place, which is here, in the middle, and mark it."""
        self._stop()
        self._take_off(self._drawn)
        self._drawn = []
        self._following = False
        self._late.clear()
        self._first = self._next = self._from = max(self._start, place - PAGE // 2)
        while self._next <= place:
            self._append(SLICE)
        for drawn in self._drawn:
            set_data(drawn.article, "found", "true" if drawn.place == place else "false")
            if drawn.place == place:
                shown = drawn.article
        while self._next < min(len(self._timeline), place + PAGE // 4):  # so that there is something below it
            self._append(SLICE)
        self._log.scrollTop = shown.offsetTop - self._log.clientHeight / 3
        show(self._newer, self._next < len(self._timeline) or not self._at_end())
        self._draw()

    def clear(self) -> None:
        """Take everything off the screen."""
        self._stop()
        self._take_off(self._drawn)
        self._drawn = []
        self._messages = None
        self._from = self._first = self._next = 0
        self._following = True
        self._late.clear()
        self._offer = self._tab_stop = None
        for part in (self._newer, self._earlier, self._gone, self._came_in):
            show(part, False)

    # Drawing.

    @property
    def _following(self) -> bool:
        """Whether the reader is at the end, and wants to stay there."""
        return self._is_following

    @_following.setter
    def _following(self, following: bool) -> None:
        if following != self._is_following:
            self._is_following = following
            self._tell_at_end(following)

    @property
    def _timeline(self) -> Sequence[MessageView]:
        return self._messages if self._messages is not None else ()

    def _draw(self) -> None:
        """Draw a slice of what is wanted; the rest has its turn in tasks of its own."""
        self._stop()
        has_news = self._next < len(self._timeline)
        if self._following:
            self._follow()
        elif max(self._from, self._start) < self._first:
            self._prepend()
        elif len(self._drawn) < KEPT:
            self._append(min(SLICE, KEPT - len(self._drawn)))
        if self._following or has_news or self._next < len(self._timeline):
            show(self._newer, not self._following)
        self._offer_earlier()
        self._put_tab_stop()
        if self._from < self._first <= self._start and self._messages is not None and self._messages.has_earlier:
            self._want_earlier()
        if self._is_behind:
            self._to_go_on = asyncio.get_running_loop().call_later(PAUSE, self._draw)

    @property
    def _is_behind(self) -> bool:
        has_room = self._following or len(self._drawn) < KEPT
        return max(self._from, self._start) < self._first or (has_room and self._next < len(self._timeline))

    @property
    def _start(self) -> int:
        """The place of the first message that is here."""
        return self._messages.start if self._messages is not None else 0

    def _stop(self) -> None:
        if self._to_go_on is not None:
            self._to_go_on.cancel()
            self._to_go_on = None

    def _follow(self) -> None:
        """Draw what is newest, before what is above it; after a long pause only the last page."""
        end = len(self._timeline)
        if end - self._next > PAGE or (not self._drawn and self._next != end):
            self._take_off(self._drawn)
            self._drawn = []
            self._first = self._next = max(0, end - SLICE)
            self._from = max(0, end - PAGE)
        if self._next < end:
            self._append(SLICE)
        elif max(self._from, self._start) < self._first:
            self._prepend()
        else:
            return
        if len(self._drawn) > KEPT:
            self._drop_first(len(self._drawn) - PAGE)
        self._to_end()

    def _append(self, count: int) -> None:
        assert self._messages is not None
        first = max(self._next, self._messages.start)  # some may have gone before they were drawn
        drawn = self._make(first, self._timeline[first : first + count])
        self._log.append(*(element for each in drawn for element in each.elements))
        if not self._drawn:
            self._first = first
        self._drawn += drawn
        self._join(len(self._drawn) - len(drawn), len(drawn))
        self._next = max(first, min(first + count, len(self._timeline)))
        self._offer_earlier()

    def _prepend(self) -> None:
        """Draw what is above; what is being read stays where it is."""
        height = self._log.scrollHeight
        wanted = max(self._from, self._first - SLICE)
        messages = self._timeline[wanted : self._first]
        drawn = self._make(self._first - len(messages), messages)
        self._earlier.after(*(element for each in drawn for element in each.elements))
        if self._drawn and drawn:
            self._put_before(self._drawn[0])
        self._drawn[:0] = drawn
        self._join(0, len(drawn))
        if len(messages) < self._first - wanted and not (self._messages and self._messages.has_earlier):
            self._from = self._first - len(messages)  # the rest has gone
        self._first -= len(messages)
        self._offer_earlier()
        self._log.scrollTop += self._log.scrollHeight - height
        if len(self._drawn) > KEPT:
            self._take_off(self._drawn[KEPT:])
            del self._drawn[KEPT:]
            self._next = self._drawn[-1].place + 1

    def _take_in(self, messages: Messages) -> None:
        """Put what has come in between others where it belongs; what is being read stays where it is."""
        missed, self._inserted = messages.inserted - self._inserted, messages.inserted
        if missed > len(messages.insertions) or not self._drawn:
            self._take_off(self._drawn)
            self._drawn = []
            self._first = self._next = self._from = 0  # as for another conversation
            self._following = True
            return
        for insertion in [*messages.insertions][-missed:]:
            self._shift(insertion)
        held = self._hold()
        for at in range(len(self._drawn) - 1, 0, -1):
            before, after = self._drawn[at - 1].place, self._drawn[at]
            new = self._make(before + 1, self._timeline[before + 1 : after.place])
            if new:
                after.elements[0].before(*(element for each in new for element in each.elements))
                self._drawn[at:at] = new
                self._put_before(after)
                self._join(at, len(new))
                self._late += [each for each in new if not each.message.is_own]
        self._keep_in_sight(held)
        self._tell_late()

    def _take_changes(self, messages: Messages) -> None:
        """Show what was edited, deleted, or reacted to, and what is quoted; what is being read stays where it is."""
        self._changes = messages.changes, messages.start
        had_focus = self._log.contains(js.document.activeElement)
        held, has_changed = self._hold(), False
        for drawn in self._drawn:
            if drawn.place >= messages.start:
                has_changed |= drawn.update(self._timeline[drawn.place])
        if not has_changed:
            return
        focused = js.document.activeElement
        if had_focus and not (self._log.contains(focused) and focused.checkVisibility()):
            self._log.focus()
        self._keep_in_sight(held)

    def _hold(self) -> tuple[DrawnMessage, float] | None:
        """The first message in sight, and where it stands."""
        top = self._log.scrollTop
        first = next((d for d in self._drawn if d.article.offsetTop + d.article.offsetHeight > top), None)
        return (first, first.article.offsetTop) if first is not None else None

    def _keep_in_sight(self, held: tuple[DrawnMessage, float] | None) -> None:
        """Something above has changed: what is being read stays where it is."""
        if self._following:
            self._to_end()
        elif held is not None:
            drawn, stood = held
            self._log.scrollTop += drawn.article.offsetTop - stood

    def _shift(self, insertion: Insertion) -> None:
        """Know the new places of what is drawn."""
        place, count = insertion.place, insertion.count
        if insertion.from_before:
            for drawn in self._drawn:
                drawn.place -= count * (drawn.place < place)
            self._first -= count * (self._first < place)
            self._from -= count * (self._from < place)
            self._next -= count * (self._next <= place)
        else:
            for drawn in self._drawn:
                drawn.place += count * (drawn.place >= place)
            self._first += count * (self._first >= place)
            self._from += count * (self._from > place)
            self._next += count * (self._next > place)

    def _tell_late(self) -> None:
        """Say that something came in above, until it was in sight."""
        top, bottom = self._log.scrollTop, self._log.scrollTop + self._log.clientHeight
        self._late = [each for each in self._late if each.article.isConnected and not top <= each.middle <= bottom]
        show(self._came_in, bool(self._late))
        set_text(self._came_in.querySelector("span"), strings.came_in_above(len(self._late)) if self._late else "")

    def _show_late(self) -> None:
        self._following = False
        first = min(self._late, key=lambda each: each.place)
        self._log.scrollTop = first.article.offsetTop - self._log.clientHeight / 3
        self._tell_late()
        self._log.focus()

    def _offer_earlier(self) -> None:
        """Offer what is above, or say why there is nothing."""
        messages = self._messages
        there_are = messages is not None and (self._from > messages.start or (messages.has_earlier and self._from > 0))
        is_cut = not there_are and self._first > 0 and bool(self._drawn)
        first = self._drawn[0].message.at if is_cut else 0
        offer = there_are, is_cut, first, messages is not None and messages.has_too_many
        if offer == self._offer:
            return
        self._offer = offer
        if not there_are and self._earlier.matches(":focus"):
            self._log.focus()
        show(self._earlier, there_are)
        show(self._gone, is_cut)
        if is_cut:
            words = strings.older_not_shown if offer[-1] else strings.older_gone
            set_text(self._gone, words(first, date.today()))

    def _drop_first(self, count: int) -> None:
        self._take_off(self._drawn[:count])
        del self._drawn[:count]
        self._from = self._first = self._drawn[0].place if self._drawn else self._next
        self._offer_earlier()

    def _take_off(self, drawn: Sequence[DrawnMessage]) -> None:
        had_focus = self._log.contains(js.document.activeElement)
        for each in drawn:
            for element in each.elements:
                element.remove()
        if had_focus and not self._log.contains(js.document.activeElement):
            self._log.focus()

    def _make(self, first: int, messages: Sequence[MessageView]) -> list[DrawnMessage]:
        return [
            self._make_one(place, message) for place, message in enumerate(messages, first) if not message.is_hidden
        ]

    def _make_one(self, place: int, message: MessageView) -> DrawnMessage:
        assert self._messages is not None
        delivery = self._messages.delivery_at(place) if message.is_own else None
        drawn = DrawnMessage(place, message, self._names, delivery, is_read=self._messages.is_read(message))
        self._put_before(drawn)
        self._put_menu(drawn)
        return drawn

    def _put_menu(self, drawn: DrawnMessage) -> None:
        """Offer what can be done with a message."""
        if self._menu is not None and self._messages is not None and self._messages.can_reply(drawn.message):
            drawn.offer_menu()

    def _put_before(self, drawn: DrawnMessage) -> None:
        """Tell a message which one stands before it."""
        for place in range(drawn.place - 1, max(self._start, drawn.place - LOOK_BACK) - 1, -1):
            message = self._timeline[place]
            if not message.is_hidden:
                drawn.put_before(message)
                return
        drawn.put_before(None)

    def _join(self, at: int, count: int) -> None:
        """Tell those before, among and behind so many new ones what comes after them."""
        for before, after in pairwise(self._drawn[max(0, at - 1) : at + count + 1]):
            before.put_after(after)

    def _put_tab_stop(self) -> None:
        """Of the buttons for menus Tab leads to the last one, or to where the reader is; arrows to the others."""
        stop = next((drawn.menu for drawn in reversed(self._drawn) if drawn.menu is not None), None)
        before = self._tab_stop
        if stop is before or (before is not None and before.isConnected and before.matches(":focus")):
            return
        if before is not None:
            before.tabIndex = -1
        if stop is not None:
            stop.tabIndex = 0
        self._tab_stop = stop

    def _update_delivery(self) -> None:
        assert self._messages is not None
        told = *self._messages.progress, self._messages.progress_before, self._messages.reads
        if told == self._told:
            return
        settled = (None, Delivery.DELIVERED) if told[-1] == self._told[-1] else (None,)  # unless more was read
        self._told = told
        for drawn in self._drawn:
            if drawn.message.is_own and drawn.delivery not in settled and drawn.place >= self._messages.start:
                is_read = self._messages.is_read(drawn.message)
                drawn.put_delivery(self._messages.delivery_at(drawn.place), is_read=is_read)
                self._put_menu(drawn)  # what was written to whoever comes is in a conversation by now

    # What the reader does.

    def _to_end(self) -> None:
        self._log.scrollTop = self._log.scrollHeight

    def _show_newest(self) -> None:
        self._following = True
        self._draw()
        self._to_end()
        self._log.focus()

    def _show_earlier(self) -> None:
        self._following = False
        self._from = max(0, self._from - PAGE)
        self._draw()

    def _resized(self) -> None:
        if self._following:  # a keyboard on the screen, a card, a longer draft has taken some of the height
            self._to_end()

    def _at_end(self) -> bool:
        return bool(self._log.scrollHeight - self._log.scrollTop - self._log.clientHeight < NEAR)

    def _scrolled(self) -> None:
        if self._late:
            self._tell_late()
        if not self._at_end():
            self._following = False
        elif self._next == len(self._timeline):
            self._following = True
            show(self._newer, False)
        elif not self._following and self._to_go_on is None:  # on to what came meanwhile, page by page
            self._drop_first(max(0, len(self._drawn) - (KEPT - PAGE)))
            self._draw()

    def _clicked(self, event: Any) -> None:
        """Unfold a long text, or fold it again; or what else the buttons at a message do."""
        button = event.target.closest(".more, .menu-open, .quote, .reaction, .copy-code")
        if not button:
            return
        if button.matches(".copy-code"):
            copy_code(button)
            return
        drawn = next(each for each in self._drawn if each.article.contains(button))
        if not button.matches(".more"):
            self._pressed(drawn.message, button)
            return
        drawn.toggle_fold()
        self._following = self._at_end()

    def _pressed(self, message: MessageView, button: Any) -> None:
        if button.matches(".quote"):
            self._show_quoted(message)
        elif self._menu is None:
            return
        elif button.matches(".reaction"):
            self._menu.react(message, str(button.getAttribute("data-emoji")))
        else:
            self._menu.open(message, button)

    def _show_quoted(self, message: MessageView) -> None:
        """Lead to what a message answers."""
        quoted = message.answers
        if quoted is None or self._messages is None:
            return
        place = self._messages.place_of(quoted.author, quoted.number)
        if place is not None:
            self.show(place)
            self._log.focus()
        elif not quoted.is_here:
            self._lead((quoted.author, quoted.number))

    def _context_menu(self, event: Any) -> None:
        """The menu of a message by the other mouse button; where a text is marked the browser's own is of more use."""
        if event.target.closest("a"):
            return  # what the browser can do with a link
        article = event.target.closest("article")
        drawn = next((each for each in self._drawn if article and each.article.isSameNode(article)), None)
        if drawn is not None and drawn.menu is not None and self._menu is not None and js.getSelection().isCollapsed:
            event.preventDefault()
            self._menu.open(drawn.message, drawn.menu)

    def _key(self, event: Any) -> None:
        """From one button for a menu to the next one."""
        step = {"ArrowUp": -1, "ArrowDown": 1}.get(event.key)
        if step is None or not event.target.matches(".menu-open"):
            return
        event.preventDefault()
        buttons = [drawn.menu for drawn in self._drawn if drawn.menu is not None]
        at = next((at for at, button in enumerate(buttons) if button.isSameNode(event.target)), None)
        if at is not None and 0 <= at + step < len(buttons):
            if self._tab_stop is not None:
                self._tab_stop.tabIndex = -1
            self._tab_stop = buttons[at + step]
            self._tab_stop.tabIndex = 0
            self._tab_stop.focus()

    def _copied(self, event: Any) -> None:
        """Several messages are copied as one would write them down: “Ann, 07:47: Hi”.

        Further lines of a message are indented, as in a terminal: nothing that one writes looks like somebody else's.
        """
        selection = js.getSelection()
        if not selection.rangeCount:
            return
        selected = selection.getRangeAt(0)
        lines = [drawn.line(selected) for drawn in self._drawn if selected.intersectsNode(drawn.article)]
        lines = [line for line in lines if line]
        if len(lines) > 1:
            event.clipboardData.setData("text/plain", "\n".join(lines))
            event.preventDefault()
