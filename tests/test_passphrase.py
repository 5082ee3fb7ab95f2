"""What is sealed with a passphrase: it opens with that alone, whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from pychat import passphrase
from pychat.native.ports.crypto import NativeCrypto
from pychat.passphrase import PIECE, TAG, Damaged, WrongPassphrase, is_sealed, seal, seal_bytes, unseal, unseal_bytes
from pychat.ports import PortError

HEADER = 30
CRYPTO = NativeCrypto()


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a hundred of them take no time."""
    monkeypatch.setattr(passphrase, "MEMORY", 64)
    monkeypatch.setattr(passphrase, "PASSES", 1)


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]


def sealed(data: bytes, size: int = 1000) -> bytes:
    async def run() -> bytes:
        return b"".join([piece async for piece in seal(CRYPTO, "secret", pieces(data, size))])

    return asyncio.run(run())


def unsealed(data: bytes, size: int = 1000, secret: str = "secret") -> bytes:
    async def run() -> bytes:
        return b"".join([piece async for piece in unseal(CRYPTO, secret, pieces(data, size))])

    return asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 5])
def test_what_is_sealed_comes_back_however_it_is_cut(length: int) -> None:
    data = bytes(range(256)) * (length // 256 + 1)
    data = data[:length]
    whole = sealed(data, 7_001)
    assert is_sealed(whole)
    assert len(whole) == HEADER + length + TAG * max(1, -(-length // PIECE))
    for size in (7, 65_000, 1 << 20) if length < 1000 else (65_000, PIECE + TAG, 1 << 20):
        assert unsealed(whole, size) == data
    assert asyncio.run(unseal_bytes(CRYPTO, "secret", whole)) == data
    assert unsealed(asyncio.run(seal_bytes(CRYPTO, "secret", data)), 65_000) == data


def test_the_same_is_sealed_differently_each_time() -> None:
    assert len({sealed(b"text") for _ in range(3)}) == 3


def test_with_another_passphrase_nothing_opens() -> None:
    for secret in ("", "Secret", "secret "):
        with pytest.raises(WrongPassphrase):
            unsealed(sealed(b"text"), secret=secret)


def test_nothing_is_sealed_without_a_passphrase() -> None:
    with pytest.raises(ValueError, match="empty"):
        asyncio.run(seal_bytes(CRYPTO, "", b"text"))


def test_what_was_changed_does_not_open() -> None:
    whole = sealed(bytes(PIECE + 10))
    for place in (8, 12, 13, 14, HEADER - 1, HEADER, HEADER + PIECE, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises((WrongPassphrase, Damaged)):
            unsealed(bytes(changed), 65_000)


def cut(whole: bytes, order: Sequence[int]) -> bytes:
    """What was sealed, with its pieces in another order."""
    size = PIECE + TAG
    found = [whole[begin : begin + size] for begin in range(HEADER, len(whole), size)]
    return whole[:HEADER] + b"".join(found[number] for number in order)


@pytest.mark.slow
@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2), (0, 1), (0,), (0, 1, 1, 2), (0, 1, 2, 2), (1, 2), (2,), ()])
def test_no_piece_can_be_left_out_or_stand_elsewhere(order: Sequence[int]) -> None:
    whole = sealed(bytes(2 * PIECE) + b"the end")
    with pytest.raises((WrongPassphrase, Damaged)):
        unsealed(cut(whole, order), 65_000)
    assert unsealed(cut(whole, (0, 1, 2)), 65_000) == bytes(2 * PIECE) + b"the end"


def test_what_comes_before_the_damage_comes() -> None:
    whole = sealed(bytes(PIECE) + b"the end")

    async def run() -> list[bytes]:
        coming = unseal(CRYPTO, "secret", pieces(whole[:-1], 65_000))
        came = [await anext(coming)]
        with pytest.raises(Damaged):
            await anext(coming)
        return came

    assert asyncio.run(run()) == [bytes(PIECE)]


@pytest.mark.parametrize("data", [b"", b"pychat", b"x" * 100, passphrase.MAGIC, passphrase.MAGIC + bytes(21)])
def test_what_is_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(Damaged):
        unsealed(data)


@pytest.mark.parametrize(
    ("memory", "passes", "lanes"), [(1 << 31, 1, 1), (64, 255, 1), (64, 1, 200), (0, 1, 1), (64, 0, 1), (64, 1, 0)]
)
def test_a_file_cannot_ask_for_all_memory_or_hours(memory: int, passes: int, lanes: int) -> None:
    header = passphrase._HEADER.pack(passphrase.MAGIC, memory, passes, lanes, bytes(16))
    with pytest.raises(Damaged, match="no pychat"):
        unsealed(header + bytes(100))


def test_what_was_sealed_by_a_pychat_that_takes_more_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "MEMORY", 1024)
    monkeypatch.setattr(passphrase, "PASSES", 2)
    whole = sealed(b"text")
    monkeypatch.setattr(passphrase, "MEMORY", 64)
    assert unsealed(whole) == b"text"


def test_a_passphrase_that_is_no_text_is_refused() -> None:
    with pytest.raises(PortError, match="character"):
        asyncio.run(seal_bytes(CRYPTO, "\ud800", b""))


@pytest.mark.slow
def test_what_is_taken_is_what_the_standard_recommends(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9106, section 4: the second recommended option."""
    monkeypatch.undo()
    assert (passphrase.MEMORY, passphrase.PASSES, passphrase.LANES) == (64 * 1024, 3, 4)
    whole = sealed(b"text")
    assert passphrase._HEADER.unpack(whole[:HEADER])[1:4] == (64 * 1024, 3, 4)
    assert unsealed(whole) == b"text"


def test_what_was_sealed_once_opens_for_ever() -> None:
    """By this format as it was written first, with 64 KiB of memory."""
    of_old = bytes.fromhex(
        "7079636861740001000000400104d1d1f560c90d9b1c8e1ad0c5ec88c96d"
        "21ec9616a6c3f4daf68cc36cead432792ad9b117d80b452981109cad02"
    )
    assert unsealed(of_old, secret="an old secret") == b"what was said"
