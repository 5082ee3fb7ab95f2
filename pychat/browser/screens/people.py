"""The list of people: one line for each conversation, with what has not been read."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from pychat.browser.dom import Scope, from_template, set_data, set_text, show
from pychat.browser.screens.face import show_face
from pychat.browser.screens.trust import show_trust
from pychat.core.ids import ChatId
from pychat.ui import strings, times
from pychat.ui.calling import unread
from pychat.ui.view import PersonView


class PeopleList:
    """The part “people” of a scope. Its lines are changed in place, so that the focus stays where it is.

    Args:
        choose: called with the conversation that the person wants to see.
    """

    def __init__(self, scope: Scope, choose: Callable[[ChatId], None]) -> None:
        self._list = scope.part("people")
        self._area = scope.part("people-area")
        self._choose = choose
        self._items: dict[ChatId, tuple[Any, Scope]] = {}
        self._lines: dict[ChatId, tuple[PersonView, int, bool]] = {}  # what each of them shows

    def render(
        self,
        people: tuple[PersonView, ...],
        seen: dict[ChatId, int],
        selected: ChatId | None,
        resolve: Callable[[ChatId], ChatId | None],
    ) -> None:
        """Show the people.

        Args:
            seen: how many messages of each chat have been on the screen.
            selected: the chat that is shown.
            resolve: tells what became of a chat.
        """
        present = {person.conversation for person in people}
        for chat in [chat for chat in self._items if chat not in present]:
            became = resolve(chat)
            if became in present and became not in self._items:  # whoever was waited for is there: the line stays
                item, scope = self._items.pop(chat)
                scope.close()
                self._put(became, item)
                del self._lines[chat]
            else:
                self._remove(chat, became)
        for person in people:
            count = unread(person, seen.get(person.conversation, 0))
            self._update(person, count, person.conversation == selected)
        show(self._area, bool(people))

    def _put(self, chat: ChatId, item: Any) -> None:
        scope = Scope(item)
        scope.on(item.firstElementChild, "click", partial(self._chosen, chat))
        self._items[chat] = item, scope

    def _remove(self, chat: ChatId, became: ChatId | None) -> None:
        """Take a line off; if it has the focus, what the chat has become gets that, or its neighbour."""
        item, scope = self._items.pop(chat)
        heir = self._items.get(became) if became is not None else None
        neighbour = heir[0] if heir is not None else item.nextElementSibling or item.previousElementSibling
        if neighbour and item.matches(":focus-within"):
            neighbour.firstElementChild.focus()
        scope.close()
        item.remove()
        del self._lines[chat]

    def _update(self, person: PersonView, count: int, selected: bool) -> None:
        line = person, count, selected
        if self._lines.get(person.conversation) == line:  # to look at the document costs more than all the rest
            return
        self._lines[person.conversation] = line
        if person.conversation not in self._items:
            item = from_template("person")
            self._put(person.conversation, item)
            self._list.append(item)
        button = self._items[person.conversation][0].firstElementChild
        set_data(button, "state", person.state)
        show_face(button.querySelector(".face"), person.face)
        set_text(button.querySelector(".name"), person.name)
        show_trust(button.querySelector(".trust"), button.querySelector(".sure"), person.trust, warned=person.warned)
        set_text(button.querySelector(".state"), strings.STATES[person.state])
        last = person.last
        show(button.querySelector(".last"), last is not None)
        show(button.querySelector(".when"), last is not None)
        if last is not None:
            who = f"{strings.ME}: " if last.is_own else ""
            set_text(button.querySelector(".last"), who + " ".join(last.text.split()))
            set_text(button.querySelector(".when"), times.short(last.at, date.today()))
        set_data(button, "new", "true" if person.new else "false")
        set_text(button.querySelector(".unread"), str(count) if count else strings.NEW if person.new else "")
        if selected:
            button.setAttribute("aria-current", "true")
        else:
            button.removeAttribute("aria-current")

    def _chosen(self, conversation: ChatId, _: Any) -> None:
        self._choose(conversation)
