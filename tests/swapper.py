"""Somebody in the middle, who intercepts and replaces every code that two people exchange.

Theory of operation. Ann and Bob are two real cores over the network of `sim.py`, on which nothing goes wrong by itself
here. They meet up to three times: undisturbed, so that they know each other; with somebody in between; and undisturbed
again. The one in between has a leg to each of them. A leg is a real core too, which makes codes and connections of its
own, so the fingerprints on both legs differ; and a `Swapper` decides what becomes of each frame that comes or goes. The
plain one lets both cores talk as who they are. Others put frames of their own making, of the other leg or of an earlier
connection in their place, claim keys that they do not hold, or have got hold of the private key of a certificate, so
that DTLS takes them for one of the two.

What must be true is looked at after each turn of Ann and Bob; anything else is a `Breach`:

- Nobody is taken for somebody else: whoever is at the other end of an open link holds the key that it shows. So nothing
  that was meant for a contact is heard by others.
- The two ends of an open link agree on all that they have seen, and no two links on the same (injective agreement:
  Lowe, “A hierarchy of authentication specifications”, 1997).
- Two people with somebody in between do not see the same signs, and so verify nobody.
- Whoever goes by the name of somebody known is warned of before anything is sent.

In the end everything that was written to somebody has arrived there, and nobody has given a false alarm.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from pychat.core import effects, events, wire
from pychat.core.chat.conversation import Chat, Conversation, Introduction
from pychat.core.codes.invite import Code, decode, encode
from pychat.core.handshake import Handshake, Role
from pychat.core.identity.lookalike import skeleton
from pychat.core.identity.safety import ShortString, short_string
from pychat.core.ids import ChatId, LinkId, PublicKey
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.webrtc.sdp import Candidate, CandidateKind, Description, DescriptionKind, to_sdp
from pychat.ui import strings
from tests.core.people import heeded
from tests.sim import ALARMS, End, Someone, World

HANDSHAKE = ("hello", "reveal", "proof")
LOOKALIKES = {"Ann": ("Ann", "ann", "Änn", "Аnn", "An\u200bn"), "Bob": ("Bob", "B0b", "Воb", "bob\u3164")}
ELSEWHERE = Candidate(CandidateKind.RELAYED, "198.51.100.66", 3478)


class Breach(AssertionError):
    """Somebody in the middle has got what they must not get."""


class Seen(NamedTuple):
    """All that one side of a handshake has seen, and the other must have seen likewise."""

    invite: bytes
    inviter_fingerprint: bytes
    replier_fingerprint: bytes
    inviter_versions: tuple[int, ...]
    replier_versions: tuple[int, ...]
    inviter: PublicKey
    replier: PublicKey
    inviter_nonce: bytes
    replier_nonce: bytes


def seen_by(handshake: Handshake) -> Seen:
    """What this side has seen, once the peer has shown a key."""
    assert handshake.peer is not None
    ours = handshake._versions, handshake._key, handshake._nonce
    theirs = handshake._their_versions, handshake.peer, handshake._their_nonce
    inviter, replier = (ours, theirs) if handshake.role is Role.INVITER else (theirs, ours)
    bound = handshake._binding
    prints = bound.invite, bound.inviter_fingerprint, bound.replier_fingerprint
    return Seen(*prints, inviter[0], replier[0], inviter[1], replier[1], inviter[2], replier[2])


def signs_on(link: Link) -> ShortString:
    assert link.authenticated is not None
    return short_string(link.authenticated.transcript)


def items_of(data: str) -> list[object]:
    """What is in a frame."""
    items = json.loads(data)
    assert isinstance(items, list)
    return items


def kind_of(data: str) -> str:
    return str(items_of(data)[0])


# The two, and the world in which they meet.


class Scene(World):
    """Two people who meet.

    Args:
        seed: of everything that is left to chance.
        swapper: who sits in between; None is nobody.
    """

    people: list[Someone]

    def __init__(self, seed: int, swapper: type[Swapper] | None = None) -> None:
        super().__init__(seed)
        self.healed = True  # the network does its part
        self.attack: Swapper | None = None
        """Whoever is at work now."""
        self.claims: set[tuple[PublicKey, Role, Seen]] = set()
        """What anybody has seen of a handshake whose end they may not have reached."""
        self.agreed: Counter[tuple[PublicKey, Role, Seen]] = Counter()
        self.overheard: list[tuple[Leg, str]] = []
        self.said_before: dict[PublicKey, list[str]] = {}
        """What each of the two said before anybody was in between."""
        self.first_invite = ""
        self.swapper = swapper(self) if swapper is not None else None

    def _gather(self) -> list[Someone]:
        self.ann, self.bob = Victim(self, 0, "Ann"), Victim(self, 1, "Bob")
        return [self.ann, self.bob]

    @property
    def both(self) -> tuple[Victim, Victim]:
        return self.ann, self.bob

    def other(self, one: Someone) -> Victim:
        return self.bob if one is self.ann else self.ann

    def run(self) -> None:
        swapper = self.swapper
        if self.random.random() < 0.7 or (swapper is not None and swapper.replays):
            self.meet(self.ann)
            if self.random.random() < 0.5:
                self.compare()
            self.part()
        if swapper is not None:
            self.attack = swapper
            self.meet(self.ann if swapper.replays else self.random.choice(self.both))
            swapper.check_at_once()
            for _ in range(self.random.choice((0, 1, 2))):
                self.compare()
                self._live_until(self.now + 20)
            self._live_until(self.now + 30)  # nobody's patience is longer
            self.part()
            self.attack = None
            swapper.check_that_it_has_tried()
        self.meet_at_last()

    def meet(self, inviter: Victim, chat: Chat | None = None) -> None:
        """Let one invite the other, and both write before, meanwhile and afterwards."""
        chat = chat or inviter.chat_with(self.other(inviter))
        for victim in self.both:
            for _ in range(self.random.randint(1, 3)):
                self.later(self.random.choice((0.001, 2, 15)) * self.random.random(), victim.writes)
        inviter.acts(events.CreateInvite(chat.id if chat is not None else None))
        self._live_until(self.now + 45)

    def part(self) -> None:
        """End every link; then some start their program anew, unless something that they wrote would be lost."""
        for victim in self.both:
            for link in list(victim.node.links.by_id.values()):
                if link.phase is not LinkPhase.CLOSED:
                    assert link.chat is not None
                    victim.acts(events.LeaveConversation(link.chat))
        self._live_until(self.now + 5)
        for victim in self.both:
            if self.random.random() < 0.3 and not victim.has_something_to_send:
                victim.starts_anew()

    def compare(self) -> None:
        """Both say what signs they see, of the link on which each believes to talk with the other."""
        links = self.ann.link_to_compare(), self.bob.link_to_compare()
        match = False
        if links[0] is not None and links[1] is not None:
            match = signs_on(links[0]) == signs_on(links[1])
            ends = self.ann.ends[links[0].id], self.bob.ends[links[1].id]
            if match and not self._is_one_link(*ends):
                raise Breach("the signs are alike although somebody is in between")
            assert match or not self._is_one_link(*ends), "the signs differ although nobody is in between"
        for victim, link in zip(self.both, links, strict=True):
            if link is not None and link.peer is not None:
                chat = victim.node.chats.conversation(link.chat)
                assert chat is not None
                victim.acts(events.ReportComparison(chat.id, link.peer, chat.peer_name, match))

    def _is_one_link(self, one: End, other: End) -> bool:
        assert one.connection is not None
        straight = one.connection.other(one) is other
        return straight or (self.swapper is not None and self.swapper.holds_both_certificates)

    def meet_at_last(self) -> None:
        """Meet undisturbed, until all that was written to the other one, or to whoever comes, has arrived."""
        self.meet(self.random.choice(self.both))
        while waiting := [(victim, chat) for victim in self.both if (chat := victim.unfinished_chat()) is not None]:
            self.meet(*waiting[0])
        for victim in self.both:
            victim.check_who_the_other_is()
        self.compare()
        self._live_until(self.now + 20)
        for victim in self.both:
            contact = victim.node.people.contacts.get(self.other(victim).key)
            assert contact is not None
            assert contact.verified
            victim.check_that_all_arrived()
        for leg, text in self.overheard:
            if self.written[text].to not in (None, leg.key):
                raise Breach("what was written to somebody else was heard in the middle")

    # What a world does, with somebody in between.

    def hand_over(self, giver: Someone, link: Link) -> None:
        if isinstance(giver, Leg):
            self.paste(giver.victim, link.code)
        elif self.attack is None:
            self.first_invite = self.first_invite or link.code
            self.paste(self.other(giver), link.code)
        elif link.role is Role.INVITER:
            self.attack.take_invite(giver, link.code)
        else:
            self.attack.take_reply(giver, link.code)

    def paste(self, receiver: Someone, code: str) -> None:
        """Let somebody paste a code, after a while."""
        self.later(self.random.uniform(0.1, 2), lambda: receiver.acts(events.PasteCode(code)))

    def describe(self, end: End, kind: DescriptionKind) -> None:
        copied = end.owner.copies if isinstance(end.owner, Leg) else None
        if copied is None:
            super().describe(end, kind)
            return
        sdp = to_sdp(copied)
        self.take_description(end, sdp)
        self.tell(end, events.LocalDescriptionReady(end.link, sdp), 0)
        self.tell(end, events.GatheringFinished(end.link), 0)

    def _fit(self, end: End, other: End) -> bool:
        """A leg reaches its victim only, and whoever is attacked reaches nobody but the legs."""
        for one, there in ((end.owner, other.owner), (other.owner, end.owner)):
            if isinstance(one, Leg) and one.victim is not there:
                return False
        through = not isinstance(end.owner, Leg) and not isinstance(other.owner, Leg)
        return super()._fit(end, other) and not (through and self.attack is not None and self.attack.cuts)

    def send(self, end: End, data: str) -> None:
        if self.attack is None:
            self.said_before.setdefault(end.owner.key, []).append(data)
        super().send(end, data)


class Victim(Someone):
    """One of the two."""

    world: Scene

    def __init__(self, world: Scene, number: int, name: str) -> None:
        self.endings: dict[tuple[int, LinkId], CloseReason | None] = {}
        """Of each link that somebody in between has touched: why it has ended, or None while it has not."""
        self._counted: set[tuple[int, LinkId]] = set()
        self._heeded: set[tuple[int, ChatId]] = set()
        super().__init__(world, number, name)

    # What they do.

    def _carry_out(self, effect: effects.Effect) -> None:
        if isinstance(effect, effects.OpenConnection) and self.world.attack is not None:
            self.endings[self._life, effect.link] = None
        if not isinstance(effect, effects.OfferCodeToTabs | effects.TellTabsCodeTaken):  # there are no other tabs
            super()._carry_out(effect)

    def _read_warnings(self) -> None:
        """Go on in spite of a warning, or never."""
        for conversation in self.node.chats.conversations():
            if conversation.warning is not None and conversation.id not in self._warned:
                self._warned.add(conversation.id)
                if self.world.random.random() < 0.4:
                    heed = partial(self._heed, self._life, conversation.id)
                    self.world.later(self.world.random.uniform(0, 10), heed)

    def _heed(self, life: int, about: ChatId) -> None:
        if life == self._life:
            self._heeded.add((life, about))
            conversation = self.node.chats.conversation(about)
            if conversation is not None and conversation.warning is not None:
                self.acts(heeded(conversation))

    def link_to_compare(self) -> Link | None:
        """The newest link on which somebody is there."""
        links = [link for link in self.node.links.by_id.values() if link.peer and link.phase is not LinkPhase.CLOSED]
        return links[-1] if links else None

    @property
    def has_something_to_send(self) -> bool:
        return any(chat.undelivered for chat in self.node.chats.listed())

    def unfinished_chat(self) -> Chat | None:
        """A chat that waits for somebody to come, with something to say to them."""
        chats = self.node.chats.listed()
        return next((chat for chat in chats if isinstance(chat, Introduction) and chat.timeline), None)

    # What must always be true.

    def _check(self) -> None:
        super()._check()
        for contact in self.node.people.contacts:
            if contact.verified and contact.key != self.world.other(self).key:
                raise Breach("somebody in between is verified")

    def _check_who_is_there(self, link: Link) -> None:
        place = self._life, link.id
        if place in self.endings:
            self.endings[place] = link.close_reason
            assert link.close_reason is None or strings.ENDINGS[link.close_reason]
            assert link.close_reason is not CloseReason.FAILED_HERE, link.detail
        else:
            assert link.close_reason not in ALARMS, f"a false alarm: {link.close_reason}, {link.detail}"
        if link.handshake is not None and link.handshake.peer is not None:
            self.world.claims.add((self.key, link.role, seen_by(link.handshake)))
        if link.peer is None or place in self._counted:
            return
        self._counted.add(place)
        end = self.ends[link.id]
        assert end.connection is not None
        there, swapper = end.connection.other(end).owner, self.world.swapper
        through = isinstance(there, Leg) and swapper is not None and swapper.holds_both_certificates
        if not through and link.peer != there.key:
            raise Breach("somebody is taken for somebody else")
        if link.peer in {victim.key for victim in self.world.both}:
            self._check_that_they_agree(link)

    def _check_that_they_agree(self, link: Link) -> None:
        assert link.handshake is not None
        assert link.peer is not None
        seen = seen_by(link.handshake)
        opposite = Role.REPLIER if link.role is Role.INVITER else Role.INVITER
        if (link.peer, opposite, seen) not in self.world.claims:
            raise Breach("the two ends have not seen the same")
        self.world.agreed[self.key, link.role, seen] += 1
        if self.world.agreed[self.key, link.role, seen] > 1:
            raise Breach("two links agree on the same")

    def _check_conversation(self, conversation: Chat, peer: Someone | None) -> None:
        if not isinstance(peer, Leg):  # who may write what they want
            super()._check_conversation(conversation, peer)
            return
        for author, number, entry in conversation.timeline:
            if author == conversation.own_log:
                self.world.entries[author, number] = entry.text

    def _check_that_it_arrived(self, mine: list[str], conversation: Chat, peer: Someone) -> None:
        if not isinstance(peer, Leg):
            super()._check_that_it_arrived(mine, conversation, peer)

    def _note_what_is_in_flight(self, end: End, link: Link, data: str) -> None:
        super()._note_what_is_in_flight(end, link, data)
        assert end.connection is not None
        assert link.peer is not None
        if not isinstance(end.connection.other(end).owner, Leg) or link.peer == self.world.other(self).key:
            return
        conversation = self.node.chats.conversation(link.chat)
        assert conversation is not None
        if self._passes_for_somebody(link.peer, conversation) and (self._life, conversation.id) not in self._heeded:
            raise Breach("something is sent to somebody with a name that is known, without a warning")

    def _passes_for_somebody(self, key: PublicKey, conversation: Conversation) -> bool:
        looks = skeleton(conversation.peer_name)
        return bool(looks) and any(skeleton(c.name) == looks for c in self.node.people.contacts if c.key != key)

    def check_who_the_other_is(self) -> None:
        """They are connected, and a warning is there only where there is somebody of that name whom one may mean."""
        other = self.world.other(self)
        chat, contact = self.chat_with(other), self.node.people.contacts.get(other.key)
        assert chat is not None
        assert contact is not None
        link = self.node.links.of(chat)
        assert link is not None
        assert link.phase is LinkPhase.OPEN, f"{self} is not connected: {link.close_reason}, {link.detail}"
        if chat.warning is not None:
            assert not contact.verified, "a false warning"
            assert self._passes_for_somebody(other.key, chat), "a false warning"


# The one in between.


class Leg(Someone):
    """The side of the one in between that a victim sees: a core of its own, of which a swapper decides what is heard.

    Args:
        claims: the key that it shows, if not its own.
    """

    world: Scene

    def __init__(
        self, swapper: Swapper, victim: Someone, number: int, name: str, claims: PublicKey | None = None
    ) -> None:
        self.swapper = swapper
        self.victim = victim
        self.claims = claims
        self.copies: Description | None = None
        """The description that it shows instead of one of its own: it holds the private key of that certificate."""
        self.heard: list[str] = []
        self.said: list[str] = []
        self._to_say: list[str] = []
        super().__init__(swapper.scene, number, name)
        self.world.by_key[self.key] = self

    @property
    def _shown_key(self) -> PublicKey:
        return self.claims or self.key

    @property
    def link(self) -> Link | None:
        return next(reversed(self.node.links.by_id.values()), None)

    def say(self, *frames: str) -> None:
        """Send to the victim what the core may know nothing of, as soon as the channel is open."""
        self._to_say += frames
        for end in self.ends.values():
            if end.opened and not end.closed:
                for data in self._to_say:
                    self.world.send(end, data)
                self.said += self._to_say
                self._to_say.clear()

    def forward(self, text: str) -> None:
        """Pass on what the other victim has written."""
        chat = next(iter(self.node.chats.conversations()), None)
        if chat is not None and not chat.validate(text):
            self.acts(events.WriteMessage(chat.id, text))

    def hears(self, end: End, event: events.Event) -> None:
        if not isinstance(event, events.FrameReceived) or end.closed:
            super().hears(end, event)
            self.say()
            return
        self.heard.append(event.data)
        for data in self.swapper.incoming(self, event.data):
            super().hears(end, events.FrameReceived(event.link, data))

    def take(self, data: str) -> None:
        """Give the core a frame that was withheld."""
        for end in self.ends.values():
            super().hears(end, events.FrameReceived(end.link, data))

    def _carry_out(self, effect: effects.Effect) -> None:
        if not isinstance(effect, effects.SendFrame):
            super()._carry_out(effect)
            return
        self.say(*self.swapper.outgoing(self, effect.data))

    def _set_keys_to_work(self, end: End, effect: effects.Effect) -> None:
        result: events.Event
        match effect:
            case effects.DrawNonce(link):
                self.swapper.begins(self)
                result = events.NonceDrawn(link, self.keys.nonce())
            case effects.Sign(link, data):
                result = events.Signed(link, self.swapper.sign(self, data))
            case _:
                result = events.Verified(end.link, True)  # it does not care
        self.world.later(0.01, lambda: Someone.hears(self, end, result))

    def _check(self) -> None:
        pass

    def _check_what_is_sent(self, end: End, data: str) -> None:
        pass

    def _read_warnings(self) -> None:
        pass


class Swapper:
    """Talks to both, as who it is, under any name, and passes on what they write.

    The leg that is `near` faces whoever invites, the `far` one whoever replies.
    """

    replays = False
    """Whether Ann, who has invited once, is what it pretends to be, with what it has of that time."""
    holds_both_certificates = False
    """Whether it holds the keys of both, so that DTLS hides nothing from it."""
    cuts = True
    """Whether nothing gets from one to the other but through it."""
    typical: tuple[CloseReason, ...] = (CloseReason.NO_MATCH, CloseReason.LEFT)
    """What the links that it touches end of, among others, if it gets to do what it is for."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.random = scene.random
        self.numbers = (10, 10) if self.random.random() < 0.3 else (10, 11)  # of its identities
        self.near: Leg | None = None
        self.far: Leg | None = None
        self.invite = ""

    # The codes.

    def take_invite(self, giver: Someone, code: str) -> None:
        """Whoever gave it was to get a reply; here come the legs into being."""
        self.invite = code
        self.near = self.make_leg(giver, self.numbers[0])
        self.far = self.make_leg(self.whom_to_invite(giver), self.numbers[1])
        self.connect(self.near, self.far)

    def whom_to_invite(self, giver: Someone) -> Someone:
        return self.scene.other(giver)

    def make_leg(self, victim: Someone, number: int) -> Leg:
        name = self.random.choice((*LOOKALIKES[self.scene.other(victim).node.messaging.name], "", "Mallory"))
        return Leg(self, victim, number, name, self.key_to_claim(victim))

    def key_to_claim(self, victim: Someone) -> PublicKey | None:
        return None

    def connect(self, near: Leg, far: Leg) -> None:
        self.scene.paste(near, self.invite)
        far.acts(events.CreateInvite())

    def take_reply(self, giver: Someone, code: str) -> None:
        assert self.far is not None
        self.scene.paste(self.far, code)

    # The frames.

    @property
    def legs(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in (self.near, self.far) if leg is not None)

    def across(self, leg: Leg) -> Leg:
        assert self.near is not None
        assert self.far is not None
        return self.far if leg is self.near else self.near

    def begins(self, leg: Leg) -> None:
        """The channel has opened."""

    def incoming(self, leg: Leg, data: str) -> Iterable[str]:
        """What the leg's core hears of a frame that has come."""
        self.overhear(leg, data)
        return (data,)

    def outgoing(self, leg: Leg, data: str) -> Iterable[str]:
        """What the victim hears of a frame that the leg's core sends."""
        return (data,)

    def sign(self, leg: Leg, data: bytes) -> bytes:
        """The signature that the leg shows."""
        return leg.keys.sign(data)

    def overhear(self, leg: Leg, data: str) -> None:
        """Note what was written, and pass it on."""
        frame = wire.decode(data)
        if isinstance(frame, wire.Entries) and not self.holds_both_certificates:
            for entry in frame.entries:
                self.scene.overheard.append((leg, entry.text))
                self.across(leg).forward(entry.text)

    # What must be true of it.

    def check_at_once(self) -> None:
        """Look at what has come of it before anybody compares anything."""

    def check_that_it_has_tried(self) -> None:
        assert any(leg.heard or leg.said for leg in self.legs), "it has attacked nobody"

    def check_that_nobody_talks(self) -> None:
        """Every link that it has touched is closed, and nothing that was written has left."""
        for victim in self.scene.both:
            assert None not in victim.endings.values(), "a link is still there"
        if self.scene.overheard:
            raise Breach("something was heard in the middle")


