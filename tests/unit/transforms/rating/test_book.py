"""What rating looks up, put together from the tables."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.frames import accounts, book, moment, numbers, price_lists, voice_inbound
from transforms.rating.book import with_price_lists

LISTS = price_lists(default_usd="USD", own="EUR").with_row_index("list_id")


def test_an_account_has_its_own_list_or_the_default_of_its_currency() -> None:
    rows = accounts({}, {"account_id": "B", "price_list": "own"}, {"account_id": "C", "currency": "USD"})
    listed = with_price_lists(rows, LISTS)
    assert listed.select("account_id", "own_list", "default_list").rows() == [
        ("A", 0, 0),
        ("B", 2, 0),
        ("C", 1, 1),
    ]


def test_a_currency_without_a_default_list_has_none() -> None:
    listed = with_price_lists(accounts({"currency": "JPY"}), LISTS)
    assert listed.select("own_list", "default_list").rows() == [(None, None)]


def test_at_one_instant_the_later_assignment_holds() -> None:
    handed_over = moment("2026-10-05 12:00")
    rows = numbers({"released_at": handed_over}, {"account_id": "B", "assigned_at": handed_over})
    held = book(numbers=rows).holdings.select("holder", "held_from", "held_to").rows()
    assert held == [
        ("A", moment("2025-01-01"), handed_over - timedelta(microseconds=1)),
        ("B", handed_over, None),
    ]


def test_a_holding_ends_with_its_release_where_nobody_follows_at_once() -> None:
    rows = numbers({"released_at": moment("2026-10-05")}, {"account_id": "B", "assigned_at": moment("2026-10-07")})
    assert book(numbers=rows).holdings["held_to"].to_list() == [moment("2026-10-05"), None]


def test_a_number_whose_class_has_no_price_is_held_all_the_same() -> None:
    held = book(numbers=numbers({"number_class": "mobile"}), voice_inbound=voice_inbound({"price_per_minute": 1}))
    assert held.holdings.select("number_class", "class_id").rows() == [("mobile", None)]
