"""What a store of files does beside its contract: who may read them, and what becomes of them when writing fails."""

from __future__ import annotations

import asyncio
import os
import resource
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pychat.native.ports import store as store_module
from pychat.native.ports.crypto import NativeCrypto
from pychat.native.ports.store import FileStore
from pychat.ports import PortError

NOBODY = 65_534


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Let the system refuse to write more than so many bytes to a file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def somebody() -> Iterator[None]:
    """Be somebody for whom permissions count: they do not for root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that belongs to `somebody`."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


def test_only_their_owner_may_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "pychat"
    before = os.umask(0)
    try:
        FileStore(folder).save("settings", "secret")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "settings").stat().st_mode & 0o777 == 0o600


def test_it_stays_so_when_they_are_written_anew(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "pychat")
    store.save("settings", "old")
    (tmp_path / "pychat" / "settings").chmod(0o644)
    store.save("settings", "new")
    assert (tmp_path / "pychat" / "settings").stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_before_something_is_saved(tmp_path: Path) -> None:
    assert FileStore(tmp_path / "pychat").load("settings") is None
    assert list(tmp_path.iterdir()) == []


def test_nothing_but_the_text_is_left_behind(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for text in ("one", "two"):
        store.save("settings", text)
    assert [path.name for path in tmp_path.iterdir()] == ["settings"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.save("settings", "old")
    with small_files(1000), pytest.raises(PortError, match=r"settings: "):
        store.save("settings", "new" * 1000)
    assert store.load("settings") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["settings"]


def test_a_folder_that_cannot_be_written_leaves_what_was_there(place: Path) -> None:
    store = FileStore(place / "pychat")
    with somebody():
        store.save("settings", "old")
        (place / "pychat").chmod(0o500)
        with pytest.raises(PortError, match=r"settings: Permission denied"):
            store.save("settings", "new")
        assert store.load("settings") == "old"
        (place / "pychat").chmod(0o700)  # so that it can be removed


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PortError, match=r"settings: "):
        FileStore(tmp_path / "file" / "pychat").save("settings", "new")


def test_a_file_that_may_not_be_read_is_told(place: Path) -> None:
    store = FileStore(place)
    with somebody():
        store.save("settings", "secret")
        (place / "settings").chmod(0o000)
        with pytest.raises(PortError, match=r"settings: Permission denied"):
            store.load("settings")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "settings").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PortError, match=r"settings: it is no text"):
        FileStore(tmp_path).load("settings")


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    with pytest.raises(PortError, match=r"settings: "):
        FileStore(tmp_path).load("settings")
    with pytest.raises(PortError, match=r"settings: "):
        FileStore(tmp_path).save("settings", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["settings"]


def test_what_is_no_text_is_refused_and_leaves_what_was_there(tmp_path: Path) -> None:
    """Arguments of a command are such texts when they are not UTF-8."""
    store = FileStore(tmp_path)
    store.save("settings", "old")
    with pytest.raises(PortError, match=r"settings: it is no text"):
        store.save("settings", os.fsdecode(b"\xff"))
    assert store.load("settings") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["settings"]


def test_of_two_that_save_first_the_second_takes_what_is_there(tmp_path: Path) -> None:
    first, second = FileStore(tmp_path / "kept"), FileStore(tmp_path / "kept")
    assert first.save_first("identity", "one") == "one"
    assert second.save_first("identity", "two") == "one"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["identity"]
    assert stat.S_IMODE((tmp_path / "kept" / "identity").stat().st_mode) == 0o600


def test_two_programs_that_begin_at_once_are_one_person(tmp_path: Path) -> None:
    assert len({NativeCrypto.kept_in(FileStore(tmp_path)).public_key for _ in range(2)}) == 1


def test_what_can_be_deleted_is_also_when_something_else_cannot(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for key in ("contacts", "identity", "settings"):
        store.save(key, "text")
    (tmp_path / "a folder").mkdir()
    with pytest.raises(PortError, match="a folder"):
        store.erase()
    assert [path.name for path in tmp_path.iterdir()] == ["a folder"]


def test_a_folder_that_is_none_is_said_when_it_is_to_be_erased(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PortError, match="Not a directory"):
        FileStore(tmp_path / "file").erase()
    FileStore(tmp_path / "nowhere").erase()


# Several programs of one person.

COUNT_UP = """
import sys
from pathlib import Path
from pychat.native.ports.store import FileStore

