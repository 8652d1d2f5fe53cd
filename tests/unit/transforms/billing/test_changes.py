"""What a note changes, leg by leg, and that it adds up to the lines of the note."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.billing.changes import CHANGES, astray, changed_legs, itemised_changes, line_rounding
from transforms.billing.corrections import differences, notes
from transforms.billing.lines import bill_lines, usage_totals
from transforms.tables.base import MONEY, conform, empty
from transforms.tables.billing import Bills, NumberFees
from transforms.tables.usage import RatedUsage

DIGITS = {"EUR": 2, "JPY": 0}
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
D = Decimal


def leg(name: str, charge: str, price: str | None = "0.012", **changes: Any) -> dict[str, Any]:
    made = {
        "usage_id": name,
        "record_id": name,
        "format": "standard",
        "file_id": "f",
        "record_number": 1,
        "leg": "main",
        "account_id": "N1",
        "service": "voice",
        "direction": "outbound",
        "own_number": "+33184000003",
        "other_number": "+33145000001",
        "started_at": datetime(2026, 10, 5, 7, 12, 41, tzinfo=UTC),
        "usage_month": "2026-10",
        "billing_month": "2026-10",
        "status": "answered",
        "billable_seconds": 83,
        "billed_seconds": 83,
        "destination": "France",
        "country": "FR",
        "unit_price": None if price is None else D(price),
        "connection_fee": D(0),
        "charge": D(charge),
        "currency": "EUR",
    }
    return made | changes


def usage(*legs: dict[str, Any]) -> pl.DataFrame:
    return conform(RatedUsage, pl.DataFrame(legs, infer_schema_length=None)) if legs else empty(RatedUsage)


def told(before: pl.DataFrame, now: pl.DataFrame) -> dict[str, tuple[Decimal | None, ...]]:
    return {row[0]: row[1:] for row in changed_legs(before, now).select("usage_id", *CHANGES).iter_rows()}


def test_only_legs_whose_charge_is_another_that_came_or_that_went() -> None:
    before = usage(leg("same", "0.5"), leg("other", "0.0166"), leg("gone", "0.2"), leg("unanswered", "0", None))
    now = usage(leg("same", "0.5"), leg("other", "0.0139", "0.010"), leg("new", "0.3"), leg("busy", "0", None))
    assert told(before, now) == {
        "other": (D("0.0166"), D("0.0139"), D("-0.0027")),
        "gone": (D("0.2"), None, D("-0.2")),
        "new": (None, D("0.3"), D("0.3")),
    }


def test_a_free_leg_that_comes_makes_a_line_and_is_told() -> None:
    assert told(usage(), usage(leg("free", "0", "0"))) == {"free": (None, D(0), D(0))}
    assert told(usage(leg("free", "0", "0")), usage()) == {"free": (D(0), None, D(0))}


def test_the_same_leg_in_two_notes_is_two() -> None:
    before = usage(leg("a", "1"), leg("a", "1", account_id="N2"))
    now = usage(leg("a", "2"), leg("a", "1", account_id="N2"))
    assert changed_legs(before, now)["account_id"].to_list() == ["N1"]


def test_a_leg_that_went_is_shown_as_it_was_and_another_as_it_is() -> None:
    found = changed_legs(usage(leg("a", "1"), leg("b", "1")), usage(leg("a", "2", billed_seconds=90)))
    assert found.sort("usage_id")["billed_seconds"].to_list() == [90, 83]


prices = st.sampled_from(["0.01", "0.012", "0.0131"])
charges = st.decimals("0", "2", places=4)
legs_of_a_month = st.dictionaries(
    st.sampled_from([f"r{n}" for n in range(8)]),
    st.tuples(charges, prices, st.sampled_from(["France", "Spain"]), st.sampled_from(["voice", "sms"])),
    max_size=8,
)


def rated(legs: dict[str, tuple[Any, ...]], currency: str) -> pl.DataFrame:
    return usage(
        *(
            leg(name, str(charge), price, destination=place, service=service, segments=1, currency=currency)
            for name, (charge, price, place, service) in legs.items()
        )
    )


def fees(amount: str | None, currency: str) -> pl.DataFrame:
    if amount is None:
        return empty(NumberFees)
    row = {"account_id": "N1", "country": "FR", "number": "+33184000003", "currency": currency}
    row |= {"number_class": "geographic", "billing_month": "2026-10", "proration": "none", "price_list": "l"}
    row |= {"monthly_fee": D(amount), "amount": D(amount), "chargeable_days": 31, "free_days": 0}
    row |= {"price_valid_from": AT.date()}
    return conform(NumberFees, pl.DataFrame([row]))


def lines_of(used: pl.DataFrame, fee: str | None, currency: str) -> pl.DataFrame:
    totals = usage_totals(used.lazy()).collect()
    return bill_lines(totals, fees(fee, currency), month="2026-10", minor_units=DIGITS)


@settings(max_examples=60, deadline=None)
@given(legs_of_a_month, legs_of_a_month, st.sampled_from([None, "1", "2"]), st.sampled_from(["EUR", "JPY"]))
def test_the_itemisation_adds_up_to_the_note(
    was: dict[str, Any], become: dict[str, Any], fee: str | None, currency: str
) -> None:
    before, now = rated(was, currency), rated(become, currency)
    changed = differences(lines_of(before, "1", currency), lines_of(now, fee, currency))
    bill = {"bill_number": ["B1"], "account_id": ["N1"], "billing_mode": ["postpaid"]}
    bill |= {"vat_rate": [D("0.2000")], "vat_rule": ["domestic"]}
    found, lines = notes(
        changed,
        pl.DataFrame(bill, schema_overrides={"vat_rate": Bills.to_schema().columns["vat_rate"].dtype.type}),
        month="2026-10",
        reason="a test",
        at=AT,
        series={"credit_note": ("CN-", 1), "debit_note": ("DN-", 1)},
        minor_units=DIGITS,
    )
    if found.is_empty():
        return
    assert astray(before, now, lines, DIGITS).is_empty()
    legs = changed_legs(before, now)
    rows = itemised_changes(legs, lines, line_rounding(legs, lines), time_zone="UTC")
    assert rows.is_empty() == legs.is_empty()
    if rows.height:
        assert rows["difference"].sum() == found["net_amount"].cast(MONEY).sum()
    if legs.height:
        wrong = now.with_columns((pl.col("charge") + 1).cast(now.schema["charge"]))
        assert astray(before, wrong, lines, DIGITS).height == (1 if now.height else 0)
