"""A seeded network that joins the cores of several people, and the people who carry codes between them.

Theory of operation. Time is virtual: a heap of actions, each at its time. Everybody has an identity with a real key, a
core, and a driver like the real one, which hands over what has come since the last turn, carries out effects and arms
one timer; what is done with keys takes a moment. Connections come about when two ends hold each other's description,
and each shows the certificate that the other expects; from then on frames travel reliably and in order, each with a
random delay, until something ends that. The network breaks and heals paths and kills connections; people write, make
invites, paste codes rightly and wrongly, take each other's names, compare signs, put conversations away, start their
program anew, and leave. After every turn `Someone._check` looks whether what must always be true still is. At last
all is healed (`World.settle`), and then everything written must arrive.

The same seed gives the same run, to the last event.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from functools import cache, partial
from heapq import heappop, heappush
from itertools import combinations, count
from random import Random
from typing import Protocol

from pychat.core import effects, events, sync, wire
from pychat.core.chat.conversation import Chat, Conversation
from pychat.core.handshake import Role
from pychat.core.identity.contacts import Contacts, keep
from pychat.core.identity.lookalike import skeleton
from pychat.core.identity.safety import short_string
from pychat.core.ids import AuthorId, ChatId, LinkId, PublicKey
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.node import Node
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.sdp import DescriptionKind
from pychat.core.webrtc.stats import Stats
from tests.core import samples
from tests.core.people import Keys, heeded

_PWD = re.compile(r"a=ice-pwd:(\S+)")
_FINGERPRINT = re.compile(r"a=fingerprint:sha-256 (\S+)")
_CANDIDATES = (samples.HOST, samples.HOST_IPV6, samples.MDNS, samples.SERVER_REFLEXIVE, samples.TCP)
_NAMES = ("", "Ann", "Bob", "B0b", " Änn ", "Cat\u202e", "李")
_ODD_TEXTS = ("[[[[[[[[", '{"\\', "\x00\x07", "😀ü", "…", '"]]]')
_AROUND_CODES = ("{}", "Here it is:\n> {}\nSee you!", "https://chat.example/#{}")
_KEY_DELAYS = (0.0, 0.001, 0.02, 0.5)
_HANDSHAKE = ("hello", "reveal", "proof")
_FILLING = "x" * 300
ALARMS = (CloseReason.NOT_PROVED, CloseReason.BROKE_PROTOCOL, CloseReason.OTHER_VERSION, CloseReason.FAILED_HERE)
"""Endings for which honest people over an honest network never give cause."""


class Owner(Protocol):
    """Whoever has ends of connections."""

    key: PublicKey
    capabilities: Capabilities
    certificate: bytes | None
    """Of a stack that makes no new one for each connection: its fingerprint."""

    def hears(self, end: End, event: events.Event) -> None: ...


@dataclass(slots=True, eq=False)
class End:
    """One side's peer connection. `certificate` is the fingerprint of its own, `expects` what the other's should be.

    `drawn` is what the fingerprint is made of: it stays the same however often the connection is described.
    """

    owner: Owner
    link: LinkId
    drawn: bytes = b""
    pwd: str = ""
    certificate: str = ""
    remote_pwd: str = ""
    expects: str = ""
    connection: Connection | None = None
    opened: bool = False
    closed: bool = False
    busy_until: float = 0.0
    unacknowledged: deque[tuple[int, int]] = field(default_factory=deque)
    """Of each frame of entries the number of the first, and its bytes."""

    def describe(self, sdp: str) -> None:
        """Take the local description."""
        self.pwd, self.certificate = _found(_PWD, sdp), _found(_FINGERPRINT, sdp)

    def describe_other(self, sdp: str) -> None:
        """Take the remote description."""
        self.remote_pwd, self.expects = _found(_PWD, sdp), _found(_FINGERPRINT, sdp)


@dataclass(slots=True, eq=False)
class Connection:
    """Two ends that hold each other's descriptions; `queues` hold the frames on their way to each end."""

    ends: tuple[End, End]
    alive: bool = True
    broken: bool = False
    queues: dict[End, deque[str]] = field(default_factory=dict)
    stalled: dict[End, int] = field(default_factory=dict)

    def other(self, end: End) -> End:
        return self.ends[1] if end is self.ends[0] else self.ends[0]


