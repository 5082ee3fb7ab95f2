"""The line one writes on, at the bottom of the terminal; what is printed goes above it and never breaks it."""

import asyncio
from collections.abc import Callable, Sequence

from prompt_toolkit import PromptSession
from prompt_toolkit.application import in_terminal
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style

_STYLE = Style.from_dict(
    {
        "name": "bold",
        "mine": "fg:ansiblue bold",
        "quiet": "fg:ansibrightblack",
        "problem": "fg:ansired",
        "code": "bold",
        "said-code": "fg:ansicyan",
        "qr": "fg:#000000 bg:#ffffff",
        "bottom-toolbar": "noreverse fg:ansibrightblack",
        "done": "fg:ansigreen",
        "now": "fg:ansiyellow",
        "failed": "fg:ansired",
    }
)

Text = StyleAndTextTuples

# DECAWM (VT510): whether what does not fit in a row goes on in the next one, at the left edge.
_CUT: Text = [("[ZeroWidthEscape]", "\x1b[?7l")]
_WRAP: Text = [("[ZeroWidthEscape]", "\x1b[?7h")]


class Composer:
    """The input line, with what stands above and below it.

    Args:
        above: the lines right above the input, with the label in front of it.
        below: the line under it.
    """

    def __init__(self, above: Callable[[], Text], below: Callable[[], Text], *, colors: bool) -> None:
        self._lines: list[Text] = []
        self._printing: asyncio.Task[None] | None = None
        self._session: PromptSession[str] = PromptSession(
            above,
            bottom_toolbar=below,
            style=_STYLE,
            color_depth=None if colors else ColorDepth.DEPTH_1_BIT,
            erase_when_done=True,  # what was written is printed by whoever takes it
            enable_suspend=True,
            reserve_space_for_menu=0,
        )
        # What is typed while lines are printed is read afterwards. The terminal must not echo it among them.
        terminal = self._session.app.input
        terminal.cooked_mode = terminal.raw_mode  # type: ignore[method-assign]

    @property
    def columns(self) -> int:
        """The width of the terminal, in characters."""
        return self._session.output.get_size().columns

    @property
    def rows(self) -> int:
        """The height of the terminal, in lines."""
        return self._session.output.get_size().rows

    @property
    def text(self) -> str:
        """What stands on the line so far."""
        return self._session.default_buffer.text

    async def read(self) -> str:
        """What the person writes next. Raises KeyboardInterrupt on Ctrl-C and EOFError on Ctrl-D."""
        # Its own handler would show a traceback, and wait for Enter.
        return await self._session.prompt_async(set_exception_handler=False)

    def print(self, lines: Sequence[Text], *, wrap: bool = False) -> None:
        """Put lines above the input, all that come in one round of the loop together.

        Args:
            wrap: whether the terminal itself breaks lines that are too wide for it. Else they are cut: where it counts
                cells otherwise than Unicode does, nothing of a line may come to stand at the left edge.
        """
        self._lines += [[*_WRAP, *line, *_CUT] for line in lines] if wrap else lines
        if self._lines and (self._printing is None or self._printing.done()):
            self._printing = asyncio.ensure_future(self._print())

    def refresh(self) -> None:
        """Show `above` and `below` again."""
        self._session.app.invalidate()

    async def drained(self) -> None:
        """Wait until everything is printed."""
        while self._printing is not None and not self._printing.done():
            await asyncio.wait([self._printing])

    async def _print(self) -> None:
        while self._lines:
            async with in_terminal():
                lines, self._lines = self._lines, []
                text = FormattedText([*_CUT, *(part for line in lines for part in (*line, ("", "\n"))), *_WRAP])
                print_formatted_text(self._session.output, text, _STYLE, color_depth=self._session.color_depth)
