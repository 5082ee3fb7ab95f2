"""Whom a limit holds for."""

import pytest

from pychat.server.addresses import AddressCounts, shares


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.1", [("192.0.2.1", 10)]),
        ("::ffff:192.0.2.1", [("192.0.2.1", 10)]),
        ("64:ff9b::c000:201", [("192.0.2.1", 10)]),
        ("2001:db8:1:2345:6:7:8:9", [("2001:db8:1:2300::/56", 10), ("2001:db8:1::/48", 80)]),
        ("fe80::1%eth0", [("fe80::/56", 10), ("fe80::/48", 80)]),
        ("unix", [("unix", 10)]),
        ("", [("", 10)]),
    ],
)
def test_an_address_counts_for_whom_it_was_given_to(host: str, counted: list[tuple[str, int]]) -> None:
    assert shares(host, 10, 1_000) == counted


def test_each_customer_has_a_limit_and_a_site_as_many_as_some_customers() -> None:
    counts = AddressCounts(2, 100)
    customers = [f"2001:db8:0:{number:x}00::" for number in range(9)]
    for customer in customers[:8]:
        assert [counts.add(f"{customer}{number}") for number in (1, 2, 3)] == [True, True, False]
    assert not counts.add(f"{customers[8]}1")
    assert counts.add("2001:db8:1::1")
    counts.remove(f"{customers[0]}1")
    assert counts.add(f"{customers[8]}1")


def test_what_is_refused_is_not_counted_and_what_is_gone_is_forgotten() -> None:
    counts = AddressCounts(1, 100)
    assert counts.add("192.0.2.1")
    assert not counts.add("192.0.2.1")
    counts.remove("192.0.2.1")
    assert counts.add("192.0.2.1")
    counts.remove("192.0.2.1")
    assert not counts._counts


def test_no_site_can_have_more_than_half_of_the_room() -> None:
    counts = AddressCounts(64, 300)
    assert sum(counts.add(f"2001:db8:0:{number:x}00::{number:x}") for number in range(1, 256) for _ in range(2)) == 150
