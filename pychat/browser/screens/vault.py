"""The dialog that asks for a passphrase: to unlock what is kept, to seal it, to back it up and to restore it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import js
from pyodide.ffi import JsException, to_js

from pychat.browser.dom import Scope, set_text, show
from pychat.browser.screens.exporting import offer
from pychat.passphrase import Damaged, NewerVersion, WrongPassphrase
from pychat.ports import Journal, JournalUnreadable, PortError
from pychat.ui import vault as words
from pychat.ui.vault import Form, Restored

_READ_AT_ONCE = 1024 * 1024
"""Bytes of a file that are read at once."""
_PAINTED = 0.05
"""Seconds in which a browser shows what has changed."""


@dataclass(frozen=True, slots=True)
class Vault:
    """All that is kept here, and what can be done with it.

    Args:
        back_up: makes the file of everything, sealed with a passphrase; as `backup.make`.
        restore: takes such a file in; as `backup.restore`.
    """

    journal: Journal
    back_up: Callable[[str], AsyncIterator[bytes]]
    restore: Callable[[AsyncIterator[bytes], str], Awaitable[Restored]]


class Given(NamedTuple):
    """What the person has given: a file or None, and passphrases."""

    file: Any
    current: str
    new: str


class Outcome(NamedTuple):
    """What came of it: what is wrong, so that the person can try again; or what to tell, and whether to reload then."""

    problem: str = ""
    said: str = ""
    reloads: bool = False


class PassphraseDialog:
    """The part “vault” of a scope, for one form after the other."""

    def __init__(self, scope: Scope) -> None:
        self._part = part = scope.part
        self._dialog = part("vault")
        self._form = words.UNLOCK
        self._act: Callable[[Given], Awaitable[Outcome]] | None = None
        self._ended: Callable[[bool], None] = lambda _: None
        self._is_done = self._reloads = False
        self._task: asyncio.Future[None] | None = None
        scope.on(part("vault-form"), "submit", self._submitted)
        scope.on(part("vault-cancel"), "click", lambda _: self._dialog.close())
        scope.on(self._dialog, "cancel", self._cancelled)
        scope.on(self._dialog, "close", lambda _: self._closed())

    def open(
        self, form: Form, act: Callable[[Given], Awaitable[Outcome]], ended: Callable[[bool], None] = lambda _: None
    ) -> None:
        """Ask for what a form wants.

        Args:
            act: is given what was typed.
            ended: called when the dialog is closed, with whether it was done.
        """
        part = self._part
        self._form, self._act, self._ended, self._is_done = form, act, ended, False
        set_text(part("vault-title"), form.title)
        set_text(part("vault-text"), form.text)
        set_text(part("vault-go"), form.go)
        set_text(part("vault-cancel"), form.cancel)
        show(part("vault-cancel"), True)
        show(part("vault-text"), True)
        set_text(part("vault-current-label"), "Current passphrase" if form.new else "Passphrase")
        set_text(part("vault-new-label"), "New passphrase" if form.current else "Passphrase")
        self._show_fields(form)
        for name in ("vault-current", "vault-new", "vault-again", "vault-file"):
            part(name).value = ""
        set_text(part("vault-said"), "")
        self._complain("")
        self._dialog.showModal()
        part("vault-file" if form.file else "vault-current" if form.current else "vault-new").focus()

    def _show_fields(self, form: Form) -> None:
        for name, is_there in (
            ("vault-file-row", form.file),
            ("vault-current-row", form.current),
            ("vault-new-row", form.new),
            ("vault-again-row", form.new),
        ):
            show(self._part(name), is_there)

    def _submitted(self, event: Any) -> None:
        event.preventDefault()
        if self._is_done:
            self._dialog.close()
        elif self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._go())

    async def _go(self) -> None:
        part, form = self._part, self._form
        files = part("vault-file").files
        given = Given(
            files.item(0) if form.file and files.length else None,
            str(part("vault-current").value),
            str(part("vault-new").value),
        )
        problem = words.problem(given.new, str(part("vault-again").value)) if form.new else ""
        if form.file and given.file is None:
            problem = words.NO_FILE
        if problem:
            self._complain(problem)
            return
        self._complain("")
        self._be_busy(form.working)
        await asyncio.sleep(_PAINTED)  # what follows may hold up the page for a second
        assert self._act is not None
        try:
            outcome = await self._act(given)
        except WrongPassphrase:
            outcome = Outcome(words.WRONG_FOR_FILE if form.file else words.WRONG)
        except NewerVersion:
            outcome = Outcome(words.NEWER)
        except Damaged:
            outcome = Outcome(words.NOT_A_BACKUP)
        except Exception as error:  # whatever it is, the person can go on
            outcome = Outcome(words.failed(str(error)[:200]), reloads=form.file)  # some of the file may be there
        finally:
            self._be_busy("")
        self._reloads |= outcome.reloads
        if self._reloads and not self._dialog.open:
            js.location.reload()
            return
        if outcome.problem:
            self._complain(outcome.problem)
            part("vault-current" if form.current else "vault-new").select()
        elif outcome.said:
            self._is_done = True
            self._show_fields(Form("", "", "", ""))
            show(part("vault-cancel"), False)
            show(part("vault-text"), False)
            set_text(part("vault-said"), outcome.said)
            set_text(part("vault-go"), "Reload the page" if outcome.reloads else "Close")
            part("vault-go").focus()
        else:
            self._is_done = True
            self._dialog.close()

    def _be_busy(self, sentence: str) -> None:
        set_text(self._part("vault-said"), sentence)
        for name in ("vault-go", "vault-cancel", "vault-current", "vault-new", "vault-again", "vault-file"):
            self._part(name).disabled = bool(sentence)

    def _complain(self, sentence: str) -> None:
        set_text(self._part("vault-problem"), sentence)
        show(self._part("vault-problem"), bool(sentence))

    def _cancelled(self, event: Any) -> None:
        if self._task is not None and not self._task.done():
            event.preventDefault()  # it is being done

    def _closed(self) -> None:
        for name in ("vault-current", "vault-new", "vault-again"):
            self._part(name).value = ""
        if self._reloads:  # what is shown has to be read anew
            js.location.reload()
        self._ended(self._is_done)


async def unlock(journal: Journal) -> bool:
    """Ask for the passphrase before anything else; whether what is kept can be read then. Raises JournalUnreadable."""
    scope, done = Scope(js.document.body), asyncio.get_running_loop().create_future()

    problems: list[JournalUnreadable] = []

    async def act(given: Given) -> Outcome:
        try:
            return Outcome() if await journal.unlock(given.current) else Outcome(words.WRONG)
        except JournalUnreadable as problem:
            problems.append(problem)
            return Outcome()  # there is nothing to unlock

    PassphraseDialog(scope).open(words.UNLOCK, act, done.set_result)
    try:
        is_unlocked = bool(await done)
    finally:
        scope.close()
    if problems:
        raise problems[0]
    return is_unlocked


class VaultButtons:
    """The part “vault-area” of the settings.

    Args:
        vault: None where nothing is kept.
    """

    def __init__(self, scope: Scope, vault: Vault | None) -> None:
        self._part = part = scope.part
        self._dialog = PassphraseDialog(scope)
        show(part("vault-area"), vault is not None)
        if vault is None:
            return
        self._vault = vault
        set_text(part("backup-note"), words.BACKUP_NOTE)
        self._tell()
        scope.on(part("passphrase-open"), "click", lambda _: self._ask(self._form, self._lock))
        scope.on(part("passphrase-remove"), "click", lambda _: self._ask(words.REMOVE, self._lock))
        scope.on(part("backup-open"), "click", lambda _: self._ask(words.BACK_UP, self._back_up))
        scope.on(part("restore-open"), "click", lambda _: self._ask(words.RESTORE, self._restore))

    @property
    def _form(self) -> Form:
        return words.CHANGE if self._vault.journal.has_passphrase else words.SET

    def _tell(self) -> None:
        has_one = self._vault.journal.has_passphrase
        set_text(self._part("passphrase-open"), f"{self._form.title}…")
        show(self._part("passphrase-remove"), has_one)
        set_text(self._part("passphrase-note"), words.PASSPHRASE_SET if has_one else words.PASSPHRASE_NOTE)

    def _ask(self, form: Form, act: Callable[[Given], Awaitable[Outcome]]) -> None:
        self._dialog.open(form, act, lambda _: self._tell())

    async def _lock(self, given: Given) -> Outcome:
        has_asked = self._vault.journal.has_passphrase
        if await self._vault.journal.lock(given.new, given.current):
            return Outcome()
        return Outcome(words.WRONG if has_asked else words.SET_ELSEWHERE)

    async def _back_up(self, given: Given) -> Outcome:
        parts = js.Array.new()
        async for piece in self._vault.back_up(given.new):
            parts.push(to_js(piece))
        offer(parts, "application/octet-stream", words.file_name(date.today().isoformat()))
        return Outcome()

    async def _restore(self, given: Given) -> Outcome:
        restored = await self._vault.restore(_pieces(given.file), given.current)
        return Outcome(said=words.told(restored), reloads=restored.is_new)


async def _pieces(file: Any) -> AsyncIterator[bytes]:
    """What is in a file. Raises PortError when it cannot be read."""
    for begin in range(0, file.size, _READ_AT_ONCE):
        try:
            read = await file.slice(begin, begin + _READ_AT_ONCE).arrayBuffer()
        except JsException as error:
            raise PortError("the file cannot be read") from error
        yield bytes(read.to_bytes())
