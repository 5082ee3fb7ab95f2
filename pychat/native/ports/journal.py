"""The journal on CPython: an SQLite database in the person's folder, in which everything is sealed.

What it says of conversations to whoever reads the file is how many there are, how many segments each has, how long
those are, and in which order they were written. The key is in a file beside, which only its owner can read: it protects
a database that is copied somewhere without it. With a passphrase that file is sealed, and protects both.
"""

import asyncio
import base64
import binascii
import hmac
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pychat import passphrase as sealing
from pychat.core.effects import KeptChanges
from pychat.native.ports.store import FileStore, check_unopened
from pychat.passphrase import Damaged
from pychat.ports import Crypto, JournalUnreadable, PortError

KEY = "journal-key"
FILE = "journal.db"
FORMAT = 1
"""Of the tables, as SQLite's user_version; 0 is a file that is new."""
BUSY_TIMEOUT = 5.0
"""Seconds that another program may be writing."""

_FILES = (FILE, f"{FILE}-wal", f"{FILE}-shm")
"""The database, and what SQLite puts beside it, with the same permissions."""
_SIZE, _NONCE_SIZE = 32, 12
_TABLES = """
create table heads (chat blob, run text, version integer not null, data blob not null, primary key (chat, run));
create table segments (position integer primary key autoincrement, chat blob not null, data blob not null);
create index of_chat on segments (chat, position);
"""

Result = TypeVar("Result")


