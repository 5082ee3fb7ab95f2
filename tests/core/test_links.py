"""A link is found however it was mangled, and leads to its own page and to no other."""

import base64
import html
import quopri
import random
from collections.abc import Callable
from urllib.parse import quote

import pytest

from pychat.core import invite, roomcode
from pychat.core.errors import CodeError, CodeProblem
from pychat.core.invite import Code
from pychat.core.links import page_in, read, relay_for
from pychat.core.relaytext import page_at, page_of, relay_of
from pychat.core.roomcode import SECRET_SIZE, RoomCode
from pychat.core.sdp import Candidate, CandidateKind, Description, DescriptionKind

PAGE = "https://chat.example/"
ROOM = RoomCode(bytes.fromhex("fbefbe00fff3efbefbe0102030405060708090aa"))
HERE = Candidate(CandidateKind.HOST, "192.168.1.2", 4000)
INVITE = Code(Description(DescriptionKind.OFFER, bytes.fromhex("fbefbe") * 10 + b"in", "ufra", "p" * 22, (HERE,)))
REPLY = Code(Description(DescriptionKind.ANSWER, b"\xff" * 32, "ufra", "p" * 22, (HERE,)), INVITE.ref)
CODES: dict[str, RoomCode | Code] = {"room": ROOM, "invite": INVITE, "reply": REPLY}


def text_of(code: RoomCode | Code) -> str:
    return roomcode.encode(code) if isinstance(code, RoomCode) else invite.encode(code)


def urldefense_2(link: str) -> str:
    """As Proofpoint writes it: percent signs become hyphens, slashes underscores."""
    inner = quote(link.replace("-", "%2D").replace("_", "%5F"), safe="/%").replace("%", "-").replace("/", "_")
    return f"https://urldefense.proofpoint.com/v2/url?u={inner}&d=DwMFAg&c=euGZstcaTDllvimEN8b7jXrwqOf-v5A_Cdpgn"


def urldefense_3(link: str) -> str:
    """As Proofpoint writes it: what is not harmless becomes a star, and stands in base64 after it."""
    return f"https://urldefense.com/v3/__{link.replace('#', '*')}__;Iw!!Ab3!xYz-token_$"


def urldefense_3_with_run(link: str) -> str:
    """Two characters in a row become two stars and how many they were."""
    marks = base64.urlsafe_b64encode(b"?!#").decode().rstrip("=")
    return f"https://urldefense.com/v3/__{link.replace('/#', '/**A*')}__;{marks}!!Ab3!xYz$"


def encoded(link: str) -> str:
    return quote(link, safe="")


def sophos(link: str) -> str:
    inner = base64.b64encode(link.encode()).decode()
    return f"https://eu-west-1.protection.sophos.com?d=chat.example&u={inner}&i=NWY4&t=abc&h=0123456789abcdef"


def quoted_printable(link: str) -> str:
    """A line of a mail's source, as long as lines may be there."""
    return quopri.encodestring(
        f"Come to {link}?a=b today, at eight, and do not forget to bring your own".encode()
    ).decode()


