"""What a person writes in: conversations, and introductions to whoever comes. Their logs, folded into what is shown."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from pychat.core.chat.order import OrderedTimeline
from pychat.core.chat.records import MAX_LOGS, PREVIEW, Head, KeepFor, KeptConversation, Preview, Rendezvous
from pychat.core.chat.relations import Place, Relations, is_hidden
from pychat.core.chat.timeline import Message, Timeline
from pychat.core.content import DELETE, EDIT, Relation
from pychat.core.errors import MessageProblem, RemoteError
from pychat.core.identity.contacts import Namesake, clean_name
from pychat.core.ids import AuthorId, ChatId, LinkId, PublicKey, RoomId
from pychat.core.log import Entry, Log, Logs, StateVector, make_entry, text_problem, without_text
from pychat.core.memory import (
    ALL_MOST,
    CONVERSATION_MOST,
    ENTRY_SIZE,
    MARGIN,
    STEP,
    UNACKNOWLEDGED_MOST,
    Memory,
    size_of,
)
from pychat.core.sync import Outgoing

LOOK_BACK = 200
"""Entries among which the last message is looked for, or those that are none are counted: the last ones."""
ARRIVALS_TOGETHER = 60
"""Seconds within which what is written down counts as written at once."""


class Delivery(Enum):
    """How far a message of ours has come."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"


