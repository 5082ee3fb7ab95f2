import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core import effects, wire
from pychat.core.errors import RemoteError
from pychat.core.handshake import (
    ORDER,
    Binding,
    Failure,
    Handshake,
    HandshakeStep,
    Role,
    Stage,
    commitment,
)
from tests.core.people import Keys, is_genuine

ANN, BOB, EVE = Keys("ann"), Keys("bob"), Keys("eve")
BINDING = Binding(b"i" * 32, b"a" * 32, b"b" * 32)
INVITER, REPLIER = Role.INVITER, Role.REPLIER

LINK = 7

HandshakeFrame = wire.Hello | wire.Reveal | wire.Proof


@dataclass
class Side:
    """A handshake, the keys of whose it is, and all that it has said; at the stage `stops_at` it does nothing more."""

    handshake: Handshake
    keys: Keys
    stops_at: Stage | None = None
    said: list[HandshakeFrame] = field(default_factory=list)

    @property
    def _goes_on(self) -> bool:
        return self.handshake.stage is not self.stops_at

    def begin(self) -> None:
        if self._goes_on:
            self._take(self.handshake.nonce_drawn(self.keys.nonce()))

    def _take(self, steps: Iterable[HandshakeStep]) -> None:
        for step in steps:
            assert step.link == LINK
            match step:
                case effects.SendFrame(_, data):
                    frame = wire.decode(data)
                    assert isinstance(frame, HandshakeFrame)
                    self.said.append(frame)
                case effects.Sign(_, signed) if self._goes_on:
                    self._take(self.handshake.signed(self.keys.sign(signed)))
                case effects.Verify(_, key, signature, signed) if self._goes_on:
                    self._take(self.handshake.verified(is_genuine(key, signature, signed)))

    def hears(self, frame: HandshakeFrame) -> None:
        if not self._goes_on:
            return
        match frame:
            case wire.Hello():
                self._take(self.handshake.hello(frame))
            case wire.Reveal():
                self._take(self.handshake.reveal(frame))
            case wire.Proof():
                self._take(self.handshake.proof(frame))


def side(
    role: Role,
    keys: Keys | None = None,
    *,
    binding: Binding = BINDING,
    versions: tuple[int, ...] = (1,),
    stops_at: Stage | None = None,
) -> Side:
    """One side, before its nonce is drawn; without keys it is Ann who invites and Bob who replies."""
    keys = keys or (ANN if role is INVITER else BOB)
    return Side(Handshake(LINK, role, keys.public, binding, versions), keys, stops_at)


def converse(inviter: Side, replier: Side) -> None:
    """Let both say all that they have to say, each frame changed on its way by nobody."""
    inviter.begin()
    replier.begin()
    heard = [0, 0]
    while True:
        for at, (speaker, hearer) in enumerate(((inviter, replier), (replier, inviter))):
            frames = speaker.said[heard[at] :]
            heard[at] += len(frames)
            for frame in frames:
                hearer.hears(frame)
        if heard == [len(inviter.said), len(replier.said)]:
            return


def two(inviter: Side | None = None, replier: Side | None = None) -> tuple[Side, Side]:
    """The two sides of a handshake, which has gone as far as it goes."""
    sides = inviter or side(INVITER), replier or side(REPLIER)
    converse(*sides)
    return sides


def at(role: Role, stage: Stage) -> Side:
    """A side that an honest peer has brought to that stage."""
    here = side(role, stops_at=stage)
    two(**{role.value: here})
    assert here.handshake.stage is stage
    return here


def hello_of(one: Side) -> wire.Hello:
    return next(frame for frame in one.said if isinstance(frame, wire.Hello))


def reveal_of(one: Side) -> wire.Reveal:
    return next(frame for frame in one.said if isinstance(frame, wire.Reveal))


def proof_of(one: Side) -> wire.Proof:
    return next(frame for frame in one.said if isinstance(frame, wire.Proof))


# Two who are who they say they are.


def test_both_know_each_other_in_the_end() -> None:
    inviter, replier = two()

    assert inviter.handshake.done
    assert replier.handshake.done
    assert inviter.handshake.peer == BOB.public
    assert replier.handshake.peer == ANN.public
    assert inviter.handshake.transcript() == replier.handshake.transcript()


