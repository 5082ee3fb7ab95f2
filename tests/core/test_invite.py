import base64
import hashlib
import os
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core.codes import invite
from pychat.core.codes.codetext import MAX_PASTED, MAX_TRIES, Damaged
from pychat.core.codes.invite import Code, decode, encode
from pychat.core.errors import CodeError, CodeProblem, LocalError
from pychat.core.webrtc.sdp import (
    MAX_CANDIDATES,
    Candidate,
    CandidateKind,
    Description,
    DescriptionKind,
    choose_candidates,
    parse_description,
)
from tests.core import samples
from tests.parallel import in_parallel

FUZZ_INPUTS = int(os.environ.get("PYCHAT_FUZZ_INPUTS", "100000"))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ICE_CHARS = ALPHABET[:-2] + "+/"


def code_of(kind: DescriptionKind, sdp: str, *candidates: str) -> Code:
    description = parse_description(kind, samples.with_candidates(sdp, *candidates) if candidates else sdp)
    return Code(description, b"ref" if kind is DescriptionKind.ANSWER else None)


INVITE = code_of(DescriptionKind.OFFER, samples.CHROMIUM_OFFER, samples.HOST)
REPLY = code_of(DescriptionKind.ANSWER, samples.FIREFOX_ANSWER)
INVITE_TEXT, REPLY_TEXT = encode(INVITE), encode(REPLY)


def with_hyphens() -> str:
    """An invite with two hyphens in a row and an underscore, which messengers like to change."""
    for number in range(100_000):
        text = encode(Code(replace(INVITE.description, fingerprint=Random(number).randbytes(32))))
        if "--" in text and "_" in text:
            return text
    raise AssertionError


HYPHENS = with_hyphens()


def problem_of(text: str) -> CodeProblem:
    with pytest.raises(CodeError) as caught:
        decode(text)
    return caught.value.problem


# How long a code is.


@pytest.mark.parametrize("browser", ["CHROMIUM", "FIREFOX", "AIORTC"])
def test_with_one_ipv4_address_an_invite_and_a_reply_have_90_characters_at_most(browser: str) -> None:
    offer, answer = getattr(samples, f"{browser}_OFFER"), getattr(samples, f"{browser}_ANSWER")

    assert len(encode(code_of(DescriptionKind.OFFER, offer, samples.HOST))) <= 90
    assert len(encode(code_of(DescriptionKind.ANSWER, answer, samples.HOST))) <= 90


@pytest.mark.parametrize("browser", ["CHROMIUM", "FIREFOX"])
def test_with_two_hidden_addresses_an_invite_and_a_reply_have_132_characters_at_most(browser: str) -> None:
    offer, answer = getattr(samples, f"{browser}_OFFER"), getattr(samples, f"{browser}_ANSWER")

    assert len(encode(code_of(DescriptionKind.OFFER, offer))) <= 132
    assert len(encode(code_of(DescriptionKind.ANSWER, answer))) <= 132


# What comes out is what went in.


def credentials() -> st.SearchStrategy[tuple[str, str]]:
    def of(chars: str, ufrag: tuple[int, int], pwd: tuple[int, int]) -> st.SearchStrategy[tuple[str, str]]:
        return st.tuples(
            st.text(chars, min_size=ufrag[0], max_size=ufrag[1]), st.text(chars, min_size=pwd[0], max_size=pwd[1])
        )

    return st.one_of(
        of(ICE_CHARS, (4, 4), (24, 24)),
        of(ICE_CHARS, (4, 4), (22, 22)),
        of("0123456789abcdef", (8, 8), (32, 32)),
        of(ICE_CHARS, (8, 8), (32, 32)),
        of(ICE_CHARS, (4, 255), (22, 255)),
    )


def descriptions(kind: DescriptionKind) -> st.SearchStrategy[Description]:
    addresses = st.one_of(
        st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str), st.uuids().map(lambda name: f"{name}.local")
    )
    candidates = st.builds(Candidate, st.sampled_from(CandidateKind), addresses, st.integers(1, 65_535))
    return st.builds(
        lambda fingerprint, credentials, candidates: Description(
            kind, fingerprint, credentials[0], credentials[1], tuple(candidates)
        ),
        st.binary(min_size=32, max_size=32),
        credentials(),
        st.lists(candidates, min_size=1, max_size=MAX_CANDIDATES),
    )


