"""What the WebRTC stack under this core can do, as its port reports it; the core decides what to do without."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The defaults are what the W3C asks of every stack.

    `trickles`: candidates come as events while they are found. Else the local description has all of them.

    `can_restart`: ICE can be restarted, or recovers by itself, after it has failed. Else a failure is final.

    `keeps_checking`: a side that has answered goes on with ICE checks for as long as the other needs to paste the
    reply. Firefox does not: it gives up for good when every pair has failed and five seconds have passed. Nor does
    aiortc, whose checks fall silent after half a minute, so that a NAT on the way forgets them.

    `can_roll_back`: an offer of our own can be taken back for one of the peer's. Else that takes a fresh connection.
    """

    trickles: bool = True
    can_restart: bool = True
    keeps_checking: bool = True
    can_roll_back: bool = True
