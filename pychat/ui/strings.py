"""Every sentence that explains a state or a mistake, in one place, the same for every screen."""

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import NamedTuple

from pychat.core import content
from pychat.core.chat.conversation import Delivery
from pychat.core.chat.records import NOTHING
from pychat.core.errors import CodeProblem, MessageProblem
from pychat.core.identity.contacts import Contact
from pychat.core.link import CloseReason, LinkPhase
from pychat.core.log import MAX_TEXT
from pychat.core.relay.client import Trouble
from pychat.core.relay.envelope import Refusal
from pychat.core.services.search import MOST_FOUND
from pychat.core.webrtc.ice import IceServer, ServerProblem
from pychat.core.webrtc.stats import Path
from pychat.ui import keeping, times
from pychat.ui.emoji import FOUND
from pychat.ui.plurals import plural


class Trust(Enum):
    """How sure one can be of who the other one is."""

    NOBODY = "nobody"
    NEW = "new"
    KNOWN = "known"
    VERIFIED = "verified"
    ONESELF = "oneself"


IDLE = ("Not connected", "")

JOIN = "Join the chat"
AT_THE_DOOR = ("Not connected", "Nobody learns that you are here until you join.")
JOIN_NOTE = (
    "Until you join, nobody learns that you are here. Then they see your name and your network address, and recognise "
    "you next time. Join only if you know who sent you the link."
)
ROOM_REACHING = ("Opening the chat", "Looking for the server…")
ROOM_WAITING = (
    "Waiting for them to join",
    "Send the link to one person. You are connected as soon as they open it and join.",
)
ROOM_LOCKED = ("This chat is locked", "Nobody else can connect to you here until you unlock it.")
ROOM_LOCKED_STAYS = "This chat is locked: only they can come back, until you unlock it."
ROOM_MEETING = ("Somebody is here", "Connecting to them…")
ROOM_VISITOR = (
    "Somebody else is here",
    "They opened the link, in a conversation of their own, and get nothing that you write here.",
)
ROOM_STAYS = "The link still works: whoever opens it is connected to you."
ROOM_LEFT = ("You left", "The link still works: go back, or make a new one.")
ROOM_REFUSED: dict[Refusal, tuple[str, str]] = {
    Refusal.FULL: (
        "This chat is full",
        "Two people are talking here already, and there is no room for more. You are connected when one of them "
        "leaves; or ask for another link.",
    ),
    # Whoever is not wanted any more is told the same as everybody before a locked door: which of the two it is, is for
    # those inside to say.
    Refusal.LOCKED: (
        "You are not let in",
        "This chat is locked, or whoever is in it does not take you any more. Ask them to let you in, or for another "
        "link.",
    ),
    Refusal.ELSEWHERE: (
        "This chat is open in another tab",
        "It goes on there, or in another program of yours, until you want to use it here.",
    ),
}
NOT_LET_IN: dict[Refusal, str] = {
    Refusal.FULL: "This chat is full: two people are talking already. Try again later, or ask for another link.",
    Refusal.LOCKED: ": ".join(ROOM_REFUSED[Refusal.LOCKED]),
    Refusal.ELSEWHERE: "This chat is open already, in another program or tab of yours. End that one first.",
}
ROOM_AWAY: dict[Trouble, tuple[str, str]] = {
    Trouble.UNREACHABLE: (
        "Can’t reach the server",
        "Trying again… Until then nobody can find you by this link; an invite needs no server.",
    ),
    Trouble.RETURNING: ("Server restarting", "You are back in a few seconds, by itself."),
    Trouble.FULL: ("This chat is full", "The server lets nobody else in. Trying again…"),
    Trouble.BUSY: ("The server is busy", "Trying again… An invite needs no server."),
    Trouble.REFUSED: (
        "The server does not understand",
        "This page may be older than the server: reload it. An invite needs no server.",
    ),
}
NO_RELAY = (
    "There are no chat links here, for this page has no server for them. Codes do the same by copy and paste: one of "
    "you makes an invite, the other one answers it."
)
SERVER_AWAY = "Can’t reach the server. Trying again… Until then, connect without a server."
SERVER_AWAY_FROM_ROOM = (
    "Can’t reach the server, so you are not in the chat yet. Trying again… Then you go in, or are asked first if you "
    "have not been there."
)
RELAY_NOTE = (
    "The server helps the two of you find each other. It learns your network addresses, when you come and go, and how "
    "much is exchanged until you are connected; it cannot read any of it, and never carries a message."
)
ROOM_NOTE = "Anyone with this link can join, so send it to one person only."
ROOM_NOTE_LOCKED = "This chat is locked: the link lets nobody new in."
LOCK_NOTE = "Nobody else can connect to you here, even with the link."
RENEW_NOTE = "The old link stops working. The person you’re talking to stays."
RENEWED = "The chat has a new link."

