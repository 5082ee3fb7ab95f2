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
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{key}.", dir=self._folder)  # for its owner only
            try:
                with open(handle, "wb") as file:
                    file.write(text.encode())
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self._folder / key)
            except BaseException:
                os.unlink(name)
                raise
        except (OSError, UnicodeEncodeError) as error:
            raise PortError(_words(error, self._folder / key)) from error


def _words(error: OSError | UnicodeError, path: Path) -> str:
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else "it is no text"
    return f"{path}: {reason}"
