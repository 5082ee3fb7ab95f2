import pytest

from pychat.core.webrtc.ice import (
    MAX_SERVERS,
    IceConfig,
    IceServer,
    ServerError,
    ServerProblem,
    format_servers,
    parse_servers,
)


@pytest.mark.parametrize(
    "url",
    [
        "stun:stun.example.org",
        "stun:stun.example.org:3478",
        "stuns:stun.example.org:5349",
        "stun:192.0.2.1",
        "stun:[2001:db8::1]:3478",
    ],
)
def test_a_stun_server_is_its_address(url: str) -> None:
    assert parse_servers(url) == (IceServer(url),)


@pytest.mark.parametrize(
    "url",
    [
        "turn:turn.example.org",
        "turns:turn.example.org:443",
        "turn:turn.example.org:3478?transport=udp",
        "turn:turn.example.org:3478?transport=tcp",
    ],
)
def test_a_turn_server_comes_with_a_name_and_a_password(url: str) -> None:
    assert parse_servers(f"{url} ann secret") == (IceServer(url, "ann", "secret"),)


def test_a_password_may_hold_spaces() -> None:
    assert parse_servers("turn:turn.example.org ann my long secret")[0].credential == "my long secret"


def test_each_line_is_a_server_and_empty_lines_are_none() -> None:
    text = "\n  stun:a.example \n\nturn:b.example ann secret\n\n"

    assert parse_servers(text) == (IceServer("stun:a.example"), IceServer("turn:b.example", "ann", "secret"))


def test_no_server_is_fine() -> None:
    assert parse_servers(" \n ") == ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("example.org", ServerProblem.NOT_A_URL),
        ("http://example.org", ServerProblem.NOT_A_URL),
        ("stun://example.org", ServerProblem.NOT_A_URL),
        ("stun:", ServerProblem.NOT_A_URL),
        ("stun:example.org:", ServerProblem.NOT_A_URL),
        ("stun:exam ple.org", ServerProblem.NOT_A_URL),
        ("stun:example.org/path", ServerProblem.NOT_A_URL),
        ("stun:example.org:٣٤٧٨", ServerProblem.NOT_A_URL),
        ("turn:example.org?transport=sctp ann secret", ServerProblem.NOT_A_URL),
        ("stun:example.org?transport=udp", ServerProblem.STUN_TRANSPORT),
        ("stun:example.org:0", ServerProblem.PORT),
        ("stun:example.org:65536", ServerProblem.PORT),
        ("turn:example.org", ServerProblem.CREDENTIALS_MISSING),
        ("turns:example.org ann", ServerProblem.CREDENTIALS_MISSING),
    ],
)
def test_a_line_that_is_no_server_says_why(line: str, problem: ServerProblem) -> None:
    with pytest.raises(ServerError) as caught:
        parse_servers(f"stun:fine.example\n{line}")

    assert (caught.value.problem, caught.value.line) == (problem, line)


def test_the_list_of_servers_has_an_end() -> None:
    lines = [f"stun:{number}.example" for number in range(MAX_SERVERS + 1)]
    assert len(parse_servers("\n".join(lines[:-1]))) == MAX_SERVERS

    with pytest.raises(ServerError) as caught:
        parse_servers("\n".join(lines))
    assert (caught.value.problem, caught.value.line) == (ServerProblem.TOO_MANY, lines[-1])


def test_what_is_written_is_read_again() -> None:
    servers = (IceServer("stun:a.example:3478"), IceServer("turn:b.example", "ann", "my long secret"))

    assert parse_servers(format_servers(servers)) == servers


def test_a_configuration_knows_whether_it_can_relay() -> None:
    assert IceConfig((IceServer("stun:a.example"), IceServer("turns:b.example", "ann", "secret"))).has_turn
    assert not IceConfig((IceServer("stun:a.example"),)).has_turn
