"""A message's text in its paragraph: elements that look like what the text says of itself.

All of it is within the one paragraph, in which there can be no quotes or lists of HTML: they are spans with the roles
of such. Each block ends with a line feed, so that the text of the paragraph reads as what one sees, for those who copy
a part of it, too. Nothing is made of a string but text, and of an address that `pychat.ui.addresses` knows a link.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import js
from pyodide.ffi import JsException

from pychat.browser.dom import from_template, set_data
from pychat.browser.highlighting import highlighter
from pychat.ui import strings
from pychat.ui.highlight import language_of
from pychat.ui.markup import Block, CodeBlock, Inline, Item, Link, List, Paragraph, Quote, Span, is_large, parse

_copying: set[asyncio.Task[None]] = set()


def put_text(place: Any, text: str) -> None:
    """Show a text in a paragraph."""
    blocks = parse(text)
    if blocks:
        place.replaceChildren(*_blocks(blocks, ""))
    else:
        place.textContent = text
    look = "large" if not blocks and is_large(text) else ""
    if place.className != look:
        place.className = look


def copy_code(button: Any) -> None:
    """Copy the block of code that a button belongs to, and say on it that this was done."""
    code = button.parentElement.querySelector("code")

    async def copy() -> None:
        try:
            await js.navigator.clipboard.writeText(str(code.textContent).removesuffix("\n"))
            said = strings.CODE_COPIED
            set_data(button, "copied", "true")
        except (JsException, AttributeError):  # the browser refuses, or the page is not secure
            said = strings.CANNOT_COPY
        button.setAttribute("aria-label", said)
        button.setAttribute("title", said)

    task = asyncio.ensure_future(copy())
    _copying.add(task)
    task.add_done_callback(_copying.discard)


def _blocks(blocks: Sequence[Block], end: str) -> Iterator[Any]:
    """Elements of blocks; the last one ends with `end`."""
    if len(blocks) == 1 and isinstance(blocks[0], Paragraph):
        yield from _inlines(blocks[0].spans)
        if end:
            yield js.document.createTextNode(end)
        return
    for number, block in enumerate(blocks, 1):
        yield _block(block, "\n" if number < len(blocks) else end)


def _block(block: Block, end: str) -> Any:
    match block:
        case Paragraph(spans):
            element = _element("span", "block")
            element.setAttribute("dir", "auto")
            element.append(*_inlines(spans), js.document.createTextNode(end))
        case CodeBlock(text, language):
            element = from_template("code-block")
            code = element.firstElementChild
            code.setAttribute("aria-label", strings.code_block(language))
            code.textContent = text + end
            _name_copy(element.lastElementChild)
            if language_of(language):
                highlighter.colour(code, language_of(language))
        case Quote(blocks):
            element = _element("span", "quotation", "blockquote")
            element.setAttribute("dir", "auto")
            element.append(*_blocks(blocks, end))
        case List(items):
            element = _element("span", "list", "list")
            element.append(*(_item(item, "\n" if item is not items[-1] else end) for item in items))
    return element


def _item(item: Item, end: str) -> Any:
    element, marker, body = _element("span", "item", "listitem"), _element("span", "marker"), _element("span", "body")
    marker.textContent = f"{item.marker} "
    element.setAttribute("dir", "auto")
    body.append(*_blocks(item.blocks, end))
    element.append(marker, body)
    return element


def _name_copy(button: Any) -> None:
    button.setAttribute("aria-label", strings.COPY_CODE)
    button.setAttribute("title", strings.COPY_CODE)


def _inlines(spans: Sequence[Inline]) -> Iterator[Any]:
    for inline in spans:
        if isinstance(inline, Span):
            yield _span(inline)
        else:
            yield from _link(inline)


def _link(link: Link) -> Iterator[Any]:
    """A link that tells the other side nothing of this page, and beside it where it leads."""
    anchor = js.document.createElement("a")
    for name, value in (
        ("href", link.address),
        ("target", "_blank"),
        ("rel", "noopener noreferrer"),
        ("referrerpolicy", "no-referrer"),
        ("title", link.address),
        ("dir", "auto" if link.leads else "ltr"),
    ):
        anchor.setAttribute(name, value)
    anchor.append(*map(_span, link.spans))
    yield anchor
    if link.leads:
        host = _element("span", "leads")
        host.setAttribute("dir", "ltr")
        host.textContent = f"({link.leads})"
        yield js.document.createTextNode(" ")
        yield host


def _span(span: Span) -> Any:
    node = js.document.createTextNode(span.text)
    for is_so, tag in (
        (span.is_code, "code"),
        (span.is_struck, "s"),
        (span.is_emphasis, "em"),
        (span.is_strong, "strong"),
    ):
        if is_so:
            element = js.document.createElement(tag)
            if tag == "code":
                element.setAttribute("dir", "ltr")
            element.append(node)
            node = element
    return node


def _element(tag: str, name: str, role: str = "") -> Any:
    element = js.document.createElement(tag)
    element.className = name
    if role:
        element.setAttribute("role", role)
    return element
