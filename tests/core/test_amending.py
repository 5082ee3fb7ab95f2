"""Edits, deletions for both and reactions: the same on both sides, whatever the order and whoever was away."""

from __future__ import annotations

import json

import pytest

from pychat.core import content, effects, events, wire
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.relations import MOST_REVISIONS, is_hidden
from pychat.core.content import Relation
from pychat.core.errors import RemoteError
from pychat.core.ids import AuthorId
from pychat.core.log import Entry
from pychat.core.services import deletion
from pychat.ui.messages import Messages
from tests.core.disk import Disk
from tests.core.people import Pair, Person
from tests.core.test_deletion import devices, on_disk
from tests.core.test_history import begin, chat_of, fail, meet, part, read_all, rest, say
from tests.core.test_other_tabs import tab, tell
from tests.history_sim import Device

SECRET = "the secret"


@pytest.fixture
def pair() -> Pair:
    """Ann and Bob, who are connected."""
    return meet(begin("ann", Disk()), begin("bob", Disk()))


def place_of(conversation: Conversation, text: str) -> tuple[AuthorId, int]:
    """The log and the number of a message that was written with this text."""
    return next((author, number) for author, number, entry in conversation.timeline if entry.text == text)


def shown(conversation: Conversation) -> list[str]:
    """What both see: the messages, and in brackets how Ann and Bob, by their keys, react."""
    lines = []
    for message in conversation.ordered:
        if not is_hidden(message.entry):
            reactions = conversation.relations.reactions((message.author, message.number))
            both = sorted(filter(None, reactions))
            lines.append(conversation.text_of(message) + (f" [{' '.join(both)}]" if both else ""))
    return lines


def chat(pair: Pair, who: Person) -> Conversation:
    found = pair.ann_chat if who is pair.ann else pair.bob_chat
    assert isinstance(found, Conversation)
    return found


def edit(pair: Pair, who: Person, text: str, new: str) -> None:
    who.do(events.EditMessage(chat(pair, who).id, *place_of(chat(pair, who), text), new))
    rest(pair)


def retract(pair: Pair, who: Person, text: str) -> None:
    who.do(events.RetractMessage(chat(pair, who).id, *place_of(chat(pair, who), text)))
    rest(pair)


def react(pair: Pair, who: Person, text: str, emoji: str) -> None:
    who.do(events.ReactToMessage(chat(pair, who).id, *place_of(chat(pair, who), text), emoji))
    rest(pair)


def both_show(pair: Pair, *lines: str) -> None:
    assert shown(chat(pair, pair.ann)) == [*lines]
    assert shown(chat(pair, pair.bob)) == [*lines]


def again(device: Device, name: str = "ann") -> Device:
    return begin(name, device.journal.disk, device.now)


# What people do.


def test_a_reply_says_what_it_answers(pair: Pair) -> None:
    say(pair, pair.ann, "tea or coffee?")
    place = place_of(pair.ann_chat, "tea or coffee?")
    pair.bob.do(events.WriteMessage(pair.bob_chat.id, "tea", place))
    rest(pair)
    both_show(pair, "tea or coffee?", "tea")
    assert pair.ann_chat.ordered[-1].entry.relation == Relation(content.REPLY, *place)


def test_an_edit_takes_the_place_of_what_was_said_and_the_last_one_counts(pair: Pair) -> None:
    say(pair, pair.ann, "helo")
    say(pair, pair.bob, "what?")
    edit(pair, pair.ann, "helo", "hello")
    edit(pair, pair.ann, "helo", "hello!")
    both_show(pair, "hello!", "what?")
    revisions = pair.bob_chat.relations.edits(place_of(pair.bob_chat, "helo"), is_own=False)
    assert [revision.text for revision in revisions] == ["hello", "hello!"]


def test_an_edit_that_changes_nothing_is_none(pair: Pair) -> None:
    say(pair, pair.ann, "hello")
    edit(pair, pair.ann, "hello", "hello")
    edit(pair, pair.ann, "hello", "good day")
    edit(pair, pair.ann, "hello", "good day")
    assert len(pair.ann_chat.timeline) == 2


def test_reactions_of_both_stand_side_by_side_and_can_be_changed_and_taken_back(pair: Pair) -> None:
    say(pair, pair.ann, "we won")
    react(pair, pair.bob, "we won", "🎉")
    react(pair, pair.ann, "we won", "👍")
    both_show(pair, "we won [🎉 👍]")
    react(pair, pair.bob, "we won", "❤️")
    both_show(pair, "we won [❤️ 👍]")
    react(pair, pair.bob, "we won", "")
    react(pair, pair.bob, "we won", "")
    both_show(pair, "we won [👍]")
    assert len(pair.ann_chat.timeline) == 5


