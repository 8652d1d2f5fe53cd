"""How old is what is owed: open items by the days since they were due."""

from __future__ import annotations

from datetime import date

import polars as pl

from transforms.tables.base import AMOUNT_SCALE

_WIDE = pl.Decimal(38, AMOUNT_SCALE)

AGES: tuple[tuple[str, int | None], ...] = (
    ("not_due", 0),
    ("days_1_30", 30),
    ("days_31_60", 60),
    ("days_61_90", 90),
    ("days_over_90", None),
)
"""Names of the ages, each with the last day after `due_on` that belongs to it."""


def open_on(entries: pl.DataFrame, due: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """What of `entries` (Receivables up to the day) is open by document on the day `on`: account_id, currency, document,
    due_on, days_overdue (0 where it is not due), age and open_amount (Decimal(38, 4)), sorted; nothing of 0.

    `due`: document and due_on. Entries that count on no document are not among them.
    """
    days = (pl.lit(on) - pl.col("due_on")).dt.total_days().clip(lower_bound=0)
    age = pl.coalesce(
        pl.when(pl.lit(last is None) | (pl.col("days_overdue") <= (last or 0))).then(pl.lit(name))
        for name, last in AGES
    )
    return (
        entries.drop_nulls("document")
        .group_by("account_id", "currency", "document")
        .agg(pl.col("amount").cast(_WIDE).sum().alias("open_amount"))
        .filter(pl.col("open_amount") != 0)
        .join(due.select("document", "due_on"), on="document", how="left")
        .with_columns(days.alias("days_overdue"))
        .with_columns(age.alias("age"))
        .select("account_id", "currency", "document", "due_on", "days_overdue", "age", "open_amount")
        .sort("account_id", "currency", "due_on", "document")
    )


def by_age(items: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Open amounts of `items` (from `open_on`) added up by the columns `by`, currency always among them: a column an
    age, and total."""
    keys = [*by, "currency"]
    amount = pl.col("open_amount")
    return (
        items.group_by(keys)
        .agg(*(amount.filter(pl.col("age") == name).sum().alias(name) for name, _ in AGES), amount.sum().alias("total"))
        .sort(keys)
    )
