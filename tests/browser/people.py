"""A person at the chat page, as the tests see one: finds everything by role and name."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.friend import Friend

A_CODE = re.compile(r"^[A-Za-z0-9_-]{60,}$")
BOOT = 60_000
"""Milliseconds that Python may take to start on a busy machine."""
CONNECT = 60_000
"""Milliseconds that a connection may take on a busy machine."""


class Person:
    """One page with pychat in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.invite = page.get_by_role("textbox", name="Your invite")
        self.reply = page.get_by_role("textbox", name="Your reply")
        self.paste_box = page.get_by_role("textbox", name="Got a link or code")
        self.message_box = page.get_by_role("textbox", name="Message")
        self.status = page.get_by_role("status", name="Connection")
        self.log = page.get_by_role("log", name="Messages")
        self.messages = self.log.get_by_role("article")
        self.name_field = page.locator("main").get_by_role("textbox", name="Your name")
        self.title = page.get_by_role("heading", level=1)
        self.badge = page.get_by_role("button", name="who is this?")
        self.verify = page.get_by_role("dialog", name="Who is")
        self.warning = page.get_by_role("region", name="This may be somebody else")
        self.people = page.get_by_role("navigation", name="People").get_by_role("button")

    @classmethod
    def at(cls, context: BrowserContext, path: str = "/", *, name: str = "") -> Person:
        """Open the page, wait until Python runs, and go by a name."""
        person = cls(context.new_page())
        person.page.goto(path)
        person.wait_until_ready()
        if name:
            person.go_by(name)
        return person

    def again(self) -> Person:
        """The same person at another visit."""
        self.page.reload()
        self.wait_until_ready()
        return self

    def enter(self, link: str) -> None:
        """Open the link of a room in which this person has not been, and go in."""
        self.page.goto(link)
        self.page.locator('[data-part="room-enter"]').click(timeout=BOOT)

    def go_by(self, name: str) -> None:
        self.name_field.fill(name)
        self.name_field.press("Enter")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def act(self, name: str) -> Locator:
        """A button of the menu in the head, which is opened for it; on the first screen it stands in the head."""
        button = self.page.get_by_role("banner").get_by_role("button", name=name, exact=True)
        if not button.is_visible():
            self.button("Menu").click()
        return button

    def invite_button(self) -> Locator:
        """What makes an invite; it is unfolded for that."""
        button = self.button("Connect without a server")
        if not button.is_visible():
            self.page.get_by_text("Other ways", exact=True).click()
        return button

    def wait_until_ready(self) -> None:
        expect(self.page.locator('[data-boot="ready"] [data-part="new-invite"]')).to_be_enabled(timeout=BOOT)

    def scroll_up(self) -> None:
        """Scroll the messages up until the page knows that the reader is not at the end: then news do not scroll down.

        While it still draws what is newest it scrolls to the end itself.
        """
        while not self.log.evaluate("""async log => {
            log.scrollTop = 0;
            for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
            return log.scrollHeight - log.clientHeight - log.scrollTop > 200;
        }"""):
            pass

    def delete(self) -> None:
        """Delete the conversation, and say that this is meant."""
        self.act("Delete conversation").click()
        self.page.get_by_role("dialog", name="Delete this conversation?").get_by_role("button", name="Delete").click()

    def make_invite(self) -> str:
        self.invite_button().click()
        return self.shown_invite()

    def shown_invite(self) -> str:
        expect(self.invite).to_have_value(A_CODE, timeout=CONNECT)
        return self.invite.input_value()

    def paste(self, text: str) -> None:
        self.paste_box.fill(text)
        self.button("Connect").click()

    def answer(self, invite: str) -> str:
        self.paste(invite)
        expect(self.reply).to_have_value(A_CODE, timeout=CONNECT)
        return self.reply.input_value()

    def say(self, text: str) -> None:
        self.message_box.fill(text)
        self.message_box.press("Enter")

    def expect_state(self, state: str) -> None:
        expect(self.status).to_have_attribute("data-state", state, timeout=CONNECT)

    def expect_messages(self, *texts: str | re.Pattern[str]) -> None:
        expect(self.messages.locator("p")).to_have_text(texts, timeout=CONNECT)

    def expect_delivered(self, count: int) -> None:
        mine = self.log.locator('article[data-author="me"][data-state="delivered"]')
        expect(mine).to_have_count(count, timeout=CONNECT)

    def open_verify(self) -> Locator:
        self.badge.click()
        expect(self.verify).to_be_visible()
        return self.verify

    def signs(self) -> list[str]:
        """The signs and the number that are shown to be compared."""
        dialog = self.open_verify()
        signs = dialog.get_by_role("list", name="Signs").get_by_role("listitem").all_inner_texts()
        number = dialog.locator('[data-part="signs-number"]').text_content() or ""
        dialog.get_by_role("button", name="Close").click()
        return [*signs, number]

    def say_match(self) -> None:
        self.open_verify().get_by_role("button", name="They match").click()
        expect(self.verify).to_be_hidden()

    def say_mismatch(self) -> None:
        """Say that they do not match, and once more that they really do not."""
        self.open_verify().get_by_role("button", name="They don’t match").click()
        self.button("They differ: end it").click()
        expect(self.verify).to_be_hidden()

    def expect_other(self, name: str, trust: str) -> None:
        """Who the other one is, and how sure it is: at the top, and in the list of people."""
        expect(self.title).to_have_text(name, timeout=CONNECT)
        expect(self.badge).to_contain_text(trust)
        chosen = self.page.locator('[data-part="people"] [aria-current="true"]')  # on a phone it is on another screen
        expect(chosen.locator(".name")).to_have_text(name)
        expect(chosen.locator(".sure")).to_have_text(trust)

    def expect_problem(self, sentence: str) -> None:
        expect(self.page.get_by_role("alert").filter(has_text=sentence)).to_be_visible(timeout=CONNECT)


def connect(inviter: Person | Friend, guest: Person | Friend) -> None:
    """Exchange the two codes, and wait until both are connected."""
    inviter.paste(guest.answer(inviter.make_invite()))
    for person in (inviter, guest):
        person.expect_state("open")
