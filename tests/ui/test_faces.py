"""The small picture of a person."""

from pychat.core.ids import PublicKey
from pychat.ui.faces import COLOURS, face_of

KEY = PublicKey(bytes(range(32)))


def test_the_colour_follows_from_the_key_and_the_sign_from_the_name() -> None:
    assert face_of(KEY, "bob") == (0, "B")
    assert face_of(PublicKey(bytes([COLOURS + 3]) + bytes(31)), "bob") == (3, "B")


def test_signs_that_are_no_letters_are_passed_over() -> None:
    assert face_of(KEY, "  “ann”").letter == "A"
    assert face_of(KEY, "🐟 fish").letter == "F"
    assert face_of(KEY, "שלום").letter == "ש"
    assert face_of(KEY, "ßen").letter == "S"  # of its two letters the first one
    assert face_of(KEY, "🐟").letter == ""
