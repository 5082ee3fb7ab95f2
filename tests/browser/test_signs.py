"""The signs that two people compare: pictures of our own, whatever fonts there are."""

from __future__ import annotations

from playwright.sync_api import expect

from pychat.core.identity.safety import EMOJI
from tests.browser.conftest import MakePerson, in_chromium
from tests.browser.people import connect
from tests.friend import MakeFriend

DRAWN = """use => new Promise(drawn => {
    const look = () => use.getBBox().width > 0 ? drawn(true) : setTimeout(look, 50);
    look();
})"""


def test_signs_are_pictures_that_the_page_brings_along_when_they_are_shown(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann"), friend("Bob")
    asked: list[str] = []
    ann.page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    connect(ann, bob)
    assert "signs.svg" not in asked  # so a first visit does not wait for them
    signs = ann.open_verify().get_by_role("list", name="Signs").get_by_role("listitem")
    expect(signs).to_have_count(7)
    for sign in signs.all():
        picture = sign.get_by_role("img")
        assert (picture.get_attribute("aria-label"), sign.inner_text().strip()) in [tuple(emoji) for emoji in EMOJI]
        assert picture.locator("use").evaluate(DRAWN)


@in_chromium
def test_in_the_dark_signs_lie_on_something_light(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann", color_scheme="dark"), friend("Bob")
    connect(ann, bob)
    picture = ann.open_verify().get_by_role("list", name="Signs").get_by_role("img").first
    assert picture.evaluate("picture => getComputedStyle(picture).backgroundColor") == "rgb(255, 255, 255)"