# How it may go about it.


class Relay(Swapper):
    """Passes every frame from one leg to the other, and says nothing itself."""

    typical = (CloseReason.NOT_PROVED, CloseReason.PEER_LEFT)

    def incoming(self, leg: Leg, data: str) -> Iterable[str]:
        self.overhear(leg, data)
        self.across(leg).say(data)
        return ()

    def outgoing(self, leg: Leg, data: str) -> Iterable[str]:
        return ()

    def overhear(self, leg: Leg, data: str) -> None:
        if kind_of(data) == "entries" and not self.holds_both_certificates:
            raise Breach("what was written is passed on in the middle")

    def check_at_once(self) -> None:
        self.check_that_nobody_talks()


class InvitersCertificate(Relay):
    """The same with the key of the inviter's certificate, so that the invite can stay as it is."""

    def connect(self, near: Leg, far: Leg) -> None:
        far.copies = decode(self.invite).description
        super().connect(near, far)

    def check_that_it_has_tried(self) -> None:
        assert self.far is not None
        assert self.far.link is not None
        assert self.far.link.code == self.invite
        super().check_that_it_has_tried()


class RepliersCertificate(Relay):
    """The same with the key of the replier's certificate."""

    def connect(self, near: Leg, far: Leg) -> None:
        far.acts(events.CreateInvite())

    def take_reply(self, giver: Someone, code: str) -> None:
        assert self.near is not None
        self.near.copies = decode(code).description
        self.scene.paste(self.near, self.invite)
        super().take_reply(giver, code)


