"""Which bills a person should look at before they are issued."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

LEAST_HISTORY = 3
"""Bills an account must have had before its median says something."""


@dataclass(frozen=True)
class Bounds:
    """How far a bill may go: times the account's median bill, and per cent of its records in suspense."""

    median_multiple: int
    suspense_percent: int


def out_of_bounds(
    bills: pl.DataFrame, earlier: pl.DataFrame, traffic: pl.DataFrame, known: list[str], bounds: Bounds
) -> pl.DataFrame:
    """account_id and reason of each of `bills` (Bills) that is out of `bounds`; the first reason that applies.

    `earlier`: account_id and net_amount of its issued bills. `traffic`: account_id, now and before (legs charged in
    this month and the month before) and suspended (its legs in open suspense). `known`: currencies that exist.
    """
    # Of an even number of bills the greater of the two in the middle: no average, so no rounding.
    middle = (
        earlier.sort("net_amount")
        .group_by("account_id")
        .agg(pl.col("net_amount").get(pl.len() // 2).alias("middle"), pl.len().alias("bills_before"))
        .filter(pl.col("bills_before") >= LEAST_HISTORY)
    )
    count = pl.col("now", "before", "suspended").fill_null(0)
    looked_at = bills.join(middle, on="account_id", how="left").join(traffic, on="account_id", how="left")
    net, limit = pl.col("net_amount"), pl.col("middle") * bounds.median_multiple
    share = pl.col("suspended") * 100 > bounds.suspense_percent * (pl.col("suspended") + pl.col("now"))
    reason = (
        pl.when(net < 0)
        .then(pl.lit("the bill is negative"))
        .when(~pl.col("currency").is_in(known))
        .then(pl.lit("the currency is unknown"))
        .when((pl.col("middle") > 0) & (net > limit))
        .then(pl.format("the bill is more than {} times the median of the account", pl.lit(bounds.median_multiple)))
        .when((pl.col("before") > 0) & (pl.col("now") == 0))
        .then(pl.lit("there was traffic in the month before, and none in this"))
        .when((pl.col("suspended") > 0) & share)
        .then(pl.format("more than {} % of the account's records are in suspense", pl.lit(bounds.suspense_percent)))
    )
    return (
        looked_at.with_columns(count)
        .select("account_id", reason.alias("reason"))
        .drop_nulls("reason")
        .sort("account_id")
    )
