"""RTCPeerConnection and RTCDataChannel of aiortc, as the driver's ports ask for them.

Handlers do nothing but post an event. A few things that a browser does by itself aiortc has no public way to ask for;
they are in `_Inside`, and the version of aiortc is pinned for them.
"""

import asyncio
import socket
from collections.abc import Awaitable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

import aioice.ice
from aioice import stun
from aioice.ice import CandidatePair
from aioice.mdns import is_mdns_hostname
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSctpTransport,
    RTCSessionDescription,
)
from aiortc.rtcconfiguration import RTCIceTransportPolicy
from aiortc.rtcicetransport import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from pychat.core import events
from pychat.core.errors import LocalError
from pychat.core.ids import LinkId
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.sdp import DescriptionKind, parse_description
from pychat.core.webrtc.stats import Stats
from pychat.ports import PortError, Post

_Result = TypeVar("_Result")


class NativeConnect:
    """Implements `ports.PeerConnectionFactory`; it holds what still goes on after a connection was closed."""

    capabilities: ClassVar = Capabilities(trickles=False, can_restart=False, keeps_checking=False, can_roll_back=False)

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, link: LinkId, ice: IceConfig, post: Post) -> "NativePeerConnection":
        """Make a connection for this link."""
        _forget_other_loops()
        return NativePeerConnection(link, ice, post, self)

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something go on by itself; what goes wrong with it ends nothing."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def finish(self) -> None:
        """Wait until all that was closed has told its peer and let go of its sockets."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it is known now, so that the loop does not complain


class NativeDataChannel:
    """Implements `ports.DataChannel`."""

    def __init__(self, peer: "NativePeerConnection", raw: RTCDataChannel) -> None:
        self._peer = peer
        self._raw = raw

    def send(self, data: str) -> None:
        """Send one text message. Raises PortError when the channel is not open."""
        if self._peer.closed or self._raw.readyState != "open":
            raise PortError("the channel is not open")
        try:
            self._raw.send(data)
        except ValueError as error:
            raise PortError(_words(error)) from error

    def close(self) -> None:
        """Close the channel."""
        self._raw.close()


class NativePeerConnection:
    """Implements `ports.PeerConnection`."""

    def __init__(self, link: LinkId, ice: IceConfig, post: Post, connect: NativeConnect) -> None:
        self._link = link
        self._post = post
        self._connect = connect
        self._going_on: list[asyncio.Task[None]] = []
        self.closed = False
        self._pc = RTCPeerConnection(_configuration(ice))
        self._inside = _Inside(self._pc)
        self._pc.on("iceconnectionstatechange", self._iceconnectionstatechange)
        self._pc.on("connectionstatechange", self._connectionstatechange)

    async def offer(self, *, restart: bool = False) -> str:
        """Make an offer and set it; return the local description once all candidates are gathered."""
        assert not restart, "aiortc cannot, as its capabilities say"
        return await self._describe(await _asked(self._pc.createOffer()))

    async def answer(self) -> str:
        """Answer the remote offer and set the answer; return the local description once all candidates are gathered."""
        return await self._describe(await _asked(self._pc.createAnswer()))

    async def _describe(self, description: RTCSessionDescription) -> str:
        # Shielded, for aioice forgets the sockets that it has opened when it is stopped while it opens others.
        gathering = asyncio.ensure_future(self._pc.setLocalDescription(description))
        gathering.add_done_callback(self._gathered)
        await _asked(asyncio.shield(gathering))
        if self.closed:
            raise PortError("the connection is closed")
        self._begin(self._inside.stay_reachable())
        return _ways_out_first(self._pc.localDescription.sdp)

    async def set_remote_description(self, kind: DescriptionKind, sdp: str) -> None:
        """Set the remote description; mDNS names in it are resolved meanwhile."""
        try:
            parse_description(kind, sdp)  # what it lacks aiortc would notice too late, where nobody hears of it
        except LocalError as error:
            raise PortError(_words(error)) from error
        lines = sdp.splitlines(keepends=True)
        names = [line for line in lines if line.startswith("a=candidate:") and ".local " in line]
        rest = "".join(line for line in lines if line not in names)
        await _asked(self._pc.setRemoteDescription(RTCSessionDescription(rest, kind.value)))
        for line in names:
            await self.add_candidate(line.strip().removeprefix("a="))

    async def add_candidate(self, candidate: str) -> None:
        """Add a remote ICE candidate, or check a known one again."""
        try:
            parsed = candidate_from_sdp(candidate.removeprefix("candidate:"))
        except (ValueError, AssertionError) as error:
            raise PortError("the candidate is malformed") from error
        parsed.sdpMid = "0"
        self._inside.check_again(parsed)
        adding = self._pc.addIceCandidate(parsed)
        if is_mdns_hostname(parsed.ip):  # one that nobody answers to would hold up all the rest for a second
            self._begin(adding)
        else:
            await _asked(adding)

    def open_channel(self, label: str, channel_id: int) -> NativeDataChannel:
        """Open a negotiated, ordered and reliable channel with this id."""
        try:
            raw = self._pc.createDataChannel(label, negotiated=True, id=channel_id, ordered=True)
        except ValueError as error:
            raise PortError(_words(error)) from error
        self._inside.keep_within_bounds()
        self._inside.pass_over_nothing()
        self._inside.send_nothing_after_the_end()
        link = self._link
        raw.on("open", lambda: self._tell(events.ChannelOpened(link)))
        raw.on("close", lambda: self._tell(events.ChannelClosed(link)))
        # Bytes are no frame of this channel.
        raw.on("message", lambda data: self._tell(events.FrameReceived(link, data if isinstance(data, str) else "")))
        return NativeDataChannel(self, raw)

    async def stats(self) -> Stats:
        """The selected candidate pair and the bytes over it."""
        return self._inside.stats()

    def close(self) -> None:
        """Close the connection; what was sent just before still goes out."""
        if self.closed:
            return
        self.closed = True
        for task in self._going_on:
            task.cancel()
        self._inside.ask_no_more()
        # A task, so that what was sent just before still goes out.
        self._connect.begin(self._inside.end_in_time(self._pc.close()))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on beside, at the longest until the connection is closed."""
        self._going_on.append(self._connect.begin(work))

    def _gathered(self, gathering: asyncio.Future[None]) -> None:
        if self.closed:  # so nobody waits for it any more
            self._connect.begin(self._inside.end_in_time(self._inside.let_go()))
            if not gathering.cancelled():
                gathering.exception()

    def _tell(self, event: events.Event) -> None:
        if not self.closed:
            self._post(event)

    def _iceconnectionstatechange(self) -> None:
        self._tell(events.IceStateChanged(self._link, events.IceState(self._pc.iceConnectionState)))

    def _connectionstatechange(self) -> None:
        self._tell(events.ConnectionStateChanged(self._link, events.ConnectionState(self._pc.connectionState)))


