"""pychat in a pipe: lines of standard input are messages, messages are lines of standard output, and nothing else is.

The code or the link to hand over goes to standard error, alone on its line; whatever else is told there begins with
“pychat: ”. An invite, a reply or a link that is wanted is read from the first lines of the input.
"""

import asyncio
import codecs
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from pychat.core.errors import CodeProblem, MessageProblem
from pychat.core.link import Ending, Phase
from pychat.core.log import MAX_TEXT
from pychat.exits import Exit, Failure, say, say_alone
from pychat.library import Chat, ChatEnded, CodeRefused, Message, MessageRefused, Peer
from pychat.native.messages import json_line, one_line
from pychat.ui import words

_Result = TypeVar("_Result")

_CHUNK = 65_536
_AT_ONCE = 1_000
"""Lines after which the connection gets its turn, however many are waiting."""
_MORE_MAY_HELP = (CodeProblem.EMPTY, CodeProblem.NOT_A_CODE, CodeProblem.CUT_SHORT)
_BEFORE_CODE = 2_000
"""Characters of the input among which a code must be found."""


async def invite(peer: Peer, *, stay: bool, as_json: bool) -> None:
    """Make an invite, take the reply from the input, and pass lines. The rest is as with `join`."""
    source = _Input()
    try:
        chat = await peer.invite()
        _hand_over(chat, chat.code)
        await _read_code(source, chat.accept)
    except (CodeRefused, ChatEnded) as error:
        raise _failure(error) from error
    await _pass_lines(chat, source, stay=stay, as_json=as_json)


async def room(peer: Peer, page: str, *, stay: bool, as_json: bool) -> None:
    """Open a room at the relay of a page, and pass lines. The rest is as with `join`."""
    source = _Input()
    chat = await peer.room(page)
    _hand_over(chat, chat.link)
    await _pass_lines(chat, source, stay=stay, as_json=as_json)


async def join(peer: Peer, code: str | None, *, page: str, stay: bool, as_json: bool) -> None:
    """Take an invite or the link of a room, and pass lines until one of the two sides has no more to say.

    Args:
        code: the invite or the link; None reads it from the input.
        page: with the relay for a room's code that is in no link; or "".
        stay: at the end of the input go on until the other side leaves.
        as_json: write messages as JSON.

    Raises:
        Failure: it did not come to a good end.
    """
    source = _Input()
    try:
        take = partial(peer.join, page=page)
        chat = await (_read_code(source, take) if code is None else take(code))
    except (CodeRefused, ChatEnded) as error:
        raise _failure(error) from error
    _hand_over(chat, chat.code)
    await _pass_lines(chat, source, stay=stay, as_json=as_json)


def _hand_over(chat: Chat, code: str) -> None:
    say(": ".join(chat.status))
    if code:
        say_alone(code)


async def _read_code(source: "_Input", take: Callable[[str], Awaitable[_Result]]) -> _Result:
    """Give the first lines of the input to `take`: as many as it needs, for a code may be broken into several.

    Others may stand before it, as in a letter.
    """
    text = ""
    refused = CodeRefused(CodeProblem.EMPTY)
    while (line := await source.line()) is not None:
        text += f"{line}\n"
        try:
            return await take(text)
        except CodeRefused as error:
            refused = error
            if error.problem not in _MORE_MAY_HELP or len(text) > _BEFORE_CODE:
                raise
    raise refused


async def _pass_lines(chat: Chat, source: "_Input", *, stay: bool, as_json: bool) -> None:
    refusing = asyncio.gather(_refuse_namesake(chat), _leave_if_refused(chat))
    telling = asyncio.create_task(_tell(chat))
    sending = asyncio.create_task(_send_and_leave(chat, source, stay=stay))
    try:
        await _receive(chat, as_json=as_json)  # until the chat has ended
        await refusing
        if sending.done():
            sending.result()
    finally:
        refusing.cancel()
        telling.cancel()
        sending.cancel()
    ending = chat.ending
    assert ending is not None
    if chat.undelivered:
        raise Failure(_status(chat), f"{_sentence(ending)} {words.undelivered(chat.undelivered)}")
    if ending not in (Ending.LEFT, Ending.PEER_LEFT):
        raise Failure(_status(chat), _sentence(ending))


async def _send_and_leave(chat: Chat, source: "_Input", *, stay: bool) -> None:
    try:
        await _send(chat, source, stay=stay)
    finally:
        chat.close()


async def _send(chat: Chat, source: "_Input", *, stay: bool) -> None:
    number, sent = 0, 0
    with suppress(ChatEnded):  # how it ended is told in the end
        while (line := await source.line()) is not None:
            number += 1
            parts = [line[at : at + MAX_TEXT] for at in range(0, len(line), MAX_TEXT)]
            if len(parts) > 1:
                say(f"Line {number:,} has {len(line):,} characters; it goes out in {len(parts)} messages.")
            for part in parts:
                await _write(chat, part)
            sent += len(parts)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        if not sent and not stay:
            raise Failure(
                Exit.USAGE, "The standard input is empty: there is nothing to send. To only receive, use --stay."
            )
        await chat.delivered()
        if stay:
            await chat.ended()


