"""Writes web/signs.svg: the pictures of the signs that two people compare, so that no font of the system is needed.

    npm pack @iconify-json/twemoji@1.2.5 && tar xzf iconify-json-twemoji-1.2.5.tgz
    python -m tests.signs package

Twemoji's, for they are small and easy to tell apart. They are the same for years, so they are in the repository, as the
icons are, and not among what is installed: that would be 10 MB for 64 pictures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pychat.core.identity.safety import EMOJI

SIGNS = Path(__file__).resolve().parents[1] / "web" / "signs.svg"
HEAD = """\
<!-- Emoji of Twemoji, © Twitter, Inc and other contributors, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/),
     as they are in the package @iconify-json/twemoji {version}; `python -m tests.signs` writes this file. -->
<svg xmlns="http://www.w3.org/2000/svg">
"""


def sprite(package: Path) -> str:
    """The file, made of an unpacked package."""
    version = json.loads((package / "package.json").read_text())["version"]
    names = json.loads((package / "chars.json").read_text())
    icons = json.loads((package / "icons.json").read_text())["icons"]
    symbols = [
        f'  <symbol id="{emoji.code_points}" viewBox="0 0 36 36">{icons[names[emoji.code_points]]["body"]}</symbol>\n'
        for emoji in EMOJI
    ]
    return HEAD.format(version=version) + "".join(symbols) + "</svg>\n"


if __name__ == "__main__":
    SIGNS.write_text(sprite(Path(sys.argv[1])))
