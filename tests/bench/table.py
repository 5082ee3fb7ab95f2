"""How figures are printed: ours, the other's, and the ratio of the two."""

from __future__ import annotations


def heading(name: str, other: str, ours: str = "pychat") -> None:
    print(f"{name:<52}{ours:>13}{other:>13}{'ratio':>9}", flush=True)


def row(name: str, ours: float, other: float, unit: str = "ms") -> None:
    print(
        f"{name:<52}{ours:>{12 - len(unit)}.1f} {unit}{other:>{12 - len(unit)}.1f} {unit}{ours / other:>9.2f}",
        flush=True,
    )
