"""Month-end totals as double entry, with a pencil's arithmetic."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from transforms.ledger.journal import billed, credited, journal, paid, topped_up

D = Decimal
MONEY = pl.Decimal(18, 4)
TEXT = {"billing_month": pl.String, "currency": pl.String, "kind": pl.String}


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of October in EUR; every other column is an amount."""
    usual = [{"billing_month": "2026-10", "currency": "EUR"} | row for row in rows]
    return pl.DataFrame(usual, schema={name: TEXT.get(name, MONEY) for name in usual[0]}, orient="row")


def lines(*movements: pl.DataFrame) -> list[tuple[Any, ...]]:
    """document, currency, account, debit, credit."""
    return journal(movements).select("document", "currency", "account", "debit", "credit").rows()


def bill(owed: str, from_balance: str, vat: str, **more: str) -> dict[str, Any]:
    return {"total_owed": D(owed), "paid_from_balance": D(from_balance), "vat_amount": D(vat), **more}


def line(kind: str, amount: str, **more: str) -> dict[str, Any]:
    return {"kind": kind, "amount": D(amount), **more}


def test_bills_go_to_receivables_and_customer_credit_against_revenue_and_vat() -> None:
    # Postpaid: 10.00 of calls and 2.00 of messages, 2.40 VAT; prepaid: 1.50 of fees and 0.50 of calls.
    movements = billed(
        frame(bill("14.40", "0", "2.40"), bill("0", "2.00", "0")),
        frame(line("voice", "10"), line("sms", "2"), line("number_fee", "1.5"), line("voice", "0.5")),
        "bills",
    )
    assert lines(movements) == [
        ("bills", "EUR", "customer_credit", 2, 0),
        ("bills", "EUR", "receivables", D("14.4"), 0),
        ("bills", "EUR", "revenue_number_fees", 0, D("1.5")),
        ("bills", "EUR", "revenue_sms", 0, 2),
        ("bills", "EUR", "revenue_voice", 0, D("10.5")),
        ("bills", "EUR", "vat_payable", 0, D("2.4")),
    ]


def test_a_credit_note_stands_on_the_other_sides() -> None:
    movements = billed(frame(bill("-3", "0", "-0.5")), frame(line("voice", "-4"), line("sms", "1.5")), "credit_notes")
    assert lines(movements) == [
        ("credit_notes", "EUR", "receivables", 0, 3),
        ("credit_notes", "EUR", "revenue_sms", 0, D("1.5")),
        ("credit_notes", "EUR", "revenue_voice", 4, 0),
        ("credit_notes", "EUR", "vat_payable", D("0.5"), 0),
    ]


def test_a_top_up_is_bank_against_customer_credit_and_vat() -> None:
    movements = topped_up(frame({"credited_amount": D(50), "vat_amount": D(10), "total_paid": D(60)}))
    assert lines(movements) == [
        ("top_ups", "EUR", "bank", 60, 0),
        ("top_ups", "EUR", "customer_credit", 0, 50),
        ("top_ups", "EUR", "vat_payable", 0, 10),
    ]


def test_each_kind_of_credit_has_its_counterpart() -> None:
    movements = credited(frame(line("goodwill", "5"), line("refund", "-20"), line("opening_balance", "7")))
    assert lines(movements) == [
        ("credits", "EUR", "customer_credit", 8, 0),
        ("credits", "EUR", "goodwill", 5, 0),
        ("credits", "EUR", "opening_balances", 7, 0),
        ("credits", "EUR", "refunds", 0, 20),
    ]


def test_a_payment_is_bank_against_receivables() -> None:
    assert lines(paid(frame({"amount": D(12)}, {"amount": D("0.34")}))) == [
        ("payments", "EUR", "bank", D("12.34"), 0),
        ("payments", "EUR", "receivables", 0, D("12.34")),
    ]


def test_an_account_that_comes_to_nothing_has_no_line() -> None:
    assert lines(paid(frame({"amount": D(12)}, {"amount": D(-12)}))) == []


def test_months_and_currencies_are_never_added() -> None:
    payments = frame(
        {"amount": D(1)}, {"amount": D(2), "currency": "USD"}, {"amount": D(4), "billing_month": "2026-11"}
    )
    found = journal([paid(payments)]).filter(pl.col("account") == "bank")
    assert found.select("billing_month", "currency", "debit").rows() == [
        ("2026-10", "EUR", 1),
        ("2026-10", "USD", 2),
        ("2026-11", "EUR", 4),
    ]


@pytest.mark.parametrize("kind", ["voice", "sms", "number_fee", "adjustment"])
def test_lines_that_are_not_the_bill_stop_it(kind: str) -> None:
    movements = billed(frame(bill("12", "0", "2")), frame(line(kind, "9.99")), "bills")
    with pytest.raises(AssertionError, match="does not balance"):
        journal([movements])


def test_faults_of_two_currencies_do_not_cancel_out() -> None:
    more = frame(bill("12", "0", "2"), bill("8", "0", "1", currency="USD"))
    off = frame(line("voice", "9"), line("voice", "8", currency="USD"))
    with pytest.raises(AssertionError, match="does not balance"):
        journal([billed(more, off, "bills")])
