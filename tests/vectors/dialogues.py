"""Dialogues: what happens on the links of one side, step by step, and what that side must do."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.vectors.frames import ANN, BOB
from tests.vectors.handshake import ANN as ANN_HERSELF
from tests.vectors.handshake import BOB as BOB_HIMSELF
from tests.vectors.handshake import CODES, WORKED, refused
from tests.vectors.rooms import SECRET
from tests.vectors.signer import INVITER, REPLIER, Handshake, plain
from tests.vectors.writer import Json, Text, as_text

NOTE = """\
What one side hears and says, step by step; from one step to the next it takes at least 20 milliseconds. See
'The handshake' to 'CloseReason' in docs/reference/protocol.md.
This side is Ann if nothing else is said. It calls itself by the `name` in `me`. A name like Bob in a step is a person
with a key of their own, always the same.
`role`: the side's role, where its frames depend on it; then `me` has its private key, the nonce that it draws, and
the name of its log, and `codes` are those of the connection, as in handshake.json. Else the dialogue is the same
in both roles.
In each step one thing happens:
`proved`: the channel of a link opens, and this side and that person prove to each other who they are, as in
handshake.json; `log` is the name of this side's log for that person, in the place of one that it draws itself;
`opened`: the channel of a link opens;
`received`: a message comes, as `data` in frames.json; also with {"count": from, "by": step} among its parts, a number;
`keys`: from now on what this side does with its keys is `slow` and not done yet, or `ready`: it is done now;
`written`: the person writes these texts to the other person, when the clock shows `at`;
`left`: the person leaves;
`differs`: the person says that the two have compared, and have not seen the same;
`closed`: the channel closes.
`times` says how often the step is done; each time its counts are higher by their `by`.
`link` is the number of the link, 1 if it is not there. A link with a new number is a new one, of new codes.
What must come of it, before the next step:
`send`: the frames to be sent over the link, in this order; none if it is not there. Compare them as JSON. The texts of
one step may be spread over several frames of entries in another way. With `proved`: those after the handshake.
`state`: how the link stands from now on: `greeting`, `open` or `ended`, then with its `ending`, and whether the
connection is to be closed `at once`, `after a second` or `after ten seconds` (`close`).
`shown`: the texts that are new to the person, or only how many.
`ordered`: all texts of the conversation, the person's own too, in the order in which they stand.
`delivered`: how many texts of one's own the other side has, from now on.
`elsewhere`: the same of another link.
`optional` says why a peer may do otherwise."""

ANN_WITH_CAT, CAT = "x9Kd_3Qm-VtR7bLw2HsYpA", "Cat-7hRq2mWd9Zb4_Yx0Ts"
NEW = "nEw-5tYb0Pz_8cGk3JvUfQ"
ROOM = as_text(SECRET)
AT = 1_700_000_000_000

Step = Json


def vectors() -> list[Json]:
    return [
        *_of_the_document(),
        *_handshake(),
        *_refused(),
        *_busy(),
        *_cards(),
        *_sending(),
        *_receiving(),
        *_order(),
        *_again(),
        *_others(),
        *_mistakes(),
        *_ending(),
        *_limits(),
    ]


def _vector(name: str, *steps: Step, optional: str = "") -> Json:
    return {"name": name, "me": {"name": "Ann"}, **({"optional": optional} if optional else {}), "steps": list(steps)}


def _vector_as(role: str, name: str, *steps: Step, handshake: Handshake = WORKED, optional: str = "") -> Json:
    """Ann invites, Bob replies; this side is the one in that role."""
    person, called, log = (handshake.inviter, "Ann", ANN) if role == INVITER else (handshake.replier, "Bob", BOB)
    me = {"name": called, "log": log, "seed": person.seed.hex(), "nonce": person.nonce.hex()}
    return {
        "name": name,
        "role": role,
        "me": me,
        "codes": CODES,
        **({"optional": optional} if optional else {}),
        "steps": list(steps),
    }


# Frames.


def _card(log: str, name: str) -> str:
    return plain("introduce", log, name)


def _have(**counts: int) -> str:
    logs = {"ann": ANN, "bob": BOB, "cat": CAT, "ann_with_cat": ANN_WITH_CAT, "new": NEW}
    return plain("have", {logs[name]: count for name, count in counts.items()})


def _entries(log: str, first: int, *texts: str, at: int = AT, order: int | None = None) -> str:
    return plain("entries", log, first, [[at, text, *([order] if order is not None else ())] for text in texts])


MISMATCH = plain("mismatch")
BYE = plain("bye")


# Steps.


def _proved(who: str = "Bob", log: str = ANN, **more: Any) -> Step:
    return {"proved": who, "log": log, **more, "send": [_card(log, "Ann")], "state": "open"}


def _hears(received: Text, *send: str, **outcome: Any) -> Step:
    return {"received": received, **({"send": list(send)} if send else {}), **outcome}


def _writes(*texts: str, send: tuple[str, ...] = (), at: int = AT, **more: Any) -> Step:
    return {"written": list(texts), "at": at, **more, **({"send": list(send)} if send else {})}


def _ended(ending: str, close: str) -> Step:
    return {"state": "ended", "ending": ending, "close": close}


AT_ONCE, LATER, MUCH_LATER = "at once", "after a second", "after ten seconds"
BROKEN, NOT_PROVED = _ended("broke-protocol", LATER), _ended("not-proved", LATER)
SHOWN = _hears(_card(BOB, "Bob"), _have(bob=0))
"""Bob shows his card."""
OPEN = (_proved(), SHOWN, _hears(_have()))
"""The channel opens, both prove who they are, and have said all there is to say."""


def _opened(role: str, handshake: Handshake = WORKED) -> Step:
    sends = {"send": [handshake.opening]} if role == INVITER else {}
    return {"opened": True, **sends, "state": "greeting"}


def _proves(role: str, handshake: Handshake = WORKED) -> list[Step]:
    """The handshake in full, as this side hears it."""
    if role == INVITER:
        return [
            _opened(role, handshake),
            _hears(handshake.answer, handshake.reveal),
            _hears(handshake.proof, _card(ANN, "Ann"), state="open"),
        ]
    return [
        _opened(role, handshake),
        _hears(handshake.opening, handshake.answer),
        _hears(handshake.reveal, handshake.proof, _card(BOB, "Bob"), state="open"),
    ]


def _of_the_document() -> Iterator[Json]:
    greeting = "Hello Bob", "Hello Ann", "How are you?"
    yield _vector_as(
        INVITER,
        "the dialogue of the document, Ann's side",
        *_proves(INVITER),
        SHOWN,
        _hears(_have(ann=0)),
        _writes(greeting[0], send=(_entries(ANN, 1, greeting[0]),)),
        _hears(_have(ann=1), delivered=1),
        _hears(_entries(BOB, 1, *greeting[1:], at=AT + 1_000), _have(bob=2), shown=list(greeting[1:])),
        {"left": True, "send": [BYE], **_ended("left", LATER)},
    )
    yield _vector_as(
        REPLIER,
        "the dialogue of the document, Bob's side",
        *_proves(REPLIER),
        _hears(_card(ANN, "Ann"), _have(ann=0)),
        _hears(_have(bob=0)),
        _hears(_entries(ANN, 1, greeting[0]), _have(ann=1), shown=[greeting[0]]),
        _writes(*greeting[1:], at=AT + 1_000, send=(_entries(BOB, 1, *greeting[1:], at=AT + 1_000),)),
        _hears(_have(bob=2), delivered=2),
        _hears(BYE, **_ended("peer-left", AT_ONCE)),
    )


def _handshake() -> Iterator[Json]:
    for role in (INVITER, REPLIER):
        for name, versions in {
            "a newer version too": [1, 2],
            "newer versions first": [3, 2, 1],
            "the highest version too": [2**53 - 1, 1],
        }.items():
            if role == INVITER:
                other, handshake = REPLIER, replace(WORKED, replier=replace(BOB_HIMSELF, versions=versions))
            else:
                other, handshake = INVITER, replace(WORKED, inviter=replace(ANN_HERSELF, versions=versions))
            yield _vector_as(role, f"handshake: {name}, of the {other}", *_proves(role, handshake))
        unknown = _hears('["typing",{"a":1}]')
        steps = [step for step in _proves(role) for step in (step, unknown)]
        yield _vector_as(role, f"handshake: unknown kinds are passed over by the {role}", *steps)
        first = WORKED.answer if role == INVITER else WORKED.opening
        heard = (_opened(role), _proves(role)[1])
        for name, frame in {
            "card": _card(BOB, "Bob"),
            "have": _have(ann=0),
            "entries": _entries(BOB, 1, "Hello Ann"),
            "an empty message": "",
            "a malformed hello": '["hello",[1],"short"]',
            "a malformed hello in another version": '["hello",[2,0]]',
            "room": plain("room", 1, ROOM),
            "rendezvous": plain("rendezvous", ROOM, False, ""),
            "presence": plain("presence", "away"),
            "read": plain("read", {}),
        }.items():
            for when, before, close in (("first", heard[:1], AT_ONCE), ("after hello", heard, LATER)):
                bye = (BYE,) if close == LATER else ()
                yield _vector_as(
                    role,
                    f"handshake: {name} {when}, for the {role}",
                    *before,
                    _hears(frame, *bye, **_ended("broke-protocol", close)),
                )
        yield _vector_as(
            role, f"handshake: bye first, for the {role}", _opened(role), _hears(BYE, **_ended("peer-left", AT_ONCE))
        )
        yield _vector_as(
            role, f"handshake: mismatch before it is over, for the {role}", *heard, _hears(MISMATCH, BYE, **BROKEN)
        )
        yield _vector_as(
            role, f"handshake: bye after hello, for the {role}", *heard, _hears(BYE, **_ended("peer-left", AT_ONCE))
        )
        for name, frame in {"hello": first, "reveal": WORKED.reveal, "proof": WORKED.proof}.items():
            yield _vector_as(
                role,
                f"handshake: {name} once it is over, for the {role}",
                *_proves(role),
                _hears(frame, BYE, **BROKEN),
            )
        yield _vector_as(
            role,
            f"handshake: a mistake after an unknown kind, for the {role}",
            *heard[:1],
            _hears('["typing"]'),
            _hears("oops", BYE, **BROKEN),
        )
        yield _vector_as(
            role, f"handshake: the {role} leaves first", _opened(role), {"left": True, **_ended("left", AT_ONCE)}
        )
        yield _vector_as(
            role,
            f"handshake: the {role} leaves after hello",
            *heard,
            {"left": True, "send": [BYE], **_ended("left", LATER)},
        )
        yield _vector_as(
            role,
            f"handshake: the channel closes before it is over, for the {role}",
            *heard,
            {"closed": True, **_ended("channel-closed", AT_ONCE)},
        )
    myself = replace(WORKED, replier=replace(BOB_HIMSELF, seed=ANN_HERSELF.seed))
    yield _vector_as(INVITER, "handshake: with another tab of one's own", *_proves(INVITER, myself), SHOWN)
    yield _vector(
        "handshake: what is written before it waits for the other's have",
        _writes("one"),
        _proved(),
        _writes("two", at=AT + 1_000),
        SHOWN,
        _hears(_have(ann=0), plain("entries", ANN, 1, [[AT, "one"], [AT + 1_000, "two"]])),
        _hears(_have(ann=2), delivered=2),
    )


def _refused() -> Iterator[Json]:
    """The bad ones of handshake.json: how the link ends."""
    for case in refused():
        *before, last = case.received
        steps = [_opened(case.role)]
        steps += [_hears(frame, sent) for frame, sent in zip(before, case.sent, strict=True)]
        if case.error == "other-version":
            # The inviter has said already which versions it speaks.
            says = () if case.role == INVITER else (plain("hello", [1]),)
            ending = _hears(last, *says, **_ended("other-version", LATER))
        elif before:
            ending = _hears(last, BYE, **_ended(case.error, LATER))
        else:
            ending = _hears(last, **_ended(case.error, AT_ONCE))
        yield _vector_as(case.role, f"refused: {case.name}", *steps, ending, handshake=case.handshake)


def _busy() -> Iterator[Json]:
    """Frames that come while this side is busy with its keys."""
    slow: Step = {"keys": "slow"}
    opened, hello, last = _proves(INVITER)
    quick = [_hears(_card(BOB, "Bob")), _hears('["typing"]')]

    def ready(*send: str, **outcome: Any) -> Step:
        return {"keys": "ready", **({"send": list(send)} if send else {}), **outcome}

    def unanswered(step: Step) -> Step:
        return {"received": step["received"]}

    yield _vector_as(
        INVITER,
        "busy: the card comes before the proof is checked",
        opened,
        hello,
        slow,
        unanswered(last),
        *quick,
        ready(_card(ANN, "Ann"), _have(bob=0), state="open"),
        _hears(_have(ann=0)),
    )
    yield _vector_as(
        INVITER,
        "busy: the proof is none, and nothing after it counts",
        opened,
        hello,
        slow,
        _hears(plain("proof", "A" * 86)),
        *quick,
        ready(BYE, **NOT_PROVED),
    )
    yield _vector_as(
        INVITER,
        "busy: the other leaves before the proof is checked",
        opened,
        hello,
        slow,
        unanswered(last),
        _hears(_card(BOB, "Bob")),
        _hears(BYE),
        _hears(_entries(BOB, 1, "one")),
        ready(_card(ANN, "Ann"), **_ended("peer-left", AT_ONCE)),
    )
    yield _vector_as(
        INVITER,
        "busy: what comes before the proof is checked is taken in its order",
        opened,
        hello,
        slow,
        unanswered(last),
        _hears(_card(BOB, "Bob")),
        _hears(_entries(BOB, 1, "one")),
        _hears(_card(NEW, "Bob")),
        _hears(_entries(NEW, 1, "two")),
        ready(_card(ANN, "Ann"), _have(new=1), state="open", shown=["one", "two"]),
    )
    opened, hello, last = _proves(REPLIER)
    yield _vector_as(
        REPLIER,
        "busy: hello comes before the nonce is drawn",
        slow,
        opened,
        unanswered(hello),
        ready(*hello["send"]),
    )
    yield _vector_as(
        REPLIER,
        "busy: unknown kinds come before reveal is checked",
        opened,
        hello,
        slow,
        unanswered(last),
        _hears('["typing"]', times=16),
        ready(*last["send"], state="open"),
    )
    yield _vector_as(
        REPLIER,
        "busy: a 17th frame comes",
        opened,
        hello,
        slow,
        unanswered(last),
        _hears('["typing"]', times=16),
        _hears('["typing"]', BYE, **BROKEN),
        optional="how many more than 16 frames a peer keeps is up to it",
    )


def _cards() -> Iterator[Json]:
    yield _vector("card: without a name", _proved(), _hears(_card(BOB, ""), _have(bob=0)))
    yield _vector(
        "card: a name of somebody's own choice", _proved(), _hears(_card(BOB, "\u202e\x00 B\nob "), _have(bob=0))
    )
    yield _vector(
        "card: another name later",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_card(BOB, "Robert"), _have(bob=1)),
        _hears(_entries(BOB, 2, "two"), _have(bob=2), shown=["two"]),
    )
    yield _vector(
        "card: another log later",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_card(NEW, "Bob"), _have(new=0)),
        _hears(_entries(NEW, 1, "new"), _have(new=1), shown=["new"]),
        _hears(_entries(BOB, 2, "two"), BYE, **BROKEN),
    )
    yield _vector(
        "card: back to the log before",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_card(NEW, "Bob"), _have(new=0)),
        _hears(_card(BOB, "Bob"), _have(bob=1)),
        _hears(_entries(BOB, 2, "two"), _have(bob=2), shown=["two"]),
    )
    yield _vector("card: our own log", _proved(), _hears(_card(ANN, "Bob"), BYE, **BROKEN))
    yield _vector("card: our own log later", *OPEN, _hears(_card(ANN, "Bob"), BYE, **BROKEN))
    upper = BOB.swapcase()
    yield _vector(
        "card: a log with other letters in upper case is another one",
        *OPEN,
        _hears(_card(upper, "Bob"), plain("have", {upper: 0})),
        _hears(_entries(BOB, 1, "one"), BYE, **BROKEN),
    )
    visits: Text = ["visit-number-", {"count": 1_000_000, "by": 1}]
    yield _vector(
        "card: as many logs as there are visits",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        {
            "received": ['["introduce","', *visits, '","Bob"]'],
            "send": [['["have",{"', *visits, '":0}]']],
            "times": 50,
        },
        _hears(_card(BOB, "Bob"), _have(bob=1)),
        _hears(_entries(BOB, 2, "two"), _have(bob=2), shown=["two"]),
    )
    proposal = plain("rendezvous", ROOM, False, "")
    yield _vector("card: a rendezvous before it", _proved(), _hears(proposal, BYE, **BROKEN))
    yield _vector(
        "rendezvous: it is passed over by who keeps nothing, and disturbs nobody",
        *OPEN,
        _hears(proposal),
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
    )
    for kind, said in (
        ("presence", ('["presence","typing"]', '["presence","recording"]', '["presence",""]', '["presence","away"]')),
        ("read", (plain("read", {ANN: 1, BOB: 7}), plain("read", {}))),
    ):
        yield _vector(f"card: {kind} before it", _proved(), _hears(said[0], BYE, **BROKEN))
        yield _vector(
            f"{kind}: it changes nothing of what is said, whatever is claimed",
            *OPEN,
            *(_hears(frame) for frame in said),
            _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        )
    yield _vector("card: a room before it", _proved(), _hears(plain("room", 1, ROOM), BYE, **BROKEN))
    yield _vector(
        "room: on a link to somebody who is in no room with us it is passed over",
        *OPEN,
        _hears(plain("room", 1, ROOM)),
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
    )
    yield _vector("card: entries before it", _proved(), _hears(_entries(BOB, 1, "one"), BYE, **BROKEN))


def _sending() -> Iterator[Json]:
    waiting = (_proved(), _writes("one", "two", "three"), SHOWN)
    all_three = _entries(ANN, 1, "one", "two", "three")
    yield _vector("first have: nothing", *waiting, _hears(_have(ann=0), all_three))
    yield _vector("first have: we are missing in it", *waiting, _hears(_have(), all_three))
    yield _vector("first have: others are in it", *waiting, _hears(_have(bob=7, cat=9), all_three))
    many = {f"{number:016}": number for number in range(1, 64)}
    yield _vector(
        "first have: 64 logs, of which one is ours",
        *waiting,
        _hears(plain("have", {**many, ANN: 2}), _entries(ANN, 3, "three"), delivered=2),
    )
    yield _vector(
        "first have: 64 logs, of which none is ours", *waiting, _hears(plain("have", {**many, CAT: 7}), all_three)
    )
    yield _vector("first have: a part", *waiting, _hears(_have(ann=2), _entries(ANN, 3, "three"), delivered=2))
    yield _vector("first have: all", *waiting, _hears(_have(ann=3), delivered=3))
    yield _vector("first have: more than was written", *waiting, _hears(_have(ann=4), BYE, **BROKEN))
    yield _vector(
        "first have: all, then new texts go out with the next number",
        *waiting,
        _hears(_have(ann=3), delivered=3),
        _writes("four", send=(_entries(ANN, 4, "four"),)),
        _hears(_have(ann=4), delivered=4),
    )

    sent = (*OPEN, _writes("one", "two", send=(_entries(ANN, 1, "one", "two"),)))
    yield _vector(
        "acknowledgement: in parts",
        *sent,
        _hears(_have(ann=1), delivered=1),
        _hears(_have(ann=2), delivered=2),
    )
    yield _vector(
        "acknowledgement: a lower count takes nothing back and sends nothing again",
        *sent,
        _hears(_have(ann=2), delivered=2),
        _hears(_have(ann=0)),
        _hears(_have()),
        _hears(_have(ann=2)),
    )
    yield _vector("acknowledgement: of others", *sent, _hears(_have(bob=5, cat=1)))
    yield _vector("acknowledgement: the same again", *sent, *[_hears(_have(ann=2), delivered=2)] * 2)
    yield _vector(
        "acknowledgement: more than was sent",
        *sent,
        _hears(_have(ann=1), delivered=1),
        _hears(_have(ann=3), BYE, **BROKEN),
    )
    yield _vector("acknowledgement: far more than was sent", *sent, _hears(_have(ann=2**53 - 1), BYE, **BROKEN))
    yield _vector(
        "sending: each time with the time and the next number",
        *OPEN,
        _writes("one", send=(_entries(ANN, 1, "one"),)),
        _writes("two", at=AT + 2_000, send=(_entries(ANN, 2, "two", at=AT + 2_000),)),
        _writes("three", at=AT - 60_000, send=(_entries(ANN, 3, "three", at=AT - 60_000, order=AT + 2_000),)),
        _hears(_have(ann=3), delivered=3),
    )
    ahead = AT + 3_600_000
    yield _vector(
        "sending: a rank above all that was read",
        *OPEN,
        _hears(_entries(BOB, 1, "one", at=ahead), _have(bob=1), shown=["one"]),
        _writes("two", "three", send=(_entries(ANN, 1, "two", "three", order=ahead + 1),)),
        _hears(_entries(BOB, 2, "four", order=ahead + 5), _have(bob=2), shown=["four"]),
        _writes("five", at=ahead + 4, send=(_entries(ANN, 3, "five", at=ahead + 4, order=ahead + 6),)),
        _writes("six", at=ahead + 7, send=(_entries(ANN, 4, "six", at=ahead + 7),)),
    )
    odd = 'ü \U0001f600 "\\" \n\x00 [[[ </p>'
    yield _vector("sending: any characters", *OPEN, _writes(odd, send=(_entries(ANN, 1, odd),)))


def _receiving() -> Iterator[Json]:
    yield _vector(
        "receiving: each frame is acknowledged",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_entries(BOB, 2, "two", "three"), _have(bob=3), shown=["two", "three"]),
    )
    yield _vector(
        "receiving: before the other's have",
        _proved(),
        SHOWN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_have(ann=0)),
    )
    yield _vector(
        "receiving: what is there already is passed over and acknowledged",
        *OPEN,
        _hears(_entries(BOB, 1, "one", "two"), _have(bob=2), shown=["one", "two"]),
        _hears(_entries(BOB, 1, "one", "two"), _have(bob=2)),
        _hears(_entries(BOB, 2, "two"), _have(bob=2)),
    )
    yield _vector(
        "receiving: what is there already in part",
        *OPEN,
        _hears(_entries(BOB, 1, "one", "two"), _have(bob=2), shown=["one", "two"]),
        _hears(_entries(BOB, 2, "two", "three", "four"), _have(bob=4), shown=["three", "four"]),
    )
    yield _vector(
        "receiving: the first text of a number stays",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_entries(BOB, 1, "another", "two", at=5), _have(bob=2), shown=["two"]),
    )
    yield _vector(
        "receiving: an empty list",
        *OPEN,
        _hears(_entries(BOB, 1), _have(bob=0)),
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_entries(BOB, 1), _have(bob=1)),
        _hears(_entries(BOB, 2), _have(bob=1)),
    )
    yield _vector(
        "receiving: an empty list after a gap makes none",
        *OPEN,
        _hears(_entries(BOB, 2), _have(bob=0)),
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
    )
    yield _vector(
        "receiving: the first ones are no longer kept by the other",
        *OPEN,
        _hears(_entries(BOB, 1_001, "one", "two"), _have(bob=1_002), shown=["one", "two"]),
        _hears(_entries(BOB, 1_000, "nought", "one", "two", "three"), _have(bob=1_003), shown=["three"]),
    )
    yield _vector(
        "receiving: some in between are no longer kept by the other",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_entries(BOB, 3, "three"), _have(bob=3), shown=["three"]),
        _hears(_entries(BOB, 2, "two"), _have(bob=3)),
        {"closed": True, **_ended("channel-closed", AT_ONCE)},
        _proved(link=2),
        _hears(_card(BOB, "Bob"), _have(bob=3), link=2),
    )
    yield _vector("receiving: a text of somebody else", *OPEN, _hears(_entries(CAT, 1, "one"), BYE, **BROKEN))
    yield _vector("receiving: a text of our own", *OPEN, _hears(_entries(ANN, 1, "one"), BYE, **BROKEN))
    yield _vector("receiving: nothing of somebody else", *OPEN, _hears(_entries(CAT, 1), BYE, **BROKEN))
    yield _vector(
        "receiving: lone surrogates are shown as U+FFFD",
        *OPEN,
        _hears(
            f'["entries","{BOB}",1,[[5,"a\\ud800b"],[5,"\\ud83d\\ude00"]]]',
            _have(bob=2),
            shown=["a\ufffdb", "\U0001f600"],
        ),
    )
    yield _vector(
        "receiving: times need no order",
        *OPEN,
        _hears(
            f'["entries","{BOB}",1,[[9,"one"],[0,"two"],[{2**47 - 1},"three"]]]',
            _have(bob=3),
            shown=["one", "two", "three"],
        ),
    )
    yield _vector(
        "receiving: unknown kinds are passed over",
        *OPEN,
        _hears('["typing",true]'),
        _hears(f'["reaction",{{"{BOB}":1}},null,1.5]'),
        _hears('["BYE"]'),
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
    )


def _order() -> Iterator[Json]:
    """Where messages stand."""
    yield _vector(
        "order: what was written after reading something stands after it, whatever the clock says",
        *OPEN,
        _hears(_entries(BOB, 1, "one", at=AT + 9_000), _have(bob=1), shown=["one"], ordered=["one"]),
        _writes("two", send=(_entries(ANN, 1, "two", order=AT + 9_001),), ordered=["one", "two"]),
        _hears(_entries(BOB, 2, "three", order=AT + 9_002), _have(bob=2), ordered=["one", "two", "three"], shown=1),
    )
    yield _vector(
        "order: a former log comes first, and what is in it stands where it belongs",
        *OPEN[:2],
        _hears(_have(ann=0)),
        _hears(_card(NEW, "Bob"), _have(new=0)),
        _hears(_entries(NEW, 1, "one", "two", at=AT - 9_000), _have(new=2), shown=["one", "two"]),
        _hears(_card(BOB, "Bob"), _have(bob=0)),
        _hears(_entries(BOB, 1, "three"), _have(bob=1), shown=["three"], ordered=["one", "two", "three"]),
    )
    yield _vector(
        "order: what comes late stands before what was written without knowing it",
        *OPEN,
        _writes("two", at=AT + 1_000, send=(_entries(ANN, 1, "two", at=AT + 1_000),), ordered=["two"]),
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"], ordered=["one", "two"]),
        _writes("three", at=AT + 2_000, send=(_entries(ANN, 2, "three", at=AT + 2_000),)),
        _hears(
            _entries(BOB, 2, "between", at=AT + 1_500),
            _have(bob=2),
            ordered=["one", "two", "between", "three"],
            shown=1,
        ),
    )
    yield _vector(
        "order: a rank below the one before it in the log counts as that one",
        *OPEN,
        _hears(_entries(BOB, 1, "one", order=AT + 5_000), _have(bob=1), shown=["one"]),
        _writes("three", at=AT + 1_000, send=(_entries(ANN, 1, "three", at=AT + 1_000, order=AT + 5_001),)),
        _hears(_entries(BOB, 2, "two", at=AT + 2_000), _have(bob=2), shown=["two"], ordered=["one", "two", "three"]),
    )
    yield _vector(
        "order: the same within one frame",
        *OPEN,
        _hears(
            plain("entries", BOB, 1, [[AT, "one", AT + 5_000], [AT, "two"], [AT, "three", AT + 4_000]]),
            _have(bob=3),
            shown=["one", "two", "three"],
        ),
        _writes("four", at=AT + 1, send=(_entries(ANN, 1, "four", at=AT + 1, order=AT + 5_001),)),
        _hears(
            _entries(BOB, 4, "five", at=AT + 2), _have(bob=4), shown=1, ordered=["one", "two", "three", "five", "four"]
        ),
    )
    yield _vector(
        "order: of equal ranks the name of the log decides",
        *OPEN[:2],
        _hears(_have(ann=0)),
        _hears(_card(NEW, "Bob"), _have(new=0)),
        _hears(_entries(NEW, 1, "three", "four"), _have(new=2), shown=["three", "four"]),
        _hears(_card(BOB, "Bob"), _have(bob=0)),
        _hears(_entries(BOB, 1, "one", "two"), _have(bob=2), shown=2, ordered=["one", "two", "three", "four"]),
    )


def _again() -> Iterator[Json]:
    """A link that ends, and a new one between the same two."""
    lost = (
        *OPEN,
        _writes("one", "two", "three", send=(_entries(ANN, 1, "one", "two", "three"),)),
        _hears(_have(ann=1), delivered=1),
        {"closed": True, **_ended("channel-closed", AT_ONCE)},
        _proved(link=2),
        _hears(_card(BOB, "Bob"), _have(bob=0), link=2),
    )
    for name, count, send, delivered in [
        ("what was not acknowledged is sent again", 1, (_entries(ANN, 2, "two", "three"),), 1),
        ("what had come without an acknowledgement is not sent again", 2, (_entries(ANN, 3, "three"),), 2),
        ("all had come", 3, (), 3),
        ("what was acknowledged is sent again if the other lacks it", 0, (_entries(ANN, 1, "one", "two", "three"),), 1),
    ]:
        outcome = {"delivered": delivered} if delivered != 1 else {}
        yield _vector(f"again: {name}", *lost, _hears(_have(ann=count), *send, link=2, **outcome))
    yield _vector(
        "again: the other no longer knows what it has",
        *lost,
        _hears(_have(), _entries(ANN, 2, "two", "three"), link=2),
        _hears(_have(ann=3), link=2, delivered=3),
    )
    yield _vector("again: the other has more than was written", *lost, _hears(_have(ann=4), BYE, link=2, **BROKEN))
    yield _vector(
        "again: what is written in between",
        *lost[:-2],
        _writes("four"),
        *lost[-2:],
        _hears(_have(ann=1), _entries(ANN, 2, "two", "three", "four"), link=2),
        _hears(_have(ann=4), link=2, delivered=4),
    )
    yield _vector(
        "again: the other's texts go on where they were",
        *OPEN,
        _hears(_entries(BOB, 1, "one", "two"), _have(bob=2), shown=["one", "two"]),
        _hears(BYE, **_ended("peer-left", AT_ONCE)),
        _proved(link=2),
        _hears(_card(BOB, "Bob"), _have(bob=2), link=2),
        _hears(_have(), link=2),
        _hears(_entries(BOB, 2, "two", "three"), _have(bob=3), link=2, shown=["three"]),
    )
    yield _vector(
        "again: after a mistake of the other",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears("oops", BYE, **BROKEN),
        _proved(link=2),
        _hears(_card(BOB, "Bob"), _have(bob=1), link=2),
    )
    yield _vector(
        "again: while the link before still seems open",
        *OPEN,
        _writes("one", send=(_entries(ANN, 1, "one"),)),
        _proved(link=2, elsewhere={"link": 1, "send": [BYE], **_ended("replaced", AT_ONCE)}),
        _hears(_card(BOB, "Bob"), _have(bob=0), link=2),
        _hears(_have(ann=0), _entries(ANN, 1, "one"), link=2),
        _hears(_have(ann=1), link=2, delivered=1),
    )
    yield _vector(
        "again: the other has lost what it had, and begins a new log",
        *OPEN,
        _writes("one", send=(_entries(ANN, 1, "one"),)),
        _hears(_have(ann=1), delivered=1),
        _hears(_entries(BOB, 1, "old"), _have(bob=1), shown=["old"]),
        {"closed": True, **_ended("channel-closed", AT_ONCE)},
        _proved(link=2),
        _hears(_card(NEW, "Bob"), _have(new=0), link=2),
        _hears(_have(ann=0), _entries(ANN, 1, "one"), link=2),
        _hears(_entries(NEW, 1, "new"), _have(new=1), link=2, shown=["new"]),
        _hears(_have(ann=1), link=2),
    )


def _others() -> Iterator[Json]:
    """Nobody gets what was said with somebody else."""
    with_cat = (_proved("Cat", ANN_WITH_CAT, link=2), _hears(_card(CAT, "Cat"), _have(cat=0), link=2))
    yield _vector(
        "others: somebody else on the next link gets nothing of it",
        *OPEN,
        _writes("for Bob", send=(_entries(ANN, 1, "for Bob"),)),
        _hears(_entries(BOB, 1, "for Ann"), _have(bob=1), shown=["for Ann"]),
        {"closed": True, **_ended("channel-closed", AT_ONCE)},
        *with_cat,
        _hears(_have(), link=2),
    )
    yield _vector(
        "others: each has a numbering of their own",
        *OPEN,
        _writes("one for Bob", "two for Bob", send=(_entries(ANN, 1, "one for Bob", "two for Bob"),)),
        *with_cat,
        _hears(_have(), link=2),
        _writes("for Cat", link=2, send=(_entries(ANN_WITH_CAT, 1, "for Cat"),)),
        _hears(_entries(CAT, 1, "from Cat"), _have(cat=1), link=2, shown=["from Cat"]),
        _hears(_entries(BOB, 1, "from Bob"), _have(bob=1), shown=["from Bob"]),
        _hears(_have(ann_with_cat=1), link=2, delivered=1),
        _hears(_have(ann=2), delivered=2),
    )
    yield _vector(
        "others: what one log is called is nothing to somebody else",
        *OPEN,
        *with_cat,
        _hears(_have(ann=9, ann_with_cat=0), link=2),
        _hears(_entries(BOB, 1, "from Cat"), BYE, link=2, **BROKEN),
    )
    yield _vector(
        "others: two people may give their logs one name",
        *OPEN,
        with_cat[0],
        _hears(_card(BOB, "Cat"), _have(bob=0), link=2),
        _hears(_entries(BOB, 1, "from Cat"), _have(bob=1), link=2, shown=["from Cat"]),
        _hears(_entries(BOB, 1, "from Bob"), _have(bob=1), shown=["from Bob"]),
    )
    yield _vector(
        "others: a mistake on one link ends no other",
        *OPEN,
        *with_cat,
        _hears(_have(), link=2),
        _hears("oops", BYE, link=2, **BROKEN),
        _writes("still here", send=(_entries(ANN, 1, "still here"),)),
        _hears(_have(ann=1), delivered=1),
    )


def _mistakes() -> Iterator[Json]:
    cases: dict[str, Text] = {
        "an empty message": "",
        "no JSON": "hello",
        "a frame that is too large": ['["typing","', ["x", 65_536], '"]'],
        "a frame nested too deep": ['["typing",', ["[", 20_000], ["]", 20_000], "]"],
        "a malformed have": f'["have",{{"{ANN}":true}}]',
        "malformed entries": f'["entries","{BOB}",1,[[5,"fine"],[5,""]]]',
        "a malformed bye": '["bye",1]',
        "a malformed mismatch": '["mismatch",1]',
        "a malformed card": f'["introduce","{BOB}"]',
    }
    for name, data in cases.items():
        yield _vector(f"mistake: {name}", *OPEN, _hears(data, BYE, **BROKEN))
    yield _vector(
        "mistake: what was there before stays, what comes after is not read",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears("oops", BYE, **BROKEN),
        _hears(_entries(BOB, 2, "two")),
        _hears("oops"),
        _hears(BYE),
    )


def _ending() -> Iterator[Json]:
    yield _vector(
        "ending: the other leaves",
        *OPEN,
        _hears(BYE, **_ended("peer-left", AT_ONCE)),
        _hears(_entries(BOB, 1, "one")),
        {"closed": True},
    )
    yield _vector(
        "ending: we leave, and what still comes is not read",
        *OPEN,
        {"left": True, "send": [BYE], **_ended("left", LATER)},
        _hears(_entries(BOB, 1, "one")),
        _hears(BYE),
    )
    yield _vector(
        "ending: we leave before the other's card",
        _proved(),
        {"left": True, "send": [BYE], **_ended("left", LATER)},
    )
    yield _vector(
        "ending: the other has compared, and saw something else",
        *OPEN,
        _hears(MISMATCH, **_ended("peer-no-match", AT_ONCE)),
        _hears(BYE),
    )
    yield _vector(
        "ending: we have compared, and saw something else",
        *OPEN,
        {"differs": True, "send": [MISMATCH, BYE], **_ended("no-match", MUCH_LATER)},
        _hears(MISMATCH),
    )
    yield _vector("ending: the channel closes", *OPEN, {"closed": True, **_ended("channel-closed", AT_ONCE)})
    yield _vector(
        "ending: the channel closes before the other's card",
        _proved(),
        {"closed": True, **_ended("channel-closed", AT_ONCE)},
    )
    yield _vector(
        "ending: what is written afterwards waits",
        *OPEN,
        _hears(BYE, **_ended("peer-left", AT_ONCE)),
        _writes("one"),
    )


def _limits() -> Iterator[Json]:
    """How much of one author is taken."""

    def filled(entries: Text, by: int, times: int) -> Step:
        head: Text = [f'["entries","{BOB}",', {"count": 1, "by": by}, ",["]
        acknowledged: Text = [f'["have",{{"{BOB}":', {"count": by, "by": by}, "}]"]
        return {"received": [*head, *entries, "]]"], "send": [acknowledged], "shown": by, "times": times}

    yield _vector(
        "limit: a million entries",
        *OPEN,
        filled([['[5,"x"],', 7_999], '[5,"x"]'], 8_000, 125),
        _hears(_entries(BOB, 1_000_001, "x"), _have(bob=1_000_001), shown=["x"]),
    )
    head, entry = f'["entries","{BOB}",1,[', '[5,"x"],'
    most = (65_536 - len(head) - len("]")) // len(entry)
    yield _vector(
        "limit: as many entries as a frame holds",
        *OPEN,
        _hears([head, [entry, most - 1], '[5,"x"]]]'], _have(bob=most), shown=most),
    )
    texts: list[Any] = []
    for number in range(8):
        texts += ['[5,"', ["\u00e9", 4_000], '"]' if number == 7 else '"],']
    yield _vector(
        "limit: a hundred million code points",
        *OPEN,
        filled(texts, 8, 3_125),
        _hears(_entries(BOB, 25_001, "x"), _have(bob=25_001), shown=["x"]),
    )
