"""`pychat passphrase`, `pychat backup`, `pychat restore`: all that is kept, sealed, in a file, and back."""

import asyncio
import getpass
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

from pychat import backup
from pychat.exit_codes import Exit, Failure, say
from pychat.native.ports.crypto import NativeCrypto
from pychat.native.ports.journal import SqliteJournal
from pychat.native.ports.store import FileStore
from pychat.passphrase import Damaged, NewerVersion, WrongPassphrase
from pychat.ui import vault as words

TRIES = 3
"""How often a person may type a passphrase."""
_READ_AT_ONCE = 1024 * 1024


async def unlocking(store: FileStore, given: Path | None) -> str:
    """The passphrase that opens what is kept.

    Args:
        given: a file whose first line it is; without one it is asked for.

    Raises:
        Failure: it is not the one, or there is nobody to ask.
        PortError: what is kept cannot be read.
    """
    with closing(SqliteJournal(store, NativeCrypto())) as journal:
        return await _unlock(journal, given)


async def change_passphrase(store: FileStore, given: Path | None) -> Exit:
    """Set a passphrase, change it, or remove it. Raises Failure, PortError."""
    with closing(SqliteJournal(store, NativeCrypto.kept_in(store))) as journal:
        current = await _unlock(journal, given)
        say(words.PASSPHRASE_SET if current else words.PASSPHRASE_NOTE)
        say(f"{words.COST} {words.FORGOTTEN}")
        new = _ask_for_new("New passphrase (empty: none): ", may_be_none=bool(current))
        if not await journal.lock(new, current):
            raise Failure(Exit.FAILED, "Another program has changed the passphrase meanwhile. Nothing is changed here.")
    say("pychat asks for it from now on." if new else "pychat opens without a passphrase from now on.")
    return Exit.DONE


async def back_up(store: FileStore, given: Path | None, path: Path) -> Exit:
    """Write a new file with everything, which its owner alone can read. Raises Failure, PortError."""
    crypto = NativeCrypto.kept_in(store)
    with closing(SqliteJournal(store, crypto)) as journal:
        await _unlock(journal, given)
        secret = _first_line(given) if given is not None else _ask_for_new("Passphrase for the file: ")
        if problem := words.problem(secret, secret):
            raise Failure(Exit.USAGE, problem)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except FileExistsError as error:
            raise Failure(Exit.USAGE, f"{path} is there already, and stays as it is.") from error
        except OSError as error:
            raise Failure(Exit.FAILED, f"cannot write {path}: {error.strerror or error}.") from error
        try:
            with open(handle, "wb") as file:
                async for piece in backup.make(journal, store, crypto, secret, time.time()):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except BaseException as error:
            path.unlink(missing_ok=True)  # half a backup is none
            if isinstance(error, OSError):
                raise Failure(Exit.FAILED, f"cannot write {path}: {error.strerror or error}.") from error
            raise
    print(f"{path}: {path.stat().st_size:,} bytes, sealed with the passphrase.")
    return Exit.DONE


async def restore(store: FileStore, given: Path | None, path: Path) -> Exit:
    """Take in what is in a file. Raises Failure, PortError."""
    crypto = NativeCrypto.kept_in(store)
    with closing(SqliteJournal(store, crypto)) as journal:
        await _unlock(journal, given)
        secret = _first_line(given) if given is not None else _ask("Passphrase of the file: ")
        try:
            restored = await backup.restore(_pieces(path), secret, journal, store, crypto)
        except WrongPassphrase as error:
            raise Failure(Exit.USAGE, words.WRONG_FOR_FILE) from error
        except NewerVersion as error:
            raise Failure(Exit.USAGE, words.NEWER) from error
        except Damaged as error:
            raise Failure(Exit.USAGE, words.NOT_A_BACKUP) from error
        except OSError as error:
            raise Failure(Exit.USAGE, f"cannot read {path}: {error.strerror or error}.") from error
    print(words.told(restored))
    return Exit.DONE if restored.is_whole else Exit.FAILED


async def _unlock(journal: SqliteJournal, given: Path | None) -> str:
    if not journal.is_locked:
        return ""
    if given is not None:
        secret = _first_line(given)
        if not await journal.unlock(secret):
            raise Failure(Exit.FAILED, f"{given}: {words.WRONG}")
        return secret
    for _ in range(TRIES):
        secret = _ask("Passphrase: ")
        if await journal.unlock(secret):
            return secret
        say(words.WRONG)
    raise Failure(Exit.FAILED, "What was said stays locked. “pychat reset” deletes it, with all else that is kept.")


def _ask(prompt: str) -> str:
    """Ask on the terminal, also where standard input is a pipe."""
    if not _has_terminal():
        raise Failure(Exit.USAGE, "There is no terminal to ask for the passphrase. Use --passphrase-file FILE.")
    try:
        return getpass.getpass(prompt, stream=sys.stderr)
    except EOFError as error:
        raise KeyboardInterrupt from error  # Ctrl-D


def _has_terminal() -> bool:
    """Whether there is a place where what is typed is not shown; elsewhere getpass would read standard input."""
    if os.name != "posix":
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return sys.stdin is not None and sys.stdin.isatty()
    return True


def _ask_for_new(prompt: str, *, may_be_none: bool = False) -> str:
    for _ in range(TRIES):
        new = _ask(prompt)
        if may_be_none and not new:
            return ""
        problem = words.problem(new, new) or words.problem(new, _ask("The same again: "))
        if not problem:
            return new
        say(problem)
    raise Failure(Exit.USAGE, "Nothing is changed.")


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(Exit.USAGE, f"cannot read the passphrase in {path}: {error}.") from error


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _READ_AT_ONCE):
            yield piece
