"""Write the diagrams of docs/explanation/state-machines.md from the tables of the core: `python -m tests.diagrams`.

With `--check` it only says whether they are stale. Each diagram stands in a Mermaid block below a comment with its
name; the text around them is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from pychat.core import handshake, link
from pychat.core.webrtc import negotiation

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "state-machines.md"

Edge = tuple[str, str, str]
"""From one state to another, and by what."""

_BLOCK = re.compile(r"<!-- diagram: (?P<name>[a-z]+) -->\n```mermaid\n.*?^```$", re.DOTALL | re.MULTILINE)


def diagrams() -> dict[str, str]:
    """Each diagram by its name."""
    return {"link": _link(), "negotiation": _negotiation(), "handshake": _handshake()}


def with_diagrams(page: str) -> str:
    """The page with every diagram as the tables are now."""
    made = diagrams()
    return _BLOCK.sub(lambda found: _block(found["name"], made[found["name"]]), page)


def named(page: str) -> list[str]:
    """The names of the diagrams that the page has."""
    return [found["name"] for found in _BLOCK.finditer(page)]


def _block(name: str, diagram: str) -> str:
    return f"<!-- diagram: {name} -->\n```mermaid\n{diagram}```"


def _link() -> str:
    edges = [(_id(phase), _id(then), _words(step)) for (phase, step), then in link.TRANSITIONS.items() if phase != then]
    patience = [
        f"{_id(phase)}: {_words(phase)}, at most {seconds:g} s" for phase, (seconds, _) in link.TIMEOUTS.items()
    ]
    return _states([*patience, f"[*] --> {_id(link.LinkPhase.SIGNALING)}", *_arrows(edges)])


def _negotiation() -> str:
    failed = negotiation.NegotiationPhase.FAILED
    edges = [
        (_id(phase), _id(then), f"{_words(news)} / {_words(act)}")
        for (phase, news), (act, then) in negotiation.TRANSITIONS.items()
        if phase != failed
    ]
    return _states([f"[*] --> {_id(negotiation.NegotiationPhase.STABLE)}", *_arrows(edges)])


def _handshake() -> str:
    lines = []
    for role, stages in handshake.ORDER.items():
        names = [f"{_id(role)}_{_id(stage)}" for stage in stages]
        lines.append(f"state {_id(role)} {{")
        lines += [f"    {name}: {_words(stage)}" for name, stage in zip(names, stages, strict=True)]
        lines += [f"    {one} --> {following}" for one, following in zip(["[*]", *names], names, strict=False)]
        lines.append("}")
    return _states(lines)


def _arrows(edges: Iterable[Edge]) -> list[str]:
    """One arrow for all that leads from one state to another."""
    labels: dict[tuple[str, str], list[str]] = {}
    for one, other, label in edges:
        labels.setdefault((one, other), []).append(label)
    return [f"{one} --> {other}: {'<br/>'.join(texts)}" for (one, other), texts in labels.items()]


def _states(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in ["stateDiagram-v2", *(f"    {line}" for line in lines)])


def _id(member: Enum) -> str:
    return member.name.lower()


def _words(member: Enum) -> str:
    return member.name.lower().replace("_", " ")


def main(arguments: list[str]) -> int:
    """Write the page anew if it is stale; with `--check` only say that it is."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    page = PAGE.read_text("utf-8")
    made = with_diagrams(page)
    if made == page:
        return 0
    if arguments:
        print(f"{PAGE.name} is stale: run python -m tests.diagrams", file=sys.stderr)
        return 1
    PAGE.write_text(made, "utf-8")
    print(f"{PAGE.name} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
