"""Charges become bill lines: usage grouped by what a customer can check, one line per number fee (billing rule 8)."""

from __future__ import annotations

import polars as pl

from transforms.billing.money import MinorUnits, to_minor_unit
from transforms.tables.base import MONEY, assert_contract, conform
from transforms.tables.billing import BillLines
from transforms.tables.vocabulary import LINE_KINDS

LINE_KEY = (
    "account_id",
    "service",
    "direction",
    "country",
    "destination",
    "unit_price",
    "usage_month",
    "currency",
)
"""What makes usage one line: the records that share all of it."""

_ORDER = ("account_id", "_kind", "direction", "country", "destination", "unit_price", "usage_month", "number")


def usage_totals(rated: pl.LazyFrame) -> pl.LazyFrame:
    """Charges of `rated` (RatedUsage) added up by LINE_KEY: events, quantity and charge (Decimal(38, 10)).

    Legs with nothing to charge have no unit price and make no line; a price of 0 does. Totals of parts of the usage
    may be added up again by `add_up`.
    """
    quantity = (
        pl.when(pl.col("service") == "voice")
        .then(pl.col("billed_seconds"))
        .when(pl.col("direction") == "outbound")
        .then(pl.col("segments"))
        .otherwise(1)
        .cast(pl.Int64)
    )
    return (
        rated.filter(pl.col("unit_price").is_not_null())
        .group_by(LINE_KEY)
        .agg(
            pl.len().cast(pl.Int64).alias("events"),
            quantity.sum().alias("quantity"),
            pl.col("charge").cast(MONEY).sum(),
        )
    )


def bill_lines(totals: pl.DataFrame, fees: pl.DataFrame, *, month: str, minor_units: MinorUnits) -> pl.DataFrame:
    """BillLines of `totals` (from `usage_totals`) and `fees` (NumberFees), for any set of whole accounts.

    A line's amount is the sum of its charges, rounded once to the minor unit. Lines are numbered from 1 within an
    account: voice, SMS, fees, and within these by direction, country, destination, price and month of usage.
    """
    usage = totals.with_columns(
        pl.col("service").alias("kind"),
        pl.when(pl.col("service") == "voice")
        .then(pl.lit("seconds"))
        .when(pl.col("direction") == "outbound")
        .then(pl.lit("segments"))
        .otherwise(pl.lit("messages"))
        .alias("unit"),
        pl.lit(None, pl.String).alias("number"),
    )
    fee_lines = fees.select(
        "account_id",
        "country",
        "number",
        "currency",
        pl.lit("number_fee").alias("kind"),
        pl.lit("months").alias("unit"),
        pl.lit(None, pl.String).alias("direction"),
        pl.lit(None, pl.String).alias("destination"),
        pl.lit(month).alias("usage_month"),
        pl.lit(1, pl.Int64).alias("events"),
        pl.lit(1, pl.Int64).alias("quantity"),
        pl.col("monthly_fee").alias("unit_price"),
        pl.col("amount").cast(MONEY).alias("charge"),
    )
    lines = (
        pl.concat([usage.select(fee_lines.columns), fee_lines])
        .with_columns(
            pl.col("kind").replace_strict({kind: i for i, kind in enumerate(LINE_KINDS)}).alias("_kind"),
            to_minor_unit(pl.col("charge"), pl.col("currency"), minor_units).alias("amount"),
        )
        .sort(_ORDER, nulls_last=False)
        .with_columns((pl.int_range(pl.len()).over("account_id") + 1).alias("line_number"))
    )
    return assert_contract(BillLines, conform(BillLines, lines, {"billing_month": month}))
