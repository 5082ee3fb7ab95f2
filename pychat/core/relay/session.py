"""A room over a relay that nobody trusts: who is in it, and signals to and from each of them.

Theory of operation. The relay knows the room's name and passes texts between its members. It can drop, hold back,
repeat and make up whatever it likes, and claim that members come and go. So whatever counts is sealed with keys that
follow from the room's secret (`roomcode`), and each envelope is bound to its sender, its receiver and its number
(`envelope`). What does not open is dropped and counted, and so is what has no higher number than the last that has
opened: nothing is delivered twice, or out of order, or but to whom it was sent. What the relay drops stays lost, and
who is there only the relay knows: a member is found when the relay says so, and proved by nothing before its first
signal.

For each session with the relay a member takes a new random name. With the name its keys change, its own counter
begins at 0 again, and nothing of a former session can come back. Within a session the last number of a member is
remembered also when it has left, as far as the relay says, for the relay could bring it back to repeat itself.

    session ──▶ Derive …, and once all is derived: Join ──▶ joined ──▶ MemberFound … (the newcomer starts)

Keys, sealing and opening take their time. Sealing goes one by one, in the order in which signals were sent. Of each
member one envelope is opened at a time, and the others wait in their order. All that waits is bounded.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from pychat.core import effects, wire
from pychat.core.codes.roomcode import (
    HANDSHAKE_INFO,
    ID_INFO,
    ID_SIZE,
    KEY_SIZE,
    MEMBER_SIZE,
    SALT,
    SIGNALING_INFO,
    RoomCode,
)
from pychat.core.effects import Effect
from pychat.core.errors import LocalError, RemoteError
from pychat.core.ids import MemberId, SessionId
from pychat.core.relay import envelope
from pychat.core.relay import protocol as relay_protocol
from pychat.core.relay.envelope import Signal

MAX_MEMBERS = 32
"""Other members at once; a relay that claims more is not believed."""
MAX_WAITING = 128
"""Envelopes of one member that wait to be opened, and signals to one that wait to be sealed."""
MAX_WAITING_CHARS = 262_144
"""Characters of the envelopes of one member that wait to be opened."""
MAX_REMEMBERED = 1024
"""Members that have left and have ever sent something, of one session."""


@dataclass(frozen=True, slots=True)
class Join:
    """Tell the relay that we are here; `joined` follows."""

    room: str
    member: MemberId


@dataclass(frozen=True, slots=True)
class MemberFound:
    """Somebody else is in the room; `starts` says that it is for us to begin."""

    member: MemberId
    starts: bool


@dataclass(frozen=True, slots=True)
class MemberGone:
    """Somebody is no longer in the room."""

    member: MemberId


@dataclass(frozen=True, slots=True)
class SignalReceived:
    """A member has sent a signal to us."""

    member: MemberId
    signal: Signal


@dataclass(frozen=True, slots=True)
class Renew:
    """So much has been seen in this session that a new one is needed."""


Report = MemberFound | MemberGone | SignalReceived
SessionStep = Effect | Join | Renew | Report


@dataclass(slots=True)
class _Member:
    """Another member. `last` is the number of the last envelope that has opened; `opening` that of the one under way.

    `ticket` is that of the opening under way, and `chars` counts the characters that wait.
    """

    raw: bytes
    last: int
    key: bytes = b""
    opening: int | None = None
    ticket: int = 0
    waiting: deque[str] = field(default_factory=deque)
    chars: int = 0


@dataclass(frozen=True, slots=True)
class _Outgoing:
    member: MemberId
    data: bytes


class RelaySession:
    """One member's side of one room at a relay; each method takes what has come and returns what is to be done.

    `dropped` counts what was refused of what the relay has passed on.
    """

    def __init__(self, code: RoomCode) -> None:
        self.dropped = 0
        self.member: MemberId | None = None
        """Our own name in this session."""
        self.id = b""
        """The room's name at the relay, once it is derived."""
        self.handshake = b""
        """What ties a handshake to this room (`handshake.Binding`), once it is derived."""
        self._secret = code.secret
        self._session: SessionId = 0
        self._begin(None)
        self._ticket = 0

    def _begin(self, member: MemberId | None) -> None:
        self.member = member
        self._raw = _raw(member) or b"" if member is not None else b""
        self._key = b""
        self._counter = 0
        self._joining = False
        self._joined = False
        self._members: dict[MemberId, _Member] = {}
        self._past: dict[MemberId, int] = {}
        self._outgoing: deque[_Outgoing] = deque()
        self._sealing: tuple[int, MemberId, int] | None = None  # its ticket, for whom, and the number
        self._opening: dict[int, MemberId] = {}

    @property
    def is_in(self) -> bool:
        """Whether the relay has us in the room."""
        return self._joined

    @property
    def members(self) -> tuple[MemberId, ...]:
        """The others in the room."""
        return tuple(self._members)

    def is_polite(self, member: MemberId) -> bool:
        """Whether of the two of us it is for us to give way: who has the larger name is polite."""
        assert self.member is not None
        return self._raw > (_raw(member) or b"")

    # The session with the relay.

    def begin(self, session: SessionId, drawn: bytes) -> list[SessionStep]:
        """Begin a session with the relay; take 16 fresh random bytes."""
        if len(drawn) != MEMBER_SIZE or drawn == self._raw:
            raise LocalError("each session takes a fresh name of 16 bytes")
        steps = self.connection_lost()
        self._session = session
        self._begin(wire.to_text(drawn))
        infos = [] if self.id and self.handshake else [(ID_INFO, ID_SIZE), (HANDSHAKE_INFO, KEY_SIZE)]
        infos.append((SIGNALING_INFO + drawn, KEY_SIZE))
        return [*steps, *(self._derive(info, size) for info, size in infos)]

    def connection_lost(self) -> list[SessionStep]:
        """The way to the relay is gone, and with it all that was under way."""
        gone = [MemberGone(member) for member in self._members]
        raw = self._raw
        self._begin(None)
        self._raw = raw  # never to be taken again
        return [*gone]

    def derived(self, info: bytes, result: bytes) -> list[SessionStep]:
        """Take what was derived; what belongs to a former session, or to who has left, is ignored."""
        if info == ID_INFO:
            self.id = result
        elif info == HANDSHAKE_INFO:
            self.handshake = result
        else:
            raw = info.removeprefix(SIGNALING_INFO)
            name = wire.to_text(raw)
            if name == self.member:
                self._key = result
            elif name in self._members:
                self._members[name].key = result
                return self._open_next(name)
        if self.member is None or self._joining or not (self.id and self.handshake and self._key):
            return []
        self._joining = True
        return [Join(wire.to_text(self.id), self.member)]

    def joined(self, members: Sequence[MemberId]) -> list[SessionStep]:
        """We are in the room, where these are already."""
        if not self._joining or self._joined:
            return self._drop()
        self._joined = True
        return [step for member in members[: MAX_MEMBERS + 1] for step in self._found(member, starts=True)]

    def arrived(self, member: MemberId) -> list[SessionStep]:
        """Somebody has come after us."""
        return self._found(member, starts=False) if self._joined else self._drop()

    def left(self, member: MemberId) -> list[SessionStep]:
        """Somebody is gone."""
        gone = self._members.pop(member, None)
        if gone is None:
            return []
        self._opening.pop(gone.ticket, None)
        if gone.last >= 0:
            self._past[member] = gone.last
        self._outgoing = deque(out for out in self._outgoing if out.member != member)
        steps: list[SessionStep] = [MemberGone(member)]
        return [*steps, Renew()] if len(self._past) == MAX_REMEMBERED else steps

    def _found(self, member: MemberId, *, starts: bool) -> list[SessionStep]:
        raw = _raw(member)
        if raw is None or member == self.member or member in self._members:
            return self._drop()
        if len(self._members) >= MAX_MEMBERS or len(self._past) >= MAX_REMEMBERED:
            return self._drop()
        self._members[member] = _Member(raw, self._past.pop(member, -1))
        return [self._derive(SIGNALING_INFO + raw, KEY_SIZE), MemberFound(member, starts)]

    def _derive(self, info: bytes, size: int) -> Effect:
        return effects.Derive(self._session, self._secret, SALT, info, size)

    def _drop(self) -> list[SessionStep]:
        self.dropped += 1
        return []

    # Signals to others.

    def send(self, member: MemberId, signal: Signal) -> list[SessionStep]:
        """Send a signal to a member; to one that has left, or makes too much wait already, nothing.

        Raises:
            LocalError: it is too large.
        """
        if member not in self._members:
            return []
        if sum(out.member == member for out in self._outgoing) >= MAX_WAITING:
            return self._drop()
        self._outgoing.append(_Outgoing(member, envelope.encode(signal)))
        return self._seal_next()

    def _relay(self, member: MemberId, text: str) -> Effect:
        return effects.SendToRelay(self._session, relay_protocol.encode(relay_protocol.To(member, text)))

    def _seal_next(self) -> list[SessionStep]:
        if self._sealing is not None or not self._outgoing:
            return []
        out = self._outgoing.popleft()
        counter, self._counter = self._counter, self._counter + 1
        self._sealing = self._next_ticket(), out.member, counter
        return [
            effects.Seal(
                self._session,
                self._ticket,
                self._key,
                envelope.nonce(counter),
                out.data,
                envelope.associated_data(self.id, self._raw, self._members[out.member].raw, counter),
            )
        ]

    def sealed(self, ticket: int, sealed: bytes) -> list[SessionStep]:
        """Take what was sealed; that of a former session is ignored."""
        if self._sealing is None or self._sealing[0] != ticket:
            return []
        _, member, counter = self._sealing
        self._sealing = None
        steps: list[SessionStep] = (
            [self._relay(member, envelope.wrap(counter, sealed))] if member in self._members else []
        )
        return [*steps, *self._seal_next()]

    # Signals of others.

    def heard(self, member: MemberId, text: str) -> list[SessionStep]:
        """Take what the relay says that a member has sent to us."""
        sender = self._members.get(member)
        if sender is None:
            return self._drop()
        too_many = len(sender.waiting) >= MAX_WAITING or sender.chars + len(text) > MAX_WAITING_CHARS
        if too_many or len(text) > envelope.MAX_TEXT:
            return self._drop()
        sender.waiting.append(text)
        sender.chars += len(text)
        return self._open_next(member)

    def _open_next(self, member: MemberId) -> list[SessionStep]:
        sender = self._members[member]
        while sender.waiting and sender.key and sender.opening is None:
            text = sender.waiting.popleft()
            sender.chars -= len(text)
            try:
                counter, sealed = envelope.unwrap(text)
                self._check_counter(sender, counter)
            except RemoteError:
                self._drop()
                continue
            sender.opening, sender.ticket = counter, self._next_ticket()
            self._opening[sender.ticket] = member
            data = envelope.associated_data(self.id, sender.raw, self._raw, counter)
            return [effects.Unseal(self._session, sender.ticket, sender.key, envelope.nonce(counter), sealed, data)]
        return []

    def _check_counter(self, sender: _Member, counter: int) -> None:
        if counter <= sender.last:
            raise RemoteError("an envelope comes again, or late")

    def unsealed(self, ticket: int, plaintext: bytes | None) -> list[SessionStep]:
        """Take what was opened, or None when it does not open; that of who has left is ignored."""
        member = self._opening.pop(ticket, None)
        if member is None:
            return []
        sender = self._members[member]
        assert sender.opening is not None
        counter, sender.opening = sender.opening, None
        steps: list[SessionStep] = []
        if plaintext is None:
            self._drop()
        else:
            sender.last = counter
            try:
                steps.append(SignalReceived(member, envelope.decode(plaintext)))
            except RemoteError:
                self._drop()
        return [*steps, *self._open_next(member)]

    def _next_ticket(self) -> int:
        self._ticket += 1
        return self._ticket


def _raw(member: MemberId) -> bytes | None:
    """The bytes of a member's name, or None when it is none."""
    try:
        return wire.read_bytes(member, MEMBER_SIZE)
    except RemoteError:
        return None
