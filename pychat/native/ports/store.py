"""Small texts kept across runs, each in a file that only its owner can read.

Several programs of one person share the folder. Whoever writes holds its lock, which ends with the program that holds
it, so that of two changes neither is lost.
"""

import asyncio
import os
import shlex
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pychat.ports import PortError

if os.name == "posix":
    import fcntl

LOCK_TIMEOUT = 5.0
"""Seconds that another program may hold the lock."""
ERASED = "everything was deleted by another program"
WATCH_INTERVAL = 1.0
"""Seconds between two looks at what others have written."""

_READABLE, _CHANGEABLE = 0o055, 0o022
"""Bits of a mode by which others can read something, or go into a folder, and by which they can change it."""


class FileStore:
    """Implements `ports.Store`.

    Args:
        folder: where the files are; it is made when something is saved for the first time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner: tuple[str, str] | None = None

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def belongs_to(self, key: str, text: str) -> None:
        """Refuse from now on to save anything once this text is kept no more: another program has erased everything."""
        self._owner = key, text

    def is_erased(self) -> bool:
        """Whether another program has erased everything. Raises PortError when what is kept cannot be read."""
        return self._owner is not None and self.load(self._owner[0]) != self._owner[1]

    def load(self, key: str) -> str | None:
        """What the file of that name holds, or None. Raises PortError when it cannot be read."""
        path = self._folder / key
        try:
            _check_folder(self._folder)
            with path.open("rb") as file:
                _check_file(path, file.fileno())
                return file.read().decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise PortError(_words(error, path)) from error

    def save(self, key: str, text: str) -> None:
        """Write it whole or not at all: beside the old one first, then in its place."""
        self.update(key, lambda _: text)

    def update(self, key: str, change: Callable[[str | None], str]) -> None:
        """Replace a file by what `change` makes of it, under the lock of the folder."""
        try:
            self._make_folder()
            with self._locked():
                if self.is_erased():
                    raise PortError(ERASED)
                self._replace(key, change(self.load(key)))
        except (OSError, UnicodeEncodeError) as error:
            raise PortError(_words(error, self._folder / key)) from error

    async def follow(self, key: str, changed: Callable[[str], None], erased: Callable[[], None]) -> None:
        """Watch what other programs do, until cancelled.

        Args:
            changed: called with the text at first, and when another program, or this one, has saved it.
            erased: called once when another program has erased everything.
        """
        last: tuple[int, int, int] | None = None
        while True:
            await asyncio.sleep(WATCH_INTERVAL)
            try:
                if self.is_erased():
                    erased()
                    return
                state, before, last = self._state(key), last, self._state(key)
                text = self.load(key) if state != before else None
            except PortError:  # whoever saves next is told
                continue
            if text is not None:
                changed(text)

    def _state(self, key: str) -> tuple[int, int, int] | None:
        """What changes whenever a file is written again."""
        try:
            found = (self._folder / key).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def save_first(self, key: str, text: str) -> str:
        """Save it unless there is something already; returns what is kept then, by whoever was first.

        Raises:
            PortError: nothing can be kept, or what is there cannot be read.
        """
        try:
            self._make_folder()
            name = self._write(key, text)
            try:
                os.link(name, self._folder / key)
            except FileExistsError:
                return self.load(key) or ""
            finally:
                os.unlink(name)
        except (OSError, UnicodeEncodeError) as error:
            raise PortError(_words(error, self._folder / key)) from error
        return text

    def erase(self) -> None:
        """Delete everything that is kept. Raises PortError when something cannot be deleted; the rest is."""
        problem: tuple[OSError, Path] | None = None
        try:
            with self._locked():
                for path in self._folder.iterdir():
                    try:
                        path.unlink()
                    except OSError as error:
                        problem = error, path
        except FileNotFoundError:
            return
        except OSError as error:
            raise PortError(_words(error, self._folder)) from error
        if problem is not None:
            raise PortError(_words(*problem)) from problem[0]

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_folder(self._folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the folder; where the system has none, writing is still whole or not at all.

        Raises:
            PortError: another program holds it for too long.
        """
        if os.name != "posix":
            yield
            return
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._wait_for_lock(folder)
            yield
        finally:
            os.close(folder)

    def _wait_for_lock(self, folder: int) -> None:
        end = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() > end:
                    raise PortError(f"{self._folder}: another program of yours holds it") from error
                time.sleep(0.005)
            except OSError:  # such a file system has no locks
                return

    def _replace(self, key: str, text: str) -> None:
        name = self._write(key, text)
        try:
            os.replace(name, self._folder / key)
        except BaseException:
            os.unlink(name)
            raise

    def _write(self, key: str, text: str) -> str:
        """Write it whole to a file beside, which only its owner can read; returns its name."""
        handle, name = tempfile.mkstemp(prefix=f".{key}.", dir=self._folder)
        try:
            with open(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            os.unlink(name)
            raise
        return name


class MemoryStore:
    """Implements `ports.Store` for those who want nothing kept."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def belongs_to(self, key: str, text: str) -> None:
        """Nobody else can erase it."""

    def load(self, key: str) -> str | None:
        """What was saved, or None."""
        return self._texts.get(key)

    def save(self, key: str, text: str) -> None:
        """Keep a text as long as the program runs."""
        self._texts[key] = text

    def update(self, key: str, change: Callable[[str | None], str]) -> None:
        """Save what `change` makes of what was saved."""
        self.save(key, change(self.load(key)))

    def save_first(self, key: str, text: str) -> str:
        """Save a text unless there is one; return what is kept."""
        return self._texts.setdefault(key, text)


def _check_folder(folder: Path) -> None:
    """See to it that nobody else can look into the folder, or put something there.

    Raises:
        PortError: it is somebody else's, or others could have changed what is in it.
        OSError: there is none, or it cannot be closed.
    """
    if os.name == "posix":
        found = os.stat(folder)
        if found.st_mode & _CHANGEABLE and found.st_uid == os.geteuid() and not any(folder.iterdir()):
            os.chmod(folder, 0o700)  # nothing is there that they could have changed
            return
        _close(folder, folder, found)


def _check_file(path: Path, descriptor: int) -> None:
    """The same for a file, which is open so that no other can take its place meanwhile."""
    if os.name == "posix":
        _close(path, descriptor, os.fstat(descriptor))


def check_unopened(path: Path) -> None:
    """The same for a file, if there is one, that SQLite has open: whoever closes it beside releases SQLite's locks.

    Raises:
        PortError: it is somebody else's, or others could have changed it.
        OSError: it cannot be closed.
    """
    if os.name == "posix" and path.exists():
        _close(path, path, os.stat(path))


def _close(path: Path, place: Path | int, found: os.stat_result) -> None:
    """Close what others could read. What they could have written is not believed: it may be their key, or verdict."""
    if found.st_uid != os.geteuid():
        raise PortError(f"{path} belongs to another user, so it is not used")
    if found.st_mode & _CHANGEABLE:
        raise PortError(
            f"{path} can be changed by other users, so it is not used; if all in it is yours, “chmod go-rwx "
            f"{shlex.quote(str(path))}” closes it"
        )
    if found.st_mode & _READABLE:
        os.chmod(place, stat.S_IMODE(found.st_mode) & 0o700)


def _words(error: OSError | UnicodeError, path: Path) -> str:
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else "it is no text"
    return f"{path}: {reason}"
