from dataclasses import replace
from pathlib import Path as FilePath

import pytest

from pychat.core import events, wire
from pychat.core.errors import CodeProblem
from pychat.core.identity.contacts import Contact
from pychat.core.identity.safety import safety_number, short_string
from pychat.core.link import TIMEOUTS, CloseReason, LinkPhase
from pychat.core.webrtc.ice import IceConfig, IceServer, ServerProblem
from pychat.core.webrtc.sdp import DescriptionKind
from pychat.core.webrtc.stats import Path, Stats
from pychat.ui import strings
from pychat.ui.app import App
from pychat.ui.strings import Trust
from pychat.ui.view import Card, View, view
from tests.core import samples
from tests.core.people import Pair, Person, compared, connect, exchange, heeded, person, transcript_of

ROOT = FilePath(__file__).resolve().parents[2]


@pytest.fixture
def ann() -> Person:
    return person("ann")


@pytest.fixture
def bob() -> Person:
    return person("bob")


@pytest.fixture
def pair(ann: Person, bob: Person) -> Pair:
    """Ann and Bob, connected; Ann has invited."""
    return connect(ann, bob)


def screen(someone: Person) -> View:
    """What they see of their first conversation."""
    return view(someone.node, next((chat.id for chat in someone.chats), None))


def progress(now: View) -> list[str]:
    return [progress.value for _, progress in now.phases]


# How the link stands.


def test_the_first_screen_is_idle_and_says_what_to_do(ann: Person) -> None:
    now = screen(ann)
    assert (now.state, now.card, now.chat) == ("idle", Card.NONE, None)
    assert (now.name, now.trust, now.warning, now.signs) == ("", Trust.NOBODY, "", None)
    assert now.sentence == strings.IDLE[1]
    assert progress(now) == ["to-come"] * 4


def test_an_invite_is_first_in_preparation_then_shown(ann: Person) -> None:
    ann.begin_invite()
    assert screen(ann).card is Card.PREPARING
    again = person("ann")
    link = again.invite()
    now = screen(again)
    assert (now.state, now.card, now.code) == ("signaling", Card.INVITE, link.code)
    assert progress(now) == ["now", "to-come", "to-come", "to-come"]


def test_a_reply_is_shown_and_a_path_that_is_found_early_is_told(ann: Person, bob: Person) -> None:
    link = bob.reply(ann.invite().code)
    now = screen(bob)
    assert (now.card, now.headline) == (Card.REPLY, "Waiting for them")
    bob.do(events.IceStateChanged(link.id, events.IceState.CONNECTED))
    now = screen(bob)
    assert now.state == "signaling"
    assert now.sentence == strings.WAITING_WITH_PATH[1]


def test_an_open_link_has_every_phase_behind_it(pair: Pair) -> None:
    now = screen(pair.ann)
    assert (now.state, now.card) == ("open", Card.NONE)
    assert progress(now) == ["done"] * 4


def test_the_page_is_painted_with_what_is_said_when_nothing_is_going_on() -> None:
    page = (ROOT / "web" / "index.html").read_text(encoding="utf-8")
    for sentence in (*strings.IDLE, strings.NOTHING_YET):
        assert f">{sentence}<" in page


def test_a_lost_path_shows_where_it_was_lost(pair: Pair) -> None:
    pair.break_path()
    now = screen(pair.ann)
    assert now.state == "lost"
    assert progress(now) == ["done", "done", "done", "failed"]


def test_a_link_that_found_no_path_shows_the_phase_that_failed_and_offers_another_try(ann: Person, bob: Person) -> None:
    exchange(ann, bob)
    assert screen(ann).state == "connecting"
    ann.wait(60.0)
    now = screen(ann)
    assert (now.state, now.headline, now.card) == ("closed", "Could not connect", Card.AGAIN)
    assert progress(now) == ["done", "failed", "to-come", "to-come"]
    assert not now.can_leave


