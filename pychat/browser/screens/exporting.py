"""The conversation as a file that the browser puts among its downloads."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import js
from pyodide.ffi import to_js

from pychat.browser.dom import Scope, set_text, show
from pychat.core import events
from pychat.core.ids import ChatId
from pychat.ports import Post
from pychat.ui import export, strings
from pychat.ui.app import App
from pychat.ui.export import Exported
from pychat.ui.view import View

_Format = tuple[str, str, Callable[[Exported, datetime], Iterator[str]]]
_HTML: _Format = ("html", "text/html", export.html)
_MARKDOWN: _Format = ("md", "text/markdown", export.markdown)
_KEPT_MS = 60_000
"""Milliseconds for which the browser can have the file, to write it."""


class ExportButtons:
    """The part “export” of a scope.

    Args:
        selected: the conversation that is shown.
    """

    def __init__(self, scope: Scope, app: App, post: Post, selected: Callable[[], ChatId | None]) -> None:
        self._part = scope.part
        self._app = app
        self._post = post
        self._selected = selected
        self._format: _Format | None = None  # of what is being read
        set_text(scope.part("export-note"), strings.EXPORT_NOTE)
        scope.on(scope.part("export-html"), "click", lambda _: self._begin(_HTML))
        scope.on(scope.part("export-markdown"), "click", lambda _: self._begin(_MARKDOWN))

    def render(self, view: View) -> None:
        """Offer it where something was said, and hand the file over once it is read."""
        show(self._part("export"), view.peer is not None and bool(view.messages))
        exported = self._app.exported if self._format is not None else None
        if exported is not None:
            self._save(exported)

    def _begin(self, chosen: _Format) -> None:
        self._format = chosen
        self._post(events.Export(self._selected()))

    def _save(self, exported: Exported) -> None:
        assert self._format is not None
        suffix, kind, write = self._format
        self._format = None
        self._post(events.Export(None))
        now = datetime.now()
        texts = to_js(list(write(exported, now)))
        offer(texts, f"{kind};charset=utf-8", export.file_name(exported, now, suffix))


def offer(parts: Any, kind: str, name: str) -> None:
    """Put what these parts make up among the downloads, under a name.

    Args:
        parts: an array of JavaScript, of what a Blob takes.
    """
    options = to_js({"type": kind}, dict_converter=js.Object.fromEntries)
    address = js.URL.createObjectURL(js.Blob.new(parts, options))
    link = js.document.createElement("a")
    link.href, link.download = address, name
    link.click()
    js.setTimeout(js.URL.revokeObjectURL.bind(js.URL, address), _KEPT_MS)
