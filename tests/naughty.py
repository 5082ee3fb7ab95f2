"""What somebody could write to make a page or a terminal do something: for messages, links, code, quotes and names.

A list of our own, after the kinds that public ones have: of markup, of addresses that run, of templates, of characters
that steer. Each that could run says so by calling `naughty()`, and each that could ask for something asks `/naughty`.
"""

MARKUP = (
    "<script>naughty()</script>",
    "<SCRIPT SRC=/naughty.js></SCRIPT>",
    "<script>\nnaughty()\n</script>",
    "<scr<script>ipt>naughty()</scr</script>ipt>",
    "</p></article><script>naughty()</script>",
    "--><script>naughty()</script><!--",
    "]]><script>naughty()</script>",
    "</template><script>naughty()</script>",
    "</textarea><script>naughty()</script>",
    "</title><script>naughty()</script>",
    "<img src=x onerror=naughty()>",
    "<img src=/naughty.png>",
    "<img/src='/naughty.png'/onerror='naughty()'>",
    '<IMG """><SCRIPT>naughty()</SCRIPT>">',
    "<svg onload=naughty()>",
    "<svg><script>naughty()</script></svg>",
    "<svg><animate onbegin=naughty() attributeName=x dur=1s>",
    "<math><mtext><style><img src onerror=naughty()>",
    "<body onload=naughty()>",
    "<iframe src=javascript:naughty()>",
    "<iframe srcdoc='<script>parent.naughty()</script>'>",
    "<object data=/naughty></object><embed src=/naughty>",
    "<link rel=stylesheet href=/naughty.css>",
    "<style>@import '/naughty.css';</style>",
    "<meta http-equiv=refresh content='0;url=/naughty'>",
    "<base href=//naughty.example/>",
    "<form action=/naughty><input autofocus onfocus=naughty()></form>",
    "<details open ontoggle=naughty()>",
    "<video><source onerror=naughty()>",
    "<a href=javascript:naughty()>click</a>",
    "<a href='&#106;avascript:naughty()'>click</a>",
    "<div style='background:url(/naughty.png)'>",
    "<input type=image src=/naughty.png>",
    '" onmouseover="naughty()" x="',
    "' onmouseover='naughty()' x='",
    "`onmouseover=naughty()`",
    "\u00bcscript\u00benaughty()\u00bc/script\u00be",
    "&lt;script&gt;naughty()&lt;/script&gt;",
    "&#60;script&#62;naughty()&#60;/script&#62;",
    "\\u003cscript\\u003enaughty()",
    "%3Cscript%3Enaughty()%3C/script%3E",
)
"""HTML, whole and in pieces, and what decodes to it."""

TEMPLATES = (
    "{{constructor.constructor('naughty()')()}}",
    "${naughty()}",
    "#{naughty()}",
    "<%= naughty() %>",
    "{% import os %}{{ os.system('naughty') }}",
    "{0.__class__.__mro__}",
    "%s%s%s%n%x",
    "$(touch naughty)",
    "; touch naughty #",
    "' OR 1=1 --",
    "__proto__",
    "constructor",
    "NaN",
    "null",
    "undefined",
    "\\",
    "\\\\server\\naughty",
    "../../../../etc/passwd",
    "file:///etc/passwd",
)
"""What some programs take for code, for a path or for nothing."""

