"""The ledger: credits and bills of each account in the order of time, with the balance after each (billing rule 10)."""

from __future__ import annotations

import polars as pl

from transforms.tables.base import AMOUNT_SCALE, assert_contract, conform, empty
from transforms.tables.billing import Ledger

_WIDE = pl.Decimal(38, AMOUNT_SCALE)


_ENTRY = ("account_id", "posted_at", "kind", "reference", "amount", "currency")


def ledger(
    credits: pl.DataFrame,
    bills: pl.DataFrame,
    posted: pl.DataFrame | None = None,
    adjustments: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The Ledger of `credits` (Credits), of the prepaid `bills` (Bills, and closed_at: the last moment of the month), and
    of `adjustments` (account_id, posted_at, kind, reference, amount and currency: what notes give back or take).

    Entries that are `posted` (Ledger) stand as they are; what is not among them comes behind, in the order of time.

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
    adjusted = [] if adjustments is None else [conform(Ledger, adjustments).select(_ENTRY).cast({"amount": _WIDE})]
    before = empty(Ledger) if posted is None else posted
    last = before.group_by("account_id").agg(
        pl.col("entry_number").max().alias("_entries"), pl.col("amount").cast(_WIDE).sum().alias("_balance")
    )
    zero = pl.lit("0").str.to_decimal(scale=AMOUNT_SCALE).cast(_WIDE)
    entries = (
        pl.concat([credited, paid, *adjusted])
        .join(before, on=["account_id", "kind", "reference"], how="anti")
        .join(last, on="account_id", how="left")
        .sort("account_id", "posted_at", "kind", "reference")
        .with_columns(
            (pl.int_range(pl.len()).over("account_id") + 1 + pl.col("_entries").fill_null(0)).alias("entry_number"),
            (pl.col("amount").cum_sum().over("account_id") + pl.col("_balance").fill_null(zero)).alias("balance_after"),
        )
    )
    whole = pl.concat([conform(Ledger, before), conform(Ledger, entries)]).sort("account_id", "entry_number")
    return assert_contract(Ledger, whole)
