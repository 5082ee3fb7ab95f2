"""A seeded network that joins the cores of several people, and the people who carry codes between them.

Theory of operation. Time is virtual: a heap of actions, each at its time. Everybody has a core and a driver like the
real one, which hands over what has come since the last turn, carries out effects and arms one timer. Connections come
about when two ends hold each other's description; from then on frames travel reliably and in order, each with a
random delay, until something ends that. The network breaks and heals paths and kills connections; people write, make
invites, paste codes rightly and wrongly, and leave. After every turn `Someone._check` looks whether what must always
be true still is. At last all is healed (`World.settle`), and then everything written must arrive.

The same seed gives the same run, to the last event.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from heapq import heappop, heappush
from itertools import combinations, count
from random import Random

from pychat.core import effects as fx
from pychat.core import events as ev
from pychat.core import sync, wire
from pychat.core.capabilities import Capabilities
from pychat.core.conversation import Conversation, ConversationId, LinkId
from pychat.core.link import Link, Phase, Role
from pychat.core.log import AuthorId
from pychat.core.node import Node
from pychat.core.sdp import DescriptionKind
from pychat.core.stats import Stats
from tests.core import samples

_PWD = re.compile(r"a=ice-pwd:(\S+)")
_CANDIDATES = (samples.HOST, samples.HOST_IPV6, samples.MDNS, samples.SERVER_REFLEXIVE, samples.TCP)
_ODD_TEXTS = ("[[[[[[[[", '{"\\', "\x00\x07", "😀ü", "…", '"]]]')
_AROUND_CODES = ("{}", "Here it is:\n> {}\nSee you!", "https://chat.example/#{}")


@dataclass(slots=True, eq=False)
class End:
    """One side's peer connection."""

    owner: Someone
    link: LinkId
    pwd: str = ""
    remote_pwd: str = ""
    connection: Connection | None = None
    opened: bool = False
    closed: bool = False
    busy_until: float = 0.0
    unacknowledged: deque[tuple[int, int]] = field(default_factory=deque)
    """Of each frame of entries the number of the first, and its bytes."""


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


@dataclass(frozen=True, slots=True)
class Written:
    """A text that somebody wrote, and to whom if that was known then."""

    by: Someone
    conversation: ConversationId
    to: AuthorId | None


