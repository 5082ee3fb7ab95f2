"""A person at the chat page, as the tests see one: finds everything by role and name."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

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
        self.paste_box = page.get_by_role("textbox", name="Paste a code")
        self.message_box = page.get_by_role("textbox", name="Message")
        self.status = page.get_by_role("status", name="Connection")
        self.log = page.get_by_role("log", name="Messages")
        self.messages = self.log.get_by_role("article")

    @classmethod
    def at(cls, context: BrowserContext, path: str = "/") -> Person:
        """Open the page and wait until Python runs."""
        person = cls(context.new_page())
        person.page.goto(path)
        person.wait_until_ready()
        return person

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def wait_until_ready(self) -> None:
        expect(self.button("New invite")).to_be_enabled(timeout=BOOT)

    def make_invite(self) -> str:
        self.button("New invite").click()
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

    def expect_messages(self, *texts: str) -> None:
        expect(self.messages.locator("p")).to_have_text(texts, timeout=CONNECT)

    def expect_delivered(self, count: int) -> None:
        mine = self.log.locator('article[data-author="me"][data-state="delivered"]')
        expect(mine).to_have_count(count, timeout=CONNECT)

    def expect_problem(self, sentence: str) -> None:
        expect(self.page.get_by_role("alert").filter(has_text=sentence)).to_be_visible(timeout=CONNECT)


def connect(inviter: Person, guest: Person) -> None:
    """Exchange the two codes, and wait until both are connected."""
    inviter.paste(guest.answer(inviter.make_invite()))
    for person in (inviter, guest):
        person.expect_state("open")
