"""Dialogues: what happens on the links of one side, step by step, and what that side must do."""

import json
from collections.abc import Iterator
from typing import Any

from tests.vectors.frames import ANN, BOB
from tests.vectors.writer import Json, Text

NOTE = """\
What one side hears and says, step by step. See 'Frames' to 'Ending' in docs/protocol.md.
`me` is the author id of this side. In each step one thing happens:
`opened`: the channel of a link opens;
`received`: a message comes, as `data` in frames.json; also with {"count": from, "by": step} among its parts, a number;
`written`: the person writes these texts to the other person, when the clock shows `at`;
`left`: the person leaves;
`closed`: the channel closes.
`times` says how often the step is done; each time its counts are higher by their `by`.
`link` is the number of the link, 1 if it is not there. A link with a new number is a new one, of new codes.
What must come of it, before the next step:
`send`: the frames to be sent over the link, in this order; none if it is not there. Compare them as JSON. The texts of
one step may be spread over several frames of entries in another way.
`state`: how the link stands from now on: `greeting`, `open` or `ended`, then with its `ending`, and whether the
connection is to be closed `at once` or `after a second` (`close`).
`shown`: the texts that are new to the person, or only how many.
`delivered`: how many texts of one's own the other side has, from now on.
`elsewhere`: the same of another link."""

CAT = "Cat-7hRq2mWd9Zb4_Yx0Ts"
AT = 1_700_000_000_000

Step = Json


def vectors() -> list[Json]:
    return [
        *_of_the_document(),
        *_greeting(),
        *_sending(),
        *_receiving(),
        *_again(),
        *_others(),
        *_mistakes(),
        *_ending(),
        *_limits(),
    ]


def _vector(name: str, *steps: Step, me: str = ANN) -> Json:
    return {"name": name, "me": me, "steps": list(steps)}


# Frames.


def _frame(*items: Any) -> str:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


def _hello(author: str, *versions: int) -> str:
    return _frame("hello", versions or [1], author)


def _have(**counts: int) -> str:
    return _frame("have", {{"ann": ANN, "bob": BOB, "cat": CAT}[name]: count for name, count in counts.items()})


def _entries(author: str, first: int, *texts: str, at: int = AT) -> str:
    return _frame("entries", author, first, [[at, text] for text in texts])


BYE = _frame("bye")


# Steps.


def _opened(me: str = ANN, **more: Any) -> Step:
    return {"opened": True, **more, "send": [_hello(me)], "state": "greeting"}


def _hears(received: Text, *send: str, **outcome: Any) -> Step:
    return {"received": received, **({"send": list(send)} if send else {}), **outcome}


def _writes(*texts: str, send: tuple[str, ...] = (), at: int = AT, **more: Any) -> Step:
    return {"written": list(texts), "at": at, **more, **({"send": list(send)} if send else {})}


def _ended(ending: str, close: str) -> Step:
    return {"state": "ended", "ending": ending, "close": close}


AT_ONCE, LATER = "at once", "after a second"
BROKEN = _ended("broke-protocol", LATER)
GREETED = _hears(_hello(BOB), _have(bob=0), state="open")
OPEN = (_opened(), GREETED, _hears(_have()))
"""The channel opens, and both have said all there is to say."""


def _of_the_document() -> Iterator[Json]:
    greeting = "Hello Bob", "Hello Ann", "How are you?"
    yield _vector(
        "the dialogue of the document, Ann's side",
        _opened(),
        _hears(_hello(BOB), _have(bob=0), state="open"),
        _hears(_have(ann=0)),
        _writes(greeting[0], send=(_entries(ANN, 1, greeting[0]),)),
        _hears(_have(ann=1), delivered=1),
        _hears(_entries(BOB, 1, *greeting[1:]), _have(bob=2), shown=list(greeting[1:])),
        {"left": True, "send": [BYE], **_ended("left", LATER)},
    )
    yield _vector(
        "the dialogue of the document, Bob's side",
        _opened(BOB),
        _hears(_hello(ANN), _have(ann=0), state="open"),
        _hears(_have(bob=0)),
        _hears(_entries(ANN, 1, greeting[0]), _have(ann=1), shown=[greeting[0]]),
        _writes(*greeting[1:], send=(_entries(BOB, 1, *greeting[1:]),)),
        _hears(_have(bob=2), delivered=2),
        _hears(BYE, **_ended("peer-left", AT_ONCE)),
        me=BOB,
    )


