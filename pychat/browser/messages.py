"""The list of messages: draws only what is new, keeps the scroll where the reader is."""

from datetime import datetime
from typing import Any

import js

from pychat.browser.dom import Scope, from_template, set_data, set_text, show
from pychat.core.conversation import Conversation, Delivery
from pychat.core.timeline import Message, Timeline

PAGE = 200
"""Messages drawn at first, and more at each “Show earlier messages”."""
KEPT = 600
"""Drawn messages above which the oldest go again while the reader is at the end."""
NEAR = 48
"""Pixels from the end that still count as reading the end."""

_DELIVERY_WORDS = {Delivery.WAITING: "Waiting", Delivery.SENT: "Sent", Delivery.DELIVERED: "Delivered"}


class MessageList:
    """Shows one conversation at a time in the part “messages” of a scope.

    Drawn are the messages from `_first` up to `_next` (indices of the conversation's timeline).
    """

    def __init__(self, scope: Scope) -> None:
        self._log = scope.part("messages")
        self._empty = scope.part("empty")
        self._earlier = scope.part("earlier")
        self._newer = scope.part("newer")
        self._conversation: Conversation | None = None
        self._first = self._next = 0
        self._articles: list[Any] = []
        self._undelivered: list[tuple[int, Any]] = []  # numbers and articles of our own
        self._following = True  # whether the reader is at the end, and wants to stay there
        scope.on(self._earlier, "click", lambda _: self._show_earlier())
        scope.on(self._newer, "click", lambda _: self._show_newest())
        scope.on(self._log, "scroll", lambda _: self._scrolled())
        scope.on_resize(self._log, self._resized)

    def render(self, conversation: Conversation) -> None:
        """Bring what is drawn up to the conversation's state."""
        if conversation is not self._conversation:
            self.clear()
            self._conversation = conversation
        timeline = conversation.timeline
        if self._next < len(timeline):
            if self._following or timeline[-1].author == conversation.me:
                self._draw_newest(timeline)
            else:
                self._append(timeline[self._next : self._first + KEPT])
                show(self._newer, True)
        self._update_delivery()
        show(self._empty, not timeline)
        show(self._earlier, self._first > 0)

    def _draw_newest(self, timeline: Timeline) -> None:
        """Draw what is new and go to the end; of a long pause only the last page."""
        if len(timeline) - self._next > PAGE or not self._articles:
            self._take_off()
            self._first = self._next = max(0, len(timeline) - PAGE)
        self._append(timeline[self._next :])
        self._drop_oldest()
        self._to_end()

    def _to_end(self) -> None:
        self._following = True
        self._log.scrollTop = self._log.scrollHeight
        show(self._newer, False)

    def _show_newest(self) -> None:
        if self._conversation is not None:
            self._draw_newest(self._conversation.timeline)
            self._log.focus()

    def _resized(self) -> None:
        if self._following:  # a keyboard on the screen, a card, a longer draft has taken some of the height
            self._to_end()

    def _append(self, messages: list[Message]) -> None:
        fragment = js.document.createDocumentFragment()
        for message in messages:
            fragment.append(self._draw(message))
        self._log.append(fragment)
        self._next += len(messages)

    def _draw(self, message: Message, *, before: bool = False) -> Any:
        conversation = self._conversation
        assert conversation is not None
        article = from_template("message")
        mine = message.author == conversation.me
        article.setAttribute("data-author", "me" if mine else "peer")
        article.querySelector(".who").textContent = "You:" if mine else "They:"
        article.querySelector("p").textContent = message.entry.text
        written = datetime.fromtimestamp(message.entry.at / 1000)
        time = article.querySelector("time")
        time.textContent = written.strftime("%H:%M")
        time.setAttribute("datetime", written.isoformat(timespec="seconds"))
        if mine:
            delivery = conversation.delivery(message.number)
            _set_delivery(article, delivery)
            if delivery is not Delivery.DELIVERED:
                self._undelivered.append((message.number, article))
        else:
            article.setAttribute("data-state", Delivery.DELIVERED.value)
        if before:
            self._articles.insert(0, article)
        else:
            self._articles.append(article)
        return article

    def _update_delivery(self) -> None:
        conversation = self._conversation
        assert conversation is not None
        remaining = []
        for number, article in self._undelivered:
            delivery = conversation.delivery(number)
            _set_delivery(article, delivery)
            if delivery is not Delivery.DELIVERED:
                remaining.append((number, article))
        self._undelivered = remaining

    def _show_earlier(self) -> None:
        conversation = self._conversation
        if conversation is None or self._first == 0:
            return
        height = self._log.scrollHeight
        wanted = max(0, self._first - PAGE)
        anchor = self._articles[0]
        for message in reversed(conversation.timeline[wanted : self._first]):
            article = self._draw(message, before=True)
            anchor.before(article)
            anchor = article
        self._first = wanted
        show(self._earlier, self._first > 0)
        self._log.scrollTop += self._log.scrollHeight - height  # what was read stays where it was

    def _drop_oldest(self) -> None:
        if len(self._articles) > KEPT:
            self._first += self._drop(len(self._articles) - PAGE)

    def _drop(self, count: int) -> int:
        """Take the first articles off; returns how many there were."""
        dropped, self._articles = self._articles[:count], self._articles[count:]
        for article in dropped:
            article.remove()
        return len(dropped)

    def clear(self) -> None:
        """Take everything off the screen."""
        self._take_off()
        self._first = self._next = 0
        self._following = True
        show(self._newer, False)

    def _take_off(self) -> None:
        for article in self._articles:
            article.remove()
        self._articles, self._undelivered = [], []

    def _at_end(self) -> bool:
        return bool(self._log.scrollHeight - self._log.scrollTop - self._log.clientHeight < NEAR)

    def _scrolled(self) -> None:
        self._following = self._at_end()
        conversation = self._conversation
        if not self._following or self._newer.hidden or conversation is None:
            return
        if self._next < len(conversation.timeline):
            self._first += self._drop(PAGE)
            self._append(conversation.timeline[self._next : self._next + PAGE])
        else:
            show(self._newer, False)


def _set_delivery(article: Any, delivery: Delivery) -> None:
    if article.getAttribute("data-state") != delivery.value:
        set_data(article, "state", delivery.value)
        set_text(article.querySelector(".delivery"), _DELIVERY_WORDS[delivery])
