"""Whom a limit holds for: an IPv4 address, or the networks that an IPv6 address is in."""

from __future__ import annotations

import ipaddress
from collections import Counter

# One customer gets a /56 or less (RIPE-690, section 4.2), and uses any /64 of it; a /48 may be one customer as well,
# or as many as these.
CUSTOMER_PREFIX, SITE_PREFIX, CUSTOMERS_OF_A_SITE = 56, 48, 8

# RFC 6052, section 2.1: an IPv4 address as a network without IPv4 sees it.
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


def shares(host: str, limit: int, room: int) -> list[tuple[str, int]]:
    """What somebody from `host` counts for, with how many each may have, where one customer may have `limit` of `room`.

    The narrowest comes first. What is no address counts for itself. No site may have more than half of the room, unless
    one customer may.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return [(host, limit)]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _TRANSLATED:
            address = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        else:
            networks = [
                ipaddress.ip_network((address, prefix), strict=False) for prefix in (CUSTOMER_PREFIX, SITE_PREFIX)
            ]
            of_site = max(limit, min(limit * CUSTOMERS_OF_A_SITE, room // 2))
            return list(zip(map(str, networks), (limit, of_site), strict=True))
    return [(str(address), limit)]


class AddressCounts:
    """How many of something there are from each address, where there is room for so many."""

    def __init__(self, limit: int, room: int) -> None:
        self._limit = limit
        self._room = room
        self._counts: Counter[str] = Counter()

    def add(self, host: str) -> bool:
        """Count one more; False, and nothing is counted, when there are as many as may be."""
        counted = shares(host, self._limit, self._room)
        if any(self._counts[key] >= limit for key, limit in counted):
            return False
        self._counts.update(key for key, _ in counted)
        return True

    def remove(self, host: str) -> None:
        """Count one less."""
        for key, _ in shares(host, self._limit, self._room):
            decrease(self._counts, key)


def decrease(counts: Counter[str], key: str) -> None:
    """Count one less, and forget what there is none of."""
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
