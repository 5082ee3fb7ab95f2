"""What a journal does: what is in it, what is not, and what becomes of it when something goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable

from pychat.core.effects import KeptChanges
from pychat.ports import Journal, PortError
from tests.contracts.kit import Kit, Port, contract

ANN, BOB = "conversation-with-ann", "conversation-with-bob"
DATA = (b"", b"\0", b"\n", b"two\nlines", "Grüße, 世界, 👩‍👩‍👧".encode(), bytes(range(256)), b"x" * 70_000)


def changes(chat: str, head: bytes, *segments: bytes, found: tuple[tuple[str, int], ...] = ()) -> list[KeptChanges]:
    return [KeptChanges(chat, head, segment, found) for segment in segments or (None,)]


async def heads(journal: Journal) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for chat, run, version, head in await journal.heads():
        assert (type(chat), type(run), type(version), type(head)) == (str, str, int, bytes)
        found.setdefault(chat, []).append(head)
    return {chat: sorted(of_chat) for chat, of_chat in found.items()}


async def segments(journal: Journal, chat: str, before: int | None = None, most: int = 100) -> list[bytes]:
    return [data for _, data in await journal.read(chat, before, most)]


async def found(journal: Journal) -> dict[str, tuple[tuple[str, int], ...]]:
    """What a program tells of the heads that it has found."""
    all_heads = await journal.heads()
    return {chat: tuple((run, version) for of, run, version, _ in all_heads if of == chat) for chat, *_ in all_heads}


# What is written.


@contract(Port.JOURNAL)
async def has_nothing_at_first(kit: Kit) -> None:
    journal = await kit.journal()
    assert await journal.heads() == []
    assert await journal.read(ANN, None, 64) == []
    assert await journal.read(ANN, 5, 64) == []
    await journal.write([])
    await journal.delete(ANN)
    assert await journal.heads() == []


@contract(Port.JOURNAL)
async def what_is_written_is_there_in_another_run(kit: Kit) -> None:
    journal = await kit.journal()
    await journal.write([*changes(ANN, b"head", b"one", b"two"), *changes(BOB, b"Bob's", b"three")])
    assert await segments(journal, ANN) == [b"two", b"one"]
    journal.close()

    other = await kit.journal()
    assert await heads(other) == {ANN: [b"head"], BOB: [b"Bob's"]}
    assert await segments(other, ANN) == [b"two", b"one"]
    assert await segments(other, BOB) == [b"three"]


@contract(Port.JOURNAL)
async def any_bytes_come_back_as_they_were(kit: Kit) -> None:
    journal = await kit.journal()
    for chat in ("", "a\nb", "Grüße", "x" * 1000):  # such a one is no conversation, and does no harm either
        await journal.write([KeptChanges(chat, b"head", b"one", ())])
        assert await segments(journal, chat) == [b"one"], chat
    for data in DATA:
        await journal.write(changes(ANN, data, data))
        assert (await heads(journal))[ANN] == [data], data[:100]
        assert await segments(journal, ANN, most=1) == [data], data[:100]


@contract(Port.JOURNAL)
async def a_large_segment_comes_back_whole(kit: Kit) -> None:
    journal = await kit.journal()
    large = [bytes([number]) * (1 << 20) for number in range(3)]
    await journal.write(changes(ANN, large[0], *large))
    assert await segments(journal, ANN) == large[::-1]
    assert (await heads(journal))[ANN] == [large[0]]


# Segments.


@contract(Port.JOURNAL)
async def segments_are_read_from_the_last_one_on(kit: Kit) -> None:
    journal = await kit.journal()
    await journal.write(changes(ANN, b"", *(b"%d" % number for number in range(10))))

    last = await journal.read(ANN, None, 3)
    assert [data for _, data in last] == [b"9", b"8", b"7"]
    assert [type(position) for position, _ in last] == [int, int, int]
    assert await segments(journal, ANN, before=last[-1][0], most=2) == [b"6", b"5"]
    assert await segments(journal, ANN, before=last[0][0], most=100) == [b"%d" % number for number in range(8, -1, -1)]
    assert await segments(journal, ANN, most=0) == []
    assert await segments(journal, "nobody") == []


@contract(Port.JOURNAL)
async def many_segments_are_read_in_pages(kit: Kit) -> None:
    journal = await kit.journal()
    count, page = 2000, 64
    for first in range(0, count, 500):
        both = zip(
            changes(ANN, b"", *(b"%d" % number for number in range(first, first + 500))),
            changes(BOB, b"", *(b"Bob's %d" % number for number in range(first, first + 500))),
            strict=True,
        )
        await journal.write([change for pair in both for change in pair])
    read: list[tuple[int, bytes]] = []
    while of_page := await journal.read(ANN, read[-1][0] if read else None, page):
        assert len(of_page) == min(page, count - len(read))
        read += of_page
    assert [data for _, data in read] == [b"%d" % number for number in range(count - 1, -1, -1)]
    positions = [position for position, _ in read]
    assert positions == sorted(set(positions), reverse=True)


@contract(Port.JOURNAL)
async def a_position_is_above_all_that_there_are_and_have_been(kit: Kit) -> None:
    journal = await kit.journal()
    await journal.write(changes(ANN, b"", b"one", b"two"))
    [(last, _)] = await journal.read(ANN, None, 1)
    await journal.delete(ANN)
    other = await kit.journal()
    await other.write(changes(ANN, b"", b"three"))
    [(position, data)] = await journal.read(ANN, None, 100)
    assert data == b"three"
    assert position > last


# Several runs.


@contract(Port.JOURNAL)
async def a_run_overwrites_its_own_head_alone(kit: Kit) -> None:
    journal, other = await kit.journal(), await kit.journal()
    await journal.write(changes(ANN, b"first"))
    await other.write(changes(ANN, b"of the other"))
    await journal.write(changes(ANN, b"second"))
    for each in (journal, other):
        assert await heads(each) == {ANN: [b"of the other", b"second"]}
    assert len({run for _, run, _, _ in await journal.heads()}) == 2


@contract(Port.JOURNAL)
async def a_head_that_was_found_goes_unless_it_was_written_since(kit: Kit) -> None:
    journal, other = await kit.journal(), await kit.journal()
    await journal.write([*changes(ANN, b"Ann's"), *changes(BOB, b"Bob's")])
    of = await found(other)
    await journal.write(changes(BOB, b"more of Bob's"))
    await other.write([*changes(ANN, b"new", found=of[ANN]), *changes(BOB, b"new", b"segment", found=of[BOB])])
    assert await heads(other) == {ANN: [b"new"], BOB: [b"more of Bob's", b"new"]}
    assert await segments(other, BOB) == [b"segment"]


@contract(Port.JOURNAL)
async def of_several_heads_those_go_that_were_found(kit: Kit) -> None:
    former = [await kit.journal() for _ in range(3)]
    for number, journal in enumerate(former):
        await journal.write([*changes(ANN, b"%d" % number), *changes(BOB, b"%d" % number)])
        if number < 2:
            journal.close()
    journal = await kit.journal()
    of = await found(journal)
    late = await kit.journal()
    await late.write(changes(ANN, b"late"))
    await former[2].write(changes(ANN, b"2 again"))
    await journal.write(changes(ANN, b"new", b"one", found=(*of[ANN], ("nobody", 1))))
    assert await heads(journal) == {ANN: [b"2 again", b"late", b"new"], BOB: [b"0", b"1", b"2"]}


@contract(Port.JOURNAL)
async def who_writes_at_once_is_written_in_the_order_of_each(kit: Kit) -> None:
    one, two = await kit.journal(), await kit.journal()
    count = 20
    await asyncio.gather(
        *(
            journal.write(changes(ANN, b"%s %d" % (name, number), b"%s %d" % (name, number)))
            for number in range(count)
            for name, journal in ((b"one", one), (b"two", two))
        )
    )
    read = await one.read(ANN, None, 100)
    assert len({position for position, _ in read}) == len(read) == 2 * count
    for name in (b"one", b"two"):
        of_name = [data for _, data in reversed(read) if data.startswith(name)]
        assert of_name == [b"%s %d" % (name, number) for number in range(count)], of_name
    assert await heads(two) == {ANN: [b"one %d" % (count - 1), b"two %d" % (count - 1)]}
    assert await two.read(ANN, None, 100) == read


# What is deleted, and the end.


@contract(Port.JOURNAL)
async def one_conversation_is_deleted_and_the_others_stay(kit: Kit) -> None:
    journal, other = await kit.journal(), await kit.journal()
    for number in range(5):
        await journal.write(
            [*changes(ANN, b"Ann", b"to Ann %d" % number), *changes(BOB, b"Bob", b"to Bob %d" % number)]
        )
    await other.write(changes(ANN, b"Ann", b"to Ann", b"to Ann"))
    await journal.delete(ANN)
    for each in (journal, other, await kit.journal()):
        assert await heads(each) == {BOB: [b"Bob"]}
        assert await segments(each, ANN) == []
        assert await segments(each, BOB) == [b"to Bob %d" % number for number in range(4, -1, -1)]
    await journal.write(changes(ANN, b"again", b"again"))
    assert await segments(other, ANN) == [b"again"]
    assert (await heads(other))[ANN] == [b"again"]


@contract(Port.JOURNAL)
async def the_first_segments_are_read_and_deleted_up_to_a_position(kit: Kit) -> None:
    journal = await kit.journal()
    assert await journal.read_first(ANN, 3) == []
    for number in range(5):
        await journal.write(
            [*changes(ANN, b"Ann", b"to Ann %d" % number), *changes(BOB, b"Bob", b"to Bob %d" % number)]
        )
    first = await journal.read_first(ANN, 2)
    assert [data for _, data in first] == [b"to Ann 0", b"to Ann 1"]
    await journal.delete(ANN, until=first[-1][0])
    assert await segments(journal, ANN) == [b"to Ann 4", b"to Ann 3", b"to Ann 2"]
    assert await journal.read_first(ANN, 100) == [*reversed(await journal.read(ANN, None, 100))]
    assert len(await segments(journal, BOB)) == 5
    assert await heads(await kit.journal()) == {ANN: [b"Ann"], BOB: [b"Bob"]}
    await journal.write(changes(ANN, b"Ann", b"to Ann 5"))
    await journal.delete(ANN, until=(await journal.read_first(ANN, 100))[-1][0])
    assert await segments(journal, ANN) == []
    await journal.write(changes(ANN, b"Ann", b"to Ann 6"))
    assert await segments(journal, ANN) == [b"to Ann 6"]


@contract(Port.JOURNAL)
async def several_segments_become_one_in_their_place(kit: Kit) -> None:
    journal, other = await kit.journal(), await kit.journal()
    for number in range(6):
        await journal.write([*changes(ANN, b"Ann", b"%d" % number), *changes(BOB, b"Bob", b"to Bob %d" % number)])
    first = await journal.read_first(ANN, 4)
    positions = [position for position, _ in first]
    await journal.merge(ANN, first[1:4], b"1 2 3")
    assert await segments(journal, ANN) == [b"5", b"4", b"1 2 3", b"0"]
    assert (await journal.read_first(ANN, 2))[-1] == (positions[1], b"1 2 3")
    assert len(await segments(journal, BOB)) == 6

    # Another one has read them before that: what it would put there is not all that is there.
    await other.merge(ANN, first[2:4], b"2 3")
    await other.merge(ANN, [first[0], (positions[3] + 100_000, b"none")], b"0 and none")
    newest = [*reversed(await other.read(ANN, None, 2))]
    await other.merge(ANN, [first[0], newest[-1]], b"0 5")
    assert await segments(other, ANN) == [b"5", b"4", b"1 2 3", b"0"]
    await other.merge(ANN, newest, b"4 5")
    await journal.write(changes(ANN, b"Ann", b"6"))
    assert await segments(journal, ANN) == [b"6", b"4 5", b"1 2 3", b"0"]


@contract(Port.JOURNAL)
async def one_segment_takes_the_place_of_another_unless_that_was_replaced_since(kit: Kit) -> None:
    journal, other = await kit.journal(), await kit.journal()
    await journal.write(changes(ANN, b"Ann", b"0", b"1", b"2", b"3"))
    read = await other.read_first(ANN, 4)
    await journal.merge(ANN, read[1:2], b"one")
    assert await segments(other, ANN) == [b"3", b"2", b"one", b"0"]
    assert [position for position, _ in await other.read_first(ANN, 4)] == [position for position, _ in read]

    # What was read before that would bring the former one back, or take along what was put there.
    await other.merge(ANN, read[1:3], b"1 2")
    await other.merge(ANN, read[1:2], b"1 again")
    assert await segments(journal, ANN) == [b"3", b"2", b"one", b"0"]
    await other.merge(ANN, (await other.read_first(ANN, 4))[1:3], b"one 2")
    assert await segments(journal, ANN) == [b"3", b"one 2", b"0"]
    await other.merge(ANN, [(read[0][0], b"another")], b"")
    await other.merge("nobody", read[:1], b"")
    assert await segments(journal, ANN) == [b"3", b"one 2", b"0"]


@contract(Port.JOURNAL)
async def what_is_under_way_is_done_before_the_end(kit: Kit) -> None:
    journal = await kit.journal()
    writes = [asyncio.ensure_future(journal.write(changes(ANN, b"head", b"%d" % number))) for number in range(3)]
    await asyncio.sleep(0)
    journal.close()
    await asyncio.gather(*writes)
    other = await kit.journal()
    assert await segments(other, ANN) == [b"2", b"1", b"0"]


@contract(Port.JOURNAL)
async def one_that_is_closed_does_nothing_more(kit: Kit) -> None:
    journal, other = await kit.journal(), await kit.journal()
    await journal.write(changes(ANN, b"head", b"one"))
    journal.close()
    journal.close()
    for work in (
        journal.heads,
        lambda: journal.read(ANN, None, 1),
        lambda: journal.write(changes(ANN, b"", b"two")),
        lambda: journal.delete(ANN),
    ):
        try:
            await work()
        except PortError:  # the driver asks for nothing any more
            continue
        raise AssertionError(work)
    assert await heads(other) == {ANN: [b"head"]}
    assert await segments(other, ANN) == [b"one"]


# What whoever has the disk sees, and can do.


@contract(Port.JOURNAL)
async def nothing_of_what_is_said_is_on_the_disk(kit: Kit) -> None:
    journal = await kit.journal()
    await journal.write(changes(ANN, b"a head of Ann's", b"what Ann says"))
    for _ in range(2):  # while it is open, and afterwards
        stored = await kit.stored()
        assert len(stored) > len(ANN + "a head of Ann's" + "what Ann says")
        for secret in (b"what Ann says", b"a head of Ann's", ANN.encode()):
            assert secret not in stored, secret
            assert secret.hex().encode() not in stored, secret
        journal.close()


@contract(Port.JOURNAL)
async def the_same_is_never_sealed_alike(kit: Kit) -> None:
    journal = await kit.journal()
    seen: set[bytes] = set()

    def look(sealed: list[bytes]) -> list[bytes]:
        seen.update(sealed)
        return sealed

    for _ in range(3):
        await journal.write([*changes(ANN, b"same", b"same"), *changes(ANN, b"same", b"same")])
        await kit.change_stored("heads", look)
    await kit.change_stored("segments", look)
    assert len(seen) == 3 + 6
    assert len({sealed[:12] for sealed in seen}) == len(seen), "a nonce was used twice"


def _flip_last(sealed: list[bytes]) -> list[bytes]:
    first, *others = sealed
    return [first[:-1] + bytes([first[-1] ^ 1]), *others]


def _flip_first(sealed: list[bytes]) -> list[bytes]:
    first, *others = sealed
    return [bytes([first[0] ^ 1]) + first[1:], *others]


DAMAGES: tuple[Callable[[list[bytes]], list[bytes]], ...] = (
    _flip_last,
    _flip_first,
    lambda sealed: [sealed[0][:20], *sealed[1:]],
    lambda sealed: [b"", *sealed[1:]],
    lambda sealed: [bytes(1000), *sealed[1:]],
)


@contract(Port.JOURNAL)
async def what_is_damaged_is_left_out_and_the_rest_is_there(kit: Kit) -> None:
    journal = await kit.journal()
    for number, damage in enumerate(DAMAGES):
        await journal.write([*changes(ANN, b"Ann", b"one", b"two"), *changes(BOB, b"Bob")])
        await kit.change_stored("heads", damage)
        await kit.change_stored("segments", damage)
        assert sum(map(len, (await heads(journal)).values())) == 1, number
        assert await segments(journal, ANN) == [b"two", b""], number
        await journal.delete(ANN)


@contract(Port.JOURNAL)
async def what_is_sealed_belongs_to_one_place(kit: Kit) -> None:
    journal, other = await kit.journal(), await kit.journal()
    await journal.write([*changes(ANN, b"Ann", b"to Ann"), *changes(BOB, b"Bob", b"to Bob")])
    await kit.change_stored("segments", lambda sealed: [sealed[0], sealed[0]])
    assert await segments(journal, ANN) == [b"to Ann"]
    assert await segments(journal, BOB) == [b""]
    await kit.change_stored("heads", lambda sealed: [sealed[1], sealed[0]])
    assert await heads(journal) == {}
    await journal.delete(BOB)
    await journal.write(changes(ANN, b"Ann"))
    await other.write(changes(ANN, b"Ann's other"))
    await kit.change_stored("heads", lambda sealed: [sealed[0], sealed[0]])
    assert len((await heads(journal))[ANN]) == 1, "a head belongs to one run"
    heads_of_ann: list[bytes] = []

    def look(sealed: list[bytes]) -> list[bytes]:
        heads_of_ann.extend(sealed)
        return sealed

    await kit.change_stored("heads", look)
    await kit.change_stored("segments", lambda sealed: [heads_of_ann[0], *sealed[1:]])
    assert await segments(journal, ANN) == [b""], "a head is no segment"


# The passphrase.


async def refuses(work: Awaitable[object]) -> bool:
    try:
        await work
    except PortError:
        return True
    return False


@contract(Port.JOURNAL)
async def nothing_is_read_or_written_before_the_passphrase_is_given(kit: Kit) -> None:
    journal = await kit.journal()
    assert (journal.is_locked, journal.has_passphrase) == (False, False)
    await journal.write(changes(ANN, b"head", b"one"))
    assert await journal.lock("a secret")
    assert (journal.is_locked, journal.has_passphrase) == (False, True)
    await journal.write(changes(ANN, b"head", b"two"))

    other = await kit.journal()
    assert (other.is_locked, other.has_passphrase) == (True, True)
    assert await refuses(other.heads())
    assert await refuses(other.read(ANN, None, 64))
    assert await refuses(other.read_first(ANN, 64))
    assert await refuses(other.write(changes(ANN, b"another head", b"three")))
    assert await refuses(other.merge(ANN, [(1, b"one"), (2, b"two")], b"both"))
    assert await refuses(other.delete(ANN))
    for wrong in ("", "A secret", "a secret "):
        assert not await other.unlock(wrong)
        assert other.is_locked
    assert await other.unlock("a secret")
    assert not other.is_locked
    assert await heads(other) == {ANN: [b"head"]}
    assert await segments(other, ANN) == [b"two", b"one"]
    await other.write(changes(ANN, b"another head", b"three"))
    assert await segments(journal, ANN) == [b"three", b"two", b"one"]


@contract(Port.JOURNAL)
async def a_passphrase_is_changed_and_taken_away_by_whoever_knows_it(kit: Kit) -> None:
    journal = await kit.journal()
    await journal.write(changes(ANN, b"head", b"one"))
    assert await journal.lock("first", "nobody asks for it")
    assert not await journal.lock("second")
    assert not await journal.lock("second", "second")
    assert not await journal.lock("", "second")
    assert await journal.lock("second", "first")

    other = await kit.journal()
    assert not await other.unlock("first")
    assert not await other.lock("third", "first")
    assert await other.lock("", "second")
    assert (other.is_locked, other.has_passphrase) == (True, False)  # this one has not been given it
    assert await other.unlock("")
    assert await segments(other, ANN) == [b"one"]

    third = await kit.journal()
    assert not third.is_locked
    assert await segments(third, ANN) == [b"one"]


@contract(Port.JOURNAL)
async def a_passphrase_is_the_same_however_a_keyboard_writes_it(kit: Kit) -> None:
    journal = await kit.journal()
    assert await journal.lock("Gr\u00fc\u00dfe, 世界 \u2126")
    other = await kit.journal()
    assert await other.unlock("Gru\u0308\u00dfe, 世界 \u03a9")


@contract(Port.JOURNAL)
async def what_is_written_first_with_a_passphrase_is_nowhere_as_it_is(kit: Kit) -> None:
    journal = await kit.journal()
    await journal.lock("the passphrase of this person")
    await journal.write(changes(ANN, b"the head of it", b"the segment of it"))
    journal.close()
    stored = await kit.stored()
    for secret in (b"the passphrase", b"the head of it", b"the segment of it", ANN.encode()):
        assert secret not in stored