def test_each_frame_comes_in_its_place() -> None:
    inviter, replier = two()

    assert [type(frame) for frame in inviter.said] == [wire.Hello, wire.Reveal]
    assert [type(frame) for frame in replier.said] == [wire.Hello, wire.Proof]


def test_the_inviter_commits_to_its_key_and_nonce_before_it_shows_them() -> None:
    inviter, _ = two()
    reveal = reveal_of(inviter)
    expected = hashlib.sha256(b"pychat commitment\0" + ANN.public + reveal.nonce).digest()

    assert reveal.key == ANN.public
    assert inviter.said[0] == wire.Hello((1,), (expected,))


def test_the_replier_says_nothing_before_the_inviter_has_committed() -> None:
    replier = side(REPLIER)
    replier.begin()
    assert replier.said == []

    replier.hears(wire.Hello((1,), (b"c" * 32,)))
    hello = hello_of(replier)
    assert (hello.versions, hello.parts[0], len(hello.parts[1])) == ((1,), BOB.public, 32)


def test_the_replier_proves_nothing_before_the_inviter_has_proved_who_it_is() -> None:
    replier = at(REPLIER, Stage.VERDICT)

    with pytest.raises(Failure):
        replier.handshake.verified(False)
    assert [type(frame) for frame in replier.said] == [wire.Hello]


def test_what_is_signed_is_all_that_both_have_seen() -> None:
    inviter, replier = two(side(INVITER, versions=(1, 2**40)), side(REPLIER, versions=(7, 3, 1)))
    transcript = (
        b"pychat handshake\x00"
        b"\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00"
        b"\x03\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x01"
        + b"i" * 32
        + b"a" * 32
        + b"b" * 32
        + ANN.public
        + BOB.public
        + reveal_of(inviter).nonce
        + hello_of(replier).parts[1]
    )

    assert inviter.handshake.transcript() == transcript
    assert is_genuine(ANN.public, reveal_of(inviter).signature, b"pychat proof of the inviter\x00" + transcript)
    assert is_genuine(BOB.public, proof_of(replier).signature, b"pychat proof of the replier\x00" + transcript)


def test_no_two_handshakes_are_alike() -> None:
    assert two()[0].handshake.transcript() != two()[0].handshake.transcript()


def test_two_tabs_of_one_person_know_that_they_are() -> None:
    inviter, replier = two(replier=side(REPLIER, ANN))

    assert inviter.handshake.done
    assert replier.handshake.done
    assert inviter.handshake.peer == replier.handshake.peer == ANN.public


@pytest.mark.parametrize("role", Role)
def test_only_the_last_stage_is_the_end(role: Role) -> None:
    assert [stage for stage in ORDER[role] if at(role, stage).handshake.done] == [Stage.DONE]


@pytest.mark.parametrize("role", Role)
def test_what_the_peer_says_waits_while_this_side_waits_for_its_keys(role: Role) -> None:
    busy = {stage for stage in ORDER[role] if at(role, stage).handshake.busy}

    assert busy == {Stage.NONCE, Stage.OWN_SIGNATURE, Stage.VERDICT}


def test_whoever_is_at_the_other_end_can_know_the_signs_before_it_has_proved_who_it_is() -> None:
    shown = {role: {s for s in ORDER[role] if at(role, s).handshake.shows_signs} for role in Role}

    # The inviter's key and nonce are out with its reveal, the replier's with its hello.
    assert shown[Role.INVITER] == {Stage.PROOF, Stage.VERDICT}
    assert shown[Role.REPLIER] == {Stage.REVEAL, Stage.VERDICT, Stage.OWN_SIGNATURE}


# What comes at another stage than its own is refused.

TAKES: dict[Stage, Callable[[Handshake], list[HandshakeStep]]] = {
    Stage.NONCE: lambda handshake: handshake.nonce_drawn(b"n" * 32),
    Stage.HELLO: lambda handshake: handshake.hello(
        wire.Hello((1,), (b"c" * 32,) if handshake.role is REPLIER else (EVE.public, b"n" * 32))
    ),
    Stage.REVEAL: lambda handshake: handshake.reveal(wire.Reveal(EVE.public, b"n" * 32, b"s" * 64)),
    Stage.PROOF: lambda handshake: handshake.proof(wire.Proof(b"s" * 64)),
    Stage.OWN_SIGNATURE: lambda handshake: handshake.signed(b"s" * 64),
    Stage.VERDICT: lambda handshake: handshake.verified(True),
}


