"""Ports without a platform: they work as the real ones do, within one process and one event loop.

Peer connections find each other by the addresses in their descriptions, and connect only where credentials and
fingerprints agree. What one does reaches the other through the loop, in order, and never at once. What they have in
common with the real ones is in tests/contracts.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from pychat.core import effects, events
from pychat.core.errors import LocalError
from pychat.core.ids import LinkId
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.ice import IceConfig, ServerError, format_servers, parse_servers
from pychat.core.webrtc.sdp import (
    MAX_MESSAGE_SIZE,
    Candidate,
    CandidateKind,
    Description,
    DescriptionKind,
    candidate_attribute,
    parse_candidate,
    parse_description,
    to_sdp,
)
from pychat.core.webrtc.stats import Stats
from pychat.ports import PortError, Post


@dataclass
class FakeNetwork:
    """Who can be reached where; everybody reaches everybody."""

    peers: dict[Candidate, FakePeerConnection] = field(default_factory=dict)
    _ports: count[int] = field(default_factory=lambda: count(1024))

    def join(self, peer: FakePeerConnection, kind: CandidateKind) -> Candidate:
        """Give a connection an address."""
        address = "192.0.2.1" if kind is CandidateKind.HOST else "198.51.100.1"
        candidate = Candidate(kind, address, next(self._ports))
        self.peers[candidate] = peer
        return candidate

    def leave(self, peer: FakePeerConnection) -> None:
        for candidate in peer.candidates:
            del self.peers[candidate]

    def check(self) -> None:
        """Let all look for a path once more; something has changed."""
        for peer in list(self.peers.values()):
            peer.check()


class FakeConnect:
    """Implements `ports.PeerConnectionFactory`; two of one network can connect."""

    def __init__(self, network: FakeNetwork, capabilities: Capabilities = Capabilities()) -> None:
        self.network = network
        self.capabilities = capabilities

    def __call__(self, link: LinkId, ice: IceConfig, post: Post) -> FakePeerConnection:
        try:
            understood = parse_servers(format_servers(ice.servers)) == ice.servers
        except ServerError:
            understood = False
        if not understood:
            raise PortError("a server's address is none")
        return FakePeerConnection(link, ice, post, self.network, trickles=self.capabilities.trickles)


class FakeDataChannel:
    """Implements `ports.DataChannel`."""

    def __init__(self, peer: FakePeerConnection, number: int) -> None:
        self._peer = peer
        self._number = number
        self._state = "connecting"

    def send(self, data: str) -> None:
        text = data.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self._send(text.encode(), text)

    def send_bytes(self, data: bytes) -> None:
        """Send what only other programs send."""
        self._send(data, "")

    def close(self) -> None:
        if self._state in ("connecting", "open"):
            self._state = "closing"
            self._peer.later(self.closed)
            self._peer.at_other(self._number, FakeDataChannel.closed)

    def _send(self, data: bytes, frame: str) -> None:
        if self._state != "open":
            raise PortError("the channel is not open")
        if len(data) > MAX_MESSAGE_SIZE:
            raise PortError(f"the peer does not take {len(data)} bytes")
        self._peer.bytes_sent += len(data)
        self._peer.at_other(self._number, lambda channel: channel.received(len(data), frame))

    # What comes from the other side, or from the connection.

    def opened(self) -> None:
        if self._state == "connecting":
            self._state = "open"
            self._peer.tell(events.ChannelOpened(self._peer.link))

    def received(self, size: int, frame: str) -> None:
        if self._state == "open":
            self._peer.bytes_received += size
            self._peer.tell(events.FrameReceived(self._peer.link, frame))

    def closed(self) -> None:
        if self._state != "closed":
            self._state = "closed"
            self._peer.tell(events.ChannelClosed(self._peer.link))


class FakePeerConnection:
    """Implements `ports.PeerConnection`."""

    def __init__(self, link: LinkId, ice: IceConfig, post: Post, network: FakeNetwork, *, trickles: bool) -> None:
        self.link = link
        self.candidates: tuple[Candidate, ...] = ()
        self.bytes_sent = 0
        self.bytes_received = 0
        self._ice = ice
        self._post = post
        self._network = network
        self._trickles = trickles
        self._loop = asyncio.get_running_loop()
        self._fingerprint = secrets.token_bytes(32)
        self._ufrag = secrets.token_hex(4)
        self._pwd = secrets.token_hex(16)
        self._channels: dict[int, FakeDataChannel] = {}
        self._local: DescriptionKind | None = None
        self._remote: Description | None = None
        self._known: set[Candidate] = set()
        self._checking = False
        self._other: FakePeerConnection | None = None
        self._closed = False

    # The port.

    async def offer(self, *, restart: bool = False) -> str:
        return await self._describe(DescriptionKind.OFFER)

    async def answer(self) -> str:
        if self._remote is None or self._remote.kind is not DescriptionKind.OFFER:
            raise PortError("there is no offer to answer")
        return await self._describe(DescriptionKind.ANSWER)

    async def _describe(self, kind: DescriptionKind) -> str:
        await self._a_moment()
        expected = DescriptionKind.OFFER if self._remote is None else DescriptionKind.ANSWER
        if self._local is not None or kind is not expected:
            raise PortError(f"an {kind.value} of one's own has no place here")
        self._local = kind
        if not self._trickles:
            await self._a_moment()  # gathering takes its time
            self._gather()
        in_force = self._description(kind)
        if self._trickles:
            self.later(self._gather)
        return in_force

    async def set_remote_description(self, kind: DescriptionKind, sdp: str) -> None:
        await self._a_moment()
        expected = DescriptionKind.OFFER if self._local is None else DescriptionKind.ANSWER
        if self._remote is not None or kind is not expected:
            raise PortError(f"an {kind.value} has no place here")
        self._remote = _parsed(kind, sdp)
        self._known |= set(self._remote.candidates)
        self._look_for_path()

    async def add_candidate(self, candidate: str) -> None:
        await self._a_moment()
        parsed = parse_candidate(candidate)
        if parsed is None or self._remote is None:
            raise PortError("the candidate is malformed, or there is no description that it belongs to")
        self._known.add(parsed)
        self._look_for_path()

    def open_channel(self, label: str, number: int) -> FakeDataChannel:
        if number in self._channels:
            raise PortError(f"channel {number} is there already")
        self._channels[number] = FakeDataChannel(self, number)
        return self._channels[number]

    async def stats(self) -> Stats:
        await self._a_moment()
        if self._other is None:
            return Stats()
        (local,), (remote,) = self.candidates, self._other.candidates
        return Stats(
            local_kind=local.kind.value,
            local_address=local.address,
            remote_kind=remote.kind.value,
            remote_address=remote.address,
            bytes_sent=self.bytes_sent,
            bytes_received=self.bytes_received,
        )

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._network.leave(self)
        for channel in self._channels.values():
            channel.closed()
        if self._other is not None:
            self.later(self._other.left)

    # For channels and for the other side.

    def tell(self, event: events.Event) -> None:
        if not self._closed:
            self._post(event)

    def later(self, action: Callable[[], None]) -> None:
        """Do it when the loop comes round, and after all that was to be done later before."""
        self._loop.call_soon(action)

    def at_other(self, number: int, action: Callable[[FakeDataChannel], None]) -> None:
        """Let something happen to the other end of a channel."""
        if self._other is not None:
            other = self._other._channels[number]
            self.later(lambda: action(other))

    def left(self) -> None:
        """The other side has closed."""
        for channel in self._channels.values():
            channel.closed()
        self.tell(events.ConnectionStateChanged(self.link, events.ConnectionState.CLOSED))

    def check(self) -> None:
        """Connect to the other side if it is at one of the known addresses and accepts this one's credentials."""
        for candidate in self._known:
            peer = self._network.peers.get(candidate)
            if peer is not None and self._other is None and self._accepts(peer) and peer._accepts(self):
                self._other, peer._other = peer, self
                for side in (self, peer):
                    side.tell(events.IceStateChanged(side.link, events.IceState.CONNECTED))
                self.later(self._secure)

    # ICE and DTLS.

    async def _a_moment(self) -> None:
        await asyncio.sleep(0)
        if self._closed:
            raise PortError("the connection is closed")

    def _description(self, kind: DescriptionKind) -> str:
        return to_sdp(Description(kind, self._fingerprint, self._ufrag, self._pwd, self.candidates))

    def _gather(self) -> None:
        if self._closed:
            return
        if not self._ice.relay_only:
            self.candidates = (self._network.join(self, CandidateKind.HOST),)
        elif self._ice.has_turn:
            self.candidates = (self._network.join(self, CandidateKind.RELAYED),)
        self._look_for_path()
        if self._trickles:
            for i, candidate in enumerate(self.candidates):
                self.tell(events.CandidateFound(self.link, candidate_attribute(candidate, i)))
            self.tell(events.GatheringFinished(self.link))

    def _look_for_path(self) -> None:
        if self._remote is None or not self.candidates:
            return
        if not self._checking:
            self._checking = True
            self.tell(events.IceStateChanged(self.link, events.IceState.CHECKING))
            self.tell(events.ConnectionStateChanged(self.link, events.ConnectionState.CONNECTING))
        self.later(self._network.check)

    def _accepts(self, peer: FakePeerConnection) -> bool:
        if not self._checking or self._other is not None or self._remote is None:
            return False
        return (self._remote.ufrag, self._remote.pwd) == (peer._ufrag, peer._pwd)

    def _secure(self) -> None:
        """Check the certificates of both; the channels open only if each has the one that was announced."""
        assert self._other is not None
        sides = self, self._other
        cheated = [side for side in sides if not side._has_certificate_of_other()]
        for side in cheated:
            side.tell(events.ConnectionStateChanged(side.link, events.ConnectionState.FAILED))
        if cheated:
            return
        for side in sides:
            side.tell(events.ConnectionStateChanged(side.link, events.ConnectionState.CONNECTED))
        for number in self._channels.keys() & self._other._channels.keys():
            for side in sides:
                side.later(side._channels[number].opened)

    def _has_certificate_of_other(self) -> bool:
        assert self._remote is not None
        assert self._other is not None
        return self._remote.fingerprint == self._other._fingerprint


