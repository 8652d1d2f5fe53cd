"""A format of the tests whose reading is a matter of settings: local times, national numbers, calls told by two records.

Columns: id, part (empty, INVITE or BYE), caller, called, start, seconds. With a `template` of `${epoch}` the start is
seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import Assembled, Kind, Read, Reader
from transforms.mediation.records import FIELDS
from transforms.mediation.source import Source
from transforms.mediation.telephone import international
from transforms.mediation.text_lines import CsvLines
from transforms.mediation.values import epoch, local_instant

NAME = "switch"
KINDS: tuple[Kind, ...] = ("csv",)
COLUMNS = ("id", "part", "caller", "called", "start", "seconds")
_MOMENT = pl.Datetime("us", "UTC")


def _fields(rows: pl.DataFrame, start: pl.Expr) -> pl.DataFrame:
    said = rows.select(
        "record_number",
        pl.col("id").alias("record_id"),
        pl.lit("voice").alias("service"),
        pl.lit("outbound").alias("direction"),
        pl.col("caller").alias("from_number"),
        pl.col("called").alias("to_number"),
        start.alias("started_at"),
        pl.col("seconds").alias("duration_seconds"),
    )
    absent = [pl.lit(None, pl.String).alias(name) for name in FIELDS if name not in said.columns]
    return said.with_columns(absent).select("record_number", *FIELDS)


@dataclass
class SwitchLines:
    """Lines of the switch."""

    source: Source
    lines: CsvLines = field(default_factory=lambda: CsvLines(COLUMNS, COLUMNS))

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next lines."""
        found = self.lines.feed(batch["line"], last=last)
        start = pl.col("start")
        at = epoch(start) if "epoch" in self.source.template else local_instant(start, self.source.time_zone)
        rows = found.rows.with_columns(
            *(international(pl.col(name), self.source.country) for name in ("caller", "called")), at.alias("start")
        )
        parts = rows.filter(pl.col("part").is_not_null()).select(
            "record_number",
            pl.col("id").alias("event"),
            "part",
            pl.col("start").alias("at"),
            pl.struct("caller", "called").struct.json_encode().alias("content"),
        )
        fields = _fields(rows.filter(pl.col("part").is_null()), pl.col("start"))
        return Read(fields, found.unreadable, parts=parts)


def assemble(parts: pl.DataFrame) -> Assembled:
    """A call is its INVITE and its BYE."""
    ends = parts.group_by("event").agg(
        *(pl.col("at").filter(pl.col("part") == part).first().alias(part) for part in ("INVITE", "BYE")),
        pl.col("content").filter(pl.col("part") == "INVITE").first().alias("said"),
        pl.col("part").n_unique().alias("_parts"),
    )
    told = parts.join(ends, on="event", how="left")
    last = told.filter((pl.col("_parts") == 2) & (pl.col("part") == "BYE"))
    shape = pl.Struct({"caller": pl.String(), "called": pl.String()})
    rows = last.with_columns(pl.col("said").str.json_decode(shape).alias("_said")).unnest("_said")
    seconds = (pl.col("BYE") - pl.col("INVITE")).dt.total_seconds().cast(pl.String)
    fields = _fields(rows.with_columns(pl.col("event").alias("id"), seconds.alias("seconds")), pl.col("INVITE"))
    waiting = told.filter(pl.col("_parts") < 2).select(
        "file_number", "record_number", (pl.col("part") + " alone").alias("detail")
    )
    return Assembled(fields.insert_column(0, rows["file_number"]), waiting)


def recognises(head: str) -> bool:
    """Whether a text begins with the switch's header."""
    return head.startswith(",".join(COLUMNS))


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file of the switch."""
    del kind
    return SwitchLines(source)
