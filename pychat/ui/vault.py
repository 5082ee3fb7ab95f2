"""All that is kept on this device: the passphrase that it may want, a backup of it; and the words for that."""

from dataclasses import dataclass
from typing import NamedTuple

from pychat.ui.plurals import plural

LEAST = 8
"""Characters of a passphrase."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was taken in from a backup: conversations in which something is new here, and messages that are.

    `is_new`: something is here now that was not before, be it a setting. `is_whole`: nothing of it was missing or
    unknown.
    """

    conversations: int
    messages: int
    is_new: bool
    is_whole: bool


class Form(NamedTuple):
    """What is asked for: its title, why, what does it and what that says meanwhile, and what does not.

    `file`, `current` and `new` say which fields there are.
    """

    title: str
    text: str
    go: str
    working: str
    file: bool = False
    current: bool = False
    new: bool = False
    cancel: str = "Cancel"


COST = "Each try takes 64 MB of memory and about a second, so that others cannot try many."
FORGOTTEN = "Nobody can help when it is forgotten: what was said is lost then, on this device."

UNLOCK = Form(
    "What was said is locked",
    "Give the passphrase that you have set on this device. If it is forgotten, go on without: you can talk to people, "
    "nothing is kept, and “Erase my identity” in the settings deletes what is locked.",
    "Unlock",
    "Unlocking…",
    current=True,
    cancel="Go on without",
)
SET = Form(
    "Set a passphrase",
    f"pychat asks for it whenever it is opened, and nobody can read what was said without it, even from a stolen disk. "
    f"{COST} {FORGOTTEN}",
    "Set it",
    "Sealing…",
    new=True,
)
CHANGE = Form("Change the passphrase", f"{COST} {FORGOTTEN}", "Change it", "Sealing…", current=True, new=True)
REMOVE = Form(
    "Remove the passphrase",
    "pychat opens without it from then on. Whoever reads this device’s disk can then read what was said.",
    "Remove it",
    "Removing…",
    current=True,
)
BACK_UP = Form(
    "Back up everything",
    "A file with all that was said, whom you know and your settings, sealed with a passphrase that you give here. "
    "Without it nobody can read the file, and you cannot either.",
    "Save the file",
    "Writing the file…",
    new=True,
)
RESTORE = Form(
    "Restore a backup",
    "What is in the file is put among what is here; nothing here is lost or doubled. On another device you are "
    "somebody new to others all the same: the key of your identity never leaves its device.",
    "Restore",
    "Reading the file…",
    file=True,
    current=True,
)

PASSPHRASE_NOTE = "With a passphrase nobody who gets this device’s disk can read what was said."
PASSPHRASE_SET = "pychat asks for your passphrase whenever it is opened here."
BACKUP_NOTE = "One file with everything, sealed with a passphrase: for another device, or for the day this one is lost."

WRONG = "That is not the passphrase."
SET_ELSEWHERE = "A passphrase was set in another tab or program. Close this, and change that one."
WRONG_FOR_FILE = "That is not the passphrase of this file, or its beginning is damaged."
NO_FILE = "Choose the file of a backup first."
NOT_A_BACKUP = "This file is no backup made by pychat, or it is damaged from the beginning on."
NEWER = "A newer version of pychat has made this file."
LOCKED = "it is locked. Reload the page to give the passphrase."


def problem(new: str, again: str) -> str:
    """What is wrong with a new passphrase that was typed twice, or ""."""
    if len(new) < LEAST:
        return f"A passphrase has at least {LEAST} characters; five words that nobody would guess are good."
    return "" if new == again else "The two differ. Type the same passphrase in both fields."


def failed(detail: str) -> str:
    """That it did not work, and why in the platform's words."""
    return f"That did not work: {detail}."


def told(restored: Restored) -> str:
    """What was taken in."""
    if restored.messages:
        conversations = plural(restored.conversations, "one conversation", "{count} conversations")
        messages = plural(restored.messages, "One message is", "{count} messages are")
        words = f"{messages} here now that were not before, in {conversations}."
    else:
        words = f"No message in the file is new here{', but people or settings are' if restored.is_new else ''}."
    return words if restored.is_whole else f"{words} The file is not whole: what it lacks is not here."


def file_name(day: str) -> str:
    """The name of a backup that was made on a day, as in ISO 8601."""
    return f"pychat-{day}.pychat"
