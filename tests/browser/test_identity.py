"""People know who they talk to: identities that last, names, what two people compare, and what warns them."""

from __future__ import annotations

import re
from pathlib import Path
from unicodedata import normalize

import pytest
import segno
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from pychat.ui import strings
from tests.browser.conftest import MakePerson, OpenContext, in_chromium
from tests.browser.people import CONNECT, Person, connect
from tests.friend import Friend, MakeFriend

OWNER = "localStorage.getItem('pychat.owner')"
CONTACTS = "localStorage.getItem('pychat.contacts')"

KEPT_PAIR = """() => new Promise((resolve, reject) => {
    const opening = indexedDB.open("pychat");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
        const reading = opening.result.transaction("identity").objectStore("identity").get("own");
        reading.onsuccess = () => { opening.result.close(); resolve(reading.result); };
    };
})"""


def safety_number(person: Person) -> str:
    dialog = person.open_verify()
    dialog.get_by_text("Compare numbers instead").click()
    number = dialog.get_by_text(re.compile(r"^\d{5}( \d{5}){11}$")).inner_text()
    dialog.get_by_role("button", name="Close").click()
    return number


def hold_compared(person: Person, other: str) -> None:
    person.expect_other(other, "Not verified")
    person.say_match()
    person.expect_other(other, "Verified")


# What is kept.


def test_an_identity_lasts_and_the_other_side_recognises_it(
    person: MakePerson, friend: MakeFriend, tmp_path: Path
) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path)
    connect(ann, bob)
    ann.expect_other("Bob", "Not verified")
    bob.expect_other("Ann", "Not verified")
    number = safety_number(ann)
    connect(ann.again(), bob.again())
    ann.expect_other("Bob", "Known, not verified")
    bob.expect_other("Ann", "Known, not verified")
    assert safety_number(ann) == bob.safety_number == number


def test_tabs_that_start_side_by_side_are_one_person_whose_key_does_not_leave_the_browser(
    context: BrowserContext,
) -> None:
    tabs = [Person(context.new_page()) for _ in range(2)]
    for tab in tabs:
        tab.page.goto("/", wait_until="commit")
    for tab in tabs:
        tab.wait_until_ready()
        expect(tab.page.get_by_text(strings.NOT_KEPT)).to_be_hidden()
    assert len({tab.page.evaluate(OWNER) for tab in tabs}) == 1
    refused = tabs[0].page.evaluate(
        f"""async () => {{
            const {{privateKey}} = await ({KEPT_PAIR})();
            const tries = ["raw", "pkcs8", "jwk"].map(form => crypto.subtle.exportKey(form, privateKey));
            const refused = (await Promise.allSettled(tries)).map(({{status}}) => status);
            return [privateKey.extractable, privateKey.algorithm.name, privateKey.usages, refused];
        }}"""
    )
    assert refused == [False, "Ed25519", ["sign"], ["rejected"] * 3]


def test_a_tab_that_comes_second_takes_the_identity_that_is_there(context: BrowserContext, page: Page) -> None:
    """While this tab makes its key, another one keeps its own."""
    page.add_init_script(
        """const make = globalThis.SubtleCrypto?.prototype.generateKey;
        if (make) SubtleCrypto.prototype.generateKey = async function (...how) {
            const pair = await make.apply(this, how);
            if (!how[2].includes("verify")) return pair;  // boot.js, which only looks whether there are such keys
            const opening = indexedDB.open("pychat");
            await new Promise(resolve => { opening.onsuccess = resolve; });
            const adding = opening.result.transaction("identity", "readwrite");
            adding.objectStore("identity").add(pair, "own");
            await new Promise(resolve => { adding.oncomplete = resolve; });
            opening.result.close();
            return make.apply(this, how);
        };"""
    )
    page.goto("/")
    Person(page).wait_until_ready()
    key = page.evaluate(
        f"""async () => {{
            const {{publicKey}} = await ({KEPT_PAIR})();
            const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
            return [...raw].map(byte => byte.toString(16).padStart(2, "0")).join("");
        }}"""
    )
    assert page.evaluate(OWNER) == key


