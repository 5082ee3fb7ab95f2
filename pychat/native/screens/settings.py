"""The settings in a terminal: the same as in the page, kept in a file, shown as lines."""

from collections.abc import Sequence

from pychat.core.webrtc.ice import IceServer
from pychat.ui import keeping
from pychat.ui.settings import PUBLIC_STUN, Settings

SUGGESTED: Sequence[IceServer] = (PUBLIC_STUN,)
"""What a page suggests that does not come from one's own machine."""


def describe(settings: Settings) -> Sequence[str]:
    """The settings, a line each; credentials are not shown."""
    own = [line.split()[0] for line in settings.own.splitlines() if line.strip()]
    suggested = ", ".join(server.url for server in SUGGESTED)
    return [
        f"your name: {settings.name or 'none'}",
        f"your servers: {', '.join(own) or 'none'}",
        f"suggested servers: {suggested} ({'used' if settings.suggested else 'not used'})",
        f"hide my address: {'yes' if settings.relay_only else 'no'}",
        f"what is said: {keeping.state(settings.keep_for)}",
    ]
