"""QR codes, drawn as one path of an SVG element."""

from typing import Any

from segno import encoder

QUIET = 4
"""Modules of quiet zone around it (ISO/IEC 18004)."""


def draw(svg: Any, text: str) -> None:
    """Draw a text into an SVG element that has a path."""
    matrix = encoder.encode(text, error="m", micro=False, boost_error=False).matrix  # type: ignore[no-untyped-call]
    size = len(matrix) + 2 * QUIET
    dark = (
        f"M{x + QUIET} {y + QUIET}h1v1h-1z" for y, row in enumerate(matrix) for x, module in enumerate(row) if module
    )
    svg.setAttribute("viewBox", f"0 0 {size} {size}")
    svg.querySelector("path").setAttribute("d", "".join(dark))