async def _nothing() -> None:
    """Do nothing."""


def _end_asking(transactions: Iterable[stun.Transaction]) -> None:
    """Let what was asked go without an answer."""
    for transaction in transactions:
        answer: asyncio.Future[Any] = vars(transaction)["_Transaction__future"]
        if not answer.done():
            answer.set_exception(stun.TransactionTimeout())


class _Inside:
    """What aiortc and aioice have no public way to ask for; of use once a channel was opened."""

    def __init__(self, pc: RTCPeerConnection) -> None:
        self._pc = pc

    @property
    def _sctp(self) -> RTCSctpTransport:
        assert self._pc.sctp is not None
        return self._pc.sctp

    def check_again(self, candidate: RTCIceCandidate) -> None:
        """Check a known candidate again; aioice asks less and less often, and ends after half a minute."""
        agent = self._sctp.transport.transport._connection
        if agent._check_list_done:
            return
        for pair in agent._check_list:
            known = (pair.remote_candidate.host, pair.remote_candidate.port) == (candidate.ip, candidate.port)
            if known and pair.state in (CandidatePair.State.IN_PROGRESS, CandidatePair.State.FAILED):
                if pair.task is not None:
                    pair.task.cancel()
                    pair.task = None
                agent.check_state(pair, CandidatePair.State.WAITING)

    def ask_no_more(self) -> None:
        """End what is still asked: aioice would repeat it over sockets that are closed by then.

        A STUN server is asked while it has not answered, and the peer, whether it still consents, for ever where a path
        is found in the moment in which the connection is closed.
        """
        if self._pc.sctp is None:  # nothing was begun
            return
        agent = self._pc.sctp.transport.transport._connection
        agent.query_consent = _nothing  # type: ignore[method-assign]
        for protocol in agent._protocols:
            _end_asking(protocol.transactions.values())

    async def end_in_time(self, closing: Coroutine[Any, Any, None]) -> None:
        """Close, but do not wait for a TURN server that answers no more: aioice would tell it for a minute."""
        task = asyncio.ensure_future(closing)
        while not (await asyncio.wait([task], timeout=_TURN_PATIENCE))[0]:
            if self._pc.sctp is not None:
                for protocol in self._pc.sctp.transport.transport._connection._protocols:
                    client = getattr(protocol.transport, "_TurnTransport__inner_protocol", None)
                    _end_asking(client.transactions.values() if client is not None else ())
        await task

    async def let_go(self) -> None:
        """Close the sockets that were opened after the connection had been closed."""
        await self._sctp.transport.transport._connection.close()

    async def stay_reachable(self) -> None:
        """Ask the STUN server again and again until there is a path, so that NATs keep the address that it saw."""
        agent = self._sctp.transport.transport._connection
        if agent.stun_server is None:
            return
        found = await asyncio.get_running_loop().getaddrinfo(
            *agent.stun_server, family=socket.AF_INET, type=socket.SOCK_DGRAM
        )
        host, port, *_ = found[0][4]
        while not agent._check_list_done:
            await asyncio.sleep(_KEEPALIVE)
            for protocol in agent._protocols:
                if protocol.local_candidate.type == "host" and "." in protocol.local_candidate.host:
                    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
                    protocol.send_stun(
                        request, (str(host), int(port))
                    )  # what comes back is ignored: it is the way out that counts

    def keep_within_bounds(self) -> None:
        """End the connection to a peer that sends more than was granted: aiortc keeps whatever comes, without end.

        Pieces are counted too, for with each that waits it takes aiortc longer to take one more.
        """
        sctp = self._sctp
        receive = sctp._receive_data_chunk

        async def receive_within_bounds(chunk: Any) -> None:
            if sctp._association_state is not RTCSctpTransport.State.ESTABLISHED:
                return  # it overtook the end of the handshake, and comes again (RFC 9260, section 6)
            await receive(chunk)
            streams = sctp._inbound_streams.values()
            pieces = len(sctp._sack_misordered) + sum(len(stream.reassembly) for stream in streams)
            if sctp._advertised_rwnd < -_TOLERANCE or pieces > _MOST_PIECES or len(streams) > _MOST_STREAMS:
                raise ConnectionError("the peer sends more than the window allows")

        sctp._receive_data_chunk = receive_within_bounds  # type: ignore[method-assign]

    def pass_over_nothing(self) -> None:
        """Drop empty datagrams, which anybody can send: aiortc would end the connection."""
        agent = self._sctp.transport.transport._connection
        take = agent.data_received

        def take_something(data: bytes, component: int) -> None:
            if data:
                take(data, component)

        agent.data_received = take_something  # type: ignore[method-assign]

    def send_nothing_after_the_end(self) -> None:
        """Drop what is left to be sent once the connection is closed: aiortc sends it in tasks that nobody awaits."""
        sctp = self._sctp
        send = sctp._send_chunk

        async def send_while_open(chunk: Any) -> None:
            with suppress(ConnectionError):  # that it is closed is told by its states
                await send(chunk)

        sctp._send_chunk = send_while_open  # type: ignore[method-assign]

    def stats(self) -> Stats:
        """The candidate pair in use, and what went over it; aiortc counts no round trips."""
        dtls = self._sctp.transport
        pair = dtls.transport._connection._nominated.get(1)
        if pair is None:
            return Stats()
        counters = next(iter(dtls._get_stats().values()))
        return Stats(
            local_kind=pair.local_candidate.type,
            local_address=pair.local_candidate.host,
            remote_kind=pair.remote_candidate.type,
            remote_address=pair.remote_candidate.host,
            bytes_sent=counters.bytesSent,
            bytes_received=counters.bytesReceived,
        )