@pytest.mark.parametrize(
    ("role", "stage", "what"),
    [(role, stage, what) for role in Role for stage in ORDER[role] for what in TAKES if what is not stage],
)
def test_what_comes_at_another_stage_is_refused_and_changes_nothing(role: Role, stage: Stage, what: Stage) -> None:
    here = at(role, stage)
    peer = here.handshake.peer

    with pytest.raises(RemoteError, match="out of order"):
        TAKES[what](here.handshake)
    assert (here.handshake.stage, here.handshake.peer) == (stage, peer)


@pytest.mark.parametrize(("role", "stage"), [(role, stage) for role in Role for stage in ORDER[role][:-1]])
def test_what_comes_at_its_stage_leads_to_the_next(role: Role, stage: Stage) -> None:
    here = at(role, stage)
    if stage is Stage.REVEAL:  # must be what was committed to
        here.handshake._commitment = commitment(EVE.public, b"n" * 32)
    TAKES[stage](here.handshake)

    assert here.handshake.stage is ORDER[role][ORDER[role].index(stage) + 1]


P = b"p" * 32


@pytest.mark.parametrize(
    ("role", "parts"),
    [
        *((INVITER, parts) for parts in ((), (P,), (P,) * 3, (P, P[1:]), (P[1:], P), (P + P,))),
        *((REPLIER, parts) for parts in ((), (P,) * 2, (P[1:],), (P + P,))),
    ],
)
def test_a_greeting_has_the_form_of_its_side(role: Role, parts: tuple[bytes, ...]) -> None:
    here = at(role, Stage.HELLO)

    with pytest.raises(RemoteError, match="form"):
        here.handshake.hello(wire.Hello((1,), parts))
    assert here.handshake.peer is None


# Each check by itself.


@pytest.mark.parametrize("changed", ["key", "nonce"])
def test_what_the_inviter_reveals_is_what_it_has_committed_to(changed: str) -> None:
    inviter = side(INVITER)
    replier = at(REPLIER, Stage.REVEAL)
    inviter.begin()
    other = {"key": EVE.public, "nonce": b"n" * 32}
    revealed = {"key": ANN.public, "nonce": inviter.handshake._nonce}
    replier.handshake._commitment = hello_of(inviter).parts[0]
    reveal = wire.Reveal(**(revealed | {changed: other[changed]}), signature=b"s" * 64)

    with pytest.raises(Failure, match="committed"):
        replier.handshake.reveal(reveal)


def test_a_commitment_tells_the_bytes_of_a_key_from_those_of_a_nonce() -> None:
    assert commitment(b"a" * 32, b"b" * 32) != commitment(b"b" * 32, b"a" * 32)
    assert commitment(ANN.public, b"n" * 32) == hashlib.sha256(b"pychat commitment\0" + ANN.public + b"n" * 32).digest()


def test_our_own_nonce_is_nobody_elses() -> None:
    inviter = at(INVITER, Stage.HELLO)
    with pytest.raises(Failure, match="back"):
        inviter.handshake.hello(wire.Hello((1,), (EVE.public, inviter.handshake._nonce)))

    replier = at(REPLIER, Stage.REVEAL)
    nonce = replier.handshake._nonce
    replier.handshake._commitment = commitment(EVE.public, nonce)
    with pytest.raises(Failure, match="back"):
        replier.handshake.reveal(wire.Reveal(EVE.public, nonce, b"s" * 64))


@pytest.mark.parametrize("role", Role)
def test_a_signature_that_is_not_genuine_ends_it(role: Role) -> None:
    here = at(role, Stage.VERDICT)

    with pytest.raises(Failure, match="signature"):
        here.handshake.verified(False)
    assert not here.handshake.done
    assert [type(frame) for frame in here.said][1:] == ([wire.Reveal] if role is INVITER else [])


OTHER = b"o" * 32


