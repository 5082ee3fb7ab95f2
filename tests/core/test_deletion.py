"""A message that was deleted on a device is gone from it, and does not come back by any way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pychat.core import effects, events, wire
from pychat.core.chat.conversation import Conversation
from pychat.core.chat.records import NOTHING, SEGMENTS_AT_ONCE, Head, Part, Preview, join, write_segment
from pychat.core.errors import RemoteError
from pychat.core.ids import AuthorId
from pychat.core.log import Entry
from pychat.core.services import compaction
from pychat.core.services.deletion import RETRY_INTERVAL
from pychat.core.services.history import HEAD_INTERVAL
from pychat.core.services.search import KEPT
from pychat.core.sync import ACKNOWLEDGE_INTERVAL
from tests.core.disk import Disk
from tests.core.people import Pair, of, texts
from tests.core.test_history import begin, chat_of, fail, meet, part, read_all, rest, say
from tests.core.test_other_tabs import tab, tell
from tests.history_sim import Device

SECRET = "the secret"


@pytest.fixture
def pair() -> Pair:
    """Ann and Bob, who are connected."""
    return meet(begin("ann", Disk()), begin("bob", Disk()))


def place_of(conversation: Conversation, text: str) -> tuple[AuthorId, int]:
    """The log and the number of a message."""
    return next((author, number) for author, number, entry in conversation.timeline if entry.text == text)


def devices(pair: Pair) -> tuple[Device, Device]:
    """The programs of the two."""
    assert isinstance(pair.ann, Device)
    assert isinstance(pair.bob, Device)
    return pair.ann, pair.bob


def delete(device: Device, text: str = SECRET) -> None:
    conversation = chat_of(device)
    device.do(events.DeleteMessage(conversation.id, *place_of(conversation, text)))


def delete_all_of_it(device: Device, text: str = SECRET) -> None:
    """Until the disk has no word of it."""
    delete(device, text)
    device.journal_steps()
    assert_gone(device)


def on_disk(device: Device) -> bytes:
    disk = device.journal.disk
    return b"".join([*(data for _, _, data in disk.segments), *(head for _, head in disk.heads.values())])


def assert_gone(device: Device) -> None:
    assert SECRET.encode() not in on_disk(device)
    assert b'"deleting"' not in on_disk(device)
    for there in device.journal.disk.kept():
        assert there.head.deleting == ()
    for conversation in device.node.chats.conversations():
        assert SECRET not in texts(conversation)
        assert conversation.last is None or SECRET not in conversation.last.text


def again(device: Device) -> Device:
    """The next run of somebody's program."""
    return begin("ann", device.journal.disk, device.now)


@pytest.mark.parametrize("is_own", [True, False])
def test_one_message_is_gone_and_the_others_stay(is_own: bool, pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, "one")
    say(pair, ann if is_own else bob, SECRET)
    say(pair, bob, "three")
    held = pair.ann_chat.memory.held
    delete_all_of_it(ann)
    assert texts(pair.ann_chat) == ["one", "", "three"]
    assert pair.ann_chat.memory.held < held
    assert texts(pair.bob_chat) == ["one", SECRET, "three"]  # it is Ann's device alone
    assert not ann.journal.work
    part(pair)
    assert texts(read_all(again(ann))) == ["one", "", "three"]


@pytest.mark.parametrize("is_own", [True, False])
def test_it_does_not_come_again(is_own: bool, pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, ann if is_own else bob, SECRET)
    delete_all_of_it(ann)
    part(pair)
    pair = meet(again(ann), begin("bob", bob.journal.disk, bob.now))
    ann, bob = devices(pair)
    say(pair, bob, "hello")
    assert texts(read_all(ann)) == ["", "hello"]
    assert texts(read_all(bob)) == [SECRET, "hello"]
    assert pair.ann_chat.undelivered == pair.bob_chat.undelivered == 0
    assert pair.ann_link.is_live
    assert_gone(ann)


def test_what_is_not_there_is_not_deleted(pair: Pair) -> None:
    (ann, _), chat = devices(pair), pair.ann_chat
    say(pair, pair.bob, "one")
    author, _ = place_of(chat, "one")
    for place in ((author, 0), (author, 2), ("nobody", 1)):
        assert not ann.do(events.DeleteMessage(chat.id, *place))
    ann.do(events.DeleteMessage("no conversation", author, 1))
    assert not ann.journal.work
    delete(ann, "one")
    ann.journal_steps()
    assert not ann.do(events.DeleteMessage(chat.id, author, 1))  # once is enough
    assert not ann.journal.work
    assert chat.deletions == 1


