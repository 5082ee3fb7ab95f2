"""`?trace` in the address: what happens inside is in the console, without what is said; and without it nothing is."""

from __future__ import annotations

from playwright.sync_api import Browser, ConsoleMessage

from tests.browser.conftest import OpenContext, in_chromium
from tests.browser.people import Person
from tests.browser.test_room import link_field, meet, open_room
from tests.traces import check_order, check_trace


class Listener:
    """Somebody who opens the page, and what is in their console."""

    def __init__(self, open_context: OpenContext, browser: Browser, address: str, name: str) -> None:
        context = open_context(browser)
        self.lines: list[str] = []
        self.others: list[str] = []
        context.on("console", self._take)
        self.person = Person.at(context, address, name=name)

    def _take(self, message: ConsoleMessage) -> None:
        is_ours = message.type == "debug" and not message.text.startswith("[pyscript/")
        (self.lines if is_ours else self.others).append(message.text)


@in_chromium
def test_the_console_has_what_happens_where_the_address_asks_for_it(
    open_context: OpenContext, browser: Browser
) -> None:
    ann = Listener(open_context, browser, "/?trace", "Annabel")
    bob = Listener(open_context, browser, "/", "Bobby")
    link = open_room(ann.person)
    assert "trace" not in link_field(ann.person).input_value()  # whoever is given the link decides for themselves
    bob.person.enter(link)
    ann.person.expect_state("open")
    ann.person.say("something private")
    bob.person.expect_messages("something private")
    ann.person.expect_delivered(1)

    check_order(
        ann.lines,
        "event  SetName name=<7 chars>",
        "event  CreateRoom relay=<",
        "effect ConnectRelay session=# url=<",
        "event  RelayOpened session=#",
        "effect SendToRelay session=# text=<join, ",
        "event  ChannelOpened link=#",
        "effect SendFrame link=# data=<hello, ",
        "event  Verified link=# genuine=yes",
        "effect SendFrame link=# data=<introduce, ",
        "event  WriteMessage conversation=",
        "effect SendFrame link=# data=<entries, ",
        "event  FrameReceived link=# data=<have, ",
    )
    check_trace(ann.lines, "Annabel", "Bobby", "something", "private", link, link.partition("#")[2])
    assert bob.lines == []
    assert not any("link=" in text for text in ann.others + bob.others)

    before = len(ann.lines)
    ann.person.again()  # reloaded, it is asked for still
    ann.person.expect_state("open")
    assert len(ann.lines) > before


@in_chromium
def test_a_link_can_be_opened_with_a_trace_and_its_code_is_in_no_line(
    open_context: OpenContext, browser: Browser, server: str
) -> None:
    ann = Listener(open_context, browser, "/", "Annabel")
    bob = Listener(open_context, browser, "/", "Bobby")
    link = meet(ann.person, bob.person)
    bob.person.act("Leave").click()
    code = link.partition("#")[2]
    cay = Listener(open_context, browser, f"/?trace#{code}", "")
    cay.person.page.locator('[data-part="room-enter"]').click()
    cay.person.expect_state("open")
    assert cay.person.page.url == f"{server}/?trace"
    check_order(cay.lines, "event  OpenCodeLink text=<", "event  ConfirmJoin", "event  ChannelOpened link=#")
    check_trace(cay.lines, code, "Annabel", "Bobby")
    assert ann.lines == bob.lines == []
