"""Frames one by one: what each says, and which are mistakes."""

import json
from collections.abc import Iterator
from typing import Any

from tests.vectors.handshake import WORKED
from tests.vectors.rooms import SECRET, code_of
from tests.vectors.signer import INVITER, REPLIER
from tests.vectors.writer import Json, Text, as_text

NOTE = """\
Single frames, as messages of the channel. See 'Frames' and 'What is refused' in docs/reference/protocol.md.
`data` is the message: a string, or a list of strings and of pairs [string, how often it is repeated], to be put
together. Texts in a `reading` may be such lists too.
`reading` is what the frame says, bytes in hexadecimal; for entries that are alike there is a pair [entry, how often].
An entry has a third item, its rank, where that is above its time.
What a `hello` says after its versions are its `parts`; without a version that the reader speaks it does not look at
them. Which parts the one and the other side needs is in handshake.json.
`passed_over`: the frame is of an unknown kind, and nothing comes of it.
`error` is broke-protocol: a mistake of the peer, which ends the link.
`plain`: the frame is written as pychat itself writes it, without spaces and without needless escapes.
`optional` says who may read such a frame all the same."""

ANN, BOB = "Zq3v0uJ8mYtP1cXr9LkWsA", "b7Nf_2Ge-KdQ4hTy6VoR1w"
"""The logs of the two in the document's dialogue."""

KEY, NONCE = WORKED.inviter.key, WORKED.inviter.nonce
PARTS = tuple(as_text(part) for part in (KEY, NONCE))
SIGNED, PROVED = (WORKED.signature(role) for role in (INVITER, REPLIER))

MAX_NUMBER, MAX_TIME, MAX_RANK, MAX_FRAME, MAX_TEXT, MAX_NAME = 2**53 - 1, 2**47 - 1, 2**48 - 1, 65_536, 8_000, 64
MAX_RELAY = 512


def vectors() -> list[Json]:
    return [
        *_hello(),
        *_reveal_and_proof(),
        *_card(),
        *_have(),
        *_entries(),
        *_room(),
        *_rendezvous(),
        *_presence(),
        *_read(),
        *_mismatch(),
        *_bye(),
        *_unknown(),
        *_no_frames(),
        *_bad_hello(),
        *_bad_reveal_and_proof(),
        *_bad_bytes(),
        *_bad_card(),
        *_bad_have(),
        *_bad_entries(),
        *_bad_room(),
        *_bad_rendezvous(),
        *_bad_presence(),
        *_bad_read(),
        *_bad_mismatch(),
        *_bad_bye(),
        *_bad_numbers(),
        *_limits(),
    ]


def _good(name: str, data: Text, reading: Json) -> Json:
    return {"name": name, "data": data, "reading": reading}


def _passed_over(name: str, data: Text) -> Json:
    return {"name": name, "data": data, "passed_over": True}


def _plain(name: str, frame: list[Any], reading: Json) -> Json:
    """A frame in the plain form."""
    data = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
    return {"name": name, "data": data, "reading": reading, "plain": True}


def _bad(name: str, data: Text, optional: str = "") -> Json:
    bad: Json = {"name": name, "data": data, "error": "broke-protocol"}
    return {**bad, "optional": optional} if optional else bad


# Each kind.


def _hello() -> Iterator[Json]:
    def hello(versions: list[int], *parts: bytes) -> Json:
        return {"kind": "hello", "versions": versions, "parts": [part.hex() for part in parts]}

    committed = WORKED.inviter.commitment
    for name, versions, parts in [
        ("hello: of an inviter", [1], [committed]),
        ("hello: of a replier", [1], [KEY, NONCE]),
        ("hello: several versions", [1, 2, 3], [committed]),
        ("hello: versions in any order, one of them twice", [7, 1, 7], [KEY, NONCE]),
        ("hello: 32 versions", list(range(1, 33)), [committed]),
        ("hello: the highest version too", [MAX_NUMBER, 1], [committed]),
        ("hello: bytes of zeros and ones", [1], [bytes(32), b"\xff" * 32]),
    ]:
        yield _plain(name, ["hello", versions, *map(as_text, parts)], hello(versions, *parts))
    text = as_text(committed)
    spaces, escapes = f' [ "hello" ,\t[ 1 ],\r\n"{text}" ] \n', f'["\\u0068ello",[1],"\\u{ord(text[0]):04x}{text[1:]}"]'
    yield _good("hello: with spaces", spaces, hello([1], committed))
    yield _good("hello: with escapes", escapes, hello([1], committed))
    others: dict[str, tuple[list[int], list[Any]]] = {
        "other versions only": ([2, 3], [text]),
        "the highest version only": ([MAX_NUMBER], []),
        "other versions only, and any parts": ([2], [None, {"a": [True, -1.5]}, "short", []]),
    }
    for name, (versions, rest) in others.items():
        data = json.dumps(["hello", versions, *rest], separators=(",", ":"))
        yield _good(f"hello: {name}", data, {"kind": "hello", "versions": versions, "parts": []})


def _reveal_and_proof() -> Iterator[Json]:
    reading: Json = {"kind": "reveal", "key": KEY.hex(), "nonce": NONCE.hex(), "signature": SIGNED.hex()}
    yield {"name": "reveal", "data": WORKED.reveal, "reading": reading, "plain": True}
    yield _good("reveal: with spaces", WORKED.reveal.replace(",", " ,\n "), reading)
    reading = {"kind": "proof", "signature": PROVED.hex()}
    yield {"name": "proof", "data": WORKED.proof, "reading": reading, "plain": True}
    yield _good("proof: with an escape", WORKED.proof.replace("proof", "\\u0070roof"), reading)