@pytest.mark.parametrize("emoji", ["👍🏽", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "❤️", "1️⃣", "+1"])
def test_whatever_is_short_and_seen_is_a_reaction(emoji: str, pair: Pair) -> None:
    say(pair, pair.ann, "hello")
    react(pair, pair.bob, "hello", emoji)
    both_show(pair, f"hello [{emoji}]")


@pytest.mark.parametrize("emoji", ["a b", "\n", "\x1b[2J", "x" * 33, "\u2028", "a\u00a0b"])
def test_nothing_else_is_a_reaction(emoji: str, pair: Pair) -> None:
    say(pair, pair.ann, "hello")
    react(pair, pair.bob, "hello", emoji)
    both_show(pair, "hello")
    with pytest.raises(RemoteError):
        wire.decode(wire.encode(wire.Entries("a" * 22, 1, [Entry(5, emoji, 0, Relation("react", "b" * 22, 1))])))


def test_nobody_edits_or_deletes_what_somebody_else_said(pair: Pair) -> None:
    say(pair, pair.ann, "hello")
    edit(pair, pair.bob, "hello", "I am a fool")
    retract(pair, pair.bob, "hello")
    assert len(pair.bob_chat.timeline) == 1
    place = place_of(pair.bob_chat, "hello")
    for relation in (Relation(content.EDIT, *place), Relation(content.DELETE, *place)):  # a program that does not look
        pair.bob_chat.write(Entry(5, "I am a fool", 0, relation))
    pair.bob.do(events.WriteMessage(pair.bob_chat.id, "haha"))
    rest(pair)
    both_show(pair, "hello", "haha")
    assert pair.ann_link.is_live


def test_what_is_not_there_cannot_be_amended(pair: Pair) -> None:
    say(pair, pair.ann, "hello")
    react(pair, pair.bob, "hello", "👍")
    here = pair.ann_chat
    author, number = place_of(here, "hello")
    hidden, at = place_of(here, "👍")
    for place in (("nobody", 1), (author, 2), (author, 0), (hidden, at)):
        pair.ann.do(
            events.EditMessage(here.id, *place, "x"),
            events.RetractMessage(here.id, *place),
            events.ReactToMessage(here.id, *place, "👍"),
        )
    pair.ann.do(events.EditMessage("no conversation", author, number, "x"))
    assert len(here.timeline) == 2


# Deleted for both.


def test_what_is_deleted_for_both_is_gone_from_both_disks(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, ann, "one")
    say(pair, ann, SECRET)
    edit(pair, ann, SECRET, f"{SECRET} and more")
    react(pair, bob, SECRET, "👍")
    retract(pair, ann, SECRET)
    for device in (ann, bob):
        assert SECRET.encode() not in on_disk(device)
        assert chat_of(device).deleting == set()
    assert shown(chat(pair, ann))[:1] == ["one"]
    part(pair)
    for device in (again(ann), again(bob, "bob")):
        assert [line for line in shown(read_all(device)) if SECRET in line] == []


def test_a_deletion_wins_over_an_edit_that_crosses_it(pair: Pair) -> None:
    """Ann deletes in one tab, and edits in another one that has not heard of that."""
    ann, bob = devices(pair)
    say(pair, ann, SECRET)
    part(pair)
    first, second = tab(ann), tab(ann)
    for device in (first, second):
        read_all(device)
    here = chat_of(first)
    first.do(events.RetractMessage(here.id, *place_of(here, SECRET)))
    second.do(events.EditMessage(here.id, *place_of(chat_of(second), SECRET), f"{SECRET}!"))
    second.journal_steps()
    tell(first, second)
    tell(second, first)
    tell(first, second)
    pair = meet(first, again(bob, "bob"))
    bob = devices(pair)[1]
    read_all(bob)
    rest(pair)
    for device in (first, second, bob):
        device.journal_steps()
        assert SECRET.encode() not in on_disk(device)
        assert not any(SECRET in line for line in shown(chat_of(device)))


def test_a_restored_backup_hears_of_it_again(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, ann, SECRET)
    backup = bob.journal.disk.copy()
    retract(pair, ann, SECRET)
    part(pair)
    bob = begin("bob", backup, bob.now)
    pair = meet(again(ann), bob)
    assert SECRET.encode() not in on_disk(bob)
    assert not any(SECRET in line for line in shown(read_all(bob)))


