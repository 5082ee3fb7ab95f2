"""What is sealed with a passphrase: the key of a journal, and a backup.

    MAGIC          8 bytes: what it is, and the version of this format
    memory         4 bytes, big-endian: KiB that Argon2id takes
    passes, lanes  1 byte each: how often it goes over them, and in how many lanes
    salt           16 bytes
    pieces         each of PIECE bytes, but the last one, which may be shorter; sealed, so TAG bytes longer

The key follows from the passphrase by Argon2id (RFC 9106), which takes that much memory from whoever tries passphrases,
and is used for nothing else, since each salt is new. A piece is sealed with AES-256-GCM; its nonce is its number in 11
bytes, and one byte that says whether it is the last one; the associated data is all before the first piece. So no piece
can be left out, be in another place, or be the end without being the last (the construction STREAM).
"""

import struct
import unicodedata
from collections.abc import AsyncIterator

from pychat.core.errors import PychatError
from pychat.ports import Crypto, PortError

MAGIC = b"pychat\0\1"
_WHAT = MAGIC[:-1]
PIECE = 64 * 1024
"""Bytes of a piece before it is sealed."""
TAG = 16
"""Bytes by which a piece is longer when it is sealed."""
MEMORY, PASSES, LANES = 64 * 1024, 3, 4
"""What Argon2id takes: 64 MiB, three times, in four lanes. The second recommendation of RFC 9106, section 4."""
MOST_MEMORY, MOST_PASSES = 256 * 1024, 8
"""What another pychat may have taken, at most: more than that a file asks for that is to bring a program down."""

_HEADER = struct.Struct(f">{len(MAGIC)}sIBB16s")
_SALT_SIZE = 16


class WrongPassphrase(PychatError):
    """The first piece does not open: it was sealed with another passphrase, or is damaged."""


class Damaged(PychatError):
    """What was sealed is not as it was: something of it is missing, or was changed, or it is something else."""


class NewerVersion(Damaged):
    """A newer pychat has made it."""


def is_sealed(data: bytes) -> bool:
    """Whether that is the beginning of something that was sealed, by this pychat or a newer one."""
    return data.startswith(_WHAT)


async def seal(crypto: Crypto, passphrase: str, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Seal what comes in pieces of any size, as pieces of any size.

    Raises:
        ValueError: the passphrase is empty.
        PortError: there is not enough memory.
    """
    if not passphrase:
        raise ValueError("a passphrase is not empty")
    salt = crypto.random(_SALT_SIZE)
    header = _HEADER.pack(MAGIC, MEMORY, PASSES, LANES, salt)
    key = await crypto.stretch(_normal(passphrase), salt, MEMORY, PASSES, LANES)
    yield header
    number = 0
    async for piece, is_last in _regrouped(pieces, PIECE):
        yield await crypto.seal(key, _nonce(number, is_last=is_last), piece, header)
        number += 1


async def unseal(crypto: Crypto, passphrase: str, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What was sealed. Nothing of it can be relied on before all of it has come.

    Raises:
        WrongPassphrase: with the first piece.
        Damaged: with any piece.
        PortError: there is not enough memory.
    """
    rest = b""
    while len(rest) < _HEADER.size:
        more = await anext(pieces, b"")
        if not more:
            raise Damaged("it is too short")
        rest += more
    header, rest = rest[: _HEADER.size], rest[_HEADER.size :]
    magic, memory, passes, lanes, salt = _HEADER.unpack(header)
    if magic != MAGIC:
        raise NewerVersion("a newer pychat has made it") if is_sealed(magic) else Damaged("it is something else")
    if not (1 <= lanes <= LANES and 8 * lanes <= memory <= MOST_MEMORY and 1 <= passes <= MOST_PASSES):
        raise Damaged("it asks for what no pychat takes")
    if not passphrase:
        raise WrongPassphrase
    key = await crypto.stretch(_normal(passphrase), salt, memory, passes, lanes)
    number = 0
    async for piece, is_last in _regrouped(pieces, PIECE + TAG, rest):
        data = await crypto.unseal(key, _nonce(number, is_last=is_last), piece, header)
        if data is None:
            raise Damaged("a piece was changed or is missing") if number else WrongPassphrase
        yield data
        number += 1


async def seal_bytes(crypto: Crypto, passphrase: str, data: bytes) -> bytes:
    """The same for what is there already. Raises PortError."""
    return b"".join([piece async for piece in seal(crypto, passphrase, _once(data))])


async def unseal_bytes(crypto: Crypto, passphrase: str, sealed: bytes) -> bytes:
    """What `seal_bytes` was given. Raises WrongPassphrase, Damaged, PortError."""
    return b"".join([piece async for piece in unseal(crypto, passphrase, _once(sealed))])


async def close_key(crypto: Crypto, passphrase: str, key: bytes) -> bytes:
    """A key as it is to be kept: sealed, or as it is where the passphrase is empty. Raises PortError."""
    return await seal_bytes(crypto, passphrase, key) if passphrase else key


async def open_key(crypto: Crypto, passphrase: str, kept: bytes) -> bytes | None:
    """The key that is kept like that; None: it is sealed with another passphrase. Raises Damaged, PortError."""
    try:
        return await unseal_bytes(crypto, passphrase, kept) if is_sealed(kept) else kept
    except WrongPassphrase:
        return None


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _regrouped(pieces: AsyncIterator[bytes], size: int, rest: bytes = b"") -> AsyncIterator[tuple[bytes, bool]]:
    """The same bytes in pieces of this size, and whether each is the last one: it alone may be shorter, or empty."""
    buffer = bytearray(rest)
    more: bytes | None = b""
    while more is not None:
        buffer += more
        while len(buffer) > size:
            yield bytes(buffer[:size]), False
            del buffer[:size]
        more = await anext(pieces, None)
    yield bytes(buffer), True


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _normal(passphrase: str) -> bytes:
    """One form of what keyboards write in several."""
    try:
        return unicodedata.normalize("NFKC", passphrase).encode()
    except UnicodeEncodeError as error:
        raise PortError("the passphrase has a character that is none") from error
