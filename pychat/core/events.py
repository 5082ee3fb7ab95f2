"""What goes into the core: a person's intents, what WebRTC reports, what other tabs say.

Every event that belongs to a link or a conversation names it by the number that the core gave it.
"""

from dataclasses import dataclass
from enum import Enum

from pychat.core.identity.contacts import Namesake
from pychat.core.ids import AuthorId, ChatId, LinkId, PublicKey, SessionId
from pychat.core.webrtc.ice import IceConfig
from pychat.core.webrtc.stats import Stats


class IceState(Enum):
    """RTCIceConnectionState (W3C WebRTC, section 5.6.3)."""

    NEW = "new"
    CHECKING = "checking"
    CONNECTED = "connected"
    COMPLETED = "completed"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class ConnectionState(Enum):
    """RTCPeerConnectionState (W3C WebRTC, section 4.3.3), which counts ICE and DTLS together."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class Operation(Enum):
    """What the driver was asked to do, in words that complete “could not …”."""

    CONNECT = "open a connection"
    OFFER = "make an offer"
    INVITE = "take the invite"
    REPLY = "take the reply"
    CANDIDATE = "take a candidate"
    STATS = "read statistics"
    SIGN = "sign with your key"
    VERIFY = "check a signature"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class CreateInvite:
    """A person wants an invite: for a new conversation, or to carry on with one whose link has ended."""

    conversation: ChatId | None = None


@dataclass(frozen=True, slots=True)
class PasteCode:
    """A person pasted an invite, a reply or a room's code, with whatever surrounds it.

    `relay` is the address of the relay where a room of this code would be, or "" where there is none.
    """

    text: str
    relay: str = ""


@dataclass(frozen=True, slots=True)
class EditCode:
    """A person changes what they are about to paste: what was wrong with it before no longer matters."""


@dataclass(frozen=True, slots=True)
class OpenCodeLink:
    """The page was opened by a link with this code in it.

    A reply goes where it belongs by itself; an invite or a room waits for the person to say that they want to connect,
    if they have not been in that room before. `relay` is as in `PasteCode`; `returning` says that the page was in the
    room until it was loaded again.
    """

    text: str
    relay: str = ""
    returning: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmJoin:
    """A person wants to go into the room whose link they have opened."""


@dataclass(frozen=True, slots=True)
class DeclineJoin:
    """A person does not want to."""


@dataclass(frozen=True, slots=True)
class WebRtcMissing:
    """There is no WebRTC here, so that nobody can be connected to."""


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """A person wants a new room, at the relay of this address."""

    relay: str


@dataclass(frozen=True, slots=True)
class ReturnToRoom:
    """A person goes back to the room of a conversation, which they have left."""

    conversation: ChatId


class WhoToWaitFor(Enum):
    """The people whom a person wants to find again by themselves, whenever both are there."""

    RECENT = "recent"
    ALL = "all"
    NOBODY = "nobody"
    """Until they ask."""


@dataclass(frozen=True, slots=True)
class UseRelay:
    """This is the one relay that can be reached from here; "" is none."""

    relay: str


@dataclass(frozen=True, slots=True)
class ConnectAgain:
    """A person wants to find the other one of a conversation again: by the room that the two have for good."""

    conversation: ChatId


@dataclass(frozen=True, slots=True)
class WaitForPeople:
    """A person has begun, or has chosen whom to wait for: those are looked for from now on."""

    people: WhoToWaitFor


@dataclass(frozen=True, slots=True)
class SetRoomLock:
    """A person locks the room of a conversation, so that nobody else can connect to them in it, or unlocks it."""

    conversation: ChatId
    locked: bool


@dataclass(frozen=True, slots=True)
class RotateRoomSecret:
    """A person wants another link to the room of a conversation; the former one is of no use from then on."""

    conversation: ChatId


@dataclass(frozen=True, slots=True)
class TakeOverRoom:
    """A person wants to be in the room of a conversation here, and no longer in another program or tab of theirs."""

    conversation: ChatId


@dataclass(slots=True)  # a frozen one takes four times as long to make, and of these thousands come in a burst
class WriteMessage:
    """A person, or a program in a burst, wrote a message, with which there is no `Conversation.problem`.

    `reply_to` is the message that it answers, by the name of its log and its number there, or None.
    """

    conversation: ChatId
    text: str
    reply_to: tuple[AuthorId, int] | None = None


@dataclass(frozen=True, slots=True)
class EditMessage:
    """A person says anew what a message of theirs says, with which there is no `Conversation.problem`.

    It is the one of this number in a log of theirs; nothing happens if it is not here.
    """

    conversation: ChatId
    author: AuthorId
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class RetractMessage:
    """A person deletes a message of theirs for both: here, and wherever the other side has it once it hears of that.

    Nothing happens if it is not here.
    """

    conversation: ChatId
    author: AuthorId
    number: int


@dataclass(frozen=True, slots=True)
class ReactToMessage:
    """A person reacts to a message, whosever it is, by an emoji instead of the one before; "" is no more."""

    conversation: ChatId
    author: AuthorId
    number: int
    emoji: str


@dataclass(frozen=True, slots=True)
class SetName:
    """A person says how they want to be called; "" is nothing in particular."""

    name: str


@dataclass(frozen=True, slots=True)
class ReportComparison:
    """A person has compared the short string or the safety number with the other one: they match, or they do not.

    `key` is whose they were, and `name` by which name that was shown (as `Contact.known_as`): by now somebody else may
    be there, or the same one under another name.
    """

    conversation: ChatId
    key: PublicKey
    name: str
    match: bool


@dataclass(frozen=True, slots=True)
class DismissWarning:
    """A person has read the warning in a conversation, and wants to talk all the same.

    `warning` is the one that was shown (`Conversation.warning`): if it is another one by now, of somebody else or of
    another name, nothing happens.
    """

    conversation: ChatId
    warning: Namesake


@dataclass(frozen=True, slots=True)
class ShowConversation:
    """A person looks at a conversation from now on, or at none (None)."""

    conversation: ChatId | None


@dataclass(frozen=True, slots=True)
class AcceptName:
    """Call somebody verified by the name that they now give themselves.

    `name` is the one that the person was asked about; if it has changed meanwhile, nothing happens.
    """

    conversation: ChatId
    name: str


@dataclass(frozen=True, slots=True)
class LeaveConversation:
    """A person ends the link of a conversation, or gives up the invite that waits in it."""

    conversation: ChatId


@dataclass(frozen=True, slots=True)
class RemoveConversation:
    """A person puts away a conversation whose link has ended, with all that was said in it."""

    conversation: ChatId


@dataclass(frozen=True, slots=True)
class DeleteMessage:
    """A person deletes a message on this device: the one of this number in its author's log.

    Nothing happens if it is one of their own that the other side does not have.
    """

    conversation: ChatId
    author: AuthorId
    number: int


@dataclass(frozen=True, slots=True)
class ConfigureIce:
    """A person chose STUN and TURN servers; connections made from now on use them."""

    config: IceConfig


@dataclass(frozen=True, slots=True)
class WatchDetails:
    """A person opened the details of a conversation's link, or closed them (None)."""

    conversation: ChatId | None


