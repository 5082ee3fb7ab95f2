"""Connections that are gone before anything can be known of them."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from pychat.server.config import ServerLimits
from pychat.server.guard import Guard, allow_open_files, open_files

pytestmark = pytest.mark.anyio


class Transport(asyncio.Transport):
    """One that has no peer any more: it was reset before it was accepted."""

    aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
async def test_a_process_that_may_open_more_than_it_needs_keeps_its_limit() -> None:
    before = open_files()
    allow_open_files(before - 1)

    assert open_files() == before


async def test_connections_that_were_reset_before_they_were_accepted_count_for_nobody() -> None:
    registry = CollectorRegistry()
    guard = Guard(ServerLimits(connections=50, connections_per_address=1), (), registry)
    transports = [Transport() for _ in range(5)]
    for transport in transports:
        guard.admit(transport)
    assert registry.get_sample_value("pychat_connections") == 5
    assert not any(transport.aborted for transport in transports)

    for transport in transports:
        guard.release(transport)
        guard.release(transport)
        guard.expect_request(transport, True)  # what comes after the end changes nothing
    assert registry.get_sample_value("pychat_connections") == 0