NOTHING_YET = "Nothing here yet. What you write now is sent once you are connected."
OLDER_GONE = "Older messages are no longer kept here."


def older_gone(at: int, today: date) -> str:
    """That nothing from before a time, in milliseconds since 1970, is there any more."""
    return f"What was said before {times.clock(at)} on {times.long_day(at, today)} is not on this device."


def older_not_shown(at: int, today: date) -> str:
    """That what was said before a time, in milliseconds since 1970, is kept, and too much to be shown."""
    return (
        f"What was said before {times.clock(at)} on {times.long_day(at, today)} is kept on this device, and too much "
        "to be shown here."
    )


def came_in_above(count: int) -> str:
    """That messages came late, and stand where they belong."""
    return plural(count, "A message came in above", "{count} messages came in above")


NOTHING_YET_CONNECTED = "Nothing here yet. Say hello."

MAKING_INVITE = ("Making your invite", "Finding out how you can be reached…")
WAITING_FOR_REPLY = (
    "Send this, then paste their answer",
    "An invite is for one person. Keep pychat open until they have answered.",
)
MAKING_REPLY = ("Making your reply", "Finding out how you can be reached…")
WAITING_FOR_INVITER = (
    "Waiting for them",
    "Send your reply back, and keep pychat open. You are connected once they paste it.",
)
WAITING_WITH_PATH = (
    "Waiting for them",
    "They can be reached already. Send your reply back, and keep pychat open until they paste it.",
)
CONNECTING = ("Connecting", "Looking for a way from your device to theirs…")
SECURING = ("Securing", "Found each other. Agreeing on encryption keys…")
OPEN = ("Connected", "What you write is encrypted from your device to theirs.")
TYPING = "Typing…"
AWAY = "Away"


def presence(otherwise: str, *, typing: bool, away: bool) -> str:
    """What the other one does, as far as they let it be seen; else how the connection stands."""
    return TYPING if typing else AWAY if away else otherwise


LOST = ("Connection lost", "Reconnecting; your messages wait here.")

KEPT = ("Not connected", "What you write waits here, and goes out when you are connected again.")
NOT_TO_BE_FOUND = "There is no link by which they are found again. A new link or invite connects you."
LOOKING_AGAIN = ("Looking for them", "Asking the server whether they are there…")
WAITING_AGAIN = ("Waiting for them", "You are connected as soon as they open pychat, too. What you write waits here.")


def delete_note(name: str, *, kept: bool) -> str:
    """What it means to delete the conversation with somebody."""
    where = "deleted from this device" if kept else "gone from here"
    return f"All that was said in it is {where}. {name or 'The other side'} keeps what they have."


DELETED = "Deleted on this device"
"""Stands in the place of a message."""
DELETED_FOR_BOTH = "Deleted for both"
PRINTED_STAYS = "What this terminal has printed stays in it until you clear it."
RETRACTED = "Deleted"
"""The same where its author has deleted it for both."""
DELETED_QUOTED = "A message that was deleted"
QUOTED_FROM_BEFORE = "An earlier message"
EDITED = "edited"
EDITING = "Edit your message:"
NOTHING_TO_ANSWER = "There is no message of theirs here to answer; “/reply Yes” answers the last one."
NOTHING_TO_EDIT = "There is no such message of yours here."
MESSAGE_GONE = "There is no such message here, or no longer."
NO_EMOJI = "A reaction is one emoji, or something as short."


