"""`?trace` in the page's address: each event and each effect is a line in the browser's console."""

import time

import js

from pychat.ui.trace import Trace


def trace_asked_for() -> Trace | None:
    """What logs them; None where the address does not ask for it."""
    if not js.URLSearchParams.new(js.location.search).has("trace"):
        return None
    return Trace(lambda line: js.console.debug(line), time.time)
