"""Links as they were handed over, and what became of them on their way."""

import base64
import html
import json
import quopri
from collections.abc import Callable, Iterator
from urllib.parse import quote

from tests.vectors.codes import DASHES_CODE, INVITE_CODE, REPLY_CODE
from tests.vectors.rooms import code_of
from tests.vectors.writer import Json

NOTE = """\
Texts with a link in them. See 'What becomes of a link' in docs/reference/protocol.md. A reader should find the `code`.
If it does, `page` is the page to which the link leads, and must be no other; if it is empty, the code is in no link."""

PAGE = "https://chat.example/"
_CODES = {
    "room": code_of(bytes.fromhex("fbefbe00fff3efbefbe0102030405060708090aa")),
    "invite": INVITE_CODE.text,
    "invite with hyphens": DASHES_CODE.text,
    "reply": REPLY_CODE.text,
}


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
    "HTML with tags within": lambda link: f'{link[:30]}</span><span class="line">{link[30:]}',
    "JSON": lambda link: json.dumps({"text": link}).replace("/", r"\/").replace("#", r"\u0023"),
    "defanged": lambda link: link.replace(".", "[.]"),
    "a slash after the sign": lambda link: link.replace("#", "#/"),
    "an exclamation mark after the sign": lambda link: link.replace("#", "#!"),
    "an exclamation mark and a slash after the sign": lambda link: link.replace("#", "#!/"),
    "Google's copy": lambda link: link.replace("https://", "https://www.google.com/amp/s/"),
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

IN_NO_LINK = (
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
)


def vectors() -> list[Json]:
    return [*_mangled(), *_in_no_link()]


def _mangled() -> Iterator[Json]:
    for kind, code in _CODES.items():
        for name, mangle in MANGLED.items():
            yield {"name": f"{kind}: {name}", "text": mangle(f"{PAGE}#{code}"), "code": code, "page": PAGE}


def _in_no_link() -> Iterator[Json]:
    code = _CODES["room"]
    for text in IN_NO_LINK:
        yield {"name": f"in no link: {text}", "text": text.format(code=code), "code": code, "page": ""}
