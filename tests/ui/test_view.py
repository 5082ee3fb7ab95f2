import pytest

from pychat.core import events as ev
from pychat.core.errors import CodeProblem
from pychat.core.ice import ServerProblem
from pychat.core.link import Ending, Link, Phase
from pychat.core.node import Node
from pychat.core.stats import Path, Stats
from pychat.ui import words
from pychat.ui.view import Card, View, view
from tests.core import samples

PEER = "Zz_9-peer-peer-peer-peer"


class Screen:
    """One person's node, brought from state to state by the events that a browser would send."""

    def __init__(self) -> None:
        self.node = Node("me-me-me-me-me-me")
        self.time = 1000.0

    def do(self, *events: ev.Event, after: float = 0.0) -> View:
        self.time += after
        self.node.handle(events, self.time)
        return self.now

    @property
    def now(self) -> View:
        return view(self.node, next(iter(self.node.conversations), None))

    @property
    def link(self) -> Link:
        return next(iter(self.node.links.values()))

    def invite(self) -> View:
        self.do(ev.InviteRequested())
        return self.do(
            ev.LocalDescriptionReady(self.link.id, samples.CHROMIUM_OFFER), ev.GatheringFinished(self.link.id)
        )

    def reply(self) -> View:
        inviter = Screen()
        inviter.invite()
        self.do(ev.CodePasted(inviter.link.code))
        return self.do(
            ev.LocalDescriptionReady(self.link.id, samples.CHROMIUM_ANSWER), ev.GatheringFinished(self.link.id)
        )

    def connect(self) -> View:
        self.reply()
        self.do(ev.ConnectionStateChanged(self.link.id, ev.ConnectionState.CONNECTED), ev.ChannelOpened(self.link.id))
        return self.do(ev.FrameReceived(self.link.id, f'["hello",[1],"{PEER}"]'))


@pytest.fixture
def screen() -> Screen:
    return Screen()


def progress(now: View) -> list[str]:
    return [progress.value for _, progress in now.phases]


def test_the_first_screen_is_idle_and_says_what_to_do(screen: Screen) -> None:
    now = screen.now
    assert (now.state, now.card, now.conversation) == ("idle", Card.NONE, None)
    assert now.sentence == words.IDLE[1]
    assert progress(now) == ["to-come"] * 4


def test_an_invite_is_first_in_preparation_then_shown(screen: Screen) -> None:
    assert screen.do(ev.InviteRequested()).card is Card.PREPARING
    now = screen.do(
        ev.LocalDescriptionReady(screen.link.id, samples.CHROMIUM_OFFER), ev.GatheringFinished(screen.link.id)
    )
    assert (now.state, now.card, now.code) == ("signaling", Card.INVITE, screen.link.code)
    assert progress(now) == ["now", "to-come", "to-come", "to-come"]


def test_a_reply_is_shown_and_a_path_that_is_found_early_is_told(screen: Screen) -> None:
    now = screen.reply()
    assert (now.card, now.headline) == (Card.REPLY, "Waiting for them")
    now = screen.do(ev.IceStateChanged(screen.link.id, ev.IceState.CONNECTED))
    assert now.state == "signaling"
    assert now.sentence == words.WAITING_WITH_PATH[1]


def test_an_open_link_has_every_phase_behind_it_and_a_name_for_the_other(screen: Screen) -> None:
    now = screen.connect()
    assert (now.state, now.name, now.card) == ("open", "Guest ZZ9P", Card.NONE)
    assert progress(now) == ["done"] * 4


def test_a_lost_path_shows_where_it_was_lost(screen: Screen) -> None:
    screen.connect()
    now = screen.do(ev.IceStateChanged(screen.link.id, ev.IceState.DISCONNECTED))
    assert now.state == "lost"
    assert progress(now) == ["done", "done", "done", "failed"]


def test_a_link_that_found_no_path_shows_the_phase_that_failed_and_offers_another_try(screen: Screen) -> None:
    screen.invite()
    other = Screen()
    other.do(ev.CodePasted(screen.link.code))
    other.do(ev.LocalDescriptionReady(other.link.id, samples.CHROMIUM_ANSWER), ev.GatheringFinished(other.link.id))
    assert screen.do(ev.CodePasted(other.link.code)).state == "connecting"
    now = screen.do(after=60.0)
    assert (now.state, now.headline, now.card) == ("closed", "No path found", Card.AGAIN)
    assert progress(now) == ["done", "failed", "to-come", "to-come"]
    assert not now.can_leave


def test_details_are_figures_a_person_can_read(screen: Screen) -> None:
    screen.connect()
    stats = Stats("host", "192.168.1.2", "host", "192.168.1.3", 0.0123, 999, 1_234_567)
    details = screen.do(ev.StatsRead(screen.link.id, stats)).details
    assert details.path == words.PATHS[Path.LOCAL]
    assert details.round_trip == "12 ms"
    assert details.traffic == "999 bytes sent, 1.2 MB received"
    assert len(details.local_fingerprint) == len(details.remote_fingerprint) == 32 * 3 - 1


def test_a_code_that_cannot_be_used_is_told_in_its_own_words(screen: Screen) -> None:
    assert screen.do(ev.CodePasted("hello there")).code_problem == words.CODE_PROBLEMS[CodeProblem.NOT_A_CODE]


def test_everything_that_can_happen_has_words_of_its_own() -> None:
    assert set(words.CODE_PROBLEMS) == set(CodeProblem)
    assert set(words.ENDINGS) == set(Ending)
    assert set(words.SERVER_PROBLEMS) == set(ServerProblem)
    assert set(words.PATHS) == set(Path)
    assert {phase for phase, _ in words.PHASE_NAMES} | {Phase.LOST, Phase.CLOSED} == set(Phase)
    sentences = [*words.CODE_PROBLEMS.values(), *(sentence for _, sentence in words.ENDINGS.values())]
    assert len(set(sentences)) == len(sentences)


def test_a_conversation_whose_link_went_on_with_somebody_else_can_be_taken_up_again(screen: Screen) -> None:
    screen.connect()
    deserted = next(iter(screen.node.conversations.values()))
    deserted.link = None
    now = screen.now
    assert (now.state, now.card, now.sentence) == ("closed", Card.AGAIN, words.SOMEBODY_ELSE[1])


def test_an_orderly_end_is_no_failure(screen: Screen) -> None:
    screen.connect()
    now = screen.do(ev.FrameReceived(screen.link.id, '["bye"]'))
    assert now.state == "closed"
    assert progress(now) == ["done"] * 4
