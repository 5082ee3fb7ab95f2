"""One message is deleted: asked before, for it does not come back."""

from collections.abc import Callable

from pychat.browser.dom import Scope, set_text, show
from pychat.core import events
from pychat.core.ids import ChatId
from pychat.ports import Post
from pychat.ui import strings, times
from pychat.ui.messages import MessageView
from pychat.ui.view import View

_SHOWN = 300
"""Code points of the message that are shown once more."""


class DeleteDialog:
    """The part “delete-dialog” of a scope.

    Args:
        view: what the page shows.
    """

    def __init__(self, scope: Scope, post: Post, view: Callable[[], View]) -> None:
        self._part = scope.part
        self._post = post
        self._view = view
        self._asked: tuple[ChatId, MessageView] | None = None
        scope.on(scope.part("delete-now"), "click", lambda _: self._delete(events.DeleteMessage))
        scope.on(scope.part("delete-both"), "click", lambda _: self._delete(events.RetractMessage))

    def ask(self, message: MessageView) -> None:
        """Ask whether this one is to be deleted."""
        view = self._view()
        if view.chat is None:
            return
        self._asked = view.chat, message
        who = strings.ME if message.is_own else view.name
        set_text(self._part("delete-what"), f"{who}, {times.clock(message.at)}: {message.text[:_SHOWN]}")
        waits = view.messages is not None and view.messages.waits(message)
        set_text(self._part("delete-title"), "Take back this message?" if waits else "Delete this message?")
        can_retract = view.messages is not None and view.messages.can_edit(message) and not waits
        show(self._part("delete-both"), can_retract)
        show(self._part("delete-now"), view.messages is not None and view.messages.can_delete(message))
        set_text(self._part("delete-now"), "Take back" if waits else "Delete here" if can_retract else "Delete")
        note = strings.delete_message_note(view.name, kept=view.is_kept, waits=waits, both=can_retract)
        set_text(self._part("delete-text"), note)
        self._part("delete-dialog").showModal()

    def _delete(self, how: type[events.DeleteMessage | events.RetractMessage]) -> None:
        self._part("delete-dialog").close()
        if self._asked is not None:
            (chat, message), self._asked = self._asked, None
            self._post(how(chat, message.author, message.number))
