"""RTCPeerConnection and RTCDataChannel, as the driver's ports ask for them.

Handlers do nothing but post an event. Whoever makes a proxy destroys it: each connection keeps its own in one list.
"""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from pychat.core import events
from pychat.core.ids import LinkId
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.sdp import DescriptionKind
from pychat.core.webrtc.stats import Stats
from pychat.ports import PortError, Post

_NEEDED = ("addEventListener", "setLocalDescription", "setRemoteDescription", "addIceCandidate", "getStats")
"""What a connection can do, where no extension has put something else in its place."""


class BrowserDataChannel:
    """Implements `ports.DataChannel`."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._send = raw.send
        self.is_open = False

    def send(self, data: str) -> None:
        """Send one text message. Raises PortError when the channel is not open or its buffer is full."""
        if not self.is_open:  # Firefox would say nothing of a channel that is closed already
            raise PortError("the channel is not open")
        try:
            self._send(data)
        except JsException as error:
            raise PortError(_words(error)) from error

    def close(self) -> None:
        """Close the channel."""
        self.is_open = False
        self._raw.close()


class BrowserPeerConnection:
    """Implements `ports.PeerConnection`."""

    def __init__(self, link: LinkId, ice: IceConfig, post: Post) -> None:
        self._link = link
        self._post = post
        self._handlers: list[tuple[Any, str, Any, Any]] = []
        self._channels: list[BrowserDataChannel] = []
        try:
            self._pc = js.RTCPeerConnection.new(_configuration(ice))
        except (JsException, AttributeError) as error:
            raise PortError(_words(error)) from error
        self._on(self._pc, "icecandidate", self._icecandidate)
        self._on(self._pc, "iceconnectionstatechange", self._iceconnectionstatechange)
        self._on(self._pc, "connectionstatechange", self._connectionstatechange)

    async def offer(self, *, restart: bool = False) -> str:
        """Make an offer and set it, with new ICE credentials on `restart`; return the local description."""
        if restart:
            self._pc.restartIce()
        return await self._describe("stable", "have-local-offer")

    async def answer(self) -> str:
        """Answer the remote offer and set the answer; return the local description."""
        return await self._describe("have-remote-offer")

    async def _describe(self, *states: str) -> str:
        """Have the browser make the description that belongs to the state, and set it (W3C WebRTC, 4.4.1.5)."""
        if self._pc.signalingState not in states:
            raise PortError(f"the connection is not {states[0]}")
        await _asked(self._pc.setLocalDescription())
        try:
            return str(self._pc.localDescription.sdp)
        except JsException as error:  # it was closed meanwhile, of which Firefox complains
            raise PortError(_words(error)) from error

    async def set_remote_description(self, kind: DescriptionKind, sdp: str) -> None:
        """Set the remote description."""
        await _asked(self._pc.setRemoteDescription(_object(type=kind.value, sdp=sdp)))

    async def add_candidate(self, candidate: str) -> None:
        """Add a remote ICE candidate."""
        await _asked(self._pc.addIceCandidate(_object(candidate=candidate, sdpMid="0", sdpMLineIndex=0)))

    def open_channel(self, label: str, channel_id: int) -> BrowserDataChannel:
        """Open a negotiated, ordered and reliable channel with this id."""
        try:
            raw = self._pc.createDataChannel(label, _object(negotiated=True, id=channel_id, ordered=True))
        except JsException as error:
            raise PortError(_words(error)) from error
        raw.binaryType = "arraybuffer"  # Firefox's default, a Blob, could only be read later and out of order
        link, post = self._link, self._post
        channel = BrowserDataChannel(raw)

        def opened(_: Any) -> None:
            channel.is_open = True
            post(events.ChannelOpened(link))

        def closed(_: Any) -> None:
            channel.is_open = False
            post(events.ChannelClosed(link))

        def heard(text: str) -> None:
            post(events.FrameReceived(link, text))

        self._on(raw, "open", opened)
        self._on(raw, "close", closed)
        self._on(raw, "message", heard, js.textListener)  # bytes, which are no frame of this channel, become ""
        self._channels.append(channel)
        return channel

    async def stats(self) -> Stats:
        """What `getStats` reports, reduced to what a person may want."""
        report = await _asked(self._pc.getStats())
        return _reduce({entry.id: entry for entry in report.values()})

    def close(self) -> None:
        """Close the connection and its channels; remove the listeners and destroy their proxies."""
        for target, name, listener, proxy in self._handlers:
            target.removeEventListener(name, listener)
            proxy.destroy()
        self._handlers.clear()
        for channel in self._channels:
            channel.close()
        self._pc.close()

    def _on(
        self,
        target: Any,
        name: str,
        handler: Callable[[Any], None],
        to_listener: Callable[[Any], Any] = lambda proxy: proxy,
    ) -> None:
        proxy = create_proxy(handler)
        listener = to_listener(proxy)
        self._handlers.append((target, name, listener, proxy))
        target.addEventListener(name, listener)  # Firefox cannot call a PyProxy that is set as on… of a connection

    def _icecandidate(self, event: Any) -> None:
        if event.candidate:
            if event.candidate.candidate:  # an empty one only marks the end of a generation
                self._post(events.CandidateFound(self._link, event.candidate.candidate))
        else:
            self._post(events.GatheringFinished(self._link))

    def _iceconnectionstatechange(self, _: Any) -> None:
        self._post(events.IceStateChanged(self._link, events.IceState(self._pc.iceConnectionState)))

    def _connectionstatechange(self, _: Any) -> None:
        self._post(events.ConnectionStateChanged(self._link, events.ConnectionState(self._pc.connectionState)))


class BrowserConnect:
    """Implements `ports.PeerConnectionFactory`; which browser it is in shows only when it is made."""

    def __init__(self) -> None:
        self.capabilities = Capabilities(keeps_checking="Firefox/" not in js.navigator.userAgent)

    @cached_property
    def works(self) -> bool:
        """Whether there is a WebRTC here at all, which is found out by making a connection: it can be switched off, and
        extensions put things in its place that throw, or do nothing.
        """
        try:
            pc = js.RTCPeerConnection.new()  # it asks nobody for anything as long as it is not described
            channel = pc.createDataChannel("", _object(negotiated=True, id=0))
            works = all(hasattr(pc, name) for name in _NEEDED) and hasattr(channel, "addEventListener")
            pc.close()
        except (JsException, AttributeError):
            return False
        return works

    def __call__(self, link: LinkId, ice: IceConfig, post: Post) -> BrowserPeerConnection:
        """Make a connection for this link."""
        return BrowserPeerConnection(link, ice, post)


async def _asked(promise: Awaitable[Any]) -> Any:
    try:
        return await promise
    except JsException as error:
        raise PortError(_words(error)) from error


def _object(**members: Any) -> Any:
    return to_js(members, dict_converter=js.Object.fromEntries)


def _configuration(ice: IceConfig) -> Any:
    servers = [
        {"urls": s.url, "username": s.username, "credential": s.credential} if s.username else {"urls": s.url}
        for s in ice.servers
    ]
    return _object(iceServers=servers, iceTransportPolicy="relay" if ice.relay_only else "all")


def _words(error: Exception) -> str:
    return str(error)[:200]


def _reduce(report: dict[str, Any]) -> Stats:
    """Find the candidate pair in use (webrtc-stats, section 6) and read what concerns a person."""
    pairs = [entry for entry in report.values() if entry.type == "candidate-pair"]
    transports = [entry for entry in report.values() if entry.type == "transport"]
    chosen = next((t.selectedCandidatePairId for t in transports if hasattr(t, "selectedCandidatePairId")), None)
    pair = report.get(chosen) if chosen is not None else None
    if pair is None:  # Firefox has no transport entry, but marks the pair
        pair = next((p for p in pairs if getattr(p, "selected", False)), None)
    if pair is None:
        return Stats()
    local, remote = report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)
    return Stats(
        local_kind=_text(local, "candidateType"),
        local_address=_address(local),
        remote_kind=_text(remote, "candidateType"),
        remote_address=_address(remote),
        round_trip=getattr(pair, "currentRoundTripTime", None),
        bytes_sent=int(getattr(pair, "bytesSent", 0)),
        bytes_received=int(getattr(pair, "bytesReceived", 0)),
    )


def _text(entry: Any, name: str) -> str:
    value = getattr(entry, name, None)
    return value if isinstance(value, str) else ""


def _address(entry: Any) -> str:
    address = _text(entry, "address")
    return "" if address.startswith("(") else address  # “(redacted)”: Firefox hides it
