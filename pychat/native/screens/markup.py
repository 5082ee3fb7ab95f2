"""A message's text in the styles of a terminal: its lines in pieces."""

from collections.abc import Iterator, Sequence

from pychat.native.screens.sanitize import Styled, lines, safe
from pychat.ui.markup import Block, CodeBlock, Inline, Link, List, Paragraph, Quote, Span, parse

_TAB = "    "


def styled(text: str) -> list[Styled]:
    """The lines of a message, each safe to be shown."""
    blocks = parse(text)
    return [*_lines(blocks)] if blocks else as_written(text)


def as_written(text: str) -> list[Styled]:
    """The lines of a message without any styles, each safe to be shown."""
    return [[("", line.expandtabs())] for line in lines(text)]


def _lines(blocks: Sequence[Block]) -> Iterator[Styled]:
    for block in blocks:
        match block:
            case Paragraph(spans):
                yield from _paragraph(spans)
            case CodeBlock(text):
                for line in text.split("\n"):
                    yield [("", _TAB), ("class:said-code", _safe(line))]
            case Quote(inner):
                for quoted in _lines(inner):
                    yield [("class:quiet", "│ "), *quoted]
            case List(items):
                for item in items:
                    before = f"{item.marker} "
                    for said in [*_lines(item.blocks)] or [Styled()]:
                        yield [("", before), *said]
                        before = " " * len(before)


def _paragraph(spans: Sequence[Inline]) -> Iterator[Styled]:
    line = Styled()
    for style, text in (piece for inline in spans for piece in _pieces(inline)):
        first, *rest = text.split("\n")
        line.append((style, _safe(first)))
        for each in rest:
            yield line
            line = [(style, _safe(each))]
    yield line


def _pieces(inline: Inline) -> Iterator[tuple[str, str]]:
    if isinstance(inline, Link):
        for span in inline.spans:
            yield f"underline {_style(span)}".rstrip(), span.text
        if inline.leads:
            yield "", f" ({inline.address})"
    else:
        yield _style(inline), inline.text


def _style(span: Span) -> str:
    looks = (
        (span.is_strong, "bold"),
        (span.is_emphasis, "italic"),
        (span.is_struck, "strike"),
        (span.is_code, "class:said-code"),
    )
    return " ".join(style for is_so, style in looks if is_so)


def _safe(text: str) -> str:
    """Text within a line: a tab is some blanks, wherever it stands."""
    return safe(text).replace("\t", _TAB)
