"""A person in a browser talks with a person, or a script, in a terminal: each browser, and whoever invites."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from pychat.core.log import MAX_TEXT
from pychat.core.memory import MIB
from pychat.exit_codes import Exit
from pychat.ui import strings
from tests.browser.conftest import LaunchBrowser, OpenContext
from tests.browser.people import CONNECT, Person
from tests.browser.test_boot import run_instead
from tests.browser.test_room import open_room
from tests.browsers import BrowserName
from tests.terminal.command import Commands, SomeCommand

LONG = ("The quick fox, быстрая лиса, 敏捷的狐狸, الثعلب السريع, השועל המהיר, 👋🏽 👨‍👩‍👧, Z\u0335\u0301. " * MAX_TEXT)[
    :MAX_TEXT
].strip()
SUBMIT = """(box, texts) => {
    for (const text of texts) { box.value = text; box.form.requestSubmit(); }
}"""

MakePerson = Callable[[BrowserName], Person]


@pytest.fixture
def person(launch_browser: LaunchBrowser, open_context: OpenContext) -> MakePerson:
    """Makes people, each with a browser profile of their own."""
    return lambda browser: Person.at(open_context(launch_browser(browser)))


def connect(page: Person, start: Callable[..., SomeCommand], *, page_invites: bool) -> SomeCommand:
    """Exchange the two codes by hand, and wait until both are connected."""
    if page_invites:
        command = start("join", page.make_invite())
        page.paste(command.code)
    else:
        command = start("invite")
        command.take(page.answer(command.code))
    page.expect_state("open")
    command.is_connected()
    return command


def heard(page: Person, *texts: str) -> None:
    """Check that these are the messages of the other side; of very many only the newest are in the document."""
    newest = page.log.locator('[data-author="peer"] p').last.filter(has_text=texts[-1][:100])
    newer = page.button("New messages")
    folded = page.log.get_by_role("button", name=re.compile("^Show all"))
    expect(newest.or_(newer).first).to_be_visible(timeout=CONNECT)
    if newer.is_visible():  # a burst may leave the end out of sight
        newer.click()
    expect(newest).to_be_visible(timeout=CONNECT)
    while folded.count():
        folded.first.click()
    shown = page.log.locator('[data-author="peer"] p').evaluate_all("all => all.map(p => p.textContent)")
    assert shown == list(texts[-len(shown) :])
    assert len(shown) == len(texts) or len(texts) > 100


MOST = 2 * MIB
LESS_MEMORY = f"""
from main import start
from pychat.core.chat import conversation
from pychat.core.services import history

