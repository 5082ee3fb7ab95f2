"""A thin hand on the DOM: find elements, listen to them, set text. Nothing here makes HTML from a string."""

from collections.abc import Callable
from functools import cache
from typing import Any

import js
from pyodide.ffi import create_proxy, to_js

Element = Any
"""A JavaScript element. It stays within this package."""


class Scope:
    """Elements below one root, found by their `data-part`, and the handlers on them.

    Handlers live as long as the scope; `close` takes them off and destroys their proxies.
    """

    def __init__(self, root: Element) -> None:
        self.root = root
        self._handlers: list[tuple[Any, str, Any]] = []
        self._observers: list[tuple[Any, Any]] = []
        self._parts: dict[str, Element] = {}

    def part(self, name: str) -> Element:
        """The element whose `data-part` is `name`; a missing one is a mistake in the HTML."""
        if name not in self._parts:
            found = self.root.querySelector(f'[data-part="{name}"]')
            if not found:
                raise LookupError(f"the page has no part “{name}”")
            self._parts[name] = found
        return self._parts[name]

    def on(self, target: Any, event: str, handler: Callable[[Any], None]) -> None:
        """Call `handler` for each such event of an element, until `close`."""
        proxy = create_proxy(handler)
        self._handlers.append((target, event, proxy))
        target.addEventListener(event, proxy)

    def on_resize(self, target: Any, handler: Callable[[], None]) -> None:
        """Call `handler` whenever an element gets another size."""
        proxy = create_proxy(lambda *_: handler())
        observer = js.ResizeObserver.new(proxy)
        observer.observe(target)
        self._observers.append((observer, proxy))

    def on_attribute(self, target: Any, name: str, handler: Callable[[], None]) -> None:
        """Call `handler` whenever that attribute of an element, or of any below it, has changed."""
        proxy = create_proxy(lambda *_: handler())
        observer = js.MutationObserver.new(proxy)
        observer.observe(target, attributes=True, attributeFilter=to_js([name]), subtree=True)
        self._observers.append((observer, proxy))

    def close(self) -> None:
        """Remove all listeners and observers, and destroy their proxies."""
        for target, event, proxy in self._handlers:
            target.removeEventListener(event, proxy)
            proxy.destroy()
        self._handlers.clear()
        for observer, proxy in self._observers:
            observer.disconnect()
            proxy.destroy()
        self._observers.clear()


@cache
def _template(name: str) -> Element:
    return js.document.getElementById(name).content.firstElementChild


def from_template(name: str) -> Element:
    """A fresh copy of what stands in `<template id="name">`."""
    return _template(name).cloneNode(True)


def show(element: Element, visible: bool) -> None:
    """Show or hide an element."""
    if element.hidden == visible:
        element.hidden = not visible


def set_text(element: Element, text: str) -> None:
    """Set an element's text, if it is another one: a live region would read the same words again."""
    if element.textContent != text:
        element.textContent = text


def set_data(element: Element, name: str, value: str) -> None:
    """Set a `data-` attribute, if it has another value."""
    if element.getAttribute(f"data-{name}") != value:
        element.setAttribute(f"data-{name}", value)
