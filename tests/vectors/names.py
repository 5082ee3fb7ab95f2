"""Names that people give themselves: how pychat shows them, and which it takes for alike."""

from collections.abc import Iterator

from tests.vectors.writer import Json, Text

NOTE = """\
Names as they come in an introduction. See 'The introduction' in docs/reference/protocol.md. How a peer shows names,
and of which it warns, is up to it: all of this is what pychat does.
`given`: the name as it comes, in parts as in frames.json; `shown`: what the person sees, nothing if it is empty.
`names`: two names that are `alike` to pychat, or not. Of somebody unknown with a name like that of somebody known the
person is warned."""


def vectors() -> list[Json]:
    return [*_shown(), *_alike()]


def _shown() -> Iterator[Json]:
    cases: dict[str, tuple[Text, Text]] = {
        "as it is": ("Ann", "Ann"),
        "nothing": ("", ""),
        "only spaces": (" \t\u00a0\u3000", ""),
        "spaces around it and twice within": ("  Ann \u00a0\u2003 B. ", "Ann B."),
        "two lines": ("Ann\r\nBob", "Ann Bob"),
        "line and paragraph separators": ("Ann\u2028Bob\u2029", "Ann Bob"),
        "control characters": ("A\x00n\x1b[31mn\x7f", "An[31mn"),
        "marks of direction": ("\u202eAnn\u202c\u2066\u200f", "Ann"),
        "a zero width space and a soft hyphen": ("An\u200bn\u00ad", "Ann"),
        "fillers that are letters to Unicode": ("\u115fAnn\u3164\uffa0", "Ann"),
        "a blank in Braille": ("Ann\u2800", "Ann"),
        "variation selectors": ("Ann\ufe0f\U000e0100", "Ann"),
        "what stands for an object, and a notehead that is none": ("Ann\ufffc\U0001d159", "Ann"),
        "marks at the beginning": ("\u0301\u0316Ann", "Ann"),
        "more marks than a letter bears": (["A", ["\u0316", 30], "nn"], ["A", ["\u0316", 4], "nn"]),
        "private use and noncharacters": ("Ann\ue000\uffff", "Ann"),
        "a letter and an accent become one": ("Jose\u0301", "Jos\u00e9"),
        "an emoji": ("Ann \U0001f436", "Ann \U0001f436"),
        "an emoji of several is shown in parts": ("\U0001f469\u200d\U0001f4bb", "\U0001f469\U0001f4bb"),
        "other scripts": ("\u6f22\u5b57 \u05e9\u05dc\u05d5\u05dd \u03b1\u03b2\u03b3", "漢字 שלום αβγ"),
        "64 characters": ([["x", 64]], [["x", 64]]),
        "64 characters that become more": ([["\ufb2c", 64]], [["\u05e9\u05bc\u05c1", 21], "\u05e9"]),
        "a space where it is cut": ([["\ufb2c", 21], " ", ["\ufb2c", 42]], [["\u05e9\u05bc\u05c1", 21]]),
        "markup": ("<b>Ann</b>", "<b>Ann</b>"),
    }
    for name, (given, shown) in cases.items():
        yield {"name": f"shown: {name}", "given": given, "shown": shown}


def _alike() -> Iterator[Json]:
    for one, other, why in (
        ("Ann", "Ann", "the same"),
        ("Ann", "ANN", "upper case"),
        ("Ann", "\u0410nn", "a Cyrillic A"),
        ("Ann", "\u0251nn", "a Latin alpha"),
        ("ann", "\u03b1nn", "a Greek alpha"),
        ("Bob", "B0b", "a digit 0"),
        ("Bill", "B1ll", "a digit 1"),
        ("Ilse", "llse", "a small L for a capital I"),
        ("Anne", "\u00c4nne", "an umlaut"),
        ("Ann Smith", "AnnSmith", "no space"),
        ("mam", "marn", "r and n for m"),
        ("bob", "\U0001d401\U0001d428\U0001d41b", "bold letters of mathematics"),
        ("Ann", "\uff21\uff4e\uff4e", "full width"),
        ("Bob", "B\u00f8b", "a letter with a stroke"),
        ("Ann", "\u0391\u03b7\u03b7", "Greek letters"),
        ("Aesop", "\u00c6sop", "one letter for two"),
    ):
        yield {"name": f"alike: {why}", "names": [one, other], "alike": True}
    for one, other in (("Bob", "Rob"), ("Tom", "Tim"), ("Anna", "Hanna"), ("\u674e", "\u738b")):
        yield {"name": f"not alike: {one} and {other}", "names": [one, other], "alike": False}
