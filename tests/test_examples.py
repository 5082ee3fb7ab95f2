"""The examples, run as a person runs them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from pychat.library import Chat, Peer

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120  # far more than anything here takes; only so that a hung process does not hang the tests


async def start(example: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "examples" / example), *arguments),
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def next_word(process: asyncio.subprocess.Process) -> str:
    """The last word of the next line."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().split()[-1]


async def texts(chat: Chat, count: int) -> list[str]:
    found = []
    async for message in chat:
        found.append(message.text)
        if len(found) == count:
            break
    return found


@pytest.mark.slow
def test_the_echo_bot_says_back_what_it_hears() -> None:
    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), Peer() as peer:
            chat = await peer.invite()
            bot = await start("echo_bot.py", chat.code)
            await chat.accept(await next_word(bot))
            for text in ("one", "two\nlines", "👋🏽"):
                chat.send(text)
            assert await texts(chat, 3) == ["one", "two\nlines", "👋🏽"]
            chat.close()
            assert await bot.wait() == 0
            assert bot.stderr is not None
            assert await bot.stderr.read() == b""

    asyncio.run(scenario())


@pytest.mark.slow
def test_the_notebook_keeps_and_finds_and_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "notes"

    async def visit(peer: Peer, bot: asyncio.subprocess.Process) -> Chat:
        chat = await peer.join(await next_word(bot))
        assert bot.stdin is not None
        bot.stdin.write(f"{chat.code}\n".encode())
        return chat

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), Peer() as peer:
            bot = await start("notebook_bot.py", str(file))
            chat = await visit(peer, bot)
            for text in ("?milk", "buy milk", "call Ann", "?MILK"):
                chat.send(text)
            found = await texts(chat, 4)
            assert found[:3] == ["Nothing found.", "Kept.", "Kept."]
            assert found[3].endswith("\nbuy milk")
            chat.close()

            chat = await visit(peer, bot)
            chat.send("?call")
            (answer,) = await texts(chat, 1)
            assert answer.endswith("\ncall Ann")
            chat.close()
            bot.kill()
            await bot.communicate()

    asyncio.run(scenario())
    assert [json.loads(line)["text"] for line in file.read_text().splitlines()] == ["buy milk", "call Ann"]