@in_chromium
@pytest.mark.parametrize(
    "lack",
    [
        (
            "const open = IDBFactory.prototype.open; IDBFactory.prototype.open = function (name) { "
            "if (name === 'pychat') throw new DOMException('no', 'SecurityError'); return open.call(this, name); }"
        ),
        (
            "IDBObjectStore.prototype.add = function () { "
            "throw new DOMException('no keys in a private window', 'DataCloneError'); }"
        ),
    ],
    ids=["no database", "no keys kept"],
)
def test_where_nothing_can_be_kept_there_is_an_identity_for_this_visit(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, lack: str
) -> None:
    context = open_context(browser)
    context.add_init_script(lack)
    ann, bob = Person.at(context, name="Ann"), friend("Bob")
    ann.expect_problem(strings.NOT_KEPT)
    connect(ann, bob)
    assert ann.signs() == bob.signs
    hold_compared(ann, "Bob")
    ann.say("for this visit only")
    bob.hears("for this visit only")


@in_chromium
def test_contacts_that_cannot_be_read_are_left_as_they_are(
    browser: Browser, open_context: OpenContext, friend: MakeFriend
) -> None:
    damaged = '[["not a key", "Bob", true, 0]]'
    context = open_context(browser)
    context.add_init_script(f"if (location.origin !== 'null') localStorage.setItem('pychat.contacts', '{damaged}')")
    ann, bob = Person.at(context, name="Ann"), friend("Bob")
    ann.expect_problem(strings.CONTACTS_UNREADABLE)
    connect(ann, bob)
    hold_compared(ann, "Bob")
    ann.say("after the list of contacts was to be kept")
    ann.expect_delivered(1)
    assert ann.page.evaluate(CONTACTS) == damaged


# Names.


def rename(person: Person, name: str) -> None:
    person.act("Settings").click()
    dialog = person.page.get_by_role("dialog", name="Settings")
    dialog.get_by_role("textbox", name="Your name").fill(name)
    dialog.get_by_role("button", name="Save").click()


