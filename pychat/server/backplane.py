"""Who is in which room, and the way from one member to another, for one process or for several that form one relay."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Health(StrEnum):
    """How a backplane is; ALONE is a process that has lost the others and serves its own members meanwhile."""

    MEMORY = "memory"
    CONNECTED = "connected"
    ALONE = "alone"


class MemberTaken(Exception):
    """Somebody in the room has this member id."""


class RoomFull(Exception):
    """As many as may be are in the room already."""


class Audience(Protocol):
    """What a backplane tells of, for members of this process; each call returns at once."""

    def arrived(self, room: str, member: str) -> None:
        """Somebody has come into a room in which there are members of this process."""
        ...

    def left(self, room: str, member: str) -> None:
        """Somebody is gone from such a room; it may be somebody who was never told of."""
        ...

    def received(self, room: str, member: str, sender: str, data: str) -> None:
        """`sender` has something for `member` of this process."""
        ...

    def health_changed(self, health: Health) -> None:
        """The other processes were lost, or found again."""
        ...


class Backplane(Protocol):
    """The rooms of a relay. A lost connection to other processes never makes a call fail."""

    @property
    def health(self) -> Health:
        """How it is now."""
        ...

    async def start(self, audience: Audience) -> None:
        """Begin to tell `audience`; comes before all else."""
        ...

    async def stop(self) -> None:
        """Give up what is held; the members of this process are gone for all others."""
        ...

    async def join(self, room: str, member: str, size: int) -> list[str]:
        """Let a member of this process into a room of at most `size`; returns who was there, oldest first.

        Of two that join at once, in whichever processes, at least one finds the other or is told of it.

        Raises:
            MemberTaken: the room has a member of that id.
            RoomFull: it has `size` members.
        """
        ...

    async def leave(self, room: str, member: str) -> None:
        """Take a member of this process out of a room."""
        ...

    async def send(self, room: str, member: str, sender: str, data: str) -> None:
        """Pass `data` on to `member`, wherever it is; lost when it is nowhere."""
        ...


class MemoryBackplane:
    """The rooms of a single process."""

    health = Health.MEMORY

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, None]] = {}
        self._audience: Audience

    async def start(self, audience: Audience) -> None:
        """Begin to tell `audience`."""
        self._audience = audience

    async def stop(self) -> None:
        """Nothing is held outside this process."""

    async def join(self, room: str, member: str, size: int) -> list[str]:
        """As in Backplane."""
        members = self._rooms.get(room, {})
        if member in members:
            raise MemberTaken
        if len(members) >= size:
            raise RoomFull
        others = list(members)
        self._rooms.setdefault(room, members)[member] = None
        self._audience.arrived(room, member)
        return others

    async def leave(self, room: str, member: str) -> None:
        """As in Backplane."""
        members = self._rooms.get(room, {})
        if member in members:
            del members[member]
            self._audience.left(room, member)
        if not members:
            self._rooms.pop(room, None)

    async def send(self, room: str, member: str, sender: str, data: str) -> None:
        """As in Backplane."""
        if member in self._rooms.get(room, {}):
            self._audience.received(room, member, sender, data)
