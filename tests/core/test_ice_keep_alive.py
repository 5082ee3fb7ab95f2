from pychat.core.webrtc.ice_keep_alive import INTERVAL, IceKeepAlive
from pychat.core.webrtc.sdp import Candidate, CandidateKind, Description, DescriptionKind, parse_candidate

PLAIN = Candidate(CandidateKind.SERVER_REFLEXIVE, "203.0.113.5", 43084)
HIDDEN = Candidate(CandidateKind.HOST, "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local", 43084)


def keep_alive(*candidates: Candidate) -> IceKeepAlive:
    return IceKeepAlive(Description(DescriptionKind.OFFER, bytes(32), "ufra", "p" * 22, candidates), due=1.0)


def test_the_inviters_addresses_come_again_and_again_each_time_as_new_ones() -> None:
    nudges = keep_alive(PLAIN)
    attributes = [attribute for turn in range(1000) for attribute in nudges.attributes(turn * INTERVAL)]
    assert {parse_candidate(attribute) for attribute in attributes} == {PLAIN}
    foundations = {attribute.split()[0] for attribute in attributes}
    assert len(foundations) == len(attributes)


def test_names_that_may_not_resolve_are_joined_by_an_address_that_never_answers() -> None:
    addresses = [parse_candidate(attribute) for attribute in keep_alive(HIDDEN).attributes(1.0)]
    assert addresses == [HIDDEN, Candidate(CandidateKind.HOST, "198.51.100.1", 9)]


def test_the_next_nudge_comes_before_a_pair_of_addresses_fails() -> None:
    nudges = keep_alive(PLAIN)
    nudges.attributes(10.0)
    assert nudges.due == 10.0 + INTERVAL
    assert INTERVAL < 11
