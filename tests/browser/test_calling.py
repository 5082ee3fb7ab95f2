"""What a person is called for while they look elsewhere, and what they were about to write when they left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from pychat.ui import strings
from pychat.ui.calling import tag_of
from tests.browser.conftest import MakePerson, OpenContext, in_chromium
from tests.browser.people import BOOT, Person
from tests.browser.test_settings import open_settings
from tests.friend import Friend, MakeFriend

DRAFT = "a word that was not sent"

STORED = """async () => {
    const found = [JSON.stringify(Object.entries(localStorage)), JSON.stringify(Object.entries(sessionStorage)),
        JSON.stringify(history.state)];
    const add = (value) => {
        if (value instanceof ArrayBuffer) value = new Uint8Array(value);
        if (ArrayBuffer.isView(value)) found.push(new TextDecoder("latin1").decode(value));
        else if (value && typeof value === "object") Object.entries(value).flat().forEach(add);
        else found.push(String(value));
    };
    const result = (request) => new Promise((done, fail) => {
        request.onsuccess = () => done(request.result);
        request.onerror = fail;
    });
    let records = 0;
    for (const { name } of await indexedDB.databases()) {
        const database = await result(indexedDB.open(name));
        for (const shelf of database.objectStoreNames) {
            const store = database.transaction(shelf).objectStore(shelf);
            const [keys, values] = await Promise.all([result(store.getAllKeys()), result(store.getAll())]);
            keys.forEach((key) => { add(key); records += Array.isArray(key) && key[1] === "draft"; });
            values.forEach(add);
        }
        database.close();
    }
    return [records, found.join("\\n")];
}"""
"""How many drafts are kept, and all that is kept, as a text."""

ELSEWHERE = """() => {
    globalThis.isAway = false;
    Object.defineProperty(Document.prototype, "visibilityState", { get: () => (isAway ? "hidden" : "visible") });
    Document.prototype.hasFocus = () => !isAway;
    globalThis.look = (elsewhere) => {
        isAway = elsewhere;
        document.dispatchEvent(new Event("visibilitychange"));
        dispatchEvent(new Event(elsewhere ? "blur" : "focus"));
    };
    globalThis.asked = 0;
    const ask = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = () => { asked++; return ask(); };
    globalThis.sounds = 0;
    const Audio = AudioContext;
    globalThis.AudioContext = class extends Audio { constructor() { super(); sounds++; } };
}"""
"""A browser under test is always looked at."""

RECORDED = """() => {
    globalThis.notices = [];
    const Real = Notification;
    globalThis.Notification = class extends Real {
        constructor(title, looks) {
            super(title, looks);
            notices.push({ title, ...looks, notice: this });
        }
        close() {
            super.close();
            this.isClosed = true;
        }
    };
}"""
UNDECIDED = """() => Object.defineProperty(Notification, "permission", { get: () => "default" })"""
ONLY_BY_WORKER = """() => {
    const { requestPermission } = Notification;
    const Refused = function () { throw new TypeError("Illegal constructor. Use registration.showNotification()."); };
    Object.defineProperty(Refused, "permission", { get: () => "granted" });
    Refused.requestPermission = requestPermission;
    globalThis.Notification = Refused;
}"""
"""As Chrome on Android."""


def met(ann: Person, bob: Friend) -> None:
    """Let the two meet, and say a word each."""
    ann.enter(bob.open_room())
    ann.expect_state("open")
    bob.say("good morning")
    ann.expect_messages("good morning")
    ann.say("hello")
    ann.expect_delivered(1)
    bob.hears("hello")


def open_conversation(ann: Person) -> None:
    ann.wait_until_ready()
    ann.people.filter(has_text="Bob").click()


def kept_drafts(page: Page) -> tuple[int, str]:
    count, text = page.evaluate(STORED)
    return count, text


def expect_kept(page: Page, count: int) -> None:
    """Wait until so many drafts are kept."""
    until(lambda: kept_drafts(page)[0] == count, page)


def until(condition: Callable[[], bool], page: Page) -> None:
    """Wait for what is no state of an element, and comes by a promise."""
    end = time.monotonic() + BOOT / 1000
    while not condition():
        assert time.monotonic() < end
        page.wait_for_timeout(50)


# Drafts.


def test_a_draft_survives_a_reload_and_nothing_of_it_lies_open_on_the_disk(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann"), friend("Bob")
    met(ann, bob)
    ann.message_box.press_sequentially(DRAFT)
    expect_kept(ann.page, 1)
    ann.page.reload()
    open_conversation(ann)
    expect(ann.message_box).to_have_value(DRAFT, timeout=BOOT)
    count, stored = kept_drafts(ann.page)
    assert count == 1
    assert "pychat.settings" in stored
    assert not [word for word in (DRAFT, DRAFT.split()[1], json.dumps(DRAFT)) if word in stored.replace("\0", "")]

    ann.message_box.press("Enter")
    expect_kept(ann.page, 0)
    ann.page.reload()
    open_conversation(ann)
    expect(ann.messages.last).to_contain_text(DRAFT)
    expect(ann.message_box).to_have_value("")


@in_chromium
def test_no_draft_outlasts_its_conversation_or_is_kept_where_nothing_is(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    met(ann, bob)
    ann.message_box.fill(DRAFT)
    expect_kept(ann.page, 1)
    keep = ann.page.locator('[data-part="keep-for"]')
    for choice, count in (("0", 0), ("", 1)):
        ann.button("Menu").click()
        ann.page.locator('[data-part="keep-open"]').click()
        keep.select_option(choice)
        ann.page.locator('[data-part="keep-save"]').click()
        ann.message_box.press("End")
        ann.message_box.press_sequentially("!")
        expect_kept(ann.page, count)
    ann.act("Leave").click()
    ann.button("More").click()
    ann.delete()
    expect(ann.people).to_have_count(0)
    expect_kept(ann.page, 0)


@in_chromium
def test_a_message_that_is_being_edited_is_no_draft(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    met(ann, bob)
    ann.message_box.press("ArrowUp")
    expect(ann.message_box).to_have_value("hello")
    ann.message_box.press_sequentially(" and more")
    ann.page.reload()
    open_conversation(ann)
    expect(ann.messages).to_have_count(2)
    expect(ann.message_box).to_have_value("")
    assert kept_drafts(ann.page)[0] == 0


# Notifications, sound, title and icon. What a headless Firefox has of them is nothing that a person sees.


def notices(page: Page) -> list[tuple[str, str, str]]:
    found = page.evaluate("() => notices.map(({ title, body, tag }) => [title, body, tag])")
    return [(title, body, tag) for title, body, tag in found]


def look(page: Page, *, elsewhere: bool) -> None:
    page.evaluate("(elsewhere) => look(elsewhere)", elsewhere)


def conversation_with(friend: Friend) -> str:
    """The name that the conversation of two has on both sides."""
    return friend._do(lambda: friend._chat._conversation.id)


def in_a_browser(browser: Browser, open_context: OpenContext, *scripts: str, **options: object) -> Person:
    """Ann, on whose page the scripts have run before anything else."""
    context = open_context(browser, **options)
    for script in (ELSEWHERE, *scripts):
        context.add_init_script(f"({script})()")
    return Person.at(context, name="Ann")


@in_chromium
def test_a_message_calls_whoever_looks_elsewhere_and_no_longer_once_it_is_read(
    browser: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    ann = in_a_browser(browser, open_context, RECORDED, permissions=["notifications"])
    page, bob = ann.page, friend("Bob")
    met(ann, bob)
    icon = page.locator('link[rel="icon"]')
    read = str(icon.get_attribute("href"))
    page.go_back()
    expect(ann.message_box).to_be_hidden()
    bob.say("while she looks")
    expect(page).to_have_title("(1) pychat")
    assert (notices(page), page.evaluate("() => sounds")) == ([], 0)

    look(page, elsewhere=True)
    bob.say("see you at five")
    expect(page).to_have_title("(2) pychat")
    expect(icon).not_to_have_attribute("href", read)
    bob.say("or at six")
    expect(page).to_have_title("(3) pychat")
    first, second = notices(page)
    assert first == second
    assert first[:2] == ("Bob", strings.NEW_MESSAGE)
    assert page.evaluate("() => sounds") >= 1

    look(page, elsewhere=False)
    assert not page.evaluate("() => notices.at(-1).notice.isClosed")
    page.evaluate('() => notices.at(-1).notice.dispatchEvent(new Event("click"))')
    ann.expect_messages("good morning", "hello", "while she looks", "see you at five", "or at six")
    expect(page).to_have_title("pychat")
    expect(icon).to_have_attribute("href", read)
    assert page.evaluate("() => notices.at(-1).notice.isClosed")

    dialog = open_settings(ann)
    dialog.get_by_label("Notifications").select_option("text")
    dialog.get_by_role("checkbox", name="Play a sound").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    heard = page.evaluate("() => sounds")
    look(page, elsewhere=True)
    bob.say("shown as it is")
    page.wait_for_function("() => notices.length === 3")
    assert notices(page)[-1] == ("Bob", "shown as it is", first[2])
    assert page.evaluate("() => sounds") == heard
    look(page, elsewhere=False)
    page.wait_for_function("() => notices.at(-1).notice.isClosed")


SHOWN = """async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map(({ title, body }) => [title, body]);
}"""


@in_chromium
def test_where_only_a_service_worker_may_show_notifications_it_does(
    browser: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    ann = in_a_browser(browser, open_context, ONLY_BY_WORKER, permissions=["notifications"], service_workers="allow")
    page, bob = ann.page, friend("Bob")
    met(ann, bob)
    assert page.evaluate(SHOWN) == []
    look(page, elsewhere=True)
    bob.say("one", "two")
    until(lambda: bool(page.evaluate(SHOWN)), page)
    expect(ann.messages).to_have_count(4)
    until(lambda: page.evaluate(SHOWN) == [["Bob", strings.NEW_MESSAGE]], page)
    look(page, elsewhere=False)
    until(lambda: page.evaluate(SHOWN) == [], page)


@in_chromium
def test_a_click_on_what_the_service_worker_shows_leads_to_the_conversation(
    browser: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    context = open_context(browser, service_workers="allow")
    ann, bob = Person.at(context, name="Ann"), friend("Bob")
    met(ann, bob)
    ann.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    ann.page.go_back()
    expect(ann.message_box).to_be_hidden()
    [worker] = context.service_workers
    # No test can click on what the system shows. The worker cannot bring a page to the front without that.
    worker.evaluate(
        """async (tag) => {
        WindowClient.prototype.focus = async function () { return this; };
        const event = new ExtendableEvent("notificationclick");
        event.notification = { tag, close() {} };
        dispatchEvent(event);
    }""",
        tag_of(conversation_with(bob)),
    )
    expect(ann.message_box).to_be_visible()
    ann.expect_messages("good morning", "hello")


@in_chromium
def test_notifications_are_offered_after_two_have_talked_and_the_browser_asks_only_then(
    browser: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    ann = in_a_browser(browser, open_context, UNDECIDED)
    bob = friend("Bob")
    offer = ann.page.get_by_role("region", name="Notifications")
    expect(offer).to_be_hidden()
    met(ann, bob)
    ann.page.go_back()
    expect(offer).to_contain_text(strings.NOTIFY_OFFER)
    assert ann.page.evaluate("() => asked") == 0
    offer.get_by_role("button", name="Notify me").click()
    expect(offer).to_be_hidden()
    assert ann.page.evaluate("() => asked") == 1
    ann.again()
    expect(ann.people.filter(has_text="Bob")).to_be_visible()
    expect(offer).to_be_hidden()


# What other programs share, and installing.


@in_chromium
def test_what_is_shared_becomes_a_draft_for_whom_the_person_chooses_and_a_link_is_opened(
    browser: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    ann, bob = Person.at(open_context(browser, service_workers="allow"), name="Ann"), friend("Bob")
    met(ann, bob)
    page = ann.page
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    page.goto("/?another-visit")  # from now on the service worker answers
    requests: list[str] = []

    def share(text: str) -> None:
        page.evaluate(
            """async (text) => {
                const body = new FormData();
                body.set("text", text);
                await fetch("./share", { method: "POST", body });
            }""",
            text,
        )
        page.goto("/?yet-another")
        ann.wait_until_ready()

    ann.wait_until_ready()
    page.on("request", lambda request: requests.append(request.url))
    share("an article\nhttps://example.org/article")
    told = page.get_by_role("region", name="Shared")
    expect(told).to_contain_text("an article https://example.org/article")
    ann.people.filter(has_text="Bob").click()
    expect(ann.message_box).to_have_value("an article\nhttps://example.org/article")
    expect(told).to_be_hidden()
    assert not [url for url in requests if "article" in url]

    link = friend("Cleo").open_room()
    share(f"Join me: {page.url.partition('?')[0].rstrip('/')}{link}")
    expect(page.locator('[data-part="join"]')).to_be_visible()
    expect(told).to_be_hidden()


@in_chromium
def test_where_the_browser_can_install_the_page_the_settings_have_a_button(
    browser: Browser, open_context: OpenContext
) -> None:
    ann = Person.at(open_context(browser))
    install = ann.button("Install pychat…")
    dialog = open_settings(ann)
    expect(install).to_be_hidden()
    dialog.get_by_role("button", name="Cancel").click()
    ann.page.evaluate("""() => {
        const event = new Event("beforeinstallprompt", { cancelable: true });
        event.prompt = () => { globalThis.wasPrompted = true; };
        dispatchEvent(event);
    }""")
    open_settings(ann)
    install.click()
    assert ann.page.evaluate("() => wasPrompted")
    expect(install).to_be_hidden()
