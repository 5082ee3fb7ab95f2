"""The loop: take events, ask the core, carry out the effects, arm one timer.

Everything happens in one asyncio loop. An event is handled at once, and so is what follows from that, for waiting on
the loop is what costs most in a browser; in a burst, when many come without a pause, they wait for the loop and are
handled together, so that the core can answer them with few frames. However much is waiting, the loop has its turn
every few milliseconds. What takes time (making an offer, reading statistics) runs in the background, one thing after
the other for each link, and comes back as an event.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from pychat.core import effects, events
from pychat.core.handshake import NONCE_SIZE
from pychat.core.ids import LinkId, SessionId
from pychat.core.node import Node
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.sdp import DescriptionKind
from pychat.ports import (
    Clock,
    Crypto,
    DataChannel,
    Journal,
    Leases,
    PeerConnection,
    PeerConnectionFactory,
    PortError,
    RelayFactory,
    Store,
    Tabs,
)
from pychat.relay_channels import RelayChannel, RelayChannels

CHANNEL_LABEL, CHANNEL_ID = "chat", 0

NEVER_OPENED = 1006
"""The close code of a WebSocket that did not come about (RFC 6455, section 7.1.5)."""
TURNS_AT_ONCE = 8
"""Events that are handled at once, each in a turn of its own, before those of a burst are gathered; and turns that
follow from one, before the loop has its turn.
"""
PAUSE = 0.0002
"""Seconds since the last turn after which an event belongs to no burst: an answer takes longer, even from nearby."""
EVENTS_AT_ONCE = 500
"""Events of one turn at most, so that what they send is on its way while the next ones are handled."""

CHARS_AT_ONCE = 64 * 1024
"""Characters of frames that are enough for one turn: they may hold thousands of entries, and a turn goes to its end."""
SLICE = 0.01
"""Seconds after which no other turn is taken before the loop has had its own."""
MOST_WAITING = 4 * 1024 * 1024
"""Characters of one peer or relay that may wait. An honest peer has no more on its way than `sync.WINDOW`."""
FRAME_WEIGHT = 800
"""Characters that each frame counts for beside its own."""
MOST_EVENTS = 50_000
"""Events that may wait, before one that is posted waits itself, until some of them are handled."""

JOURNAL_PATIENCE = 2.0
"""Seconds that somebody who leaves waits for the disk."""

_JournalWork = effects.WriteJournal | effects.ReadJournal | effects.MergeInJournal | effects.DeleteFromJournal

Observer = Callable[[events.Event | effects.Effect], None]


class _Connection:
    """A peer connection with its channel and what is still to be done on it."""

    def __init__(self, peer: PeerConnection, channel: DataChannel) -> None:
        self.peer = peer
        self.channel = channel
        self.last_job: asyncio.Task[None] | None = None


class Driver:
    """Joins a node to the world.

    Args:
        node: the core; only this driver calls it.
        connect: makes peer connections.
        crypto: holds the person's key.
        store: keeps what the core wants kept.
        clock: the time, in seconds since 1970.
        stopwatch: any clock that is fine enough to tell a burst, in seconds; `clock` counts milliseconds in a browser.
        connect_relay: makes connections to relays, where rooms are to be had.
        tabs: the other tabs, where there are such.
        leases: what other programs and tabs of the same person hold, where it can be told.
        journal: keeps what was said, if anything does.
        on_turn: called after each turn, to show the node's new state.
        observe: called with each event and each effect as it passes, for those who want to watch.
    """

    def __init__(
        self,
        node: Node,
        connect: PeerConnectionFactory,
        crypto: Crypto,
        store: Store,
        clock: Clock,
        *,
        stopwatch: Clock = time.monotonic,
        connect_relay: RelayFactory | None = None,
        tabs: Tabs | None = None,
        leases: Leases | None = None,
        journal: Journal | None = None,
        on_turn: Callable[[], None] = lambda: None,
        observe: Observer | None = None,
    ) -> None:
        self.node = node
        self._connect = connect
        self._crypto = crypto
        self._store = store
        self._clock = clock
        self._stopwatch = stopwatch
        self._connect_relay = RelayChannels(connect_relay) if connect_relay is not None else None
        self._tabs = tabs
        self._leases = leases
        self._leased: set[str] = set()
        self._journal = journal
        self._journal_work: deque[_JournalWork] = deque()
        self._is_closed = False
        self._journal_task: asyncio.Task[None] | None = None
        self._on_turn = on_turn
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._events: deque[events.Event] = deque()
        self._taken = 0  # of the events so far
        self._weights: dict[LinkId | SessionId, int] = {}  # of what waits, by whom it comes from
        self._deferred: asyncio.Handle | None = None
        self._count = 0  # of events that were handled at once without a pause
        self._last_end = 0.0  # when the last of these turns was over, by the stopwatch
        self._turning = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0  # when the timer does, by the clock
        self._connections: dict[LinkId, _Connection] = {}
        self._relays: dict[SessionId, RelayChannel] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._at_close: list[Callable[[], object]] = []

    def close_with(self, action: Callable[[], object]) -> None:
        """Have this done when the driver is closed: it ends something that posts events."""
        self._at_close.append(action)

    def post(self, event: events.Event) -> None:
        """Take an event: handle it at once, or in a burst together with others when the loop comes round."""
        self._events.append(event)
        if self._turning or self._deferred is not None:  # then it follows
            self._let_wait(event)
            return
        began = self._stopwatch()
        if began - self._last_end >= PAUSE:
            self._count = 0
        if self._count >= TURNS_AT_ONCE:
            self._deferred = self._loop.call_soon(self._run_deferred)
            return
        self._count += 1
        self._handle_all(began)
        self._last_end = self._stopwatch()

    def turn(self) -> None:
        """Handle all that is enqueued, at once."""
        end = self._taken + len(self._events)
        self._handle_all(self._stopwatch())
        while self._taken < end and self._events:
            self._handle_all(self._stopwatch())

    def _let_wait(self, event: events.Event) -> None:
        """See to it that what waits has an end, for each peer and for all together."""
        if type(event) is events.FrameReceived:
            source, text = event.link, event.data
        elif type(event) is events.RelayHeard:
            source, text = event.session, event.text
        else:
            if len(self._events) > MOST_EVENTS and not self._turning:
                self._handle_all(self._stopwatch())
            return
        weight = self._weights[source] = self._weights.get(source, 0) + FRAME_WEIGHT + len(text)
        if weight > MOST_WAITING:
            self._end_flood(event)

    def _end_flood(self, event: events.FrameReceived | events.RelayHeard) -> None:
        """Hear no more of a peer or a relay that sends whether anybody listens or not, nor what still waits of it."""
        if type(event) is events.FrameReceived:
            link = event.link
            self._close(link)
            self._events = deque(e for e in self._events if type(e) is not events.FrameReceived or e.link != link)
            self._events.appendleft(events.PeerFlooded(link))
            del self._weights[link]
        elif type(event) is events.RelayHeard:
            session = event.session
            self._close_relay(session)
            self._events = deque(e for e in self._events if type(e) is not events.RelayHeard or e.session != session)
            self._events.appendleft(events.RelayClosed(session, NEVER_OPENED))
            del self._weights[session]

    def _handle_all(self, began: float) -> None:
        """Take a turn, and more for what is left or follows from it, until the loop has to have its turn."""
        now = self._clock()
        self._turning = True
        try:
            for _ in range(TURNS_AT_ONCE):
                self._take_turn(now)
                if not self._events or self._stopwatch() - began >= SLICE:
                    break
        finally:
            self._turning = False
            self._arm_timer()
        if self._events and self._deferred is None:
            self._deferred = self._loop.call_soon(self._run_deferred)

    def _take_turn(self, now: float) -> None:
        batch = self._next_events()
        if self._observe is not None:
            for event in batch:
                self._observe(event)
        for effect in self.node.handle(batch, now):
            if self._observe is not None:
                self._observe(effect)
            self._execute(effect)
        self._on_turn()

    def _next_events(self) -> list[events.Event]:
        """Those for one turn."""
        take = self._events.popleft
        batch = [take() for _ in range(min(len(self._events), EVENTS_AT_ONCE))]
        if self._weights:
            self._weigh(batch)
        self._taken += len(batch)
        return batch

    def _weigh(self, batch: list[events.Event]) -> None:
        """Put back what is too much for one turn, and count what is left as waiting no more."""
        chars = 0
        for place, event in enumerate(batch):
            if chars >= CHARS_AT_ONCE:
                self._events.extendleft(reversed(batch[place:]))
                del batch[place:]
                break
            if type(event) is events.FrameReceived:
                chars += len(event.data)
                self._lighten(event.link, event.data)
            elif type(event) is events.RelayHeard:
                chars += len(event.text)
                self._lighten(event.session, event.text)

    def _lighten(self, source: LinkId | SessionId, text: str) -> None:
        left = self._weights.get(source, 0) - FRAME_WEIGHT - len(text)
        if left > 0:
            self._weights[source] = left
        else:
            self._weights.pop(source, None)

    def _run_deferred(self) -> None:
        self._deferred = None
        self._count = 0
        if self._events:
            self._handle_all(self._stopwatch())

    def close(self) -> None:
        """Say good-bye over every open link, then end everything; the driver is of no use afterwards."""
        self.post(events.Shutdown())
        self.turn()
        self._is_closed = True
        for link in list(self._connections):
            self._close(link)
        for session in list(self._relays):
            self._close_relay(session)
        for action in self._at_close:
            action()
        for task in self._working:
            task.cancel()
        for name in list(self._leased):
            self._release(name)
        if self._timer is not None:
            self._timer.cancel()
        if self._deferred is not None:
            self._deferred.cancel()

    def _arm_timer(self) -> None:
        """See to it that a turn comes in time. One that comes early does no harm, and arming costs a browser dear."""
        deadline = self.node.next_deadline()
        if self._timer is not None:
            if deadline is None or self._timer_at <= deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer_at = deadline
            # Pyodide's call_at refuses what is due now.
            self._timer = self._loop.call_later(max(0.0, deadline - self._clock()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._handle_all(self._stopwatch())

    def _execute(self, effect: effects.Effect) -> None:
        match effect:
            case effects.SendFrame(link, data):
                self._send(link, data)
            case effects.OpenConnection(link, ice):
                self._open(link, ice)
            case effects.CreateOffer(link, restart):
                self._start(link, events.Operation.OFFER, self._offer, restart)
            case effects.AcceptOffer(link, sdp):
                self._start(link, events.Operation.INVITE, self._answer, sdp)
            case effects.AcceptAnswer(link, sdp):
                self._start(link, events.Operation.REPLY, self._take_answer, sdp)
            case effects.AddCandidate(link, candidate):
                self._start(link, events.Operation.CANDIDATE, self._add_candidate, candidate)
            case effects.ReadStats(link):
                self._start(link, events.Operation.STATS, self._read_stats)
            case effects.DrawNonce(link):
                self.post(events.NonceDrawn(link, self._crypto.random(NONCE_SIZE)))
            case effects.Sign(link, data):
                self._start(link, events.Operation.SIGN, self._sign, data)
            case effects.Verify(link, key, signature, data):
                self._start(link, events.Operation.VERIFY, self._verify, key, signature, data)
            case effects.ConnectRelay(session, url):
                self._reach_relay(session, url)
            case effects.SendToRelay(session, text):
                if session in self._relays:
                    self._relays[session].send(text)
            case effects.CloseRelay(session, is_dead):
                self._close_relay(session, is_dead=is_dead)
            case effects.DrawBytes(session, size):
                self.post(events.BytesDrawn(session, self._crypto.random(size)))
            case effects.Derive() | effects.Seal() | effects.Unseal():
                self._begin(self._work_for_room(effect))
            case effects.TakeLease(session, name):
                self._leased.add(name)
                self._begin(self._take_lease(session, name))
            case effects.ReleaseLease(name):
                self._release(name)
            case effects.KeepContacts() | effects.KeepVisited():
                self._keep(effect)
            case (
                effects.WriteJournal() | effects.ReadJournal() | effects.MergeInJournal() | effects.DeleteFromJournal()
            ):
                self._journal_work.append(effect)
                if self._journal_task is None:
                    self._journal_task = self._loop.create_task(self._do_journal_work())
            case effects.CloseConnection(link):
                self._close(link)
            case effects.OfferCodeToTabs(text):
                if self._tabs is not None:
                    self._tabs.offer_code(text)
            case effects.TellTabsCodeTaken(text):
                if self._tabs is not None:
                    self._tabs.tell_code_taken(text)
            case effects.TellTabsKept(changes):
                if self._tabs is not None:
                    self._tabs.tell_kept(changes)

    def _open(self, link: LinkId, ice: IceConfig) -> None:
        peer: PeerConnection | None = None
        try:
            peer = self._connect(link, ice, self.post)
            self._connections[link] = _Connection(peer, peer.open_channel(CHANNEL_LABEL, CHANNEL_ID))
        except PortError as error:
            if peer is not None:
                peer.close()
            self.post(events.OperationFailed(link, events.Operation.CONNECT, str(error)))

    def _send(self, link: LinkId, data: str) -> None:
        connection = self._connections.get(link)
        if connection is None:
            return
        try:
            connection.channel.send(data)
        except PortError as error:
            self.post(events.OperationFailed(link, events.Operation.SEND, str(error)))

    def _close(self, link: LinkId) -> None:
        connection = self._connections.pop(link, None)
        if connection is not None:
            if connection.last_job is not None:
                connection.last_job.cancel()
            connection.peer.close()

    def _start(
        self, link: LinkId, operation: events.Operation, job: Callable[..., Coroutine[Any, Any, None]], *args: Any
    ) -> None:
        """Do a job once those before it on this link are done; a failure becomes an event."""
        connection = self._connections.get(link)
        if connection is None:
            return
        before = connection.last_job

        async def in_turn() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await job(link, connection.peer, *args)
            except PortError as error:
                self.post(events.OperationFailed(link, operation, str(error)))

        connection.last_job = self._loop.create_task(in_turn())

    async def _offer(self, link: LinkId, peer: PeerConnection, restart: bool) -> None:
        self.post(events.LocalDescriptionReady(link, await peer.offer(restart=restart)))

    async def _answer(self, link: LinkId, peer: PeerConnection, offer: str) -> None:
        await peer.set_remote_description(DescriptionKind.OFFER, offer)
        self.post(events.LocalDescriptionReady(link, await peer.answer()))

    async def _take_answer(self, _: LinkId, peer: PeerConnection, answer: str) -> None:
        await peer.set_remote_description(DescriptionKind.ANSWER, answer)

    async def _add_candidate(self, _: LinkId, peer: PeerConnection, candidate: str) -> None:
        await peer.add_candidate(candidate)

    async def _sign(self, link: LinkId, _: PeerConnection, data: bytes) -> None:
        self.post(events.Signed(link, await self._crypto.sign(data)))

    async def _verify(self, link: LinkId, _: PeerConnection, key: bytes, signature: bytes, data: bytes) -> None:
        self.post(events.Verified(link, await self._crypto.verify(key, signature, data)))

    def _reach_relay(self, session: SessionId, url: str) -> None:
        try:
            if self._connect_relay is None:
                raise PortError("there are no relays here")
            self._relays[session] = self._connect_relay(session, url, self.post)
        except PortError:
            self.post(events.RelayClosed(session, NEVER_OPENED))

    def _close_relay(self, session: SessionId, *, is_dead: bool = False) -> None:
        relay = self._relays.pop(session, None)
        if relay is not None:
            relay.close(is_dead=is_dead)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _take_lease(self, session: SessionId, name: str) -> None:
        ours = self._leases is None or await self._leases.take(name)
        if name not in self._leased:  # it was released meanwhile
            self._release(name)
        self.post(events.LeaseTaken(session, ours))

    async def _do_journal_work(self) -> None:
        """Do what is to be done with the journal, one after the other."""
        while self._journal_work:
            effect = self._journal_work.popleft()
            try:
                event = await self._work_on_journal(effect)
            except PortError as error:
                event = events.JournalFailed(effect.ticket, str(error))
            if event is not None and not self._is_closed:
                self.post(event)
        self._journal_task = None

    async def _work_on_journal(self, effect: "_JournalWork") -> events.Event | None:
        if self._journal is None:
            return events.JournalFailed(effect.ticket, "there is no journal")
        journal = self._journal
        match effect:
            case effects.WriteJournal(ticket, changes):
                await journal.write(changes)
                return events.JournalWritten(ticket)
            case effects.ReadJournal(ticket, chat, before, most, from_start):
                read = journal.read_first(chat, most) if from_start else journal.read(chat, before, most)
                return events.JournalRead(ticket, chat, tuple(await read))
            case effects.MergeInJournal(_, chat, segments, segment):
                await journal.merge(chat, segments, segment)
                return None
            case effects.DeleteFromJournal(_, chat, until):
                await journal.delete(chat, until)
                return None

    async def journaled(self) -> None:
        """Wait until what has come by now is in the journal and acknowledged, so that the other side need not wait."""
        self.post(events.FlushJournal())
        self.turn()
        with suppress(TimeoutError):
            async with asyncio.timeout(JOURNAL_PATIENCE):
                while self._journal_task is not None:
                    await asyncio.shield(self._journal_task)
                    self.turn()

    async def finish(self) -> None:
        """After `close`: wait until all that was written is in the journal, and end that."""
        if self._journal_task is not None:
            await self._journal_task
        if self._journal is not None:
            self._journal.close()

    def _release(self, name: str) -> None:
        self._leased.discard(name)
        if self._leases is not None:
            self._leases.release(name)

    async def _work_for_room(self, effect: effects.Derive | effects.Seal | effects.Unseal) -> None:
        crypto, session = self._crypto, effect.session
        try:
            match effect:
                case effects.Derive(_, secret, salt, info, size):
                    self.post(events.Derived(session, info, await crypto.derive(secret, salt, info, size)))
                case effects.Seal(_, ticket, key, nonce, data, associated_data):
                    self.post(events.Sealed(session, ticket, await crypto.seal(key, nonce, data, associated_data)))
                case effects.Unseal(_, ticket, key, nonce, data, associated_data):
                    self.post(events.Unsealed(session, ticket, await crypto.unseal(key, nonce, data, associated_data)))
        except PortError:  # a new session begins with keys of its own
            self._close_relay(session)
            self.post(events.RelayClosed(session, NEVER_OPENED))

    def _keep(self, what: effects.KeepContacts | effects.KeepVisited) -> None:
        """Merge it into what is kept, which other programs and tabs of the same person may have changed."""
        try:
            self._store.update(what.key, what.merged)
        except (PortError, ValueError) as error:
            self.post(events.NotKept(what.key, str(error)))

    async def _read_stats(self, link: LinkId, peer: PeerConnection) -> None:
        self.post(events.StatsRead(link, await peer.stats()))
