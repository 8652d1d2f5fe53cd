"""A format of the tests' own, whose calls are told by two lines each. No format of callbill."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import PART, Assembled, Kind, Read
from transforms.mediation.json_lines import JsonLines
from transforms.mediation.records import FIELDS
from transforms.mediation.source import Source

NAME = "pairs"
KINDS: tuple[Kind, ...] = ("json",)
_AT = pl.lit("2026-10-01T08:00:00Z")


@dataclass
class PairLines:
    """Lines that hold a begin or an end."""

    lines: JsonLines = field(default_factory=lambda: JsonLines(pl.Struct({"call": pl.String(), "what": pl.String()})))

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """Parts alone."""
        found = self.lines.feed(batch["line"], last=last)
        parts = found.rows.select(
            "record_number",
            event="call",
            part="what",
            at=_AT.str.to_datetime(time_unit="us", time_zone="UTC"),
            content=pl.lit("{}"),
        ).select(*PART)
        empty = pl.DataFrame(schema={"record_number": pl.Int64, **dict.fromkeys(FIELDS, pl.String)})
        return Read(empty, found.unreadable, parts=parts)


def recognises(head: str) -> bool:
    """Never."""
    del head
    return False


def reader(kind: Kind, source: Source) -> PairLines:
    """A reader of one file."""
    del kind, source
    return PairLines()


def assemble(parts: pl.DataFrame) -> Assembled:
    """A call that began and ended."""
    whole = parts.filter((pl.col("part") == "end") & (pl.col("part") == "begin").any().over("event"))
    said = {
        "record_id": pl.col("event"),
        "service": pl.lit("voice"),
        "direction": pl.lit("outbound"),
        "from_number": pl.lit("+33261910042"),
        "to_number": pl.lit("+33639980030"),
        "started_at": _AT,
        "duration_seconds": pl.lit("5"),
    }
    fields = whole.select("file_number", "record_number", **said)
    absent = [pl.lit(None, pl.String).alias(name) for name in FIELDS if name not in said]
    waiting = parts.join(whole, on="event", how="anti").select(
        "file_number", "record_number", detail=pl.lit("its other part is missing")
    )
    return Assembled(fields.with_columns(absent).select("file_number", "record_number", *FIELDS), waiting)
