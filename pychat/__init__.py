"""A chat that needs no server: people connect straight to each other over WebRTC data channels.

`Peer` and `Chat` are the asyncio API for bots and scripts, see `pychat.client`, and `pychat.said` for what a chat
hands out. They are imported when they are first asked for: a browser imports this package too, and has neither aiortc
nor files.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pychat.client import Chat, Peer
else:

    def __getattr__(name):  # PEP 562
        if name in ("Chat", "Peer"):
            from pychat import client

            return getattr(client, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Chat", "Peer", "__version__"]

__version__ = "0.1.0"
