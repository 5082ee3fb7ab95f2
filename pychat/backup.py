"""Everything that is kept, as one file that is sealed with a passphrase; and a file like that taken in again.

What is sealed (`passphrase.py`) are lines, each a word and JSON, in this order:

    backup         [1, whose it is: the public key in base64url, when it was made: seconds since 1970]
    settings       a string: the settings as they are kept
    contacts       a string: the contacts as they are kept
    conversation   a head (`records.py`)
    segment        a segment of the conversation before it; any number of these, the last one first
    end            [how many conversations]

The key of the identity is not among it: a browser gives it to nobody. So on another device a person is somebody new to
others, and what was said is theirs all the same: it is put where it belongs there, among what is there already.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from pychat import passphrase as sealing
from pychat.core import wire
from pychat.core.chat.chats import conversation_id
from pychat.core.chat.records import (
    PREVIEW,
    SEGMENT_BYTES,
    SEGMENTS_AT_ONCE,
    Head,
    KeptConversation,
    Part,
    Preview,
    join,
    join_parts,
    read_head,
    read_segment,
    write_head,
    write_segment,
)
from pychat.core.chat.relations import as_shown, is_hidden, retracted
from pychat.core.chat.timeline import Message
from pychat.core.effects import KeptChanges
from pychat.core.errors import RemoteError
from pychat.core.identity import contacts as people
from pychat.core.ids import KEY_SIZE, AuthorId, ChatId, PublicKey
from pychat.core.log import Entry, without_text
from pychat.passphrase import Damaged, NewerVersion
from pychat.ports import Crypto, Journal, Store
from pychat.startup import load_history
from pychat.ui.settings import KEY
from pychat.ui.vault import Restored

VERSION = 1
SUFFIX = ".pychat"
"""Of the file's name."""
MOST_LINE = 16 * 1024 * 1024
"""Bytes of a line; more than any pychat writes into one is damage."""


class _Kept(NamedTuple):
    """An entry of a conversation, whether it is our own, and when it was written down, in seconds since 1970."""

    entry: Entry
    is_own: bool
    written: int


_Entries = dict[tuple[AuthorId, int], _Kept]


async def make(journal: Journal, store: Store, crypto: Crypto, passphrase: str, now: float) -> AsyncIterator[bytes]:
    """The file, piece by piece.

    Args:
        now: seconds since 1970.

    Raises:
        PortError: something cannot be read.
    """
    async for piece in sealing.seal(crypto, passphrase, _lines(journal, store, crypto.public_key, now)):
        yield piece


async def _lines(journal: Journal, store: Store, key: PublicKey, now: float) -> AsyncIterator[bytes]:
    yield _line("backup", [VERSION, wire.to_text(key), int(now)])
    for name in (KEY, people.STORE_KEY):
        text = store.load(name)
        if text is not None:
            yield _line(name, text)
    conversations = [kept for kept in await load_history(journal) if not kept.head.is_removed]
    for kept in conversations:
        yield b"conversation " + write_head(kept.head) + b"\n"
        async for _, segment in _segments_of(journal, kept.id):
            if segment:  # else it is damaged
                yield b"segment " + segment + b"\n"
    yield _line("end", [len(conversations)])


async def restore(
    pieces: AsyncIterator[bytes], passphrase: str, journal: Journal, store: Store, crypto: Crypto
) -> Restored:
    """Take in what is in a file; what is here stays, and nothing is doubled.

    Args:
        journal: none that a node is using; what was deleted message by message stays deleted.

    Raises:
        WrongPassphrase, Damaged: nothing was taken in.
        PortError: something cannot be read or kept; what came before it was taken in.
    """
    restoring = _Restoring(journal, store, crypto.public_key)
    try:
        async for line in _split(sealing.unseal(crypto, passphrase, pieces)):
            await restoring.take(line)
    except Damaged:
        if restoring.owner is None:
            raise
    await restoring.finish()
    return Restored(restoring.conversations, restoring.messages, restoring.is_new, restoring.is_whole)


