"""The list of messages: however much there is, little of it is in the document, and it is good to read and to copy."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import MakePerson, in_chromium
from tests.browser.people import CONNECT, Person, connect
from tests.friend import MakeFriend

MOST_MESSAGES, MOST_CHARACTERS = 200, 200_000
"""What may be in the document, whatever was said."""

COUNT_NOW_AND_THEN = """() => {
    window.most = 0;
    const count = () => { window.most = Math.max(window.most, document.querySelectorAll("article").length); };
    new MutationObserver(count).observe(document.body, { childList: true, subtree: true });
}"""


TIME = r"\d\d:\d\d"


def copy(someone: Person, offsets: tuple[int, int]) -> str:
    """Select from within the first message into the last one; returns what is copied."""
    someone.log.focus()
    ends = [message.locator("p").element_handle() for message in (someone.messages.first, someone.messages.last)]
    someone.page.evaluate(
        """([first, last, begin, end]) => {
            const note = event => { window.copied = event.clipboardData.getData("text/plain"); };
            document.addEventListener("copy", note);
            getSelection().setBaseAndExtent(first.firstChild, begin, last.firstChild, end);
        }""",
        [*ends, *offsets],
    )
    someone.page.keyboard.press("Control+c")
    copied: str = someone.page.evaluate("window.copied")
    return copied


@in_chromium
def test_of_very_many_long_messages_few_are_in_the_document(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person("Bob")
    connect(ann, bob)
    bob.page.evaluate(COUNT_NOW_AND_THEN)
    ann.say(*(f"number {i}: {'word ' * 1500}" for i in range(450)))
    expect(bob.messages.last).to_contain_text("number 449", timeout=CONNECT)
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
    expect(bob.messages.last).to_contain_text("number 449", timeout=CONNECT)
    expect(bob.messages.last).to_be_in_viewport()


@in_chromium
def test_who_scrolls_down_comes_to_every_message(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person("Bob")
    connect(ann, bob)
    ann.say(*(f"number {i}" for i in range(250)))
    expect(bob.messages.last).to_contain_text("number 249", timeout=CONNECT)
    bob.scroll_up()
    ann.say(*(f"number {i}" for i in range(250, 900)))
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
def test_a_long_text_is_folded_and_unfolded(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person("Bob")
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


def test_several_messages_are_copied_as_one_would_write_them_down_and_no_line_looks_like_somebody_elses(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = friend("Ann"), person("Bob")
    connect(ann, bob)
    long = "word " * 1000 + "end"
    ann.say("Hi Bob,\nhow are you?", long)
    bob.expect_messages("Hi Bob,\nhow are you?", re.compile("word"))
    bob.say("Fine")
    bob.expect_delivered(1)
    forged = "Hi", "Bob, 07:48: I agree", "Bob, 07:49: I do"
    ends = "\n", "\u2028", "\x85", "\v"
    ann.say(*(end.join(forged) for end in ends), "Yes")
    expect(bob.messages).to_have_count(3 + len(ends) + 1, timeout=CONNECT)
    copied = copy(bob, (3, 2))
    indented = f"Ann, {TIME}: " + "\n    ".join(forged) + "\n"
    wanted = (
        f"Ann, {TIME}: Bob,\n    how are you\\?\nAnn, {TIME}: {long}\nBob, {TIME}: Fine\n"
        f"{indented * len(ends)}Ann, {TIME}: Ye"
    )
    assert re.fullmatch(wanted, copied), copied.replace(long, "...")


@in_chromium
def test_a_message_begins_with_the_name_for_who_listens_and_a_few_stand_by_the_box_in_which_one_writes(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    ann.say("Hello")
    expect_at_the_box(ann, messages=1)
    expect(ann.messages.first).to_have_text(
        re.compile(r"^\s*You:\s*Hello\s*\d\d:\d\d\s*Delivered\s*$"), timeout=CONNECT
    )
    bob.say("Hi")
    expect_at_the_box(ann, messages=2)
    expect(ann.messages.last).to_have_text(re.compile(r"^\s*Bob:\s*Hi\s*\d\d:\d\d\s*$"), timeout=CONNECT)


def expect_at_the_box(someone: Person, *, messages: int) -> None:
    expect(someone.messages).to_have_count(messages, timeout=CONNECT)
    log, message = someone.log.bounding_box(), someone.messages.last.bounding_box()
    assert log is not None
    assert message is not None
    assert log["y"] + log["height"] - message["y"] - message["height"] < 40


@in_chromium
def test_what_one_person_says_in_a_row_has_one_time(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    ann.say("Hello")
    ann.say("Are you there?")
    ann.expect_delivered(2)
    bob.say("Yes")
    expect(ann.messages).to_have_count(3, timeout=CONNECT)
    ann.say("Good")
    ann.expect_delivered(3)
    widths = [each.bounding_box() for each in ann.messages.locator("time").all()]
    assert [bool(box and box["width"] > 1) for box in widths] == [False, True, True, True]
    follows = "article => article.hasAttribute('data-follows')"
    assert [each.evaluate(follows) for each in ann.messages.all()] == [False, True, False, False]
    sign = ann.messages.nth(1).locator(".delivery use")
    expect(sign).to_have_attribute("href", re.compile("icons.svg#check-check$"))
