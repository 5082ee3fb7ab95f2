"""A JSON array that somebody else wrote and that begins with a word, read so that no input does any harm."""

import json
import math
import re
from typing import Any

from pychat.core.errors import RemoteError

_MAX_DEPTH = 8  # deep nesting overflows the stack of Pyodide's JSON reader, which ends the whole page
_NO_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[^]["{}]+', re.DOTALL)  # strings, and what else is not of them
_INNERMOST = re.compile(r"\[\]|\{\}")
_LONG_NUMBER = 20
"""Characters of a number that no field takes."""


def is_larger(text: str, most: int) -> bool:
    """Whether a text has more than `most` bytes as UTF-8."""
    if text.isascii() or len(text) > most:
        return len(text) > most
    return len(text.encode("utf-8", "surrogatepass")) > most


def read(text: str) -> list[Any]:
    """The items of an array, the first of which is a string.

    Raises:
        RemoteError: it is no such array, or nested too deep. Nothing else is raised.
    """
    if _too_deep(text):
        raise RemoteError("an array is nested too deep, or its brackets do not match")
    try:
        items = _read_json(text)
    except (ValueError, RecursionError) as error:
        raise RemoteError("it is no JSON") from error
    if type(items) is not list or not items or type(items[0]) is not str:
        raise RemoteError("it is no array that begins with its kind")
    return items


def _read_json(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # a number has more digits than Python reads: it is JSON all the same
        return _DECODER_OF_LONG_NUMBERS.decode(text)


def _too_deep(text: str) -> bool:
    # Each “],[” closes one level and opens one, so what is left of the opening brackets bounds the depth; those within
    # strings only raise the bound. It settles all honest frames but those with many brackets in their texts.
    if text.count("[") + text.count("{") - text.count("],[") <= _MAX_DEPTH:
        return False
    brackets = _NO_BRACKETS.sub("", text)
    for _ in range(_MAX_DEPTH):
        brackets = _INNERMOST.sub("", brackets)
    return brackets != ""


def _refuse(constant: str) -> None:
    raise json.JSONDecodeError(f"{constant} is no JSON", constant, 0)


_DECODER = json.JSONDecoder(parse_constant=_refuse)  # else NaN and Infinity would pass (RFC 8259, section 6)
_DECODER_OF_LONG_NUMBERS = json.JSONDecoder(
    parse_constant=_refuse, parse_int=lambda digits: int(digits) if len(digits) < _LONG_NUMBER else math.inf
)
