"""Writes codes and session descriptions by what docs/reference/protocol.md says, and by nothing else.

It shares no line with pychat.core on purpose: what both write alike is what the document says. It chooses nothing by
itself, not even the form of the credentials, so that a case can also ask for what no code may have.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = dict[str, Any]

Text = str | Sequence[Any]
"""A string, or in parts: strings, and pairs of a string and how often it is repeated (see the notes in the files)."""

INVITE, REPLY = "invite", "reply"

_TYPES = ("host", "srflx", "relay")
_TYPE_PREFERENCE = {"host": 126, "srflx": 100, "relay": 0}
_FORMS = ("4 and 24 ICE characters", "8 and 32 hexadecimal digits", "4 and 22 ICE characters", "any")


@dataclass(frozen=True)
class Address:
    """An address as text and as bytes; `family` is the number that a code has for it."""

    family: int
    text: str
    packed: bytes


def ipv4(text: str) -> Address:
    return Address(0, text, bytes(int(part) for part in text.split(".")))


def ipv6(text: str, packed: str) -> Address:
    """The text in the form of RFC 5952; the bytes in hexadecimal, with spaces where they help."""
    return Address(1, text, bytes.fromhex(packed))


def mdns(name: str) -> Address:
    """The name is that of a UUID."""
    return Address(2, f"{name}.local", bytes.fromhex(name.replace("-", "")))


@dataclass(frozen=True)
class Candidate:
    type: str
    address: Address
    port: int

    @property
    def reading(self) -> Json:
        return {"type": self.type, "address": self.address.text, "port": self.port}


@dataclass(frozen=True)
class Description:
    """What a code carries; `form` says how the credentials are written, `answers` is for a reply only."""

    kind: str
    fingerprint: bytes
    form: int
    ufrag: str
    pwd: str
    candidates: Sequence[Candidate]
    answers: bytes = b""

    @property
    def reading(self) -> Json:
        return {
            "kind": self.kind,
            "fingerprint": self.fingerprint.hex(),
            "ufrag": self.ufrag,
            "pwd": self.pwd,
            "candidates": [candidate.reading for candidate in self.candidates],
        }


class Field(NamedTuple):
    name: str
    data: bytes
    meaning: str


class Code:
    """The bytes of a code, field by field, and what they are as text."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.body = list(fields)
        self.hash = hashlib.sha256(b"".join(field.data for field in fields)).digest()

    @property
    def fields(self) -> list[Field]:
        return [*self.body, Field("checksum", self.hash[:3], "the first bytes of the SHA-256 of all before")]

    @property
    def ref(self) -> bytes:
        return self.hash[3:6]

    @property
    def text(self) -> str:
        return as_text(b"".join(field.data for field in self.fields))

    def with_fields(self, **changed: bytes) -> "Code":
        """The same with other bytes in some fields (an underscore stands for a space), under a right checksum."""
        data = {name.replace("_", " "): value for name, value in changed.items()}
        assert data.keys() <= {field.name for field in self.body}
        return Code([field._replace(data=data.get(field.name, field.data), meaning="") for field in self.body])

    def cut_within(self) -> Iterator[tuple[str, str]]:
        """For each field but the header the name, and the text that ends in the middle of it."""
        at = 0
        for name, data, _ in self.fields:
            size = at + len(data) // 2
            at += len(data)
            if name not in ("header", "answers"):  # too short to be taken for a code at all
                yield name, self.text[: -(-size * 4 // 3)]


def as_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def write(description: Description) -> Code:
    """Write a code."""
    is_reply = description.kind == REPLY
    header = 1 << 4 | is_reply << 3 | description.form
    fields = [Field("header", bytes([header]), f"version 1, {description.kind}, form {description.form}")]
    if is_reply:
        fields.append(Field("answers", description.answers, "the ref of the invite"))
    fields.append(Field("fingerprint", description.fingerprint, "SHA-256 of the certificate"))
    ufrag, pwd = description.ufrag, description.pwd
    if description.form == 3:
        fields.append(Field("lengths", bytes([len(ufrag), len(pwd)]), "of the user fragment and of the password"))
    credentials = bytes.fromhex(ufrag + pwd) if description.form == 1 else _six_bits_each(ufrag + pwd)
    fields.append(Field("credentials", credentials, f"user fragment and password: {_FORMS[description.form]}"))
    for number, candidate in enumerate(description.candidates, 1):
        more = number < len(description.candidates)
        head = more << 7 | candidate.address.family << 2 | _TYPES.index(candidate.type)
        family = ("IPv4", "IPv6", "mDNS")[candidate.address.family]
        meaning = f"{'another follows' if more else 'the last one'}; {family}, {candidate.type}"
        fields += [
            Field(f"candidate {number}", bytes([head]), meaning),
            Field(f"address {number}", candidate.address.packed, candidate.address.text),
            Field(f"port {number}", candidate.port.to_bytes(2, "big"), str(candidate.port)),
        ]
    return Code(fields)


def _six_bits_each(chars: str) -> bytes:
    # ICE characters have the values that plain base64 gives them; “A” is zero and fills up.
    size = (len(chars) * 6 + 7) // 8
    return base64.b64decode(chars + "A" * (-len(chars) % 4))[:size]


def rebuilt(reading: Mapping[str, Any]) -> list[str]:
    """The lines of the session description that is rebuilt from the reading of a code."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
    ]
    for place, candidate in enumerate(reading["candidates"]):
        priority = _TYPE_PREFERENCE[candidate["type"]] * 2**24 + (65_535 - place) * 2**8 + 255
        line = (
            f"a=candidate:{place} 1 udp {priority} {candidate['address']} {candidate['port']} typ {candidate['type']}"
        )
        lines.append(line if candidate["type"] == "host" else f"{line} raddr 0.0.0.0 rport 0")
    digits = reading["fingerprint"].upper()
    fingerprint = ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    return [
        *lines,
        f"a=ice-ufrag:{reading['ufrag']}",
        f"a=ice-pwd:{reading['pwd']}",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {fingerprint}",
        f"a=setup:{'actpass' if reading['kind'] == INVITE else 'active'}",
        "a=mid:0",
        "a=sctp-port:5000",
        "a=max-message-size:65536",
    ]