def change_note(kind: str, text: str, about: str) -> str:
    """What a line says of a change to a message: an edit, a reaction, a deletion."""
    match kind:
        case content.EDIT:
            return f"{text} (edited)"
        case content.REACT:
            return f"{text} (to “{about}”)"
        case content.UNREACT:
            return f"no {text} any more (to “{about}”)"
    return "(deleted a message for both)"


COPY_CODE = "Copy code"
CODE_COPIED = "Code copied"
CANNOT_COPY = "The browser does not let this page copy. Mark the text, and press Ctrl+C or ⌘C."


def replying_to(who: str) -> str:
    """What stands above what is being written as a reply."""
    return f"Reply to {'yourself' if who == ME else who}:"


def message_menu(who: str, clock: str) -> str:
    """What the button at a message does."""
    return f"More: {who}, {clock}"


def reactions_of(emoji: str, who: list[str]) -> str:
    """Who reacts to a message by an emoji."""
    return f"{emoji} {' and '.join(who)}"


EMOJI_LOADING = "Loading…"
EMOJI_NOT_LOADED = "The emoji could not be loaded. Check your connection, then open this again."
EMOJI_RECENT = "Recently used"
SKIN_TONES = ("✋ No tone", "✋🏻 Light", "✋🏼 Medium-light", "✋🏽 Medium", "✋🏾 Medium-dark", "✋🏿 Dark")


def emoji_found(count: int) -> str:
    """How many emoji there are for what was searched."""
    return "Nothing found." if not count else f"{count} found." if count < FOUND else f"The first {count} are shown."


SCAN_NOTE = "Hold the QR code of the other device before the camera. The picture stays on this device."
SCAN_OTHER = "This QR code has no pychat link or code in it."
CAMERA_PROBLEMS = {
    "REFUSED": "pychat may not use the camera. Allow it in the browser’s settings for this page, then scan again.",
    "NONE": "This device has no camera that the browser knows. Copy the link or code instead.",
    "BUSY": "Another program uses the camera. Close that, then scan again.",
    "OTHER": "The camera cannot be used here. Copy the link or code instead.",
}
"""By the name of the problem."""


def code_block(language: str) -> str:
    """What a block of code is called by those who do not see it."""
    return f"Code, {language}" if language else "Code"


def of_newer_version(text: str) -> str:
    """A message of a kind that this version does not know."""
    return f"{text}\n(made with a newer pychat)"


NOTHING_TO_DELETE = "There is no such message here that can be deleted. One that is on its way cannot be for now."


def delete_message_note(name: str, *, kept: bool, waits: bool, both: bool = False) -> str:
    """What it means to delete one message; `waits`: it has not gone out, `both`: it can be deleted for both."""
    if waits:
        they = name or "the other side"
        return (
            "It has not arrived, and is not sent any more. Only if pychat ended while it was on its way, or another "
            f"tab has just sent it, {they} may have it."
        )
    also = ", also in your other tabs, and is not found any more" if kept else ""
    they = name or "The other side"
    here = f"It goes from this device{also}; that there was a message stays."
    if both:
        return (
            f"{here} Deleted for both, it goes from {name or 'the other'}’s devices too, once they hear of it; what "
            "they have copied, exported or read by then nobody can take from them."
        )
    return f"{here} {they} keeps their copy, and so does a file that you have exported."


def deletion_problem(detail: str) -> str:
    """That a message is not deleted yet, and why in the platform's words."""
    return f"A message that you deleted is hidden, and is still kept on this device. It is tried again: {detail}"


KEPT_NOWHERE = "What is said here is gone when pychat is closed."
WAIT_FOR = {"recent": "People of the last 30 days", "all": "Everybody", "nobody": "Nobody, until I ask"}
WAIT_NOTE = (
    "Whoever of them has pychat open, too, is connected to you by themselves, without a link. The server learns that "
    "somebody at your address looks for somebody, never who."
)
SHARING_NOTE = (
    "Only people you talk to see it, while you are connected; nothing of it is kept. If you don’t show what you have "
    "read, you don’t see it of others either."
)
KEEP_NOTE = "It is encrypted on this device. Each conversation can have its own time."


