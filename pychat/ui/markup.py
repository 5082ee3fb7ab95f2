"""What a message says, as what it looks like: blocks, and in them spans of text.

A message is written in a part of Markdown (CommonMark 0.31): emphasis, code, quotes, lists, links. A chat is no
document, so lines end where they were ended, an indent stays, and what is written below a quote or a list without a
sign of its own is no part of it. There are no headings, pictures, tables, nor HTML, which stays what it is: text.
markdown-it-py makes tokens of a text, and this module a small tree of those; screens make elements or styles of it.

Whatever the text, there is a tree, and it is bounded: what nests too deep, or falls into too many pieces, is shown as
it was written.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from markdown_it.helpers.parse_link_label import parseLinkLabel
from markdown_it.parser_block import ParserBlock
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block.state_block import StateBlock
from markdown_it.rules_inline.state_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict, OptionsType

from pychat.ui.addresses import Address, address, address_at, begins_before, looks_like_address, names

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_NESTING = 20
"""Quotes, lists and their items within each other, at most."""
MAX_PIECES = 1_000
"""Blocks and spans of a message at most."""
LARGE_EMOJI = 8
"""Emoji at most that stand alone, and are shown large."""

# Whether there can be anything but text: what these do not find is not looked at further, so that a burst of plain
# messages costs next to nothing. The first one begins with a set of characters, the last one with a character: that is
# what `re` is quick at.
_SIGN = re.compile(r"[*_`~:\]](?:(?<=[*_`])|(?<=~)~|(?<=:)//|(?<=\])\()")
_LINE = re.compile(_OF_A_LINE := r"[ \t]*(?:[->+]|[0-9]{1,9}[.)])(?:[ \t>]|$)", re.MULTILINE)
_FURTHER_LINE = re.compile(rf"\n{_OF_A_LINE}", re.MULTILINE)
_DESTINATION = re.compile(
    r"""\([ \n]*(?:<([^<>\s]+)>|((?:[^()<>\s]|\([^()\s]*\))+))(?:[ \n]+(?:"[^"\n]*"|'[^'\n]*'))?[ \n]*\)"""
)
_LANGUAGE = re.compile(r"[a-z0-9+#.-]{1,20}(?!\S)")
# What a backslash makes mere text: anywhere, and where a line begins.
_SIGNS, _SIGNS_AT_BEGIN = "\\*_~`[]", "->+"
_NUMBER = re.compile(r"(?:^|\n)[ \t]*[0-9]{1,9}")

# An emoji, by the sequences of UTS #51, section 1.4: flags; something shown as an emoji by itself or by U+FE0F, with a
# skin tone or tags, joined with others.
_PICTURE = (
    "(?:[\U0001f004\U0001f0cf\U0001f18e\U0001f191-\U0001f19a\U0001f201\U0001f21a\U0001f22f\U0001f232-\U0001f236"
    "\U0001f238-\U0001f23a\U0001f250\U0001f251\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7f0"
    "\U0001f90c-\U0001f9ff\U0001fa70-\U0001faff⌚⌛⏩-⏬⏰⏳◽◾☔☕♈-♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛎⛔⛪⛲⛳⛵⛺⛽✅✊✋✨❌❎❓-❕❗➕-➗➰➿⬛⬜⭐⭕]\ufe0f?"
    "|[\u00a9\u00ae\u203c-\u3299\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f202\U0001f237]\ufe0f|[\u261d\u26f9\u270a-\u270d](?=[\U0001f3fb-\U0001f3ff]))"
    "[\U0001f3fb-\U0001f3ff]?"
)
_EMOJI = re.compile(
    rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f\u20e3|{_PICTURE}(?:[\U000e0020-\U000e007f]{{1,8}}|(?:\u200d{_PICTURE}){{1,5}})?)"
    rf"{{1,{LARGE_EMOJI}}}"
)
_LONGEST_EMOJI = 12


class Span(NamedTuple):
    """A piece of text that looks the same from its beginning to its end."""

    text: str
    is_emphasis: bool = False
    is_strong: bool = False
    is_struck: bool = False
    is_code: bool = False


class Link(NamedTuple):
    """A link: what one clicks on, and where it leads. `leads` is what is said of that beside it, or ""."""

    spans: tuple[Span, ...]
    address: str
    leads: str


Inline = Span | Link


class Paragraph(NamedTuple):
    """Lines of text; where one ends there is a line feed in a span."""

    spans: tuple[Inline, ...]


class CodeBlock(NamedTuple):
    """Lines of code, without the line feed at the end; `language` is what was said of it, in small letters, or ""."""

    text: str
    language: str


