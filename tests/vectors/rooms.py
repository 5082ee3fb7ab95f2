"""Rooms: what follows from a secret, envelopes, signals and their proofs, and the negotiation of one link."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.writer import Json, Text, as_text

NOTE = """\
What members of a room do. See 'Rooms' in docs/reference/protocol.md. All bytes are in hexadecimal,
texts as in frames.json.
Each vector is of one sort.
With `code`: what follows from a `secret`. `id` and `handshake`; `members` are names and the keys that seal what each
sends.
With `agreed`: the room of two people who have met. `agreed` is the secret that they have agreed on, `at` a time in
seconds since 1970; `room` is the secret of the room then, `until` the time from which it is another one.
With `envelope`: `sender` says `signal` to `receiver` with this `counter`, and this is the envelope.
With `heard`: what a relay passes on to `receiver` as from `sender`, in its order; each text with whether the signal in
it is `taken`, or it is dropped.
With `plaintext`: what was in an envelope, without the spaces that are to be added; a `reading` of it, or `dropped`.
With `transcript`: what the two sides of a link have signed; `sender` says to `receiver` this `proof`. What else a
member proves is in proofs.json.
With `me`: a member of that name, who is new in the room of a `secret`. In each step one thing happens: `joined`: the
relay says who is there; `arrived`: somebody has come; `received`: a signal of `from`. `sends`: what this member says,
to whom, with the first three items of each signal; nothing else is said. The stack makes each description at once.
With `gives_way`: the negotiation of one link on one side, which gives way when two offers meet, or not. In each step
one thing happens: `wanted`: this side is to begin, or to restart ICE; `described`: the stack has made the description
that was asked for, with this user fragment; `received`: an offer or an answer with its number and its user fragment, or
a candidate for one.
What must come of it, and nothing else: `makes`: the stack makes an offer; `takes`: it takes an offer or an answer, with
`takes_back` after it has taken back its own; `gives`: it is given so many candidates; `sends`: what is sent; `error`:
the link ends."""

SECRET = bytes(range(20))
LARGE, SMALL = b"b" * 16, b"a" * 16
_SALT = b"pychat room"
FINGERPRINT = as_text(bytes(range(32)))
_UFRAG, _PWD = "LkGn", "9bkPtNCoFARNGxNRflGUAbd7"
_HOST = ["host", "192.0.2.33", 50_123]

BYE = '["bye"]'


def vectors() -> list[Json]:
    return [*_secrets(), *_rendezvous(), *_envelopes(), *_heard(), *_signals(), *_proofs(), *_links(), *_negotiations()]


# Writing.


def derive(secret: bytes, info: bytes, size: int) -> bytes:
    """HKDF-SHA-256 (RFC 5869), for at most one block."""
    key = hmac.digest(_SALT, secret, "sha256")
    return hmac.digest(key, info + b"\x01", "sha256")[:size]


def code_of(secret: bytes, header: int = 0x14) -> str:
    body = bytes([header]) + secret
    return as_text(body + hashlib.sha256(body).digest()[:3])


def padded(signal: str) -> bytes:
    return signal.encode() + b" " * (-len(signal) % 256)


def envelope(signal: str, sender: bytes, receiver: bytes, counter: int, *, key: bytes = b"", number: int = -1) -> str:
    """An envelope; under another key, or with another number in its additional data, where that is asked for."""
    place, number = counter.to_bytes(8, "big"), counter if number < 0 else number
    about = b"pychat envelope\0" + derive(SECRET, b"id", 16) + sender + receiver + number.to_bytes(8, "big")
    key = key or derive(SECRET, b"signaling" + sender, 32)
    return as_text(place + AESGCM(key).encrypt(bytes(4) + place, padded(signal), about))


def offer(number: int, link: int = 1, ufrag: str = _UFRAG, candidates: Any = ()) -> list[Any]:
    return ["offer", link, number, FINGERPRINT, ufrag, _PWD, list(candidates)]


def written(*items: Any) -> str:
    return json.dumps(items, separators=(",", ":"))


# Cases.


def _secrets() -> Iterator[Json]:
    for name, secret in {
        "the one of the document": SECRET,
        "zero bytes": bytes(20),
        "the highest bytes": b"\xff" * 20,
        "one whose code has hyphens and underscores": bytes.fromhex("fbefbeffffff") + bytes(range(14)),
    }.items():
        yield {
            "name": f"secret: {name}",
            "secret": secret.hex(),
            "code": code_of(secret),
            "id": derive(secret, b"id", 16).hex(),
            "handshake": derive(secret, b"handshake", 32).hex(),
            "members": {
                member.hex(): derive(secret, b"signaling" + member, 32).hex() for member in (SMALL, LARGE, bytes(16))
            },
        }


def _rendezvous() -> Iterator[Json]:
    def vector(name: str, agreed: bytes, at: int) -> Json:
        digest = hmac.digest(agreed, b"pychat rendezvous hour", "sha256")
        offset = int.from_bytes(digest[:4], "big") % 86_400
        period = (at + offset) // 86_400
        room = hmac.digest(agreed, f"pychat rendezvous {period}".encode(), "sha256")[:20]
        until = (period + 1) * 86_400 - offset
        return {"name": f"rendezvous: {name}", "agreed": agreed.hex(), "at": at, "room": room.hex(), "until": until}

    at = 1_700_000_000
    first = vector("the one of the document", SECRET, at)
    yield first
    yield vector("the last second of it", SECRET, first["until"] - 1)
    yield vector("the first second of the next one", SECRET, first["until"])
    yield vector("1970", SECRET, 0)
    yield vector("zero bytes", bytes(20), at)
    yield vector("the highest bytes", b"\xff" * 20, at)


def _envelopes() -> Iterator[Json]:
    for name, signal, sender, receiver, counter in (
        ("the one of the document", BYE, SMALL, LARGE, 1),
        ("the first of a session", BYE, SMALL, LARGE, 0),
        ("to another member", BYE, SMALL, b"c" * 16, 1),
        ("of another member", BYE, LARGE, SMALL, 1),
        ("the highest counter", BYE, SMALL, LARGE, 2**64 - 1),
        ("an offer", written(*offer(1, candidates=[_HOST])), SMALL, LARGE, 7),
    ):
        yield {
            "name": f"envelope: {name}",
            "secret": SECRET.hex(),
            "sender": sender.hex(),
            "receiver": receiver.hex(),
            "counter": counter,
            "signal": signal,
            "envelope": envelope(signal, sender, receiver, counter),
        }


def _heard() -> Iterator[Json]:
    def to_us(counter: int, signal: str = BYE, **more: Any) -> str:
        return envelope(signal, SMALL, LARGE, counter, **more)

    def vector(name: str, *heard: tuple[Text, bool]) -> Json:
        return {
            "name": f"heard: {name}",
            "secret": SECRET.hex(),
            "sender": SMALL.hex(),
            "receiver": LARGE.hex(),
            "heard": [{"text": text, "taken": taken} for text, taken in heard],
        }

    first = to_us(0)
    yield vector("in their order", (first, True), (to_us(1), True), (to_us(2), True))
    yield vector("some are missing", (to_us(5), True), (to_us(2**63), True))
    yield vector("the same again", (first, True), (first, False), (to_us(1), True), (first, False))
    yield vector("one that comes late", (to_us(1), True), (first, False), (to_us(2), True))
    yield vector("one that does not open raises no counter", (to_us(9, key=bytes(32)), False), (first, True))
    yield vector("the counter was changed", (as_text((5).to_bytes(8, "big")) + first[11:], False), (first, True))
    yield vector("another counter is bound to it", (to_us(3, number=4), False), (first, True))
    yield vector("for somebody else", (envelope(BYE, SMALL, b"c" * 16, 0), False))
    yield vector("our own", (envelope(BYE, LARGE, SMALL, 0), False))
    yield vector("in the name of another", (envelope(BYE, b"c" * 16, LARGE, 0), False))
    yield vector("of another room", (to_us(0, key=derive(bytes(20), b"signaling" + SMALL, 32)), False))
    yield vector("cut", (first[:-4], False), (first[:40], False), ("", False))
    yield vector("padded", (f"{first}=", False), (f"{first} ", False))
    yield vector(
        "a signal that is none takes its counter along",
        (to_us(4, '["bye",1]'), False),
        (to_us(4), False),
        (to_us(5), True),
    )
    yield vector("a signal of an unknown kind", (to_us(0, '["typing"]'), False), (to_us(1), True))


def _signals() -> Iterator[Json]:
    def taken(name: str, plaintext: Text, **reading: Any) -> Json:
        return {"name": f"signal: {name}", "plaintext": plaintext, "reading": reading}

    def dropped(name: str, plaintext: Text) -> Json:
        return {"name": f"no signal: {name}", "plaintext": plaintext, "dropped": True}

    def described(kind: str, link: int, number: int, *candidates: list[Any]) -> Json:
        return {
            "kind": kind,
            "link": link,
            "number": number,
            "fingerprint": bytes(range(32)).hex(),
            "ufrag": _UFRAG,
            "pwd": _PWD,
            "candidates": [list(candidate) for candidate in candidates],
        }

    hidden = ["host", "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local", 43_084]
    seen, relayed = ["srflx", "2001:db8::9", 1], ["relay", "198.51.100.20", 65_535]
    yield taken("an offer without a candidate", written(*offer(1)), **described("offer", 1, 1))
    every = [_HOST, hidden, seen, relayed]
    yield taken("an offer", written(*offer(3, link=7, candidates=every)), **described("offer", 7, 3, *every))
    answer = ["answer", *offer(2, candidates=[_HOST])[1:]]
    yield taken("an answer", written(*answer), **described("answer", 1, 2, _HOST))
    highest = 2**53 - 1
    yield taken("the highest numbers", written(*offer(highest, link=highest)), **described("offer", highest, highest))
    eight = [["host", f"192.0.2.{n}", n] for n in range(1, 9)]
    yield taken("eight candidates", written(*offer(1, candidates=eight)), **described("offer", 1, 1, *eight))
    nowhere = ["host", "127.0.0.1", 8_000]
    yield taken(
        "a candidate at which nobody else can be is no mistake",
        written(*offer(1, candidates=[nowhere])),
        **described("offer", 1, 1, nowhere),
    )
    for of in ("offer", "answer"):
        late = {"kind": "candidate", "link": 2, "of": of, "number": 1, "candidate": _HOST}
        yield taken(f"one more candidate of an {of}", written("candidate", 2, of, 1, _HOST), **late)
    for why in ("full", "locked"):
        yield taken(f"refused, {why}", written("refused", 3, why), kind="refused", link=3, why=why)
    proof, mac = bytes(range(32)), bytes(range(16))
    yield taken("again", written("again", as_text(proof)), kind="again", proof=proof.hex())
    yield taken("bye", BYE, kind="bye")
    yield taken("bye with spaces", '\t[ "bye"\n]', kind="bye")
    inner = {"kind": "refused", "link": 3, "why": "full"}
    yield taken(
        "an authenticated one",
        written("authenticated", 1, as_text(mac), ["refused", 3, "full"]),
        kind="authenticated",
        count=1,
        mac=mac.hex(),
        signal=inner,
    )

    good = offer(1, candidates=[_HOST])
    fields: tuple[tuple[str, int, tuple[Any, ...]], ...] = (
        ("link", 1, (0, -1, 2**53, 1.5, "1", None, True)),
        ("number", 2, (0, 2**53, "1", False)),
        ("fingerprint", 3, ("", FINGERPRINT[:-1], as_text(bytes(31)), "A" * 42 + "B", 1)),
        ("user fragment", 4, ("abc", "a" * 256, "abc-", "abc=", 1)),
        ("password", 5, ("a" * 21, "a" * 256, "a" * 21 + "-", None)),
        ("list of candidates", 6, (None, {}, _HOST, [[]], [[*eight[0], 1]], [*eight, _HOST])),
    )
    for name, place, values in fields:
        for value in values:
            items = [*good[:place], value, *good[place + 1 :]]
            shown = json.dumps(value)
            yield dropped(f"an offer whose {name} is {shown[:40]} ({len(shown)})", written(*items))
    for name, candidate in {
        "of another type": ["prflx", "192.0.2.1", 1],
        "with port 0": ["host", "192.0.2.1", 0],
        "with port 65536": ["host", "192.0.2.1", 65_536],
        "with a port that is a text": ["host", "192.0.2.1", "1"],
        "with a name": ["host", "chat.example", 1],
        "with localhost": ["host", "localhost", 1],
        "with an IPv6 address in another writing": ["host", "2001:DB8::9", 1],
        "with a zone": ["host", "fe80::1%eth0", 1],
        "with an mDNS name in upper case": ["host", "94FD06C2-AE2F-447E-81AD-7D84B02C8CC0.local", 1],
        "with an IPv4 address in another writing": ["host", "192.000.002.001", 1],
    }.items():
        yield dropped(f"a candidate {name}", written("candidate", 1, "offer", 1, candidate))
    for name, items in {
        "of an unknown kind": ["typing"],
        "an offer too short": good[:6],
        "an offer too long": [*good, 1],
        "a candidate of neither": ["candidate", 1, "bye", 1, _HOST],
        "refused for another reason": ["refused", 1, "tired"],
        "refused without a reason": ["refused", 1],
        "a proof of 31 bytes": ["again", as_text(bytes(31))],
        "a proof in hexadecimal": ["again", bytes(32).hex()],
        "bye with more": ["bye", 1],
        "an authenticated again": ["authenticated", 1, as_text(mac), ["again", as_text(proof)]],
        "authenticated twice": ["authenticated", 1, as_text(mac), ["authenticated", 1, as_text(mac), ["bye"]]],
        "a code of 15 bytes": ["authenticated", 1, as_text(bytes(15)), ["bye"]],
        "a count of 0": ["authenticated", 0, as_text(mac), ["bye"]],
    }.items():
        yield dropped(name, written(*items))
    yield dropped("no JSON", "bye")
    yield dropped("not in ASCII", '["typing","\u00e9"]')
    yield dropped("a number of 4,301 digits", ['["bye",', ["1", 4_301], "]"])
    yield dropped("more than 16,384 bytes", ['["bye"', [" ", 16_384], "]"])


def _proofs() -> Iterator[Json]:
    transcript = b"pychat handshake\0" + bytes(242)
    for name, sender, receiver in (("of the smaller name", SMALL, LARGE), ("of the larger one", LARGE, SMALL)):
        proof = hmac.digest(b"pychat again\0" + transcript, sender + receiver, "sha256")
        yield {
            "name": f"again: {name}",
            "transcript": transcript.hex(),
            "sender": sender.hex(),
            "receiver": receiver.hex(),
            "proof": written("again", as_text(proof)),
        }


def _links() -> Iterator[Json]:
    """Who begins a link, and with which number."""
    other = b"c" * 16

    def vector(name: str, me: bytes, *steps: Json) -> Json:
        return {"name": f"links: {name}", "secret": SECRET.hex(), "me": me.hex(), "steps": list(steps)}

    def joined(*members: bytes, **outcome: Any) -> Json:
        return {"joined": [member.hex() for member in members], **outcome}

    def says(member: bytes, *head: Any) -> list[Any]:
        return [member.hex(), list(head)]

    def hears(member: bytes, *signal: Any, sends: list[Any] | None = None) -> Json:
        return {"from": member.hex(), "received": list(signal), **({"sends": sends} if sends else {})}

    for me, them in ((SMALL, LARGE), (LARGE, SMALL)):
        size = "smaller" if me < them else "larger"
        yield vector(f"who finds somebody begins, the {size} name", me, joined(them, sends=[says(them, "offer", 1, 1)]))
        yield vector(
            f"who is found answers, the {size} name",
            me,
            joined(),
            {"arrived": them.hex()},
            hears(them, *offer(1), sends=[says(them, "answer", 1, 1)]),
        )
        yield vector(
            f"a higher number begins another link, a lower one is passed over, the {size} name",
            me,
            joined(),
            {"arrived": them.hex()},
            hears(them, *offer(1, link=3), sends=[says(them, "answer", 3, 1)]),
            hears(them, *offer(1, link=2)),
            hears(them, *offer(1, link=7), sends=[says(them, "answer", 7, 1)]),
            hears(them, "candidate", 3, "offer", 1, _HOST),
            hears(them, "answer", 3, *offer(1)[2:]),
        )
        yield vector(
            f"an offer of a later number begins no link, the {size} name",
            me,
            joined(),
            {"arrived": them.hex()},
            hears(them, *offer(2)),
            hears(them, *offer(1), sends=[says(them, "answer", 1, 1)]),
        )
        yield vector(
            f"what belongs to no link is passed over, the {size} name",
            me,
            joined(),
            {"arrived": them.hex()},
            hears(them, "answer", 1, *offer(1)[2:]),
            hears(them, "candidate", 1, "offer", 1, _HOST),
            hears(them, "refused", 1, "full"),
            hears(them, "again", as_text(bytes(32))),
        )
        yield vector(
            f"with each member links are counted apart, the {size} name",
            me,
            joined(them, other, sends=[says(them, "offer", 1, 1), says(other, "offer", 1, 1)]),
        )
    yield vector(
        "two offers meet: the smaller name keeps its own",
        SMALL,
        joined(LARGE, sends=[says(LARGE, "offer", 1, 1)]),
        hears(LARGE, *offer(1)),
    )
    yield vector(
        "two offers meet: the larger name gives way",
        LARGE,
        joined(SMALL, sends=[says(SMALL, "offer", 1, 1)]),
        hears(SMALL, *offer(1), sends=[says(SMALL, "answer", 1, 1)]),
    )
    for me, them in ((SMALL, LARGE), (LARGE, SMALL)):
        size = "smaller" if me < them else "larger"
        yield vector(
            f"two offers of other numbers: the higher one counts, the {size} name",
            me,
            joined(them, sends=[says(them, "offer", 1, 1)]),
            hears(them, *offer(1, link=2), sends=[says(them, "answer", 2, 1)]),
            hears(them, "answer", 1, *offer(1)[2:]),
        )


def _negotiations() -> Iterator[Json]:
    def vector(name: str, *steps: Json, gives_way: bool = True) -> Json:
        return {"name": f"negotiation: {name}", "gives_way": gives_way, "steps": list(steps)}

    def received(*signal: Any, **outcome: Any) -> Json:
        return {"received": list(signal), **outcome}

    def begun(number: int = 1) -> list[Json]:
        return [{"wanted": True, "makes": "offer"}, {"described": "ours", "sends": [["offer", number, "ours"]]}]

    answered = [{"described": "ours", "sends": [["answer", 1, "ours"]]}]
    for gives_way in (True, False):
        who = "who gives way" if gives_way else "who does not"
        yield vector(
            f"this side begins, {who}",
            *begun(),
            received("answer", 1, "they", takes="answer"),
            gives_way=gives_way,
        )
        yield vector(
            f"the other begins, {who}", received("offer", 1, "they", takes="offer"), *answered, gives_way=gives_way
        )
        yield vector(
            f"a restart has the next number, {who}",
            received("offer", 1, "they", takes="offer"),
            *answered,
            *begun(2),
            received("answer", 2, "anew", takes="answer"),
            received("offer", 3, "more", takes="offer"),
            {"described": "ours", "sends": [["answer", 3, "ours"]]},
            gives_way=gives_way,
        )
        yield vector(
            f"an answer to a former offer is passed over, {who}",
            *begun(),
            received("answer", 1, "they", takes="answer"),
            *begun(2),
            received("answer", 1, "they"),
            received("answer", 2, "anew", takes="answer"),
            gives_way=gives_way,
        )
        yield vector(
            f"an answer to an offer that was not made, {who}",
            *begun(),
            received("answer", 2, "they", error="broke-protocol"),
            gives_way=gives_way,
        )
        yield vector(
            f"an offer whose number is no higher, {who}",
            received("offer", 2, "they", takes="offer"),
            {"described": "ours", "sends": [["answer", 2, "ours"]]},
            received("offer", 2, "they", error="broke-protocol"),
            gives_way=gives_way,
        )
    yield vector(
        "two offers meet: who gives way takes back its own",
        *begun(),
        received("offer", 1, "they", takes="offer", takes_back=True),
        *answered,
    )
    yield vector(
        "two offers meet: the other one passes over what it hears",
        *begun(),
        received("offer", 1, "they"),
        received("candidate", "offer", 1),
        received("answer", 1, "they", takes="answer"),
        gives_way=False,
    )
    yield vector(
        "two offers meet while this side's is being made",
        {"wanted": True, "makes": "offer"},
        received("offer", 1, "they"),
        {"described": "ours", "takes": "offer", "takes_back": True},
        *answered,
    )
    yield vector(
        "candidates go to their description, also when they come before it",
        received("candidate", "offer", 1),
        received("offer", 1, "they", takes="offer", gives=1),
        *answered,
        received("candidate", "offer", 1, gives=1),
        received("candidate", "answer", 1),
    )
