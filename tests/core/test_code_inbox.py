import pytest

from pychat.core.codes.invite import Code, encode
from pychat.core.effects import OfferCodeToTabs
from pychat.core.errors import CodeProblem
from pychat.core.services.code_inbox import TABS_PATIENCE, CodeInbox, Use
from pychat.core.services.invite_registry import InviteRegistry
from pychat.core.webrtc.sdp import Candidate, CandidateKind, Description, DescriptionKind

HERE = Candidate(CandidateKind.HOST, "192.168.1.2", 4000)
INVITE = Code(Description(DescriptionKind.OFFER, b"i" * 32, "ufra", "p" * 22, (HERE,)))
REPLY = Code(Description(DescriptionKind.ANSWER, b"r" * 32, "ufra", "p" * 22, (HERE,)), INVITE.ref)


@pytest.fixture
def registry() -> InviteRegistry:
    return InviteRegistry()


@pytest.fixture
def inbox(registry: InviteRegistry) -> CodeInbox:
    return CodeInbox(registry, tabs=True)


def test_an_invite_is_used_on_a_new_link(inbox: CodeInbox) -> None:
    assert inbox.paste(f"see: {encode(INVITE)}", 0.0) == Use(INVITE, None)
    assert inbox.problem is None


def test_a_reply_is_used_on_the_link_whose_invite_it_answers(inbox: CodeInbox, registry: InviteRegistry) -> None:
    registry.issue(INVITE, 7)
    assert inbox.paste(encode(REPLY), 0.0) == Use(REPLY, 7)


def test_a_reply_that_nobody_here_waits_for_is_offered_to_other_tabs(inbox: CodeInbox) -> None:
    assert inbox.paste(encode(REPLY), 10.0) == OfferCodeToTabs(encode(REPLY))
    assert inbox.problem is None
    assert inbox.due == 10.0 + TABS_PATIENCE


def test_if_no_tab_takes_it_the_person_is_told_why_it_is_of_no_use(inbox: CodeInbox) -> None:
    inbox.paste(encode(REPLY), 0.0)
    inbox.give_up()
    assert inbox.problem is CodeProblem.NO_INVITE_WAITING
    assert inbox.due is None


def test_if_a_tab_takes_it_the_person_is_told_so(inbox: CodeInbox) -> None:
    inbox.paste(encode(REPLY), 0.0)
    inbox.taken(encode(REPLY))
    assert inbox.handed_over
    assert inbox.due is None


def test_the_next_paste_forgets_what_was_wrong_with_the_one_before(inbox: CodeInbox) -> None:
    inbox.paste("nonsense", 0.0)
    assert inbox.problem is CodeProblem.NOT_A_CODE
    inbox.paste(encode(INVITE), 0.0)
    assert inbox.problem is None


def test_a_link_with_an_invite_waits_for_the_persons_word(inbox: CodeInbox) -> None:
    assert inbox.open_link(encode(INVITE), 0.0) is None
    assert inbox.paste(encode(INVITE), 0.0) == Use(INVITE, None)


def test_a_link_with_a_reply_is_taken_at_once(inbox: CodeInbox, registry: InviteRegistry) -> None:
    registry.issue(INVITE, 7)
    assert inbox.open_link(encode(REPLY), 0.0) == Use(REPLY, 7)


@pytest.mark.parametrize("text", ["nonsense", encode(INVITE), encode(REPLY)])
def test_what_another_tab_offers_in_vain_leaves_no_trace(inbox: CodeInbox, text: str) -> None:
    assert inbox.take_from_tab(text) is None
    assert inbox.problem is None


def test_what_was_wrong_is_forgotten_when_the_person_edits_or_opens_a_link(inbox: CodeInbox) -> None:
    inbox.paste("nonsense", 0.0)
    inbox.forget()
    assert inbox.problem is None
    inbox.paste("nonsense", 0.0)
    inbox.open_link(encode(INVITE), 0.0)
    assert inbox.problem is None
