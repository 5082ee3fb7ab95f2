"""A conversation as a file for the person: Markdown, or an HTML page that needs nothing else."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pychat.ui import strings, times
from pychat.ui.markup import Block, CodeBlock, Inline, Link, List, Paragraph, Quote, parse

# The file is for the person's own disk, and no page of ours shows it.
_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
body {{ max-width: 44rem; margin: 0 auto; padding: 1rem; }}
h2 {{ font-size: 1rem; text-align: center; margin: 2rem 0 1rem; }}
p {{ margin: 0.5rem 0; overflow-wrap: anywhere; }}
p > span, p code, div {{ white-space: pre-wrap; }}
div {{ margin: 0.5rem 0; overflow-wrap: anywhere; }}
pre {{ padding: 0.5rem; overflow: auto; border: 1px solid; border-radius: 0.5rem; }}
blockquote {{ margin: 0.5rem 0; padding-inline-start: 0.75rem; border-inline-start: 3px solid; }}
ul, ol {{ margin: 0.5rem 0; }}
time {{ opacity: 0.7; font-size: 0.8125rem; }}
.me {{ margin-inline-start: 3rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{note}</p>
"""


_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def escape(text: str) -> str:
    """As `html.escape`: that module brings two thousand names of characters along, into each page."""
    return text.translate(_ESCAPES)


class ExportedMessage(NamedTuple):
    """A message; `at` is in milliseconds since 1970, by its author's clock. `text` is "" when it was deleted."""

    is_own: bool
    at: int
    text: str


class Exported(NamedTuple):
    """A conversation; `note` says what is missing of it, or is ""."""

    name: str
    own_name: str
    messages: Sequence[ExportedMessage]
    note: str


def file_name(exported: Exported, now: datetime, suffix: str) -> str:
    """A name for the file, of letters and digits that every system takes."""
    name = "".join(letter if letter.isalnum() else "-" for letter in exported.name).strip("-")[:40]
    return f"pychat-{name or 'conversation'}-{now:%Y-%m-%d}.{suffix}"


def markdown(exported: Exported, now: datetime) -> Iterator[str]:
    """The file in pieces. What was said stands in quotations, and nothing in it has a meaning in Markdown."""
    yield f"# {_plain(_title(exported))}\n\n{_note(exported, now)}\n"
    for day, messages in _days(exported):
        yield f"\n## {day}\n"
        for message in messages:
            lines = message.text.splitlines() or [""]
            quoted = "\n".join(f"> {_quoted(line)}" for line in lines) if message.text else f"*{strings.DELETED}*"
            yield f"\n**{_plain(_author(exported, message))}**, {times.clock(message.at)}:\n\n{quoted}\n"


def html(exported: Exported, now: datetime) -> Iterator[str]:
    """The file in pieces."""
    yield _HTML.format(title=escape(_title(exported)), note=escape(_note(exported, now)))
    for day, messages in _days(exported):
        yield f"<h2>{escape(day)}</h2>\n"
        for message in messages:
            side, author = "me" if message.is_own else "peer", escape(_author(exported, message))
            moment = times.local(message.at).isoformat(timespec="seconds")
            yield (
                f'<p class="{side}" dir="auto"><b>{author}</b> '
                f'<time datetime="{moment}">{times.clock(message.at)}</time>{_said(message.text, side)}\n'
            )
    yield "</body>\n</html>\n"


def _said(text: str, side: str) -> str:
    """What a message says, behind its author and time, and the end of their paragraph."""
    blocks = parse(text)
    if blocks:
        return f'</p>\n<div class="{side}">{"".join(map(_block, blocks))}</div>'
    return f"<br>{f'<span>{escape(text)}</span>' if text else f'<i>{strings.DELETED}</i>'}</p>"


def _block(block: Block) -> str:
    match block:
        case Paragraph(spans):
            return f'<p dir="auto"><span>{"".join(map(_inline, spans))}</span></p>'
        case CodeBlock(text):
            return f'<pre dir="ltr"><code>{escape(text)}</code></pre>'
        case Quote(blocks):
            return f'<blockquote dir="auto">{"".join(map(_block, blocks))}</blockquote>'
        case List(items):
            numbers = [item.marker[:-1] for item in items]
            tag = "ol" if numbers[0] else "ul"
            listed = zip(numbers, items, strict=True)
            inner = "".join(
                f"<li{f' value={number}' if number else ''}>{''.join(map(_block, item.blocks))}</li>"
                for number, item in listed
            )
            return f'<{tag} dir="auto">{inner}</{tag}>'


def _inline(inline: Inline) -> str:
    if isinstance(inline, Link):
        leads = f" ({escape(inline.leads)})" if inline.leads else ""
        said = "".join(map(_inline, inline.spans))
        return f'<a href="{escape(inline.address)}" rel="noopener noreferrer"><bdi>{said}</bdi></a>{leads}'
    html = escape(inline.text)
    for is_so, tag in (
        (inline.is_code, "code"),
        (inline.is_struck, "s"),
        (inline.is_emphasis, "em"),
        (inline.is_strong, "strong"),
    ):
        html = f"<{tag}>{html}</{tag}>" if is_so else html
    return html


def _title(exported: Exported) -> str:
    return f"Conversation with {exported.name}"


def _note(exported: Exported, now: datetime) -> str:
    count = len(exported.messages)
    words = "One message" if count == 1 else f"{count:,} messages"
    return f"{words}, written by pychat on {now:%Y-%m-%d} at {now:%H:%M}. {exported.note}".rstrip()


def _author(exported: Exported, message: ExportedMessage) -> str:
    return (exported.own_name or strings.ME) if message.is_own else exported.name


def _plain(text: str) -> str:
    """A name on one line, in which nothing has a meaning in Markdown."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()#+-.!|<>~" else letter for letter in " ".join(text.split()))


def _quoted(line: str) -> str:
    """A line of a message: no picture is loaded for it, and it is no heading."""
    escaped = "".join(f"\\{letter}" if letter in r"\`*_[]<" else letter for letter in line)
    return f"\\{escaped}" if escaped.lstrip()[:1] in ("#", ">") else escaped


def _days(exported: Exported) -> Iterator[tuple[str, list[ExportedMessage]]]:
    """The messages by the day on which they were written, as they follow each other."""
    day, messages = "", list[ExportedMessage]()
    for message in exported.messages:
        here = times.date_of(message.at)
        if messages and here != day:
            yield day, messages
            messages = []
        day = here
        messages.append(message)
    if messages:
        yield day, messages
