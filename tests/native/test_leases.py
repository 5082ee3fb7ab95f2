"""What leases that are files do beside their contract: what becomes of them when programs end without a word."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pychat.native.ports.leases import FileLeases
from pychat.native.ports.store import FileStore

NAME, OTHER = "0" * 32, "1" * 32
HOLD = """
import asyncio, sys
from pathlib import Path
from pychat.native.ports.leases import FileLeases
leases = FileLeases(Path(sys.argv[1]))
print(asyncio.run(leases.take(sys.argv[2])), flush=True)
sys.stdin.read()
"""


def take(leases: FileLeases, name: str = NAME) -> bool:
    return asyncio.run(leases.take(name))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_what_another_program_holds_is_free_as_soon_as_it_is_killed(tmp_path: Path) -> None:
    leases = FileLeases(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path), NAME]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert not take(leases)
        assert take(leases, OTHER)
        other.kill()
        other.wait()
        assert take(leases)
    leases.release(NAME)
    leases.release(OTHER)
    assert names(tmp_path) == []


def test_what_a_killed_program_has_left_is_deleted_and_what_is_held_is_not(tmp_path: Path) -> None:
    (tmp_path / f"lease-{NAME}").touch()
    (tmp_path / "contacts").touch()
    first, second = FileLeases(tmp_path), FileLeases(tmp_path)
    assert take(first, OTHER)
    assert names(tmp_path) == ["contacts", f"lease-{OTHER}"]
    assert stat.S_IMODE((tmp_path / f"lease-{OTHER}").stat().st_mode) == 0o600
    assert take(second)
    assert not take(second, OTHER)


def test_after_a_reset_a_running_program_writes_no_lease(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "kept")
    store.save("identity", "mine")
    store.belongs_to("identity", "mine")
    leases = FileLeases(store.folder, store.is_erased)
    assert take(leases)
    FileStore(store.folder).erase()

    assert take(leases, OTHER)
    assert names(store.folder) == []


def test_a_lease_whose_file_was_deleted_stays_with_whoever_has_it_until_another_takes_it(tmp_path: Path) -> None:
    first, second = FileLeases(tmp_path), FileLeases(tmp_path)
    assert take(first)
    (tmp_path / f"lease-{NAME}").unlink()  # by `pychat reset`
    assert take(first)
    assert take(second)
    first.release(NAME)
    assert not take(first)


def test_without_a_folder_nobody_can_tell(tmp_path: Path) -> None:
    leases = FileLeases(tmp_path / "none")
    assert take(leases)
    leases.release(NAME)
    assert not (tmp_path / "none").exists()
