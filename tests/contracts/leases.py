"""Names that only one program or tab of a person holds at a time."""

import asyncio

from pychat.ports import Leases
from tests.contracts.kit import Kit, Port, contract

NAMES = ("0" * 32, "f" * 32, "0123456789abcdef" * 2)


@contract(Port.LEASES)
async def only_one_has_a_name_until_it_gives_it_back(kit: Kit) -> None:
    ann, bob = kit.leases(), kit.leases()
    for _ in range(3):
        for name in NAMES:
            assert await ann.take(name)
        for name in NAMES:
            assert not await bob.take(name)
            assert await ann.take(name), "it has it already"
            assert not await bob.take(name)
            ann.release(name)
            assert await _is_given(bob, name)
            assert not await ann.take(name)
        for name in NAMES:
            bob.release(name)
            assert await _is_given(ann, name)
            ann.release(name)


@contract(Port.LEASES)
async def to_give_back_what_one_does_not_have_changes_nothing(kit: Kit) -> None:
    ann, bob = kit.leases(), kit.leases()
    assert await ann.take(NAMES[0])
    bob.release(NAMES[0])
    bob.release(NAMES[1])
    assert not await bob.take(NAMES[0])
    assert await bob.take(NAMES[1])
    ann.release(NAMES[0])
    ann.release(NAMES[0])
    assert await _is_given(bob, NAMES[0])
    for name in NAMES[:2]:
        bob.release(name)


async def _is_given(leases: Leases, name: str) -> bool:
    """Whether it is to be had, now or in a moment."""
    for _ in range(1000):
        if await leases.take(name):
            return True
        await asyncio.sleep(0.01)
    return False
