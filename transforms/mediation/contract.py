"""What a format of raw usage promises: how its module and its readers look from outside, and what reading gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    counts = reader if hasattr(reader, "lines_read") else getattr(reader, "lines", None)
    found: int | None = getattr(counts, "lines_read", None)
    return found


def header_problem(reader: Reader) -> str | None:
    """Why no record of its file can be read, as far as `reader` has read it: what its header or the template of the
    settings lacks, half a sentence. A property `problem` of its own or of its `LineReader`, as in `lines_read`."""
    tells = reader if hasattr(reader, "problem") else getattr(reader, "lines", None)
    found: str | None = getattr(tells, "problem", None)
    return found
