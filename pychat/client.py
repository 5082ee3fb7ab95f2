"""pychat for programs: a bot, a script, another user interface. A small asyncio API over the same core.

    async with Peer() as peer:
        chat = await peer.join(link)         # or: chat = await peer.room(page), then hand over chat.link
        async for message in chat:
            chat.send(message.text)

`pychat.said` says what a message is, and what becomes of it. Without a relay two codes do the same: `peer.invite` and
`peer.join` give chats with a `code` to hand over.

Everything happens in the event loop that is running, and there is no global state, so a program may have any number of
peers. Each that has a folder has one thread beside, which writes its journal and waits for the disk. What can go wrong
comes as an exception whose text is a sentence for a person.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from weakref import WeakSet

from pychat.core import events
from pychat.core.chat.conversation import Chat as AnyChat
from pychat.core.chat.conversation import Conversation, Introduction
from pychat.core.chat.records import FOREVER, KeptConversation
from pychat.core.chat.timeline import Message as Kept
from pychat.core.codes import roomcode
from pychat.core.codes.invite import Code
from pychat.core.codes.pasted import page_at, read, relay_for, relay_of
from pychat.core.codes.roomcode import RoomCode
from pychat.core.content import is_emoji
from pychat.core.errors import CodeError, CodeProblem, MessageProblem, PychatError
from pychat.core.identity.contacts import STORE_KEY, Namesake
from pychat.core.identity.safety import ShortString, short_string
from pychat.core.ids import AuthorId
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.node import Node
from pychat.core.relay.client import RelayState, Trouble
from pychat.core.relay.envelope import Refusal
from pychat.core.services.introductions import InviteSignaling
from pychat.core.services.room import Room
from pychat.core.webrtc.ice import IceConfig
from pychat.core.wire import without_surrogates
from pychat.driver import Driver
from pychat.native.ports.crypto import NativeCrypto
from pychat.native.ports.journal import SqliteJournal
from pychat.native.ports.leases import FileLeases
from pychat.native.ports.peer import NativeConnect
from pychat.native.ports.relay import NativeRelay
from pychat.native.ports.store import ERASED, FileStore, MemoryStore
from pychat.native.screens import qr
from pychat.ports import PortError, Post
from pychat.said import Edited, Message, MessageId, Reacted, Retracted, Said, said_in
from pychat.startup import ContactsDamaged, load_contacts, load_history, make_node
from pychat.ui import strings, vault
from pychat.ui.strings import Trust
from pychat.ui.trace import Trace
from pychat.ui.view import status_of, view

_Kind = TypeVar("_Kind", Message, Said)

_FINAL = (
    CloseReason.NOT_PROVED,
    CloseReason.NO_MATCH,
    CloseReason.PEER_NO_MATCH,
    CloseReason.OTHER_VERSION,
    CloseReason.BROKE_PROTOCOL,
    CloseReason.FAILED_HERE,
)
"""What ends a chat in a room, whoever it was; after anything else the two find each other again."""


KEPT_ENDED = 64
"""Conversations that have ended and are kept for when the same person is back; what has not reached them goes then."""


class CodeRefused(PychatError):
    """An invite or a reply that cannot be used; `problem` says why, the text says it in words."""

    def __init__(self, problem: CodeProblem) -> None:
        super().__init__(strings.CODE_PROBLEMS[problem])
        self.problem = problem


class MessageRefused(PychatError):
    """A message that cannot be sent; `problem` says why, the text says it in words."""

    def __init__(self, problem: MessageProblem, text: str) -> None:
        super().__init__(strings.message_problem(problem, text))
        self.problem = problem


class MessageGone(PychatError):
    """A message that cannot be changed: it is no longer here, was deleted, or waits for whoever comes first."""

    def __init__(self) -> None:
        super().__init__(strings.MESSAGE_GONE)


class NotToBeFound(PychatError):
    """Somebody for whom there is no room to find them again in: a new link or an invite connects the two."""

    def __init__(self) -> None:
        super().__init__(strings.NOT_TO_BE_FOUND)


class JournalLocked(PychatError):
    """What is kept is sealed with another passphrase than the one given, or with one where none was given."""

    def __init__(self) -> None:
        super().__init__(vault.WRONG)


class ChatEnded(PychatError):
    """What was waited for cannot come any more; `close_reason` says why, the text says it in words."""

    def __init__(self, close_reason: CloseReason, status: tuple[str, str] | None = None) -> None:
        super().__init__(": ".join(status or strings.ENDINGS[close_reason]))
        self.close_reason = close_reason


@dataclass(frozen=True, slots=True)
class Person:
    """Who has proved to be at the other end.

    `key` is the Ed25519 key of their identity, `name` what they call themselves, `trust` how sure one can be of who
    they are. `warning` is a sentence when they go by the name of somebody else who is known, else "".
    """

    key: bytes
    name: str
    trust: Trust
    warning: str


class Peer:
    """One person's end of any number of chats, each with one other person. To be used with `async with`.

    Args:
        folder: where identity, contacts and all that is said are kept, so that others recognise this peer the next
            time, and it them, and what did not arrive is sent then; None keeps them only for as long as the peer lives.
        name: how it wants to be called; it proves nothing.
        ice: the STUN and TURN servers to use; none by itself, which is enough on one network.
        keep_for: for how many seconds what is said is kept in the folder, where nothing else was chosen for a
            conversation; 0 is not at all, and without it until it is deleted.
        passphrase: opens what is kept, where it is sealed with one (`pychat passphrase`).
        trace: takes a line for each event and each effect, in their order, with a time; texts, names, codes, keys and
            addresses are left out of it. What it raises goes to the loop's exception handler, and ends the trace alone.
    """

    def __init__(
        self,
        *,
        folder: Path | None = None,
        name: str = "",
        ice: IceConfig = IceConfig(),
        keep_for: int = FOREVER,
        passphrase: str = "",
        trace: Callable[[str], object] | None = None,
    ) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._name = name
        self._ice = ice
        self._keep_for = keep_for
        self._trace = trace
        self._read: Counter[AuthorId] = Counter()  # how many messages were handed out, of a chat by its own log
        # The number of the last message that was sent, of a chat by its own log.
        self._written: dict[AuthorId, int] = {}
        self._waiting: dict[asyncio.Future[None], Callable[[], object]] = {}
        self._in_rooms: set[Chat] = set()
        self._chats: WeakSet[Chat] = WeakSet()  # that the program still has

    async def __aenter__(self) -> "Peer":
        """Begin.

        Raises:
            PortError: identity or contacts cannot be read or kept.
            JournalLocked: what is kept wants another passphrase.
        """
        store = FileStore(self._folder) if self._folder is not None else MemoryStore()
        self._connect = NativeConnect()
        self._driver = await make_driver(
            store,
            self._connect,
            self._turned,
            name=self._name,
            ice=self._ice,
            keep_for=self._keep_for,
            passphrase=self._passphrase,
            trace=self._trace,
        )
        self._node = self._driver.node
        self._read.update({chat.own_log: chat.read for chat in self._node.chats.conversations()})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._driver.journaled()
        for chat in self._node.chats.listed():  # whoever still waits for something learns that it is over
            self._post(events.LeaveConversation(chat.id))
        self._driver.close()
        await self._driver.finish()
        await self._connect.finish()

    async def invite(self) -> "Chat":
        """Make an invite for one other person: the chat's `code`.

        Raises:
            ChatEnded: no invite can be made, for example because there is no network.
        """
        self._put_away()
        self._post(events.CreateInvite())
        return await self._with_code(self._opened_link())

    async def room(self, page: str) -> "Chat":
        """Open a room at the relay of a page, for whoever has its link: the chat's `link`.

        While there is no way to the relay it is tried again and again; the chat's `status` says so.

        Raises:
            ValueError: this is not the address of a page.
        """
        relay = relay_of(page)
        if not relay:
            raise ValueError("not the address of a page, which begins with https:// or http://")
        return await self._enter(events.CreateRoom(relay))

    async def join(self, text: str, *, page: str = "") -> "Chat":
        """Take the link of a room or an invite, with whatever surrounds it.

        With an invite the chat's `code` is the reply to hand back. A room that was left can be joined again.

        Args:
            page: with a relay, for the code of a room that is in no link.

        Raises:
            CodeRefused: there is nothing in it that can be used.
            ChatEnded: no reply can be made.
        """
        relay = check_code(text, page=page)
        if relay:
            return await self._enter(events.PasteCode(text, relay))
        self._put_away()
        return await self._with_code(self._paste(text))

    @property
    def history_problem(self) -> str:
        """Why what is said is not kept, although there is a folder, in a sentence; "" while it is."""
        problem = self._node.history.problem
        return strings.history_problem(problem) if problem else ""

    async def again(self, key: bytes) -> "Chat":
        """Find somebody again with whom one has talked: in the room that the two have for good, without a link.

        What did not reach them goes out when they are there, also what was written in another run.

        Args:
            key: the identity of the other one, as in `Person`.

        Raises:
            NotToBeFound: the two have not met with both keeping what is said, or have no relay in common.
        """
        conversation = self._node.chats.with_peer(key)
        if conversation is None or not self._node.rendezvous.relay_for(conversation):
            raise NotToBeFound
        self._put_away()
        self._post(events.ConnectAgain(conversation.id))
        room = self._node.rooms.shown_in(conversation)
        link = self._node.links.of(conversation)
        if room is None:  # they are connected, by an invite
            return Chat(self, link)
        chat = Chat(self, None, room)
        self._in_rooms.add(chat)
        chat._follow()  # they may be connected already
        return chat

    async def _enter(self, event: events.CreateRoom | events.PasteCode) -> "Chat":
        self._put_away()
        self._post(event)
        room = self._node.rooms.shown_in(self._node.chats.get(self._node.chats.opened))
        assert room is not None
        chat = Chat(self, None, room)
        self._in_rooms.add(chat)
        try:
            await self._until(lambda: chat.link or chat.close_reason)
        except asyncio.CancelledError:
            chat.close()  # nobody has a chat to leave by
            raise
        return chat

    async def _with_code(self, link: Link) -> "Chat":
        try:
            await self._until(lambda: link.code or link.close_reason)
        except asyncio.CancelledError:
            if link.chat is not None:
                self._post(events.LeaveConversation(link.chat))  # nobody has a chat to leave by
            raise
        if link.close_reason is not None:
            raise ChatEnded(link.close_reason, status_of(link, None))
        return Chat(self, link)

    def _put_away(self) -> None:
        """Forget what ended longest ago, first of all where nothing waits, so that a bot does not grow for years."""
        node = self._node
        held = {chat._conversation for chat in self._chats}
        # What is in the journal is kept, and takes no room here.
        ended = [c for c in node.chats.listed() if c not in held and not c.is_kept and _has_ended(node, c)]
        ended.sort(key=lambda conversation: conversation.undelivered > 0)
        for conversation in ended[: max(0, len(ended) - KEPT_ENDED)]:
            self._post(events.RemoveConversation(conversation.id))
        present = {chat.own_log for chat in (*held, *node.chats.listed())}
        for of_logs in (self._read, self._written):
            for log in [log for log in of_logs if log not in present]:
                del of_logs[log]

    def _post(self, event: events.Event) -> None:
        self._driver.post(event)
        self._driver.turn()  # in a burst it would come later

    def _paste(self, text: str) -> Link:
        pasting = self._node.introductions.inbox
        self._post(events.PasteCode(text))
        if pasting.problem is not None:
            raise CodeRefused(pasting.problem)
        return self._opened_link()

    def _opened_link(self) -> Link:
        """The link that the last act has led to."""
        chat = self._node.chats.get(self._node.chats.opened)
        link = self._node.links.of(chat) if chat is not None else None
        assert link is not None
        return link

    def _reads_earlier(self, conversation: AnyChat) -> bool:
        """Whether more of what was said before is being read from the journal."""
        history = self._node.history
        if isinstance(conversation, Conversation) and conversation.has_earlier:
            if not history.is_reading(conversation.id):
                self._driver.post(events.ShowEarlier(conversation.id))
            return True
        return False

    def _turned(self) -> None:
        for chat in list(self._in_rooms):
            chat._follow()
            if chat.close_reason is not None:
                self._in_rooms.discard(chat)
        for future, condition in list(self._waiting.items()):
            if not future.done() and condition():
                future.set_result(None)

    async def _until(self, condition: Callable[[], object]) -> None:
        """Wait for a state of the node."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = condition
        try:
            await future
        finally:
            del self._waiting[future]