class FakeStore:
    """Implements `ports.Store`; `kept` is what others of the same place share."""

    def __init__(self, kept: dict[str, str] | None = None) -> None:
        self._kept = {} if kept is None else kept

    def load(self, key: str) -> str | None:
        return self._kept.get(key)

    def save(self, key: str, text: str) -> None:
        self._kept[key] = text

    def update(self, key: str, change: Callable[[str | None], str]) -> None:
        self.save(key, change(self.load(key)))


class FakeTabs:
    """Implements `ports.Tabs`; `browser` is the list of all tabs of one browser, in which it enters itself."""

    def __init__(self, browser: list[FakeTabs], post: Post) -> None:
        self._browser = browser
        self._post = post
        self._loop = asyncio.get_running_loop()
        browser.append(self)

    def offer_code(self, text: str) -> None:
        self._tell_others(events.CodeFromTab(text))

    def tell_code_taken(self, text: str) -> None:
        self._tell_others(events.CodeTakenByTab(text))

    def tell_kept(self, changes: Sequence[effects.KeptChanges]) -> None:
        for change in changes:
            self._tell_others(events.KeptByTab(change.head, change.segment))

    def _tell_others(self, event: events.Event) -> None:
        for tab in self._browser:
            if tab is not self:
                self._loop.call_soon(tab._post, event)


class FakeLeases:
    """Implements `ports.Leases`; `held` is what all programs of one person hold."""

    def __init__(self, held: dict[str, FakeLeases]) -> None:
        self._held = held

    async def take(self, name: str) -> bool:
        return self._held.setdefault(name, self) is self

    def release(self, name: str) -> None:
        if self._held.get(name) is self:
            del self._held[name]


def _parsed(kind: DescriptionKind, sdp: str) -> Description:
    try:
        return parse_description(kind, sdp)
    except LocalError as error:
        raise PortError(str(error)) from error
