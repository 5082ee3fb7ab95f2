"""What aiortc does in its own way, beside what the contracts ask of every WebRTC stack."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest
from aioice import stun

from pychat.core.webrtc.ice import IceConfig, IceServer
from pychat.core.webrtc.sdp import (
    Candidate,
    CandidateKind,
    DescriptionKind,
    candidate_attribute,
    parse_description,
    to_sdp,
)
from pychat.driver import CHANNEL_ID, CHANNEL_LABEL
from pychat.native.ports.peer import NativeConnect, NativePeerConnection
from pychat.ports import PortError


def unknown_name() -> Candidate:
    """An mDNS name that nobody answers to."""
    return Candidate(CandidateKind.HOST, f"{uuid.uuid4()}.local", 50_000)


def test_names_that_nobody_answers_to_hold_up_nothing() -> None:
    connect = NativeConnect()

    def make() -> NativePeerConnection:
        peer = connect(1, IceConfig(), lambda _: None)
        peer.open_channel(CHANNEL_LABEL, CHANNEL_ID)
        return peer

    async def test() -> None:
        ann, bob = make(), make()
        offer = await ann.offer()
        await asyncio.wait(connect._tasks)  # what goes on beside without a STUN server
        description = parse_description(DescriptionKind.OFFER, offer)
        await bob.set_remote_description(
            DescriptionKind.OFFER, to_sdp(replace(description, candidates=(unknown_name(),)))
        )
        await bob.add_candidate(candidate_attribute(unknown_name(), 1))
        assert len(connect._tasks) == 2  # both are still being looked up
        ann.close()
        bob.close()
        await connect.finish()

    asyncio.run(test())


def test_a_server_that_aiortc_does_not_understand_is_said() -> None:
    async def test() -> None:
        peer = NativeConnect()(1, IceConfig((IceServer("nonsense"),)), lambda _: None)
        with pytest.raises(PortError):
            peer.open_channel(CHANNEL_LABEL, CHANNEL_ID)

    asyncio.run(test())


def test_a_connection_that_is_closed_while_it_is_described_says_so_and_closes_once() -> None:
    connect = NativeConnect()

    async def test() -> None:
        peer = connect(1, IceConfig(), lambda _: None)
        peer.open_channel(CHANNEL_LABEL, CHANNEL_ID)
        describing = asyncio.create_task(peer.offer())
        await asyncio.sleep(0)
        peer.close()
        closing = len(connect._tasks)
        peer.close()
        assert len(connect._tasks) == closing
        with pytest.raises(PortError):
            await describing
        await connect.finish()

    asyncio.run(test())


def test_a_connection_closed_in_the_moment_a_path_is_found_leaves_nothing_behind() -> None:
    """aioice began to ask for the peer's consent when all was closed, and never ended."""
    connect = NativeConnect()

    async def test() -> None:
        ann, bob = (connect(number, IceConfig(), lambda _: None) for number in (1, 2))
        for peer in (ann, bob):
            peer.open_channel(CHANNEL_LABEL, CHANNEL_ID)
        await bob.set_remote_description(DescriptionKind.OFFER, await ann.offer())
        answer = await bob.answer()
        agent = ann._inside._sctp.transport.transport._connection
        found = agent._check_list_state.put_nowait
        closed = asyncio.Event()

        def find_and_close(state: int) -> None:
            found(state)
            ann.close()
            closed.set()

        agent._check_list_state.put_nowait = find_and_close  # type: ignore[method-assign,assignment]
        await ann.set_remote_description(DescriptionKind.ANSWER, answer)
        async with asyncio.timeout(60):
            await closed.wait()
            bob.close()
            await connect.finish()
            while asyncio.all_tasks() != {asyncio.current_task()}:
                await asyncio.sleep(0.01)

    asyncio.run(test())


class Falters(asyncio.DatagramProtocol):
    """A TURN server that relays, and then answers no more."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = stun.parse_message(data)
        if request.message_method == stun.Method.ALLOCATE:
            answer = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
            relayed = {"XOR-RELAYED-ADDRESS": ("127.0.0.1", 9), "XOR-MAPPED-ADDRESS": addr, "LIFETIME": 600}
            answer.attributes.update(relayed)
            self._transport.sendto(bytes(answer), addr)


@pytest.mark.slow
def test_a_turn_server_that_answers_no_more_is_not_waited_for() -> None:
    """Whoever quit while the network was gone, or the server, waited for a minute."""
    connect = NativeConnect()

    async def test() -> None:
        server, _ = await asyncio.get_running_loop().create_datagram_endpoint(Falters, local_addr=("127.0.0.1", 0))
        address, port = server.get_extra_info("sockname")
        peer = connect(1, IceConfig((IceServer(f"turn:{address}:{port}", "name", "secret"),)), lambda _: None)
        peer.open_channel(CHANNEL_LABEL, CHANNEL_ID)
        assert " typ relay " in await peer.offer()
        peer.close()
        async with asyncio.timeout(20):
            await connect.finish()
        server.close()

    asyncio.run(test())
