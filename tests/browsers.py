"""Finds what the tests run against: Chromium and Firefox, those of this machine or Playwright's own, coturn and Redis.

`python -m tests.browsers` makes sure that both browsers start and that there are a TURN server and a Redis (and, for
root on Linux, what makes NATs), installs what is missing where that is possible, and says what it found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Error, Playwright, sync_playwright

BrowserName = Literal["chromium", "firefox"]

ON_PATH: dict[BrowserName, tuple[str, ...]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "firefox": ("firefox-esr", "firefox"),
}
DEBIAN_PACKAGES: dict[BrowserName, str] = {"chromium": "chromium", "firefox": "firefox-esr"}

TURN_SERVER = "turnserver"
REDIS = "redis-server"
NAT = "iptables"

# They keep a browser from talking to its maker while it is tested.
CHROMIUM_QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

CHROMIUM_WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "DialMediaRouteProvider",
    "GlobalMediaControls",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "BlockOriginHeaderModificationOnRedirect",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "Translate",
    "AutoDeElevate",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    # Each window has a page of its own for what the address bar offers: a process, and a third of the processor's time
    # that it takes to open the chat.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # A process in reserve for each profile, in which nobody opens another page.
    "SpareRendererForSitePerProcess",
)
"""What Playwright switches off in Chromium, and the last three: of several such lists Chromium heeds only the last."""


class BrowserMissing(Exception):
    """No browser of this kind starts; the message says what was tried."""


def launch(playwright: Playwright, name: BrowserName, **extra: Any) -> Browser:
    """Start the first browser of this kind that starts; `extra` goes to Playwright's launch, `args` to the browser.

    Raises:
        BrowserMissing: none does.
    """
    browser: Browser = _first(name, getattr(playwright, name).launch, **extra)
    return browser


def launch_profile(playwright: Playwright, name: BrowserName, folder: str, **extra: Any) -> BrowserContext:
    """The same with a profile in a folder, as people have one: what it has cached stays when a page is closed.

    Raises:
        BrowserMissing: none does.
    """
    start = partial(getattr(playwright, name).launch_persistent_context, folder)
    context: BrowserContext = _first(name, start, **extra)
    return context


def _first(name: BrowserName, start: Callable[..., Any], **extra: Any) -> Any:
    failures = []
    for options in _candidates(name, **extra):
        try:
            return start(**options)
        except Error as error:
            reason = error.message.strip().splitlines()[0]
            failures.append(f"{options.get('executable_path', 'Playwright’s own')}: {reason}")
    raise BrowserMissing(f"No {name} starts.\n" + "\n".join(failures))


def _candidates(name: BrowserName, **extra: Any) -> Iterator[dict[str, Any]]:
    """Launch options, the browsers on PATH first."""
    if name == "chromium":
        # Chromium refuses its sandbox to root.
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        without = "--disable-features=" + ",".join(CHROMIUM_WITHOUT)
        extra = {**extra, "args": [*CHROMIUM_QUIET, without, *sandbox, *extra.get("args", [])]}
        if _has_shared_memory():
            extra["ignore_default_args"] = ["--disable-dev-shm-usage"]
        channel = {}
    else:
        # Playwright drives a Firefox that it has not built over WebDriver BiDi, which it calls this channel.
        channel = {"channel": "moz-firefox"}
    for executable in ON_PATH[name]:
        if path := shutil.which(executable):
            yield {**extra, **channel, "executable_path": path}
    yield extra


def _has_shared_memory() -> bool:
    """Playwright keeps Chromium's shared memory in files, for there are containers with little else; where it fills
    the disk, renderers crash.
    """
    try:
        return shutil.disk_usage("/dev/shm").free > 1 << 30
    except OSError:
        return False


def main() -> int:
    """Make sure of both browsers; 0 when both start, 1 with what to install when one cannot be had."""
    missing = [name for name in ON_PATH if not _starts(name)]
    for name in missing:
        installs = (_install_playwright, lambda name: _install_package(DEBIAN_PACKAGES[name]))
        if not any(install(name) and _starts(name) for install in installs):
            print(
                f"The tests need {name}: install it with your package manager (Debian, Ubuntu: "
                f"apt install {DEBIAN_PACKAGES[name]}) or with `.venv/bin/playwright install --with-deps {name}`.",
                file=sys.stderr,
            )
            return 1
    if not shutil.which(TURN_SERVER) and not (_install_package("coturn") and shutil.which(TURN_SERVER)):
        print(
            "The tests need the TURN server coturn: install it with your package manager (Debian, Ubuntu: "
            "apt install coturn; macOS: brew install coturn).",
            file=sys.stderr,
        )
        return 1
    if not shutil.which(REDIS) and not _install_redis():
        print(
            "The tests need Redis: install it with your package manager (Debian, Ubuntu: apt install redis-server; "
            "macOS: brew install redis).",
            file=sys.stderr,
        )
        return 1
    # Only root can make the networks that take it; others do without those tests.
    if sys.platform == "linux" and os.geteuid() == 0 and not (shutil.which(NAT) and shutil.which("ip")):
        _install_package(NAT)
        _install_package("iproute2")
    return 0


def _starts(name: BrowserName) -> bool:
    # A driver of its own for each try: a running one does not notice what has been installed since.
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright, name)
        except BrowserMissing as error:
            print(error)
            return False
        print(f"Testing with {name} {browser.version}")
        browser.close()
        return True


def _install_playwright(name: BrowserName) -> bool:
    print(f"Installing Playwright’s {name} …", flush=True)
    return _succeeds([sys.executable, "-m", "playwright", "install", name])


def _install_redis() -> bool:
    """The tests start their own; the daemon that Debian starts with the package would only be in somebody's way."""
    if not (_install_package("redis-server") and shutil.which(REDIS)):
        return False
    with_systemd = os.path.isdir("/run/systemd/system")
    stop = ["systemctl", "disable", "--quiet", "--now"] if with_systemd else ["invoke-rc.d", "--quiet"]
    _succeeds([*(_elevation() or []), *stop, "redis-server", *([] if with_systemd else ["stop"])])
    return True


def _elevation() -> list[str] | None:
    """What to put before a command that only root may give; None when there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _succeeds(["sudo", "-n", "true"]):
        return ["sudo", "-n", "env"]
    return None


def _install_package(package: str) -> bool:
    elevate = _elevation() if shutil.which("apt-get") else None
    if elevate is None:
        return False
    print(f"Installing the package {package} …", flush=True)
    apt_get = [*elevate, "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"] if elevate else ["apt-get", "-qq"]
    _succeeds([*apt_get, "update"])
    return _succeeds([*apt_get, "install", "-y", "--no-install-recommends", package])


def _succeeds(command: list[str]) -> bool:
    """Whether a command ends well; its output is shown only when it does not."""
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error)
        return False
    if result.returncode:
        print(result.stdout)
    return result.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
