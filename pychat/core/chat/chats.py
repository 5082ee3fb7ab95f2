"""All chats of a node: who is in the list, what the person looks at, and what became of an introduction.

A conversation's id follows from the keys of its two people. So whoever comes back, by whatever link and in whatever
tab, is in the same conversation.
"""

import hashlib
from dataclasses import dataclass

from pychat.core import wire
from pychat.core.chat.conversation import Chat, Conversation, Introduction
from pychat.core.chat.records import FOREVER, MAX_LOGS, NOTHING, Head, KeptConversation
from pychat.core.codes.roomcode import RoomCode
from pychat.core.ids import AuthorId, ChatId, PublicKey, RoomId
from pychat.core.log import Counts, Entry
from pychat.core.memory import Memory
from pychat.core.service import Context, MessagesRetracted

KEPT_INTRODUCTIONS = 64
"""Introductions of which it is known what became of them: whoever looked at an older one has gone on long ago."""
REMEMBERED_PEOPLE, REMEMBERED_LOGS = 1_000, 64
"""Of how many people, and how many logs of each, it is known how far they were read after they were put away."""
_ID_SIZE = 16


def conversation_id(one: PublicKey, other: PublicKey) -> ChatId:
    """The id of the conversation of two people: 16 bytes of SHA-256 over both keys, the smaller first, as base64url."""
    first, second = sorted((one, other))
    return wire.to_text(hashlib.sha256(b"pychat conversation\0" + first + second).digest()[:_ID_SIZE])


@dataclass(frozen=True, slots=True)
class PendingJoin:
    """A room whose link was opened, and that the person has yet to say they want to go into; at this relay."""

    code: RoomCode
    relay: str