class TalkingDown(InvitersCertificate, RepliersCertificate):
    """Holds the keys of both certificates, passes the codes on as they are, and changes the versions in the greetings.

    Nothing of what is said is hidden from it; but no two may connect who were told different things.
    """

    holds_both_certificates = True

    def connect(self, near: Leg, far: Leg) -> None:
        far.copies = decode(self.invite).description
        far.acts(events.CreateInvite())

    def incoming(self, leg: Leg, data: str) -> Iterable[str]:
        items = items_of(data)
        if items[0] == "hello" and (leg is self.near or self.random.random() < 0.5):
            items[1] = self.random.choice(([1], [2], [1, 2], [2, 1, 1], [3, 2, 1]))
            data = json.dumps(items)
        return super().incoming(leg, data)


class AlteredInvite(Swapper):
    """Changes in the invite where its maker can be reached, and nothing else, to have what is said pass by."""

    cuts = False
    typical = (CloseReason.NOT_PROVED, CloseReason.PEER_LEFT)

    def take_invite(self, giver: Someone, code: str) -> None:
        self.invite = code
        altered = replace(decode(code).description, candidates=(ELSEWHERE,))
        self.scene.paste(self.scene.other(giver), encode(Code(altered)))

    def take_reply(self, giver: Someone, code: str) -> None:
        reply = Code(decode(code).description, decode(self.invite).ref)
        self.scene.paste(self.scene.other(giver), encode(reply))

    def check_at_once(self) -> None:
        self.check_that_nobody_talks()

    def check_that_it_has_tried(self) -> None:
        assert all(victim.endings for victim in self.scene.both)


