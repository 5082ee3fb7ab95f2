"""The way to a relay, for one room: reach it, notice when it is dead, try again.

Theory of operation. While there is no way to the relay it is tried again and again, each time later, and by a random
part, so that not all come back at once. A way that is dead may give no sign of it for minutes: after a silence the
relay is asked to pass something to ourselves. What is said in a session is `RelaySession`'s.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from pychat.core import effects
from pychat.core.codes.roomcode import MEMBER_SIZE, SECRET_SIZE, RoomCode, is_lasting
from pychat.core.ids import MemberId, SessionId
from pychat.core.relay import protocol as relay_protocol
from pychat.core.relay import session as relay_session
from pychat.core.relay.envelope import Signal
from pychat.core.relay.protocol import CloseCode
from pychat.core.relay.session import RelaySession
from pychat.core.service import Context

RETRY_FIRST, RETRY_LAST = 1.0, 60.0
"""Seconds before what has failed is tried again: at first, and at most. A random part of as many comes on top."""
REACH_TIMEOUT = 20.0
"""Seconds until a session must have begun."""
HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT = 25.0, 8.0
"""Seconds of silence until the relay is asked for a sign of life, and for that to come."""

_LEFT, _GONE = 1000, 1006
"""Codes of a WebSocket that we have closed, and of one that ended without a word (RFC 6455, section 7.4.1)."""


class RelayState(Enum):
    """How the way to the relay stands."""

    REACHING = "reaching"
    HERE = "here"
    AWAY = "away"
    """It is tried again in a while."""
    LEFT = "left"


class Trouble(Enum):
    """Why there is no way to the relay."""

    UNREACHABLE = "unreachable"
    RETURNING = "returning"
    FULL = "full"
    BUSY = "busy"
    REFUSED = "refused"


_TROUBLES: dict[int, Trouble] = {
    CloseCode.CLOSING: Trouble.RETURNING,
    CloseCode.MALFORMED: Trouble.REFUSED,
    CloseCode.ROOM_FULL: Trouble.FULL,
    CloseCode.TOO_MANY_ROOMS: Trouble.BUSY,
    CloseCode.TOO_MANY_FROM_ADDRESS: Trouble.BUSY,
    CloseCode.TOO_MANY: Trouble.BUSY,
    CloseCode.TOO_FAST: Trouble.BUSY,
}


@dataclass(frozen=True, slots=True)
class SecretDrawn:
    """The room's code is known now, and is a new one."""


