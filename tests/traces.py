"""What each trace must be, whoever has written it: of this form, and without anything that is nobody's business."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import get_args

from pychat.core import effects, events

NAMES = {item.__name__ for item in (*get_args(events.Event), *get_args(effects.Effect))}
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (event |effect) (\w+)(?: [a-z_]+=[ -~]+)?")
AN_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*::|\.local")


def check_trace(lines: Sequence[str], *secrets: str) -> None:
    """Check the form of these lines, that time only passes, and that no text, key, code or address is in them."""
    assert lines
    for line in lines:
        found = LINE.fullmatch(line)
        assert found is not None, line
        assert found[2] in NAMES
        rest = line.partition("Z ")[2]
        assert not AN_ADDRESS.search(rest), line
        # Whatever is drawn or derived is longer than a word.
        assert set(re.findall(r"[A-Za-z0-9+/_-]{16,}", rest)) <= NAMES, line
        for secret in secrets:
            assert secret not in rest, line
    assert all(one[:24] <= other[:24] for one, other in pairwise(lines))


def check_order(lines: Iterable[str], *steps: str) -> None:
    """Check that these are among the lines, in this order; each is what a line has in it, with “#” for its number."""
    left = (re.sub(r"\b(link|session)=\d+", r"\1=#", line) for line in lines)
    for step in steps:
        assert any(step in line for line in left), f"“{step}” did not come, or not in its place"


TO_INVITE_AND_TALK = (
    "event  CreateInvite",
    "effect OpenConnection link=# ice=(servers=<0 items> relay_only=no)",
    "effect CreateOffer link=#",
    "event  LocalDescriptionReady link=# sdp=<",
    "event  PasteCode text=<",
    "effect AcceptAnswer link=# sdp=<",
    "event  ChannelOpened link=#",
    "effect SendFrame link=# data=<hello, ",
    "effect Verify link=# key=<32 bytes> signature=<64 bytes> data=<",
    "event  Verified link=# genuine=yes",
    "effect SendFrame link=# data=<introduce, ",
    "event  WriteMessage conversation=",
    "effect SendFrame link=# data=<entries, ",
    "event  FrameReceived link=# data=<have, ",
    "event  LeaveConversation conversation=",
    "effect SendFrame link=# data=<bye, 7 chars>",
)
"""What whoever invites somebody, connects, talks, and leaves goes through."""
