"""Lets go what would keep a closed connection alive until a full collection of garbage, which is put off for long."""

from __future__ import annotations

import asyncio


def let_go_transport(transport: asyncio.BaseTransport) -> None:
    """Take from a closed transport what it calls to read and to write.

    These are methods of its own, so before Python 3.12 it refers to itself; so it does in later ones, when it was not
    `close`d but broke off (asyncio.selector_events). Others, such as uvloop's, have neither.
    """
    for name in ("_read_ready_cb", "_write_ready"):
        if name in getattr(transport, "__dict__", {}):
            setattr(transport, name, _nothing)


def let_go_error(error: BaseException | None) -> None:
    """Take the tracebacks from an error that is kept: they lead to all that the functions in them knew, and so back."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _nothing() -> None:
    """Stands for what is called no more."""
