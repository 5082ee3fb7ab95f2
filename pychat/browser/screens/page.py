"""The chat page: shows the view, hands over intents. It decides nothing but where the focus goes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import js

from pychat.browser.dom import Scope, from_template, set_data, set_text, show
from pychat.browser.ports.database import ask_to_stay
from pychat.browser.ports.journal import BrowserJournal
from pychat.browser.ports.store import BrowserStore
from pychat.browser.screens.acts import Acts
from pychat.browser.screens.attention import Attention
from pychat.browser.screens.calling import Caller
from pychat.browser.screens.card import CodeCard
from pychat.browser.screens.composer import Composer, send
from pychat.browser.screens.deleting import DeleteDialog
from pychat.browser.screens.drafts import KeptDrafts
from pychat.browser.screens.emoji_names import EmojiNames
from pychat.browser.screens.emoji_picker import EmojiPicker
from pychat.browser.screens.exporting import ExportButtons
from pychat.browser.screens.face import show_face
from pychat.browser.screens.identity import NameField, ResetDialog
from pychat.browser.screens.installing import InstallButton
from pychat.browser.screens.keeping import KeepDialog
from pychat.browser.screens.message import Names
from pychat.browser.screens.message_menu import MessageMenu
from pychat.browser.screens.messages import MessageList
from pychat.browser.screens.navigation import Screens
from pychat.browser.screens.people import PeopleList
from pychat.browser.screens.room import RoomDialog, room_link
from pychat.browser.screens.scanner import ScanDialog
from pychat.browser.screens.search import SearchBox
from pychat.browser.screens.security_info import ProtectionDialog
from pychat.browser.screens.settings import SettingsDialog
from pychat.browser.screens.shared import SharedText
from pychat.browser.screens.status import StatusLine
from pychat.browser.screens.trust import TrustSigns
from pychat.browser.screens.updates import Updates
from pychat.browser.screens.vault import Vault, VaultButtons
from pychat.browser.screens.visit import KeptRooms, Rooms, opened_code
from pychat.core import events
from pychat.core.chat.relations import Place
from pychat.core.codes.pasted import has_code, relay_for, relay_of, room_in
from pychat.core.identity.contacts import STORE_KEY
from pychat.core.ids import ChatId
from pychat.core.webrtc.ice import IceServer
from pychat.ports import PortError, Post
from pychat.ui import strings
from pychat.ui.app import App
from pychat.ui.messages import Messages
from pychat.ui.search import Hit
from pychat.ui.settings import KEY, Settings, is_local
from pychat.ui.view import Card, DetailsView, View

_ASKED_TO_STAY = "asked-to-stay"
"""The key under which it is kept that the browser was asked."""
_FIRST = ("new-room", "new-invite")
_NEXT = (
    "copy-invite",
    "copy-reply",
    "room-copy",
    "connect-again",
    "room-return",
    "use-here",
    "invite-again",
    "card",
    "warning",
    "draft",
)
"""Where the focus goes when it would be lost: to the first of these that there is."""


def page_is_local() -> bool:
    """Whether the page comes from this very machine."""
    return is_local(js.location.href)


def _is_of_this_page(text: str) -> bool:
    """Whether a code in a text belongs here: it stands alone, or in a link to this page."""
    return relay_for(text, js.location.href) == relay_of(js.location.href)


class ChatPage:
    """Joins `index.html` to a person's chats.

    Args:
        post: hands an event to the driver.
        turn: makes the driver handle at once what was posted.
        suggested: the ICE servers that the page suggests.
        notices: what the person should know before anything else.
        relay: the address of the page's relay; "" where there is none, None while the server cannot be reached.
        rooms: keeps what a reload comes back to.
        vault: all that is kept here; None where nothing is.
        journal: where drafts are kept; None where nothing is.
        erase: deletes everything that is kept; may raise PortError.
    """

    def __init__(
        self,
        app: App,
        post: Post,
        turn: Callable[[], None],
        store: BrowserStore,
        settings: Settings,
        suggested: Sequence[IceServer],
        notices: Sequence[str],
        relay: str | None,
        rooms: KeptRooms,
        vault: Vault | None,
        journal: BrowserJournal | None,
        erase: Callable[[], Awaitable[None]],
    ) -> None:
        self._app = app
        self._store = store
        self._post = post
        self._turn = turn
        self._suggested = suggested
        self._applied = settings
        self._notices = list(notices)
        self._relay = relay or ""
        self._server_away = relay is None
        self._waiting: list[events.PasteCode | events.OpenCodeLink] = []  # rooms, until the server can be reached
        self._rooms = rooms
        self._erase = erase
        self._over = False
        self._has_told_history = self._has_told_deletion = False
        self._selected: ChatId | None = None
        self._shown_last: ChatId | None = None  # where Forward leads back to
        self._openings = 0
        self._stays = False  # what is handed over leads nowhere: the person has begun something else meanwhile
        self._copies_link_next = False  # when the link of the room that the person asked for is there
        self._focus_before: Any = None  # where the person's last act has left it
        self._seen: dict[ChatId, int] = {}
        self._drafts: dict[ChatId | None, str] = {}
        self._state = "idle"
        self._look: tuple[object, ...] = ()  # what decides which controls there are
        self._accepted = 0
        self._given = ""  # what stood in the box when it was handed over
        self._scope = scope = Scope(js.document.body)
        self._part = scope.part
        self._delete = DeleteDialog(scope, post, lambda: app.view(self._selected))
        self._kept_drafts = KeptDrafts(scope, journal, self._drafts_now, app.keep_for)
        self._names = EmojiNames(scope, self._tone)  # before all else that hears the keys of the box
        self._composer = Composer(scope, self._send, self._kept_drafts.touch)
        self._emoji = EmojiPicker(scope, self._tone, lambda tone: self._settings.choose_tone(tone))
        self._menu = MessageMenu(
            scope, post, lambda: app.view(self._selected), self._composer, self._delete, self._emoji
        )
        self._messages = MessageList(
            scope, self._want_earlier, self._lead_to, self._menu, lambda at_end: post(events.SetAtEnd(at_end))
        )
        self._acts = Acts(scope)  # before all that its buttons lead to
        self._card = CodeCard(scope)
        ScanDialog(scope, self._scanned)
        self._people = PeopleList(scope, self._choose)
        self._search = SearchBox(scope, app, post, self._show_hit)
        self._goal: tuple[ChatId, Place] | None = None  # a message that is to be shown once it is read
        self._trust = TrustSigns(scope, app, post, lambda: self._selected, self._leave)
        self._settings = SettingsDialog(scope, store, settings, suggested, self._configure)
        self._shared = SharedText(scope, self._open_shared, lambda: self._choose(None))
        InstallButton(scope)
        self._caller = Caller(scope, store, self._choose, lambda: self._applied, app.keep_for)
        self._name = NameField(scope, settings.name, self._settings.rename)
        self._room = RoomDialog(scope, post, lambda: self._selected)
        self._export = ExportButtons(scope, app, post, lambda: self._selected)
        self._keep = KeepDialog(scope, post, lambda: self._selected)
        VaultButtons(scope, vault)
        self._may_ask = vault is not None  # the browser, to let it stay
        self._asking: asyncio.Future[None] | None = None  # kept, or it might be collected while it runs
        self._bringing: asyncio.Future[None] | None = None  # likewise
        ProtectionDialog(scope)
        ResetDialog(scope, self._start_afresh)
        self._updates = Updates(scope, self._put_focus)
        self._status = StatusLine(scope)
        self._attention = Attention(scope, post, lambda: app.resolve(self._selected))
        self._screens = Screens(scope, self._depth, self._go_up, self._go_down, lambda: self._read_link(opened_code()))
        scope.on_attribute(js.document.body, "open", self._screens.follow)
        store.follow(self._other_tab_saved, self._reload)
        self._listen()

    def open(self, rooms: Rooms) -> None:
        """Take over from the page as it was painted, with whatever the person has typed into it by now.

        Args:
            rooms: those of the page before it was reloaded.
        """
        set_text(self._part("join-title"), strings.JOIN)
        set_text(self._part("join-note"), strings.JOIN_NOTE)
        self._render_relay()
        for name in ("new-room", "new-invite", "connect", "settings-open", "protection-open"):
            self._part(name).disabled = False
        show(self._part("boot"), False)
        self._name.open()
        js.document.dispatchEvent(
            js.Event.new("pychat:ready")
        )  # now what the style sheet has hidden can have the focus
        code = opened_code()  # before the history has another entry
        self._return_to(rooms)
        self._post(events.UseRelay(self._relay))
        self._post(self._applied.sharing)
        self._attention.begin()
        self._wait_for_people()
        self._read_link(code)
        self.render()
        self._bringing = asyncio.ensure_future(self._bring_drafts())
        self._shared.ask()

    def server_found(self, relay: str, suggested: Sequence[IceServer]) -> None:
        """Go on when the server can be reached, with what waited for it.

        It leads nowhere from a conversation that the person has turned to meanwhile: they may be in the middle of a
        line. The rooms are in the list then.
        """
        self._server_away = False
        self._relay = relay
        self._post(events.UseRelay(relay))
        self._wait_for_people()
        self._suggested = suggested
        self._settings.suggest(suggested)
        self._turn()  # what the person has done by now leads where it does
        waiting, self._waiting = self._waiting, []
        self._stays = self._selected is not None
        self._hand_over_all([replace(event, relay=self._relay) for event in waiting])
        self._stays = False
        self._render_relay()
        self.render()

    def render(self) -> None:
        """Bring the page up to the state of the core."""
        self._select()
        self._clear_used_code()
        self._keep_rooms()
        now = self._app.view(self._selected)
        talking = now.chat is not None
        look = (
            self._selected,
            now.card,
            now.code,
            now.state,
            now.can_leave,
            now.joins,
            bool(now.warning),
            bool(now.hint),
        )
        focused = js.document.activeElement if look != self._look else None
        self._look = look
        set_data(js.document.body, "screen", "talk" if talking else "start")
        show(self._part("talk"), talking)
        set_text(self._part("title"), now.name or "pychat")
        show_face(self._part("face"), now.face)
        self._status.render(now)
        self._acts.render(now)
        self._render_join(now)
        self._render_notices()
        self._trust.render(now)
        show(self._part("connect-again"), now.can_connect_again)
        self._card.render(now, may_focus=not self._is_writing())
        self._room.render(now)
        self._keep.render(now)
        self._export.render(now)
        for name, sentence in (("code-problem", now.code_problem), ("handed-over", now.handed_over)):
            set_text(self._part(name), sentence)
            show(self._part(name), bool(sentence))
        if now.chat is not None and now.messages is not None:
            set_text(self._part("empty"), strings.NOTHING_YET_CONNECTED if now.state == "open" else strings.NOTHING_YET)
            self._messages.render(now.messages, Names(self._app.name or strings.ME, now.name))
            self._menu.render(now.messages)
            self._show_goal(now.chat, now.messages)
            if js.document.visibilityState == "visible":
                self._seen[now.chat] = len(now.messages)
        self._people.render(now.people, self._seen, self._selected, self._app.resolve)
        self._caller.render(now.people, self._seen)
        self._search.render()
        if self._part("details").open:
            self._render_details(now.details)
        if now.state == "open" != self._state and self._is_where_they_were():
            self._composer.focus()
        elif self._copies_link_next and now.card is Card.ROOM and now.room is not None and now.room.code:
            self._copies_link_next = False
            if self._is_where_they_were():
                self._part("room-copy").focus()
        self._state = now.state
        if focused:
            self._keep_focus(focused)

    # What the person does.

    def _listen(self) -> None:
        on, part = self._scope.on, self._part
        on(part("new-room"), "click", lambda _: self._open_room())
        on(part("room-enter"), "click", lambda _: self._post(events.ConfirmJoin()))
        on(part("room-decline"), "click", lambda _: self._decline())
        on(part("room-return"), "click", self._return)
        on(part("connect-again"), "click", self._connect_again)
        on(part("remove-now"), "click", self._remove_now)
        on(part("use-here"), "click", self._use_here)
        on(part("new-invite"), "click", lambda _: self._invite(None))
        on(part("invite-again"), "click", lambda _: self._invite(self._selected))
        on(part("paste"), "submit", self._paste)
        on(part("paste-text"), "keydown", self._paste_key)
        on(part("paste-text"), "input", lambda _: self._edit_code())
        on(part("leave"), "click", self._leave_by_menu)
        on(part("remove"), "click", self._remove)
        on(part("back"), "click", lambda _: self._choose(None))
        on(part("details-open"), "click", self._open_details)
        on(part("export-open"), "click", self._open_export)
        on(part("emoji-open"), "click", self._open_emoji)
        on(part("details"), "close", lambda _: self._post(events.WatchDetails(None)))
        on(js.window, "popstate", lambda _: self._rooms.write())
        on(js.window, "pagehide", self._page_hidden)
        on(js.window, "beforeunload", self._before_unload)
        on(js.document, "visibilitychange", lambda _: self._look_or_away())

    def _tone(self) -> int:
        return self._applied.tone

    def _open_emoji(self, event: Any) -> None:
        self._emoji.open(event, self._part("emoji-open"), self._composer.insert, self._composer.focus)

    def _send(self, text: str) -> str:
        self._ask_to_stay()
        self._attention.sent()
        return send(text, self._app.resolve(self._selected), self._app, self._post, self._menu.written)

    def _ask_to_stay(self) -> None:
        """There is something to lose from now on: ask once, for some browsers ask the person in turn."""
        may_ask, self._may_ask = self._may_ask, False
        if may_ask and self._store.load(_ASKED_TO_STAY) is None:
            self._asking = asyncio.ensure_future(ask_to_stay())
            with suppress(PortError):
                self._store.save(_ASKED_TO_STAY, "yes")

    def _paste(self, event: Any) -> None:
        event.preventDefault()
        self._card.forget_copying()
        self._given = text = str(self._part("paste-text").value)
        self._hand_over(events.PasteCode(text, self._relay_for(text)))

    def _scanned(self, text: str) -> None:
        self._part("paste-text").value = text
        self._part("paste").requestSubmit()

    def _edit_code(self) -> None:
        self._card.forget_copying()
        self._post(events.EditCode())

    def _paste_key(self, event: Any) -> None:
        if event.key == "Enter" and not event.shiftKey and not event.isComposing:
            self._paste(event)

    def _read_link(self, code: str) -> None:
        """Put the code of the link by which the page was opened into the box, and see what becomes of it."""
        if not code:
            return
        if self._selected is not None:
            self._shown_last = self._selected  # it is one entry back
        self._choose(None)  # where the box is
        self._given = self._part("paste-text").value = code
        self._part("connect").focus()
        self._hand_over_all([events.OpenCodeLink(room_link(code), self._relay)])
        self._rooms.write()

    def _open_shared(self, text: str) -> bool:
        """Open the code in what another program has shared; returns whether there is one."""
        if not has_code(text):
            return False
        self._choose(None)  # where the box is
        self._given = self._part("paste-text").value = text
        self._part("connect").focus()
        self._hand_over_all([events.OpenCodeLink(text, self._relay_for(text))])
        return True

    def _return_to(self, rooms: Rooms) -> None:
        """Go back into the rooms that the page was in before it was reloaded, and ask again where it has asked."""
        links = [events.OpenCodeLink(code, self._relay, returning=True) for code in rooms.inside]
        if rooms.asked:  # the last one, for to go into a room answers what was asked
            links.append(events.OpenCodeLink(rooms.asked, self._relay))
        self._hand_over_all(links)

    def _keep_rooms(self) -> None:
        """Keep what a reload has to come back to; also what waits for the server."""
        inside, asked = self._app.rooms_inside, [self._app.room_asked]
        for event in self._waiting:
            returns = isinstance(event, events.OpenCodeLink) and event.returning
            (inside if returns else asked).append(room_in(event.text))
        self._rooms.keep(Rooms(tuple(inside), next(filter(None, asked), "")))

    def _hand_over(self, event: events.PasteCode | events.OpenCodeLink) -> None:
        """Give the core a code; that of a room waits until it is known whether there is a relay."""
        if self._server_away and room_in(event.text) and _is_of_this_page(event.text):
            self._waiting.append(event)
            self._keep_rooms()
            self._clear_box()  # there is nothing to be done with it, and its secret need not be seen
            self._render_relay()
        else:
            self._post(event)

    def _hand_over_all(self, batch: Sequence[events.PasteCode | events.OpenCodeLink]) -> None:
        """Give the core codes of rooms, and show the question if that is what they come to."""
        for event in batch:
            self._hand_over(event)
        self._turn()
        if self._app.room_asked and not self._stays:
            self._choose(None)  # where it is asked
            self._part("join").focus()  # on a phone it could not have it before

    def _relay_for(self, text: str) -> str:
        """The relay where a room in a pasted text would be; that of a link to another page is none of ours."""
        return self._relay if _is_of_this_page(text) else ""

    def _invite(self, conversation: ChatId | None) -> None:
        """Make an invite; the box for the reply to it does not begin with a text that could not be used."""
        if self._app.view(None).code_problem:
            self._clear_box()
            self._post(events.EditCode())
        self._post(events.CreateInvite(conversation))

    def _open_room(self) -> None:
        self._copies_link_next = True
        self._post(events.CreateRoom(self._relay))

    def _return(self, _: Any) -> None:
        if self._selected is not None:
            self._post(events.ReturnToRoom(self._selected))

    def _connect_again(self, _: Any) -> None:
        if self._selected is not None:
            self._post(events.ConnectAgain(self._selected))

    def _want_earlier(self) -> None:
        if self._selected is not None:
            self._post(events.ShowEarlier(self._selected))

    def _use_here(self, _: Any) -> None:
        if self._selected is not None:
            self._post(events.TakeOverRoom(self._selected))

    def _leave(self) -> None:
        if self._selected is not None:
            self._post(events.LeaveConversation(self._selected))

    def _leave_by_menu(self, _: Any) -> None:
        self._leave()
        self._turn()
        self._put_focus()

    def _remove(self, _: Any) -> None:
        """Delete the conversation; where something was said, ask before that."""
        now = self._app.view(self._selected)
        if now.messages:
            set_text(self._part("remove-text"), strings.delete_note(now.name, kept=now.is_kept))
            self._part("remove-dialog").showModal()
        else:
            self._remove_now(None)

    def _remove_now(self, _: Any) -> None:
        if self._part("remove-dialog").open:
            self._part("remove-dialog").close()
        if self._selected is not None:
            self._post(events.RemoveConversation(self._selected))

    def _decline(self) -> None:
        self._post(events.DeclineJoin())

    def _open_details(self, _: Any) -> None:
        self._part("details").showModal()
        self._post(events.WatchDetails(self._selected))

    def _open_export(self, event: Any) -> None:
        self._open_details(event)
        self._part("export-html").focus()

    def _page_hidden(self, event: Any) -> None:
        if not event.persisted:
            self._post(events.Shutdown())
            self._turn()

    def _before_unload(self, event: Any) -> None:
        if self._app.undelivered and not self._over:
            event.preventDefault()  # the browser asks whether to leave

    def _look_or_away(self) -> None:
        self._post(events.LookAway(away=js.document.visibilityState != "visible"))
        self.render()

    def _wait_for_people(self) -> None:
        if self._relay:
            self._post(events.WaitForPeople(events.WhoToWaitFor(self._applied.wait_for)))

    def _configure(self, settings: Settings) -> None:
        self._post(events.ConfigureIce(settings.ice(self._suggested)))
        before, self._applied = self._applied, settings
        if settings.keep_for != before.keep_for:
            self._post(events.SetKeepFor(None, settings.keep_for))
        if settings.wait_for != before.wait_for:
            self._wait_for_people()
        if settings.sharing != before.sharing:
            self._post(settings.sharing)
        if settings.name != self._app.name:
            self._post(events.SetName(settings.name))
        self._name.show(settings.name)

    def _other_tab_saved(self, key: str, text: str) -> None:
        if key == KEY:
            self._settings.adopt(Settings.loads(text))
        elif key == STORE_KEY:
            self._post(events.ContactsKept(text))

    async def _start_afresh(self) -> None:
        await self._erase()
        self._reload()

    def _reload(self) -> None:
        """Begin a new visit: at a mere reload Firefox would fill in again what stood in the fields."""
        self._over = True
        js.location.replace(js.location.pathname)

    # Back and Forward.

    def _dialogs(self) -> list[Any]:
        return list(js.document.querySelectorAll("dialog[open]"))

    def _depth(self) -> int:
        return len(self._dialogs()) + (self._selected is not None)

    def _go_up(self) -> None:
        dialogs = self._dialogs()
        if dialogs:
            dialogs[-1].close()  # of two the later one in the document lies above
        else:
            self._shown_last = self._selected
            self._choose(None)

    def _go_down(self) -> None:
        if self._selected is None and self._app.resolve(self._shown_last) is not None:
            self._choose(self._shown_last)

    # What the page shows.

    def _choose(self, conversation: ChatId | None) -> None:
        self._turn_to(conversation)
        self.render()

    def _show_hit(self, hit: Hit) -> None:
        self._show_message(hit.chat, (hit.author, hit.number))
        self._choose(hit.chat)

    def _lead_to(self, message: Place) -> None:
        """Lead to a message of this conversation that lies further back than what was read."""
        if self._selected is not None:
            self._show_message(self._selected, message)

    def _show_message(self, chat: ChatId, message: Place) -> None:
        self._goal = chat, message
        self._post(events.ShowMessage(chat, *message))

    def _show_goal(self, chat: ChatId, messages: Messages) -> None:
        """Show the message that the person has chosen, once it is there."""
        if self._goal is None or self._goal[0] != chat:
            return
        place = messages.place_of(*self._goal[1])
        if place is not None:
            self._messages.show(place)
        if place is not None or not messages.has_earlier:
            self._goal = None

    def _turn_to(self, conversation: ChatId | None) -> None:
        """Show another conversation; what was being written stays with the one it was meant for."""
        self._menu.forget()
        self._drafts[self._selected] = self._composer.text
        self._selected = conversation
        shared = self._shared.take() if conversation is not None else ""
        self._composer.text = "\n".join(filter(None, (self._drafts.pop(conversation, ""), shared)))
        self._focus_before = js.document.activeElement
        self._screens.follow()
        self._post(events.ShowConversation(conversation))

    def _select(self) -> None:
        """Go where the person's own act has led, or to where the shown conversation is carried on.

        Nothing that somebody else does leads away from a conversation that has a person: whoever writes decides who
        reads it.
        """
        self._move_along()
        app = self._app
        if self._openings != app.openings and self._stays:
            self._openings = app.openings
        elif self._openings != app.openings:
            self._openings = app.openings
            self._focus_before = js.document.activeElement
            if app.opened is not None and app.opened != self._selected:
                self._turn_to(app.opened)
        elif self._selected is not None:
            chat = app.resolve(self._selected)
            if chat is None:
                before = self._selected
                self._turn_to(None)
                del self._drafts[before]
            elif chat != self._selected:
                self._follow(chat)

    def _move_along(self) -> None:
        """What was seen, and what is being written, goes along with an introduction; of what is gone nothing stays."""
        resolve = self._app.resolve
        for chat in [chat for chat in self._seen if resolve(chat) != chat]:
            count, became = self._seen.pop(chat), resolve(chat)
            if became is not None:
                self._seen[became] = self._seen.get(became, 0) + count
        moved = [place for place in self._drafts if place != self._selected and resolve(place) not in (place, None)]
        for place in moved:
            draft, now_in = self._drafts.pop(place), resolve(place)
            if now_in == self._selected:
                self._join_draft(draft)
            else:
                self._drafts[now_in] = "\n".join(filter(None, (self._drafts.get(now_in, ""), draft)))
                self._kept_drafts.touch()

    async def _bring_drafts(self) -> None:
        """Put what an earlier visit was about to write into the box, before what has come there since."""
        for chat, draft in (await self._kept_drafts.read()).items():
            if chat == self._selected:
                self._join_draft(draft)
            else:
                self._drafts[chat] = "\n".join(filter(None, (draft, self._drafts.get(chat, ""))))

    def _drafts_now(self) -> dict[ChatId, str]:
        drafts = {chat: draft for chat, draft in self._drafts.items() if chat is not None}
        return drafts if self._selected is None else {**drafts, self._selected: self._menu.draft}

    def _join_draft(self, draft: str) -> None:
        if draft:
            self._composer.text = "\n".join(filter(None, (draft, self._composer.text)))

    def _follow(self, conversation: ChatId) -> None:
        """Whoever was waited for is there: what is being written is for them, and the focus stays where it is."""
        draft = self._drafts.pop(conversation, "")
        self._selected = conversation
        self._join_draft(draft)
        self._kept_drafts.touch()
        self._post(events.ShowConversation(conversation))

    def _clear_used_code(self) -> None:
        if self._app.codes_used != self._accepted or self._app.handed_over:
            self._accepted = self._app.codes_used
            self._clear_box()

    def _clear_box(self) -> None:
        """Take what was used out of the box, and nothing that the person has put there since."""
        if self._part("paste-text").value == self._given:
            self._part("paste-text").value = ""

    def _is_where_they_were(self) -> bool:
        """Whether the focus may move: nobody has it, or it is still where the person's last act has left it."""
        focused = js.document.activeElement
        if not focused or focused.isSameNode(js.document.body) or not focused.checkVisibility():
            return True
        is_there = self._focus_before is not None and focused.isSameNode(self._focus_before)
        return is_there and not getattr(focused, "value", "")

    def _keep_focus(self, before: Any) -> None:
        """Where what had the focus is gone, or of no more use, the focus would be nowhere: it goes to what is next.

        It goes back to what was only moved within the page, by which an element loses it.
        """
        if before.isSameNode(js.document.body) or _is_usable(js.document.querySelector(":focus")):
            return
        if not _is_usable(before):
            self._put_focus()
        elif js.document.activeElement.isSameNode(js.document.body):
            before.focus()

    def _put_focus(self) -> None:
        for name in _NEXT if self._selected is not None else _FIRST:
            if _is_usable(self._part(name)):
                self._part(name).focus()
                return

    def _is_writing(self) -> bool:
        return bool(self._part("draft").matches(":focus"))

    def _render_relay(self) -> None:
        show(self._part("new-room"), bool(self._relay))
        show(self._part("no-relay"), not self._relay)
        if not self._relay:
            self._part("other").open = True  # there is no other one
        away = strings.SERVER_AWAY_FROM_ROOM if self._waiting else strings.SERVER_AWAY
        set_text(self._part("no-relay"), away if self._server_away else strings.NO_RELAY)

    def _render_join(self, now: View) -> None:
        """Ask before a room is entered. The field for one's name is moved to where it is asked, and what is wrong."""
        part = self._part
        appears = now.joins and part("join").hidden
        show(part("join"), now.joins)
        for name, form in (("name", part("name-form")), ("problem", part("code-problem"))):
            home = part(f"{name}-there" if now.joins else f"{name}-home")
            if not home.contains(form):
                home.append(form)
        if appears:
            self._clear_box()
        if appears and not self._stays:
            part("join").focus()

    def _render_notices(self) -> None:
        if self._app.not_kept and strings.CONTACTS_NOT_KEPT not in self._notices:
            self._notices.append(strings.CONTACTS_NOT_KEPT)
        if self._app.history_problem and not self._has_told_history:
            self._has_told_history = True
            self._notices.append(strings.history_problem(self._app.history_problem))
        if self._app.deletion_problem and not self._has_told_deletion:
            self._has_told_deletion = True
            self._notices.append(strings.deletion_problem(self._app.deletion_problem))
        place = self._part("notices")
        for sentence in self._notices[place.childElementCount :]:
            notice = from_template("notice")
            notice.textContent = sentence
            place.append(notice)

    def _render_details(self, details: DetailsView) -> None:
        for name, text in (
            ("path", details.path),
            ("round-trip", details.round_trip),
            ("traffic", details.traffic),
            ("local-fingerprint", details.local_fingerprint),
            ("remote-fingerprint", details.remote_fingerprint),
            ("trouble", details.trouble),
        ):
            set_text(self._part(name), text or "–")
        for name in ("trouble", "trouble-term"):
            show(self._part(name), bool(details.trouble))


def _is_usable(element: Any) -> bool:
    """Whether an element, or none, can have the focus."""
    return bool(element) and bool(element.checkVisibility()) and not getattr(element, "disabled", False)