class World:
    """Some people and the network between them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.healed = False
        self.written: dict[str, Written] = {}
        self.ends_by_pwd: dict[str, End] = {}
        self.connections: list[Connection] = []
        self._numbers = count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.people = [Someone(self, number) for number in range(self.random.choice((2, 3, 3, 4)))]
        self.by_author = {someone.node.me: someone for someone in self.people}

    def run(self) -> None:
        """Live through some troubled minutes, then see whether all comes right."""
        duration = self.random.uniform(30, 240)
        for _ in range(2):
            self.later(self.random.uniform(0, 5), self._invite_anew)
        for _ in range(self.random.randint(6, 24)):
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
            (someone.writes, self._invite_anew, self._break_path, self._kill, someone.leaves, someone.does_odd_things),
            (10, 4, 3, 3, 1, 1),
        )
        what()

    def _invite_anew(self) -> None:
        someone = self.random.choice(self.people)
        ended = [c.id for c in someone.node.conversations.values() if not _is_open(someone.node.link_of(c))]
        someone.acts(ev.InviteRequested(self.random.choice(ended) if ended and self.chance(0.8) else None))

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
                self.tell(end, ev.IceStateChanged(end.link, ev.IceState.DISCONNECTED), self.random.uniform(0, 8))
        gives_up = [end for end in connection.ends if not end.owner.capabilities.can_restart]
        if gives_up and self.chance(0.3):
            for end in gives_up:
                self._fail_for_good(end)
            self._lose(connection)
        elif self.chance(0.8):
            self.later(self.random.expovariate(1 / 20), lambda: self._heal_path(connection))

    def _fail_for_good(self, end: End) -> None:
        """What a stack that cannot restart ICE reports when the path was broken for too long."""
        news: list[ev.Event] = [
            ev.IceStateChanged(end.link, ev.IceState.FAILED),
            ev.ConnectionStateChanged(end.link, ev.ConnectionState.FAILED),
            ev.ChannelClosed(end.link),
        ]
        for event in news if self.chance(0.5) else reversed(news):
            self.tell(end, event, self.random.uniform(0, 15))

    def _heal_path(self, connection: Connection) -> None:
        if not connection.alive or not connection.broken:
            return
        connection.broken = False
        for end in connection.ends:
            self.tell(end, ev.IceStateChanged(end.link, ev.IceState.CONNECTED), self.random.uniform(0, 2))
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
            someone.acts(ev.DetailsWatched(None))
        self._live_until(self.now + 30)  # codes on their way arrive, for good or bad
        for connection in self.connections:
            self._heal_path(connection)
        self._live_until(self.now + 30)
        for connection in self.connections:
            for end in connection.ends:
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
            inviter.acts(ev.InviteRequested(chat.id))
            self._live_until(self.now + 60)
            assert self._are_connected(one, other), f"{one} and {other} are not connected although all went well"
        for someone in self.people:
            someone.check_that_all_arrived()

    def _are_connected(self, one: Someone, other: Someone) -> bool:
        chats = one.chat_with(other), other.chat_with(one)
        if chats[0] is None or chats[1] is None:
            return False
        return _is_open(one.node.link_of(chats[0])) and _is_open(other.node.link_of(chats[1]))

    # The network.

    def tell(self, end: End, event: ev.Event, delay: float) -> None:
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
        sdp = samples.fresh_sdp(kind, self.random, *candidates[:known])
        end.pwd = _pwd_of(sdp)
        self.ends_by_pwd[end.pwd] = end
        self.tell(end, ev.LocalDescriptionReady(end.link, sdp), self.random.uniform(0, 0.1 if trickles else 5))
        for candidate in candidates[known:]:
            self.tell(end, ev.CandidateFound(end.link, candidate), self.random.uniform(0, 1))
        if trickles and not self.chance(0.2):
            self.tell(end, ev.GatheringFinished(end.link), self.random.choice((0, 0.1, 3, 12)))

    def join(self, end: End) -> None:
        """Let an end that was given an answer find the other, if each holds the other's description."""
        other = self.ends_by_pwd.get(end.remote_pwd)
        if other is None or other.closed or other.remote_pwd != end.pwd or other.connection is not None:
            return
        connection = Connection((end, other), queues={end: deque(), other: deque()}, stalled={end: 0, other: 0})
        end.connection = other.connection = connection
        self.connections.append(connection)
        reachable = not self.chance(0.07)
        for one in connection.ends:
            self._report_connecting(one, reachable=reachable)

    def _report_connecting(self, end: End, *, reachable: bool) -> None:
        link, delay = end.link, self.random.choice((0.01, 0.3, 3))
        ice = [ev.IceState.CHECKING, ev.IceState.FAILED] if not reachable else [ev.IceState.CONNECTED]
        if self.chance(0.5):
            ice.insert(0, ev.IceState.CHECKING)
        for state in ice:
            self.tell(end, ev.IceStateChanged(link, state), self.random.uniform(0, delay))
        if not reachable:
            self.tell(end, ev.ConnectionStateChanged(link, ev.ConnectionState.FAILED), 0.1)
            return
        if not self.chance(0.3):
            encrypted = ev.ConnectionStateChanged(link, ev.ConnectionState.CONNECTED)
            self.tell(end, encrypted, self.random.uniform(0, delay))
        self.tell(end, ev.ChannelOpened(link), self.random.uniform(0, delay))

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
            end.owner.hears(end, ev.FrameReceived(end.link, connection.queues[end].popleft()))

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
                self.tell(other, ev.FrameReceived(other.link, data), 0)
        self.end_notices(other, promptly=not connection.broken and not self.chance(0.2))
        self._lose(connection)

    def end_notices(self, end: End, *, promptly: bool) -> None:
        if promptly:
            news = ev.ChannelClosed(end.link)
            self.tell(end, news, self.random.uniform(0, 1))
        else:
            self.tell(end, ev.IceStateChanged(end.link, ev.IceState.DISCONNECTED), self.random.uniform(5, 30))
            self.tell(end, ev.IceStateChanged(end.link, ev.IceState.FAILED), 10)

    def _lose(self, connection: Connection) -> None:
        connection.alive = False
        for queue in connection.queues.values():
            queue.clear()

    # People carry codes.

    def hand_over(self, giver: Someone, link: Link) -> None:
        if link.role is Role.REPLIER:
            assert link.remote is not None
            receiver = self.ends_by_pwd[link.remote.pwd].owner
        else:
            peer = giver.node.conversations[link.conversation].peer
            known = giver.recipient or (self.by_author[peer] if peer is not None else None)
            receiver = known or self.random.choice([other for other in self.people if other is not giver])
        if self.chance(0.25):  # the wrong person, or oneself
            receiver = self.random.choice(self.people)
        text = self.random.choice(_AROUND_CODES).format(self._after_accidents(link.code))
        times = self.random.choices((0, 1, 2), (8, 82, 10))[0] if not self.healed else 1
        for _ in range(times):
            delay = self.random.choice((0.2, 2, 20)) * self.random.random()
            self.later(delay, lambda: receiver.acts(ev.CodePasted(text)))

    def _after_accidents(self, code: str) -> str:
        if not self.chance(0.06):
            return code
        at = self.random.randrange(len(code))
        return self.random.choice((code[:at], code[:at] + "A" + code[at + 1 :], code[at:], code.lower()))


