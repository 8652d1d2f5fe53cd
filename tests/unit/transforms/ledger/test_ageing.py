"""What is owed by the days since it was due."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from tests.unit.frames import bills, moment, notes, payments
from transforms.ledger.ageing import by_age, open_on
from transforms.ledger.receivables import allocated, documents, open_items, receivables

D = Decimal
DUE = date(2026, 12, 2)
OTHER = {"account_id": "B", "bill_number": "2026-000002", "total_owed": D(4), "issued_at": moment("2026-10-02")}


def aged(billed: pl.DataFrame, received: pl.DataFrame, on: date) -> pl.DataFrame:
    owed = documents(billed, notes())
    paid = allocated(received, owed)
    due = open_items(owed, paid, _NONE, payment_days=30, time_zone="UTC")
    return open_on(receivables(owed, paid), due, on=on)


_NONE = pl.DataFrame(schema={"document": pl.String, "due_on": pl.Date})


@pytest.mark.parametrize(
    ("days", "overdue", "age"),
    [
        (-40, 0, "not_due"),
        (0, 0, "not_due"),
        (1, 1, "days_1_30"),
        (30, 30, "days_1_30"),
        (31, 31, "days_31_60"),
        (60, 60, "days_31_60"),
        (61, 61, "days_61_90"),
        (90, 90, "days_61_90"),
        (91, 91, "days_over_90"),
        (4000, 4000, "days_over_90"),
    ],
)
def test_the_age_is_counted_from_the_day_after_it_was_due(days: int, overdue: int, age: str) -> None:
    found = aged(bills({}), payments(), DUE + timedelta(days=days))
    assert found.select("days_overdue", "age", "open_amount").rows() == [(overdue, age, 12)]


def test_what_is_paid_is_not_open() -> None:
    assert aged(bills({}), payments({}), DUE).is_empty()


def test_items_stand_by_account_currency_and_age_whatever_order_the_bills_come_in() -> None:
    dollars = {"bill_number": "2026-000009", "currency": "USD", "total_owed": D(7), "issued_at": moment("2026-09-01")}
    older = {"bill_number": "2026-000008", "total_owed": D(5), "issued_at": moment("2026-10-02")}
    same_day = older | {"bill_number": "2026-000007"}
    given = ({}, dollars, older, same_day, OTHER)
    for rows in (given, given[::-1], given[2:] + given[:2]):
        assert aged(bills(*rows), payments(), DUE).select("account_id", "currency", "document").rows() == [
            ("A", "EUR", "2026-000007"),
            ("A", "EUR", "2026-000008"),
            ("A", "EUR", "2026-000001"),
            ("A", "USD", "2026-000009"),
            ("B", "EUR", "2026-000002"),
        ]


def test_accounts_and_totals_have_a_column_an_age() -> None:
    received = payments({"amount": D(13)}, {"payment_id": "P2", "bill_number": None, "amount": D(1)})
    items = aged(bills({}, OTHER), received, date(2026, 11, 2))
    assert by_age(items, ["account_id"]).rows() == [
        ("A", "EUR", -1, 0, 0, 0, 0, -1),
        ("B", "EUR", 0, 4, 0, 0, 0, 4),
    ]
    assert by_age(items, []).rows() == [("EUR", -1, 4, 0, 0, 0, 3)]
    dollars = by_age(aged(bills({}, OTHER | {"currency": "USD"}), payments(), date(2027, 1, 1)), [])
    assert dollars.rows() == [("EUR", 0, 12, 0, 0, 0, 12), ("USD", 0, 0, 0, 4, 0, 4)]


def test_nothing_open_has_no_totals() -> None:
    assert by_age(aged(bills(), payments(), DUE), ["account_id"]).is_empty()
