"""Somebody who holds the way on which the codes travel replaces both of them, and sits in between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from playwright.sync_api import Page, expect

from pychat.core.codes.invite import Code, decode, encode
from pychat.core.webrtc.sdp import DescriptionKind, choose_candidates, parse_description, to_sdp
from pychat.ui import strings
from tests.browser.conftest import MakePerson, in_chromium
from tests.browser.people import CONNECT, Person, connect
from tests.friend import Friend, MakeFriend


class Swapper:
    """Two whole peers of pychat, one towards each of the two, under the name of the other one."""

    def __init__(self, friend: MakeFriend) -> None:
        self.to_ann = friend("Bob")
        self.to_bob = friend("Ann")

    def swap(self, ann: Person, invite: str, bob: Person | Friend) -> None:
        """Carry the codes between Ann, who has made an invite, and Bob: other ones."""
        self.to_bob.paste(bob.answer(self.to_bob.make_invite()))
        ann.paste(self.to_ann.answer(invite))
        for each in (bob, self.to_ann, self.to_bob):
            each.expect_state("open")


@in_chromium
def test_two_who_do_not_know_each_other_find_out_by_comparing(person: MakePerson, friend: MakeFriend) -> None:
    ann, bob = person("Ann"), person("Bob")
    swapper = Swapper(friend)
    swapper.swap(ann, ann.make_invite(), bob)
    ann.expect_state("open")
    ann.expect_other("Bob", "Not verified")
    bob.expect_other("Ann", "Not verified")
    ann_sees, bob_sees = ann.signs(), bob.signs()
    assert ann_sees == swapper.to_ann.signs
    assert ann_sees[:-1] != bob_sees[:-1]
    assert ann_sees[-1] != bob_sees[-1]
    for each in (ann, bob):
        each.say_mismatch()
        each.expect_state("closed")
        expect(each.status).to_contain_text("somebody may be listening in")


@in_chromium
def test_nothing_that_was_written_for_a_verified_person_reaches_the_swapper(
    person: MakePerson, friend: MakeFriend
) -> None:
    ann, bob = person("Ann"), friend("Bob")
    swapper = Swapper(friend)
    connect(ann, bob)
    ann.say_match()
    bob.leave()
    ann.expect_state("closed")
    ann.say("for Bob alone")
    ann.button("Invite again").click()
    swapper.swap(ann, ann.shown_invite(), bob)
    expect(ann.people).to_have_count(2, timeout=CONNECT)
    ann.people.last.click()
    expect(ann.warning).to_contain_text("This isn’t the Bob you verified", timeout=CONNECT)
    ann.expect_other("Bob", strings.WARNED)
    swapper.to_ann.say("it is me")
    ann.expect_messages("it is me")
    swapper.to_ann.expect_delivered()
    swapper.to_ann.hears()
    ann.people.first.click()
    ann.expect_other("Bob", "Verified")
    ann.expect_messages("for Bob alone")
    expect(ann.status).to_contain_text("Somebody else answered that invite")
    ann.say("this too")
    ann.people.last.click()
    ann.warning.get_by_role("button", name="Leave").click()
    ann.expect_state("closed")
    swapper.to_ann.expect_state("closed")
    swapper.to_ann.hears()
    ann.people.first.click()
    ann.button("Invite again").click()
    ann.paste(bob.answer(ann.shown_invite()))
    bob.hears("for Bob alone", "this too")


# Two ends of connections in plain JavaScript. What comes in at one goes out at the other.
LEGS = """() => {
    const begin = () => {
        const connection = new RTCPeerConnection();
        const channel = connection.createDataChannel("chat", {negotiated: true, id: 0});
        const waiting = [];
        channel.onopen = () => waiting.splice(0).forEach(data => channel.send(data));
        const send = data => channel.readyState === "open" ? channel.send(data) : waiting.push(data);
        const described = async () => {
            await new Promise(resolve => {
                const look = () => connection.iceGatheringState === "complete" && resolve();
                connection.onicegatheringstatechange = look;
                look();
            });
            return connection.localDescription.sdp;
        };
        return {connection, channel, send, described};
    };
    window.heard = [];
    const pass = (who, from, to) => {
        from.channel.onmessage = ({data}) => {
            window.heard.push([who, data]);
            to.send(data);
        };
    };
    window.toAnn = begin();
    window.toBob = begin();
    pass("Ann", toAnn, toBob);
    pass("Bob", toBob, toAnn);
}"""


class Relay:
    """A swapper that passes every frame on, word for word, so that each side sees the other one's key."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.goto("about:blank")
        page.evaluate(LEGS)

    def invite(self) -> str:
        """An invite for Bob."""
        sdp = self._page.evaluate("toBob.connection.setLocalDescription().then(toBob.described)")
        return encode(_code(DescriptionKind.OFFER, sdp))

    def take_reply(self, text: str) -> None:
        answer = to_sdp(decode(text).description)
        self._page.evaluate("sdp => toBob.connection.setRemoteDescription({type: 'answer', sdp})", answer)

    def answer(self, text: str) -> str:
        """A reply for Ann."""
        invite = decode(text)
        sdp = self._page.evaluate(
            """async sdp => {
                await toAnn.connection.setRemoteDescription({type: "offer", sdp});
                await toAnn.connection.setLocalDescription();
                return toAnn.described();
            }""",
            to_sdp(invite.description),
        )
        return encode(replace(_code(DescriptionKind.ANSWER, sdp), answers=invite.ref))

    def heard(self, who: str) -> list[str]:
        """The kinds of frames that this side has sent."""
        frames: list[list[Any]] = self._page.evaluate("heard.map(([name, data]) => [name, JSON.parse(data)[0]])")
        return [kind for name, kind in frames if name == who]


def _code(kind: DescriptionKind, sdp: str) -> Code:
    description = parse_description(kind, sdp)
    return Code(replace(description, candidates=choose_candidates(description.candidates)), None)


@in_chromium
def test_a_swapper_that_passes_every_frame_on_is_found_out_by_both_programs(person: MakePerson, page: Page) -> None:
    ann, bob = person("Ann"), person("Bob")
    relay = Relay(page)
    invite = ann.make_invite()
    ann.say("for Bob alone")
    relay.take_reply(bob.answer(relay.invite()))
    bob.say("for Ann alone")
    ann.paste(relay.answer(invite))
    for each in (ann, bob):
        each.expect_state("closed")
    expect(bob.status).to_contain_text("Not who they claim to be")
    assert relay.heard("Ann")[:2] == ["hello", "reveal"]
    assert relay.heard("Bob")[0] == "hello"
    assert not {"card", "entries"} & {*relay.heard("Ann"), *relay.heard("Bob")}
    for each in (ann, bob):
        expect(each.log.locator('article[data-state="waiting"]')).to_have_count(1)
        expect(each.badge).to_be_hidden()