@dataclass(slots=True)
class Written:
    """A text that somebody wrote, in which run of their program, and to whom if that was known then.

    `removed` says that they have put away the conversation that it was written in.
    """

    by: Someone
    life: int
    conversation: ChatId
    to: PublicKey | None
    removed: bool = False


class World:
    """Some people and the network between them.

    `keeps_little` says that conversations hold so few bytes that their fronts go within minutes.
    """

    keeps_little = False

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.healed = False
        self.written: dict[str, Written] = {}
        self.entries: dict[tuple[AuthorId, int], str] = {}
        """The texts of all logs, also of those entries that nobody keeps any more."""
        self.ends_by_pwd: dict[str, list[End]] = {}
        self.connections: list[Connection] = []
        self.signs = cache(short_string)
        self._numbers = count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.people = self._gather()
        self.by_key = {someone.key: someone for someone in self.people}

    def _gather(self) -> list[Someone]:
        return [Someone(self, number) for number in range(self.random.choice((2, 3, 3, 4)))]

    def run(self) -> None:
        """Live through some troubled minutes, then see whether all comes right."""
        duration = self.random.uniform(30, 240)
        for _ in range(2):
            self.later(self.random.uniform(0, 5), self._invite_anew)
        for _ in range(self.random.randint(6, 24) * (5 if self.keeps_little else 1)):
            self.later(self.random.uniform(0, duration), self._something_happens)
        self._live_until(duration)
        self.settle()

    def later(self, delay: float, action: Callable[[], None]) -> None:
        heappush(self._agenda, (self.now + delay, next(self._numbers), action))

    def chance(self, probability: float) -> bool:
        """Whether something happens that happens with this probability, until the world is healed."""
        return not self.healed and self.random.random() < probability

    def _live_until(self, time: float) -> None:
        while self._agenda and self._agenda[0][0] <= time:
            self.now, _, action = heappop(self._agenda)
            action()
        self.now = time

    # What happens.

    def _something_happens(self) -> None:
        someone = self.random.choice(self.people)
        (what,) = self.random.choices(
            (
                *(someone.writes, self._invite_anew, self._break_path, self._kill, someone.leaves),
                *(someone.does_odd_things, someone.takes_a_name, someone.compares, someone.puts_away),
                *(someone.starts_anew, someone.is_seen),
            ),
            (10, 4, 3, 3, 1, 1, 1, 1, 1, 1, 8),
        )
        what()

    def _invite_anew(self) -> None:
        someone = self.random.choice(self.people)
        ended = [c.id for c in someone.node.chats.listed() if not _is_open(someone.node.links.of(c))]
        someone.acts(events.CreateInvite(self.random.choice(ended) if ended and self.chance(0.8) else None))

    def _living_connection(self) -> Connection | None:
        living = [connection for connection in self.connections if connection.alive]
        return self.random.choice(living) if living else None

    def _break_path(self) -> None:
        connection = self._living_connection()
        if connection is None or connection.broken:
            return
        connection.broken = True
        for end in connection.ends:
            if self.chance(0.8):
                self.tell(
                    end, events.IceStateChanged(end.link, events.IceState.DISCONNECTED), self.random.uniform(0, 8)
                )
        gives_up = [end for end in connection.ends if not end.owner.capabilities.can_restart]
        if gives_up and self.chance(0.3):
            for end in gives_up:
                self._fail_for_good(end)
            self._lose(connection)
        elif self.chance(0.8):
            self.later(self.random.expovariate(1 / 20), lambda: self._heal_path(connection))

    def _fail_for_good(self, end: End) -> None:
        """What a stack that cannot restart ICE reports when the path was broken for too long."""
        news: list[events.Event] = [
            events.IceStateChanged(end.link, events.IceState.FAILED),
            events.ConnectionStateChanged(end.link, events.ConnectionState.FAILED),
            events.ChannelClosed(end.link),
        ]
        for event in news if self.chance(0.5) else reversed(news):
            self.tell(end, event, self.random.uniform(0, 15))

    def _heal_path(self, connection: Connection) -> None:
        if not connection.alive or not connection.broken:
            return
        connection.broken = False
        for end in connection.ends:
            self.tell(end, events.IceStateChanged(end.link, events.IceState.CONNECTED), self.random.uniform(0, 2))
            self._resume(connection, end)

    def _kill(self) -> None:
        connection = self._living_connection()
        if connection is None:
            return
        notices = self.random.choice(connection.ends)
        for end in connection.ends:
            self.end_notices(end, promptly=end is notices or self.chance(0.5))
        self._lose(connection)

    def settle(self) -> None:
        """Heal everything, connect all who know each other anew, and check that everything arrives."""
        self.healed = True
        for someone in self.people:
            someone.acts(events.WatchDetails(None))
        self._live_until(self.now + 30)  # codes on their way arrive, for good or bad
        for connection in self.connections:
            self._heal_path(connection)
        self._live_until(self.now + 30)
        for connection in self.connections:
            for end in connection.ends:
                assert isinstance(end.owner, Someone)
                end.owner.check_that_it_came_back(end)
        self._live_until(self.now + 150)  # longer than anybody's patience
        always_anew = self.random.random() < 0.5
        for one, other in combinations(self.people, 2):
            chats = one.chat_with(other), other.chat_with(one)
            if chats == (None, None) or (self._are_connected(one, other) and not always_anew):
                continue
            inviter, chat = (one, chats[0]) if chats[0] is not None else (other, chats[1])
            assert chat is not None
            inviter.recipient = other if inviter is one else one
            inviter.acts(events.CreateInvite(chat.id))
            self._live_until(self.now + 60)
            assert self._are_connected(one, other), f"{one} and {other} are not connected although all went well"
        for someone in self.people:
            someone.check_that_all_arrived()

    def _are_connected(self, one: Someone, other: Someone) -> bool:
        chats = one.chat_with(other), other.chat_with(one)
        if chats[0] is None or chats[1] is None:
            return False
        return _is_open(one.node.links.of(chats[0])) and _is_open(other.node.links.of(chats[1]))

    # The network.

    def tell(self, end: End, event: events.Event, delay: float) -> None:
        """Report something to an end; what is reported to one end comes in this order."""
        end.busy_until = max(end.busy_until, self.now + delay)
        self.later(end.busy_until - self.now, lambda: end.owner.hears(end, event))

    def describe(self, end: End, kind: DescriptionKind) -> None:
        """Make a description, gather candidates."""
        candidates = [] if self.chance(0.02) else self.random.sample(_CANDIDATES, self.random.randint(1, 4))
        if not self.chance(0.02) and candidates == [samples.TCP]:
            candidates.append(samples.HOST)
        trickles = end.owner.capabilities.trickles
        known = self.random.randint(0, len(candidates)) if trickles else len(candidates)
        if not end.drawn:
            end.drawn = end.owner.certificate or self.random.randbytes(32)
        sdp = samples.fresh_sdp(kind, self.random, *candidates[:known], certificate=end.drawn)
        self.take_description(end, sdp)
        self.tell(end, events.LocalDescriptionReady(end.link, sdp), self.random.uniform(0, 0.1 if trickles else 5))
        for candidate in candidates[known:]:
            self.tell(end, events.CandidateFound(end.link, candidate), self.random.uniform(0, 1))
        if trickles and not self.chance(0.2):
            self.tell(end, events.GatheringFinished(end.link), self.random.choice((0, 0.1, 3, 12)))

    def take_description(self, end: End, sdp: str) -> None:
        end.describe(sdp)
        self.ends_by_pwd.setdefault(end.pwd, []).append(end)

    def join(self, end: End) -> None:
        """Let an end that was given an answer find the other, if each holds the other's description."""
        other = next((other for other in self.ends_by_pwd.get(end.remote_pwd, ()) if self._fit(end, other)), None)
        if other is None:
            return
        connection = Connection((end, other), queues={end: deque(), other: deque()}, stalled={end: 0, other: 0})
        end.connection = other.connection = connection
        self.connections.append(connection)
        reachable = not self.chance(0.07)
        for one in connection.ends:
            self._report_connecting(one, reachable=reachable)

    def _fit(self, end: End, other: End) -> bool:
        """Whether ICE and then DTLS go through between two ends, which needs the certificates that they expect."""
        if other.closed or other.connection is not None or other.remote_pwd != end.pwd:
            return False
        return end.expects == other.certificate and other.expects == end.certificate

    def _report_connecting(self, end: End, *, reachable: bool) -> None:
        link, delay = end.link, self.random.choice((0.01, 0.3, 3))
        ice = [events.IceState.CHECKING, events.IceState.FAILED] if not reachable else [events.IceState.CONNECTED]
        if self.chance(0.5):
            ice.insert(0, events.IceState.CHECKING)
        for state in ice:
            self.tell(end, events.IceStateChanged(link, state), self.random.uniform(0, delay))
        if not reachable:
            self.tell(end, events.ConnectionStateChanged(link, events.ConnectionState.FAILED), 0.1)
            return
        if not self.chance(0.3):
            encrypted = events.ConnectionStateChanged(link, events.ConnectionState.CONNECTED)
            self.tell(end, encrypted, self.random.uniform(0, delay))
        self.tell(end, events.ChannelOpened(link), self.random.uniform(0, delay))

    def send(self, end: End, data: str) -> None:
        connection = end.connection
        assert connection is not None
        if connection.alive:
            other = connection.other(end)
            connection.queues[other].append(data)
            self.later(self.random.expovariate(10), lambda: self._deliver(connection, other))

    def _deliver(self, connection: Connection, end: End) -> None:
        """Deliver the next frame; if that cannot be done now it is done when it can."""
        if not connection.alive:
            return
        if connection.broken or not end.opened:
            connection.stalled[end] += 1
        else:
            end.owner.hears(end, events.FrameReceived(end.link, connection.queues[end].popleft()))

    def _resume(self, connection: Connection, end: End) -> None:
        stalled, connection.stalled[end] = connection.stalled[end], 0
        for _ in range(stalled):
            self.later(self.random.uniform(0, 0.2), lambda: self._deliver(connection, end))

    def channel_opened(self, end: End) -> None:
        end.opened = True
        assert end.connection is not None
        self._resume(end.connection, end)

    def close(self, end: End) -> None:
        """One side closes; what it sent just before may arrive or not, and the other may notice late."""
        end.closed = True
        connection = end.connection
        if connection is None or not connection.alive:
            return
        other = connection.other(end)
        if other.opened and not connection.broken and not self.chance(0.3):
            for data in connection.queues[other]:
                self.tell(other, events.FrameReceived(other.link, data), 0)
        self.end_notices(other, promptly=not connection.broken and not self.chance(0.2))
        self._lose(connection)

    def end_notices(self, end: End, *, promptly: bool) -> None:
        if promptly:
            news = events.ChannelClosed(end.link)
            self.tell(end, news, self.random.uniform(0, 1))
        else:
            self.tell(end, events.IceStateChanged(end.link, events.IceState.DISCONNECTED), self.random.uniform(5, 30))
            self.tell(end, events.IceStateChanged(end.link, events.IceState.FAILED), 10)

    def _lose(self, connection: Connection) -> None:
        connection.alive = False
        for queue in connection.queues.values():
            queue.clear()

    # People carry codes.

    def hand_over(self, giver: Someone, link: Link) -> None:
        if link.role is Role.REPLIER:
            assert link.remote is not None
            receiver = self.by_key[self.ends_by_pwd[link.remote.pwd][0].owner.key]
        else:
            conversation = giver.node.chats.conversation(link.chat)
            known = giver.recipient or (self.by_key[conversation.peer] if conversation is not None else None)
            receiver = known or self.random.choice([other for other in self.people if other is not giver])
        if self.chance(0.25):  # the wrong person, or oneself
            receiver = self.random.choice(self.people)
        text = self.random.choice(_AROUND_CODES).format(self._after_accidents(link.code))
        times = self.random.choices((0, 1, 2), (8, 82, 10))[0] if not self.healed else 1
        for _ in range(times):
            delay = self.random.choice((0.2, 2, 20)) * self.random.random()
            self.later(delay, lambda: receiver.acts(events.PasteCode(text)))

    def _after_accidents(self, code: str) -> str:
        if not self.chance(0.06):
            return code
        at = self.random.randrange(len(code))
        return self.random.choice((code[:at], code[:at] + "A" + code[at + 1 :], code[at:], code.lower()))


