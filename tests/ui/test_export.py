"""A conversation as a file: all of it, readable, and nothing in it that does anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html.parser import HTMLParser

import pytest

from pychat.ui import export, strings
from pychat.ui.export import Exported, ExportedMessage
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
    read = html(exported(text, name=text, own_name=text, note=text))
    assert set(read.tags) <= {
        "a",
        "bdi",
        "blockquote",
        "code",
        "div",
        "em",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "p",
        "b",
        "time",
        "br",
        "span",
    }
    assert "Content-Security-Policy" in "".join(export.html(exported(text), NOW))


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
