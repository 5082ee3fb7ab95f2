"""The person's Ed25519 key, kept in a file that only its owner can read, and what is done with keys."""

import asyncio
import base64
import binascii
import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pychat.native.ports.store import FileStore, MemoryStore
from pychat.ports import PortError

KEY = "identity"


class NativeCrypto:
    """Implements `ports.Crypto`. Without a key of its own it makes one, for as long as it lives."""

    def __init__(self, private: Ed25519PrivateKey | None = None) -> None:
        self._private = private or Ed25519PrivateKey.generate()

    @classmethod
    def kept_in(cls, store: FileStore | MemoryStore) -> "NativeCrypto":
        """The key that is kept, or a new one, which is kept from now on.

        Raises:
            PortError: it cannot be read or kept. To go on with another one would make the person somebody else.
        """
        text = store.load(KEY)
        if text is None:  # and another program may begin at the same time
            new = Ed25519PrivateKey.generate().private_bytes_raw()
            text = store.save_first(KEY, base64.b64encode(new).decode())
        try:
            private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
        except (ValueError, binascii.Error) as error:
            raise PortError("the file with your identity is damaged; `pychat reset` starts afresh") from error
        store.belongs_to(KEY, text)
        return cls(private)

    @property
    def public_key(self) -> bytes:
        """Our Ed25519 public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def random(self, size: int) -> bytes:
        """Bytes from `secrets`."""
        return secrets.token_bytes(size)

    async def sign(self, data: bytes) -> bytes:
        """The Ed25519 signature, 64 bytes."""
        return self._private.sign(data)

    async def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        """Whether the Ed25519 signature is this key's; False also for what is no key."""
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True

    async def derive(self, secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
        """Bytes that follow from a secret, by HKDF with SHA-256."""
        return HKDF(SHA256(), size, salt, info).derive(secret)

    async def stretch(self, passphrase: bytes, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
        """The key by Argon2id, of OpenSSL; in a thread, for it takes a while."""
        argon2 = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
        try:
            return await asyncio.to_thread(argon2.derive, passphrase)
        except MemoryError as error:
            raise PortError("there is not enough memory") from error

    async def seal(self, key: bytes, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        """Encrypt with AES-GCM; the tag is at the end."""
        return AESGCM(key).encrypt(nonce, data, associated_data)

    async def unseal(self, key: bytes, nonce: bytes, sealed: bytes, associated_data: bytes) -> bytes | None:
        """Decrypt with AES-GCM; None when the tag is wrong."""
        try:
            return AESGCM(key).decrypt(nonce, sealed, associated_data)
        except InvalidTag:
            return None
