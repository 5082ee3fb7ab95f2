"""The input line of a terminal, on a terminal of its own."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import termios

from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.output.vt100 import Vt100_Output

from pychat.native.screens.composer import Composer

LFLAGS = 3
"""The place of the local modes in what `tcgetattr` gives."""


class Shown(io.StringIO):
    """What is shown, and whether the terminal would have echoed what is typed at that moment."""

    def __init__(self, terminal: int) -> None:
        super().__init__()
        self.terminal = terminal
        self.echoes: list[tuple[str, bool]] = []

    def write(self, text: str) -> int:
        echoes = bool(termios.tcgetattr(self.terminal)[LFLAGS] & termios.ECHO)
        self.echoes.append((text, echoes))
        return super().write(text)


def test_what_is_typed_while_lines_are_printed_is_not_echoed_among_them() -> None:
    async def scenario(terminal: int) -> Shown:
        shown = Shown(terminal)
        output = Vt100_Output(shown, lambda: Size(24, 80), enable_cpr=False)
        with os.fdopen(terminal, closefd=False) as typed, create_app_session(Vt100Input(typed), output):
            composer = Composer(lambda: [("", "You: ")], list, colors=False)
            reading = asyncio.create_task(composer.read())
            while "You:" not in shown.getvalue():
                await asyncio.sleep(0)
            composer.print([[("", "a line that comes")]])
            await composer.drained()
            reading.cancel()
            await asyncio.wait([reading])
        return shown

    outside, inside = pty.openpty()
    try:
        shown = asyncio.run(scenario(inside))
    finally:
        os.close(outside)
        os.close(inside)
    printed = [echoes for text, echoes in shown.echoes if "a line that comes" in text]
    assert printed == [False]
