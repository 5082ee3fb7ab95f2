"""What the relay logs: lines of JSON on standard error. No rooms, no members."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime


class Log:
    """Lines of JSON on standard error; addresses only for an operator who asks for them."""

    def __init__(self, *, addresses: bool) -> None:
        self._addresses = addresses

    def write(self, event: str, *, address: str | None = None, **details: str | int) -> None:
        """One line: when, what, and details that name nobody."""
        line: dict[str, str | int] = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        line |= details
        if self._addresses and address is not None:
            line["address"] = address
        print(json.dumps(line), file=sys.stderr, flush=True)
