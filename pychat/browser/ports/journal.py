"""The journal in a browser: a database (W3C Indexed Database API) in which everything is sealed.

What it says of conversations to whoever reads the browser's files is how many there are, how many segments each has,
how long those are, and in which order they were written. The keys follow from a secret that is sealed with the one that
the browser keeps beside the identity: no page can read that one, and when the identity is deleted nothing here can be
read any more. With a passphrase the secret is sealed with that as well, for a browser's own key lies on the same disk.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from pychat import passphrase as sealing
from pychat.browser.dom import Scope
from pychat.browser.ports import database
from pychat.browser.ports.crypto import BrowserCrypto
from pychat.core.effects import KeptChanges
from pychat.passphrase import Damaged
from pychat.ports import JournalUnreadable, PortError

DATABASE = "pychat-journal"
FORMAT = 1
"""Of the database, as its version."""
KEYS, HEADS, SEGMENTS = "keys", "heads", "segments"
"""What is in it: the secret, sealed, under SECRET; {version, nonce, data} under [name, run]; and as segments
{position, chat: name, nonce, data}. What somebody is about to write is beside the heads, without a version, under
[name, DRAFT], so that it goes with its conversation.

A name is that of a conversation, which only this person can tell from another one.
"""
SECRET = "secret"
DRAFT = "draft"

_OF_CHAT = "of_chat"
"""The index of segments by [name, position]."""
_SIZE, _NONCE_SIZE = 32, 12
_DAMAGED = "the key of what was said before is damaged, so that it cannot be read"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a conversation is: its name, how a segment is sealed, and all that is the same with each write."""

    name: str
    segment: Any
    own: Any


