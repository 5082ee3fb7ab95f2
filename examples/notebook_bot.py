"""A notebook on your own machine, to write into from anywhere: `python examples/notebook_bot.py FILE PAGE`.

PAGE is the address of a page with pychat that has a relay. It prints a link, which works for as long as it runs. What
you send there is kept in the file, a line of JSON each; “?word” finds what has that word in it.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from pychat.client import Chat, ChatEnded, Message, Peer

MAX_FOUND = 20
MAX_TEXT = 7_000


def keep(file: Path, message: Message) -> str:
    """Add a note to the file; returns what to say about it."""
    try:
        with file.open("a", encoding="utf-8") as notes:
            print(json.dumps({"at": message.at.isoformat(), "text": message.text}), file=notes)
    except OSError as error:
        return f"That could not be kept: {error.strerror}."
    return "Kept."


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
    async for message in chat:
        if message.text.startswith("?"):
            found = list(islice(find(file, message.text[1:].strip()), MAX_FOUND))
            for answer in found or ["Nothing found."]:
                chat.send(answer)
        else:
            chat.send(keep(file, message))


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