def keep_note(seconds: int) -> str:
    """For how long it is kept what is said in a conversation."""
    words = keeping.state(seconds)
    return f"What is said here is {words}" + ("." if seconds == NOTHING else ", on this device.")


def keep_explained(name: str) -> str:
    """What the choice is about."""
    return (
        "What is said here is kept on this device, encrypted. This is about your device alone: "
        f"{name or 'the other side'} keeps what they like."
    )


def keep_caution(now: int, chosen: int) -> str:
    """What becomes at once of what was said, by a choice."""
    if chosen >= now:
        return ""
    if chosen == NOTHING:
        return "All that was said goes when pychat is closed, and is deleted from this device now."
    return f"What is older than {keeping.duration(chosen)} is deleted now."


def search_note(count: int, *, is_reading: bool, is_cut: bool) -> str:
    """How far it was looked for something, and how much was found."""
    if is_reading:
        return "Searching…"
    found = plural(count, "One message found.", "{count} messages found.") if count else "Nothing found."
    if count == MOST_FOUND:
        found = f"The newest {count} messages are shown."
    return f"{found} Of what was said, only the newest was searched: there is too much." if is_cut else found


def export_note(*, damaged: int, problem: str) -> str:
    """What is missing in an export, or ""."""
    if problem:
        return f"What was said before could not be read: {problem}."
    return f"Some of it is damaged and left out ({damaged} pieces)." if damaged else ""


EXPORT_NOTE = "The file is not encrypted: whoever gets it can read all of it."


def history_problem(detail: str) -> str:
    """That what is said is not kept, and why in the platform's words."""
    return f"What you say is not kept on this device for the next time: {detail}"


SOMEBODY_ELSE = (
    "Not connected",
    "Somebody else answered that invite in a conversation of its own. A new invite connects you again.",
)

ENDINGS: dict[CloseReason, tuple[str, str]] = {
    CloseReason.LEFT: ("You left", "The conversation has ended. A new invite connects you again."),
    CloseReason.PEER_LEFT: ("They left", "The other side closed pychat or left. A new invite connects you again."),
    CloseReason.CHANNEL_CLOSED: (
        "Connection closed",
        "The other side is gone: pychat was closed there, or its network went away. A new invite connects you again.",
    ),
    CloseReason.NO_ADDRESS: (
        "No network",
        "This device found no way out. Check the network; with “Hide my address” on, a TURN server must be set and "
        "reachable.",
    ),
    CloseReason.NO_PATH: (
        "Could not connect",
        "The two of you could not reach each other. Both must keep pychat open: was theirs closed? If not, try the "
        "same network, or set a TURN server in the settings of one side. Then make a new invite.",
    ),
    CloseReason.NOT_SECURED: (
        "Not secured",
        "Found each other, but the encryption could not be set up. Make a new invite, and check that the codes "
        "arrive unchanged.",
    ),
    CloseReason.NO_GREETING: (
        "No answer",
        "You were connected, but pychat on the other side did not say who it is. Ask them to start it anew (reload the "
        "page), then make a new invite.",
    ),
    CloseReason.PATH_LOST: (
        "Connection lost",
        "It did not come back. Nothing is lost: make a new invite, and what waits here is sent.",
    ),
    CloseReason.BROKE_PROTOCOL: (
        "Connection ended",
        "The other side sent something that is not allowed. Make a new invite if you trust them.",
    ),
    CloseReason.OTHER_VERSION: (
        "Versions differ",
        "The other side speaks another version of pychat. Get the newest on both sides (reload the page, or update the "
        "program), then make a new invite.",
    ),
    CloseReason.NOT_PROVED: (
        "Not who they claim to be",
        "The other side could not prove who it is, so nothing was sent. Somebody may have swapped the codes on their "
        "way: exchange new ones over another messenger.",
    ),
    CloseReason.NO_MATCH: (
        "Ended: the pictures differ",
        "You said that the pictures do not match, so somebody may be listening in. Do not send anything secret. "
        "Exchange new codes over another messenger, and compare again.",
    ),
    CloseReason.PEER_NO_MATCH: (
        "Ended: the pictures differ",
        "They compared the pictures and saw others than yours, so somebody may be listening in. They do not count as "
        "verified any more. Do not send anything secret. Talk to them in another way, exchange new codes over another "
        "messenger, and compare again.",
    ),
    CloseReason.REFUSED: ROOM_REFUSED[Refusal.FULL],
    CloseReason.ELSEWHERE: ROOM_REFUSED[Refusal.ELSEWHERE],
    CloseReason.NO_ANSWER: ("No answer", "Somebody was there, but did not answer."),
    CloseReason.REPLACED: ("Replaced", "A newer connection took the place of this one."),
    CloseReason.FAILED_HERE: (
        "It did not work",
        "This device refused to go on. Start pychat anew (reload the page) and make a new invite.",
    ),
}

_NOT_LET_IN = "They are not let in again, unless you leave the chat and go back to it."
_ROOM_ENDINGS: dict[CloseReason, str] = {
    CloseReason.NO_ADDRESS: ENDINGS[CloseReason.NO_ADDRESS][1],
    CloseReason.NO_PATH: (
        "The two of you could not reach each other. Trying again… Try the same network, or set a TURN server in the "
        "settings of one side."
    ),
    CloseReason.NOT_SECURED: (
        "Found each other, but the encryption could not be set up. Trying again… A new link may help."
    ),
    CloseReason.PATH_LOST: "It did not come back. Nothing is lost: what waits here is sent when they are back.",
    CloseReason.BROKE_PROTOCOL: f"The other side sent something that is not allowed. {_NOT_LET_IN}",
    CloseReason.OTHER_VERSION: (
        "The other side speaks another version of pychat. Get the newest on both sides: reload the page, or update the "
        "program."
    ),
    CloseReason.NOT_PROVED: f"The other side could not prove who it is, so nothing was sent. {_NOT_LET_IN}",
    CloseReason.NO_MATCH: (
        "You said that the pictures do not match, so somebody may be listening in. Do not send anything secret. Make a "
        "new chat link, send it over another messenger, and compare again."
    ),
    CloseReason.PEER_NO_MATCH: (
        "They compared the pictures and saw others than yours, so somebody may be listening in. They do not count as "
        "verified any more. Do not send anything secret. Make a new chat link, send it over another messenger, and "
        "compare again."
    ),
    CloseReason.FAILED_HERE: (
        "This device refused to go on. Start pychat anew (reload the page), and go back to the chat."
    ),
}
"""Why a connection has ended, and what to do, where the room is still open and that is not all there is to say."""
_GONE = "The other side is gone: pychat was closed there, or its network went away."


CODE_PROBLEMS: dict[CodeProblem, str] = {
    CodeProblem.EMPTY: "Paste the invite or the reply that somebody sent you.",
    CodeProblem.NOT_A_CODE: "There is no pychat code in this text. Copy the whole message you got, and paste it again.",
    CodeProblem.CUT_SHORT: "This link is incomplete. Ask them to send it again.",
    CodeProblem.MISTYPED: "This code was changed on its way: a character is wrong or missing. Copy it once more.",
    CodeProblem.NEWER_VERSION: (
        "This code is from a newer pychat. Get the newer version: reload the page, or update the program."
    ),
    CodeProblem.NOT_AN_INVITE: "This is a reply, and an invite is wanted. A reply belongs to whoever made the invite.",
    CodeProblem.NOT_A_REPLY: (
        "This is an invite, and a reply is wanted. One of you makes the invite, the other one answers with a reply."
    ),
    CodeProblem.NO_INVITE_WAITING: (
        "This is a reply, but no invite of yours is waiting here. Paste it where you made the invite, or make a new "
        "one."
    ),
    CodeProblem.OWN_INVITE: "This is your own invite. Send it to the other person, and paste what they send back.",
    CodeProblem.OWN_REPLY: "This is your own reply. Send it to the person who invited you.",
    CodeProblem.OTHER_INVITE: (
        "This reply answers another invite, not the one that waits here. Ask for a reply to the newest invite."
    ),
    CodeProblem.INVITE_USED: "The invite that this reply answers is used up. Make a new invite.",
    CodeProblem.NO_RELAY: (
        "This is a chat link of another page, and there is no server for it here. Open the link itself, or ask for an "
        "invite."
    ),
    CodeProblem.NO_WEBRTC: (
        "This browser lets pychat connect to nobody: WebRTC is switched off here, or an extension blocks it. Allow it "
        "for this page, then reload."
    ),
    CodeProblem.INVITE_ALREADY_PASTED: (
        "You have answered this invite already. Send them your reply, or ask for a new invite."
    ),
}

