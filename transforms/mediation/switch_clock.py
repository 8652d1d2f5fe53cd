"""Local times of a switch whose channels are named by the second in which they began, such as `1790841600.12`."""

from __future__ import annotations

import polars as pl

from transforms.mediation.values import epoch, local_instant

_BEGUN = r"([0-9]{9,11})\.[0-9]+$"


def with_moment(
    rows: pl.DataFrame, column: str, zone: str, *, channel: str, written: str = "%Y-%m-%d %H:%M:%S"
) -> pl.DataFrame:
    """`rows` with `_moment`: the time in `column` by the clocks of `zone`, as UTC; null where it is no such time.

    In the hour that the clocks repeat, the epoch in the name of the `channel` tells which of the two: nothing happens
    on a channel before it began. Where the channel tells nothing, it is the first.
    """
    rows = rows.with_columns(
        local_instant(pl.col(column), zone, written).alias("_moment"),
        local_instant(pl.col(column), zone, written, ambiguous="latest").alias("_second"),
    )
    if not (rows["_moment"] == rows["_second"]).fill_null(True).all():
        twice = pl.when(pl.col("_moment") != pl.col("_second")).then(channel)
        begun = epoch(twice.str.extract(_BEGUN)) - pl.duration(seconds=2)
        later = (pl.col("_moment") < begun) & (pl.col("_second") >= begun)
        rows = rows.with_columns(pl.when(later).then("_second").otherwise("_moment").alias("_moment"))
    return rows.drop("_second")
