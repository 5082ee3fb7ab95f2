"""Two terminals behind a NAT each, in network namespaces of their own: they meet with the help of a STUN server.

The NATs are Linux's own: a packet from outside comes in only from where one went out to before, and only for a while.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from pychat.core.codes.invite import decode
from pychat.core.webrtc.sdp import CandidateKind
from pychat.native.ports import peer
from tests.browsers import TURN_SERVER

ROOT = Path(__file__).resolve().parents[2]
FORGETS = 8
"""Seconds after which the NATs forget."""
AIOICE_FALLS_SILENT = 16
"""Seconds after which aioice, left alone, has sent its last check and the NATs have forgotten it. At the pace that is
aioice's own it takes forty; here it repeats what it asks five times as fast.
"""
HASTY = {"aioice.stun.RETRY_RTO": 0.1}

pytestmark = pytest.mark.waits

OUTSIDE = "203.0.113.1"  # RFC 5737: addresses for documentation
SIDES = (("left", "203.0.113.2", "10.0.1"), ("right", "203.0.113.3", "10.0.2"))


def name(place: str) -> str:
    return f"pychat-{os.getpid()}-{place}"


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def within(place: str, *words: str) -> list[str]:
    return ["ip", "netns", "exec", name(place), *words]


def build() -> None:
    """An “internet” in the middle, a NAT to its left and its right, behind each of them one host."""
    for place in ("internet", *(f"{side}{what}" for side, *_ in SIDES for what in ("-nat", "-host"))):
        run("ip", "netns", "add", name(place))
        run("ip", "-n", name(place), "link", "set", "lo", "up")
    internet = ("ip", "-n", name("internet"))
    run(*internet, "link", "add", "bridge", "type", "bridge")
    run(*internet, "addr", "add", f"{OUTSIDE}/24", "dev", "bridge")
    run(*internet, "link", "set", "bridge", "up")
    for side, public, private in SIDES:
        nat = ("ip", "-n", name(f"{side}-nat"))
        run(*internet, "link", "add", side, "type", "veth", "peer", "name", "out", "netns", name(f"{side}-nat"))
        run(*internet, "link", "set", side, "master", "bridge", "up")
        run(*nat, "addr", "add", f"{public}/24", "dev", "out")
        run(*nat, "link", "set", "out", "up")
        connect_host(side, private)
        for path, value in (
            ("ipv4/ip_forward", 1),
            ("netfilter/nf_conntrack_udp_timeout", FORGETS),
            ("netfilter/nf_conntrack_udp_timeout_stream", FORGETS),
        ):
            run(*within(f"{side}-nat", "sh", "-c", f"echo {value} > /proc/sys/net/{path}"))
        run(*within(f"{side}-nat", *["iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "out", "-j", "MASQUERADE"]))
        run(*within(f"{side}-nat", *["iptables", "-A", "INPUT", "-i", "out", "-j", "DROP"]))


def connect_host(side: str, private: str) -> None:
    """Connect a host to its NAT."""
    nat, host = ("ip", "-n", name(f"{side}-nat")), ("ip", "-n", name(f"{side}-host"))
    run(*nat, "link", "add", "in", "type", "veth", "peer", "name", "eth", "netns", name(f"{side}-host"))
    for end, device, last in ((nat, "in", 1), (host, "eth", 2)):
        run(*end, "addr", "add", f"{private}.{last}/24", "dev", device)
        run(*end, "link", "set", device, "up")
    run(*host, "route", "add", "default", "via", f"{private}.1")


def tear_down() -> None:
    for place in ("internet", *(f"{side}{what}" for side, *_ in SIDES for what in ("-nat", "-host"))):
        subprocess.run(["ip", "netns", "del", name(place)], capture_output=True)


@pytest.fixture(scope="module")
def stun() -> Iterator[str]:
    """The world of namespaces; yields the STUN server in its middle."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("iptables"):
        pytest.skip("network namespaces take root, iproute2 and iptables")
    try:
        build()
    except subprocess.CalledProcessError as error:
        tear_down()
        pytest.skip(f"this machine makes no network namespaces with NATs: {error.stderr.decode().strip()}")
    server = shutil.which(TURN_SERVER) or pytest.fail("coturn is missing: run `python -m tests.browsers`")
    options = (
        f"-n --no-cli --no-tls --no-dtls --no-auth --listening-ip {OUTSIDE} --relay-ip {OUTSIDE} --log-file stdout"
    )
    with subprocess.Popen(
        within("internet", server, *options.split(), "--pidfile", "/dev/null", "--userdb", "/dev/null"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield f"stun:{OUTSIDE}:3478"
        finally:
            process.terminate()
    tear_down()


def command(constants: Mapping[str, float], *arguments: str) -> list[str]:
    """`pychat` with other values for some constants."""
    names = {name: name.rpartition(".")[0] for name in constants}
    lines = [f"import {module}; {name}; {name} = {constants[name]}" for name, module in names.items()]
    start = "import runpy; runpy.run_module('pychat', run_name='__main__', alter_sys=True)"
    return [sys.executable, "-c", "; ".join([*lines, start]), *arguments, "--no-suggested"]


def pychat(place: str, stun: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        within(place, *command(HASTY, *arguments, "--server", stun)),
        cwd=ROOT,
        env={**os.environ, "XDG_DATA_HOME": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def code_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return next(line.strip() for line in process.stderr if not line.startswith("pychat: "))


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0, AIOICE_FALLS_SILENT], ids=["at once", "late"])
def test_two_behind_nats_meet_also_when_the_reply_is_pasted_late(stun: str, tmp_path: Path, wait: int) -> None:
    with ExitStack() as stack:
        ann = stack.enter_context(pychat("left-host", stun, tmp_path, "invite"))
        stack.callback(ann.kill)
        invite = code_of(ann)
        assert CandidateKind.SERVER_REFLEXIVE in {c.kind for c in decode(invite).description.candidates}
        bob = stack.enter_context(pychat("right-host", stun, tmp_path, "join", invite))
        stack.callback(bob.kill)
        reply = code_of(bob)
        time.sleep(wait)  # the time itself is what this test is about
        out, err = ann.communicate(f"{reply}\nhello from behind\n", timeout=120)
        assert (ann.returncode, out) == (0, ""), err
        out, err = bob.communicate(timeout=120)
        assert (bob.returncode, out) == (0, "hello from behind\n"), err


@pytest.mark.slow
def test_among_dozens_of_interfaces_the_code_keeps_the_one_that_leads_out(stun: str, tmp_path: Path) -> None:
    host = ("ip", "-n", name("left-host"))
    with ExitStack() as stack:
        for number in range(1, 25):  # as containers and virtual machines make them
            bridge = f"bridge-{number}"
            run(*host, "link", "add", bridge, "type", "bridge")
            stack.callback(run, *host, "link", "del", bridge)
            run(*host, "addr", "add", f"172.16.{number}.1/24", "dev", bridge)
            run(*host, "link", "set", bridge, "up")
        run("ip", "-n", name("left-nat"), "link", "del", "in")
        connect_host("left", "10.0.1")  # anew, so that it is listed last
        listed = subprocess.run(
            within(
                "left-host", sys.executable, "-c", "import aioice.ice as i; print(*i.get_host_addresses(True, False))"
            ),
            check=True,
            capture_output=True,
            text=True,
        )
        assert listed.stdout.split()[-1] == "10.0.1.2"
        ann = stack.enter_context(pychat("left-host", stun, tmp_path, "invite"))
        stack.callback(ann.kill)
        candidates = decode(code_of(ann)).description.candidates
        assert {candidate.kind for candidate in candidates} == {CandidateKind.HOST, CandidateKind.SERVER_REFLEXIVE}
        assert "10.0.1.2" in [candidate.address for candidate in candidates]


@pytest.mark.slow
def test_while_an_invite_waits_the_stun_server_is_asked_again_and_again(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.settimeout(120)
        assert peer._KEEPALIVE < 15  # RFC 8445, section 11
        often = {"pychat.native.ports.peer._KEEPALIVE": 1.0}
        ann = subprocess.Popen(
            command(often, "invite", "--server", f"stun:127.0.0.1:{server.getsockname()[1]}"),
            cwd=ROOT,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.enter_context(ann)
        stack.callback(ann.kill)
        code_of(ann)
        server.setblocking(False)
        while True:  # what was asked while gathering
            try:
                server.recv(1500)
            except BlockingIOError:
                break
        server.settimeout(120)
        assert server.recv(1500)[:2] == b"\x00\x01"  # RFC 8489: a binding request
