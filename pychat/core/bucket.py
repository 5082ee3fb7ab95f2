"""A limit on how often something may happen: a few times at once, and then once in a while (a token bucket)."""


class Bucket:
    """Args:
    burst: how often it may happen at once after a pause.
    interval: seconds after which it may happen once more.
    """

    def __init__(self, burst: int, interval: float) -> None:
        self._burst = burst
        self._interval = interval
        self._full_at = 0.0

    def ready_at(self, now: float) -> float:
        """When it may happen next: now, or later."""
        return max(now, self._full_at - (self._burst - 1) * self._interval)

    def take(self, now: float) -> None:
        """It happens."""
        self._full_at = max(self._full_at, now) + self._interval
