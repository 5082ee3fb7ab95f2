"""The links of a node: connections to other devices, from the first description to the good-bye.

A link is authenticated by the handshake and then admitted by the service that began it. What the peer says goes to the
service that takes such frames, if the link has come far enough for that (`FrameRule`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pychat.core import effects, events, handshake, wire
from pychat.core.chat.conversation import Chat
from pychat.core.errors import LocalError, RemoteError
from pychat.core.handshake import Handshake, Role
from pychat.core.ids import LinkId, RoomId
from pychat.core.link import TIMEOUTS, CloseReason, Link, LinkPhase, LinkStep, Signaling
from pychat.core.service import (
    Context,
    FrameRule,
    LinkAdmitted,
    LinkAuthenticated,
    LinkClosed,
    LinkLost,
    LinkOpened,
    Service,
    Stage,
)
from pychat.core.webrtc.ice import IceConfig

MAX_PENDING_FRAMES = 16
"""Frames that a peer may send before this side has checked who it is."""
CLOSE_DELAY = 1.0
"""Seconds between our “bye” and the closing of the connection, so that it gets through."""
WARNED_CLOSE_DELAY = 10.0
"""The same where a warning goes before it, which has to get through also where a packet is lost and sent again."""

_ERRORS = {
    Stage.AUTHENTICATED: "the peer did not prove who it is first",
    Stage.INTRODUCED: "the peer did not introduce itself first",
}


class Links(Service):
    """All links, by their ids: those that have not ended, those that are still to be closed, and the last of each chat.

    Args:
        ice: the servers for links that are begun from now on.
    """

    def __init__(self, context: Context, ice: IceConfig) -> None:
        super().__init__(context)
        self.ice = ice
        self.by_id: dict[LinkId, Link] = {}
        self._rules: dict[type, FrameRule] = {}
        self._before_bye: Callable[[Link], bool] = lambda _: True
        self._handlers: dict[type, Callable[[Link, Any], None]] = {
            events.LocalDescriptionReady: lambda link, event: link.signaling.on_local_description(link, event.sdp),
            events.CandidateFound: self._on_candidate,
            events.GatheringFinished: lambda link, _: link.signaling.on_gathering_finished(link),
            events.IceStateChanged: self._on_ice_state,
            events.ConnectionStateChanged: self._on_connection_state,
            events.ChannelOpened: self._on_channel_opened,
            events.ChannelClosed: lambda link, _: self.end(link, CloseReason.CHANNEL_CLOSED),
            events.FrameReceived: self._on_frame,
            events.PeerFlooded: self._on_peer_flooded,
            events.NonceDrawn: lambda link, event: self._go_on(link, _of(link).nonce_drawn(event.nonce)),
            events.Signed: lambda link, event: self._go_on(link, _of(link).signed(event.signature)),
            events.Verified: lambda link, event: self._go_on(link, _of(link).verified(event.genuine)),
            events.StatsRead: self._on_stats,
            events.OperationFailed: self._on_operation_failed,
        }

    def event_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """What WebRTC reports, and what the person wants of all links."""
        return {
            **dict.fromkeys(self._handlers, self._handle),
            events.ConfigureIce: self._on_configure_ice,
            events.Shutdown: self._on_shutdown,
        }

    def frame_rules(self) -> Mapping[type, FrameRule]:
        """The frames of the handshake and of the good-bye."""
        return {
            wire.Hello: FrameRule(Stage.ANY, self._on_hello),
            wire.Reveal: FrameRule(Stage.ANY, lambda link, frame: self._go_on(link, _of(link).reveal(frame))),
            wire.Proof: FrameRule(Stage.ANY, lambda link, frame: self._go_on(link, _of(link).proof(frame))),
            wire.Bye: FrameRule(Stage.ANY, lambda link, _: self.end(link, CloseReason.PEER_LEFT)),
            wire.Unknown: FrameRule(Stage.ANY, lambda _, __: None),
            wire.Elsewhere: FrameRule(Stage.AUTHENTICATED, lambda link, _: self.end(link, CloseReason.ELSEWHERE)),
        }

    def notification_handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Once all have heard that a link is open, what its peer has said meanwhile is heard."""
        return {LinkOpened: lambda news: self._take_pending(news.link)}

    def register(self, rules: Mapping[type, FrameRule]) -> None:
        """Take the frames of a service from now on."""
        self._rules.update(rules)

    # What other services ask for.

    def of(self, chat: Chat) -> Link | None:
        """The present link of a chat, or the last one if that has ended."""
        return self.by_id.get(chat.link) if chat.link is not None else None

    def live(self) -> list[Link]:
        """Those that have not ended."""
        return [link for link in self.by_id.values() if link.is_live]

    def unauthenticated_in_rooms(self) -> list[Link]:
        """Those of all rooms that have not ended and whose peers are not proved."""
        links = self.by_id.values()
        return [link for link in links if link.room is not None and link.authenticated is None and link.is_live]

    def begin(
        self,
        role: Role,
        signaling: Signaling,
        chat: Chat | None,
        *,
        room: RoomId | None = None,
        times_out_at: float | None = None,
    ) -> Link:
        """Begin a link, shown in a chat or nowhere."""
        link = Link(self.context.next_id(), role, self.ice, signaling, room)
        link.times_out_at = times_out_at
        self.by_id[link.id] = link
        if chat is not None:
            self.bind(link, chat)
        self.context.emit(effects.OpenConnection(link.id, link.ice))
        return link

    def bind(self, link: Link, chat: Chat) -> None:
        """Make this the link of a chat; the one before it ends."""
        before = self.of(chat)
        if before is link:
            return
        chat.link, link.chat, chat.is_deserted = link.id, chat.id, False
        chat.progress(None)
        if before is not None and before.is_live:
            self.end_with_bye(before, CloseReason.REPLACED)
            self.forget(before)
        elif before is not None:
            self.release(before)

    def release(self, link: Link) -> None:
        """No chat shows a link any more: it is forgotten when it has ended, and its connection is closed."""
        link.chat = None
        if not link.is_live and link.close_at is None:
            self.by_id.pop(link.id, None)

    def forget(self, link: Link) -> None:
        """Close the connection of a link that has ended at once, and forget it."""
        if link.close_at is not None:
            link.close_at = None
            self.context.emit(effects.CloseConnection(link.id))
        self.release(link)

    def send(self, link: Link, frame: wire.OwnFrame) -> None:
        """Send a frame over the link itself."""
        self.context.effects.append(effects.SendFrame(link.id, wire.encode(frame)))

    def admit(self, link: Link) -> None:
        """Whoever has proved to be there may come in."""
        self.context.notify(LinkAdmitted(link))

    def turn_away(self, link: Link) -> None:
        """They may not, and have been told: the connection stays until they have heard it."""
        link.close_at = self.context.now + CLOSE_DELAY
        self.end(link, CloseReason.LEFT)

    def step(self, link: Link, step: LinkStep) -> None:
        """Take a step; others hear of a change of the phase."""
        before = link.phase
        if not link.step(step, self.context.now):
            return
        if link.phase is LinkPhase.OPEN:
            self.context.notify(LinkOpened(link))
        elif before is LinkPhase.OPEN and link.phase is LinkPhase.LOST:
            self.context.notify(LinkLost(link))

    def end(self, link: Link, close_reason: CloseReason, detail: str = "") -> None:
        """End a link, if it has not ended."""
        if not link.end(close_reason, detail, self.context.now):
            return
        if link.close_at is None:
            self.context.emit(effects.CloseConnection(link.id))
        self.context.notify(LinkClosed(link, link.chat))
        if link.chat is None:
            self.release(link)

    def end_with_bye(self, link: Link, close_reason: CloseReason, delay: float = CLOSE_DELAY) -> None:
        """End a link on purpose: the peer is told."""
        if link.is_live:
            self.say_bye(link, delay)
            self.end(link, close_reason)

    def say_bye(self, link: Link, delay: float = CLOSE_DELAY, *, waits: bool = True) -> None:
        """Tell the peer that this side leaves, after it has heard how far it was read.

        Args:
            link: the link to leave.
            delay: seconds until the connection is closed.
            waits: whether there is time until then for what has to be done before.
        """
        if link.heard_from_peer and link.close_at is None:
            link.close_at = self.context.now + delay
            if self._before_bye(link) or not waits:
                self.send(link, wire.Bye())

    def before_bye(self, handler: Callable[[Link], bool]) -> None:
        """Have this done before a good-bye; where it returns False, whoever has asked for it says that later."""
        self._before_bye = handler

    def fail(self, link: Link, error: RemoteError | LocalError) -> None:
        """End a link for what its peer, or this side, did wrong."""
        self.context.needs_full_pass = True
        if isinstance(error, LocalError):
            self.end(link, CloseReason.FAILED_HERE, str(error))
            return
        self.say_bye(link)
        unproved = isinstance(error, handshake.Failure)
        self.end(link, CloseReason.NOT_PROVED if unproved else CloseReason.BROKE_PROTOCOL, str(error))

    def guard(self, link: Link, handler: Callable[..., None], *args: Any) -> None:
        """Let a mistake, the peer's or ours, end no more than this link."""
        try:
            handler(*args)
        except (RemoteError, LocalError) as error:
            self.fail(link, error)

    # Time.

    @property
    def due(self) -> float | None:
        """When the first link is due."""
        times = [link.deadline() for link in self.by_id.values()]
        return min([at for at in times if at is not None], default=None)

    def wake(self) -> None:
        """End what takes too long, and close what has said good-bye."""
        now = self.context.now
        for link in [*self.by_id.values()]:  # those that are closed leave the table
            if link.times_out_at is not None and link.times_out_at <= now:
                self.end(link, link.run_out)
            if link.close_at is not None and link.close_at <= now:
                link.close_at = None
                self.context.emit(effects.CloseConnection(link.id))
                if link.chat is None:
                    self.release(link)

    # What WebRTC reports.

    def _handle(self, event: Any) -> None:
        link = self.by_id.get(event.link)
        if link is None or link.phase is LinkPhase.CLOSED:  # a stale event of a closed link
            return
        try:
            self._handlers[type(event)](link, event)
        except (RemoteError, LocalError) as error:
            self.fail(link, error)

    def _on_candidate(self, link: Link, event: events.CandidateFound) -> None:
        link.found(event.candidate)
        link.signaling.on_candidate(link, event.candidate)

    def _on_ice_state(self, link: Link, event: events.IceStateChanged) -> None:
        if event.state in (events.IceState.CONNECTED, events.IceState.COMPLETED):
            link.path_found = True
            self.step(link, LinkStep.PATH_FOUND)
        elif event.state in (events.IceState.DISCONNECTED, events.IceState.FAILED):
            link.path_found = False
            self.step(link, LinkStep.PATH_BROKEN)

    def _on_connection_state(self, link: Link, event: events.ConnectionStateChanged) -> None:
        if event.state is events.ConnectionState.CONNECTED:
            self.step(link, LinkStep.ENCRYPTED)
            self.step(link, LinkStep.PATH_FOUND)
        elif event.state is events.ConnectionState.FAILED and not self.context.capabilities.can_restart:
            # Elsewhere it is no reason to give up: ICE recovers when the peer's own checks arrive late, which is the
            # rule when codes travel by hand, and the patience of each phase decides.
            self.step(link, LinkStep.PATH_BROKEN)
            self.end(link, TIMEOUTS.get(link.phase, TIMEOUTS[LinkPhase.CONNECTING])[1])
        elif event.state is events.ConnectionState.CLOSED:
            self.end(link, CloseReason.CHANNEL_CLOSED)

    def _on_channel_opened(self, link: Link, _: events.ChannelOpened) -> None:
        self.step(link, LinkStep.ENCRYPTED)
        link.begin_handshake(self.context.key, wire.VERSIONS)
        self.context.emit(effects.DrawNonce(link.id))

    def _on_stats(self, link: Link, event: events.StatsRead) -> None:
        link.stats = event.stats

    def _on_operation_failed(self, link: Link, event: events.OperationFailed) -> None:
        if event.operation not in (events.Operation.CANDIDATE, events.Operation.STATS):  # a link lives without these
            self.end(link, CloseReason.FAILED_HERE, f"could not {event.operation.value}: {event.detail}")

    def _on_configure_ice(self, event: events.ConfigureIce) -> None:
        self.ice = event.config

    def _on_shutdown(self, _: events.Shutdown) -> None:
        for link in self.live():
            self.say_bye(link, waits=False)

    # The handshake.

    def _on_hello(self, link: Link, hello: wire.Hello) -> None:
        if hello.understood:
            self._go_on(link, _of(link).hello(hello))
            return
        if link.role is Role.REPLIER and not link.heard_from_peer:
            self.send(link, wire.Hello(wire.VERSIONS))  # so that the peer learns why
        link.close_at = self.context.now + CLOSE_DELAY
        self.end(link, CloseReason.OTHER_VERSION)

    def _go_on(self, link: Link, steps: Iterable[handshake.HandshakeStep]) -> None:
        self.context.effects.extend(steps)
        if link.authenticate():
            self.context.notify(LinkAuthenticated(link))  # what has come meanwhile is heard when the link is open
        else:
            self._take_pending(link)

    def _take_pending(self, link: Link) -> None:
        while link.pending_frames and link.is_live and not _of(link).busy:
            self._take(link, link.pending_frames.pop(0))

    # What the peer says.

    def _on_frame(self, link: Link, event: events.FrameReceived) -> None:
        if link.phase is not LinkPhase.OPEN:
            self.context.needs_full_pass = True
            self.step(link, LinkStep.PATH_FOUND)
        if link.handshake is None or not link.handshake.busy:
            self._take(link, event.data)
        elif len(link.pending_frames) < MAX_PENDING_FRAMES and len(event.data) <= wire.MAX_FRAME:
            link.pending_frames.append(event.data)
        else:
            raise RemoteError("the peer does not wait for its greeting to be checked")

    def _on_peer_flooded(self, _: Link, __: events.PeerFlooded) -> None:
        raise RemoteError("the peer sends far more than was acknowledged")

    def _take(self, link: Link, data: str) -> None:
        frame = wire.decode(data)
        rule = self._rules[type(frame)]
        peer = link.authenticated
        if peer is None:
            if rule.stage > Stage.ANY:
                raise RemoteError(_ERRORS[Stage.AUTHENTICATED])
        elif peer.introduction is None and rule.stage is Stage.INTRODUCED:
            raise RemoteError(_ERRORS[Stage.INTRODUCED])
        if rule.is_message:
            self.context.touched.add(link.id)
        else:
            self.context.needs_full_pass = True
        rule.take(link, frame)
        link.heard_from_peer = True


def _of(link: Link) -> Handshake:
    if link.handshake is None:
        raise RemoteError("the peer speaks before the channel is open")
    return link.handshake