class Someone:
    """A person with a core and a driver."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.capabilities = Capabilities(*(world.random.random() < 0.7 for _ in fields(Capabilities)))
        self.node = Node(f"person-number-{number:03}", capabilities=self.capabilities)
        self.ends: dict[LinkId, End] = {}
        self.recipient: Someone | None = None
        self._clock = world.random.choice((0, 0, 3_600, 86_400))
        self._inbox: list[ev.Event] = []
        self._turn_is_due = False
        self._timer: float | None = None
        self._handed_over: set[LinkId] = set()
        self._seen: dict[ConversationId, int] = {}
        self._shown: set[str] = set()
        self._texts = count(1)

    def __repr__(self) -> str:
        return self.node.me

    def chat_with(self, other: Someone) -> Conversation | None:
        return next((c for c in self.node.conversations.values() if c.peer == other.node.me), None)

    # The driver.

    def hears(self, end: End, event: ev.Event) -> None:
        """Take in an event; the turn comes at once or a little later, together with what else has come by then."""
        if end.closed:
            return
        if isinstance(event, ev.ChannelOpened):
            self.world.channel_opened(end)
        self._take_in(event)

    def _take_in(self, event: ev.Event) -> None:
        self._inbox.append(event)
        if not self._turn_is_due:
            self._turn_is_due = True
            self.world.later(self.world.random.choice((0.0, 0.0, 0.02)), self._turn)

    def acts(self, event: ev.Event) -> None:
        """Do what only a person does: they see the screen as it is in this moment."""
        self._inbox.append(event)
        self._turn()

    def _turn(self, at_least: float = 0.0) -> None:
        self._turn_is_due = False
        events, self._inbox = self._inbox, []
        now = max(self.world.now + self._clock, at_least)
        for effect in self.node.handle(events, now):
            self._carry_out(effect)
        self._check()
        self._arm(now)
        for link in list(self.node.links.values()):
            if link.code and link.id not in self._handed_over:
                self._handed_over.add(link.id)
                self.world.hand_over(self, link)

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

    def _carry_out(self, effect: fx.Effect) -> None:
        world = self.world
        match effect:
            case fx.OpenConnection(link):
                assert link not in self.ends
                self.ends[link] = End(self, link)
            case fx.CreateOffer(link):
                world.describe(self.ends[link], DescriptionKind.OFFER)
            case fx.AcceptOffer(link, sdp):
                self.ends[link].remote_pwd = _pwd_of(sdp)
                world.describe(self.ends[link], DescriptionKind.ANSWER)
            case fx.AcceptAnswer(link, sdp):
                self.ends[link].remote_pwd = _pwd_of(sdp)
                world.join(self.ends[link])
            case fx.SendFrame(link, data):
                self._note_what_is_in_flight(self.ends[link], data)
                world.send(self.ends[link], data)
            case fx.CloseConnection(link):
                assert not self.ends[link].closed, "closed twice"
                world.close(self.ends[link])
            case fx.AddCandidate(link):
                assert not self.ends[link].closed
            case fx.ReadStats(link):
                world.tell(self.ends[link], ev.StatsRead(link, Stats()), 0.01)
            case fx.OfferCodeToTabs(text):  # everybody is also a tab of everybody else's browser
                for other in world.people:
                    if other is not self and world.chance(0.3):
                        other._take_in(ev.CodeFromTab(text))
            case fx.TellTabsCodeTaken(text):
                for other in world.people:
                    if other is not self:
                        other._take_in(ev.CodeTakenByTab(text))

    # What a person does.

    def writes(self) -> None:
        random = self.world.random
        seen = [*self.node.conversations, *self.node.successors]  # the screen may be a little behind
        if not seen:
            return
        place = random.choice(seen)
        conversation = self.node.conversations[self.node.successors.get(place, place)]
        for _ in range(random.choice((1, 1, 2, 5, random.randint(1, 50)))):
            text = f"{self} {next(self._texts)} "
            if random.random() < 0.1:
                text += random.choice(_ODD_TEXTS) * random.choice((1, 20, 200))
            self.world.written[text] = Written(self, place, conversation.peer)
            self._inbox.append(ev.MessageWritten(place, text))
        self._turn()

    def leaves(self) -> None:
        if self.node.conversations:
            self.acts(ev.ConversationLeft(self.world.random.choice(list(self.node.conversations))))

    def does_odd_things(self) -> None:
        links = list(self.node.links.values())
        conversations = [*self.node.conversations, None, 999]
        self.acts(
            self.world.random.choice(
                (
                    ev.CodePasted("hello"),
                    ev.CodePasted(links[-1].code if links else ""),
                    ev.DetailsWatched(self.world.random.choice(conversations)),
                    ev.DetailsWatched(None),
                    ev.InviteRequested(self.world.random.choice(conversations)),
                )
            )
        )

    # What must always be true.

    def _check(self) -> None:
        peers = [c.peer for c in self.node.conversations.values() if c.peer is not None]
        assert len(set(peers)) == len(peers), "two conversations with one person"
        for conversation in self.node.conversations.values():
            peer = self.world.by_author[conversation.peer] if conversation.peer is not None else None
            self._check_what_is_shown(conversation, peer)
            if not _is_open(self.node.link_of(conversation)):
                assert conversation.sent == conversation.acknowledged, "sent without a link"
            written = conversation.logs.count(self.node.me)
            assert conversation.acknowledged <= written
            assert conversation.sent <= written
            if conversation.acknowledged:
                assert peer is not None
                theirs = peer.chat_with(self)
                has = theirs.logs.count(self.node.me) if theirs is not None else 0
                assert conversation.acknowledged <= has, f"{peer} has {has} of {conversation.acknowledged}"

    def _check_what_is_shown(self, conversation: Conversation, peer: Someone | None) -> None:
        timeline, seen = conversation.timeline, self._seen.get(conversation.id, 0)
        if len(timeline) == seen:
            return
        self._seen[conversation.id] = len(timeline)
        counts: dict[AuthorId, int] = {}
        for message in timeline[:seen]:
            counts[message.author] = message.number
        for author, number, entry in timeline[seen:]:
            assert number == counts.get(author, 0) + 1, f"{number} comes after {counts.get(author, 0)}"
            counts[author] = number
            written = self.world.written[entry.text]
            if author == self.node.me:
                assert written.by is self
                continue
            assert peer is not None
            assert author == peer.node.me
            assert written.by is peer
            assert written.to in (None, self.node.me), f"what was written to {written.to} is shown to {self}"
            theirs = peer.chat_with(self)
            assert theirs is not None
            assert theirs.logs.entries(author, number - 1)[0] == entry
            assert entry.text not in self._shown, "shown twice"
            self._shown.add(entry.text)

    def _note_what_is_in_flight(self, end: End, data: str) -> None:
        assert end.opened, "a frame is sent although the channel is not open"
        assert not end.closed, "a frame is sent although the connection is closed"
        assert len(data.encode()) <= wire.MAX_FRAME
        if not data.startswith('["entries"'):
            return
        assert _is_open(self.node.links[end.link]), "entries are sent although the path is lost"
        outgoing = self.node.links[end.link].outgoing
        assert outgoing is not None
        frames, first = end.unacknowledged, int(data.split(",", 3)[2])
        frames.append((first, len(data.encode())))
        while len(frames) > 1 and frames[1][0] <= outgoing.acknowledged + 1:
            frames.popleft()
        assert sum(size for _, size in frames) <= sync.WINDOW + frames[-1][1], "too much is in flight"

    def check_that_it_came_back(self, end: End) -> None:
        link = self.node.links.get(end.link)
        if end.connection is not None and end.connection.alive and end.opened and link is not None:
            assert link.phase in (Phase.OPEN, Phase.CLOSED), f"the path was found again, but not {link}"

    def check_that_all_arrived(self) -> None:
        for conversation in self.node.conversations.values():
            mine = [entry.text for entry in conversation.logs.entries(self.node.me, 0)]
            assert sorted(mine) == sorted(self._written_in(conversation)), "what was written is not what is kept"
            if conversation.peer is None:
                continue
            theirs = self.world.by_author[conversation.peer].chat_with(self)
            assert theirs is not None
            arrived = [message.entry.text for message in theirs.timeline if message.author == self.node.me]
            assert arrived == mine, f"{len(arrived)} of {len(mine)} have arrived"
            assert conversation.undelivered == 0

    def _written_in(self, conversation: Conversation) -> Iterator[str]:
        for text, written in self.world.written.items():
            now_in = self.node.successors.get(written.conversation, written.conversation)
            if written.by is self and now_in == conversation.id:
                yield text


def _pwd_of(sdp: str) -> str:
    found = _PWD.search(sdp)
    assert found is not None
    return found[1]


def _is_open(link: Link | None) -> bool:
    return link is not None and link.phase is Phase.OPEN
