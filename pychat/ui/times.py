"""Times as people write them, in the time zone of this device."""

from datetime import date, datetime, timedelta

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def local(at: int) -> datetime:
    """A time in milliseconds since 1970, as this device's clock on the wall shows it."""
    return datetime.fromtimestamp(at / 1000)


def clock(at: int) -> str:
    """Hours and minutes: “07:45”."""
    return f"{local(at):%H:%M}"


def day(at: int, today: date) -> str:
    """The day, as a heading: “Today”, “Monday”, “3 November 2026”."""
    then = local(at).date()
    if then == today:
        return "Today"
    if then == today - timedelta(days=1):
        return "Yesterday"
    if timedelta() < today - then < timedelta(days=7):
        return _DAYS[then.weekday()]
    return f"{then.day} {_MONTHS[then.month - 1]} {then.year}"


def date_of(at: int) -> str:
    """The day as it stays true: “Monday, 3 November 2026”."""
    then = local(at).date()
    return f"{_DAYS[then.weekday()]}, {then.day} {_MONTHS[then.month - 1]} {then.year}"


def long_day(at: int, today: date) -> str:
    """The day within a sentence: “Monday”, “3 November 2026”."""
    then = local(at).date()
    if timedelta() <= today - then < timedelta(days=7):
        return _DAYS[then.weekday()]
    return f"{then.day} {_MONTHS[then.month - 1]} {then.year}"


def short(at: int, today: date) -> str:
    """As short as it can be in a list: “07:45” today, else “Mon” or “3 Nov” or “2025”."""
    then = local(at).date()
    if then == today:
        return clock(at)
    if timedelta() < today - then < timedelta(days=7):
        return _DAYS[then.weekday()][:3]
    return f"{then.day} {_MONTHS[then.month - 1][:3]}" if then.year == today.year else str(then.year)
