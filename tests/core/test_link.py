import pytest

from pychat.core.handshake import Role
from pychat.core.link import TIMEOUTS, TRANSITIONS, CloseReason, Link, LinkPhase, LinkStep
from pychat.core.webrtc.ice import IceConfig


class NoSignaling:
    """Gets nothing to the peer."""

    code = ""
    relay = ""

    def on_local_description(self, link: Link, sdp: str) -> None: ...

    def on_candidate(self, link: Link, attribute: str) -> None: ...

    def on_gathering_finished(self, link: Link) -> None: ...


def link_in(phase: LinkPhase) -> Link:
    return Link(1, Role.INVITER, IceConfig(), NoSignaling(), phase=phase)


def test_the_side_that_invites_goes_through_every_phase() -> None:
    link = link_in(LinkPhase.SIGNALING)
    phases = []
    for step in (
        LinkStep.DESCRIBED,
        LinkStep.PATH_FOUND,
        LinkStep.AUTHENTICATED,
        LinkStep.PATH_BROKEN,
        LinkStep.PATH_FOUND,
        LinkStep.OVER,
    ):
        link.step(step, 0)
        phases.append(link.phase)

    assert phases == [
        LinkPhase.CONNECTING,
        LinkPhase.SECURING,
        LinkPhase.OPEN,
        LinkPhase.LOST,
        LinkPhase.OPEN,
        LinkPhase.CLOSED,
    ]


def test_the_side_that_replies_is_signaling_until_the_encryption_stands() -> None:
    link = link_in(LinkPhase.SIGNALING)

    assert not link.step(LinkStep.PATH_FOUND, 0)
    assert link.step(LinkStep.ENCRYPTED, 0)
    assert link.phase is LinkPhase.SECURING


@pytest.mark.parametrize("step", LinkStep)
def test_what_is_closed_stays_closed(step: LinkStep) -> None:
    link = link_in(LinkPhase.CLOSED)

    assert not link.step(step, 0)
    assert link.phase is LinkPhase.CLOSED


@pytest.mark.parametrize("phase", [phase for phase in LinkPhase if phase is not LinkPhase.CLOSED])
def test_every_phase_can_end(phase: LinkPhase) -> None:
    link = link_in(phase)

    assert link.end(CloseReason.LEFT, "", 0)
    assert (link.phase, link.close_reason, link.failed_in) == (LinkPhase.CLOSED, CloseReason.LEFT, phase)


@pytest.mark.parametrize(
    "phase", [phase for phase in LinkPhase if phase not in (LinkPhase.OPEN, LinkPhase.LOST, LinkPhase.CLOSED)]
)
def test_the_peers_proof_opens_the_link(phase: LinkPhase) -> None:
    link = link_in(phase)
    link.step(LinkStep.AUTHENTICATED, 0)

    assert link.phase is LinkPhase.OPEN


def test_every_phase_is_reached_and_left() -> None:
    assert {before for before, _ in TRANSITIONS} == set(LinkPhase)
    assert set(TRANSITIONS.values()) | {LinkPhase.SIGNALING} == set(LinkPhase)


def test_the_first_ending_is_the_one_that_counts() -> None:
    link = link_in(LinkPhase.OPEN)
    link.end(CloseReason.PEER_LEFT, "first", 0)

    assert not link.end(CloseReason.CHANNEL_CLOSED, "second", 1)
    assert (link.close_reason, link.detail) == (CloseReason.PEER_LEFT, "first")


@pytest.mark.parametrize("phase", [LinkPhase.CONNECTING, LinkPhase.SECURING, LinkPhase.LOST])
def test_a_phase_in_which_the_network_is_at_work_has_a_limit(phase: LinkPhase) -> None:
    (before, step) = next((key for key, after in TRANSITIONS.items() if after is phase))
    link = link_in(before)
    link.step(step, 1_000.0)

    assert link.deadline() == 1_000.0 + TIMEOUTS[phase][0]


@pytest.mark.parametrize("phase", [LinkPhase.SIGNALING, LinkPhase.OPEN])
def test_a_phase_in_which_people_are_at_work_has_none(phase: LinkPhase) -> None:
    assert phase not in TIMEOUTS


def test_a_step_that_changes_nothing_does_not_renew_the_patience() -> None:
    link = link_in(LinkPhase.SIGNALING)
    link.step(LinkStep.DESCRIBED, 0)
    link.step(LinkStep.DESCRIBED, 30)

    assert link.deadline() == TIMEOUTS[LinkPhase.CONNECTING][0]


def test_a_closed_link_has_nothing_due_but_its_closing() -> None:
    link = link_in(LinkPhase.LOST)
    link.times_out_at = 5.0
    link.close_at = 9.0
    link.end(CloseReason.LEFT, "", 0)

    assert link.deadline() == 9.0


def test_the_deadline_is_the_earliest() -> None:
    link = link_in(LinkPhase.SIGNALING)
    assert link.deadline() is None

    link.times_out_at = 7.0
    assert link.deadline() == 7.0
    link.close_at = 3.0
    assert link.deadline() == 3.0
