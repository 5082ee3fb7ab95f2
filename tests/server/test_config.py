"""What the operator may set."""

import base64
import hashlib
import hmac

import pytest

from pychat.server.config import Config, ConfigError, RelayConfig, ServerLimits

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
    with pytest.raises(
        ConfigError, match=r"needs PYCHAT_TURN_USERNAME and PYCHAT_TURN_CREDENTIAL beside it, or PYCHAT_TURN_SECRET"
    ):
        Config.from_environment(environment)


SECRET = {"PYCHAT_TURN_URLS": "turn:one.example", "PYCHAT_TURN_SECRET": "s3cret"}


def test_a_turn_secret_makes_credentials_that_end() -> None:
    config = Config.from_environment({**SECRET, "PYCHAT_STUN_URLS": "stun:two.example", "PYCHAT_TURN_LIFETIME": "600"})
    digest = hmac.new(b"s3cret", b"1700000600", hashlib.sha1).digest()
    assert config.ice_servers_at(1_700_000_000.9) == [
        {"urls": ["stun:two.example"]},
        {"urls": ["turn:one.example"], "username": "1700000600", "credential": base64.b64encode(digest).decode()},
    ]


def test_credentials_are_good_for_half_a_day_unless_it_is_said_otherwise() -> None:
    (server,) = Config.from_environment(SECRET).ice_servers_at(0) or []
    assert server["username"] == str(12 * 3600)


@pytest.mark.parametrize("other", [{"PYCHAT_TURN_USERNAME": "ann"}, {"PYCHAT_TURN_CREDENTIAL": "x"}, TURN])
def test_a_turn_server_has_a_secret_or_a_user(other: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="set it or PYCHAT_TURN_USERNAME and _CREDENTIAL, not both"):
        Config.from_environment({**SECRET, **other})


def test_secrets_are_not_shown() -> None:
    config = Config.from_environment({**SECRET, "PYCHAT_REDIS_URL": "redis://:s3cret@host"})
    assert "s3cret" not in repr(config)


def test_the_relay_is_there_unless_it_is_turned_off() -> None:
    assert Config.from_environment({}).relay == RelayConfig()
    assert Config.from_environment({"PYCHAT_RELAY": "on"}).relay == RelayConfig()
    assert Config.from_environment({"PYCHAT_RELAY": "off"}).relay is None


def test_the_limits_of_the_relay_come_from_the_environment() -> None:
    names = "MESSAGE_BYTES RATE BURST ROOM_SIZE ROOMS_PER_ADDRESS CONNECTIONS_PER_ADDRESS CONNECTIONS QUEUE_BYTES"
    times = "JOIN_SECONDS IDLE_SECONDS PING_SECONDS RETURN_SECONDS"
    environment = {f"PYCHAT_RELAY_{name}": str(number) for number, name in enumerate(f"{names} {times}".split(), 1)}
    assert Config.from_environment(environment).relay == RelayConfig(*range(1, 13))


def test_the_limits_of_the_server_come_from_the_environment() -> None:
    names = ["CONNECTIONS", "CONNECTIONS_PER_ADDRESS", "REQUEST_SECONDS", "STALL_SECONDS"]
    environment = {f"PYCHAT_{name}": str(number) for number, name in enumerate(names, 1)}
    config = Config.from_environment(environment)
    assert config.limits == ServerLimits(*range(1, 5))
    assert config.relay == RelayConfig()


def test_what_else_the_relay_needs_comes_from_the_environment() -> None:
    relay = Config.from_environment(
        {
            "PYCHAT_RELAY_ORIGINS": "https://one.example, http://localhost:8000 https://[::1]:1",
            "PYCHAT_REDIS_URL": "unix:///run/redis.sock",
            "PYCHAT_RELAY_LOG_ADDRESSES": "1",
        }
    ).relay
    assert relay
    assert relay.origins == frozenset({"https://one.example", "http://localhost:8000", "https://[::1]:1"})
    assert (relay.redis_url, relay.log_addresses) == ("unix:///run/redis.sock", True)


def test_trusted_proxies_are_addresses_and_networks() -> None:
    config = Config.from_environment({"PYCHAT_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8 ::1"})
    assert config.trusted_proxies == ["127.0.0.1", "10.0.0.0/8", "::1"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PYCHAT_RELAY", "maybe", "PYCHAT_RELAY must be on or off, not 'maybe'."),
        ("PYCHAT_RELAY_RATE", "0", "PYCHAT_RELAY_RATE must be a number from 1 to 999999999, not '0'."),
        ("PYCHAT_RELAY_RATE", "-1", "PYCHAT_RELAY_RATE must be a number"),
        ("PYCHAT_RELAY_ROOM_SIZE", "many", "PYCHAT_RELAY_ROOM_SIZE must be a number"),
        ("PYCHAT_CONNECTIONS", "0", "PYCHAT_CONNECTIONS must be a number from 1 to 999999999, not '0'."),
        ("PYCHAT_TURN_LIFETIME", "1h", "PYCHAT_TURN_LIFETIME must be a number"),
        ("PYCHAT_RELAY_ORIGINS", "one.example", "PYCHAT_RELAY_ORIGINS holds 'one.example', which is no origin"),
        ("PYCHAT_RELAY_ORIGINS", "https://one.example/", "PYCHAT_RELAY_ORIGINS holds 'https://one.example/'"),
        ("PYCHAT_RELAY_ORIGINS", "https://One.example", "PYCHAT_RELAY_ORIGINS holds"),
        ("PYCHAT_RELAY_ORIGINS", "*", "PYCHAT_RELAY_ORIGINS holds"),
        ("PYCHAT_TRUSTED_PROXIES", "*", "PYCHAT_TRUSTED_PROXIES holds '*', which is no address"),
        ("PYCHAT_TRUSTED_PROXIES", "10.0.0.1/8", "PYCHAT_TRUSTED_PROXIES holds '10.0.0.1/8'"),
        ("PYCHAT_REDIS_URL", "localhost:6379", "PYCHAT_REDIS_URL is no address of a Redis"),
        ("PYCHAT_REDIS_URL", "redis://", "PYCHAT_REDIS_URL is no address of a Redis"),
        ("PYCHAT_REDIS_URL", "redis://:secret@host:x", "PYCHAT_REDIS_URL is no address of a Redis"),
        ("PYCHAT_REDIS_URL", "unix://", "PYCHAT_REDIS_URL is no address of a Redis"),
    ],
)
def test_a_setting_of_the_relay_that_cannot_be_used_is_refused(name: str, value: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_environment({name: value})
    assert str(caught.value).startswith(sentence)
    assert "secret" not in str(caught.value)
