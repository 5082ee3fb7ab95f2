"""What can be done with a message in a terminal: answer it, react to it, edit it, delete it here or for both.

Each command takes the number that stands beside a message, or means the last one that it can be about.
"""

from collections.abc import Callable

from pychat.core import content, events
from pychat.core.chat.relations import Place
from pychat.core.ids import ChatId
from pychat.native.screens.commands import Command, Commands
from pychat.native.screens.sanitize import name_tag, one_line
from pychat.ports import Post
from pychat.ui import strings, times
from pychat.ui.app import App
from pychat.ui.messages import MessageView
from pychat.ui.view import View

_DIGITS = 2
"""Of a number on the screen at most."""


class MessageCommands:
    """The commands that are about one message. What deletes one says which, and does it when it is said once more.

    Args:
        now: what the terminal shows.
        numbered: which message has a number.
        send: sends a text, which answers a message by its author and number.
        tell: prints a sentence.
        complain: prints what is wrong.
    """

    def __init__(
        self,
        app: App,
        post: Post,
        now: Callable[[], View],
        numbered: Callable[[int], Place | None],
        send: Callable[[str, Place], None],
        tell: Callable[[str], None],
        complain: Callable[[str], None],
    ) -> None:
        self._app = app
        self._post = post
        self._now = now
        self._numbered = numbered
        self._send = send
        self._tell = tell
        self._complain = complain
        self._asked: tuple[str, ChatId, MessageView] | None = None  # by which command, and about which message

    def commands(self) -> Commands:
        """What each is for, and what it does."""
        return {
            "/reply": Command("/reply 3 Yes", "answer message 3; “/reply Yes” their last one", self._reply),
            "/react": Command("/react 3 👍", "react to message 3; “/react 3” alone takes that back", self._react),
            "/edit": Command("/edit 3 Good morning", "say anew what your message 3 says", self._edit),
            "/retract": Command("/retract 3", "delete your message 3 for both; it asks first", self._retract),
            "/delete": Command("/delete 3", "delete it on this device alone; it asks first", self._delete),
        }

    def entered(self, command: str) -> None:
        """The person has entered this command, or something else: what they were asked before is no longer asked."""
        if self._asked is not None and self._asked[0] != command:
            self._asked = None

    def _last(self, words: str = "", *, is_own: bool) -> MessageView | None:
        """The last message of one's own or of the other one, that has these words."""
        messages = self._now().messages
        return messages.last(words, is_own=is_own) if messages is not None else None

    def _by_number(self, words: str) -> tuple[MessageView | None, str] | None:
        """The message whose number stands in front, and what stands behind it; None if no number does.

        “#3” is a number, whether a message has it or not; “3” is one only if a message has it.
        """
        first, _, rest = words.partition(" ")
        digits, messages = first.removeprefix("#"), self._now().messages
        if messages is None or not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
            return None
        place = self._numbered(int(digits))
        message = messages.find(*place) if place is not None else None
        return (message, rest.strip()) if message is not None or first != digits else None

    def _about(self, words: str, *, is_own: bool, needs_words: bool = True) -> tuple[MessageView | None, str]:
        """The message that a command is about, by its number or the last one, and what is said of it.

        Args:
            is_own: whether the last one of one's own is meant, and none of the other one's can be.
            needs_words: a number alone is not one, but what is said.
        """
        found, messages = self._by_number(words), self._now().messages
        if found is None or (needs_words and not found[1] and not words.startswith("#")):
            return self._last(is_own=is_own), words
        message, rest = found
        if message is None or messages is None:
            return None, rest
        fits = messages.can_edit(message) if is_own else messages.can_reply(message)
        return (message if fits else None), rest

    def _reply(self, words: str) -> None:
        message, text = self._about(words, is_own=False)
        if message is not None and text:
            self._send(text, (message.author, message.number))
        else:
            self._complain(strings.NOTHING_TO_ANSWER)

    def _react(self, words: str) -> None:
        message, emoji = self._about(words, is_own=False, needs_words=False)
        chat = self._now().chat
        if message is None or chat is None:
            self._complain(strings.NOTHING_TO_ANSWER)
        elif emoji and not content.is_emoji(emoji):
            self._complain(strings.NO_EMOJI)
        else:
            self._post(events.ReactToMessage(chat, message.author, message.number, emoji))

    def _edit(self, words: str) -> None:
        (message, text), now = self._about(words, is_own=True), self._now()
        complaint = self._app.complaint(now.chat, text)
        if message is None or now.chat is None or complaint:
            self._complain(complaint or strings.NOTHING_TO_EDIT)
        else:
            self._post(events.EditMessage(now.chat, message.author, message.number, text))

    def _delete(self, words: str) -> None:
        self._take_away(words, "/delete", events.DeleteMessage, strings.DELETED)

    def _retract(self, words: str) -> None:
        self._take_away(words, "/retract", events.RetractMessage, strings.DELETED_FOR_BOTH)

    def _take_away(
        self, words: str, command: str, event: type[events.DeleteMessage | events.RetractMessage], done: str
    ) -> None:
        """Delete the message that the person was asked about, or ask about one, by its number or its words."""
        if not words and self._asked is not None and self._asked[:2] == (command, self._now().chat):
            (_, chat, message), self._asked = self._asked, None
            self._post(event(chat, message.author, message.number))
            self._tell(f"{done}. {strings.PRINTED_STAYS}")
        else:
            self._ask(command, self._to_take_away(words, both=event is events.RetractMessage))

    def _to_take_away(self, words: str, *, both: bool) -> MessageView | None:
        """Which message is meant, if it can be deleted on this device, or for both: then it is one of one's own."""
        messages, found = self._now().messages, self._by_number(words)
        if messages is None:
            return None
        if found is not None:
            message = found[0]
        else:
            message = messages.last(words, is_own=True) if both else messages.arrived.to_delete(words)
        can = messages.can_edit if both else messages.can_delete
        return message if message is not None and can(message) else None

    def _ask(self, command: str, message: MessageView | None) -> None:
        """Say which message it is, and what it means to delete it."""
        now = self._now()
        if message is None or now.chat is None or now.messages is None:
            self._asked = None
            self._complain(strings.NOTHING_TO_DELETE)
            return
        self._asked = command, now.chat, message
        who, waits = strings.ME if message.is_own else name_tag(now.name), now.messages.waits(message)
        self._tell(f"{who}, {times.clock(message.at)}: {one_line(message.text)}")
        both = command == "/retract"
        note = strings.delete_message_note(name_tag(now.name), kept=now.is_kept, waits=waits, both=both)
        self._tell(f"{note} {command} alone {'takes it back' if waits else 'deletes it'}.")
