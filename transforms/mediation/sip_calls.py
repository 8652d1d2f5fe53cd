"""Whole calls (CDRs) of OpenSIPS and Kamailio in CSV with a header: a row is a call that was answered or not."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import Read
from transforms.mediation.records import with_all_fields
from transforms.mediation.sip_words import dialog, is_extension, moment, number, status
from transforms.mediation.source import Source
from transforms.mediation.text_lines import CsvLines
from transforms.tables.vocabulary import UNSTATED

_DELIMITERS = ",;\t|"
_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "cdr_id"),
    "callid": ("callid", "call_id", "sip_call_id"),
    "from_tag": ("from_tag", "sip_from_tag"),
    "to_tag": ("to_tag", "sip_to_tag"),
    "sip_code": ("sip_code",),
    "start": ("start_time", "time"),
    "duration": ("duration",),
    "milliseconds": ("ms_duration",),
    "caller": ("caller", "src_user", "caller_id", "from_user", "src"),
    "callee": ("callee", "dst_user", "dst_ouser", "callee_id", "to_user", "dst"),
    "account": ("account", "account_id"),
}
"""What is read, and the columns that may hold it: the first that says something."""

_NEEDED = (
    (*_NAMES["callid"], *_NAMES["id"]),
    *(_NAMES["start"], _NAMES["duration"], _NAMES["callee"]),
)
"""What an export must name; the other columns may be missing."""

_KNOWN = tuple(name for names in _NAMES.values() for name in names)
_LEAST_NAMED = 3
"""So many columns of an export make a line a header; no accounting line holds their names."""

_NEVER = "2000-01-01 00:00:00"
"""Kamailio's table `acc_cdrs` has this start where there is none."""


def plain(name: str) -> str:
    """The name of a column as the tables have it."""
    return name.strip().lower()


def columns_of(line: str) -> tuple[str, list[str]] | None:
    """The delimiter and the columns of a header in small letters, or None where the line is no header of whole calls."""
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([line.removeprefix("\ufeff").rstrip("\r")], delimiter=delimiter), [])
        except csv.Error:
            continue
        names = [plain(name) for name in names]
        timed = "duration" in names and any(name in names for name in _NAMES["start"])
        if timed or len(set(names) & set(_KNOWN)) >= _LEAST_NAMED:
            return delimiter, names
    return None


def is_calls(head: str, columns: tuple[str, ...]) -> bool:
    """Whether a text begins with a header of whole calls that has these `columns`."""
    found = columns_of(head.lstrip().split("\n", 1)[0])
    return found is not None and set(columns) <= set(found[1])


@dataclass
class SipCalls:
    """Reads the lines of one export, its header the first."""

    source: Source
    header: tuple[str, list[str]]
    lines: CsvLines = field(init=False)

    def __post_init__(self) -> None:
        self.lines = CsvLines(_KNOWN, _NEEDED, delimiter=self.header[0], others=True, spelled=plain)

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, lines: pl.Series, *, last: bool) -> Read:
        """The calls of the next lines."""
        found = self.lines.feed(lines, last=last)
        rows = found.rows.select(
            "record_number", *(pl.coalesce(names).alias(name) for name, names in _NAMES.items())
        ).with_columns(pl.when(pl.col("start") != _NEVER).then("start").alias("start"))
        calls = rows.filter(~is_extension(pl.col("callee"), self.source.extension_digits))
        return Read(self._calls(calls), found.unreadable, unbillable=rows.height - calls.height)

    def _calls(self, rows: pl.DataFrame) -> pl.DataFrame:
        country = self.source.country
        lasted = pl.col("duration").str.contains("[1-9]")
        said_here = {
            "record_id": pl.when(pl.col("from_tag").is_not_null())
            .then(dialog())
            .otherwise(pl.coalesce("callid", "id")),
            "service": pl.lit("voice"),
            "direction": pl.lit(UNSTATED),
            "account_id": pl.col("account"),
            "from_number": number(pl.col("caller"), country).fill_null("anonymous"),
            "to_number": number(pl.col("callee"), country),
            "started_at": moment(pl.col("start"), self.source.time_zone),
            "duration_seconds": pl.coalesce(_seconds(pl.col("milliseconds")), "duration"),
            "status": pl.when(pl.col("sip_code").is_not_null())
            .then(status(pl.col("sip_code")))
            .when(lasted)
            .then(pl.lit("answered"))
            .otherwise(pl.when(pl.col("duration").is_not_null()).then(pl.lit("no_answer"))),
        }
        return with_all_fields(rows.select("record_number", **said_here))


def _seconds(milliseconds: pl.Expr) -> pl.Expr:
    """Thousandths of a second as seconds with their fraction."""
    thousandths = pl.when(milliseconds.str.contains("^[0-9]{1,12}$")).then(milliseconds).str.zfill(4)
    return thousandths.str.replace("^([0-9]+)([0-9]{3})$", "${1}.${2}")
