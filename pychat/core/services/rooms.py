"""The rooms that a person is in: entering, asking before that, and which of them a report belongs to."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pychat.core import effects, events, wire
from pychat.core.chat.chats import Chats, PendingJoin
from pychat.core.chat.conversation import Chat
from pychat.core.codes.roomcode import RoomCode
from pychat.core.identity import visited
from pychat.core.identity.contacts import Contacts
from pychat.core.ids import RoomId, SessionId
from pychat.core.link import CloseReason, Link
from pychat.core.relay.client import RelayState
from pychat.core.relay.rendezvous import next_change, room_at
from pychat.core.service import (
    ConnectAgainWanted,
    Context,
    FrameRule,
    LinkAuthenticated,
    LinkClosed,
    LinkLost,
    LinkNotification,
    LinkOpened,
    RoomCodePasted,
    Service,
    Stage,
    WaitingEnded,
)
from pychat.core.services.links import Links
from pychat.core.services.room import Room
from pychat.core.services.room_link import RoomLink

_WANTED = (CloseReason.LEFT, CloseReason.PEER_LEFT, CloseReason.NO_MATCH, CloseReason.PEER_NO_MATCH)
"""Endings by which a person wants to talk no more."""


class Rooms(Service):
    """All rooms, by their ids.

    Args:
        visited: the marks of the rooms in which this person has been (`visited`); None where that is not kept.
    """

    def __init__(
        self, context: Context, links: Links, chats: Chats, contacts: Contacts, visited: Iterable[str] | None
    ) -> None:
        super().__init__(context)
        self.by_id: dict[RoomId, Room] = {}
        self._links = links
        self._chats = chats
        self._contacts = contacts
        self._by_session: dict[SessionId, Room] = {}
        self._keeps_visited = visited is not None
        self._visited = set(visited or ())
        self._entered: set[RoomCode] = set()  # in this run
        self._change_at: float | None = None  # when people are to be found elsewhere
        self._session_handlers: dict[type, Callable[[Room, Any], None]] = {
            events.RelayOpened: lambda room, _: room.on_relay_opened(),
            events.RelayHeard: lambda room, event: room.on_relay_message(event.text),
            events.RelayClosed: lambda room, event: room.on_relay_closed(event.code),
            events.BytesDrawn: lambda room, event: room.on_bytes_drawn(event.data),
            events.Derived: lambda room, event: room.on_derived(event.info, event.data),
            events.Sealed: lambda room, event: room.on_sealed(event.ticket, event.data),
            events.Unsealed: lambda room, event: room.on_unsealed(event.ticket, event.data),
            events.LeaseTaken: lambda room, event: room.on_lease_taken(event.ours),
        }

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What a person wants of rooms, and what is reported of sessions with relays."""
        return {
            events.CreateRoom: lambda event: self._enter(None, event.relay),
            events.ConfirmJoin: self._on_confirm_join,
            events.DeclineJoin: self._on_decline_join,
            events.OpenCodeLink: self._on_decline_join,
            events.ReturnToRoom: self._on_return,
            events.SetRoomLock: self._on_set_lock,
            events.RotateRoomSecret: self._on_rotate_secret,
            events.TakeOverRoom: self._on_take_over,
            events.ShowConversation: self._on_show,
            events.LeaveConversation: self._on_leave,
            **dict.fromkeys(self._session_handlers, self._handle_session_event),
        }

    def frame_rules(self) -> Mapping[type, FrameRule]:
        """The secret of a room that was renewed."""
        return {wire.Room: FrameRule(Stage.INTRODUCED, self._on_secret)}

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Codes of rooms that were pasted, and what becomes of links."""
        return {
            RoomCodePasted: self._on_code,
            LinkAuthenticated: self._on_authenticated,
            LinkOpened: self._on_opened,
            LinkLost: self._on_changed,
            LinkClosed: self._on_closed,
            ConnectAgainWanted: self._on_connect_again,
            WaitingEnded: self._on_waiting_ended,
        }

    # Where rooms are.

    def shown_in(self, chat: Chat | None) -> Room | None:
        """The room that is shown in a chat: of several the last one in which this person still is."""
        here = self.all_in(chat)
        return max(here, key=lambda room: (room.state is not RelayState.LEFT, room.id), default=None)

    def all_in(self, chat: Chat | None) -> list[Room]:
        """All that are shown in a chat."""
        return [self.by_id[room] for room in chat.rooms] if chat is not None else []

    def is_waiting_in(self, chat: Chat | None) -> bool:
        """Whether the other one of a conversation is looked for, by the room that the two have for good."""
        return any(room.meets is not None for room in self.all_in(chat))

    def visitor_in(self, room: Room) -> Link | None:
        """The link to whoever is in a room with us, though not in the chat in which the room is shown."""
        for conversation in self._chats.conversations():
            link = self._links.of(conversation)
            if link is not None and link.room == room.id and link.is_live and not conversation.rooms:
                return link
        return None

    # What a person wants.

    def _enter(self, code: RoomCode | None, relay: str) -> None:
        if not self.context.has_webrtc:
            return
        # One that is shown nowhere only says its last words.
        shown = [
            room
            for room in self.by_id.values()
            if room.code == code is not None and room.home is not None and room.meets is None
        ]
        room = shown[0] if shown else None
        home = room.home if room is not None else None
        if room is None or home is None:
            room = Room(self.context, self._links, self._chats, self._contacts, self.context.next_id(), code, relay)
            self.by_id[room.id] = room
            home = self._chats.introduce()
            home.rooms[room.id] = True
        home.rooms[room.id] = True
        self._chats.codes_used += 1
        room.enter()
        self._chats.open(home)

    def _on_code(self, news: RoomCodePasted) -> None:
        if news.asks and not (self.context.has_webrtc and self._has_been_in(news.code)):
            self._chats.pending_join = PendingJoin(news.code, news.relay)
        else:
            self._enter(news.code, news.relay)

    def _has_been_in(self, code: RoomCode) -> bool:
        return code in self._entered or visited.mark(code, self.context.key) in self._visited

    def _on_confirm_join(self, _: events.ConfirmJoin) -> None:
        if self._chats.pending_join is not None:
            self._enter(self._chats.pending_join.code, self._chats.pending_join.relay)

    def _on_decline_join(self, _: events.DeclineJoin | events.OpenCodeLink) -> None:
        self._chats.pending_join = None  # another link that is opened takes its place

    def _on_return(self, event: events.ReturnToRoom) -> None:
        room = self.shown_in(self._chats.get(event.conversation))
        home = room.home if room is not None else None
        if room is not None and home is not None and self.context.has_webrtc:
            home.rooms[room.id] = True
            room.enter()

    def _on_set_lock(self, event: events.SetRoomLock) -> None:
        for room in self.all_in(self._chats.get(event.conversation)):
            room.lock(event.locked)

    def _on_rotate_secret(self, event: events.RotateRoomSecret) -> None:
        room = self.shown_in(self._chats.get(event.conversation))
        if room is not None:
            room.rotate_secret()

    def _on_take_over(self, event: events.TakeOverRoom) -> None:
        room = self.shown_in(self._chats.get(event.conversation))
        home = room.home if room is not None else None
        if room is not None and home is not None:
            home.rooms[room.id] = True
            room.claim()

    def _on_show(self, event: events.ShowConversation) -> None:
        chat = self._chats.get(event.conversation)
        link = self._links.of(chat) if chat is not None else None
        if chat is not None and link is not None and link.room is not None and link.is_live:
            self._chats.move_room(link.room, chat)

    def _on_leave(self, event: events.LeaveConversation) -> None:
        chat = self._chats.get(event.conversation)
        for room in self.all_in(chat):
            room.leave()
            if chat is not None and room.meets is None:
                chat.rooms[room.id] = False
            elif chat is not None:
                del chat.rooms[room.id]  # it is gone back to by its conversation, not by a code

    # Finding each other again.

    def _on_connect_again(self, news: ConnectAgainWanted) -> None:
        conversation = self._chats.conversation(news.chat)
        if conversation is None or not self.context.has_webrtc:
            return
        code = room_at(news.secret, self.context.clock)
        room = next((room for room in self.all_in(conversation) if room.meets is not None), None)
        if room is None:
            number = self.context.next_id()
            room = Room(
                self.context,
                self._links,
                self._chats,
                self._contacts,
                number,
                code,
                news.relay,
                meets=conversation.peer,
            )
            self.by_id[number] = room
            conversation.rooms[number] = True
            room.enter()
        self._change_rooms()

    def _on_waiting_ended(self, news: WaitingEnded) -> None:
        conversation = self._chats.conversation(news.chat)
        link = self._links.of(conversation) if conversation is not None else None
        if link is None or not link.is_live:
            self._stop_waiting(conversation, besides=None)

    def _stop_waiting(self, conversation: Chat | None, *, besides: RoomId | None) -> None:
        """Leave the room that the two have for good, unless it is this one: they have found each other elsewhere."""
        for room in self.all_in(conversation):
            if room.meets is not None and room.id != besides and conversation is not None:
                room.leave()
                del conversation.rooms[room.id]

    def _change_rooms(self) -> None:
        """Go to the rooms where people are found from now on."""
        times = []
        for room in self.by_id.values():
            conversation = self._chats.with_peer(room.meets)
            if conversation is None or conversation.rendezvous is None or room.state is RelayState.LEFT:
                continue
            secret = conversation.rendezvous.secret
            room.go_to(room_at(secret, self.context.clock))
            times.append(next_change(secret, self.context.clock) - self.context.clock)
        self._change_at = self.context.now + min(times) if times else None

    # What is reported.

    def _handle_session_event(self, event: Any) -> None:
        room = self._by_session.get(event.session)
        if room is None or room.relay.id != event.session:
            self._by_session = {room.relay.id: room for room in self.by_id.values() if room.relay.id}
            room = self._by_session.get(event.session)
        if room is not None:  # else it is a stale event of a session that is over
            self._session_handlers[type(event)](room, event)

    def _on_secret(self, link: Link, frame: wire.Room) -> None:
        home = self._chats.get(link.chat)
        room = self.by_id.get(link.room) if link.room is not None else self.shown_in(home)
        if room is not None:
            room.on_secret_changed(link, frame.renewals, RoomCode(frame.secret))

    def _on_authenticated(self, news: LinkNotification) -> None:
        signaling, room = news.link.signaling, self.by_id.get(news.link.room or 0)
        if isinstance(signaling, RoomLink) and room is not None:
            room.on_authenticated(signaling)

    def _on_opened(self, news: LinkNotification) -> None:
        self._on_changed(news)
        self._stop_waiting(self._chats.get(news.link.chat), besides=news.link.room)

    def _on_changed(self, news: LinkNotification) -> None:
        if isinstance(news.link.signaling, RoomLink):
            news.link.signaling.place.on_changed(news.link.signaling)

    def _on_closed(self, news: LinkClosed) -> None:
        self._on_changed(news)
        link = news.link
        if link.authenticated is not None and link.close_reason not in _WANTED:
            for room in self.all_in(self._chats.get(news.chat)):
                if room.id != link.room:
                    room.on_seat_freed()

    # Time.

    @property
    def due(self) -> float | None:
        """When something is due in a room."""
        times = [self._change_at, *(room.due for room in self.by_id.values())]
        return min([at for at in times if at is not None], default=None)

    def wake(self) -> None:
        """Do it."""
        if self._change_at is not None and self._change_at <= self.context.now:
            self._change_rooms()
        for room in self.by_id.values():
            room.wake()

    def flush(self) -> None:
        """Remember the rooms in which the person is, and forget those that are over and shown nowhere."""
        if not self.context.needs_full_pass:
            return
        for room in [*self.by_id.values()]:  # some leave the table
            if room.is_over and room.home is None:
                room.discard()
                del self.by_id[room.id]
                self._by_session.clear()  # it is rebuilt when it is needed
                continue
            code = room.code
            if room.meets is not None:
                continue
            if code is not None and code not in self._entered and room.state is not RelayState.LEFT:
                self._entered.add(code)  # also one that was drawn or renewed meanwhile
                if self._keeps_visited:
                    self.context.emit(effects.KeepVisited(visited.mark(code, self.context.key)))
