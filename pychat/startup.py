"""The core of a person as every program begins with it: who they are, and what was kept of them."""

from collections.abc import Iterable
from contextlib import suppress

from pychat.core.chat.records import FOREVER, Head, KeptConversation, join, read_head
from pychat.core.identity import visited as visited_rooms
from pychat.core.identity.contacts import STORE_KEY, Contacts
from pychat.core.identity.lookalike import skeleton
from pychat.core.node import SEED_SIZE, Node
from pychat.core.webrtc.ice import IceConfig
from pychat.ports import Crypto, Journal, PeerConnectionFactory, Store


class ContactsDamaged(Exception):
    """What was kept cannot be read. To go on without would forget who was verified, so the person has to know."""


def load_contacts(store: Store) -> Contacts:
    """The people who are known. Raises ContactsDamaged, and PortError when the store cannot be read."""
    try:
        return Contacts.loads(store.load(STORE_KEY), skeleton=skeleton)
    except ValueError as error:
        raise ContactsDamaged from error


def no_contacts() -> Contacts:
    """Nobody is known yet."""
    return Contacts(skeleton=skeleton)


def load_visited(store: Store) -> list[str]:
    """The marks of the rooms in which this person has been. Raises PortError when the store cannot be read."""
    return visited_rooms.loads(store.load(visited_rooms.STORE_KEY))


async def load_history(journal: Journal) -> list[KeptConversation]:
    """The conversations in the journal. Raises PortError when it cannot be read.

    Heads that cannot be read are left out: they are damaged, or of another version of pychat.
    """
    heads: dict[str, list[Head]] = {}
    found: dict[str, list[tuple[str, int]]] = {}
    for chat, run, version, data in await journal.heads():
        with suppress(ValueError):
            heads.setdefault(chat, []).append(read_head(data))
            found.setdefault(chat, []).append((run, version))
    return [KeptConversation(chat, join(of_runs), tuple(found[chat])) for chat, of_runs in heads.items() if of_runs]


def make_node(
    crypto: Crypto,
    connect: PeerConnectionFactory,
    contacts: Contacts,
    *,
    name: str,
    ice: IceConfig = IceConfig(),
    visited: list[str] | None = None,
    tabs: bool = False,
    keeps: bool = False,
    kept: Iterable[KeptConversation] = (),
    keep_for: int = FOREVER,
) -> Node:
    """The core of the person who has this key, for one run.

    Args:
        crypto: has their key, and the randomness from which this run's logs get their names.
        connect: says what the WebRTC stack can do.
        contacts: the people known already.
        name: how they want to be called.
        ice: the servers to begin with.
        visited: as from `load_visited`; None where nobody is asked before they go into a room.
        tabs: whether they may run pychat in other tabs beside.
        keeps: whether there is a journal.
        kept: as from `load_history`.
        keep_for: for how many seconds it is kept what is said, where nothing else was chosen for a conversation.
    """
    return Node(
        crypto.public_key,
        crypto.random(SEED_SIZE),
        contacts,
        name=name,
        capabilities=connect.capabilities,
        ice=ice,
        visited=visited,
        tabs=tabs,
        keeps=keeps,
        kept=kept,
        keep_for=keep_for,
    )
