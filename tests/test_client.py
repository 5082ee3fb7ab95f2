"""The library, over real connections within one process: what it promises, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import math
import os
import stat
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from OpenSSL import SSL

from pychat.client import (
    Chat,
    ChatEnded,
    CodeRefused,
    MessageGone,
    MessageRefused,
    NotToBeFound,
    Peer,
    Person,
)
from pychat.core import events
from pychat.core.chat import conversation
from pychat.core.content import Relation
from pychat.core.errors import CodeProblem, MessageProblem, PychatError
from pychat.core.identity.contacts import Contacts
from pychat.core.link import CloseReason, LinkPhase
from pychat.core.log import MAX_TEXT, Entry
from pychat.core.relay.client import Trouble
from pychat.core.relay.envelope import Refusal
from pychat.core.webrtc.ice import IceConfig, IceServer
from pychat.native.ports.peer import NativePeerConnection
from pychat.native.ports.store import ERASED, FileStore
from pychat.ports import PortError
from pychat.said import Edited, Message, Reacted, Retracted, Said
from pychat.site.build import Site
from pychat.ui import strings
from pychat.ui.strings import Trust
from tests.server.conftest import StartRelay, site, start_relay  # noqa: F401 (fixtures)
from tests.server.relays import Relay
from tests.terminal.stranger import NEWER_HELLO, stranger
from tests.traces import TO_INVITE_AND_TALK, check_order, check_trace

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 60
"""Far more than anything here takes; only so that a hung test does not hang the rest."""


def run(work: Coroutine[Any, Any, None], *, resolves_names: bool = False) -> None:
    """Run a test. Fails also when it leaves a task or a socket behind, or an error that nobody caught.

    Args:
        resolves_names: which the event loop does in threads.
    """
    errors = []

    async def test() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        sockets, threads = open_sockets(), threading.enumerate()
        async with asyncio.timeout(SECONDS):
            await work
            # aiortc looks every 20 ms whether it is to go on looking for a path.
            await until(lambda: asyncio.all_tasks() == {asyncio.current_task()} and open_sockets() == sockets)

        assert resolves_names or set(threading.enumerate()) <= set(threads)  # nothing else needs one

    asyncio.run(test())
    assert [error for error in errors if not _is_of_aiortc(error)] == []


def _is_of_aiortc(error: dict[str, Any]) -> bool:
    """Of what it was about to send again when the connection was closed it says that it cannot."""
    return isinstance(error.get("exception"), SSL.Error) and "protocol is shutdown" in str(error["exception"])


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def open_sockets() -> int:
    count = 0
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):  # the folder itself was open while it was listed
            count += stat.S_ISSOCK(os.fstat(int(name)).st_mode)
    return count


async def connect(ann: Peer, bob: Peer) -> tuple[Chat, Chat]:
    """Ann invites Bob; the two ends of their chat, open."""
    at_ann = await ann.invite()
    at_bob = await bob.join(at_ann.code)
    await at_ann.accept(at_bob.code)
    await at_ann.opened()
    await at_bob.opened()
    return at_ann, at_bob


async def take(chat: Chat, count: int) -> list[str]:
    """The texts of the next so many messages."""
    texts: list[str] = []
    async for message in chat:
        texts.append(message.text)
        if len(texts) == count:
            break
    return texts


async def all_of(chat: Chat) -> list[str]:
    """The texts of all messages until the chat ends."""
    return [message.text async for message in chat]


# What it promises.


def test_two_peers_meet_by_two_codes_talk_and_part() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.invite()
            at_bob = await bob.join(at_ann.code)
            assert (at_ann.phase, at_bob.phase) == (LinkPhase.SIGNALING, LinkPhase.SIGNALING)
            assert (at_ann.was_open, at_bob.was_open) == (False, False)
            await at_ann.accept(at_bob.code)
            await at_ann.opened()
            await at_bob.opened()
            assert at_ann.was_open
            at_ann.send("Hello Bob, שלום, 你好, 👋🏽")
            at_bob.send("Hello Ann")
            assert await take(at_bob, 1) == ["Hello Bob, שלום, 你好, 👋🏽"]
            assert await take(at_ann, 1) == ["Hello Ann"]
            await at_ann.delivered()
            await at_bob.delivered()
            assert (at_ann.undelivered, at_bob.undelivered) == (0, 0)
            assert (at_ann.close_reason, at_bob.close_reason) == (None, None)
            at_ann.close()
            assert at_ann.close_reason is CloseReason.LEFT
            assert await at_bob.ended() is CloseReason.PEER_LEFT
            assert (at_ann.phase, at_bob.phase) == (LinkPhase.CLOSED, LinkPhase.CLOSED)
            assert await all_of(at_bob) == []

    run(test())


def test_a_code_is_found_in_whatever_surrounds_it() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.invite()
            half = len(at_ann.code) // 2
            at_bob = await bob.join(f"Hi Bob,\r\n\r\n> {at_ann.code[:half]}\r\n> {at_ann.code[half:]}\r\n\r\nAnn\r\n")
            await at_ann.accept(f"Here: “{at_bob.code}”.")
            await at_ann.opened()

    run(test())


def test_a_message_has_its_text_and_its_time() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            before = datetime.now(UTC) - timedelta(milliseconds=1)  # messages carry whole ones
            at_ann.send("what time is it?")
            async for message in at_bob:
                assert message == Message("what time is it?", message.at, message.id)
                assert before <= message.at <= datetime.now(UTC)
                assert message.at.tzinfo is UTC
                break

    run(test())


def test_what_is_written_before_the_two_are_connected_arrives_in_order() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.invite()
            at_bob = await bob.join(at_ann.code)
            texts = [f"number {number}" for number in range(100)]
            for text in texts:
                at_ann.send(text)
                at_bob.send(f"{text} too")
            assert (at_ann.undelivered, at_bob.undelivered) == (100, 100)
            await at_ann.accept(at_bob.code)
            assert await take(at_bob, 100) == texts
            assert await take(at_ann, 100) == [f"{text} too" for text in texts]
            await at_ann.delivered()
            await at_bob.delivered()

    run(test())


@pytest.mark.slow
def test_a_thousand_messages_each_way_at_once() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            texts = [f"{number}: {'text ' * (number % 50)}" for number in range(1000)]

            async def send_all(chat: Chat) -> None:
                for text in texts:
                    chat.send(text)
                    if len(text) % 50 == 0:
                        await asyncio.sleep(0)  # some go out in bursts, some are on their way meanwhile
                await chat.delivered()

            _, _, heard_by_ann, heard_by_bob = await asyncio.gather(
                send_all(at_ann), send_all(at_bob), take(at_ann, 1000), take(at_bob, 1000)
            )
            assert heard_by_ann == heard_by_bob == texts

    run(test())


def test_the_longest_text_of_any_characters_arrives_as_it_is() -> None:
    text = ("\x00\x1b[2J\r\n\u202e\x7f\x9b é👋🏽 שלום 你好 \U0010fffd" * MAX_TEXT)[:MAX_TEXT]

    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            at_ann.send(text)
            assert await take(at_bob, 1) == [text]

    run(test())


def test_one_peer_has_several_chats_apart_from_each_other() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob, Peer() as cleo:
            with_bob, at_bob = await connect(ann, bob)
            invited = await ann.invite()  # stays open beside, while others talk
            with_cleo, at_cleo = await connect(cleo, ann)
            with_bob.send("for Bob")
            at_cleo.send("for Cleo")
            at_bob.send("from Bob")
            with_cleo.send("from Cleo")
            assert await take(at_bob, 1) == ["for Bob"]
            assert await take(with_cleo, 1) == ["for Cleo"]
            assert await take(with_bob, 1) == ["from Bob"]
            assert await take(at_cleo, 1) == ["from Cleo"]
            at_bob.close()
            assert await with_bob.ended() is CloseReason.PEER_LEFT
            at_cleo.send("still there")
            assert await take(with_cleo, 1) == ["still there"]
            assert invited.phase is LinkPhase.SIGNALING

    run(test())


def test_many_peers_talk_at_once_in_one_process() -> None:
    async def talk(number: int) -> list[str]:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            at_ann.send(f"pair {number}")
            await at_ann.delivered()
            at_ann.close()
            return await all_of(at_bob)

    async def test() -> None:
        assert await asyncio.gather(*(talk(number) for number in range(5))) == [[f"pair {n}"] for n in range(5)]

    run(test())


def test_what_is_delivered_is_told_until_the_end() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.invite()
            at_bob = await bob.join(at_ann.code)

            async def follow() -> list[int]:
                return [undelivered async for undelivered in at_ann.deliveries()]

            following = asyncio.create_task(follow())
            await at_ann.accept(at_bob.code)
            for text in ("one", "two"):
                at_ann.send(text)
                assert await take(at_bob, 1) == [text]
                await at_ann.delivered()
            at_bob.close()
            told = await following
            assert told
            assert told[-1] == 0

    run(test())


def test_delivered_waits_for_what_was_sent_in_the_same_breath() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob, Peer() as cleo:
            with_bob, at_bob = await connect(ann, bob)
            with_cleo, at_cleo = await connect(ann, cleo)
            for number in range(10):
                with_bob.send(str(number))
            with_cleo.send("the last")
            assert (with_bob.undelivered, with_cleo.undelivered) == (10, 1)
            await with_cleo.delivered()
            assert with_cleo.undelivered == 0
            with_cleo.close()
            assert await all_of(at_cleo) == ["the last"]
            assert len(await take(at_bob, 10)) == 10

    run(test())


def test_a_message_is_handed_out_once_whoever_asks() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            for number in range(4):
                at_ann.send(str(number))
            assert await take(at_bob, 1) == ["0"]
            async for message in at_bob:
                assert message.text == "1"
                break
            at_bob.send("my own is not handed out")
            assert await take(at_bob, 2) == ["2", "3"]
            at_ann.send("4")
            await at_ann.delivered()
            at_ann.close()
            assert await at_bob.ended() is CloseReason.PEER_LEFT
            assert await all_of(at_bob) == ["4"]  # what has come is there even after the end
            assert await all_of(at_bob) == []

    run(test())


async def next_said(chat: Chat, count: int) -> list[Said]:
    """The next so many things that the other side says."""
    said: list[Said] = []
    async for one in chat.events():
        said.append(one)
        if len(said) == count:
            break
    return said


def test_what_becomes_of_messages_comes_in_its_order() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            first, second = at_bob.send("helo"), at_bob.send("never mind")
            assert [said.id for said in await next_said(at_ann, 2) if isinstance(said, Message)] == [
                first.id,
                second.id,
            ]
            at_bob.edit(first, "hello")
            at_bob.react(first, "👍")
            at_bob.retract(second)
            at_bob.react(first, "")
            answer = at_bob.send("all right?", reply_to=first)
            edited, reacted, retracted, taken_back, answered = await next_said(at_ann, 5)
            assert edited == Edited(first.id, "hello", edited.at)
            assert reacted == Reacted(first.id, "👍", reacted.at)
            assert retracted == Retracted(second.id, retracted.at)
            assert taken_back == Reacted(first.id, "", taken_back.at)
            assert answered == Message("all right?", answered.at, answer.id, answers=first.id)
            now = at_ann.message(first.id)
            assert now is not None
            assert now.text == "hello"
            assert at_ann.message(second.id) is None

    run(test())


def test_a_message_is_answered_reacted_to_and_handed_out_as_it_was_edited() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            at_bob.send("helo")
            async for message in at_ann:
                at_ann.react(message, "👍")
                at_ann.send("what?", reply_to=message)
                break
            async for answer in at_bob:  # a reaction is no message
                assert (answer.text, answer.answers) == ("what?", message.id)
                break
            there = at_bob._conversation
            assert there.relations.reactions(message.id).peer == "👍"
            asked = at_bob.send("how are yu?")
            at_bob.edit(asked, "how are you?")
            at_bob.edit(asked, "how are you?")  # it says so already
            await at_bob.delivered()
            assert await take(at_ann, 1) == ["how are you?"]
            assert [entry.text for _, _, entry in there.timeline if entry.text == "how are you?"] == ["how are you?"]

    run(test())


def test_what_was_written_before_somebody_came_can_be_edited_once_they_are_there() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            for text in ("one", "two"):
                at_ann.send(text)
            await take(at_bob, 2)
            at_ann.close()
            await at_bob.ended()
            at_ann = await ann.invite()  # of whom it is not known that it is Bob's again
            early = at_ann.send("thre")
            with pytest.raises(MessageGone):
                at_ann.edit(early, "three")
            at_bob = await bob.join(at_ann.code)
            await at_ann.accept(at_bob.code)
            await at_ann.opened()
            at_ann.edit(early, "three")
            late = at_ann.send("four")
            assert [said.text for said in await next_said(at_bob, 3) if not isinstance(said, Retracted | Reacted)] == [
                "three",
                "three",
                "four",
            ]
            seen = at_bob.message(late.id)
            assert seen is not None
            assert seen.text == "four"

    run(test())


def test_what_was_sent_in_a_burst_can_be_edited_deleted_for_both_and_answered() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            sent = [at_ann.send(f"{number}") for number in range(300)]
            at_ann.retract(sent[298])
            at_ann.edit(sent[299], "the last one")
            at_ann.send("yes, that one", reply_to=sent[299])
            await at_ann.delivered()
            assert await take(at_bob, 300) == [*(f"{n}" for n in range(298)), "the last one", "yes, that one"]
            assert (at_ann.message(sent[298].id), at_bob.message(sent[298].id)) == (None, None)

    run(test())


def test_only_one_s_own_messages_are_edited_and_deleted_for_both() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            at_bob.send("mine")
            async for message in at_ann:
                with pytest.raises(ValueError, match="own"):
                    at_ann.edit(message, "yours")
                with pytest.raises(ValueError, match="own"):
                    at_ann.retract(message)
                with pytest.raises(ValueError, match="emoji"):
                    at_ann.react(message, "two words")
                # Whoever does it nevertheless is not heeded.
                there = at_ann._conversation
                ann._node.chats.write(there, Entry(1, "yours", relation=Relation("edit", *message.id)))
                at_ann.send("and?")
                break
            assert [type(said) for said in await next_said(at_bob, 1)] == [Message]
            unchanged = at_bob.message(message.id)
            assert unchanged is not None
            assert unchanged.text == "mine"
            at_bob.retract(message)
            with pytest.raises(MessageGone, match="no longer"):
                at_bob.edit(message, "yours")
            await at_bob.delivered()
            at_ann.react(message, "👍")  # whoever deletes a message ends no bot by that
            at_ann.send("what was that?", reply_to=message)
            assert [said.answers for said in await next_said(at_bob, 1) if isinstance(said, Message)] == [message.id]
            at_bob.close()
            await at_ann.ended()
            with pytest.raises(ChatEnded):
                at_ann.retract(message)

    run(test())


def test_a_message_can_be_deleted(tmp_path: Path) -> None:
    async def test() -> None:
        async with Peer(folder=tmp_path) as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            for text in ("one", "two", "three"):
                at_bob.send(text)
            async for message in at_ann:
                assert message.text == "one"
                at_ann.delete(message)
                break
            conversation = at_ann._conversation
            await until(lambda: [entry.text for _, _, entry in conversation.timeline] == ["", "two", "three"])
            author, number, _ = conversation.timeline[1]
            ann._post(events.DeleteMessage(conversation.id, author, number))
            assert await take(at_ann, 1) == ["three"]  # what was deleted is not handed out
            await at_bob.delivered()
        async with Peer(folder=tmp_path) as ann:
            (kept,) = ann._node.chats.conversations()
            assert [len(kept.timeline), kept.deleting] == [3, set()]

    run(test())


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation may hold two megabytes."""
    for name, size in {"CONVERSATION_MOST": 2, "UNACKNOWLEDGED_MOST": 1, "STEP": 0.25, "MARGIN": 1}.items():
        monkeypatch.setattr(conversation, name, int(size * 1024 * 1024))


