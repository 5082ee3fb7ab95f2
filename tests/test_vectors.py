"""The test vectors of docs/reference/protocol.md: up to date, in the document, and kept to by the core."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pychat.core import content, effects, events, handshake, wire
from pychat.core.codes import pasted as codes
from pychat.core.codes import roomcode
from pychat.core.codes.invite import Code, decode, encode
from pychat.core.codes.roomcode import (
    HANDSHAKE_INFO,
    ID_INFO,
    ID_SIZE,
    KEY_SIZE,
    MEMBER_SIZE,
    SALT,
    SIGNALING_INFO,
    RoomCode,
)
from pychat.core.errors import CodeError, CodeProblem, RemoteError
from pychat.core.handshake import Binding, Handshake, Role
from pychat.core.identity.contacts import Contacts, clean_name
from pychat.core.identity.lookalike import skeleton
from pychat.core.identity.safety import EMOJI, safety_number, short_string
from pychat.core.ids import ChatId
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.log import Entry
from pychat.core.node import Node
from pychat.core.relay import envelope, rendezvous
from pychat.core.relay import session as relay_session
from pychat.core.relay.session import RelaySession
from pychat.core.sync import ACKNOWLEDGE_INTERVAL
from pychat.core.webrtc import negotiation
from pychat.core.webrtc.sdp import (
    Candidate,
    CandidateKind,
    Description,
    DescriptionKind,
    as_looked_at,
    choose_candidates,
    parse_description,
    to_sdp,
)
from tests.core.people import Person, compared, exchange, of, person
from tests.core.samples import fresh_sdp
from tests.vectors import __main__ as generator
from tests.vectors import files

DOCUMENT = Path(__file__).parent.parent / "docs" / "reference" / "protocol.md"

Json = dict[str, Any]


REACHING_FAR = (
    "limit: a million entries",
    "limit: a hundred million code points",
)


def vectors(name: str) -> list[Json]:
    loaded: list[Json] = json.loads((files.FOLDER / f"{name}.json").read_text("ascii"))["vectors"]
    return loaded


def cases(name: str) -> list[Any]:
    return [
        pytest.param(vector, id=vector["name"], marks=[pytest.mark.slow] if vector["name"] in REACHING_FAR else [])
        for vector in vectors(name)
    ]


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
    # A long frame is broken after a comma, and goes on in the next line.
    said = [line.split("  ", 1) for line in re.sub(r",\n +", ",", block).splitlines()]
    for me, other in (("Ann", "Bob"), ("Bob", "Ann")):
        name = f"the dialogue of the document, {me}'s side"
        steps = next(vector["steps"] for vector in vectors("dialogues") if vector["name"] == name)
        sent = [frame for step in steps for frame in step.get("send", [])]

        assert sent == [frame for who, frame in said if who == me]
        assert [step["received"] for step in steps if "received" in step] == [
            frame for who, frame in said if who == other
        ]


def test_the_handshake_of_the_document_is_a_vector() -> None:
    document = DOCUMENT.read_text("utf-8")
    vector = next(vector for vector in vectors("handshake") if vector["name"] == "the handshake of the document")
    expected, rows = vector["expected"], re.findall(r"^\| (\d+) \| `([0-9a-f]+)` \|", document, re.MULTILINE)
    at = 0
    for _, data, _ in expected["fields"]:
        assert (str(at), data) in rows
        at += len(data) // 2
    assert f"{at} bytes" in document
    for side in (vector["inviter"], vector["replier"]):
        assert f"`{side['seed']}`" in document
    assert " ".join(expected["short_string"]["signs"]) in document
    assert ", ".join(expected["short_string"]["names"]) in document
    assert expected["short_string"]["number"] in document
    assert expected["safety_number"].replace(" ", "") in re.sub(r"\s", "", document)


def test_the_emoji_of_the_document_are_those_of_the_vectors() -> None:
    (table,) = [vector["table"] for vector in vectors("safety") if "table" in vector]
    rows = re.findall(r"^\|((?: \d+ \S+ [A-Z][A-Za-z ]* \|){8})$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    cells = [cell.strip().split(" ", 2) for row in rows for cell in row.removesuffix("|").split("|")]

    assert cells == [[str(number), sign, name] for number, (sign, name) in enumerate(table)]
    assert [list(emoji) for emoji in EMOJI] == table


def test_the_document_names_every_error_and_every_ending() -> None:
    names = set(re.findall(r"`([a-z-]+)`", DOCUMENT.read_text("utf-8")))

    of_one_program_only = {"not-an-invite", "not-a-reply", "no-webrtc"}
    assert {problem.value for problem in CodeProblem} - names <= of_one_program_only
    assert {ending.value for ending in CloseReason} <= names


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
            codes.read(text)
        assert caught.value.problem.value == vector["error"]
        return
    code = decode(text)
    assert code == code_of(vector["reading"])
    assert code.ref.hex() == vector["reading"]["ref"]
    assert encode(code_of(vector["reading"])) == vector["code"]


@pytest.mark.parametrize("vector", cases("links"))
def test_link(vector: Json) -> None:
    code = codes.read(vector["text"])
    assert (roomcode.encode(code) if isinstance(code, RoomCode) else encode(code)) == vector["code"]
    assert codes.page_in(vector["text"]) == vector["page"]


# Descriptions.


@pytest.mark.parametrize("vector", cases("descriptions"))
def test_description(vector: Json) -> None:
    description = description_of(vector["reading"])
    if "rebuilt" in vector:
        assert to_sdp(as_looked_at(description)) == "".join(f"{line}\r\n" for line in vector["rebuilt"])
        return
    found = parse_description(description.kind, "".join(f"{line}\r\n" for line in vector["local"]))
    assert (found.fingerprint, found.ufrag, found.pwd) == (description.fingerprint, description.ufrag, description.pwd)
    assert choose_candidates(found.candidates) == description.candidates


# Pasting.


class Paster:
    """Makes and pastes codes; each link is known by the invite from which it came."""

    def __init__(self) -> None:
        self.person = person("me", tabs=False)
        self.links: dict[str, Link] = {}
        self.last_pasted = ""

    def step(self, step: Json) -> None:
        match step:
            case {"invite": code}:
                self._describe(code, self.person.begin_invite())
            case {"reply": code}:
                self._describe(code, self.links[self.last_pasted].id)
            case {"end": code}:
                self.person.do(events.LeaveConversation(_chat(self.links[code])))
            case {"paste": code, "outcome": outcome, **rest}:
                assert self._paste(code) == (outcome, rest.get("answers"))
            case _:
                raise AssertionError(step)

    def _describe(self, code: str, link: int) -> None:
        """Give the link the description that the code holds, and see that it makes this code of it."""
        sdp = to_sdp(decode(code).description)
        self.person.do(events.LocalDescriptionReady(link, sdp), events.GatheringFinished(link))
        assert self.person.node.links.by_id[link].code == code
        if not decode(code).is_reply:
            self.links[code] = self.person.node.links.by_id[link]

    def _paste(self, code: str) -> tuple[str, str | None]:
        emitted = self.person.paste(code)
        for offer in of(effects.AcceptOffer, emitted):
            self.links[code], self.last_pasted = self.person.node.links.by_id[offer.link], code
            return "invite-taken", None
        for answer in of(effects.AcceptAnswer, emitted):
            return "reply-taken", next(invite for invite, link in self.links.items() if link.id == answer.link)
        problem = self.person.node.introductions.inbox.problem
        assert problem is not None
        return problem.value, None


@pytest.mark.parametrize("vector", cases("pasting"))
def test_pasting(vector: Json) -> None:
    paster = Paster()
    for step in vector["steps"]:
        paster.step(step)


# Frames.


def frame_of(reading: Json) -> wire.OwnFrame:
    match reading:
        case {"kind": "hello", "versions": versions, "parts": parts}:
            return wire.Hello(tuple(versions), tuple(map(bytes.fromhex, parts)))
        case {"kind": "reveal", "key": key, "nonce": nonce, "signature": signature}:
            return wire.Reveal(*map(bytes.fromhex, (key, nonce, signature)))
        case {"kind": "proof", "signature": signature}:
            return wire.Proof(bytes.fromhex(signature))
        case {"kind": "introduce", "log": log, "name": name}:
            return wire.Introduce(log, name)
        case {"kind": "have", "have": have}:
            return wire.Have(have)
        case {"kind": "entries", "author": author, "first": first, "entries": items}:
            return wire.Entries(author, first, [entry for item in items for entry in _alike(item)])
        case {"kind": "room", "renewals": renewals, "secret": secret}:
            return wire.Room(renewals, bytes.fromhex(secret))
        case {"kind": "presence", "state": state}:
            return wire.Presence(state)
        case {"kind": "read", "read": counts}:
            return wire.Read(counts)
        case {"kind": "rendezvous", "secret": secret, "agreed": is_agreed, "relay": relay}:
            return wire.Rendezvous(bytes.fromhex(secret), is_agreed, relay)
        case {"kind": "mismatch"}:
            return wire.Mismatch()
        case {"kind": "bye"}:
            return wire.Bye()
        case {"kind": "elsewhere"}:
            return wire.Elsewhere()
    raise AssertionError(reading)


def _alike(item: list[Any]) -> list[Entry]:
    (at, text, *more), times = item if isinstance(item[0], list) else (item, 1)
    rank, relation = more + [0, None][len(more) :]
    return [Entry(at, expanded(text), rank, _relation(relation))] * times


def _relation(relation: list[Any] | None) -> content.Relation | content.Unknown | None:
    if relation is None or relation[0] in content.KINDS:
        return content.Relation(*relation) if relation is not None else None
    return content.Unknown(json.dumps(relation, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize("vector", cases("frames"))
def test_frame(vector: Json) -> None:
    data = expanded(vector["data"])
    if "error" in vector:
        assert vector["error"] == CloseReason.BROKE_PROTOCOL.value
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


# Keys.


class Keys:
    """A private key. What is to be done with it is done at once or, while it is `slow`, when it is `ready`."""

    def __init__(self, seed: bytes, nonce: bytes = b"n" * 32) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()
        self.slow = False
        self._nonce = nonce
        self._waiting: list[effects.Effect] = []

    def nonce(self) -> bytes:
        return self._nonce

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)

    def carry_out(self, effect: effects.Effect) -> events.Event | None:
        if self.slow and isinstance(effect, effects.DrawNonce | effects.Sign | effects.Verify):
            self._waiting.append(effect)
            return None
        match effect:
            case effects.DrawNonce(link):
                return events.NonceDrawn(link, self._nonce)
            case effects.Sign(link, data):
                return events.Signed(link, self.sign(data))
            case effects.Verify(link, key, signature, data):
                return events.Verified(link, is_genuine(key, signature, data))
        return None

    def ready(self) -> list[events.Event]:
        self.slow = False
        waiting, self._waiting = self._waiting, []
        return [event for effect in waiting if (event := self.carry_out(effect)) is not None]


def is_genuine(key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


# Handshakes.

HANDSHAKE_FRAMES = (wire.Hello, wire.Reveal, wire.Proof)


class Prover:
    """One side of a handshake of the vectors; `signed` is all that it has signed or checked a signature of."""

    def __init__(self, role: Role, side: Json, binding: Json) -> None:
        self.keys = Keys(bytes.fromhex(side["seed"]), bytes.fromhex(side["nonce"]))
        assert self.keys.public.hex() == side["key"]
        bound = Binding(*(bytes.fromhex(binding[f"{name}"]) for name in BOUND))
        self.handshake = Handshake(LINK, role, self.keys.public, bound, tuple(side["versions"]))
        self.signed: list[bytes] = []

    def begin(self) -> Iterator[str]:
        yield from self._go_on(self.handshake.nonce_drawn(self.keys.nonce()))

    def hear(self, data: str) -> Iterator[str]:
        """Take a frame; yields those that it sends."""
        frame = wire.decode(data)
        match frame:
            case wire.Hello():
                yield from self._go_on(self.handshake.hello(frame))
            case wire.Reveal():
                yield from self._go_on(self.handshake.reveal(frame))
            case wire.Proof():
                yield from self._go_on(self.handshake.proof(frame))

    def _go_on(self, steps: Iterable[handshake.HandshakeStep]) -> Iterator[str]:
        for step in steps:
            match step:
                case effects.SendFrame(link, data):
                    assert link == LINK
                    yield data
                case effects.Sign(link, data):
                    assert link == LINK
                    self.signed.append(data)
                    yield from self._go_on(self.handshake.signed(self.keys.sign(data)))
                case effects.Verify(link, key, signature, data):
                    assert link == LINK
                    self.signed.append(data)
                    yield from self._go_on(self.handshake.verified(is_genuine(key, signature, data)))


LINK = 1
BOUND = ("invite", "inviter_fingerprint", "replier_fingerprint")


def converse(prover: Prover, messages: list[list[str]]) -> None:
    """Let a side hear what the other one says, and see that it says what it should."""
    said = list(prover.begin())
    for who, frame in messages:
        if who == prover.handshake.role.value:
            assert said.pop(0) == frame
        else:
            assert said == []
            said += prover.hear(frame)
    assert said == []


@pytest.mark.parametrize("vector", cases("handshake"))
def test_the_binding_of_a_handshake_follows_from_its_codes(vector: Json) -> None:
    invite, reply = decode(vector["codes"]["invite"]), decode(vector["codes"]["reply"])

    assert reply.answers == invite.ref
    found = (invite.digest, invite.description.fingerprint, reply.description.fingerprint)
    assert [data.hex() for data in found] == [vector["binding"][name] for name in BOUND]


@pytest.mark.parametrize("vector", [case for case in cases("handshake") if "expected" in case.values[0]])
@pytest.mark.parametrize("role", Role)
def test_handshake(vector: Json, role: Role) -> None:
    prover = Prover(role, vector[role.value], vector["binding"])
    converse(prover, vector["messages"])
    expected, done = vector["expected"], prover.handshake
    keys = [bytes.fromhex(vector[other.value]["key"]) for other in Role]

    assert done.done
    assert done.peer == keys[1 if role is Role.INVITER else 0]
    assert done.transcript().hex() == expected["transcript"]
    assert expected["transcript"] == "".join(data for _, data, _ in expected["fields"])
    # The inviter signs first, the replier checks first: in both cases the inviter's comes first.
    assert [data.hex() for data in prover.signed] == [expected["signed"][other.value] for other in Role]
    assert prover.keys.sign(bytes.fromhex(expected["signed"][role.value])).hex() == expected["signatures"][role.value]
    if role is Role.INVITER:
        assert handshake.commitment(keys[0], prover.keys.nonce()).hex() == expected["commitment"]
    assert_short_string(done.transcript(), expected["short_string"])
    assert safety_number(*keys) == expected["safety_number"]


@pytest.mark.parametrize("vector", [case for case in cases("handshake") if "error" in case.values[0]])
def test_refused_handshake(vector: Json) -> None:
    (role,) = [role for role in Role if role.value in vector]
    prover = Prover(role, vector[role.value], vector["binding"])
    *before, (_, last) = vector["messages"]
    converse(prover, before)

    if vector["error"] == CloseReason.OTHER_VERSION.value:
        hello = wire.decode(last)
        assert isinstance(hello, wire.Hello)
        assert not hello.understood
        return
    with pytest.raises(RemoteError) as caught:
        list(prover.hear(last))
    error = CloseReason.NOT_PROVED if isinstance(caught.value, handshake.Failure) else CloseReason.BROKE_PROTOCOL
    assert error.value == vector["error"]
    assert not prover.handshake.done


# What two people compare.


def assert_short_string(transcript: bytes, expected: Json) -> None:
    found = short_string(transcript)
    assert [emoji.sign for emoji in found.emoji] == expected["signs"]
    assert [emoji.name for emoji in found.emoji] == expected["names"]
    assert [EMOJI.index(emoji) for emoji in found.emoji] == expected["emoji"]
    assert found.number == expected["number"]
    assert "".join(f"{number:06b}" for number in expected["emoji"]) == expected["bits"]


@pytest.mark.parametrize("vector", cases("safety"))
def test_safety(vector: Json) -> None:
    if "transcript" in vector:
        assert_short_string(bytes.fromhex(vector["transcript"]), vector)
    elif "keys" in vector:
        one, other = map(bytes.fromhex, vector["keys"])
        assert safety_number(one, other) == safety_number(other, one) == vector["safety_number"]
        assert sorted(vector["halves"]) == [vector["safety_number"][:35], vector["safety_number"][36:]]
        assert safety_number(one, one)[:35] == vector["halves"][0]


# Names.


@pytest.mark.parametrize("vector", cases("names"))
def test_name(vector: Json) -> None:
    if "shown" in vector:
        assert clean_name(expanded(vector["given"])) == expanded(vector["shown"])
        return
    one, other = map(clean_name, vector["names"])
    assert (skeleton(one) == skeleton(other)) == vector["alike"]


# Dialogues.

LATER = 1.25 * ACKNOWLEDGE_INTERVAL
"""From one step to the next, in seconds."""
STATES = {LinkPhase.SECURING: "greeting", LinkPhase.OPEN: "open", LinkPhase.CLOSED: "ended"}


def _chat(link: Link) -> ChatId:
    assert link.chat is not None
    return link.chat


class Side:
    """The side that a dialogue is about."""

    def __init__(self, vector: Json, role: Role) -> None:
        me = vector["me"]
        self.keys = Keys(bytes.fromhex(me["seed"]), bytes.fromhex(me["nonce"])) if "seed" in me else Keys(b"a" * 32)
        node = Node(self.keys.public, b"seed", Contacts(skeleton=skeleton), name=me["name"])
        self.person = Person(node, self.keys)  # type: ignore[arg-type]
        self.role = role
        self.codes = vector.get("codes")
        # Whom a link leads to is said when they prove it, which may be later than the first step.
        steps = [step for step in vector["steps"] if "proved" in step]
        self.partners = {step.get("link", 1): step["proved"] for step in steps}
        self.logs = {step.get("link", 1): step["log"] for step in steps} or {1: me.get("log", "")}
        self.links: dict[int, Link] = {}
        self.others: dict[int, tuple[Person, Link]] = {}
        self.states: dict[int, str] = {}
        self.delivered: dict[ChatId, int] = {}
        self.to_be_closed: dict[int, int] = {}

    def step(self, step: Json, repetition: int) -> None:
        number = step.get("link", 1)
        self.person.now += LATER
        if number not in self.links:
            self._connect(number)
        shown = self._shown()
        emitted = self._happen(step, number, repetition)

        self._check(number, step, emitted, repetition)
        if "elsewhere" in step:
            self._check(step["elsewhere"]["link"], step["elsewhere"], emitted, repetition)
        assert self.person.sent == []
        states = {n: STATES[link.phase] for n, link in self.links.items() if n in self.states}
        assert states == self.states

        new = self._shown() - shown
        texts = step.get("shown", 0)
        assert new == (texts if isinstance(texts, int) else len(texts))
        if new and texts != new:
            conversation = self.person.conversation_of(self.links[number])
            assert [message.entry.text for message in conversation.timeline[-new:]] == texts
        if "ordered" in step:
            conversation = self.person.conversation_of(self.links[number])
            assert [message.entry.text for message in conversation.ordered] == step["ordered"]

    def _connect(self, number: int) -> None:
        """Make a new link, in the conversation of the one before if that has ended."""
        other = person(self.partners.get(number, "other"))
        before = self.links.get(number - 1)
        if self.codes is not None:
            self.links[number] = self._by_codes()
        elif self.role is Role.INVITER:
            over = before is not None and before.phase is LinkPhase.CLOSED
            conversation = before.chat if before is not None and over else None
            pair = exchange(self.person, other, conversation)
            self.links[number], self.others[number] = pair.ann_link, (other, pair.bob_link)
        else:
            pair = exchange(other, self.person)
            self.links[number], self.others[number] = pair.bob_link, (other, pair.ann_link)
        self.person.do(events.ConnectionStateChanged(self.links[number].id, events.ConnectionState.CONNECTED))

    def _by_codes(self) -> Link:
        """Connect by just these codes."""
        assert self.codes is not None
        invite, reply = self.codes["invite"], self.codes["reply"]
        if self.role is Role.INVITER:
            own, link = invite, self.person.begin_invite()
        else:
            own, link = reply, self.person.begin_reply(invite)
        sdp = to_sdp(decode(own).description)
        self.person.do(events.LocalDescriptionReady(link, sdp), events.GatheringFinished(link))
        assert self.person.node.links.by_id[link].code == own
        if self.role is Role.INVITER:
            self.person.paste(reply)
        return self.person.node.links.by_id[link]

    def _happen(self, step: Json, number: int, repetition: int) -> list[effects.Effect]:
        link = self.links[number]
        match step:
            case {"proved": _}:
                return self._prove(number)
            case {"opened": True}:
                return self.person.do(events.ChannelOpened(link.id))
            case {"received": data}:
                return self.person.do(events.FrameReceived(link.id, self._in_core(number, expanded(data, repetition))))
            case {"keys": "slow"}:
                self.keys.slow = True
                return []
            case {"keys": "ready"}:
                return self.person.do(*self.keys.ready())
            case {"written": texts, "at": at}:
                self.person.now = at / 1000
                return self.person.do(*(events.WriteMessage(_chat(link), text) for text in texts))
            case {"left": True}:
                return self.person.do(events.LeaveConversation(_chat(link)))
            case {"differs": True}:
                return self.person.do(compared(self.person.conversation_of(link), False))
            case {"closed": True}:
                return self.person.do(events.ChannelClosed(link.id))
        raise AssertionError(step)

    def _prove(self, number: int) -> list[effects.Effect]:
        """Open the channel on both sides, and carry over the handshake and nothing else."""
        link, (other, their_link) = self.links[number], self.others[number]
        emitted = self.person.do(events.ChannelOpened(link.id))
        other.do(events.ChannelOpened(their_link.id))
        while True:
            ours = self._handshake_of(self.person, link)
            theirs = self._handshake_of(other, their_link)
            if not ours and not theirs:
                return emitted
            other.do(*(events.FrameReceived(their_link.id, data) for data in ours))
            emitted += self.person.do(*(events.FrameReceived(link.id, data) for data in theirs))

    def _handshake_of(self, someone: Person, link: Link) -> list[str]:
        """Take away what somebody sends of the handshake."""
        found = [
            frame
            for frame in someone.sent
            if frame.link == link.id and isinstance(wire.decode(frame.data), HANDSHAKE_FRAMES)
        ]
        someone.sent = [frame for frame in someone.sent if frame not in found]
        return [frame.data for frame in found]

    # The core draws the names of its logs itself: in the frames they stand in the place of those of the vector.

    def _in_core(self, number: int, data: str) -> str:
        return data.replace(self.logs[number], self._own_log(number)) if self.logs.get(number) else data

    def _in_vector(self, number: int, data: str) -> str:
        return data.replace(self._own_log(number), self.logs[number]) if self.logs.get(number) else data

    def _own_log(self, number: int) -> str:
        conversation = self.person.node.chats.get(self.links[number].chat)
        return conversation.own_log if conversation is not None else "-"

    def _check(self, number: int, outcome: Json, emitted: list[effects.Effect], repetition: int) -> None:
        link = self.links[number]
        sent = [self._in_vector(number, frame.data) for frame in self.person.sent if frame.link == link.id]
        assert sent == [expanded(frame, repetition) for frame in outcome.get("send", [])]
        self.person.sent = [frame for frame in self.person.sent if frame.link != link.id]

        if "state" in outcome:
            self.states[number] = outcome["state"]
        closed = effects.CloseConnection(link.id) in emitted
        if outcome.get("state") == "ended":
            assert link.close_reason is not None
            assert link.close_reason.value == outcome["ending"]
            assert closed == (outcome["close"] == "at once")
            if not closed:
                self.to_be_closed[link.id] = {"after a second": 1, "after ten seconds": 10}[outcome["close"]]
        else:
            assert not closed

        conversation = self.person.node.chats.get(link.chat)
        if conversation is not None:
            if "delivered" in outcome:
                self.delivered[conversation.id] = outcome["delivered"]
            assert conversation.acknowledged == self.delivered.get(conversation.id, 0)

    def _shown(self) -> int:
        """How many texts of others are to be seen."""
        return sum(len(c.timeline) - c.logs.count(c.own_log) for c in self.person.node.chats.listed())

    def finish(self) -> None:
        """See that what was to be closed after some seconds is closed then."""
        waited = 0.0
        for seconds in (1, 10):
            links = self.person.node.links.by_id
            to_be_closed = {n for n, due in self.to_be_closed.items() if due == seconds and n in links}
            assert of(effects.CloseConnection, self.person.wait(seconds - 0.1 - waited)) == []
            closed = of(effects.CloseConnection, self.person.wait(0.1))
            assert {effect.link for effect in closed} == to_be_closed
            waited = seconds


@pytest.mark.parametrize("vector", cases("dialogues"))
def test_dialogue(vector: Json) -> None:
    for role in Role:
        if vector.get("role", role.value) != role.value:
            continue
        side = Side(vector, role)
        for step in vector["steps"]:
            for repetition in range(step.get("times", 1)):
                side.step(step, repetition)
        side.finish()


@pytest.mark.parametrize("vector", cases("proofs"))
def test_what_only_one_member_of_a_room_can_say(vector: Json) -> None:
    sender, receiver = bytes.fromhex(vector["sender"]), bytes.fromhex(vector["receiver"])
    text = vector["text"].encode()
    heard = envelope.decode(text + b" " * (-len(text) % 256))
    assert envelope.encode(heard).rstrip() == text
    if isinstance(heard, envelope.Claim):
        key = bytes.fromhex(vector["key"])
        due: envelope.Signal = envelope.claim(key, sender, receiver, takes_over=vector["takes_over"])
    else:
        assert isinstance(heard, envelope.Authenticated)
        transcript = bytes.fromhex(vector["transcript"])
        due = envelope.authenticate(transcript, sender, receiver, vector["count"], heard.signal)
    assert (due == heard) is not vector.get("refused", False)


# Rooms.


def derived(secret: bytes, info: bytes, size: int) -> bytes:
    return HKDF(hashes.SHA256(), size, SALT, info).derive(secret)


class Listener:
    """One member of a room, with real keys, to whom a relay passes on what another one says."""

    def __init__(self, vector: Json) -> None:
        secret, receiver = bytes.fromhex(vector["secret"]), bytes.fromhex(vector["receiver"])
        self.room, self.secret = RelaySession(RoomCode(secret)), secret
        self.sender = wire.to_text(bytes.fromhex(vector["sender"]))
        self.signals: list[envelope.Signal] = []
        self._do(self.room.begin(1, receiver))
        self._do(self.room.joined([self.sender]))

    def hear(self, text: str) -> bool:
        """Whether a signal came of it."""
        before = len(self.signals)
        self._do(self.room.heard(self.sender, text))
        return len(self.signals) > before

    def _do(self, steps: list[relay_session.SessionStep]) -> None:
        for step in steps:
            match step:
                case effects.Derive(_, secret, _, info, size):
                    self._do(self.room.derived(info, derived(secret, info, size)))
                case effects.Unseal(_, ticket, key, nonce, data, context):
                    with suppress(InvalidTag):
                        self._do(self.room.unsealed(ticket, AESGCM(key).decrypt(nonce, data, context)))
                        continue
                    self._do(self.room.unsealed(ticket, None))
                case relay_session.SignalReceived(_, signal):
                    self.signals.append(signal)


def signal_of(reading: Json) -> envelope.Signal:
    match reading:
        case {"kind": "offer" | "answer" as kind, "link": link, "number": number, **rest}:
            description = Description(
                DescriptionKind(kind),
                bytes.fromhex(rest["fingerprint"]),
                rest["ufrag"],
                rest["pwd"],
                tuple(Candidate(CandidateKind(c[0]), c[1], c[2]) for c in rest["candidates"]),
            )
            made = negotiation.Offer if kind == "offer" else negotiation.Answer
            return envelope.OnLink(link, made(number, description))
        case {"kind": "candidate", "link": link, "of": of, "number": number, "candidate": [kind, address, port]}:
            candidate = Candidate(CandidateKind(kind), address, port)
            return envelope.OnLink(link, negotiation.Candidate(DescriptionKind(of), number, candidate))
        case {"kind": "refused", "link": link, "why": why}:
            return envelope.Refused(link, envelope.Refusal(why))
        case {"kind": "again", "proof": proof}:
            return envelope.Resume(bytes.fromhex(proof))
        case {"kind": "bye"}:
            return envelope.RoomBye()
        case {"kind": "authenticated", "count": count, "mac": mac, "signal": inner}:
            said = signal_of(inner)
            assert isinstance(said, envelope.OnLink | envelope.Refused | envelope.RoomBye)
            return envelope.Authenticated(count, bytes.fromhex(mac), said)
    raise AssertionError(reading)


def padded(text: str) -> bytes:
    data = text.encode()
    return data + b" " * (-len(data) % 256)


@pytest.mark.parametrize("vector", [case for case in cases("rooms") if "code" in case.values[0]])
def test_room_secret(vector: Json) -> None:
    secret = bytes.fromhex(vector["secret"])

    assert roomcode.encode(RoomCode(secret)) == vector["code"]
    assert roomcode.decode(vector["code"]) == RoomCode(secret)
    assert derived(secret, ID_INFO, ID_SIZE).hex() == vector["id"]
    assert derived(secret, HANDSHAKE_INFO, KEY_SIZE).hex() == vector["handshake"]
    for member, key in vector["members"].items():
        assert derived(secret, SIGNALING_INFO + bytes.fromhex(member), KEY_SIZE).hex() == key


@pytest.mark.parametrize("vector", [case for case in cases("rooms") if "agreed" in case.values[0]])
def test_rendezvous(vector: Json) -> None:
    agreed = bytes.fromhex(vector["agreed"])
    assert rendezvous.room_at(agreed, vector["at"]).secret.hex() == vector["room"]
    assert rendezvous.next_change(agreed, vector["at"]) == vector["until"]


@pytest.mark.parametrize("vector", [case for case in cases("rooms") if "envelope" in case.values[0]])
def test_envelope(vector: Json) -> None:
    signal = envelope.decode(padded(vector["signal"]))
    listener = Listener(vector)
    assert listener.hear(vector["envelope"])
    assert listener.signals == [signal]

    secret, sender, receiver = (bytes.fromhex(vector[name]) for name in ("secret", "sender", "receiver"))
    counter, key = vector["counter"], derived(secret, SIGNALING_INFO + sender, KEY_SIZE)
    context = envelope.associated_data(derived(secret, ID_INFO, ID_SIZE), sender, receiver, counter)
    sealed = AESGCM(key).encrypt(envelope.nonce(counter), envelope.encode(signal), context)
    assert envelope.wrap(counter, sealed) == vector["envelope"]


@pytest.mark.parametrize("vector", [case for case in cases("rooms") if "heard" in case.values[0]])
def test_heard_from_a_relay(vector: Json) -> None:
    listener = Listener(vector)
    for heard in vector["heard"]:
        assert listener.hear(expanded(heard["text"])) == heard["taken"]


@pytest.mark.parametrize("vector", [case for case in cases("rooms") if "plaintext" in case.values[0]])
def test_signal(vector: Json) -> None:
    data = padded(expanded(vector["plaintext"]))
    if "dropped" in vector:
        with pytest.raises(RemoteError):
            envelope.decode(data)
        return
    signal = signal_of(vector["reading"])
    assert envelope.decode(data) == signal
    assert envelope.decode(envelope.encode(signal)) == signal


@pytest.mark.parametrize("vector", [case for case in cases("rooms") if "proof" in case.values[0]])
def test_proof(vector: Json) -> None:
    transcript, sender, receiver = (bytes.fromhex(vector[name]) for name in ("transcript", "sender", "receiver"))
    proof = envelope.decode(padded(vector["proof"]))
    assert envelope.resume(transcript, sender, receiver) == proof


class Newcomer:
    """A member of a room, whom a relay tells what a vector says, and what it says to whom."""

    def __init__(self, vector: Json) -> None:
        self._secret, self._me = bytes.fromhex(vector["secret"]), bytes.fromhex(vector["me"])
        self._id = derived(self._secret, ID_INFO, ID_SIZE)
        self._person, self._session, self._counter = person("me", tabs=False), 0, 0
        self._random = Random(0)
        self._said: list[Any] = []
        code = roomcode.encode(RoomCode(self._secret))
        self._run(self._person.do(events.PasteCode(code, "wss://chat.example/relay")))

    def step(self, step: Json) -> None:
        self._said = []
        match step:
            case {"joined": members}:
                self._hears("joined", [wire.to_text(bytes.fromhex(member)) for member in members])
            case {"arrived": member}:
                self._hears("arrived", wire.to_text(bytes.fromhex(member)))
            case {"from": member, "received": signal}:
                sender = bytes.fromhex(member)
                key = derived(self._secret, SIGNALING_INFO + sender, KEY_SIZE)
                context = envelope.associated_data(self._id, sender, self._me, self._counter)
                data = padded(json.dumps(signal, separators=(",", ":")))
                sealed = AESGCM(key).encrypt(envelope.nonce(self._counter), data, context)
                self._hears("from", wire.to_text(sender), envelope.wrap(self._counter, sealed))
                self._counter += 1
            case _:
                raise AssertionError(step)
        assert self._said == step.get("sends", []), step

    def _hears(self, *items: Any) -> None:
        self._run(self._person.do(events.RelayHeard(self._session, json.dumps(items))))

    def _run(self, emitted: list[effects.Effect]) -> None:
        for effect in emitted:
            for event in self._carry_out(effect):
                self._run(self._person.do(event))

    def _carry_out(self, effect: effects.Effect) -> Iterator[events.Event]:
        match effect:
            case effects.ConnectRelay(session, _):
                self._session = session
                yield events.RelayOpened(session)
            case effects.DrawBytes(session, size):
                assert size == len(self._me)
                yield events.BytesDrawn(session, self._me)
            case effects.Derive(session, secret, _, info, size):
                yield events.Derived(session, info, derived(secret, info, size))
            case effects.TakeLease(session, _):
                yield events.LeaseTaken(session, True)
            case effects.Seal(session, ticket, key, nonce, data, context):
                yield events.Sealed(session, ticket, AESGCM(key).encrypt(nonce, data, context))
            case effects.Unseal(session, ticket, key, nonce, data, context):
                yield events.Unsealed(session, ticket, AESGCM(key).decrypt(nonce, data, context))
            case effects.SendToRelay(_, text) if text.startswith('["to",'):
                self._notes(*json.loads(text)[1:])
            case effects.CreateOffer(link):
                yield events.LocalDescriptionReady(link, fresh_sdp(DescriptionKind.OFFER, self._random))
            case effects.AcceptOffer(link):
                yield events.LocalDescriptionReady(link, fresh_sdp(DescriptionKind.ANSWER, self._random))

    def _notes(self, member: str, text: str) -> None:
        receiver, (counter, sealed) = wire.read_bytes(member, MEMBER_SIZE), envelope.unwrap(text)
        key = derived(self._secret, SIGNALING_INFO + self._me, KEY_SIZE)
        context = envelope.associated_data(self._id, self._me, receiver, counter)
        signal = json.loads(AESGCM(key).decrypt(envelope.nonce(counter), sealed, context))
        if signal[0] != "claim":  # those are in proofs.json
            self._said.append([receiver.hex(), signal[:3]])


@pytest.mark.parametrize("vector", [case for case in cases("rooms") if "me" in case.values[0]])
def test_links_of_a_room(vector: Json) -> None:
    newcomer = Newcomer(vector)
    for step in vector["steps"]:
        newcomer.step(step)


class Negotiator:
    """One side of a link, whose stack does at once what it is asked to."""

    def __init__(self, *, gives_way: bool) -> None:
        self._negotiation = negotiation.Negotiation(polite=gives_way)

    def step(self, step: Json) -> None:
        expected = {name: value for name, value in step.items() if name not in ("wanted", "described", "received")}
        try:
            found = self._outcome(self._do(step))
        except RemoteError:
            found = {"error": CloseReason.BROKE_PROTOCOL.value}
        assert found == expected, step

    def _do(self, step: Json) -> list[negotiation.NegotiationStep]:
        match step:
            case {"wanted": True}:
                return self._negotiation.needed()
            case {"described": ufrag}:
                is_offer = self._negotiation.is_offering
                kind = DescriptionKind.OFFER if is_offer else DescriptionKind.ANSWER
                return self._negotiation.described(to_sdp(_description(kind, ufrag)))
            case {"received": ["offer", number, ufrag]}:
                return self._negotiation.received(negotiation.Offer(number, _description(DescriptionKind.OFFER, ufrag)))
            case {"received": ["answer", number, ufrag]}:
                answer = negotiation.Answer(number, _description(DescriptionKind.ANSWER, ufrag))
                return self._negotiation.received(answer)
            case {"received": ["candidate", of, number]}:
                candidate = Candidate(CandidateKind.HOST, "192.0.2.33", 50_123)
                return self._negotiation.received(negotiation.Candidate(DescriptionKind(of), number, candidate))
        raise AssertionError(step)

    @staticmethod
    def _outcome(steps: list[negotiation.NegotiationStep]) -> Json:
        outcome: Json = {}
        for step in steps:
            match step:
                case negotiation.MakeOffer():
                    outcome["makes"] = "offer"
                case negotiation.TakeOffer(_, rolls_back):
                    outcome |= {"takes": "offer", **({"takes_back": True} if rolls_back else {})}
                case negotiation.TakeAnswer():
                    outcome["takes"] = "answer"
                case negotiation.TakeCandidate():
                    outcome["gives"] = outcome.get("gives", 0) + 1
                case negotiation.Send(negotiation.Offer(number, description)):
                    outcome["sends"] = [["offer", number, description.ufrag]]
                case negotiation.Send(negotiation.Answer(number, description)):
                    outcome["sends"] = [["answer", number, description.ufrag]]
        return outcome


def _description(kind: DescriptionKind, ufrag: str) -> Description:
    return Description(kind, bytes(32), ufrag, "p" * 22)


@pytest.mark.parametrize("vector", [case for case in cases("rooms") if "gives_way" in case.values[0]])
def test_negotiation(vector: Json) -> None:
    negotiator = Negotiator(gives_way=vector["gives_way"])
    for step in vector["steps"]:
        negotiator.step(step)


def test_the_rooms_of_the_document_are_vectors() -> None:
    document = DOCUMENT.read_text("utf-8")
    secret, spoken = (
        next(vector for vector in vectors("rooms") if vector["name"] == f"{sort}: the one of the document")
        for sort in ("secret", "envelope")
    )
    assert f"`{secret['code']}`" in document
    for part in (secret["id"], secret["handshake"], secret["members"][spoken["sender"]]):
        assert f"`{part}`" in document
    meeting = next(vector for vector in vectors("rooms") if vector["name"] == "rendezvous: the one of the document")
    assert meeting["agreed"] == secret["secret"]
    assert all(f"`{part}`" in document for part in (meeting["room"], meeting["at"], meeting["until"]))
    assert f"{spoken['envelope']}" in [re.sub(r"\s", "", block) for block in blocks()]