class Mirror(Relay):
    """Gets both an invite and a reply of the same person, and joins them with themselves."""

    def whom_to_invite(self, giver: Someone) -> Someone:
        return giver


class Reflection(Swapper):
    """Sends back whatever it hears, with or without words of its own."""

    typical = (CloseReason.BROKE_PROTOCOL,)

    def incoming(self, leg: Leg, data: str) -> Iterable[str]:
        leg.say(data)
        return super().incoming(leg, data)

    def outgoing(self, leg: Leg, data: str) -> Iterable[str]:
        return (data,) if self.random.random() < 0.5 else ()


class Claim(Swapper):
    """Claims the key of the one whom each victim wants to talk to, and signs with whatever there is."""

    typical = (CloseReason.NOT_PROVED,)

    def key_to_claim(self, victim: Someone) -> PublicKey | None:
        return self.scene.other(victim).key

    def sign(self, leg: Leg, data: bytes) -> bytes:
        heard = [frame.signature for frame in self._heard() if isinstance(frame, wire.Reveal | wire.Proof)]
        return self.random.choice((leg.keys.sign(data), bytes(64), *heard))

    def _heard(self) -> Iterator[wire.Frame]:
        return (wire.decode(data) for leg in self.legs for data in leg.heard)

    def check_at_once(self) -> None:
        self.check_that_nobody_talks()


