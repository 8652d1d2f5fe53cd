"""One event is billed once: records that say the same again, and records that contradict an earlier one.

Two records with the same format, service and record_id are one event. What is compared is all that callbill keeps
of a record; texts are compared by their length and segments, as nothing else of them is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from transforms.tables.base import conform
from transforms.tables.usage import Duplicates

EVENT = ("format", "service", "record_id")
"""What names an event across files."""


def find_duplicates(candidates: pl.DataFrame, *, behind: Sequence[str] = ()) -> pl.DataFrame:
    """Which of `candidates` (UsageRecords, whole events: every record of a name or none) repeat an earlier record.

    Columns beyond those of UsageRecords are content as well, such as whether a forwarded leg was refused; but for those
    of `behind`: a record for which one is true stands behind those for which it is false, wherever they are found.

    Returns Duplicates, one row a repeated record. The first found, by file and position, stands; a later record
    with the same content is a duplicate, one with other content is conflicting (contract, reasons).
    """
    ordered = candidates.sort(*behind, "file_number", "record_number")
    content = [name for name in candidates.columns if name not in (*EVENT, *behind, "file_number", "record_number")]
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).first().over(EVENT)) for name in content)
    marked = ordered.with_columns(
        pl.col("file_number").first().over(EVENT).alias("first_file_number"),
        pl.col("record_number").first().over(EVENT).alias("first_record_number"),
        (~same).alias("conflicting"),
        pl.int_range(pl.len()).over(EVENT).alias("_position"),
    )
    return conform(Duplicates, marked.filter(pl.col("_position") > 0))
