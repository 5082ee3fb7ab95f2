import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core.errors import LocalError, RemoteError
from pychat.core.relay.envelope import (
    MAX_PLAINTEXT,
    MAX_TEXT,
    Authenticated,
    Claim,
    OnLink,
    Refusal,
    Refused,
    Resume,
    RoomBye,
    Signal,
    associated_data,
    authenticate,
    claim,
    decode,
    encode,
    nonce,
    resume,
    unwrap,
    wrap,
)
from pychat.core.webrtc.negotiation import Answer, Candidate, Offer
from pychat.core.webrtc.sdp import MAX_CANDIDATES, CandidateKind, Description, DescriptionKind
from pychat.core.webrtc.sdp import Candidate as Address

HOST = Address(CandidateKind.HOST, "192.0.2.33", 50123)
MDNS = Address(CandidateKind.HOST, "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local", 1)
IPV6 = Address(CandidateKind.SERVER_REFLEXIVE, "2001:db8::c0de", 65535)
OFFER = Description(DescriptionKind.OFFER, bytes(range(32)), "LkGn", "9bkPtNCoFARNGxNRflGUAbd7", (HOST, MDNS))
ANSWER = Description(DescriptionKind.ANSWER, bytes(32), "u" * 255, "p" * 255, (IPV6,) * MAX_CANDIDATES)
FINGERPRINT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

SIGNALS: list[Signal] = [
    OnLink(1, Offer(1, OFFER)),
    OnLink(2**53 - 1, Answer(2**53 - 1, ANSWER)),
    OnLink(1, Candidate(DescriptionKind.OFFER, 1, MDNS)),
    OnLink(3, Candidate(DescriptionKind.ANSWER, 7, IPV6)),
    Refused(2, Refusal.FULL),
    Refused(1, Refusal.LOCKED),
    Refused(9, Refusal.ELSEWHERE),
    Claim(bytes(range(16)), True),
    Claim(bytes(16), False),
    Resume(bytes(range(32))),
    RoomBye(),
    Authenticated(1, bytes(range(16)), OnLink(1, Offer(2, OFFER))),
    Authenticated(2**53 - 1, bytes(16), OnLink(2**53 - 1, Answer(2**53 - 1, ANSWER))),
    Authenticated(2, bytes(16), OnLink(1, Candidate(DescriptionKind.OFFER, 1, MDNS))),
    Authenticated(3, bytes(16), Refused(2, Refusal.FULL)),
    Authenticated(4, bytes(16), RoomBye()),
]


def padded(text: str) -> bytes:
    return text.encode() + b" " * (-len(text.encode()) % 256)


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_comes_back_as_it_was(signal: Signal) -> None:
    data = encode(signal)

    assert len(data) % 256 == 0
    assert decode(data) == signal


def test_an_offer_is_written_so() -> None:
    text = (
        f'["offer",2,1,"{FINGERPRINT}","LkGn","9bkPtNCoFARNGxNRflGUAbd7",'
        '[["host","192.0.2.33",50123],["host","94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local",1]]]'
    )
    assert encode(OnLink(2, Offer(1, OFFER))) == text.encode().ljust(256)


def test_a_candidate_names_what_it_belongs_to() -> None:
    text = b'["candidate",3,"answer",7,["srflx","2001:db8::c0de",65535]]'
    assert encode(SIGNALS[3]) == text.ljust(256)


PARTS = f'"{FINGERPRINT}","LkGn","9bkPtNCoFARNGxNRflGUAbd7"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "nonsense",
        '["unknown"]',
        '["bye",1]',
        '["claim","AAAAAAAAAAAAAAAAAAAAAA"]',
        '["claim","AAAAAAAAAAAAAAAAAAAAA",true]',
        '["claim","AAAAAAAAAAAAAAAAAAAAAA",1]',
        '["claim","AAAAAAAAAAAAAAAAAAAAAA",true,true]',
        '["authenticated",1,"AAAAAAAAAAAAAAAAAAAAAA",["claim","AAAAAAAAAAAAAAAAAAAAAA",true]]',
        '["authenticated",1,"AAAAAAAAAAAAAAAAAAAAAA"]',
        '["authenticated",0,"AAAAAAAAAAAAAAAAAAAAAA",["bye"]]',
        '["authenticated",1,"AAAAAAAAAAAAAAAAAAAAA",["bye"]]',
        '["authenticated",1,"AAAAAAAAAAAAAAAAAAAAAA",[]]',
        '["authenticated",1,"AAAAAAAAAAAAAAAAAAAAAA",[["bye"]]]',
        '["authenticated",1,"AAAAAAAAAAAAAAAAAAAAAA","bye"]',
        f'["authenticated",1,"AAAAAAAAAAAAAAAAAAAAAA",["again","{"A" * 43}"]]',
        '["authenticated",1,"AAAAAAAAAAAAAAAAAAAAAA",["authenticated",1,"AAAAAAAAAAAAAAAAAAAAAA",["bye"]]]',
        f'["offer",1,0,{PARTS},[]]',
        f'["offer",1,true,{PARTS},[]]',
        f'["offer",1,1.0,{PARTS},[]]',
        f'["offer",1,{2**53},{PARTS},[]]',
        f'["offer",1,1,{PARTS}]',
        f'["offer",1,1,{PARTS},[],1]',
        '["offer",1,1,"AA","LkGn","9bkPtNCoFARNGxNRflGUAbd7",[]]',
        f'["offer",2,1,"{FINGERPRINT}","LkG","9bkPtNCoFARNGxNRflGUAbd7",[]]',
        f'["offer",2,1,"{FINGERPRINT}","LkGn\\r\\na=x","9bkPtNCoFARNGxNRflGUAbd7",[]]',
        f'["offer",2,1,"{FINGERPRINT}","LkGn","short",[]]',
        f'["offer",2,1,"{FINGERPRINT}","LkGn","{"p" * 256}",[]]',
        f'["offer",1,1,{PARTS},{json.dumps([["host", "192.0.2.1", 1]] * 65)}]',
        f'["offer",1,1,{PARTS},[["host","192.0.2.1",0]]]',
        '["candidate",1,"other",1,["host","192.0.2.1",1]]',
        '["candidate",1,"offer",1,["prflx","192.0.2.1",1]]',
        '["candidate",1,"offer",1,["host","192.0.2.1",65536]]',
        '["candidate",1,"offer",1,["host","192.0.2.1",true]]',
        '["candidate",1,"offer",1,["host","192.0.2.1",1,1]]',
        '["candidate",1,"offer",1,["host","192.0.2.01",1]]',
        '["candidate",1,"offer",1,["host","2001:DB8::1",1]]',
        '["candidate",1,"offer",1,["host","fe80::1%eth0",1]]',
        '["candidate",1,"offer",1,["host","name.example",1]]',
        '["candidate",1,"offer",1,["host","94FD06C2-ae2f-447e-81ad-7d84b02c8cc0.local",1]]',
        '["candidate",1,"offer",1,["host","192.0.2.1\\r\\na=x",1]]',
        f'["offer",0,1,{PARTS},[]]',
        f'["offer",1,{PARTS},[]]',
        '["refused",0,"full"]',
        '["refused",1,"tired"]',
        '["again","AA"]',
        "[" * 200,
        '["é"]',
    ],
)
def test_what_has_not_exactly_the_form_of_a_signal_is_refused(text: str) -> None:
    with pytest.raises(RemoteError):
        decode(padded(text) or bytes(256))


