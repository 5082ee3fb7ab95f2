"""Who writes decides who reads: nothing that others do changes what is shown, or where the focus is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from pychat.ui import strings
from tests.browser.conftest import MakePerson, OpenContext, in_chromium
from tests.browser.people import CONNECT, Person, connect
from tests.browser.test_room import meet, open_room
from tests.friend import MakeFriend


class AwayServer:
    """The server of one person's pages, which says nothing about itself until it is told to."""

    def __init__(self, context: BrowserContext) -> None:
        self._answers = False
        context.route("**/config.json", self._answer)

    def expect_away(self, someone: Person) -> None:
        expect(someone.page.locator('[data-part="no-relay"]')).to_contain_text("Can’t reach the server")

    def _answer(self, route: Route) -> None:
        if self._answers:
            route.continue_()
        else:
            route.fulfill(status=503)

    def come_back(self, someone: Person) -> None:
        self._answers = True
        expect(someone.page.locator('[data-part="no-relay"]')).to_be_hidden(timeout=CONNECT)


Visit = Callable[[str], tuple[Person, AwayServer]]


@pytest.fixture
def visit(browser: Browser, open_context: OpenContext) -> Visit:
    """Opens the page by a name while its server is away."""

    def visit(name: str) -> tuple[Person, AwayServer]:
        context = open_context(browser)
        server = AwayServer(context)
        someone = Person.at(context, name=name)
        server.expect_away(someone)
        return someone, server

    return visit


