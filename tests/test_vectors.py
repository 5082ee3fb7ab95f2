"""The test vectors of docs/protocol.md: they are up to date, they are in the document, and the core keeps to them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pychat.core import effects as fx
from pychat.core import events as ev
from pychat.core import wire
from pychat.core.errors import CodeError, CodeProblem, RemoteError
from pychat.core.invite import Code, choose_candidates, decode, encode
from pychat.core.link import Ending, Link, Phase, Role
from pychat.core.log import Entry
from pychat.core.node import Node
from pychat.core.sdp import Candidate, CandidateKind, Description, DescriptionKind, parse_description, to_sdp
from tests.core.people import Person, exchange, of, person
from tests.vectors import __main__ as generator
from tests.vectors import files

DOCUMENT = Path(__file__).parent.parent / "docs" / "protocol.md"
ME = "me-me-me-me-me-me-me-m"

Json = dict[str, Any]


def vectors(name: str) -> list[Json]:
    loaded: list[Json] = json.loads((files.FOLDER / f"{name}.json").read_text("ascii"))["vectors"]
    return loaded


def cases(name: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors(name)]


def expanded(text: Any, repetition: int = 0) -> str:
    """A text that may be given in parts."""
    if isinstance(text, str):
        return text
    return "".join(_part(part, repetition) for part in text)


def _part(part: Any, repetition: int) -> str:
    if isinstance(part, dict):
        return str(part["count"] + repetition * part["by"])
    return part if isinstance(part, str) else part[0] * part[1]


# The files.


@pytest.mark.parametrize("path", files.contents(), ids=lambda path: path.name)
def test_the_files_are_up_to_date(path: Path) -> None:
    assert path not in files.stale(), "run python -m tests.vectors"


def test_what_is_stale_is_said_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    assert generator.main(["--check"]) == 1
    assert "codes.json is stale" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in files.contents()}


def test_every_vector_has_a_name_of_its_own() -> None:
    for path in files.contents():
        names = [vector["name"] for vector in vectors(path.stem)]
        assert len(names) == len(set(names)), path.name


# The document.


def blocks() -> list[str]:
    """What stands between the fences of the document."""
    return re.findall(r"^```\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", ["the worked invite", "the worked reply"])
def test_the_worked_examples_are_vectors(name: str) -> None:
    vector = next(vector for vector in vectors("codes") if vector["name"] == name)

    assert f"{vector['code']}\n" in blocks()
    rows = re.findall(r"^\| (\d+) \| `([0-9a-f]+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    at = 0
    for _, data, _ in vector["fields"]:
        assert (str(at), data) in rows
        at += len(data) // 2


@pytest.mark.parametrize("name", ["rebuilt: the worked invite"])
def test_the_rebuilt_description_is_a_vector(name: str) -> None:
    vector = next(vector for vector in vectors("descriptions") if vector["name"] == name)

    assert "\n".join([*vector["rebuilt"], ""]) in blocks()


def test_the_dialogue_of_the_document_is_a_vector() -> None:
    (block,) = [block for block in blocks() if block.startswith("Ann  [")]
    said = [line.split("  ", 1) for line in block.splitlines()]
    for me, other in (("Ann", "Bob"), ("Bob", "Ann")):
        name = f"the dialogue of the document, {me}'s side"
        steps = next(vector["steps"] for vector in vectors("dialogues") if vector["name"] == name)
        sent = [frame for step in steps for frame in step.get("send", [])]

        assert sent == [frame for who, frame in said if who == me]
        assert [step["received"] for step in steps if "received" in step] == [
            frame for who, frame in said if who == other
        ]


def test_the_document_names_every_error_and_every_ending() -> None:
    names = set(re.findall(r"`([a-z-]+)`", DOCUMENT.read_text("utf-8")))

    assert {problem.value for problem in CodeProblem} - names <= {"not-an-invite", "not-a-reply"}  # of the library only
    assert {ending.value for ending in Ending} <= names


# Codes.


def description_of(reading: Json) -> Description:
    return Description(
        DescriptionKind.ANSWER if reading["kind"] == "reply" else DescriptionKind.OFFER,
        bytes.fromhex(reading["fingerprint"]),
        reading["ufrag"],
        reading["pwd"],
        tuple(Candidate(CandidateKind(c["type"]), c["address"], c["port"]) for c in reading["candidates"]),
    )


def code_of(reading: Json) -> Code:
    return Code(description_of(reading), bytes.fromhex(reading["answers"]) if reading["answers"] is not None else None)


@pytest.mark.parametrize("vector", cases("codes"))
def test_code(vector: Json) -> None:
    text = expanded(vector["text"])
    if "error" in vector:
        with pytest.raises(CodeError) as caught:
            decode(text)
        assert caught.value.problem.value == vector["error"]
        return
    code = decode(text)
    assert code == code_of(vector["reading"])
    assert code.ref.hex() == vector["reading"]["ref"]
    assert encode(code_of(vector["reading"])) == vector["code"]


# Descriptions.


@pytest.mark.parametrize("vector", cases("descriptions"))
def test_description(vector: Json) -> None:
    description = description_of(vector["reading"])
    if "rebuilt" in vector:
        assert to_sdp(description) == "".join(f"{line}\r\n" for line in vector["rebuilt"])
        return
    found = parse_description(description.kind, "".join(f"{line}\r\n" for line in vector["local"]))
    assert (found.fingerprint, found.ufrag, found.pwd) == (description.fingerprint, description.ufrag, description.pwd)
    assert choose_candidates(found.candidates) == description.candidates


# Pasting.


class Paster:
    """Makes and pastes codes; each link is known by the invite from which it came."""

    def __init__(self) -> None:
        self.person = Person(Node(ME, tabs=False))
        self.links: dict[str, Link] = {}
        self.last_pasted = ""

    def step(self, step: Json) -> None:
        match step:
            case {"invite": code}:
                self._describe(code, self.person.begin_invite())
            case {"reply": code}:
                self._describe(code, self.links[self.last_pasted].id)
            case {"end": code}:
                self.person.do(ev.ConversationLeft(self.links[code].conversation))
            case {"paste": code, "outcome": outcome, **rest}:
                assert self._paste(code) == (outcome, rest.get("answers"))
            case _:
                raise AssertionError(step)

    def _describe(self, code: str, link: int) -> None:
        """Give the link the description that the code holds, and see that it makes this code of it."""
        sdp = to_sdp(decode(code).description)
        self.person.do(ev.LocalDescriptionReady(link, sdp), ev.GatheringFinished(link))
        assert self.person.node.links[link].code == code
        if not decode(code).is_reply:
            self.links[code] = self.person.node.links[link]

    def _paste(self, code: str) -> tuple[str, str | None]:
        effects = self.person.paste(code)
        for offer in of(fx.AcceptOffer, effects):
            self.links[code], self.last_pasted = self.person.node.links[offer.link], code
            return "invite-taken", None
        for answer in of(fx.AcceptAnswer, effects):
            return "reply-taken", next(invite for invite, link in self.links.items() if link.id == answer.link)
        problem = self.person.node.pasting.problem
        assert problem is not None
        return problem.value, None


@pytest.mark.parametrize("vector", cases("pasting"))
def test_pasting(vector: Json) -> None:
    paster = Paster()
    for step in vector["steps"]:
        paster.step(step)


# Frames.


def frame_of(reading: Json) -> wire.Hello | wire.Have | wire.Entries | wire.Bye:
    match reading:
        case {"kind": "hello", "versions": versions, "author": author}:
            return wire.Hello(tuple(versions), author)
        case {"kind": "have", "have": have}:
            return wire.Have(have)
        case {"kind": "entries", "author": author, "first": first, "entries": items}:
            return wire.Entries(author, first, [entry for item in items for entry in _alike(item)])
        case {"kind": "bye"}:
            return wire.Bye()
    raise AssertionError(reading)


def _alike(item: list[Any]) -> list[Entry]:
    (at, text), times = item if isinstance(item[0], list) else (item, 1)
    return [Entry(at, expanded(text))] * times


@pytest.mark.parametrize("vector", cases("frames"))
def test_frame(vector: Json) -> None:
    data = expanded(vector["data"])
    if "error" in vector:
        assert vector["error"] == Ending.BROKE_PROTOCOL.value
        with pytest.raises(RemoteError):
            wire.decode(data)
    elif "passed_over" in vector:
        assert isinstance(wire.decode(data), wire.Unknown)
    else:
        frame = frame_of(vector["reading"])
        assert wire.decode(data) == frame
        assert wire.decode(wire.encode(frame)) == frame
        if "plain" in vector:
            assert wire.encode(frame) == data


# Dialogues.

STATES = {Phase.SECURING: "greeting", Phase.OPEN: "open", Phase.CLOSED: "ended"}


class Side:
    """The side that a dialogue is about. It must be all the same whether it has invited or replied."""

    def __init__(self, me: str, role: Role) -> None:
        self.person = Person(Node(me))
        self.role = role
        self.links: dict[int, Link] = {}
        self.states: dict[int, str] = {}
        self.delivered: dict[int, int] = {}  # by conversation
        self.to_be_closed: set[int] = set()

    def step(self, step: Json, repetition: int) -> None:
        number = step.get("link", 1)
        if number not in self.links:
            self._connect(number)
        shown = self._shown()
        effects = self._happen(step, self.links[number], repetition)

        self._check(number, step, effects, repetition)
        if "elsewhere" in step:
            self._check(step["elsewhere"]["link"], step["elsewhere"], effects, repetition)
        assert self.person.sent == []
        assert {n: STATES[link.phase] for n, link in self.links.items()} == self.states

        new = self._shown() - shown
        texts = step.get("shown", 0)
        assert new == (texts if isinstance(texts, int) else len(texts))
        if new and texts != new:
            conversation = self.person.conversation_of(self.links[number])
            assert [message.entry.text for message in conversation.timeline[-new:]] == texts

    def _connect(self, number: int) -> None:
        """Make a new link, in the conversation of the one before if that has ended."""
        before = self.links.get(number - 1)
        if self.role is Role.INVITER:
            over = before is not None and before.phase is Phase.CLOSED
            conversation = before.conversation if before is not None and over else None
            self.links[number] = exchange(self.person, person("other"), conversation).ann_link
        else:
            self.links[number] = exchange(person("other"), self.person).bob_link
        self.person.do(ev.ConnectionStateChanged(self.links[number].id, ev.ConnectionState.CONNECTED))

    def _happen(self, step: Json, link: Link, repetition: int) -> list[fx.Effect]:
        match step:
            case {"opened": True}:
                return self.person.do(ev.ChannelOpened(link.id))
            case {"received": data}:
                return self.person.do(ev.FrameReceived(link.id, expanded(data, repetition)))
            case {"written": texts, "at": at}:
                self.person.now = at / 1000
                return self.person.do(*(ev.MessageWritten(link.conversation, text) for text in texts))
            case {"left": True}:
                return self.person.do(ev.ConversationLeft(link.conversation))
            case {"closed": True}:
                return self.person.do(ev.ChannelClosed(link.id))
        raise AssertionError(step)

    def _check(self, number: int, outcome: Json, effects: list[fx.Effect], repetition: int) -> None:
        link = self.links[number]
        sent = [frame.data for frame in self.person.sent if frame.link == link.id]
        assert sent == [expanded(frame, repetition) for frame in outcome.get("send", [])]
        self.person.sent = [frame for frame in self.person.sent if frame.link != link.id]

        if "state" in outcome:
            self.states[number] = outcome["state"]
        closed = fx.CloseConnection(link.id) in effects
        if outcome.get("state") == "ended":
            assert link.ending is not None
            assert link.ending.value == outcome["ending"]
            assert closed == (outcome["close"] == "at once")
            if not closed:
                self.to_be_closed.add(link.id)
        else:
            assert not closed

        conversation = self.person.node.conversation(link.conversation)
        if conversation is not None:
            if "delivered" in outcome:
                self.delivered[conversation.id] = outcome["delivered"]
            assert conversation.acknowledged == self.delivered.get(conversation.id, 0)

    def _shown(self) -> int:
        """How many texts of others are to be seen."""
        node = self.person.node
        return sum(len(c.timeline) - c.logs.count(node.me) for c in node.conversations.values())

    def finish(self) -> None:
        """See that what was to be closed after a second is closed then."""
        to_be_closed = {link for link in self.to_be_closed if link in self.person.node.links}
        assert of(fx.CloseConnection, self.person.wait(0.9)) == []
        closed = of(fx.CloseConnection, self.person.wait(0.1))
        assert {effect.link for effect in closed} == to_be_closed


@pytest.mark.parametrize("vector", cases("dialogues"))
def test_dialogue(vector: Json) -> None:
    for role in Role:
        side = Side(vector["me"], role)
        for step in vector["steps"]:
            for repetition in range(step.get("times", 1)):
                side.step(step, repetition)
        side.finish()
