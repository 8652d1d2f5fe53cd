"""The ledger: credits and bills of each account in the order of time, with the balance after each (billing rule 10)."""

from __future__ import annotations

import polars as pl

from transforms.tables.base import AMOUNT_SCALE, assert_contract, conform
from transforms.tables.billing import Ledger

_WIDE = pl.Decimal(38, AMOUNT_SCALE)


def ledger(credits: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """The Ledger of `credits` (Credits) and of the prepaid `bills` (Bills, and closed_at: the last moment of the month).

    A bill takes what is paid from the balance; a bill of nothing moves nothing. Balances fall below zero where usage
    went beyond the credit: that is reported, never clipped.
    """
    credited = credits.select(
        "account_id",
        pl.col("credited_at").alias("posted_at"),
        "kind",
        pl.col("credit_id").alias("reference"),
        pl.col("amount").cast(_WIDE),
        "currency",
    )
    paid = bills.filter(pl.col("paid_from_balance") != 0).select(
        "account_id",
        pl.col("closed_at").alias("posted_at"),
        pl.lit("bill").alias("kind"),
        pl.coalesce("bill_number", "billing_month").alias("reference"),
        (-pl.col("paid_from_balance").cast(_WIDE)).alias("amount"),
        "currency",
    )
    entries = (
        pl.concat([credited, paid])
        .sort("account_id", "posted_at", "kind", "reference")
        .with_columns(
            (pl.int_range(pl.len()).over("account_id") + 1).alias("entry_number"),
            pl.col("amount").cum_sum().over("account_id").alias("balance_after"),
        )
    )
    return assert_contract(Ledger, conform(Ledger, entries))
