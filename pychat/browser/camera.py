"""QR codes before a camera.

What reads them is the browser's own (Shape Detection API), or a library that does the same, which is loaded when
somebody wants to scan.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from enum import Enum
from typing import Any

import js
from pyodide.ffi import JsException, to_js

INTERVAL = 0.15
"""Seconds between two looks: a hand that holds a device still does so for longer."""
_QR = "qr_code"


class CameraProblem(Enum):
    """Why nothing can be scanned; by the name of the error (W3C Media Capture and Streams, section 10.3)."""

    REFUSED = "NotAllowedError"
    NONE = "NotFoundError"
    BUSY = "NotReadableError"
    OTHER = ""


class CameraError(Exception):
    """Nothing can be scanned."""

    def __init__(self, problem: CameraProblem) -> None:
        super().__init__(problem.name)
        self.problem = problem


def has_camera() -> bool:
    """Whether this browser lets a page ask for a camera; only a secure page may."""
    return hasattr(js.navigator, "mediaDevices")


async def scan(video: Any) -> AsyncGenerator[str]:
    """The texts of the QR codes that a camera sees, each time that it sees one, until the caller has enough.

    Args:
        video: the element in which it is shown what the camera sees.

    Raises:
        CameraError: there is no camera, or it may not be used.
    """
    wanted = _object(video=_object(facingMode="environment"))
    asking = asyncio.ensure_future(js.navigator.mediaDevices.getUserMedia(wanted))
    try:
        stream = await asyncio.shield(asking)
    except asyncio.CancelledError:
        asking.add_done_callback(_stop_late)  # the person may still be asked, and say yes
        raise
    except JsException as error:
        raise CameraError(_problem(error)) from error
    try:
        video.srcObject = stream
        await video.play()
        detector = await _detector()
        while True:
            for code in await detector.detect(video):
                yield str(code.rawValue)
            await asyncio.sleep(INTERVAL)
    except (JsException, OSError) as error:
        raise CameraError(CameraProblem.OTHER) from error
    finally:
        video.srcObject = None
        _stop(stream)


def _stop(stream: Any) -> None:
    for track in stream.getTracks():
        track.stop()


def _stop_late(asking: asyncio.Future[Any]) -> None:
    if not asking.cancelled() and asking.exception() is None:
        _stop(asking.result())


async def _detector() -> Any:
    kind = getattr(js, "BarcodeDetector", None)
    if kind is None or _QR not in list(await kind.getSupportedFormats()):
        kind = (await js.loadQrReader()).BarcodeDetector
    return kind.new(_object(formats=to_js([_QR])))


def _problem(error: JsException) -> CameraProblem:
    with suppress(ValueError):
        return CameraProblem(str(error.name))
    return CameraProblem.OTHER


def _object(**fields: Any) -> Any:
    return js.Object.fromEntries(to_js(list(fields.items())))