class Chat:
    """A conversation with one other person, from its code or its link to its end. `Peer` makes them.

    One that begins with an invite is over when its connection is. In a room it waits until the same person is back, and
    ends when they leave, when somebody else takes the seat, or when this side leaves. With the chat the room is left.

    Iterating over it gives each message of the other side once, and ends when the chat has ended. Whoever is slow to
    take them slows the other side down. Where nobody takes any, the oldest go when there are too many.
    """

    def __init__(self, peer: Peer, link: Link | None, room: Room | None = None) -> None:
        self._peer = peer
        self._link = link
        self._room = room
        self._close_reason: CloseReason | None = None  # in a room
        self._has_sent = False
        self._readers = 0  # who take the messages one by one
        self._introduction: Introduction | None = None  # in which something was written before somebody came
        self._has_moved = False  # what was written there is known to be in the conversation
        chats = peer._node.chats
        home = room.home if room is not None else None
        conversation = chats.get(link.chat) if link is not None else home
        assert conversation is not None
        self._latest: AnyChat = conversation
        peer._chats.add(self)
        former = peer._node.links.of(conversation)
        is_over = former is not None and former.phase is LinkPhase.CLOSED
        self._former = former if is_over else None  # of an earlier visit

    @property
    def code(self) -> str:
        """The invite to hand over, or the reply to hand back; "" in a room."""
        return self._link.code if self._link is not None else ""

    @property
    def link(self) -> str:
        """The link of the room, with which another person comes in; "" where there is no room."""
        if self._room is None or self._room.code is None or self._room.meets is not None:
            return ""
        return qr.link(page_at(self._room.relay.url), roomcode.encode(self._room.code))

    @property
    def phase(self) -> LinkPhase:
        """How far the connection has come; in a room it starts over after a break."""
        if self.close_reason is not None:
            return LinkPhase.CLOSED
        if self._link is None or self._link.phase is LinkPhase.CLOSED:
            return LinkPhase.SIGNALING
        return self._link.phase

    @property
    def status(self) -> tuple[str, str]:
        """How it stands, for a person, in a headline and a sentence: also why nobody can come, and why it has ended."""
        close_reason = self.close_reason
        if close_reason is not None and (self._link is None or self._link.close_reason is not close_reason):
            return strings.ENDINGS[close_reason]
        return status_of(self._link, self._room if close_reason is None else None)

    @property
    def close_reason(self) -> CloseReason | None:
        """Why the chat has ended, or None while it has not."""
        if self._room is not None:
            return self._close_reason
        return self._link.close_reason if self._link is not None else None

    @property
    def was_open(self) -> bool:
        """Whether the two have ever been connected."""
        return self._link is not None and self._link.peer is not None

    @property
    def introduced(self) -> bool:
        """Whether they have said what they are called, which is the first thing they do once the two are connected."""
        return self._link is not None and self._link.introduced

    @property
    def person(self) -> "Person | None":
        """Who has proved to be at the other end; None until then."""
        seen = view(self._peer._node, self._conversation.id)
        if seen.peer is None or not self.was_open:
            return None
        return Person(seen.peer, seen.name, seen.trust, seen.warning)

    async def warned(self) -> str:
        """Wait for a warning, that they go by the name of somebody else who is known; "" if it has ended without."""
        await self._peer._until(lambda: (self.was_open and self._warning is not None) or self.close_reason is not None)
        return self.person.warning if self.person is not None else ""

    async def refused(self) -> str:
        """Wait until it is known that a room takes nobody else: a sentence; "" if it has ended or opened without.

        The chat itself goes on, and connects when there is a seat.
        """
        await self._peer._until(lambda: self._refusal is not None or self.introduced or self.close_reason is not None)
        return strings.NOT_LET_IN[self._refusal] if self._refusal is not None else ""

    @property
    def signs(self) -> ShortString | None:
        """What the two people compare to be sure that nobody sits in between; None while they are not connected."""
        link = self._link
        if link is None or link.authenticated is None or not link.is_live:
            return None
        return short_string(link.authenticated.transcript)

    def compare(self, *, match: bool) -> None:
        """Say that the two have compared `signs` or the safety number. That they differ ends the chat."""
        if self._link is not None and self._link.peer is not None:
            name = self._peer._node.people.contacts.known_as(self._link.peer)
            self._peer._post(events.ReportComparison(self._conversation.id, self._link.peer, name, match))

    def heed(self) -> None:
        """Talk in spite of the person's `warning`; nothing is sent before that."""
        if self._warning is not None:
            self._peer._post(events.DismissWarning(self._conversation.id, self._warning))

    @property
    def undelivered(self) -> int:
        """How many messages the other side has not acknowledged yet."""
        self._peer._driver.turn()  # in a burst they would be counted later
        return self._conversation.undelivered

    @property
    def acknowledged(self) -> MessageId:
        """The last one, of what was written in this run, that the other side has, with all before it; 0 is none."""
        return MessageId(self._conversation.own_log, self._conversation.acknowledged)

    async def accept(self, reply: str) -> None:
        """Take the reply to this invite, with whatever surrounds it.

        Raises:
            CodeRefused: the reply cannot be used; the invite goes on waiting for the right one.
        """
        code = _read(reply)
        if isinstance(code, RoomCode) or not code.is_reply:
            raise CodeRefused(CodeProblem.NOT_A_REPLY)
        signaling = self._link.signaling if self._link is not None else None
        if not isinstance(signaling, InviteSignaling) or code.answers != signaling.ref:
            raise CodeRefused(CodeProblem.OTHER_INVITE)
        self._peer._paste(reply)

    async def opened(self) -> None:
        """Wait until the two are connected; for people to hand over a code or a link there is no limit of time.

        Raises:
            ChatEnded: it did not come about.
        """
        await self._peer._until(lambda: self.was_open or self.close_reason is not None)
        if not self.was_open:
            self._raise_ending()

    def send(self, text: str, *, reply_to: Message | None = None) -> Message:
        """Write a message of 1 to 8,000 characters; before the two are connected it waits.

        Args:
            reply_to: the message that it answers.

        Returns: the message. Its `id` is another one once the two are connected, if it was written before somebody came
            with whom one had talked already; it can be edited by both.

        Raises:
            MessageRefused: the text cannot be sent; with the problem `FULL`, not before some of what waits is
                `delivered`.
            ChatEnded: nobody is there any more.
        """
        text = self._checked(text)
        answers = self.id_now(reply_to) if reply_to is not None else None
        self._has_sent = True
        conversation, written = self._conversation, self._peer._written
        if isinstance(conversation, Introduction):
            self._introduction = conversation
        elif self._introduction is not None and not self._has_moved:
            self._has_moved = True
            self._peer._driver.turn()  # what was written before they came is there now
        number = written[conversation.own_log] = max(conversation.written, written.get(conversation.own_log, 0)) + 1
        at = datetime.now(UTC)
        self._peer._driver.post(events.WriteMessage(conversation.id, text, answers))
        return Message(text, at, MessageId(conversation.own_log, number), answers, is_own=True)

    def edit(self, message: Message, text: str) -> None:
        """Say anew what a message of one's own says. Nothing happens if it says that already.

        Raises:
            ValueError: it is a message of the other side.
            MessageRefused: as `send`.
            MessageGone: there is no such message any more.
            ChatEnded: nobody is there any more.
        """
        found = self._find_own(message)
        self._peer._post(events.EditMessage(self._conversation.id, *found.id, self._checked(text)))

    def retract(self, message: Message) -> None:
        """Delete a message of one's own for both: here, and where the other side has it once they hear of that.

        One that has not gone out is taken back, and nobody will have seen it.

        Raises:
            ValueError: it is a message of the other side.
            MessageGone: there is no such message any more.
            ChatEnded: nobody is there any more.
        """
        found = self._find_own(message)
        self._peer._post(events.RetractMessage(self._conversation.id, *found.id))

    def react(self, message: Message, emoji: str) -> None:
        """React to a message by an emoji, instead of the one before; "" takes that back.

        Nothing happens if it has been deleted meanwhile.

        Raises:
            ValueError: it is no emoji, nor anything as short.
            ChatEnded: nobody is there any more.
        """
        if emoji and not is_emoji(emoji):
            raise ValueError("a reaction is one emoji, or something as short")
        self._raise_ending()
        self._peer._post(events.ReactToMessage(self._conversation.id, *self.id_now(message), emoji))

    def delete(self, message: Message) -> None:
        """Delete a message here, in memory and in the folder of the peer. The other side keeps its copy."""
        self._peer._post(events.DeleteMessage(self._conversation.id, *self.id_now(message)))

    def message(self, id: MessageId) -> Message | None:
        """A message as it is by now, whosever it is; None if it was deleted, is not in memory, or never was."""
        self._peer._driver.turn()  # in a burst it may not be written yet
        conversation, id = self._conversation, self._id_now(id)
        entry = conversation.entry(*id)
        said = said_in(conversation, Kept(*id, entry)) if entry is not None else None
        return said if isinstance(said, Message) else None

    def _find_own(self, message: Message) -> Message:
        """A message of one's own that can still be changed."""
        self._raise_ending()
        found = self.message(message.id)
        if found is None or isinstance(self._conversation, Introduction):
            raise MessageGone
        if not found.is_own:
            raise ValueError("only one's own messages can be edited, and deleted for both")
        return found

    def id_now(self, message: Message) -> MessageId:
        """The id of a message by now: see `send`."""
        return self._id_now(message.id)

    def _id_now(self, id: MessageId) -> MessageId:
        introduction = self._introduction
        if introduction is None or introduction.became is None or id.log != introduction.own_log:
            return id
        return MessageId(self._conversation.own_log, id.number + introduction.moved_by)

    def _checked(self, text: str) -> str:
        """A text that can be sent."""
        problem = self._conversation.validate(text)
        if problem is not None:
            raise MessageRefused(problem, text)
        self._raise_ending()
        return without_surrogates(text)

    async def delivered(self) -> None:
        """Wait until the other side has acknowledged everything that was sent.

        Raises:
            ChatEnded: it has ended before that.
        """
        if self.undelivered:
            await self._peer._until(lambda: not self._conversation.undelivered or self.close_reason is not None)
        if self.undelivered:
            self._raise_ending()

    async def ended(self) -> CloseReason:
        """Wait until the chat has ended, for whatever reason."""
        await self._peer._until(lambda: self.close_reason is not None)
        assert self.close_reason is not None
        return self.close_reason

    async def phases(self) -> AsyncIterator[LinkPhase]:
        """The phases that the connection passes from now on; one that lasts no time may be missing."""
        seen = self.phase
        while seen is not LinkPhase.CLOSED:
            await self._peer._until(partial(self._phase_is_not, seen))
            seen = self.phase
            yield seen

    async def deliveries(self) -> AsyncIterator[int]:
        """How many messages are not delivered yet, each time that some more are, until the end."""
        seen = self._conversation.acknowledged
        while True:
            await self._peer._until(partial(self._has_delivered_more_than, seen))
            if self._conversation.acknowledged == seen:
                return
            seen = self._conversation.acknowledged
            yield self._conversation.undelivered

    async def changes(self) -> AsyncIterator[None]:
        """Comes when `phase`, `status`, `link`, or name or trust of the `person`, has changed, until the end.

        What lasts no time may be missing.
        """
        seen = self._shown
        while self.close_reason is None:
            await self._peer._until(partial(self._shown_is_not, seen))
            seen = self._shown
            if self.close_reason is None:
                yield

    def __aiter__(self) -> AsyncIterator[Message]:
        return self._hand_out((Message,))

    def events(self) -> AsyncIterator[Said]:
        """All that the other side says, in the order in which it comes: messages, edits, deletions for both, reactions.

        What is handed out here does not come in an iteration over the chat, which has the messages only, nor does what
        that one has passed over come here: so use one of the two. What was edited, or deleted, before a message was
        handed out, is so already in the message, or it does not come; what has changed it comes nevertheless.
        """
        return self._hand_out((Message, Edited, Retracted, Reacted))

    async def _hand_out(self, kinds: tuple[type[_Kind], ...]) -> AsyncIterator[_Kind]:
        read = self._peer._read
        self._readers += 1
        try:
            while True:
                found = self._next(kinds)
                if found is None and self.close_reason is not None:
                    return
                if found is None:
                    await self._peer._until(lambda: self._next(kinds) is not None or self.close_reason is not None)
                    continue
                place, said = found
                conversation = self._conversation
                conversation.read_to = place + 1
                read[conversation.own_log] = place + 1 - conversation.shifted
                self._peer._driver.post(events.MarkRead(conversation.id, place + 1))
                if conversation.holds_too_much():
                    self._peer._driver.turn()  # what was read makes room for more
                yield said
        finally:
            self._readers -= 1
            if not self._readers:
                self._conversation.read_to = None

    def close(self) -> None:
        """Leave. What is not delivered by then stays undelivered; see `delivered`."""
        if self.close_reason is None:
            self._peer._post(events.LeaveConversation(self._conversation.id))

    def lock(self, *, locked: bool = True) -> None:
        """In a room: take nobody else, even with the link, or again whoever comes."""
        self._peer._post(events.SetRoomLock(self._conversation.id, locked))

    async def renew(self) -> str:
        """In a room: draw another `link`; the former one stops working. Whoever is connected moves along."""
        self._peer._post(events.RotateRoomSecret(self._conversation.id))
        await self._peer._until(lambda: self.link or self._room is None or self.close_reason is not None)
        return self.link

    @property
    def _conversation(self) -> AnyChat:
        # One that was left before a word was said is forgotten.
        if self._close_reason is None:
            chats = self._peer._node.chats
            of_link = chats.get(self._link.chat) if self._link is not None else None
            self._latest = of_link or chats.get(self._latest.id) or self._latest
        return self._latest

    @property
    def _warning(self) -> Namesake | None:
        conversation = self._conversation
        return conversation.warning if isinstance(conversation, Conversation) else None

    def _follow(self) -> None:
        """In a room: keep to the link and to the conversation that it has come to, and notice the end."""
        node, room = self._peer._node, self._room
        if room is None or self._close_reason is not None:
            return
        conversation, visitor = room.home, node.rooms.visitor_in(room)
        close_reason: CloseReason | None = None
        if visitor is not None and not self.was_open and not self._has_sent:
            self._peer._driver.post(events.ShowConversation(visitor.chat))  # another guest than the one before
        elif visitor is not None or (self.was_open and conversation is not self._conversation):
            close_reason = CloseReason.REPLACED  # what goes to one person never goes to another
        elif conversation is not None:
            self._latest = conversation
            link = node.links.of(conversation)
            if link is not None and link is not self._former:
                self._link = link
        if self._link is not None and (
            self._link.close_reason in _FINAL
            or (self.introduced and self._link.close_reason in (CloseReason.PEER_LEFT, CloseReason.ELSEWHERE))
        ):
            close_reason = self._link.close_reason
        if room.state is RelayState.LEFT:
            close_reason = close_reason or CloseReason.LEFT
        elif close_reason is not None and conversation is not None:
            self._peer._driver.post(events.LeaveConversation(conversation.id))
        self._close_reason = close_reason

    @property
    def _refusal(self) -> Refusal | None:
        """Why the room takes nobody else, once all have said so."""
        room = self._room
        if room is None or self.introduced or self._close_reason is not None:  # whoever is refused hears no name
            return None
        if room.relay.trouble is Trouble.FULL:
            return Refusal.FULL
        tries = any(link.room == room.id for link in self._peer._node.links.live())
        return room.refusal if not tries else None

    @property
    def _shown(self) -> tuple[Any, ...]:
        conversation = self._conversation
        if not isinstance(conversation, Conversation):
            return self.phase, self.status, self.link, "", self.introduced, False
        contact = self._peer._node.people.contacts.get(conversation.peer)
        is_verified = contact is not None and contact.verified
        return self.phase, self.status, self.link, conversation.peer_name, self.introduced, is_verified

    def _shown_is_not(self, shown: tuple[Any, ...]) -> bool:
        return self._shown != shown

    def _has_delivered_more_than(self, count: int) -> bool:
        return self._conversation.acknowledged > count or self.close_reason is not None

    def _phase_is_not(self, phase: LinkPhase) -> bool:
        return self.phase is not phase

    def _next(self, kinds: tuple[type[_Kind], ...]) -> tuple[int, _Kind] | None:
        """What the other side says next, of these kinds, of what is still here, and its place."""
        conversation = self._conversation
        timeline = conversation.timeline
        place = self._peer._read[conversation.own_log] + conversation.shifted
        if place < timeline.start:
            if self._peer._reads_earlier(conversation):
                return None
            place = timeline.start
        found: _Kind | None = None
        while place < len(timeline):
            message = timeline[place]
            said = said_in(conversation, message) if not conversation.is_own(message.author) else None
            if isinstance(said, kinds):
                found = said
                break
            place += 1
        self._peer._read[conversation.own_log] = place - conversation.shifted
        if self._readers:  # what comes next is kept until it is handed out
            conversation.read_to = place
        return (place, found) if found is not None else None

    def _raise_ending(self) -> None:
        if self.close_reason is not None:
            raise ChatEnded(self.close_reason, self.status)


