"""What a person is called for who is not looking: a notification, a sound, a number beside the name of the page.

Theory of operation. A screen tells after each turn who there is and what they have read (`Calling.look`). What is
unread is counted in one place (`unread`), for the list of people, the title, the icon and the badge alike. A call is
for what comes while nobody looks at the page; what was there when it was opened calls nobody. A conversation has one
notification at a time, whatever comes in it, and all whom one does not know yet share one: a crowd cannot cover a
screen. Who is read needs no notification any more.

What a notification shows is shown to whoever sees the screen, and the system keeps it as it likes. So it says no more
than the person has chosen, no name of somebody who may only use that of another, and no text of a conversation of which
nothing is kept.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from pychat.core.chat.records import NOTHING
from pychat.core.ids import ChatId
from pychat.ui import strings
from pychat.ui.settings import Notify
from pychat.ui.strings import Trust
from pychat.ui.view import PersonView

SOUND_PAUSE = 3.0
"""Seconds between two sounds at least."""
MOST_SHOWN = 200
"""Code points of a message that a notification shows."""
NEWCOMERS = "somebody"
"""The tag of the notification that whoever is not known yet shares with others."""


class Permission(Enum):
    """Whether notifications can be shown (WHATWG Notifications, section 2.1); NONE where there is no such thing."""

    NONE = "none"
    DEFAULT = "default"
    DENIED = "denied"
    GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification; one with the same tag takes the place of the former one."""

    tag: str
    chat: ChatId
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Calls:
    """What is to be done: `total` messages are unread; notices to show, and the tags of those that are over."""

    total: int
    show: tuple[Notice, ...]
    close: tuple[str, ...]
    sounds: bool


def unread(person: PersonView, seen: int) -> int:
    """How many messages of a conversation were not read, of which so many have been on the screen."""
    return max(0, person.messages - max(seen, person.read) - person.changes)


def total_unread(people: Sequence[PersonView], seen: Mapping[ChatId, int]) -> int:
    """How many there are in all; whoever has just come counts as one, however many, so that a crowd is no flicker."""
    known = sum(unread(person, seen.get(person.conversation, 0)) for person in people if not person.new)
    return known + any(person.new for person in people)


def title(total: int) -> str:
    """The title of the page, which says how much is unread, and of nobody."""
    return f"({total}) pychat" if total else "pychat"


def tag_of(chat: ChatId) -> str:
    """What a conversation's notification is known by to the browser and the system, which may keep it."""
    return hashlib.sha256(b"pychat notification\0" + chat.encode()).hexdigest()[:16]


def may_offer(people: Sequence[PersonView], permission: Permission, notify: Notify, *, was_asked: bool) -> bool:
    """Whether it is time to ask if notifications are wanted: once, and only after two have talked."""
    if was_asked or notify is Notify.OFF or permission is not Permission.DEFAULT:
        return False
    return any(person.last is not None and person.messages > 1 for person in people)


class Calling:
    """Sees from one look to the next what has come, and what was read."""

    def __init__(self) -> None:
        self._before: dict[ChatId, PersonView] | None = None
        self._fresh: set[ChatId] = set()  # whose conversation was not there when the page was opened
        self._shown: dict[str, tuple[ChatId, bool]] = {}  # by its tag: of which chat, and whether for what is unread
        self._sounded = 0.0

    def look(
        self,
        people: Sequence[PersonView],
        seen: Mapping[ChatId, int],
        *,
        is_watched: bool,
        notify: Notify,
        sound: bool,
        keep_for: Callable[[ChatId], int],
        now: float,
    ) -> Calls:
        """What a person is to be called for by now.

        Args:
            seen: how many messages of each chat have been on the screen.
            is_watched: the page is seen, and has the keyboard.
            notify: what a notification may show; OFF also where none can be shown.
            sound: whether the person wants to hear something.
            keep_for: for how many seconds what is said in a chat is kept (`records`).
        """
        before = self._before
        self._before = {person.conversation: person for person in people}
        notices: dict[str, Notice] = {}
        is_called = False
        for person in people:
            former = before.get(person.conversation) if before is not None else person
            if former is None:
                self._fresh.add(person.conversation)
            has_come, has_written = self._has_come(person, former), _has_written(person, former)
            if is_watched or person.trust is Trust.ONESELF or not (has_come or has_written):
                continue
            is_called = True
            count = unread(person, seen.get(person.conversation, 0))
            if notify is not Notify.OFF and (has_come or count):
                shown = Notify.NAME if keep_for(person.conversation) == NOTHING and notify is Notify.TEXT else notify
                notice = _notice(person, shown, has_come=has_come and not has_written)
                notices[notice.tag] = notice
                self._shown[notice.tag] = person.conversation, bool(count)
        self._fresh &= self._before.keys()
        sounds = sound and is_called and now - self._sounded >= SOUND_PAUSE
        if sounds:
            self._sounded = now
        over = tuple(self._over(seen, is_watched=is_watched))
        return Calls(total_unread(people, seen), tuple(notices.values()), over, sounds)

    def forget(self) -> tuple[str, ...]:
        """The tags of all that is shown: the page is left."""
        tags = tuple(self._shown)
        self._shown.clear()
        return tags

    def chat_of(self, tag: str) -> ChatId | None:
        """The conversation that a notification is about; None for one of nobody who is there."""
        if tag in self._shown:
            return self._shown[tag][0]
        return next((chat for chat in self._before or () if tag_of(chat) == tag), None)

    def _has_come(self, person: PersonView, former: PersonView | None) -> bool:
        """Whether somebody is there who was not known when the page was opened, for the first time."""
        if person.conversation in self._fresh and person.is_there:
            self._fresh.discard(person.conversation)
            return True
        return person.new and not (former is not None and former.new)

    def _over(self, seen: Mapping[ChatId, int], *, is_watched: bool) -> list[str]:
        assert self._before is not None
        over = []
        for tag, (chat, for_unread) in self._shown.items():
            person = self._before.get(chat)
            is_read = person is None or (not person.new and not unread(person, seen.get(chat, 0)))
            if person is None or (is_read and (is_watched or for_unread)):
                over.append(tag)
        for tag in over:
            del self._shown[tag]
        return over


def _has_written(person: PersonView, former: PersonView | None) -> bool:
    """Whether the last message is another one, and theirs; what came before a crowd's door was opened is not told."""
    if person.last is None or person.last.is_own or person.new:
        return False
    return former is None or (person.last != former.last and person.messages > former.messages)


def _notice(person: PersonView, notify: Notify, *, has_come: bool) -> Notice:
    tag = NEWCOMERS if person.new else tag_of(person.conversation)
    if person.warned or notify is Notify.NOTHING:
        said = strings.SOMEBODY_HAS_COME if has_come else strings.NEW_MESSAGE
        return Notice(tag, person.conversation, "pychat", said)
    said = strings.HAS_COME if has_come else strings.NEW_MESSAGE
    if notify is Notify.TEXT and not has_come and person.last is not None:
        said = " ".join(person.last.text.split())[:MOST_SHOWN] or said
    return Notice(tag, person.conversation, person.name, said)
