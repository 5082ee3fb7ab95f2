"""The small picture by which a person is told from others at a glance. It proves nothing: other keys have the same."""

from typing import NamedTuple

from pychat.core.ids import PublicKey

COLOURS = 8
"""How many colours there are: `data-colour` 0 to 7 in the style sheet."""


class Face(NamedTuple):
    """A colour, by its number, which follows from somebody's key; and the letter that their name begins with, or ""."""

    colour: int
    letter: str


def face_of(key: PublicKey, name: str) -> Face:
    """The picture of whoever has a key and goes by a name."""
    letter = next((character for character in name if character.isalnum()), "")
    return Face(key[0] % COLOURS, letter.upper()[:1])