def _card() -> Iterator[Json]:
    def card(log: str, name: str) -> Json:
        return {"kind": "introduce", "log": log, "name": name}

    for title, log, name in [
        ("a name", ANN, "Ann"),
        ("no name", ANN, ""),
        ("a log of 16 characters", "0123456789abcdef", "Ann"),
        ("a log of 64 characters", "Zz09_-" * 10 + "____", "Ann"),
        ("a name of 64 characters", ANN, "x" * MAX_NAME),
        ("a name of 64 characters outside the BMP", ANN, "\U0001f600" * MAX_NAME),
        ("a name that is kept as it is", ANN, " A\x00n\tn\n\u202e \ufeff"),
        ("a name in Hebrew", ANN, "\u05e9\u05dc\u05d5\u05dd"),
    ]:
        yield _plain(f"card: {title}", ["introduce", log, name], card(log, name))
    yield _good("card: a lone surrogate", f'["introduce","{ANN}","A\\ud800"]', card(ANN, "A\ufffd"))
    data: Text = [f'["introduce","{ANN}","', ["\\udead", MAX_NAME], '"]']
    yield _good("card: 64 lone surrogates", data, card(ANN, "\ufffd" * MAX_NAME))


def _have() -> Iterator[Json]:
    many = {f"{number:016}": number for number in range(64)}
    for name, have in [
        ("have: nobody", {}),
        ("have: one author", {ANN: 7}),
        ("have: nothing of an author", {ANN: 0}),
        ("have: two authors", {ANN: 7, BOB: 1}),
        ("have: 64 authors", many),
        ("have: the highest count", {ANN: MAX_NUMBER}),
    ]:
        yield _plain(name, ["have", have], {"kind": "have", "have": have})
    seven: Json = {"kind": "have", "have": {ANN: 7}}
    yield _good("have: of a key that comes twice the last counts", f'["have",{{"{ANN}":9,"{ANN}":7}}]', seven)
    yield _good("have: a key with an escape", f'["have",{{"\\u005a{ANN[1:]}":7}}]', seven)
    yield _good("have: minus zero is zero", f'["have",{{"{ANN}":-0}}]', {"kind": "have", "have": {ANN: 0}})


def _entries() -> Iterator[Json]:
    def reading(first: int, *entries: list[Any]) -> Json:
        return {"kind": "entries", "author": BOB, "first": first, "entries": list(entries)}

    def plain(name: str, first: int, *entries: list[Any]) -> Json:
        return _plain(f"entries: {name}", ["entries", BOB, first, list(entries)], reading(first, *entries))

    def escaped(name: str, text: str, read: str) -> Json:
        data = f'["entries","{BOB}",1,[[5,"{text}"]]]'
        return _good(f"entries: {name}", data, reading(1, [5, read]))

    def long(name: str, char: str, count: int, read: str) -> Json:
        data: Text = [f'["entries","{BOB}",1,[[5,"', [char, count], '"]]]']
        return _good(f"entries: {name}", data, reading(1, [5, [[read, count]]]))

    yield plain("none", 1)
    yield plain("one", 1, [1_700_000_000_000, "Hello Ann"])
    yield plain("several", 3, [1_700_000_000_000, "one"], [1_700_000_000_001, "two"], [5, "three"])
    yield plain("the highest number", MAX_NUMBER, [5, "text"])
    yield plain("the lowest and the highest time", 1, [0, "1970"], [MAX_TIME, "6429"])
    yield plain("one with a rank", 1, [1_700_000_000_000, "Hello Ann", 1_700_000_003_000])
    yield plain("with a rank and without one", 3, [5, "one", 6], [7, "two"], [7, "three", 8])
    yield plain("the lowest and the highest rank", 1, [0, "first", 1], [0, "last", MAX_RANK])
    yield plain("the highest time and a rank above it", 1, [MAX_TIME, "6429", MAX_TIME + 1])
    yield plain("ranks that fall, which is no mistake of the frame", 1, [5, "one", 9], [5, "two", 7], [5, "three"])
    yield _good("entries: a rank with spaces", f'["entries","{BOB}",1,[[5 ,"one" , 6 ]]]', reading(1, [5, "one", 6]))
    yield _good("entries: a rank and an escape", f'["entries","{BOB}",1,[[5,"\\u0068",6]]]', reading(1, [5, "h", 6]))
    yield _good(
        "entries: a rank and a lone surrogate", f'["entries","{BOB}",1,[[5,"\\ud800",6]]]', reading(1, [5, "\ufffd", 6])
    )
    for kind in ("reply", "edit", "delete", "react", "unreact"):
        yield plain(f"of the kind {kind}", 3, [5, "\U0001f44d", 0, [kind, ANN, 1]])
    yield plain("with a rank, about another one", 3, [5, "hello", 6, ["reply", ANN, MAX_NUMBER]], [7, "and so on"])
    yield plain("about itself, which is no mistake of the frame", 1, [5, "hello", 0, ["edit", BOB, 1]])
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
    for name, emoji in {"a family": family, "two letters": "+1", "32 characters": "x" * 32}.items():
        yield plain(f"a reaction by {name}", 1, [5, emoji, 0, ["react", ANN, 1]])
    for name, about in {
        "nothing more": ["poll"],
        "more": ["poll", "tea", ["coffee", {"é": None}], 1, True],
        "2,000 characters": ["poll", "x" * 1_989],
        "a name of 16 letters": ["abcdefghijklmnop"],
    }.items():
        yield plain(f"of an unknown kind with {name}", 1, [5, "Tea or coffee?", 0, about])
    for name, text in {
        "German and Greek": "Grüße, αβγ",
        "Chinese": "漢字",
        "from right to left": "שלום \u202eمرحبا\u202c",
        "an emoji outside the BMP": "\U0001f600",
        "an emoji of several code points": "\U0001f469\u200d\U0001f4bb",
        "a combining accent is kept": "e\u0301",
        "a space": " ",
        "a line": "one\ntwo\r\n\tthree",
        "a null character": "\x00",
        "all control characters": "".join(map(chr, range(32))) + "\x7f",
        "line and paragraph separators": "\u2028\u2029",
        "a byte order mark": "\ufeff",
        "noncharacters": "\ufffe\U0010ffff",
        "a replacement character": "\ufffd",
        "quotation marks and backslashes": '"\\"\\\\" \\u0041',
        "markup": "<script>alert(1)</script> &amp;",
        "what looks like a frame": '["bye"]',
        "opening brackets, which are no nesting": "[[[[[[[[[[[[{{{{{{{{",
        "closing brackets": '"]]]}}}]]]',
    }.items():
        yield plain(name, 1, [5, text])
    yield escaped("escapes", '\\u0068\\"\\\\\\/\\b\\f\\n\\r\\t', 'h"\\/\b\f\n\r\t')
    yield escaped("a pair of surrogates", "\\ud83d\\ude00", "\U0001f600")
    yield escaped("a pair of surrogates in upper case", "\\uD83D\\uDE00", "\U0001f600")
    yield escaped("a lone high surrogate", "a\\ud800b", "a\ufffdb")
    yield escaped("a lone low surrogate", "a\\udc00b", "a\ufffdb")
    yield escaped("nothing but a lone surrogate", "\\udfff", "\ufffd")
    yield escaped("a pair of surrogates the wrong way round", "\\ude00\\ud83d", "\ufffd\ufffd")
    yield escaped("a lone surrogate before a pair", "\\ud83d\\ud83d\\ude00", "\ufffd\U0001f600")
    yield escaped("a lone surrogate after a pair", "\\ud83d\\ude00\\ude00", "\U0001f600\ufffd")
    yield escaped("a lone surrogate before another character outside the BMP", "\\ud83d\U0001f600", "\ufffd\U0001f600")
    yield long("8,000 characters", "x", MAX_TEXT, "x")
    yield long("8,000 characters of 3 bytes", "漢", MAX_TEXT, "漢")
    yield long("8,000 characters outside the BMP", "\U0001f600", MAX_TEXT, "\U0001f600")
    yield long("8,000 escapes", "\\u0000", MAX_TEXT, "\x00")
    yield long("8,000 lone surrogates", "\\udead", MAX_TEXT, "\ufffd")
    yield _good(
        "entries: 7,000",
        [f'["entries","{BOB}",1,[', ['[5,"x"],', 6_999], '[5,"x"]]]'],
        {"kind": "entries", "author": BOB, "first": 1, "entries": [[[5, "x"], 7_000]]},
    )


