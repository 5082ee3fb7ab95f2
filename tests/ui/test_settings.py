import json

import pytest

from pychat.core.events import SetPresenceSharing
from pychat.core.webrtc.ice import IceConfig, IceServer, ServerError
from pychat.ui.settings import PUBLIC_STUN, Notify, Settings, suggested_servers

SUGGESTED = (IceServer("stun:stun.example.org"),)


def test_what_was_kept_is_read_again() -> None:
    settings = Settings(
        suggested=False,
        own="turn:turn.example.org:3478 name pass word",
        relay_only=True,
        name="Ann",
        keep_for=60,
        wait_for="all",
        typing=False,
        away=False,
        read=False,
        notify="text",
        sound=False,
    )
    assert Settings.loads(settings.dumps()) == settings


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", "7", '{"own": "nonsense"}', '{"own": 7}'])
def test_what_cannot_be_read_counts_as_never_written(text: str | None) -> None:
    assert Settings.loads(text) == Settings()


def test_a_choice_for_notifications_that_is_not_known_shows_nothing_of_anybody() -> None:
    assert Settings.loads('{"notify": "everything"}').notify == Notify.NOTHING.value


def test_own_servers_come_before_the_suggested_ones() -> None:
    config = Settings(own="stun:own.example.org").ice(SUGGESTED)
    assert config == IceConfig((IceServer("stun:own.example.org"), *SUGGESTED))


def test_suggested_servers_can_be_switched_off() -> None:
    assert Settings(suggested=False).ice(SUGGESTED) == IceConfig()


def test_a_malformed_server_is_refused() -> None:
    with pytest.raises(ServerError):
        Settings(own="nonsense").ice(())


def test_a_local_page_needs_no_server_and_another_one_gets_a_public_stun_server() -> None:
    configs: tuple[object, ...] = (None, {}, {"iceServers": None}, [])
    for config in configs:
        assert suggested_servers(config, local=True) == ()
        assert suggested_servers(config, local=False) == (PUBLIC_STUN,)


def test_the_server_of_the_page_may_suggest_others_or_none() -> None:
    config = json.loads(
        """{"iceServers": [{"urls": ["stun:a.example", "stun:b.example"]},
                           {"urls": "turn:c.example", "username": "name", "credential": "secret"}, 7]}"""
    )
    assert suggested_servers(config, local=True) == (
        IceServer("stun:a.example"),
        IceServer("stun:b.example"),
        IceServer("turn:c.example", "name", "secret"),
    )
    assert suggested_servers({"iceServers": []}, local=False) == ()


def test_who_wanted_to_be_hidden_stays_hidden_when_the_servers_cannot_be_read() -> None:
    assert Settings.loads('{"own": "nonsense", "relay_only": true}') == Settings(relay_only=True)


@pytest.mark.parametrize("value", ["-1", '"7 days"', "null", "[]", "1e99", "9007199254740992"])
def test_for_how_long_it_is_kept_is_read_as_forever_where_it_cannot_be_read(value: str) -> None:
    assert Settings.loads(f'{{"keep_for": {value}, "name": "Ann"}}') == Settings(name="Ann")


@pytest.mark.parametrize("value", ["7", '"everybody"', "null", "[]"])
def test_nobody_is_waited_for_where_it_cannot_be_read(value: str) -> None:
    assert Settings.loads(f'{{"wait_for": {value}, "name": "Ann"}}') == Settings(name="Ann", wait_for="nobody")


@pytest.mark.parametrize("value", ["false", "0", "1", '"yes"', "null", "[]"])
def test_nothing_is_shared_where_it_cannot_be_read_that_it_may_be(value: str) -> None:
    kept = f'{{"typing": {value}, "away": {value}, "read": {value}}}'
    assert Settings.loads(kept).sharing == SetPresenceSharing(typing=False, away=False, read=False)
    assert Settings.loads("{}").sharing == SetPresenceSharing(typing=True, away=True, read=True)


def test_a_name_that_was_changed_by_other_hands_is_read_as_one_that_can_be_shown() -> None:
    assert Settings.loads('{"name": " An\\u202en\\n"}') == Settings(name="Ann")
    assert Settings.loads('{"relay_only": true}') == Settings(relay_only=True, name="")
