import pytest

from pychat.core.errors import LocalError
from pychat.core.webrtc.gathering import BEST_PATIENCE, PATIENCE, Gathering
from pychat.core.webrtc.sdp import CandidateKind, DescriptionKind
from tests.core import samples

HOST = "candidate:1 1 udp 2113937151 192.168.1.7 43084 typ host"
STUN = "candidate:2 1 udp 1677729535 203.0.113.5 43084 typ srflx raddr 0.0.0.0 rport 0"
TCP = "candidate:3 1 tcp 1518280447 192.168.1.7 9 typ host tcptype active"
SDP = "\r\n".join(line for line in samples.CHROMIUM_OFFER.splitlines() if not line.startswith("a=candidate")) + "\r\n"


def begun() -> Gathering:
    gathering = Gathering(DescriptionKind.OFFER, CandidateKind.SERVER_REFLEXIVE)
    gathering.describe(SDP, 0.0)
    return gathering


def test_the_end_of_gathering_gives_the_description_with_all_candidates() -> None:
    gathering = begun()
    gathering.add(HOST, 0.1)
    gathering.add(STUN, 0.2)
    assert gathering.result(0.3) is None
    gathering.finished = True
    result = gathering.result(0.3)
    assert result is not None
    assert [candidate.kind.value for candidate in result.candidates] == ["host", "srflx"]


def test_what_is_at_hand_must_do_after_a_while() -> None:
    gathering = begun()
    gathering.add(HOST, 0.1)
    assert gathering.result(PATIENCE - 0.1) is None
    assert gathering.result(PATIENCE) is not None


def test_the_best_candidate_brings_the_end_closer() -> None:
    gathering = begun()
    gathering.add(STUN, 0.2)
    assert gathering.due == 0.2 + BEST_PATIENCE


def test_a_candidate_may_come_before_the_description() -> None:
    gathering = Gathering(DescriptionKind.OFFER, CandidateKind.SERVER_REFLEXIVE)
    gathering.add(HOST, 0.0)
    gathering.finished = True
    assert gathering.result(0.0) is None
    gathering.describe(SDP, 0.1)
    assert gathering.result(0.1) is not None


def test_a_candidate_of_no_use_and_one_that_is_known_are_passed_over() -> None:
    gathering = begun()
    for attribute in (HOST, HOST, TCP, "candidate:nonsense"):
        gathering.add(attribute, 0.1)
    assert len(gathering.candidates) == 1


def test_gathering_that_ends_without_a_candidate_was_in_vain() -> None:
    gathering = begun()
    assert not gathering.in_vain
    gathering.finished = True
    assert gathering.in_vain


def test_a_first_candidate_that_comes_late_is_soon_used() -> None:
    gathering = begun()
    assert gathering.result(PATIENCE) is None
    assert gathering.due is None
    gathering.add(HOST, 20.0)
    assert gathering.result(20.0 + BEST_PATIENCE) is not None


def test_a_description_of_something_else_is_our_own_mistake() -> None:
    with pytest.raises(LocalError):
        begun().describe("v=0\r\nm=audio 9 RTP/AVP 0\r\n", 0.0)
