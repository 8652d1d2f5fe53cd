"""Records of a provider's interface, as JSON or as the CSV that its console exports: the same fields, spelled differently.

What the fields mean is a matter of each format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from transforms.mediation.contract import Kind, LineReader, Read
from transforms.mediation.json_texts import JsonTexts
from transforms.mediation.records import with_all_fields
from transforms.mediation.text_lines import CsvLines
from transforms.mediation.values import said

BILLABLE = "billable"
"""The column by which a format says whether a record is usage at all."""


def spelling(known: Sequence[str], others: Mapping[str, str]) -> Callable[[str], str]:
    """How a header of `known` fields may be written: in any case, with blanks, underscores or none between its words.

    `others`: further names, in small letters without anything between, and the field that each means. A name that means
    none stays as it is. With `num_segments` known, `NumSegments` and `Num Segments` are it.
    """
    names = {_letters(name): name for name in known} | dict(others)
    return lambda written: names.get(_letters(written), written)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@dataclass
class InterfaceRecords:
    """Reads one file. `usage` makes of the fields as they stand there (record_number and the known ones, empty ones
    missing) the columns record_number, `BILLABLE` and those of `records.FIELDS` that the format knows."""

    lines: LineReader
    usage: Callable[[pl.DataFrame], pl.DataFrame]

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next lines; what is no usage is counted only."""
        found = self.lines.feed(batch["line"], last=last)
        told = self.usage(found.rows.with_columns(said([n for n in found.rows.columns if n != "record_number"])))
        fields = with_all_fields(told.filter(pl.col(BILLABLE)))
        return Read(fields, found.unreadable, unbillable=told.height - fields.height)


def interface_records(
    kind: Kind,
    usage: Callable[[pl.DataFrame], pl.DataFrame],
    *,
    known: Sequence[str],
    required: Sequence[str | tuple[str, ...]],
    pages: Sequence[str],
    others: Mapping[str, str],
) -> InterfaceRecords:
    """A reader of one file: `pages` are where JSON pages hold their records, `required` and `others` tell of CSV headers."""
    lines: LineReader
    if kind == "csv":
        lines = CsvLines(known, required, others=True, spelled=spelling(known, others))
    else:
        lines = JsonTexts(pl.Struct(dict.fromkeys(known, pl.String())), pages)
    return InterfaceRecords(lines, usage)
