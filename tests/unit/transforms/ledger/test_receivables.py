"""What is owed: the statement of account, and what of each document is open."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.unit.frames import bills, moment, notes, payments
from transforms.ledger.receivables import allocated, documents, open_items, receivables

D = Decimal
BEFORE = pl.DataFrame(schema={"document": pl.String, "due_on": pl.Date})
DEBIT = {"note_number": "DN-1", "kind": "debit_note", "total_owed": D(5), "issued_at": moment("2026-12-01")}


def entries(billed: pl.DataFrame, noted: pl.DataFrame, received: pl.DataFrame) -> list[tuple[Any, ...]]:
    """account, number, kind, reference, document, amount, balance."""
    owed = documents(billed, noted)
    frame = receivables(owed, allocated(received, owed))
    columns = ("account_id", "entry_number", "kind", "reference", "document", "amount", "balance_after")
    return frame.select(columns).rows()


def items(
    billed: pl.DataFrame,
    noted: pl.DataFrame,
    received: pl.DataFrame,
    before: pl.DataFrame = BEFORE,
    zone: str = "UTC",
) -> list[tuple[Any, ...]]:
    """document, kind, due_on, amount, corrected, paid, open_amount."""
    owed = documents(billed, noted)
    frame = open_items(owed, allocated(received, owed), before, payment_days=30, time_zone=zone)
    return frame.select("document", "kind", "due_on", "amount", "corrected", "paid", "open_amount").rows()


BILL = "2026-000001"
DUE = date(2026, 12, 2)


def test_a_bill_is_owed_until_it_is_paid() -> None:
    assert entries(bills({}), notes(), payments({"amount": D(7)})) == [
        ("A", 1, "bill", BILL, BILL, 12, 12),
        ("A", 2, "payment", "P1", BILL, -7, 5),
    ]
    assert items(bills({}), notes(), payments({"amount": D(7)})) == [(BILL, "bill", DUE, 12, 0, 7, 5)]


def test_a_credit_note_counts_on_the_bill_that_it_names() -> None:
    assert entries(bills({}), notes({}), payments({})) == [
        ("A", 1, "bill", BILL, BILL, 12, 12),
        ("A", 2, "payment", "P1", BILL, -12, 0),
        ("A", 3, "credit_note", "CN-2026-000001", BILL, -3, -3),
    ]
    assert items(bills({}), notes({}), payments({})) == [(BILL, "bill", DUE, 12, -3, 12, -3)]


@pytest.mark.parametrize("bill", [None, "2026-000009"])
def test_a_credit_note_of_no_bill_is_an_item_of_its_own(bill: str | None) -> None:
    found = items(bills({}), notes({"bill_number": bill}), payments())
    assert found == [
        (BILL, "bill", DUE, 12, 0, 0, 12),
        ("CN-2026-000001", "credit_note", date(2026, 12, 20), -3, 0, 0, -3),
    ]


def test_a_debit_note_is_due_by_itself_and_paid_by_its_own_number() -> None:
    paid = payments({}, {"payment_id": "P2", "bill_number": "DN-1", "amount": D(2)})
    assert items(bills({}), notes(DEBIT), paid) == [
        (BILL, "bill", DUE, 12, 0, 12, 0),
        ("DN-1", "debit_note", date(2026, 12, 31), 5, 0, 2, 3),
    ]


@pytest.mark.parametrize(
    "payment",
    [{"bill_number": None}, {"bill_number": "2026-000009"}, {"account_id": "B"}, {"currency": "USD"}],
    ids=["no number", "unknown number", "another account's bill", "another currency"],
)
def test_a_payment_that_matches_nothing_stays_on_its_account(payment: dict[str, Any]) -> None:
    found = entries(bills({}), notes(), payments(payment))
    (row,) = [row for row in found if row[2] == "payment"]
    assert row[4:6] == (None, -12)
    assert items(bills({}), notes(), payments(payment)) == [(BILL, "bill", DUE, 12, 0, 0, 12)]


@pytest.mark.parametrize(
    ("bill", "document"), [(BILL, None), (None, "CN-2026-000001")], ids=["counts on a bill", "is an item of its own"]
)
def test_a_payment_that_names_a_credit_note_is_matched_where_the_note_is_an_item(
    bill: str | None, document: str | None
) -> None:
    noted, paid_back = notes({"bill_number": bill}), payments({"bill_number": "CN-2026-000001", "amount": D(-3)})
    assert allocated(paid_back, documents(bills({}), noted))["document"].to_list() == [document]
    assert sum(item[5] for item in items(bills({}), noted, paid_back)) == (-3 if document else 0)


def test_nothing_is_owed_by_documents_of_nothing_and_of_prepaid_accounts() -> None:
    prepaid = {"billing_mode": "prepaid", "paid_from_balance": D(12), "total_owed": D(0)}
    assert entries(bills(prepaid), notes(prepaid | {"total_owed": D(0)}), payments({"amount": D(0)})) == []
    assert items(bills(prepaid), notes(prepaid | {"total_owed": D(0)}), payments({})) == []


def test_entries_stand_in_the_order_of_time_then_kind_then_reference() -> None:
    at = moment("2026-11-02 12:00")
    received = payments(
        {"payment_id": "late", "paid_at": moment("2026-11-03")},
        {"payment_id": "1b", "paid_at": at},
        {"payment_id": "1a", "paid_at": at},
        {"payment_id": "early", "paid_at": moment("2026-11-01"), "bill_number": None},
    )
    found = entries(bills({}), notes({"issued_at": at}), received)
    assert [row[3] for row in found] == ["early", BILL, "CN-2026-000001", "1a", "1b", "late"]
    assert [row[6] for row in found] == [-12, 0, -3, -15, -27, -39]
    assert found == entries(bills({}), notes({"issued_at": at}), received.reverse())


def test_a_payment_that_is_sent_back_is_owed_again() -> None:
    received = payments({}, {"payment_id": "P2", "amount": D(-12), "paid_at": moment("2026-11-20")})
    assert items(bills({}), notes(), received) == [(BILL, "bill", DUE, 12, 0, 0, 12)]
    assert entries(bills({}), notes(), received)[-1][5:] == (12, 12)


def test_balances_of_two_currencies_are_never_added() -> None:
    dollars = {"bill_number": "2026-000002", "currency": "USD", "total_owed": D(4), "issued_at": moment("2026-12-02")}
    assert [row[6] for row in entries(bills({}, dollars), notes(), payments())] == [12, 4]


def test_the_day_of_issue_is_that_of_the_billing_time_zone() -> None:
    late = bills({"issued_at": moment("2026-11-02 23:30")})
    assert items(late, notes(), payments(), zone="Europe/Paris")[0][2] == date(2026, 12, 3)


def test_a_document_stays_due_when_it_was() -> None:
    before = pl.DataFrame({"document": [BILL], "due_on": [date(2026, 11, 16)]})
    assert items(bills({}), notes(DEBIT), payments(), before)[0][2] == date(2026, 11, 16)
    assert items(bills({}), notes(DEBIT), payments(), before)[1][2] == date(2026, 12, 31)
