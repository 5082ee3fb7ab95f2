"""One message in the document: draws it, and what it becomes when it is edited, deleted, reacted to, or arrives."""

from datetime import date
from functools import cache
from typing import Any, NamedTuple

import js

from pychat.browser.dom import from_template, set_text, show
from pychat.browser.screens.markup import put_text
from pychat.core.chat.conversation import Delivery
from pychat.ui import strings, times
from pychat.ui.folding import fold, is_long
from pychat.ui.messages import MessageView

_INDENTED = "\n    "
RUN = 5 * 60_000
"""Milliseconds after a message within which another one of the same person belongs to the same run."""
_SIGNS = {Delivery.WAITING: "clock", Delivery.SENT: "check", Delivery.DELIVERED: "check-check"}
"""What is drawn for how far a message has come, by its name among the icons."""


@cache
def _icons() -> str:
    """The file in which the icons are."""
    return str(from_template("message").querySelector(".delivery use").getAttribute("href")).partition("#")[0]


class Names(NamedTuple):
    """What the two in a conversation are called."""

    me: str
    peer: str

    def who(self, *, is_own: bool) -> str:
        """What somebody is called on the screen."""
        return strings.ME if is_own else self.peer


class DrawnMessage:
    """A message in the document, from its place in the timeline.

    `day` is what stands above the first message of a day, `menu` the button that opens its menu, `delivery` what is
    said of one of our own, `is_read` whether the other one is known to have read it; `follows`: it goes on with a run
    of one person.
    """

    def __init__(
        self, place: int, message: MessageView, names: Names, delivery: Delivery | None, *, is_read: bool = False
    ) -> None:
        self.place = place
        self.message = message
        self.article = article = from_template("message")
        self.delivery: Delivery | None = None
        self.is_read = False
        self.day: Any = None
        self.menu: Any = None
        self.follows = self._goes_on = False
        self._names = names
        self._additions: set[str] = set()  # what there was besides the text, by the attribute that says so
        article.setAttribute("data-author", "me" if message.is_own else "peer")
        article.querySelector(".who").textContent = f"{self._who(message.is_own)}: "
        time = article.querySelector("time")
        time.textContent = times.clock(message.at)
        time.setAttribute("datetime", times.local(message.at).isoformat(timespec="seconds"))
        if message.is_deleted:
            self._put_deleted()
        else:
            self._put_text(fold(message.words))
            self.put_delivery(delivery if delivery is not None else Delivery.DELIVERED, is_read=is_read)
        self._put_additions()

    @property
    def elements(self) -> tuple[Any, ...]:
        """What it has in the document."""
        return (self.article,) if self.day is None else (self.day, self.article)

    @property
    def middle(self) -> float:
        """Where its middle is, in pixels from the beginning of the list."""
        return float(self.article.offsetTop + self.article.offsetHeight / 2)

    # What it shows.

    def update(self, message: MessageView) -> bool:
        """Show what a message has become; returns whether it is shown otherwise."""
        before, self.message = self.message, message
        if message == before:
            return False
        if message.is_deleted and not before.is_deleted:
            self._put_deleted()
        elif message.words != before.words:
            show(self.article.querySelector(".more"), False)
            self._put_text(fold(message.words))
        self._put_additions()
        return True

    def put_names(self, names: Names) -> None:
        """The two are called otherwise."""
        self._names = names
        set_text(self.article.querySelector(".who"), f"{self._who(self.message.is_own)}: ")
        if self.menu is not None:
            self._name_menu()
        self._put_additions()

    def put_before(self, before: MessageView | None) -> None:
        """Say the day above the first message of it, and show whether it goes on with a run; None: it is the first."""
        at = self.message.at
        is_same_day = before is not None and times.local(before.at).date() == times.local(at).date()
        is_same_person = before is not None and before.is_own == self.message.is_own
        follows = is_same_day and is_same_person and before is not None and abs(at - before.at) <= RUN
        if follows != self.follows:
            self.follows = follows
            self.article.toggleAttribute("data-follows", follows)
        if is_same_day:
            if self.day is not None:
                self.day.remove()
                self.day = None
        elif self.day is None:
            self.day = from_template("day")
            self.day.textContent = times.day(at, date.today())

    def put_after(self, after: "DrawnMessage") -> None:
        """Show whether the next one goes on with the run: the last message of a run has the time for all."""
        if after.follows != self._goes_on:
            self._goes_on = after.follows
            self.article.toggleAttribute("data-goes-on", self._goes_on)

    def put_delivery(self, delivery: Delivery, *, is_read: bool) -> None:
        """Say how far one of our own has come, and whether it was read."""
        if (self.delivery, self.is_read) == (delivery, is_read) or self.message.is_deleted:
            return
        self.delivery, self.is_read = delivery, is_read
        self.article.setAttribute("data-state", delivery.value)
        if self.message.is_own:
            self.article.setAttribute("data-read", "true" if is_read else "false")
            place = self.article.querySelector(".delivery")
            place.querySelector("use").setAttribute("href", f"{_icons()}#{_SIGNS[delivery]}")
            place.lastElementChild.textContent = strings.READ if is_read else strings.DELIVERY[delivery]

    def offer_menu(self) -> None:
        """Show the button by which its menu opens."""
        if self.menu is None:
            self.menu = self.article.querySelector(".menu-open")
            self._name_menu()
            show(self.menu, True)

    def toggle_fold(self) -> None:
        """Unfold a long text, or fold it again."""
        whole = self.message.words
        is_unfolded = self.article.querySelector(".more").getAttribute("aria-expanded") == "true"
        self._put_text(fold(whole) if is_unfolded else whole)

    def _who(self, is_own: bool) -> str:
        return self._names.who(is_own=is_own)

    def _put_text(self, shown: str) -> None:
        whole = self.message.words
        put_text(self.article.querySelector("p"), shown)
        if shown != whole or is_long(whole):
            button = self.article.querySelector(".more")
            show(button, True)
            set_text(button, strings.FOLD if shown == whole else strings.unfold(len(whole)))
            button.setAttribute("aria-expanded", "true" if shown == whole else "false")

    def _put_deleted(self) -> None:
        article = self.article
        article.setAttribute("data-deleted", "true")
        article.removeAttribute("data-read")
        article.setAttribute("data-state", "deleted")  # also one that was taken back, which nobody else has
        show(article.querySelector(".more"), False)
        put_text(article.querySelector("p"), self.message.words)
        self.delivery = None
        show(article.querySelector(".delivery"), False)
        if self.menu is not None:
            show(self.menu, False)
            self.menu = None

    def _name_menu(self) -> None:
        words = strings.message_menu(self._who(self.message.is_own), times.clock(self.message.at))
        self.menu.setAttribute("aria-label", words)
        self.menu.setAttribute("title", words)

    def _put_additions(self) -> None:
        """Show what it answers, that it was edited, and how the two react to it."""
        article, message = self.article, self.message
        if message.answers is not None or "reply" in self._additions:
            self._add("reply")
            show(article.querySelector(".quote"), message.answers is not None)
        if message.answers is not None:
            set_text(article.querySelector(".quoted-who"), self._who(message.answers.is_own))
            set_text(article.querySelector(".quoted-text"), message.answers.words)
        if message.revisions or "edited" in self._additions:
            self._add("edited")
            set_text(article.querySelector(".edited"), strings.EDITED)
            show(article.querySelector(".edited"), bool(message.revisions))
        if any(message.reactions) or "reacted" in self._additions:
            self._add("reacted")
            self._put_reactions(article.querySelector(".reactions"))

    def _add(self, addition: str) -> None:
        if addition not in self._additions:
            self._additions.add(addition)
            self.article.setAttribute(f"data-{addition}", "true")

    def _put_reactions(self, place: Any) -> None:
        """A button for each emoji, by which one can react with the same one, or take one's own back."""
        who: dict[str, list[str]] = {}
        for emoji, is_own in zip(self.message.reactions, (True, False), strict=True):
            if emoji:
                who.setdefault(emoji, []).append(self._who(is_own))
        buttons = []
        for emoji, names in who.items():
            button = from_template("reaction")
            button.textContent = f"{emoji} {len(names)}" if len(names) > 1 else emoji
            button.setAttribute("data-emoji", emoji)
            button.setAttribute("aria-label", strings.reactions_of(emoji, names))
            button.setAttribute("title", strings.reactions_of(emoji, names))
            button.setAttribute("aria-pressed", "true" if self.message.reactions.own == emoji else "false")
            buttons.append(button)
        had_focus = place.contains(js.document.activeElement)
        place.replaceChildren(*buttons)
        show(place, bool(buttons))
        if had_focus and buttons:
            buttons[0].focus()

    # What is copied.

    def line(self, selected: Any) -> str:
        """What is selected of it, as one would write it down; of one that is folded and selected whole all of it."""
        place = self.article.querySelector("p")
        if not selected.intersectsNode(place):
            return ""
        part = js.document.createRange()
        part.selectNodeContents(place)
        if place.contains(selected.startContainer):
            part.setStart(selected.startContainer, selected.startOffset)
        if place.contains(selected.endContainer):
            part.setEnd(selected.endContainer, selected.endOffset)
        text = str(part.toString())
        who = self._names.me if self.message.is_own else self._names.peer
        whole = self.message.words if text == place.textContent else text
        return f"{who}, {times.clock(self.message.at)}: {_INDENTED.join(whole.splitlines())}" if text else ""
