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
from typing import TextIO, TypeVar

from pychat.client import Chat, ChatEnded, CodeRefused, MessageGone, MessageRefused, Peer, check_code
from pychat.core.errors import CodeProblem, MessageProblem
from pychat.core.link import CloseReason, LinkPhase
from pychat.core.log import MAX_TEXT
from pychat.exit_codes import Exit, Failure, say, say_alone
from pychat.json_lines import Events, do
from pychat.native.screens.sanitize import author_tag, one_line, paragraph
from pychat.said import Message
from pychat.ui import strings
from pychat.ui.strings import Trust

_Result = TypeVar("_Result")

_CHUNK = 65_536
_LONGEST_LINE = 64 * MAX_TEXT
"""Characters of a line that are kept until its end comes; one that is longer is taken in pieces."""
_AT_ONCE = 1_000
"""Lines after which the connection gets its turn, however many are waiting."""
_MORE_MAY_HELP = (CodeProblem.EMPTY, CodeProblem.NOT_A_CODE, CodeProblem.CUT_SHORT)
_REFUSED = (MessageRefused, MessageGone, ValueError)
"""What a line of the input that is a command may raise."""
_BEFORE_CODE = 2_000
"""Characters of the input among which a code must be found."""
_COLUMNS = 80
"""Of a terminal that does not say how wide it is."""


async def find_code(source: "Input", code: str | None, page: str) -> str:
    """The invite or the link of a room to go by, with whatever surrounds it.

    Args:
        code: it; None reads it from the input.
        page: with the relay for a room's code that is in no link; or "".

    Raises:
        Failure: there is none that can be used.
    """

    async def take(text: str) -> str:
        check_code(text, page=page)
        return text

    try:
        return await (_read_code(source, take) if code is None else take(code))
    except CodeRefused as error:
        raise _failure(error) from error


async def _read_code(source: "Input", take: Callable[[str], Awaitable[_Result]]) -> _Result:
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


class Pipe:
    """Passes lines until one of the two sides has no more to say. What does not come to a good end raises Failure.

    Args:
        stay: at the end of the input go on until the other side leaves.
        as_json: write messages, and what else happens, as JSON.
        from_json: the lines of the input are commands in JSON.
    """

    def __init__(self, source: "Input", *, stay: bool, as_json: bool, from_json: bool = False) -> None:
        self._source = source
        self._stay = stay
        self._as_json = as_json
        self._from_json = from_json
        self._has_sent = False

    async def invite(self, peer: Peer) -> None:
        """Make an invite, take the reply from the input, and pass lines."""
        try:
            chat = await peer.invite()
            _hand_over(chat, chat.code)
            await _read_code(self._source, chat.accept)
        except (CodeRefused, ChatEnded) as error:
            raise _failure(error) from error
        await self._pass_lines(chat)

    async def room(self, peer: Peer, page: str) -> None:
        """Open a room at the relay of a page, and pass lines."""
        chat = await peer.room(page)
        _hand_over(chat, chat.link)
        await self._pass_lines(chat)

    async def join(self, peer: Peer, code: str, page: str) -> None:
        """Take an invite or the link of a room that `find_code` has found, and pass lines."""
        try:
            chat = await peer.join(code, page=page)
        except (CodeRefused, ChatEnded) as error:
            raise _failure(error) from error
        _hand_over(chat, chat.code)
        await self._pass_lines(chat)

    async def _pass_lines(self, chat: Chat) -> None:
        sink = _Output()
        refusing = asyncio.gather(_refuse_namesake(chat), _leave_if_refused(chat))
        telling = asyncio.create_task(_tell(chat))
        happened = Events(chat) if self._as_json else None
        sending = asyncio.create_task(self._send_and_leave(chat, happened, sink))
        try:
            # Until the chat has ended.
            await (_report(chat, sink, happened) if happened is not None else _receive(chat, sink))
            await refusing
            if sending.done():
                sending.result()
        finally:
            refusing.cancel()
            telling.cancel()
            sending.cancel()
        close_reason = chat.close_reason
        assert close_reason is not None
        if chat.undelivered:
            raise Failure(_exit(chat), f"{': '.join(chat.status)} {strings.undelivered(chat.undelivered)}")
        if close_reason not in (CloseReason.LEFT, CloseReason.PEER_LEFT):
            raise Failure(_exit(chat), ": ".join(chat.status))

    async def _send_and_leave(self, chat: Chat, happened: Events | None, sink: "_Output") -> None:
        try:
            await self._send(chat, happened, sink)
        finally:
            chat.close()

    async def _send(self, chat: Chat, happened: Events | None, sink: "_Output") -> None:
        number = 0
        with suppress(ChatEnded):  # how it ended is told in the end
            while (line := await self._source.line()) is not None:
                number += 1
                try:
                    await (self._do if self._from_json else self._say)(chat, line, number, happened)
                except _REFUSED as error:
                    say(f"Line {number:,} was left out. {error}")
                    if happened is not None:
                        await sink.write(happened.refused(number, str(error)))
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            if not self._has_sent and not self._stay:
                raise Failure(
                    Exit.USAGE, "The standard input is empty: there is nothing to send. To only receive, use --stay."
                )
            await chat.delivered()
            if self._stay:
                await chat.ended()

    async def _say(self, chat: Chat, line: str, number: int, happened: Events | None) -> None:
        """Send a line, in several messages if it is too long."""
        parts = [line[at : at + MAX_TEXT] for at in range(0, len(line), MAX_TEXT)]
        if len(parts) > 1:
            say(f"Line {number:,} has {len(line):,} characters; it goes out in {len(parts)} messages.")
        for part in parts:
            message = await _write(chat, partial(chat.send, part))
            self._note_sent(message, number, happened)

    async def _do(self, chat: Chat, line: str, number: int, happened: Events | None) -> None:
        """Do what a line says."""
        if line.strip():
            self._note_sent(await _write(chat, partial(do, chat, line)), number, happened)

    def _note_sent(self, message: Message | None, number: int, happened: Events | None) -> None:
        self._has_sent = True
        if happened is not None and message is not None:
            happened.sent(message, number)


