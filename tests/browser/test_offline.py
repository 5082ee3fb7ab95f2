"""Without a network, and from one version to the next: real service workers, a real server that stops and changes."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, Locator, Page, expect

from pychat.site.build import Site, build_site
from pychat.ui import strings
from tests.browser.conftest import ROOT, OpenContext, in_chromium, serve
from tests.browser.people import Person, connect
from tests.browser.test_boot import RECORD, shown
from tests.browser.test_room import open_room
from tests.friend import MakeFriend


class Host:
    """A server at one address, which can be stopped, and started again with another site."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._port = "0"

    def start(self, site: Path) -> str:
        address = self._running.enter_context(serve(site=site, port=self._port))
        self._port = address.rpartition(":")[2]
        return address

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.stop()


@pytest.fixture
def server(host: Host, site: Site) -> str:
    return host.start(site.path)


@pytest.fixture(scope="module")
def next_site(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The next version: one comment more in a style sheet."""
    folder = tmp_path_factory.mktemp("next")
    web = folder / "web"
    shutil.copytree(ROOT / "web", web, ignore=shutil.ignore_patterns("node_modules"))
    (web / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    with (web / "style.css").open("a") as style:
        style.write("/* the next version */\n")
    (folder / "cache").symlink_to(ROOT / "build" / "cache")
    built = build_site(web, ROOT / "pychat", folder / "site")
    assert built.app != site.app
    return built


def open_kept(browser: Browser, open_context: OpenContext) -> Person:
    """Open the page for the first time, and wait until all of it is kept."""
    person = Person.at(open_context(browser, service_workers="allow"))
    wait_until_kept(person.page)
    return person


def wait_until_kept(page: Page) -> None:
    assert page.evaluate("navigator.serviceWorker.ready.then(({ active }) => Boolean(active))")


def version(page: Page) -> str:
    source = page.locator("script[type=py]").get_attribute("src")
    assert source
    return source.partition("/")[0]


def update_notice(page: Page) -> Locator:
    return page.get_by_role("region", name="Update")


def look_for_update(page: Page) -> None:
    """What the browser does when a page is opened, and the page itself from time to time."""
    page.evaluate("navigator.serviceWorker.ready.then(registration => registration.update()).catch(() => {})")


def test_the_page_opens_and_people_talk_with_the_server_gone_and_it_goes_on_by_itself_when_that_is_back(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, host: Host, site: Site
) -> None:
    ann, bob = open_kept(browser, open_context), friend("Bob")
    host.stop()
    ann.page.goto("/demo.html")
    expect(ann.page.get_by_role("status").first).to_have_attribute("data-state", "open", timeout=60_000)
    ann.page.goto("/")
    ann.wait_until_ready()
    expect(ann.page.locator("html")).to_have_attribute("data-python", "restored")
    expect(ann.button("New chat link")).to_be_hidden()
    expect(ann.page.get_by_text(strings.SERVER_AWAY)).to_be_visible()
    connect(ann, bob)
    ann.say("nobody else is there")
    bob.hears("nobody else is there")
    ann.expect_delivered(1)

    host.start(site.path)
    ann.act("Leave").click()
    ann.button("More").click()
    ann.delete()
    expect(ann.button("New chat link")).to_be_visible(timeout=60_000)
    expect(ann.page.get_by_text(strings.SERVER_AWAY)).to_be_hidden()


@in_chromium
def test_who_comes_to_a_room_while_the_server_is_gone_waits_for_it(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, host: Host, site: Site
) -> None:
    bob, cay = friend("Bob"), friend("Cay")
    ann = open_kept(browser, open_context)
    own, other = open_room(ann), open_room(bob)
    host.stop()
    ann.again()  # comes back to the room, which has to wait
    expect(ann.page.get_by_text(strings.SERVER_AWAY_FROM_ROOM)).to_be_visible()
    second_tab = Person.at(ann.page.context, other)  # has not been in this one
    expect(second_tab.page.get_by_text(strings.SERVER_AWAY_FROM_ROOM)).to_be_visible()
    host.start(site.path)
    second_tab.page.locator('[data-part="room-enter"]').click(timeout=60_000)
    cay.enter(own)
    for person in (ann, cay, second_tab, bob):
        person.expect_state("open")


@in_chromium
def test_a_server_that_is_overloaded_is_asked_again(page: Page) -> None:
    answers = [503, 429]
    page.route("**/config.json", lambda route: route.fulfill(status=answers.pop()) if answers else route.continue_())
    page.goto("/")
    expect(page.get_by_text(strings.SERVER_AWAY)).to_be_visible(timeout=60_000)
    expect(Person(page).button("New chat link")).to_be_visible(timeout=60_000)


def test_the_next_visit_asks_the_server_for_nothing_but_the_settings(
    browser: Browser, open_context: OpenContext
) -> None:
    ann = open_kept(browser, open_context)
    ann.page.add_init_script(RECORD)
    page = ann.again().page
    transferred = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .filter(({ transferSize, workerStart }) => transferSize > 0 && workerStart === 0)
            .map(({ name }) => new URL(name).pathname)"""
    )
    assert transferred in ([], ["/config.json"])
    assert shown(page) == []  # and what is kept already is not counted


