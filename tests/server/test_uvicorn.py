"""The application in a uvicorn that an operator starts, with no more than docs/how-to/deploying.md asks for."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from pychat.site.build import Site
from tests.server.relays import SECONDS, Members, Relay, new_id

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PROTOCOL = ("--ws", "pychat.server.ws_protocol:WebSocketProtocol")
HTTP = ("--http", "pychat.server.http_protocol:HttpProtocol")
READY = r"Uvicorn running on (http://\S+)"

StartUvicorn = Callable[..., Relay]


@pytest.fixture
def start_uvicorn(site: Site, tmp_path: Path) -> Iterator[StartUvicorn]:
    """Starts uvicorn itself: `start_uvicorn(*flags, PYCHAT_RELAY_ROOM_SIZE="2")`."""
    (tmp_path / "app.py").write_text(
        f"from pathlib import Path\nfrom pychat.server.cli import load_app\napp = load_app(Path({str(site.path)!r}))\n"
    )
    with ExitStack() as stack:

        def start(*flags: str, **environment: str) -> Relay:
            command = [sys.executable, "-m", "uvicorn", "--port", "0", "--app-dir", str(tmp_path), *flags, "app:app"]
            relay = Relay.run(command, READY, tmp_path, environment)
            relay.url += "/"
            stack.enter_context(relay.process)
            stack.callback(relay.process.kill)
            return relay

        yield start


async def test_members_are_told_to_come_back_when_it_ends(start_uvicorn: StartUvicorn, members: Members) -> None:
    relay = start_uvicorn(*PROTOCOL, PYCHAT_RELAY_RETURN_SECONDS="7")
    ann, bob = [await members.join(relay, room) for room in (new_id(), new_id())]
    await asyncio.to_thread(relay.stop)
    for member in (ann, bob):
        await member.expect("return", 7)
        await member.expect_close(1012, "server is shutting down")


async def test_the_relays_own_limits_hold(start_uvicorn: StartUvicorn, members: Members) -> None:
    relay = start_uvicorn(*PROTOCOL, PYCHAT_RELAY_MESSAGE_BYTES="1000", PYCHAT_RELAY_PING_SECONDS="1")
    ann = await members.join(relay, new_id(), compression="deflate")
    assert ann.connection.response
    assert "Sec-WebSocket-Extensions" not in ann.connection.response.headers
    await ann.say("to", ann.id, "x" * 1000)
    await ann.expect_close(1009)
    bob = await members.join(relay, new_id())
    bob.connection.transport.pause_reading()  # so no ping is answered
    async with asyncio.timeout(SECONDS):
        while await asyncio.to_thread(relay.metric, "pychat_relay_connections"):
            await asyncio.sleep(0.02)


async def test_a_proxy_is_believed_when_the_settings_say_so(start_uvicorn: StartUvicorn, members: Members) -> None:
    relay = start_uvicorn(
        *PROTOCOL,
        "--no-proxy-headers",
        PYCHAT_TRUSTED_PROXIES="127.0.0.1",
        PYCHAT_RELAY_CONNECTIONS_PER_ADDRESS="1",
    )
    for address in ("192.0.2.1", "192.0.2.2"):
        await members.join(relay, new_id(), additional_headers={"X-Forwarded-For": address})
    again = await members.connect(relay, additional_headers={"X-Forwarded-For": "192.0.2.2"})
    await again.expect_close(4005)


async def test_a_request_that_does_not_come_whole_is_given_up(start_uvicorn: StartUvicorn) -> None:
    relay = start_uvicorn(*PROTOCOL, *HTTP, PYCHAT_REQUEST_SECONDS="1")
    host, _, port = relay.url.removeprefix("http://").rstrip("/").partition(":")
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHo")
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def test_connections_are_not_counted_where_nobody_would_tell_of_their_end(start_uvicorn: StartUvicorn) -> None:
    relay = start_uvicorn(*HTTP, PYCHAT_CONNECTIONS_PER_ADDRESS="2")
    for _ in range(5):
        with pytest.raises(InvalidStatus):
            await Members().connect(relay)
    assert await asyncio.to_thread(relay.get, "healthz")


async def test_who_comes_is_not_logged(start_uvicorn: StartUvicorn, members: Members) -> None:
    relay = start_uvicorn(*PROTOCOL)
    await asyncio.to_thread(relay.get, "?kitten")
    await members.join(relay, new_id())
    await asyncio.to_thread(relay.stop)
    said = re.sub(READY, "", relay.said())
    assert "Uvicorn running" not in said
    assert "Application shutdown complete" in said
    for secret in ("127.0.0.1", "kitten", "/relay"):
        assert secret not in said


async def test_without_pychats_protocol_there_is_a_page_and_no_relay(
    start_uvicorn: StartUvicorn, members: Members
) -> None:
    relay = start_uvicorn()
    assert await asyncio.to_thread(relay.get, "")
    with pytest.raises(InvalidStatus) as refused:
        await members.connect(relay)
    assert refused.value.response.status_code == 501
    assert b"--ws pychat.server.ws_protocol:WebSocketProtocol" in refused.value.response.body
    assert '"event": "refused", "reason": "protocol"' in relay.said()
