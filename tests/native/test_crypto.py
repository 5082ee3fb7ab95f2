"""The keys of a person on CPython, beyond what the contract says."""

import pytest

from pychat.native.ports.crypto import KEY, NativeCrypto
from pychat.native.ports.store import MemoryStore
from pychat.ports import PortError


@pytest.mark.parametrize("kept", ["no base64 at all!", "c2hvcnQ=", ""])
def test_an_identity_that_is_damaged_is_said_and_left_as_it_is(kept: str) -> None:
    store = MemoryStore()
    store.save(KEY, kept)
    with pytest.raises(PortError, match="the file with your identity is damaged"):
        NativeCrypto.kept_in(store)

    assert store.load(KEY) == kept
