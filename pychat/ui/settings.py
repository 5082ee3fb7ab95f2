"""The settings a person keeps, and the ICE servers that follow from them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from pychat.core.chat.records import FOREVER, NOTHING
from pychat.core.events import SetPresenceSharing, WhoToWaitFor
from pychat.core.identity.contacts import clean_name
from pychat.core.webrtc.ice import IceConfig, IceServer, ServerError, parse_servers
from pychat.ui import strings
from pychat.ui.emoji import TONES

KEY = "settings"
PUBLIC_STUN = IceServer("stun:stun.cloudflare.com:3478")
"""Used where neither the person nor the server of the page names another one, and the page is not local."""


class Notify(Enum):
    """What a notification shows; by its value it is kept."""

    OFF = "off"
    NOTHING = "nothing"
    NAME = "name"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Settings:
    """`suggested`: use the servers that the page suggests; `own`: further ones, as `parse_servers` reads them.

    `name` is how the person wants to be called. `keep_for` says for how many seconds it is kept what is said
    (`records`), and `wait_for` who is looked for by itself (`events.WhoToWaitFor`). `typing`, `away` and `read` say
    what others may see of the person (`events.SetPresenceSharing`). `notify` says what a notification shows (`Notify`),
    and `sound` whether something is to be heard. `tone` is the skin tone of the emoji that are offered, 1 to 5, or 0
    for none.
    """

    suggested: bool = True
    own: str = ""
    relay_only: bool = False
    name: str = ""
    keep_for: int = FOREVER
    wait_for: str = WhoToWaitFor.RECENT.value
    typing: bool = True
    away: bool = True
    read: bool = True
    notify: str = Notify.NAME.value
    sound: bool = True
    tone: int = 0

    def dumps(self) -> str:
        """The settings as a text to be kept."""
        """The settings as a text to be kept."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str | None) -> "Settings":
        """Read what `dumps` wrote; what cannot be read counts as never written."""
        try:
            raw = json.loads(text or "{}")
            settings = cls(
                bool(raw.get("suggested", True)),
                str(raw.get("own", "")),
                bool(raw.get("relay_only")),
                clean_name(str(raw.get("name", ""))),
                _keep_for(raw.get("keep_for", FOREVER)),
                _wait_for(raw.get("wait_for", WhoToWaitFor.RECENT.value)),
                **{name: raw.get(name, True) is True for name in ("typing", "away", "read")},  # else nothing is shown
                notify=_notify(raw.get("notify", Notify.NAME.value)),
                sound=bool(raw.get("sound", True)),
                tone=_tone(raw.get("tone", 0)),
            )
        except (ValueError, AttributeError, RecursionError):
            return cls()
        try:
            parse_servers(settings.own)
        except ServerError:
            return replace(settings, own="")  # who wanted to be hidden stays so
        return settings

    @property
    def sharing(self) -> SetPresenceSharing:
        """What others may see of the person."""
        return SetPresenceSharing(self.typing, self.away, self.read)

    def ice(self, suggested: Sequence[IceServer]) -> IceConfig:
        """The configuration for connections, given the servers that the page suggests.

        Raises:
            ServerError: a line of `own` is malformed.
        """
        own = parse_servers(self.own)
        return IceConfig((*own, *(suggested if self.suggested else ())), self.relay_only)


def _keep_for(value: Any) -> int:
    is_one = isinstance(value, int) and NOTHING <= value <= FOREVER
    return int(value) if is_one else FOREVER  # nothing is lost by it


def _wait_for(value: Any) -> str:
    choices = [people.value for people in WhoToWaitFor]
    return str(value) if value in choices else WhoToWaitFor.NOBODY.value  # whoever is not asked for learns nothing


def _notify(value: Any) -> str:
    choices = [choice.value for choice in Notify]
    return str(value) if value in choices else Notify.NOTHING.value  # what is not shown nobody reads


def _tone(value: Any) -> int:
    return value if type(value) is int and 0 <= value < len(TONES) else 0


class SettingsProblem(ValueError):
    """The settings cannot be used; the text is a sentence for a person."""


def usable_ice(settings: Settings, suggested: Sequence[IceServer]) -> IceConfig:
    """The configuration that follows from settings that a person has just made.

    Raises:
        SettingsProblem: a server is malformed, or there is none that can hide this side's address.
    """
    try:
        ice = settings.ice(suggested)
    except ServerError as error:
        raise SettingsProblem(f"“{error.line[:60]}” {strings.SERVER_PROBLEMS[error.problem]}") from error
    if ice.relay_only and not ice.has_turn:
        raise SettingsProblem(strings.RELAY_NEEDS_TURN)
    return ice


def is_local(page: str) -> bool:
    """Whether the page of this address comes from this very machine, so that whoever opens it is there, too."""
    try:
        host = urlsplit(page).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False


def suggested_servers(config: Any, *, local: bool) -> tuple[IceServer, ...]:
    """The servers that the page suggests.

    Args:
        config: what the server's `config.json` holds, or None where there is none. Its `iceServers` is a list in
            the form of RTCIceServer, or null for "decide yourself".
        local: whether the page comes from this very machine, where no server is needed.
    """
    listed = config.get("iceServers") if isinstance(config, dict) else None
    if not isinstance(listed, list):
        return () if local else (PUBLIC_STUN,)
    found = []
    for server in listed:
        if not isinstance(server, dict):
            continue
        urls = server.get("urls", ())
        username, credential = str(server.get("username", "")), str(server.get("credential", ""))
        found += [IceServer(str(url), username, credential) for url in ([urls] if isinstance(urls, str) else urls)]
    return tuple(found)
