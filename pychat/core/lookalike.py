"""What a name looks like: two names that look alike have the same skeleton (Unicode, UTS #39, section 4)."""

import unicodedata
from functools import cache


def skeleton(name: str) -> str:
    """Reduce a name to what it looks like.

    Wider than the standard's: letters of either case, marks and strokes, spaces and the pair “rn” make no difference,
    for people compare names at a glance.
    """
    bare = (char for char in unicodedata.normalize("NFKD", name) if unicodedata.category(char)[0] not in "MZC")
    table = _table()
    looks = "".join(table.get(char, char) for char in bare).casefold()
    return looks.translate(_SAME_IN_EITHER_CASE).replace("rn", "m").replace("vv", "w")


_SAME_IN_EITHER_CASE = str.maketrans("i", "l")  # I looks like l, and is i


@cache
def _table() -> dict[str, str]:
    from pychat.core.confusables import GROUPS, SEQUENCES  # 8,000 characters, wanted only once somebody is met

    single = {char: group[0] for group in GROUPS.split("\n") if group for char in group[1:]}
    several = {line[0]: line[1:] for line in SEQUENCES.split("\n") if line}
    return single | several
