"""Charges become bill lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.unit.frames import fees, rated
from transforms.billing.lines import LINE_KEY, bill_lines, usage_totals
from transforms.tables.base import MONEY

D = Decimal
Row = dict[str, Any]
UNITS = {"EUR": 2, "USD": 2, "JPY": 0, "TND": 3}

SMS: Row = {
    "service": "sms",
    "status": "sent",
    "billed_seconds": 0,
    "segments": 3,
    "unit_price": D("0.05"),
    "charge": D("0.15"),
}
RECEIVED: Row = SMS | {
    "direction": "inbound",
    "destination": None,
    "unit_price": D("0.01"),
    "charge": D("0.01"),
}


def lines(*usage: Row, of: tuple[Row, ...] = ()) -> list[Row]:
    totals = usage_totals(rated(*usage).lazy()).collect()
    return bill_lines(totals, fees(*of), month="2026-10", minor_units=UNITS).to_dicts()


def test_calls_of_one_price_to_one_destination_make_a_line() -> None:
    assert lines({}, {"billed_seconds": 60, "charge": D("0.012")}) == [
        {
            "billing_month": "2026-10",
            "account_id": "A",
            "line_number": 1,
            "kind": "voice",
            "direction": "outbound",
            "country": "FR",
            "destination": "France",
            "number": None,
            "usage_month": "2026-10",
            "events": 2,
            "quantity": 143,
            "unit": "seconds",
            "unit_price": D("0.012000"),
            "charge": D("0.0286000000"),
            "amount": D("0.0300"),
            "currency": "EUR",
        }
    ]


@pytest.mark.parametrize(
    ("row", "kind", "unit", "quantity"),
    [
        pytest.param({}, "voice", "seconds", 83, id="call"),
        pytest.param(SMS, "sms", "segments", 3, id="outbound message, by its segments"),
        pytest.param(RECEIVED, "sms", "messages", 1, id="inbound message, once"),
        pytest.param(RECEIVED | {"segments": None}, "sms", "messages", 1, id="inbound message of no known length"),
    ],
)
def test_a_line_counts_in_its_own_unit(row: Row, kind: str, unit: str, quantity: int) -> None:
    (line,) = lines(row)
    assert (line["kind"], line["unit"], line["quantity"], line["events"]) == (kind, unit, quantity, 1)


OTHER: Row = {
    "account_id": "B",
    "service": "sms",
    "direction": "inbound",
    "country": "US",
    "destination": "France mobile",
    "unit_price": D("0.03"),
    "usage_month": "2026-09",
    "currency": "USD",
}


@pytest.mark.parametrize("column", LINE_KEY)
def test_whatever_differs_makes_another_line(column: str) -> None:
    assert [line["events"] for line in lines({}, {column: OTHER[column]}, {})] in ([1, 2], [2, 1])


@pytest.mark.parametrize(
    "other",
    [
        {"price_list": "own"},
        {"connection_fee": D("0.1")},
        {"leg": "forwarded"},
        {"own_number": "+33184000002"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_a_customer_cannot_see_makes_none(other: Row) -> None:
    assert len(lines({}, other)) == 1


def test_what_has_no_price_makes_no_line_and_what_costs_nothing_does() -> None:
    unanswered = {"unit_price": None, "charge": D(0), "billed_seconds": 0}
    assert lines(unanswered) == []
    (line,) = lines(unanswered, {"unit_price": D(0), "charge": D(0)})
    assert (line["events"], line["quantity"], line["amount"]) == (1, 83, 0)


def test_a_line_is_rounded_once_and_not_record_by_record() -> None:
    half_a_cent = {"charge": D("0.005")}
    assert lines(*[half_a_cent] * 3)[0]["amount"] == D("0.02")
    assert lines(*[{"charge": D("0.0049999999")}] * 2)[0]["amount"] == D("0.01")


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "12.35"), ("JPY", "12"), ("TND", "12.346")])
def test_a_line_is_rounded_to_the_minor_unit_of_its_currency(currency: str, amount: str) -> None:
    assert lines({"currency": currency, "charge": D("12.3455")})[0]["amount"] == D(amount)


def test_a_fee_makes_a_line_of_its_own() -> None:
    daily = {"number": "+33184000002", "amount": D("0.6774193548"), "proration": "daily"}
    first, second = lines(of=({}, daily))
    assert (first["kind"], first["number"], first["unit"], first["quantity"]) == (
        "number_fee",
        "+33184000001",
        "months",
        1,
    )
    assert (first["unit_price"], first["amount"], first["events"], first["usage_month"]) == (
        1,
        1,
        1,
        "2026-10",
    )
    assert (second["number"], second["unit_price"], second["amount"]) == ("+33184000002", 1, D("0.68"))


def test_lines_are_numbered_by_account_in_an_order_of_their_own() -> None:
    usage = (
        {"usage_month": "2026-10"},
        {"account_id": "B"},
        RECEIVED,
        SMS,
        {"direction": "inbound", "destination": None},
        {"usage_month": "2026-09"},
        {"unit_price": D("0.01")},
        {"destination": "France mobile"},
    )
    found = lines(*usage, of=({"number": "+33184000002"}, {}))
    named = [
        (row["account_id"], row["line_number"], row["kind"], row["direction"], row["destination"]) for row in found
    ]
    assert named == [
        ("A", 1, "voice", "inbound", None),
        ("A", 2, "voice", "outbound", "France"),
        ("A", 3, "voice", "outbound", "France"),
        ("A", 4, "voice", "outbound", "France"),
        ("A", 5, "voice", "outbound", "France mobile"),
        ("A", 6, "sms", "inbound", None),
        ("A", 7, "sms", "outbound", "France"),
        ("A", 8, "number_fee", None, None),
        ("A", 9, "number_fee", None, None),
        ("B", 1, "voice", "outbound", "France"),
    ]
    assert [row["unit_price"] for row in found[1:4]] == [D("0.01"), D("0.012"), D("0.012")]
    assert [row["usage_month"] for row in found[2:4]] == ["2026-09", "2026-10"]
    assert [row["number"] for row in found[7:9]] == ["+33184000001", "+33184000002"]
    assert lines(*reversed(usage), of=({}, {"number": "+33184000002"})) == found


def test_totals_of_parts_add_up_to_those_of_the_whole() -> None:
    usage = rated({}, SMS, {}, RECEIVED, {"destination": "France mobile"})
    parts = pl.concat([usage_totals(part.lazy()).collect() for part in usage.iter_slices(2)])
    together = parts.group_by(LINE_KEY).agg(pl.col("events", "quantity", "charge").sum()).sort(LINE_KEY)
    assert together.equals(usage_totals(usage.lazy()).collect().sort(LINE_KEY))


def test_a_sum_beyond_the_type_of_an_amount_stops_the_run() -> None:
    totals = usage_totals(rated({}).lazy()).collect()
    huge = totals.with_columns(pl.lit(D("100000000000000")).cast(MONEY).alias("charge"))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        bill_lines(huge, fees(), month="2026-10", minor_units=UNITS)


def test_nothing_makes_no_line() -> None:
    assert lines() == []