class Chats:
    """The chats, in the order in which they began.

    `pending_join` is the room that the person is asked about. `shown` is what the person looks at. `opened` is where
    their own last act has led them, and `openings` counts these acts. `codes_used` counts the codes that were put to
    use here. `keep_for_all` is for how many seconds it is kept what is said where nothing else was chosen. `changed`
    are the conversations of which something may have to go into the journal, and `due_heads` those of which the head
    has to, also where nothing is kept of what is said. `removed` are those that were put away and may be in it, and
    what is left of them there; `put_away` are all that were, in this run, and `forgotten` those of which nothing is
    to be left there, for there are too many, or nothing could come again.

    Args:
        keeps: whether conversations with others go into a journal.
        keep_for: for how many seconds, where nothing else was chosen.
    """

    def __init__(self, context: Context, *, keeps: bool = False, keep_for: int = FOREVER) -> None:
        self.memory = Memory()
        """What all chats hold together."""
        self.pending_join: PendingJoin | None = None
        self.shown: ChatId | None = None
        self.opened: ChatId | None = None
        self.openings = 0
        self.codes_used = 0
        self.keep_for_all = keep_for
        self.changed: set[ChatId] = set()
        self.removed: dict[ChatId, Head] = {}
        self.due_heads: set[ChatId] = set()
        self.forgotten: set[ChatId] = set()
        self.put_away: set[ChatId] = set()
        self._keeps = keeps
        self._context = context
        self._by_id: dict[ChatId, Chat] = {}
        self._read: dict[PublicKey, Counts] = {}  # of conversations that were put away, how far they were read
        self._has_forgotten_people = False

    # What there is.

    def listed(self) -> list[Chat]:
        """What the person sees: introductions that wait, and conversations that were not put away."""
        return [chat for chat in self._by_id.values() if _is_listed(chat)]

    def conversations(self) -> list[Conversation]:
        """Those that were not put away."""
        return [chat for chat in self._by_id.values() if isinstance(chat, Conversation)]

    def get(self, chat: ChatId | None) -> Chat | None:
        """A chat that is listed; for an introduction that is over, the conversation that it became."""
        found = self._by_id.get(chat) if chat is not None else None
        if type(found) is Conversation:  # asked for with each message
            return found
        if isinstance(found, Introduction) and found.became is not None:
            found = self._by_id.get(found.became)
        return found if found is not None and _is_listed(found) else None

    def conversation(self, chat: ChatId | None) -> Conversation | None:
        """The same, if it is a conversation."""
        found = self.get(chat)
        return found if isinstance(found, Conversation) else None

    def with_peer(self, peer: PublicKey | None) -> Conversation | None:
        """The conversation with somebody, if it is listed."""
        return self.conversation(conversation_id(self._context.key, peer)) if peer is not None else None

    def of_room(self, room: RoomId | None) -> Chat | None:
        """Where a room is shown."""
        return next((chat for chat in self._by_id.values() if room in chat.rooms), None)

    def keep_for(self, conversation: Conversation) -> int:
        """For how many seconds it is kept what is said there (`records`)."""
        choice = conversation.keep_for
        return choice.seconds if choice is not None and choice.seconds is not None else self.keep_for_all

    # How it changes.

    def open(self, chat: Chat) -> None:
        """The person's own act leads to this chat."""
        self.pending_join = None
        self.opened = chat.id
        self.openings += 1

    def introduce(self) -> Introduction:
        """Begin to wait for somebody."""
        introduction = Introduction(
            f"introduction-{self._context.next_id()}", self._context.new_log_id(), memory=Memory(self.memory)
        )
        self._by_id[introduction.id] = introduction
        return introduction

    def meet(self, peer: PublicKey, *, met_here: bool, log: AuthorId | None = None) -> tuple[Conversation, bool]:
        """The conversation with somebody, and whether it begins now, or starts over.

        Args:
            met_here: whether the two have never met before.
            log: of an introduction that becomes it. One that begins goes on with it, so its messages keep their places.
        """
        number = conversation_id(self._context.key, peer)
        found = self._by_id.get(number)
        if isinstance(found, Conversation):
            return found, False
        log, memory = log or self._context.new_log_id(), Memory(self.memory)
        is_kept = self._keeps and peer != self._context.key  # one's own tabs need no journal of each other
        conversation = Conversation(number, log, memory=memory, is_kept=is_kept, peer=peer, met_here=met_here)
        conversation.logs.start_after(self._read.get(peer, Counts({}, not self._has_forgotten_people)))
        if self.keep_for(conversation) == NOTHING:
            conversation.logs.gate(is_kept=False)
        self._by_id[number] = conversation
        return conversation, True

    def resume(self, kept: KeptConversation) -> None:
        """Go on with a conversation that is in the journal, or know how far it was read before it was put away."""
        if kept.head.is_removed:
            counts = kept.head.counts
            if counts and len(self._read) < REMEMBERED_PEOPLE:
                self._read[kept.head.peer] = Counts(counts, are_all=True)
            else:
                self.forgotten.add(kept.id)
                self._has_forgotten_people |= bool(counts)
            return
        log, memory = self._context.new_log_id(), Memory(self.memory)
        conversation = Conversation(kept.id, log, memory=memory, is_kept=True, peer=kept.head.peer)
        conversation.resume(kept)
        self._by_id[kept.id] = conversation

    def resolve(self, introduction: Introduction, conversation: Conversation) -> None:
        """Whoever was waited for is there: what was written to them, and the room, go along."""
        introduction.moved_by = conversation.written
        for message in introduction.timeline:
            conversation.write(message.entry)
        self.changed.add(conversation.id)
        introduction.clear()
        introduction.became = conversation.id
        self._by_id[introduction.id] = self._by_id.pop(introduction.id)  # the one that was over last stands last
        conversation.rooms.update(introduction.rooms)
        introduction.rooms.clear()
        if self.shown == introduction.id:
            self.shown = conversation.id
        if self.opened == introduction.id:
            self.opened = conversation.id
        over = [chat for chat in self._by_id.values() if isinstance(chat, Introduction) and chat.became is not None]
        for old in over[:-KEPT_INTRODUCTIONS]:
            del self._by_id[old.id]

    def write(self, chat: Chat, entry: Entry) -> None:
        """Add an entry of our own. Raises LocalError as `Chat.write`."""
        if isinstance(chat, Conversation):
            chat.unopened = False
        chat.write(entry)
        self.changed.add(chat.id)

    def delete_retracted(self, conversation: Conversation) -> None:
        """Have deleted what its author has deleted for both."""
        if conversation.retracted or conversation.has_unknown_retractions:
            self._context.notify(MessagesRetracted(conversation.id))

    def move_room(self, room: RoomId, to: Chat) -> None:
        """Show a room in another chat."""
        home = self.of_room(room)
        if home is not None and home is not to:
            to.rooms[room] = home.rooms.pop(room)

    def remove(self, chat: Chat) -> None:
        """Put a chat away, with all that was said in it."""
        chat.memory.give_back()
        del self._by_id[chat.id]
        if self.shown == chat.id:
            self.shown = None  # whoever comes again has the same id
        if isinstance(chat, Conversation) and chat.is_kept:
            self.changed.discard(chat.id)
            self.put_away.add(chat.id)
            read = chat.logs.counts(besides=chat.own_log, most=REMEMBERED_LOGS).read
            counts = {log: count for log, count in read.items() if not chat.is_own(log)}
            own = {log: chat.logs.count(log) for log in [*chat.former_logs, chat.own_log][-MAX_LOGS:]}
            left = Head(chat.peer, "", own, {} if chat.unopened else counts, 0, 0, chat.ordered.top, is_removed=True)
            self.removed[chat.id] = left
            if not left.counts:  # there is nothing that could come again
                self.forgotten.add(chat.id)
        if isinstance(chat, Conversation) and not chat.unopened:  # else nobody has read it, and it may come once more
            self._remember(chat.peer, chat.logs.counts(besides=chat.own_log, most=REMEMBERED_LOGS))

    def _remember(self, peer: PublicKey, counts: Counts) -> None:
        self._read.pop(peer, None)  # who was put away last stands last
        if counts.read or not counts.are_all:
            self._read[peer] = counts
        if len(self._read) > REMEMBERED_PEOPLE:
            del self._read[next(iter(self._read))]
            self._has_forgotten_people = True


def _is_listed(chat: Chat) -> bool:
    return not (isinstance(chat, Introduction) and chat.became is not None)
