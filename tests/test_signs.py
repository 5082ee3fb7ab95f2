"""The pictures of the signs."""

import re

from pychat.core.identity.safety import EMOJI
from tests.signs import SIGNS


def test_each_sign_has_its_picture_and_there_are_no_others() -> None:
    assert re.findall(r'<symbol id="([^"]+)"', SIGNS.read_text()) == [emoji.code_points for emoji in EMOJI]


def test_the_pictures_ask_for_nothing_else() -> None:
    assert not re.search(r'<(image|script|style|foreignObject)|(href|src)="[^#]|url\((?!#)', SIGNS.read_text())
