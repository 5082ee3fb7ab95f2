"""The table of emoji, as the page reads it: whole, in all skin tones, small, and nothing in it that cannot be sent."""

import json
from typing import Any

import brotli
import pytest

from pychat.site.build import ROOT
from pychat.site.emoji import NEWEST, PACKAGE, emoji_files
from pychat.site.snapshot import BuildError
from pychat.ui.emoji import EmojiTable, typed_name
from pychat.ui.markup import is_large
from tests.site.conftest import Checkout

pytestmark = pytest.mark.slow  # what it is made of comes with `make build`

MODULES = ROOT / "web" / "node_modules"


@pytest.fixture(scope="module")
def table() -> EmojiTable:
    return EmojiTable(emoji_files(MODULES)["emojibase/emoji.txt"].decode())


@pytest.fixture(scope="module")
def source() -> dict[str, dict[str, Any]]:
    found = json.loads((MODULES / PACKAGE / "en" / "data.json").read_text())
    return {each["label"]: each for each in found if each.get("group", 2) != 2 and each["version"] <= NEWEST}


def test_every_emoji_is_there_once_in_its_order(table: EmojiTable, source: dict[str, dict[str, Any]]) -> None:
    emoji = [each for group in table.groups for each in group.emoji]
    assert len(emoji) == len({each.text for each in emoji})
    assert [each.label for each in emoji] == sorted(source, key=lambda label: source[label]["order"])
    assert [group.name for group in table.groups][:2] == ["Smileys & emotion", "People & body"]
    assert len(table.groups) == 9


def test_skin_tones_are_those_of_the_source(table: EmojiTable, source: dict[str, dict[str, Any]]) -> None:
    toned = 0
    for emoji in (each for group in table.groups for each in group.emoji):
        skins = source[emoji.label].get("skins", [])
        same = [skin["emoji"] for skin in skins if isinstance(skin["tone"], int)]
        assert [emoji.toned(tone) for tone in range(1, 6)] == (same or [emoji.text] * 5)
        toned += bool(same)
    assert toned > 300


def test_every_emoji_in_every_tone_is_one(table: EmojiTable) -> None:
    for emoji in (each for group in table.groups for each in group.emoji):
        for tone in range(6):
            assert is_large(emoji.toned(tone)), emoji
    quick = {each.text for group in table.groups for each in group.emoji} & {"👍", "❤️", "😂", "😮", "😢", "🙏"}
    assert len(quick) == 6  # those of the menu, which else would count twice


def test_every_short_name_can_be_typed_and_people_find_what_they_know(table: EmojiTable) -> None:
    for emoji in (each for group in table.groups for each in group.emoji):
        assert emoji.names
        assert emoji.label
        for name in emoji.names:
            typed = typed_name(f":{name}:")
            assert len(name) == 1 or (typed is not None and typed.name == name), name
    for name, text in {"tada": "🎉", "+1": "👍", "joy": "😂", "heart": "❤️", "rocket": "🚀", "shrug": "🤷"}.items():
        found = table.named(name)
        assert found is not None
        assert found.text == text
        assert text in [each.text for each in table.search(name)[:3]]


def test_it_is_small_on_the_wire() -> None:
    assert len(brotli.compress(emoji_files(MODULES)["emojibase/emoji.txt"])) < 40_000


@pytest.mark.parametrize("content", ["", "[", "[{}]"])
def test_a_damaged_source_is_said_in_words(checkout: Checkout, content: str) -> None:
    modules = checkout.web / "node_modules"
    (modules / PACKAGE / "en" / "data.json").write_text(content)
    with pytest.raises(BuildError, match="delete web/node_modules"):
        emoji_files(modules)
