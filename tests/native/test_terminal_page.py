"""What the terminal's page prints, of a conversation whose front goes while it prints."""

import asyncio
from io import StringIO

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.plain_text import PlainTextOutput

from pychat.core import conversation as conversation_module
from pychat.core import events as ev
from pychat.core import node as node_module
from pychat.core import wire
from pychat.core.log import Entry
from pychat.native.page import TerminalPage
from pychat.ui import words
from pychat.ui.settings import Settings
from tests.core.people import connect, person

KIB = 1024


def test_a_message_of_ours_that_goes_before_it_is_printed_is_told_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer may keep its acknowledgement back until so much has come that both go in one turn."""
    for name, size in {"CONVERSATION_MOST": 40, "UNACKNOWLEDGED_MOST": 20, "STEP": 4, "MARGIN": 10}.items():
        monkeypatch.setattr(conversation_module, name, size * KIB)
        monkeypatch.setattr(node_module, name, size * KIB, raising=False)
    ann = person("ann")
    pair = connect(ann, person("bob"))
    shown = StringIO()

    async def test() -> None:
        page = TerminalPage(ann.node, lambda event: None, page="", settings=Settings(), colors=False, symbols=False)
        ann.write(pair.ann_chat, "hi")
        page.render()
        number = 0

        def entries(count: int) -> list[ev.Event]:
            nonlocal number
            frames = [wire.Entries(pair.bob_chat.me, number + n + 1, [Entry(1, "x" * 1_000)]) for n in range(count)]
            number += count
            return [ev.FrameReceived(pair.ann_link.id, wire.encode(frame)) for frame in frames]

        while pair.ann_chat.memory.held < 39 * KIB:
            ann.do(*entries(1))
            page.render()
        have = ev.FrameReceived(pair.ann_link.id, wire.encode(wire.Have({pair.ann_chat.me: 1})))
        ann.do(have, *entries(4))
        page.render()
        ann.do(*entries(1))
        page.render()
        await page._composer.drained()

    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=PlainTextOutput(shown)):
        asyncio.run(test())
    assert words.OLDER_GONE.split(".")[0] in " ".join(shown.getvalue().split())
    assert shown.getvalue().count("x" * 50) > 30
