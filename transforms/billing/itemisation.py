"""Every leg of a bill as its customer reads it: the rows of its CSV and its annex, and what was spent on each day."""

from __future__ import annotations

import polars as pl

from transforms.billing.spreadsheet import safe_text

ITEM_ORDER = ["account_id", "started_at", "usage_id"]
"""The order of an itemisation."""

ITEM_COLUMNS = (
    "started_at",
    "service",
    "direction",
    "own_number",
    "other_number",
    "destination",
    "country",
    "status",
    "billable_seconds",
    "billed_seconds",
    "segments",
    "unit_price",
    "connection_fee",
    "charge",
    "currency",
    "usage_month",
    "linked_id",
    "record_id",
)
"""The columns of the CSV."""

_TEXTS = ("other_number", "destination", "linked_id", "record_id")


def itemised(usage: pl.DataFrame, *, time_zone: str) -> pl.DataFrame:
    """account_id and the columns of the CSV, from rated `usage` (RatedUsage), ordered within each account."""
    return as_read(usage, time_zone=time_zone).select("account_id", *ITEM_COLUMNS)


def as_read(usage: pl.DataFrame, *, time_zone: str) -> pl.DataFrame:
    """Rated `usage` in the order of an itemisation, its columns as customers read them.

    Moments are local with their offset (2026-10-05T09:12:41+0200); texts that others chose cannot begin a formula.
    """
    local = pl.col("started_at").dt.convert_time_zone(time_zone).dt.strftime("%Y-%m-%dT%H:%M:%S%z")
    return usage.sort(ITEM_ORDER).with_columns(
        local.alias("started_at"), *(safe_text(column).alias(column) for column in _TEXTS)
    )


def spent_per_day(usage: pl.DataFrame, *, time_zone: str) -> pl.DataFrame:
    """account_id, day (local date) and charge: what rated `usage` (RatedUsage) came to on each day."""
    day = pl.col("started_at").dt.convert_time_zone(time_zone).dt.date().alias("day")
    return (
        usage.filter(pl.col("charge") != 0)
        .group_by("account_id", day)
        .agg(pl.col("charge").sum())
        .sort("account_id", "day")
    )


def forwarding_accounts(usage: pl.DataFrame) -> pl.DataFrame:
    """account_id of accounts with a call that was forwarded: a leg of its own of an inbound record, or an outbound leg
    that is tied to an inbound one."""
    calls = usage.filter(pl.col("service") == "voice")
    tied = (
        calls.filter(pl.col("linked_id").is_not_null())
        .group_by("account_id", "linked_id")
        .agg(pl.col("direction").n_unique().alias("directions"))
        .filter(pl.col("directions") == 2)
    )
    second = calls.filter(pl.col("leg") == "forwarded")
    return pl.concat([tied.select("account_id"), second.select("account_id")]).unique().sort("account_id")
