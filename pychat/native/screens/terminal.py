"""The chat in a terminal: shows the view, hands over intents. What has been said scrolls up and stays there.

Above the input line stands what is not delivered yet, so that what is printed is true for good: a message of one's own
is printed once it has arrived.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from prompt_toolkit.utils import is_dumb_terminal
from wcwidth import clip, width

from pychat.core import content, events
from pychat.core.chat.conversation import Delivery
from pychat.core.chat.relations import Place
from pychat.core.codes.pasted import page_at, page_in, read, relay_of
from pychat.core.codes.roomcode import RoomCode, encode
from pychat.core.errors import CodeError
from pychat.core.ids import AuthorId, ChatId, PublicKey
from pychat.core.webrtc.stats import Stats
from pychat.native.screens import qr
from pychat.native.screens.commands import HIGHEST, Command, Commands, Numbers, teach
from pychat.native.screens.composer import Composer, Text
from pychat.native.screens.markup import as_written, styled
from pychat.native.screens.message_commands import MessageCommands
from pychat.native.screens.sanitize import author_tag, cells_of, name_tag, one_line, paragraph, styled_paragraph
from pychat.native.screens.settings import SUGGESTED
from pychat.ports import Post
from pychat.ui import keeping, strings, times
from pychat.ui.app import App
from pychat.ui.messages import Messages, MessageView
from pychat.ui.settings import Settings, is_local
from pychat.ui.strings import Trust
from pychat.ui.view import Card, DetailsView, PersonView, Progress, RoomView, View

_SHOWN_WAITING = 3
"""Messages above the input line at most; the rest is counted."""
_PATIENCE = 1.0
"""Seconds that somebody who quits waits for what is about to be delivered."""
_SCROLLBACK = 20
"""Messages of former runs that are printed when one turns to somebody."""
_SHOWN_COMMAND = 20
"""Characters of an unknown command at most that are repeated: it may be a line that was pasted."""
_SIGNS = {Progress.TO_COME: "·", Progress.NOW: "…", Progress.DONE: "✓", Progress.FAILED: "✗"}
_STYLES = {
    Progress.TO_COME: "",
    Progress.NOW: "class:now",
    Progress.DONE: "class:done",
    Progress.FAILED: "class:failed",
}


_BADGES = {Trust.VERIFIED: "class:done", Trust.NEW: "class:now", Trust.KNOWN: "class:now"}
_COLORS = ("fg:#00875f", "fg:#0087af", "fg:#5f8700", "fg:#875fd7", "fg:#af5f00", "fg:#d7005f")
"""Of names, by the key of whose it is: such of a terminal's 256 colours as are seen well on black and on white."""
_GAP = 2
"""Spaces at least between a message and what is noted at its right."""
_SHORTEST_NAME = 10
"""Cells that the bottom line gives to a name, if need be at the cost of what stands behind it."""

UNSURE = (Trust.NEW, Trust.KNOWN)


@dataclass(slots=True)
class _Printed:
    """How much of a conversation is on the screen: how far the timeline was looked at, and how many of our own.

    `place` is as if places had stayed as they were at first (`Messages.shifted`). `numbers` are those of the messages.
    """

    place: int = 0
    own: int = 0
    numbers: Numbers = field(default_factory=Numbers)


