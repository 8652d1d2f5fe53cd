"""Addresses that can be written to, what a header may hold."""

from __future__ import annotations

import pytest

from pipelines.documents.addresses import NO_DOMAIN, domain_of, header_text, plain_address, without_addresses


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jane@example.com", "jane@example.com"),
        (" jane@example.com ", "jane@example.com"),
        ("j.d+tag@mail.Example.COM", "j.d+tag@mail.example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("jane@münchen.example", "jane@xn--mnchen-3ya.example"),
        ("jane@host", "jane@host"),
    ],
)
def test_plain(text: str, found: str) -> None:
    assert plain_address(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jane",
        "@example.com",
        "jane@",
        "jane@@example.com",
        "a@b@example.com",
        "Jane <jane@example.com>",
        "jane@example.com, eve@example.com",
        "jane@example.com;eve@example.com",
        '"jane doe"@example.com',
        "jane(comment)@example.com",
        "jane @example.com",
        "jane@exa mple.com",
        "jane@example..com",
        "jane@.example.com",
        "jane@example.com.",
        "jane@-example.com",
        "jane@[127.0.0.1]",
        ".jane@example.com",
        "jane.@example.com",
        "ja..ne@example.com",
        "jäne@example.com",
        "jane@example.com\r\nRCPT TO:<eve@example.com>",
        "jane@example.com\n",
        "jane\0@example.com",
        "jane@example.com\0",
        "jane@example.com\u2028",
        "<jane@example.com>",
        "jane@example.com> SIZE=1",
        f"{'a' * 65}@example.com",
        f"jane@{'a' * 64}.com",
        f"jane@{'a.' * 127}com",
        "jane@\u202eexample.com",
        "jane@exa_mple.com",
        "jane@\ud800.com",
    ],
)
def test_none(text: str) -> None:
    assert plain_address(text) is None


def test_domain() -> None:
    assert domain_of("", "Seller <x@y>", "billing@Example.com") == "example.com"
    assert domain_of("", "nobody") == NO_DOMAIN


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Téléphonie & Co", "Téléphonie & Co"),
        ("a\r\nBcc: eve@example.com", "a Bcc: eve@example.com"),
        ("a\0b\x1bc\x7f\x85d", "a b c d"),
        ("a\u2028b\u2029c\u202ed\u200be\ufefff", "a b c d e f"),
        ("  a \t b  ", "a b"),
        ("a\ud800b", "a b"),
        ("x" * 500, "x" * 120),
        ("=?utf-8?q?=0D=0ABcc:_x?=", "= ?utf-8?q?=0D=0ABcc:_x?="),
    ],
)
def test_header_text(text: str, found: str) -> None:
    assert header_text(text) == found


def test_what_a_server_says_names_nobody() -> None:
    said = "550 5.1.1 <jane.doe@example.com>: user jane.doe@example.com\r\nunknown (mailto:jane.doe@example.com)"
    assert "jane" not in without_addresses(said)
    assert without_addresses("550 no <jane@example.com>\r\n") == "550 no <j***@example.com>"
    assert len(without_addresses("x" * 1000)) == 300
