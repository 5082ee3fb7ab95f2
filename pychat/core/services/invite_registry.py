"""Signaling by hand: which invites wait for a reply, which are answered, and what a pasted code means."""

from dataclasses import dataclass, field

from pychat.core.codes.invite import Code, ref_of
from pychat.core.errors import CodeError, CodeProblem
from pychat.core.ids import LinkId


@dataclass(slots=True)
class InviteRegistry:
    """Remembers the codes of this run.

    A reply names the invite that it answers by its `ref`, which tells apart the few that wait at a time: that of one
    that is over may come again, if there are thousands. Codes that are here as a whole are known by their digest.
    """

    _waiting: dict[bytes, LinkId] = field(default_factory=dict)  # by the ref
    _used: set[bytes] = field(default_factory=set)  # refs
    _own: set[bytes] = field(default_factory=set)  # digests
    _pasted: set[bytes] = field(default_factory=set)  # digests

    def issue(self, code: Code, link: LinkId) -> None:
        """Note a code of our own that is shown to the person."""
        self._own.add(code.digest)
        if not code.is_reply:
            self._waiting[code.ref] = link

    def give_up(self, digest: bytes, link: LinkId) -> None:
        """The link of an invite has ended: one of our own can no longer be answered, a pasted one be pasted again."""
        ref = ref_of(digest)
        if self._waiting.get(ref) == link:
            del self._waiting[ref]
            self._used.add(ref)
        self._pasted.discard(digest)

    def accept_reply(self, code: Code) -> LinkId:
        """Return the link whose invite the reply answers; the invite is then used up.

        Raises:
            CodeError: this side has no use for the reply.
        """
        assert code.answers is not None
        if code.digest in self._own:
            raise CodeError(CodeProblem.OWN_REPLY)
        link = self._waiting.pop(code.answers, None)
        if link is None and code.answers in self._used:
            raise CodeError(CodeProblem.INVITE_USED)
        if link is None:
            raise CodeError(CodeProblem.OTHER_INVITE if self._waiting else CodeProblem.NO_INVITE_WAITING)
        self._used.add(code.answers)
        return link

    def accept_invite(self, code: Code) -> None:
        """Take an invite of somebody else.

        Raises:
            CodeError: it is our own, or it has been pasted here before.
        """
        if code.digest in self._own:
            raise CodeError(CodeProblem.OWN_INVITE)
        if code.digest in self._pasted:
            raise CodeError(CodeProblem.INVITE_ALREADY_PASTED)
        self._pasted.add(code.digest)