def test_an_update_is_offered_and_waits_until_it_is_wanted(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, host: Host, site: Site, next_site: Site
) -> None:
    ann, bob = open_kept(browser, open_context).again(), friend("Bob")
    connect(ann, bob)
    host.stop()
    host.start(next_site.path)
    look_for_update(ann.page)
    notice = update_notice(ann.page)
    expect(notice).to_contain_text("A new version of pychat is ready. Updating reloads the page", timeout=60_000)
    other_tab = Person.at(ann.page.context)
    expect(update_notice(other_tab.page)).to_be_visible()
    # Nothing has changed for who talks, nor for who opens one more page meanwhile.
    ann.say("still here")
    bob.hears("still here")
    assert version(ann.page) == site.app
    another = ann.page.context.new_page()
    another.goto("/")
    assert version(another) == site.app
    another.close()

    notice.get_by_role("button", name="Update").click()
    expect(ann.page.locator(f'script[type=py][src^="{next_site.app}/"]')).to_be_attached(timeout=60_000)
    ann.wait_until_ready()
    expect(update_notice(ann.page)).to_be_hidden()
    assert ann.page.evaluate("caches.keys().then(keys => keys.length)") == 1
    # Another tab of the same person goes on with what it has, until the person takes it there, too.
    assert version(other_tab.page) == site.app
    update_notice(other_tab.page).get_by_role("button", name="Update").click()
    expect(other_tab.page.locator(f'script[type=py][src^="{next_site.app}/"]')).to_be_attached(timeout=60_000)


@in_chromium
def test_an_update_can_be_left_for_later(
    browser: Browser, open_context: OpenContext, host: Host, site: Site, next_site: Site
) -> None:
    page = open_kept(browser, open_context).page
    host.stop()
    host.start(next_site.path)
    look_for_update(page)
    notice = update_notice(page)
    expect(notice).to_be_visible(timeout=60_000)
    notice.get_by_role("button", name="Not now").click()
    expect(notice).to_be_hidden()
    assert version(page) == site.app
    # It is taken when no page is open any more.
    context = page.context
    page.close()
    page = context.new_page()
    page.goto("/")
    assert version(page) == next_site.app


@in_chromium
def test_a_page_that_stays_open_looks_for_updates_by_itself(
    browser: Browser, open_context: OpenContext, host: Host, next_site: Site
) -> None:
    page = open_context(browser, service_workers="allow").new_page()
    page.clock.install()
    page.goto("/")
    Person(page).wait_until_ready()
    wait_until_kept(page)
    host.stop()
    host.start(next_site.path)
    expect(update_notice(page)).to_be_hidden()
    page.clock.fast_forward("01:00:01")
    expect(update_notice(page)).to_be_visible(timeout=60_000)


@in_chromium
def test_a_version_of_which_a_file_is_not_what_it_should_be_is_not_taken(
    browser: Browser, open_context: OpenContext, host: Host, next_site: Site, tmp_path: Path
) -> None:
    person = open_kept(browser, open_context)
    before = person.page.evaluate("caches.keys()")
    mixed = tmp_path / "site"
    shutil.copytree(next_site.path, mixed)
    for path in (mixed / next_site.app).glob("style.css*"):
        path.unlink()
    (mixed / next_site.app / "style.css").write_text("body { display: none }")
    host.stop()
    host.start(mixed)
    states = person.page.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.ready;
            const found = new Promise(found => registration.addEventListener("updatefound", found, { once: true }));
            await registration.update();
            await found;
            const worker = registration.installing;
            await new Promise(done => worker.addEventListener("statechange", done, { once: true }));
            return [worker.state, Boolean(registration.waiting)];
        }"""
    )
    assert states == ["redundant", False]
    assert person.page.evaluate("caches.keys()") == before
    expect(update_notice(person.page)).to_be_hidden()


FORGET = """async end => {
    const cache = await caches.open((await caches.keys())[0]);
    const lost = (await cache.keys()).filter(({ url }) => url.endsWith(end));
    await Promise.all(lost.map(request => cache.delete(request)));
    return lost.length;
}"""


def forget(page: Page, file: str) -> None:
    """Take a file from the cache of the service worker, and from the browser's own, which would give it back."""
    assert page.evaluate(FORGET, file) == 1
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")


