"""What the page says about who the other one is: the badge beside the name, the hint to compare, the warning."""

from collections.abc import Callable

import js

from pychat.browser.dom import Element, Scope, set_data, set_text, show
from pychat.browser.screens.verify import VerifyDialog
from pychat.core import events
from pychat.core.ids import ChatId, PublicKey
from pychat.ports import Post
from pychat.ui import strings
from pychat.ui.app import App
from pychat.ui.strings import Trust
from pychat.ui.view import View


def show_trust(picture: Element, text: Element, trust: Trust, *, warned: bool) -> None:
    """Say with a picture and with words how sure one can be of somebody."""
    set_data(picture, "trust", "warned" if warned else trust.value)
    set_text(text, strings.WARNED if warned else strings.TRUST[trust][0])


class TrustSigns:
    """The parts “badge”, “hint”, “guesses” and “warning” of a scope, and the dialog that they lead to.

    Args:
        selected: tells which conversation is shown.
        left: called when the person wants to leave it.
    """

    def __init__(
        self,
        scope: Scope,
        app: App,
        post: Post,
        selected: Callable[[], ChatId | None],
        left: Callable[[], None],
    ) -> None:
        self._part = part = scope.part
        self._app = app
        self._post = post
        self._selected = selected
        self._hushed: dict[ChatId, str] = {}  # the hint that the person has closed
        self._verify = VerifyDialog(scope, app, self._compared, self._keep_focus)
        set_text(part("warning-title"), strings.WARNING)
        set_text(part("name-accept"), strings.ACCEPT_NAME)
        for name in ("badge", "verify-open", "hint-compare", "warning-compare"):
            scope.on(part(name), "click", lambda _: self._verify.open(app.view(selected())))
        scope.on(part("name-accept"), "click", lambda _: self._accept_name())
        scope.on(part("hint-close"), "click", lambda _: self._hush())
        scope.on(part("warning-leave"), "click", lambda _: left())
        scope.on(part("warning-heeded"), "click", lambda _: self._heed())

    def render(self, now: View) -> None:
        """Show what the view says; a warning takes the place of the box one writes in, which keeps what is in it."""
        part = self._part
        show(part("badge"), now.trust is not Trust.NOBODY)
        show_trust(part("badge"), part("badge-text"), now.trust, warned=bool(now.warning))
        selected = self._selected()
        hint = now.hint if selected is None or self._hushed.get(selected) != now.hint else ""
        show(part("hint"), bool(hint))
        set_text(part("hint-text"), hint)
        show(part("hint-compare"), not now.new_name)
        show(part("name-accept"), bool(now.new_name))
        show(part("guesses"), bool(now.guesses))
        set_text(part("guesses-text"), now.guesses)
        appears = bool(now.warning) and part("warning").hidden
        show(part("warning"), bool(now.warning))
        show(part("composer"), now.can_write)
        set_text(part("warning-text"), now.warning)
        if appears:
            self._keep_focus()
        self._verify.render(now)

    def _compared(self, key: PublicKey, name: str, match: bool) -> None:
        conversation = self._selected()
        if conversation is not None:
            set_text(self._part("said"), strings.NOW_VERIFIED if match else strings.NO_LONGER_VERIFIED)
            self._post(events.ReportComparison(conversation, key, name, match))

    def _hush(self) -> None:
        conversation = self._selected()
        if conversation is not None:
            self._hushed[conversation] = self._app.view(conversation).hint
        self.render(self._app.view(conversation))
        self._keep_focus()

    def _accept_name(self) -> None:
        conversation = self._selected()
        if conversation is not None:
            self._post(events.AcceptName(conversation, self._app.view(conversation).new_name))
        self._keep_focus()

    def _heed(self) -> None:
        now = self._app.view(self._selected())
        if now.chat is not None and now.namesake is not None:
            self._post(events.DismissWarning(now.chat, now.namesake))
        self._keep_focus()

    def _keep_focus(self) -> None:
        """What had the focus may be gone: then it goes to the box one writes in, or to what is in its place."""
        focused = js.document.querySelector(":focus")
        if not focused or not focused.checkVisibility():
            for name in ("warning", "draft", "card"):
                if self._part(name).checkVisibility():
                    self._part(name).focus()
                    return
