"""The loop: take events, ask the core, carry out the effects, arm one timer.

Everything happens in one asyncio loop. Events that come while others wait are handled in the same turn, so that the
core can answer a burst at once. What takes time (making an offer, reading statistics) runs in the background, one
thing after the other for each link, and comes back as an event.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pychat.core import effects as fx
from pychat.core import events as ev
from pychat.core.conversation import LinkId
from pychat.core.ice import IceConfig
from pychat.core.node import Node
from pychat.core.sdp import DescriptionKind
from pychat.ports import Clock, Connect, DataChannel, PeerConnection, PortError, Tabs

CHANNEL_LABEL, CHANNEL_NUMBER = "chat", 0

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
        clock: the time, in seconds since 1970.
        tabs: the other tabs, where there are such.
        on_turn: called after each turn, to show the node's new state.
        observe: called with each event and each effect as it passes, for those who want to watch.
    """

    def __init__(
        self,
        node: Node,
        connect: Connect,
        clock: Clock,
        *,
        tabs: Tabs | None = None,
        on_turn: Callable[[], None] = lambda: None,
        observe: Observer | None = None,
    ) -> None:
        self.node = node
        self._connect = connect
        self._clock = clock
        self._tabs = tabs
        self._on_turn = on_turn
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._events: list[ev.Event] = []
        self._scheduled: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._connections: dict[LinkId, _Connection] = {}

    def post(self, event: ev.Event) -> None:
        """Enqueue an event for the next turn, which comes as soon as the loop is free."""
        self._events.append(event)
        if self._scheduled is None:
            self._scheduled = self._loop.call_soon(self.turn)

    def turn(self) -> None:
        """Handle all that is enqueued, at once."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
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

    def close(self) -> None:
        """Say good-bye over every open link, then end everything; the driver is of no use afterwards."""
        self.post(ev.PageClosing())
        self.turn()
        for link in list(self._connections):
            self._close(link)
        if self._timer is not None:
            self._timer.cancel()
        if self._scheduled is not None:
            self._scheduled.cancel()

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
                self._start(link, "make an offer", self._offer(link))
            case fx.AcceptOffer(link, sdp):
                self._start(link, "take the invite", self._answer(link, sdp))
            case fx.AcceptAnswer(link, sdp):
                self._start(link, "take the reply", self._take_answer(link, sdp))
            case fx.AddCandidate(link, candidate):
                self._start(link, "take a candidate", self._add_candidate(link, candidate))
            case fx.ReadStats(link):
                self._start(link, "read statistics", self._read_stats(link))
            case fx.CloseConnection(link):
                self._close(link)
            case fx.OfferCodeToTabs(text):
                if self._tabs is not None:
                    self._tabs.offer_code(text)
            case fx.TellTabsCodeTaken(text):
                if self._tabs is not None:
                    self._tabs.tell_code_taken(text)

    def _open(self, link: LinkId, ice: IceConfig) -> None:
        try:
            peer = self._connect(link, ice, self.post)
        except PortError as error:
            self.post(ev.OperationFailed(link, "open a connection", str(error)))
            return
        self._connections[link] = _Connection(peer, peer.open_channel(CHANNEL_LABEL, CHANNEL_NUMBER))

    def _send(self, link: LinkId, data: str) -> None:
        connection = self._connections.get(link)
        if connection is None:
            return
        try:
            connection.channel.send(data)
        except PortError as error:
            self.post(ev.OperationFailed(link, "send", str(error)))

    def _close(self, link: LinkId) -> None:
        connection = self._connections.pop(link, None)
        if connection is not None:
            if connection.last_job is not None:
                connection.last_job.cancel()
            connection.peer.close()

    def _start(self, link: LinkId, operation: str, job: Coroutine[Any, Any, None]) -> None:
        """Do a job once those before it on this link are done; a failure becomes an event."""
        connection = self._connections.get(link)
        if connection is None:
            job.close()
            return
        before = connection.last_job

        async def in_turn() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await job
            except PortError as error:
                self.post(ev.OperationFailed(link, operation, str(error)))

        connection.last_job = self._loop.create_task(in_turn())

    async def _offer(self, link: LinkId) -> None:
        peer = self._connections[link].peer
        sdp = await peer.set_local_description(DescriptionKind.OFFER, await peer.create_offer())
        self.post(ev.LocalDescriptionReady(link, sdp))

    async def _answer(self, link: LinkId, offer: str) -> None:
        peer = self._connections[link].peer
        await peer.set_remote_description(DescriptionKind.OFFER, offer)
        sdp = await peer.set_local_description(DescriptionKind.ANSWER, await peer.create_answer())
        self.post(ev.LocalDescriptionReady(link, sdp))

    async def _take_answer(self, link: LinkId, answer: str) -> None:
        await self._connections[link].peer.set_remote_description(DescriptionKind.ANSWER, answer)

    async def _add_candidate(self, link: LinkId, candidate: str) -> None:
        await self._connections[link].peer.add_candidate(candidate)

    async def _read_stats(self, link: LinkId) -> None:
        self.post(ev.StatsRead(link, await self._connections[link].peer.stats()))