IS_KEPT = (
    "async end => (await (await caches.open((await caches.keys())[0])).keys()).some(({ url }) => url.endsWith(end))"
)


@in_chromium
def test_what_the_browser_has_thrown_away_is_brought_back(
    browser: Browser, open_context: OpenContext, host: Host
) -> None:
    person = open_kept(browser, open_context)
    for file in ("boot.js", "memory.bin"):
        forget(person.page, file)
    person.again()
    expect(person.page.locator("html")).to_have_attribute("data-python", "restored")
    assert person.page.evaluate(IS_KEPT, "boot.js")
    host.stop()
    person.again()


@in_chromium
def test_what_is_loaded_when_it_is_needed_is_kept_from_then_on(
    browser: Browser, open_context: OpenContext, host: Host
) -> None:
    person = open_kept(browser, open_context)
    names, load = ("pygments/pygments.zip", "emojibase/emoji.txt"), "async name => (await loadVendor(name)).byteLength"
    assert not any(person.page.evaluate(IS_KEPT, name) for name in names)
    person.again()  # from now on by way of the service worker
    sizes = [person.page.evaluate(load, name) for name in names]
    assert all(person.page.evaluate(IS_KEPT, name) for name in names)
    host.stop()
    assert [person.page.evaluate(load, name) for name in names] == sizes
    assert min(sizes) > 0


@in_chromium
@pytest.mark.parametrize("file", ["boot.js", "python.mjs"])
def test_a_version_that_cannot_be_made_whole_again_gives_way(
    browser: Browser, open_context: OpenContext, host: Host, next_site: Site, file: str
) -> None:
    person = open_kept(browser, open_context)
    page = person.page
    forget(page, file)
    host.stop()
    host.start(next_site.path)
    page.reload()
    expect(page.get_by_role("alert").first).to_have_text(
        "pychat could not be loaded. Check your connection, then reload the page."
    )
    person.again()
    assert version(page) == next_site.app


@in_chromium
def test_it_can_be_installed(page: Page) -> None:
    page.route("**/vendor-*/**", lambda route: route.abort())
    page.goto("/")
    link = page.locator("link[rel=manifest]")
    address = str(link.evaluate("link => link.href"))
    answer = page.request.get(address)
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["name"], manifest["display"], manifest["start_url"]) == ("pychat", "standalone", "./")
    purposes = {icon.get("purpose", "any") for icon in manifest["icons"]}
    assert purposes == {"any", "maskable"}
    for icon in manifest["icons"]:
        image = page.request.get(address.replace("manifest.webmanifest", icon["src"]))
        assert image.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            assert icon["sizes"] == size_of(image)


def size_of(image: APIResponse) -> str:
    """Width and height of a PNG (W3C PNG, section 11.2.1)."""
    width, height = struct.unpack(">II", image.body()[16:24])
    return f"{width}x{height}"


@pytest.mark.parametrize(
    ("browser_name", "signs"),
    [("chromium", ["%23", "%2523", "index.html%23", "?fbclid=x%23"]), ("firefox", ["?fbclid=x%2523"])],
    indirect=["browser_name"],
)
def test_a_link_whose_hash_was_encoded_is_put_right_before_any_server_sees_it(
    browser: Browser, open_context: OpenContext, host: Host, server: str, signs: list[str]
) -> None:
    page = open_kept(browser, open_context).page
    host.stop()
    for encoded in signs:
        page.goto(f"/{encoded}Fnosecret?utm_source=x")
        expect(page.locator("html")).to_have_attribute("data-python", "restored")
        address = page.evaluate("performance.getEntriesByType('navigation')[0].name")
        assert address.partition("#")[0] == f"{server}/", encoded
