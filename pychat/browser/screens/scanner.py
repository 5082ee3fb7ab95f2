"""The dialog that scans a QR code: what is in it is handed over as if it was pasted."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from pychat.browser.camera import CameraError, has_camera, scan
from pychat.browser.dom import Scope, set_text, show
from pychat.core.codes.pasted import has_code
from pychat.ui import strings


class ScanDialog:
    """The parts “scan-open” and “scan…” of a scope. Without a camera to ask for there is no button.

    Args:
        found: called with a text that has a code of pychat's in it.
    """

    def __init__(self, scope: Scope, found: Callable[[str], None]) -> None:
        self._found = found
        self._dialog = scope.part("scan")
        self._video = scope.part("scan-video")
        self._note = scope.part("scan-note")
        self._scanning: asyncio.Task[None] | None = None
        show(scope.part("scan-open"), has_camera())
        scope.on(scope.part("scan-open"), "click", lambda _: self._open())
        scope.on(self._dialog, "close", lambda _: self._stop())

    def _open(self) -> None:
        self._stop()
        set_text(self._note, strings.SCAN_NOTE)
        show(self._video, True)
        self._dialog.showModal()
        self._scanning = asyncio.ensure_future(self._scan())

    def _stop(self) -> None:
        if self._scanning is not None:
            self._scanning.cancel()  # which lets go of the camera, also if it is granted only later
            self._scanning = None

    async def _scan(self) -> None:
        try:
            async with aclosing(scan(self._video)) as texts:
                async for text in texts:
                    if has_code(text):
                        self._dialog.close()
                        self._found(text)
                        return
                    set_text(self._note, strings.SCAN_OTHER)
        except CameraError as error:
            show(self._video, False)
            set_text(self._note, strings.CAMERA_PROBLEMS[error.problem.name])
