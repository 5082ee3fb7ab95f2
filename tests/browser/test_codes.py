"""Codes that are mangled, misplaced or come as a link: each mistake has its own sentence."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import OpenContext, in_chromium
from tests.browser.people import Person
from tests.friend import MakeFriend


@pytest.fixture
def ann(context: BrowserContext) -> Person:
    return Person.at(context)


@in_chromium
def test_each_mistake_has_a_sentence_of_its_own_and_loses_nothing(ann: Person, friend: MakeFriend) -> None:
    def mistake(text: str, sentence: str) -> None:
        ann.paste(text)
        ann.expect_problem(sentence)
        expect(ann.paste_box).to_have_value(text)

    bob, cay = friend("Bob"), friend("Cay")
    mistake("   ", "Paste the invite or the reply")
    mistake("see you at eight", "There is no pychat code in this text")
    own = ann.make_invite()
    expect(ann.paste_box).to_have_value("")  # what could not be used is not in the box for the reply
    expect(ann.page.locator('[data-part="code-problem"]')).to_be_hidden()
    mistake(own, "This is your own invite")
    reply_to_ann = bob.answer(own)
    invite = cay.make_invite()
    mistake(invite[:-5], "This link is incomplete. Ask them to send it again.")
    swapped = invite[:40] + ("A" if invite[40] != "A" else "B") + invite[41:]
    mistake(swapped, "a character is wrong or missing")
    reply = ann.answer(invite)
    mistake(reply, "This is your own reply")
    mistake(invite, "You have answered this invite already")
    ann.act("Leave").click()
    mistake(reply, "This is your own reply")
    ann.people.last.click()
    ann.act("Leave").click()
    mistake(reply_to_ann, "is used up")
    ann.make_invite()
    mistake(reply_to_ann, "is used up")


@in_chromium
def test_a_reply_to_somebody_elses_invite_says_so(
    browser: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    reply = friend("Bob").answer(friend("Ann").make_invite())
    cleo = Person.at(open_context(browser), f"/#{reply}")
    cleo.expect_problem("no invite of yours is waiting here")
    cleo.paste("something else")
    cleo.expect_problem("There is no pychat code in this text")
    cleo.paste(reply)
    cleo.expect_problem("no invite of yours is waiting here")
    cleo.make_invite()
    cleo.paste(reply)
    cleo.expect_problem("This reply answers another invite")


@in_chromium
def test_line_breaks_quotes_links_and_sentences_around_a_code_do_no_harm(ann: Person, friend: MakeFriend) -> None:
    bob, cay = friend("Bob"), friend("Cay")
    invite = bob.make_invite()
    bob.paste(ann.answer(f"Here it is:\n> “http://example.org/#{invite[:50]}\n> {invite[50:]}”\n> See you!"))
    ann.expect_state("open")
    reply = cay.answer(ann.make_invite())
    ann.paste(f"  {reply[:20]} {reply[20:]}, thanks  ")
    cay.expect_state("open")


def test_a_reply_link_reaches_the_tab_that_waits_for_it(
    ann: Person, context: BrowserContext, friend: MakeFriend
) -> None:
    bob = friend("Bob")
    reply = bob.answer(ann.make_invite())
    second_tab = Person.at(context, f"/#{reply}")
    expect(second_tab.page.get_by_text("The reply has reached the tab that was waiting for it")).to_be_visible()
    ann.expect_state("open")
    bob.expect_state("open")
    second_tab.expect_state("idle")


@in_chromium
def test_what_is_typed_while_python_loads_is_kept(context: BrowserContext) -> None:
    person = Person(context.new_page())
    person.page.goto("/", wait_until="commit")
    person.paste_box.fill("typed before Python was there")
    expect(person.invite_button()).to_be_visible()
    person.wait_until_ready()
    expect(person.paste_box).to_have_value("typed before Python was there")


def test_copy_puts_the_code_or_the_link_on_the_clipboard(browser: Browser, open_context: OpenContext) -> None:
    permissions = ["clipboard-read", "clipboard-write"] if browser.browser_type.name == "chromium" else []
    ann = Person.at(open_context(browser, permissions=permissions))
    invite = ann.make_invite()
    ann.button("Copy invite").click()
    copied = ann.page.get_by_text("Copied. Now send it to them.")
    expect(copied).to_be_visible()
    said, next_step = copied.bounding_box(), ann.page.get_by_role("heading", name="2. Paste").bounding_box()
    assert said is not None
    assert next_step is not None
    assert said["y"] < next_step["y"]
    ann.paste_box.focus()
    ann.page.keyboard.press("ControlOrMeta+V")
    expect(ann.paste_box).to_have_value(invite)
    expect(copied).to_be_hidden()
    ann.button("Copy as link").click()
    expect(copied).to_be_visible()
    ann.paste_box.fill("")
    ann.paste_box.focus()
    ann.page.keyboard.press("ControlOrMeta+V")
    expect(ann.paste_box).to_have_value(f"{ann.page.url}#{invite}")


@in_chromium
def test_an_opened_link_has_its_code_whatever_became_of_its_sign(ann: Person, friend: MakeFriend) -> None:
    for sign in ("?fbclid=IwAR0#", "%23", "%2523", "?fbclid=IwAR0%23", "?fbclid=IwAR0%2523"):
        invite = friend("Bob").make_invite()
        ann.page.goto(f"/{sign}{invite}")
        ann.wait_until_ready()
        expect(ann.paste_box).to_have_value(invite)
        assert "23" not in ann.page.url.partition("://")[2].partition("/")[2]
        assert "#" not in ann.page.url


@in_chromium
def test_an_opened_link_that_was_cut_off_is_told_so(context: BrowserContext) -> None:
    Person.at(context, "/#FAAB").expect_problem("This link is incomplete. Ask them to send it again.")
