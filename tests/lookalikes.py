"""Makes pychat/core/confusables.py, a table of characters that look alike: `python -m tests.lookalikes` writes it.

The confusables of UTS #39 come from the package confusable-homoglyphs, which only development needs: what runs is a
short table of characters and what they look like.
"""

import json
import sys
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "pychat" / "core" / "confusables.py"
HEAD = '''"""Characters that look alike (Unicode, UTS #39): in each line one, and those that are taken for it.

Written by `python -m tests.lookalikes`; not to be changed by hand.
"""

GROUPS = (
'''
WIDTH = 60  # characters of a line of the table; some of them are wide


def groups() -> dict[str, str]:
    """For each character that stands for all that look like it: these."""
    known = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8"))
    alike: dict[str, set[str]] = defaultdict(set)
    for char, others in known.items():
        if len(char) == 1:
            alike[char].update({char, *(other["c"] for other in others if len(other["c"]) == 1)})
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


def written() -> str:
    """The module."""
    text = "".join(f"{chosen}{others}\n" for chosen, others in sorted(groups().items()) if others)
    pieces = (text[at : at + WIDTH] for at in range(0, len(text), WIDTH))
    return HEAD + "".join(f"    {json.dumps(piece, ensure_ascii=False)}\n" for piece in pieces) + ")\n"


if __name__ == "__main__":
    TABLE.write_text(written(), "utf-8")
    sys.exit(0)
