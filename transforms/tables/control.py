"""What the controls found."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Table

Measure = Annotated[pl.Decimal, 38, 10]
"""A count or an amount that a control compares."""


class Controls(Table):
    """Nothing lost, nothing twice, the totals agree: one row a control, month and currency."""

    _key: ClassVar = ("billing_month", "control", "currency")

    billing_month: str = pa.Field(description="Month whose run was controlled.")
    control: str = pa.Field(description="Name of the control.")
    currency: str = pa.Field(description="Currency of the figures; empty for counts.")
    expected: Measure = pa.Field(description="What must be.")
    actual: Measure = pa.Field(description="What is.")
    difference: Measure = pa.Field(description="actual - expected, or the sum of differences row by row.")
    passed: bool = pa.Field(description="Whether the control allows the month to be published.")
    findings: str = pa.Field(
        description="Records, legs or files that differ, the first twenty, separated by semicolons; empty where none is known."
    )
