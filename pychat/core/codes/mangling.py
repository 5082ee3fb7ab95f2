"""What a link goes through on its way, undone: mail filters wrap it, messengers and phones change single characters.

A text is looked at as it stands first, and then layer by layer as it was before. Whoever finds what they look for in
one layer needs none of the deeper ones; so what arrived unchanged is never changed here.

    dashes       — and – for hyphens, by one and by two; all of Unicode's full-width ASCII
    percent      %23 for #, and %2523; most mail filters wrap a link so: Safe Links, Google, Facebook, Cisco, Barracuda
    urldefense   Proofpoint's version 2 (-23 for %23, _ for /) and 3 (* for #, what was replaced comes after it)
    base64       a whole link as base64 (Sophos)
    mail         quoted-printable: =23 for #, and lines that end with =
    HTML         &#35; for #, &amp;, <wbr> and other tags within a line
    JSON         \\u0023 for #, \\/ for /
    defanged     [.] for . (what is not to be opened)
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

MAX_LAYERS = 5
"""How often a link may be wrapped in another one."""

INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
"""Characters that show nothing, as within the brackets of a regular expression."""

_FULL_WIDTH = {0xFF01 + place: 0x21 + place for place in range(0x5E)}
_LONG, _SHORT = "—―⸺", "–−‐‑‒﹘﹣⁃"
_DASHES = (
    str.maketrans({**dict.fromkeys(_LONG, "--"), **dict.fromkeys(_SHORT, "-")}),
    str.maketrans({**dict.fromkeys(_LONG, "-"), **dict.fromkeys(_SHORT, "--")}),
)
_ENTITY = re.compile(r"&(?:#(?P<decimal>[0-9]{1,7})|#[xX](?P<hex>[0-9A-Fa-f]{1,6})|(?P<name>[A-Za-z]{2,14}));")
_ENTITIES = {
    **dict.fromkeys(("shy", "zwj", "zwnj", "ZeroWidthSpace", "NoBreak"), ""),
    **dict.fromkeys(("hyphen", "dash"), "-"),
    **dict.fromkeys(("lowbar", "UnderBar"), "_"),
    "amp": "&",
    "apos": "'",
    "colon": ":",
    "equals": "=",
    "gt": ">",
    "lt": "<",
    "mdash": "—",
    "nbsp": "\u00a0",
    "ndash": "–",
    "num": "#",
    "quest": "?",
    "quot": '"',
    "sol": "/",
}
_INLINE = re.compile(r"</?(?:w?br|span|font|mark|em|strong|b|i|u)\b[^<>]{0,200}>", re.IGNORECASE)
_URLDEFENSE_2 = re.compile(r"[?&]u=(https?-3A[\w.~-]+)", re.ASCII | re.IGNORECASE)
_URLDEFENSE_3 = re.compile(r"urldefense[\w.-]{1,40}/v3/__(\S{1,2048}?)__;([\w-]*)!", re.ASCII | re.IGNORECASE)
_REPLACED = re.compile(r"\*\*([\w-])|\*", re.ASCII)
_RUNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"  # for 2 replaced characters in a row, 3, …
_ESCAPED = re.compile(r"\\u00([0-7][0-9A-Fa-f])")
_BASE64 = re.compile(r"aHR0c[A-Za-z0-9+/_-]{8,}")  # what “http” is in base64


@dataclass(frozen=True, slots=True)
class Layer:
    """A text as it stands, or as it was before something was done to it, which `is_peeled` tells.

    `readings` are several where it is not clear what its dashes were.
    """

    readings: tuple[str, ...]
    is_peeled: bool


def layers(text: str) -> Iterator[Layer]:
    """The text as it stands, then as it was before."""
    text, is_peeled = text.translate(_FULL_WIDTH), False
    for _ in range(MAX_LAYERS + 1):
        yield Layer(tuple(dict.fromkeys(text.translate(dashes) for dashes in _DASHES)), is_peeled)
        inner = _peel(text)
        if inner == text:
            return
        text, is_peeled = inner, True


def _peel(text: str) -> str:
    """Undo one layer. What is taken out of another link stands apart from it."""
    text = _URLDEFENSE_3.sub(_of_urldefense_3, text)
    text = _URLDEFENSE_2.sub(lambda found: f" {unquote(found[1].replace('-', '%').replace('_', '/'))} ", text)
    text = _BASE64.sub(_of_base64, text)
    if "=3D" in text or re.search(r"=[ \t]*\r?\n", text):  # else “=23” is a value and the like
        text = re.sub(r"=[ \t]*\r?\n", "", text)
        text = re.sub(r"=([0-9A-F]{2})", r"%\1", text)
    text = _INLINE.sub("", _ENTITY.sub(_of_entity, text))
    text = _ESCAPED.sub(r"%\1", text).replace("\\/", "/").replace("[.]", ".")
    return unquote(text)


def _of_urldefense_3(found: re.Match[str]) -> str:
    replaced = iter(_decoded(found[2]))

    def put_back(mark: re.Match[str]) -> str:
        count = _RUNS.index(mark[1]) + 2 if mark[1] else 1
        return "".join(next(replaced, "*") for _ in range(count))

    return f" {_REPLACED.sub(put_back, found[1])} "


def _of_base64(found: re.Match[str]) -> str:
    return f" {_decoded(found[0])} "


def _decoded(text: str) -> str:
    text = text.replace("+", "-").replace("/", "_")
    usable = text if len(text) % 4 != 1 else text[:-1]
    return base64.urlsafe_b64decode(usable + "=" * (-len(usable) % 4)).decode("utf-8", "replace")


def _of_entity(found: re.Match[str]) -> str:
    if found["name"]:
        return _ENTITIES.get(found["name"], found[0])
    number = int(found["decimal"]) if found["decimal"] else int(found["hex"], 16)
    return chr(number) if 0 < number < 0x110000 else found[0]
