"""What is kept, sealed with a passphrase; everything in one file, and in another browser again."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.conftest import MakePerson, in_chromium
from tests.browser.people import Person
from tests.browser.test_history import KEEP_WHAT_IS_SAVED, come_back, met
from tests.browsers import BrowserName
from tests.friend import MakeFriend

SECRET = "five words that nobody guesses"


def ask(ann: Person, button: str) -> Locator:
    """The dialog that a button of the settings opens."""
    settings = ann.page.get_by_role("dialog", name="Settings")
    if not settings.is_visible():
        ann.act("Settings").click()
    settings.get_by_role("button", name=button).click()
    return ann.page.locator("[data-part=vault]")


def give(dialog: Locator, *passphrases: str) -> None:
    """Type into the fields that are there, and send it off with the keyboard."""
    fields = dialog.locator("input[type=password]:visible")
    expect(fields).to_have_count(len(passphrases))
    for number, passphrase in enumerate(passphrases):
        fields.nth(number).fill(passphrase)
    fields.last.press("Enter")


def is_locked(ann: Person) -> Locator:
    """Open the page anew: it asks before anything else."""
    ann.page.goto("/?another-visit")
    dialog = ann.page.get_by_role("dialog", name="What was said is locked")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Passphrase", exact=True)).to_be_focused()
    return dialog


def test_what_was_said_opens_with_the_passphrase_alone(person: MakePerson, friend: MakeFriend, tmp_path: Path) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    met(ann, bob)
    dialog = ask(ann, "Set a passphrase…")
    give(dialog, "short", "short")
    expect(dialog.get_by_role("alert")).to_contain_text("at least 8 characters")
    give(dialog, SECRET, f"{SECRET}!")
    expect(dialog.get_by_role("alert")).to_contain_text("The two differ")
    give(dialog, SECRET, SECRET)
    expect(dialog).to_be_hidden()
    expect(ann.page.get_by_role("button", name="Change the passphrase…")).to_be_visible()

    dialog = is_locked(ann)
    expect(ann.people).to_have_count(0)
    give(dialog, "five words")
    expect(dialog.get_by_role("alert")).to_have_text("That is not the passphrase.")
    give(dialog, SECRET)
    expect(dialog).to_be_hidden()
    ann.wait_until_ready()
    ann.people.filter(has_text="Bob").click()
    ann.expect_messages("hello", "good morning")

    is_locked(ann).press("Escape")
    ann.wait_until_ready()
    expect(ann.page.locator("[data-part=notices]")).to_contain_text("it is locked. Reload the page")
    expect(ann.people).to_have_count(0)

    give(is_locked(ann), SECRET)
    ann.wait_until_ready()
    dialog = ask(ann, "Remove it…")
    give(dialog, "not this one")
    expect(dialog.get_by_role("alert")).to_have_text("That is not the passphrase.")
    give(dialog, SECRET)
    expect(dialog).to_be_hidden()
    come_back(ann)
    ann.expect_messages("hello", "good morning")


@in_chromium
def test_everything_goes_along_to_another_browser(
    person: MakePerson, friend: MakeFriend, tmp_path: Path, browser_name: BrowserName
) -> None:
    ann, bob = person("Ann"), friend("Bob", folder=tmp_path / "bob")
    met(ann, bob)
    dialog = ask(ann, "Back up everything…")
    path = tmp_path / "everything.pychat"
    if browser_name == "chromium":
        with ann.page.expect_download() as download:
            give(dialog, SECRET, SECRET)
        assert download.value.suggested_filename.endswith(".pychat")
        download.value.save_as(path)
    else:  # it does not tell of downloads
        ann.page.evaluate(KEEP_WHAT_IS_SAVED)
        give(dialog, SECRET, SECRET)
        ann.page.wait_for_function("() => window.saved")
        path.write_bytes(bytes(ann.page.evaluate("async () => [...new Uint8Array(await saved.arrayBuffer())]")))
    expect(dialog).to_be_hidden()
    assert b"good morning" not in path.read_bytes()

    there = person()
    dialog = ask(there, "Restore a backup…")
    give(dialog, SECRET)
    expect(dialog.get_by_role("alert")).to_have_text("Choose the file of a backup first.")
    dialog.get_by_label("Backup").set_input_files({"name": "x.pychat", "mimeType": "", "buffer": b"something else"})
    give(dialog, SECRET)
    expect(dialog.get_by_role("alert")).to_contain_text("no backup made by pychat")
    dialog.get_by_label("Backup").set_input_files(path)
    give(dialog, "five words")
    expect(dialog.get_by_role("alert")).to_contain_text("not the passphrase of this file")
    give(dialog, SECRET)
    expect(dialog).to_contain_text("2 messages are here now that were not before, in one conversation.")
    dialog.get_by_role("button", name="Reload the page").click()
    there.wait_until_ready()
    there.people.filter(has_text="Bob").click()
    there.expect_messages("hello", "good morning")
    expect(there.page.get_by_role("button", name="Connect again")).to_be_hidden()

    dialog = ask(there, "Restore a backup…")
    dialog.get_by_label("Backup").set_input_files(path)
    give(dialog, SECRET)
    expect(dialog).to_contain_text("No message in the file is new here.")
    dialog.get_by_role("button", name="Close").click()
    there.expect_messages("hello", "good morning")


@in_chromium
def test_a_second_tab_asks_for_it_and_the_first_one_goes_on(context: BrowserContext) -> None:
    ann = Person.at(context)
    give(ask(ann, "Set a passphrase…"), SECRET, SECRET)
    expect(ann.page.get_by_role("button", name="Change the passphrase…")).to_be_visible()
    second = context.new_page()
    second.goto("/")
    dialog = second.locator("[data-part=vault]")
    give(dialog, SECRET)
    expect(dialog).to_be_hidden()
    give(ask(ann, "Change the passphrase…"), SECRET, "another passphrase", "another passphrase")
    expect(ann.page.locator("[data-part=vault]")).to_be_hidden()
    second.reload()
    give(dialog, SECRET)
    expect(dialog.get_by_role("alert")).to_have_text("That is not the passphrase.")
    give(dialog, "another passphrase")
    expect(dialog).to_be_hidden()
