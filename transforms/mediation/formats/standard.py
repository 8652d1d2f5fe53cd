"""callbill's own usage format: CSV, JSON lines or Parquet with the fields of `mediation.records`.

Specification: docs/formats/standard.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from transforms.mediation.column_records import ColumnReader
from transforms.mediation.contract import Kind, LineReader, Read, Reader
from transforms.mediation.json_lines import JsonLines
from transforms.mediation.records import FIELDS
from transforms.mediation.source import Source
from transforms.mediation.text_lines import CsvLines
from transforms.mediation.values import said

NAME = "standard"
KINDS: tuple[Kind, ...] = ("csv", "json", "columns")
REQUIRED = ("record_id", "service", "direction", "from_number", "to_number", "started_at")


@dataclass
class StandardLines:
    """Lines that hold the fields as they are."""

    lines: LineReader

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next lines."""
        fields = self.lines.feed(batch["line"], last=last)
        rows = fields.rows
        if isinstance(self.lines, JsonLines):
            # A JSON field may be written as an empty string; only of a text does that say something.
            names = [name for name in FIELDS if name != "text"]
            rows = rows.with_columns(said(names))
        return Read(rows, fields.unreadable)


def recognises(head: str) -> bool:
    """Whether a text begins with the format's own field names."""
    first = head.split("\n", 1)[0]
    return all(name in first for name in REQUIRED)


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file of the standard format."""
    del source
    if kind == "columns":
        return ColumnReader(known=FIELDS, required=REQUIRED)
    if kind == "json":
        return StandardLines(JsonLines(pl.Struct(dict.fromkeys(FIELDS, pl.String()))))
    return StandardLines(CsvLines(known=FIELDS, required=REQUIRED))
