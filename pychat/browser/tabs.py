"""The other tabs of this browser, over a BroadcastChannel."""

from typing import Any

import js
from pyodide.ffi import create_proxy

from pychat.core.events import CodeFromTab, CodeTakenByTab
from pychat.ports import Post

_CHANNEL = "pychat-replies"
_OFFER, _TAKEN = "offer ", "taken "


class BrowserTabs:
    """Implements `ports.Tabs`. A message is one word, a space and the code."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._channel = js.BroadcastChannel.new(_CHANNEL)
        self._proxy = create_proxy(self._message)
        self._channel.onmessage = self._proxy

    def offer_code(self, text: str) -> None:
        self._channel.postMessage(_OFFER + text)

    def tell_code_taken(self, text: str) -> None:
        self._channel.postMessage(_TAKEN + text)

    def close(self) -> None:
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