@dataclass(frozen=True, slots=True)
class FlushJournal:
    """Somebody is about to leave: what waits for company is written now."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The program ends in this very turn."""


@dataclass(frozen=True, slots=True)
class LocalDescriptionReady:
    """The offer or answer is made and set as the local description."""

    link: LinkId
    sdp: str


@dataclass(frozen=True, slots=True)
class CandidateFound:
    """ICE gathered a candidate of this side: its candidate attribute."""

    link: LinkId
    candidate: str


@dataclass(frozen=True, slots=True)
class GatheringFinished:
    """ICE has no more candidates of this side (RTCIceGatheringState “complete”)."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class IceStateChanged:
    """The ICE transport has another state."""

    link: LinkId
    state: IceState


@dataclass(frozen=True, slots=True)
class ConnectionStateChanged:
    """The peer connection has another state."""

    link: LinkId
    state: ConnectionState


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """The data channel is open: frames can be sent."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """The data channel is closed, by whichever side."""

    link: LinkId


@dataclass(slots=True)  # like WriteMessage
class FrameReceived:
    """A text message has come over the data channel; `data` is at most as large as the stack takes."""

    link: LinkId
    data: str


@dataclass(frozen=True, slots=True)
class PeerFlooded:
    """So many frames of the peer were waiting that what was not heard yet is dropped, and the channel is closed."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class NonceDrawn:
    """32 random bytes, fresh from the system."""

    link: LinkId
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """What was to be signed with our own key has been."""

    link: LinkId
    signature: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether a signature is genuine."""

    link: LinkId
    genuine: bool


@dataclass(frozen=True, slots=True)
class StatsRead:
    """The statistics that were asked for."""

    link: LinkId
    stats: Stats


@dataclass(frozen=True, slots=True)
class OperationFailed:
    """An effect could not be carried out; `detail` is the platform's own words."""

    link: LinkId
    operation: Operation
    detail: str


