"""Runs in the page: answers a native peer that measures, as `tests/bench/native.py` does on CPython."""

import asyncio
import time

import js
from pyodide.ffi import create_proxy

from pychat.browser.ports.crypto import BrowserCrypto
from pychat.browser.ports.peer import BrowserConnect
from pychat.browser.ports.store import VisitStore
from pychat.core.events import PasteCode, WriteMessage
from pychat.driver import Driver
from pychat.startup import make_node, no_contacts

END_OF_ECHOES = "now the burst"


class Partner:
    """Takes an invite and echoes until it is told to only listen."""

    def __init__(self, crypto: BrowserCrypto) -> None:
        connect = BrowserConnect()
        self.node = make_node(crypto, connect, no_contacts(), name="")
        self.driver = Driver(self.node, connect, crypto, VisitStore(), time.time, on_turn=self._turned)
        self.reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._place = 0
        self._echoes = True

    def _turned(self) -> None:
        for link in self.node.links.by_id.values():
            if link.code and not self.reply.done():
                self.reply.set_result(link.code)
        for conversation in self.node.chats.listed():
            timeline = conversation.timeline
            while self._echoes and self._place < len(timeline):
                message = timeline[self._place]
                self._place += 1
                if message.author != conversation.own_log:
                    self._echoes = message.entry.text != END_OF_ECHOES
                    if self._echoes:
                        self.driver.post(WriteMessage(conversation.id, message.entry.text))


partners: list[Partner] = []


async def answer(invite: str) -> str:
    """Take an invite; returns the reply."""
    partners.append(Partner(await BrowserCrypto.for_this_visit()))
    partners[-1].driver.post(PasteCode(invite))
    return await partners[-1].reply


js.ours = create_proxy(answer)
js.document.documentElement.dataset.partner = "ready"
