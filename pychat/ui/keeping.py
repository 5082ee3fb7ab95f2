"""For how long it is kept what is said: the choices that a person has, and the words for them."""

from pychat.core.chat.records import FOREVER, NOTHING
from pychat.ui.plurals import plural

_UNITS = (("year", 365 * 86_400), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

CHOICES = (FOREVER, 365 * 86_400, 90 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, NOTHING)
"""What a screen offers, in seconds; others come from the command line."""


def duration(seconds: int) -> str:
    """A span of time in the largest unit of which it is a whole number: “7 days”, “1 hour”."""
    name, size = next((name, size) for name, size in _UNITS if seconds % size == 0)
    count = seconds // size
    return plural(count, f"1 {name}", f"{{count}} {name}s")


def choice(seconds: int) -> str:
    """The name of a choice: “Until I delete it”, “For 7 days”, “Not at all”."""
    if seconds >= FOREVER:
        return "Until I delete it"
    return "Not at all" if seconds == NOTHING else f"For {duration(seconds)}"


def state(seconds: int) -> str:
    """What becomes of what is said: “kept until you delete it”, “kept for 7 days”, “not kept”."""
    if seconds >= FOREVER:
        return "kept until you delete it"
    return "not kept" if seconds == NOTHING else f"kept for {duration(seconds)}"


def parse(text: str) -> int | None:
    """The seconds that a person means by “7 days”, “1h”, “forever” or “nothing”; None if that is none of these."""
    word = text.strip().lower().removeprefix("for ")
    if word in ("forever", "always"):
        return FOREVER
    if word in ("nothing", "not", "no", "0"):
        return NOTHING
    digits = word.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = word[len(digits) :].strip().rstrip("s") or "day"
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits) <= 100_000):
        return None
    size = next((size for name, size in _UNITS if name == unit or name[0] == unit), None)
    return int(digits) * size if size is not None else None
