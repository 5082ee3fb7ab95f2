"""Sentences that count something, in the forms that a language has for that."""


def plural(count: int, one: str, other: str) -> str:
    """The form for a count, as CLDR's plural rules choose it: for English, “one” is 1 and “other” is all else.

    Args:
        other: with “{count}” where the number stands.
    """
    return one if count == 1 else other.format(count=f"{count:,}")
