"""A forwarded call is two legs, each charged by its own duration and price (billing rule 4)."""

from __future__ import annotations

import polars as pl


def legs(records: pl.DataFrame) -> pl.DataFrame:
    """The legs of `records` (columns of UsageRecords): every record as leg `main`, and the `forwarded` legs.

    The forwarded leg goes out from the number that was called, to the number forwarded to. Adds column `leg`, drops
    forwarded_to and forwarded_seconds. A leg whose duration the source does not tell has no billable_seconds, and waits
    in suspense when it is rated.
    """
    main = records.drop("forwarded_to", "forwarded_seconds").with_columns(pl.lit("main").alias("leg"))
    forwarded = records.filter(pl.col("forwarded_to").is_not_null())
    if forwarded.is_empty():
        return main
    second = forwarded.with_columns(
        pl.lit("outbound").alias("direction"),
        pl.col("forwarded_to").alias("other_number"),
        pl.col("forwarded_seconds").alias("billable_seconds"),
        pl.when(pl.col("forwarded_seconds") == 0)
        .then(pl.lit("no_answer"))
        .otherwise(pl.lit("answered"))
        .alias("status"),
        pl.lit("forwarded").alias("leg"),
    )
    return pl.concat([main, second.select(main.columns)])
