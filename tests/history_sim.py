"""Two people whose programs crash, whose disks fill up or are restored, whose clocks jump and whose links break.

They write, edit, react, delete on their device and for both.

Each of them has one program or two at once, which share a disk. Each run is one seed, and any step can be the last one
of a program. In the end both people have the same conversation, in the same order, but for what each has deleted.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import ClassVar

from pychat.core import effects, events
from pychat.core.chat.chats import conversation_id
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.records import FOREVER
from pychat.core.chat.relations import is_hidden
from pychat.core.chat.timeline import Message
from pychat.core.content import DELETE, Relation
from pychat.core.identity.contacts import Contacts
from pychat.core.ids import AuthorId, ChatId, LinkId
from pychat.core.log import Entry, without_text
from pychat.core.node import Node
from tests.core.disk import Disk, JournalOf, Work
from tests.core.people import START, Keys, Person, exchange, of

HOUR = 3_600.0
MOST_LINKS = 2

Order = list[tuple[AuthorId, int, Entry]]


class Device(Person):
    """A person's program with its disk; the work for that waits in `journal` until somebody lets it be done.

    `seen` are the texts that it knows of, in the order in which it came to do so; `deleted` gets those that somebody
    deletes, and `unsent` those of them that had not arrived by then, of which `delivered` knows. `told` is what it
    tells other tabs, and `tab_news` what these have told it.
    """

    def __init__(
        self,
        keys: Keys,
        random: Random,
        disk: Disk,
        deleted: set[str],
        now: float,
        *,
        unsent: set[str] | None = None,
        delivered: Set[str] = frozenset(),
        keep_for: int = FOREVER,
        tabs: bool = False,
    ) -> None:
        self.deleted = deleted
        self.unsent = unsent if unsent is not None else set()
        self.delivered = delivered
        self.told: list[events.Event] = []
        self.tab_news: deque[events.Event] = deque()
        self.journal = JournalOf(disk, random.randbytes(8).hex())
        self.closed: set[LinkId] = set()
        self.seen: dict[str, None] = {}
        self.has_failed = False
        seed, contacts = random.randbytes(32), Contacts(skeleton=str)
        node = Node(keys.public, seed, contacts, tabs=tabs, keeps=True, kept=disk.kept(), keep_for=keep_for)
        super().__init__(node, keys, now)

    def do(self, *batch: events.Event) -> list[effects.Effect]:
        rest = [effect for effect in super().do(*batch) if not self.journal.take(effect)]
        assert not of(effects.WriteJournal, rest)
        for told in of(effects.TellTabsKept, rest):
            self.told += [events.KeptByTab(change.head, change.segment) for change in told.changes]
        self.closed.update(effect.link for effect in of(effects.CloseConnection, rest))
        return rest

    def journal_steps(self, steps: int | None = None) -> bool:
        """Let some of the work be done, or all; returns whether there was any."""
        done = 0
        while self.journal.work and done != steps:
            done += 1
            self.has_failed |= bool(self.journal.problem)
            if isinstance(self.journal.work[0], effects.DeleteFromJournal):
                gone = texts_of(self.journal.disk, self.journal.work[0].conversation)
                self.deleted |= gone
                self.unsent |= gone - self.delivered
            event = self.journal.step()
            if event is not None:
                self.do(event)
        return done > 0


@dataclass
class Connection:
    """Two programs that are connected: the link of each, and what is on its way to it."""

    ends: tuple[Device, Device]
    links: tuple[LinkId, LinkId]
    wire: tuple[deque[str], deque[str]] = field(default_factory=lambda: (deque(), deque()))


class Lives:
    """Ann and Bob, their programs, and links between these now and then.

    Args:
        waiting_most: so many messages of one of them may wait for the other one.
    """

    def __init__(self, seed: int, waiting_most: int = 1_000) -> None:
        self.random = Random(seed)
        self.waiting_most = waiting_most
        self.keys = [Keys(name, self.random) for name in ("ann", "bob")]
        self.chat = conversation_id(self.keys[0].public, self.keys[1].public)
        self.disks = [Disk(), Disk()]
        self.backups: list[Disk | None] = [None, None]
        self.restored = [False, False]
        self.fails: list[tuple[type[Work], ...]] = [(), ()]
        self.now = START
        self.has_tabs = self.random.random() < 0.5
        """Whether two programs of one person hear of each other."""
        self.offsets = [0.0, 0.0]
        """By how much the clock of each is wrong."""
        self.had_two = [False, False]
        self.connections: list[Connection] = []
        self.texts = 0
        self.causes: dict[str, tuple[dict[str, None], int]] = {}
        """For each text what its program had seen by then: the first so many of these."""
        self.delivered: list[set[str]] = [set(), set()]
        """What has counted as delivered, by whose it was."""
        self.unsent: list[set[str]] = [set(), set()]
        """What its author has deleted in one tab before it went out of another one, which may count it as delivered."""
        self.lost: list[set[str]] = [set(), set()]
        """What somebody had on the screen and could not keep, or has put away, or deleted."""
        self.going: list[tuple[int, Device, AuthorId, int, str]] = []
        """What was deleted by itself, and is on its way out of the journal."""
        self.gone: list[set[str]] = [set(), set()]
        """What has left it, for good."""
        self.retracted: set[tuple[AuthorId, int]] = set()
        """What was deleted for both."""
        self.deleted_here: list[set[tuple[AuthorId, int]]] = [set(), set()]
        """What somebody has deleted on their device."""
        self.edits: dict[tuple[AuthorId, int], set[str]] = {}
        """How a message was edited."""
        self.programs = [[self._start(0)], [self._start(1)]]

    def run(self) -> None:
        if self.random.random() < 0.8:
            self.connects()
            for _ in range(20):
                self.carries()
        for _ in range(self.random.randint(20, 120)):
            (what,) = self.random.choices([*self.acts], [*self.acts.values()])
            what(self)
            self.look_what_is_gone()
            for number in (0, 1):
                self.check_screens(number)
        self.settle()

    # What happens.

    def _start(self, number: int) -> Device:
        now = self.now + self.offsets[number]
        disk, lost = self.disks[number], self.lost[number]
        device = Device(
            self.keys[number],
            self.random,
            disk,
            lost,
            now,
            unsent=self.unsent[number],
            delivered=self.delivered[number],
            tabs=self.has_tabs,
        )
        device.journal.problem, device.journal.fails = "the disk is full", self.fails[number]
        device.seen.update(dict.fromkeys(sorted(texts_of(self.disks[number], self.chat))))
        return device

    def _someone(self) -> tuple[int, Device]:
        number = self.random.randrange(2)
        return number, self.random.choice(self.programs[number])

    def conversation(self, device: Device) -> Conversation | None:
        return device.node.chats.conversation(self.chat)

    def writes(self) -> None:
        number, device = self._someone()
        self._write(number, device, self.random.choice((1, 1, 3, 20)))

    def _write(self, number: int, device: Device, count: int) -> None:
        conversation = self.conversation(device)
        for _ in range(count):
            text = f"{number} {self.texts}"
            if conversation is not None and conversation.validate(text) is None and self._has_room(number):
                self.look_at(device)
                self.texts += 1
                self.causes[text] = device.seen, len(device.seen)
                device.do(events.WriteMessage(self.chat, text))
                self.collect(device)

    def _has_room(self, number: int) -> bool:
        """What waits for the other, and that of the other, too, have to fit in the memory of both."""
        conversations = [self.conversation(device) for device in self.programs[number]]
        waiting = sum(one.written - one.acknowledged for one in conversations if one is not None)
        if waiting < self.waiting_most:
            own = {text for text in texts_of(self.disks[number], self.chat) if text.startswith(f"{number} ")}
            waiting = max(waiting, len(own - texts_of(self.disks[1 - number], self.chat)))
        return waiting < self.waiting_most

    def writes_alone(self) -> None:
        """Somebody is at home for some days, where there is no network."""
        number = self.random.randrange(2)
        for _ in range(self.random.randint(2, 4)):
            device = self.programs[number][-1]
            self._cut(device)
            self._write(number, device, self.random.choice((1, 3)))
            device.journal_steps(self.random.choice((1, None, None)))
            self._begin_again(number)

    def collect(self, device: Device) -> None:
        """Put on the wire what a program sends; without a link it is lost. What it has closed is closed."""
        for effect in device.sent:
            for connection in self.connections:
                for end in (0, 1):
                    if connection.ends[end] is device and connection.links[end] == effect.link:
                        connection.wire[1 - end].append(effect.data)
        device.sent.clear()
        told, device.told = device.told, []
        for devices in self.programs:
            if device in devices:
                for other in devices:
                    if other is not device:
                        other.tab_news.extend(told)
        for connection in [*self.connections]:
            for end in (0, 1):
                if connection.ends[end] is device and connection.links[end] in device.closed:
                    self._end(connection)

    def carries(self) -> None:
        if self.connections:
            connection, to = self.random.choice(self.connections), self.random.randrange(2)
            for _ in range(self.random.choice((1, 3, 100))):
                if not self._carry(connection, to):
                    return

    def _carry(self, connection: Connection, to: int) -> bool:
        if connection not in self.connections or not connection.wire[to]:
            return False
        device = connection.ends[to]
        device.do(events.FrameReceived(connection.links[to], connection.wire[to].popleft()))
        self.collect(device)
        return True

    def stores(self) -> None:
        _, device = self._someone()
        device.journal_steps(self.random.choice((1, 1, 2, None)))
        self.collect(device)
        self.waits(self.random.choice((0.0, 0.1, 3.0)))

    def waits(self, seconds: float) -> None:
        self.now += seconds
        for devices in self.programs:
            for device in devices:
                device.wait(seconds)
                self.collect(device)

    def looks(self) -> None:
        """Somebody looks at the conversation, or back in it, or at something else."""
        _, device = self._someone()
        device.do(
            self.random.choice(
                (
                    events.ShowConversation(self.chat),
                    events.ShowConversation(None),
                    events.ShowEarlier(self.chat),
                    events.LookAway(True),
                    events.LookAway(False),
                    events.MarkRead(self.chat, self.random.randrange(100)),
                )
            )
        )
        self.collect(device)

    def hears_of_tabs(self) -> None:
        _, device = self._someone()
        self._hear_of_tabs(device, self.random.choice((1, 3, 100)))

    def _hear_of_tabs(self, device: Device, most: int) -> bool:
        news = [device.tab_news.popleft() for _ in range(min(most, len(device.tab_news)))]
        if news:
            device.do(*news)
            self.collect(device)
        return bool(news)

    def connects(self) -> None:
        """Two programs are connected, also where others are: then there is one link too many, which ends."""
        if len(self.connections) < MOST_LINKS:
            ends = self.random.choice(self.programs[0]), self.random.choice(self.programs[1])
            if not any(connection.ends == ends for connection in self.connections):
                self._connect(*ends)

    def _connect(self, ann: Device, bob: Device) -> None:
        for device in (ann, bob):
            self.collect(device)
        pair = exchange(ann, bob)
        connection = Connection((ann, bob), (pair.ann_link.id, pair.bob_link.id))
        self.connections.append(connection)
        for device, link in zip(connection.ends, connection.links, strict=True):
            device.do(
                events.IceStateChanged(link, events.IceState.CONNECTED),
                events.ConnectionStateChanged(link, events.ConnectionState.CONNECTED),
                events.ChannelOpened(link),
            )
            self.collect(device)

    def breaks(self) -> None:
        if self.connections:
            self._end(self.random.choice(self.connections))

    def _end(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            for device, link in zip(connection.ends, connection.links, strict=True):
                device.do(events.ChannelClosed(link))
                self.collect(device)

    def _cut(self, device: Device) -> None:
        for connection in [*self.connections]:
            if device in connection.ends:
                self._end(connection)

    def another_program(self) -> None:
        """Somebody opens a second program beside, or the first of two is gone."""
        number = self.random.randrange(2)
        devices = self.programs[number]
        if len(devices) == 1:
            self.had_two[number] = True
            devices.append(self._start(number))
        else:
            self._stop(number, devices[self.random.randrange(2)])

    def _stop(self, number: int, device: Device) -> None:
        """A program is gone between two steps; what was not written is lost."""
        if self.random.random() < 0.3:
            device.do(events.Shutdown())
            device.journal_steps()
            self.collect(device)
        if device.has_failed:
            self.look_at(device)
            self.lost[number].update(device.seen.keys() - texts_of(self.disks[number], self.chat))
        self.programs[number].remove(device)
        self._cut(device)

    def _begin_again(self, number: int) -> None:
        """One program of somebody is gone, and another one begins."""
        self._stop(number, self.random.choice(self.programs[number]))
        self.programs[number].append(self._start(number))

    def crashes(self) -> None:
        number = self.random.randrange(2)
        backup = self.backups[number]
        if backup is not None and self.random.random() < 0.3:
            for device in [*self.programs[number]]:
                self._stop(number, device)
            self.disks[number] = backup.copy()
            self.restored[number] = True
            self.programs[number].append(self._start(number))
        else:
            self._begin_again(number)

    def backs_up(self) -> None:
        number = self.random.randrange(2)
        self.backups[number] = self.disks[number].copy()

    def disk_fails(self) -> None:
        """A disk is full, or cannot be read, until it works again."""
        number = self.random.randrange(2)
        write, read, delete = effects.WriteJournal, effects.ReadJournal, effects.DeleteFromJournal
        self._let_fail(number, *self.random.choice(((), (write,), (write, delete), (read,), (write, read, delete))))

    def _let_fail(self, number: int, *kinds: type[Work]) -> None:
        self.fails[number] = kinds
        for device in self.programs[number]:
            device.journal.fails = kinds

    def clock_jumps(self) -> None:
        number = self.random.randrange(2)
        jump = self.random.choice((-5 * HOUR, -1.0, 1.0, 5 * HOUR)) * self.random.random()
        self.offsets[number] += jump
        for device in self.programs[number]:
            device.now += jump
            device.do()
            self.collect(device)

    def removes(self) -> None:
        number, device = self._someone()
        self._cut(device)
        self.look_at(device)
        self.lost[number].update(device.seen.keys() | texts_of(self.disks[number], self.chat))
        for other in self.programs[number]:
            self.look_at(other)
            self.lost[number].update(other.seen.keys())
        device.do(events.RemoveConversation(self.chat))
        device.seen = {}  # it begins anew

    def deletes(self) -> None:
        """Somebody deletes one message."""
        number, device = self._someone()
        conversation = self.conversation(device)
        there = self.look_at(device) if conversation is not None else []
        there = [one for one in there if conversation is not None and conversation.can_delete(*one[:2])]
        there = [one for one in there if not is_hidden(one[2])]
        if there:
            author, count, entry = self.random.choice(there)
            self.lost[number] |= {entry.text, *self.edits.get((author, count), set())}
            self.deleted_here[number].add((author, count))
            self.going.append((number, device, author, count, entry.text))
            device.do(events.DeleteMessage(self.chat, author, count))
            self.collect(device)

    def amends(self) -> None:
        """Somebody edits or deletes for both what they said, or reacts to a message."""
        number, device = self._someone()
        conversation = self.conversation(device)
        there = [one for one in self.look_at(device) if one[2].text and not is_hidden(one[2])]
        if conversation is None or not there or not self._has_room(number) or conversation.validate("x") is not None:
            return
        author, count, entry = self.random.choice(there)
        what = self.random.choice(("edit", "react", "retract"))
        text = f"{number} {self.texts}" if what == "edit" else f"{number}·{self.texts}"
        self.texts += 1
        self.causes[text] = device.seen, len(device.seen)
        if what == "react":
            device.do(events.ReactToMessage(self.chat, author, count, text))
        elif not conversation.is_own(author):
            return
        elif what == "edit":
            device.do(events.EditMessage(self.chat, author, count, text))
        else:
            texts = {entry.text, *(one.text for one in conversation.relations.edits((author, count), is_own=True))}
            device.do(events.RetractMessage(self.chat, author, count))
            self.retracted.add((author, count))
            for lost in self.lost:
                lost |= texts
        if what == "edit":
            self.edits.setdefault((author, count), set()).add(text)
        for lost, deleted in zip(self.lost, self.deleted_here, strict=True):
            if (author, count) in self.retracted | deleted:  # in another program, too
                lost |= self.edits.get((author, count), set())
        self.collect(device)

    def look_what_is_gone(self) -> None:
        for one in [*self.going]:
            number, device, author, count, text = one
            conversation = self.conversation(device)
            if conversation is None or device not in self.programs[number]:
                self.going.remove(one)
            elif (author, count) not in conversation.deleting:
                self.going.remove(one)
                self.gone[number].add(text)

    acts: ClassVar[dict[Callable[[Lives], None], int]] = {
        writes: 80,
        carries: 120,
        stores: 120,
        hears_of_tabs: 40,
        connects: 40,
        looks: 20,
        breaks: 20,
        crashes: 20,
        another_program: 15,
        disk_fails: 15,
        clock_jumps: 15,
        backs_up: 10,
        writes_alone: 5,
        deletes: 15,
        amends: 40,
        removes: 2,
    }

    # What must be true.

    def look_at(self, device: Device) -> Order:
        """What a program has in its memory, which is seen from now on."""
        conversation = self.conversation(device)
        there = [(author, number, entry) for author, number, entry in conversation.timeline] if conversation else []
        device.seen.update(dict.fromkeys(said(entry) for _, _, entry in there if said(entry)))
        return there

    def check_screens(self, number: int) -> None:
        for device in self.programs[number]:
            there = self.look_at(device)
            conversation = self.conversation(device)
            if conversation is None:
                continue
            self.check_order(conversation, there)
            there = [one for one in there if said(one[2])]
            assert len({entry.text for _, _, entry in there}) == len(there), "something is shown twice"
            assert all(entry.text in self.causes for _, _, entry in there), "something is shown that was not said"
            assert conversation.timeline.start >= 0
            for author, count, entry in there:
                assert conversation.is_own(author) == entry.text.startswith((f"{number} ", f"{number}·"))
                if conversation.is_own(author) and conversation.has_arrived(author, count):
                    self.delivered[number].add(entry.text)

    def check_order(self, conversation: Conversation, there: Order) -> None:
        assert [*conversation.ordered] == sorted((Message(*one) for one in there), key=_key)
        assert conversation.ordered.start == conversation.timeline.start

    def settle(self) -> None:
        """All works again. Each program keeps what it can, and a last one of each talks with the other's."""
        for number in (0, 1):
            self._let_fail(number)
        for _ in range(3):
            self._come_to_rest()
            self.waits(6)
        for number in (0, 1):
            self.check_screens(number)
            for device in self.programs[number]:
                self._check_all_is_kept(number, device)
        for number in (0, 1):
            for device in [*self.programs[number]]:
                self._stop(number, device)
            self.programs[number] = [self._start(number)]
        self._connect(self.programs[0][0], self.programs[1][0])
        for _ in range(3):
            self._come_to_rest()
            self.waits(6)
        assert self.connections, "the link has not lasted"
        for number in (0, 1):
            self.check_screens(number)
        kept = [self._kept(number) for number in (0, 1)]
        for number in (0, 1):
            self._check_what_arrived(number, kept[number], kept[1 - number])
        orders = [self._check_what_is_read(number, kept[number]) for number in (0, 1)]
        common = kept[0].keys() & kept[1].keys()
        first, second = ([one[:2] for one in order if one[:2] in common] for order in orders)
        assert first == second, "the two see different orders"
        for order in orders:
            self._check_causes(order)

    def _come_to_rest(self) -> None:
        busy = True
        while busy:
            busy = False
            for devices in self.programs:
                for device in devices:
                    busy |= device.journal_steps()
                    self.collect(device)
                    busy |= self._hear_of_tabs(device, 100)
            for connection in [*self.connections]:
                for to in (0, 1):
                    while self._carry(connection, to):
                        busy = True
            if not busy:
                self.waits(0.1)
                busy = any(any(connection.wire) for connection in self.connections)
                busy |= any(device.journal.work for devices in self.programs for device in devices)

    def _kept(self, number: int) -> dict[tuple[AuthorId, int], Entry]:
        """The entries on a disk, each once; one that was deleted without its text, whatever has written it late."""
        seen: dict[tuple[AuthorId, int], Entry] = {}
        for author, first, entries, _ in self.disks[number].parts(self.chat):
            for count, entry in enumerate(entries, first):
                before = seen.setdefault((author, count), entry)
                assert entry in (before, without_text(before)) or not before.text, "a number was used twice"
                if not entry.text:
                    seen[author, count] = entry
        return seen

    def _check_all_is_kept(self, number: int, device: Device) -> None:
        """Once the disk works again, all that a program still has is there, unless it was put away."""
        kept = self._kept(number)
        there = [one for one in self.look_at(device) if said(one[2])]
        missing = {entry.text for author, count, entry in there if (author, count) not in kept}
        assert missing <= self.lost[number], f"{missing} is not kept"
        assert not device.node.history.problem
        assert not device.node.deletion.problem

    def _check_what_arrived(
        self,
        number: int,
        mine: dict[tuple[AuthorId, int], Entry],
        theirs: dict[tuple[AuthorId, int], Entry],
    ) -> None:
        texts = Counter(said(entry) for entry in theirs.values() if said(entry))
        assert max(texts.values(), default=1) == 1, "something is there twice"
        common = [(mine[one], theirs[one]) for one in mine.keys() & theirs.keys()]
        assert all(one == other or not (one.text and other.text) for one, other in common), (
            "an entry has become another one"
        )
        own = {entry.text for entry in mine.values() if entry.text.startswith((f"{number} ", f"{number}·"))}
        own -= self.lost[number]  # what was taken back may be there again, after a crash: the other side has passed it
        excused = self.lost[1 - number]
        missing = own - texts.keys() - excused
        assert not missing, f"{missing} did not arrive"
        if not self.restored[1 - number]:
            missing = self.delivered[number] - texts.keys() - excused - self.unsent[number]
            missing -= self.lost[number]
            assert not missing, f"{missing} counts as delivered and is not kept there"
        if not any(self.restored):
            differing = {said(entry) for entry in mine.values() if said(entry)} ^ texts.keys()
            assert differing <= self.lost[0] | self.lost[1], f"{differing} is on one side only"

    def _check_what_is_read(self, number: int, kept: dict[tuple[AuthorId, int], Entry]) -> Order:
        """Begin again, look at everything from the end on, and see what is kept."""
        self._stop(number, self.programs[number][0])
        device = self._start(number)
        self.programs[number].append(device)
        device.do(events.ShowConversation(self.chat))
        device.journal_steps()
        conversation = self.conversation(device)
        if conversation is None:
            assert not kept
            return []
        while conversation.has_earlier:
            device.do(events.ShowEarlier(self.chat))
            assert device.journal_steps()
        there = self.look_at(device)
        self.check_screens(number)
        deleted = conversation.deleted
        late = {one: entry for one, entry in kept.items() if one[1] in deleted.get(one[0], ()) and entry.text}
        for one, entry in late.items():  # it was written after it was deleted for both, and goes from the disk next
            kept[one] = without_text(entry)
        assert sorted(there) == sorted((*one, entry) for one, entry in kept.items()), (
            "what is shown is not what is kept"
        )
        if not self.had_two[number]:
            assert [one[:2] for one in there] == [*kept], "it is not shown in the order in which it came"
        while device.journal_steps():
            pass
        assert not {entry.text for entry in late.values()} & texts_of(self.disks[number], self.chat), "it has not gone"
        # Programs that do not hear of each other may each have had the message from its author.
        if not self.restored[number] and (self.has_tabs or not self.had_two[number]):
            assert not self.gone[number] & texts_of(self.disks[number], self.chat), "something has come back"
            assert not self.gone[number] & {entry.text for _, _, entry in there}, "something is shown that was deleted"
        self._check_what_was_retracted(number, conversation)
        return [(author, count, entry) for author, count, entry in conversation.ordered]

    def _check_what_was_retracted(self, number: int, conversation: Conversation) -> None:
        """Whoever knows that a message was deleted by its author for both does not have it any more."""
        relations = conversation.relations
        for author, count, entry in conversation.ordered:
            if relations.is_deleted((author, count), is_own=conversation.is_own(author)):
                assert not entry.text, f"{entry.text} is shown"
        texts = texts_of(self.disks[number], self.chat)
        for (author, count), edits in self.edits.items():
            if count in relations.deleted(author, is_own=conversation.is_own(author)):
                assert not texts & edits, "an edit of what was deleted is left"

    def _check_causes(self, order: Order) -> None:
        """What was written after something was seen stands after it."""
        places = {entry.text: place for place, (_, _, entry) in enumerate(order) if said(entry)}
        highest: dict[int, list[int]] = {}
        for entry in [entry for _, _, entry in order if said(entry)]:
            seen, count = self.causes[entry.text]
            if id(seen) not in highest:
                highest[id(seen)] = [*accumulate((places.get(text, -1) for text in seen), max, initial=-1)]
            assert highest[id(seen)][count] < places[entry.text], f"{entry.text} stands before what it answers"


def texts_of(disk: Disk, chat: ChatId) -> set[str]:
    return {said(entry) for part in disk.parts(chat) for entry in part.entries if said(entry)}


def said(entry: Entry) -> str:
    """What a person has said: nothing where an entry was deleted, or deletes another one."""
    return "" if isinstance(entry.relation, Relation) and entry.relation.kind == DELETE else entry.text


def _key(message: Message) -> tuple[int, AuthorId, int]:
    return message.entry.rank, message.author, message.number
