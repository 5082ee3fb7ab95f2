"""Names that only one program of a person holds at a time: locks on files in the person's folder.

The lock of a file (flock(2)) ends with the program that holds it, however that ends. The file is deleted by whoever
gives the name back; what a program that was killed has left is deleted by the next one.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pychat.ports import PortError

if os.name == "posix":
    import fcntl

_PREFIX = "lease-"


class FileLeases:
    """Implements `ports.Leases`. Where the system has no such locks nobody can tell.

    Args:
        folder: where the person's files are; as long as there is none there are no other programs either.
        is_erased: whether another program has deleted them all; then nothing is written there any more.
    """

    def __init__(self, folder: Path, is_erased: Callable[[], bool] = lambda: False) -> None:
        self._folder = folder
        self._is_erased = is_erased
        self._held: dict[str, int] = {}

    async def take(self, name: str) -> bool:
        """Lock the file of that name without waiting; True where there are no locks."""
        if os.name != "posix":
            return True
        try:
            self._clear_up()
            if name not in self._held and not self._is_erased():
                locked = _lock(self._folder / (_PREFIX + name), create=True)
                if locked is None:
                    return False
                self._held[name] = locked
        except (OSError, PortError):  # no folder, none that can be read, or such a file system has no locks
            return True
        return True

    def release(self, name: str) -> None:
        """Delete the file and unlock it, if this program holds it."""
        locked = self._held.pop(name, None)
        if locked is not None:
            _delete(self._folder / (_PREFIX + name), locked)

    def _clear_up(self) -> None:
        """Delete what nobody holds any more."""
        for path in self._folder.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                locked = _lock(path, create=False)
                if locked is not None:
                    _delete(path, locked)


def _lock(path: Path, *, create: bool) -> int | None:
    """Lock a file; None when another one holds it.

    Raises:
        OSError: it cannot be locked.
    """
    while True:
        file = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                return file
        except BlockingIOError:
            os.close(file)
            return None
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # it was deleted meanwhile: the next one is another file


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _delete(path: Path, locked: int) -> None:
    with suppress(OSError):
        if _is_at(path, locked):
            path.unlink()
    os.close(locked)
