"""Handshakes from the private keys to what two people compare, and those that must be refused."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.vectors.codes import FORM_3_CODE, INVITE_CODE, REPLY_CODE
from tests.vectors.signer import (
    INVITER,
    REPLIER,
    Handshake,
    Person,
    commitment,
    over,
    plain,
    proof,
    reveal,
    safety_number,
    short_string,
)
from tests.vectors.writer import Json, as_text

NOTE = """\
Handshakes, byte by byte. See 'The handshake' in docs/reference/protocol.md. All bytes are in hexadecimal.
`inviter`, `replier`: `seed` is the private key (RFC 8032, section 5.1.5), `key` the public one, `nonce` what was drawn,
`versions` what this side speaks.
`codes`: the invite and the reply; `binding` follows from them.
`messages`: the frames in their order, each with the role that sends it. Compare them as JSON.
Good handshakes have both sides, and in `expected` what follows: the `commitment`; the `transcript`, also as `fields`;
what each role has `signed`, and its `signatures` (Ed25519 gives the same ones each time); `short_string`, with the
numbers of its `emoji`; `safety_number`.
Bad ones have the side that refuses the last of the messages, and the `error`: not-proved, broke-protocol or
other-version. All messages before it are in order; what this side sends itself is as in `messages`.
`signed`: what the refused signature is of, where it is a genuine one of that key, but of something else."""


def _drawn(about: str) -> bytes:
    return hashlib.sha256(b"pychat test vectors: " + about.encode()).digest()


ANN = Person(_drawn("Ann's seed"), _drawn("Ann's nonce"))
BOB = Person(_drawn("Bob's seed"), _drawn("Bob's nonce"))
EVE = Person(_drawn("Eve's seed"), _drawn("Eve's nonce"))

CODES: Json = {"invite": INVITE_CODE.text, "reply": REPLY_CODE.text}

WORKED = over(INVITE_CODE, REPLY_CODE, ANN, BOB)
"""The one of the document: Ann invites, Bob replies."""


@dataclass(frozen=True)
class Refused:
    """A handshake that one side must refuse. `handshake` is as this side has to see it until then."""

    name: str
    role: str
    handshake: Handshake
    received: Sequence[str]
    error: str
    signed: bytes = b""
    sent: Sequence[str] = field(default=())

    @property
    def side(self) -> Person:
        return self.handshake.inviter if self.role == INVITER else self.handshake.replier

    @property
    def messages(self) -> list[tuple[str, str]]:
        other = REPLIER if self.role == INVITER else INVITER
        answers = [[(self.role, frame)] if frame else [] for frame in self.sent]
        first = [(INVITER, self.handshake.opening)] if self.role == INVITER else []
        heard = [[(other, frame), *answer] for frame, answer in zip(self.received, [*answers, []], strict=True)]
        return [*first, *(message for messages in heard for message in messages)]


def vectors() -> list[Json]:
    return [*(_good(name, handshake) for name, handshake in _handshakes()), *map(_bad, refused())]


def _handshakes() -> Iterator[tuple[str, Handshake]]:
    def speaking(inviter: Sequence[int], replier: Sequence[int]) -> Handshake:
        return replace(WORKED, inviter=replace(ANN, versions=inviter), replier=replace(BOB, versions=replier))

    yield "the handshake of the document", WORKED
    yield "the other way round: Bob invites", over(INVITE_CODE, REPLY_CODE, BOB, ANN)
    yield "one of them speaks other versions too", speaking([1], [3, 1, 2])
    yield "both speak other versions too", speaking([1, 2], [2, 1])
    yield "a version that comes twice", speaking([1, 1], [1])
    yield "32 versions, and the highest one", speaking(range(1, 33), [2**53 - 1, 1])
    yield "one person in two tabs", over(INVITE_CODE, REPLY_CODE, ANN, replace(BOB, seed=ANN.seed))
    yield (
        "nonces of the lowest and the highest value",
        over(INVITE_CODE, REPLY_CODE, replace(ANN, nonce=bytes(32)), replace(BOB, nonce=b"\xff" * 32)),
    )


def _good(name: str, handshake: Handshake) -> Json:
    transcript = handshake.transcript
    return {
        "name": name,
        "inviter": handshake.inviter.reading,
        "replier": handshake.replier.reading,
        "codes": CODES,
        "binding": handshake.binding,
        "messages": [
            [INVITER, handshake.opening],
            [REPLIER, handshake.answer],
            [INVITER, handshake.reveal],
            [REPLIER, handshake.proof],
        ],
        "expected": {
            "commitment": handshake.inviter.commitment.hex(),
            "transcript": transcript.hex(),
            "fields": [[name, data.hex(), meaning] for name, data, meaning in handshake.fields],
            "signed": {role: handshake.signed_by(role).hex() for role in (INVITER, REPLIER)},
            "signatures": {role: handshake.signature(role).hex() for role in (INVITER, REPLIER)},
            "short_string": short_string(transcript),
            "safety_number": safety_number(handshake.inviter.key, handshake.replier.key),
        },
    }


def _bad(case: Refused) -> Json:
    return {
        "name": case.name,
        case.role: case.side.reading,
        "codes": CODES,
        "binding": case.handshake.binding,
        "messages": [list(message) for message in case.messages],
        "error": case.error,
        **({"signed": case.signed.hex()} if case.signed else {}),
    }


def refused() -> Iterator[Refused]:
    """All bad ones; in each Ann invites and Bob replies, or somebody who wants to pass for one of them."""
    yield from _refused_by_replier()
    yield from _refused_by_inviter()
    yield from _out_of_order()
    yield from _malformed()
    yield from _of_another_version()


def _others(role: str) -> Iterator[tuple[str, Handshake]]:
    """What a signature may be of instead: the same with one thing changed."""

    def changed(**changes: Any) -> Handshake:
        return replace(WORKED, **changes)

    inviter, replier = WORKED.inviter_fingerprint, WORKED.replier_fingerprint
    yield "another invite", changed(invite=FORM_3_CODE.hash)
    yield "another fingerprint of the inviter", changed(inviter_fingerprint=_drawn("a certificate"))
    yield "another fingerprint of the replier", changed(replier_fingerprint=_drawn("a certificate"))
    yield "the fingerprints the other way round", changed(inviter_fingerprint=replier, replier_fingerprint=inviter)
    for who, person, versions in (
        ("inviter", ANN, [1, 2]),
        ("inviter", ANN, [2]),
        ("replier", BOB, [2, 1]),
        ("replier", BOB, [1, 1]),
    ):
        name = f"other versions of the {who}, {versions}"
        yield name, changed(**{who: replace(person, versions=versions)})
    # What the signer itself says of its own key and nonce is in the frames; so these are of the one who checks.
    checks, checker = ("replier", BOB) if role == INVITER else ("inviter", ANN)
    yield f"an earlier nonce of the {checks}", changed(**{checks: replace(checker, nonce=_drawn("earlier"))})
    yield f"another key of the {checks}", changed(**{checks: replace(checker, seed=EVE.seed)})


def _refused_by_replier() -> Iterator[Refused]:
    def case(name: str, committed: bytes, revealed: str, signed: bytes = b"") -> Refused:
        opening = plain("hello", [1], as_text(committed))
        name = f"refused by the replier: {name}"
        return Refused(name, REPLIER, WORKED, [opening, revealed], "not-proved", signed, [WORKED.answer])

    yield case("a nonce that was not committed to", replace(ANN, nonce=EVE.nonce).commitment, WORKED.reveal)
    yield case("a key that was not committed to", replace(ANN, seed=EVE.seed).commitment, WORKED.reveal)
    unlabelled = hashlib.sha256(ANN.key + ANN.nonce).digest()
    yield case("a commitment without its label", unlabelled, WORKED.reveal)
    yield case("a commitment to nonce and key, the other way round", commitment(ANN.nonce, ANN.key), WORKED.reveal)

    def signed(name: str, data: bytes, signer: Person = ANN) -> Refused:
        return case(name, ANN.commitment, reveal(ANN.key, ANN.nonce, signer.sign(data)), data)

    right = WORKED.signed_by(INVITER)
    yield case("no signature at all", ANN.commitment, reveal(ANN.key, ANN.nonce, bytes(64)))
    damaged = bytearray(WORKED.signature(INVITER))
    damaged[0] ^= 1
    yield case("a damaged signature", ANN.commitment, reveal(ANN.key, ANN.nonce, bytes(damaged)))
    yield case("the signature of another key", ANN.commitment, reveal(ANN.key, ANN.nonce, EVE.sign(right)))
    yield signed("a signature in the other role", WORKED.signed_by(REPLIER))
    yield signed("a signature of the transcript alone", WORKED.transcript)
    yield signed("a signature of the hash of what is to be signed", hashlib.sha256(right).digest())
    for name, other in _others(INVITER):
        yield signed(f"a signature of {name}", other.signed_by(INVITER))
    echo = replace(WORKED, inviter=replace(ANN, nonce=BOB.nonce))
    yield case("the replier's own nonce", echo.inviter.commitment, echo.reveal)


def _refused_by_inviter() -> Iterator[Refused]:
    def case(name: str, data: str, signed: bytes = b"", answer: str = WORKED.answer) -> Refused:
        name = f"refused by the inviter: {name}"
        return Refused(name, INVITER, WORKED, [answer, data], "not-proved", signed, [WORKED.reveal])

    right = WORKED.signed_by(REPLIER)
    yield case("no signature at all", proof(bytes(64)))
    damaged = bytearray(WORKED.signature(REPLIER))
    damaged[63] ^= 1
    yield case("a damaged signature", proof(bytes(damaged)))
    yield case("the signature of another key", proof(EVE.sign(right)))
    yield case("the inviter's own signature", proof(WORKED.signature(INVITER)))
    yield case("a signature in the other role", proof(BOB.sign(WORKED.signed_by(INVITER))), WORKED.signed_by(INVITER))
    yield case("a signature of the transcript alone", proof(BOB.sign(WORKED.transcript)), WORKED.transcript)
    for name, other in _others(REPLIER):
        data = other.signed_by(REPLIER)
        yield case(f"a signature of {name}", proof(BOB.sign(data)), data)
    echo = replace(WORKED, replier=replace(BOB, nonce=ANN.nonce))
    yield Refused("refused by the inviter: its own nonce", INVITER, WORKED, [echo.answer], "not-proved")


def _out_of_order() -> Iterator[Refused]:
    opening, answer, revealed, proved = WORKED.opening, WORKED.answer, WORKED.reveal, WORKED.proof
    for name, role, received, sent in (
        ("the replier gets reveal first", REPLIER, [revealed], []),
        ("the replier gets proof first", REPLIER, [proved], []),
        ("the replier gets hello twice", REPLIER, [opening, opening], [answer]),
        ("the replier gets its own hello back", REPLIER, [opening, answer], [answer]),
        ("the replier gets proof instead of reveal", REPLIER, [opening, proved], [answer]),
        ("the inviter gets proof first", INVITER, [proved], []),
        ("the inviter gets reveal first", INVITER, [revealed], []),
        ("the inviter gets hello twice", INVITER, [answer, answer], [revealed]),
        ("the inviter gets its own reveal back", INVITER, [answer, revealed], [revealed]),
    ):
        yield Refused(f"out of order: {name}", role, WORKED, received, "broke-protocol", sent=sent)


def _malformed() -> Iterator[Refused]:
    part = as_text(_drawn("a part"))
    for name, role, parts in (
        ("the inviter gets its own hello back", INVITER, [as_text(ANN.commitment)]),
        ("the inviter gets no key and no nonce", INVITER, []),
        ("the inviter gets a key, a nonce and more", INVITER, [part, part, part]),
        ("the replier gets no commitment", REPLIER, []),
        ("the replier gets a key and a nonce", REPLIER, [part, part]),
        ("the replier gets a commitment and two parts more", REPLIER, [part, part, part]),
    ):
        yield Refused(f"malformed: {name}", role, WORKED, [plain("hello", [1], *parts)], "broke-protocol")


def _of_another_version() -> Iterator[Refused]:
    part = as_text(_drawn("a part"))
    for name, hello in (
        ("version 2 only", plain("hello", [2], part, part)),
        ("several other versions", plain("hello", [2, 3, 11], part)),
        ("nothing after the versions", plain("hello", [2])),
        ("other things after the versions", plain("hello", [2], {"key": part}, None)),
    ):
        for role in (INVITER, REPLIER):
            yield Refused(f"another version: {name}, for the {role}", role, WORKED, [hello], "other-version")
