"""The list of messages: draws what is new and in sight, keeps the scroll where the reader is.

However many messages there are and however long: in the document are at most `KEPT`, the long ones folded, and of many
that come at once only so many are drawn in one task that the page goes on listening.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import js

from pychat.browser.dom import Scope, from_template, set_data, set_text, show
from pychat.browser.screens.message_menu import MessageMenu
from pychat.core.chat.conversation import Delivery
from pychat.core.chat.order import Insertion
from pychat.ui import strings, times
from pychat.ui.folding import fold
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

_INDENTED = "\n    "


class Names(NamedTuple):
    """What the two in a conversation are called."""

    me: str
    peer: str


@dataclass(slots=True)
class _Drawn:
    """A message in the document, from its place in the timeline; `delivery` is what is said of one of our own.

    `day` is what stands above the first message of a day, `menu` the button that opens its menu.
    """

    place: int
    message: MessageView
    article: Any
    delivery: Delivery | None = None
    day: Any = None
    menu: Any = None

    @property
    def elements(self) -> tuple[Any, ...]:
        """What it has in the document."""
        return (self.article,) if self.day is None else (self.day, self.article)


class MessageList:
    """Shows one conversation at a time in the part “messages” of a scope.

    Drawn are the messages from place `_first` up to `_next` of the chat, whose front may go
    meanwhile; those from `_from` on are wanted.

    Args:
        want_earlier: has earlier messages read from where they are kept.
        menu: what can be done with a message; without it nothing can be.
    """

    def __init__(
        self,
        scope: Scope,
        want_earlier: Callable[[], None] = lambda: None,
        menu: MessageMenu | None = None,
    ) -> None:
        self._want_earlier = want_earlier
        self._menu = menu
        self._changes = 0  # as far as what is drawn knows
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
        self._drawn: list[_Drawn] = []
        self._inserted = 0  # as far as what is drawn knows
        self._late: list[_Drawn] = []  # those that came in above, and that the reader was not shown yet
        self._offer: tuple[bool, bool, int, bool] | None = None  # what is said above the first one that is drawn
        self._told = (0, 0, 0)  # how many of our own were acknowledged and sent when it was last said
        self._following = True  # whether the reader is at the end, and wants to stay there
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
            self._inserted, self._changes = messages.inserted, messages.changes
        self._messages = messages
        if messages.inserted != self._inserted:
            self._take_in(messages)
        if messages.changes != self._changes:
            self._take_changes(messages)
        if names != self._names:
            self._names = names
            for drawn in self._drawn:
                self._put_name(drawn)
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
            self._put_day(self._drawn[0])
        self._drawn[:0] = drawn
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
        top = self._log.scrollTop
        anchor = next((d.article for d in self._drawn if d.article.offsetTop + d.article.offsetHeight > top), None)
        stood = anchor.offsetTop if anchor is not None else 0
        for at in range(len(self._drawn) - 1, 0, -1):
            before, after = self._drawn[at - 1].place, self._drawn[at]
            new = self._make(before + 1, self._timeline[before + 1 : after.place])
            if new:
                after.elements[0].before(*(element for each in new for element in each.elements))
                self._drawn[at:at] = new
                self._put_day(after)
                self._late += [each for each in new if not each.message.is_own]
        if anchor is not None and not self._following:
            self._log.scrollTop += anchor.offsetTop - stood
        self._tell_late()

    def _take_changes(self, messages: Messages) -> None:
        """Show what was edited, deleted, or reacted to; what is being read stays where it is."""
        self._changes = messages.changes
        bottom = self._log.scrollHeight - self._log.scrollTop
        for drawn in self._drawn:
            if drawn.place < messages.start or drawn.message == (now := self._timeline[drawn.place]):
                continue
            before, drawn.message = drawn.message, now
            if now.is_deleted and not before.is_deleted:
                had_focus = drawn.article.contains(js.document.activeElement)
                show(drawn.article.querySelector(".more"), False)
                self._put_deleted(drawn)
                if had_focus:
                    self._log.focus()
            elif now.text != before.text:
                show(drawn.article.querySelector(".more"), False)
                self._put_text(drawn, fold(now.words))
            self._put_additions(drawn)
        if self._following:
            self._to_end()
        elif self._at_end():
            self._log.scrollTop = self._log.scrollHeight - bottom

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
        self._late = [
            each
            for each in self._late
            if each.article.isConnected and not top <= each.article.offsetTop + each.article.offsetHeight / 2 <= bottom
        ]
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

    def _take_off(self, drawn: Sequence[_Drawn]) -> None:
        had_focus = self._log.contains(js.document.activeElement)
        for each in drawn:
            for element in each.elements:
                element.remove()
        if had_focus and not self._log.contains(js.document.activeElement):
            self._log.focus()

    def _make(self, first: int, messages: Sequence[MessageView]) -> list[_Drawn]:
        return [
            self._make_one(place, message) for place, message in enumerate(messages, first) if not message.is_hidden
        ]

    def _make_one(self, place: int, message: MessageView) -> _Drawn:
        assert self._messages is not None
        drawn = _Drawn(place, message, from_template("message"))
        article, mine = drawn.article, message.is_own
        article.setAttribute("data-author", "me" if mine else "peer")
        self._put_name(drawn)
        self._put_day(drawn)
        self._put_text(drawn, fold(message.words))
        time = article.querySelector("time")
        time.textContent = times.clock(message.at)
        time.setAttribute("datetime", times.local(message.at).isoformat(timespec="seconds"))
        if message.is_deleted:
            self._put_deleted(drawn)
        elif mine:
            self._put_delivery(drawn, self._messages.delivery_at(place))
        else:
            article.setAttribute("data-state", Delivery.DELIVERED.value)
        self._put_menu(drawn)
        self._put_additions(drawn)
        return drawn

    def _put_deleted(self, drawn: _Drawn) -> None:
        """Show that a message was deleted."""
        article = drawn.article
        article.setAttribute("data-deleted", "true")
        article.setAttribute("data-state", "deleted")  # also one that was taken back, which nobody else has
        self._put_text(drawn, drawn.message.words)
        drawn.delivery = None
        set_text(article.querySelector(".delivery"), "")
        if drawn.menu is not None:
            show(drawn.menu, False)
            drawn.menu = None

    def _put_menu(self, drawn: _Drawn) -> None:
        """Offer what can be done with a message."""
        assert self._messages is not None
        if self._menu is None or not self._messages.can_reply(drawn.message):
            return
        drawn.menu = drawn.article.querySelector(".menu-open")
        self._name_menu(drawn)
        show(drawn.menu, True)

    def _name_menu(self, drawn: _Drawn) -> None:
        words = strings.message_menu(self._who(drawn.message.is_own), times.clock(drawn.message.at))
        drawn.menu.setAttribute("aria-label", words)
        drawn.menu.setAttribute("title", words)

    def _put_additions(self, drawn: _Drawn) -> None:
        """Show what a message answers, that it was edited, and how the two react to it."""
        article, message = drawn.article, drawn.message
        if message.answers is not None or article.hasAttribute("data-reply"):
            article.setAttribute("data-reply", "true")
            show(article.querySelector(".quote"), message.answers is not None)
        if message.answers is not None:
            set_text(article.querySelector(".quoted-who"), self._who(message.answers.is_own))
            set_text(article.querySelector(".quoted-text"), message.answers.words)
        if message.revisions or article.hasAttribute("data-edited"):
            article.setAttribute("data-edited", "true")
            set_text(article.querySelector(".edited"), strings.EDITED)
            show(article.querySelector(".edited"), bool(message.revisions))
        if any(message.reactions) or article.hasAttribute("data-reacted"):
            article.setAttribute("data-reacted", "true")
            self._put_reactions(article.querySelector(".reactions"), message)

    def _put_reactions(self, place: Any, message: MessageView) -> None:
        """A button for each emoji, by which one can react with the same one, or take one's own back."""
        who: dict[str, list[str]] = {}
        for emoji, name in zip(message.reactions, (strings.ME, self._names.peer), strict=True):
            if emoji:
                who.setdefault(emoji, []).append(name)
        buttons = []
        for emoji, names in who.items():
            button = from_template("reaction")
            button.textContent = f"{emoji} {len(names)}" if len(names) > 1 else emoji
            button.setAttribute("data-emoji", emoji)
            button.setAttribute("aria-label", strings.reactions_of(emoji, names))
            button.setAttribute("title", strings.reactions_of(emoji, names))
            button.setAttribute("aria-pressed", "true" if message.reactions.own == emoji else "false")
            buttons.append(button)
        had_focus = place.contains(js.document.activeElement)
        place.replaceChildren(*buttons)
        show(place, bool(buttons))
        if had_focus:
            (buttons[0] if buttons else self._log).focus()

    def _who(self, is_own: bool) -> str:
        return strings.ME if is_own else self._names.peer

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

    def _put_name(self, drawn: _Drawn) -> None:
        set_text(drawn.article.querySelector(".who"), f"{self._who(drawn.message.is_own)}: ")
        if drawn.menu is not None:
            self._name_menu(drawn)
            self._put_additions(drawn)

    def _put_day(self, drawn: _Drawn) -> None:
        """Say the day above the first message of it."""
        before = self._timeline[drawn.place - 1 : drawn.place] if drawn.place else ()
        at = drawn.message.at
        if before and times.local(before[0].at).date() == times.local(at).date():
            if drawn.day is not None:
                drawn.day.remove()
                drawn.day = None
        elif drawn.day is None:
            drawn.day = from_template("day")
            drawn.day.textContent = times.day(at, date.today())

    def _put_text(self, drawn: _Drawn, shown: str) -> None:
        whole = drawn.message.words
        drawn.article.querySelector("p").textContent = shown
        if shown != whole or fold(whole) != whole:
            button = drawn.article.querySelector(".more")
            show(button, True)
            set_text(button, strings.FOLD if shown == whole else strings.unfold(len(whole)))
            button.setAttribute("aria-expanded", "true" if shown == whole else "false")

    def _update_delivery(self) -> None:
        assert self._messages is not None
        told = *self._messages.progress, self._messages.progress_before
        if told == self._told:
            return
        self._told = told
        for drawn in self._drawn:
            if drawn.delivery not in (None, Delivery.DELIVERED) and drawn.place >= self._messages.start:
                self._put_delivery(drawn, self._messages.delivery_at(drawn.place))

    def _put_delivery(self, drawn: _Drawn, delivery: Delivery) -> None:
        if drawn.delivery is not delivery:
            drawn.delivery = delivery
            set_data(drawn.article, "state", delivery.value)
            set_text(drawn.article.querySelector(".delivery"), strings.DELIVERY[delivery])
            if drawn.menu is None:
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
        button = event.target.closest(".more, .menu-open, .quote, .reaction")
        if not button:
            return
        drawn = next(each for each in self._drawn if each.article.contains(button))
        if not button.matches(".more"):
            self._pressed(drawn.message, button)
            return
        whole = drawn.message.words
        unfolded = button.getAttribute("aria-expanded") == "true"
        self._put_text(drawn, fold(whole) if unfolded else whole)
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
        """Lead to what a message answers, if it is here."""
        quoted = message.answers
        if quoted is None or quoted.rank is None or self._messages is None:
            return
        place = self._messages.place_of(quoted.author, quoted.number, quoted.rank)
        if place is not None:
            self.show(place)
            self._log.focus()

    def _context_menu(self, event: Any) -> None:
        """The menu of a message by the other mouse button; where a text is marked the browser's own is of more use."""
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
        lines = [self._line(drawn, selected) for drawn in self._drawn if selected.intersectsNode(drawn.article)]
        lines = [line for line in lines if line]
        if len(lines) > 1:
            event.clipboardData.setData("text/plain", "\n".join(lines))
            event.preventDefault()

    def _line(self, drawn: _Drawn, selected: Any) -> str:
        """What is selected of a message; of one that is folded and selected whole all of it."""
        place = drawn.article.querySelector("p")
        if not selected.intersectsNode(place):
            return ""
        part = js.document.createRange()
        part.selectNodeContents(place)
        if place.contains(selected.startContainer):
            part.setStart(selected.startContainer, selected.startOffset)
        if place.contains(selected.endContainer):
            part.setEnd(selected.endContainer, selected.endOffset)
        text = str(part.toString())
        who = self._names.me if drawn.message.is_own else self._names.peer
        whole = drawn.message.words if text == place.textContent else text
        return f"{who}, {times.clock(drawn.message.at)}: {_INDENTED.join(whole.splitlines())}" if text else ""
