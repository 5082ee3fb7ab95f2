"""Messages as lines: nothing in them acts on a terminal, and none looks like somebody else's."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wcwidth import wcwidth, width

import tests.core.conftest  # noqa: F401  (how hypothesis works here)
from pychat.native.screens.sanitize import author_tag, json_line, lines, name_tag, one_line, paragraph
from tests.terminal.screen import Screen

AT = datetime(2026, 1, 31, 12, 0, 0, 123_456, UTC)

C0 = [chr(code) for code in range(0x20) if chr(code) not in "\t\n\r"]
C1 = [chr(code) for code in range(0x80, 0xA0)]
TURNING = list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SEPARATING = list("\u2028\u2029")

FAMILY = "👨\u200d👩\u200d👧"
# What is hard to measure comes more often than it would by chance.
TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.sampled_from([FAMILY, "❤\ufe0f", "🇩🇪", "e\u0301", "你好", " ", "  ", "\t", "\n", "\r", "\x1b[A", "You: "]),
    ),
    max_size=40,
).map("".join)


def is_safe(line: str) -> bool:
    """Whether a line holds no control character but the tab, and no mark that turns what follows."""
    return all(
        char == "\t" or (unicodedata.category(char) not in ("Cc", "Zl", "Zp") and char not in TURNING) for char in line
    )


# One line.


@pytest.mark.parametrize("char", C0)
def test_control_characters_of_ascii_become_pictures(char: str) -> None:
    assert lines(f"a{char}b") == [f"a{chr(0x2400 + ord(char))}b"]


@pytest.mark.parametrize("char", ["\x7f", *C1, *TURNING, *SEPARATING])
def test_other_characters_that_act_become_signs(char: str) -> None:
    assert lines(f"a{char}b") == ["a␡b" if char == "\x7f" else "a\ufffdb"]


def test_a_tab_stays_and_every_line_end_ends_a_line() -> None:
    assert lines("a\tb\nc\r\nd\re\n\nf") == ["a\tb", "c", "d", "e", "", "f"]
    assert one_line("a\tb\nc\r\nd\re\n\nf") == "a\tb␊c␊d␊e␊␊f"
    assert one_line("") == ""


def test_what_people_write_stays_as_it_is() -> None:
    text = f"é שלום سلام 你好 👋🏽 {FAMILY} ❤\ufe0f 🇩🇪 Z\u0335\u0301 ‘quoted’ \u00a0 \u00ad \u200f"
    assert lines(text) == [text]


@pytest.mark.slow
@given(TEXTS)
@example("\x1b]0;title\x07\x9b2J\x90q\x9c\x85\u2028\u202e")
def test_no_line_holds_what_acts(text: str) -> None:
    assert all(map(is_safe, lines(text)))
    assert is_safe(one_line(text))
    assert one_line(text) == "␊".join(lines(text))


# Names.


@pytest.mark.slow
@given(TEXTS, st.integers(3, 60))
@example("Bob>: hi", 60)
@example("你" * 64, 12)
@example("Z" + "\u0301" * 300, 12)
def test_a_name_stays_between_its_signs(name: str, cells: int) -> None:
    tag = name_tag(name, cells)
    assert is_safe(tag)
    assert (tag[0], tag[-1]) == ("<", ">")
    assert not {"<", ">"} & set(tag[1:-1])
    assert sum(max(wcwidth(char), 0) for char in tag.expandtabs(1)) <= cells


def test_a_name_is_shown_as_it_is_and_a_long_one_is_cut() -> None:
    assert name_tag("Bob") == "<Bob>"
    assert name_tag("x" * 64, 12) == f"<{'x' * 9}…>"
    assert author_tag("Bob", verified=True) == "✓ <Bob>"
    assert author_tag("✓ <Bob", verified=False) == "<✓ ‹Bob>"


# JSON.


def test_json_has_the_text_and_the_time() -> None:
    line = json_line("message", AT, text="é\n")
    assert line == '{"event": "message", "at": "2026-01-31T12:00:00.123+00:00", "text": "\\u00e9\\n"}\n'
    assert json_line("message", AT.astimezone(timezone(timedelta(hours=5))), text="é\n") == line


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example('\x00\x1b\x7f\x9b\u2028\u202e"\\\r\n\t')
def test_json_is_printable_ascii_and_brings_the_text_back(text: str) -> None:
    line = json_line("message", AT, text=text).removesuffix("\n")
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["text"] == text


# Paragraphs.


def test_a_short_message_takes_one_row() -> None:
    assert paragraph("Ann", "hello", 80) == ["Ann: hello"]


def test_what_goes_on_is_indented() -> None:
    assert paragraph("Ann", "one two three four five", 16) == ["Ann: one two ", "    three four ", "    five"]
    assert paragraph("Ann", "one\nYou: two\n\nthree", 80) == ["Ann: one", "    You: two", "    ", "    three"]


def test_a_break_stands_for_the_space_at_its_place() -> None:
    assert paragraph("Ann", "12345678901 two", 16) == ["Ann: 12345678901", "    two"]
    assert paragraph("Ann", "12345678901   two", 16) == ["Ann: 12345678901", "      two"]


def test_a_word_that_fits_nowhere_is_broken() -> None:
    assert paragraph("Ann", "x" * 30, 16) == ["Ann: xxxxxxxxxxx", "    xxxxxxxxxxxx", "    xxxxxxx"]


def test_wide_characters_take_two_cells() -> None:
    assert paragraph("Ann", "你好" * 5, 16) == ["Ann: 你好你好你", "    好你好你好"]


def test_a_tab_is_as_wide_as_it_looks() -> None:
    assert paragraph("Ann", "a\tb", 80) == ["Ann: a  b"]
    assert paragraph("Ann", f"a\t\n\t{'x' * 8}", 16) == ["Ann: a  ", f"    {' ' * 8}", "    xxxxxxxx"]


def test_a_window_too_narrow_for_anything_still_shows_everything() -> None:
    assert paragraph("Ann", "hello", 1) == ["Ann: hel", "    lo"]


def test_joined_emoji_have_room_for_terminals_that_do_not_join_them() -> None:
    """Elsewhere a row would overflow, and what follows would stand where names stand."""
    assert paragraph("Ann", FAMILY * 2 + "You: no", 16) == [f"Ann: {FAMILY}", f"    {FAMILY}You: ", "    no"]


def test_not_even_an_endless_emoji_overflows() -> None:
    man = "👨\u200d"
    assert paragraph("Ann", man * 20, 16) == [f"Ann: {man * 5}", f"    {man * 6}", f"    {man * 6}", f"    {man * 3}"]


@pytest.mark.slow
@given(TEXTS, st.integers(8, 40))
@example("👨\u200d" * 40 + "You: no", 20)
@example("\u3164" * 40 + "\tYou: no", 20)
def test_a_paragraph_stays_within_its_rows(text: str, columns: int) -> None:
    rows = paragraph("Ann", text, columns)
    assert all(is_safe(row) and "\t" not in row for row in rows)
    assert rows[0].startswith("Ann: "[:columns])
    assert all(row.startswith("    ") for row in rows[1:])
    for row in rows:
        assert width(row) <= columns
        assert sum(max(wcwidth(char), 0) for char in row) <= columns
    shown = "".join(rows).replace(" ", "")
    assert shown == "Ann:" + "".join(lines(text)).replace(" ", "").replace("\t", "")


@pytest.mark.slow
@given(TEXTS, st.integers(8, 40))
def test_a_terminal_has_nothing_at_its_left_edge_but_the_name(text: str, columns: int) -> None:
    rows = paragraph("Ann", text, columns)
    screen = Screen(columns, len(rows) + 2)
    for row in rows:
        screen.draw(row)
        screen.carriage_return()
        screen.linefeed()
    screen.draw("|")
    assert screen.rows[0].startswith("Ann:")
    assert all(row[:4].strip() == "" for row in screen.rows[1 : len(rows)])
    assert screen.rows[len(rows)] == "|"
