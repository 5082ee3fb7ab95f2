"""Rooms when the relay goes, comes back, or was never there; and when a person changes networks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from pychat.site.build import Site
from tests.browser.conftest import MakePerson, in_chromium, serve
from tests.browser.people import CONNECT, Person
from tests.browser.test_room import meet, open_room
from tests.browsers import ON_PATH, launch
from tests.friend import Beside, Friend, MakeFriend


class Server:
    """A server that a test may stop, and start again at the same address."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = str(probe.getsockname()[1])
        self._running = ExitStack()
        self.address = f"http://127.0.0.1:{self._port}"

    def start(self, *flags: str) -> None:
        self._running.enter_context(serve(*flags, port=self._port))

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def own_server(site: Site) -> Iterator[Server]:
    own_server = Server()
    yield own_server
    own_server.stop()


@pytest.fixture
def server(own_server: Server) -> str:
    return own_server.address


@in_chromium
def test_those_who_are_connected_do_not_notice_that_the_relay_goes(
    own_server: Server, person: MakePerson, friend: MakeFriend
) -> None:
    own_server.start()
    ann, bob = person("Ann"), friend("Bob")
    meet(ann, bob)
    own_server.stop()
    ann.say("without it")
    bob.hears("without it")
    for each in (ann, bob):
        each.expect_state("open")
    ann.expect_delivered(1)


@in_chromium
def test_those_who_wait_are_told_and_meet_when_it_returns(
    own_server: Server, person: MakePerson, friend: MakeFriend
) -> None:
    own_server.start()
    ann, bob, cay = person("Ann"), friend("Bob"), friend("Cay")
    own, other = open_room(ann), open_room(bob)
    own_server.stop()
    expect(ann.status).to_contain_text("erver", timeout=CONNECT)
    ann.page.evaluate("link => { location.hash = link; }", other.removeprefix("/"))
    ann.button("Join").click()
    expect(ann.status).to_contain_text("Can’t reach the server", timeout=CONNECT)
    own_server.start()
    for each in (ann, bob):
        each.expect_state("open")
    cay.enter(own)
    cay.expect_state("open")


@in_chromium
def test_all_rooms_of_a_page_have_one_connection_to_the_relay(
    own_server: Server, person: MakePerson, friend: MakeFriend, tmp_path: Path
) -> None:
    own_server.start()
    ann, bob, cay = person("Ann"), friend("Bob", folder=tmp_path / "bob"), friend("Cay")
    connections: list[object] = []
    ann.page.on("websocket", lambda connection: connections.append(connection))
    link = open_room(ann)
    bob.enter(link)
    ann.expect_state("open")
    ann.page.evaluate("link => { location.hash = link; }", cay.open_room().removeprefix("/"))
    ann.button("Join").click()
    cay.expect_state("open")
    assert len(connections) == 1

    own_server.stop()
    own_server.start()
    bob.again().enter(link)
    bob.expect_state("open")
    cay.say("still here")
    ann.expect_messages("still here")


@in_chromium
def test_without_a_relay_there_are_invites_and_the_page_says_why(
    own_server: Server, person: MakePerson, friend: MakeFriend
) -> None:
    own_server.start("--no-relay")
    ann, bob = person("Ann"), friend("Bob")
    expect(ann.button("New chat link")).to_be_hidden()
    expect(ann.page.get_by_text("There are no chat links here")).to_be_visible()
    ann.page.evaluate("location.hash = '#FC8AyuL6aEvDdQMQqD25dAQoTB41BSDx'")
    ann.expect_problem("there is no server for it here")
    ann.paste(bob.answer(ann.make_invite()))
    ann.expect_state("open")


# On the move.

MDNS = "WebRtcHideLocalIpsWithMdns"  # names are told to one network, and these are two
HERE = "198.18.0.1"  # RFC 2544: a network for tests
NETWORKS = (("wifi", "198.18.1"), ("mobile", "198.18.2"))


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


