"""A relay that does whatever it likes, between honest members with real keys; each seed is another course of things.

It swaps, repeats, reorders, drops, reflects, changes and makes up what it passes on, floods, lies about who is there,
shows each member another room, and mixes in what was said in a room of another secret. Whatever it does, nobody may
be given a signal that was not sent to them by the one whom it is said to be from, nor one twice, nor out of order; and
nothing that a member keeps may grow beyond its bounds. In the end it behaves, and then everything gets through.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pychat.core import effects, wire
from pychat.core.codes.roomcode import MEMBER_SIZE, SECRET_SIZE, RoomCode
from pychat.core.ids import MemberId
from pychat.core.relay import session as r
from pychat.core.relay.envelope import OnLink, Signal
from pychat.core.webrtc.negotiation import Candidate
from pychat.core.webrtc.sdp import Candidate as Address
from pychat.core.webrtc.sdp import CandidateKind, DescriptionKind

Work = effects.Derive | effects.Seal | effects.Unseal


def passed(effect: effects.SendToRelay) -> tuple[MemberId, str]:
    """To whom the relay is to pass a text, and the text."""
    _, member, text = json.loads(effect.text)
    return member, text


@dataclass(frozen=True)
class Envelope:
    """A text as a member gave it to the relay."""

    sender: MemberId
    receiver: MemberId
    text: str


@dataclass
class Sent:
    """What members have sent to each other, each under its name of that session."""

    signals: dict[tuple[MemberId, MemberId], list[Signal]] = field(default_factory=lambda: defaultdict(list))
    received: dict[tuple[MemberId, MemberId], list[int]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def new(self, sender: MemberId, receiver: MemberId) -> Signal:
        self.count += 1
        address = Address(CandidateKind.HOST, "192.0.2.1", self.count % 65_535 + 1)
        signal = OnLink(1, Candidate(DescriptionKind.OFFER, self.count, address))
        self.signals[sender, receiver].append(signal)
        return signal

    def check(self, sender: MemberId, receiver: MemberId, signal: Signal) -> None:
        assert signal in self.signals[sender, receiver], "nobody has sent this"
        place = self.signals[sender, receiver].index(signal)
        received = self.received[sender, receiver]
        assert place > max(received, default=-1), "a signal came twice, or out of order"
        received.append(place)


class Member:
    """A person in the room; what their keys have to do waits until `work` does it."""

    def __init__(self, code: RoomCode, random: Random, sent: Sent) -> None:
        self.room = r.RelaySession(code)
        self.wants_to_join = False
        self.posted: list[Envelope] = []
        self.found: set[MemberId] = set()
        self.wants_renewal = False
        self._random = random
        self.sent = sent
        self._work: list[Work] = []
        self.new_session()

    @property
    def name(self) -> MemberId:
        assert self.room.member is not None
        return self.room.member

    @property
    def busy(self) -> bool:
        return bool(self._work)

    def new_session(self) -> None:
        self.wants_to_join = self.wants_renewal = False
        self.take(self.room.begin(1, self._random.randbytes(MEMBER_SIZE)))

    def send(self, receiver: MemberId) -> None:
        self.take(self.room.send(receiver, self.sent.new(self.name, receiver)))

    def work(self) -> None:
        """Do something of what is to be done; of sealings, openings and keys any may be the first."""
        work = self._work.pop(self._random.randrange(len(self._work)))
        match work:
            case effects.Derive(_, secret, salt, info, size):
                self.take(self.room.derived(info, HKDF(SHA256(), size, salt, info).derive(secret)))
            case effects.Seal(_, ticket, key, nonce, data, context):
                self.take(self.room.sealed(ticket, AESGCM(key).encrypt(nonce, data, context)))
            case effects.Unseal(_, ticket, key, nonce, data, context):
                self.take(self.room.unsealed(ticket, _unsealed(key, nonce, data, context)))

    def work_all(self) -> None:
        while self._work:
            self.work()

    def take(self, steps: Sequence[r.SessionStep]) -> None:
        for step in steps:
            match step:
                case effects.Derive() | effects.Seal() | effects.Unseal():
                    self._work.append(step)
                case r.Join():
                    self.wants_to_join = True
                case effects.SendToRelay():
                    self.posted.append(Envelope(self.name, *passed(step)))
                case r.MemberFound(member):
                    assert member not in self.found
                    self.found.add(member)
                case r.MemberGone(member):
                    self.found.remove(member)
                case r.SignalReceived(member, signal):
                    self.sent.check(member, self.name, signal)
                case r.Renew():
                    self.wants_renewal = True
        self._check_bounds()

    def _check_bounds(self) -> None:
        room = self.room
        assert set(room.members) == self.found
        assert len(room._members) <= r.MAX_MEMBERS
        assert len(room._past) <= r.MAX_REMEMBERED
        assert len(room._opening) <= r.MAX_MEMBERS
        assert len(room._outgoing) <= r.MAX_MEMBERS * r.MAX_WAITING
        for member in room._members.values():
            assert len(member.waiting) <= r.MAX_WAITING
            assert sum(map(len, member.waiting)) == member.chars <= r.MAX_WAITING_CHARS


def _unsealed(key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(nonce, data, context)
    except InvalidTag:
        return None


class HostileRelay:
    """The relay with some members of one room, and two of another; `run` is one whole course of things."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.sent = Sent()
        code, other = (RoomCode(self.random.randbytes(SECRET_SIZE)) for _ in range(2))
        self.members = [Member(code, self.random, self.sent) for _ in range(self.random.randint(2, 4))]
        self.strangers = [Member(other, self.random, self.sent) for _ in range(2)]
        self.seen: list[Envelope] = []
        self.names: list[MemberId] = []
        self._next: dict[int, int] = defaultdict(int)

    @property
    def everybody(self) -> list[Member]:
        return [*self.members, *self.strangers]

    def run(self, steps: int = 300) -> None:
        for _ in range(steps):
            self.random.choice(self._deeds)(self)
            self._look()
        self.behave()

    def _look(self) -> None:
        """See what has been posted, and by whom."""
        for member in self.everybody:
            self.seen += member.posted
            member.posted = []
            if member.name not in self.names:
                self.names.append(member.name)

    def _any(self) -> Member:
        return self.random.choice(self.everybody)

    def _any_name(self) -> MemberId:
        if self.random.random() < 0.05:
            return self.random.choice(["", "x", "é" * 22, wire.to_text(self.random.randbytes(MEMBER_SIZE))])
        self._look()
        return self.random.choice(self.names)

    # What members do.

    def _let_work(self) -> None:
        for member in self.everybody:
            for _ in range(self.random.randint(0, 4)):
                if member.busy:
                    member.work()

    def _let_send(self) -> None:
        member = self._any()
        for receiver in self.random.choices(member.room.members, k=3) if member.room.members else ():
            member.send(receiver)

    def _cut_off(self) -> None:
        if self.random.random() < 0.2:
            self._any().new_session()

    # What the relay does.

    def _let_join(self) -> None:
        """Show some of those who are there, or were, or never were."""
        for member in self.everybody:
            if member.wants_to_join or self.random.random() < 0.1:
                member.wants_to_join = False
                names = [self._any_name() for _ in range(self.random.randint(0, 4))]
                member.take(member.room.joined(names))

    def _lie_about_presence(self) -> None:
        member = self._any()
        for _ in range(self.random.randint(1, 4)):
            if self.random.random() < 0.6:
                member.take(member.room.arrived(self._any_name()))
            else:
                member.take(member.room.left(self._any_name()))

    def _claim_crowds(self) -> None:
        if self.random.random() < 0.1:
            member = self._any()
            for _ in range(2 * r.MAX_MEMBERS):
                member.take(member.room.arrived(wire.to_text(self.random.randbytes(MEMBER_SIZE))))
            for name in member.room.members:
                if self.random.random() < 0.9:
                    member.take(member.room.left(name))

    def _pass_on(self) -> None:
        """Pass the latest ones on as one should."""
        for envelope in self.seen[-6:]:
            self._deliver(envelope.receiver, envelope.sender, envelope.text)

    def _replay(self) -> None:
        for envelope in self._some():
            for _ in range(self.random.randint(1, 3)):
                self._deliver(envelope.receiver, envelope.sender, envelope.text)

    def _swap(self) -> None:
        """Name another sender, or another receiver, or both the wrong way round."""
        for envelope in self._some():
            self._deliver(envelope.receiver, self._any_name(), envelope.text)
            self._deliver(self._any_name(), envelope.sender, envelope.text)
            self._deliver(envelope.sender, envelope.receiver, envelope.text)
            self._deliver(envelope.sender, envelope.sender, envelope.text)

    def _change(self) -> None:
        for envelope in self._some():
            text = envelope.text
            at = self.random.randrange(len(text))
            changed = (text[:at], text[at:], text[:at] + "A" + text[at + 1 :], "_" * 11 + text[11:], text + "A", "é")
            self._deliver(envelope.receiver, envelope.sender, self.random.choice(changed))

    def _flood(self) -> None:
        if self.random.random() < 0.1:
            for envelope in self._some():
                for _ in range(2 * r.MAX_WAITING):
                    self._deliver(envelope.receiver, envelope.sender, self.random.choice(("A" * 20_000, envelope.text)))

    def _some(self) -> list[Envelope]:
        return self.random.choices(self.seen, k=4) if self.seen else []

    def _deliver(self, receiver: MemberId, sender: MemberId, text: str) -> None:
        for member in self.everybody:
            if member.room.member == receiver:
                member.take(member.room.heard(sender, text))

    _deeds = (
        _let_work,
        _let_work,
        _let_work,
        _let_join,
        _let_send,
        _let_send,
        _cut_off,
        _lie_about_presence,
        _claim_crowds,
        _pass_on,
        _pass_on,
        _pass_on,
        _replay,
        _swap,
        _change,
        _flood,
    )

    # In the end.

    def behave(self) -> None:
        """Be a good relay to a fresh session of everybody, and see that everything gets through."""
        for member in self.members:
            member.new_session()
            member.posted = []
        there: list[Member] = []
        for member in self.members:
            member.work_all()
            assert member.wants_to_join
            member.take(member.room.joined([other.name for other in there]))
            for other in there:
                other.take(other.room.arrived(member.name))
            there.append(member)
        pairs = [(one, other) for one in self.members for other in self.members if one is not other]
        for _ in range(5):
            for one, other in pairs:
                one.send(other.name)
        while any(member.busy or member.posted for member in self.members):
            for member in self.members:
                if member.busy:
                    member.work()
                if member.posted:
                    envelope = member.posted.pop(0)
                    self._deliver(envelope.receiver, envelope.sender, envelope.text)
        for one, other in pairs:
            assert self.sent.received[one.name, other.name] == [0, 1, 2, 3, 4]
