"""Addresses in texts: where they begin and end, and what host they really lead to."""

import pytest

from pychat.ui.addresses import MAX_ADDRESS, Address, address, address_at, looks_like_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", "https://a.example"),
        ("https://a.example/b?c=d&e#f", "https://a.example/b?c=d&e#f"),
        ("https://a.example.", "https://a.example"),
        ("https://a.example/b, c", "https://a.example/b"),
        ("https://a.example/b?!", "https://a.example/b"),
        ("https://a.example/b…", "https://a.example/b"),
        ("https://a.example: c", "https://a.example"),
        ("https://a.example/b)", "https://a.example/b"),
        ("https://a.example/b_(c)", "https://a.example/b_(c)"),
        ("https://a.example/b_(c)).", "https://a.example/b_(c)"),
        ("https://a.example)", "https://a.example"),
        ("https://a.example>", "https://a.example"),
        ("https://a.example/b]", "https://a.example/b"),
        ('https://a.example/b"', "https://a.example/b"),
        ("https://a.example/b'", "https://a.example/b"),
        ("https://a.example/b”", "https://a.example/b"),
        ("https://a.example/b。c", "https://a.example/b"),
        ("https://a.example/b）", "https://a.example/b"),
        ("https://a.example/b\u202ec", "https://a.example/b"),
        ("https://a.example/b\u200bc", "https://a.example/b"),
        ("https://a.example/ü/日本", "https://a.example/ü/日本"),
        ("https://a.example:8000/b", "https://a.example:8000/b"),
        ("https://a.example:65535", "https://a.example:65535"),
        ("https://a.example:65536", None),
        ("https://a.example:655360/", "https://a.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/b", "http://[::1]:8000/b"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("https://a.example/" + "b" * 3_000, "https://a.example/" + "b" * MAX_ADDRESS),
        ("https://", None),
        ("https:///a.example", None),
        ("https://.", None),
        ("https://a@b.example", None),
        ("https://a:b@c.example", None),
        ("https://a%2eb.example", None),
    ],
)
def test_an_address_ends_where_one_would_say_that_it_does(text: str, expected: str | None) -> None:
    found = address_at(f"see {text}", 4, len(text) + 4)
    assert (found.written if found else None) == expected


@pytest.mark.parametrize(
    ("written", "whole", "host"),
    [
        ("https://A.Example/B", "https://a.example/B", "a.example"),
        ("https://аррӏе.com/", "https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://faß.example", "https://xn--fa-hia.example", "xn--fa-hia.example"),
        ("https://pаypal.com", "https://xn--pypal-4ve.com", "xn--pypal-4ve.com"),
        ("https://例え.テスト:80/あ", "https://xn--r8jz45g.xn--zckzah:80/あ", "xn--r8jz45g.xn--zckzah:80"),
        ("https://xn--80ak6aa92e.com", "https://xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),
    ],
)
def test_a_host_is_what_it_is_in_ascii(written: str, whole: str, host: str) -> None:
    assert address(written) == Address(whole, host, written)


@pytest.mark.parametrize(
    "written",
    [
        "https://℀.example",
        "https://a.☃.example",
        "https://a..example",
        "https://a☃.example",
        "https://a b.example",
        "javascript://a.example",
        "ftp://a.example",
        "",
    ],
)
def test_what_is_no_host_is_no_address(written: str) -> None:
    assert address(written) is None


@pytest.mark.parametrize("label", ["here", "the docs", "a, b", "Version 2", "see below: it works", "C++", "日本"])
def test_words_do_not_look_like_an_address(label: str) -> None:
    assert not looks_like_address(label)
