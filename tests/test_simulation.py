"""Cores that are joined by an unreliable network, thousands of times; each run is one seed.

PYCHAT_SIM_SEEDS says how many (3,000), PYCHAT_SIM_SEED replays one.
"""

import os

import pytest

from pychat.core import sync
from tests.parallel import in_parallel
from tests.sim import World

SEEDS = int(os.environ.get("PYCHAT_SIM_SEEDS", "3000"))
ONE_SEED = os.environ.get("PYCHAT_SIM_SEED")


def live_through(seeds: range) -> None:
    """Run these seeds, with a window so small that short messages fill it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync, "WINDOW", 3_000)
        patch.setattr(sync, "FRAME_TARGET", 500)
        for seed in seeds:
            try:
                World(seed).run()
            except Exception as error:
                error.add_note(f"seed {seed}: PYCHAT_SIM_SEED={seed} replays it")
                raise


@pytest.mark.slow
def test_whatever_the_network_and_people_do_nothing_is_lost_doubled_or_misdirected() -> None:
    if ONE_SEED is not None:
        live_through(range(int(ONE_SEED), int(ONE_SEED) + 1))
    else:
        in_parallel(live_through, range(SEEDS))


def test_a_few_such_lives_go_well() -> None:
    live_through(range(20))