MANGLED: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a sentence": lambda link: f"Come to {link}. See you there!",
    "scheme and host in capitals": lambda link: link.replace("https://chat.example", "HTTPS://CHAT.EXAMPLE"),
    "a phone's capital letter": lambda link: link.replace("https", "Https"),
    "Facebook's parameter before the fragment": lambda link: link.replace("/#", "/?fbclid=IwAR0_x-Y#"),
    "a campaign's parameters before it": lambda link: link.replace("/#", "/?utm_source=x&utm_medium=y#"),
    "a referrer before it, encoded": lambda link: link.replace("/#", "/?ref=https%3A%2F%2Fother.example%2F#"),
    "a referrer before it, as it is": lambda link: link.replace("/#", "/?ref=https://other.example/#"),
    "parameters after it": lambda link: f"{link}?utm_source=mail",
    "more parameters after it": lambda link: f"{link}&fbclid=IwAR0",
    "a text fragment": lambda link: f"{link}:~:text=Hello%20World",
    "%23": lambda link: link.replace("#", "%23"),
    "%2523": lambda link: link.replace("#", "%2523"),
    "%252523": lambda link: link.replace("#", "%252523"),
    "parameters before %23": lambda link: link.replace("#", "?fbclid=IwAR0%23"),
    "all encoded": encoded,
    "Safe Links": lambda link: (
        f"https://nam02.safelinks.protection.outlook.com/?url={encoded(link)}&data=05%7C01%7Cann%40x.example%7C0&sdata=Fa%2BF%3D&reserved=0"
    ),
    "Safe Links twice": lambda link: (
        f"https://eur01.safelinks.protection.outlook.com/?url={encoded(f'https://nam02.safelinks.protection.outlook.com/?url={encoded(link)}&data=05')}&data=05"
    ),
    "Google": lambda link: (
        f"https://www.google.com/url?q={link.replace('#', '%23')}&source=gmail&ust=1700000000&usg=AOv"
    ),
    "Facebook": lambda link: f"https://l.facebook.com/l.php?u={encoded(link.replace('#', '?fbclid=IwAR#'))}&h=AT0-Fa",
    "Barracuda": lambda link: (
        f"https://linkprotect.cudasvc.com/url?a={encoded(link).replace('%2F', '%2f').replace('%3A', '%3a')}&c=E,1,F-x"
    ),
    "Cisco": lambda link: f"https://secure-web.cisco.com/1FAx_Gz-Ehl0pQ/{encoded(link)}",
    "Proofpoint 1": lambda link: f"https://urldefense.proofpoint.com/v1/url?u={link.replace('#', '%23')}&k=%2F%0A",
    "Proofpoint 2": urldefense_2,
    "Proofpoint 3": urldefense_3,
    "Proofpoint 3, a slash lost": lambda link: urldefense_3(link).replace("__https://", "__https:/"),
    "Proofpoint 3, a run": urldefense_3_with_run,
    "Sophos": sophos,
    "Outlook's text with the filter's behind": lambda link: (
        f"{link}<https://nam02.safelinks.protection.outlook.com/?url={encoded(link)}&data=05>"
    ),
    "angle brackets": lambda link: f"<{link}>",
    "Markdown": lambda link: f"[{link}]({link})",
    "Markdown with another text": lambda link: f"[the agenda: http://other.example/notes#top]({link})",
    "Markdown escapes": lambda link: link.replace("#", r"\#").replace("_", r"\_").replace("-", r"\-"),
    "HTML": lambda link: f'<a href="{link}">Come in</a>',
    "HTML with an entity before it": lambda link: link.replace("/#", "/?a=1&amp;b=2#"),
    "HTML with an entity for the sign": lambda link: link.replace("#", "&#35;"),
    "HTML with a hexadecimal entity for the sign": lambda link: link.replace("#", "&#x23;"),
    "HTML, escaped": lambda link: html.escape(f'<a href="{link}">'),
    "HTML with places to break": lambda link: f"{link[:30]}<wbr>{link[30:]}",
    "quoted-printable": quoted_printable,
    "quoted-printable, all signs": lambda link: (
        f"Content: {link.replace('#', '=23').replace('-', '=2D').replace('_', '=5F')} =3D"
    ),
    "soft hyphens and zero-width spaces": lambda link: "\u200b".join(
        [link[:12], f"\u00ad{link[12:20]}", f"\u2060{link[20:21]}", link[21:]]
    ),
    "marks of direction around": lambda link: f"\u2066\u200e{link}\u200f\u2069",
    "a no-break space before and after": lambda link: f"here:\u00a0{link}\u00a0!",
    "quotation marks": lambda link: f"“{link}”",
    "full width": lambda link: "".join(chr(ord(char) + 0xFEE0) for char in link),
    "no scheme": lambda link: link.removeprefix("https://"),
    "no scheme, with a word before it": lambda link: f"room:{link.removeprefix('https://')}",
    "a port that goes without saying": lambda link: link.replace("chat.example", "chat.example:443"),
    "broken into lines": lambda link: f"{link[:35]}\n> {link[35:]}",
    "another page's fragment before it": lambda link: f"agenda: http://other.example/notes#top - room: {link}",
    "other links around": lambda link: f"https://other.example/a?b=c {link} https://third.example/#end",
    "en dashes for hyphens": lambda link: link.replace("-", "–"),
    "en dashes for two hyphens": lambda link: link.replace("--", "–"),
    "em dashes for two hyphens": lambda link: link.replace("--", "—"),
}


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("name", MANGLED)
def test_a_mangled_link_is_the_same_link(kind: str, name: str) -> None:
    code = CODES[kind]
    mangled = MANGLED[name](f"{PAGE}#{text_of(code)}")

    assert read(mangled) == code
    assert page_in(mangled) == PAGE
    assert relay_for(mangled, "https://own.example/") == "wss://chat.example/relay"


@pytest.mark.parametrize("name", [name for name in MANGLED if not name.startswith("no scheme")])
def test_a_mangled_link_leads_to_a_page_with_a_port_and_a_folder_too(name: str) -> None:
    link = MANGLED[name](f"https://chat.example/of-ours/#{text_of(ROOM)}")

    assert page_in(link) == "https://chat.example/of-ours/"


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize(
    "text",
    [
        "{code}",
        "Come! {code}",
        "http://other.example/notes#top {code}",
        "http://other.example/notes#top:{code}",
        "http://other.example/{code}",
        "http://other.example/?room={code}",
        "http://other.example/?a=%23 {code}",
        "C# {code}",
        "#{code}",
        "room #{code}",
        "e.g. #{code}",
        "1.2#{code}",
        "javascript:alert(1)#{code}",
        "https://#{code}",
        "https:///#{code}",
        "https://[::1/#{code}",
        "https://host:99999/#{code}",
    ],
)
def test_a_code_that_is_no_pages_own_fragment_belongs_to_the_page_where_it_is_pasted(kind: str, text: str) -> None:
    code = CODES[kind]
    pasted = text.format(code=text_of(code))

    assert read(pasted) == code
    assert page_in(pasted) == ""
    assert relay_for(pasted, "https://own.example/x.html") == "wss://own.example/relay"
    assert relay_for(pasted, "") == ""


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("http://localhost:8000/#", "http://localhost:8000/"),
        ("localhost:8000/#", "http://localhost:8000/"),
        ("192.168.1.5:8000/#", "http://192.168.1.5:8000/"),
        ("http://[2001:DB8::1]:8000/index.html#", "http://[2001:db8::1]:8000/index.html"),
        ("http://Chat.Example:80#", "http://chat.example/"),
        ("https://user:secret@chat.example/#", "https://chat.example/"),
        ("https://bücher.example/#", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/#", "https://xn--bcher-kva.example/"),
        ("https://chat.example/a/b?c=/d#", "https://chat.example/a/b"),
    ],
)
def test_a_page_has_one_writing(link: str, page: str) -> None:
    assert page_in(f"{link}{text_of(ROOM)}") == page


