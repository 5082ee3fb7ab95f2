"""The demonstration: two peers in one page, and between them what happens, step by step."""

from collections.abc import Callable
from typing import Any

import js

from pychat.browser.dom import Scope, from_template, set_data, set_text
from pychat.browser.screens.composer import Composer, send
from pychat.browser.screens.message import Names
from pychat.browser.screens.messages import MessageList
from pychat.core import effects, events
from pychat.core.ids import ChatId
from pychat.ports import Post
from pychat.ui import strings
from pychat.ui.app import App
from pychat.ui.steps import PHASES, StoryStep, explain, handed_over


class Pane:
    """One of the two peers: its status, its messages and what one writes to the other."""

    def __init__(self, app: App, post: Post) -> None:
        self.name = app.name
        self.app = app
        self.post = post
        self.carried = ""
        self._scope = Scope(js.document.getElementById(self.name.lower()))
        self._messages = MessageList(self._scope)
        self._composer = Composer(self._scope, self._send)
        self._status = self._scope.part("status")
        self._scope.on(self._scope.part("leave"), "click", lambda _: self._leave())

    @property
    def chat(self) -> ChatId | None:
        """The one chat of this side, if it has begun."""
        people = self.app.view(None).people
        return people[0].conversation if people else None

    @property
    def code(self) -> str:
        """The code that this side has made and nobody has carried across yet."""
        code = self.app.view(self.chat).code
        return code if code != self.carried else ""

    def render(self) -> None:
        """Bring the pane up to the state of its side."""
        now = self.app.view(self.chat)
        set_data(self._status, "state", now.state)
        set_text(self._scope.part("headline"), now.headline)
        self._scope.part("leave").disabled = not now.can_leave
        if now.messages is not None:
            self._messages.render(now.messages, Names(strings.ME, now.name))

    def close(self) -> None:
        """Give the elements back as they were, for the next run."""
        self._messages.clear()
        self._scope.close()

    def _send(self, text: str) -> str:
        return send(text, self.chat, self.app, self.post)

    def _leave(self) -> None:
        if self.chat is not None:
            self.post(events.LeaveConversation(self.chat))


class Story:
    """The steps between the panes: a section for each phase, in it the steps of both sides as they happen.

    The phases of the two sides overlap, so a step goes to the end of its phase and not to the end of the page.
    """

    def __init__(self) -> None:
        sections = {phase: from_template("phase") for phase, _ in strings.PHASE_NAMES}
        for phase, name in strings.PHASE_NAMES:
            sections[phase].querySelector("h2").textContent = name
            sections[phase].querySelector("p").textContent = PHASES[phase]
        js.document.getElementById("phases").replaceChildren(*sections.values())
        self._lists = {phase: section.querySelector("ol") for phase, section in sections.items()}

    def tell(self, who: str, item: events.Event | effects.Effect) -> None:
        """Explain an event or an effect of `who`, if it is a step worth explaining."""
        step = explain(item)
        if step is not None:
            self.add(who, step)

    def add(self, who: str, step: StoryStep) -> None:
        """Add a step of `who` to the list."""
        item = from_template("step")
        set_data(item, "who", who.lower())
        item.querySelector(".title").textContent = f"{who} {step.title}"
        item.querySelector(".why").textContent = step.why
        raw = item.querySelector("details")
        if step.raw:
            raw.querySelector("pre").textContent = step.raw
        else:
            raw.remove()
        self._lists[step.phase].append(item)


def carry_codes(panes: tuple[Pane, Pane], story: Story) -> None:
    """Do what two people do with codes: take what one side shows and paste it into the other."""
    for pane, other, what in ((panes[0], panes[1], "invite"), (panes[1], panes[0], "reply")):
        code = pane.code
        if code:
            pane.carried = code
            story.add(pane.name, handed_over(what, other.name, code))
            other.post(events.PasteCode(code))


def on_start_again(handler: Callable[[], None]) -> Scope:
    """Call `handler` whenever the person wants to see it once more."""
    scope = Scope(js.document.body)
    button: Any = scope.part("again")
    scope.on(button, "click", lambda _: handler())
    button.disabled = False
    scope.part("boot").hidden = True
    js.document.dispatchEvent(js.Event.new("pychat:ready"))
    return scope


def tell_why_not(sentence: str) -> None:
    """Say why there is nothing to be seen."""
    place = js.document.getElementById("boot-error")
    place.textContent = sentence
    place.hidden = False
    for name in ("boot-progress", "boot-text"):
        js.document.getElementById(name).hidden = True
    js.document.dispatchEvent(js.Event.new("pychat:ready"))
