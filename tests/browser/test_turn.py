"""STUN and TURN against a real coturn: addresses seen from outside, and everything through a relay."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from pychat.core.codes.invite import decode
from pychat.core.webrtc.ice import IceConfig, parse_servers
from pychat.core.webrtc.sdp import CandidateKind
from pychat.exit_codes import Exit
from tests.browser.conftest import READY, ROOT, OpenContext, in_chromium
from tests.browser.people import CONNECT, Person, connect
from tests.browser.test_settings import open_settings, servers
from tests.browsers import TURN_SERVER
from tests.friend import MakeFriend


def outward_address() -> str:
    """An address of this machine that is not the loopback one, which browsers do not use for TURN."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))  # sends nothing; the system chooses the address it would send from
        return str(probe.getsockname()[0])


@contextmanager
def running_coturn(folder: Path, *access: str) -> Iterator[str]:
    """The host and port of a coturn; `access` are its options for who may use it."""
    host = outward_address()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    command = [
        shutil.which(TURN_SERVER) or pytest.fail("coturn is missing: run `python -m tests.browsers`"),
        *("-n", "--no-cli", "--no-tls", "--no-dtls", "--fingerprint", "--allow-loopback-peers"),
        *("--realm", "pychat.test", *access, "--log-file", "stdout", "--pidfile", f"{folder}/pid"),
        *("--listening-ip", host, "--relay-ip", host, "--listening-port", str(port)),
        *("--userdb", f"{folder}/users"),
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait_until_it_answers(host, port, process)
            yield f"{host}:{port}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that knows the user “name” with the password “secret”."""
    with running_coturn(tmp_path_factory.mktemp("coturn"), "--lt-cred-mech", "--user", "name:secret") as address:
        yield address


SECRET = "shared-by-coturn-and-pychat"


@pytest.fixture(scope="module")
def turn_with_secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that knows nobody, and takes the credentials that are made with SECRET."""
    options = ("--use-auth-secret", "--static-auth-secret", SECRET)
    with running_coturn(tmp_path_factory.mktemp("coturn"), *options) as address:
        yield address


def _wait_until_it_answers(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    request = bytes.fromhex("00010000 2112a442") + b"pychat-tests"  # RFC 8489: a STUN binding request
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        while process.poll() is None:
            probe.sendto(request, (host, port))
            try:
                probe.recv(500)
            except TimeoutError:
                continue
            return
    pytest.fail("coturn has stopped")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, server: str) -> Iterator[str]:
    """The one that all tests have; or, for a test that asks for it, one that makes credentials for coturn.

    Every page starts there, and is told of the TURN server by it.
    """
    if not hasattr(request, "param"):
        yield server
        return
    settings = {
        "PYCHAT_TURN_URLS": f"turn:{request.getfixturevalue('turn_with_secret')}",
        "PYCHAT_TURN_SECRET": SECRET,
        "PYCHAT_TURN_LIFETIME": str(request.param),
    }
    command = [sys.executable, "server.py", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline().strip()
            assert line.startswith(READY), line
            yield line.removeprefix(READY).rstrip("/")
        finally:
            process.terminate()


good_for_an_hour = pytest.mark.parametrize("server", [3600], indirect=True, ids=["good for an hour"])
good_for_a_second = pytest.mark.parametrize("server", [1], indirect=True, ids=["good for a second"])


def minted(server: str) -> dict[str, Any]:
    """The TURN server with a credential, as the page is told of it."""
    with urllib.request.urlopen(f"{server}/config.json") as answer:
        (told,) = json.load(answer)["iceServers"]
    return dict(told)


def line_of(credential: dict[str, Any]) -> str:
    """The TURN server as a person types it."""
    (url,) = credential["urls"]
    return f"{url} {credential['username']} {credential['credential']}"


def wait_until_expired(credential: dict[str, Any]) -> None:
    """Wait until coturn's clock, which is this machine's and counts whole seconds, is past the end."""
    while time.time() < int(credential["username"]) + 1:
        time.sleep(0.05)


SECONDS = 60  # far more than a terminal takes


def terminal(folder: Path, credential: dict[str, Any], *arguments: str) -> subprocess.Popen[str]:
    """`pychat` in a pipe, with an identity of its own in `folder`, and no way but through the TURN server."""
    line = line_of(credential)
    return subprocess.Popen(
        [sys.executable, "-m", "pychat", *arguments, "--no-suggested", "--hide-address", "--server", line],
        cwd=ROOT,
        env={**os.environ, "XDG_DATA_HOME": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def code_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    return next(line.strip() for line in process.stderr if not line.startswith("pychat: "))


def person_with(browser: Browser, open_context: OpenContext, lines: str, *, relay_only: bool) -> Person:
    person = Person.at(open_context(browser))
    set_servers(person, lines, relay_only=relay_only)
    return person


def set_servers(person: Person, lines: str, *, relay_only: bool) -> None:
    dialog = open_settings(person)
    servers(dialog).fill(lines)
    dialog.get_by_role("checkbox", name="Hide my address").set_checked(relay_only)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()


def test_hiding_the_address_takes_a_relay_and_nothing_else(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, turn: str
) -> None:
    server = f"turn:{turn} name secret"
    ann = person_with(browser, open_context, server, relay_only=True)
    bob = friend("Bob", ice=IceConfig(parse_servers(server), relay_only=True))
    invite = ann.make_invite()
    assert {candidate.kind for candidate in decode(invite).description.candidates} == {CandidateKind.RELAYED}
    ann.paste(bob.answer(invite))
    ann.expect_state("open")
    ann.say("through the relay")
    bob.hears("through the relay")
    ann.act("Details").click()
    path = ann.page.get_by_role("dialog", name="Details").locator('[data-part="path"]')
    expect(path).to_contain_text("Through a relay", timeout=CONNECT)


def test_one_side_alone_can_hide(browser: Browser, open_context: OpenContext, friend: MakeFriend, turn: str) -> None:
    ann = friend("Ann", ice=IceConfig(parse_servers(f"turn:{turn} name secret"), relay_only=True))
    bob = person_with(browser, open_context, f"stun:{turn}", relay_only=False)  # a relay knows no .local names
    connect(ann, bob)
    bob.say("you are well hidden")
    ann.hears("you are well hidden")


def test_a_relay_that_refuses_the_password_is_said_in_words(
    browser: Browser, open_context: OpenContext, turn: str
) -> None:
    ann = person_with(browser, open_context, f"turn:{turn} name wrong", relay_only=True)
    ann.invite_button().click()
    ann.expect_state("closed")
    expect(ann.status).to_contain_text("No network")
    expect(ann.status).to_contain_text(f"No help came from turn:{turn}: ")
    expect(ann.button("Invite again")).to_be_visible()


def test_a_stun_server_adds_at_most_one_candidate_of_an_address_to_the_code(
    browser: Browser, open_context: OpenContext, turn: str
) -> None:
    ann = Person.at(open_context(browser))
    plain = ann.make_invite()
    ann.act("Leave").click()
    set_servers(ann, f"stun:{turn}", relay_only=False)
    invite = ann.make_invite()
    assert invite != plain
    kinds = [candidate.kind for candidate in decode(invite).description.candidates]
    assert kinds.count(CandidateKind.SERVER_REFLEXIVE) == 1
    assert len(invite) <= len(plain) + 10  # one byte, an IPv4 address and a port


@in_chromium
@good_for_an_hour
def test_two_who_hide_connect_with_the_credentials_of_the_page(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, server: str
) -> None:
    ann = person_with(browser, open_context, "", relay_only=True)
    bob = friend("Bob", ice=IceConfig(parse_servers(line_of(minted(server))), relay_only=True))
    invite = ann.make_invite()
    assert {candidate.kind for candidate in decode(invite).description.candidates} == {CandidateKind.RELAYED}
    ann.paste(bob.answer(invite))
    ann.expect_state("open")
    ann.say("nobody gave me a password")
    bob.hears("nobody gave me a password")
    bob.say("nor me")
    ann.expect_messages("nobody gave me a password", "nor me")


@good_for_an_hour
def test_two_terminals_connect_with_such_credentials(server: str, tmp_path: Path) -> None:
    credential = minted(server)
    with ExitStack() as stack:
        ann = stack.enter_context(terminal(tmp_path / "ann", credential, "invite"))
        stack.callback(ann.kill)
        invite = code_of(ann)
        assert {candidate.kind for candidate in decode(invite).description.candidates} == {CandidateKind.RELAYED}
        bob = stack.enter_context(terminal(tmp_path / "bob", credential, "join", invite))
        stack.callback(bob.kill)
        out, err = ann.communicate(f"{code_of(bob)}\nhello through the relay\n", timeout=SECONDS)
        assert (ann.returncode, out) == (Exit.DONE, ""), err
        out, err = bob.communicate(timeout=SECONDS)
        assert (bob.returncode, out) == (Exit.DONE, "hello through the relay\n"), err


@in_chromium
@good_for_a_second
def test_credentials_that_have_expired_open_no_relay_and_that_is_said_in_words(
    browser: Browser, open_context: OpenContext, friend: MakeFriend, server: str
) -> None:
    invite = friend("Bob").make_invite()
    ann = person_with(browser, open_context, "", relay_only=True)
    wait_until_expired(minted(server))  # those that the page has are older
    ann.invite_button().click()
    expect_no_way_out(ann)
    ann.paste(invite)
    closed = ann.page.locator('[data-part="people"] [data-state="closed"]')
    expect(closed).to_have_count(2, timeout=CONNECT)
    expect_no_way_out(ann)


def expect_no_way_out(person: Person) -> None:
    person.expect_state("closed")
    expect(person.status).to_contain_text("No network")
    expect(person.status).to_contain_text("a TURN server must be set and reachable")


@good_for_a_second
def test_a_terminal_with_such_credentials_says_so_too(server: str, tmp_path: Path) -> None:
    credential = minted(server)
    wait_until_expired(credential)
    with terminal(tmp_path / "ann", credential, "invite") as ann:
        out, err = ann.communicate(timeout=SECONDS)
    assert (ann.returncode, out) == (Exit.FAILED, ""), err
    assert "No network" in err