@dataclass(frozen=True, slots=True)
class RelayOpened:
    """There is a way to the relay."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class RelayHeard:
    """The relay says this."""

    session: SessionId
    text: str


@dataclass(frozen=True, slots=True)
class RelayClosed:
    """There is no way to the relay, or no longer; `code` is the WebSocket's close code (docs/reference/relay.md)."""

    session: SessionId
    code: int


@dataclass(frozen=True, slots=True)
class BytesDrawn:
    """Random bytes that were asked for, fresh from the system."""

    session: SessionId
    data: bytes


@dataclass(frozen=True, slots=True)
class Derived:
    """What was derived under this `info`."""

    session: SessionId
    info: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed under this ticket."""

    session: SessionId
    ticket: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Unsealed:
    """`data` is None when it does not open."""

    session: SessionId
    ticket: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    """Whether the name is ours now; also where nobody can tell."""

    session: SessionId
    ours: bool


@dataclass(frozen=True, slots=True)
class NotKept:
    """What the store has under `key` could not be kept for the next time; `detail` is the platform's own words."""

    key: str
    detail: str


@dataclass(frozen=True, slots=True)
class JournalWritten:
    """All that was to be written with this ticket is in the journal, whatever happens to the program from now on."""

    ticket: int


@dataclass(frozen=True, slots=True)
class JournalRead:
    """Segments of a conversation, each with its position, the last one first; fewer than asked for are the rest."""

    ticket: int
    conversation: ChatId
    segments: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class JournalFailed:
    """What was to be done with this ticket could not be; `detail` is the platform's own words."""

    ticket: int
    detail: str


@dataclass(frozen=True, slots=True)
class MarkRead:
    """The person has seen so many messages of a conversation, from the first one that ever was on."""

    conversation: ChatId
    count: int


@dataclass(frozen=True, slots=True)
class SetKeepFor:
    """A person chooses how many seconds what is said in a conversation is kept, or (None) in all that say nothing else.

    `seconds` is `records.FOREVER`, `records.NOTHING`, or None for a conversation that is to be as all.
    """

    conversation: ChatId | None
    seconds: int | None


@dataclass(frozen=True, slots=True)
class LookAway:
    """A person looks at nothing for the moment, or again: what comes while they look at its conversation is read."""

    away: bool


@dataclass(frozen=True, slots=True)
class SetAtEnd:
    """Whether the end of the conversation that the person looks at is in their sight, or they have scrolled up.

    While nobody says so, it is.
    """

    at_end: bool


