"""The journal: month-end totals of issued, posted and paid documents as double entry, balanced to zero."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from transforms.tables.base import AMOUNT_SCALE, assert_contract, conform
from transforms.tables.books import Journal

_WIDE = pl.Decimal(38, AMOUNT_SCALE)
_ZERO = pl.lit("0").str.to_decimal(scale=AMOUNT_SCALE).cast(_WIDE)
_BALANCED = ["billing_month", "document", "currency"]

REVENUE = {
    "voice": "revenue_voice",
    "sms": "revenue_sms",
    "number_fee": "revenue_number_fees",
    "adjustment": "revenue_adjustments",
}
"""The account of revenue of each kind of line."""

COUNTERPART = {"opening_balance": "opening_balances", "refund": "refunds", "goodwill": "goodwill"}
"""The account against which each kind of credit but a top-up is posted."""


def billed(bills: pl.DataFrame, lines: pl.DataFrame, document: str) -> pl.DataFrame:
    """Movements of bills or notes: what is owed to receivables, what balances paid to customer credit, against revenue
    by kind of line, and VAT.

    `bills`: billing_month, currency, total_owed, paid_from_balance, vat_amount. `lines`: billing_month, currency, kind,
    amount. Both may be totals or single rows; amounts of credit notes are negative.
    """
    revenue = lines.select(
        "billing_month",
        "currency",
        pl.col("kind").replace_strict(REVENUE).alias("account"),
        (-pl.col("amount").cast(_WIDE)).alias("amount"),
    )
    return _of(
        document,
        _to("receivables", bills, pl.col("total_owed")),
        _to("customer_credit", bills, pl.col("paid_from_balance")),
        _to("vat_payable", bills, -pl.col("vat_amount")),
        revenue,
    )


def topped_up(receipts: pl.DataFrame) -> pl.DataFrame:
    """Movements of top-ups: the bank against customer credit and VAT.

    `receipts`: billing_month, currency, credited_amount, vat_amount, total_paid.
    """
    return _of(
        "top_ups",
        _to("bank", receipts, pl.col("total_paid")),
        _to("customer_credit", receipts, -pl.col("credited_amount")),
        _to("vat_payable", receipts, -pl.col("vat_amount")),
    )


def credited(credits: pl.DataFrame) -> pl.DataFrame:
    """Movements of credits that nobody bought: COUNTERPART against customer credit.

    `credits`: billing_month, currency, kind, amount.
    """
    given = credits.select(
        "billing_month",
        "currency",
        pl.col("kind").replace_strict(COUNTERPART).alias("account"),
        pl.col("amount").cast(_WIDE),
    )
    return _of("credits", given, _to("customer_credit", credits, -pl.col("amount")))


def paid(payments: pl.DataFrame) -> pl.DataFrame:
    """Movements of payments: the bank against receivables. `payments`: billing_month, currency, amount."""
    return _of("payments", _to("bank", payments, pl.col("amount")), _to("receivables", payments, -pl.col("amount")))


def journal(movements: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The Journal of `movements`: billing_month, document, currency, account and amount (Decimal(38, 4); debit +).

    One line for each account that moved; a total below zero stands on the other side. Raises AssertionError where
    debits and credits of a month, document and currency differ: what was given to it does not hang together.
    """
    lines = (
        pl.concat(movements)
        .group_by(*_BALANCED, "account")
        .agg(pl.col("amount").sum())
        .filter(pl.col("amount") != 0)
        .sort(*_BALANCED, "account")
    )
    apart = lines.group_by(_BALANCED).agg(pl.col("amount").sum()).filter(pl.col("amount") != 0)
    if apart.height:
        raise AssertionError(f"the journal does not balance: {apart.sort(_BALANCED).row(0)}")
    amount = pl.col("amount")
    sided = lines.with_columns(
        pl.when(amount > 0).then(amount).otherwise(_ZERO).alias("debit"),
        pl.when(amount < 0).then(-amount).otherwise(_ZERO).alias("credit"),
    )
    return assert_contract(Journal, conform(Journal, sided))


def _to(account: str, rows: pl.DataFrame, amount: pl.Expr) -> pl.DataFrame:
    return rows.select(
        "billing_month", "currency", pl.lit(account).alias("account"), amount.cast(_WIDE).alias("amount")
    )


def _of(document: str, *parts: pl.DataFrame) -> pl.DataFrame:
    columns = ("billing_month", pl.lit(document).alias("document"), "currency", "account", "amount")
    return pl.concat(part.select(columns) for part in parts)
