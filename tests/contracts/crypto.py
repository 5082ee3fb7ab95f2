"""What keys and chance are to do: the contracts of the port `Crypto`, and of the hashes that the core uses.

The vectors in tests/vectors/third-party say where they come from.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.contracts.kit import Kit, Port, contract

VECTORS = Path(__file__).parents[1] / "vectors" / "third-party"

DATA = (b"", b"\0", b"pychat", bytes(range(256)) * 5, b"x" * 70_000)


def vectors(name: str) -> list[dict[str, Any]]:
    """The vectors of one file."""
    loaded: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text("ascii"))["vectors"]
    return loaded


def _bytes(vector: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(vector[name]) for name in names]


def _flipped(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "little") ^ 1 << bit).to_bytes(len(data), "little")


# Keys and chance.


@contract(Port.CRYPTO)
async def a_public_key_has_32_bytes_and_stays_the_same(kit: Kit) -> None:
    one = await kit.identity()
    assert type(one.public_key) is bytes
    assert len(one.public_key) == 32
    assert one.public_key == one.public_key


@contract(Port.CRYPTO)
async def everybody_new_has_a_key_of_their_own(kit: Kit) -> None:
    assert (await kit.identity()).public_key != (await kit.identity()).public_key


@contract(Port.CRYPTO)
async def chance_gives_as_many_bytes_as_are_asked_for_and_others_each_time(kit: Kit) -> None:
    one = await kit.identity()
    for size in (1, 16, 32, 1000):
        drawn = one.random(size)
        assert type(drawn) is bytes
        assert len(drawn) == size
    assert len({one.random(32) for _ in range(100)} | {(await kit.identity()).random(32)}) == 101


# Signatures.


@contract(Port.CRYPTO)
async def what_one_signs_others_find_genuine(kit: Kit) -> None:
    one, other = await kit.identity(), await kit.identity()
    for data in DATA:
        signature = await one.sign(data)
        assert type(signature) is bytes
        assert len(signature) == 64
        assert await one.verify(one.public_key, signature, data) is True
        assert await other.verify(one.public_key, signature, data) is True


@contract(Port.CRYPTO)
async def a_signature_is_of_one_key_and_of_one_text(kit: Kit) -> None:
    one, other = await kit.identity(), await kit.identity()
    signature = await one.sign(b"data")
    assert await one.verify(other.public_key, signature, b"data") is False
    for data in (b"", b"dat", b"Data", b"data\0", b"\0data"):
        assert await one.verify(one.public_key, signature, data) is False, data


@contract(Port.CRYPTO)
async def a_bit_that_is_flipped_is_seen(kit: Kit) -> None:
    one = await kit.identity(bytes(range(32)))
    key, data = one.public_key, b"data"
    signature = await one.sign(data)
    for bit in range(0, 512, 17):
        assert await one.verify(key, _flipped(signature, bit), data) is False, bit
    for bit in (*range(0, 255, 17), 255):
        assert await one.verify(_flipped(key, bit), signature, data) is False, bit


@contract(Port.CRYPTO)
async def what_is_no_key_or_no_signature_is_refused_and_nothing_worse(kit: Kit) -> None:
    one = await kit.identity()
    signature = await one.sign(b"data")
    no_point = (2).to_bytes(32, "little")  # there is no point of the curve with y = 2
    for key in (b"", b"\0", one.public_key[:-1], one.public_key + b"\0", no_point, b"\xff" * 32):
        assert await one.verify(key, signature, b"data") is False, key.hex()
    for wrong in (b"", b"\0", signature[:-1], signature + b"\0", signature * 2, bytes(64), b"\xff" * 64):
        assert await one.verify(one.public_key, wrong, b"data") is False, wrong.hex()


@contract(Port.CRYPTO)
async def keys_and_signatures_are_those_of_rfc_8032(kit: Kit) -> None:
    for vector in vectors("ed25519-rfc8032"):
        seed, key, data, signature = _bytes(vector, "seed", "key", "data", "signature")
        one = await kit.identity(seed)
        assert one.public_key == key, vector["name"]
        assert await one.sign(data) == signature, vector["name"]
        assert await one.verify(key, signature, data) is True, vector["name"]


@contract(Port.CRYPTO)
async def signatures_are_judged_as_wycheproof_does(kit: Kit) -> None:
    one = await kit.identity()
    for vector in vectors("ed25519-wycheproof"):
        key, data, signature = _bytes(vector, "key", "data", "signature")
        genuine = await one.verify(key, signature, data)
        assert type(genuine) is bool
        if vector["result"] != "acceptable":  # keys of small or mixed order, which one may take or refuse
            assert genuine is (vector["result"] == "valid"), vector


# Keys that follow from a secret.


@contract(Port.CRYPTO)
async def what_follows_from_a_secret_is_that_of_rfc_5869(kit: Kit) -> None:
    one = await kit.identity()
    for vector in vectors("hkdf-rfc5869"):
        secret, salt, info, derived = _bytes(vector, "secret", "salt", "info", "derived")
        result = await one.derive(secret, salt, info, vector["size"])
        assert type(result) is bytes
        assert result == derived, vector["name"]


@contract(Port.CRYPTO)
async def a_passphrase_is_stretched_as_the_reference_implementation_does(kit: Kit) -> None:
    one = await kit.identity()
    for vector in vectors("argon2id-reference"):
        passphrase, salt, key = _bytes(vector, "passphrase", "salt", "key")
        result = await one.stretch(passphrase, salt, vector["memory"], vector["passes"], vector["lanes"])
        assert type(result) is bytes
        assert result == key, vector


@contract(Port.CRYPTO)
async def from_another_secret_salt_or_purpose_follows_something_else(kit: Kit) -> None:
    one = await kit.identity()
    asked = [(b"s", b"t", b"i"), (b"S", b"t", b"i"), (b"s", b"T", b"i"), (b"s", b"t", b"I"), (b"s", b"", b"")]
    assert len({await one.derive(*secret, 32) for secret in asked}) == len(asked)
    for size in (1, 16, 255 * 32):
        assert len(await one.derive(b"s", b"t", b"i", size)) == size


# Sealed texts.


@contract(Port.CRYPTO)
async def what_one_seals_whoever_has_the_key_opens(kit: Kit) -> None:
    one, other = await kit.identity(), await kit.identity()
    key, nonce = one.random(32), one.random(12)
    for data in DATA:
        sealed = await one.seal(key, nonce, data, b"context")
        assert type(sealed) is bytes
        assert len(sealed) == len(data) + 16
        opened = await other.unseal(key, nonce, sealed, b"context")
        assert type(opened) is bytes
        assert opened == data


@contract(Port.CRYPTO)
async def what_does_not_fit_does_not_open(kit: Kit) -> None:
    one = await kit.identity()
    key, nonce = bytes(range(32)), bytes(12)
    sealed = await one.seal(key, nonce, b"data", b"context")
    for bit in (*range(0, len(sealed) * 8, 17), len(sealed) * 8 - 1):
        assert await one.unseal(key, nonce, _flipped(sealed, bit), b"context") is None, bit
    assert await one.unseal(_flipped(key, 255), nonce, sealed, b"context") is None
    assert await one.unseal(key, _flipped(nonce, 95), sealed, b"context") is None
    for context in (b"", b"contex", b"Context", b"context\0"):
        assert await one.unseal(key, nonce, sealed, context) is None, context
    for wrong in (b"", b"\0", sealed[:15], sealed[:16], sealed[:-1], sealed[1:], sealed + b"\0"):
        assert await one.unseal(key, nonce, wrong, b"context") is None, wrong


@contract(Port.CRYPTO)
async def sealed_texts_are_those_of_nist(kit: Kit) -> None:
    one = await kit.identity()
    for vector in vectors("aes-gcm-cavs"):
        key, nonce, context, sealed = _bytes(vector, "key", "nonce", "context", "sealed")
        data = bytes.fromhex(vector["data"]) if vector["data"] is not None else None
        assert await one.unseal(key, nonce, sealed, context) == data, vector
        if data is not None:
            assert await one.seal(key, nonce, data, context) == sealed, vector


# Hashes. They are no port: the core takes those of Python, which are other code in a page.


@contract(Port.CRYPTO)
async def hashes_are_those_of_fips_180_4(_: Kit) -> None:
    for vector in vectors("sha-2-cavs"):
        new = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}[vector["hash"]]
        if "data" in vector:
            assert new(bytes.fromhex(vector["data"])).hexdigest() == vector["digest"], vector
            continue
        seed = bytes.fromhex(vector["seed"])
        for number, expected in enumerate(vector["digests"]):
            last = [seed] * 3
            for _round in range(1000):
                last = [*last[1:], new(b"".join(last)).digest()]
            seed = last[-1]
            assert seed.hex() == expected, (vector["hash"], number)