class Someone:
    """A person with an identity, a core and a driver."""

    def __init__(self, world: World, number: int, name: str | None = None) -> None:
        self.world = world
        self.number = number
        self.capabilities = Capabilities(*(world.random.random() < 0.7 for _ in fields(Capabilities)))
        self.certificate = world.random.randbytes(32) if world.random.random() < 0.2 else None
        self.keys = Keys(f"person {number}", world.random)
        self.key = self.keys.public
        self.recipient: Someone | None = None
        self.ever_shown: set[str] = set()
        self._clock = world.random.choice((0, 0, 3_600, 86_400))
        self._texts = count(1)
        self._kept: str | None = None
        self._life = 0
        self._begin(name if name is not None else world.random.choice(_NAMES))

    def _begin(self, name: str) -> None:
        """Start the program, with nothing but the key and what was kept."""
        self._life += 1
        contacts = Contacts.loads(self._kept, skeleton=skeleton)
        seed = self.world.random.randbytes(32)
        self.node = Node(self._shown_key, seed, contacts, name=name, capabilities=self.capabilities)
        self.ends: dict[LinkId, End] = {}
        self._inbox: list[events.Event] = []
        self._turn_is_due = False
        self._timer: float | None = None
        self._handed_over: set[LinkId] = set()
        self._warned: set[ChatId] = set()
        self._seen: dict[AuthorId, int] = {}
        self._read: dict[AuthorId, int] = {}
        self._shown: dict[str, None] = {}
        self._acknowledged: dict[AuthorId, int] = {}

    @property
    def _shown_key(self) -> PublicKey:
        return self.key

    def __repr__(self) -> str:
        return f"person {self.number}"

    def chat_with(self, other: Someone) -> Conversation | None:
        return self.node.chats.with_peer(other.key)

    # The driver.

    def hears(self, end: End, event: events.Event) -> None:
        """Take in an event; the turn comes at once or a little later, together with what else has come by then."""
        if end.closed:
            return
        if isinstance(event, events.ChannelOpened):
            self.world.channel_opened(end)
        self._take_in(event)

    def _take_in(self, event: events.Event) -> None:
        self._inbox.append(event)
        if not self._turn_is_due:
            self._turn_is_due = True
            self.world.later(self.world.random.choice((0.0, 0.0, 0.02)), self._turn)

    def acts(self, event: events.Event) -> None:
        """Do what only a person does: they see the screen as it is in this moment."""
        self._inbox.append(event)
        self._turn()

    def _turn(self, at_least: float = 0.0) -> None:
        self._turn_is_due = False
        batch, self._inbox = self._inbox, []
        now = max(self.world.now + self._clock, at_least)
        for effect in self.node.handle(batch, now):
            self._carry_out(effect)
        self._check()
        self._arm(now)
        for link in list(self.node.links.by_id.values()):
            if link.code and link.id not in self._handed_over:
                self._handed_over.add(link.id)
                self.world.hand_over(self, link)
        self._read_warnings()

    def _arm(self, now: float) -> None:
        due = self.node.next_deadline()
        if due != self._timer and due is not None:
            assert due > now, "what is due now was not done"
            self.world.later(due - now, lambda: self._ring(due))
        self._timer = due

    def _ring(self, due: float) -> None:
        if self._timer == due:
            self._timer = None
            self._turn(due)

    def _carry_out(self, effect: effects.Effect) -> None:
        world = self.world
        match effect:
            case effects.OpenConnection(link):
                assert link not in self.ends
                self.ends[link] = End(self, link)
            case effects.CreateOffer(link):
                world.describe(self.ends[link], DescriptionKind.OFFER)
            case effects.AcceptOffer(link, sdp):
                self.ends[link].describe_other(sdp)
                world.describe(self.ends[link], DescriptionKind.ANSWER)
            case effects.AcceptAnswer(link, sdp):
                self.ends[link].describe_other(sdp)
                world.join(self.ends[link])
            case effects.DrawNonce(link) | effects.Sign(link) | effects.Verify(link):
                self._set_keys_to_work(self.ends[link], effect)
            case effects.SendFrame(link, data):
                self._check_what_is_sent(self.ends[link], data)
                world.send(self.ends[link], data)
            case effects.KeepContacts(contacts):
                self._kept = keep(self._kept, contacts)
            case effects.CloseConnection(link):
                assert not self.ends[link].closed, "closed twice"
                world.close(self.ends[link])
            case effects.AddCandidate(link):
                assert not self.ends[link].closed
            case effects.ReadStats(link):
                world.tell(self.ends[link], events.StatsRead(link, Stats()), 0.01)
            case effects.OfferCodeToTabs(text):  # everybody is also a tab of everybody else's browser
                for other in world.people:
                    if other is not self and world.chance(0.3):
                        other._take_in(events.CodeFromTab(text))
            case effects.TellTabsCodeTaken(text):
                for other in world.people:
                    if other is not self:
                        other._take_in(events.CodeTakenByTab(text))

    def _set_keys_to_work(self, end: End, effect: effects.Effect) -> None:
        result = self.keys.carry_out(effect)
        assert result is not None
        self.world.later(self.world.random.choice(_KEY_DELAYS), lambda: self.hears(end, result))

    # What a person does.

    def writes(self) -> None:
        random = self.world.random
        seen = [*self.node.chats._by_id]  # the screen may be a little behind
        place = random.choice(seen) if seen else None
        conversation = self.node.chats.get(place)
        if place is None or conversation is None:
            return
        for _ in range(random.choice((1, 1, 2, 5, random.randint(1, 50)))):
            text = f"{self} {next(self._texts)} "
            if random.random() < 0.1:
                text += random.choice(_ODD_TEXTS) * random.choice((1, 20, 1 if self.world.keeps_little else 200))
            if self.world.keeps_little:
                self._turn()
                text += _FILLING
                conversation = self.node.chats.get(place)
                if conversation is None or conversation.validate(text) is not None:
                    break
            self.world.written[text] = Written(self, self._life, place, _peer_in(conversation))
            self._inbox.append(events.WriteMessage(place, text))
        self._turn()

    def leaves(self) -> None:
        chats = self.node.chats.listed()
        if chats:
            self.acts(events.LeaveConversation(self.world.random.choice(chats).id))

    def is_seen(self) -> None:
        """Do what others may see, if the person lets them: look at something or away, type, do nothing for minutes."""
        random = self.world.random
        chat = random.choice([*(chat.id for chat in self.node.chats.listed()), "nobody"])
        shares = [random.random() < 0.8 for _ in fields(events.SetPresenceSharing)]
        self._inbox += (events.SetPresenceSharing(*shares), events.SetFocus(not self.world.chance(0.2)))
        self._inbox += random.choices(
            (
                *(events.ShowConversation(chat), events.ShowConversation(None), events.NoteActivity()),
                *(events.NoteTyping(chat), events.NoteTyping(chat, is_typing=False)),
                *(events.LookAway(away=True), events.LookAway(away=False)),
                *(events.SetAtEnd(at_end=True), events.SetAtEnd(at_end=False)),
            ),
            (4, 1, 1, 4, 1, 1, 1, 1, 1),
            k=random.choice((1, 3, 30)),
        )
        self._turn()

    def takes_a_name(self) -> None:
        self.acts(events.SetName(self.world.random.choice(_NAMES)))

    def compares(self) -> None:
        """Compare the signs with the other one, who sees the same (`_check_who_is_there`), and now and then err."""
        links = [
            link
            for link in self.node.links.by_id.values()
            if link.peer is not None and link.phase is not LinkPhase.CLOSED
        ]
        if not links:
            return
        link = self.world.random.choice(links)
        match = not self.world.chance(0.2)
        assert link.peer is not None
        conversation = self.node.chats.conversation(link.chat)
        assert conversation is not None
        self.acts(events.ReportComparison(conversation.id, link.peer, conversation.peer_name, match))
        contact = self.node.people.contacts.get(link.peer)
        assert contact is not None
        assert contact.verified == match

    def puts_away(self) -> None:
        ended = [c.id for c in self.node.chats.listed() if not _is_open(self.node.links.of(c))]
        if not ended:
            return
        chosen = self.world.random.choice(ended)
        texts = [text for text, written in self.world.written.items() if self._is_in(written, chosen)]
        self.acts(events.RemoveConversation(chosen))
        if self.node.chats.get(chosen) is None:
            for text in texts:
                self.world.written[text].removed = True

    def starts_anew(self) -> None:
        """End the program, with or without a good-bye, and start it again."""
        if self.world.chance(0.7):
            self.acts(events.Shutdown())
        for end in self.ends.values():
            if not end.closed:
                self.world.close(end)
        self._begin(self.node.messaging.name)

    def does_odd_things(self) -> None:
        links = list(self.node.links.by_id.values())
        conversations = [*(chat.id for chat in self.node.chats.listed()), None, "nobody"]
        self.acts(
            self.world.random.choice(
                (
                    events.PasteCode("hello"),
                    events.PasteCode(links[-1].code if links else ""),
                    events.WatchDetails(self.world.random.choice(conversations)),
                    events.WatchDetails(None),
                    events.CreateInvite(self.world.random.choice(conversations)),
                )
            )
        )

    def _read_warnings(self) -> None:
        """Think for a while about each warning, then heed it or think again."""
        for conversation in self.node.chats.conversations():
            if conversation.warning is not None and conversation.id not in self._warned:
                self._warned.add(conversation.id)
                delay = self.world.random.choice((0.1, 1, 20)) if not self.world.healed else 0.1
                self.world.later(delay, partial(self._decide, self._life, conversation.id))

    def _decide(self, life: int, about: ChatId) -> None:
        if life == self._life:
            self._warned.discard(about)
            conversation = self.node.chats.conversation(about)
            heeds = conversation is not None and conversation.warning is not None and not self.world.chance(0.3)
            self.acts(heeded(conversation) if conversation is not None and heeds else events.WatchDetails(None))

    # What must always be true.

    def _check(self) -> None:
        peers = [c.peer for c in self.node.chats.conversations()]
        assert len(set(peers)) == len(peers), "two conversations with one person"
        for link in self.node.links.by_id.values():
            self._check_who_is_there(link)
        for conversation in self.node.chats.listed():
            peer = _peer_in(conversation)
            self._check_conversation(conversation, self.world.by_key[peer] if peer is not None else None)

    def _check_conversation(self, conversation: Chat, peer: Someone | None) -> None:
        self._check_what_is_shown(conversation, peer)
        if not _is_open(self.node.links.of(conversation)):
            assert conversation.sent == conversation.acknowledged, "sent without a link"
        written = conversation.logs.count(conversation.own_log)
        assert conversation.acknowledged <= written
        assert conversation.sent <= written
        for number in range(self._acknowledged.get(conversation.own_log, 0) + 1, conversation.acknowledged + 1):
            assert peer is not None
            text = self.world.entries[conversation.own_log, number]
            assert text in peer.ever_shown, f"{peer} does not have {text}, which counts as delivered"
        self._acknowledged[conversation.own_log] = conversation.acknowledged
        if isinstance(conversation, Conversation):
            read = conversation.peer_read.get(conversation.own_log, 0)
            assert not read or (peer and self.world.entries[conversation.own_log, read] in peer.ever_shown)

    def _check_who_is_there(self, link: Link) -> None:
        assert link.close_reason not in ALARMS, f"a false alarm: {link.close_reason}, {link.detail}"
        if link.peer is None:
            return
        end = self.ends[link.id]
        assert end.connection is not None
        there = end.connection.other(end)
        other = self.world.by_key[there.owner.key]
        assert other.key == link.peer, f"{other} is taken for {self.world.by_key[link.peer]}"
        their_link = other.node.links.by_id.get(there.link) if other.ends.get(there.link) is there else None
        if their_link is not None and their_link.peer is not None:
            assert their_link.peer == self.key
            assert link.authenticated is not None
            assert their_link.authenticated is not None
            theirs, ours = their_link.authenticated.transcript, link.authenticated.transcript
            assert self.world.signs(theirs) == self.world.signs(ours), "the signs differ"

    def _check_what_is_shown(self, conversation: Chat, peer: Someone | None) -> None:
        timeline, seen = conversation.timeline, self._seen.get(conversation.own_log, 0)
        if len(timeline) == seen:
            return
        self._seen[conversation.own_log] = len(timeline)
        for author, number, entry in timeline[seen:]:
            before = self._read.get(author, 0)
            written = self.world.written[entry.text]
            if author == conversation.own_log:
                assert number == before + 1, f"{number} comes after {before}"
                self._read[author] = number
                self.world.entries[author, number] = entry.text
                assert written.by is self
                continue
            assert number == before + 1 or (self.world.keeps_little and number > before), f"{number} after {before}"
            for passed_over in range(before + 1, number):
                assert self.world.entries[author, passed_over] in self.ever_shown, "what nobody has seen is missing"
            self._read[author] = number
            assert peer is not None
            assert conversation.logs.log(author) is not None
            assert written.by is peer
            assert written.to in (None, self.key), f"what was written to others is shown to {self}"
            theirs = peer.chat_with(self)
            if theirs is not None and theirs.own_log == author:
                assert self.world.entries[author, number] == entry.text
            assert entry.text not in self._shown, "shown twice"
            self._shown[entry.text] = None
            self.ever_shown.add(entry.text)

    def _check_what_is_sent(self, end: End, data: str) -> None:
        assert end.opened, "a frame is sent although the channel is not open"
        assert not end.closed, "a frame is sent although the connection is closed"
        assert len(data.encode()) <= wire.MAX_FRAME
        kind = data[2 : data.index('"', 2)]
        link = self.node.links.by_id.get(end.link)
        if link is None or kind in (*_HANDSHAKE, "bye"):  # None: it was replaced in this very turn
            return
        assert link.peer is not None, "something is said before it is known to whom"
        if kind == "entries":
            self._note_what_is_in_flight(end, link, data)
        elif kind in ("presence", "read"):
            conversation = self.node.chats.conversation(link.chat)
            assert conversation is not None
            assert _is_open(link)
            assert conversation.warning is None
            assert not conversation.unopened, "somebody whom nobody has looked at learns what the person does"

    def _note_what_is_in_flight(self, end: End, link: Link, data: str) -> None:
        assert _is_open(link), "entries are sent although the path is lost"
        conversation = self.node.chats.conversation(link.chat)
        assert conversation is not None
        assert conversation.warning is None, "entries are sent in spite of a warning"
        assert link.authenticated is not None
        outgoing = link.authenticated.outgoing
        assert outgoing is not None
        frames, first = end.unacknowledged, int(data.split(",", 3)[2])
        frames.append((first, len(data.encode())))
        while len(frames) > 1 and frames[1][0] <= outgoing.acknowledged + 1:
            frames.popleft()
        assert sum(size for _, size in frames) <= sync.WINDOW + frames[-1][1], "too much is in flight"

    def check_that_it_came_back(self, end: End) -> None:
        link = self.node.links.by_id.get(end.link)
        if end.connection is not None and end.connection.alive and end.opened and link is not None:
            assert link.phase in (LinkPhase.OPEN, LinkPhase.CLOSED), f"the path was found again, but not {link}"

    def check_that_all_arrived(self) -> None:
        for conversation in self.node.chats.listed():
            mine = [self.world.entries[conversation.own_log, number + 1] for number in range(conversation.written)]
            assert sorted(mine) == sorted(self._written_in(conversation)), "what was written is not what is kept"
            peer = _peer_in(conversation)
            if isinstance(conversation, Conversation):
                assert not self.node.presence.is_typing(conversation)
            if peer is not None:
                self._check_that_it_arrived(mine, conversation, self.world.by_key[peer])

    def _check_that_it_arrived(self, mine: list[str], conversation: Chat, peer: Someone) -> None:
        ours = set(mine)
        arrived = [text for text in peer._shown if text in ours]
        assert ours <= peer.ever_shown, f"{len(ours & peer.ever_shown)} of {len(mine)} have arrived"
        kept = [text for text in mine if not self.world.keeps_little or text in peer._shown]
        assert arrived == kept, f"{len(arrived)} of {len(kept)} have arrived, or in another order"
        assert conversation.undelivered == 0

    def _written_in(self, conversation: Chat) -> Iterator[str]:
        for text, written in self.world.written.items():
            if not written.removed and self._is_in(written, conversation.id):
                yield text

    def _is_in(self, written: Written, chat: ChatId) -> bool:
        now_in = self.node.chats.get(written.conversation)
        is_there = now_in is not None and now_in.id == chat
        return is_there and (written.by, written.life) == (self, self._life)


def _peer_in(chat: Chat) -> PublicKey | None:
    return chat.peer if isinstance(chat, Conversation) else None


def _found(pattern: re.Pattern[str], sdp: str) -> str:
    found = pattern.search(sdp)
    assert found is not None
    return found[1]


def _is_open(link: Link | None) -> bool:
    return link is not None and link.phase is LinkPhase.OPEN