CODES = st.one_of(
    st.builds(Code, descriptions(DescriptionKind.OFFER)),
    st.builds(Code, descriptions(DescriptionKind.ANSWER), st.binary(min_size=3, max_size=3)),
)


@pytest.mark.slow
@given(CODES)
def test_a_code_that_is_written_is_read_again(code: Code) -> None:
    assert decode(encode(code)) == code


@pytest.mark.slow
@given(CODES)
def test_no_code_is_longer_than_what_is_looked_at(code: Code) -> None:
    assert len(encode(code)) <= invite._LONGEST


@pytest.mark.slow
@given(CODES, st.integers(1, 40), st.sampled_from(["\n", "\r\n> ", " ", "\u200b", " …\n"]))
def test_it_does_not_matter_how_a_code_is_broken_into_lines(code: Code, width: int, between: str) -> None:
    text = encode(code)

    assert decode(between.join(text[i : i + width] for i in range(0, len(text), width))) == code


def test_a_reply_names_the_invite_it_answers() -> None:
    reply = Code(REPLY.description, INVITE.ref)

    assert decode(encode(reply)).answers == INVITE.ref
    assert reply.is_reply
    assert not INVITE.is_reply


def test_two_codes_have_two_names() -> None:
    other = code_of(DescriptionKind.OFFER, samples.CHROMIUM_OFFER, samples.HOST, samples.HOST_IPV6)

    assert len({INVITE.ref, other.ref, REPLY.ref}) == 3


# What surrounds a code does no harm.


@pytest.mark.parametrize(
    "pasted",
    [
        "{}",
        "  {}\n\n",
        '"{}"',
        "“{}”",
        "«{}».",
        "<{}>",
        "`{}`",
        "```\n{}\n```",
        "*{}*",
        "_{}_",
        "__{}__",
        "--{}--",
        "{}\u200b\ufeff",
        "https://chat.example/#{}",
        "https://chat.example/#{}.",
        "[my invite](https://chat.example/#{})",
        "Good Evening! Every Ghost gets a code: {} – Greetings, Eve",
        "Ann wrote:\n> Hi!\n> {}\n> Bye",
        "{0}\n\n{0}",
        "{}abcdefghij",
    ],
)
@pytest.mark.parametrize("code", [INVITE, REPLY], ids=["invite", "reply"])
def test_whatever_stands_around_a_code_does_no_harm(pasted: str, code: Code) -> None:
    assert decode(pasted.format(encode(code))) == code


@pytest.mark.parametrize("changed", [("--", "—"), ("-", "–"), ("-", "‐"), ("-", "‑"), ("-", "−")])
def test_a_messenger_may_make_other_dashes_of_hyphens(changed: tuple[str, str]) -> None:
    assert encode(decode(HYPHENS.replace(*changed))) == HYPHENS


def test_quoting_in_the_middle_of_a_code_does_no_harm() -> None:
    quoted = "> > " + INVITE_TEXT[:40] + "\r\n> > " + INVITE_TEXT[40:]

    assert decode(quoted) == INVITE


def test_the_first_of_two_codes_counts() -> None:
    assert decode(f"{REPLY_TEXT}\n{INVITE_TEXT}") == REPLY


def test_a_code_after_much_else_is_found() -> None:
    assert decode("Enough Good Words " * 1_000 + INVITE_TEXT) == INVITE


def test_after_a_cut_code_a_whole_one_is_found() -> None:
    assert decode(f"{INVITE_TEXT[:50]}\n{INVITE_TEXT}") == INVITE


# What can be wrong with a code.


@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0\u3000"])
def test_nothing_is_empty(text: str) -> None:
    assert problem_of(text) is CodeProblem.EMPTY


@pytest.mark.parametrize("text", ["hello", "Enough, Good?", "https://chat.example/", "🙂", "…", "-", INVITE_TEXT[:15]])
def test_a_few_words_are_no_code(text: str) -> None:
    assert problem_of(text) is CodeProblem.NOT_A_CODE


@pytest.mark.parametrize("text", [INVITE_TEXT, REPLY_TEXT], ids=["invite", "reply"])
def test_a_code_without_its_end_is_cut_short_wherever_it_was_cut(text: str) -> None:
    for length in range(16, len(text)):
        assert problem_of(text[:length]) is CodeProblem.CUT_SHORT, length


def test_a_cut_code_is_recognised_before_other_words() -> None:
    assert problem_of(f"Here: {INVITE_TEXT[:60]} Is that all there is to it?") is CodeProblem.CUT_SHORT


