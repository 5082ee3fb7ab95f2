"""What becomes of a code that a person pastes: it is used here, offered to another tab, or refused with a reason."""

from dataclasses import dataclass

from pychat.core.codes.invite import Code, decode, encode
from pychat.core.codes.pasted import read
from pychat.core.codes.roomcode import RoomCode
from pychat.core.effects import OfferCodeToTabs
from pychat.core.errors import CodeError, CodeProblem
from pychat.core.ids import LinkId
from pychat.core.services.invite_registry import InviteRegistry

TABS_PATIENCE = 1.5
"""Seconds that other tabs have to take a reply."""


@dataclass(frozen=True, slots=True)
class Use:
    """A code that is to be used: a reply on the link whose invite it answers, an invite on a new link (None)."""

    code: Code
    link: LinkId | None


@dataclass(frozen=True, slots=True)
class EnterRoom:
    """The code of a room to go into."""

    code: RoomCode


@dataclass(slots=True)
class _Handover:
    """A reply on its way to another tab of this browser, and what is wrong with it if none takes it."""

    text: str
    due: float
    problem: CodeProblem


class CodeInbox:
    """What was pasted last.

    `problem` is for the person to see; `handed_over` says that another tab took a reply.

    Args:
        tabs: whether there may be other tabs, to which a reply that is of no use here belongs.
    """

    def __init__(self, registry: InviteRegistry, *, tabs: bool) -> None:
        self._tabs = tabs
        self.problem: CodeProblem | None = None
        self.handed_over = False
        self._registry = registry
        self._handover: _Handover | None = None

    def paste(self, text: str, now: float, *, relay: bool = False) -> Use | EnterRoom | OfferCodeToTabs | None:
        """Take what a person pasted, with whatever surrounds the code; None when it is of no use, see `problem`.

        Args:
            relay: whether there is one, without which a room cannot be entered.
        """
        self.forget()
        try:
            code = read(text)
            if isinstance(code, RoomCode):
                return self._enter(code, relay=relay)
            return self._use(code, now)
        except CodeError as error:
            self.problem = error.problem
            return None

    def _enter(self, room: RoomCode, *, relay: bool) -> EnterRoom:
        if not relay:
            raise CodeError(CodeProblem.NO_RELAY)
        return EnterRoom(room)

    def _use(self, code: Code, now: float) -> Use | OfferCodeToTabs:
        if not code.is_reply:
            self._registry.accept_invite(code)
            return Use(code, None)
        try:
            return Use(code, self._registry.accept_reply(code))
        except CodeError as error:
            if not self._tabs or error.problem not in (CodeProblem.NO_INVITE_WAITING, CodeProblem.OTHER_INVITE):
                raise
            reply = encode(code)
            self._handover = _Handover(reply, now + TABS_PATIENCE, error.problem)
            return OfferCodeToTabs(reply)

    def forget(self) -> None:
        """What was wrong with the last code no longer matters."""
        self.problem, self.handed_over, self._handover = None, False, None

    def open_link(self, text: str, now: float, *, relay: bool = False) -> Use | EnterRoom | OfferCodeToTabs | None:
        """Take the code of a link that was opened: a reply or a room at once; an invite waits for the person's word."""
        self.forget()
        try:
            code = read(text)
        except CodeError as error:
            self.problem = error.problem
            return None
        waits = isinstance(code, Code) and not code.is_reply
        return None if waits else self.paste(text, now, relay=relay)

    def take_from_tab(self, text: str) -> Use | None:
        """Take a reply that another tab offers; None when it is of no use to this one either."""
        try:
            code = decode(text)
            return Use(code, self._registry.accept_reply(code)) if code.is_reply else None
        except CodeError:
            return None

    def taken(self, text: str) -> None:
        """Another tab has taken the reply that this one offered."""
        if self._handover is not None and self._handover.text == text:
            self._handover, self.handed_over = None, True

    @property
    def due(self) -> float | None:
        """When the other tabs have had their time."""
        return self._handover.due if self._handover is not None else None

    def give_up(self) -> None:
        """No tab has taken the reply: what was wrong with it is the person's to know."""
        if self._handover is not None:
            self.problem, self._handover = self._handover.problem, None