class SqliteJournal:
    """Implements `ports.Journal`. One thread of its own does all that waits for the disk.

    Args:
        store: whose folder it is in; it keeps the key.
        crypto: seals the key with a passphrase, and unseals it.

    Raises:
        JournalUnreadable: there is no key for what was said before; `erase` begins anew.
        PortError: key or database cannot be read, or are those of another version.
    """

    def __init__(self, store: FileStore, crypto: Crypto) -> None:
        self._store = store
        self._crypto = crypto
        self._path = store.folder / FILE
        self._is_erased = store.is_erased
        _expect_key(store)
        self._sealing: AESGCM | None = None
        self._naming = b""
        kept = _kept_key(store)
        self._has_passphrase = sealing.is_sealed(kept)
        if not self._has_passphrase:
            self._use(kept)
        self._run = secrets.token_hex(16)
        self._version = 0  # of the head that was written last: no two heads of this run ever have the same
        self._thread = ThreadPoolExecutor(1, "pychat-journal")
        try:
            self._database = self._thread.submit(self._open).result()
        except BaseException:
            self._thread.shutdown()
            raise

    @property
    def is_locked(self) -> bool:
        """Whether the key is sealed still."""
        return self._sealing is None

    @property
    def has_passphrase(self) -> bool:
        """Whether the next run is asked for one, as far as this one knows."""
        return self._has_passphrase

    async def unlock(self, passphrase: str) -> bool:
        """Unseal the key."""
        secret = await self._secret(passphrase)
        if secret is not None:
            self._use(secret)
        return secret is not None

    async def lock(self, passphrase: str, current: str = "") -> bool:
        """Keep the key sealed, or as it is."""
        before = self._store.load(KEY)
        secret = await self._secret(current)
        if secret is None:
            return False
        kept = await sealing.close_key(self._crypto, passphrase, secret)
        text = base64.b64encode(kept).decode()

        def change(now: str | None) -> str:
            if now != before:
                raise PortError("another program has changed the key meanwhile, and nothing is changed here")
            return text

        await asyncio.to_thread(self._store.update, KEY, change)
        self._has_passphrase = bool(passphrase)
        return True

    async def _secret(self, passphrase: str) -> bytes | None:
        """The key; None with another passphrase."""
        kept = _kept_key(self._store)
        self._has_passphrase = sealing.is_sealed(kept)
        try:
            return await sealing.open_key(self._crypto, passphrase, kept)
        except Damaged as error:
            raise JournalUnreadable(_unreadable(self._store, "damaged")) from error

    def _use(self, secret: bytes) -> None:
        self._sealing = AESGCM(_derive(secret, b"seal"))
        self._naming = _derive(secret, b"name")

    @staticmethod
    def erase(store: FileStore) -> None:
        """Delete it with all that is in it, whether it can be read or not; the key last.

        Raises:
            PortError: something cannot be deleted.
        """
        for name in (*_FILES, KEY):
            try:
                (store.folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise PortError(f"{store.folder / name}: {error.strerror}") from error

    async def heads(self) -> list[tuple[str, str, int, bytes]]:
        """The heads that can be unsealed."""

        def read() -> list[tuple[str, str, int, bytes]]:
            found = []
            for name, run, version, sealed in self._database.execute("select chat, run, version, data from heads"):
                data = self._unseal(sealed, b"head", name, run)
                if data is not None:
                    chat, _, head = data.partition(b"\n")
                    found.append((chat.decode(), run, version, head))
            return found

        return await self._do(read)

    async def read(self, chat: str, before: int | None, most: int) -> list[tuple[int, bytes]]:
        """The last segments before a position."""
        name = self._name(chat)

        def read() -> list[tuple[int, bytes]]:
            rows = self._database.execute(
                "select position, data from segments where chat = ? and position < ? order by position desc limit ?",
                (name, before if before is not None else 2**63 - 1, most),
            )
            return [(position, self._unseal(sealed, b"segment", name) or b"") for position, sealed in rows]

        return await self._do(read)

    async def read_first(self, chat: str, most: int) -> list[tuple[int, bytes]]:
        """The first segments that there are."""
        name = self._name(chat)

        def read() -> list[tuple[int, bytes]]:
            rows = self._database.execute(
                "select position, data from segments where chat = ? order by position limit ?", (name, most)
            )
            return [(position, self._unseal(sealed, b"segment", name) or b"") for position, sealed in rows]

        return await self._do(read)

    async def write(self, changes: Sequence[KeptChanges]) -> None:
        """All in one transaction."""

        def write() -> None:
            if self._is_erased():
                raise PortError("everything was deleted by another program")
            with self._database:
                for change in changes:
                    self._write(change)

        await self._do(write)

    def _write(self, change: KeptChanges) -> None:
        name, execute = self._name(change.conversation), self._database.execute
        self._version += 1
        head = self._seal(change.conversation.encode() + b"\n" + change.head, b"head", name, self._run)
        execute(
            "insert into heads values (?, ?, ?, ?)"
            " on conflict do update set version = excluded.version, data = excluded.data",
            (name, self._run, self._version, head),
        )
        for run, version in change.found:
            execute("delete from heads where chat = ? and run = ? and version = ?", (name, run, version))
        if change.segment is not None:
            segment = self._seal(change.segment, b"segment", name)
            execute("insert into segments (chat, data) values (?, ?)", (name, segment))

    async def merge(self, chat: str, segments: Sequence[tuple[int, bytes]], segment: bytes) -> None:
        """All in one transaction; what was there is overwritten in the file, as by `delete`."""
        name = self._name(chat)

        def merge() -> None:
            first, last = segments[0][0], segments[-1][0]
            with self._database:
                self._database.execute("begin immediate")  # nobody writes between the look and the change
                rows = self._database.execute(
                    "select position, data from segments where chat = ? and position between ? and ? order by position",
                    (name, first, last),
                )
                if [(position, self._unseal(sealed, b"segment", name)) for position, sealed in rows] != [*segments]:
                    return
                self._database.execute(
                    "delete from segments where chat = ? and position between ? and ?", (name, first, last)
                )
                sealed = self._seal(segment, b"segment", name)
                self._database.execute("insert into segments values (?, ?, ?)", (first, name, sealed))
            self._database.execute("pragma wal_checkpoint(truncate)")

        await self._do(merge)

    async def delete(self, chat: str, until: int | None = None) -> None:
        """Also from the file: what was there is overwritten (SQLite's secure_delete)."""
        name = self._name(chat)

        def delete() -> None:
            with self._database:
                if until is None:
                    self._database.execute("delete from heads where chat = ?", (name,))
                last = until if until is not None else 2**63 - 1
                self._database.execute("delete from segments where chat = ? and position <= ?", (name, last))
            self._database.execute("pragma wal_checkpoint(truncate)")

        await self._do(delete)

    def close(self) -> None:
        """Close the database once what is under way is done; once more does no harm."""
        with suppress(RuntimeError):  # it is closed
            self._thread.submit(self._database.close)
        self._thread.shutdown()

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.touch(0o600)
            for name in _FILES:
                check_unopened(self._path.with_name(name))
            database = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise PortError(f"{self._path}: {error}") from error
        try:
            # With a full sync each transaction outlasts a loss of power.
            database.executescript("pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on")
            [(version,)] = database.execute("pragma user_version")
            if version == 0:
                database.executescript(f"begin; {_TABLES} pragma user_version = {FORMAT}; commit")
            elif version != FORMAT:
                raise PortError(f"{self._path} was written by a newer pychat")
        except (sqlite3.Error, PortError) as error:
            database.close()
            raise PortError(f"{self._path}: {error}" if isinstance(error, sqlite3.Error) else str(error)) from error
        return database

    async def _do(self, work: Callable[[], Result]) -> Result:
        try:
            working = asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError as error:
            raise PortError("it is closed") from error
        try:
            return await working
        except sqlite3.Error as error:
            raise PortError(f"{self._path}: {error}") from error

    @property
    def _unlocked(self) -> AESGCM:
        if self._sealing is None:
            raise PortError("it is locked with a passphrase")
        return self._sealing

    def _name(self, chat: str) -> bytes:
        assert self._unlocked
        return hmac.digest(self._naming, chat.encode(), "sha256")[:16]

    def _seal(self, data: bytes, *belongs: bytes | str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._unlocked.encrypt(nonce, data, repr(belongs).encode())

    def _unseal(self, sealed: bytes, *belongs: bytes | str) -> bytes | None:
        try:
            return self._unlocked.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], repr(belongs).encode())
        except (InvalidTag, ValueError):
            return None


