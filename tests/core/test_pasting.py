import pytest

from pychat.core.effects import OfferCodeToTabs
from pychat.core.errors import CodeProblem
from pychat.core.invite import Code, encode
from pychat.core.pasting import TABS_PATIENCE, Pasting, Use
from pychat.core.sdp import Candidate, CandidateKind, Description, DescriptionKind
from pychat.core.signaling import ManualSignaling

HERE = Candidate(CandidateKind.HOST, "192.168.1.2", 4000)
INVITE = Code(Description(DescriptionKind.OFFER, b"i" * 32, "ufra", "p" * 22, (HERE,)))
REPLY = Code(Description(DescriptionKind.ANSWER, b"r" * 32, "ufra", "p" * 22, (HERE,)), INVITE.ref)


@pytest.fixture
def signaling() -> ManualSignaling:
    return ManualSignaling()


@pytest.fixture
def pasting(signaling: ManualSignaling) -> Pasting:
    return Pasting(signaling, tabs=True)


def test_an_invite_is_used_on_a_new_link(pasting: Pasting) -> None:
    assert pasting.paste(f"see: {encode(INVITE)}", 0.0) == Use(INVITE, None)
    assert pasting.problem is None


def test_a_reply_is_used_on_the_link_whose_invite_it_answers(pasting: Pasting, signaling: ManualSignaling) -> None:
    signaling.issue(INVITE, 7)
    assert pasting.paste(encode(REPLY), 0.0) == Use(REPLY, 7)


def test_a_reply_that_nobody_here_waits_for_is_offered_to_other_tabs(pasting: Pasting) -> None:
    assert pasting.paste(encode(REPLY), 10.0) == OfferCodeToTabs(encode(REPLY))
    assert pasting.problem is None
    assert pasting.due == 10.0 + TABS_PATIENCE


def test_if_no_tab_takes_it_the_person_is_told_why_it_is_of_no_use(pasting: Pasting) -> None:
    pasting.paste(encode(REPLY), 0.0)
    pasting.give_up()
    assert pasting.problem is CodeProblem.NO_INVITE_WAITING
    assert pasting.due is None


def test_if_a_tab_takes_it_the_person_is_told_so(pasting: Pasting) -> None:
    pasting.paste(encode(REPLY), 0.0)
    pasting.taken(encode(REPLY))
    assert pasting.handed_over
    assert pasting.due is None


def test_the_next_paste_forgets_what_was_wrong_with_the_one_before(pasting: Pasting) -> None:
    pasting.paste("nonsense", 0.0)
    assert pasting.problem is CodeProblem.NOT_A_CODE
    pasting.paste(encode(INVITE), 0.0)
    assert pasting.problem is None


def test_a_link_with_an_invite_waits_for_the_persons_word(pasting: Pasting) -> None:
    assert pasting.open_link(encode(INVITE), 0.0) is None
    assert pasting.paste(encode(INVITE), 0.0) == Use(INVITE, None)


def test_a_link_with_a_reply_is_taken_at_once(pasting: Pasting, signaling: ManualSignaling) -> None:
    signaling.issue(INVITE, 7)
    assert pasting.open_link(encode(REPLY), 0.0) == Use(REPLY, 7)


@pytest.mark.parametrize("text", ["nonsense", encode(INVITE), encode(REPLY)])
def test_what_another_tab_offers_in_vain_leaves_no_trace(pasting: Pasting, text: str) -> None:
    assert pasting.take_from_tab(text) is None
    assert pasting.problem is None


def test_an_accepted_code_names_the_conversation_that_took_it(pasting: Pasting) -> None:
    pasting.accept(3)
    assert (pasting.accepted, pasting.conversation) == (1, 3)


def test_what_was_wrong_is_forgotten_when_the_person_edits_or_opens_a_link(pasting: Pasting) -> None:
    pasting.paste("nonsense", 0.0)
    pasting.forget()
    assert pasting.problem is None
    pasting.paste("nonsense", 0.0)
    pasting.open_link(encode(INVITE), 0.0)
    assert pasting.problem is None
