"""What members of a room prove, or hint at, over the relay: signals that are authenticated, and claims."""

import hashlib
import hmac
import json
from collections.abc import Iterator

from tests.vectors.handshake import ANN, BOB, WORKED
from tests.vectors.writer import Json, as_text

NOTE = """\
What members of a room can make that nobody else in it can. See 'Rooms' in docs/reference/protocol.md.
Bytes are in hexadecimal.
`sender`, `receiver`: the names that both have at the relay.
Signals that are `authenticated`: `transcript` is that of the link's handshake, `count` that of the signal, `signal`
what is said. A peer writes `text`, which is a signal without the spaces behind it.
Claims: `key` is the public key of the sender, `takes_over` what it wants. A peer writes `text`, and to it whoever knows
the key recognises the sender.
With `refused`: what a peer to whom all this belongs takes for nothing that the sender has said; `text` is what it
hears."""

_ANN, _BOB, _EVE = (bytes([byte]) * 16 for byte in (0x61, 0x62, 0x65))
_FINGERPRINT = as_text(bytes(range(32)))
_OFFER = ["offer", 1, 2, _FINGERPRINT, "LkGn", "9bkPtNCoFARNGxNRflGUAbd7", [["host", "192.0.2.33", 50123]]]


def vectors() -> list[Json]:
    return [*_authenticated(), *_claims()]


def _compact(items: object) -> str:
    return json.dumps(items, separators=(",", ":"))


def _mac(transcript: bytes, sender: bytes, receiver: bytes, count: int, signal: list[object]) -> str:
    said = sender + receiver + count.to_bytes(8, "big") + _compact(signal).encode()
    return as_text(hmac.digest(b"pychat signal\0" + transcript, said, hashlib.sha256)[:16])


def _authenticated() -> Iterator[Json]:
    transcript = WORKED.transcript
    base: Json = {"sender": _ANN.hex(), "receiver": _BOB.hex(), "transcript": transcript.hex()}
    candidate = ["candidate", 1, "answer", 2, ["host", "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local", 50123]]
    said: list[tuple[str, int, list[object]]] = [
        ("a bye", 1, ["bye"]),
        ("an offer that restarts ICE", 1, _OFFER),
        ("its answer", 2, ["answer", *_OFFER[1:]]),
        ("a candidate", 3, candidate),
        ("a refusal", 4, ["refused", 1, "locked"]),
        ("the highest count", 2**53 - 1, ["bye"]),
    ]
    for name, count, signal in said:
        text = _compact(["authenticated", count, _mac(transcript, _ANN, _BOB, count, signal), signal])
        yield {"name": f"authenticated: {name}", **base, "count": count, "signal": signal, "text": text}
    wrong: dict[str, str] = {
        "of another link": _mac(b"another transcript", _ANN, _BOB, 1, ["bye"]),
        "of the receiver's own": _mac(transcript, _BOB, _ANN, 1, ["bye"]),
        "of somebody else": _mac(transcript, _EVE, _BOB, 1, ["bye"]),
        "of another count": _mac(transcript, _ANN, _BOB, 2, ["bye"]),
        "of another signal": _mac(transcript, _ANN, _BOB, 1, ["refused", 1, "full"]),
    }
    for name, mac in wrong.items():
        text = _compact(["authenticated", 1, mac, ["bye"]])
        yield {
            "name": f"not authenticated: {name}",
            **base,
            "count": 1,
            "signal": ["bye"],
            "text": text,
            "refused": True,
        }


def _claims() -> Iterator[Json]:
    def text(key: bytes, sender: bytes, receiver: bytes, *, takes_over: bool) -> str:
        hint = hmac.digest(key, b"pychat claim\0" + sender + receiver, hashlib.sha256)[:16]
        return _compact(["claim", as_text(hint), takes_over])

    base: Json = {"sender": _ANN.hex(), "receiver": _BOB.hex(), "key": ANN.key.hex()}
    for name, takes_over in (("who waits", False), ("who takes over", True)):
        written = text(ANN.key, _ANN, _BOB, takes_over=takes_over)
        yield {"name": f"claim: {name}", **base, "takes_over": takes_over, "text": written}
    for name, written in {
        "of another key": text(BOB.key, _ANN, _BOB, takes_over=True),
        "to somebody else": text(ANN.key, _ANN, _EVE, takes_over=True),
        "of the receiver's own": text(ANN.key, _BOB, _ANN, takes_over=True),
    }.items():
        yield {"name": f"no claim: {name}", **base, "takes_over": True, "text": written, "refused": True}