conversation.CONVERSATION_MOST = {MOST}
history.SEGMENTS_AT_ONCE = 4
await start()
"""


@pytest.mark.slow
def test_what_no_longer_fits_into_a_pages_memory_is_read_again(
    launch_browser: LaunchBrowser, open_context: OpenContext, commands: Commands
) -> None:
    """In texts with an emoji each character takes four bytes. Here a conversation holds a thirtieth of what it may."""
    page = open_context(launch_browser("chromium")).new_page()
    run_instead(page, LESS_MEMORY)
    page.goto("/")
    ann = Person(page)
    ann.wait_until_ready()
    pipe = connect(ann, commands.pipe, page_invites=True)
    ann.say("the first")
    pipe.hears("the first")
    count = MOST // 30_000 * 4  # each takes 31,700 bytes
    pipe.write("".join(f"number {number}: 👋 {'x' * 7_900}\n" for number in range(count)))
    expect(ann.messages.last).to_contain_text(f"number {count - 1}:", timeout=CONNECT)
    earlier, too_much = ann.button("Show earlier messages"), ann.page.get_by_text("too much to be shown here")
    either = ann.log.locator(':is([data-part="earlier"], [data-part="older-gone"]):not([hidden])')
    ann.say("still here")
    pipe.hears("the first", "still here")
    expect(too_much).to_be_hidden()
    while True:
        expect(either).to_be_visible(timeout=CONNECT)
        if too_much.is_visible():
            break
        earlier.click()
    expect(ann.messages.first).not_to_contain_text("number 0:")
    ann.say("and still here")
    pipe.hears("the first", "still here", "and still here")


@pytest.mark.parametrize(("browser", "page_invites"), [("chromium", True), ("firefox", False)])
def test_a_page_and_a_pipe_talk(
    person: MakePerson, commands: Commands, browser: BrowserName, page_invites: bool
) -> None:
    ann = person(browser)
    pipe = connect(ann, commands.pipe, page_invites=page_invites)
    ann.say("Hello, שלום, 你好, 👋🏽")
    ann.say("two\nlines")
    ann.say(LONG)
    pipe.hears("Hello, שלום, 你好, 👋🏽", "two␊lines", LONG)
    pipe.say("Hello Ann")
    pipe.say(LONG)
    heard(ann, "Hello Ann", LONG)

    texts = [f"number {number}" for number in range(1000)]
    pipe.write("".join(f"{text}\n" for text in texts))
    ann.message_box.evaluate(SUBMIT, texts)
    assert pipe.lines(1003)[3:] == texts
    pipe.say("the end")
    heard(ann, "Hello Ann", LONG, *texts, "the end")
    ann.say("the last")  # of those before perhaps none is in the document any more
    expect(ann.log.locator('[data-author="me"]').last).to_have_attribute("data-state", "delivered", timeout=CONNECT)

    if page_invites:
        ann.act("Leave").click()
        assert pipe.status() == Exit.DONE, pipe.err
    else:
        pipe.end_input()
        assert pipe.status() == Exit.DONE
        ann.expect_state("closed")
        expect(ann.status).to_contain_text("They left")


@pytest.mark.parametrize(("browser", "page_invites"), [("chromium", False), ("firefox", True)])
def test_a_page_and_a_terminal_talk(
    person: MakePerson, commands: Commands, browser: BrowserName, page_invites: bool
) -> None:
    ann = person(browser)
    terminal = connect(ann, commands.terminal, page_invites=page_invites)
    terminal.write("half a sentence")
    terminal.wait_for_input("You: half a sentence")
    ann.say("I interrupt you")
    terminal.hears("I interrupt you")
    terminal.wait_for_input("You: half a sentence")
    terminal.say(", whole")
    ann.expect_messages("I interrupt you", "half a sentence, whole")
    terminal.wait_above_input("You: half a sentence, whole")
    ann.page.close()
    good_bye = "pychat: They left. The other side closed pychat or left."
    none = "pychat: Connection closed. The other side is gone: pychat was closed there"
    terminal.wait_for(
        lambda: terminal.said(good_bye) or (browser == "firefox" and terminal.said(none)), "what became of the page"
    )
    terminal.say("/quit")
    assert terminal.status() == Exit.DONE


@pytest.mark.parametrize(("browser", "page_opens"), [("chromium", True), ("firefox", False)])
def test_a_page_and_a_terminal_meet_in_a_room(
    person: MakePerson, commands: Commands, server: str, browser: BrowserName, page_opens: bool
) -> None:
    """The candidates of a page come one by one, and are names that have to be looked up."""
    ann = person(browser)
    if page_opens:
        terminal = commands.terminal("join", server + open_room(ann))
    else:
        terminal = commands.terminal("room", "--page", f"{server}/")
        ann.enter(terminal.link)
    ann.expect_state("open")
    terminal.is_connected()
    ann.say("hello from a page")
    terminal.hears("hello from a page")
    terminal.say("hello from a terminal")
    ann.expect_messages("hello from a page", "hello from a terminal")
    ann.act("Leave").click()
    terminal.wait_until_said(f"pychat: They left. {strings.ROOM_STAYS}")
    pipe = commands.pipe("join", terminal.link if not page_opens else server + open_room(ann))
    pipe.is_connected()
    pipe.say("and one from a pipe")
    if page_opens:
        heard(ann, "and one from a pipe")
        pipe.end_input()
        assert pipe.status() == Exit.DONE
        expect(ann.status).to_contain_text("They left")
    else:
        terminal.wait_until_said("/switch turns to them.")
        terminal.say("/switch")
        terminal.hears("hello from a page", "and one from a pipe")


@pytest.mark.slow
def test_a_killed_terminal_is_noticed(person: MakePerson, commands: Commands) -> None:
    ann, bob = person("chromium"), person("firefox")
    with_ann = connect(ann, commands.pipe, page_invites=True)
    with_bob = connect(bob, commands.pipe, page_invites=False)
    for command in (with_ann, with_bob):
        command.kill()
    for page in (ann, bob):
        page.expect_state("lost")
        expect(page.status).to_contain_text("Connection lost")