_KEEPALIVE = 10.0
"""Seconds between requests to the STUN server (RFC 8445, section 11, asks for one in 15 at least)."""
_TURN_PATIENCE = 1.0
"""Seconds in which a TURN server can be told that it need relay no more; it finds out by itself in ten minutes."""
_TOLERANCE = 128 * 1024
"""Bytes above the SCTP window that a peer may be mistaken by: a message under way, and a probe of a full window."""
_MOST_PIECES, _MOST_STREAMS = 4096, 64
"""Pieces that may wait for missing ones: four times as many as the window holds of full ones. One stream is in use."""


def _forget_other_loops() -> None:
    """Let aioice resolve mDNS names in this event loop, even if it has done so in another one before."""
    loop = asyncio.get_running_loop()
    if getattr(aioice.ice._mdns, "loop", None) is not loop:
        aioice.ice._mdns.__dict__.clear()  # a lock and a socket of that other loop
        aioice.ice._mdns.loop = loop


def _ways_out_first(sdp: str) -> str:
    """A description with the candidates first of the interfaces through which this machine reaches others.

    aioice lists all interfaces alike, and containers and virtual machines bring along dozens of them.
    """
    ways_out = _ways_out()
    lines = sdp.splitlines(keepends=True)
    places = [place for place, line in enumerate(lines) if line.startswith("a=candidate:")]
    ordered = sorted((lines[place] for place in places), key=lambda line: ways_out.isdisjoint(line.split()))
    for place, line in zip(places, ordered, strict=True):
        lines[place] = line
    return "".join(lines)


def _ways_out() -> set[str]:
    """This machine's addresses on its default routes; to connect a UDP socket sends nothing."""
    found = set()
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):  # RFC 5737, RFC 3849
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            found.add(str(probe.getsockname()[0]))
    return found


async def _asked(work: Awaitable[_Result]) -> _Result:
    try:
        return await work
    except Exception as error:  # aiortc raises many kinds, none of which is for the core to know
        raise PortError(_words(error)) from error


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]


def _configuration(ice: IceConfig) -> RTCConfiguration:
    servers = [RTCIceServer(s.url, s.username or None, s.credential or None) for s in ice.servers]
    # No list at all would mean aiortc's default: a server of somebody else.
    policy = RTCIceTransportPolicy.RELAY if ice.relay_only else RTCIceTransportPolicy.ALL
    return RTCConfiguration(iceServers=servers, iceTransportPolicy=policy)
