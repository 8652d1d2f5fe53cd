"""From what a control measured to its verdict: a control passes when nothing differs, and nothing else.

One that reports only passes whatever it found.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from transforms.tables.base import assert_contract, conform
from transforms.tables.control import Controls


def verdicts(measured: pl.DataFrame, *, month: str, reporting: Collection[str] = ()) -> pl.DataFrame:
    """Controls of `measured`: control, currency ('' for counts), expected, actual and difference (Decimal(38, 10)), and
    findings; `reporting` are the names of those that pass always.

    `difference` adds up row by row without sign, so that two faults never cancel out.
    """
    same = (pl.col("difference") == 0) & (pl.col("expected") == pl.col("actual"))
    passed = same | pl.col("control").is_in(list(reporting))
    frame = measured.with_columns(passed.alias("passed")).sort("control", "currency")
    return assert_contract(Controls, conform(Controls, frame, {"billing_month": month}))