class BrowserJournal:
    """Implements `ports.Journal`; `open` makes it.

    JavaScript's objects are made once and used again where that can be: to make them takes longer than what the browser
    does with them.
    """

    def __init__(self, run: str, crypto: BrowserCrypto) -> None:
        self._run = run
        self._crypto = crypto
        self._version = 0  # of the head that was written last: no two heads of this run ever have the same
        self._turn = asyncio.Lock()
        self._under_way = 0
        self._has_passphrase = False
        self._lost = ""  # why there is no database any more
        self._is_closed = False
        self._places: dict[str, _Place] = {}
        self._database: Any = None
        self._scope: Scope | None = None
        self._sealing: Any = None
        self._naming: Any = None
        self._subtle = js.crypto.subtle
        self._both = to_js([HEADS, SEGMENTS])
        self._strict = database.options(durability="strict")  # each transaction outlasts a loss of power

    @classmethod
    async def open(cls, crypto: BrowserCrypto) -> "BrowserJournal":
        """The journal of whoever uses this browser, made at first.

        Args:
            crypto: seals the secret of a new one, and unseals it at the next visit.

        Raises:
            JournalUnreadable: there is no key for what was said before; `erase` begins anew.
            PortError: nothing can be kept here, or what is kept cannot be read, or is of a newer version.
        """
        journal = cls(crypto.random(16).hex(), crypto)
        try:
            async with asyncio.timeout(database.PATIENCE):
                await database.open_database(DATABASE, FORMAT, _make, journal._opened)
                kept = await journal._kept_key()
                journal._has_passphrase = sealing.is_sealed(kept)
                if not journal._has_passphrase:
                    await journal._derive(kept)
        except BaseException as error:
            journal.close()
            if isinstance(error, TimeoutError):
                raise PortError("what the browser keeps does not answer") from error
            if isinstance(error, (JsException, AttributeError)):
                raise PortError(journal._lost or database.words(error)) from error
            raise
        return journal

    def another_run(self) -> "BrowserJournal":
        """The same journal as another run has it: for what is written beside the node. It ends with this one."""
        other = copy(self)
        other._run, other._version, other._places = self._crypto.random(16).hex(), 0, {}
        return other

    @staticmethod
    async def erase() -> None:
        """Delete it with all that is in it, whether it can be opened or not; whoever has it open, loses it.

        Raises:
            PortError: the browser refuses, or does not come to it, because something holds on to the database.
        """
        await database.delete_database(DATABASE)

    def _opened(self, opened: Any) -> None:
        self._database = opened
        self._scope = Scope(opened)
        self._scope.on(opened, "versionchange", self._on_version_change)
        self._scope.on(opened, "close", lambda _: self._lose("the browser has deleted what was kept here"))

    def _on_version_change(self, event: Any) -> None:
        """Another tab waits until nobody uses the database: to delete it, or to make it that of a newer pychat."""
        is_newer = isinstance(event.newVersion, int) and event.newVersion > FORMAT
        self._lose("a newer pychat is open in another tab" if is_newer else "everything was deleted in another tab")

    def _lose(self, why: str) -> None:
        self._lost = why
        self._database.close()

    @property
    def is_locked(self) -> bool:
        """Whether the secret is sealed with a passphrase still."""
        return self._sealing is None

    @property
    def has_passphrase(self) -> bool:
        """Whether the next run is asked for one, as far as this one knows."""
        return self._has_passphrase

    async def unlock(self, passphrase: str) -> bool:
        """Unseal the secret."""
        secret = await self._secret(passphrase)
        if secret is not None:
            await self._derive(secret)
        return secret is not None

    async def lock(self, passphrase: str, current: str = "") -> bool:
        """Keep the secret sealed once more, or by the browser's key alone."""
        secret = await self._secret(current)
        if secret is None:
            return False
        kept = await sealing.close_key(self._crypto, passphrase, secret)
        sealed = to_js(await self._crypto.seal_kept(kept))
        async with self._in_turn():
            transaction = self._database.transaction(KEYS, "readwrite", self._strict)
            transaction.objectStore(KEYS).put(sealed, SECRET)
            await database.completed(transaction)
        self._has_passphrase = bool(passphrase)
        return True

    async def _secret(self, passphrase: str) -> bytes | None:
        """The secret; None with another passphrase."""
        async with self._in_turn():
            kept = await self._kept_key()
        self._has_passphrase = sealing.is_sealed(kept)
        try:
            return await sealing.open_key(self._crypto, passphrase, kept)
        except Damaged as error:
            raise JournalUnreadable(_DAMAGED) from error

    async def _kept_key(self) -> bytes:
        """The secret as it is kept, made at first: 32 bytes, or sealed with a passphrase."""

        async def sealed() -> Any:
            if await self._lacks_key():
                raise JournalUnreadable("the key of what was said before is missing, so that it cannot be read")
            return to_js(await self._crypto.seal_kept(self._crypto.random(_SIZE)))

        kept = await database.kept(self._database, KEYS, SECRET, sealed)
        try:
            secret = await self._crypto.unseal_kept(bytes(kept.to_bytes()))
        except (PortError, AttributeError) as error:
            raise JournalUnreadable(_DAMAGED) from error
        if len(secret) != _SIZE and not sealing.is_sealed(secret):
            raise JournalUnreadable(_DAMAGED)
        return secret

    async def _derive(self, secret: bytes) -> None:
        """Make the keys. The secret itself is forgotten: the browser hands out none of what follows from it."""
        base = await self._subtle.importKey("raw", to_js(secret), "HKDF", False, to_js(["deriveKey"]))

        async def derived(purpose: bytes, algorithm: Any, *usages: str) -> Any:
            from_base = database.options(name="HKDF", hash="SHA-256", salt=b"pychat journal", info=purpose)
            return await self._subtle.deriveKey(from_base, base, algorithm, False, to_js(usages))

        named = database.options(name="HMAC", hash="SHA-256", length=256)
        self._naming = await derived(b"name", named, "sign")
        self._sealing = await derived(b"seal", database.options(name="AES-GCM", length=256), "encrypt", "decrypt")

    def _check_lock(self) -> None:
        if self._sealing is None:
            raise PortError("it is locked with a passphrase")

    async def _lacks_key(self) -> bool:
        """Whether something is kept and its key is not; at one moment, for another tab may have made both by now."""
        transaction = self._database.transaction(to_js([KEYS, HEADS, SEGMENTS]), "readonly")
        keys, heads, segments = (transaction.objectStore(each).count() for each in (KEYS, HEADS, SEGMENTS))
        await database.completed(transaction)
        return not keys.result and bool(heads.result or segments.result)

    async def heads(self) -> list[tuple[str, str, int, bytes]]:
        """The heads that can be unsealed."""
        self._check_lock()
        async with self._in_turn():
            transaction = self._database.transaction(HEADS, "readonly")
            shelf = transaction.objectStore(HEADS)
            keys, values = shelf.getAllKeys(), shelf.getAll()
            await database.completed(transaction)
            records = []
            for key, record in zip(keys.result.to_py(), values.result, strict=True):
                match key, getattr(record, "version", None):
                    case [str(name), str(run)], int(version):
                        records.append((name, run, version, record))
            unsealed = await self._unsealed([(_algorithm(b"head", *place), record) for *place, _, record in records])
            found = []
            for (_, run, version, _), data in zip(records, unsealed, strict=True):
                if data is not None:
                    chat, _, head = data.partition(b"\n")
                    found.append((chat.decode(), run, version, head))
            return found

    async def drafts(self) -> list[tuple[str, bytes]]:
        """The drafts that can be unsealed, each with its conversation."""
        self._check_lock()
        async with self._in_turn():
            transaction = self._database.transaction(HEADS, "readonly")
            shelf = transaction.objectStore(HEADS)
            looking = shelf.getAllKeys()
            names, readings = [], []

            def read() -> None:
                for key in looking.result.to_py():
                    match key:
                        case [str(name), str(run)] if run == DRAFT:
                            names.append(name)
                            readings.append(shelf.get(to_js(key)))

            with _listening(looking, read):
                await database.completed(transaction)
            records = [(_algorithm(b"draft", name), each.result) for name, each in zip(names, readings, strict=True)]
            found = []
            for data in await self._unsealed(records):
                if data is not None:
                    chat, _, draft = data.partition(b"\n")
                    found.append((chat.decode(), draft))
            return found

    async def keep_draft(self, chat: str, draft: bytes) -> None:
        """Keep what is about to be written in a conversation, in place of what was there; b"": nothing is."""
        async with self._in_turn():
            place = await self._place(chat)
            key = to_js([place.name, DRAFT])
            if draft:
                own = js.Object.new()
                own.key, own.head = key, _algorithm(b"draft", place.name)
                part = own, chat.encode() + b"\n" + draft, None, ()
                problem = await js.putSealed(self._database, self._sealing, None, to_js([part]))
                if problem is not None:
                    raise PortError(database.words(problem))
            else:
                transaction = self._database.transaction(HEADS, "readwrite", self._strict)
                transaction.objectStore(HEADS).delete(key)
                transaction.commit()  # a page that is being left may not come to hear of the request's end
                await database.completed(transaction)

    async def read(self, chat: str, before: int | None, most: int) -> list[tuple[int, bytes]]:
        """The last segments before a position."""
        if most < 1:
            return []
        async with self._in_turn():
            place = await self._place(chat)
            transaction = self._database.transaction(SEGMENTS, "readonly")
            index = transaction.objectStore(SEGMENTS).index(_OF_CHAT)
            # The first of them is looked for from behind. Then they come all at once, where a cursor over them would
            # need an event for each.
            looking = index.openKeyCursor(_range(place.name, before=before), "prev")
            found: list[Any] = []
            steps = [most - 1] if most > 1 else []

            def look() -> None:
                if looking.result and steps:
                    looking.result.advance(steps.pop())
                else:
                    first = looking.result.primaryKey if looking.result else None
                    found.append(index.getAll(_range(place.name, first, before)))

            with _listening(looking, look):
                await database.completed(transaction)
            records = list(found[0].result)
            unsealed = await self._unsealed([(place.segment, record) for record in records])
            read = [(int(record.position), data or b"") for record, data in zip(records, unsealed, strict=True)]
            read.reverse()
            return read

    async def read_first(self, chat: str, most: int) -> list[tuple[int, bytes]]:
        """The first segments that there are."""
        async with self._in_turn():
            place = await self._place(chat)
            transaction = self._database.transaction(SEGMENTS, "readonly")
            reading = transaction.objectStore(SEGMENTS).index(_OF_CHAT).getAll(_range(place.name), most)
            await database.completed(transaction)
            records = list(reading.result)
            unsealed = await self._unsealed([(place.segment, record) for record in records])
            return [(int(record.position), data or b"") for record, data in zip(records, unsealed, strict=True)]

    async def write(self, changes: Sequence[KeptChanges]) -> None:
        """All in one transaction, which begins when everything is sealed."""
        if not changes:
            return
        async with self._in_turn():
            self._version += 1
            parts = []
            for change in changes:
                place = await self._place(change.conversation)
                head = change.conversation.encode() + b"\n" + change.head
                parts.append((place.own, head, change.segment, change.found))
            problem = await js.putSealed(self._database, self._sealing, self._version, to_js(parts))
            if problem is not None:
                raise PortError(database.words(problem))

    async def merge(self, chat: str, segments: Sequence[tuple[int, bytes]], segment: bytes) -> None:
        """All in one transaction, which begins when what is there is known to be what was read."""
        async with self._in_turn():
            place = await self._place(chat)
            first, last = segments[0][0], segments[-1][0]
            within = _range(place.name, first, last + 1)
            transaction = self._database.transaction(SEGMENTS, "readonly")
            reading = transaction.objectStore(SEGMENTS).index(_OF_CHAT).getAll(within)
            await database.completed(transaction)
            found = list(reading.result)
            unsealed = await self._unsealed([(place.segment, record) for record in found])
            if [(int(record.position), data) for record, data in zip(found, unsealed, strict=True)] != [*segments]:
                return
            place.segment.iv = nonce = js.crypto.getRandomValues(js.Uint8Array.new(_NONCE_SIZE))
            sealed = await self._subtle.encrypt(place.segment, self._sealing, to_js(segment))
            transaction = self._database.transaction(SEGMENTS, "readwrite", self._strict)
            store = transaction.objectStore(SEGMENTS)
            looking = store.index(_OF_CHAT).getAll(within)

            def merge() -> None:
                if _sealings(looking.result) == _sealings(found):  # nobody has written meanwhile
                    for begin, end in _runs([position for position, _ in segments]):
                        store.delete(js.IDBKeyRange.bound(begin, end))
                    store.put(database.options(position=first, chat=place.name, nonce=nonce, data=sealed))

            with _listening(looking, merge):
                await database.completed(transaction)

    async def delete(self, chat: str, until: int | None = None) -> None:
        """When the browser takes it out of its files is the browser's business; without the key nobody can read it."""
        async with self._in_turn():
            place = await self._place(chat)
            transaction = self._database.transaction(self._both, "readwrite", self._strict)
            if until is None:
                transaction.objectStore(HEADS).delete(_range(place.name))
            segments = transaction.objectStore(SEGMENTS)
            before = until + 1 if until is not None else None
            looking = segments.index(_OF_CHAT).getAllKeys(_range(place.name, before=before))

            def delete() -> None:
                for first, last in _runs(looking.result.to_py()):
                    segments.delete(js.IDBKeyRange.bound(first, last))

            with _listening(looking, delete):
                await database.completed(transaction)
            if until is None:
                del self._places[chat]

    def close(self) -> None:
        """Close the database once what is under way is done; once more does no harm."""
        self._is_closed = True
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._is_closed and not self._under_way and self._scope is not None:
            self._database.close()
            self._scope.close()

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """What is asked for is done one after the other, and before the end."""
        if self._is_closed:
            raise PortError("it is closed")
        self._under_way += 1
        try:
            async with self._turn:
                if self._lost:
                    raise PortError(self._lost)
                yield
        except (JsException, PortError) as error:
            raise PortError(self._lost or database.words(error)) from error
        finally:
            self._under_way -= 1
            self._end_if_over()

    async def _place(self, chat: str) -> _Place:
        place = self._places.get(chat)
        if place is None:
            self._check_lock()
            signature = await self._subtle.sign("HMAC", self._naming, to_js(chat.encode()))
            name = bytes(signature.to_bytes())[:16].hex()
            segment, own = _algorithm(b"segment", name), js.Object.new()
            own.name, own.key, own.segment = name, to_js([name, self._run]), segment
            own.head = _algorithm(b"head", name, self._run)
            place = self._places[chat] = _Place(name, segment, own)
        return place

    async def _unsealed(self, records: list[tuple[Any, Any]]) -> list[bytes | None]:
        """What is in records, each with how it was sealed; None for one that is damaged, whatever is left of it."""
        unsealing = []
        for algorithm, record in records:
            algorithm.iv = getattr(record, "nonce", None)
            unsealing.append(self._subtle.decrypt(algorithm, self._sealing, getattr(record, "data", None)))
        ended = await js.Promise.allSettled(to_js(unsealing))
        return [bytes(each.value.to_bytes()) if each.status == "fulfilled" else None for each in ended]