def _has_ended(node: Node, chat: AnyChat) -> bool:
    link = node.links.of(chat)
    return (link is None or not link.is_live) and not chat.is_in_room


async def make_driver(
    store: FileStore | MemoryStore,
    connect: NativeConnect,
    on_turn: Callable[[], None],
    *,
    name: str,
    ice: IceConfig,
    keep_for: int = FOREVER,
    passphrase: str = "",
    trace: Callable[[str], object] | None = None,
) -> Driver:
    """A node with the identity and the contacts that are kept, and its driver.

    Args:
        keep_for: as for `Peer`.
        passphrase: as for `Peer`.
        trace: as for `Peer`.

    Raises:
        PortError: they cannot be read or kept. To go on without would forget who was verified.
        JournalLocked: it is not the passphrase.
    """
    crypto = NativeCrypto.kept_in(store)
    try:
        contacts = load_contacts(store)
    except ContactsDamaged as error:
        raise PortError("the file with your contacts is damaged; `pychat reset` starts afresh") from error
    connect_relay = partial(NativeRelay, connect.begin)
    leases: FileLeases | None = None
    journal: SqliteJournal | None = None
    kept: list[KeptConversation] = []
    problem = ""
    if isinstance(store, FileStore):
        leases = FileLeases(store.folder, store.is_erased)
        try:
            journal = SqliteJournal(store, crypto)
            if journal.is_locked and not await journal.unlock(passphrase):
                journal.close()
                raise JournalLocked
            kept = await load_history(journal)
        except PortError as error:  # who was verified is known: people can talk
            problem = str(error)
    node = make_node(
        crypto,
        connect,
        contacts,
        name=name,
        ice=ice,
        keeps=journal is not None,
        kept=kept,
        keep_for=keep_for,
    )
    node.history.problem = problem
    driver = Driver(
        node,
        connect,
        crypto,
        store,
        time.time,
        connect_relay=connect_relay,
        leases=leases,
        journal=journal,
        on_turn=on_turn,
        observe=Trace(trace, time.time, _tell_of_trace) if trace is not None else None,
    )
    if isinstance(store, FileStore):
        driver.close_with(asyncio.get_running_loop().create_task(_follow(store, driver.post)).cancel)
    return driver


def _tell_of_trace(error: Exception) -> None:
    """It is the program's own mistake, of which the chats know nothing."""
    asyncio.get_running_loop().call_exception_handler({"message": "the trace of a pychat peer", "exception": error})


async def _follow(store: FileStore, post: Post) -> None:
    """Tell the core what other programs of this person keep."""
    await store.follow(
        STORE_KEY,
        changed=lambda text: post(events.ContactsKept(text)),
        erased=lambda: post(events.NotKept(STORE_KEY, ERASED)),
    )


def check_code(text: str, *, page: str = "") -> str:
    """See whether `Peer.join` can take this text; returns the relay where the room is, "" for an invite.

    Args:
        page: with a relay, for the code of a room that is in no link.

    Raises:
        CodeRefused: there is nothing in it that can be used.
    """
    code = _read(text)
    if isinstance(code, RoomCode):
        relay = relay_for(text, page)
        if not relay:
            raise CodeRefused(CodeProblem.NO_RELAY)
        return relay
    if code.is_reply:
        raise CodeRefused(CodeProblem.NOT_AN_INVITE)
    return ""


def _read(text: str) -> RoomCode | Code:
    try:
        return read(text)
    except CodeError as error:
        raise CodeRefused(error.problem) from error
