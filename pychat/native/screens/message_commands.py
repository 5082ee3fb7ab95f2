"""What can be done with a message in a terminal: answer it, react to it, edit it, delete it here or for both."""

from collections.abc import Callable, Mapping

from pychat.core import content, events
from pychat.core.ids import AuthorId, ChatId
from pychat.native.screens.sanitize import name_tag, one_line
from pychat.ports import Post
from pychat.ui import strings, times
from pychat.ui.app import App
from pychat.ui.messages import MessageView
from pychat.ui.view import View


class MessageCommands:
    """The commands that are about one message. What deletes one says which, and does it when it is said once more.

    Args:
        now: what the terminal shows.
        send: sends a text, which answers a message by its author and number.
        tell: prints a sentence.
        complain: prints what is wrong.
    """

    def __init__(
        self,
        app: App,
        post: Post,
        now: Callable[[], View],
        send: Callable[[str, tuple[AuthorId, int]], None],
        tell: Callable[[str], None],
        complain: Callable[[str], None],
    ) -> None:
        self._app = app
        self._post = post
        self._now = now
        self._send = send
        self._tell = tell
        self._complain = complain
        self._asked: tuple[str, ChatId, MessageView] | None = None  # by which command, and about which message

    def commands(self) -> Mapping[str, tuple[str, Callable[[str], None]]]:
        """What each is for, and what it does with the words behind it."""
        return {
            "/reply": ("/reply Yes: answer their last message", self._reply),
            "/react": ("/react 👍: react to their last message; alone it takes that back", self._react),
            "/edit": ("/edit Good morning: say your last message anew", self._edit),
            "/delete": ("/delete green tea: delete the last message with these words on this device", self._delete),
            "/retract": ("/retract green tea: delete your last message with these words for both", self._retract),
        }

    def entered(self, command: str) -> None:
        """The person has entered this command, or something else: what they were asked before is no longer asked."""
        if self._asked is not None and self._asked[0] != command:
            self._asked = None

    def _last(self, words: str = "", *, is_own: bool) -> MessageView | None:
        """The last message of one's own or of the other one, that has these words."""
        messages = self._now().messages
        return messages.last(words, is_own=is_own) if messages is not None else None

    def _reply(self, text: str) -> None:
        message = self._last(is_own=False)
        if message is not None and text:
            self._send(text, (message.author, message.number))
        else:
            self._complain(strings.NOTHING_TO_ANSWER)

    def _react(self, emoji: str) -> None:
        message, chat = self._last(is_own=False), self._now().chat
        if message is None or chat is None:
            self._complain(strings.NOTHING_TO_ANSWER)
        elif emoji and not content.is_emoji(emoji):
            self._complain(strings.NO_EMOJI)
        else:
            self._post(events.ReactToMessage(chat, message.author, message.number, emoji))

    def _edit(self, text: str) -> None:
        message, now = self._last(is_own=True), self._now()
        complaint = self._app.complaint(now.chat, text)
        if message is None or now.chat is None or complaint:
            self._complain(complaint or strings.NOTHING_TO_EDIT)
        else:
            self._post(events.EditMessage(now.chat, message.author, message.number, text))

    def _delete(self, words: str) -> None:
        """Delete the message that the person was asked about, or ask about the last one, with these words if any."""
        meant = self._meant(words)
        if meant is not None:
            chat, message = meant
            self._post(events.DeleteMessage(chat, message.author, message.number))
            self._tell(f"{strings.DELETED}. {strings.PRINTED_STAYS}")
            return
        messages = self._now().messages
        self._ask("/delete", messages.arrived.to_delete(words) if messages is not None else None)

    def _retract(self, words: str) -> None:
        """The same for both; only of one's own."""
        meant = self._meant(words)
        if meant is not None:
            chat, message = meant
            self._post(events.RetractMessage(chat, message.author, message.number))
            self._tell(f"{strings.DELETED_FOR_BOTH}. {strings.PRINTED_STAYS}")
            return
        self._ask("/retract", self._last(words, is_own=True))

    def _meant(self, words: str) -> tuple[ChatId, MessageView] | None:
        """The message that the person was asked about, if they mean it."""
        if words or self._asked is None or self._asked[1] != self._now().chat:
            return None
        (_, chat, message), self._asked = self._asked, None
        return chat, message

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
