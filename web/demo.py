"""The composition root of the demonstration: two whole peers, with nothing between them but this page."""

import time

from pychat.browser.ports.crypto import BrowserCrypto
from pychat.browser.ports.peer import BrowserConnect
from pychat.browser.ports.store import VisitStore
from pychat.browser.screens.demo import Pane, Story, carry_codes, on_start_again, tell_why_not
from pychat.core.errors import CodeProblem
from pychat.core.events import CreateInvite
from pychat.driver import Driver
from pychat.startup import make_node, no_contacts
from pychat.ui import strings
from pychat.ui.app import App


class Run:
    """One run of the demonstration, from the invite to the chat.

    Args:
        cryptos: the identities of the two, which nobody else ever sees.
    """

    def __init__(self, cryptos: tuple[BrowserCrypto, BrowserCrypto]) -> None:
        self.story = Story()
        self.drivers = [self._driver(name, crypto) for name, crypto in zip(("Local", "Remote"), cryptos, strict=True)]
        local, remote = (Pane(App(driver.node), driver.post) for driver in self.drivers)
        self.panes = local, remote
        local.post(CreateInvite())

    def _driver(self, name: str, crypto: BrowserCrypto) -> Driver:
        connect = BrowserConnect()
        node = make_node(crypto, connect, no_contacts(), name=name)
        return Driver(
            node,
            connect,
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


class Demonstration:
    """What the page shows, as often as the person wants to see it."""

    def __init__(self, cryptos: tuple[BrowserCrypto, BrowserCrypto]) -> None:
        self._cryptos = cryptos
        self._run = Run(cryptos)
        self._scope = on_start_again(self.again)

    def again(self) -> None:
        """Begin anew."""
        self._run.close()
        self._run = Run(self._cryptos)


async def start() -> Demonstration | None:
    """Put the page to work; what is returned is to be kept."""
    if not BrowserConnect().works:
        tell_why_not(strings.CODE_PROBLEMS[CodeProblem.NO_WEBRTC])
        return None
    return Demonstration((await BrowserCrypto.for_this_visit(), await BrowserCrypto.for_this_visit()))
