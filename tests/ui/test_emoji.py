"""Emoji: read from their table, found by words and short names, in all skin tones."""

import pytest

from pychat.ui.emoji import FOUND, EmojiTable, TypedName, typed_name

TABLE = """\
#Smileys & emotion
😀\t\tgrinning face\tgrinning grinning_face\thappy smile
😄\t\tgrinning face with smiling eyes\tsmile\thappy
🎉\t\tparty popper\ttada party\tcelebrate hooray
#People & body
✌️\t+\tvictory hand\tv\tpeace
🤝\t🤝🏻 🤝🏼 🤝🏽 🤝🏾 🤝🏿\thandshake\thandshake\tdeal
👍\t+\tthumbs up\t+1 thumbsup\tyes
#Symbols
#️⃣\t\tkeycap: #\thash\t
"""


def texts(table: EmojiTable, query: str) -> list[str]:
    return [emoji.text for emoji in table.search(query)]


def test_the_table_is_read_in_groups() -> None:
    table = EmojiTable(TABLE)
    assert [(group.name, [emoji.text for emoji in group.emoji]) for group in table.groups] == [
        ("Smileys & emotion", ["😀", "😄", "🎉"]),
        ("People & body", ["✌️", "🤝", "👍"]),
        ("Symbols", ["#️⃣"]),
    ]


@pytest.mark.parametrize("table", ["", "#Symbols\n", "😀", "<!doctype html>\n<title>Sign in</title>", "a\tb\n"])
def test_what_is_no_table_is_refused(table: str) -> None:
    with pytest.raises(ValueError, match=r"table|unpack"):
        EmojiTable(table)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("smile", ["😄", "😀"]),  # a name goes before a further word
        ("grinning", ["😀", "😄"]),
        ("GRIN", ["😀", "😄"]),
        ("face eyes", ["😄"]),
        (":tada:", ["🎉"]),
        ("grinning_face", ["😀", "😄"]),
        ("hoor", ["🎉"]),
        ("+1", ["👍"]),
        ("👍", ["👍"]),
        ("ooray", []),
        ("party face", []),
        ("", []),
        (" : ", []),
    ],
)
def test_words_find_emoji_the_likeliest_first(query: str, found: list[str]) -> None:
    assert texts(EmojiTable(TABLE), query) == found


def test_a_search_finds_no_more_than_can_be_looked_through() -> None:
    many = EmojiTable("#Group\n" + "".join(f"{chr(0x1F600 + n)}\t\tface\tface{n}\t\n" for n in range(FOUND + 5)))
    assert len(many.search("face")) == FOUND


def test_skin_tones_follow_the_rule_or_stand_in_the_table() -> None:
    table = EmojiTable(TABLE)
    victory, handshake, tada = (table.named(name) for name in ("v", "handshake", "tada"))
    assert victory is not None
    assert handshake is not None
    assert tada is not None
    assert [victory.toned(tone) for tone in (0, 1, 5)] == ["✌️", "✌🏻", "✌🏿"]
    assert [handshake.toned(tone) for tone in (0, 1, 5)] == ["🤝", "🤝🏻", "🤝🏿"]
    assert tada.toned(3) == "🎉"


def test_short_names_are_completed_the_shortest_first_and_each_emoji_once() -> None:
    table = EmojiTable(TABLE)
    assert [(name, emoji.text) for name, emoji in table.completions("gri", 9)] == [("grinning", "😀")]
    assert [(name, emoji.text) for name, emoji in table.completions("H", 9)] == [("hash", "#️⃣"), ("handshake", "🤝")]
    assert len(table.completions("h", 1)) == 1
    assert table.completions("zzz", 9) == []
    assert table.named("TADA") == table.named("tada")
    assert table.named("nothing") is None


@pytest.mark.parametrize(
    ("before", "name"),
    [
        (":ta", TypedName(0, "ta", False)),
        ("so :tada:", TypedName(3, "tada", True)),
        ("(:+1", TypedName(1, "+1", False)),
        ("👍 :Ta", TypedName(2, "Ta", False)),
        ("a\n:ta", TypedName(2, "ta", False)),
        ("**:tada:", TypedName(2, "tada", True)),
        ("x" * 500 + " :tada", TypedName(501, "tada", False)),
        (":t", None),
        (":", None),
        ("at 10:30", None),
        ("https://example.org:80", None),
        ("std::vector", None),
        (":ta da", None),
        (":tada: ", None),
        (":-)", None),
        (":" + "a" * 41, None),
    ],
)
def test_a_short_name_begins_where_a_word_does(before: str, name: TypedName | None) -> None:
    assert typed_name(before) == name