def test_a_cut_code_is_recognised_when_it_is_broken_into_lines() -> None:
    assert problem_of(f"> {INVITE_TEXT[:40]}\n> {INVITE_TEXT[40:70]}") is CodeProblem.CUT_SHORT


@pytest.mark.slow
@pytest.mark.parametrize("code", [INVITE, REPLY], ids=["invite", "reply"])
def test_one_wrong_character_is_always_noticed(code: Code) -> None:
    text = encode(code)
    problems = {
        (at, char): problem_of(text[:at] + char + text[at + 1 :])
        for at in range(len(text))
        for char in ALPHABET
        if char != text[at]
    }

    # A wrong character may also change what says how long the code is: then it seems to end too early.
    assert set(problems.values()) <= {CodeProblem.MISTYPED, CodeProblem.CUT_SHORT}
    lengths = {at for (at, _), problem in problems.items() if problem is CodeProblem.CUT_SHORT}
    assert len(lengths) <= 2 + 2 * len(code.description.candidates)


@pytest.mark.parametrize("text", [INVITE_TEXT, REPLY_TEXT], ids=["invite", "reply"])
def test_two_characters_swapped_are_mistyped(text: str) -> None:
    middle = range(10, 40)  # where the fingerprint stands
    for at in (at for at in middle if text[at] != text[at + 1]):
        assert problem_of(text[:at] + text[at + 1] + text[at] + text[at + 2 :]) is CodeProblem.MISTYPED, at


def test_a_code_without_its_beginning_is_mistyped() -> None:
    assert problem_of(INVITE_TEXT[1:]) in (CodeProblem.MISTYPED, CodeProblem.CUT_SHORT)


def test_a_code_in_other_case_is_mistyped() -> None:
    assert problem_of(INVITE_TEXT.swapcase()) is CodeProblem.MISTYPED


def sealed(body: bytes) -> str:
    """A code of these bytes whose checksum is right."""
    checksum = hashlib.sha256(body).digest()[:3]
    return base64.urlsafe_b64encode(body + checksum).decode().rstrip("=")


@pytest.mark.parametrize("version", [2, 3, 15])
def test_a_code_of_a_newer_version_is_recognised(version: int) -> None:
    text = sealed(bytes([version << 4]) + bytes(range(60)))

    assert problem_of(text) is CodeProblem.NEWER_VERSION
    assert problem_of(f"https://chat.example/#{text}") is CodeProblem.NEWER_VERSION
    assert problem_of(f"{text[:50]}\n{text[50:]}") is CodeProblem.NEWER_VERSION


def test_a_damaged_code_of_a_newer_version_is_mistyped() -> None:
    text = sealed(bytes([2 << 4]) + bytes(range(60)))

    assert problem_of(text[:-1] + ("A" if text[-1] != "A" else "B")) is CodeProblem.MISTYPED


BODY = base64.urlsafe_b64decode(INVITE_TEXT + "=" * (-len(INVITE_TEXT) % 4))[:-3]
CANDIDATE = len(BODY) - 7


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(bytes([BODY[0] | 4]) + BODY[1:], id="the bit that is 0"),
        pytest.param(BODY[:CANDIDATE] + bytes([3]) + BODY[CANDIDATE + 1 :], id="no such candidate type"),
        pytest.param(BODY[:CANDIDATE] + bytes([0x10]) + BODY[CANDIDATE + 1 :], id="a candidate's bit that is 0"),
        pytest.param(BODY[:-7] + bytes([3 << 2]) + bytes(18), id="no such address family"),
        pytest.param(BODY[:-2] + bytes(2), id="port 0"),
        pytest.param(BODY[:CANDIDATE] + (bytes([0x80]) + BODY[CANDIDATE + 1 :]) * 9, id="too many candidates"),
        pytest.param(bytes([0x13]) + BODY[1:33] + bytes([3, 25]) + bytes(21) + BODY[CANDIDATE:], id="a short ufrag"),
        pytest.param(bytes([0x13]) + BODY[1:33] + bytes([7, 21]) + bytes(21) + BODY[CANDIDATE:], id="a short pwd"),
        pytest.param(bytes([0x13]) + BODY[1:33] + bytes([4, 24]) + BODY[33:], id="a form that is longer than need be"),
    ],
)
def test_bytes_that_no_code_has_are_refused_although_the_checksum_is_right(body: bytes) -> None:
    assert problem_of(sealed(body)) is CodeProblem.MISTYPED


