"""What was said stays: over a reload, a closed tab, a week; and the two find each other again.

What differs between browsers is the journal (`test_journal`, both): of the screens most are looked at in one.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LaunchBrowser, MakePerson, OpenContext, in_chromium
from tests.browser.people import Person
from tests.browsers import BrowserName
from tests.friend import Friend, MakeFriend


def met(ann: Person, bob: Friend) -> bytes:
    """Let the two meet in a room and say a word; returns Ann's key. Then both are gone."""
    ann.enter(bob.open_room())
    ann.expect_state("open")
    ann.say("hello")
    bob.hears("hello")
    bob.say("good morning")
    ann.expect_messages("hello", "good morning")
    ann.expect_delivered(1)
    key = bob.other_key
    ann.act("Leave").click()
    ann.expect_state("closed")
    return key


def delete(ann: Person, number: int) -> None:
    """Ask to delete a message, by its menu."""
    ann.messages.nth(number).locator('[data-part="message-menu"]').click()
    ann.page.locator('[data-part="delete-message"]').click()


def come_back(ann: Person) -> None:
    """Open pychat as if the tab had been closed: there is no link, no code, no room to come back to."""
    ann.page.goto("/?another-visit")
    ann.wait_until_ready()
    ann.people.filter(has_text="Bob").click()


def test_a_conversation_is_there_again_and_the_two_find_each_other_without_a_link(
    person: MakePerson, friend: MakeFriend, tmp_path: Path
) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    key = met(ann, bob)
    bob = bob.again()
    ann.page.goto("/?another-visit")
    ann.wait_until_ready()
    line = ann.people.filter(has_text="Bob")
    expect(line).to_contain_text("good morning")
    expect(line.locator(".unread")).to_be_empty()
    line.click()
    ann.expect_messages("hello", "good morning")
    ann.expect_delivered(1)
    ann.say("are you there?")
    expect(ann.messages.last).to_have_attribute("data-state", "waiting")

    come_back(ann)
    ann.expect_messages("hello", "good morning", "are you there?")
    bob.find(key)
    ann.expect_state("open")
    bob.hears("are you there?")
    ann.expect_delivered(2)
    bob.say("here I am")
    ann.expect_messages("hello", "good morning", "are you there?", "here I am")


@in_chromium
def test_what_comes_late_stands_where_it_belongs(person: MakePerson, friend: MakeFriend, tmp_path: Path) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    key = met(ann, bob)
    bob = bob.again()
    bob.find(key)
    bob.say("written first")
    ann.say("written later")
    ann.button("Connect again").click()
    ann.expect_state("open")
    bob.hears("written later")
    texts = "hello", "good morning", "written first", "written later"
    ann.expect_messages(*texts)
    come_back(ann)
    ann.expect_messages(*texts)


@in_chromium
def test_what_was_said_is_found_and_shown_where_it_stands(
    person: MakePerson, friend: MakeFriend, tmp_path: Path
) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    ann.say("Where is the green tea?")
    bob.hears("Where is the green tea?")
    for number in range(150):
        bob.say(f"number {number}")
    expect(ann.messages.last).to_contain_text("number 149")
    bob.expect_delivered()  # else not all of it is kept yet
    ann.page.goto("/?another-visit")
    ann.wait_until_ready()

    box = ann.page.get_by_role("searchbox", name="Search all conversations")
    found = ann.page.get_by_role("list", name="Found")
    box.fill("TEA green")
    expect(found.get_by_role("button")).to_have_count(1)
    expect(found).to_contain_text("You: Where is the green tea?")
    expect(ann.page.get_by_text("One message found.")).to_be_visible()
    expect(ann.page.locator('[data-part="people"]')).to_be_hidden()
    found.get_by_role("button").press("Enter")
    marked = ann.page.locator('article[data-found="true"]')
    expect(marked).to_contain_text("Where is the green tea?")
    expect(marked).to_be_in_viewport()
    expect(ann.messages.first).to_contain_text("Where is the green tea?")
    ann.button("New messages").click()
    expect(ann.messages.last).to_be_in_viewport()
    box.fill("number")
    expect(found.get_by_role("button")).to_have_count(50)
    box.fill("coffee")
    expect(ann.page.get_by_text("Nothing found.")).to_be_visible()
    box.press("Escape")
    expect(box).to_have_value("")
    expect(ann.people).to_have_count(1)


