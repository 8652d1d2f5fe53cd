"""Credits and bills in the order of time, with the balance after each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl

from tests.unit.frames import credits, moment
from transforms.ledger.entries import ledger

D = Decimal
Row = dict[str, Any]
BILL = {
    "account_id": "A",
    "billing_month": "2026-10",
    "bill_number": None,
    "paid_from_balance": D("30"),
    "currency": "EUR",
    "closed_at": moment("2026-10-31 23:59:59.999999"),
}
SCHEMA = {
    "account_id": pl.String,
    "billing_month": pl.String,
    "bill_number": pl.String,
    "paid_from_balance": pl.Decimal(18, 4),
    "currency": pl.String,
    "closed_at": pl.Datetime("us", "UTC"),
}


def entries(all_credits: pl.DataFrame, *bills: Row) -> list[tuple[Any, ...]]:
    """account, number, kind, reference, amount, balance."""
    frame = ledger(all_credits, pl.DataFrame([BILL | row for row in bills], schema=SCHEMA, orient="row"))
    return frame.select("account_id", "entry_number", "kind", "reference", "amount", "balance_after").rows()


def test_a_bill_takes_what_is_paid_from_the_balance() -> None:
    assert entries(credits({}), {}) == [
        ("A", 1, "top_up", "C1", 100, 100),
        ("A", 2, "bill", "2026-10", -30, 70),
    ]


def test_an_issued_bill_is_named_by_its_number() -> None:
    assert entries(credits(), {"bill_number": "F-2026-000001"})[0][3] == "F-2026-000001"


def test_a_bill_of_nothing_moves_nothing() -> None:
    assert entries(credits({}), {"paid_from_balance": D(0)}) == [("A", 1, "top_up", "C1", 100, 100)]


def test_entries_stand_in_the_order_of_time_then_kind_then_reference() -> None:
    at = moment("2026-10-31 23:59:59.999999")
    rows = credits(
        {"credit_id": "late", "credited_at": moment("2026-11-01"), "amount": D(1)},
        {"credit_id": "t2", "credited_at": at, "amount": D(2)},
        {"credit_id": "t1", "credited_at": at, "amount": D(3)},
        {"credit_id": "g", "credited_at": at, "amount": D(4), "kind": "goodwill"},
        {"credit_id": "first", "credited_at": moment("2026-10-01"), "amount": D(5)},
    )
    found = entries(rows, {})
    assert [row[3] for row in found] == ["first", "2026-10", "g", "t1", "t2", "late"]
    assert [row[5] for row in found] == [5, -25, -21, -18, -16, -15]
    assert found == entries(rows.reverse(), {})


def test_a_balance_below_zero_is_neither_hidden_nor_clipped() -> None:
    assert entries(credits({"amount": D("12.34")}), {})[1][5] == D("-17.66")


def test_each_account_has_a_ledger_of_its_own() -> None:
    rows = credits({}, {"credit_id": "C2", "account_id": "B", "amount": D(7), "currency": "USD"})
    assert entries(rows, {}) == [
        ("A", 1, "top_up", "C1", 100, 100),
        ("A", 2, "bill", "2026-10", -30, 70),
        ("B", 1, "top_up", "C2", 7, 7),
    ]


def test_without_movements_the_ledger_is_empty() -> None:
    assert entries(credits()) == []