@pytest.mark.usefixtures("little")
def test_whoever_is_slow_to_take_messages_misses_none_and_slows_the_other_down() -> None:
    texts = [f"{number} {'x' * 1_000}" for number in range(5_000)]

    async def write(chat: Chat) -> None:
        for text in texts:
            try:
                chat.send(text)
            except MessageRefused:  # too much waits
                await chat.delivered()
                chat.send(text)

    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            writing = asyncio.create_task(write(at_ann))
            taken: list[str] = []
            most = 0
            async for message in at_bob:
                taken.append(message.text)
                if len(taken) == 1:
                    await until(lambda: at_bob._conversation.holds_too_much())
                most = max(most, at_bob._conversation.memory.held)
                if len(taken) == len(texts):
                    break
            await writing
            await at_ann.delivered()
            assert taken == texts
            assert most < 3 * 1024 * 1024

    run(test())


@pytest.mark.usefixtures("little")
def test_whoever_takes_no_messages_can_talk_on_and_on() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            for number in range(20):
                for chat in (at_ann, at_bob):
                    for _ in range(100):
                        chat.send(f"{number} {'x' * 1_000}")
                    await chat.delivered()
            at_ann.send("the last")
            await at_ann.delivered()
            for chat in (at_ann, at_bob):
                assert chat._conversation.memory.held < 3 * 1024 * 1024
            assert (await all_that_is_here(at_bob))[-1] == "the last"

    run(test())


