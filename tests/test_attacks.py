"""Somebody in the middle tries everything, at least a thousand times; each run is one seed.

PYCHAT_ATTACK_SEEDS says how many attacks, and as many undisturbed meetings (1,700); PYCHAT_ATTACK_SEED replays one.
"""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pychat.core import wire
from pychat.core.handshake import Handshake
from pychat.core.identity import safety
from pychat.core.identity.contacts import Contacts
from pychat.core.link import CloseReason
from tests.parallel import in_parallel
from tests.swapper import (
    SWAPPERS,
    AlteredInvite,
    Breach,
    Claim,
    Guess,
    InvitersCertificate,
    Relay,
    Replay,
    SameIdentity,
    Scene,
    Swapper,
    TalkingDown,
    TwiceGreeting,
)

pytestmark = pytest.mark.slow

SEEDS = int(os.environ.get("PYCHAT_ATTACK_SEEDS", "1700"))
ONE_SEED = os.environ.get("PYCHAT_ATTACK_SEED")


def play(seed: int, swapper: type[Swapper] | None) -> Scene:
    """One run, between two who both speak a later version too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "VERSIONS", (2, 1))
        scene = Scene(seed, swapper)
        try:
            scene.run()
        except Exception as error:
            error.add_note(f"seed {seed}, {swapper.__name__ if swapper else 'nobody'} in the middle")
            raise
        return scene


def attack(seeds: range) -> None:
    for seed in seeds:
        play(seed, SWAPPERS[seed % len(SWAPPERS)])


def meet_undisturbed(seeds: range) -> None:
    for seed in seeds:
        play(seed, None)


def some_or_all(work: Callable[[range], None]) -> None:
    if ONE_SEED is not None:
        work(range(int(ONE_SEED), int(ONE_SEED) + 1))
    else:
        in_parallel(work, range(SEEDS))


@pytest.mark.slow
def test_whoever_sits_in_the_middle_is_taken_for_nobody_else_and_nothing_is_lost() -> None:
    some_or_all(attack)


@pytest.mark.slow
def test_two_whom_nobody_disturbs_never_get_an_alarm() -> None:
    some_or_all(meet_undisturbed)


@pytest.mark.parametrize("swapper", SWAPPERS)
def test_each_attack_gets_as_far_as_it_is_meant_to(swapper: type[Swapper]) -> None:
    endings: Counter[CloseReason | None] = Counter()
    for seed in range(10):
        for victim in play(seed, swapper).both:
            endings.update(victim.endings.values())

    assert set(swapper.typical) <= set(endings), endings


def test_who_compares_nothing_can_be_overheard_and_knows_that_they_have_not_compared() -> None:
    scenes = [play(seed, Swapper) for seed in range(10)]

    assert sum(len(scene.overheard) for scene in scenes) > 50
    between = [
        contact for scene in scenes for victim in scene.both for contact in victim.node.people.contacts
        if contact.key not in {one.key for one in scene.both}
    ]  # fmt: skip
    assert between
    assert not any(contact.verified for contact in between)


# The checks are alive: without one of them an attack gets through.


def nothing(*_: object) -> None:
    pass


def not_bound(*_: object) -> bytes:
    return b""


def signed_by_anybody(handshake: Handshake, _: object) -> bytes:
    return handshake.transcript()


def any_order(handshake: Handshake, _: object) -> None:
    handshake.stage = next(handshake._stages)


CHECKS: dict[str, tuple[dict[str, Any], type[Swapper], str]] = {
    "fingerprints": ({"_bound_fingerprints": not_bound}, InvitersCertificate, "taken for"),
    "invite": ({"_bound_invite": not_bound}, AlteredInvite, "have not seen the same"),
    "connection": ({"_bound_fingerprints": not_bound, "_bound_invite": not_bound}, Relay, "taken for"),
    "nonces": ({"_bound_nonces": not_bound}, Replay, "taken for"),
    "versions": ({"_bound_versions": not_bound}, TalkingDown, "have not seen the same"),
    "signature": ({"_check_signature": nothing}, Claim, "taken for"),
    "role": ({"_signed_by": signed_by_anybody}, SameIdentity, "taken for"),
    "order": ({"_advance": any_order}, TwiceGreeting, "taken for"),
}
"""What is taken away from the handshake, who finds it, and what the breach is."""


def find_a_breach(swapper: type[Swapper]) -> str:
    """What the first of a few attacks that gets through has got."""
    for seed in range(20):
        try:
            play(seed, swapper)
        except Breach as breach:
            return str(breach)
    return ""


@pytest.mark.parametrize("check", CHECKS)
def test_without_this_check_an_attack_gets_through(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    removed, swapper, breach = CHECKS[check]
    assert find_a_breach(swapper) == ""

    for name, instead in removed.items():
        assert hasattr(Handshake, name)
        monkeypatch.setattr(Handshake, name, instead)
    assert breach in find_a_breach(swapper)


@pytest.mark.slow
def test_without_the_commitment_signs_can_be_guessed_and_with_it_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "SHORT_BITS", 12)  # so that it takes some thousand nonces
    monkeypatch.setattr(Guess, "tries", 100_000)
    assert find_a_breach(Guess) == ""

    monkeypatch.setattr(Handshake, "_check_commitment", nothing)
    assert find_a_breach(Guess) == "the signs are alike although somebody is in between"


def test_without_the_look_at_names_somebody_passes_for_somebody_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_a_breach(Swapper) == ""

    monkeypatch.setattr(Contacts, "namesake", nothing)
    assert find_a_breach(Swapper) == "something is sent to somebody with a name that is known, without a warning"