def _greeting() -> Iterator[Json]:
    for name, versions in {
        "the same version": (1,),
        "a newer version too": (1, 2),
        "newer versions first": (3, 2, 1),
        "the highest version too": (2**53 - 1, 1),
    }.items():
        yield _vector(f"greeting: {name}", _opened(), _hears(_hello(BOB, *versions), _have(bob=0), state="open"))
    for name, versions in {"a newer version only": (2,), "several newer versions": (2, 3, 11)}.items():
        yield _vector(f"greeting: {name}", _opened(), _hears(_hello(BOB, *versions), **_ended("other-version", LATER)))
    yield _vector("greeting: our own author", _opened(), _hears(_hello(ANN), **_ended("oneself", LATER)))
    yield _vector(
        "greeting: our own author in another version",
        _opened(),
        _hears(_hello(ANN, 2), **_ended("other-version", LATER)),
    )
    yield _vector(
        "greeting: an author with other letters in upper case is somebody else",
        _opened(),
        {
            "received": _hello(ANN.swapcase()),
            "send": [_frame("have", {ANN.swapcase(): 0})],
            "state": "open",
        },
    )
    yield _vector("greeting: unknown kinds before it are passed over", _opened(), _hears('["typing",{"a":1}]'), GREETED)
    for name, frame in {
        "have before it": _have(ann=0),
        "entries before it": _entries(BOB, 1, "Hello Ann"),
        "an empty message before it": "",
        "a malformed greeting": f'["hello",[1],"{BOB}",{{}}]',
        "a malformed greeting in another version": f'["hello",[2],"{BOB}",{{}}]',
    }.items():
        yield _vector(f"greeting: {name}", _opened(), _hears(frame, **_ended("broke-protocol", AT_ONCE)))
    yield _vector("greeting: bye before it", _opened(), _hears(BYE, **_ended("peer-left", AT_ONCE)))
    for name, frame in {"again": _hello(BOB), "again, as somebody else": _hello(CAT)}.items():
        yield _vector(f"greeting: {name}", *OPEN, _hears(frame, BYE, **BROKEN))
    yield _vector(
        "greeting: what is written before it waits for the other's have",
        _opened(),
        _writes("one"),
        GREETED,
        _writes("two", at=AT + 1_000),
        _hears(_have(ann=0), _frame("entries", ANN, 1, [[AT, "one"], [AT + 1_000, "two"]])),
        _hears(_have(ann=2), delivered=2),
    )


def _sending() -> Iterator[Json]:
    waiting = (_opened(), _writes("one", "two", "three"), GREETED)
    all_three = _entries(ANN, 1, "one", "two", "three")
    yield _vector("first have: nothing", *waiting, _hears(_have(ann=0), all_three))
    yield _vector("first have: we are missing in it", *waiting, _hears(_have(), all_three))
    yield _vector("first have: others are in it", *waiting, _hears(_have(bob=7, cat=9), all_three))
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
        _writes("three", at=AT - 60_000, send=(_entries(ANN, 3, "three", at=AT - 60_000),)),
        _hears(_have(ann=3), delivered=3),
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
        _opened(),
        GREETED,
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
    yield _vector("receiving: an empty list after a gap", *OPEN, _hears(_entries(BOB, 2), BYE, **BROKEN))
    yield _vector("receiving: a gap at first", *OPEN, _hears(_entries(BOB, 2, "two"), BYE, **BROKEN))
    yield _vector(
        "receiving: a gap later",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears(_entries(BOB, 3, "three"), BYE, **BROKEN),
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


def _again() -> Iterator[Json]:
    """A link that ends, and a new one between the same two."""
    lost = (
        *OPEN,
        _writes("one", "two", "three", send=(_entries(ANN, 1, "one", "two", "three"),)),
        _hears(_have(ann=1), delivered=1),
        {"closed": True, **_ended("channel-closed", AT_ONCE)},
        _opened(link=2),
        _hears(_hello(BOB), _have(bob=0), link=2, state="open"),
    )
    for name, count, send, delivered in [
        ("what was not acknowledged is sent again", 1, (_entries(ANN, 2, "two", "three"),), 1),
        ("what had come without an acknowledgement is not sent again", 2, (_entries(ANN, 3, "three"),), 2),
        ("all had come", 3, (), 3),
        ("what was acknowledged is sent again if the other lacks it", 0, (_entries(ANN, 1, "one", "two", "three"),), 1),
    ]:
        outcome = {"delivered": delivered} if delivered != 1 else {}
        yield _vector(f"again: {name}", *lost, _hears(_have(ann=count), *send, link=2, **outcome))
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
        _opened(link=2),
        _hears(_hello(BOB), _have(bob=2), link=2, state="open"),
        _hears(_have(), link=2),
        _hears(_entries(BOB, 2, "two", "three"), _have(bob=3), link=2, shown=["three"]),
    )
    yield _vector(
        "again: after a mistake of the other",
        *OPEN,
        _hears(_entries(BOB, 1, "one"), _have(bob=1), shown=["one"]),
        _hears("oops", BYE, **BROKEN),
        _opened(link=2),
        _hears(_hello(BOB), _have(bob=1), link=2, state="open"),
    )
    yield _vector(
        "again: while the link before still seems open",
        *OPEN,
        _writes("one", send=(_entries(ANN, 1, "one"),)),
        _opened(link=2),
        _hears(
            _hello(BOB),
            _have(bob=0),
            link=2,
            state="open",
            elsewhere={"link": 1, "send": [BYE], **_ended("replaced", AT_ONCE)},
        ),
        _hears(_have(ann=0), _entries(ANN, 1, "one"), link=2),
        _hears(_have(ann=1), link=2, delivered=1),
    )


