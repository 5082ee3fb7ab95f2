"""Code in colours: which pieces it falls into, and what a hostile block may cost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pychat.ui.highlight import (
    ALIASES,
    LANGUAGES,
    MAX_CHARACTERS,
    MAX_LINE,
    MAX_LINES,
    MAX_PIECES,
    is_short_enough,
    language_of,
    pieces,
)
from tests import naughty

SOME_CODE: Sequence[str] = (
    "",
    "\n\n",
    "# one\n// two\n/* three */\n-- four\n",
    "def f(a: int = 1) -> str:\n    return f\"{a!r}\" + 'b'  # c\n",
    "const f = async (a) => `${a} /b/g` ?? null; // c",
    "<p class=\"a\" onclick='b()'>&amp; c</p><script>d('e')</script><style>f { g: #fff }</style>",
    '{"a": [1, 2.5e3, true, null, "\\u00e9"]}',
    "a: &b\n  - c: 'd'\n    e: |\n      f\n",
    "select a, count(*) from b where c = 'd' -- e\n",
    "fn main() { let mut a: Vec<u8> = vec![1]; }",
    "#include <a.h>\nint main(void) { return 0x1F; }",
    "--- a\n+++ b\n@@ -1 +1 @@\n-c\n+d\n",
    'for a in $(ls); do echo "$a"; done',
    *naughty.MARKUP,
    *naughty.CHARACTERS,
)


def looks(code: str, language: str) -> dict[str, str]:
    return {piece.text.strip(): piece.look for piece in pieces(code, language)}


@pytest.mark.parametrize(
    ("name", "language"), [("python", "python"), ("py", "python"), ("c++", "cpp"), ("yml", "yaml"), ("brainfuck", "")]
)
def test_a_language_has_several_names(name: str, language: str) -> None:
    assert language_of(name) == language
    assert set(ALIASES.values()) <= set(LANGUAGES)


def test_pieces_that_mean_the_same_look_alike() -> None:
    found = looks("@cached\ndef f():\n    return 'a' + 1  # b", "python")
    assert found["@cached"] == "name"
    assert found["def"] == found["return"] == "keyword"
    assert found["'a'"] == "string"
    assert found["1"] == "number"
    assert found["# b"] == "comment"
    assert looks("-a\n+b\n", "diff") == {"-a": "deleted", "+b": "inserted"}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_pieces_are_all_of_the_code(language: str) -> None:
    for code in SOME_CODE:
        assert "".join(piece.text for piece in pieces(code, language)) == code


@pytest.mark.parametrize(
    "code",
    ["x" * (MAX_LINE + 1), "\n" * MAX_LINES, f"{'x' * 99}\n" * (MAX_CHARACTERS // 100 + 1)],
    ids=["a long line", "many lines", "many characters"],
)
def test_what_is_large_is_not_coloured(code: str) -> None:
    assert not is_short_enough(code)
    assert is_short_enough(code[: len(code) // 3])


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_block_of_signs_falls_into_a_bounded_number_of_pieces(language: str) -> None:
    for sign in ("(", "a(1)", "<a ", "'", '"', "`", "/", "\\", "#", "{{", "1 'a' ", "--", "$(", "@a\n", "&a;", "<!--"):
        lines = [sign * (60 // len(sign))] * 60
        code = "\n".join(lines)[:MAX_CHARACTERS]
        found = list(pieces(code, language))
        assert len(found) <= MAX_PIECES + 1
        assert "".join(piece.text for piece in found) == code