class Quote(NamedTuple):
    """What is quoted."""

    blocks: tuple["Block", ...]


class Item(NamedTuple):
    """What stands in a list behind a `marker`: “•”, or a number as it was written, as “1.”."""

    marker: str
    blocks: tuple["Block", ...]


class List(NamedTuple):
    """A list."""

    items: tuple[Item, ...]


Block = Paragraph | CodeBlock | Quote | List


def parse(text: str) -> tuple[Block, ...]:
    """What a text is made of; () when it is plain: then it is shown as it was written."""
    if not (_SIGN.search(text) or _LINE.match(text) or _FURTHER_LINE.search(text)):
        return ()
    if sum(map(text.count, "*_`~[")) > 2 * MAX_PIECES:
        return ()
    try:
        return _Builder().build(_parser.tokens(text.replace("\r\n", "\n").replace("\r", "\n")))
    except Exception:  # a parser of others' making; nothing that a peer writes may keep the rest from the screen
        return ()


def plain(text: str) -> str:
    """The words of a text without what makes them look like something."""
    blocks = parse(text)
    return "\n".join(_lines(blocks)) if blocks else text


def is_large(text: str) -> bool:
    """Whether a text is nothing but a few emoji."""
    return (
        not text.isascii()
        and len(text) <= LARGE_EMOJI * _LONGEST_EMOJI
        and _EMOJI.fullmatch("".join(text.split())) is not None
    )