def _others() -> Iterator[Json]:
    """Nobody gets what was said with somebody else."""
    with_cat = (_opened(link=2), _hears(_hello(CAT), _have(cat=0), link=2, state="open"))
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
        _writes("for Cat", link=2, send=(_entries(ANN, 1, "for Cat"),)),
        _hears(_entries(CAT, 1, "from Cat"), _have(cat=1), link=2, shown=["from Cat"]),
        _hears(_entries(BOB, 1, "from Bob"), _have(bob=1), shown=["from Bob"]),
        _hears(_have(ann=1), link=2, delivered=1),
        _hears(_have(ann=2), delivered=2),
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
    yield _vector("ending: we leave before the greeting", _opened(), {"left": True, **_ended("left", AT_ONCE)})
    yield _vector("ending: the channel closes", *OPEN, {"closed": True, **_ended("channel-closed", AT_ONCE)})
    yield _vector(
        "ending: the channel closes before the greeting",
        _opened(),
        {"closed": True, **_ended("channel-closed", AT_ONCE)},
    )
    yield _vector(
        "ending: what is written afterwards waits",
        *OPEN,
        _hears(BYE, **_ended("peer-left", AT_ONCE)),
        _writes("one"),
    )


def _limits() -> Iterator[Json]:
    """How much of one author is kept."""

    def filled(entries: Text, by: int, times: int) -> Step:
        head: Text = [f'["entries","{BOB}",', {"count": 1, "by": by}, ",["]
        acknowledged: Text = [f'["have",{{"{BOB}":', {"count": by, "by": by}, "}]"]
        return {"received": [*head, *entries, "]]"], "send": [acknowledged], "shown": by, "times": times}

    many = filled([['[5,"x"],', 7_999], '[5,"x"]'], 8_000, 25)
    yield _vector(
        "limit: 200,000 entries",
        *OPEN,
        many,
        _hears(_entries(BOB, 200_000, "x"), _have(bob=200_000)),
        _hears(_entries(BOB, 200_001, "x"), BYE, **BROKEN),
    )
    yield _vector(
        "limit: a frame with the last entry and one too many",
        *OPEN,
        {**many, "times": 24},
        _hears(_entries(BOB, 192_001, "x"), _have(bob=192_001), shown=1),
        _hears(
            [f'["entries","{BOB}",192002,[', ['[5,"x"],', 7_999], '[5,"x"]]]'],
            BYE,
            **BROKEN,
        ),
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
    # 1,562 frames of 8 texts of 4,000 code points leave 16,000 of 50,000,000.
    yield _vector(
        "limit: 50,000,000 code points",
        *OPEN,
        filled(texts, 8, 1_562),
        _hears(
            [f'["entries","{BOB}",12497,[[5,"', ["x", 8_000], '"],[5,"', ["x", 8_000], '"]]]'],
            _have(bob=12_498),
            shown=2,
        ),
        _hears(_entries(BOB, 12_499, "x"), BYE, **BROKEN),
    )
