"""The composition root of the demonstration: two whole peers, with nothing between them but this page."""

import secrets
import time

from pychat.browser.demo import Pane, Story, carry_codes, on_start_again
from pychat.browser.peer import BrowserPeerConnection
from pychat.core.events import InviteRequested
from pychat.core.node import Node
from pychat.driver import Driver


class Run:
    """One run of the demonstration, from the invite to the chat."""

    def __init__(self) -> None:
        self.story = Story()
        self.drivers = [self._driver("Local"), self._driver("Remote")]
        local, remote = (Pane(name, d.node, d.post) for name, d in zip(("Local", "Remote"), self.drivers, strict=True))
        self.panes = local, remote
        local.post(InviteRequested())

    def _driver(self, name: str) -> Driver:
        node = Node(secrets.token_urlsafe(16), capabilities=BrowserPeerConnection.capabilities)
        return Driver(
            node,
            BrowserPeerConnection,
            time.time,
            on_turn=self._show,
            observe=lambda item: self.story.tell(name, item),
        )

    def _show(self) -> None:
        carry_codes(self.panes, self.story)
        for pane in self.panes:
            pane.render()

    def close(self) -> None:
        """End both peers."""
        for pane, driver in zip(self.panes, self.drivers, strict=True):
            driver.close()
            pane.close()


run = Run()


def again() -> None:
    """Begin anew."""
    global run
    run.close()
    run = Run()


scope = on_start_again(again)
