"""The tree of a text: what is markup, what stays text, and what it may cost."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.ui import markup
from pychat.ui.markup import (
    MAX_NESTING,
    MAX_PIECES,
    Block,
    CodeBlock,
    Inline,
    Item,
    Link,
    List,
    Paragraph,
    Quote,
    Span,
    is_large,
    parse,
    plain,
)
from tests import naughty

LONGEST = 8_000


def shown(text: str) -> str:
    """A tree in one line: <em>, <strong>, <s>, <code>, <a address leads>; blocks in brackets with a name."""
    return "".join(map(block_shown, parse(text)))


def block_shown(block: Block) -> str:
    match block:
        case Paragraph(spans):
            return f"[{''.join(map(inline_shown, spans))}]"
        case CodeBlock(text, language):
            return f"[code {language}:{text}]"
        case Quote(blocks):
            return f"[quote {''.join(map(block_shown, blocks))}]"
        case List(items):
            return f"[list {' '.join(item.marker + ''.join(map(block_shown, item.blocks)) for item in items)}]"


def inline_shown(inline: Inline) -> str:
    if isinstance(inline, Link):
        said = "".join(map(inline_shown, inline.spans))
        return f"<a {inline.address}{f' ({inline.leads})' if inline.leads else ''}>{said}</a>"
    text = inline.text
    for is_so, tag in (
        (inline.is_code, "code"),
        (inline.is_struck, "s"),
        (inline.is_emphasis, "em"),
        (inline.is_strong, "strong"),
    ):
        text = f"<{tag}>{text}</{tag}>" if is_so else text
    return text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*a* _b_ **c** __d__", "[<em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong>]"),
        ("***a***", "[<strong><em>a</em></strong>]"),
        ("**a *b* c**", "[<strong>a </strong><strong><em>b</em></strong><strong> c</strong>]"),
        ("~~a~~", "[<s>a</s>]"),
        ("~a~ b", ""),
        ("a_b_c *d*", "[a_b_c <em>d</em>]"),
        ("2 * 3 * 4", "[2 * 3 * 4]"),
        ("`a`", "[<code>a</code>]"),
        ("`` a`b ``", "[<code>a`b</code>]"),
        ("`*a*`", "[<code>*a*</code>]"),
        ("**`a`**", "[<strong><code>a</code></strong>]"),
        ("`a", "[`a]"),
        ("*a\nb*", "[<em>a\nb</em>]"),
    ],
)
def test_emphasis_and_code(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\n  two\n\tthree *x*", "[one\n  two\n\tthree <em>x</em>]"),
        ("one  \ntwo *x*", "[one  \ntwo <em>x</em>]"),
        ("one\r\ntwo *x*", "[one\ntwo <em>x</em>]"),
        ("one *x*\n\n\ntwo", "[one <em>x</em>][two]"),
    ],
)
def test_lines_end_where_they_were_ended_and_keep_their_indents(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\na *b*\n```", "[code :a *b*]"),
        ("```py\na\n\nb\n```\nc", "[code py:a\n\nb][c]"),
        ("~~~ C++ x y\na\n~~~", "[code c++:a]"),
        ("text\n```\na\n```", "[text][code :a]"),
        ("```\nnot ended", "[code :not ended]"),
        ("```\n  indented\n```", "[code :  indented]"),
        ("```<script>\na\n```", "[code :a]"),
        ("```" + "x" * 30 + "\na\n```", "[code :a]"),
        ("    four spaces are no code *x*", "[four spaces are no code <em>x</em>]"),
    ],
)
def test_blocks_of_code(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> a\n> b", "[quote [a\nb]]"),
        ("> a\nb", "[quote [a]][b]"),
        ("a\n> b\n\nc", "[a][quote [b]][c]"),
        ("> a\n>> b", "[quote [a][quote [b]]]"),
        ("> - a\n> - b", "[quote [list •[a] •[b]]]"),
        ("> ```\n> a\n> ```\nb", "[quote [code :a]][b]"),
        ("- a\n- b", "[list •[a] •[b]]"),
        ("* a\n* b", "[list •[a] •[b]]"),
        ("- a\n- b\nc", "[list •[a] •[b]][c]"),
        ("- a\n  b\n- c", "[list •[a\nb] •[c]]"),
        ("- a\n\n  b", "[list •[a][b]]"),
        ("- a\n  - b\n- c", "[list •[a][list •[b]] •[c]]"),
        ("1. a\n2. b", "[list 1.[a] 2.[b]]"),
        ("3) a", "[list 3)[a]]"),
        ("1. a\n1. b", "[list 1.[a] 1.[b]]"),
        ("a\n- b", "[a][list •[b]]"),
        ("in\n2020. A year *x*", "[in\n2020. A year <em>x</em>]"),
        ("-a *x*", "[-a <em>x</em>]"),
        ("1.5 *x*", "[1.5 <em>x</em>]"),
    ],
)
def test_quotes_and_lists(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Hello, how are you?",
        "- ",
        "*",
        ">",
        "* * *",
        "```\n```",
        "",
        "a ~ b",
        "1.5",
        "https",
        "C:\\Users",
        "a [b] (c)",
    ],
)
def test_what_has_no_markup_is_plain(text: str) -> None:
    assert parse(text) == ()
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Not larger *x*", "[# Not larger <em>x</em>]"),
        ("a *x*\n===", "[a <em>x</em>\n===]"),
        ("*x*\n---\ny", "[<em>x</em>\n---\ny]"),
        ("<b>a</b> *x*", "[<b>a</b> <em>x</em>]"),
        ("&lt; &amp; *x*", "[&lt; &amp; <em>x</em>]"),
        ("| a | b |\n|---|---|\n| *x* | y |", "[| a | b |\n|---|---|\n| <em>x</em> | y |]"),
        ("[a] *x*\n\n[a]: /b", "[[a] <em>x</em>][[a]: /b]"),
        ("![a](https://b.example/c.png)", "[!<a https://b.example/c.png (b.example)>a</a>]"),
    ],
)
def test_there_are_no_headings_pictures_tables_references_or_html(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\*a\* *x*", "[*a* <em>x</em>]"),
        (r"\- a *x*", "[- a <em>x</em>]"),
        ("*x*\n\\> a", "[<em>x</em>\n> a]"),
        (r"1\. a *x*", "[1. a <em>x</em>]"),
        (r"\`a` *x*", "[`a` <em>x</em>]"),
        (r"C:\new\.git *x*", r"[C:\new\.git <em>x</em>]"),
        (r"a \- b *x*", r"[a \- b <em>x</em>]"),
        ("*x* \\", "[<em>x</em> \\]"),
    ],
)
def test_a_backslash_makes_text_of_a_sign_that_has_a_meaning(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example/b.", "[see <a https://a.example/b>https://a.example/b</a>.]"),
        ("**https://a.example/**", "[<a https://a.example/>https://a.example/</a>]"),
        ("https://a.example/b_c_d", "[<a https://a.example/b_c_d>https://a.example/b_c_d</a>]"),
        ("`https://a.example`", "[<code>https://a.example</code>]"),
        ("xhttps://a.example *x*", "[xhttps://a.example <em>x</em>]"),
        ("[a](https://b.example/c)", "[<a https://b.example/c (b.example)>a</a>]"),
        ("[a](<https://b.example/c> 'd')", "[<a https://b.example/c (b.example)>a</a>]"),
        ('[a]( https://b.example "d" )', "[<a https://b.example (b.example)>a</a>]"),
        ("[*a* b](https://b.example)", "[<a https://b.example (b.example)><em>a</em> b</a>]"),
        ("*[a](https://b.example)*", "[<a https://b.example (b.example)><em>a</em></a>]"),
        ("[](https://b.example)", "[<a https://b.example>https://b.example</a>]"),
        ("[a](https://b.example/(c))", "[<a https://b.example/(c) (b.example)>a</a>]"),
        ("[a](/b) [c](d) *x*", "[[a](/b) [c](d) <em>x</em>]"),
    ],
)
def test_links(text: str, expected: str) -> None:
    assert shown(text).replace("<strong>", "").replace("</strong>", "") == expected


@pytest.mark.parametrize(
    "label",
    [
        "bank.example",
        "https://bank.example/login",
        "http://b.example.bank.example",
        "**bank**.example",
        "ann@bank.example",
        "bank。example",
        "bank․example",
        "ｂａｎｋ．ｅｘａｍｐｌｅ",
        "bank\u200b.\u2060example",
        "www.bank",
        "Go to bank.example now",
    ],
)
def test_a_label_that_looks_like_another_address_is_no_link_but_stands_before_it(label: str) -> None:
    (block,) = parse(f"[{label}](https://b.example/c)")
    assert isinstance(block, Paragraph)
    *before, link = block.spans
    assert link == Link((Span("https://b.example/c"),), "https://b.example/c", "")
    assert not any(isinstance(span, Link) for span in before)
    assert "".join(map(markup.words, before)).strip() == label.replace("*", "")


@pytest.mark.parametrize("label", ["b.example", "https://b.example/c", "b.example/c/", "B.Example"])
def test_a_label_that_is_the_address_is_shown_as_the_address(label: str) -> None:
    assert shown(f"[{label}](https://b.example/c)") == "[<a https://b.example/c>https://b.example/c</a>]"


def test_words_have_no_markup_and_say_where_links_lead() -> None:
    text = "> *a*\n\nb **c** [d](https://e.example/f) https://g.example\n- `h`\n2. i\n```js\nj\n```"
    assert plain(text) == "a\nb c d (e.example) https://g.example\n• h\n2. i\nj"


@pytest.mark.parametrize(
    "text", ["👍", "👍 👍\n👍", "❤️", "🇩🇪🇫🇷", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "👍🏽", "☝🏽", "👍" * 8, "⚡", "🏳️‍🌈", "🅰️🅾️🈂️"]
)
def test_a_few_emoji_alone_are_large(text: str) -> None:
    assert is_large(text)


@pytest.mark.parametrize(
    "text", ["", " ", "1", "a👍", "👍.", "👍" * 9, "©", "漢字", "é", "☺", "🇩", "\u200d", "👍" + "\ufe0f" * 200]
)
def test_all_else_is_not(text: str) -> None:
    assert not is_large(text)


# What a hostile text may cost.

HOSTILE: Sequence[tuple[str, Callable[[int], str]]] = [
    ("brackets", lambda n: "[" * n),
    ("closed brackets", lambda n: "[" * (n // 2) + "]" * (n // 2)),
    ("links that begin", lambda n: "[a](https://" * (n // 12)),
    ("links within links", lambda n: "[" * (n // 18) + "](https://a.example" * (n // 18)),
    ("destinations in brackets", lambda n: "[a](<" * (n // 5)),
    ("destinations with parentheses", lambda n: "[a](https://a.example/" + "(" * n),
    ("backticks", lambda n: "`a" * (n // 2)),
    ("backticks, one more each time", lambda n: " ".join("`" * i for i in range(1, int((2 * n) ** 0.5)))),
    ("stars that open", lambda n: "*a " * (n // 3)),
    ("stars that open and close", lambda n: "*a " * (n // 6) + "a* " * (n // 6)),
    ("stars and lines", lambda n: "*_" * (n // 2)),
    ("stars and lines around letters", lambda n: "*a_b" * (n // 4)),
    ("tildes", lambda n: "~~a" * (n // 3)),
    ("quotes within quotes", lambda n: ">" * n),
    ("many quotes", lambda n: "> a\n\n" * (n // 5)),
    ("items", lambda n: "- a\n" * (n // 4)),
    ("items within items", lambda n: "- " * (n // 2) + "a"),
    ("numbers", lambda n: "1. a\n" * (n // 5)),
    ("stairs", lambda n: "\n".join(" " * i + "- a" for i in range(int((2 * n) ** 0.5)))),
    ("fences", lambda n: "```\n" * (n // 4)),
    ("empty lines in a quote", lambda n: ">\n" * (n // 2)),
    ("addresses", lambda n: "https://a.example " * (n // 18)),
    ("schemes", lambda n: "https://" * (n // 8)),
    ("an address that closes", lambda n: "https://a.example/" + ")" * n),
    ("an address that opens", lambda n: "https://a.example/" + "(" * n),
    ("an address of dots", lambda n: "https://" + "a." * (n // 2)),
    ("an address of a user", lambda n: "https://" + "a" * n + "@b.example"),
    ("an address in another script", lambda n: "https://" + "я." * (n // 2)),
    ("backslashes", lambda n: "\\*" * (n // 2)),
    ("numbers with backslashes", lambda n: "*x* " + "1\\." * (n // 3)),
    ("combining marks", lambda n: "*a" + "\u0301" * n + "*"),
    ("all signs", lambda n: "*_`~[]()!<>\\\n- " * (n // 15)),
    ("lines", lambda n: "a\n" * (n // 2) + "*b*"),
]


def calls(work: Callable[[], Any]) -> int:
    """How many functions are called meanwhile, those of C too."""
    count = 0

    def profile(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.slow
@pytest.mark.parametrize(("name", "make"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_a_hostile_text_costs_in_proportion_to_its_length_and_its_tree_is_bounded(
    name: str, make: Callable[[int], str]
) -> None:
    half, whole = make(LONGEST // 2)[: LONGEST // 2], make(LONGEST)[:LONGEST]
    cost = calls(lambda: parse(whole))
    assert cost < 2.6 * calls(lambda: parse(half)) + 2_000
    assert cost < 120 * LONGEST
    assert sum(1 for _ in pieces(parse(whole))) <= MAX_PIECES


def pieces(blocks: Sequence[Block]) -> Iterator[Any]:
    """All that a tree consists of. Raises AssertionError where it is too deep."""
    waiting: list[tuple[Any, int]] = [(block, 1) for block in blocks]
    while waiting:
        piece, depth = waiting.pop()
        assert depth <= MAX_NESTING
        yield piece
        match piece:
            case Quote(inner) | Item(_, inner):
                waiting += [(each, depth + 1) for each in inner]
            case List(items):
                waiting += [(each, depth + 1) for each in items]
            case Paragraph(spans):
                waiting += [(each, depth) for each in spans]


def test_what_nests_too_deep_loses_no_words() -> None:
    assert parse(">" * MAX_NESTING + " deep") == ()
    assert "deep" in plain(">" * (MAX_NESTING - 3) + " deep")
    assert "deep" in plain("- " * MAX_NESTING + "deep")


def test_a_burst_of_plain_messages_does_not_reach_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "_parser", None)
    for text in (
        "Hello!",
        "I am here; you?",
        "It's 5 (or 6) o'clock: come, e.g. now...",
        "¿Qué? – 好的。",
        "a-b, c/d & e",
    ):
        assert parse(text) == ()


LETTERS = st.text(st.sampled_from("abc *_~>-+1.)\n\\#|"), max_size=60)


@pytest.mark.slow
@given(LETTERS)
def test_no_letter_is_lost_or_made(text: str) -> None:
    said = "".join(letter for letter in plain(text) if letter.isalpha())
    assert said == "".join(letter for letter in text if letter.isalpha())


@pytest.mark.slow
@given(st.text(max_size=200) | st.text(st.sampled_from("*_`~[](){}<>!\\:/. \n\t-+>1a@#|https"), max_size=200))
def test_any_text_has_a_tree_of_safe_links(text: str) -> None:
    for piece in pieces(parse(text)):
        if isinstance(piece, Link):
            assert piece.address.startswith(("http://", "https://"))


@pytest.mark.parametrize(
    "texts",
    [naughty.ALL, naughty.as_links(), naughty.as_code(), naughty.as_quotes()],
    ids=["text", "links", "code", "quotes"],
)
def test_naughty_texts_make_no_links_but_to_pages_of_the_web(texts: Sequence[str]) -> None:
    for text in texts:
        for piece in pieces(parse(text)):
            if isinstance(piece, Link):
                assert "naughty" not in piece.address.partition("://")[2].partition("/")[0], text
                assert piece.address.startswith(("http://", "https://")), text


def test_addresses_that_are_naughty_are_no_links() -> None:
    for address in naughty.ADDRESSES:
        links = [piece for piece in pieces(parse(f"[click]({address})")) if isinstance(piece, Link)]
        assert all(len(link.address) > 8 and "click" not in link.spans[0].text for link in links), address
