"""The person's Ed25519 key, kept by the browser where no page can read it, and what is done with keys."""

import asyncio
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from pychat.browser.ports.database import PATIENCE, delete_database, kept, open_database, options, words
from pychat.ports import PortError

_ALGORITHM = "Ed25519"
_CIPHER = "AES-GCM"
_DATABASE, _SHELF, _IDENTITY, _SEAL = "pychat", "identity", "own", "seal"
_NONCE = 12
"""Bytes of an AES-GCM nonce (NIST SP 800-38D)."""
_KEYS = 64
"""Imported keys that are kept at most; the oldest gives way."""


class BrowserCrypto:
    """Implements `ports.Crypto`; `open` and `for_this_visit` make it.

    `kept` says whether the identity will be the same at the next visit.
    """

    def __init__(self, private: Any, public_key: bytes, seal: Any = None) -> None:
        self._private = private
        self.public_key = public_key
        self._seal = seal  # the key for what the browser itself writes to disk
        self.kept = seal is not None
        self._imported: dict[tuple[str, bytes], Any] = {}  # a room uses the same few keys again and again

    @classmethod
    async def open(cls) -> "BrowserCrypto":
        """The identity that this browser keeps, made at first; where none can be kept, one for this visit."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await cls.of(*await _kept_keys())
        except (JsException, PortError, AttributeError, TimeoutError):  # it may refuse, or have no database
            return await cls.for_this_visit()

    @classmethod
    async def for_this_visit(cls) -> "BrowserCrypto":
        """A new identity that nothing is left of when the page is closed."""
        return await cls.of(await _new_pair())

    @classmethod
    async def of(cls, pair: Any, seal: Any = None) -> "BrowserCrypto":
        """The identity of a CryptoKeyPair; with the key for what is kept, where that is kept too."""
        raw = await js.crypto.subtle.exportKey("raw", pair.publicKey)
        return cls(pair.privateKey, raw.to_bytes(), seal)

    def random(self, size: int) -> bytes:
        """Bytes from `crypto.getRandomValues`."""
        return bytes(js.crypto.getRandomValues(js.Uint8Array.new(size)).to_bytes())

    async def sign(self, data: bytes) -> bytes:
        """The Ed25519 signature, by Web Crypto."""
        try:
            signature = await js.crypto.subtle.sign(_ALGORITHM, self._private, to_js(data))
        except JsException as error:
            raise PortError(words(error)) from error
        return bytes(signature.to_bytes())

    async def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        """Whether the Ed25519 signature is this key's, by Web Crypto."""
        subtle = js.crypto.subtle
        try:
            public = await subtle.importKey("raw", to_js(key), _ALGORITHM, False, to_js(["verify"]))
        except JsException:
            return False  # what is no key
        try:
            return bool(await subtle.verify(_ALGORITHM, public, to_js(signature), to_js(data)))
        except JsException as error:
            raise PortError(words(error)) from error

    async def derive(self, secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
        """Bytes that follow from a secret, by Web Crypto's HKDF."""
        algorithm = options(name="HKDF", hash="SHA-256", salt=salt, info=info)
        try:
            key = await self._key("HKDF", secret, "deriveBits")
            derived = await js.crypto.subtle.deriveBits(algorithm, key, size * 8)
        except JsException as error:
            raise PortError(words(error)) from error
        return bytes(derived.to_bytes())

    async def stretch(self, passphrase: bytes, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
        """The key by Argon2id, of hash-wasm, which is loaded when it is wanted: Web Crypto has none."""
        wanted = options(
            password=passphrase,
            salt=salt,
            memorySize=memory,
            iterations=passes,
            parallelism=lanes,
            hashLength=32,
            outputType="binary",
        )
        try:
            await js.loadArgon2()
            stretched = await js.hashwasm.argon2id(wanted)
        except JsException as error:
            raise PortError(words(error)) from error
        return bytes(stretched.to_bytes())

    async def seal(self, key: bytes, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Encrypt with Web Crypto's AES-GCM; the tag is at the end."""
        algorithm = options(name=_CIPHER, iv=nonce, additionalData=associated_data)
        try:
            sealed = await js.crypto.subtle.encrypt(algorithm, await self._cipher_key(key), to_js(data))
        except JsException as error:
            raise PortError(words(error)) from error
        return bytes(sealed.to_bytes())

    async def unseal(self, key: bytes, nonce: bytes, sealed: bytes, associated_data: bytes) -> bytes | None:
        """Decrypt with Web Crypto's AES-GCM; None when the tag is wrong."""
        algorithm = options(name=_CIPHER, iv=nonce, additionalData=associated_data)
        try:
            data = await js.crypto.subtle.decrypt(algorithm, await self._cipher_key(key), to_js(sealed))
        except JsException as error:
            if error.name == "OperationError":  # W3C WebCrypto, section 29.4.2: the tag is wrong, or there is none
                return None
            raise PortError(words(error)) from error
        return bytes(data.to_bytes())

    async def seal_kept(self, data: bytes) -> bytes:
        """Encrypt what the browser itself will write to disk. Raises PortError where no key for that can be kept."""
        nonce = self.random(_NONCE)
        try:
            sealed = await js.crypto.subtle.encrypt(options(name=_CIPHER, iv=nonce), self._kept_seal, to_js(data))
        except JsException as error:
            raise PortError(words(error)) from error
        return nonce + bytes(sealed.to_bytes())

    async def unseal_kept(self, sealed: bytes) -> bytes:
        """Decrypt what `seal_kept` made, at this visit or an earlier one. Raises PortError for anything else."""
        nonce, sealed = sealed[:_NONCE], sealed[_NONCE:]
        try:
            data = await js.crypto.subtle.decrypt(options(name=_CIPHER, iv=nonce), self._kept_seal, to_js(sealed))
        except JsException as error:
            raise PortError(words(error)) from error
        return bytes(data.to_bytes())

    @property
    def _kept_seal(self) -> Any:
        if self._seal is None:
            raise PortError("this browser keeps no keys")
        return self._seal

    async def _cipher_key(self, key: bytes) -> Any:
        return await self._key(_CIPHER, key, "encrypt", "decrypt")

    async def _key(self, algorithm: str, key: bytes, *usages: str) -> Any:
        """The browser's own object of a key, made once."""
        found = self._imported.get((algorithm, key))
        if found is None:
            found = await js.crypto.subtle.importKey("raw", to_js(key), algorithm, False, to_js(usages))
            self._imported[algorithm, key] = found
            if len(self._imported) > _KEYS:
                del self._imported[next(iter(self._imported))]
        return found

    async def erase(self) -> None:
        """Delete the identity that is kept. Raises PortError when the browser refuses."""
        await delete_database(_DATABASE)


async def _new_pair() -> Any:
    return await js.crypto.subtle.generateKey(_ALGORITHM, False, to_js(["sign", "verify"]))


async def _new_seal() -> Any:
    algorithm = to_js({"name": _CIPHER, "length": 256}, dict_converter=js.Object.fromEntries)
    return await js.crypto.subtle.generateKey(algorithm, False, to_js(["encrypt", "decrypt"]))


async def _kept_keys() -> tuple[Any, Any]:
    """The pair and the seal in the database, which is closed again at once: an open one could not be deleted."""
    database = await open_database(_DATABASE, 1, lambda database: database.createObjectStore(_SHELF))
    try:
        return await kept(database, _SHELF, _IDENTITY, _new_pair), await kept(database, _SHELF, _SEAL, _new_seal)
    finally:
        database.close()
