"""The other tabs of this browser, over a BroadcastChannel."""

import json
from collections.abc import Sequence
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy

from pychat.core.effects import KeptChanges
from pychat.core.events import CodeFromTab, CodeTakenByTab, KeptByTab
from pychat.ports import Post

_CHANNEL = "pychat"
_OFFER, _TAKEN, _KEPT = "offer ", "taken ", "kept "


class BrowserTabs:
    """Implements `ports.Tabs`. A message is one word, a space and the code, or a list of what was kept, in JSON.

    `works` says whether other tabs can be reached: a browser that keeps nothing may not let them.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._channel: Any = None
        try:
            self._channel = js.BroadcastChannel.new(_CHANNEL)
        except (JsException, AttributeError):
            return
        self._proxy = create_proxy(self._message)
        self._channel.onmessage = self._proxy

    @property
    def works(self) -> bool:
        """Whether this browser has BroadcastChannel."""
        return self._channel is not None

    def offer_code(self, text: str) -> None:
        """Offer a code to the other tabs."""
        self._send(_OFFER + text)

    def tell_code_taken(self, text: str) -> None:
        """Tell the other tabs that this one has taken the code."""
        self._send(_TAKEN + text)

    def tell_kept(self, changes: Sequence[KeptChanges]) -> None:
        """Tell the other tabs what is in the journal now: pairs of a head and a segment, which are JSON themselves."""
        pairs = [(each.head.decode(), each.segment.decode() if each.segment is not None else None) for each in changes]
        self._send(_KEPT + json.dumps(pairs, ensure_ascii=False))

    def _send(self, message: str) -> None:
        if self._channel is not None:
            self._channel.postMessage(message)

    def close(self) -> None:
        """Close the BroadcastChannel and destroy its proxy."""
        if self._channel is None:
            return
        self._channel.onmessage = None
        self._channel.close()
        self._proxy.destroy()

    def _message(self, event: Any) -> None:
        data = event.data
        if not isinstance(data, str):
            return
        if data.startswith(_OFFER):
            self._post(CodeFromTab(data.removeprefix(_OFFER)))
        elif data.startswith(_TAKEN):
            self._post(CodeTakenByTab(data.removeprefix(_TAKEN)))
        elif data.startswith(_KEPT):
            for head, segment in json.loads(data.removeprefix(_KEPT)):
                self._post(KeptByTab(head.encode(), segment.encode() if segment is not None else None))