@pytest.mark.parametrize(
    "inviter",
    [
        pytest.param(side(INVITER, binding=replace(BINDING, invite=OTHER)), id="the invite"),
        pytest.param(
            side(INVITER, binding=replace(BINDING, inviter_fingerprint=OTHER)), id="the inviter's fingerprint"
        ),
        pytest.param(
            side(INVITER, binding=replace(BINDING, replier_fingerprint=OTHER)), id="the replier's fingerprint"
        ),
        pytest.param(
            side(INVITER, binding=replace(BINDING, inviter_fingerprint=b"b" * 32, replier_fingerprint=b"a" * 32)),
            id="whose fingerprint is whose",
        ),
    ],
)
def test_whoever_sees_another_connection_signs_something_else(inviter: Side) -> None:
    replier = side(REPLIER)

    with pytest.raises(Failure, match="signature"):
        converse(inviter, replier)
    assert [type(frame) for frame in replier.said] == [wire.Hello]
    assert not replier.handshake.done


def change_versions(frame: wire.Hello) -> wire.Hello:
    return replace(frame, versions=(*frame.versions, 9))


def change_key(frame: wire.Hello) -> wire.Hello:
    return replace(frame, parts=(EVE.public, frame.parts[1]))


def change_nonce(frame: wire.Hello) -> wire.Hello:
    return replace(frame, parts=(frame.parts[0], OTHER))


@pytest.mark.parametrize("change", [change_versions, change_key, change_nonce])
def test_a_repliers_greeting_that_was_changed_on_its_way_is_found_out(
    change: Callable[[wire.Hello], wire.Hello],
) -> None:
    inviter, replier = side(INVITER), side(REPLIER)
    inviter.begin()
    replier.begin()
    replier.hears(hello_of(inviter))
    inviter.hears(change(hello_of(replier)))

    with pytest.raises(Failure, match="signature"):
        replier.hears(reveal_of(inviter))


def test_versions_that_were_changed_on_their_way_to_the_replier_are_found_out() -> None:
    inviter, replier = side(INVITER, versions=(2, 1)), side(REPLIER, versions=(2, 1))
    inviter.begin()
    replier.begin()
    replier.hears(replace(hello_of(inviter), versions=(1,)))
    inviter.hears(hello_of(replier))

    with pytest.raises(Failure, match="signature"):
        replier.hears(reveal_of(inviter))


def test_a_side_cannot_be_shown_its_own_signature() -> None:
    inviter = side(INVITER)
    inviter.begin()
    inviter.hears(wire.Hello((1,), (ANN.public, OTHER)))  # somebody claims to be Ann too

    with pytest.raises(Failure, match="signature"):
        inviter.hears(wire.Proof(reveal_of(inviter).signature))


def test_the_signature_of_somebody_else_proves_nothing() -> None:
    inviter, replier = two(replier=side(REPLIER, stops_at=Stage.OWN_SIGNATURE))
    data = b"pychat proof of the replier\0" + replier.handshake.transcript()

    with pytest.raises(Failure, match="signature"):
        inviter.hears(wire.Proof(EVE.sign(data)))


# The transcript can be read in one way only.

BYTES = st.sampled_from([b"\0" * 32, b"\1" * 32, b"\0" * 31 + b"\1", b"\1" + b"\0" * 31])
NUMBERS = st.lists(st.sampled_from([1, 2, 256, 2**53 - 1]), min_size=1, max_size=4).map(tuple)
SEEN = st.tuples(BYTES, BYTES, BYTES, BYTES, BYTES, BYTES, BYTES, NUMBERS, NUMBERS)
Seen = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, tuple[int, ...], tuple[int, ...]]


def transcript_of(seen: Seen) -> bytes:
    invite, inviter_print, replier_print, key, peer, nonce, their_nonce, versions, their_versions = seen
    handshake = Handshake(LINK, INVITER, key, Binding(invite, inviter_print, replier_print), versions)
    handshake.peer, handshake._nonce, handshake._their_nonce = peer, nonce, their_nonce
    handshake._their_versions = their_versions
    return handshake.transcript()


@pytest.mark.slow
@given(SEEN, SEEN, st.integers(0, 8))
def test_whoever_has_seen_something_else_has_another_transcript(one: Seen, other: Seen, place: int) -> None:
    nearly = (*one[:place], other[place], *one[place + 1 :])
    for two_seen in (other, nearly):
        assert (transcript_of(one) == transcript_of(two_seen)) == (one == two_seen)  # type: ignore[arg-type]