@dataclass(slots=True, eq=False)
class Chat:
    """Something that a person can look at and write in: an introduction or a conversation.

    `own_log` names our own log in it. `link` is the present link, or the last one if that has ended; `rooms` are those
    that are shown here, and whether the person is in each. `written`, `sent` and `acknowledged` count our own entries;
    while there is no path, what is not acknowledged counts as waiting, for nobody knows whether it has arrived. `ended`
    is when the last link has ended. `is_kept` says that all goes into the journal, before it is sent or acknowledged,
    and `journaled` counts the messages of which that is done. `former_logs` are those that we have written in former
    runs, the eldest first, and how much of each the peer has; `gone_out` says how much of each of our logs was sent in
    this run. `resumed` counts the messages of former runs, and `shifted` says by how much places are later now than at
    first. `is_deserted` says that its link has gone on with somebody else.

    `timeline` has the entries in the order in which they came here, `ordered` as they are shown; `relations` say what
    some of these say of others.

    What both sides have goes again, from the front, when too much is held (`memory`). Whoever hands the messages out
    one by one says in `read_to` before which place that is done; else they count as read when they come.
    """

    id: ChatId
    own_log: AuthorId
    link: LinkId | None = None
    rooms: dict[RoomId, bool] = field(default_factory=dict)
    ended: float = 0.0
    memory: Memory = field(default_factory=Memory)
    written: int = 0
    acknowledged: int = 0
    sent: int = 0
    read_to: int | None = None
    former_logs: dict[AuthorId, int] = field(default_factory=dict)
    gone_out: dict[AuthorId, int] = field(default_factory=dict)
    is_kept: bool = False
    journaled: int = 0
    resumed: int = 0
    shifted: int = 0
    is_deserted: bool = False
    logs: Logs = field(init=False)
    timeline: Timeline = field(init=False)
    ordered: OrderedTimeline = field(init=False)
    relations: Relations = field(init=False)
    _log: Log = field(init=False)
    _acknowledged_size: int = 0

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.logs, self.timeline = Logs(self.memory, is_kept=self.is_kept), Timeline(self.memory)
        self.ordered = OrderedTimeline(self.memory)
        self.relations = Relations()
        self._log = self.logs.begin(self.own_log)

    def clear(self) -> None:
        """Let go of all that is in it."""
        self._begin()
        self.written = self.acknowledged = self.sent = 0
        self.gone_out.clear()
        self.memory.give_back()

    @property
    def is_in_room(self) -> bool:
        """Whether the person is in a room that is shown here."""
        return any(self.rooms.values())

    @property
    def unacknowledged_size(self) -> int:
        """The bytes of our own messages that wait to arrive."""
        return self._log.added - self._acknowledged_size

    def validate(self, text: str) -> MessageProblem | None:
        """Why this text cannot be a message of ours, or None."""
        problem = text_problem(text)
        if problem is None and self.unacknowledged_size > STEP:
            whole = self.memory.whole
            too_much = self.unacknowledged_size > UNACKNOWLEDGED_MOST or (whole is not None and whole.held > ALL_MOST)
            problem = MessageProblem.FULL if too_much else None
        return problem

    def write(self, entry: Entry) -> None:
        """Add a message of our own, also where there was no room when it was written: whoever asks looks before.

        It stands after all that is here.

        Raises:
            LocalError: it is empty or too long.
        """
        rank = self.ordered.next_rank(self.own_log, entry.at)
        self.written = self.logs.append(
            self.own_log, make_entry((entry.at, entry.text, rank if rank > entry.at else 0, entry.relation))
        )
        self.timeline.extend(self._log, self.written, 1)
        self.ordered.insert(self._log, self.written, 1)
        if entry.relation is not None:
            self._relate(self.own_log, self.written, self._log.after(self.written - 1), is_own=True)
        if self.memory.held > CONVERSATION_MOST:
            self.make_room()

    def make_room(self, most: int | None = None) -> None:
        """Let the oldest messages go that both sides have, until no more than so many bytes are held."""
        going: dict[Log, tuple[int, int]] = {}
        places, excess = 0, self.memory.held - (CONVERSATION_MOST - STEP if most is None else most)
        unread = len(self.timeline) - 1  # the last one stays, whatever it is
        if self.is_kept:
            unread = max(min(unread, self.journaled), self.timeline.start)
        if self.read_to is not None:
            unread = max(min(self.read_to, unread), self.timeline.start)
        for log, first, length in self.timeline.runs():
            here = min(length, unread - self.timeline.start - places)
            arrived = self.acknowledged if log.author == self.own_log else self.former_logs.get(log.author)
            if arrived is not None:
                here = min(here, arrived - first + 1)
            count, size = _fewest(log, first, here, max(excess, 0))
            before = going.get(log, (0, 0))
            going[log] = before[0] + count, before[1] + size
            places += count
            excess -= size
            if count < length or excess <= 0:
                break
        self.timeline.drop(places)
        self.ordered.forget({log: log.offset + count for log, (count, _) in going.items()}, places)
        for log, (count, size) in going.items():
            self._drop(log, count, size)

    def _relate(self, author: AuthorId, first: int, entries: Sequence[Entry], *, is_own: bool) -> None:
        """Take what entries say of others."""
        for place, entry in enumerate(entries):
            if entry[3] is not None:
                self.relations.add(author, first + place, entry, is_own=is_own)

    def _drop(self, log: Log, count: int, size: int) -> None:
        """Let the first entries of a log go, which take so many bytes."""
        for number, entry in enumerate(log.after(log.offset, count), log.offset + 1):
            if entry.relation is not None:
                self.relations.remove(log.author, number, entry, is_own=self.is_own(log.author))
        self.logs.drop(log, count, size)

    def holds_too_much(self, margin: int = 0) -> bool:
        """Whether more is held than should be: here, or by all together and here not only what waits for the peer."""
        whole, others = self.memory.whole, self.memory.held - self.unacknowledged_size
        return self.memory.held > CONVERSATION_MOST + margin or (
            whole is not None and whole.held > ALL_MOST + margin and others > STEP
        )

    def progress(self, outgoing: Outgoing | None) -> None:
        """Note how far our own entries have come over the present link, or that there is none."""
        if outgoing is not None:
            self.gone_out[outgoing.author] = max(self.gone_out.get(outgoing.author, 0), outgoing.sent)
        if outgoing is None:
            self.sent = self.acknowledged
        elif outgoing.author != self.own_log:  # of a former run
            self.former_logs[outgoing.author] = max(self.former_logs.get(outgoing.author, 0), outgoing.acknowledged)
        else:
            self._have_arrived(outgoing.acknowledged)
            self.sent = outgoing.sent

    def _have_arrived(self, count: int) -> None:
        """So many of our own entries have."""
        if count > self.acknowledged:
            before = max(self.acknowledged, self._log.offset)  # what was not read from the journal is not counted
            self._acknowledged_size += size_of(self._log.after(before, max(0, count - before)))
            self.acknowledged = count

    def entry(self, author: AuthorId, number: int) -> Entry | None:
        """An entry, or None if it is not here."""
        return self.logs.find(author, number)

    def message_at(self, place: Place) -> Place | None:
        """Which message an entry is, or changes; None if that is not here."""
        entry = self.entry(*place)
        if entry is not None and is_hidden(entry) and isinstance(entry.relation, Relation):
            place = entry.relation.place
            entry = self.entry(*place)
        return place if entry is not None and not is_hidden(entry) else None

    def is_own(self, author: AuthorId) -> bool:
        """Whether we have written this log."""
        return author == self.own_log

    def has_arrived(self, author: AuthorId, number: int) -> bool:
        """Whether the peer has an entry of a log of ours."""
        return author == self.own_log and number <= self.acknowledged

    def delivery(self, number: int, log: AuthorId | None = None) -> Delivery:
        """How far our own message of that number has come, in a log of ours; None is the one of this run."""
        if log is not None and log != self.own_log:
            return Delivery.DELIVERED if self.has_arrived(log, number) else Delivery.WAITING
        if number <= self.acknowledged:
            return Delivery.DELIVERED
        return Delivery.SENT if number <= self.sent else Delivery.WAITING

    @property
    def undelivered(self) -> int:
        """How many of our own entries the peer has not acknowledged."""
        return self._unacknowledged

    @property
    def _unacknowledged(self) -> int:
        return (
            self.written
            - self.acknowledged
            + sum(self.logs.count(log) - count for log, count in self.former_logs.items() if self.logs.count(log))
        )


