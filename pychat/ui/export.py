"""A conversation as a file for the person: Markdown, or an HTML page that needs nothing else."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pychat.core.chat.relations import Place, Reactions, Relations
from pychat.core.chat.timeline import Message
from pychat.core.content import Relation, Unknown
from pychat.core.ids import AuthorId
from pychat.ui import strings, times
from pychat.ui.markup import Block, CodeBlock, Inline, Link, List, Paragraph, Quote, parse
from pychat.ui.messages import QUOTED
from pychat.ui.plurals import plural

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
article {{ margin: 0.75rem 0; overflow-wrap: anywhere; }}
article > div {{ white-space: pre-wrap; }}
p, ul, ol, blockquote, pre {{ margin: 0.25rem 0; }}
pre {{ padding: 0.5rem; overflow: auto; border: 1px solid; border-radius: 0.5rem; }}
blockquote {{ padding-inline-start: 0.75rem; border-inline-start: 0.25rem solid; opacity: 0.7; }}
time, small {{ opacity: 0.7; font-size: 0.8125rem; }}
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


class ExportedQuote(NamedTuple):
    """The message that another one answers; `words` are what stands of it above the answer, in one line."""

    is_own: bool
    words: str


class ExportedMessage(NamedTuple):
    """A message; `at` is in milliseconds since 1970, by its author's clock.

    `text` is what it says by now, "" when it was deleted; `is_retracted`: by its author, for both. `reactions` are the
    emoji by which the two react to it. `is_newer`: it is of a kind of which this version knows no more than its text.
    """

    is_own: bool
    at: int
    text: str
    answers: ExportedQuote | None = None
    is_edited: bool = False
    reactions: Reactions = Reactions("", "")
    is_retracted: bool = False
    is_newer: bool = False


class Exported(NamedTuple):
    """A conversation; `note` says what is missing of it, or is ""."""

    name: str
    own_name: str
    messages: Sequence[ExportedMessage]
    note: str


def exported_messages(said: Sequence[tuple[bool, Message]], relations: Relations) -> list[ExportedMessage]:
    """What a file has of messages, which are given as they are shown, each with whether it is our own."""
    here = {message[:2]: (is_own, message.entry.text) for is_own, message in said}

    def quote(place: Place, own_logs: set[AuthorId]) -> ExportedQuote:
        is_own, text = here.get(place, (place[0] in own_logs, None))
        if text is None:
            return ExportedQuote(is_own, strings.QUOTED_FROM_BEFORE)
        return ExportedQuote(is_own, " ".join(text[:QUOTED].split()) if text else strings.DELETED_QUOTED)

    own_logs = {message.author for is_own, message in said if is_own}
    messages = []
    for is_own, (author, number, (at, text, _, relation)) in said:
        place = author, number
        is_deleted = relations.is_deleted(place, is_own=is_own)
        if not text:
            messages.append(ExportedMessage(is_own, at, "", is_retracted=is_deleted))
            continue
        messages.append(
            ExportedMessage(
                is_own,
                at,
                text,
                quote(relation.place, own_logs) if isinstance(relation, Relation) else None,
                bool(relations.edits(place, is_own=is_own)),
                relations.reactions(place),
                is_newer=isinstance(relation, Unknown),
            )
        )
    return messages


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
            edited = f" ({strings.EDITED})" if message.is_edited else ""
            yield f"\n**{_plain(_author(exported, message.is_own))}**, {times.clock(message.at)}{edited}:\n\n"
            if not message.text:
                yield f"*{_deleted(message)}*\n"
                continue
            if message.answers is not None:
                author = _plain(_author(exported, message.answers.is_own))
                yield f"> > **{author}**: {_quoted(message.answers.words)}\n>\n"
            yield "".join(f"> {_quoted(line)}\n" for line in _text(message).splitlines() or [""])
            if reactions := _reactions(exported, message):
                yield f"\n{', '.join(f'{_plain(emoji)} {_plain(name)}' for emoji, name in reactions)}\n"


def html(exported: Exported, now: datetime) -> Iterator[str]:
    """The file in pieces."""
    yield _HTML.format(title=escape(_title(exported)), note=escape(_note(exported, now)))
    for day, messages in _days(exported):
        yield f"<h2>{escape(day)}</h2>\n"
        for message in messages:
            yield "".join(_article(exported, message))
    yield "</body>\n</html>\n"


def _article(exported: Exported, message: ExportedMessage) -> Iterator[str]:
    """A message as HTML."""
    side, author = "me" if message.is_own else "peer", escape(_author(exported, message.is_own))
    moment = times.local(message.at).isoformat(timespec="seconds")
    yield f'<article class="{side}"><b dir="auto">{author}</b> '
    yield f'<time datetime="{moment}">{times.clock(message.at)}</time>'
    yield f" <small>{strings.EDITED}</small>\n" if message.is_edited else "\n"
    if not message.text:
        yield f"<div><i>{_deleted(message)}</i></div></article>\n"
        return
    if message.answers is not None:
        quoted = escape(_author(exported, message.answers.is_own))
        yield f'<blockquote dir="auto"><b>{quoted}</b> {escape(message.answers.words)}</blockquote>\n'
    yield f'<div dir="auto">{_text_as_html(message)}</div>\n'
    if reactions := _reactions(exported, message):
        yield f'<small dir="auto">{", ".join(f"{escape(emoji)} {escape(name)}" for emoji, name in reactions)}</small>'
    yield "</article>\n"


def _text_as_html(message: ExportedMessage) -> str:
    """What it says, as what stands within an element."""
    blocks = () if message.is_newer else parse(message.text)
    return "".join(map(_block, blocks)) or escape(_text(message))


def _text(message: ExportedMessage) -> str:
    return strings.of_newer_version(message.text) if message.is_newer else message.text


def _deleted(message: ExportedMessage) -> str:
    return strings.RETRACTED if message.is_retracted else strings.DELETED


def _reactions(exported: Exported, message: ExportedMessage) -> list[tuple[str, str]]:
    """By what they react to it, and who."""
    of_both = ((message.reactions.own, True), (message.reactions.peer, False))
    return [(emoji, _author(exported, is_own)) for emoji, is_own in of_both if emoji]


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
    words = plural(count, "One message", "{count} messages")
    return f"{words}, written by pychat on {now:%Y-%m-%d} at {now:%H:%M}. {exported.note}".rstrip()


def _author(exported: Exported, is_own: bool) -> str:
    return (exported.own_name or strings.ME) if is_own else exported.name


def _plain(text: str) -> str:
    """A name on one line, in which nothing has a meaning in Markdown."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()#+-.!|<>~&=" else letter for letter in " ".join(text.split()))


_LINE_START = re.compile(r"[#>+=-]|\d{1,9}(?=[.)])")
"""What begins a heading, a quotation, a list or a line across, or underlines the line before as a heading."""
_SPACES = {" ": "&#32;", "\t": "&#9;"}


def _quoted(line: str) -> str:
    """A line of a message: no picture is loaded for it, and it is no heading, list or code."""
    escaped = "".join(f"\\{letter}" if letter in r"\`*_[]<~|&" else letter for letter in line)
    rest = escaped.lstrip(" \t")
    indent = escaped[: len(escaped) - len(rest)]
    begin = _LINE_START.match(rest)
    if begin is not None:
        at = begin.end() if begin[0].isdecimal() else 0
        rest = f"{rest[:at]}\\{rest[at:]}"
    # A space that is written as one is none that makes what follows it code.
    return f"{_SPACES.get(indent[:1], '')}{indent[1:]}{rest}"


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
