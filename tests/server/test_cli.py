"""The command, run as a person runs it: what it prints, and how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from pychat.server.cli import main
from tests.site.conftest import Checkout

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SERVE = (
    "import sys; from pathlib import Path; from pychat.server.cli import main; sys.exit(main(Path(sys.argv.pop(1))))"
)
SECONDS = 60  # far more than anything here takes; only so that a hung server does not hang the tests

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(checkout: Checkout) -> Iterator[Start]:
    """Starts a server of the pretend site: `start("--port", "0", PYCHAT_HOST="…")`."""
    site = checkout.build().path
    with ExitStack() as stack:

        def start_one(*flags: str, **environment: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(site), *flags],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start_one


def ready_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    match = re.fullmatch(r"pychat is ready: (http://\S+/)\n", line)
    assert match, line
    return match[1]


def test_it_says_its_address_when_it_answers_and_ends_cleanly_on_ctrl_c(start: Start) -> None:
    process = start("--port", "0")
    url = ready_url(process)
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9][0-9]*/", url)
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert (out.strip(), err) == ("", "")


def test_it_logs_nothing_about_requests(start: Start) -> None:
    process = start("--port", "0")
    url = ready_url(process)
    with urllib.request.urlopen(f"{url}?room=kitten", timeout=SECONDS):
        pass
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{url}kitten", timeout=SECONDS)
    caught.value.close()
    for asked in ("%23kitten", "%2523kitten", "?a=%23kitten", "config.json%23kitten"):
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(url + asked, timeout=SECONDS):
            pass
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
        connection.sendall(b"GET /kitten\x00 nonsense\r\n\r\n")
        assert connection.recv(1024).startswith(b"HTTP/1.1 400")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert "kitten" not in out + err
    assert "127.0.0.1" not in out + err


def test_a_taken_port_is_said_in_one_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(PYCHAT_PORT=str(port))
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert out == ""
    assert err.startswith(f"pychat: cannot listen on 127.0.0.1 port {port}: another program is using it;")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "environment", "sentence"),
    [
        (["--port", "lots"], {}, "--port must be a number from 0 to 65535, not 'lots'."),
        ([], {"PYCHAT_PORT": "lots"}, "PYCHAT_PORT must be a number from 0 to 65535, not 'lots'."),
        ([], {"PYCHAT_STUN_URLS": "stun://x"}, "PYCHAT_STUN_URLS holds 'stun://x', which is no STUN address"),
    ],
)
def test_a_setting_that_cannot_be_used_is_said_in_one_sentence(
    start: Start, flags: list[str], environment: dict[str, str], sentence: str
) -> None:
    process = start(*flags, **environment)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert out == ""
    assert err.startswith(f"pychat: {sentence}")
    assert err.count("\n") == 1


def test_a_name_that_does_not_resolve_is_said_in_one_sentence(start: Start) -> None:
    process = start("--host", "no.such.host.invalid", "--port", "0")
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert err.startswith("pychat: cannot listen on no.such.host.invalid port 0: ")
    assert err.count("\n") == 1


def test_flags_override_the_environment(start: Start) -> None:
    process = start("--host", "localhost", "--port", "0", PYCHAT_HOST="192.0.2.1", PYCHAT_PORT="1")
    assert ready_url(process).startswith("http://localhost:")


def test_on_an_open_address_it_says_that_others_need_https(start: Start) -> None:
    process = start("--host", "0.0.0.0", "--port", "0")
    ready_url(process)
    assert process.stdout
    assert process.stdout.readline().startswith("Other machines must come through https")


def test_a_site_that_is_not_built_is_said_in_one_sentence(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
    )
    assert process.returncode == 1
    assert process.stderr == (
        f"pychat: there is no built site in {tmp_path}: run `make build` in a checkout, or install pychat anew.\n"
    )


def test_help_names_the_command_as_it_was_called(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(tmp_path, ["--help"], prog="pychat serve")
    assert capsys.readouterr().out.startswith("usage: pychat serve [")
    checkout = subprocess.run([sys.executable, "server.py", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert checkout.stdout.startswith("usage: python server.py [")
