"""What comes of a code that can be read: is it our own, does it answer an invite that waits, was it used before?"""

from collections.abc import Iterator
from dataclasses import replace

from tests.vectors.codes import FORM_2, FORM_3, WORKED_INVITE
from tests.vectors.writer import REPLY, Code, Description, Json, write

NOTE = """\
Sequences of codes that are made here and pasted here. See 'What can be wrong with a code' in
docs/reference/protocol.md.
Each step is one of these:
`invite`: this side makes an invite, and this is its code;
`paste`: the person pastes this, and `outcome` says what comes of it: `invite-taken`, `reply-taken` with the invite that
it `answers`, or the name of an error;
`reply`: this side makes the reply to the invite that was pasted last, and this is its code;
`end`: this side gives up the invite, or ends the link for which this invite was pasted.
There are no other tabs that could take a code."""

_OURS, _OUR_SECOND = write(WORKED_INVITE), write(FORM_2)
_THEIRS, _THEIR_SECOND = write(FORM_3), write(replace(FORM_3, ufrag="abcdef"))


def _reply(invite: Code, description: Description) -> Code:
    return write(replace(description, kind=REPLY, answers=invite.ref))


_REPLY = _reply(_OURS, FORM_3)
_OTHER_REPLY = _reply(_OURS, replace(FORM_3, ufrag="ABCDEF"))
_REPLY_TO_SECOND = _reply(_OUR_SECOND, FORM_3)
_OUR_REPLY = _reply(_THEIRS, FORM_2)


def vectors() -> list[Json]:
    return list(_vectors())


def _vectors() -> Iterator[Json]:
    def vector(name: str, *steps: Json) -> Json:
        return {"name": name, "steps": list(steps)}

    def invite(code: Code) -> Json:
        return {"invite": code.text}

    def reply(code: Code) -> Json:
        return {"reply": code.text}

    def end(code: Code) -> Json:
        return {"end": code.text}

    def paste(code: Code, outcome: str) -> Json:
        return {"paste": code.text, "outcome": outcome}

    def taken(code: Code, answers: Code) -> Json:
        return {"paste": code.text, "outcome": "reply-taken", "answers": answers.text}

    yield vector("a reply is taken", invite(_OURS), taken(_REPLY, _OURS))
    yield vector("an invite is taken", paste(_THEIRS, "invite-taken"), reply(_OUR_REPLY))
    yield vector("an invite is taken while one of ours waits", invite(_OURS), paste(_THEIRS, "invite-taken"))
    yield vector(
        "replies find their invites in any order",
        invite(_OURS),
        invite(_OUR_SECOND),
        taken(_REPLY_TO_SECOND, _OUR_SECOND),
        taken(_REPLY, _OURS),
    )
    yield vector("our own invite", invite(_OURS), paste(_OURS, "own-invite"))
    yield vector(
        "our own invite that has had its reply", invite(_OURS), taken(_REPLY, _OURS), paste(_OURS, "own-invite")
    )
    yield vector("our own invite that was given up", invite(_OURS), end(_OURS), paste(_OURS, "own-invite"))
    yield vector("our own reply", paste(_THEIRS, "invite-taken"), reply(_OUR_REPLY), paste(_OUR_REPLY, "own-reply"))
    yield vector(
        "our own reply while an invite of ours waits",
        invite(_OURS),
        paste(_THEIRS, "invite-taken"),
        reply(_OUR_REPLY),
        paste(_OUR_REPLY, "own-reply"),
        taken(_REPLY, _OURS),
    )
    yield vector("the same reply again", invite(_OURS), taken(_REPLY, _OURS), paste(_REPLY, "invite-used"))
    yield vector("a second reply", invite(_OURS), taken(_REPLY, _OURS), paste(_OTHER_REPLY, "invite-used"))
    yield vector("a reply to an invite that was given up", invite(_OURS), end(_OURS), paste(_REPLY, "invite-used"))
    yield vector("a reply, and no invite was made", paste(_REPLY, "no-invite-waiting"))
    yield vector(
        "a reply to another, and no invite waits any more",
        invite(_OURS),
        taken(_REPLY, _OURS),
        paste(_REPLY_TO_SECOND, "no-invite-waiting"),
    )
    yield vector(
        "a reply to another invite", invite(_OURS), paste(_REPLY_TO_SECOND, "other-invite"), taken(_REPLY, _OURS)
    )
    yield vector(
        "an invite is pasted twice",
        paste(_THEIRS, "invite-taken"),
        paste(_THEIRS, "invite-already-pasted"),
        reply(_OUR_REPLY),
        paste(_THEIRS, "invite-already-pasted"),
        paste(_THEIR_SECOND, "invite-taken"),
    )
    yield vector(
        "an invite is pasted again when the link that it made has ended",
        paste(_THEIRS, "invite-taken"),
        reply(_OUR_REPLY),
        end(_THEIRS),
        paste(_THEIRS, "invite-taken"),
    )
