"""A backup of everything, and what becomes of it here and on another device."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pychat import backup, passphrase
from pychat.core import wire
from pychat.core.chat.chats import conversation_id
from pychat.core.chat.records import (
    SEGMENT_BYTES,
    Head,
    KeepFor,
    KeptConversation,
    Part,
    Preview,
    Rendezvous,
    read_segment,
    write_head,
    write_segment,
)
from pychat.core.content import Relation
from pychat.core.effects import KeptChanges
from pychat.core.identity.contacts import STORE_KEY, Contact, Contacts
from pychat.core.log import Entry
from pychat.native.ports.crypto import NativeCrypto
from pychat.native.ports.journal import SqliteJournal
from pychat.native.ports.store import FileStore
from pychat.passphrase import Damaged, NewerVersion, WrongPassphrase
from pychat.ports import PortError
from pychat.startup import load_history
from pychat.ui.settings import KEY
from pychat.ui.vault import Restored, told

NOW = 1_700_000_000
BOB, EVE = bytes(range(32)), bytes(range(1, 33))
OWN, OTHER, LATER = "own-log-own-log-own-lo", "his-log-his-log-his-lo", "lat-log-lat-log-lat-lo"


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "MEMORY", 64)


@dataclass
class Device:
    """What somebody has on one device."""

    store: FileStore
    crypto: NativeCrypto

    @contextlib.contextmanager
    def journal(self) -> Iterator[SqliteJournal]:
        with contextlib.closing(SqliteJournal(self.store, self.crypto)) as journal:
            yield journal

    def chat(self, peer: bytes) -> str:
        return conversation_id(self.crypto.public_key, peer)

    def write(self, peer: bytes, *segments: bytes, **fields: object) -> None:
        """Write a conversation, as another run."""
        parts = [part for segment in segments for part in read_segment(segment).parts]
        counts: dict[str, int] = {}
        for author, first, entries, _ in parts:
            counts[author] = max(counts.get(author, 0), first + len(entries) - 1)
        own = {author: 0 for author, _, _, is_own in parts if is_own}
        messages = sum(len(part.entries) for part in parts)
        head = replace(Head(peer, "Bob", own, counts, messages, 0, NOW * 1000), **fields)  # type: ignore[arg-type]
        changes = [KeptChanges(self.chat(peer), write_head(head), segment, ()) for segment in segments or (None,)]
        with self.journal() as journal:
            asyncio.run(journal.write(changes))

    def kept(self) -> dict[bytes, KeptConversation]:
        with self.journal() as journal:
            return {kept.head.peer: kept for kept in asyncio.run(load_history(journal))}

    def parts(self, peer: bytes) -> list[Part]:
        with self.journal() as journal:
            read = asyncio.run(journal.read(self.chat(peer), None, 1000))
        return [part for _, segment in reversed(read) for part in read_segment(segment).parts]

    def texts(self, peer: bytes) -> list[str]:
        return [entry.text for part in self.parts(peer) for entry in part.entries]

    def back_up(self, secret: str = "secret") -> bytes:
        async def run() -> bytes:
            with self.journal() as journal:
                coming = backup.make(journal, self.store, self.crypto, secret, NOW)
                return b"".join([piece async for piece in coming])

        return asyncio.run(run())

    def restore(self, data: bytes, secret: str = "secret") -> Restored:
        async def run() -> Restored:
            with self.journal() as journal:
                return await backup.restore(pieces(data), secret, journal, self.store, self.crypto)

        return asyncio.run(run())


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), 10_000):
        yield data[begin : begin + 10_000]


def device(folder: Path, seed: int) -> Device:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return Device(FileStore(folder), NativeCrypto(private))


@pytest.fixture
def ann(tmp_path: Path) -> Device:
    return device(tmp_path / "ann", 1)


@pytest.fixture
def again(tmp_path: Path) -> Device:
    """The same identity, with nothing kept."""
    return device(tmp_path / "again", 1)


@pytest.fixture
def other(tmp_path: Path) -> Device:
    """Another device, where Ann is somebody new to others."""
    return device(tmp_path / "other", 2)


def segment(author: str, first: int, *said: str, at: int = 0, written: int = NOW) -> bytes:
    """What was said from a second on, one after the other."""
    entries = [Entry((NOW + at) * 1000 + number, text) for number, text in enumerate(said)]
    return write_segment([Part(author, first, entries, author != OTHER)], written)


@pytest.fixture
def talked(ann: Device) -> Device:
    """Ann has talked to Bob and to Eve."""
    ann.write(
        BOB,
        segment(OWN, 1, "hello", "are you there?", written=NOW + 1),
        segment(OTHER, 1, "yes", at=10, written=NOW + 10),
        segment(OWN, 3, "good", at=20, written=NOW + 20),
        own={OWN: 2},
        rendezvous=Rendezvous(bytes(20), "wss://relay.example/relay"),
        keep_for=KeepFor(86_400, NOW),
        unread=1,
    )
    ann.write(EVE, segment(OTHER, 1, "psst"))
    ann.store.save(KEY, '["settings"]')
    known = Contacts([Contact(BOB, "Bob", verified=True, judged=1)], skeleton=str)
    ann.store.save(STORE_KEY, known.dumps())
    return ann


def test_all_of_it_comes_back(talked: Device, again: Device) -> None:
    assert again.restore(talked.back_up()) == Restored(2, 5, is_new=True, is_whole=True)
    assert again.texts(BOB) == ["hello", "are you there?", "yes", "good"]
    assert again.texts(EVE) == ["psst"]
    head, before = again.kept()[BOB].head, talked.kept()[BOB].head
    assert head == replace(before, last=Preview(True, (NOW + 20) * 1000, "good"))
    assert head.own == {OWN: 2}  # what has not arrived goes out from here
    assert head.rendezvous is not None
    assert again.store.load(KEY) == '["settings"]'
    [bob] = Contacts.loads(again.store.load(STORE_KEY), skeleton=str)
    assert (bob.key, bob.verified) == (BOB, True)


@pytest.mark.slow
def test_on_another_device_it_is_somebody_else_s_to_send(talked: Device, other: Device) -> None:
    assert other.restore(talked.back_up()) == Restored(2, 5, is_new=True, is_whole=True)
    assert other.texts(BOB) == ["hello", "are you there?", "yes", "good"]
    head = other.kept()[BOB].head
    assert head.own == {OWN: 3}
    assert head.rendezvous is None
    assert head.keep_for == KeepFor(86_400, NOW)
    assert [part.is_own for part in other.parts(BOB)] == [True, False, True]


@pytest.mark.slow
def test_once_more_changes_nothing(talked: Device, again: Device) -> None:
    data = talked.back_up()
    again.restore(data)
    kept, parts = again.kept(), again.parts(BOB)
    assert again.restore(data) == Restored(0, 0, is_new=False, is_whole=True)
    assert talked.restore(data) == Restored(0, 0, is_new=False, is_whole=True)
    assert again.kept() == kept
    assert again.parts(BOB) == parts


@pytest.mark.slow
def test_what_is_here_stays_and_all_stands_in_its_order(talked: Device, again: Device) -> None:
    data = talked.back_up()
    again.write(
        BOB,
        segment(OWN, 1, "hello"),
        segment(LATER, 1, "in between", at=15),
        segment(LATER, 2, "afterwards", at=99, written=NOW + 99),
        name="Robert",
        own={OWN: 1, LATER: 2},
        unread=0,
    )
    assert again.restore(data) == Restored(2, 4, is_new=True, is_whole=True)
    assert again.texts(BOB) == ["hello", "are you there?", "yes", "in between", "good", "afterwards"]
    head = again.kept()[BOB].head
    assert (head.messages, head.counts) == (6, {OWN: 3, OTHER: 1, LATER: 2})
    assert head.own == {OWN: 2, LATER: 2}
    assert head.last == Preview(True, (NOW + 99) * 1000, "afterwards")
    assert again.restore(data).messages == 0


@pytest.mark.slow
def test_people_alone_are_something_new(ann: Device, again: Device) -> None:
    ann.store.save(STORE_KEY, Contacts([Contact(BOB, "Bob", verified=True, judged=1)], skeleton=str).dumps())
    restored = again.restore(ann.back_up())
    assert restored == Restored(0, 0, is_new=True, is_whole=True)
    assert told(restored) == "No message in the file is new here, but people or settings are."
    assert told(again.restore(ann.back_up())) == "No message in the file is new here."


def test_settings_and_verdicts_of_here_stay(talked: Device, again: Device) -> None:
    again.store.save(KEY, '["others"]')
    again.store.save(STORE_KEY, Contacts([Contact(BOB, "Bob", differs=True, judged=2)], skeleton=str).dumps())
    again.restore(talked.back_up())
    assert again.store.load(KEY) == '["others"]'
    [bob] = Contacts.loads(again.store.load(STORE_KEY), skeleton=str)
    assert (bob.verified, bob.differs) == (False, True)


def test_what_was_put_away_comes_back_when_it_is_asked_for(talked: Device, again: Device) -> None:
    data = talked.back_up()
    again.write(BOB, is_removed=True, counts={OWN: 3, OTHER: 1}, own={OWN: 3})
    again.restore(data)
    assert again.texts(BOB) == ["hello", "are you there?", "yes", "good"]
    assert not again.kept()[BOB].head.is_removed
    removed = replace(talked.kept()[EVE].head, is_removed=True)
    assert removed.peer == EVE


def test_so_does_one_in_which_nothing_was_said(ann: Device, again: Device) -> None:
    ann.write(BOB)
    again.write(BOB, is_removed=True)
    again.restore(ann.back_up())
    assert not again.kept()[BOB].head.is_removed


def test_a_conversation_that_is_put_away_is_in_no_backup(ann: Device, again: Device) -> None:
    ann.write(BOB, is_removed=True)
    assert again.restore(ann.back_up()) == Restored(0, 0, is_new=False, is_whole=True)
    assert not again.kept()


def test_what_was_said_with_oneself_on_another_device_is_left_out(talked: Device, tmp_path: Path) -> None:
    """A person restores on a device whose identity is that of somebody they have talked to."""
    there = device(tmp_path / "there", 7)
    talked.write(there.crypto.public_key, segment(OWN, 1, "to myself"))
    assert there.restore(talked.back_up()).conversations == 2
    assert there.crypto.public_key not in there.kept()


@pytest.mark.slow
def test_many_messages_become_segments_of_a_size(ann: Device, again: Device) -> None:
    for first in range(1, 3001, 500):
        texts = [f"{number} {'x' * 60}" for number in range(first, first + 500)]
        ann.write(BOB, segment(OWN, first, *texts, at=first))
    again.restore(ann.back_up())
    assert again.texts(BOB) == [f"{number} {'x' * 60}" for number in range(1, 3001)]
    with again.journal() as journal:
        sizes = [len(data) for _, data in asyncio.run(journal.read(again.chat(BOB), None, 1000))]
    assert len(sizes) == 10
    assert max(sizes) < 2 * SEGMENT_BYTES


def test_it_is_sealed(talked: Device, again: Device) -> None:
    data = talked.back_up()
    for secret in (b"hello", b"Bob", b"psst", b"relay.example", b"secret"):
        assert secret not in data
    with pytest.raises(WrongPassphrase):
        again.restore(data, "another")
    assert not again.kept()


@pytest.mark.slow
def test_of_a_file_that_is_cut_short_what_is_there_is_taken_in(ann: Device, again: Device) -> None:
    ann.write(BOB, segment(OWN, 1, *[f"{number} {'x' * 1000}" for number in range(200)]))
    ann.write(EVE, segment(OWN, 1, "hello"))
    data = ann.back_up()
    restored = again.restore(data[: len(data) - 100_000])
    assert not restored.is_whole
    assert again.restore(data).is_whole
    assert len(again.texts(BOB)) == 200
    assert again.texts(EVE) == ["hello"]


@pytest.mark.parametrize("data", [b"", b"no backup", passphrase.MAGIC + bytes(100)])
def test_something_else_is_refused(data: bytes, again: Device) -> None:
    with pytest.raises((Damaged, WrongPassphrase)):
        again.restore(data)


def of(crypto: NativeCrypto, lines: Sequence[bytes]) -> bytes:
    return asyncio.run(passphrase.seal_bytes(crypto, "secret", b"".join(line + b"\n" for line in lines)))


def owner(device: Device, version: int = backup.VERSION) -> bytes:
    return b"backup " + json.dumps([version, wire.to_text(device.crypto.public_key), NOW]).encode()


def test_a_backup_by_a_newer_pychat_is_refused_in_so_many_words(again: Device) -> None:
    with pytest.raises(NewerVersion):
        again.restore(of(again.crypto, [owner(again, backup.VERSION + 1)]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", [b"conversation []", b"settings 5", b"contacts []", b'contacts "5"', b"contacts " + b"[" * 100_000]
)
def test_lines_that_another_pychat_has_written_are_passed_over(line: bytes, again: Device) -> None:
    head = write_head(Head(EVE, "Eve", {}, {OTHER: 1}, 1, 0))
    lines = [
        owner(again),
        b"unheard of []",
        line,
        b"segment []",
        b"conversation " + head,
        b"segment []",
        b"segment " + segment(OTHER, 1, "psst"),
        b"end [2]",
    ]
    assert again.restore(of(again.crypto, lines)) == Restored(1, 1, is_new=True, is_whole=False)
    assert again.texts(EVE) == ["psst"]


@pytest.mark.slow
def test_what_is_locked_is_neither_backed_up_nor_written(talked: Device, again: Device) -> None:
    data = talked.back_up()
    for locked in (talked, again):
        with locked.journal() as journal:
            assert asyncio.run(journal.lock("a passphrase"))
    with pytest.raises(PortError, match="locked"):
        talked.back_up()
    with pytest.raises(PortError, match="locked"):
        again.restore(data)


@pytest.mark.slow
def test_what_was_deleted_here_message_by_message_stays_deleted(talked: Device, again: Device) -> None:
    data = talked.back_up()
    again.write(BOB, write_segment([Part(OWN, 1, [Entry(NOW * 1000, ""), Entry(NOW * 1000 + 1, "kept")], True)], NOW))
    again.restore(data)
    assert again.texts(BOB) == ["", "kept", "yes", "good"]
    assert again.restore(again.back_up()).messages == 0


def amended(author: str, first: int, *entries: Entry, is_own: bool = False) -> bytes:
    return write_segment([Part(author, first, entries, is_own)], NOW)


def test_the_last_line_is_a_message_as_it_was_edited_and_messages_are_counted(ann: Device, again: Device) -> None:
    said = (
        Entry(5, "helo"),
        Entry(6, "hello", 0, Relation("edit", OTHER, 1)),
        Entry(7, "👍", 0, Relation("react", OTHER, 1)),
    )
    ann.write(BOB, amended(OTHER, 1, *said))
    assert again.restore(ann.back_up()).messages == 1
    assert again.kept()[BOB].head.last == Preview(False, 5, "hello")


def test_what_was_deleted_for_both_since_is_not_brought_back(ann: Device, again: Device) -> None:
    """Here are the deletion, and one edit; in the backup are the message, and another edit."""
    deletion, edit = Relation("delete", OTHER, 1), Relation("edit", OTHER, 1)
    ann.write(BOB, amended(OTHER, 1, Entry(5, "the secret"), Entry(6, "the secret!", 0, edit)))
    again.write(BOB, amended(OTHER, 3, Entry(7, "the secret?", 0, edit), Entry(8, "🗑", 0, deletion), Entry(9, "hello")))
    again.restore(ann.back_up())
    assert again.texts(BOB) == ["", "", "", "🗑", "hello"]
    assert again.kept()[BOB].head.last == Preview(False, 9, "hello")


def test_what_cannot_be_read_here_stays_as_it_is(talked: Device, again: Device) -> None:
    data = talked.back_up()
    again.write(BOB, segment(LATER, 1, "here before"))
    with again.journal() as journal:
        asyncio.run(journal.write([KeptChanges(again.chat(BOB), b"no head", b"of another version", ())]))
    again.restore(data)
    with again.journal() as journal:
        kept = [segment for _, segment in asyncio.run(journal.read(again.chat(BOB), None, 100))]
    assert b"of another version" in kept
    assert sum(b"here before" in segment for segment in kept) == 2  # reading takes it once


def test_what_was_put_away_is_not_sent_again_by_the_other_one(talked: Device, again: Device) -> None:
    data = talked.back_up()
    again.write(BOB, is_removed=True, counts={OWN: 3, OTHER: 9}, own={OWN: 3})
    again.restore(data)
    head = again.kept()[BOB].head
    assert (head.counts, head.own, head.is_removed) == ({OWN: 3, OTHER: 9}, {OWN: 3}, False)


def test_a_text_that_is_none_is_passed_over(again: Device) -> None:
    odd = json.dumps([1, NOW, [OTHER, 1, [[NOW, "\ud800"]], False]]).encode()
    for more in ([], [b"end [1]"]):
        lines = [
            owner(again),
            b"conversation " + write_head(Head(EVE, "Eve", {}, {OTHER: 1}, 1, 0)),
            b"segment " + odd,
            *more,
        ]
        assert not again.restore(of(again.crypto, lines)).is_whole
