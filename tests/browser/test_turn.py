"""STUN and TURN against a real coturn: addresses seen from outside, and everything through a relay."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pychat.core.invite import decode
from pychat.core.sdp import CandidateKind
from tests.browser.conftest import OpenContext
from tests.browser.people import CONNECT, Person, connect
from tests.browser.test_settings import open_settings, servers
from tests.browsers import TURN_SERVER


def outward_address() -> str:
    """An address of this machine that is not the loopback one, which browsers do not use for TURN."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))  # sends nothing; the system chooses the address it would send from
        return str(probe.getsockname()[0])


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host and port of a running coturn that knows the user “name” with the password “secret”."""
    folder: Path = tmp_path_factory.mktemp("coturn")
    host = outward_address()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    command = [
        shutil.which(TURN_SERVER) or pytest.fail("coturn is missing: run `python -m tests.browsers`"),
        *("-n", "--no-cli", "--no-tls", "--no-dtls", "--lt-cred-mech", "--fingerprint", "--allow-loopback-peers"),
        *("--realm", "pychat.test", "--user", "name:secret", "--log-file", "stdout", "--pidfile", f"{folder}/pid"),
        *("--listening-ip", host, "--relay-ip", host, "--listening-port", str(port)),
        *("--userdb", f"{folder}/users"),
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait_until_it_answers(host, port, process)
            yield f"{host}:{port}"
        finally:
            process.terminate()


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


def person_with(browser: Browser, open_context: OpenContext, lines: str, *, relay_only: bool) -> Person:
    person = Person.at(open_context(browser))
    dialog = open_settings(person)
    servers(dialog).fill(lines)
    dialog.get_by_role("checkbox", name="Hide my address").set_checked(relay_only)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    return person


def test_hiding_the_address_takes_a_relay_and_nothing_else(
    browser: Browser, open_context: OpenContext, turn: str
) -> None:
    ann, bob = (person_with(browser, open_context, f"turn:{turn} name secret", relay_only=True) for _ in range(2))
    invite = ann.make_invite()
    assert {candidate.kind for candidate in decode(invite).description.candidates} == {CandidateKind.RELAYED}
    ann.paste(bob.answer(invite))
    ann.expect_state("open")
    ann.say("through the relay")
    bob.expect_messages("through the relay")
    ann.button("Details").click()
    path = ann.page.get_by_role("dialog", name="Details").locator('[data-part="path"]')
    expect(path).to_contain_text("Through a relay", timeout=CONNECT)


def test_one_side_alone_can_hide(browser: Browser, open_context: OpenContext, turn: str) -> None:
    ann = person_with(browser, open_context, f"turn:{turn} name secret", relay_only=True)
    bob = person_with(browser, open_context, f"stun:{turn}", relay_only=False)  # a relay knows no .local names
    connect(ann, bob)
    bob.say("you are well hidden")
    ann.expect_messages("you are well hidden")


def test_a_relay_that_refuses_the_password_is_said_in_words(
    browser: Browser, open_context: OpenContext, turn: str
) -> None:
    ann = person_with(browser, open_context, f"turn:{turn} name wrong", relay_only=True)
    ann.button("New invite").click()
    ann.expect_state("closed")
    expect(ann.status).to_contain_text("No way out")
    expect(ann.button("Invite again")).to_be_visible()


def test_a_stun_server_adds_at_most_one_candidate_of_an_address_to_the_code(
    browser: Browser, open_context: OpenContext, turn: str
) -> None:
    plain = Person.at(open_context(browser)).make_invite()
    ann = person_with(browser, open_context, f"stun:{turn}", relay_only=False)
    invite = ann.make_invite()
    kinds = [candidate.kind for candidate in decode(invite).description.candidates]
    assert kinds.count(CandidateKind.SERVER_REFLEXIVE) == 1
    assert len(invite) <= len(plain) + 10  # one byte, an IPv4 address and a port
