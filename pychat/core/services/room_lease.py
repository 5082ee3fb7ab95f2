"""Which of a person's programs and tabs is the one in a room: whoever holds a lease, which ends with its holder.

Whether another one is alive is known where both run, and nowhere else. Who does not get the lease joins all the same,
and is told by the others that the chat is open elsewhere.
"""

import hashlib

from pychat.core import effects
from pychat.core.relay.client import RelayClient
from pychat.core.service import Context

LEASE_AFTER = 3.0
"""Seconds after which whoever has taken a seat over asks for the lease, which the other one has to give back first."""

_LABEL = b"pychat lease\0"


class RoomLease:
    """The lease of one room. Until it is known in a session whether it is held, the relay's client may not join.

    `held` says so, and None that it is not known; `takes_over` that the person wants to be here and not there, `yields`
    that another program or tab has the seat. `due` is when to ask for it again, in seconds as `Context.now`.
    """

    def __init__(self, context: Context, relay: RelayClient) -> None:
        self.held: bool | None = None
        self.takes_over = False
        self.yields = False
        self.due: float | None = None
        self._context = context
        self._relay = relay
        self._name = ""  # once it was asked for

    def begin_session(self) -> None:
        """What was known is of another session."""
        self.held = self.due = None

    def take(self) -> None:
        """Ask for it, unless another one has the seat."""
        session = self._relay.session
        if session is None:
            return
        name = hashlib.sha256(_LABEL + session.id + self._context.key).hexdigest()[:32]
        if name != self._name:
            self.release()
        if self.yields:
            self.held = False
        else:
            self._name = name
            self._context.emit(effects.TakeLease(self._relay.id, name))

    def take_soon(self) -> None:
        """Ask for it once whoever had it has given it back."""
        self.due = self._context.now + LEASE_AFTER

    def take_and_join(self) -> None:
        """Ask for it in a new session, and join once that is known."""
        self.held = None
        self.take()
        self._join_if_known()

    def on_taken(self, ours: bool) -> None:
        """Take whether no other program or tab of the same person is in the room."""
        if not self.yields:
            self.held = ours
            self._join_if_known()

    def give_way(self) -> None:
        """Another program or tab of the same person has the seat."""
        self.takes_over, self.yields, self.held = False, True, False
        self.release()
        self._join_if_known()  # without it: it may have been asked for just now

    def release(self) -> None:
        """Let others have it."""
        if self._name:
            self._context.emit(effects.ReleaseLease(self._name))
            self._name = ""

    def _join_if_known(self) -> None:
        if self.held is not None:
            self._relay.allow()