@in_chromium
def test_it_is_kept_for_as_long_as_one_chooses(person: MakePerson, friend: MakeFriend, tmp_path: Path) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    ann.say("hello")
    bob.hears("hello")
    ann.act("What is said here is kept until you delete it, on this device.").click()
    choice = ann.page.get_by_role("combobox", name="Keep what is said here")
    choice.select_option("For 7 days")
    expect(ann.page.get_by_text("What is older than 7 days is deleted now.")).to_be_visible()
    choice.select_option("Not at all")
    ann.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    box = ann.page.get_by_role("textbox", name="Message")
    expect(box).to_have_attribute("placeholder", "Message, not kept")
    bob.say("good morning")
    ann.expect_messages("hello", "good morning")
    ann.say("and to you")
    bob.hears("hello", "and to you")
    ann.expect_delivered(2)

    ann.page.goto("/?another-visit")
    ann.wait_until_ready()
    ann.people.filter(has_text="Bob").click()
    expect(box).to_have_attribute("placeholder", "Message, not kept")
    ann.expect_messages()
    ann.act("Settings").click()
    ann.page.get_by_role("combobox", name="Keep what is said", exact=True).select_option("For 30 days")
    ann.page.get_by_role("combobox", name="Connect again by itself with").select_option("Nobody, until I ask")
    ann.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(box).to_have_attribute("placeholder", "Message, not kept")
    ann.act("What is said here is not kept.").click()
    choice.select_option("As everywhere: for 30 days")
    ann.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(box).to_have_attribute("placeholder", "Message, kept for 30 days")
    expect(ann.button("Connect again")).to_be_visible()

    ann.page.goto("/?another-visit")
    ann.wait_until_ready()
    ann.people.filter(has_text="Bob").click()
    expect(box).to_have_attribute("placeholder", "Message, kept for 30 days")
    expect(ann.button("Connect again")).to_be_visible()  # nobody is looked for by itself


def test_two_tabs_show_the_same(person: MakePerson, friend: MakeFriend, tmp_path: Path) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    met(ann, bob)
    beside = Person(ann.page.context.new_page())
    beside.page.goto("/?another-visit")
    beside.wait_until_ready()
    beside.people.filter(has_text="Bob").click()
    beside.expect_messages("hello", "good morning")
    ann.say("written in the first tab")
    beside.expect_messages("hello", "good morning", "written in the first tab")
    beside.say("and in the second")
    ann.expect_messages("hello", "good morning", "written in the first tab", "and in the second")

    beside.act("Leave").click()
    beside.button("More").click()
    beside.delete()
    expect(ann.people).to_have_count(0)


LOSE_KEY = """async () => {
    const opening = indexedDB.open("pychat-journal");
    await new Promise(done => (opening.onsuccess = done));
    const transaction = opening.result.transaction("keys", "readwrite");
    transaction.objectStore("keys").CHANGE;
    await new Promise(done => (transaction.oncomplete = done));
    opening.result.close();
}"""


@pytest.mark.parametrize(
    ("browser_name", "change"),
    [("chromium", 'delete("secret")'), ("firefox", 'put("damaged", "secret")')],
    indirect=["browser_name"],
)
def test_what_cannot_be_read_is_told_and_deleted_when_one_says_so(
    person: MakePerson, friend: MakeFriend, change: str
) -> None:
    ann, bob = person("Ann"), friend("Bob")
    met(ann, bob)
    ann.page.evaluate(LOSE_KEY.replace("CHANGE", change))
    for _ in range(2):  # it is left as it is
        ann.page.goto("/?another-visit")
        ann.wait_until_ready()
        ann.expect_problem(
            "What you say is not kept on this device for the next time: the key of what was said before is"
        )
        expect(ann.people).to_have_count(0)
    cay = friend("Cay")
    ann.enter(cay.open_room())  # people can talk
    ann.expect_state("open")
    ann.say("hello")
    cay.hears("hello")
    ann.act("Leave").click()

    ann.page.goto("/?another-visit")
    ann.wait_until_ready()
    with ann.page.expect_navigation():
        ann.button("Delete it and begin anew").click()
    ann.wait_until_ready()
    expect(ann.button("Delete it and begin anew")).to_be_hidden()
    met(ann, friend("Dan"))
    ann.page.goto("/?another-visit")
    ann.wait_until_ready()
    expect(ann.people).to_have_count(1)


KEEP_WHAT_IS_SAVED = """() => {
    const create = URL.createObjectURL;
    URL.createObjectURL = blob => (window.saved = blob, create.call(URL, blob));
}"""


def test_a_conversation_can_be_taken_along(
    person: MakePerson, friend: MakeFriend, browser_name: BrowserName, tmp_path: Path
) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    met(ann, bob)
    come_back(ann)
    ann.page.evaluate(KEEP_WHAT_IS_SAVED)
    ann.act("Details").click()
    for name, suffix, line in (
        ("Web page (HTML)", "html", '<div dir="auto">good morning</div>'),
        ("Text (Markdown)", "md", "> good morning"),
    ):
        if browser_name == "chromium":
            with ann.page.expect_download() as download:
                ann.button(name).click()
            assert re.fullmatch(rf"pychat-Bob-\d{{4}}-\d\d-\d\d\.{suffix}", download.value.suggested_filename)
            saved = Path(download.value.path()).read_text()
        else:  # it does not tell of downloads
            ann.button(name).click()
            ann.page.wait_for_function("() => window.saved")
            saved = ann.page.evaluate("() => { const blob = saved; delete window.saved; return blob.text(); }")
        assert line in saved
        assert "hello" in saved


@in_chromium
def test_one_message_is_deleted_here_and_stays_deleted(person: MakePerson, friend: MakeFriend, tmp_path: Path) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    ann.say("mine")
    bob.hears("mine")
    for text in ("one", "the secret", "three"):
        bob.say(text)
    ann.expect_messages("mine", "one", "the secret", "three")
    ann.expect_delivered(1)
    bob.expect_delivered()
    other = Person.at(ann.page.context)
    other.people.filter(has_text="Bob").click()
    other.expect_messages("mine", "one", "the secret", "three")
    dialog = ann.page.get_by_role("dialog", name="Delete this message?")

    # By keyboard: Tab leads to the last one, arrows to the others.
    ann.page.bring_to_front()
    ann.log.focus()
    ann.page.keyboard.press("Tab")
    last = ann.messages.nth(3).get_by_role("button", name=re.compile(r"^More: Bob, \d\d:\d\d$"))
    expect(last).to_be_focused()
    expect(last).to_have_css("opacity", "1")
    ann.page.keyboard.press("ArrowUp")
    expect(ann.messages.nth(2).locator('[data-part="message-menu"]')).to_be_focused()
    for key in ("Enter", "End", "Enter"):
        ann.page.keyboard.press(key)
    expect(dialog).to_contain_text("the secret")
    expect(dialog).to_contain_text("Bob keeps their copy")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Cancel").click()
    ann.expect_messages("mine", "one", "the secret", "three")
    for key in ("Enter", "End", "Enter"):  # the focus is where it was
        ann.page.keyboard.press(key)
    dialog.get_by_role("button", name="Delete").click()
    left = "mine", "one", "Deleted on this device", "three"
    for each in (ann, other):
        each.expect_messages(*left)
        expect(each.messages.nth(2).get_by_role("button")).to_have_count(0)
    expect(ann.log).to_be_focused()

    # With a mouse, and one of one's own; and of the last one the list of people has no word.
    mine = ann.messages.first.get_by_role("button", name="More: You")
    ann.page.mouse.move(0, 0)
    hovers = ann.page.evaluate("matchMedia('(hover: hover)').matches")  # not everywhere where nobody sees it
    expect(mine).to_have_css("opacity", "0" if hovers else "1")
    ann.messages.first.hover()
    expect(mine).to_have_css("opacity", "1")
    mine.click()
    ann.page.locator('[data-part="delete-message"]').click()
    dialog.get_by_role("button", name="Delete here").click()
    ann.messages.nth(3).hover()
    delete(ann, 3)
    dialog.get_by_role("button", name="Delete").click()
    left = "Deleted on this device", "one", "Deleted on this device", "Deleted on this device"
    ann.expect_messages(*left)
    expect(ann.people.filter(has_text="Bob")).to_contain_text("Deleted on this device")

    box = other.page.get_by_role("searchbox", name="Search all conversations")
    box.fill("secret")
    expect(other.page.get_by_text("Nothing found.")).to_be_visible()
    other.page.close()
    bob.say("four")
    ann.expect_messages(*left, "four")
    bob.expect_delivered()
    come_back(ann)
    ann.expect_messages(*left, "four")
    expect(ann.messages.nth(2)).to_have_attribute("data-deleted", "true")


def test_on_a_phone_a_message_is_deleted_with_a_finger(
    open_context: OpenContext, launch_browser: LaunchBrowser, friend: MakeFriend
) -> None:
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    ann, bob = Person.at(open_context(launch_browser("chromium"), **options)), friend("Bob")
    ann.enter(bob.open_room())
    ann.expect_state("open")
    bob.say("the secret")
    button = ann.messages.first.locator('[data-part="message-menu"]')
    expect(button).to_have_css("opacity", "1")
    button.tap()
    ann.page.locator('[data-part="delete-message"]').tap()
    dialog = ann.page.get_by_role("dialog", name="Delete this message?")
    dialog.get_by_role("button", name="Delete").tap()
    ann.expect_messages("Deleted on this device")


@in_chromium
def test_what_has_not_gone_out_is_taken_back(person: MakePerson, friend: MakeFriend, tmp_path: Path) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    key = met(ann, bob)
    come_back(ann)
    ann.say("not this")
    ann.say("but this")
    delete(ann, 2)
    dialog = ann.page.get_by_role("dialog", name="Take back this message?")
    expect(dialog).to_contain_text("It has not arrived, and is not sent any more.")
    dialog.get_by_role("button", name="Take back").click()
    expect(ann.messages.nth(2)).to_have_attribute("data-deleted", "true")

    come_back(ann)
    ann.messages.nth(3).locator('[data-part="message-menu"]').click()
    expect(ann.page.locator('[data-part="delete-message"]')).to_have_text("Take back…")
    ann.page.keyboard.press("Escape")
    bob = bob.again()
    bob.find(key)
    ann.expect_state("open")
    bob.hears("but this")
    ann.expect_delivered(2)
    ann.messages.nth(3).locator('[data-part="message-menu"]').click()
    expect(ann.page.locator('[data-part="delete-message"]')).to_have_text("Delete…")
    ann.page.keyboard.press("Escape")
    ann.say("the end")
    bob.hears("but this", "the end")


FORGET = """() => Promise.all((["pychat", "pychat-journal"]).map(name => new Promise(done => {
    indexedDB.deleteDatabase(name).onsuccess = done;
})))"""


def test_who_was_forgotten_by_the_browser_is_told_so_once(
    person: MakePerson, friend: MakeFriend, tmp_path: Path
) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    met(ann, bob)
    ann.page.evaluate(FORGET)
    notices = ann.page.locator("[data-part=notices]")
    ann.page.goto("/?another-visit")
    ann.wait_until_ready()
    expect(notices).to_contain_text("This browser has deleted your key and what was said here")
    expect(ann.page.get_by_role("textbox", name="Your name")).to_have_value("Ann")
    ann.page.goto("/?one-more")
    ann.wait_until_ready()
    expect(notices).to_be_empty()


COUNT_ASKED = """(() => {
    const { persist } = StorageManager.prototype;
    window.asked = 0;
    StorageManager.prototype.persist = function () { window.asked += 1; return persist.call(this); };
})()"""


def test_with_the_first_message_the_browser_is_asked_once_to_keep_it(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    ann.page.evaluate(COUNT_ASKED)
    ann.enter(bob.open_room())
    ann.expect_state("open")
    assert ann.page.evaluate("() => window.asked") == 0
    ann.say("one")
    ann.say("two")
    bob.hears("one", "two")
    assert ann.page.evaluate("() => window.asked") == 1
    come_back(ann)
    ann.page.evaluate(COUNT_ASKED)
    ann.say("three")
    ann.expect_messages("one", "two", "three")
    assert ann.page.evaluate("() => window.asked") == 0  # at no other visit: it may have asked Ann