@in_chromium
def test_a_name_is_kept_and_a_change_is_seen_at_once(
    context: BrowserContext, person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = Person(context.new_page()), friend("")
    ann.page.goto("/", wait_until="commit")
    ann.name_field.fill("Ann")  # while Python loads
    ann.wait_until_ready()
    connect(ann, bob)
    bob.expect_other("Ann", "Not verified")
    assert ann.page.evaluate("JSON.parse(localStorage.getItem('pychat.settings')).name") == "Ann"
    expect(ann.title).to_have_text(re.compile("^Guest [A-Z2-7]{4}$"))
    bob.rename("Bob")
    ann.expect_other("Bob", "Not verified")
    rename(ann, "  Ann\u202e the\u200b  Builder ")
    bob.expect_other("Ann the Builder", "Not verified")
    expect(ann.again().name_field).to_have_value("Ann the Builder")


@in_chromium
def test_a_name_is_text_and_leaves_the_page_as_it_is(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person(viewport={"width": 390, "height": 844}), friend("Bob")
    connect(ann, bob)
    for name in ("<img src=x onerror=alert(1)>", "W" * 64, "Z\u0335\u0301\u0302\u0303" * 12, "אבא Ann", "Verified ✅"):
        bob.rename(name)
        ann.expect_other(normalize("NFC", name), "Not verified")
        assert ann.title.locator("*").count() == 0
        assert ann.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for button in (ann.badge, ann.button("Menu")):
            expect(button).to_be_in_viewport(ratio=1)


SIZES = [(390, 844), (844, 390), (1280, 800)]
"""Of a phone, of one that lies on its side, of a desktop."""


@in_chromium
def test_a_long_name_leaves_room_for_everything_else(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person(), friend("Bob")
    connect(ann, bob)
    ann.expect_other("Bob", "Not verified")
    bar = ann.page.get_by_role("banner")
    highest = {}
    for width, height in SIZES:
        ann.page.set_viewport_size({"width": width, "height": height})
        highest[width] = bar.evaluate("bar => bar.offsetHeight + 20")  # the sentence may take one line more
    for name in ("W" * 64, "Wanda " * 10 + "W.", "ש" * 64, "漢" * 64):
        bob.rename(name)
        for width, height in SIZES:
            ann.page.set_viewport_size({"width": width, "height": height})
            ann.expect_other(name, "Not verified")
            assert bar.evaluate("bar => bar.offsetHeight") <= highest[width], (name, width)
            expect(ann.status.get_by_text("Connected")).to_be_in_viewport(ratio=1)
            expect(ann.badge).to_be_in_viewport(ratio=1)
            trust, title = ann.badge.locator(".label").bounding_box(), ann.title.bounding_box()
            assert trust is not None
            assert title is not None
            assert title["y"] + title["height"] <= trust["y"], (name, width)  # so no name can look like it
            if width > 720:
                for line in ann.people.all():
                    line.scroll_into_view_if_needed()  # on its side a phone has little room
                    assert line.evaluate("line => line.scrollWidth <= line.clientWidth"), (name, width)
                    expect(line.locator(".trust")).to_be_in_viewport(ratio=1)


@in_chromium
@pytest.mark.parametrize("size", [(390, 844), (1280, 800)], ids=["phone", "desktop"])
def test_a_long_name_makes_nothing_wider_than_its_place(
    person: MakePerson, friend: MakeFriend, size: tuple[int, int]
) -> None:
    wide, wider = "W" * 64, "M" * 64
    ann, bob, cay = person(viewport={"width": size[0], "height": size[1]}), friend(wide), friend(wide)

    def expect_to_fit(place: Locator) -> None:
        expect(place).to_be_visible(timeout=CONNECT)
        assert place.evaluate("place => place.scrollWidth <= place.clientWidth")
        assert ann.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        talk = ann.page.locator('[data-part="talk"]')
        assert talk.evaluate("talk => talk.scrollWidth <= talk.clientWidth")

    connect(ann, bob)
    ann.expect_other(wide, "Not verified")
    dialog = ann.open_verify()
    expect(dialog).to_contain_text(wide[:30])
    expect_to_fit(dialog)
    dialog.get_by_role("button", name="They match").click()
    bob.rename(wider)
    hint = ann.page.get_by_role("region", name="Hint")
    expect(hint).to_contain_text(wider[:30], timeout=CONNECT)  # a sentence has less of it
    expect_to_fit(hint)
    if size[0] < 720:
        ann.button("Back").click()
    connect(ann, cay)
    expect(ann.warning).to_contain_text(wide[:30], timeout=CONNECT)
    expect_to_fit(ann.warning)


@in_chromium
def test_somebody_verified_keeps_their_name_until_one_agrees_to_another(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    hold_compared(ann, "Bob")
    bob.rename("Robert")
    hint = ann.page.get_by_role("region", name="Hint")
    expect(hint).to_contain_text("Bob, whom you verified, now uses the name “Robert”.", timeout=CONNECT)
    ann.expect_other("Bob", "Verified")
    hint.get_by_role("button", name="Not now").click()
    expect(hint).to_be_hidden()
    ann.expect_other("Bob", "Verified")
    bob.rename("Rob")
    expect(hint).to_contain_text("“Rob”", timeout=CONNECT)
    hint.get_by_role("button", name=strings.ACCEPT_NAME).click()
    expect(hint).to_be_hidden()
    ann.expect_other("Rob", "Verified")


# Comparing.


@in_chromium
def test_both_see_the_same_signs_and_who_says_so_is_verified_for_good(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    seen = ann.signs()
    assert len(seen) == 8
    assert seen == bob.signs
    assert ann.page.evaluate(CONTACTS) != ""
    hold_compared(ann, "Bob")
    expect(ann.page.get_by_role("region", name="Hint")).to_be_hidden()
    bob.expect_other("Ann", "Not verified")
    bob.say_match()
    bob.expect_other("Ann", "Verified")
    connect(ann.again(), bob)
    ann.expect_other("Bob", "Verified")
    bob.expect_other("Ann", "Verified")
    assert ann.signs() != seen


def _colour(button: Locator) -> str:
    return str(button.evaluate("button => getComputedStyle(button).color"))


def expect_differed(person: Person) -> None:
    person.expect_state("closed")
    expect(person.status).to_contain_text("the pictures differ")
    expect(person.badge).to_contain_text("Not verified")
    expect(person.open_verify()).to_contain_text(strings.DIFFERED)
    person.verify.get_by_role("button", name="Close").click()


@in_chromium
def test_no_match_ends_the_connection_and_takes_the_badge(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    hold_compared(ann, "Bob")
    bob.say_match()
    dialog = ann.open_verify()
    differs = dialog.get_by_role("button", name="They don’t match")
    assert _colour(differs) != _colour(dialog.get_by_role("button", name="Close"))
    looks_dangerous = _colour(differs)
    differs.click()
    assert _colour(ann.button("They differ: end it")) == looks_dangerous != _colour(ann.button("Look again"))
    ann.button("Look again").click()
    expect(ann.verify).to_be_visible()
    ann.expect_other("Bob", "Verified")
    ann.verify.get_by_role("button", name="Close").click()
    bob.expect_other("Ann", "Verified")
    ann.say_mismatch()
    expect_differed(ann)
    bob.expect_state("closed")
    bob.expect_status("They compared the pictures")
    bob.expect_other("Ann", "Not verified")
    ann.say("kept back")
    connect(ann.again(), bob)
    ann.expect_other("Bob", "Known, not verified")
    bob.hears()


@in_chromium
def test_that_the_other_one_sees_no_match_takes_the_badge_too(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    hold_compared(ann, "Bob")
    bob.say_mismatch()
    expect_differed(ann)
    expect(ann.status).to_contain_text("They compared the pictures")


@in_chromium
def test_the_safety_number_can_be_compared_at_any_time_also_with_a_camera(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    bob.leave()
    ann.expect_state("closed")
    dialog = ann.open_verify()
    expect(dialog.get_by_role("list", name="Signs")).to_be_hidden()
    number = dialog.locator('[data-part="safety-number"]').inner_text()
    code = dialog.get_by_role("img", name="as a QR code").locator("path").get_attribute("d")
    dialog.get_by_role("button", name="They match").click()
    expect(ann.badge).to_contain_text("Verified")
    assert number == bob.safety_number
    assert code == drawn(number)


def drawn(text: str) -> str:
    """The QR code as the whole of segno makes it."""
    rows = enumerate(segno.make(text, error="m", micro=False, boost_error=False).matrix_iter(border=4))
    return "".join(f"M{x} {y}h1v1h-1z" for y, row in rows for x, module in enumerate(row) if module)


def test_the_keyboard_alone_is_enough_to_compare(person: MakePerson, friend: MakeFriend) -> None:
    ann = person("Ann")
    connect(ann, friend("Bob"))
    ann.badge.focus()
    ann.page.keyboard.press("Enter")
    expect(ann.verify.get_by_role("heading", level=2)).to_be_focused()
    ann.page.keyboard.press("Enter")  # too early, out of habit, it says nothing
    expect(ann.verify).to_be_visible()
    ann.page.keyboard.press("Tab")
    expect(ann.verify.locator("summary")).to_be_focused()
    ann.page.keyboard.press("Tab")
    expect(ann.verify.get_by_role("button", name="They match")).to_be_focused()
    ann.page.keyboard.press("Enter")
    expect(ann.verify).to_be_hidden()
    expect(ann.badge).to_be_focused()
    ann.expect_other("Bob", "Verified")


@in_chromium
def test_the_hint_to_compare_is_quiet_and_can_be_sent_away(person: MakePerson, friend: MakeFriend) -> None:
    ann = person("Ann")
    connect(ann, friend("Bob"))
    hint = ann.page.get_by_role("region", name="Hint")
    expect(hint).to_contain_text(strings.COMPARE_HINT)
    ann.page.bring_to_front()
    expect(ann.message_box).to_be_focused()
    hint.get_by_role("button", name="Not now").click()
    expect(hint).to_be_hidden()
    expect(ann.message_box).to_be_focused()
    ann.say("hello")
    ann.expect_delivered(1)
    expect(hint).to_be_hidden()
    connect(ann, friend("Cay"))
    ann.expect_other("Cay", "Not verified")
    hint.get_by_role("button", name="Compare").click()
    expect(ann.verify).to_be_visible()
    ann.verify.get_by_role("button", name="They match").click()
    expect(hint).to_be_hidden()
    expect(ann.message_box).to_be_focused()


# Warnings.


def meet_impostor(ann: Person, impostor: Friend) -> None:
    """Ann, who has verified Bob, writes while she waits; somebody with his name answers."""
    invite = ann.make_invite()
    ann.say("for Bob alone")
    reply = impostor.answer(invite)
    ann.paste(reply)
    ann.expect_state("open")
    expect(ann.warning).to_be_visible(timeout=CONNECT)


@in_chromium
def test_somebody_with_a_name_like_that_of_a_verified_person_raises_a_warning(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob, impostor = person("Ann"), friend("Bob"), friend("B0b")
    connect(ann, bob)
    hold_compared(ann, "Bob")
    bob.leave()
    ann.expect_state("closed")
    meet_impostor(ann.again(), impostor)
    expect(ann.warning).to_contain_text("This isn’t the Bob you verified")
    ann.expect_other("B0b", strings.WARNED)
    expect(ann.message_box).to_be_hidden()
    impostor.say("it is me")
    ann.expect_messages("for Bob alone", "it is me")
    impostor.expect_delivered()
    impostor.hears()  # what Ann's side was to send has had its time
    ann.page.bring_to_front()
    ann.warning.get_by_role("button", name="Compare").click()
    expect(ann.verify).to_contain_text("This isn’t the Bob you verified")
    ann.verify.get_by_role("button", name="Close").click()
    ann.page.set_viewport_size({"width": 844, "height": 390})
    for button in ann.warning.get_by_role("button").all():
        expect(button).to_be_in_viewport(ratio=1)
    ann.warning.get_by_role("button", name="Talk to them anyway").click()
    expect(ann.warning).to_be_hidden()
    expect(ann.message_box).to_be_focused()
    impostor.hears("for Bob alone")
    ann.expect_other("B0b", "Not verified")


@in_chromium
def test_the_warning_takes_the_focus_from_somebody_who_writes_and_keeps_the_draft(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob, impostor = person("Ann"), friend("Bob"), friend("")
    connect(ann, bob)
    connect(ann, impostor)
    ann.message_box.click()
    ann.page.keyboard.type("half a sent")
    impostor.rename("Bob")
    ann.page.bring_to_front()
    expect(ann.warning).to_contain_text("This isn’t the Bob you know", timeout=CONNECT)
    expect(ann.warning).to_be_focused()
    ann.page.keyboard.type("ence ")
    ann.page.keyboard.press("Enter")
    expect(ann.warning).to_be_visible()
    ann.warning.get_by_role("button", name="Leave").click()
    ann.expect_state("closed")
    impostor.expect_state("closed")
    impostor.hears()
    ann.warning.get_by_role("button", name="Talk to them anyway").click()
    expect(ann.message_box).to_have_value("half a sent")


@in_chromium
def test_comparing_settles_a_warning(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    hold_compared(ann, "Bob")
    bobs_new_phone = friend("Bob")
    meet_impostor(ann, bobs_new_phone)
    ann.warning.get_by_role("button", name="Compare").click()
    ann.verify.get_by_role("button", name="They match").click()
    expect(ann.warning).to_be_hidden()
    expect(ann.message_box).to_be_focused()
    ann.expect_other("Bob", "Verified")
    bobs_new_phone.hears("for Bob alone")


# What is being written.


@in_chromium
def test_what_is_being_written_is_not_turned_over_to_somebody_else_who_answers(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob, eve = person("Ann"), friend("Bob"), friend("Eve")
    connect(ann, bob)
    bob.leave()
    ann.expect_state("closed")
    ann.button("Invite again").click()
    invite = ann.shown_invite()
    ann.message_box.fill("half a sentence for Bob")
    ann.paste(eve.answer(invite))
    eve.expect_state("open")
    expect(ann.people).to_have_count(2)
    expect(ann.title).to_have_text("Bob")
    expect(ann.status).to_contain_text("Somebody else answered that invite")
    expect(ann.message_box).to_have_value("half a sentence for Bob")


@in_chromium
def test_what_is_being_written_to_whoever_comes_goes_along_when_it_is_somebody_known(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    ann.say("before")
    bob.hears("before")
    bob.leave()
    ann.expect_state("closed")
    invite = ann.make_invite()
    ann.message_box.fill("half a sentence")
    ann.paste(bob.answer(invite))
    ann.expect_state("open")
    ann.expect_messages("before")
    expect(ann.message_box).to_have_value("half a sentence")


# Starting afresh.


def start_afresh(person: Person) -> None:
    person.page.bring_to_front()  # for Firefox gives the focus to the page in front only
    person.act("Settings").click()
    person.button("Erase my identity…").click()
    dialog = person.page.get_by_role("dialog", name="Erase your identity?")
    expect(dialog).to_contain_text(strings.START_AFRESH)
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    with person.page.expect_navigation():
        dialog.get_by_role("button", name="Erase everything").click()
    person.wait_until_ready()


@in_chromium
def test_starting_afresh_makes_somebody_new_and_leaves_nothing(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    connect(ann, bob)
    hold_compared(ann, "Bob")
    bob.say_match()
    bob.expect_other("Ann", "Verified")
    before = ann.page.evaluate(OWNER)
    bob.leave()
    ann.expect_state("closed")
    ann.say("not delivered, and no reason to ask whether to leave")
    start_afresh(ann)
    assert ann.page.evaluate(OWNER) not in (before, None)
    assert ann.page.evaluate("Object.keys(localStorage)") == ["pychat.owner"]
    expect(ann.name_field).to_have_value("")
    connect(ann, bob)
    ann.expect_other("Bob", "Not verified")
    assert bob.trust == "Not verified"


@in_chromium
def test_starting_afresh_can_be_thought_better_of(person: MakePerson) -> None:
    ann = person("Ann")
    before = ann.page.evaluate(OWNER)
    ann.act("Settings").click()
    ann.button("Erase my identity…").click()
    ann.page.get_by_role("dialog", name="Erase your identity?").get_by_role("button", name="Cancel").click()
    ann.page.keyboard.press("Escape")
    assert ann.again().page.evaluate(OWNER) == before
    expect(ann.name_field).to_have_value("Ann")


def test_starting_afresh_in_one_tab_holds_in_the_others(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), friend("Bob")
    second = Person.at(ann.page.context)
    connect(second, bob)
    hold_compared(second, "Bob")
    before = ann.page.evaluate(OWNER)
    with second.page.expect_navigation():
        start_afresh(ann)
    second.wait_until_ready()
    bob.expect_state("closed")
    assert second.page.evaluate(OWNER) == ann.page.evaluate(OWNER) not in (before, None)
    assert ann.page.evaluate(CONTACTS) is None


@in_chromium
def test_what_cannot_be_deleted_is_said_in_words(browser: Browser, open_context: OpenContext) -> None:
    context = open_context(browser)
    context.add_init_script("IDBFactory.prototype.deleteDatabase = () => { throw new DOMException('no'); }")
    ann = Person.at(context, name="Ann")
    ann.act("Settings").click()
    ann.button("Erase my identity…").click()
    ann.button("Erase everything").click()
    ann.expect_problem(strings.ERASE_FAILED)


# Several tabs of one person.


@in_chromium
def test_two_tabs_of_one_person_can_talk_and_know_whom_the_other_one_has_verified(
    person: MakePerson, friend: MakeFriend, tmp_path: Path
) -> None:
    ann = person("Ann")
    second = Person.at(ann.page.context)
    expect(second.name_field).to_have_value("Ann")
    connect(ann, second)
    for each in (ann, second):
        each.expect_other("You (another tab)", "You")
    ann.say("to myself")
    second.expect_messages("to myself")
    second.say("from myself")
    ann.expect_messages("to myself", "from myself")
    dialog = ann.open_verify()
    expect(dialog).to_contain_text("This is you")
    expect(dialog.get_by_role("button", name="They match")).to_be_hidden()
    dialog.get_by_role("button", name="Close").click()

    for tab in (ann, second):
        connect(tab, friend("Bob", folder=tmp_path))
    hold_compared(ann, "Bob")
    second.expect_other("Bob", "Verified")
    names = [entry[1:3] for entry in ann.page.evaluate(f"JSON.parse({CONTACTS})")]
    assert names == [["Bob", True]]


# The demonstration, and the words.


@in_chromium
def test_the_demonstration_keeps_nothing(page: Page) -> None:
    page.goto("/demo.html")
    expect(page.get_by_role("status", name="Connection").first).to_have_attribute("data-state", "open", timeout=CONNECT)
    assert page.evaluate("Object.keys(localStorage)") == []
    assert "pychat" not in page.evaluate("indexedDB.databases().then(all => all.map(({name}) => name))")


@in_chromium
def test_what_is_protected_is_one_click_away(person: MakePerson) -> None:
    ann = person()
    ann.act("What is protected?").click()
    dialog = ann.page.get_by_role("dialog", name="What is protected?")
    for sentences in (*strings.PROTECTION, (strings.NOT_PROMISED,)):
        for sentence in sentences:
            expect(dialog).to_contain_text(sentence)
    ann.page.keyboard.press("Escape")
    expect(ann.button("What is protected?")).to_be_focused()
