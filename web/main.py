"""The composition root of the chat page: it alone knows which parts there are."""

import asyncio
import secrets
import time

import js

from pychat.browser.crypto import BrowserCrypto
from pychat.browser.leases import BrowserLeases
from pychat.browser.page import ChatPage, load_config, page_is_local
from pychat.browser.peer import BrowserConnect
from pychat.browser.relay import BrowserRelay
from pychat.browser.store import BrowserStore
from pychat.browser.tabs import BrowserTabs
from pychat.browser.visit import KeptRooms
from pychat.core import visited
from pychat.core.contacts import STORE_KEY, Contacts
from pychat.core.lookalike import skeleton
from pychat.core.node import Node
from pychat.core.relaytext import relay_of
from pychat.driver import Driver
from pychat.ui import words
from pychat.ui.settings import KEY, Settings, suggested_servers


async def start() -> None:
    """Put the page to work."""
    config, crypto = await asyncio.gather(load_config(), BrowserCrypto.open())
    suggested = suggested_servers(config, local=page_is_local())
    store = BrowserStore(crypto.public_key.hex() if crypto.kept else "")
    settings = Settings.loads(store.load(KEY))
    notices = [] if crypto.kept else [words.NOT_KEPT]
    try:
        contacts = Contacts.loads(store.load(STORE_KEY), skeleton=skeleton)
    except ValueError:
        contacts = Contacts(skeleton=skeleton)
        store.protect(STORE_KEY)
        notices.append(words.CONTACTS_UNREADABLE)
    rooms = KeptRooms(crypto)
    inside = await rooms.read()
    if inside is None:
        notices.append(words.ROOMS_NOT_KEPT)
    connect = BrowserConnect()
    node = Node(
        crypto.public_key,
        secrets.token_bytes(32),
        contacts,
        name=settings.name,
        capabilities=connect.capabilities,
        ice=settings.ice(suggested),
        visited=visited.loads(store.load(visited.STORE_KEY)),
    )

    async def erase() -> None:
        await crypto.erase()
        store.erase()
        driver.close()

    tabs = BrowserTabs(lambda event: driver.post(event))
    driver = Driver(
        node,
        connect,
        crypto,
        store,
        time.time,
        connect_relay=BrowserRelay,
        tabs=tabs,
        leases=BrowserLeases(),
        on_turn=lambda: page.render(),
    )
    relay = relay_of(js.location.href) if isinstance(config, dict) and config.get("relay") is True else ""
    page = ChatPage(node, driver.post, driver.turn, store, settings, suggested, notices, relay, rooms, erase)
    page.open(inside or ())
