"""The table of emoji that a page can offer, made from emojibase; what a line of it says is in pychat/ui/emoji.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pychat.site.snapshot import BuildError

PACKAGE = "emojibase-data"
NEWEST = 16.0
"""The version of Unicode's emoji that devices of the last two years can draw; those of a later one are empty boxes."""
_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_COMPONENT = "component"
_SHOWN_AS_EMOJI = 1


def emoji_files(modules: Path) -> dict[str, bytes]:
    """The table, and the licence that goes with it.

    Raises:
        BuildError: emojibase is not whole.
    """
    folder = modules / PACKAGE
    try:
        emoji, names, further, messages = (
            json.loads((folder / "en" / f"{name}.json").read_text())
            for name in ("data", "shortcodes/github", "shortcodes/emojibase", "messages")
        )
        table = _table(emoji, _names(names), _names(further), messages["groups"])
        return {"emojibase/emoji.txt": table.encode(), "emojibase/LICENSE": (folder / "LICENSE").read_bytes()}
    except (OSError, ValueError, KeyError) as error:
        raise BuildError(f"{PACKAGE} cannot be read: delete web/node_modules and run `make build` again.") from error


def _names(raw: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {code: [names] if isinstance(names, str) else names for code, names in raw.items()}


def _table(
    emoji: list[dict[str, Any]],
    names: dict[str, list[str]],
    further: dict[str, list[str]],
    groups: list[dict[str, Any]],
) -> str:
    lines = []
    for group in groups:
        if group["key"] == _COMPONENT:
            continue
        lines.append(f"#{group['message'].capitalize()}")
        inside = [each for each in emoji if each.get("group") == group["order"] and each["version"] <= NEWEST]
        for each in sorted(inside, key=lambda each: each["order"]):
            code = each["hexcode"]
            short = list(dict.fromkeys([*names.get(code, ()), *further[code]]))
            known = {*each["label"].split(), *(word for name in short for word in name.split("_"))}
            words = [word for tag in each.get("tags", ()) for word in tag.split() if word not in known]
            lines.append("\t".join([_emoji(each), _tones(each), each["label"], " ".join(short), " ".join(words)]))
    if len(lines) <= len(groups):
        raise ValueError("there are no emoji")
    return "\n".join(lines) + "\n"


def _emoji(emoji: dict[str, Any]) -> str:
    """Fully qualified (UTS #51, ED-18): U+FE0F only where without it there would be text."""
    text: str = emoji["emoji"]
    return text.removesuffix("\ufe0f") if emoji["text"] and emoji["type"] == _SHOWN_AS_EMOJI else text


def _tones(emoji: dict[str, Any]) -> str:
    """What the table says of an emoji's skin tones; of two people it has those where both have the same."""
    same = {skin["tone"]: skin["emoji"] for skin in emoji.get("skins", ()) if isinstance(skin["tone"], int)}
    if not same:
        return ""
    text = emoji["emoji"]
    by_rule = [text[0] + tone + text[1:].removeprefix("\ufe0f") for tone in _TONES]
    toned = [same[number] for number in range(1, 6)]
    return "+" if toned == by_rule else " ".join(toned)
