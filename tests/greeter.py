"""The replier's half of a handshake, for peers of the tests that are no pychat: real keys, which take no time."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pychat.core import effects, wire
from pychat.core.codes.invite import Code
from pychat.core.handshake import NONCE_SIZE, Binding, Handshake, HandshakeStep, Role
from pychat.core.webrtc.sdp import Description
from tests.core.people import is_genuine


class Greeter:
    """Takes what the inviter says, and gives what is to be said in return, until it is `done`.

    Args:
        invite: the invite that was answered.
        own: the description in the reply.
    """

    def __init__(self, invite: Code, own: Description) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._nonce = secrets.token_bytes(NONCE_SIZE)
        binding = Binding(invite.digest, invite.description.fingerprint, own.fingerprint)
        self._handshake = Handshake(1, Role.REPLIER, self.key, binding, wire.VERSIONS)
        self._handshake.nonce_drawn(self._nonce)

    @property
    def key(self) -> bytes:
        """Who greets."""
        return self._key.public_key().public_bytes_raw()

    @property
    def done(self) -> bool:
        return self._handshake.done

    def hello(self) -> str:
        """The greeting that is to come second, for those who do not wait."""
        return wire.encode(wire.Hello(wire.VERSIONS, (self.key, self._nonce)))

    def hear(self, data: str) -> list[str]:
        """Take a frame; what is said in return, if it is one of the handshake."""
        match wire.decode(data):
            case wire.Hello() as hello:
                return self._carry_out(self._handshake.hello(hello))
            case wire.Reveal() as reveal:
                return self._carry_out(self._handshake.reveal(reveal))
        return []

    def _carry_out(self, steps: list[HandshakeStep]) -> list[str]:
        said: list[str] = []
        for step in steps:
            match step:
                case effects.SendFrame(_, data):
                    said.append(data)
                case effects.Sign(_, data):
                    said += self._carry_out(self._handshake.signed(self._key.sign(data)))
                case effects.Verify(_, key, signature, data):
                    said += self._carry_out(self._handshake.verified(is_genuine(key, signature, data)))
        return said
