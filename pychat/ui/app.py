"""All that a screen needs to know: the state as data, and answers. What a person wants goes to the core as events.

A screen has one of these, and reads neither a node nor what is in it. So another screen needs `ui` alone.
"""

from pychat.core.chat.records import NOTHING
from pychat.core.codes.roomcode import encode
from pychat.core.identity.safety import safety_number
from pychat.core.ids import ChatId, PublicKey
from pychat.core.node import Node
from pychat.core.webrtc.ice import IceConfig
from pychat.ui import strings
from pychat.ui.export import Exported, exported_messages
from pychat.ui.search import Hit, SearchView, excerpt
from pychat.ui.view import View, name_of, room_view, view


class App:
    """What a person has of pychat: their chats, and where they are led."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def view(self, selected: ChatId | None) -> View:
        """What is to be shown while a chat is open (None: the first screen)."""
        return view(self._node, selected)

    # Where the person is led.

    def resolve(self, chat: ChatId | None) -> ChatId | None:
        """The chat that is to be shown for this one: an introduction becomes a conversation; None if it is gone."""
        found = self._node.chats.get(chat)
        return found.id if found is not None else None

    @property
    def opened(self) -> ChatId | None:
        """Where the person's own last act has led them."""
        return self.resolve(self._node.chats.opened)

    @property
    def openings(self) -> int:
        """How many such acts there were."""
        return self._node.chats.openings

    @property
    def codes_used(self) -> int:
        """How many codes were put to use here."""
        return self._node.chats.codes_used

    @property
    def handed_over(self) -> bool:
        """Whether the last code was put to use in another tab."""
        return self._node.introductions.inbox.handed_over

    # Answers.

    def complaint(self, chat: ChatId | None, text: str) -> str:
        """Why a text cannot be written into a chat, in a sentence, or ""."""
        found = self._node.chats.get(chat)
        problem = found.validate(text) if found is not None else None
        return strings.message_problem(problem, text) if problem is not None else ""

    def keep_for(self, chat: ChatId | None) -> int:
        """For how many seconds it is kept what is said in a chat; NOTHING also where it cannot be, and for none."""
        conversation = self._node.chats.conversation(chat)
        is_kept = conversation is not None and conversation.is_kept
        return self._node.chats.keep_for(conversation) if conversation is not None and is_kept else NOTHING

    def relay_for(self, chat: ChatId | None) -> str:
        """The relay at which the other one of a conversation can be found again, or ""."""
        conversation = self._node.chats.conversation(chat)
        return self._node.rendezvous.relay_for(conversation) if conversation is not None else ""

    def known_as(self, peer: PublicKey) -> str:
        """The name that somebody goes by here, or ""."""
        return self._node.people.contacts.known_as(peer)

    def safety_number(self, peer: PublicKey) -> str:
        """What two people can compare at any time, or "" with oneself; it takes some milliseconds."""
        return safety_number(self._node.key, peer) if peer != self._node.key else ""

    # The person, and what is theirs.

    @property
    def name(self) -> str:
        """How the person wants to be called, or ""."""
        return self._node.messaging.name

    @property
    def not_kept(self) -> str:
        """Why something could not be kept for the next time, in the platform's words; or ""."""
        return self._node.people.not_kept

    @property
    def history_problem(self) -> str:
        """Why what is said could not be kept, or read, in the platform's words; or ""."""
        return self._node.history.problem

    @property
    def deletion_problem(self) -> str:
        """Why a message that was deleted is still kept, in the platform's words; or ""."""
        return self._node.deletion.problem

    @property
    def search(self) -> SearchView:
        """What the person looks for, and what was found by now."""
        search, chats = self._node.search, self._node.chats
        hits = [
            Hit(
                found.chat,
                found.author,
                found.number,
                name_of(self._node, conversation),
                found.is_own,
                found.at,
                excerpt(found, search.query),
            )
            for found in search.found
            if (conversation := chats.conversation(found.chat)) is not None
        ]
        query = search.query.strip()
        note = strings.search_note(len(hits), is_reading=search.is_reading, is_cut=search.is_cut) if query else ""
        return SearchView(query, tuple(hits), note, search.is_reading)

    @property
    def exported(self) -> Exported | None:
        """The conversation that the person wants to take along, once it is read."""
        exports = self._node.exports
        conversation = self._node.chats.conversation(exports.ready)
        if conversation is None:
            return None
        messages = exported_messages(exports.messages, exports.relations)
        note = strings.export_note(damaged=exports.damaged, problem=exports.problem)
        return Exported(name_of(self._node, conversation), self.name, messages, note)

    @property
    def ice(self) -> IceConfig:
        """The servers for connections that are made from now on."""
        return self._node.links.ice

    @property
    def has_begun(self) -> bool:
        """Whether anything was begun that looks for a way to somebody."""
        return bool(self._node.links.by_id or self._node.rooms.by_id)

    @property
    def undelivered(self) -> int:
        """How many messages, of all chats, the others do not have yet."""
        return sum(chat.undelivered for chat in self._node.chats.listed())

    @property
    def rooms_inside(self) -> list[str]:
        """The codes of all rooms that the person is in: what a page comes back to when it is reloaded."""
        rooms = [room_view(room) for room in self._node.rooms.by_id.values() if room.meets is None]
        return [room.code for room in rooms if room is not None and room.code and not room.left]

    @property
    def room_asked(self) -> str:
        """The code of the room that the person is asked whether to go into, or ""."""
        pending = self._node.chats.pending_join
        return encode(pending.code) if pending is not None else ""