def _room() -> Iterator[Json]:
    for name, renewals, secret in (
        ("", 1, SECRET),
        (": the highest bytes, most often renewed", MAX_NUMBER, b"\xff" * 20),
    ):
        reading = {"kind": "room", "renewals": renewals, "secret": secret.hex()}
        yield _plain(f"room{name}", ["room", renewals, as_text(secret)], reading)


def _bad_room() -> Iterator[Json]:
    secret = as_text(SECRET)
    for name, items in {
        "nothing": "",
        "no secret": ",1",
        "no number": f',"{secret}"',
        "two secrets": f',"{secret}","{secret}"',
        "a secret too many": f',1,"{secret}","{secret}"',
        "not renewed": f',0,"{secret}"',
        "renewed less than never": f',-1,"{secret}"',
        "renewed too often": f',{MAX_NUMBER + 1},"{secret}"',
        "a fraction": f',1.5,"{secret}"',
        "19 bytes": f',1,"{as_text(SECRET[:19])}"',
        "21 bytes": f',1,"{as_text(SECRET + bytes(1))}"',
        "an unused bit is set": f',1,"{secret[:-1]}N"',
        "padded": f',1,"{secret}="',
        "the code of a room": f',1,"{code_of(SECRET)}"',
        "two numbers": ",1,1",
    }.items():
        yield _bad(f"room: {name}", f'["room"{items}]')


def _rendezvous() -> Iterator[Json]:
    def rendezvous(secret: bytes, agreed: bool, relay: str) -> Json:
        return {"kind": "rendezvous", "secret": secret.hex(), "agreed": agreed, "relay": relay}

    for name, secret, agreed, relay in (
        ("a proposal", SECRET, False, "wss://chat.example/relay"),
        ("what was agreed on before", SECRET, True, "wss://chat.example/relay"),
        ("no relay", SECRET, False, ""),
        ("the highest bytes", b"\xff" * 20, True, "wss://chat.example/relay"),
        ("a relay without TLS, with a port", SECRET, False, "ws://127.0.0.1:8000/relay"),
        ("a relay of 7 characters", SECRET, False, "wss://a"),
        ("a relay of 512 characters", SECRET, False, "wss://chat.example/" + "x" * (MAX_RELAY - 19)),
        ("a relay with all signs of ASCII", SECRET, False, f"wss://{''.join(map(chr, range(33, 127)))}"),
    ):
        yield _plain(
            f"rendezvous: {name}", ["rendezvous", as_text(secret), agreed, relay], rendezvous(secret, agreed, relay)
        )
    reading = rendezvous(SECRET, True, "wss://chat.example/relay")
    spaces = f'[ "rendezvous",\t"{as_text(SECRET)}" , true,\n"wss:\\/\\/chat.example\\/relay" ]'
    yield _good("rendezvous: with spaces and escapes", spaces, reading)