def _make(new: Any) -> None:
    new.createObjectStore(KEYS)
    new.createObjectStore(HEADS)
    position = database.options(keyPath="position", autoIncrement=True)
    new.createObjectStore(SEGMENTS, position).createIndex(_OF_CHAT, to_js(["chat", "position"]))


def _algorithm(*belongs: bytes | str) -> Any:
    """How what belongs there is sealed; the nonce is set for each."""
    return database.options(name="AES-GCM", additionalData=repr(belongs).encode())


def _range(name: str, first: int | None = None, before: int | None = None) -> Any:
    """The keys that are a list with this name at its head; as W3C IndexedDB, section 2.4, orders them."""
    lower = to_js([name] if first is None else [name, first])
    return js.IDBKeyRange.bound(lower, to_js([name, [] if before is None else before]), False, True)


@contextmanager
def _listening(request: Any, take: Callable[[], None]) -> Iterator[None]:
    """Call `take` each time that there is a result of a request, within its transaction."""
    proxy = create_proxy(lambda _: take())
    request.addEventListener("success", proxy)
    try:
        yield
    finally:
        request.removeEventListener("success", proxy)
        proxy.destroy()


def _sealings(records: Any) -> list[tuple[int, bytes]]:
    """By what segments are told apart: no two are ever sealed with the same nonce."""
    return [(int(record.position), bytes(record.nonce.to_bytes())) for record in records]


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The first and the last of each run of numbers that follow each other."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs
