"""Where a record stands in its raw file, and what callbill reads there. The raw line goes nowhere from here.

The file is streamed through the inbox and the readers of its format, which count records as loading does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.explain.words import Row
from pipelines.inbox import Batch, InboxFile, find_content, find_files, read
from pipelines.settings import Installation
from pipelines.sources import source_of
from transforms.mediation.formats import Format, Kind, Reader, all_formats
from transforms.mediation.json_texts import JsonTexts
from transforms.mediation.records import mediate
from transforms.mediation.text_lines import CsvLines, Fields, JsonLines, unreadable_frame

_WRITTEN = (
    "from_number",
    "to_number",
    "started_at",
    "duration_seconds",
    "forwarded_to",
    "forwarded_seconds",
    "segments",
)
"""Fields that may be shown as written once mediation has accepted them: numbers, moments that the format leaves to
mediation, and counts."""


@dataclass(frozen=True)
class RawRecord:
    """A record in its file. `line`: where it begins in the text without compression, None in a Parquet file.

    `read` is what mediation makes of it, None where it is refused; `written` the fields behind that as they
    stand there. `stated_account`: the source names the account. `from_text`: segments counted in a text.
    """

    path: Path
    line: int | None = None
    read: Row | None = None
    written: dict[str, str] = field(default_factory=dict)
    stated_account: bool = False
    from_text: bool = False


def find_record(installation: Installation, usage_file: Row, record_number: int) -> RawRecord | None:
    """The record in a loaded file (a row of usage_files); None where the file is gone or has changed."""
    formats = all_formats()
    file = _same_file(installation, usage_file, formats)
    if file is None or file.format not in formats:
        return None
    form = formats[file.format]
    kind, batches = read(file, form.KINDS, installation.settings.load)
    reader = partial(form.reader, kind, source_of(installation, file))
    line, piece = _places(kind, batches, reader(), record_number)
    if piece is None:
        return RawRecord(file.path, line)
    found = reader().feed(piece, last=True).fields
    if found.height != 1:
        return RawRecord(file.path, line)
    records = mediate(found).records
    if records.height != 1:
        return RawRecord(file.path, line)
    as_written = found.select(_WRITTEN).row(0, named=True)
    return RawRecord(
        file.path,
        line,
        records.row(0, named=True),
        {name: value for name, value in as_written.items() if isinstance(value, str)},
        stated_account=found["account_id"].is_not_null().any(),
        from_text=found.select(pl.col("text").is_not_null() & pl.col("segments").is_null()).item(),
    )


def find_lines(installation: Installation, usage_file: Row, record_numbers: Collection[int]) -> dict[int, int]:
    """The lines on which records of a loaded file (a row of usage_files) begin, as far as they can be told, in one reading
    of the file."""
    formats = all_formats()
    file = _same_file(installation, usage_file, formats)
    if file is None or file.format not in formats:
        return {}
    form = formats[file.format]
    kind, batches = read(file, form.KINDS)
    lines = getattr(form.reader(kind, source_of(installation, file)), "lines", None)
    if kind != "columns" and isinstance(lines, CsvLines):
        places = CsvPlaces(**_as_told(lines), every=frozenset(record_numbers))
        for batch in batches:
            places.feed(batch.frame["line"], last=batch.last)
        return places.begins
    found: dict[int, int] = {}
    if kind != "columns" and isinstance(lines, JsonLines):
        passed = records = 0
        for batch in batches:
            full = _full_lines(batch)
            mine = (number for number in record_numbers if records < number <= records + len(full))
            found.update({number: passed + int(full[number - records - 1]) + 1 for number in mine})
            passed, records = passed + batch.frame.height, records + len(full)
    return found


def _full_lines(batch: Batch) -> pl.Series:
    """The places of the lines that are not blank."""
    return (batch.frame["line"].str.strip_chars(" \t\r\ufeff") != "").arg_true()


def _same_file(installation: Installation, usage_file: Row, formats: dict[str, Format]) -> InboxFile | None:
    """The very content that was loaded: where it was found then, else anywhere in the inbox."""
    wanted = [usage_file[name] for name in ("path", "format", "bytes", "file_id")]
    there = find_files(installation, formats)[0]
    return find_content([file for file in there if file.name == wanted[0]], *wanted) or find_content(there, *wanted)


def _places(
    kind: Kind, batches: Iterator[Batch], reader: Reader, wanted: int
) -> tuple[int | None, pl.DataFrame | None]:
    """The line on which record `wanted` begins, and a file of that record alone for the format's reader."""
    if kind == "columns":
        return None, _row(batches, wanted)
    lines = getattr(reader, "lines", None)
    if isinstance(lines, CsvLines):
        return _line_of_csv(batches, CsvPlaces(**_as_told(lines), wanted=wanted))
    if isinstance(lines, JsonLines):
        return _line_of_json(batches, wanted)
    if isinstance(lines, JsonTexts):
        return _line_of_json(batches, wanted, JsonPlaces(lines.schema, lines.pages, wanted=wanted))
    return None, None


