"""The order of the tests, and how the workers share them."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.terminal.command import Commands
from tests.terminal.prepared import Prepared

pytest.register_assert_rewrite("tests.contracts", "tests.friend")

SINGLY = {
    f"tests/{name}.py"
    for name in (
        "browser/test_access",
        "browser/test_boot",
        "browser/test_chat",
        "browser/test_codes",
        "browser/test_demo",
        "browser/test_identity",
        "browser/test_policy",
        "browser/test_rest",
        "browser/test_room",
        "browser/test_settings",
        "browser/test_swapper",
        "browser/test_terminal",
        "terminal/test_identity",
        "terminal/test_on_a_terminal",
        "terminal/test_pipe",
        "terminal/test_room",
    )
}
"""Long files whose tests have little in common that would have to be made for each worker."""


@pytest.fixture(scope="session")
def prepared() -> Iterator[Prepared]:
    """What starts commands without their importing everything anew."""
    with Prepared() as prepared:
        yield prepared


@pytest.fixture
def commands(tmp_path: Path, prepared: Prepared) -> Iterator[Commands]:
    """Starts `pychat`, as persons in a terminal do."""
    with Commands(tmp_path, prepared) as commands:
        yield commands


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors, for much of the time a test waits for what the network is patient with.

    Those that are quick wait for nothing.
    """
    return (os.cpu_count() or 1) + ("not slow" not in config.option.markexpr)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A worker takes a whole file, or one test of a file whose tests are shared out singly."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    scheduling = LoadFileScheduling(config, log)
    scheduling._split_scope = _unit
    return scheduling


def pytest_collection_finish() -> None:
    """What is there before the first test stays till the end: no search for garbage need look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last; once Playwright runs, no other event loop can run in this thread.

    What does little but wait is spread evenly among them, for then it takes no time. Whole files come first, then those
    with few tests, which are long ones: the last tests should be short.
    """
    sizes = Counter(item.path for item in items)
    places: dict[str, float] = {}
    for marker in ("browser", "waits"):
        tests = [item for item in items if item.get_closest_marker(marker)]
        tests.sort(key=lambda item: (_unit(item.nodeid) == item.nodeid, sizes[item.path], item.path.name))
        units = list(dict.fromkeys(_unit(item.nodeid) for item in tests))
        places |= {unit: place / len(units) for place, unit in enumerate(units)}
    # What is quick comes first of all: it shows first what is wrong.
    items.sort(key=lambda item: places.get(_unit(item.nodeid), -1))


def _unit(nodeid: str) -> str:
    """What one worker takes: the file of a test, or the test alone."""
    path = nodeid.split("::", 1)[0]
    return nodeid if path in SINGLY else path
