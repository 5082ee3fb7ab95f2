"""Every sentence that explains a state or a mistake, in one place, the same for every screen."""

from collections.abc import Sequence

from pychat.core.errors import CodeProblem, MessageProblem
from pychat.core.ice import IceServer, ServerProblem
from pychat.core.link import Ending, Phase
from pychat.core.log import MAX_TEXT
from pychat.core.stats import Path

IDLE = ("Not connected", "Make an invite, or paste a code that somebody sent you.")

MAKING_INVITE = ("Making your invite", "Finding out how you can be reached…")
WAITING_FOR_REPLY = ("Waiting for a reply", "Send the invite to one person. Paste what they send back.")
MAKING_REPLY = ("Making your reply", "Finding out how you can be reached…")
WAITING_FOR_INVITER = (
    "Waiting for them",
    "Send your reply back, and keep pychat open. You are connected once they paste it.",
)
WAITING_WITH_PATH = (
    "Waiting for them",
    "A path to them is found already. Send your reply back, and keep pychat open until they paste it.",
)
CONNECTING = ("Connecting", "Looking for a path between the two of you…")
SECURING = ("Securing", "A path is found. Agreeing on encryption keys…")
OPEN = ("Connected", "What you write is encrypted from your device to theirs.")
LOST = ("Connection lost", "The path between you broke. Trying to get it back; what you write waits here.")

SOMEBODY_ELSE = (
    "Not connected",
    "Somebody else answered that invite in a conversation of its own. A new invite connects you again.",
)

ENDINGS: dict[Ending, tuple[str, str]] = {
    Ending.LEFT: ("You left", "The conversation has ended. A new invite connects you again."),
    Ending.PEER_LEFT: ("They left", "The other side closed pychat or left. A new invite connects you again."),
    Ending.CHANNEL_CLOSED: (
        "Connection closed",
        "The other side is gone: pychat was closed there, or its network went away. A new invite connects you again.",
    ),
    Ending.NO_ADDRESS: (
        "No way out",
        "This device found no address to be reached at. Check the network; with “Hide my address” on, a TURN server "
        "must be set and reachable.",
    ),
    Ending.NO_PATH: (
        "No path found",
        "The two of you could not reach each other. Both must keep pychat open: was theirs closed? If not, try the "
        "same network, or set a TURN server in the settings of one side. Then make a new invite.",
    ),
    Ending.NOT_SECURED: (
        "Not secured",
        "A path was found, but the encryption could not be set up. Make a new invite, and check that the codes "
        "arrive unchanged.",
    ),
    Ending.PATH_LOST: (
        "Connection lost",
        "The path did not come back. Nothing is lost: make a new invite, and what waits here is sent.",
    ),
    Ending.BROKE_PROTOCOL: (
        "Connection ended",
        "The other side sent something that is not allowed. Make a new invite if you trust them.",
    ),
    Ending.OTHER_VERSION: (
        "Versions differ",
        "The other side speaks another version of pychat. Get the newest on both sides (reload the page, or update the "
        "program), then make a new invite.",
    ),
    Ending.ONESELF: ("That was you", "You connected to yourself. Send the invite to somebody else."),
    Ending.REPLACED: ("Replaced", "A newer connection took the place of this one."),
    Ending.FAILED_HERE: (
        "It did not work",
        "This device refused to go on. Start pychat anew (reload the page) and make a new invite.",
    ),
}

CODE_PROBLEMS: dict[CodeProblem, str] = {
    CodeProblem.EMPTY: "Paste the invite or the reply that somebody sent you.",
    CodeProblem.NOT_A_CODE: "There is no pychat code in this text. Copy the whole message you got, and paste it again.",
    CodeProblem.CUT_SHORT: "The end of this code is missing. Copy all of it, and paste it again.",
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

PHASE_NAMES: tuple[tuple[Phase, str], ...] = (
    (Phase.SIGNALING, "Signaling"),
    (Phase.CONNECTING, "Connecting"),
    (Phase.SECURING, "Securing"),
    (Phase.OPEN, "Communicating"),
)

ME = "You"
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


def stun_note(servers: Sequence[IceServer]) -> str:
    """Say whom a connection asks for this side's address, and what they learn."""
    names = ", ".join(server.url for server in servers)
    return (
        f"To meet across the internet, pychat asks {names} how it looks from outside. They learn your network "
        "address and when you connect, nothing else. The settings can change this."
    )


def message_problem(problem: MessageProblem, text: str) -> str:
    """Say why a message cannot be sent."""
    match problem:
        case MessageProblem.EMPTY:
            return "There is nothing to send."
        case MessageProblem.TOO_LONG:
            return f"A message has at most {MAX_TEXT:,} characters; this one has {len(text):,}. Send it in parts."
        case MessageProblem.FULL:
            return "This conversation holds as many messages as it can. Begin a new one with a new invite."


def undelivered(count: int) -> str:
    """Say how many messages have not arrived."""
    return "One message is not delivered." if count == 1 else f"{count:,} messages are not delivered."
