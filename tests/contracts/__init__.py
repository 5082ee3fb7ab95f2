"""The contracts of the ports: what every implementation does, whatever it is made of.

They run in CPython over the fakes and the native parts, and in a page over those of the browser. So they take only what
there is in all these places: the standard library, the core and the ports. A module of contracts is named here; a
contract in it is entered with `@contract`, and from then on every implementation of its port has to keep it.
"""

from tests.contracts import chat, clock, crypto, growth, journal, leases, peers, relay, store, tabs
from tests.contracts.kit import CONTRACTS, Kit, Port, contracts_of, verify

__all__ = [
    "CONTRACTS",
    "Kit",
    "Port",
    "chat",
    "clock",
    "contracts_of",
    "crypto",
    "growth",
    "journal",
    "leases",
    "peers",
    "relay",
    "store",
    "tabs",
    "verify",
]
