import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core.codes.roomcode import SECRET_SIZE, RoomCode, decode, encode
from pychat.core.errors import CodeError, CodeProblem, LocalError

CODE = RoomCode(bytes(range(SECRET_SIZE)))
TEXT = "FAABAgMEBQYHCAkKCwwNDg8QERITEpT7"

SECRETS = st.binary(min_size=SECRET_SIZE, max_size=SECRET_SIZE)


def written(body: bytes) -> str:
    return base64.urlsafe_b64encode(body + hashlib.sha256(body).digest()[:3]).decode()


def problem_of(text: str) -> CodeProblem:
    with pytest.raises(CodeError) as caught:
        decode(text)
    return caught.value.problem


def test_a_code_is_the_secret_with_a_header_and_a_checksum() -> None:
    assert encode(CODE) == TEXT == written(b"\x14" + CODE.secret)


@given(SECRETS)
def test_every_code_has_32_characters_begins_with_f_and_can_be_read(secret: bytes) -> None:
    text = encode(RoomCode(secret))

    assert len(text) == 32
    assert text.startswith("F")
    assert decode(text) == RoomCode(secret)


@pytest.mark.parametrize(
    "text",
    [
        f"https://host/#{TEXT}",
        f"For all of us: “{TEXT}”. From Ann",
        f"{TEXT[:11]}\n> {TEXT[11:]}",
        f"  {TEXT}\n",
        f"{TEXT}?utm_source=messenger",
    ],
)
def test_a_code_is_found_in_what_surrounds_it(text: str) -> None:
    assert decode(text) == CODE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", CodeProblem.EMPTY),
        ("Where is it?", CodeProblem.NOT_A_CODE),
        (TEXT[:-1], CodeProblem.CUT_SHORT),
        (TEXT[:20], CodeProblem.CUT_SHORT),
        (TEXT.replace("E", "h"), CodeProblem.MISTYPED),
        (written(b"\x24" + CODE.secret), CodeProblem.NEWER_VERSION),
        (written(b"\x15" + CODE.secret), CodeProblem.MISTYPED),
        (written(b"\x1c" + CODE.secret), CodeProblem.MISTYPED),
    ],
)
def test_what_is_wrong_with_a_code_is_said(text: str, problem: CodeProblem) -> None:
    assert problem_of(text) is problem


@pytest.mark.slow
@given(st.text(max_size=60))
def test_any_text_that_is_no_code_is_refused_with_a_reason(text: str) -> None:
    assert isinstance(problem_of(text), CodeProblem)


@pytest.mark.parametrize("size", [0, 19, 21])
def test_a_secret_of_another_size_is_our_own_mistake(size: int) -> None:
    with pytest.raises(LocalError):
        encode(RoomCode(bytes(size)))