class SameIdentity(Swapper):
    """Claims each victim's own key, and shows them their own signature."""

    typical = (CloseReason.NOT_PROVED,)

    def key_to_claim(self, victim: Someone) -> PublicKey | None:
        return victim.key

    def sign(self, leg: Leg, data: bytes) -> bytes:
        for heard in leg.heard:
            frame = wire.decode(heard)
            if isinstance(frame, wire.Reveal):
                return frame.signature
        return leg.keys.sign(data)

    def check_at_once(self) -> None:
        self.check_that_nobody_talks()


class Replay(Swapper):
    """Gives out an old invite of Ann's, and says what she said over it, once; it may even have her certificate's key.

    Bob's stack keeps its own certificate, so that his connection too is the same as it was then.
    """

    replays = True
    typical = (CloseReason.NOT_PROVED,)

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.has_everything = self.random.random() < 0.5
        scene.bob.certificate = self.random.randbytes(32)

    def connect(self, near: Leg, far: Leg) -> None:
        if self.has_everything:
            far.copies = decode(self.scene.first_invite).description
        super().connect(near, far)

    def outgoing(self, leg: Leg, data: str) -> Iterable[str]:
        old = self.scene.said_before[self.scene.other(leg.victim).key]
        return [frame for frame in old if kind_of(frame) == kind_of(data)][:1]

    def check_at_once(self) -> None:
        self.check_that_nobody_talks()