def _bad_rendezvous() -> Iterator[Json]:
    secret, relay = as_text(SECRET), '"wss://chat.example/relay"'
    for name, rest in {
        "nothing else": "",
        "a secret only": f',"{secret}"',
        "no relay": f',"{secret}",false',
        "not whether it was agreed on": f',"{secret}",{relay}',
        "an item too many": f',"{secret}",false,{relay},1',
        "the other way round": f',{relay},false,"{secret}"',
        "a list around it": f',["{secret}",false,{relay}]',
        "the code of a room": f',"{code_of(SECRET)}",false,{relay}',
        "0 for false": f',"{secret}",0,{relay}',
        "1 for true": f',"{secret}",1,{relay}',
        "a string for true": f',"{secret}","true",{relay}',
        "null for false": f',"{secret}",null,{relay}',
        "null for the relay": f',"{secret}",false,null',
        "a number for the relay": f',"{secret}",false,1',
        "a list for the relay": f',"{secret}",false,[{relay}]',
        "a relay that is a page": f',"{secret}",false,"https://chat.example/relay"',
        "a relay without a scheme": f',"{secret}",false,"chat.example/relay"',
        "a scheme in capitals": f',"{secret}",false,"WSS://chat.example/relay"',
        "a scheme only": f',"{secret}",false,"wss://"',
        "a relay with a space": f',"{secret}",false,"wss://chat.example/re lay"',
        "a space before the relay": f',"{secret}",false," wss://chat.example/relay"',
        "a relay and a line feed": f',"{secret}",false,"wss://chat.example/relay\\n"',
        "a relay with a null character": f',"{secret}",false,"wss://chat.example/\\u0000"',
        "a relay with an umlaut": f',"{secret}",false,"wss://ch\u00e4t.example/relay"',
        "a relay with a lone surrogate": f',"{secret}",false,"wss://chat.example/\\ud800"',
        "a relay of 513 characters": f',"{secret}",false,"wss://{"x" * (MAX_RELAY - 5)}"',
    }.items():
        yield _bad(f"bad rendezvous: {name}", f'["rendezvous"{rest}]')


def _presence() -> Iterator[Json]:
    for name, state in {
        "typing": "typing",
        "away": "away",
        "nothing in particular": "",
        "a state of a later version": "recording",
        "a state of 16 letters": "abcdefghijklmnop",
    }.items():
        yield _plain(f"presence: {name}", ["presence", state], {"kind": "presence", "state": state})
    typing: Json = {"kind": "presence", "state": "typing"}
    yield _good("presence: with spaces and an escape", '[ "presence",\t"\\u0074yping" ]', typing)


def _bad_presence() -> Iterator[Json]:
    for name, rest in {
        "no state": "",
        "two states": ',"typing","away"',
        "null": ",null",
        "true": ",true",
        "a list": ',["typing"]',
        "a capital": ',"Typing"',
        "a space": ',"is typing"',
        "a digit": ',"away2"',
        "a line feed": ',"away\\n"',
        "an umlaut": ',"\u00fcber"',
        "17 letters": ',"abcdefghijklmnopq"',
    }.items():
        yield _bad(f"bad presence: {name}", f'["presence"{rest}]')


def _read() -> Iterator[Json]:
    many = {f"{number:016}": number for number in range(64)}
    for name, counts in {
        "nothing": {},
        "one log": {ANN: 7},
        "two logs": {ANN: 7, BOB: 1},
        "64 logs": many,
        "the highest count": {ANN: MAX_NUMBER},
    }.items():
        yield _plain(f"read: {name}", ["read", counts], {"kind": "read", "read": counts})


def _bad_read() -> Iterator[Json]:
    for name, rest in {
        "no logs": "",
        "a list": f',["{ANN}",7]',
        "null": ",null",
        "a log too short": ',{"short":7}',
        "a negative count": f',{{"{ANN}":-1}}',
        "a count that is too high": f',{{"{ANN}":{MAX_NUMBER + 1}}}',
        "a fraction": f',{{"{ANN}":1.5}}',
        "null for a count": f',{{"{ANN}":null}}',
        "an item too many": f',{{"{ANN}":7}},1',
    }.items():
        yield _bad(f"bad read: {name}", f'["read"{rest}]')
    many = ",".join(f'"{number:016}":1' for number in range(65))
    yield _bad("bad read: 65 logs", f'["read",{{{many}}}]')


def _mismatch() -> Iterator[Json]:
    yield _plain("mismatch", ["mismatch"], {"kind": "mismatch"})


def _bye() -> Iterator[Json]:
    yield _plain("bye", ["bye"], {"kind": "bye"})
    yield _good("bye: with spaces", '\t[\n"bye"\r] ', {"kind": "bye"})
    yield _plain("elsewhere", ["elsewhere"], {"kind": "elsewhere"})