class Moving:
    """A namespace with two networks, both of which lead here; only the first one is up at the beginning."""

    def __init__(self) -> None:
        self.name = f"pychat-{os.getpid()}-moving"
        self._within = ("ip", "-n", self.name)

    def build(self) -> None:
        run("ip", "netns", "add", self.name)
        run(*self._within, "link", "set", "lo", "up")
        run("ip", "addr", "add", f"{HERE}/32", "dev", "lo")
        for network, prefix in NETWORKS:
            outer = f"pc{network}"
            run("ip", "link", "add", outer, "type", "veth", "peer", "name", network, "netns", self.name)
            run("ip", "addr", "add", f"{prefix}.1/24", "dev", outer)
            run("ip", "link", "set", outer, "up")
        self.go_into(0)

    def go_into(self, number: int) -> None:
        network, prefix = NETWORKS[number]
        run(*self._within, "addr", "replace", f"{prefix}.2/24", "dev", network)
        run(*self._within, "link", "set", network, "up")
        run(*self._within, "route", "replace", "default", "via", f"{prefix}.1")

    def leave(self, number: int) -> None:
        run(*self._within, "link", "set", NETWORKS[number][0], "down")

    def close_paths(self) -> None:
        """Let nothing through between the ports that are in use now, as a NAT does that has forgotten them."""
        within = ("ip", "netns", "exec", self.name)
        for port in _udp_ports():
            for chain, side in (("OUTPUT", "--dport"), ("INPUT", "--sport")):
                run(*within, "iptables", "-A", chain, "-p", "udp", side, str(port), "-j", "DROP")

    def tear_down(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
        for network, _ in NETWORKS:
            subprocess.run(["ip", "link", "del", f"pc{network}"], capture_output=True)
        subprocess.run(["ip", "addr", "del", f"{HERE}/32", "dev", "lo"], capture_output=True)

    def put_chromium(self, executable: str, folder: Path) -> None:
        """Make a command of that name which starts it within the namespace."""
        script = folder / "chromium"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {executable} "$@"\n')
        script.chmod(0o755)


def _udp_ports() -> set[int]:
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    return {int(line.split()[1].rpartition(":")[2], 16) for line in lines}


@pytest.fixture
def moving() -> Iterator[Moving]:
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("iptables"):
        pytest.skip("network namespaces take root, iproute2 and iptables")
    moving = Moving()
    try:
        moving.build()
    except subprocess.CalledProcessError as error:
        moving.tear_down()
        pytest.skip(f"this machine makes no network namespaces: {error.stderr.decode().strip()}")
    yield moving
    moving.tear_down()


def test_whoever_changes_networks_stays_connected(
    moving: Moving,
    playwright: Playwright,
    site: Site,
    beside: Beside,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No old path leads to the new network, and the way to the relay is cut off without a word."""
    installed = (path for name in ON_PATH["chromium"] if (path := shutil.which(name)))
    moving.put_chromium(next(installed, playwright.chromium.executable_path), tmp_path)
    with ExitStack() as stack:
        address = stack.enter_context(serve(host=HERE))
        arguments = [f"--unsafely-treat-insecure-origin-as-secure={address}", f"--disable-features={MDNS}"]
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        on_the_move = launch(playwright, "chromium", args=arguments)
        stack.callback(on_the_move.close)
        ann = Person.at(on_the_move.new_context(base_url=address))
        bob = stack.enter_context(Friend(beside, address, "Bob"))
        meet(ann, bob)
        ann.say("from home")
        bob.hears("from home")
        ann.page.evaluate("window.sameVisit = true")
        moving.close_paths()
        moving.leave(0)
        moving.go_into(1)
        ann.expect_state("lost")
        bob.expect_no_longer_open()
        ann.say("from the train")
        ann.expect_state("open")
        bob.hears("from home", "from the train")
        ann.expect_delivered(2)
        assert ann.page.evaluate("window.sameVisit")
