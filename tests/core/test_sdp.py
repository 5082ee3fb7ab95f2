import re
from dataclasses import replace

import pytest

from pychat.core.errors import LocalError
from pychat.core.webrtc.sdp import (
    Candidate,
    CandidateKind,
    Description,
    DescriptionKind,
    as_looked_at,
    candidate_attribute,
    is_reachable,
    mdns_uuid,
    parse_candidate,
    parse_description,
    to_sdp,
)
from tests.core import samples

OFFERS = {
    "chromium": samples.CHROMIUM_OFFER,
    "firefox": samples.FIREFOX_OFFER,
    "aiortc": samples.AIORTC_OFFER,
}
ANSWERS = {
    "chromium": samples.CHROMIUM_ANSWER,
    "firefox": samples.FIREFOX_ANSWER,
    "aiortc": samples.AIORTC_ANSWER,
}


def test_what_chromium_wrote_is_read() -> None:
    found = parse_description(DescriptionKind.OFFER, samples.CHROMIUM_OFFER)

    assert found == Description(
        DescriptionKind.OFFER,
        bytes.fromhex("DEB594BC8EF5CC15337AD9E99A08EAD7791169BA68814B7AD3A38F8283F7E6AB"),
        "LkGn",
        "9bkPtNCoFARNGxNRflGUAbd7",
        (
            Candidate(CandidateKind.HOST, "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local", 43084),
            Candidate(CandidateKind.HOST, "3ad7e47c-4c9b-47f8-bab1-d9013a147ee2.local", 38486),
        ),
    )


def test_what_firefox_wrote_is_read_without_its_tcp_candidates() -> None:
    found = parse_description(DescriptionKind.ANSWER, samples.FIREFOX_ANSWER)

    assert found == Description(
        DescriptionKind.ANSWER,
        bytes.fromhex("655823C104190317FA541B8F9A8C098F7E9EDFCB0FF5BAAA4E5F2FC811A31367"),
        "1b8cb331",
        "949dc71599ff3073c52fc3a8dde46bfa",
        (
            Candidate(CandidateKind.HOST, "57bb6996-1f58-43b8-856e-552d4cb68be3.local", 44618),
            Candidate(CandidateKind.HOST, "453e9b43-795b-48e9-b61a-1ba117d4cf9f.local", 55018),
        ),
    )


def test_what_aiortc_wrote_is_read_by_its_sha_256_fingerprint() -> None:
    found = parse_description(DescriptionKind.OFFER, samples.AIORTC_OFFER)

    assert found.fingerprint.hex() == "7a1c0d52f4918b36e720ad5c43980fb166da7e35c209f84b931e60a7dc5824ef"
    assert (found.ufrag, found.pwd) == ("Hx3Q", "gFu0oKzJ9sPq2VYtL5rTcb")
    assert found.candidates == (Candidate(CandidateKind.HOST, "192.0.2.7", 40912),)


@pytest.mark.parametrize("sdp", OFFERS.values(), ids=OFFERS)
def test_an_offer_that_is_written_anew_says_the_same(sdp: str) -> None:
    description = parse_description(DescriptionKind.OFFER, sdp)

    assert parse_description(DescriptionKind.OFFER, to_sdp(description)) == description