async def all_that_is_here(chat: Chat) -> list[str]:
    """The texts of all messages that have come and are still kept."""
    chat.close()
    return await all_of(chat)


def test_a_new_invite_carries_on_the_same_conversation() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            first_at_ann, first_at_bob = await connect(ann, bob)
            first_at_ann.send("heard")
            assert await take(first_at_bob, 1) == ["heard"]
            first_at_bob.close()
            await first_at_ann.ended()
            second_at_ann = await ann.invite()
            second_at_ann.send("written meanwhile")
            second_at_bob = await bob.join(second_at_ann.code)
            await second_at_ann.accept(second_at_bob.code)
            assert await take(second_at_bob, 1) == ["written meanwhile"]
            assert (first_at_ann.close_reason, first_at_bob.close_reason) == (CloseReason.PEER_LEFT, CloseReason.LEFT)
            assert await all_of(first_at_bob) == []

    run(test())


def test_the_phases_come_in_their_order() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.invite()
            at_bob = await bob.join(at_ann.code)

            async def phases_of(chat: Chat) -> list[LinkPhase]:
                return [phase async for phase in chat.phases()]

            async def meet_and_part() -> None:
                await at_ann.accept(at_bob.code)
                at_ann.send("so that both are open for a while")
                await at_ann.delivered()
                at_ann.close()

            ann_saw, bob_saw, _ = await asyncio.gather(phases_of(at_ann), phases_of(at_bob), meet_and_part())
            order = list(LinkPhase)
            for seen in (ann_saw, bob_saw):
                assert sorted(seen, key=order.index) == seen
                assert seen[-2:] == [LinkPhase.OPEN, LinkPhase.CLOSED]
            assert LinkPhase.SIGNALING not in ann_saw
            assert await phases_of(at_ann) == []

    run(test())


# Rooms.