SERVER_PROBLEMS: dict[ServerProblem, str] = {
    ServerProblem.NOT_A_URL: "is not a server. Write “stun:host:port”, or “turn:host:port name password”.",
    ServerProblem.STUN_TRANSPORT: "names a transport, which only TURN servers take.",
    ServerProblem.PORT: "has a port outside 1 to 65535.",
    ServerProblem.CREDENTIALS_MISSING: "lacks the name and password that a TURN server asks for.",
    ServerProblem.TOO_MANY: "is one too many: eight servers at most.",
}

PATHS: dict[Path, str] = {
    Path.LOCAL: "On the local network",
    Path.INTERNET: "Straight across the internet",
    Path.RELAY: "Through a relay (TURN), which sees only encrypted data",
    Path.UNKNOWN: "Not known yet",
}

PHASE_NAMES: tuple[tuple[LinkPhase, str], ...] = (
    (LinkPhase.SIGNALING, "Signaling"),
    (LinkPhase.CONNECTING, "Connecting"),
    (LinkPhase.SECURING, "Securing"),
    (LinkPhase.OPEN, "Communicating"),
)
"""As those call them who build such things: in the terminal and the demonstration. The page has them in its HTML."""

ME = "You"
NEW_CHAT = "New chat"
ONESELF = "You (another tab)"
NEW = "new"
READ = "Read"
DELIVERY = {Delivery.WAITING: "Waiting", Delivery.SENT: "Sent", Delivery.DELIVERED: "Delivered"}
FOLD = "Show less"
SHOW_LINK = "Show the link"
MORE = "More"
LESS = "Less"
COPIED = "Copied. Now send it to them."
COPY_BY_HAND = "The browser does not let this page copy. The code is marked: press Ctrl+C or ⌘C."
PROGRESS = {"to-come": "", "now": "under way", "done": "done", "failed": "failed"}
STATES = {
    "idle": "not connected",
    "signaling": "waiting",
    "connecting": "connecting",
    "securing": "securing",
    "open": "connected",
    "lost": "connection lost",
    "closed": "ended",
}
HANDED_OVER = "The reply has reached the tab that was waiting for it. You can close this one."
RELAY_NEEDS_TURN = "Hiding your address needs a TURN server: without one nobody can be reached."
STORE_FAILED = "The settings hold for this visit, but this browser does not let the page keep them."


TRUST: dict[Trust, tuple[str, str]] = {
    Trust.NOBODY: ("", ""),
    Trust.NEW: ("Not verified", "First time together? Make sure it’s really them, on a call or side by side."),
    Trust.KNOWN: (
        "Known, not verified",
        "The same person as before, though nobody has checked who that is. Make sure, on a call or side by side.",
    ),
    Trust.VERIFIED: ("Verified", "You have checked who this is. They are recognised from now on, whatever their name."),
    Trust.ONESELF: ("You", "This is you, in another tab or window."),
}
DIFFERED = (
    "The pictures differed when they were compared, so somebody may have listened in. Do not send anything secret. "
    "Connect anew, with a link or codes that you send in another way, and compare again."
)
COMPARE = "Read these pictures to each other. If they match, nobody is listening in."
ACCEPT_NAME = "Call them that"
COMPARE_HINT = "Make sure it’s really them: compare 7 pictures."
SAFETY_NUMBER = (
    "The safety number names the two of you and stays the same for all connections. Compare it at any time, also by "
    "holding a camera to the other one's QR code."
)
MISMATCH = "Do they really differ?"
MISMATCH_NOTE = (
    "Look at all seven once more. If they differ, somebody may be listening in. The connection "
    "ends, the other one is told, and neither of you counts as verified for the other any more."
)
WARNING = "This may be somebody else"
WARNED = "Same name, different person?"
NOW_VERIFIED = "They are verified now."
NO_LONGER_VERIFIED = "They do not count as verified. Do not send anything secret before you know who this is."
UNREADABLE = (
    "What was said before is left as it is. When it is deleted, this page is loaded again, and what you say is kept."
)


