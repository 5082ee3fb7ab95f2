"""Where the trace of a command goes: a file that only its owner can read."""

import os
import stat
from collections.abc import Callable

_OTHERS = 0o077
"""Bits of a mode by which others can do anything with a file."""


class TraceFile:
    """Takes lines. Each is written at once, so that a program that is killed has left them all.

    Args:
        path: what is in that file already stays.
        tell: takes a sentence, once, when no more can be written; nothing is from then on.

    Raises:
        OSError: it cannot be written, or others can read it and it is not ours to close.
    """

    def __init__(self, path: str, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._file: int | None = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            mode = os.fstat(self._file).st_mode
            if os.name == "posix" and stat.S_ISREG(mode) and mode & _OTHERS:
                os.fchmod(self._file, 0o600)
        except OSError:
            self.close()
            raise

    def write(self, line: str) -> None:
        """Write a line, if that can be done."""
        if self._file is None:
            return
        data = f"{line}\n".encode()
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.close()
            self._tell(f"The trace ends here, it cannot be written any more: {error.strerror}.")

    def close(self) -> None:
        """Write nothing from now on."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
