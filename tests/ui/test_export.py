"""A conversation as a file: all of it, readable, and nothing in it that does anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from pychat.core.chat.relations import Reactions, as_shown, relations_of
from pychat.core.chat.timeline import Message
from pychat.core.content import Relation, Unknown
from pychat.core.log import Entry
from pychat.ui import export, strings
from pychat.ui.export import Exported, ExportedMessage, ExportedQuote
from tests import naughty

NOW = datetime(2026, 11, 30, 9, 45)
EVIL = """<script>alert(1)</script> & <img src="https://evil.example/a.png" onerror=x> "'"""
MARKED = "![a](https://evil.example/a.png)\n# no heading\n> no quotation\n*not* _emphasised_ `code` \\ <b>"


def at(*moment: int) -> int:
    return int(datetime(*moment).timestamp() * 1000)  # type: ignore[arg-type]


def exported(*texts: str, name: str = "Bob", own_name: str = "Ann", note: str = "") -> Exported:
    """What Ann and Bob have said in turn, a day after another."""
    messages = [
        ExportedMessage(number % 2 == 0, at(2026, 11, 3 + number, 7, 45), text) for number, text in enumerate(texts)
    ]
    return Exported(name, own_name, messages, note)


class Reader(HTMLParser):
    """Reads what an HTML file has: its elements, and the texts in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.links: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attributes)
        assert not [name for name in given if name.startswith("on") or name in ("src", "style")]
        assert ("href" in given) == (tag == "a")
        self.links += [given["href"]] if tag == "a" else []

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data)


def html(conversation: Exported) -> Reader:
    return Reader("".join(export.html(conversation, NOW)))


def markdown(conversation: Exported) -> str:
    return "".join(export.markdown(conversation, NOW))


def test_an_html_file_has_all_that_was_said_with_its_days_and_times() -> None:
    read = html(exported("Hello Bob", "Hello\nAnn"))
    assert read.texts[-8:] == [
        "Tuesday, 3 November 2026",
        "Ann",
        "07:45",
        "Hello Bob",
        "Wednesday, 4 November 2026",
        "Bob",
        "07:45",
        "Hello\nAnn",
    ]
    assert "2 messages, written by pychat on 2026-11-30 at 09:45." in read.texts
    assert read.texts.count("Conversation with Bob") == 2


@pytest.mark.parametrize("text", [EVIL, MARKED, "</span></p><h1>", "]]>", "\0\x07\u202e"])
def test_nothing_that_was_said_or_a_name_is_html(text: str) -> None:
    read = html(with_all(text))
    assert set(read.tags) <= {
        "a",
        "bdi",
        "code",
        "em",
        "i",
        "pre",
        "s",
        "strong",
        "span",
        "ul",
        "ol",
        "li",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "p",
        "article",
        "b",
        "time",
        "small",
        "blockquote",
        "div",
    }
    assert read.tags.count("article") == 2
    assert "Content-Security-Policy" in "".join(export.html(exported(text), NOW))


def with_all(text: str) -> Exported:
    """A conversation in which everything that somebody else decides is this text."""
    answer = ExportedMessage(
        True, at(2026, 11, 3, 7, 46), text, ExportedQuote(False, " ".join(text.split())), True, Reactions(text, text)
    )
    message = ExportedMessage(False, at(2026, 11, 3, 7, 45), text, is_newer=True)
    return Exported(text, text, [message, answer], text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "texts",
    [naughty.ALL, naughty.as_links(), naughty.as_code(), naughty.as_quotes()],
    ids=["text", "links", "code", "quotes"],
)
def test_naughty_texts_are_text_and_links_in_html(texts: Sequence[str]) -> None:
    read = html(exported("")._replace(messages=[ExportedMessage(True, at(2026, 11, 3), text) for text in texts]))
    assert not {"script", "img", "svg", "iframe", "object", "link", "base", "form", "input", "video"} & set(read.tags)
    assert all(link and link.startswith(("http://", "https://")) for link in read.links)


def test_an_html_file_looks_like_what_was_written() -> None:
    text = "**a** ~~b~~ [c](https://d.example/e)\n> *f*\n- g\n- h\n\n3. i\n```py\nj <k>\n```\n[bank.example](http://l.example)"
    file = "".join(export.html(exported(text), NOW))
    for element in (
        "<strong>a</strong> <s>b</s>",
        '<a href="https://d.example/e" rel="noopener noreferrer"><bdi>c</bdi></a> (d.example)',
        '<blockquote dir="auto"><p dir="auto"><span><em>f</em></span></p></blockquote>',
        '<ul dir="auto"><li><p dir="auto"><span>g</span></p></li><li>',
        '<ol dir="auto"><li value=3>',
        '<pre dir="ltr"><code>j &lt;k&gt;</code></pre>',
        '<span>bank.example <a href="http://l.example" rel="noopener noreferrer"><bdi>http://l.example</bdi></a>',
    ):
        assert element in file


def test_a_markdown_file_has_all_that_was_said_in_quotations() -> None:
    assert markdown(exported("Hello Bob", "Hello\nAnn\n\nBye")).split("\n\n", 2)[2] == (
        "## Tuesday, 3 November 2026\n\n**Ann**, 07:45:\n\n> Hello Bob\n"
        "\n## Wednesday, 4 November 2026\n\n**Bob**, 07:45:\n\n> Hello\n> Ann\n> \n> Bye\n"
    )


def test_nothing_that_was_said_or_a_name_has_a_meaning_in_markdown() -> None:
    lines = markdown(exported(MARKED, name="# *Bob*\n## x", own_name="[Ann](x)")).splitlines()
    assert lines[0] == r"# Conversation with \# \*Bob\* \#\# x"
    assert lines[-6] == r"**\[Ann\]\(x\)**, 07:45:"
    assert lines[-4:] == [
        r"> !\[a\](https://evil.example/a.png)",
        r"> \# no heading",
        r"> \> no quotation",
        r"> \*not\* \_emphasised\_ \`code\` \\ \<b>",
    ]


NO_MARKDOWN = [
    MARKED,
    EVIL,
    "a\n---\nb\n===\n- c\n+ d\n* e\n1. f\n2) g",
    "```\ncode\n```\n~~~\nmore\n~~~",
    "    code\n\tcode\n  # heading\n",
    "~~struck~~ &lt;b&gt; &copy; <https://evil.example> <b>",
    "a | b\n--|--\nc | d",
    "[x]: https://evil.example\n[x]",
    "\\\n\\# x \\*y\\*",
]


@pytest.mark.slow
@pytest.mark.parametrize("text", NO_MARKDOWN)
def test_a_reader_of_markdown_finds_nothing_in_what_was_said_but_text(text: str) -> None:
    parse = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse
    plain, same = (parse(markdown(with_all(words)._replace(note=""))) for words in ("x", text))
    kinds = [[token.type for token in tokens] for tokens in (plain, same)]
    assert without_paragraphs(kinds[1]) == without_paragraphs(kinds[0])
    inline = [child for token in same for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "softbreak", "text_special", "strong_open", "strong_close"}
    said = "\n".join(
        "".join("\n" if child.type == "softbreak" else child.content for child in token.children or ())
        for token in same
        if token.type == "inline"
    )
    for line in text.splitlines():
        assert line.strip() in said


def without_paragraphs(kinds: list[str]) -> list[str]:
    """An empty line in a text begins a paragraph."""
    return [kind for kind in kinds if not kind.startswith(("paragraph", "inline"))]


def test_quotes_stand_above_answers_reactions_below_and_what_was_edited_is_marked() -> None:
    question = ExportedMessage(False, at(2026, 11, 3, 7, 45), "Tea or\n*coffee*?", is_edited=True)
    answer = ExportedMessage(
        True, at(2026, 11, 3, 7, 46), "Tea", ExportedQuote(False, "Tea or *coffee*?"), reactions=Reactions("", "👍")
    )
    gone = ExportedMessage(False, at(2026, 11, 3, 7, 47), "", is_retracted=True)
    poll = ExportedMessage(False, at(2026, 11, 3, 7, 48), "Black?", is_newer=True)
    conversation = Exported("Bob", "Ann", [question, answer, gone, poll], "")
    assert markdown(conversation).split("\n\n", 3)[3] == (
        "**Bob**, 07:45 (edited):\n\n> Tea or\n> \\*coffee\\*?\n"
        "\n**Ann**, 07:46:\n\n> > **Bob**: Tea or \\*coffee\\*?\n>\n> Tea\n\n👍 Bob\n"
        "\n**Bob**, 07:47:\n\n*Deleted*\n"
        "\n**Bob**, 07:48:\n\n> Black?\n> (made with a newer pychat)\n"
    )
    read = html(conversation)
    assert read.texts[read.texts.index("Tuesday, 3 November 2026") + 1 :] == [
        *("Bob", "07:45", "edited", "Tea or\n", "coffee", "?"),
        *("Ann", "07:46", "Bob", " Tea or *coffee*?", "Tea", "👍 Bob"),
        *("Bob", "07:47", "Deleted"),
        *("Bob", "07:48", "Black?\n(made with a newer pychat)"),
    ]


def test_a_file_has_what_the_two_have_said_of_messages() -> None:
    here, there = "a" * 22, "b" * 22
    said = [
        (True, Message(here, 1, Entry(1, "Tea or cofee?"))),
        (False, Message(there, 1, Entry(2, "tea", relation=Relation("reply", here, 1)))),
        (True, Message(here, 2, Entry(3, "Tea or\ncoffee?", relation=Relation("edit", here, 1)))),
        (True, Message(here, 3, Entry(4, "👍", relation=Relation("react", there, 1)))),
        (False, Message(there, 2, Entry(5, "never mind"))),
        (False, Message(there, 3, Entry(6, "🗑", relation=Relation("delete", there, 2)))),
        (True, Message(here, 4, Entry(7, "what?", relation=Relation("reply", there, 2)))),
        (True, Message(here, 5, Entry(8, "and before?", relation=Relation("reply", "c" * 22, 9)))),
        (False, Message(there, 4, Entry(9, "Which?", relation=Unknown('["poll",1]')))),
    ]
    assert export.exported_messages([*as_shown(said)], relations_of(said)) == [
        ExportedMessage(True, 1, "Tea or\ncoffee?", is_edited=True),
        ExportedMessage(False, 2, "tea", ExportedQuote(True, "Tea or coffee?"), reactions=Reactions("👍", "")),
        ExportedMessage(False, 5, "", is_retracted=True),
        ExportedMessage(True, 7, "what?", ExportedQuote(False, strings.DELETED_QUOTED)),
        ExportedMessage(True, 8, "and before?", ExportedQuote(False, strings.QUOTED_FROM_BEFORE)),
        ExportedMessage(False, 9, "Which?", is_newer=True),
    ]


def test_what_is_missing_is_said() -> None:
    for text in (
        "".join(html(exported("x", note="Some of it is missing.")).texts),
        markdown(exported("x", note="Some of it is missing.")),
    ):
        assert "One message, written by pychat on 2026-11-30 at 09:45. Some of it is missing." in text


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Bob", "pychat-Bob-2026-11-30.html"),
        ("../../etc/passwd", "pychat-etc-passwd-2026-11-30.html"),
        ("Zoë 👋🏽", "pychat-Zoë-2026-11-30.html"),
        ("👋🏽", "pychat-conversation-2026-11-30.html"),
        ("x" * 64, f"pychat-{'x' * 40}-2026-11-30.html"),
    ],
)
def test_the_file_has_a_name_that_every_system_takes(name: str, file: str) -> None:
    assert export.file_name(exported(name=name), NOW, "html") == file


def test_of_a_message_that_was_deleted_it_says_so() -> None:
    conversation = exported("Hello Bob", "")
    assert html(conversation).texts[-1] == strings.DELETED
    assert markdown(conversation).endswith(f"**Bob**, 07:45:\n\n*{strings.DELETED}*\n")
