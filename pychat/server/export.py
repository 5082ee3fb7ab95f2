"""Writes the built site into a folder, for any web host to serve without this server.

The files are those that app.py gives out, by the same names. What it answers from its settings becomes a file,
config.json, without a relay; what it says in headers goes into each page as far as a page can say it, and into
`_headers` for hosts that heed that.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pychat.exit_codes import Exit, Failure, say
from pychat.server.checksums import SERVICE_WORKER, SUMS, integrity, with_sums
from pychat.server.config import Config, ConfigError
from pychat.server.files import ENCODINGS, FOR_EVER, File, SiteMissing, find_site, load_files
from pychat.server.headers import POLICY_OF_A_PAGE, SECURITY_HEADERS

# The names of all that an export has written: whatever else is in its folder is somebody's, and is not to be lost.
LIST = ".pychat-export"

# A policy holds for what comes after it, so it follows what every page begins with.
_BEGINNING = b'<meta charset="utf-8">\n'


class FolderTaken(Exception):
    """Something is where an export should go that is not to be lost; the text says what, after the folder's name."""


def main(folder: Path) -> Exit:
    """Export the built site, with the settings of the environment.

    Raises:
        Failure: it did not work; the folder is as it was.
    """
    site = find_site()
    try:
        config = Config.from_environment(os.environ)
        write(exported(site, config), folder)
    except ConfigError as error:
        raise Failure(Exit.USAGE, str(error)) from error
    except SiteMissing as error:
        raise Failure(
            Exit.FAILED, f"there is no built site in {site}: run `make build` in a checkout, or install pychat anew."
        ) from error
    except FolderTaken as error:
        raise Failure(Exit.USAGE, f"{folder} {error}: choose a folder that is new or empty.") from error
    except OSError as error:
        raise Failure(Exit.FAILED, f"cannot write {folder}: {error.strerror or error}.") from error
    if config.turn_secret:
        stun = "STUN servers stay" if config.ice_servers else "PYCHAT_STUN_URLS names no STUN server either"
        say(f"TURN is left out, for the credentials that PYCHAT_TURN_SECRET makes expire, and a file stays; {stun}.")
    print(f"{folder} is ready for a web host. It has no relay: people exchange codes by copy and paste.")
    print(
        "Give it an origin of its own, such as https://chat.example: any other page of the same origin "
        "can read the keys and the contacts that browsers keep for it."
    )
    return Exit.DONE


def exported(site: Path, config: Config) -> dict[str, bytes]:
    """The content of an export, by the paths of its files.

    Raises:
        SiteMissing: there is no built site in `site`.
    """
    served = load_files(site)
    plain = {name: file.forms[""] for name, file in served.items() if name != SUMS}
    pages = {name: _with_policy(body) for name, body in plain.items() if name.endswith(".html")}
    worker = plain[SERVICE_WORKER]
    for name, page in pages.items():  # it takes no page but that which it knows
        worker = worker.replace(integrity(plain[name]).encode(), integrity(page).encode())
    changed = {**pages, SERVICE_WORKER: worker}
    content = with_sums(plain | changed)
    for name, file in served.items():
        if name not in {SUMS, *changed}:  # their compressed forms are those of what they were
            content |= {name + ENCODINGS[coding]: body for coding, body in file.forms.items() if coding}
    content["config.json"] = json.dumps({"iceServers": config.ice_servers, "relay": False}).encode()
    content["_headers"] = _headers(served).encode()
    content[LIST] = "".join(f"{name}\n" for name in sorted(content)).encode()
    return content


def write(content: Mapping[str, bytes], folder: Path) -> None:
    """Write an export beside `folder`, then put it in the place of `folder`.

    Raises:
        FolderTaken: `folder` is neither new nor empty nor an earlier export.
        OSError: it cannot be written.
    """
    folder = folder.resolve()
    _check_free(folder)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
        fresh, old = Path(beside, "fresh"), Path(beside, "old")
        for name, body in content.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        try:
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
        finally:
            if old.exists() and not folder.exists():
                old.rename(folder)


def _check_free(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FolderTaken("is no folder")
    ours = {LIST, *_read(folder / LIST).splitlines()}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in ours and (path.is_symlink() or not path.is_dir()):
            raise FolderTaken(f"holds {name}, which no export has written")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _with_policy(page: bytes) -> bytes:
    before, beginning, after = page.partition(_BEGINNING)
    if not beginning:
        raise ValueError("a page does not begin as pages do")
    policy = f'    <meta http-equiv="Content-Security-Policy" content="{POLICY_OF_A_PAGE}">\n'
    return before + beginning + policy.encode() + after


def _headers(served: Mapping[str, File]) -> str:
    """The format that Netlify and Cloudflare Pages have in common: a path, and below it the headers of what it matches.

    Caching is left to the host, but for folders whose name changes with their content.
    """
    lines = ["/*", *(f"  {name}: {value}" for name, value in SECURITY_HEADERS.items())]
    for folder in sorted({name.partition("/")[0] for name, file in served.items() if file.cache_control == FOR_EVER}):
        lines += [f"/{folder}/*", f"  Cache-Control: {FOR_EVER}"]
    return "\n".join(lines) + "\n"
