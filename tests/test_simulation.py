"""Cores that are joined by an unreliable network, thousands of times, with codes or in rooms; each run is one seed.

PYCHAT_SIM_SEEDS says how many (3,000, and a third as many in rooms), PYCHAT_SIM_SEED replays one.
"""

import os
from functools import partial

import pytest

from pychat.core import log, sync
from pychat.core.chat import chats, conversation
from tests.parallel import in_parallel
from tests.rooms_sim import Guest, RoomsWorld
from tests.sim import World

SEEDS = int(os.environ.get("PYCHAT_SIM_SEEDS", "3000"))
ONE_SEED = os.environ.get("PYCHAT_SIM_SEED")
WORLDS = pytest.mark.parametrize("world", [World, RoomsWorld], ids=["codes", "rooms"])


def live_through(world: type[World], seeds: range) -> None:
    """Run these seeds, with a window so small that short messages fill it; every third keeps only the last messages."""
    for seed in seeds:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sync, "WINDOW", 3_000)
            patch.setattr(sync, "FRAME_TARGET", 500)
            if seed % 3 == 0:
                keep_little(patch)
            try:
                world(seed).run()
            except Exception as error:
                error.add_note(f"seed {seed}: PYCHAT_SIM_SEED={seed} replays it")
                raise


def keep_little(patch: pytest.MonkeyPatch) -> None:
    """Let a conversation hold some twenty messages, and know of the last two logs how far they were read."""
    for name, size in {"CONVERSATION_MOST": 12, "UNACKNOWLEDGED_MOST": 3, "STEP": 1}.items():
        patch.setattr(conversation, name, size * 1024)
    patch.setattr(World, "keeps_little", True)
    patch.setattr(log, "MAX_COUNTS", 2)
    patch.setattr(chats, "REMEMBERED_LOGS", 2)
    patch.setattr(chats, "REMEMBERED_PEOPLE", 1)


@pytest.mark.slow
@WORLDS
def test_whatever_the_network_and_people_do_nothing_is_lost_doubled_or_misdirected(world: type[World]) -> None:
    if ONE_SEED is not None:
        live_through(world, range(int(ONE_SEED), int(ONE_SEED) + 1))
    else:
        in_parallel(partial(live_through, world), range(SEEDS if world is World else SEEDS // 3))


@WORLDS
def test_a_few_such_lives_go_well(world: type[World]) -> None:
    live_through(world, range(3))


def test_if_keys_did_not_depend_on_the_secret_strangers_would_be_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for_all = bytes(32)
    monkeypatch.setattr(Guest, "_derive", lambda _self, _secret, _salt, info, size: (info + for_all)[-size:])
    with pytest.raises(AssertionError, match="without the secret"):
        live_through(RoomsWorld, range(100))