@pytest.fixture(scope="module")
def page(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    """The address of a page with a relay, for all tests: each has rooms of its own."""
    relay = Relay.start(site.path, tmp_path_factory.mktemp("relay"))
    with relay.process:
        yield relay.url
        relay.process.kill()


async def meet(ann: Peer, bob: Peer, page: str) -> tuple[Chat, Chat]:
    """Ann opens a room and Bob joins her; the two ends of their chat, open."""
    at_ann = await ann.room(page)
    at_bob = await bob.join(at_ann.link)
    await at_ann.opened()
    await at_bob.opened()
    return at_ann, at_bob


def test_two_peers_meet_by_a_link_talk_and_part(page: str) -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.room(page)
            assert at_ann.link.startswith(f"{page}#F")
            assert (at_ann.phase, at_ann.code, at_ann.was_open) == (LinkPhase.SIGNALING, "", False)
            at_ann.send("written before")
            at_bob = await bob.join(f"Hi Bob,\r\n\r\ncome here: <{at_ann.link}>.")
            assert at_bob.link == at_ann.link
            at_bob.send("hello Ann")
            await at_ann.opened()
            await at_bob.opened()
            assert at_ann.signs == at_bob.signs is not None
            assert at_bob.person is not None
            assert at_bob.person.trust is Trust.NEW
            assert await take(at_bob, 1) == ["written before"]
            assert await take(at_ann, 1) == ["hello Ann"]
            await at_ann.delivered()
            assert at_ann.undelivered == 0
            at_ann.close()
            assert (at_ann.close_reason, await at_bob.ended()) == (CloseReason.LEFT, CloseReason.PEER_LEFT)
            assert (at_ann.phase, at_bob.phase, at_ann.signs) == (LinkPhase.CLOSED, LinkPhase.CLOSED, None)
            with pytest.raises(ChatEnded):
                at_bob.send("too late")

    run(test())


def test_a_room_is_the_same_for_one_guest_after_the_other(page: str) -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob, Peer() as cleo:
            chat = await ann.room(page)
            link = chat.link
            for guest, name in ((bob, "Bob"), (cleo, "Cleo"), (bob, "Bob again")):
                at_guest = await guest.join(link)
                await chat.opened()
                chat.send(f"welcome {name}")
                at_guest.send(f"I am {name}")
                assert await take(at_guest, 1) == [f"welcome {name}"]
                assert await take(chat, 1) == [f"I am {name}"]
                assert chat.person is not None
                assert chat.person.key == guest._node.key
                await at_guest.delivered()
                at_guest.close()
                assert await all_of(chat) == []
                assert chat.close_reason is CloseReason.PEER_LEFT
                chat = await ann.join(link)
                assert (chat.person, chat.was_open) == (None, False)

    run(test())


def test_somebody_known_carries_on_what_was_said(page: str) -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            first, at_bob = await meet(ann, bob, page)
            at_bob.send("in the first room")
            assert await take(first, 1) == ["in the first room"]
            at_bob.close()
            await first.ended()
            second = await ann.room(page)
            second.send("written before it is known who comes")
            at_bob = await bob.join(second.link)
            assert await take(at_bob, 1) == ["written before it is known who comes"]
            at_bob.send("in the second room")
            assert await take(second, 1) == ["in the second room"]
            await second.delivered()
            assert second.person is not None
            assert second.person.key == bob._node.key
            assert await all_of(first) == []

    run(test())


def test_a_third_one_is_refused_and_gets_the_seat_that_is_free(page: str) -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob, Peer() as cleo:
            at_ann, at_bob = await meet(ann, bob, page)
            at_cleo = await cleo.join(at_ann.link)
            assert (await at_cleo.refused()).startswith("This chat is full: ")
            assert await at_bob.refused() == ""
            assert at_cleo.status == strings.ROOM_REFUSED[Refusal.FULL]
            at_cleo.send("am I in?")
            at_bob.close()
            await at_ann.ended()
            at_ann = await ann.join(at_ann.link)
            assert await take(at_ann, 1) == ["am I in?"]
            assert await at_cleo.refused() == ""

    run(test())


def test_what_was_sent_before_somebody_came_is_not_counted_as_heard_by_somebody_else(page: str) -> None:
    """The room had a guest before: what is sent before the next one is there is for that one."""

    async def test() -> None:
        async with Peer() as ann, Peer() as bob, Peer() as cleo:
            at_ann, at_bob = await meet(ann, bob, page)
            at_bob.close()
            await at_ann.ended()
            at_ann = await ann.join(at_ann.link)
            at_ann.send("for Bob alone")
            at_cleo = await cleo.join(at_ann.link)
            with pytest.raises(ChatEnded) as ended:
                await at_ann.delivered()
            assert ended.value.close_reason is CloseReason.REPLACED
            assert at_ann.undelivered == 1
            assert await all_of(at_cleo) == []

    run(test())


def test_of_three_that_come_at_once_two_get_the_seats(page: str) -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob, Peer() as cleo:
            at_ann = await ann.room(page)
            async for _ in at_ann.changes():
                if at_ann.status == strings.ROOM_WAITING:
                    break
            chats = [at_ann, *[await guest.join(at_ann.link) for guest in (bob, cleo)]]
            refusals = await asyncio.gather(*(chat.refused() for chat in chats))
            (one, other), (third,) = (
                [chat for chat, sentence in zip(chats, refusals, strict=True) if bool(sentence) is refused]
                for refused in (False, True)
            )
            one.send("there are two of us")
            assert await take(other, 1) == ["there are two of us"]
            assert (one.close_reason, other.close_reason, third.phase) == (None, None, LinkPhase.SIGNALING)

    run(test())


def test_a_room_can_be_locked_and_unlocked(page: str) -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.room(page)
            at_ann.lock()
            at_bob = await bob.join(at_ann.link)
            assert (await at_bob.refused()) == strings.NOT_LET_IN[Refusal.LOCKED]
            at_ann.lock(locked=False)
            await at_bob.opened()

    run(test())


def test_a_new_link_takes_whoever_is_connected_along(page: str) -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await meet(ann, bob, page)
            former = at_ann.link
            link = await at_ann.renew()
            assert link == at_ann.link != former
            async for _ in at_bob.changes():
                if at_bob.link == link:
                    break
            at_bob.send("still here")
            assert await take(at_ann, 1) == ["still here"]
            assert await (await ann.invite()).renew() == ""

    run(test())


def test_without_a_way_to_the_relay_it_says_so_and_comes_in_later(start_relay: StartRelay) -> None:  # noqa: F811
    relay = start_relay()
    relay.stop()

    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.room(relay.url)
            async for _ in at_ann.changes():
                assert at_ann.status == strings.ROOM_AWAY[Trouble.UNREACHABLE]
                break
            at_bob = await bob.join(at_ann.link)
            start_relay("--port", str(urlsplit(relay.url).port))
            await at_ann.opened()
            await at_bob.opened()

    run(test())


def test_whoever_waits_in_a_room_can_leave_at_any_time(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with Peer() as ann:
            for waits in (False, True):
                chat = await ann.room(page)
                waiting = asyncio.create_task(chat.opened())
                if waits:
                    async for _ in chat.changes():
                        if chat.status == strings.ROOM_WAITING:
                            break
                chat.close()
                assert (chat.close_reason, chat.phase) == (CloseReason.LEFT, LinkPhase.CLOSED)
                with pytest.raises(ChatEnded):
                    await waiting

            invited = await ann.invite()
            # What follows from an event of a burst waits for the loop at once.
            monkeypatch.setattr("pychat.driver.TURNS_AT_ONCE", 1)
            monkeypatch.setattr("pychat.driver.PAUSE", math.inf)

            async def open_in_a_burst() -> None:
                invited.send("once you are here")
                await ann.room(page)

            cancelled = asyncio.create_task(open_in_a_burst())
            await asyncio.sleep(0)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            last = await ann.room(page)
        assert last.close_reason is CloseReason.LEFT

    run(test())


def test_what_is_no_room_is_refused_in_words() -> None:
    async def test() -> None:
        async with Peer() as ann:
            for address in ("", "nonsense", "ftp://chat.example/", "https://"):
                with pytest.raises(ValueError, match=r"^not the address of a page"):
                    await ann.room(address)
            link = (await ann.room("https://127.0.0.1:9/")).link
            for text, problem in (
                (link.partition("#")[2], CodeProblem.NO_RELAY),
                (mistyped(link), CodeProblem.MISTYPED),
                (link[:-5], CodeProblem.CUT_SHORT),
                (link.partition("#")[0], CodeProblem.NOT_A_CODE),
            ):
                with refused(problem):
                    await ann.join(text)
            chat = await ann.room("https://127.0.0.1:9/")
            with refused(CodeProblem.NOT_A_REPLY):
                await chat.accept((await ann.invite()).code)

    run(test())


# Seeing inside.


def test_a_trace_has_each_step_from_the_invite_to_the_end_and_no_text_name_key_or_code() -> None:
    async def test() -> None:
        traces: list[list[str]] = [[], []]
        one, other = (trace.append for trace in traces)
        async with Peer(name="Annabel", trace=one) as ann, Peer(name="Bobby", trace=other) as bob:
            at_ann, at_bob = await connect(ann, bob)
            codes = at_ann.code, at_bob.code
            at_ann.send("something private")
            assert await take(at_bob, 1) == ["something private"]
            await at_ann.delivered()
            assert at_ann.person is not None
            assert at_bob.person is not None
            keys = at_ann.person.key, at_bob.person.key
            at_ann.close()
            await at_bob.ended()
        check_order(traces[0], *TO_INVITE_AND_TALK)
        check_order(
            traces[1],
            "event  PasteCode text=<",
            "effect OpenConnection link=#",
            "effect AcceptOffer link=# sdp=<",
            "event  LocalDescriptionReady link=# sdp=<",
            "event  ConnectionStateChanged link=# state=connected",
            "event  ChannelOpened link=#",
            "event  FrameReceived link=# data=<hello, ",
            "event  FrameReceived link=# data=<reveal, ",
            "effect SendFrame link=# data=<proof, ",
            "event  FrameReceived link=# data=<introduce, ",
            "event  FrameReceived link=# data=<entries, ",
            "effect SendFrame link=# data=<have, ",
            "event  FrameReceived link=# data=<bye, ",
            "effect CloseConnection link=#",
            "event  Shutdown",
        )
        for trace in traces:
            secrets = [form for key in keys for form in (key.hex(), base64.b64encode(key).decode(), str(key))]
            check_trace(trace, "Annabel", "Bobby", "something", "private", *codes, *secrets)

    run(test())


def test_the_trace_of_a_room_has_what_goes_to_the_relay_and_nothing_of_what_it_is(page: str) -> None:
    async def test() -> None:
        trace: list[str] = []
        async with Peer(trace=trace.append) as ann, Peer() as bob:
            at_ann = await ann.room(page)
            at_bob = await bob.join(at_ann.link)
            await at_ann.opened()
            await at_bob.opened()
        check_order(
            trace,
            "event  CreateRoom relay=<",
            "effect ConnectRelay session=# url=<",
            "event  RelayOpened session=#",
            "effect SendToRelay session=# text=<join, ",
            "event  RelayHeard session=# text=<joined, ",
            "event  RelayHeard session=# text=<arrived, ",
            "effect Seal session=# ticket=",
            "effect SendToRelay session=# text=<to, ",
            "event  ChannelOpened link=#",
            "event  Verified link=# genuine=yes",
        )
        address = urlsplit(page)
        check_trace(trace, at_ann.link, at_ann.link.partition("#")[2], str(address.port), str(address.hostname))

    run(test())


def test_a_trace_that_fails_ends_no_chat() -> None:
    lines: list[str] = []
    errors: list[dict[str, Any]] = []

    def take_ten(line: str) -> None:
        lines.append(line)
        if len(lines) == 10:
            raise RuntimeError("a mistake of the program's own")

    async def test() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        async with Peer(trace=take_ten) as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            at_ann.send("all the same")
            assert await take(at_bob, 1) == ["all the same"]

    run(test())
    assert len(lines) == 10
    assert [str(error["exception"]) for error in errors] == ["a mistake of the program's own"]


# What cannot be.


def refused(problem: CodeProblem) -> Any:
    return pytest.raises(CodeRefused, match=f"^{_escaped(strings.CODE_PROBLEMS[problem])}$")


def _escaped(sentence: str) -> str:
    return "".join(f"\\{char}" if char in ".?()" else char for char in sentence)


def of_version(code: str, version: int) -> str:
    """The code as a later pychat might write it."""
    raw = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
    body = bytes([version << 4 | raw[0] & 0b1111]) + raw[1:-3]
    return base64.urlsafe_b64encode(body + hashlib.sha256(body).digest()[:3]).decode().rstrip("=")


def mistyped(code: str) -> str:
    """The code with one character in its middle changed."""
    half = len(code) // 2
    return code[:half] + ("A" if code[half] != "A" else "B") + code[half + 1 :]


DAMAGE: list[tuple[Callable[[str], str], CodeProblem]] = [
    (lambda code: " \r\n", CodeProblem.EMPTY),
    (lambda code: "hello", CodeProblem.NOT_A_CODE),
    (lambda code: code[:-5], CodeProblem.CUT_SHORT),
    (mistyped, CodeProblem.MISTYPED),
    (lambda code: of_version(code, 2), CodeProblem.NEWER_VERSION),
]


def test_every_code_that_cannot_be_used_is_refused_in_words() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob, Peer() as cleo:
            at_ann = await ann.invite()
            another = await ann.invite()
            at_bob = await bob.join(at_ann.code)
            for damage, problem in DAMAGE:
                with refused(problem) as caught:
                    await cleo.join(damage(at_ann.code))
                assert caught.value.problem is problem
                with refused(problem) as caught:
                    await at_ann.accept(damage(at_bob.code))
                assert caught.value.problem is problem
            with refused(CodeProblem.NOT_AN_INVITE):
                await ann.join(at_bob.code)
            with refused(CodeProblem.NOT_A_REPLY):
                await at_ann.accept(another.code)
            with refused(CodeProblem.NOT_A_REPLY):
                await at_ann.accept(at_ann.code)
            with refused(CodeProblem.OTHER_INVITE):
                await another.accept(at_bob.code)
            with refused(CodeProblem.OWN_INVITE):
                await ann.join(at_ann.code)
            with refused(CodeProblem.INVITE_ALREADY_PASTED):
                await bob.join(at_ann.code)
            with refused(CodeProblem.OWN_REPLY):
                await at_bob.accept(at_bob.code)
            # None of this has harmed the invite.
            await at_ann.accept(at_bob.code)
            await at_ann.opened()
            with refused(CodeProblem.INVITE_USED):
                await at_ann.accept(at_bob.code)
            another.close()
            with refused(CodeProblem.INVITE_USED):
                await another.accept((await cleo.join(another.code)).code)

    run(test())


def test_a_message_that_cannot_be_sent_is_refused_in_words() -> None:
    async def test() -> None:
        async with Peer() as ann:
            chat = await ann.invite()
            with pytest.raises(MessageRefused, match=r"^There is nothing to send\.$") as caught:
                chat.send("")
            assert caught.value.problem is MessageProblem.EMPTY
            sentence = r"^A message has at most 8,000 characters; this one has 8,001\. Send it in parts\.$"
            with pytest.raises(MessageRefused, match=sentence) as caught:
                chat.send("x" * (MAX_TEXT + 1))
            assert caught.value.problem is MessageProblem.TOO_LONG
            assert chat.undelivered == 0
            chat.send("x" * MAX_TEXT)
            assert chat.undelivered == 1

    run(test())


def test_after_the_end_everything_says_so() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            at_ann.send("one")
            await at_ann.delivered()
            at_bob.close()
            await at_ann.ended()
            with pytest.raises(ChatEnded, match=r"^They left: The other side closed pychat or left\.") as caught:
                at_ann.send("two")
            assert caught.value.close_reason is CloseReason.PEER_LEFT
            with pytest.raises(ChatEnded, match=r"^You left: "):
                at_bob.send("two")
            await at_ann.opened()  # they were connected
            await at_ann.delivered()  # nothing was lost
            at_ann.close()
            assert at_ann.close_reason is CloseReason.PEER_LEFT
            assert issubclass(ChatEnded, PychatError)

    run(test())


def test_an_invite_that_is_given_up_is_over_for_whoever_waits() -> None:
    async def test() -> None:
        async with Peer() as ann:
            chat = await ann.invite()
            waiting = [
                asyncio.create_task(chat.opened()),
                asyncio.create_task(all_of(chat)),
                asyncio.create_task(chat.ended()),
            ]
            await asyncio.sleep(0)
            chat.close()
            chat.close()
            opened, messages, ended = await asyncio.gather(*waiting, return_exceptions=True)
            assert isinstance(opened, ChatEnded)
            assert opened.close_reason is ended is CloseReason.LEFT
            assert messages == []
            assert chat.undelivered == 0
            await chat.delivered()
            with pytest.raises(ChatEnded):
                chat.send("too late")

    run(test())


def test_delivered_fails_when_the_chat_ends_before() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann = await ann.invite()
            await bob.join(at_ann.code)
            at_ann.send("one")
            at_ann.send("two")
            waiting = asyncio.create_task(at_ann.delivered())
            await asyncio.sleep(0)
            at_ann.close()
            with pytest.raises(ChatEnded, match=r"^You left: "):
                await waiting
            assert at_ann.undelivered == 2

    run(test())


def test_leaving_the_block_ends_every_chat_for_whoever_waits() -> None:
    async def test() -> None:
        async with Peer() as bob:
            async with Peer() as ann:
                at_ann, at_bob = await connect(ann, bob)
                invited = await ann.invite()
                opening = asyncio.create_task(invited.opened())
                listening = asyncio.create_task(all_of(at_ann))
                await asyncio.sleep(0)
            with pytest.raises(ChatEnded, match=r"^You left: "):
                await opening
            assert await listening == []
            assert at_ann.close_reason is CloseReason.LEFT
            assert await at_bob.ended() is CloseReason.PEER_LEFT  # it has heard the good-bye
            at_ann.close()
            with pytest.raises(ChatEnded):
                at_ann.send("too late")

    run(test())


def test_what_is_cancelled_leaves_nothing_behind() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            sockets = open_sockets()
            for waiting in (ann.invite(), bob.join((await ann.invite()).code)):
                task = asyncio.create_task(waiting)
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            at_ann, at_bob = await connect(ann, bob)
            at_ann.send("x")
            await at_ann.delivered()
            for waits in (at_ann.ended(), take(at_ann, 1), at_ann.phases().__anext__()):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(waits, 0.01)
            at_bob.send("heard all the same")
            assert await take(at_ann, 1) == ["heard all the same"]
            assert ann._waiting == {}
            # One invite of Ann's that nobody answered, and the two ends of the chat.
            await until(lambda: open_sockets() - sockets == 3 * sockets_of_one_connection)

    async def sockets_of_one() -> int:
        async with Peer() as peer:
            before = open_sockets()
            await peer.invite()
            return open_sockets() - before

    sockets_of_one_connection = asyncio.run(sockets_of_one())
    run(test())


def test_a_bot_does_not_keep_all_whom_it_has_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pychat.client.KEPT_ENDED", 3)

    async def visit(bot: Peer, guest: Peer) -> Chat:
        chat, at_guest = await connect(bot, guest)
        at_guest.send("hello")
        assert await take(chat, 1) == ["hello"]
        chat.send("hello you")
        await chat.delivered()
        at_guest.close()
        await chat.ended()
        return chat

    async def test() -> None:
        async with Peer() as bot, Peer(name="Ann") as ann:
            kept = await visit(bot, ann)
            for _ in range(8):
                async with Peer() as guest:
                    await visit(bot, guest)
            gc.collect()
            (await bot.invite()).close()
            assert len(bot._node.chats.listed()) <= 1 + 3
            assert len(bot._read) <= 1 + 3
            assert kept.person is not None  # the program still has this one
            assert kept.person.name == "Ann"
            again, _ = await connect(bot, ann)
            assert again.person is not None
            assert again.person.key == kept.person.key

    run(test())


class Silent(asyncio.DatagramProtocol):
    """A STUN or TURN server that never answers; `asked` is done once it was asked."""

    def __init__(self) -> None:
        self.asked = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.asked.done():
            self.asked.set_result(None)


def test_whoever_leaves_while_a_server_is_asked_leaves_no_error_behind() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(Silent, local_addr=("127.0.0.1", 0))
        ice = IceConfig((IceServer(f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}"),))
        async with Peer(ice=ice) as ann:
            inviting = asyncio.create_task(ann.invite())
            await server.asked
        with pytest.raises(ChatEnded):
            await inviting
        transport.close()

    run(test(), resolves_names=True)


def test_what_is_to_be_sent_again_when_the_encryption_has_ended_leaves_no_error_behind() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, _ = await connect(ann, bob)
            (connection,) = ann._driver._connections.values()
            assert isinstance(connection.peer, NativePeerConnection)
            sctp = connection.peer._pc.sctp
            assert sctp is not None
            for _ in range(1000):
                at_ann.send("x" * 1000)
            await sctp.transport.stop()
            sctp._t3_expired()  # the time is over in which what was sent should have arrived
            await asyncio.sleep(0)
        gc.collect()  # an error that nobody has asked for is told when its task goes

    run(test())


async def acquainted(ann: Peer, bob: Peer) -> tuple[Chat, Chat]:
    """The same as `connect`, once each also knows how the other one calls itself."""
    at_ann, at_bob = await connect(ann, bob)
    for sender, receiver in ((at_ann, at_bob), (at_bob, at_ann)):
        sender.send("hello")
        assert await take(receiver, 1) == ["hello"]
    return at_ann, at_bob


def test_a_peer_with_a_folder_is_recognised_and_recognises_others(tmp_path: Path) -> None:
    async def meet(compares: bool) -> tuple[Person, Person]:
        async with Peer(folder=tmp_path / "ann", name="Ann") as ann, Peer(folder=tmp_path / "bob", name="Bob") as bob:
            at_ann, at_bob = await acquainted(ann, bob)
            assert at_ann.signs == at_bob.signs
            assert at_ann.signs is not None
            if compares:
                at_ann.compare(match=True)
            assert at_ann.person is not None
            assert at_bob.person is not None
            return at_ann.person, at_bob.person

    async def test() -> None:
        bob_at_first, ann_at_first = await meet(compares=False)
        assert (bob_at_first.name, bob_at_first.trust, bob_at_first.warning) == ("Bob", Trust.NEW, "")
        assert (ann_at_first.name, ann_at_first.trust) == ("Ann", Trust.NEW)
        assert (await meet(compares=True))[0] == replace(bob_at_first, trust=Trust.VERIFIED)
        bob, ann = await meet(compares=False)
        assert (bob.key, bob.trust) == (bob_at_first.key, Trust.VERIFIED)
        assert (ann.key, ann.trust) == (ann_at_first.key, Trust.KNOWN)

    run(test())


def test_a_peer_without_a_folder_is_somebody_new_each_time() -> None:
    async def test() -> None:
        keys = set()
        for _ in range(2):
            async with Peer() as ann, Peer() as bob:
                at_ann, at_bob = await connect(ann, bob)
                for chat in (at_ann, at_bob):
                    assert chat.person is not None
                    keys.add(chat.person.key)
        assert len(keys) == 4

    run(test())


def test_signs_that_differ_end_the_chat() -> None:
    async def test() -> None:
        async with Peer() as ann, Peer() as bob:
            at_ann, at_bob = await connect(ann, bob)
            at_ann.compare(match=False)
            assert await at_ann.ended() is CloseReason.NO_MATCH
            assert await at_bob.ended() is CloseReason.PEER_NO_MATCH
            assert at_ann.signs is None

    run(test())


def test_signs_that_differ_in_one_program_of_a_person_differ_in_all(tmp_path: Path) -> None:
    async def test() -> None:
        async with Peer(folder=tmp_path) as ann, Peer(folder=tmp_path) as also_ann, Peer(name="Bob") as bob:
            first, _ = await connect(ann, bob)
            first.compare(match=True)
            second, _ = await connect(also_ann, bob)
            await until(lambda: second.person is not None and second.person.trust is Trust.VERIFIED)
            first.compare(match=False)
            assert await second.ended() is CloseReason.NO_MATCH
            third, _ = await connect(also_ann, bob)
            assert third.person is not None
            assert third.person.trust is not Trust.VERIFIED
        kept = Contacts.loads((tmp_path / "contacts").read_text(), skeleton=str)
        assert [(contact.verified, contact.differs) for contact in kept] == [(False, True)]

    run(test())


def test_a_chat_that_goes_on_after_a_reset_writes_nothing_back(tmp_path: Path) -> None:
    async def test() -> None:
        async with Peer(folder=tmp_path, name="Ann") as ann, Peer(name="Bob") as bob:
            with_bob, at_bob = await connect(ann, bob)
            FileStore(tmp_path).erase()
            with_bob.compare(match=True)
            at_bob.send("still there")
            assert await take(with_bob, 1) == ["still there"]
            await until(lambda: ann._node.people.not_kept == ERASED)
        assert list(tmp_path.iterdir()) == []

    run(test())


def test_whoever_goes_by_the_name_of_another_gets_nothing_until_that_is_heeded(tmp_path: Path) -> None:
    async def test() -> None:
        async with Peer(folder=tmp_path, name="Ann") as ann, Peer(name="Bob") as bob, Peer(name="B0b") as eve:
            with_bob, _ = await acquainted(ann, bob)
            with_eve, at_eve = await connect(ann, eve)
            with_eve.send("for Bob alone")
            warning = await with_eve.warned()
            assert warning.startswith("This isn’t the Bob you know")
            assert with_eve.person is not None
            assert with_eve.person.warning == warning
            at_eve.send("it is me")
            await at_eve.delivered()
            assert with_eve.undelivered == 1
            with_eve.heed()
            assert await take(at_eve, 1) == ["for Bob alone"]
            assert with_bob.person is not None
            assert with_bob.person.warning == ""

    run(test())


@pytest.mark.parametrize(("name", "kept"), [("identity", "nonsense"), ("contacts", "nonsense"), ("contacts", "{}")])
def test_what_is_kept_and_cannot_be_read_is_said_and_not_replaced(name: str, kept: str, tmp_path: Path) -> None:
    async def begin() -> None:
        async with Peer(folder=tmp_path):
            pass

    asyncio.run(begin())
    (tmp_path / name).write_text(kept)
    with pytest.raises(PortError, match=f"the file with your {name} is damaged"):
        asyncio.run(begin())
    assert (tmp_path / name).read_text() == kept


@pytest.mark.parametrize(
    ("frames", "ending", "sentence"),
    [
        ([NEWER_HELLO], CloseReason.OTHER_VERSION, "Versions differ: The other side speaks another version of pychat."),
        (
            ["no JSON"],
            CloseReason.BROKE_PROTOCOL,
            "Connection ended: The other side sent something that is not allowed.",
        ),
    ],
)
def test_a_peer_that_does_not_speak_our_protocol_ends_the_chat(
    frames: list[str], ending: CloseReason, sentence: str
) -> None:
    async def test() -> None:
        async with Peer() as ann:
            chat = await ann.invite()
            async with stranger(chat.code, *frames, greets=False) as reply:
                await chat.accept(reply)
                with pytest.raises(ChatEnded, match=f"^{_escaped(sentence)}") as caught:
                    await chat.opened()
                assert caught.value.close_reason is ending
                assert not chat.was_open

    run(test())


def test_a_peer_that_claims_what_it_cannot_have_ends_the_chat() -> None:
    async def test() -> None:
        async with Peer() as ann:
            chat = await ann.invite()
            me = chat._conversation.own_log
            async with stranger(chat.code, '["have",{}]', f'["have",{{"{me}":7}}]') as reply:
                await chat.accept(reply)
                await chat.opened()
                assert await chat.ended() is CloseReason.BROKE_PROTOCOL

    run(test())


# What lasts.


def test_a_conversation_goes_on_in_another_run(tmp_path: Path) -> None:
    async def test() -> None:
        async with Peer(folder=tmp_path / "bob", name="Bob") as bob:
            async with Peer(folder=tmp_path / "ann", name="Ann") as ann:
                at_ann, at_bob = await connect(ann, bob)
                at_ann.send("one")
                at_bob.send("two")
                await at_ann.delivered()
                await at_bob.delivered()
                assert await take(at_bob, 1) == ["one"]
            async with Peer(folder=tmp_path / "ann", name="Ann") as ann:
                at_ann, at_bob = await connect(ann, bob)
                at_bob.send("three")
                at_ann.send("four")
                # What came in a former run, and was not handed out there, comes first.
                assert await take(at_ann, 2) == ["two", "three"]
                assert await take(at_bob, 1) == ["four"]

    run(test())


def test_two_who_have_met_find_each_other_again_without_a_link(tmp_path: Path, page: str) -> None:
    folders = tmp_path / "ann", tmp_path / "bob"

    async def test() -> None:
        async with Peer(folder=folders[0], name="Ann") as ann, Peer(folder=folders[1], name="Bob") as bob:
            at_ann = await ann.room(page)
            at_bob = await bob.join(at_ann.link)
            await asyncio.gather(at_ann.opened(), at_bob.opened())
            at_ann.send("first")
            await at_ann.delivered()
            assert at_ann.person is not None
            assert at_bob.person is not None
            keys = at_bob.person.key, at_ann.person.key  # Ann's, Bob's
            with pytest.raises(NotToBeFound):
                await ann.again(bytes(32))
        async with Peer(folder=folders[0], name="Ann") as ann:
            at_ann = await ann.again(keys[1])
            assert at_ann.link == ""
            at_ann.send("while you were away")
            async with Peer(folder=folders[1], name="Bob") as bob:
                at_bob = await bob.again(keys[0])
                await asyncio.gather(at_ann.opened(), at_bob.opened())
                assert await take(at_bob, 2) == ["first", "while you were away"]
                assert (await bob.again(keys[0])).phase is LinkPhase.OPEN
            assert await at_ann.ended() is CloseReason.PEER_LEFT
            at_ann = await ann.again(keys[1])
            at_ann.send("and once more")
            async with Peer(folder=folders[1], name="Bob") as bob:
                at_bob = await bob.again(keys[0])
                assert await take(at_bob, 1) == ["and once more"]

    run(test())


def test_what_did_not_arrive_is_sent_in_another_run(tmp_path: Path) -> None:
    async def test() -> None:
        async with Peer(folder=tmp_path / "bob") as bob:
            async with Peer(folder=tmp_path / "ann") as ann:
                at_ann, at_bob = await connect(ann, bob)
                at_ann.send("one")
                await at_ann.delivered()
                at_bob.close()
                await at_ann.ended()
                # As if it were written in the moment in which the other side goes.
                ann._post(events.WriteMessage(at_ann._conversation.id, "two"))
                ann._post(events.WriteMessage(at_ann._conversation.id, "three"))
            for last in ("four", "five"):
                async with Peer(folder=tmp_path / "ann") as ann:
                    at_ann, at_bob = await connect(ann, bob)
                    at_ann.send(last)
                    await at_ann.delivered()
        async with Peer(folder=tmp_path / "bob") as bob, Peer(folder=tmp_path / "ann") as ann:
            at_ann, at_bob = await connect(ann, bob)
            assert await take(at_bob, 5) == ["one", "two", "three", "four", "five"]

    run(test())


BURST = """
import asyncio, sys
from pathlib import Path
from pychat import Peer

async def main():
    async with Peer(folder=Path(sys.argv[1])) as peer:
        chat = await peer.join(sys.argv[2])
        print(chat.code, flush=True)
        await chat.opened()
        number = int(sys.argv[3])
        while True:
            number += 1
            chat.send(str(number))
            if number % 50 == 0:
                await chat.delivered()
                print(number, flush=True)

asyncio.run(main())
"""


def test_killed_in_mid_burst_and_back_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    async def test() -> None:
        heard: list[int] = []
        delivered: list[int] = []
        async with Peer(folder=tmp_path / "bob") as bob:
            for life in range(3):
                chat = await bob.invite()
                command = (sys.executable, "-c", BURST, str(tmp_path / "ann"), chat.code, str(life * 1_000_000))
                program = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
                assert program.stdout is not None
                await chat.accept((await program.stdout.readline()).decode())
                for _ in range(4):
                    delivered.append(int(await program.stdout.readline()))
                program.kill()
                await program.wait()
                chat.close()  # it would take half a minute to notice
                heard += map(int, await all_of(chat))
            async with Peer(folder=tmp_path / "ann") as ann:
                chat, at_bob = await connect(bob, ann)
                await at_bob.delivered()
                at_bob.close()
                heard += map(int, await all_of(chat))
        assert heard == sorted(set(heard))
        for life in range(3):
            numbers = [number - life * 1_000_000 for number in heard if number // 1_000_000 == life]
            assert numbers == list(range(1, len(numbers) + 1))
        assert set(delivered) <= set(heard)

    run(test(), resolves_names=True)  # a program is waited for in a thread, too
