"""Draft bills become issued ones: a number from a gapless series, and the moment of issue (billing rule 8)."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from transforms.tables.base import assert_contract, conform
from transforms.tables.billing import Bills

DIGITS = 6


def numbers(series: pl.Expr, position: pl.Expr) -> pl.Expr:
    """The number of a document: its series, prefix and year, and its position there, as `R-2026-000001`."""
    return pl.concat_str(series, pl.lit("-"), position.cast(pl.String).str.zfill(DIGITS))


def issued(bills: pl.DataFrame, *, prefix: str, first: int, at: datetime) -> pl.DataFrame:
    """`bills` (Bills of one month) as issued at the moment `at`, numbered from `first` in the order of the accounts.

    The series is that of the month's year: `2026-000001`, with `prefix` before it.
    """
    series = pl.concat_str(pl.lit(prefix), pl.col("billing_month").str.slice(0, 4))
    number = numbers(series, pl.int_range(pl.len(), dtype=pl.Int64) + first)
    numbered = bills.sort("account_id").with_columns(
        number.alias("bill_number"),
        pl.lit("issued").alias("status"),
        pl.lit(at).alias("issued_at"),
    )
    return assert_contract(Bills, conform(Bills, numbered))
