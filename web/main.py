"""The composition root of the chat page: it alone knows which parts there are."""

import asyncio
import time
from contextlib import closing
from typing import Any

import js

from pychat import backup
from pychat.browser.dom import Scope
from pychat.browser.ports.crypto import BrowserCrypto
from pychat.browser.ports.journal import BrowserJournal
from pychat.browser.ports.leases import BrowserLeases
from pychat.browser.ports.peer import BrowserConnect
from pychat.browser.ports.relay import BrowserRelay
from pychat.browser.ports.store import BrowserStore, UnkeptStore
from pychat.browser.ports.tabs import BrowserTabs
from pychat.browser.screens.identity import UnreadableNotice
from pychat.browser.screens.page import ChatPage, page_is_local
from pychat.browser.screens.vault import Vault, unlock
from pychat.browser.screens.visit import KeptRooms, Rooms
from pychat.browser.server import ServerAway, keep_asking, load_config
from pychat.browser.trace import trace_asked_for
from pychat.core import events
from pychat.core.chat.records import KeptConversation
from pychat.core.codes.pasted import relay_of
from pychat.core.identity.contacts import STORE_KEY
from pychat.core.node import CONNECTING
from pychat.core.webrtc.ice import IceServer
from pychat.driver import Driver
from pychat.ports import JournalUnreadable, PortError
from pychat.startup import ContactsDamaged, load_contacts, load_history, load_visited, make_node, no_contacts
from pychat.ui import strings
from pychat.ui.app import App
from pychat.ui.settings import KEY, Settings, suggested_servers
from pychat.ui.vault import LOCKED


def suggested_servers_here(config: Any) -> tuple[IceServer, ...]:
    """The ICE servers that the page suggests, by what its server says."""
    return suggested_servers(config, local=page_is_local())


def relay_in(config: Any) -> str:
    """The address of the page's relay, by what its server says, or ""."""
    return relay_of(js.location.href) if isinstance(config, dict) and config.get("relay") is True else ""


def vault_of(journal: BrowserJournal, store: BrowserStore, crypto: BrowserCrypto) -> Vault:
    """What a person can do with all that is kept here."""
    beside = journal.another_run()
    return Vault(
        journal,
        lambda passphrase: backup.make(beside, store, crypto, passphrase, time.time()),
        lambda pieces, passphrase: backup.restore(pieces, passphrase, beside, store, crypto),
    )


async def start() -> None:
    """Put the page to work."""
    asking = asyncio.ensure_future(load_config())
    crypto = await BrowserCrypto.open()
    try:
        config, is_away = await asking, False
    except ServerAway:
        config, is_away = None, True
    suggested = () if is_away else suggested_servers_here(config)  # not the usual one: it may have named others
    store = BrowserStore(crypto.public_key.hex()) if crypto.kept else UnkeptStore()
    settings = Settings.loads(store.load(KEY))
    notices = []
    if not crypto.kept:
        notices.append(strings.NOT_KEPT)
    elif store.was_of_another:
        notices.append(strings.EVICTED)
    elif not store.works:
        notices.append(strings.SETTINGS_NOT_KEPT)
    try:
        contacts = load_contacts(store)
    except ContactsDamaged:
        contacts = no_contacts()
        store.protect(STORE_KEY)
        notices.append(strings.CONTACTS_UNREADABLE)
    rooms = KeptRooms(crypto)
    inside = await rooms.read()
    if inside is None:
        notices.append(strings.ROOMS_NOT_KEPT)
    journal, problem, is_unreadable = None, "", False
    kept: list[KeptConversation] = []
    if crypto.kept:
        try:
            journal = await BrowserJournal.open(crypto)
            if journal.is_locked and not await unlock(journal):
                raise PortError(LOCKED)
            kept = await load_history(journal)
        except PortError as error:  # people can talk
            problem, is_unreadable = str(error), isinstance(error, JournalUnreadable)
            if journal is not None:
                journal.close()
                journal = None
    connect = BrowserConnect()
    tabs = BrowserTabs(lambda event: driver.post(event))
    node = make_node(
        crypto,
        connect,
        contacts,
        name=settings.name,
        ice=settings.ice(suggested),
        visited=load_visited(store),
        tabs=tabs.works,
        keeps=journal is not None,
        kept=kept,
        keep_for=settings.keep_for,
    )
    node.history.problem = problem

    async def erase() -> None:
        with closing(driver):  # also where not all could be deleted: whoever this was is no more
            try:
                await BrowserJournal.erase()
                await crypto.erase()
            finally:
                store.erase()

    driver = Driver(
        node,
        connect,
        crypto,
        store,
        time.time,
        connect_relay=BrowserRelay,
        tabs=tabs,
        leases=BrowserLeases(),
        journal=journal,
        on_turn=lambda: page.render(),
        observe=trace_asked_for(),
    )
    relay = None if is_away else relay_in(config)

    def post(event: events.Event) -> None:
        """Hand over an event; before one that needs WebRTC look whether there is any, and not without need."""
        if isinstance(event, CONNECTING) and not connect.works:
            driver.post(events.WebRtcMissing())
        driver.post(event)

    vault = vault_of(journal, store, crypto) if journal is not None else None
    page = ChatPage(
        App(node), post, driver.turn, store, settings, suggested, notices, relay, rooms, vault, journal, erase
    )
    if is_unreadable:
        UnreadableNotice(Scope(js.document.body), BrowserJournal.erase)
    page.open(inside or Rooms())
    if is_away:
        await keep_asking(lambda config: page.server_found(relay_in(config), suggested_servers_here(config)))
