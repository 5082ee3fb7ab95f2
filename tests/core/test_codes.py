"""A link is found however it was mangled, and leads to its own page and to no other."""

import random

import pytest

from pychat.core.codes import invite, roomcode
from pychat.core.codes import pasted as codes
from pychat.core.codes.codetext import Found
from pychat.core.codes.invite import Code
from pychat.core.codes.pasted import has_code, page_at, page_in, page_of, read, relay_for, relay_of, room_in
from pychat.core.codes.roomcode import SECRET_SIZE, RoomCode
from pychat.core.errors import CodeError, CodeProblem
from pychat.core.webrtc.sdp import Candidate, CandidateKind, Description, DescriptionKind
from tests.vectors.links import IN_NO_LINK, MANGLED, PAGE

ROOM = RoomCode(bytes.fromhex("fbefbe00fff3efbefbe0102030405060708090aa"))
HERE = Candidate(CandidateKind.HOST, "192.168.1.2", 4000)
INVITE = Code(Description(DescriptionKind.OFFER, bytes.fromhex("fbefbe") * 10 + b"in", "ufra", "p" * 22, (HERE,)))
REPLY = Code(Description(DescriptionKind.ANSWER, b"\xff" * 32, "ufra", "p" * 22, (HERE,)), INVITE.ref)
CODES: dict[str, RoomCode | Code] = {"room": ROOM, "invite": INVITE, "reply": REPLY}


def text_of(code: RoomCode | Code) -> str:
    return roomcode.encode(code) if isinstance(code, RoomCode) else invite.encode(code)


@pytest.mark.parametrize("between", [",", "[.]", "%", "——", "http://"])
def test_of_a_code_that_is_in_a_text_many_times_few_are_looked_at(
    between: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands before each of them may be long, and a text of them alone took ten seconds."""
    looked_at: list[int] = []
    page_before = codes._page_before

    def counting(found: Found[RoomCode | Code]) -> str:
        looked_at.append(found.at)
        return page_before(found)

    monkeypatch.setattr(codes, "_page_before", counting)
    assert page_in((between * 8 + text_of(ROOM)) * 400) == ""
    assert 0 < len(looked_at) <= 64


@pytest.mark.slow
@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("name", MANGLED)
def test_a_mangled_link_is_the_same_link(kind: str, name: str) -> None:
    code = CODES[kind]
    mangled = MANGLED[name](f"{PAGE}#{text_of(code)}")

    assert read(mangled) == code
    assert has_code(mangled)
    assert page_in(mangled) == PAGE
    assert relay_for(mangled, "https://own.example/") == "wss://chat.example/relay"


@pytest.mark.parametrize("text", ["", "an article", "https://example.org/#section", text_of(ROOM)[:-1]])
def test_a_text_without_a_code_that_can_be_used_has_none(text: str) -> None:
    assert not has_code(text)


@pytest.mark.parametrize("name", [name for name in MANGLED if not name.startswith("no scheme")])
def test_a_mangled_link_leads_to_a_page_with_a_port_and_a_folder_too(name: str) -> None:
    link = MANGLED[name](f"https://chat.example/of-ours/#{text_of(ROOM)}")

    assert page_in(link) == "https://chat.example/of-ours/"


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("text", IN_NO_LINK)
def test_a_code_that_is_no_pages_own_fragment_belongs_to_the_page_where_it_is_pasted(kind: str, text: str) -> None:
    code = CODES[kind]
    pasted = text.format(code=text_of(code))

    assert read(pasted) == code
    assert page_in(pasted) == ""
    assert relay_for(pasted, "https://own.example/x.html") == "wss://own.example/relay"
    assert relay_for(pasted, "") == ""


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("http://localhost:8000/#", "http://localhost:8000/"),
        ("localhost:8000/#", "http://localhost:8000/"),
        ("192.168.1.5:8000/#", "http://192.168.1.5:8000/"),
        ("http://[2001:DB8::1]:8000/index.html#", "http://[2001:db8::1]:8000/index.html"),
        ("http://Chat.Example:80#", "http://chat.example/"),
        ("https://user:secret@chat.example/#", "https://chat.example/"),
        ("https://bücher.example/#", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/#", "https://xn--bcher-kva.example/"),
        ("https://chat.example/a/b?c=/d#", "https://chat.example/a/b"),
    ],
)
def test_a_page_has_one_writing(link: str, page: str) -> None:
    assert page_in(f"{link}{text_of(ROOM)}") == page


def test_no_name_becomes_another_ones() -> None:
    assert page_of("https://faß.example/") == "https://faß.example/"


def test_of_several_codes_the_first_counts_and_its_own_page() -> None:
    other = RoomCode(bytes(SECRET_SIZE))
    text = f"{text_of(ROOM)} https://other.example/#{text_of(other)} https://chat.example/#{text_of(ROOM)}"

    assert read(text) == ROOM
    assert page_in(text) == PAGE


def test_a_page_and_its_relay_lead_to_each_other() -> None:
    assert relay_of("https://chat.example/of-ours/index.html?a#b") == "wss://chat.example/of-ours/relay"
    assert relay_of("HTTP://Localhost:8000") == "ws://localhost:8000/relay"
    for page in ("https://chat.example/of-ours/", "http://localhost:8000/"):
        assert page_at(relay_of(page)) == page


@pytest.mark.parametrize("address", ["", "chat.example", "ftp://chat.example/", "https://", "https://[", "http://a:b/"])
def test_what_is_no_address_of_a_page_has_no_relay(address: str) -> None:
    assert relay_of(address) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["urldefense.com/v3/__" * 1_000, "%2525252523E" * 1_600, "aHR0c" * 4_000, "=3D" * 6_000]
)
def test_a_text_made_to_be_unwrapped_without_end_is_no_code(text: str) -> None:
    assert problem_of(text) in CodeProblem
    assert page_in(text) == ""


# Links that were cut off.


def problem_of(text: str) -> CodeProblem:
    with pytest.raises(CodeError) as caught:
        read(text)
    return caught.value.problem


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("left", [0, 1, 5, 15, 16, 20, 27])
@pytest.mark.parametrize(
    "form",
    [
        "https://chat.example/#{}",
        "see <https://chat.example/?a=b#{}>, then",
        "https%3A%2F%2Fchat.example%2F%23{}",
        "{}…",
    ],
)
def test_a_link_that_was_cut_off_is_told_so(kind: str, left: int, form: str) -> None:
    if form == "{}…" and left < 16:
        return  # it could be any word
    assert problem_of(form.format(text_of(CODES[kind])[:left])) is CodeProblem.CUT_SHORT


def test_a_link_that_was_cut_off_is_told_so_whatever_longer_words_are_around() -> None:
    host = "https://a-chat-of-our-own.donaudampfschifffahrtsgesellschaft.example"

    assert problem_of(f"{host}/#{text_of(ROOM)[:20]}") is CodeProblem.CUT_SHORT
    assert problem_of(f"{host}/#{text_of(ROOM)[:6]}") is CodeProblem.CUT_SHORT


@pytest.mark.parametrize("text", ["https://chat.example/", "https://chat.example/#top", "https://mail.example/#/in"])
def test_another_link_is_none_that_was_cut_off(text: str) -> None:
    assert problem_of(text) is CodeProblem.NOT_A_CODE


# Ends that messengers drop.


def secret_whose_code_ends_with(end: str) -> RoomCode:
    chance = random.Random(end)
    while True:
        code = RoomCode(chance.randbytes(SECRET_SIZE))
        if text_of(code).endswith(end):
            return code


def invite_that_ends_with(end: str, kind: DescriptionKind) -> Code:
    chance = random.Random(end)
    while True:
        answers = chance.randbytes(3) if kind is DescriptionKind.ANSWER else None
        code = Code(Description(kind, chance.randbytes(32), "ufra", "p" * 22, (HERE,)), answers)
        if text_of(code).endswith(end):
            return code


@pytest.mark.slow
@pytest.mark.parametrize("form", ["{}", "https://chat.example/#{}", "https://chat.example/#{}. See you there!", "({})"])
@pytest.mark.parametrize("end", ["-", "_", "-_", "--"])
def test_an_end_that_a_messenger_has_dropped_is_put_back(end: str, form: str) -> None:
    codes: list[RoomCode | Code] = [
        secret_whose_code_ends_with(end),
        *(invite_that_ends_with(end, kind) for kind in DescriptionKind),
    ]
    for code in codes:
        assert read(form.format(text_of(code).rstrip("-_"))) == code


def test_the_end_of_a_code_that_is_missing_is_not_guessed() -> None:
    chance = random.Random(1)
    for _ in range(300):
        text = text_of(RoomCode(chance.randbytes(SECRET_SIZE)))
        if text[-1] not in "-_":
            assert problem_of(text[:-1]) is CodeProblem.CUT_SHORT


@pytest.mark.parametrize("kind", CODES)
def test_whether_a_text_leads_to_a_room(kind: str) -> None:
    code = text_of(CODES[kind])
    assert room_in(f"come: {PAGE}#{code} !") == (code if kind == "room" else "")
    assert room_in("no code at all") == ""
