"""The small numbers by which commands name messages."""

from pychat.native.screens.commands import HIGHEST, Numbers


def test_a_message_keeps_its_number_until_they_begin_anew() -> None:
    numbers = Numbers()
    assert [numbers.of(("a", n)) for n in range(1, HIGHEST + 1)] == [*range(1, HIGHEST + 1)]
    assert numbers.of(("a", 2)) == 2
    assert numbers.place(2) == ("a", 2)
    assert numbers.of(("b", 1)) == 1
    assert numbers.place(1) == ("b", 1)
    assert numbers.of(("a", 1)) == 2  # it has lost its own, and takes the place of another one
    assert numbers.place(2) == ("a", 1)
    assert numbers.place(HIGHEST + 1) is None