@pytest.mark.parametrize("sdp", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_written_anew_says_the_same(sdp: str) -> None:
    description = parse_description(DescriptionKind.ANSWER, sdp)

    assert parse_description(DescriptionKind.ANSWER, to_sdp(description)) == description


def test_an_offer_leaves_the_dtls_role_open_and_an_answer_takes_the_active_one() -> None:
    offer = parse_description(DescriptionKind.OFFER, samples.CHROMIUM_OFFER)
    answer = parse_description(DescriptionKind.ANSWER, samples.CHROMIUM_ANSWER)

    assert "\r\na=setup:actpass\r\n" in to_sdp(offer)
    assert "\r\na=setup:active\r\n" in to_sdp(answer)


def test_what_is_written_ends_every_line_as_sdp_wants_it() -> None:
    written = to_sdp(parse_description(DescriptionKind.OFFER, samples.FIREFOX_OFFER))

    assert written.endswith("\r\n")
    assert not re.search(r"(?<!\r)\n", written)
    assert "\r\n\r\n" not in written


def test_the_same_candidate_twice_counts_once() -> None:
    sdp = samples.with_candidates(samples.CHROMIUM_OFFER, samples.HOST, samples.HOST)

    assert len(parse_description(DescriptionKind.OFFER, sdp).candidates) == 1


def test_a_description_without_candidates_yet_is_fine() -> None:
    sdp = samples.with_candidates(samples.CHROMIUM_OFFER)

    assert parse_description(DescriptionKind.OFFER, sdp).candidates == ()


@pytest.mark.parametrize(
    "missing", ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=mid", "m=application"], ids=lambda line: line[2:]
)
def test_a_description_that_lacks_something_is_our_own_mistake(missing: str) -> None:
    lines = [line for line in samples.CHROMIUM_OFFER.splitlines() if not line.startswith(missing)]

    with pytest.raises(LocalError):
        parse_description(DescriptionKind.OFFER, "\r\n".join(lines))


def test_a_description_with_two_different_passwords_is_our_own_mistake() -> None:
    with pytest.raises(LocalError):
        parse_description(DescriptionKind.OFFER, samples.CHROMIUM_OFFER + "a=ice-pwd:anotherOneOf24Characters\r\n")


def test_a_description_with_audio_too_is_our_own_mistake() -> None:
    with pytest.raises(LocalError):
        parse_description(DescriptionKind.OFFER, samples.CHROMIUM_OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n")


@pytest.mark.parametrize(
    ("line", "candidate"),
    [
        (samples.HOST, Candidate(CandidateKind.HOST, "192.0.2.33", 50123)),
        (f"a={samples.HOST}\r\n", Candidate(CandidateKind.HOST, "192.0.2.33", 50123)),
        (samples.HOST_IPV6, Candidate(CandidateKind.HOST, "2001:db8::c0de", 50124)),
        (samples.MDNS, Candidate(CandidateKind.HOST, "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local", 43084)),
        (samples.SERVER_REFLEXIVE, Candidate(CandidateKind.SERVER_REFLEXIVE, "203.0.113.9", 61000)),
        (samples.RELAYED, Candidate(CandidateKind.RELAYED, "198.51.100.20", 49152)),
        ("candidate:1 1 UDP 1 fe80::1%eth0 5 typ host", Candidate(CandidateKind.HOST, "fe80::1", 5)),
        ("candidate:1 1 UDP 1 2001:DB8:0::1 5 typ host", Candidate(CandidateKind.HOST, "2001:db8::1", 5)),
    ],
)
def test_a_candidate_is_read(line: str, candidate: Candidate) -> None:
    assert parse_candidate(line) == candidate


@pytest.mark.parametrize(
    "line",
    [
        "",
        "candidate:",
        "end-of-candidates",
        samples.TCP,
        samples.HOST.replace(" 1 udp ", " 2 udp "),
        samples.HOST.replace("50123", "0"),
        samples.HOST.replace("50123", "65536"),
        samples.HOST.replace("50123", "many"),
        samples.HOST.replace("192.0.2.33", "0.0.0.0"),
        samples.HOST_IPV6.replace("2001:db8::c0de", "::"),
        samples.HOST.replace("192.0.2.33", "192.0.2.333"),
        samples.HOST.replace("192.0.2.33", "laptop.local"),
        samples.HOST.replace("192.0.2.33", "example.org"),
        samples.HOST.replace("typ host", "typ prflx"),
        samples.HOST.replace("typ host", "typ elsewhere"),
    ],
)
def test_a_candidate_of_no_use_to_a_peer_is_dropped(line: str) -> None:
    assert parse_candidate(line) is None


@pytest.mark.parametrize("kind", CandidateKind)
def test_a_candidate_that_is_written_is_read_again(kind: CandidateKind) -> None:
    candidate = Candidate(kind, "192.0.2.33", 50123)

    assert parse_candidate(candidate_attribute(candidate, 3)) == candidate


def test_the_first_candidate_is_preferred_and_host_to_reflexive_to_relayed() -> None:
    def priority(kind: CandidateKind, index: int) -> int:
        return int(candidate_attribute(Candidate(kind, "192.0.2.33", 50123), index).split()[3])

    order = [
        priority(CandidateKind.HOST, 0),
        priority(CandidateKind.HOST, 1),
        priority(CandidateKind.SERVER_REFLEXIVE, 2),
        priority(CandidateKind.RELAYED, 3),
    ]
    assert order == sorted(order, reverse=True)
    assert len(set(order)) == 4


@pytest.mark.parametrize(
    "address",
    [
        "laptop.local",
        "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0",
        "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.lan",
        "94fd06c2ae2f447e81ad7d84b02c8cc0.local",
        "{94fd06c2-ae2f-447e-81ad-7d84b02c8cc0}.local",
    ],
)
def test_only_the_name_that_browsers_give_counts_as_mdns(address: str) -> None:
    assert mdns_uuid(address) is None


NOWHERE = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.251", "239.1.2.3"),
    *("::1", "::", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:192.0.2.1", "ff02::fb", "localhost", "chat.example"),
)
SOMEWHERE = (
    *("192.168.1.2", "10.0.0.1", "172.17.0.1", "169.254.1.1", "100.64.0.1", "203.0.113.9", "198.51.100.1"),
    *("2001:db8::1", "fd00::1", "fe80::1", "64:ff9b::c633:6414", "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local"),
)


@pytest.mark.parametrize("kind", CandidateKind)
def test_a_peers_candidates_are_looked_at_only_where_somebody_else_may_be(kind: CandidateKind) -> None:
    assert not any(is_reachable(Candidate(kind, address, 9)) for address in NOWHERE)
    assert all(is_reachable(Candidate(kind, address, 9)) for address in SOMEWHERE)


def test_at_eight_candidates_of_a_description_is_looked_and_at_none_of_this_machine() -> None:
    offer = parse_description(DescriptionKind.OFFER, samples.CHROMIUM_OFFER)
    good = tuple(Candidate(CandidateKind.HOST, f"192.0.2.{n}", 9) for n in range(1, 20))
    bad = tuple(Candidate(CandidateKind.HOST, address, 9) for address in NOWHERE)

    assert as_looked_at(replace(offer, candidates=(*bad, *good))).candidates == good[:8]
    assert as_looked_at(replace(offer, candidates=bad)).candidates == ()


@pytest.mark.parametrize("address", NOWHERE)
def test_an_address_of_our_own_at_which_nobody_finds_us_is_of_no_use(address: str) -> None:
    assert parse_candidate(f"candidate:1 1 udp 1 {address} 50123 typ host") is None
