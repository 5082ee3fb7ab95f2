import pytest

from pychat.core.identity import confusables
from pychat.core.identity.lookalike import skeleton
from tests import lookalikes


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ann", "ann"),
        ("Ann", "Аnn"),  # a Cyrillic А
        ("Bob", "B0b"),
        ("Bill", "B1ll"),
        ("Ilse", "llse"),
        ("Anne", "Änne"),
        ("Ann Smith", "AnnSmith"),
        ("mam", "marn"),
        ("bob", "𝐁𝐨𝐛"),
        ("ann", "αnn"),  # a Greek α
        ("Ann", "An\u200bn"),
        ("Bob", "Bøb"),
        ("Lena", "Łena"),
        ("Dora", "Đora"),
        ("Tina", "Ŧina"),
        ("Ann", "Αηη"),
        ("David", "Ɗavid"),
        ("Thomas", "Ƭɦoɱaʂ"),
        ("Aesop", "Æsop"),
        ("Uli", "Ʉli"),
    ],
)
def test_names_that_look_alike_have_the_same_skeleton(name: str, other: str) -> None:
    assert name != other
    assert skeleton(name) == skeleton(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Bob", "Rob"),
        ("Tom", "Tim"),
        ("Anna", "Hanna"),
        ("李", "王"),
        ("a", ""),
        ("राम", "रमा"),  # where marks are vowels, tones or voice
        ("मीना", "मनु"),
        ("किरण", "करुणा"),
        ("นิด", "นุด"),
        ("はな", "ばな"),
    ],
)
def test_other_names_have_other_ones(name: str, other: str) -> None:
    assert skeleton(name) != skeleton(other)


@pytest.mark.slow
def test_the_table_is_that_of_the_package() -> None:
    assert lookalikes.TABLE.read_text("utf-8") == lookalikes.written()
    assert len(confusables.GROUPS) > 5_000
