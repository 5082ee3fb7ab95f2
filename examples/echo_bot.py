"""Says back whatever it hears: `python examples/echo_bot.py LINK` goes into a room.

With an invite instead of a link it prints the reply to hand back.
"""

import asyncio
import sys

from pychat import Peer


async def main(link: str) -> None:
    """Answer one person for as long as they stay."""
    async with Peer() as peer:
        chat = await peer.join(link)
        if chat.code:
            print(chat.code, flush=True)
        async for message in chat:
            chat.send(message.text)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