def test_who_lost_it_does_not_get_what_was_deleted_and_the_rest(pair: Pair) -> None:
    """Bob restores a backup, from before he got it: nobody has it any more, and nothing waits for it."""
    ann, bob = devices(pair)
    say(pair, ann, "zero")
    backup = bob.journal.disk.copy()
    say(pair, ann, SECRET)
    say(pair, ann, "two")
    say(pair, ann, "the last secret")
    delete_all_of_it(ann)
    delete(ann, "the last secret")
    ann.journal_steps()
    part(pair)
    for device in (ann, again(ann)):
        bob = begin("bob", backup.copy(), ann.now)
        pair = meet(device, bob)
        assert texts(read_all(bob)) == ["zero", "two"]
        assert pair.ann_chat.undelivered == 0
        assert pair.ann_link.is_live
        say(pair, device, "hello")
        assert texts(pair.bob_chat)[-1:] == ["hello"]
        part(pair)


@pytest.mark.parametrize("text", ["", "x" * 8_001])
def test_no_peer_can_send_what_looks_like_one_that_was_deleted(text: str) -> None:
    frame = wire.Entries("a" * 22, 1, [Entry(5, "hello"), Entry(6, text)])
    with pytest.raises(RemoteError):
        wire.decode(wire.encode(frame))


# The journal.


def test_of_its_segment_the_others_stay_and_so_does_the_time(pair: Pair) -> None:
    ann, bob = devices(pair)
    bob.write(pair.bob_chat, "one", SECRET, "three")
    rest(pair)
    [(position, chat, before)] = ann.journal.disk.segments
    delete_all_of_it(ann)
    [after] = ann.journal.disk.segments
    assert after == (position, chat, before.replace(SECRET.encode(), b""))
    assert b'"one"' in after[2]


@pytest.mark.slow
def test_it_goes_from_the_journal_wherever_it_is(pair: Pair) -> None:
    """Also where it is not in memory, nor in the segments that are read at first."""
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    author, number = place_of(pair.ann_chat, SECRET)
    for _ in range(2 * SEGMENTS_AT_ONCE):
        say(pair, bob, "x")
    part(pair)
    ann = again(ann)
    assert chat_of(ann).timeline.start == len(chat_of(ann).timeline)
    ann.do(events.DeleteMessage(chat_of(ann).id, author, number))
    ann.journal_steps()
    assert_gone(ann)
    assert texts(read_all(ann))[:2] == ["", "x"]


