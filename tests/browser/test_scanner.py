"""QR codes from screen to camera: one page draws what the camera of another one sees.

Chromium takes a file for its camera; what is in it is drawn from the path that the page has drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
import segno
from playwright.sync_api import BrowserContext, Locator, Page, Playwright, expect

from tests.browser.conftest import OPTIONS, OpenContext, Watch, in_chromium
from tests.browser.people import Person
from tests.browser.test_access import expect_accessible, expect_fits
from tests.browsers import BrowserName, launch
from tests.friend import MakeFriend

WIDTH, HEIGHT = 960, 720


class SeenBy(Protocol):
    def __call__(self, camera: Path) -> Person: ...


def film(path: Path, dark: set[tuple[int, int]], size: int) -> None:
    """Write a film of two pictures of a QR code (YUV4MPEG2, 4:2:0)."""
    scale = HEIGHT // size
    left, top = (WIDTH - size * scale) // 2, (HEIGHT - size * scale) // 2
    luma = bytearray(b"\xeb" * (WIDTH * HEIGHT))
    for x, y in dark:
        for row in range(top + y * scale, top + (y + 1) * scale):
            start = row * WIDTH + left + x * scale
            luma[start : start + scale] = b"\x10" * scale
    picture = b"FRAME\n" + bytes(luma) + b"\x80" * (WIDTH * HEIGHT // 2)
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420\n".encode() + picture * 2)


def film_text(path: Path, text: str) -> None:
    matrix = segno.make(text, error="m", micro=False).matrix
    film(path, {(x + 4, y + 4) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}, len(matrix) + 8)


def film_screen(path: Path, picture: Locator) -> None:
    """What a camera sees of a QR code that a page has drawn."""
    size = int((picture.get_attribute("viewBox") or "").split()[2])
    drawn = picture.locator("path").get_attribute("d") or ""
    film(path, {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn)}, size)


def note(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Scan a QR code").get_by_role("status")


@pytest.fixture
def seen_by(playwright: Playwright, open_context: OpenContext) -> Iterator[SeenBy]:
    """People in Chromium whose camera sees what is in a file."""
    with ExitStack() as stack:

        def make(camera: Path) -> Person:
            arguments = (
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            )
            browser = launch(playwright, "chromium", args=[*OPTIONS["chromium"].get("args", []), *arguments])
            stack.callback(browser.close)
            return Person.at(open_context(browser))

        yield make


def test_two_devices_connect_by_their_cameras_alone(seen_by: SeenBy, tmp_path: Path) -> None:
    before_ann, before_bob = tmp_path / "ann.y4m", tmp_path / "bob.y4m"
    film_text(before_ann, "https://example.org/menu")
    ann, bob = seen_by(before_ann), seen_by(before_bob)
    ann.make_invite()
    ann.page.locator('[data-part="invite-qr-fold"] summary').click()
    film_screen(before_bob, ann.page.get_by_role("img", name="QR code of the invite"))

    bob.button("Scan a QR code").click()
    expect(bob.reply).not_to_have_value("")
    bob.page.locator('[data-part="reply-qr-fold"] summary').click()
    film_screen(before_ann, bob.page.get_by_role("img", name="QR code of the reply"))

    ann.button("Scan a QR code").click()
    ann.expect_state("open")
    bob.expect_state("open")
    bob.say("no link, no server")
    ann.expect_messages("no link, no server")


def test_a_link_is_scanned_what_is_none_of_ours_is_said_and_the_camera_let_go(
    seen_by: SeenBy, friend: MakeFriend, tmp_path: Path
) -> None:
    bob, camera = friend("Bob"), tmp_path / "camera.y4m"
    link = bob.open_room()
    film_text(camera, "https://example.org/menu")
    ann = seen_by(camera)
    ann.button("Scan a QR code").click()
    expect(note(ann.page)).to_have_text("This QR code has no pychat link or code in it.")
    expect_accessible(ann.page)
    expect_fits(ann.page)
    stream = ann.page.locator("video").evaluate_handle("video => video.srcObject")
    ann.page.keyboard.press("Escape")
    ann.page.wait_for_function("stream => stream.getTracks().every(track => track.readyState === 'ended')", arg=stream)
    assert ann.page.locator("video").evaluate("video => video.srcObject === null")
    assert ann.paste_box.input_value() == ""

    film_text(camera, link)
    ann.button("Scan a QR code").click()
    ann.expect_state("open")


def test_a_camera_that_is_granted_when_nobody_scans_any_more_is_let_go(seen_by: SeenBy, tmp_path: Path) -> None:
    film_text(tmp_path / "camera.y4m", "https://example.org/menu")
    ann = seen_by(tmp_path / "camera.y4m")
    ann.page.evaluate("""() => {
        const { mediaDevices } = navigator, ask = mediaDevices.getUserMedia.bind(mediaDevices);
        const granted = new Promise(grant => (globalThis.grant = grant));
        mediaDevices.getUserMedia = async wanted => {
            await granted;
            return (globalThis.stream = await ask(wanted));
        };
    }""")
    ann.button("Scan a QR code").click()
    ann.button("Cancel").click()
    expect(note(ann.page)).to_have_count(0)
    ann.page.evaluate("grant()")
    ann.page.wait_for_function("() => globalThis.stream?.getTracks().every(track => track.readyState === 'ended')")
    assert ann.page.locator("video").evaluate("video => video.srcObject === null")


@in_chromium
def test_a_camera_that_cannot_be_used_is_said_in_words(context: BrowserContext, friend: MakeFriend) -> None:
    def with_error(name: str) -> None:
        ann.page.evaluate(
            "name => navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name))", name
        )
        ann.button("Scan a QR code").click()

    ann = Person.at(context)
    for name, sentence in (
        ("NotAllowedError", "pychat may not use the camera."),
        ("NotFoundError", "This device has no camera"),
        ("NotReadableError", "Another program uses the camera."),
        ("AbortError", "The camera cannot be used here."),
    ):
        with_error(name)
        expect(note(ann.page)).to_contain_text(sentence)
        expect(ann.page.locator("video")).to_be_hidden()
        ann.button("Cancel").click()
    ann.paste(friend("Bob").open_room())  # nothing else was lost
    ann.expect_state("open")


def test_without_the_library_it_is_said_in_words(seen_by: SeenBy, watch: Watch, tmp_path: Path) -> None:
    watch.expect_errors = True
    film_text(tmp_path / "camera.y4m", "https://example.org/menu")
    ann = seen_by(tmp_path / "camera.y4m")
    ann.page.evaluate("delete globalThis.BarcodeDetector")
    ann.page.route("**/qr/decode.js", lambda route: route.abort())
    ann.button("Scan a QR code").click()
    expect(note(ann.page)).to_contain_text("The camera cannot be used here.")


def test_firefox_reads_with_the_library(playwright: Playwright, open_context: OpenContext) -> None:
    prefs: dict[str, Any] = {"media.navigator.streams.fake": True, "media.navigator.permission.disabled": True}
    browser_name: BrowserName = "firefox"
    browser = launch(playwright, browser_name, firefox_user_prefs=prefs)
    try:
        ann = Person.at(open_context(browser))
        with ann.page.expect_response("**/qr/decode.js"):
            ann.button("Scan a QR code").click()
        video = ann.page.locator("video")
        for _ in range(10):
            video.evaluate("video => new Promise(seen => video.requestVideoFrameCallback(() => seen()))")
        expect(note(ann.page)).to_contain_text("Hold the QR code")
        ann.button("Cancel").click()
        expect(video).to_be_hidden()
    finally:
        browser.close()
