"""The person's Ed25519 key, kept by the browser where no page can read it, and what is done with keys."""

import asyncio
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from pychat.ports import PortError

_ALGORITHM = "Ed25519"
_CIPHER = "AES-GCM"
_DATABASE, _SHELF, _ENTRY = "pychat", "identity", "own"
_KEYS = 64
"""Imported keys that are kept at most; the oldest gives way."""
_PATIENCE = 10.0
"""Seconds after which a database that does not answer counts as none."""


class BrowserCrypto:
    """Implements `ports.Crypto`; `open` and `for_this_visit` make it.

    `kept` says whether the identity will be the same at the next visit.
    """

    def __init__(self, private: Any, public_key: bytes, *, kept: bool) -> None:
        self._private = private
        self.public_key = public_key
        self.kept = kept
        self._imported: dict[tuple[str, bytes], Any] = {}  # a room uses the same few keys again and again

    @classmethod
    async def open(cls) -> "BrowserCrypto":
        """The identity that this browser keeps, made at first; where none can be kept, one for this visit."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await cls.of(await _kept_pair(), kept=True)
        except (JsException, PortError, AttributeError, TimeoutError):  # it may refuse, or have no database
            return await cls.for_this_visit()

    @classmethod
    async def for_this_visit(cls) -> "BrowserCrypto":
        """A new identity that nothing is left of when the page is closed."""
        return await cls.of(await _new_pair(), kept=False)

    @classmethod
    async def of(cls, pair: Any, *, kept: bool) -> "BrowserCrypto":
        """The identity of a CryptoKeyPair."""
        raw = await js.crypto.subtle.exportKey("raw", pair.publicKey)
        return cls(pair.privateKey, raw.to_bytes(), kept=kept)

    def random(self, size: int) -> bytes:
        return bytes(js.crypto.getRandomValues(js.Uint8Array.new(size)).to_bytes())

    async def sign(self, data: bytes) -> bytes:
        try:
            signature = await js.crypto.subtle.sign(_ALGORITHM, self._private, to_js(data))
        except JsException as error:
            raise PortError(_words(error)) from error
        return bytes(signature.to_bytes())

    async def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        subtle = js.crypto.subtle
        try:
            public = await subtle.importKey("raw", to_js(key), _ALGORITHM, False, to_js(["verify"]))
        except JsException:
            return False  # what is no key
        try:
            return bool(await subtle.verify(_ALGORITHM, public, to_js(signature), to_js(data)))
        except JsException as error:
            raise PortError(_words(error)) from error

    async def derive(self, secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
        algorithm = _object(name="HKDF", hash="SHA-256", salt=salt, info=info)
        try:
            key = await self._key("HKDF", secret, "deriveBits")
            derived = await js.crypto.subtle.deriveBits(algorithm, key, size * 8)
        except JsException as error:
            raise PortError(_words(error)) from error
        return bytes(derived.to_bytes())

    async def seal(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
        algorithm = _object(name=_CIPHER, iv=nonce, additionalData=context)
        try:
            sealed = await js.crypto.subtle.encrypt(algorithm, await self._cipher_key(key), to_js(data))
        except JsException as error:
            raise PortError(_words(error)) from error
        return bytes(sealed.to_bytes())

    async def unseal(self, key: bytes, nonce: bytes, sealed: bytes, context: bytes) -> bytes | None:
        algorithm = _object(name=_CIPHER, iv=nonce, additionalData=context)
        try:
            data = await js.crypto.subtle.decrypt(algorithm, await self._cipher_key(key), to_js(sealed))
        except JsException as error:
            if error.name == "OperationError":  # W3C WebCrypto, section 29.4.2: the tag is wrong, or there is none
                return None
            raise PortError(_words(error)) from error
        return bytes(data.to_bytes())

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
        try:
            async with asyncio.timeout(_PATIENCE):
                await _result(js.indexedDB.deleteDatabase(_DATABASE))
        except (JsException, AttributeError, TimeoutError) as error:
            raise PortError(_words(error)) from error


async def _new_pair() -> Any:
    return await js.crypto.subtle.generateKey(_ALGORITHM, False, to_js(["sign", "verify"]))


def _object(**fields: str | bytes) -> Any:
    """A JavaScript object with no proxy in it."""
    return to_js(fields, dict_converter=js.Object.fromEntries, create_pyproxies=False)


async def _kept_pair() -> Any:
    """The pair of keys in the database, which is closed again at once: an open one could not be deleted."""
    database = await _open_database()
    try:
        pair = await _read(database)
        if pair is None:
            pair = await _new_pair()
            if not await _add(database, pair):  # another tab was quicker
                pair = await _read(database)
        return pair
    finally:
        database.close()


# The Indexed Database API (W3C): a request or a transaction says with an event how it has ended.


async def _open_database() -> Any:
    request = js.indexedDB.open(_DATABASE, 1)
    make = create_proxy(lambda _: request.result.createObjectStore(_SHELF))
    request.addEventListener("upgradeneeded", make)
    try:
        return await _result(request)
    finally:
        request.removeEventListener("upgradeneeded", make)
        make.destroy()


async def _read(database: Any) -> Any:
    return await _result(database.transaction(_SHELF, "readonly").objectStore(_SHELF).get(_ENTRY))


async def _add(database: Any, pair: Any) -> bool:
    """Keep the pair; returns whether there was none yet."""
    transaction = database.transaction(_SHELF, "readwrite")
    request = transaction.objectStore(_SHELF).add(pair, _ENTRY)
    if await _event(transaction, "complete", "error", "abort") == "complete":
        return True
    problem = request.error or transaction.error
    if problem.name == "ConstraintError":
        return False
    raise PortError(_words(problem))


async def _result(request: Any) -> Any:
    if await _event(request, "success", "error") == "error":
        raise PortError(_words(request.error))
    return request.result


async def _event(target: Any, *names: str) -> str:
    """Wait for the first of some events; returns its name."""
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def take(event: Any) -> None:
        event.preventDefault()  # a failure is the business of whoever waits, and not one of the page
        if not arrived.done():
            arrived.set_result(event.type)

    proxy = create_proxy(take)
    for name in names:
        target.addEventListener(name, proxy)
    try:
        return await arrived
    finally:
        for name in names:
            target.removeEventListener(name, proxy)
        proxy.destroy()


def _words(error: Any) -> str:
    return str(error)[:200]
