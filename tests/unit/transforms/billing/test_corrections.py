"""What leads from what was charged to what is right, and the notes that are made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from transforms.billing.corrections import by_account, differences, notes
from transforms.tables.base import conform
from transforms.tables.billing import BillLines

AT = datetime(2026, 12, 3, tzinfo=UTC)
SERIES = {"credit_note": ("CN-2026", 7), "debit_note": ("DN-2026", 1)}


def lines(*rows: dict[str, Any]) -> pl.DataFrame:
    """Bill lines, by default 100 s of A to France at 0.012 that come to 0.02 EUR."""
    usual = {
        "billing_month": "2026-10",
        "account_id": "A",
        "line_number": 1,
        "kind": "voice",
        "direction": "outbound",
        "country": "FR",
        "destination": "France",
        "number": None,
        "usage_month": "2026-10",
        "events": 1,
        "quantity": 100,
        "unit": "seconds",
        "unit_price": Decimal("0.012"),
        "charge": Decimal("0.02"),
        "amount": Decimal("0.02"),
        "currency": "EUR",
    }
    whole = [usual | row for row in rows]
    return conform(BillLines, pl.DataFrame(whole, schema=list(usual), infer_schema_length=None))


def bills(**rules: tuple[str, str, str]) -> pl.DataFrame:
    """Bills of accounts: mode, VAT rate and rule."""
    rows = [
        {
            "account_id": name,
            "bill_number": f"B-{name}",
            "billing_mode": mode,
            "vat_rate": Decimal(rate),
            "vat_rule": rule,
        }
        for name, (mode, rate, rule) in rules.items()
    ]
    return pl.DataFrame(rows, schema_overrides={"vat_rate": pl.Decimal(6, 4)}).with_columns(
        currency=pl.lit("EUR"), net_amount=pl.lit(Decimal(5)).cast(pl.Decimal(18, 4))
    )


POSTPAID = {"A": ("postpaid", "0.2", "domestic")}


def noted(found: pl.DataFrame, of: pl.DataFrame | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    return notes(
        found,
        bills(**POSTPAID) if of is None else of,
        month="2026-10",
        reason="wrong price",
        at=AT,
        series=SERIES,
        minor_units={"EUR": 2, "JPY": 0},
    )


def test_the_same_lines_need_nothing() -> None:
    assert differences(lines({}), lines({})).is_empty()


def test_a_line_at_another_price_is_taken_back_and_charged_anew() -> None:
    right = lines({"unit_price": Decimal("0.03"), "charge": Decimal("0.05"), "amount": Decimal("0.05")})
    found = differences(lines({}), right)
    assert found.select("events", "quantity", "unit_price", "amount").rows() == [
        (-1, -100, Decimal("0.012"), Decimal("-0.02")),
        (1, 100, Decimal("0.03"), Decimal("0.05")),
    ]
    note, of_note = noted(found)
    named = note.select("note_number", "kind", "bill_number", "net_amount", "vat_amount", "gross_amount", "total_owed")
    assert named.rows() == [
        ("DN-2026-000001", "debit_note", "B-A", Decimal("0.03"), Decimal("0.01"), Decimal("0.04"), Decimal("0.04"))
    ]
    assert of_note.select("note_number", "line_number").rows() == [("DN-2026-000001", 1), ("DN-2026-000001", 2)]


def test_what_comes_to_nothing_for_an_account_makes_no_note() -> None:
    moved = lines({"destination": "Paris"})
    assert differences(lines({}), moved).is_empty()
    found = differences(
        lines({}, {"account_id": "B"}), pl.concat([moved, lines({"account_id": "B", "amount": Decimal("0.03")})])
    )
    assert found["account_id"].to_list() == ["B"]


def test_a_prepaid_account_owes_nothing_and_its_balance_takes_it() -> None:
    note, _ = noted(differences(lines({}), lines().clear()), bills(A=("prepaid", "0", "charged_at_top_up")))
    row = note.row(0, named=True)
    assert (row["kind"], row["note_number"], row["net_amount"]) == ("credit_note", "CN-2026-000007", Decimal("-0.02"))
    assert (row["vat_amount"], row["paid_from_balance"], row["total_owed"]) == (0, Decimal("-0.02"), 0)


def test_vat_is_rounded_half_away_from_zero_on_both_sides_of_it() -> None:
    for amount, vat in (("0.125", "0.03"), ("-0.125", "-0.03")):
        charged, right = lines().clear(), lines({"amount": Decimal(amount), "charge": Decimal(amount)})
        note, _ = noted(differences(charged, right))
        assert note["vat_amount"].to_list() == [Decimal(vat)]


def test_each_kind_of_note_has_its_series() -> None:
    charged = lines({"account_id": "A"}, {"account_id": "B"}, {"account_id": "C"})
    right = lines(
        {"account_id": "A", "amount": Decimal("0.01")}, {"account_id": "B", "amount": Decimal(1)}, {"account_id": "D"}
    )
    every = bills(**dict.fromkeys("ABCD", POSTPAID["A"]))
    note, _ = noted(differences(charged, right), every)
    assert note.select("note_number", "account_id").rows() == [
        ("CN-2026-000007", "A"),
        ("CN-2026-000008", "C"),
        ("DN-2026-000001", "B"),
        ("DN-2026-000002", "D"),
    ]


def test_two_currencies_are_two_notes() -> None:
    charged, right = lines({"amount": Decimal(1)}), lines({"currency": "JPY", "amount": Decimal(130)})
    found = differences(charged, right)
    assert noted(found)[0].select("kind", "currency", "net_amount").rows() == [
        ("credit_note", "EUR", Decimal(-1)),
        ("debit_note", "JPY", Decimal(130)),
    ]
    assert by_account(found, bills(**POSTPAID)).select("currency", "bill_number", "billed", "difference").rows() == [
        ("EUR", "B-A", Decimal(5), Decimal(-1)),
        ("JPY", "none", Decimal(0), Decimal(130)),
    ]


amounts = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from(["0.01", "0.02", "0.03"]), st.integers(1, 500)), max_size=6
)


@given(charged=amounts, right=amounts, later=amounts)
def test_charged_and_noted_is_right_however_often_it_is_corrected(charged: Any, right: Any, later: Any) -> None:
    def drawn(rows: Any) -> pl.DataFrame:
        made = [
            {
                "account_id": a,
                "unit_price": Decimal(p),
                "destination": f"d{n}",
                "quantity": q,
                "amount": Decimal(q) * Decimal(p),
            }
            for n, (a, p, q) in enumerate(rows)
        ]
        return lines(*made) if made else lines({}).clear()

    every = bills(A=POSTPAID["A"], B=("prepaid", "0", "charged_at_top_up"))
    so_far = drawn(charged)
    for wanted in (drawn(right), drawn(right), drawn(later)):
        found = differences(so_far, wanted)
        note, of_note = noted(found, every)
        sums = of_note.group_by("note_number").agg(pl.col("amount").sum()).sort("note_number")
        assert sums["amount"].to_list() == note.sort("note_number")["net_amount"].to_list()
        so_far = pl.concat([so_far, of_note.select(so_far.columns)])
        totals = [
            {a: s for a, s in frame.group_by("account_id").agg(pl.col("amount").sum()).iter_rows() if s}
            for frame in (so_far, wanted)
        ]
        assert totals[0] == totals[1]
        assert differences(so_far, wanted).is_empty()
