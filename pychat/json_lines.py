"""A chat as lines of JSON: what happens in it, and what a program wants to have done.

`docs/reference/terminal.md` lists both.
"""

import asyncio
import base64
import json
from typing import Any

from pychat.client import Chat, MessageGone, Person
from pychat.core.link import LinkPhase
from pychat.native.screens.sanitize import json_line
from pychat.said import Edited, Message, MessageId, Reacted, Retracted, Said

_COMMANDS = "This is no command: there are message, edit, retract and react, each with what it needs."


class CommandRefused(ValueError):
    """A line that is no command; the text says why."""


class Events:
    """What happens in a chat. Each method returns lines, with their ends, or "".

    `has_news` is set when there are some that nobody has asked for yet.
    """

    def __init__(self, chat: Chat) -> None:
        self.has_news = asyncio.Event()
        self._chat = chat
        self._person: Person | None = None  # as it was told last
        self._is_connected = False
        self._sent: list[tuple[Message, int]] = []

    def sent(self, message: Message, line: int) -> None:
        """Note that a line of the input has become this message."""
        self._sent.append((message, line))
        self.has_news.set()

    def news(self) -> str:
        """Whether they have come or gone since the last time, and what has become of them; and what was sent."""
        self.has_news.clear()
        phase, person = self._chat.phase, self._chat.person
        lines = ""
        if phase is LinkPhase.OPEN and self._chat.introduced and person is not None:
            lines += self._of_person(person)
        elif phase is not LinkPhase.CLOSED:
            lines += json_line("disconnected") if self._is_connected else ""
            self._is_connected = False
        if self._person is not None:  # before that, it may go to somebody with whom something was said already
            sent, self._sent = self._sent, []
            lines += "".join(self._of_sent(message, line) for message, line in sent)
        return lines

    def _of_person(self, person: Person) -> str:
        before, self._person = self._person, person
        if not self._is_connected or before is None:
            self._is_connected = True
            signs = self._chat.signs
            compared = {"signs": [emoji.name for emoji in signs.emoji], "number": signs.number} if signs else {}
            return json_line("connected", None, **_who(person), **compared)
        renamed = json_line("renamed", None, **_who(person)) if person.name != before.name else ""
        return renamed + (json_line("trust", None, **_who(person)) if person.trust is not before.trust else "")

    def _of_sent(self, message: Message, line: int) -> str:
        return json_line("sent", message.at, id=self._chat.id_now(message)._asdict(), line=line)

    def said(self, said: Said) -> str:
        """What they have said."""
        news = self.news()
        about: dict[str, Any] = {"id": said.id._asdict()}
        match said:
            case Message():
                event = "message"
                about["text"] = said.text
                if said.answers is not None:
                    about["answers"] = said.answers._asdict()
                if said.is_newer:
                    about["newer"] = True
            case Edited():
                event = "edited"
                about["text"] = said.text
            case Retracted():
                event = "retracted"
            case Reacted():
                event = "reacted"
                about["emoji"] = said.emoji
        return news + json_line(event, said.at, **about, **_who(self._person))

    def delivered(self) -> str:
        """How much has arrived."""
        last = self._chat.acknowledged
        return self.news() + json_line("delivered", count=last.number, id=last._asdict())

    def refused(self, line: int, problem: str) -> str:
        """A line of the input that was not done."""
        return json_line("refused", line=line, problem=problem)

    def ended(self) -> str:
        """The last line."""
        close_reason = self._chat.close_reason
        return self.news() + json_line("ended", reason=close_reason.value if close_reason is not None else "")


def _who(person: Person | None) -> dict[str, str]:
    if person is None:
        return {}
    return {"key": base64.b64encode(person.key).decode(), "name": person.name, "trust": person.trust.value}


def do(chat: Chat, line: str) -> Message | None:
    """Do what a line of the input wants to have done; returns the message that was written, if it was one.

    Raises:
        CommandRefused: it is no command.
        MessageGone: there is no such message.
        MessageRefused, ValueError: as the methods of `Chat`.
    """
    try:
        wanted = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CommandRefused("This is no JSON.") from error
    match wanted:
        case {"do": "message", "text": str(text), "answers": of, **others} if not others:
            return chat.send(text, reply_to=_find(chat, of))
        case {"do": "message", "text": str(text), **others} if not others:
            return chat.send(text)
        case {"do": "edit", "id": of, "text": str(text), **others} if not others:
            chat.edit(_find(chat, of), text)
        case {"do": "retract", "id": of, **others} if not others:
            chat.retract(_find(chat, of))
        case {"do": "react", "id": of, "emoji": str(emoji), **others} if not others:
            chat.react(_find(chat, of), emoji)
        case _:
            raise CommandRefused(_COMMANDS)
    return None


def _find(chat: Chat, id: object) -> Message:
    match id:
        case {"log": str(log), "number": int(number), **others} if not others and type(number) is int:
            message = chat.message(MessageId(log, number))
        case _:
            raise CommandRefused('An id has a “log” and a “number”, as in {"log":"…","number":1}.')
    if message is None:
        raise MessageGone
    return message
