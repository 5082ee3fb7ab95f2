"""Small texts kept across runs, each in a file that only its owner can read."""

import os
import tempfile
from pathlib import Path

from pychat.ports import PortError


class FileStore:
    """Implements `ports.Store`.

    Args:
        folder: where the files are; it is made when something is saved for the first time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> str | None:
        try:
            return (self._folder / key).read_bytes().decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise PortError(_words(error, self._folder / key)) from error

    def save(self, key: str, text: str) -> None:
        """Write it whole or not at all: beside the old one first, then in its place."""
        try:
            name = self._write(key, text)
            try:
                os.replace(name, self._folder / key)
            except BaseException:
                os.unlink(name)
                raise
        except (OSError, UnicodeEncodeError) as error:
            raise PortError(_words(error, self._folder / key)) from error

    def save_first(self, key: str, text: str) -> str:
        """Save it unless there is something already; returns what is kept then, by whoever was first.

        Raises:
            PortError: nothing can be kept, or what is there cannot be read.
        """
        try:
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
            paths = list(self._folder.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise PortError(_words(error, self._folder)) from error
        for path in paths:
            try:
                path.unlink()
            except OSError as error:
                problem = error, path
        if problem is not None:
            raise PortError(_words(*problem)) from problem[0]

    def _write(self, key: str, text: str) -> str:
        """Write it whole to a file beside, which only its owner can read; returns its name."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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

    def load(self, key: str) -> str | None:
        return self._texts.get(key)

    def save(self, key: str, text: str) -> None:
        self._texts[key] = text

    def save_first(self, key: str, text: str) -> str:
        return self._texts.setdefault(key, text)


def _words(error: OSError | UnicodeError, path: Path) -> str:
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else "it is no text"
    return f"{path}: {reason}"
