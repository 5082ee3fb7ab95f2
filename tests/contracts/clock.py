"""What a clock does."""

from tests.contracts.kit import Kit, Port, contract


@contract(Port.CLOCK)
async def tells_the_seconds_since_1970(kit: Kit) -> None:
    for _ in range(1000):
        before, now, after = kit.other_clock(), kit.clock(), kit.other_clock()
        assert isinstance(now, float), now
        # Some clocks are cut to milliseconds, and to more where a browser hides the exact time.
        assert before - 1 <= now <= after + 1, (before, now, after)
