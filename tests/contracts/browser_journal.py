"""What only the journal of a browser does, and can meet. It runs in a page and nowhere else.

tests/browser/test_journal.py asks for each case, and each step, by its name.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

import js
from pyodide.ffi import create_proxy, to_js

from pychat.browser.ports import database
from pychat.browser.ports.crypto import BrowserCrypto, _new_pair, _new_seal
from pychat.browser.ports.journal import DATABASE, FORMAT, HEADS, KEYS, SECRET, SEGMENTS, BrowserJournal
from pychat.ports import PortError
from tests.contracts.journal import ANN, BOB, changes, heads, segments
from tests.contracts.kit import LIMIT

Case = Callable[..., Awaitable[None]]

CASES: dict[str, Case] = {}
IMPATIENCE = 0.5
"""Seconds that a case waits for what never comes."""


class Keeper:
    """Somebody who uses this browser, and whose journal is empty at first."""

    def __init__(self, crypto: BrowserCrypto) -> None:
        self.crypto = crypto

    @classmethod
    async def new(cls) -> "Keeper":
        await BrowserJournal.erase()
        return cls(await BrowserCrypto.of(await _new_pair(), await _new_seal()))

    async def journal(self) -> BrowserJournal:
        return await BrowserJournal.open(self.crypto)


# What is on the disk.


@asynccontextmanager
async def raw(version: int = FORMAT) -> AsyncIterator[Any]:
    """The database as somebody else opens it, who heeds nothing."""
    opened = await database.open_database(DATABASE, version, lambda new: None)
    try:
        yield opened
    finally:
        opened.close()


async def _records(opened: Any, place: str) -> list[tuple[Any, Any]]:
    shelf = opened.transaction(place, "readonly").objectStore(place)
    keys, values = shelf.getAllKeys(), shelf.getAll()
    found = await database.result(values)
    return list(zip(keys.result, found, strict=True))


def _bytes(value: Any) -> bytes:
    """All bytes and texts in something that was stored."""
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case int() | None:
            return b""
    if hasattr(value, "to_bytes"):
        return bytes(value.to_bytes())
    if js.Array.isArray(value):
        return b"".join(map(_bytes, value))
    return b"".join(_bytes(each) for pair in js.Object.entries(value) for each in pair)


async def stored() -> bytes:
    async with raw() as opened:
        places = list(opened.objectStoreNames)
        assert places == [HEADS, KEYS, SEGMENTS], places
        return b"".join([_bytes(each) for place in places for pair in await _records(opened, place) for each in pair])


async def change_stored(place: Literal["heads", "segments"], change: Callable[[list[bytes]], list[bytes]]) -> None:
    async with raw() as opened:
        records = await _records(opened, place)
        changed = change([_bytes(record.nonce) + _bytes(record.data) for _, record in records])
        transaction = opened.transaction(place, "readwrite")
        shelf = transaction.objectStore(place)
        for (key, record), data in zip(records, changed, strict=True):
            record.nonce, record.data = to_js(data[:12]), to_js(data[12:]).buffer
            shelf.put(record, *([] if place == SEGMENTS else [key]))
        await database.completed(transaction)


async def put(place: str, record: Any, *key: Any) -> None:
    """Put something into the database that no journal has put there."""
    async with raw() as opened:
        await database.result(opened.transaction(place, "readwrite").objectStore(place).put(record, *key))


# What is told.


@contextmanager
def refused(*words: str) -> Iterator[None]:
    """What is done here is refused in these words."""
    told = None
    try:
        yield
    except PortError as error:
        told = str(error)
    assert told is not None, "it was not refused"
    assert any(each in told for each in words), told


async def expect_lost(journal: BrowserJournal, words: str) -> None:
    """Nothing can be done with it any more, and each try says why."""
    works: list[Callable[[], Awaitable[object]]] = [
        journal.heads,
        lambda: journal.read(ANN, None, 1),
        lambda: journal.write(changes(ANN, b"", b"lost")),
        lambda: journal.delete(ANN),
    ]
    for work in works:
        with refused(words):
            await work()


@contextmanager
def instead(target: Any, name: str, value: Any) -> Iterator[None]:
    """Another value in the place of a property of a JavaScript object."""
    had = js.Object.getOwnPropertyDescriptor(target, name)
    js.Object.defineProperty(target, name, js.Object.fromEntries(to_js([["value", value], ["configurable", True]])))
    try:
        yield
    finally:
        js.Object.defineProperty(target, name, had)


@contextmanager
def impatient() -> Iterator[None]:
    patience, database.PATIENCE = database.PATIENCE, IMPATIENCE
    try:
        yield
    finally:
        database.PATIENCE = patience


def case(function: Case) -> Case:
    """Enter a function as a case."""
    CASES[getattr(function, "__name__")] = function  # noqa: B009 (a callable need not have one)
    return function


@asynccontextmanager
async def kept() -> AsyncIterator[tuple[Keeper, BrowserJournal]]:
    """A journal with something in it."""
    keeper = await Keeper.new()
    journal = await keeper.journal()
    try:
        async with asyncio.timeout(LIMIT):
            await journal.write(changes(ANN, b"head", b"one", b"two"))
            yield keeper, journal
    finally:
        journal.close()


@case
async def deleted_under_it() -> None:
    async with kept() as (keeper, journal):
        other = await keeper.journal()
        await BrowserJournal.erase()  # it need not wait for them
        for each in (journal, other):
            await expect_lost(each, "deleted in another tab")
            each.close()
        afresh = await keeper.journal()
        assert await heads(afresh) == {}
        await afresh.write(changes(ANN, b"head", b"one"))
        assert await segments(afresh, ANN) == [b"one"]
        afresh.close()


@case
async def deleted_while_it_writes() -> None:
    async with kept() as (_, journal):
        erasing = asyncio.ensure_future(BrowserJournal.erase())
        with refused("deleted in another tab"):
            for _ in range(100_000):  # some are written before it comes to that
                await journal.write(changes(BOB, b"", bytes(10_000)))
        await erasing
        await expect_lost(journal, "deleted in another tab")


@case
async def closed_by_the_browser() -> None:
    async with kept() as (_, journal):
        journal._database.dispatchEvent(js.Event.new("close"))
        await expect_lost(journal, "the browser has deleted")


@case
async def held_by_another() -> None:
    async with kept() as (keeper, journal):
        with impatient():
            async with raw():
                with refused("another tab still uses it"):
                    await BrowserJournal.erase()
                await expect_lost(journal, "deleted in another tab")
                with refused("does not answer"):
                    await keeper.journal()
        # It was deleted once nobody held it; and what was opened in vain holds nothing, and has broken nothing.
        afresh = await keeper.journal()
        assert await heads(afresh) == {}
        await afresh.write(changes(ANN, b"head", b"one"))
        afresh.close()
        await BrowserJournal.erase()


@case
async def of_a_newer_version() -> None:
    async with kept() as (keeper, journal):
        async with raw(FORMAT + 1):
            await expect_lost(journal, "a newer pychat is open")
        with refused("was written by a newer pychat"):
            await keeper.journal()
        async with raw(FORMAT + 1) as opened:
            assert len(await _records(opened, SEGMENTS)) == 2, "it stays as it is"
        await BrowserJournal.erase()
        (await keeper.journal()).close()


@case
async def upgrade_held_up() -> None:
    """A later version of this adapter meets tabs that heed nothing."""
    async with kept():
        async with raw():
            with refused("an older pychat"):
                await database.open_database(DATABASE, FORMAT + 1, lambda new: None)
        await BrowserJournal.erase()  # what is opened after all, is closed


@case
async def nowhere_to_keep() -> None:
    keeper = await Keeper.new()
    for value in (None, js.JSON.parse("null")):
        with instead(js.globalThis, "indexedDB", value), refused("no databases"):
            await keeper.journal()
    silent = js.Object.new()
    never = js.EventTarget.new()
    proxy = create_proxy(lambda *_: never)
    silent.open = proxy
    with impatient(), instead(js.globalThis, "indexedDB", silent), refused("does not answer"):
        await keeper.journal()
    proxy.destroy()
    for_a_visit = await BrowserCrypto.for_this_visit()
    with refused("keeps no keys"):
        await BrowserJournal.open(for_a_visit)
    await BrowserJournal.erase()


@case
async def another_key() -> None:
    async with kept() as (keeper, journal):
        stranger = Keeper(await BrowserCrypto.of(await _new_pair(), await _new_seal()))
        for _ in range(2):
            with refused("is damaged"):
                await stranger.journal()
        for damaged in (to_js(b""), to_js(bytes(60)), "text", 5, to_js(await keeper.crypto.seal_kept(b"short"))):
            await put(KEYS, damaged, SECRET)
            with refused("is damaged"):
                await keeper.journal()
        assert await segments(journal, ANN) == [b"two", b"one"], "it has its keys"


@case
async def without_its_key() -> None:
    async with kept() as (keeper, journal):
        async with raw() as opened:
            await database.result(opened.transaction(KEYS, "readwrite").objectStore(KEYS).delete(SECRET))
        for _ in range(2):
            with refused("is missing"):
                await keeper.journal()
        assert await _records_of(KEYS) == [], "no new one was made"
        assert await segments(journal, ANN) == [b"two", b"one"], "it has its keys"
    await BrowserJournal.erase()
    (await keeper.journal()).close()


@case
async def two_that_begin_at_once() -> None:
    keeper = await Keeper.new()
    one, two = await asyncio.gather(keeper.journal(), keeper.journal())
    await one.write(changes(ANN, b"of one", b"one"))
    await two.write(changes(ANN, b"of two", b"two"))
    for each in (one, two):
        assert await segments(each, ANN) == [b"two", b"one"]
        assert await heads(each) == {ANN: [b"of one", b"of two"]}
        each.close()


@case
async def no_key_can_be_taken_away() -> None:
    async with kept() as (_, journal):
        for key in (journal._sealing, journal._naming):
            assert not key.extractable
        assert not any(isinstance(value, bytes) for value in vars(journal).values())


@case
async def records_of_no_form() -> None:
    async with kept() as (_, journal):
        [(_, of_ann), *_] = await _records_of(SEGMENTS)
        segment = js.Object.new()
        segment.chat = of_ann.chat
        await put(SEGMENTS, segment)
        segment.nonce, segment.data = 5, "text"
        await put(SEGMENTS, segment)
        for number, record in enumerate(("text", 5, js.Object.new(), to_js([1, 2]), js.JSON.parse("null"))):
            await put(HEADS, record, to_js([of_ann.chat, f"run {number}"]))
        head = js.Object.new()
        head.version = 1
        await put(HEADS, head, to_js([of_ann.chat, "run"]))
        for key in ("text", 5, to_js([]), to_js([1, 2]), to_js(["one", "two", "three"])):
            await put(HEADS, head, key)
        assert await segments(journal, ANN) == [b"", b"", b"two", b"one"]
        assert await heads(journal) == {ANN: [b"head"]}
        found = tuple((f"run {number}", 1) for number in range(5))
        await journal.write(changes(ANN, b"new", b"three", found=(*found, ("run", 1))))
        assert await heads(journal) == {ANN: [b"new"]}
        await journal.delete(ANN)
        assert await heads(journal) == {}


@case
async def a_draft_is_sealed_and_goes_with_its_conversation() -> None:
    async with kept() as (keeper, journal):
        assert await journal.drafts() == []
        await journal.keep_draft(ANN, b"about to\nwrite this")
        await journal.keep_draft(BOB, b"and that")
        await journal.keep_draft(ANN, b"about to write this")
        on_disk = await stored()
        for word in (b"about to", b"and that", ANN.encode(), BOB.encode()):
            assert word not in on_disk, word
        assert await heads(journal) == {ANN: [b"head"]}, "it is no head"
        later = await keeper.journal()
        try:
            assert dict(await later.drafts()) == {ANN: b"about to write this", BOB: b"and that"}
            heads_found = tuple((run, version) for _, run, version, _ in await later.heads())
            await later.write(changes(ANN, b"head", b"three", found=heads_found))
            await later.keep_draft(BOB, b"")
            assert await journal.drafts() == [(ANN, b"about to write this")]
            await later.delete(ANN)
            assert await journal.drafts() == []
        finally:
            later.close()
        await BrowserJournal.erase()
        for work in (journal.drafts(), journal.keep_draft(ANN, b"too late"), journal.keep_draft(ANN, b"")):
            with refused("deleted in another tab"):
                await work


async def _records_of(place: str) -> list[tuple[Any, Any]]:
    async with raw() as opened:
        return await _records(opened, place)


# Steps of cases with several pages, or with something between them that a page cannot do.

HELD: list[BrowserJournal] = []


async def begin() -> None:
    """Delete what others have left, and hold a journal with one segment."""
    await erase()
    await hold()
    await write(ANN, "head", "one")


async def hold() -> None:
    """Open the journal of whoever uses this browser, and keep it open."""
    HELD.append(await BrowserJournal.open(await BrowserCrypto.open()))


async def let_go() -> None:
    """Close what is held."""
    HELD.pop().close()


async def write(chat: str, head: str, *texts: str) -> None:
    await HELD[-1].write(changes(chat, head.encode(), *(text.encode() for text in texts)))


async def expect(chat: str, *texts: str) -> None:
    """Expect the segments of a conversation, the newest first."""
    assert await segments(HELD[-1], chat) == [text.encode() for text in texts]


async def fail_to_write(words: str) -> None:
    """What is written cannot be, for which the test has seen; it is told, and nothing of it is there."""
    journal = HELD[-1]
    before = await heads(journal), await journal.read(ANN, None, 100)
    with refused(words):
        await journal.write([*changes(BOB, b"small", b"small"), *changes(ANN, b"large", bytes(20_000_000))])
    assert before == (await heads(journal), await journal.read(ANN, None, 100))
    assert await segments(journal, BOB) == []


async def erase() -> None:
    await BrowserJournal.erase()


async def find_it_lost(words: str) -> None:
    await expect_lost(HELD[-1], words)


STEPS: dict[str, Case] = {
    step.__name__: step for step in (begin, hold, let_go, write, expect, fail_to_write, erase, find_it_lost)
}
