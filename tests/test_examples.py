"""The examples, run as a person runs them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from pychat.client import Chat, Peer
from tests.server.conftest import StartRelay, site, start_relay  # noqa: F401 (fixtures)

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
def test_the_echo_bot_comes_into_a_room(start_relay: StartRelay) -> None:  # noqa: F811
    page = start_relay().url

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), Peer() as peer:
            chat = await peer.room(page)
            bot = await start("echo_bot.py", chat.link)
            chat.send("one")
            assert await texts(chat, 1) == ["one"]
            chat.close()
            assert await bot.communicate() == (b"", b"")
            assert bot.returncode == 0

    asyncio.run(scenario())


@pytest.mark.slow
def test_the_notebook_keeps_and_finds_and_is_there_again(tmp_path: Path, start_relay: StartRelay) -> None:  # noqa: F811
    page, file = start_relay().url, tmp_path / "notes"

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), Peer() as peer, Peer() as other:
            bot = await start("notebook_bot.py", str(file), page)
            link = await next_word(bot)
            chat = await peer.join(link)
            nothing, milk, _, wrong, _ = [
                chat.send(text) for text in ("?milk", "buy mlk", "call Ann", "forget me", "?call")
            ]
            found = await texts(chat, 5)
            assert found[:4] == ["Nothing found.", "Kept.", "Kept.", "Kept."]
            assert found[4].endswith("\ncall Ann")
            chat.edit(milk, "buy milk")
            chat.retract(wrong)
            chat.edit(nothing, "?MILK")  # what is no note is none when it is edited
            chat.send("?MILK")
            (answer,) = await texts(chat, 1)
            assert answer.endswith("\nbuy milk")
            chat.close()

            for guest in (other, peer):
                chat = await guest.join(link)
                chat.send("?call")
                (answer,) = await texts(chat, 1)
                assert answer.endswith("\ncall Ann")
                await chat.delivered()
                chat.close()
            bot.kill()
            await bot.communicate()

    asyncio.run(scenario())
    assert [json.loads(line)["text"] for line in file.read_text().splitlines()] == ["buy milk", "call Ann"]
