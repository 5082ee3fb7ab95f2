"""Two people, each with a core, a clock and a pretend driver, who talk to each other without any delay."""

import hashlib
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pychat.core import effects, events, wire
from pychat.core.chat.conversation import Chat, Conversation, Delivery
from pychat.core.identity.contacts import Contacts
from pychat.core.ids import ChatId, LinkId
from pychat.core.link import Link, LinkPhase
from pychat.core.node import Node
from pychat.core.sync import ACKNOWLEDGE_INTERVAL
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.sdp import DescriptionKind
from tests.core import samples

START = 1_700_000_000.0

SomeEffect = TypeVar("SomeEffect", bound=effects.Effect)

_seeds = count()


def only(kind: type[SomeEffect], emitted: list[effects.Effect]) -> SomeEffect:
    """The one effect of that kind."""
    found = [effect for effect in emitted if isinstance(effect, kind)]
    assert len(found) == 1, emitted
    return found[0]


def of(kind: type[SomeEffect], emitted: list[effects.Effect]) -> list[SomeEffect]:
    return [effect for effect in emitted if isinstance(effect, kind)]


KEY_WORK = (effects.DrawNonce, effects.Sign, effects.Verify)


class Keys:
    """A real Ed25519 key, made of a name, and nonces that are the same in each run."""

    def __init__(self, name: str, random: Random | None = None) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.public = self._private.public_key().public_bytes_raw()
        self._random = random or Random(f"{name} {next(_seeds)}")

    def nonce(self) -> bytes:
        return self._random.randbytes(32)

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)

    def carry_out(self, effect: effects.Effect) -> events.Event | None:
        """Do what is to be done with keys; other effects are nothing to this."""
        match effect:
            case effects.DrawNonce(link):
                return events.NonceDrawn(link, self.nonce())
            case effects.Sign(link, data):
                return events.Signed(link, self.sign(data))
            case effects.Verify(link, key, signature, data):
                return events.Verified(link, is_genuine(key, signature, data))
        return None


