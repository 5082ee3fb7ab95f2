"""Makes pychat/core/identity/confusables.py, a table of characters that look alike, by `python -m tests.lookalikes`.

The confusables of UTS #39 come from the package confusable-homoglyphs, which only development needs: what runs is a
short table of characters and what they look like. Letters that the standard has as a letter with a mark or a stroke
(“ø” is “o” and a solidus), and those that Unicode calls a Latin letter “with” something, look like the letter alone
here, for people compare names at a glance.
"""

import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "pychat" / "core" / "identity" / "confusables.py"
HEAD = '''"""Characters that look alike (Unicode, UTS #39), and those that look like several.

Written by `python -m tests.lookalikes`; not to be changed by hand.

`GROUPS` has in each line one character, and those that are taken for it; `SEQUENCES` one, and the several that it is
taken for.
"""

'''
WIDTH = 60  # characters of a line of the table; some of them are wide

_LATIN = re.compile("LATIN (SMALL|CAPITAL) LETTER ([A-Z]) WITH ")
_LAST_LATIN = 0xA7BF  # what comes after is newer than the oldest Python that pychat runs on


def _known() -> dict[str, list[str]]:
    text = files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8")
    return {char: [other["c"] for other in others] for char, others in json.loads(text).items() if len(char) == 1}


def _letters(text: str) -> str:
    """What is left of a prototype without its marks and strokes."""
    return "".join(char for char in unicodedata.normalize("NFKD", text) if char.isalnum())


def _alike() -> dict[str, set[str]]:
    """Which single characters are taken for each other, in both directions."""
    known = _known()
    pairs = [(char, other) for char, others in known.items() for other in others if len(other) == 1]
    settled = {char for pair in pairs for char in pair}  # nothing of ours joins two groups of the standard
    pairs += [(char, looks) for char, looks in _bare(known) if char not in settled]
    alike: dict[str, set[str]] = defaultdict(set)
    for char, looks in pairs:
        alike[char].update((char, looks))
        alike[looks].update((char, looks))
    return alike


def _bare(known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Letters with a mark or a stroke, and the letter alone."""
    for char, others in known.items():
        for looks in {_letters(other) for other in others if len(other) > 1}:
            if len(looks) == 1 and not char.isascii():
                yield char, looks
    for code in range(0x80, _LAST_LATIN + 1):
        name = _LATIN.match(unicodedata.name(chr(code), ""))
        if name is not None and unicodedata.normalize("NFKD", chr(code)) == chr(code):
            yield chr(code), name[2].lower() if name[1] == "SMALL" else name[2]


def groups() -> dict[str, str]:
    """For each character that stands for all that look like it: these."""
    alike = _alike()
    found: dict[str, str] = {}
    seen: set[str] = set()
    for char in sorted(alike):
        if char in seen:
            continue
        group, waiting = set(), [char]
        while waiting:  # who looks like one of them looks like all of them
            one = waiting.pop()
            if one not in group:
                group.add(one)
                waiting += alike.get(one, ())
        seen |= group
        chosen = min(group, key=lambda c: (not c.isascii(), not c.isalpha(), not c.islower(), c))
        found[chosen] = "".join(sorted(group - {chosen}))
    return found


def sequences() -> dict[str, str]:
    """For each letter that looks like several others, and like no single one: these."""
    single = {char for chosen, others in groups().items() for char in chosen + others}
    found = {}
    for char, others in sorted(_known().items()):
        looks = max((_letters(other) for other in others), key=len, default="")
        is_several = len(looks) > 1 and unicodedata.normalize("NFKD", char) == char
        if is_several and char not in single and not char.isascii() and looks[0].isascii():
            found[char] = looks
    return found


def written() -> str:
    """The module."""
    return HEAD + _constant("GROUPS", groups()) + "\n" + _constant("SEQUENCES", sequences())


def _constant(name: str, lines: dict[str, str]) -> str:
    text = "".join(f"{first}{others}\n" for first, others in sorted(lines.items()) if others)
    pieces = (text[at : at + WIDTH] for at in range(0, len(text), WIDTH))
    return f"{name} = (\n" + "".join(f"    {json.dumps(piece, ensure_ascii=False)}\n" for piece in pieces) + ")\n"


if __name__ == "__main__":
    TABLE.write_text(written(), "utf-8")
    sys.exit(0)