def _unknown() -> Iterator[Json]:
    for name, frame in {
        "no items": ["typing"],
        "items of any type": ["typing", None, True, -1, 1.5, "text", [], {}, {"a": [{"b": None}]}],
        "a known kind in upper case": ["HELLO", [1], PARTS[0]],
        "another known kind in upper case": ["Card", ANN, "Ann"],
        "a known kind with a space": ["bye "],
        "an empty name": [""],
        "a name that programs have themselves": ["__proto__"],
        "another name that programs have themselves": ["constructor", {}],
        "a name in Greek": ["αβγ"],
        "a key that is no author": ["typing", {"__proto__": 1, "": 2}],
    }.items():
        data = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
        yield _passed_over(f"unknown: {name}", data)
    yield _passed_over("unknown: numbers in other writings", '["typing",1.0,1e3,-0.0,1E-2]')
    for name, number in {
        "of 4,301 digits": ["", ["1", 4_301]],
        "of 65,000 digits, below 0": ["-", ["9", 65_000]],
        "of 4,301 digits, with a fraction": ["", ["1", 4_301], ".5"],
        "whose exponent has 4,301 digits": ["1e", ["9", 4_301]],
    }.items():
        yield _passed_over(f"unknown: a number {name}", ['["typing",', *number, "]"])
        if "65,000" not in name:
            hello = {"kind": "hello", "versions": [2], "parts": []}
            yield _good(f"hello: after another version a number {name}", ['["hello",[2],', *number, "]"], hello)
            yield _bad(f"have: a number {name}", [f'["have",{{"{ANN}":', *number, "}]"])
    yield _passed_over("unknown: a name with a lone surrogate", '["\\ud800"]')
    yield _passed_over("unknown: a long name", ['["', ["x", 60_000], '"]'])


# Mistakes.


def _no_frames() -> Iterator[Json]:
    for name, data in {
        "an empty message": "",
        "a space": " ",
        "null": "null",
        "a number": "1",
        "a string": '"hello"',
        "an object": '{"0":"bye"}',
        "an empty array": "[]",
        "null for a kind": "[null]",
        "a number for a kind": "[1]",
        "an array for a kind": '[["bye"]]',
        "a kind without quotation marks": "[bye]",
        "a kind in single quotation marks": "['bye']",
        "the array does not end": '["bye"',
        "a bracket too many": '["bye"]]',
        "two frames": '["bye"]["bye"]',
        "a comma too many": '["bye",]',
        "characters after the frame": '["bye"]x',
        "a null character after the frame": '["bye"]\x00',
        "a no-break space after the frame": '["bye"]\u00a0',
        "a byte order mark before the frame": '\ufeff["bye"]',
        "a comment": '["bye"] // good',
        "a line within a string": '["ty\nping"]',
        "a control character within a string": '["ty\x01ping"]',
        "an escape that JSON does not have": '["\\x41"]',
        "an escape that is cut": '["\\u12"]',
        "a string that does not end": '["typing',
        "not a number, in an unknown kind": '["typing",NaN]',
        "infinity, in an unknown kind": '["typing",[-Infinity]]',
        "a number that begins with 0, in an unknown kind": '["typing",01]',
        "a number that begins with a plus sign, in an unknown kind": '["typing",+1]',
        "brackets that do not match, in an unknown kind": '["typing",[{]}]',
    }.items():
        yield _bad(f"no frame: {name}", data)


def _bad_hello() -> Iterator[Json]:
    part = PARTS[0]
    for name, rest in {
        "nothing else": "",
        "no versions": f',"{part}"',
        "the other way round": f',"{part}",[1]',
        "a number for the versions": f',1,"{part}"',
        "a string for the versions": f',"1","{part}"',
        "an object for the versions": f',{{"1":1}},"{part}"',
        "an empty list of versions": f',[],"{part}"',
        "33 versions": f',[{",".join(["1"] * 33)}],"{part}"',
        "version 0": f',[1,0],"{part}"',
        "a negative version": f',[1,-1],"{part}"',
        "a version that is too high": f',[1,{MAX_NUMBER + 1}],"{part}"',
        "a string for a version": f',[1,"1"],"{part}"',
        "true for a version": f',[true],"{part}"',
        "null for a version": f',[1,null],"{part}"',
        "a version with a fraction": f',[1,1.5],"{part}"',
        "a list for a version": f',[[1]],"{part}"',
        "a version 0 beside others that nobody here speaks": ",[2,0]",
        "an object for a part": f',[1],"{part}",{{}}',
        "a part that is too short, after a good one": f',[1],"{part}","{part[:-1]}"',
    }.items():
        yield _bad(f"bad hello: {name}", f'["hello"{rest}]')


def _bad_reveal_and_proof() -> Iterator[Json]:
    key, nonce, signature = (f',"{as_text(data)}"' for data in (KEY, NONCE, SIGNED))
    for kind, name, rest in (
        ("reveal", "nothing else", ""),
        ("reveal", "a key only", key),
        ("reveal", "no signature", key + nonce),
        ("reveal", "an item too many", key + nonce + signature + ",1"),
        ("reveal", "the other way round", signature + nonce + key),
        ("reveal", "a list around them", f",[{(key + nonce + signature)[1:]}]"),
        ("reveal", "a signature of 32 bytes", key + nonce + nonce),
        ("reveal", "a key of 64 bytes", signature + nonce + signature),
        ("proof", "nothing else", ""),
        ("proof", "an item too many", signature + signature),
        ("proof", "a signature of 32 bytes", key),
        ("proof", "a list around it", f",[{signature[1:]}]"),
    ):
        yield _bad(f"bad {kind}: {name}", f'["{kind}"{rest}]')