@pytest.mark.parametrize("data", [b'["bye"]', b'["bye"]'.ljust(255), b'["bye"]'.ljust(MAX_PLAINTEXT + 256)])
def test_a_signal_has_the_size_it_should_have(data: bytes) -> None:
    with pytest.raises(RemoteError):
        decode(data)


@given(st.binary(max_size=300) | st.binary(max_size=256).map(lambda data: data.ljust(256)))
def test_any_bytes_are_a_signal_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except RemoteError:
        return


def test_a_signal_that_is_too_large_is_our_own_mistake() -> None:
    description = Description(DescriptionKind.OFFER, bytes(32), "LkGn", "p" * 22, (MDNS,) * 400)
    with pytest.raises(LocalError):
        encode(OnLink(1, Offer(1, description)))


@given(st.integers(0, 2**64 - 1), st.binary(min_size=17, max_size=60))
def test_an_envelope_comes_back_as_it_was(counter: int, sealed: bytes) -> None:
    assert unwrap(wrap(counter, sealed)) == (counter, sealed)


def test_the_largest_envelope_has_the_size_that_is_allowed() -> None:
    largest = wrap(0, bytes(MAX_PLAINTEXT + 16))
    assert len(largest) == MAX_TEXT
    assert unwrap(largest) == (0, bytes(MAX_PLAINTEXT + 16))
    with pytest.raises(RemoteError):
        unwrap(wrap(0, bytes(MAX_PLAINTEXT + 17)))


@pytest.mark.parametrize(
    "text", ["", "A", "AAAA", "A" * 32, "A" * 33 + "=", "A" * 33 + "B", "é" * 40, "A" * 37, "A A" * 20]
)
def test_what_is_no_envelope_is_refused(text: str) -> None:
    with pytest.raises(RemoteError):
        unwrap(text)


def test_a_nonce_is_the_counter_behind_four_zero_bytes() -> None:
    assert nonce(0x0102030405060708) == bytes(4) + bytes(range(1, 9))


def test_all_that_is_bound_to_an_envelope_stands_at_its_place() -> None:
    bound = associated_data(b"r" * 16, b"s" * 16, b"t" * 16, 1)
    assert bound == b"pychat envelope\0" + b"r" * 16 + b"s" * 16 + b"t" * 16 + bytes(7) + b"\1"


def test_only_the_two_sides_of_a_link_can_prove_that_they_have_it_and_only_to_each_other() -> None:
    proof = resume(b"transcript", b"a" * 16, b"b" * 16)
    assert len(proof.proof) == 32
    assert proof != resume(b"transcript", b"b" * 16, b"a" * 16)
    assert proof != resume(b"another", b"a" * 16, b"b" * 16)


def test_what_is_authenticated_is_bound_to_the_link_both_names_the_count_and_the_signal() -> None:
    said = authenticate(b"transcript", b"a" * 16, b"b" * 16, 1, RoomBye())
    assert said == authenticate(b"transcript", b"a" * 16, b"b" * 16, 1, RoomBye())
    others = [
        authenticate(b"another", b"a" * 16, b"b" * 16, 1, RoomBye()),
        authenticate(b"transcript", b"b" * 16, b"a" * 16, 1, RoomBye()),
        authenticate(b"transcript", b"a" * 16, b"b" * 16, 2, RoomBye()),
        authenticate(b"transcript", b"a" * 16, b"b" * 16, 1, Refused(1, Refusal.FULL)),
    ]
    assert len(said.mac) == 16
    assert said.mac not in [other.mac for other in others]


def test_a_claim_is_the_same_to_those_who_know_the_key_and_says_nothing_to_others() -> None:
    said = claim(b"k" * 32, b"a" * 16, b"b" * 16, takes_over=False)
    hints = {claim(key, *names, takes_over=True).hint for key in (b"k" * 32, b"l" * 32) for names in NAMES}
    assert len(said.hint) == 16
    assert said.hint in hints
    assert len(hints) == 4


NAMES = ((b"a" * 16, b"b" * 16), (b"b" * 16, b"a" * 16))
