"""Where a record stands in its raw file, and what callbill reads there. The raw line goes nowhere from here.

The file is streamed through the inbox and the reader of its format, which counts records as loading does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import polars as pl

from pipelines.explain.words import Row
from pipelines.inputs.inbox import Batch, InboxFile, find_files, read
from pipelines.inputs.raw_bytes import UNREADABLE
from pipelines.inputs.raw_files import Content, find_contents
from pipelines.inputs.sources import source_of
from pipelines.settings import Installation
from transforms.mediation.contract import AssemblingFormat, Format, Read, Reader
from transforms.mediation.formats import all_formats
from transforms.mediation.json_lines import JsonLines
from transforms.mediation.json_texts import JsonTexts
from transforms.mediation.records import mediate
from transforms.mediation.text_lines import CsvLines

_WRITTEN = (
    "from_number",
    "to_number",
    "started_at",
    "duration_seconds",
    "forwarded_to",
    "forwarded_seconds",
    "segments",
)
"""Fields that may be shown as written once mediation has accepted them: numbers, moments and counts."""


@dataclass(frozen=True)
class RawRecord:
    """A record in its file. `line`: where it, or the page that holds it, begins in the text without compression, None where
    that is not known.

    `read` is what mediation makes of it, None where it is refused; `written` the fields behind that as they
    stand there. `stated_account`: the source names the account. `from_text`: segments counted in a text. `event`: what
    several records tell, and `told` by which of this file up to this one: record number and part.
    """

    path: Path
    line: int | None = None
    read: Row | None = None
    written: dict[str, str] = field(default_factory=dict)
    stated_account: bool = False
    from_text: bool = False
    event: str | None = None
    told: tuple[tuple[int, str], ...] = ()


def find_record(installation: Installation, usage_file: Row, record_number: int) -> RawRecord | None:
    """The record in a loaded file (a row of usage_files); None where the file is gone or has changed."""
    try:
        return _find_record(installation, usage_file, record_number)
    except UNREADABLE:
        return None


def _find_record(installation: Installation, usage_file: Row, record_number: int) -> RawRecord | None:
    formats = all_formats()
    file = _same_file(installation, usage_file, formats)
    if file is None or file.format not in formats:
        return None
    form = formats[file.format]
    try:
        source = source_of(installation, file)
    except ValueError:
        # Its description is gone, or unsound now: what was read by it then cannot be read again.
        return RawRecord(file.path)
    kind, batches = read(file, form.KINDS, installation.settings.load)
    reader = partial(form.reader, kind, source)
    line, found = read_alone(reader(), batches, record_number)
    if found.parts is not None and found.parts.height == 1:
        parts = _told_by(reader(), read(file, form.KINDS, installation.settings.load)[1], found.parts, record_number)
        told = tuple((row["record_number"], row["part"]) for row in parts.to_dicts())
        fields = cast(AssemblingFormat, form).assemble(parts.insert_column(0, pl.lit(1).alias("file_number"))).fields
        mine = fields.filter(pl.col("record_number") == record_number).drop("file_number")
        return _read_again(RawRecord(file.path, line, event=found.parts["event"].item(), told=told), mine)
    return _read_again(RawRecord(file.path, line), found.fields)


def _read_again(raw: RawRecord, fields: pl.DataFrame) -> RawRecord:
    """`raw` with what mediation makes of its `fields`, where it is one record that stands."""
    records = mediate(fields).records if fields.height == 1 else pl.DataFrame()
    if records.height != 1:
        return raw
    as_written = fields.select(_WRITTEN).row(0, named=True)
    return replace(
        raw,
        read=records.row(0, named=True),
        written={name: value for name, value in as_written.items() if isinstance(value, str)},
        stated_account=fields["account_id"].is_not_null().any(),
        from_text=fields.select(pl.col("text").is_not_null() & pl.col("segments").is_null()).item(),
    )


def find_lines(installation: Installation, usage_file: Row, record_numbers: Collection[int]) -> dict[int, int]:
    """The lines on which records of a loaded file (a row of usage_files) begin, as far as they can be told, in one reading
    of the file; none where the file is gone or has changed."""
    try:
        return _find_lines(installation, usage_file, record_numbers)
    except UNREADABLE:
        return {}


def _find_lines(installation: Installation, usage_file: Row, record_numbers: Collection[int]) -> dict[int, int]:
    formats = all_formats()
    file = _same_file(installation, usage_file, formats)
    if file is None or file.format not in formats:
        return {}
    form = formats[file.format]
    try:
        source = source_of(installation, file)
    except ValueError:
        return {}
    kind, batches = read(file, form.KINDS, installation.settings.load)
    reader = form.reader(kind, source)
    lines = _lines_of(reader)
    if isinstance(lines, JsonTexts):
        lines = lines.whole
    if kind == "columns" or not isinstance(lines, (CsvLines, JsonLines)):
        return {}
    lines.where = frozenset(record_numbers)
    for batch in batches:
        reader.feed(batch.frame, last=batch.last)
    return lines.begins


def _lines_of(reader: Reader) -> OneRecord | None:
    return next((value for value in vars(reader).values() if isinstance(value, OneRecord)), None)


def _same_file(installation: Installation, usage_file: Row, formats: dict[str, Format]) -> InboxFile | None:
    """The very content that was loaded: where it was found then, else anywhere in the inbox."""
    wanted = Content(*(usage_file[name] for name in ("path", "format", "bytes", "file_id")))
    return find_contents(find_files(installation, formats)[0], [wanted], installation.settings.load)[0]


@runtime_checkable
class OneRecord(Protocol):
    """Readers of texts that can read one record alone, and tell its line: `CsvLines`, `JsonLines`, `JsonTexts`."""

    only: int

    @property
    def line(self) -> int | None:
        """Where it begins."""
        ...


def read_alone(reader: Reader, batches: Iterator[Batch], wanted: int) -> tuple[int | None, Read]:
    """The line on which record `wanted` begins, where it can be told, and what is read of that record alone."""
    lines = _lines_of(reader)
    if lines is not None:
        lines.only = wanted
    found = Read(pl.DataFrame(), pl.DataFrame())
    for batch in batches:
        if not batch.frame.width:
            continue
        found = _of(reader.feed(batch.frame, last=batch.last), pl.col("record_number") == wanted)
        if found.fields.height or found.unreadable.height or (found.parts is not None and found.parts.height):
            break
    return lines.line if lines is not None else None, found


def _of(found: Read, wanted: pl.Expr) -> Read:
    parts = None if found.parts is None else found.parts.filter(wanted)
    return Read(found.fields.filter(wanted), found.unreadable.filter(wanted), parts=parts)


def _told_by(reader: Reader, batches: Iterator[Batch], part: pl.DataFrame, wanted: int) -> pl.DataFrame:
    """The parts of the event of `part` (one row of PART) that stand in this file up to record `wanted`."""
    found = [part.clear()]
    for batch in batches:
        parts = reader.feed(batch.frame, last=batch.last).parts if batch.frame.width else None
        if parts is not None:
            mine = parts.join(part, on="event", how="semi").filter(pl.col("record_number") <= wanted)
            found.append(mine.select(part.columns))
        if reader.records >= wanted:
            break
    return pl.concat(found)