CHARACTERS = (
    "\u202etxt.exe\u202c",
    "\u202e)moc.live( ees\u202c",
    "\u2066\u2067\u2068\u2069\u202a\u202b\u202d",
    "\u200b\u200c\u200d\u2060\ufeff",
    "\u2028\u2029\x85\x0b\x0c",
    "\x00\x01\x02\x07\x08\x0e\x1a\x1b\x7f",
    "\x1b[31mred\x1b[0m\x1b]0;naughty\x07",
    "\x1b]8;;http://example.com\x07click\x1b]8;;\x07",
    "\x9b31m\x9d0;naughty\x9c",
    "\r\nAnn: I am Ann",
    "\ufdd0\ufffe\uffff\U0001fffe",
    "\ufff9\ufffa\ufffb\ufffc\ufffd",
    "\U000e0001\U000e0041\U000e007f",
    "Z\u0351\u036b\u0343\u036a\u0302a\u0300\u0301\u0302\u0303l\u0334\u0335\u0336g\u0337\u0338o\u0321\u0322\u0327",
    "a" + "\u0301" * 500,
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 (abc) 123!",
    "\ufdfa" * 20,
    "\u0e01\u0e33\u0e33\u0e33\u0e33",
    "𝕿𝖍𝖊 ｑｕｉｃｋ ⓑⓡⓞⓦⓝ",
    "ℌ\u2126\u212b ﬁ ﬀ ŉ ß ẞ İ ı",
    "👩🏽\u200d👩🏾\u200d👧🏿\u200d👦🏻🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f🇦🇧🇨",
    "社會科學院語學研究所",
    "\u3164\u115f\u1160\uffa0",
    "`⁄€‹›ﬁﬂ‡°·‚—±",
    "田中さんにあげて下さい",
)
"""What turns, steers, hides or piles up."""

ADDRESSES = (
    "javascript:naughty()",
    "JaVaScRiPt:naughty()",
    "javascript&colon;naughty()",
    "java\tscript:naughty()",
    "java\nscript:naughty()",
    "\x01javascript:naughty()",
    " javascript:naughty()",
    "&#106;avascript:naughty()",
    "%6Aavascript:naughty()",
    "javascript://example.com/%0Anaughty()",
    "javascript:http://example.com/",
    "data:text/html,<script>naughty()</script>",
    "data:text/html;base64,PHNjcmlwdD5uYXVnaHR5KCk8L3NjcmlwdD4=",
    "data:image/svg+xml,<svg onload='naughty()'/>",
    "vbscript:naughty()",
    "view-source:http://example.com/",
    "blob:http://example.com/naughty",
    "filesystem:http://example.com/naughty",
    "file:///etc/passwd",
    "ftp://example.com/",
    "mailto:ann@example.com?body=naughty",
    "tel:+1",
    "about:blank",
    "chrome://settings",
    "intent://naughty#Intent;end",
    "//naughty.example/",
    "/naughty",
    "?naughty",
    "#naughty",
    "../naughty",
    "http:naughty.example",
    "http:/naughty.example",
    "http:///naughty.example",
    "http:\\\\naughty.example",
    "http://bank.example@naughty.example/",
    "http://bank.example:80@naughty.example/",
    "http://bank.example\\@naughty.example/",
    "http://bank.example%2f@naughty.example/",
    "https://",
    "https://?naughty",
    "https://#naughty",
    "https://./",
    "https://exa mple.com/",
    "https://exam<b>ple.com/",
    "https://example.com:99999999/",
    "https://\u2100.example/",
    "https://\u202eexample.com/",
)
"""Addresses that lead to no page of the web, or elsewhere than they seem to."""

ALL = MARKUP + TEMPLATES + CHARACTERS + ADDRESSES


def as_links() -> list[str]:
    """Each address, and what else there is, as where a link leads and as what it says."""
    links = [f"[click]({address})" for address in ADDRESSES]
    links += [f"[click](<{address}>)" for address in ADDRESSES]
    links += [f'[click](https://example.com "{text}")' for text in MARKUP]
    links += [f"[{text}](https://example.com)" for text in MARKUP + CHARACTERS]
    return links + [f"![picture]({address})" for address in ("/naughty.png", *ADDRESSES[:3])]


def as_code() -> list[str]:
    """All of it as code, in a line and as blocks of a language, whose name is naughty too."""
    code = [f"`{text}`" for text in ALL]
    code += [f"```html\n{text}\n```" for text in MARKUP]
    return code + [f"```{text}\ncode\n```" for text in MARKUP]


def as_quotes() -> list[str]:
    """All of it as quotes and in lists."""
    return [f"> {text}\n\n- {text}\n1. **{text}**" for text in ALL]