def is_sealed(store: FileStore) -> bool:
    """Whether what is kept wants a passphrase. Raises PortError when that cannot be read."""
    with suppress(ValueError):
        return sealing.is_sealed(base64.b64decode(store.load(KEY) or ""))
    return False


def _expect_key(store: FileStore) -> None:
    """See to it that no new key is made where something is kept already. Raises JournalUnreadable."""
    # Looked for again: whoever began at the same time has made it before anything was written.
    if store.load(KEY) is None and _has_contents(store.folder / FILE) and store.load(KEY) is None:
        raise JournalUnreadable(_unreadable(store, "missing"))


def _has_contents(path: Path) -> bool:
    """Whether something was written into a database; one that cannot be looked into counts as such."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT)) as database:
            [(version,)] = database.execute("pragma user_version")
            rows = "select 1 from heads union all select 1 from segments limit 1"
            return bool(version and database.execute(rows).fetchone())
    except sqlite3.Error:
        return True


def _unreadable(store: FileStore, what: str) -> str:
    return (
        f"the key of what was said before ({store.folder / KEY}) is {what}, so that it cannot be read. It is left as "
        "it is; `pychat reset --history` deletes it, and begins anew"
    )


def _kept_key(store: FileStore) -> bytes:
    """The key as it is kept, made at first: 32 bytes, or sealed with a passphrase."""
    text = store.save_first(KEY, base64.b64encode(secrets.token_bytes(_SIZE)).decode())
    try:
        kept = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        kept = b""
    if len(kept) != _SIZE and not sealing.is_sealed(kept):
        raise JournalUnreadable(_unreadable(store, "damaged"))
    return kept


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _SIZE, b"pychat journal", purpose).derive(secret)
