"""Lives in which programs crash and disks are restored, each of one seed; PYCHAT_SIM_SEED replays one."""

import os

import pytest

from pychat.core import log
from pychat.core.chat import conversation
from pychat.core.services import compaction, deletion, history, messaging
from tests.history_sim import Lives
from tests.parallel import in_parallel

ONE_SEED = os.environ.get("PYCHAT_SIM_SEED")


LITTLE = {"CONVERSATION_MOST": 9, "ALL_MOST": 20, "UNACKNOWLEDGED_MOST": 3, "STEP": 1, "MARGIN": 10}
"""KiB that are held, in one life of three: fewer than those of all that is said."""


def live_through(seeds: range) -> None:
    """Run these seeds, with so few segments read at once that much is read in parts."""
    for seed in seeds:
        with pytest.MonkeyPatch.context() as patch:
            for module in (history, deletion):
                patch.setattr(module, "SEGMENTS_AT_ONCE", 3)
            patch.setattr(history, "MESSAGES_AT_ONCE", 5)
            patch.setattr(compaction, "FEWEST", 2)
            patch.setattr(compaction, "SEGMENT_BYTES", 400)
            is_little = seed % 3 == 0
            if is_little:
                patch.setattr(log, "LOG_SIZE", 16)  # each run begins one: they alone would be too much
            for name, size in LITTLE.items() if is_little else ():
                for module in (conversation, messaging):
                    patch.setattr(module, name, size * 1024, raising=module is conversation)
            try:
                Lives(seed, *([10] if is_little else [])).run()
            except Exception as error:
                error.add_note(f"seed {seed}: PYCHAT_SIM_SEED={seed} replays it")
                raise


@pytest.mark.slow
def test_wherever_programs_crash_nothing_is_lost_doubled_or_shown_that_was_not_said() -> None:
    if ONE_SEED is not None:
        live_through(range(int(ONE_SEED), int(ONE_SEED) + 1))
    else:
        in_parallel(live_through, range(int(os.environ.get("PYCHAT_SIM_SEEDS", "1000"))))


def test_a_few_such_lives_go_well() -> None:
    live_through(range(4))