def test_a_handshake_that_failed_is_a_phase_that_failed(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    assert pair.bob_link.remote is not None
    pair.bob_link.remote = replace(pair.bob_link.remote, fingerprint=b"o" * 32)
    pair.open_channel()
    now = screen(bob)
    assert (now.state, now.headline, now.signs) == ("closed", "Not who they claim to be", None)
    assert progress(now) == ["done", "done", "failed", "to-come"]
    assert "signature" in now.details.trouble


def test_details_are_figures_a_person_can_read(pair: Pair) -> None:
    stats = Stats("host", "192.168.1.2", "host", "192.168.1.3", 0.0123, 999, 1_234_567)
    pair.ann.do(events.StatsRead(pair.ann_link.id, stats))
    details, theirs = screen(pair.ann).details, screen(pair.bob).details
    assert details.path == strings.PATHS[Path.LOCAL]
    assert details.round_trip == "12 ms"
    assert details.traffic == "999 bytes sent, 1.2 MB received"
    assert (details.local_fingerprint, details.remote_fingerprint) == (
        theirs.remote_fingerprint,
        theirs.local_fingerprint,
    )
    assert len(details.local_fingerprint) == 32 * 3 - 1


def test_a_code_that_cannot_be_used_is_told_in_its_own_words(ann: Person) -> None:
    ann.paste("hello there")
    assert screen(ann).code_problem == strings.CODE_PROBLEMS[CodeProblem.NOT_A_CODE]


def test_everything_that_can_happen_has_words_of_its_own() -> None:
    assert set(strings.CODE_PROBLEMS) == set(CodeProblem)
    assert set(strings.ENDINGS) == set(CloseReason)
    assert set(strings.SERVER_PROBLEMS) == set(ServerProblem)
    assert set(strings.PATHS) == set(Path)
    assert set(strings.TRUST) == set(Trust)
    assert {phase for phase, _ in strings.PHASE_NAMES} | {LinkPhase.LOST, LinkPhase.CLOSED} == set(LinkPhase)
    sentences = [
        *strings.CODE_PROBLEMS.values(),
        *(sentence for _, sentence in strings.ENDINGS.values()),
        *(sentence for _, sentence in strings.TRUST.values()),
    ]
    assert len(set(sentences)) == len(sentences)


def test_a_conversation_whose_link_went_on_with_somebody_else_can_be_taken_up_again(pair: Pair) -> None:
    pair.kill()
    connect(pair.ann, person("cat"), pair.ann_chat.id)
    now = screen(pair.ann)
    assert (now.state, now.card, now.sentence) == ("closed", Card.AGAIN, strings.SOMEBODY_ELSE[1])
    assert (now.name, now.signs) == ("Bob", None)


def test_an_orderly_end_is_no_failure(pair: Pair) -> None:
    pair.ann.hears(pair.ann_link, wire.Bye())
    now = screen(pair.ann)
    assert now.state == "closed"
    assert progress(now) == ["to-come"] * 4


def test_an_end_that_is_none_to_worry_about_leaves_no_phase_behind(pair: Pair) -> None:
    pair.ann.do(events.LeaveConversation(pair.ann_chat.id))
    assert progress(screen(pair.ann)) == ["to-come"] * 4


# Who the other one is.


def test_nobody_is_there_before_they_have_proved_who_they_are(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    ann.do(events.ChannelOpened(pair.ann_link.id))
    now = screen(ann)
    assert (now.state, now.name, now.trust, now.signs) == ("securing", strings.NEW_CHAT, Trust.NOBODY, None)
    assert now.peer is None


def test_two_who_are_connected_see_the_same_signs(pair: Pair) -> None:
    signs = screen(pair.ann).signs
    assert signs == screen(pair.bob).signs == short_string(transcript_of(pair.ann_link))


def test_signs_are_to_be_compared_as_long_as_the_link_lives(pair: Pair) -> None:
    signs = screen(pair.ann).signs
    pair.break_path()
    assert screen(pair.ann).signs == signs
    pair.kill()
    assert screen(pair.ann).signs is None


def test_the_safety_number_stays_when_the_link_has_ended(pair: Pair) -> None:
    pair.kill()
    number = safety_number(pair.ann.node.key, pair.bob.node.key)
    for someone in (pair.ann, pair.bob):
        peer = screen(someone).peer
        assert peer is not None
        assert App(someone.node).safety_number(peer) == number


def test_whoever_is_new_is_known_the_next_time_and_verified_once_somebody_says_so(pair: Pair) -> None:
    assert screen(pair.ann).trust is Trust.NEW

    later = connect(person("ann", contacts=pair.ann.node.people.contacts), pair.bob)
    assert screen(later.ann).trust is Trust.KNOWN

    later.ann.do(compared(later.ann_chat, True))
    assert screen(later.ann).trust is Trust.VERIFIED
    assert [line.trust for line in screen(later.ann).people] == [Trust.VERIFIED]

    later.ann.do(compared(later.ann_chat, False))
    assert screen(later.ann).trust is Trust.KNOWN


def test_whoever_is_new_can_be_verified_at_once(pair: Pair) -> None:
    pair.ann.do(compared(pair.ann_chat, True))
    assert (screen(pair.ann).trust, screen(pair.bob).trust) == (Trust.VERIFIED, Trust.NEW)


def test_the_other_one_has_the_name_they_want_or_the_last_one_known_or_one_made_of_their_key(pair: Pair) -> None:
    assert screen(pair.ann).name == "Bob"
    assert [line.name for line in screen(pair.ann).people] == ["Bob"]

    pair.bob.do(events.SetName(""))
    pair.carry()
    assert screen(pair.ann).name == "Bob"

    nobody = person("nobody")
    nobody.do(events.SetName(""))
    with_nobody = connect(person("ann"), nobody)
    name = screen(with_nobody.ann).name
    assert name.startswith("Guest ")
    assert len(name) == len("Guest ") + 4


def test_a_warning_names_both_and_says_whether_the_known_one_was_verified(pair: Pair) -> None:
    eve = person("eve")
    eve.do(events.SetName("BOB"))
    with_eve = connect(pair.ann, eve)
    now = view(pair.ann.node, with_eve.ann_chat.id)
    assert "“BOB”" in now.warning
    assert "This isn’t the Bob you know" in now.warning
    assert screen(pair.ann).warning == ""

    assert now.trust_note == f"{now.warning} {strings.TRUST[Trust.NEW][1]}"
    assert not now.can_write

    pair.ann.do(heeded(with_eve.ann_chat))
    now = view(pair.ann.node, with_eve.ann_chat.id)
    assert (now.warning, now.trust_note, now.can_write) == ("", strings.TRUST[Trust.NEW][1], True)

    pair.ann.do(compared(pair.ann_chat, True))
    eve.do(events.SetName("bob"))
    with_eve.carry()
    assert "you verified" in view(pair.ann.node, with_eve.ann_chat.id).warning


def test_who_was_found_to_see_other_signs_is_not_said_to_be_met_for_the_first_time(pair: Pair) -> None:
    assert screen(pair.ann).trust_note == strings.TRUST[Trust.NEW][1]
    pair.ann.do(compared(pair.ann_chat, False))
    pair.carry()
    for each in (pair.ann, pair.bob):
        assert (screen(each).trust, screen(each).trust_note) == (Trust.NEW, strings.DIFFERED)

    pair.ann.do(compared(pair.ann_chat, True))  # the safety number, in another way
    assert screen(pair.ann).trust_note == strings.TRUST[Trust.VERIFIED][1]


def test_another_tab_of_oneself_is_called_that_and_has_no_safety_number(ann: Person) -> None:
    pair = connect(ann, person("ann"))
    now = screen(ann)
    assert (now.name, now.trust) == ("You (another tab)", Trust.ONESELF)
    assert App(ann.node).safety_number(pair.ann_chat.peer) == ""


def test_a_name_neither_ends_its_quotation_nor_goes_on_as_a_sentence() -> None:
    name = "Bob”. We have checked: all is well, go on, and send what you like. “"
    for sentence in (
        strings.namesake_warning(name, Contact(bytes(32), name)),
        strings.renamed(name, name, Contact(bytes(32), name)),
    ):
        assert "send" not in sentence.replace("Nothing that you write is sent", "")
        assert sentence.count("“") == sentence.count("”") == 1


# Servers that were of no help.

TURN = IceServer("turn:turn.example.org:3478", "name", "secret")
STUN = IceServer("stun:stun.example.org:3478")


def test_a_turn_server_that_does_not_answer_is_named(bob: Person) -> None:
    ann = person("ann", ice=IceConfig((STUN, TURN, replace(TURN, url="turns:other.example.org:5349"))))
    exchange(ann, bob)
    ann.wait(TIMEOUTS[LinkPhase.CONNECTING][0])
    named = "No help came from turn:turn.example.org:3478 and turns:other.example.org:5349: "
    assert screen(ann).sentence.startswith(named)
    assert screen(ann).sentence.endswith(strings.ENDINGS[CloseReason.NO_PATH][1])


def test_one_that_hides_the_address_and_does_not_answer_is_named() -> None:
    ann = person("ann", ice=IceConfig((TURN,), relay_only=True))
    link = ann.begin_invite()
    ann.do(ann.described(link, DescriptionKind.OFFER), events.GatheringFinished(link))
    assert "turn:turn.example.org:3478:" in screen(ann).sentence


@pytest.mark.parametrize("comes_late", [False, True])
def test_one_that_has_answered_is_not_to_blame(bob: Person, comes_late: bool) -> None:
    ann = person("ann", ice=IceConfig((TURN,)))
    link = ann.begin_invite()
    relayed = events.CandidateFound(link, samples.RELAYED)
    news: list[events.Event] = [
        ann.described(link, DescriptionKind.OFFER, samples.HOST),
        events.GatheringFinished(link),
    ]
    ann.do(*([*news, relayed] if comes_late else [relayed, *news]))
    ann.paste(bob.reply(ann.node.links.by_id[link].code).code)
    ann.wait(TIMEOUTS[LinkPhase.CONNECTING][0])
    assert screen(ann).sentence == strings.ENDINGS[CloseReason.NO_PATH][1]


# What was deleted.


def test_of_a_message_that_was_deleted_nothing_is_shown_but_that_it_was(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "mine")
    pair.carry()
    pair.bob.write(pair.bob_chat, "yours", "the last one")
    pair.carry()
    messages = screen(pair.ann).messages
    assert messages is not None
    assert [messages.can_delete(message) for message in messages] == [True, True, True]
    found = [messages.to_delete(words) for words in ("", "M", "YOURS", "what nobody said")]
    assert [message and message.text for message in found] == ["the last one", "mine", "yours", None]
    for message in messages[1:]:
        pair.ann.do(events.DeleteMessage(pair.ann_chat.id, message.author, message.number))
    assert [(message.text, message.words, message.is_deleted) for message in messages] == [
        ("mine", "mine", False),
        ("", strings.DELETED, True),
        ("", strings.DELETED, True),
    ]
    assert messages.changes == 2
    assert [messages.can_delete(message) for message in messages] == [True, False, False]
    last = screen(pair.ann).people[0].last
    assert last is not None
    assert last.text == strings.DELETED


def test_what_the_other_one_does_not_have_cannot_be_deleted(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "on its way")
    messages = screen(pair.ann).messages
    assert messages is not None
    assert not messages.can_delete(messages[0])
    assert messages.to_delete("") is None
    pair.carry()
    assert messages.can_delete(messages[0])
