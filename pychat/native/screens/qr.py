"""A code to hand over, as a terminal shows it: text that can be copied whole, and a QR code to hold a camera to."""

from collections.abc import Sequence

import segno

_BORDER = 2
"""Modules of quiet zone: the standard (ISO/IEC 18004) asks for four, cameras are content with two."""
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def link(page: str, code: str) -> str:
    """The address that opens a page with the code in it; what stands after the # is sent to no server."""
    return f"{page.partition('#')[0]}#{code}"


def qr_lines(text: str, columns: int, rows: int) -> Sequence[str]:
    """A QR code in half blocks, two modules a character, dark ones drawn; empty when there is no room for it."""
    modules = [list(map(bool, row)) for row in segno.make(text, error="l", micro=False).matrix_iter(border=_BORDER)]
    if len(modules) % 2:
        modules.append([False] * len(modules[0]))
    if len(modules[0]) > columns or len(modules) // 2 > rows:
        return ()
    pairs = zip(modules[::2], modules[1::2], strict=True)
    return ["".join(_BLOCKS[top, bottom] for top, bottom in zip(*pair, strict=True)) for pair in pairs]
