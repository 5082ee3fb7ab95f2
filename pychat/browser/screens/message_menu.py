"""What can be done with a message, in a menu at it; and what is being written as a reply to one, or in place of one."""

import asyncio
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException

from pychat.browser.dom import Scope, from_template, set_text, show
from pychat.browser.screens.composer import Composer
from pychat.browser.screens.deleting import DeleteDialog
from pychat.browser.screens.emoji_picker import EmojiPicker
from pychat.browser.screens.popovers import place, walk
from pychat.core import events
from pychat.core.ids import ChatId
from pychat.ports import Post
from pychat.ui import strings, times
from pychat.ui.messages import Messages, MessageView
from pychat.ui.view import View

QUICK = ("👍", "❤️", "😂", "😮", "😢", "🙏")
"""The emoji that are offered first."""
_SHOWN = 120
"""Code points of the message that stand above what is being written about it."""


class MessageMenu:
    """The parts “menu”, “revisions” and “composer-about” of a scope.

    Args:
        view: what the page shows.
    """

    def __init__(
        self,
        scope: Scope,
        post: Post,
        view: Callable[[], View],
        composer: Composer,
        delete: DeleteDialog,
        picker: EmojiPicker,
    ) -> None:
        self._part = part = scope.part
        self._post = post
        self._view = view
        self._composer = composer
        self._delete = delete
        self._picker = picker
        self._message: MessageView | None = None  # that the menu is about
        self._opener: Any = None
        self._reply: MessageView | None = None
        self._edit: MessageView | None = None
        self._draft = ""  # what was being written before a message was edited
        self._copying: asyncio.Future[None] | None = None
        for emoji in QUICK:
            button = from_template("quick")
            button.textContent = emoji
            part("react-more").before(button)
        scope.on(part("react"), "click", self._react_clicked)
        scope.on(part("reply"), "click", lambda _: self._close(self.reply))
        scope.on(part("copy-message"), "click", lambda _: self._close(self._copy))
        scope.on(part("edit-message"), "click", lambda _: self._close(self.edit))
        scope.on(part("revisions-open"), "click", lambda _: self._close(self._show_revisions))
        scope.on(part("delete-message"), "click", lambda _: self._close(self._delete.ask))
        scope.on(part("composer-about-end"), "click", lambda _: self._cancel())
        scope.on(part("menu"), "keydown", self._key)
        scope.on(part("draft"), "keydown", self._draft_key)

    # The menu.

    def open(self, message: MessageView, opener: Any) -> None:
        """Open the menu about a message, at the element that was pressed."""
        messages, part = self._view().messages, self._part
        if messages is None:
            return
        self._message, self._opener = message, opener
        can_reply, can_edit = messages.can_reply(message), messages.can_edit(message)
        show(part("react"), can_reply)
        show(part("reply"), can_reply)
        show(part("edit-message"), can_edit)
        show(part("revisions-open"), bool(message.revisions))
        show(part("delete-message"), can_edit or messages.can_delete(message))
        waits = messages.waits(message)
        set_text(part("delete-message-words"), "Take back…" if waits else "Delete…")
        for button in part("react").querySelectorAll("[aria-checked]"):
            is_own = button.textContent == message.reactions.own
            button.setAttribute("aria-checked", "true" if is_own else "false")
        place(part("menu"), opener, ends_there=message.is_own)
        self._buttons()[0].focus()

    def _buttons(self) -> list[Any]:
        found = self._part("menu").querySelectorAll("button")
        return [button for button in found if button.checkVisibility()]

    def _key(self, event: Any) -> None:
        if not walk(event, self._buttons()) and event.key in ("Tab", "Escape"):
            event.preventDefault()
            event.stopPropagation()
            self._close(lambda _: None)

    def _close(self, then: Callable[[MessageView], None]) -> None:
        self._part("menu").hidePopover()
        if self._opener is not None:
            self._opener.focus()
        message, self._message, self._opener = self._message, None, None
        if message is not None:
            then(message)

    def _react_clicked(self, event: Any) -> None:
        button, opener = event.target.closest("button"), self._opener
        if not button:
            return
        if button.isSameNode(self._part("react-more")):
            self._close(lambda message: self._picker.open(event, opener, lambda emoji: self.react(message, emoji)))
        else:
            emoji = str(button.textContent)
            self._close(lambda message: self.react(message, emoji))

    def react(self, message: MessageView, emoji: str) -> None:
        """React to a message by an emoji; the same once more takes it back."""
        chat = self._view().chat
        if chat is not None:
            now = "" if message.reactions.own == emoji else emoji
            self._post(events.ReactToMessage(chat, message.author, message.number, now))

    def _copy(self, message: MessageView) -> None:
        async def copy() -> None:
            try:
                await js.navigator.clipboard.writeText(message.text)
            except (JsException, AttributeError):  # the browser refuses, or the page is not secure
                self._composer.complain(strings.CANNOT_COPY)

        self._copying = asyncio.ensure_future(copy())

    def _show_revisions(self, message: MessageView) -> None:
        rows = []
        for revision in message.revisions[:-1]:
            row = from_template("revision")
            row.firstElementChild.textContent = times.clock(revision.at)
            row.lastElementChild.textContent = revision.text
            rows.append(row)
        self._part("revisions-list").replaceChildren(*rows)
        self._part("revisions").showModal()

    # What is being written.

    def reply(self, message: MessageView) -> None:
        """What is written next answers this one."""
        self._end_edit()
        self._reply = message
        who = strings.ME if message.is_own else self._view().name
        self._tell(strings.replying_to(who), message.text)

    def edit(self, message: MessageView) -> None:
        """What is written next takes the place of this one's text."""
        if self._edit is None:
            self._draft = self._composer.text
        self._reply, self._edit = None, message
        self._composer.text = message.text
        self._tell(strings.EDITING, message.text)

    def _tell(self, title: str, text: str) -> None:
        set_text(self._part("composer-about-title"), title)
        set_text(self._part("composer-about-text"), " ".join(text.split())[:_SHOWN])
        show(self._part("composer-about"), True)
        self._composer.focus()

    @property
    def draft(self) -> str:
        """What is being written as a message of its own: while one is edited, what stood in the box before."""
        return self._draft if self._edit is not None else self._composer.text

    def _draft_key(self, event: Any) -> None:
        """Escape gives it up; the arrow up in an empty box edits the last message of one's own."""
        if event.key == "Escape" and (self._reply is not None or self._edit is not None):
            event.preventDefault()
            self._cancel()
        elif event.key == "ArrowUp" and not self._composer.text and self._edit is None:
            messages = self._view().messages
            last = messages.last(is_own=True) if messages is not None else None
            if last is not None:
                event.preventDefault()
                self.edit(last)

    def _cancel(self) -> None:
        self.forget()
        self._composer.focus()

    def forget(self) -> None:
        """What is written next is a message like any other."""
        self._end_edit()
        self._reply = None
        show(self._part("composer-about"), False)

    def _end_edit(self) -> None:
        if self._edit is not None:
            self._edit = None
            self._composer.text, self._draft = self._draft, ""

    def written(self, chat: ChatId, text: str) -> events.Event:
        """What it means that a text was written just now; what comes next is a message like any other."""
        reply, edit = self._reply, self._edit
        self._composer.next_text, self._draft = self._draft, ""
        self._reply = self._edit = None
        show(self._part("composer-about"), False)
        if edit is not None:
            return events.EditMessage(chat, edit.author, edit.number, text)
        return events.WriteMessage(chat, text, (reply.author, reply.number) if reply is not None else None)

    def render(self, messages: Messages | None) -> None:
        """Give up what is being written about a message that was deleted meanwhile."""
        about = self._edit or self._reply
        if about is not None and (messages is None or not messages.has(about)):
            self.forget()
