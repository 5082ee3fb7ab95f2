from dataclasses import replace
from random import Random

import pytest

from pychat.core.codes.invite import Code
from pychat.core.errors import CodeError, CodeProblem
from pychat.core.services.invite_registry import InviteRegistry
from pychat.core.webrtc.sdp import DescriptionKind, parse_description
from tests.core import samples


def invite(number: int) -> Code:
    sdp = samples.fresh_sdp(DescriptionKind.OFFER, Random(number), samples.HOST)
    return Code(parse_description(DescriptionKind.OFFER, sdp))


def reply_to(code: Code, number: int = 100) -> Code:
    sdp = samples.fresh_sdp(DescriptionKind.ANSWER, Random(number), samples.HOST)
    return Code(parse_description(DescriptionKind.ANSWER, sdp), code.ref)


@pytest.fixture
def registry() -> InviteRegistry:
    return InviteRegistry()


def problem_of_reply(registry: InviteRegistry, code: Code) -> CodeProblem:
    with pytest.raises(CodeError) as caught:
        registry.accept_reply(code)
    return caught.value.problem


def problem_of_invite(registry: InviteRegistry, code: Code) -> CodeProblem:
    with pytest.raises(CodeError) as caught:
        registry.accept_invite(code)
    return caught.value.problem


def test_a_reply_finds_the_link_of_its_invite(registry: InviteRegistry) -> None:
    registry.issue(invite(1), 11)
    registry.issue(invite(2), 12)

    assert registry.accept_reply(reply_to(invite(2))) == 12
    assert registry.accept_reply(reply_to(invite(1))) == 11


def test_a_reply_without_any_invite_has_none_to_answer(registry: InviteRegistry) -> None:
    assert problem_of_reply(registry, reply_to(invite(1))) is CodeProblem.NO_INVITE_WAITING


def test_a_reply_to_somebody_elses_invite_is_told_from_ours(registry: InviteRegistry) -> None:
    registry.issue(invite(1), 11)

    assert problem_of_reply(registry, reply_to(invite(2))) is CodeProblem.OTHER_INVITE


def test_an_invite_takes_one_reply(registry: InviteRegistry) -> None:
    registry.issue(invite(1), 11)
    registry.accept_reply(reply_to(invite(1)))

    assert problem_of_reply(registry, reply_to(invite(1), 101)) is CodeProblem.INVITE_USED


def test_an_invite_that_is_used_up_does_not_wait_any_more(registry: InviteRegistry) -> None:
    registry.issue(invite(1), 11)
    registry.accept_reply(reply_to(invite(1)))

    assert problem_of_reply(registry, reply_to(invite(2))) is CodeProblem.NO_INVITE_WAITING


def test_an_invite_that_was_given_up_takes_no_reply(registry: InviteRegistry) -> None:
    registry.issue(invite(1), 11)
    registry.give_up(invite(1).digest, 11)

    assert problem_of_reply(registry, reply_to(invite(1))) is CodeProblem.INVITE_USED


def test_our_own_reply_is_for_the_other_person(registry: InviteRegistry) -> None:
    registry.issue(reply_to(invite(1)), 11)

    assert problem_of_reply(registry, reply_to(invite(1))) is CodeProblem.OWN_REPLY


def test_our_own_invite_is_for_the_other_person(registry: InviteRegistry) -> None:
    registry.issue(invite(1), 11)

    assert problem_of_invite(registry, invite(1)) is CodeProblem.OWN_INVITE


def test_our_own_invite_is_known_even_when_it_is_used_up(registry: InviteRegistry) -> None:
    registry.issue(invite(1), 11)
    registry.accept_reply(reply_to(invite(1)))

    assert problem_of_invite(registry, invite(1)) is CodeProblem.OWN_INVITE


def test_an_invite_is_not_answered_twice(registry: InviteRegistry) -> None:
    registry.accept_invite(invite(1))

    assert problem_of_invite(registry, invite(1)) is CodeProblem.INVITE_ALREADY_PASTED


def test_an_invite_whose_link_has_ended_can_be_pasted_again(registry: InviteRegistry) -> None:
    registry.accept_invite(invite(1))
    registry.give_up(invite(1).digest, 11)

    registry.accept_invite(invite(1))


def test_giving_up_what_was_never_issued_does_nothing(registry: InviteRegistry) -> None:
    registry.give_up(b"", 11)

    assert problem_of_reply(registry, reply_to(invite(1))) is CodeProblem.NO_INVITE_WAITING


def namesakes() -> tuple[Code, Code]:
    """Two invites with the same `ref`, as any program makes them that has made some thousands."""
    made: dict[bytes, Code] = {}
    like = invite(1).description
    for number in range(1_000_000):
        code = Code(replace(like, pwd=f"{number:024}"))
        if code.ref in made:
            return made[code.ref], code
        made[code.ref] = code
    raise AssertionError


def test_an_invite_can_be_answered_that_looks_like_one_of_long_ago(registry: InviteRegistry) -> None:
    old, new = namesakes()
    registry.issue(old, 11)
    registry.accept_reply(reply_to(old))
    registry.issue(new, 12)
    registry.give_up(old.digest, 11)

    assert registry.accept_reply(reply_to(new)) == 12
    assert problem_of_invite(registry, new) is CodeProblem.OWN_INVITE


def test_an_invite_can_be_pasted_that_looks_like_another_one(registry: InviteRegistry) -> None:
    own, other = namesakes()
    registry.issue(own, 11)
    registry.accept_invite(other)

    assert problem_of_invite(registry, own) is CodeProblem.OWN_INVITE
    assert problem_of_invite(registry, other) is CodeProblem.INVITE_ALREADY_PASTED
