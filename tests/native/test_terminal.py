"""What the terminal's page prints, of a conversation whose front goes while it prints."""

import asyncio
from io import StringIO

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.plain_text import PlainTextOutput

from pychat.core import events, wire
from pychat.core.chat import conversation as conversation_module
from pychat.core.log import Entry
from pychat.core.services import messaging as messaging_module
from pychat.native.screens.terminal import TerminalPage
from pychat.ui import strings
from pychat.ui.app import App
from pychat.ui.settings import Settings
from pychat.ui.strings import Trust
from tests.core.people import Person, compared, connect, person

KIB = 1024


def test_a_message_of_ours_that_goes_before_it_is_printed_is_told_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer may keep its acknowledgement back until so much has come that both go in one turn."""
    for name, size in {"CONVERSATION_MOST": 40, "UNACKNOWLEDGED_MOST": 20, "STEP": 4, "MARGIN": 10}.items():
        monkeypatch.setattr(conversation_module, name, size * KIB)
        monkeypatch.setattr(messaging_module, name, size * KIB, raising=False)
    ann = person("ann")
    pair = connect(ann, person("bob"))
    shown = StringIO()

    async def test() -> None:
        page = TerminalPage(
            App(ann.node), lambda event: None, page="", settings=Settings(), colors=False, symbols=False
        )
        ann.write(pair.ann_chat, "hi")
        page.render()
        number = 0

        def entries(count: int) -> list[events.Event]:
            nonlocal number
            frames = [
                wire.Entries(pair.bob_chat.own_log, number + n + 1, [Entry(1, "x" * 1_000)]) for n in range(count)
            ]
            number += count
            return [events.FrameReceived(pair.ann_link.id, wire.encode(frame)) for frame in frames]

        while pair.ann_chat.memory.held < 39 * KIB:
            ann.do(*entries(1))
            page.render()
        have = events.FrameReceived(pair.ann_link.id, wire.encode(wire.Have({pair.ann_chat.own_log: 1})))
        ann.do(have, *entries(4))
        page.render()
        ann.do(*entries(1))
        page.render()
        await page._composer.drained()

    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=PlainTextOutput(shown)):
        asyncio.run(test())
    assert strings.OLDER_GONE.split(".")[0] in " ".join(shown.getvalue().split())
    assert shown.getvalue().count("x" * 50) > 30


async def nothing_to_keep() -> None:
    """There is no journal here."""


def typed(someone: Person, line: str, *, connected: bool = False, posted: list[events.Event] | None = None) -> str:
    """What the page of somebody who waits with an invite, or is connected, says to what they type; then they leave."""
    shown = StringIO()

    def post(event: events.Event) -> None:
        if posted is not None:
            posted.append(event)
        someone.do(event)

    async def test() -> None:
        page = TerminalPage(App(someone.node), post, page="", settings=Settings(), colors=False, symbols=False)
        await page.run(nothing_to_keep, code=None, joins=connected)

    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=PlainTextOutput(shown)):
        keyboard.send_text(f"{line}\r/quit\r")
        asyncio.run(test())
    return " ".join(shown.getvalue().split())


def test_a_warning_is_printed_once() -> None:
    ann, bob = person("ann"), person("bob")
    pair = connect(ann, bob)
    ann.do(compared(pair.ann_chat, match=True))
    pair.kill()
    impostor = person("eve")
    impostor.node.messaging.name = "Bob"
    connect(ann, impostor)
    shown = StringIO()

    async def test() -> None:
        page = TerminalPage(
            App(ann.node), lambda event: None, page="", settings=Settings(), colors=False, symbols=False
        )
        for _ in range(3):
            page.render()
        await page._composer.drained()

    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=PlainTextOutput(shown)):
        asyncio.run(test())
    assert " ".join(shown.getvalue().split()).count("/anyway talks to them") == 1


def test_the_bottom_line_says_what_the_other_one_does() -> None:
    pair = connect(person("ann"), person("bob"))
    said = []

    async def test() -> None:
        page = TerminalPage(
            App(pair.ann.node), lambda event: None, page="", settings=Settings(), colors=False, symbols=False
        )
        for state in ("", "typing", "away"):
            pair.ann.hears(pair.ann_link, wire.Presence(state))
            page.render()
            said.append("".join(part[1] for part in page._below()).split("  ")[1])
        await page._composer.drained()

    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=PlainTextOutput(StringIO())):
        asyncio.run(test())
    assert said == ["connected", "typing…", "away"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("/verify", "There is nobody to compare with: you are not connected."),
        ("/match", "There is nobody to compare with: you are not connected."),
        ("/differ", "There is nobody to compare with: you are not connected."),
        ("/accept", "Nobody here has taken another name."),
        ("/switch", "There is nobody else."),
        ("/invite", "The connection has not ended: there is no need for a new invite."),
        ("/lock", "You are in no room."),
        ("/link", "You are in no room."),
        ("/here", "The room is open in no other program of yours."),
    ],
)
def test_a_command_for_which_it_is_not_the_time_says_why_and_does_nothing(command: str, sentence: str) -> None:
    posted: list[events.Event] = []
    said = typed(person("ann"), command, posted=posted)

    assert said.count(sentence) == 1
    assert [type(event) for event in posted if not isinstance(event, events.ShowConversation)] == [
        events.ConfigureIce,
        events.CreateInvite,
        events.LeaveConversation,
    ]


@pytest.mark.parametrize("command", ["/match", "/differ"])
def test_nothing_is_compared_before_it_is_shown(command: str) -> None:
    ann = person("ann")
    pair = connect(ann, person("bob"))
    ann.do(events.ShowConversation(pair.ann_chat.id))

    assert "/verify shows what to compare with <Bob>." in typed(ann, command, connected=True)
    assert not any(contact.judged for contact in ann.node.people.contacts)


def test_with_oneself_there_is_nothing_to_compare() -> None:
    ann = person("ann")
    pair = connect(ann, person("ann"))
    ann.do(events.ShowConversation(pair.ann_chat.id))
    said = typed(ann, "/verify", connected=True)

    assert strings.TRUST[Trust.ONESELF][1] in said
    assert strings.COMPARE not in said


def test_the_details_of_a_link_that_has_ended_are_told_at_once() -> None:
    ann = person("ann")
    pair = connect(ann, person("bob"))
    pair.bob.do(events.LeaveConversation(pair.bob_chat.id))
    pair.carry()

    assert "Their fingerprint" in typed(ann, "/details", connected=True)


def test_it_is_said_when_what_was_deleted_is_still_kept() -> None:
    ann, bob = person("ann"), person("bob")
    pair = connect(ann, bob)
    bob.write(pair.bob_chat, "hello")
    pair.carry()
    ann.node.deletion.problem = "the disk is full"
    said = typed(ann, "/help", connected=True)
    assert said.count(strings.deletion_problem("the disk is full")) == 1


def test_what_was_deleted_before_it_is_printed_is_printed_without_its_text() -> None:
    ann, bob = person("ann"), person("bob")
    pair = connect(ann, bob)
    bob.write(pair.bob_chat, "the secret", "hello")
    pair.carry()
    author, number, _ = pair.ann_chat.timeline[0]
    ann.do(events.DeleteMessage(pair.ann_chat.id, author, number))
    shown = StringIO()

    async def test() -> None:
        page = TerminalPage(
            App(ann.node), lambda event: None, page="", settings=Settings(), colors=False, symbols=False
        )
        page.render()
        await page._composer.drained()

    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=PlainTextOutput(shown)):
        asyncio.run(test())
    said = " ".join(shown.getvalue().split())
    assert f": {strings.DELETED} " in said
    assert "hello" in said
    assert "the secret" not in said
