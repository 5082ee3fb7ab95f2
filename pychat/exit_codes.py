"""How the command ends: a sentence on standard error, and a status that scripts can use."""

import sys
from contextlib import suppress
from enum import IntEnum


class Exit(IntEnum):
    """The exit statuses of the command `pychat`."""

    DONE = 0
    """Everything that was sent has been delivered, and one of the two has left."""
    FAILED = 1
    """Something on this machine does not work: no network, a file that cannot be written."""
    USAGE = 2
    """The command was called in a way it cannot be, or there is nothing to do."""
    CODE = 3
    """No invite or reply came, or it cannot be used."""
    NOT_CONNECTED = 4
    """The connection did not come about."""
    NOT_DELIVERED = 5
    """The connection ended before everything was delivered, or without a good-bye."""
    OUTPUT_CLOSED = 6
    """Whoever read the standard output has stopped."""
    NOT_TRUSTED = 7
    """The other side could not prove who it is, or goes by the name of somebody else."""
    INTERRUPTED = 130
    """Ctrl-C."""


class Failure(Exception):
    """The command cannot go on; the text is a sentence for a person."""

    def __init__(self, status: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def say(sentence: str) -> None:
    """Tell the person something without touching the standard output."""
    say_alone(f"pychat: {sentence}")


def say_alone(line: str) -> None:
    """The same for what stands on its line by itself."""
    with suppress(OSError, ValueError, AttributeError):  # nobody may be there to listen
        sys.stderr.write(f"{line}\n")  # print would take the standard output where there is no standard error
        sys.stderr.flush()