def _lines(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(spans):
                yield "".join(map(words, spans))
            case CodeBlock(text):
                yield text
            case Quote(inner):
                yield from _lines(inner)
            case List(items):
                for item in items:
                    yield f"{item.marker} {chr(10).join(_lines(item.blocks))}"


def words(inline: Inline) -> str:
    """What stands on a screen, without its looks."""
    if isinstance(inline, Span):
        return inline.text
    said = "".join(span.text for span in inline.spans)
    return f"{said} ({inline.leads})" if inline.leads else said


# Rules, beside those of markdown-it-py.


def _escape(state: StateInline, silent: bool) -> bool:
    """A backslash, before a sign that has a meaning here."""
    src, pos = state.src, state.pos
    if src[pos] != "\\" or pos + 1 >= state.posMax:
        return False
    sign, before = src[pos + 1], src[max(0, pos - 12) : pos]
    at_begin = not before.rpartition("\n")[2].strip(" \t") and (pos < 12 or "\n" in before)
    is_number = sign in ".)" and _NUMBER.fullmatch(before[before.rfind("\n") :] if "\n" in before else before)
    if sign not in _SIGNS and not (sign in _SIGNS_AT_BEGIN and at_begin) and not is_number:
        return False
    if not silent:
        state.append_pending(sign)
    state.pos += 2
    return True


def _link(state: StateInline, silent: bool) -> bool:
    """`[label](address)`, with or without a title, which is not shown."""
    pos, end = state.pos, state.posMax
    if state.src[pos] != "[":
        return False
    label_end = parseLinkLabel(state, pos, True)
    found = _DESTINATION.match(state.src, label_end + 1, end) if label_end >= 0 else None
    target = address(found[1] or found[2]) if found else None
    if found is None or target is None:
        return False
    if not silent:
        state.pos, state.posMax = pos + 1, label_end
        state.push("link_open", "a", 1).meta["target"] = target
        state.linkLevel += 1
        state.md.inline.tokenize(state)
        state.linkLevel -= 1
        state.push("link_close", "a", -1)
    state.pos, state.posMax = found.end(), end
    return True


def _bare_address(state: StateInline, silent: bool) -> bool:
    """An address without any Markdown. It is recognized at its colon, where the text before it ends."""
    pos = state.pos
    if state.linkLevel or not state.src.startswith("://", pos):
        return False
    begin = begins_before(state.src, pos)
    target = address_at(state.src, begin, state.posMax) if begin >= 0 else None
    if target is None:
        return False
    if not silent:
        scheme = state.src[begin:pos]
        if not state.pending.endswith(scheme):
            return False
        state.pending = state.pending[: -len(scheme)]
        state.push("link_open", "a", 1).meta["target"] = target
        state.push("link_close", "a", -1)
    state.pos = begin + len(target.written)
    return True


def _answer(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """What follows a quote or an item without a sign or an indent of its own is no part of it."""
    return silent and (state.parentType != "paragraph" or state.sCount[line] < state.blkIndent)


class _Parser:
    """What the rules of markdown-it-py ask of the whole, without presets, renderer, and rules for what is not here."""

    def __init__(self) -> None:
        self.options = OptionsDict(cast(OptionsType, {"maxNesting": MAX_NESTING}))
        self.block, self.inline = ParserBlock(), ParserInline()
        self.block.ruler.enableOnly(["fence", "blockquote", "list", "paragraph"])
        self.block.ruler.push("answer", _answer, {"alt": ["blockquote", "paragraph"]})
        rules = self.inline.ruler
        # Without the rule for line ends, they are text.
        rules.enableOnly(["text", "escape", "backticks", "strikethrough", "emphasis", "link"])
        rules.at("escape", _escape)
        rules.at("link", _link)
        rules.push("address", _bare_address)
        self.inline.ruler2.enableOnly(["balance_pairs", "strikethrough", "emphasis", "fragments_join"])

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def tokens(self, text: str) -> list[Token]:
        """The tokens of blocks, which have those of their text as children."""
        md, tokens = cast("MarkdownIt", self), list[Token]()
        self.block.parse(text, md, {}, tokens)
        if any(token.level >= MAX_NESTING - 1 for token in tokens):
            raise ValueError("what is nested deeper was left out")
        if sum(token.nesting >= 0 for token in tokens) > 2 * MAX_PIECES:
            raise ValueError("there are too many pieces")
        for token in tokens:
            if token.type == "inline":
                token.children = self.inline.parse(token.content, md, {}, [])
        return tokens


_parser = _Parser()


class _Builder:
    """Makes a tree of tokens."""

    def __init__(self) -> None:
        self._pieces = 0
        self._has_text = False

    def build(self, tokens: Sequence[Token]) -> tuple[Block, ...]:
        """The blocks; () when there are too many, or when there is no text."""
        stack, opened = [list[Any]()], list[Token]()
        for token in tokens:
            match token.type:
                case "inline":
                    self._add(stack, Paragraph(self._spans(token.children or ())))
                case "fence":
                    language = _LANGUAGE.match(token.info.strip().lower())
                    self._add(stack, CodeBlock(token.content.removesuffix("\n"), language[0] if language else ""))
                case "blockquote_open" | "bullet_list_open" | "ordered_list_open" | "list_item_open":
                    stack.append([])
                    opened.append(token)
                case "blockquote_close":
                    self._close(stack, opened, Quote)
                case "bullet_list_close" | "ordered_list_close":
                    self._close(stack, opened, List)
                case "list_item_close":
                    number = opened[-1].info
                    marker = f"{number}{opened[-1].markup}" if number else "•"
                    self._close(stack, opened, lambda inner, marker=marker: Item(marker, inner))
        return tuple(stack[0]) if self._has_text and self._pieces <= MAX_PIECES else ()

    def _add(self, stack: list[list[Any]], block: Block) -> None:
        stack[-1].append(block)
        self._pieces += 1
        self._has_text = self._has_text or any(not line.isspace() and line != "" for line in _lines([block]))

    def _close(self, stack: list[list[Any]], opened: list[Token], make: Any) -> None:
        inner = tuple(stack.pop())
        opened.pop()
        stack[-1].append(make(inner))
        self._pieces += 1

    def _spans(self, tokens: Sequence[Token]) -> tuple[Inline, ...]:
        """The spans of a paragraph. Looks within each other are those of each piece, so nothing nests."""
        spans, label = list[Inline](), list[Span]()
        target: Address | None = None
        looks = {"em": 0, "strong": 0, "s": 0}
        for token in tokens:
            kind = token.type.partition("_")[0]
            if token.type in ("text", "code_inline"):
                if not token.content:
                    continue
                em, strong, struck = (count > 0 for count in looks.values())
                span = Span(token.content, em, strong, struck, token.type != "text")
                (spans if target is None else label).append(span)
                self._pieces += 1
            elif kind in looks:
                looks[kind] += token.nesting
            elif token.type == "link_open":
                target = token.meta["target"]
            elif target is not None:
                spans += _link_of(tuple(label), target)
                target, label = None, []
                self._pieces += 1
        return tuple(spans)


def _link_of(label: tuple[Span, ...], target: Address) -> Iterator[Inline]:
    """A link, and beside it where it leads, if that is not what one reads. What could be taken for another address is
    no link, but stands before it.
    """
    said = "".join(span.text for span in label)
    if not said.strip() or names(said, target):
        yield Link((Span(target.written),), target.whole, "" if target.is_plain else target.host)
    elif looks_like_address(said):
        yield from label
        yield Span(" ")
        yield Link((Span(target.whole),), target.whole, "")
    else:
        yield Link(label, target.whole, target.host)
