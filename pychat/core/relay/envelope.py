"""What members of a room say to each other over a relay that must not read it: signals, sealed in envelopes.

A signal is a JSON array whose first item names its kind.

    ["offer", attempt, generation, fingerprint, ufrag, password, [candidate, …]]
    ["answer", attempt, generation, fingerprint, ufrag, password, [candidate, …]]
    ["candidate", attempt, "offer" or "answer", generation, candidate]   of the sender's offer or answer
    ["refused", attempt, "full", "locked" or "elsewhere"]            the sender takes nobody new, or not now
    ["claim", hint, takes over: true or false]                    the sender may be somebody who has a seat already
    ["again", proof]                                              the sender has a link to the receiver, from before
    ["bye"]                                                       the sender leaves the room on purpose
    ["authenticated", count, mac, signal]                         one of the above but `again`, on a link that is proved

Two members that start over with each other count the link up; of two links the one with the higher number counts. A
proof is 32 bytes, see `again`.

Everybody in a room can seal in everybody's name, for all have its secret. So once a link's peer has proved who it is,
a signal about that link counts only with a message authentication code that nobody else can make (`authenticate`).

A candidate is `[type, address, port]`, the type `host`, `srflx` or `relay`. Behind the array are as many spaces as make
a multiple of 256 bytes, so that the size tells the relay little.

An envelope is base64url without padding over an 8-byte big-endian counter and the sealed signal: AES-256-GCM with the
sender's key, the counter as the nonce, and room, sender, receiver and counter as what is bound to it. The counter
begins at 0 with each session of the sender, which has a name and so a key of its own, and rises by one for each
envelope, whoever receives it: no nonce is used twice.
"""

import base64
import binascii
import hmac
import ipaddress
import json
import re
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from pychat.core import wire
from pychat.core.errors import LocalError, RemoteError
from pychat.core.webrtc import sdp
from pychat.core.webrtc.negotiation import Answer, Candidate, Offer
from pychat.core.webrtc.sdp import MAX_CANDIDATES, CandidateKind, Description, DescriptionKind

MAX_PLAINTEXT = 16_384
"""Bytes of a signal with its spaces at most."""
MAX_COUNTER = 2**64 - 1

_STEP = 256
_COUNTER_SIZE, _TAG_SIZE = 8, 16
MAX_TEXT = ((_COUNTER_SIZE + MAX_PLAINTEXT + _TAG_SIZE) * 4 + 2) // 3
"""Characters of an envelope at most."""

_LABEL, _AGAIN, _SIGNAL = b"pychat envelope\0", b"pychat again\0", b"pychat signal\0"
_CLAIM = b"pychat claim\0"
PROOF_SIZE, MAC_SIZE, HINT_SIZE = 32, 16, 16
_UFRAG, _PWD = re.compile(r"[A-Za-z0-9+/]{4,255}"), re.compile(r"[A-Za-z0-9+/]{22,255}")  # RFC 8839, section 5.4
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class RoomBye:
    """The sender leaves the room on purpose."""


class Refusal(Enum):
    """Why somebody in the room takes nobody new."""

    FULL = "full"
    LOCKED = "locked"
    ELSEWHERE = "elsewhere"
    """They are connected to the same person already, in another program or tab."""


@dataclass(frozen=True, slots=True)
class OnLink:
    """What belongs to the negotiation of a link: the one of that attempt of the two members."""

    attempt: int
    signal: Offer | Answer | Candidate


@dataclass(frozen=True, slots=True)
class Refused:
    """The sender does not take the link of that attempt."""

    attempt: int
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Resume:
    """The sender had another name at the relay when its link to the receiver began, and proves that it has one."""

    proof: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The sender may be whoever has a seat; `takes_over` says that it is to have it although the other one is there.

    It proves nothing: the handshake does. Who does not know the sender's key learns nothing from it.
    """

    hint: bytes
    takes_over: bool


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A signal of the proved peer of a link; `count` rises with each that it sends about this link."""

    count: int
    mac: bytes
    signal: OnLink | Refused | RoomBye


Signal = OnLink | Refused | Resume | RoomBye | Authenticated | Claim


def resume(transcript: bytes, sender: bytes, receiver: bytes) -> Resume:
    """Prove to the other side of a link who one is at the relay by now.

    HMAC-SHA-256 (RFC 2104) of both names, with the link's transcript as the key: only the two sides know that.
    """
    return Resume(hmac.digest(_AGAIN + transcript, sender + receiver, "sha256"))


def claim(key: bytes, sender: bytes, receiver: bytes, *, takes_over: bool) -> Claim:
    """Say to those who know a key that one is going to prove it.

    HMAC-SHA-256 (RFC 2104), cut to 16 bytes, of both names, with the key.
    """
    return Claim(hmac.digest(key, _CLAIM + sender + receiver, "sha256")[:HINT_SIZE], takes_over)


def authenticate(
    transcript: bytes, sender: bytes, receiver: bytes, count: int, signal: OnLink | Refused | RoomBye
) -> Authenticated:
    """Prove to the other side of a link that a signal about it is ours, and none that it has heard already.

    HMAC-SHA-256 (RFC 2104), cut to 16 bytes, of both names, the count and the signal without its spaces, with the
    link's transcript as the key: only the two sides know the nonces in it.
    """
    said = sender + receiver + count.to_bytes(_COUNTER_SIZE, "big") + _json(signal)
    return Authenticated(count, hmac.digest(_SIGNAL + transcript, said, "sha256")[:MAC_SIZE], signal)


def nonce(counter: int) -> bytes:
    """The nonce of an envelope: 12 bytes."""
    return counter.to_bytes(12, "big")


