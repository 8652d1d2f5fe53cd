"""One module a format of raw usage: how its records become the fields of `mediation.records`.

A format is a module here with NAME, KINDS, `recognises(head)` and `reader(kind, source)`; the inbox folder bears its
name. One whose events are told by several records has `assemble(parts)` as well, one whose files are described beside
them DESCRIBED_BY, `problems_of` and `misfits`. One whose legs may name a call of which nothing is kept, such as one of a
browser, has PARENT_MAY_BE_NO_USAGE = True; of others such a leg is told as orphaned. Nothing else lists the formats.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Protocol, runtime_checkable

import polars as pl

from transforms.mediation.source import Source
from transforms.mediation.text_lines import Fields

Kind = Literal["csv", "json", "columns"]
"""What a file is made of: lines of CSV, lines of JSON, or columns (Parquet)."""


@dataclass(frozen=True)
class Read:
    """What a batch gave: fields (record_number and `records.FIELDS`; `started_at` may be a moment already), records that
    are unreadable (record_number, record_id, reason, detail), and how many well-formed events report no usage.

    `parts`: records that tell only a part of an event, with the columns PART. Each record of the batch is in one of the
    four. `numbers`: what of the records that report no usage tells of a telephone number, with the columns NUMBER_EVENT.
    """

    fields: pl.DataFrame
    unreadable: pl.DataFrame
    unbillable: int = 0
    parts: pl.DataFrame | None = None
    numbers: pl.DataFrame | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing but unbillable records that tell nothing."""
        frames = (self.fields, self.unreadable, self.parts, self.numbers)
        return all(frame is None or frame.is_empty() for frame in frames)


NUMBER_EVENT = {
    "record_number": pl.Int64,
    "number": pl.String,
    "change": pl.String,
    "at": pl.Datetime("us", "UTC"),
}
"""A record by which a provider tells that it assigned or unassigned a number (E.164 with +), and when."""

PART = {
    "record_number": pl.Int64,
    "event": pl.String,
    "part": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "content": pl.String,
}
"""A record that tells a part of an event: the event's name in the source, which part (`INVITE`, `BYE`), when it was, and
what else of it is needed, as JSON."""


@dataclass(frozen=True)
class Assembled:
    """What the parts of whole events come to. `fields`: file_number, record_number of the part that stands for the
    usage, and `records.FIELDS`. `waiting`: file_number, record_number and detail of parts whose event is not whole yet.
    What is in neither is told by another part's usage."""

    fields: pl.DataFrame
    waiting: pl.DataFrame


class Reader(Protocol):
    """Reads one file from its beginning, batch by batch; remembers where it is."""

    @property
    def records(self) -> int:
        """Records seen so far."""
        ...

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next batch: one String column `line`, or the file's own columns."""
        ...


class Format(Protocol):
    """A module of this package."""

    NAME: str
    KINDS: tuple[Kind, ...]

    @staticmethod
    def recognises(head: str) -> bool:
        """Whether a text that begins like this looks like the format's."""
        ...

    @staticmethod
    def reader(kind: Kind, source: Source) -> Reader:
        """A reader of one file of that kind, from that source."""
        ...


class AssemblingFormat(Format, Protocol):
    """A format whose events are told by several records. One whose every record tells the whole event in its own way,
    such as several ratings of one call, has ONE_SUFFICES = True as well."""

    @staticmethod
    def assemble(parts: pl.DataFrame) -> Assembled:
        """Usage of the `parts` (file_number and PART) of whole events, in any order: every part of an event or none."""
        ...


@runtime_checkable
class DescribedFormat(Format, Protocol):
    """A format whose files are described by a file beside them. Files that end with DESCRIBED_BY are no usage."""

    DESCRIBED_BY: str

    @staticmethod
    def problems_of(table: Mapping[str, Any]) -> list[str]:
        """What is wrong with a description (TOML, read), a sentence each."""
        ...

    @staticmethod
    def misfits(table: Mapping[str, Any], head: str) -> list[str]:
        """Why a file that begins so is not what a sound description says, a sentence each."""
        ...


class LineReader(Protocol):
    """`text_lines.CsvLines`, `text_lines.JsonLines` or `json_texts.JsonTexts`."""

    @property
    def records(self) -> int:
        """Records seen so far."""
        ...

    def feed(self, lines: pl.Series, *, last: bool) -> Fields:
        """The fields of the next lines."""
        ...


def lines_read(reader: Reader) -> int | None:
    """The lines, or rows, of its file that `reader` accounts for: a property `lines_read` of its own or of its
    `LineReader`, which it keeps as `lines`. None of a reader that does not count them, or of records over many lines."""
    if isinstance(reader, ColumnReader):
        return reader.records
    counts = reader if hasattr(reader, "lines_read") else getattr(reader, "lines", None)
    found: int | None = getattr(counts, "lines_read", None)
    return found


def header_problem(reader: Reader) -> str | None:
    """Why no record of its file can be read, as far as `reader` has read it: what its header or the template of the
    settings lacks, half a sentence. A property `problem` of its own or of its `LineReader`, as in `lines_read`."""
    tells = reader if hasattr(reader, "problem") else getattr(reader, "lines", None)
    found: str | None = getattr(tells, "problem", None)
    return found


@dataclass
class ColumnReader:
    """Reads the batches of a file that has columns of its own, such as Parquet: every value as text."""

    known: tuple[str, ...]
    required: tuple[str, ...]
    records: int = 0
    problem: str | None = None

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


def all_formats() -> dict[str, Format]:
    """The formats by name, found by looking into this package."""
    modules = (import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__))
    return {module.NAME: module for module in modules}  # type: ignore[misc]
