"""Two people, each with a core, a clock and a pretend driver, who talk to each other without any delay."""

from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TypeVar

from pychat.core import effects as fx
from pychat.core import events as ev
from pychat.core import wire
from pychat.core.capabilities import Capabilities
from pychat.core.conversation import Conversation, ConversationId, LinkId
from pychat.core.ice import IceConfig
from pychat.core.link import Link, Phase
from pychat.core.node import Node
from pychat.core.sdp import DescriptionKind
from tests.core import samples

START = 1_700_000_000.0

SomeEffect = TypeVar("SomeEffect", bound=fx.Effect)

_seeds = count()


def only(kind: type[SomeEffect], effects: list[fx.Effect]) -> SomeEffect:
    """The one effect of that kind."""
    found = [effect for effect in effects if isinstance(effect, kind)]
    assert len(found) == 1, effects
    return found[0]


def of(kind: type[SomeEffect], effects: list[fx.Effect]) -> list[SomeEffect]:
    return [effect for effect in effects if isinstance(effect, kind)]


@dataclass
class Person:
    """One person; `sent` holds the frames that were not carried over yet."""

    node: Node
    now: float = START
    sent: list[fx.SendFrame] = field(default_factory=list)

    def do(self, *events: ev.Event) -> list[fx.Effect]:
        effects = self.node.handle(events, self.now)
        self.sent += of(fx.SendFrame, effects)
        return effects

    def wait(self, seconds: float) -> list[fx.Effect]:
        """Let time pass as a driver does: waking up at each deadline."""
        effects: list[fx.Effect] = []
        until = self.now + seconds
        while (due := self.node.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            effects += self.do()
        self.now = until
        return effects + self.do()

    def described(self, link: LinkId, kind: DescriptionKind, *candidates: str) -> ev.LocalDescriptionReady:
        return ev.LocalDescriptionReady(link, samples.fresh_sdp(kind, Random(next(_seeds)), *candidates))

    def begin_invite(self, conversation: ConversationId | None = None) -> LinkId:
        """Ask for an invite; returns its link, for which the offer is still to be made."""
        return only(fx.CreateOffer, self.do(ev.InviteRequested(conversation))).link

    def invite(self, conversation: ConversationId | None = None) -> Link:
        """Make an invite; its code is the link's `code`."""
        link = self.begin_invite(conversation)
        self.do(self.described(link, DescriptionKind.OFFER, samples.HOST), ev.GatheringFinished(link))
        return self.node.links[link]

    def begin_reply(self, code: str) -> LinkId:
        return only(fx.AcceptOffer, self.do(ev.CodePasted(code))).link

    def reply(self, code: str) -> Link:
        """Paste an invite and make the reply."""
        link = self.begin_reply(code)
        self.do(self.described(link, DescriptionKind.ANSWER, samples.HOST), ev.GatheringFinished(link))
        return self.node.links[link]

    def paste(self, code: str) -> list[fx.Effect]:
        return self.do(ev.CodePasted(code))

    def write(self, conversation: Conversation, *texts: str) -> None:
        self.do(*(ev.MessageWritten(conversation.id, text) for text in texts))

    def hears(self, link: Link, *frames: wire.Hello | wire.Entries | wire.Have | wire.Bye | str) -> list[fx.Effect]:
        """Receive frames; a text is taken as it is."""
        data = [frame if isinstance(frame, str) else wire.encode(frame) for frame in frames]
        return self.do(*(ev.FrameReceived(link.id, text) for text in data))

    def says(self) -> list[wire.Frame]:
        """What has been sent and not carried over yet; it is taken away."""
        frames = [wire.decode(effect.data) for effect in self.sent]
        self.sent.clear()
        return frames

    def conversation_of(self, link: Link) -> Conversation:
        return self.node.conversations[link.conversation]


def person(name: str, *, capabilities: Capabilities = Capabilities(), ice: IceConfig = IceConfig()) -> Person:
    return Person(Node(f"{name}-of-the-tests", capabilities=capabilities, ice=ice))


@dataclass
class Pair:
    """A connection between two people: the link of each."""

    ann: Person
    bob: Person
    ann_link: Link
    bob_link: Link

    @property
    def ann_chat(self) -> Conversation:
        return self.ann.conversation_of(self.ann_link)

    @property
    def bob_chat(self) -> Conversation:
        return self.bob.conversation_of(self.bob_link)

    def carry(self) -> None:
        """Carry frames until neither has anything left to say over this connection."""
        while self._carry(self.ann, self.ann_link, self.bob, self.bob_link) or self._carry(
            self.bob, self.bob_link, self.ann, self.ann_link
        ):
            pass

    def _carry(self, sender: Person, link: Link, receiver: Person, other: Link) -> bool:
        frames = [effect for effect in sender.sent if effect.link == link.id]
        sender.sent = [effect for effect in sender.sent if effect.link != link.id]
        receiver.do(*(ev.FrameReceived(other.id, effect.data) for effect in frames))
        return bool(frames)

    def open_channel(self) -> None:
        """What happens on both sides from the pasted reply on, until the channel is open and all is said."""
        for someone, link in ((self.ann, self.ann_link), (self.bob, self.bob_link)):
            someone.do(
                ev.IceStateChanged(link.id, ev.IceState.CONNECTED),
                ev.ConnectionStateChanged(link.id, ev.ConnectionState.CONNECTED),
                ev.ChannelOpened(link.id),
            )
        self.carry()

    def break_path(self) -> None:
        for someone, link in ((self.ann, self.ann_link), (self.bob, self.bob_link)):
            someone.do(ev.IceStateChanged(link.id, ev.IceState.DISCONNECTED))

    def kill(self) -> None:
        """End the connection; what was on its way is lost."""
        for someone, link in ((self.ann, self.ann_link), (self.bob, self.bob_link)):
            someone.sent = [effect for effect in someone.sent if effect.link != link.id]
            someone.do(ev.ChannelClosed(link.id))


def exchange(ann: Person, bob: Person, conversation: ConversationId | None = None) -> Pair:
    """Ann invites Bob, he replies, she pastes his reply; the network has yet to connect them."""
    ann_link = ann.invite(conversation)
    bob_link = bob.reply(ann_link.code)
    ann.paste(bob_link.code)
    return Pair(ann, bob, ann_link, bob_link)


def connect(ann: Person, bob: Person, conversation: ConversationId | None = None) -> Pair:
    """The same until both are connected."""
    pair = exchange(ann, bob, conversation)
    pair.open_channel()
    assert pair.ann_link.phase is pair.bob_link.phase is Phase.OPEN
    return pair
