"""What of other people's Python goes into the page, from where pip has put it: the parts that are used, with the
licences, which are to go with them.
"""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from pychat.site.snapshot import BuildError

Files = dict[str, bytes]

# What makes QR codes; without segno's __init__, which imports all the rest of it.
SEGNO = ("segno/consts.py", "segno/encoder.py")

# What reads Markdown: without presets, renderer, and rules for what nobody can write in a message. The tables of its
# parsers name all rules; pychat/ui/markup.py says which of them there are.
MARKDOWN_IT = (
    "markdown_it/helpers/parse_link_label.py",
    "markdown_it/common/__init__.py",
    "markdown_it/common/utils.py",
    "markdown_it/parser_block.py",
    "markdown_it/parser_inline.py",
    "markdown_it/ruler.py",
    "markdown_it/rules_block/blockquote.py",
    "markdown_it/rules_block/fence.py",
    "markdown_it/rules_block/list.py",
    "markdown_it/rules_block/paragraph.py",
    "markdown_it/rules_block/state_block.py",
    "markdown_it/rules_inline/backticks.py",
    "markdown_it/rules_inline/balance_pairs.py",
    "markdown_it/rules_inline/emphasis.py",
    "markdown_it/rules_inline/fragments_join.py",
    "markdown_it/rules_inline/state_inline.py",
    "markdown_it/rules_inline/strikethrough.py",
    "markdown_it/rules_inline/text.py",
    "markdown_it/token.py",
    "markdown_it/utils.py",
)
MARKDOWN_IT_INSTEAD = {
    "markdown_it/__init__.py": "",
    "markdown_it/helpers/__init__.py": "",
    "markdown_it/common/entities.py": "entities = {}\n",  # HTML's two thousand; here “&amp;” is five letters
    "markdown_it/rules_block/__init__.py": """\
from .blockquote import blockquote
from .fence import fence
from .list import list_block
from .paragraph import paragraph
from .state_block import StateBlock

code = heading = hr = html_block = lheading = reference = table = None
""",
    "markdown_it/rules_inline/__init__.py": """\
from . import emphasis, strikethrough
from .backticks import backtick
from .balance_pairs import link_pairs
from .fragments_join import fragments_join
from .state_inline import StateInline
from .text import text

autolink = entity = escape = html_inline = image = link = linkify = newline = None
""",
}

# What colours code, for some languages. It is not in the memory of the page, which loads it when there is code.
PYGMENTS = (
    "pygments/__init__.py",
    "pygments/filter.py",
    "pygments/lexer.py",
    "pygments/lexers/_css_builtins.py",
    "pygments/lexers/_googlesql_builtins.py",
    "pygments/lexers/_mysql_builtins.py",
    "pygments/lexers/_postgres_builtins.py",
    "pygments/lexers/_sql_builtins.py",
    "pygments/lexers/_tsql_builtins.py",
    "pygments/lexers/c_cpp.py",
    "pygments/lexers/css.py",
    "pygments/lexers/data.py",
    "pygments/lexers/diff.py",
    "pygments/lexers/go.py",
    "pygments/lexers/html.py",
    "pygments/lexers/javascript.py",
    "pygments/lexers/python.py",
    "pygments/lexers/rust.py",
    "pygments/lexers/shell.py",
    "pygments/lexers/sql.py",
    "pygments/regexopt.py",
    "pygments/token.py",
    "pygments/unistring.py",
    "pygments/util.py",
)
PYGMENTS_INSTEAD = {
    # The list of all lexers, and how others are found.
    "pygments/lexers/__init__.py": """\
from pygments.util import ClassNotFound


def get_lexer_by_name(name, **options):
    raise ClassNotFound(name)
""",
    "pygments/filters/__init__.py": "get_filter_by_name = None\n",
    # Of languages within templates that have no names here.
    "pygments/lexers/jvm.py": "ScalaLexer = None\n",
    "pygments/lexers/ruby.py": "RubyLexer = None\n",
}
# It brings HTML's names of characters along, for a function that is not called.
PYGMENTS_IMPORT = ("pygments/util.py", b"import html\n")


def segno() -> Files:
    """The parts of segno that make QR codes."""
    return _files("segno", SEGNO)


def markdown_it() -> Files:
    """The parts of markdown-it-py that read Markdown, and short modules in place of some."""
    return _files("markdown-it-py", MARKDOWN_IT, MARKDOWN_IT_INSTEAD)


def pygments() -> Files:
    """The parts of Pygments that colour code, and short modules in place of some."""
    files = _files("pygments", PYGMENTS, PYGMENTS_INSTEAD)
    name, statement = PYGMENTS_IMPORT
    if files[name].count(statement) != 1:
        raise BuildError(f"{name} is not as it was: see pychat/site/libraries.py.")
    files[name] = files[name].replace(statement, b"\n")
    return files


def _files(name: str, wanted: tuple[str, ...], instead: dict[str, str] | None = None) -> Files:
    package = _distribution(name)
    licences = {
        f"{wanted[0].partition('/')[0]}/{path.name}": path.read_binary()
        for path in package.files or []
        if path.match("*.dist-info/licenses/LICENSE*")
    }
    found = {path.as_posix(): path for path in package.files or []}
    try:
        files = {path: found[path].read_binary() for path in wanted}
    except (KeyError, OSError) as error:
        raise BuildError(f"{name} has no file {error}: run `make build`, which installs the right one.") from error
    return files | {path: source.encode() for path, source in (instead or {}).items()} | licences


def _distribution(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise BuildError(f"{name} is not installed: run `make build`, which installs it.") from error