def test_whoever_comes_where_somebody_else_was_known_is_a_line_in_the_list(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob, cay = person("Ann"), friend("Bob"), friend("Cay")
    link = meet(ann, bob)
    bob.leave()
    expect(ann.status).to_contain_text("They left", timeout=CONNECT)
    ann.page.bring_to_front()
    ann.message_box.click()
    ann.page.keyboard.type("for Bob ")

    cay.enter(link)
    cay.expect_state("open")
    expect(ann.people).to_have_count(2)
    expect(ann.people.last).to_contain_text("Cay")
    expect(ann.people.last.locator(".unread")).to_have_text(strings.NEW)
    expect(ann.status).to_contain_text(strings.ROOM_VISITOR[0])
    expect(ann.title).to_have_text("Bob")
    expect(ann.message_box).to_be_focused()
    ann.page.keyboard.type("alone")
    ann.page.keyboard.press("Enter")
    ann.expect_messages("for Bob alone")
    ann.page.keyboard.type("for Bob, too")

    ann.people.last.click()
    ann.expect_other("Cay", "Not verified")
    expect(ann.people.last.locator(".unread")).to_have_text("")
    expect(ann.message_box).to_have_value("")
    ann.say("hello Cay")
    cay.hears("hello Cay")
    ann.people.first.click()
    expect(ann.message_box).to_have_value("for Bob, too")


@in_chromium
def test_what_is_written_for_whoever_comes_is_there_when_they_have(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    link = open_room(ann)
    ann.say("Hello, whoever")
    ann.message_box.fill("half a message")
    ann.page.go_back()
    expect(ann.message_box).to_be_hidden()
    expect(ann.people).to_have_count(1)
    ann.people.first.focus()
    bob.enter(link)
    expect(ann.people.first).to_contain_text("Bob", timeout=CONNECT)
    expect(ann.people).to_have_count(1)
    expect(ann.people.first).to_be_focused()
    expect(ann.people.first.locator(".unread")).to_have_text("")  # one has read what one has written
    expect(ann.page).to_have_title("pychat")

    ann.page.keyboard.press("Enter")
    expect(ann.message_box).to_have_value("half a message")
    ann.message_box.press("Enter")
    bob.hears("Hello, whoever", "half a message")


@in_chromium
def test_who_was_put_away_and_comes_again_has_as_many_unread_as_they_have_written(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann"), friend("Bob")
    bob.enter(open_room(ann))
    ann.expect_state("open")
    for number in range(3):
        bob.say(f"number {number}")
    expect(ann.messages).to_have_count(3)
    ann.act("Leave").click()
    ann.button("More").click()
    ann.delete()
    expect(ann.people).to_have_count(0)

    link = open_room(ann)
    ann.page.go_back()
    bob.enter(link)
    expect(ann.people.first).to_contain_text("Bob", timeout=CONNECT)
    bob.say("once more")
    expect(ann.people.first.locator(".unread")).to_have_text("1")


@in_chromium
def test_what_is_on_the_screen_stays_as_it_is_when_somebody_comes(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    link = open_room(ann)
    for number in range(3):
        ann.say(f"number {number}")
    ann.messages.first.evaluate("article => { article.dataset.drawn = 'before'; }")
    bob.enter(link)
    ann.expect_state("open")
    ann.expect_other("Bob", "Not verified")
    expect(ann.messages.first).to_have_attribute("data-drawn", "before")
    expect(ann.messages).to_have_count(3)


_NOTE_TITLES = """() => {
    window.titles = [document.title];
    const note = () => window.titles.push(document.title);
    new MutationObserver(note).observe(document.querySelector("title"), {childList: true});
}"""


@in_chromium
def test_a_crowd_is_one_mark_in_the_title(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    link = meet(ann, bob)
    bob.leave()
    expect(ann.status).to_contain_text("They left", timeout=CONNECT)
    ann.page.evaluate(_NOTE_TITLES)
    for number in range(1, 5):
        stranger = friend("")
        stranger.enter(link)
        stranger.expect_state("open")
        stranger.say("look at me")
        stranger.expect_delivered()
        stranger.leave()
        expect(ann.people).to_have_count(1 + number)
    expect(ann.people.last.locator(".unread")).to_have_text("1")
    assert ann.page.evaluate("titles") == ["pychat", "(1) pychat"]


@in_chromium
def test_the_focus_stays_with_whoever_does_something_else(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    link = open_room(ann)
    ann.page.bring_to_front()
    ann.paste_box.click()
    bob.enter(link)
    ann.expect_state("open")
    expect(ann.paste_box).to_be_focused()


@in_chromium
def test_the_rooms_of_a_reload_are_lines_in_the_list_when_the_server_comes_back_to_a_conversation(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob, cay = person("Ann"), friend("Bob"), friend("Cay")
    link = open_room(ann)
    server = AwayServer(ann.page.context)
    server.expect_away(ann.again())
    expect(ann.page.get_by_text(strings.SERVER_AWAY_FROM_ROOM)).to_be_visible()
    connect(ann, bob)
    ann.page.bring_to_front()
    ann.message_box.click()
    ann.page.keyboard.type("for Bob ")
    server.come_back(ann)
    expect(ann.people).to_have_count(2)
    expect(ann.title).to_have_text("Bob")
    expect(ann.message_box).to_be_focused()
    ann.page.keyboard.type("alone")
    ann.page.keyboard.press("Enter")
    bob.hears("for Bob alone")
    cay.enter(link)
    cay.expect_state("open")
    ann.people.filter(has_text="Cay").click()
    ann.expect_other("Cay", "Not verified")


@in_chromium
@pytest.mark.parametrize("comes_by", ["a link", "a code"])
def test_what_waits_for_the_server_does_not_turn_the_screen_over(
    visit: Visit, friend: MakeFriend, comes_by: str
) -> None:
    bob, cay = friend("Bob"), friend("Cay")
    link = open_room(cay)
    ann, server = visit("Ann")
    if comes_by == "a link":
        ann.page.evaluate("code => { location.hash = code }", link.removeprefix("/#"))
    else:
        ann.paste(link.removeprefix("/#"))
    expect(ann.page.get_by_text(strings.SERVER_AWAY_FROM_ROOM)).to_be_visible()
    expect(ann.paste_box).to_have_value("")
    connect(ann, bob)
    ann.page.bring_to_front()
    ann.message_box.click()
    server.come_back(ann)
    ann.page.keyboard.type("for Bob")
    ann.page.keyboard.press("Enter")
    bob.hears("for Bob")
    expect(ann.title).to_have_text("Bob")
    if comes_by == "a link":
        ann.page.locator('[data-part="room-enter"]').click()
    else:
        ann.people.filter(has_text="Cay").click(timeout=CONNECT)
    ann.expect_other("Cay", "Not verified")


@in_chromium
def test_a_room_that_was_pasted_while_the_server_is_away_is_asked_about_after_a_reload(
    visit: Visit, friend: MakeFriend
) -> None:
    link = open_room(friend("Cay"))
    ann, server = visit("Ann")
    ann.paste(f"Come, it is nice here: {link.removeprefix('/#')}")
    expect(ann.page.get_by_text(strings.SERVER_AWAY_FROM_ROOM)).to_be_visible()
    ann.again()
    expect(ann.page.get_by_text(strings.SERVER_AWAY_FROM_ROOM)).to_be_visible()
    server.come_back(ann)
    ann.page.locator('[data-part="room-enter"]').click()
    ann.expect_other("Cay", "Not verified")


@in_chromium
def test_what_is_being_pasted_stays_when_the_server_comes_back(visit: Visit, friend: MakeFriend) -> None:
    link = open_room(friend("Cay"))
    ann, server = visit("Ann")
    ann.page.evaluate("code => { location.hash = code }", link.removeprefix("/#"))
    expect(ann.page.get_by_text(strings.SERVER_AWAY_FROM_ROOM)).to_be_visible()
    ann.paste_box.fill("half of somebody’s inv")
    server.come_back(ann)
    ann.page.locator('[data-part="room-enter"]').click()
    ann.expect_other("Cay", "Not verified")
    expect(ann.paste_box).to_have_value("half of somebody’s inv")
