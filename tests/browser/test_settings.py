"""STUN and TURN servers: typed, checked, kept, and used."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import BrowserContext, Locator, expect

from pychat.ui import strings
from tests.browser.conftest import Watch, in_chromium
from tests.browser.people import BOOT, Person


def open_settings(person: Person) -> Locator:
    person.act("Settings").click()
    dialog = person.page.get_by_role("dialog", name="Settings")
    expect(dialog).to_be_visible()
    return dialog


def servers(dialog: Locator) -> Locator:
    return dialog.get_by_role("textbox", name="Your own STUN and TURN servers")


@in_chromium
def test_settings_are_kept_across_visits(context: BrowserContext) -> None:
    ann = Person.at(context)
    dialog = open_settings(ann)
    servers(dialog).fill("stun:127.0.0.1:3478\nturn:127.0.0.1:3478 name secret")
    dialog.get_by_role("checkbox", name="Hide my address").check()
    dialog.get_by_role("checkbox", name="Use the servers this page suggests").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    ann.page.reload()
    ann.wait_until_ready()
    dialog = open_settings(ann)
    expect(servers(dialog)).to_have_value("stun:127.0.0.1:3478\nturn:127.0.0.1:3478 name secret")
    expect(dialog.get_by_role("checkbox", name="Hide my address")).to_be_checked()
    expect(dialog.get_by_role("checkbox", name="Use the servers this page suggests")).not_to_be_checked()


@in_chromium
def test_what_cannot_be_used_is_refused_in_words(context: BrowserContext) -> None:
    ann = Person.at(context)
    dialog = open_settings(ann)
    expect(dialog).to_contain_text("Now: none.")  # a local page suggests no server
    save, hide = dialog.get_by_role("button", name="Save"), dialog.get_by_role("checkbox", name="Hide my address")
    for text, sentence in (
        ("example.org", "“example.org” is not a server"),
        ("stun:example.org:99999", "has a port outside 1 to 65535"),
        ("turn:example.org", "lacks the name and password"),
    ):
        servers(dialog).fill(text)
        save.click()
        expect(dialog.get_by_role("alert")).to_contain_text(sentence)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    open_settings(ann)
    expect(servers(dialog)).to_have_value("")
    hide.check()
    save.click()
    expect(dialog.get_by_role("alert")).to_contain_text("needs a TURN server")


ELSEWHERE = "https://chat.invalid"
NOTE_SERVERS = """
window.asked = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration) {
        super(configuration);
        if (configuration) window.asked.push(configuration.iceServers.flatMap(({ urls }) => urls));
    }
};
"""


@in_chromium
def test_while_it_is_not_known_which_servers_the_page_names_none_is_asked(
    context: BrowserContext, server: str, watch: Watch
) -> None:
    """For a page from elsewhere: one from this very machine suggests no server at all."""
    watch.expect_requests = True  # they are answered here
    config = {"relay": False, "iceServers": [{"urls": "stun:stun.chat.invalid"}]}
    answers: list[dict[str, Any]] = [{"json": config}, {"status": 503}]
    context.add_init_script(NOTE_SERVERS)
    context.route(f"{ELSEWHERE}/**", lambda route: route.fulfill(response=route.fetch(url=local(route.request.url))))
    context.route("**/config.json", lambda route: route.fulfill(**answers[-1]))

    def local(address: str) -> str:
        return address.replace(ELSEWHERE, server)

    ann = Person.at(context, ELSEWHERE)
    expect(ann.page.get_by_text(strings.SERVER_AWAY)).to_be_visible()
    expect(ann.page.locator('[data-part="stun-note"]')).to_be_hidden()
    ann.make_invite()
    del answers[-1]
    expect(ann.page.get_by_text(strings.NO_RELAY)).to_be_visible(timeout=BOOT)
    ann.act("Leave").click()
    ann.make_invite()
    assert ann.page.evaluate("window.asked") == [[], ["stun:stun.chat.invalid"]]
