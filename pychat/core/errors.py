"""The two families of errors: our own mistakes, and what somebody else did wrong.

A `LocalError` is a bug or a misuse on this side. A `RemoteError` is what a peer (or a code it sent) got wrong; it
never ends the program, at most the link it came from.
"""

from enum import Enum


class PychatError(Exception):
    """Everything that pychat raises on purpose."""


class LocalError(PychatError):
    """This side asked for something that cannot be done."""


class RemoteError(PychatError):
    """A peer sent something that the protocol does not allow."""


class CodeProblem(Enum):
    """What can be wrong with a pasted code, or keep one from being made or used at all.

    Each has its own sentence for the person.
    """

    EMPTY = "empty"
    NOT_A_CODE = "not-a-code"
    CUT_SHORT = "cut-short"
    MISTYPED = "mistyped"
    NEWER_VERSION = "newer-version"
    NOT_AN_INVITE = "not-an-invite"
    NOT_A_REPLY = "not-a-reply"
    NO_INVITE_WAITING = "no-invite-waiting"
    OWN_INVITE = "own-invite"
    OWN_REPLY = "own-reply"
    OTHER_INVITE = "other-invite"
    INVITE_USED = "invite-used"
    INVITE_ALREADY_PASTED = "invite-already-pasted"
    NO_RELAY = "no-relay"
    NO_WEBRTC = "no-webrtc"


class MessageProblem(Enum):
    """Why a message of our own cannot be sent."""

    EMPTY = "empty"
    TOO_LONG = "too-long"
    FULL = "full"


class CodeError(RemoteError):
    """A pasted code cannot be used; `problem` says why."""

    def __init__(self, problem: CodeProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem
