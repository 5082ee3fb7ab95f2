"""Back leads from screen to screen, the focus is always on something, and nothing covers what was said."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, FloatRect, Locator, ViewportSize, expect

from pychat.ui import strings
from tests.browser.conftest import MakePerson, OpenContext, in_chromium
from tests.browser.people import CONNECT, Person, connect
from tests.browser.test_room import link_field, link_of, manage, meet, open_room, set_locked
from tests.friend import Friend, MakeFriend

PHONE, LANDSCAPE = ViewportSize(width=390, height=844), ViewportSize(width=844, height=390)


def box(locator: Locator) -> FloatRect:
    found = locator.bounding_box()
    assert found
    return found


def talk(ann: Person, bob: Friend) -> None:
    """Say enough to fill a phone's screen."""
    for number in range(12):
        ann.say(f"number {number}")
        bob.say(f"number {number}")
    ann.expect_delivered(12)
    bob.expect_delivered()


def card(someone: Person) -> Locator:
    return someone.page.get_by_role("region", name="Next step")


@in_chromium
def test_what_was_said_stays_in_sight_when_the_other_one_leaves(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann", viewport=PHONE), friend("Bob")
    meet(ann, bob)
    talk(ann, bob)
    bob.leave()
    expect(ann.status).to_contain_text("They left")
    for viewport in (PHONE, LANDSCAPE):
        ann.page.set_viewport_size(viewport)
        expect(link_field(ann)).to_be_hidden()
        assert box(card(ann))["height"] < 64
        ann.button("Show the link").click()
        expect(link_field(ann)).to_be_visible()
        for _ in range(2):
            expect(ann.messages.last).to_be_in_viewport()
            last, composer = box(ann.messages.last), box(ann.page.locator("form.composer"))
            assert last["y"] + last["height"] <= composer["y"]
            assert composer["y"] + composer["height"] <= viewport["height"]
            if ann.button("Less").is_visible():
                ann.button("Less").click()
        expect(link_field(ann)).to_be_hidden()


def test_back_leads_from_screen_to_screen_and_not_out_of_the_page(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann", viewport=PHONE), friend("Bob")
    meet(ann, bob)
    bob.stay()
    ann.say("hello")
    url, page = ann.page.url, ann.page
    assert "#" not in url
    ann.act("Settings").click()
    settings = page.get_by_role("dialog", name="Settings")
    page.go_back()
    expect(settings).to_be_hidden()
    expect(ann.message_box).to_be_visible()
    ann.act("Details").click()
    page.keyboard.press("Escape")
    page.go_back()
    expect(ann.people).to_be_visible()
    expect(ann.message_box).to_be_hidden()
    page.go_forward()
    ann.expect_messages("hello")
    ann.button("Back").click()
    expect(ann.people).to_be_visible()
    ann.people.click()
    ann.expect_messages("hello")
    page.go_back()
    expect(ann.people).to_be_visible()
    assert page.url == url
    bob.say("still connected")
    ann.people.click()
    ann.expect_messages("hello", "still connected")
    page.reload()
    ann.expect_state("open")
    page.go_back()
    expect(ann.button("New chat link")).to_be_visible()
    bob.say("and after a reload")
    expect(ann.people).to_contain_text("1", timeout=CONNECT)


def open_in_this_tab(someone: Person, code: str) -> None:
    """Do what the address bar does with a link to the page that is open."""
    someone.page.evaluate(
        """code => {
            window.hashes = 0;
            window.onhashchange = () => window.hashes++;
            location.hash = code;
        }""",
        code,
    )


def expect_taken_once(someone: Person) -> None:
    """The link has led somewhere once, and its secret is neither in the address nor kept beside it."""
    someone.page.wait_for_timeout(1000)  # or it would lead there again
    assert someone.page.evaluate("[hashes, location.hash, history.state.code || '']") == [1, "", ""]


def test_a_link_opened_in_the_tab_of_a_conversation_leads_there_once(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    code = open_room(bob).removeprefix("/#")
    own = open_room(ann).removeprefix("/#")
    enter, page = ann.page.locator('[data-part="room-enter"]'), ann.page
    open_in_this_tab(ann, own)
    expect_taken_once(ann)
    expect(ann.message_box).to_be_visible()

    open_in_this_tab(ann, code)
    expect(enter).to_be_visible()
    expect_taken_once(ann)
    expect(ann.message_box).to_be_hidden()
    page.go_back()
    expect(ann.message_box).to_be_visible()
    page.go_forward()
    expect(ann.message_box).to_be_hidden()
    enter.click()
    for each in (ann, bob):
        each.expect_state("open")
    expect_taken_once(ann)
    page.go_back()
    expect(ann.message_box).to_be_hidden()
    expect_taken_once(ann)
    page.go_back()
    expect(ann.message_box).to_be_visible()
    assert not page.evaluate("location.hash || history.state.code")


@in_chromium
def test_a_reply_opened_in_the_tab_that_waits_for_it_connects_there(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    open_in_this_tab(ann, bob.answer(ann.make_invite()))
    for each in (ann, bob):
        each.expect_state("open")
    expect_taken_once(ann)
    expect(ann.message_box).to_be_visible()
    expect(ann.page.locator('[data-part="code-problem"]')).to_have_text("")
    ann.say("hello")
    bob.hears("hello")


@in_chromium
def test_the_menu_in_the_head_by_keyboard(person: MakePerson) -> None:
    ann = person("Ann")
    keyboard, menu = ann.page.keyboard, ann.button("Menu")
    expect(menu).to_be_hidden()
    expect(ann.button("Settings")).to_be_visible()  # there it stands in the head
    open_room(ann)
    expect(ann.button("Settings")).to_be_hidden()
    menu.focus()
    keyboard.press("Enter")
    expect(ann.button("Chat link")).to_be_focused()
    keyboard.press("ArrowDown")
    expect(ann.button("Details")).to_be_focused()
    keyboard.press("End")
    expect(ann.button("Settings")).to_be_focused()
    keyboard.press("ArrowDown")
    expect(ann.button("Chat link")).to_be_focused()
    keyboard.press("ArrowUp")
    keyboard.press("Escape")
    expect(ann.button("Settings")).to_be_hidden()
    expect(menu).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("End")
    keyboard.press("Enter")
    expect(ann.page.get_by_role("dialog", name="Settings")).to_be_visible()
    keyboard.press("Escape")
    expect(menu).to_be_focused()


@in_chromium
def test_a_guest_on_a_phone_can_choose_a_name_in_the_conversation(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person(viewport=PHONE)
    meet(ann, bob)
    bob.act("Settings").click()
    dialog = bob.page.get_by_role("dialog", name="Settings")
    dialog.get_by_label("Your name").fill("Bob")
    dialog.get_by_label("Your name").press("Enter")
    ann.expect_other("Bob")


@in_chromium
def test_the_focus_is_never_lost(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person(), friend("Bob")
    keyboard = ann.page.keyboard
    ann.name_field.fill("Ann")
    keyboard.press("Enter")
    expect(ann.button("New chat link")).to_be_focused()
    keyboard.press("Enter")
    expect(ann.button("Copy link")).to_be_focused(timeout=CONNECT)
    bob.enter(link_of(ann))
    bob.stay()
    ann.expect_state("open")
    ann.say("hello")
    bob.hears("hello")
    ann.act("Leave").focus()
    keyboard.press("Enter")
    expect(ann.button("Go back to the chat")).to_be_focused()
    keyboard.press("Enter")
    ann.expect_state("open")
    expect(ann.message_box).to_be_focused()
    ann.act("Leave").focus()
    keyboard.press("Enter")
    ann.button("More").focus()
    keyboard.press("Enter")
    expect(ann.button("Less")).to_be_focused()
    ann.act("Delete conversation").focus()
    keyboard.press("Enter")
    expect(ann.button("Cancel")).to_be_focused()
    ann.button("Delete").focus()
    keyboard.press("Enter")
    expect(ann.button("New chat link")).to_be_focused()
    ann.invite_button().focus()
    keyboard.press("Enter")
    expect(ann.button("Copy invite")).to_be_focused(timeout=CONNECT)
    ann.act("Leave").focus()
    keyboard.press("Enter")
    expect(ann.button("New chat link")).to_be_focused()


def test_the_box_for_codes_keeps_the_focus_when_the_other_one_leaves(person: MakePerson, friend: MakeFriend) -> None:
    ann = person("Ann")
    keyboard = ann.page.keyboard
    for text in ("", "half a code"):
        bob = friend("Bob")
        connect(ann, bob)
        ann.paste_box.click()
        keyboard.type(text)
        keyboard.press("Home")
        bob.leave()
        ann.expect_state("closed")
        expect(ann.page.locator('[data-part="paste-away"]').get_by_role("textbox")).to_be_focused()
        keyboard.type("not ")
        expect(ann.paste_box).to_have_value("not " + text)
        ann.paste_box.fill("")


@in_chromium
def test_of_the_phases_only_what_lasts_is_said(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    spoken = ann.page.locator('[role="status"][data-part="status-said"]')
    expect(ann.status).to_have_attribute("aria-live", "off")
    ann.status.evaluate(
        """(status, said) => {
            const spoken = window.spoken = [], shown = window.shown = [];
            new MutationObserver(() => spoken.push(said.textContent)).observe(said, { childList: true });
            const look = () => {
                if (status.textContent !== shown.at(-1)?.[0]) shown.push([status.textContent, performance.now()]);
            };
            look();
            new MutationObserver(look).observe(status, { childList: true, characterData: true, subtree: true });
        }""",
        spoken.element_handle(),
    )
    connect(ann, bob)
    expect(spoken).to_contain_text("Connected.")
    heard, shown, now = ann.page.evaluate("[window.spoken, window.shown, performance.now()]")
    assert len(heard) == len(set(heard))
    assert re.match("Connected", heard[-1])
    begun = [at for _, at in shown[1:]]  # the first one was there before
    lasted = [end - at > 900 for at, end in zip(begun, [*begun[1:], now], strict=True)]
    assert len(heard) <= sum(lasted), (heard, shown)
    assert not all(lasted), "nothing passed by, so nothing is tested here"


@in_chromium
def test_who_leaves_a_locked_room_is_said_to_have_left(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    link = meet(ann, bob)
    set_locked(ann, locked=True)
    bob.leave()
    expect(ann.status).to_contain_text("They left", timeout=CONNECT)
    expect(ann.status).to_contain_text("This chat is locked")
    bob.enter(link)
    ann.expect_state("open")


@in_chromium
def test_that_the_link_is_another_one_is_said_once(person: MakePerson) -> None:
    ann = person("Ann")
    open_room(ann)
    dialog = manage(ann)
    dialog.get_by_role("button", name="Make a new link").click()
    said = dialog.get_by_role("status").filter(has_text="The chat has a new link.")
    answer, button = box(said), box(dialog.get_by_role("button", name="Make a new link"))
    assert button["y"] <= answer["y"] < button["y"] + button["height"]
    dialog.get_by_role("button", name="Close").click()
    expect(card(ann)).to_be_visible()
    expect(card(ann)).not_to_contain_text("The chat has a new link.")
    manage(ann)
    expect(said).to_be_hidden()


@in_chromium
def test_another_tab_of_oneself_can_be_removed(person: MakePerson) -> None:
    ann = person("Ann")
    link = open_room(ann)
    other = Person(ann.page.context.new_page())
    other.page.goto(link)  # this browser has been in there, so it is not asked
    ann.expect_state("open")
    expect(ann.title).to_have_text("You (another tab)")
    other.page.close()
    ann.act("Leave").click()
    ann.act("Delete conversation").click()
    expect(ann.people).to_have_count(0)


@in_chromium
def test_where_rooms_cannot_be_kept_a_reload_says_that_they_are_closed(
    browser: Browser, open_context: OpenContext
) -> None:
    context = open_context(browser)
    context.add_init_script("IDBObjectStore.prototype.add = () => { throw new DOMException('no', 'DataCloneError'); }")
    ann = Person.at(context)
    open_room(ann)
    ann.again()
    ann.expect_problem(strings.ROOMS_NOT_KEPT)
    ann.again()
    expect(ann.page.get_by_text(strings.ROOMS_NOT_KEPT)).to_be_hidden()
