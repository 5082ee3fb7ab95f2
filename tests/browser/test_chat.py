"""Two people exchange two codes by hand, and talk: in each browser, and from one to the other both ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import pytest
from playwright.sync_api import Playwright, expect

from pychat.core.log import MAX_TEXT
from tests.browser.conftest import LaunchBrowser, OpenContext
from tests.browser.people import CONNECT, Person, connect
from tests.browsers import BrowserName, launch
from tests.friend import MakeFriend

MakePerson = Callable[..., Person]


@pytest.fixture
def person(launch_browser: LaunchBrowser, open_context: OpenContext) -> MakePerson:
    """Makes people, each with a browser profile of their own."""

    def make(browser: str = "chromium", path: str = "/", **options: object) -> Person:
        return Person.at(open_context(launch_browser(cast(BrowserName, browser)), **options), path)

    return make


def test_two_people_connect_by_two_pasted_codes_and_talk(person: MakePerson) -> None:
    ann, bob, cay, dan = person("chromium"), person("chromium"), person("firefox"), person("firefox")
    for inviter, guest in ((ann, bob), (cay, dan), (bob, cay), (dan, ann)):
        connect(inviter, guest)
        inviter.say("Hello, שלום, 你好, 👋🏽")
        guest.expect_messages("Hello, שלום, 你好, 👋🏽")
        guest.say("Hello you")
        inviter.expect_messages("Hello, שלום, 你好, 👋🏽", "Hello you")
        inviter.expect_delivered(1)
        guest.expect_delivered(1)


def test_what_is_typed_before_the_channel_opens_waits_and_goes_out_in_order(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = friend("Ann"), person()
    reply = bob.answer(ann.make_invite())
    for text in ("one", "two", "three"):
        bob.say(text)
        ann.say(f"{text} too")
    expect(bob.log.locator('article[data-state="waiting"]')).to_have_count(3)
    ann.paste(reply)
    bob.expect_messages("one", "one too", "two", "two too", "three", "three too")  # by the time of each
    ann.hears("one", "two", "three")
    bob.expect_delivered(3)
    ann.expect_delivered()


def test_firefox_waits_for_a_slow_inviter(person: MakePerson) -> None:
    """Left alone, Firefox gives up five seconds after its answer, and every pair of addresses after eleven.

    Both are pages: between such a Firefox and a friend the two would connect all the same.
    """
    ann, bob = person("firefox"), person("firefox")
    reply = bob.answer(ann.make_invite())
    bob.page.wait_for_timeout(13_000)  # the time itself is what this test is about
    bob.expect_state("signaling")
    ann.paste(reply)
    for each in (ann, bob):
        each.expect_state("open")


def test_enter_sends_and_shift_enter_breaks_the_line(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person(), friend("Bob")
    connect(ann, bob)
    ann.message_box.click()
    ann.page.keyboard.press("Shift+Enter")
    ann.page.keyboard.type("first line")
    ann.page.keyboard.press("Shift+Enter")
    ann.page.keyboard.type("second line")
    ann.page.keyboard.press("Shift+Enter")
    ann.page.keyboard.press("Enter")
    expect(ann.messages.locator("p")).to_have_text("first line\nsecond line", use_inner_text=True)
    bob.hears("first line\nsecond line")  # without the lines before and after that are empty
    expect(ann.message_box).to_have_value("")
    expect(ann.message_box).to_be_focused()


def test_the_keyboard_alone_is_enough(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cay = person(), friend("Bob"), friend("Cay")
    ann.invite_button().focus()
    ann.page.keyboard.press("Enter")
    invite = ann.shown_invite()
    expect(ann.button("Copy invite")).to_be_focused()
    ann.paste_box.focus()
    ann.page.keyboard.insert_text(bob.answer(invite))
    ann.page.keyboard.press("Enter")
    ann.expect_state("open")
    expect(ann.message_box).to_be_focused()
    ann.page.keyboard.type("typed without a mouse")
    ann.page.keyboard.press("Enter")
    bob.hears("typed without a mouse")
    ann.paste_box.focus()
    ann.page.keyboard.insert_text(cay.make_invite())
    ann.page.keyboard.press("Enter")
    expect(ann.button("Copy reply")).to_be_focused(timeout=CONNECT)


def test_a_text_at_the_limit_arrives_whole_and_one_above_it_stays_in_the_box(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person(), friend("Bob")
    connect(ann, bob)
    longest = "\x01é👋" * (MAX_TEXT // 3)
    ann.say(longest + "x" * (MAX_TEXT - len(longest) + 1))
    ann.expect_problem("at most 8,000 characters; this one has 8,001")
    assert len(ann.message_box.input_value()) > MAX_TEXT
    expect(ann.messages).to_have_count(0)
    ann.say("x" * MAX_TEXT)
    bob.hears("x" * MAX_TEXT)
    ann.expect_delivered(1)
    bob.say("y" * MAX_TEXT)
    theirs = ann.log.locator('[data-author="peer"]')
    theirs.get_by_role("button", name="Show all 8,000 characters").click(timeout=CONNECT)
    expect(theirs.locator("p")).to_have_text("y" * MAX_TEXT)


HOSTILE = [
    '<img src=x onerror="document.title=1"><script>document.title=2</script>',
    "<style>*{display:none}</style></article></div></body>",
    "\u202eright to left\u2066 and never closed",
    "W" * 4000,
    "Z\u0335\u0301\u0302\u0303" * 300,
    "\n" * 200 + "after many lines",
]


def test_what_a_peer_sends_is_text_and_leaves_the_page_as_it_is(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person(viewport={"width": 390, "height": 844})
    connect(ann, bob)
    ann.say(*HOSTILE)
    expect(bob.messages).to_have_count(len(HOSTILE))
    for unfold in bob.log.get_by_role("button", name=re.compile("Show all")).all()[::-1]:
        unfold.click()
    paragraphs = bob.messages.locator("p")
    for i, text in enumerate(HOSTILE):
        assert paragraphs.nth(i).text_content() == text
    assert bob.log.locator("article p *").count() == 0
    assert bob.page.title() == "pychat"
    assert bob.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(bob.message_box).to_be_visible()


def test_leaving_is_said_on_both_sides_and_so_is_a_closed_tab(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cay, dan = person(), friend("Bob"), friend("Cay"), friend("Dan")
    connect(ann, bob)
    ann.act("Leave").click()
    ann.expect_state("closed")
    expect(ann.status).to_contain_text("You left")
    bob.expect_left()
    connect(ann, cay)
    cay.leave()
    ann.expect_state("closed")
    expect(ann.status).to_contain_text("They left")
    ann.say("are you there?")
    expect(ann.log.locator('article[data-state="waiting"]')).to_have_count(1)
    connect(ann, dan)
    ann.page.close()
    dan.expect_left()


def test_a_killed_browser_is_noticed(friend: MakeFriend, playwright: Playwright, server: str) -> None:
    ann = friend("Ann")
    other = launch(playwright, "chromium")
    bob = Person.at(other.new_context(base_url=server))
    connect(ann, bob)
    other.close()
    ann.expect_no_longer_open()


def test_a_new_invite_carries_on_where_the_link_ended(person: MakePerson) -> None:
    ann, bob = person(), person()
    connect(ann, bob)
    ann.say("before")
    bob.expect_messages("before")
    bob.act("Leave").click()
    ann.expect_state("closed")
    ann.say("written meanwhile")
    ann.button("Invite again").click()
    ann.paste(bob.answer(ann.shown_invite()))
    ann.expect_state("open")
    bob.expect_state("open")
    bob.expect_messages("before", "written meanwhile")
    ann.expect_messages("before", "written meanwhile")
    ann.expect_delivered(2)
    expect(bob.page.get_by_role("navigation", name="People").get_by_role("listitem")).to_have_count(1)


def test_one_person_talks_with_two_others_apart_from_each_other(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cleo = person(), friend("Bob"), friend("Cleo")
    connect(ann, bob)
    ann.say("for Bob")
    bob.hears("for Bob")
    connect(ann, cleo)
    ann.say("for Cleo")
    cleo.hears("for Cleo")
    bob.say("from Bob")
    people = ann.page.get_by_role("navigation", name="People").get_by_role("button")
    expect(people).to_have_count(2)
    expect(ann.page).to_have_title("(1) pychat")
    people.nth(0).click()
    ann.expect_messages("for Bob", "from Bob")
    expect(ann.page).to_have_title("pychat")
    people.nth(1).click()
    ann.expect_messages("for Cleo")
    bob.hears("for Bob")


def test_many_messages_stay_quick_to_draw_and_can_be_scrolled_back_to(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = friend("Ann"), person()
    connect(ann, bob)
    ann.say(*(f"number {i}\n" + "line\n" * 8 for i in range(30)))
    expect(bob.messages).to_have_count(30, timeout=CONNECT)
    bob.scroll_up()
    ann.say("the newest")
    newer = bob.button("New messages")
    expect(newer).to_be_visible()
    assert bob.log.evaluate("log => log.scrollTop") < 100
    newer.click()
    expect(bob.messages.last).to_be_in_viewport()
    expect(newer).to_be_hidden()


def test_the_four_phases_are_shown_as_they_happen(person: MakePerson) -> None:
    ann, bob = person(), person()
    note = """status => { window.states = [status.dataset.state];
        new MutationObserver(() => {
            if (window.states.at(-1) !== status.dataset.state) window.states.push(status.dataset.state);
        }).observe(status, {attributes: true}); }"""
    for each in (ann, bob):
        each.status.evaluate(note)
    connect(ann, bob)
    order = ["idle", "signaling", "connecting", "securing", "open"]
    for each in (ann, bob):
        states = each.page.evaluate("window.states")
        assert states[:2] == ["idle", "signaling"]
        assert states[-1] == "open"
        assert sorted(states, key=order.index) == states
    assert "connecting" in ann.page.evaluate("window.states")
    phases = ann.page.get_by_role("list", name="Phases")
    expect(phases).to_be_hidden()
    ann.act("Details").click()
    expect(phases.get_by_role("listitem")).to_have_text(
        ["Waiting done", "Connecting done", "Securing done", "Connected done"]
    )


def test_details_show_the_same_two_fingerprints_on_both_sides_and_live_figures(person: MakePerson) -> None:
    ann, bob = person("chromium"), person("firefox")
    connect(ann, bob)
    seen = []
    for each in (ann, bob):
        each.act("Details").click()
        dialog = each.page.get_by_role("dialog", name="Details")
        expect(dialog.locator('[data-part="path"]')).to_have_text("On the local network", timeout=CONNECT)
        expect(dialog.locator('[data-part="traffic"]')).to_contain_text("received", timeout=CONNECT)
        mine, theirs = (dialog.locator(f'[data-part="{who}-fingerprint"]').inner_text() for who in ("local", "remote"))
        seen.append((mine, theirs))
    assert seen[0] == seen[1][::-1]
    assert seen[0][0] != seen[0][1]
    traffic = ann.page.get_by_role("dialog", name="Details").locator('[data-part="traffic"]')
    before = traffic.inner_text()
    bob.page.keyboard.press("Escape")
    bob.say("x" * 5000)
    expect(traffic).not_to_have_text(before, timeout=CONNECT)


def test_the_newest_message_stays_in_sight_when_the_screen_gets_lower(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person(viewport={"width": 390, "height": 844}), friend("Bob")
    connect(ann, bob)
    for i in range(20):
        ann.say(f"number {i}")
    ann.expect_delivered(20)
    ann.page.set_viewport_size({"width": 390, "height": 480})  # as a keyboard on the screen does
    expect(ann.messages.last).to_be_in_viewport()
    bob.say("and one more")
    expect(ann.messages.last).to_have_text(re.compile("and one more"))
    expect(ann.messages.last).to_be_in_viewport()


def test_somebody_else_who_answers_gets_a_conversation_of_their_own(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cleo = person(), friend("Bob"), friend("Cleo")
    connect(ann, bob)
    ann.say("for Bob alone")
    bob.leave()
    ann.expect_state("closed")
    ann.say("also for Bob alone")
    ann.button("Invite again").click()
    ann.paste(cleo.answer(ann.shown_invite()))
    cleo.expect_state("open")
    expect(ann.people).to_have_count(2)
    expect(ann.status).to_contain_text("Somebody else answered that invite")
    expect(ann.button("Invite again")).to_be_visible()
    ann.expect_messages("for Bob alone", "also for Bob alone")
    ann.people.last.click()
    ann.expect_state("open")
    ann.expect_messages()
    ann.say("for Cleo")
    cleo.hears("for Cleo")
    ann.people.first.click()
    ann.expect_messages("for Bob alone", "also for Bob alone")


def test_a_conversation_that_has_ended_can_be_removed(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person(), friend("Bob")
    connect(ann, bob)
    ann.say("hello")
    bob.hears("hello")
    bob.leave()
    ann.expect_state("closed")
    ann.button("More").click()
    ann.delete()
    ann.expect_state("idle")
    expect(ann.button("New chat link")).to_be_focused()
    expect(ann.page.get_by_role("navigation", name="People")).to_be_hidden()


def test_a_code_in_a_link_finds_the_box_in_the_middle_of_a_conversation(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob, cleo = person(viewport={"width": 390, "height": 844}), friend("Bob"), friend("Cleo")
    connect(ann, bob)
    invite = cleo.make_invite()
    ann.page.evaluate("invite => { location.hash = invite; }", invite)
    expect(ann.paste_box).to_be_visible()
    expect(ann.paste_box).to_have_value(invite)
    ann.button("Connect").click()
    expect(ann.reply).to_be_visible(timeout=CONNECT)
    cleo.paste(ann.reply.input_value())
    cleo.expect_state("open")


def test_a_reply_pasted_into_another_card_shows_the_conversation_that_took_it(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person(), friend("Bob")
    reply = bob.answer(ann.make_invite())
    ann.make_invite()
    expect(ann.page.get_by_role("navigation", name="People").get_by_role("listitem")).to_have_count(2)
    ann.paste(reply)
    ann.expect_state("open")
    expect(ann.paste_box).to_have_value("")
