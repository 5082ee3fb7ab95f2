"""Codes: good ones byte by byte, codes within texts, and what is wrong with those that cannot be read."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from tests.vectors.writer import (
    INVITE,
    REPLY,
    Address,
    Candidate,
    Code,
    Description,
    Field,
    Json,
    Text,
    as_text,
    ipv4,
    ipv6,
    mdns,
    write,
)

NOTE = """\
Texts that a person may paste, and what a reader makes of each. See 'The code' in docs/reference/protocol.md.
`text` is a string, or a list of strings and of pairs [string, how often it is repeated], to be put together.
A vector with `error` must be refused with the error of that name.
Any other must be read: `code` is the code in its one writing, `reading` what it says, bytes in hexadecimal.
Where there are `fields`, they are the bytes of the code: name, hexadecimal digits, meaning. Writing the reading must
give `code`. A vector with `error` may have `fields` too: what the bytes would be."""

# What the worked examples of the document are made of.

HIDDEN = mdns("94fd06c2-ae2f-447e-81ad-7d84b02c8cc0")
ALSO_HIDDEN = mdns("3ad7e47c-4c9b-47f8-bab1-d9013a147ee2")
LOCAL, PUBLIC, RELAY = ipv4("192.0.2.33"), ipv4("203.0.113.9"), ipv4("198.51.100.20")

WORKED_INVITE = Description(
    INVITE,
    bytes.fromhex("deb594bc8ef5cc15337ad9e99a08ead7791169ba68814b7ad3a38f8283f7e6ab"),
    0,
    "LkGn",
    "9bkPtNCoFARNGxNRflGUAbd7",
    [Candidate("host", HIDDEN, 43084), Candidate("srflx", PUBLIC, 61000)],
)
WORKED_REPLY = Description(
    REPLY,
    bytes.fromhex("655823c104190317fa541b8f9a8c098f7e9edfcb0ff5baaa4e5f2fc811a31367"),
    1,
    "1b8cb331",
    "949dc71599ff3073c52fc3a8dde46bfa",
    [Candidate("host", LOCAL, 50123)],
    answers=bytes.fromhex("fa8f5f"),
)

# Others. In the plain bytes one can see where each of them went.

PLAIN = bytes(range(32))
ICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
FORM_2 = Description(INVITE, PLAIN, 2, "Hx3Q", "gFu0oKzJ9sPq2VYtL5rTcb", [Candidate("host", ipv4("192.0.2.7"), 40912)])
FORM_3 = replace(FORM_2, form=3, ufrag="Hx3Q+/", pwd="gFu0oKzJ9sPq2VYtL5rTcb8")
LONGEST = replace(
    FORM_2,
    form=3,
    ufrag=(ICE_CHARS * 4)[:255],
    pwd=(ICE_CHARS * 5)[7 : 7 + 255],
    kind=REPLY,
    answers=b"\xff\xff\xff",
    candidates=[Candidate("host", mdns(f"00000000-0000-4000-8000-00000000000{n}"), 65_528 + n) for n in range(8)],
)
EIGHT = replace(
    WORKED_INVITE,
    candidates=[
        Candidate("host", HIDDEN, 1),
        Candidate("host", ALSO_HIDDEN, 65_535),
        Candidate("host", LOCAL, 50_000),
        Candidate("host", ipv6("2001:db8::c0de", "20010db8 00000000 00000000 0000c0de"), 50_001),
        Candidate("srflx", PUBLIC, 50_002),
        Candidate("srflx", ipv6("2001:db8::9", "20010db8 00000000 00000000 00000009"), 50_003),
        Candidate("relay", RELAY, 50_004),
        Candidate("relay", ipv6("2001:db8:0:1:1:1:1:1", "20010db8 00000001 00010001 00010001"), 50_005),
    ],
)
DASHES = replace(WORKED_INVITE, fingerprint=bytes.fromhex("0102 fbefbe ffffff fbf03e") + bytes(range(21)))
"""Its code has hyphens and underscores: two and more in a row, and single ones."""

INVITE_CODE, REPLY_CODE = write(WORKED_INVITE), write(WORKED_REPLY)
FORM_2_CODE, FORM_3_CODE, DASHES_CODE = write(FORM_2), write(FORM_3), write(DASHES)
E, G, D = INVITE_CODE.text, REPLY_CODE.text, DASHES_CODE.text


def vectors() -> list[Json]:
    return [
        *_written(),
        *_within_texts(),
        *_not_codes(),
        *_cut_short(),
        *_mistyped(),
        *_of_rooms(),
        *_forbidden(),
        *_newer(),
    ]


def _reading(description: Description) -> Json:
    code = write(description)
    answers = description.answers.hex() if description.kind == REPLY else None
    return {"kind": description.kind, "answers": answers, "ref": code.ref.hex(), **description.reading}


def _fields(code: Code) -> list[list[str]]:
    return [[name, data.hex(), meaning] for name, data, meaning in code.fields]


def _written() -> Iterator[Json]:
    """Codes as they are written."""

    def one(candidate_type: str, address: Address, port: int = 50_000) -> Description:
        return replace(WORKED_INVITE, candidates=[Candidate(candidate_type, address, port)])

    cases = {
        "the worked invite": WORKED_INVITE,
        "the worked reply": WORKED_REPLY,
        "form 0 in a reply": replace(WORKED_INVITE, kind=REPLY, answers=b"\x00\x00\x00"),
        "form 1 in an invite": replace(WORKED_REPLY, kind=INVITE, answers=b""),
        "form 2 in an invite": FORM_2,
        "form 2 in a reply": replace(FORM_2, kind=REPLY, answers=b"\x01\x02\x03"),
        "form 3 in an invite": FORM_3,
        "form 3 in a reply": replace(FORM_3, kind=REPLY, answers=b"\xfe\xdc\xba"),
        "form 3 with the shortest credentials": replace(FORM_3, ufrag="++++", pwd="/" * 23),
        "form 3 with a password of 22 characters": replace(FORM_3, ufrag="Hx3Q8", pwd="gFu0oKzJ9sPq2VYtL5rTcb"),
        "form 3 with 8 and 32 digits in upper case": replace(
            WORKED_REPLY, kind=INVITE, answers=b"", form=3, ufrag="1B8CB331", pwd="949DC71599FF3073C52FC3A8DDE46BFA"
        ),
        "form 3 with 8 and 32 characters of which one is no digit": replace(
            WORKED_REPLY, form=3, pwd="949dc71599ff3073c52fc3a8dde46bfg"
        ),
        "form 1 with decimal digits only": replace(WORKED_REPLY, ufrag="00000000", pwd="0123456789" * 3 + "01"),
        "form 0 with all ICE characters but a few": replace(WORKED_INVITE, ufrag="AZaz", pwd=ICE_CHARS[-24:]),
        "one IPv4 address": one("host", LOCAL),
        "one IPv6 address": one("host", ipv6("2001:db8::c0de", "20010db8 00000000 00000000 0000c0de")),
        "one mDNS name": one("host", HIDDEN),
        "an IPv4 address of a STUN server": one("srflx", PUBLIC),
        "an IPv6 address of a STUN server": one("srflx", ipv6("2001:db8::9", "20010db8 00000000 00000000 00000009")),
        "an IPv4 address of a TURN server": one("relay", RELAY),
        "an IPv6 address of a TURN server": one(
            "relay", ipv6("64:ff9b::c633:6414", "0064ff9b 00000000 00000000 c6336414")
        ),
        "a link-local IPv6 address": one("host", ipv6("fe80::1", "fe800000 00000000 00000000 00000001")),
        "an IPv6 address with two runs of zeros": one(
            "host", ipv6("2001:db8::1:0:0:1", "20010db8 00000000 00010000 00000001")
        ),
        "an IPv6 address with one zero": one(
            "host", ipv6("2001:db8:0:1:1:1:1:1", "20010db8 00000001 00010001 00010001")
        ),
        "an address that is none": one("host", ipv4("0.0.0.0")),
        "an mDNS name of a TURN server": one("relay", HIDDEN),
        "the lowest port": one("host", LOCAL, 1),
        "the highest port": one("host", LOCAL, 65_535),
        "the same candidate twice": replace(WORKED_INVITE, candidates=[Candidate("host", LOCAL, 50_000)] * 2),
        "eight candidates of all families and types": EIGHT,
        "the longest code": LONGEST,
        "hyphens and underscores": DASHES,
    }
    for name, description in cases.items():
        code = write(description)
        yield {
            "name": name,
            "text": code.text,
            "code": code.text,
            "fields": _fields(code),
            "reading": _reading(description),
        }


def _within_texts() -> Iterator[Json]:
    """Codes with something around or within them."""
    broken = [E[at : at + 40] for at in range(0, len(E), 40)]
    hyphens_first = D.index("--")
    longest = write(LONGEST).text
    of_invite = {
        "spaces and lines around": f"  \t{E}\n\n",
        "in quotation marks": f'"{E}"',
        "in typographic quotation marks": f"“{E}”",
        "in angle brackets": f"<{E}>",
        "in backticks": f"```\n{E}\n```",
        "emphasised by underscores": f"__{E}__",
        "between hyphens": f"--{E}--",
        "between dashes": f"—{E}—",
        "in a link": f"https://chat.example/#{E}",
        "in a link with a full stop after it": f"https://chat.example/#{E}.",
        "in a link with a query after it": f"https://chat.example/?lang=en#{E}&from=mail",
        "in a link in Markdown": f"[my invite](https://chat.example/#{E})",
        "in a link in HTML": f'<a href="https://chat.example/#{E}">{E}</a>',
        "in a sentence with words that begin like a code": f"Good Evening! Every Ghost gets one: {E} – Greetings, Eve",
        "padded": f"{E}=",
        "other characters of the alphabet right behind it": f"{E}abcdefghij",
        "zero-width spaces around": f"\u200b{E}\u200b\ufeff",
        "broken into lines by LF": "\n".join(broken),
        "broken into lines by CR LF": "\r\n".join(broken),
        "broken into lines that are quoted": "Ann wrote:\r\n"
        + "".join(f"> > {line}\r\n" for line in broken)
        + "> > Bye",
        "broken by zero-width spaces": "\u200b".join(broken),
        "broken into single characters": " ".join(E),
        "the same code twice": f"{E}\n\n{E}",
        "a reply after it": f"{E}\n{G}",
        "a cut code before it": f"{E[:50]}\n{E}",
        "a mistyped code before it": f"{E[:20]}{'a' if E[20] != 'a' else 'b'}{E[21:]}\n{E}",
        "a newer code before it": f"{_newer_code(2).text}\n{E}",
        "a word that begins like a code right before it": f"Enough_Good {E}",
    }
    of_dashes = {
        "two hyphens turned into an em dash": D.replace("--", "—"),
        "hyphens turned into en dashes": D.replace("-", "–"),
        "hyphens turned into minus signs": D.replace("-", "−"),
        "hyphens turned into typographic hyphens": D.replace("-", "‐"),
        "hyphens turned into non-breaking hyphens": D.replace("-", "‑"),
        "a line that begins with hyphens of the code": f"{D[:hyphens_first]}\n{D[hyphens_first:]}",
        "a line that ends with hyphens of the code": f"{D[: hyphens_first + 1]}\n{D[hyphens_first + 1 :]}",
        "a line that begins with underscores of the code": "\n_".join(D.split("_", 1)),
    }
    for texts, description in ((of_invite, WORKED_INVITE), (of_dashes, DASHES)):
        for name, text in texts.items():
            yield _found(name, text, description)
    yield _found("an invite after it", f"{G}\n{E}", WORKED_REPLY)
    yield _found("one other character of the alphabet right behind it", f"{G}x", WORKED_REPLY)
    yield _found("a reply in a link", f"https://chat.example/#{G}", WORKED_REPLY)
    yield _found("a reply broken into lines", f"{G[:44]}\r\n{G[44:]}", WORKED_REPLY)
    yield _found("the longest code broken into lines", "\n".join([longest[:300], longest[300:]]), LONGEST)
    yield _found("much text before it", [["Enough Good Words ", 1_000], E], WORKED_INVITE)
    yield _found("it ends with the last character that is looked at", [[" ", 20_000 - len(E)], E], WORKED_INVITE)
    yield _found("characters outside the BMP are single ones", [["\U0001f600", 20_000 - len(E)], E], WORKED_INVITE)


def _found(name: str, text: Text, description: Description) -> Json:
    return {
        "name": f"within a text: {name}",
        "text": text,
        "code": write(description).text,
        "reading": _reading(description),
    }


def _bad(error: str, name: str, text: Text, code: Code | None = None) -> Json:
    bad: Json = {"name": f"{error}: {name}", "text": text}
    if code is not None:
        bad["fields"] = [[name, data.hex()] for name, data, _ in code.fields]
    return {**bad, "error": error}


def _not_codes() -> Iterator[Json]:
    yield _bad("empty", "nothing", "")
    yield _bad("empty", "spaces and lines", " \t\r\n \n")
    yield _bad("empty", "other spaces", "\u00a0\u2003\u3000")
    yield _bad("empty", "a code that nobody looks for so far behind", [[" ", 20_000], E])
    for name, text in {
        "a word": "hello",
        "a sentence": "Enough, Good?",
        "a link without a code": "https://chat.example/",
        "an emoji": "\U0001f642",
        "a zero-width space": "\u200b",
        "hyphens and underscores": [["-_", 20]],
        "a dash": "—",
        "a sentence of short words": "Every Ghost gets up Early, and so do I and all of us",
        "15 characters of a code": E[:15],
        "15 characters of a code after hyphens": f"----{E[:15]}",
        "a code of 15 characters in each line": "\n".join(E[at : at + 15] for at in range(0, 60, 15)),
    }.items():
        yield _bad("not-a-code", name, text)


def _cut_short() -> Iterator[Json]:
    for what, code in {
        "an invite": INVITE_CODE,
        "a reply": REPLY_CODE,
        "form 2": FORM_2_CODE,
        "form 3": FORM_3_CODE,
        "eight candidates": write(EIGHT),
    }.items():
        for field, text in code.cut_within():
            yield _bad("cut-short", f"{what}, within {field}", text)
        yield _bad("cut-short", f"{what}, the last character is missing", code.text[:-1])
    yield _bad("cut-short", "an invite, after 16 characters", E[:16])
    yield _bad("cut-short", "16 characters after hyphens", f"----{E[:16]}")
    yield _bad("cut-short", "a sentence around it", f"Here: {E[:60]} Is that all there is to it?")
    yield _bad("cut-short", "broken into lines", f"> {E[:40]}\n> {E[40:70]}")
    yield _bad("cut-short", "of lines of the same length the first one counts", f"> {E[:40]}\n> {E[40:80]}")
    yield _bad("cut-short", "in a link", f"https://chat.example/#{E[:90]}")
    yield _bad("cut-short", "the text goes on behind what is looked at", [[" ", 20_001 - len(E)], E])
    more = INVITE_CODE.fields
    more[7] = more[7]._replace(data=b"\x81")
    yield _bad(
        "cut-short",
        "another candidate is announced in place of the checksum",
        as_text(b"".join(field.data for field in more)),
    )


def _mistyped() -> Iterator[Json]:
    """What happens to a code on its way."""

    def other(text: str, at: int) -> str:
        return text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]

    yield _bad("mistyped", "a wrong character in the fingerprint", other(E, 20))
    yield _bad("mistyped", "a wrong character in the credentials", other(E, 50))
    yield _bad("mistyped", "a wrong character in an address", other(E, 80))
    yield _bad("mistyped", "a wrong character in the checksum", other(E, len(E) - 2))
    yield _bad("mistyped", "a wrong character in what a reply answers", other(G, 2))
    yield _bad("mistyped", "two characters swapped", E[:20] + E[21] + E[20] + E[22:])
    yield _bad("mistyped", "the case of each letter changed", E.swapcase())
    yield _bad("mistyped", "the first character is missing", E[1:])
    yield _bad("mistyped", "a character is missing in the middle", E[:20] + E[21:])
    yield _bad("mistyped", "a character too many in the middle", E[:20] + "x" + E[20:])
    yield _bad("mistyped", "a word within the code", f"{E[:40]}\nfrom my mobile phone\n{E[40:]}")
    yield _bad("mistyped", "the longest word is no code", f"{E[:20]} donaudampfschifffahrtsgesellschaft")
    yield _bad("mistyped", "16 characters that are no code", "A" * 16)
    yield _bad("mistyped", "17 characters that are no code", "A" * 17)
    yield _bad("mistyped", "as much as is looked at", [["E", 20_000]])
    yield _bad("mistyped", "an unused bit is set: 4 bits are unused", G[:-1] + _next(G[-1], 1))
    yield _bad("mistyped", "an unused bit is set: 2 bits are unused", E[:-1] + _next(E[-1], 2))
    yield _bad("mistyped", "the highest of the unused bits is set", G[:-1] + _next(G[-1], 8))


def _next(char: str, by: int) -> str:
    """The character whose value is `by` more."""
    alphabet = ICE_CHARS[:62] + "-_"
    return alphabet[alphabet.index(char) + by]


def _of_rooms() -> Iterator[Json]:
    """Codes of rooms are in rooms.json and links.json; here is what is wrong with others."""
    secret = bytes(range(20))
    code = as_text(b"\x14" + secret + hashlib.sha256(b"\x14" + secret).digest()[:3])
    for left in (16, 27, 28, 31):
        yield _bad("cut-short", f"a room, after {left} characters", code[:left])
    yield _bad("cut-short", "a room, in a link", f"https://chat.example/#{code[:20]}")
    yield _bad("cut-short", "a link, after 3 characters of the code", f"https://chat.example/#{code[:3]}")
    yield _bad("cut-short", "a link, before the code", "https://chat.example/#")
    yield _bad("mistyped", "a room with a wrong character", code.replace("E", "h"))
    for header in (0x15, 0x16, 0x17, 0x1C, 0x1D, 0x1F):
        body = bytes([header]) + secret
        text = as_text(body + hashlib.sha256(body).digest()[:3])
        yield _bad("mistyped", f"a code with the header {header:02x}", text)


def _forbidden() -> Iterator[Json]:
    """What no code may hold, under a right checksum."""

    def bad(name: str, code: Code) -> Json:
        return _bad("mistyped", name, code.text, code)

    yield bad("the bit that is 0 in an invite's header is set", INVITE_CODE.with_fields(header=b"\x14"))
    yield bad("the bit that is 0 in a reply's header is set", REPLY_CODE.with_fields(header=b"\x1d"))
    yield bad("version 0", INVITE_CODE.with_fields(header=b"\x00"))
    for bit in (0x10, 0x20, 0x40):
        name = f"bit {bit.bit_length() - 1} of a candidate is set"
        yield bad(name, INVITE_CODE.with_fields(candidate_2=bytes([0x01 | bit])))
    yield bad("family 3", INVITE_CODE.with_fields(candidate_2=b"\x0d", address_2=bytes(16)))
    yield bad("type 3", INVITE_CODE.with_fields(candidate_2=b"\x03"))
    yield bad("port 0", INVITE_CODE.with_fields(port_2=b"\x00\x00"))
    yield bad("port 0 of the first of two candidates", INVITE_CODE.with_fields(port_1=b"\x00\x00"))
    nine = write(replace(EIGHT, candidates=[*EIGHT.candidates, Candidate("host", LOCAL, 50_006)]))
    yield bad("nine candidates", nine)
    for what, ufrag, pwd in (("0", "Hx3Q", "9bkPtNCoFARNGxNRflGUAbd7"), ("2", FORM_2.ufrag, FORM_2.pwd)):
        yield bad(f"form 3 where form {what} fits", write(replace(FORM_3, ufrag=ufrag, pwd=pwd)))
    yield bad("form 3 where form 1 fits", write(replace(WORKED_REPLY, form=3)))
    yield bad("form 3 with a user fragment of 3 characters", write(replace(FORM_3, ufrag="Hx3")))
    yield bad("form 3 with a password of 21 characters", write(replace(FORM_3, pwd="gFu0oKzJ9sPq2VYtL5rTc")))
    yield bad("form 3 with no characters", write(replace(FORM_3, ufrag="", pwd="")))
    for name, code in (("form 2", FORM_2_CODE), ("form 3", FORM_3_CODE)):
        credentials = next(field.data for field in code.body if field.name == "credentials")
        last = bytes([credentials[-1] | 1])
        yield bad(f"{name}, a bit that only fills up is set", code.with_fields(credentials=credentials[:-1] + last))
    reserved = INVITE_CODE.with_fields(header=b"\x14")
    yield _bad("mistyped", "what is forbidden counts before what is cut", reserved.text[:60])
    for bit in (0x10, 0x20, 0x40):
        name = f"bit {bit.bit_length() - 1} of a candidate counts before what is cut"
        yield _bad("mistyped", name, INVITE_CODE.with_fields(candidate_1=bytes([0x88 | bit])).text[:80])
    yield _bad("mistyped", "family 3 counts before what is cut", INVITE_CODE.with_fields(candidate_1=b"\x8c").text[:80])
    yield _bad("mistyped", "type 3 counts before what is cut", INVITE_CODE.with_fields(candidate_1=b"\x8b").text[:80])
    port_0 = INVITE_CODE.with_fields(port_1=b"\x00\x00")
    yield _bad("mistyped", "a port of 0 counts before what is cut", port_0.text[:100])


def _newer_code(version: int, size: int = 60) -> Code:
    """A code of which only is known what all versions share."""
    return Code([Field("version", bytes([version << 4]), ""), Field("rest", bytes(range(size)), "")])


def _newer() -> Iterator[Json]:
    for version in (2, 3, 15):
        yield _bad("newer-version", f"version {version}", _newer_code(version).text, _newer_code(version))
    newer = _newer_code(2).text
    shortest = _newer_code(2, 8).text
    yield _bad("newer-version", "of 16 characters", shortest)
    yield _bad("newer-version", "in a link", f"https://chat.example/#{newer}")
    yield _bad("newer-version", "in a sentence", f"Here is my invite: {newer} See you!")
    yield _bad("newer-version", "broken into lines", f"{newer[:50]}\r\n{newer[50:]}")
    yield _bad("newer-version", "after a dash", f"—{newer}")
    yield _bad("mistyped", "a newer version with a wrong checksum", newer[:-1] + _next(newer[-1], -1))
    yield _bad("mistyped", "a newer version that was cut", newer[:60])
    yield _bad("mistyped", "a newer version with hyphens right behind it", f"--{newer}--")
    yield _bad(
        "mistyped", "a newer version, broken into lines, with words behind", f"{newer[:50]}\n{newer[50:]}\nSee you!"
    )
    yield _bad("not-a-code", "a newer version of 15 characters", shortest[:15])