def is_genuine(key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the signature is this key's, of this data."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass
class Person:
    """One person; `sent` holds the frames that were not carried over yet.

    What is done with keys takes no time, unless `keys_are_slow`: then its results lie in `at_work`.
    """

    node: Node
    keys: Keys
    now: float = START
    sent: list[effects.SendFrame] = field(default_factory=list)
    keys_are_slow: bool = False
    at_work: list[events.Event] = field(default_factory=list)

    def do(self, *batch: events.Event) -> list[effects.Effect]:
        """Take a turn, and the turns that follow from what is done with keys."""
        emitted = self.node.handle(batch, self.now)
        self.sent += of(effects.SendFrame, emitted)
        self.at_work += [event for effect in emitted if (event := self.keys.carry_out(effect)) is not None]
        rest: list[effects.Effect] = [effect for effect in emitted if not isinstance(effect, KEY_WORK)]
        return rest if self.keys_are_slow else rest + self.keys_are_done()

    def keys_are_done(self) -> list[effects.Effect]:
        """Let what is being done with keys come to its end."""
        news, self.at_work = self.at_work, []
        return self.do(*news) if news else []

    def wait(self, seconds: float) -> list[effects.Effect]:
        """Let time pass as a driver does: waking up at each deadline."""
        emitted: list[effects.Effect] = []
        until = self.now + seconds
        while (due := self.node.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            emitted += self.do()
        self.now = until
        return emitted + self.do()

    def described(self, link: LinkId, kind: DescriptionKind, *candidates: str) -> events.LocalDescriptionReady:
        return events.LocalDescriptionReady(link, samples.fresh_sdp(kind, Random(next(_seeds)), *candidates))

    def begin_invite(self, conversation: ChatId | None = None) -> LinkId:
        """Ask for an invite; returns its link, for which the offer is still to be made."""
        return only(effects.CreateOffer, self.do(events.CreateInvite(conversation))).link

    def invite(self, conversation: ChatId | None = None) -> Link:
        """Make an invite; its code is the link's `code`."""
        link = self.begin_invite(conversation)
        self.do(self.described(link, DescriptionKind.OFFER, samples.HOST), events.GatheringFinished(link))
        return self.node.links.by_id[link]

    def begin_reply(self, code: str) -> LinkId:
        return only(effects.AcceptOffer, self.do(events.PasteCode(code))).link

    def reply(self, code: str) -> Link:
        """Paste an invite and make the reply."""
        link = self.begin_reply(code)
        self.do(self.described(link, DescriptionKind.ANSWER, samples.HOST), events.GatheringFinished(link))
        return self.node.links.by_id[link]

    def paste(self, code: str) -> list[effects.Effect]:
        return self.do(events.PasteCode(code))

    def write(self, conversation: Chat, *texts: str) -> None:
        self.do(*(events.WriteMessage(conversation.id, text) for text in texts))

    def hears(self, link: Link, *frames: wire.OwnFrame | str) -> list[effects.Effect]:
        """Receive frames; a text is taken as it is."""
        data = [frame if isinstance(frame, str) else wire.encode(frame) for frame in frames]
        return self.do(*(events.FrameReceived(link.id, text) for text in data))

    def says(self) -> list[wire.Frame]:
        """What has been sent and not carried over yet; it is taken away."""
        frames = [wire.decode(effect.data) for effect in self.sent]
        self.sent.clear()
        return frames

    def log_of(self, link: Link) -> str:
        """The name of this person's log in the conversation of a link."""
        return self.conversation_of(link).own_log

    def conversation_of(self, link: Link) -> Conversation:
        conversation = self.node.chats.conversation(link.chat)
        assert conversation is not None
        return conversation

    def chat_of(self, link: Link) -> Chat:
        """Where a link is shown, also before it is known who is there."""
        chat = self.node.chats.get(link.chat)
        assert chat is not None
        return chat

    @property
    def links(self) -> list[Link]:
        return [*self.node.links.by_id.values()]

    @property
    def chats(self) -> list[Chat]:
        return self.node.chats.listed()


def person(
    name: str,
    *,
    contacts: Contacts | None = None,
    capabilities: Capabilities = Capabilities(),
    ice: IceConfig = IceConfig(),
    tabs: bool = True,
) -> Person:
    """Somebody whose identity follows from the name; two of the same name are two tabs of one person."""
    keys = Keys(name)
    node = Node(
        keys.public,
        f"{name} {next(_seeds)}".encode(),
        contacts if contacts is not None else Contacts(skeleton=str.casefold),
        name=name.capitalize(),
        capabilities=capabilities,
        ice=ice,
        tabs=tabs,
    )
    return Person(node, keys)


def compared(conversation: Conversation, match: bool) -> events.ReportComparison:
    """Its person has compared with whoever is there."""
    return events.ReportComparison(conversation.id, conversation.peer, conversation.peer_name, match)


def heeded(conversation: Conversation) -> events.DismissWarning:
    """Its person has read the warning that is there."""
    assert conversation.warning is not None
    return events.DismissWarning(conversation.id, conversation.warning)


def transcript_of(link: Link) -> bytes:
    """What both sides of a link have signed."""
    assert link.authenticated is not None
    return link.authenticated.transcript


def texts(conversation: Chat) -> list[str]:
    return [message.entry.text for message in conversation.timeline]


def deliveries(conversation: Chat) -> list[Delivery]:
    return [conversation.delivery(number) for number in range(1, conversation.logs.count(conversation.own_log) + 1)]


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
        sender.wait(ACKNOWLEDGE_INTERVAL)  # it may be about to acknowledge
        frames = [effect for effect in sender.sent if effect.link == link.id]
        sender.sent = [effect for effect in sender.sent if effect.link != link.id]
        receiver.do(*(events.FrameReceived(other.id, effect.data) for effect in frames))
        return bool(frames)

    def open_channel(self) -> None:
        """What happens on both sides from the pasted reply on, until the channel is open and all is said."""
        for someone, link in ((self.ann, self.ann_link), (self.bob, self.bob_link)):
            someone.do(
                events.IceStateChanged(link.id, events.IceState.CONNECTED),
                events.ConnectionStateChanged(link.id, events.ConnectionState.CONNECTED),
                events.ChannelOpened(link.id),
            )
        self.carry()

    def break_path(self) -> None:
        for someone, link in ((self.ann, self.ann_link), (self.bob, self.bob_link)):
            someone.do(events.IceStateChanged(link.id, events.IceState.DISCONNECTED))

    def kill(self) -> None:
        """End the connection; what was on its way is lost."""
        for someone, link in ((self.ann, self.ann_link), (self.bob, self.bob_link)):
            someone.sent = [effect for effect in someone.sent if effect.link != link.id]
            someone.do(events.ChannelClosed(link.id))


def exchange(ann: Person, bob: Person, conversation: ChatId | None = None) -> Pair:
    """Ann invites Bob, he replies, she pastes his reply; the network has yet to connect them."""
    ann_link = ann.invite(conversation)
    bob_link = bob.reply(ann_link.code)
    ann.paste(bob_link.code)
    return Pair(ann, bob, ann_link, bob_link)


def connect(ann: Person, bob: Person, conversation: ChatId | None = None) -> Pair:
    """The same until both are connected."""
    pair = exchange(ann, bob, conversation)
    pair.open_channel()
    assert pair.ann_link.phase is pair.bob_link.phase is LinkPhase.OPEN
    return pair
