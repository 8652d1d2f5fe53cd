"""Any CSV that a TOML file beside it describes: which column is which field, and how its values are written.

Specification: docs/formats/table.md; what the TOML file may say: transforms/mediation/description.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from transforms.mediation.contract import Kind, Read, Reader
from transforms.mediation.description import EPOCHS, JOINED_BY, OTHERWISE, Description, described
from transforms.mediation.records import FIELDS
from transforms.mediation.source import Source
from transforms.mediation.telephone import international
from transforms.mediation.text_lines import CsvLines, header_names
from transforms.mediation.values import epoch, instant, local_instant
from transforms.tables.vocabulary import UNSTATED

NAME = "table"
KINDS: tuple[Kind, ...] = ("csv",)
DESCRIBED_BY = ".toml"

_NUMBERS = ("from_number", "to_number", "forwarded_to")
_DURATIONS = ("duration_seconds", "forwarded_seconds")
_WITHHELD = "anonymous"


def problems_of(table: Mapping[str, Any]) -> list[str]:
    """What is wrong with a description, a sentence each."""
    return described(table)[1]


def misfits(table: Mapping[str, Any], head: str) -> list[str]:
    """The columns that a file lacks whose first lines are `head`, a sentence each."""
    description, _ = described(table)
    lines = head.split("\n")[description.lines_before : -1]
    if description.names or not lines:
        return []
    names = header_names(lines[0], description.delimiter)
    place = f"line {description.lines_before + 1} of the file"
    missing = [f"column '{name}' is not among those of {place}" for name in description.used if name not in names]
    return missing + [f"column '{name}' stands twice in {place}" for name in description.used if names.count(name) > 1]


@dataclass
class TableLines:
    """Lines of a CSV as `description` has it, from `source`."""

    lines: CsvLines
    description: Description
    source: Source

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next lines; those that a condition of the description leaves out are counted only."""
        found = self.lines.feed(batch["line"], last=last)
        usage = found.rows.filter(self._is_usage())
        return Read(self._fields(usage), found.unreadable, unbillable=found.rows.height - usage.height)

    def _is_usage(self) -> pl.Expr:
        conditions = [_word(pl.col(name)).is_in(words) for name, words in self.description.only.items()]
        conditions += [~_word(pl.col(name)).is_in(words) for name, words in self.description.skip.items()]
        return pl.all_horizontal(pl.lit(True), *conditions)

    def _fields(self, rows: pl.DataFrame) -> pl.DataFrame:
        said = {name: self._said(name) for name in FIELDS if name != "started_at"}
        mapped = rows.select("record_number", _moment(self.description, self.source), **said)
        if "direction" not in {**self.description.columns, **self.description.constants}:
            mapped = mapped.with_columns(pl.lit(UNSTATED).alias("direction"))
        withheld = pl.col("direction").is_in((UNSTATED, "inbound")) & pl.col("from_number").is_null()
        caller = pl.when(withheld).then(pl.lit(_WITHHELD)).otherwise("from_number")
        return mapped.with_columns(caller.alias("from_number")).select("record_number", *FIELDS)

    def _said(self, name: str) -> pl.Expr:
        """A field as text, before the rules judge it."""
        if name in self.description.constants:
            return pl.lit(self.description.constants[name])
        if name not in self.description.columns:
            return pl.lit(None, pl.String)
        value = _joined(self.description.columns[name], JOINED_BY.get(name, ""))
        if name in self.description.values:
            return _mapped(value, self.description.values[name])
        if name in _NUMBERS and not self.description.international:
            return international(value, self.description.country or self.source.country)
        return _seconds(value, self.description.unit) if name in _DURATIONS else value


def _joined(columns: tuple[str, ...], mark: str) -> pl.Expr:
    """One column, or several with `mark` between them: null where one of them is empty."""
    return pl.col(columns[0]) if len(columns) == 1 else pl.concat_str(columns, separator=mark)


def _word(text: pl.Expr) -> pl.Expr:
    return text.fill_null("").str.strip_chars(" ").str.to_lowercase()


def _mapped(value: pl.Expr, words: Mapping[str, str]) -> pl.Expr:
    """The standard word; what is not named stays as it is, for the rules to judge."""
    named = {word: standard for word, standard in words.items() if word != OTHERWISE}
    otherwise = pl.lit(words[OTHERWISE]) if OTHERWISE in words else value
    word = _word(value)
    left = pl.when(word == "").then(pl.lit(None, pl.String)).otherwise(otherwise)
    return pl.when(word.is_in(list(named))).then(word.replace(named)).otherwise(left)


def _moment(description: Description, source: Source) -> pl.Expr:
    columns, written = description.columns.get("started_at"), description.time_format
    text = _joined(columns, JOINED_BY["started_at"]) if columns else pl.lit(None, pl.String)
    if written in EPOCHS:
        found = epoch(text, EPOCHS[written])
    elif written == "iso":
        found = instant(text)
    elif "z" in written.replace("%%", ""):
        found = text.str.to_datetime(written, time_unit="us", time_zone="UTC", strict=False, exact=True)
    else:
        found = local_instant(text, description.zone or source.time_zone, written)
    return found.alias("started_at")


_DECIMAL = r"^[0-9]{1,16}(?:\.[0-9]{1,15})?$"
_CLOCK = r"^(?:([0-9]{1,6}):)?([0-9]{1,2}):([0-5]?[0-9])(\.[0-9]{1,9})?$"


def _seconds(text: pl.Expr, unit: str) -> pl.Expr:
    """A duration in `unit` as seconds, still text. What is none stays as it is, with the unit behind it where it could
    be taken for seconds."""
    if unit == "seconds":
        return text
    if unit == "h:m:s":
        hours, minutes, seconds = (text.str.extract(_CLOCK, part).cast(pl.Int64, strict=False) for part in (1, 2, 3))
        found = (hours.fill_null(0) * 3600 + minutes * 60 + seconds).cast(pl.String)
        value = found + text.str.extract(_CLOCK, 4).fill_null("")
    else:
        number = pl.when(text.str.contains(_DECIMAL)).then(text).cast(pl.Decimal(38, 18), strict=False)
        value = (number * 60 if unit == "minutes" else number / 1000).cast(pl.String)
    strange = pl.when(text.str.contains(r"^[0-9.]+$")).then(text + pl.lit(f" {unit}")).otherwise(text)
    return pl.coalesce(value, strange)


def recognises(head: str) -> bool:
    """Never: such a file is known by what lies beside it."""
    del head
    return False


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file, as `source.table` describes it."""
    del kind
    description, _ = described(source.table)
    if description.names:
        lines = CsvLines(
            known=description.names,
            delimiter=description.delimiter,
            shapes={len(description.names): list(description.names)},
            skipped=description.lines_behind,
            before=description.lines_before,
        )
    else:
        lines = CsvLines(
            known=description.used,
            required=description.used,
            delimiter=description.delimiter,
            others=True,
            skipped=description.lines_behind,
            before=description.lines_before,
        )
    return TableLines(lines, description, source)
