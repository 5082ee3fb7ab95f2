"""The state of a node turned into what a screen shows. Pure: the same state gives the same view."""

import base64
from dataclasses import dataclass
from enum import Enum

from pychat.core.chat.conversation import Chat, Conversation
from pychat.core.chat.records import NOTHING, Preview
from pychat.core.codes.pasted import page_at
from pychat.core.codes.roomcode import encode
from pychat.core.handshake import Role
from pychat.core.identity.contacts import Namesake
from pychat.core.identity.safety import ShortString, short_string
from pychat.core.ids import ChatId, PublicKey
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.node import Node
from pychat.core.relay.client import RelayState
from pychat.core.relay.envelope import Refusal
from pychat.core.services.guesses import SEVERAL
from pychat.core.services.room import Room
from pychat.core.webrtc.sdp import Description
from pychat.core.webrtc.stats import Stats
from pychat.ui import strings
from pychat.ui.faces import Face, face_of
from pychat.ui.markup import plain
from pychat.ui.messages import QUOTED, Messages
from pychat.ui.strings import Trust


class Progress(Enum):
    """How a phase stands in the list of the four."""

    TO_COME = "to-come"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"


class Card(Enum):
    """What the person has to do with codes at the moment."""

    NONE = "none"
    PREPARING = "preparing"
    INVITE = "invite"
    REPLY = "reply"
    AGAIN = "again"
    ROOM = "room"
    RETURN = "return"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class PersonView:
    """A line in the list of people. `state` is as in `View.state`; `warned`: there is a warning to be heeded; `new`:
    somebody has come, and the person has not looked at it yet; `is_there`: they are, and have said what they are
    called. `messages` counts all that was said, `read` those that were read, and `changes` how many of the others are
    edits, reactions and the like; `last` is the last message.
    """

    conversation: ChatId
    name: str
    face: Face | None
    trust: Trust
    warned: bool
    state: str
    messages: int
    read: int
    changes: int
    last: Preview | None
    new: bool
    is_there: bool


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room that a person is in, or has left, of a page; `code` is "" while it is being drawn."""

    code: str
    page: str
    locked: bool
    left: bool


@dataclass(frozen=True, slots=True)
class DetailsView:
    """What lies under the bonnet of a link, as far as it was read; fingerprints as colon-separated hexadecimal."""

    stats: Stats | None
    local_fingerprint: str
    remote_fingerprint: str
    path: str
    round_trip: str
    traffic: str
    trouble: str


@dataclass(frozen=True, slots=True)
class View:
    """A whole screen. `state` is one of idle, signaling, connecting, securing, open, lost, closed.

    `trust_note` says how sure one can be of who the other one is, and what to do about it; `signs` are what two people
    compare while they are connected; `introduced`: they have said what they are called; `warning`, of `namesake`,
    stands in the way until it is dismissed. One `can_write` unless there is a warning, or the conversation goes on in
    another program, which does not hear of what is written here. `peer` is the identity of the other one.
    `hint` says that it is time to compare, or that somebody verified has a new name, `new_name`; `guesses` that
    somebody may be trying to guess the signs. `can_connect_again`: the two can find each other by themselves, without a
    code. `peer_is_typing` and `peer_is_away` say what the other one lets be seen. `is_live` says that there is a
    connection, or one is looked for. `joins` says that a room's link was opened, and that the person has yet to say
    whether they go in.

    `is_kept`: what is said here can be kept on this device; `keep_for`: for how many seconds it is; `keep_choice`: what
    was chosen for this conversation, or None; `keep_for_all`: what holds where nothing was chosen.
    """

    chat: ChatId | None
    messages: Messages | None
    peer: PublicKey | None
    name: str
    face: Face | None
    trust: Trust
    trust_note: str
    warning: str
    namesake: Namesake | None
    hint: str
    new_name: str
    guesses: str
    signs: ShortString | None
    introduced: bool
    peer_is_typing: bool
    peer_is_away: bool
    state: str
    headline: str
    sentence: str
    phases: tuple[tuple[str, Progress], ...]
    card: Card
    code: str
    room: RoomView | None
    is_live: bool
    can_leave: bool
    can_write: bool
    can_connect_again: bool
    is_kept: bool
    keep_for: int
    keep_choice: int | None
    keep_for_all: int
    joins: bool
    code_problem: str
    handed_over: str
    people: tuple[PersonView, ...]
    details: DetailsView


_ORDERLY = (CloseReason.LEFT, CloseReason.PEER_LEFT, CloseReason.REPLACED)
_MISMATCH = (CloseReason.NO_MATCH, CloseReason.PEER_NO_MATCH)


def view(node: Node, selected: ChatId | None) -> View:
    """What is to be shown while the conversation `selected` is open (None: the first screen)."""
    conversation = node.chats.get(selected)
    known = conversation if isinstance(conversation, Conversation) else None
    link = node.links.of(conversation) if conversation is not None else None
    room = node.rooms.shown_in(conversation)
    alone = conversation is not None and link is None and room is None
    visitor = node.rooms.visitor_in(room) if room is not None and not _is_live(link) else None
    if alone:
        headline, sentence = strings.KEPT if known is not None and not known.is_deserted else strings.SOMEBODY_ELSE
    elif conversation is None and node.chats.pending_join is not None:
        headline, sentence = strings.AT_THE_DOOR
    else:
        headline, sentence = strings.ROOM_VISITOR if visitor is not None else status_of(link, room)
    trust = _trust(node, conversation) if conversation is not None else Trust.NOBODY
    warning = _warning(conversation) if conversation is not None else ""
    card = Card.AGAIN if alone else Card.NONE if visitor is not None else _card(link, room)
    signs = _signs(link)
    contact = node.people.contacts.get(known.peer) if known is not None else None
    new_name = contact.new_name if contact is not None else ""
    if contact is not None and new_name:
        bearer = node.people.contacts.bearer(new_name, contact)
        hint = strings.renamed(_label(contact.known_as, contact.key), new_name, bearer)
    else:
        hint = strings.COMPARE_HINT if trust is Trust.NEW and signs is not None and not warning else ""
    goes_by_tabs = known is not None and known.is_kept and node.history.tells and node.chats.keep_for(known) != NOTHING
    inbox = node.introductions.inbox
    return View(
        chat=conversation.id if conversation is not None else None,
        messages=Messages(conversation) if conversation is not None else None,
        peer=known.peer if known is not None else None,
        name=name_of(node, conversation) if conversation is not None else "",
        face=_face(node, conversation),
        trust=trust,
        trust_note=_trust_note(trust, warning, link),
        warning=warning,
        namesake=known.warning if known is not None else None,
        hint=hint,
        new_name=new_name,
        guesses=_guesses(room),
        signs=signs,
        introduced=known is not None and known.peer_log is not None,
        peer_is_typing=known is not None and node.presence.is_typing(known),
        peer_is_away=known is not None and node.presence.is_away(known),
        state="closed" if alone and conversation is not None and conversation.is_deserted else _state(link, room),
        headline=headline,
        sentence=sentence,
        phases=tuple((name, _progress(link, room, phase)) for phase, name in strings.PHASE_NAMES),
        card=card,
        code=link.code if link is not None else "",
        room=room_view(room) if room is not None and room.meets is None else None,
        is_live=_is_live(link),
        can_leave=_is_live(link) or (room is not None and room.state is not RelayState.LEFT),
        can_write=conversation is not None and not warning and (card is not Card.ELSEWHERE or goes_by_tabs),
        can_connect_again=card in (Card.AGAIN, Card.RETURN)
        and known is not None
        and bool(node.rendezvous.relay_for(known)),
        is_kept=known is not None and known.is_kept,
        keep_for=node.chats.keep_for(known) if known is not None and known.is_kept else NOTHING,
        keep_choice=known.keep_for.seconds if known is not None and known.keep_for is not None else None,
        keep_for_all=node.chats.keep_for_all,
        joins=node.chats.pending_join is not None,
        code_problem=strings.CODE_PROBLEMS[inbox.problem] if inbox.problem is not None else "",
        handed_over=strings.HANDED_OVER if inbox.handed_over else "",
        people=tuple(
            PersonView(
                c.id,
                name_of(node, c),
                _face(node, c),
                _trust(node, c),
                isinstance(c, Conversation) and c.warning is not None,
                _state(node.links.of(c), node.rooms.shown_in(c)),
                len(c.timeline),
                c.read if isinstance(c, Conversation) else 0,
                c.unread_changes if isinstance(c, Conversation) else 0,
                _last(c),
                isinstance(c, Conversation) and c.unopened,
                isinstance(c, Conversation) and c.peer_log is not None and _is_live(node.links.of(c)),
            )
            for c in node.chats.listed()
        ),
        details=_details(link),
    )


def _last(chat: Chat) -> Preview | None:
    last = chat.last if isinstance(chat, Conversation) else None
    return last._replace(text=plain(last.text[:QUOTED]) or strings.DELETED) if last is not None else None


def name_of(node: Node, conversation: Chat) -> str:
    """What the other one of a chat is called here."""
    if not isinstance(conversation, Conversation):
        return strings.NEW_CHAT
    if conversation.peer == node.key:
        return strings.ONESELF
    contact = node.people.contacts.get(conversation.peer)
    if contact is not None and (contact.verified or not conversation.peer_name):
        return _label(contact.known_as, conversation.peer)
    return _label(conversation.peer_name, conversation.peer)


def _face(node: Node, chat: Chat | None) -> Face | None:
    return face_of(chat.peer, name_of(node, chat)) if isinstance(chat, Conversation) else None


def _label(name: str, key: PublicKey) -> str:
    return name or f"Guest {base64.b32encode(key).decode()[:4]}"


def _trust(node: Node, conversation: Chat) -> Trust:
    if not isinstance(conversation, Conversation):
        return Trust.NOBODY
    if conversation.peer == node.key:
        return Trust.ONESELF
    contact = node.people.contacts.get(conversation.peer)
    if contact is None or conversation.met_here:
        return Trust.VERIFIED if contact is not None and contact.verified else Trust.NEW
    return Trust.VERIFIED if contact.verified else Trust.KNOWN


def _warning(conversation: Chat) -> str:
    if not isinstance(conversation, Conversation) or conversation.warning is None:
        return ""
    return strings.namesake_warning(conversation.warning.name, conversation.warning.contact)


def _trust_note(trust: Trust, warning: str, link: Link | None) -> str:
    # A safety number that has been compared since counts for more.
    differed = link is not None and link.close_reason in _MISMATCH and trust is not Trust.VERIFIED
    return " ".join(filter(None, (warning, strings.DIFFERED if differed else strings.TRUST[trust][1])))


def _guesses(room: Room | None) -> str:
    if room is None or room.guesses.count < SEVERAL:
        return ""
    return strings.guesses(room.guesses.count)


def _signs(link: Link | None) -> ShortString | None:
    if link is None or link.authenticated is None or not link.is_live:
        return None
    return short_string(link.authenticated.transcript)


def _is_live(link: Link | None) -> bool:
    return link is not None and link.phase is not LinkPhase.CLOSED


def _is_over(link: Link | None, room: Room) -> bool:
    """Whether the two in a room have found that somebody may sit in between: then nobody is to be asked in."""
    return link is not None and link.close_reason in _MISMATCH and room.refusal is not Refusal.ELSEWHERE


def room_view(room: Room | None) -> RoomView | None:
    """A room as a screen shows it."""
    if room is None:
        return None
    code = encode(room.code) if room.code is not None else ""
    return RoomView(code, page_at(room.relay.url), room.locked, room.state is RelayState.LEFT)


def _state(link: Link | None, room: Room | None) -> str:
    if room is not None and not _is_live(link):
        return "closed" if room.state is RelayState.LEFT or _is_over(link, room) else "signaling"
    return "idle" if link is None else link.phase.value


def _room_status(link: Link | None, room: Room) -> tuple[str, str]:
    """How it stands with a room in which nobody is connected to us."""
    if room.state is RelayState.LEFT:
        return strings.ROOM_LEFT
    close_reason = link.close_reason if link is not None else None
    if room.meets is not None and room.relay.trouble is None and room.refusal is None and not _is_over(link, room):
        return strings.LOOKING_AGAIN if room.state is RelayState.REACHING else strings.WAITING_AGAIN
    if close_reason is not None and _is_over(link, room):  # that matters more than the way to the relay
        return strings.ENDINGS[close_reason][0], strings.room_ending(close_reason, locked=room.locked)
    if room.relay.trouble is not None:  # also while it is tried again, or the words would come and go
        return strings.ROOM_AWAY[room.relay.trouble]
    if room.refusal is not None:
        return strings.ROOM_REFUSED[room.refusal]
    if room.state is RelayState.REACHING:
        return strings.ROOM_REACHING
    if close_reason in (None, CloseReason.LEFT, CloseReason.REPLACED, CloseReason.REFUSED, CloseReason.NO_ANSWER):
        return strings.ROOM_LOCKED if room.locked else strings.ROOM_WAITING
    return strings.ENDINGS[close_reason][0], _with_servers(strings.room_ending(close_reason, locked=room.locked), link)


def status_of(link: Link | None, room: Room | None) -> tuple[str, str]:
    """Say in a headline and a sentence how the link stands, and what to do."""
    if room is not None and not _is_live(link):
        return _room_status(link, room)
    if link is None:
        return strings.IDLE
    if link.room is not None and link.phase is LinkPhase.SIGNALING:
        return strings.ROOM_MEETING
    match link.phase, link.role:
        case LinkPhase.SIGNALING, Role.INVITER:
            return strings.WAITING_FOR_REPLY if link.code else strings.MAKING_INVITE
        case LinkPhase.SIGNALING, Role.REPLIER:
            if not link.code:
                return strings.MAKING_REPLY
            return strings.WAITING_WITH_PATH if link.path_found else strings.WAITING_FOR_INVITER
        case LinkPhase.CONNECTING, _:
            return strings.CONNECTING
        case LinkPhase.SECURING, _:
            return strings.SECURING
        case LinkPhase.OPEN, _:
            return strings.OPEN
        case LinkPhase.LOST, _:
            return strings.LOST
    headline, sentence = strings.ENDINGS[link.close_reason or CloseReason.CHANNEL_CLOSED]
    return headline, _with_servers(sentence, link)


def _with_servers(sentence: str, link: Link | None) -> str:
    """Name the servers that are to blame when there was no way."""
    silent = (
        link.silent_servers
        if link is not None and link.close_reason in (CloseReason.NO_ADDRESS, CloseReason.NO_PATH)
        else ()
    )
    return f"{strings.silent_servers(silent)} {sentence}" if silent else sentence


def _progress(link: Link | None, room: Room | None, phase: LinkPhase) -> Progress:
    """How one of the four phases stands; a lost or broken link shows in which of them it happened."""
    waits = room is not None and room.state is not RelayState.LEFT and not _is_over(link, room)
    if waits and not _is_live(link):
        return Progress.NOW if phase is LinkPhase.SIGNALING else Progress.TO_COME
    if link is None or link.close_reason in _ORDERLY:
        return Progress.TO_COME
    order = [phase for phase, _ in strings.PHASE_NAMES]
    reached = link.failed_in if link.phase is LinkPhase.CLOSED else link.phase
    at = order.index(LinkPhase.OPEN if reached in (LinkPhase.LOST, None) else reached)
    place = order.index(phase)
    if place != at:
        return Progress.DONE if place < at else Progress.TO_COME
    if link.phase in (LinkPhase.LOST, LinkPhase.CLOSED):
        return Progress.FAILED
    return Progress.DONE if phase is LinkPhase.OPEN else Progress.NOW


def _card(link: Link | None, room: Room | None) -> Card:
    if room is not None and not _is_live(link):
        if room.state is RelayState.LEFT:
            return Card.RETURN
        if room.refusal is Refusal.ELSEWHERE:
            return Card.ELSEWHERE
        asks_in = (room.refusal is None and not room.locked) and not _is_over(link, room)
        return Card.ROOM if asks_in else Card.NONE
    if link is not None and link.room is not None:
        return Card.AGAIN if link.phase is LinkPhase.CLOSED else Card.NONE
    if link is None:
        return Card.NONE
    if link.phase is LinkPhase.CLOSED:
        return Card.AGAIN
    if link.phase is not LinkPhase.SIGNALING:
        return Card.NONE
    if not link.code:
        return Card.PREPARING
    return Card.INVITE if link.role is Role.INVITER else Card.REPLY


def _details(link: Link | None) -> DetailsView:
    stats = link.stats if link is not None else None
    local = _fingerprint(link.local if link is not None else None)
    remote = _fingerprint(link.remote if link is not None else None)
    if stats is None:
        return DetailsView(stats, local, remote, "", "", "", link.detail if link is not None else "")
    round_trip = f"{stats.round_trip * 1000:.0f} ms" if stats.round_trip is not None else ""
    traffic = f"{_bytes(stats.bytes_sent)} sent, {_bytes(stats.bytes_received)} received"
    return DetailsView(
        stats, local, remote, strings.PATHS[stats.path], round_trip, traffic, link.detail if link else ""
    )


def _fingerprint(description: Description | None) -> str:
    return description.fingerprint.hex(":").upper() if description is not None else ""


def _bytes(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
