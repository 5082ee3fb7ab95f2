"""Says back whatever it hears: `python examples/echo_bot.py INVITE` prints the reply to hand back."""

import asyncio
import sys

from pychat.library import Peer


async def main(invite: str) -> None:
    """Answer one person for as long as they stay."""
    async with Peer() as peer:
        chat = await peer.join(invite)
        print(chat.code, flush=True)
        async for message in chat:
            chat.send(message.text)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