def _bad_bytes() -> Iterator[Json]:
    """Keys, nonces, commitments and signatures in writings that are not allowed, in each place where one stands."""
    key, nonce, signature = (as_text(data) for data in (KEY, NONCE, SIGNED))
    places = {
        "a commitment": ('["hello",[1],{}]', 32),
        "a key in hello": (f'["hello",[1],{{}},"{nonce}"]', 32),
        "a nonce in hello": (f'["hello",[1],"{key}",{{}}]', 32),
        "a key in reveal": (f'["reveal",{{}},"{nonce}","{signature}"]', 32),
        "a nonce in reveal": (f'["reveal","{key}",{{}},"{signature}"]', 32),
        "a signature in reveal": (f'["reveal","{key}","{nonce}",{{}}]', 64),
        "a signature in proof": ('["proof",{}]', 64),
        "a secret in rendezvous": ('["rendezvous",{},false,""]', 20),
    }
    for place, (frame, size) in places.items():
        good = as_text(bytes(range(size)))
        # 32 and 20 bytes leave two unused bits in the last character, 64 bytes four.
        unused = good[:-1] + chr(ord(good[-1]) + 1)
        for name, value in {
            "null": "null",
            "a number": "1",
            "a list of numbers": json.dumps([0] * size, separators=(",", ":")),
            "an empty text": '""',
            "a byte too few": f'"{as_text(bytes(size - 1))}"',
            "a byte too many": f'"{as_text(bytes(size + 1))}"',
            "a character too few": f'"{good[:-1]}"',
            "a character too many": f'"{good}A"',
            "unused bits that are set": f'"{unused}"',
            "padding": f'"{good}{"=" * (-len(good) % 4)}"',
            "the alphabet of plain base64": f'"+/{good[2:]}"',
            "a space in it": f'"{good[:9]} {good[9:]}"',
            "a line feed after it": f'"{good}\\n"',
            "hexadecimal digits": f'"{bytes(range(size)).hex()}"',
            "a letter outside ASCII": f'"\u00e9{good[1:]}"',
        }.items():
            yield _bad(f"bad bytes: {name} for {place}", frame.format(value))


def _bad_card() -> Iterator[Json]:
    for name, rest in {
        "nothing else": "",
        "no name": f',"{ANN}"',
        "an item too many": f',"{ANN}","Ann",{{}}',
        "the other way round": f',"Ann","{ANN}"',
        "null for the log": ',null,"Ann"',
        "a number for the log": ',1234567890123456,"Ann"',
        "a list for the log": f',["{ANN}"],"Ann"',
        "a log of 15 characters": ',"0123456789abcde","Ann"',
        "a log of 65 characters": f',"{"x" * 65}","Ann"',
        "an empty log": ',"","Ann"',
        "a log with a space": f',"{ANN[:10]} {ANN[10:]}","Ann"',
        "a log with a plus sign": f',"{ANN}+","Ann"',
        "a log with a slash": f',"{ANN}/","Ann"',
        "a log with a full stop": f',"{ANN}.","Ann"',
        "a log and a line feed": f',"{ANN}\\n","Ann"',
        "a log with an umlaut": f',"{ANN}\u00e4","Ann"',
        "a log with digits of another alphabet": f',"{ANN}\u0661","Ann"',
        "a log with a lone surrogate": f',"{ANN}\\ud800","Ann"',
        "null for the name": f',"{ANN}",null',
        "a number for the name": f',"{ANN}",1',
        "a list for the name": f',"{ANN}",["Ann"]',
        "a name of 65 characters": f',"{ANN}","{"x" * (MAX_NAME + 1)}"',
        "a name of 65 characters outside the BMP": f',"{ANN}","{chr(0x1F600) * (MAX_NAME + 1)}"',
        "a name of 65 escapes": f',"{ANN}","{chr(92)}n{(chr(92) + "n") * MAX_NAME}"',
    }.items():
        yield _bad(f"bad card: {name}", f'["introduce"{rest}]')


def _bad_have() -> Iterator[Json]:
    many = ",".join(f'"{number:016}":1' for number in range(65))
    for name, rest in {
        "nothing else": "",
        "null": ",null",
        "a list": ",[]",
        "a list of pairs": f',[["{ANN}",1]]',
        "an author": f',"{ANN}"',
        "an item too many": ",{},{}",
        "65 authors": f",{{{many}}}",
        "an author of 15 characters": ',{"0123456789abcde":1}',
        "an empty author": ',{"":1}',
        "an author with a space": f',{{"{ANN} ":1}}',
        "a malformed author beside a good one": f',{{"{ANN}":1,"short":1}}',
        "a name that programs have themselves": ',{"__proto__":1}',
        "a negative count": f',{{"{ANN}":-1}}',
        "a count that is too high": f',{{"{ANN}":{MAX_NUMBER + 1}}}',
        "a string for a count": f',{{"{ANN}":"1"}}',
        "true for a count": f',{{"{ANN}":true}}',
        "null for a count": f',{{"{ANN}":null}}',
        "a list for a count": f',{{"{ANN}":[1]}}',
        "a count with a fraction": f',{{"{ANN}":0.5}}',
    }.items():
        yield _bad(f"bad have: {name}", f'["have"{rest}]')


