"""One receipt a top-up: VAT on top, and the balance after it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.unit.frames import accounts, credits, moment, rated, vat_rates
from transforms.ledger.receipts import numbered, receipts, usage_before

D = Decimal
Row = dict[str, Any]
UNITS = {"EUR": 2, "JPY": 0}
CUSTOMERS = accounts({}, {"account_id": "B", "country": "DE"}, {"account_id": "J", "currency": "JPY", "country": "US"})
LAST = pl.DataFrame({"year": ["2026"], "last": [41]}, schema={"year": pl.String, "last": pl.Int64})


def known(*rows: Row) -> pl.DataFrame:
    return credits(*({"credit_id": f"C{place}"} | row for place, row in enumerate(rows, start=1)))


def drafts(
    all_credits: pl.DataFrame,
    new: pl.DataFrame | None = None,
    *usage: Row,
    billed: dict[str, str] | None = None,
    zone: str = "UTC",
    rates: pl.DataFrame | None = None,
) -> list[Row]:
    """Receipts of `new` (all top-ups unless said), without their numbers."""
    new = all_credits.filter(pl.col("kind") == "top_up") if new is None else new
    issued = [(credit, D(amount)) for credit, amount in (billed or {}).items()]
    found = receipts(
        new,
        all_credits,
        usage_before(new, rated(*usage).lazy()),
        pl.DataFrame(issued, schema={"credit_id": pl.String, "billed": pl.Decimal(38, 10)}, orient="row"),
        CUSTOMERS.with_columns(pl.lit(False).alias("has_vat_number")),
        vat_rates() if rates is None else rates,
        time_zone=zone,
        seller_country="FR",
        minor_units=UNITS,
    )
    return found.to_dicts()


def balances(found: list[Row]) -> dict[str, Decimal]:
    return {row["credit_id"]: row["balance_after"] for row in found}


def test_vat_is_charged_on_top_of_the_credit_and_is_no_part_of_the_balance() -> None:
    assert drafts(known({})) == [
        {
            "credit_id": "C1",
            "account_id": "A",
            "credited_at": moment("2026-10-05 12:00"),
            "credited_amount": D("100.0000"),
            "vat_rate": D("0.2000"),
            "vat_rule": "domestic",
            "vat_amount": D("20.0000"),
            "total_paid": D("120.0000"),
            "balance_after": D("100.0000"),
            "currency": "EUR",
        }
    ]


def test_all_credits_so_far_count_also_those_that_have_no_receipt() -> None:
    rows = known(
        {"kind": "opening_balance", "amount": D("5"), "credited_at": moment("2026-10-01")},
        {"amount": D("10"), "credited_at": moment("2026-10-02")},
        {"kind": "refund", "amount": D("-3"), "credited_at": moment("2026-10-03")},
        {"amount": D("20"), "credited_at": moment("2026-10-04")},
        {"kind": "goodwill", "amount": D("1"), "credited_at": moment("2026-10-05")},
        {"account_id": "B", "amount": D("7"), "credited_at": moment("2026-10-01")},
    )
    assert balances(drafts(rows)) == {"C2": D("15"), "C4": D("32"), "C6": D("7")}


def test_of_two_credits_at_one_moment_the_lower_name_comes_first() -> None:
    rows = known({"credit_id": "b", "amount": D("1")}, {"credit_id": "a", "amount": D("2")})
    found = drafts(rows)
    assert [row["credit_id"] for row in found] == ["a", "b"]
    assert balances(found) == {"a": D("2"), "b": D("3")}


def test_usage_that_started_before_the_credit_is_taken_off() -> None:
    usage = [
        {"charge": D("1"), "started_at": moment("2026-09-30 23:59")},
        {"charge": D("2"), "started_at": moment("2026-10-05 11:59:59.999999")},
        {"charge": D("4"), "started_at": moment("2026-10-05 12:00")},
        {"charge": D("8"), "started_at": moment("2026-10-05 12:01")},
        {"charge": D("16"), "started_at": moment("2026-10-01"), "account_id": "B"},
    ]
    assert balances(drafts(known({}), None, *usage)) == {"C1": D("97")}


def test_the_balance_is_rounded_once() -> None:
    usage = [{"charge": D("0.0049"), "started_at": moment("2026-10-01")}] * 3
    assert balances(drafts(known({}), None, *usage)) == {"C1": D("99.99")}
    assert balances(drafts(known({}), None, *usage[:1])) == {"C1": D("100")}


def test_a_balance_below_zero_is_said_as_it_is() -> None:
    usage = {"charge": D("100.005"), "started_at": moment("2026-10-01")}
    assert balances(drafts(known({}), None, usage)) == {"C1": D("-0.01")}


def test_issued_bills_are_taken_off() -> None:
    rows = known({}, {"credited_at": moment("2026-11-05")})
    assert balances(drafts(rows, billed={"C2": "30.5"})) == {"C1": D("100"), "C2": D("169.5")}


def test_a_receipt_does_not_depend_on_which_others_are_made_with_it() -> None:
    rows = known({}, {"credited_at": moment("2026-10-06")}, {"credited_at": moment("2026-10-07")})
    usage = [{"charge": D("1.5"), "started_at": moment("2026-10-05 18:00")}]
    alone = [row for place in range(3) for row in drafts(rows, rows[place : place + 1], *usage)]
    assert alone == drafts(rows, None, *usage)


def test_the_rate_is_that_of_the_day_in_the_billing_time_zone() -> None:
    rates = vat_rates({"country": "FR", "rate": D("0.25"), "valid_from": date(2026, 10, 6)})
    rows = known({"credited_at": moment("2026-10-05 21:59")}, {"credited_at": moment("2026-10-05 22:01")})
    in_paris = drafts(rows, zone="Europe/Paris", rates=rates)
    assert [row["vat_rate"] for row in in_paris] == [D("0.2"), D("0.25")]
    assert [row["vat_rate"] for row in drafts(rows, rates=rates)] == [D("0.2"), D("0.2")]


@pytest.mark.parametrize(
    ("row", "rule", "vat", "paid"),
    [
        ({"amount": D("0.03")}, "domestic", "0.01", "0.04"),
        ({"amount": D("0.02")}, "domestic", "0", "0.02"),
        ({"account_id": "B", "amount": D("50")}, "eu_consumer", "9.5", "59.5"),
        ({"account_id": "J", "amount": D("1000"), "currency": "JPY"}, "outside_eu", "0", "1000"),
    ],
)
def test_vat_follows_the_customer(row: Row, rule: str, vat: str, paid: str) -> None:
    (found,) = drafts(known(row))
    assert (found["vat_rule"], found["vat_amount"], found["total_paid"]) == (rule, D(vat), D(paid))


def names(rows: pl.DataFrame, zone: str = "UTC", prefix: str = "R-", first: int = 1) -> list[str]:
    frame = receipts(
        rows,
        rows,
        usage_before(rows, rated().lazy()),
        pl.DataFrame(schema={"credit_id": pl.String, "billed": pl.Decimal(38, 10)}),
        CUSTOMERS.with_columns(pl.lit(False).alias("has_vat_number")),
        vat_rates(),
        time_zone=zone,
        seller_country="FR",
        minor_units=UNITS,
    )
    return numbered(frame, LAST, time_zone=zone, prefix=prefix, first=first)["receipt_number"].to_list()


def test_numbers_go_on_without_a_gap_and_begin_anew_every_year() -> None:
    days = ("2026-12-30", "2026-12-31 23:30", "2027-01-01 00:30", "2027-01-02")
    rows = known(*({"credited_at": moment(day)} for day in days))
    assert names(rows) == ["R-2026-000042", "R-2026-000043", "R-2027-000001", "R-2027-000002"]
    assert names(rows, "Europe/Paris") == ["R-2026-000042", "R-2027-000001", "R-2027-000002", "R-2027-000003"]


def test_prefix_and_first_number_are_the_sellers() -> None:
    rows = known(*({"credited_at": moment(day)} for day in ("2026-12-30", "2027-01-01")))
    assert names(rows, prefix="QT-", first=500) == ["QT-2026-000042", "QT-2027-000500"]


def test_without_new_top_ups_there_are_no_receipts() -> None:
    assert names(known()) == []