class ExchangedRoles(Swapper):
    """Takes the inviter's part where it has replied, and the replier's where it has invited."""

    typical = (CloseReason.BROKE_PROTOCOL, CloseReason.NO_GREETING)

    def begins(self, leg: Leg) -> None:
        link = leg.link
        assert link is not None
        assert link.handshake is not None
        role = Role.REPLIER if link.role is Role.INVITER else Role.INVITER
        link.handshake = Handshake(link.id, role, leg.key, link.handshake._binding, wire.VERSIONS)

    def check_at_once(self) -> None:
        if self.scene.overheard:
            raise Breach("something was heard in the middle")


class TwiceGreeting(Swapper):
    """Greets the inviter a second time, with the key of the one they want to talk to, where its proof should come."""

    typical = (CloseReason.BROKE_PROTOCOL,)

    def outgoing(self, leg: Leg, data: str) -> Iterable[str]:
        if kind_of(data) != "proof":
            return (data,)
        return (wire.encode(wire.Hello(wire.VERSIONS, (self.scene.other(leg.victim).key, self.random.randbytes(32)))),)


class Hasty(Swapper):
    """Does not wait for the handshake to end before it says something."""

    typical = (CloseReason.BROKE_PROTOCOL,)

    def outgoing(self, leg: Leg, data: str) -> Iterable[str]:
        if kind_of(data) not in HANDSHAKE:
            return (data,)
        log = "log-of-the-middle"
        early = ('["have",{}]', json.dumps(["introduce", log, "Bob"]), json.dumps(["entries", log, 1, [[1, "early"]]]))
        frames = [*early[: self.random.randint(1, 3)], data]
        self.random.shuffle(frames)
        return frames