def _bad_entries() -> Iterator[Json]:
    for name, rest in {
        "nothing else": "",
        "no number and no list": f',"{BOB}"',
        "no list": f',"{BOB}",1',
        "an item too many": f',"{BOB}",1,[],[]',
        "null for the author": ",null,1,[]",
        "an author of 15 characters": ',"0123456789abcde",1,[]',
        "an author with a space": f',"{BOB} ",1,[]',
        "number 0": f',"{BOB}",0,[]',
        "a negative number": f',"{BOB}",-1,[]',
        "a number that is too high": f',"{BOB}",{MAX_NUMBER + 1},[]',
        "a string for the number": f',"{BOB}","1",[]',
        "true for the number": f',"{BOB}",true,[]',
        "null for the number": f',"{BOB}",null,[]',
        "a number with a fraction": f',"{BOB}",1.5,[]',
        "null for the list": f',"{BOB}",1,null',
        "an object for the list": f',"{BOB}",1,{{}}',
        "a string for the list": f',"{BOB}",1,"text"',
        "an entry without a list around it": f',"{BOB}",1,[5,"text"]',
        "a string for an entry": f',"{BOB}",1,["xy"]',
        "an object for an entry": f',"{BOB}",1,[{{"at":5,"text":"text"}}]',
        "null for an entry": f',"{BOB}",1,[null]',
        "an empty entry": f',"{BOB}",1,[[]]',
        "an entry without a text": f',"{BOB}",1,[[5]]',
        "an entry with an item too many": f',"{BOB}",1,[[5,"text",6,7]]',
        "a rank below the time": f',"{BOB}",1,[[5,"text",4]]',
        "a rank that is the time": f',"{BOB}",1,[[5,"text",5]]',
        "a rank of 0": f',"{BOB}",1,[[0,"text",0]]',
        "a negative rank": f',"{BOB}",1,[[5,"text",-6]]',
        "a rank that is too high": f',"{BOB}",1,[[5,"text",{MAX_RANK + 1}]]',
        "a string for a rank": f',"{BOB}",1,[[5,"text","6"]]',
        "true for a rank": f',"{BOB}",1,[[0,"text",true]]',
        "null for a rank": f',"{BOB}",1,[[5,"text",null]]',
        "a list for a rank": f',"{BOB}",1,[[5,"text",[6]]]',
        "a rank with a fraction": f',"{BOB}",1,[[5,"text",6.5]]',
        "a rank before the text": f',"{BOB}",1,[[5,6,"text"]]',
        "a bad rank after a good entry": f',"{BOB}",1,[[5,"fine",6],[5,"text",5]]',
        "a rank of 0 and nothing about it": f',"{BOB}",1,[[5,"text",0]]',
        "null for what it is about": f',"{BOB}",1,[[5,"text",0,null]]',
        "a string for what it is about": f',"{BOB}",1,[[5,"text",0,"reply"]]',
        "an empty list for what it is about": f',"{BOB}",1,[[5,"text",0,[]]]',
        "a number for the kind": f',"{BOB}",1,[[5,"text",0,[5]]]',
        "a reply to nothing": f',"{BOB}",1,[[5,"text",0,["reply"]]]',
        "a reply to no author": f',"{BOB}",1,[[5,"text",0,["reply","short",1]]]',
        "a reply to number 0": f',"{BOB}",1,[[5,"text",0,["reply","{ANN}",0]]]',
        "a reply to number true": f',"{BOB}",1,[[5,"text",0,["reply","{ANN}",true]]]',
        "a reply with more": f',"{BOB}",1,[[5,"text",0,["reply","{ANN}",1,2]]]',
        "an entry with an item too many behind": f',"{BOB}",1,[[5,"text",0,["reply","{ANN}",1],2]]',
        "a bad rank and what it is about": f',"{BOB}",1,[[5,"text",4,["reply","{ANN}",1]]]',
        "an edit without a text": f',"{BOB}",1,[[5,"",0,["edit","{ANN}",1]]]',
        "a reaction with a space": f',"{BOB}",1,[[5,"a b",0,["react","{ANN}",1]]]',
        "a reaction with a control character": f',"{BOB}",1,[[5,"\\u0007",0,["react","{ANN}",1]]]',
        "a reaction of 33 characters": f',"{BOB}",1,[[5,"{"x" * 33}",0,["react","{ANN}",1]]]',
        "a kind with a capital": f',"{BOB}",1,[[5,"text",0,["Poll"]]]',
        "a kind of 17 letters": f',"{BOB}",1,[[5,"text",0,["abcdefghijklmnopq"]]]',
        "2,001 characters of an unknown kind": f',"{BOB}",1,[[5,"text",0,["poll","{"x" * 1_990}"]]]',
        "a lone surrogate in an unknown kind": f',"{BOB}",1,[[5,"text",0,["poll","\\ud800"]]]',
        "an entry the other way round": f',"{BOB}",1,[["text",5]]',
        "a negative time": f',"{BOB}",1,[[-1,"text"]]',
        "a time that is too high": f',"{BOB}",1,[[{MAX_TIME + 1},"text"]]',
        "a string for a time": f',"{BOB}",1,[["5","text"]]',
        "true for a time": f',"{BOB}",1,[[true,"text"]]',
        "null for a time": f',"{BOB}",1,[[null,"text"]]',
        "a time with a fraction": f',"{BOB}",1,[[5.5,"text"]]',
        "an empty text": f',"{BOB}",1,[[5,""]]',
        "an empty text after a good entry": f',"{BOB}",1,[[5,"fine"],[5,""]]',
        "a number for a text": f',"{BOB}",1,[[5,5]]',
        "null for a text": f',"{BOB}",1,[[5,null]]',
        "a list for a text": f',"{BOB}",1,[[5,["text"]]]',
    }.items():
        yield _bad(f"bad entries: {name}", f'["entries"{rest}]')
    for name, char in {
        "8,001 characters": "x",
        "8,001 characters outside the BMP": "\U0001f600",
        "8,001 escapes": "\\n",
        "8,001 lone surrogates": "\\ud800",
    }.items():
        yield _bad(f"bad entries: {name}", [f'["entries","{BOB}",1,[[5,"', [char, MAX_TEXT + 1], '"]]]'])


