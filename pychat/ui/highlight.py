"""Code in colours: which pieces of it look alike, for the languages that people paste most.

Pygments takes code apart. It is imported when there is code: a page has it only from then on. Whatever is in a block,
it is looked at up to a size and a number of pieces, and the caller can stop between two of them.
"""

import importlib
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

MAX_CHARACTERS, MAX_LINES, MAX_LINE = 4_000, 200, 500
"""Of code that is coloured: a regular expression that goes through it is done in time, whatever it is."""
MAX_PIECES = 1_000
"""Pieces that are coloured at most; what follows is one more."""

LANGUAGES = {
    "bash": ("shell", "BashLexer"),
    "c": ("c_cpp", "CLexer"),
    "cpp": ("c_cpp", "CppLexer"),
    "css": ("css", "CssLexer"),
    "diff": ("diff", "DiffLexer"),
    "go": ("go", "GoLexer"),
    "html": ("html", "HtmlLexer"),
    "javascript": ("javascript", "JavascriptLexer"),
    "json": ("data", "JsonLexer"),
    "python": ("python", "PythonLexer"),
    "rust": ("rust", "RustLexer"),
    "sql": ("sql", "SqlLexer"),
    "typescript": ("javascript", "TypeScriptLexer"),
    "xml": ("html", "XmlLexer"),
    "yaml": ("data", "YamlLexer"),
}
"""Where Pygments has what takes a language apart."""
ALIASES = {
    "c++": "cpp",
    "golang": "go",
    "h": "c",
    "htm": "html",
    "js": "javascript",
    "jsx": "javascript",
    "patch": "diff",
    "py": "python",
    "python3": "python",
    "rs": "rust",
    "sh": "bash",
    "shell": "bash",
    "svg": "xml",
    "ts": "typescript",
    "tsx": "typescript",
    "yml": "yaml",
    "zsh": "bash",
}
# What Pygments says of a piece, by the beginnings of its names, and what it looks like here.
_LOOKS = (
    ("Comment", "comment"),
    ("Keyword", "keyword"),
    ("Operator.Word", "keyword"),
    ("Literal.String", "string"),
    ("Literal.Number", "number"),
    ("Name.Function", "name"),
    ("Name.Class", "name"),
    ("Name.Tag", "name"),
    ("Name.Decorator", "name"),
    ("Name.Attribute", "name"),
    ("Name.Builtin", "name"),
    ("Generic.Inserted", "inserted"),
    ("Generic.Deleted", "deleted"),
    ("Generic.Heading", "keyword"),
    ("Generic.Subheading", "keyword"),
)


class Piece(NamedTuple):
    """Text of one look: “comment”, “keyword”, “string”, “number”, “name”, “inserted”, “deleted”, or none, ""."""

    text: str
    look: str


def language_of(name: str) -> str:
    """The language that is coloured, by what was said of a block; "" if it is none."""
    language = ALIASES.get(name, name)
    return language if language in LANGUAGES else ""


def is_short_enough(code: str) -> bool:
    """Whether code of this size is coloured."""
    lines = code.split("\n")
    return len(code) <= MAX_CHARACTERS and len(lines) <= MAX_LINES and max(map(len, lines)) <= MAX_LINE


def pieces(code: str, language: str) -> Iterator[Piece]:
    """Code in pieces that are all of it, made as they are asked for.

    Raises:
        ImportError: Pygments is not here.
    """
    end, now, count = 0, Piece("", ""), 1
    for start, kind, text in _lexer(language).get_tokens_unprocessed(code):
        if start != end or count == MAX_PIECES:  # what it takes out of order it takes twice
            break
        end += len(text)
        look = _look(kind)
        if look == now.look or text.isspace():
            now = Piece(now.text + text, now.look)
            continue
        if now.text:
            yield now
        now, count = Piece(text, look), count + 1
    if now.text:
        yield now
    if code[end:]:
        yield Piece(code[end:], "")


@cache
def _lexer(language: str) -> Any:
    module, name = LANGUAGES[language]
    return getattr(importlib.import_module(f"pygments.lexers.{module}"), name)()


@cache
def _look(kind: Any) -> str:
    name = str(kind).removeprefix("Token.")
    return next((look for begin, look in _LOOKS if name == begin or name.startswith(f"{begin}.")), "")
