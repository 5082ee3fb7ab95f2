"""What a connection tells about itself while it lives, reduced to what a person may want to know."""

import ipaddress
from dataclasses import dataclass
from enum import Enum

from pychat.core.webrtc.sdp import mdns_uuid


class Path(Enum):
    """The kind of way that packets take between the two."""

    LOCAL = "local"
    INTERNET = "internet"
    RELAY = "relay"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Stats:
    """A reading of the W3C statistics (webrtc-stats): the candidate pair in use and its counters.

    `round_trip` is in seconds, None while unmeasured; addresses are "" where the browser hides them.
    """

    local_kind: str = ""
    local_address: str = ""
    remote_kind: str = ""
    remote_address: str = ""
    round_trip: float | None = None
    bytes_sent: int = 0
    bytes_received: int = 0

    @property
    def path(self) -> Path:
        """By what kind of path the two are connected."""
        """By what kind of path the two are connected."""
        kinds = {self.local_kind, self.remote_kind}
        if not kinds - {""}:
            return Path.UNKNOWN
        if "relay" in kinds:
            return Path.RELAY
        if "srflx" in kinds or not (_may_be_local(self.local_address) and _may_be_local(self.remote_address)):
            return Path.INTERNET
        # A peer-reflexive address of ours is one that a NAT has made, unless it is seen to be a local one.
        return Path.LOCAL if self.local_kind == "host" or self.local_address else Path.INTERNET


def _may_be_local(address: str) -> bool:
    """Whether an address is of a local network; hidden ones and mDNS names are taken for local."""
    if not address or mdns_uuid(address) is not None:
        return True
    try:
        ip = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return True
    return ip.is_private or ip.is_link_local or ip.is_loopback
