"""Lines become bills: one for every account, with its VAT and what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pandera.errors
import polars as pl
import pytest

from tests.unit.frames import accounts, vat_rates
from transforms.billing.bills import bills, missing_vat_rates

D = Decimal
Row = dict[str, Any]
UNITS = {"EUR": 2, "JPY": 0, "TND": 3}
RATES = vat_rates({"country": "FR", "rate": D("0.25"), "valid_from": date(2026, 10, 31)})


def bill_all(*rows: Row, amounts: Sequence[tuple[str, str]] = ()) -> list[Row]:
    """The bills of October 2026 of accounts, with lines of (account, amount)."""
    schema = {"account_id": pl.String, "amount": pl.Decimal(18, 4)}
    lines = pl.DataFrame([(account, D(amount)) for account, amount in amounts], schema=schema, orient="row")
    valid = pl.Series([row.get("has_vat_number", False) for row in rows], dtype=pl.Boolean)
    frame = accounts(*({name: value for name, value in row.items() if name != "has_vat_number"} for row in rows))
    found = bills(
        lines,
        frame.with_columns(valid.alias("has_vat_number")),
        RATES,
        month="2026-10",
        first=date(2026, 10, 1),
        last=date(2026, 10, 31),
        seller_country="FR",
        minor_units=UNITS,
    )
    return found.to_dicts()


def bill(row: Row, *amounts: str) -> Row:
    (found,) = bill_all(row, amounts=[("A", amount) for amount in amounts])
    return found


def test_a_postpaid_bill_is_owed_with_its_vat() -> None:
    assert bill({}, "10.01", "0.32") == {
        "billing_month": "2026-10",
        "account_id": "A",
        "bill_number": None,
        "status": "draft",
        "billing_mode": "postpaid",
        "payment_method": "direct_debit",
        "currency": "EUR",
        "net_amount": D("10.3300"),
        "vat_rate": D("0.2500"),
        "vat_rule": "domestic",
        "vat_amount": D("2.5800"),
        "gross_amount": D("12.9100"),
        "paid_from_balance": D("0.0000"),
        "total_owed": D("12.9100"),
        "issued_at": None,
    }


def test_a_prepaid_bill_is_paid_from_the_balance_and_carries_no_vat() -> None:
    found = bill({"billing_mode": "prepaid", "payment_method": "balance"}, "10.33")
    assert (found["vat_rule"], found["vat_rate"], found["vat_amount"]) == ("charged_at_top_up", 0, 0)
    assert (found["net_amount"], found["gross_amount"]) == (D("10.33"), D("10.33"))
    assert (found["paid_from_balance"], found["total_owed"]) == (D("10.33"), 0)


@pytest.mark.parametrize(
    ("row", "rule", "rate", "vat"),
    [
        ({}, "domestic", "0.25", "2.50"),
        ({"country": "DE", "has_vat_number": True}, "reverse_charge", "0", "0"),
        ({"country": "DE"}, "eu_consumer", "0.19", "1.90"),
        ({"country": "US"}, "outside_eu", "0", "0"),
    ],
)
def test_the_rate_is_that_of_the_rule_on_the_last_day_of_the_month(row: Row, rule: str, rate: str, vat: str) -> None:
    found = bill(row, "10")
    assert (found["vat_rule"], found["vat_rate"], found["vat_amount"]) == (rule, D(rate), D(vat))


@pytest.mark.parametrize(
    ("currency", "net", "vat"),
    [
        ("EUR", "0.02", "0.01"),
        ("EUR", "0.01", "0"),
        ("EUR", "0.10", "0.03"),
        ("JPY", "2", "1"),
        ("JPY", "1", "0"),
        ("TND", "0.002", "0.001"),
    ],
)
def test_vat_is_rounded_once_half_away_from_zero(currency: str, net: str, vat: str) -> None:
    assert bill({"currency": currency}, net)["vat_amount"] == D(vat)


def test_vat_is_charged_on_the_net_amount_and_not_line_by_line() -> None:
    assert bill({}, "0.01", "0.01")["vat_amount"] == D("0.01")


def test_an_account_without_lines_has_a_bill_of_nothing() -> None:
    found = bill({})
    assert (found["net_amount"], found["total_owed"], found["status"]) == (0, 0, "draft")


@pytest.mark.parametrize(
    ("opened", "closed", "billed"),
    [
        (date(2026, 10, 31), None, True),
        (date(2026, 11, 1), None, False),
        (date(2025, 1, 1), date(2026, 10, 1), True),
        (date(2025, 1, 1), date(2026, 9, 30), False),
        (date(2026, 10, 15), date(2026, 10, 15), True),
    ],
)
def test_whoever_was_open_on_a_day_of_the_month_is_billed(opened: date, closed: date | None, billed: bool) -> None:
    row = {"opened_on": opened, "closed_on": closed}
    assert len(bill_all(row)) == billed
    assert len(bill_all(row, amounts=[("A", "1")])) == 1


def test_bills_come_in_the_order_of_accounts_each_with_its_own_lines() -> None:
    found = bill_all({"account_id": "B"}, {}, amounts=[("B", "2"), ("A", "1"), ("B", "3")])
    assert [(row["account_id"], row["net_amount"]) for row in found] == [("A", 1), ("B", 5)]


def test_a_line_of_nobody_stops_the_run() -> None:
    with pytest.raises(AssertionError, match="a bill line names an account that does not exist"):
        bill_all({}, amounts=[("Z", "1")])


def test_a_rate_that_is_missing_is_found_before_and_never_taken_as_nought() -> None:
    with pytest.raises(pandera.errors.SchemaError):
        bill({"country": "ES"}, "10")


def test_missing_rates_are_named() -> None:
    rows = accounts(
        {},
        {"account_id": "B", "country": "ES"},
        {"account_id": "C", "country": "ES"},
        {"account_id": "D", "country": "US"},
    )
    valid = rows.with_columns(pl.Series("has_vat_number", [False, False, True, False]))
    missing = missing_vat_rates(valid, RATES, date(2026, 10, 31), "FR")
    assert missing.rows() == [("B", "ES")]
    assert missing_vat_rates(valid, RATES, date(2024, 12, 31), "FR").rows() == [("A", "FR"), ("B", "ES")]


def test_missing_rates_are_named_in_the_order_of_accounts() -> None:
    rows = accounts(*({"account_id": name, "country": "ES"} for name in ("C", "A", "B")))
    valid = rows.with_columns(pl.lit(False).alias("has_vat_number"))
    missing = missing_vat_rates(valid, RATES, date(2026, 10, 31), "FR")
    assert missing.rows() == [("A", "ES"), ("B", "ES"), ("C", "ES")]
