"""A notebook on your own machine, to write into from anywhere: `python examples/notebook_bot.py FILE PAGE`.

PAGE is the address of a page with pychat that has a relay. It prints a link, which works for as long as it runs. What
you send there is kept in the file, a line of JSON each; “?word” finds what has that word in it. Edit it in the chat, or
delete it for both, and the file follows.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from pychat.client import Chat, ChatEnded, Peer
from pychat.said import Edited, Message, MessageId, Retracted

MAX_FOUND = 20
MAX_TEXT = 7_000


def keep(file: Path, message: Message) -> str:
    """Add a note to the file; returns what to say about it."""
    try:
        with file.open("a", encoding="utf-8") as notes:
            print(json.dumps({"at": message.at.isoformat(), "text": message.text, "id": message.id}), file=notes)
    except OSError as error:
        return f"That could not be kept: {error.strerror}."
    return "Kept."


def change(file: Path, id: MessageId, text: str | None) -> None:
    """Have a note say something else; None takes it out of the file."""
    notes = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
    left = [{**note, "text": text} if note["id"] == [*id] else note for note in notes]
    lines = [f"{json.dumps(note)}\n" for note in left if note["text"] is not None]
    new = file.with_name(f"{file.name}.new")
    new.write_text("".join(lines), "utf-8")
    new.replace(file)


def find(file: Path, word: str) -> Iterator[str]:
    """The notes with that word in them, the newest first."""
    if not file.exists():
        return
    for line in reversed(file.read_text("utf-8").splitlines()):
        note = json.loads(line)
        if word.casefold() in note["text"].casefold():
            yield f"{note['at'][:16]}\n{note['text'][:MAX_TEXT]}"


async def serve(chat: Chat, file: Path) -> None:
    """Take and find notes until the person leaves."""
    async for said in chat.events():
        match said:
            case Message() if said.text.startswith("?"):
                found = list(islice(find(file, said.text[1:].strip()), MAX_FOUND))
                for answer in found or ["Nothing found."]:
                    chat.send(answer)
            case Message():
                chat.send(keep(file, said), reply_to=said)
            case Edited():
                change(file, said.id, said.text)
            case Retracted():
                change(file, said.id, None)


async def main(file: Path, page: str) -> None:
    """Serve one visit after the other."""
    async with Peer() as peer:
        chat = await peer.room(page)
        print(f"Your link: {chat.link}", flush=True)
        while True:
            with suppress(ChatEnded):  # they left before the answer was there
                await serve(chat, file)
            chat = await peer.join(chat.link)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
