import pytest

from pychat.core.webrtc.stats import Path, Stats


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        (("host", "192.168.1.5"), ("host", "192.168.1.6")),
        (("host", "10.0.0.1"), ("prflx", "10.0.0.2")),
        (("host", "fe80::1%eth0"), ("host", "[fe80::2]")),
        (("host", "127.0.0.1"), ("host", "127.0.0.1")),
        (("host", "94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local"), ("host", "")),
        (("host", "169.254.1.1"), ("host", "laptop")),
    ],
)
def test_two_in_one_network_are_local(local: tuple[str, str], remote: tuple[str, str]) -> None:
    assert Stats(*local, *remote).path is Path.LOCAL


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        (("srflx", ""), ("host", "192.168.1.6")),
        (("host", "192.168.1.5"), ("srflx", "8.8.8.8")),
        (("host", "192.168.1.5"), ("prflx", "8.8.8.8")),
        (("host", "2a00:1450::1"), ("host", "2a00:1450::2")),
    ],
)
def test_a_public_address_means_the_internet(local: tuple[str, str], remote: tuple[str, str]) -> None:
    assert Stats(*local, *remote).path is Path.INTERNET


@pytest.mark.parametrize("kinds", [("relay", "host"), ("host", "relay"), ("srflx", "relay")])
def test_a_relay_on_either_side_is_a_relay(kinds: tuple[str, str]) -> None:
    assert Stats(local_kind=kinds[0], remote_kind=kinds[1]).path is Path.RELAY


def test_nothing_known_is_unknown() -> None:
    assert Stats().path is Path.UNKNOWN


def test_a_hidden_address_that_a_nat_has_made_for_us_means_the_internet() -> None:
    assert Stats("prflx", "", "prflx", "").path is Path.INTERNET


def test_a_hidden_peer_that_we_reach_from_our_own_address_is_local() -> None:
    assert Stats("host", "", "prflx", "").path is Path.LOCAL
    assert Stats("prflx", "192.168.1.2", "host", "").path is Path.LOCAL
