"""What menus and the choice of an emoji have in common: where they come up, and how the keyboard goes through them."""

from typing import Any

import js

_EDGE = 8
"""Pixels that stay free around what comes up."""
_STEPS = {"ArrowUp": -1, "ArrowLeft": -1, "ArrowDown": 1, "ArrowRight": 1}


def place(popover: Any, opener: Any, *, ends_there: bool) -> None:
    """Show a popover below what was pressed, or above it where there is no room; always as a whole.

    One that is shown already is put to where it has room by now.

    Args:
        ends_there: its right edge is that of what was pressed, else its left one.
    """
    at = opener.getBoundingClientRect()
    if not popover.matches(":popover-open"):
        popover.showPopover()
    wide, high = popover.offsetWidth, popover.offsetHeight
    left = at.right - wide if ends_there else at.left
    top = at.bottom if at.bottom + high + _EDGE <= js.innerHeight else at.top - high
    popover.style.left = f"{max(_EDGE, min(left, js.innerWidth - wide - _EDGE))}px"
    popover.style.top = f"{max(_EDGE, min(top, js.innerHeight - high - _EDGE))}px"


def walk(event: Any, buttons: list[Any], columns: int = 1) -> bool:
    """Lead the focus by the arrow keys, Home and End from one button to the next; tells whether it did.

    As the menu and the grid of the WAI-ARIA Authoring Practices.

    Args:
        columns: how many buttons stand beside each other; up and down lead from row to row, and not out of a grid.
    """
    step = _STEPS.get(event.key)
    if not buttons or (step is None and event.key not in ("Home", "End")):
        return False
    event.preventDefault()
    if step is None:
        buttons[0 if event.key == "Home" else -1].focus()
        return True
    at = next((at for at, button in enumerate(buttons) if button.isSameNode(js.document.activeElement)), -1)
    if at < 0:
        buttons[0 if step > 0 else -1].focus()
    elif columns == 1:
        buttons[(at + step) % len(buttons)].focus()
    else:
        to = at + step * (columns if event.key in ("ArrowUp", "ArrowDown") else 1)
        if 0 <= to < len(buttons):
            buttons[to].focus()
    return True