@dataclass(frozen=True, slots=True)
class ReadyToJoin:
    """All that it takes is derived: `RelayClient.allow` says that we may."""


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The session is over: whoever was there has another name from now on."""


Report = relay_session.Report | SecretDrawn | ReadyToJoin | SessionLost


class RelayClient:
    """One room's way to its relay. What it has to say to the room it returns.

    Args:
        code: of the room, or None for one that is to be drawn.
        url: the relay's address.
    """

    def __init__(self, context: Context, code: RoomCode | None, url: str) -> None:
        self.url = url
        self.code = code
        self.state = RelayState.LEFT
        self.trouble: Trouble | None = None
        self.id: SessionId = 0
        """The number of the session, or 0."""
        self.is_beating = False
        """Whether a sign of life was asked for."""
        self.session = RelaySession(code) if code is not None else None
        self._context = context
        self._failed = 0
        self._return_after: float | None = None
        self._retry_at: float | None = None
        self._heartbeat_at: float | None = None
        self._is_open = False
        self._join = ""  # what is said to the relay once it is open
        self._may_join = False

    @property
    def members(self) -> tuple[MemberId, ...]:
        """Who else is there, as the relay says."""
        return self.session.members if self.session is not None else ()

    # What the room wants.

    def enter(self) -> list[Report]:
        """Go in, or back in."""
        self._failed = 0
        return self._connect()

    def leave(self) -> None:
        """Go out: nothing is heard any more; what is still to be said can be, until `close`."""
        self.state, self.trouble, self._retry_at, self._heartbeat_at = RelayState.LEFT, None, None, None

    def close(self) -> list[Report]:
        """End the session."""
        return self.on_closed(_LEFT) if self.id else []

    def discard(self) -> None:
        """Nobody will ask for it any more."""
        if self.id:
            self._context.emit(effects.CloseRelay(self.id))
            self.id = 0

    def change_code(self, code: RoomCode | None) -> list[Report]:
        """Go to the room of another code; None is one that is to be drawn."""
        reports = self._end_session()
        self.code = code
        self.session = RelaySession(code) if code is not None else None
        return [*reports, *self._connect()]

    def allow(self) -> None:
        """We may join."""
        self._may_join = True
        self._join_if_possible()

    def send(self, member: MemberId, signal: Signal) -> list[Report]:
        """Send a signal to a member. Raises LocalError if it is too large."""
        return self._run(self.session.send(member, signal)) if self.session is not None else []

    def check_soon(self) -> None:
        """Something has cut a path, and may have cut this one, too."""
        if self.state is RelayState.HERE and not self.is_beating:
            self._heartbeat_at = self._context.now

    # The session.

    def _connect(self, *, is_dead: bool = False) -> list[Report]:
        reports = self._end_session(is_dead=is_dead)
        self._retry_at = self._return_after = None
        self.state, self.is_beating = RelayState.REACHING, False
        self._heartbeat_at = self._context.now + REACH_TIMEOUT
        self._is_open, self._join, self._may_join = False, "", False
        self.id = self._context.next_id()
        self._context.emit(effects.ConnectRelay(self.id, self.url))
        self._context.emit(effects.DrawBytes(self.id, SECRET_SIZE if self.session is None else MEMBER_SIZE))
        return reports

    def _end_session(self, *, is_dead: bool = False) -> list[Report]:
        if not self.id:
            return []
        self._context.emit(effects.CloseRelay(self.id, is_dead))
        self.id = 0
        if self.session is not None:
            self.session.connection_lost()
        return [SessionLost()]

    def on_bytes_drawn(self, data: bytes) -> list[Report]:
        """Take random bytes: the secret of a new room, or our name in this session."""
        if self.session is not None:
            return self._run(self.session.begin(self.id, data))
        code = RoomCode(data)
        self._context.emit(effects.DrawBytes(self.id, MEMBER_SIZE if is_lasting(code) else SECRET_SIZE))
        if not is_lasting(code):
            return []
        self.code, self.session = code, RelaySession(code)
        return [SecretDrawn()]

    def on_opened(self) -> None:
        """There is a way to the relay."""
        self._is_open = True
        self._join_if_possible()

    def _join_if_possible(self) -> None:
        """Join once there is a way, and all that it takes is derived and known, which takes its time beside that."""
        if self._is_open and self._join and self._may_join and self.state is RelayState.REACHING:
            self._context.emit(effects.SendToRelay(self.id, self._join))
            self._join = ""

    def on_closed(self, code: int, *, is_dead: bool = False) -> list[Report]:
        """There is none, or no longer."""
        reports = self._end_session(is_dead=is_dead)
        self._heartbeat_at = None
        if self.state is not RelayState.LEFT:
            self.state, self.trouble = RelayState.AWAY, _TROUBLES.get(code, Trouble.UNREACHABLE)
            wait = max(self._return_after or 0.0, backoff(self._failed))
            self._failed += 1
            self._retry_at = self._context.now + wait * (1 + self._context.random())
        return reports

    def on_message(self, text: str) -> list[Report]:
        """Take what the relay says; whoever has left only waits for the last words to go out."""
        session = self.session
        if self.state is RelayState.LEFT or session is None:
            return []
        self.is_beating, self._heartbeat_at = False, self._context.now + HEARTBEAT_INTERVAL
        match relay_protocol.decode_from_relay(text):
            case relay_protocol.Joined(members) if not self._join:  # else we have not said yet that we come
                steps = session.joined(members)
                if session.is_in and self.state is RelayState.REACHING:
                    self.state, self.trouble, self._failed = RelayState.HERE, None, 0
                return self._run(steps)
            case relay_protocol.Arrived(member):
                return self._run(session.arrived(member))
            case relay_protocol.Left(member):
                return self._run(session.left(member))
            case relay_protocol.From(member, data) if member != session.member:
                return self._run(session.heard(member, data))
            case relay_protocol.Return(seconds):
                self._return_after = seconds
        return []

    def on_derived(self, info: bytes, data: bytes) -> list[Report]:
        """Take what was derived."""
        return self._run(self.session.derived(info, data)) if self.session is not None else []

    def on_sealed(self, ticket: int, data: bytes) -> list[Report]:
        """Take what was sealed."""
        return self._run(self.session.sealed(ticket, data)) if self.session is not None else []

    def on_unsealed(self, ticket: int, data: bytes | None) -> list[Report]:
        """Take what was opened, or that it does not open."""
        return self._run(self.session.unsealed(ticket, data)) if self.session is not None else []

    def _run(self, steps: Iterable[relay_session.SessionStep]) -> list[Report]:
        reports: list[Report] = []
        for step in steps:
            match step:
                case relay_session.Join(room, member):
                    self._join = relay_protocol.encode(relay_protocol.Join(room, member))
                    reports.append(ReadyToJoin())
                case relay_session.Renew():
                    return [*reports, *self._connect()]
                case relay_session.MemberFound() | relay_session.MemberGone() | relay_session.SignalReceived():
                    reports.append(step)
                case _:
                    self._context.emit(step)
        return reports

    # Time.

    @property
    def due(self) -> float | None:
        """When there is something to do."""
        return min([at for at in (self._retry_at, self._heartbeat_at) if at is not None], default=None)

    def wake(self) -> list[Report]:
        """Do what is due."""
        now = self._context.now
        if self._retry_at is not None and self._retry_at <= now:
            return self._connect()
        if self._heartbeat_at is not None and self._heartbeat_at <= now:
            self._heartbeat_at = None
            return self._heartbeat()
        return []

    def _heartbeat(self) -> list[Report]:
        """Have the relay pass something to ourselves."""
        if self.state is RelayState.REACHING:
            return self.on_closed(_GONE, is_dead=True)
        if self.is_beating:
            return self._connect(is_dead=True)
        if self.state is RelayState.HERE and self.session is not None and self.session.member is not None:
            self.is_beating, self._heartbeat_at = True, self._context.now + HEARTBEAT_TIMEOUT
            self._context.emit(
                effects.SendToRelay(self.id, relay_protocol.encode(relay_protocol.To(self.session.member, "")))
            )
        return []


def backoff(failed: int) -> float:
    """Seconds to wait after so many failures."""
    return min(RETRY_LAST, RETRY_FIRST * float(2 ** min(failed, 10)))
