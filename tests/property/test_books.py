"""The books of drawn documents balance: debits are credits, and what is open is what is owed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.ledger.journal import REVENUE, billed, credited, journal, paid, topped_up
from transforms.ledger.receivables import allocated, documents, open_items, receivables
from transforms.tables.base import types
from transforms.tables.billing import Bills, CorrectionNotes
from transforms.tables.reference import Payments

START = datetime(2026, 10, 1, tzinfo=UTC)
MONEY = pl.Decimal(18, 4)

AMOUNTS = st.integers(-(10**6), 10**6).map(lambda cents: Decimal(cents) / 100)
MONTHS, CURRENCIES, ACCOUNTS = st.sampled_from(["2026-10", "2026-11"]), st.sampled_from(["EUR", "USD"]), "ABC"
MOMENTS = st.integers(0, 60).map(lambda hours: START + timedelta(hours=hours))

DOCUMENT = st.fixed_dictionaries(
    {
        "billing_month": MONTHS,
        "currency": CURRENCIES,
        "account_id": st.sampled_from(ACCOUNTS),
        "prepaid": st.booleans(),
        "vat_amount": AMOUNTS,
        "lines": st.dictionaries(st.sampled_from(sorted(REVENUE)), AMOUNTS),
        "issued_at": MOMENTS,
        "kind": st.sampled_from(["credit_note", "debit_note"]),
        "names": st.integers(0, 5),
    }
)
PAYMENT = st.fixed_dictionaries(
    {
        "billing_month": MONTHS,
        "currency": CURRENCIES,
        "account_id": st.sampled_from(ACCOUNTS),
        "amount": AMOUNTS,
        "paid_at": MOMENTS,
        "names": st.integers(0, 5),
    }
)
CREDIT = st.fixed_dictionaries(
    {
        "billing_month": MONTHS,
        "currency": CURRENCIES,
        "kind": st.sampled_from(["goodwill", "refund", "opening_balance"]),
        "amount": AMOUNTS,
    }
)


def numbered(drawn: list[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    """Drawn documents with what their lines come to: prepaid ones owe nothing and carry no VAT."""
    found = []
    for place, document in enumerate(drawn):
        net = sum(document["lines"].values(), Decimal(0))
        vat = Decimal(0) if document["prepaid"] else document["vat_amount"]
        found.append(
            document
            | {
                "bill_number": f"B{place}" if prefix == "B" else f"B{document['names']}",
                "note_number": f"{prefix}{place}",
                "vat_amount": vat,
                "paid_from_balance": net if document["prepaid"] else Decimal(0),
                "total_owed": Decimal(0) if document["prepaid"] else net + vat,
            }
        )
    return found


def lines_of(numbered_documents: list[dict[str, Any]]) -> pl.DataFrame:
    rows = [
        (document["billing_month"], document["currency"], kind, amount)
        for document in numbered_documents
        for kind, amount in document["lines"].items()
    ]
    schema = {"billing_month": pl.String, "currency": pl.String, "kind": pl.String, "amount": MONEY}
    return pl.DataFrame(rows, schema=schema, orient="row")


def frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


@settings(max_examples=100)
@given(
    st.lists(DOCUMENT, max_size=6),
    st.lists(DOCUMENT, max_size=6),
    st.lists(PAYMENT, max_size=6),
    st.sampled_from(["UTC", "Europe/Paris", "America/New_York"]),
)
def test_what_is_open_is_what_is_owed(
    bills: list[dict[str, Any]], notes: list[dict[str, Any]], payments: list[dict[str, Any]], zone: str
) -> None:
    billed_rows, noted_rows = numbered(bills, "B"), numbered(notes, "N")
    named = [row | {"payment_id": f"P{n}", "bill_number": f"B{row['names']}"} for n, row in enumerate(payments)]
    owed = documents(frame(billed_rows, types(Bills)), frame(noted_rows, types(CorrectionNotes)))
    received = allocated(frame(named, types(Payments)), owed)
    statement = receivables(owed, received)
    before = pl.DataFrame(schema={"document": pl.String, "due_on": pl.Date})
    items = open_items(owed, received, before, payment_days=30, time_zone=zone)
    expected: Counter[tuple[str, str]] = Counter()
    for row in (*billed_rows, *noted_rows):
        expected[row["account_id"], row["currency"]] += row["total_owed"]
    for row in named:
        expected[row["account_id"], row["currency"]] -= row["amount"]
    balances = {
        (account, currency): balance
        for account, currency, balance in statement.select("account_id", "currency", "balance_after").iter_rows()
    }
    assert balances == {key: value for key, value in expected.items() if value or key in balances}
    apart: Counter[tuple[str, str]] = Counter()
    for account, currency, amount in items.select("account_id", "currency", "open_amount").iter_rows():
        apart[account, currency] += amount
    loose = received.filter(pl.col("document").is_null())
    for account, currency, amount in loose.select("account_id", "currency", "amount").iter_rows():
        apart[account, currency] -= amount
    assert {key: value for key, value in apart.items() if value} == {k: v for k, v in expected.items() if v}
    by_document = statement.drop_nulls("document").group_by("document").agg(pl.col("amount").sum())
    assert sorted(by_document.rows()) == items.select("document", "open_amount").rows()
    issued = {row["bill_number"]: row for row in billed_rows} | {row["note_number"]: row for row in noted_rows}
    for document, due_on in items.select("document", "due_on").iter_rows():
        assert due_on == issued[document]["issued_at"].astimezone(ZoneInfo(zone)).date() + timedelta(days=30)


@settings(max_examples=100)
@given(
    st.lists(DOCUMENT, max_size=6),
    st.lists(DOCUMENT, max_size=6),
    st.lists(PAYMENT, max_size=6),
    st.lists(CREDIT, max_size=6),
)
def test_the_journal_balances(
    bills: list[dict[str, Any]],
    notes: list[dict[str, Any]],
    payments: list[dict[str, Any]],
    credits: list[dict[str, Any]],
) -> None:
    billed_rows, noted_rows = numbered(bills, "B"), numbered(notes, "N")
    text = {"billing_month": pl.String, "currency": pl.String}
    amounts = dict.fromkeys(["total_owed", "paid_from_balance", "vat_amount"], MONEY)
    sold = [
        row | {"credited_amount": row["amount"], "vat_amount": Decimal(1), "total_paid": row["amount"] + 1}
        for row in payments
    ]
    bought = dict.fromkeys(["credited_amount", "vat_amount", "total_paid"], MONEY)
    found = journal(
        [
            billed(frame(billed_rows, text | amounts), lines_of(billed_rows), "bills"),
            billed(frame(noted_rows, text | amounts), lines_of(noted_rows), "debit_notes"),
            paid(frame(payments, text | {"amount": MONEY})),
            credited(frame(credits, text | {"kind": pl.String, "amount": MONEY})),
            topped_up(frame(sold, text | bought)),
        ]
    )
    sides = found.group_by("billing_month", "currency", "document").agg(pl.col("debit", "credit").sum())
    assert sides.filter(pl.col("debit") != pl.col("credit")).is_empty()
    assert found.filter((pl.col("debit") > 0) == (pl.col("credit") > 0)).is_empty()
    earned: Counter[tuple[str, str, str]] = Counter()
    for row in billed_rows:
        for kind, amount in row["lines"].items():
            earned[row["billing_month"], row["currency"], REVENUE[kind]] += amount
    revenue = found.filter((pl.col("document") == "bills") & pl.col("account").str.starts_with("revenue"))
    booked = {
        (row["billing_month"], row["currency"], row["account"]): row["credit"] - row["debit"]
        for row in revenue.to_dicts()
    }
    assert booked == {key: value for key, value in earned.items() if value}
