"""The journal in a file, and what becomes of it there; what every journal does is in tests/contracts/journal.py."""

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from pychat.core.effects import KeptChanges
from pychat.native.ports.crypto import NativeCrypto
from pychat.native.ports.journal import FILE, KEY, SqliteJournal
from pychat.native.ports.store import FileStore
from pychat.ports import JournalUnreadable, PortError

ROOT = Path(__file__).resolve().parents[2]
ANN, BOB = "conversation-with-ann", "conversation-with-bob"


def changes(chat: str, head: bytes, *segments: bytes, found: tuple[tuple[str, int], ...] = ()) -> list[KeptChanges]:
    return [KeptChanges(chat, head, segment, found) for segment in segments or (None,)]


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "pychat")


@pytest.fixture
def journal(store: FileStore) -> Iterator[SqliteJournal]:
    with contextlib.closing(SqliteJournal(store, NativeCrypto())) as journal:
        yield journal


@contextlib.contextmanager
def database(store: FileStore) -> Iterator[sqlite3.Connection]:
    """What is in the file, for whoever looks at it or changes it."""
    with contextlib.closing(sqlite3.connect(store.folder / FILE)) as opened:
        yield opened
        opened.commit()


def again(store: FileStore) -> contextlib.closing[SqliteJournal]:
    """As another run of the program finds it."""
    return contextlib.closing(SqliteJournal(store, NativeCrypto()))


def heads(journal: SqliteJournal) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for chat, _, _, head in asyncio.run(journal.heads()):
        found.setdefault(chat, []).append(head)
    return found


def segments(journal: SqliteJournal, chat: str, before: int | None = None, most: int = 100) -> list[bytes]:
    return [data for _, data in asyncio.run(journal.read(chat, before, most))]


def test_what_is_deleted_is_no_longer_in_the_file(store: FileStore, journal: SqliteJournal) -> None:
    asyncio.run(journal.write([*changes(ANN, b"", b"one"), *changes(BOB, b"", b"two")]))
    with database(store) as opened:
        [(sealed,)] = opened.execute("select data from segments limit 1")
    asyncio.run(journal.delete(ANN))

    assert heads(journal) == {BOB: [b""]}
    assert segments(journal, ANN) == []
    assert segments(journal, BOB) == [b"two"]
    assert sealed not in b"".join(path.read_bytes() for path in store.folder.iterdir())


def test_what_was_replaced_is_no_longer_in_the_file(store: FileStore, journal: SqliteJournal) -> None:
    asyncio.run(journal.write(changes(ANN, b"", b"one", b"two")))
    with database(store) as opened:
        [(sealed,)] = opened.execute("select data from segments limit 1")
    asyncio.run(journal.merge(ANN, asyncio.run(journal.read_first(ANN, 1)), b""))
    assert segments(journal, ANN) == [b"two", b""]
    assert sealed not in b"".join(path.read_bytes() for path in store.folder.iterdir())


def test_with_another_key_nothing_can_be_read(store: FileStore, journal: SqliteJournal) -> None:
    asyncio.run(journal.write(changes(ANN, b"head", b"one")))
    journal.close()
    store.save(KEY, base64.b64encode(bytes(32)).decode())

    with again(store) as other:
        assert heads(other) == {}
        assert segments(other, ANN) == []


def stored(store: FileStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.iterdir()}


@pytest.mark.parametrize(("key", "words"), [(None, "is missing"), ("", "is damaged"), ("no key", "is damaged")])
def test_without_its_key_it_is_told_and_stays_until_it_is_deleted(
    store: FileStore, journal: SqliteJournal, key: str | None, words: str
) -> None:
    asyncio.run(journal.write(changes(ANN, b"head")))
    journal.close()
    (store.folder / KEY).unlink()
    if key is not None:
        store.save(KEY, key)
    store.save("identity", "somebody")
    before = stored(store)
    for _ in range(2):
        with pytest.raises(JournalUnreadable, match=f"{words}.*pychat reset --history"):
            SqliteJournal(store, NativeCrypto())
        assert stored(store) == before

    SqliteJournal.erase(store)
    assert stored(store) == {"identity": b"somebody"}
    SqliteJournal.erase(store)  # once more does no harm
    with again(store) as other:
        assert heads(other) == {}
        asyncio.run(other.write(changes(ANN, b"new")))
    with again(store) as other:
        assert heads(other) == {ANN: [b"new"]}


def test_a_database_that_is_none_gets_no_key(store: FileStore) -> None:
    store.save("identity", "somebody")
    (store.folder / FILE).write_bytes(b"no database at all" * 1000)
    with pytest.raises(JournalUnreadable, match="missing"):
        SqliteJournal(store, NativeCrypto())
    assert sorted(stored(store)) == ["identity", FILE]


def test_an_empty_database_is_given_a_key(store: FileStore) -> None:
    store.save("identity", "somebody")
    (store.folder / FILE).touch(0o600)
    for _ in range(2):
        with again(store) as journal:
            assert heads(journal) == {}
        (store.folder / KEY).unlink()


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(store: FileStore) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()}


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such permissions")
def test_its_files_are_readable_by_their_owner_only(store: FileStore, no_umask: None) -> None:
    names = (KEY, FILE, f"{FILE}-wal", f"{FILE}-shm")
    with again(store) as one:
        asyncio.run(one.write(changes(ANN, b"head")))
        assert modes(store) == dict.fromkeys(names, 0o600)
        for name in names:
            (store.folder / name).chmod(0o644)
        with again(store) as other:
            assert heads(other) == {ANN: [b"head"]}
            assert modes(store) == dict.fromkeys(names, 0o600)
        for name in names:
            (store.folder / name).chmod(0o666)
            with pytest.raises(PortError, match="can be changed by other users"):
                SqliteJournal(store, NativeCrypto())
            (store.folder / name).chmod(0o600)


