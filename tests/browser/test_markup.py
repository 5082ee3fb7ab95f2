"""What messages say of themselves, as the page shows it; and that nothing of it does anything."""

from __future__ import annotations

from playwright.sync_api import Locator, Route, expect

from pychat.core.content import is_emoji
from pychat.core.log import MAX_TEXT
from tests import naughty
from tests.browser.conftest import MakePerson, Watch, in_chromium
from tests.browser.people import CONNECT, Person, connect
from tests.friend import MakeFriend

NOTE_WHAT_RUNS = """() => {
    window.ran = [];
    window.naughty = () => window.ran.push("naughty");
    for (const name of ["alert", "confirm", "prompt", "open"]) window[name] = () => window.ran.push(name);
    document.addEventListener("securitypolicyviolation", event => window.ran.push(event.violatedDirective));
}"""

DANGEROUS = """log => [...log.querySelectorAll("*")].filter(element =>
    !["ARTICLE", "P", "SPAN", "BUTTON", "FOOTER", "TIME", "svg", "use", "STRONG", "EM", "S", "CODE", "A"]
        .includes(element.tagName)
    || [...element.attributes].some(({ name }) => name.startsWith("on") || ["src", "style", "srcdoc"].includes(name))
    || (element.tagName === "A" && !/^https?:\\/\\/[a-z0-9]/.test(element.getAttribute("href")))
    || (element.tagName === "A" && new URL(element.href).host.includes("naughty"))
).map(element => element.outerHTML)"""


def in_few_messages(texts: list[str] | tuple[str, ...], between: str) -> list[str]:
    """The texts, as many in a message as there is room for."""
    messages = [""]
    for text in texts:
        if len((messages[-1] + between + text).encode()) > MAX_TEXT // 4:
            messages.append("")
        messages[-1] += between * bool(messages[-1]) + text
    return messages


def test_nothing_that_is_written_does_anything(person: MakePerson, friend: MakeFriend, watch: Watch) -> None:
    ann, bob = friend("<img src=x onerror=naughty()>"[:64]), person("javascript:naughty()")
    connect(ann, bob)
    bob.page.evaluate(NOTE_WHAT_RUNS)
    requests: list[str] = []
    texts = [
        *in_few_messages(naughty.ALL, "\n"),
        *in_few_messages(naughty.as_links(), " "),
        *in_few_messages(naughty.as_code(), "\n\n"),
        *in_few_messages(naughty.as_quotes(), "\n\n"),
    ]
    ann.say(*texts, "the end")
    expect(bob.messages.last.locator("p")).to_have_text("the end", timeout=CONNECT)
    short = [text for text in naughty.ALL if is_emoji(text)]
    assert short
    for text in short:  # each in place of the one before
        ann.react("the end", text)
    expect(bob.messages.last.locator(".reaction")).to_have_text(short[-1], timeout=CONNECT)
    bob.page.on("request", lambda request: requests.append(request.url))
    while bob.button("Show earlier messages").is_visible():
        bob.button("Show earlier messages").click()
    unfold = bob.log.get_by_role("button", name="Show all")
    while unfold.count():
        unfold.last.click()
    expect(bob.messages).to_have_count(len(texts) + 1, timeout=CONNECT)
    expect(bob.log.locator(".code-block").first).to_be_attached()
    assert bob.log.evaluate(DANGEROUS) == []
    assert bob.page.evaluate("window.ran") == []
    assert [url for url in requests if not url.endswith(("/pygments.zip", "/icons.svg"))] == []
    assert len(bob.page.context.pages) == 1
    assert "naughty" not in bob.page.evaluate("document.title")


LOOKS = """**strong** *em* ~~s~~ `code` [label](https://a.example/b) https://c.example
> quote
- one
- two
```py
def f(): return 1
```"""


def said(log: Locator) -> str:
    return log.get_by_role("article").first.locator("p").text_content() or ""


@in_chromium
def test_a_text_looks_like_what_it_says_and_its_paragraph_has_its_words(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person("Bob", permissions=["clipboard-read", "clipboard-write"])
    connect(ann, bob)
    ann.say(LOOKS, "plain\n  text", "👍🏽🎉")
    expect(bob.messages).to_have_count(3, timeout=CONNECT)
    rich, plain, emoji = (bob.messages.nth(number) for number in range(3))
    expect(rich.locator("p")).to_have_count(1)
    assert said(bob.log) == (
        "strong em s code label (a.example) https://c.example\nquote\n• one\n• two\ndef f(): return 1"
    )
    for tag in ("strong", "em", "s"):
        expect(rich.locator(tag)).to_have_text(tag)
    expect(rich.get_by_role("blockquote")).to_have_text("quote")
    expect(rich.get_by_role("listitem")).to_have_text(["• one", "• two"])
    link = rich.get_by_role("link", name="label")
    for name, value in {
        "href": "https://a.example/b",
        "target": "_blank",
        "rel": "noopener noreferrer",
        "referrerpolicy": "no-referrer",
    }.items():
        expect(link).to_have_attribute(name, value)
    assert plain.locator("p").evaluate("p => p.childNodes.length === 1 && p.textContent") == "plain\n  text"
    expect(emoji.locator("p")).to_have_class("large")
    expect(rich.locator(".code-keyword").first).to_have_text("def", timeout=CONNECT)
    rich.get_by_role("button", name="Copy code").click()
    expect(rich.get_by_role("button", name="Code copied")).to_be_visible()
    assert bob.page.evaluate("navigator.clipboard.readText()") == "def f(): return 1"
    assert copied(bob) == LOOKS, "of a message that is marked whole all of it is copied, as it was written"
    quote(bob, rich)
    expect(bob.messages.last.locator(".quoted-text")).to_contain_text("strong em s code label (a.example)")


def copied(bob: Person) -> str:
    """What is copied of the first message, of two that are marked."""
    bob.log.focus()
    bob.page.evaluate(
        """() => {
            const [first, second] = document.querySelectorAll("article p");
            document.addEventListener("copy", event => { window.copied = event.clipboardData.getData("text/plain"); });
            getSelection().setBaseAndExtent(first, 0, second, second.childNodes.length);
        }"""
    )
    bob.page.keyboard.press("Control+c")
    text: str = bob.page.evaluate("window.copied")
    first, _ = text.rsplit("\nAnn, ", 1)
    return first.split(": ", 1)[1].replace("\n    ", "\n")


def quote(bob: Person, message: Locator) -> None:
    """Answer a message."""
    message.hover()
    message.locator(".menu-open").click()
    bob.page.get_by_role("menuitem", name="Reply").click()
    bob.say("an answer")
    expect(bob.messages.last).to_contain_text("an answer")


@in_chromium
def test_code_stays_plain_where_what_colours_it_cannot_be_loaded(
    person: MakePerson, friend: MakeFriend, watch: Watch
) -> None:
    ann, bob = friend("Ann"), person("Bob")
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    bob.page.route("**/pygments.zip", refuse)
    connect(ann, bob)
    ann.say("```py\ndef f(): return 1\n```")
    with bob.page.expect_event("requestfailed", lambda request: "pygments.zip" in request.url):
        ann.say("```json\n[1]\n```", "the end")
    expect(bob.messages.last.locator("p")).to_have_text("the end", timeout=CONNECT)
    expect(bob.log.locator(".code-block code").first).to_have_text("def f(): return 1")
    assert bob.log.locator("[class^=code-]:not(.code-block)").count() == 0
    assert asked