@dataclass(slots=True, eq=False)
class Introduction(Chat):
    """What waits for somebody of whom it is not known who that will be: an invite, a reply, a room with nobody in it.

    What is written meanwhile goes to the first who comes. `became` is the conversation with them, from then on; the
    numbers of what was written here are higher there by `moved_by`.
    """

    became: ChatId | None = None
    moved_by: int = 0


@dataclass(slots=True, eq=False)
class Conversation(Chat):
    """What was said with one other person, over however many links.

    `peer` is the identity of the other one; `peer_log` names the log that they write now: they begin a new one when
    they have lost theirs. `warning` is somebody known whose name the other one uses, or has used; until the person has
    dismissed it nothing is sent. `met_here` says that the two had never met before. `unopened` says that somebody has
    come, and that the person has neither looked at it nor written in it since.

    Of one that is kept, `earliest` is the position in the journal of the first segment that was read, or None if none
    was; `has_earlier` says that more come before, and `is_unreadable` that these cannot be read for the moment.
    `read` counts the messages that the person has seen. `sighted` counts those, in the order in which they came, that
    were in sight while they had the focus (`events.SetFocus`), and `seen` says by the other one's logs how far these
    reach; `peer_read` is how far the other one has seen our logs, by their own word.
    `found` are the heads that the journal has of former runs, and `last_kept` the last message of these. `rendezvous`
    is where the two find each other again, once they have agreed on that. `keep_for` is as in a head.
    `arrivals` says when messages were written down, in seconds since 1970, and before which place that was.
    `deleted` are the numbers of messages that were deleted on this device, by their logs, as far as that is known;
    `deleting` are those of which the journal may still have the text, and `deletions` counts how often one was.
    `retracted` are those that their author has deleted for both, and that are still to be deleted here;
    `has_unknown_retractions` says that there may be more, of which only the journal knows whose they are.
    """

    peer: PublicKey = b""
    peer_log: AuthorId | None = None
    peer_name: str = ""
    warning: Namesake | None = None
    met_here: bool = False
    unopened: bool = False
    earliest: int | None = None
    has_earlier: bool = False
    is_unreadable: bool = False
    read: int = 0
    sighted: int = 0
    seen: dict[AuthorId, int] = field(default_factory=dict)
    peer_read: dict[AuthorId, int] = field(default_factory=dict)
    found: tuple[tuple[str, int], ...] = ()
    last_kept: Preview | None = None
    rendezvous: Rendezvous | None = None
    keep_for: KeepFor | None = None
    arrivals: deque[tuple[int, int]] = field(default_factory=deque)
    deleted: dict[AuthorId, set[int]] = field(default_factory=dict)
    deleting: set[tuple[AuthorId, int]] = field(default_factory=set)
    deletions: int = 0
    retracted: set[Place] = field(default_factory=set)
    has_unknown_retractions: bool = False
    _kept_before: StateVector = field(default_factory=dict)
    _own_logs: set[AuthorId] = field(default_factory=set)
    _peer_logs: set[AuthorId] = field(default_factory=set)

    def resume(self, kept: KeptConversation) -> None:
        """Go on with what is in the journal, of which nothing is read yet."""
        head = kept.head
        for author, count in head.counts.items():
            self.logs.resume(author, count)
        others = len(head.counts.keys() - head.own.keys())
        self.logs.has_more = len(head.own) >= MAX_LOGS or others >= MAX_LOGS
        self.former_logs, self.found = dict(head.own), kept.found
        self.resumed = head.messages
        self.journaled, self.read = head.messages, max(0, head.messages - head.unread)
        self.timeline.resume(head.messages)
        self.ordered.resume(head.messages)
        self.ordered.top = head.top
        self.has_earlier = head.messages > 0
        self.unopened = head.is_unopened
        self.ended = head.last.at / 1000 if head.last is not None else 0.0
        self.peer_name = head.name
        self.last_kept, self.rendezvous, self.keep_for = head.last, head.rendezvous, head.keep_for
        self.sighted = self.read
        if head.messages:
            self._kept_before = {log: count for log, count in head.counts.items() if log not in head.own}
        if not head.unread:
            self._note_seen(self._kept_before)
        self.deleting = set(head.deleting)
        for author, number in head.deleting:
            self.deleted.setdefault(author, set()).add(number)

    @property
    def last(self) -> Preview | None:
        """The last message that was ever said, or None."""
        end = len(self.timeline)
        for place in range(end - 1, max(self.timeline.start, end - LOOK_BACK) - 1, -1):
            message = self.ordered[place]
            if not is_hidden(message.entry):
                is_own = self.is_own(message.author)
                return Preview(is_own, message.entry.at, self.text_of(message)[:PREVIEW])
        return self.last_kept

    @property
    def unread_changes(self) -> int:
        """How many of the last entries that the person has not seen are no messages of their own."""
        end = len(self.timeline)
        if self.relations.is_empty or self.read >= end:
            return 0
        return sum(is_hidden(entry) for _, _, entry in self.timeline[max(self.read, end - LOOK_BACK) : end])

    def look(self) -> None:
        """All that is here is in the person's sight, and what a former run has kept can be."""
        self._note_seen(self._kept_before)
        self._kept_before = {}
        for log, first, count in self.timeline.runs_from(max(self.sighted, self.timeline.start)):
            if not self.is_own(log.author):
                self._note_seen({log.author: first + count - 1})
        self.sighted = len(self.timeline)

    def _note_seen(self, counts: StateVector) -> None:
        """So much of the other one's logs was seen. Of many logs the last ones are noted."""
        for log, count in counts.items():
            self.seen[log] = max(self.seen.pop(log, 0), count)
        for log in [*self.seen][:-MAX_LOGS]:
            del self.seen[log]

    def take_read(self, counts: StateVector) -> None:
        """Take the other one's word for what they have seen of our logs: no more than was sent, or less than before."""
        for log, count in counts.items():
            if self.is_own(log):
                arrived = self.acknowledged if log == self.own_log else self.former_logs.get(log, self.logs.count(log))
                count = min(count, max(arrived, self.gone_out.get(log, 0)))
                if count > self.peer_read.get(log, 0):
                    self.peer_read[log] = count

    def is_read(self, author: AuthorId, number: int) -> bool:
        """Whether the other one has seen an entry of a log of ours, which has arrived."""
        return number <= self.peer_read.get(author, 0) and self.has_arrived(author, number)

    def text_of(self, message: Message) -> str:
        """What a message says by now; "" when it was deleted."""
        author, number, entry = message
        if not entry.text or self.relations.is_empty:
            return entry.text
        return self.relations.text((author, number), entry.text, is_own=self.is_own(author))

    def take_first_have(self, have: StateVector) -> list[AuthorId]:
        """Take what the peer says it has, and return the logs of former runs of which it lacks something."""
        lacking = []
        for log, known in self.former_logs.items():
            count = self.logs.count(log)
            # One that tells of as many as it can may leave out some that it has.
            told = min(have.get(log, known if len(have) >= MAX_LOGS else 0), count)
            self.former_logs[log] = told
            if told < count:
                lacking.append(log)
        return lacking

    def have_all(self) -> StateVector:
        """How far the last logs of the peer have been read."""
        counts = self.logs.all_counts()
        others = [author for author in counts if author != self.peer_log and not self.is_own(author)][-MAX_LOGS + 1 :]
        have: dict[AuthorId, int] = {}
        for author in (*others, *([self.peer_log] if self.peer_log is not None else ())):
            have.update(self.logs.have(author))
        return have

    def prepend(self, author: AuthorId, first: int, entries: Sequence[Entry], *, is_own: bool) -> int:
        """Take what was read from the journal, before all that is here; returns how many of them are new here.

        Raises:
            ValueError: somebody else has written into a log of ours.
        """
        if not is_own and self.is_own(author):
            raise ValueError("entries of somebody else in a log of our own")
        (self._own_logs if is_own else self._peer_logs).add(author)
        if self.timeline.start < len(entries) and self.logs.log(author) is None:
            return 0  # of a program that runs beside, and writes since we have begun
        pieces = self.logs.prepend(author, first, self.without_deleted(author, first, entries))
        self._make_places(sum(count for _, _, count in pieces))
        for log, begin, count in pieces:
            self.timeline.prepend(log, begin, count)
            self.ordered.prepend(log, begin, count)
            self._relate(author, begin, log.after(begin - 1, count), is_own=is_own, is_news=False)
        return sum(count for _, _, count in pieces)

    def _make_places(self, count: int) -> None:
        """See to it that so many messages have places before all that is here.

        What heads say of how many there are may be too few, where of two programs one has passed over what the other
        one has.
        """
        lacking = count - self.timeline.start
        if lacking > 0:
            self.timeline.shift(lacking)
            self.ordered.shift(lacking)
            self.shifted += lacking
            self.read += lacking
            self.sighted += lacking
            self.journaled += lacking
            self.resumed += lacking
            self.arrivals = deque((written, place + lacking) for written, place in self.arrivals)
            if self.read_to is not None:
                self.read_to += lacking

    def take_kept(self, author: AuthorId, first: int, entries: Sequence[Entry], *, is_own: bool) -> None:
        """Take what another program of ours has put into the journal while this one runs.

        What comes after something that was missed is left alone: it is there when the journal is read again.

        Raises:
            RemoteError: somebody else has written into a log of ours.
        """
        if author == self.own_log or (not is_own and self.is_own(author)):
            raise RemoteError("entries of somebody else in a log of our own")
        if first > self.logs.count(author) + 1:
            return
        if is_own:
            self.former_logs.setdefault(author, 0)
        else:
            self._peer_logs.add(author)
        new = self.logs.merge(author, first, self.without_deleted(author, first, entries))
        log = self.logs.log(author)
        if new and log is not None:
            self.timeline.extend(log, first + len(entries) - len(new), len(new))
            self.ordered.insert(log, first + len(entries) - len(new), len(new))
            self._relate(author, first + len(entries) - len(new), new, is_own=is_own)
            log.kept_elsewhere = log.count
            self.logs.are_kept({author: log.count})

    def take_head(self, head: Head) -> None:
        """Take what another program of ours knows: how much has arrived, and where the two find each other again."""
        for log, count in head.own.items():
            if log == self.own_log:
                self._have_arrived(min(count, self.written))
                self.sent = max(self.sent, self.acknowledged)
            elif log in self.former_logs:
                self.former_logs[log] = max(self.former_logs[log], min(count, self.logs.count(log)))
        self.peer_name = head.name or self.peer_name
        self.rendezvous = self.rendezvous or head.rendezvous
        is_none_here = len(self.timeline) == self.timeline.start
        if is_none_here and head.messages == len(self.timeline) and head.last is not None and not head.last.text:
            self.last_kept = head.last  # it was deleted there

    def can_delete(self, author: AuthorId, number: int) -> bool:
        """Whether a message can be deleted on this device: not while one of ours is on its way."""
        if not 0 < number <= self.logs.count(author) or number in self.deleted.get(author, ()):
            return False
        return not self.is_own(author) or self.has_arrived(author, number) or self.is_waiting(author, number)

    def is_waiting(self, author: AuthorId, number: int) -> bool:
        """Whether an entry of ours has not arrived, and was not sent in this run: it can be taken back."""
        is_own = self.is_own(author) and not self.has_arrived(author, number)
        return is_own and number > self.gone_out.get(author, 0)

    @property
    def undelivered(self) -> int:
        """How many of our own entries the peer has not acknowledged; those that were taken back are not waited for."""
        taken_back = [
            number
            for log, numbers in self.deleted.items()
            if self.is_own(log)
            for number in numbers
            if not self.has_arrived(log, number)
        ]
        return max(0, self._unacknowledged - len(taken_back))

    def delete(self, author: AuthorId, number: int) -> bool:
        """Take the text of a message out of what is here; from wherever it comes again, it comes without.

        Returns: whether there was a text.
        """
        self.deleted.setdefault(author, set()).add(number)
        entry = self.logs.delete(author, number)
        if entry is None or not entry.text:
            return False
        if author == self.own_log and number > self.acknowledged:
            self._acknowledged_size += size_of([entry]) - size_of([without_text(entry)])
        self.deletions += 1
        self.relations.remove(author, number, entry, is_own=self.is_own(author))
        self.hide_preview(entry, is_own=self.is_own(author))
        return True

    def _relate(
        self, author: AuthorId, first: int, entries: Sequence[Entry], *, is_own: bool, is_news: bool = True
    ) -> None:
        """Take what entries say of others, and note what is to be deleted for that.

        Args:
            is_news: they were not read from the journal. What those want deleted was deleted at that time, unless it
                has come later.
        """
        Chat._relate(self, author, first, entries, is_own=is_own)
        if self.relations.is_empty:
            return
        for number, entry in enumerate(entries, first):
            relation = entry.relation
            if entry.text and self.relations.is_deleted((author, number), is_own=is_own):
                self.retracted.add((author, number))
            if not isinstance(relation, Relation) or not entry.text:
                continue
            is_gone = relation.number in self.deleted.get(relation.author, ())
            if relation.kind == EDIT and is_gone:
                self.retracted.add((author, number))
            elif relation.kind == DELETE and not is_gone:
                whose, target = self._whose(relation.author), self.entry(*relation.place)
                self.has_unknown_retractions |= whose is None and is_news
                if whose is is_own and (is_news or (target is not None and target.text)):
                    self.retracted.add(relation.place)

    def _whose(self, author: AuthorId) -> bool | None:
        """Whether a log is our own; None if nothing of it was here."""
        if self.is_own(author):
            return True
        return False if author == self.peer_log or author in self._peer_logs else None

    def hide_preview(self, entry: Entry, *, is_own: bool) -> None:
        """Take the text out of `last_kept`, if that is this one, which was deleted: also if it was edited."""
        if self.last_kept is not None and self.last_kept[:2] == (is_own, entry.at):
            self.last_kept = self.last_kept._replace(text="")

    def without_deleted(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Entries of a log, numbered from `first`: of those that were deleted the text is left out."""
        last = first + len(entries) - 1
        deleted = [number for number in self.deleted.get(author, ()) if first <= number <= last]
        if not deleted:
            return entries
        left = [*entries]
        for number in deleted:
            left[number - first] = without_text(left[number - first])
        return left

    def is_own(self, author: AuthorId) -> bool:
        """Whether we have written this log, in this run or in another."""
        return author == self.own_log or author in self.former_logs or author in self._own_logs

    def has_arrived(self, author: AuthorId, number: int) -> bool:
        """Whether the peer has an entry of a log of ours, of this run or another."""
        if author == self.own_log:
            return number <= self.acknowledged
        return number <= self.former_logs.get(author, number)  # of older ones the peer has all

    def make_room(self, most: int | None = None) -> None:
        """The same as for any chat; what goes can be read from the journal again, where there is one."""
        before = self.timeline.start
        Chat.make_room(self, most)
        if self.is_kept and self.timeline.start > before:
            self.has_earlier, self.earliest = True, None

    def note_written(self, written: int, place: int) -> None:
        """The messages before a place, and after those that were written down before, are written down now."""
        if self.arrivals and written - self.arrivals[-1][0] < ARRIVALS_TOGETHER:
            written, _ = self.arrivals.pop()
        self.arrivals.append((written, place))

    def note_read(self, written: int, place: int) -> None:
        """The messages before a place, back to the first one that is here, were written down once."""
        if not self.arrivals or self.arrivals[0][0] - written >= ARRIVALS_TOGETHER:
            self.arrivals.appendleft((written, place))

    def written_before(self, moment: float) -> int:
        """Before which place all was written down by a moment."""
        return max((place for written, place in self.arrivals if written <= moment), default=0)

    def forget_before(self, place: int) -> None:
        """Let the messages go that came before a place; from the first of ours on that has not arrived they stay.

        When those that went were written down is noted no more.
        """
        going: dict[Log, int] = {}
        sizes: dict[Log, int] = {}
        places = 0
        for log, first, length in self.timeline.runs():
            here = max(0, min(length, place - self.timeline.start - places))
            if self.is_own(log.author):
                arrived = (
                    self.acknowledged if log.author == self.own_log else self.former_logs.get(log.author, log.count)
                )
                here = max(0, min(here, arrived - first + 1))
            if here:
                going[log] = first + here - 1
                sizes[log] = sizes.get(log, 0) + size_of(log.after(first - 1, here))
                places += here
            if here < length:
                break
        self.timeline.drop(places)
        self.ordered.forget(going, places)
        for log, last in going.items():
            self._drop(log, last - log.offset, sizes[log])
        while self.arrivals and self.arrivals[0][1] <= self.timeline.start:
            self.arrivals.popleft()

    def lacks(self, author: AuthorId, number: int) -> bool:
        """Whether our own entry of this number is in the journal, and not here."""
        log = self.logs.log(author)
        return (self.has_earlier or self.is_unreadable) and log is not None and number <= log.offset

    def take_introduction(self, log: AuthorId, name: str) -> None:
        """Note under which author the other one writes from now on, and how they call themselves.

        Raises:
            RemoteError: it is a log of our own, of this run or another.
        """
        if self.is_own(log):
            raise RemoteError("the peer writes under a name that it cannot have")
        if log != self.peer_log:
            self.logs.turn_to(log, instead_of=self.peer_log, own=self.own_log)
        self.peer_log, self.peer_name = log, clean_name(name)
        self._peer_logs.add(log)

    def receive(self, author: AuthorId, first: int, entries: Sequence[Entry]) -> int:
        """Take a peer's entries and return how many were new.

        Raises:
            RemoteError: there are too many, and it has not acknowledged ours, or been acknowledged itself.
        """
        if self.holds_too_much(MARGIN):
            self.make_room()
            if self.holds_too_much(MARGIN):
                raise RemoteError("more messages than can be kept")
        new = self.logs.merge(author, first, self.without_deleted(author, first, entries))
        log = self.logs.log(author)
        if new and log is not None:
            self.timeline.extend(log, first + len(entries) - len(new), len(new))
            self.ordered.insert(log, first + len(entries) - len(new), len(new))
            self._relate(author, first + len(entries) - len(new), new, is_own=False)
            if self.memory.held > CONVERSATION_MOST:
                self.make_room()
        return len(new)


def _fewest(log: Log, first: int, most: int, size: int) -> tuple[int, int]:
    """Of entries from number `first` on: how many take so many bytes, `most` of them at most, and what they take."""
    taken = 0
    entries = log.after(first - 1, min(max(most, 0), size // ENTRY_SIZE + 1))
    for count, entry in enumerate(entries):
        if taken >= size:
            return count, taken
        taken += size_of([entry])
    return len(entries), taken