class _Restoring:
    """What has been read of a backup by now. A conversation is written when all of it is there."""

    def __init__(self, journal: Journal, store: Store, key: PublicKey) -> None:
        self.owner: PublicKey | None = None
        self.conversations = self.messages = 0
        self.is_new = self.is_whole = self._has_skipped = False
        self._journal = journal
        self._store = store
        self._key = key
        self._seen = 0  # conversations
        self._here: Mapping[ChatId, KeptConversation] = {}
        self._head: Head | None = None
        self._entries: _Entries = {}

    async def take(self, line: bytes) -> None:
        """Take the next line. Raises Damaged with the first one, PortError with any."""
        word, _, data = line.partition(b" ")
        if self.owner is None:
            self.owner = _owner(word, data)
            self._here = {kept.id: kept for kept in await load_history(self._journal)}
            return
        try:
            match word:
                case b"segment" if self._head is not None:
                    self._has_skipped |= not _collect(self._entries, data)
                case b"conversation":
                    self._seen += 1
                    await self.finish()
                    self._head, self._entries = read_head(data), {}
                case b"settings":
                    text = _text(data)
                    if self._store.load(KEY) is None:
                        self._store.save(KEY, text)
                        self.is_new = True
                case b"contacts":
                    known = people.Contacts.loads(_text(data), skeleton=str)
                    self._store.update(people.STORE_KEY, lambda kept: self._meet(kept, known))
                case b"end":
                    await self.finish()
                    self.is_whole = json.loads(data) == [self._seen] and not self._has_skipped
                case _:
                    self._has_skipped = True  # another pychat has written it
        except (ValueError, RecursionError):
            self._has_skipped = True  # another pychat has written it

    def _meet(self, kept: str | None, known: Iterable[people.Contact]) -> str:
        text = people.keep(kept, known)
        self.is_new |= text != kept
        return text

    async def finish(self) -> None:
        """Write the conversation that has been read."""
        try:
            await self._write()
        except ValueError:
            self._has_skipped = True  # another pychat has written what is in it

    async def _write(self) -> None:
        head, self._head = self._head, None
        if head is None or head.peer == self._key:
            return
        if self.owner != self._key:  # the logs of somebody else, whom nobody waits for here
            head = replace(head, own={log: head.counts.get(log, 0) for log in head.own}, rendezvous=None)
        chat = conversation_id(self._key, head.peer)
        here = self._here.get(chat)
        there: _Entries = {}
        last: int | None = None
        if here is not None:
            is_readable = True
            async for position, segment in _segments_of(self._journal, chat):
                last = max(position, last or position)
                is_readable &= _collect(there, segment)
            if not is_readable:
                last = None  # what cannot be read stays as it is, and the rest beside it: reading takes each once
        all_there = {**self._entries, **there}  # what was deleted here has no text any more, and stays so
        for place in retracted([(kept.is_own, Message(*place, kept.entry)) for place, kept in all_there.items()]):
            if place in all_there:  # its author has deleted it for both since
                all_there[place] = all_there[place]._replace(entry=without_text(all_there[place].entry))
        new = self._entries.keys() - there.keys()
        if here is not None and not here.head.is_removed and not new:
            return
        heads = [head] if here is None else [here.head, head]
        changes = _changes(chat, join(heads), all_there, here.found if here is not None else ())
        await self._journal.write(changes)
        if last is not None:
            await self._journal.delete(chat, last)
        self.is_new = True
        self.conversations += 1
        self.messages += sum(not is_hidden(all_there[place].entry) for place in new)


def _changes(chat: ChatId, head: Head, entries: _Entries, found: tuple[tuple[str, int], ...]) -> list[KeptChanges]:
    """A conversation from its beginning on, in its order."""
    ordered = sorted(entries.items(), key=lambda item: (item[1].entry.rank, *item[0]))
    counts = dict(head.counts)
    for (author, number), _ in ordered:
        counts[author] = max(counts.get(author, 0), number)
    own = dict(head.own)
    for (author, number), kept in ordered:
        if kept.is_own and author not in head.own:  # not spoken of any more: nobody waits for it
            own[author] = max(own.get(author, 0), number)
    last = head.last
    shown = [*as_shown([(kept.is_own, Message(*place, kept.entry)) for place, kept in ordered])]
    said = [(is_own, entry) for is_own, (_, _, entry) in shown if entry.text]  # else it was deleted
    if ordered:
        last = Preview(said[-1][0], said[-1][1].at, said[-1][1].text[:PREVIEW]) if said else None
    written = write_head(
        replace(head, counts=counts, own=own, messages=len(ordered), unread=min(head.unread, len(ordered)), last=last)
    )
    segments = [*_written_anew(ordered)]
    return [
        KeptChanges(chat, written, segment, found if number == 0 else ())
        for number, segment in enumerate(segments or [None])
    ]


def _written_anew(ordered: Iterable[tuple[tuple[AuthorId, int], _Kept]]) -> Iterator[bytes]:
    """The entries in segments of about SEGMENT_BYTES; when they were written down never falls."""
    parts: list[Part] = []
    size = written = 0
    for (author, number), kept in ordered:
        written = max(written, kept.written)
        parts.append(Part(author, number, (kept.entry,), kept.is_own))
        size += len(kept.entry.text) + 40
        if size > SEGMENT_BYTES:
            yield write_segment(join_parts(parts), written)
            parts, size = [], 0
    if parts:
        yield write_segment(join_parts(parts), written)


def _collect(entries: _Entries, segment: bytes) -> bool:
    """Note what is in a segment; whether it can be read."""
    try:
        written, parts = read_segment(segment)
    except ValueError:
        return False
    for author, first, of_part, is_own in parts:
        for number, entry in enumerate(of_part, first):
            entries.setdefault((author, number), _Kept(entry, is_own, written))
    return True


async def _segments_of(journal: Journal, chat: ChatId) -> AsyncIterator[tuple[int, bytes]]:
    """All segments of a conversation with their positions, the last one first."""
    before: int | None = None
    while page := await journal.read(chat, before, SEGMENTS_AT_ONCE):
        for before, segment in page:
            yield before, segment


async def _split(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines. Raises Damaged."""
    buffer = bytearray()
    async for piece in pieces:
        start = len(buffer)
        buffer += piece
        while (end := buffer.find(b"\n", start)) >= 0:
            yield bytes(buffer[:end])
            del buffer[: end + 1]
            start = 0
        if len(buffer) > MOST_LINE:
            raise Damaged("a line does not end")
    if buffer:
        raise Damaged("the last line does not end")


def _line(word: str, data: object) -> bytes:
    return f"{word} {json.dumps(data)}\n".encode()


def _text(data: bytes) -> str:
    text = json.loads(data)
    if not isinstance(text, str):
        raise ValueError("a text is something else")
    return text


def _owner(word: bytes, data: bytes) -> PublicKey:
    """Whose it is, from the first line."""
    try:
        fields: Any = json.loads(data) if word == b"backup" else None
        match fields:
            case [int(version), *_] if version > VERSION:
                raise NewerVersion("a newer pychat has made it")
            case [int(), key, int()]:
                return wire.read_bytes(key, KEY_SIZE)
    except (ValueError, RecursionError, RemoteError) as error:
        raise Damaged(str(error)) from error
    raise Damaged("it is no backup")