async def _write(chat: Chat, text: str) -> None:
    """Write a message; where too many wait to arrive, so does the input."""
    try:
        chat.send(text)
    except MessageRefused as error:
        if error.problem is not MessageProblem.FULL:
            raise
        await chat.delivered()
        chat.send(text)


async def _receive(chat: Chat, *, as_json: bool) -> None:
    sink = _Output()
    async for message in chat:
        await sink.write(_line(message, as_json=as_json))


def _line(message: Message, *, as_json: bool) -> str:
    return (json_line(message.text, message.at) if as_json else one_line(message.text)) + "\n"


async def _tell(chat: Chat) -> None:
    status, link = chat.status, chat.link
    async for _ in chat.changes():
        if chat.link not in ("", link):
            link = chat.link
            say(words.RENEWED)
            say_alone(link)
        if chat.status == status:
            continue
        status = chat.status
        say(": ".join(status))
        if chat.phase is Phase.OPEN and chat.person is not None and chat.signs is not None:
            signs = ", ".join(emoji.name for emoji in chat.signs.emoji)
            say(f"{words.TRUST[chat.person.trust][0]}. The signs are {signs}; as a number {chat.signs.number}.")


async def _refuse_namesake(chat: Chat) -> None:
    """Nobody is there to heed a warning: whoever goes by the name of somebody known gets nothing."""
    warning = await chat.warned()
    if warning:
        chat.close()
        raise Failure(Exit.NOT_TRUSTED, warning)


async def _leave_if_refused(chat: Chat) -> None:
    """Whoever began a script wants to know that nobody will hear it, rather than wait for a seat."""
    sentence = await chat.refused()
    if sentence:
        chat.close()
        raise Failure(Exit.NOT_CONNECTED, sentence)


def _failure(error: CodeRefused | ChatEnded) -> Failure:
    if isinstance(error, CodeRefused):
        return Failure(Exit.CODE, str(error))
    return Failure(Exit.FAILED, str(error))


def _status(chat: Chat) -> Exit:
    if chat.ending is Ending.NOT_PROVED:
        return Exit.NOT_TRUSTED
    return Exit.NOT_DELIVERED if chat.was_open else Exit.NOT_CONNECTED


def _sentence(ending: Ending) -> str:
    return ": ".join(words.ENDINGS[ending])


class _Input:
    """The lines of standard input.

    A thread reads them: a file, a pipe and a terminal can be waited for in one way only so, on every system. It never
    reads more than one piece ahead.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._wanted = threading.Semaphore()
        self._lines: list[str] = []
        self._rest = ""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._ended = sys.stdin is None
        if not self._ended:
            threading.Thread(target=self._read, args=(sys.stdin.fileno(),), daemon=True).start()

    async def line(self) -> str | None:
        """The next line without its end; None when there is no more."""
        while not self._lines and not self._ended:
            piece = await self._pieces.get()
            self._wanted.release()
            self._ended = not piece
            *lines, self._rest = (self._rest + self._decode(piece, self._ended)).split("\n")
            self._lines = [line.removesuffix("\r") for line in reversed(lines)]
            if self._ended and self._rest:
                self._lines.insert(0, self._rest.removesuffix("\r"))
        return self._lines.pop() if self._lines else None

    def _read(self, descriptor: int) -> None:
        piece = b"\n"
        while piece:
            self._wanted.acquire()
            try:
                piece = os.read(descriptor, _CHUNK)
            except OSError:
                piece = b""
            with suppress(RuntimeError):  # the loop has ended, nobody wants to know any more
                self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)


class _Output:
    """Standard output. A thread writes, so that a reader that takes its time holds up nothing but this."""

    def __init__(self) -> None:
        if sys.stdout is None:
            raise _closed()
        self._loop = asyncio.get_running_loop()
        self._work: SimpleQueue[tuple[bytes, asyncio.Future[None]]] = SimpleQueue()
        threading.Thread(target=self._write, args=(sys.stdout.fileno(),), daemon=True).start()

    async def write(self, text: str) -> None:
        """Write it, and wait until that is done. Raises Failure when nobody reads any more."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._work.put((text.encode(), done))
        await done

    def _write(self, descriptor: int) -> None:
        while True:
            data, done = self._work.get()
            error: Failure | None = None
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
            except OSError:
                error = _closed()
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(_settle, done, error)


def _settle(done: "asyncio.Future[None]", error: Failure | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(None)


def _closed() -> Failure:
    return Failure(Exit.OUTPUT_CLOSED, "The standard output was closed: nobody reads what arrives.")