class TerminalPage:
    """Joins a terminal to a person's chats.

    Args:
        post: hands an event to the driver, which takes it at once.
        page: the address of a page with pychat, to which invites, replies and rooms of our own are links; or "".
        settings: from which the servers to ask follow.
        symbols: whether the terminal can show blocks and ticks.
    """

    def __init__(self, app: App, post: Post, *, page: str, settings: Settings, colors: bool, symbols: bool) -> None:
        self._app = app
        self._post = post
        self._page = page
        self._came_by = ""  # the link of a room, which need not be shown to whoever has it
        self._settings = settings
        self._draws_qr = colors and symbols
        self._has_styles = colors and not is_dumb_terminal()
        self._delivered = "✓" if symbols else Delivery.DELIVERED.value
        self._composer = Composer(self._above, self._below, colors=colors)
        self._selected: ChatId | None = None
        self._openings = 0
        self._told_other: ChatId | None = None
        self._printed: dict[AuthorId, _Printed] = {}
        self._status = ("", "")
        self._handed_over = self._problem = ""
        self._stats: Stats | None = None
        self._news = asyncio.Event()  # something may have changed
        self._is_searching = False
        self._leaving = self._wants_to_leave = self._warned = False
        self._wants_details = self._told_not_kept = self._told_servers = self._told_deletion = False
        self._comparing: PublicKey | None = None
        self._comparing_as = ""  # the name that was shown with what to compare
        self._doubted: PublicKey | None = None
        self._told_guesses = self._told_history = False
        self._warning = self._warned_of = ""
        self._hinted: set[ChatId] = set()
        self._new_name = ""
        self._message_commands = MessageCommands(
            app, post, lambda: self._now, self._numbered, self._send, self._tell, self._complain
        )
        self._groups: dict[str, Commands] = {
            "What is said": {
                **self._message_commands.commands(),
                "/search": Command("/search green tea", "find what was said, in all conversations", self._search),
                "/keep": Command("/keep 7 days", "how long it is kept here; also forever, nothing", self._keep),
            },
            "Who is there": {
                "/verify": Command("/verify", "the pictures and the number that you two compare", self._verify),
                "/match": Command("/match", "say that you both see the same", self._match),
                "/differ": Command("/differ", "say that you do not: ends the connection", self._differ),
                "/accept": Command("/accept", "call them by the new name that they have taken", self._accept_name),
                "/anyway": Command("/anyway", "talk in spite of a warning", self._talk_anyway),
                "/name": Command("/name Ann", "how others see you from now on", self._choose_name),
            },
            "Others": {
                "/people": Command("/people", "whom you have talked to, and what was said last", self._people),
                "/talk": Command("/talk Ann", "turn to one of them, and look for them", self._talk),
                "/switch": Command("/switch", "turn to somebody else who has come, and back", self._switch),
            },
            "The connection": {
                "/invite": Command("/invite", "a new invite once a connection has ended", self._invite),
                "/link": Command("/link", "a new link to the room; the former one stops working", self._renew),
                "/lock": Command("/lock", "let nobody else into the room; once more lets them in", self._lock),
                "/here": Command("/here", "use the room here, and not in another program of yours", self._claim),
                "/details": Command("/details", "the path, the traffic, the two fingerprints", self._details),
            },
            "This program": {
                "/help": Command("/help", "this", self._help),
                "/quit": Command("/quit", "leave; Ctrl-C and Ctrl-D do the same", self._quit),
            },
        }
        self._commands = {name: command for group in self._groups.values() for name, command in group.items()}

    async def run(
        self,
        settle: Callable[[], Awaitable[None]],
        *,
        code: str | None,
        joins: bool,
        room: bool = False,
        talk: str | None = None,
    ) -> int:
        """Talk until the person leaves; returns how many of their messages were not delivered.

        Args:
            settle: waits until all that has come is kept, and acknowledged.
            code: an invite to take at once.
            joins: whether there is, or will be, an invite of somebody else; else one is made.
            room: whether to open a room, at the relay of the page.
            talk: the name of somebody known, to find them again; "" to choose among them.
        """
        if code is not None:
            self._take_code(code)
        elif room:
            self._begin(events.CreateRoom(relay_of(self._page)), self._page)
        elif talk is not None:
            self._talk(talk)
        elif not joins:
            self._begin(events.CreateInvite(), self._page)
        self.render()
        while not self._leaving:
            try:
                text = await self._composer.read()
            except (KeyboardInterrupt, EOFError):
                self._wants_to_leave = True
            else:
                self._warned &= text.strip() == "/quit"
                self._enter(text)
            if self._wants_to_leave:
                await self._leave()
        await settle()
        undelivered = self._undelivered
        if self._selected is not None:
            self._post(events.LeaveConversation(self._selected))
        await self._composer.drained()
        return undelivered

    def render(self) -> None:
        """Print what is new, and show the rest again."""
        self._news.set()
        self._select()
        now = self._now
        if now.code_problem != self._problem:
            self._problem = now.code_problem
            self._complain(now.code_problem)
        if (now.headline, now.sentence) != self._status and now.chat is not None and not self._leaving:
            self._status = now.headline, now.sentence
            how = " /here does that." if now.card is Card.ELSEWHERE else ""
            self._tell(f"{now.headline}. {now.sentence}{how}")
        self._tell_servers()
        to_hand_over = self._to_hand_over(now)
        if to_hand_over != self._handed_over:
            self._handed_over = to_hand_over
            self._hand_over(to_hand_over, now)
        if now.warning != self._warned_of:
            self._warned_of = now.warning
            self._warning = (
                f"{now.warning} /verify compares, /anyway talks to them, /quit leaves." if now.warning else ""
            )
            self._complain(self._warning)
        if now.guesses and not self._told_guesses:
            self._complain(now.guesses)
        self._told_guesses = bool(now.guesses)
        if self._app.not_kept and not self._told_not_kept:
            self._told_not_kept = True
            self._complain(f"{strings.CONTACTS_NOT_KEPT} ({self._app.not_kept})")
        if self._app.history_problem and not self._told_history:
            self._told_history = True
            self._complain(f"{strings.history_problem(self._app.history_problem)}.")
        if self._app.deletion_problem and not self._told_deletion:
            self._complain(strings.deletion_problem(self._app.deletion_problem))
        self._told_deletion = bool(self._app.deletion_problem)
        if self._is_searching:
            self._tell_found()
        if now.chat is not None and now.messages is not None:
            self._hint(now.chat, now)
            self._print_messages(now.messages, now)
        if self._wants_details and (now.details.stats is not self._stats or not now.is_live):
            self._wants_details = False
            self._post(events.WatchDetails(None))
            self._tell_details(now.details)
        self._composer.refresh()

    def warn(self, sentence: str) -> None:
        """Tell the person of something that goes wrong beside the chat."""
        self._complain(sentence)

    @property
    def _now(self) -> View:
        """What is shown, as it is now."""
        return self._app.view(self._selected)

    def _select(self) -> None:
        """Go where the person's own act has led, or to where the conversation is carried on while nobody is in it.

        Nothing that somebody else does leads away from a conversation that has a person: whoever writes decides who
        reads it.
        """
        wanted = self._selected
        if self._openings != self._app.openings:
            self._openings, wanted = self._app.openings, self._app.opened
        chat = self._app.resolve(wanted)
        if chat is None:
            return
        if chat != self._selected:
            self._turn_to(chat)
        other = self._somebody_else()
        if other is not None and other.conversation != self._told_other:
            self._tell(f"Somebody else is there: {name_tag(other.name)} /switch turns to them.")
        self._told_other = other.conversation if other is not None else None

    def _turn_to(self, conversation: ChatId) -> None:
        self._selected = conversation
        self._post(events.ShowConversation(conversation))

    def _somebody_else(self) -> PersonView | None:
        """Whoever has come last in another conversation than the one that is shown, and is still there."""
        people = self._now.people
        others = [person for person in people if person.conversation != self._selected and person.is_there]
        return others[-1] if others else None

    # What the person does.

    def _enter(self, text: str) -> None:
        word = text.strip()
        if not word:
            return
        first, _, rest = word.partition(" ")
        self._message_commands.entered(first)
        command = self._commands.get(first)
        if command is not None:
            command.act(rest.strip())
        elif word.startswith("/") and not word.startswith("//"):
            self._complain(
                f"There is no command {first[:_SHOWN_COMMAND]}. There are {', '.join(self._commands)}; /help says what "
                "they do. Two // begin a message with one."
            )
        elif self._wants_code(word):
            self._problem = ""
            self._take_code(word)
        else:
            self._send(word.removeprefix("/") if word.startswith("//") else text.strip("\r\n"))

    def _take_code(self, text: str) -> None:
        """Take an invite, a reply or a room; that is at the relay of its link's page, else at that of our own page."""
        page = page_in(text) or self._page
        relay = relay_of(page)
        with suppress(CodeError):
            code = read(text)
            if isinstance(code, RoomCode):
                self._came_by = qr.link(page_at(relay), encode(code))
        self._begin(events.PasteCode(text, relay), page)

    def _begin(
        self,
        event: events.CreateInvite | events.CreateRoom | events.PasteCode | events.ConnectAgain,
        page: str,
    ) -> None:
        """Begin something that has to do with this page; nothing but its own room changes by that."""
        before = self._app.ice
        if not is_local(page):
            self._post(events.ConfigureIce(self._settings.ice(SUGGESTED)))
        self._post(event)
        if self._now.code_problem:
            self._post(events.ConfigureIce(before))

    def _wants_code(self, text: str) -> bool:
        card = self._now.card
        if self._selected is None or card is Card.INVITE:
            return True
        if card is not Card.AGAIN:
            return False
        try:
            read(text)
        except CodeError:
            return False
        return True

    def _send(self, text: str, reply_to: tuple[AuthorId, int] | None = None) -> None:
        now = self._now
        complaint = self._warning if now.warning else self._app.complaint(now.chat, text)
        if complaint:
            self._complain(complaint)
        elif now.chat is not None:
            self._post(events.WriteMessage(now.chat, text, reply_to))

    def _quit(self, _: str) -> None:
        self._wants_to_leave = True

    async def _leave(self) -> None:
        """Leave, unless something is not delivered: it may be in a moment, and else it is to be known."""
        self._wants_to_leave = False
        if not self._warned:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    while self._undelivered and self._now.state == "open":
                        self._news.clear()
                        await self._news.wait()
        undelivered = self._undelivered
        if not undelivered or self._warned:
            self._leaving = True
            return
        self._warned = True
        self._complain(f"{strings.undelivered(undelivered)} Ctrl-C once more leaves all the same.")

    def _lock(self, _: str) -> None:
        self._in_room(lambda number, room: events.SetRoomLock(number, not room.locked))

    def _renew(self, _: str) -> None:
        self._in_room(lambda number, _: events.RotateRoomSecret(number))

    def _claim(self, _: str) -> None:
        if self._now.card is not Card.ELSEWHERE:
            self._complain("The room is open in no other program of yours.")
        elif self._selected is not None:
            self._post(events.TakeOverRoom(self._selected))

    def _in_room(self, event: Callable[[ChatId, RoomView], events.Event]) -> None:
        now = self._now
        if now.chat is None or now.room is None or now.room.left:
            self._complain("You are in no room.")
            return
        self._post(event(now.chat, now.room))
        now = self._now
        if now.room is not None and now.room.locked:
            self._tell(strings.LOCK_NOTE)

    def _people(self, _: str) -> None:
        people = self._known()
        if not people:
            self._tell("You have talked to nobody yet, or nothing of it is kept.")
        for number, person in enumerate(people, 1):
            when, last = "", ""
            if person.last is not None:
                when = f", {times.short(person.last.at, date.today())}"
                last = f" {strings.ME + ': ' if person.last.is_own else ''}{one_line(person.last.text)}"
            self._tell(f"{number} {name_tag(person.name)}{when}:{last}")
        if people:
            self._tell("/talk and a number or a name turns to one of them.")

    def _known(self) -> list[PersonView]:
        people = [person for person in self._app.view(None).people if person.trust is not Trust.NOBODY]
        return sorted(people, key=lambda person: person.last.at if person.last is not None else 0, reverse=True)

    def _talk(self, whom: str) -> None:
        """Turn to somebody known, by their number in the list or their name, and look for them."""
        people = self._known()
        if whom.isascii() and whom.isdigit():
            found = people[int(whom) - 1 : int(whom)] if int(whom) else []
        else:
            found = [person for person in people if person.name.casefold() == whom.casefold()]
        if len(found) != 1:
            if whom:
                self._complain(
                    "There are several of that name." if found else "There is nobody of that name, or number."
                )
            self._people("")
            return
        chat = found[0].conversation
        self._turn_to(chat)
        relay = self._app.relay_for(chat)
        if relay:
            self._begin(events.ConnectAgain(chat), page_at(relay))
        self.render()

    def _search(self, query: str) -> None:
        if not query:
            self._complain("/search and some words finds what was said.")
            return
        self._is_searching = True
        self._post(events.Search(query))
        self.render()

    def _tell_found(self) -> None:
        """Print what was found, the newest last, once all was looked through."""
        found = self._app.search
        if found.is_reading:
            return
        self._is_searching = False
        for hit in reversed(found.hits):
            who = f"{strings.ME}: " if hit.is_own else ""
            when = f"{times.day(hit.at, date.today())} {times.clock(hit.at)}"
            self._tell(f"{name_tag(hit.name)}, {when}: {who}{one_line(''.join(hit.excerpt))}")
        self._tell(found.note)
        self._post(events.Search(""))

    def _keep(self, text: str) -> None:
        now = self._now
        if now.chat is None or not now.is_kept:
            self._complain(strings.KEPT_NOWHERE)
            return
        if text:
            seconds = keeping.parse(text)
            if seconds is None:
                self._complain("Write a time, such as “/keep 7 days”; or “/keep forever”, “/keep nothing”.")
                return
            self._post(events.SetKeepFor(now.chat, seconds))
            now = self._now
        self._tell(strings.keep_note(now.keep_for))

    def _switch(self, _: str) -> None:
        other = self._somebody_else()
        if other is None:
            self._complain("There is nobody else.")
            return
        self._turn_to(other.conversation)
        self.render()

    def _invite(self, _: str) -> None:
        if self._now.card is Card.AGAIN or self._selected is None:
            self._post(events.CreateInvite(self._selected))
        else:
            self._complain("The connection has not ended: there is no need for a new invite.")

    def _help(self, _: str) -> None:
        for line in teach(self._groups):
            self._tell(line)
        self._tell(f"The number of a message stands at its right; after {HIGHEST} they begin anew.")
        self._tell("Without one a command is about the last message, or the last one with the words behind it.")
        self._tell("Anything else is a message. A code is recognised where one is wanted.")

    def _details(self, _: str) -> None:
        now = self._now
        if not now.is_live:
            self._tell_details(now.details)
            return
        self._stats = now.details.stats
        self._wants_details = True  # as soon as they are read
        self._post(events.WatchDetails(self._selected))

    def _verify(self, _: str) -> None:
        now = self._now
        if now.chat is None or now.signs is None:
            self._complain("There is nobody to compare with: you are not connected.")
            return
        self._tell(": ".join(filter(None, (strings.TRUST[now.trust][0], now.trust_note))))
        if now.trust is Trust.ONESELF or now.peer is None:
            return
        self._comparing = now.peer
        self._comparing_as = self._app.known_as(now.peer)
        self._tell(", ".join(f"{emoji.sign} {emoji.name}" for emoji in now.signs.emoji))
        self._tell(f"or as a number: {now.signs.number}")
        self._tell(f"{strings.COMPARE} Then /match, else /differ.")
        self._tell(f"Safety number, the same at any time: {self._app.safety_number(now.peer)}")

    def _match(self, _: str) -> None:
        self._compared(match=True)

    def _differ(self, _: str) -> None:
        if self._comparing is not None and self._doubted != self._comparing:
            self._doubted = self._comparing
            self._complain(f"{strings.MISMATCH} {strings.MISMATCH_NOTE} /differ once more says so.")
        else:
            self._compared(match=False)

    def _compared(self, *, match: bool) -> None:
        now = self._now
        if now.chat is None or now.signs is None:
            self._complain("There is nobody to compare with: you are not connected.")
            return
        if self._comparing is None or self._comparing != now.peer:
            self._complain(f"/verify shows what to compare with {name_tag(now.name)}.")
            return
        self._post(events.ReportComparison(now.chat, self._comparing, self._comparing_as, match))
        if self._app.view(now.chat).trust is Trust.VERIFIED:
            badge, sentence = strings.TRUST[Trust.VERIFIED]
            self._tell(f"{badge}: {name_tag(now.name)}. {sentence}")

    def _accept_name(self, _: str) -> None:
        now = self._now
        if now.chat is None or not now.new_name:
            self._complain("Nobody here has taken another name.")
            return
        self._post(events.AcceptName(now.chat, now.new_name))
        self._tell(f"This is their name now: {name_tag(self._app.view(now.chat).name)}")

    def _talk_anyway(self, _: str) -> None:
        now = self._now
        if now.chat is not None and now.namesake is not None:
            self._post(events.DismissWarning(now.chat, now.namesake))

    def _choose_name(self, name: str) -> None:
        self._post(events.SetName(name))
        own = self._app.name
        self._tell(f"{f'You are {own} now' if own else 'You have no name now'}. {strings.NAME_NOTE}")

    def _tell_details(self, details: DetailsView) -> None:
        for name, value in (
            ("Path", details.path),
            ("Traffic", details.traffic),
            ("Your fingerprint", details.local_fingerprint),
            ("Their fingerprint", details.remote_fingerprint),
            ("Trouble", details.trouble),
        ):
            if value:
                self._tell(f"{name}: {value}")

    @property
    def _undelivered(self) -> int:
        return self._app.undelivered

    # What the screen shows.

    def _hint(self, chat: ChatId, now: View) -> None:
        """Say once who is there, when they are."""
        if now.signs is not None and now.introduced and chat not in self._hinted:
            self._hinted.add(chat)
            trust = strings.TRUST[now.trust][0]
            self._tell(f"{trust}: {name_tag(now.name)}" + (" /verify makes sure." if now.trust in UNSURE else ""))
        if now.new_name != self._new_name:
            self._new_name = now.new_name
            if now.new_name:
                self._tell(f"{now.hint} /accept calls them that.")

    def _print_messages(self, messages: Messages, now: View) -> None:
        lines: list[Text] = []
        if messages.key not in self._printed:
            first = max(0, messages.resumed - _SCROLLBACK)
            if first < messages.start and messages.has_earlier:
                return  # it is being read
            self._printed[messages.key] = _Printed(messages.resumed - messages.shifted)
            lines += self._scrollback(messages, now, first)
        printed = self._printed[messages.key]
        own_gone, (delivered, _) = messages.own_start - 1, messages.progress
        place = printed.place + messages.shifted
        if place < messages.start or printed.own < own_gone:
            self._tell(strings.OLDER_GONE)
            printed.own = max(printed.own, own_gone)
        while printed.own < delivered:
            printed.own += 1
            lines += self._message(messages.own(printed.own), printed.numbers, now)
        for message in messages.arrived[place:]:
            if not message.is_own:
                lines += self._message(message, printed.numbers, now)
        printed.place = len(messages) - messages.shifted
        self._composer.print(lines)

    def _scrollback(self, messages: Messages, now: View, first: int) -> Iterator[Text]:
        """What was said the last time, with the day above it."""
        day, numbers = "", self._printed[messages.key].numbers
        for place in range(max(first, messages.start), messages.resumed):
            message = messages[place]
            if message.is_hidden:
                continue
            if day != (day := times.day(message.at, date.today())):
                yield [("class:quiet", day)]
            waits = message.is_own and messages.delivery_at(place) is not Delivery.DELIVERED
            yield from self._message(message, numbers, now, waits=waits)

    def _message(self, message: MessageView, numbers: Numbers, now: View, *, waits: bool = False) -> list[Text]:
        """A message with its time, whether it is delivered, and its number."""
        if message.is_own:
            style, name = "class:mine", strings.ME
        else:
            style = _COLORS[now.peer[0] % len(_COLORS)] if now.peer else ""
            style, name = f"class:name {style}", author_tag(now.name, verified=now.trust is Trust.VERIFIED)
        if self._has_styles:
            said = styled(message.words)
            if message.answered:
                said.insert(0, [("class:quiet", f"> {one_line(message.answered)}")])
        else:
            said = as_written(message.lines)  # with the signs that make styles
        if waits and message.text:
            said[-1].append(("", f" ({Delivery.WAITING.value})"))
        note = [times.clock(message.at)]
        if message.is_own and not waits:
            note.append(self._delivered)
        if not message.is_deleted and message.change != content.DELETE:
            about = message.answers if message.is_hidden and message.answers is not None else message
            note.append(f"#{numbers.of((about.author, about.number))}")
        rows: list[Text] = [[*row] for row in styled_paragraph((style, name), said, self._composer.columns)]
        return self._noted(rows, " ".join(note))

    def _noted(self, rows: list[Text], note: str) -> list[Text]:
        """Rows with a note at the right edge of the last one, or below it."""
        columns = self._composer.columns
        room = columns - cells_of("".join(text for _, text, *_ in rows[-1])) - len(note)
        if room < _GAP:
            rows.append([])
            room = columns - len(note)
        rows[-1].append(("class:quiet", f"{' ' * room}{note}"))
        return rows

    def _numbered(self, number: int) -> Place | None:
        """Which message of the conversation that is shown has a number."""
        messages = self._now.messages
        printed = self._printed.get(messages.key) if messages is not None else None
        return printed.numbers.place(number) if printed is not None else None

    def _tell_servers(self) -> None:
        """Say whom this program asks for its address, once it does."""
        asked = [server for server in SUGGESTED if server in self._app.ice.servers]
        if asked and not self._told_servers and self._app.has_begun:
            self._told_servers = True
            self._tell(strings.stun_note(asked))

    def _to_hand_over(self, now: View) -> str:
        """The link or the code that is to be sent to the other one, or ""."""
        if now.room is not None:
            return qr.link(now.room.page, now.room.code) if now.room.code else ""
        if now.card not in (Card.INVITE, Card.REPLY):
            return ""
        return qr.link(self._page, now.code) if self._page else now.code

    def _hand_over(self, text: str, now: View) -> None:
        if text in ("", self._came_by):
            return
        drawing = qr.qr_lines(text, self._composer.columns, self._composer.rows) if self._draws_qr else ()
        self._composer.print([[("class:qr", line)] for line in drawing])
        self._tell(strings.to_send(is_link=bool(self._page) or now.room is not None, is_reply=now.card is Card.REPLY))
        self._composer.print([[("class:code", text)]], wrap=True)

    def _above(self) -> Text:
        messages = self._now.messages
        text: Text = []
        if messages is not None:
            waiting, more = messages.waiting(_SHOWN_WAITING)
            if more:
                text.append(("class:quiet", f"… {more:,} more\n"))
            for number in waiting:
                state = messages.delivery(number).value
                line = self._cut(f"{strings.ME}: {one_line(messages.own(number).words)}", state)
                text.append(("class:quiet", f"{line} ({state})\n"))
        return [*text, ("class:mine", f"{self._label()}: ")]

    def _cut(self, text: str, state: str) -> str:
        room = max(self._composer.columns - len(state) - 4, 1)
        return text if width(text) <= room else clip(text, 0, room - 1) + "…"

    def _label(self) -> str:
        if self._selected is None:
            return "Their invite"
        return "Their reply" if self._now.card is Card.INVITE else strings.ME

    def _below(self) -> Text:
        now = self._now
        if now.signs is not None:  # the badge first: it is never cut off, and no name can bring one
            doing = strings.presence(strings.STATES[now.state], typing=now.peer_is_typing, away=now.peer_is_away)
            badge, state = f"{strings.TRUST[now.trust][0]}: ", f"  {doing.lower()}  /help"
            room = self._composer.columns - width(badge) - width(state)
            return [
                (_BADGES.get(now.trust, ""), badge),
                ("", f"{name_tag(now.name, max(room, _SHORTEST_NAME))}{state}"),
            ]
        text: Text = []
        for name, progress in now.phases:
            text += [(_STYLES[progress], f"{_SIGNS[progress]} {name}"), ("", "  ")]
        return [*text, ("", f"{strings.STATES[now.state]}  /help")]

    def _tell(self, sentence: str) -> None:
        self._composer.print(
            [[("class:quiet", line)] for line in paragraph("pychat", sentence, self._composer.columns)]
        )

    def _complain(self, sentence: str) -> None:
        if sentence:
            lines = paragraph("pychat", sentence, self._composer.columns)
            self._composer.print([[("class:problem", line)] for line in lines])
