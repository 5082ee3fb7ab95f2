"""The composition root of the demonstration: two whole peers, with nothing between them but this page."""

import secrets
import time

from pychat.browser.crypto import BrowserCrypto
from pychat.browser.demo import Pane, Story, carry_codes, on_start_again
from pychat.browser.peer import BrowserPeerConnection
from pychat.browser.store import VisitStore
from pychat.core.contacts import Contacts
from pychat.core.events import InviteRequested
from pychat.core.lookalike import skeleton
from pychat.core.node import Node
from pychat.driver import Driver


class Run:
    """One run of the demonstration, from the invite to the chat.

    Args:
        cryptos: the identities of the two, which nobody else ever sees.
    """

    def __init__(self, cryptos: tuple[BrowserCrypto, BrowserCrypto]) -> None:
        self.story = Story()
        self.drivers = [self._driver(name, crypto) for name, crypto in zip(("Local", "Remote"), cryptos, strict=True)]
        local, remote = (Pane(driver.node.name, driver.node, driver.post) for driver in self.drivers)
        self.panes = local, remote
        local.post(InviteRequested())

    def _driver(self, name: str, crypto: BrowserCrypto) -> Driver:
        node = Node(
            crypto.public_key,
            secrets.token_bytes(32),
            Contacts(skeleton=skeleton),
            name=name,
            capabilities=BrowserPeerConnection.capabilities,
        )
        return Driver(
            node,
            BrowserPeerConnection,
            crypto,
            VisitStore(),
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


def again() -> None:
    """Begin anew."""
    global run
    run.close()
    run = Run(cryptos)


cryptos = await BrowserCrypto.for_this_visit(), await BrowserCrypto.for_this_visit()  # type: ignore[top-level-await]  # noqa: F704
run = Run(cryptos)
scope = on_start_again(again)