def not_deleted(detail: str) -> str:
    """That what cannot be read could not be deleted either, and why in the platform's words."""
    return f"It could not be deleted: {detail}"


FORGET_HISTORY = (
    "All that was said and is kept on this device is deleted, whether it can be read or not. Who you are, whom you "
    "know and your settings stay. Close pychat wherever else it is open first."
)
START_AFRESH = (
    "This deletes all that was said, your identity, your contacts and your settings on this device, and ends all "
    "conversations. Others will see you as somebody new. It cannot be undone."
)
ERASE_FAILED = (
    "Not everything could be deleted. Delete the data of this site in the settings of your browser, then reload the "
    "page."
)
NAME_NOTE = "Others see this name. It proves nothing: whoever wants to can use the same one."
UPDATE = "A new version of pychat is ready. Updating reloads the page and disconnects you."
NEW_MESSAGE = "New message"
HAS_COME = "Has joined the chat"
SOMEBODY_HAS_COME = "Somebody has joined the chat"
SHARED = "Choose whom to send this to:"
NOTIFY_OFFER = "Be told when somebody writes while you are elsewhere?"
NOTIFY = {
    "name": "Show who has written",
    "text": "Show who has written, and what",
    "nothing": "Show “New message” only",
    "off": "Show none",
}
NOTIFY_NOTE = {
    "none": "This browser has no notifications for this page. On an iPhone or iPad, add it to the Home Screen first.",
    "denied": "Your browser does not let this page show any. You can change that in its settings for this site.",
    "default": "Your browser will ask whether this page may show any.",
    "granted": "Only while you are not looking at this page. Whoever sees your screen sees them, and your system may "
    "keep them.",
}
NOT_KEPT = "This device does not let pychat keep anything: next time you will be somebody new to others."
EVICTED = (
    "This browser has deleted your key and what was said here, to make room or because it was told to. Others see you "
    "as somebody new; your settings and the people you know are still here."
)
ROOMS_NOT_KEPT = (
    "The chats that were open here before are closed: this browser did not keep them. Open their links once more."
)
SETTINGS_NOT_KEPT = (
    "This browser does not let pychat keep your name, your settings and whom you meet: next time they are forgotten."
)
CONTACTS_NOT_KEPT = "This device did not keep whom you met: next time they may be new to you."
CONTACTS_UNREADABLE = (
    "The list of people you know is damaged. It is left as it is, but nobody is recognised, and nobody you verify is "
    "kept. “Erase my identity” in the settings makes a new list."
)


class Threat(NamedTuple):
    """Somebody one may be afraid of: what they cannot do here, and what they can."""

    who: str
    cannot: str
    can: str


PROTECTION: tuple[Threat, ...] = (
    Threat(
        "Someone watching the network",
        "Cannot read or change what you write.",
        "Can see that the two of you talk, from which addresses, when and how much.",
    ),
    Threat(
        "Someone swapping your codes on their way",
        "Cannot pass for somebody you have verified, and is found out as soon as you compare the pictures.",
        "Can listen in as long as you have not compared, and then read and change everything.",
    ),
    Threat(
        "The person you talk to",
        "Cannot run anything on your device, and cannot pass for somebody you have verified.",
        "Can keep and show around what you write, see your network address unless you hide it, and take any name.",
    ),
    Threat(
        "The host of this page",
        "Sees neither your codes nor your messages as long as it serves the honest program.",
        "Could replace the app with a dishonest one, which can do everything you can. Use a host that you trust.",
    ),
    Threat(
        "Someone with your device",
        "Finds nothing that was said in the files of a disk that was taken out: all is encrypted there. What you let "
        "disappear, or do not keep, is not there at all.",
        "Can, where it is unlocked and pychat opens, read what is kept, see whom you know and write as you, and with "
        "skill take keys and identity along.",
    ),
    Threat(
        "STUN and TURN servers",
        "Cannot read your messages, and get no codes.",
        "Learn your network address and when you connect. A TURN server also learns with which address, and how much.",
    ),
)
NOT_PROMISED = (
    "Not promised: that you stay anonymous; that you could deny what you wrote; that the host of this page is honest."
)


