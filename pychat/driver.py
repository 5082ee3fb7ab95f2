"""The loop: take events, ask the core, carry out the effects, arm one timer.

Everything happens in one asyncio loop. A few events are handled at once, for waiting on the loop is what costs most in
a browser; when more follow before the loop has come round, they are handled together, so that the core can answer a
burst with few frames. What takes time (making an offer, reading statistics) runs in the background,
one thing after the other for each link, and comes back as an event.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from pychat.core import effects as fx
from pychat.core import events as ev
from pychat.core.contacts import STORE_KEY, Contact, keep
from pychat.core.conversation import LinkId
from pychat.core.handshake import NONCE_SIZE
from pychat.core.ice import IceConfig
from pychat.core.node import Node
from pychat.core.sdp import DescriptionKind
from pychat.ports import Clock, Connect, Crypto, DataChannel, PeerConnection, PortError, Store, Tabs

CHANNEL_LABEL, CHANNEL_NUMBER = "chat", 0

TURNS_AT_ONCE = 4
"""Turns in one round of the loop before events are gathered: a message and its acknowledgement each way."""

Observer = Callable[[ev.Event | fx.Effect], None]


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
        tabs: the other tabs, where there are such.
        on_turn: called after each turn, to show the node's new state.
        observe: called with each event and each effect as it passes, for those who want to watch.
    """

    def __init__(
        self,
        node: Node,
        connect: Connect,
        crypto: Crypto,
        store: Store,
        clock: Clock,
        *,
        tabs: Tabs | None = None,
        on_turn: Callable[[], None] = lambda: None,
        observe: Observer | None = None,
    ) -> None:
        self.node = node
        self._connect = connect
        self._crypto = crypto
        self._store = store
        self._clock = clock
        self._tabs = tabs
        self._on_turn = on_turn
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._events: list[ev.Event] = []
        self._round: asyncio.Handle | None = None
        self._turns_this_round = 0
        self._turning = False
        self._timer: asyncio.TimerHandle | None = None
        self._connections: dict[LinkId, _Connection] = {}

    def post(self, event: ev.Event) -> None:
        """Take an event: handle it at once, or in a burst together with others when the loop comes round."""
        self._events.append(event)
        if self._round is None:
            self._round = self._loop.call_soon(self._come_round)
        if not self._turning and self._turns_this_round < TURNS_AT_ONCE:
            self._turns_this_round += 1
            self.turn()

    def turn(self) -> None:
        """Handle all that is enqueued, at once."""
        self._turning = True
        try:
            events, self._events = self._events, []
            if self._observe is not None:
                for event in events:
                    self._observe(event)
            for effect in self.node.handle(events, self._clock()):
                if self._observe is not None:
                    self._observe(effect)
                self._carry_out(effect)
            self._arm_timer()
            self._on_turn()
        finally:
            self._turning = False

    def _come_round(self) -> None:
        self._round = None
        self._turns_this_round = 0
        if self._events:
            self.turn()

    def close(self) -> None:
        """Say good-bye over every open link, then end everything; the driver is of no use afterwards."""
        self.post(ev.Closing())
        self.turn()
        for link in list(self._connections):
            self._close(link)
        if self._timer is not None:
            self._timer.cancel()
        if self._round is not None:
            self._round.cancel()

    def _arm_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.node.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_later(max(0.0, deadline - self._clock()), self.turn)

    def _carry_out(self, effect: fx.Effect) -> None:
        match effect:
            case fx.SendFrame(link, data):
                self._send(link, data)
            case fx.OpenConnection(link, ice):
                self._open(link, ice)
            case fx.CreateOffer(link):
                self._start(link, ev.Operation.OFFER, self._offer)
            case fx.AcceptOffer(link, sdp):
                self._start(link, ev.Operation.INVITE, self._answer, sdp)
            case fx.AcceptAnswer(link, sdp):
                self._start(link, ev.Operation.REPLY, self._take_answer, sdp)
            case fx.AddCandidate(link, candidate):
                self._start(link, ev.Operation.CANDIDATE, self._add_candidate, candidate)
            case fx.ReadStats(link):
                self._start(link, ev.Operation.STATS, self._read_stats)
            case fx.DrawNonce(link):
                self.post(ev.NonceDrawn(link, self._crypto.random(NONCE_SIZE)))
            case fx.Sign(link, data):
                self._start(link, ev.Operation.SIGN, self._sign, data)
            case fx.Verify(link, key, signature, data):
                self._start(link, ev.Operation.VERIFY, self._verify, key, signature, data)
            case fx.KeepContacts(contacts):
                self._keep(contacts)
            case fx.CloseConnection(link):
                self._close(link)
            case fx.OfferCodeToTabs(text):
                if self._tabs is not None:
                    self._tabs.offer_code(text)
            case fx.TellTabsCodeTaken(text):
                if self._tabs is not None:
                    self._tabs.tell_code_taken(text)

    def _open(self, link: LinkId, ice: IceConfig) -> None:
        peer: PeerConnection | None = None
        try:
            peer = self._connect(link, ice, self.post)
            self._connections[link] = _Connection(peer, peer.open_channel(CHANNEL_LABEL, CHANNEL_NUMBER))
        except PortError as error:
            if peer is not None:
                peer.close()
            self.post(ev.OperationFailed(link, ev.Operation.CONNECT, str(error)))

    def _send(self, link: LinkId, data: str) -> None:
        connection = self._connections.get(link)
        if connection is None:
            return
        try:
            connection.channel.send(data)
        except PortError as error:
            self.post(ev.OperationFailed(link, ev.Operation.SEND, str(error)))

    def _close(self, link: LinkId) -> None:
        connection = self._connections.pop(link, None)
        if connection is not None:
            if connection.last_job is not None:
                connection.last_job.cancel()
            connection.peer.close()

    def _start(
        self, link: LinkId, operation: ev.Operation, job: Callable[..., Coroutine[Any, Any, None]], *args: Any
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
                self.post(ev.OperationFailed(link, operation, str(error)))

        connection.last_job = self._loop.create_task(in_turn())

    async def _offer(self, link: LinkId, peer: PeerConnection) -> None:
        sdp = await peer.set_local_description(DescriptionKind.OFFER, await peer.create_offer())
        self.post(ev.LocalDescriptionReady(link, sdp))

    async def _answer(self, link: LinkId, peer: PeerConnection, offer: str) -> None:
        await peer.set_remote_description(DescriptionKind.OFFER, offer)
        sdp = await peer.set_local_description(DescriptionKind.ANSWER, await peer.create_answer())
        self.post(ev.LocalDescriptionReady(link, sdp))

    async def _take_answer(self, _: LinkId, peer: PeerConnection, answer: str) -> None:
        await peer.set_remote_description(DescriptionKind.ANSWER, answer)

    async def _add_candidate(self, _: LinkId, peer: PeerConnection, candidate: str) -> None:
        await peer.add_candidate(candidate)

    async def _sign(self, link: LinkId, _: PeerConnection, data: bytes) -> None:
        self.post(ev.Signed(link, await self._crypto.sign(data)))

    async def _verify(self, link: LinkId, _: PeerConnection, key: bytes, signature: bytes, data: bytes) -> None:
        self.post(ev.Verified(link, await self._crypto.verify(key, signature, data)))

    def _keep(self, contacts: Iterable[Contact]) -> None:
        """Put them among those that are kept, which other programs and tabs of the same person may have changed."""
        try:
            self._store.save(STORE_KEY, keep(self._store.load(STORE_KEY), contacts))
        except (PortError, ValueError) as error:
            self.post(ev.NotKept(str(error)))

    async def _read_stats(self, link: LinkId, peer: PeerConnection) -> None:
        self.post(ev.StatsRead(link, await peer.stats()))
