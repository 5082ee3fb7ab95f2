"""What two people compare to be sure of each other: a short string right after connecting, a number at any time."""

import hashlib
from typing import NamedTuple

from pychat.core.ids import PublicKey

SHORT_BITS = 42
"""Bits of the short string: one in 4,398,046,511,104 that a guess fits."""


class Emoji(NamedTuple):
    """One of the signs that two people compare: the character, and its name in English."""

    sign: str
    name: str

    @property
    def code_points(self) -> str:
        """As its picture is named: “1f436”; without the one that only asks for a picture (U+FE0F)."""
        return "-".join(f"{ord(character):x}" for character in self.sign if character != "\ufe0f")


# The table of the Matrix specification (section “SAS method: emoji”), whose signs are easy to tell apart and to name.
EMOJI = tuple(
    Emoji(*line.split(" ", 1))
    for line in """\
🐶 Dog|🐱 Cat|🦁 Lion|🐎 Horse|🦄 Unicorn|🐷 Pig|🐘 Elephant|🐰 Rabbit
🐼 Panda|🐓 Rooster|🐧 Penguin|🐢 Turtle|🐟 Fish|🐙 Octopus|🦋 Butterfly|🌷 Flower
🌳 Tree|🌵 Cactus|🍄 Mushroom|🌏 Globe|🌙 Moon|☁️ Cloud|🔥 Fire|🍌 Banana
🍎 Apple|🍓 Strawberry|🌽 Corn|🍕 Pizza|🎂 Cake|❤️ Heart|😀 Smiley|🤖 Robot
🎩 Hat|👓 Glasses|🔧 Spanner|🎅 Santa|👍 Thumbs Up|☂️ Umbrella|⌛ Hourglass|⏰ Clock
🎁 Gift|💡 Light Bulb|📕 Book|✏️ Pencil|📎 Paperclip|✂️ Scissors|🔒 Lock|🔑 Key
🔨 Hammer|☎️ Telephone|🏁 Flag|🚂 Train|🚲 Bicycle|✈️ Aeroplane|🚀 Rocket|🏆 Trophy
⚽ Ball|🎸 Guitar|🎺 Trumpet|🔔 Bell|⚓ Anchor|🎧 Headphones|📁 Folder|📌 Pin""".replace("\n", "|").split("|")
)


class ShortString(NamedTuple):
    """The same 42 bits in two forms: seven emoji, or a number of thirteen digits in four groups."""

    emoji: tuple[Emoji, ...]
    number: str


def short_string(transcript: bytes) -> ShortString:
    """The short authentication string of a handshake: 42 bits of SHA-256 over a label and the transcript."""
    digest = hashlib.sha256(b"pychat short string\0" + transcript).digest()
    value = int.from_bytes(digest, "big") >> (len(digest) * 8 - SHORT_BITS)
    emoji = tuple(EMOJI[value >> shift & 63] for shift in range(SHORT_BITS - 6, -1, -6))
    digits = f"{value:013}"
    return ShortString(emoji, f"{digits[:4]} {digits[4:7]} {digits[7:10]} {digits[10:]}")


def safety_number(one: PublicKey, other: PublicKey) -> str:
    """Sixty digits in groups of five that name two identities, the same from both sides.

    As Signal's: of each key SHA-512 iterated 5,200 times, 30 digits of it, the smaller half first.
    """
    return " ".join(sorted((_half(one), _half(other))))


_ROUNDS = 5_200


def _half(key: PublicKey) -> str:
    digest = b"pychat safety number\0" + key
    for _ in range(_ROUNDS):
        digest = hashlib.sha512(digest + key).digest()
    return " ".join(f"{int.from_bytes(digest[at : at + 5], 'big') % 100_000:05}" for at in range(0, 30, 5))