def test_the_last_message_is_no_preview_even_where_nothing_was_read(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    author, number = place_of(pair.ann_chat, SECRET)
    part(pair)
    ann = again(ann)
    last = chat_of(ann).last
    assert last is not None
    assert last.text == SECRET
    ann.do(events.DeleteMessage(chat_of(ann).id, author, number))
    ann.journal_steps()
    assert_gone(ann)
    last = chat_of(again(ann)).last
    assert last is not None
    assert last.text == ""


def test_what_is_on_its_way_into_the_journal_goes_as_well(pair: Pair) -> None:
    ann, bob = devices(pair)
    bob.write(pair.bob_chat, SECRET)
    bob.journal_steps()
    pair.carry()
    ann.wait(ACKNOWLEDGE_INTERVAL)
    assert of(effects.WriteJournal, [*ann.journal.work])
    delete_all_of_it(ann)
    rest(pair)
    assert pair.bob_chat.undelivered == 0
    assert texts(read_all(again(ann))) == [""]


def test_one_that_could_not_be_written_is_written_without_its_text(pair: Pair) -> None:
    ann, bob = devices(pair)
    fail(ann, effects.WriteJournal)
    say(pair, bob, SECRET)
    delete(ann)
    ann.journal_steps()
    fail(ann)
    ann.wait(6)
    rest(pair)
    assert_gone(ann)
    assert texts(read_all(again(ann))) == [""]


def test_it_is_not_done_before_it_is_written_that_there_was_a_message(pair: Pair) -> None:
    """Else the peer sends it again when the program ends: it was never acknowledged."""
    ann, bob = devices(pair)
    fail(ann, effects.WriteJournal)
    bob.write(pair.bob_chat, SECRET)
    bob.journal_steps()
    pair.carry()
    place = place_of(pair.ann_chat, SECRET)
    delete(ann)
    ann.journal_steps()
    assert pair.ann_chat.deleting == {place}
    fail(ann)
    ann.wait(6)
    rest(pair)
    assert pair.ann_chat.deleting == set()
    assert_gone(ann)


@pytest.mark.parametrize("kind", [effects.ReadJournal, effects.MergeInJournal])
def test_where_it_cannot_be_taken_out_it_is_said_and_tried_again(kind: type, pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    fail(ann, kind)
    delete(ann)
    ann.journal_steps()
    assert ann.node.deletion.problem == "the disk is full"
    assert texts(pair.ann_chat) == [""]  # and it is hidden meanwhile
    assert SECRET.encode() in on_disk(ann)
    ann.wait(RETRY_INTERVAL)
    assert ann.journal_steps()
    assert ann.node.deletion.problem
    fail(ann)
    ann.wait(RETRY_INTERVAL)
    ann.journal_steps()
    assert ann.node.deletion.problem == ""
    assert_gone(ann)
    assert not ann.wait(10 * RETRY_INTERVAL)
    assert not ann.journal.work


@pytest.mark.parametrize("steps", range(1, 6))
def test_it_stays_deleted_when_the_program_ends_before_all_is_done(steps: int, pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, "one")
    say(pair, bob, SECRET)
    delete(ann)
    while not of(effects.WriteJournal, [ann.journal.work[0]]):
        ann.journal_steps(1)
    ann.journal_steps(steps)
    before = ann.journal.disk.copy()
    ann = again(ann)
    ann.do()
    ann.journal_steps()
    assert_gone(ann)
    ann = begin("ann", before, ann.now)
    assert texts(read_all(ann)) == ["one", ""]
    ann.journal_steps()
    assert_gone(ann)
    assert texts(read_all(again(ann))) == ["one", ""]


def test_compaction_does_not_bring_it_back(pair: Pair) -> None:
    ann, bob = devices(pair)
    said = [f"text {number}" for number in range(2 * compaction.FEWEST)]
    said[9] = SECRET
    for text in said:
        say(pair, bob, text)
    part(pair)
    left = ["" if text == SECRET else text for text in said]

    # One program has read it, and puts small segments together, when another one deletes it.
    one, other = again(ann), again(ann)
    one.do(events.ShowConversation(chat_of(one).id))
    one.journal_steps(1)
    assert of(effects.MergeInJournal, [*one.journal.work])
    other.do(events.DeleteMessage(chat_of(other).id, *place_of(chat_of(one), SECRET)))
    other.journal_steps()
    assert_gone(other)
    one.journal_steps()
    assert_gone(other)
    assert texts(read_all(again(ann))) == left

    # And the same in one program.
    one = again(ann)
    read_all(one)
    one.journal_steps()
    assert len(ann.journal.disk.segments) <= 4
    delete(one, "text 20")
    one.do(events.Export(chat_of(one).id))
    one.journal_steps()
    left[20] = ""
    assert texts(read_all(again(ann))) == left


def test_what_was_put_together_meanwhile_is_not_lost(pair: Pair) -> None:
    """What takes the place of a segment is what is there, and not what was there when it was read."""
    ann, bob = devices(pair)
    said = [SECRET, *(f"text {number}" for number in range(compaction.FEWEST))]
    for text in said:
        say(pair, bob, text)
    part(pair)
    one, other = again(ann), again(ann)
    author, number = place_of(read_all(one), SECRET)
    one.journal.work.clear()
    one.do(events.DeleteMessage(chat_of(one).id, author, number))
    while not of(effects.MergeInJournal, [*one.journal.work]):
        assert one.journal_steps(1)
    read_all(other)
    other.journal_steps()
    assert len(ann.journal.disk.segments) == 1
    one.journal_steps()
    one.wait(RETRY_INTERVAL)
    one.journal_steps()
    assert_gone(one)
    assert texts(read_all(again(ann))) == ["", *said[1:]]


def test_a_late_copy_of_another_program_goes_when_it_is_found(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    author, number = place_of(pair.ann_chat, SECRET)
    entry = pair.ann_chat.logs.entry(author, number)
    delete_all_of_it(ann)
    part(pair)
    disk = ann.journal.disk
    disk.last += 1
    disk.segments.append((disk.last, pair.ann_chat.id, write_segment([Part(author, number, [entry], False)], 1)))
    for device in (ann, again(ann)):  # both find it
        device.do(events.Search("secret"))
        device.journal_steps()
        assert not device.node.search.found
    assert_gone(ann)
    assert texts(read_all(again(ann))) == [""]


@pytest.mark.slow
def test_a_copy_that_is_read_before_it_is_known_to_be_deleted_goes_as_well(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    author, number = place_of(pair.ann_chat, SECRET)
    entry = pair.ann_chat.logs.entry(author, number)
    delete_all_of_it(ann)
    for _ in range(2 * SEGMENTS_AT_ONCE):
        say(pair, bob, "x")
    part(pair)
    disk = ann.journal.disk
    disk.last += 1
    disk.segments.append((disk.last, pair.ann_chat.id, write_segment([Part(author, number, [entry], False)], 1)))
    ann = again(ann)
    assert SECRET not in texts(read_all(ann))
    ann.journal_steps()
    assert_gone(ann)


@pytest.mark.slow
def test_several_go_at_once_wherever_they_are(pair: Pair) -> None:
    ann, bob = devices(pair)
    for number in range(2 * SEGMENTS_AT_ONCE):
        say(pair, bob, SECRET if number in (3, SEGMENTS_AT_ONCE + 9) else f"text {number}")
    for _ in range(2):
        delete(ann)
    ann.journal_steps()
    assert_gone(ann)
    assert texts(pair.ann_chat).count("") == 2


def test_where_somebody_is_always_faster_it_is_tried_later(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    delete(ann)
    with monkeypatch.context() as patch:
        patch.setattr(Disk, "merge", lambda *_: None)
        ann.journal_steps(20)
        assert not ann.journal.work
    assert SECRET.encode() in on_disk(ann)
    ann.wait(RETRY_INTERVAL)
    ann.journal_steps()
    assert_gone(ann)


def test_what_is_damaged_stays_and_holds_nothing_up(pair: Pair) -> None:
    ann, bob = devices(pair)
    for text in ("one", SECRET, "three"):
        say(pair, bob, text)
    segments = ann.journal.disk.segments
    segments[0] = (*segments[0][:2], b"")
    segments[2] = (*segments[2][:2], place_of(pair.ann_chat, SECRET)[0].encode())
    damaged = segments[0], segments[2]
    delete_all_of_it(ann)
    assert (segments[0], segments[2]) == damaged


def test_of_what_is_too_old_it_goes_as_a_whole(pair: Pair) -> None:
    ann, bob = devices(pair)
    ann.do(events.SetKeepFor(pair.ann_chat.id, 86_400))
    say(pair, ann, SECRET)
    delete_all_of_it(ann)
    part(pair)
    ann.wait(2 * 86_400)
    ann.journal_steps()
    assert not ann.journal.disk.segments
    pair = meet(again(ann), begin("bob", bob.journal.disk, ann.now))
    assert texts(pair.ann_chat) == []


def test_where_nothing_is_kept_it_goes_from_memory(pair: Pair) -> None:
    ann, bob = devices(pair)
    ann.do(events.SetKeepFor(pair.ann_chat.id, NOTHING))
    say(pair, bob, SECRET)
    delete_all_of_it(ann)
    assert texts(pair.ann_chat) == [""]


# Other ways to see it.


def test_it_is_not_found(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, "another secret")
    say(pair, bob, SECRET)
    part(pair)
    ann = again(ann)
    read_all(ann)
    pair = meet(ann, begin("bob", bob.journal.disk, ann.now))
    say(pair, ann, "my secret")
    ann.do(events.Search("secret"))
    ann.journal_steps()
    assert [one.text for one in ann.node.search.found] == ["my secret", SECRET, "another secret"]
    delete(ann)  # at once, and without another word
    assert [one.text for one in ann.node.search.found] == ["my secret", "another secret"]
    delete(ann, "my secret")
    assert [one.text for one in ann.node.search.found] == ["another secret"]
    ann.write(chat_of(ann), "the newest secret")  # since the journal was read
    rest(pair)
    ann.do(events.Search("secret"))
    assert [one.text for one in ann.node.search.found] == ["the newest secret", "another secret"]
    delete(ann, "the newest secret")
    assert [one.text for one in ann.node.search.found] == ["another secret"]
    ann.journal_steps()
    ann.do(events.Search(""))
    ann.wait(KEPT + 1)
    ann.do(events.Search("secret"))
    ann.journal_steps()
    assert [one.text for one in ann.node.search.found] == ["another secret"]


def test_it_is_not_found_while_it_is_on_its_way_out(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    author, number = place_of(pair.ann_chat, SECRET)
    part(pair)
    ann = again(ann)
    ann.do(events.Search("secret"))
    ann.do(events.DeleteMessage(chat_of(ann).id, author, number))
    ann.journal_steps()
    assert not ann.node.search.found


def test_an_export_says_that_it_was_deleted(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, "one")
    say(pair, bob, SECRET)
    ann.do(events.Export(pair.ann_chat.id))
    delete(ann)  # while it is read
    ann.journal_steps()
    assert [message.entry.text for _, message in ann.node.exports.messages] == ["one", ""]
    delete(ann, "one")  # and when it was
    assert [message.entry.text for _, message in ann.node.exports.messages] == ["", ""]
    ann.journal_steps()
    ann = again(ann)
    ann.do(events.Export(chat_of(ann).id))
    ann.journal_steps()
    assert [message.entry.text for _, message in ann.node.exports.messages] == ["", ""]


def test_an_export_that_reads_it_on_its_way_out_does_not_have_it(pair: Pair) -> None:
    ann, bob = devices(pair)
    say(pair, bob, SECRET)
    author, number = place_of(pair.ann_chat, SECRET)
    part(pair)
    ann = again(ann)
    ann.do(events.DeleteMessage(chat_of(ann).id, author, number), events.Export(chat_of(ann).id))
    ann.journal_steps()
    assert [message.entry.text for _, message in ann.node.exports.messages] == [""]


# Other tabs.


@pytest.fixture
def tabs(pair: Pair) -> tuple[Device, Device, Pair]:
    """Two tabs of Ann, of which the first is connected to Bob; in both everything was read."""
    ann, bob = devices(pair)
    say(pair, bob, "one")
    say(pair, bob, SECRET)
    part(pair)
    first = tab(ann)
    pair = meet(first, begin("bob", bob.journal.disk, first.now))
    second = tab(first)
    tell(first, second)
    read_all(first)
    return first, second, pair


@pytest.mark.parametrize("is_read", [True, False])
def test_it_is_deleted_in_other_tabs(is_read: bool, tabs: tuple[Device, Device, Pair]) -> None:
    first, second, pair = tabs
    if is_read:
        assert texts(read_all(second)) == ["one", SECRET]
    delete(first)
    for _ in range(3):
        tell(first, second)
        tell(second, first)
    assert not first.told
    assert not second.told  # they do not go on telling each other
    for device in (first, second):
        assert_gone(device)
        assert texts(read_all(device)) == ["one", ""]
    say(pair, pair.bob, "three")
    tell(first, second)
    assert texts(chat_of(second)) == ["one", "", "three"]
    assert texts(read_all(again(first))) == ["one", "", "three"]


def test_another_tab_does_not_write_it_back(tabs: tuple[Device, Device, Pair]) -> None:
    """It is connected itself, and has yet to write what has come there."""
    first, second, pair = tabs
    say(pair, pair.bob, "another secret")
    told, first.told = first.told, []
    fail(second, effects.WriteJournal)
    _, bob = devices(pair)
    meet(second, begin("bob", bob.journal.disk, second.now))
    delete(first, "another secret")
    first.journal_steps()
    second.do(*told)
    tell(first, second)
    fail(second)
    second.wait(HEAD_INTERVAL + 6)
    for _ in range(3):
        tell(second, first)
        tell(first, second)
    assert b"another secret" not in on_disk(first)
    assert "another secret" not in texts(chat_of(second))


@pytest.mark.parametrize("from_peer", [True, False])
def test_what_comes_after_the_word_that_it_was_deleted_comes_without_its_text(
    from_peer: bool, tabs: tuple[Device, Device, Pair]
) -> None:
    first, second, pair = tabs
    _, bob = devices(pair)
    say(pair, bob, "another secret")
    late, first.told = first.told, []
    delete(first, "another secret")
    tell(first, second)
    if from_peer:
        meet(second, begin("bob", bob.journal.disk.copy(), second.now))
    else:
        second.do(*late)
    assert texts(read_all(second)) == ["one", SECRET, ""]


def test_of_two_heads_that_know_as_much_the_one_counts_in_which_the_last_message_is_deleted() -> None:
    head = Head(b"k" * 32, "Bob", {}, {"his": 1}, 1, 0, last=Preview(False, 5, SECRET))
    later = replace(head, last=Preview(False, 5, ""), deleting=(("his", 1),))
    for heads in ([head, later], [later, head]):
        assert join(heads) == later


def test_what_was_deleted_before_it_was_written_is_deleted_in_other_tabs(tabs: tuple[Device, Device, Pair]) -> None:
    first, second, pair = tabs
    fail(first, effects.WriteJournal)
    say(pair, pair.bob, "another secret")
    delete(first, "another secret")
    first.journal_steps()
    fail(first)
    first.wait(6)
    tell(first, second)
    assert texts(chat_of(second))[-1:] == [""]
    author, number, _ = chat_of(second).timeline[-1]
    assert not chat_of(second).can_delete(author, number)


# What has not gone out is taken back.


def test_what_has_not_gone_out_is_taken_back_and_the_rest_arrives(pair: Pair) -> None:
    ann, bob = devices(pair)
    part(pair)
    ann.write(pair.ann_chat, "one", SECRET, "three")
    ann.journal_steps()
    delete_all_of_it(ann)
    assert pair.ann_chat.undelivered == 2
    meet(ann, bob)
    assert texts(chat_of(bob)) == ["one", "three"]
    assert texts(chat_of(ann)) == ["one", "", "three"]
    assert chat_of(ann).undelivered == 0
    assert SECRET.encode() not in on_disk(bob)
    assert chat_of(ann).unacknowledged_size == 0


@pytest.mark.parametrize("before", [[], ["one"]])
def test_the_last_one_that_waits_is_taken_back_and_nothing_waits_any_more(before: list[str], pair: Pair) -> None:
    ann, bob = devices(pair)
    part(pair)
    ann.write(pair.ann_chat, *before, SECRET)
    ann.journal_steps()
    delete_all_of_it(ann)
    assert pair.ann_chat.undelivered == len(before)
    again_met = meet(ann, bob)
    assert texts(chat_of(bob)) == before
    assert chat_of(ann).undelivered == 0
    say(again_met, ann, "and now")
    assert texts(chat_of(bob)) == [*before, "and now"]


def test_what_was_written_in_a_former_run_and_has_not_arrived_is_taken_back(pair: Pair) -> None:
    ann, bob = devices(pair)
    part(pair)
    ann.write(pair.ann_chat, "one", SECRET)
    ann.journal_steps()
    ann = again(ann)
    assert texts(read_all(ann)) == ["one", SECRET]
    delete_all_of_it(ann)
    ann = again(ann)
    meet(ann, bob)
    assert texts(chat_of(bob)) == ["one"]
    assert chat_of(ann).undelivered == 0


def test_what_is_on_its_way_cannot_be_taken_back_in_this_run(pair: Pair) -> None:
    ann, _ = devices(pair)
    ann.write(pair.ann_chat, SECRET)
    place = place_of(pair.ann_chat, SECRET)
    assert pair.ann_chat.is_waiting(*place)  # it is not in the journal yet
    ann.journal_steps()
    assert not pair.ann_chat.is_waiting(*place)
    assert not pair.ann_chat.can_delete(*place)
    pair.kill()  # nobody knows whether it has arrived
    assert not pair.ann_chat.can_delete(*place)


def test_what_is_taken_back_before_it_is_written_is_not_sent(pair: Pair) -> None:
    ann, bob = devices(pair)
    ann.write(pair.ann_chat, SECRET, "two")
    delete(ann)
    rest(pair)
    assert texts(pair.bob_chat) == ["two"]
    assert_gone(ann)
    assert SECRET.encode() not in on_disk(bob)


def test_what_could_not_be_deleted_is_no_problem_any_more_once_all_of_it_was_put_away(pair: Pair) -> None:
    ann, _ = devices(pair)
    say(pair, ann, SECRET)
    fail(ann, effects.ReadJournal)
    delete(ann)
    ann.journal_steps()
    assert ann.node.deletion.problem
    part(pair)
    ann.do(events.RemoveConversation(chat_of(ann).id))
    fail(ann)
    ann.wait(RETRY_INTERVAL + 1)
    ann.journal_steps()
    assert not ann.node.deletion.problem