@dataclass(frozen=True, slots=True)
class SetFocus:
    """Whether what the person types goes to this program: only then is in their sight what it shows.

    While nobody says so, as in a terminal or a bot, nothing counts as seen.
    """

    focused: bool


@dataclass(frozen=True, slots=True)
class NoteActivity:
    """The person has done something here just now, whatever it is; once in some seconds is enough."""


@dataclass(frozen=True, slots=True)
class NoteTyping:
    """A person is writing in a conversation just now, or (`is_typing` is false) has given it up."""

    conversation: ChatId
    is_typing: bool = True


@dataclass(frozen=True, slots=True)
class SetPresenceSharing:
    """A person chooses what others may see of them: that they type, that they are away, what they have read.

    Who does not share what they have read does not see it of others.
    """

    typing: bool
    away: bool
    read: bool


@dataclass(frozen=True, slots=True)
class Search:
    """A person looks for messages that have all these words; "" is for none any more."""

    query: str


@dataclass(frozen=True, slots=True)
class ShowMessage:
    """A person wants to see one message of a conversation: what lies before it is read, back to there.

    It is the entry of this number in its author's log, or the message that this one changes.
    """

    conversation: ChatId
    author: AuthorId
    number: int


@dataclass(frozen=True, slots=True)
class Export:
    """A person wants to take along all that was said in a conversation; None is none any more."""

    conversation: ChatId | None


@dataclass(frozen=True, slots=True)
class ShowEarlier:
    """The person wants to see what was said before what is here of a conversation."""

    conversation: ChatId


@dataclass(frozen=True, slots=True)
class ContactsKept:
    """Another tab of the same person has kept its contacts: the text that is kept now."""

    text: str


@dataclass(frozen=True, slots=True)
class CodeFromTab:
    """Another tab of this browser was given a reply that it has no use for."""

    text: str


@dataclass(frozen=True, slots=True)
class CodeTakenByTab:
    """Another tab of this browser has taken the reply that this one offered."""

    text: str


@dataclass(frozen=True, slots=True)
class KeptByTab:
    """Another tab of this browser has put this into the journal: the head of a conversation, and a segment or None."""

    head: bytes
    segment: bytes | None


Event = (
    CreateInvite
    | PasteCode
    | EditCode
    | OpenCodeLink
    | ConfirmJoin
    | DeclineJoin
    | WriteMessage
    | SetName
    | ReportComparison
    | DismissWarning
    | ShowConversation
    | AcceptName
    | LeaveConversation
    | RemoveConversation
    | DeleteMessage
    | EditMessage
    | ReactToMessage
    | RetractMessage
    | ConfigureIce
    | WatchDetails
    | FlushJournal
    | Shutdown
    | LocalDescriptionReady
    | CandidateFound
    | GatheringFinished
    | IceStateChanged
    | ConnectionStateChanged
    | ChannelOpened
    | ChannelClosed
    | FrameReceived
    | PeerFlooded
    | NonceDrawn
    | Signed
    | Verified
    | StatsRead
    | OperationFailed
    | NotKept
    | JournalWritten
    | JournalRead
    | JournalFailed
    | ShowEarlier
    | Search
    | Export
    | ShowMessage
    | MarkRead
    | LookAway
    | SetAtEnd
    | SetFocus
    | NoteActivity
    | NoteTyping
    | SetPresenceSharing
    | SetKeepFor
    | ContactsKept
    | CodeFromTab
    | CodeTakenByTab
    | KeptByTab
    | WebRtcMissing
    | CreateRoom
    | ReturnToRoom
    | UseRelay
    | ConnectAgain
    | WaitForPeople
    | SetRoomLock
    | RotateRoomSecret
    | TakeOverRoom
    | RelayOpened
    | RelayHeard
    | RelayClosed
    | BytesDrawn
    | Derived
    | Sealed
    | Unsealed
    | LeaseTaken
)
