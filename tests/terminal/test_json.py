"""The command in pipes that speak JSON: a line for all that happens, and commands as lines."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pychat.core.content import Unknown
from pychat.core.link import CloseReason
from tests.friend import MakeFriend
from tests.server.relays import Relay
from tests.terminal.command import SOON_GIVEN_UP, Command, Commands
from tests.terminal.test_pipe import DONE, UNICODE, connect, invite


def events(command: Command) -> list[dict[str, Any]]:
    """What it has written so far."""
    lines = command.out[: command.out.rfind("\n") + 1].splitlines()
    assert all(line.isascii() and line.isprintable() for line in lines)
    return [json.loads(line) for line in lines]


def wait_for(command: Command, *kinds: str) -> list[dict[str, Any]]:
    """The events of these kinds, once there are just so many of each."""
    found: list[dict[str, Any]] = []

    def are_there() -> bool:
        found[:] = [event for event in events(command) if event["event"] in kinds]
        return len(found) >= len(kinds)

    command.wait_for(are_there, f"{kinds}")
    assert [event["event"] for event in found] == list(kinds)
    return found


def do(command: Command, **what: Any) -> None:
    command.say(json.dumps(what))


def test_each_text_comes_as_it_was_written_with_who_wrote_it_and_when(commands: Commands, friend: MakeFriend) -> None:
    before = datetime.now(UTC)
    bob = friend("Bob \u202e\x1b[31m")
    ann = invite(commands, bob, "--json")
    text = f'{UNICODE} \x1b[31m \x7f \x9b \u202e "quoted" \\ a\rb'
    bob.say(text)
    bob.say("next")
    first, second = wait_for(ann, "message", "message")
    (connected,) = wait_for(ann, "connected")
    assert (first["text"], second["text"]) == (text, "next")
    who = {name: connected[name] for name in ("key", "name", "trust")}
    assert len(base64.b64decode(who["key"], validate=True)) == 32
    assert (who["name"], who["trust"]) == ("Bob [31m", "new")
    assert [*connected["signs"], connected["number"]] == bob.signs
    assert connected.keys() == {"event", "at", "signs", "number", *who}
    assert first == {"event": "message", "at": first["at"], "id": first["id"], "text": text, **who}
    assert [first["id"]["number"], second["id"]] == [1, {"log": first["id"]["log"], "number": 2}]
    for event in (connected, first):
        assert before.timestamp() - 1 < datetime.fromisoformat(event["at"]).timestamp() <= datetime.now(UTC).timestamp()
        assert datetime.fromisoformat(event["at"]).tzinfo == UTC


def test_what_becomes_of_messages_comes_in_its_order(commands: Commands, friend: MakeFriend) -> None:
    bob = friend("Bob")
    ann = invite(commands, bob, "--json", "--stay")
    ann.say("Hello Bob")
    bob.hears("Hello Bob")
    (sent,) = wait_for(ann, "sent")
    assert sent == {"event": "sent", "at": sent["at"], "id": sent["id"], "line": 1}  # after the reply
    bob.reply("Hello Bob", "helo")
    bob.edit("helo", "hello")
    bob.react("Hello Bob", "👍")
    bob.react("Hello Bob", "")
    bob.say("never mind")
    wait_for(ann, "message", "edited", "reacted", "reacted", "message")
    bob.retract("never mind")
    kinds = ("message", "edited", "reacted", "reacted", "message", "retracted")
    answer, edited, reacted, taken_back, other, retracted = wait_for(ann, *kinds)
    assert answer["answers"] == reacted["id"] == taken_back["id"] == sent["id"]
    assert (edited["id"], edited["text"]) == (answer["id"], "hello")
    assert (reacted["emoji"], taken_back["emoji"]) == ("👍", "")
    assert retracted["id"] == other["id"]
    assert {event["name"] for event in (edited, reacted, retracted)} == {"Bob"}


def test_what_only_a_later_version_knows_is_marked(commands: Commands, friend: MakeFriend) -> None:
    bob = friend("Bob")
    ann = invite(commands, bob, "--json")
    bob.say_unknown("Tea or coffee?", Unknown('["poll",["tea","coffee"]]'))
    poll, question = wait_for(ann, "message", "message")
    assert (poll["text"], poll["newer"]) == ("Tea or coffee?", True)
    assert "newer" not in question


def test_a_new_name_and_that_somebody_was_verified_are_told(
    commands: Commands, friend: MakeFriend, tmp_path: Path
) -> None:
    bob = friend("Bob", folder=tmp_path / "bob")
    ann = invite(commands, bob, "--json", folder=tmp_path / "ann")
    bob.rename("Robert")
    (renamed,) = wait_for(ann, "renamed")
    assert (renamed["name"], renamed["trust"]) == ("Robert", "new")
    # Another program of the same person compares.
    sister, other = friend("Ann", folder=tmp_path / "ann" / "pychat"), friend("Robert", folder=tmp_path / "bob")
    sister.paste(other.answer(sister.make_invite()))
    sister.expect_other("Robert")
    sister.say_match()
    (trust,) = wait_for(ann, "trust")
    assert (trust["name"], trust["trust"]) == ("Robert", "verified")


def test_a_connection_that_breaks_and_is_back_is_told(
    commands: Commands, friend: MakeFriend, relay: Relay, tmp_path: Path
) -> None:
    ann = commands.pipe("room", "--page", relay.url, "--json", constants=SOON_GIVEN_UP)
    bob = commands.pipe("join", ann.link, folder=tmp_path / "bob")
    wait_for(ann, "connected")
    bob.kill()
    wait_for(ann, "connected", "disconnected")
    back = friend(folder=tmp_path / "bob" / "pychat")
    back.enter(ann.link)
    wait_for(ann, "connected", "disconnected", "connected")


def test_it_tells_what_is_delivered_and_how_it_ends(commands: Commands, friend: MakeFriend) -> None:
    bob = friend()
    ann = invite(commands, bob, "--json", "--stay")
    ann.write("one\ntwo\n")
    bob.hears("one", "two")
    ann.wait_for(lambda: '"count": 2' in ann.out, "both delivered")
    ann.say("three")
    bob.hears("one", "two", "three")
    ann.wait_for(lambda: '"count": 3' in ann.out, "the third one delivered")
    bob.leave()
    assert ann.status() == DONE
    all_events = events(ann)
    assert all_events[0]["event"] == "connected"
    delivered = [event for event in all_events if event["event"] == "delivered"]
    counts = [event["count"] for event in delivered]
    assert counts == sorted(set(counts))
    assert delivered[-1]["id"] == [event["id"] for event in all_events if event["event"] == "sent"][-1]
    assert all_events[-1]["event"] == "ended"
    assert all_events[-1]["reason"] == CloseReason.PEER_LEFT.value


# Commands.


def test_commands_write_answer_edit_delete_for_both_and_react(commands: Commands, friend: MakeFriend) -> None:
    bob = friend("Bob")
    ann = invite(commands, bob, "--json", "--json-input")
    bob.say("Tea?")
    (question,) = wait_for(ann, "message")
    do(ann, do="react", id=question["id"], emoji="👍")
    do(ann, do="message", text="yes\nplease", answers=question["id"])
    do(ann, do="message", text="or not")
    first, second = wait_for(ann, "sent", "sent")
    assert (first["line"], second["line"]) == (2, 3)
    bob.hears("yes\nplease", "or not")
    assert bob.reactions == ["👍"]
    do(ann, do="edit", id=first["id"], text="yes, thank you")
    do(ann, do="retract", id=second["id"])
    do(ann, do="react", id=question["id"], emoji="")
    ann.end_input()
    assert ann.status() == DONE
    assert (bob.texts, bob.reactions) == (["Tea?", "yes, thank you"], [])
    assert events(ann)[-2]["event"] == "delivered"


def test_two_pipes_talk_in_commands(commands: Commands) -> None:
    ann, bob = connect(commands, "--json", "--json-input")
    do(ann, do="message", text="a line\nand another one")
    bob.lines(1)
    bob.hears("a line␊and another one")
    bob.say('{"do": "message", "text": "of those without --json-input each line is a text"}')
    assert json.loads(wait_for(ann, "message")[0]["text"])["do"] == "message"


def test_a_command_that_cannot_be_done_is_told_and_the_next_one_is_done(commands: Commands, friend: MakeFriend) -> None:
    bob = friend("Bob")
    ann = invite(commands, bob, "--json", "--json-input")
    bob.say("mine")
    (message,) = wait_for(ann, "message")
    here = message["id"]
    lines = {
        "no JSON": "This is no JSON.",
        "[" * 100_000: "This is no JSON.",
        '"text"': "This is no command",
        '{"do":"message"}': "This is no command",
        '{"do":"message","text":"x","answer":1}': "This is no command",
        '{"do":"message","text":""}': "There is nothing to send.",
        '{"do":"react","id":{"log":"x","number":true},"emoji":"👍"}': "An id has",
        '{"do":"react","id":{"log":"x","number":1},"emoji":"👍"}': "There is no such message here",
        json.dumps({"do": "react", "id": here, "emoji": "two words"}): "a reaction is one emoji",
        json.dumps({"do": "edit", "id": here, "text": "yours"}): "only one's own messages",
    }
    for line in lines:
        ann.say(line)
    do(ann, do="message", text="done")
    bob.hears("done")
    refused = wait_for(ann, *["refused"] * len(lines))
    assert [event["line"] for event in refused] == [*range(1, len(lines) + 1)]
    for event, problem in zip(refused, lines.values(), strict=True):
        assert event["problem"].startswith(problem)
        assert f"pychat: Line {event['line']} was left out. {problem}" in ann.err
