"""Finds the characters that browsers show as nothing: `python -m tests.blanks` adds those of this machine to BLANKS.

Each character is drawn by itself and after a letter, in Chromium and in Firefox. What leaves no ink one way or the
other, with the fonts that are there, is no part of a name (`tests/core/test_contacts.py`). BLANKS was made with the
fonts of Debian's fonts-dejavu-core, fonts-noto-core, fonts-noto-extra, fonts-noto-color-emoji and fonts-symbola. A font
may have an empty picture for a character that others draw, so look at what comes anew before you believe it.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browsers import ON_PATH, launch

BLANKS = Path(__file__).resolve().parent / "core" / "blanks.txt"

PLANES = ((0x7F, 0x33FF), (0xA000, 0xABFF), (0xD7B0, 0xD7FF), (0xF900, 0x16FFF), (0x18D00, 0x1FFFF), (0xE0000, 0xE0FFF))
"""All but ASCII (of which an emoji font has empty pictures), ideographs, Hangul syllables, Tangut and private use."""

DRAW = """
([from, to]) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [96, 72];
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.font = "24px sans-serif";
  const draw = (text) => {
    context.clearRect(0, 0, 96, 72);
    context.fillText(text, 36, 44);
    return new Uint32Array(context.getImageData(0, 0, 96, 72).data.buffer);
  };
  const nothing = draw(""), letter = draw("n");
  const same = (one, other) => one.every((pixel, place) => pixel === other[place]);
  const blank = [];
  for (let code = from; code <= to; code++) {
    const char = String.fromCodePoint(code);
    if (same(draw(char), nothing) || same(draw("n" + char), letter)) blank.push(code);
  }
  return blank;
}
"""


def read() -> Iterator[int]:
    """The code points in BLANKS."""
    for line in BLANKS.read_text("ascii").split():
        first, _, last = line.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def write(codes: Iterable[int]) -> None:
    """Write BLANKS: ranges of hexadecimal code points, a line each."""
    ranges: list[list[int]] = []
    for code in sorted(set(codes)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    lines = (f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in ranges)
    BLANKS.write_text("\n".join(lines) + "\n", "ascii")


def measure() -> Iterator[int]:
    """What is blank in the browsers of this machine."""
    with sync_playwright() as playwright:
        for name in ON_PATH:
            browser = launch(playwright, name)
            page = browser.new_page()
            for first, last in PLANES:
                for start in range(first, last + 1, 4096):
                    yield from page.evaluate(DRAW, [start, min(last, start + 4095)])
            browser.close()


if __name__ == "__main__":
    write([*read(), *measure()] if BLANKS.exists() else measure())
    sys.exit(0)
