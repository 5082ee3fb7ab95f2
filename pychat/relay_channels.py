"""One connection to a relay for all rooms that are at it: each session of the core is a channel of it.

When the last one of them ends, or one of them says that nothing comes any more, the connection ends, and with it the
others, which are told as if each had one of its own.
"""

import asyncio

from pychat.core import events
from pychat.core.ids import SessionId
from pychat.core.relay.protocol import ALL, MAX_CHANNELS, on_channel, split
from pychat.ports import Post, RelayConnection, RelayFactory

GONE = 1006
"""The close code of a WebSocket that ended without a word (RFC 6455, section 7.1.5)."""
MOST_STRAY = 1_000
"""Messages for channels that are closed here before the connection is: a few are still on their way."""


class RelayChannel:
    """Implements `ports.RelayConnection` for one session."""

    def __init__(self, shared: "_Shared", number: int, session: SessionId, post: Post) -> None:
        self.session = session
        self.post = post
        self._shared = shared
        self._number = number

    def send(self, text: str) -> None:
        """Send one message."""
        self._shared.connection.send(on_channel(self._number, text))

    def close(self, *, is_dead: bool = False) -> None:
        """End it; with it the connection, where nothing comes over that any more."""
        self._shared.close(self._number, is_dead=is_dead)


class RelayChannels:
    """Implements `ports.RelayFactory`.

    Args:
        connect: makes the connections.
    """

    def __init__(self, connect: RelayFactory) -> None:
        self._connect = connect
        self._shared: dict[str, _Shared] = {}

    def __call__(self, session: SessionId, url: str, post: Post) -> RelayChannel:
        """A channel to the relay at an address. Raises PortError when it is none."""
        shared = self._shared.get(url)
        if shared is None or not shared.has_room:
            shared = _Shared(self._connect, session, url)
            self._shared[url] = shared
        return shared.open(session, post)


class _Shared:
    """A connection with its channels, by their numbers."""

    def __init__(self, connect: RelayFactory, session: SessionId, url: str) -> None:
        self._channels: dict[int, RelayChannel] = {}
        self._last = 0
        self._stray = 0
        self._is_open = self._is_over = False
        self.connection: RelayConnection = connect(session, url, self._take)

    @property
    def has_room(self) -> bool:
        """Whether one more channel can be opened."""
        return not self._is_over and len(self._channels) < MAX_CHANNELS

    def open(self, session: SessionId, post: Post) -> RelayChannel:
        """Open a channel; what others have heard is not told to it."""
        self._last += 1
        channel = self._channels[self._last] = RelayChannel(self, self._last, session, post)
        if self._is_open:
            asyncio.get_running_loop().call_soon(self._tell_open, self._last)
        return channel

    def _tell_open(self, number: int) -> None:
        channel = self._channels.get(number)
        if channel is not None:
            channel.post(events.RelayOpened(channel.session))

    def close(self, number: int, *, is_dead: bool) -> None:
        """End a channel; the last one takes the connection along, and so does one over which nothing comes."""
        if self._channels.pop(number, None) is None:
            return
        if is_dead:
            self._end(GONE)
        elif not self._channels:
            self._is_over = True
            self.connection.close()
        elif self._is_open:
            self.connection.send(on_channel(number, ""))

    def _end(self, code: int) -> None:
        channels, self._channels, self._is_over = self._channels, {}, True
        self.connection.close()
        for channel in channels.values():
            channel.post(events.RelayClosed(channel.session, code))

    def _take(self, event: events.Event) -> None:
        match event:
            case events.RelayOpened():
                self._is_open = True
                for number in [*self._channels]:
                    self._tell_open(number)
            case events.RelayHeard(_, text):
                self._hear(text)
            case events.RelayClosed(_, code):
                self._end(code)

    def _hear(self, text: str) -> None:
        number, rest = split(text) or (-1, "")
        channel = self._channels.get(number)
        if number == ALL:
            for each in [*self._channels.values()]:
                each.post(events.RelayHeard(each.session, rest))
        elif channel is None:
            self._stray += 1
            if self._stray > MOST_STRAY:
                self._end(GONE)
        elif rest.isascii() and rest.isdigit() and len(rest) == 4:
            del self._channels[number]
            channel.post(events.RelayClosed(channel.session, int(rest)))
            if not self._channels:
                self._is_over = True
                self.connection.close()
        else:
            channel.post(events.RelayHeard(channel.session, rest))