class Guess(Swapper):
    """Tries nonces, in spite of its commitment, until the replier would see the signs that the inviter sees already."""

    typical = (CloseReason.NOT_PROVED, CloseReason.NO_MATCH)
    tries = 64

    def incoming(self, leg: Leg, data: str) -> Iterable[str]:
        if leg is not self.far or kind_of(data) != "hello":
            return super().incoming(leg, data)
        self._guess(leg, data, 20)
        return ()

    def _guess(self, far: Leg, data: str, patience: int) -> None:
        """Once the near leg is through, fix the nonce of the far one."""
        assert self.near is not None
        near, link, hello = self.near.link, far.link, wire.decode(data)
        if near is None or near.authenticated is None:
            if patience:
                self.scene.later(0.5, lambda: self._guess(far, data, patience - 1))
            return
        assert isinstance(hello, wire.Hello)
        assert link is not None
        handshake = link.handshake
        assert handshake is not None
        wanted = signs_on(near)
        handshake._their_versions, (handshake.peer, handshake._their_nonce) = hello.versions, hello.parts
        for _ in range(self.tries):
            handshake._nonce = self.random.randbytes(32)
            if short_string(handshake.transcript()) == wanted:
                break
        far.take(data)


class Noise(Swapper):
    """Loses, doubles, delays, cuts and garbles frames of the handshake; now and then it claims somebody's key."""

    typical = (CloseReason.BROKE_PROTOCOL, CloseReason.NO_GREETING, CloseReason.NOT_PROVED)

    def key_to_claim(self, victim: Someone) -> PublicKey | None:
        return self.random.choice((None, None, self.scene.other(victim).key, victim.key))

    def incoming(self, leg: Leg, data: str) -> Iterable[str]:
        if kind_of(data) not in HANDSHAKE:
            return super().incoming(leg, data)
        return self.random.choice(((data,), (data,), (data,), (), (data, data)))

    def outgoing(self, leg: Leg, data: str) -> Iterable[str]:
        if kind_of(data) not in HANDSHAKE or self.random.random() < 0.5:
            return (data,)
        match self.random.choice(("lose", "double", "delay", "cut", "garble")):
            case "lose":
                return ()
            case "double":
                return (data, data)
            case "delay":
                self.scene.later(self.random.uniform(0, 3), lambda: leg.say(data))
                return ()
            case "cut":
                return (data[: self.random.randrange(len(data))],)
        at = self.random.randrange(len(data))
        return (data[:at] + self.random.choice("Aa0_-]") + data[at + 1 :],)