def _bad_mismatch() -> Iterator[Json]:
    for name, rest in {"an item": ',"mismatch"', "null": ",null", "an empty object": ",{}"}.items():
        yield _bad(f"bad mismatch: {name}", f'["mismatch"{rest}]')


def _bad_bye() -> Iterator[Json]:
    for name, rest in {"an item": ',"bye"', "null": ",null", "an empty object": ",{}"}.items():
        for kind in ("bye", "elsewhere"):
            yield _bad(f"bad {kind}: {name}", f'["{kind}"{rest}]')


def _bad_numbers() -> Iterator[Json]:
    """Numbers in writings that are not allowed, in each place where a number stands."""
    places = {
        "a version": f'["hello",[1,{{}}],"{PARTS[0]}"]',
        "a version of nobody here": '["hello",[2,{}]]',
        "a count": f'["have",{{{{"{ANN}":{{}}}}}}]',
        "the number of an entry": f'["entries","{BOB}",{{}},[]]',
        "a time": f'["entries","{BOB}",1,[[{{}},"text"]]]',
        "a rank": f'["entries","{BOB}",1,[[0,"text",{{}}]]]',
    }
    writings = {
        "NaN": "NaN",
        "Infinity": "Infinity",
        "a number beyond all": "1e999",
        "a number of 400 digits": "9" * 400,
        "a number that begins with 0": "01",
    }
    for place, frame in places.items():
        for name, writing in writings.items():
            yield _bad(f"bad number: {name} for {place}", frame.format(writing))
        for writing in ("1.0", "1e0", "10E-1"):
            yield _bad(
                f"bad number: {writing} for {place}",
                frame.format(writing),
                optional="a reader whose JSON library does not tell this from 1 may take it for 1",
            )


def _limits() -> Iterator[Json]:
    """Sizes and depths, as large as is allowed and one more."""

    def padded(size: int) -> Text:
        return ['["bye"]', [" ", size - len('["bye"]')]]

    def unknown(char: str, count: int, rest: str = "") -> Text:
        return ['["', [char, count], f'{rest}"]']

    room = MAX_FRAME - len('[""]')
    yield _good("limit: 65,536 bytes with spaces", padded(MAX_FRAME), {"kind": "bye"})
    yield _bad("limit: 65,537 bytes with spaces", padded(MAX_FRAME + 1))
    for size, char in enumerate(("x", "ü", "漢", "\U0001f600"), 1):
        assert room % size == 0
        yield _passed_over(f"limit: 65,536 bytes, {size} a character", unknown(char, room // size))
        yield _bad(f"limit: 65,537 bytes, {size} a character", unknown(char, room // size, "x"))

    # Eight texts of 8,000 characters, and a ninth in what is still free.
    most: list[Any] = [f'["entries","{BOB}",1,[']
    for _ in range(8):
        most += ['[5,"', ["x", MAX_TEXT], '"],']
    free = MAX_FRAME - sum(len(part) if isinstance(part, str) else MAX_TEXT for part in most) - len('[5,""]]]')
    yield _good(
        "limit: 65,536 bytes of entries",
        [*most, '[5,"', ["x", free], '"]]]'],
        {
            "kind": "entries",
            "author": BOB,
            "first": 1,
            "entries": [[[5, [["x", MAX_TEXT]]], 8], [5, [["x", free]]]],
        },
    )
    yield _bad("limit: 65,537 bytes of entries", [*most, '[5,"', ["x", free + 1], '"]]]'])

    for name, opening, closing in (
        ("arrays", "[", "]"),
        ("objects", '{"a":', "}"),
        ("arrays with items", "[1,", ",2]"),
    ):
        yield _passed_over(f"limit: {name} 8 deep", ['["typing",', [opening, 7], "1", [closing, 7], "]"])
        yield _bad(f"limit: {name} 9 deep", ['["typing",', [opening, 8], "1", [closing, 8], "]"])
    yield _passed_over("limit: arrays and objects 8 deep", ['["typing",', ['[{"a":', 3], "[]", ["}]", 3], "]"])
    yield _bad("limit: arrays and objects 9 deep", ['["typing",{"a":', ['[{"a":', 3], "[]", ["}]", 3], "}]"])
    yield _passed_over("limit: many arrays side by side", ['["typing"', [",[[]]", 10_000], "]"])
    yield _passed_over("limit: brackets in a string are not counted", ['["typing","', ["[{", 30_000], '"]'])
    yield _passed_over(
        "limit: brackets after an escaped quotation mark are not counted",
        ['["typing","\\"', ["[{", 20], '\\\\"]'],
    )
    yield _bad(
        "limit: brackets after an escaped backslash are counted", ['["typing","\\\\",', ["[", 20], ["]", 20], "]"]
    )
    yield _bad("limit: a known kind nested deep", [f'["have",{{"{ANN}":', ["[", 9], ["]", 9], "}]"])
    yield _bad("limit: 30,000 arrays deep", [["[", 30_000], ["]", 30_000]])
    yield _bad("limit: 60,000 opening brackets", [["[", 60_000]])
    yield _bad("limit: 10,000 objects deep", ['["typing",', ['{"a":', 10_000], "1", ["}", 10_000], "]"])
    yield _bad("limit: 20,000 arrays and objects that do not end", ['["typing",', ['[{"a":', 10_000]])