def test_no_name_becomes_another_ones() -> None:
    assert page_of("https://faß.example/") == "https://faß.example/"


def test_of_several_codes_the_first_counts_and_its_own_page() -> None:
    other = RoomCode(bytes(SECRET_SIZE))
    text = f"{text_of(ROOM)} https://other.example/#{text_of(other)} https://chat.example/#{text_of(ROOM)}"

    assert read(text) == ROOM
    assert page_in(text) == PAGE


def test_a_page_and_its_relay_lead_to_each_other() -> None:
    assert relay_of("https://chat.example/of-ours/index.html?a#b") == "wss://chat.example/of-ours/relay"
    assert relay_of("HTTP://Localhost:8000") == "ws://localhost:8000/relay"
    for page in ("https://chat.example/of-ours/", "http://localhost:8000/"):
        assert page_at(relay_of(page)) == page


@pytest.mark.parametrize("address", ["", "chat.example", "ftp://chat.example/", "https://", "https://[", "http://a:b/"])
def test_what_is_no_address_of_a_page_has_no_relay(address: str) -> None:
    assert relay_of(address) == ""


# Links that were cut off.


def problem_of(text: str) -> CodeProblem:
    with pytest.raises(CodeError) as caught:
        read(text)
    return caught.value.problem


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("left", [0, 1, 5, 15, 16, 20, 27])
@pytest.mark.parametrize(
    "form",
    [
        "https://chat.example/#{}",
        "see <https://chat.example/?a=b#{}>, then",
        "https%3A%2F%2Fchat.example%2F%23{}",
        "{}…",
    ],
)
def test_a_link_that_was_cut_off_is_told_so(kind: str, left: int, form: str) -> None:
    if form == "{}…" and left < 16:
        return  # it could be any word
    assert problem_of(form.format(text_of(CODES[kind])[:left])) is CodeProblem.CUT_SHORT


def test_a_link_that_was_cut_off_is_told_so_whatever_longer_words_are_around() -> None:
    host = "https://a-chat-of-our-own.donaudampfschifffahrtsgesellschaft.example"

    assert problem_of(f"{host}/#{text_of(ROOM)[:20]}") is CodeProblem.CUT_SHORT
    assert problem_of(f"{host}/#{text_of(ROOM)[:6]}") is CodeProblem.CUT_SHORT


@pytest.mark.parametrize("text", ["https://chat.example/", "https://chat.example/#top", "https://mail.example/#/in"])
def test_another_link_is_none_that_was_cut_off(text: str) -> None:
    assert problem_of(text) is CodeProblem.NOT_A_CODE


# Ends that messengers drop.


def secret_whose_code_ends_with(end: str) -> RoomCode:
    chance = random.Random(end)
    while True:
        code = RoomCode(chance.randbytes(SECRET_SIZE))
        if text_of(code).endswith(end):
            return code


def invite_that_ends_with(end: str, kind: DescriptionKind) -> Code:
    chance = random.Random(end)
    while True:
        answers = chance.randbytes(3) if kind is DescriptionKind.ANSWER else None
        code = Code(Description(kind, chance.randbytes(32), "ufra", "p" * 22, (HERE,)), answers)
        if text_of(code).endswith(end):
            return code


@pytest.mark.parametrize("form", ["{}", "https://chat.example/#{}", "https://chat.example/#{}. See you there!", "({})"])
@pytest.mark.parametrize("end", ["-", "_", "-_", "--"])
def test_an_end_that_a_messenger_has_dropped_is_put_back(end: str, form: str) -> None:
    codes: list[RoomCode | Code] = [
        secret_whose_code_ends_with(end),
        *(invite_that_ends_with(end, kind) for kind in DescriptionKind),
    ]
    for code in codes:
        assert read(form.format(text_of(code).rstrip("-_"))) == code


def test_the_end_of_a_code_that_is_missing_is_not_guessed() -> None:
    chance = random.Random(1)
    for _ in range(300):
        text = text_of(RoomCode(chance.randbytes(SECRET_SIZE)))
        if text[-1] not in "-_":
            assert problem_of(text[:-1]) is CodeProblem.CUT_SHORT
