"""A month's bill lines beside the lines it would have under other prices."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from transforms.tables.base import AMOUNT_SCALE

_WIDE = pl.Decimal(38, AMOUNT_SCALE)
_ZERO = pl.lit("0").str.to_decimal(scale=AMOUNT_SCALE).cast(_WIDE)


def compared(old: pl.DataFrame, new: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Amounts of the lines `old` and `new` (BillLines) added up by the columns `by`, currency always among them.

    Columns: `by`, currency, old, new, difference (Decimal(38, 4)); sorted by `by`.
    """
    keys = [*by, "currency"]

    def added(lines: pl.DataFrame, name: str) -> pl.DataFrame:
        return lines.group_by(keys).agg(pl.col("amount").cast(_WIDE).sum().alias(name))

    both = added(old, "old").join(added(new, "new"), on=keys, how="full", coalesce=True, nulls_equal=True)
    both = both.with_columns(pl.col("old", "new").fill_null(_ZERO))
    return both.with_columns((pl.col("new") - pl.col("old")).alias("difference")).sort(keys)


def above(accounts: pl.DataFrame, percent: int) -> pl.DataFrame:
    """Those of `accounts` (compared by account_id) that would pay more than `percent` more, the largest rise first.

    An account that paid nothing and would pay something is among them.
    """
    more = (pl.col("new") - pl.col("old")) * 100 > pl.col("old") * percent
    return accounts.filter((pl.col("difference") > 0) & more).sort("difference", "account_id", descending=[True, False])
