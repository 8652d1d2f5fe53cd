"""Records of a file that has columns of its own, such as Parquet."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from transforms.mediation.contract import Read


@dataclass
class ColumnReader:
    """Reads the batches of a file that has columns of its own, such as Parquet: every value as text."""

    known: tuple[str, ...]
    required: tuple[str, ...]
    records: int = 0
    problem: str | None = None

    @property
    def lines_read(self) -> int:
        """The rows that the records took: one each."""
        return self.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The next rows. A moment is written with its offset; one without a zone stays ambiguous and is refused."""
        del last
        numbers = pl.int_range(self.records + 1, self.records + 1 + batch.height, dtype=pl.Int64, eager=True)
        self.records += batch.height
        nothing = pl.DataFrame(schema={"record_number": pl.Int64, **dict.fromkeys(self.known, pl.String)})
        unknown = [name for name in batch.columns if name not in self.known]
        missing = [name for name in self.required if name not in batch.columns]
        strange = [name for name, dtype in batch.schema.items() if dtype.is_nested() or dtype in _NO_TEXT]
        if unknown or missing or strange:
            what = (unknown or missing or strange)[0]
            why = (
                "unknown"
                if unknown
                else "missing"
                if missing
                else f"of the type {batch.schema[what]}, which is no text"
            )
            self.problem = f"column '{what}' is {why}; known are {', '.join(self.known)}"
            return Read(
                nothing,
                pl.select(
                    numbers.alias("record_number"),
                    pl.lit(None, pl.String).alias("record_id"),
                    pl.lit("unreadable").alias("reason"),
                    pl.lit(self.problem).alias("detail"),
                ),
            )
        text = [
            _as_text(name, batch.schema[name]) if name in batch.columns else pl.lit(None, pl.String).alias(name)
            for name in self.known
        ]
        return Read(batch.select(numbers.alias("record_number"), *text), nothing.select(_unreadable_columns()))


_NO_TEXT = (pl.Binary, pl.Duration, pl.Object)


def _unreadable_columns() -> list[pl.Expr]:
    return [
        pl.col("record_number"),
        *(pl.lit(None, pl.String).alias(name) for name in ("record_id", "reason", "detail")),
    ]


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is None:
            return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f").alias(name)
        return column.dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f+00:00").alias(name)
    text = column.cast(pl.String)
    if dtype.is_float():
        # Whole numbers among empty fields are often written as 2.0.
        text = text.str.strip_suffix(".0")
    return (text if name == "text" else pl.when(text != "").then(text)).alias(name)
