"""`pychat export --chat`: a conversation as a file."""

import asyncio
import os
from datetime import datetime
from pathlib import Path

from pychat.client import make_driver
from pychat.core import events
from pychat.core.webrtc.ice import IceConfig
from pychat.exit_codes import Exit, Failure, say
from pychat.native.ports.peer import NativeConnect
from pychat.native.ports.store import FileStore
from pychat.ui import export, strings
from pychat.ui.app import App
from pychat.ui.export import Exported
from pychat.ui.settings import Settings

_FORMATS = {".md": export.markdown, ".html": export.html}


async def export_chat(store: FileStore, settings: Settings, name: str, path: Path, passphrase: str) -> Exit:
    """Write the conversation with somebody into a new file, which its owner alone can read.

    Raises:
        Failure: there is no such conversation, or it cannot be written.
        PortError: what is kept cannot be read.
    """
    write = _FORMATS.get(path.suffix.lower())
    if write is None:
        raise Failure(Exit.USAGE, f"{path}: the name of the file ends with .md or .html.")
    exported = await _read(store, settings, name, passphrase)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(write(exported, datetime.now()))
    except FileExistsError as error:
        raise Failure(Exit.USAGE, f"{path} is there already, and stays as it is.") from error
    except OSError as error:
        raise Failure(Exit.FAILED, f"cannot write {path}: {error.strerror or error}.") from error
    if exported.note:
        say(exported.note)
    print(f"{path}: {len(exported.messages):,} messages. {strings.EXPORT_NOTE}")
    return Exit.DONE


async def _read(store: FileStore, settings: Settings, name: str, passphrase: str) -> Exported:
    connect, turned = NativeConnect(), asyncio.Event()
    driver = await make_driver(
        store,
        connect,
        turned.set,
        name=settings.name,
        ice=IceConfig(),
        keep_for=settings.keep_for,
        passphrase=passphrase,
    )
    try:
        app = App(driver.node)
        people = [person for person in app.view(None).people if person.name.casefold() == name.casefold()]
        if len(people) != 1:
            there = ", ".join(person.name for person in app.view(None).people) or "nobody"
            problem = "There are several of that name." if people else "There is nobody of that name."
            raise Failure(Exit.USAGE, f"{problem} You have talked to {there}.")
        driver.post(events.Export(people[0].conversation))
        driver.turn()
        while (exported := app.exported) is None:
            turned.clear()
            await turned.wait()
        return exported
    finally:
        driver.close()
        await driver.finish()
        await connect.finish()