store = FileStore(Path(sys.argv[1]))
for _ in range(50):
    store.update("count", lambda kept: str(int(kept or "0") + 1))
"""


@pytest.mark.slow
def test_of_changes_by_several_programs_at_once_none_is_lost(tmp_path: Path) -> None:
    programs = [subprocess.Popen([sys.executable, "-c", COUNT_UP, str(tmp_path / "kept")]) for _ in range(4)]

    assert [program.wait() for program in programs] == [0] * 4
    assert FileStore(tmp_path / "kept").load("count") == "200"


def test_a_lock_that_is_never_given_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "LOCK_TIMEOUT", 0.0)
    FileStore(tmp_path).save("settings", "old")
    with FileStore(tmp_path)._locked(), pytest.raises(PortError, match="another program of yours"):
        FileStore(tmp_path).save("settings", "new")
    FileStore(tmp_path).save("settings", "new")


@pytest.mark.parametrize("again", [False, True], ids=["nobody", "somebody new"])
def test_after_everything_was_erased_a_program_that_runs_on_writes_nothing_back(tmp_path: Path, again: bool) -> None:
    store = FileStore(tmp_path)
    NativeCrypto.kept_in(store)
    store.save("contacts", "[]")
    FileStore(tmp_path).erase()
    if again:
        NativeCrypto.kept_in(FileStore(tmp_path))
    with pytest.raises(PortError, match="deleted by another program"):
        store.save("contacts", "[]")
    assert [path.name for path in tmp_path.iterdir()] == ["identity"] * again


def test_what_another_program_writes_and_erases_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "WATCH_INTERVAL", 0.0)
    store, other = FileStore(tmp_path), FileStore(tmp_path)
    NativeCrypto.kept_in(store)

    async def follow() -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()
        following = asyncio.create_task(
            store.follow("contacts", heard.put_nowait, lambda: heard.put_nowait("(all is erased)"))
        )
        for text in ("one", "two"):
            other.save("contacts", text)
            assert await heard.get() == text
        other.erase()
        assert await heard.get() == "(all is erased)"
        await following

    asyncio.run(follow())


# What others could read or change.


def kept(folder: Path) -> FileStore:
    store = FileStore(folder)
    NativeCrypto.kept_in(store)
    for key in ("contacts", "settings"):
        store.save(key, "[]")
    return store


@pytest.mark.parametrize("key", ["identity", "contacts", "settings"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_closed(tmp_path: Path, key: str, mode: int) -> None:
    store, file = kept(tmp_path / "pychat"), tmp_path / "pychat" / key
    text = store.load(key)
    file.chmod(mode)
    assert store.load(key) == text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711])
def test_a_folder_that_others_can_look_into_is_closed(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "pychat"
    store = kept(folder)
    uses: list[Callable[[], object]] = [lambda: store.load("settings"), lambda: store.save("settings", "{}")]
    for use in uses:
        folder.chmod(mode)
        use()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("key", ["identity", "contacts", "settings"])
@pytest.mark.parametrize("mode", [0o660, 0o602, 0o666])
def test_a_file_that_others_can_change_is_not_used(tmp_path: Path, key: str, mode: int) -> None:
    store, file = kept(tmp_path / "pychat"), tmp_path / "pychat" / key
    before = file.read_text()
    file.chmod(mode)
    with pytest.raises(PortError, match=f"{key} can be changed by other users, so it is not used; .*“chmod go-rwx "):
        store.load(key)
    assert file.read_text() == before
    file.chmod(mode & ~0o077)  # what the sentence says
    assert store.load(key) == before


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_can_change_is_not_used_and_can_be_erased(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "pychat"
    store = kept(folder)
    folder.chmod(mode)
    uses: list[Callable[[], object]] = [
        lambda: store.load("identity"),
        lambda: store.save("settings", "{}"),
        lambda: NativeCrypto.kept_in(store),
    ]
    for use in uses:
        with pytest.raises(PortError, match="pychat can be changed by other users, so it is not used"):
            use()
    store.erase()
    NativeCrypto.kept_in(store)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give something to somebody else")
@pytest.mark.parametrize("what", [".", "identity", "contacts"])
def test_what_belongs_to_somebody_else_is_not_used(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "pychat"
    store = kept(folder)
    os.chown(folder / what, NOBODY, NOBODY)
    with pytest.raises(PortError, match="belongs to another user, so it is not used"):
        store.load("identity" if what == "." else what)
