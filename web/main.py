"""The composition root of the chat page: it alone knows which parts there are."""

import secrets
import time

from pychat.browser.page import ChatPage, load_config, page_is_local
from pychat.browser.peer import BrowserPeerConnection
from pychat.browser.store import BrowserStore
from pychat.browser.tabs import BrowserTabs
from pychat.core.node import Node
from pychat.driver import Driver
from pychat.ui.settings import KEY, Settings, suggested_servers


async def start() -> None:
    """Put the page to work."""
    suggested = suggested_servers(await load_config(), local=page_is_local())
    store = BrowserStore()
    settings = Settings.loads(store.load(KEY))
    node = Node(secrets.token_urlsafe(16), capabilities=BrowserPeerConnection.capabilities, ice=settings.ice(suggested))
    tabs = BrowserTabs(lambda event: driver.post(event))
    driver = Driver(node, BrowserPeerConnection, time.time, tabs=tabs, on_turn=lambda: page.render())
    page = ChatPage(node, driver.post, driver.turn, store, settings, suggested)
    page.open()


await start()  # type: ignore[top-level-await]  # noqa: F704 (PyScript awaits it, and boot.js tells when it fails)