@pytest.mark.slow
def test_it_goes_also_where_the_message_was_not_looked_at(pair: Pair) -> None:
    """Bob's program has begun anew, and nothing of what was said is in its memory."""
    ann, bob = devices(pair)
    say(pair, ann, SECRET)
    edit(pair, ann, SECRET, f"{SECRET}!")
    for number in range(200):
        say(pair, bob, f"number {number}")
    part(pair)
    pair = meet(ann, again(bob, "bob"))
    bob = devices(pair)[1]
    retract(pair, ann, SECRET)
    assert SECRET.encode() not in on_disk(bob)
    assert len(shown(read_all(bob))) == 201


@pytest.fixture
def unread(pair: Pair) -> tuple[Pair, tuple[AuthorId, int], tuple[AuthorId, int]]:
    """New runs of both; Ann's last message, SECRET, and Bob's first one are in no memory of his."""
    ann, bob = devices(pair)
    for number in range(8):
        say(pair, bob, f"number {number}")
    say(pair, ann, SECRET)
    last, first = place_of(chat(pair, ann), SECRET), place_of(chat(pair, bob), "number 0")
    part(pair)
    ann = again(ann)
    read_all(ann)
    return meet(ann, again(bob, "bob")), last, first


def test_what_is_deleted_for_both_while_the_journal_is_looked_through_goes_too(
    unread: tuple[Pair, tuple[AuthorId, int], tuple[AuthorId, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "SEGMENTS_AT_ONCE", 2)
    pair, last, first = unread
    ann, bob = devices(pair)
    bob.do(events.DeleteMessage(chat(pair, bob).id, *first))
    while not isinstance(bob.journal.work[0], effects.ReadJournal):
        bob.journal_steps(1)
    bob.journal_steps(1)  # the end of the journal is looked through, where it is
    assert any(isinstance(work, effects.ReadJournal) for work in bob.journal.work)
    ann.do(events.RetractMessage(chat(pair, ann).id, *last))
    rest_of(pair, ann)
    assert SECRET.encode() in on_disk(bob)
    rest(pair)
    assert SECRET.encode() not in on_disk(bob)


def rest_of(pair: Pair, device: Device) -> None:
    """What one of them has to say is kept, and is carried over; the disk of the other one does nothing."""
    device.journal_steps()
    pair.carry()


def test_what_cannot_be_taken_out_for_a_full_disk_is_taken_out_in_the_next_run(
    unread: tuple[Pair, tuple[AuthorId, int], tuple[AuthorId, int]],
) -> None:
    pair, last, _ = unread
    ann, bob = devices(pair)
    fail(bob, effects.MergeInJournal)
    ann.do(events.RetractMessage(chat(pair, ann).id, *last))
    rest(pair)
    assert SECRET.encode() in on_disk(bob)
    fail(bob)
    part(pair)
    bob = again(bob, "bob")
    bob.wait(10)
    bob.journal_steps()
    assert SECRET.encode() not in on_disk(bob)


def test_of_what_came_after_its_deletion_the_text_goes_when_it_is_read() -> None:
    late, deleting = "l" * 22, "d" * 22
    conversation = Conversation("chat", "o" * 22, is_kept=True, peer=b"k" * 32)
    for log in (late, deleting):
        conversation.logs.resume(log, 1)
    conversation.timeline.resume(2)
    conversation.ordered.resume(2)
    conversation.prepend(late, 1, [Entry(5, SECRET)], is_own=False)
    conversation.prepend(deleting, 1, [Entry(9, "🗑", 0, Relation(content.DELETE, late, 1))], is_own=False)
    assert conversation.retracted == {(late, 1)}


def test_what_has_not_gone_out_is_taken_back_and_nothing_is_said_of_it(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, ann, "hello")
    part(pair)
    ann.write(chat(pair, ann), SECRET)
    rest(pair)
    retract(pair, ann, SECRET)
    assert len(chat(pair, ann).timeline) == 2
    assert chat(pair, ann).undelivered == 0
    assert SECRET.encode() not in on_disk(ann)
    bob = again(bob, "bob")
    meet(ann, bob)
    assert shown(read_all(bob)) == ["hello"]


def test_however_much_is_deleted_the_journal_is_read_once_at_a_time(pair: Pair) -> None:
    ann, bob = devices(pair)
    texts = [f"{SECRET} {number}" for number in range(30)]
    for text in texts:
        say(pair, ann, text)
    here = chat_of(ann)
    for text in texts:
        ann.do(events.RetractMessage(here.id, *place_of(here, text)))
        assert sum(isinstance(work, effects.ReadJournal) for work in ann.journal.work) <= 1
    rest(pair)
    for device in (ann, bob):
        assert SECRET.encode() not in on_disk(device)
        assert chat_of(device).deleting == set()


def test_of_what_was_edited_over_and_over_only_the_last_edits_are_told_and_all_of_them_go(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    place = place_of(chat(pair, bob), SECRET)
    for number in range(3 * MOST_REVISIONS):
        chat(pair, bob).write(Entry(number + 1, f"{SECRET} {number}", 0, Relation(content.EDIT, *place)))
    say(pair, bob, "enough")
    revisions = Messages(chat(pair, ann))[0].revisions
    assert (len(revisions), revisions[0].text) == (MOST_REVISIONS + 1, SECRET)
    assert revisions[-1].text == f"{SECRET} {3 * MOST_REVISIONS - 1}"
    bob.do(events.RetractMessage(chat(pair, bob).id, *place))
    assert chat(pair, bob).deleting == {place}
    rest(pair)
    for device in (ann, bob):
        assert SECRET.encode() not in on_disk(device)
        assert chat_of(device).deleting == set()


def test_an_edit_of_what_was_deleted_in_a_former_run_is_not_kept(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, "hello")
    retract(pair, bob, "hello")
    author, number, _ = chat(pair, bob).timeline[0]
    part(pair)
    ann = again(ann)
    read_all(ann)
    bob = again(bob, "bob")
    pair = meet(ann, bob)
    chat(pair, bob).write(Entry(99, SECRET, 0, Relation(content.EDIT, author, number)))
    say(pair, bob, "good day")
    assert shown(chat(pair, ann)) == ["", "good day"]
    assert SECRET.encode() not in on_disk(ann)


# What lasts.


def test_all_of_it_lasts(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, ann, "helo")
    edit(pair, ann, "helo", "hello")
    react(pair, bob, "helo", "👍")
    pair.bob.do(events.WriteMessage(pair.bob_chat.id, "good day", place_of(pair.bob_chat, "helo")))
    rest(pair)
    part(pair)
    for device in (again(ann), again(bob, "bob")):
        assert shown(read_all(device)) == ["hello [👍]", "good day"]
        assert chat_of(device).ordered[-1].entry.relation is not None


def test_what_was_done_while_nobody_was_there_arrives(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, ann, "one")
    say(pair, ann, "two")
    say(pair, bob, "three")
    part(pair)
    edit(pair, ann, "one", "1")
    retract(pair, ann, "two")
    react(pair, ann, "three", "👍")
    bob = again(bob, "bob")
    pair = meet(ann, bob)
    assert shown(read_all(bob)) == ["1", "", "three [👍]"]
    assert pair.ann_chat.undelivered == 0


def test_two_tabs_show_the_same(pair: Pair) -> None:
    ann, _ = devices(pair)
    say(pair, ann, "helo")
    say(pair, ann, SECRET)
    part(pair)
    first, second = tab(ann), tab(ann)
    for device in (first, second):
        read_all(device)
    here = chat_of(first)
    first.do(events.EditMessage(here.id, *place_of(here, "helo"), "hello"))
    first.do(events.RetractMessage(here.id, *place_of(here, SECRET)))
    tell(first, second)
    assert shown(chat_of(second)) == ["hello", ""]


def test_the_last_line_is_that_of_the_last_message_as_it_is_now(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, ann, "helo")
    edit(pair, ann, "helo", "hello")
    react(pair, bob, "helo", "👍")
    for device in (ann, bob):
        last = chat_of(device).last
        assert last is not None
        assert last.text == "hello"
    part(pair)
    last = chat_of(again(ann)).last
    assert last is not None
    assert last.text == "hello"
    retract(pair, ann, "helo")
    last = chat_of(ann).last
    assert last is not None
    assert last.text == ""


def test_what_is_no_message_is_not_counted_as_one(pair: Pair) -> None:
    say(pair, pair.bob, "helo")
    pair.ann.do(events.MarkRead(pair.ann_chat.id, 1))
    assert chat(pair, pair.ann).unread_changes == 0
    edit(pair, pair.bob, "helo", "hello")
    say(pair, pair.bob, "how are you?")
    react(pair, pair.bob, "helo", "👍")
    here = chat(pair, pair.ann)
    assert (len(here.timeline) - here.read, here.unread_changes) == (3, 2)


def test_what_is_found_in_an_edit_leads_to_the_message(pair: Pair) -> None:
    say(pair, pair.ann, "one")
    say(pair, pair.ann, "helo")
    edit(pair, pair.ann, "helo", "hello")
    messages = Messages(pair.ann_chat)
    [author, number, _] = pair.ann_chat.ordered[-1]
    assert messages.place_of(author, number) == 1
    edited = author, number
    pair.ann_chat.write(Entry(9, "nonsense", 0, Relation(content.EDIT, *edited)))
    assert messages.place_of(author, number + 1) is None  # it is said of what is no message
    assert messages.place_of(author, number + 2) is None
    assert (messages[1].text, [revision.text for revision in messages[1].revisions]) == ("hello", ["helo", "hello"])


def test_what_a_line_says_of_a_change(pair: Pair) -> None:
    say(pair, pair.ann, "helo")
    edit(pair, pair.ann, "helo", "hello")
    react(pair, pair.bob, "helo", "👍")
    react(pair, pair.bob, "helo", "")
    retract(pair, pair.ann, "helo")
    words = [message.words for message in Messages(pair.bob_chat)]
    assert words == [
        "Deleted",
        "Deleted",
        "👍 (to “A message that was deleted”)",
        "no 👍 any more (to “A message that was deleted”)",
        "(deleted a message for both)",
    ]


# What is unknown.


def test_what_another_version_has_written_is_kept_and_passed_on(pair: Pair) -> None:
    ann, bob = devices(pair)
    unknown = content.Unknown('["poll","tea",["coffee",{"é":null}]]')
    pair.ann_chat.write(Entry(5, "Tea or coffee?", 0, unknown))
    say(pair, ann, "hello")
    both_show(pair, "Tea or coffee?", "hello")
    part(pair)
    kept = read_all(again(bob, "bob")).ordered[0].entry
    assert (kept.text, kept.relation) == ("Tea or coffee?", unknown)


@pytest.mark.parametrize(
    "relation",
    [
        [],
        [5],
        ["reply"],
        ["reply", "short", 1],
        ["reply", "a" * 22, 0],
        ["reply", "a" * 22, True],
        ["reply", "a" * 22, 1, "more"],
        ["react", "a" * 22, 2**53],
        ["Poll"],
        ["poll", "x" * 2_000],
        ["poll", "\ud800"],
        "reply",
        None,
        {},
    ],
    ids=str,
)
def test_what_is_malformed_is_the_peers_mistake(relation: object) -> None:
    items: list[object] = ["entries", "a" * 22, 1, [[5, "hello", 0, relation]]]
    with pytest.raises(RemoteError):
        wire.decode(json.dumps(items))


def test_a_rank_is_left_out_only_where_something_follows() -> None:
    for entry in ([5, "hello", 0], [5, "hello", 5], [5, "hello", 4, ["reply", "a" * 22, 1]], [5, "hello", 0, [], 1]):
        with pytest.raises(RemoteError):
            wire.decode(json.dumps(["entries", "a" * 22, 1, [entry]]))


# What a peer can do.


@pytest.mark.slow
def test_a_flood_of_reactions_is_bounded_as_messages_are(pair: Pair) -> None:
    ann, _ = devices(pair)
    say(pair, ann, "hello")
    place = place_of(pair.bob_chat, "hello")
    held = pair.ann_chat.memory.held
    for number in range(3_000):
        pair.bob_chat.write(Entry(5, "👍" if number % 2 else "👎", 0, Relation(content.REACT, *place)))
    pair.bob.do(events.WriteMessage(pair.bob_chat.id, "enough"))
    rest(pair)
    both_show(pair, "hello [👍]", "enough")
    assert pair.ann_chat.memory.held - held > 3_000 * 400
    pair.ann_chat.make_room(100_000)
    assert pair.ann_chat.memory.held < 100_000
    assert sum(map(len, pair.ann_chat.relations._said.values())) <= 1


@pytest.mark.parametrize("what", [content.EDIT, content.REACT, content.DELETE])
def test_what_is_said_of_what_never_comes_does_no_harm(what: str, pair: Pair) -> None:
    ann, bob = devices(pair)
    for author, number in (("n" * 22, 1), (pair.bob_chat.own_log, 1_000), (pair.ann_chat.own_log, 1_000)):
        pair.bob_chat.write(Entry(5, "👍", 0, Relation(what, author, number)))
    say(pair, bob, "hello")
    both_show(pair, "hello")
    assert pair.ann_link.is_live
    assert not ann.journal.work
