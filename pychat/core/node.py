"""The face of the core: events and the time go in, effects come out, and the state is there to be shown.

A turn is one call of `handle`: all events that have come since the last one. What is sent is decided once at the end
of a turn, so that a burst of messages becomes a few frames and a burst of frames one acknowledgement. What is done with
an event is the business of the services (`service`).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pychat.core import effects, events
from pychat.core.chat.chats import Chats
from pychat.core.chat.records import FOREVER, KeptConversation
from pychat.core.identity.contacts import Contacts, clean_name
from pychat.core.ids import PublicKey
from pychat.core.service import Context, LinkNotification, Service
from pychat.core.services.amending import Amending
from pychat.core.services.compaction import Compaction
from pychat.core.services.deletion import Deletion
from pychat.core.services.diagnostics import Diagnostics
from pychat.core.services.exports import Exports
from pychat.core.services.history import History
from pychat.core.services.introductions import Introductions
from pychat.core.services.links import Links
from pychat.core.services.messaging import Messaging
from pychat.core.services.other_tabs import OtherTabs
from pychat.core.services.people import People
from pychat.core.services.presence import Presence
from pychat.core.services.rendezvous import RendezvousAgreement
from pychat.core.services.retention import Retention
from pychat.core.services.rooms import Rooms
from pychat.core.services.search import Search
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.ice import IceConfig

SEED_SIZE = 32

MESSAGE_EVENTS = (
    events.WriteMessage,
    events.FrameReceived,
    events.JournalWritten,
    events.MarkRead,
    events.NoteTyping,
    events.NoteActivity,
)
"""Events that mostly change nothing but what is to be sent."""

CONNECTING = (events.CreateInvite, events.PasteCode, events.ConfirmJoin, events.CreateRoom, events.ReturnToRoom)
"""What a person asks for that is of no use without WebRTC."""


class Node:
    """One person's end of everything: their chats, the links, the codes under way.

    Args:
        key: this person's identity.
        seed: random bytes, from which this run's logs get their names.
        contacts: the people known already.
        name: how this person wants to be called; "" is nothing in particular.
        capabilities: of the WebRTC stack in use.
        ice: the servers to begin with.
        visited: the marks of the rooms in which this person has been (`visited`); None where that is not kept.
        tabs: whether other nodes of the same person may run beside, in other tabs.
        keeps: whether what is said goes into a journal.
        kept: the conversations in the journal.
        keep_for: for how many seconds it is kept what is said (`records`), where nothing else was chosen.
    """

    def __init__(
        self,
        key: PublicKey,
        seed: bytes,
        contacts: Contacts,
        *,
        name: str = "",
        capabilities: Capabilities = Capabilities(),
        ice: IceConfig = IceConfig(),
        visited: Iterable[str] | None = None,
        tabs: bool = True,
        keeps: bool = False,
        kept: Iterable[KeptConversation] = (),
        keep_for: int = FOREVER,
    ) -> None:
        self.key = key
        self._context = context = Context(key, seed, capabilities)
        self.chats = chats = Chats(context, keeps=keeps, keep_for=keep_for)
        self.links = links = Links(context, ice)
        self.introductions = Introductions(context, links, chats, tabs=tabs)
        self.messaging = Messaging(context, links, chats, contacts, clean_name(name))
        self.history = History(context, chats, keeps=keeps, kept=kept, tells=tabs)
        self.deletion = Deletion(context, chats)
        self.amending = Amending(context, chats)
        self.retention = Retention(context, chats)
        self.rooms = Rooms(context, links, chats, contacts, visited)
        self.people = People(context, links, chats, contacts)
        self.rendezvous = RendezvousAgreement(context, links, chats)
        self.presence = Presence(context, links, chats)
        self.exports = Exports(context, chats)
        self.search = Search(context, chats, keeps=keeps)
        self._set_back = 0.0  # seconds by which the clock was set back so far
        self._due: float | None = None  # nothing is due before
        self._handlers: dict[type, tuple[Callable[[Any], None], ...]] = {
            events.WebRtcMissing: (self._on_webrtc_missing,)
        }
        self._hearers: dict[type, tuple[Callable[[Any], None], ...]] = {}
        self._services: tuple[Service, ...] = (
            self.messaging,
            self.amending,
            self.deletion,  # before all that take what was read: then it is known what was deleted of it
            self.history,
            self.retention,
            Compaction(context, chats),
            self.rooms,
            self.introductions,
            self.people,
            self.rendezvous,
            self.presence,
            self.search,
            self.exports,
            OtherTabs(context, links, chats),
            Diagnostics(context, links, chats),
            links,  # the last one: what a peer has said meanwhile is heard when all know that the link is open
        )
        for service in self._services:
            for event, handler in service.event_handlers().items():
                self._handlers[event] = (*self._handlers.get(event, ()), handler)
            for notification, hearer in service.notification_handlers().items():
                self._hearers[notification] = (*self._hearers.get(notification, ()), hearer)
            links.register(service.frame_rules())

    def handle(self, batch: Sequence[events.Event], now: float) -> list[effects.Effect]:
        """Take in what has happened, and return what is to be done, in this order.

        Args:
            batch: the events in the order in which they happened; none is fine, when only time has passed.
            now: seconds since 1970. When the clock was set back, what is due comes none the later for it.
        """
        context = self._context
        if now < context.clock:
            self._set_back += context.clock - now
        context.clock = now
        context.now = now + self._set_back
        context.needs_full_pass = not batch
        for event in batch:
            kind = type(event)
            if kind not in MESSAGE_EVENTS:
                context.needs_full_pass = True
            for handler in self._handlers[kind]:
                handler(event)
            if context.notifications:
                self._deliver()
        self._finish()
        if self._due is not None and self._due <= context.now:
            context.needs_full_pass = True
            for service in self._services:
                service.wake()
                self._deliver()
            self._finish()
        done, context.effects = context.effects, []
        return done

    def next_deadline(self) -> float | None:
        """The time at which `handle` wants to be called even if nothing happens: later than the last call, or None."""
        if self._due is None:
            return None
        clock = self._context.clock
        return max(self._due - self._set_back, math.nextafter(clock, math.inf))  # the difference may be rounded

    def _deliver(self) -> None:
        """Let all hear of what has come up."""
        notifications = self._context.notifications
        while notifications:
            news = notifications.popleft()
            for hearer in self._hearers.get(type(news), ()):
                if isinstance(news, LinkNotification):
                    self.links.guard(news.link, hearer, news)
                else:
                    hearer(news)

    def _finish(self) -> None:
        """End a turn: send what is left to send, and find out when something is due.

        After a turn of messages alone only what services have named can have become due. A time that has become too
        early does no harm, and to look for the right one is a good part of what a message costs.
        """
        context = self._context
        for service in self._services:
            service.flush()
        if context.needs_full_pass:
            times = [service.due for service in self._services]
            self._due = min([at for at in times if at is not None], default=None)
        elif context.soonest is not None and (self._due is None or context.soonest < self._due):
            self._due = context.soonest
        context.soonest = None

    def _on_webrtc_missing(self, _: events.WebRtcMissing) -> None:
        self._context.has_webrtc = False