class Mixture(Noise):
    """All of it by turns: frames of the other leg, of before, its own, and what can be put together of their parts."""

    replays = True

    def connect(self, near: Leg, far: Leg) -> None:
        if self.random.random() < 0.5:
            far.copies = decode(self.random.choice((self.invite, self.scene.first_invite))).description
        super().connect(near, far)

    def incoming(self, leg: Leg, data: str) -> Iterable[str]:
        if kind_of(data) in HANDSHAKE:
            match self.random.choice(("relay", "reflect", "as before", "as before", "as before", "splice")):
                case "relay":
                    self.across(leg).say(data)
                case "reflect":
                    leg.say(data)
                case "splice":
                    self.across(leg).say(self._splice(data))
        return super().incoming(leg, data)

    def outgoing(self, leg: Leg, data: str) -> Iterable[str]:
        if kind_of(data) in HANDSHAKE:
            match self.random.choice(("replay", "splice", "as before", "as before")):
                case "replay":
                    old = self.scene.said_before[self.random.choice(self.scene.both).key]
                    data = self.random.choice([frame for frame in old if kind_of(frame) in HANDSHAKE])
                case "splice":
                    data = self._splice(data)
        return super().outgoing(leg, data)

    def _splice(self, data: str) -> str:
        """Put what was heard anywhere in the place of what is there."""
        items = items_of(data)
        everything = [frame for leg in self.legs for frame in leg.heard]
        everything += [frame for frames in self.scene.said_before.values() for frame in frames]
        heard = [item for frame in everything if kind_of(frame) in HANDSHAKE for item in items_of(frame)[1:]]
        for place in range(1, len(items)):
            alike = [item for item in heard if len(str(item)) == len(str(items[place]))]
            if alike and self.random.random() < 0.5:
                items[place] = self.random.choice(alike)
        return json.dumps(items)


SWAPPERS: tuple[type[Swapper], ...] = (
    *(Swapper, Relay, InvitersCertificate, RepliersCertificate, TalkingDown, AlteredInvite, Mirror, Reflection, Claim),
    *(SameIdentity, Replay, ExchangedRoles, TwiceGreeting, Hasty, Guess, Noise, Mixture),
)