def test_the_bytes_that_these_are_made_of_are_a_code() -> None:
    assert decode(sealed(BODY)) == INVITE


def test_one_code_has_one_writing() -> None:
    # The last character holds two bits that mean nothing; they are zero.
    assert len(INVITE_TEXT) % 4 == 2
    for char in ALPHABET:
        if char != INVITE_TEXT[-1]:
            assert problem_of(INVITE_TEXT[:-1] + char) is CodeProblem.MISTYPED


# What cannot be written.


OUTSIZED = [Candidate(CandidateKind.HOST, "192.0.2.1", port) for port in range(1, MAX_CANDIDATES + 2)]


@pytest.mark.parametrize(
    "description",
    [
        pytest.param(replace(INVITE.description, candidates=()), id="no candidate"),
        pytest.param(replace(INVITE.description, candidates=tuple(OUTSIZED)), id="too many candidates"),
        pytest.param(
            replace(INVITE.description, candidates=(Candidate(CandidateKind.HOST, "example.org", 1),)),
            id="a host name",
        ),
        pytest.param(replace(INVITE.description, ufrag="Lk!n"), id="no ICE character"),
        pytest.param(replace(INVITE.description, ufrag="LkG"), id="a short ufrag"),
        pytest.param(replace(INVITE.description, pwd="x" * 21), id="a short pwd"),
        pytest.param(replace(INVITE.description, pwd="x" * 256), id="a long pwd"),
    ],
)
def test_a_description_that_does_not_fit_is_our_own_mistake(description: Description) -> None:
    with pytest.raises(LocalError):
        encode(Code(description))


def test_a_reply_to_nothing_and_an_invite_to_something_are_our_own_mistakes() -> None:
    with pytest.raises(LocalError):
        encode(Code(REPLY.description))
    with pytest.raises(LocalError):
        encode(Code(INVITE.description, b"ref"))


# Which candidates go into a code.


def candidates_of(kind: CandidateKind, count: int) -> list[Candidate]:
    return [Candidate(kind, "192.0.2.1", port) for port in range(1, count + 1)]


def test_a_few_candidates_all_go_into_the_code_in_their_order() -> None:
    few = candidates_of(CandidateKind.RELAYED, 2) + candidates_of(CandidateKind.HOST, 2)

    assert choose_candidates(few) == tuple(few)


def test_many_candidates_of_one_kind_do_not_crowd_out_the_others() -> None:
    host = candidates_of(CandidateKind.HOST, 20)
    reflexive = candidates_of(CandidateKind.SERVER_REFLEXIVE, 20)
    relayed = candidates_of(CandidateKind.RELAYED, 1)

    assert choose_candidates([*host, *reflexive, *relayed]) == (*host[:4], *reflexive[:3], *relayed)


def test_of_many_candidates_those_stay_that_the_stack_prefers() -> None:
    bridges = [Candidate(CandidateKind.HOST, f"172.{n}.0.1", 1, 100) for n in range(17, 32)]
    preferred = Candidate(CandidateKind.HOST, "192.168.1.2", 1, 200)
    seen = Candidate(CandidateKind.SERVER_REFLEXIVE, "203.0.113.9", 1, 10)

    assert choose_candidates([*bridges, preferred, seen]) == (*bridges[:6], preferred, seen)


@pytest.mark.slow
@given(
    st.lists(
        st.builds(Candidate, st.sampled_from(CandidateKind), st.just("192.0.2.1"), st.integers(1, 99)), unique=True
    )
)
def test_chosen_candidates_fit_keep_their_order_and_lose_no_kind(candidates: list[Candidate]) -> None:
    chosen = choose_candidates(candidates)

    assert len(chosen) == min(len(candidates), MAX_CANDIDATES)
    assert list(chosen) == [candidate for candidate in candidates if candidate in chosen]
    assert {candidate.kind for candidate in chosen} == {candidate.kind for candidate in candidates}


# Nothing that is pasted does any harm.


def reads(text: str) -> Code | CodeProblem:
    """Whatever comes out, it is one of the two; anything else that is raised fails the test."""
    try:
        return decode(text)
    except CodeError as error:
        return error.problem


@given(st.text(st.characters()))
def test_any_text_is_a_code_or_has_a_problem(text: str) -> None:
    assert isinstance(reads(text), CodeProblem)


