"""The file of a trace: its owner's alone, never emptied, and no reason to end anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pychat.native.trace import TraceFile

posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("what was there\n")
    old.chmod(0o644)
    for path in (new, old):
        file = TraceFile(str(path), pytest.fail)
        file.write("one")
        assert mode(path) == 0o600
        file.write("two")
        file.close()
        file.write("three")
    assert new.read_text() == "one\ntwo\n"
    assert old.read_text() == "what was there\none\ntwo\n"


def test_a_line_is_there_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    file = TraceFile(str(path), pytest.fail)
    file.write("one")
    assert path.read_text() == "one\n"
    file.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_told_once(tmp_path: Path) -> None:
    before = mode(Path("/dev/full"))
    told: list[str] = []
    file = TraceFile("/dev/full", told.append)
    for _ in range(3):
        file.write("one")
    file.close()
    assert told == ["The trace ends here, it cannot be written any more: No space left on device."]
    assert mode(Path("/dev/full")) == before  # a device is no file of ours


def test_what_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "trace"):
        with pytest.raises(OSError, match="directory"):
            TraceFile(str(path), pytest.fail)
