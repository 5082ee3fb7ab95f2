"""What the operator may set."""

import pytest

from pychat.server.config import Config, ConfigError

TURN = {"PYCHAT_TURN_USERNAME": "ann", "PYCHAT_TURN_CREDENTIAL": "s3cret"}


def test_without_settings_it_listens_on_this_machine_and_leaves_ice_to_the_page() -> None:
    assert Config.from_environment({}) == Config("127.0.0.1", 8000, None)


def test_host_and_port_come_from_the_environment() -> None:
    config = Config.from_environment({"PYCHAT_HOST": "::1", "PYCHAT_PORT": "0"})
    assert (config.host, config.port) == ("::1", 0)


@pytest.mark.parametrize("port", ["-1", "65536", "http", "80 80", "٣"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ConfigError, match="PYCHAT_PORT must be a number from 0 to 65535"):
        Config.from_environment({"PYCHAT_PORT": port})


def test_stun_and_turn_become_ice_servers() -> None:
    config = Config.from_environment(
        {
            "PYCHAT_STUN_URLS": "stun:one.example, stuns:two.example:5349",
            "PYCHAT_TURN_URLS": "turn:three.example?transport=udp turns:[2001:db8::1]:443?transport=tcp",
            **TURN,
        }
    )
    assert config.ice_servers == [
        {"urls": ["stun:one.example", "stuns:two.example:5349"]},
        {
            "urls": ["turn:three.example?transport=udp", "turns:[2001:db8::1]:443?transport=tcp"],
            "username": "ann",
            "credential": "s3cret",
        },
    ]


def test_an_empty_stun_list_means_none() -> None:
    assert Config.from_environment({"PYCHAT_STUN_URLS": ""}).ice_servers == []


def test_an_empty_turn_list_says_nothing() -> None:
    assert Config.from_environment({"PYCHAT_TURN_URLS": "", **TURN}).ice_servers is None


@pytest.mark.parametrize(
    "url",
    [
        "one.example",
        "stun:",
        "stun://one.example",
        "stun:one.example:0",
        "stun:one.example:70000",
        "stun:one.example?transport=udp",
        "stun:[::1",
        "stun:[1.2.3]",
        "stun:user@one.example",
        "turn:one.example",
        "https://one.example",
    ],
)
def test_a_malformed_stun_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="PYCHAT_STUN_URLS holds"):
        Config.from_environment({"PYCHAT_STUN_URLS": url})


@pytest.mark.parametrize("url", ["stun:one.example", "turn:one.example?transport=", "turn:one.example?other=udp"])
def test_a_malformed_turn_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="PYCHAT_TURN_URLS holds"):
        Config.from_environment({"PYCHAT_TURN_URLS": url, **TURN})


@pytest.mark.parametrize("missing", TURN)
def test_turn_without_credentials_is_refused(missing: str) -> None:
    environment = {"PYCHAT_TURN_URLS": "turn:one.example", **TURN}
    del environment[missing]
    with pytest.raises(ConfigError, match="needs PYCHAT_TURN_USERNAME and PYCHAT_TURN_CREDENTIAL"):
        Config.from_environment(environment)
