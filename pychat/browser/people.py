"""The list of people: one line for each conversation, with what has not been read."""

from collections.abc import Callable
from functools import partial
from typing import Any

import js

from pychat.browser.dom import Scope, from_template, set_data, show
from pychat.core.conversation import ConversationId
from pychat.ui.view import PersonView


class PeopleList:
    """The part “people” of a scope.

    Args:
        choose: called with the conversation that the person wants to see.
    """

    def __init__(self, scope: Scope, choose: Callable[[ConversationId], None]) -> None:
        self._list = scope.part("people")
        self._area = scope.part("people-area")
        self._choose = choose
        self._items = Scope(self._list)
        self._shown: object = None

    def render(
        self, people: tuple[PersonView, ...], seen: dict[ConversationId, int], selected: ConversationId | None
    ) -> None:
        """Show the people; `seen` counts the messages of each conversation that have been on the screen."""
        unread = {person.conversation: person.messages - seen.get(person.conversation, 0) for person in people}
        shown = [(p.conversation, p.name, p.state, unread[p.conversation]) for p in people], selected
        if shown == self._shown:
            return
        self._shown = shown
        self._items.close()
        self._list.replaceChildren(*(self._item(p, unread[p.conversation], selected) for p in people))
        show(self._area, bool(people))
        total = sum(unread.values())
        js.document.title = f"({total}) pychat" if total else "pychat"

    def _item(self, person: PersonView, unread: int, selected: ConversationId | None) -> Any:
        item = from_template("person")
        button = item.firstElementChild
        set_data(button, "state", person.state)
        button.querySelector(".name").textContent = person.name
        button.querySelector(".unread").textContent = str(unread) if unread else ""
        if person.conversation == selected:
            button.setAttribute("aria-current", "true")
        self._items.on(button, "click", partial(self._chosen, person.conversation))
        return item

    def _chosen(self, conversation: ConversationId, _: Any) -> None:
        self._choose(conversation)
