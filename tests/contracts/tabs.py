"""What the other tabs of a browser do."""

import asyncio

from pychat.core.effects import KeptChanges
from pychat.core.events import CodeFromTab, CodeTakenByTab, Event, KeptByTab
from tests.contracts.kit import Kit, Port, contract


class Tab:
    """One tab, and all that it has posted."""

    def __init__(self, kit: Kit) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self.tabs = kit.tab(self._post)

    def _post(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def until_it_has(self, *events: Event) -> None:
        while len(self.events) < len(events):
            self._news.clear()
            await self._news.wait()
        assert self.events == list(events), self.events


CODES = ("code", "with space", "", "offer taken", "taken ", "Grüße 👋", "x" * 100_000)


@contract(Port.TABS)
async def a_code_is_offered_to_all_others_and_not_to_oneself(kit: Kit) -> None:
    ann, bob, eve = (Tab(kit) for _ in range(3))
    for code in CODES:
        ann.tabs.offer_code(code)
    for other in (bob, eve):
        await other.until_it_has(*(CodeFromTab(code) for code in CODES))
    bob.tabs.offer_code("last")
    await ann.until_it_has(CodeFromTab("last"))  # what she offered would have come to her before


@contract(Port.TABS)
async def a_code_that_was_taken_is_told_likewise(kit: Kit) -> None:
    ann, bob, eve = (Tab(kit) for _ in range(3))
    ann.tabs.offer_code("code")
    await bob.until_it_has(CodeFromTab("code"))
    for code in CODES:
        bob.tabs.tell_code_taken(code)
    await ann.until_it_has(*(CodeTakenByTab(code) for code in CODES))
    await eve.until_it_has(CodeFromTab("code"), *(CodeTakenByTab(code) for code in CODES))
    ann.tabs.offer_code("last")
    await bob.until_it_has(CodeFromTab("code"), CodeFromTab("last"))


@contract(Port.TABS)
async def what_was_kept_is_told_to_all_others(kit: Kit) -> None:
    ann, bob = Tab(kit), Tab(kit)
    head, segment = '["Grüße 👋"]'.encode(), b'[1,"x"]'
    ann.tabs.tell_kept([KeptChanges("chat", head, segment, ()), KeptChanges("other", b"[]", None, (("run", 1),))])
    await bob.until_it_has(KeptByTab(head, segment), KeptByTab(b"[]", None))


@contract(Port.TABS)
async def a_tab_that_is_alone_speaks_to_nobody(kit: Kit) -> None:
    ann = Tab(kit)
    ann.tabs.offer_code("too early")
    ann.tabs.tell_code_taken("too early")
    bob = Tab(kit)
    bob.tabs.offer_code("code")
    await ann.until_it_has(CodeFromTab("code"))
    ann.tabs.offer_code("reply")
    await bob.until_it_has(CodeFromTab("reply"))