@given(st.text(ALPHABET, max_size=300).map(lambda rest: "E" + rest))
def test_any_word_of_a_codes_characters_is_a_code_or_has_a_problem(text: str) -> None:
    assert isinstance(reads(text), CodeProblem)


@given(st.binary(max_size=300), st.sampled_from([0x10, 0x11, 0x12, 0x13, 0x18, 0x19, 0x1A, 0x1B]))
def test_any_bytes_under_a_right_checksum_are_a_code_or_have_a_problem(body: bytes, header: int) -> None:
    found = reads(sealed(bytes([header]) + body))

    if isinstance(found, Code):
        assert sealed(bytes([header]) + body).startswith(encode(found))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["E" * 20_000, "E " * 10_000, "G\n" * 10_000, "E—" * 10_000, f"{INVITE_TEXT[:-1]} " * 230, "hello " * 3_000],
    ids=["one word", "many words", "many lines", "dashes", "damaged codes", "no code"],
)
def test_of_a_hostile_paste_so_much_is_read_and_no_more(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    read = invite._read

    def counting(word: str) -> Code:
        lengths.append(len(word))
        return read(word)

    monkeypatch.setattr(invite, "KIND", replace(invite.KIND, read=counting))
    assert isinstance(reads(text), CodeProblem)

    assert bool(lengths) is text.startswith(invite.KIND.first)
    # Each word with what comes after it, and itself with all the ends that a messenger may have left out.
    assert sum(lengths) <= MAX_TRIES * invite.KIND.longest + 40 * len(text)


def test_what_could_begin_a_code_is_tried_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each layer of what looks like a wrapped link would be read anew."""
    tried: list[str] = []

    def damaged(word: str) -> Code:
        tried.append(word)
        raise Damaged

    monkeypatch.setattr(invite, "KIND", replace(invite.KIND, read=damaged))
    assert isinstance(reads("E " * 9_990 + "%2525252523"), CodeProblem)

    assert 0 < len(tried) <= MAX_TRIES + 3


def test_only_the_first_part_of_an_endless_paste_is_looked_at() -> None:
    assert reads(" " * MAX_PASTED + INVITE_TEXT) is CodeProblem.EMPTY


def mangled(random: Random, texts: list[str]) -> str:
    """A valid code after one to three accidents, or no code at all."""
    if random.random() < 0.2:
        return random.randbytes(random.randrange(200)).decode(random.choice(["latin-1", "utf-8", "utf-16"]), "replace")
    text = random.choice(texts)
    for _ in range(random.randint(1, 3)):
        at, other = random.randrange(len(text) + 1), random.randrange(len(text) + 1)
        match random.randrange(9):
            case 0:
                text = text[:at]
            case 1:
                text = text[:at] + text[at + 1 :]
            case 2:
                text = text[:at] + random.choice(ALPHABET) + text[at:]
            case 3:
                text = text[:at] + random.choice(ALPHABET) + text[at + 1 :]
            case 4:
                text = text[:at] + text[other : other + 5] + text[at:]
            case 5:
                text = text[:at] + text[at:other].swapcase() + text[max(at, other) :]
            case 6:
                text = text[:at] + chr(random.choice([0, 10, 32, 0x2014, 0x200B, 0x661, 0xD800, 0x1F600])) + text[at:]
            case 7:
                text = text[at:] + text[:at]
            case _:
                text = text[:at] + random.choice(texts) + text[at:]
    return text


def suffer_accidents(numbers: range) -> None:
    """Read one mangled text for each number."""
    codes = {text: decode(text) for text in (INVITE_TEXT, REPLY_TEXT, HYPHENS)}
    right = 0
    for number in numbers:
        text = mangled(Random(number), list(codes))
        found = reads(text)
        if isinstance(found, Code):
            right += 1
            # The checksum has 24 bits: one wrong code in sixteen million would pass.
            assert found in codes.values(), f"input {number}: {text!r}"
    assert right > len(numbers) / 50, "some accidents do no harm"


@pytest.mark.slow
def test_no_accident_makes_another_code_of_a_code() -> None:
    suffer_accidents(range(5_000))


@pytest.mark.slow
def test_no_accident_of_very_many_makes_another_code_of_a_code() -> None:
    in_parallel(suffer_accidents, range(5_000, FUZZ_INPUTS + 5_000))