async def _write(chat: Chat, act: Callable[[], Message | None]) -> Message | None:
    """Write something; where too many wait to arrive, so does the input."""
    try:
        return act()
    except MessageRefused as error:
        if error.problem is not MessageProblem.FULL:
            raise
        await chat.delivered()
        return act()


async def _report(chat: Chat, sink: "_Output", happened: Events) -> None:
    """Write what they say, and what else happens, as JSON."""

    async def follow_changes() -> None:
        async for _ in chat.changes():
            await sink.write(happened.news())

    async def follow_deliveries() -> None:
        async for _ in chat.deliveries():
            await sink.write(happened.delivered())

    async def follow_input() -> None:
        while True:
            await happened.has_news.wait()
            await sink.write(happened.news())

    following = [asyncio.create_task(follow()) for follow in (follow_changes, follow_deliveries)]
    noting = asyncio.create_task(follow_input())
    try:
        async for said in chat.events():
            await sink.write(happened.said(said))
        await asyncio.gather(*following)
        noting.cancel()
        await sink.write(happened.ended())
    finally:
        for task in (*following, noting):
            task.cancel()


async def _receive(chat: Chat, sink: "_Output") -> None:
    async for message in chat:
        await sink.write(f"{sink.line(chat, message)}\n")


def _hand_over(chat: Chat, code: str) -> None:
    say(": ".join(chat.status))
    if code:
        say_alone(code)


async def _tell(chat: Chat) -> None:
    status, link = chat.status, chat.link
    async for _ in chat.changes():
        if chat.link not in ("", link):
            link = chat.link
            say(strings.RENEWED)
            say_alone(link)
        if chat.status == status:
            continue
        status = chat.status
        say(": ".join(status))
        if chat.phase is LinkPhase.OPEN and chat.person is not None and chat.signs is not None:
            signs = ", ".join(emoji.name for emoji in chat.signs.emoji)
            say(f"{strings.TRUST[chat.person.trust][0]}. The pictures are {signs}; as a number {chat.signs.number}.")


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


def _exit(chat: Chat) -> Exit:
    if chat.close_reason in (CloseReason.NOT_PROVED, CloseReason.PEER_NO_MATCH):
        return Exit.NOT_TRUSTED
    return Exit.NOT_DELIVERED if chat.was_open else Exit.NOT_CONNECTED


class Input:
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
            if len(self._rest) >= _LONGEST_LINE:
                lines.append(self._rest[:_LONGEST_LINE])
                self._rest = self._rest[_LONGEST_LINE:]
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
        self._descriptor = sys.stdout.fileno()
        self._is_terminal = sys.stdout.isatty()
        self._is_shared = self._is_terminal or (sys.stderr is not None and _are_same(sys.stdout, sys.stderr))
        threading.Thread(target=self._write, args=(self._descriptor,), daemon=True).start()

    def line(self, chat: Chat, message: Message) -> str:
        """A message as it is written: where sentences of our own go to the same place, nothing in it looks like one."""
        person = chat.person
        if not self._is_shared or person is None:
            return one_line(message.text)
        author = author_tag(person.name, verified=person.trust is Trust.VERIFIED)
        if not self._is_terminal:
            return f"{author}: {one_line(message.text)}"
        return "\n".join(paragraph(author, message.text, self._columns))

    @property
    def _columns(self) -> int:
        """As the terminal says now: COLUMNS, which `shutil` believes before that, may be of another one."""
        try:
            return os.get_terminal_size(self._descriptor).columns or _COLUMNS
        except OSError:
            return _COLUMNS

    async def write(self, text: str) -> None:
        """Write it, and wait until that is done. Raises Failure when nobody reads any more."""
        if not text:
            return
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


def _are_same(one: TextIO, other: TextIO) -> bool:
    try:
        return os.path.sameopenfile(one.fileno(), other.fileno())
    except (OSError, ValueError):
        return False


def _closed() -> Failure:
    return Failure(Exit.OUTPUT_CLOSED, "The standard output was closed: nobody reads what arrives.")
