"""Long runs, shared among the processors."""

import gc
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

_TOO_FEW = 200  # a process takes longer to start


def in_parallel(work: Callable[[range], None], numbers: range) -> None:
    """Call `work`, a function of a module, for parts of `numbers`; what it raises is raised here."""
    processes = os.cpu_count() or 1
    if processes == 1 or len(numbers) < _TOO_FEW:
        work(numbers)
        return
    # A spawned process is clean: nothing of this one's threads and patches.
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for _ in pool.map(partial(_undisturbed, work), [numbers[start::processes] for start in range(processes)]):
            pass


def _undisturbed(work: Callable[[range], None], numbers: range) -> None:
    """Call `work` so that no search for garbage looks again and again at the modules, which stay."""
    gc.freeze()
    work(numbers)