def test_a_newer_format_and_a_file_that_is_no_database_are_told_and_stay(store: FileStore) -> None:
    with again(store):
        pass
    path = store.folder / FILE
    with database(store) as opened:
        opened.execute("pragma user_version = 99")
    with pytest.raises(PortError, match="newer"):
        SqliteJournal(store, NativeCrypto())
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(PortError, match="not a database"):
        SqliteJournal(store, NativeCrypto())
    assert path.read_bytes().startswith(b"no database")


def test_a_full_disk_is_told_and_nothing_of_that_turn_is_there(store: FileStore, journal: SqliteJournal) -> None:
    asyncio.run(journal.write(changes(ANN, b"head", b"one")))
    journal._thread.submit(journal._database.execute, "pragma max_page_count = 10").result()
    with pytest.raises(PortError, match="full"):
        asyncio.run(journal.write([*changes(BOB, b"small"), *changes(ANN, b"other", bytes(100_000))]))
    assert heads(journal) == {ANN: [b"head"]}
    assert segments(journal, ANN) == [b"one"]

    journal._thread.submit(journal._database.execute, "pragma max_page_count = 1000").result()
    asyncio.run(journal.write(changes(ANN, b"other", b"two")))
    assert segments(journal, ANN) == [b"two", b"one"]


def test_once_everything_was_deleted_nothing_is_written(store: FileStore) -> None:
    store.save("identity", "somebody")
    store.belongs_to("identity", "somebody")
    with again(store) as journal:
        FileStore(store.folder).erase()
        with pytest.raises(PortError, match="deleted"):
            asyncio.run(journal.write(changes(ANN, b"head")))


WRITES = """
import asyncio, sys
from pathlib import Path
from random import Random
from pychat.core.effects import KeptChanges
from pychat.native.ports.crypto import NativeCrypto
from pychat.native.ports.journal import SqliteJournal
from pychat.native.ports.store import FileStore
journal = SqliteJournal(FileStore(Path(sys.argv[1])), NativeCrypto())
async def write():
    number = 0
    while True:
        number += 1
        data = b"%s %d" % (sys.argv[2].encode(), number)
        await journal.write([KeptChanges("ann", data, data, ())])
        print(number, flush=True)
asyncio.run(write())
"""


def writer(folder: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITES, str(folder), name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_what_was_written_is_there_when_two_programs_that_write_at_once_are_killed(store: FileStore) -> None:
    with again(store):
        pass  # what both find
    with writer(store.folder, "one") as one, writer(store.folder, "two") as two:
        told = []
        for program in (one, two):
            assert program.stdout is not None
            while int(program.stdout.readline()) < 20:
                pass
        for program in (one, two):
            assert program.stdout is not None
            os.kill(program.pid, signal.SIGKILL)
            lines = program.stdout.read().split()  # the last line may be cut off, and is then told in full below
            told.append(max([20, *map(int, lines)]))
    with again(store) as journal:
        for name, last in zip(("one", "two"), told, strict=True):
            written = [int(data.split()[1]) for data in segments(journal, "ann", most=10**6) if name.encode() in data]
            assert written == list(range(len(written), 0, -1))
            assert len(written) >= last
            assert b"%s %d" % (name.encode(), len(written)) in heads(journal)["ann"]


def cut(log: Path, kept: int, random: Random) -> None:
    """What a disk may have of a file of which the beginning was synced when the power went: anything of the rest."""
    data = bytearray(log.read_bytes())
    end = random.randint(kept, len(data))
    for _ in range(random.choice((0, 1, 20)) if end > kept else 0):
        data[random.randrange(kept, end)] = random.randrange(256)
    log.write_bytes(data[:end])


@pytest.mark.slow
def test_what_was_written_outlasts_a_loss_of_power_between_any_two_writes(store: FileStore, tmp_path: Path) -> None:
    """A write returns once the file beside the database, in which it is first, is synced up to there."""
    random, log = Random("power"), f"{FILE}-wal"
    states = []
    with again(store) as journal:
        for number in range(40):
            states.append(((store.folder / log).stat().st_size, shutil.copytree(store.folder, tmp_path / f"{number}")))
            head, segment = b"%d" % number, bytes([number]) * random.randint(1, 5_000)
            asyncio.run(journal.write([*changes(ANN, head, segment), *changes(BOB, head)]))
            if number % 7 == 0:
                asyncio.run(journal.delete("nobody"))  # which moves the log into the database
    for number, ((kept, _), (size, folder)) in enumerate(itertools.pairwise(states)):
        if size < kept:  # it was moved in between
            kept = 0
        cut(folder / log, kept, random)
        with again(FileStore(folder)) as journal:
            found = [data[0] for data in reversed(segments(journal, ANN))]
            assert found in ([*range(number)], [*range(number + 1)])
            last = [b"%d" % number for number in found[-1:]]
            assert heads(journal) == ({ANN: last, BOB: last} if found else {})
            asyncio.run(journal.write(changes(ANN, b"on", b"\xff")))
            assert segments(journal, ANN)[0] == b"\xff"
