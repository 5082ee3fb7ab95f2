"""Signaling by hand: which invites wait for a reply, which are answered, and what a pasted code means."""

from dataclasses import dataclass, field

from pychat.core.codes.invite import Code
from pychat.core.errors import CodeError, CodeProblem
from pychat.core.ids import LinkId


@dataclass(slots=True)
class InviteRegistry:
    """Remembers codes by their `ref`, which tells apart the few that a person has under way."""

    _waiting: dict[bytes, LinkId] = field(default_factory=dict)
    _used: set[bytes] = field(default_factory=set)
    _own_replies: set[bytes] = field(default_factory=set)
    _pasted: set[bytes] = field(default_factory=set)

    def issue(self, code: Code, link: LinkId) -> None:
        """Note a code of our own that is shown to the person."""
        if code.is_reply:
            self._own_replies.add(code.ref)
        else:
            self._waiting[code.ref] = link

    def give_up(self, ref: bytes) -> None:
        """An invite no longer waits, or the link of a pasted one has ended: it cannot be used again."""
        if self._waiting.pop(ref, None) is not None:
            self._used.add(ref)
        self._pasted.discard(ref)

    def accept_reply(self, code: Code) -> LinkId:
        """Return the link whose invite the reply answers; the invite is then used up.

        Raises:
            CodeError: this side has no use for the reply.
        """
        assert code.answers is not None
        if code.ref in self._own_replies:
            raise CodeError(CodeProblem.OWN_REPLY)
        if code.answers in self._used:
            raise CodeError(CodeProblem.INVITE_USED)
        link = self._waiting.pop(code.answers, None)
        if link is None:
            raise CodeError(CodeProblem.OTHER_INVITE if self._waiting else CodeProblem.NO_INVITE_WAITING)
        self._used.add(code.answers)
        return link

    def accept_invite(self, code: Code) -> None:
        """Take an invite of somebody else.

        Raises:
            CodeError: it is our own, or it has been pasted here before.
        """
        ref = code.ref
        if ref in self._waiting or ref in self._used:
            raise CodeError(CodeProblem.OWN_INVITE)
        if ref in self._pasted:
            raise CodeError(CodeProblem.INVITE_ALREADY_PASTED)
        self._pasted.add(ref)
