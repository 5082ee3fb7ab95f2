"""Handshakes that a peer breaks off once it can know the signs: each may have been a guess.

Theory of operation. Somebody in the middle has one guess at the short string in each handshake, and learns that it has
failed early enough to break off before anybody compares (docs/reference/protocol.md). With pasted codes the next
guess needs new ones from both. In a room it needs nothing but another link, and nobody sees it, for whoever has not
proved who they are is shown to nobody. So such handshakes are counted here, and each lets whoever comes next wait twice
as long as the one before. A path that breaks in just that moment looks the same: it costs seconds at first, and never
more than ten minutes, for a link that ends otherwise was no guess and lets the next one begin at once.
"""

WAIT_FIRST, WAIT_LAST = 1.0, 600.0
"""Seconds until the next link may begin, after the first such handshake and at most."""
FORGOTTEN_AFTER = 86_400.0
"""Seconds without one after which they no longer count."""
SEVERAL = 4
"""So many are no accident: the person is told."""


class Guesses:
    """Those of one room, since its link was made, or somebody who is verified has come."""

    def __init__(self) -> None:
        self.count = 0
        self._last = 0.0
        self._ready = 0.0

    def broken_off(self, now: float) -> None:
        """The peer of a link that is over could know the signs, and had not proved who it is."""
        self._forget(now)
        self.count += 1
        self._last = now
        self.take(now)

    def harmless(self, begun: float, now: float) -> None:
        """A link that began then is over, or proved, and was no guess: nobody has to wait because of it any more.

        Two who wait for each other would else never meet: each begins when its own time has come, and not the other's.
        """
        if begun > self._last:
            self._ready = min(self._ready, now)

    def ready_at(self, now: float) -> float:
        """When the next link may begin: now, or later."""
        return max(now, self._ready)

    def take(self, now: float) -> None:
        """A link begins, and may be the next guess: another one has to wait as if it were."""
        self._forget(now)
        if self.count:
            self._ready = now + min(WAIT_LAST, WAIT_FIRST * float(2 ** min(self.count - 1, 20)))

    def _forget(self, now: float) -> None:
        if now - self._last > FORGOTTEN_AFTER:
            self.count = 0