def _as_told(lines: CsvLines) -> dict[str, Any]:
    """How the format has its files read."""
    return {item.name: getattr(lines, item.name) for item in fields(CsvLines) if item.name not in _OF_THE_FILE}


_OF_THE_FILE = ("problem", "records", "_begun", "_carried")
"""What `CsvLines` learns while it reads; the rest is how the format has its files read."""


def _row(batches: Iterator[Batch], wanted: int) -> pl.DataFrame | None:
    passed = 0
    for batch in batches:
        if passed < wanted <= passed + batch.frame.height:
            return batch.frame.slice(wanted - passed - 1, 1)
        passed += batch.frame.height
    return None


def _line_of_json(
    batches: Iterator[Batch], wanted: int, texts: JsonPlaces | None = None
) -> tuple[int | None, pl.DataFrame | None]:
    """Blank lines are no records, as `JsonLines` has it. Where `texts` are no lines, on which one is not told."""
    lines = records = 0
    for batch in batches:
        line = batch.frame["line"]
        if texts is not None and texts.in_lines(line) is False:
            texts.feed(line, last=batch.last)
            if texts.found is not None:
                return None, pl.DataFrame({"line": [texts.found]})
            continue
        full = _full_lines(batch)
        if records < wanted <= records + len(full):
            place = int(full[wanted - records - 1])
            return lines + place + 1, batch.frame.slice(place, 1)
        lines, records = lines + len(line), records + len(full)
    return None, None


@dataclass
class JsonPlaces(JsonTexts):
    """Counts the records of JSON texts as `JsonTexts` does, up to the record `wanted`; `found` is then its text."""

    wanted: int = 0
    found: str | None = None

    def _read(self, objects: list[str]) -> Fields:
        place = self.wanted - self.records - 1
        if 0 <= place < len(objects):
            self.found = objects[place]
        return super()._read(objects)


@dataclass
class CsvPlaces(CsvLines):
    """Counts the records of a CSV file as `CsvLines` does, but reads no fields, up to the record `wanted`.

    `found` is then the line on which it begins, and its text, which may run over several lines. `begins`: the lines on
    which the records of `every` begin.
    """

    wanted: int = 0
    found: tuple[int, str] | None = None
    every: frozenset[int] = frozenset()
    begins: dict[int, int] = field(default_factory=dict)
    _passed: int = 1

    def _join_broken(self, table: pl.DataFrame, *, last: bool) -> pl.DataFrame:
        joined = super()._join_broken(table, last=last)
        self.problem = None
        spans = joined["line"].str.count_matches("\n", literal=True).cast(pl.Int64) + 1
        begins = (spans.cum_sum() - spans + self._passed + 1).alias("_begins")
        self._passed += int(spans.sum())
        return joined.with_columns(begins)

    def _split(self, table: pl.DataFrame) -> Fields:
        here = table.filter(pl.col("record_number") == self.wanted)
        if here.height:
            self.found = here["_begins"].item(), here["line"].item()
        if self.every:
            rows = table.filter(pl.col("record_number").is_in(list(self.every)))
            self.begins.update(rows.select("record_number", "_begins").iter_rows())
        return Fields(self._nothing(), unreadable_frame())


def _line_of_csv(batches: Iterator[Batch], places: CsvPlaces) -> tuple[int | None, pl.DataFrame | None]:
    header = None
    for batch in batches:
        lines = batch.frame["line"]
        if header is None and len(lines):
            header = lines[0]
        places.feed(lines, last=batch.last)
        if places.found:
            line, text = places.found
            return line, pl.DataFrame({"line": [header, text]})
    return None, None