def associated_data(room: bytes, sender: bytes, receiver: bytes, counter: int) -> bytes:
    """What is bound to an envelope; all fields have a fixed length."""
    return _LABEL + room + sender + receiver + counter.to_bytes(_COUNTER_SIZE, "big")


def wrap(counter: int, sealed: bytes) -> str:
    """Write an envelope."""
    return wire.to_text(counter.to_bytes(_COUNTER_SIZE, "big") + sealed)


def unwrap(text: str) -> tuple[int, bytes]:
    """Take an envelope apart: its counter, and what is sealed.

    Raises:
        RemoteError: it is none. Nothing else is raised.
    """
    if len(text) > MAX_TEXT or not _BASE64URL.fullmatch(text):
        raise RemoteError("an envelope is malformed")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise RemoteError("an envelope is malformed") from error
    if wire.to_text(raw) != text or len(raw) <= _COUNTER_SIZE + _TAG_SIZE:
        raise RemoteError("an envelope is malformed")
    return int.from_bytes(raw[:_COUNTER_SIZE], "big"), raw[_COUNTER_SIZE:]


def encode(signal: Signal) -> bytes:
    """Write a signal, with its spaces.

    Raises:
        LocalError: it is too large.
    """
    data = _json(signal)
    data += b" " * (-len(data) % _STEP)
    if len(data) > MAX_PLAINTEXT:
        raise LocalError("a signal is too large")
    return data


def _json(signal: Signal) -> bytes:
    """The one writing of a signal."""
    return json.dumps(_items(signal), separators=(",", ":")).encode()


def _items(signal: Signal) -> list[object]:
    items: list[object]
    match signal:
        case OnLink(attempt, Offer(generation, description)):
            items = ["offer", attempt, generation, *_parts(description)]
        case OnLink(attempt, Answer(generation, description)):
            items = ["answer", attempt, generation, *_parts(description)]
        case OnLink(attempt, Candidate(kind, generation, candidate)):
            items = ["candidate", attempt, kind.value, generation, _fields(candidate)]
        case Refused(attempt, refusal):
            items = ["refused", attempt, refusal.value]
        case Resume(proof):
            items = ["again", wire.to_text(proof)]
        case RoomBye():
            items = ["bye"]
        case Claim(hint, takes_over):
            items = ["claim", wire.to_text(hint), takes_over]
        case Authenticated(count, mac, inner):
            items = ["authenticated", count, wire.to_text(mac), _items(inner)]
    return items


def decode(data: bytes) -> Signal:
    """Read a signal.

    Raises:
        RemoteError: it has not exactly the form of one. Nothing else is raised.
    """
    if len(data) > MAX_PLAINTEXT or len(data) % _STEP or not data.isascii():
        raise RemoteError("a signal has an unusual size, or is no text")
    return _read(wire.read_items(data.decode("ascii")))


def _read(items: list[Any]) -> Signal:
    number = partial(wire.read_number, least=1)
    match items:
        case ["offer", attempt, generation, *parts]:
            return OnLink(number(attempt), Offer(number(generation), _description(DescriptionKind.OFFER, parts)))
        case ["answer", attempt, generation, *parts]:
            return OnLink(number(attempt), Answer(number(generation), _description(DescriptionKind.ANSWER, parts)))
        case ["candidate", attempt, "offer" | "answer" as kind, generation, candidate]:
            signal = Candidate(DescriptionKind(kind), number(generation), _candidate(candidate))
            return OnLink(number(attempt), signal)
        case ["refused", attempt, "full" | "locked" | "elsewhere" as refusal]:
            return Refused(number(attempt), Refusal(refusal))
        case ["again", proof]:
            return Resume(wire.read_bytes(proof, PROOF_SIZE))
        case ["bye"]:
            return RoomBye()
        case ["claim", hint, bool(takes_over)]:
            return Claim(wire.read_bytes(hint, HINT_SIZE), takes_over)
        case ["authenticated", count, mac, [*inner]]:
            said = _read(inner)
            if isinstance(said, OnLink | Refused | RoomBye):
                return Authenticated(number(count), wire.read_bytes(mac, MAC_SIZE), said)
    raise RemoteError("a signal has not the form it should have")


def _parts(description: Description) -> list[object]:
    candidates = [_fields(candidate) for candidate in description.candidates]
    return [wire.to_text(description.fingerprint), description.ufrag, description.pwd, candidates]


def _fields(candidate: sdp.Candidate) -> list[object]:
    return [candidate.kind.value, candidate.address, candidate.port]


def _description(kind: DescriptionKind, parts: list[Any]) -> Description:
    match parts:
        case [fingerprint, str(ufrag), str(pwd), [*candidates]] if (
            _UFRAG.fullmatch(ufrag) and _PWD.fullmatch(pwd) and len(candidates) <= MAX_CANDIDATES
        ):
            return Description(kind, wire.read_bytes(fingerprint, 32), ufrag, pwd, tuple(map(_candidate, candidates)))
    raise RemoteError("a description has not the form it should have")


def _candidate(value: Any) -> sdp.Candidate:
    match value:
        case ["host" | "srflx" | "relay" as kind, str(address), int(port)] if (
            type(port) is int and 0 < port < 65_536 and _is_address(address)
        ):
            return sdp.Candidate(CandidateKind(kind), address, port)
    raise RemoteError("a candidate has not the form it should have")


def _is_address(text: str) -> bool:
    """Whether it is an IP address without a zone, or an mDNS name, in its one writing."""
    name = sdp.mdns_uuid(text)
    if name is not None:
        return text == f"{name}.local"
    try:
        return "%" not in text and str(ipaddress.ip_address(text)) == text
    except ValueError:
        return False
