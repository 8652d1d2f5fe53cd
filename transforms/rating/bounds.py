"""How far one record may go before a person looks at it. Whole bills have bounds of their own (billing/bounds.py)."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class RecordBounds:
    """[bounds]: `record_seconds` of a leg and `record_amount` of its charge, in whole units of its currency, above which
    it waits in suspense; 0: no bound.

    By itself no leg lasts longer than the longest month. What is a large amount depends on the currency, so that by itself
    none is.
    """

    record_seconds: int = 31 * 86_400
    record_amount: int = 0

    def too_long(self) -> pl.Expr:
        """Whether `billable_seconds` are more than the bound."""
        return pl.col("billable_seconds") > self.record_seconds if self.record_seconds else pl.lit(False)

    def too_dear(self) -> pl.Expr:
        """Whether `charge` is more than the bound."""
        return pl.col("charge") > self.record_amount if self.record_amount else pl.lit(False)


UNBOUNDED = RecordBounds(record_seconds=0, record_amount=0)