_NO_QUOTES = dict.fromkeys(map(ord, '“”„‟"«»'))
_LONGEST_IN_SENTENCE = 32


def room_ending(close_reason: CloseReason, *, locked: bool) -> str:
    """Say why a connection has ended whose room is still open, and what to do; or how it stands with the room."""
    stays = ROOM_LOCKED_STAYS if locked else ROOM_STAYS
    if close_reason is CloseReason.CHANNEL_CLOSED:
        return f"{_GONE} {stays}"
    return _ROOM_ENDINGS.get(close_reason, stays)


def who_is(name: str) -> str:
    """Ask who the other one is."""
    return f"Who is {name}?"


def in_sentence(name: str) -> str:
    """A name within a sentence of ours: it ends no quotation, and is too short to go on as a sentence itself."""
    inner = name.translate(_NO_QUOTES)
    return inner if len(inner) <= _LONGEST_IN_SENTENCE else f"{inner[: _LONGEST_IN_SENTENCE - 1]}…"


def namesake_warning(name: str, contact: Contact) -> str:
    """Say that somebody comes with the name of somebody else who is known."""
    known = "you verified" if contact.verified else "you know"
    return (
        f"This isn’t the {in_sentence(contact.known_as)} {known}, though the name “{in_sentence(name)}” looks the "
        "same. It may be a new device, or someone pretending. Nothing that you write is sent until you decide. Compare "
        "the pictures with the person you mean, or ask them in another way."
    )


def renamed(known_as: str, new_name: str, bearer: Contact | None) -> str:
    """Say that somebody verified now uses another name, and who else has it, or one that looks like it."""
    sentence = f"{in_sentence(known_as)}, whom you verified, now uses the name “{in_sentence(new_name)}”."
    return sentence if bearer is None else f"{sentence} Careful: you know another {in_sentence(bearer.known_as)}."


def stun_note(servers: Sequence[IceServer]) -> str:
    """Say whom a connection asks for this side's address, and what they learn."""
    names = ", ".join(server.url for server in servers)
    return (
        f"To meet across the internet, pychat asks {names} how it looks from outside. They learn your network "
        "address and when you connect, nothing else. The settings can change this."
    )


def to_send(*, is_link: bool, is_reply: bool) -> str:
    """Say what the line after this one is for."""
    if is_reply:
        return "Send this back to them:"
    return f"Send this {'link' if is_link else 'invite'} to one person:"


def message_problem(problem: MessageProblem, text: str) -> str:
    """Say why a message cannot be sent."""
    match problem:
        case MessageProblem.EMPTY:
            return "There is nothing to send."
        case MessageProblem.TOO_LONG:
            return f"A message has at most {MAX_TEXT:,} characters; this one has {len(text):,}. Send it in parts."
        case MessageProblem.FULL:
            return "Too much that you wrote is still waiting to arrive. Write on once some of it is delivered."


def silent_servers(urls: Sequence[str]) -> str:
    """Say which TURN servers were of no help."""
    names = " and ".join(filter(None, (", ".join(urls[:-1]), urls[-1])))
    return f"No help came from {names}: is it reachable, and are name and password right?"


def unfold(characters: int) -> str:
    """Offer the rest of a long text."""
    return f"Show all {characters:,} characters"


def guesses(count: int) -> str:
    """Say that handshakes were broken off when the signs could be known."""
    return (
        f"Somebody opened this link {count:,} times and broke off as soon as they could know the pictures. They may be "
        "trying to guess them, to listen in on you and the one you wait for. Each try is slowed down. Make a new link, "
        "send it in another way, and compare all seven pictures."
    )


def undelivered(count: int) -> str:
    """Say how many messages have not arrived."""
    return plural(count, "One message is not delivered.", "{count} messages are not delivered.")
