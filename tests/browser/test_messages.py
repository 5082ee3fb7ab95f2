"""The list of messages: however much there is, little of it is in the document, and it is good to read and to copy."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import MakePerson, in_chromium
from tests.browser.people import CONNECT, Person, connect

MOST_MESSAGES, MOST_CHARACTERS = 200, 200_000
"""What may be in the document, whatever was said."""

WRITE = """texts => {
    const draft = document.querySelector('[data-part="draft"]');
    for (const text of texts) {
        draft.value = text;
        draft.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    }
}"""
COUNT_NOW_AND_THEN = """() => {
    window.most = 0;
    const count = () => { window.most = Math.max(window.most, document.querySelectorAll("article").length); };
    new MutationObserver(count).observe(document.body, { childList: true, subtree: true });
}"""


def write(someone: Person, *texts: str) -> None:
    """Write as fast as no person can."""
    someone.page.evaluate(WRITE, list(texts))


@in_chromium
def test_of_very_many_long_messages_few_are_in_the_document(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    connect(ann, bob)
    bob.page.evaluate(COUNT_NOW_AND_THEN)
    write(ann, *(f"number {i}: {'word ' * 1500}" for i in range(700)))
    expect(bob.messages.last).to_contain_text("number 699", timeout=CONNECT)
    earlier, oldest = bob.button("Show earlier messages"), bob.messages.filter(has_text="number 0:")
    while True:
        expect(earlier.or_(oldest).first).to_be_visible(timeout=CONNECT)
        if oldest.count():
            break
        before = bob.messages.first.inner_text()
        earlier.click()
        expect(bob.messages.first).not_to_have_text(before, timeout=CONNECT)
    expect(bob.messages).to_have_count(MOST_MESSAGES)
    assert bob.page.evaluate("window.most") <= MOST_MESSAGES + 10  # in the middle of a slice
    assert len(bob.log.text_content() or "") < MOST_CHARACTERS
    bob.button("New messages").click()
    expect(bob.messages.last).to_contain_text("number 699", timeout=CONNECT)
    expect(bob.messages.last).to_be_in_viewport()


@in_chromium
def test_who_scrolls_down_comes_to_every_message(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    connect(ann, bob)
    write(ann, *(f"number {i}" for i in range(250)))
    expect(bob.messages.last).to_contain_text("number 249", timeout=CONNECT)
    bob.log.evaluate("log => { log.scrollTop = 0; }")
    write(ann, *(f"number {i}" for i in range(250, 900)))
    expect(bob.button("New messages")).to_be_visible(timeout=CONNECT)
    seen: set[str] = set()
    while "number 899" not in seen:
        texts = bob.messages.locator("p").all_text_contents()
        seen.update(texts)
        bob.log.evaluate("log => { log.scrollTop = log.scrollHeight; }")
        if texts[-1] != "number 899":
            expect(bob.messages.last).not_to_contain_text(texts[-1], timeout=CONNECT)
    assert {f"number {i}" for i in range(250, 900)} <= seen
    expect(bob.button("New messages")).to_be_hidden()


@in_chromium
def test_a_long_text_is_folded_and_unfolded(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    connect(ann, bob)
    text = "From the beginning " + "to and fro " * 600 + "to the end"
    ann.say(text)
    unfold = bob.button(f"Show all {len(text):,} characters")
    expect(unfold).to_have_attribute("aria-expanded", "false", timeout=CONNECT)
    expect(bob.messages).not_to_contain_text("to the end")
    unfold.focus()
    bob.page.keyboard.press("Enter")
    bob.expect_messages(text)
    bob.button("Show less").click()
    expect(bob.messages).not_to_contain_text("to the end")
    expect(unfold).to_be_focused()


def test_several_messages_are_copied_as_one_would_write_them_down(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    connect(ann, bob)
    long = "word " * 1000 + "end"
    ann.say("Hi Bob,\nhow are you?")
    ann.say(long)
    bob.expect_messages("Hi Bob,\nhow are you?", re.compile("word"))
    bob.say("Fine")
    ann.expect_delivered(2)
    bob.expect_delivered(1)
    bob.log.focus()
    first, last = bob.messages.first.locator("p"), bob.messages.last.locator("p")
    bob.page.evaluate(
        """([first, last]) => {
            const note = event => { window.copied = event.clipboardData.getData("text/plain"); };
            document.addEventListener("copy", note);
            getSelection().setBaseAndExtent(first.firstChild, 3, last.firstChild, 3);
        }""",
        [first.element_handle(), last.element_handle()],
    )
    bob.page.keyboard.press("Control+c")
    copied = bob.page.evaluate("window.copied")
    time = r"\d\d:\d\d"
    wanted = f"Ann, {time}: Bob,\nhow are you\\?\nAnn, {time}: {long}\nBob, {time}: Fin"
    assert re.fullmatch(wanted, copied), copied[:200]


@in_chromium
def test_a_message_begins_with_the_name_for_who_listens(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    connect(ann, bob)
    ann.say("Hello")
    bob.say("Hi")
    expect(bob.messages.first).to_have_text(re.compile(r"^\s*Ann:\s*Hello\s*\d\d:\d\d\s*$"), timeout=CONNECT)
    expect(ann.messages.first).to_have_text(re.compile(r"^\s*You:\s*Hello\s*\d\d:\d\d\s*Delivered\s*$"))
