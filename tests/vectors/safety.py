"""What two people compare: short strings and safety numbers."""

from collections.abc import Iterator
from itertools import count

from tests.vectors.handshake import ANN, BOB, EVE, WORKED
from tests.vectors.signer import EMOJI, safety_half, safety_number, short_string
from tests.vectors.writer import Json

NOTE = """\
What two people compare. See 'What two people compare' in docs/reference/protocol.md. Bytes are in hexadecimal.
`table`: the sign and the name of each emoji, from number 0 to 63.
`transcript`: that of a handshake; for these vectors any bytes. `bits` are the first 42 of the hash; `emoji` are the
numbers in them, `signs` and `names` what is shown; `number` is the same as a number.
`keys`: two public keys. `safety_number` is what both people see; `halves` belong to the keys, in their order."""


def vectors() -> list[Json]:
    return [
        {"name": "the table of emoji", "table": [list(emoji) for emoji in EMOJI]},
        *_short_strings(),
        *_safety_numbers(),
    ]


def _short_strings() -> Iterator[Json]:
    def vector(name: str, transcript: bytes) -> Json:
        return {"name": f"short string: {name}", "transcript": transcript.hex(), **short_string(transcript)}

    def first(prefix: str) -> bytes:
        """Some bytes whose number begins so."""
        texts = (f"number {number}".encode() for number in count())
        return next(text for text in texts if short_string(text)["number"].startswith(prefix))

    yield vector("of the document's handshake", WORKED.transcript)
    yield vector("of no bytes", b"")
    yield vector("a number that begins with 0", first("0"))
    yield vector("a number that begins with 000", first("000"))
    yield vector("a number near the highest", first("439"))


def _safety_numbers() -> Iterator[Json]:
    for name, one, other in (
        ("Ann and Bob", ANN.key, BOB.key),
        ("Bob and Ann", BOB.key, ANN.key),
        ("Ann and Eve", ANN.key, EVE.key),
        ("Ann and Ann", ANN.key, ANN.key),
        ("keys of zeros and ones, which nobody has", bytes(32), b"\xff" * 32),
    ):
        yield {
            "name": f"safety number: {name}",
            "keys": [one.hex(), other.hex()],
            "halves": [safety_half(one), safety_half(other)],
            "safety_number": safety_number(one, other),
        }
