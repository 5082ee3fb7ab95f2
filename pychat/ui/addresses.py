"""Addresses in what people write: where one begins and ends, and where it really leads.

Only http and https are links, and only where the host is what a reader takes it for: without a user name before it
(`http://bank.example@evil.example`), and in ASCII (RFC 3492), in which no letter looks like one of another script.
"""

import re
import unicodedata
from typing import NamedTuple

MAX_ADDRESS = 2_000
"""Characters of an address behind its host, at most."""

# What is part of no address as people write it, beside blanks: brackets and quotation marks of all kinds, what turns
# the direction of a text or is not seen at all (UAX #9), punctuation of other scripts.
_ELSE = (
    r"\s\x00-\x20\x7f-\xa0\xab\xad\xbb\u061c\u115f\u1160\u180e\u2000-\u206f\u2329\u232a\u3000-\u303f\u3164\ufe00-\ufe4f"
    r"\ufeff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffa0\ufff0-\uffff\ue000-\uf8ff\U000e0000-\U0010ffff"
    r"<>\"\[\]{}|\\^`"
)
_BEGIN = re.compile(r"https?:", re.ASCII | re.IGNORECASE)
_BARE = re.compile(
    rf"https?://(?![^{_ELSE}/?#]{{0,255}}@)(?:\[[0-9a-f:.]{{2,45}}\]|[^{_ELSE}/?#@:()]{{1,253}})(?::[0-9]{{1,5}}(?![0-9]))?"
    rf"(?:[/?#][^{_ELSE}]{{0,{MAX_ADDRESS}}})?",
    re.IGNORECASE,
)
_TRAILING = ".,:;!?'*_~…"
_PARTS = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE)
_HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|(?:[a-z0-9_-]{1,63}\.){0,126}[a-z0-9_-]{1,63}\.?)(?::([0-9]{1,5}))?")
_LAST_PORT = 65_535
_AS_ADDRESS = re.compile(r"https?:|//|www\.|\w[.][^\W\d_]{2}|@", re.IGNORECASE)
# What can be taken for the dot of a host, and that normalization leaves.
_DOTS = str.maketrans(dict.fromkeys("。․‧·∙⋅⸱・｡ꞏ", "."))


class Address(NamedTuple):
    """Where a link leads: the whole address, and its host and port, in ASCII; `written` is how it was written."""

    whole: str
    host: str
    written: str

    @property
    def is_plain(self) -> bool:
        """Whether it was written with the very host to which it leads."""
        return self.whole.lower() == self.written.lower()


def address(written: str) -> Address | None:
    """The address that this is, all of it, or None."""
    if not _BARE.fullmatch(written):
        return None
    parts = _PARTS.fullmatch(written)
    assert parts is not None
    scheme, place, rest = parts.groups()
    host = _ascii(place)
    found = _HOST.fullmatch(host)
    if found is None or int(found[1] or 0) > _LAST_PORT:
        return None
    return Address(f"{scheme.lower()}://{host}{rest}", host, written)


def address_at(text: str, place: int, end: int) -> Address | None:
    """The address that begins at a place of a text, without what punctuation says of it; or None."""
    found = _BARE.match(text, place, end)
    return address(_trimmed(found[0])) if found else None


def begins_before(text: str, colon: int) -> int:
    """Where the word begins that a colon makes the begin of an address, as “https:”; or -1."""
    for begin in (colon - 5, colon - 4):
        if begin >= 0 and _BEGIN.fullmatch(text, begin, colon + 1):
            return begin if begin == 0 or not text[begin - 1].isalnum() else -1
    return -1


def names(label: str, target: Address) -> bool:
    """Whether a label is nothing but the address or the host itself."""
    said, whole = label.strip().lower().rstrip("/"), target.whole.lower().rstrip("/")
    return said in (whole, whole.partition("://")[2], target.host)


def looks_like_address(label: str) -> bool:
    """Whether a reader could take a label for an address: then it must not be a link to another one."""
    seen = "".join(letter for letter in label.translate(_DOTS) if unicodedata.category(letter) not in ("Cf", "Mn"))
    return _AS_ADDRESS.search(unicodedata.normalize("NFKC", seen)) is not None


def _trimmed(written: str) -> str:
    """Without what follows the address: a closing bracket that was opened before it, the end of a sentence."""
    depth = 0
    for place, letter in enumerate(written):
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            written = written[:place]
            break
    return written.rstrip(_TRAILING)


def _ascii(place: str) -> str:
    """A host, and its port, in ASCII; something that is no host if it has no such form.

    Not by Python's codec `idna`, which knows the rules of 2003: by those “ß” is “ss”, for browsers it is not.
    """
    if place.isascii():
        return place.lower()
    host, colon, port = unicodedata.normalize("NFKC", place).lower().partition(":")
    return ".".join(label if label.isascii() else _ascii_label(label) for label in host.split(".")) + colon + port


def _ascii_label(label: str) -> str:
    if not all(letter == "-" or unicodedata.category(letter)[0] in "LMN" for letter in label):
        return " "
    return f"xn--{label.encode('punycode').decode()}"
